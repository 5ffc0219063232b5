"""Bad input is refused with exact words, and every row read is accounted for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sarcoma_sbrt import schema
from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.extraction.eligibility import EVENTS, extract
from sarcoma_sbrt.extraction.sources import RawTable
from sarcoma_sbrt.io import line_of
from sarcoma_sbrt.settings import cohort_settings
from sarcoma_sbrt.validation import pandera_schema


def test_a_sound_cohort_becomes_canonical_tables(centre: Any) -> None:
    tables = centre.extract().tables
    assert list(tables) == list(schema.TABLES)
    assert tables["lesions"]["size_mm"].tolist() == [23.0, 11.0, 50.0]
    assert tables["courses"]["dose_gy"].tolist() == [45.0, 30.0, 50.0]
    assert tables["patients"]["sex"].tolist() == ["female", "male"]
    assert tables["patients"]["source_file"].tolist() == ["patients.csv"] * 2
    assert tables["patients"]["source_line"].tolist() == [2, 3]


def test_a_table_that_the_cohort_lacks_is_empty_and_canonical(centre: Any) -> None:
    del centre.settings["tables"]["toxicities"]
    extraction = centre.extract()
    empty = extraction.tables["toxicities"]
    pandera_schema(schema.TABLES["toxicities"]).validate(empty)
    assert len(empty) == 0
    assert "toxicities" not in extraction.flow["tables"]


# What is spoilt -> the one line that says so.
ONE_FAULT = {
    "unknown code": (
        ("patients.csv", "P1,50,F", "P1,50,W"),
        "patients.csv:2: sex: unknown code, read W, accepted: F, M",
    ),
    "unknown code where raw values are canonical": (
        ("patients.csv", "G2", "II"),
        "patients.csv:3: grade: unknown code, read II, accepted: G1, G2, G3",
    ),
    "not a number": (
        ("patients.csv", "61.5", "about 60"),
        "patients.csv:3: age: not a number, read about 60, "
        "accepted: a number with a decimal point, in years",
    ),
    "decimal comma": (
        ("lesions.csv", "2.3", '"2,3"'),
        "lesions.csv:2: size: not a number, read 2,3, "
        "accepted: a number with a decimal point, in cm",
    ),
    "not finite": (
        ("lesions.csv", "2.3", "NaN"),
        "lesions.csv:2: size: not a number, read NaN, "
        "accepted: a number with a decimal point, in cm",
    ),
    "not whole": (
        ("courses.csv", "4500,5,80", "4500,5.5,80"),
        "courses.csv:2: fractions: not a whole number, read 5.5, accepted: a whole number",
    ),
    "whole number that no table can hold": (
        ("courses.csv", "4500,5,80", "4500,99999999999999999999,80"),
        "courses.csv:2: fractions: number is too large, read 99999999999999999999, "
        "accepted: a whole number up to 9223372036854775807",
    ),
    "missing value": (
        ("patients.csv", "900,alive", "900,"),
        "patients.csv:2: status: value is missing, accepted: alive, dead",
    ),
    "zero diameter": (
        ("assessments.csv", "5.5", "0"),
        "assessments.csv:4: size: out of range, read 0, accepted: > 0 mm",
    ),
    "negative diameter": (
        ("lesions.csv", "1.1", "-1.1"),
        "lesions.csv:3: size: out of range, read -1.1, accepted: > 0 mm",
    ),
    "zero dose": (
        ("courses.csv", "3000", "0"),
        "courses.csv:3: dose: out of range, read 0, accepted: > 0 Gy",
    ),
    "negative dose": (
        ("courses.csv", "3000", "-3000"),
        "courses.csv:3: dose: out of range, read -3000, accepted: > 0 Gy",
    ),
    "impossible percent": (
        ("courses.csv", "5,80", "5,180"),
        "courses.csv:2: isodose: out of range, read 180, accepted: >= 0, <= 100 %",
    ),
    "death before time zero": (
        ("patients.csv", "500,dead", "-500,dead"),
        "patients.csv:3: last: death before time zero, read -500, "
        "accepted: a day from time zero on",
    ),
    "follow-up before time zero": (
        ("patients.csv", "900,alive", "-1,alive"),
        "patients.csv:2: last: last contact before time zero, read -1, "
        "accepted: a day from time zero on",
    ),
    "lesion's follow-up before time zero": (
        ("lesions.csv", "1.1,700", "1.1,-7"),
        "lesions.csv:3: end: end of follow-up before time zero, read -7, "
        "accepted: a day from time zero on",
    ),
    "course before time zero": (
        ("courses.csv", "P1,a,1,0", "P1,a,1,-3"),
        "courses.csv:2: start: course before time zero, read -3, accepted: a day from time zero on",
    ),
    "progression before time zero": (
        ("progressions.csv", "400", "-4"),
        "progressions.csv:2: day: progression before time zero, read -4, "
        "accepted: a day from time zero on",
    ),
    "toxicity before time zero": (
        ("toxicities.csv", "2,30", "2,-30"),
        "toxicities.csv:2: onset: toxicity before time zero, read -30, "
        "accepted: a day from time zero on",
    ),
    "progression after last contact": (
        ("progressions.csv", "400", "501"),
        "progressions.csv:2: day: progression after the last contact, read 501, "
        "accepted: a day up to the last contact",
    ),
    "assessment after last contact": (
        ("assessments.csv", "100", "500.5"),
        "assessments.csv:4: day: assessment after the last contact, read 500.5, "
        "accepted: a day up to the last contact",
    ),
    "course after last contact": (
        ("courses.csv", "P2,a,1,0", "P2,a,1,600"),
        "courses.csv:4: start: course after the last contact, read 600, "
        "accepted: a day up to the last contact",
    ),
    "duplicate patient": (
        ("patients.csv", "dead\n", "dead\nP1,44,F,G1,recurrence,-1,9,dead\n"),
        "patients.csv:4: id: duplicate id, read P1, "
        "accepted: an id of its own; line 2 has this one",
    ),
    "duplicate lesion": (
        ("lesions.csv", "5,\n", "5,\nP1,a,lung,2,\n"),
        "lesions.csv:5: lesion: duplicate id, read P1 / a, "
        "accepted: an id of its own; line 2 has this one",
    ),
    "assessment without lesion": (
        ("assessments.csv", "P2,a", "P2,b"),
        "assessments.csv:4: lesion: assessment without lesion, read P2 / b, "
        "accepted: one that is in lesions.csv",
    ),
    "course without lesion": (
        ("courses.csv", "P2,a", "P2,c"),
        "courses.csv:4: lesion: course without lesion, read P2 / c, "
        "accepted: one that is in lesions.csv",
    ),
    "lesion without patient": (
        ("lesions.csv", "P2,a,lung,5,\n", "P2,a,lung,5,\nP3,a,lung,5,\n"),
        "lesions.csv:5: id: lesion without patient, read P3, accepted: one that is in patients.csv",
    ),
    "progression without patient": (
        ("progressions.csv", "P2", "P9"),
        "progressions.csv:2: id: progression without patient, read P9, "
        "accepted: one that is in patients.csv",
    ),
    "treatment without patient": (
        ("treatments.csv", "P2", "P9"),
        "treatments.csv:3: id: treatment without patient, read P9, "
        "accepted: one that is in patients.csv",
    ),
    "toxicity without patient": (
        ("toxicities.csv", "P1", "P9"),
        "toxicities.csv:2: id: toxicity without patient, read P9, "
        "accepted: one that is in patients.csv",
    ),
    "missing column": (
        ("progressions.csv", "id,day,kind", "id,date,kind"),
        "progressions.csv:1: day: no such column, read id, date, kind, "
        "accepted: a column of this name",
    ),
    "duplicate header": (
        ("progressions.csv", "id,day,kind", "id,day,kind,day"),
        "progressions.csv:1: column 4: duplicate header, read day, "
        "accepted: a name for each column",
    ),
    "empty table": (
        ("progressions.csv", "P2,400,distant\n", ""),
        "progressions.csv:1: -: empty table, accepted: at least one row below the header",
    ),
    "more cells than the header": (
        ("progressions.csv", "400,distant", "400,distant,lung"),
        "progressions.csv:2: -: more cells than the header, read 4, accepted: at most 3",
    ),
    "no header": (
        ("progressions.csv", "id,day,kind\nP2,400,distant\n", ""),
        "progressions.csv:1: -: no header row, accepted: column names in the header row",
    ),
    "quotes left open": (
        ("progressions.csv", "P2,400,distant\n", 'P2,400,"distant\n'),
        "progressions.csv:2: -: not CSV: unexpected end of data, accepted: RFC 4180 quoting",
    ),
}


@pytest.mark.parametrize(("change", "message"), ONE_FAULT.values(), ids=ONE_FAULT.keys())
def test_a_fault_is_told_with_its_place(
    centre: Any, change: tuple[str, str, str], message: str
) -> None:
    assert centre.replace(*change).refusal() == [message]


@pytest.mark.parametrize(("change", "message"), ONE_FAULT.values(), ids=ONE_FAULT.keys())
def test_what_was_read_of_real_patients_is_masked(
    centre: Any, change: tuple[str, str, str], message: str
) -> None:
    centre.settings["kind"] = "observed"
    before, comma, rest = message.partition(", read ")
    accepted = rest[rest.index(", accepted: ") :] if comma else ""
    expected = f"{before}, read <masked>{accepted}" if comma else message
    assert centre.replace(*change).refusal() == [expected]


def unit(centre: Any, table: str, column: str, value: str) -> None:
    centre.table(table)["columns"][column]["unit"] = value


# A fault of the YAML that only shows beside the tables.
SETTINGS_FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "unmapped unit of a diameter": (
        lambda c: unit(c, "lesions", "size_mm", "inch"),
        "config/cohorts/small.yaml: tables.lesions.columns.size_mm.unit: "
        "unmapped unit, read inch, accepted: mm, cm",
    ),
    "unmapped unit of a dose": (
        lambda c: unit(c, "courses", "dose_gy", "rad"),
        "config/cohorts/small.yaml: tables.courses.columns.dose_gy.unit: "
        "unmapped unit, read rad, accepted: Gy, cGy",
    ),
    "unmapped unit of a time": (
        lambda c: unit(c, "progressions", "progression_day", "visits"),
        "config/cohorts/small.yaml: tables.progressions.columns.progression_day.unit: "
        "unmapped unit, read visits, accepted: days, weeks, months, years",
    ),
    "unit of what has none": (
        lambda c: unit(c, "courses", "fractions", "days"),
        "config/cohorts/small.yaml: tables.courses.columns.fractions.unit: "
        "unmapped unit, read days, accepted: no unit",
    ),
    "date format in a cohort of days": (
        lambda c: c.table("progressions")["columns"]["progression_day"].update(
            date_format="%d%m%Y"
        ),
        "config/cohorts/small.yaml: tables.progressions.columns.progression_day.date_format: "
        "date_format for what is no date, read %d%m%Y, accepted: no date_format",
    ),
    "required column": (
        lambda c: c.table("progressions")["columns"].pop("kind"),
        "config/cohorts/small.yaml: tables.progressions.columns.kind: "
        "required column is not mapped, accepted: a column in the YAML",
    ),
    "eligibility by a column that is not mapped": (
        lambda c: c.settings.update(
            eligibility=[{"reason": "no size", "column": "patients.histology", "known": True}]
        ),
        "config/cohorts/small.yaml: eligibility.0.column: patients.histology is not mapped, "
        "accepted: a column that the cohort maps",
    ),
    "time zero by a column that is not mapped": (
        lambda c: (
            c.settings.update(time_zero="diagnosis"),
            c.table("patients")["columns"].pop("diagnosis_day"),
        ),
        "config/cohorts/small.yaml: time_zero: patients.diagnosis_day is not mapped, "
        "accepted: a column that the cohort maps",
    ),
    "nobody left": (
        lambda c: c.settings.update(
            eligibility=[{"reason": "young", "column": "patients.age_years", "minimum": 70}]
        ),
        "config/cohorts/small.yaml: eligibility: no patient is left, "
        "accepted: at least one patient",
    ),
    "enrolled otherwise": (
        lambda c: c.settings.update(screening={"reviewed": 9, "enrolled": 3}),
        "config/cohorts/small.yaml: screening.enrolled: "
        "enrolled patients are not the patients analysed, read 3, accepted: 2",
    ),
    "fewer reviewed than enrolled": (
        lambda c: c.settings.update(screening={"reviewed": 1, "enrolled": 2}),
        "config/cohorts/small.yaml: screening.reviewed: fewer reviewed than enrolled, "
        "read 1, accepted: >= 2",
    ),
    "missing file": (
        lambda c: c.files.pop("toxicities.csv"),
        "toxicities.csv: no such file, accepted: a file in the cohort's folder",
    ),
    "unknown kind of file": (
        lambda c: c.table("toxicities").update(file="toxicities.sav"),
        "toxicities.sav: unknown kind of file, read .sav, accepted: .csv, .tsv, .txt, .xlsx, .xlsm",
    ),
    "unknown encoding": (
        lambda c: c.table("toxicities").update(encoding="latin-99"),
        "toxicities.csv: unknown encoding, read latin-99, accepted: utf-8, latin-1, cp1252, ...",
    ),
}


@pytest.mark.parametrize(("spoil", "message"), SETTINGS_FAULTS.values(), ids=SETTINGS_FAULTS.keys())
def test_a_fault_of_the_settings_is_told(
    centre: Any, spoil: Callable[[Any], Any], message: str
) -> None:
    spoil(centre)
    assert centre.refusal() == [message]


# Each fault of the YAML -> the text of the line that its key path leads to.
YAML_LINES = {
    "unmapped unit of a diameter": "unit: inch",
    "unmapped unit of a dose": "unit: rad",
    "unmapped unit of a time": "unit: visits",
    "unit of what has none": "unit: days",
    "date format in a cohort of days": "date_format: '%d%m%Y'",
    "required column": "columns:",  # of what is not there, the nearest that is
    "eligibility by a column that is not mapped": "- column: patients.histology",
    "time zero by a column that is not mapped": "time_zero: diagnosis",
    "nobody left": "eligibility:",
    "enrolled otherwise": "enrolled: 3",
    "fewer reviewed than enrolled": "reviewed: 1",
}


@pytest.mark.parametrize("fault", YAML_LINES)
def test_the_settings_of_real_patients_are_not_masked(centre: Any, fault: str) -> None:
    """A fault that stands in the YAML is shown as it stands there; it is nobody's value."""
    spoil, message = SETTINGS_FAULTS[fault]
    centre.settings["kind"] = "observed"
    spoil(centre)
    assert centre.refusal() == [message]


