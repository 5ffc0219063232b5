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
    "reference": "Roe R. A review. Journal 2020;1:1",
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
    "bed10_low_gy": "41.25",
    "bed10_high_gy": "180",
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
COUNT = {
    "outcome_id": "doe2015.patients",
    "study_id": "doe2015",
    "paper": "review2020",
    "place": "table_1",
    "row": "Doe et al.",
    "column": "Patients",
    "measure": "count",
    "endpoint": "patients",
    "unit": "count",
    "unit_of_analysis": "patient",
    "estimate": "24",
    "printed_text": "24",
    "estimator": "descriptive",
}
SCHEDULE = COUNT | {
    "outcome_id": "doe2015.schedule.50gy_5fx",
    "column": "Dose",
    "measure": "schedule",
    "endpoint": "schedule",
    "unit": "Gy",
    "unit_of_analysis": "",
    "estimate": "",
    "printed_text": "50 Gy/5 fx",
    "dose_low_gy": "50",
    "dose_high_gy": "50",
    "fractions_low": "5",
    "fractions_high": "5",
}
SCHEDULES = SCHEDULE | {
    "outcome_id": "doe2015.schedule.30_60gy_3_8fx",
    "printed_text": "30–60 Gy/3–8 fx",
    "dose_low_gy": "30",
    "dose_high_gy": "60",
    "fractions_low": "3",
    "fractions_high": "8",
}
# What the numbers of the study are figures of.
OF_THE_STUDY = [COUNT, SCHEDULE, SCHEDULES]
PERIOD = COUNT | {
    "outcome_id": "doe2015.period",
    "place": "section_2",
    "row": "sentence 1",
    "column": "",
    "measure": "period",
    "endpoint": "period",
    "unit": "yyyymm",
    "unit_of_analysis": "",
    "estimate": "",
    "printed_text": "",
    "range_low": "200906",
    "range_high": "201912",
    "printed_range": "June 2009 and December 2019",
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
    papers: list[dict[str, str]] | None = None,
) -> Published:
    """Contents of the tables, with the figures that the study's own numbers need put last."""
    rows = {
        "papers.csv": [PAPER] if papers is None else papers,
        "studies.csv": [STUDY] if studies is None else studies,
        "outcomes.csv": [*outcomes, *OF_THE_STUDY],
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
    outcomes: list[dict[str, str]],
    studies: list[dict[str, str]] | None = None,
    papers: list[dict[str, str]] | None = None,
) -> list[str]:
    with pytest.raises(InputError) as caught:
        read(outcomes, studies, papers)
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
    assert found.of("doe2015")[:2] == [rate, ratio]
    assert found.studies["doe2015"].bed10_low_gy == 41.25


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
        (
            {"estimate": "nan"},
            "outcomes.csv:2: estimate: value is not accepted, read nan, accepted: number",
        ),
        (
            {"column": ""},
            "outcomes.csv:2: column: a figure of a table without its column, accepted: its header",
        ),
        ({"mood": "good"}, "outcomes.csv:1: mood: unknown column"),
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
            {"subset_of": "doe2015.patients; doe2015.lesions"},
            "outcomes.csv:2: subset_of: no such figure, read doe2015.lesions, "
            "accepted: the key of another figure",
        ),
        (
            {"subset_of": "doe2015.lc.rate_24m"},
            "outcomes.csv:2: subset_of: no such figure, read doe2015.lc.rate_24m, "
            "accepted: the key of another figure",
        ),
        (
            {"paper": "review1999"},
            "outcomes.csv:2: paper: no such paper, read review1999, "
            "accepted: a paper of papers.csv",
        ),
        (
            {"estimate": "", "printed_text": "", "relation": ">"},
            "outcomes.csv:2: relation: a relation without an estimate, read >, "
            "accepted: an estimate",
        ),
        (
            {"relation": "over"},
            "outcomes.csv:2: relation: value is not accepted, read over, accepted: <, <=, >, >=, ~",
        ),
        (
            {"favours": "sbrt"},
            "outcomes.csv:2: favours: a side is favoured, and nothing compared, read sbrt, "
            "accepted: a ratio or p with level and reference",
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


def test_a_footnote_needs_no_column_and_a_contrast_may_favour_a_side() -> None:
    footnote = RATE | {"row": "footnote a", "column": "", "relation": ">="}
    found = read([footnote, RATIO | {"favours": "grade_low"}])
    assert found.figures["doe2015.lc.rate_24m"].relation == ">="
    assert found.figures[RATIO["outcome_id"]].favours == "grade_low"


SPREAD = {"measure": "range", "estimate": "", "printed_text": "", "time_supported": ""}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            RATE | SPREAD | {"range_low": "85", "range_high": "197", "printed_range": "85 to 197"},
            "outcomes.csv:2: range_high: an impossible percentage, read 197, accepted: 0 to 100",
        ),
        (
            RATE
            | {"measure": "median", "range_low": "85", "range_high": "101"}
            | {"printed_range": "85–101"},
            "outcomes.csv:2: range_high: an impossible percentage, read 101, accepted: 0 to 100",
        ),
        (
            COUNT
            | {"outcome_id": "doe2015.sex.male", "estimate": "40", "printed_text": "40"}
            | {"n": "37", "printed_n": "37"},
            "outcomes.csv:2: estimate: a count above its n, read 40, accepted: ≤ 37",
        ),
        (
            SCHEDULE | {"outcome_id": "doe2015.schedule.a", "n": "5", "events": "6"},
            "outcomes.csv:2: events: more events than there are to count, read 6, accepted: ≤ 5",
        ),
        (
            PERIOD | {"range_low": "200912"},
            "outcomes.csv:2: range_low: not what is printed, read 200912 201912, "
            "accepted: June 2009 and December 2019",
        ),
        (
            PERIOD | {"range_low": "2009", "range_high": "2019"},
            "outcomes.csv:2: range_low: not what is printed, read 2009 2019, "
            "accepted: June 2009 and December 2019",
        ),
    ],
)
def test_a_bad_number_is_refused_at_its_cell(row: dict[str, str], message: str) -> None:
    assert complaint([row]) == [message]


