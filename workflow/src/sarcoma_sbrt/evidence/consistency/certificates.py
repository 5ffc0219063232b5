"""Orders of exits and arguments by cases, in words and numbers that can be checked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from math import comb

from sarcoma_sbrt.evidence.consistency.enumeration import (
    Admissible,
    Failure,
    Window,
    admissible,
    exact_graph,
    merged_states,
    values_with_censored,
    values_with_deaths,
)
from sarcoma_sbrt.evidence.consistency.rounding import decimal_text

__all__ = [
    "by_cases",
    "least_censored",
    "nearest_rates",
    "percent",
    "shown_range",
    "shown_window",
    "told",
]

MOST_VALUES = 20_000
MOST_CASES = 12


def percent(value: Fraction, apart: Window | None = None) -> str:
    """Write a share as a percentage with two decimals, ``57.89%``; whole ones without.

    Further decimals are shown where two would put a value outside the window `apart` inside it.
    """
    scaled, places = value * 100, 2
    if scaled.denominator == 1:
        return f"{scaled}%"
    outside = apart is not None and not apart.holds(value)
    while outside and apart is not None and apart.holds(Fraction(decimal_text(value, places + 2))):
        places += 1
    return f"{decimal_text(scaled, places)}%"


def shown_window(window: Window) -> str:
    """Write what a printed rate allows as ``57.85–57.95%``."""
    return f"{float(window.low * 100):g}–{float(window.high * 100):g}%"


def shown_range(low: Fraction, high: Fraction, apart: Window | None = None) -> str:
    """Write two attained values as ``71.63–72.97%``, as one where they do not differ."""
    ends = list(dict.fromkeys((percent(low, apart), percent(high, apart))))
    return f"{ends[0].removesuffix('%')}–{ends[1]}" if len(ends) > 1 else ends[0]


def told(n: int, order: str, times: Sequence[float]) -> str:
    """Write an order of exits so that its rates can be recomputed by hand.

    A run of deaths from r to q at risk multiplies S by q/r. Small letters are the exits of a
    second subgroup; times beyond those given are left unnamed.

    Parameters
    ----------
    n : int
        At risk at the start.
    order : str
        D or d for a death, C or c for a censoring, | for a landmark.
    times : sequence of float
        Months of the landmarks.
    """
    parts, factors = [f"{n} at risk"], list[str]()
    r, s, landmark = n, Fraction(1), 0
    for letter, run in groupby(order):
        count = len(list(run))
        if letter == "|":
            for _ in range(count):
                parts.append(f"{_named(times, landmark)}: {_product(factors, s)}, {r} at risk")
                landmark += 1
            continue
        parts.append(f"{count} {letter}")
        if letter in "Dd":
            factors.append(f"{r - count}/{r}")
            s = s * (r - count) / r
        r -= count
    return "; ".join(parts)


def _named(times: Sequence[float], landmark: int) -> str:
    return f"at {times[landmark]:g} months" if landmark < len(times) else "later"


def _product(factors: Sequence[str], s: Fraction) -> str:
    steps = [" × ".join(factors)] if factors else []
    if len(factors) != 1 or factors[0] != f"{s.numerator}/{s.denominator}":
        steps.append(str(s))
    if s.denominator > 1:
        steps.append(percent(s))
    return "S = " + " = ".join(steps)


def nearest_rates(found: Admissible, times: Sequence[float]) -> str:
    """Write the rates nearest to the one that fails: ``nearest at 36 months: 0% and 7.24%``."""
    failure = found.failure
    if failure is None:
        return ""
    window = found.windows[failure.landmark]
    sides = (failure.below, failure.above)
    reached = [percent(side[0], window) for side in sides if side is not None]
    return f"nearest {_named(times, failure.landmark)}: {' and '.join(reached)}"


def least_censored(n: int, window: Window, least: int) -> list[str]:
    """Show for each smaller number of censored that the first rate cannot be reached.

    Returns
    -------
    list of str
        One line per number of censored below `least`; empty where there are too many values.
    """
    if comb(n + 1, least) > MOST_VALUES:
        return []
    return [
        f"{_counted(c, 'censored')}: {_next_to(values_with_censored(n, Fraction(1), c), window)}"
        for c in range(least)
    ]


def _counted(count: int, what: str) -> str:
    return f"{count or 'none'} {what}"


def _next_to(values: set[Fraction], window: Window) -> str:
    below = max((value for value in values if value < window.low), default=None)
    above = min((value for value in values if value > window.high), default=None)
    sides = [_both(value, window) for value in (below, above) if value is not None]
    return f"nearest to {shown_window(window)}: " + " and ".join(sides)


def _both(value: Fraction, apart: Window | None = None) -> str:
    return str(value) if value.denominator == 1 else f"{value} = {percent(value, apart)}"


# --- impossible: by the number of deaths -------------------------------------------------------


@dataclass(frozen=True)
class _Start:
    """Where the last interval begins: at most so many at risk, S from low to high."""

    at_risk: int
    low: Fraction
    high: Fraction

    def with_deaths(self, deaths: int) -> tuple[Fraction, Fraction]:
        """Bounds of S after so many deaths that leave someone alive, whoever is censored.

        The least value has all the others but one censored first, so that 1 + d are left of whom d
        die; the greatest has the deaths first.
        """
        return self.low / (1 + deaths), self.high * (self.at_risk - deaths) / self.at_risk

    def undecided(self, window: Window) -> list[int]:
        """Numbers of deaths whose bounds meet the window."""
        bounds = {deaths: self.with_deaths(deaths) for deaths in range(self.at_risk)}
        return [d for d, (low, high) in bounds.items() if low <= window.high and high >= window.low]


def by_cases(
    n: int, windows: Sequence[Window], failure: Failure, times: Sequence[float]
) -> list[str]:
    """Argue by the number of deaths why no order meets the landmark that fails.

    Parameters
    ----------
    n : int
        At risk at the start.
    windows : sequence of Window
        One per landmark.
    failure : Failure
        Of the enumeration.
    times : sequence of float
        Months of the landmarks.

    Returns
    -------
    list of str
        Lines to check by hand; the last one says so where the enumeration alone decides.
    """
    k, window = failure.landmark, windows[failure.landmark]
    start, reasons = _by_hand(n, windows[:k], times)
    if start.undecided(window) and k:
        start, reasons = _enumerated(n, windows[:k], times)
    lines = [*reasons, *_outside(start, window)]
    undecided = start.undecided(window)
    if not undecided:
        return lines
    states = [(n, Fraction(1))] if k == 0 else _states(n, windows[:k])
    tried = _tried(states, window)
    return lines + (tried or [_exhausted(undecided, merged_states(n, windows[: k + 1]), window)])


def _by_hand(n: int, before: Sequence[Window], times: Sequence[float]) -> tuple[_Start, list[str]]:
    """Bound the number at risk after the last window met, by deaths first and censored first."""
    if not before:
        return _Start(n, Fraction(1), Fraction(1)), [f"{n} at risk at the start, S = 1"]
    window, when = before[-1], _named(times, len(before) - 1)
    deaths = max(d for d in range(n + 1) if Fraction(n - d, n) >= window.low)
    at_risk = max(
        r for r in range(n - deaths + 1) if r == 0 or Fraction(r, r + deaths) <= window.high
    )
    more = Fraction(n - deaths - 1, n)
    reasons = [
        f"{when} S is {shown_window(window)}, so at most {_deaths(deaths)} of {n} happened "
        f"({deaths + 1} leave at most {_both(more)})",
        f"with at most {_deaths(deaths)} and r at risk S is at least r/(r + {deaths}), "
        f"so at most {at_risk} are at risk"
        + (
            f" ({at_risk + 1} give at least {_both(Fraction(at_risk + 1, at_risk + 1 + deaths))})"
            if at_risk + deaths < n
            else ""
        ),
    ]
    return _Start(at_risk, window.low, window.high), reasons


def _enumerated(
    n: int, before: Sequence[Window], times: Sequence[float]
) -> tuple[_Start, list[str]]:
    most, window = admissible(n, before).at_risk[-1].high, before[-1]
    line = (
        f"{_named(times, len(before) - 1)} the enumeration leaves at most {most} of {n} at risk, "
        f"and S is {shown_window(window)}"
    )
    return _Start(most, window.low, window.high), [line]


def _outside(start: _Start, window: Window) -> list[str]:
    """Numbers of deaths that are too few or too many wherever the censored stand."""
    high = [d for d in range(start.at_risk) if start.with_deaths(d)[0] > window.high]
    low = [d for d in range(start.at_risk) if start.with_deaths(d)[1] < window.low]
    lines = []
    if high:
        d = high[-1]
        least = percent(start.with_deaths(d)[0])
        bound = f"{percent(start.low)}/(1 + {d}) = {least}" if d else least
        few = f"at most {_deaths(d)}" if d else "without a death"
        lines.append(f"{few}: S is at least {bound}, above the printed rate")
    if low:
        r = start.at_risk
        bound = (
            f"{percent(start.high)} × {r - low[0]}/{r} = {percent(start.with_deaths(low[0])[1])}"
        )
        lines.append(f"at least {_deaths(low[0])}: S is at most {bound}, below the printed rate")
    elif not window.holds(Fraction(0)):
        lines.append("if the last one at risk dies, S = 0")
    return lines


def _deaths(count: int) -> str:
    return f"{count} death" + ("" if count == 1 else "s")


def _states(n: int, before: Sequence[Window]) -> list[tuple[int, Fraction]] | None:
    graph = exact_graph(n, before)
    if graph is None:
        return None
    reached = graph.at_landmark(len(before) - 1)
    return sorted({(r, s) for r, _, s in reached if s is not None}, reverse=True)


def _tried(states: list[tuple[int, Fraction]] | None, window: Window) -> list[str]:
    """Nearest values for each state and open number of deaths; empty where they are too many."""
    cases = [
        (r, s, deaths) for r, s in states or [] for deaths in _Start(r, s, s).undecided(window) if r
    ]
    if not cases or len(cases) > MOST_CASES:
        return []
    if sum(comb(r - 1, deaths) for r, _, deaths in cases) > MOST_VALUES:
        return []
    return [
        f"{r} at risk at S = {s}, {_deaths(deaths)}, {comb(r - 1, deaths)} placements: "
        + _next_to(values_with_deaths(r, s, deaths), window)
        for r, s, deaths in cases
    ]


def _exhausted(undecided: Sequence[int], merged: int, window: Window) -> str:
    deaths = (
        f"{undecided[0]} to {_deaths(undecided[-1])}"
        if len(undecided) > 1
        else _deaths(undecided[0])
    )
    return (
        f"{deaths}: all orders were followed, back from {shown_window(window)} through "
        f"{merged} intervals of S; none of them begins with everyone at risk at S = 1"
    )