@pytest.mark.parametrize("fault", YAML_LINES)
def test_a_fault_of_the_settings_leads_to_its_line(centre: Any, tmp_path: Path, fault: str) -> None:
    SETTINGS_FAULTS[fault][0](centre)
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(centre.settings), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        centre.extract()
    (problem,) = caught.value.problems
    line = path.read_text(encoding="utf-8").splitlines()[line_of(path, problem.column) - 1]
    assert line.strip() == YAML_LINES[fault]


def test_an_unmapped_unit_hides_no_other_fault_of_its_column(centre: Any) -> None:
    """Told once for a column of three cells; two of them are wrong in any unit."""
    centre.settings["kind"] = "observed"
    unit(centre, "lesions", "size_mm", "inch")
    centre.replace("lesions.csv", "2.3", "large").replace("lesions.csv", "1.1", "-1.1")
    assert centre.refusal() == [
        "config/cohorts/small.yaml: tables.lesions.columns.size_mm.unit: "
        "unmapped unit, read inch, accepted: mm, cm",
        "lesions.csv:2: size: not a number, read <masked>, "
        "accepted: a number with a decimal point, in inch",
        "lesions.csv:3: size: out of range, read <masked>, accepted: > 0 mm",
    ]


def test_an_unmapped_unit_is_told_without_the_file_of_its_column(centre: Any) -> None:
    unit(centre, "toxicities", "onset_day", "visits")
    del centre.files["toxicities.csv"]
    assert [line.split(", ")[0] for line in centre.refusal()] == [
        "config/cohorts/small.yaml: tables.toxicities.columns.onset_day.unit: unmapped unit",
        "toxicities.csv: no such file",
    ]


