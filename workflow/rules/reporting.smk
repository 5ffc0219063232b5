# Statistics to the registry of numbers, and from it to tables and figures.
# Requires: <results>/statistics/, <results>/private/, <results>/flow.json,
# <results>/audit/crosscheck.json.
# Makes: <results>/{numbers,code,lineage,tables}.json, <results>/figures/.

FIGURES = {f"km_{name}": "kaplan_meier" for name in ANALYSIS.figures}
FIGURES |= {"flow": "flow"}
if any(ANALYSIS.univariable.values()):
    FIGURES |= {"hazard_ratios": "hazard_ratios"}
if any("multivariable" in models for models in ANALYSIS.multivariable.values()):
    FIGURES |= {"schoenfeld": "diagnostics"}
if ANALYSIS.continuous and COHORT_SETTINGS.kind == "observed":
    FIGURES |= {"functional_form": "diagnostics"}
if ANALYSIS.forest:
    FIGURES |= {"importances": "importances"}
    FIGURES |= {"partial_dependence": "partial_dependence"}
FIGURES |= {
    f"cif_{name}": "competing"
    for name in ANALYSIS.endpoints
    if ENDPOINTS[name].death == "competing"
}
FIGURES |= {f"cut_points_{e}": "dose_sensitivity" for e in ANALYSIS.dose_endpoints}
FIGURES |= {f"comparison_{e}": "comparison" for e in ANALYSIS.comparison.endpoints}
FIGURES |= {"dose_local_control": "dose"}
FIGURES |= dict.fromkeys(ANALYSIS.clinical_figures, "clinical")
SEARCH_RECORDS = [str(SEARCH_RECORD)] if IS_FOUND else []
FIGURES |= dict.fromkeys(["search"] if SEARCH_RECORDS else [], "search")

STATISTICS = {
    "characteristics": [rules.characteristics.output.statistics],
    "kaplan_meier": [rules.kaplan_meier.output.statistics],
    "cox": [rules.cox.output.statistics],
    "diagnostics": [rules.diagnostics.output.statistics],
    "imputation": [rules.imputation.output.statistics],
    "competing": [rules.competing.output.statistics],
    "dose_sensitivity": [rules.dose_sensitivity.output.statistics],
    "forest": expand(rules.forest.output.statistics, endpoint=list(ANALYSIS.forest)),
    "consistency": [rules.consistency.output.statistics],
    "synthesis": [rules.synthesis.output.statistics],
}
if IS_FOUND:
    STATISTICS |= {"reproduction": [rules.reproduction.output.statistics]}
if MARGINALS:
    STATISTICS |= {"marginals": [rules.marginals.output.statistics]}
STATISTICS = {stage: list(map(str, paths)) for stage, paths in STATISTICS.items()}

