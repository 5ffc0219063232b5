"""Predict one share of the patients left out, for one endpoint."""

from sarcoma_sbrt.io import job_log, read_parquet, write_json
from sarcoma_sbrt.reporting.stages import forest
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    name = snakemake.wildcards.endpoint
    cohort = Cohort(
        plan_settings(snakemake.params.plan),
        covariates={
            unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")
        },
        endpoints={name: read_parquet(snakemake.input.endpoint)},
    )
    folds = forest.predictions(cohort, name, int(snakemake.wildcards.batch))
    write_json(snakemake.output.predictions, folds)
    print(f"{len(folds)} folds")
