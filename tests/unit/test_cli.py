import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from printed_places import CLAIMED, PLACE
from sarcoma_sbrt.cli import cells, scratch
from sarcoma_sbrt.cli.app import app
from sarcoma_sbrt.cli.run import NoAnswer
from sarcoma_sbrt.provenance.impact import Cell

REPOSITORY = Path(__file__).parents[2]
PATIENTS = "data/cohorts/c/patients.csv"
OUTCOMES = "data/published/outcomes.csv"
RAW = "patient,grade,status\n1,G1,dead\n2,G2,alive\n"
PUBLISHED = "outcome_id,estimate,printed_text,printed_range\ndoe.os.median,24,24,\n"
RULES = "workflow/rules/survival.smk"
MODELS = "config/models.yaml"
NUMBERS = "workflow/scripts/numbers.py"
FILES = {
    RULES: "rule cox:\n",
    PATIENTS: RAW,
    OUTCOMES: PUBLISHED,
    MODELS: "alpha: 0.05\n# Cox models\ncox:\n  ties: efron\n",
    "envs/requirements.lock": "pandas==2.3.3\n",
    "workflow/scripts/kaplan_meier.py": "pass\n",
    NUMBERS: "pass\n",
}
CHECK = {
    "status": "independent",
    "engine": "plain numpy",
    "value": 24.0,
    "difference": 0.0,
    "reason": "",
}
ENTRY = {
    "key": "os.median",
    "text": "24.0",
    "value": 24.0,
    "unit": "months",
    "kind": "computed",
    "support": "printed",
    "method": "Kaplan-Meier",
    "n": 2,
    "events": 1,
    "p": None,
    "ci": None,
    "status": "estimated",
    "reason": "",
    "population": {"table": "endpoints/os", "filter": {}},
    "rows": {"table": "endpoints/os", "where": {}},
    "columns": ["patients.vital_status"],
    "rule": "kaplan_meier",
    "source": "kaplan_meier",
    "config": ["models"],
    "code": "kaplan_meier",
    "crosscheck": CHECK,
}
PLAIN = {
    "rule": None,
    "source": "configuration",
    "code": None,
    "columns": [],
    "population": {},
    "inputs": [],
    "lineage": None,
    "crosscheck": None,
    "n": None,
    "events": None,
}
HTML = '<p>Median survival was <span class="num" data-key="os.median">24.0</span> months.</p>'


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path):
    """A repository with one finished run of two patients, in `results`."""
    for path, text in FILES.items():
        write(tmp_path / path, text)
    results = tmp_path / "results"
    for path, content in documents(tmp_path).items():
        write(results / path, content)
    made = [f for f in results.rglob("*") if f.is_file()]
    write(
        results / "manifest.json",
        {file.relative_to(results).as_posix(): digest(file) for file in made},
    )
    return tmp_path


def documents(root):
    hashes = {path: digest(root / path) for path in FILES}

    def file(path):
        return {"path": path, "sha256": hashes[path]}

    rows = {
        "units": {"endpoints/os": "0-1"},
        "canonical": {"patients": "0-1"},
        "raw": {PATIENTS: "2-3"},
    }
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"))
    name = hashlib.sha256(text.encode()).hexdigest()[:16]
    numbers = [
        ENTRY | {"inputs": [file(PATIENTS)], "lineage": name},
        {**ENTRY, **PLAIN, "key": "published.doe.os.median", "kind": "transcribed", "text": "24"}
        | {"rows": {"file": OUTCOMES, "line": 2}, "inputs": [file(OUTCOMES)], "source": "published"}
        | {"columns": ["published.outcomes"], "locator": "Doe 2015, Table 2", "config": []},
        {**ENTRY, **PLAIN, "key": "config.models.alpha", "kind": "configured", "text": "0.05"}
        | {"value": 0.05, "unit": "constant", "config": ["models.alpha"]}
        | {"rows": {"file": MODELS, "line": 1}, "inputs": [file(MODELS)]},
        {**ENTRY, **PLAIN, "key": "config.models.cox.ties", "kind": "configured", "text": "efron"}
        | {"value": "efron", "unit": "text", "config": ["models.cox.ties"]}
        | {"rows": {"file": MODELS, "line": 4}, "inputs": [file(MODELS)]},
    ]
    lineage = {
        "version": "1.1",
        "cohort": "c",
        "kind": "reconstructed",
        "files": {path: hashes[path] for path in (PATIENTS, OUTCOMES, "config/models.yaml")},
        "environment": {
            "python": "3.11.7",
            "lock": file("envs/requirements.lock"),
            "stages": {"kaplan_meier": {"pandas": "2.3.3"}},
        },
        "registration": {"rule": "numbers", "code": "numbers", "config": ["cohort.support"]},
        "printing": {"assemble": [RULES]},
        "columns": {
            "patients.patient_id": {"file": PATIENTS, "column": "patient"},
            "patients.vital_status": {"file": PATIENTS, "column": "status"},
        },
        "row_sets": {name: rows | {"n": {"units": 2, "canonical": 2, "raw": 2}}},
    }
    coverage = {"printed": 1, "computed": 1, "transcribed": 0, "configured": 0}
    return {
        "numbers.json": {entry["key"]: entry for entry in numbers},
        "code.json": {
            "kaplan_meier": [file("workflow/scripts/kaplan_meier.py")],
            "numbers": [file(NUMBERS)],
        },
        "lineage.json": lineage,
        "places.json": {"os.median": [PLACE, PLACE | {"place": "tbl-os, row 1, column 2"}]},
        "coverage.json": {"coverage": coverage | {"set_aside": {}, "unaccounted": []}},
        "audit/crosscheck.json": {
            "checks": {"os.median": CHECK | {"agrees": True, "tolerance": 1e-9}},
            "counts": {"independent": 1, "metric_only": 0, "replayed": 0, "none": 0},
        },
        "audit/pages.json": {
            name: {"tokens": 1, "equal": True} for name in ("html", "pdf", "docx")
        },
        "sources.json": {RULES: hashes[RULES], MODELS: hashes[MODELS]},
        "manuscript/index.html": HTML,
        "manuscript/index.pdf": "pdf",
        "manuscript/index.docx": "docx",
    }


