"""Grow a random survival forest for one endpoint, and score the folds' predictions."""

from sarcoma_sbrt.io import job_log, read_json, read_parquet, write_json
from sarcoma_sbrt.reporting.forest_statistics import forest_results
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    endpoint = plan.endpoints[snakemake.wildcards.endpoint]
    table = read_parquet(snakemake.input.endpoint)
    frame = read_parquet(snakemake.input[f"{endpoint.unit}s"])
    names = plan.analysis.forest[endpoint.name]
    design = design_for(table, frame, plan.analysis.covariates, names)
    columns = endpoint_columns(endpoint, plan.cohort)
    folds = [fold for path in snakemake.input.folds for fold in read_json(path)]
    made = forest_results(endpoint, table, design, plan.analysis, columns, folds)
    write_json(snakemake.output.statistics, to_json("forest", made.statistics))
    write_json(snakemake.output.predictions, made.predictions)
    estimated = sum(s.status == "estimated" for s in made.statistics)
    print(f"{len(made.statistics)} statistics, {estimated} estimated")
