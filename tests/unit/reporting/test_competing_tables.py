import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.provenance.claims import Claims, claim_conditions, read_claims, verdicts
from sarcoma_sbrt.provenance.disclosure import withhold
from sarcoma_sbrt.reporting.competing_tables import competing_tables
from sarcoma_sbrt.reporting.conditions import conditions
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
)

ROOT = Path(__file__).parents[3]
SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
CLAIM = re.compile(r"\[([^\[\]]*)\]\{\.claim [^{}]*\}")
GRADE = Covariate(
    "grade",
    "Histological grade",
    "patients.grade",
    Level("G1", codes=("G1",)),
    Level("G2 and G3", codes=("G2", "G3")),
)
LC = EndpointSettings(
    "lc",
    "Local control",
    "lesion",
    "first_course",
    "local_failure",
    "last_assessment",
    death="competing",
    death_gap_months=7,
)
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
ENDPOINTS = {"lc": LC, "os": OS}
ANALYSIS = Analysis(
    confidence_level=0.95,
    alpha=0.05,
    transform="log-log",
    landmarks_months=(12.0, 36.0),
    ties="efron",
    seed=1,
    trees=10,
    min_samples_leaf=3,
    permutation_repeats=2,
    covariates={"grade": GRADE},
    endpoints=("lc", "os"),
    strata={"lc": ("grade",)},
    univariable={"lc": ("grade",)},
    multivariable={"lc": {"multivariable": ("grade",)}},
    forest={},
    figures={},
    comparison=Comparison((), ()),
    left_out={},
    competing_gaps_months=(0.0, None),
)
COHORT = CohortSettings("small", "A small cohort", "observed", tables={}, times={})


def percent(key: str, value: float) -> Statistic:
    ci = Interval(value / 2, min(2 * value, 100), 0.95, "band") if value else None
    return Statistic(key, value, "percent", "Aalen-Johansen", ci=ci)


def count(key: str, value: int) -> Statistic:
    return Statistic(key, value, "count", "count")


def curves(prefix: str, event: float, death: float, more: float = 0.0) -> list[Statistic]:
    """Incidences at both landmarks; the excess at the later one."""
    return [
        record
        for month, excess in ((12, 0.0), (36, more))
        for record in (
            percent(f"{prefix}.cif_{month}m", event),
            percent(f"{prefix}.cif_death_{month}m", death),
            percent(f"{prefix}.cif_complement_{month}m", event + excess),
            Statistic(f"{prefix}.cif_difference_{month}m", excess, "percent", "difference"),
        )
    ]


def sizes(prefix: str, deaths: int = 2) -> list[Statistic]:
    counts = {"n": 58, "events": 19, "competing": deaths}
    return [count(f"{prefix}.{name}", value) for name, value in counts.items()]


def usual(more: float = 5.3, **gaps: float) -> list[Statistic]:
    found = [*sizes("lc"), *curves("lc", 65.2, 9.1, more)]
    for side in ("level", "reference"):
        found += [*sizes(f"lc.grade_{side}"), *curves(f"lc.grade_{side}", 40.0, 0.0)]
    found += [Statistic(f"lc.grade.{t}.p", 0.04, "p", "Gray") for t in ("gray", "gray_death")]
    for gap, value in (gaps or {"gap_0m": 71.3, "gap_unlimited": 35.9}).items():
        found += [*curves(f"lc.{gap}", value, 20.0), count(f"lc.{gap}.competing", 23)]
        found.append(Statistic(f"lc.{gap}.grade.gray.p", 0.3, "p", "Gray"))
    ci = Interval(0.1, 0.9, 0.95, "Wald")
    for kind in ("cox", "fine_gray"):
        for model in ("univariable", "multivariable"):
            key = f"{kind}.lc.{model}"
            found.append(Statistic(f"{key}.grade.hr", 0.5, "hazard ratio", kind, ci=ci))
            found.append(Statistic(f"{key}.grade.p", 0.02, "p", kind))
    return [*found, *sizes("fine_gray.lc.multivariable")]


def registered(
    statistics: list[Statistic],
    endpoints: dict[str, EndpointSettings] | None = None,
    analysis: Analysis = ANALYSIS,
) -> dict[str, Any]:
    endpoints = endpoints or ENDPOINTS
    numbers = computed_entries([("stage", s) for s in statistics], COHORT)
    configuration = {
        "models": {
            "confidence_level": 0.95,
            "kaplan_meier": {"landmarks_months": [12, 36]},
            "competing": {"death_gap_months": [0, None]},
        },
        "endpoints": {
            "endpoints": {
                name: {"unit": e.unit, "death_gap_months": e.death_gap_months}
                for name, e in endpoints.items()
            }
        },
    }
    return numbers | configured_entries(configuration) | plan_entries(analysis, COHORT, endpoints)


