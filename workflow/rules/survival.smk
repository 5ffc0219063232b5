# Endpoints to statistics at full precision.
# Requires: <results>/private/{canonical,endpoints,covariates}/.
# Makes: <results>/statistics/*.json, <results>/private/{curves,incidence,residuals,splines}.parquet.


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
        statistics=f"{IN_FULL}/statistics/characteristics.json",
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
        statistics=f"{IN_FULL}/statistics/kaplan_meier.json",
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
        statistics=f"{IN_FULL}/statistics/cox.json",
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


rule diagnostics:
    """Test what the Cox models assume, and fit models that do without it where it fails."""
    input:
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("diagnostics"),
        lock=str(LOCK),
    output:
        statistics=f"{IN_FULL}/statistics/diagnostics.json",
        residuals=f"{PRIVATE}/residuals.parquet",
        splines=f"{PRIVATE}/splines.parquet",
    log:
        f"{LOGS}/diagnostics.log",
    benchmark:
        f"{BENCHMARKS}/diagnostics.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/diagnostics.py"


rule imputation:
    """Fit the Cox models of everybody, with covariates that were not recorded imputed."""
    input:
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("imputation"),
        lock=str(LOCK),
    output:
        statistics=f"{IN_FULL}/statistics/imputation.json",
    log:
        f"{LOGS}/imputation.log",
    benchmark:
        f"{BENCHMARKS}/imputation.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/imputation.py"


rule competing:
    """Estimate cumulative incidences where a death competes, and what its gap changes."""
    input:
        tables=CANONICAL,
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("competing"),
        lock=str(LOCK),
    output:
        statistics=f"{IN_FULL}/statistics/competing.json",
        curves=f"{PRIVATE}/incidence.parquet",
    log:
        f"{LOGS}/competing.log",
    benchmark:
        f"{BENCHMARKS}/competing.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/competing.py"


rule dose_sensitivity:
    """Hold local control against BED and EQD2 at several alpha/beta, and at every cut point."""
    input:
        tables=CANONICAL,
        endpoints=rules.endpoints.output.endpoints,
        code=code("dose_sensitivity"),
        lock=str(LOCK),
    output:
        statistics=f"{IN_FULL}/statistics/dose_sensitivity.json",
    log:
        f"{LOGS}/dose_sensitivity.log",
    benchmark:
        f"{BENCHMARKS}/dose_sensitivity.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/dose_sensitivity.py"


# Jobs that share the folds of one endpoint; how many there are changes no number.
FOREST_BATCHES = range(ANALYSIS.forest_plan.cross_validation["batches"])


rule forest_folds:
    """Cross-validate forests for {wildcards.endpoint}: share {wildcards.batch} of the folds."""
    input:
        endpoint=f"{PRIVATE}/endpoints/{{endpoint}}.parquet",
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("forest_folds"),
        lock=str(LOCK),
    output:
        # Predictions of single patients.
        predictions=f"{PRIVATE}/forest/{{endpoint}}_{{batch}}.json",
    log:
        f"{LOGS}/forest_folds_{{endpoint}}_{{batch}}.log",
    benchmark:
        f"{BENCHMARKS}/forest_folds_{{endpoint}}_{{batch}}.tsv"
    wildcard_constraints:
        endpoint="[a-z]+",
        batch=r"\d+",
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/forest_folds.py"


rule forest:
    """Grow a random survival forest for {wildcards.endpoint}; score it on patients left out."""
    input:
        endpoint=f"{PRIVATE}/endpoints/{{endpoint}}.parquet",
        folds=expand(
            rules.forest_folds.output.predictions,
            batch=FOREST_BATCHES,
            allow_missing=True,
        ),
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        code=code("forest"),
        lock=str(LOCK),
    output:
        statistics=f"{IN_FULL}/statistics/forest_{{endpoint}}.json",
        # Predictions of single patients.
        predictions=f"{PRIVATE}/forest/{{endpoint}}.json",
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
