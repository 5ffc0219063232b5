"""Which printed Kaplan-Meier rates n patients can give: an exhaustive enumeration, as a proof.

What is enumerated. Patients leave observation one at a time. With r at risk, a death ("D")
multiplies the curve S by (r - 1) / r, a censoring ("C") leaves it, and either leaves r - 1 at risk.
Landmarks ("|") cut the order of exits: what stands before the bar happened at or before that time.
The enumeration covers every word of at most n letters D and C with one bar per landmark.

Why it is complete. The curve depends on the order of exits alone, never on their times. Tied deaths
telescope to the same product, (r - 1)/r × (r - 2)/(r - 1) = (r - 2)/r, and a censoring tied with a
death counts as censored after it, so each data set is one of these words, and each word is a data
set. Nothing is assumed about intervals between visits, and a curve whose last patient was censored
is carried on as it stands (printed rates beyond the last follow-up are thus given the benefit of
the doubt, and show as 0 at risk).

How. For every landmark interval and every number at risk, the set of *all* values of S from which
the printed rates ahead can still be met is computed backwards, as a union of closed intervals: with
no one left to leave, the printed window; before a censoring, the set after it; before a death, the
set after it times r / (r - 1). The rates are possible for n patients exactly when 1 lies in the set
of n at risk. No order is skipped: orders are merged only where their futures are the same. Bounds
are floats widened by 1e-12 (each has at most n + 3 roundings of 1e-16), so an "impossible" is a
proof; a "possible" is proved by an order whose rates are recomputed as fractions, and a value that
lies within the widening but outside the window is refused there, exactly.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import perm, prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Admissible",
    "Counted",
    "Failure",
    "Graph",
    "Range",
    "Window",
    "admissible",
    "coarse_graph",
    "exact_graph",
    "find_order",
    "merged_states",
    "survival",
    "too_many_states",
    "values_with_censored",
    "values_with_deaths",
]

Floats = NDArray[np.float64]
Union = tuple[Floats, Floats]
"""Disjoint closed intervals in ascending order: their lower and their upper ends."""

WIDENING = 1e-12
RESOLUTION = Fraction(1, 100_000)
"""How closely the nearest attainable S is searched for; a tenth of the last digit shown."""
MOST_STATES = 20_000
"""Distinct states that `exact_graph` keeps before it gives up."""
MOST_COUNTED = 130_000
"""Patients² × landmarks² up to which `admissible` is asked; some five seconds at the most."""

NOTHING: Union = (np.empty(0), np.empty(0))


@dataclass(frozen=True)
class Window:
    """Values of S that a printed rate allows: from `low` to `high`, both ends included."""

    low: Fraction
    high: Fraction

    def holds(self, value: Fraction) -> bool:
        """Whether the window allows a value; exact."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Counted:
    """Exits to count: of a kind, from the interval `first` to the interval `last` (0-based)."""

    kind: Literal["deaths", "censored", "exits"]
    first: int
    last: int

    def of(self, interval: int, exit_: str) -> int:
        """One where an exit ("D" or "C") of an interval counts, else zero."""
        kinds = {"deaths": "D", "censored": "C", "exits": "DC"}
        return int(self.first <= interval <= self.last and exit_ in kinds[self.kind])


@dataclass(frozen=True)
class Range:
    """Least and greatest count over all admissible orders, each reached by an order."""

    low: int
    high: int

    def __str__(self) -> str:
        """Return "3" or "3–7"."""
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


@dataclass(frozen=True)
class Failure:
    """The first landmark at which no order is left, and the nearest rates that can be reached."""

    landmark: int
    """0-based; the landmarks before it can be met together."""

    below: tuple[Fraction, str] | None
    """Greatest S under the window that the landmarks before it allow, with an order: no other is
    nearer by more than `RESOLUTION`."""

    above: tuple[Fraction, str] | None
    """Least S over the window, likewise."""


