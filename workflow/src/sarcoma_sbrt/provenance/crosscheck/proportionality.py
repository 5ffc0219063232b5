"""Whether hazards are proportional, and models that do without it, again by risk sets.

The score test of Grambsch and Therneau (1994), with the full information, follows from the
covariates' means and variances in each risk set. An effect that changes with time is fitted with
the covariate as it is at each event time, where the first engine splits follow-up into episodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.cox_models import (
    ENGINE,
    Units,
    counted,
    covariates_of,
    models_of,
    units_of,
)
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import (
    AtMoment,
    Estimate,
    Floats,
    Sample,
    Test,
    Wald,
    chi_square,
    estimate,
    estimate_timed,
    fixed,
    inverse_of,
    maximum,
    refuse,
    wald_test,
)
from sarcoma_sbrt.settings import Analysis

__all__ = ["proportional", "recompute", "time_scale", "timed_effect"]

# Share of the information of a change with time that its covariates leave, and that is none.
_NOTHING_LEFT = 1e-10
_MOST_STRATA = 10
_MOST_EPISODES = 5_000_000
# Quantiles at which a spline has its knots (Harrell 2015, table 2.3).
_KNOTS: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}


def recompute(materials: Materials) -> dict[str, Second]:
    """Tests of proportional hazards and of splines, the remedies, and how many tests failed."""
    analysis = materials.plan.analysis
    found: dict[str, Second] = {}
    for endpoint in analysis.endpoints:
        units = units_of(materials, endpoint, covariates_of(endpoint, analysis))
        for model, names in models_of(endpoint, analysis):
            one = _Model(f"diagnostics.{endpoint}.{model}", units, names, analysis)
            found |= _tests(one)
            for name in names:
                if analysis.covariates[name].step is not None:
                    found |= _spline(one, name, observed=materials.plan.cohort.kind == "observed")
    return found | _summary(found, analysis)


@dataclass(frozen=True)
class _Model:
    """One Cox model: what its statistics are called and what it is fitted to."""

    key: str
    units: Units
    names: tuple[str, ...]
    analysis: Analysis

    @property
    def sample(self) -> Sample:
        return self.units.sample(self.names, self.analysis.ties)

    @property
    def efron(self) -> bool:
        return self.analysis.ties == "efron"

    def records(
        self, ends: Sequence[str], values: Sequence[float | None], p: float | None
    ) -> dict[str, Second]:
        """Statistics of the model that share one p."""
        counts = counted(self.sample)
        return {
            f"{self.key}.{end}": Second(value, p=p, **counts)
            for end, value in zip(ends, values, strict=True)
        }


# --- the score test -----------------------------------------------------------------------


def time_scale(time: Floats, event: NDArray[np.bool_], transform: str) -> Floats:
    """Transformed event times, ascending, one for every event.

    Parameters
    ----------
    time, event : ndarray, shape (n,)
    transform : {'km', 'rank', 'identity', 'log'}
        One less the Kaplan-Meier curve just before the time; its rank among everybody's; itself;
        its logarithm.
    """
    moments = np.sort(time[event])
    if transform == "identity":
        return moments
    if transform == "log":
        if moments[0] <= 0:
            raise NotEstimable("an event happened at time 0")
        return np.log(moments)
    if transform == "rank":
        return np.sort(rankdata(time)[event])
    distinct, events = np.unique(moments, return_counts=True)
    at_risk = np.array([(time >= moment).sum() for moment in distinct])
    before = np.concatenate(([1.0], np.cumprod(1 - events / at_risk)[:-1]))
    return np.repeat(1 - before, events)


def proportional(sample: Sample, transform: str) -> tuple[list[Test], Test]:
    """Test of each covariate's effect not changing with transformed time, and of all of them.

    The score test of adding every covariate times the centred time to the fitted model, whose
    coefficients stay as they are.

    Raises
    ------
    NotEstimable
        When the model cannot be fitted or the events are too few.
    """
    estimate(replace(sample, cluster=None), level=0.95)  # refuses what has no model
    sets = fixed(sample)
    _, point = maximum(sets)
    if len(sets.tied) < 2:
        raise NotEstimable("all events happened at one time")
    when = time_scale(sample.time, sample.event, transform)
    when = when - when.mean()
    slopes = (sets.x[sets.deaths] - point.mean) * when[:, None]
    crossed = np.einsum("e,eab->ab", when, point.variance)
    squared = np.einsum("e,eab->ab", when**2, point.variance)
    # What the covariates themselves leave of the information about their change.
    left = squared - crossed @ np.linalg.solve(point.information, crossed)
    slope = slopes.sum(axis=0) - crossed @ np.linalg.solve(point.information, point.score)
    if not (np.diag(left) > _NOTHING_LEFT * np.diag(squared)).all():
        raise NotEstimable("the events are too few")
    single = [chi_square(float(s**2 / v), 1) for s, v in zip(slope, np.diag(left), strict=True)]
    return single, wald_test(np.linalg.solve(left, slope), inverse_of(left))


def _tests(model: _Model) -> dict[str, Second]:
    """Tests of a model; where one fails, the models without the assumption."""
    ends = [f"{name}.ph" for name in model.names] + (["ph"] if len(model.names) > 1 else [])
    try:
        single, overall = proportional(model.sample, model.analysis.diagnostics.transform)
    except NotEstimable:
        return {k: v for end in ends for k, v in _test(model, end, None).items()}
    found: dict[str, Second] = {}
    for end, test in zip(ends, [*single, overall], strict=False):
        found |= _test(model, end, test)
    for name, (_, _, p) in zip(model.names, single, strict=True):
        if p < model.analysis.alpha:
            found |= _remedies(model, name)
    return found


def _test(model: _Model, end: str, test: Test | None) -> dict[str, Second]:
    chi, p = (None, None) if test is None else (test[0], test[2])
    return model.records([f"{end}.chi_square", f"{end}.p"], [chi, p], p)


# --- effects that change with time --------------------------------------------------------


def timed_effect(
    sample: Sample, name: str, columns: Callable[[float, Floats], Floats]
) -> tuple[Estimate, float]:
    """Model in which one covariate is another at each event time.

    Parameters
    ----------
    sample : Sample
    name : str
        The covariate.
    columns : callable
        Event time and the covariate's values -> what stands in its place then, shape
        (rows, columns); the other covariates follow.

    Returns
    -------
    Estimate
    float
        Log likelihood of the model in which it does not change.
    """
    plain = estimate(replace(sample, cluster=None), level=0.95)
    x = sample.x - sample.x.mean(axis=0)
    at = sample.names.index(name)
    others = np.delete(x, at, axis=1)
    moments = []
    for moment in np.unique(sample.time[sample.event]):
        rows = np.flatnonzero(sample.time >= moment)
        moments.append(
            AtMoment(
                rows=rows,
                x=np.column_stack([columns(float(moment), x[rows, at]), others[rows]]),
                dying=sample.event[rows] & (sample.time[rows] == moment),
                weight=np.ones(len(rows)),
            )
        )
    return (
        estimate_timed(moments, len(x), efron=sample.ties == "efron", cluster=sample.cluster),
        plain.log_likelihood,
    )


def _remedies(model: _Model, name: str) -> dict[str, Second]:
    return {**_piecewise(model, name), **_log_time(model, name), **_stratified(model, name)}


def _piecewise(model: _Model, name: str) -> dict[str, Second]:
    """Hazard ratios within periods, events in them, and the test of no change."""
    cuts = sorted(model.analysis.diagnostics.time_cuts_months)
    sample, key, count = model.sample, f"{name}.piecewise", len(cuts) + 1
    ends = [f"{key}.period_{number}" for number in range(1, count + 1)]
    events = np.bincount(np.searchsorted(cuts, sample.time[sample.event]), minlength=count)

    def columns(time: float, values: Floats) -> Floats:
        own = np.arange(count) == np.searchsorted(cuts, time)
        return np.asarray(np.where(own, values[:, None], 0.0), dtype=float)

    contrasts = np.eye(count)[1:] - np.eye(count)[0]
    try:
        _refuse_periods(sample, name, cuts)
        fit, plain = timed_effect(sample, name, columns)
        ratios = [_wald(fit, np.eye(count)[at], model.analysis) for at in range(count)]
        p = _change(fit, plain, contrasts)
    except NotEstimable:
        empty = _empty(model, [f"{end}.{part}" for end in ends for part in ("hr", "p")])
        return empty | _empty(model, [f"{key}.change.p"])
    found = model.records([f"{key}.change.p"], [p], p)
    for end, wald, happened in zip(ends, ratios, events, strict=True):
        found |= _ratio(model, f"{end}.hr", f"{end}.p", wald)
        found[f"{model.key}.{end}.events"] = Second(int(happened), **counted(sample))
    return found


def _refuse_periods(sample: Sample, name: str, cuts: Sequence[float]) -> None:
    """Refuse a period without an event, or in which only one of two levels has any to compare."""
    if not cuts:
        raise NotEstimable("no cut of time is configured")
    values = sample.x[:, sample.names.index(name)]
    period = np.searchsorted(cuts, sample.time)
    last = min((sample.time[values == level].max() for level in np.unique(values)), default=0.0)
    for at in range(len(cuts) + 1):
        own = sample.event & (period == at)
        if not own.any():
            raise NotEstimable("a period has no event")
        compared = own & (sample.time <= last)
        if len(np.unique(values)) == 2 and len(np.unique(values[compared])) < 2:
            raise NotEstimable("one level has no event in a period")


def _log_time(model: _Model, name: str) -> dict[str, Second]:
    """Hazard ratios at the landmarks of an effect linear in log time, and the test of no change."""
    times, key, sample = model.analysis.landmarks_months, f"{name}.log_time", model.sample

    def columns(time: float, values: Floats) -> Floats:
        return np.column_stack([values, values * math.log(time)])

    try:
        _refuse_log_time(sample)
        fit, plain = timed_effect(sample, name, columns)
        count = len(fit.coefficients)
        base, slope = np.eye(count)[:2]
        ratios = [_wald(fit, base + math.log(t) * slope, model.analysis) for t in times]
        p = _change(fit, plain, slope[None, :])
    except NotEstimable:
        ends = [f"{key}.{part}_{time:g}m" for time in times for part in ("hr", "p")]
        return _empty(model, [*ends, f"{key}.change.p"])
    found = model.records([f"{key}.change.p"], [p], p)
    for time, wald in zip(times, ratios, strict=True):
        found |= _ratio(model, f"{key}.hr_{time:g}m", f"{key}.p_{time:g}m", wald)
    return found


def _refuse_log_time(sample: Sample) -> None:
    moments = np.unique(sample.time[sample.event])
    if moments.size < 2 or moments[0] == 0:
        raise NotEstimable("all events happened at one time, or one at time 0")
    if (np.searchsorted(moments, sample.time) + 1).sum() > _MOST_EPISODES:
        raise NotEstimable("too many episodes")


def _wald(fit: Estimate, contrast: Floats, analysis: Analysis) -> Wald:
    """Ratio of a combination of the first coefficients; by cluster where there are any."""
    whole = np.zeros(len(fit.coefficients))
    whole[: len(contrast)] = contrast
    variance = fit.variance if fit.robust is None else fit.robust
    error = math.sqrt(max(float(whole @ variance @ whole), 0.0))
    return Wald.of(float(whole @ fit.coefficients), error, analysis.confidence_level)


def _change(fit: Estimate, plain: float, contrasts: Floats) -> float:
    """Test of no change: likelihood ratio, or Wald's by cluster."""
    if fit.robust is None:
        return chi_square(2 * (fit.log_likelihood - plain), len(contrasts))[2]
    whole = np.zeros((len(contrasts), len(fit.coefficients)))
    whole[:, : contrasts.shape[1]] = contrasts
    return wald_test(whole @ fit.coefficients, whole @ fit.robust @ whole.T)[2]


