"""Covariates: one row per patient or lesion, and the numbers that models are given.

Columns are called as the analysis plan refers to them: ``patients.grade``,
``derived.size_mm``. A patient's number of lesions, size and BED are those of the first course:
of the lesions whose treatment started on the day of the patient's first fraction. What was
treated later was not known then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import Covariate, Level

__all__ = ["covariate_frame", "design", "of_lesions"]

Tables = Mapping[str, pd.DataFrame]

_LESION = ["patient_id", "lesion_id"]
_TREATMENTS = ("radiotherapy", "chemotherapy")
# Derived columns that a lesion has of its own; every other one is its patient's.
_OWN = ("derived.size_mm", "derived.bed10_gy")
# A dose of 50 Gy in five fractions has a BED of 100 Gy, whatever binary floats say.
_RELATIVE_TOLERANCE = 1e-9


def covariate_frame(
    tables: Tables, *, alpha_beta_gy: float, concurrent_days: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every covariate that the canonical tables give, per patient and per lesion.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables (`schema.TABLES`); one that the cohort lacks is empty.
    alpha_beta_gy : float
        Alpha/beta ratio of the tumour, for ``derived.bed10_gy``.
    concurrent_days : float
        Lesions first treated within so many days of the patient's first fraction belong to
        the patient's first course.

    Returns
    -------
    patients : DataFrame
        ``patient_id``, all ``patients.*``, ``derived.number_of_lesions``, ``derived.size_mm``
        (largest lesion of the first course), ``derived.bed10_gy`` (that lesion's first course),
        ``derived.radiotherapy`` and ``derived.chemotherapy`` (``yes`` or ``no``, at any time).
        Sorted by patient.
    lesions : DataFrame
        The same with ``lesion_id``, all ``lesions.*`` and the lesion's own size and BED.
        Sorted by patient and lesion.
    """
    lesions = _lesion_values(tables, alpha_beta_gy)
    patients = _named(tables["patients"], "patients").sort_values("patient_id", ignore_index=True)
    patients = patients.merge(_first_course(lesions, concurrent_days), on="patient_id", how="left")
    for kind in _TREATMENTS:
        patients[f"derived.{kind}"] = _given(patients["patient_id"], tables["treatments"], kind)
    inherited = patients.drop(columns=list(_OWN))
    lesions = lesions.drop(columns="start").merge(
        inherited, on="patient_id", how="left", validate="many_to_one"
    )
    return patients, lesions


def of_lesions(column: str) -> bool:
    """Whether a column of the frame per lesion is the lesion's own, and not its patient's."""
    return column.startswith("lesions.") or column in _OWN


def _named(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Canonical table with its columns called ``table.column``; the identifiers stay."""
    keys = [key for key in TABLES[name].key if key in _LESION]
    rest = [column for column in TABLES[name].names if column not in keys]
    return table[keys + rest].rename(columns={column: f"{name}.{column}" for column in rest})


def _lesion_values(tables: Tables, alpha_beta_gy: float) -> pd.DataFrame:
    """Lesions with their size, and start (day) and BED (Gy) of their first course."""
    courses = tables["courses"].sort_values([*_LESION, "start_day", "course_id"])
    first = courses.drop_duplicates(_LESION)
    effective = bed(
        first["dose_gy"].astype("float64"), first["fractions"].astype("float64"), alpha_beta_gy
    )
    first = first[_LESION].assign(start=first["start_day"])
    first["derived.bed10_gy"] = effective.astype("Float64")
    lesions = _named(tables["lesions"], "lesions").sort_values(_LESION, ignore_index=True)
    lesions["derived.size_mm"] = lesions["lesions.size_mm"]
    return lesions.merge(first, on=_LESION, how="left", validate="one_to_one")


def _first_course(lesions: pd.DataFrame, concurrent_days: float) -> pd.DataFrame:
    """Patients' first courses: how many lesions, the largest size and its BED.

    Without any recorded course all lesions count. Where several lesions were treated and the
    size of none is known, it is not known whose BED the patient's would be: it is missing.
    """
    start = lesions["start"]
    earliest = start.groupby(lesions["patient_id"]).transform("min")
    first = (start <= earliest + concurrent_days).fillna(False)
    rows = lesions[first | start.isna().groupby(lesions["patient_id"]).transform("all")]
    number = rows.groupby("patient_id")["lesion_id"].size().astype("Int64")
    sized = rows["derived.size_mm"].notna() | (rows["patient_id"].map(number) == 1)
    largest = (
        rows[sized]
        .sort_values(["patient_id", "derived.size_mm", "lesion_id"], ascending=[True, False, True])
        .drop_duplicates("patient_id")
        .set_index("patient_id")[["derived.size_mm", "derived.bed10_gy"]]
    )
    found = number.rename("derived.number_of_lesions").to_frame().join(largest)
    return found.reset_index()


def _given(patient_id: pd.Series[Any], treatments: pd.DataFrame, kind: str) -> pd.Series[Any]:
    """``yes`` where the patient has a treatment of the kind; missing without any treatments."""
    if treatments.empty:
        return pd.Series(pd.NA, index=patient_id.index, dtype="string")
    treated = treatments.loc[treatments["kind"] == kind, "patient_id"]
    return patient_id.isin(treated).map({True: "yes", False: "no"}).astype("string")


def design(
    frame: pd.DataFrame, covariates: Mapping[str, Covariate], names: Iterable[str]
) -> pd.DataFrame:
    """Model columns: one per covariate, in the order of `names`.

    Parameters
    ----------
    frame : DataFrame
        One of `covariate_frame`'s.
    covariates : mapping of str to Covariate
        The analysis plan's.
    names : iterable of str
        Which of them.

    Returns
    -------
    DataFrame of float
        Indexed as `frame`. Binary: 1 for the level, 0 for the reference; a reference without
        codes or threshold is everything else. Continuous: the value in steps. NaN where the
        value is missing or on neither side.

    Raises
    ------
    ValueError
        When a covariate's column is not in `frame`, or neither side of it says what it holds.
    """
    return pd.DataFrame(
        {name: _column(frame, covariates[name]) for name in names}, index=frame.index, dtype=float
    )


def _column(frame: pd.DataFrame, covariate: Covariate) -> pd.Series[float]:
    if covariate.column not in frame:
        raise ValueError(f"{covariate.name}: there is no column {covariate.column}")
    values = frame[covariate.column]
    if covariate.step is not None:
        return values.astype("float64") / covariate.step
    level, reference = _sides(values, covariate)
    return pd.Series(np.select([level, reference], [1.0, 0.0], np.nan), index=values.index)


def _sides(values: pd.Series[Any], covariate: Covariate) -> tuple[pd.Series[bool], pd.Series[bool]]:
    """Values that belong to the level, and to the reference."""
    known = values.notna()
    level, reference = _members(values, covariate.level), _members(values, covariate.reference)
    if level is not None:
        return level, known & ~level if reference is None else reference
    if reference is not None:
        return known & ~reference, reference
    raise ValueError(f"{covariate.name}: neither level nor reference says what it holds")


def _members(values: pd.Series[Any], side: Level | None) -> pd.Series[bool] | None:
    """Values that a side's codes or threshold let in; None where it has neither."""
    if side is None:
        return None
    if side.codes:
        return values.isin(side.codes)
    if side.at_most is not None:
        return values.astype("float64") <= side.at_most * (1.0 + _RELATIVE_TOLERANCE)
    if side.below is not None:
        return values.astype("float64") < side.below * (1.0 - _RELATIVE_TOLERANCE)
    return None
