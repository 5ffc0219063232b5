"""What is done about a covariate whose hazards are not proportional.

Its levels become strata, or its effect may change with time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from survival.data_prep import survsplit  # type: ignore[attr-defined]  # bound when imported

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.counting_process import (
    CoxRows,
    fit_rows,
    likelihood_ratio,
    observation_rows,
)
from sarcoma_sbrt.survival.cox import Cox, GlobalTest, Term, complete_cases, fit_cox
from sarcoma_sbrt.survival.diagnostics import ZERO_TIME

__all__ = [
    "NO_CUT",
    "Period",
    "Remedies",
    "Stratified",
    "TimeVarying",
    "log_time_effect",
    "piecewise_effect",
    "remedies",
    "stratified_fit",
]

_R = TypeVar("_R")

NO_CUT = "no cut of time is configured"

# More strata than this would be a continuous covariate's values, a baseline hazard for each.
_MOST_STRATA = 10

# Episodes of a fit; one of five covariates takes some 200 bytes.
_MOST_EPISODES = 5_000_000

# Before any time, so that an episode that ends at time 0 has a length.
_BEFORE = -1.0


@dataclass(frozen=True)
class Stratified:
    """The model with a baseline hazard for each level of a covariate, which has no ratio then.

    Attributes
    ----------
    name : str
        The covariate stratified by.
    cuts : tuple of float
        Where its values were cut into levels; empty where they are levels themselves.
    model : Cox
        Of the other covariates.
    """

    name: str
    cuts: tuple[float, ...]
    model: Cox


@dataclass(frozen=True)
class Period:
    """A covariate's hazard ratio in (start, stop]; `stop` None where the period has no end.

    Attributes
    ----------
    start : float
        0 for the first period, which time 0 belongs to.
    stop : float or None
    events : int
        Within the period.
    term : Term
        The hazard ratio in it.
    """

    start: float
    stop: float | None
    events: int
    term: Term


@dataclass(frozen=True)
class TimeVarying:
    """A model in which one covariate's effect changes with time.

    Attributes
    ----------
    name : str
        That covariate.
    form : {'piecewise', 'log'}
        Constant within periods, or linear in the logarithm of time.
    terms : tuple of Term
        All coefficients of the model.
    periods : tuple of Period
        Of a piecewise effect.
    at : tuple of (float, Term)
        Of an effect that is linear in log time: the hazard ratio at each time asked for.
    likelihood_ratio : GlobalTest
        Against the model with proportional hazards, naive.
    robust_wald : GlobalTest or None
        Of no change with time, with the clusters' sandwich covariance.
    n, events, dropped : int
        Complete cases (not their episodes), events among them, and observations left out.
    ties : str
    level : float
    """

    name: str
    form: str
    terms: tuple[Term, ...]
    periods: tuple[Period, ...]
    at: tuple[tuple[float, Term], ...]
    likelihood_ratio: GlobalTest
    robust_wald: GlobalTest | None
    n: int
    events: int
    dropped: int
    ties: str
    level: float


@dataclass(frozen=True)
class Remedies:
    """What becomes of a covariate whose hazards are not proportional; a reason where it cannot."""

    name: str
    stratified: Stratified | str
    piecewise: TimeVarying | str
    log_time: TimeVarying | str


def remedies(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    name: str,
    *,
    level: float,
    time_cuts: Sequence[float],
    times: Sequence[float] = (),
    value_cuts: Sequence[float] = (),
    ties: str = "efron",
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> Remedies:
    """`stratified_fit`, `piecewise_effect` and `log_time_effect`, each or why not.

    Parameters
    ----------
    time_cuts : sequence of float
        Ends of the periods of the piecewise effect; without any there is none.
    times : sequence of float
        At which the effect linear in log time is given.
    value_cuts : sequence of float
        Where the covariate's values are cut into strata.

    Others, and errors, are those of these functions.
    """
    of = {"level": level, "ties": ties, "strata": strata, "cluster": cluster, "labels": labels}
    data = (design, time, event, name)

    def attempt(fit: Callable[..., _R], **more: object) -> _R | str:
        try:
            return fit(*data, **more, **of)
        except NotEstimable as reason:
            return str(reason)

    return Remedies(
        name=name,
        stratified=attempt(stratified_fit, cuts=value_cuts),
        piecewise=attempt(piecewise_effect, cuts=time_cuts) if len(time_cuts) else NO_CUT,
        log_time=attempt(log_time_effect, times=times),
    )


def stratified_fit(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    name: str,
    *,
    level: float,
    cuts: Sequence[float] = (),
    ties: str = "efron",
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> Stratified:
    """Cox model of the other covariates, stratified by one.

    Parameters
    ----------
    name : str
        Column of the design to stratify by.
    cuts : sequence of float
        A value belongs to the lower of two strata when it is the cut itself; none where the
        values are levels.
    strata : array_like, optional
        Strata that the model has already; the levels are nested in them.

    Others are those of `fit_cox`.

    Raises
    ------
    NotEstimable
        When there is no other covariate, it has more than 10 levels and is not cut, or the
        stratified model cannot be fitted.
    """
    others = design.drop(columns=name)
    if others.columns.empty:
        raise NotEstimable("the model has no other covariate")
    values = design[name].to_numpy(dtype=float)
    levels = values
    if len(cuts):
        levels = np.searchsorted(np.sort(cuts), values).astype(float)
        levels[np.isnan(values)] = np.nan
    elif np.unique(values[~np.isnan(values)]).size > _MOST_STRATA:
        label = (labels or {}).get(name, name)
        raise NotEstimable(f"{label} has too many values to stratify by and is not cut")
    model = fit_cox(
        others,
        time,
        event,
        level=level,
        ties=ties,
        labels=labels,
        strata=_nested(levels, strata),
        cluster=cluster,
    )
    return Stratified(name, tuple(sorted(map(float, cuts))), model)


def piecewise_effect(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    name: str,
    *,
    level: float,
    cuts: Sequence[float],
    ties: str = "efron",
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> TimeVarying:
    """Hazard ratio of one covariate within each period, those of the others constant.

    Follow-up is split into episodes at the cuts (R's ``survSplit``), and the covariate has a
    coefficient for each: R's ``coxph(Surv(start, stop, event) ~ x:strata(period) + ...)``
    without strata. An event at a cut belongs to the period that ends there.

    Parameters
    ----------
    name : str
        Column of the design whose effect may change.
    cuts : sequence of float
        One or more times above 0, in the unit of `time`.

    Others are those of `fit_cox`.

    Raises
    ------
    NotEstimable
        When the proportional model cannot be fitted, a period has no event, one of two levels
        has none within one, or a coefficient runs away otherwise.
    ValueError
        When there is no cut, or one is not above 0.
    """
    ends = tuple(sorted({float(cut) for cut in cuts}))
    if not ends or not ends[0] > 0:
        raise ValueError("no periods; accepted: one or more cuts above 0")
    proportional = fit_cox(
        design, time, event, level=level, ties=ties, labels=labels, strata=strata
    )
    cases = complete_cases(design, time, event, strata=strata)
    whole = _centred(observation_rows(cases, ties, strata, cluster))
    rows, period = _episodes(whole, ends)
    starts = (0.0, *ends)
    spans = tuple(zip(starts, (*ends, None), strict=True))
    counts = [int(rows.event[period == at].sum()) for at in range(len(spans))]
    _refuse_periods(spans, counts)
    _refuse_levels(spans, whole, name, labels or {})
    names = [_span_name(name, start, stop) for start, stop in spans]
    columns = {label: rows.design[name].where(period == at, 0.0) for at, label in enumerate(names)}
    frame = pd.DataFrame({**columns, **rows.design.drop(columns=name)})
    fit = fit_rows(replace(rows, design=frame), level=level)
    terms = fit.terms()
    # each later period's coefficient less the first's
    change = np.zeros((len(ends), len(terms)))
    change[:, 0] = -1
    change[np.arange(len(ends)), np.arange(len(ends)) + 1] = 1
    return TimeVarying(
        name=name,
        form="piecewise",
        terms=terms,
        periods=tuple(
            Period(start, stop, count, term)
            for (start, stop), count, term in zip(spans, counts, terms, strict=False)
        ),
        at=(),
        likelihood_ratio=likelihood_ratio(fit, proportional.log_likelihood, len(ends)),
        robust_wald=fit.robust_wald(change),
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        ties=ties,
        level=level,
    )


def log_time_effect(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    name: str,
    *,
    level: float,
    times: Sequence[float] = (),
    ties: str = "efron",
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> TimeVarying:
    """Log hazard ratio of one covariate linear in the logarithm of time (Cox 1972).

    Follow-up is split into episodes at every event time, so that the covariate times log time
    takes its value there: R's ``coxph(... + tt(x), tt = function(x, t, ...) x * log(t))``. The
    episodes grow with observations times event times; beyond 5 million there is no fit.

    Parameters
    ----------
    name : str
        Column of the design whose effect may change.
    times : sequence of float
        Times above 0 at which its hazard ratio is given.

    Others are those of `fit_cox`.

    Raises
    ------
    NotEstimable
        When the proportional model cannot be fitted, all events happened at one time, one
        happened at time 0, or there would be more than 5 million episodes.
    ValueError
        When a time asked for is not above 0.
    """
    if not all(at > 0 for at in times):
        raise ValueError("no hazard ratio at a time of 0 or less; accepted: times above 0")
    proportional = fit_cox(
        design, time, event, level=level, ties=ties, labels=labels, strata=strata
    )
    cases = complete_cases(design, time, event, strata=strata)
    whole = _centred(observation_rows(cases, ties, strata, cluster))
    moments = np.unique(whole.stop[whole.event])
    if moments[0] == 0:
        raise NotEstimable(ZERO_TIME)
    if moments.size < 2:
        raise NotEstimable("all events happened at one time")
    if (np.searchsorted(moments, whole.stop) + 1).sum() > _MOST_EPISODES:
        raise NotEstimable("follow-up would be split into more than 5 million episodes")
    rows, _ = _episodes(whole, tuple(moments.tolist()))
    change = f"{name} × log(time)"
    # an episode of somebody censored at time 0 is never at risk when an event happens
    log_time = np.log(np.where(rows.stop > 0, rows.stop, 1.0))
    frame = rows.design.assign(**{change: rows.design[name] * log_time})
    fit = fit_rows(replace(rows, design=frame), level=level)
    base, slope = (np.eye(len(fit.names))[fit.names.index(n)] for n in (name, change))
    return TimeVarying(
        name=name,
        form="log",
        terms=fit.terms(),
        periods=(),
        at=tuple((float(t), fit.combination(name, base + math.log(t) * slope)) for t in times),
        likelihood_ratio=likelihood_ratio(fit, proportional.log_likelihood, 1),
        robust_wald=fit.robust_wald(slope[None, :]),
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        ties=ties,
        level=level,
    )


def _centred(rows: CoxRows) -> CoxRows:
    """Rows whose covariates have mean 0, which changes no hazard ratio.

    An effect that changes with time multiplies the hazards of all who are at risk by a factor
    of their mean, and sums over episodes whose hazards are many orders apart lose their digits.
    """
    return replace(rows, design=rows.design - rows.design.mean())


def _episodes(rows: CoxRows, cuts: tuple[float, ...]) -> tuple[CoxRows, NDArray[np.int64]]:
    """Rows split at the cuts, and the period of each episode, from 0."""
    split = survsplit(rows.stop, rows.event.astype(float), cuts, zero=_BEFORE)
    source = np.array(split.row)
    episodes = CoxRows(
        design=rows.design.iloc[source].reset_index(drop=True),
        start=np.array(split.start),
        stop=np.array(split.end),
        event=np.array(split.status) == 1,
        ties=rows.ties,
        strata=None if rows.strata is None else rows.strata[source],
        cluster=None if rows.cluster is None else rows.cluster[source],
    )
    return episodes, np.array(split.interval, dtype=np.int64)


def _refuse_periods(spans: Sequence[tuple[float, float | None]], counts: Sequence[int]) -> None:
    for (start, stop), count in zip(spans, counts, strict=True):
        if not count:
            when = f"after {start:g}" if stop is None else f"between {start:g} and {stop:g}"
            raise NotEstimable(f"no event was observed {when}")


def _refuse_levels(
    spans: Sequence[tuple[float, float | None]],
    whole: CoxRows,
    name: str,
    labels: Mapping[str, str],
) -> None:
    """Refuse one of two levels without event in a period, whose coefficient runs away there.

    An event when nobody of the other level is at risk any more says nothing of either.
    """
    values = whole.design[name].to_numpy()
    if np.unique(values).size != 2:
        return
    compared = whole.event & (whole.stop <= _last_of_both(whole, values == values.max()))
    for start, stop in spans:
        inside = (whole.stop > start) & (whole.stop <= (math.inf if stop is None else stop))
        if start == 0:
            inside |= whole.stop == 0
        if np.unique(values[compared & inside]).size < 2:
            when = f"after {start:g}" if stop is None else f"between {start:g} and {stop:g}"
            label = labels.get(name, name)
            raise NotEstimable(
                f"one level of {label} has no event {when} while the other is still at risk"
            )


def _last_of_both(rows: CoxRows, upper: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Time up to which both levels are at risk in the stratum of each row."""
    strata = np.zeros(upper.size) if rows.strata is None else rows.strata
    stop = pd.Series(rows.stop)
    last = [stop.where(own).groupby(strata).transform("max") for own in (upper, ~upper)]
    either = np.column_stack(last).astype(float)  # NaN: a level that the stratum has not
    return np.asarray(np.nan_to_num(either, nan=-math.inf).min(axis=1), dtype=float)


def _span_name(name: str, start: float, stop: float | None) -> str:
    return f"{name} after {start:g}" if stop is None else f"{name} from {start:g} to {stop:g}"


def _nested(levels: NDArray[np.float64], strata: ArrayLike | None) -> NDArray[Any]:
    """Strata of the levels within other strata; NaN where either is missing."""
    if strata is None:
        return levels
    outer = np.asarray(strata)
    codes = pd.Series(list(zip(outer.tolist(), levels.tolist(), strict=True))).factorize()[0]
    missing = pd.isna(outer) | np.isnan(levels)
    return np.where(missing, np.nan, codes.astype(float))
