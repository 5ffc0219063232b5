"""The registry of numbers: each entry with the rule, data, code and settings behind it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sarcoma_sbrt.evidence.published import Published
from sarcoma_sbrt.provenance.setting_lines import Setting
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.transcribed import published_entries
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["CHECKED", "Stage", "code_sets", "field_tables", "registry", "registry_text"]

# What an entry tells of its cross-check; the tolerance stays with the check.
CHECKED = ("status", "engine", "value", "difference", "reason")
# These tell what their statistic tells, and were recomputed with it.
_TOLD_WITH = ("stated", "reason")


@dataclass(frozen=True)
class Stage:
    """What stands behind every number of one stage of the workflow.

    Attributes
    ----------
    rule : str or None
        The Snakemake rule; None for what was transcribed.
    inputs : mapping of str to {"path", "sha256"}
        Canonical table -> the file under ``data/`` that it was read from; ``published.<table>``
        -> a table of printed figures.
    code : sequence of {"path", "sha256"}
        Scripts and package modules from the raw tables to the stage.
    config : sequence of str
        Configuration keys that decide its results.
    also : sequence of str
        Names in `inputs` of what its numbers rest on beside their columns.
    """

    rule: str | None
    inputs: Mapping[str, Mapping[str, str]]
    code: Sequence[Mapping[str, str]]
    config: Sequence[str]
    also: Sequence[str] = ()

    @cached_property
    def by_path(self) -> dict[str, Mapping[str, str]]:
        """Inputs by path."""
        return {file["path"]: file for file in self.inputs.values()}


def registry(
    statistics: Iterable[tuple[str, Statistic]],
    stages: Mapping[str, Stage],
    configuration: Mapping[str, Any],
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
    published: Published,
    *,
    lineage: Mapping[str, str] | None = None,
    row_sets: Mapping[str, Mapping[str, Any]] | None = None,
    checks: Mapping[str, Mapping[str, Any]] | None = None,
    settings: Mapping[str, Setting] | None = None,
) -> dict[str, dict[str, Any]]:
    """Every number and text that the manuscript may print, by key.

    An entry's ``code`` is the name of a set of `code_sets`, its ``lineage`` that of a set of
    rows. ``workflow/schemas/numbers.schema.yaml`` describes every field.

    Parameters
    ----------
    statistics : iterable of (str, Statistic)
        Stage and statistic.
    stages : mapping
        Stage name -> what stands behind it.
    configuration : mapping
        Configuration files by name, as read.
    analysis, cohort, endpoints
        The plan, for labels and for what was left out.
    published : Published
        The transcribed figures.
    lineage : mapping of str to str, optional
        Key of a statistic -> id of its row set.
    row_sets : mapping, optional
        Row set by id: the files that its rows stand in are inputs of the number.
    checks : mapping, optional
        Key -> what a second engine gives for it; a number without one has no cross-check.
    settings : mapping, optional
        Configuration key -> where it is set.

    Raises
    ------
    ValueError
        When two sources give the same key.
    """
    groups = (
        computed_entries(statistics, cohort),
        configured_entries(configuration),
        plan_entries(analysis, cohort, endpoints),
        published_entries(published),
    )
    entries: dict[str, dict[str, Any]] = {}
    for group in groups:
        if twice := sorted(entries.keys() & group.keys()):
            raise ValueError(f"more than one source gives {', '.join(twice)}")
        entries |= group
    return {
        key: entry
        | _ancestry(entry, stages, lineage or {}, row_sets or {}, settings or {})
        | _crosscheck(entry, checks or {})
        for key, entry in sorted(entries.items())
    }


def _ancestry(
    entry: Mapping[str, Any],
    stages: Mapping[str, Stage],
    lineage: Mapping[str, str],
    row_sets: Mapping[str, Mapping[str, Any]],
    settings: Mapping[str, Setting],
) -> dict[str, Any]:
    stage = stages.get(entry["source"])
    if stage is None:
        return {"rule": None, "code": None, "lineage": None} | _configured(entry, settings)
    name = lineage.get(entry.get("of", entry["key"]))
    places = row_sets[name]["raw"] if name is not None and name in row_sets else ()
    return {
        "rule": stage.rule,
        "inputs": _inputs(entry, stage, places),
        "code": entry["source"] if stage.code else None,
        "config": list(stage.config),
        "lineage": name,
    }


def _configured(entry: Mapping[str, Any], settings: Mapping[str, Setting]) -> dict[str, Any]:
    """Settings of an entry and their files; of one that shows a single setting its line, too."""
    config = list(entry.get("config", ()))
    places = [settings[key] for key in config if key in settings]
    hashes = {place.path: place.sha256 for place in places if place.sha256}
    inputs = [{"path": path, "sha256": sha256} for path, sha256 in sorted(hashes.items())]
    told = {"config": config, "inputs": inputs}
    if entry["kind"] == "configured" and len(config) == len(places) == 1:
        return told | {"rows": {"file": places[0].path, "line": places[0].line}}
    return told


def _crosscheck(
    entry: Mapping[str, Any], checks: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What a second engine gave; only what was computed has been computed again."""
    own, of = entry["key"], entry.get("of")
    told_with = of is not None and own.removeprefix(f"{of}.") in _TOLD_WITH
    asked = str(of) if told_with else own
    check = checks.get(asked) if entry["kind"] == "computed" else None
    if check is None:
        return {"crosscheck": None}
    told = {name: check.get(name) for name in CHECKED}
    return {"crosscheck": told | {"value": None, "difference": None} if told_with else told}