def test_an_unmapped_unit_of_time_zero_accuses_no_patient(centre: Any) -> None:
    centre.settings["time_zero"] = "first_course"
    unit(centre, "courses", "start_day", "visits")
    assert centre.refusal() == [
        "config/cohorts/small.yaml: tables.courses.columns.start_day.unit: "
        "unmapped unit, read visits, accepted: days, weeks, months, years"
    ]


def test_an_unmapped_unit_decides_no_eligibility(centre: Any) -> None:
    """Nobody's age is known then, and nobody would be left; that is not the fault."""
    centre.settings["eligibility"] = [
        {"reason": "young", "column": "patients.age_years", "minimum": 18}
    ]
    unit(centre, "patients", "age_years", "decades")
    assert centre.refusal() == [
        "config/cohorts/small.yaml: tables.patients.columns.age_years.unit: "
        "unmapped unit, read decades, accepted: days, weeks, months, years"
    ]


def test_an_unmapped_unit_spares_the_other_columns_of_the_same_cells(centre: Any) -> None:
    """Histology is read from the cells that the age is read from, and checked."""
    centre.table("patients")["columns"]["histology"] = {"from": "age"}
    unit(centre, "patients", "age_years", "decades")
    centre.replace("patients.csv", "61.5", "#REF!")
    assert [line.split(", ")[0] for line in centre.refusal()] == [
        "config/cohorts/small.yaml: tables.patients.columns.age_years.unit: unmapped unit",
        "patients.csv:3: age: spreadsheet error",
        "patients.csv:3: age: spreadsheet error",
    ]


