"""Sensitivity to dose again, but for its Cox models: spreads, rankings, cuts, permutations.

Each cut of each permutation is tested by itself, from the numbers at risk in its two groups. The
permutations are those of the seed, so that a share of them is the same share.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.counts import middle
from sarcoma_sbrt.provenance.crosscheck.logrank_tests import p_of
from sarcoma_sbrt.provenance.crosscheck.records import (
    Lesion,
    bed,
    eqd2,
    first_courses,
    is_at_most,
    is_below,
    rows_of,
)
from sarcoma_sbrt.provenance.crosscheck.survival_curves import ENGINE, Units, units
from sarcoma_sbrt.settings import Plan

__all__ = ["Cut", "Outcomes", "chi_squares", "cuts_of", "quantile", "recompute", "tau_b"]

Found = Iterator[tuple[str, Second]]
Floats = NDArray[np.float64]

_KEY = "dose_sensitivity"
_EFFECTS = {"bed": bed, "eqd2": eqd2}
_SHARES = {"min": 0.0, "quartile_1": 0.25, "median": 0.5, "quartile_3": 0.75, "max": 1.0}
_NEAR = 1e-9
_NO_VARIANCE = 1e-10
# Permutations that are worked out at once.
_TOGETHER = 1000


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage ``dose_sensitivity`` that is no Cox model's."""
    plan = materials.plan
    needs = ("courses.start_day", "courses.dose_gy", "courses.fractions")
    if not all(map(plan.cohort.supplies, needs)):
        return {f"{_KEY}.n": Second(None, engine=ENGINE)}
    first = first_courses(rows_of(materials.canonical["courses"]))
    known = {
        lesion: (float(course["dose_gy"]), float(course["fractions"]))
        for lesion, course in first.items()
        if course["dose_gy"] is not None and course["fractions"] is not None
    }
    found = dict(_doses(known, len(first) - len(known), plan))
    of_endpoints = units(materials)
    for name in plan.analysis.dose_endpoints:
        found |= dict(_endpoint(of_endpoints[name], known, plan))
    return found


def _second(value: float | None, n: int | None = None) -> Second:
    return Second(value, None, None, None, ENGINE, n)


def _name(ratio: float) -> str:
    return "ab" + f"{ratio:g}".replace(".", "_")


# --- doses --------------------------------------------------------------------------------


def _doses(known: dict[Lesion, tuple[float, float]], missing: int, plan: Plan) -> Found:
    n, ratios = len(known), plan.analysis.dose.alpha_beta_gy
    yield f"{_KEY}.n", _second(n)
    yield f"{_KEY}.missing.n", _second(missing)
    for ratio, (measure, effect) in itertools.product(ratios, _EFFECTS.items()):
        doses = [effect(*given, ratio) for given in known.values()]
        for name, share in _SHARES.items():
            value = quantile(doses, share) if doses else None
            yield f"{_KEY}.{_name(ratio)}.{measure}.{name}", _second(value, n)
    yield f"{_KEY}.pairs.n", _second(math.comb(n, 2), n)
    schedules = Counter(known.values())
    for one, other in itertools.combinations(ratios, 2):
        key = f"{_KEY}.{_name(one)}_{_name(other)}"
        tau, turned = tau_b(
            [bed(*given, one) for given in schedules],
            [bed(*given, other) for given in schedules],
            list(schedules.values()),
        )
        yield f"{key}.tau", _second(tau, n)
        yield f"{key}.reversed.n", _second(turned, n)


