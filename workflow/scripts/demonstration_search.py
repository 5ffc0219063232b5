"""Reconstruct the study made by us from what it printed."""

import pandas as pd

from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.schedule import begin, reconstruct, stages
from sarcoma_sbrt.evidence.reconstruction.solutions import canonical, score_of
from sarcoma_sbrt.io import job_log, read_json, write_json, write_text

with job_log(snakemake.log[0]):
    rows = pd.read_csv(snakemake.input.targets, dtype=str, keep_default_na=False)
    study = problem(read_plan(read_json(snakemake.input.plan)), rows)
    seed, course = int(snakemake.wildcards.seed), snakemake.params.course

    def told(run):
        """Print where the search is."""
        best = run.best_score
        print(f"stage {run.stage} pulse {run.pulse}: {best.near} near, {best.exact} exact")

    run = reconstruct(study, begin(study, seed), stages(**course), progress=told)
    patients, lesions = canonical(*study.tables(run.best.patients, run.best.lesions))
    score = score_of(study, patients, lesions)
    write_text(snakemake.output.patients, csv_text(patients))
    write_text(snakemake.output.lesions, csv_text(lesions))
    of = sum(counted for *_, counted in score.by_endpoint)
    write_json(
        snakemake.output.score,
        {"seed": seed, "near": score.near, "exact": score.exact, "of": of},
    )
