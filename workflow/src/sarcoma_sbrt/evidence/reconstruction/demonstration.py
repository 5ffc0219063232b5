"""How near a reconstruction comes to a truth that is known: curves, hazard ratios, rows.

What was printed comes back, or the search has failed; what was not printed shows what printed
statistics say beyond themselves. How many rows agree is set beside how many do by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS, Plan
from sarcoma_sbrt.evidence.reconstruction.simulation import LEVEL, TIMES, curve, simulate
from sarcoma_sbrt.evidence.reconstruction.solutions import difference
from sarcoma_sbrt.survival.competing import fit_cumulative_incidence
from sarcoma_sbrt.survival.cox import fit_cox

__all__ = ["WITHIN", "Cohort", "by_chance", "compared", "rows_found", "summary"]

Cohort = tuple[pd.DataFrame, pd.DataFrame]
"""Patients and lesions, as endpoint-level tables."""

WITHIN = (0, 1, 3, 6)
"""Months by which the times of rows that count as the same may differ."""

_AT_RISK = 5  # beyond, a curve's steps are those of single patients


@dataclass(frozen=True)
class _Quantity:
    """Something that is computed of both cohorts."""

    kind: str
    endpoint: str
    of: str
    printed: bool
    value: float | None


def compared(content: Mapping[str, Any], plan: Plan, truth: Cohort, found: Cohort) -> pd.DataFrame:
    """Every quantity of a reconstruction beside the truth's.

    Parameters
    ----------
    content : mapping
        `config/reconstruction/demonstration.yaml`: its ``printed`` and ``held_out``.
    plan : Plan
    truth, found : tuple of DataFrame

    Returns
    -------
    DataFrame
        Columns kind (``survival`` of every month up to which five are at risk in the truth,
        ``incidence`` of local failure at the landmarks, death competing, ``hazard ratio``),
        endpoint, of, printed (whether a search was told it), truth, found; what either cohort
        cannot give is missing there.
    """
    months = {
        (endpoint, name): _months(_group(plan, truth, endpoint, name), endpoint)
        for endpoint in ENDPOINTS
        for name in _groups(content)
    }
    rows = [
        {
            "kind": one.kind,
            "endpoint": one.endpoint,
            "of": one.of,
            "printed": one.printed,
            "truth": one.value,
            "found": other.value,
        }
        for one, other in zip(
            _quantities(content, plan, truth, months),
            _quantities(content, plan, found, months),
            strict=True,
        )
    ]
    return pd.DataFrame(rows).astype({"truth": float, "found": float})


def _quantities(
    content: Mapping[str, Any],
    plan: Plan,
    cohort: Cohort,
    months: Mapping[tuple[str, str], range],
) -> Iterator[_Quantity]:
    printed = content["printed"]
    for (endpoint, name), until in months.items():
        told = not name or name.startswith(printed["groups"])
        fit = curve(_group(plan, cohort, endpoint, name), endpoint)
        for month in until:
            was_printed = told and month in printed["landmarks"]
            value = _rate(fit, month)
            yield _Quantity("survival", endpoint, f"{name or 'all'} {month}", was_printed, value)
    for month in printed["landmarks"]:
        yield _Quantity("incidence", "lc", f"all {month}", False, _incidence(cohort, month))
    for endpoint in ENDPOINTS:
        for model, told in _models(content, plan, endpoint):
            for name, ratio in _ratios(plan, cohort, endpoint, model).items():
                of = f"{name} of {', '.join(model)}" if len(model) > 1 else name
                yield _Quantity("hazard ratio", endpoint, of, told, ratio)


def _groups(content: Mapping[str, Any]) -> list[str]:
    """All, the groups that are printed, and those that are not: '' or ``covariate=code``."""
    names = (content["printed"]["groups"], content["held_out"]["groups"])
    return ["", *(f"{name}={code}" for name in names for code in (1, 0))]


def _group(plan: Plan, cohort: Cohort, endpoint: str, name: str) -> pd.DataFrame:
    table = cohort[1] if endpoint == "lc" else cohort[0]
    if not name:
        return table
    covariate, _, code = name.partition("=")
    return table[table[plan.columns[covariate]] == int(code)]


def _months(table: pd.DataFrame, endpoint: str) -> range:
    """Months from 1 to the last one at which enough are at risk."""
    times = np.sort(table[TIMES[endpoint][0]].to_numpy())
    return range(1, int(times[-min(_AT_RISK, len(times))]) + 1)


def _rate(fit: Any, month: int) -> float | None:
    try:
        return float(fit.rate(month).value)
    except NotEstimable:
        return None


def _incidence(cohort: Cohort, month: int) -> float | None:
    """Cumulative incidence of local failure; a lesion censored at its patient's death competes."""
    patients, lesions = cohort
    own = patients.set_index("id").loc[lesions["patient"]]
    died = (own["death"].to_numpy() == 1) & (
        own["os_months"].to_numpy() == lesions["lc_months"].to_numpy()
    )
    code = np.where(lesions["lf"] == 1, 1, np.where(died, 2, 0))
    try:
        fit = fit_cumulative_incidence(lesions["lc_months"], code, level=LEVEL)
        return float(fit.at(month).value)
    except NotEstimable:
        return None


