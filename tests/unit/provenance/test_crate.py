from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from sarcoma_sbrt.provenance.crate import Job, Material, Run, Tool, jobs, may_be_copied, run_crate

CONTEXTS = Path(__file__).parents[2] / "data" / "ro-crate-contexts"
SERVED = {
    "https://w3id.org/ro/crate/1.1/context": CONTEXTS / "ro-crate-1.1.jsonld",
    "https://w3id.org/ro/terms/workflow-run/context": CONTEXTS / "workflow-run.json",
}
FILES = {
    "workflow/Snakefile": True,
    "workflow/scripts/extract.py": True,
    "workflow/scripts/cox.py": True,
    "workflow/src/sarcoma_sbrt/dose.py": True,
    "data/cohorts/small/patients 1.csv": False,
    "results/private/canonical/patients.parquet": False,
    "results/statistics/cox.json": True,
}
RAW, ROWS, RESULT = list(FILES)[-3:]


@pytest.fixture
def run() -> Run:
    return Run(
        name="Fourteen patients",
        description="Invented.",
        workflow="workflow/Snakefile",
        tools=[
            Tool("extract", "workflow/scripts/extract.py", "Read the records."),
            Tool("cox", "workflow/scripts/cox.py", "Fit Cox models."),
            Tool("search", "workflow/scripts/extract.py", "Not run."),
        ],
        jobs=[
            Job("extract", (RAW, "workflow/src/sarcoma_sbrt/dose.py"), (ROWS,), 10.0, 12.5),
            Job("cox", (ROWS,), (RESULT,), 12.5, 20.0, {"cpu_time": "2.78", "max_rss": "NA"}),
        ],
        materials={
            path: Material(path, f"{i:064x}", 10 * i, copied)
            for i, (path, copied) in enumerate(FILES.items())
        },
        parameters={"cohort": "small", "seed": 7},
        software={"pandas": "2.3.3"},
        engine="9.27.0",
        version="0.3.0",
        date="2026-11-21",
    )


def graph(run: Run) -> dict[str, dict[str, Any]]:
    return {entity["@id"]: entity for entity in run_crate(run)["@graph"]}


def ids(value: Any) -> list[str]:
    return [one["@id"] for one in (value if isinstance(value, list) else [value])]


def test_a_job_is_an_action_of_its_script_on_its_files_with_times(run: Run) -> None:
    job = graph(run)["#job/2"]
    assert ids(job["instrument"]) == ["workflow/scripts/cox.py"]
    assert ids(job["result"]) == [RESULT]
    assert job["startTime"] == "1970-01-01T00:00:12.500+00:00"
    assert job["endTime"] == "1970-01-01T00:00:20.000+00:00"
    (usage,) = ids(job["resourceUsage"])
    assert graph(run)[usage]["value"] == "2.78"


def test_what_is_not_held_is_named_by_its_hash_and_no_value_of_it_is_said(run: Run) -> None:
    entities = graph(run)
    (raw, _) = ids(entities["#job/1"]["object"])
    # 4 as 32 bytes in base64url
    assert raw == f"ni:///sha-256;{'A' * 42}Q?path=data/cohorts/small/patients%201.csv"
    assert entities[raw]["sha256"] == f"{4:064x}"
    assert entities[raw]["description"] == "Described by its hash; the crate does not hold it."
    assert RAW not in entities


def test_the_whole_run_takes_what_nobody_made_and_gives_what_was_made(run: Run) -> None:
    entities = graph(run)
    whole = entities["#run"]
    assert ids(whole["object"])[:2] == ["#value/cohort", "#value/seed"]
    assert [name.rpartition("=")[2] for name in ids(whole["object"])[2:]] == [
        "data/cohorts/small/patients%201.csv"
    ]
    assert whole["startTime"] < whole["endTime"]
    assert entities["#value/seed"]["value"] == "7"


def test_steps_are_the_rules_that_ran_in_their_order(run: Run) -> None:
    entities = graph(run)
    assert ids(entities["workflow/Snakefile"]["step"]) == ["#step/extract", "#step/cox"]
    assert [entities[f"#step/{n}"]["position"] for n in ("extract", "cox")] == ["1", "2"]
    assert ids(entities["#orchestration"]["object"]) == ["#control/extract", "#control/cox"]
    assert ids(entities["#control/cox"]["object"]) == ["#job/2"]


