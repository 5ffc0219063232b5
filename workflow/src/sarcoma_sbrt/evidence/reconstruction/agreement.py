"""Printed counts, medians and ranges beside what the canonical tables give.

How each is counted again is data (``recount`` in ``config/reconstruction/<study>-marginals.yaml``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt import schema
from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.marginals import count_of, decimals_of
from sarcoma_sbrt.evidence.reconstruction.nearness import Status, status

__all__ = [
    "PLACES",
    "Marginal",
    "Printed",
    "Queries",
    "agreement",
    "canonical_columns",
    "columns_of",
    "holds",
    "printed_parts",
    "recounted",
    "unrecounted",
]

# Places whose descriptive figures are the cohort's marginals.
PLACES = ("table_1", "table_2", "results_patients", "results_toxicity")

Query = Mapping[str, Any]
# Query of each figure (without the study), by what is counted: patients or lesions.
Queries = Mapping[str, Mapping[str, Query]]

# Tables of which a patient has several rows: conditions hold of one and the same row.
_SEVERAL = ("treatments", "toxicities")
_TOLERANCE = 1e-9
_NUMERAL = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Printed:
    """One number of a printed figure.

    Attributes
    ----------
    part : str
        ``count``, ``percent``, ``median``, ``least`` or ``most``.
    text : str
        As printed.
    value : float
    unit : float
        Of the last printed digit.
    legible : bool
        Whether the text is a number, or a word for one.
    """

    part: str
    text: str
    value: float
    unit: float
    legible: bool = True


@dataclass(frozen=True)
class Marginal:
    """A printed number and its like in the tables.

    Attributes
    ----------
    target_id : str
        Key of the figure and part: ``feng2022.sex.male.percent``.
    figure : Figure
    columns : tuple of str
        Canonical columns that it was recomputed from.
    printed : Printed
    recomputed : float
        NaN where the tables have no row to compute it from.
    status : str
        Of `nearness.STATUSES`.
    """

    target_id: str
    figure: Figure
    columns: tuple[str, ...]
    printed: Printed
    recomputed: float
    status: Status


def agreement(
    study: str,
    figures: Mapping[str, Figure],
    queries: Queries,
    tables: Mapping[str, pd.DataFrame],
    *,
    alpha_beta_gy: float,
    concurrent_days: float = 0.0,
) -> list[Marginal]:
    """Every printed marginal of a study beside what the canonical tables give.

    Parameters
    ----------
    study : str
    figures : mapping of Figure
        Printed figures by key.
    queries : mapping
        ``patients`` and ``lesions``: how each figure is counted again. A figure that repeats
        another (`Figure.duplicate_of`) is counted like it; what it prints the same is left out.
    tables : mapping of DataFrame
        Canonical tables.
    alpha_beta_gy : float
        Of the BED, in Gy.
    concurrent_days : float
        As of `covariates.covariate_frame`.

    Returns
    -------
    list of Marginal
        In the order of the figures.

    Raises
    ------
    InputError
        For every query of a figure or of a column that does not exist.
    """
    problems = _problems(study, figures, queries)
    if problems:
        raise InputError(problems)
    frames = _frames(tables, alpha_beta_gy, concurrent_days)
    marginals = []
    for figure in figures.values():
        found = _query(study, figure, queries)
        if found is None:
            continue
        unit, query = found
        values = recounted(query, frames[unit], tables)
        columns = canonical_columns(query, unit)
        for printed in _not_printed_before(figure, figures):
            value = values[printed.part]
            judged = status(value, printed.value, printed.unit) if printed.legible else "miss"
            target = f"{figure.key}.{printed.part}"
            marginals.append(Marginal(target, figure, columns, printed, value, judged))
    return marginals


def printed_parts(figure: Figure) -> list[Printed]:
    """Numbers that a figure prints of its cohort: a count and its percentage, a median, a range."""
    parts = []
    count = count_of(figure)
    if count is not None:
        text = figure.printed_events or figure.printed_text
        parts.append(Printed("count", text, float(count), 1.0))
    text = figure.printed_text
    if figure.measure in ("proportion", "median") and figure.estimate is not None:
        legible = _NUMERAL.fullmatch(text) is not None
        unit = 10.0 ** -decimals_of(text if legible else f"{figure.estimate:g}")
        part = "percent" if figure.measure == "proportion" else "median"
        parts.append(Printed(part, text, figure.estimate, unit, legible))
    ends = zip(
        ("least", "most"),
        (figure.range_low, figure.range_high),
        _NUMERAL.findall(figure.printed_range),
        strict=False,
    )
    for part, value, said in ends:
        if figure.measure == "median" and value is not None:
            parts.append(Printed(part, said, value, 10.0 ** -decimals_of(said)))
    return parts


def unrecounted(
    study: str, figures: Mapping[str, Figure], queries: Queries, left_out: Iterable[str]
) -> list[str]:
    """Descriptive figures of the marginals' places that nothing says how to count again."""
    named = {f"{study}.{name}" for name in left_out}
    return [
        figure.key
        for figure in figures.values()
        if figure.study_id == study
        and figure.paper == study
        and figure.place in PLACES
        and figure.measure not in ("hazard_ratio", "p_value", "rate")
        and figure.key not in named
        and _query(study, figure, queries) is None
    ]


