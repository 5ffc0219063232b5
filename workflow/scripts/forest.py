"""Grow a random survival forest for one endpoint, and score the folds' predictions."""

from sarcoma_sbrt.io import job_log, read_json, read_parquet, write_json
from sarcoma_sbrt.reporting.stages import forest
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import to_json
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
    folds = [fold for path in snakemake.input.folds for fold in read_json(path)]
    made = forest.results(cohort, name, folds)
    write_json(snakemake.output.statistics, to_json("forest", made.statistics))
    write_json(snakemake.output.predictions, made.predictions)
    estimated = sum(s.status == "estimated" for s in made.statistics)
    print(f"{len(made.statistics)} statistics, {estimated} estimated")
