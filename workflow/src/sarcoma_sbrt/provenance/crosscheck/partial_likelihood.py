"""The partial likelihood again, in plain numpy.

It is summed over risk sets and maximised by Newton's steps; every test, limit and residual of a
Cox or Fine-Gray model follows from its value, its slope and its curvature. The first engine is
the `survival` library (and `firthmodels` for Firth's penalty), of which nothing is used here.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, linprog
from scipy.stats import chi2, norm

from sarcoma_sbrt.errors import NotEstimable

__all__ = [
    "AtMoment",
    "AtRisk",
    "Estimate",
    "Floats",
    "Point",
    "Runaway",
    "Sample",
    "Test",
    "Wald",
    "chi_square",
    "estimate",
    "estimate_timed",
    "exponential",
    "firth",
    "fixed",
    "inverse_of",
    "likelihood",
    "maximum",
    "merged_times",
    "monotone",
    "penalised",
    "refuse",
    "residuals",
    "summed",
    "timed",
    "wald_test",
]

Floats = NDArray[np.float64]
Test = tuple[float, int, float]
"""Statistic, degrees of freedom and p."""

# Standard error, of a standardised covariate, from which on it is asked whether there is a maximum.
_DOUBTFUL = 1e3
# Share of a standard deviation: less than that tells no two rows apart.
_FLAT = 1e-9
_APART = 1e-6
_SINGULAR = 1e-12
_POOR = 0.1

# Share of a standard error: the last of Newton's steps, whose error is of its square's order.
_STILL = 1e-7
_MOST_STEPS = 200
# Of a penalised fit: no step is longer, and slopes this far apart give its curvature.
_FARTHEST = 5.0
_DIFFERENCE = 1e-4
_SAME_TIME = float(np.finfo(float).eps) ** 0.5


class Runaway(NotEstimable):
    """A coefficient goes to infinity: only the penalised likelihood has a maximum."""


# --- data ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sample:
    """Complete cases of one model, a row each.

    Attributes
    ----------
    names : tuple of str
        Covariates.
    x : ndarray of float, shape (n, covariates)
    time : ndarray of float, shape (n,)
    event : ndarray of bool, shape (n,)
    ties : {'efron', 'breslow'}
    stratum, cluster : ndarray, shape (n,), optional
    """

    names: tuple[str, ...]
    x: Floats
    time: Floats
    event: NDArray[np.bool_]
    ties: str
    stratum: NDArray[Any] | None = None
    cluster: NDArray[Any] | None = None

    @property
    def strata(self) -> NDArray[np.int64]:
        """Number of each row's stratum, from 0."""
        given = np.zeros(len(self.time)) if self.stratum is None else self.stratum
        return np.unique(given, return_inverse=True)[1].astype(np.int64)

    @property
    def scale(self) -> Floats:
        """Standard deviation of each covariate; 1 of one that is constant."""
        spread = self.x.std(axis=0) if len(self.x) else np.ones(self.x.shape[1])
        return np.where(spread > 0, spread, 1.0)

    @property
    def standard(self) -> Floats:
        """Covariates with mean 0 and standard deviation 1, on which every fit is made."""
        return np.asarray((self.x - self.x.mean(axis=0)) / self.scale, dtype=float)


def merged_times(time: Floats) -> Floats:
    """Times of which those that differ by rounding only are made one: R's ``aeqSurv``."""
    known = np.unique(time)
    if known.size < 2:
        return time
    gaps, typical = np.diff(known), float(np.abs(known).mean())
    apart = (gaps > _SAME_TIME) & (gaps > _SAME_TIME * typical)
    first = known[np.concatenate(([True], apart))]
    return np.asarray(first[np.searchsorted(first, time, side="right") - 1], dtype=float)


# --- risk sets ----------------------------------------------------------------------------


