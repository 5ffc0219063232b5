"""Printed pooled rates against the rates of the two subgroups that were pooled.

Which pooled rates two subgroups can give, and why none is missed, stands in `interleaving`. Here it
is asked of the printed numbers of patients and, where these do not settle it, of every split of the
pooled patients, so that a reader can follow what excludes each. They are asked first at the months
of the subgroups' rates; what these leave open is asked at the other months of the pooled rates too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from typing import Any, Literal

from sarcoma_sbrt.evidence.consistency.certificates import (
    by_cases,
    nearest_rates,
    percent,
    shown_range,
    shown_window,
    told,
)
from sarcoma_sbrt.evidence.consistency.curves import (
    CONVENTIONS,
    Contradiction,
    Convention,
    Curve,
    contradicted_otherwise,
    contradiction,
    curves,
    either,
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
    too_many_states,
)
from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.interleaving import (
    Arrangement,
    arranged,
    excludes,
    own_orders,
    pairs,
    pooled_range,
)
from sarcoma_sbrt.evidence.consistency.readings import estimate
from sarcoma_sbrt.evidence.published import Figure, Study

__all__ = ["pooled_findings"]

FINE_STATES = 20_000
"""States up to which a subgroup enters the pooled curve with exact S."""

MOST_PAIRS = 4_000_000
"""Pairs of states up to which two subgroups are pooled."""

MOST_SPLITS_TOLD = 8
"""Splits whose ranges are told one by one before a run of them is told by its ends."""

TOO_MANY = "there are too many pairs of states to look at"
NOT_TOGETHER = "each pooled rate lies in its range, and no arrangement meets them together"


@dataclass(frozen=True)
class _Pooling:
    """A pooled curve, the two that split it, and the months at which they are looked at."""

    pooled: Curve
    parts: tuple[Curve, Curve]
    times: tuple[float, ...]

    @property
    def at_further_months(self) -> _Pooling | None:
        """The same at the months of pooled rates beside which no subgroup prints one, as well."""
        times = tuple(sorted({*self.times, *self.pooled.times}))
        return None if times == self.times else replace(self, times=times)

    def as_if(self, convention: Convention) -> _Pooling:
        """The same with all rates read by another convention."""
        first, second = (part.as_if(convention) for part in self.parts)
        return replace(self, pooled=self.pooled.as_if(convention), parts=(first, second))

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.pooled.keys, *self.parts[0].keys, *self.parts[1].keys)

    @property
    def printed(self) -> str:
        said = [f"{part.printed} ({_named(part)}, {_size_told(part)})" for part in self.parts]
        return f"{self.pooled.printed} pooled; " + "; ".join(said)

    @property
    def groups(self) -> tuple[str, str]:
        """Labels of the two subgroups, as a reader sees them."""
        first, second = self.parts
        return _group(first) or _named(first), _group(second) or _named(second)

    @property
    def windows(self) -> list[Window | None]:
        """Pooled rates at these months; None where none is printed."""
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

    def graphs(self, sizes: Sequence[int], count: int) -> tuple[Graph, Graph] | None:
        """States of both subgroups up to a landmark, exact where they are few enough.

        None where even the coarse ones make too many pairs.
        """
        for fine in (FINE_STATES, FINE_STATES // 10, FINE_STATES // 100, 0):
            first, second = (
                exact_graph(n, windows_at(part, self.times)[:count], fine)
                or coarse_graph(n, windows_at(part, self.times)[:count])
                for n, part in zip(sizes, self.parts, strict=True)
            )
            if pairs(first, second) <= MOST_PAIRS:
                return first, second
        return None


def pooled_findings(
    figures: Sequence[Figure], studies: Mapping[str, Study] | None = None
) -> list[Finding]:
    """Whether pooled rates lie in what the rates of two subgroups can give together.

    Parameters
    ----------
    figures : sequence of Figure
        Subgroup rates name the pooled rate in `part_of` and the split in `partition`.
    studies : mapping of str to Study, optional
        For pooled rates that print no n: the patients of the study.

    Returns
    -------
    list of Finding
        Of check ``pooled_landmark``, one for each split: impossible where a pooled rate lies
        outside the range over all arrangements, where no arrangement meets all, where no two
        numbers of patients could, or where one of the curves contradicts itself; possible with an
        arrangement; else unverifiable with the ranges. Unless it is possible,
        ``detail["splits"]`` says of every split of the pooled patients what excludes it: a group's
        own rates (``detail["own_rates"]`` has their least sizes), or a pooled rate, with its range
        and the two extreme arrangements. Where it is impossible, ``detail["conventions"]`` says
        whether it is so with all rates truncated, rounded up or rounded twice.
    """
    by_rate = {rate.key: curve for curve in curves(figures, studies) for rate in curve.rates}
    splits: dict[tuple[str, str], list[Curve]] = {}
    for part in dict.fromkeys(by_rate.values()):
        linked = next((rate for rate in part.rates if rate.part_of in by_rate), None)
        if linked is not None:
            whole = by_rate[linked.part_of].rates[0].key
            splits.setdefault((whole, linked.partition), []).append(part)
    return [_on_terms(by_rate[whole], parts) for (whole, _), parts in splits.items()]


def _on_terms(pooled: Curve, parts: Sequence[Curve]) -> Finding:
    """Say what the finding rests on: the method that is assumed, times that one place has."""
    finding = _finding(pooled, parts)
    terms = dict.fromkeys(term for curve in (pooled, *parts) for term in curve.terms)
    if not terms:
        return finding
    assumed = any(curve.assumed for curve in (pooled, *parts))
    detail = {**finding.detail} | ({"assumes": "Kaplan-Meier"} if assumed else {})
    arithmetic = "; ".join((*terms, finding.arithmetic))
    judged = finding.verdict != "unverifiable" or "splits" in detail
    return replace(finding, arithmetic=arithmetic if judged else finding.arithmetic, detail=detail)


def _finding(pooled: Curve, parts: Sequence[Curve]) -> Finding:
    keys = (*pooled.keys, *(key for part in parts for key in part.keys))
    reason = next((curve.unreadable for curve in (pooled, *parts) if curve.unreadable), "")
    if reason:
        return unverifiable("pooled_landmark", keys, pooled.printed, reason)
    n = _patients_of(pooled)
    for curve in (pooled, *parts):
        against = contradiction(curve)
        if against is not None:
            return _contradicted(pooled, parts, curve, against)
    if len(parts) != 2:
        reason = f"rates of {len(parts)} subgroups are printed, not of two"
    elif n is None:
        reason = "the number of patients of the pooled curve is not printed"
    elif n == 1:
        reason = "one patient does not make two subgroups"
    if reason or n is None:
        return unverifiable("pooled_landmark", keys, pooled.printed, reason)
    times = {time for part in parts for time in part.times}
    pooling = _Pooling(pooled, (parts[0], parts[1]), tuple(sorted(times)))
    sizes = [part.n for part in parts if part.n is not None]
    if too_many_states(n, len(times)):
        return unverifiable("pooled_landmark", keys, pooling.printed, TOO_MANY)
    if len(sizes) < 2:
        return _unknown_sizes(pooling, n)
    if sum(sizes) != n:
        reason = f"the subgroups have {sizes[0]} + {sizes[1]} patients, not {n}"
        return unverifiable("pooled_landmark", keys, pooling.printed, reason)
    return _known_sizes(pooling, sizes)


def _patients_of(pooled: Curve) -> int | None:
    """The pooled curve's own n, or what its study prints where only one number can be meant."""
    sizes = pooled.sizes
    return sizes[0].n if len(sizes) == 1 and not pooled.lesions_unknown else None


