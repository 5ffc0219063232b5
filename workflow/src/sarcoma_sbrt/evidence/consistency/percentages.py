"""Percentages against the counts that they are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.readings import RELATIONS, counted, share, shown
from sarcoma_sbrt.evidence.consistency.rounding import (
    Bounds,
    PrintedValue,
    exact_text,
    roundings,
    stated,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["POPULATIONS", "percentages"]

# Endpoint of the rows that count a study's patients or lesions -> unit of analysis.
POPULATIONS = {"patients": "patient", "lesions": "lesion"}
_UNITS = {unit: plural for plural, unit in POPULATIONS.items()}
_SHARES = ("proportion", "rate")
_HUNDRED = Fraction(100)
_SHOWN_COUNTS = 3


def percentages(figures: Sequence[Figure]) -> list[Finding]:
    """Percentages against the counts that they are made of.

    With numerator and denominator printed: whether their quotient rounds to the percentage.
    With the denominator alone: whether any whole count does (GRIM for proportions: Brown NJL,
    Heathers JAJ, Soc Psychol Personal Sci 2017;8:363-369), and which counts do. With neither:
    the same for every number of patients or lesions that is printed of the study (of the same
    subgroup and arm); consistent where one fits, inconsistent where the percentage is said to be
    of patients (of lesions), their number is printed and no population fits. A half may have been
    rounded either way; a percentage printed as a bound ("over 80%") is one. Survival rates are no
    quotients of counts and are left out, unless they are crude.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``count_percentage``, one for each share, repeated ones too.
        ``detail["fits"]`` lists the populations of which a percentage without denominator can be
        a share, ``detail["tried"]`` all that were tried.
    """
    shares = ((figure, share(figure)) for figure in figures)
    return [_percentage(f, value, figures) for f, value in shares if value is not None]


def _percentage(figure: Figure, value: PrintedValue, figures: Sequence[Figure]) -> Finding:
    allowed = stated(value, figure.relation)
    if figure.n is None or figure.n < 1:
        return _any_population(figure, value, allowed, list(_populations(figure, figures)))
    if figure.events is not None:
        return _quotient(figure, value, allowed, figure.events, figure.n)
    return _any_count(figure, value, allowed, figure.n)


def _printed(figure: Figure, value: PrintedValue) -> str:
    return f"{RELATIONS[figure.relation]}{value.text}%"


def _quotient(figure: Figure, value: PrintedValue, allowed: Bounds, events: int, n: int) -> Finding:
    exact = _HUNDRED * events / n
    agrees = allowed.overlaps(Bounds(exact, exact))
    arithmetic = _division(events, n, value.places)
    if not agrees or figure.relation:
        arithmetic += f", printed {_printed(figure, value)}"
    return Finding(
        "count_percentage",
        (figure.key,),
        "consistent" if agrees else "inconsistent",
        f"{events}/{n}, {_printed(figure, value)}",
        _rounded_percent(exact, value.places),
        arithmetic,
        {"events": events, "n": n, "percent": float(exact)},
    )


def _any_count(figure: Figure, value: PrintedValue, allowed: Bounds, n: int) -> Finding:
    counts = _counts_giving(allowed, n)
    arithmetic = _divisions(counts, n, value.places) or (
        f"{_neighbours(value, n)}; printed {_printed(figure, value)}"
    )
    return Finding(
        "count_percentage",
        (figure.key,),
        "possible" if counts else "impossible",
        f"{_printed(figure, value)} of {n}",
        _listed(counts, n) if counts else "no count",
        arithmetic,
        {"counts": list(counts), "n": n, "n_printed_beside": bool(figure.printed_n)},
    )


def _counts_giving(allowed: Bounds, n: int) -> range:
    """Counts of n whose share is allowed."""
    low = 0 if allowed.low is None else math.ceil(allowed.low * n / 100)
    high = n if allowed.high is None else min(math.floor(allowed.high * n / 100), n)
    return range(low, high + 1)


def _neighbours(value: PrintedValue, n: int) -> str:
    below = math.floor(value.value * n / 100)
    near = [k for k in (below, below + 1) if 0 <= k <= n]
    return "; ".join(_division(k, n, value.places) for k in near)


def _divisions(counts: range, n: int, places: int) -> str:
    text = "; ".join(_division(k, n, places) for k in counts[:_SHOWN_COUNTS])
    if len(counts) > _SHOWN_COUNTS:
        text += f"; … {_division(counts[-1], n, places)}"
    return text


def _listed(counts: range, n: int) -> str:
    if len(counts) <= _SHOWN_COUNTS:
        return " or ".join(f"{k}/{n}" for k in counts)
    return f"{counts[0]}/{n} to {counts[-1]}/{n}"


def _division(events: int, n: int, places: int) -> str:
    """``25/37 = 67.57% → 67.6%``."""
    value = _HUNDRED * events / n
    return f"{events}/{n} = {exact_text(value, places)}% → {_rounded_percent(value, places)}"


def _rounded_percent(value: Fraction, places: int) -> str:
    return " or ".join(f"{text}%" for text in roundings(value, places))


# --- a percentage without denominator -------------------------------------------------------


@dataclass(frozen=True)
class _Population:
    """A printed number of patients or lesions, of which a percentage may be a share."""

    key: str
    unit: str
    n: int

    @property
    def name(self) -> str:
        return f"{self.n} {_UNITS.get(self.unit, '')}".rstrip()


def _populations(figure: Figure, figures: Sequence[Figure]) -> Iterator[_Population]:
    """Every printed number of patients or lesions of the figure's study, subgroup and arm."""
    seen = set()
    for other in figures:
        population = _population(figure, other)
        if population is not None and (population.unit, population.n) not in seen:
            seen.add((population.unit, population.n))
            yield population