def quantile(values: Sequence[float], share: float) -> float:
    """Quantile on the line between the two values beside it (Hyndman and Fan's seventh)."""
    ordered = sorted(values)
    if share == 0.5:
        return middle(ordered)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def tau_b(
    first: Sequence[float], second: Sequence[float], weights: Sequence[int]
) -> tuple[float | None, int]:
    """Kendall's tau-b (1945) of weighted values, and how many pairs the two rank otherwise.

    None where either has one value only. What differs by a part in 10^9 is equal.
    """
    alike = turned = of_first = of_second = 0
    rows = list(zip(first, second, weights, strict=True))
    for (a, b, v), (c, d, w) in itertools.combinations(rows, 2):
        signs = _sign(a, c), _sign(b, d)
        of_first += v * w * (signs[0] != 0)
        of_second += v * w * (signs[1] != 0)
        alike += v * w * (signs[0] * signs[1] > 0)
        turned += v * w * (signs[0] * signs[1] < 0)
    if not (of_first and of_second):
        return None, turned
    return (alike - turned) / math.sqrt(of_first * of_second), turned


def _sign(one: float, other: float) -> int:
    return 0 if math.isclose(one, other, rel_tol=_NEAR) else (-1 if one < other else 1)


# --- cuts ---------------------------------------------------------------------------------


class Outcomes(NamedTuple):
    """Outcomes of lesions as sums over event times ask for them.

    Attributes
    ----------
    at_risk, failing : ndarray of float, shape (times, lesions)
        Whether a lesion is at risk, and whether it fails, at each event time.
    """

    at_risk: Floats
    failing: Floats

    @classmethod
    def of(cls, months: Floats, events: NDArray[np.bool_]) -> Outcomes:
        """Matrices of observed times and events."""
        times = np.unique(months[events])[:, None]
        at_risk = (months >= times).astype(float)
        return cls(at_risk, ((months == times) & events).astype(float))


def chi_squares(outcomes: Outcomes, upper: Floats) -> tuple[Floats, Floats]:
    """Log-rank chi-square of many splits, shape (splits,), and the failures in the upper group.

    -1 where a split compares nobody.

    Parameters
    ----------
    outcomes : Outcomes
    upper : ndarray of float, shape (splits, lesions)
        1 for a lesion of the upper group, 0 for one of the lower.
    """
    n, deaths = outcomes.at_risk.sum(axis=1), outcomes.failing.sum(axis=1)
    share = upper @ outcomes.at_risk.T / n
    failed = upper @ outcomes.failing.sum(axis=0)
    drawn = deaths * (n - deaths) / np.maximum(n - 1, 1)
    variance = (share * (1 - share)) @ drawn
    excess = failed - share @ deaths
    compares = variance > _NO_VARIANCE
    return np.where(compares, excess**2 / np.where(compares, variance, 1.0), -1.0), failed


class Cut(NamedTuple):
    """A split of lesions at a dose, the least of the upper group."""

    gy: float
    upper: NDArray[np.bool_]
    upper_events: int
    chi_square: float


def cuts_of(
    doses: Sequence[float], outcomes: Outcomes, least: int, least_events: int
) -> tuple[list[Cut], NDArray[np.bool_]]:
    """Cuts that leave enough lesions and events on each side, ascending.

    And, shape (splits, lesions), the upper group of every split that leaves enough lesions: a
    permutation may have enough events where the data do not.
    """
    splits = [
        (level, np.array([not is_below(dose, level) for dose in doses]))
        for level in _levels(doses)[1:]
    ]
    splits = [(g, up) for g, up in splits if least <= up.sum() <= len(doses) - least]
    uppers = np.array([up for _, up in splits], dtype=bool).reshape(len(splits), len(doses))
    statistics, failed = chi_squares(outcomes, uppers.astype(float))
    events = outcomes.failing.sum()
    cuts = [
        Cut(min(itertools.compress(doses, up)), up, int(above), float(statistic))
        for (_, up), above, statistic in zip(splits, failed, statistics, strict=True)
        if min(above, events - above) >= least_events and statistic >= 0
    ]
    return cuts, uppers


def _levels(doses: Sequence[float]) -> list[float]:
    """Distinct doses, ascending; of those that differ by rounding the least."""
    levels: list[float] = []
    for dose in sorted(doses):
        if not levels or not is_at_most(dose, levels[-1]):
            levels.append(dose)
    return levels


