"""Which pooled survival rates two subgroups can give: every interleaving of their exits.

With i of the first and k of the second subgroup at risk, a death in either multiplies the pooled
curve by (i + k - 1) / (i + k); a censoring leaves it. The subgroups' own curves depend on their own
orders alone, so an arrangement is an admissible order of each (a path in its `enumeration.Graph`)
and a way to shuffle them that passes each landmark together. The pooled curve at a landmark depends
on the path through the pairs of states only by its product, so its least and greatest value over
*all* arrangements follow by dynamic programming over the pairs, from the landmark back. With exact
graphs both ends are attained. A coarse graph has more paths than there are admissible orders; its
range can only be too wide, so what lies outside is still impossible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.evidence.consistency.enumeration import WIDENING, Graph, Window

__all__ = [
    "Arrangement",
    "arranged",
    "excludes",
    "own_orders",
    "pairs",
    "pooled_range",
    "pooled_survival",
]

Floats = NDArray[np.float64]
Place = tuple[int, int, int]
"""Interval, at risk in the first subgroup, at risk in the second."""

Pair = tuple[int, int, int, int, int]
"""A place and the index of each subgroup's state there."""

ROUNDING = Fraction(1, 10**9)
"""More than floats can hide of an end of `pooled_range`: a move that costs up to `WIDENING` counts
as no worse than the best, once for every exit and landmark."""

MOST_TRIED = 50_000
"""Partial arrangements that `arranged` looks at before it gives up."""


@dataclass(frozen=True)
class Arrangement:
    """Shuffled orders of two subgroups and the pooled S they give at the last landmark named.

    The first subgroup's exits are D and C, the second's d and c; | is a landmark.
    """

    value: Fraction
    order: str
    rest: str = ""
    """Exits up to the last landmark with which the subgroups still meet their own rates."""


def pooled_survival(n_first: int, n_second: int, order: str) -> list[Fraction]:
    """Pooled S at each landmark of an arrangement (letters as in `Arrangement`)."""
    rates, total, s = [], n_first + n_second, Fraction(1)
    for letter in order:
        if letter == "|":
            rates.append(s)
            continue
        s = s * (total - 1) / total if letter in "Dd" else s
        total -= 1
    return rates


def own_orders(order: str) -> tuple[str, str]:
    """Take an arrangement apart into the order of each subgroup, letters as in `enumeration`."""
    first = "".join(letter for letter in order if letter in "DC|")
    return first, "".join(letter for letter in order if letter in "dc|").upper()


def pairs(first: Graph, second: Graph) -> int:
    """Count the pairs of states that `pooled_range` has to look at."""
    return sum(_size(a) * _size(b) for a, b in zip(first.nodes, second.nodes, strict=True))


def _size(interval: Sequence[Sequence[object]]) -> int:
    return sum(len(here) for here in interval)


# --- least and greatest ------------------------------------------------------------------------


def pooled_range(first: Graph, second: Graph, landmark: int) -> tuple[Arrangement, Arrangement]:
    """Least and greatest pooled S at a landmark over all arrangements.

    Parameters
    ----------
    first, second : Graph
        Of subgroups that can meet their own rates, with the same landmarks.
    landmark : int
        0-based.

    Returns
    -------
    tuple of Arrangement
        The two extreme ones, their values exact; no other lies beyond them by `ROUNDING`.
    """
    return (
        _traced(first, second, _to_go(first, second, landmark, 1), 1),
        _traced(first, second, _to_go(first, second, landmark, -1), -1),
    )


def excludes(ends: tuple[Arrangement, Arrangement], window: Window) -> bool:
    """Whether a window lies outside a range, further than floats could have moved its ends."""
    low, high = ends
    return low.value - ROUNDING > window.high or high.value + ROUNDING < window.low


def _to_go(first: Graph, second: Graph, landmark: int, sign: int) -> dict[Place, Floats]:
    """Least (sign 1) product from each pair to the landmark; greatest, negated, at sign -1."""
    found: dict[Place, Floats] = {}
    for place in _places(first, second, landmark):
        j, i, k = place
        best = np.full((len(first.nodes[j][i]), len(second.nodes[j][k])), np.inf)
        if best.size:
            for _, there, factor, rows, columns in _moves(first, second, place):
                if there[0] > landmark:
                    passing = np.where((rows[:, None] >= 0) & (columns >= 0), sign, np.inf)
                    best = np.minimum(best, passing)
                else:
                    best = np.minimum(best, _taken(found[there], rows, columns, factor))
        found[place] = best
    return found


