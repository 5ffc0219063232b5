# What the reconstructions found leave open: the workflow's statistics of each, and their ranges.
# Not part of `all`: run with `snakemake --cores 4 ranges` (about two core-minutes a solution) and
# commit the result as data/reconstruction/<cohort>/ranges.csv, which the default run reads.
# Requires: data/reconstruction/<cohort>/{patients.csv,lesions.csv,solutions/}.
# Makes: <results>/reconstruction/ranges.csv.

# Jobs that share the solutions; how many there are changes no number.
SOLUTION_BATCHES = range(8)


rule solution_statistics:
    """Compute the workflow's statistics of reconstructions, share {wildcards.batch}."""
    input:
        patients=str(RECONSTRUCTION / "solutions" / "patients.csv"),
        lesions=str(RECONSTRUCTION / "solutions" / "lesions.csv"),
        best_patients=str(RECONSTRUCTION / "patients.csv"),
        best_lesions=str(RECONSTRUCTION / "lesions.csv"),
        package=PACKAGE,
        published=PUBLISHED_TABLES,
        code=code("solution_statistics"),
        lock=str(LOCK),
    output:
        values=f"{RESULTS}/reconstruction/solutions/{{batch}}.json",
    log:
        f"{LOGS}/solution_statistics_{{batch}}.log",
    benchmark:
        f"{BENCHMARKS}/solution_statistics_{{batch}}.tsv"
    wildcard_constraints:
        batch=r"\d+",
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        marginals=EXPANSION,
        batches=len(SOLUTION_BATCHES),
        seed=int(config["seed"]),
    script:
        "../scripts/solution_statistics.py"


rule ranges:
    """Find the least and greatest value of every number over the reconstructions found."""
    input:
        values=expand(
            rules.solution_statistics.output.values,
            batch=SOLUTION_BATCHES,
        ),
        code=code("ranges"),
        lock=str(LOCK),
    output:
        ranges=f"{RESULTS}/reconstruction/ranges.csv",
    log:
        f"{LOGS}/ranges.log",
    benchmark:
        f"{BENCHMARKS}/ranges.tsv"
    conda:
        "../../envs/workflow.yaml"
    script:
        "../scripts/ranges.py"
