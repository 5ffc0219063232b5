"""Which rows stand behind a number.

A statistic says in ``population`` and ``rows`` how its units are selected, and in ``columns``
what was read of them. Here both are resolved to positions: the units that were counted, and the
canonical rows that were read for them.

Of an endpoint these are, for each unit, its own row, the row that decided its time and event,
and all rows of the same patient (or lesion) in every table that a column belongs to. Which of
them decided depends on the gap between last image and death; all of them are read at any gap, so
the variants of a competing death have the rows of the endpoint itself.

Of a table of characteristics the units are the rows counted, and read was every row of the
tables, since each could have been counted. A number of settings alone has the lines of these.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.covariates import design
from sarcoma_sbrt.evidence.published import Figure, Published
from sarcoma_sbrt.provenance.row_sets import Positions, RowSets, Selection
from sarcoma_sbrt.provenance.setting_lines import Setting
from sarcoma_sbrt.reporting.cohort_statistics import first_courses, related_events, slug
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import Plan

__all__ = [
    "CanonicalRows",
    "NumberRows",
    "Printed",
    "PrintedRows",
    "Records",
    "prescriptions",
    "printed_tables",
    "tables_of",
]

Mask = NDArray[np.bool_]

_ENDPOINTS = "endpoints/"
_PRINTED = "published."
_STUDIES = "published.studies"
# Part of a statistic's rows: keys of the settings that it was computed from.
_SETTINGS = "config"
_NUMBER = "derived.number_of_lesions"
# Of a lesion's own rows, those of all the patient's lesions say how many lesions there are.
_OF_LESIONS = ("lesions", "courses", "assessments")
_SAY_HOW_MANY = ("lesions", "courses")
# Dose of a lesion's first course; the stage of doses asks for it by this name.
_DOSE = "dose"


def tables_of(statistic: Statistic) -> tuple[str, ...]:
    """Canonical tables that a statistic was computed from, in the schema's order.

    Those of its columns, of its population and its rows; all of them where it names none, nor a
    table of printed figures. What is computed from settings alone has none.
    """
    if _SETTINGS in statistic.rows:
        return ()
    named = {column.partition(".")[0] for column in statistic.columns}
    named |= {str(of.get("table", "")) for of in (statistic.population, statistic.rows)}
    found = tuple(table for table in TABLES if table in named)
    is_printed = any(column.startswith(_PRINTED) for column in statistic.columns)
    return found if found or is_printed else tuple(TABLES)


def prescriptions(statistics: Iterable[Statistic]) -> frozenset[tuple[float, int]]:
    """Dose (Gy) and fractions of the prescriptions that are counted by themselves."""
    filters = (statistic.rows.get("filter", {}) for statistic in statistics)
    return frozenset(
        (float(of["dose_gy"]), int(of["fractions"]))
        for of in filters
        if isinstance(of.get("dose_gy"), int | float) and "fractions" in of
    )


# --- a cohort ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Records:
    """What the numbers of a cohort were computed from.

    Attributes
    ----------
    tables : mapping of str to DataFrame
        Canonical tables.
    endpoints : mapping of str to DataFrame
        Endpoint tables (`schema.ENDPOINT_TABLE`) by name.
    patients, lesions : DataFrame
        `covariates.covariate_frame`.
    plan : Plan
        Its covariates say what a group is, its endpoints whose each one is.
    """

    tables: Mapping[str, pd.DataFrame]
    endpoints: Mapping[str, pd.DataFrame]
    patients: pd.DataFrame
    lesions: pd.DataFrame
    plan: Plan


class CanonicalRows:
    """Rows of a cohort's tables, by what selects them.

    Parameters
    ----------
    records : Records
        Tables, endpoints and covariates.
    prescribed : collection of (float, int)
        `prescriptions`: any other is one of the rest.
    """

    def __init__(
        self, records: Records, prescribed: Collection[tuple[float, int]] = frozenset()
    ) -> None:
        self._records = records
        self._prescribed = prescribed
        self._codes = _Codes(records.tables)
        self._endpoints = {
            name: _EndpointRows(records, self._codes, name) for name in records.endpoints
        }

    def of(self, statistic: Statistic) -> Selection:
        """Units that a statistic counts, and the rows that were read for them.

        Raises
        ------
        ValueError
            When it selects rows by something that is not known here.
        """
        tables = tables_of(statistic)
        table = str(statistic.rows.get("table", ""))
        if table.startswith(_ENDPOINTS):
            return self._of_endpoint(statistic, table, tables)
        everything = {name: np.arange(len(self._records.tables[name])) for name in tables}
        units = {}
        if table in TABLES:
            where = statistic.rows.get("filter", {})
            units[table] = np.flatnonzero(self._filtered(table, where, statistic.columns))
        return Selection(units=units, canonical=everything)

    def _of_endpoint(self, statistic: Statistic, table: str, tables: Iterable[str]) -> Selection:
        rows = self._endpoints[table.removeprefix(_ENDPOINTS)]
        chosen = rows.where(statistic.rows.get("where", {}))
        counts_lesions = "lesions.lesion_id" in statistic.columns
        read = rows.read(chosen, tables, of_all_lesions=counts_lesions)
        return Selection(units={table: np.flatnonzero(chosen)}, canonical=read)

    # --- filters of a canonical table

    def _filtered(self, table: str, where: Mapping[str, Any], columns: Iterable[str]) -> Mask:
        """Rows of a canonical table that a filter lets in."""
        frame = self._records.tables[table]
        chosen = self._counted_at_all(table, where)
        own = [c.partition(".")[2] for c in columns if c.startswith(f"{table}.")]
        # What is asked of a patient's rows together comes after what is asked of each.
        for name in sorted(where, key=lambda name: (table, name) in _TOGETHER):
            if (table, name) in _TOGETHER:
                chosen = _TOGETHER[table, name](frame, chosen, where[name])
            elif name not in _WITHIN:
                chosen = chosen & self._matches(table, name, where, own)
        return chosen

    def _counted_at_all(self, table: str, where: Mapping[str, Any]) -> Mask:
        """Rows that a count of the table looks at: first courses, and related adverse events."""
        if table == "courses":
            return self._first if where.get("course", "first") == "first" else ~self._first
        if table == "toxicities":
            related = self._phases != _UNRELATED
            if where.get("left_out") == "unrelated":
                return np.asarray(~related)
            unknown = self._phases == ""
            return np.asarray(related & unknown if "left_out" in where else related)
        return np.ones(len(self._records.tables[table]), dtype=bool)

    def _matches(self, table: str, name: str, where: Mapping[str, Any], own: Iterable[str]) -> Mask:
        asked, frame = where[name], self._records.tables[table]
        special = _SPECIAL.get((table, name))
        if special is not None:
            return np.asarray(special(self, asked, where))
        if name in frame:
            used = [c for c in dict.fromkeys((name, *own)) if c in frame]
            return _matching(frame[name], asked, frame[used])
        raise ValueError(f"{table}: no rows can be selected by {name}, read {asked!r}")

    @cached_property
    def _first(self) -> Mask:
        courses = self._records.tables["courses"].reset_index(drop=True)
        return np.asarray(courses.index.isin(first_courses(courses).index))

    @cached_property
    def _phases(self) -> NDArray[np.object_]:
        """Phase of each adverse event; `_UNRELATED` where it is not attributed to SBRT."""
        events = self._records.tables["toxicities"].reset_index(drop=True)
        related = related_events(events, self._records.plan.acute_toxicity_months)
        return related["phase"].reindex(events.index, fill_value=_UNRELATED).to_numpy(dtype=object)

    def _of_phase(self, phase: str, _: Mapping[str, Any]) -> Mask:
        return np.asarray(self._phases == phase)

    def _of_term(self, term: str, _: Mapping[str, Any]) -> Mask:
        names = self._records.tables["toxicities"]["term"].map(slug)
        return (names == slug(term)).to_numpy(dtype=bool)

    def _by_number(self, asked: Any, _: Mapping[str, Any]) -> Mask:
        frame = self._records.patients
        rows = self._codes.positions(frame, "patients")
        values = pd.Series(pd.NA, index=range(len(self._records.tables["patients"])), dtype="Int64")
        values.iloc[rows] = frame[_NUMBER].to_numpy()
        return _matching(values, asked, values.to_frame())

    def _treated(self, _: Any, __: Mapping[str, Any]) -> Mask:
        treated = np.zeros(len(self._records.tables["patients"]), dtype=bool)
        treated[self._codes.patient["courses"]] = True
        return treated

    def _on_side(self, covariate: str, where: Mapping[str, Any]) -> Mask:
        """Lesions on a side of a covariate; on neither where the side is None."""
        frame, plan = self._records.lesions, self._records.plan
        coded = design(frame, plan.analysis.covariates, (covariate,))[covariate].to_numpy()
        values = np.full(len(self._records.tables["lesions"]), np.nan)
        values[self._codes.positions(frame, "lesions")] = coded
        sides = {"level": 1.0, "reference": 0.0}
        side = where["side"]
        return np.isnan(values) if side is None else np.asarray(values == sides[side])

    def _at_site(self, site: str, _: Mapping[str, Any]) -> Mask:
        sites = self._records.tables["lesions"]["site"]
        of_course = sites.iloc[self._codes.lesion["courses"]]
        chosen = of_course.isna() if site == "missing" else of_course == site
        return np.asarray(chosen.fillna(False), dtype=bool)

    def _dosed(self, _: Any = None, __: Mapping[str, Any] | None = None) -> Mask:
        courses = self._records.tables["courses"]
        return courses[["dose_gy", "fractions"]].notna().all(axis="columns").to_numpy(dtype=bool)

    def _otherwise_prescribed(self, _: Any, __: Mapping[str, Any]) -> Mask:
        courses = self._records.tables["courses"]
        pairs = zip(courses["dose_gy"].tolist(), courses["fractions"].tolist(), strict=True)
        named = [pair in self._prescribed for pair in pairs]
        return np.asarray(self._dosed() & ~np.asarray(named, dtype=bool))


def _matching(values: pd.Series[Any], asked: Any, used: pd.DataFrame) -> Mask:
    """Values as a filter asks for them; what is known or missing is so of all columns used."""
    if asked is None:
        return np.asarray(used.isna().any(axis="columns"), dtype=bool)
    if not isinstance(asked, Mapping):
        return np.asarray((values == asked).fillna(False), dtype=bool)
    ((how, limit),) = asked.items()
    if how == "known":
        return np.asarray(used.notna().all(axis="columns"), dtype=bool)
    return np.asarray(_COMPARED[how](values.to_numpy(dtype=float, na_value=np.nan), limit))


_COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "at_least": operator.ge,
    "above": operator.gt,
    "at_most": operator.le,
    "below": operator.lt,
}


def _worst_grade(events: pd.DataFrame, chosen: Mask, asked: Any) -> Mask:
    """Adverse events from a grade on; of a grade: those that are their patient's worst."""
    grade = events["grade"].to_numpy(dtype=float, na_value=np.nan)
    if isinstance(asked, Mapping):
        return np.asarray(chosen & _matching(events["grade"], asked, events[["grade"]]))
    patients = events["patient_id"].to_numpy()
    worst = pd.Series(np.where(chosen, grade, np.nan)).groupby(patients).transform("max")
    return np.asarray(chosen & (grade == asked) & (worst.to_numpy() == asked))


