"""Printed pooled rates a second time: whether two groups' exits can be shuffled to give them.

From the first exit on, every pair of states that the groups can be in carries the least and the
greatest pooled S with which it can be reached, and each printed pooled rate cuts both. Where no
pair is left, the rates exclude each other. The first engine goes the other way, from the last rate
back. An arrangement that is found is checked in fractions.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.crosscheck.published_curves import (
    ANY,
    MOST_COUNTED,
    Curve,
    Window,
    ahead_of,
    contradicted,
    curves_of,
    feasible,
    unreadable,
)
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged, unjudged
from sarcoma_sbrt.provenance.crosscheck.published_words import subject

__all__ = ["pooled_landmarks", "rates_together"]

_CHECK = "pooled_landmark"
# Cells of -log S by which a group's states are looked ahead of.
_STEP = 1e-4
_MOST_STATES = 50_000
_MOST_TRIED = 50_000
# More than products of floats can be off.
_SLACK = 1e-9

_TOO_MANY = "there are too many pairs of states to look at"
_NO_SIZES = "the numbers of patients of the subgroups are not printed"
_NOT_FOUND = "the ranges do not exclude the pooled rates, and no arrangement was found"
_NO_MONTH = "no pooled rate is printed for the months of the subgroups' rates"

_Floats = NDArray[np.float64]
_Indices = NDArray[np.int64]
# Landmarks passed and number at risk; in a pair, of both groups.
_Place = tuple[int, int]
_PairPlace = tuple[int, int, int]


# --- states of one group ------------------------------------------------------------------


class _Group(NamedTuple):
    """Values of S that a group can have on its way through its own rates, by place.

    `next` has the index of the state after a death (D), a censoring (C) or a landmark (|), or -1.
    """

    n: int
    states: Mapping[_Place, list[Fraction]]
    next: Mapping[tuple[str, _Place], _Indices]


def _group(n: int, windows: Sequence[Window]) -> _Group | None:
    """Every state between the start and the last landmark; None where they are too many."""
    ahead = ahead_of(n, windows, _STEP)
    reached: dict[_Place, set[Fraction]] = {(0, n): {Fraction(1)}}
    for place in _places(n, len(windows)):
        for s in reached.get(place, ()):
            for _, there, after in _exits(place, s, windows):
                if ahead.holds(*there, after, _STEP):
                    reached.setdefault(there, set()).add(after)
        if sum(map(len, reached.values())) > _MOST_STATES:
            return None
    return _linked(n, windows, reached)


def _places(n: int, landmarks: int) -> Iterator[_Place]:
    """In an order in which every move leads on."""
    return product(range(landmarks), range(n, -1, -1))


def _exits(
    place: _Place, s: Fraction, windows: Sequence[Window]
) -> Iterator[tuple[str, _Place, Fraction]]:
    j, r = place
    if r:
        yield "C", (j, r - 1), s
        yield "D", (j, r - 1), s * (r - 1) / r
    low, high = windows[j]
    if low <= s <= high:
        yield "|", (j + 1, r), s


def _linked(n: int, windows: Sequence[Window], reached: Mapping[_Place, set[Fraction]]) -> _Group:
    """The states from which the last landmark is passed, with their links, from the last back."""
    last = len(windows)
    states = {(last, r): sorted(reached.get((last, r), ())) for r in range(n + 1)}
    index = {place: {s: at for at, s in enumerate(of)} for place, of in states.items()}
    links: dict[tuple[str, _Place], _Indices] = {}
    for place in reversed([*_places(n, last)]):
        rows = []
        for s in sorted(reached.get(place, ())):
            row = {
                letter: index[there][after]
                for letter, there, after in _exits(place, s, windows)
                if after in index[there]
            }
            rows += [(s, row)] if row else []
        states[place] = [s for s, _ in rows]
        index[place] = {s: at for at, (s, _) in enumerate(rows)}
        for letter in "CD|":
            found = [row.get(letter, -1) for _, row in rows]
            links[letter, place] = np.array(found, dtype=np.int64)
    return _Group(n, states, links)


# --- two groups together ------------------------------------------------------------------


class _Span(NamedTuple):
    """Least and greatest pooled S of each pair of states; least above greatest: not reached."""

    least: _Floats
    greatest: _Floats


def rates_together(
    sizes: tuple[int, int], own: Sequence[Sequence[Window]], pooled: Sequence[Window]
) -> bool | None:
    """Whether two groups of these sizes can have their own rates and the pooled ones.

    Parameters
    ----------
    sizes : tuple of int
    own : sequence of windows
        Of each group, one for each landmark.
    pooled : sequence of windows
        At the same landmarks; from 0 to 1 where none is printed.

    Returns
    -------
    bool or None
        False is a proof, True an arrangement that holds in fractions; None is neither.

    Raises
    ------
    _TooManyError
        Of a group with too many states.
    """
    first, second = _groups(sizes, own)
    if not _is_left(first, second, pooled):
        return False
    return True if _is_arranged(first, second, pooled) else None


class _TooManyError(Exception):
    """More states than are looked at."""


def _groups(sizes: tuple[int, int], own: Sequence[Sequence[Window]]) -> tuple[_Group, _Group]:
    first, second = (_group(n, windows) for n, windows in zip(sizes, own, strict=True))
    if first is None or second is None:
        raise _TooManyError
    return first, second


def _is_left(first: _Group, second: _Group, pooled: Sequence[Window]) -> bool:
    """Whether any pair of states passes all landmarks with a pooled S that may be the printed."""
    spans = _none(first, second, 0)
    if (first.n, second.n) not in spans:
        return False
    spans[first.n, second.n].least[:], spans[first.n, second.n].greatest[:] = 1.0, 1.0
    for j, (low, high) in enumerate(pooled):
        beyond = _none(first, second, j + 1)
        for (i, k), span in spans.items():
            _handed_on(first, second, (j, i, k), spans)
            cut = _Span(
                np.maximum(span.least, float(low) - _SLACK),
                np.minimum(span.greatest, float(high) + _SLACK),
            )
            rows, columns = first.next["|", (j, i)], second.next["|", (j, k)]
            if (i, k) in beyond:
                _widened(beyond[i, k], cut, rows, columns, 1.0)
        spans = beyond
    return any(bool((span.least <= span.greatest).any()) for span in spans.values())


def _none(first: _Group, second: _Group, j: int) -> dict[tuple[int, int], _Span]:
    """Spans of the pairs of states after j landmarks, none reached; from most at risk down."""
    spans = {}
    for i, k in product(range(first.n, -1, -1), range(second.n, -1, -1)):
        shape = len(first.states[j, i]), len(second.states[j, k])
        if all(shape):
            spans[i, k] = _Span(np.full(shape, np.inf), np.full(shape, -np.inf))
    return spans


def _handed_on(
    first: _Group, second: _Group, place: _PairPlace, spans: Mapping[tuple[int, int], _Span]
) -> None:
    """Widen the spans one exit on by those of a place, which is complete."""
    j, i, k = place
    for letter in "CD" if i + k else "":
        factor = (i + k - 1) / (i + k) if letter == "D" else 1.0
        if (i - 1, k) in spans:
            rows, columns = first.next[letter, (j, i)], np.arange(len(second.states[j, k]))
            _widened(spans[i - 1, k], spans[i, k], rows, columns, factor)
        if (i, k - 1) in spans:
            rows, columns = np.arange(len(first.states[j, i])), second.next[letter, (j, k)]
            _widened(spans[i, k - 1], spans[i, k], rows, columns, factor)


def _widened(there: _Span, here: _Span, rows: _Indices, columns: _Indices, factor: float) -> None:
    """Take the spans of one place into those of the next, where its states lead."""
    going = (rows[:, None] >= 0) & (columns >= 0) & (here.least <= here.greatest)
    at = np.nonzero(going)
    to = rows[at[0]], columns[at[1]]
    np.minimum.at(there.least, to, here.least[at] * factor)
    np.maximum.at(there.greatest, to, here.greatest[at] * factor)


_Pair = tuple[int, int, int, int, int, Fraction]


def _is_arranged(first: _Group, second: _Group, pooled: Sequence[Window]) -> bool:
    """Whether an arrangement was found that meets all rates, each step taken in fractions."""
    ahead, last = ahead_of(first.n + second.n, pooled, _STEP), len(pooled)
    stack: list[_Pair] = [(0, first.n, second.n, 0, 0, Fraction(1))]
    seen: set[_Pair] = set()
    while stack and len(seen) < _MOST_TRIED:
        pair = stack.pop()
        if pair[0] == last:
            return True
        if pair not in seen:
            seen.add(pair)
            stack += [
                after
                for after in _following(first, second, pair, pooled[pair[0]])
                if ahead.holds(after[0], after[1] + after[2], after[5], _STEP)
            ]
    return False


def _following(first: _Group, second: _Group, pair: _Pair, window: Window) -> Iterator[_Pair]:
    j, i, k, x, y, s = pair
    for letter in "CD" if i + k else "":
        after = s * (i + k - 1) / (i + k) if letter == "D" else s
        if i and (to := int(first.next[letter, (j, i)][x])) >= 0:
            yield j, i - 1, k, to, y, after
        if k and (to := int(second.next[letter, (j, k)][y])) >= 0:
            yield j, i, k - 1, x, to, after
    passed = int(first.next["|", (j, i)][x]), int(second.next["|", (j, k)][y])
    if min(passed) >= 0 and window[0] <= s <= window[1]:
        yield j + 1, i, k, *passed, s


# --- verdicts -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pooling:
    """A pooled curve and the two that split it, at some months."""

    pooled: Curve
    parts: tuple[Curve, Curve]
    months: tuple[Fraction, ...]

    @property
    def windows(self) -> list[Window]:
        """What the pooled rates allow."""
        return self._at_months(self.pooled)

    @property
    def own(self) -> list[list[Window]]:
        """What each group's own rates allow."""
        return [self._at_months(part) for part in self.parts]

    def _at_months(self, curve: Curve) -> list[Window]:
        known = dict(zip(curve.times, curve.windows, strict=True))
        return [known.get(month, ANY) for month in self.months]

    def met(self, sizes: Sequence[int]) -> int:
        """Leading landmarks at which both groups can have their own rates."""
        counts = range(len(self.months), 0, -1)
        groups = [*zip(sizes, self.own, strict=True)]
        return next(
            (c for c in counts if all(feasible(n, own[:c]) is not False for n, own in groups)), 0
        )

    def prints_before(self, count: int) -> bool:
        """Whether a pooled rate is printed for one of the leading months."""
        return bool({*self.pooled.times} & {*self.months[:count]})

    def at_all_months(self) -> _Pooling:
        """The same at every month for which the pooled curve or a group has a rate."""
        months = {month for curve in (self.pooled, *self.parts) for month in curve.times}
        return _Pooling(self.pooled, self.parts, tuple(sorted(months)))


