# The manifest: what was made, by hash.
# Requires: everything above. Makes: <results>/manifest.json.


rule manifest:
    """Hash every result; logs, benchmarks and the manifest itself are left out."""
    input:
        results=[
            rules.extract.output,
            rules.endpoints.output,
            [path for paths in STATISTICS.values() for path in paths],
            rules.kaplan_meier.output.curves,
            rules.diagnostics.output,
            expand(
                rules.forest_folds.output.predictions,
                endpoint=list(ANALYSIS.forest),
                batch=FOREST_BATCHES,
            ),
            expand(rules.forest.output.predictions, endpoint=list(ANALYSIS.forest)),
            rules.competing.output.curves,
            rules.consistency.output.findings,
            rules.reproduction.output.targets if IS_FOUND else [],
            rules.marginals.output.marginals if MARGINALS else [],
            rules.marginals.output.conflicts if MARGINALS else [],
            rules.numbers.output,
            rules.tables.output,
            rules.figures.output,
            rules.crosscheck.output,
            rules.digit_coverage.output,
            rules.render.output,
            rules.page_coverage.output,
            rules.explorer.output,
            rules.sources.output,
            rules.audit.output,
            rules.export.output,
        ],
        project=rules.assemble.output.project,
        code=code("manifest"),
    output:
        manifest=f"{RESULTS}/manifest.json",
    log:
        f"{LOGS}/manifest.log",
    benchmark:
        f"{BENCHMARKS}/manifest.tsv"
    conda:
        "../../envs/workflow.yaml"
    script:
        "../scripts/manifest.py"