@dataclass(frozen=True)
class AtRisk:
    """Who is at risk at each event time.

    Attributes
    ----------
    x : ndarray, shape (rows, covariates)
    weight : ndarray, shape (rows,)
    deaths : ndarray of int
        Rows that have the event.
    moment : ndarray of int
        Event time of each of these, ascending, counted from 0 over all strata.
    owner : ndarray of int, shape (rows,)
        Observation that a row belongs to, counted from 0.
    observations : int
        How many there are, also of those that never are at risk.
    efron : bool
        Whether ties are Efron's; else they are Breslow's.
    """

    x: Floats
    weight: Floats
    deaths: NDArray[np.int64]
    moment: NDArray[np.int64]
    owner: NDArray[np.int64]
    observations: int
    efron: bool

    @cached_property
    def tied(self) -> NDArray[np.int64]:
        """Events at each event time."""
        return np.bincount(self.moment)

    @cached_property
    def share(self) -> Floats:
        """k/d of the k-th (from 0) of d tied events, by which Efron lessens their risk."""
        place = np.arange(len(self.moment)) - (np.cumsum(self.tied) - self.tied)[self.moment]
        return place / self.tied[self.moment] if self.efron else np.zeros(len(self.moment))

    @cached_property
    def squares(self) -> Floats:
        """Products of two covariates, shape (rows, covariates * covariates)."""
        return np.asarray(_by_two(self.x).reshape(len(self.x), -1), dtype=float)

    def sums(self, values: Floats) -> Floats:
        """Sum over the rows at risk at each event time."""
        raise NotImplementedError

    def spread(self, values: Floats) -> Floats:
        """Sum, for each row, over the event times at which it is at risk."""
        raise NotImplementedError

    def members(self, moment: int) -> slice:
        """Rows at risk at one event time."""
        raise NotImplementedError

    def per_event(self, values: Floats) -> Floats:
        """Sums over the risk set of every event, less its share of those tied with it."""
        dying = np.zeros((len(self.tied), values.shape[1]))
        np.add.at(dying, self.moment, values[self.deaths])
        less = _by(self.share, dying[self.moment])
        return np.asarray(self.sums(values)[self.moment] - less, dtype=float)


@dataclass(frozen=True)
class _Fixed(AtRisk):
    """Rows that do not change with time, ordered by stratum and time: sums run from the end.

    A row is at risk at the event times `begins` to `passed`; the risk set of each runs from the
    row `first` to the end of its stratum.
    """

    strata: tuple[slice, ...]
    first: NDArray[np.int64]
    begins: NDArray[np.int64]
    passed: NDArray[np.int64]

    def sums(self, values: Floats) -> Floats:
        total = np.empty_like(values)
        for rows in self.strata:
            total[rows] = values[rows][::-1].cumsum(axis=0)[::-1]
        return np.asarray(total[self.first], dtype=float)

    def spread(self, values: Floats) -> Floats:
        total = np.concatenate([np.zeros_like(values[:1]), values.cumsum(axis=0)])
        return np.asarray(total[self.passed] - total[self.begins], dtype=float)

    def members(self, moment: int) -> slice:
        begin = int(self.first[moment])
        return slice(begin, next(rows.stop for rows in self.strata if begin < rows.stop))


def fixed(sample: Sample) -> AtRisk:
    """Risk sets of a sample's standardised covariates, which do not change with time."""
    strata = sample.strata
    order = np.lexsort((~sample.event, sample.time, strata))
    own, time, event = strata[order], sample.time[order], sample.event[order]
    edges = np.searchsorted(own, np.arange(own.max(initial=-1) + 2))
    deaths = np.flatnonzero(event)
    placed = np.column_stack([own[deaths], time[deaths]])
    new = np.concatenate(([True], (np.diff(placed, axis=0) != 0).any(axis=1)))[: len(deaths)]
    first = deaths[new]  # of equal times deaths stand first, so that each opens its risk set
    rows = [slice(a, b) for a, b in itertools.pairwise(edges)]
    before = np.searchsorted(first, edges[:-1])
    passed = [
        low + np.searchsorted(time[first[(first >= r.start) & (first < r.stop)]], time[r], "right")
        for r, low in zip(rows, before, strict=True)
    ]
    return _Fixed(
        x=sample.standard[order],
        weight=np.ones(len(order)),
        deaths=deaths,
        moment=np.cumsum(new) - 1,
        owner=order.astype(np.int64),
        observations=len(order),
        efron=sample.ties == "efron",
        strata=tuple(rows),
        first=first,
        begins=before[own],
        passed=np.concatenate(passed),
    )


