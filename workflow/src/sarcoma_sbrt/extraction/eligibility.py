"""Who is analysed: checks across tables, eligibility, and the ledger of every row read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.extraction.mapping import (
    MappedTable,
    empty_table,
    map_table,
    mapping_faults,
    rebase,
)
from sarcoma_sbrt.extraction.sources import RawTable, cell_text, masked
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import CohortSettings
from sarcoma_sbrt.validation import pandera_schema

__all__ = ["EVENTS", "Extraction", "extract"]

Tables = dict[str, pd.DataFrame]
Reasons = dict[str, dict[int, str]]

_SINGULAR = {
    "patients": "patient",
    "lesions": "lesion",
    "courses": "course",
    "assessments": "assessment",
    "progressions": "progression",
    "treatments": "treatment",
    "toxicities": "toxicity",
}

# What happened on the day that a time column gives, as a message names it.
EVENTS = {
    "patients.diagnosis_day": "diagnosis",
    "patients.recurrence_day": "recurrence",
    "patients.last_contact_day": "last contact",
    "lesions.follow_up_end_day": "end of follow-up",
    "courses.start_day": "course",
    "assessments.assessment_day": "assessment",
    "progressions.progression_day": "progression",
    "treatments.treatment_day": "treatment",
    "toxicities.onset_day": "toxicity",
}

# Beside the times whose minimum is 0: the course that follow-up begins with precedes none.
_NOT_BEFORE_TIME_ZERO = ("courses.start_day",)

_TIME_ZERO_COLUMN = {"diagnosis": "patients.diagnosis_day", "first_course": "courses.start_day"}


@dataclass(frozen=True)
class Extraction:
    """A cohort's canonical tables and its flow ledger.

    Attributes
    ----------
    tables : dict of DataFrame
        Every table of `schema.TABLES`; one that the cohort does not have is empty. Times are
        days from time zero.
    flow : dict
        What became of every row read: ``rows_read`` of a table is ``rows_kept`` plus the rows
        of all ``excluded``.
    """

    tables: Tables
    flow: dict[str, Any]


def extract(
    cohort: CohortSettings,
    raw_tables: Mapping[str, RawTable],
    problems: tuple[Problem, ...] = (),
) -> Extraction:
    """Canonical tables of the eligible patients, and the ledger.

    Parameters
    ----------
    cohort : CohortSettings
        Mapping, time zero and eligibility.
    raw_tables : mapping of RawTable
        By canonical name, from `sources.read_cohort` or `sources.read_tables`.
    problems : tuple of Problem
        What `sources.read_tables` found, to be reported together with what is found here.

    Raises
    ------
    InputError
        With every problem of the settings and of every table; what was read of a table is
        masked for an observed cohort.
    """
    configured = [*_mapping_problems(cohort), *_setting_problems(cohort)]
    usable = cohort.columns - {_column_of(problem) for problem in configured}
    mapped = {
        name: map_table(TABLES[name], cohort.tables[name], raw, cohort.times)
        for name, raw in raw_tables.items()
    }
    tables = {n: mapped[n].frame if n in mapped else empty_table(t) for n, t in TABLES.items()}
    tables, zero = rebase(tables, cohort.time_zero)
    kept, reasons = _select(cohort, tables, usable)
    found = [problem for table in mapped.values() for problem in table.problems]
    for name in mapped:
        found += _duplicates(cohort, name, tables[name], raw_tables[name])
        found += _orphans(cohort, name, tables, raw_tables)
        found += _time_problems(cohort, name, kept, raw_tables[name])
    if "patients" in mapped:
        if _TIME_ZERO_COLUMN.get(cohort.time_zero) in usable:
            found += _without_time_zero(cohort, kept["patients"], zero, raw_tables)
        if all(rule["column"] in usable for rule in cohort.eligibility):
            configured += _count_problems(cohort, len(kept["patients"]))
    if problems or configured or found:
        raise InputError([*problems, *configured, *masked(found, cohort)])
    for name, table in TABLES.items():
        pandera_schema(table).validate(kept[name])
    return Extraction(kept, _flow(cohort, mapped, raw_tables, tables, kept, reasons))


def _select(
    cohort: CohortSettings, tables: Tables, usable: frozenset[str]
) -> tuple[Tables, Reasons]:
    """Rows that every eligibility rule keeps; position and reason of each that it does not.

    An excluded patient or lesion takes the rows of the tables below it along.
    """
    reasons: Reasons = {name: {} for name in tables}
    for rule in cohort.eligibility:
        if rule["column"] not in usable:  # reported as a fault of the settings
            continue
        name, _, column = rule["column"].partition(".")
        excluded = reasons[name]
        for position, value in enumerate(tables[name][column]):
            if position not in excluded and (reason := _ineligible(rule, value)):
                excluded[position] = reason
        _take_along(tables, reasons)
    kept = {
        name: frame.drop(index=frame.index[list(reasons[name])]).reset_index(drop=True)
        for name, frame in tables.items()
    }
    return kept, reasons


def _ineligible(rule: Mapping[str, Any], value: Any) -> str | None:
    """Reason for which a value fails a rule; None when it passes."""
    reason = str(rule["reason"])
    if pd.isna(value):
        return reason if rule.get("known") else f"{reason} (not known)"
    low, high = rule.get("minimum"), rule.get("maximum")
    fails = (
        ("keep" in rule and value not in rule["keep"])
        or (low is not None and value < low)
        or (high is not None and value > high)
    )
    return reason if fails else None


def _take_along(tables: Tables, reasons: Reasons) -> None:
    for name, table in TABLES.items():
        if table.parent is None:
            continue
        parent = tables[table.parent]
        key = list(TABLES[table.parent].key)
        gone = {
            tuple(parent.iloc[position][key]): reason
            for position, reason in reasons[table.parent].items()
        }
        for position, child in enumerate(_keys(tables[name], key)):
            if child in gone:
                reasons[name].setdefault(position, gone[child])


def _keys(frame: pd.DataFrame, columns: list[str]) -> list[tuple[Any, ...]]:
    return list(frame[columns].itertuples(index=False, name=None))


def _place(
    cohort: CohortSettings, name: str, column: str, raw: RawTable, line: int
) -> tuple[str, int, str, str]:
    """File, line, raw column and raw text behind one canonical cell."""
    how = cohort.tables[name].columns.get(column)
    if how is None:
        return raw.file, line, column, ""
    return raw.file, line, how.source, cell_text(dict(raw.rows)[line].get(how.source))


def _duplicates(
    cohort: CohortSettings, name: str, frame: pd.DataFrame, raw: RawTable
) -> Iterator[Problem]:
    columns = list(TABLES[name].key)
    seen: dict[tuple[Any, ...], int] = {}
    if not columns:
        return
    for key, line in zip(_keys(frame, columns), frame["source_line"], strict=True):
        if any(pd.isna(part) for part in key):
            continue
        if key in seen:
            file, _, column, _ = _place(cohort, name, columns[-1], raw, line)
            accepted = f"an id of its own; line {seen[key]} has this one"
            yield Problem(file, line, column, "duplicate id", " / ".join(key), accepted)
        seen.setdefault(key, line)


def _orphans(
    cohort: CohortSettings, name: str, tables: Tables, raw_tables: Mapping[str, RawTable]
) -> Iterator[Problem]:
    parent = TABLES[name].parent
    # A parent that is mapped but could not be read has been reported, once.
    if parent is None or (parent in cohort.tables and parent not in raw_tables):
        return
    columns = list(TABLES[parent].key)
    known = set(_keys(tables[parent], columns))
    what = f"{_SINGULAR[name]} without {_SINGULAR[parent]}"
    home = raw_tables[parent].file if parent in raw_tables else f"a table of {parent}"
    for key, line in zip(_keys(tables[name], columns), tables[name]["source_line"], strict=True):
        if key not in known and not any(pd.isna(part) for part in key):
            file, _, column, _ = _place(cohort, name, columns[-1], raw_tables[name], line)
            yield Problem(file, line, column, what, " / ".join(key), f"one that is in {home}")


def _time_problems(
    cohort: CohortSettings, name: str, kept: Tables, raw: RawTable
) -> Iterator[Problem]:
    """Days before time zero where none can be, and days after the patient's last contact."""
    frame = kept[name]
    contact = kept["patients"].drop_duplicates("patient_id").set_index("patient_id")
    last = frame["patient_id"].map(contact["last_contact_day"]).astype("Float64")
    last = last.mask(last < 0)  # that is the problem then, not every other day
    for column in (c for c in TABLES[name].columns if c.kind == "time"):
        days = frame[column.name]
        wrong = [(days > last, "after the last contact", "a day up to the last contact")]
        if column.minimum == 0 or f"{name}.{column.name}" in _NOT_BEFORE_TIME_ZERO:
            wrong.append((days < 0, "before time zero", "a day from time zero on"))
        for where, what, accepted in wrong:
            for _, row in frame[where.fillna(False)].iterrows():
                place = _place(cohort, name, column.name, raw, row["source_line"])
                event = _event(name, column.name, row)
                yield _time_problem(place, f"{event} {what}", accepted)


