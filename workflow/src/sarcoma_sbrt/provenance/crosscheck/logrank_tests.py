"""Log-rank tests again, as score tests: a group is a score of 0 or 1, a trend has 1, 2, 3.

At each event time the observed sum of the scores of those who had the event is set against what
a draw without replacement from those at risk would give (Tarone 1975). In plain numpy.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.records import groups
from sarcoma_sbrt.provenance.crosscheck.survival_curves import ENGINE, Units, split_by, units
from sarcoma_sbrt.schema import column
from sarcoma_sbrt.settings import Analysis

__all__ = ["ScoreTest", "holm", "p_of", "recompute", "score_test"]

# Columns whose codes have an order.
_ORDERED = ("patients.grade",)
_NO_VARIANCE = 1e-10


class ScoreTest(NamedTuple):
    """Observed and expected sum of scores over the events, and its variance without an effect.

    `events` counts all; with scores of 0 and 1, `observed` and `expected` are those of group 1.
    """

    observed: float
    expected: float
    variance: float
    events: int

    @property
    def chi_square(self) -> float:
        """Test statistic, with one degree of freedom."""
        return (self.observed - self.expected) ** 2 / self.variance


def score_test(
    months: NDArray[np.float64],
    events: NDArray[np.bool_],
    scores: NDArray[np.float64],
    strata: Sequence[object] | None = None,
) -> ScoreTest | None:
    """Score test of a hazard that rises with the scores; None where the data compare nobody.

    Parameters
    ----------
    months : ndarray of float, shape (n,)
    events : ndarray of bool, shape (n,)
    scores : ndarray of float, shape (n,)
    strata : sequence of length n, optional
        Compared within each.
    """
    within = list(strata) if strata is not None else [0] * len(months)
    parts, compared = [], set()
    for stratum in dict.fromkeys(within):
        inside = np.array([one == stratum for one in within], dtype=bool)
        part, there = _stratum(months[inside], events[inside], scores[inside])
        parts.append(part)
        compared |= there if len(there) > 1 else set()
    total = ScoreTest(
        math.fsum(part.observed for part in parts),
        math.fsum(part.expected for part in parts),
        math.fsum(part.variance for part in parts),
        sum(part.events for part in parts),
    )
    everyone = set(scores.tolist())
    if len(everyone) < 2 or compared != everyone or total.variance < _NO_VARIANCE:
        return None
    return total


def _stratum(
    months: NDArray[np.float64], events: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[ScoreTest, set[float]]:
    """Sums of one stratum, and the scores that were at risk at its first event."""
    if not events.any():
        return ScoreTest(0.0, 0.0, 0.0, 0), set()
    order = np.argsort(months, kind="stable")
    months, events, scores = months[order], events[order], scores[order]
    times, deaths = np.unique(months[events], return_counts=True)
    first = np.searchsorted(months, times, side="left")
    at_risk = len(months) - first
    # Sums over those from each place on.
    left, squares = (np.cumsum(s[::-1])[::-1][first] for s in (scores, scores**2))
    mean = left / at_risk
    spread = squares / at_risk - mean**2
    drawn = deaths * (at_risk - deaths) / np.maximum(at_risk - 1, 1)
    test = ScoreTest(
        float(scores[events].sum()),
        float(deaths @ mean),
        float(drawn @ spread),
        int(deaths.sum()),
    )
    return test, set(scores[first[0] :].tolist())


def p_of(chi_square: float) -> float:
    """Upper tail of the chi-square distribution with one degree of freedom."""
    return math.erfc(math.sqrt(chi_square / 2))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p (1979): the k-th least times how many are not less, never falling."""
    adjusted = [0.0] * len(p)
    greatest = 0.0
    for passed, place in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        greatest = max(greatest, min(1.0, p[place] * (len(p) - passed)))
        adjusted[place] = greatest
    return adjusted


def recompute(materials: Materials) -> dict[str, Second]:
    """Every log-rank test of the stage: two groups, stratified, a trend, and pair by pair."""
    analysis = materials.plan.analysis
    found: dict[str, Second] = {}
    for name, everyone in units(materials).items():
        names = split_by(name, analysis)
        for covariate in names:
            found |= dict(_two_groups(everyone, covariate, analysis))
            held = [c for c in analysis.stratified_by.get(name, ()) if c != covariate]
            if held:
                found |= dict(_stratified(everyone, covariate, held, analysis))
        ordered: dict[str, str] = {}
        for covariate in names:
            ordered.setdefault(analysis.covariates[covariate].column, covariate)
        for reference in filter(ordered.__contains__, _ORDERED):
            found |= dict(_ordered(everyone, ordered[reference], reference))
    return found


