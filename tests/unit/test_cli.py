import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sarcoma_sbrt.cli import app

REPOSITORY = Path(__file__).parents[2]
ENTRY = {
    "key": "os.median",
    "text": "24.0",
    "value": 24.0,
    "unit": "months",
    "kind": "computed",
    "support": "printed",
    "method": "Kaplan-Meier",
    "n": 37,
    "events": 28,
    "population": {"table": "endpoints/os"},
    "columns": ["patients.vital_status"],
    "rule": "kaplan_meier",
    "config": ["endpoints"],
    "inputs": [{"path": "data/c/patients.csv", "sha256": "a" * 64}],
    "code": "kaplan_meier",
}
CODE = [{"path": "workflow/scripts/kaplan_meier.py", "sha256": "b" * 64}]
PRINTED = ENTRY | {
    "key": "published.doe2015.os.median",
    "kind": "transcribed",
    "rule": None,
    "code": None,
    "locator": "Doe 2015, Table 2, row “OS”",
}


@pytest.fixture
def results(tmp_path):
    numbers = {"os.median": ENTRY, PRINTED["key"]: PRINTED}
    (tmp_path / "numbers.json").write_text(json.dumps(numbers), encoding="utf-8")
    (tmp_path / "code.json").write_text(json.dumps({"kaplan_meier": CODE}), encoding="utf-8")
    return str(tmp_path)


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_trace_says_value_rule_data_code_and_settings(results):
    done = run("trace", "os.median", "--results", results)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "os.median: 24.0",
        "  value       24.0 (months)",
        "  kind        computed, support: printed",
        "  method      Kaplan-Meier",
        "  counts      n 37, events 28",
        '  population  {"table": "endpoints/os"}',
        "  columns     patients.vital_status",
        "  rule        kaplan_meier",
        "  config      endpoints",
        "  inputs      data/c/patients.csv  sha256 aaaaaaaaaaaa",
        "  code        workflow/scripts/kaplan_meier.py  sha256 bbbbbbbbbbbb",
    ]


def test_trace_as_json_is_the_entry(results):
    done = run("trace", "os.median", "--json", "--results", results)
    assert json.loads(done.output) == ENTRY | {"code": CODE}


def test_trace_of_a_printed_figure_says_where_it_is_printed(results):
    done = run("trace", PRINTED["key"], "--results", results)
    assert "  printed in  Doe 2015, Table 2, row “OS”" in done.output.splitlines()


def test_a_wrong_key_names_what_is_near_and_exits_with_1(results):
    done = run("trace", "os.medain", "--results", results)
    assert done.exit_code == 1
    assert "os.medain: no such key; near: os.median" in done.output


def test_without_a_run_the_exit_code_is_2(tmp_path):
    done = run("trace", "os.median", "--results", str(tmp_path))
    assert done.exit_code == 2
    assert "run the workflow first" in done.output


def test_the_dictionary_is_the_committed_one():
    committed = (REPOSITORY / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    package = REPOSITORY / "data" / "published" / "datapackage.json"
    assert run("dictionary", "--package", str(package)).output == committed


def test_the_dictionary_needs_the_data_package(tmp_path):
    done = run("dictionary", "--package", str(tmp_path / "none.json"))
    assert done.exit_code == 2
    assert done.output.replace("\n", "").endswith("no such file; name it with --package")
