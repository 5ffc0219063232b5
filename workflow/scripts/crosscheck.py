"""Set every computed number beside what a second engine makes of the same data."""

from functools import partial
from pathlib import Path

from sarcoma_sbrt.io import job_log, line_of, read_json, read_rows, read_tables, write_json
from sarcoma_sbrt.provenance.crosscheck.checks import (
    Materials,
    counts,
    document,
    without_values,
)
from sarcoma_sbrt.provenance.crosscheck.engines import crosschecked
from sarcoma_sbrt.provenance.crosscheck.plan import rules_of
from sarcoma_sbrt.settings import merged_plan, plan_settings

with job_log(snakemake.log[0]):
    given, plan = snakemake.params.plan, plan_settings(snakemake.params.plan)
    materials = Materials(
        plan=plan,
        configuration={
            "cohort": given["cohort"],
            "endpoints": given["endpoints"],
            "models": merged_plan(given["models"], plan.cohort),
            "run": snakemake.params.run,
            "reconstruction": snakemake.params.reconstruction,
            "marginals": snakemake.params.marginals,
        },
        canonical=read_tables(snakemake.input.tables),
        endpoints=read_tables(snakemake.input.endpoints),
        covariates=read_tables([snakemake.input.patients, snakemake.input.lesions]),
        statistics={
            stage: [record for path in paths for record in read_json(path)["statistics"]]
            for stage, paths in snakemake.params.statistics.items()
        },
        published={path: read_rows(path) for path in snakemake.input.published},
        package=read_json(snakemake.input.package),
        evidence={Path(path).stem: read_json(path) for path in snakemake.input.evidence},
        flow=read_json(snakemake.input.flow),
        predictions={Path(path).stem: read_json(path) for path in snakemake.input.predictions},
    )
    listed = partial(line_of, snakemake.input.listed)
    checks = crosschecked(materials, rules_of(snakemake.params.list), line_of=listed)
    if snakemake.params.withheld:
        checks = without_values(checks)
    write_json(snakemake.output.checks, document(checks))
    failures = [check for check in checks.values() if not check.agrees]
    print(", ".join(f"{count} {status}" for status, count in counts(checks).items()))
    print(f"{len(failures)} of {len(checks)} do not agree")
    for check in failures:
        print(f"{check.key}: {check.reason}")
