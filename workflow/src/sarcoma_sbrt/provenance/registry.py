"""The registry of numbers: each entry with the rule, data, code and settings behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sarcoma_sbrt.evidence.published import Published
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.transcribed import published_entries
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["Stage", "code_sets", "registry"]

# A second engine recomputes the numbers in a later release; until then the entry says so.
NO_CROSSCHECK = {
    "status": "none",
    "engine": None,
    "value": None,
    "difference": None,
    "reason": "no second engine has recomputed this number yet",
}


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
    """

    rule: str | None
    inputs: Mapping[str, Mapping[str, str]]
    code: Sequence[Mapping[str, str]]
    config: Sequence[str]


def registry(
    statistics: Iterable[tuple[str, Statistic]],
    stages: Mapping[str, Stage],
    configuration: Mapping[str, Any],
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
    published: Published,
) -> dict[str, dict[str, Any]]:
    """Every number and text that the manuscript may print, by key.

    An entry's ``code`` is the name of a set of `code_sets`.

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
    return {key: entry | _ancestry(entry, stages) for key, entry in sorted(entries.items())}


def _ancestry(entry: Mapping[str, Any], stages: Mapping[str, Stage]) -> dict[str, Any]:
    stage = stages.get(entry["source"])
    if stage is None:
        config = entry.get("config", [])
        return {"rule": None, "inputs": [], "code": None, "config": config, "crosscheck": None}
    return {
        "rule": stage.rule,
        "inputs": _inputs(entry["columns"], stage),
        "code": entry["source"] if stage.code else None,
        "config": list(stage.config),
        "crosscheck": NO_CROSSCHECK if stage.rule else None,
    }


def code_sets(stages: Mapping[str, Stage]) -> dict[str, list[Mapping[str, str]]]:
    """Scripts and modules of each stage, which the entries' ``code`` names.

    Thousands of numbers share a stage's code; a set for each would be most of the registry.
    """
    return {name: list(stage.code) for name, stage in sorted(stages.items()) if stage.code}


def _inputs(columns: Iterable[str], stage: Stage) -> list[Mapping[str, str]]:
    """Files of the tables that a number's columns belong to, each once; all where it names none.

    A column ``published.<table>`` is a whole table of printed figures.
    """
    tables = {c if c.startswith("published.") else c.split(".")[0] for c in columns}
    tables = tables or {table for table in stage.inputs if not table.startswith("published.")}
    files = {stage.inputs[t]["path"]: stage.inputs[t] for t in tables if t in stage.inputs}
    return [files[path] for path in sorted(files)]