# --- counting ------------------------------------------------------------------------------


def recounted(
    query: Query, frame: pd.DataFrame, tables: Mapping[str, pd.DataFrame]
) -> dict[str, float]:
    """What a query gives: count and percentage of the rows, or median and range of a column.

    Parameters
    ----------
    query : mapping
        Conditions by column (`holds`), ``not`` with a query or several, or ``spread`` alone.
    frame : DataFrame
        One row per patient or lesion, with ``patient_id``.
    tables : mapping of DataFrame
        Canonical tables, for conditions on treatments and toxicities.
    """
    if "spread" in query:
        values = frame[query["spread"]].dropna().to_numpy(dtype="float64")
        if not len(values):
            return dict.fromkeys(("median", "least", "most"), np.nan)
        ends = {"median": np.median(values), "least": values.min(), "most": values.max()}
        return {part: float(value) for part, value in ends.items()}
    count = int(_selected(query, frame, tables).sum())
    return {"count": float(count), "percent": 100 * count / len(frame) if len(frame) else np.nan}


def holds(values: pd.Series[Any], wanted: Any) -> NDArray[np.bool_]:
    """Which values are as wanted: a value, one of several, or within limits.

    Limits are ``below``, ``at_most``, ``above`` and ``at_least``; numbers that differ by a part in
    a thousand millions are equal. A missing value is never as wanted.
    """
    if isinstance(wanted, Mapping):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        within = [_LIMITS[name](numbers, x) for name, x in wanted.items()]
        return np.asarray(np.all(within, axis=0), dtype=bool)
    one_of = wanted if isinstance(wanted, list) else [wanted]
    return np.asarray(np.any([_equal(values, one) for one in one_of], axis=0), dtype=bool)


def canonical_columns(query: Query, unit: str) -> tuple[str, ...]:
    """Canonical columns that a query rests on; one without conditions counts the rows of `unit`."""
    names = columns_of(query) or [f"{unit}.{'patient' if unit == 'patients' else 'lesion'}_id"]
    return tuple(dict.fromkeys(c for name in names for c in _DERIVED.get(name, (name,))))


def columns_of(query: Query) -> list[str]:
    """Columns that a query reads, each once."""
    names: list[str] = []
    for name, wanted in query.items():
        if name == "spread":
            names.append(str(wanted))
        elif name == "not":
            for inner in _several(wanted):
                names += columns_of(inner)
        else:
            names.append(name)
    return list(dict.fromkeys(names))


def _near(limit: float) -> float:
    return _TOLERANCE * max(abs(limit), 1.0)


_LIMITS: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.bool_]]] = {
    "below": lambda v, x: v < x - _near(x),
    "at_most": lambda v, x: v <= x + _near(x),
    "above": lambda v, x: v > x + _near(x),
    "at_least": lambda v, x: v >= x - _near(x),
}


def _equal(values: pd.Series[Any], one: str | float) -> NDArray[np.bool_]:
    if isinstance(one, str):
        return np.asarray((values == one).fillna(False), dtype=bool)
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    return np.abs(numbers - one) <= _near(one)


def _several(wanted: Any) -> list[Query]:
    return wanted if isinstance(wanted, list) else [wanted]


