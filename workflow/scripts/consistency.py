"""Judge every printed figure that allows it."""

from sarcoma_sbrt.evidence.consistency.report import consistency_report
from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.io import job_log, read_json, read_rows, write_json
from sarcoma_sbrt.reporting.consistency_statistics import consistency_statistics, finding_keys
from sarcoma_sbrt.reporting.statistics import to_json

with job_log(snakemake.log[0]):
    tables = {path: read_rows(path) for path in snakemake.input.tables}
    printed = published(tables, read_json(snakemake.input.package))
    findings = consistency_report(printed, snakemake.params.alpha_beta)
    keys = finding_keys(findings)
    said = [{"id": key} | finding.to_json() for key, finding in zip(keys, findings, strict=True)]
    write_json(snakemake.output.findings, {"findings": said})
    statistics = consistency_statistics(findings, printed.figures)
    write_json(snakemake.output.statistics, to_json("consistency", statistics))
    print(f"{len(findings)} findings on {len(printed.figures)} printed figures")