def _contradicted(
    pooled: Curve, parts: Sequence[Curve], curve: Curve, against: Contradiction
) -> Finding:
    """Exclude every split, as one of the curves is impossible whatever its number of patients."""
    keys = [key for each in (pooled, *parts) for key in each.keys]
    median = curve.median if against.with_median else None
    said = [f"{part.printed} ({_named(part)}, {_size_told(part)})" for part in parts]
    if median is not None:
        keys.append(median.key)
        said.append(f"median {median.estimate:g} months ({_named(curve)})")
    n, reason = _patients_of(pooled), f"{_named(curve)}: {against.told}"
    conventions, remark = contradicted_otherwise(curve)
    whole = f"no split of {n} patients" if n else "no two subgroups"
    splits = [(a, n - a) for a in range(1, n)] if n is not None and len(parts) == 2 else []
    return Finding(
        "pooled_landmark",
        tuple(keys),
        "impossible",
        f"{pooled.printed} pooled; " + "; ".join(said),
        f"{_named(curve)}: {against.recomputed}",
        f"{reason}; {remark}; so for {whole} can all rates hold",
        {
            "groups": [part.rates[0].subgroup for part in parts],
            "sizes": [part.n for part in parts],
            "contradiction": list(against.keys),
            "argument": [against.told],
            "conventions": conventions,
            "splits": [
                {
                    "sizes": list(sizes),
                    "printed": [part.n for part in parts] == list(sizes),
                    "excluded_by": "pooled rate" if curve is pooled else "own rates",
                    "reason": reason,
                }
                for sizes in splits
            ],
        },
    )


