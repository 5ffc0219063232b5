"""Record new ranges beside the search that was committed."""

from pathlib import Path

from sarcoma_sbrt.io import hashed, job_log, read_json, write_json

with job_log(snakemake.log[0]):
    ranges = Path(snakemake.input.ranges)
    files = hashed(snakemake.input.files, snakemake.params.folder) + hashed([ranges], ranges.parent)
    content = read_json(snakemake.input.record)
    hashes = {file["path"]: file["sha256"] for file in files}
    write_json(snakemake.output.record, content | {"sha256": hashes})
