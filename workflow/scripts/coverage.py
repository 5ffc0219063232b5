"""Refuse a digit that is printed without a key or a named rule."""

from pathlib import Path

from sarcoma_sbrt.provenance.audit import audit_coverage

from sarcoma_sbrt.io import job_log, read_json, write_json

with job_log(snakemake.log[0]):
    numbers = read_json(snakemake.input.numbers)
    write_json(snakemake.output.coverage, audit_coverage(Path(snakemake.input.project), numbers))
