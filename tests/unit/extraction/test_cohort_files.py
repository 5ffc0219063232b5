"""The cohorts' YAML files: their schema, and what they make of their tables."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml

from sarcoma_sbrt import schema
from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.extraction.eligibility import Extraction, extract
from sarcoma_sbrt.extraction.sources import read_cohort
from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.settings import cohort_settings

REPOSITORY = Path(__file__).resolve().parents[3]
SCHEMA = REPOSITORY / "workflow/schemas/cohort.schema.yaml"
SMALL = REPOSITORY / "tests/data/config/cohorts/small.yaml"
COHORTS = sorted((REPOSITORY / "config/cohorts").glob("*.yaml"))
TCIA = REPOSITORY.parent / "shared/real/tcia-soft-tissue-sarcoma"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def extracted(settings: Path, folder: Path) -> Extraction:
    cohort = cohort_settings(settings.stem, read_yaml(settings, SCHEMA))
    return extract(cohort, read_cohort(cohort, folder))


def table_rules(name: str) -> Any:
    tables = load(SCHEMA)["properties"]["tables"]["properties"]
    return tables[name]["properties"]["columns"]


def test_the_schema_has_the_canonical_tables() -> None:
    assert list(load(SCHEMA)["properties"]["tables"]["properties"]) == list(schema.TABLES)


@pytest.mark.parametrize("table", schema.TABLES.values(), ids=schema.TABLES)
def test_the_schema_has_the_canonical_columns_and_codes(table: schema.Table) -> None:
    rules = table_rules(table.name)
    assert tuple(rules["properties"]) == table.names
    assert rules["additionalProperties"] is False
    assert rules["required"] == [c.name for c in table.columns if c.required]
    codes = {
        name: tuple(rule["properties"]["codes"]["additionalProperties"]["enum"])
        for name, rule in rules["properties"].items()
        if "properties" in rule
    }
    assert codes == {c.name: c.codes for c in table.columns if c.codes}


def test_the_schema_of_models_is_the_plans_own() -> None:
    own, plan = load(SCHEMA), load(REPOSITORY / "workflow/schemas/models.schema.yaml")
    assert own["properties"]["models"]["properties"] == plan["properties"]
    assert {name: own["$defs"].get(name) for name in plan["$defs"]} == plan["$defs"]


def test_every_object_of_the_schema_refuses_unknown_keys() -> None:
    """Each object either names its keys and takes no other, or gives all keys one rule."""

    def walk(node: Any, place: str) -> list[str]:
        if isinstance(node, list):
            return [x for n, item in enumerate(node) for x in walk(item, f"{place}.{n}")]
        if not isinstance(node, dict):
            return []
        # `then` and `if` narrow an object that is closed where it is declared.
        open_ = node.get("type") == "object" and "additionalProperties" not in node
        inner = [x for key, item in node.items() for x in walk(item, f"{place}.{key}")]
        return [place] * open_ + inner

    found = walk(load(SCHEMA), "")
    # A table's columns are closed per table; the last is the `if` of a support mark.
    assert found == [
        ".properties.support.additionalProperties.if",
        ".$defs.table.properties.columns",
    ]


@pytest.mark.parametrize("path", [*COHORTS, SMALL], ids=lambda path: path.stem)
def test_cohort_files_satisfy_the_schema(path: Path) -> None:
    assert cohort_settings(path.stem, read_yaml(path, SCHEMA)).name == path.stem


def spoilt(tmp_path: Path, old: str, new: str) -> list[str]:
    text = SMALL.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path = tmp_path / "small.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_yaml(path, SCHEMA)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "time_zero: first_course",
            "time_nought: first_course",
            [
                "small.yaml:4: time_zero: key is missing",
                "small.yaml:8: time_nought: unknown key, accepted: derived_from, eligibility, "
                "kind, models, progressions_recorded, screening, "
                "source, support, tables, time_zero, "
                "times, title",
            ],
        ),
        (
            "intent: {from: Zweck",
            "role: {from: Zweck",
            [
                "small.yaml:109: tables.treatments.columns.role: unknown key, "
                "accepted: intent, kind, operations, patient_id, timing, treatment_day"
            ],
        ),
        (
            "m: male",
            "yes: male, x: man",
            [
                "small.yaml:27: tables.patients.columns.sex.codes: value is not accepted, "
                "read true, accepted: string or integer",
                "small.yaml:27: tables.patients.columns.sex.codes.x: value is not accepted, "
                'read "man", accepted: female, male',
            ],
        ),
        (
            "      course_id: {from: Course}\n",
            "",
            ["small.yaml:69: tables.courses.columns.course_id: key is missing"],
        ),
        (
            '"%d/%m/%Y"',
            '"%m/%Y"',
            [
                "small.yaml:7: times.date_format: value is not accepted, "
                'read "%m/%Y", accepted: day, month and year, as in %d/%m/%Y'
            ],
        ),
        (
            'times: {date_format: "%d/%m/%Y"}',
            "times: {unit: days, date_format: x}",
            [
                "small.yaml:7: times.date_format: key is not accepted here",
                "small.yaml:7: times.date_format: value is not accepted, "
                'read "x", accepted: day, month and year, as in %d/%m/%Y',
                "small.yaml:7: times.origin: key is missing",
            ],
        ),
        (
            "time_zero: first_course",
            "time_zero: origin",
            [
                "small.yaml:8: time_zero: value is not accepted, "
                'read "origin", accepted: diagnosis, first_course'
            ],
        ),
        (
            ", keep: [recurrence, oligometastasis]",
            "",
            ["small.yaml:16: eligibility.0.keep: key is missing"],
        ),
        (
            "column: patients.setting, keep",
            "column: courses.setting, known: true, keep",
            [
                "small.yaml:16: eligibility.0.column: value is not accepted, "
                'read "courses.setting", accepted: a mapped column of patients or lesions',
                "small.yaml:16: eligibility.0.known: key is not accepted here",
            ],
        ),
        (
            "kind: observed",
            "kind: observed\nderived_from: feng2022\nsupport: {patients.sex: printed}",
            [
                "small.yaml:6: derived_from: key is not accepted here",
                "small.yaml:7: support: key is not accepted here",
            ],
        ),
        (
            "kind: observed",
            "kind: reconstructed",
            [
                "small.yaml:4: derived_from: key is missing",
                "small.yaml:4: support: key is missing",
            ],
        ),
    ],
)
def test_what_the_schema_refuses(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert spoilt(tmp_path, old, new) == expected


def test_the_small_workbook_is_the_one_that_its_script_writes() -> None:
    script = runpy.run_path(str(REPOSITORY / "tests/data/make_small_workbook.py"))
    committed = REPOSITORY / "tests/data/cohorts/small/centre.xlsx"
    book = script["workbook"]()
    stored = openpyxl.load_workbook(committed)
    assert stored.sheetnames == book.sheetnames
    for sheet in book:
        expected = [[cell.value for cell in row] for row in sheet.iter_rows()]
        got = [[_day(cell.value) for cell in row] for row in stored[sheet.title].iter_rows()]
        assert got == expected
    assert script["workbook_bytes"]() == script["workbook_bytes"]()


def _day(value: Any) -> Any:
    return value.date() if hasattr(value, "date") else value


@pytest.fixture(scope="module")
def small() -> Extraction:
    return extracted(SMALL, REPOSITORY / "tests/data/cohorts/small")


def test_the_small_cohort_is_extracted(small: Extraction) -> None:
    assert {name: len(table) for name, table in small.tables.items()} == {
        "patients": 14,
        "lesions": 21,
        "courses": 22,
        "assessments": 109,
        "progressions": 10,
        "treatments": 28,
        "toxicities": 8,
    }
    assert small.flow["patients"] == {
        "read": 15,
        "excluded": [{"reason": "primary tumour", "patients": 1}],
        "analysed": 14,
    }
    assert small.flow["screening"]["excluded"] == 7


def test_the_small_cohorts_rows_are_all_accounted_for(small: Extraction) -> None:
    for table in small.flow["tables"].values():
        excluded = sum(entry["rows"] for entry in table["excluded"])
        assert table["rows_read"] == table["rows_kept"] + excluded
    assert small.flow["tables"]["patients"]["excluded"] == [
        {"reason": "primary tumour", "rows": 1, "lines": [18]},
        {"reason": "blank row", "rows": 1, "lines": [19]},
        {"reason": "below the table", "rows": 4, "lines": [20, 21, 22, 23]},
    ]


def test_the_small_cohorts_first_patient(small: Extraction) -> None:
    """S01: 4500 and 5000 cGy from a sheet, 7.5 cm from a text file, days from the first course."""
    courses = small.tables["courses"]
    first = courses[courses["patient_id"] == "S01"]
    assert first["start_day"].iloc[:2].tolist() == [0.0, 14.0]
    assert first["dose_gy"].tolist()[:2] == [45.0, 50.0]
    patient = small.tables["patients"].iloc[0]
    assert patient["source_line"] == 4
    assert patient["grade"] == "G1"
    lesion = small.tables["lesions"].iloc[0]
    assert (lesion["size_mm"], lesion["source_line"]) == (75.0, 2)


def test_the_small_cohort_feeds_curves_and_models(small: Extraction) -> None:
    """Both sides of each covariate, deaths and censored patients, one to three lesions."""
    patients, lesions = small.tables["patients"], small.tables["lesions"]
    deaths = patients.groupby(["vital_status"]).size()
    assert deaths.to_dict() == {"alive": 6, "dead": 8}
    for column in ("setting", "grade"):
        assert set(patients.loc[patients["vital_status"] == "dead", column]) == set(
            patients[column]
        )
    assert set(lesions.groupby("patient_id").size()) == {1, 2, 3}


def test_the_reconstructed_cohort_is_extracted() -> None:
    """The paper's 37 patients and 58 lesions, every row of every table kept."""
    folder = REPOSITORY / "data/cohorts/reconstructed-2022"
    extraction = extracted(REPOSITORY / "config/cohorts/reconstructed-2022.yaml", folder)
    assert len(extraction.tables["patients"]) == 37
    assert len(extraction.tables["lesions"]) == 58
    assert extraction.flow["screening"]["excluded"] == 31
    for table in extraction.flow["tables"].values():
        assert table["rows_read"] == table["rows_kept"]


def test_the_tcia_sheet_is_extracted() -> None:
    """Fifty-one real patients; the notes below the table are read and named."""
    if not (TCIA / "INFOclinical_STS.xlsx").is_file():
        pytest.skip("the TCIA sheet is not here")
    extraction = extracted(REPOSITORY / "config/cohorts/tcia-sts.yaml", TCIA)
    assert extraction.flow["patients"] == {"read": 51, "excluded": [], "analysed": 51}
    tables = extraction.flow["tables"]
    assert tables["patients"]["rows_read"] == 62
    assert [(e["reason"], e["rows"]) for e in tables["patients"]["excluded"]] == [
        ("blank row", 1),
        ("below the table", 10),
    ]
    assert tables["progressions"]["rows_kept"] == 27
    assert tables["progressions"]["excluded"][0]["rows"] == 24
    assert tables["treatments"]["rows_kept"] == 51
    assert tables["treatments"]["canonical_rows"] == 116
    assert len(extraction.tables["lesions"]) == 0
