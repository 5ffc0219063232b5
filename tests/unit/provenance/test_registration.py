import json

import numpy as np
import pytest

from sarcoma_sbrt.provenance import registration
from sarcoma_sbrt.provenance.registration import RANGES
from sarcoma_sbrt.provenance.setting_lines import Setting
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.settings import cohort_settings

FOLDER = "data/cohorts/c"
COHORT = cohort_settings(
    "c",
    {
        "title": "A cohort",
        "kind": "observed",
        "times": {"unit": "days", "origin": "first fraction"},
        "models": {"alpha": 0.01},
        "tables": {
            "patients": {"file": "p.csv", "columns": {"grade": {"from": "Grad"}}},
            "courses": {
                "file": "book.xlsx",
                "sheet": "SBRT",
                "columns": {"dose_gy": {"from": "Dose (cGy)"}, "course_id": {"from": "No"}},
            },
            "lesions": {"file": "book.xlsx", "sheet": "L", "columns": {}},
            "toxicities": {"file": "gone.csv", "columns": {}},
        },
    },
)


def file(path):
    return {"path": path, "sha256": f"hash of {path}"}


RAW = [file(f"{FOLDER}/book.xlsx"), file(f"{FOLDER}/p.csv")]
PRINTED = [file("data/published/outcomes.csv"), file("data/published/targets/doe.csv")]
INPUTS = registration.inputs(COHORT, FOLDER, RAW, PRINTED, [])


def test_a_table_is_known_by_the_file_it_was_read_from():
    found = registration.inputs(COHORT, FOLDER, RAW, PRINTED, [])
    assert found == {
        "patients": file(f"{FOLDER}/p.csv"),
        "courses": file(f"{FOLDER}/book.xlsx"),
        "lesions": file(f"{FOLDER}/book.xlsx"),
        "published.outcomes": file("data/published/outcomes.csv"),
        "published.doe": file("data/published/targets/doe.csv"),
    }
    ranges = file("data/reconstruction/c/ranges.csv")
    assert registration.inputs(COHORT, FOLDER, RAW, PRINTED, [ranges])[RANGES] == ranges


def test_a_stage_knows_rule_code_and_configuration():
    planned = {
        "cox": {"rule": "cox", "code": ["s/cox.py", "m/a.py"], "config": ["models.cox"]},
        "published": {"rule": None, "code": [], "config": []},
        "reproduction": {
            "rule": "reproduction",
            "code": ["m/a.py"],
            "config": [],
            "also": ["published.doe", RANGES],
        },
    }
    code = {path: file(path) for path in ("m/a.py", "s/cox.py", "s/other.py")}
    stages = registration.stages(planned, INPUTS, code)
    assert (stages["cox"].rule, stages["cox"].config) == ("cox", ["models.cox"])
    assert stages["cox"].code == [file("s/cox.py"), file("m/a.py")]
    assert stages["published"].rule is None
    # What is not there, as ranges that nobody made, is no input.
    assert registration.also(stages) == {"reproduction": ("published.doe",)}


def test_statistics_come_with_their_stage():
    one = Statistic("os.n", 3, "count", "count", columns=("patients.grade",))
    other = Statistic("os.median", 2.5, "months", "Kaplan-Meier")
    documents = [("forest", to_json("forest", [one])), ("forest", to_json("forest", [other]))]
    assert registration.gathered(documents) == [("forest", one), ("forest", other)]


def test_configuration_is_what_was_run_and_no_empty_part():
    plan = {"cohort": {"title": "A"}, "endpoints": {"os": {}}, "models": {"alpha": 0.05, "x": 1}}
    told = registration.configuration(
        plan, COHORT, {"seed": 1}, reconstruction={}, marginals={"a": 2}
    )
    assert told == {
        "cohort": {"title": "A"},
        "endpoints": {"os": {}},
        "models": {"alpha": 0.01, "x": 1},  # the cohort's own block wins
        "run": {"seed": 1},
        "marginals": {"a": 2},
    }


def test_a_setting_stands_where_it_decides():
    def read(path, text):
        return file(path), text

    found = registration.settings(
        {
            "models": read("config/models.yaml", "alpha: 0.05\nlevel: 0.95\n"),
            "cohort": read("config/cohorts/c.yaml", "title: A\nmodels:\n  alpha: 0.01\n"),
        },
        COHORT,
        {"run.seed": ("config/config.yaml", 9)},
    )
    # The cohort's own block wins; what was run is in no file that the registry depends on.
    assert found["models.alpha"] == Setting(
        "config/cohorts/c.yaml", 3, "hash of config/cohorts/c.yaml"
    )
    assert found["models.level"] == Setting("config/models.yaml", 2, "hash of config/models.yaml")
    assert found["run.seed"] == Setting("config/config.yaml", 9)


def test_lineage_names_columns_by_file_sheet_and_header():
    document = registration.lineage_document(
        COHORT,
        FOLDER,
        files=[*PRINTED, *RAW],
        environment={"python": "3.11.7"},
        registration={"rule": "numbers", "code": "numbers", "config": []},
        printing={"tables": ["workflow/scripts/tables.py"]},
        row_sets={"ab": {}},
    )
    assert document == {
        "version": "1.1",
        "cohort": "c",
        "kind": "observed",
        "files": {one["path"]: one["sha256"] for one in (*RAW, *PRINTED)},
        "environment": {"python": "3.11.7"},
        "registration": {"rule": "numbers", "code": "numbers", "config": []},
        "printing": {"tables": ["workflow/scripts/tables.py"]},
        "columns": {
            "courses.course_id": {"file": f"{FOLDER}/book.xlsx#SBRT", "column": "No"},
            "courses.dose_gy": {"file": f"{FOLDER}/book.xlsx#SBRT", "column": "Dose (cGy)"},
            "patients.grade": {"file": f"{FOLDER}/p.csv", "column": "Grad"},
        },
        "row_sets": {"ab": {}},
    }
    assert list(document["files"]) == sorted(document["files"])
    assert json.loads(json.dumps(document)) == document


class Rows:
    """In place of `rows.NumberRows`: says what it was asked for."""

    def beside(self, stage, statistic, path, line):
        return f"{stage} {statistic.key} {path} {np.int64(line)}"


def test_a_printed_range_has_the_line_of_its_own_number():
    statistics = [
        ("cox", Statistic("cox.hr", 2.0, "hazard ratio", "Cox")),
        ("forest", Statistic("forest.c", 0.5, "concordance", "forest")),
    ]
    entry = {"lineage": "old", "crosscheck": {"status": "independent"}}
    entries = {
        "cox.hr": entry,
        "cox.hr.over_solutions": entry | {"of": "cox.hr"},
        "cox.hr.stated.over_solutions": entry | {"of": "cox.hr"},
        "forest.c": entry,
    }
    told = registration.with_range_rows(
        entries,
        statistics,
        Rows(),
        file("r.csv"),
        [(2, {"key": "forest.c"}), (3, {"key": "cox.hr"})],
    )
    asked = {"lineage": "cox cox.hr r.csv 3", "crosscheck": None, "of": "cox.hr"}
    assert told == entries | {
        "cox.hr.over_solutions": asked,
        "cox.hr.stated.over_solutions": asked,
    }
    assert entries["cox.hr.over_solutions"]["lineage"] == "old"


def test_a_path_of_code_that_was_not_hashed_is_an_error():
    with pytest.raises(KeyError, match=r"m/a\.py"):
        registration.stages({"x": {"rule": "x", "code": ["m/a.py"], "config": []}}, {}, {})