def _places(first: Graph, second: Graph, landmark: int) -> Iterator[Place]:
    for j in range(landmark, -1, -1):
        for i in range(first.n + 1):
            for k in range(second.n + 1):
                yield j, i, k


Move = tuple[str, Place, float, NDArray[np.int64], NDArray[np.int64]]
"""Letter, place after it, factor of S, and per state of each subgroup the index after it."""


def _moves(first: Graph, second: Graph, place: Place) -> Iterator[Move]:
    j, i, k = place
    total = i + k
    stay_first, stay_second = np.arange(len(first.nodes[j][i])), np.arange(len(second.nodes[j][k]))
    for letter in "DC" if total else "":
        factor = (total - 1) / total if letter == "D" else 1.0
        if i:
            yield letter, (j, i - 1, k), factor, first.links[letter][j][i], stay_second
        if k:
            after = second.links[letter][j][k]
            yield letter.lower(), (j, i, k - 1), factor, stay_first, after
    yield "|", (j + 1, i, k), 1.0, first.links["|"][j][i], second.links["|"][j][k]


def _taken(
    after: Floats,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    factor: float,
    none: float = np.inf,
) -> Floats:
    """Values after a move, for each pair before it; `none` where the move is not open."""
    # An index of -1 takes from the border.
    bordered = np.full((after.shape[0] + 1, after.shape[1] + 1), none)
    bordered[:-1, :-1] = after
    taken = bordered[rows[:, None], columns]
    return np.where(np.isinf(taken), none, np.where(np.isinf(taken), 0.0, taken) * factor)


def _traced(first: Graph, second: Graph, to_go: Mapping[Place, Floats], sign: int) -> Arrangement:
    """Follow at each pair a move that keeps the value it was given."""
    letters = []
    pair: Pair = (0, first.n, second.n, 0, 0)
    while pair[:3] in to_go:
        letter, pair = _best_move(first, second, to_go, pair, sign)
        letters.append(letter)
    order = "".join(letters)
    value = pooled_survival(first.n, second.n, order)[-1]
    return Arrangement(value, order, _rest(first, second, pair))


def _best_move(
    first: Graph, second: Graph, to_go: Mapping[Place, Floats], pair: Pair, sign: int
) -> tuple[str, Pair]:
    wanted = to_go[pair[:3]][pair[3:]]
    options: list[tuple[bool, bool, str, Pair]] = []
    for letter, after, factor in _single_moves(first, second, pair):
        value = to_go[after[:3]][after[3:]] * factor if after[:3] in to_go else sign
        worse = abs(value - wanted) > WIDENING
        options.append((worse, letter != "|", letter, after))
    _, _, letter, following = min(options, key=lambda option: option[:2])
    return letter, following


def _rest(first: Graph, second: Graph, pair: Pair) -> str:
    """Complete an arrangement: in each interval the first subgroup's exits, then the second's."""
    j, i, k, x, y = pair
    one, two = _path(first, j, i, x), _path(second, j, k, y).lower()
    pieces = zip(one.split("|")[:-1], two.split("|")[:-1], strict=True)
    return "".join(f"{a}{b}|" for a, b in pieces)


def _path(graph: Graph, j: int, r: int, index: int) -> str:
    """One way from a state to the last landmark; a graph has none that leads nowhere."""
    letters = []
    while j < len(graph.nodes):
        letter = next(way for way in "|DC" if graph.links[way][j][r][index] >= 0)
        index = int(graph.links[letter][j][r][index])
        j, r = (j + 1, r) if letter == "|" else (j, r - 1)
        letters.append(letter)
    return "".join(letters)


def _single_moves(first: Graph, second: Graph, pair: Pair) -> Iterator[tuple[str, Pair, float]]:
    for letter, there, factor, rows, columns in _moves(first, second, pair[:3]):
        x, y = int(rows[pair[3]]), int(columns[pair[4]])
        if x >= 0 and y >= 0:
            yield letter, (*there, x, y), factor


# --- all landmarks together --------------------------------------------------------------------


