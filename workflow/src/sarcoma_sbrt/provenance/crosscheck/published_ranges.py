"""Printed ranges, doses, limits and p values a second time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise, product

from scipy.stats import norm

from sarcoma_sbrt.provenance.crosscheck.published_figures import (
    Figure,
    Printed,
    counted,
    estimate,
    interval,
    p_of,
    printed,
    related,
    rounded,
    span_of,
)
from sarcoma_sbrt.provenance.crosscheck.published_pairs import (
    Judged,
    consistent,
    first_print,
    unjudged,
)

__all__ = ["dose_classes", "doses", "ranges", "symmetric", "wald"]

_RATIOS = ("hazard_ratio", "odds_ratio")
_SLACK = 1e-12


# --- ranges -------------------------------------------------------------------------------

_Value = tuple[Printed, str]
_EFFECTS = ("bed10", "eqd2")


def ranges(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Judged]:
    """Values against the ranges and limits that must contain them."""
    for figure in figures:
        value = _own_value(figure)
        for ends in (interval(figure, "range"), interval(figure, "ci")):
            if value is not None and ends is not None:
                yield _contained((figure.key,), [value], ends, figure["unit"])
        for name in figure.keys("within"):
            yield _within(figure, name, known)


def _own_value(figure: Figure) -> _Value | None:
    number = estimate(figure) if figure["measure"] != "schedule" else None
    return None if number is None else (number, figure["relation"])


def _within(figure: Figure, name: str, known: Mapping[str, Figure]) -> Judged:
    keys, container = (figure.key, name), known.get(name)
    ends = None
    if container is not None:
        of_fractions = container["endpoint"] == "fractions"
        ends = interval(container, "range") or _prescribed(container, fractions=of_fractions)
    if container is None or ends is None:
        return unjudged("range", keys, f"{name} prints no range")
    values = _values(figure, container)
    if not values:
        return unjudged("range", keys, "the figure prints no value of the range's kind")
    return _contained(keys, values, ends, container["unit"])


def _prescribed(figure: Figure, *, fractions: bool) -> tuple[Printed, Printed] | None:
    columns = ("fractions_low", "fractions_high") if fractions else ("dose_low_gy", "dose_high_gy")
    low, high = (figure.number(column) for column in columns)
    if low is None or high is None:
        return None
    text = figure["printed_text"]
    return printed(text, low, exact=fractions), printed(text, high, exact=fractions)


def _values(figure: Figure, container: Figure) -> list[_Value]:
    """What of a figure a range speaks of."""
    if container["endpoint"] not in _EFFECTS:
        given = _prescribed(figure, fractions=container["endpoint"] == "fractions")
        if given:
            return [(value, "") for value in dict.fromkeys(given)]
    own = _own_value(figure)
    ends = interval(figure, "range") or ()
    return [*([own] if own else []), *((end, "") for end in ends)]


def _contained(
    keys: tuple[str, ...], values: Sequence[_Value], ends: tuple[Printed, Printed], unit: str
) -> Judged:
    low, high = span_of(ends[0]), span_of(ends[1])
    stray = [
        (value, relation)
        for value, relation in values
        if span_of(value, relation).above(high) or low.above(span_of(value, relation))
    ]
    outside = [
        f"{related(relation, value.text)} lies outside {ends[0].text}–{ends[1].text}"
        for value, relation in stray
    ]
    line = "; ".join(outside) or _inside(values, *ends)
    texts = ", ".join(related(relation, value.text) for value, relation in values)
    both = f"{texts} in {ends[0].text}–{ends[1].text} {unit}".rstrip()
    return Judged("range", keys, consistent(not stray), line, printed=both)


def _inside(values: Sequence[_Value], low: Printed, high: Printed) -> str:
    texts = [related(relation, value.text) for value, relation in values]
    if any(relation for _, relation in values):
        return f"{', '.join(texts)} can lie in {low.text}–{high.text}"
    if all(low.value <= value.value <= high.value for value, _ in values):
        return " ≤ ".join([low.text, *texts, high.text])
    least = rounded(low.ends[0], low.places + 1)[-1]
    most = rounded(high.ends[1], high.places + 1)[-1]
    return f"{', '.join(texts)} within {least} to {most}, which {low.text}–{high.text} allows"


# --- doses --------------------------------------------------------------------------------

_GRID = Fraction(1, 10)
_NEAR = Fraction(1, 10**9)
_Course = tuple[Fraction, int, Fraction]


def doses(figures: Sequence[Figure], alpha_beta: Fraction) -> Iterator[Judged]:
    """Ends of a printed BED (EQD2) against all courses that the printed doses allow."""
    for figure in figures:
        ends = interval(figure, "range")
        if ends is None or figure["endpoint"] not in _EFFECTS or figure["duplicate_of"]:
            continue
        box = _box(figure, figures)
        for value in ends:
            if box is None:
                reason = "the paper prints no one range of doses and of fractions for the study"
                yield unjudged("dose", (figure.key,), reason)
            else:
                yield _attained(figure, value, box, alpha_beta)


_Box = tuple[float, float, int, int, tuple[str, ...]]


def _box(figure: Figure, figures: Sequence[Figure]) -> _Box | None:
    """Doses, fractions, and the figures that print them as ranges."""
    own = [
        f
        for f in figures
        if f.same(figure, "study_id", "paper", "subgroup") and not f["duplicate_of"]
        if f["arm"] == figure["arm"] or "" in (f["arm"], figure["arm"])
    ]
    doses, fractions = (
        [f for f in own if f["endpoint"] == kind and interval(f, "range")]
        for kind in ("dose", "fractions")
    )
    if len(doses) == len(fractions) == 1:
        (dose,), (count,) = doses, fractions
        least, most = (count.number(f"range_{end}") or 0.0 for end in ("low", "high"))
        gy = [dose.number(f"range_{end}") or 0.0 for end in ("low", "high")]
        return gy[0], gy[1], math.ceil(least), math.floor(most), (dose.key, count.key)
    spans = [f for f in own if counted(f) is None and _is_span(f)]
    if len(spans) != 1:
        return None
    (one,) = spans
    gy = [one.number(f"dose_{end}_gy") or 0.0 for end in ("low", "high")]
    parts = [one.whole(f"fractions_{end}") or 0 for end in ("low", "high")]
    return gy[0], gy[1], parts[0], parts[1], (one.key,)


def _is_span(figure: Figure) -> bool:
    ends = [figure[c] for c in ("dose_low_gy", "dose_high_gy", "fractions_low", "fractions_high")]
    dose = _prescribed(figure, fractions=False)
    return all(ends) and dose is not None and dose[0] != dose[1]


def _effect(dose: Fraction, fractions: int, alpha_beta: Fraction, kind: str) -> Fraction:
    """BED = D (1 + (D/n) / (alpha/beta)); EQD2 = BED / (1 + 2 / (alpha/beta)); Fowler 1989."""
    effective = dose + dose * dose / fractions / alpha_beta
    return effective if kind == "bed10" else effective / (1 + 2 / alpha_beta)


def _attained(figure: Figure, value: Printed, box: _Box, alpha_beta: Fraction) -> Judged:
    low, high, least, most, keys = box
    steps = range(
        math.ceil(Fraction(str(low)) / _GRID), math.floor(Fraction(str(high)) / _GRID) + 1
    )
    courses: list[_Course] = [
        (step * _GRID, n, _effect(step * _GRID, n, alpha_beta, figure["endpoint"]))
        for step, n in product(steps, range(max(least, 1), most + 1))
    ]
    ends = value.ends[0] - _NEAR, value.ends[1] + _NEAR
    giving = sorted((c for c in courses if ends[0] <= c[2] <= ends[1]), key=_plainness)
    near = giving or sorted(courses, key=lambda c: abs(c[2] - value.value))[:1]
    lead = "" if any(c[0] % 1 == 0 for c in giving) else "no whole number of Gy gives it, it needs "
    line = ("nearest " if not giving else lead) + "; ".join(
        f"{float(gy):g} Gy/{n} fx = {float(effect):.{value.places + 2}f}"
        for gy, n, effect in near[:3]
    )
    line += f"; and {len(giving) - 3} more" if len(giving) > 3 else ""
    line += f", within {low:g}–{high:g} Gy in {least}–{most} fractions on a grid of 0.1 Gy"
    return Judged("dose", (figure.key, *keys), "possible" if giving else "impossible", line)


def _plainness(course: _Course) -> tuple[bool, bool, int, Fraction]:
    dose, fractions, _ = course
    return dose % 1 != 0, dose * 2 % 1 != 0, fractions, dose


def dose_classes(figures: Sequence[Figure], alpha_beta: Fraction) -> Iterator[Judged]:
    """Numbers above and below a BED against the schedules that are counted."""
    for figure in figures:
        split = re.fullmatch(r"(below|at_most|above|at_least)_(\d+)(?:_(\d+))?", figure["category"])
        number = counted(figure)
        if figure["endpoint"] != "bed10_class" or figure["duplicate_of"] or not split:
            continue
        schedules = [
            f
            for f in figures
            if "schedule" in (f["measure"], f["endpoint"])
            and f.same(figure, "study_id", "paper")
            and not f["subgroup"]
            and counted(f) is not None
            and not f["duplicate_of"]
        ]
        if number is not None and schedules:
            cut = Fraction(f"{split[2]}.{split[3] or 0}")
            members = [_member(schedule, split[1], cut, alpha_beta) for schedule in schedules]
            yield _class_of(figure, number, schedules, members)


def _member(schedule: Figure, side: str, cut: Fraction, alpha_beta: Fraction) -> bool | None:
    """Whether a schedule lies in the class; None where that is open."""
    doses = [schedule[f"dose_{end}_gy"] for end in ("low", "high")]
    parts = [schedule.whole(f"fractions_{end}") for end in ("low", "high")]
    if not all(doses) or None in parts:
        return None
    ends = [(Fraction(doses[0]), parts[1] or 1), (Fraction(doses[1]), parts[0] or 1)]
    effects = [_effect(dose, n, alpha_beta, "bed10") for dose, n in ends]
    tests = {
        "below": [e < cut for e in effects],
        "at_most": [e <= cut for e in effects],
        "above": [e > cut for e in effects],
        "at_least": [e >= cut for e in effects],
    }[side]
    return tests[0] if tests[0] == tests[1] else None


def _class_of(
    figure: Figure, number: int, schedules: Sequence[Figure], members: Sequence[bool | None]
) -> Judged:
    pairs = list(zip(schedules, members, strict=True))
    least = sum(counted(s) or 0 for s, member in pairs if member)
    most = sum(counted(s) or 0 for s, member in pairs if member is not False)
    sure = [f"{counted(s)} ({_schedule_name(s)})" for s, member in pairs if member]
    side = figure["category"].replace("_", " ")
    line = (
        f"{' + '.join(sure) or 'none'} = {least} certainly {side} Gy, at most {most}; "
        f"printed {number}"
    )
    keys = (figure.key, *(schedule.key for schedule in schedules))
    return Judged("dose", keys, consistent(least <= number <= most), line)


def _schedule_name(schedule: Figure) -> str:
    text = schedule["printed_text"] if schedule["measure"] == "schedule" else ""
    return text or schedule["row"] or schedule["category"]


# --- ratios, limits and p -----------------------------------------------------------------


def symmetric(figures: Sequence[Figure]) -> Iterator[Judged]:
    """Ratios against the geometric mean of their limits, compared as squares: no logarithm."""
    for figure in figures:
        limits, value = interval(figure, "ci"), estimate(figure)
        if figure["measure"] not in _RATIOS or limits is None:
            continue
        reason = _not_apart(figure)
        if reason or value is None:
            yield unjudged("interval_symmetry", (figure.key,), reason)
            continue
        low, high = limits
        squares = [low.ends[end] * high.ends[end] for end in (0, 1)]
        ends = value.ends
        agrees = squares[0] <= ends[1] ** 2 and ends[0] ** 2 <= squares[1]
        digits = value.places + 1
        middle = [f"{math.sqrt(square):.{digits}f}" for square in squares]
        line = (
            f"√({low.text} × {high.text}) = {math.sqrt(low.value * high.value):.{digits}f}; "
            f"rounding allows {middle[0]} to {middle[1]}; printed {value.text} allows "
            f"{float(ends[0]):.{digits}f} to {float(ends[1]):.{digits}f}"
        )
        yield Judged("interval_symmetry", (figure.key,), consistent(agrees), line)


def _not_apart(figure: Figure) -> str:
    """Why a ratio cannot be taken apart."""
    value, limits = estimate(figure), interval(figure, "ci")
    if value is None or limits is None:
        return "no confidence interval is printed"
    if not figure["ci_level"]:
        return "the level of the confidence interval is not known"
    if any(number.ends[0] == 0 for number in (value, *limits)):
        return "a number that rounding allows to be 0 has no logarithm"
    return ""


def wald(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Judged]:
    """P values against the ratio and interval that they belong to (Altman and Bland 2011)."""
    for figure in figures:
        p = p_of(figure)
        owners = [
            f
            for f in (figure, first_print(figure, known))
            if f["measure"] in _RATIOS and interval(f, "ci") is not None
        ]
        if p is None or not owners:
            continue
        keys = tuple(dict.fromkeys((figure.key, owners[0].key)))
        reason = _not_apart(owners[0])
        if reason:
            yield unjudged("wald_p", keys, reason)
        else:
            yield _wald_p(figure, owners[0], p, keys)


def _wald_p(figure: Figure, owner: Figure, p: Printed, keys: tuple[str, ...]) -> Judged:
    value, limits = estimate(owner), interval(owner, "ci")
    assert value is not None
    assert limits is not None
    c = float(norm.ppf(0.5 + float(owner["ci_level"]) / 200))
    spans = [[math.log(end) for end in number.ends] for number in (value, *limits)]
    if spans[2][0] <= spans[1][1]:
        return unjudged("wald_p", keys, "rounding allows an interval without width")
    corners = _corners(spans)
    zs = [c * (low + high) / (high - low) for low, high in corners] or _free(spans, c)
    far = max(abs(z) for z in zs)
    near = 0.0 if min(zs) <= 0 <= max(zs) else min(abs(z) for z in zs)
    least, most = 2 * float(norm.sf(far)), 2 * float(norm.sf(near))
    agrees = _agrees(least, most, p, figure["p_relation"] or "=")
    whose = "and fit each other" if corners else "though none fit each other,"
    joined = f"to these {whose}" if corners else f"to these, {whose}"
    line = (
        f"{_by_hand(value, *limits, c)}; all ratios and limits that round {joined} give p "
        f"{_p_text(least)} to {_p_text(most)}; printed p {figure['p_relation'] or '='} {p.text}"
    )
    adjusted = owner["adjusted_for"] or owner["model"] == "multivariable"
    logrank = "logrank" in (figure["estimator"], owner["estimator"])
    if not adjusted and (logrank or not agrees):
        line += "; a log-rank p need not equal the Wald p of a Cox ratio exactly"
    return Judged("wald_p", keys, consistent(agrees), line)


_Point = tuple[float, float]


def _corners(spans: Sequence[Sequence[float]]) -> list[_Point]:
    """Pairs of log limits whose middle is an allowed ratio: a rectangle, cut by two lines.

    Sutherland and Hodgman's clipping (Commun ACM 1974;17:32-42), one line after the other.
    """
    (least, most), lows, highs = spans
    shape = [(lows[0], highs[0]), (lows[1], highs[0]), (lows[1], highs[1]), (lows[0], highs[1])]
    for sign, edge in ((1, 2 * (least - _SLACK)), (-1, -2 * (most + _SLACK))):
        shape = _clipped(shape, sign, edge)
    return shape


def _clipped(shape: Sequence[_Point], sign: int, edge: float) -> list[_Point]:
    """The part of a polygon where sign (x + y) is at least `edge`."""
    kept: list[_Point] = []
    depths = [sign * (x + y) - edge for x, y in shape]
    closed = [*zip(shape, depths, strict=True), *([(shape[0], depths[0])] if shape else [])]
    for (here, inside), (there, beyond) in pairwise(closed):
        if inside >= 0:
            kept.append(here)
        if inside * beyond < 0:
            at = inside / (inside - beyond)
            kept.append((here[0] + at * (there[0] - here[0]), here[1] + at * (there[1] - here[1])))
    return kept


def _free(spans: Sequence[Sequence[float]], c: float) -> list[float]:
    """Values of z where ratio and limits vary each for itself."""
    logs, lows, highs = spans
    widths = highs[0] - lows[1], highs[1] - lows[0]
    return [2 * c * b / width for b, width in product(logs, widths)]


def _agrees(least: float, most: float, p: Printed, relation: str) -> bool:
    if relation in ("<", "≤"):
        return least <= float(p.value) + _SLACK
    if relation in (">", "≥"):
        return most >= float(p.value) - _SLACK
    return least <= float(p.ends[1]) + _SLACK and float(p.ends[0]) <= most + _SLACK


def _by_hand(value: Printed, low: Printed, high: Printed, c: float) -> str:
    z = 2 * c * math.log(value.value) / (math.log(high.value) - math.log(low.value))
    signed = f"{z:.3f}".replace("-", "−")
    return (
        f"z = ln {value.text} / ((ln {high.text} − ln {low.text}) / {2 * c:.2f}) = {signed}, "
        f"p = {_p_text(2 * float(norm.sf(abs(z))))}"
    )


def _p_text(p: float) -> str:
    return f"{p:.4f}" if p >= 0.01 else f"{p:.3g}"
