"""Predict one share of the patients left out, for one endpoint."""

from sarcoma_sbrt.io import job_log, read_parquet, write_json
from sarcoma_sbrt.reporting.forest_statistics import fold_predictions
from sarcoma_sbrt.reporting.survival_statistics import design_for
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    endpoint = plan.endpoints[snakemake.wildcards.endpoint]
    table = read_parquet(snakemake.input.endpoint)
    frame = read_parquet(snakemake.input[f"{endpoint.unit}s"])
    names = plan.analysis.forest[endpoint.name]
    design = design_for(table, frame, plan.analysis.covariates, names)
    batch = int(snakemake.wildcards.batch)
    folds = fold_predictions(endpoint, table, design, plan.analysis, batch)
    write_json(snakemake.output.predictions, folds)
    print(f"{len(folds)} folds")
