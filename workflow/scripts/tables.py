"""Lay out the manuscript's tables."""

from sarcoma_sbrt.io import job_log, read_json, write_json
from sarcoma_sbrt.reporting.evidence_tables import evidence_tables
from sarcoma_sbrt.reporting.tables import tables
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    numbers = read_json(snakemake.input.numbers)
    made = tables(numbers, plan.analysis, plan.cohort, plan.endpoints)
    made |= evidence_tables(numbers, plan.analysis, plan.cohort)
    write_json(snakemake.output.tables, made)
    print(f"made: {', '.join(made)}")