def _models(
    content: Mapping[str, Any], plan: Plan, endpoint: str
) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Cox models, and whether their hazard ratios are printed.

    Univariable ones of covariates whose log-rank ratio is printed count as printed.
    """
    for name in plan.covariates:
        yield (name,), True
    yield tuple(content["printed"]["multivariable"][endpoint]), True
    yield tuple(content["held_out"]["models"][endpoint]), False


def _ratios(
    plan: Plan, cohort: Cohort, endpoint: str, names: Sequence[str]
) -> dict[str, float | None]:
    table = cohort[1] if endpoint == "lc" else cohort[0]
    time, event = TIMES[endpoint]
    design = table[[plan.columns[name] for name in names]]
    try:
        fit = fit_cox(design, table[time], table[event], level=LEVEL)
    except NotEstimable:
        return dict.fromkeys(names)
    return {name: term.hazard_ratio for name, term in zip(names, fit.terms, strict=True)}


def rows_found(truth: Cohort, found: Cohort) -> pd.DataFrame:
    """Share of true patients with a row of their own in another cohort.

    Returns
    -------
    DataFrame
        Columns rows (``with lesions``, or ``patient alone``: the number of lesions counts, what
        they are like does not), within (months by which times may differ), share.
    """
    alone = [(patients, lesions[["lesion", "patient"]]) for patients, lesions in (truth, found)]
    return pd.DataFrame(
        [
            {"rows": rows, "within": months, "share": 1 - difference(one, other, months)}
            for rows, (one, other) in (
                ("patient alone", alone),
                ("with lesions", (truth, found)),
            )
            for months in WITHIN
        ]
    )


def by_chance(content: Mapping[str, Any], plan: Plan, truth: Cohort) -> tuple[pd.DataFrame, ...]:
    """`compared` and `rows_found` of other cohorts of the same simulation.

    So near comes who knows how the cohort came about, but not one figure of it.

    Returns
    -------
    DataFrame, DataFrame
        `compared`, one under the other with ``seed``; `rows_found` on average.
    """
    # From 1: numpy takes (seed, 0) for the seed alone, which is the truth's.
    cohorts = [
        simulate(content, (content["simulation"]["seed"], at))
        for at in range(1, content["held_out"]["chance"] + 1)
    ]
    comparison = pd.concat(
        [compared(content, plan, truth, other).assign(seed=at) for at, other in enumerate(cohorts)],
        ignore_index=True,
    )
    shares = pd.concat([rows_found(truth, other) for other in cohorts])
    return comparison, shares.groupby(["rows", "within"], sort=False)["share"].mean().reset_index()


def summary(comparison: pd.DataFrame, chance: pd.DataFrame) -> pd.DataFrame:
    """How far the reconstructions lie from the truth, by kind and by whether it was printed.

    Parameters
    ----------
    comparison, chance : DataFrame
        `compared` of several reconstructions, one under the other, and of `by_chance`.

    Returns
    -------
    DataFrame
        Columns kind, endpoint, printed, quantities (of each cohort), median, largest and
        median_by_chance: of the absolute difference in percentage points, or of the ratio of the
        larger hazard ratio to the smaller; and lacking, how many values no reconstruction gives.
    """
    keys = ["kind", "endpoint", "printed"]
    found, others = (
        table[table["truth"].notna()].assign(apart=_apart).groupby(keys, sort=True)
        for table in (comparison, chance)
    )
    table = found["apart"].agg(median="median", largest="max")
    table.insert(0, "quantities", found["of"].nunique())
    table["median_by_chance"] = others["apart"].median()
    table["lacking"] = found["found"].agg(lambda values: int(values.isna().sum()))
    return table.reset_index()


def _apart(table: pd.DataFrame) -> np.ndarray:
    with np.errstate(all="ignore"):
        ratio = np.exp(np.abs(np.log(table["found"] / table["truth"])))
    points = 100 * np.abs(table["found"] - table["truth"])
    return np.where(table["kind"] == "hazard ratio", ratio, points)
