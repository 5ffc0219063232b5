"""Record new ranges beside the search that was committed."""

from pathlib import Path

from sarcoma_sbrt.evidence.reconstruction.search_record import renewed
from sarcoma_sbrt.io import hashed, job_log, read_json, write_json

with job_log(snakemake.log[0]):
    made, record = Path(snakemake.input.ranges), snakemake.input.record
    content = renewed(
        read_json(record),
        record,
        tables=hashed(snakemake.input.files, snakemake.params.folder),
        ranges=hashed([made], made.parent),
    )
    write_json(snakemake.output.record, content)