def test_a_growth_in_percent_may_exceed_the_whole() -> None:
    growth = RATE | {"measure": "amount", "estimate": "120", "printed_text": "120"}
    assert read([growth]).figures["doe2015.lc.rate_24m"].estimate == 120


def test_a_month_of_a_year_is_one_number_and_its_year_a_figure_of_the_study() -> None:
    period = read([PERIOD], [STUDY | {"years_from": "2009", "years_to": "2019"}])
    figure = period.figures["doe2015.period"]
    assert (figure.range_low, figure.range_high) == (200906, 201912)


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


SILENT = {
    **STUDY,
    "study_id": "roe2016",
    "cohort_id": "roe",
    "patients": "",
    "schedules": "",
    "bed10_low_gy": "",
    "bed10_high_gy": "",
}


def test_a_study_without_outcomes_is_refused_at_its_line() -> None:
    assert complaint([RATE], [STUDY, SILENT]) == [
        "studies.csv:3: study_id: the study has no outcome, read roe2016"
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"patients": "25"},
            "studies.csv:2: patients: no such figure is printed of the study, read 25, "
            "accepted: a figure of doe2015 on patients",
        ),
        (
            {"lesions": "24"},  # is a figure, but of patients
            "studies.csv:2: lesions: no such figure is printed of the study, read 24, "
            "accepted: a figure of doe2015 on lesions",
        ),
        (
            {"years_from": "2010"},
            "studies.csv:2: years_from: no such figure is printed of the study, read 2010, "
            "accepted: a figure of doe2015 on period",
        ),
        (
            {"schedules": "30-60/3-8|48/5"},
            "studies.csv:2: schedules: no such figure is printed of the study, read 48/5, "
            "accepted: a schedule of doe2015",
        ),
        (
            {"bed10_high_gy": "187.5"},
            "studies.csv:2: bed10_high_gy: not what the printed doses give, read 187.5, "
            "accepted: 180.00",
        ),
        (
            {"bed10_low_gy": ""},
            "studies.csv:2: bed10_low_gy: not what the printed doses give, accepted: 41.25",
        ),
    ],
)
def test_a_number_that_is_no_figure_of_its_study_is_refused(
    change: dict[str, str], message: str
) -> None:
    assert complaint([RATE, PERIOD], [STUDY | change]) == [message]


