"""Look at the assumptions of the Cox models, and fit those that do without one that fails."""

from sarcoma_sbrt.io import job_log, read_parquet, read_tables, write_json, write_parquet
from sarcoma_sbrt.reporting.stages import diagnostics
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    cohort = Cohort(
        plan_settings(snakemake.params.plan),
        covariates={
            unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")
        },
        endpoints=read_tables(snakemake.input.endpoints),
    )
    statistics = diagnostics.statistics(cohort)
    write_json(snakemake.output.statistics, to_json("diagnostics", statistics))
    write_parquet(snakemake.output.residuals, diagnostics.residual_table(cohort))
    write_parquet(snakemake.output.splines, diagnostics.spline_table(cohort))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