_ENDPOINTS = {
    "lc": "local control",
    "os": "overall survival",
    "pfs": "progression-free survival",
    "mfs": "metastasis-free survival",
}
_GROUPS = {
    "number_single": "single lesion",
    "number_multiple": "multiple lesions",
    "grade_low": "low grade",
    "grade_high": "high grade",
}


def _group(curve: Curve) -> str:
    """The subgroup in words: ``grade_g2_g3`` is grade G2 and G3; empty for the whole."""
    slug = curve.rates[0].subgroup
    words = re.sub(r"\bg([1-5])\b", r"G\1", slug.replace("_", " "))
    return _GROUPS.get(slug) or re.sub(r"(G\d) (?=G\d)", r"\1 and ", words)


def _named(curve: Curve) -> str:
    """Endpoint and group in words; what has no word is told as `Curve.name` tells it."""
    first = curve.rates[0]
    if first.endpoint not in _ENDPOINTS or first.category or first.arm:
        return curve.name
    return ", ".join(filter(None, (_ENDPOINTS[first.endpoint], _group(curve))))


def _size_told(part: Curve) -> str:
    return "n not printed" if part.n is None else f"n = {part.n}"


# --- the printed numbers of patients ------------------------------------------------------------


def _known_sizes(pooling: _Pooling, sizes: Sequence[int]) -> Finding:
    """Judge the printed split; where it is not possible, say what the other splits would give.

    Rates that exclude every split are impossible even where the printed one leaves it open.
    """
    detail = _ranges(pooling, sizes)
    detail["other_sizes"] = [
        _ranges(pooling, other)
        for other in ((sizes[0] - 1, sizes[1] + 1), (sizes[0] + 1, sizes[1] - 1))
        if min(other) > 0
    ]
    recomputed = "; ".join(at["told"] for at in detail["landmarks"])
    reason = detail["told"]
    if detail["verdict"] != "possible":
        splits = _splits(pooling, sum(sizes))
        detail |= _splits_detail(splits)
        if detail["verdict"] == "unverifiable" and not splits.left:
            detail |= {"verdict": "impossible", "told": _splits_told(splits)}
            recomputed = splits.nearest_told
        else:
            detail["told"] = f"{reason}; {_splits_told(splits)}"
        if detail["verdict"] == "impossible":
            detail["conventions"], remark = _conventions(splits)
            detail["told"] = f"{detail['told']}; {remark}"
    if detail["verdict"] == "unverifiable":
        detail["reason"] = reason
    verdict, arithmetic = detail["verdict"], detail["told"]
    return Finding(
        "pooled_landmark", pooling.keys, verdict, pooling.printed, recomputed, arithmetic, detail
    )


def _ranges(pooling: _Pooling, sizes: Sequence[int]) -> dict[str, Any]:
    """Judge at the subgroups' months, then, unless it is impossible, at the pooled ones too."""
    found, further = _ranges_at(pooling, sizes), pooling.at_further_months
    if found["verdict"] == "impossible" or further is None:
        return found
    wider = _ranges_at(further, sizes)
    if wider["verdict"] != "unverifiable" or not any(pooling.windows):
        return wider
    if found["verdict"] == "unverifiable":
        return found
    months = sorted({*further.times} - {*pooling.times})
    reason = f"with the pooled rates at {_listed(months)} months, too: {wider['told']}"
    return wider | {"told": reason}


def _listed(months: Sequence[float]) -> str:
    return " and ".join(f"{time:g}" for time in months)


def _ranges_at(pooling: _Pooling, sizes: Sequence[int]) -> dict[str, Any]:
    """Range of the pooled curve at each landmark met, the verdict and the reason for it."""
    count = pooling.met(sizes)
    landmarks: list[dict[str, Any]] = []
    detail: dict[str, Any] = {"sizes": list(sizes), "landmarks": landmarks}
    if not any(pooling.windows[:count]):
        return detail | {"verdict": "unverifiable", "told": _no_landmark(pooling, count)}
    graphs = pooling.graphs(sizes, count)
    if graphs is None:
        return detail | {"verdict": "unverifiable", "told": TOO_MANY}
    detail["exact"] = graphs[0].exact and graphs[1].exact
    for j, window in enumerate(pooling.windows[:count]):
        if window is not None:
            times, ends = pooling.times[: j + 1], pooled_range(*graphs, j)
            landmarks.append(_range_at(times, window, ends, sizes, exact=detail["exact"]))
    outside = [at["told"] for at in landmarks if not at["inside"]]
    if outside:
        return detail | {"verdict": "impossible", "told": "; ".join(outside)}
    return detail | _together(pooling, count, graphs)


