"""Printed Kaplan-Meier rates against the number of patients, and pooled against subgroup rates.

The enumeration and why it is complete stand in `enumeration` (one curve) and `interleaving` (two
subgroups pooled). Here printed figures become landmarks, and what is proved becomes a finding with
a certificate: an order of exits whose rates can be recomputed by hand, or the reason why there is
none with the nearest rates that can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any, Literal

from sarcoma_sbrt.evidence.consistency.certificates import (
    by_cases,
    least_censored,
    percent,
    shown_range,
    shown_window,
    told,
)
from sarcoma_sbrt.evidence.consistency.curves import (
    Curve,
    curves,
    median_windows,
    windows_at,
)
from sarcoma_sbrt.evidence.consistency.enumeration import (
    Admissible,
    Graph,
    Window,
    admissible,
    coarse_graph,
    exact_graph,
    find_order,
)
from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.interleaving import (
    Arrangement,
    arranged,
    own_orders,
    pairs,
    pooled_range,
)
from sarcoma_sbrt.evidence.consistency.readings import estimate
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["landmark_findings", "pooled_findings"]

FINE_STATES = 20_000
"""States up to which a subgroup enters the pooled curve with exact S."""

MOST_PAIRS = 4_000_000

MOST_SPLITS_TOLD = 8
"""Splits whose ranges are told one by one before a run of them is told by its ends."""


def landmark_findings(figures: Sequence[Figure]) -> list[Finding]:
    """Whether each curve's printed rates are possible for its number of patients.

    Parameters
    ----------
    figures : sequence of Figure
        Kaplan-Meier rates that print a fact first make curves; a printed median is held against
        them in a finding of its own.

    Returns
    -------
    list of Finding
        Of check ``landmark``: possible with an order of exits and what all orders have in common,
        impossible with the argument, or unverifiable.
    """
    found = []
    for curve in curves(figures):
        reason = _unreadable(curve)
        if reason:
            found.append(unverifiable("landmark", curve.keys, curve.printed, reason))
        elif curve.n is None:
            found.append(_unknown_n(curve, _pooled_n(curve, figures)))
        else:
            found += _judged(curve, curve.n)
    return found


def _unreadable(curve: Curve) -> str:
    if len(set(curve.times)) < len(curve.times):
        return "two rates are printed for one time"
    if len({rate.n for rate in curve.rates}) > 1:
        return "the rates of the curve are printed with different numbers of patients"
    if any(rate.n is not None and rate.n < 1 for rate in curve.rates):
        return "the group has no patients"
    return ""


def _judged(curve: Curve, n: int) -> Iterator[Finding]:
    found = admissible(n, curve.windows)
    yield _possible(curve, found) if found.possible else _impossible(curve, found)
    if curve.median is not None and found.possible:
        yield _with_median(curve, curve.median, n)


def _possible(curve: Curve, found: Admissible) -> Finding:
    certificate = told(found.n, found.order or "", curve.times)
    detail = _common(curve, found) | {
        "order": found.order,
        "certificate": certificate,
        "proof": "an order of exits that gives the rates; every bound of the ranges is reached by "
        "an order, and all orders were enumerated",
    }
    least = found.censored[0].low
    if least:
        detail["fewer_censored"] = least_censored(found.n, found.windows[0], least)
    if curve.rates[0].subgroup:
        detail["other_n"] = _other_n(curve, found.n)
    return Finding(
        "landmark",
        curve.keys,
        "possible",
        f"{curve.printed}, n = {found.n}",
        _forced(curve, found),
        certificate,
        detail,
    )


def _common(curve: Curve, found: Admissible) -> dict[str, Any]:
    return {
        "n": found.n,
        "landmarks": [
            {
                "months": time,
                "allowed": shown_window(window),
                **_at(found, j),
            }
            for j, (time, window) in enumerate(zip(curve.times, found.windows, strict=False))
        ],
    }


def _at(found: Admissible, j: int) -> dict[str, Any]:
    if not found.possible:
        return {}
    return {
        "at_risk": [found.at_risk[j].low, found.at_risk[j].high],
        "deaths_since_last": [found.deaths[j].low, found.deaths[j].high],
        "censored_since_last": [found.censored[j].low, found.censored[j].high],
        "states": found.states[j] if found.states else None,
    }


def _forced(curve: Curve, found: Admissible) -> str:
    parts = []
    for j, time in enumerate(curve.times):
        counts = f"deaths {found.deaths[j]}, censored {found.censored[j]}"
        parts.append(f"to {time:g} months: {counts}, at risk {found.at_risk[j]}")
    return "; ".join(parts)


def _impossible(curve: Curve, found: Admissible) -> Finding:
    failure = found.failure
    if failure is None:
        raise ValueError("an impossible set of rates without its failure")
    argument = by_cases(found.n, found.windows, failure, curve.times)
    nearest = {
        side: None
        if reached is None
        else {
            "value": str(reached[0]),
            "percent": percent(reached[0], found.windows[failure.landmark]),
            "certificate": told(found.n, reached[1], curve.times),
        }
        for side, reached in (("below", failure.below), ("above", failure.above))
    }
    detail = _common(curve, found) | {
        "fails_at_months": curve.times[failure.landmark],
        "nearest": nearest,
        "argument": argument,
        "alone": [_alone(found.n, window) for window in found.windows],
        "proof": "exhaustive enumeration of all orders of exits",
    }
    if curve.rates[0].subgroup:
        detail["other_n"] = _other_n(curve, found.n)
    return Finding(
        "landmark",
        curve.keys,
        "impossible",
        f"{curve.printed}, n = {found.n}",
        _nearest_said(curve, found),
        "; ".join(argument),
        detail,
    )


def _alone(n: int, window: Window) -> str:
    return "possible" if find_order(n, [window]) is not None else "impossible"


def _nearest_said(curve: Curve, found: Admissible) -> str:
    failure = found.failure
    if failure is None:
        return ""
    window = found.windows[failure.landmark]
    sides = (failure.below, failure.above)
    reached = [percent(side[0], window) for side in sides if side is not None]
    return f"nearest at {curve.times[failure.landmark]:g} months: {' and '.join(reached)}"


def _other_n(curve: Curve, n: int) -> list[dict[str, Any]]:
    """The same rates with one patient fewer and one more, for n that a paper disagrees about."""
    others = []
    for other in (n - 1, n, n + 1):
        possible = other > 0 and find_order(other, curve.windows) is not None
        told_ = _forced(curve, admissible(other, curve.windows)) if possible else "no order"
        verdict = "possible" if possible else "impossible"
        others.append({"n": other, "verdict": verdict, "told": told_})
    return others


def _with_median(curve: Curve, median: Figure, n: int) -> Finding:
    keys = (*curve.keys, median.key)
    printed = f"{curve.printed}, median {median.estimate:g} months, n = {n}"
    windows = median_windows(curve)
    order = None if windows is None else find_order(n, windows)
    if order is None:
        arithmetic = (
            "no order of exits gives the rates with S at least 1/2 before the median "
            "and at most 1/2 from it on"
        )
        return Finding("landmark", keys, "impossible", printed, "", arithmetic, {"n": n})
    certificate = told(n, order, [*curve.times, median.estimate or 0.0])
    detail = {"n": n, "order": order, "certificate": certificate}
    return Finding("landmark", keys, "possible", printed, "", certificate, detail)


def _pooled_n(curve: Curve, figures: Sequence[Figure]) -> int | None:
    """Patients of the pooled curve that this one is a part of."""
    pooled = {rate.part_of for rate in curve.rates}
    known = {f.n for f in figures if f.key in pooled}
    return known.pop() if len(known) == 1 else None


def _unknown_n(curve: Curve, most: int | None) -> Finding:
    """Judge a group of unknown size by the size that the pooled curve leaves it at most.

    What n patients can give, n + 1 can: one is censored first. So rates that are impossible for
    the most are impossible for any number.
    """
    reason = "the number of patients of this group is not printed"
    if most is None:
        return unverifiable("landmark", curve.keys, curve.printed, reason)
    found = admissible(most, curve.windows)
    if not found.possible:
        judged = _impossible(curve, found)
        detail = {**judged.detail, "n_at_most": most}
        return replace(judged, printed=f"{curve.printed}, n at most {most}", detail=detail)
    least = _least_n(curve.windows, most)
    return unverifiable("landmark", curve.keys, curve.printed, reason, least_possible_n=least)


def _least_n(windows: Sequence[Window], most: int) -> int | None:
    able = (n for n in range(1, most + 1) if find_order(n, windows) is not None)
    return next(able, None)


# --- pooled against subgroups ------------------------------------------------------------------


@dataclass(frozen=True)
class _Pooling:
    """A pooled curve, the two that split it, and the months at which a subgroup prints a rate."""

    pooled: Curve
    parts: tuple[Curve, Curve]

    @property
    def times(self) -> list[float]:
        return sorted({time for part in self.parts for time in part.times})

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.pooled.keys, *self.parts[0].keys, *self.parts[1].keys)

    @property
    def printed(self) -> str:
        told = [f"{part.printed} ({part.name}, n = {part.n})" for part in self.parts]
        return f"{self.pooled.printed} pooled; " + "; ".join(told)

    @property
    def groups(self) -> tuple[str, str]:
        """Labels of the two subgroups, as a reader sees them."""
        slugs = [part.rates[0].subgroup or part.name for part in self.parts]
        return slugs[0].replace("_", " "), slugs[1].replace("_", " ")

    @property
    def windows(self) -> list[Window | None]:
        """Pooled rates at the months of the subgroups; None where none is printed."""
        known = dict(zip(self.pooled.times, self.pooled.windows, strict=True))
        return [known.get(time) for time in self.times]

    def met(self, sizes: Sequence[int]) -> int:
        """Leading landmarks at which both subgroups can have their own rates."""
        for count in range(len(self.times), 0, -1):
            if all(
                find_order(n, windows_at(part, self.times)[:count]) is not None
                for n, part in zip(sizes, self.parts, strict=True)
            ):
                return count
        return 0

    def graphs(self, sizes: Sequence[int], count: int, fine: int) -> list[Graph]:
        """States of both subgroups up to a landmark, exact where they are few enough."""
        graphs = []
        for n, part in zip(sizes, self.parts, strict=True):
            windows = windows_at(part, self.times)[:count]
            graphs.append(exact_graph(n, windows, fine) or coarse_graph(n, windows))
        return graphs


def pooled_findings(figures: Sequence[Figure]) -> list[Finding]:
    """Whether pooled rates lie in what the rates of two subgroups can give together.

    Parameters
    ----------
    figures : sequence of Figure
        Subgroup rates name the pooled rate in `part_of` and the split in `partition`.

    Returns
    -------
    list of Finding
        Of check ``pooled_landmark``, one for each split: impossible where a pooled rate lies
        outside the range over all arrangements, where no arrangement meets all, or where no two
        numbers of patients could; possible with an arrangement; else unverifiable with the ranges.
        Unless it is possible, ``detail["splits"]`` says of every split of the pooled patients what
        excludes it: a group's own rates (``detail["own_rates"]`` has their least sizes), or a
        pooled rate, with its range and the two extreme arrangements.
    """
    by_rate = {rate.key: curve for curve in curves(figures) for rate in curve.rates}
    splits: dict[tuple[str, str], list[Curve]] = {}
    for part in dict.fromkeys(by_rate.values()):
        whole = by_rate.get(part.rates[0].part_of)
        if whole is not None:
            splits.setdefault((whole.rates[0].key, part.rates[0].partition), []).append(part)
    return [_split(by_rate[key], parts) for (key, _), parts in splits.items()]


def _split(pooled: Curve, parts: Sequence[Curve]) -> Finding:
    keys = (*pooled.keys, *(key for part in parts for key in part.keys))
    reason = next(filter(None, map(_unreadable, (pooled, *parts))), "")
    if len(parts) != 2:
        reason = f"rates of {len(parts)} subgroups are printed, not of two"
    elif pooled.n is None:
        reason = "the number of patients of the pooled curve is not printed"
    if reason or pooled.n is None:
        return unverifiable("pooled_landmark", keys, pooled.printed, reason)
    pooling = _Pooling(pooled, (parts[0], parts[1]))
    sizes = [part.n for part in parts if part.n is not None]
    if len(sizes) < 2:
        return _unknown_sizes(pooling, pooled.n)
    if sum(sizes) != pooled.n:
        reason = f"the subgroups have {sizes[0]} + {sizes[1]} patients, not {pooled.n}"
        return unverifiable("pooled_landmark", keys, pooling.printed, reason)
    return _pooled(pooling, sizes)


def _pooled(pooling: _Pooling, sizes: Sequence[int]) -> Finding:
    count = pooling.met(sizes)
    detail = _ranges(pooling, sizes, count)
    detail["other_sizes"] = [
        _ranges(pooling, other, pooling.met(other))
        for other in ((sizes[0] - 1, sizes[1] + 1), (sizes[0] + 1, sizes[1] - 1))
        if min(other) > 0
    ]
    verdict, arithmetic = detail["verdict"], detail["told"]
    recomputed = "; ".join(at["told"] for at in detail["landmarks"])
    if verdict != "possible" and any(pooling.windows):
        splits = _splits(pooling, sum(sizes))
        detail |= _splits_detail(splits)
        arithmetic = f"{detail['told']}; {_splits_told(splits)}"
        if verdict == "unverifiable" and not splits.left:
            verdict, recomputed, arithmetic = (
                "impossible",
                splits.nearest_told,
                _splits_told(splits),
            )
    if verdict == "unverifiable":
        detail["reason"] = detail["told"]
    detail |= {"verdict": verdict, "told": arithmetic}
    return Finding(
        "pooled_landmark", pooling.keys, verdict, pooling.printed, recomputed, arithmetic, detail
    )


def _ranges(pooling: _Pooling, sizes: Sequence[int], count: int) -> dict[str, Any]:
    """Range of the pooled curve at each landmark met, the verdict and the reason for it."""
    landmarks: list[dict[str, Any]] = []
    detail: dict[str, Any] = {"sizes": list(sizes), "landmarks": landmarks}
    if not any(pooling.windows[:count]):
        return detail | _no_landmark(count)
    first, second = _affordable(pooling, sizes, count)
    detail["exact"] = first.exact and second.exact
    for j, window in enumerate(pooling.windows[:count]):
        if window is not None:
            times, ends = pooling.times[: j + 1], pooled_range(first, second, j)
            landmarks.append(_range_at(times, window, ends, sizes, exact=detail["exact"]))
    outside = [at["told"] for at in landmarks if not at["inside"]]
    if outside:
        return detail | {"verdict": "impossible", "told": "; ".join(outside)}
    return detail | _together(pooling, count, (first, second))


def _no_landmark(count: int) -> dict[str, Any]:
    reason = "no pooled rate is printed for the months of the subgroups' rates"
    if not count:
        reason = "no order of exits gives the subgroups' own rates with these numbers of patients"
    return {"verdict": "unverifiable", "told": reason}


def _affordable(pooling: _Pooling, sizes: Sequence[int], count: int) -> tuple[Graph, Graph]:
    for fine in (FINE_STATES, FINE_STATES // 10, FINE_STATES // 100, 0):
        first, second = pooling.graphs(sizes, count, fine)
        if pairs(first, second) <= MOST_PAIRS:
            break
    return first, second


def _range_at(
    times: Sequence[float],
    window: Window,
    ends: tuple[Arrangement, Arrangement],
    sizes: Sequence[int],
    *,
    exact: bool,
) -> dict[str, Any]:
    low, high = ends
    inside = low.value <= window.high and high.value >= window.low
    bounds = f"between {percent(low.value, window)} and {percent(high.value, window)}"
    side = "inside" if inside else "outside"
    detail: dict[str, Any] = {
        "months": times[-1],
        "allowed": shown_window(window),
        "inside": inside,
        "range": [str(low.value), str(high.value)],
        "range_percent": [float(low.value * 100), float(high.value * 100)],
        "told": f"at {times[-1]:g} months all arrangements lie {bounds}, "
        f"{shown_window(window)} {'reaches' if inside else 'lies'} {side}",
    }
    if exact:
        detail["least"], detail["greatest"] = (told(sum(sizes), e.order, times) for e in ends)
    return detail


def _together(pooling: _Pooling, count: int, graphs: tuple[Graph, Graph]) -> dict[str, Any]:
    """Whether one arrangement meets the pooled rates of all landmarks."""
    not_excluded, order = arranged(*graphs, pooling.windows[:count])
    if not not_excluded:
        reason = "each pooled rate lies in its range, and no arrangement meets them together"
        return {"verdict": "impossible", "told": reason}
    if count < len(pooling.times):
        reason = (
            f"up to {pooling.times[count]:g} months no order of exits gives a subgroup's own rates "
            "with these numbers of patients"
        )
        return {"verdict": "unverifiable", "told": reason}
    if order is None:
        reason = "the ranges do not exclude the pooled rates, and no arrangement was found"
        return {"verdict": "unverifiable", "told": reason}
    certificate = told(graphs[0].n + graphs[1].n, order, pooling.times)
    return {"verdict": "possible", "told": certificate, "order": order}


def _unknown_sizes(pooling: _Pooling, n: int) -> Finding:
    """Try every split of the pooled patients that the printed numbers leave open."""
    known = [part.n for part in pooling.parts]
    splits = _splits(pooling, n)
    detail: dict[str, Any] = {"sizes": known} | _splits_detail(splits)
    told_ = _splits_told(splits)
    if any(
        all(k in (None, size) for k, size in zip(known, split.sizes, strict=True))
        for split in splits.left
    ):
        reason = "the numbers of patients of the subgroups are not printed"
        found = unverifiable("pooled_landmark", pooling.keys, pooling.printed, reason, **detail)
        return replace(found, arithmetic=f"{found.arithmetic}; {told_}")
    return Finding(
        "pooled_landmark",
        pooling.keys,
        "impossible",
        pooling.printed,
        splits.nearest_told,
        told_,
        detail,
    )


# --- every split of the pooled patients ---------------------------------------------------------


@dataclass(frozen=True)
class _Outside:
    """A pooled rate that a split cannot give: the landmark and the two extreme arrangements."""

    months: float
    window: Window
    low: Arrangement
    high: Arrangement
    exact: bool

    @property
    def side(self) -> str:
        return "above" if self.low.value > self.window.high else "below"

    @property
    def apart(self) -> Fraction:
        return max(self.low.value - self.window.high, self.window.low - self.high.value)

    @property
    def shown(self) -> str:
        spread = shown_range(self.low.value, self.high.value, self.window)
        return spread if self.exact else f"within {spread}"


@dataclass(frozen=True)
class _Judged:
    """A split of the pooled patients, and what excludes it if anything does."""

    sizes: tuple[int, int]
    excluded_by: Literal["own rates", "pooled rate", "pooled rates together"] | None
    reason: str
    outside: _Outside | None = None

    @property
    def named(self) -> str:
        return f"{self.sizes[0]} + {self.sizes[1]}"


@dataclass(frozen=True)
class _Own:
    """The least size that can have a group's own rates; None where n - 1 are too few."""

    part: Curve
    group: str
    least: int | None
    too_few: int
    fails: Admissible | None
    """What `too_few` patients, one fewer than the least, lack; None where that is nobody."""

    @property
    def nearest(self) -> str:
        return _nearest_said(self.part, self.fails) if self.fails else ""