@dataclass(frozen=True)
class Admissible:
    """What the orders of n exits that meet all windows have in common.

    Ranges have one entry per landmark; those of deaths and censored count from the landmark before.
    """

    n: int
    windows: tuple[Window, ...]
    order: str | None
    """An order with the fewest censored, such as ``"DDCD|D|"``; None where none exists."""

    at_risk: tuple[Range, ...] = ()
    deaths: tuple[Range, ...] = ()
    censored: tuple[Range, ...] = ()
    states: tuple[int, ...] | None = None
    """Distinct (at risk, deaths so far, S) at each landmark; None where there are too many."""

    failure: Failure | None = None

    @property
    def possible(self) -> bool:
        """Whether any order of exits gives the printed rates."""
        return self.order is not None

    @property
    def total_deaths(self) -> Range | None:
        """Deaths up to the last landmark; enumerated anew when asked for."""
        return self._total("deaths")

    @property
    def total_censored(self) -> Range | None:
        """Censored up to the last landmark; enumerated anew when asked for."""
        return self._total("censored")

    def _total(self, what: Literal["deaths", "censored"]) -> Range | None:
        if not self.possible:
            return None
        return _range(self.n, self.windows, Counted(what, 0, len(self.windows) - 1))


def survival(n: int, order: str) -> list[tuple[int, Fraction]]:
    """Number at risk and S at each landmark of an order of exits.

    Parameters
    ----------
    n : int
        Patients at the start.
    order : str
        D for a death, C for a censoring, | for a landmark.
    """
    states, r, s = [], n, Fraction(1)
    for letter in order:
        if letter == "|":
            states.append((r, s))
            continue
        s = s * (r - 1) / r if letter == "D" else s
        r -= 1
    return states


def admissible(n: int, windows: Sequence[Window]) -> Admissible:
    """Decide whether n patients can give the rates, and what the rates force.

    Parameters
    ----------
    n : int
        Patients at the start of the curve, at least one.
    windows : sequence of Window
        One per landmark, in the order of time.

    Returns
    -------
    Admissible
        Every end of every range is reached by an order; nothing lies outside (module docstring).
    """
    windows = tuple(windows)
    last = len(windows) - 1
    if find_order(n, windows) is None:
        return Admissible(n, windows, None, failure=_failure(n, windows))
    exits = [_range(n, windows, Counted("exits", 0, j)) for j in range(last + 1)]
    return Admissible(
        n,
        windows,
        order=_ends(n, windows, Counted("censored", 0, last))[0][1],
        at_risk=tuple(Range(n - left.high, n - left.low) for left in exits),
        deaths=tuple(_range(n, windows, Counted("deaths", j, j)) for j in range(last + 1)),
        censored=tuple(_range(n, windows, Counted("censored", j, j)) for j in range(last + 1)),
        states=_state_counts(n, windows),
    )


def too_many_states(n: int, landmarks: int) -> bool:
    """Whether the enumeration for n patients would take too long."""
    return n**2 * landmarks**2 > MOST_COUNTED


def find_order(n: int, windows: Sequence[Window]) -> str | None:
    """Return an order of n exits that meets all windows, None where there is none."""
    found = _end(_Futures(n, tuple(windows), None), least=True)
    return found[1] if found else None


def merged_states(n: int, windows: Sequence[Window]) -> int:
    """Count the intervals of S that the enumeration keeps over all numbers at risk and landmarks.

    Each stands for all orders that pass through it, told apart only where their futures differ.
    """
    futures = _Futures(n, tuple(windows), None)
    kept = (part for level in futures.sets[:-1] for here in level for part in here.values())
    return sum(len(part[0]) for part in kept)


# --- what can still be met: unions of intervals, backwards -----------------------------------


