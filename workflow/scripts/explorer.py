"""Write the audit explorer."""

from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, write_text
from sarcoma_sbrt.provenance.disclosure import disclosed_flow
from sarcoma_sbrt.provenance.explorer import Run, Template, page
from sarcoma_sbrt.reporting.small_cells import SmallCells

with job_log(snakemake.log[0]):
    templates = {Path(path).suffix: Path(path) for path in snakemake.input.templates}
    html, style, script = (
        templates[ending].read_text(encoding="utf-8") for ending in (".html", ".css", ".js")
    )
    run = Run(
        **{
            name: read_json(snakemake.input[name])
            for name in (
                *("numbers", "code", "lineage", "places", "crosscheck", "coverage"),
                *("pages", "sources"),
            )
        },
        flow=disclosed_flow(read_json(snakemake.input.flow), SmallCells.of(snakemake.params.least)),
        findings=read_json(snakemake.input.findings)["findings"],
    )
    text = page(run, Template(html, style, script))
    write_text(snakemake.output.explorer, text)
    print(f"{len(run.numbers)} numbers, {len(text.encode())} bytes")
