"""Expand endpoint-level tables into raw-looking ones."""

import pandas as pd

from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text, expand
from sarcoma_sbrt.io import write_text

tables = expand(
    pd.read_csv(snakemake.input.patients),
    pd.read_csv(snakemake.input.lesions),
    seed=snakemake.params.seed,
)
for name, table in tables.items():
    write_text(snakemake.output[name], csv_text(table))
