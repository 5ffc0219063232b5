"""Printed numbers read a second time, from the cells of the published tables.

Plain Python: what a text of digits stands for, and how a number is written. It shares no code with
`sarcoma_sbrt.evidence`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

__all__ = [
    "MONTHS",
    "Allowed",
    "Figure",
    "Printed",
    "allowed_count",
    "allowed_estimate",
    "counted",
    "estimate",
    "interval",
    "p_of",
    "percentage",
    "place_of",
    "printed",
    "related",
    "rounded",
    "said",
    "shown",
    "span_of",
    "told",
    "written",
]

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d*\.?\d+")
_RELATIONS = {"": "", "<": "< ", "<=": "≤ ", ">": "> ", ">=": "≥ ", "~": "about "}
_DIGITS = 60


@dataclass(frozen=True)
class Figure:
    """One row of the tables of printed figures; an empty cell is an empty text."""

    key: str
    cells: Mapping[str, str]
    paper: str = ""

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def number(self, column: str) -> float | None:
        """A cell as a number; None where it is empty."""
        return float(self.cells[column]) if self.cells[column] else None

    def whole(self, column: str) -> int | None:
        """A cell as a whole number; None where it is empty."""
        return int(self.cells[column]) if self.cells[column] else None

    def keys(self, column: str) -> tuple[str, ...]:
        """Keys that a cell lists, parted by semicolons."""
        return tuple(filter(None, (part.strip() for part in self.cells[column].split(";"))))

    def same(self, other: Figure, *columns: str) -> bool:
        """Whether two rows have the same cells in some columns."""
        return all(self.cells[column] == other.cells[column] for column in columns)

    @property
    def locator(self) -> str:
        """Where a reader finds it."""
        where = [self.paper, place_of(self["place"])]
        if not self["place"].startswith("table_"):
            return ", ".join(filter(None, [*where, self["row"]]))
        marked = {name: self[name] for name in ("row", "column") if self[name]}
        return ", ".join([*where, *(f"{name} “{text}”" for name, text in marked.items())])


def place_of(place: str) -> str:
    """A place as readers write it: ``section_4_1`` is Section 4.1."""
    first, *rest = place.split("_")
    if first in ("table", "section"):
        return f"{first.capitalize()} {'.'.join(rest)}"
    return ", ".join(filter(None, (first.capitalize(), " ".join(rest))))


# --- digits -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """Digits as printed; `exact` where they count something and nothing was rounded."""

    text: str
    exact: bool = False

    @property
    def value(self) -> Fraction:
        """The number that the digits say."""
        return Fraction(self.text.replace(",", ""))

    @property
    def places(self) -> int:
        """Decimals printed."""
        return len(self.text.split(".")[1]) if "." in self.text else 0

    @property
    def ends(self) -> tuple[Fraction, Fraction]:
        """Least and greatest true value: half a last digit to either side, not below 0."""
        half = 0 if self.exact else Fraction(5, 10 ** (self.places + 1))
        return max(self.value - half, Fraction(0)), self.value + half


@dataclass(frozen=True)
class Allowed:
    """True values that a statement allows; None is no end. An open end is itself excluded."""

    low: Fraction | None
    high: Fraction | None
    open_low: bool = False
    open_high: bool = False

    def above(self, other: Allowed) -> bool:
        """Whether all of it lies above all of another."""
        if self.low is None or other.high is None:
            return False
        touching = self.open_low or other.open_high
        return self.low > other.high or (touching and self.low == other.high)

    def meets(self, other: Allowed) -> bool:
        """Whether one value can be in both."""
        return not (self.above(other) or other.above(self))

    def times(self, factor: Fraction) -> Allowed:
        """The values in another unit."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Allowed(low, high, self.open_low, self.open_high)


def printed(text: str, number: float, *, exact: bool = False) -> Printed:
    """The longest digits of a text that say a number; its shortest decimals where none do."""
    wanted = Fraction(repr(number))
    found = [Printed(token, exact) for token in _TOKEN.findall(text)]
    said_ = sorted((p for p in found if p.value == wanted), key=lambda p: -p.places)
    plain = f"{Decimal(repr(number)):f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return said_[0] if said_ else Printed(plain, exact)


def span_of(number: Printed, relation: str = "") -> Allowed:
    """What a printed number allows, by how it is said to stand to the fact."""
    low, high = number.ends
    if relation == "~":
        half = _weight(number) / 2
        return Allowed(max(number.value - half, Fraction(0)), number.value + half)
    if relation in ("<", "<="):
        return Allowed(Fraction(0), high, open_high=number.exact and relation == "<")
    if relation in (">", ">="):
        return Allowed(low, None, open_low=number.exact and relation == ">")
    return Allowed(low, high)


def _weight(number: Printed) -> Fraction:
    """Weight of the last digit that was meant: of 13,000 a thousand."""
    if number.places:
        return Fraction(1, 10**number.places)
    digits = number.text.replace(",", "").lstrip("0")
    return Fraction(10 ** (len(digits) - len(digits.rstrip("0"))))