@pytest.mark.parametrize(
    ("endpoint", "low", "high"), [("bed10", "51.3", "187.5"), ("eqd2", "42.75", "156.25")]
)
def test_a_printed_bed_or_eqd2_goes_before_the_schedules(
    endpoint: str, low: str, high: str
) -> None:
    median = PERIOD | {
        "outcome_id": f"doe2015.{endpoint}.median",
        "measure": "median",
        "endpoint": endpoint,
        "unit": "Gy",
        "estimate": "100",
        "printed_text": "100",
        "range_low": low,
        "range_high": high,
        "printed_range": f"{low}–{high}",
    }
    study = STUDY | {"bed10_low_gy": "51.3", "bed10_high_gy": "187.5"}
    found = read([median], [study]).studies["doe2015"]
    assert (found.bed10_low_gy, found.bed10_high_gy) == (51.3, 187.5)


def test_ranges_of_dose_and_of_fractions_make_a_schedule() -> None:
    spread = PERIOD | {"measure": "range", "unit": "", "range_low": "20", "range_high": "75"}
    dose = spread | {"outcome_id": "doe2015.dose.range", "endpoint": "dose"}
    dose |= {"printed_range": "20–75", "unit": "Gy"}
    fractions = spread | {"outcome_id": "doe2015.fractions.range", "endpoint": "fractions"}
    fractions |= {"printed_range": "1–10", "range_low": "1", "range_high": "10", "unit": "count"}
    study = STUDY | {"schedules": "20-75/1-10", "bed10_low_gy": "24", "bed10_high_gy": "637.5"}
    assert read([dose, fractions], [study]).studies["doe2015"].schedules == (
        Schedule(20, 75, 1, 10),
    )


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


def test_five_faults_in_three_tables_give_five_messages() -> None:
    of_the_silent = {"outcome_id": "roe2016.lc.rate_24m", "study_id": "roe2016"}
    said = complaint(
        [
            RATE | of_the_silent | {"estimate": "high"},
            RATIO | {"estimate": "0.90", "printed_text": "0.90"},
            RATE | {"outcome_id": "doe2015.os.rate_24m", "column": ""},
        ],
        [STUDY | {"patients": "25"}, SILENT],
        [PAPER | {"year": "soon"}],
    )
    assert said == [
        "outcomes.csv:2: estimate: value is not accepted, read high, accepted: number",
        "outcomes.csv:3: ci_low: the interval does not contain its estimate, read 0.20–0.80, "
        "accepted: an interval around 0.9",
        "outcomes.csv:4: column: a figure of a table without its column, accepted: its header",
        "papers.csv:2: year: value is not accepted, read soon, accepted: integer",
        "studies.csv:2: patients: no such figure is printed of the study, read 25, "
        "accepted: a figure of doe2015 on patients",
    ]


def test_what_a_row_that_cannot_be_read_would_have_said_is_not_missing() -> None:
    paper, study = PAPER | {"year": "soon"}, SILENT | {"design": "good"}
    figure = RATE | {"outcome_id": "roe2016.lc.rate_24m", "study_id": "roe2016", "estimate": "x"}
    linked = RATIO | {"duplicate_of": "roe2016.lc.rate_24m", "subset_of": "roe2016.lc.rate_24m"}
    other = SILENT | {"study_id": "poe2017", "cohort_id": "poe"}
    unreadable = figure | {"outcome_id": "poe2017.lc.rate_24m", "study_id": "poe2017"}
    said = complaint([figure, linked, unreadable], [STUDY, study, other], [paper])
    assert [line.split(", read")[0] for line in said] == [
        "outcomes.csv:2: estimate: value is not accepted",
        "outcomes.csv:4: estimate: value is not accepted",
        "papers.csv:2: year: value is not accepted",
        "studies.csv:3: design: value is not accepted",
    ]


def test_a_table_that_lacks_columns_is_refused_once_and_with_all_else() -> None:
    tables: dict[str, list[tuple[int, dict[str, str]]]] = {path: [] for path in COLUMNS}
    whole = {column: STUDY.get(column, "") for column in COLUMNS["studies.csv"]}
    figure = {c: RATE.get(c, "") for c in COLUMNS["outcomes.csv"] if c not in ("row", "p")}
    tables |= {
        "papers.csv": [(2, PAPER | {"doi": ""})],
        "studies.csv": [(2, whole | {"site": "moon"})],
        "outcomes.csv": [(2, figure), (3, figure | {"outcome_id": "doe2015.os.rate_24m"})],
    }
    with pytest.raises(InputError) as caught:
        published(tables, copy.deepcopy(PACKAGE))
    assert str(caught.value).splitlines() == [
        "outcomes.csv:1: row, p: the table lacks the column",
        "studies.csv:2: site: value is not accepted, read moon, "
        "accepted: lung, spine, brain, bone, mixed, primary, any, none",
    ]
