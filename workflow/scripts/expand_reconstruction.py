"""Expand endpoint-level tables into raw-looking ones."""

import pandas as pd

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text, expand
from sarcoma_sbrt.evidence.reconstruction.marginals import read_marginals
from sarcoma_sbrt.io import job_log, read_json, read_rows, write_text

with job_log(snakemake.log[0]):
    printed = {path: read_rows(path) for path in snakemake.input.published}
    figures = published(printed, read_json(snakemake.input.package)).figures
    tables = expand(
        pd.read_csv(snakemake.input.patients),
        pd.read_csv(snakemake.input.lesions),
        seed=snakemake.params.seed,
        marginals=read_marginals(snakemake.params.marginals, figures),
    )
    for name, table in tables.items():
        write_text(snakemake.output[name], csv_text(table))
    print(f"made: {', '.join(tables)}")
