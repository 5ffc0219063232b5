"""The quantities that two figures print, held against each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.readings import (
    RELATIONS,
    confidence_limits,
    counted,
    estimate,
    p_value,
    range_limits,
)
from sarcoma_sbrt.evidence.consistency.rounding import (
    Interval,
    PrintedValue,
    printed_value,
    same_at_coarser,
    stated,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["MONTHS", "Comparison", "comparisons"]

# Units of one kind, as multiples of the smallest.
_UNITS = {
    "mm": ("length", Fraction(1)),
    "cm": ("length", Fraction(10)),
    "months": ("time", Fraction(1)),
    "years": ("time", Fraction(12)),
    "cc": ("volume", Fraction(1)),
    "ml": ("volume", Fraction(1)),
}
_UNITLESS = ("count", "percent", "n", "p", "events", "fractions", "dose")

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Comparison:
    """One quantity as two figures print it.

    Attributes
    ----------
    quantity : str
        ``percent``, ``count``, ``median``, ``lower limit``, ``p`` …
    first, second : str
        The two texts; a p, and an estimate printed as a bound, with its relation.
    same : bool
        Equal at the coarser of the two precisions; of a bound, that both can hold.
    bound : bool
        One of the two is printed as a bound ("over 5000").
    """

    quantity: str
    first: str
    second: str
    same: bool
    bound: bool = False

    def text(self, equal: str = "=", unequal: str = "≠") -> str:
        """``p 0.009 = 0.0094``; of a bound, ``count: > 5000 and 5350 can both hold``."""
        if self.bound and self.same and self.first != self.second:
            return f"{self.quantity}: {self.first} and {self.second} can both hold"
        return f"{self.quantity} {self.first} {equal if self.same else unequal} {self.second}"


def comparisons(figure: Figure, other: Figure) -> list[Comparison]:
    """Every quantity that both figures print, compared.

    Parameters
    ----------
    figure, other : Figure

    Returns
    -------
    list of Comparison
        Times are not among them. Lengths in cm and mm, and times in months and years, are
        brought to one unit; other pairs of units are not comparable and are left out. An estimate
        with a relation is a bound (`rounding.stated`). Ends of periods are compared by month
        where both print it, by year otherwise.
    """
    if figure.measure == other.measure == "period":
        return _periods(figure, other)
    first, second = _quantities(figure), _quantities(other)
    said = figure.printed_n or other.printed_n  # an n that neither prints was inferred
    compared = [
        _compared(name, (figure, first[name]), (other, second[name]))
        for name in first
        if name in second and (name != "n" or said)
    ]
    return [*(c for c in compared if c is not None), *_p_values(figure, other)]


def _quantities(figure: Figure) -> dict[str, PrintedValue]:
    """What a figure prints, by name; p values apart."""
    said: dict[str, PrintedValue | None] = {}
    if figure.measure not in ("count", "p_value", "schedule"):
        said[_estimated(figure)] = estimate(figure)
    whole = {"count": counted(figure), "n": figure.n}
    if "count" not in figure.measure and whole["count"] is None:
        whole["events"] = figure.events
    said |= {name: _exact(number) for name, number in whole.items()}
    said |= _named(("lower limit", "upper limit"), confidence_limits(figure))
    said |= _named(("minimum", "maximum"), range_limits(figure))
    said |= _prescription(figure)
    return {name: value for name, value in said.items() if value is not None}


def _estimated(figure: Figure) -> str:
    """What the figure's own number is called."""
    return "percent" if figure.unit == "percent" else figure.measure.replace("_", " ")


def _exact(number: int | None) -> PrintedValue | None:
    return None if number is None else PrintedValue(str(number), exact=True)


def _named(
    names: tuple[str, str], pair: tuple[PrintedValue, PrintedValue] | None
) -> dict[str, PrintedValue | None]:
    return dict(zip(names, pair, strict=True)) if pair else {}


def _prescription(figure: Figure) -> dict[str, PrintedValue | None]:
    numbers = {
        "dose from": figure.dose_low_gy,
        "dose to": figure.dose_high_gy,
        "fractions from": figure.fractions_low,
        "fractions to": figure.fractions_high,
    }
    text = figure.printed_text
    return {name: printed_value(text, v) for name, v in numbers.items() if v is not None}