# Scripts between the raw tables and a stage's numbers, and what configuration decides them;
# `also` are tables that its numbers rest on beside those that their columns name.
STAGES = {
    "characteristics": {
        "rule": "characteristics",
        "scripts": ["extract", "endpoints", "characteristics"],
        "config": [
            "cohort",
            "endpoints.acute_toxicity_months",
            "endpoints.alpha_beta_gy",
            "endpoints.concurrent_lesions_days",
            "endpoints.endpoints",
            "models.confidence_level",
            "models.covariates",
        ],
    },
    "kaplan_meier": {
        "rule": "kaplan_meier",
        "scripts": ["extract", "endpoints", "kaplan_meier"],
        "config": [
            "cohort",
            "endpoints",
            "models.confidence_level",
            "models.covariates",
            "models.figures",
            "models.kaplan_meier",
            "models.strata",
        ],
    },
    "cox": {
        "rule": "cox",
        "scripts": ["extract", "endpoints", "cox"],
        "config": [
            "cohort",
            "endpoints",
            "models.confidence_level",
            "models.covariates",
            "models.cox",
            "models.multivariable",
            "models.univariable",
        ],
    },
    "diagnostics": {
        "rule": "diagnostics",
        "scripts": ["extract", "endpoints", "diagnostics"],
        "config": [
            "cohort",
            "endpoints",
            "models.alpha",
            "models.confidence_level",
            "models.covariates",
            "models.cox",
            "models.diagnostics",
            "models.kaplan_meier",
            "models.multivariable",
            "models.univariable",
        ],
    },
    "imputation": {
        "rule": "imputation",
        "scripts": ["extract", "endpoints", "imputation"],
        "config": [
            "cohort",
            "endpoints",
            "models.alpha",
            "models.confidence_level",
            "models.covariates",
            "models.cox",
            "models.imputation",
            "models.multivariable",
            "models.univariable",
            "run.seed",
        ],
    },
    "competing": {
        "rule": "competing",
        "scripts": ["extract", "endpoints", "competing"],
        "config": [
            "cohort",
            "endpoints",
            "models.competing",
            "models.confidence_level",
            "models.covariates",
            "models.cox",
            "models.figures",
            "models.kaplan_meier",
            "models.multivariable",
            "models.strata",
            "models.univariable",
        ],
    },
    "dose_sensitivity": {
        "rule": "dose_sensitivity",
        "scripts": ["extract", "endpoints", "dose_sensitivity"],
        "config": [
            "cohort",
            "endpoints",
            "models.confidence_level",
            "models.covariates",
            "models.cox",
            "models.dose",
            "run.seed",
        ],
    },
    "forest": {
        "rule": "forest",
        "scripts": ["extract", "endpoints", "forest_folds", "forest"],
        "config": [
            "cohort",
            "endpoints",
            "models.confidence_level",
            "models.covariates",
            "models.forest",
            "models.kaplan_meier.landmarks_months",
            "run.seed",
        ],
    },
    "consistency": {
        "rule": "consistency",
        "scripts": ["consistency"],
        "config": ["endpoints.alpha_beta_gy"],
    },
    "synthesis": {
        "rule": "synthesis",
        "scripts": ["synthesis"],
        "config": [
            "endpoints.alpha_beta_gy",
            "models.comparison",
            "models.confidence_level",
        ],
    },
    "reproduction": {
        "rule": "reproduction",
        "scripts": ["extract", "endpoints", "consistency", "reproduction"],
        "config": [
            "cohort",
            "endpoints",
            "models.covariates",
            "reconstruction",
        ],
        "also": [f"published.{STUDY}"],
    },
    "marginals": {
        "rule": "marginals",
        "scripts": ["extract", "consistency", "marginals"],
        "config": [
            "cohort",
            "endpoints.alpha_beta_gy",
            "endpoints.concurrent_lesions_days",
            "marginals",
        ],
        "also": [f"published.{STUDY}"],
    },
    # Transcribed figures: no rule computed them.
    "published": {"rule": None, "scripts": [], "config": []},
    # What every number passes after its stage, whichever that is: it is worded, marked, rounded.
    "numbers": {
        "rule": "numbers",
        "scripts": ["numbers"],
        "config": ["cohort.kind", "cohort.support", "models.disclosure"]
        + (["reconstruction.subgroups"] if IS_FOUND else []),
    },
}

for stage in STAGES.values():
    stage["code"] = scripts_and_modules(stage.pop("scripts"))
REGISTRATION = {
    "rule": "numbers",
    "code": "numbers",
    "config": STAGES["numbers"]["config"],
}
# Rules between the registry and the page; sources.json has the hashes, so that no number is
# registered anew because a figure is drawn otherwise.
PRINTING = {
    name: [
        below_repository(path, path)
        for path in [*scripts_and_modules([name]), *map(str, filters)]
    ]
    for name, filters in {
        "tables": [],
        "figures": [],
        "assemble": sorted((MANUSCRIPT / "_extensions").rglob("*.lua")),
        "render": [],
    }.items()
}

# The files behind the plan, as the registry calls them.
SETTINGS = {
    "endpoints": config["endpoints"],
    "models": config["models"],
    "cohort": COHORT_FILE,
}
if IS_FOUND:
    SETTINGS |= {"reconstruction": f"config/reconstruction/{STUDY}.yaml"}
if MARGINALS:
    SETTINGS |= {"marginals": f"config/reconstruction/{STUDY}-marginals.yaml"}
SETTINGS_FILES = list(SETTINGS.values())


