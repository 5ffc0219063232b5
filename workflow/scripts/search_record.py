"""Record the search beside the tables that it found."""

from sarcoma_sbrt.evidence.reconstruction.search_record import record
from sarcoma_sbrt.io import fingerprint, hashed, job_log, read_json, sha256, write_json

with job_log(snakemake.log[0]):
    plan = snakemake.params.reconstruction
    content = record(
        study=plan["study"],
        plan_sha256=fingerprint([plan], []),
        targets_sha256=sha256(snakemake.input.targets),
        runs=[read_json(path) for path in snakemake.input.runs],
        solutions=read_json(snakemake.input.chosen),
        alternatives=plan["search"]["alternatives"],
        alternative_runs=[read_json(path) for path in snakemake.input.alternatives],
        files=hashed(snakemake.input.files, snakemake.params.folder),
    )
    write_json(snakemake.output.record, content)
    print("best: {near} within 2 %, {exact} exact".format(**content["best"]))
