"""Hazard ratios (odds ratios), their confidence intervals and their p values, against each other.

Everything is done with the intervals of true values that rounding allows. A ratio, its interval
and a Wald p are three views of two numbers, the coefficient and its standard error; figures that
no pair of such numbers gives contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import NormalDist
from typing import Any

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.readings import (
    by_key,
    confidence_limits,
    estimate,
    p_value,
    primary,
    shown,
)
from sarcoma_sbrt.evidence.consistency.rounding import PrintedValue
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["symmetric_intervals", "wald_p_values"]

_RATIOS = ("hazard_ratio", "odds_ratio")
_SLACK = 1e-12  # of floating point
_LOGRANK = "; a log-rank p need not equal the Wald p of a Cox ratio exactly"

Span = tuple[float, float]


@dataclass(frozen=True)
class _Ratio:
    """A ratio with its interval, as printed.

    Attributes
    ----------
    value, low, high : PrintedValue
    level : float
        Confidence level in percent.
    """

    value: PrintedValue
    low: PrintedValue
    high: PrintedValue
    level: float

    @property
    def quantile(self) -> float:
        """Normal quantile of the level: 1.96 at 95 percent."""
        return NormalDist().inv_cdf(0.5 + self.level / 200)

    @property
    def text(self) -> str:
        return f"{self.value.text} ({self.low.text}–{self.high.text})"

    def logs(self) -> tuple[Span, Span, Span]:
        """Logarithms of the values that rounding allows: ratio, lower limit, upper limit."""
        return _logs(self.value), _logs(self.low), _logs(self.high)


def _logs(printed: PrintedValue) -> Span:
    bounds = printed.interval
    return math.log(bounds.low), math.log(bounds.high)


def _ratio(figure: Figure) -> _Ratio | str:
    """The ratio of a figure, or why it cannot be taken apart."""
    value, limits = estimate(figure), confidence_limits(figure)
    if value is None or limits is None:
        return "no confidence interval is printed"
    if figure.ci_level is None:
        return "the level of the confidence interval is not known"
    if any(printed.interval.low == 0 for printed in (value, *limits)):
        return "a number that rounding allows to be 0 has no logarithm"
    return _Ratio(value, *limits, figure.ci_level)


# --- symmetry -----------------------------------------------------------------------------


def symmetric_intervals(figures: Sequence[Figure]) -> list[Finding]:
    """Ratios against the middle of their interval on the log scale.

    A Wald interval is exp(b ± c SE), so the ratio is the geometric mean of its limits (Altman DG,
    Bland JM, BMJ 2011;343:d2304). Consistent when a ratio that rounds to the printed one lies
    among the geometric means of limits that round to the printed ones.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``interval_symmetry``, one for each ratio that is printed with an interval.
    """
    ratios = [f for f in figures if f.measure in _RATIOS and confidence_limits(f) is not None]
    return [_symmetry(figure) for figure in ratios]


def _symmetry(figure: Figure) -> Finding:
    ratio = _ratio(figure)
    if isinstance(ratio, str):
        return unverifiable("interval_symmetry", [figure.key], shown(figure), ratio)
    logs, lows, highs = ratio.logs()
    middle = tuple(math.exp((low + high) / 2) for low, high in zip(lows, highs, strict=True))
    printed = math.exp(logs[0]), math.exp(logs[1])
    agrees = middle[0] <= printed[1] + _SLACK and printed[0] <= middle[1] + _SLACK
    places = ratio.value.places + 1
    centre = math.sqrt(float(ratio.low.value * ratio.high.value))
    allowed = f"{middle[0]:.{places}f} to {middle[1]:.{places}f}"
    return Finding(
        "interval_symmetry",
        (figure.key,),
        "consistent" if agrees else "inconsistent",
        ratio.text,
        allowed,
        f"√({ratio.low.text} × {ratio.high.text}) = {centre:.{places}f}; rounding allows {allowed}"
        f"; printed {ratio.value.text} allows {printed[0]:.{places}f} to {printed[1]:.{places}f}",
        {"middle": list(middle), "printed": list(printed), "level": ratio.level},
    )


# --- Wald p -------------------------------------------------------------------------------


def wald_p_values(figures: Sequence[Figure]) -> list[Finding]:
    """P values against the ratio and interval that they belong to.

    SE = (ln upper − ln lower) / (2 c), z = ln ratio / SE, p = 2 (1 − Φ(|z|)), with c the normal
    quantile of the interval's level (Altman DG, Bland JM, BMJ 2011;343:d2304). The range of z is
    exact: its extremes over all coefficients and standard errors that round to the three printed
    numbers. Where no pair does (the interval is not symmetric), ratio and limits vary freely.

    A p that is printed without an interval is held against the ratio that it repeats
    (`duplicate_of`). The p of the three printed numbers as they stand may lie outside what rounding
    allows, which is of those values only that fit each other. A log-rank p need not equal the
    Wald p, which is said of ratios that are not adjusted: the verdict is the arithmetic's,
    ``detail["off_p"]`` says by how much the two miss each other, ``needed_p`` and ``needed_ci``
    which p (which interval around the ratio) would agree.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``wald_p``; keys: the figure with the p, then the ratio where that is another.
    """
    known = by_key(figures)
    return [
        _wald_p(figure, contrast, p)
        for figure in figures
        if (p := p_value(figure)) is not None and (contrast := _contrast(figure, known)) is not None
    ]


def _contrast(figure: Figure, known: Mapping[str, Figure]) -> Figure | None:
    """The ratio with an interval that a p belongs to: the figure itself, or what it repeats."""
    for candidate in (figure, primary(figure, known)):
        if candidate.measure in _RATIOS and confidence_limits(candidate) is not None:
            return candidate
    return None


def _wald_p(figure: Figure, contrast: Figure, p: PrintedValue) -> Finding:
    keys = (figure.key,) if figure is contrast else (figure.key, contrast.key)
    relation = figure.p_relation or "="
    printed = f"p {relation} {p.text}"
    ratio = _ratio(contrast)
    if isinstance(ratio, str):
        return unverifiable("wald_p", keys, printed, ratio)
    z = _z_span(ratio)
    if z is None:
        reason = "rounding allows an interval without width"
        return unverifiable("wald_p", keys, printed, reason)
    logrank = "logrank" in (figure.estimator, contrast.estimator)
    finding = _held_against(keys, ratio, z, p, relation)
    adjusted = contrast.adjusted_for or contrast.model == "multivariable"
    remark = not adjusted and (logrank or finding.verdict == "inconsistent")
    return replace(
        finding,
        arithmetic=finding.arithmetic + (_LOGRANK if remark else ""),
        detail={**finding.detail, "logrank": logrank},
    )


def _held_against(
    keys: tuple[str, ...], ratio: _Ratio, z: Span, p: PrintedValue, relation: str
) -> Finding:
    span = _p_span(z)
    off = _distance(span, p, relation)
    agrees = off <= _SLACK
    allowed = f"{_p_text(span[0])} to {_p_text(span[1])}"
    printed = f"p {relation} {p.text}"
    return Finding(
        "wald_p",
        keys,
        "consistent" if agrees else "inconsistent",
        f"{ratio.text}, {printed}",
        allowed,
        f"{_by_hand(ratio)}; {_whose(ratio)} give p {allowed}; printed {printed}",
        {
            "z": list(z),
            "needed_p": list(span),
            "needed_ci": _needed_interval(ratio, p, relation),
            "off_p": max(off, 0.0),
        },
    )


def _z_span(ratio: _Ratio) -> Span | None:
    """Smallest and largest z that the printed numbers allow."""
    logs, lows, highs = ratio.logs()
    if highs[0] <= lows[1]:
        return None
    c = ratio.quantile
    corners = _vertices(logs, lows, highs)
    if corners:
        zs = [c * (low + high) / (high - low) for low, high in corners]
    else:
        errors = (highs[0] - lows[1]) / (2 * c), (highs[1] - lows[0]) / (2 * c)
        zs = [b / error for b, error in product(logs, errors)]
    return min(zs), max(zs)


def _whose(ratio: _Ratio) -> str:
    """Of which values the span of p is."""
    if _vertices(*ratio.logs()):
        return "all ratios and limits that round to these and fit each other"
    return "all ratios and limits that round to these, though none fit each other,"


def _vertices(logs: Span, lows: Span, highs: Span) -> list[tuple[float, float]]:
    """Corners of the pairs (lower limit, upper limit) whose middle is an allowed ratio.

    The pairs form a rectangle cut by a strip; z is a quotient of linear functions, which has its
    extremes at the corners of what is left.
    """
    corners = list(product(lows, highs))
    for middle in logs:
        corners += [(low, 2 * middle - low) for low in lows]
        corners += [(2 * middle - high, high) for high in highs]
    return [
        (low, high)
        for low, high in corners
        if _between(low, lows) and _between(high, highs) and _between((low + high) / 2, logs)
    ]


def _between(value: float, span: Span) -> bool:
    return span[0] - _SLACK <= value <= span[1] + _SLACK


def _p_span(z: Span) -> Span:
    """Two-sided p of the z that lies farthest from zero, and of the nearest one."""
    far = max(abs(z[0]), abs(z[1]))
    near = 0.0 if z[0] <= 0 <= z[1] else min(abs(z[0]), abs(z[1]))
    return _two_sided(far), _two_sided(near)


def _two_sided(z: float) -> float:
    return math.erfc(z / math.sqrt(2))


def _distance(span: Span, p: PrintedValue, relation: str) -> float:
    """By how much the recomputed p misses the printed one; not above zero where it need not."""
    low, high = span
    if relation in ("<", "≤"):
        return low - float(p.value)
    if relation in (">", "≥"):
        return float(p.value) - high
    return max(low - float(p.interval.high), float(p.interval.low) - high)


def _by_hand(ratio: _Ratio) -> str:
    c = ratio.quantile
    low, high = math.log(ratio.low.value), math.log(ratio.high.value)
    z = math.log(ratio.value.value) / ((high - low) / (2 * c))
    return (
        f"z = ln {ratio.value.text} / ((ln {ratio.high.text} − ln {ratio.low.text}) / {2 * c:.2f})"
        f" = {f'{z:.3f}'.replace('-', '−')}, p = {_p_text(_two_sided(abs(z)))}"
    )


def _p_text(p: float) -> str:
    return f"{p:.4f}" if p >= 0.01 else f"{p:.3g}"


def _needed_interval(ratio: _Ratio, p: PrintedValue, relation: str) -> Any:
    """Limits around the printed ratio that would give the printed p; None where none can be."""
    value = float(p.value)
    if relation != "=" or not 0 < value < 1 or ratio.value.value == 1:
        return None
    b = math.log(ratio.value.value)
    half = ratio.quantile * abs(b) / NormalDist().inv_cdf(1 - value / 2)
    places = max(ratio.low.places, ratio.high.places)
    return [round(math.exp(b - half), places), round(math.exp(b + half), places)]
