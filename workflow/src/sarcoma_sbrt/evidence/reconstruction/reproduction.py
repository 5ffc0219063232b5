"""A cohort's statistics beside the printed ones, by the workflow's own estimators.

The search has an evaluator of its own, made for speed; nothing here uses it. Each printed number
is recomputed from times, events and covariates by `sarcoma_sbrt.survival`, in the way that its row
of the targets file says (`fitted_as`), which was fixed before the search on record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.evidence.reconstruction.nearness import Status
from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS, Number, Plan, Problem
from sarcoma_sbrt.survival.cox import Ties, fit_cox
from sarcoma_sbrt.survival.kaplan_meier import QuantileLimits, fit_kaplan_meier
from sarcoma_sbrt.survival.logrank import (
    HazardRatio,
    log_rank,
    observed_expected_hazard_ratio,
    peto_hazard_ratio,
)

__all__ = [
    "CONVENTIONS",
    "Convention",
    "Counts",
    "Recomputed",
    "Records",
    "covariates_of",
    "endpoint_records",
    "recompute",
    "score",
    "shows_change",
    "targets_of",
]

TargetRow = Mapping[str, str]


@dataclass(frozen=True)
class Records:
    """Times and events of one endpoint, per patient or per lesion, with covariates.

    Attributes
    ----------
    months : ndarray of float, shape (n,)
    event : ndarray of int, shape (n,)
        1 for the event; every other code is censored.
    codes : DataFrame of float, n rows
        One column per covariate: 1 the printed level, 0 its reference.
    """

    months: NDArray[np.float64]
    event: NDArray[np.int64]
    codes: pd.DataFrame

    def where(self, name: str, code: int) -> Records:
        """Those with one code of a covariate."""
        kept = self.codes[name].to_numpy() == code
        return Records(self.months[kept], self.event[kept], self.codes[kept])


@dataclass(frozen=True)
class Recomputed:
    """One printed number with what a cohort gives for it.

    Attributes
    ----------
    number : Number
    row : mapping of str to str
        The row of the targets file that prints it.
    value : float or None
        None where the cohort does not give it, for instance a median that is not reached.
    """

    number: Number
    row: TargetRow
    value: float | None

    @property
    def target_id(self) -> str:
        """Row and part."""
        return self.number.target_id

    @property
    def part(self) -> str:
        """``estimate``, ``ci_low``, ``ci_high``, ``p``, ``range_low`` or ``range_high``."""
        return self.target_id.rpartition(".")[2]

    @property
    def status(self) -> Status:
        """First that holds of `nearness.STATUSES`."""
        return "miss" if self.value is None else self.number.status(self.value)

    @property
    def near(self) -> bool:
        """Whether it prints the same or is within 2 % of the printed value."""
        if self.value is None:
            return False
        off = abs(self.value - self.number.printed)
        return self.status == "exact" or off <= 0.02 * abs(self.number.printed)


@dataclass(frozen=True)
class Counts:
    """Printed numbers of some kind, and how many of them are near and exact."""

    near: int
    exact: int
    of: int


@dataclass(frozen=True)
class Convention:
    """Another way to compute the same printed statistics.

    Attributes
    ----------
    name : str
        Slug.
    words : str
        What is done otherwise, as a table says it.
    fitted_as : callable
        The row's `fitted_as` under it.
    """

    name: str
    words: str
    fitted_as: Callable[[TargetRow], str]


def _as_printed(row: TargetRow) -> str:
    return row["fitted_as"]


def _instead(**estimators: str) -> Callable[[TargetRow], str]:
    """Estimators by the one they replace, dots written as underscores."""

    def fitted_as(row: TargetRow) -> str:
        return estimators.get(row["fitted_as"].replace(".", "_"), row["fitted_as"])

    return fitted_as


def _peto_for_cox(row: TargetRow) -> str:
    univariable = row["fitted_as"].startswith("cox") and len(covariates_of(row)) == 1
    return "logrank.peto" if univariable else row["fitted_as"]


CONVENTIONS = (
    Convention(
        "cox_for_peto",
        "Cox models (Efron’s ties) in place of log-rank ratios",
        _instead(logrank_peto="cox.efron"),
    ),
    Convention("peto_for_cox", "log-rank ratios in place of univariable Cox models", _peto_for_cox),
    Convention(
        "observed_expected",
        "ratios of observed to expected events in place of Peto’s",
        _instead(logrank_peto="logrank.observed_expected"),
    ),
    Convention("breslow", "Breslow’s ties in place of Efron’s", _instead(cox_efron="cox.breslow")),
    Convention("efron", "Efron’s ties in place of Breslow’s", _instead(cox_breslow="cox.efron")),
    Convention(
        "crossing",
        "limits of medians only where the band crosses one half",
        _instead(kaplan_meier_first_event="kaplan_meier.crossing"),
    ),
)


def shows_change(convention: Convention, rows: Iterable[TargetRow]) -> bool:
    """Whether a convention computes any of the rows otherwise."""
    return any(convention.fitted_as(row) != row["fitted_as"] for row in rows)


def covariates_of(row: TargetRow) -> tuple[str, ...]:
    """Covariates of the model or test that a row is fitted as, its own first; none of a curve."""
    adjusted = row.get("fitted_adjusted_for") or row["adjusted_for"]
    others = adjusted.split("; ") if adjusted and row["fitted_as"].startswith("cox") else []
    return tuple(name for name in (row["category"], *others) if name)


def targets_of(problem: Problem, rows: Sequence[TargetRow]) -> list[tuple[Number, TargetRow]]:
    """The counted printed numbers of a problem, in the order of the targets file.

    Parameters
    ----------
    problem : Problem
    rows : sequence of mapping
        The targets file, row by row.

    Raises
    ------
    KeyError
        When the rows are not those of the problem.
    """
    order = {row["target_id"]: at for at, row in enumerate(rows)}
    counted = [
        number
        for numbers in problem.numbers
        for number in numbers
        if number is not None and number.counted
    ]
    found = [(number, rows[order[number.target_id.rpartition(".")[0]]]) for number in counted]
    return sorted(found, key=lambda pair: order[pair[1]["target_id"]])


def endpoint_records(
    plan: Plan, patients: pd.DataFrame, lesions: pd.DataFrame
) -> dict[str, Records]:
    """Records of the endpoint-level tables, by endpoint.

    Parameters
    ----------
    plan : Plan
    patients, lesions : DataFrame
        ``patients.csv`` and ``lesions.csv`` of a reconstruction.
    """
    frames = {
        "os": (patients, "os_months", "death"),
        "pfs": (patients, "pfs_months", "pfs_event"),
        "lc": (lesions, "lc_months", "lf"),
    }
    columns = {plan.columns[name]: name for name in plan.covariates}
    return {
        name: Records(
            table[months].to_numpy(dtype=float),
            table[event].to_numpy(dtype=np.int64),
            table[list(columns)].rename(columns=columns).astype(float),
        )
        for name, (table, months, event) in frames.items()
    }


def recompute(
    problem: Problem,
    rows: Sequence[TargetRow],
    records: Mapping[str, Records],
    convention: Convention | None = None,
) -> list[Recomputed]:
    """Every counted printed number with what the records give for it.

    Parameters
    ----------
    problem : Problem
    rows : sequence of mapping
        The targets file of its study.
    records : mapping of str to Records
        By endpoint; a number of an endpoint that is not there has no value.
    convention : Convention, optional
        Another way than `fitted_as`.

    Returns
    -------
    list of Recomputed
        In the order of the targets file. Without a value where the records lack a covariate.
    """
    fitted_as = convention.fitted_as if convention else _as_printed
    found: dict[str, Mapping[str, float | None]] = {}
    recomputed = []
    for number, row in targets_of(problem, rows):
        key = row["target_id"]
        if key not in found:
            own = records.get(number.endpoint)
            found[key] = {} if own is None else _values(problem.plan, own, row, fitted_as(row))
        recomputed.append(Recomputed(number, row, found[key].get(number.target_id[len(key) + 1 :])))
    return recomputed


def _values(
    plan: Plan, records: Records, row: TargetRow, fitted_as: str
) -> Mapping[str, float | None]:
    """What one row prints, by part; empty where it cannot be estimated."""
    level = float(row["ci_level"] or 95) / 100
    name, code = plan.subgroups.get(row["subgroup"], ("", 0))
    if not {name, *covariates_of(row)} - {""} <= set(records.codes):
        return {}
    if name:
        records = records.where(name, code)
    method, _, rule = fitted_as.partition(".")
    try:
        if method == "cox":
            return _cox(records, covariates_of(row), _ties(rule), level)
        if method == "logrank":
            return _log_rank(records, row["category"], rule, level)
        if row["measure"] == "rate":
            curve = fit_kaplan_meier(records.months, records.event, level=level)
            return {"estimate": 100 * curve.rate(float(row["time_months"])).value}
        if method == "kaplan_meier":
            return _median(records, _limits(rule), level)
    except NotEstimable:
        return {}
    months = records.months
    return {
        "estimate": float(np.median(months)),
        "range_low": float(months.min()),
        "range_high": float(months.max()),
    }


def _ties(rule: str) -> Ties:
    return "breslow" if rule == "breslow" else "efron"


def _limits(rule: str) -> QuantileLimits:
    return "first_event" if rule == "first_event" else "crossing"


def _cox(
    records: Records, names: tuple[str, ...], ties: Ties, level: float
) -> Mapping[str, float | None]:
    design = records.codes[list(names)]
    term = fit_cox(design, records.months, records.event, level=level, ties=ties)[names[0]]
    return _ratio(HazardRatio(term.hazard_ratio, term.low, term.high, level), term.p)


def _log_rank(records: Records, name: str, rule: str, level: float) -> Mapping[str, float | None]:
    known = records.codes[name].notna().to_numpy()
    groups = records.codes[name][known].astype(int)
    test = log_rank(records.months[known], records.event[known], groups)
    if rule == "p":
        return {"p": test.p}
    ratio = observed_expected_hazard_ratio if rule == "observed_expected" else peto_hazard_ratio
    return _ratio(ratio(test, of=1, level=level), test.p)


def _ratio(ratio: HazardRatio, p: float) -> Mapping[str, float | None]:
    return {"estimate": ratio.value, "ci_low": ratio.low, "ci_high": ratio.high, "p": p}


def _median(records: Records, limits: QuantileLimits, level: float) -> Mapping[str, float | None]:
    curve = fit_kaplan_meier(records.months, records.event, level=level)
    median = curve.median(limits=limits)
    return {"estimate": median.value, "ci_low": median.low, "ci_high": median.high}


def score(recomputed: Iterable[Recomputed]) -> dict[str, Counts]:
    """Near and exact numbers by endpoint, in the order of `problem.ENDPOINTS`."""
    listed = list(recomputed)
    return {
        name: _counts([one for one in listed if one.number.endpoint == name]) for name in ENDPOINTS
    }


def _counts(recomputed: Sequence[Recomputed]) -> Counts:
    exact = sum(one.status == "exact" for one in recomputed)
    return Counts(sum(one.near for one in recomputed), exact, len(recomputed))