@dataclass(frozen=True)
class _Splits:
    """All splits of n in the order of the first group's size."""

    pooling: _Pooling
    n: int
    own: tuple[_Own, _Own]
    judged: tuple[_Judged, ...]

    @property
    def left(self) -> list[_Judged]:
        return [split for split in self.judged if split.excluded_by is None]

    @property
    def nearest(self) -> _Judged | None:
        """Of the splits that a pooled rate excludes, the one whose range is nearest to it."""
        apart = [(split.outside.apart, split) for split in self.judged if split.outside]
        return min(apart, key=lambda pair: pair[0])[1] if apart else None

    @property
    def nearest_told(self) -> str:
        nearest = self.nearest
        if nearest is None or nearest.outside is None:
            never = [own for own in self.own if own.least is None]
            return "; ".join(f"{own.group} with {own.too_few}: {own.nearest}" for own in never)
        at = f"{nearest.outside.shown} at {nearest.outside.months:g} months"
        return f"nearest split {nearest.named}: {at}"


def _splits(pooling: _Pooling, n: int) -> _Splits:
    """Find out what excludes each split of n.

    What a group's rates need of patients, more of them have as well: one is censored first. So each
    group has a least size.
    """
    parts, groups = pooling.parts, pooling.groups
    own = _own(parts[0], groups[0], n), _own(parts[1], groups[1], n)
    judged = tuple(_judged_split(pooling, (a, n - a), own) for a in range(1, n))
    return _Splits(pooling, n, own, judged)


