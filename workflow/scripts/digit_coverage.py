"""Refuse a digit that is printed without a key or a named rule; say where each number stands."""

import json
from functools import partial
from pathlib import Path

from sarcoma_sbrt.io import job_log, line_of, read_json, read_yaml, write_json, write_text
from sarcoma_sbrt.provenance.claims import read_claims
from sarcoma_sbrt.provenance.digit_coverage import coverage, read_rules
from sarcoma_sbrt.provenance.passages import passages
from sarcoma_sbrt.provenance.places import Sources, claimed, drawn_keys, places
from sarcoma_sbrt.rendering.embedded import document
from sarcoma_sbrt.rendering.source import expand

with job_log(snakemake.log[0]):
    project, folder = Path(snakemake.input.project), snakemake.params.folder
    numbers, rules = read_json(snakemake.input.numbers), read_rules(snakemake.input.rules)
    told, lines = document(project), expand(project)
    read = passages(told)
    counts = coverage(read, numbers, rules, lines, folder=folder)
    drawn = drawn_keys(map(read_json, snakemake.input.sidecars), numbers)
    write_text(snakemake.output.document, json.dumps(told, ensure_ascii=False) + "\n")
    write_json(snakemake.output.coverage, counts)
    listed, sources = snakemake.input.claims, Sources(lines, folder)
    claims = read_claims(
        read_yaml(listed, snakemake.input.schema), listed, partial(line_of, listed)
    )
    made = claimed(told, claims, numbers, sources)
    write_json(snakemake.output.places, places(read, sources, drawn, made))
    print(counts["coverage"])
