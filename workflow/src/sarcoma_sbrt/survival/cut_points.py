"""Every way to split lesions by their dose, and what choosing the best of them costs.

All log-rank tests follow from one: with every lesion as its own group, observed less
expected events and their hypergeometric covariance add up over the groups of any split. So a
permutation asks for sums only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2
from survival.surv_analysis import survdiff  # type: ignore[attr-defined]  # bound when imported

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.kaplan_meier import observed

__all__ = ["CutPoint", "CutPointSearch", "Selection", "levels_of", "search_cut_points"]

# A dose of 50 Gy in five fractions has a BED of 100 Gy, whatever binary floats say.
_RELATIVE_TOLERANCE = 1e-9
# A variance below this share of the greatest says that the split compares nobody.
_NO_VARIANCE = 1e-12

ONE_DOSE = "all lesions have the same dose"
NO_CUT = "no cut leaves enough lesions, and enough events, on each side"
NO_EXCHANGE = "no two patients have equally many lesions, so that no doses can be exchanged"


@dataclass(frozen=True)
class CutPoint:
    """One split: the dose is below the cut, or at or above it.

    Attributes
    ----------
    dose : float
        The cut, the least dose of the upper group.
    below, below_events, above, above_events : int
        Observations and events on either side.
    statistic, p : float
        Log-rank chi-square with one degree of freedom.
    corrected_p : float or None
        Share of the permutations whose greatest chi-square reaches this one.
    """

    dose: float
    below: int
    below_events: int
    above: int
    above_events: int
    statistic: float
    p: float
    corrected_p: float | None = None


@dataclass(frozen=True)
class Selection:
    """Every cut of one dose that the rules allow, ascending.

    Attributes
    ----------
    cuts : tuple of CutPoint
        At least one.
    best : int
        Index of the one with the greatest chi-square.
    """

    cuts: tuple[CutPoint, ...]
    best: int


@dataclass(frozen=True)
class CutPointSearch:
    """Cuts of one or several measures of dose, with p corrected for having chosen among them.

    Attributes
    ----------
    selections : tuple of (Selection or str)
        Of each measure; a text says why there is no cut.
    corrected_p : float or None
        Of the greatest chi-square of all measures and cuts.
    reason : str
        Why no p is corrected.
    """

    selections: tuple[Selection | str, ...]
    corrected_p: float | None
    reason: str = ""


def search_cut_points(
    time: ArrayLike,
    event: ArrayLike,
    doses: ArrayLike,
    patient: ArrayLike,
    *,
    least_share: float,
    least_events: int,
    permutations: int,
    seed: np.random.SeedSequence,
) -> CutPointSearch:
    """Log-rank test of every split by dose, corrected for the choice of the best.

    The greatest of several chi-squares is not chi-square distributed (Lausen and Schumacher,
    Biometrics 1992;48:73-85). Its distribution without an effect is found by exchanging the
    doses of whole patients with equally many observations, and those within a patient: what is
    alike within a patient, in dose or in outcome, stays so. Each cut's corrected p compares it
    with the greatest chi-square of its measure in every permutation (Westfall and Young 1993,
    single step). The permutation counts itself, so that no p is 0.

    Parameters
    ----------
    time, event : array_like, shape (n,)
        As for `logrank.log_rank`.
    doses : array_like, shape (n, measures)
        None missing. One permutation exchanges all measures together.
    patient : array_like, shape (n,)
        Patient of each observation, none missing.
    least_share, least_events : float, int
        What a cut leaves on each side: this share of the observations, and so many events. The
        rule holds in every permutation too.
    permutations : int
        How many.
    seed : SeedSequence
        Not advanced.

    Raises
    ------
    NotEstimable
        When there is no observation, no event, or a time is negative.
    ValueError
        When a time, an event, a dose or a patient is missing.
    """
    times, codes = observed(time, event)
    events = codes == 1
    values = np.asarray(doses, dtype=float)
    if not times.size:
        raise NotEstimable("no dose is known")
    if values.ndim != 2 or len(values) != times.size or not np.isfinite(values).all():
        raise ValueError("a dose is missing")
    if pd.isna(np.asarray(patient)).any():
        raise ValueError("a patient is missing")
    if not events.any():
        raise NotEstimable("no event was observed")
    if times.size == 1:
        return CutPointSearch((ONE_DOSE,) * values.shape[1], None, ONE_DOSE)
    score, covariance = _scores(times, events)
    data = _Data(events.astype(np.int64), score, covariance)
    least = int(np.ceil(least_share * times.size - _RELATIVE_TOLERANCE))
    rules = [_Rules.of(levels_of(column), least, least_events) for column in values.T]
    found = [_selection(data, rule, column) for rule, column in zip(rules, values.T, strict=True)]
    if not any(isinstance(selection, Selection) for selection in found):
        return CutPointSearch(tuple(found), None, str(found[0]))
    blocks = _blocks(np.asarray(patient))
    if all(len(rows) < 2 for rows in blocks):
        return CutPointSearch(tuple(found), None, NO_EXCHANGE)
    greatest = _permuted(data, rules, blocks, permutations, np.random.default_rng(seed))
    top = max(s.cuts[s.best].statistic for s in found if isinstance(s, Selection))
    return CutPointSearch(
        tuple(
            _corrected(selection, greatest[:, at])
            if isinstance(selection, Selection)
            else selection
            for at, selection in enumerate(found)
        ),
        _share_reaching(greatest.max(axis=1), top),
    )


def levels_of(dose: ArrayLike) -> NDArray[np.int64]:
    """Rank of each dose among the distinct ones, from 0; what differs by rounding is the same.

    Parameters
    ----------
    dose : array_like, shape (n,)
        None missing.
    """
    values = np.asarray(dose, dtype=float)
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order], prepend=values[order][:1])
    rises = steps > _RELATIVE_TOLERANCE * np.abs(values[order])
    levels = np.empty(values.size, dtype=np.int64)
    levels[order] = np.cumsum(rises)
    return levels


# --- the log-rank test of any split -------------------------------------------------------


@dataclass(frozen=True)
class _Data:
    """Events, observed less expected events, and their covariance, by observation."""

    event: NDArray[np.int64]
    score: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def taken(self, rows: NDArray[np.int64]) -> _Data:
        """The same observations in another order."""
        return _Data(self.event[rows], self.score[rows], self.covariance[np.ix_(rows, rows)])


def _scores(
    time: NDArray[np.float64], event: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    n = time.size
    fit = survdiff(
        time, event.astype(np.int64), np.arange(1, n + 1), strata=np.ones(n, dtype=np.int64)
    )
    less = np.sum(fit.obs, axis=1) - np.sum(fit.exp, axis=1)
    return np.asarray(less, dtype=float), np.array(fit.var, dtype=float).reshape(n, n)


@dataclass(frozen=True)
class _Rules:
    """Observations in the order of dose, where they may be cut, and the least events.

    `ends` are the numbers of observations below each cut that leaves enough on both sides.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    distinct: int
    least_events: int

    @classmethod
    def of(cls, levels: NDArray[np.int64], least: int, least_events: int) -> _Rules:
        order = np.argsort(levels, kind="stable")
        ends = np.flatnonzero(np.diff(levels[order])) + 1
        allowed = (ends >= least) & (levels.size - ends >= least)
        return cls(order, ends[allowed], int(levels.max()) + 1, least_events)

    def chi_squares(self, data: _Data) -> NDArray[np.float64]:
        """Log-rank chi-square of each cut of data in the order of dose; -1 where not allowed."""
        below = np.cumsum(data.event)[self.ends - 1]
        allowed = np.minimum(below, data.event.sum() - below) >= self.least_events
        less = np.cumsum(data.score)[self.ends - 1]
        sums = data.covariance.cumsum(axis=0).cumsum(axis=1)
        variance = sums[self.ends - 1, self.ends - 1]
        allowed &= variance > _NO_VARIANCE * max(float(np.diag(sums).max()), 1.0)
        return np.where(allowed, less**2 / np.where(allowed, variance, 1.0), -1.0)


