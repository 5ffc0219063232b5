from typing import Any

import pytest

from sarcoma_sbrt.provenance.impact import (
    Cell,
    Impact,
    Move,
    RawTables,
    UnknownCell,
    moves,
    outside,
)

PATIENTS = "data/cohorts/c/patients.csv"
COURSES = "data/cohorts/c/centre.xlsx#Courses"
OUTCOMES = "data/published/outcomes.csv"
STUDIES = "data/published/studies.csv"

ALL, GRADE_1 = "all", "grade_1"


def entry(key: str, **changes: Any) -> dict[str, Any]:
    whole = {
        "key": key,
        "kind": "computed",
        "source": "kaplan_meier",
        "columns": ["patients.vital_status"],
        "rows": {"table": "endpoints/os", "where": {}},
        "lineage": ALL,
        "method": "Kaplan-Meier",
        "value": 1,
        "text": "1",
        "config": ["models.cox"],
    }
    return whole | changes


def setting(key: str, value: Any) -> dict[str, Any]:
    config = [key.removeprefix("config.")]
    return entry(
        key, kind="configured", value=value, columns=[], rows={}, lineage=None, config=config
    )


ENTRIES = [
    entry("os.median"),
    entry("os.at_risk_12m", rows={"table": "endpoints/os", "where": {"grade": 1}}, lineage=GRADE_1),
    entry(
        "os.grade_level.median",
        rows={"table": "endpoints/os", "where": {"grade": 1}},
        columns=["patients.vital_status", "patients.grade"],
        lineage=GRADE_1,
    ),
    entry(
        "os.grade_level.at_risk_12m",
        method="number at risk just before the time",
        rows={"table": "endpoints/os", "where": {"grade": 1}},
        columns=["patients.vital_status", "patients.grade"],
        lineage=GRADE_1,
    ),
    entry("cohort.age", columns=["patients.age_years"], rows={"table": "patients", "filter": {}}),
    entry("dose.median", columns=["courses.dose_gy"], rows={"table": "courses", "filter": {}}),
    entry("diagnostics.failed", columns=[], rows={}),
    entry("reproduction.os", source="reproduction", rows={}),
    entry("synthesis.os", source="synthesis", columns=["published.outcomes"], rows={}),
    entry("consistency.x", source="consistency", columns=["published.feng2022"], rows={}),
    entry(
        "published.doe.os",
        kind="transcribed",
        columns=["published.outcomes"],
        rows={"file": OUTCOMES, "line": 7},
        lineage=None,
    ),
    entry(
        "published.doe.label",
        kind="transcribed",
        columns=["published.studies"],
        rows={"file": STUDIES, "line": 3},
        lineage=None,
    ),
    setting("config.cohort.time_zero", "origin"),
    setting("config.cohort.tables.patients.file", "patients.csv"),
    setting("config.cohort.tables.courses.sheet", "Courses"),
    setting("config.models.covariates.grade.column", "patients.grade"),
]
LINEAGE = {
    "columns": {
        "patients.patient_id": {"file": PATIENTS, "column": "patient"},
        "patients.vital_status": {"file": PATIENTS, "column": "status"},
        "patients.grade": {"file": PATIENTS, "column": "grade"},
        "patients.age_years": {"file": PATIENTS, "columns": ["born", "seen"]},
        "courses.dose_gy": {"file": COURSES, "column": "dose"},
        "courses.start_day": {"file": COURSES, "column": "start"},
    },
    "row_sets": {
        ALL: {"raw": {PATIENTS: "2-9", COURSES: "2-9"}},
        GRADE_1: {"raw": {PATIENTS: "2-5"}},
    },
    "registration": {"rule": "numbers", "code": "numbers", "config": ["cohort.support"]},
}
OF_COHORT = {
    *("os.median", "os.at_risk_12m", "os.grade_level.median", "os.grade_level.at_risk_12m"),
    *("cohort.age", "dose.median", "diagnostics.failed", "reproduction.os"),
}


def impact(*others: dict[str, Any]) -> Impact:
    return Impact({one["key"]: one for one in (*ENTRIES, *others)}, LINEAGE)


def predicted(file: str, line: int, column: str | None, *others: dict[str, Any]) -> set[str]:
    return impact(*others).predicted(Cell(file, line, column))