@pytest.fixture
def run(repository, monkeypatch):
    """Call the command line from the repository."""
    monkeypatch.chdir(repository)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def edit(path, **changes):
    write(path, json.loads(path.read_text("utf-8")) | changes)


# --- trace --------------------------------------------------------------------------------


def test_trace_names_every_place_of_a_number_and_only_files_that_are_there(run, repository):
    done = run("trace", "os.median")
    assert done.exit_code == 0
    assert done.output.splitlines()[:7] == [
        "os.median: 24.0 (months)",
        "├─ computed, Kaplan-Meier, n 2, events 1, value 24.0, support: printed",
        "├─ stands in 2 places",
        "│  ├─ manuscript, Results, section “Results”, paragraph 3 "
        "(manuscript/sections/results.qmd:12)",
        "│  │  └─ “Median survival was 24.0 months.”",
        "│  └─ manuscript, Results, tbl-os, row 1, column 2 (manuscript/sections/results.qmd:12)",
        "│     └─ “Median survival was 24.0 months.”",
    ]
    shown = [line.split("  sha256")[0].split("─ ")[1] for line in done.output.splitlines()
             if "  sha256" in line]  # fmt: skip
    assert shown
    assert all((repository / path).is_file() for path in shown)
    assert "not on disk" not in done.output
    assert "changed since" not in done.output


def test_trace_says_of_a_file_that_it_changed_or_is_gone(run, repository):
    (repository / PATIENTS).write_text(RAW + "3,G1,alive\n", encoding="utf-8")
    (repository / "workflow/scripts/kaplan_meier.py").unlink()
    told = run("trace", "os.median").output
    assert f"{PATIENTS}  sha256 {digest_of(RAW)[:12]}  (changed since)" in told
    assert "workflow/scripts/kaplan_meier.py  sha256" in told
    assert "(not on disk)" in told


def digest_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_trace_as_json_holds_the_entry_its_rows_and_its_places(run):
    told = json.loads(run("trace", "os.median", "--json").output)
    assert told["entry"]["value"] == 24.0
    assert told["rows"]["raw"] == {PATIENTS: "2-3"}
    assert len(told["places"]) == 2
    assert told["files"][0]["state"] == "as it was"


def test_trace_tells_the_p_beside_a_number_as_it_was_recomputed(run, repository):
    p = {"p": 0.045, "p_difference": 1.2e-16, "p_tolerance": 1e-9}
    checks = {"os.median": CHECK | p | {"agrees": True, "tolerance": 1e-9}}
    edit(repository / "results/audit/crosscheck.json", checks=checks)
    told = run("trace", "os.median").output
    assert "recomputed: independent, plain numpy gives 24.0, difference 0; p 0.045, " in told
    entry = json.loads(run("trace", "os.median", "--json").output)["entry"]
    assert entry["crosscheck"] == CHECK | p


def test_trace_of_a_printed_figure_says_where_it_is_printed(run):
    told = run("trace", "published.doe.os.median").output.splitlines()
    assert "├─ transcribed from Doe 2015, Table 2" in told


def test_a_wrong_key_names_what_is_near_and_exits_with_1(run):
    done = run("trace", "os.medain")
    assert done.exit_code == 1
    assert done.output == "os.medain: no such key; near: os.median\n"


def test_trace_of_a_text_names_every_key_and_place(run):
    done = run("trace", "--text", "24.0")
    assert done.exit_code == 0
    assert done.output.startswith(
        "24.0: printed by 1 number, 1 of them in 2 places of the manuscript\n"
    )
    assert done.output.count("“Median survival was 24.0 months.”") == 2
    (told,) = json.loads(run("trace", "--text", "24.0", "--json").output)
    assert (told["key"], len(told["places"])) == ("os.median", 2)


