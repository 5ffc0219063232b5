"""The registry of numbers: each entry with the rule, data, code and settings behind it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["Stage", "registry"]

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
    rule : str
        The Snakemake rule.
    inputs : mapping of str to {"path", "sha256"}
        Canonical table -> the file under ``data/`` that it was read from.
    code : sequence of {"path", "sha256"}
        Scripts and package modules from the raw tables to the stage.
    config : sequence of str
        Configuration keys that decide its results.
    """

    rule: str
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
) -> dict[str, dict[str, Any]]:
    """Every number and text that the manuscript may print, by key.

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

    Raises
    ------
    ValueError
        When two sources give the same key.
    """
    groups = (
        computed_entries(statistics, cohort),
        configured_entries(configuration),
        plan_entries(analysis, cohort, endpoints),
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
        return {"rule": None, "inputs": [], "code": [], "config": config, "crosscheck": None}
    return {
        "rule": stage.rule,
        "inputs": _inputs(entry["columns"], stage),
        "code": list(stage.code),
        "config": list(stage.config),
        "crosscheck": NO_CROSSCHECK,
    }


def _inputs(columns: Iterable[str], stage: Stage) -> list[Mapping[str, str]]:
    """Files of the tables that a number's columns belong to, each once; all where it names none."""
    tables = {column.split(".")[0] for column in columns} or set(stage.inputs)
    files = {stage.inputs[t]["path"]: stage.inputs[t] for t in tables if t in stage.inputs}
    return [files[path] for path in sorted(files)]