class _Futures:
    """Per interval, number at risk and count to come: the values of S that can meet the rest."""

    def __init__(self, n: int, windows: tuple[Window, ...], counted: Counted | None) -> None:
        self.n, self.windows, self.counted = n, windows, counted
        anything: Union = (np.zeros(1), np.ones(1))
        self.sets: list[list[dict[int, Union]]] = [[{0: anything} for _ in range(n + 1)]]
        for j in reversed(range(len(windows))):
            self.sets.insert(0, self._interval(j, self.sets[0]))

    def _interval(self, j: int, beyond: list[dict[int, Union]]) -> list[dict[int, Union]]:
        window = self.windows[j]
        top = float(min((w.high for w in self.windows[:j]), default=Fraction(1))) * (1 + WIDENING)
        low, high = float(window.low) * (1 - WIDENING), float(window.high) * (1 + WIDENING)
        here: list[dict[int, Union]] = []
        for r in range(self.n + 1):
            options = {x: [_clip(part, low, high)] for x, part in beyond[r].items()}
            if r:
                for exit_ in "CD":
                    step = self.counted.of(j, exit_) if self.counted else 0
                    for x, part in here[r - 1].items():
                        before = part if exit_ == "C" else _before_death(part, r)
                        options.setdefault(x + step, []).append(before)
            merged = {x: _clip(_merge(parts), 0.0, top) for x, parts in options.items()}
            here.append({x: part for x, part in merged.items() if len(part[0])})
        return here

    def hold(self, j: int, r: int, x: int, s: Fraction) -> bool:
        """Whether S with r at risk in interval j is in the set of the count x to come."""
        part = self.sets[j][r].get(x)
        return part is not None and _contains(part, float(s))

    def counts(self) -> list[int]:
        """Counts that n patients can still have at the start, in ascending order."""
        return sorted(x for x in self.sets[0][self.n] if self.hold(0, self.n, x, Fraction(1)))

    def order(self, x: int) -> str | None:
        """An order with the count x, its windows checked exactly; None where there is none."""
        failed: set[tuple[int, int, int, Fraction]] = set()

        def complete(j: int, r: int, x: int, s: Fraction) -> str | None:
            if j == len(self.windows):
                return ""
            if (j, r, x, s) in failed:
                return None
            for letter, state in self.following(j, r, x, s):
                rest = complete(*state)
                if rest is not None:
                    return letter + rest
            failed.add((j, r, x, s))
            return None

        return complete(0, self.n, x, Fraction(1))

    def following(
        self, j: int, r: int, x: int, s: Fraction
    ) -> Iterator[tuple[str, tuple[int, int, int, Fraction]]]:
        """Letters that may come next, each with the state after it."""
        if self.windows[j].holds(s) and self.hold(j + 1, r, x, s):
            yield "|", (j + 1, r, x, s)
        for letter in "DC" if r else "":
            after = s * (r - 1) / r if letter == "D" else s
            left = x - (self.counted.of(j, letter) if self.counted else 0)
            if self.hold(j, r - 1, left, after):
                yield letter, (j, r - 1, left, after)


def _clip(part: Union, low: float, high: float) -> Union:
    if len(part[0]) and part[0][0] >= low and part[1][-1] <= high:
        return part
    lows, highs = np.maximum(part[0], low), np.minimum(part[1], high)
    keep = lows <= highs
    return lows[keep], highs[keep]


def _before_death(part: Union, r: int) -> Union:
    if r > 1:
        return part[0] * (r / (r - 1)), part[1] * (r / (r - 1))
    # The last death takes S to 0, from wherever it stood.
    return (np.zeros(1), np.ones(1)) if _contains(part, 0.0) else NOTHING


def _merge(parts: Sequence[Union]) -> Union:
    if len(parts) == 1:
        return parts[0]
    lows = np.concatenate([part[0] for part in parts])
    if len(lows) < 2:
        return lows, np.concatenate([part[1] for part in parts])
    by_low = np.argsort(lows)
    lows = lows[by_low]
    highs = np.maximum.accumulate(np.concatenate([part[1] for part in parts])[by_low])
    apart = np.ones(len(lows) + 1, dtype=bool)
    np.greater(lows[1:], highs[:-1], out=apart[1:-1])
    return lows[apart[:-1]], highs[apart[1:]]


