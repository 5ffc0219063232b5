"""Estimate survival curves and compare groups."""

import pandas as pd

from sarcoma_sbrt.io import job_log, read_parquet, read_tables, write_json, write_parquet
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import (
    curves,
    design_for,
    endpoint_columns,
    ordered_codes,
    stratum_names,
    survival_statistics,
)
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables = read_tables(snakemake.input.endpoints)
    frames = {unit: read_parquet(snakemake.input[f"{unit}s"]) for unit in ("patient", "lesion")}
    statistics, drawn = [], []
    for name in plan.analysis.endpoints:
        endpoint, table = plan.endpoints[name], tables[name]
        names = stratum_names(name, plan.analysis)
        known = (table, frames[endpoint.unit], plan.analysis.covariates, names)
        design, ordered = design_for(*known), ordered_codes(*known)
        columns = endpoint_columns(endpoint, plan.cohort)
        statistics += survival_statistics(endpoint, table, design, plan.analysis, columns, ordered)
        drawn.append(curves(endpoint, table, design, plan.analysis))
    write_json(snakemake.output.statistics, to_json("kaplan_meier", statistics))
    write_parquet(snakemake.output.curves, pd.concat(drawn, ignore_index=True))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
