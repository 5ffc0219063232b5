"""Counts, single numbers, proofs and tables of what a reconstructed cohort reproduces."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.conflicts import conflicts
from sarcoma_sbrt.evidence.reconstruction.nearness import STATUSES
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.reproduction import (
    Counts,
    endpoint_records,
    recompute,
    score,
)
from sarcoma_sbrt.evidence.reconstruction.search_record import (
    Alternative,
    Search,
    SearchRecord,
    Solutions,
)
from sarcoma_sbrt.io import read_json, read_rows, read_yaml
from sarcoma_sbrt.provenance.claims import claim_conditions, read_claims, verdicts
from sarcoma_sbrt.provenance.disclosure import disclosure_conditions
from sarcoma_sbrt.reporting.conditions import conditions
from sarcoma_sbrt.reporting.numbers import computed_entries, plan_entries, support_of
from sarcoma_sbrt.reporting.over_solutions import COUNT
from sarcoma_sbrt.reporting.reproduction_statistics import (
    BLOCKS,
    STAGE,
    Reproduction,
    reproduction_statistics,
    target_table,
    workflow_records,
)
from sarcoma_sbrt.reporting.reproduction_tables import reproduction_tables
from sarcoma_sbrt.reporting.statistics import from_json, to_json
from sarcoma_sbrt.reporting.transcribed import published_entries
from sarcoma_sbrt.settings import plan_settings

ROOT = Path(__file__).parents[3]
DATA = ROOT / "data/published"
PACKAGE = read_json(DATA / "datapackage.json")
PUBLISHED = published(
    {str(DATA / r["path"]): read_rows(DATA / r["path"]) for r in PACKAGE["resources"]}, PACKAGE
)
ROWS = [cells for _, cells in read_rows(DATA / "targets/feng2022.csv")]


def config(name):
    return yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))


SETTINGS = plan_settings(
    {
        "name": "reconstructed-2022",
        "seed": 1,
        "cohort": config("cohorts/reconstructed-2022"),
        "endpoints": config("endpoints"),
        "models": config("models"),
    }
)
FENG = problem(read_plan(config("reconstruction/feng2022")), pd.DataFrame(ROWS))
FINDING = {
    "id": "consistency.landmark.feng2022.os.grade_g2_g3.rate_12m",
    "check": "landmark",
    "verdict": "impossible",
    "keys": ["feng2022.os.grade_g2_g3.rate_12m", "feng2022.os.grade_g2_g3.rate_36m"],
    "arithmetic": "all orders were tried",
    "detail": {"n": 18},
}


def record(found):
    scores = score(found)
    other = {name: Counts(c.near + 1, c.exact, c.of) for name, c in scores.items()}
    return SearchRecord(
        study="feng2022",
        plan_sha256="0" * 64,
        targets_sha256="1" * 64,
        searches=(
            *(Search(seed, 3_000_000, 80 + seed, 40 - seed, ()) for seed in (1, 2, 3)),
            Search(4, 1_250_000, 70, 20, ()),
            Search(5, 1_000_000, 60, 30, ()),
        ),
        best_seed=3,
        best=scores,
        solutions=Solutions(20, 3, 9, 0.31),
        alternatives=(Alternative("grades 18/4/15", other, 500_000, 2),),
        sha256={},
    )


@cache
def reproduction():
    chain = FENG.start(5)
    records = endpoint_records(FENG.plan, *FENG.tables(chain.patients, chain.lesions))
    found = recompute(FENG, ROWS, records)
    proofs = conflicts(found, [FINDING])
    return Reproduction(FENG, ROWS, records, found, proofs, record(found))


@cache
def statistics():
    made = reproduction_statistics(reproduction(), PUBLISHED.figures, SETTINGS)
    assert len({s.key for s in made}) == len(made)
    return {s.key: s for s in made}


def registry(made=None):
    numbers = computed_entries(
        [(STAGE, s) for s in (made or statistics()).values()], SETTINGS.cohort
    )
    numbers |= plan_entries(SETTINGS.analysis, SETTINGS.cohort, SETTINGS.endpoints)
    return numbers | published_entries(PUBLISHED)


def count(whom, what):
    return statistics()[f"{STAGE}.count.{whom}.{what}"].value


def test_the_readme_says_what_the_default_cohort_reproduces() -> None:
    folder = ROOT / "data/reconstruction/reconstructed-2022"
    tables = [pd.read_csv(folder / f"{name}.csv") for name in ("patients", "lesions")]
    found = recompute(FENG, ROWS, endpoint_records(FENG.plan, *tables))
    n = Counter(target.status for target in found)
    told = (
        f"Of {len(found)} printed survival statistics the default cohort prints {n['exact']} the "
        f"same; {n['unit']} more lie within one unit of the last digit, {n['two_percent']} more "
        f"within 2 %, {n['miss']} further off."
    )
    assert told in " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())


def test_every_number_is_counted_once_on_each_level() -> None:
    for whom in ("all", "patient", "lesion", "os", "pfs", "lc"):
        assert sum(count(whom, status) for status in STATUSES) == count(whom, "n")
        missed = sum(count(whom, kind) for kind in ("impossible", "jointly", "not_found"))
        assert missed == count(whom, "n") - count(whom, "exact")
    for what in ("n", "near", *STATUSES):
        assert count("os", what) + count("pfs", what) == count("patient", what)
        assert count("patient", what) + count("lesion", what) == count("all", what)
        assert sum(count(f"lc.{block}", what) for block in BLOCKS) == count("lesion", what)
    assert (count("patient", "n"), count("lesion", "n")) == (89, 52)
    scores = score(reproduction().recomputed)
    assert {name: count(name, "near") for name in scores} == {k: c.near for k, c in scores.items()}


def test_a_number_has_its_value_and_prints_as_many_digits_as_it_is_held_against() -> None:
    numbers = registry()
    digits = Counter()
    for one in reproduction().recomputed:
        entry = numbers[f"{STAGE}.{one.target_id.removeprefix('feng2022.')}"]
        assert entry["value"] == one.value
        if one.value is None:
            assert entry["text"] == "not estimable"
            continue
        places = len(one.number.text.partition(".")[2])
        assert entry["digits"] == places
        if not entry["text"].startswith("<"):
            assert len(entry["text"].partition(".")[2]) == places, one.target_id
        if one.status == "exact" and one.part != "p":
            same = f"published.{one.row['target_id']}"
            same += {"ci_low": ".low", "ci_high": ".high"}.get(one.part, "")
            if one.part in ("estimate", "ci_low", "ci_high"):
                assert entry["text"] == numbers[same]["text"]
        digits[places] += 1
    assert digits[4] >= 2  # p values of Table 3


def test_nothing_that_is_held_against_a_printed_number_is_filler() -> None:
    marks = Counter(support_of(s, SETTINGS.cohort) for s in statistics().values())
    assert marks["filler"] == 0
    assert marks["printed"] > 100


def test_statistics_survive_their_file() -> None:
    made = list(statistics().values())
    again = from_json(to_json(STAGE, made))
    assert sorted(again, key=lambda s: s.key) == sorted(made, key=lambda s: s.key)


def test_the_targets_file_has_a_reason_for_all_but_the_exact() -> None:
    table = target_table(reproduction())
    assert list(table.columns[:1]) == ["target_id"]
    assert len(table) == 141
    assert set(table["status"]) <= set(STATUSES)
    assert ((table["reason"] == "") == (table["status"] == "exact")).all()
    proved = table["reason"].str.contains("proved impossible")
    assert ((table["proof"] != "") == proved).all()
    assert proved.sum() >= 2
    given = table[table["recomputed"] != ""]
    assert (given["recomputed"].astype(float) >= 0).all()


def test_proofs_say_what_cannot_hold_together() -> None:
    made = statistics()
    assert made[f"{STAGE}.proved.exact"].value == 3
    assert made[f"{STAGE}.proved.near"].value == 0
    told = {
        s.value: made[key.replace(".numbers", ".argument")].value
        for key, s in made.items()
        if key.endswith(".numbers")
    }
    rates = "Overall survival at 12 months, grade G2 and G3; "
    rates += "Overall survival at 36 months, grade G2 and G3"
    assert told[rates] == "all orders were tried"
    assert any(": estimate, lower limit, upper limit" in numbers for numbers in told)


def test_tables_hold_keys_of_the_registry_and_no_digit_of_their_own() -> None:
    numbers = registry()
    made = reproduction_tables(numbers, SETTINGS.cohort)
    assert list(made) == [
        "reproduction",
        "reproduction_missed",
        "reproduction_proofs",
        "reproduction_conventions",
        "reproduction_all",
    ]
    for text in made.values():
        keys = re.findall(r"\{\{< num (\S+) >\}\}", text)
        assert keys
        assert set(keys) <= numbers.keys()
        assert not re.search(r"\d", re.sub(r"\{\{<.*?>\}\}", "", text))
    rows = {one.row["target_id"] for one in reproduction().recomputed}
    assert made["reproduction_all"].count(".subject >}}") == len(rows)
    missed = [one for one in reproduction().recomputed if one.status == "miss"]
    assert made["reproduction_missed"].count(".why >}}") == len(missed)
    assert "search.alternative_1.name" in made["reproduction_conventions"]
    assert "last event time here" in made["reproduction_all"]
    for name in ("reproduction_missed", "reproduction_all"):
        assert "Peto’s or Cox’s" in made[name]


def test_notes_stand_only_where_they_concern_a_row() -> None:
    def curves(key: str) -> bool:
        return key.partition(".")[2].startswith(("os.rate_", "count."))

    numbers = {key: entry for key, entry in registry().items() if curves(key)}
    everything = reproduction_tables(numbers, SETTINGS.cohort)["reproduction_all"]
    assert "os.rate_12m.subject" in everything
    assert not re.search("last event time|Peto", everything)


def test_the_section_asks_for_nothing_that_is_not_there() -> None:
    text = (ROOT / "manuscript/sections/reproduction.qmd").read_text(encoding="utf-8")
    keys = set(re.findall(r"num (\S+) >", text))
    assert len(keys) > 15
    assert COUNT in keys <= registry().keys()


def test_a_cohort_that_no_search_found_has_no_tables() -> None:
    assert reproduction_tables({}, SETTINGS.cohort) == {}


@pytest.mark.parametrize("level", ["patient", "lesion"])
def test_the_text_is_told_when_the_run_is_not_the_search(level: str) -> None:
    def asked(made):
        numbers = registry(made)
        return conditions(numbers, {}, SETTINGS.analysis, SETTINGS.cohort, SETTINGS.endpoints)

    found = asked(statistics())
    assert found["reproduction.as_searched"]
    assert found["has.reproduction"]
    assert found["has.reproduction.search.solutions"]
    key = f"{STAGE}.count.{level}.exact"
    other = statistics() | {key: replace(statistics()[key], value=99)}
    assert not asked(other)["reproduction.as_searched"]


def test_budgets_are_told_apart_with_how_far_they_came() -> None:
    numbers = registry()
    key = f"{STAGE}.search."
    said = {k.removeprefix(key): v["text"] for k, v in numbers.items() if k.startswith(key)}
    assert said["seeds"] == "5"
    assert (said["longest.seeds"], said["longest.million_moves"]) == ("3", "3")
    assert (said["shorter.seeds"], said["shorter.million_moves"]) == ("2", "1.3")
    assert [said[f"longest.near.{end}"] for end in ("least", "most")] == ["81", "83"]
    assert [said[f"shorter.exact.{end}"] for end in ("least", "most")] == ["20", "30"]
    assert said["alternative_1.million_moves"] == "0.5"
    assert said["alternative_1.name"] == "Grades 18/4/15"
    best = reproduction().record.best.values()
    assert said["unmet"] == str(141 - sum(counts.near for counts in best))
    for what in ("exact", "near"):
        proved, most = (
            numbers[f"{STAGE}.{name}.{what}"]["value"] for name in ("proved", "attainable")
        )
        assert proved + most == 141
    assert numbers[f"{STAGE}.proved.exact"]["value"] > 0


def test_searches_of_one_budget_have_no_shorter_ones() -> None:
    found = reproduction()
    alone = replace(found.record, searches=found.record.longest)
    made = reproduction_statistics(replace(found, record=alone), PUBLISHED.figures, SETTINGS)
    assert not any(".shorter." in s.key for s in made)


@pytest.mark.parametrize("absent", [".shorter", ".solutions", ".alternative_1"])
def test_what_the_record_lacks_is_asked_for_only_where_it_is_there(absent: str) -> None:
    texts = [
        (ROOT / f"manuscript/sections/{name}.qmd").read_text(encoding="utf-8")
        for name in ("methods", "reproduction", "supplement")
    ]
    numbers = {
        key: entry
        for key, entry in registry().items()
        if not key.startswith(f"{STAGE}.search{absent}")
    }
    answers = conditions(numbers, {}, SETTINGS.analysis, SETTINGS.cohort, SETTINGS.endpoints)
    claims = read_claims(
        read_yaml(ROOT / "manuscript/claims.yaml", ROOT / "workflow/schemas/claims.schema.yaml"),
        "claims.yaml",
    )
    answers |= disclosure_conditions(None) | claim_conditions(verdicts(claims, numbers))
    shown = "".join(visible(text, answers) for text in texts)
    asked = set(re.findall(r"num (reproduction\.search\S*) >", shown))
    assert asked <= numbers.keys()
    assert asked


def visible(text: str, answers: dict[str, bool]) -> str:
    """Text without what its conditions hide: spans, then fenced blocks within each other."""
    span = re.compile(
        r"\[((?:[^][]|\[[^][]*\])*)\]\{\.content-(visible|hidden) when-meta=\"(\S+)\"\}"
    )
    text = span.sub(lambda m: m[1] if answers[m[3]] == (m[2] == "visible") else "", text)
    shown, kept = [True], []
    for line in text.splitlines():
        if match := re.fullmatch(r"::: \{\.content-(visible|hidden) when-meta=\"(\S+)\"\}", line):
            shown.append(shown[-1] and answers[match[2]] == (match[1] == "visible"))
        elif line == ":::":
            shown.pop()
        elif shown[-1]:
            kept.append(line)
    assert shown == [True]
    return "\n".join(kept)


def test_the_runs_tables_become_records_of_the_plans_covariates() -> None:
    patients = pd.DataFrame(
        {
            "patient_id": ["a", "b", "c"],
            "patients.grade": ["G1", "G3", None],
            "patients.setting": ["recurrence", "oligometastasis", "recurrence"],
            "derived.number_of_lesions": [1, 2, 1],
            "derived.size_mm": [50.0, 51.0, 10.0],
            "derived.bed10_gy": [100.0, 99.0, 120.0],
        }
    )
    table = pd.DataFrame(
        {"patient_id": ["c", "a", "b"], "time_months": [3.0, 1.0, 2.0], "event": [2, 1, 0]}
    )
    found = workflow_records(FENG.plan, {"os": table}, {"patient": patients}, SETTINGS)
    assert list(found) == ["os"]
    assert found["os"].months.tolist() == [3.0, 1.0, 2.0]
    assert found["os"].event.tolist() == [2, 1, 0]
    codes = found["os"].codes
    assert list(codes.columns) == list(FENG.plan.covariates)
    assert codes["size"].tolist() == [1.0, 1.0, 0.0]
    assert codes["bed10"].tolist() == [0.0, 0.0, 1.0]
    assert np.isnan(codes["grade"].iloc[0])
    assert codes["grade"].tolist()[1:] == [1.0, 0.0]