@dataclass(frozen=True)
class AtMoment:
    """Everybody at risk at one event time, with covariates and weights as they are then.

    Attributes
    ----------
    rows : ndarray of int
        Observations.
    x : ndarray, shape (rows, covariates)
    dying : ndarray of bool
        Who has the event; their weight is 1.
    weight : ndarray, shape (rows,)
    """

    rows: NDArray[np.int64]
    x: Floats
    dying: NDArray[np.bool_]
    weight: Floats


@dataclass(frozen=True)
class _Timed(AtRisk):
    """A row for everybody at risk at each event time, ordered by time."""

    starts: NDArray[np.int64]
    at: NDArray[np.int64]

    def sums(self, values: Floats) -> Floats:
        return np.asarray(np.add.reduceat(values, self.starts, axis=0), dtype=float)

    def spread(self, values: Floats) -> Floats:
        return np.asarray(values[self.at], dtype=float)

    def members(self, moment: int) -> slice:
        ends = (*self.starts[1:].tolist(), len(self.x))
        return slice(int(self.starts[moment]), ends[moment])


def timed(moments: Sequence[AtMoment], observations: int, *, efron: bool) -> tuple[AtRisk, Floats]:
    """Risk sets listed time by time, and what their covariates were divided by.

    Covariates are centred within each risk set, which changes no likelihood and keeps the digits
    of an effect that is steep in time.
    """
    sizes = np.array([len(moment.rows) for moment in moments])
    at = np.repeat(np.arange(len(moments)), sizes)
    x = np.concatenate([moment.x - moment.x.mean(axis=0) for moment in moments])
    spread = x.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    deaths = np.flatnonzero(np.concatenate([moment.dying for moment in moments]))
    sets = _Timed(
        x=x / scale,
        weight=np.concatenate([moment.weight for moment in moments]),
        deaths=deaths,
        moment=at[deaths],
        owner=np.concatenate([moment.rows for moment in moments]),
        observations=observations,
        efron=efron,
        starts=np.cumsum(sizes) - sizes,
        at=at,
    )
    return sets, scale


