"""Endpoints: from canonical rows to a time, an event and the row that decided it.

Each endpoint gathers *candidates*: rows that could end the observation of a patient or lesion,
each with its day and what it would mean. The earliest one decides. On one day the order is
local failure, progression, death, censoring, so an event on the censoring date is an event;
within one of these, the first source file and line decide.

The rules' parameters and their reasons stand in ``config/endpoints.yaml``. No row may lie after
its patient's last contact: extraction refuses such tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from sarcoma_sbrt.schema import DAYS_PER_MONTH, ENDPOINT_TABLE
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["Derived", "Exclusion", "derive", "derive_all", "later_diameters", "summary"]

Tables = Mapping[str, pd.DataFrame]

_LESION = ["patient_id", "lesion_id"]
_SOURCE = ["source_file", "source_line"]
_DEATH_CODES = {"event": 1, "competing": 2, "censor": 0}

# Order of candidates on one day.
_LOCAL_FAILURE, _PROGRESSION, _DEATH, _CENSORING = range(4)

# 5.0 -> 6.0 cm is 20 % and month 10.3 is seven months after 3.3, whatever binary floats say.
_RELATIVE_TOLERANCE = 1e-9
_DAY_TOLERANCE = 1e-6
_MM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Exclusion:
    """A patient or lesion for whom an endpoint cannot be derived, and its own row.

    Attributes
    ----------
    patient_id : str
    lesion_id : str or None
        None for an endpoint per patient.
    reason : str
        ``no course`` or ``no baseline diameter``.
    source_file : str
    source_line : int
    """

    patient_id: str
    lesion_id: str | None
    reason: str
    source_file: str
    source_line: int


@dataclass(frozen=True)
class Derived:
    """One endpoint of a cohort.

    Attributes
    ----------
    table : DataFrame
        As `schema.ENDPOINT_TABLE`, sorted by patient and lesion.
    excluded : tuple of Exclusion
        In the same order. Rows of the unit's canonical table = rows of `table` + excluded.
    """

    table: pd.DataFrame
    excluded: tuple[Exclusion, ...]


def derive_all(
    tables: Tables, endpoints: Mapping[str, EndpointSettings], cohort: CohortSettings
) -> dict[str, Derived]:
    """Every endpoint of the protocol; one that the cohort cannot supply is empty.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables.
    endpoints : mapping of str to EndpointSettings
        The protocol, by name; the one whose event is local failure defines it for the others.
    cohort : CohortSettings
        What the tables hold.

    Returns
    -------
    dict of str to Derived
        In the protocol's order.
    """
    supplied = {name: not endpoint.missing(cohort) for name, endpoint in endpoints.items()}
    local = [e for e in endpoints.values() if e.event == "local_failure" and supplied[e.name]]
    return {
        name: derive(
            tables if supplied[name] else {t: table.iloc[:0] for t, table in tables.items()},
            endpoint,
            local_failure=local[0] if local else None,
            progressions_recorded=cohort.progressions_recorded,
        )
        for name, endpoint in endpoints.items()
    }


def summary(derived: Mapping[str, Derived], analysis: Analysis) -> dict[str, Any]:
    """Count what became of every patient or lesion, per endpoint; it names none of them.

    Parameters
    ----------
    derived : mapping of str to Derived
        Endpoints by name.
    analysis : Analysis
        Says why an endpoint is not available.

    Returns
    -------
    dict
        Per endpoint: ``analysed``, ``outcomes`` (event, description, rows), ``excluded``
        (reason, rows) and ``not_available`` (the reason, or None).
    """
    return {
        name: {
            "analysed": len(one.table),
            "outcomes": _outcomes(one.table),
            "excluded": [
                {"reason": reason, "rows": rows}
                for reason, rows in sorted(Counter(e.reason for e in one.excluded).items())
            ],
            "not_available": analysis.left_out.get(name),
        }
        for name, one in derived.items()
    }


def _outcomes(table: pd.DataFrame) -> list[dict[str, Any]]:
    counts = Counter(zip(table["event"], table["description"], strict=True))
    return [
        {"event": int(event), "description": description, "rows": rows}
        for (event, description), rows in sorted(counts.items())
    ]


def derive(
    tables: Tables,
    endpoint: EndpointSettings,
    *,
    local_failure: EndpointSettings | None = None,
    progressions_recorded: Literal["all", "first"] = "all",
) -> Derived:
    """Time, event and deciding row of one endpoint for every patient or treated lesion.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables (`schema.TABLES`); one that the cohort lacks is empty.
    endpoint : EndpointSettings
        What to derive.
    local_failure : EndpointSettings, optional
        Definition of local failure, for an endpoint per patient that counts it.
    progressions_recorded : {'all', 'first'}
        Whether a patient's later progressions are in the records.

    Returns
    -------
    Derived
        Times in days and months from the endpoint's time zero, never negative.

    Raises
    ------
    ValueError
        When the definition's unit, event, death and censoring do not go together.
    """
    _refuse_contradiction(endpoint)
    if endpoint.event == "local_failure":
        return _local_control(tables, endpoint)
    units, excluded = _patients(tables, endpoint)
    if endpoint.event == "death":
        candidates = _survival(units)
    else:
        candidates = _progression_free(
            tables, units, endpoint, local_failure, progressions_recorded
        )
    return Derived(_decided(units, candidates, endpoint), excluded)


def _refuse_contradiction(endpoint: EndpointSettings) -> None:
    if (endpoint.unit == "lesion") != (endpoint.event == "local_failure"):
        raise ValueError(
            f"{endpoint.name}: event {endpoint.event} does not go with unit {endpoint.unit}"
        )
    if endpoint.event == "death":
        asked = (endpoint.death, endpoint.censoring, endpoint.death_gap_months)
        if asked != ("event", "last_contact", None):
            raise ValueError(
                f"{endpoint.name}: where death is the event it counts always, "
                "and the others are censored at last contact"
            )


# --- units and candidates -----------------------------------------------------------------


def _numbered(table: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows in the order of their key, each with its number as `unit`."""
    ordered = table.sort_values(key).reset_index(drop=True)
    return ordered.assign(unit=np.arange(len(ordered)))


