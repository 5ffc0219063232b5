# What the reconstructions found leave open: the workflow's statistics of each, and their ranges;
# then the record of it all, which completes <results>/reconstruction/found/.
# Not part of `all` (about a core-minute a solution); `--config solutions=committed` takes the
# committed solutions, so that the ranges can be made again without a search.
# Requires: the solutions of a search, or data/reconstruction/<cohort>/.
# Makes: <results>/reconstruction/found/{ranges.csv,search.json}.

# Jobs that share the solutions; how many there are changes no number.
SOLUTION_BATCHES = range(8)
IS_COMMITTED = config["solutions"] == "committed"
FOUND_ANEW = Path(RESULTS) / "reconstruction" / "found"
SOLUTIONS = FOUND if IS_COMMITTED else FOUND_ANEW
SOLUTION_FILES = [
    str(SOLUTIONS / name)
    for name in (
        "patients.csv",
        "lesions.csv",
        "solutions/patients.csv",
        "solutions/lesions.csv",
    )
]


rule solution_statistics:
    """Compute the workflow's statistics of reconstructions, share {wildcards.batch}."""
    input:
        patients=str(SOLUTIONS / "solutions" / "patients.csv"),
        lesions=str(SOLUTIONS / "solutions" / "lesions.csv"),
        best_patients=str(SOLUTIONS / "patients.csv"),
        best_lesions=str(SOLUTIONS / "lesions.csv"),
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
        ranges=str(FOUND_ANEW / "ranges.csv"),
    log:
        f"{LOGS}/ranges.log",
    benchmark:
        f"{BENCHMARKS}/ranges.tsv"
    conda:
        "../../envs/workflow.yaml"
    script:
        "../scripts/ranges.py"


if IS_COMMITTED:

    rule search_record:
        """Record new ranges beside the search that was committed."""
        input:
            record=str(SEARCH_RECORD),
            files=SOLUTION_FILES,
            ranges=rules.ranges.output.ranges,
            code=code("renewed_record"),
            lock=str(LOCK),
        output:
            record=str(FOUND_ANEW / "search.json"),
        log:
            f"{LOGS}/search_record.log",
        benchmark:
            f"{BENCHMARKS}/search_record.tsv"
        conda:
            "../../envs/workflow.yaml"
        params:
            folder=str(FOUND),
        script:
            "../scripts/renewed_record.py"

else:

    rule search_record:
        """Record the search: seeds with their curves, best score, alternatives, hashes."""
        input:
            runs=rules.reconstruct_solutions.input.runs,
            alternatives=rules.reconstruct_alternatives.input.runs,
            targets=f"{PUBLISHED}/targets/{STUDY}.csv",
            chosen=rules.reconstruct_solutions.output.chosen,
            files=[*SOLUTION_FILES, rules.ranges.output.ranges],
            code=code("search_record"),
            lock=str(LOCK),
        output:
            record=str(FOUND_ANEW / "search.json"),
        log:
            f"{LOGS}/search_record.log",
        benchmark:
            f"{BENCHMARKS}/search_record.tsv"
        conda:
            "../../envs/workflow.yaml"
        params:
            reconstruction=RECONSTRUCTION_PLAN,
            folder=lambda wildcards, output: str(Path(output.record).parent),
        script:
            "../scripts/search_record.py"


rule reconstruct:
    """Everything that data/reconstruction/<cohort>/ holds, made anew."""
    input:
        rules.search_record.output.record,
        rules.ranges.output.ranges,
        SOLUTION_FILES,
