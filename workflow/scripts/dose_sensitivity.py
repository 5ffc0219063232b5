"""Hold local control against BED and EQD2 at several alpha/beta, and at every cut point."""

from sarcoma_sbrt.io import job_log, read_tables, write_json
from sarcoma_sbrt.reporting.stages import dose_sensitivity
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    cohort = Cohort(
        plan_settings(snakemake.params.plan),
        endpoints=read_tables(snakemake.input.endpoints),
        canonical=read_tables(snakemake.input.tables),
    )
    statistics = dose_sensitivity.statistics(cohort)
    write_json(snakemake.output.statistics, to_json("dose_sensitivity", statistics))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