def made(
    statistics: list[Statistic],
    endpoints: dict[str, EndpointSettings] | None = None,
    analysis: Analysis = ANALYSIS,
) -> dict[str, str]:
    numbers = registered(statistics, endpoints, analysis)
    found = competing_tables(numbers, analysis, COHORT, endpoints or ENDPOINTS)
    found = {name: CLAIM.sub(r"\1", text) for name, text in found.items()}
    for text in found.values():
        assert [key for key in SHORTCODE.findall(text) if key not in numbers] == []
        assert not re.search(r"\d", SHORTCODE.sub("", text)), text
    return {
        name: SHORTCODE.sub(lambda match: numbers[match[1]]["text"], text)
        for name, text in found.items()
    }


def without(statistics: list[Statistic], *starts: str) -> list[Statistic]:
    return [s for s in statistics if not s.key.startswith(starts)]


def test_incidence_table_exactly() -> None:
    rows = made(usual())["incidence"].splitlines()
    assert rows[1] == "| Group | n | Events | At 12 months | At 36 months | *p* |"
    assert rows[3:7] == [
        "| **Local failure** |  |  |  |  |  |",
        "| All lesions | 58 | 19 | 65.2 (32.6–100.0) | 65.2 (32.6–100.0) |  |",
        "| Histological grade: G1 | 58 | 19 | 40.0 (20.0–80.0) | 40.0 (20.0–80.0) | 0.040 |",
        "| Histological grade: G2 and G3 | 58 | 19 | 40.0 (20.0–80.0) | 40.0 (20.0–80.0) |  |",
    ]
    assert rows[7] == "| **Death without local failure** |  |  |  |  |  |"
    assert rows[9] == "| Histological grade: G1 | 58 | 2 | 0.0 | 0.0 | 0.040 |"


def test_models_stand_beside_each_other() -> None:
    text = made(usual())["fine_gray"]
    row = "| Histological grade: G1 vs G2 and G3 | 0.500 (0.100–0.900) | 0.020 "
    assert text.count(row + "| 0.500 (0.100–0.900) | 0.020 |") == 2
    assert "58 lesions with 19 events (local failure) and 2 deaths without it" in text
    assert "clustered by patient" in text
    assert "Firth" not in text


def test_a_penalised_cause_specific_ratio_is_marked() -> None:
    found = [
        replace(s, method="cause-specific Cox model, Firth's penalty")
        if s.key == "cox.lc.univariable.grade.hr"
        else s
        for s in usual()
    ]
    text = made(found)["fine_gray"]
    assert "0.500 (0.100–0.900)^F^ |" in text
    assert "^F^ By Firth’s penalised likelihood, not clustered." in text


def test_the_gaps_stand_side_by_side_the_configured_one_first() -> None:
    rows = made(usual())["competing_gap"].splitlines()
    assert rows[1] == "|  | 7 months (as defined) | 0 months | No limit |"
    assert "| Deaths that compete | 2 | 23 | 23 |" in rows
    assert "| At 36 months | 65.2 (32.6–100.0) | 71.3 (35.7–100.0) | 35.9 (18.0–71.8) |" in rows
    assert "| Histological grade | 0.040 | 0.300 | 0.300 |" in rows


def test_a_configured_gap_without_limit_is_not_varied_to_itself() -> None:
    endpoints = {"lc": replace(LC, death_gap_months=None), "os": OS}
    rows = made(usual(gap_0m=71.3), endpoints)["competing_gap"].splitlines()
    assert rows[1] == "|  | No limit (as defined) | 0 months |"


def test_sentences_say_the_landmarks_once() -> None:
    found = made(usual())
    assert found["incidence_lc"] == (
        "The cumulative incidence of local failure was 65.2% at 12 and 65.2% at 36 months; that "
        "of death without local failure was 9.1% and 9.1%.\n"
    )
    assert found["complement_lc"].endswith(
        "is 65.2% at 12 and 70.5% at 36 months: 0.0 and 5.3 percentage points more.\n"
    )
    assert found["gap_lc"] == (
        "The incidence of local failure at 36 months, 65.2% as defined (2 competing deaths), would "
        "be 71.3% with a gap of 0 months (23 competing deaths) and 35.9% without a limit of the "
        "gap (23 competing deaths).\n"
    )


def test_what_cannot_be_estimated_is_named_with_its_reason() -> None:
    reason = "nobody was followed that long"
    lost = [
        not_estimable(f"lc.{name}_36m", "percent", "Aalen-Johansen", reason)
        for name in ("cif", "cif_death", "cif_complement", "cif_difference")
    ]
    kept = [s for s in usual() if s.key not in {record.key for record in lost}]
    found = made([*kept, *lost])
    assert "| All lesions | 58 | 19 | 65.2 (32.6–100.0) | not estimable |" in found["incidence"]
    # Both outcomes lack the number for one reason, and its group is named once.
    assert f"Not estimable: All lesions because {reason}." in found["incidence"]
    assert "36" not in found["incidence_lc"]
    assert "36" not in found["gap_lc"]


