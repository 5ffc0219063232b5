"""Refuse a digit that is printed without a key or a named rule; say where each number stands."""

import json
from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, write_json, write_text
from sarcoma_sbrt.provenance.digit_coverage import coverage, read_rules
from sarcoma_sbrt.provenance.passages import passages
from sarcoma_sbrt.provenance.places import Sources, drawn_keys, places
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
    write_json(snakemake.output.places, places(read, Sources(lines, folder), drawn))
    print(counts["coverage"])