# --- one quantity ---------------------------------------------------------------------------

_Printed = tuple[Figure, PrintedValue]


def _compared(name: str, here: _Printed, there: _Printed) -> Comparison | None:
    """Two texts of one quantity; None where their units cannot be compared."""
    relations = [f.relation if name == _estimated(f) else "" for f, _ in (here, there)]
    factors = _factors(name, here[0].unit, there[0].unit)
    if factors is None:
        return None
    bound, one_unit = any(relations), factors[0] == factors[1] == 1
    if one_unit and not bound:
        same = same_at_coarser(here[1], there[1])
    else:
        spans = [
            stated(value, relation).scaled(factor)
            for (_, value), relation, factor in zip((here, there), relations, factors, strict=True)
        ]
        same = spans[0].overlaps(spans[1])
    first, second = (
        RELATIONS[relation] + value.text + ("" if one_unit else f" {figure.unit}")
        for (figure, value), relation in zip((here, there), relations, strict=True)
    )
    return Comparison(name, first, second, same, bound)


def _factors(name: str, unit: str, other: str) -> tuple[Fraction, Fraction] | None:
    """Factors that bring two units to one; None where they are of different kinds."""
    if unit == other or name.startswith(_UNITLESS):
        return Fraction(1), Fraction(1)
    kind, factor = _UNITS.get(unit, (unit, Fraction(1)))
    other_kind, other_factor = _UNITS.get(other, (other, Fraction(1)))
    return (factor, other_factor) if kind == other_kind else None


def _p_values(figure: Figure, other: Figure) -> list[Comparison]:
    first, second = p_value(figure), p_value(other)
    if first is None or second is None:
        return []
    here, there = figure.p_relation or "=", other.p_relation or "="
    if here == there:
        same = same_at_coarser(first, second)
    else:
        same = _allowed(first, here).overlaps(_allowed(second, there))
    marks = [f"{r} " if r != "=" else "" for r in (here, there)]
    return [Comparison("p", f"{marks[0]}{first.text}", f"{marks[1]}{second.text}", same)]


def _allowed(p: PrintedValue, relation: str) -> Interval:
    if relation in ("<", "≤"):
        return Interval(Fraction(0), p.value)
    if relation in (">", "≥"):
        return Interval(p.value, Fraction(1))
    return p.interval


# --- periods --------------------------------------------------------------------------------

_DATE = re.compile(
    rf"(?:({'|'.join(MONTHS)})\s+(?:\d{{1,2}},?\s+)?)?\b(\d{{4}})\b(?:-(\d{{2}})-\d{{2}}\b)?"
)


_LAST_YEAR = 9999


@dataclass(frozen=True)
class _Date:
    """A year, and its month where that is printed."""

    year: int
    month: str

    def __str__(self) -> str:
        return f"{self.month} {self.year}".strip()

    def agrees(self, other: _Date) -> bool:
        months = {self.month, other.month} - {""}
        return self.year == other.year and len(months) < 2


def _periods(figure: Figure, other: Figure) -> list[Comparison]:
    first, second = _dates(figure), _dates(other)
    return [
        Comparison(name, str(first[name]), str(second[name]), first[name].agrees(second[name]))
        for name in first
        if name in second
    ]


def _dates(figure: Figure) -> Mapping[str, _Date]:
    """Ends of a period, or its one date."""
    if figure.range_low is None or figure.range_high is None:
        numbers, names, text = [figure.estimate], ["year"], figure.printed_text
    else:
        numbers, names = [figure.range_low, figure.range_high], ["from", "to"]
        text = figure.printed_range
    stored = [_stored(int(number)) for number in numbers if number is not None]
    found = [_date(*match.groups(default="")) for match in _DATE.finditer(text)]
    if [date.year for date in found] != [date.year for date in stored]:
        found = stored  # "2009–19" says its second year by two digits
    return dict(zip(names, found, strict=False))


def _stored(number: int) -> _Date:
    """A year, or year and month as one number: 200906."""
    year, month = divmod(number, 100) if number > _LAST_YEAR else (number, 0)
    return _Date(year, MONTHS[month - 1] if 1 <= month <= len(MONTHS) else "")


def _date(name: str, year: str, number: str) -> _Date:
    return _Date(int(year), MONTHS[int(number) - 1] if number else name)
