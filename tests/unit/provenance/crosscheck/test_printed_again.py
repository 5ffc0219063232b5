"""Printed numbers a second time: how near by hand, what excludes what, and the whole stage."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
import yaml
from cohort_run import (
    ROOT,
    compared,
    configuration_of,
    disagreeing,
    materials_of,
    published_tables,
    tables_of,
)

from sarcoma_sbrt.evidence.consistency.contrasts import symmetric_intervals, wald_p_values
from sarcoma_sbrt.evidence.published import Figure as PublishedFigure
from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.conflicts import conflicts
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.reproduction import recompute as first_values
from sarcoma_sbrt.evidence.reconstruction.search_record import read_record
from sarcoma_sbrt.io import read_json
from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.printed_again import (
    Printed,
    can_be_met,
    least_hit,
    printed_numbers,
    recompute,
    solvable,
)
from sarcoma_sbrt.reporting.reproduction_statistics import (
    Reproduction,
    reproduction_statistics,
    workflow_records,
)
from sarcoma_sbrt.reporting.statistics import to_json

TARGETS = ROOT / "data/published/targets/feng2022.csv"
PLAN = ROOT / "config/reconstruction/feng2022.yaml"
SEARCH = ROOT / "data/reconstruction/reconstructed-2022/search.json"


def targets() -> list[dict[str, str]]:
    with TARGETS.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


# --- by hand --------------------------------------------------------------------------------


def printed(part: str, text: str, **cells: str) -> Printed:
    row = dict.fromkeys(targets()[0], "") | {
        "target_id": "study.os.x.hr",
        "measure": "hazard_ratio",
        "endpoint": "os",
        "model": "univariable",
        "fitted_as": "cox.efron",
        part: text,
    }
    return Printed(row | cells, part, text)


@pytest.mark.parametrize(
    ("text", "value", "status", "near"),
    [
        ("0.629", 0.6294, "exact", True),
        ("0.629", 0.6295, "exact", True),  # prints 0.629 or 0.630
        ("0.629", 0.6304, "unit", True),
        ("0.629", 0.6306, "two_percent", True),
        ("0.629", 0.65, "miss", False),
        ("0.003", 0.0044, "unit", False),
        ("0.003", None, "miss", False),
    ],
)
def test_how_near_a_value_comes(text: str, value: float | None, status: str, near: bool) -> None:
    number = printed("estimate", text)
    assert (number.status(value), number.near(value)) == (status, near)


def test_less_than_is_met_from_below() -> None:
    number = printed("p", "0.001", p_relation="<")
    assert [number.status(v) for v in (1e-9, 0.0009999, 0.0011)] == ["exact", "exact", "unit"]


def test_a_median_is_in_whole_months() -> None:
    number = printed("estimate", "25.0", measure="median")
    assert [number.status(v) for v in (25.4, 26.0, 27.0)] == ["exact", "unit", "miss"]


def of_ratio(estimate: str, low: str, high: str, p: str = "") -> list[Printed]:
    parts = {"estimate": estimate, "ci_low": low, "ci_high": high, "p": p}
    return [printed(part, text) for part, text in parts.items() if text]


def test_a_ratio_must_lie_in_the_middle_of_its_limits() -> None:
    # The root of 0.278 times 1.381 is 0.6196.
    assert not solvable(of_ratio("0.629", "0.278", "1.381"), "exact")
    assert solvable(of_ratio("0.629", "0.278", "1.381"), "near")
    assert solvable(of_ratio("0.620", "0.278", "1.381"), "exact")
    assert solvable(of_ratio("0.629", "0.278", ""), "exact")


def test_p_must_belong_to_its_limits() -> None:
    # z is ln 0.5 over (ln 0.8 - ln 0.3125) / 3.92, which gives p 0.0038.
    assert solvable(of_ratio("0.500", "0.3125", "0.800", "0.0038"), "exact")
    assert not solvable(of_ratio("0.500", "0.3125", "0.800", "0.0068"), "exact")


def test_rates_that_a_curve_can_and_cannot_pass() -> None:
    assert can_be_met(2, [(0.5, 0.5), (0.0, 0.0)])
    assert not can_be_met(2, [(0.6, 0.7)])
    assert can_be_met(3, [(0.6, 0.7)])  # two thirds
    assert not can_be_met(3, [(0.6, 0.7), (0.8, 0.9)])  # it never rises
    # Censored between the deaths: 1/2 of 2/3.
    assert can_be_met(3, [(0.66, 0.67), (0.0, 0.0)])
    assert not can_be_met(18, [(0.5785, 0.5795), (0.0595, 0.0605)])


def test_least_sets_that_meet_all() -> None:
    sets = [frozenset("ab"), frozenset("bc"), frozenset("de")]
    assert least_hit(sets) == 2
    assert least_hit([]) == 0
    assert least_hit([frozenset("ab"), frozenset("cd"), frozenset("ac")]) == 2


def test_a_number_that_was_printed_before_counts_once() -> None:
    rows = targets()
    ids = {number.row["target_id"] for number in printed_numbers(rows, [])}
    assert "feng2022.os.median" in ids
    assert "feng2022.os.median.abstract" not in ids
    assert "feng2022.lc.model_1.grade.hr" in ids  # printed otherwise
    repeated = printed_numbers(rows, ["feng2022.lc.grade.logrank_p"])
    left_out = ids - {number.row["target_id"] for number in repeated}
    assert left_out == {"feng2022.lc.grade.logrank_p"}


# --- the stage ------------------------------------------------------------------------------

FINDING: dict[str, Any] = {
    "id": "by hand",
    "check": "landmark",
    "verdict": "impossible",
    "keys": ["feng2022.os.grade_g2_g3.rate_12m", "feng2022.os.grade_g2_g3.rate_36m"],
    "arithmetic": "no curve of 18 passes 57.9 % and 6 %",
    "detail": {"n": 18},
}
OS = "feng2022.os"
POOLED: dict[str, Any] = {
    "id": "by hand too",
    "check": "pooled_landmark",
    "verdict": "impossible",
    "keys": [
        *(f"{OS}.rate_{months}m" for months in (12, 24, 36)),
        *(
            f"{OS}.{group}.rate_{months}m"
            for group in ("grade_g1", "grade_g2_g3")
            for months in (12, 36)
        ),
    ],
    "arithmetic": "the groups die sooner than all together",
    "detail": {},
}


def report(figures: Mapping[str, PublishedFigure]) -> list[dict[str, Any]]:
    """What the consistency report finds of ratios, and by hand of curves."""
    every = list(figures.values())
    ratios = [f.to_json() for check in (symmetric_intervals, wald_p_values) for f in check(every)]
    return [*({"id": "a ratio"} | finding for finding in ratios), FINDING, POOLED]


def with_reproduction(shift: float = 0.0) -> Materials:
    """The default cohort with the first engine's statistics; times later by some months."""
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    materials = materials_of(raw, tables)
    for table in materials.endpoints.values():
        table["time_months"] = table["time_months"] * (1 + shift)
    content, rows = yaml.safe_load(PLAN.read_text(encoding="utf-8")), targets()
    stated = problem(read_plan(content), pd.DataFrame(rows))
    frames = {
        "patient": materials.covariates["patients"],
        "lesion": materials.covariates["lesions"],
    }
    records = workflow_records(stated.plan, materials.endpoints, frames, materials.plan)
    values = first_values(stated, rows, records)
    tables, package = published_tables()
    figures = published(tables, package).figures
    search = read_json(SEARCH)
    proofs, record = conflicts(values, report(figures)), read_record(search, str(SEARCH))
    found = Reproduction(stated, rows, records, values, proofs, record)
    statistics = reproduction_statistics(found, figures, materials.plan)
    return replace(
        materials,
        statistics={"reproduction": to_json("reproduction", statistics)["statistics"]},
        published=tables,
        package=package,
        configuration={**materials.configuration, "reconstruction": content},
        evidence={"consistency": {"findings": []}, "search": search},
    )


