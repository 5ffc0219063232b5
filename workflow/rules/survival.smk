# Endpoints to statistics at full precision.
# Requires: <results>/private/{canonical,endpoints,covariates}/.
# Makes: <results>/statistics/*.json, <results>/private/curves.parquet.


rule characteristics:
    """Describe patients, lesions, treatment and toxicity."""
    input:
        tables=CANONICAL,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        flow=rules.extract.output.flow,
        code=code("characteristics"),
        lock=str(LOCK),
    output:
        statistics=f"{RESULTS}/statistics/characteristics.json",
    log:
        f"{LOGS}/characteristics.log",
    benchmark:
        f"{BENCHMARKS}/characteristics.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/characteristics.py"


rule kaplan_meier:
    """Estimate survival curves, medians, rates and follow-up; compare groups by log-rank."""
    input:
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("kaplan_meier"),
        lock=str(LOCK),
    output:
        statistics=f"{RESULTS}/statistics/kaplan_meier.json",
        curves=f"{PRIVATE}/curves.parquet",
    log:
        f"{LOGS}/kaplan_meier.log",
    benchmark:
        f"{BENCHMARKS}/kaplan_meier.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/kaplan_meier.py"


rule cox:
    """Fit univariable and multivariable Cox models."""
    input:
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("cox"),
        lock=str(LOCK),
    output:
        statistics=f"{RESULTS}/statistics/cox.json",
    log:
        f"{LOGS}/cox.log",
    benchmark:
        f"{BENCHMARKS}/cox.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/cox.py"


rule forest:
    """Grow a random survival forest for {wildcards.endpoint} and permute its covariates."""
    input:
        endpoint=f"{PRIVATE}/endpoints/{{endpoint}}.parquet",
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("forest"),
        lock=str(LOCK),
    output:
        statistics=f"{RESULTS}/statistics/forest_{{endpoint}}.json",
    log:
        f"{LOGS}/forest_{{endpoint}}.log",
    benchmark:
        f"{BENCHMARKS}/forest_{{endpoint}}.tsv"
    wildcard_constraints:
        endpoint="[a-z]+",
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/forest.py"