def test_trace_of_a_text_goes_on_to_where_it_is_printed_with_its_unit(run, repository):
    stated = ENTRY | {"key": "os.median.stated", "of": "os.median", "text": "24.0 months"}
    edit(
        repository / "results/numbers.json",
        **{"os.median.stated": stated | {"inputs": [], "lineage": None}},
    )
    abstract = PLACE | {"section": "title block", "place": "title block, abstract"}
    edit(repository / "results/places.json", **{"os.median.stated": [abstract]})
    told = run("trace", "--text", "24.0").output.splitlines()
    assert told[0] == "24.0: printed by 1 number, 1 of them in 3 places of the manuscript"
    assert told[-2] == (
        "   └─ manuscript, title block, abstract (manuscript/sections/results.qmd:12), "
        "as os.median.stated"
    )


@pytest.fixture
def claiming(repository):
    """The run with a sentence that holds a claim and no number."""
    found = {"os.median": [PLACE, CLAIMED], "config.models.alpha": [CLAIMED]}
    edit(repository / "results/places.json", **found)


@pytest.mark.usefixtures("claiming")
@pytest.mark.parametrize(
    ("asked", "before"),
    [
        (("os_longer",), []),
        (("claim.os_longer",), []),
        (("--text", "significantly longer"), ["significantly longer: no number prints so"]),
        (("--text", "Longer"), ["Longer: no number prints so"]),
    ],
)
def test_trace_of_a_claim_names_its_condition_numbers_and_sentences(run, asked, before):
    done = run("trace", *asked)
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        *before,
        "claim os_longer: “significantly longer”",
        "├─ when os.median > 12 and config.models.alpha < 1",
        "├─ asks 2 numbers",
        "│  ├─ config.models.alpha: 0.05",
        "│  └─ os.median: 24.0",
        "└─ made in 1 place",
        "   └─ manuscript, Results, section “Results”, paragraph 4, as the condition of claim "
        "os_longer (manuscript/sections/results.qmd:12)",
        "      └─ “They lived significantly longer.”",
    ]
    (told,) = json.loads(run("trace", *asked, "--json").output)
    assert (told["claim"], list(told["numbers"])) == (
        "os_longer",
        ["config.models.alpha", "os.median"],
    )


@pytest.mark.usefixtures("claiming")
def test_a_wrong_name_of_a_claim_names_what_is_near(run):
    assert run("trace", "os_longest").output == "os_longest: no such key; near: os_longer\n"
    assert run("trace", "--text", "long").exit_code == 1


@pytest.mark.usefixtures("claiming")
def test_impact_names_the_sentences_that_only_claim(run):
    told = run("impact", f"{PATIENTS}:2:status").output.splitlines()
    assert told[0] == (
        f"{PATIENTS}:2:status: 1 number can depend on it, 1 of them printed, in 1 place; "
        "1 claim made on them"
    )
    assert told[-1] == (
        "   └─ section “Results”, paragraph 4, as the condition of claim os_longer: "
        "“They lived significantly longer.” (os.median)"
    )
    setting = json.loads(run("impact", f"{MODELS}:1", "--json").output)
    assert (setting["printed"], setting["claims"]) == (1, ["os_longer"])
    claimed = [place for place in setting["sentences"] if "claim" in place]
    assert [place["keys"] for place in claimed] == [["config.models.alpha", "os.median"]]


def test_a_text_that_nothing_prints(run):
    done = run("trace", "--text", "71.5")
    assert (done.exit_code, done.output) == (1, "71.5: no number prints so\n")
    assert json.loads(run("trace", "--text", "71.5", "--json").output) == []


# --- a run that is not there, or damaged ----------------------------------------------------

ASKED = {
    "trace": ("trace", "os.median"),
    "text": ("trace", "--text", "24.0"),
    "impact": ("impact", f"{PATIENTS}:2"),
    "verify": ("verify",),
    "diff": ("diff", "results", "results"),
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("name", ["numbers.json", "code.json", "lineage.json", "places.json"])
def test_without_a_run_or_with_a_damaged_one_the_exit_code_is_2(run, repository, asked, name):
    path = repository / "results" / name
    for content, said in (
        ("{\n", f"results/{name}:2: not JSON: "),
        ("[1]", f"results/{name}: damaged: a list, accepted: an object"),
        (None, f"results/{name}: no such file; run the workflow first"),
    ):
        path.unlink() if content is None else path.write_text(content, encoding="utf-8")
        done = run(*asked)
        assert done.exit_code == 2
        assert done.output.startswith(said)
        assert ":0:" not in done.output


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("numbers.json", {"os.median": 3}, "os.median: a int, accepted: an object"),
        ("numbers.json", {"os.median": {}}, "os.median: there is no ci, code, "),
        ("lineage.json", {"row_sets": []}, "row_sets: a list, accepted: an object"),
        ("lineage.json", {"environment": {}}, "environment: there is no lock, python, stages"),
        ("code.json", {"kaplan_meier": {}}, "kaplan_meier: a dict, accepted: a list"),
        ("places.json", {"os.median": [{}]}, "os.median: there is no document, "),
        ("places.json", {"os.median": [PLACE | {"claim": 3}]}, "os.median: a int, accepted: an "),
    ],
)
def test_a_part_that_is_damaged_is_named(run, repository, name, changes, said):
    edit(repository / "results" / name, **changes)
    done = run("trace", "os.median")
    assert done.exit_code == 2
    assert done.output.startswith(f"results/{name}: damaged: {said}")


