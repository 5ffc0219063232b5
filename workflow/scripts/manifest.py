"""Hash every result."""

from pathlib import Path

from sarcoma_sbrt.io import job_log, manifest, write_json

with job_log(snakemake.log[0]):
    paths = [*snakemake.input.results, snakemake.input.project]
    hashes = manifest(paths, Path(snakemake.output.manifest).parent)
    write_json(snakemake.output.manifest, hashes)
    print(f"{len(hashes)} files")