def _population(figure: Figure, other: Figure) -> _Population | None:
    group = (figure.study_id, figure.subgroup, figure.arm)
    if other.key == figure.key or (other.study_id, other.subgroup, other.arm) != group:
        return None
    size = counted(other)
    if other.measure == "count" and size and _is_group(other):
        unit = POPULATIONS.get(other.endpoint, other.unit_of_analysis)
        return _Population(other.key, unit, size)
    if other.measure in _SHARES and other.endpoint == figure.endpoint and other.n:
        return _Population(other.key, other.unit_of_analysis, other.n)
    return None


def _is_group(count: Figure) -> bool:
    """Whether a count is the size of its own population, subgroup or arm."""
    named = count.category and count.category in (count.subgroup, count.arm)
    return count.endpoint in POPULATIONS or bool(named)


def _any_population(
    figure: Figure, value: PrintedValue, allowed: Bounds, tried: Sequence[_Population]
) -> Finding:
    printed = shown(figure)
    if not tried:
        reason = "no denominator is printed or known"
        return unverifiable("count_percentage", [figure.key], printed, reason)
    counts = {population: _counts_giving(allowed, population.n) for population in tried}
    fits = [population for population in tried if counts[population]]
    detail = {
        "fits": [{"key": p.key, "n": p.n, "counts": list(counts[p])} for p in fits],
        "tried": [{"key": p.key, "n": p.n, "unit": p.unit} for p in tried],
    }
    keys = (figure.key, *(population.key for population in fits or tried))
    if not fits and not _of_whom(figure, tried):
        reason = (
            "no denominator is printed, and no count of "
            f"{' or '.join(p.name for p in tried)} gives the percentage"
        )
        return unverifiable("count_percentage", keys, printed, reason, **detail)
    arithmetic = [_fit(p, counts[p], value) for p in tried]
    return Finding(
        "count_percentage",
        keys,
        "consistent" if fits else "inconsistent",
        f"{_printed(figure, value)}, no denominator",
        " or ".join(f"{_listed(counts[p], p.n)} {_UNITS.get(p.unit, '')}".rstrip() for p in fits)
        or "no count",
        "; ".join(arithmetic),
        detail,
    )


def _of_whom(figure: Figure, tried: Sequence[_Population]) -> bool:
    """Whether the percentage is said to be of a population whose number is printed."""
    return bool(figure.unit_of_analysis) and figure.unit_of_analysis in {p.unit for p in tried}


def _fit(population: _Population, counts: range, value: PrintedValue) -> str:
    """What the percentage would be of one population."""
    n, places = population.n, value.places
    if not counts:
        return f"no count of {population.name} ({_neighbours(value, n)})"
    text = f"fits {_listed(counts, n)} {_UNITS.get(population.unit, '')}".rstrip()
    if n >= 100 * 10**places:
        return f"{text} (as every percentage does, of so many)"
    if value.value in (0, 100):
        return f"{text} (as any number does)"
    return f"{text} ({_divisions(counts, n, places)})"
