"""Map a centre's tables to the canonical ones."""

from sarcoma_sbrt.extraction.eligibility import extract
from sarcoma_sbrt.extraction.sources import read_tables
from sarcoma_sbrt.io import job_log, write_json, write_parquet
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    cohort = plan_settings(snakemake.params.plan).cohort
    extraction = extract(cohort, *read_tables(cohort, snakemake.params.folder))
    for path, table in zip(snakemake.output.tables, extraction.tables.values(), strict=True):
        write_parquet(path, table)
    write_json(snakemake.output.flow, extraction.flow)
    for name, table in extraction.flow["tables"].items():
        print(f"{name}: {table['rows_read']} rows read, {table['rows_kept']} kept")
    print(f"patients analysed: {extraction.flow['patients']['analysed']}")