MODELS = "config/models.yaml"
COX = {"kind": "configured", "columns": [], "lineage": None}
PLANNED = (
    entry("config.models.cox.ties", **COX, config=["models.cox.ties"])
    | {"rows": {"file": MODELS, "line": 4}},
    entry("config.models.cox.more", **COX, config=["models.cox.more"])
    | {"rows": {"file": MODELS, "line": 5}},
    entry("config.models.coxcomb", **COX, config=["models.coxcomb"])
    | {"rows": {"file": MODELS, "line": 6}},
    # A constant is of no setting.
    entry("constant.days_per_year", **COX, config=[], rows={}),
    entry("km.median", config=["models.confidence_level", "cohort"]),
    entry("cox.ties.hr", config=["models.cox.ties"]),
    entry("published.x", kind="transcribed", config=[], rows={}),
)


def test_settings_stand_on_lines_of_files():
    found = impact(*PLANNED)
    assert found.configuration == {MODELS: {4, 5, 6}}
    assert found.settings(MODELS, {3, 4, 5}) == {"models.cox.ties", "models.cox.more"}
    assert found.settings(PATIENTS, {4}) == set()


def test_a_setting_reaches_the_numbers_that_carry_it_or_a_part_around_it():
    found = Impact({one["key"]: one for one in PLANNED}, LINEAGE)
    assert found.decided({"models.cox.ties"}) == {"config.models.cox.ties", "cox.ties.hr"}
    assert found.decided({"models.cox"}) == {
        *("config.models.cox.ties", "config.models.cox.more", "cox.ties.hr")
    }
    assert found.decided({"models.coxcomb"}) == {"config.models.coxcomb"}
    assert found.decided({"cohort.title"}) == {"km.median"}


def test_what_marks_and_rounds_numbers_reaches_all_that_were_computed():
    found = Impact({one["key"]: one for one in PLANNED}, LINEAGE)
    assert found.decided({"cohort.support.patients.grade"}) == {*("km.median", "cox.ties.hr")}


def test_a_number_of_settings_alone_depends_on_no_cell():
    screened = entry("flow.screening.excluded", columns=[], rows={"config": ["cohort.screening"]})
    for column in ("status", "patient", None):
        assert screened["key"] not in predicted(PATIENTS, 3, column, screened)


def test_a_column_reaches_the_numbers_that_name_it():
    assert predicted(PATIENTS, 3, "status") == OF_COHORT - {"cohort.age", "dose.median"}


def test_a_row_of_another_group_does_not_reach_the_groups_numbers():
    found = predicted(PATIENTS, 8, "status")
    assert "os.median" in found
    assert "os.grade_level.median" not in found


def test_where_positions_are_withheld_any_row_may_be_in_a_group():
    told = LINEAGE | {"row_sets": {ALL: {"n": {}}, GRADE_1: {"n": {}}}}
    told_of = {one["key"]: one for one in ENTRIES}
    found = Impact(told_of, told).predicted(Cell(PATIENTS, 8, "status"))
    assert found == OF_COHORT - {"cohort.age", "dose.median"}


def test_numbers_at_risk_are_counted_at_times_that_any_patient_may_decide():
    assert "os.grade_level.at_risk_12m" in predicted(PATIENTS, 8, "status")


def test_a_cell_that_decides_the_group_may_bring_its_row_in():
    assert "os.grade_level.median" in predicted(PATIENTS, 8, "grade")


def test_what_a_derived_covariate_looks_at_may_bring_its_row_in():
    # How many lesions a patient has are those treated together, and their courses say when.
    single = entry(
        "os.single.median",
        rows={"table": "endpoints/os", "where": {"number_of_lesions": 1}},
        columns=["patients.vital_status", "courses.start_day"],
        lineage=GRADE_1,
    )
    column = "config.models.covariates.number_of_lesions.column"
    others = (single, setting(column, "derived.number_of_lesions"))
    assert single["key"] in predicted(COURSES, 9, "start", *others)
    assert single["key"] not in predicted(PATIENTS, 9, "status", *others)


def test_a_row_that_is_in_no_endpoint_yet_may_come_in():
    assert "os.grade_level.median" in predicted(PATIENTS, 10, "status")


def test_a_canonical_column_of_two_raw_ones_follows_from_either():
    assert "cohort.age" in predicted(PATIENTS, 3, "born")
    assert "cohort.age" in predicted(PATIENTS, 3, "seen")


def test_a_raw_column_that_is_not_mapped_reaches_nothing():
    assert predicted(PATIENTS, 3, "remarks") == set()


def test_a_whole_row_reaches_what_each_of_its_cells_does():
    assert predicted(PATIENTS, 3, None) == OF_COHORT