def test_rows_that_the_lineage_does_not_have_are_a_damaged_run(run, repository):
    edit(repository / "results/lineage.json", row_sets={})
    done = run("trace", "os.median")
    assert done.exit_code == 2
    assert done.output.startswith("results/lineage.json: damaged: row_sets: there is no ")


def test_rows_whose_positions_are_withheld_are_read_where_the_centre_keeps_them(run, repository):
    path = repository / "results/lineage.json"
    whole = json.loads(path.read_text("utf-8"))
    sets = {name: {"n": rows["n"]} for name, rows in whole["row_sets"].items()}
    edit(path, row_sets=sets)
    told = json.loads(run("trace", "os.median", "--json").output)["rows"]
    assert (told["raw"], told["n"]["raw"]) == ({}, 2)
    write(repository / "results/private/lineage.json", whole)
    told = json.loads(run("trace", "os.median", "--json").output)["rows"]
    assert told["raw"] == {PATIENTS: "2-3"}


@pytest.mark.parametrize(
    "name",
    ["coverage.json", "manifest.json", "sources.json", "audit/crosscheck.json", "audit/pages.json"],
)
def test_verify_needs_every_document(run, repository, name):
    (repository / "results" / name).write_text("not JSON", encoding="utf-8")
    done = run("verify")
    assert done.exit_code == 2
    assert done.output.startswith(f"results/{name}:1: not JSON: ")


def test_an_unknown_key_is_answered_in_json_too(run):
    done = run("trace", "os.medain", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["found"], told["near"][0]) == (False, "os.median")


# --- impact -------------------------------------------------------------------------------


def test_impact_of_a_cell_names_numbers_and_sentences(run):
    done = run("impact", f"{PATIENTS}:2:status")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        f"{PATIENTS}:2:status: 1 number can depend on it, 1 of them printed, in 2 places",
        "├─ kaplan_meier: 1",
        "└─ manuscript, Results",
        "   ├─ section “Results”, paragraph 3: “Median survival was 24.0 months.” (os.median)",
        "   └─ tbl-os: 1 cell",
    ]


def test_impact_as_json(run):
    told = json.loads(run("impact", f"{PATIENTS}:2:status", "--json").output)
    assert told["cell"] == {"file": PATIENTS, "line": 2, "column": "status"}
    assert told["numbers"] == [{"key": "os.median", "text": "24.0"}]
    assert [place["keys"] for place in told["sentences"]] == [["os.median"], ["os.median"]]


def test_impact_of_a_setting_names_the_numbers_that_carry_it(run):
    done = run("impact", "config/models.yaml:1")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        f"{MODELS}:1 (models.alpha): 2 numbers can depend on it, 1 of them printed, in 2 places",
        "├─ configuration: 1",
        "├─ kaplan_meier: 1",
        "└─ manuscript, Results",
        "   ├─ section “Results”, paragraph 3: “Median survival was 24.0 months.” (os.median)",
        "   └─ tbl-os: 1 cell",
    ]
    told = json.loads(run("impact", "models.yaml:3", "--json").output)
    assert told["setting"] == {
        "file": MODELS,
        "line": 3,
        "keys": ["models.cox.ties"],
    }
    assert [one["key"] for one in told["numbers"]] == ["config.models.cox.ties", "os.median"]


def test_a_setting_is_changed_by_its_author_and_asked_of_the_file_of_the_run(run, repository):
    done = run("impact", f"{MODELS}:1", "--set", "0.1")
    assert (done.exit_code, done.output) == (
        2,
        f"{MODELS}:1: a setting; change it, run again and ask for a diff of the runs\n",
    )
    (repository / MODELS).write_text("# new\nalpha: 0.05\n", encoding="utf-8")
    done = run("impact", f"{MODELS}:1")
    assert (done.exit_code, done.output) == (
        2,
        f"{MODELS}: not the file of the run, run the workflow first\n",
    )


def test_trace_of_a_setting_ends_at_its_line(run):
    told = run("trace", "config.models.alpha").output.splitlines()
    assert f"│  └─ {MODELS}: 1 line: 1" in told
    assert told[-1] == f"   └─ models.alpha = 0.05  ({MODELS}:1)"


@pytest.mark.parametrize(
    "place", ["patients.csv:2:status", "./data/cohorts/c/patients.csv:2: status"]
)
def test_a_file_may_be_named_in_several_ways(run, repository, place):
    assert json.loads(run("impact", place, "--json").output)["predicted"] == 1
    full = f"{repository / PATIENTS}:2:status"
    assert json.loads(run("impact", full, "--json").output)["predicted"] == 1


def test_a_printed_figure_has_an_impact_too(run):
    told = json.loads(run("impact", f"{OUTCOMES}:2:estimate", "--json").output)
    assert told["numbers"] == [{"key": "published.doe.os.median", "text": "24"}]


