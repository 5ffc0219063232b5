"""Register every number with what stands behind it."""

from pathlib import PurePath

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.io import hashed, job_log, read_json, read_rows, write_json
from sarcoma_sbrt.provenance.registry import Stage, code_sets, registry
from sarcoma_sbrt.reporting.over_solutions import (
    constrained,
    outside,
    solutions_statistic,
    with_ranges,
)
from sarcoma_sbrt.reporting.solution_statistics import read_ranges
from sarcoma_sbrt.reporting.statistics import from_json
from sarcoma_sbrt.settings import merged_plan, plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    shown = f"data/{plan.cohort.name}"
    raw = {
        file["path"]: file
        for file in hashed(snakemake.input.raw, snakemake.params.data, shown=shown)
    }
    inputs = {name: raw[f"{shown}/{table.file}"] for name, table in plan.cohort.tables.items()}
    tables = {path: read_rows(path) for path in snakemake.input.published}
    figures = published(tables, read_json(snakemake.input.package))
    transcribed = {
        "published." + PurePath(file["path"]).stem: file
        for file in hashed(tables, snakemake.params.published, shown="data/published")
    }
    stages = {
        name: Stage(
            rule=stage["rule"],
            inputs=inputs | transcribed,
            code=hashed(stage["code"], snakemake.params.repository),
            config=stage["config"],
        )
        for name, stage in snakemake.params.stages.items()
    }
    statistics = [
        (stage, statistic)
        for stage, paths in snakemake.params.statistics.items()
        for path in paths
        for statistic in from_json(read_json(path))
    ]
    ranges = {}
    for path in snakemake.input.ranges:
        ranges = read_ranges(read_rows(path))
        statistics += [
            ("solutions", s) for s in solutions_statistic(ranges, plan.cohort.derived_from)
        ]
    configuration = {
        "cohort": snakemake.params.plan["cohort"],
        "endpoints": snakemake.params.plan["endpoints"],
        "models": merged_plan(snakemake.params.plan["models"], plan.cohort),
        "run": snakemake.params.run,
    }
    if snakemake.params.reconstruction:
        configuration["reconstruction"] = snakemake.params.reconstruction
    if snakemake.params.marginals:
        configuration["marginals"] = snakemake.params.marginals
    entries = registry(
        statistics, stages, configuration, plan.analysis, plan.cohort, plan.endpoints, figures
    )
    for source in hashed(snakemake.input.ranges, snakemake.params.repository):
        subgroups = snakemake.params.reconstruction["subgroups"]
        printed = constrained(figures.of(plan.cohort.derived_from), subgroups)
        stale = outside(entries, ranges)
        entries = with_ranges(entries, ranges, printed, source)
        print(f"{len(ranges)} ranges, {len(stale)} of them of other data or another plan")
    write_json(snakemake.output.numbers, entries)
    write_json(snakemake.output.code, code_sets(stages))
    print(f"{len(entries)} entries, {len(statistics)} of them computed statistics")