def _no_landmark(pooling: _Pooling, count: int) -> str:
    if not count:
        return "no order of exits gives the subgroups' own rates with these numbers of patients"
    if count < len(pooling.times):
        return _not_met(pooling, count)
    return "no pooled rate is printed for the months of the subgroups' rates"


def _not_met(pooling: _Pooling, count: int) -> str:
    return (
        f"up to {pooling.times[count]:g} months no order of exits gives a subgroup's own rates "
        "with these numbers of patients"
    )


def _range_at(
    times: Sequence[float],
    window: Window,
    ends: tuple[Arrangement, Arrangement],
    sizes: Sequence[int],
    *,
    exact: bool,
) -> dict[str, Any]:
    low, high = ends
    inside = not excludes(ends, window)
    bounds = f"between {percent(low.value, window)} and {percent(high.value, window)}"
    side = "reaches inside" if inside else "lies outside"
    detail: dict[str, Any] = {
        "months": times[-1],
        "allowed": shown_window(window),
        "inside": inside,
        **_values(ends),
        "told": f"at {times[-1]:g} months all arrangements lie {bounds}, "
        f"{shown_window(window)} {side}",
    }
    if exact:
        detail["least"], detail["greatest"] = (told(sum(sizes), e.order, times) for e in ends)
    return detail


def _values(ends: tuple[Arrangement, Arrangement]) -> dict[str, list[str] | list[float]]:
    return {
        "range": [str(end.value) for end in ends],
        "range_percent": [float(end.value * 100) for end in ends],
    }


def _together(pooling: _Pooling, count: int, graphs: tuple[Graph, Graph]) -> dict[str, Any]:
    """Whether one arrangement meets the pooled rates of all landmarks."""
    not_excluded, order = arranged(*graphs, pooling.windows[:count])
    if not not_excluded:
        return {"verdict": "impossible", "told": NOT_TOGETHER}
    if count < len(pooling.times):
        return {"verdict": "unverifiable", "told": _not_met(pooling, count)}
    if order is None:
        reason = "the ranges do not exclude the pooled rates, and no arrangement was found"
        return {"verdict": "unverifiable", "told": reason}
    certificate = told(graphs[0].n + graphs[1].n, order, pooling.times)
    return {"verdict": "possible", "told": certificate, "order": order}


# --- every split of the pooled patients ---------------------------------------------------------


def _unknown_sizes(pooling: _Pooling, n: int) -> Finding:
    """Try every split of the pooled patients; impossible where none that may be meant is left."""
    splits = _splits(pooling, n)
    detail: dict[str, Any] = {"sizes": splits.printed} | _splits_detail(splits)
    arithmetic = _splits_told(splits)
    if any(map(splits.agrees, splits.left)):
        reason = "the numbers of patients of the subgroups are not printed"
        found = unverifiable("pooled_landmark", pooling.keys, pooling.printed, reason, **detail)
        return replace(found, arithmetic=f"{found.arithmetic}; {arithmetic}")
    meant = [split for split in splits.judged if splits.agrees(split)]
    recomputed = "; ".join(f"{split.named}: {split.reason}" for split in meant)
    detail["conventions"], remark = _conventions(splits)
    return Finding(
        "pooled_landmark",
        pooling.keys,
        "impossible",
        pooling.printed,
        recomputed if splits.left else splits.nearest_told,
        f"{arithmetic}; {remark}",
        detail,
    )


def _conventions(splits: _Splits) -> tuple[list[dict[str, Any]], str]:
    """Whether a split that is meant would be left with all rates not rounded once, and in words."""
    found, fitting = list[dict[str, Any]](), list[str]()
    for other in CONVENTIONS:
        elsewise = _splits(splits.pooling.as_if(other), splits.n)
        meant = [split for split in elsewise.left if splits.agrees(split)]
        found.append(
            {
                "convention": other.name,
                "verdict": "not excluded" if meant else "impossible",
                "splits_left": [list(split.sizes) for split in elsewise.left],
            }
        )
        if meant:
            fitting.append(f"with all rates {other.name} not excluded: {_runs(meant)}")
    names = [other.name for other in CONVENTIONS]
    return found, "; ".join(fitting) or f"with all rates {either(names)} it is impossible as well"


