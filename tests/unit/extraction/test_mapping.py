"""Cells as canonical values, and raw rows as canonical rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt import schema
from sarcoma_sbrt.extraction.mapping import (
    UNITS,
    Refused,
    canonical_value,
    empty_table,
    map_table,
    mapping_faults,
)
from sarcoma_sbrt.extraction.sources import RawTable
from sarcoma_sbrt.settings import ColumnMapping, TableMapping
from sarcoma_sbrt.validation import pandera_schema

DAYS = {"unit": "days", "origin": "diagnosis"}


def value(reference: str, raw: object, times: dict[str, str] | None = None, **how: Any) -> Any:
    mapping = ColumnMapping(source="x", **how)
    return canonical_value(schema.column(reference), mapping, times or {}, raw)


def refusal(reference: str, raw: object, times: dict[str, str] | None = None, **how: Any) -> str:
    with pytest.raises(Refused) as caught:
        value(reference, raw, times, **how)
    return f"{caught.value.what}; accepted: {caught.value.accepted}"


@pytest.mark.parametrize(
    ("reference", "unit", "raw", "expected"),
    [
        ("lesions.size_mm", None, "23", 23.0),
        ("lesions.size_mm", "cm", "1.1", 11.0),  # 1.1 * 10 is 11.000000000000002 in floats
        ("lesions.size_mm", "cm", 2.3, 23.0),
        ("lesions.size_mm", "mm", "+.5", 0.5),
        ("courses.dose_gy", "cGy", "4550", 45.5),
        ("courses.dose_gy", "cGy", 5e3, 50.0),
        ("courses.ptv_cm3", "ml", "22.4", 22.4),
        ("courses.isodose_percent", "%", "80", 80.0),
        ("patients.age_years", "months", "600", 50.0),
        ("courses.conformity_index", None, "1.2e0", 1.2),
    ],
)
def test_numbers_and_units(reference: str, unit: str | None, raw: object, expected: float) -> None:
    assert value(reference, raw, unit=unit) == expected


@pytest.mark.parametrize(
    ("unit", "raw", "days"),
    [("days", "-9", -9.0), ("weeks", 2, 14.0), ("months", "3", 91.3125), ("years", "2", 730.5)],
)
def test_times_in_a_unit(unit: str, raw: object, days: float) -> None:
    assert value("courses.start_day", raw, {"unit": unit, "origin": "x"}) == days


def test_a_column_may_have_a_unit_of_its_own() -> None:
    assert value("courses.start_day", "3", DAYS, unit="weeks") == 21.0


def test_months_come_back_exactly() -> None:
    days = [value("courses.start_day", str(m), {"unit": "months"}) for m in range(200)]
    assert [d / schema.DAYS_PER_MONTH for d in days] == list(range(200))


@given(st.integers(1, 10**6))
def test_a_length_in_centimetres_is_the_one_in_millimetres(tenths: int) -> None:
    """Whatever is written with one decimal in cm is a whole number of mm, exactly."""
    assert value("lesions.size_mm", f"{tenths // 10}.{tenths % 10}", unit="cm") == tenths


@pytest.mark.parametrize(
    "raw",
    ["12,5", "nan", "inf", "1e999", "1/2", "1_0", "12 mm", "٣", "TRUE", True, datetime(2012, 4, 3)],
)
def test_what_is_no_number(raw: object) -> None:
    expected = "not a number; accepted: a number with a decimal point, in mm"
    assert refusal("lesions.size_mm", raw) == expected


def test_a_number_without_unit_is_asked_for_without_one() -> None:
    expected = "not a number; accepted: a number with a decimal point"
    assert refusal("courses.conformity_index", "1,2") == expected


@pytest.mark.parametrize(("raw", "expected"), [("3", 3), ("3.0", 3), (3.0, 3), (5, 5)])
def test_whole_numbers(raw: object, expected: int) -> None:
    assert value("toxicities.grade", raw) == expected


def test_ranges_of_whole_numbers() -> None:
    assert refusal("toxicities.grade", "6") == "out of range; accepted: >= 1, <= 5"
    assert refusal("courses.fractions", 0) == "out of range; accepted: >= 1"


@pytest.mark.parametrize("raw", ["9223372036854775808", "1e20", 10**400, 1e300])
def test_whole_numbers_that_no_column_can_hold(raw: object) -> None:
    expected = "number is too large; accepted: a whole number up to 9223372036854775807"
    assert refusal("courses.fractions", raw) == expected


def test_the_largest_whole_number_that_a_column_can_hold() -> None:
    assert value("courses.fractions", "9223372036854775807") == 2**63 - 1
    assert refusal("toxicities.grade", "9223372036854775808") == (
        "out of range; accepted: >= 1, <= 5"
    )


def test_numbers_that_no_column_can_hold() -> None:
    """The largest float is about 1.8e308; ten times 1e308 mm are more."""
    assert value("lesions.size_mm", 1e308) == 1e308
    expected = "number is too large; accepted: a number with a decimal point, in "
    assert refusal("lesions.size_mm", 1e308, unit="cm") == f"{expected}cm"
    assert refusal("lesions.size_mm", 10**309, unit="inch") == f"{expected}inch"
    assert refusal("courses.start_day", 1e308, DAYS, unit="weeks") == (
        "number is too large; accepted: a number of weeks"
    )


def test_a_number_in_an_unknown_unit_has_no_value_but_is_a_number() -> None:
    assert value("patients.age_years", "200", unit="seasons") is pd.NA
    assert value("courses.start_day", "3", DAYS, unit="visits") is pd.NA
    assert value("courses.conformity_index", "1.2", unit="cm") is pd.NA
    assert refusal("patients.age_years", "-1", unit="seasons") == (
        "out of range; accepted: >= 0 years"
    )
    assert refusal("courses.start_day", "x", DAYS, unit="visits") == (
        "not a number; accepted: a number of visits"
    )


def test_codes() -> None:
    grades = {1: "G1", "II": "G2"}
    assert value("patients.grade", "G1") == "G1"
    assert value("patients.grade", 1, codes=grades) == "G1"
    assert value("patients.grade", 1.0, codes=grades) == "G1"
    assert refusal("patients.grade", "G1", codes=grades) == "unknown code; accepted: 1, II"
    assert value("toxicities.grade", "II", codes={"II": 2}) == 2
    assert value("toxicities.term", "tired", codes={"tired": "Fatigue"}) == "Fatigue"


def test_a_code_that_maps_to_no_canonical_one() -> None:
    expected = "unknown code; accepted: female, male"
    assert refusal("patients.sex", "M", codes={"M": "man"}) == expected


@pytest.mark.parametrize("raw", [None, "", "  ", "n.m.", "999", 999])
def test_missing(raw: object) -> None:
    assert value("lesions.size_mm", raw, missing=("n.m.", "999")) is pd.NA


def test_a_required_value_is_not_missing() -> None:
    assert refusal("lesions.patient_id", None) == "value is missing; accepted: a text"
    expected = "value is missing; accepted: a number of days"
    assert refusal("courses.start_day", "-", DAYS, missing=("-",)) == expected


def test_spreadsheet_errors_are_no_text() -> None:
    assert refusal("patients.histology", "#REF!") == "spreadsheet error; accepted: a text"
    assert value("patients.histology", "#N/A", missing=("#N/A",)) is pd.NA


def test_ids_and_texts() -> None:
    assert value("patients.patient_id", 7) == "7"
    assert value("patients.patient_id", 7.0) == "7"
    assert value("patients.patient_id", " 007 ") == "007"
    expected = "a date where a text is expected; accepted: a text"
    assert refusal("patients.patient_id", datetime(2012, 1, 2)) == expected


DMY = {"date_format": "%d/%m/%Y"}


@pytest.mark.parametrize(
    ("raw", "times", "expected"),
    [
        ("03/04/2012", DMY, date(2012, 4, 3)),
        ("3/4/2012", DMY, date(2012, 4, 3)),
        (datetime(2012, 4, 3), DMY, date(2012, 4, 3)),
        (datetime(2012, 4, 3, 17, 5), DMY, date(2012, 4, 3)),
        (date(2012, 4, 3), {}, date(2012, 4, 3)),
        ("03.Apr 12", {"date_format": "%d.%b %y"}, date(2012, 4, 3)),
        ("03042012", {"date_format": "%d%m%Y"}, date(2012, 4, 3)),
        ("2012-04-03", {}, date(2012, 4, 3)),
        ("25/04/2012", {}, date(2012, 4, 25)),
        ("04/25/2012", {}, date(2012, 4, 25)),
        ("4.4.2012", {}, date(2012, 4, 4)),
    ],
)
def test_dates(raw: object, times: dict[str, str], expected: date) -> None:
    assert value("courses.start_day", raw, times) == expected.toordinal()


def test_a_column_may_have_a_format_of_its_own() -> None:
    day = value("courses.start_day", "2012.04.03", DMY, date_format="%Y.%m.%d")
    assert day == date(2012, 4, 3).toordinal()


FREE = "accepted: a real date as %Y-%m-%d"
STATED = "accepted: a real date as %d/%m/%Y"


@pytest.mark.parametrize(
    ("raw", "times", "expected"),
    [
        ("31/02/2012", DMY, f"impossible date; {STATED}"),
        ("12/25/2012", DMY, f"impossible date; {STATED}"),
        ("29/02/2013", DMY, f"impossible date; {STATED}"),
        ("2012-04-03", DMY, f"date is not of the stated format; {STATED}"),
        ("03/04/12", DMY, f"date is not of the stated format; {STATED}"),
        ("03/04/2012 ?", DMY, f"date is not of the stated format; {STATED}"),
        ("April 2012", DMY, f"date is not of the stated format; {STATED}"),
        (41002, DMY, f"not a date; {STATED}"),
        (timedelta(1), DMY, f"not a date; {STATED}"),
        (
            "1112012",
            {"date_format": "%d%m%Y"},
            "ambiguous date: it does not fit the stated format exactly; "
            "accepted: a real date as %d%m%Y",
        ),
        (
            "03/04/2012",
            {},
            f"ambiguous date: without a date_format it reads as two different dates; {FREE}",
        ),
        ("31/02/2012", {}, f"impossible date; {FREE}"),
        ("2012-02-30", {}, f"impossible date; {FREE}"),
        ("03/04/12", {}, f"not a date; {FREE}"),
        ("spring 2012", {}, f"not a date; {FREE}"),
    ],
)
def test_dates_that_are_refused(raw: object, times: dict[str, str], expected: str) -> None:
    assert refusal("courses.start_day", raw, times) == expected


def test_a_date_where_a_number_of_days_is_due() -> None:
    expected = "not a number; accepted: a number of days"
    assert refusal("courses.start_day", datetime(2012, 4, 3), DAYS) == expected


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)))
def test_a_written_date_is_read_back(day: date) -> None:
    for form in ("%d/%m/%Y", "%m-%d-%Y", "%Y%m%d", "%d.%m.%y"):
        if form.endswith("%y") and not 1969 <= day.year <= 2068:
            continue
        got = value("courses.start_day", day.strftime(form), {"date_format": form})
        assert got == day.toordinal()


def test_every_canonical_unit_can_be_read() -> None:
    units = {c.unit for t in schema.TABLES.values() for c in t.columns if c.unit}
    assert units == set(UNITS)
    assert all(factors[unit] == 1 for unit, factors in UNITS.items())


def raw_treatments(*rows: tuple[object, object]) -> RawTable:
    lines = tuple((n, {"id": a, "what": b}) for n, (a, b) in enumerate(rows, start=5))
    return RawTable("t.xlsx#S", ("id", "what"), 4, lines)


def treatments(**settings: Any) -> TableMapping:
    codes = {"OP": "surgery", "RT": "radiotherapy"}
    columns = {"patient_id": ColumnMapping("id"), "kind": ColumnMapping("what", codes=codes)}
    return TableMapping(file="t.xlsx", sheet="S", columns=columns, **settings)


def test_rows_blank_below_skipped_and_split() -> None:
    raw = raw_treatments(
        ("A", "OP + RT"), ("B", "none"), (None, " "), ("Notes", None), (None, None)
    )
    mapped = map_table(
        schema.TABLES["treatments"],
        treatments(
            end="first_blank_row",
            skip={"column": "what", "values": ["none"], "reason": "no treatment"},
            split={"column": "what", "by": " + "},
        ),
        raw,
        DAYS,
    )
    assert mapped.problems == ()
    assert mapped.excluded == {
        6: "no treatment",
        7: "blank row",
        8: "below the table",
        9: "below the table",
    }
    columns = ["patient_id", "kind", "source_file", "source_line"]
    assert mapped.frame[columns].to_numpy().tolist() == [
        ["A", "surgery", "t.xlsx#S", 5],
        ["A", "radiotherapy", "t.xlsx#S", 5],
    ]
    pandera_schema(schema.TABLES["treatments"]).validate(mapped.frame)


def test_blank_rows_end_no_table_that_goes_on() -> None:
    raw = raw_treatments(("A", "OP"), ("", ""), ("B", "RT"))
    mapped = map_table(schema.TABLES["treatments"], treatments(), raw, DAYS)
    assert mapped.excluded == {6: "blank row"}
    assert mapped.frame["patient_id"].tolist() == ["A", "B"]


def test_an_empty_cell_can_mean_that_there_is_nothing() -> None:
    skip = {"column": "what", "values": ["", 0], "reason": "no treatment"}
    raw = raw_treatments(("A", None), ("B", "RT"), ("C", 0))
    mapped = map_table(schema.TABLES["treatments"], treatments(skip=skip), raw, DAYS)
    assert mapped.excluded == {5: "no treatment", 7: "no treatment"}


def test_a_part_that_is_no_code_is_told_with_the_whole_line() -> None:
    split = {"column": "what", "by": "+"}
    mapped = map_table(
        schema.TABLES["treatments"],
        treatments(split=split),
        raw_treatments(("A", "OP+chemo")),
        DAYS,
    )
    assert [str(p) for p in mapped.problems] == [
        "t.xlsx#S:5: what: unknown code, read chemo, accepted: OP, RT"
    ]
    assert mapped.frame["kind"].tolist() == ["surgery", pd.NA]


def test_faults_of_a_mapping_are_told_by_key() -> None:
    columns = {
        "patient_id": ColumnMapping("id", unit="mm"),
        "treatment_day": ColumnMapping("day", unit="visits", date_format="%d%m%Y"),
    }
    mapping = TableMapping(file="t.csv", columns=columns)
    told = list(mapping_faults(schema.TABLES["treatments"], mapping, DAYS))
    assert told == [
        ("patient_id.unit", "unmapped unit", "mm", "no unit"),
        ("kind", "required column is not mapped", "", "a column in the YAML"),
        ("treatment_day.unit", "unmapped unit", "visits", "days, weeks, months, years"),
        (
            "treatment_day.date_format",
            "date_format for what is no date",
            "%d%m%Y",
            "no date_format",
        ),
    ]
    (_, _, *dated) = mapping_faults(schema.TABLES["treatments"], mapping, DMY)
    assert dated == [("treatment_day.unit", "unmapped unit", "visits", "no unit")]


@pytest.mark.parametrize("name", schema.TABLES)
def test_empty_tables_are_canonical(name: str) -> None:
    table = schema.TABLES[name]
    frame = empty_table(table)
    pandera_schema(table).validate(frame)
    assert frame.empty
