from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pandera.errors
import pytest

from sarcoma_sbrt.schema import (
    DAYS_PER_MONTH,
    ENDPOINT_TABLE,
    SOURCE_COLUMNS,
    TABLES,
    Column,
    Table,
    accepted,
    column,
    data_dictionary,
    package_dictionary,
)
from sarcoma_sbrt.validation import pandera_schema

ROOT = Path(__file__).parents[2]
PACKAGE: dict[str, Any] = json.loads(
    (ROOT / "data/published/datapackage.json").read_text(encoding="utf-8")
)
REFUSALS = (pandera.errors.SchemaError, pandera.errors.SchemaErrors)
EVERY_TABLE = [*TABLES.values(), ENDPOINT_TABLE]
EVERY_COLUMN = [(table, c) for table in EVERY_TABLE for c in table.columns]

PATIENT = {
    "patient_id": "P1",
    "age_years": 58.0,
    "sex": "male",
    "last_contact_day": 100.0,
    "vital_status": "alive",
    "source_file": "patients.csv",
    "source_line": 2,
}
LESION = {
    "patient_id": "P1",
    "lesion_id": "A",
    "size_mm": 30.0,
    "source_file": "l",
    "source_line": 2,
}
ENDPOINT = {
    "patient_id": "P1",
    "time_days": 0.0,
    "time_months": 0.0,
    "event": 2,
    "source_file": "l",
    "source_line": 2,
}


def frame(table: Table, *rows: dict[str, Any]) -> pd.DataFrame:
    columns = table.columns if table is ENDPOINT_TABLE else (*table.columns, *SOURCE_COLUMNS)
    dtypes = {c.name: c.dtype for c in columns}
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)


def test_months_to_days_to_months_is_exact() -> None:
    assert DAYS_PER_MONTH * 12 == 365.25
    assert all(month * DAYS_PER_MONTH / DAYS_PER_MONTH == month for month in range(1000))


# --- the declarations themselves ------------------------------------------------------------


def test_tables_are_in_the_order_of_their_parents() -> None:
    names = list(TABLES)
    for table in TABLES.values():
        if table.parent is not None:
            assert names.index(table.parent) < names.index(table.name)
            assert set(TABLES[table.parent].key) <= set(table.names)


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda t: t.name)
def test_columns_of_a_table_differ_and_hold_its_key(table: Table) -> None:
    assert len(set(table.names)) == len(table.names)
    assert set(table.key) <= set(table.names)
    if table is not ENDPOINT_TABLE:
        assert not set(table.names) & {c.name for c in SOURCE_COLUMNS}
        assert all(table[key].required for key in table.key)


@pytest.mark.parametrize(
    ("table", "declared"), EVERY_COLUMN, ids=[f"{t.name}.{c.name}" for t, c in EVERY_COLUMN]
)
def test_a_column_is_declared_in_one_way(table: Table, declared: Column) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", declared.name)
    assert bool(declared.codes) == (declared.kind == "code")
    assert len(set(declared.codes)) == len(declared.codes)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", code) for code in declared.codes)
    assert declared.name.endswith("_day") == (declared.kind == "time")
    if declared.kind == "time":
        assert declared.unit == "days"
    for ending, unit in {"_mm": "mm", "_gy": "Gy", "_percent": "%", "_cm3": "cm3"}.items():
        if declared.name.endswith(ending):
            assert declared.unit == unit
    assert declared.description
    assert "|" not in declared.description


def test_a_column_is_found_by_its_reference() -> None:
    assert column("courses.dose_gy").unit == "Gy"
    assert column("patients.grade").dtype == "string"
    assert column("courses.fractions").dtype == "Int64"


@pytest.mark.parametrize(
    "reference", ["patients.weight", "nurses.name", "patients", "", "derived.x"]
)
def test_an_unknown_reference_is_no_column(reference: str) -> None:
    with pytest.raises(KeyError, match=re.escape(repr(reference))):
        column(reference)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("patients.sex", "female, male"),
        ("patients.age_years", ">= 0, <= 120"),
        ("lesions.size_mm", "> 0"),
        ("courses.fractions", ">= 1"),
        ("patients.histology", ""),
    ],
)
def test_what_is_accepted_in_words(reference: str, words: str) -> None:
    assert accepted(column(reference)) == words


# --- frames ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", EVERY_TABLE, ids=lambda t: t.name)
def test_an_empty_table_is_accepted(table: Table) -> None:
    pandera_schema(table).validate(frame(table))


@pytest.mark.parametrize(
    ("table", "row"),
    [(TABLES["patients"], PATIENT), (TABLES["lesions"], LESION), (ENDPOINT_TABLE, ENDPOINT)],
    ids=["patients", "lesions", "endpoint"],
)
def test_a_good_row_is_accepted(table: Table, row: dict[str, Any]) -> None:
    pandera_schema(table).validate(frame(table, row))


