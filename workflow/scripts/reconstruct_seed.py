"""Search for a cohort that gives back the printed statistics, from one seed."""

import sys
from pathlib import Path

import pandas as pd

from sarcoma_sbrt.evidence.reconstruction.alternatives import restated
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.schedule import (
    begin,
    reconstruct,
    restored,
    stages,
    stored,
)
from sarcoma_sbrt.evidence.reconstruction.solutions import canonical
from sarcoma_sbrt.io import fingerprint, job_log, read_arrays, write_arrays, write_json

with job_log(snakemake.log[0]):
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    rows = pd.read_csv(snakemake.input.targets, dtype=str, keep_default_na=False)
    plan, rows = restated(read_plan(params.reconstruction), rows, params.alternative)
    study = problem(plan, rows)
    counted = sum(number is not None and number.counted for x in study.numbers for number in x)
    # Another seed, course, plan, target or line of code is another search.
    asked = params.course, params.reconstruction, params.alternative
    files = [snakemake.input.targets, *snakemake.input.code]
    name = fingerprint([seed, *map(dict, asked)], files)
    checkpoint = Path(params.checkpoints) / f"{name}.npz"
    course = stages(**params.course)
    steps = sum(stage.steps for stage in course)
    run = restored(read_arrays(checkpoint)) if checkpoint.is_file() else begin(study, seed)

    def told(run):
        """Keep the run, and say where it is: every pulse in the log, some on the screen."""
        write_arrays(checkpoint, stored(run))
        moves, near, exact = run.curve[-1]
        share = f"{100 * moves // steps} % of {steps:,} moves"
        text = f"seed {seed}: {share}, of {counted} numbers {near} within 2 %, {exact} exact"
        print(text, flush=True)
        if len(run.curve) % 10 == 0 or run.stage == len(course):
            print(text, file=sys.__stderr__, flush=True)

    run = reconstruct(study, run, course, progress=told)
    patients, lesions = canonical(*study.tables(run.best.patients, run.best.lesions))
    best = run.best_score
    content = {
        "seed": seed,
        "steps": steps,
        "near": best.near,
        "exact": best.exact,
        "by_endpoint": best.by_endpoint,
        "curve": run.curve,
        "patients": patients.to_dict("list"),
        "lesions": lesions.to_dict("list"),
    }
    write_json(snakemake.output.run, content)
    checkpoint.unlink()
