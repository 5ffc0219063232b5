# Rendered pages and figures: they print what the gate judged, and nothing else.
# Requires: <results>/manuscript/, <results>/figures/, <results>/{document,numbers,flow}.json.
# Makes: <results>/audit/pages.json.


rule page_coverage:
    """Refuse pages and figures that print other numbers than those that the gate judged."""
    input:
        document=rules.digit_coverage.output.document,
        numbers=rules.numbers.output.numbers,
        flow=rules.extract.output.flow,
        rules=str(MANUSCRIPT / "coverage.yaml"),
        html=rules.render.output.html,
        pdf=rules.render.output.pdf,
        docx=rules.render.output.docx,
        svg=rules.figures.output.svg,
        png=rules.figures.output.png,
        sidecars=rules.figures.output.sidecars,
        code=code("page_coverage"),
        lock=str(LOCK),
    output:
        pages=f"{RESULTS}/audit/pages.json",
    log:
        f"{LOGS}/page_coverage.log",
    benchmark:
        f"{BENCHMARKS}/page_coverage.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        least=LEAST_TOLD,
    script:
        "../scripts/page_coverage.py"
