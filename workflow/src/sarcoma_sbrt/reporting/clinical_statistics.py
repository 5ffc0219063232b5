"""The course of single patients and lesions, and dose by site: frames to draw, numbers to print.

A frame for drawing carries ordinal numbers, never a patient's or lesion's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt import schema
from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.endpoints import derive, later_diameters
from sarcoma_sbrt.reporting.cohort_statistics import first_courses
from sarcoma_sbrt.reporting.statistics import Statistic, Unit, not_estimable
from sarcoma_sbrt.settings import CohortSettings, EndpointSettings

__all__ = [
    "CHANGE",
    "FEWEST",
    "SHRUNK_PERCENT",
    "clinical_statistics",
    "diameter_changes",
    "local_failure",
    "patient_lanes",
    "site_statistics",
]

# Partial response by RECIST 1.1: a diameter smaller by 30 per cent (Eisenhauer 2009).
SHRUNK_PERCENT = 30.0
# The dose of fewer lesions than this is close to naming a patient; their number is given alone.
FEWEST = 3

# By how much diameters change, of which printed statistics of local control tell nothing: a
# reconstructed cohort may mark it in its `support`.
CHANGE = "derived.change_of_diameter"

_LESION = ["patient_id", "lesion_id"]
_DOSES: dict[str, tuple[str, Unit]] = {
    "total": ("dose_gy", "Gy"),
    "fractions": ("fractions", "count"),
    "bed10": ("bed10_gy", "Gy"),
}


def local_failure(
    endpoints: Mapping[str, EndpointSettings], cohort: CohortSettings
) -> EndpointSettings | None:
    """Protocol's definition of local failure, where the cohort supplies it."""
    found = [e for e in endpoints.values() if e.event == "local_failure" and not e.missing(cohort)]
    return found[0] if found else None


def clinical_statistics(
    tables: Mapping[str, pd.DataFrame],
    endpoints: Mapping[str, EndpointSettings],
    cohort: CohortSettings,
    *,
    alpha_beta_gy: float,
) -> list[Statistic]:
    """Numbers beside the figures of single patients and lesions, and the dose by site.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables.
    endpoints : mapping of EndpointSettings
        The one of local failure says how long a lesion is observed.
    cohort : CohortSettings
        A column that it does not map gives no statistic.
    alpha_beta_gy : float
        Alpha/beta ratio for BED, in Gy.

    Returns
    -------
    list of Statistic
        ``swimmer.n``; ``response.n``, ``.unmeasured.n``, ``.best.<median|min|max>`` (per cent),
        ``.smaller.<n|percent>`` and ``.shrunk.<n|percent>``; `site_statistics`.
    """
    definition = local_failure(endpoints, cohort)
    statistics: list[Statistic] = []
    needs = ("patients.last_contact_day", "patients.vital_status", "courses.start_day")
    if all(map(cohort.supplies, needs)):
        statistics.append(_lanes(tables, definition, cohort))
    if definition is not None:
        statistics += _response(tables, definition, cohort)
    return statistics + site_statistics(tables, cohort, alpha_beta_gy=alpha_beta_gy)


# --- patients -----------------------------------------------------------------------------


def patient_lanes(
    tables: Mapping[str, pd.DataFrame], definition: EndpointSettings | None
) -> pd.DataFrame:
    """What happened to each treated patient, the longest followed first.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables.
    definition : EndpointSettings or None
        Of local failure; None where it is not available.

    Returns
    -------
    DataFrame
        ``months`` of follow-up from the patient's first fraction, ``dead``, and lists of months
        ``courses`` (their first fractions), ``failures`` (local, of a treated lesion) and
        ``progressions`` (of any other disease; one before the first fraction is history).
    """
    patients, courses = tables["patients"], tables["courses"]
    starts = courses.groupby("patient_id")["start_day"].min()
    treated = patients[patients["patient_id"].isin(starts.index)]
    zero = starts.loc[treated["patient_id"]].to_numpy(dtype="float64")
    last = treated["last_contact_day"].to_numpy(dtype="float64", na_value=np.nan)
    lanes = pd.DataFrame(
        {
            "patient_id": treated["patient_id"].to_numpy(),
            "months": (last - zero) / schema.DAYS_PER_MONTH,
            "dead": (treated["vital_status"] == "dead").to_numpy(dtype=bool),
        }
    )
    days = {
        "courses": courses[["patient_id", "start_day"]],
        "failures": _failure_days(tables, definition),
        "progressions": tables["progressions"][["patient_id", "progression_day"]],
    }
    for name, rows in days.items():
        found = _months_of(rows.set_axis(["patient_id", "day"], axis=1), starts)
        lanes[name] = [found.get(patient, []) for patient in lanes["patient_id"]]
    lanes = lanes.sort_values(["months", "dead", "patient_id"], ascending=[False, True, True])
    return lanes.drop(columns="patient_id").reset_index(drop=True)