def _operations(treatments: pd.DataFrame, chosen: Mask, asked: Mapping[str, float]) -> Mask:
    """Treatments of the patients whose operations in all are so many."""
    each = treatments["operations"].to_numpy(dtype=float, na_value=0.0)
    patients = treatments["patient_id"].to_numpy()
    total = pd.Series(np.where(chosen, each, 0.0)).groupby(patients).transform("sum")
    return np.asarray(chosen & _matching(total, asked, total.to_frame()))


_UNRELATED = "unrelated"
# Parts of a filter that another part, or the count of the table itself, takes into account.
_WITHIN = ("course", "left_out", "side")
_TOGETHER: dict[tuple[str, str], Callable[[pd.DataFrame, Mask, Any], Mask]] = {
    ("toxicities", "grade"): _worst_grade,
    ("treatments", "operations"): _operations,
}
_SPECIAL: dict[tuple[str, str], Callable[[CanonicalRows, Any, Mapping[str, Any]], Mask]]
_SPECIAL = {
    ("patients", _NUMBER): CanonicalRows._by_number,
    ("patients", "courses"): CanonicalRows._treated,
    ("lesions", "covariate"): CanonicalRows._on_side,
    ("courses", "site"): CanonicalRows._at_site,
    ("courses", _DOSE): CanonicalRows._dosed,
    ("courses", "prescription"): CanonicalRows._otherwise_prescribed,
    ("toxicities", "phase"): CanonicalRows._of_phase,
    ("toxicities", "term"): CanonicalRows._of_term,
}


