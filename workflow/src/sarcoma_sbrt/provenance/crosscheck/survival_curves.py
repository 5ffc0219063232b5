"""Kaplan-Meier curves again, by redistribution to the right (Efron 1967), in plain numpy.

Each observation begins with an equal mass; one that is censored leaves its mass, in equal parts,
to those still observed. What the events carry away is one minus the Kaplan-Meier estimate.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.events import Outcome, outcomes
from sarcoma_sbrt.provenance.crosscheck.records import (
    Row,
    groups,
    lesion_covariates,
    patient_covariates,
    rows_of,
)
from sarcoma_sbrt.settings import Analysis, EndpointSettings, Plan

__all__ = ["ENGINE", "Curve", "Units", "curve", "local_failure", "recompute", "split_by", "units"]

ENGINE = "plain numpy"

_QUARTILES = {"median": 0.5, "quartile_1": 0.25, "quartile_3": 0.75}
# Heights and times that differ by rounding only are equal.
_NEAR = 1e-8


class Units(NamedTuple):
    """Patients or lesions of one endpoint: outcomes and, one by one, their covariates."""

    endpoint: EndpointSettings
    outcomes: list[Outcome]
    covariates: list[Row]

    def where(self, kept: Sequence[bool]) -> Units:
        """Those that are kept."""
        return Units(
            self.endpoint,
            list(itertools.compress(self.outcomes, kept)),
            list(itertools.compress(self.covariates, kept)),
        )

    @property
    def months(self) -> NDArray[np.float64]:
        """Observed times, shape (n,)."""
        return np.array([o.months for o in self.outcomes], dtype=float)

    @property
    def codes(self) -> NDArray[np.int64]:
        """0 censored, 1 event, 2 competing event; shape (n,)."""
        return np.array([o.event for o in self.outcomes], dtype=np.int64)

    @property
    def events(self) -> int:
        """How many had the event."""
        return int((self.codes == 1).sum())


def units(materials: Materials) -> dict[str, Units]:
    """Units of every endpoint of the plan, derived from the canonical rows a second time."""
    plan = materials.plan
    tables = {name: rows_of(table) for name, table in materials.canonical.items()}
    known = (tables, plan.alpha_beta_gy, plan.concurrent_days)
    of_patients, of_lesions = patient_covariates(*known), lesion_covariates(*known)
    definition = local_failure(plan)
    found = {}
    for name in plan.analysis.endpoints:
        endpoint = plan.endpoints[name]
        recorded = plan.cohort.progressions_recorded
        ends = outcomes(tables, endpoint, definition, recorded)
        values = [
            of_patients[o.patient] if o.lesion is None else of_lesions[o.patient, o.lesion]
            for o in ends
        ]
        found[name] = Units(endpoint, ends, values)
    return found


def local_failure(plan: Plan) -> EndpointSettings | None:
    """Definition of local failure that patients' endpoints count by, where the cohort has one."""
    available = (e for e in plan.endpoints.values() if not e.missing(plan.cohort))
    return next((e for e in available if e.event == "local_failure"), None)


def split_by(endpoint: str, analysis: Analysis) -> list[str]:
    """Covariates that split an endpoint's curves, in a test or in a figure."""
    asked = [*analysis.strata.get(endpoint, ()), *analysis.figures.get(endpoint, ())]
    return [name for name in dict.fromkeys(asked) if name != "overall"]


def recompute(materials: Materials) -> dict[str, Second]:
    """Counts, numbers at risk, quantiles, rates, restricted means and follow-up of every curve."""
    found: dict[str, Second] = {}
    for name, everyone in units(materials).items():
        found |= _of_endpoint(name, everyone, materials.plan.analysis)
    return found


# --- curves -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve at its distinct times, shape (times,), with Greenwood's sums.

    Attributes
    ----------
    times : ndarray of float
        Distinct times, ascending.
    survival, greenwood : ndarray of float
        Just after each time; `greenwood` is the variance of the logarithm of the survival.
    deaths, at_risk : ndarray of int
        Events at, and observations just before, each time.
    """

    times: NDArray[np.float64]
    survival: NDArray[np.float64]
    greenwood: NDArray[np.float64]
    deaths: NDArray[np.int64]
    at_risk: NDArray[np.int64]

    @property
    def end(self) -> float:
        """Time up to which the curve is known: for ever, once it has come down to zero."""
        return math.inf if self.survival[-1] <= _NEAR else float(self.times[-1])

    def at(self, time: float) -> tuple[float, float, int]:
        """Survival, Greenwood's sum, and events so far, at a time."""
        past = int((self.times <= time).sum())
        if past == 0:
            return 1.0, 0.0, 0
        return (
            float(self.survival[past - 1]),
            float(self.greenwood[past - 1]),
            int(self.deaths[:past].sum()),
        )