# --- the likelihood -----------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """The partial likelihood at some coefficients.

    Attributes
    ----------
    log_likelihood : float
    score : ndarray, shape (covariates,)
    information : ndarray, shape (covariates, covariates)
    total : ndarray, shape (events,)
        Risk of all who are at risk at each event.
    mean : ndarray, shape (events, covariates)
        Their mean covariates, weighted by risk.
    variance : ndarray, shape (events, covariates, covariates)
        And their variance.
    risk : ndarray, shape (rows,)
    """

    log_likelihood: float
    score: Floats
    information: Floats
    total: Floats
    mean: Floats
    variance: Floats
    risk: Floats


def likelihood(sets: AtRisk, coefficients: Floats) -> Point:
    """Efron's (1977) or Breslow's (1974) partial likelihood, one term for every event.

    Of d events at one time the k-th (from 0) has Efron's risk set less k/d of the risk of the d.
    """
    linear = sets.x @ coefficients
    top = float(linear.max(initial=0.0))
    risk, count = sets.weight * np.exp(linear - top), len(coefficients)
    packed = np.column_stack([risk, _by(risk, sets.x), _by(risk, sets.squares)])
    at_risk = sets.per_event(packed)
    # A step too far may leave nobody any risk, and no likelihood: it is halved then.
    total = np.maximum(at_risk[:, 0], np.finfo(float).tiny)
    mean = at_risk[:, 1 : 1 + count] / total[:, None]
    second = (at_risk[:, 1 + count :] / total[:, None]).reshape(-1, count, count)
    variance = second - _by_two(mean)
    return Point(
        log_likelihood=float(linear[sets.deaths].sum() - (np.log(total) + top).sum()),
        score=(sets.x[sets.deaths] - mean).sum(axis=0),
        information=variance.sum(axis=0),
        total=total,
        mean=mean,
        variance=variance,
        risk=risk,
    )


def _by_two(values: Floats) -> Floats:
    """Products of every two columns, row by row."""
    return np.asarray(values[:, :, None] * values[:, None, :], dtype=float)


def _by(weights: Floats, values: Floats) -> Floats:
    return np.asarray(weights[:, None] * values, dtype=float)


def maximum(
    sets: AtRisk, start: Floats | None = None, held: Sequence[int] = ()
) -> tuple[Floats, Point]:
    """Coefficients of greatest likelihood, some of them held where they start.

    Raises
    ------
    Runaway
        When one of them goes to infinity.
    NotEstimable
        When the likelihood is flat in one of them.
    """
    count = sets.x.shape[1]
    now = np.zeros(count) if start is None else start.astype(float)
    free = [at for at in range(count) if at not in held]
    here = likelihood(sets, now)
    if not held and _is_flat(here.information):
        raise NotEstimable("the partial likelihood is flat")
    asked = False
    for _ in range(_MOST_STEPS if free else 0):
        information = here.information[np.ix_(free, free)]
        error = _errors(information)
        if not asked and not (error < _DOUBTFUL).all():
            _refuse_monotone(sets, free)
            asked = True
        if not np.isfinite(error).all():
            raise NotEstimable("the information vanishes")
        step = np.asarray(np.linalg.solve(information, here.score[free]), dtype=float)
        now, here = _uphill(sets, now, free, step, here)
        if (np.abs(step) <= _STILL * error).all():
            return now, here
    if free:
        _refuse_monotone(sets, free)
        raise NotEstimable("Newton's steps do not end")
    return now, here


def _refuse_monotone(sets: AtRisk, free: Sequence[int]) -> None:
    if monotone(sets, free):
        raise Runaway("a coefficient runs away")


def monotone(sets: AtRisk, free: Sequence[int]) -> bool:
    """Whether the likelihood rises for ever in some direction of free coefficients.

    It does where some combination of covariates is, of everybody who has an event, nowhere below
    that of the others at risk then, and somewhere above (Bryson and Johnson 1981). A linear
    programme looks for one; no step of a fit is taken.
    """
    above = _above_others(sets, free)
    answer = linprog(-above.sum(axis=0), A_ub=-above, b_ub=np.zeros(len(above)), bounds=(-1, 1))
    return bool(answer.success and (above @ answer.x).max(initial=0.0) > _APART)


def _above_others(sets: AtRisk, free: Sequence[int]) -> Floats:
    """Covariates of those who have an event less those of others at risk, each difference once."""
    x = sets.x[:, list(free)]
    found = []
    for moment, death in zip(sets.moment.tolist(), sets.deaths.tolist(), strict=True):
        rows = sets.members(moment)
        others = np.unique(x[rows][sets.weight[rows] > 0], axis=0)
        found.append(x[death] - others)
    return np.unique(np.concatenate(found), axis=0)


def inverse_of(matrix: Floats) -> Floats:
    """Inverse of a symmetric matrix."""
    return np.asarray(np.linalg.inv(matrix), dtype=float)


def _is_flat(information: Floats) -> bool:
    diagonal = np.diag(information)
    if not (diagonal > _SINGULAR).all():
        return True
    correlation = information / np.sqrt(np.outer(diagonal, diagonal))
    return bool(np.linalg.eigvalsh(correlation)[0] < _SINGULAR)


def _errors(information: Floats) -> Floats:
    """Standard errors, infinite where the information has none left."""
    try:
        variance = np.diag(inverse_of(information))
    except np.linalg.LinAlgError:
        return np.full(len(information), math.inf)
    return np.sqrt(np.where(variance > 0, variance, math.inf))


def _uphill(
    sets: AtRisk, now: Floats, free: Sequence[int], step: Floats, here: Point
) -> tuple[Floats, Point]:
    """The full step, or the first of its halves that does not lead down."""
    slack = 1e-13 * max(abs(here.log_likelihood), 1.0)
    for _ in range(40):
        there = now.copy()
        there[list(free)] += step
        point = likelihood(sets, there)
        if slack > here.log_likelihood - point.log_likelihood > -math.inf:
            return there, point
        step = step / 2
    return now, here


def residuals(sets: AtRisk, point: Point) -> Floats:
    """Score residual of every observation: what it adds to the slope of the log likelihood.

    Observed less expected covariates; those who die together are each at risk for the part of
    every term that Efron leaves them (Therneau and Grambsch 2000, section 4.2). They sum to the
    slope.
    """
    hazard = 1 / point.total
    packed = np.column_stack([hazard, _by(hazard, point.mean)])
    whole, spared = (_by_moment(sets, p) for p in (packed, _by(sets.share, packed)))
    mean = _by_moment(sets, point.mean) / sets.tied[:, None]
    seen = sets.spread(whole)
    rows = -_by(point.risk, sets.x * seen[:, :1] - seen[:, 1:])
    own, at = sets.deaths, sets.moment
    rows[own] += sets.x[own] - mean[at]
    rows[own] += _by(point.risk[own], sets.x[own] * spared[at, :1] - spared[at, 1:])
    found = np.zeros((sets.observations, rows.shape[1]))
    np.add.at(found, sets.owner, rows)
    return found


def _by_moment(sets: AtRisk, values: Floats) -> Floats:
    """Values of events added up at each event time."""
    found = np.zeros((len(sets.tied), values.shape[1]))
    np.add.at(found, sets.moment, values)
    return found


def summed(values: Floats, cluster: NDArray[Any]) -> Floats:
    """Rows added up by cluster."""
    codes = np.unique(cluster, return_inverse=True)[1]
    found = np.zeros((int(codes.max(initial=-1)) + 1, values.shape[1]))
    np.add.at(found, codes, values)
    return found


# --- inference ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Wald:
    """Ratio, limits and two-sided p of one log hazard ratio and its standard error."""

    ratio: float
    low: float
    high: float
    p: float
    error: float

    @classmethod
    def of(cls, coefficient: float, error: float, level: float) -> Wald:
        """`NotEstimable` where the error is not above 0 or a limit beyond any number."""
        if not error > 0:
            raise NotEstimable("a standard error is not above 0")
        width = float(norm.isf((1 - level) / 2)) * error
        low, high = (exponential(coefficient + side * width) for side in (-1, 1))
        p = float(2 * norm.sf(abs(coefficient) / error))
        return cls(exponential(coefficient), low, high, p, error)


def exponential(log: float) -> float:
    """Exponential of a number; `NotEstimable` where that is beyond any number."""
    try:
        return math.exp(log)
    except OverflowError as problem:
        raise NotEstimable("a limit is beyond any number") from problem


def chi_square(statistic: float, degrees_of_freedom: int) -> Test:
    """Statistic, degrees of freedom and p."""
    return statistic, degrees_of_freedom, float(chi2.sf(statistic, degrees_of_freedom))


def wald_test(coefficients: Floats, variance: Floats) -> Test:
    """Chi-square test of all coefficients being 0.

    Raises
    ------
    NotEstimable
        When the variance leaves a combination of them undetermined.
    """
    diagonal = np.diag(variance)
    if not (diagonal > 0).all():
        raise NotEstimable("the variance is singular")
    root = np.sqrt(diagonal)
    values, vectors = np.linalg.eigh(variance / np.outer(root, root))
    if values[0] <= _SINGULAR:
        raise NotEstimable("the variance is singular")
    along = vectors.T @ (coefficients / root)
    return chi_square(float((along**2 / values).sum()), len(root))


@dataclass(frozen=True)
class Estimate:
    """A fitted model, in the covariates' own units.

    Attributes
    ----------
    coefficients, variance : ndarray
    robust : ndarray or None
        Sandwich variance, where there are clusters.
    log_likelihood, null : float
        At the estimate, and without any effect.
    tests : mapping of str to (statistic, degrees of freedom, p)
    profile : mapping of str to (low, high, p, shown)
        Profile likelihood of each covariate, where asked for; of Firth's its only inference.
    clusters : int or None
    """

    coefficients: Floats
    variance: Floats
    robust: Floats | None
    log_likelihood: float
    null: float
    tests: Mapping[str, Test]
    profile: Mapping[str, tuple[float, float, float, bool]] = field(default_factory=dict)
    clusters: int | None = None

    def error(self, at: int, *, robust: bool) -> float:
        """Standard error of one coefficient."""
        variance = self.robust if robust and self.robust is not None else self.variance
        return math.sqrt(max(float(variance[at, at]), 0.0))


def estimate(sample: Sample, *, level: float, profiled: bool = False) -> Estimate:
    """Maximum partial likelihood with its tests; by cluster too where there are any.

    Raises
    ------
    Runaway
        When only a penalised likelihood has a maximum.
    NotEstimable
        When there is no model of these data.
    """
    refuse(sample)
    sets = fixed(sample)
    best, point = maximum(sets)
    nothing = likelihood(sets, np.zeros(len(best)))
    variance = inverse_of(point.information)
    robust = _sandwich(sample, residuals(sets, point) @ variance, variance)
    units = np.outer(sample.scale, sample.scale)
    tests = _tests(best, variance, point, nothing)
    if robust is not None and sample.cluster is not None:
        tests["robust_wald"] = wald_test(best, robust)
        tests["robust_score"] = _robust_score(summed(residuals(sets, nothing), sample.cluster))
    found = Estimate(
        coefficients=best / sample.scale,
        variance=variance / units,
        robust=None if robust is None else robust / units,
        log_likelihood=point.log_likelihood,
        null=nothing.log_likelihood,
        tests=tests,
        clusters=None if sample.cluster is None else len(np.unique(sample.cluster)),
    )
    if profiled:
        return replace(found, profile=profile(sample, sets, best, point, level))
    return found


def _tests(best: Floats, variance: Floats, point: Point, nothing: Point) -> dict[str, Test]:
    count = len(best)
    rise = 2 * (point.log_likelihood - nothing.log_likelihood)
    slope = float(nothing.score @ np.linalg.solve(nothing.information, nothing.score))
    return {
        "likelihood_ratio": chi_square(rise, count),
        "wald": wald_test(best, variance),
        "score": chi_square(slope, count),
    }


def _sandwich(sample: Sample, changes: Floats, variance: Floats) -> Floats | None:
    """Lin and Wei's (1989) variance of changes summed within clusters."""
    if sample.cluster is None:
        return None
    found = summed(changes, sample.cluster)
    robust = found.T @ found
    root = np.sqrt(np.diag(variance))
    if np.linalg.matrix_rank(robust / np.outer(root, root), tol=_FLAT) < len(root):
        raise NotEstimable("there are too few clusters")
    return robust


