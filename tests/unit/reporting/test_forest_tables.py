import re
from dataclasses import replace
from typing import Any

import pytest

from sarcoma_sbrt.reporting.forest_statistics import DEMANDS
from sarcoma_sbrt.reporting.forest_tables import forest_tables
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    EndpointSettings,
    ForestPlan,
    Level,
)

COVARIATES = {
    "grade": Covariate("grade", "Grade", "patients.grade", Level("G1"), Level("G2 and G3")),
    "size": Covariate("size", "Size", "derived.size_mm", Level("5 cm or less"), Level("more")),
}
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
PFS = replace(OS, name="pfs", label="Progression-free survival")
ENDPOINTS = {"os": OS, "pfs": PFS}
THRESHOLDS = {
    "events_per_candidate": 10,
    "forest_events_per_candidate": 200,
    "validation_events": 100,
    "calibration_patients": 100,
    "optimism_patients": 150,
}
GRID = ((10, "sqrt"), (5, "sqrt"), (3, "all"))
COHORT = CohortSettings("small", "A small cohort", "observed", tables={}, times={})
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
    covariates=COVARIATES,
    endpoints=("os",),
    strata={},
    univariable={},
    multivariable={},
    forest={"os": ("grade", "size")},
    figures={},
    comparison=Comparison((), ()),
    left_out={},
    forest_plan=ForestPlan(1.0, {}, GRID, THRESHOLDS),
)
CLAIM = re.compile(r"\[([^\[\]]*)\]\{\.claim [^{}]*\}")
LATE = "fewer than 10 patients are at risk then"
# Value, limits (over the repeats) and unit of each score; Kaplan-Meier's C is not estimable.
SCORES = {
    "forest.harrell": (0.70, 0.62, 0.78, "concordance"),
    "forest.harrell.se": (0.08, None, None, "concordance"),
    "forest.integrated_brier": (0.15, 0.14, 0.17, "score"),
    "forest.gain": (12.0, -3.0, 20.0, "percent"),
    "forest.brier_12m": (0.18, 0.16, 0.20, "score"),
    "cox.harrell": (0.68, 0.64, 0.71, "concordance"),
    "cox.harrell.se": (0.07, None, None, "concordance"),
    "cox.brier_12m": (0.17, 0.16, 0.18, "score"),
    "kaplan_meier.integrated_brier": (0.17, 0.16, 0.18, "score"),
    "concordance_gain": (0.02, -0.04, 0.09, "concordance"),
    "importance.grade": (0.20, 0.10, 0.30, "importance"),
    "importance.size": (0.01, -0.02, 0.04, "importance"),
    "horizon": (28.0, None, None, "months"),
}


def scores(endpoint: str = "os", **changes) -> list[Statistic]:
    found = []
    for name, (value, low, high, unit) in (SCORES | changes).items():
        ci = None if low is None else Interval(low, high, 0.95, "quantiles")
        found.append(Statistic(f"forest.{endpoint}.cv.{name}", value, unit, "m", ci=ci))
    for name in ("forest.brier_36m", "cox.brier_36m"):
        found.append(not_estimable(f"forest.{endpoint}.cv.{name}", "score", "m", LATE))
    return found


def grown(endpoint: str = "os") -> list[Statistic]:
    values = {
        "concordance": (0.69, "concordance"),
        "concordance.se": (0.05, "concordance"),
        "untuned.concordance": (0.66, "concordance"),
        "tuned.min_samples_leaf": (3, "count"),
        "tuned.max_features": ("all covariates", "text"),
    }
    return [
        Statistic(f"forest.{endpoint}.{name}", value, unit, "m")
        for name, (value, unit) in values.items()
    ]


def carried(endpoint: str = "os", met: tuple[str, ...] = ()) -> list[Statistic]:
    key = f"forest.{endpoint}"
    counts = {"n": 37, "patients": 37, "events": 28, "candidates": 2, "capacity.covariates": 1}
    found = [Statistic(f"{key}.{name}", count, "count", "m") for name, count in counts.items()]
    ratio = f"{key}.capacity.events_per_candidate"
    found.append(Statistic(ratio, 14.0, "ratio", "m"))
    for demand in DEMANDS:
        says = "yes" if demand in met else "no"
        found.append(Statistic(f"{key}.capacity.{demand}.met", says, "text", "m"))
    return found


