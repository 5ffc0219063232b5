"""Describe patients, lesions, treatment and toxicity."""

from sarcoma_sbrt.io import job_log, read_json, read_parquet, read_tables, write_json
from sarcoma_sbrt.reporting.clinical_statistics import clinical_statistics
from sarcoma_sbrt.reporting.cohort_statistics import cohort_statistics, flow_statistics
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.toxicity_statistics import toxicity_statistics
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables = read_tables(snakemake.input.tables)
    statistics = cohort_statistics(
        tables,
        (read_parquet(snakemake.input.patients), read_parquet(snakemake.input.lesions)),
        plan.analysis,
        plan.cohort,
        alpha_beta_gy=plan.alpha_beta_gy,
        acute_toxicity_months=plan.acute_toxicity_months,
    )
    statistics += clinical_statistics(
        tables, plan.endpoints, plan.cohort, alpha_beta_gy=plan.alpha_beta_gy
    )
    statistics += toxicity_statistics(
        tables, plan.analysis, plan.cohort, acute_toxicity_months=plan.acute_toxicity_months
    )
    statistics += flow_statistics(read_json(snakemake.input.flow))
    write_json(snakemake.output.statistics, to_json("characteristics", statistics))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
