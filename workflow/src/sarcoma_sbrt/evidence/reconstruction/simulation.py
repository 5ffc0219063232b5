"""A study made by us: a simulated cohort, and its statistics as an article would print them.

The endpoint-level tables are those that a reconstruction has, the printed statistics those of a
targets file, so that `problem` takes them as it takes any study's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS, Plan, read_plan
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.kaplan_meier import KaplanMeier, fit_kaplan_meier
from sarcoma_sbrt.survival.logrank import log_rank, peto_hazard_ratio

__all__ = ["LEVEL", "TIMES", "counted_plan", "curve", "printed_statistics", "simulate"]

LEVEL = 0.95
TIMES = {
    "os": ("os_months", "death"),
    "pfs": ("pfs_months", "pfs_event"),
    "lc": ("lc_months", "lf"),
}
"""Columns of time and event of each endpoint; LC's are the lesions'."""


def simulate(
    content: Mapping[str, Any], seed: int | Sequence[int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A cohort of a simulated study, as endpoint-level tables.

    Parameters
    ----------
    content : mapping
        `config/reconstruction/demonstration.yaml`: its ``plan`` and ``simulation``.
    seed : int or sequence of int

    Returns
    -------
    DataFrame, DataFrame
        Patients and lesions, columns as `Problem.tables` names them. Months are whole; times are
        rounded up, so that nothing happens at 0.
    """
    plan = _plan(content)
    given = content["simulation"]
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    owner, codes = _codes(plan, given["shares"], rng)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    own = {name: values[first] for name, values in codes.items()}

    def times(event: str, of: Mapping[str, np.ndarray]) -> np.ndarray:
        hazard = np.full(len(next(iter(of.values()))), math.log(2) / given["medians"][event])
        for name, ratio in given["ratios"][event].items():
            hazard = hazard * np.where(of[name] == 1, ratio, 1.0)
        return np.ceil(rng.exponential(1 / hazard))

    died, progressed = times("death", own), times("progression", own)
    failed = times("local_failure", codes)
    least, most = given["follow_up"]
    until = np.floor(rng.uniform(least, most, len(first)))
    last = np.minimum(died, until)
    failures = (failed < died[owner]) & (failed <= until[owner])
    first_failure = np.full(len(first), np.inf)
    np.minimum.at(first_failure, owner[failures], failed[failures])
    event = np.minimum.reduce([died, progressed, first_failure])
    names = [plan.columns[x] for x in plan.covariates]
    patients = pd.DataFrame(
        {
            "id": np.arange(1, len(first) + 1),
            "os_months": last,
            "death": died <= until,
            "pfs_months": np.minimum(event, last),
            "pfs_event": event <= last,
        }
        | {plan.columns[name]: own[name] for name in plan.covariates}
    )
    lesions = pd.DataFrame(
        {
            "lesion": np.arange(1, len(owner) + 1),
            "patient": owner + 1,
            "lc_months": np.where(failures, failed, last[owner]),
            "lf": failures,
        }
        | {plan.columns[name]: codes[name] for name in plan.covariates}
    )
    order = ["id", "os_months", "death", "pfs_months", "pfs_event", *names]
    return patients[order].astype(np.int64), lesions.astype(np.int64)


def _plan(content: Mapping[str, Any]) -> Plan:
    """The plan without counts of levels, which only a simulated cohort has."""
    return read_plan(_with_counts(content["plan"], {}))


def _with_counts(plan: Mapping[str, Any], ones: Mapping[str, int]) -> dict[str, Any]:
    counted = dict(plan)
    for block in ("patient_covariates", "lesion_covariates"):
        counted[block] = {name: {**x, "ones": ones.get(name, 0)} for name, x in plan[block].items()}
    return counted