def curve(months: NDArray[np.float64], events: NDArray[np.bool_]) -> Curve:
    """Kaplan-Meier curve of at least one observation, by redistribution to the right.

    Parameters
    ----------
    months : ndarray of float, shape (n,)
    events : ndarray of bool, shape (n,)
        Whether the time ended with the event; an event comes before a censoring on one time.
    """
    order = np.argsort(months, kind="stable")
    sorted_months = months[order]
    new = np.diff(sorted_months, prepend=-math.inf) > _NEAR * np.maximum(sorted_months, 1.0)
    starts = np.flatnonzero(new)
    deaths = np.add.reduceat(events[order].astype(np.int64), starts)
    total = np.diff(starts, append=len(months))
    at_risk = len(months) - starts
    survival = 1.0 - np.cumsum(deaths * _masses(deaths, total, at_risk))
    left = at_risk - deaths
    steps = np.where(left > 0, deaths / (at_risk * np.maximum(left, 1)), math.inf)
    return Curve(
        times=sorted_months[starts],
        # What rounding leaves of nothing is nothing.
        survival=np.where(np.abs(survival) < _NEAR, 0.0, survival),
        greenwood=np.cumsum(np.where(deaths > 0, steps, 0.0)),
        deaths=deaths,
        at_risk=at_risk,
    )