def _stratified(model: _Model, name: str) -> dict[str, Second]:
    """Hazard ratios of the other covariates, with a baseline hazard for each level of this one."""
    others = tuple(other for other in model.names if other != name)
    sample = model.sample
    keys = [f"{name}.stratified.{other}" for other in others]
    try:
        fit = estimate(_within(model, sample, name), level=model.analysis.confidence_level)
        units = np.eye(len(others))
        ratios = [_wald(fit, unit, model.analysis) for unit in units]
    except NotEstimable:
        return _empty(model, [f"{key}.{part}" for key in keys for part in ("hr", "p")])
    found: dict[str, Second] = {}
    for key, wald in zip(keys, ratios, strict=True):
        found |= _ratio(model, f"{key}.hr", f"{key}.p", wald)
    return found


def _within(model: _Model, sample: Sample, name: str) -> Sample:
    """The sample without one covariate, in strata of its levels; a continuous one in halves."""
    at = sample.names.index(name)
    if len(sample.names) == 1:
        raise NotEstimable("the model has no other covariate")
    levels = sample.x[:, at]
    if model.analysis.covariates[name].step is not None:
        levels = (levels > np.median(levels)).astype(float)
    elif len(np.unique(levels)) > _MOST_STRATA:
        raise NotEstimable("too many strata")
    return replace(
        sample,
        names=tuple(other for other in sample.names if other != name),
        x=np.delete(sample.x, at, axis=1),
        stratum=levels,
    )


