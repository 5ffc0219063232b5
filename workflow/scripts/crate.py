"""Describe the run as an RO-Crate, with copies of what may be handed on."""

import shutil
from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, write_json
from sarcoma_sbrt.provenance.crate import Run, Tool, jobs, run_crate
from sarcoma_sbrt.provenance.run_records import ShownPaths, benchmark, material, metadata_records
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    given, plan = snakemake.params, plan_settings(snakemake.params.plan)
    folders = ShownPaths(given.results, given.data, plan.cohort.name, plan.cohort.kind)
    tools = [Tool(**tool) for tool in given.tools]
    known = metadata_records(
        Path(".snakemake") / "metadata", given.results, {tool.rule for tool in tools}
    )
    done = {
        folders.shown(path): record | {"input": [folders.shown(p) for p in record["input"]]}
        for path, record in known.items()
    }
    paths = {p for record in known.values() for p in record["input"]} | known.keys()
    paths |= {given.workflow, *(tool.script for tool in tools)}
    materials = {
        folders.shown(path): material(path, folders)
        for path in sorted(paths)
        if Path(path).exists()
    }
    used = read_json(snakemake.input.lineage)["environment"]["stages"].values()
    benchmarks = sorted(Path(given.benchmarks).glob("*.tsv"))
    run = Run(
        name=plan.cohort.title,
        description=given.description,
        workflow=folders.shown(given.workflow),
        tools=tools,
        jobs=jobs(done, {path.stem: benchmark(path) for path in benchmarks}),
        materials=materials,
        parameters=given.run,
        software={name: version for stage in used for name, version in stage.items()},
        engine=given.engine,
        version=given.version,
        date=given.date,
    )
    crate = Path(snakemake.output.crate)
    for path in sorted(paths):
        if Path(path).is_file() and materials[folders.shown(path)].copied:
            target = crate / folders.shown(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    write_json(crate / "ro-crate-metadata.json", run_crate(run))
    held = sum(m.copied for m in materials.values())
    print(f"{len(run.jobs)} jobs, {len(materials)} files described, {held} of them held")