class _Codes:
    """Each row's patient and lesion, as the position of their own row in the canonical table.

    -1 where there is none: a table per patient has no lesion.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self._patients = pd.Index(tables["patients"]["patient_id"].to_numpy(dtype=object))
        lesions = tables["lesions"]
        self._names = pd.Index(lesions["lesion_id"].to_numpy(dtype=object)).unique()
        self._lesions = pd.Index(self._pairs(lesions))
        self.patient = {name: self._of_patient(table) for name, table in tables.items()}
        self.lesion = {
            name: self._of_lesion(table) for name, table in tables.items() if "lesion_id" in table
        }

    def positions(self, frame: pd.DataFrame, table: str) -> Positions:
        """Position in ``patients`` or ``lesions`` of each row of a frame."""
        return self._of_patient(frame) if table == "patients" else self._of_lesion(frame)

    def _of_patient(self, frame: pd.DataFrame) -> Positions:
        found = self._patients.get_indexer(pd.Index(frame["patient_id"].to_numpy(dtype=object)))
        return np.asarray(found, dtype=np.int64)

    def _of_lesion(self, frame: pd.DataFrame) -> Positions:
        return np.asarray(self._lesions.get_indexer(pd.Index(self._pairs(frame))), dtype=np.int64)

    def _pairs(self, frame: pd.DataFrame) -> Positions:
        """One number for patient and lesion; no lesion has a negative one."""
        lesion = self._names.get_indexer(pd.Index(frame["lesion_id"].to_numpy(dtype=object)))
        patient = self._of_patient(frame)
        pairs = patient * max(len(self._names), 1) + lesion
        return np.where((patient < 0) | (lesion < 0), -1, pairs)


class _EndpointRows:
    """Rows of one endpoint table, by their covariates, and what was read for them."""

    def __init__(self, records: Records, codes: _Codes, name: str) -> None:
        table = records.endpoints[name]
        self._records, self._codes, self._name = records, codes, name
        self._unit = records.plan.endpoints[name].unit
        self._own = f"{self._unit}s"
        self._n = len(table)
        self._patient = codes.positions(table, "patients")
        self._code = codes.positions(table, self._own)
        self._frame = records.patients if self._unit == "patient" else records.lesions
        self._known: dict[str, Any] = {}

    def where(self, asked: Mapping[str, Any]) -> Mask:
        """Rows of the table in a group (``{grade: 1}``) or with covariates ``recorded``."""
        chosen = np.ones(self._n, dtype=bool)
        for name, value in asked.items():
            if name == "recorded":
                for covariate in value:
                    chosen &= self._recorded(covariate)
            elif isinstance(value, list) and any(isinstance(code, str) for code in value):
                chosen &= self._raw(self._covariate(name)).isin(value).to_numpy(dtype=bool)
            else:
                chosen &= np.isin(self._coded(name), value)
        return chosen

    def read(
        self, chosen: Mask, tables: Iterable[str], of_all_lesions: bool
    ) -> dict[str, Positions]:
        """Canonical rows of the units: their own, the deciding ones, and those of the tables.

        Parameters
        ----------
        chosen : array of bool
            Of the endpoint table's rows.
        tables : iterable of str
            Canonical tables in which every row of the unit was read.
        of_all_lesions : bool
            Whether a lesion's number depends on which other lesions its patient has.
        """
        patients = self._mask("patients", self._patient[chosen])
        own = self._mask(self._own, self._code[chosen])
        whole = {*tables, self._own}
        found = {}
        for name in TABLES:
            rows = np.zeros(len(self._records.tables[name]), dtype=bool)
            if name in whole:
                by_lesion = self._unit == "lesion" and name in _OF_LESIONS
                if by_lesion and not (of_all_lesions and name in _SAY_HOW_MANY):
                    rows |= own[self._codes.lesion[name]]
                else:
                    rows |= patients[self._codes.patient[name]]
            rows |= self._deciding(name, chosen)
            if rows.any():
                found[name] = np.flatnonzero(rows)
        return found

    def _mask(self, table: str, positions: Positions) -> Mask:
        # One place more, never chosen: a row that has none has the code -1.
        found = np.zeros(len(self._records.tables[table]) + 1, dtype=bool)
        found[positions] = True
        return found

    def _deciding(self, name: str, chosen: Mask) -> Mask:
        """Rows of a canonical table that decided a chosen unit's time and event."""
        if name not in self._known:
            self._known[name] = self._decisions(name)
        unit, row = self._known[name]
        found = np.zeros(len(self._records.tables[name]), dtype=bool)
        found[row[chosen[unit]]] = True
        return found

    def _decisions(self, name: str) -> tuple[Positions, Positions]:
        """Unit and canonical row of every decision that the table made.

        A raw row that was split gives several canonical rows; those of the patient decided.
        """
        place = ["patient_id", "source_file", "source_line"]
        made = self._records.endpoints[self._name][["source_table", *place]]
        made = made.reset_index(names="unit").query("source_table == @name")
        rows = self._records.tables[name][place].reset_index(names="row")
        pairs = made.merge(rows, on=place)
        return pairs["unit"].to_numpy(dtype=np.int64), pairs["row"].to_numpy(dtype=np.int64)

    # --- covariates, row by row

    def _covariate(self, name: str) -> str:
        covariates = self._records.plan.analysis.covariates
        if name not in covariates:
            raise ValueError(f"{_ENDPOINTS}{self._name}: no covariate is called {name}")
        return covariates[name].column

    def _recorded(self, name: str) -> Mask:
        if name == _DOSE and name not in self._records.plan.analysis.covariates:
            return self._raw("derived.bed10_gy").notna().to_numpy(dtype=bool)
        return np.asarray(~np.isnan(self._coded(name)))

    def _coded(self, name: str) -> NDArray[np.float64]:
        if name not in self._known:
            self._covariate(name)
            known = self._records.plan.analysis.covariates
            self._known[name] = design(self._aligned, known, (name,))[name].to_numpy(dtype=float)
        return np.asarray(self._known[name], dtype=np.float64)

    def _raw(self, column: str) -> pd.Series[Any]:
        return self._aligned[column]

    @cached_property
    def _aligned(self) -> pd.DataFrame:
        """Covariates, row by row for the endpoint table."""
        at = np.full(len(self._records.tables[self._own]) + 1, -1)
        at[self._codes.positions(self._frame, self._own)] = np.arange(len(self._frame))
        return self._frame.iloc[at[self._code]].reset_index(drop=True)


