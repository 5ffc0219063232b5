# Whether the run is what it says of itself: one report before the manifest.
# Requires: manuscript/, config/, <results>/{numbers,code,lineage,places,coverage}.json,
# <results>/audit/{crosscheck,pages}.json, <results>/manuscript/index.html.
# Makes: <results>/sources.json, <results>/audit/audit.json.
# A failed check does not fail the rule: the report stays to be read, and the manifest seals it.
# The end of every run says on the screen what failed (tell_audit in common.smk).

# What the repository brings to a run, and so decides results, whether a number's stage reads it or
# not: rules, scripts, package, templates, schemas, the manuscript's source and the configuration.
SOURCES = {
    below_repository(path, f"config/{Path(path).name}"): path
    for path in [
        str(REPOSITORY / "Snakefile"),
        *(
            str(path)
            for path in sorted(WORKFLOW.rglob("*"))
            if path.is_file()
            and not any(
                part == "__pycache__" or part.endswith(".egg-info")
                for part in path.parts
            )
        ),
        *MANUSCRIPT_SOURCES,
        *(["config/config.yaml"] if Path("config/config.yaml").is_file() else []),
        *SETTINGS_FILES,
        CROSSCHECK_FILE,
    ]
}
RAW_SOURCES = {
    below_repository(path, f"data/cohorts/{COHORT}/{Path(path).name}"): path
    for path in PRESENT_RAW_FILES
}
# Of all that the audit looks at, what lies elsewhere than below the repository, as it is shown.
AUDITED_ELSEWHERE = {
    shown: path
    for shown, path in (SOURCES | RAW_SOURCES).items()
    if not Path(path).resolve().is_relative_to(REPOSITORY.resolve())
}


rule sources:
    """Hash what the repository brings to the run: code, configuration, the manuscript's source."""
    input:
        files=list(SOURCES.values()),
        lock=str(LOCK),
    output:
        sources=f"{RESULTS}/sources.json",
    log:
        f"{LOGS}/sources.log",
    benchmark:
        f"{BENCHMARKS}/sources.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        shown=lambda wildcards: SOURCES,
    script:
        "../scripts/sources.py"


rule audit:
    """Check hashes, rows, transcription, engines, coverage, pages; a failure is told, not raised."""
    input:
        numbers=rules.numbers.output.numbers,
        code=rules.numbers.output.code,
        lineage=f"{IN_FULL}/lineage.json",
        places=f"{RESULTS}/places.json",
        coverage=rules.digit_coverage.output.coverage,
        crosscheck=f"{RESULTS}/audit/crosscheck.json",
        pages=f"{RESULTS}/audit/pages.json",
        sources=rules.sources.output.sources,
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
