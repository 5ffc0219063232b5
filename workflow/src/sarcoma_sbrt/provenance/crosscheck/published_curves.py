"""Printed rates of one curve a second time: whether n patients can give them.

Patients leave one at a time; with r at risk a death takes S to S (r - 1) / r. The values of S from
which the rates ahead can still be met are kept as cells of a grid of log S, from the last exit
back, where the first engine keeps unions of intervals. A cell holds whatever its neighbours might,
so a start outside the cells is a proof that no order of exits gives the rates; an order that is
found is checked in fractions. What neither settles is asked of a finer grid.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.crosscheck.checks import Second
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure, estimate
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged, unjudged

__all__ = [
    "ANY",
    "MOST_COUNTED",
    "Curve",
    "Window",
    "ahead_of",
    "contradicted",
    "curves_of",
    "done_again",
    "feasible",
    "landmarks",
    "lines",
    "unreadable",
]

ENGINE = "plain Python"

Window = tuple[Fraction, Fraction]
_Cells = NDArray[np.bool_]

ANY: Window = (Fraction(0), Fraction(1))
_HALF = Fraction(1, 2)
_STEPS = (1e-4, 1e-5, 1e-6)
_MOST_TRIED = 200_000
# Beyond so many patients² × landmarks² the report does not look.
MOST_COUNTED = 130_000
_FAILURES = {"failure", "recurrence", "relapse", "incidence", "mortality", "death"}
_FREEDOM = {"free", "freedom", "survival", "control"}


# --- orders of exits ----------------------------------------------------------------------


def feasible(n: int, windows: Sequence[Window]) -> bool | None:
    """Whether any order of n exits meets all windows of S, one for each landmark.

    Returns
    -------
    bool or None
        False is a proof; True comes of an order that was checked in fractions; None where the
        finest grid leaves it open.
    """
    # What allows anything asks for nothing.
    return _feasible(n, tuple(window for window in windows if window != ANY))


@lru_cache(maxsize=256)
def _feasible(n: int, windows: tuple[Window, ...]) -> bool | None:
    for step in _STEPS:
        ahead = ahead_of(n, windows, step)
        found = _found(n, windows, ahead, step)
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class Ahead:
    """By landmark and number at risk: cells of -log S that can meet the rest, and whether 0 can."""

    cells: list[list[_Cells]]
    zero: list[list[bool]]

    def holds(self, j: int, r: int, s: Fraction, step: float) -> bool:
        if j == len(self.cells):
            return True
        if s == 0:
            return self.zero[j][r]
        at = int(-math.log(s) / step)
        return bool(self.cells[j][r][max(at - 1, 0) : at + 2].any())


def ahead_of(n: int, windows: Sequence[Window], step: float) -> Ahead:
    """Cells of so wide a step from which the windows of n patients can be met."""
    size = int(math.log(max(n, 2)) / step) + 4
    cells: list[list[_Cells]] = []
    zero: list[list[bool]] = []
    beyond = [np.ones(size, dtype=bool)] * (n + 1)
    beyond_zero = [True] * (n + 1)
    for low, high in reversed(windows):
        inside = _inside(low, high, size, step)
        here: list[_Cells] = []
        here_zero: list[bool] = []
        for r in range(n + 1):
            held = beyond[r] & inside
            none_left = beyond_zero[r] and low == 0
            if r:
                held |= here[r - 1]
                held |= _before_death(here[r - 1], here_zero[r - 1], r, step)
                none_left = none_left or here_zero[r - 1]
            here.append(held)
            here_zero.append(none_left)
        cells.insert(0, here)
        zero.insert(0, here_zero)
        beyond, beyond_zero = here, here_zero
    return Ahead(cells, zero)


def _inside(low: Fraction, high: Fraction, size: int, step: float) -> _Cells:
    inside = np.zeros(size, dtype=bool)
    if high > 0:
        first = max(int(-math.log(high) / step) - 1, 0)
        last = size if low == 0 else int(-math.log(low) / step) + 2
        inside[first:last] = True
    return inside


def _before_death(after: _Cells, zero: bool, r: int, step: float) -> _Cells:
    """Cells from which a death with r at risk leads into cells; the last one leads to 0."""
    before = np.zeros_like(after)
    if r == 1:
        before[:] = zero
        return before
    shift = int(math.log(r / (r - 1)) / step)
    for by in (shift, shift + 1):
        before[: len(after) - by] |= after[by:]
    return before


def _found(n: int, windows: Sequence[Window], ahead: Ahead, step: float) -> bool | None:
    """True for an order that holds in fractions, False where none is left, None if untold."""
    if not ahead.holds(0, n, Fraction(1), step):
        return False
    failed: set[tuple[int, int, Fraction]] = set()
    stack = [(0, n, Fraction(1))]
    while stack and len(failed) < _MOST_TRIED:
        j, r, s = state = stack.pop()
        if j == len(windows):
            return True
        if state in failed:
            continue
        failed.add(state)
        following = [(j, r - 1, s), (j, r - 1, s * (r - 1) / r)] if r else []
        low, high = windows[j]
        following += [(j + 1, r, s)] if low <= s <= high else []
        stack += [each for each in following if ahead.holds(*each, step)]
    return None if stack else False


# --- curves -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """Rates of one group in the order of time, its median, its study's cells."""

    rates: tuple[Figure, ...]
    median: Figure | None
    study: Mapping[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the rates."""
        return tuple(rate.key for rate in self.rates)

    @property
    def times(self) -> list[Fraction]:
        """Months of the landmarks."""
        return [Fraction(rate["time_months"]) for rate in self.rates]

    @property
    def windows(self) -> list[Window]:
        """What each printed rate allows."""
        return [_window(rate) for rate in self.rates]

    @property
    def unit(self) -> str:
        """Patient or lesion; empty where that is not printed."""
        units = {rate["unit_of_analysis"] for rate in self.rates}
        return units.pop() if len(units) == 1 else ""

    @property
    def of_study(self) -> list[tuple[int, str]]:
        """Printed patients and lesions of the study that the curve may follow."""
        units = [f"{self.unit}s"] if self.unit else ["patients", "lesions"]
        counts = [(self.study.get(unit, ""), unit) for unit in units]
        return sorted((int(count), unit) for count, unit in counts if count)

    @property
    def sizes(self) -> list[tuple[int, str]]:
        """Numbers that the curve may have; with a unit those of its study."""
        known = {rate.whole("n") for rate in self.rates}
        own = known.pop() if len(known) == 1 else None
        if own is not None:
            return [(own, "")]
        whole = not any(self.rates[0][c] for c in ("category", "subgroup", "arm"))
        return self.of_study if whole else []

    @property
    def printed(self) -> str:
        """The rates with their times: ``57.9% at 12, 6.0% at 36 months``."""
        rates = [f"{_digits(rate)}% at {rate.number('time_months'):g}" for rate in self.rates]
        return f"{', '.join(rates)} months"

    @property
    def sized(self) -> str:
        """The rates with the number that they are held against, or the two."""
        if len(self.sizes) == 1:
            return f"{self.printed}, {_size_told(*self.sizes[0])}"
        meant = " or ".join(f"{n} {unit}" for n, unit in self.sizes)
        return f"{self.printed}, n = {meant} of the study" if meant else self.printed

    @property
    def lesions_unknown(self) -> bool:
        """Whether it may be of lesions, whose number is not printed."""
        return [unit for _, unit in self.sizes] == ["patients"] and not self.unit


def _size_told(n: int, unit: str) -> str:
    return f"n = {n}" + (f", the study's {unit}" if unit else "")


def _digits(rate: Figure) -> str:
    number, relation = estimate(rate), rate["relation"]
    sign = "about " if relation == "~" else relation
    return sign + (number.text if number else rate["printed_text"])


def _window(rate: Figure) -> Window:
    """Values of S that a printed rate allows; a bound is open on one side, "about" on both."""
    number = estimate(rate)
    if number is None:
        return ANY
    unit = 100 if rate["unit"] == "percent" else 1
    low, high = (end / unit for end in number.ends)
    if rate["relation"] in ("<", "<=", "~"):
        low = Fraction(0)
    if rate["relation"] in (">", ">=", "~"):
        high = Fraction(1)
    return low, min(high, Fraction(1))


def curves_of(figures: Sequence[Figure], studies: Mapping[str, Mapping[str, str]]) -> list[Curve]:
    """Curves of the survival rates that are printed first."""
    rates: dict[tuple[str, ...], list[Figure]] = {}
    medians: dict[tuple[str, ...], Figure] = {}
    for f in figures:
        if f["duplicate_of"] or not f["estimate"]:
            continue
        if f["estimator"] not in ("kaplan_meier", "actuarial"):
            continue
        columns = ("study_id", "paper", "endpoint", "category", "subgroup", "arm")
        group = tuple(f[column] for column in columns)
        if f["measure"] == "rate" and f["time_months"]:
            rates.setdefault(group, []).append(f)
        elif f["measure"] == "median" and f["unit"] == "months":
            medians.setdefault(group, f)
    return [
        Curve(
            tuple(sorted(of, key=lambda rate: rate.number("time_months") or 0.0)),
            medians.get(group),
            studies.get(group[0], {}),
        )
        for group, of in rates.items()
    ]


def unreadable(curve: Curve) -> str:
    """Why rates cannot be held against a number of patients; empty where they can."""
    words = set(curve.rates[0]["endpoint"].split("_"))
    if words & _FAILURES and not words & _FREEDOM:
        return "a rate of failures is printed, not of freedom from them"
    if len(set(curve.times)) < len(curve.times):
        return "two rates are printed for one time"
    if len({rate.whole("n") for rate in curve.rates}) > 1:
        return "the rates of the curve are printed with different numbers of patients"
    if any(n < 1 for n, _ in curve.sizes):
        return "the group has no patients"
    if all(rate["relation"] == "~" for rate in curve.rates):
        return "the rates are printed as approximate"
    return ""


def _median_ends(curve: Curve) -> tuple[Fraction, Fraction | None] | None:
    number = estimate(curve.median) if curve.median else None
    if curve.median is None or number is None:
        return None
    low, high = number.ends
    relation = curve.median["relation"]
    low = Fraction(0) if relation in ("<", "<=", "~") else low
    return low, None if relation in (">", ">=", "~") else high


def contradicted(curve: Curve) -> tuple[bool, bool]:
    """Whether no number of patients gives the rates; and whether the median is why."""
    pairs = list(zip(curve.times, curve.windows, strict=True))
    least_before = [
        min([high for _, (_, high) in pairs[:at]], default=1) for at in range(len(pairs))
    ]
    if any(low > most for (_, (low, _)), most in zip(pairs, least_before, strict=True)):
        return True, False
    ends = _median_ends(curve)
    if ends is None:
        return False, False
    earliest, latest = ends
    high_after = any(latest is not None and t >= latest and low > _HALF for t, (low, _) in pairs)
    low_before = any(t < earliest and high < _HALF for t, (_, high) in pairs)
    return high_after or low_before, True


def _with_median(curve: Curve) -> list[Window] | None:
    """Windows narrowed by the median: S is at least 1/2 before it, at most 1/2 from it on."""
    ends = _median_ends(curve)
    if ends is None:
        return curve.windows
    earliest, latest = ends
    found = []
    for time, (low, high) in zip(curve.times, curve.windows, strict=True):
        low = max(low, _HALF) if time < earliest else low
        after = time >= earliest and latest is not None and time >= latest
        high = min(high, _HALF) if after else high
        found.append((low, high))
    if latest is not None and curve.times[-1] < earliest:
        found.append((Fraction(0), _HALF))
    return None if any(low > high for low, high in found) else found


# --- verdicts -----------------------------------------------------------------------------

_NO_N = "the number of patients of this group is not printed"
_TOO_MANY = "there are too many states to look at"
_LESIONS = "whether lesions were followed, and how many, is not printed"


def landmarks(
    figures: Sequence[Figure], studies: Mapping[str, Mapping[str, str]]
) -> Iterator[Judged]:
    """Whether each curve's printed rates are possible for its number of patients.

    Lines are not written again (see `lines`): each `Judged.line` is empty unless there is
    nothing to judge.
    """
    for curve in curves_of(figures, studies):
        yield from _judged(curve, figures)


def _judged(curve: Curve, figures: Sequence[Figure]) -> Iterator[Judged]:
    reason, (against, by_median) = unreadable(curve), contradicted(curve)
    if reason:
        yield unjudged("landmark", curve.keys, reason)
        return
    sizes = curve.sizes
    few = [n for n, _ in sizes if n**2 * len(curve.rates) ** 2 <= MOST_COUNTED]
    if against and len(few) < max(1, len(sizes)):
        yield _impossible(curve, by_median=by_median)
    elif not sizes:
        yield _of_unknown_size(curve, figures)
    elif len(few) < len(sizes):
        yield unjudged("landmark", curve.keys, _TOO_MANY)
    else:
        yield from _of_sizes(curve, few, against=against, by_median=by_median)


def _impossible(curve: Curve, *, by_median: bool = False) -> Judged:
    """Whatever the number of patients."""
    median = curve.median if by_median else None
    if median is None:
        return Judged("landmark", curve.keys, "impossible", "", printed=curve.printed)
    printed = f"{curve.printed}, median {median.number('estimate'):g} months"
    return Judged("landmark", (*curve.keys, median.key), "impossible", "", printed=printed)


def _of_unknown_size(curve: Curve, figures: Sequence[Figure]) -> Judged:
    """By the most that the pooled curve, or the study, leaves: n + 1 can give what n can."""
    pooled = {rate["part_of"] for rate in curve.rates}
    whole = {n for f in figures if f.key in pooled and (n := f.whole("n")) is not None}
    if len(whole) == 1:
        (most,) = whole
    else:
        outside = curve.rates[0]["arm"] or not (curve.unit or curve.study.get("lesions"))
        most = 0 if outside else max((n for n, _ in curve.of_study), default=0)
    if not most:
        return unjudged("landmark", curve.keys, _NO_N)
    if most**2 * len(curve.rates) ** 2 > MOST_COUNTED:
        return unjudged("landmark", curve.keys, f"{_NO_N}, and for at most {most} {_TOO_MANY}")
    if feasible(most, curve.windows) is False:
        return replace(_impossible(curve), printed=f"{curve.printed}, n at most {most}")
    # The line goes on to tell what it rests on and the least possible number.
    return Judged("landmark", curve.keys, "unverifiable", "", _NO_N)


def _of_sizes(
    curve: Curve, sizes: Sequence[int], *, against: bool, by_median: bool
) -> Iterator[Judged]:
    if any(feasible(n, curve.windows) for n in sizes):
        yield Judged("landmark", curve.keys, "possible", "")
        if curve.median is not None:
            yield _of_median(curve, curve.median, against=against)
    elif against and curve.lesions_unknown:
        yield _impossible(curve, by_median=by_median)
    elif curve.lesions_unknown:
        yield _open(curve, curve.keys)
    else:
        yield replace(_impossible(curve), printed=curve.sized)


def _of_median(curve: Curve, median: Figure, *, against: bool) -> Judged:
    n, unit = curve.sizes[-1]
    keys, windows = (*curve.keys, median.key), _with_median(curve)
    if not against and windows is not None and feasible(n, windows):
        return Judged("landmark", keys, "possible", "")
    if curve.lesions_unknown and not against:
        return _open(curve, keys)
    at = f"median {median.number('estimate'):g} months"
    printed = f"{curve.printed}, {at}, {_size_told(n, unit)}"
    return Judged("landmark", keys, "impossible", "", printed=printed)


def _open(curve: Curve, keys: tuple[str, ...]) -> Judged:
    """What patients cannot give, more lesions may."""
    reason = f"impossible for the study's {curve.sizes[0][0]} patients; {_LESIONS}"
    return Judged("landmark", keys, "unverifiable", "", reason)


# --- lines --------------------------------------------------------------------------------

_PRODUCT = re.compile(r"(\d+/\d+(?: × \d+/\d+)*)((?: = (?:\d+/\d+|[\d.]+%|\d+))+)")
_BOUND = re.compile(r"([\d.]+)%(?:/\(1 \+ (\d+)\)| × (\d+)/(\d+)) = ([\d.]+)%")


_CHECKS = (".landmark.", ".pooled_landmark.")


def lines(
    records: Sequence[Mapping[str, Any]], part: str = "arithmetic"
) -> Iterator[tuple[str, Second]]:
    """Lines of the checks of curves with every step done again that they show.

    Parameters
    ----------
    records : sequence of mapping
        Statistics of a stage that tells what the checks found.
    part : str
        Last part of the keys of their lines.
    """
    for record in records:
        key = record["key"]
        if key.endswith(f".{part}") and any(check in key for check in _CHECKS):
            yield key, Second(done_again(record["value"]), engine=ENGINE)


def done_again(line: str) -> str:
    """A line about a curve with the steps that it shows taken again.

    Products of fractions are multiplied, shares divided and rounded, and the exits that a
    certificate lists are counted down from those at risk at the start.
    """
    text = "; ".join(_counted_down(line.split("; ")))
    return _BOUND.sub(_bound_again, _PRODUCT.sub(_product_again, text))


def _product_again(found: re.Match[str]) -> str:
    value = Fraction(1)
    for factor in found[1].split(" × "):
        value *= Fraction(factor)
    results = [_again(value, text) for text in found[2].split(" = ")[1:]]
    return " = ".join([found[1], *results])


def _again(value: Fraction, text: str) -> str:
    """A value in the form of a text: a fraction, or a percentage of so many decimals."""
    if not text.endswith("%"):
        return str(value)
    return f"{_fixed(100 * value, len(text.rstrip('%').partition('.')[2]))}%"


def _fixed(value: Fraction, places: int) -> str:
    scaled = (2 * value * 10**places + 1) // 2
    whole, rest = divmod(int(scaled), 10**places)
    return f"{whole}.{rest:0{places}d}" if places else str(whole)


def _bound_again(found: re.Match[str]) -> str:
    share, deaths, top, bottom, result = found.groups()
    factor = Fraction(1, 1 + int(deaths)) if deaths else Fraction(int(top), int(bottom))
    text = _again(Fraction(share) / 100 * factor, f"{result}%")
    return found[0].rpartition(" = ")[0] + f" = {text}"


def _counted_down(clauses: Sequence[str]) -> Iterator[str]:
    """Clauses of a certificate, S and those at risk at each landmark by counting exits."""
    at_risk, survival = 0, Fraction(1)
    for clause in clauses:
        start = re.search(r"(?:^|: )(\d+) at risk$", clause)
        exits = re.fullmatch(r"(?:.*: )?(\d+) ([DCdc])", clause)
        reached = re.fullmatch(r"(at [\d.]+ months: S = .*?)( = [^=]*)?, \d+ at risk", clause)
        if start:
            at_risk, survival = int(start[1]), Fraction(1)
        elif exits and at_risk:
            left = at_risk - int(exits[1])
            survival *= Fraction(left, at_risk) if exits[2] in "Dd" else 1
            at_risk = left
        elif reached and reached[2]:
            last = _again(survival, reached[2].removeprefix(" = "))
            clause = f"{reached[1]} = {last}, {at_risk} at risk"
        yield clause
