"""Compare the reconstructions of the study made by us with its truth."""

from pathlib import Path

import pandas as pd

from sarcoma_sbrt.evidence.reconstruction.demonstration import (
    by_chance,
    compared,
    rows_found,
    summary,
)
from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text
from sarcoma_sbrt.evidence.reconstruction.problem import read_plan
from sarcoma_sbrt.io import job_log, read_json, write_text
from sarcoma_sbrt.reporting.demonstration_figures import curves
from sarcoma_sbrt.reporting.drawing import save_options

with job_log(snakemake.log[0]):
    study, plan = snakemake.params.study, read_plan(read_json(snakemake.input.plan))
    truth = (pd.read_csv(snakemake.input.patients), pd.read_csv(snakemake.input.lesions))
    files = zip(
        snakemake.input.scores,
        snakemake.input.found_patients,
        snakemake.input.found_lesions,
        strict=True,
    )
    chance, agreeing = by_chance(study, plan, truth)
    comparison, rows = [], [agreeing.assign(seed="by chance")]
    for path, patients, lesions in files:
        score, found = read_json(path), (pd.read_csv(patients), pd.read_csv(lesions))
        print("seed {seed}: {near} near, {exact} exact, of {of}".format(**score))
        comparison.append(compared(study, plan, truth, found).assign(seed=score["seed"]))
        rows.append(rows_found(truth, found).assign(**score))
    comparison = pd.concat(comparison, ignore_index=True)
    # Full precision would differ in its last digits between machines.
    rounded = comparison.round({"truth": 6, "found": 6})
    write_text(snakemake.output.comparison, csv_text(rounded))
    write_text(snakemake.output.summary, csv_text(summary(comparison, chance).round(3)))
    write_text(snakemake.output.rows, csv_text(pd.concat(rows, ignore_index=True).round(4)))
    figure = curves(study, plan, comparison)
    for file_format in ("svg", "png"):
        target = Path(snakemake.output[file_format])
        figure.savefig(target, **save_options(file_format))
