"""Printed survival rates of one group as landmarks of one Kaplan-Meier curve.

A rate whose method is not named (`actuarial`) is taken for a Kaplan-Meier one, and every finding on
it says so. Without a number of patients some rates are impossible already: S never rises, and it is
at least one half before the median and at most one half after it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations

from sarcoma_sbrt.evidence.consistency.enumeration import Window, find_order
from sarcoma_sbrt.evidence.consistency.readings import estimate
from sarcoma_sbrt.evidence.consistency.rounding import PrintedValue
from sarcoma_sbrt.evidence.published import Figure, Study, shown_place

__all__ = [
    "CONVENTIONS",
    "ROUNDED",
    "Contradiction",
    "Convention",
    "Curve",
    "Size",
    "contradicted_otherwise",
    "contradiction",
    "curves",
    "either",
    "median_windows",
    "rate_window",
    "windows_at",
]

ANYTHING = Window(Fraction(0), Fraction(1))
HALF = Fraction(1, 2)
ESTIMATORS = ("kaplan_meier", "actuarial")
FAILURES = {"failure", "recurrence", "relapse", "incidence", "mortality", "death"}
FREEDOM = {"free", "freedom", "survival", "control"}


# --- what printed digits stand for --------------------------------------------------------------


@dataclass(frozen=True)
class Convention:
    """From where to where the true value may lie, in units of the last printed digit."""

    name: str
    low: Fraction
    high: Fraction

    def ends(self, value: PrintedValue, relation: str = "") -> tuple[Fraction, Fraction | None]:
        """Least and greatest true value of a printed one; of a bound ("<", ">=") one is open."""
        digit = Fraction(1, 10**value.places)
        low = max(Fraction(0), value.value + self.low * digit)
        high = value.value + self.high * digit
        if relation in ("<", "<=", "~"):
            low = Fraction(0)
        return low, None if relation in (">", ">=", "~") else high


# The printed value plus one digit is printed as the next one, so truncation stops short of it.
SHORT = Fraction(1, 10**6)
ROUNDED = Convention("rounded", Fraction(-1, 2), Fraction(1, 2))
CONVENTIONS = (
    Convention("truncated", Fraction(0), 1 - SHORT),
    Convention("rounded up", SHORT - 1, Fraction(0)),
    # To one decimal more first: 5.4499 is 5.45, and 5.45 is 5.5.
    Convention("rounded twice", Fraction(-11, 20), Fraction(11, 20)),
)
"""What a paper may have done instead of rounding once."""


def rate_window(rate: Figure, convention: Convention = ROUNDED) -> Window:
    """Values of S that a printed rate allows, both ends of its rounding included, at most 1.

    A rate printed as a bound is open on one side; one printed as "about" allows anything.
    """
    value = estimate(rate)
    if value is None:
        return ANYTHING
    low, high = convention.ends(value, rate.relation)
    unit = 100 if rate.unit == "percent" else 1
    return Window(low / unit, Fraction(1) if high is None else min(high / unit, Fraction(1)))


# --- curves -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """How many a curve may follow, and who says so."""

    n: int
    unit: str = ""
    """``patients`` or ``lesions`` of the study; empty where the rates print their own n."""

    def __str__(self) -> str:
        """Return "n = 19", or "n = 28, the study's patients"."""
        return f"n = {self.n}" + (f", the study's {self.unit}" if self.unit else "")


@dataclass(frozen=True)
class Curve:
    """The printed rates of one group in the order of time, its printed median, its study."""

    rates: tuple[Figure, ...]
    median: Figure | None
    study: Study | None = None
    convention: Convention = ROUNDED

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the rates."""
        return tuple(rate.key for rate in self.rates)

    @property
    def times(self) -> tuple[float, ...]:
        """Months of the landmarks."""
        return tuple(rate.time_months for rate in self.rates if rate.time_months is not None)

    @property
    def windows(self) -> tuple[Window, ...]:
        """What each printed rate allows."""
        return tuple(rate_window(rate, self.convention) for rate in self.rates)

    def as_if(self, convention: Convention) -> Curve:
        """The curve with its numbers read by another convention."""
        return replace(self, convention=convention)

    @property
    def n(self) -> int | None:
        """Patients (or lesions) of the group, where the rates say so and agree."""
        known = {rate.n for rate in self.rates}
        return known.pop() if len(known) == 1 else None

    @property
    def unit(self) -> str:
        """``patient`` or ``lesion``; empty where that is not printed."""
        known = {rate.unit_of_analysis for rate in self.rates}
        return known.pop() if len(known) == 1 else ""

    @property
    def sizes(self) -> tuple[Size, ...]:
        """The numbers that the curve may have, the least first; the rates' own comes before others.

        A curve of the whole study has its printed patients or lesions: both where the unit is not
        printed. That of a part of the study has none but its own.
        """
        if self.n is not None:
            return (Size(self.n),)
        whole = not any((self.rates[0].category, self.rates[0].subgroup, self.rates[0].arm))
        return self._study_sizes if whole else ()

    @property
    def _study_sizes(self) -> tuple[Size, ...]:
        if self.study is None:
            return ()
        known = {"patients": self.study.patients, "lesions": self.study.lesions}
        units = [f"{self.unit}s"] if self.unit else ["patients", "lesions"]
        counts = ((known[unit], unit) for unit in units)
        found = [Size(count, unit) for count, unit in counts if count is not None]
        return tuple(sorted(found, key=lambda size: size.n))

    @property
    def lesions_unknown(self) -> bool:
        """Whether it may be a curve of lesions, whose number is not printed."""
        return [size.unit for size in self.sizes] == ["patients"] and not self.unit

    @property
    def size_at_most(self) -> int | None:
        """What a part of the study has at most; unknown of an arm, which may stand outside."""
        if self.rates[0].arm or not (self.unit or (self.study and self.study.lesions)):
            return None
        return max((size.n for size in self._study_sizes), default=None)

    @property
    def name(self) -> str:
        """Endpoint and subgroup, as a reader sees them."""
        first = self.rates[0]
        parts = (first.endpoint, first.category, first.subgroup, first.arm)
        return " ".join(part.replace("_", " ") for part in parts if part)

    @property
    def digits(self) -> tuple[str, ...]:
        """The rates as printed, with the sign of a bound: ``5.5``, ``>90``."""
        return tuple(map(_digits, self.rates))

    @property
    def printed(self) -> str:
        """The rates with their times: ``57.9% at 12, 6.0% at 36 months``."""
        rates = zip(self.digits, self.times, strict=True)
        return ", ".join(f"{digits}% at {time:g}" for digits, time in rates) + " months"

    @property
    def terms(self) -> tuple[str, ...]:
        """On what a judgement on the curve rests: the method assumed, times that one place has."""
        assumed = ["taken as Kaplan-Meier, as the method is not named"] if self.assumed else []
        return (
            *assumed,
            *(
                f"the time of {_digits(rate)}% ({rate.time_months:g} months) stands in "
                f"{shown_place(rate.place)} alone"
                for rate in self.rates
                if rate.time_supported == "no"
            ),
        )

    @property
    def assumed(self) -> bool:
        """Whether that it is a Kaplan-Meier curve is an assumption."""
        return any(rate.estimator != "kaplan_meier" for rate in self.rates)

    @property
    def unreadable(self) -> str:
        """Why the rates cannot be held against a number of patients; empty where they can."""
        words = set(self.rates[0].endpoint.split("_"))
        if words & FAILURES and not words & FREEDOM:
            return "a rate of failures is printed, not of freedom from them"
        if len(set(self.times)) < len(self.times):
            return "two rates are printed for one time"
        if len({rate.n for rate in self.rates}) > 1:
            return "the rates of the curve are printed with different numbers of patients"
        if any(size.n < 1 for size in self.sizes):
            return "the group has no patients"
        if all(rate.relation == "~" for rate in self.rates):
            return "the rates are printed as approximate"
        return ""

    def least_n(self, most: int) -> int | None:
        """Least number of patients that can have the rates; None where `most` are too few.

        What n patients can give, n + 1 can: one is censored first.
        """
        windows = self.windows
        tried = range(1, most + 1)
        too_few = bisect_left(tried, True, key=lambda n: find_order(n, windows) is not None)
        return None if too_few == most else too_few + 1