def _months_of(rows: pd.DataFrame, starts: pd.Series[Any]) -> dict[str, list[float]]:
    """Months from each patient's first fraction, sorted, no day twice."""
    months: dict[str, list[float]] = {}
    for patient, day in sorted(set(zip(rows["patient_id"], rows["day"], strict=True))):
        if patient in starts.index and day >= starts[patient]:
            after = float(day - starts[patient]) / schema.DAYS_PER_MONTH
            months.setdefault(patient, []).append(after)
    return months


def _failure_days(
    tables: Mapping[str, pd.DataFrame], definition: EndpointSettings | None
) -> pd.DataFrame:
    """Patient and day of each lesion's local failure."""
    if definition is None:
        return pd.DataFrame({"patient_id": [], "start_day": []})
    failed = _failed(tables, definition)
    first = first_courses(tables["courses"])[[*_LESION, "start_day"]]
    rows = failed.merge(first, on=_LESION, how="left", validate="one_to_one")
    zero = rows["start_day"] if definition.time_zero == "first_course" else 0.0
    return pd.DataFrame({"patient_id": rows["patient_id"], "day": rows["time_days"] + zero})


def _failed(tables: Mapping[str, pd.DataFrame], definition: EndpointSettings) -> pd.DataFrame:
    # A definition may count death as the event too; the description tells them apart.
    table = derive(tables, definition).table
    return table[(table["description"] == "local failure").astype(bool)]


def _lanes(
    tables: Mapping[str, pd.DataFrame],
    definition: EndpointSettings | None,
    cohort: CohortSettings,
) -> Statistic:
    """Number of patients drawn; its columns are all those that a lane shows."""
    columns = ["patients.patient_id", "patients.last_contact_day", "patients.vital_status"]
    columns += ["courses.patient_id", "courses.start_day"]
    columns += [c for c in ("progressions.progression_day",) if cohort.supplies(c)]
    columns += _response_columns(cohort) if definition is not None else []
    return Statistic(
        "swimmer.n",
        len(patient_lanes(tables, definition)),
        "count",
        "count of patients with a course",
        columns=tuple(dict.fromkeys(columns)),
        joint=True,
        population={"table": "patients", "filter": {}},
        rows={"table": "patients", "filter": {"courses": {"known": True}}},
    )


# --- lesions ------------------------------------------------------------------------------


def diameter_changes(
    tables: Mapping[str, pd.DataFrame], definition: EndpointSettings
) -> pd.DataFrame:
    """Change of every lesion's diameter from baseline, while the lesion is observed.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables.
    definition : EndpointSettings
        Of local failure; decides baseline and end of observation.

    Returns
    -------
    DataFrame
        ``lesion`` (a number), ``months`` from its first fraction, ``percent`` of change, and
        ``failed`` (whether the lesion failed locally), in the order of lesion and time.
    """
    rows = later_diameters(tables, definition)
    failed = set(_failed(tables, definition)[_LESION].itertuples(index=False, name=None))
    lesions = list(rows[_LESION].itertuples(index=False, name=None))
    return pd.DataFrame(
        {
            "lesion": rows.groupby(_LESION, sort=False).ngroup(),
            "months": rows["months"],
            "percent": 100 * (rows["diameter_mm"] - rows["baseline_mm"]) / rows["baseline_mm"],
            "failed": pd.Series([lesion in failed for lesion in lesions], dtype=bool),
        }
    )


def _response_columns(cohort: CohortSettings) -> list[str]:
    needed = (
        "lesions.patient_id",
        "lesions.lesion_id",
        "lesions.size_mm",
        "lesions.follow_up_end_day",
        "courses.start_day",
        "assessments.assessment_day",
        "assessments.diameter_mm",
    )
    return [column for column in needed if cohort.supplies(column)]


