"""One fact printed in two places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from sarcoma_sbrt.evidence.consistency.comparisons import Comparison, comparisons
from sarcoma_sbrt.evidence.consistency.findings import Finding, Verdict, unverifiable
from sarcoma_sbrt.evidence.consistency.readings import (
    by_key,
    confidence_limits,
    primary,
    shown,
)
from sarcoma_sbrt.evidence.published import Figure, shown_place

__all__ = ["adjustments", "repeats"]

_RATIOS = ("hazard_ratio", "odds_ratio")
_ADJUSTED = (*_RATIOS, "p_value")
_CURVES = ("rate", "proportion", "count")  # what may stay the same from one time to another


def repeats(figures: Sequence[Figure]) -> list[Finding]:
    """Facts that are printed more than once.

    Every figure with `duplicate_of` is compared with the one that prints the fact first; figures
    of one study in different papers that say the same quantity of the same people at the same
    time are compared without being told, and ratios that are alike in estimate, interval and p
    are not to come from models with different covariates. Numbers are the same when the finer,
    rounded as the coarser is, gives its digits; an estimate printed as a bound ("over 5000") has
    to allow the other. Where the numbers agree and the times do not (or only one place gives
    one), the verdict is ``other_time``: a curve may be level in between.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``repeat``; keys: the repetition, then the figure it repeats.
        ``detail["kind"]`` is ``value``, ``adjustment`` (only that differs) or ``time``.

    Raises
    ------
    ValueError
        When duplicates go round in a circle.
    """
    known = by_key(figures)
    pairs = [(f, primary(f, known)) for f in figures if f.duplicate_of in known]
    pairs += list(_across_papers(figures, known))
    pairs += list(_alike(figures, known))
    return [_judged(*pair) for pair in pairs]


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


def _alike(
    figures: Iterable[Figure], known: Mapping[str, Figure]
) -> Iterator[tuple[Figure, Figure]]:
    """Ratios of one covariate that are alike to the last digit, from models that are not."""
    groups: dict[tuple[object, ...], list[Figure]] = defaultdict(list)
    for f in figures:
        if f.measure in _RATIOS and confidence_limits(f) is not None:
            numbers = (f.estimate, f.ci_low, f.ci_high, f.p, f.p_relation)
            groups[(*_covariate(f), *numbers)].append(f)
    for first, *others in groups.values():
        for other in others:
            compared = adjustments(other, first)
            related = primary(other, known) is primary(first, known)
            if compared is not None and not compared.same and not related:
                yield other, first


def _covariate(figure: Figure) -> tuple[str, ...]:
    f = figure
    contrast = (f.level.casefold(), f.reference.casefold())
    return (f.study_id, f.endpoint, f.category, f.subgroup, f.arm, f.measure, *contrast)


# --- verdicts -----------------------------------------------------------------------------


def _judged(figure: Figure, first: Figure) -> Finding:
    keys = (figure.key, first.key)
    printed = f"{shown(figure)} | {shown(first)}"
    places = {"places": [figure.locator, first.locator]}
    compared = comparisons(figure, first)
    if not compared:
        reason = "the two figures print no quantity of one kind"
        return unverifiable("repeat", keys, printed, reason, kind="value", **places)
    adjusted = adjustments(figure, first)
    if adjusted is not None and not adjusted.same:
        compared.append(adjusted)
    different = [c.quantity for c in compared if not c.same]
    lines = [c.text() for c in compared]
    kind = "adjustment" if different == [_ADJUSTMENT] else "value"
    verdict: Verdict = "inconsistent" if different else "consistent"
    if _other_time(figure, first):
        if not different:
            kind = "time"
            verdict = "other_time" if _may_be_level(figure, first) else "inconsistent"
        different.append("time")
        lines.append(_times_text(figure, first, kind))
    detail = {"kind": kind, "different": different, **places}
    return Finding("repeat", keys, verdict, printed, ", ".join(different), "; ".join(lines), detail)


# --- times --------------------------------------------------------------------------------


def _other_time(figure: Figure, first: Figure) -> bool:
    """Whether the times differ, or only one place gives one."""
    if figure.time_months is None or first.time_months is None:
        given = figure.time_months is not None or first.time_months is not None
        return given and _may_be_level(figure, first)
    return figure.time_months != first.time_months


def _may_be_level(figure: Figure, first: Figure) -> bool:
    return figure.measure in _CURVES and first.measure in _CURVES


def _times_text(figure: Figure, first: Figure, kind: str) -> str:
    """Both places with their times, and why both may hold."""
    told = ", ".join(f"{_time(f)} in {_place(f, o)}" for f, o in _both(figure, first))
    if kind != "time" or not _may_be_level(figure, first):
        return told
    times = sorted(f.time_months for f in (figure, first) if f.time_months is not None)
    months = [f"{time:g}" for time in times]
    between = f"between {' and '.join(months)} months" if len(months) > 1 else "of the curve"
    return f"{told}; a plateau {between} makes both possible"


def _both(figure: Figure, first: Figure) -> tuple[tuple[Figure, Figure], ...]:
    return (figure, first), (first, figure)


def _time(figure: Figure) -> str:
    return "at no time" if figure.time_months is None else f"at {figure.time_months:g} months"


def _place(figure: Figure, other: Figure) -> str:
    """The place; its paper where the other figure is another's."""
    place = shown_place(figure.place)
    if figure.paper == other.paper:
        return place
    return f"{figure.locator.partition(',')[0] or figure.paper}, {place}"


# --- adjustment ---------------------------------------------------------------------------

_ADJUSTMENT = "adjusted for"


def adjustments(figure: Figure, other: Figure) -> Comparison | None:
    """The covariates that two contrasts are adjusted for, compared.

    None where they cannot be: no contrast, a model that is not told, a multivariable one whose
    covariates are not. Names of models are each place's own and are not compared.
    """
    if not {figure.measure, other.measure} <= set(_ADJUSTED) or "" in (figure.model, other.model):
        return None
    here, there = _adjusted_for(figure), _adjusted_for(other)
    if None in (here, there) and frozenset() not in (here, there):
        return None
    return Comparison(_ADJUSTMENT, _covariates(here), _covariates(there), here == there)


def _adjusted_for(figure: Figure) -> frozenset[str] | None:
    """Names of the other covariates; None of a multivariable model that does not tell them."""
    names = {name.strip() for name in figure.adjusted_for.split(";")} - {""}
    return None if not names and figure.model == "multivariable" else frozenset(names)


def _covariates(names: frozenset[str] | None) -> str:
    if names is None:
        return "covariates that are not named"
    return " and ".join(_enumerated(sorted(name.replace("_", " ") for name in names))) or "nothing"


def _enumerated(names: Sequence[str]) -> list[str]:
    return [", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names)
