"""What a printed decimal says: the interval of true values that its rounding allows.

Bounds are exact fractions. Journals do not say whether they round a half up or to even, so both
end points belong to the interval: 0.40 stands for any value from 0.395 to 0.405.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

__all__ = [
    "Bounds",
    "Interval",
    "PrintedValue",
    "decimal_text",
    "exact_text",
    "printed_value",
    "roundings",
    "same_at_coarser",
    "stated",
]

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")


@dataclass(frozen=True)
class Interval:
    """A closed interval of exact numbers.

    Attributes
    ----------
    low, high : Fraction
        End points, both included.
    """

    low: Fraction
    high: Fraction

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Fraction | int) and self.low <= value <= self.high

    def __add__(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)

    def scaled(self, factor: Fraction) -> Interval:
        """The interval in another unit (`factor` above 0)."""
        return Interval(self.low * factor, self.high * factor)

    def overlaps(self, other: Interval) -> bool:
        """Whether one true value can lie in both."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class Bounds:
    """What a statement about a number allows; a side without end is None.

    Attributes
    ----------
    low, high : Fraction or None
        End points.
    open_low, open_high : bool
        The end point itself is excluded: more than 5 is not 5.
    """

    low: Fraction | None
    high: Fraction | None
    open_low: bool = False
    open_high: bool = False

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(
            None if self.low is None or other.low is None else self.low + other.low,
            None if self.high is None or other.high is None else self.high + other.high,
            self.open_low or other.open_low,
            self.open_high or other.open_high,
        )

    def scaled(self, factor: Fraction) -> Bounds:
        """The bounds in another unit (`factor` above 0)."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Bounds(low, high, self.open_low, self.open_high)

    def overlaps(self, other: Bounds) -> bool:
        """Whether one number satisfies both."""
        return not self.exceeds(other) and not other.exceeds(self)

    def exceeds(self, other: Bounds) -> bool:
        """Whether every number here is above every number there."""
        if self.low is None or other.high is None:
            return False
        if self.open_low or other.open_high:
            return self.low >= other.high
        return self.low > other.high


@dataclass(frozen=True)
class PrintedValue:
    """A number as it is printed.

    Attributes
    ----------
    text : str
        The digits as printed, such as ``0.40`` or ``13,460``.
    exact : bool
        A whole number that was counted and not rounded.
    """

    text: str
    exact: bool = False

    @property
    def value(self) -> Fraction:
        """The number that the digits say."""
        return Fraction(self.text.replace(",", ""))

    @property
    def places(self) -> int:
        """Digits printed after the decimal point."""
        return len(self.text.partition(".")[2])

    @property
    def interval(self) -> Interval:
        """The true values that this text can stand for, never below zero."""
        half = Fraction(0) if self.exact else Fraction(1, 2 * 10**self.places)
        return Interval(max(Fraction(0), self.value - half), self.value + half)


def stated(printed: PrintedValue, relation: str = "") -> Bounds:
    """The facts that a printed number allows, given how it is said to stand to them.

    Parameters
    ----------
    printed : PrintedValue
    relation : str
        Empty: the number itself, as it is rounded. ``<``, ``<=``, ``>``, ``>=``: a bound on one
        side; one that was counted is itself excluded by ``<`` and ``>``. ``~`` (about): a whole
        number is rounded at its last digit that is not zero (about 13,000 is 12,500 to 13,500), a
        decimal at its last digit.
    """
    bounds = printed.interval
    if relation == "~":
        half = _last_digit(printed) / 2
        return Bounds(max(Fraction(0), printed.value - half), printed.value + half)
    if relation.startswith("<"):
        return Bounds(Fraction(0), bounds.high, open_high=printed.exact and relation == "<")
    if relation.startswith(">"):
        return Bounds(bounds.low, None, open_low=printed.exact and relation == ">")
    return Bounds(bounds.low, bounds.high)


def _last_digit(printed: PrintedValue) -> Fraction:
    """Weight of the last digit that was meant."""
    if printed.places:
        return Fraction(1, 10**printed.places)
    digits = printed.text.replace(",", "").lstrip("0")
    return Fraction(10 ** (len(digits) - len(digits.rstrip("0"))))


def printed_value(text: str, number: float, *, exact: bool = False) -> PrintedValue:
    """The digits in a printed text that say a number.

    Parameters
    ----------
    text : str
        What is printed: ``25.0``, ``20.0–45.0``, ``Thirteen``; a hyphen separates, it is no sign.
    number : float
        The number that was transcribed from it, not negative.
    exact : bool
        The number was counted, so nothing was rounded.

    Returns
    -------
    PrintedValue
        The token of `text` with this value, the one with most digits where several have it; a
        text without it (a word, a misprint) gives the number in its shortest decimal form.
    """
    wanted = Fraction(str(number))
    tokens = [PrintedValue(token, exact) for token in _NUMBER.findall(text)]
    said = [token for token in tokens if token.value == wanted]
    return max(said, key=lambda token: token.places, default=PrintedValue(_plain(number), exact))


def _plain(number: float) -> str:
    text = format(Decimal(str(number)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def roundings(value: Fraction, places: int) -> tuple[str, ...]:
    """A number's texts at so many decimals: two when it lies exactly half-way.

    Parameters
    ----------
    value : Fraction
        The exact number.
    places : int
        Decimals wanted.
    """
    scaled = value * 10**places
    below = math.floor(scaled)
    if scaled - below == Fraction(1, 2):
        return _fixed(below, places), _fixed(below + 1, places)
    return (_fixed(math.floor(scaled + Fraction(1, 2)), places),)


def _fixed(scaled: int, places: int) -> str:
    return format(Decimal(scaled).scaleb(-places), "f")


def decimal_text(value: Fraction, places: int) -> str:
    """A number at so many decimals, a half rounded up."""
    return roundings(value, places)[-1]


def exact_text(value: Fraction, places: int) -> str:
    """A number with enough digits that its rounding to `places` can be done by hand.

    One digit more than `places`; further ones as long as what is shown seems to lie half-way
    and does not. Trailing zeros of a number that ends there are kept to `places`.
    """
    shown = places + 1
    while True:
        text = decimal_text(value, shown)
        if Fraction(text) == value:
            return _trimmed(text, places)
        if len(roundings(Fraction(text), places)) == 1:
            return text
        shown += 1


def _trimmed(text: str, places: int) -> str:
    whole, point, decimals = text.partition(".")
    kept = decimals[:places] + decimals[places:].rstrip("0")
    return whole + point + kept if kept else whole


def same_at_coarser(first: PrintedValue, second: PrintedValue) -> bool:
    """Whether two texts print one number: the finer, rounded as the coarser is, gives its digits.

    25.0 and 25 do, 0.0094 and 0.009 do, 2.5 and either of 2 and 3 do.
    """
    coarse, fine = sorted((first, second), key=lambda printed: printed.places)
    return any(Fraction(text) == coarse.value for text in roundings(fine.value, coarse.places))