def _masses(
    deaths: NDArray[np.int64], total: NDArray[np.int64], at_risk: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mass of each observation that is left at each time."""
    censored, after = total - deaths, at_risk - total
    # The last who are censored leave their mass to nobody: the curve ends above zero.
    gains = 1.0 + np.where(after > 0, censored / np.maximum(after, 1), 0.0)
    return np.asarray(np.append(1.0, np.cumprod(gains)[:-1]) / at_risk[0], dtype=float)


def _band(survival: float, greenwood: float, analysis: Analysis) -> tuple[float, float] | None:
    """Confidence limits of a survival; None where the transform has none."""
    z = NormalDist().inv_cdf((1 + analysis.confidence_level) / 2)
    if survival <= 0 or (survival >= 1 and analysis.transform == "log-log"):
        return None
    error = math.sqrt(greenwood)
    if analysis.transform == "log-log":
        power = math.exp(z * error / abs(math.log(survival)))
        return survival**power, survival ** (1 / power)
    if analysis.transform == "log":
        factor = math.exp(z * error)
        return survival / factor, min(survival * factor, 1.0)
    width = z * survival * error
    return max(survival - width, 0.0), min(survival + width, 1.0)


# --- the statistics -----------------------------------------------------------------------


def _of_endpoint(name: str, everyone: Units, analysis: Analysis) -> dict[str, Second]:
    months = _months_shown(everyone, analysis)
    found = _of_group(name, everyone, months, analysis)
    found |= _restricted_means({name: everyone}, analysis)
    for covariate in split_by(name, analysis):
        sides = groups(everyone.covariates, analysis.covariates[covariate])
        both = {
            f"{name}.{covariate}_{side}": everyone.where([s == code for s in sides])
            for side, code in (("level", 1), ("reference", 0))
        }
        for key, group in both.items():
            found |= _of_group(key, group, months, analysis)
        found |= _restricted_means(both, analysis)
    return found | _follow_up(name, everyone, analysis)


def _months_shown(everyone: Units, analysis: Analysis) -> list[float]:
    """Months of the numbers at risk: the landmarks, and a figure's at most eleven ticks."""
    shown = {float(month) for month in analysis.landmarks_months}
    if everyone.outcomes:
        last = max(o.months for o in everyone.outcomes)
        years = 1
        while last // (12 * years) > 10:
            years += 1
        step = 12 * years if last >= 24 else 6
        shown |= {float(step * tick) for tick in range(math.floor(last) // step + 1)}
    return sorted(shown)


def _of_group(
    key: str, group: Units, months: Iterable[float], analysis: Analysis
) -> dict[str, Second]:
    n, codes = len(group.outcomes), group.codes
    found = {f"{key}.n": _second(n), f"{key}.events": _second(group.events)}
    if group.endpoint.death == "competing":
        found[f"{key}.competing"] = _second(int((codes == 2).sum()))
    for month in months:
        at_risk = int((group.months >= month).sum())
        found[f"{key}.at_risk_{month:g}m"] = _second(at_risk, n=n)
    fitted = curve(group.months, codes == 1) if n else None
    for name, share in _QUARTILES.items():
        value, low, high = _quantile(fitted, share, analysis)
        found[f"{key}.{name}"] = Second(value, low, high, None, ENGINE, n, group.events)
    for month in analysis.landmarks_months:
        found[f"{key}.rate_{month:g}m"] = _rate(group, fitted, month, analysis)
    return found


def _second(value: int | float | None, n: int | None = None) -> Second:
    return Second(value, engine=ENGINE, n=n)


def _rate(group: Units, fitted: Curve | None, month: float, analysis: Analysis) -> Second:
    """Survival in per cent; none of times beyond which nobody was followed."""
    if fitted is None or month > fitted.end:
        return Second(None, engine=ENGINE, n=0, events=group.events)
    survival, greenwood, events = fitted.at(month)
    at_risk = int((group.months >= month).sum())
    limits = _band(survival, greenwood, analysis)
    low, high = (None, None) if limits is None else (100 * limits[0], 100 * limits[1])
    return Second(100 * survival, low, high, None, ENGINE, at_risk, events)


def _quantile(
    fitted: Curve | None, share: float, analysis: Analysis
) -> tuple[float | None, float | None, float | None]:
    """Time by which a share had the event, with the times at which the band comes there."""
    if fitted is None:
        return None, None, None
    height = 1 - share
    bands = [_band(s, g, analysis) for s, g in zip(fitted.survival, fitted.greenwood, strict=True)]
    curves = (
        fitted.survival.tolist(),
        [math.nan if band is None else band[0] for band in bands],
        [math.nan if band is None else band[1] for band in bands],
    )
    value, low, high = (_arrival(fitted.times, heights, height, analysis) for heights in curves)
    if high is None and value is not None and analysis.median_ci == "first_event":
        high = float(fitted.times[fitted.deaths > 0][-1])
    return value, low, high


def _arrival(
    times: NDArray[np.float64], heights: Sequence[float], height: float, analysis: Analysis
) -> float | None:
    """First time at which a curve has come down to a height."""
    for place, here in enumerate(heights):
        if here <= height + _NEAR:
            if analysis.median_at_half == "midpoint" and abs(here - height) <= _NEAR:
                falls = (t for t, h in zip(times, heights, strict=True) if h < here - _NEAR)
                return float(times[place] + next(falls, times[place])) / 2
            return float(times[place])
    return None


# --- restricted means ---------------------------------------------------------------------


def _restricted_means(compared: dict[str, Units], analysis: Analysis) -> dict[str, Second]:
    """Mean, standard error and horizon of groups that are compared."""
    curves = {
        key: curve(group.months, group.codes == 1)
        for key, group in compared.items()
        if group.outcomes
    }
    horizon = analysis.rmst_months
    if horizon is None:
        end = min((one.end for one in curves.values()), default=0.0)
        horizon = max((m for m in analysis.landmarks_months if m <= end), default=None)
    found: dict[str, Second] = {}
    for key, group in compared.items():
        mean = error = until = low = high = None
        if horizon is not None and key in curves and horizon <= curves[key].end:
            mean, error = _restricted_mean(curves[key], horizon)
            until = float(horizon)
            if error:
                z = NormalDist().inv_cdf((1 + analysis.confidence_level) / 2)
                low, high = mean - z * error, mean + z * error
        size = (ENGINE, len(group.outcomes), group.events)
        found[f"{key}.rmst"] = Second(mean, low, high, None, *size)
        found[f"{key}.rmst_se"] = Second(error, None, None, None, *size)
        found[f"{key}.rmst_horizon"] = Second(until, None, None, None, *size)
    return found


def _restricted_mean(fitted: Curve, horizon: float) -> tuple[float, float]:
    """Mean of the times, none longer than the horizon, and its standard error.

    The mean is the mass at each event time times that time, and what is left at the horizon.
    """
    within = fitted.times <= horizon
    times, survival = fitted.times[within], fitted.survival[within]
    masses = -np.diff(survival, prepend=1.0)
    mean = float(masses @ times) + float(survival[-1] if len(survival) else 1.0) * horizon
    # Area right of each time: the same mean of those who are left there, less that time.
    left = np.diff(np.append(times, horizon)) * survival
    areas = np.cumsum(left[::-1])[::-1]
    increments = np.diff(fitted.greenwood[within], prepend=0.0)
    variance = math.fsum(
        a * a * step for a, step in zip(areas, increments, strict=True) if a > 0 and step > 0
    )
    return mean, math.sqrt(variance)


def _follow_up(name: str, everyone: Units, analysis: Analysis) -> dict[str, Second]:
    """Median potential follow-up, and the plain median and range of the observed times."""
    n, months = len(everyone.outcomes), everyone.months
    reverse = curve(months, everyone.codes == 0) if n else None
    value, low, high = _quantile(reverse, 0.5, analysis)
    found = {f"{name}.follow_up_median": Second(value, low, high, None, ENGINE, n)}
    ordered = sorted(months.tolist())
    middle = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2 if n else None
    for which, time in _named(ordered, middle):
        found[f"{name}.time_{which}"] = _second(time, n=n)
    return found


def _named(ordered: list[float], middle: float | None) -> Iterator[tuple[str, float | None]]:
    yield "median", middle
    yield "min", ordered[0] if ordered else None
    yield "max", ordered[-1] if ordered else None
