# Whether the run is what it says of itself: one report before the manifest.
# Requires: <results>/{numbers,code,lineage,places,coverage}.json,
# <results>/audit/{crosscheck,pages}.json, <results>/manuscript/index.html.
# Makes: <results>/audit/audit.json.

# Paths as the lineage shows them, of files that lie elsewhere than below the repository.
AUDITED_ELSEWHERE = {
    below_repository(path, f"{shown}/{Path(path).name}"): path
    for shown, paths in {
        f"data/cohorts/{COHORT}": PRESENT_RAW_FILES,
        "config": [config["endpoints"], config["models"]],
    }.items()
    for path in paths
    if not Path(path).resolve().is_relative_to(REPOSITORY.resolve())
}


rule audit:
    """Check hashes, rows, transcription, cross-checks, coverage and pages; a failure is told."""
    input:
        numbers=rules.numbers.output.numbers,
        code=rules.numbers.output.code,
        lineage=rules.numbers.output.lineage,
        places=f"{RESULTS}/places.json",
        coverage=rules.digit_coverage.output.coverage,
        crosscheck=f"{RESULTS}/audit/crosscheck.json",
        pages=f"{RESULTS}/audit/pages.json",
        html=rules.render.output.html,
        published=PUBLISHED_TABLES,
        modules=code("audit"),
        lock=str(LOCK),
    output:
        audit=f"{RESULTS}/audit/audit.json",
    log:
        f"{LOGS}/audit.log",
    benchmark:
        f"{BENCHMARKS}/audit.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        repository=lambda wildcards: str(REPOSITORY),
        elsewhere=lambda wildcards: AUDITED_ELSEWHERE,
        published=lambda wildcards: {
            f"data/published/{Path(path).relative_to(PUBLISHED)}": path
            for path in PUBLISHED_TABLES
        },
    script:
        "../scripts/audit.py"
