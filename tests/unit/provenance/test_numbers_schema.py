"""The schema of numbers.json and lineage.json, what it refuses, and the page made of it."""

import copy
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from sarcoma_sbrt.provenance.registry import CHECKED, field_tables

REPOSITORY = Path(__file__).parents[3]
SCHEMA = yaml.safe_load(
    (REPOSITORY / "workflow/schemas/numbers.schema.yaml").read_text(encoding="utf-8")
)
PAGE = (REPOSITORY / "docs/registry.md").read_text(encoding="utf-8")
FILE = {"path": "data/cohorts/c/patients.csv", "sha256": "0" * 64}
COMPUTED = {
    "key": "os.median",
    "value": 24.0,
    "unit": "months",
    "text": "24.0",
    "digits": 1,
    "kind": "computed",
    "status": "estimated",
    "reason": "",
    "method": "Kaplan-Meier",
    "support": "printed",
    "n": 37,
    "events": 28,
    "ci": {"low": 13.0, "high": None, "level": 0.95, "method": "log-log"},
    "p": None,
    "population": {"table": "endpoints/os", "filter": {}},
    "rows": {"table": "endpoints/os", "where": {}},
    "columns": ["patients.vital_status"],
    "joint": True,
    "source": "kaplan_meier",
    "rule": "kaplan_meier",
    "inputs": [FILE],
    "code": "kaplan_meier",
    "config": ["endpoints"],
    "lineage": "0123456789abcdef",
    "crosscheck": {
        "status": "independent",
        "engine": "scikit-survival",
        "value": 24.0,
        "difference": 0.0,
        "reason": "",
    },
}
PRINTED = COMPUTED | {
    "key": "published.a.os.median",
    "kind": "transcribed",
    "rule": None,
    "code": None,
    "lineage": None,
    "crosscheck": None,
    "locator": "A 2020, Table 1",
}
SET = {
    "units": {"endpoints/os": "0-36"},
    "canonical": {"patients": "0-3,7"},
    "raw": {"data/cohorts/c/book.xlsx#S": "2"},
    "n": {"units": 37, "canonical": 5, "raw": 1},
}
LINEAGE = {
    "version": "1.1",
    "cohort": "c",
    "kind": "observed",
    "files": {FILE["path"]: FILE["sha256"]},
    "environment": {
        "python": "3.11.7",
        "lock": FILE,
        "renderer": "embedded (pandoc 3.9)",
        "stages": {"cox": {"numpy": "2.4.6"}},
    },
    "registration": {"rule": "numbers", "code": "numbers", "config": ["cohort.support"]},
    "printing": {"tables": ["workflow/scripts/tables.py"]},
    "columns": {"patients.grade": {"file": FILE["path"], "column": "Grad"}},
    "row_sets": {"0123456789abcdef": SET},
}


def problems(content, part=None):
    rules = {"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]} if part else SCHEMA
    return [error.message for error in jsonschema.Draft202012Validator(rules).iter_errors(content)]


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].endswith(":1.1")


def test_what_is_right_is_accepted():
    assert problems({"os.median": COMPUTED, "published.a.os.median": PRINTED}) == []
    assert problems(LINEAGE, "lineage") == []


def test_optional_fields_are_accepted():
    more = {
        "of": "os.median",
        "over_solutions": "22.0 to 25.0",
        "duplicate_of": "",
        "solutions": {"low": 22, "high": 25, "estimated": 9, "solutions": 9, "source": FILE},
    }
    assert problems({"os.median": COMPUTED | more}) == []


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"kind": "guessed"},
        {"value": None},
        {"value": [1]},
        {"digits": -1},
        {"p": 1.2},
        {"rule": None},
        {"support": None},
        {"lineage": "os"},
        {"lineage": "0123456789ABCDEF"},
        {"inputs": [{"path": "/home/x/patients.csv", "sha256": "0" * 64}]},
        {"inputs": [{"path": "data/x.csv", "sha256": "0"}]},
        {"inputs": [FILE, FILE]},
        {"ci": {"low": 1}},
        {
            "crosscheck": {
                "status": "sure",
                "engine": None,
                "value": 1,
                "difference": 0,
                "reason": "",
            }
        },
        {"key": "os"},
    ],
)
def test_what_is_wrong_is_refused(change):
    assert len(problems({"os.median": COMPUTED | change})) >= 1


@pytest.mark.parametrize("field", SCHEMA["$defs"]["entry"]["required"])
def test_every_field_must_be_there(field):
    lacking = {name: value for name, value in COMPUTED.items() if name != field}
    assert f"'{field}' is a required property" in problems({"os.median": lacking})


def test_what_no_rule_computed_has_no_rows_and_no_second_engine():
    for field in ("rule", "lineage", "crosscheck"):
        assert problems({"published.a.os.median": PRINTED | {field: COMPUTED[field]}}) != []
    assert problems({"x.y": {k: v for k, v in PRINTED.items() if k != "locator"}}) != []


@pytest.mark.parametrize("text", ["", "1-", "a", "1, 2", "1-2-3", "-1"])
def test_rows_are_ranges(text):
    wrong = copy.deepcopy(LINEAGE)
    wrong["row_sets"]["0123456789abcdef"]["raw"] = {"data/x.csv": text}
    assert len(problems(wrong, "lineage")) == 1


def test_the_fields_of_a_check_are_those_that_the_registry_copies():
    assert set(SCHEMA["$defs"]["crosscheck"]["properties"]) == set(CHECKED)


def described(part):
    for name, of in part.get("properties", {}).items():
        yield name, of
        yield from ((f"{name}.{inner}", field) for inner, field in described(of))


@pytest.mark.parametrize("part", ["entry", "crosscheck", "lineage", "row_set"])
def test_every_field_is_described(part):
    fields = SCHEMA["$defs"][part]["properties"]
    assert [name for name, of in fields.items() if not ("description" in of or "$ref" in of)] == []
    assert field_tables(SCHEMA).count(f"| `{next(iter(fields))}` |") >= 1


def test_the_page_shows_what_the_schema_says():
    found = re.search(r"<!-- fields: begin -->\n(.*)<!-- fields: end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1] == f"\n{field_tables(SCHEMA)}\n"


def test_the_page_describes_every_field_once():
    table = field_tables(SCHEMA)
    assert table.startswith("### A number (`numbers.json`: key → entry)\n\n| field | type |")
    assert "| `kind` | `computed`, `transcribed`, `configured` | yes | computed by a rule," in table
    assert "| `lineage` | null or string | yes | id of its row set" in table
    assert "| `over_solutions` | string |  | the same range" in table
