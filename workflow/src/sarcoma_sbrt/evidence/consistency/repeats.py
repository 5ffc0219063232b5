"""One fact printed in two places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.readings import (
    by_key,
    confidence_limits,
    counted,
    estimate,
    p_value,
    primary,
    range_limits,
    shown,
)
from sarcoma_sbrt.evidence.consistency.rounding import (
    Interval,
    PrintedValue,
    printed_value,
    same_at_coarser,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["Comparison", "comparisons", "repeats"]

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


@dataclass(frozen=True)
class Comparison:
    """One quantity as two figures print it.

    Attributes
    ----------
    quantity : str
        ``percent``, ``count``, ``median``, ``lower limit``, ``p`` …
    first, second : str
        The two texts; a p with its relation.
    same : bool
        Equal at the coarser of the two precisions.
    """

    quantity: str
    first: str
    second: str
    same: bool

    def text(self, equal: str = "=", unequal: str = "≠") -> str:
        """``p 0.009 = 0.0094``."""
        return f"{self.quantity} {self.first} {equal if self.same else unequal} {self.second}"


def repeats(figures: Sequence[Figure]) -> list[Finding]:
    """Facts that are printed more than once.

    Every figure with `duplicate_of` is compared with the one that prints the fact first; figures
    of one study in different papers that say the same quantity of the same people at the same
    time are compared without being told. Numbers are the same when the finer, rounded as the
    coarser is, gives its digits. A time that differs is a finding of its own.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``repeat``; keys: the repetition, then the figure it repeats.
        ``detail["kind"]`` is ``value`` or ``time``.

    Raises
    ------
    ValueError
        When duplicates go round in a circle.
    """
    known = by_key(figures)
    pairs = [(f, primary(f, known)) for f in figures if f.duplicate_of in known]
    pairs += list(_across_papers(figures, known))
    return [finding for pair in pairs for finding in _judged(*pair)]


def _across_papers(
    figures: Sequence[Figure], known: Mapping[str, Figure]
) -> Iterator[tuple[Figure, Figure]]:
    """Each first figure of a paper with the first one of an earlier paper that says the same."""
    groups: dict[tuple[object, ...], dict[str, Figure]] = defaultdict(dict)
    for figure in figures:
        if primary(figure, known) is figure:
            groups[_subject(figure)].setdefault(figure.paper, figure)
    for group in groups.values():
        first, *others = group.values()
        yield from ((other, first) for other in others)


def _subject(figure: Figure) -> tuple[object, ...]:
    """Whose figure it is and what it says."""
    f = figure
    people = (f.study_id, f.subgroup, f.arm, f.unit_of_analysis)
    contrast = (f.model, f.level.casefold(), f.reference.casefold(), f.adjusted_for)
    return (*people, f.endpoint, f.category, f.measure, f.unit, f.time_months, *contrast)


def _judged(figure: Figure, first: Figure) -> Iterator[Finding]:
    keys = (figure.key, first.key)
    printed = f"{shown(figure)} | {shown(first)}"
    places = {"places": [figure.locator, first.locator]}
    compared = comparisons(figure, first)
    if compared:
        different = [c.quantity for c in compared if not c.same]
        yield Finding(
            "repeat",
            keys,
            "inconsistent" if different else "consistent",
            printed,
            ", ".join(different),
            "; ".join(c.text() for c in compared),
            {"kind": "value", "different": different, **places},
        )
    else:
        reason = "the two figures print no quantity of one kind"
        yield unverifiable("repeat", keys, printed, reason, kind="value", **places)
    if None not in (figure.time_months, first.time_months):
        yield from _times(figure, first, printed)


def _times(figure: Figure, first: Figure, printed: str) -> Iterator[Finding]:
    if figure.time_months == first.time_months:
        return
    here, there = f"{figure.time_months:g} months", f"{first.time_months:g} months"
    yield Finding(
        "repeat",
        (figure.key, first.key),
        "inconsistent",
        printed,
        "time",
        f"time {here} ≠ {there}",
        {"kind": "time", "places": [figure.locator, first.locator]},
    )


# --- quantities ---------------------------------------------------------------------------


def comparisons(figure: Figure, other: Figure) -> list[Comparison]:
    """Every quantity that both figures print, compared.

    Parameters
    ----------
    figure, other : Figure

    Returns
    -------
    list of Comparison
        Times are not among them. Lengths in cm and mm, and times in months and years, are
        brought to one unit; other pairs of units are not comparable and are left out.
    """
    first, second = _quantities(figure), _quantities(other)
    said = figure.printed_n or other.printed_n  # an n that neither prints was inferred
    compared = []
    for name in [n for n in first if n in second and (n != "n" or said)]:
        same = _same(name, first[name], second[name], figure.unit, other.unit)
        if same is not None:
            texts = first[name].text, second[name].text
            compared.append(Comparison(name, *_with_units(name, texts, figure, other), same))
    return [*compared, *_p_values(figure, other)]


def _quantities(figure: Figure) -> dict[str, PrintedValue]:
    """What a figure prints, by name; p values apart."""
    said: dict[str, PrintedValue | None] = {}
    if figure.measure not in ("count", "p_value", "schedule"):
        name = "percent" if figure.unit == "percent" else figure.measure.replace("_", " ")
        said[name] = estimate(figure)
    whole = {"count": counted(figure), "n": figure.n}
    if "count" not in figure.measure and whole["count"] is None:
        whole["events"] = figure.events
    said |= {name: _exact(number) for name, number in whole.items()}
    said |= _named(("lower limit", "upper limit"), confidence_limits(figure))
    said |= _named(("minimum", "maximum"), range_limits(figure))
    said |= _prescription(figure)
    return {name: value for name, value in said.items() if value is not None}


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


def _same(
    name: str, first: PrintedValue, second: PrintedValue, unit: str, other_unit: str
) -> bool | None:
    """Whether two texts say one number; None where their units cannot be compared."""
    if unit == other_unit or name.startswith(_UNITLESS):
        return same_at_coarser(first, second)
    kind, factor = _UNITS.get(unit, (unit, Fraction(1)))
    other_kind, other_factor = _UNITS.get(other_unit, (other_unit, Fraction(1)))
    if kind != other_kind:
        return None
    return first.interval.scaled(factor).overlaps(second.interval.scaled(other_factor))


def _with_units(
    name: str, texts: tuple[str, str], figure: Figure, other: Figure
) -> tuple[str, str]:
    if figure.unit == other.unit or name.startswith(_UNITLESS):
        return texts
    return f"{texts[0]} {figure.unit}", f"{texts[1]} {other.unit}"


def _p_values(figure: Figure, other: Figure) -> list[Comparison]:
    first, second = p_value(figure), p_value(other)
    if first is None or second is None:
        return []
    here, there = figure.p_relation or "=", other.p_relation or "="
    if here == there:
        same = same_at_coarser(first, second)
    else:
        same = _compatible(first, here, second, there)
    marks = [f"{r} " if r != "=" else "" for r in (here, there)]
    return [Comparison("p", f"{marks[0]}{first.text}", f"{marks[1]}{second.text}", same)]


def _compatible(first: PrintedValue, here: str, second: PrintedValue, there: str) -> bool:
    """Whether one p can satisfy two statements of different kinds."""
    return _allowed(first, here).overlaps(_allowed(second, there))


def _allowed(p: PrintedValue, relation: str) -> Interval:
    if relation in ("<", "≤"):
        return Interval(Fraction(0), p.value)
    if relation in (">", "≥"):
        return Interval(p.value, Fraction(1))
    return p.interval
