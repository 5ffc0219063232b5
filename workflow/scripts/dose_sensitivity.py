"""Hold local control against BED and EQD2 at several alpha/beta, and at every cut point."""

from sarcoma_sbrt.io import job_log, read_tables, write_json
from sarcoma_sbrt.reporting.dose_statistics import STAGE, dose_statistics
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables, endpoints = (read_tables(snakemake.input[name]) for name in ("tables", "endpoints"))
    statistics = dose_statistics(tables, endpoints, plan)
    write_json(snakemake.output.statistics, to_json(STAGE, statistics))
    estimated = sum(s.status == "estimated" for s in statistics)
    print(f"{len(statistics)} statistics, {estimated} estimated")