class _Lesions(NamedTuple):
    """Lesions of an endpoint with a known dose."""

    units: Units
    given: list[tuple[float, float]]
    missing: int

    def record(self, value: float | None, p: float | None = None) -> Second:
        size = (len(self.given), self.units.events)
        return Second(value, None, None, p, ENGINE, *size)


def _endpoint(everyone: Units, known: dict[Lesion, tuple[float, float]], plan: Plan) -> Found:
    names = [(o.patient, o.lesion or "") for o in everyone.outcomes]
    kept = everyone.where([name in known for name in names])
    given = [known[name] for name in names if name in known]
    lesions = _Lesions(kept, given, len(names) - len(given))
    key = f"{_KEY}.{everyone.endpoint.name}"
    yield f"{key}.n", lesions.record(len(given))
    yield f"{key}.events", lesions.record(kept.events)
    yield f"{key}.missing.n", lesions.record(lesions.missing)
    yield f"{key}.patients", lesions.record(len({o.patient for o in kept.outcomes}))
    yield from _searched(key, lesions, plan)


def _searched(key: str, lesions: _Lesions, plan: Plan) -> Found:
    """Cuts at every ratio, and what choosing the best of them costs."""
    dose = plan.analysis.dose
    kept = lesions.units
    outcomes = Outcomes.of(kept.months, kept.codes == 1)
    least = math.ceil(dose.least_share * len(lesions.given) - _NEAR)
    by_ratio = {
        ratio: cuts_of(
            [bed(*given, ratio) for given in lesions.given], outcomes, least, dose.least_events
        )
        for ratio in (dose.alpha_beta_gy if kept.events else ())
    }
    greatest = None
    if any(cuts for cuts, _ in by_ratio.values()):
        every = [uppers for _, uppers in by_ratio.values()]
        greatest = _permuted(key, lesions, outcomes, every, plan)
    best = [max((cut.chi_square for cut in cuts), default=0.0) for cuts, _ in by_ratio.values()]
    of_all = None if greatest is None else _share(greatest.max(axis=1), max(best))
    yield f"{key}.search.corrected_p", lesions.record(of_all, of_all)
    for at, ratio in enumerate(dose.alpha_beta_gy):
        cuts = by_ratio[ratio][0] if by_ratio else []
        own = None if greatest is None else greatest[:, at]
        yield from _ratio(f"{key}.{_name(ratio)}", lesions, cuts, own)
        yield from _marked(f"{key}.{_name(ratio)}", lesions, cuts, plan)


def _ratio(key: str, lesions: _Lesions, cuts: Sequence[Cut], greatest: Floats | None) -> Found:
    """One ratio's cuts, each by itself, and the one with the least p."""
    yield f"{key}.cuts.n", lesions.record(len(cuts))
    best = max(cuts, key=lambda cut: cut.chi_square, default=None)
    corrected = [None if greatest is None else _share(greatest, cut.chi_square) for cut in cuts]
    if best is None:
        yield f"{key}.search.corrected_p", lesions.record(None)
        return
    p, least = p_of(best.chi_square), corrected[cuts.index(best)]
    yield f"{key}.search.gy", lesions.record(best.gy)
    yield f"{key}.search.p", lesions.record(p, p)
    yield f"{key}.search.corrected_p", lesions.record(least, least)
    for at, (cut, share) in enumerate(zip(cuts, corrected, strict=True), start=1):
        above, p = int(cut.upper.sum()), p_of(cut.chi_square)
        counted = {
            "gy": cut.gy,
            "below.n": len(lesions.given) - above,
            "below.events": lesions.units.events - cut.upper_events,
            "above.n": above,
            "above.events": cut.upper_events,
        }
        for name, value in counted.items():
            yield f"{key}.cut_{at}.{name}", lesions.record(value)
        yield f"{key}.cut_{at}.logrank_p", lesions.record(p, p)
        yield f"{key}.cut_{at}.corrected_p", lesions.record(share, share)