def code_sets(stages: Mapping[str, Stage]) -> dict[str, list[Mapping[str, str]]]:
    """Scripts and modules of each stage, which the entries' ``code`` names.

    Thousands of numbers share a stage's code; a set for each would be most of the registry.
    """
    return {name: list(stage.code) for name, stage in sorted(stages.items()) if stage.code}


def _inputs(
    entry: Mapping[str, Any], stage: Stage, places: Iterable[str]
) -> list[Mapping[str, str]]:
    """Files of the tables and rows that a number rests on, each once.

    All raw ones where it names none. A column ``published.<table>`` is a whole table of printed
    figures; a place is a file, or one of its sheets.
    """
    tables = {c if c.startswith("published.") else c.partition(".")[0] for c in entry["columns"]}
    tables |= {*stage.also} & stage.inputs.keys()
    paths = {stage.inputs[table]["path"] for table in tables if table in stage.inputs}
    paths |= {place.partition("#")[0] for place in places}
    paths = paths or {file["path"] for name, file in stage.inputs.items() if "." not in name}
    return [stage.by_path[path] for path in sorted(paths)]


def registry_text(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """JSON of the registry, one line a number: what differs between two runs is lines."""
    lines = (
        f"{json.dumps(key, ensure_ascii=False)}: {_LINE.encode(entry)}"
        for key, entry in sorted(entries.items())
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


_LINE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, allow_nan=False)


# --- what the fields are, for docs/registry.md ----------------------------------------------------


def field_tables(schema: Mapping[str, Any]) -> str:
    """Markdown of the fields that ``numbers.schema.yaml`` describes, part by part.

    Parameters
    ----------
    schema : mapping
        The schema, as read.
    """
    parts = schema["$defs"]
    lines: list[str] = []
    for name, title in _PARTS.items():
        lines += [
            "",
            f"### {title}",
            "",
            "| field | type | always | meaning |",
            "|---|---|---|---|",
        ]
        part = parts[name]
        for field, of in part["properties"].items():
            always = "yes" if field in part["required"] else ""
            lines.append(f"| `{field}` | {_type(of, parts)} | {always} | {_meaning(of, parts)} |")
    return "\n".join(lines[1:]) + "\n"


_PARTS = {
    "entry": "A number (`numbers.json`: key → entry)",
    "crosscheck": "Its `crosscheck`",
    "lineage": "The rows and what was read (`lineage.json`)",
    "row_set": "A row set (`row_sets` of `lineage.json`)",
}


def _referred(of: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """A field with what its reference says; its own words win."""
    referred = parts[of["$ref"].rpartition("/")[2]] if "$ref" in of else {}
    return {**referred, **of}


def _type(of: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    whole = _referred(of, parts)
    if "oneOf" in whole:
        return " or ".join(_type(one, parts) for one in whole["oneOf"])
    if "enum" in whole or "const" in whole:
        accepted = whole.get("enum", [whole.get("const")])
        return ", ".join("null" if one is None else f"`{one}`" for one in accepted)
    kinds = whole["type"]
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _meaning(of: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    return str(_referred(of, parts)["description"])