# --- printed figures ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """A file that is read line by line: its path as shown, and its lines, ascending."""

    path: str
    lines: Positions


def printed_tables(
    files: Mapping[str, Mapping[str, str]], rows: Mapping[str, Iterable[tuple[int, object]]]
) -> dict[str, Printed]:
    """Tables that are read line by line, by name.

    Parameters
    ----------
    files : mapping
        Name -> ``{"path", "sha256"}``; a table without one is left out.
    rows : mapping
        Name -> rows, each with its line first, as `io.read_rows` gives them.
    """
    return {
        name: Printed(files[name]["path"], np.array([line for line, _ in of], dtype=np.int64))
        for name, of in rows.items()
        if name in files
    }


class PrintedRows:
    """Lines of printed figures, by the keys or columns of a statistic.

    Parameters
    ----------
    published : Published
        Figures and studies, each with its file and line.
    tables : mapping of str to Printed
        ``published.<table>`` -> its file.
    also : mapping of str to sequence of str
        Stage -> tables that its numbers rest on beside their columns: those that a
        reconstruction is held against.
    """

    def __init__(
        self,
        published: Published,
        tables: Mapping[str, Printed],
        also: Mapping[str, Iterable[str]],
    ) -> None:
        self._figures, self._studies = published.figures, published.studies
        self._tables = tables
        self._also = {stage: tuple(names) for stage, names in also.items()}

    def of(self, stage: str, statistic: Statistic) -> dict[str, Positions]:
        """File -> lines of the figures that a statistic rests on.

        Raises
        ------
        ValueError
            When it names a figure or a table that is not there.
        """
        columns = [column for column in statistic.columns if column.startswith(_PRINTED)]
        columns += [name for name in self._also.get(stage, ()) if name in self._tables]
        if not columns:
            return {}
        figures = self._named(stage, statistic)
        if not figures:
            return {self._table(c).path: self._table(c).lines for c in dict.fromkeys(columns)}
        return self._lines(figures, _STUDIES in columns)

    def reads_keys_of(self, stage: str) -> bool:
        """Whether the key of a stage's number can name the figure that it is held against."""
        return stage in self._also

    def _table(self, name: str) -> Printed:
        if name not in self._tables:
            raise ValueError(f"{name}: no such table of printed figures")
        return self._tables[name]

    def _lines(self, figures: Iterable[Figure], with_studies: bool) -> dict[str, Positions]:
        found: dict[str, set[int]] = {}
        for figure in figures:
            found.setdefault(self._path(figure.file), set()).add(figure.line)
            study = self._studies.get(figure.study_id)
            if with_studies and study is not None:
                found.setdefault(self._path(study.file), set()).add(study.line)
        return {file: np.asarray(sorted(lines), dtype=np.int64) for file, lines in found.items()}

    def _path(self, file: str) -> str:
        return self._table(f"{_PRINTED}{PurePath(file).stem}").path

    def _named(self, stage: str, statistic: Statistic) -> list[Figure]:
        """Figures that a statistic names, by its rows or its key (``reproduction.os.median``)."""
        keys = statistic.rows.get("published", ())
        if unknown := [key for key in keys if key not in self._figures]:
            raise ValueError(f"{statistic.key}: no printed figure is called {', '.join(unknown)}")
        if keys:
            return [self._figures[key] for key in keys]
        if stage not in self._also:
            return []
        own = self._in_key(statistic.key, self._also[stage])
        return [] if own is None else [self._figures[own]]

    def _in_key(self, key: str, tables: Iterable[str]) -> str | None:
        """Longest key of a table's figure that a number's key holds, with or without its study.

        A verdict has none: it rests on all the others too.
        """
        parts = key.split(".")[1:]
        if parts[-1] == "why":
            return None
        studies = [table.removeprefix(_PRINTED) for table in tables]
        for end in range(len(parts), 0, -1):
            stem = ".".join(parts[:end])
            for name in (stem, *(f"{study}.{stem}" for study in studies)):
                if name in self._figures and self._figures[name].study_id in studies:
                    return name
        return None