def test_a_course_before_a_time_zero_at_diagnosis_is_refused(centre: Any) -> None:
    """P1 was diagnosed on day -200, so a course on day -210 is ten days before time zero."""
    centre.settings["time_zero"] = "diagnosis"
    centre.replace("courses.csv", "P1,a,1,0", "P1,a,1,-210")
    assert centre.refusal() == [
        "courses.csv:2: start: course before time zero, read -210, "
        "accepted: a day from time zero on"
    ]


def test_diagnosis_recurrence_and_baseline_may_precede_time_zero(centre: Any) -> None:
    centre.table("patients")["columns"]["recurrence_day"] = {"from": "diagnosis"}
    tables = centre.extract().tables
    assert tables["patients"]["diagnosis_day"].tolist() == [-200.0, -300.0]
    assert tables["patients"]["recurrence_day"].tolist() == [-200.0, -300.0]
    assert tables["assessments"]["assessment_day"].tolist()[0] == -9.0


def test_everything_wrong_is_told_at_once(centre: Any) -> None:
    """A missing file, a missing column, values, dates and orphans: one error, by place."""
    del centre.files["toxicities.csv"]
    centre.replace("treatments.csv", "id,kind", "id,type")
    centre.replace("patients.csv", "P1,50,F", "P1,fifty,W")
    centre.replace("progressions.csv", "P2,400", "P2,800")
    centre.replace("lesions.csv", "P2,a", "P7,a")
    unit(centre, "courses", "dose_gy", "rad")
    assert [line.split(", read")[0] for line in centre.refusal()] == [
        "assessments.csv:4: lesion: assessment without lesion",
        "config/cohorts/small.yaml: tables.courses.columns.dose_gy.unit: unmapped unit",
        "courses.csv:4: lesion: course without lesion",
        "lesions.csv:4: id: lesion without patient",
        "patients.csv:2: age: not a number",
        "patients.csv:2: sex: unknown code",
        "progressions.csv:2: day: progression after the last contact",
        "toxicities.csv: no such file, accepted: a file in the cohort's folder",
        "treatments.csv:1: kind: no such column",
    ]


