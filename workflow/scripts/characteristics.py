"""Describe patients, lesions, treatment and toxicity."""

from sarcoma_sbrt.io import job_log, read_json, read_parquet, read_tables, write_json
from sarcoma_sbrt.reporting.stages import characteristics
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    cohort = Cohort(
        plan_settings(snakemake.params.plan),
        covariates={
            unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")
        },
        canonical=read_tables(snakemake.input.tables),
        flow=read_json(snakemake.input.flow),
    )
    statistics = characteristics.statistics(cohort)
    write_json(snakemake.output.statistics, to_json("characteristics", statistics))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