FIGURES = "outcome_id,study_id,measure,unit,time_months,estimate,note\n"
FIGURES += "doe.os.median,doe,median,months,,24,\nroe.n,roe,count,count,,9,\n"


def test_what_a_printed_figure_says_is_followed_by_its_study(run, repository):
    write(repository / OUTCOMES, FIGURES)
    numbers = json.loads((repository / "results/numbers.json").read_text("utf-8"))
    lineage = json.loads((repository / "results/lineage.json").read_text("utf-8"))
    checked = numbers["os.median"] | {"source": "consistency", "lineage": "a" * 16}
    checked |= {"key": "consistency.roe", "columns": ["published.outcomes"], "rows": {}}
    edit(repository / "results/numbers.json", **{"consistency.roe": checked})
    files = lineage["files"] | {OUTCOMES: digest(repository / OUTCOMES)}
    sets = lineage["row_sets"] | {"a" * 16: {"raw": {OUTCOMES: "3"}}}
    edit(repository / "results/lineage.json", files=files, row_sets=sets)

    def predicted(place):
        told = json.loads(run("impact", f"{OUTCOMES}:{place}", "--json").output)
        return [one["key"] for one in told["numbers"]]

    assert predicted("2:estimate") == ["published.doe.os.median"]
    assert predicted("3:estimate") == ["consistency.roe"]
    # What may select, and a table that is no longer the one that was read, reaches all.
    assert predicted("2:note") == ["consistency.roe", "published.doe.os.median"]
    write(repository / OUTCOMES, FIGURES + "\n")
    assert predicted("2:estimate") == ["consistency.roe", "published.doe.os.median"]


def test_a_column_that_nothing_is_read_from_moves_nothing(run):
    assert json.loads(run("impact", f"{PATIENTS}:2:grade", "--json").output)["predicted"] == 0


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("patients.csv", "patients.csv: not a place, accepted: FILE:LINE or FILE:LINE:COLUMN"),
        (
            "x.csv:2",
            f"x.csv: no number is read from it, accepted: {PATIENTS}, {OUTCOMES}, {MODELS}",
        ),
        (
            "patient.csv:2:status",
            f"patient.csv: no number is read from it, near: {PATIENTS}, "
            f"accepted: {PATIENTS}, {OUTCOMES}, {MODELS}",
        ),
        (
            "config/models.yam:1",
            f"config/models.yam: no number is read from it, near: {MODELS}, "
            f"accepted: {PATIENTS}, {OUTCOMES}, {MODELS}",
        ),
        *(
            (
                f"{path}:3",
                f"{path}: neither data nor settings, which are what impact takes; trace KEY names "
                "the code behind a number, and diff what differs between a run with it and one "
                "without",
            )
            for path in (RULES, f"./{RULES}", "survival.smk")
        ),
        ("models.yaml:2", f"{MODELS}:2: no setting begins on this line, near: 1, 4"),
        (f"{MODELS}:1:alpha", f"{MODELS}:1:alpha: a setting has no column, accepted: FILE:LINE"),
        (
            "patients.csv:2:age",
            f"{PATIENTS}:2:age: no such column, read age, accepted: patient, grade, status",
        ),
        (
            "patients.csv:1:grade",
            f"{PATIENTS}:1: no row of data, accepted: a line below the header",
        ),
        ("patients.csv:9", f"{PATIENTS}:9: no row begins on this line, the last is 3"),
    ],
)
def test_a_cell_that_is_not_there(run, place, said):
    done = run("impact", place)
    assert (done.exit_code, done.output) == (2, f"{said}\n")


def test_a_change_needs_a_column_and_a_run_that_is_up_to_date(run, repository):
    done = run("impact", f"{PATIENTS}:2", "--set", "alive")
    assert (done.exit_code, done.output) == (
        2,
        f"{PATIENTS}:2: no column, accepted with --set: FILE:LINE:COLUMN\n",
    )
    (repository / "config/models.yaml").write_text("alpha: 0.1\n", encoding="utf-8")
    done = run("impact", f"{PATIENTS}:2:status", "--set", "alive")
    assert (done.exit_code, done.output) == (
        2,
        "results: not up to date, run the workflow first; changed: config/models.yaml\n",
    )


@pytest.fixture
def recomputing(monkeypatch):
    """In place of the workflow: what it would make of a change, by key; None takes a key out."""

    def workflow(changes):
        def recompute(folder, targets, settings, cores):
            path = folder / "results" / "numbers.json"
            numbers = json.loads(path.read_text("utf-8"))
            for key, change in changes.items():
                if change is None:
                    del numbers[key]
                else:
                    numbers[key] = {**numbers.get(key, numbers["os.median"]), **change, "key": key}
            write(path, numbers)
            seen.update(table=(folder / PATIENTS).read_bytes().decode(), settings=settings)

        seen = {}
        monkeypatch.setattr(scratch, "recompute", recompute)
        return seen

    return workflow


SET = ("impact", f"{PATIENTS}:2:status", "--set", "alive")