def _contains(part: Union, value: float) -> bool:
    index = int(np.searchsorted(part[0], value, side="right")) - 1
    return index >= 0 and value <= part[1][index]


def _end(futures: _Futures, *, least: bool) -> End | None:
    counts = futures.counts()
    for x in counts if least else reversed(counts):
        order = futures.order(x)
        if order is not None:
            return x, order
    return None


End = tuple[int, str]
"""A count and an order that has it."""


@lru_cache(maxsize=64)
def _ends(n: int, windows: tuple[Window, ...], counted: Counted) -> tuple[End, End]:
    """Least and greatest count; kept, as of one landmark the same is counted twice."""
    futures = _Futures(n, windows, counted)
    low, high = _end(futures, least=True), _end(futures, least=False)
    if low is None or high is None:
        raise ValueError("no order of exits meets the windows")
    return low, high


def _range(n: int, windows: tuple[Window, ...], counted: Counted) -> Range:
    (low, _), (high, _) = _ends(n, windows, counted)
    return Range(low, high)


# --- where it fails, and what is nearest ------------------------------------------------------


def _failure(n: int, windows: tuple[Window, ...]) -> Failure:
    k = next(k for k in range(len(windows)) if find_order(n, windows[: k + 1]) is None)
    before, window = windows[:k], windows[k]
    return Failure(k, _nearest(n, before, window, -1), _nearest(n, before, window, 1))


def _nearest(
    n: int, before: tuple[Window, ...], window: Window, side: Literal[-1, 1]
) -> tuple[Fraction, str] | None:
    """Value nearest to the window on one side, by halving what is not yet known to be empty."""
    edge = window.high if side > 0 else window.low
    best = _within(n, before, edge, Fraction(1) if side > 0 else Fraction(0))
    empty_to = edge
    while best is not None and abs(best[0] - empty_to) > RESOLUTION:
        middle = (empty_to + best[0]) / 2
        nearer = _within(n, before, empty_to, middle)
        best, empty_to = (best, middle) if nearer is None else (nearer, empty_to)
    return best


def _within(
    n: int, before: tuple[Window, ...], a: Fraction, b: Fraction
) -> tuple[Fraction, str] | None:
    order = find_order(n, (*before, Window(min(a, b), max(a, b))))
    return None if order is None else (survival(n, order)[-1][1], order)


def values_with_deaths(r: int, s: Fraction, deaths: int) -> set[Fraction]:
    """Every S above 0 that so many deaths can leave, starting from r at risk at S = s.

    The censored may fall anywhere: each choice of distinct numbers at risk, from r down to 2, at
    which the deaths fall is tried.
    """
    falls = combinations(range(2, r + 1), deaths)
    return {s * prod(Fraction(at_risk - 1, at_risk) for at_risk in fall) for fall in falls}


def values_with_censored(r: int, s: Fraction, censored: int) -> set[Fraction]:
    """Every S that any number of deaths with so many censored can leave, from r at risk at s."""
    reached: list[set[int]] = [{1}] + [set() for _ in range(censored)]
    values = {s} if censored == 0 else set()
    scale = 1
    for at_risk in range(r, 0, -1):
        scale *= at_risk
        for c in range(censored, -1, -1):
            before = {value * at_risk for value in reached[c - 1]} if c else set()
            reached[c] = {value * (at_risk - 1) for value in reached[c]} | before
        values |= {s * Fraction(value, scale) for value in reached[censored]}
    return values


# --- every admissible state --------------------------------------------------------------------


Node = tuple[int, int]
"""Deaths so far, and S as a whole number (see `Graph.s`); that is 0 throughout a coarse graph."""