@dataclass(frozen=True)
class _Outside:
    """A pooled rate that a split cannot give: the landmark and the two extreme arrangements."""

    times: tuple[float, ...]
    """Months of the landmarks, up to which the arrangements run."""

    months: float
    window: Window
    ends: tuple[Arrangement, Arrangement]
    exact: bool

    @property
    def side(self) -> Literal["above", "below"]:
        """Where the range lies, seen from the printed rate."""
        return "above" if self.ends[0].value > self.window.high else "below"

    @property
    def apart(self) -> Fraction:
        low, high = self.ends
        return max(low.value - self.window.high, self.window.low - high.value)

    @property
    def shown(self) -> str:
        spread = shown_range(self.ends[0].value, self.ends[1].value, self.window)
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
        return nearest_rates(self.fails, self.part.times) if self.fails else ""


@dataclass(frozen=True)
class _Splits:
    """All splits of n in the order of the first group's size."""

    pooling: _Pooling
    n: int
    own: tuple[_Own, _Own]
    judged: tuple[_Judged, ...]

    @property
    def printed(self) -> list[int | None]:
        return [part.n for part in self.pooling.parts]

    def agrees(self, split: _Judged) -> bool:
        """Whether a split is one that the printed numbers of patients may mean."""
        return all(k in (None, size) for k, size in zip(self.printed, split.sizes, strict=True))

    @property
    def left(self) -> list[_Judged]:
        return [split for split in self.judged if split.excluded_by is None]

    @property
    def nearest(self) -> tuple[_Judged, _Outside] | None:
        """Of the splits that a pooled rate excludes, the one whose range is nearest to it."""
        found = [(split, split.outside) for split in self.judged if split.outside]
        return min(found, key=lambda pair: pair[1].apart, default=None)

    @property
    def nearest_told(self) -> str:
        if self.nearest is None:
            never = [own for own in self.own if own.least is None]
            return "; ".join(f"{own.group} with {own.too_few}: {own.nearest}" for own in never)
        split, outside = self.nearest
        return f"nearest split {split.named}: {outside.shown} at {outside.months:g} months"


def _splits(pooling: _Pooling, n: int) -> _Splits:
    """Find out what excludes each split of n; a group's own rates have a least size each."""
    own = _own(pooling, 0, n), _own(pooling, 1, n)
    judged = tuple(_judged(pooling, (a, n - a), own) for a in range(1, n))
    return _Splits(pooling, n, own, judged)


def _own(pooling: _Pooling, which: Literal[0, 1], n: int) -> _Own:
    part = pooling.parts[which]
    least = part.least_n(n - 1)
    too_few = n - 1 if least is None else least - 1
    fails = admissible(too_few, part.windows) if too_few else None
    return _Own(part, pooling.groups[which], least, too_few, fails)


def _judged(pooling: _Pooling, sizes: tuple[int, int], owns: tuple[_Own, _Own]) -> _Judged:
    short = [
        f"{own.group} cannot have its own rates with {_patients(size)}"
        for own, size in zip(owns, sizes, strict=True)
        if size <= own.too_few
    ]
    if short:
        return _Judged(sizes, "own rates", "; ".join(short))
    found, further = _judged_at(pooling, sizes), pooling.at_further_months
    if found.excluded_by is not None or further is None:
        return found
    wider = _judged_at(further, sizes)
    return found if wider.excluded_by is None else wider


def _judged_at(pooling: _Pooling, sizes: tuple[int, int]) -> _Judged:
    graphs = pooling.graphs(sizes, len(pooling.times))
    if graphs is None:
        return _Judged(sizes, None, f"not excluded, as {TOO_MANY}")
    outside = _first_outside(pooling, graphs)
    if outside is not None:
        reason = (
            f"pooled at {outside.months:g} months {outside.shown}, "
            f"{outside.side} {shown_window(outside.window)}"
        )
        return _Judged(sizes, "pooled rate", reason, outside)
    if not arranged(*graphs, pooling.windows, most=0)[0]:
        return _Judged(sizes, "pooled rates together", NOT_TOGETHER)
    return _Judged(sizes, None, "not excluded")


def _patients(count: int) -> str:
    return f"{count} patient" + ("" if count == 1 else "s")


