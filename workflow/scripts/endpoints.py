"""Derive every endpoint and the covariates."""

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all, summary
from sarcoma_sbrt.io import job_log, read_tables, write_json, write_parquet
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables = read_tables(snakemake.input.tables)
    derived = derive_all(tables, plan.endpoints, plan.cohort)
    for path, endpoint in zip(snakemake.output.endpoints, derived.values(), strict=True):
        write_parquet(path, endpoint.table)
    for name, endpoint in derived.items():
        events = int((endpoint.table["event"] == 1).sum())
        print(f"{name}: {len(endpoint.table)} rows, {events} events")
    write_json(snakemake.output.summary, summary(derived, plan.analysis))
    patients, lesions = covariate_frame(
        tables, alpha_beta_gy=plan.alpha_beta_gy, concurrent_days=plan.concurrent_days
    )
    write_parquet(snakemake.output.patients, patients)
    write_parquet(snakemake.output.lesions, lesions)
