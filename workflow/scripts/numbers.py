"""Register every number with what stands behind it."""

from sarcoma_sbrt.io import hashed, job_log, read_json, write_json
from sarcoma_sbrt.provenance.registry import Stage, registry
from sarcoma_sbrt.reporting.statistics import from_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    raw = hashed(snakemake.input.raw, snakemake.params.data, shown=f"data/{plan.cohort.name}")
    stages = {
        name: Stage(
            rule=stage["rule"],
            inputs=raw,
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
    configuration = {
        name: snakemake.params.plan[name] for name in ("cohort", "endpoints", "models")
    } | {"run": snakemake.params.run}
    entries = registry(
        statistics, stages, configuration, plan.analysis, plan.cohort, plan.endpoints
    )
    write_json(snakemake.output.numbers, entries)