def _ratio(model: _Model, ratio: str, p: str, wald: Wald) -> dict[str, Second]:
    counts = counted(model.sample)
    return {
        f"{model.key}.{ratio}": Second(wald.ratio, wald.low, wald.high, wald.p, **counts),
        f"{model.key}.{p}": Second(wald.p, p=wald.p, **counts),
    }


def _empty(model: _Model, ends: Sequence[str]) -> dict[str, Second]:
    """Statistics that these data do not give."""
    counts = counted(model.sample)
    return {f"{model.key}.{end}": Second(None, None, None, None, **counts) for end in ends}


# --- the form of a continuous effect ------------------------------------------------------


def _spline(model: _Model, name: str, *, observed: bool) -> dict[str, Second]:
    """Test of a spline against the straight line; of reconstructed values there is none."""
    try:
        test = _bent(model, name) if observed else None
    except NotEstimable:
        test = None
    return _test(model, f"{name}.spline", test)


def _bent(model: _Model, name: str) -> Test:
    """Nonlinear terms of a restricted cubic spline: likelihood ratio, or Wald's by cluster."""
    sample, at = model.sample, model.names.index(name)
    linear = estimate(replace(sample, cluster=None), level=0.95)
    bends = restricted_cubic(sample.x[:, at], model.analysis.diagnostics.spline_knots)
    names = (*sample.names, *(f"{name} {number}" for number in range(bends.shape[1])))
    curved = replace(sample, names=names, x=np.column_stack([sample.x, bends]))
    plain = estimate(replace(curved, cluster=None), level=0.95)
    if sample.cluster is None:
        return chi_square(2 * (plain.log_likelihood - linear.log_likelihood), bends.shape[1])
    if len(np.unique(sample.cluster)) <= len(names):
        raise NotEstimable("there are not more clusters than covariates")
    refuse(curved)
    fit = estimate(curved, level=0.95)
    assert fit.robust is not None  # there are clusters
    extra = slice(len(sample.names), None)
    return wald_test(fit.coefficients[extra], fit.robust[extra, extra])


