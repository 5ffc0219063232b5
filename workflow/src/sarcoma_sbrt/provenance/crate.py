"""The run as a Workflow Run RO-Crate (Provenance Run profile): steps, jobs, files, parameters.

https://w3id.org/ro/wfrun/provenance/0.5. Files that stay where they are, as patients' records
do, are named by their hash (RFC 6920) and described, without a copy.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

__all__ = ["Job", "Material", "Run", "Tool", "jobs", "may_be_copied", "run_crate"]

RO_CRATE = "1.1"
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/provenance/0.5": ("Provenance Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
FORMATS = {
    ".csv": "text/csv",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".html": "text/html",
    ".json": "application/json",
    ".lock": "text/plain",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".py": "text/x-python",
    ".qmd": "text/markdown",
    ".svg": "image/svg+xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
SNAKEMAKE = "https://snakemake.github.io"
AUTHORS = "#authors"
DONE = "http://schema.org/CompletedActionStatus"
LICENCE = "https://spdx.org/licenses/MIT"
TEXT_LICENCE = "https://spdx.org/licenses/CC-BY-4.0"
# Of a benchmark: what is told of a job's use of resources, with its unit.
USAGE = {
    "cpu_time": ("CPU time", "https://qudt.org/vocab/unit/SEC"),
    "max_rss": ("maximum resident set size", "https://qudt.org/vocab/unit/MegaBYTE"),
}

# What of an observed cohort's results may not be handed on: rows, and small counts.
CLOSED = ("private", "statistics", "logs", "benchmarks")
CLOSED_FILES = ("flow.json", "endpoints.json", "tables.json")


@dataclass(frozen=True)
class Material:
    """A file of the run, or a folder of files.

    Attributes
    ----------
    path : str
        Relative to the repository, with forward slashes.
    sha256 : str
        Of its bytes; of a folder, of its files' names and hashes.
    size : int
        Bytes.
    copied : bool
        Whether the crate holds it; else it is described only.
    is_folder : bool
        A folder is never copied: what it holds is made of files that are.
    """

    path: str
    sha256: str
    size: int
    copied: bool
    is_folder: bool = False


@dataclass(frozen=True)
class Tool:
    """A rule: its script and what it does."""

    rule: str
    script: str
    says: str


@dataclass(frozen=True)
class Job:
    """One execution of a rule; times in seconds since the epoch, where Snakemake kept them."""

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    started: float | None = None
    ended: float | None = None
    usage: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """Everything that a crate says.

    Attributes
    ----------
    name, description : str
        Title of the cohort's manuscript, and what the data are.
    workflow : str
        Path of the Snakefile.
    tools : sequence of Tool
        Rules in the order of the journey.
    jobs : sequence of Job
        What ran.
    materials : mapping
        Path -> file, of every path that a job, a tool or the workflow names.
    parameters : mapping
        Configuration keys that decide the run, with their values.
    software : mapping
        Library -> version.
    engine, version : str
        Versions of Snakemake and of the workflow.
    date : str
        ISO date of publication, as the manuscript prints it.
    """

    name: str
    description: str
    workflow: str
    tools: Sequence[Tool]
    jobs: Sequence[Job]
    materials: Mapping[str, Material]
    parameters: Mapping[str, Any]
    software: Mapping[str, str]
    engine: str
    version: str
    date: str


def may_be_copied(path: str, kind: str, *, results: str, data: str) -> bool:
    """Whether a crate may hold a file of a run.

    Parameters
    ----------
    path : str
        Relative to the repository.
    kind : str
        ``observed`` or ``reconstructed``.
    results, data : str
        Folders of the results and of the cohort's raw tables.

    Notes
    -----
    Of an observed cohort neither raw tables nor what is row by row, nor statistics that the
    small-cell rule has not passed. Rows stay out for a reconstructed one as well, whose raw
    tables are public.
    """
    if _below(path, f"{results}/private"):
        return False
    if kind == "reconstructed":
        return True
    closed = [data, *(f"{results}/{name}" for name in CLOSED)]
    return not any(_below(path, folder) for folder in closed) and path not in {
        f"{results}/{name}" for name in CLOSED_FILES
    }


def _below(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(PurePosixPath(folder))


def jobs(
    records: Mapping[str, Mapping[str, Any]], benchmarks: Mapping[str, Mapping[str, str]]
) -> list[Job]:
    """Jobs of a run from what Snakemake keeps of every output file.

    Parameters
    ----------
    records : mapping
        Output path -> record with ``rule``, ``input``, ``log``, ``starttime`` and ``endtime``.
    benchmarks : mapping
        Name of a job's log and benchmark, without folder and suffix -> the benchmark's row.

    Returns
    -------
    list of Job
        Outputs of one job together, in order of the time at which jobs ended.
    """
    together: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for path, record in sorted(records.items()):
        together.setdefault((record["rule"], tuple(record["log"])), []).append(path)
    found = [
        _job([records[path] for path in outputs], outputs, benchmarks)
        for outputs in together.values()
    ]
    return sorted(found, key=lambda job: (job.ended or 0.0, job.rule, job.outputs))


def _job(
    records: Sequence[Mapping[str, Any]],
    outputs: Sequence[str],
    benchmarks: Mapping[str, Mapping[str, str]],
) -> Job:
    names = [PurePosixPath(log).stem for log in records[0]["log"]]
    starts = [r["starttime"] for r in records if r["starttime"] is not None]
    ends = [r["endtime"] for r in records if r["endtime"] is not None]
    return Job(
        rule=records[0]["rule"],
        inputs=tuple(records[0]["input"]),
        outputs=tuple(outputs),
        started=min(starts, default=None),
        ended=max(ends, default=None),
        usage=next((benchmarks[name] for name in names if name in benchmarks), {}),
    )


def run_crate(run: Run) -> dict[str, Any]:
    """``ro-crate-metadata.json`` of a run.

    Parameters
    ----------
    run : Run
        What ran, on what, with what.

    Raises
    ------
    ValueError
        When a job names a rule or a file that the run does not describe.
    """
    if problems := _loose_ends(run):
        raise ValueError("; ".join(problems))
    crate = ROCrate(version=RO_CRATE)
    crate.metadata.extra_contexts.append(TERMS)
    _root(crate, run)
    kinds = _kinds(run)
    for path, material in run.materials.items():
        _file(crate, material, kinds.get(path, "File"))
    workflow = _workflow(crate, run)
    actions = [_action(crate, run, number, job) for number, job in enumerate(run.jobs, start=1)]
    whole = _whole(crate, run, workflow)
    organised = _organised(crate, run, actions, whole)
    crate.root_dataset["mentions"] = [whole, organised, *actions]
    metadata: dict[str, Any] = crate.metadata.generate()
    return metadata


def _loose_ends(run: Run) -> list[str]:
    """What a job or a tool names and the run does not describe."""
    rules = {tool.rule for tool in run.tools}
    paths = {path for job in run.jobs for path in (*job.inputs, *job.outputs)}
    paths |= {tool.script for tool in run.tools} | {run.workflow}
    return [
        *(f"no tool for the rule {name}" for name in sorted({j.rule for j in run.jobs} - rules)),
        *(f"no description of {path}" for path in sorted(paths - run.materials.keys())),
    ]


def _add(crate: ROCrate, identifier: str, kind: str | list[str], **properties: Any) -> Any:
    """Entity without what is empty; one value stands alone, as the specification asks."""
    said = {name: _alone(value) for name, value in properties.items()}
    said = {name: value for name, value in said.items() if value not in (None, [], "")}
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind} | said))


def _alone(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _root(crate: ROCrate, run: Run) -> None:
    """The root, its profiles and its licence."""
    root = crate.root_dataset
    profiles = [
        _add(crate, url, "CreativeWork", name=name, version=version)
        for url, (name, version) in PROFILES.items()
    ]
    root["conformsTo"] = profiles
    root["name"] = run.name
    root["description"] = run.description
    root["datePublished"] = run.date
    root["author"] = root["publisher"] = _add(
        crate, AUTHORS, "Organization", name="The sarcoma-sbrt developers"
    )
    crate.metadata["conformsTo"] = [
        {"@id": f"https://w3id.org/ro/crate/{RO_CRATE}"},
        {"@id": "https://w3id.org/workflowhub/workflow-ro-crate/1.0"},
    ]
    _add(crate, LICENCE, "CreativeWork", name="MIT License", description="Of the code.")
    root["license"] = _add(
        crate,
        TEXT_LICENCE,
        "CreativeWork",
        name="Creative Commons Attribution 4.0 International",
        description="Of text and results; the code is under the MIT License.",
    )


def _identifier(material: Material) -> str:
    """Path of a file that the crate holds; hash of one that it does not (RFC 6920)."""
    if material.copied:
        return material.path
    digest = base64.urlsafe_b64encode(bytes.fromhex(material.sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}?path={material.path.replace(' ', '%20')}"


def _kinds(run: Run) -> dict[str, list[str]]:
    """Types of the files that are more than files."""
    tools = {tool.script: ["File", "SoftwareSourceCode"] for tool in run.tools}
    main = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
    return tools | {run.workflow: main}


def _file(crate: ROCrate, material: Material, kind: str | list[str]) -> None:
    without = "Described by its hash; the crate does not hold it."
    of_file = {
        "contentSize": str(material.size),
        "encodingFormat": FORMATS.get(PurePosixPath(material.path).suffix, "text/plain"),
        "sha256": material.sha256,
    }
    entity = _add(
        crate,
        _identifier(material),
        "Dataset" if material.is_folder else kind,
        name=material.path,
        description=None if material.copied else without,
        **({} if material.is_folder else of_file),
    )
    crate.root_dataset.append_to("hasPart", entity)


def _entity(crate: ROCrate, material: Material) -> Any:
    return crate.dereference(_identifier(material))


def _files(crate: ROCrate, run: Run, paths: Iterable[str]) -> list[Any]:
    return [_entity(crate, run.materials[path]) for path in dict.fromkeys(paths)]


def _workflow(crate: ROCrate, run: Run) -> Any:
    """The Snakefile with its steps, the tools behind them and what goes in and out."""
    workflow = _entity(crate, run.materials[run.workflow])
    workflow["license"] = crate.dereference(LICENCE)
    workflow["version"] = run.version
    workflow["conformsTo"] = _add(
        crate,
        "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE",
        "CreativeWork",
        name="ComputationalWorkflow",
        version="1.0-RELEASE",
    )
    workflow["programmingLanguage"] = _add(
        crate,
        "#snakemake-language",
        "ComputerLanguage",
        name="Snakemake",
        url={"@id": SNAKEMAKE},
        version=run.engine,
    )
    used = {job.rule for job in run.jobs}
    tools = [tool for tool in run.tools if tool.rule in used]
    workflow["hasPart"] = _alone([_tool(crate, run, tool) for tool in tools])
    workflow["step"] = _alone([_step(crate, i, tool) for i, tool in enumerate(tools, 1)])
    workflow["input"] = _inputs(crate, run)
    workflow["output"] = _outputs(crate, run)
    workflow["softwareRequirements"] = _alone(_software(crate, run.software))
    crate.root_dataset["mainEntity"] = workflow
    return workflow


def _tool(crate: ROCrate, run: Run, tool: Tool) -> Any:
    script = _entity(crate, run.materials[tool.script])
    script["description"] = tool.says
    script["programmingLanguage"] = "Python"
    script["version"] = run.version
    return script


def _step(crate: ROCrate, position: int, tool: Tool) -> Any:
    return _add(
        crate,
        f"#step/{tool.rule}",
        "HowToStep",
        name=tool.rule,
        description=tool.says,
        position=str(position),
        workExample={"@id": tool.script},
    )


def _software(crate: ROCrate, software: Mapping[str, str]) -> list[Any]:
    return [
        _add(
            crate,
            f"pkg:pypi/{name}@{version}",
            "SoftwareApplication",
            name=name,
            softwareVersion=version,
        )
        for name, version in sorted(software.items())
    ]


def _inputs(crate: ROCrate, run: Run) -> list[Any]:
    """Formal parameters: the configuration's keys, and the files that no job made."""
    parameters = []
    for name, value in run.parameters.items():
        value_ = _add(crate, f"#value/{name}", "PropertyValue", name=name, value=str(value))
        parameters.append(_parameter(crate, f"#parameter/{name}", name, "Text", value_))
    for path in _given(run):
        file = _entity(crate, run.materials[path])
        kind = "Dataset" if run.materials[path].is_folder else "File"
        parameters.append(_parameter(crate, f"#input/{path}", path, kind, file))
    return parameters