@pytest.mark.parametrize(
    ("table", "row", "change", "complaint"),
    [
        ("patients", PATIENT, {"sex": "M"}, "isin"),
        ("patients", PATIENT, {"age_years": 121}, "less_than_or_equal_to"),
        ("patients", PATIENT, {"last_contact_day": -1}, "greater_than_or_equal_to"),
        ("patients", PATIENT, {"last_contact_day": None}, "non-nullable"),
        ("patients", PATIENT, {"vital_status": None}, "non-nullable"),
        ("patients", PATIENT, {"source_line": None}, "non-nullable"),
        ("lesions", LESION, {"size_mm": 0}, "greater_than"),
        ("endpoint", ENDPOINT, {"event": 3}, "less_than_or_equal_to"),
        ("endpoint", ENDPOINT, {"time_days": -0.5}, "greater_than_or_equal_to"),
    ],
)
def test_a_bad_value_is_refused(
    table: str, row: dict[str, Any], change: dict[str, Any], complaint: str
) -> None:
    declared = TABLES.get(table, ENDPOINT_TABLE)
    with pytest.raises(REFUSALS, match=complaint):
        pandera_schema(declared).validate(frame(declared, row | change))


def test_a_key_that_stands_twice_is_refused() -> None:
    lesions = TABLES["lesions"]
    other = LESION | {"lesion_id": "B"}
    pandera_schema(lesions).validate(frame(lesions, LESION, other))
    with pytest.raises(REFUSALS, match="not unique"):
        pandera_schema(lesions).validate(frame(lesions, LESION, other, LESION))


def test_a_patient_that_stands_twice_in_an_endpoint_is_refused() -> None:
    with pytest.raises(REFUSALS, match="not unique"):
        pandera_schema(ENDPOINT_TABLE).validate(frame(ENDPOINT_TABLE, ENDPOINT, ENDPOINT))


def test_other_columns_order_or_dtypes_are_refused() -> None:
    patients = TABLES["patients"]
    good, schema = frame(patients, PATIENT), pandera_schema(patients)
    bad = {
        "column 'weight' not in": good.assign(weight=70.0),
        "column 'grade' not in": good.drop(columns="grade"),
        "out-of-order": good[["age_years", "patient_id", *good.columns[2:]]],
        "expected series 'age_years' to have type": good.astype({"age_years": "string"}),
    }
    for complaint, table in bad.items():
        with pytest.raises(REFUSALS, match=complaint):
            schema.validate(table)


# --- the data dictionary --------------------------------------------------------------------


def test_the_dictionary_in_the_documentation_is_the_generated_one() -> None:
    written = (ROOT / "docs/data-dictionary.md").read_text(encoding="utf-8")
    assert written == data_dictionary() + package_dictionary(PACKAGE), "run `make docs`"


def test_the_dictionary_names_every_column_once_per_table() -> None:
    sections = re.split(r"^## ", data_dictionary(), flags=re.MULTILINE)[1:]
    found = {s.split("\n", 1)[0]: re.findall(r"^\| `(\w+)` \|", s, re.MULTILINE) for s in sections}
    assert found == {table.name: list(table.names) for table in EVERY_TABLE}


def test_a_row_of_the_dictionary() -> None:
    row = "| `size_mm` | number | mm |  | > 0 | Longest diameter at treatment planning |"
    assert row in data_dictionary().splitlines()


def test_the_dictionary_names_every_column_of_the_published_tables_once() -> None:
    sections = re.split(r"^### ", package_dictionary(PACKAGE), flags=re.MULTILINE)[1:]
    found = {s.split("\n", 1)[0]: re.findall(r"^\| `(\w+)` \|", s, re.MULTILINE) for s in sections}
    columns = {r["path"]: [f["name"] for f in r["schema"]["fields"]] for r in PACKAGE["resources"]}
    outcomes = columns["outcomes.csv"]
    assert found == {
        "papers.csv": columns["papers.csv"],
        "studies.csv": columns["studies.csv"],
        "outcomes.csv, targets/feng2022.csv, targets/feng2020.csv": [
            outcomes[0],
            "target_id",
            *outcomes[1:],
        ],
    }


def test_the_dictionary_of_a_package_says_every_kind_of_constraint() -> None:
    fields = [
        {"name": "key", "type": "string", "description": "Key.", "constraints": {"unique": True}},
        {
            "name": "time",
            "type": "number",
            "description": "Time.",
            "constraints": {"required": True, "minimum": 0, "maximum": 99.9},
        },
        {
            "name": "sex",
            "type": "string",
            "description": "Sex.",
            "constraints": {"enum": ["f", "m"]},
        },
        {
            "name": "kind",
            "type": "string",
            "description": "a | b.",
            "constraints": {"pattern": "a|b"},
        },
    ]
    link = {"fields": "kind", "reference": {"resource": "kinds", "fields": "kind_id"}}
    schema = {"fields": fields, "foreignKeys": [link]}
    package = {"resources": [{"path": "times.csv", "title": "Times", "schema": schema}]}
    assert package_dictionary(package).splitlines()[5:] == [
        "### times.csv",
        "",
        "Times.",
        "`kind` is a `kind_id` of kinds.csv.",
        "",
        "| column | kind | required | accepted | meaning |",
        "|---|---|---|---|---|",
        "| `key` | string |  | unique | Key. |",
        "| `time` | number | yes | >= 0, <= 99.9 | Time. |",
        "| `sex` | string |  | f, m | Sex. |",
        "| `kind` | string |  | `a\\|b` | a \\| b. |",
    ]
