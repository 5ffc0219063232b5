"""Refuse pages and figures that print other numbers than those that the gate judged."""

from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, write_json
from sarcoma_sbrt.provenance.digit_coverage import read_rules
from sarcoma_sbrt.rendering.page_coverage import FigureFiles, page_coverage
from sarcoma_sbrt.reporting.figures import flow_counts
from sarcoma_sbrt.reporting.small_cells import SmallCells

with job_log(snakemake.log[0]):
    given = snakemake.input
    report = page_coverage(
        read_json(given.document),
        [Path(path) for path in (given.html, given.pdf, given.docx)],
        [
            FigureFiles(*map(Path, files))
            for files in zip(given.svg, given.png, given.sidecars, strict=True)
        ],
        read_json(given.numbers),
        flow_counts(read_json(given.flow), SmallCells.of(snakemake.params.least)),
        read_rules(given.rules),
    )
    write_json(snakemake.output.pages, report)
    for name in ("html", "pdf", "docx"):
        print(f"{name}: {report[name].get('reason') or 'as judged'}", report[name]["tokens"])