def test_a_missing_parent_is_told_once(centre: Any) -> None:
    """Without the file of lesions nobody can say that a course has none."""
    del centre.files["lesions.csv"]
    assert centre.refusal() == [
        "lesions.csv: no such file, accepted: a file in the cohort's folder"
    ]


def test_courses_without_any_table_of_lesions_are_orphans(centre: Any) -> None:
    del centre.settings["tables"]["lesions"]
    del centre.settings["tables"]["assessments"]
    assert centre.refusal()[0] == (
        "courses.csv:2: lesion: course without lesion, read P1 / a, "
        "accepted: one that is in a table of lesions"
    )


def test_a_death_that_precedes_time_zero_does_not_accuse_the_other_rows(centre: Any) -> None:
    centre.replace("patients.csv", "500,dead", "-500,dead")
    assert len(centre.refusal()) == 1


def test_rows_on_the_day_of_last_contact_and_before_time_zero_stand(centre: Any) -> None:
    """The baseline image precedes time zero, and a death may be found with a progression."""
    centre.replace("progressions.csv", "400", "500")
    tables = centre.extract().tables
    assert tables["progressions"]["progression_day"].tolist() == [500.0]
    assert tables["assessments"]["assessment_day"].tolist() == [-9.0, 90.0, 100.0]