def test_a_changed_cell_lists_what_moves_comes_and_goes(run, repository, recomputing):
    before = {p: p.read_bytes() for p in repository.rglob("*") if p.is_file()}
    seen = recomputing(
        {
            "os.median": {"value": None, "text": "NR", "status": "not_reached"},
            "os.rate_12m": {"text": "100.0", "value": 100.0},
        }
    )
    done = run(*SET, "--config", "date=2026-01-01")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        f"{PATIENTS}:2:status: dead → alive: 2 numbers moved (1 of them printed), 1 were predicted",
        "  os.median: 24.0 → NR",
        "      manuscript, Results, section “Results”, paragraph 3: "
        "“Median survival was 24.0 months.”",
        "      manuscript, Results, tbl-os, row 1, column 2: “Median survival was 24.0 months.”",
        "  not printed in the manuscript: 1",
        "    os.rate_12m: new, 100.0",
    ]
    assert seen["table"] == RAW.replace("dead", "alive", 1)
    assert seen["settings"] == {"cohort": "c", "date": "2026-01-01"}
    assert {p: p.read_bytes() for p in repository.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"published.doe.os.median": {"text": "25"}}, "24 → 25"),
        ({"published.doe.os.median": None}, "gone, was 24"),
        ({"os.stray": {"columns": ["patients.patient_id"]}}, "new, 24.0"),
    ],
)
def test_a_number_that_moves_comes_or_goes_unpredicted_is_a_finding(
    run, recomputing, changes, said
):
    recomputing(changes)
    done = run(*SET)
    assert done.exit_code == 1
    assert said in done.stdout
    assert f"  {next(iter(changes))}: moved though it was not predicted" in done.stdout


def test_a_change_as_json(run, recomputing):
    recomputing({"os.median": {"value": 27.0, "text": "27.0"}})
    told = json.loads(run(*SET, "--json").stdout)
    assert told["cell"] | {"file": ""} == {
        "file": "",
        "line": 2,
        "column": "status",
        "from": "dead",
        "to": "alive",
    }
    (moved,) = told["moved"]
    assert (moved["from"]["text"], moved["to"]["text"]) == ("24.0", "27.0")
    assert len(moved["places"]) == 2
    assert (told["predicted"], told["outside"]) == (1, [])


def test_what_stood_in_a_cell_of_a_patient_is_not_told(run, repository, recomputing):
    edit(repository / "results/lineage.json", kind="observed")
    recomputing({})
    told = run(*SET).stdout
    assert told.startswith(f"{PATIENTS}:2:status: <masked> → alive: 0 numbers moved ")
    assert "dead" not in told


def test_a_run_with_other_settings_is_refused(run, recomputing):
    recomputing({"config.models.alpha": {"value": 0.1, "text": "0.1"}})
    done = run(*SET)
    assert done.exit_code == 2
    assert done.stderr.endswith(
        "the run was made with other settings: config.models.alpha; "
        "give them with --config, accepted: --config KEY=VALUE\n"
    )


def test_what_the_workflow_refuses_is_told_in_its_own_words(tmp_path, monkeypatch):
    output = "Error in rule extract:\n    jobid: 1\n    log: results/logs/extract.log (check)\n"
    write(tmp_path / "results/logs/extract.log", "patients.csv:2: status: unknown code\n")
    failed = subprocess.CompletedProcess([], 1, "", output)
    monkeypatch.setattr(scratch.subprocess, "run", lambda *_, **__: failed)
    said = r"^the workflow refuses it:\npatients\.csv:2: status: unknown code$"
    with pytest.raises(NoAnswer, match=said):
        scratch.recompute(tmp_path, ["numbers.json"], {}, 1)


def test_a_scratch_copy_has_what_a_run_needs_with_its_times(repository, tmp_path_factory):
    write(repository / "results/logs/numbers.log", "log")
    write(repository / "data/cohorts/other/patients.csv", "another centre's")
    target = tmp_path_factory.mktemp("copy")
    made = scratch.copied(repository, repository / "results", [PATIENTS, OUTCOMES], target)
    assert made == target / "results"
    assert (target / PATIENTS).stat().st_mtime_ns == (repository / PATIENTS).stat().st_mtime_ns
    assert (made / "numbers.json").is_file()
    assert not (made / "logs").exists()
    assert not (target / "data/cohorts/other").exists()


# --- cells --------------------------------------------------------------------------------

QUOTED = 'Titel\r\nPatient;Größe (cm);Notiz\r\n1;"4,5";"a\r\nb"\r\n2;3;\r\n'


@pytest.fixture
def quoted(tmp_path):
    path = tmp_path / "lesions.csv"
    path.write_bytes(QUOTED.encode("latin-1"))
    return path, cells.Layout("latin-1", ";", 2)


def test_a_cell_is_changed_and_nothing_else(quoted):
    path, layout = quoted
    place = Cell("lesions.csv", 5, "Größe (cm)")
    assert cells.read(path, place, layout) == "3"
    cells.changed(path, place, layout, "7")
    assert path.read_bytes().decode("latin-1") == QUOTED.replace("2;3;", "2;7;")