def _outputs(crate: ROCrate, run: Run) -> list[Any]:
    parameters = []
    for path in _made(run):
        kind = "Dataset" if run.materials[path].is_folder else "File"
        file = _entity(crate, run.materials[path])
        parameters.append(_parameter(crate, f"#output/{path}", path, kind, file))
    return parameters


def _parameter(crate: ROCrate, identifier: str, name: str, kind: str, example: Any) -> Any:
    parameter = _add(
        crate,
        identifier.replace(" ", "%20"),
        "FormalParameter",
        name=name,
        additionalType=kind,
        workExample=example,
        valueRequired="true",
    )
    parameter["conformsTo"] = _add(
        crate,
        "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE",
        "CreativeWork",
        name="FormalParameter",
        version="1.0-RELEASE",
    )
    example["exampleOfWork"] = parameter
    return parameter


def _made(run: Run) -> list[str]:
    return list(dict.fromkeys(path for job in run.jobs for path in job.outputs))


def _given(run: Run) -> list[str]:
    """Files that jobs read and none made, the code left out: that is the workflow itself."""
    made = set(_made(run))
    read = dict.fromkeys(path for job in run.jobs for path in job.inputs)
    return [path for path in read if path not in made and not path.startswith("workflow/")]


def _action(crate: ROCrate, run: Run, number: int, job: Job) -> Any:
    """What one job did: its tool, what it read and made, when, and with how much."""
    tool = next(tool for tool in run.tools if tool.rule == job.rule)
    return _add(
        crate,
        f"#job/{number}",
        "CreateAction",
        name=f"{job.rule}: {', '.join(job.outputs[:3])}{', …' if len(job.outputs) > 3 else ''}",
        instrument=_entity(crate, run.materials[tool.script]),
        object=_files(crate, run, job.inputs),
        result=_files(crate, run, job.outputs),
        startTime=_time(job.started),
        endTime=_time(job.ended),
        actionStatus=DONE,
        description=tool.says,
        agent={"@id": AUTHORS},
        resourceUsage=_usage(crate, number, job),
    )