def curves(figures: Iterable[Figure], studies: Mapping[str, Study] | None = None) -> list[Curve]:
    """Curves of the survival rates that are printed first, in the order given.

    Rows belong to one curve by study, paper, endpoint, category, subgroup and arm. Shares at no
    stated time and cumulative incidences make none.

    Parameters
    ----------
    figures : iterable of Figure
    studies : mapping of str to Study, optional
        For the patients and lesions of curves that print no n of their own.
    """
    groups: dict[tuple[str, ...], list[Figure]] = {}
    medians: dict[tuple[str, ...], Figure] = {}
    for figure in figures:
        if figure.duplicate_of or figure.estimate is None or figure.estimator not in ESTIMATORS:
            continue
        if figure.measure == "rate" and figure.time_months is not None:
            groups.setdefault(_group(figure), []).append(figure)
        elif figure.measure == "median" and figure.unit == "months":
            medians.setdefault(_group(figure), figure)
    return [
        Curve(
            tuple(sorted(rates, key=lambda rate: rate.time_months or 0.0)),
            medians.get(group),
            (studies or {}).get(rates[0].study_id),
        )
        for group, rates in groups.items()
    ]


def _group(figure: Figure) -> tuple[str, ...]:
    whose = (figure.study_id, figure.paper, figure.endpoint)
    return (*whose, figure.category, figure.subgroup, figure.arm)


def _digits(figure: Figure) -> str:
    value = estimate(figure)
    relation = "about " if figure.relation == "~" else figure.relation
    return relation + (value.text if value else figure.printed_text)


