"""Ranges against the values that they must contain, doses, fractions and BED among them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sarcoma_sbrt.dose import bed, eqd2
from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.readings import (
    RELATIONS,
    by_key,
    confidence_limits,
    counted,
    estimate,
    range_limits,
    shown,
)
from sarcoma_sbrt.evidence.consistency.rounding import (
    PrintedValue,
    decimal_text,
    printed_value,
    stated,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["attainable_doses", "contained_values", "dose_classes"]

_EFFECTS: Mapping[str, Callable[[float, float, float], float]] = {"bed10": bed, "eqd2": eqd2}
_CLASS = re.compile(r"(below|at_most|above|at_least)_(\d+(?:_\d+)?)")
_SLACK = 1e-9  # of floating point, far below any printed digit
_SHOWN_COURSES = 3


# --- values in ranges ---------------------------------------------------------------------


def contained_values(figures: Sequence[Figure]) -> list[Finding]:
    """Values that must lie in a printed range or interval, and whether they can.

    A median or mean lies in its own range, an estimate in its own confidence interval, a figure
    in every range that its `within` names. All ends are taken as rounded: only what lies outside
    whatever rounding allows is inconsistent; an estimate printed as a bound ("over 50") has to
    leave something inside. The dose range of a study holds the doses of its
    schedules, a range of fractions their fractions.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``range``.
    """
    known = by_key(figures)
    return [f for figure in figures for f in (*_own(figure), *_within(figure, known))]


def _own(figure: Figure) -> Iterator[Finding]:
    value = _estimated(figure)
    for limits in (range_limits(figure), confidence_limits(figure)):
        if value is not None and limits is not None:
            yield _contained((figure.key,), [value], limits, figure.unit)


@dataclass(frozen=True)
class _Value:
    """A printed number and how it stands to the fact."""

    printed: PrintedValue
    relation: str = ""

    @property
    def text(self) -> str:
        return RELATIONS[self.relation] + self.printed.text

    def lies_outside(self, low: PrintedValue, high: PrintedValue) -> bool:
        """Whether nothing that it allows is between the ends, as they are rounded."""
        bounds = stated(self.printed, self.relation)
        return bounds.exceeds(stated(high)) or stated(low).exceeds(bounds)


def _estimated(figure: Figure) -> _Value | None:
    value = estimate(figure) if figure.measure != "schedule" else None
    return None if value is None else _Value(value, figure.relation)


def _within(figure: Figure, known: Mapping[str, Figure]) -> Iterator[Finding]:
    for key in figure.within:
        container = known.get(key)
        limits = _limits(container) if container is not None else None
        if container is None or limits is None:
            reason = f"{key} prints no range"
            yield unverifiable("range", [figure.key, key], shown(figure), reason)
            continue
        values = _values(figure, container)
        if values:
            yield _contained((figure.key, key), values, limits, container.unit)
        else:
            reason = "the figure prints no value of the range's kind"
            yield unverifiable("range", [figure.key, key], shown(figure), reason)


def _limits(container: Figure) -> tuple[PrintedValue, PrintedValue] | None:
    """Its printed range; of a prescription, the fractions or the dose as its endpoint says."""
    return range_limits(container) or _prescribed(container, container.endpoint == "fractions")


def _prescribed(figure: Figure, fractions: bool) -> tuple[PrintedValue, PrintedValue] | None:
    low, high = (
        (figure.fractions_low, figure.fractions_high)
        if fractions
        else (figure.dose_low_gy, figure.dose_high_gy)
    )
    if low is None or high is None:
        return None
    text = figure.printed_text
    return printed_value(text, low, exact=fractions), printed_value(text, high, exact=fractions)


def _values(figure: Figure, container: Figure) -> list[_Value]:
    """What of a figure the container speaks of, without repetition."""
    prescribed = None
    if container.endpoint not in _EFFECTS:
        prescribed = _prescribed(figure, container.endpoint == "fractions")
    if prescribed is not None:
        return [_Value(value) for value in dict.fromkeys(prescribed)]
    value, limits = _estimated(figure), range_limits(figure) or ()
    return [*([value] if value is not None else []), *map(_Value, limits)]


def _contained(
    keys: tuple[str, ...],
    values: Sequence[_Value],
    limits: tuple[PrintedValue, PrintedValue],
    unit: str,
) -> Finding:
    low, high = limits
    stray = [value for value in values if value.lies_outside(low, high)]
    span = f"{low.text}–{high.text}"
    outside = "; ".join(f"{value.text} lies outside {span}" for value in stray)
    return Finding(
        "range",
        keys,
        "inconsistent" if stray else "consistent",
        f"{', '.join(value.text for value in values)} in {span} {unit}".rstrip(),
        "",
        outside or _inside_text(values, low, high),
        {"outside": [value.text for value in stray]},
    )


def _inside_text(values: Sequence[_Value], low: PrintedValue, high: PrintedValue) -> str:
    texts = [value.text for value in values]
    if any(value.relation for value in values):
        return f"{', '.join(texts)} can lie in {low.text}–{high.text}"
    if all(low.value <= value.printed.value <= high.value for value in values):
        return f"{low.text} ≤ {' ≤ '.join(texts)} ≤ {high.text}"
    least = decimal_text(low.interval.low, low.places + 1)
    most = decimal_text(high.interval.high, high.places + 1)
    return f"{', '.join(texts)} within {least} to {most}, which {low.text}–{high.text} allows"


# --- what doses are attainable --------------------------------------------------------------


@dataclass(frozen=True)
class _Course:
    """A total dose in equal fractions, and what it amounts to."""

    dose: float
    fractions: int
    effect: float

    def __str__(self) -> str:
        return f"{self.dose:g} Gy/{self.fractions} fx"


@dataclass(frozen=True)
class _Box:
    """The doses and fraction numbers that a study prints as its ranges."""

    dose: tuple[float, float]
    fractions: tuple[int, int]
    keys: tuple[str, ...]

    def __str__(self) -> str:
        low, high = self.dose
        return f"{low:g}–{high:g} Gy in {self.fractions[0]}–{self.fractions[1]} fractions"


def attainable_doses(
    figures: Sequence[Figure], *, alpha_beta_gy: float = 10.0, grid_gy: float = 0.1
) -> list[Finding]:
    """Whether the smallest and largest BED (EQD2) printed can come from the doses printed.

    Every total dose D on a grid and every whole number n of fractions inside the ranges that the
    same paper prints for the same study is tried: BED = D (1 + (D/n) / (alpha/beta)), equal
    fractions, see `sarcoma_sbrt.dose.bed`. A printed end that no such course gives, as it is
    rounded, is impossible.

    Parameters
    ----------
    figures : sequence of Figure
    alpha_beta_gy : float, default: 10.0
        Alpha/beta ratio in Gy.
    grid_gy : float, default: 0.1
        Step of the total dose in Gy, counted from zero.

    Returns
    -------
    list of Finding
        Of check ``dose``, one for each end of each range; ``detail["courses"]`` lists all
        courses that give it, ``detail["whole_gy"]`` says whether one of them has a whole number
        of Gy.
    """
    findings = []
    for figure in figures:
        limits = range_limits(figure)
        if limits is None or figure.endpoint not in _EFFECTS or figure.duplicate_of:
            continue
        box = _box(figure, figures)
        for end, value in zip(("minimum", "maximum"), limits, strict=True):
            name = f"{end} {value.text} {figure.unit}".rstrip()
            if box is None:
                reason = "the paper prints no one range of doses and of fractions for the study"
                findings.append(unverifiable("dose", [figure.key], name, reason))
            else:
                courses = _courses(box, _EFFECTS[figure.endpoint], alpha_beta_gy, grid_gy)
                findings.append(_attainable(figure, box, courses, value, name, grid_gy))
    return findings


def _box(figure: Figure, figures: Sequence[Figure]) -> _Box | None:
    """The ranges of dose and fractions of a study and subgroup that one paper prints."""
    people = (figure.study_id, figure.paper, figure.subgroup)
    same = [
        f
        for f in figures
        if (f.study_id, f.paper, f.subgroup) == people
        and not f.duplicate_of
        and (f.arm == figure.arm or "" in (f.arm, figure.arm))
    ]
    doses = [f for f in same if f.endpoint == "dose" and range_limits(f)]
    fractions = [f for f in same if f.endpoint == "fractions" and range_limits(f)]
    if len(doses) == 1 and len(fractions) == 1:
        (d_low, d_high), (n_low, n_high) = (_ends(doses[0]), _ends(fractions[0]))
        keys = (doses[0].key, fractions[0].key)
        return _Box((d_low, d_high), (math.ceil(n_low), math.floor(n_high)), keys)
    spans = [box for f in same if counted(f) is None and (box := _span(f)) is not None]
    return spans[0] if len(spans) == 1 else None


def _ends(figure: Figure) -> tuple[float, float]:
    return figure.range_low or 0.0, figure.range_high or 0.0


def _span(figure: Figure) -> _Box | None:
    """A prescription that is printed as a range of doses in a range of fractions."""
    dose, fractions = _prescribed(figure, False), _prescribed(figure, True)
    if dose is None or fractions is None or dose[0] == dose[1]:
        return None
    return _Box(
        (float(dose[0].value), float(dose[1].value)),
        (int(fractions[0].value), int(fractions[1].value)),
        (figure.key,),
    )


def _courses(
    box: _Box, effect: Callable[[float, float, float], float], alpha_beta: float, grid: float
) -> list[_Course]:
    step = Fraction(str(grid))
    first = math.ceil(Fraction(str(box.dose[0])) / step)
    last = math.floor(Fraction(str(box.dose[1])) / step)
    low, high = box.fractions
    return [
        _Course(dose, n, effect(dose, n, alpha_beta))
        for dose in (float(i * step) for i in range(first, last + 1))
        for n in range(max(low, 1), high + 1)
    ]


def _attainable(
    figure: Figure,
    box: _Box,
    courses: Sequence[_Course],
    value: PrintedValue,
    name: str,
    grid: float,
) -> Finding:
    low, high = float(value.interval.low) - _SLACK, float(value.interval.high) + _SLACK
    giving = sorted((c for c in courses if low <= c.effect <= high), key=_plainness)
    near = giving or sorted(courses, key=lambda c: abs(c.effect - float(value.value)))[:1]
    told = "; ".join(f"{c} = {c.effect:.{value.places + 2}f}" for c in near[:_SHOWN_COURSES])
    if len(giving) > _SHOWN_COURSES:
        told += f"; and {len(giving) - _SHOWN_COURSES} more"
    whole = any(course.dose % 1 == 0 for course in giving)
    lead = ("" if whole else "no whole number of Gy gives it, it needs ") if giving else "nearest "
    return Finding(
        "dose",
        (figure.key, *box.keys),
        "possible" if giving else "impossible",
        name,
        str(giving[0]) if giving else "no course",
        f"{lead}{told}, within {box} on a grid of {grid:g} Gy",
        {
            "courses": [[c.dose, c.fractions, round(c.effect, 4)] for c in giving],
            "grid_gy": grid,
            "whole_gy": whole,
        },
    )


def _plainness(course: _Course) -> tuple[bool, bool, int, float]:
    """Whole doses first, then halves, then few fractions: what a prescription is likely to be."""
    halves = (2 * course.dose) % 1 == 0
    return course.dose % 1 != 0, not halves, course.fractions, course.dose


# --- classes of BED -------------------------------------------------------------------------


def dose_classes(figures: Sequence[Figure], *, alpha_beta_gy: float = 10.0) -> list[Finding]:
    """Numbers above and below a BED against the schedules printed with their numbers.

    A schedule whose BED certainly lies in the class counts towards the least number, one that
    may lie there (a range of doses, or "others" without a dose) towards the most.

    Parameters
    ----------
    figures : sequence of Figure
        Classes are the rows of endpoint ``bed10_class`` with a category such as ``below_100``.
    alpha_beta_gy : float, default: 10.0
        Alpha/beta ratio in Gy.

    Returns
    -------
    list of Finding
        Of check ``dose``, one for each class where the same paper counts schedules.
    """
    findings = []
    for figure in figures:
        printed, split = counted(figure), _CLASS.fullmatch(figure.category)
        if figure.endpoint != "bed10_class" or figure.duplicate_of or not split or printed is None:
            continue
        schedules = [
            f
            for f in figures
            if "schedule" in (f.measure, f.endpoint)
            and (f.study_id, f.paper, f.subgroup) == (figure.study_id, figure.paper, "")
            and counted(f) is not None
            and not f.duplicate_of
        ]
        if schedules:
            threshold = float(split[2].replace("_", "."))
            inside = [_inside(s, split[1], threshold, alpha_beta_gy) for s in schedules]
            findings.append(_class_bounds(figure, printed, schedules, inside))
    return findings


def _inside(schedule: Figure, side: str, threshold: float, alpha_beta: float) -> bool | None:
    """Whether a schedule's BED lies in the class; None where it may or may not."""
    span = _prescribed(schedule, False), _prescribed(schedule, True)
    if span[0] is None or span[1] is None:
        return None
    (d_low, d_high), (n_low, n_high) = ((float(v.value) for v in pair) for pair in span if pair)
    ends = bed(d_low, n_high, alpha_beta), bed(d_high, n_low, alpha_beta)
    members = {_member(round(end, 9), side, threshold) for end in ends}
    return members.pop() if len(members) == 1 else None