def pooled_landmarks(
    figures: Sequence[Figure], studies: Mapping[str, Mapping[str, str]]
) -> Iterator[Judged]:
    """Whether pooled rates lie in what the rates of two groups can give together.

    Parameters
    ----------
    figures : sequence of Figure
        A group's rate names the pooled one in ``part_of``, and the split in ``partition``.
    studies : mapping of str to cells
    """
    of_rate = {key: curve for curve in curves_of(figures, studies) for key in curve.keys}
    splits: dict[tuple[str, str], list[Curve]] = {}
    for part in {curve.keys: curve for curve in of_rate.values()}.values():
        linked = [rate for rate in part.rates if rate["part_of"] in of_rate]
        if linked:
            whole = of_rate[linked[0]["part_of"]].keys[0]
            splits.setdefault((whole, linked[0]["partition"]), []).append(part)
    for (whole, _), parts in splits.items():
        yield _judged(of_rate[whole], parts)


def _judged(pooled: Curve, parts: Sequence[Curve]) -> Judged:
    keys = tuple(key for curve in (pooled, *parts) for key in curve.keys)
    reasons = [reason for curve in (pooled, *parts) if (reason := unreadable(curve))]
    if reasons:
        return unjudged(_CHECK, keys, reasons[0])
    for curve in (pooled, *parts):
        against, by_median = contradicted(curve)
        if against:
            median = curve.median if by_median else None
            own = () if median is None else (median.key,)
            printed = _printed(pooled, parts)
            if median is not None:
                printed += f"; median {median.number('estimate'):g} months ({_name(curve)})"
            return Judged(_CHECK, (*keys, *own), "impossible", "", printed=printed)
    sizes = pooled.sizes
    n = sizes[0][0] if len(sizes) == 1 and not pooled.lesions_unknown else 0
    reason = _not_poolable(n, parts)
    if reason:
        return unjudged(_CHECK, keys, reason)
    return replace(_of_two(pooled, parts, n, keys), printed=_printed(pooled, parts))


