"""Printed Kaplan-Meier rates against the number of patients, and pooled against subgroup rates.

The enumeration and why it is complete stand in `enumeration` (one curve) and `interleaving` (two
subgroups pooled). Here printed figures become landmarks, and what is proved becomes a finding with
a certificate: an order of exits whose rates can be recomputed by hand, or the reason why there is
none with the nearest rates that can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sarcoma_sbrt.evidence.consistency.certificates import (
    by_cases,
    least_censored,
    percent,
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
    pairs,
    pooled_range,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["landmark_findings", "pooled_findings"]

FINE_STATES = 3_000
"""States up to which a subgroup enters the pooled curve with exact S."""

MOST_PAIRS = 4_000_000


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
    if detail["verdict"] != "possible" and any(pooling.windows):
        detail |= _splits(pooling, sum(sizes))
        if detail["verdict"] == "unverifiable" and not detail["splits_not_excluded"]:
            detail["verdict"] = "impossible"
            detail["told"] += f"; {_no_split(sum(sizes))}"
    verdict, arithmetic = detail["verdict"], detail["told"]
    if verdict == "unverifiable":
        detail["reason"] = arithmetic
    recomputed = "; ".join(at["told"] for at in detail["landmarks"])
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
    for fine in (FINE_STATES, FINE_STATES // 10, 0):
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
    detail: dict[str, Any] = {"sizes": known} | _splits(pooling, n)
    left = [
        split
        for split in detail["splits_not_excluded"]
        if all(k in (None, size) for k, size in zip(known, split, strict=True))
    ]
    if left:
        reason = "the numbers of patients of the subgroups are not printed"
        return unverifiable("pooled_landmark", pooling.keys, pooling.printed, reason, **detail)
    return Finding(
        "pooled_landmark",
        pooling.keys,
        "impossible",
        pooling.printed,
        "",
        _no_split(n),
        detail,
    )


def _no_split(n: int) -> str:
    return (
        f"for no split of {n} patients can the subgroups' own rates and the pooled rates all hold"
    )


def _splits(pooling: _Pooling, n: int) -> dict[str, list[list[int]]]:
    """Sort the splits of n into two subgroups by what excludes them."""
    sorted_: dict[str, list[list[int]]] = {
        "splits_excluded_by_own_rates": [],
        "splits_excluded_by_pooled_rates": [],
        "splits_not_excluded": [],
    }
    for a in range(1, n):
        split = (a, n - a)
        if pooling.met(split) < len(pooling.times):
            sorted_["splits_excluded_by_own_rates"].append(list(split))
        elif _pooled_excludes(pooling, split):
            sorted_["splits_excluded_by_pooled_rates"].append(list(split))
        else:
            sorted_["splits_not_excluded"].append(list(split))
    return sorted_


def _pooled_excludes(pooling: _Pooling, sizes: tuple[int, int]) -> bool:
    """Whether a bound excludes the pooled rates: the coarse graphs' first, then the exact ones'."""
    for fine in (0, FINE_STATES):
        first, second = pooling.graphs(sizes, len(pooling.times), fine)
        if pairs(first, second) <= MOST_PAIRS:
            not_excluded, _ = arranged(first, second, pooling.windows, most=0)
            if not not_excluded:
                return True
    return False