def test_a_record_of_several_lines_is_one_row(quoted):
    path, layout = quoted
    place = Cell("lesions.csv", 3, "Größe (cm)")
    assert cells.read(path, place, layout) == "4,5"
    cells.changed(path, place, layout, "6")
    assert cells.read(path, place, layout) == "6"
    assert cells.read(path, Cell("lesions.csv", 3, "Notiz"), layout) == "a\r\nb"
    with pytest.raises(NoAnswer, match=r"^lesions\.csv:4: no row begins on this line"):
        cells.read(path, Cell("lesions.csv", 4), layout)


@given(value=st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])))
def test_what_is_put_into_a_cell_stands_there(value):
    with tempfile.TemporaryDirectory() as folder:
        path, layout = Path(folder) / "lesions.csv", cells.Layout("latin-1", ";", 2)
        path.write_bytes(QUOTED.encode("latin-1"))
        cells.changed(path, Cell("lesions.csv", 5, "Notiz"), layout, value)
        assert cells.read(path, Cell("lesions.csv", 5, "Notiz"), layout) == value
        assert cells.read(path, Cell("lesions.csv", 3, "Notiz"), layout) == "a\r\nb"


def test_a_workbook_keeps_dates_and_numbers(tmp_path):
    path = tmp_path / "centre.xlsx"
    shutil.copy(REPOSITORY / "tests/data/cohorts/small/centre.xlsx", path)
    layout = cells.Layout(header_row=3)
    for column, value, kind in (
        ("Age", "61", int),
        ("Last contact", "2019-04-02", datetime),
        ("Status", "died", str),
        ("Grade", "", type(None)),
    ):
        cells.changed(path, Cell("centre.xlsx#Patients", 6, column), layout, value)
        sheet = openpyxl.load_workbook(path)["Patients"]
        header = [one.value for one in sheet[3]]
        assert isinstance(sheet.cell(6, header.index(column) + 1).value, kind), column
    with pytest.raises(NoAnswer, match="no such sheet, read Nobody, accepted: Patients"):
        cells.read(path, Cell("centre.xlsx#Nobody", 5), layout)


# --- verify and diff ----------------------------------------------------------------------


def test_verify_says_in_one_line_that_all_is_well(run):
    done = run("verify")
    assert done.output == (
        "all 12 checks passed: 4 entries (3 numbers, 1 text), 1 of them recomputed independently; "
        "1 printed, every one accounted for\n"
    )
    assert done.exit_code == 0


def test_a_digit_changed_in_the_page_and_a_raw_cell_are_found(run, repository):
    page = repository / "results/manuscript/index.html"
    page.write_text(HTML.replace("24.0", "24.1"), encoding="utf-8")
    (repository / PATIENTS).write_text(RAW.replace("G2", "G3"), encoding="utf-8")
    done = run("verify")
    assert done.exit_code == 1
    summary, *problems = done.output.splitlines()
    assert summary == "3 of 12 checks failed: data (1), manuscript (1), results (1)"
    assert problems[0].startswith(f"data: {PATIENTS}: changed since the run, read sha256 ")
    assert problems[1] == (
        "manuscript: manuscript/index.html: os.median: read 24.1, accepted: 24.0"
    )
    assert problems[2].startswith("results: manuscript/index.html: changed since the run")
    told = json.loads(run("verify", "--json").output)
    assert (told["ok"], told["summary"]) == (False, summary)


SENTENCE = [
    *({"t": "Str", "c": word} if word else {"t": "Space"} for word in ("Survival", "", "was", "")),
    {"t": "Span", "c": [["", [], [["data-key", "os.median"]]], [{"t": "Str", "c": "24.0"}]]},
    *({"t": "Str", "c": word} if word else {"t": "Space"} for word in ("", "months.")),
]
RENDERED = '<p>Survival was <span class="num" data-key="os.median">24.0</span> months.</p>'


@pytest.fixture
def page(repository):
    """The page of a run that keeps the document that was judged."""
    results = repository / "results"
    judged = {"meta": {}, "blocks": [{"t": "Para", "c": SENTENCE}]}
    write(results / "document.json", judged)
    write(results / "manuscript/project/coverage.yaml", "structures: {}\npatterns: {}\n")
    found = results / "manuscript/index.html"
    found.write_text(RENDERED, encoding="utf-8")
    return found


def test_a_bare_digit_in_the_page_is_named_with_its_place(run, page):
    page.write_text(RENDERED.replace("was", "was about 7 times"), encoding="utf-8")
    _, problem, _ = run("verify").output.splitlines()
    assert problem == (
        "pages: manuscript/index.html:1: at the beginning: the page prints “7” where the document "
        "that the gate judged has no number, read “Survival was about 7 times 24.0 months.”, "
        "accepted: no number here"
    )


def test_a_word_changed_in_the_page_is_no_other_number(run, page):
    page.write_text(RENDERED.replace("Survival", "Life"), encoding="utf-8")
    assert run("verify").output.startswith("1 of 12 checks failed: results (1)\n")