def _codes(
    plan: Plan, shares: Mapping[str, float], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Patient of each lesion, and each lesion's codes, its patient's among them.

    A patient's lesions with the smallest code of a covariate that is least first come first.
    """
    per_patient = [k for k, n in sorted(plan.lesions_per_patient.items()) for _ in range(n)]
    owner = np.repeat(np.arange(plan.patients), per_patient)
    codes = {}
    for name in plan.covariates:
        if name not in shares:  # the number of lesions
            codes[name] = (np.array(per_patient) == 1).astype(np.int64)[owner]
        elif name in plan.of_lesion:
            codes[name] = (rng.random(len(owner)) < shares[name]).astype(np.int64)
        else:
            codes[name] = (rng.random(plan.patients) < shares[name]).astype(np.int64)[owner]
    order = np.lexsort([*(codes[name] for name in plan.least_first), owner])
    return owner, {name: values[order] for name, values in codes.items()}


def counted_plan(
    content: Mapping[str, Any], patients: pd.DataFrame, lesions: pd.DataFrame
) -> dict[str, Any]:
    """What `read_plan` takes for a search: the design, with the levels counted in a cohort."""
    plan = _plan(content)
    ones = {
        name: int((lesions if name in plan.of_lesion else patients)[plan.columns[name]].sum())
        for name in plan.ones
    }
    return _with_counts(content["plan"], ones)


def curve(table: pd.DataFrame, endpoint: str) -> KaplanMeier:
    """Kaplan-Meier estimate of one endpoint."""
    time, event = TIMES[endpoint]
    return fit_kaplan_meier(table[time], table[event], level=LEVEL)


def printed_statistics(
    content: Mapping[str, Any],
    patients: pd.DataFrame,
    lesions: pd.DataFrame,
    columns: Sequence[str],
) -> pd.DataFrame:
    """What an article about a cohort would print, as rows of a targets file.

    Percentages have one decimal, months none, hazard ratios three, p three or, below 0.001, two
    digits that count. What cannot be estimated (a median that is not reached) is not printed.

    Parameters
    ----------
    content : mapping
        `config/reconstruction/demonstration.yaml`: its ``plan`` and ``printed``.
    patients, lesions : DataFrame
    columns : sequence of str
        Of the targets file.

    Returns
    -------
    DataFrame of str
    """
    plan, given = _plan(content), content["printed"]
    rows: list[dict[str, str]] = []
    for endpoint in ENDPOINTS:
        table = lesions if endpoint == "lc" else patients
        rows += _curves(plan, given, endpoint, table)
        rows += _univariable(plan, endpoint, table)
        rows += _multivariable(plan, given["multivariable"][endpoint], endpoint, table)
    for row in rows:
        row["target_id"] = f"{plan.study}.{row['target_id']}"
        row["study_id"] = row["paper"] = plan.study
    return pd.DataFrame(rows).reindex(columns=list(columns)).fillna("")


def _curves(
    plan: Plan, given: Mapping[str, Any], endpoint: str, table: pd.DataFrame
) -> Iterator[dict[str, str]]:
    groups: list[tuple[str, pd.DataFrame]] = [("", table)]
    for slug, (name, code) in plan.subgroups.items():
        if name == given["groups"]:
            groups.append((slug, table[table[plan.columns[name]] == code]))
    for slug, rows in groups:
        fit, key = curve(rows, endpoint), ".".join(x for x in (endpoint, slug) if x)
        shared = {"endpoint": endpoint, "subgroup": slug}
        median = fit.median(limits="first_event")
        if median.value is not None and median.low is not None:
            value, ends = _months(median.value), (_months(median.low), _months(median.high or 0))
            yield shared | {
                "target_id": f"{key}.median",
                "measure": "median",
                "unit": "months",
                "fitted_as": "kaplan_meier.first_event",
                **_printed(value, ends),
            }
        for month in given["landmarks"]:
            try:
                rate = f"{100 * fit.rate(month).value:.1f}"
            except NotEstimable:
                continue
            yield shared | {
                "target_id": f"{key}.rate_{month}m",
                "measure": "rate",
                "unit": "percent",
                "time_months": str(month),
                "printed_time": str(month),
                "fitted_as": "kaplan_meier",
                **_printed(rate),
            }


def _univariable(plan: Plan, endpoint: str, table: pd.DataFrame) -> Iterator[dict[str, str]]:
    time, event = TIMES[endpoint]
    for name in plan.covariates:
        key, column = f"{endpoint}.univariable.{name}.hr", plan.columns[name]
        shared = _ratio_row(key, endpoint, name, plan, "univariable")
        if name in plan.of_lesion:
            term = fit_cox(table[[column]], table[time], table[event], level=LEVEL).terms[0]
            ratio = _ratio(term.hazard_ratio, term.low, term.high, term.p)
            yield shared | {"fitted_as": "cox.efron"} | ratio
        else:
            test = log_rank(table[time], table[event], table[column])
            found = peto_hazard_ratio(test, of=1, level=LEVEL)
            ratio = _ratio(found.value, found.low, found.high, test.p)
            yield shared | {"fitted_as": "logrank.peto"} | ratio


def _multivariable(
    plan: Plan, names: Sequence[str], endpoint: str, table: pd.DataFrame
) -> Iterator[dict[str, str]]:
    time, event = TIMES[endpoint]
    design = table[[plan.columns[name] for name in names]]
    fit = fit_cox(design, table[time], table[event], level=LEVEL)
    for name, term in zip(names, fit.terms, strict=True):
        key = f"{endpoint}.multivariable.{name}.hr"
        others = "; ".join(other for other in names if other != name)
        yield {
            **_ratio_row(key, endpoint, name, plan, "multivariable"),
            "adjusted_for": others,
            "fitted_as": "cox.efron",
            **_ratio(term.hazard_ratio, term.low, term.high, term.p),
        }


def _ratio_row(key: str, endpoint: str, name: str, plan: Plan, model: str) -> dict[str, str]:
    return {
        "target_id": key,
        "measure": "hazard_ratio",
        "endpoint": endpoint,
        "category": name,
        "unit": "hazard ratio",
        "level": plan.levels[name],
        "model": model,
    }


def _ratio(value: float, low: float, high: float, p: float) -> dict[str, str]:
    text = f"{p:.3f}" if p >= 0.001 else f"{p:.{1 - math.floor(math.log10(p))}f}"
    ratios = [f"{x:.3f}" for x in (value, low, high)]
    told = {"p": text, "p_relation": "=", "printed_p": text}
    return _printed(ratios[0], (ratios[1], ratios[2])) | told


def _printed(value: str, ends: tuple[str, str] | None = None) -> dict[str, str]:
    cells = {"estimate": value, "printed_text": value}
    if ends is not None:
        low, high = ends
        cells |= {"ci_low": low, "ci_high": high, "ci_level": f"{100 * LEVEL:g}"}
        cells |= {"printed_ci": f"{low}–{high}"}
    return cells


def _months(value: float) -> str:
    return f"{value:.0f}"