def _own(part: Curve, group: str, n: int) -> _Own:
    least = _least_n(part.windows, n - 1)
    too_few = n - 1 if least is None else least - 1
    fails = admissible(too_few, part.windows) if too_few else None
    return _Own(part, group, least, too_few, fails)


def _judged_split(pooling: _Pooling, sizes: tuple[int, int], owns: tuple[_Own, _Own]) -> _Judged:
    short = [
        f"{own.group} cannot have its own rates with {_patients(size)}"
        for own, size in zip(owns, sizes, strict=True)
        if size <= own.too_few
    ]
    if short:
        return _Judged(sizes, "own rates", "; ".join(short))
    first, second = _affordable(pooling, sizes, len(pooling.times))
    if pairs(first, second) > MOST_PAIRS:
        return _Judged(sizes, None, "not excluded; there are too many pairs of states to look at")
    outside = _first_outside(pooling, first, second)
    if outside is not None:
        reason = (
            f"pooled at {outside.months:g} months {outside.shown}, "
            f"{outside.side} {shown_window(outside.window)}"
        )
        return _Judged(sizes, "pooled rate", reason, outside)
    if not arranged(first, second, pooling.windows, most=0)[0]:
        reason = "each pooled rate lies in its range, and no arrangement meets them together"
        return _Judged(sizes, "pooled rates together", reason)
    return _Judged(sizes, None, "not excluded")