def _robust_score(slopes: Floats) -> Test:
    total = slopes.sum(axis=0)
    return chi_square(float(total @ np.linalg.solve(slopes.T @ slopes, total)), len(total))


def refuse(sample: Sample) -> None:
    """Raise `NotEstimable` for data of which no likelihood makes a model, as the plan has it."""
    x, events, count = sample.x, int(sample.event.sum()), sample.x.shape[1]
    if not len(x) or not events:
        raise NotEstimable("nobody, or no event")
    within = np.array(sample.x / sample.scale)
    for stratum in np.unique(sample.strata):
        own = sample.strata == stratum
        within[own] -= within[own].mean(axis=0)
    if (np.ptp(x, axis=0) == 0).any() or (np.abs(within).max(axis=0) < _FLAT).any():
        raise NotEstimable("a covariate has one level")
    if events < count or np.linalg.matrix_rank(within / within.std(axis=0)) < count:
        raise NotEstimable("fewer events than covariates, or collinear ones")
    if not _anybody_left(sample):
        raise NotEstimable("no event while somebody else was at risk without one")
    _refuse_level_without_event(sample)


def _refuse_level_without_event(sample: Sample) -> None:
    for column in sample.x.T:
        if len(np.unique(column)) == 2 and len(np.unique(column[sample.event])) < 2:
            raise Runaway("one level has no event")


