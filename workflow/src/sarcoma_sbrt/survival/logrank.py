"""The log-rank test of k groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from lifelines.statistics import multivariate_logrank_test
from numpy.typing import ArrayLike, NDArray

from sarcoma_sbrt.errors import NotEstimable

__all__ = ["LogRank", "log_rank"]


@dataclass(frozen=True)
class LogRank:
    """Log-rank chi-square with its degrees of freedom and p.

    Attributes
    ----------
    statistic, p : float
    degrees_of_freedom : int
        Number of groups less one.
    n, events : int
        Observations and events in all groups.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    n: int
    events: int


def log_rank(time: ArrayLike, event: ArrayLike, group: ArrayLike) -> LogRank:
    """Unweighted log-rank (Mantel-Haenszel) test, R's ``survdiff`` with ``rho = 0``.

    Parameters
    ----------
    time : array_like, shape (n,)
        Observed times, in any one unit.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here.
    group : array_like, shape (n,)
        Group of each observation, none missing.

    Raises
    ------
    NotEstimable
        When there is one group only, no event, or a group that no event could compare.
    """
    times, groups = np.asarray(time, dtype=float), np.asarray(group)
    events = np.asarray(event, dtype=float) == 1
    levels = np.unique(groups)
    _refuse(times, events, groups, levels)
    with np.errstate(all="ignore"):
        test = multivariate_logrank_test(times, groups, events)
    return LogRank(
        statistic=float(test.test_statistic),
        degrees_of_freedom=levels.size - 1,
        p=float(test.p_value),
        n=times.size,
        events=int(events.sum()),
    )


def _refuse(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    groups: NDArray[np.generic],
    levels: NDArray[np.generic],
) -> None:
    if levels.size < 2:
        raise NotEstimable("there is one group only")
    if not events.any():
        raise NotEstimable("no event was observed")
    last = np.array([times[groups == level].max() for level in levels])
    # A group is compared at the event times at which it and another one are at risk.
    until = np.minimum(last, [np.delete(last, i).max() for i in range(last.size)])
    if (until < times[events].min()).any():
        raise NotEstimable("no event happened while two groups were at risk")
