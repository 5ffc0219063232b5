"""Compute the workflow's statistics of one share of the reconstructions found."""

import pandas as pd

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text, expand
from sarcoma_sbrt.evidence.reconstruction.marginals import read_marginals
from sarcoma_sbrt.evidence.reconstruction.solutions import unstacked
from sarcoma_sbrt.io import job_log, read_json, read_rows, write_json
from sarcoma_sbrt.reporting.solution_statistics import solution_statistics, values
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan, seed = plan_settings(snakemake.params.plan), snakemake.params.seed
    tables = {path: read_rows(path) for path in snakemake.input.published}
    figures = published(tables, read_json(snakemake.input.package)).figures
    marginals = read_marginals(snakemake.params.marginals, figures)
    best = tuple(pd.read_csv(snakemake.input[f"best_{name}"]) for name in ("patients", "lesions"))
    solutions = unstacked(*(pd.read_csv(snakemake.input[name]) for name in ("patients", "lesions")))
    # Else the manuscript's numbers, which are the best cohort's, need not lie in their ranges.
    if not all(one.equals(other) for one, other in zip(solutions[1], best, strict=True)):
        what = "solution 1 is not the cohort that the manuscript is about"
        raise InputError([Problem(snakemake.input.patients, 2, "solution", what)])
    found = {}
    batch, batches = int(snakemake.wildcards.batch), snakemake.params.batches
    for number in list(solutions)[batch::batches]:
        # Each has a draw of its own of what nothing constrains, the first that of the run.
        drawn = expand(*solutions[number], seed=seed + number - 1, marginals=marginals)
        raw = {f"{name}.csv": csv_text(table) for name, table in drawn.items()}
        found[number] = values(solution_statistics(raw, plan))
        print(f"solution {number}: {len(found[number])} numbers")
    write_json(snakemake.output.values, found)
