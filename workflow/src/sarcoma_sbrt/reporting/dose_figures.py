"""Figure of dose and local control: the hazard ratio of every cut point, at each alpha/beta."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from sarcoma_sbrt.reporting.dose_statistics import STAGE, ratio_name
from sarcoma_sbrt.reporting.dose_tables import cut_keys, plan_cut_key
from sarcoma_sbrt.reporting.drawing import (
    BLUE,
    GREY,
    SMALL,
    VERMILION,
    WIDTH,
    Numbers,
    Page,
    bare,
    illustrative,
    reason_of,
    styled,
    text_of,
    text_width,
)
from sarcoma_sbrt.reporting.drawn_numbers import name_ticks
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["cut_point_figure"]

_LEFT, _RIGHT = 1.35, 0.15
_PANEL, _ABOVE, _ROW = 1.3, 0.34, 0.15
_BELOW = 0.28 + 2 * _ROW + 0.2
_RANGE = (0.02, 50.0)
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
_SIDES = {"below": "Below", "above": "At or above"}


@styled
def cut_point_figure(
    numbers: Numbers, endpoint: EndpointSettings, analysis: Analysis, cohort: CohortSettings
) -> Figure:
    """Hazard ratio of the higher dose at every cut, a panel for each alpha/beta.

    Cuts stand in their order and evenly, since neighbours may be a tenth of a Gy apart; the
    ratio's axis is logarithmic, with an arrow where an interval leaves it. Below each cut stand
    the lesions on either side with their failures, as many as have room.

    Parameters
    ----------
    numbers : mapping
        The registry: ``dose_sensitivity.<endpoint>.*``.
    endpoint : EndpointSettings
        One per lesion of local failure.
    analysis : Analysis
        Ratios, and the plan's own cut.
    cohort : CohortSettings
        Its label stands below.
    """
    ratios = analysis.dose.alpha_beta_gy
    shown = [cut_keys(numbers, endpoint.name, ratio) for ratio in ratios]
    limits = _limits(numbers, [key for keys in shown for key in keys])
    height = _ABOVE + _PANEL + _BELOW
    said = _said(numbers, analysis)
    page = Page(len(ratios) * height + 0.15 * len(said) + 0.25)
    for at, (ratio, keys) in enumerate(zip(ratios, shown, strict=True)):
        top, stem = at * height, f"{STAGE}.{endpoint.name}.{ratio_name(ratio)}"
        gray = text_of(numbers, f"config.models.dose.alpha_beta_gy.{at}")
        page.text(0.08, top + 0.2, "ABCDEFGH"[at], weight="bold", fontsize=10)
        page.text(_LEFT, top + 0.2, f"BED at an alpha/beta of {gray} Gy")
        place = (_LEFT, top + _ABOVE, WIDTH - _LEFT - _RIGHT, _PANEL)
        if keys:
            marked = numbers.get(f"{stem}.marked", {}).get("value")
            _draw(page.axes(*place), numbers, keys, marked, limits)
            _sides(page, numbers, keys, top + _ABOVE + _PANEL)
        else:
            _say(page.axes(*place), reason_of(numbers, f"{stem}.search.corrected_p"))
    for index, line in enumerate(reversed(said)):
        page.text(0.08, page.height - 0.24 - 0.15 * index, line, color=GREY, fontsize=SMALL)
    drawn = [f"{key}.hr" for keys in shown for key in keys]
    page.footer(cohort, illustrative(numbers, drawn))
    return page.figure


def _said(numbers: Numbers, analysis: Analysis) -> list[str]:
    level = text_of(numbers, "config.models.confidence_level")
    lines = [
        f"Dots: hazard ratio of the dose at or above the cut against that below, with {level}% CI "
        "clustered by patient."
    ]
    if plan := plan_cut_key(analysis):
        own, gray = (text_of(numbers, key) for key in (plan, "config.endpoints.alpha_beta_gy"))
        lines.append(
            f"Diamond: splits the lesions most nearly as the plan’s cut, {own} Gy at an "
            f"alpha/beta of {gray} Gy."
        )
    return [*lines, "Below the axis: lesions (failures). Cuts stand evenly, not to scale."]


def _limits(numbers: Numbers, keys: Iterable[str]) -> tuple[float, float]:
    """Range of the ratio's axis: what the intervals reach, within reason, and both sides of 1."""
    values = [
        float(numbers[f"{key}.hr.{end}"]["value"])
        for key in keys
        for end in ("low", "high")
        if is_estimated(numbers, f"{key}.hr")
    ]
    low, high = min([*values, 0.5]) / 1.2, max([*values, 2.0]) * 1.2
    return max(low, _RANGE[0]), min(high, _RANGE[1])