def test_a_page_that_cannot_be_read_again_is_told(run, page):
    page.with_name("index.docx").write_text("no archive", encoding="utf-8")
    said = "pages: manuscript/index.docx: cannot be read again: BadZipFile: "
    assert said in run("verify").output


def step(rule, result):
    return {"@id": f"#job/{rule}", "@type": "CreateAction", "name": f"{rule}: …", "result": result}


CRATE = {
    "@graph": [
        step("render", [{"@id": "ni:///sha-256;abc?path=x"}, {"@id": "results/a"}]),
        step("assemble", {"@id": "results/manuscript/project/"}),
        {"@id": "#run", "@type": "CreateAction", "name": "Run", "result": [{"@id": "results/a"}]},
        {"@id": "ni:///sha-256;abc?path=x", "name": "results/manuscript/index.pdf"},
        {"@id": "results/a", "name": "results/a"},
        {"@id": "results/manuscript/project/", "name": "results/manuscript/project"},
    ]
}


def test_a_result_that_changed_names_the_rule_of_the_crate(run, repository, page):
    results = repository / "results"
    told = json.loads((results / "manifest.json").read_text("utf-8"))
    edit(results / "manifest.json", **{"manuscript/project/index.qmd": "0" * 64})
    (results / "manuscript/index.pdf").unlink()
    page.write_text(HTML, encoding="utf-8")
    assert told["manuscript/index.html"] == digest(page)
    write(results / "crate/ro-crate-metadata.json", CRATE)
    _, *problems = run("verify").output.splitlines()
    assert problems == [
        f"results: {file}: no such file, accepted: the one of the run; rule {rule} makes it"
        for file, rule in (
            ("manuscript/index.pdf", "render"),
            ("manuscript/project/index.qmd", "assemble"),
        )
    ]
    write(results / "crate/ro-crate-metadata.json", "damaged")
    _, *problems = run("verify").output.splitlines()
    assert all(problem.endswith("accepted: the one of the run") for problem in problems)


def test_code_that_no_stage_reads_is_found_when_it_is_edited(run, repository):
    (repository / RULES).write_text("rule cox: pass\n", encoding="utf-8")
    done = run("verify")
    assert (done.exit_code, done.output.splitlines()[0]) == (1, "1 of 12 checks failed: code (1)")


def test_a_run_does_not_differ_from_itself(run):
    done = run("diff", "results", "results")
    assert (done.exit_code, done.output) == (0, "no number of 4 differs\n")


def test_two_runs_that_differ(run, repository):
    shutil.copytree(repository / "results", repository / "before")
    numbers = json.loads((repository / "results/numbers.json").read_text("utf-8"))
    numbers["os.median"] |= {"value": 27.0, "text": "27.0"}
    write(repository / "results/numbers.json", numbers)
    module = {"path": "workflow/scripts/kaplan_meier.py", "sha256": "c" * 64}
    edit(repository / "results/code.json", kaplan_meier=[module])
    done = run("diff", "before", "results")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "1 of 4 numbers differ: 1 changed; because of code (1)",
        "  os.median: 24.0 → 27.0 (+3, +12%); code: workflow/scripts/kaplan_meier.py",
    ]
    (told,) = json.loads(run("diff", "before", "results", "--json").output)["numbers"]
    assert (told["change"], told["relative"]) == (3.0, 0.125)


# --- calls and help -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("trace",),
        ("trace", "os.median", "--text", "24.0"),
        ("impact",),
        ("impact", f"{PATIENTS}:2", "--manuscript"),
        ("impact", f"{PATIENTS}:2:status", "--set", "alive", "--config", "seed"),
        ("impact", f"{PATIENTS}:2:status", "--set", "alive", "--cores", "0"),
        ("diff", "results"),
        ("guess",),
        ("verify", "--nonsense"),
        ("verify", "--repository", "nowhere"),
    ],
)
def test_a_wrong_call_exits_with_2(run, arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("command", ["trace", "impact", "verify", "diff"])
def test_help_shows_examples_and_exit_codes(run, command):
    told = run(command, "--help").output
    assert f"  sarcoma-sbrt {command}" in told
    assert "Exit codes: 0 " in told
    assert f"sarcoma-sbrt {command}" in run("--help").output


@pytest.mark.parametrize(
    "arguments", [["--help"], ["trace"], ["trace", "os.median"], ["impact", "nothing"], ["verify"]]
)
def test_no_heavy_library_is_imported_before_it_is_needed(repository, arguments):
    script = (
        "import sys\nfrom sarcoma_sbrt.cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'snakemake', 'yaml'} & sys.modules.keys()\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_dictionary_is_the_committed_one(run):
    committed = (REPOSITORY / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    package = REPOSITORY / "data" / "published" / "datapackage.json"
    assert run("dictionary", "--package", str(package)).output == committed


def test_the_dictionary_needs_the_data_package(run, tmp_path):
    done = run("dictionary", "--package", str(tmp_path / "none.json"))
    assert done.exit_code == 2
    assert done.output.endswith("no such file; name it with --package\n")
