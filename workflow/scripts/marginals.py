"""Set every printed count, median and range beside the tables; list those in conflict."""

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.agreement import agreement
from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text
from sarcoma_sbrt.evidence.reconstruction.marginal_conflicts import conflicts
from sarcoma_sbrt.io import job_log, read_json, read_rows, read_tables, write_json, write_text
from sarcoma_sbrt.reporting.marginal_statistics import (
    STAGE,
    conflict_keys,
    marginal_statistics,
    marginal_table,
)
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan, content = plan_settings(snakemake.params.plan), snakemake.params.marginals
    printed = {path: read_rows(path) for path in snakemake.input.published}
    figures = published(printed, read_json(snakemake.input.package)).figures
    marginals = agreement(
        content["study"],
        figures,
        content["recount"],
        read_tables(snakemake.input.tables),
        alpha_beta_gy=plan.alpha_beta_gy,
        concurrent_days=plan.concurrent_days,
    )
    found = conflicts(content, figures, read_json(snakemake.input.findings)["findings"])
    keys = conflict_keys(found)
    listed = [{"id": key} | one.to_json() for key, one in zip(keys, found, strict=True)]
    write_text(snakemake.output.marginals, csv_text(marginal_table(marginals, found)))
    write_json(snakemake.output.conflicts, {"conflicts": listed})
    statistics = marginal_statistics(marginals, found, figures)
    write_json(snakemake.output.statistics, to_json(STAGE, statistics))
    exact = sum(marginal.status == "exact" for marginal in marginals)
    print(f"{exact} of {len(marginals)} as printed")
