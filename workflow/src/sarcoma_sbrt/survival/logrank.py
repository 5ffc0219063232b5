"""Log-rank tests of k groups, and the hazard ratios that follow from their counts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2, norm
from survival.surv_analysis import survdiff  # type: ignore[attr-defined]  # bound when imported

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.kaplan_meier import observed

__all__ = [
    "NEVER_TOGETHER",
    "NOBODY_ELSE",
    "ONE_GROUP",
    "HazardRatio",
    "LogRank",
    "Pair",
    "Trend",
    "log_rank",
    "log_rank_trend",
    "observed_expected_hazard_ratio",
    "pairwise_log_rank",
    "peto_hazard_ratio",
]

ONE_GROUP = "there is one group only"
NEVER_TOGETHER = "one group was never at risk beside another when an event happened"
NOBODY_ELSE = "no event happened while somebody else was at risk without one"


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
    groups : tuple
        The groups, ascending.
    observed, expected : tuple of float
        Events of each group, and those expected were the hazards equal; summed over strata.
    variance : tuple of tuple of float
        Hypergeometric covariance of the observed less the expected.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    n: int
    events: int
    groups: tuple[object, ...]
    observed: tuple[float, ...]
    expected: tuple[float, ...]
    variance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Trend:
    """Log-rank test for a trend over ordered groups, with one degree of freedom.

    Attributes
    ----------
    statistic, p : float
        Chi-square and its two-sided p.
    z : float
        Its signed root: positive when the hazard rises with the scores.
    scores : tuple of float
        Score of each group, in the order of `LogRank.groups`.
    """

    statistic: float
    z: float
    p: float
    scores: tuple[float, ...]


@dataclass(frozen=True)
class HazardRatio:
    """A hazard ratio of two groups with its limits.

    Attributes
    ----------
    value, low, high : float
    level : float
        Confidence level of the limits.
    """

    value: float
    low: float
    high: float
    level: float


@dataclass(frozen=True)
class Pair:
    """Two of several groups compared.

    Attributes
    ----------
    first, second : object
        The groups.
    test : LogRank or None
        The two compared with the others left out; None where `reason` says why not.
    adjusted_p : float or None
        Holm's, over the pairs that could be compared.
    reason : str
        Why they could not.
    """

    first: object
    second: object
    test: LogRank | None
    adjusted_p: float | None
    reason: str = ""


def log_rank(
    time: ArrayLike, event: ArrayLike, group: ArrayLike, *, strata: ArrayLike | None = None
) -> LogRank:
    """Unweighted log-rank (Mantel-Haenszel) test, R's ``survdiff`` with ``rho = 0``.

    Parameters
    ----------
    time : array_like, shape (n,)
        Observed times, not negative, in any one unit.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here.
    group : array_like, shape (n,)
        Group of each observation, none missing.
    strata : array_like, shape (n,), optional
        Groups are compared within each stratum, none missing.

    Raises
    ------
    NotEstimable
        When a time is negative, there is one group only, no event, a group that no event
        could compare, or no event at which anybody was left without one.
    ValueError
        When a time, an event, a group or a stratum is missing.
    """
    times, codes = observed(time, event)
    events = codes == 1
    groups, levels = _coded(group, "group", times.size)
    stratum = np.zeros(times.size, dtype=np.int64)
    if strata is not None:
        stratum, _ = _coded(strata, "stratum", times.size)
    _refuse(times, events, groups, stratum, len(levels))
    try:
        fit = survdiff(times, events.astype(np.int64), groups + 1, strata=stratum + 1)
    except RuntimeError as singular:
        raise NotEstimable(NOBODY_ELSE) from singular
    variance = np.array(fit.var, dtype=float)
    if np.linalg.matrix_rank(variance) < len(levels) - 1:
        raise NotEstimable(NOBODY_ELSE)
    return LogRank(
        statistic=float(fit.chisq),
        degrees_of_freedom=len(levels) - 1,
        p=float(chi2.sf(fit.chisq, len(levels) - 1)),
        n=times.size,
        events=int(events.sum()),
        groups=levels,
        observed=tuple(np.sum(fit.obs, axis=1).tolist()),
        expected=tuple(np.sum(fit.exp, axis=1).tolist()),
        variance=tuple(map(tuple, variance.tolist())),
    )


def log_rank_trend(test: LogRank, scores: Sequence[float] | None = None) -> Trend:
    """Test for a trend over ordered groups (Tarone 1975): (s'(O - E))^2 / s'Vs.

    It is the score test of a Cox model with the scores as its covariate and exact ties.

    Parameters
    ----------
    test : LogRank
        Of the groups, in their order; stratified or not.
    scores : sequence of float, optional
        One per group; 1, 2, 3, ... otherwise.

    Raises
    ------
    ValueError
        For another number of scores than groups, or scores that are all alike.
    """
    values = np.asarray(range(1, len(test.groups) + 1) if scores is None else scores, dtype=float)
    if values.shape != (len(test.groups),) or np.unique(values).size < 2:
        raise ValueError("a trend needs one score per group, not all alike")
    excess = float(values @ (np.array(test.observed) - np.array(test.expected)))
    # Shifting all scores changes nothing; centred ones lose no digits.
    centred = values - values.mean()
    z = excess / math.sqrt(float(centred @ np.array(test.variance) @ centred))
    return Trend(z**2, z, float(2 * norm.sf(abs(z))), tuple(values.tolist()))


def peto_hazard_ratio(test: LogRank, *, of: object, level: float) -> HazardRatio:
    """One-step log-rank hazard ratio exp((O - E) / V), its log's variance 1 / V.

    Peto's (Yusuf et al. 1985). It is finite when a group has no event, and biased towards 1
    where the hazards differ much or the groups are of very different size.

    Parameters
    ----------
    test : LogRank
        Of two groups.
    of : object
        The group whose hazard stands above the line.
    level : float
        Confidence level, e.g. 0.95.

    Raises
    ------
    ValueError
        When there are not two groups, or `of` is none of them.
    """
    at, _ = _two(test, of)
    variance = test.variance[at][at]
    log = (test.observed[at] - test.expected[at]) / variance
    return _hazard_ratio(log, 1 / math.sqrt(variance), level)


def observed_expected_hazard_ratio(test: LogRank, *, of: object, level: float) -> HazardRatio:
    """Log-rank hazard ratio (O1 / E1) / (O2 / E2), its log's variance 1 / E1 + 1 / E2.

    Pike's, as in Machin, Cheung and Parmar, *Survival Analysis*, chapter 3. Parameters and
    errors are those of `peto_hazard_ratio`.

    Raises
    ------
    NotEstimable
        When a group has no event: the ratio is 0 or infinite.
    """
    at, against = _two(test, of)
    if not (test.observed[at] and test.observed[against]):
        raise NotEstimable("one group has no event")
    ratio = (test.observed[at] / test.expected[at]) / (
        test.observed[against] / test.expected[against]
    )
    error = math.sqrt(1 / test.expected[at] + 1 / test.expected[against])
    return _hazard_ratio(math.log(ratio), error, level)


def pairwise_log_rank(
    time: ArrayLike, event: ArrayLike, group: ArrayLike, *, strata: ArrayLike | None = None
) -> tuple[Pair, ...]:
    """Log-rank test of every two groups, p adjusted by Holm (1979).

    Parameters are those of `log_rank`; a pair that cannot be compared says why.

    Raises
    ------
    NotEstimable
        When a time is negative or there is one group only.
    """
    times, codes = observed(time, event)
    groups, levels = _coded(group, "group", times.size)
    if len(levels) < 2:
        raise NotEstimable(ONE_GROUP)
    stratum = None if strata is None else _coded(strata, "stratum", times.size)[0]
    tests: list[LogRank | str] = []
    for pair in itertools.combinations(range(len(levels)), 2):
        kept = np.isin(groups, pair)
        within = None if stratum is None else stratum[kept]
        try:
            tests.append(log_rank(times[kept], codes[kept], np.array(groups)[kept], strata=within))
        except NotEstimable as reason:
            tests.append(str(reason))
    adjusted = iter(_holm([test.p for test in tests if isinstance(test, LogRank)]))
    return tuple(
        Pair(first, second, None, None, test)
        if isinstance(test, str)
        else Pair(first, second, _named(test, (first, second)), next(adjusted))
        for (first, second), test in zip(itertools.combinations(levels, 2), tests, strict=True)
    )


def _coded(values: ArrayLike, name: str, size: int) -> tuple[NDArray[np.int64], tuple[object, ...]]:
    """Codes from 0 and the levels they stand for, ascending."""
    given = np.asarray(values)
    if given.shape != (size,) or pd.isna(given).any():
        raise ValueError(f"a {name} is missing")
    levels, codes = np.unique(given, return_inverse=True)
    return codes.astype(np.int64), tuple(levels.tolist())


def _refuse(
    times: NDArray[np.float64],
    events: NDArray[np.bool_],
    groups: NDArray[np.int64],
    strata: NDArray[np.int64],
    count: int,
) -> None:
    if count < 2:
        raise NotEstimable(ONE_GROUP)
    if not events.any():
        raise NotEstimable("no event was observed")
    compared: set[int] = set()
    for stratum in np.unique(strata[events]):
        inside = strata == stratum
        compared |= _compared(times[inside], events[inside], groups[inside])
    if len(compared) < count:
        raise NotEstimable(NEVER_TOGETHER)


def _compared(
    times: NDArray[np.float64], events: NDArray[np.bool_], groups: NDArray[np.int64]
) -> set[int]:
    """Groups that were at risk, beside another one, when an event happened."""
    last = {int(group): times[groups == group].max() for group in np.unique(groups)}
    first = times[events].min()
    there = {group for group, end in last.items() if end >= first}
    return there if len(there) > 1 else set()


def _two(test: LogRank, of: object) -> tuple[int, int]:
    if len(test.groups) != 2 or of not in test.groups:
        raise ValueError(f"no hazard ratio of {of!r} among {len(test.groups)} groups")
    at = test.groups.index(of)
    return at, 1 - at


def _hazard_ratio(log: float, error: float, level: float) -> HazardRatio:
    width = float(norm.ppf((1 + level) / 2)) * error
    return HazardRatio(math.exp(log), math.exp(log - width), math.exp(log + width), level)


def _named(test: LogRank, groups: tuple[object, object]) -> LogRank:
    return LogRank(**{**vars(test), "groups": groups})


def _holm(p: Sequence[float]) -> list[float]:
    """R's ``p.adjust(p, "holm")``."""
    order = np.argsort(p, kind="stable")
    steps = np.array(p, dtype=float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps)) if len(p) else []
    return adjusted.tolist()
