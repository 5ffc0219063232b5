"""Refuse a digit that is printed without a key or a named rule; say where each number stands."""

import json
from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json, write_json, write_text
from sarcoma_sbrt.provenance.audit import coverage, read_rules
from sarcoma_sbrt.provenance.passages import passages
from sarcoma_sbrt.provenance.places import Sources, drawn_places, places
from sarcoma_sbrt.rendering.embedded import document
from sarcoma_sbrt.rendering.source import expand

with job_log(snakemake.log[0]):
    project = Path(snakemake.input.project)
    told, lines, folder = document(project), expand(project), snakemake.params.folder
    numbers, rules = read_json(snakemake.input.numbers), read_rules(snakemake.input.rules)
    counts = coverage(told, numbers, rules, lines, folder=folder)
    write_text(snakemake.output.document, json.dumps(told, ensure_ascii=False) + "\n")
    write_json(snakemake.output.coverage, counts)
    # The flow's boxes also draw counts that only the ledger of exclusions has.
    drawn = {
        figure["figure"]: [one["key"] for one in figure["numbers"] if one["key"] in numbers]
        for figure in map(read_json, snakemake.input.sidecars)
    }
    where = passages(told), Sources(lines, folder)
    found, in_figures = places(*where), drawn_places(*where, drawn)
    every = {key: found.get(key, []) + in_figures.get(key, []) for key in {**found, **in_figures}}
    write_json(snakemake.output.places, every)
    print(counts["coverage"])