def _usage(crate: ROCrate, number: int, job: Job) -> list[Any]:
    return [
        _add(
            crate,
            f"#job/{number}/{name}",
            "PropertyValue",
            name=says,
            propertyID=f"https://w3id.org/ro/terms/snakemake#{name}",
            value=job.usage[name],
            unitCode=unit,
        )
        for name, (says, unit) in USAGE.items()
        if job.usage.get(name, "NA") not in ("NA", "-", "")
    ]


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _span(run: Run) -> dict[str, str | None]:
    started = [job.started for job in run.jobs if job.started is not None]
    ended = [job.ended for job in run.jobs if job.ended is not None]
    return {
        "startTime": _time(min(started, default=None)),
        "endTime": _time(max(ended, default=None)),
    }


def _whole(crate: ROCrate, run: Run, workflow: Any) -> Any:
    """The run of the whole workflow."""
    values = [crate.dereference(f"#value/{name}") for name in run.parameters]
    return _add(
        crate,
        "#run",
        "CreateAction",
        name=f"Run of the workflow: {run.name}",
        instrument=workflow,
        object=[*values, *_files(crate, run, _given(run))],
        result=_files(crate, run, _made(run)),
        actionStatus=DONE,
        description=run.description,
        agent={"@id": AUTHORS},
        **_span(run),
    )


def _organised(crate: ROCrate, run: Run, actions: Sequence[Any], whole: Any) -> Any:
    """How Snakemake had the steps carried out."""
    by_rule: dict[str, list[Any]] = {}
    for job, action in zip(run.jobs, actions, strict=True):
        by_rule.setdefault(job.rule, []).append(action)
    controls = [
        _add(
            crate,
            f"#control/{rule}",
            "ControlAction",
            name=f"Orchestration of {rule}",
            instrument=crate.dereference(f"#step/{rule}"),
            object=done,
        )
        for rule, done in by_rule.items()
    ]
    engine = _add(
        crate,
        SNAKEMAKE,
        "SoftwareApplication",
        name="Snakemake",
        url={"@id": SNAKEMAKE},
        softwareVersion=run.engine,
    )
    return _add(
        crate,
        "#orchestration",
        "OrganizeAction",
        name="Snakemake’s run",
        instrument=engine,
        object=controls,
        result=whole,
        **_span(run),
    )