@pytest.mark.parametrize(
    ("file", "column", "settings"),
    [
        (PATIENTS, "patient", []),
        (PATIENTS, "age", [setting("config.cohort.tables.patients.skip.column", "age")]),
        (PATIENTS, "age", [setting("config.cohort.tables.patients.split.column", "age")]),
        (PATIENTS, "grade", [setting("config.cohort.eligibility.0.column", "patients.grade")]),
    ],
)
def test_what_decides_who_is_analysed_reaches_every_number_of_the_cohort(file, column, settings):
    assert predicted(file, 3, column, *settings) == OF_COHORT


def test_the_start_of_a_course_says_which_course_was_first():
    assert "dose.median" in predicted(COURSES, 3, "start")


def test_the_end_of_follow_up_says_which_diameters_count():
    response = entry("response.n", columns=["assessments.diameter_mm"], rows={})
    lesions = "data/cohorts/c/lesions.csv"
    columns = LINEAGE["columns"] | {
        "lesions.follow_up_end_day": {"file": lesions, "column": "ended"},
        "lesions.site": {"file": lesions, "column": "site"},
    }
    known = Impact({"response.n": response}, LINEAGE | {"columns": columns})
    assert known.predicted(Cell(lesions, 3, "ended")) == {"response.n"}
    assert known.predicted(Cell(lesions, 3, "site")) == set()


def test_time_zero_shifts_every_time_of_the_patient():
    late = entry("late", columns=["patients.last_contact_day"], rows={})
    assert "late" not in predicted(COURSES, 3, "start", late)
    counted = setting("config.cohort.time_zero", "first_course")
    assert "late" in predicted(COURSES, 3, "start", late, counted)


def test_a_printed_figure_reaches_its_own_entry_and_what_was_made_of_its_table():
    assert predicted(OUTCOMES, 7, "estimate") == {
        "published.doe.os",
        "synthesis.os",
        "reproduction.os",
    }
    assert "published.doe.os" not in predicted(OUTCOMES, 8, "estimate")


def test_a_study_is_quoted_by_every_printed_figure():
    assert predicted(STUDIES, 9, "label") == {
        *("published.doe.os", "published.doe.label", "synthesis.os", "consistency.x"),
        "reproduction.os",
    }


RATE = {"measure": "rate", "unit": "percent", "endpoint": "lc", "time_months": "24"}
COUNT = {"measure": "count", "unit": "count", "endpoint": "patients", "time_months": ""}
DOSE = {"measure": "median", "unit": "Gy", "endpoint": "bed10", "time_months": ""}
TARGETS = "data/published/targets/roe2022.csv"
PRINTED = {
    OUTCOMES: {
        7: {"study_id": "doe", **COUNT},
        8: {"study_id": "poe", **RATE},
        9: {"study_id": "moe", "duplicate_of": "doe.patients", **COUNT},
        10: {"study_id": "poe", **DOSE},
        11: {"study_id": "poe", **RATE, "time_months": ""},
    },
    STUDIES: {
        2: {"study_id": "poe", "cohort_id": "a"},
        3: {"study_id": "zoe", "cohort_id": "a"},
    },
    TARGETS: {2: {"study_id": "roe2022", **COUNT}},
}
OF_DOE, OF_ZOE, OF_ALL, OF_TARGETS = ({"raw": raw} for raw in (
    {OUTCOMES: "7"}, {STUDIES: "3"}, {OUTCOMES: "7-11"}, {TARGETS: "2"},
))  # fmt: skip
SETS = {"doe": OF_DOE, "zoe": OF_ZOE, "every": OF_ALL, "targets": OF_TARGETS, "withheld": {}}


def printed(key: str, source: str, lineage: str) -> dict[str, Any]:
    columns = ["published.outcomes"]
    return entry(key, source=source, columns=columns, rows={}, lineage=lineage)


MADE = (
    printed("synthesis.lc.all.rate_24m", "synthesis", "doe"),
    printed("synthesis.lc.all.rate_12m", "synthesis", "doe"),
    printed("synthesis.lc.dose.slope", "synthesis", "doe"),
    printed("synthesis.os.all.rate_24m", "synthesis", "doe"),
    printed("series.doe.site", "synthesis", "doe"),
    printed("series.zoe.os.rate_12m", "synthesis", "zoe"),
    printed("consistency.of_doe", "consistency", "doe"),
    printed("consistency.count.all", "consistency", "every"),
    printed("consistency.withheld", "consistency", "withheld"),
    printed("reproduction.of_roe", "reproduction", "targets"),
    printed("another", "another", "doe"),
    printed("os.median", "kaplan_meier", "every") | {"columns": ["patients.grade"]},
    printed("range", "kaplan_meier", "every") | {"columns": [], "solutions": {"n": 9}},
)
WIDE = {"consistency.count.all", "consistency.withheld", "another", "range"}


