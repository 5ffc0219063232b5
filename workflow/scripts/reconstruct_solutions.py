"""Choose the best cohort, and of the others those that are about as good and differ."""

from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text
from sarcoma_sbrt.evidence.reconstruction.solutions import (
    Solution,
    choose,
    differences,
    from_record,
    stacked,
)
from sarcoma_sbrt.io import job_log, read_json, write_json, write_text

with job_log(snakemake.log[0]):
    runs, kept = [read_json(path) for path in snakemake.input.runs], snakemake.params.kept
    found = [
        Solution(
            run["seed"],
            run["near"],
            run["exact"],
            from_record(run["patients"]),
            from_record(run["lesions"]),
        )
        for run in runs
    ]
    chosen = choose(found, **kept)
    best = chosen[0]
    write_text(snakemake.output.patients, csv_text(best.patients))
    write_text(snakemake.output.lesions, csv_text(best.lesions))
    patients, lesions = stacked(chosen)
    write_text(snakemake.output.all_patients, csv_text(patients))
    write_text(snakemake.output.all_lesions, csv_text(lesions))
    between = differences(chosen)
    content = {
        "seeds": [solution.seed for solution in chosen],
        "n": len(chosen),
        "distance_near": kept["near"],
        "distance_exact": kept["exact"],
        "least_difference": round(min(between, default=1.0), 6),
    }
    write_json(snakemake.output.chosen, content)
    print(f"{len(chosen)} of {len(found)} cohorts kept; the best is seed {best.seed}")
