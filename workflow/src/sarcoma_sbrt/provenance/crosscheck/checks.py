"""Set every computed number beside what a second engine makes of the same data."""

from __future__ import annotations

import math
import numbers
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal

import pandas as pd

from sarcoma_sbrt.settings import Plan

__all__ = [
    "NOT_COMPUTED",
    "STATUSES",
    "Check",
    "Engine",
    "Materials",
    "NotComputed",
    "Promise",
    "Quantity",
    "Second",
    "checked",
    "counts",
    "document",
    "without_values",
]

Status = Literal["independent", "metric_only", "replayed", "none"]
STATUSES: tuple[Status, ...] = ("independent", "metric_only", "replayed", "none")

VERSION = "1.1"

# What the document tells of the p beside a statistic, and of a number without one does not.
_OF_P = ("p", "p_difference", "p_tolerance")


class NotComputed(Enum):
    """What a second engine did not try; None is "tried: these data give no value"."""

    NOT_COMPUTED = "not computed"


NOT_COMPUTED = NotComputed.NOT_COMPUTED
Quantity = float | int | str | None | NotComputed


@dataclass(frozen=True)
class Second:
    """What a second engine found in place of one statistic.

    Attributes
    ----------
    value : float, int, str or None
        Full precision; None where the engine too finds that these data give no value.
    low, high, p : float or None
        Limits and p of the statistic's record; None as for `value`. Where the record has them
        they must be computed too.
    engine : str
        What recomputed it, in words: ``"scikit-survival"``, ``"plain numpy"``.
    n, events : int
        Of the record, where the engine counts them too.
    """

    value: Quantity
    low: Quantity = NOT_COMPUTED
    high: Quantity = NOT_COMPUTED
    p: Quantity = NOT_COMPUTED
    engine: str = "plain Python"
    n: Quantity = NOT_COMPUTED
    events: Quantity = NOT_COMPUTED