def _event(name: str, column: str, row: pd.Series[Any]) -> str:
    if column == "last_contact_day" and row["vital_status"] is not pd.NA:
        return {"dead": "death", "alive": "last contact"}[row["vital_status"]]
    return EVENTS[f"{name}.{column}"]


def _time_problem(place: tuple[str, int, str, str], what: str, accepted: str) -> Problem:
    file, line, column, read = place
    return Problem(file, line, column, what, read, accepted)


def _settings_file(cohort: CohortSettings) -> str:
    return f"config/cohorts/{cohort.name}.yaml"


def _column_of(problem: Problem) -> str:
    """Give the canonical ``table.column`` that a key path like ``tables.t.columns.c`` maps."""
    block, table, _, column = [*problem.column.split("."), "", "", ""][:4]
    return f"{table}.{column}" if block == "tables" else ""


def _mapping_problems(cohort: CohortSettings) -> Iterator[Problem]:
    """Name the columns that no row could be read by, each at its key path of the YAML."""
    for name, mapping in cohort.tables.items():
        for key, *told in mapping_faults(TABLES[name], mapping, cohort.times):
            yield Problem(_settings_file(cohort), 0, f"tables.{name}.columns.{key}", *told)


def _setting_problems(cohort: CohortSettings) -> Iterator[Problem]:
    """Name the settings that ask for a canonical column which the cohort does not map."""
    needed = {
        f"eligibility.{i}.column": rule["column"] for i, rule in enumerate(cohort.eligibility)
    }
    if cohort.time_zero in _TIME_ZERO_COLUMN:
        needed["time_zero"] = _TIME_ZERO_COLUMN[cohort.time_zero]
    for key, column in needed.items():
        if column not in cohort.columns:
            accepted = "a column that the cohort maps"
            yield Problem(_settings_file(cohort), 0, key, f"{column} is not mapped", "", accepted)
    if "unit" not in cohort.times and cohort.time_zero == "origin":
        what, accepted = "dates are counted from no origin", ", ".join(_TIME_ZERO_COLUMN)
        yield Problem(_settings_file(cohort), 0, "time_zero", what, cohort.time_zero, accepted)