def test_a_run_that_names_what_it_does_not_describe_is_refused(run: Run) -> None:
    loose = replace(run, jobs=[Job("forest", ("a.csv",), (RESULT,))])
    with pytest.raises(
        ValueError, match=r"^no tool for the rule forest; no description of a\.csv$"
    ):
        run_crate(loose)


@pytest.mark.parametrize(
    ("path", "observed", "reconstructed"),
    [
        ("data/cohorts/x/patients.csv", False, True),
        ("results/private/endpoints/os.parquet", False, False),
        ("results/statistics/cox.json", False, True),
        ("results/flow.json", False, True),
        ("results/logs/extract.log", False, True),
        ("results/numbers.json", True, True),
        ("results/manuscript/index.html", True, True),
        ("data/published/studies.csv", True, True),
        ("data/cohorts/xy/README.md", True, True),
    ],
)
def test_what_a_crate_may_hold(path: str, observed: bool, reconstructed: bool) -> None:
    said = {
        kind: may_be_copied(path, kind, results="results", data="data/cohorts/x")
        for kind in ("observed", "reconstructed")
    }
    assert said == {"observed": observed, "reconstructed": reconstructed}


def test_outputs_of_one_job_are_put_together() -> None:
    def record(rule: str, log: str, end: float) -> dict[str, Any]:
        return {"rule": rule, "input": ["x"], "log": [log], "starttime": 1.0, "endtime": end}

    found = jobs(
        {
            "b.svg": record("figures", "logs/figures.log", 9.0),
            "a.svg": record("figures", "logs/figures.log", 8.0),
            "f0.json": record("folds", "logs/folds_0.log", 5.0),
            "f1.json": record("folds", "logs/folds_1.log", 4.0),
        },
        {"folds_1": {"cpu_time": "3"}},
    )
    assert [(job.outputs, job.ended, dict(job.usage)) for job in found] == [
        (("f1.json",), 4.0, {"cpu_time": "3"}),
        (("f0.json",), 5.0, {}),
        (("a.svg", "b.svg"), 9.0, {}),
    ]


# --- the profile ----------------------------------------------------------------------------


def served(session: requests.Session, request: requests.PreparedRequest, **_: Any):
    """The public contexts from their committed copies; nothing else is answered."""
    response = requests.Response()
    response.url, response.request = str(request.url), request
    path = SERVED.get(str(request.url))
    response.status_code = 200 if path else 404
    response._content = path.read_bytes() if path else b""
    response.headers["Content-Type"] = "application/ld+json"
    return response


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Findings of roc-validator on a run, every requirement and recommendation checked."""
    monkeypatch.setattr(requests.Session, "send", served)
    from rocrate_validator import services
    from rocrate_validator.models import Severity, ValidationSettings

    def call(run: Run, change=lambda metadata: None) -> dict[str, set[str]]:
        folder = tmp_path / "crate"
        shutil.rmtree(folder, ignore_errors=True)
        for path, copied in FILES.items():
            if copied:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text("x")
        metadata = run_crate(run)
        change(metadata)
        (folder / "ro-crate-metadata.json").write_text(json.dumps(metadata))
        settings = ValidationSettings(
            rocrate_uri=str(folder),
            profile_identifier="provenance-run-crate-0.5",
            requirement_severity=Severity.RECOMMENDED,
            no_cache=True,
        )
        found: dict[str, set[str]] = {"REQUIRED": set(), "RECOMMENDED": set()}
        for issue in services.validate(settings).get_issues():
            found[issue.severity.name].add(issue.check.identifier)
        return found

    return call


# Libraries and the developers have no page to name, and the crate has no README about itself; the
# validator takes a relative path for no absolute URI, and does not know the scheme ni.
KNOWN = {
    *("process-run-crate-0.5_3.2", "process-run-crate-0.5_5.1", "ro-crate-1.1_28.1"),
    *("ro-crate-1.1_31.2", "workflow-ro-crate-1.0_6.1", "workflow-ro-crate-1.0_6.2"),
}


@pytest.mark.filterwarnings("ignore")
def test_the_crate_meets_the_profile(run: Run, findings) -> None:
    found = findings(run)
    assert found["REQUIRED"] == set()
    assert found["RECOMMENDED"] <= KNOWN


@pytest.mark.filterwarnings("ignore")
def test_the_validator_sees_a_step_without_its_tool(run: Run, findings) -> None:
    def change(metadata: dict[str, Any]) -> None:
        (step,) = (e for e in metadata["@graph"] if e["@id"] == "#step/cox")
        del step["workExample"]

    assert any("provenance-run-crate" in name for name in findings(run, change)["REQUIRED"])
