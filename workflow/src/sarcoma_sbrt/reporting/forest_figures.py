"""Figures of the random survival forests: importances and partial dependence.

Every number that a figure writes is the registry's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    GREY,
    LIGHT_GREY,
    SMALL,
    WHITE,
    WIDTH,
    Numbers,
    Page,
    illustrative,
    styled,
    text_of,
)
from sarcoma_sbrt.reporting.drawn_numbers import name_ticks, wrapped
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["importance_figure", "partial_dependence_figure"]

_TOP = 0.5  # inches above a panel: the endpoint, and a line below it
_BELOW = 0.72  # and below: numbers of the axis, its name, the footer
_BETWEEN = 0.28  # inches between panels, so that their last and first ticks stay apart


def _grown(numbers: Numbers, analysis: Analysis) -> list[str]:
    return [e for e in analysis.forest if f"forest.{e}.concordance" in numbers]


def _names(analysis: Analysis, endpoints: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name for e in endpoints for name in analysis.forest[e]))


def _panels(page: Page, count: int, left: float, height: float) -> Iterator[Axes]:
    """Panels side by side, and rows that are read across them."""
    width = (WIDTH - left - 0.1) / max(count, 1) - _BETWEEN
    for index in range(count):
        axes = page.axes(left + index * (width + _BETWEEN), _TOP, width, height)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks([])
        yield axes


def _axis_name(page: Page, left: float, height: float, text: str) -> None:
    middle = left + (WIDTH - 0.1 - _BETWEEN - left) / 2
    page.text(middle, _TOP + height + 0.44, text, ha="center")


def _title(axes: Axes, numbers: Numbers, endpoint: str, below: str) -> None:
    label = "\n".join(wrapped(text_of(numbers, f"endpoint.{endpoint}.label"), 26))
    axes.set_title(f"{label}\n{below}", loc="left", fontsize=8)


# --- importances --------------------------------------------------------------------------

_BAR = 0.29


@styled
def importance_figure(numbers: Numbers, analysis: Analysis, cohort: CohortSettings) -> Figure:
    """Permutation importance of each covariate in the random survival forests.

    Bars are the mean fall in the concordance of held-out patients, whiskers its interval over
    the repeats of the cross-validation; diamonds the fall in the out-of-bag concordance.

    Parameters
    ----------
    numbers : mapping
        The registry: ``forest.<endpoint>.cv.forest.harrell``,
        ``forest.<endpoint>.cv.importance.<covariate>`` and
        ``forest.<endpoint>.importance.<covariate>``.
    analysis : Analysis
        Which forests there are, and their covariates in order.
    cohort : CohortSettings
        Its label stands below.
    """
    found = _grown(numbers, analysis)
    names = _names(analysis, found)
    height, left = _BAR * len(names) + 0.1, 1.45
    page = Page(_TOP + height + _BELOW)
    keys = [key for e in found for key in _importance_keys(e, names)]
    limits = _limits(numbers, keys)
    for endpoint, axes in zip(found, _panels(page, len(found), left, height), strict=True):
        axes.set(xlim=limits, ylim=(len(names) - 0.5, -0.5))
        axes.axvline(0, color=GREY, linewidth=0.7)
        axes.locator_params(axis="x", nbins=5)
        key = f"forest.{endpoint}.cv.forest.harrell"
        said = "C in held-out patients" if is_estimated(numbers, key) else "C"
        _title(axes, numbers, endpoint, f"{said} {text_of(numbers, key)}")
        if endpoint == found[0]:
            labels = [text_of(numbers, f"covariate.{name}.label") for name in names]
            name_ticks(axes.yaxis, range(len(names)), labels)
        for row, name in enumerate(names):
            if name in analysis.forest[endpoint]:
                _importance(axes, numbers, endpoint, name, row)
    if found:
        _axis_name(page, left, height, "Fall in concordance when permuted")
    page.footer(cohort, illustrative(numbers, keys))
    return page.figure


def _importance_keys(endpoint: str, names: Iterable[str]) -> Iterator[str]:
    yield f"forest.{endpoint}.cv.forest.harrell"
    for name in names:
        yield f"forest.{endpoint}.cv.importance.{name}"
        yield f"forest.{endpoint}.importance.{name}"


def _limits(numbers: Numbers, keys: Iterable[str]) -> tuple[float, float]:
    """Range that holds everything drawn, and room for the numbers."""
    ends = [0.0, 0.01]
    for key in keys:
        if ".importance." in key and is_estimated(numbers, key):
            ends.append(float(numbers[key]["value"]))
            ends += _ends(numbers, key)
    span = max(ends) - min(ends)
    return min(ends) - 0.05 * span, max(ends) + 0.45 * span


def _ends(numbers: Numbers, key: str) -> list[float]:
    found = [
        numbers[f"{key}.{end}"]["value"] for end in ("low", "high") if f"{key}.{end}" in numbers
    ]
    return [float(end) for end in found]


def _importance(axes: Axes, numbers: Numbers, endpoint: str, name: str, row: int) -> None:
    unseen, own = (f"forest.{endpoint}.{way}importance.{name}" for way in ("cv.", ""))
    furthest = 0.0
    if is_estimated(numbers, unseen):
        value, ends = float(numbers[unseen]["value"]), _ends(numbers, unseen)
        axes.barh(row, value, height=0.5, color=BLUE)
        axes.plot(ends, [row] * len(ends), color=BLACK, linewidth=0.9)
        furthest = max(furthest, value, *ends)
    if is_estimated(numbers, own):
        value = float(numbers[own]["value"])
        axes.plot(value, row, marker="D", markersize=4, color=WHITE, markeredgecolor=BLACK)
        furthest = max(furthest, value)
    if unseen in numbers:
        known = is_estimated(numbers, unseen)
        axes.annotate(
            text_of(numbers, unseen),
            (furthest, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=BLACK if known else GREY,
        )


# --- partial dependence -------------------------------------------------------------------

_ROW = 0.46


@styled
def partial_dependence_figure(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> Figure:
    """What the forests predict when a covariate has one value in everybody.

    A filled circle is the first group of a covariate, an open one the second; of a continuous
    covariate the largest and the smallest value, with dots for those between.

    Parameters
    ----------
    numbers : mapping
        The registry: ``forest.<endpoint>.partial.<covariate>.<point>.rate_<time>m``.
    analysis : Analysis
        Which forests there are, their covariates in order, and the landmarks.
    cohort : CohortSettings
        Its label stands below.
    """
    found = _grown(numbers, analysis)
    names = _names(analysis, found)
    height, left = _ROW * len(names) + 0.1, 1.75
    page = Page(_TOP + height + _BELOW)
    keys: list[str] = []
    for endpoint, axes in zip(found, _panels(page, len(found), left, height), strict=True):
        axes.set(xlim=(0, 100), ylim=(len(names) - 0.5, -0.5))
        axes.set_xticks([0, 25, 50, 75, 100])
        if endpoint == found[0]:
            labels = [_levels(numbers, analysis, name) for name in names]
            name_ticks(axes.yaxis, range(len(names)), labels, fontsize=SMALL)
        month = _month(numbers, endpoint)
        if month is None:
            _title(axes, numbers, endpoint, "no prediction")
            continue
        index = analysis.landmarks_months.index(month)
        at = text_of(numbers, f"config.models.kaplan_meier.landmarks_months.{index}")
        _title(axes, numbers, endpoint, f"at {at} months")
        for row, name in enumerate(names):
            keys += _dependence(axes, numbers, f"forest.{endpoint}.partial.{name}", month, row)
    if found:
        _axis_name(page, left, height, "Predicted to be free of the event, %")
    page.footer(cohort, illustrative(numbers, keys))
    return page.figure


def _levels(numbers: Numbers, analysis: Analysis, name: str) -> str:
    label = text_of(numbers, f"covariate.{name}.label")
    if analysis.covariates[name].step is not None:
        return f"{label}\n● largest\n○ smallest"
    level, reference = (text_of(numbers, f"covariate.{name}.{s}") for s in ("level", "reference"))
    return f"{label}\n● {level}\n○ {reference}"


def _month(numbers: Numbers, endpoint: str) -> float | None:
    """Last landmark that is predicted, and scored where anything is scored."""
    pattern = re.compile(rf"forest\.{endpoint}\.partial\.\w+\.\w+\.rate_([\d.]+)m")
    predicted = {float(match[1]) for key in numbers if (match := pattern.fullmatch(key))}
    horizon = f"forest.{endpoint}.cv.horizon"
    scored = {m for m in predicted if horizon in numbers and m <= numbers[horizon]["value"]}
    return max(scored or predicted, default=None)


def _dependence(axes: Axes, numbers: Numbers, of: str, month: float, row: int) -> list[str]:
    """Draw the points of one covariate; say which keys they are."""
    binary = [f"{of}.{side}.rate_{month:g}m" for side in ("reference", "level")]
    pattern = re.compile(rf"{re.escape(of)}\.point_(\d+)\.rate_{month:g}m")
    points = sorted((int(match[1]), key) for key in numbers if (match := pattern.fullmatch(key)))
    keys = [key for key in binary if key in numbers] or [key for _, key in points]
    at = [float(numbers[key]["value"]) for key in keys]
    if not at:
        return []
    axes.plot(at, [row] * len(at), color=LIGHT_GREY, linewidth=1.2, zorder=1)
    axes.plot(at[1:-1], [row] * len(at[1:-1]), "o", markersize=2.5, color=GREY, zorder=2)
    if len(at) > 1:
        _circle(axes, at[0], row, WHITE)
    alone = len(at) == 1 and keys[0] != binary[1]
    _circle(axes, at[-1], row, WHITE if alone else BLUE)
    return keys


def _circle(axes: Axes, value: float, row: int, face: str) -> None:
    (circle,) = axes.plot(value, row, "o", markersize=6, color=face, markeredgecolor=BLUE)
    circle.set(zorder=3, clip_on=False)  # whole at the ends of the axis, too
