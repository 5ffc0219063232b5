"""Fit the Cox models of everybody, with the covariates that were not recorded imputed."""

from sarcoma_sbrt.io import job_log, read_parquet, read_tables, write_json
from sarcoma_sbrt.reporting.imputation_statistics import (
    imputation_statistics,
    imputation_summary,
    missing_for,
)
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    analysis = plan.analysis
    tables = read_tables(snakemake.input.endpoints)
    frames = {unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")}
    statistics = []
    for name in analysis.endpoints:
        endpoint, table = plan.endpoints[name], tables[name]
        frame, names = frames[endpoint.unit], model_names(name, analysis)
        design = design_for(table, frame, analysis.covariates, names)
        missing = missing_for(table, frame, analysis, names)
        columns = endpoint_columns(endpoint, plan.cohort)
        statistics += imputation_statistics(endpoint, table, design, missing, analysis, columns)
    statistics += imputation_summary(statistics, analysis)
    write_json(snakemake.output.statistics, to_json("imputation", statistics))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