def _first_outside(pooling: _Pooling, graphs: tuple[Graph, Graph]) -> _Outside | None:
    exact = graphs[0].exact and graphs[1].exact
    for j, window in enumerate(pooling.windows):
        if window is None:
            continue
        ends = pooled_range(*graphs, j)
        if excludes(ends, window):
            return _Outside(pooling.times, pooling.times[j], window, ends, exact)
    return None


# --- the splits as numbers ----------------------------------------------------------------------


def _splits_detail(splits: _Splits) -> dict[str, Any]:
    return {
        "groups": [part.rates[0].subgroup for part in splits.pooling.parts],
        "own_rates": [_own_detail(own) for own in splits.own],
        "splits": [_split_detail(splits, split) for split in splits.judged],
        "nearest_split": list(splits.nearest[0].sizes) if splits.nearest else None,
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


def _split_detail(splits: _Splits, split: _Judged) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "sizes": list(split.sizes),
        "printed": splits.printed == list(split.sizes),
        "excluded_by": split.excluded_by,
        "reason": split.reason,
    }
    outside = split.outside
    if outside is None:
        return detail
    detail |= {
        "months": outside.months,
        "allowed": shown_window(outside.window),
        "exact": outside.exact,
        **_values(outside.ends),
    }
    if outside.exact:
        ends = (_whole(split, end, outside.times) for end in outside.ends)
        detail["least"], detail["greatest"] = ends
    return detail


def _whole(split: _Judged, end: Arrangement, times: Sequence[float]) -> dict[str, Any]:
    """An extreme arrangement up to the last landmark: pooled, and each group's own part of it."""
    order = end.order + end.rest
    own = zip(split.sizes, own_orders(order), strict=True)
    return {
        "order": order,
        "pooled": told(sum(split.sizes), order, times),
        "groups": [told(size, exits, times) for size, exits in own],
    }


# --- the splits in one line ---------------------------------------------------------------------


def _splits_told(splits: _Splits) -> str:
    """Own rates, ranges of the pooled rate that fails, what fails together, what is left."""
    first, second = splits.pooling.groups
    printed = " + ".join("?" if size is None else str(size) for size in splits.printed)
    together = [split for split in splits.judged if split.excluded_by == "pooled rates together"]
    parts = [f"{splits.n} patients are {first} + {second}"]
    if any(splits.printed):
        parts = [f"{parts[0]}, printed {printed}"]
    parts += [*_own_told(splits), *_pooled_told(splits)]
    if together:
        parts.append(f"{_runs(together)}: {NOT_TOGETHER}")
    parts += _left_told(splits)
    if splits.left and not any(map(splits.agrees, splits.left)):
        parts.append(f"none of these is the printed {printed}")
    return "; ".join(parts)


def _own_told(splits: _Splits) -> list[str]:
    n, (first, second) = splits.n, splits.own
    if first.least is None or second.least is None:
        return [
            f"{own.group} cannot have its own rates with {n - 1} or fewer ({own.nearest})"
            for own in splits.own
            if own.least is None
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
        (split, outside), *others = of
        one_by_one = [f"{split.named}: pooled {outside.shown}"]
        one_by_one += [f"{split.named}: {outside.shown}" for split, outside in others]
        return "; ".join(one_by_one)
    least = min(outside.ends[0].value for _, outside in of)
    greatest = max(outside.ends[1].value for _, outside in of)
    nearest, at = min(of, key=lambda pair: pair[1].apart)
    return (
        f"{_runs([split for split, _ in of])}: pooled within "
        f"{shown_range(least, greatest, at.window)}, nearest {nearest.named}: {at.shown}"
    )


def _left_told(splits: _Splits) -> list[str]:
    if not splits.left:
        return [
            f"so for no split of {splits.n} patients can the subgroups' own rates and the pooled "
            "rates all hold"
        ]
    reasons = dict.fromkeys(split.reason for split in splits.left)
    return [f"{why}: {_runs([s for s in splits.left if s.reason == why])}" for why in reasons]


def _runs(splits: Sequence[_Judged]) -> str:
    """Name splits, those that follow each other by their ends: ``11 + 26 to 18 + 19``."""
    runs = groupby(enumerate(splits), key=lambda pair: pair[1].sizes[0] - pair[0])
    names = [[split.named for _, split in run] for _, run in runs]
    return ", ".join(f"{run[0]} to {run[-1]}" if len(run) > 1 else run[0] for run in names)