def test_every_time_has_a_name_for_its_event() -> None:
    times = {
        f"{table.name}.{column.name}"
        for table in schema.TABLES.values()
        for column in table.columns
        if column.kind == "time"
    }
    assert set(EVENTS) == times


def test_an_ineligible_patient_takes_its_rows_along(centre: Any) -> None:
    centre.settings["eligibility"] = [
        {"reason": "not recurrent", "column": "patients.setting", "keep": ["recurrence"]}
    ]
    extraction = centre.extract()
    assert {name: len(t) for name, t in extraction.tables.items()} == {
        "patients": 1,
        "lesions": 2,
        "courses": 2,
        "assessments": 2,
        "progressions": 0,
        "treatments": 1,
        "toxicities": 1,
    }
    assert extraction.flow["patients"] == {
        "read": 2,
        "excluded": [{"reason": "not recurrent", "patients": 1}],
        "analysed": 1,
    }
    assert extraction.flow["tables"]["assessments"] == {
        "file": "assessments.csv",
        "rows_read": 3,
        "rows_kept": 2,
        "canonical_rows": 2,
        "excluded": [{"reason": "not recurrent", "rows": 1, "lines": [4]}],
    }


def test_an_ineligible_lesion_takes_its_courses_and_images_along(centre: Any) -> None:
    centre.settings["eligibility"] = [
        {"reason": "larger than 4 cm", "column": "lesions.size_mm", "maximum": 40}
    ]
    tables = centre.extract().tables
    assert tables["lesions"]["patient_id"].tolist() == ["P1", "P1"]
    assert tables["courses"]["patient_id"].tolist() == ["P1", "P1"]
    assert tables["patients"]["patient_id"].tolist() == ["P1", "P2"]


def test_the_first_rule_that_a_patient_fails_is_the_reason(centre: Any) -> None:
    """P2 fails both rules, P1's age is not known: three reasons are possible, two are given."""
    centre.replace("patients.csv", "P1,50", "P1,")
    centre.replace("patients.csv", "dead\n", "dead\nP3,30,F,G3,recurrence,,9,alive\n")
    centre.settings["eligibility"] = [
        {"reason": "older than 60", "column": "patients.age_years", "maximum": 60},
        {"reason": "not recurrent", "column": "patients.setting", "keep": ["recurrence"]},
    ]
    extraction = centre.extract()
    assert extraction.tables["patients"]["patient_id"].tolist() == ["P3"]
    assert extraction.flow["patients"]["excluded"] == [
        {"reason": "older than 60 (not known)", "patients": 1},
        {"reason": "older than 60", "patients": 1},
    ]


def test_a_rule_may_ask_only_that_a_value_is_known(centre: Any) -> None:
    centre.replace("patients.csv", "P1,50", "P1,")
    centre.settings["eligibility"] = [
        {"reason": "age unknown", "column": "patients.age_years", "known": True}
    ]
    assert centre.extract().flow["patients"]["excluded"] == [
        {"reason": "age unknown", "patients": 1}
    ]


def test_times_of_an_ineligible_patient_are_not_judged(centre: Any) -> None:
    centre.replace("patients.csv", "500,dead", "-500,dead")
    centre.settings["eligibility"] = [
        {"reason": "not recurrent", "column": "patients.setting", "keep": ["recurrence"]}
    ]
    assert centre.extract().flow["patients"]["analysed"] == 1


def test_screening_is_shown_unsplit(centre: Any) -> None:
    centre.settings["screening"] = {"reviewed": 9, "enrolled": 2, "reasons": ["two", "reasons"]}
    assert centre.extract().flow["screening"] == {
        "reviewed": 9,
        "enrolled": 2,
        "excluded": 7,
        "reasons": ["two", "reasons"],
    }


def test_time_zero_at_the_first_course(centre: Any) -> None:
    """P1's first course starts on day 10 of the centre's calendar, P2's on day 0."""
    centre.settings["time_zero"] = "first_course"
    centre.replace("courses.csv", "P1,a,1,0", "P1,a,1,10")
    tables = centre.extract().tables
    assert tables["patients"]["last_contact_day"].tolist() == [890.0, 500.0]
    assert tables["patients"]["diagnosis_day"].tolist() == [-210.0, -300.0]
    assert tables["courses"]["start_day"].tolist() == [0.0, 4.0, 0.0]
    assert tables["lesions"]["follow_up_end_day"].tolist() == [pd.NA, 690.0, pd.NA]


