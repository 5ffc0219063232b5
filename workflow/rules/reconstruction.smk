# Endpoint-level tables found by search: expanded to the raw-looking tables of the default cohort,
# and held against the printed statistics that they were found from.
# `expand_reconstruction` is not part of `all`: its tables are committed in
# data/cohorts/reconstructed-2022/, and a test compares them with what the rule makes.
# Requires: data/reconstruction/<cohort>/, config/reconstruction/<study>.yaml.
# Makes: <results>/reconstruction/{tables/,targets.csv}, <results>/statistics/reproduction.json.

RECONSTRUCTIONS = REPOSITORY / "data" / "reconstruction"
RECONSTRUCTION = RECONSTRUCTIONS / "reconstructed-2022"
# What that cohort's tables are filled to, beside its endpoints.
EXPANSION = checked_files(
    {"marginals": "config/reconstruction/feng2022-marginals.yaml"}
)["marginals"]

# A cohort that a search here found has its folder; of any other there is nothing to reproduce.
FOUND = RECONSTRUCTIONS / COHORT
IS_FOUND = COHORT_SETTINGS.kind == "reconstructed" and FOUND.is_dir()
SEARCH_RECORD = FOUND / "search.json"
FOUND_FILES = sorted(
    str(path) for path in FOUND.rglob("*.csv") if IS_FOUND and path.is_file()
)
STUDY = COHORT_SETTINGS.derived_from
RECONSTRUCTION_PLAN = (
    checked_files({"reconstruction": f"config/reconstruction/{STUDY}.yaml"})[
        "reconstruction"
    ]
    if IS_FOUND
    else {}
)


rule expand_reconstruction:
    """Expand endpoint-level tables into raw-looking ones with the study's printed counts."""
    input:
        patients=str(RECONSTRUCTION / "patients.csv"),
        lesions=str(RECONSTRUCTION / "lesions.csv"),
        package=PACKAGE,
        published=PUBLISHED_TABLES,
        code=code("expand_reconstruction"),
        lock=str(LOCK),
    output:
        patients=f"{RESULTS}/reconstruction/tables/patients.csv",
        lesions=f"{RESULTS}/reconstruction/tables/lesions.csv",
        courses=f"{RESULTS}/reconstruction/tables/courses.csv",
        assessments=f"{RESULTS}/reconstruction/tables/assessments.csv",
        progressions=f"{RESULTS}/reconstruction/tables/progressions.csv",
        treatments=f"{RESULTS}/reconstruction/tables/treatments.csv",
        toxicities=f"{RESULTS}/reconstruction/tables/toxicities.csv",
    log:
        f"{LOGS}/expand_reconstruction.log",
    benchmark:
        f"{BENCHMARKS}/expand_reconstruction.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        seed=int(config["seed"]),
        marginals=EXPANSION,
    script:
        "../scripts/expand_reconstruction.py"


rule reproduction:
    """Recompute every printed statistic from the reconstructed cohort; say what is missed and why."""
    input:
        endpoints=rules.endpoints.output.endpoints,
        patient_covariates=rules.endpoints.output.patients,
        lesion_covariates=rules.endpoints.output.lesions,
        targets=f"{PUBLISHED}/targets/{STUDY}.csv",
        findings=rules.consistency.output.findings,
        package=PACKAGE,
        published=PUBLISHED_TABLES,
        patients=str(FOUND / "patients.csv"),
        lesions=str(FOUND / "lesions.csv"),
        files=FOUND_FILES,
        record=str(SEARCH_RECORD),
        code=code("reproduction"),
        lock=str(LOCK),
    output:
        targets=f"{RESULTS}/reconstruction/targets.csv",
        statistics=f"{RESULTS}/statistics/reproduction.json",
    log:
        f"{LOGS}/reproduction.log",
    benchmark:
        f"{BENCHMARKS}/reproduction.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        reconstruction=RECONSTRUCTION_PLAN,
        folder=lambda wildcards: str(FOUND),
    script:
        "../scripts/reproduction.py"
