"""Set every printed statistic beside what the reconstructed cohort gives for it."""

import pandas as pd

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.conflicts import conflicts
from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.reproduction import endpoint_records, recompute, score
from sarcoma_sbrt.evidence.reconstruction.search_record import check_record, read_record
from sarcoma_sbrt.io import (
    fingerprint,
    hashed,
    job_log,
    read_json,
    read_parquet,
    read_rows,
    read_tables,
    sha256,
    write_json,
    write_text,
)
from sarcoma_sbrt.reporting.reproduction_statistics import (
    STAGE,
    Reproduction,
    reproduction_statistics,
    target_table,
    workflow_records,
)
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    rows = [cells for _, cells in read_rows(snakemake.input.targets)]
    stated = problem(read_plan(snakemake.params.reconstruction), pd.DataFrame(rows))
    committed = endpoint_records(
        stated.plan,
        pd.read_csv(snakemake.input.patients),
        pd.read_csv(snakemake.input.lesions),
    )
    record = read_record(read_json(snakemake.input.record), snakemake.input.record)
    hashes = hashed(snakemake.input.files, snakemake.params.folder)
    check_record(
        record,
        snakemake.input.record,
        plan_sha256=fingerprint([snakemake.params.reconstruction], []),
        targets_sha256=sha256(snakemake.input.targets),
        hashes={file["path"]: file["sha256"] for file in hashes},
        found=score(recompute(stated, rows, committed)),
    )
    frames = {
        unit: read_parquet(snakemake.input[f"{unit}_covariates"]) for unit in ("patient", "lesion")
    }
    records = workflow_records(stated.plan, read_tables(snakemake.input.endpoints), frames, plan)
    recomputed = recompute(stated, rows, records)
    findings = read_json(snakemake.input.findings)["findings"]
    found = Reproduction(stated, rows, records, recomputed, conflicts(recomputed, findings), record)
    tables = {path: read_rows(path) for path in snakemake.input.published}
    figures = published(tables, read_json(snakemake.input.package)).figures
    write_text(snakemake.output.targets, csv_text(target_table(found)))
    statistics = reproduction_statistics(found, figures, plan)
    write_json(snakemake.output.statistics, to_json(STAGE, statistics))
    for name, counts in score(recomputed).items():
        print(f"{name}: {counts.exact} exact, {counts.near} within 2 % of {counts.of}")