def arranged(
    first: Graph, second: Graph, windows: Sequence[Window | None], *, most: int = MOST_TRIED
) -> tuple[bool, str | None]:
    """Look for one arrangement that meets the pooled rates of all landmarks.

    Parameters
    ----------
    first, second : Graph
        Of subgroups that can meet their own rates, with the same landmarks.
    windows : sequence of Window or None
        Pooled rate at each landmark; None where none is printed.
    most : int
        Partial arrangements to try; at 0 only the proof is attempted.

    Returns
    -------
    bool
        False is a proof that no arrangement does: from back to front, between the least and the
        greatest pooled S from which the rates ahead might be met, 1 is not there at the start.
    str or None
        An arrangement, checked exactly; None where none exists, none was found, or a graph is
        coarse.
    """
    lows, highs = _hulls(first, second, windows)
    start = (0, first.n, second.n, 0, 0)
    if not _inside(lows, highs, start, Fraction(1)):
        return False, None
    if not (first.exact and second.exact and most):
        return True, None
    return True, _searched(first, second, windows, (lows, highs), most)


Hulls = tuple[dict[Place, Floats], dict[Place, Floats]]


def _hulls(first: Graph, second: Graph, windows: Sequence[Window | None]) -> Hulls:
    lows: dict[Place, Floats] = {}
    highs: dict[Place, Floats] = {}
    last = len(windows) - 1
    for place in _places(first, second, last):
        j, i, k = place
        shape = len(first.nodes[j][i]), len(second.nodes[j][k])
        low, high = np.full(shape, np.inf), np.full(shape, -np.inf)
        for letter, there, factor, rows, columns in _moves(first, second, place):
            if not low.size:
                break
            if there[0] > last:
                passing = (rows[:, None] >= 0) & (columns >= 0)
                a, b = np.where(passing, 0.0, np.inf), np.where(passing, 1.0, -np.inf)
            elif factor == 0.0:
                a, b = _before_last_death(lows[there], rows, columns)
            else:
                a = _taken(lows[there], rows, columns, 1 / factor)
                b = _taken(highs[there], rows, columns, 1 / factor, -np.inf)
            if letter == "|":
                a, b = _narrowed(a, b, windows[j])
            low, high = np.minimum(low, a), np.maximum(high, b)
        lows[place], highs[place] = low, high
    return lows, highs


def _before_last_death(
    lows: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Any S falls to zero, where zero still meets what is ahead."""
    zero = _taken(lows, rows, columns, 1.0) <= 0
    return np.where(zero, 0.0, np.inf), np.where(zero, 1.0, -np.inf)


def _narrowed(low: Floats, high: Floats, window: Window | None) -> tuple[Floats, Floats]:
    if window is None:
        return low, high
    low = np.maximum(low, float(window.low) * (1 - WIDENING))
    high = np.minimum(high, float(window.high) * (1 + WIDENING))
    return np.where(low <= high, low, np.inf), np.where(low <= high, high, -np.inf)


def _inside(
    lows: Mapping[Place, Floats], highs: Mapping[Place, Floats], pair: Pair, s: Fraction
) -> bool:
    place, at = pair[:3], pair[3:]
    low, high = float(lows[place][at]), float(highs[place][at])
    return low * (1 - WIDENING) <= float(s) <= high * (1 + WIDENING)


def _searched(
    first: Graph, second: Graph, windows: Sequence[Window | None], hulls: Hulls, most: int
) -> str | None:
    failed: set[tuple[Pair, Fraction]] = set()

    def following(pair: Pair, s: Fraction) -> list[tuple[float, str, Pair, Fraction]]:
        options = []
        for letter, after, _ in _single_moves(first, second, pair):
            total = pair[1] + pair[2]
            value = s * (total - 1) / total if letter in "Dd" else s
            window = windows[pair[0]] if letter == "|" else None
            if window is not None and not window.holds(value):
                continue
            if after[0] == len(windows):
                return [(0.0, letter, after, value)]
            if _inside(*hulls, after, value):
                middle = hulls[0][after[:3]][after[3:]] + hulls[1][after[:3]][after[3:]]
                options.append((abs(float(value) - middle / 2), letter, after, value))
        return sorted(options, key=lambda option: option[0])

    def complete(pair: Pair, s: Fraction) -> str | None:
        if pair[0] == len(windows):
            return ""
        if (pair, s) in failed or len(failed) > most:
            return None
        for _, letter, after, value in following(pair, s):
            rest = complete(after, value)
            if rest is not None:
                return letter + rest
        failed.add((pair, s))
        return None

    return complete((0, first.n, second.n, 0, 0), Fraction(1))
