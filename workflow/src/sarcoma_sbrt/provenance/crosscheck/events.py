"""Endpoints a second time: each patient's and each lesion's time and event, one by one.

The protocol of ``config/endpoints.yaml`` in plain Python, from the canonical rows. It shares no
code with `sarcoma_sbrt.endpoints`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sarcoma_sbrt.provenance.crosscheck.records import Row
from sarcoma_sbrt.schema import DAYS_PER_MONTH
from sarcoma_sbrt.settings import EndpointSettings

__all__ = ["Course", "Outcome", "changes", "observed_lesions", "outcomes"]

_CODES = {"event": 1, "competing": 2, "censor": 0}
_NEAR_DAY = 1e-6
_NEAR_MM = 1e-6
_NEAR_SHARE = 1e-9


@dataclass(frozen=True)
class Outcome:
    """What became of one patient, or of one lesion: months, and 0, 1 or 2 as the event."""

    patient: str
    lesion: str | None
    months: float
    event: int


class _End(NamedTuple):
    """Something that ends an observation; of several on one day the least rank decides."""

    day: float
    rank: int
    event: int


_FAILURE, _PROGRESSION, _DEATH, _CENSORED = range(4)


@dataclass(frozen=True)
class Course:
    """A lesion while its first course is observed.

    Attributes
    ----------
    patient, lesion : str
    start, until : float
        Days of the first fraction, and up to which control is the first course's.
    second : float
        Day of the next course; infinite where there is none, or where it does not matter.
    follow_up_end : float
        Day from which the lesion alone is not followed.
    baseline_mm : float
    measured : tuple of (float, float)
        Day and diameter in mm of each measurement after the first fraction, in order.
    """

    patient: str
    lesion: str
    start: float
    until: float
    second: float
    follow_up_end: float
    baseline_mm: float
    measured: tuple[tuple[float, float], ...]


def outcomes(
    tables: Mapping[str, list[Row]],
    endpoint: EndpointSettings,
    definition: EndpointSettings | None,
    progressions_recorded: Literal["all", "first"] = "all",
) -> list[Outcome]:
    """Outcome of every patient or treated lesion, in the order of their names.

    Parameters
    ----------
    tables : mapping of str to rows
        Canonical tables.
    endpoint : EndpointSettings
        What to derive.
    definition : EndpointSettings or None
        Of local failure, for a patient's endpoint that counts it.
    progressions_recorded : {'all', 'first'}
        Whether a patient's later progressions are in the records.
    """
    patients = {row["patient_id"]: row for row in tables["patients"]}
    if endpoint.unit == "lesion":
        courses = observed_lesions(tables, endpoint)
        found = [_of_lesion(course, patients[course.patient], endpoint) for course in courses]
        return sorted(found, key=lambda o: (o.patient, o.lesion or ""))
    failures = _failure_days(tables, definition) if endpoint.local_failure else {}
    known = _Known(tables, failures, progressions_recorded == "first")
    units = (_of_patient(patients[name], known, endpoint) for name in sorted(patients))
    return [outcome for outcome in units if outcome is not None]


def _decided(
    ends: list[_End], zero: float, endpoint: EndpointSettings, patient: str, lesion: str | None
) -> Outcome:
    first = min(ends)
    days, event = max(first.day - zero, 0.0), first.event
    if endpoint.horizon_months is not None:
        horizon = endpoint.horizon_months * DAYS_PER_MONTH
        if days > horizon + _NEAR_DAY:
            days, event = horizon, 0
    return Outcome(patient, lesion, days / DAYS_PER_MONTH, event)


def _counts(patient: Row, seen: float, endpoint: EndpointSettings) -> bool:
    """Whether a death came soon enough after the patient or lesion was last seen."""
    gap = endpoint.death_gap_months
    late = gap is not None and patient["last_contact_day"] - seen > gap * DAYS_PER_MONTH + _NEAR_DAY
    return patient["vital_status"] == "dead" and not late


# --- lesions ------------------------------------------------------------------------------


def observed_lesions(tables: Mapping[str, list[Row]], definition: EndpointSettings) -> list[Course]:
    """Treated lesions with a baseline, each while its first course is observed."""
    found = []
    for row in tables["lesions"]:
        patient, lesion = row["patient_id"], row["lesion_id"]
        starts = sorted(c["start_day"] for c in _rows(tables["courses"], patient, lesion))
        scans = _scans(tables["assessments"], patient, lesion)
        if not starts:
            continue
        before = [diameter for day, diameter in scans if day <= starts[0]]
        baseline = before[-1] if before else row["size_mm"]
        if baseline is None:
            continue
        later = [day for day in starts if day > starts[0]]
        second = later[0] if later and definition.second_course == "censor" else math.inf
        ended = math.inf if row["follow_up_end_day"] is None else row["follow_up_end_day"]
        until = min(second, ended)
        measured = tuple((day, mm) for day, mm in scans if starts[0] < day <= until)
        found.append(Course(patient, lesion, starts[0], until, second, ended, baseline, measured))
    return found


def _rows(rows: list[Row], patient: str, lesion: str) -> Iterator[Row]:
    return (row for row in rows if (row["patient_id"], row["lesion_id"]) == (patient, lesion))


def _scans(assessments: list[Row], patient: str, lesion: str) -> list[tuple[float, float]]:
    """Days and diameters of a lesion's measurements, in order of time and file."""
    measured = [r for r in _rows(assessments, patient, lesion) if r["diameter_mm"] is not None]
    measured.sort(
        key=lambda r: (r["assessment_day"], r["source_file"], r["source_line"], r["diameter_mm"])
    )
    return [(row["assessment_day"], row["diameter_mm"]) for row in measured]