def _anybody_left(sample: Sample) -> bool:
    """Whether some event was not one of everybody's who were left in the stratum."""
    for stratum in np.unique(sample.strata):
        own = sample.strata == stratum
        time, event = sample.time[own], sample.event[own]
        last = time == time.max()
        if (event & ~last).any() or (event[last].any() and not event[last].all()):
            return True
    return False


# --- effects that change with time, and weights that do -----------------------------------


def estimate_timed(
    moments: Sequence[AtMoment],
    observations: int,
    *,
    efron: bool,
    cluster: NDArray[Any] | None,
) -> Estimate:
    """Maximum partial likelihood of risk sets listed time by time.

    Parameters
    ----------
    moments : sequence of AtMoment
        One for each event time, ascending.
    observations : int
        How many there are, also of those that never are at risk.
    efron : bool
    cluster : ndarray, shape (observations,), optional
        Over which the sandwich is summed.

    Raises
    ------
    NotEstimable
        When there is no maximum, or there are not more clusters than covariates.
    """
    sets, scale = timed(moments, observations, efron=efron)
    if cluster is not None and len(np.unique(cluster)) <= len(scale):
        raise NotEstimable("there are not more clusters than covariates")
    best, point = maximum(sets)
    variance, units = inverse_of(point.information), np.outer(scale, scale)
    robust = None
    if cluster is not None:
        changes = summed(residuals(sets, point) @ variance, cluster)
        robust = changes.T @ changes / units
    return Estimate(
        coefficients=best / scale,
        variance=variance / units,
        robust=robust,
        log_likelihood=point.log_likelihood,
        null=likelihood(sets, np.zeros(len(best))).log_likelihood,
        tests={},
        clusters=None if cluster is None else len(np.unique(cluster)),
    )