def _response(
    tables: Mapping[str, pd.DataFrame], definition: EndpointSettings, cohort: CohortSettings
) -> list[Statistic]:
    best = diameter_changes(tables, definition).groupby("lesion")["percent"].min()
    n = len(best)
    shared: dict[str, Any] = {
        "columns": tuple(_response_columns(cohort)),
        "joint": True,
        "population": {"table": "lesions", "filter": {}},
        "rows": {"table": "assessments", "filter": {"diameter_mm": {"known": True}}},
    }
    changed = shared | {"columns": (*shared["columns"], CHANGE)}
    unmeasured = len(tables["lesions"]) - n
    statistics = [
        Statistic("response.n", n, "count", "count of lesions measured again", **shared),
        Statistic("response.unmeasured.n", unmeasured, "count", "count of the others", **shared),
    ]
    reason = "no lesion was measured after its first fraction"
    measures: dict[str, Any] = {"median": np.median, "min": np.min, "max": np.max}
    for name, measure in measures.items():
        key, method = f"response.best.{name}", f"{name} of best change from baseline"
        if n == 0:
            statistics.append(not_estimable(key, "percent", method, reason, n=0, **changed))
        else:
            value = float(measure(best.to_numpy()))
            statistics.append(Statistic(key, value, "percent", method, n=n, **changed))
    # A diameter of 7 after 10 mm is 30 per cent smaller, whatever binary floats say.
    counts = {"smaller": best < 0, "shrunk": best <= -SHRUNK_PERCENT + 1e-9}
    for name, chosen in counts.items():
        count, key, method = int(chosen.sum()), f"response.{name}", "percentage of lesions"
        statistics.append(Statistic(f"{key}.n", count, "count", "count of lesions", n=n, **changed))
        statistics.append(
            Statistic(f"{key}.percent", 100 * count / n, "percent", method, n=n, **changed)
            if n
            else not_estimable(f"{key}.percent", "percent", method, reason, n=0, **changed)
        )
    return statistics


# --- dose by site -------------------------------------------------------------------------


def site_statistics(
    tables: Mapping[str, pd.DataFrame], cohort: CohortSettings, *, alpha_beta_gy: float
) -> list[Statistic]:
    """Dose of the lesions' first courses, by treated site.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables ``lesions`` and ``courses``.
    cohort : CohortSettings
        Nothing is given unless it maps site, dose and fractions.
    alpha_beta_gy : float
        Alpha/beta ratio for BED, in Gy.

    Returns
    -------
    list of Statistic
        ``site_dose.<site>.n`` of each site that was treated, ``missing`` where it is not
        recorded, and from `FEWEST` lesions with a known dose on
        ``.<total|fractions|bed10>.<median|min|max>``.
    """
    needs = ("lesions.site", "courses.start_day", "courses.dose_gy", "courses.fractions")
    if not all(map(cohort.supplies, needs)):
        return []
    first = first_courses(tables["courses"])
    rows = first.merge(
        tables["lesions"][[*_LESION, "site"]], on=_LESION, how="left", validate="one_to_one"
    )
    dose, fractions = (
        rows[name].to_numpy(dtype="float64", na_value=np.nan) for name in ("dose_gy", "fractions")
    )
    rows["bed10_gy"] = bed(dose, fractions, alpha_beta_gy)
    statistics: list[Statistic] = []
    for site in schema.column("lesions.site").codes:
        of_site = rows[(rows["site"] == site).fillna(False).astype(bool)]
        if len(of_site):
            statistics += _site(site, of_site)
    unknown = rows[rows["site"].isna()]
    return statistics + (_site("missing", unknown) if len(unknown) else [])


def _site(site: str, rows: pd.DataFrame) -> list[Statistic]:
    shared: dict[str, Any] = {
        "population": {"table": "lesions", "filter": {}},
        "rows": {"table": "courses", "filter": {"site": site, "course": "first"}},
    }
    statistics = [
        Statistic(
            f"site_dose.{site}.n",
            len(rows),
            "count",
            "count of treated lesions",
            columns=("lesions.lesion_id", "lesions.site", "courses.start_day"),
            **shared,
        )
    ]
    known = rows.dropna(subset=["dose_gy", "fractions"])
    if len(known) < FEWEST:
        return statistics
    columns = ("lesions.site", "courses.start_day", "courses.dose_gy", "courses.fractions")
    for name, (column, unit) in _DOSES.items():
        values = known[column].to_numpy(dtype="float64")
        for measure, of in (("median", np.median), ("min", np.min), ("max", np.max)):
            value = float(of(values))
            is_whole = unit == "count" and value.is_integer()
            statistics.append(
                Statistic(
                    f"site_dose.{site}.{name}.{measure}",
                    int(value) if is_whole else value,
                    unit,
                    f"{measure} of the lesions' first courses",
                    columns=columns,
                    joint=True,
                    n=len(known),
                    **shared,
                )
            )
    return statistics
