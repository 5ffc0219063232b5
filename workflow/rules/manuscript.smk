# Numbers, tables and figures to the manuscript.
# Requires: manuscript/, <results>/{numbers,tables}.json, <results>/figures/.
# Makes: <results>/manuscript/{project/,index.html,index.pdf,index.docx},
# <results>/{document,coverage,places}.json.

from snakemake.settings.types import DeploymentMethod

from sarcoma_sbrt.rendering.quarto import resolve_renderer

# The choice is made once, here, and travels as a param. A conda environment brings Quarto.
IN_CONDA = DeploymentMethod.CONDA in workflow.deployment_settings.deployment_method
if IN_CONDA and config["renderer"] != "embedded":
    RENDERER, RENDERER_VERSION = "quarto", "of the conda environment"
else:
    RENDERER, RENDERER_VERSION = resolve_renderer(config["renderer"])

MANUSCRIPT_SOURCES = sorted(
    str(path)
    for path in MANUSCRIPT.rglob("*")
    if path.is_file() and not path.name.startswith(".")
)


rule assemble:
    """Put the Quarto project together: text, generated tables, figures and numbers."""
    input:
        manuscript=MANUSCRIPT_SOURCES,
        numbers=rules.numbers.output.numbers,
        in_full=NUMBERS_IN_FULL,
        tables=rules.tables.output.tables,
        claims=str(MANUSCRIPT / "claims.yaml"),
        schema=str(SCHEMAS / "claims.schema.yaml"),
        figures=[*rules.figures.output.svg, *rules.figures.output.png],
        code=code("assemble"),
        lock=str(LOCK),
    output:
        project=directory(f"{RESULTS}/manuscript/project"),
    log:
        f"{LOGS}/assemble.log",
    benchmark:
        f"{BENCHMARKS}/assemble.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        date=DATE,
        least=LEAST_TOLD,
        manuscript=lambda wildcards: str(MANUSCRIPT),
    script:
        "../scripts/assemble.py"


# Not called coverage: a library of that name is looked for by others, which would find the script.
rule digit_coverage:
    """Refuse a digit that is printed without a key or a named rule."""
    input:
        project=rules.assemble.output.project,
        numbers=rules.numbers.output.numbers,
        rules=str(MANUSCRIPT / "coverage.yaml"),
        claims=str(MANUSCRIPT / "claims.yaml"),
        schema=str(SCHEMAS / "claims.schema.yaml"),
        sidecars=rules.figures.output.sidecars,
        code=code("digit_coverage"),
        lock=str(LOCK),
    output:
        # After every filter and the citations: what the formats print, as pandoc has it.
        document=f"{RESULTS}/document.json",
        coverage=f"{RESULTS}/coverage.json",
        places=f"{RESULTS}/places.json",
    log:
        f"{LOGS}/digit_coverage.log",
    benchmark:
        f"{BENCHMARKS}/digit_coverage.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        folder=lambda wildcards: str(MANUSCRIPT),
    script:
        "../scripts/digit_coverage.py"


rule render:
    """Render the manuscript as HTML, PDF and DOCX."""
    input:
        project=rules.assemble.output.project,
        numbers=rules.numbers.output.numbers,
        coverage=rules.digit_coverage.output.coverage,
        code=code("render"),
        lock=str(LOCK),
    output:
        html=report(
            f"{RESULTS}/manuscript/index.html",
            caption="../report/manuscript.rst",
            category="Manuscript",
        ),
        pdf=report(
            f"{RESULTS}/manuscript/index.pdf",
            caption="../report/manuscript.rst",
            category="Manuscript",
        ),
        docx=f"{RESULTS}/manuscript/index.docx",
    log:
        f"{LOGS}/render.log",
    benchmark:
        f"{BENCHMARKS}/render.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        renderer=RENDERER,
        version=RENDERER_VERSION,
        date=DATE,
    script:
        "../scripts/render.py"