@dataclass(frozen=True)
class Materials:
    """Everything that a second engine may read; it makes nothing and changes nothing.

    Attributes
    ----------
    plan : Plan
        The settings: cohort, endpoints, analysis.
    configuration : mapping
        ``cohort``, ``endpoints``, ``models`` (with the cohort's own blocks merged), ``run``,
        and ``reconstruction`` and ``marginals`` where the cohort has them; as read from YAML.
    canonical : mapping of str to DataFrame
        Canonical tables by name (``patients``, ``lesions``, ``courses``, ...).
    endpoints : mapping of str to DataFrame
        Endpoint tables by name (``os``, ``pfs``, ``lc``, ...).
    covariates : mapping of str to DataFrame
        ``patients`` and ``lesions``: a row for each unit.
    statistics : mapping of str to list of records
        Stage -> records as the statistics documents hold them (a ``forest`` has all endpoints').
    published : mapping of str to list of (int, dict)
        Path of a published table -> line and cells of each row.
    package : mapping
        ``data/published/datapackage.json``.
    evidence : mapping of str to JSON content
        ``consistency`` (findings), ``conflicts``, by file stem; where the run made them.
    flow : mapping
        ``flow.json`` of the extraction.
    predictions : mapping of str to JSON content
        What forests predicted, by file stem of ``<results>/private/forest/``.
    """

    plan: Plan
    configuration: Mapping[str, Any]
    canonical: Mapping[str, pd.DataFrame]
    endpoints: Mapping[str, pd.DataFrame]
    covariates: Mapping[str, pd.DataFrame]
    statistics: Mapping[str, list[Mapping[str, Any]]]
    published: Mapping[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    package: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    flow: Mapping[str, Any] = field(default_factory=dict)
    predictions: Mapping[str, Any] = field(default_factory=dict)


Engine = Callable[[Materials], dict[str, Second]]


@dataclass(frozen=True)
class Promise:
    """What the committed list says of one statistic: how it is checked, and how closely.

    Attributes
    ----------
    status : str
        ``independent`` (another engine, from the rows), ``metric_only`` (the measure is computed
        again from stored predictions), ``replayed`` (the same code, run again), ``none``.
    engine : str
        What recomputes it; another one's number is no check.
    absolute, relative : float
        Largest difference allowed: the larger of `absolute` and `relative` times the number.
    reason : str
        Why it is not independent, or what the tolerance allows for.
    """

    status: Status
    engine: str = ""
    absolute: float = 0.0
    relative: float = 0.0
    reason: str = ""

    def tolerance(self, value: Quantity) -> float | None:
        """Largest difference allowed from a number; None from what is no number."""
        if not _is_number(value):
            return None
        return max(self.absolute, self.relative * abs(value))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Check:
    """One number beside the second engine's.

    Attributes
    ----------
    key : str
        Of a statistic, or ``<key>.low`` and ``<key>.high`` of its limits.
    status, engine, value, difference, reason, tolerance
        How it was checked, by what, what came out, and how far that lies from the number.
    agrees : bool
        Whether everything that was promised was found, within the tolerance.
    p, p_difference, p_tolerance : float or None
        The same of the p that stands beside the number; None where none does. A p that is the
        number itself is its value.
    """

    key: str
    status: Status
    engine: str | None
    value: float | int | str | None
    difference: float | None
    reason: str
    tolerance: float | None
    agrees: bool = True
    p: float | int | str | None = None
    p_difference: float | None = None
    p_tolerance: float | None = None


def checked(
    records: Iterable[Mapping[str, Any]],
    promises: Mapping[str, Promise],
    seconds: Mapping[str, Second],
) -> dict[str, Check]:
    """Checks of one stage's statistics and of their limits, by key.

    Parameters
    ----------
    records : iterable of mapping
        As a statistics document holds them.
    promises : mapping
        Key of a statistic -> what the committed list says of it; none may be lacking.
    seconds : mapping
        Key of a statistic -> what the second engine found.

    Returns
    -------
    dict of Check
        Also of a number that the second engine found and the first did not: it agrees with
        nothing.
    """
    checks = {}
    for record in records:
        promise, second = promises[record["key"]], seconds.get(record["key"])
        for check in _of_record(record, promise, second):
            checks[check.key] = check
    for key in sorted(seconds.keys() - checks.keys()):
        reason = "no statistic has this key, but the second engine found one"
        value, engine = _plain(seconds[key].value), seconds[key].engine
        checks[key] = Check(key, "none", engine, value, None, reason, None, agrees=False)
    return checks


def _of_record(
    record: Mapping[str, Any], promise: Promise, second: Second | None
) -> Iterator[Check]:
    """Check of a statistic, then those of its limits."""
    key, ci = str(record["key"]), record["ci"] or {}
    check = _check(key, record["value"], promise, second, "value")
    if check.status != "none" and second is not None:
        faults = [*_faults_beside(record, promise, second), *_limits_too_many(ci, second)]
        if faults:
            said = "; ".join(filter(None, [check.reason, *faults]))
            check = replace(check, reason=said, agrees=False)
        if record["p"] is not None and record["unit"] != "p":
            check = _with_p(check, record["p"], promise, second.p)
    yield check
    for side in ("low", "high") if ci else ():
        yield _check(f"{key}.{side}", ci[side], promise, second, side)


def _check(key: str, first: Any, promise: Promise, second: Second | None, part: str) -> Check:
    """One number of a record beside the same part of the second engine's."""
    if promise.status == "none":
        return Check(key, "none", None, None, None, promise.reason, None)
    found: Quantity = NOT_COMPUTED if second is None else getattr(second, part)
    if second is None or isinstance(found, NotComputed):
        reason = f"listed as {promise.status}, but no second engine gave it"
        return Check(key, "none", None, None, None, reason, None, agrees=False)
    tolerance = promise.tolerance(first)
    difference, fault = _compared(first, found, tolerance or 0.0)
    if second.engine != promise.engine:
        fault = fault or f"recomputed by {second.engine}, listed: {promise.engine}"
    return Check(
        *(key, promise.status, second.engine, _plain(found), difference),
        *(fault or promise.reason, tolerance, not fault),
    )


def _with_p(check: Check, first: float, promise: Promise, found: Quantity) -> Check:
    """A check that also tells of the p beside its number."""
    tolerance = promise.tolerance(first)
    difference, _ = _compared(first, found, tolerance or 0.0)
    return replace(check, p=_plain(found), p_difference=difference, p_tolerance=tolerance)


def _compared(first: Any, second: Quantity, tolerance: float) -> tuple[float | None, str]:
    """Difference of two numbers, and what is wrong with it; texts are the same or are not."""
    if first == second:
        return (0.0, "") if isinstance(first, int | float) else (None, "")
    difference = None
    if _is_number(first) and _is_number(second):
        difference = float(second) - float(first)  # type: ignore[arg-type]
        if abs(difference) <= tolerance:
            return difference, ""
    fault = f"{_said(first)}, by the second engine {_said(second)}"
    return difference, f"{fault}: not within {tolerance:.3g}" if difference else fault


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and math.isfinite(value)


def _said(value: Any) -> str:
    return "no value" if value is None else f"{value}"


def _faults_beside(record: Mapping[str, Any], promise: Promise, second: Second) -> list[str]:
    """What is wrong with p, which must be recomputed too, and with n and events if they were."""
    faults = []
    if record["p"] is not None and isinstance(second.p, NotComputed):
        faults.append("p: not recomputed")
    for part in ("p", "n", "events"):
        found = getattr(second, part)
        if not isinstance(found, NotComputed):
            allowed = promise.tolerance(record[part]) if part == "p" else 0.0
            _, fault = _compared(record[part], found, allowed or 0.0)
            faults += [f"{part}: {fault}"] if fault else []
    return faults


def _limits_too_many(ci: Mapping[str, Any], second: Second) -> list[str]:
    """Limits that the second engine finds where the record has none."""
    if ci:
        return []
    found = {side: getattr(second, side) for side in ("low", "high")}
    return [
        f"{s}: {_said(None)}, by the second engine {v}" for s, v in found.items() if _is_number(v)
    ]


def _plain(value: Any) -> float | int | str | None:
    """Value as JSON can hold it; what is not finite is none."""
    if isinstance(value, NotComputed) or value is None or isinstance(value, str):
        return None if isinstance(value, NotComputed) else value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if math.isfinite(value) else None


def counts(checks: Mapping[str, Check]) -> dict[str, int]:
    """How many checks have each status."""
    found = Counter(check.status for check in checks.values())
    return {status: found[status] for status in STATUSES}


def without_values(checks: Mapping[str, Check]) -> dict[str, Check]:
    """Checks that tell whether two values agree, but neither what they are nor how far apart.

    The tolerance goes too: a relative one is a share of the value. So does all of a p.
    """
    return {key: _without_values(check) for key, check in checks.items()}


def _without_values(check: Check) -> Check:
    bare = {"value": None, "difference": None, "tolerance": None} | dict.fromkeys(_OF_P)
    return replace(check, reason=_told(check), **bare)


def _told(check: Check) -> str:
    return check.reason if check.agrees else "the second engine gives another value, withheld here"


def document(checks: Mapping[str, Check]) -> dict[str, Any]:
    """Content of ``results/audit/crosscheck.json``."""
    listed = {key: _listed(check) for key, check in checks.items()}
    return {"version": VERSION, "checks": listed, "counts": counts(checks)}


def _listed(check: Check) -> dict[str, Any]:
    left_out = {"key", *(_OF_P if check.p_tolerance is None else ())}
    return {name: of for name, of in vars(check).items() if name not in left_out}
