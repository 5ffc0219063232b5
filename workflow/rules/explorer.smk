# The audit explorer: one offline page about every number.
# Requires: <results>/{numbers,code,lineage,places,coverage,sources,flow}.json, <results>/evidence/,
# <results>/audit/{crosscheck,pages}.json, workflow/templates/explorer/.
# Makes: <results>/audit/index.html.


rule explorer:
    """Write the page that says of every number where it comes from and where it is printed."""
    input:
        numbers=rules.numbers.output.numbers,
        code=rules.numbers.output.code,
        lineage=rules.numbers.output.lineage,
        places=rules.digit_coverage.output.places,
        coverage=rules.digit_coverage.output.coverage,
        crosscheck=rules.crosscheck.output.checks,
        pages=rules.page_coverage.output.pages,
        sources=f"{RESULTS}/sources.json",
        flow=rules.extract.output.flow,
        findings=rules.consistency.output.findings,
        templates=[
            str(WORKFLOW / "templates" / "explorer" / name)
            for name in ("page.html", "style.css", "script.js")
        ],
        modules=code("explorer"),
        lock=str(LOCK),
    output:
        explorer=report(
            f"{RESULTS}/audit/index.html",
            caption="../report/explorer.rst",
            category="Provenance",
        ),
    log:
        f"{LOGS}/explorer.log",
    benchmark:
        f"{BENCHMARKS}/explorer.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        least=LEAST_TOLD,
    script:
        "../scripts/explorer.py"
