"""Published tables: what is refused, with file, line and column; what a locator says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.published import Published, Schedule, published, shown_place

ROOT = Path(__file__).parents[3]
PACKAGE: dict[str, Any] = json.loads(
    (ROOT / "data/published/datapackage.json").read_text(encoding="utf-8")
)
COLUMNS = {r["path"]: [f["name"] for f in r["schema"]["fields"]] for r in PACKAGE["resources"]}

PAPER = {
    "paper": "review2020",
    "label": "Review 2020",
    "citation": "review2020",
    "title": "A review",
    "journal": "Journal 1:1",
    "year": "2020",
    "licence": "CC-BY-4.0",
}
STUDY = {
    "study_id": "doe2015",
    "label": "Doe et al. 2015",
    "title_year": "2015",
    "role": "sbrt_series",
    "reported_in": "review2020",
    "cohort_id": "doe",
    "design": "retrospective",
    "site": "lung",
    "treatment": "sbrt",
    "patients": "24",
    "schedules": "30-60/3-8|50/5",
    "locator": "review2020 table_1",
}
RATE = {
    "outcome_id": "doe2015.lc.rate_24m",
    "study_id": "doe2015",
    "paper": "review2020",
    "place": "table_1",
    "row": "Doe et al.",
    "column": "24-Month LC (%)",
    "measure": "rate",
    "endpoint": "lc",
    "unit": "percent",
    "time_months": "24",
    "time_supported": "yes",
    "estimate": "85.9",
    "printed_text": "85.9",
    "estimator": "actuarial",
}
RATIO = RATE | {
    "outcome_id": "doe2015.lc.univariable.grade.hr",
    "place": "section_4_1",
    "row": "sentence 3",
    "column": "",
    "measure": "hazard_ratio",
    "unit": "hazard ratio",
    "time_months": "",
    "time_supported": "",
    "estimate": "0.40",
    "printed_text": "0.40",
    "ci_low": "0.20",
    "ci_high": "0.80",
    "ci_level": "95",
    "printed_ci": "0.20–0.80",
    "p": "0.01",
    "p_relation": "=",
    "printed_p": "0.01",
    "estimator": "cox",
    "level": "G1",
    "reference": "G2 and G3",
    "model": "univariable",
}


def read(
    outcomes: list[dict[str, str]],
    studies: list[dict[str, str]] | None = None,
) -> Published:
    rows = {
        "papers.csv": [PAPER],
        "studies.csv": [STUDY] if studies is None else studies,
        "outcomes.csv": outcomes,
    }
    tables = {
        path: [
            (line, {column: row.get(column, "") for column in columns} | row)
            for line, row in enumerate(rows.get(path, []), 2)
        ]
        for path, columns in COLUMNS.items()
    }
    return published(tables, PACKAGE)


def complaint(
    outcomes: list[dict[str, str]], studies: list[dict[str, str]] | None = None
) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(outcomes, studies)
    return str(caught.value).splitlines()


def test_a_row_becomes_a_figure_with_its_locator_and_a_study_with_its_schedules() -> None:
    found = read([RATE, RATIO])
    rate, ratio = found.figures["doe2015.lc.rate_24m"], found.figures[RATIO["outcome_id"]]
    assert (rate.estimate, rate.printed_text, rate.time_months) == (85.9, "85.9", 24)
    assert rate.locator == ("Review 2020, Table 1, row “Doe et al.”, column “24-Month LC (%)”")
    assert ratio.locator == "Review 2020, Section 4.1, sentence 3"
    assert (ratio.estimate, ratio.printed_text) == (0.4, "0.40")
    assert (rate.file, rate.line) == ("outcomes.csv", 2)
    assert found.studies["doe2015"].schedules == (Schedule(30, 60, 3, 8), Schedule(50, 50, 5, 5))
    assert found.of("doe2015") == [rate, ratio]


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        ("table_3", "Table 3"),
        ("section_4_1", "Section 4.1"),
        ("results_local_control", "Results, local control"),
        ("abstract", "Abstract"),
    ],
)
def test_places_are_shown_as_readers_know_them(place: str, shown: str) -> None:
    assert shown_place(place) == shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"place": ""}, "outcomes.csv:2: place: value is missing"),
        ({"row": ""}, "outcomes.csv:2: row: value is missing"),
        (
            {"estimate": "185.9", "printed_text": "185.9"},
            "outcomes.csv:2: estimate: an impossible percentage, read 185.9, accepted: 0 to 100",
        ),
        (
            {"estimate": "85.0"},
            "outcomes.csv:2: estimate: not what is printed, read 85, accepted: 85.9",
        ),
        (
            {"estimate": "high"},
            "outcomes.csv:2: estimate: value is not accepted, read high, accepted: number",
        ),
        (
            {"measure": "guess"},
            "outcomes.csv:2: measure: value is not accepted, read guess, accepted: "
            "count, proportion, rate, median, mean, range, hazard_ratio, odds_ratio, p_value, "
            "ratio, schedule, period, amount",
        ),
        ({"mood": "good"}, "outcomes.csv:2: mood: unknown column"),
        (
            {"time_months": ""},
            "outcomes.csv:2: time_months: a rate without its time, accepted: months; "
            "or the estimator crude",
        ),
        (
            {"time_supported": ""},
            "outcomes.csv:2: time_supported: value is missing, accepted: yes, no",
        ),
        (
            {"n": "24", "events": "25"},
            "outcomes.csv:2: events: more events than there are to count, read 25, accepted: ≤ 24",
        ),
        (
            {"duplicate_of": "doe2015.lc.rate_36m"},
            "outcomes.csv:2: duplicate_of: no such figure, read doe2015.lc.rate_36m, "
            "accepted: the key of another figure",
        ),
        (
            {"study_id": "roe2016"},
            "outcomes.csv:2: study_id: no such study, read roe2016, "
            "accepted: a study_id of studies.csv",
        ),
        (
            {"printed_text": ""},
            "outcomes.csv:2: printed_text: a number without its printed text, "
            "accepted: the digits as printed",
        ),
    ],
)
def test_a_bad_figure_is_refused_at_its_cell(change: dict[str, str], message: str) -> None:
    assert message in complaint([RATE | change])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"estimate": "0.90", "printed_text": "0.90"},
            "outcomes.csv:2: ci_low: the interval does not contain its estimate, read 0.20–0.80, "
            "accepted: an interval around 0.9",
        ),
        (
            {"reference": ""},
            "outcomes.csv:2: reference: a contrast without its reference, "
            "accepted: what is compared",
        ),
        (
            {"ci_level": ""},
            "outcomes.csv:2: ci_level: an interval without its level, accepted: 95",
        ),
        (
            {"ci_low": "0.80", "ci_high": "0.20", "printed_ci": "0.80–0.20"},
            "outcomes.csv:2: ci_low: the lower end lies above the upper, read 0.8, accepted: ≤ 0.2",
        ),
        (
            {"p": "0.011"},
            "outcomes.csv:2: p: not what is printed, read 0.011, accepted: 0.01",
        ),
    ],
)
def test_a_bad_contrast_is_refused_at_its_cell(change: dict[str, str], message: str) -> None:
    assert message in complaint([RATIO | change])


def test_a_study_without_outcomes_is_refused_at_its_line() -> None:
    silent = STUDY | {"study_id": "roe2016", "cohort_id": "roe"}
    assert complaint([RATE], [STUDY, silent]) == [
        "studies.csv:3: study_id: the study has no outcome, read roe2016"
    ]


def test_a_key_that_stands_twice_is_refused_with_its_first_place() -> None:
    assert complaint([RATE, RATE]) == [
        "outcomes.csv:3: outcome_id: stands twice, first at outcomes.csv:2, "
        "read doe2015.lc.rate_24m"
    ]


def test_all_that_is_wrong_is_said_at_once() -> None:
    said = complaint([RATE | {"place": ""}, RATIO | {"unit": "", "paper": ""}])
    assert [line.split(": ")[0:2] for line in said] == [
        ["outcomes.csv:2", "place"],
        ["outcomes.csv:3", "paper"],
        ["outcomes.csv:3", "unit"],
    ]


def test_a_table_that_lacks_a_column_is_refused() -> None:
    tables = {path: [(2, {"paper": "x"})] if path == "papers.csv" else [] for path in COLUMNS}
    with pytest.raises(InputError, match="the table lacks the column"):
        published(tables, copy.deepcopy(PACKAGE))
