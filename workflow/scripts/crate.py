"""Describe the run as an RO-Crate, with copies of what may be handed on."""

import base64
import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

from sarcoma_sbrt.io import job_log, sha256, write_json
from sarcoma_sbrt.provenance.crate import Material, Run, Tool, jobs, may_be_copied, run_crate
from sarcoma_sbrt.settings import plan_settings

RESULTS, DATA = snakemake.params.results, snakemake.params.data


def shown(path):
    """Path as the crate calls it: below the repository, wherever results and data lie."""
    for folder, name in ((RESULTS, "results"), (DATA, f"data/cohorts/{plan.cohort.name}")):
        if Path(path).is_relative_to(folder):
            return (Path(name) / Path(path).relative_to(folder)).as_posix()
    return Path(os.path.relpath(path)).as_posix()


def records(folder):
    """Output path -> what Snakemake keeps of it; names are split where they are long."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = "".join(part.removeprefix("@") for part in path.relative_to(folder).parts)
            output = base64.urlsafe_b64decode(name).decode()
            if Path(output).is_relative_to(RESULTS) and Path(output).exists():
                found[output] = json.loads(path.read_text(encoding="utf-8"))
    return {path: record for path, record in found.items() if record["rule"] in TOOLS}


def material(path):
    """A file or folder of the run, by its hash."""
    name = shown(path)
    if Path(path).is_dir():
        files = sorted(p for p in Path(path).rglob("*") if p.is_file())
        lines = [f"{p.relative_to(path).as_posix()} {sha256(p)}\n" for p in files]
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        return Material(name, digest, sum(p.stat().st_size for p in files), False, is_folder=True)
    data = f"data/cohorts/{plan.cohort.name}"
    copied = may_be_copied(name, plan.cohort.kind, results="results", data=data)
    return Material(name, sha256(path), Path(path).stat().st_size, copied)


def benchmark(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream, delimiter="\t"))


with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    TOOLS = {tool["rule"]: Tool(**tool) for tool in snakemake.params.tools}
    known = records(Path(".snakemake") / "metadata")
    done = [
        {**record, "input": [shown(p) for p in record["input"]], "log": record["log"]}
        for record in known.values()
    ]
    paths = {p for record in known.values() for p in record["input"]} | known.keys()
    paths |= {snakemake.params.workflow, *(tool.script for tool in TOOLS.values())}
    materials = {shown(path): material(path) for path in sorted(paths) if Path(path).exists()}
    run = Run(
        name=plan.cohort.title,
        description=snakemake.params.description,
        workflow=shown(snakemake.params.workflow),
        tools=list(TOOLS.values()),
        jobs=jobs(
            dict(zip(map(shown, known), done, strict=True)),
            {p.stem: benchmark(p) for p in sorted(Path(snakemake.params.benchmarks).glob("*.tsv"))},
        ),
        materials=materials,
        parameters=snakemake.params.run,
        software=snakemake.params.software,
        engine=snakemake.params.engine,
        version=snakemake.params.version,
        date=snakemake.params.date,
    )
    crate = Path(snakemake.output.crate)
    for path in sorted(paths):
        if Path(path).is_file() and materials[shown(path)].copied:
            target = crate / shown(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    write_json(crate / "ro-crate-metadata.json", run_crate(run))
    held = sum(m.copied for m in materials.values())
    print(f"{len(run.jobs)} jobs, {len(materials)} files described, {held} of them held")