def _selection(data: _Data, rules: _Rules, dose: NDArray[np.float64]) -> Selection | str:
    if rules.distinct == 1:
        return ONE_DOSE
    ordered = data.taken(rules.order)
    below = np.cumsum(ordered.event)
    total = int(below[-1])
    cuts = [
        CutPoint(
            dose=float(dose[rules.order][end:].min()),
            below=int(end),
            below_events=int(below[end - 1]),
            above=int(dose.size - end),
            above_events=total - int(below[end - 1]),
            statistic=float(statistic),
            p=float(chi2.sf(statistic, 1)),
        )
        for end, statistic in zip(rules.ends, rules.chi_squares(ordered), strict=True)
        if statistic >= 0
    ]
    if not cuts:
        return NO_CUT
    return Selection(tuple(cuts), int(np.argmax([cut.statistic for cut in cuts])))


# --- permutations -------------------------------------------------------------------------


def _blocks(patient: NDArray[np.generic]) -> tuple[NDArray[np.int64], ...]:
    """Rows of patients with equally many, shape (patients, rows of each), fewest rows first."""
    codes = np.unique(patient, return_inverse=True)[1]
    rows = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    sizes = sorted({len(own) for own in rows})
    return tuple(np.array([own for own in rows if len(own) == size]) for size in sizes)


def _permuted(
    data: _Data,
    rules: list[_Rules],
    blocks: tuple[NDArray[np.int64], ...],
    permutations: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Greatest chi-square of each measure in each permutation, shape (permutations, measures)."""
    greatest = np.zeros((permutations, len(rules)))
    for turn, holder in enumerate(_holders(blocks, data.event.size, permutations, rng)):
        for at, rule in enumerate(rules):
            if rule.ends.size:
                moved = data.taken(holder[rule.order])
                greatest[turn, at] = max(rule.chi_squares(moved).max(), 0.0)
    return greatest


def _holders(
    blocks: tuple[NDArray[np.int64], ...], n: int, permutations: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Who holds each observation's doses, permutation by permutation, shape (n,)."""
    for _ in range(permutations):
        holder = np.empty(n, dtype=np.int64)
        for rows in blocks:
            holder[rows] = rng.permuted(rows[rng.permutation(len(rows))], axis=1)
        yield holder


def _corrected(selection: Selection, greatest: NDArray[np.float64]) -> Selection:
    cuts = tuple(
        replace(cut, corrected_p=_share_reaching(greatest, cut.statistic)) for cut in selection.cuts
    )
    return replace(selection, cuts=cuts)


def _share_reaching(greatest: NDArray[np.float64], statistic: float) -> float:
    """Share of the permutations, the one observed among them, that reach a statistic."""
    reached = int((greatest >= statistic * (1 - _RELATIVE_TOLERANCE)).sum())
    return (1 + reached) / (1 + greatest.size)
