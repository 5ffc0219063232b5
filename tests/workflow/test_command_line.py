"""The command line asked about a whole run of the workflow."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.workflow

PAGE = "results/manuscript/index.html"


def ask(copy, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "sarcoma_sbrt.cli.app", *arguments],
        cwd=copy.folder,
        capture_output=True,
        text=True,
        check=False,
    )


def failed(copy):
    """Names of the checks that fail, with their problems."""
    done = ask(copy, "verify", "--json")
    assert done.returncode == 1, done.stderr
    checks = json.loads(done.stdout)["checks"]
    return {check["name"]: check["problems"] for check in checks if not check["ok"]}


def test_a_finished_run_is_what_it_says(finished):
    done = ask(finished, "verify")
    assert done.returncode == 0, done.stdout + done.stderr
    audit = json.loads((finished.folder / "results/audit/audit.json").read_text("utf-8"))
    assert audit["ok"]
    assert audit["coverage"]["unaccounted"] == []


def test_a_raw_cell_changed_without_rerunning_is_named(rerunnable):
    rerunnable.edit("data/cohorts/small/progressions.csv", "Ort", "Wo")
    problems = failed(rerunnable)
    assert list(problems) == ["data"]
    assert problems["data"][0].startswith("data/cohorts/small/progressions.csv: changed since")


@pytest.mark.parametrize(
    ("path", "check"),
    [
        ("workflow/src/sarcoma_sbrt/survival/cox.py", "code"),
        ("workflow/src/sarcoma_sbrt/reporting/numbers.py", "code"),
        ("workflow/src/sarcoma_sbrt/rendering/embedded.py", "code"),
        ("workflow/src/sarcoma_sbrt/provenance/crosscheck/counts.py", "code"),
        ("workflow/scripts/numbers.py", "code"),
        ("workflow/rules/survival.smk", "code"),
        ("workflow/templates/explorer/script.js", "code"),
        ("config/config.yaml", "configuration"),
        ("config/crosscheck.yaml", "configuration"),
        ("config/cohorts/small.yaml", "configuration"),
        ("manuscript/sections/discussion.qmd", "manuscript source"),
        ("manuscript/_extensions/provenance/num.lua", "manuscript source"),
    ],
)
def test_whatever_is_edited_without_rerunning_is_named(rerunnable, path, check):
    file = rerunnable.folder / path
    file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    problems = failed(rerunnable)
    assert list(problems) == [check]
    assert problems[check][0].startswith(f"{path}: changed since the run")


def test_two_keys_swapped_in_the_page_are_named(rerunnable):
    numbers = json.loads((rerunnable.folder / "results/numbers.json").read_text("utf-8"))
    page = rerunnable.folder / PAGE
    html = page.read_text(encoding="utf-8")
    first, second = "cohort.patients", "cohort.lesions"
    assert numbers[first]["text"] != numbers[second]["text"]
    swapped = html.replace(f'"{first}"', '"?"').replace(f'"{second}"', f'"{first}"')
    page.write_text(swapped.replace('"?"', f'"{second}"'), encoding="utf-8")
    problems = failed(rerunnable)
    read, accepted = numbers[second]["text"], numbers[first]["text"]
    said = f"manuscript/index.html: {first}: read {read}, accepted: {accepted}"
    assert said in problems["manuscript"]
    assert "results" in problems


def test_a_number_is_traced_to_files_that_are_there(finished):
    done = ask(finished, "trace", "os.median", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {file["state"] for file in (*told["files"], *told["code"])} == {"as it was"}
    assert told["places"]
    assert set(told["rows"]["raw"]) <= {
        "data/cohorts/small/centre.xlsx#Patients",
        "data/cohorts/small/centre.xlsx#SBRT courses",
    }


def test_every_number_that_a_figure_draws_has_a_place(finished):
    results = finished.folder / "results"
    places = json.loads((results / "places.json").read_text("utf-8"))
    numbers = json.loads((results / "numbers.json").read_text("utf-8"))
    for sidecar in sorted((results / "figures").glob("*.numbers.json")):
        drawn = json.loads(sidecar.read_text("utf-8"))["numbers"]
        lacking = {n["key"] for n in drawn if n["key"] in numbers} - places.keys()
        assert lacking == set(), sidecar.name


def test_a_changed_cell_is_recomputed_and_moves_only_what_was_predicted(finished):
    before = (finished.folder / "results/numbers.json").read_bytes()
    cell = "centre.xlsx#Patients:4:Age"
    done = ask(finished, "impact", cell, "--set", "99", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["cell"]["from"] == "<masked>"
    assert told["outside"] == []
    moved = {one["key"]: one["to"]["text"] for one in told["moved"]}
    assert moved["cohort.age.max"] == "99"
    assert len(moved) <= told["predicted"]
    assert (finished.folder / "results/numbers.json").read_bytes() == before


def test_a_value_that_the_workflow_refuses_is_told_in_its_words(finished):
    done = ask(finished, "impact", "centre.xlsx#Patients:4:Age", "--set", "old")
    assert done.returncode == 2
    assert "centre.xlsx#Patients:4: Age: not a number, read <masked>" in done.stderr
