"""The numbers that a published figure prints, and which figure it repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sarcoma_sbrt.evidence.consistency.rounding import (
    Bounds,
    PrintedValue,
    printed_value,
    stated,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = [
    "RELATIONS",
    "by_key",
    "confidence_limits",
    "count_bounds",
    "counted",
    "estimate",
    "estimate_bounds",
    "p_value",
    "primary",
    "range_limits",
    "said",
    "share",
    "shown",
]

# How a reader sees the relation of an estimate to the fact.
RELATIONS = {"": "", "<": "< ", "<=": "≤ ", ">": "> ", ">=": "≥ ", "~": "about "}

Limits = tuple[PrintedValue, PrintedValue]


def by_key(figures: Sequence[Figure]) -> dict[str, Figure]:
    """Figures by their key, in the order given."""
    return {figure.key: figure for figure in figures}


def primary(figure: Figure, figures: Mapping[str, Figure]) -> Figure:
    """The figure that prints a fact first: the end of the chain of `duplicate_of`.

    A link to a figure that is not there ends the chain before it.

    Raises
    ------
    ValueError
        When the chain comes back to where it was.
    """
    seen = [figure.key]
    while figure.duplicate_of in figures:
        figure = figures[figure.duplicate_of]
        if figure.key in seen:
            raise ValueError(f"duplicates in a circle: {' → '.join([*seen, figure.key])}")
        seen.append(figure.key)
    return figure


def estimate(figure: Figure) -> PrintedValue | None:
    """The figure's own number; a count is exact."""
    if figure.estimate is None:
        return None
    return printed_value(figure.printed_text, figure.estimate, exact=figure.measure == "count")


def estimate_bounds(figure: Figure) -> Bounds | None:
    """The facts that the figure's own number allows, with its relation ("over 5000")."""
    value = estimate(figure)
    return None if value is None else stated(value, figure.relation)


def said(figure: Figure) -> str:
    """The figure's own number as it is printed, with its relation; empty without one."""
    value = estimate(figure)
    return "" if value is None else RELATIONS[figure.relation] + value.text


def share(figure: Figure) -> PrintedValue | None:
    """The percentage of a figure that is a quotient of counts.

    Survival rates are none and are left out, unless they are crude.
    """
    crude = figure.measure == "rate" and figure.estimator == "crude"
    plain = figure.measure == "proportion" and figure.estimator in ("", "crude", "descriptive")
    return estimate(figure) if (crude or plain) and figure.unit == "percent" else None


def confidence_limits(figure: Figure) -> Limits | None:
    """Lower and upper confidence limit, where both are printed."""
    return _pair(figure.printed_ci, figure.ci_low, figure.ci_high)


def range_limits(figure: Figure) -> Limits | None:
    """Minimum and maximum, where both are printed."""
    return _pair(figure.printed_range, figure.range_low, figure.range_high)


def _pair(text: str, low: float | None, high: float | None) -> Limits | None:
    if low is None or high is None:
        return None
    return printed_value(text, low), printed_value(text, high)


def p_value(figure: Figure) -> PrintedValue | None:
    """The p value printed with a figure, or that the figure is."""
    if figure.p is not None:
        return printed_value(figure.printed_p, figure.p)
    return estimate(figure) if figure.measure == "p_value" else None


def counted(figure: Figure) -> int | None:
    """How many a figure counts: a count itself, the numerator of a share or of a schedule."""
    if figure.measure == "count":
        number = figure.estimate
        return int(number) if number is not None and number == int(number) else None
    return figure.events if figure.measure in ("proportion", "rate", "schedule") else None


def count_bounds(figure: Figure) -> Bounds | None:
    """How many a figure allows to be counted; a count may be printed as a bound."""
    number = counted(figure)
    if number is None:
        return None
    relation = figure.relation if figure.measure == "count" else ""
    return stated(PrintedValue(str(number), exact=True), relation)


def shown(figure: Figure) -> str:
    """Everything that a figure prints, in one line."""
    percent = figure.unit == "percent" and figure.printed_text[-1:].isdigit()
    relation = RELATIONS[figure.relation] if figure.printed_text else ""
    parts = [relation + figure.printed_text + ("%" if percent else "")]
    if figure.events is not None:
        parts.append(f"{figure.events}/{figure.n}" if figure.n is not None else f"{figure.events}")
    if figure.printed_ci:
        parts.append(f"{_level(figure)}CI {figure.printed_ci}")
    if figure.printed_range:
        parts.append(f"range {figure.printed_range}")
    if figure.printed_p:
        parts.append(f"p {figure.p_relation or '='} {figure.printed_p}")
    if figure.time_months is not None:
        parts.append(f"at {figure.time_months:g} months")
    return ", ".join(part for part in parts if part)


def _level(figure: Figure) -> str:
    return "" if figure.ci_level is None else f"{figure.ci_level:g}% "