def _tested(
    everyone: Units, scores: Sequence[float], strata: Sequence[object] | None = None
) -> ScoreTest | None:
    return score_test(everyone.months, everyone.codes == 1, np.array(scores, dtype=float), strata)


def _chi_square(
    key: str, test: ScoreTest | None, n: int, events: int
) -> Iterator[tuple[str, Second]]:
    chi_square = None if test is None else test.chi_square
    p = None if chi_square is None else p_of(chi_square)
    values = {"chi_square": chi_square, "df": None if test is None else 1, "p": p}
    for name, value in values.items():
        yield f"{key}.{name}", Second(value, None, None, p, ENGINE, n, events)


def _two_groups(
    everyone: Units, covariate: str, analysis: Analysis
) -> Iterator[tuple[str, Second]]:
    sides = groups(everyone.covariates, analysis.covariates[covariate])
    known = everyone.where([side is not None for side in sides])
    scores = [float(side) for side in sides if side is not None]
    test = _tested(known, scores)
    key, size = f"{everyone.endpoint.name}.{covariate}.logrank", (len(scores), known.events)
    yield from _chi_square(key, test, *size)
    for name, (log, error) in _log_ratios(test).items():
        if test is None or log is None:
            yield f"{key}.{name}", Second(None, None, None, None, ENGINE, *size)
        else:
            z = NormalDist().inv_cdf((1 + analysis.confidence_level) / 2)
            low, value, high = (math.exp(log + sign * z * error) for sign in (-1, 0, 1))
            yield f"{key}.{name}", Second(value, low, high, p_of(test.chi_square), ENGINE, *size)


def _log_ratios(test: ScoreTest | None) -> dict[str, tuple[float | None, float]]:
    """Logarithms of Peto's and of the observed-to-expected hazard ratio, with their errors."""
    if test is None:
        return {"peto": (None, 0.0), "observed_expected": (None, 0.0)}
    excess, others = test.observed - test.expected, test.events - test.observed
    peto = (excess / test.variance, 1 / math.sqrt(test.variance))
    if not (test.observed and others):
        return {"peto": peto, "observed_expected": (None, 0.0)}
    unexpected = test.events - test.expected
    log = math.log(test.observed / test.expected) - math.log(others / unexpected)
    error = math.sqrt(1 / test.expected + 1 / unexpected)
    return {"peto": peto, "observed_expected": (log, error)}


def _stratified(
    everyone: Units, covariate: str, held: Sequence[str], analysis: Analysis
) -> Iterator[tuple[str, Second]]:
    columns = [
        groups(everyone.covariates, analysis.covariates[name]) for name in (covariate, *held)
    ]
    rows = list(zip(*columns, strict=True))
    whole = [None not in row for row in rows]
    known, rows = everyone.where(whole), [row for row in rows if None not in row]
    scores = [float(row[0] or 0) for row in rows]
    test = _tested(known, scores, [row[1:] for row in rows])
    key = f"{everyone.endpoint.name}.{covariate}.logrank_stratified"
    yield from _chi_square(key, test, len(rows), known.events)


# --- ordered groups -----------------------------------------------------------------------


def _ordered(everyone: Units, covariate: str, reference: str) -> Iterator[tuple[str, Second]]:
    """Trend over the codes that were seen, if three were, and every two of them."""
    seen = [values.get(reference) for values in everyone.covariates]
    order = [code for code in column(reference).codes if code in seen]
    if len(order) < 3:
        return
    known = everyone.where([code is not None for code in seen])
    ranks = [order.index(code) for code in seen if code is not None]
    key, size = f"{everyone.endpoint.name}.{covariate}", (len(ranks), known.events)
    yield from _chi_square(f"{key}.trend", _tested(known, [r + 1.0 for r in ranks]), *size)
    yield from _pairs(f"{key}.pair", known, ranks, order)


def _pairs(
    key: str, known: Units, ranks: Sequence[int], order: Sequence[str]
) -> Iterator[tuple[str, Second]]:
    tests = {}
    for pair in itertools.combinations(range(len(order)), 2):
        two = known.where([rank in pair for rank in ranks])
        tests[pair] = two, _tested(two, [float(rank) for rank in ranks if rank in pair])
    done = {pair: p_of(test.chi_square) for pair, (_, test) in tests.items() if test is not None}
    adjusted = dict(zip(done, holm(list(done.values())), strict=True))
    for pair, (two, test) in tests.items():
        name = f"{key}.{order[pair[0]]}_{order[pair[1]]}"
        size = (len(two.outcomes), two.events)
        yield from _chi_square(name, test, *size)
        p = adjusted.get(pair)
        yield f"{name}.p_holm", Second(p, None, None, p, ENGINE, *size)