def registered(*groups: list[Statistic], analysis: Analysis = ANALYSIS) -> dict[str, Any]:
    grid = [{"min_samples_leaf": leaf, "max_features": tried} for leaf, tried in GRID]
    models = {
        "confidence_level": 0.95,
        "kaplan_meier": {"landmarks_months": [12, 36]},
        "forest": {"thresholds": THRESHOLDS, "cross_validation": {"grid": grid}},
    }
    numbers = computed_entries([("forest", s) for group in groups for s in group], COHORT)
    numbers |= configured_entries({"models": models})
    return numbers | plan_entries(analysis, COHORT, ENDPOINTS)


def made(*groups: list[Statistic], analysis: Analysis = ANALYSIS) -> dict[str, str]:
    """Tables and sentences as they are printed."""
    numbers = registered(*groups, analysis=analysis)
    return {
        name: re.sub(
            r"{{< num (\S+) >}}",
            lambda match: str(numbers[match[1]]["text"]),
            CLAIM.sub(r"\1", text),
        )
        for name, text in forest_tables(numbers, analysis, COHORT).items()
    }


def test_each_endpoints_scores_stand_beside_each_other() -> None:
    lines = made(carried(), grown(), scores())["forest"].splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert rows == [
        "| Measure | Forest | Cox | Kaplan-Meier |",
        "| **Overall survival, up to 28.0 months** |  |  |  |",
        "| Harrell’s C | 0.700 (0.620–0.780) | 0.680 (0.640–0.710) | – |",
        "| &emsp;Standard error | 0.080 | 0.070 | – |",
        "| Integrated Brier score | 0.150 (0.140–0.170) | – | 0.170 (0.160–0.180) |",
        "| &emsp;Fall against Kaplan-Meier, % | 12.0 (−3.0 to 20.0) | – | – |",
        "| Brier score at 12 months | 0.180 (0.160–0.200) | 0.170 (0.160–0.180) | – |",
    ]
    assert f"A time without rows is not scored, because {LATE}." in lines[-4]


def test_a_model_without_scores_says_why() -> None:
    lost = "in 9 of 50 folds there is no fit, the first because no covariate varies"
    kept = [s for s in scores() if ".cv.cox." not in s.key]
    kept.append(not_estimable("forest.os.cv.cox.harrell", "concordance", "m", lost))
    parts = made(carried(), grown(), kept)
    assert f"Overall survival, Cox: not estimable, because {lost}." in parts["forest"]
    assert f"the Cox model’s is not estimable, because {lost}." in parts["forest_words"]


def test_what_is_asked_stands_beside_what_there_is() -> None:
    table = made(carried(met=("regression",)), grown(), scores())["forest_capacity"]
    assert "| Candidate covariates |  | 2 |" in table
    assert "| Events per candidate, for a Cox model | 10 | 14.00 (yes) |" in table
    assert "| Events per candidate, for a forest | 200 | 14.00 (no) |" in table
    assert "| Patients, for optimism | 150 | 37 (no) |" in table


@pytest.mark.parametrize(
    ("of_os", "of_pfs", "sentences"),
    [
        (
            (),
            (),
            (
                "covariate [@peduzzi1995]: no endpoint has them. By that rule the events carry 1 "
                "of the 2 candidates for overall survival and 1 of the 2 candidates for "
                "progression-free survival.",
                "still optimistic with 200 events per candidate covariate [@vanderploeg2014]: no "
                "endpoint has them.",
                "with at least 100 patients (no endpoint has them), and optimism with at least 150 "
                "patients (no endpoint has them).",
                "They are no means of predicting another patient’s course",
            ),
        ),
        (
            ("regression", "validation"),
            ("regression",),
            (
                "covariate [@peduzzi1995]: every endpoint has them. In simulations a forest",
                "events [@vergouwe2005]: overall survival has them and progression-free survival "
                "has not.",
            ),
        ),
    ],
)
def test_the_words_follow_what_the_data_carry(of_os, of_pfs, sentences) -> None:
    analysis = replace(ANALYSIS, forest={"os": ("grade", "size"), "pfs": ("grade", "size")})
    groups = (carried(met=of_os), carried("pfs", of_pfs), grown(), grown("pfs"))
    words = made(*groups, scores(), scores("pfs"), analysis=analysis)["forest_capacity_words"]
    for sentence in sentences:
        assert sentence in words