# --- profile likelihood -------------------------------------------------------------------


def profile(
    sample: Sample, sets: AtRisk, best: Floats, point: Point, level: float
) -> dict[str, tuple[float, float, float, bool]]:
    """Limits where twice the log likelihood has fallen by the chi-square quantile, and its test.

    `shown` says whether a limit lies a tenth of Wald's half width from Wald's, or more.
    """
    width = float(norm.isf((1 - level) / 2))
    errors = np.sqrt(np.diag(inverse_of(point.information)))
    found = {}
    for at, name in enumerate(sample.names):

        def fallen(value: float, at: int = at) -> float:
            start = best.copy()
            start[at] = value
            return 2 * (point.log_likelihood - maximum(sets, start, [at])[1].log_likelihood)

        half = width * float(errors[at])
        ends = [_falls_to(fallen, float(best[at]), side * half, level) for side in (-1, 1)]
        off = max(
            abs(end - best[at] - side * half) for end, side in zip(ends, (-1, 1), strict=True)
        )
        low, high = (exponential(end / sample.scale[at]) for end in ends)
        p = float(chi2.sf(max(fallen(0.0), 0.0), 1))
        found[name] = (low, high, p, bool(off >= _POOR * half))
    return found


def _falls_to(fallen: Callable[[float], float], best: float, step: float, level: float) -> float:
    """Where a curve that falls from its maximum has fallen by the quantile, on one side."""
    enough = float(chi2.ppf(level, 1))
    far = best + step
    for _ in range(60):
        if fallen(far) >= enough:
            return float(brentq(lambda v: fallen(v) - enough, best, far, xtol=1e-12, rtol=1e-14))
        far = best + 2 * (far - best)
    raise NotEstimable("the likelihood does not fall")


# --- Firth's penalty ----------------------------------------------------------------------