Exits = dict[str, Node]
"""What may come next, each with the state after it."""

Level = list[dict[Node, Exits]]
"""Per number at risk, the states of one interval in the order of their discovery."""

Indices = NDArray[np.int64]
Links = tuple[tuple[Indices, ...], ...]


@dataclass(frozen=True)
class Graph:
    """States (interval, at risk, deaths so far, S) of admissible orders, and the exits between.

    ``nodes[j][r]`` lists the states; ``links["D"]``, ``links["C"]`` and ``links["|"]`` give, per
    state, the index of the state that follows (with r - 1 in the same interval, with r in the next
    one), -1 for none; the end of the last interval has index 0. In an exact graph the paths are the
    admissible orders. In a coarse graph S is dropped: each admissible order is a path, but not each
    path an admissible order.
    """

    n: int
    exact: bool
    nodes: tuple[tuple[tuple[Node, ...], ...], ...]
    links: Mapping[str, Links]

    def s(self, r: int, node: Node) -> Fraction | None:
        """S of a state with r at risk: its whole number over n × (n - 1) × … × (r + 1)."""
        return Fraction(node[1], perm(self.n, self.n - r)) if self.exact else None

    def passing(self, j: int) -> int:
        """Count the states in which admissible orders pass landmark j."""
        return sum(int(np.count_nonzero(follows >= 0)) for follows in self.links["|"][j])

    def at_landmark(self, j: int) -> set[tuple[int, int, Fraction | None]]:
        """States (at risk, deaths so far, S) in which admissible orders pass landmark j."""
        return {
            (r, node[0], self.s(r, node))
            for r, here in enumerate(self.nodes[j])
            for node, follows in zip(here, self.links["|"][j][r], strict=True)
            if follows >= 0
        }


def exact_graph(n: int, windows: Sequence[Window], most: int = MOST_STATES) -> Graph | None:
    """Enumerate every state that lies on an admissible order, with its exact S.

    Parameters
    ----------
    n : int
        Patients at the start.
    windows : sequence of Window
        One per landmark, in the order of time.
    most : int
        States to keep.

    Returns
    -------
    Graph or None
        None where there are more than `most` states.
    """
    windows = tuple(windows)
    futures = [_Lists(level) for level in _Futures(n, windows, None).sets]
    scales = [perm(n, n - r) for r in range(n + 1)]

    def exits(j: int, r: int, node: Node) -> Exits:
        deaths, s = node
        ways: Exits = {}
        scale, window = scales[r], windows[j]
        within = _at_most(window.low, s, scale) and _at_least(window.high, s, scale)
        if within and futures[j + 1].hold(r, s / scale):
            ways["|"] = node
        if r:
            fewer = scale * r
            if futures[j].hold(r - 1, s * (r - 1) / fewer):
                ways["D"] = (deaths + 1, s * (r - 1))
            if futures[j].hold(r - 1, s / scale):
                ways["C"] = (deaths, s * r)
        return ways

    levels = _explored(n, len(windows), 1, exits, most)
    return None if levels is None else _trimmed(n, levels, exact=True)


def _at_most(bound: Fraction, s: int, scale: int) -> bool:
    return bound.numerator * scale <= s * bound.denominator


def _at_least(bound: Fraction, s: int, scale: int) -> bool:
    return bound.numerator * scale >= s * bound.denominator


class _Lists:
    """The sets of an interval, as lists: looking up one value in an array is slow."""

    def __init__(self, level: list[dict[int, Union]]) -> None:
        self.sets = [
            tuple(ends.tolist() for ends in here[0]) if here else ([], []) for here in level
        ]

    def hold(self, r: int, s: float) -> bool:
        """Whether S with r at risk is in its set."""
        lows, highs = self.sets[r]
        index = bisect_right(lows, s) - 1
        return index >= 0 and s <= highs[index]