def restricted_cubic(values: Floats, knots: int) -> Floats:
    """Nonlinear terms of a spline that is straight beyond its outer knots (Stone and Koo 1985).

    Parameters
    ----------
    values : ndarray, shape (n,)
    knots : int
        How many, at Harrell's quantiles.

    Returns
    -------
    ndarray, shape (n, knots - 2)
        Truncated powers, in the cubed unit of the values over the squared range of the knots.
    """
    places = np.quantile(values, _KNOTS[knots])
    if len(np.unique(values)) <= knots or len(np.unique(places)) < knots:
        raise NotEstimable("too few distinct values for a spline")
    *inner, before, last = places

    def cubed(knot: float) -> Floats:
        return np.asarray(np.maximum(values - knot, 0.0) ** 3, dtype=float)

    span, step = (last - places[0]) ** 2, last - before
    return np.column_stack(
        [
            (
                cubed(knot)
                - cubed(before) * (last - knot) / step
                + cubed(last) * (before - knot) / step
            )
            / span
            for knot in inner
        ]
    )


# --- how many -----------------------------------------------------------------------------


def _summary(found: dict[str, Second], analysis: Analysis) -> dict[str, Second]:
    """How many tests there were and failed, each model once however often the plan names it."""
    terms = list(summarised(analysis))
    if not terms:
        return {}
    tests = [found[f"{term}.ph.p"].value for term in terms]
    forms = [found[f"{t}.spline.p"].value for t in terms if f"{t}.spline.p" in found]
    held, lines = ([p for p in of if isinstance(p, float)] for of in (tests, forms))
    values = {
        "tests": len(held),
        "untested": len(tests) - len(held),
        "failed": sum(p < analysis.alpha for p in held),
        "expected": analysis.alpha * len(held),
        "forms": len(lines),
        "nonlinear": sum(p < analysis.alpha for p in lines),
    }
    return {f"diagnostics.{name}": Second(v, engine=ENGINE) for name, v in values.items()}


def summarised(analysis: Analysis) -> Iterator[str]:
    """Key of every covariate of every model, no two models with the same covariates."""
    for endpoint in analysis.endpoints:
        seen: set[frozenset[str]] = set()
        for model, names in models_of(endpoint, analysis):
            if frozenset(names) not in seen:
                seen.add(frozenset(names))
                yield from (f"diagnostics.{endpoint}.{model}.{name}" for name in names)
