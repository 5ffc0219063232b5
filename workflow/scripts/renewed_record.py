"""Record new ranges beside the search that was committed."""

from pathlib import Path

from sarcoma_sbrt.evidence.reconstruction.search_record import renewed
from sarcoma_sbrt.io import hashed, job_log, read_json, write_json

with job_log(snakemake.log[0]):
    made = Path(snakemake.input.ranges)
    tables, ranges = (
        {file["path"]: file["sha256"] for file in hashed(files, folder)}
        for files, folder in (
            (snakemake.input.files, snakemake.params.folder),
            ([made], made.parent),
        )
    )
    record = snakemake.input.record
    content = renewed(read_json(record), record, tables=tables, ranges=ranges)
    write_json(snakemake.output.record, content)