def _selected(
    query: Query, frame: pd.DataFrame, tables: Mapping[str, pd.DataFrame]
) -> NDArray[np.bool_]:
    chosen = np.ones(len(frame), dtype=bool)
    for table in _SEVERAL:
        asked = {c: wanted for c, wanted in query.items() if c.startswith(f"{table}.")}
        if asked:
            rows = _with_months(tables[table])
            fit = np.ones(len(rows), dtype=bool)
            for column, wanted in asked.items():
                fit &= holds(rows[column.partition(".")[2]], wanted)
            chosen &= frame["patient_id"].isin(rows.loc[fit, "patient_id"]).to_numpy()
    for column, wanted in query.items():
        if column == "not":
            for inner in _several(wanted):
                chosen &= ~_selected(inner, frame, tables)
        elif column.partition(".")[0] not in _SEVERAL:
            chosen &= holds(frame[column], wanted)
    return chosen


def _with_months(rows: pd.DataFrame) -> pd.DataFrame:
    if "onset_day" not in rows:
        return rows
    return rows.assign(onset_months=rows["onset_day"] / schema.DAYS_PER_MONTH)


def _frames(
    tables: Mapping[str, pd.DataFrame], alpha_beta_gy: float, concurrent_days: float
) -> dict[str, pd.DataFrame]:
    """Patients and lesions with what queries may ask of them."""
    patients, lesions = covariate_frame(
        tables, alpha_beta_gy=alpha_beta_gy, concurrent_days=concurrent_days
    )
    days = patients["patients.recurrence_day"] - patients["patients.diagnosis_day"]
    patients = patients.assign(
        **{"derived.months_to_recurrence": days.astype("Float64") / schema.DAYS_PER_MONTH}
    )
    lesions = lesions.assign(
        **{"derived.size_cm": lesions["derived.size_mm"].astype("Float64") / 10}
    )
    keys = ["patient_id", "lesion_id"]
    first = tables["courses"].sort_values([*keys, "start_day", "course_id"]).drop_duplicates(keys)
    named = {c: f"courses.{c}" for c in first.columns if c not in keys}
    lesions = lesions.merge(first.rename(columns=named), on=keys, how="left", validate="1:1")
    return {"patients": patients, "lesions": lesions}


# --- which query ---------------------------------------------------------------------------


def _query(study: str, figure: Figure, queries: Queries) -> tuple[str, Query] | None:
    """What is counted for a figure, and how; a repetition is counted like what it repeats."""
    if figure.study_id != study or figure.paper != study:
        return None
    for key in filter(None, (figure.key, figure.duplicate_of)):
        name = key.removeprefix(f"{study}.")
        for unit, of_unit in queries.items():
            if unit in ("patients", "lesions") and name in of_unit:
                return unit, of_unit[name]
    return None


def _not_printed_before(figure: Figure, figures: Mapping[str, Figure]) -> list[Printed]:
    """Numbers that the place which a figure repeats, if any, does not print."""
    parts = printed_parts(figure)
    if not figure.duplicate_of:
        return parts
    origin = printed_parts(figures[figure.duplicate_of])
    first = {(part.part, part.value) for part in origin if part.legible}
    return [part for part in parts if (part.part, part.value) not in first]


def _problems(study: str, figures: Mapping[str, Figure], queries: Queries) -> list[Problem]:
    file = f"config/reconstruction/{study}-marginals.yaml"
    known = {f"{t.name}.{c}" for t in schema.TABLES.values() for c in t.names} | set(_DERIVED)
    problems = []
    for name, query in _named(queries):
        if f"{study}.{name}" not in figures:
            problems.append(Problem(file, 0, name, f"no printed figure of {study}"))
        problems += [
            Problem(file, 0, name, "no such column", column)
            for column in columns_of(query)
            if column not in known
        ]
    return problems


# What queries may ask beside canonical columns, and the canonical columns that it is made from.
_DERIVED = {
    "derived.number_of_lesions": ("patients.patient_id", "lesions.patient_id"),
    "derived.months_to_recurrence": ("patients.diagnosis_day", "patients.recurrence_day"),
    "derived.size_cm": ("lesions.size_mm",),
    "derived.bed10_gy": ("courses.dose_gy", "courses.fractions"),
    "toxicities.onset_months": ("toxicities.onset_day",),
}


def _named(queries: Queries) -> Iterator[tuple[str, Query]]:
    for unit in ("patients", "lesions"):
        yield from queries[unit].items()