def rounded(value: Fraction, places: int) -> tuple[str, ...]:
    """A number at so many decimals; both neighbours where it lies half-way."""
    with localcontext() as context:
        context.prec = _DIGITS
        exact, step = Decimal(value.numerator) / value.denominator, Decimal(1).scaleb(-places)
        ways = (exact.quantize(step, mode) for mode in (ROUND_HALF_DOWN, ROUND_HALF_UP))
        return tuple(dict.fromkeys(f"{way:f}" for way in ways))


def written(value: Fraction, places: int) -> str:
    """A number with the digits that it takes to round it to `places` by hand."""
    for more in range(places + 1, places + _DIGITS):
        text = rounded(value, more)[-1]
        if Fraction(text) == value:
            whole, _, decimals = text.partition(".")
            kept = decimals[:places] + decimals[places:].rstrip("0")
            return f"{whole}.{kept}" if kept else whole
        if len(rounded(Fraction(text), places)) == 1:
            return text
    raise ValueError(f"{value} cannot be written")


# --- what a row prints --------------------------------------------------------------------


def estimate(figure: Figure) -> Printed | None:
    """The row's own number."""
    number = figure.number("estimate")
    if number is None:
        return None
    return printed(figure["printed_text"], number, exact=figure["measure"] == "count")


def allowed_estimate(figure: Figure) -> Allowed | None:
    """What the row's own number allows."""
    number = estimate(figure)
    return None if number is None else span_of(number, figure["relation"])


def related(relation: str, text: str) -> str:
    """A number behind the sign of how it stands to the fact."""
    return _RELATIONS[relation] + text


def said(figure: Figure) -> str:
    """The row's own number with its sign."""
    number = estimate(figure)
    return "" if number is None else related(figure["relation"], number.text)


def percentage(figure: Figure) -> Printed | None:
    """The percentage of a quotient of counts; survival rates are none."""
    plain = figure["measure"] == "proportion" and figure["estimator"] in (
        *("", "crude", "descriptive"),
    )
    crude = figure["measure"] == "rate" and figure["estimator"] == "crude"
    return estimate(figure) if figure["unit"] == "percent" and (plain or crude) else None


def interval(figure: Figure, kind: str) -> tuple[Printed, Printed] | None:
    """Printed limits (``ci``) or range (``range``), where both ends are."""
    low, high = figure.number(f"{kind}_low"), figure.number(f"{kind}_high")
    text = figure[f"printed_{kind}"]
    return None if low is None or high is None else (printed(text, low), printed(text, high))


def p_of(figure: Figure) -> Printed | None:
    """The p that a row prints, or is."""
    number = figure.number("p")
    if number is not None:
        return printed(figure["printed_p"], number)
    return estimate(figure) if figure["measure"] == "p_value" else None


def counted(figure: Figure) -> int | None:
    """How many a row counts."""
    if figure["measure"] == "count":
        number = figure.number("estimate")
        return None if number is None or number % 1 else int(number)
    if figure["measure"] in ("proportion", "rate", "schedule"):
        return figure.whole("events")
    return None


def allowed_count(figure: Figure) -> Allowed | None:
    """What a row allows to be counted; only a count may be a bound."""
    number = counted(figure)
    if number is None:
        return None
    relation = figure["relation"] if figure["measure"] == "count" else ""
    return span_of(Printed(str(number), exact=True), relation)


def shown(figure: Figure) -> str:
    """All that a row prints, in one line."""
    text, events, n = figure["printed_text"], figure["events"], figure["n"]
    percent = "%" if figure["unit"] == "percent" and text[-1:].isdigit() else ""
    level, months = figure.number("ci_level"), figure.number("time_months")
    parts = [
        related(figure["relation"], text) + percent if text else percent,
        (f"{events}/{n}" if n else events) if events else "",
        f"{'' if level is None else f'{level:g}% '}CI {figure['printed_ci']}"
        if figure["printed_ci"]
        else "",
        f"range {figure['printed_range']}" if figure["printed_range"] else "",
        f"p {figure['p_relation'] or '='} {figure['printed_p']}" if figure["printed_p"] else "",
        "" if months is None else f"at {months:g} months",
    ]
    return ", ".join(filter(None, parts))


def told(figures: Iterable[Figure]) -> tuple[str, str]:
    """Locators of several rows, and their places with each paper named once."""
    figures = list(figures)
    wheres: list[str] = []
    for at, figure in enumerate(figures):
        paper, rest = figure.locator.split(", ", 1)
        named = at and figures[at - 1].locator.split(", ", 1)[0] == paper
        if figure.locator not in wheres and (rest if named else figure.locator) not in wheres:
            wheres.append(rest if named else figure.locator)
    places: dict[str, list[str]] = {}
    for figure in figures:
        where = place_of(figure["place"]).split(",")[0]
        listed = places.setdefault(figure.locator.split(", ", 1)[0], [])
        if where not in listed:
            listed.append(where)
    return "; ".join(wheres), "; ".join(f"{p}, {_listed(of)}" for p, of in places.items())


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
