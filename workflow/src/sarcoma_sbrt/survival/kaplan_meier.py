"""Kaplan-Meier curves, their rates and medians, and follow-up by the reverse curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from lifelines import KaplanMeierFitter
from numpy.typing import ArrayLike, NDArray

from sarcoma_sbrt.errors import NotEstimable

__all__ = [
    "NOT_FOLLOWED",
    "NOT_REACHED",
    "KaplanMeier",
    "Median",
    "Rate",
    "fit_kaplan_meier",
    "reverse_kaplan_meier",
]

NOT_FOLLOWED = "nobody was followed that long"
NOT_REACHED = "the curve stays above one half"

# lifelines sums logarithms, so a curve that is exactly one half may come out 1e-16 above it.
_HALF = 0.5 + 1e-9


@dataclass(frozen=True)
class Rate:
    """Survival at one time, as a fraction.

    Attributes
    ----------
    value : float
        S(t).
    low, high : float or None
        Confidence limits; None where S(t) is 0 or 1 and the band is undefined.
    at_risk, events : int
        Number at risk just before the time, and events up to and including it.
    """

    value: float
    low: float | None
    high: float | None
    at_risk: int
    events: int


@dataclass(frozen=True)
class Median:
    """Median time with its confidence limits; None for what is not reached."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class KaplanMeier:
    """A Kaplan-Meier curve: one element per distinct observed time, 0 first.

    Attributes
    ----------
    times : ndarray of float
        In the unit of the times that were given.
    survival : ndarray of float
        S just after each time.
    lower, upper : ndarray of float
        Pointwise confidence band; NaN where S is 0 or 1, where the log-log transform has no
        value (as in R).
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
        if time > self.times[-1] and self.survival[-1] > 0:
            raise NotEstimable(NOT_FOLLOWED)
        at = int(np.searchsorted(self.times, time, side="right")) - 1
        return Rate(
            value=float(self.survival[at]),
            low=_limit(self.lower[at]),
            high=_limit(self.upper[at]),
            at_risk=self.number_at_risk(time),
            events=int(self.events[: at + 1].sum()),
        )

    def median(self) -> Median:
        """Median by the crossing rule of Brookmeyer and Crowley (1982).

        Median and limits are the first times at which the curve, the lower and the upper
        limit of its band are one half or less. Where S is exactly one half over a stretch,
        that is the earlier time (as lifelines and SAS's definition of a quantile have it;
        R reports the middle of the stretch).
        """
        return Median(
            value=_crossing(self.times, self.survival),
            low=_crossing(self.times, self.lower),
            high=_crossing(self.times, self.upper),
        )


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
    transform : {'log-log'}
        Transform on which the band is symmetric (R's default is ``log``).

    Raises
    ------
    NotEstimable
        When nobody was observed.
    ValueError
        For another transform, or a missing time or event.
    """
    if transform != "log-log":
        raise ValueError(f"no band on the transform {transform!r}; accepted: log-log")
    times, events = _observed(time, event)
    if not times.size:
        raise NotEstimable("nobody was observed")
    with np.errstate(all="ignore"):  # lifelines sets numpy's error state for everybody
        fit = KaplanMeierFitter(alpha=1 - level).fit(times, events == 1)
    survival = fit.survival_function_.iloc[:, 0].to_numpy(dtype=float)
    band = fit.confidence_interval_.to_numpy(dtype=float)
    band[(survival == 0) | (survival == 1)] = np.nan
    table = fit.event_table
    return KaplanMeier(
        times=table.index.to_numpy(dtype=float),
        survival=survival,
        lower=band[:, 0],
        upper=band[:, 1],
        at_risk=table["at_risk"].to_numpy(dtype=np.int64),
        events=table["observed"].to_numpy(dtype=np.int64),
        censored=table["censored"].to_numpy(dtype=np.int64),
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
    times, events = _observed(time, event)
    return fit_kaplan_meier(times, events == 0, level=level, transform=transform)


def _observed(time: ArrayLike, event: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    times, events = np.asarray(time, dtype=float), np.asarray(event, dtype=float)
    if times.shape != events.shape or not np.isfinite([times, events]).all():
        raise ValueError("a time or an event is missing")
    return times, events.astype(np.int64)


def _crossing(times: NDArray[np.float64], curve: NDArray[np.float64]) -> float | None:
    below = np.flatnonzero(curve <= _HALF)
    return float(times[below[0]]) if below.size else None


def _limit(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