rule numbers:
    """Register every number: text as printed, support, rows, and the rule and code behind it."""
    input:
        statistics=[path for paths in STATISTICS.values() for path in paths],
        raw=PRESENT_RAW_FILES,
        tables=CANONICAL,
        endpoints=rules.endpoints.output.endpoints,
        patients=rules.endpoints.output.patients,
        lesions=rules.endpoints.output.lesions,
        package=PACKAGE,
        published=PUBLISHED_TABLES,
        found=FOUND_FILES + SEARCH_RECORDS,
        ranges=[path for path in FOUND_FILES if Path(path).name == "ranges.csv"],
        settings=SETTINGS_FILES,
        crosscheck=f"{RESULTS}/audit/crosscheck.json",
        registered=sorted({p for stage in STAGES.values() for p in stage["code"]}),
        code=code("numbers"),
        lock=str(LOCK),
    output:
        numbers=report(
            f"{RESULTS}/numbers.json",
            caption="../report/numbers.rst",
            category="Numbers",
        ),
        code=f"{RESULTS}/code.json",
        lineage=f"{RESULTS}/lineage.json",
        # With the values and the positions of rows that the small-cell rule withholds.
        in_full=(
            [f"{PRIVATE}/numbers.json", f"{PRIVATE}/lineage.json"]
            if SMALL_CELLS
            else []
        ),
    log:
        f"{LOGS}/numbers.log",
    benchmark:
        f"{BENCHMARKS}/numbers.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        run=RUN,
        run_lines=lines_of_run(),
        registration=REGISTRATION,
        printing=PRINTING,
        # By name: only another library registers the numbers anew. Asked of this rule's job only.
        printing_libraries=lambda wildcards: {
            name: libraries([name]) for name in PRINTING
        },
        reconstruction=RECONSTRUCTION_PLAN,
        marginals=MARGINALS,
        least=LEAST_TOLD,
        renderer=lambda wildcards: f"{RENDERER} ({RENDERER_VERSION})",
        statistics=STATISTICS,
        stages=STAGES,
        repository=str(REPOSITORY),
        data=lambda wildcards: COHORT_DATA,
        shown=lambda wildcards: below_repository(COHORT_DATA, f"data/cohorts/{COHORT}"),
        settings={
            name: {
                "path": path,
                "shown": below_repository(path, f"config/{Path(path).name}"),
            }
            for name, path in SETTINGS.items()
        },
        published=lambda wildcards: PUBLISHED,
    script:
        "../scripts/numbers.py"


# What decides words, axes and which rows there are; its texts are those of the other.
NUMBERS_IN_FULL = f"{IN_FULL}/numbers.json"


rule tables:
    """Lay out the manuscript's tables; every cell names the number it shows."""
    input:
        numbers=NUMBERS_IN_FULL,
        code=code("tables"),
        lock=str(LOCK),
    output:
        tables=f"{RESULTS}/tables.json",
    log:
        f"{LOGS}/tables.log",
    benchmark:
        f"{BENCHMARKS}/tables.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/tables.py"


rule figures:
    """Draw every figure as SVG and PNG."""
    input:
        tables=CANONICAL,
        numbers=NUMBERS_IN_FULL,
        curves=rules.kaplan_meier.output.curves,
        residuals=rules.diagnostics.output.residuals,
        splines=rules.diagnostics.output.splines,
        incidence=rules.competing.output.curves,
        flow=rules.extract.output.flow,
        record=SEARCH_RECORDS,
        code=code("figures"),
        lock=str(LOCK),
    output:
        svg=report(
            expand(f"{RESULTS}/figures/{{name}}.svg", name=FIGURES),
            caption="../report/figure.rst",
            category="Figures",
        ),
        png=expand(f"{RESULTS}/figures/{{name}}.png", name=FIGURES),
        sidecars=expand(f"{RESULTS}/figures/{{name}}.numbers.json", name=FIGURES),
    log:
        f"{LOGS}/figures.log",
    benchmark:
        f"{BENCHMARKS}/figures.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        figures=list(FIGURES),
        least=LEAST_TOLD,
    script:
        "../scripts/figures.py"
