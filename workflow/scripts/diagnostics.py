"""Look at the assumptions of the Cox models, and fit those that do without one that fails."""

import pandas as pd

from sarcoma_sbrt.io import job_log, read_parquet, read_tables, write_json, write_parquet
from sarcoma_sbrt.reporting.diagnostic_statistics import (
    diagnostic_statistics,
    diagnostic_summary,
    schoenfeld_residuals,
    spline_curves,
)
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    analysis, observed = plan.analysis, plan.cohort.kind == "observed"
    tables = read_tables(snakemake.input.endpoints)
    frames = {unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")}
    statistics, residuals, splines = [], [], []
    for name in analysis.endpoints:
        endpoint, table = plan.endpoints[name], tables[name]
        names = model_names(name, analysis)
        design = design_for(table, frames[endpoint.unit], analysis.covariates, names)
        columns = endpoint_columns(endpoint, plan.cohort)
        statistics += diagnostic_statistics(
            endpoint, table, design, analysis, columns, observed=observed
        )
        residuals.append(schoenfeld_residuals(endpoint, table, design, analysis))
        if observed:
            splines.append(spline_curves(endpoint, table, design, analysis))
    statistics += diagnostic_summary(statistics, analysis)
    write_json(snakemake.output.statistics, to_json("diagnostics", statistics))
    write_parquet(snakemake.output.residuals, pd.concat(residuals, ignore_index=True))
    splines = pd.concat(splines, ignore_index=True) if splines else pd.DataFrame()
    write_parquet(snakemake.output.splines, splines)
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
