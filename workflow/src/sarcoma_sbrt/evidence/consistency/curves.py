"""Printed Kaplan-Meier rates of one group as landmarks of one curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.enumeration import Window, find_order
from sarcoma_sbrt.evidence.consistency.readings import estimate
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["Curve", "curves", "median_windows", "rate_window", "windows_at"]

ANYTHING = Window(Fraction(0), Fraction(1))
HALF = Fraction(1, 2)


@dataclass(frozen=True)
class Curve:
    """The printed rates of one group in the order of time, and its printed median."""

    rates: tuple[Figure, ...]
    median: Figure | None

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
        return tuple(rate_window(rate) for rate in self.rates)

    @property
    def n(self) -> int | None:
        """Patients (or lesions) of the group, where the rates say so and agree."""
        known = {rate.n for rate in self.rates}
        return known.pop() if len(known) == 1 else None

    @property
    def name(self) -> str:
        """Endpoint and subgroup, as a reader sees them."""
        first = self.rates[0]
        parts = (first.endpoint, first.category, first.subgroup, first.arm)
        return " ".join(part.replace("_", " ") for part in parts if part)

    @property
    def printed(self) -> str:
        """The rates with their times: ``57.9% at 12, 6.0% at 36 months``."""
        rates = zip(self.rates, self.times, strict=True)
        return ", ".join(f"{_digits(rate)}% at {time:g}" for rate, time in rates) + " months"

    @property
    def unreadable(self) -> str:
        """Why the rates cannot be held against a number of patients; empty where they can."""
        if len(set(self.times)) < len(self.times):
            return "two rates are printed for one time"
        if len({rate.n for rate in self.rates}) > 1:
            return "the rates of the curve are printed with different numbers of patients"
        if any(rate.n is not None and rate.n < 1 for rate in self.rates):
            return "the group has no patients"
        return ""

    def least_n(self, most: int) -> int | None:
        """Least number of patients that can have the rates; None where `most` are too few.

        What n patients can give, n + 1 can: one is censored first.
        """
        able = (n for n in range(1, most + 1) if find_order(n, self.windows) is not None)
        return next(able, None)


def curves(figures: Sequence[Figure]) -> list[Curve]:
    """Curves of the Kaplan-Meier rates that are printed first, in the order given.

    Rows belong to one curve by study, paper, endpoint, category, subgroup and arm.
    """
    groups: dict[tuple[str, ...], list[Figure]] = {}
    medians: dict[tuple[str, ...], Figure] = {}
    for figure in figures:
        if figure.duplicate_of or figure.estimate is None or figure.estimator != "kaplan_meier":
            continue
        if figure.measure == "rate" and figure.time_months is not None:
            groups.setdefault(_group(figure), []).append(figure)
        elif figure.measure == "median" and figure.unit == "months":
            medians.setdefault(_group(figure), figure)
    return [
        Curve(tuple(sorted(rates, key=lambda rate: rate.time_months or 0.0)), medians.get(group))
        for group, rates in groups.items()
    ]


def _group(figure: Figure) -> tuple[str, ...]:
    whose = (figure.study_id, figure.paper, figure.endpoint)
    return (*whose, figure.category, figure.subgroup, figure.arm)


def _digits(rate: Figure) -> str:
    value = estimate(rate)
    return value.text if value else rate.printed_text


def rate_window(rate: Figure) -> Window:
    """Values of S that a printed rate allows, both ends of its rounding included, at most 1."""
    value = estimate(rate)
    if value is None:
        return ANYTHING
    interval = value.interval.scaled(Fraction(1, 100 if rate.unit == "percent" else 1))
    return Window(interval.low, min(interval.high, Fraction(1)))


def windows_at(curve: Curve, times: Sequence[float]) -> list[Window]:
    """The curve's window at each time; anything where no rate is printed."""
    known = dict(zip(curve.times, curve.windows, strict=True))
    return [known.get(time, ANYTHING) for time in times]


def median_windows(curve: Curve) -> tuple[Window, ...] | None:
    """Narrow the windows by the printed median; None where a window is left empty.

    S is at least one half before the median and at most one half from it on (programs differ in
    what they do with a curve that rests at one half exactly, so both sides may include it). A
    landmark within the rounding of the printed median stands on neither side. A median later than
    all landmarks adds one: S comes down to one half there.
    """
    median = estimate(curve.median) if curve.median else None
    if median is None:
        return curve.windows
    windows = []
    for time, window in zip(map(Fraction, curve.times), curve.windows, strict=True):
        low, high = window.low, window.high
        if time < median.interval.low:
            low = max(low, HALF)
        elif time >= median.interval.high:
            high = min(high, HALF)
        if low > high:
            return None
        windows.append(Window(low, high))
    if curve.times[-1] < median.interval.low:
        windows.append(Window(Fraction(0), HALF))
    return tuple(windows)
