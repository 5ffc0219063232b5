"""Check what the run says of itself, before the manifest seals it."""

from functools import cache
from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, read_rows, sha256, write_json
from sarcoma_sbrt.provenance.ancestry import Run
from sarcoma_sbrt.provenance.verification import Evidence, marked, report, verified

with job_log(snakemake.log[0]):
    read, root = snakemake.input, Path(snakemake.params.repository)
    elsewhere = snakemake.params.elsewhere

    @cache
    def on_disk(path):
        file = Path(elsewhere.get(path, root / path))
        return sha256(file) if file.is_file() else None

    published = {shown: dict(read_rows(path)) for shown, path in snakemake.params.published.items()}
    evidence = Evidence(
        run=Run(*(read_json(read[name]) for name in ("numbers", "code", "lineage", "places"))),
        crosscheck=read_json(read.crosscheck),
        coverage=read_json(read.coverage),
        pages=read_json(read.pages),
        sources=read_json(read.sources),
        on_disk=on_disk,
        published=published,
        keyed=marked(Path(read.html).read_text(encoding="utf-8")),
    )
    checks = verified(evidence)
    told = report(checks, evidence)
    write_json(snakemake.output.audit, told)
    print(told["summary"])
    for check in checks:
        for problem in check.problems:
            print(f"{check.name}: {problem}")
