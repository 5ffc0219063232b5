"""Endpoint-level tables: what they may say, and where they cannot be kept as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.errors import Problem
from sarcoma_sbrt.evidence.reconstruction.marginals import Marginals

__all__ = ["check", "disagreements", "switched"]

_CODES = ("G1", "recurrence", "single_lesion", "size_le5", "bed_lt100")
_PATIENT_COLUMNS = ("id", "os_months", "death", "pfs_months", "pfs_event", *_CODES)
_LESION_COLUMNS = ("lesion", "patient", "lc_months", "lf", *_CODES)


def check(patients: pd.DataFrame, lesions: pd.DataFrame) -> list[Problem]:
    """Every inconsistency of endpoint-level tables; lines count from the header as line 1."""
    problems = _missing("patients.csv", patients, _PATIENT_COLUMNS)
    problems += _missing("lesions.csv", lesions, _LESION_COLUMNS)
    if problems:
        return problems
    problems = _cells(
        "patients.csv", patients, "id", ("os_months", "pfs_months"), "death pfs_event"
    )
    problems += _cells("lesions.csv", lesions, "lesion", ("lc_months",), "lf")
    problems += _links(patients, lesions)
    if problems:
        return problems
    return _patient_problems(patients, lesions) + _lesion_problems(patients, lesions)


def _missing(file: str, table: pd.DataFrame, columns: Iterable[str]) -> list[Problem]:
    problems = [
        Problem(file, 1, name, "column is missing") for name in columns if name not in table.columns
    ]
    return problems or ([Problem(file, 0, "", "no rows")] if table.empty else [])


def _flagged(
    file: str, rows: pd.DataFrame, bad: Any, column: str, what: str, accepted: str = ""
) -> list[Problem]:
    flags = np.asarray(bad, dtype=bool)
    return [
        Problem(file, int(line) + 2, column, what, str(rows[column].iloc[line]), accepted)
        for line in np.flatnonzero(flags)
    ]


def _cells(
    file: str, table: pd.DataFrame, key: str, months: Iterable[str], events: str
) -> list[Problem]:
    problems = _flagged(file, table, table[key].duplicated(), key, "stands twice")
    for name in months:
        number = pd.to_numeric(table[name], errors="coerce")
        whole = number.notna() & (number >= 0) & (number % 1 == 0)
        problems += _flagged(file, table, ~whole, name, "not a time", "whole months, 0 or more")
    for name in (*events.split(), *_CODES):
        problems += _flagged(file, table, ~table[name].isin([0, 1]), name, "unknown code", "0, 1")
    return problems


def _links(patients: pd.DataFrame, lesions: pd.DataFrame) -> list[Problem]:
    stray, bare = ~lesions["patient"].isin(patients["id"]), ~patients["id"].isin(lesions["patient"])
    problems = _flagged("lesions.csv", lesions, stray, "patient", "lesion without patient")
    return problems + _flagged("patients.csv", patients, bare, "id", "patient without lesion")


def _patient_problems(patients: pd.DataFrame, lesions: pd.DataFrame) -> list[Problem]:
    p, event = patients, patients["pfs_event"] == 1
    single = p["id"].map(lesions["patient"].value_counts()) == 1
    rules = (
        (p["pfs_months"] > p["os_months"], "pfs_months", "after the last contact (os_months)"),
        (
            ~event & (p["pfs_months"] != p["os_months"]),
            "pfs_months",
            "censored before the last contact (os_months)",
        ),
        (~event & (p["death"] == 1), "pfs_event", "no event although the patient died"),
        (single != (p["single_lesion"] == 1), "single_lesion", "lesions.csv has another number"),
    )
    return [x for bad, name, what in rules for x in _flagged("patients.csv", p, bad, name, what)]


def _lesion_problems(patients: pd.DataFrame, lesions: pd.DataFrame) -> list[Problem]:
    own = patients.set_index("id").loc[lesions["patient"]].reset_index()
    le, failed = lesions.reset_index(drop=True), lesions["lf"].to_numpy() == 1
    rules = [
        (le["lc_months"] > own["os_months"], "lc_months", "after the last contact (os_months)"),
        (failed & (le["lc_months"] == 0), "lc_months", "failure at the start of the course"),
        (failed & (own["pfs_event"] == 0), "lf", "local failure, yet the patient has no PFS event"),
        (
            failed & (own["pfs_event"] == 1) & (le["lc_months"] < own["pfs_months"]),
            "lc_months",
            "local failure before the patient's PFS event (pfs_months)",
        ),
    ]
    for name in ("G1", "recurrence", "single_lesion"):
        rules.append((le[name] != own[name], name, "the patient's row says otherwise"))
    return [x for bad, name, what in rules for x in _flagged("lesions.csv", le, bad, name, what)]


def disagreements(
    patients: pd.DataFrame, lesions: pd.DataFrame, marginals: Marginals
) -> pd.DataFrame:
    """Where the patients' classes cannot be kept, and what stands in their place.

    Returns
    -------
    DataFrame
        Columns patient, column, supplied, used: the grades switched to meet the printed count;
        size classes that are not those of the patient's largest lesion; BED classes that no
        lesion of that size class has.
    """
    given = patients.set_index("id")
    rows = [
        (p, "G1", given["G1"][p], 1 - given["G1"][p])
        for p in switched(patients, lesions, marginals)
    ]
    for patient, own in lesions.groupby("patient"):
        size = own["size_le5"].min()
        beds = own.loc[own["size_le5"] == size, "bed_lt100"].unique()
        if given["size_le5"][patient] != size:
            rows.append((patient, "size_le5", given["size_le5"][patient], size))
        if given["bed_lt100"][patient] not in beds:
            rows.append((patient, "bed_lt100", given["bed_lt100"][patient], beds[0]))
    table = pd.DataFrame(rows, columns=["patient", "column", "supplied", "used"])
    order = table["column"].map({"G1": 0, "size_le5": 1, "bed_lt100": 2})
    return table.assign(order=order).sort_values(["order", "patient"]).drop(columns="order")


def switched(patients: pd.DataFrame, lesions: pd.DataFrame, marginals: Marginals) -> list[Any]:
    """Patients whose G1 is switched so that its printed count holds (same cohort size only).

    Those with the fewest events (death, progression, local failures), then the first by id:
    their grade weighs least in the printed survival figures.
    """
    if len(patients) != marginals.patients:
        return []
    lacking = marginals.grades["G1"] - int(patients["G1"].sum())
    failures = patients["id"].map(lesions.groupby("patient")["lf"].sum())
    events = patients["death"] + patients["pfs_event"] + failures
    candidates = patients.assign(events=events)[patients["G1"] == int(lacking < 0)]
    return list(candidates.sort_values(["events", "id"])["id"].head(abs(lacking)))