PRINTED_HERE = (
    ("published.doe.os", {"file": OUTCOMES, "line": 7}),
    ("published.roe2022.n", {"file": TARGETS, "line": 2}),
)


def says(line: int, column: str | None, file: str = OUTCOMES) -> set[str]:
    lineage = LINEAGE | {"row_sets": LINEAGE["row_sets"] | SETS}
    numbers = {one["key"]: one for one in MADE} | {
        key: entry(key, kind="transcribed", rows=rows, lineage=None) for key, rows in PRINTED_HERE
    }
    return Impact(numbers, lineage, PRINTED).predicted(Cell(file, line, column))


def test_what_a_printed_figure_says_reaches_what_rests_on_its_study():
    of_doe = {one["key"] for one in MADE if one["lineage"] == "doe"}
    assert says(7, "estimate") == WIDE | of_doe | {"published.doe.os"}
    # One study's figure repeats the other's.
    assert says(9, "estimate") == WIDE | of_doe


def test_what_a_rate_says_decides_which_rates_are_pooled_at_its_time():
    assert says(8, "ci_low") == WIDE | {
        *("synthesis.lc.all.rate_24m", "synthesis.lc.dose.slope", "series.doe.site"),
        "series.zoe.os.rate_12m",  # of the same patients
    }
    assert says(11, "ci_low") == WIDE | {"series.zoe.os.rate_12m"}


def test_what_a_dose_says_decides_which_series_have_one():
    assert says(10, "estimate") == WIDE | {"synthesis.lc.dose.slope", "series.zoe.os.rate_12m"}


def test_a_target_of_the_reconstruction_reaches_the_stages_that_hold_it():
    assert "reproduction.of_roe" in says(2, "estimate", TARGETS)
    assert "reproduction.of_roe" not in says(7, "estimate")


@pytest.mark.parametrize("column", ["category", "note", "study_id", None])
def test_what_may_select_a_figure_reaches_all_that_was_made_of_its_table(column):
    assert says(7, column) == {one["key"] for one in MADE if one["key"] != "os.median"} | {
        "published.doe.os"
    }


def test_a_file_that_no_number_is_read_from():
    with pytest.raises(UnknownCell, match=r"^data/x\.csv: no number is read from it, accepted: "):
        predicted("data/x.csv", 2, "a")


def test_two_sheets_of_a_workbook_are_two_tables():
    raw = RawTables.of({one["key"]: one for one in ENTRIES}, LINEAGE)
    assert raw.at(COURSES) == ("courses",)
    assert raw.at("data/cohorts/c/centre.xlsx") == ()


# --- what moved ---------------------------------------------------------------------------


def test_moves_are_what_a_reader_sees():
    before = {"a": entry("a"), "b": entry("b"), "gone": entry("gone")}
    after = {
        "a": entry("a", crosscheck="another", inputs=["another"]),
        "b": entry("b", events=3),
        "new": entry("new"),
    }
    assert [(one.key, one.what) for one in moves(before, after)] == [
        ("b", "moves"),
        ("gone", "goes"),
        ("new", "comes"),
    ]


def test_a_number_that_comes_is_judged_by_the_run_in_which_it_is():
    new = entry("new", columns=["patients.grade"], rows={})
    stray = entry("stray", columns=["courses.dose_gy"], rows={})
    before, after = impact(), impact(new, stray)
    found = [Move("new", None, new), Move("stray", None, stray)]
    assert outside(found, before, after, Cell(PATIENTS, 3, "grade")) == ["stray"]


def test_a_number_that_goes_or_moves_is_judged_by_the_run_that_had_it():
    gone = entry("gone", columns=["courses.dose_gy"], rows={})
    before, after = impact(gone), impact()
    cell = Cell(PATIENTS, 3, "grade")
    assert outside([Move("gone", gone, None)], before, after, cell) == ["gone"]
    assert outside([Move("gone", gone, None)], before, after, Cell(COURSES, 3, "dose")) == []


def test_a_cell_is_written_as_a_place():
    assert str(Cell(PATIENTS, 3, "grade")) == f"{PATIENTS}:3:grade"
    assert str(Cell(PATIENTS, 3)) == f"{PATIENTS}:3"
