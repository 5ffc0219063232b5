"""What stands behind every stage: rule, files, code, configuration, environment.

The registry says of a number what its stage says; ``lineage.json`` holds what all of them share.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from sarcoma_sbrt.provenance.registry import Stage
from sarcoma_sbrt.provenance.rows import NumberRows
from sarcoma_sbrt.provenance.setting_lines import Setting, setting_lines, with_own_blocks
from sarcoma_sbrt.reporting.statistics import Statistic, from_json
from sarcoma_sbrt.settings import CohortSettings, TableMapping, merged_plan

__all__ = [
    "LINEAGE_VERSION",
    "RANGES",
    "also",
    "configuration",
    "gathered",
    "inputs",
    "lineage_document",
    "printed_files",
    "raw_columns",
    "raw_files",
    "settings",
    "stages",
    "with_range_rows",
]

LINEAGE_VERSION = "1.1"

RANGES = "reconstruction.ranges"
"""Name, among the inputs, of the file of ranges over the reconstructions found."""

# {"path", "sha256"} of a file.
File = Mapping[str, str]


def raw_files(cohort: CohortSettings, files: Iterable[File], folder: str) -> dict[str, File]:
    """Canonical table -> the raw file that it was read from.

    Parameters
    ----------
    cohort : CohortSettings
        Names the file of each table; two tables may share one.
    files : iterable of {"path", "sha256"}
        Raw files that are there.
    folder : str
        The cohort's folder, as their paths show it.
    """
    by_path = {file["path"]: file for file in files}
    paths = {name: f"{folder}/{table.file}" for name, table in cohort.tables.items()}
    return {name: by_path[path] for name, path in paths.items() if path in by_path}


def printed_files(files: Iterable[File]) -> dict[str, File]:
    """``published.<table>`` -> the file of that table of printed figures."""
    return {f"published.{PurePath(file['path']).stem}": file for file in files}


def inputs(
    cohort: CohortSettings,
    folder: str,
    raw: Iterable[File],
    printed: Iterable[File],
    ranges: Iterable[File],
) -> dict[str, File]:
    """Every file that a number may rest on, by the name of the table in it."""
    named = raw_files(cohort, raw, folder) | printed_files(printed)
    return named | dict(zip([RANGES], ranges, strict=False))


def stages(
    planned: Mapping[str, Mapping[str, Any]],
    inputs: Mapping[str, File],
    code: Mapping[str, File],
) -> dict[str, Stage]:
    """What stands behind each stage, by its name.

    Parameters
    ----------
    planned : mapping
        Stage -> ``rule`` (or None), ``code`` (paths), ``config`` (keys) and, where its numbers
        rest on a table that their columns do not name, ``also`` (names in `inputs`).
    inputs : mapping
        `raw_files` and `printed_files`, and other files that a stage's ``also`` names.
    code : mapping
        Path as planned -> the file; each was hashed once, though many stages share it.
    """
    return {
        name: Stage(
            rule=stage["rule"],
            inputs=inputs,
            code=[code[path] for path in stage["code"]],
            config=stage["config"],
            also=tuple(also for also in stage.get("also", ()) if also in inputs),
        )
        for name, stage in planned.items()
    }


def gathered(
    documents: Iterable[tuple[str, Mapping[str, Any]]],
) -> list[tuple[str, Statistic]]:
    """Stage and statistic of every record of the stages' documents."""
    return [(stage, statistic) for stage, one in documents for statistic in from_json(one)]


def also(stages: Mapping[str, Stage]) -> dict[str, Sequence[str]]:
    """Stages whose numbers rest on tables that their columns do not name, with these."""
    return {name: stage.also for name, stage in stages.items() if stage.also}


