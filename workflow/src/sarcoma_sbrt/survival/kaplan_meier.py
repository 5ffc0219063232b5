"""Kaplan-Meier curves: rates, quantiles, restricted means, and follow-up by the reverse curve."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from survival.surv_analysis import survfitkm  # type: ignore[attr-defined]  # bound when imported
from survival.validation import survmean_curves  # type: ignore[attr-defined]

from sarcoma_sbrt.errors import NotEstimable

__all__ = [
    "NEGATIVE_TIME",
    "NOT_FOLLOWED",
    "NOT_REACHED",
    "AtProbability",
    "KaplanMeier",
    "Median",
    "Quantile",
    "QuantileLimits",
    "Rate",
    "RestrictedMean",
    "common_horizon",
    "fit_kaplan_meier",
    "observed",
    "reverse_kaplan_meier",
]

NEGATIVE_TIME = "a time is negative"
NOT_FOLLOWED = "nobody was followed that long"
NOT_REACHED = "the curve stays above one half"

Transform = Literal["log-log", "log", "plain"]
QuantileLimits = Literal["crossing", "first_event"]
AtProbability = Literal["first", "midpoint"]

# A product of fractions that is one half may come out 1e-16 beside it; R's tolerance.
_TOLERANCE = float(np.finfo(float).eps) ** 0.5


@dataclass(frozen=True)
class Rate:
    """Survival at one time, as a fraction.

    Attributes
    ----------
    value : float
        S(t).
    low, high : float or None
        Confidence limits; None where the band is undefined (`KaplanMeier`).
    at_risk, events : int
        Number at risk just before the time, and events up to and including it.
    """

    value: float
    low: float | None
    high: float | None
    at_risk: int
    events: int


@dataclass(frozen=True)
class Quantile:
    """Time of a quantile with its confidence limits; None for what is not reached."""

    value: float | None
    low: float | None
    high: float | None


Median = Quantile


@dataclass(frozen=True)
class RestrictedMean:
    """Area under the curve up to a horizon.

    Attributes
    ----------
    value, standard_error : float
        In the unit of the times.
    low, high : float
        Symmetric limits, value -+ z standard errors.
    horizon : float
        The time up to which the mean is restricted.
    """

    value: float
    standard_error: float
    low: float
    high: float
    horizon: float


@dataclass(frozen=True)
class KaplanMeier:
    """A Kaplan-Meier curve: one element per distinct observed time, 0 first.

    Attributes
    ----------
    times : ndarray of float
        In the unit of the times that were given. Times that differ by rounding only (1.5e-8,
        relative) are one time, as in R.
    survival : ndarray of float
        S just after each time.
    lower, upper : ndarray of float
        Pointwise confidence band. As in R it is undefined (NaN) where S is 0, and on the
        log-log transform where S is 1; on the others it is 1 to 1 there.
    at_risk, events, censored : ndarray of int
        At risk just before each time (R's ``n.risk``); events and censorings at it.
    level : float
        Confidence level of the band.
    transform : str
        Transform on which the band is symmetric.
    """

    times: NDArray[np.float64]
    survival: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]
    level: float
    transform: str

    def number_at_risk(self, time: float) -> int:
        """Observations whose time is `time` or later: those at risk just before it."""
        return int((self.events + self.censored)[self.times >= time].sum())

    def rate(self, time: float) -> Rate:
        """Survival at a time.

        Raises
        ------
        NotEstimable
            When the time lies beyond the last observed one and the curve has not come down
            to zero: R's ``summary.survfit`` gives no row there either.
        """
        self._refuse_beyond(time)
        at = int(np.searchsorted(self.times, time, side="right")) - 1
        return Rate(
            value=float(self.survival[at]),
            low=_limit(self.lower[at]),
            high=_limit(self.upper[at]),
            at_risk=self.number_at_risk(time),
            events=int(self.events[: at + 1].sum()),
        )

    def median(
        self, *, limits: QuantileLimits = "crossing", at_half: AtProbability = "first"
    ) -> Quantile:
        """Time at which the curve falls to one half: `quantile` of 0.5."""
        return self.quantile(0.5, limits=limits, at_probability=at_half)

    def quartiles(
        self, *, limits: QuantileLimits = "crossing", at_probability: AtProbability = "first"
    ) -> tuple[Quantile, Quantile, Quantile]:
        """Times by which a quarter, a half and three quarters had the event."""
        first, second, third = (
            self.quantile(p, limits=limits, at_probability=at_probability)
            for p in (0.25, 0.5, 0.75)
        )
        return first, second, third

    def quantile(
        self,
        probability: float,
        *,
        limits: QuantileLimits = "crossing",
        at_probability: AtProbability = "first",
    ) -> Quantile:
        """Time by which a fraction of the population had the event.

        Value and limits are the first times at which the curve, the lower and the upper limit
        of its band are 1 - `probability` or less (Brookmeyer and Crowley 1982).

        Parameters
        ----------
        probability : float
            Fraction with the event, between 0 and 1.
        limits : {'crossing', 'first_event'}
            ``crossing``: a limit at which the band never arrives is None. ``first_event``: an
            upper limit at which it never arrives is the last event time, provided that the
            curve itself arrives; the rule that the limits printed by Feng et al. 2022 fit.
        at_probability : {'first', 'midpoint'}
            Where the curve is exactly 1 - `probability` over a stretch: its beginning, or the
            middle between it and the next fall, as R and SAS have it. Where it never falls
            again both take the beginning (R's ``print`` too; R's ``quantile`` then takes the
            middle of the stretch up to the last time).

        Raises
        ------
        ValueError
            For a probability that is not between 0 and 1, or another rule.
        """
        if not 0 < probability < 1:
            raise ValueError(f"no quantile of {probability:g}; accepted: between 0 and 1")
        _refuse_option("limits", limits, QuantileLimits)
        _refuse_option("at_probability", at_probability, AtProbability)
        value, low, high = (
            _crossing(self.times, curve, 1 - probability, at_probability)
            for curve in (self.survival, self.lower, self.upper)
        )
        if limits == "first_event" and value is not None and high is None:
            high = float(self.times[self.events > 0].max())
        return Quantile(value, low, high)

    def restricted_mean(self, horizon: float) -> RestrictedMean:
        """Mean time up to a horizon (RMST), R's ``print(survfit(...), rmean = horizon)``.

        The standard error is that of the area under the curve with Greenwood's increments,
        sum of (area right of t)^2 d / (n (n - d)).

        Parameters
        ----------
        horizon : float
            Above 0, in the unit of the times; groups that are compared need one horizon, for
            instance `common_horizon`.

        Raises
        ------
        NotEstimable
            When the horizon lies beyond the last observed time and the curve has not come
            down to zero. R would prolong the curve.
        ValueError
            When the horizon is not above 0.
        """
        if not horizon > 0:
            raise ValueError(f"no mean up to {horizon:g}; accepted: a horizon above 0")
        self._refuse_beyond(horizon)
        row = survmean_curves(
            self.times,
            self.survival,
            self.at_risk.astype(float),
            self.events.astype(float),
            [int(self.at_risk[0])],
            rmean="individual",
            rmean_at=horizon,
        )[0]
        value, error = float(row.rmean), float(row.se_rmean)
        width = float(norm.ppf((1 + self.level) / 2)) * error
        return RestrictedMean(value, error, value - width, value + width, horizon)

    def _refuse_beyond(self, time: float) -> None:
        if time > self.times[-1] and self.survival[-1] > 0:
            raise NotEstimable(NOT_FOLLOWED)


def common_horizon(curves: Iterable[KaplanMeier], landmarks: Iterable[float]) -> float:
    """The last of some landmarks up to which every curve is known.

    The last time up to which every group was followed would be no horizon for a restricted
    mean: it depends on the last few patients, and hardly anybody is at risk there.

    Parameters
    ----------
    curves : iterable of KaplanMeier
        Of the groups whose means are compared.
    landmarks : iterable of float
        In the unit of the times, above 0.

    Raises
    ------
    NotEstimable
        When there is no group, or a curve ends before the first landmark.
    """
    ends = [float(curve.times[-1]) if curve.survival[-1] > 0 else math.inf for curve in curves]
    reached = [landmark for landmark in landmarks if landmark <= min(ends, default=0.0)]
    if not reached:
        raise NotEstimable("a group was not followed to any landmark")
    return float(max(reached))


def fit_kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, level: float, transform: str = "log-log"
) -> KaplanMeier:
    """Kaplan-Meier estimate with a pointwise band from Greenwood's variance.

    Parameters
    ----------
    time : array_like, shape (n,)
        Observed times, not negative, in any one unit.
    event : array_like of int, shape (n,)
        1 for the event; every other code (0 censored, 2 competing) is censored here.
    level : float
        Confidence level of the band, e.g. 0.95.
    transform : {'log-log', 'log', 'plain'}
        Transform on which the band is symmetric (R's default is ``log``). Limits outside 0 to
        1 are cut, as in R.

    Raises
    ------
    NotEstimable
        When nobody was observed, or a time is negative.
    ValueError
        For another transform, or a missing time or event.
    """
    _refuse_option("transform", transform, Transform)
    times, codes = observed(time, event)
    if not times.size:
        raise NotEstimable("nobody was observed")
    fit = survfitkm(
        times, (codes == 1).astype(np.int64), conf_int=level, conf_type=transform, se_fit=True
    )
    start = fit.time[0] > 0  # the engine's curve begins at the first time; ours always at 0
    survival = _from(start, 1.0, fit.surv)
    lower, upper = _from(start, 1.0, fit.lower), _from(start, 1.0, fit.upper)
    if transform == "log-log":  # the engine says 1 where R, rightly, has no band
        lower[survival == 1] = upper[survival == 1] = np.nan
    return KaplanMeier(
        times=_from(start, 0.0, fit.time),
        survival=survival,
        lower=lower,
        upper=upper,
        at_risk=_from(start, fit.n_risk[0], fit.n_risk).astype(np.int64),
        events=_from(start, 0.0, fit.n_event).astype(np.int64),
        censored=_from(start, 0.0, fit.n_censor).astype(np.int64),
        level=level,
        transform=transform,
    )


def reverse_kaplan_meier(
    time: ArrayLike, event: ArrayLike, *, level: float, transform: str = "log-log"
) -> KaplanMeier:
    """Curve of potential follow-up (Schemper and Smith 1996): censoring is the event.

    An event, and a competing one, hides how long follow-up would have lasted: it is censored
    here. Only code 0 ends follow-up. As in R's ``survfit(Surv(time, event == 0) ~ 1)``, at a
    tied time those who are censored are counted before those who had the event leave.

    Parameters and errors are those of `fit_kaplan_meier`.
    """
    times, codes = observed(time, event)
    return fit_kaplan_meier(times, codes == 0, level=level, transform=transform)


def observed(time: ArrayLike, event: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times and event codes as arrays of one length, checked.

    Raises
    ------
    NotEstimable
        When a time is negative.
    ValueError
        When a time or an event is missing or infinite.
    """
    times, codes = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if times.shape != codes.shape or not (np.isfinite(times) & np.isfinite(codes)).all():
        raise ValueError("a time or an event is missing")
    if (times < 0).any():
        raise NotEstimable(NEGATIVE_TIME)
    return times, codes.astype(np.int64)


def _from(start: bool, first: float, rest: list[float] | None) -> NDArray[np.float64]:
    return np.array([*([first] if start else []), *(rest or [])], dtype=float)


def _crossing(
    times: NDArray[np.float64],
    curve: NDArray[np.float64],
    height: float,
    at_height: AtProbability,
) -> float | None:
    below = np.flatnonzero(curve < height + _TOLERANCE)
    if not below.size:
        return None
    first = below[0]
    later = np.flatnonzero(curve < curve[first] - _TOLERANCE)
    if at_height == "midpoint" and abs(curve[first] - height) < _TOLERANCE and later.size:
        return float(times[first] + times[later[0]]) / 2
    return float(times[first])


def _limit(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _refuse_option(name: str, value: str, options: object) -> None:
    accepted = get_args(options)
    if value not in accepted:
        raise ValueError(f"no {name} {value!r}; accepted: {', '.join(accepted)}")