def coarse_graph(n: int, windows: Sequence[Window]) -> Graph:
    """Keep numbers at risk and deaths so far only, where some S between its bounds has a future.

    With d deaths among the n - r exits, S lies between r / (r + d) (the censored left first) and
    (n - d) / n (the deaths came first).
    """
    windows = tuple(windows)
    futures = _Futures(n, windows, None)

    def open_to(j: int, r: int, deaths: int, window: Window | None = None) -> bool:
        low, high = r / max(r + deaths, 1), (n - deaths) / n
        if window is not None:
            low, high = max(low, float(window.low)), min(high, float(window.high))
        low, high = low * (1 - WIDENING), high * (1 + WIDENING)
        return any(len(_clip(part, low, high)[0]) for part in futures.sets[j][r].values())

    def exits(j: int, r: int, node: Node) -> Exits:
        deaths = node[0]
        ways = {"|": open_to(j + 1, r, deaths, windows[j])}
        if r:
            ways |= {"D": open_to(j, r - 1, deaths + 1), "C": open_to(j, r - 1, deaths)}
        return {letter: (deaths + (letter == "D"), 0) for letter, way in ways.items() if way}

    levels = _explored(n, len(windows), 0, exits, None)
    return _trimmed(n, levels or [], exact=False)


def _explored(
    n: int,
    intervals: int,
    s: int,
    exits: Callable[[int, int, Node], Exits],
    most: int | None,
) -> list[Level] | None:
    """Every state that the exits reach from S = s; None where there are more than `most`."""
    levels, kept = [], 0
    level: Level = [{} for _ in range(n + 1)]
    level[n][0, s] = {}
    for j in range(intervals):
        passed: Level = [{} for _ in range(n + 1)]
        for r in range(n, -1, -1):
            kept += len(level[r])
            if most is not None and kept > most:
                return None
            for node in level[r]:
                level[r][node] = exits(j, r, node)
                for letter, after in level[r][node].items():
                    (passed[r] if letter == "|" else level[r - 1])[after] = {}
        levels.append(level)
        level = passed
    return levels


def _trimmed(n: int, levels: list[Level], *, exact: bool) -> Graph:
    """Leave out what reaches no end, from the last interval back, and link what stays."""
    beyond: list[dict[Node, int]] | None = None
    nodes: list[tuple[tuple[Node, ...], ...]] = []
    links: dict[str, list[tuple[Indices, ...]]] = {letter: [] for letter in "DC|"}
    for j in reversed(range(len(levels))):
        kept: list[dict[Node, int]] = []
        rows: dict[str, list[list[int]]] = {letter: [] for letter in "DC|"}
        for r in range(n + 1):
            follows = {
                node: _indices(exits, r, kept, beyond) for node, exits in levels[j][r].items()
            }
            staying = [node for node, index in follows.items() if max(index.values()) >= 0]
            kept.append({node: index for index, node in enumerate(staying)})
            for letter, column in rows.items():
                column.append([follows[node][letter] for node in staying])
        beyond = kept
        nodes.insert(0, tuple(tuple(here) for here in kept))
        for letter, column in rows.items():
            links[letter].insert(0, tuple(np.array(here, dtype=np.int64) for here in column))
    return Graph(n, exact, tuple(nodes), {letter: tuple(here) for letter, here in links.items()})


def _indices(
    after: Mapping[str, Node],
    r: int,
    kept: Sequence[Mapping[Node, int]],
    beyond: Sequence[Mapping[Node, int]] | None,
) -> dict[str, int]:
    found = dict.fromkeys("DC|", -1)
    for letter, node in after.items():
        if letter != "|":
            found[letter] = kept[r - 1].get(node, -1)
        else:
            found[letter] = 0 if beyond is None else beyond[r].get(node, -1)
    return found


def _state_counts(n: int, windows: tuple[Window, ...]) -> tuple[int, ...] | None:
    graph = exact_graph(n, windows)
    return None if graph is None else tuple(map(graph.passing, range(len(windows))))
