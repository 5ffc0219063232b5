"""Lay out the manuscript's tables."""

from sarcoma_sbrt.io import job_log, read_json, write_json
from sarcoma_sbrt.reporting.clinical_tables import clinical_tables
from sarcoma_sbrt.reporting.competing_tables import competing_tables
from sarcoma_sbrt.reporting.diagnostic_tables import diagnostic_tables
from sarcoma_sbrt.reporting.dose_tables import dose_tables
from sarcoma_sbrt.reporting.evidence_tables import evidence_tables
from sarcoma_sbrt.reporting.forest_tables import forest_tables
from sarcoma_sbrt.reporting.imputation_tables import imputation_tables
from sarcoma_sbrt.reporting.marginal_tables import marginal_tables
from sarcoma_sbrt.reporting.reproduction_tables import reproduction_tables
from sarcoma_sbrt.reporting.tables import tables
from sarcoma_sbrt.reporting.toxicity_tables import toxicity_tables
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    numbers = read_json(snakemake.input.numbers)
    made = tables(numbers, plan.analysis, plan.cohort, plan.endpoints)
    made |= diagnostic_tables(numbers, plan.analysis, plan.cohort, plan.endpoints)
    made |= imputation_tables(numbers, plan.analysis, plan.cohort, plan.endpoints)
    made |= forest_tables(numbers, plan.analysis, plan.cohort)
    made |= competing_tables(numbers, plan.analysis, plan.cohort, plan.endpoints)
    made |= dose_tables(numbers, plan.analysis, plan.cohort)
    made |= evidence_tables(numbers, plan.analysis, plan.cohort)
    made |= reproduction_tables(numbers, plan.cohort)
    made |= marginal_tables(numbers, plan.cohort)
    made |= clinical_tables(numbers, plan.cohort)
    made |= toxicity_tables(numbers, plan.cohort)
    write_json(snakemake.output.tables, made)
    print(f"made: {', '.join(made)}")