def _failure_day(course: Course, definition: EndpointSettings) -> float | None:
    """Day on which a lesion has first grown as much as the protocol asks."""
    reference = course.baseline_mm
    for day, diameter in course.measured:
        growth = diameter - reference
        needed = reference * (1 + definition.growth_percent / 100)
        enough = diameter >= needed or math.isclose(diameter, needed, rel_tol=_NEAR_SHARE)
        if enough and growth >= definition.growth_mm - _NEAR_MM:
            return day
        if definition.reference == "nadir":
            reference = min(reference, diameter)
    return None


def _of_lesion(course: Course, patient: Row, endpoint: EndpointSettings) -> Outcome:
    ends = [_lesion_end(course, patient, endpoint)]
    failed = _failure_day(course, endpoint)
    if failed is not None:
        ends.append(_End(failed, _FAILURE, 1))
    zero = course.start if endpoint.time_zero == "first_course" else 0.0
    return _decided(ends, zero, endpoint, course.patient, course.lesion)


def _lesion_end(course: Course, patient: Row, endpoint: EndpointSettings) -> _End:
    """How a lesion leaves that does not fail."""
    last = course.measured[-1][0] if course.measured else course.start
    contact, code = patient["last_contact_day"], _CODES[endpoint.death]
    if code and course.until >= contact and _counts(patient, last, endpoint):
        return _End(contact, _DEATH, code)
    if math.isfinite(course.second) and course.second <= course.until:
        return _End(course.second, _CENSORED, 0)
    if endpoint.censoring == "last_assessment":
        return _End(last, _CENSORED, 0)
    if course.follow_up_end < contact:
        return _End(max(course.follow_up_end, course.start), _CENSORED, 0)
    return _End(contact, _CENSORED, 0)


def changes(courses: list[Course]) -> dict[tuple[str, str], list[float]]:
    """Changes of the diameter in per cent of the baseline, of each lesion measured again."""
    return {
        (c.patient, c.lesion): [100 * (mm - c.baseline_mm) / c.baseline_mm for _, mm in c.measured]
        for c in courses
        if c.measured
    }


# --- patients -----------------------------------------------------------------------------


class _Known(NamedTuple):
    tables: Mapping[str, list[Row]]
    failures: Mapping[str, list[float]]
    only_first: bool


def _failure_days(
    tables: Mapping[str, list[Row]], definition: EndpointSettings | None
) -> dict[str, list[float]]:
    """Days on which lesions failed, by patient."""
    days: dict[str, list[float]] = {}
    for course in observed_lesions(tables, definition) if definition else ():
        failed = _failure_day(course, definition) if definition else None
        if failed is not None:
            days.setdefault(course.patient, []).append(failed)
    return days


def _of_patient(patient: Row, known: _Known, endpoint: EndpointSettings) -> Outcome | None:
    """Outcome of a patient; None of one without a course where time begins with it."""
    name = patient["patient_id"]
    zero = 0.0
    if endpoint.time_zero == "first_course":
        starts = [c["start_day"] for c in known.tables["courses"] if c["patient_id"] == name]
        if not starts:
            return None
        zero = min(starts)
    contact, dead = patient["last_contact_day"], patient["vital_status"] == "dead"
    if endpoint.event == "death":
        end = _End(contact, _DEATH if dead else _CENSORED, int(dead))
        return _decided([end], zero, endpoint, name, None)
    ends = [
        *_progressions(name, zero, known, endpoint),
        *(_End(day, _FAILURE, 1) for day in known.failures.get(name, ()) if day >= zero),
        _patient_end(patient, zero, known, endpoint),
    ]
    return _decided(ends, zero, endpoint, name, None)


def _progressions(
    name: str, zero: float, known: _Known, endpoint: EndpointSettings
) -> Iterator[_End]:
    """Progressions that count; one that does not may be the last that was recorded."""
    for row in known.tables["progressions"]:
        if row["patient_id"] == name:
            day = row["progression_day"]
            if row["kind"] in endpoint.progression_kinds and day >= zero:
                yield _End(day, _PROGRESSION, 1)
            elif known.only_first:
                yield _End(max(day, zero), _CENSORED, 0)


def _patient_end(patient: Row, zero: float, known: _Known, endpoint: EndpointSettings) -> _End:
    """How a patient leaves who does not progress."""
    seen = _last_seen(patient["patient_id"], zero, known.tables)
    contact, code = patient["last_contact_day"], _CODES[endpoint.death]
    dead, in_time = patient["vital_status"] == "dead", _counts(patient, seen, endpoint)
    if in_time and code:
        return _End(contact, _DEATH, code)
    if (dead and not in_time) or endpoint.censoring == "last_assessment":
        return _End(seen, _CENSORED, 0)
    return _End(contact, _CENSORED, 0)


def _last_seen(name: str, zero: float, tables: Mapping[str, list[Row]]) -> float:
    """Last day on which the disease was imaged, or found to progress."""
    days: list[float] = [
        row[column]
        for table, column in (
            ("assessments", "assessment_day"),
            ("progressions", "progression_day"),
        )
        for row in tables[table]
        if row["patient_id"] == name
    ]
    return max([zero, *days])