def with_range_rows(
    entries: Mapping[str, dict[str, Any]],
    statistics: Iterable[tuple[str, Statistic]],
    rows: NumberRows,
    source: File,
    ranges: Iterable[tuple[int, Mapping[str, str]]],
) -> dict[str, dict[str, Any]]:
    """The registry where a printed range names the line that it was read from as well.

    Parameters
    ----------
    entries : mapping
        The registry, with the entries ``<key>.over_solutions`` of `over_solutions.with_ranges`.
    statistics : iterable of (str, Statistic)
        Stage and statistic.
    rows : NumberRows
        Takes up the sets.
    source : {"path", "sha256"}
        File of the ranges.
    ranges : iterable of (int, mapping)
        Its lines with their cells, among them ``key``.
    """
    known = {statistic.key: (stage, statistic) for stage, statistic in statistics}
    lines = {cells["key"]: line for line, cells in ranges}
    told = dict(entries)
    for key, entry in entries.items():
        if key.endswith(".over_solutions"):
            of = entry["of"]
            beside = rows.beside(*known[of], source["path"], lines[of])
            told[key] = entry | {"lineage": beside, "crosscheck": None}
    return told


def configuration(
    plan: Mapping[str, Any],
    cohort: CohortSettings,
    run: Mapping[str, Any],
    **others: Mapping[str, Any],
) -> dict[str, Any]:
    """Configuration by the name that keys of the registry give it, ``config.<name>.<path>``.

    Parameters
    ----------
    plan : mapping
        ``cohort``, ``endpoints`` and ``models``, as read.
    cohort : CohortSettings
        Its own blocks replace those of ``models``.
    run : mapping
        What was run: cohort and seed.
    **others : mapping
        Further files by name; an empty one is left out.
    """
    told = {
        "cohort": plan["cohort"],
        "endpoints": plan["endpoints"],
        "models": merged_plan(plan["models"], cohort),
        "run": run,
    }
    return told | {name: content for name, content in others.items() if content}


def settings(
    files: Mapping[str, tuple[File, str]],
    cohort: CohortSettings,
    run: Mapping[str, tuple[str, int]],
) -> dict[str, Setting]:
    """Where each setting stands, by the key that `configuration` gives it.

    Parameters
    ----------
    files : mapping
        ``cohort``, ``endpoints``, ``models`` and further names -> the file and its content.
    cohort : CohortSettings
        Its own blocks replace those of ``models``.
    run : mapping
        Key of what was run -> file and line; what the command line gave has none.
    """
    placed: dict[str, Setting] = {}
    for name, (file, text) in files.items():
        placed |= setting_lines(text, name, file["path"], file["sha256"])
    of_run = {key: Setting(path, line) for key, (path, line) in run.items()}
    return with_own_blocks(placed, cohort.models) | of_run


def raw_columns(cohort: CohortSettings, folder: str) -> dict[str, dict[str, str]]:
    """Canonical column -> raw file (and #sheet) and the header that it is read from."""
    return {
        f"{name}.{column}": {"file": _shown(table, folder), "column": how.source}
        for name, table in sorted(cohort.tables.items())
        for column, how in sorted(table.columns.items())
    }


def _shown(table: TableMapping, folder: str) -> str:
    sheet = f"#{table.sheet}" if table.sheet else ""
    return f"{folder}/{table.file}{sheet}"


def lineage_document(
    cohort: CohortSettings,
    folder: str,
    *,
    files: Iterable[File],
    environment: Mapping[str, Any],
    registration: Mapping[str, Any],
    printing: Mapping[str, Sequence[str]],
    row_sets: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """Content of ``lineage.json``.

    Parameters
    ----------
    cohort : CohortSettings
        Name, kind, and how its columns are read.
    folder : str
        Its folder below the repository.
    files : iterable of {"path", "sha256"}
        All data and configuration that was read.
    environment : mapping
        ``python``, ``lock``, ``renderer`` and ``stages``.
    registration : mapping
        ``rule``, ``code`` and ``config`` behind every entry, whatever its stage: they word,
        round and register it.
    printing : mapping
        Rule between the registry and the page -> its scripts and modules.
    row_sets : mapping
        `row_sets.RowSets.to_json`.
    """
    return {
        "version": LINEAGE_VERSION,
        "cohort": cohort.name,
        "kind": cohort.kind,
        "files": dict(sorted((file["path"], file["sha256"]) for file in files)),
        "environment": environment,
        "registration": registration,
        "printing": printing,
        "columns": raw_columns(cohort, folder),
        "row_sets": row_sets,
    }