@pytest.mark.parametrize(
    ("reasons", "said"),
    [
        (("no competing event was observed",) * 2, "Gray’s tests of local failure because no"),
        (
            ("no competing event was observed", None),
            "Gray’s test of local failure by Histological grade because no",
        ),
    ],
)
def test_tests_that_lack_the_same_are_named_together(
    reasons: tuple[str | None, ...], said: str
) -> None:
    size = replace(GRADE, name="size", label="Lesion size")
    analysis = replace(
        ANALYSIS,
        covariates={"grade": GRADE, "size": size},
        strata={"lc": ("grade", "size")},
    )
    lost = {
        f"lc.{name}.gray.p": not_estimable(f"lc.{name}.gray.p", "p", "Gray", reason)
        for name, reason in zip(("grade", "size"), reasons, strict=True)
        if reason
    }
    kept = [statistic for statistic in usual() if statistic.key not in lost]
    assert f"Not estimable: {said}" in made([*kept, *lost.values()], analysis=analysis)["incidence"]


def test_a_cohort_without_a_competing_death_gets_nothing() -> None:
    endpoints = {"lc": replace(LC, death="censor"), "os": OS}
    assert made(usual(), endpoints) == {}
    numbers = registered(without(usual(), "lc.", "fine_gray"))
    assert competing_tables(numbers, ANALYSIS, COHORT, ENDPOINTS) == {}


# --- words --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def claims() -> Claims:
    manuscript, schemas = ROOT / "manuscript", ROOT / "workflow" / "schemas"
    path = manuscript / "claims.yaml"
    return read_claims(read_yaml(path, schemas / "claims.schema.yaml"), path.name)


@pytest.mark.parametrize(
    ("more", "word"),
    [
        (0.0, "none"),
        (0.04, "none"),
        (0.06, "negligible"),
        (0.99, "negligible"),
        (1.0, "small"),
        (4.99, "small"),
        (5.0, "moderate"),
        (10.0, "large"),
    ],
)
def test_the_size_of_the_difference_has_a_word(claims: Claims, more: float, word: str) -> None:
    made = claim_conditions(verdicts(claims, registered(usual(more))))
    told = [name for name, holds in made.items() if holds and name.startswith("claim.complement")]
    assert told == [f"claim.complement_{word}"]


def test_no_estimate_has_no_word(claims: Claims) -> None:
    made = claim_conditions(verdicts(claims, registered(sizes("lc"))))
    assert not any(made.values())


@pytest.mark.parametrize("more", [0.0, -1e-12, 5.3])
def test_the_excess_is_said_to_be_more(refusals, more: float) -> None:
    numbers = registered(usual(more))
    for text in competing_tables(numbers, ANALYSIS, COHORT, ENDPOINTS).values():
        assert refusals(text, numbers) == []


def test_an_excess_that_is_less_is_refused(refusals) -> None:
    text = competing_tables(registered(usual()), ANALYSIS, COHORT, ENDPOINTS)["complement_lc"]
    (said,) = refusals(text, registered(usual(-2.0)))
    assert said.startswith(
        "tables/words.qmd:1: complement_more: the numbers do not carry “percentage points more”, "
        "in “One minus the Kaplan-Meier estimate"
    )
    assert "lc.cif_difference_36m = -2.0" in said


@pytest.mark.parametrize(
    ("unlimited", "decides"), [(35.9, True), (60.0, False), (59.8, True), (65.2, False)]
)
def test_the_gap_decides_when_it_moves_more_than_the_estimator(
    claims: Claims, unlimited: float, decides: bool
) -> None:
    found = usual(5.3, gap_0m=65.2, gap_unlimited=unlimited)
    # as at twelve months: the claim names every landmark
    found += [
        replace(s, key=s.key.replace("_12m", "_24m")) for s in found if s.key.endswith("_12m")
    ]
    numbers = registered(found)
    assert claim_conditions(verdicts(claims, numbers))["claim.gap_decides"] is decides


def test_a_death_competes_with_local_control_alone() -> None:
    answers = conditions(registered(usual()), {}, ANALYSIS, COHORT, ENDPOINTS)
    assert (answers["competing.lc"], answers["competing.os"]) == (True, False)


def deaths_told(numbers: dict[str, Any]) -> str:
    """The sentence on the gaps, as a reader sees it."""
    text = competing_tables(numbers, ANALYSIS, COHORT, ENDPOINTS)["gap_lc"]
    return SHORTCODE.sub(lambda match: numbers[match[1]]["text"], text)


def test_a_word_does_not_tell_that_there_is_one_where_few_are_withheld() -> None:
    numbers = registered([*without(usual(), "lc.competing"), count("lc.competing", 1)])
    for entry in numbers.values():
        if entry["kind"] == "computed":
            entry["source"] = "competing"
    assert "65.2% as defined (1 competing death)" in deaths_told(numbers)
    few = withhold(numbers, SmallCells(5))
    assert "65.2% as defined (< 5 competing deaths)" in deaths_told(few)