def _member(effect: float, side: str, threshold: float) -> bool:
    return {
        "below": effect < threshold,
        "at_most": effect <= threshold,
        "above": effect > threshold,
        "at_least": effect >= threshold,
    }[side]


def _class_bounds(
    figure: Figure,
    printed: int,
    schedules: Sequence[Figure],
    inside: Sequence[bool | None],
) -> Finding:
    sizes = [counted(schedule) or 0 for schedule in schedules]
    least = sum(size for size, member in zip(sizes, inside, strict=True) if member)
    most = sum(size for size, member in zip(sizes, inside, strict=True) if member is not False)
    sure = " + ".join(
        f"{size} ({_name(schedule)})"
        for schedule, size, member in zip(schedules, sizes, inside, strict=True)
        if member
    )
    side = figure.category.replace("_", " ")
    agrees = least <= printed <= most
    return Finding(
        "dose",
        (figure.key, *(schedule.key for schedule in schedules)),
        "consistent" if agrees else "inconsistent",
        f"{printed} {side} Gy",
        f"{least} to {most}",
        f"{sure or 'none'} = {least} certainly {side} Gy, at most {most}; printed {printed}",
        {"least": least, "most": most},
    )


def _name(schedule: Figure) -> str:
    if schedule.measure == "schedule" and schedule.printed_text:
        return schedule.printed_text
    return schedule.row or schedule.category