def test_data_that_carry_a_forest_are_not_called_too_few() -> None:
    words = made(carried(met=tuple(DEMANDS)), grown(), scores())["forest_capacity_words"]
    assert "no means of predicting" not in words
    assert "By that rule" not in words


def test_the_words_read_the_scores() -> None:
    assert made(carried(), grown(), scores())["forest_words"] == (
        "For overall survival tuning on all patients chose leaves of at least 3 with all "
        "covariates tried at each split; the out-of-bag concordance was 0.690 (standard error "
        "0.050), 0.660 without tuning. In held-out patients Harrell’s C was 0.700 (standard "
        "error 0.080; 95% limits from that standard error exclude one half) and the Cox model’s "
        "0.680, a difference smaller than either standard error. The forest’s integrated Brier "
        "score was 0.150, that of the Kaplan-Meier curve 0.170: whether it predicts better than "
        "that curve, which has no covariate, depends on how the patients were split. The "
        "concordance fell in nearly every repeat when Grade was permuted, by 0.200 "
        "(0.100–0.300).\n"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"forest.harrell": (0.64, 0.5, 0.7, "concordance")}, "error include one half"),
        (
            {"cox.harrell": (0.78, 0.7, 0.8, "concordance")},
            "a difference of at least the smaller standard error.",
        ),
        (
            {"forest.gain": (12.0, 3.0, 20.0, "percent")},
            "improved the prediction in nearly every repeat",
        ),
        ({"forest.gain": (-9.0, -20.0, -1.0, "percent")}, "it predicted worse than that curve"),
        (
            {"importance.grade": (0.2, -0.1, 0.3, "importance")},
            "Permuting no covariate lowered the concordance in nearly every repeat.",
        ),
        (
            {"importance.size": (0.02, 0.01, 0.04, "importance")},
            "The concordance fell in nearly every repeat when Grade was permuted, by 0.200 "
            "(0.100–0.300); it fell in nearly every repeat when Size was permuted, by 0.020 "
            "(0.010–0.040).",
        ),
    ],
)
def test_other_scores_other_words(changes, said) -> None:
    assert said in made(carried(), grown(), scores(**changes))["forest_words"]


# Scores that the words of `SCORES` do not hold for, with the claim that then fails.
OTHERWISE = [
    ({"forest.harrell": (0.64, 0.5, 0.7, "concordance")}, "forest_beyond_chance"),
    ({"cox.harrell": (0.78, 0.7, 0.8, "concordance")}, "forest_close"),
    ({"forest.gain": (12.0, 3.0, 20.0, "percent")}, "forest_undecided"),
    ({"forest.gain": (-9.0, -20.0, -1.0, "percent")}, "forest_undecided"),
    ({"importance.grade": (0.2, -0.1, 0.3, "importance")}, "forest_costly"),
]


@pytest.mark.parametrize("changes", [{}, *(changes for changes, _ in OTHERWISE)])
@pytest.mark.parametrize("met", [(), ("regression", "validation"), tuple(DEMANDS)])
def test_the_claims_of_every_wording_are_carried(refusals, changes, met) -> None:
    analysis = replace(ANALYSIS, forest={"os": ("grade", "size"), "pfs": ("grade", "size")})
    groups = (carried(met=met), carried("pfs", met[:1]), grown(), grown("pfs"))
    both = (*groups, scores(**changes), scores("pfs"))
    numbers = registered(*both, analysis=analysis)
    found = forest_tables(numbers, analysis, COHORT)
    # The grid is told in the methods.
    for name in found.keys() - {"forest_grid"}:
        assert refusals(found[name], numbers) == []


@pytest.mark.parametrize(("changes", "name"), OTHERWISE)
@pytest.mark.parametrize("turned", [False, True])
def test_words_of_other_scores_are_refused(refusals, changes, name, turned) -> None:
    usual, other = ((carried(), grown(), scores(**c)) for c in ({}, changes))
    worded, read = (other, usual) if turned else (usual, other)
    words = forest_tables(registered(*worded), ANALYSIS, COHORT)["forest_words"]
    said = refusals(words, registered(*read))
    assert len(said) == 1
    assert said[0].startswith("tables/words.qmd:1: forest_")
    assert "the numbers do not carry" in said[0]
    assert turned or f": {name}: " in said[0]


