# Raw records to canonical tables.
# Requires: data/cohorts/<cohort>/ as config/cohorts/<cohort>.yaml maps it.
# Makes: <results>/private/canonical/*.parquet, <results>/flow.json.


rule extract:
    """Map a centre's tables to the canonical ones; keep or exclude every row with a reason."""
    input:
        raw=PRESENT_RAW_FILES,
        code=code("extract"),
        lock=str(LOCK),
    output:
        tables=CANONICAL,
        flow=f"{IN_FULL}/flow.json",
    log:
        f"{LOGS}/extract.log",
    benchmark:
        f"{BENCHMARKS}/extract.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        folder=lambda wildcards: COHORT_DATA,
    script:
        "../scripts/extract.py"