def test_time_zero_at_diagnosis(centre: Any) -> None:
    centre.settings["time_zero"] = "diagnosis"
    tables = centre.extract().tables
    assert tables["patients"]["diagnosis_day"].tolist() == [0.0, 0.0]
    assert tables["progressions"]["progression_day"].tolist() == [700.0]


def test_a_patient_without_time_zero_is_refused(centre: Any) -> None:
    centre.settings["time_zero"] = "diagnosis"
    centre.replace("patients.csv", "-300", "")
    assert centre.refusal() == [
        "patients.csv:3: diagnosis: patient without time zero, "
        "accepted: a patient with a day of diagnosis"
    ]


def test_a_patient_without_a_course_has_no_time_zero(centre: Any) -> None:
    centre.settings["time_zero"] = "first_course"
    centre.replace("courses.csv", "P2,a,1,0,5000,5,\n", "")
    assert centre.refusal() == [
        "patients.csv:3: id: patient without time zero, read P2, "
        "accepted: a patient with a day of course"
    ]


def test_dates_need_a_time_zero(centre: Any) -> None:
    centre.settings["times"] = {}
    assert (
        "config/cohorts/small.yaml: time_zero: dates are counted from no origin, "
        "read origin, accepted: diagnosis, first_course"
    ) in centre.refusal()


CELLS = st.sampled_from(["P1", "P2", "P3", "P4", "", " "])
TREATMENTS = st.sampled_from(["surgery", "surgery + chemotherapy", "none"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(CELLS, TREATMENTS), min_size=1, max_size=8),
    end=st.sampled_from(["end_of_file", "first_blank_row"]),
    keep=st.sets(st.sampled_from(["G1", "G2"]), min_size=1),
)
def test_rows_read_are_rows_kept_and_rows_excluded(
    rows: list[tuple[str, str]], end: str, keep: set[str]
) -> None:
    """Whatever stands in a table: blank rows, notes below, skipped and split rows, eligibility."""
    people = tuple(
        (n + 2, {"id": f"P{n}", "grade": f"G{1 + n % 2}", "day": "9", "status": "alive"})
        for n in range(1, 5)
    )
    given_rows = tuple(
        (n, {"id": cell, "kind": kind if cell.strip() else ""})
        for n, (cell, kind) in enumerate(rows, start=2)
    )
    raw = {
        "patients": RawTable("p.csv", ("id", "grade", "day", "status"), 1, people),
        "treatments": RawTable("t.csv", ("id", "kind"), 1, given_rows),
    }
    cohort = cohort_settings("any", settings_of(end, sorted(keep)))
    flow = extract(cohort, raw).flow
    for table in flow["tables"].values():
        excluded = sum(entry["rows"] for entry in table["excluded"])
        assert table["rows_read"] == table["rows_kept"] + excluded
        lines = [line for entry in table["excluded"] for line in entry["lines"]]
        assert len(set(lines)) == len(lines) == excluded
    assert flow["tables"]["treatments"]["rows_read"] == len(rows)
    gone = sum(entry["patients"] for entry in flow["patients"]["excluded"])
    assert flow["patients"]["read"] == flow["patients"]["analysed"] + gone == 4


def settings_of(end: str, keep: list[str]) -> dict[str, Any]:
    columns = {"patient_id": "id", "grade": "grade", "last_contact_day": "day"}
    return {
        "title": "Any",
        "kind": "observed",
        "times": {"unit": "days", "origin": "first fraction"},
        "eligibility": [{"reason": "grade", "column": "patients.grade", "keep": keep}],
        "tables": {
            "patients": {
                "file": "p.csv",
                "columns": {
                    **{name: {"from": raw} for name, raw in columns.items()},
                    "vital_status": {"from": "status"},
                },
            },
            "treatments": {
                "file": "t.csv",
                "end": end,
                "skip": {"column": "kind", "values": ["none"], "reason": "no treatment"},
                "split": {"column": "kind", "by": " + "},
                "columns": {"patient_id": {"from": "id"}, "kind": {"from": "kind"}},
            },
        },
    }