def test_a_message_names_the_sentence_and_the_numbers(refusals) -> None:
    words = forest_tables(registered(carried(), grown(), scores()), ANALYSIS, COHORT)
    numbers = registered(
        carried(), grown(), scores(**{"cox.harrell": (0.9, 0.8, 1, "concordance")})
    )
    (said,) = refusals(words["forest_words"], numbers)
    assert said == (
        "tables/words.qmd:1: forest_close: the numbers do not carry “a difference smaller than "
        "either standard error”, in “In held-out patients Harrell’s C was 0.700 (standard error "
        "0.080; 95% limits from that standard error exclude one half) and the Cox model’s 0.900, "
        "a difference smaller than either standard error.”, read "
        "forest.os.cv.forest.harrell = 0.7; "
        "forest.os.cv.cox.harrell = 0.9; forest.os.cv.forest.harrell.se = 0.08; "
        "forest.os.cv.cox.harrell.se = 0.07, accepted: abs(forest.os.cv.forest.harrell - "
        "forest.os.cv.cox.harrell) < min(forest.os.cv.forest.harrell.se, "
        "forest.os.cv.cox.harrell.se)"
    )


@pytest.mark.parametrize(
    ("worded", "read", "names"),
    [
        ((), tuple(DEMANDS), {"capacity_none", "capacity_describes"}),
        (tuple(DEMANDS), (), {"capacity_every"}),
        (("regression",), (), {"capacity_every"}),
    ],
)
def test_words_of_what_other_data_carry_are_refused(refusals, worded, read, names) -> None:
    words = forest_tables(registered(carried(met=worded), grown(), scores()), ANALYSIS, COHORT)
    said = refusals(
        words["forest_capacity_words"], registered(carried(met=read), grown(), scores())
    )
    assert {problem.split(": ")[1] for problem in said} == names


def test_an_endpoint_that_alone_has_enough_is_held_to_it(refusals) -> None:
    analysis = replace(ANALYSIS, forest={"os": ("grade", "size"), "pfs": ("grade", "size")})

    def of(*, os: tuple[str, ...], pfs: tuple[str, ...]) -> dict[str, Any]:
        groups = (carried(met=os), carried("pfs", pfs), grown(), grown("pfs"))
        return registered(*groups, scores(), scores("pfs"), analysis=analysis)

    one = of(os=("validation",), pfs=())
    words = forest_tables(one, analysis, COHORT)["forest_capacity_words"]
    said = refusals(words, of(os=(), pfs=("validation",)))
    assert [problem.split(": ")[1] for problem in said] == ["capacity_met", "capacity_unmet"]


def test_importances_that_could_not_be_had_are_not_told() -> None:
    lost = [
        not_estimable(f"forest.os.cv.importance.{name}", "importance", "m", "no pair")
        for name in ("grade", "size")
    ]
    kept = [s for s in scores() if ".importance." not in s.key]
    assert "oncordance in nearly" not in made(carried(), grown(), kept, lost)["forest_words"]


def test_no_forest_and_no_cross_validation_have_their_reason() -> None:
    few = "fewer than ten events were observed"
    names = ("concordance", "cv.forest.harrell", "cv.cox.harrell")
    lost = [not_estimable(f"forest.os.{name}", "concordance", "m", few) for name in names]
    parts = made(carried(), lost)
    assert parts["forest_words"] == f"For overall survival no forest was grown, because {few}.\n"
    assert "forest" not in parts
    kept = [s for s in lost if ".cv." in s.key]
    words = made(carried(), grown(), kept)["forest_words"]
    assert words.endswith(f"It was not cross-validated, because {few}.\n")


def test_the_grid_is_told_point_by_point() -> None:
    assert made(carried(), grown(), scores())["forest_grid"] == (
        "Tuning chose among leaves of at least 10 or 5 with the square root of the number of "
        "covariates tried at each split and leaves of at least 3 with all covariates tried at "
        "each split.\n"
    )


def test_without_a_forest_there_is_nothing() -> None:
    assert made(analysis=replace(ANALYSIS, forest={})) == {}