def _marked(key: str, lesions: _Lesions, cuts: Sequence[Cut], plan: Plan) -> Found:
    """The cut that splits most nearly as the plan's BED classes do."""
    lower = _lower_class(lesions, plan)
    if cuts and lower is not None:
        otherwise = [int((cut.upper == lower).sum()) for cut in cuts]
        yield f"{key}.marked", lesions.record(otherwise.index(min(otherwise)) + 1)
        yield f"{key}.otherwise", lesions.record(min(otherwise))


def _lower_class(lesions: _Lesions, plan: Plan) -> NDArray[np.bool_] | None:
    """Lesions below the plan's own cut through BED; None where it has none."""
    doses = [bed(*given, plan.alpha_beta_gy) for given in lesions.given]
    for covariate in plan.analysis.covariates.values():
        if covariate.column == "derived.bed10_gy":
            for side in filter(None, (covariate.level, covariate.reference)):
                if side.below is not None:
                    return np.array([is_below(dose, side.below) for dose in doses])
                if side.at_most is not None:
                    return np.array([is_at_most(dose, side.at_most) for dose in doses])
    return None


# --- permutations -------------------------------------------------------------------------


def _share(greatest: Floats, statistic: float) -> float:
    """Share of the permutations that come up to a statistic, the data being one of them."""
    reached = np.count_nonzero(greatest >= statistic - _NEAR * statistic)
    return (int(reached) + 1) / (len(greatest) + 1)


def _permuted(
    key: str, lesions: _Lesions, outcomes: Outcomes, uppers: Sequence[NDArray[np.bool_]], plan: Plan
) -> Floats | None:
    """Greatest chi-square of each ratio's cuts in each permutation, shape (permutations, ratios).

    None where no two patients have equally many lesions.
    """
    by_patient: defaultdict[str, list[int]] = defaultdict(list)
    for row, outcome in enumerate(lesions.units.outcomes):
        by_patient[outcome.patient].append(row)
    by_size: defaultdict[int, list[list[int]]] = defaultdict(list)
    for rows in by_patient.values():
        by_size[len(rows)].append(rows)
    if max(map(len, by_size.values())) < 2:
        return None
    dose = plan.analysis.dose
    blocks = [np.array(by_size[size]) for size in sorted(by_size)]
    rng = np.random.default_rng([plan.analysis.seed, zlib.crc32(key.encode())])
    parts = []
    for done in range(0, dose.permutations, _TOGETHER):
        together = range(min(_TOGETHER, dose.permutations - done))
        sources = np.array([_exchange(blocks, len(lesions.given), rng) for _ in together])
        parts.append([_greatest(outcomes, up, sources, dose.least_events) for up in uppers])
    return np.concatenate([np.column_stack(part) for part in parts])


def _exchange(
    blocks: Sequence[NDArray[np.int64]], n: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Whose dose each lesion gets: patients with equally many lesions exchange theirs."""
    source = np.empty(n, dtype=np.int64)
    for rows in blocks:
        receivers = rng.permuted(rows[rng.permutation(len(rows))], axis=1)
        source[receivers] = rows
    return source


def _greatest(
    outcomes: Outcomes, uppers: NDArray[np.bool_], sources: NDArray[np.int64], least_events: int
) -> Floats:
    """Greatest chi-square of some splits in each permutation, shape (permutations,)."""
    greatest, events = np.zeros(len(sources)), outcomes.failing.sum()
    for upper in uppers:
        statistics, above = chi_squares(outcomes, upper[sources].astype(float))
        enough = np.minimum(above, events - above) >= least_events
        greatest = np.maximum(greatest, np.where(enough, statistics, 0.0))
    return greatest