def windows_at(curve: Curve, times: Sequence[float]) -> list[Window]:
    """The curve's window at each time; anything where no rate is printed."""
    known = dict(zip(curve.times, curve.windows, strict=True))
    return [known.get(time, ANYTHING) for time in times]


# --- rates and median against each other --------------------------------------------------------


@dataclass(frozen=True)
class Contradiction:
    """Two printed figures of a curve that no number of patients gives."""

    keys: tuple[str, ...]
    recomputed: str
    told: str
    with_median: bool = False


def contradiction(curve: Curve) -> Contradiction | None:
    """The first printed figures of a curve that contradict each other whatever its n is.

    S never rises; it is at least one half before the median and at most one half after it (where
    it rests at one half exactly, programs differ in where they put the median, so both sides
    include it). One of 28 months lies in 27.5–28.5, and within that nothing is said.
    """
    return _risen(curve) or _beside_median(curve)


def contradicted_otherwise(curve: Curve) -> tuple[list[dict[str, str]], str]:
    """Whether the figures of a contradiction still have one by other conventions, and in words."""
    found = {
        other.name: "not excluded" if contradiction(curve.as_if(other)) is None else "impossible"
        for other in CONVENTIONS
    }
    listed = [{"convention": name, "verdict": verdict} for name, verdict in found.items()]
    fitting = [name for name, verdict in found.items() if verdict == "not excluded"]
    if fitting:
        return listed, f"{' or '.join(fitting)} they would not contradict each other"
    return listed, f"{either([*found])} they contradict each other all the same"


def either(names: Sequence[str]) -> str:
    """Write names as ``truncated, rounded up or rounded twice``."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _risen(curve: Curve) -> Contradiction | None:
    landmarks = zip(curve.rates, curve.windows, strict=True)
    for (early, before), (late, after) in combinations(landmarks, 2):
        if after.low > before.high:
            most = f"at most {_share(before.high)}"
            return _contradicted(
                (early, late),
                f"S never rises, and {_at(early)} is {most}",
                f"at {late.time_months:g} months S is {most}",
                _needs(late, "least", after.low),
            )
    return None


def _beside_median(curve: Curve) -> Contradiction | None:
    value = estimate(curve.median) if curve.median else None
    if curve.median is None or value is None:
        return None
    low, high = curve.convention.ends(value, curve.median.relation)
    ends = f"{float(low):g}", "" if high is None else f"{float(high):g}"
    span = "–".join(ends) if high is not None else f"{ends[0]} or more"
    for rate, window in zip(curve.rates, curve.windows, strict=True):
        time = Fraction(rate.time_months or 0.0)
        after = high is not None and time >= high and window.low > HALF
        if not after and not (time < low and window.high < HALF):
            continue
        side, bound = ("most", window.low) if after else ("least", window.high)
        until = f"from {ends[1]} months on" if after else f"before {ends[0]} months"
        return _contradicted(
            (rate, curve.median),
            f"the median is {_digits(curve.median)} months ({span}), so S is at {side} 1/2 {until}",
            f"at {rate.time_months:g} months S is at {side} 50%",
            _needs(rate, "least" if after else "most", bound),
            with_median=True,
        )
    return None


def _contradicted(
    of: Sequence[Figure], why: str, bound: str, needs: str, *, with_median: bool = False
) -> Contradiction:
    told = f"{why}; {bound}, and {needs}; so no number of patients gives both"
    keys = tuple(figure.key for figure in of)
    return Contradiction(keys, f"{bound}, {needs}", told, with_median)


def _at(rate: Figure) -> str:
    return f"{_digits(rate)}% at {rate.time_months:g} months"


def _needs(rate: Figure, side: str, bound: Fraction) -> str:
    return f"the printed {_digits(rate)}% needs at {side} {_share(bound)}"


def _share(value: Fraction) -> str:
    return f"{float(value * 100):g}%"


def median_windows(curve: Curve) -> tuple[Window, ...] | None:
    """Narrow the windows by the printed median; None where a window is left empty.

    S is at least one half before the median and at most one half from it on (`contradiction` says
    why both include it). A landmark within the rounding of the printed median stands on neither
    side. A median later than all landmarks adds one: S comes down to one half there.
    """
    median = estimate(curve.median) if curve.median else None
    if curve.median is None or median is None:
        return curve.windows
    earliest, latest = curve.convention.ends(median, curve.median.relation)
    windows = []
    for time, window in zip(map(Fraction, curve.times), curve.windows, strict=True):
        low, high = window.low, window.high
        if time < earliest:
            low = max(low, HALF)
        elif latest is not None and time >= latest:
            high = min(high, HALF)
        if low > high:
            return None
        windows.append(Window(low, high))
    if latest is not None and curve.times[-1] < earliest:
        windows.append(Window(Fraction(0), HALF))
    return tuple(windows)
