# Printed counts, medians and ranges beside the tables of a reconstructed cohort.
# Requires: <results>/private/canonical/, <results>/evidence/consistency.json,
# config/reconstruction/<study>-marginals.yaml.
# Makes: <results>/reconstruction/{marginals.csv,conflicts.json}, <results>/statistics/marginals.json.

MARGINALS = EXPANSION if IS_FOUND and STUDY == EXPANSION["study"] else {}


rule marginals:
    """Count every printed marginal again, and find the printed ones that exclude each other."""
    input:
        tables=CANONICAL,
        findings=rules.consistency.output.findings,
        package=PACKAGE,
        published=PUBLISHED_TABLES,
        code=code("marginals"),
        lock=str(LOCK),
    output:
        marginals=f"{RESULTS}/reconstruction/marginals.csv",
        conflicts=f"{RESULTS}/reconstruction/conflicts.json",
        statistics=f"{RESULTS}/statistics/marginals.json",
    log:
        f"{LOGS}/marginals.log",
    benchmark:
        f"{BENCHMARKS}/marginals.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        marginals=MARGINALS,
    script:
        "../scripts/marginals.py"
