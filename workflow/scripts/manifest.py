"""Hash every result."""

from pathlib import Path

from sarcoma_sbrt.io import job_log, manifest, write_json

with job_log(snakemake.log[0]):
    paths = [*snakemake.input.results, snakemake.input.project]
    write_json(snakemake.output.manifest, manifest(paths, Path(snakemake.output.manifest).parent))
