"""Hash what the repository brings to a run."""

from sarcoma_sbrt.io import job_log, sha256, write_json

with job_log(snakemake.log[0]):
    found = {shown: sha256(path) for shown, path in snakemake.params.shown.items()}
    write_json(snakemake.output.sources, found)
    print(f"{len(found)} files")
