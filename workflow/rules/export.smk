# The printed numbers for another's checker: a manifest that claims-cli reads.
# Requires: <results>/{document,numbers}.json.
# Makes: <results>/audit/claims/.


rule export:
    """Export the printed numbers as a manifest that claims-cli checks."""
    input:
        numbers=rules.numbers.output.numbers,
        document=rules.digit_coverage.output.document,
        code=code("export"),
        lock=str(LOCK),
    output:
        manifest=f"{RESULTS}/audit/claims/repro.yaml",
        numbers=f"{RESULTS}/audit/claims/numbers.json",
        text=f"{RESULTS}/audit/claims/manuscript.md",
    log:
        f"{LOGS}/export.log",
    benchmark:
        f"{BENCHMARKS}/export.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        title=COHORT_SETTINGS.title,
    script:
        "../scripts/export.py"
