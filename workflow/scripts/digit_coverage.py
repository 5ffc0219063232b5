"""Refuse a digit that is printed without a key or a named rule."""

from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, write_json
from sarcoma_sbrt.provenance.audit import coverage, read_rules
from sarcoma_sbrt.rendering.embedded import document
from sarcoma_sbrt.rendering.source import expand

with job_log(snakemake.log[0]):
    project = Path(snakemake.input.project)
    counts = coverage(
        document(project),
        read_json(snakemake.input.numbers),
        read_rules(snakemake.input.rules),
        expand(project),
        folder=snakemake.params.folder,
    )
    write_json(snakemake.output.coverage, counts)
    print(counts["coverage"])
