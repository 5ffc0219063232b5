"""Export the printed numbers for claims-cli."""

from pathlib import Path

import yaml

from sarcoma_sbrt.io import job_log, read_json, sha256, write_json, write_text
from sarcoma_sbrt.provenance.claims_export import claims_manifest, manuscript_lines, values_of
from sarcoma_sbrt.provenance.passages import passages

with job_log(snakemake.log[0]):
    numbers = read_json(snakemake.input.numbers)
    lines = manuscript_lines(passages(read_json(snakemake.input.document)))
    write_text(snakemake.output.text, "\n\n".join(line.text for line in lines) + "\n")
    write_json(snakemake.output.numbers, values_of(lines, numbers))
    digests = {
        Path(path).name: sha256(path) for path in (snakemake.output.text, snakemake.output.numbers)
    }
    manifest = claims_manifest(lines, numbers, snakemake.params.title, digests)
    text = yaml.dump(manifest, allow_unicode=True, sort_keys=False, width=1000)
    write_text(snakemake.output.manifest, text)
    checks = sum(len(claim["evidence"]) for claim in manifest["claims"])
    print(f"{len(manifest['claims'])} claims, {checks} checks")
