"""Fit univariable and multivariable Cox models."""

from sarcoma_sbrt.io import job_log, read_parquet, read_tables, write_json
from sarcoma_sbrt.reporting.model_statistics import cox_statistics, model_names
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables = read_tables(snakemake.input.endpoints)
    frames = {unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")}
    statistics = []
    for name in plan.analysis.endpoints:
        endpoint, table = plan.endpoints[name], tables[name]
        names = model_names(name, plan.analysis)
        design = design_for(table, frames[endpoint.unit], plan.analysis.covariates, names)
        columns = endpoint_columns(endpoint, plan.cohort)
        statistics += cox_statistics(endpoint, table, design, plan.analysis, columns)
    write_json(snakemake.output.statistics, to_json("cox", statistics))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