def _without_time_zero(
    cohort: CohortSettings,
    patients: pd.DataFrame,
    zero: pd.Series[float],
    raw_tables: Mapping[str, RawTable],
) -> Iterator[Problem]:
    reference = _TIME_ZERO_COLUMN[cohort.time_zero]
    table, _, column = reference.partition(".")
    if table not in raw_tables:
        return
    shown = column if table == "patients" else "patient_id"
    accepted = f"a patient with a day of {EVENTS[reference]}"
    for patient, line in zip(patients["patient_id"], patients["source_line"], strict=True):
        if not pd.isna(patient) and pd.isna(zero[patient]):
            place = _place(cohort, "patients", shown, raw_tables["patients"], line)
            yield _time_problem(place, "patient without time zero", accepted)


def _count_problems(cohort: CohortSettings, analysed: int) -> Iterator[Problem]:
    file = _settings_file(cohort)
    if analysed == 0:
        yield Problem(file, 0, "eligibility", "no patient is left", accepted="at least one patient")
    if cohort.screening is None:
        return
    reviewed, enrolled = cohort.screening["reviewed"], cohort.screening["enrolled"]
    if enrolled != analysed:
        what = "enrolled patients are not the patients analysed"
        yield Problem(file, 0, "screening.enrolled", what, str(enrolled), str(analysed))
    if reviewed < enrolled:
        what = "fewer reviewed than enrolled"
        yield Problem(file, 0, "screening.reviewed", what, str(reviewed), f">= {enrolled}")


def _flow(
    cohort: CohortSettings,
    mapped: Mapping[str, MappedTable],
    raw_tables: Mapping[str, RawTable],
    tables: Tables,
    kept: Tables,
    reasons: Reasons,
) -> dict[str, Any]:
    """Ledger as ``results/flow.json`` holds it."""
    read = len(tables["patients"])
    screening = cohort.screening and {
        **cohort.screening,
        "excluded": cohort.screening["reviewed"] - cohort.screening["enrolled"],
    }
    return {
        "cohort": cohort.name,
        "kind": cohort.kind,
        "screening": screening,
        "tables": {
            name: _table_flow(raw_tables[name], mapped[name], kept[name], reasons[name])
            for name in TABLES
            if name in mapped
        },
        "patients": {
            "read": read,
            "excluded": [
                {"reason": reason, "patients": len(lines)}
                for reason, lines in _by_reason(reasons["patients"]).items()
            ],
            "analysed": len(kept["patients"]),
        },
    }


def _table_flow(
    raw: RawTable, mapped: MappedTable, kept: pd.DataFrame, reasons: Mapping[int, str]
) -> dict[str, Any]:
    lines_kept = {int(line) for line in kept["source_line"]}
    excluded = dict(mapped.excluded)
    for position, reason in reasons.items():
        line = int(mapped.frame["source_line"].iloc[position])
        if line not in lines_kept:  # a split row stays while any of its parts does
            excluded[line] = reason
    return {
        "file": raw.file,
        "rows_read": len(raw.rows),
        "rows_kept": len(lines_kept),
        "canonical_rows": len(kept),
        "excluded": [
            {"reason": reason, "rows": len(lines), "lines": lines}
            for reason, lines in _by_reason(excluded).items()
        ],
    }


def _by_reason(excluded: Mapping[int, str]) -> dict[str, list[int]]:
    grouped: dict[str, list[int]] = {}
    for line in sorted(excluded):
        grouped.setdefault(excluded[line], []).append(line)
    return grouped