@pytest.mark.parametrize("shift", [0.0, 0.013])
def test_every_number_and_verdict_agrees(shift: float) -> None:
    materials = with_reproduction(shift)
    records = materials.statistics["reproduction"]
    assert sum(r["key"].startswith("reproduction.proof_") for r in records) > 3
    assert disagreeing(compared(materials, "reproduction", recompute(materials))) == {}


def test_the_word_of_the_report_is_not_taken() -> None:
    materials = with_reproduction()
    finding = FINDING | {"keys": ["feng2022.os.rate_12m", "feng2022.os.rate_24m"]}
    for check in ("landmark", "pooled_landmark"):
        read = {"consistency": {"findings": [finding | {"check": check}]}}
        evidence = {**materials.evidence, **read}
        assert recompute(replace(materials, evidence=evidence)) == recompute(materials)


def test_a_cohort_that_nobody_searched_for_has_nothing_to_reproduce() -> None:
    materials = materials_of(configuration_of("small"), tables_of("small"))
    assert recompute(materials) == {}


def test_the_record_of_a_search_is_added_up() -> None:
    record = {
        "seeds": [
            {"steps": 3_000_000, "near": 5, "exact": 2},
            {"steps": 3_000_000, "near": 7, "exact": 1},
            {"steps": 1_000_000, "near": 4, "exact": 0},
        ],
        "best": {"by_endpoint": [[3, 1, 5], [2, 0, 2], [2, 0, 4]]},
        "solutions": {
            "n": 9,
            "distance_near": 1,
            "distance_exact": 2,
            "least_difference": 0.25,
        },
        "alternatives": [
            {"name": "breslow", "steps": 500_000, "searches": 2, "by_endpoint": [[1, 1, 5]] * 3}
        ],
    }
    materials = with_reproduction()
    found = recompute(replace(materials, evidence={**materials.evidence, "search": record}))
    said = {
        "seeds": 3,
        "longest.seeds": 2,
        "longest.near.least": 5,
        "longest.near.most": 7,
        "longest.million_moves": 3.0,
        "shorter.seeds": 1,
        "shorter.exact.most": 0,
        "best.patient.near": 5,
        "best.lesion.near": 2,
        "best.all.exact": 1,
        "unmet": 4,
        "solutions.least_difference": 25.0,
        "alternative_1.name": "Breslow",
        "alternative_1.all.near": 3,
        "alternative_1.million_moves": 0.5,
    }
    assert {key: found[f"reproduction.search.{key}"].value for key in said} == said
