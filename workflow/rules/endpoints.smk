# Canonical tables to endpoints and covariates.
# Requires: <results>/private/canonical/. Makes: <results>/private/{endpoints,covariates}/.


rule endpoints:
    """Derive time, event and deciding row of every endpoint, and the covariates."""
    input:
        tables=CANONICAL,
        code=code("endpoints"),
        lock=str(LOCK),
    output:
        endpoints=[f"{PRIVATE}/endpoints/{name}.parquet" for name in ENDPOINTS],
        patients=f"{PRIVATE}/covariates/patients.parquet",
        lesions=f"{PRIVATE}/covariates/lesions.parquet",
        summary=f"{IN_FULL}/endpoints.json",
    log:
        f"{LOGS}/endpoints.log",
    benchmark:
        f"{BENCHMARKS}/endpoints.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/endpoints.py"
