# Endpoint-level tables found by search to the raw-looking tables of the default cohort.
# Not part of `all`: the tables are committed in data/cohorts/reconstructed-2022/, and a test
# compares them with what this rule makes.
# Requires: data/reconstruction/reconstructed-2022/. Makes: <results>/reconstruction/tables/.

RECONSTRUCTION = REPOSITORY / "data" / "reconstruction" / "reconstructed-2022"


rule expand_reconstruction:
    """Expand endpoint-level tables into raw-looking ones with the study's printed counts."""
    input:
        patients=str(RECONSTRUCTION / "patients.csv"),
        lesions=str(RECONSTRUCTION / "lesions.csv"),
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
    script:
        "../scripts/expand_reconstruction.py"