def _split_excluded(
    units: pd.DataFrame, reason: pd.Series[Any]
) -> tuple[pd.DataFrame, tuple[Exclusion, ...]]:
    """Units without a reason for exclusion, and an `Exclusion` for each of the others."""
    out = units[reason != ""]
    lesions = out["lesion_id"] if "lesion_id" in out else [None] * len(out)
    places = zip(out["source_file"], out["source_line"], strict=True)
    excluded = tuple(
        Exclusion(patient, lesion, why, file, int(line))
        for patient, lesion, why, (file, line) in zip(
            out["patient_id"], lesions, reason[reason != ""], places, strict=True
        )
    )
    return units[reason == ""], excluded


def _per_unit(rows: pd.DataFrame, units: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows of a canonical table that belong to a unit, with that unit's number."""
    return rows.merge(units[[*key, "unit"]], on=key, how="inner", validate="many_to_one")


def _numbers(column: pd.Series[Any]) -> pd.Series[float]:
    """Nullable column as plain floats, missing as NaN, so that comparisons are False there."""
    return column.astype("float64")


def _dead(patients: pd.DataFrame) -> pd.Series[bool]:
    return (patients["vital_status"] == "dead").astype(bool)


def _candidates(
    rows: pd.DataFrame,
    day: pd.Series[Any],
    source_table: str | pd.Series[Any],
    *,
    event: int,
    rank: int,
    description: str | pd.Series[Any],
) -> pd.DataFrame:
    """Candidates made of `rows`, which have `unit` and a source: what each means if it decides."""
    return pd.DataFrame(
        {
            "unit": rows["unit"],
            "day": _numbers(day),
            "rank": rank,
            "event": event,
            "description": description,
            "source_table": source_table,
            "source_file": rows["source_file"],
            "source_line": rows["source_line"],
        }
    )


def _together(candidates: list[pd.DataFrame]) -> pd.DataFrame:
    """All candidates; an empty frame has no dtypes to go by, so it stays out."""
    return pd.concat([c for c in candidates if len(c)] or candidates[:1])


def _decided(
    units: pd.DataFrame, candidates: pd.DataFrame, endpoint: EndpointSettings
) -> pd.DataFrame:
    """Endpoint table: of each unit the candidate that comes first, cut off at the horizon."""
    order = ["unit", "day", "rank", "source_table", *_SOURCE]
    first = candidates.sort_values(order).drop_duplicates("unit")
    table = units.merge(first, on="unit", validate="one_to_one", suffixes=("_unit", ""))
    table["time_days"] = (table["day"] - table["zero"]).clip(lower=0.0)
    table = _cut_at_horizon(table, endpoint.horizon_months)
    table["time_months"] = table["time_days"] / DAYS_PER_MONTH
    if endpoint.unit == "patient":
        table["lesion_id"] = pd.NA
    dtypes = {c.name: c.dtype for c in ENDPOINT_TABLE.columns}
    return table[list(ENDPOINT_TABLE.names)].astype(dtypes).reset_index(drop=True)


def _cut_at_horizon(table: pd.DataFrame, horizon_months: float | None) -> pd.DataFrame:
    """Administrative censoring; the deciding row stays the one that was seen beyond it."""
    if horizon_months is None:
        return table
    horizon = horizon_months * DAYS_PER_MONTH
    beyond = table["time_days"] > horizon + _DAY_TOLERANCE
    table.loc[beyond, "time_days"] = horizon
    table.loc[beyond, "event"] = 0
    table.loc[beyond, "description"] = f"followed beyond the horizon of {horizon_months:g} months"
    return table


def _within_gap(
    death: pd.Series[float], seen: pd.Series[float], gap_months: float | None
) -> pd.Series[bool]:
    """Whether a death comes so soon after disease was last assessed that it counts."""
    gap = float("inf") if gap_months is None else gap_months * DAYS_PER_MONTH
    return death - seen <= gap + _DAY_TOLERANCE


# --- per patient --------------------------------------------------------------------------


def _patients(
    tables: Tables, endpoint: EndpointSettings
) -> tuple[pd.DataFrame, tuple[Exclusion, ...]]:
    """Patients with time zero (day), last contact and vital status."""
    units = _numbered(tables["patients"], ["patient_id"])
    units["last_contact"] = _numbers(units["last_contact_day"])
    units["dead"] = _dead(units)
    units["zero"] = 0.0
    if endpoint.time_zero == "first_course":
        starts = tables["courses"].groupby("patient_id")["start_day"].min()
        units["zero"] = _numbers(units["patient_id"].map(starts))
    untreated = units["zero"].isna()
    return _split_excluded(units, untreated.map({True: "no course", False: ""}))


def _survival(units: pd.DataFrame) -> pd.DataFrame:
    dead, alive = units[units["dead"]], units[~units["dead"]]
    return _together([_deaths(dead, 1), _alive(alive, "alive at last contact")])


def _deaths(rows: pd.DataFrame, event: int) -> pd.DataFrame:
    return _candidates(
        rows, rows["last_contact"], "patients", event=event, rank=_DEATH, description="death"
    )


def _alive(rows: pd.DataFrame, description: str) -> pd.DataFrame:
    return _candidates(
        rows,
        rows["last_contact"],
        "patients",
        event=0,
        rank=_CENSORING,
        description=description,
    )


def _progression_free(
    tables: Tables,
    units: pd.DataFrame,
    endpoint: EndpointSettings,
    local_failure: EndpointSettings | None,
    progressions_recorded: str,
) -> pd.DataFrame:
    """Candidates of an endpoint that ends with the first of several kinds of event."""
    progressions = _per_unit(tables["progressions"], units, ["patient_id"])
    progressions["zero"] = progressions["unit"].map(units.set_index("unit")["zero"])
    found = [_progressions(progressions, endpoint), _ends(tables, units, endpoint)]
    if endpoint.local_failure and local_failure is not None:
        found.append(_failures_of_patients(tables, units, local_failure))
    if progressions_recorded == "first":
        found.append(_records_end(progressions, endpoint))
    return _together(found)


def _progressions(progressions: pd.DataFrame, endpoint: EndpointSettings) -> pd.DataFrame:
    """Progressions of the counted kinds; one before time zero is history."""
    counted = progressions["kind"].isin(endpoint.progression_kinds)
    since = _numbers(progressions["progression_day"]) >= progressions["zero"]
    rows = progressions[counted & since]
    return _candidates(
        rows,
        rows["progression_day"],
        "progressions",
        event=1,
        rank=_PROGRESSION,
        description=rows["kind"] + " progression",
    )


def _records_end(progressions: pd.DataFrame, endpoint: EndpointSettings) -> pd.DataFrame:
    """Censoring at a recorded progression that does not count, where no later one is recorded."""
    day = _numbers(progressions["progression_day"])
    history = day < progressions["zero"]
    other = ~progressions["kind"].isin(endpoint.progression_kinds)
    rows = progressions[other | history]
    return _candidates(
        rows,
        day.clip(lower=progressions["zero"]).loc[rows.index],
        "progressions",
        event=0,
        rank=_CENSORING,
        description=rows["kind"] + " progression, later progressions are not recorded",
    )


def _failures_of_patients(
    tables: Tables, units: pd.DataFrame, definition: EndpointSettings
) -> pd.DataFrame:
    """Local failures of each patient's treated lesions, none before the patient's time zero."""
    lesions, _ = _lesions(tables, definition)
    failures = _failures(_later_assessments(tables, lesions, definition), definition)
    owned = failures.merge(lesions[["unit", "patient_id"]], on="unit").drop(columns="unit")
    owned = owned.merge(
        units[["patient_id", "unit", "zero"]], on="patient_id", validate="many_to_one"
    )
    return owned.loc[owned["day"] >= owned["zero"]].drop(columns=["patient_id", "zero"])


def _ends(tables: Tables, units: pd.DataFrame, endpoint: EndpointSettings) -> pd.DataFrame:
    """Death where it counts, else censoring: how each patient leaves without a progression."""
    seen = _last_seen(tables, units)
    within = _within_gap(units["last_contact"], seen["day"], endpoint.death_gap_months)
    code = _DEATH_CODES[endpoint.death]
    counted = units["dead"] & within & (code > 0)
    unseen = units["dead"] & ~within
    at_seen = ~counted & (unseen | (endpoint.censoring == "last_assessment"))
    return _together(
        [
            _deaths(units[counted], code),
            _alive(units[~counted & ~at_seen & units["dead"]], "dead, death does not count"),
            _alive(units[~units["dead"] & ~at_seen], "alive at last contact"),
            _last_seen_censoring(seen[at_seen], unseen[at_seen]),
        ]
    )


def _last_seen_censoring(seen: pd.DataFrame, unseen: pd.Series[bool]) -> pd.DataFrame:
    description = unseen.map(
        {True: "last assessment, death beyond the gap", False: "last assessment of the disease"}
    )
    return _candidates(
        seen, seen["day"], seen["source_table"], event=0, rank=_CENSORING, description=description
    )


def _last_seen(tables: Tables, units: pd.DataFrame) -> pd.DataFrame:
    """Last assessment of the disease (lesion imaged, or progression), one row per unit.

    An image without a measurement counts: the patient was seen. Where there is none after time
    zero, time zero and the patient's own row stand for it. Indexed as `units`.
    """
    columns = ["patient_id", "day", "source_table", *_SOURCE]
    own = units.assign(day=units["zero"], source_table="patients")
    rows = pd.concat(
        [
            tables[name].assign(day=_numbers(tables[name][day]), source_table=name)[columns]
            for name, day in (
                ("assessments", "assessment_day"),
                ("progressions", "progression_day"),
            )
        ]
    )
    rows = _per_unit(rows, units, ["patient_id"])
    after = rows[rows["day"] > rows["unit"].map(own.set_index("unit")["zero"])]
    last = pd.concat([own[[*columns, "unit"]], after]).sort_values(
        ["unit", "day", "source_table", *_SOURCE]
    )
    return last.drop_duplicates("unit", keep="last").set_index(units.index)


# --- per lesion ---------------------------------------------------------------------------


def _local_control(tables: Tables, endpoint: EndpointSettings) -> Derived:
    units, excluded = _lesions(tables, endpoint)
    later = _later_assessments(tables, units, endpoint)
    found = [_failures(later, endpoint), *_lesion_ends(units, later, endpoint)]
    return Derived(_decided(units, _together(found), endpoint), excluded)


def _lesions(
    tables: Tables, endpoint: EndpointSettings
) -> tuple[pd.DataFrame, tuple[Exclusion, ...]]:
    """Treated lesions with their days, baseline diameter and patient's last contact."""
    units = _numbered(tables["lesions"], _LESION)
    units = _with_patient(units, tables["patients"])
    units = _with_courses(units, tables["courses"])
    units["zero"] = units["start"] if endpoint.time_zero == "first_course" else 0.0
    units["follow_up_end"] = _numbers(units["follow_up_end_day"])
    second = units["second_start"] if endpoint.second_course == "censor" else np.inf
    units["second"] = pd.Series(second, index=units.index, dtype="float64").fillna(np.inf)
    units["until"] = units["second"].clip(upper=units["follow_up_end"].fillna(np.inf))
    units["baseline"] = _baseline(units, tables["assessments"])
    reason = np.select(
        [units["start"].isna(), units["baseline"].isna()],
        ["no course", "no baseline diameter"],
        default="",
    )
    return _split_excluded(units, pd.Series(reason, index=units.index))


def _with_patient(lesions: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Lesions with their patient's last contact, vital status and source row."""
    patients = pd.DataFrame(
        {
            "patient_id": patients["patient_id"],
            "last_contact": _numbers(patients["last_contact_day"]),
            "dead": _dead(patients),
            "patient_file": patients["source_file"],
            "patient_line": patients["source_line"],
        }
    )
    return lesions.merge(patients, on="patient_id", how="left", validate="many_to_one")


def _with_courses(lesions: pd.DataFrame, courses: pd.DataFrame) -> pd.DataFrame:
    """Lesions with the start of the first course and of the next that starts on a later day."""
    rows = _per_unit(courses, lesions, _LESION)
    rows["start_day"] = _numbers(rows["start_day"])
    rows = rows.sort_values(["unit", "start_day", *_SOURCE])
    start = rows.groupby("unit")["start_day"].min()
    later = rows[rows["start_day"] > rows["unit"].map(start)].drop_duplicates("unit")
    lesions["start"] = lesions["unit"].map(start)
    later = later.set_index("unit")
    lesions["second_start"] = lesions["unit"].map(later["start_day"])
    lesions["second_file"] = lesions["unit"].map(later["source_file"])
    lesions["second_line"] = lesions["unit"].map(later["source_line"])
    return lesions


def _measured(assessments: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Measured assessments of the lesions in order of time, with the day and diameter as floats.

    One that was seen but not measured neither shows control nor extends the follow-up.
    """
    rows = _per_unit(assessments, units, _LESION)
    rows["day"] = _numbers(rows["assessment_day"])
    rows["diameter"] = _numbers(rows["diameter_mm"])
    return rows[rows["diameter"].notna()].sort_values(["unit", "day", *_SOURCE, "diameter"])


def _baseline(units: pd.DataFrame, assessments: pd.DataFrame) -> pd.Series[float]:
    """Last diameter measured up to the first fraction, else the planned size."""
    rows = _measured(assessments, units)
    before = rows[rows["day"] <= rows["unit"].map(units.set_index("unit")["start"])]
    last = before.groupby("unit")["diameter"].last()
    return units["unit"].map(last).fillna(_numbers(units["size_mm"]))


def _later_assessments(
    tables: Tables, units: pd.DataFrame, endpoint: EndpointSettings
) -> pd.DataFrame:
    """Measured assessments after the first fraction while the lesion is observed.

    With the reference diameter of each: the baseline, or the smallest so far.
    """
    rows = _measured(tables["assessments"], units)
    own = units.set_index("unit").loc[rows["unit"], ["start", "until", "baseline"]]
    rows = rows.assign(**{str(name): own[name].to_numpy() for name in own})
    rows = rows[(rows["day"] > rows["start"]) & (rows["day"] <= rows["until"])]
    rows["reference"] = rows["baseline"]
    if endpoint.reference == "nadir":
        smallest = rows["diameter"].groupby(rows["unit"]).cummin()
        rows["reference"] = smallest.clip(upper=rows["baseline"])
    return rows


def later_diameters(tables: Tables, definition: EndpointSettings) -> pd.DataFrame:
    """Diameters measured after the first fraction, as the definition of local failure sees them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables.
    definition : EndpointSettings
        Of the event ``local_failure``; decides the day up to which a lesion is observed.

    Returns
    -------
    DataFrame
        ``patient_id``, ``lesion_id``, ``months`` (from the lesion's first fraction),
        ``diameter_mm`` and ``baseline_mm``, in the order of patient, lesion and time. A lesion
        that was never measured again, or has no baseline, has no row.
    """
    units, _ = _lesions(tables, definition)
    rows = _later_assessments(tables, units, definition)
    return pd.DataFrame(
        {
            "patient_id": rows["patient_id"],
            "lesion_id": rows["lesion_id"],
            "months": (rows["day"] - rows["start"]) / DAYS_PER_MONTH,
            "diameter_mm": rows["diameter"],
            "baseline_mm": rows["baseline"],
        }
    ).reset_index(drop=True)


def _failures(later: pd.DataFrame, definition: EndpointSettings) -> pd.DataFrame:
    """First growth of each lesion to the configured extent; later shrinkage does not undo it."""
    threshold = later["reference"] * (1.0 + definition.growth_percent / 100.0)
    relative = later["diameter"] >= threshold * (1.0 - _RELATIVE_TOLERANCE)
    growth = later["diameter"] - later["reference"]
    rows = later[relative & (growth >= definition.growth_mm - _MM_TOLERANCE)]
    rows = rows.drop_duplicates("unit")
    return _candidates(
        rows,
        rows["day"],
        "assessments",
        event=1,
        rank=_LOCAL_FAILURE,
        description="local failure",
    )


def _lesion_ends(
    units: pd.DataFrame, later: pd.DataFrame, endpoint: EndpointSettings
) -> list[pd.DataFrame]:
    """How each lesion leaves without failure: death, second course, or censoring."""
    last = later.drop_duplicates("unit", keep="last").set_index("unit")
    seen = units["unit"].map(last["day"]).fillna(units["start"])
    code = _DEATH_CODES[endpoint.death]
    observed = units["until"] >= units["last_contact"]
    within = _within_gap(units["last_contact"], seen, endpoint.death_gap_months)
    dies = units["dead"] & observed & within & (code > 0)
    treated_again = ~dies & np.isfinite(units["second"]) & (units["second"] <= units["until"])
    rest = units[~dies & ~treated_again]
    return [
        _deaths(_from_patient(units[dies]), code),
        _second_courses(units[treated_again]),
        *(
            _at_last_contact(rest)
            if endpoint.censoring == "last_contact"
            else _at_last_measurement(rest, last.reset_index())
        ),
    ]


def _from_patient(units: pd.DataFrame) -> pd.DataFrame:
    return units.assign(source_file=units["patient_file"], source_line=units["patient_line"])


def _second_courses(units: pd.DataFrame) -> pd.DataFrame:
    rows = units.assign(source_file=units["second_file"], source_line=units["second_line"])
    return _candidates(
        rows,
        rows["second"],
        "courses",
        event=0,
        rank=_CENSORING,
        description="second course to the lesion",
    )


def _at_last_measurement(units: pd.DataFrame, last: pd.DataFrame) -> list[pd.DataFrame]:
    """Censoring where control was last measured; where it never was, at the first fraction."""
    measured = last[last["unit"].isin(units["unit"])]
    never = units[~units["unit"].isin(last["unit"])]
    return [
        _candidates(
            rows,
            rows[day],
            source_table,
            event=0,
            rank=_CENSORING,
            description=rows["unit"].map(_remark(units, what)),
        )
        for rows, day, source_table, what in (
            (measured, "day", "assessments", "controlled at the last measured assessment"),
            (never, "start", "lesions", "not measured after the first fraction"),
        )
    ]


def _remark(units: pd.DataFrame, what: str) -> pd.Series[str]:
    """Remarks by unit number: `what`, and that a later death was not counted."""
    text = units["dead"].map({True: f"{what}, the later death does not count", False: what})
    return text.set_axis(units["unit"])


def _at_last_contact(units: pd.DataFrame) -> list[pd.DataFrame]:
    """Censoring at last contact, or where the lesion's own follow-up ended before it."""
    ended = units["follow_up_end"] < units["last_contact"]
    lost = units[ended]
    day = lost["follow_up_end"].clip(lower=lost["start"])
    what = "follow-up of the lesion ended"
    return [
        _alive(_from_patient(units[~ended]), "without local failure at last contact"),
        _candidates(lost, day, "lesions", event=0, rank=_CENSORING, description=what),
    ]
