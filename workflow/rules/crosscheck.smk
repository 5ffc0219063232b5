# Every computed number again, by a second engine that shares no code with the first.
# Requires: <results>/private/{canonical,endpoints,covariates,forest}/, <results>/statistics/,
# <results>/evidence/, <results>/flow.json, config/crosscheck.yaml.
# Makes: <results>/audit/crosscheck.json.

# Which statistic is checked how, and how closely: one list, whatever the cohort.
CROSSCHECK_FILE = str(REPOSITORY / "config" / "crosscheck.yaml")
CROSSCHECK = checked_files({"crosscheck": CROSSCHECK_FILE})["crosscheck"]


rule crosscheck:
    """Compute every number a second time, and set the two side by side."""
    input:
        tables=CANONICAL,
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        statistics=[path for paths in STATISTICS.values() for path in paths],
        predictions=[
            *expand(
                rules.forest_folds.output.predictions,
                endpoint=list(ANALYSIS.forest),
                batch=FOREST_BATCHES,
            ),
            *expand(
                f"{PRIVATE}/forest/{{endpoint}}.json", endpoint=list(ANALYSIS.forest)
            ),
        ],
        evidence=[
            rules.consistency.output.findings,
            *([rules.marginals.output.conflicts] if MARGINALS else []),
            *SEARCH_RECORDS,
        ],
        flow=rules.extract.output.flow,
        package=PACKAGE,
        published=PUBLISHED_TABLES,
        listed=CROSSCHECK_FILE,
        code=code("crosscheck"),
        lock=str(LOCK),
    output:
        checks=f"{RESULTS}/audit/crosscheck.json",
    log:
        f"{LOGS}/crosscheck.log",
    benchmark:
        f"{BENCHMARKS}/crosscheck.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        run=RUN,
        reconstruction=RECONSTRUCTION_PLAN,
        marginals=MARGINALS,
        list=CROSSCHECK,
        withheld=SMALL_CELLS is not None,
        statistics=STATISTICS,
    script:
        "../scripts/crosscheck.py"