# --- both -----------------------------------------------------------------------------------------


class NumberRows:
    """Row set of every number, found once for all that select alike.

    Parameters
    ----------
    cohort : CanonicalRows
    printed : PrintedRows
    sets : RowSets
        Takes up what is found.
    settings : mapping of str to Setting, optional
        Key of a setting -> where it stands.
    """

    def __init__(
        self,
        cohort: CanonicalRows,
        printed: PrintedRows,
        sets: RowSets,
        settings: Mapping[str, Setting] | None = None,
    ) -> None:
        self._cohort, self._printed, self._sets = cohort, printed, sets
        self._settings = settings or {}
        self._known: dict[tuple[object, ...], str] = {}

    def name(self, stage: str, statistic: Statistic) -> str:
        """Id of the set of a stage's statistic."""
        alike = self._what_selects(stage, statistic)
        if alike not in self._known:
            self._known[alike] = self._sets.add(self._selection(stage, statistic))
        return self._known[alike]

    def beside(self, stage: str, statistic: Statistic, file: str, line: int) -> str:
        """Id of the same set with a line of another file: that of a range, for instance."""
        chosen = self._selection(stage, statistic)
        lines = {**chosen.lines, file: np.asarray([line], dtype=np.int64)}
        return self._sets.add(replace(chosen, lines=lines))

    def _selection(self, stage: str, statistic: Statistic) -> Selection:
        lines = self._printed.of(stage, statistic) | self._lines_of_settings(statistic)
        return replace(self._cohort.of(statistic), lines=lines)

    def _lines_of_settings(self, statistic: Statistic) -> dict[str, Positions]:
        found: dict[str, set[int]] = {}
        for key in statistic.rows.get(_SETTINGS, ()):
            if key in self._settings:
                place = self._settings[key]
                found.setdefault(place.path, set()).add(place.line)
        return {file: np.asarray(sorted(lines), dtype=np.int64) for file, lines in found.items()}

    def _what_selects(self, stage: str, statistic: Statistic) -> tuple[object, ...]:
        own = statistic.key if self._printed.reads_keys_of(stage) else stage
        return own, statistic.columns, repr(statistic.rows), statistic.population.get("table")