def _printed(pooled: Curve, parts: Sequence[Curve]) -> str:
    """What is judged: the pooled rates, and each group's with its number of patients."""
    sizes = [part.rates[0].whole("n") for part in parts]
    said = [
        f"{part.printed} ({_name(part)}, {'n not printed' if n is None else f'n = {n}'})"
        for part, n in zip(parts, sizes, strict=True)
    ]
    return f"{pooled.printed} pooled; {'; '.join(said)}"


def _name(curve: Curve) -> str:
    """Endpoint and group: ``overall survival, grade G1``."""
    first = curve.rates[0]
    text = subject(first).replace(f" at {first.number('time_months'):g} months", "")
    return text[:1].lower() + text[1:]


def _not_poolable(n: int, parts: Sequence[Curve]) -> str:
    """Why nothing can be said of the pooled curve of `n` and its parts; empty where it can."""
    months = {month for part in parts for month in part.times}
    known = [part.rates[0].whole("n") for part in parts]
    if len(parts) != 2:
        return f"rates of {len(parts)} subgroups are printed, not of two"
    if not n:
        return "the number of patients of the pooled curve is not printed"
    if n == 1:
        return "one patient does not make two subgroups"
    if n**2 * len(months) ** 2 > MOST_COUNTED:
        return _TOO_MANY
    if None not in known and sum(filter(None, known)) != n:
        return f"the subgroups have {known[0]} + {known[1]} patients, not {n}"
    return ""