def _patients(count: int) -> str:
    return f"{count} patient" + ("" if count == 1 else "s")


def _first_outside(pooling: _Pooling, first: Graph, second: Graph) -> _Outside | None:
    exact = first.exact and second.exact
    for j, window in enumerate(pooling.windows):
        if window is None:
            continue
        low, high = pooled_range(first, second, j)
        if low.value > window.high or high.value < window.low:
            return _Outside(pooling.times[j], window, low, high, exact)
    return None


def _splits_detail(splits: _Splits) -> dict[str, Any]:
    pooling, nearest = splits.pooling, splits.nearest
    return {
        "groups": [part.rates[0].subgroup for part in pooling.parts],
        "own_rates": [_own_detail(own) for own in splits.own],
        "splits": [_split_detail(pooling, split) for split in splits.judged],
        "nearest_split": list(nearest.sizes) if nearest else None,
    }


def _own_detail(own: _Own) -> dict[str, Any]:
    """The least size with an order of exits, and the argument why one patient fewer cannot."""
    windows, times = own.part.windows, own.part.times
    detail: dict[str, Any] = {"group": own.part.rates[0].subgroup, "least_n": own.least}
    if own.least is not None:
        detail["order"] = told(own.least, find_order(own.least, windows) or "", times)
    if own.fails is not None and own.fails.failure is not None:
        detail["too_few"], detail["nearest"] = own.too_few, own.nearest
        detail["argument"] = by_cases(own.too_few, windows, own.fails.failure, times)
    return detail


