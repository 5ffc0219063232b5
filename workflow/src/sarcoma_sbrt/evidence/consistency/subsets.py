"""Counts against what they are part of: another count, a study's patients, its lesions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.percentages import POPULATIONS
from sarcoma_sbrt.evidence.consistency.readings import (
    RELATIONS,
    by_key,
    count_bounds,
    counted,
    estimate_bounds,
    said,
    share,
    shown,
)
from sarcoma_sbrt.evidence.consistency.rounding import Bounds, exact_text
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["populations", "subsets"]


# --- subsets ------------------------------------------------------------------------------


def subsets(figures: Sequence[Figure]) -> list[Finding]:
    """Counts and percentages against those that they are part of and cannot exceed.

    What a figure is part of says its `subset_of`; a count with `part_of` and no `partition` is a
    part as well. Counts are compared as counts. Percentages are compared where they are of one
    denominator: the same n, or the same people where neither has an n; a count with its n beside
    a percentage of that n is one too. What rounding (or a bound, "over 80%") allows to fit, fits.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``subset``; keys: the part, then the whole.
    """
    known = by_key(figures)
    return [
        _held_against(part, known[key])
        for part in figures
        for key in _wholes(part, known)
        if key in known
    ]


def _wholes(part: Figure, known: Mapping[str, Figure]) -> tuple[str, ...]:
    named = part.subset_of
    loose = known.get(part.part_of) if part.part_of and not part.partition else None
    if loose is None or part.part_of in named:
        return named
    counts = counted(part) is not None and counted(loose) is not None
    return (*named, part.part_of) if counts else named


def _held_against(part: Figure, whole: Figure) -> Finding:
    keys = (part.key, whole.key)
    printed = f"{shown(part)} | {shown(whole)}"
    small, large = count_bounds(part), count_bounds(whole)
    if small is not None and large is not None:
        texts = _count_text(part), _count_text(whole)
        return _compared(keys, printed, (small, large), texts, "count")
    shares = _share(part), _share(whole)
    if shares[0] is None or shares[1] is None or not _one_denominator(part, whole):
        reason = "neither counts nor percentages of one denominator are printed for both"
        return unverifiable("subset", keys, printed, reason)
    texts = _share_text(part), _share_text(whole)
    return _compared(keys, printed, (shares[0], shares[1]), texts, "percent")


def _compared(
    keys: tuple[str, str],
    printed: str,
    bounds: tuple[Bounds, Bounds],
    texts: tuple[str, str],
    kind: str,
) -> Finding:
    exceeds = bounds[0].exceeds(bounds[1])
    arithmetic = f"{texts[0]} {'>' if exceeds else '≤'} {texts[1]}"
    return Finding(
        "subset",
        keys,
        "inconsistent" if exceeds else "consistent",
        printed,
        f"at most {texts[1]}",
        f"{arithmetic}, of which it is a part" if exceeds else arithmetic,
        {"kind": kind},
    )


def _count_text(figure: Figure) -> str:
    """A count with its relation; what is printed as a word ("no") beside it."""
    relation = RELATIONS[figure.relation] if figure.measure == "count" else ""
    word = figure.printed_text if figure.measure == "count" else ""
    beside = f" (“{word}”)" if word and not any(map(str.isdigit, word)) else ""
    return f"{relation}{counted(figure)}{beside}"


def _share(figure: Figure) -> Bounds | None:
    """The percentage of a figure, of a count its quotient."""
    if share(figure) is not None:
        return estimate_bounds(figure)
    number = count_bounds(figure)
    return number.scaled(Fraction(100, figure.n)) if number is not None and figure.n else None


def _share_text(figure: Figure) -> str:
    if share(figure) is not None:
        return f"{said(figure)}%"
    value = Fraction(100 * (counted(figure) or 0), figure.n or 1)
    return f"{_count_text(figure)}/{figure.n} = {exact_text(value, 1)}%"


def _one_denominator(part: Figure, whole: Figure) -> bool:
    """Whether two percentages are of the same n, or of the same people."""
    if part.n is not None or whole.n is not None:
        return part.n == whole.n
    people = ("study_id", "subgroup", "arm", "unit_of_analysis")
    return all(getattr(part, name) == getattr(whole, name) for name in people)


# --- populations --------------------------------------------------------------------------


def populations(figures: Sequence[Figure]) -> list[Finding]:
    """Counts, and numbers printed beside a figure, against the patients or lesions of the study.

    A count of patients (lesions), or an n of them that is printed beside a figure, cannot exceed
    the number of patients (lesions) of its study. A study may print several (screened, enrolled,
    of all treatments): the largest counts, of the figure's own subgroup and arm where that is
    printed. What is no population's own number and is printed first is held against it; a figure
    that does not say whom it counts is left out.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``population``; keys: the figure, then the one that prints the population.
    """
    largest = _largest(figures)
    return [
        finding
        for figure in figures
        if not _is_population(figure) and not figure.duplicate_of
        for finding in _in_population(figure, largest)
    ]


def _is_population(figure: Figure) -> bool:
    return figure.measure == "count" and figure.endpoint in POPULATIONS


# Study, unit of analysis, subgroup and arm.
_Whose = tuple[str, str, str, str]


def _largest(figures: Sequence[Figure]) -> Mapping[_Whose, Figure]:
    """The figure with the largest printed population, by whom it counts."""
    sizes: dict[_Whose, list[Figure]] = defaultdict(list)
    for f in figures:
        if _is_population(f) and counted(f) is not None:
            sizes[f.study_id, POPULATIONS[f.endpoint], f.subgroup, f.arm].append(f)
    return {whose: max(group, key=_reach) for whose, group in sizes.items()}


def _reach(figure: Figure) -> tuple[bool, Fraction]:
    """Sort key of the most that a population can be; one without upper bound is above all."""
    bounds = count_bounds(figure)
    if bounds is None or bounds.high is None:
        return bounds is not None, Fraction(0)
    return False, bounds.high


def _in_population(figure: Figure, largest: Mapping[_Whose, Figure]) -> Iterator[Finding]:
    study, unit = figure.study_id, figure.unit_of_analysis
    own = largest.get((study, unit, figure.subgroup, figure.arm))
    whole = own or largest.get((study, unit, "", ""))
    told = _printed_number(figure)
    size = count_bounds(whole) if whole is not None else None
    if whole is None or size is None or told is None:
        return
    number, text = told
    exceeds = number.exceeds(size)
    yield Finding(
        "population",
        (figure.key, whole.key),
        "inconsistent" if exceeds else "consistent",
        f"{shown(figure)}{_beside(figure)} | {shown(whole)} {unit}s",
        f"at most {_count_text(whole)}",
        f"{text} {'>' if exceeds else '≤'} {_count_text(whole)} {unit}s",
        {"unit": unit},
    )


def _beside(figure: Figure) -> str:
    """The n that is printed beside a count."""
    beside = figure.measure == "count" and figure.printed_n
    return f" of {figure.printed_n}" if beside else ""


def _printed_number(figure: Figure) -> tuple[Bounds, str] | None:
    """The largest number of patients or lesions that a figure prints, and its text."""
    if figure.n is not None and figure.printed_n:
        return Bounds(Fraction(figure.n), Fraction(figure.n)), str(figure.n)
    number = count_bounds(figure)
    return (number, _count_text(figure)) if number is not None else None
