"""Estimate cumulative incidences where a death competes, and how the gap changes them."""

import pandas as pd

from sarcoma_sbrt.io import job_log, read_parquet, read_tables, write_json, write_parquet
from sarcoma_sbrt.reporting.competing_statistics import (
    NO_CURVES,
    at_gap,
    competing_endpoints,
    competing_statistics,
    covariate_names,
    gaps,
    incidence_curves,
)
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables = read_tables(snakemake.input.endpoints)
    canonical = read_tables(snakemake.input.tables)
    frames = {unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")}
    statistics, drawn = [], []
    for name in competing_endpoints(plan.endpoints, plan.analysis):
        endpoint, table = plan.endpoints[name], tables[name]
        names = covariate_names(name, plan.analysis)
        design = design_for(table, frames[endpoint.unit], plan.analysis.covariates, names)
        columns = endpoint_columns(endpoint, plan.cohort)
        variants = {
            gap: at_gap(canonical, plan.endpoints, plan.cohort, gap)[name]
            for gap in gaps(endpoint, plan.analysis)
        }
        statistics += competing_statistics(
            endpoint, table, design, variants, plan.analysis, columns
        )
        drawn.append(incidence_curves(endpoint, table, design, plan.analysis))
    write_json(snakemake.output.statistics, to_json("competing", statistics))
    write_parquet(
        snakemake.output.curves, pd.concat(drawn, ignore_index=True) if drawn else NO_CURVES
    )
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