def _split_detail(pooling: _Pooling, split: _Judged) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "sizes": list(split.sizes),
        "printed": [part.n for part in pooling.parts] == list(split.sizes),
        "excluded_by": split.excluded_by,
        "reason": split.reason,
    }
    outside = split.outside
    if outside is None:
        return detail
    ends = (outside.low, outside.high)
    detail |= {
        "months": outside.months,
        "allowed": shown_window(outside.window),
        "exact": outside.exact,
        "range": [str(end.value) for end in ends],
        "range_percent": [float(end.value * 100) for end in ends],
    }
    if outside.exact:
        detail["least"], detail["greatest"] = (_whole(pooling, split.sizes, end) for end in ends)
    return detail


def _whole(pooling: _Pooling, sizes: tuple[int, int], end: Arrangement) -> dict[str, Any]:
    """An extreme arrangement up to the last landmark: pooled, and each group's own part of it."""
    order = end.order + end.rest
    own = zip(sizes, own_orders(order), strict=True)
    return {
        "order": order,
        "pooled": told(sum(sizes), order, pooling.times),
        "groups": [told(size, exits, pooling.times) for size, exits in own],
    }


def _splits_told(splits: _Splits) -> str:
    """All splits in one line: own rates, ranges of the pooled rate that fails, what is left."""
    first, second = splits.pooling.groups
    sizes = [part.n for part in splits.pooling.parts]
    known = " + ".join("?" if size is None else str(size) for size in sizes)
    printed = f", printed {known}" if any(sizes) else ""
    together = [split for split in splits.judged if split.excluded_by == "pooled rates together"]
    parts = [f"{splits.n} patients are {first} + {second}{printed}", *_own_told(splits)]
    parts += _pooled_told(splits)
    if together:
        parts.append(
            f"{_runs(together)}: each pooled rate lies in its range, no arrangement meets them all"
        )
    if splits.left:
        parts.append(f"not excluded: {_runs(splits.left)}")
    else:
        parts.append(
            f"so for no split of {splits.n} patients can the subgroups' own rates and the pooled "
            "rates all hold"
        )
    return "; ".join(parts)