def _draw(
    axes: Axes,
    numbers: Numbers,
    keys: Sequence[str],
    marked: int | None,
    limits: tuple[float, float],
) -> None:
    axes.set_yscale("log")
    axes.set(xlim=_span(keys), ylim=limits, ylabel="Hazard ratio")
    axes.axhline(1, color=GREY, linewidth=0.7)
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    inside = [tick for tick in _TICKS if limits[0] <= tick <= limits[1]]
    axes.yaxis.set_major_locator(FixedLocator(inside))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    places = _labelled(keys, [text_of(numbers, f"{key}.gy") for key in keys])
    name_ticks(axes.xaxis, places, [text_of(numbers, f"{keys[at]}.gy") for at in places])
    for at, key in enumerate(keys):
        if not is_estimated(numbers, f"{key}.hr"):
            continue
        is_marked = at + 1 == marked
        colour = VERMILION if is_marked else BLUE
        low, value, high = (
            float(numbers[f"{key}.hr{end}"]["value"]) for end in (".low", "", ".high")
        )
        axes.plot([at, at], [low, high], color=colour, linewidth=1.1)
        for beyond, end, marker in (
            (low < limits[0], limits[0], "v"),
            (high > limits[1], limits[1], "^"),
        ):
            if beyond:
                axes.plot(at, end, marker=marker, color=colour, markersize=4, clip_on=False)
        axes.plot(
            at,
            value,
            marker="D" if is_marked else "o",
            color=colour,
            markersize=5 if is_marked else 4,
            gid=f"{key}.hr",
        )


def _span(keys: Sequence[str]) -> tuple[float, float]:
    return -0.5, len(keys) - 0.5


def _labelled(keys: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Every so many cuts, that the widest text has room; the first is always one of them."""
    room = (WIDTH - _LEFT - _RIGHT) / len(keys)
    step = max(1, -int(-(max(map(text_width, texts)) + 0.06) // room))
    return list(range(0, len(keys), step))


def _sides(page: Page, numbers: Numbers, keys: Sequence[str], top: float) -> None:
    """Lesions and failures below each cut, and at or above it."""
    cells = {
        side: [
            f"{text_of(numbers, f'{key}.{side}.n')} ({text_of(numbers, f'{key}.{side}.events')})"
            for key in keys
        ]
        for side in _SIDES
    }
    room = (WIDTH - _LEFT - _RIGHT) / len(keys)
    places = _labelled(keys, [text for texts in cells.values() for text in texts])
    page.text(_LEFT - 0.13, top + 0.16, "Cut, Gy", ha="right", va="center", fontsize=SMALL)
    for row, (side, label) in enumerate(_SIDES.items()):
        y = top + 0.34 + row * _ROW
        page.text(_LEFT - 0.13, y, label, ha="right", va="center", fontsize=SMALL)
        for at in places:
            x = _LEFT + (at + 0.5) * room
            page.text(x, y, cells[side][at], ha="center", va="center", fontsize=SMALL)


def _say(axes: Axes, reason: str) -> None:
    """Say in place of a panel why there is none."""
    bare(axes).text(0, 0.5, f"No cut: {reason}.", color=GREY, va="center")