def _of_two(pooled: Curve, parts: Sequence[Curve], n: int, keys: tuple[str, ...]) -> Judged:
    months = tuple(sorted({month for part in parts for month in part.times}))
    pooling = _Pooling(pooled, (parts[0], parts[1]), months)
    first, second = (part.rates[0].whole("n") for part in parts)
    splits = [(a, n - a) for a in range(1, n)]
    if first is None or second is None:
        # The printed sizes may be wrong; where one is not printed, that of the other holds.
        splits = [(a, b) for a, b in splits if first in (None, a) and second in (None, b)]
    if not _is_any_left(pooling, n, splits):
        return Judged(_CHECK, keys, "impossible", "")
    if first is None or second is None:
        return Judged(_CHECK, keys, "unverifiable", "", _NO_SIZES)
    verdict, reason = _of_sizes(pooling, (first, second))
    return Judged(_CHECK, keys, verdict, "", reason)


def _is_any_left(pooling: _Pooling, n: int, splits: Sequence[tuple[int, int]]) -> bool:
    """Whether nothing excludes one of these splits of n."""
    least, wide = [_least(part, n) for part in pooling.parts], pooling.at_all_months()
    large = [split for split in splits if split[0] >= least[0] and split[1] >= least[1]]
    return any(not _excluded(wide, split) for split in large)


def _least(part: Curve, n: int) -> int:
    """Least size that can have a group's own rates; n where one fewer is too few."""
    sizes = range(1, n)
    return 1 + bisect_left(sizes, True, key=lambda m: feasible(m, part.windows) is not False)


def _excluded(pooling: _Pooling, sizes: tuple[int, int]) -> bool:
    first, second = pooling.own
    return _never_together(sizes, (tuple(first), tuple(second)), tuple(pooling.windows))


# The report, the marginals and the reproduction ask of the same curves.
@lru_cache(maxsize=256)
def _never_together(
    sizes: tuple[int, int], own: tuple[tuple[Window, ...], ...], pooled: tuple[Window, ...]
) -> bool:
    try:
        return not _is_left(*_groups(sizes, own), pooled)
    except _TooManyError:
        return False


# --- the printed sizes --------------------------------------------------------------------


def _of_sizes(pooling: _Pooling, sizes: tuple[int, int]) -> tuple[str, str]:
    """Verdict on the printed sizes; of what is open, the reason.

    It is asked at the groups' months, then, unless they exclude it, at the pooled ones too.
    """
    verdict, reason = _at(pooling, sizes)
    wide = pooling.at_all_months()
    if verdict == "impossible" or wide.months == pooling.months:
        return verdict, reason
    wider, wider_reason = _at(wide, sizes)
    if wider != "unverifiable" or not pooling.prints_before(len(pooling.months)):
        return wider, wider_reason
    if verdict == "possible":
        months = " and ".join(f"{float(m):g}" for m in wide.months if m not in pooling.months)
        reason = f"with the pooled rates at {months} months, too: {wider_reason}"
    return "unverifiable", reason


def _at(pooling: _Pooling, sizes: tuple[int, int]) -> tuple[str, str]:
    count = pooling.met(sizes)
    if not pooling.prints_before(count):
        return "unverifiable", _nothing_printed(pooling, count)
    windows = pooling.windows[:count]
    try:
        found = rates_together(sizes, [own[:count] for own in pooling.own], windows)
    except _TooManyError:
        return "unverifiable", _TOO_MANY
    if found is False:
        return "impossible", ""
    if count < len(pooling.months):
        return "unverifiable", _not_met(pooling, count)
    return ("possible", "") if found else ("unverifiable", _NOT_FOUND)


def _nothing_printed(pooling: _Pooling, count: int) -> str:
    if not count:
        return "no order of exits gives the subgroups' own rates with these numbers of patients"
    return _not_met(pooling, count) if count < len(pooling.months) else _NO_MONTH


def _not_met(pooling: _Pooling, count: int) -> str:
    return (
        f"up to {float(pooling.months[count]):g} months no order of exits gives a subgroup's own "
        "rates with these numbers of patients"
    )