def _own_told(splits: _Splits) -> list[str]:
    n, (first, second) = splits.n, splits.own
    never = [own for own in splits.own if own.least is None]
    if first.least is None or second.least is None:
        return [
            f"{own.group} cannot have its own rates with {n - 1} or fewer ({own.nearest})"
            for own in never
        ]
    a, b = first.least, second.least
    need = f"{first.group} needs at least {a}, {second.group} at least {b}"
    if a + b > n:
        return [f"for their own rates {need}, together {a + b}"]
    few, many = f"{a - 1} or fewer" * (a > 1), f"{n - b + 1} or more" * (b > 1)
    sizes = f"{few}, or {many}," if few and many else few or many
    if not sizes:
        return []
    return [f"with {sizes} of {n} in {first.group} a group's own rates cannot hold ({need})"]


def _pooled_told(splits: _Splits) -> Iterator[str]:
    """Tell the ranges by the landmark that fails and the side on which they lie."""
    printed = {rate.time_months: estimate(rate) for rate in splits.pooling.pooled.rates}
    found = [(split, split.outside) for split in splits.judged if split.outside]
    for months, side in sorted({(outside.months, outside.side) for _, outside in found}):
        of = [pair for pair in found if (pair[1].months, pair[1].side) == (months, side)]
        value, window = printed[months], shown_window(of[0][1].window)
        yield (
            f"printed {value.text if value else ''}% at {months:g} months: {window}; "
            f"{_spreads(of)}: {'all ' * (len(of) > 1)}{side}"
        )


def _spreads(of: Sequence[tuple[_Judged, _Outside]]) -> str:
    if len(of) <= MOST_SPLITS_TOLD:
        told_ = [f"{split.named}: {outside.shown}" for split, outside in of]
        return told_[0].replace(": ", ": pooled ", 1) + "".join(f"; {one}" for one in told_[1:])
    least, greatest = min(o.low.value for _, o in of), max(o.high.value for _, o in of)
    window = of[0][1].window
    nearest, at = min(of, key=lambda pair: pair[1].apart)
    return (
        f"{_runs([split for split, _ in of])}: pooled within "
        f"{shown_range(least, greatest, window)}, nearest {nearest.named}: {at.shown}"
    )


def _runs(splits: Sequence[_Judged]) -> str:
    """Name splits, those that follow each other by their ends: ``11 + 26 to 18 + 19``."""
    runs = groupby(enumerate(splits), key=lambda pair: pair[1].sizes[0] - pair[0])
    names = [[split.named for _, split in run] for _, run in runs]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else run[0] for run in names)
