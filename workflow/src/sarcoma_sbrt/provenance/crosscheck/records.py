"""Canonical rows as plain Python, and what follows from them: doses, covariates, groups.

A second derivation, for second engines: it shares no code with `sarcoma_sbrt.covariates`,
`sarcoma_sbrt.dose` and the statistics' modules.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from sarcoma_sbrt.settings import Covariate, Level

__all__ = [
    "Lesion",
    "Row",
    "bed",
    "eqd2",
    "first_courses",
    "group_of",
    "groups",
    "is_at_most",
    "is_below",
    "lesion_covariates",
    "patient_covariates",
    "rows_of",
]

Row = dict[str, Any]
Lesion = tuple[str, str]

# 50 Gy in five fractions have a BED of 100 Gy, whatever binary floats say.
_NEAR = 1e-9


def rows_of(table: pd.DataFrame) -> list[Row]:
    """Rows of a table as dictionaries of plain values; None where one is missing."""
    columns = {
        str(name): [None if pd.isna(value) else value for value in table[name].tolist()]
        for name in table
    }
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def bed(dose_gy: float, fractions: float, alpha_beta_gy: float) -> float:
    """Biologically effective dose in Gy: nd (1 + d / (alpha/beta)); Fowler 1989."""
    per_fraction = dose_gy / fractions
    return fractions * per_fraction * (1 + per_fraction / alpha_beta_gy)


def eqd2(dose_gy: float, fractions: float, alpha_beta_gy: float) -> float:
    """Equivalent dose in 2 Gy fractions in Gy: D (d + alpha/beta) / (2 + alpha/beta)."""
    return dose_gy * (dose_gy / fractions + alpha_beta_gy) / (2 + alpha_beta_gy)


def first_courses(courses: Iterable[Row]) -> dict[Lesion, Row]:
    """First course of each lesion: the earliest start, then the first name."""
    first: dict[Lesion, Row] = {}
    for course in courses:
        lesion = (course["patient_id"], course["lesion_id"])
        if lesion not in first or _order(course) < _order(first[lesion]):
            first[lesion] = course
    return first


def _order(course: Row) -> tuple[float, str]:
    return course["start_day"], course["course_id"]


# --- covariates ---------------------------------------------------------------------------


def lesion_covariates(
    tables: Mapping[str, list[Row]], alpha_beta_gy: float, concurrent_days: float
) -> dict[Lesion, Row]:
    """Covariates of each lesion by the plan's column names: its patient's, and its own."""
    of_patients = patient_covariates(tables, alpha_beta_gy, concurrent_days)
    return {
        lesion: {**of_patients.get(lesion[0], {}), **own}
        for lesion, own in _own_values(tables, alpha_beta_gy).items()
    }


def patient_covariates(
    tables: Mapping[str, list[Row]], alpha_beta_gy: float, concurrent_days: float
) -> dict[str, Row]:
    """Covariates of each patient by the plan's column names.

    Number of lesions, size and BED are those of the first course: of the lesions begun within
    `concurrent_days` of the patient's first fraction. The BED is the largest lesion's.
    """
    own = _own_values(tables, alpha_beta_gy)
    found = {}
    for patient in tables["patients"]:
        name = patient["patient_id"]
        values = {f"patients.{column}": value for column, value in patient.items()}
        lesions = {k: v for k, v in own.items() if k[0] == name}
        values |= _of_first_course(lesions, concurrent_days)
        for kind in ("radiotherapy", "chemotherapy"):
            values[f"derived.{kind}"] = _given(name, tables["treatments"], kind)
        found[name] = values
    return found


def _own_values(tables: Mapping[str, list[Row]], alpha_beta_gy: float) -> dict[Lesion, Row]:
    first = first_courses(tables["courses"])
    own = {}
    for row in tables["lesions"]:
        lesion = (row["patient_id"], row["lesion_id"])
        course = first.get(lesion, {})
        dose, fractions = course.get("dose_gy"), course.get("fractions")
        own[lesion] = {f"lesions.{column}": value for column, value in row.items()} | {
            "start": course.get("start_day"),
            "derived.size_mm": row["size_mm"],
            "derived.bed10_gy": None
            if dose is None or fractions is None
            else bed(dose, fractions, alpha_beta_gy),
        }
    return own


def _of_first_course(lesions: Mapping[Lesion, Row], concurrent_days: float) -> Row:
    starts = [row["start"] for row in lesions.values() if row["start"] is not None]
    last = min(starts) + concurrent_days if starts else math.inf
    begun = {
        lesion: row
        for lesion, row in lesions.items()
        if not starts or (row["start"] is not None and row["start"] <= last)
    }
    sized = {k: v for k, v in begun.items() if v["derived.size_mm"] is not None}
    # The only lesion gives its BED even where its size is not known.
    sized = sized or (begun if len(begun) == 1 else {})
    largest = min(sized, key=lambda k: (-(sized[k]["derived.size_mm"] or 0), k), default=None)
    chosen = sized.get(largest, {}) if largest else {}
    return {
        "derived.number_of_lesions": len(begun) or None,
        "derived.size_mm": chosen.get("derived.size_mm"),
        "derived.bed10_gy": chosen.get("derived.bed10_gy"),
    }


def _given(patient: str, treatments: list[Row], kind: str) -> str | None:
    if not treatments:
        return None
    given = any(t["patient_id"] == patient and t["kind"] == kind for t in treatments)
    return "yes" if given else "no"


# --- groups -------------------------------------------------------------------------------


def groups(covariates: Iterable[Row], covariate: Covariate) -> list[int | None]:
    """Side of each unit: 1 for the covariate's level, 0 for its reference, None on neither."""
    return [group_of(values.get(covariate.column), covariate) for values in covariates]


def group_of(value: Any, covariate: Covariate) -> int | None:
    """Side on which one value lies."""
    if value is None:
        return None
    in_level = _is_in(value, covariate.level)
    in_reference = _is_in(value, covariate.reference)
    if in_level is None:
        in_level = in_reference is False
    if in_level:
        return 1
    return 0 if in_reference is None or in_reference else None


def _is_in(value: Any, side: Level | None) -> bool | None:
    """Whether a side lets a value in; None where it says nothing of its own."""
    if side is None:
        return None
    if side.codes:
        return value in side.codes
    if side.at_most is not None:
        return is_at_most(value, side.at_most)
    return is_below(value, side.below) if side.below is not None else None


def is_at_most(value: float, limit: float) -> bool:
    """Whether a value is not above a limit; what differs by a part in 10^9 is equal."""
    return value <= limit or math.isclose(value, limit, rel_tol=_NEAR)


def is_below(value: float, limit: float) -> bool:
    """Whether a value is below a limit; what differs by a part in 10^9 is equal."""
    return value < limit and not math.isclose(value, limit, rel_tol=_NEAR)