def penalised(sets: AtRisk, coefficients: Floats) -> tuple[float, Floats, Point]:
    """Log likelihood plus half the log determinant of the information, and its slope (Firth 1993).

    The penalty's slope is half the trace of the inverse information times the information's
    derivative, which of each event is the third central moment of those at risk.
    """
    point = likelihood(sets, coefficients)
    sign, size = np.linalg.slogdet(point.information)
    if sign <= 0:
        raise NotEstimable("the information vanishes")
    inverse = inverse_of(point.information)
    form = np.einsum("ia,ab,ib->i", sets.x, inverse, sets.x)
    sums = sets.per_event(_by(point.risk * form, np.column_stack([np.ones(len(form)), sets.x])))
    trace, third = sums[:, 0] / point.total, sums[:, 1:] / point.total[:, None]
    along = np.einsum("eab,bc,ec->ea", point.variance, inverse, point.mean)
    slope = (third - _by(trace, point.mean) - 2 * along).sum(axis=0)
    return point.log_likelihood + size / 2, point.score + slope / 2, point


def firth(sample: Sample, *, level: float) -> Estimate:
    """Firth's estimate with profile penalised limits and tests (Heinze and Schemper 2001).

    Raises
    ------
    NotEstimable
        When there is no model of these data, or a limit is beyond any number.
    """
    sample = replace(sample, ties="breslow", cluster=None)
    with suppress(Runaway):  # which is what the penalty is for
        refuse(sample)
    sets = fixed(sample)
    best, top = _penalised_maximum(sets, np.zeros(sample.x.shape[1]), ())
    variance = inverse_of(likelihood(sets, best).information)
    null = penalised(sets, np.zeros(len(best)))[0]
    found = {}
    for at, name in enumerate(sample.names):

        def fallen(value: float, at: int = at) -> float:
            start = best.copy()
            start[at] = value
            return 2 * (top - _penalised_maximum(sets, start, (at,))[1])

        step = math.sqrt(variance[at, at])
        ends = [_falls_to(fallen, float(best[at]), side * step, level) for side in (-1, 1)]
        low, high = (exponential(end / sample.scale[at]) for end in ends)
        found[name] = (low, high, float(chi2.sf(max(fallen(0.0), 0.0), 1)), True)
    units = np.outer(sample.scale, sample.scale)
    return Estimate(
        coefficients=best / sample.scale,
        variance=variance / units,
        robust=None,
        log_likelihood=top,
        null=null,
        tests={
            "likelihood_ratio": chi_square(2 * (top - null), len(best)),
            "wald": wald_test(best, variance),
        },
        profile=found,
    )


def _penalised_maximum(sets: AtRisk, start: Floats, held: Sequence[int]) -> tuple[Floats, float]:
    """Coefficients of greatest penalised likelihood, some held, by Newton's steps."""
    now, free = start.astype(float), [at for at in range(len(start)) if at not in held]
    value, slope, point = penalised(sets, now)
    for _ in range(_MOST_STEPS if free else 0):
        information = point.information[np.ix_(free, free)]
        step = _penalised_step(sets, now, free, slope, information)
        error = np.sqrt(np.diag(inverse_of(information)))
        last = bool((np.abs(step) <= _STILL * error).all())
        step = step * min(1.0, _FARTHEST / max(float(np.abs(step).max()), _SINGULAR))
        for _ in range(40):
            there = now.copy()
            there[free] += step
            found = penalised(sets, there)
            if found[0] >= value - 1e-13 * max(abs(value), 1.0):
                now, (value, slope, point) = there, found
                break
            step = step / 2
        if last:
            return now, value
    if free:
        raise NotEstimable("Newton's steps do not end")
    return now, value


def _penalised_step(
    sets: AtRisk, now: Floats, free: Sequence[int], slope: Floats, information: Floats
) -> Floats:
    """Newton's step by differences of the slope; by the information where that leads nowhere."""
    columns = []
    for at in free:
        way = np.zeros(len(now))
        way[at] = _DIFFERENCE
        up, down = (penalised(sets, now + side * way)[1][list(free)] for side in (1, -1))
        columns.append((down - up) / (2 * _DIFFERENCE))
    curvature = np.column_stack(columns)
    curvature = (curvature + curvature.T) / 2
    if np.linalg.eigvalsh(curvature)[0] <= 0:
        curvature = information
    return np.asarray(np.linalg.solve(curvature, slope[list(free)]), dtype=float)
