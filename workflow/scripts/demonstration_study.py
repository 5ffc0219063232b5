"""Simulate a cohort and print its statistics as an article would."""

import pandas as pd

from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text
from sarcoma_sbrt.evidence.reconstruction.simulation import (
    counted_plan,
    printed_statistics,
    simulate,
)
from sarcoma_sbrt.io import job_log, write_json, write_text

with job_log(snakemake.log[0]):
    study = snakemake.params.study
    patients, lesions = simulate(study, study["simulation"]["seed"])
    columns = pd.read_csv(snakemake.input.columns, nrows=0).columns
    targets = printed_statistics(study, patients, lesions, columns)
    write_text(snakemake.output.patients, csv_text(patients))
    write_text(snakemake.output.lesions, csv_text(lesions))
    write_text(snakemake.output.targets, csv_text(targets))
    write_json(snakemake.output.plan, counted_plan(study, patients, lesions))
    print(f"{len(patients)} patients, {len(lesions)} lesions, {len(targets)} printed statistics")
