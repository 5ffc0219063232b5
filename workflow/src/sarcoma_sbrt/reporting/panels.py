"""Panels of curves over time, a page of them with the numbers at risk below each."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.axes import Axes

from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    DASHED,
    GREY,
    SMALL,
    VERMILION,
    WIDTH,
    Numbers,
    Page,
    bare,
    illustrative,
    text_of,
    text_width,
)
from sarcoma_sbrt.reporting.drawn_numbers import capitalised, plain, uncapitalised, wrapped
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.small_cells import SmallCells, is_withheld
from sarcoma_sbrt.reporting.survival_statistics import ticks
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["Ends", "Group", "curve_ends", "drawn_rows", "page_of_panels", "panel_title", "size_of"]

# Month at which the curve of an endpoint's population ends where the small-cell rule holds.
Ends = Mapping[tuple[str, str], float]


class Group(NamedTuple):
    """One curve: its population, its registry prefix and how it is drawn."""

    population: str
    prefix: str
    label: str
    colour: str
    line: Any


_HEIGHT = 1.85
_TOP = 0.68  # the letter and the title, and the legend, which must not lie on curves
_ROW = 0.15
_LEFT = 0.66  # inches left of a panel, at least
_GUTTER = 0.13  # inches between the names and the axis, on which the first number stands
_NAME = 1.0  # inches of a group's name beside its numbers at risk, beyond which it wraps
# A curve is drawn while a tenth of all are at risk, as Pocock, Clayton and Altman advise for
# survival plots (Lancet 2002;359:1686): beyond, steps are large and mean little.
_SHARE_AT_RISK = 0.1
_BEFORE = 0.015  # what the axes have before month 0, as a share of their last month
_BEYOND = 1.03  # where the axes end, as a multiple of their last month
_BETWEEN_TICKS = 0.06  # least gap between the labels of two ticks, in inches


def curve_ends(
    curves: pd.DataFrame,
    numbers: Numbers,
    rule: SmallCells | None,
    counted: Sequence[str] = ("n", "events"),
) -> Ends | None:
    """How far the small-cell rule lets curves be drawn: as far as enough are at risk.

    A curve ends at an event or at a tick of its axis: an end between them would tell when
    somebody was censored. The two groups of a covariate end together: the curve of one and that
    of all would tell how few of the other are at risk.

    Parameters
    ----------
    curves : DataFrame
        `survival_statistics.curves` of any endpoints.
    numbers : mapping
        The registry, worded.
    rule : SmallCells or None
        None where it does not hold.
    counted : sequence of str
        Counts that the steps of the curves tell: a curve of which one is withheld is not drawn.

    Returns
    -------
    mapping or None
        (Endpoint, population) -> month; None without a rule. 0 is no curve.
    """
    if rule is None:
        return None
    ends: dict[tuple[str, str], float] = {}
    for endpoint, own in curves.groupby("endpoint"):
        months = ticks(float(own["time_months"].max()))
        for population, rows in own.groupby("population"):
            place = str(endpoint), str(population)
            prefix = place[0] if place[1] == "overall" else ".".join(place)
            told = not any(is_withheld(numbers, f"{prefix}.{count}") for count in counted)
            ends[place] = _end(rows, months, rule) if told else 0.0
    return {place: min(ends[other] for other in ends if _beside(place, other)) for place in ends}


def _beside(place: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two curves are of one panel."""
    first, second = ((name, re.sub("_(level|reference)$", "", of)) for name, of in (place, other))
    return first == second


def _end(rows: pd.DataFrame, months: Sequence[int], rule: SmallCells) -> float:
    """Last event or tick at which enough of one population are at risk."""
    enough = rows[rows["at_risk"] >= rule.least]
    last = max(map(float, enough["time_months"]), default=-1.0)
    events = enough.loc[enough["events"] > 0, "time_months"]
    return max((float(time) for time in (*events, *months) if time <= last), default=0.0)


def drawn_rows(
    curves: pd.DataFrame, endpoint: str, population: str, ends: Ends | None
) -> pd.DataFrame:
    """Rows of a step function that are drawn, in order; its last value is held up to its end.

    Parameters
    ----------
    curves : DataFrame
        With ``endpoint``, ``population`` and ``time_months``, 0 first.
    endpoint, population : str
        Whose curve.
    ends : mapping or None
        From `curve_ends`; None draws the whole curve.
    """
    own = (curves["endpoint"] == endpoint) & (curves["population"] == population)
    rows = curves[own].sort_values("time_months")
    if ends is None:
        return rows
    end = ends.get((endpoint, population), 0.0)
    kept = rows[rows["time_months"] <= end]
    if end == 0 or kept.empty:
        return rows.iloc[:0]
    last = kept.tail(1)
    held = float(last["time_months"].iloc[0]) < end
    return pd.concat([kept, last.assign(time_months=end)]) if held else kept


def size_of(numbers: Numbers, key: str) -> str:
    """Size of a group in a legend, "n = 12", or its bound where it is withheld, "n < 5"."""
    relation = "" if is_withheld(numbers, key) else "= "
    return f"n {relation}{text_of(numbers, key)}"


def page_of_panels(
    panels: Sequence[str],
    endpoint: EndpointSettings,
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    ends: Ends | None,
    key: str,
    draw: Callable[[Axes, str, Sequence[Group]], list[str]],
    heading: Callable[[str], str],
    legend_lines: int = 2,
) -> Page:
    """Lay out a panel for all and for each way to group them, numbers at risk below each.

    The axes end at the first tick at which less than a tenth of all are at risk, yet not before
    any median nor the plan's last landmark; a line says so where follow-up goes on.

    Parameters
    ----------
    panels : sequence of str
        ``overall`` or covariate names, in order.
    endpoint : EndpointSettings
        Whose curves.
    numbers : mapping
        The registry.
    analysis : Analysis
        Its covariates are the ones that panels may name.
    cohort : CohortSettings
        Its label stands below.
    ends : mapping or None
        From `curve_ends`: then the axes end with the curves, and a line says why.
    key : str
        What the lines mean that no legend names.
    draw : callable
        Draws one panel's curves and legend on its axes; the registry's keys that it shows.
    heading : callable
        The title of a panel.
    legend_lines : int
        Lines of the tallest legend, its title included.

    Raises
    ------
    ValueError
        When a panel is no covariate of two groups.
    KeyError
        When the registry lacks a number that the figure shows.
    """
    shown = [_groups(panel, endpoint, analysis, numbers) for panel in panels]
    longest = float(numbers[f"{endpoint.name}.time_max"]["value"] or 0)
    last = longest if ends is None else _last_end(ends, endpoint, shown)
    grid = ticks(longest)  # where the registry has numbers at risk
    end = _axis_end(numbers, endpoint, shown, analysis, grid, last)
    names = {g.label: _name_lines(g.label) for groups in shown for g in groups}
    columns = 1 if len(panels) == 1 else 2
    lines = max(sum(len(names[group.label]) for group in groups) for groups in shown)
    top = _TOP + 0.16 * (legend_lines - 2)
    below = 0.42 + (1 + max(lines, 2)) * _ROW  # the axis, and the numbers at risk
    cell = (WIDTH / columns, top + _HEIGHT + below + 0.12)
    left = max(_LEFT, *(text_width(line) + 0.26 for name in names.values() for line in name))
    width = cell[0] - left - 0.15
    months = _with_room([month for month in grid if month <= end], end or 1.0, width)
    said = [key, *_ends_said(numbers, endpoint, ends is not None, end < last)]
    page = Page(-(-len(panels) // columns) * cell[1] + 0.16 + 0.15 * len(said))
    keys: list[str] = []
    for index, (panel, groups) in enumerate(zip(panels, shown, strict=True)):
        x, y = index % columns * cell[0], index // columns * cell[1]
        axes = page.axes(x + left, y + top, width, _HEIGHT)
        _percent_over_months(axes, months, end or 1.0)
        keys += draw(axes, panel, groups)
        page.text(x + 0.08, y + 0.17, "ABCDEFGH"[index], weight="bold", fontsize=10)
        page.text(x + left, y + 0.17, heading(panel))
        place = (x + left, y + top + _HEIGHT + 0.42)
        keys += _numbers_at_risk(page, axes, groups, names, numbers, months, place)
    for index, line in enumerate(reversed(said)):
        page.text(0.08, page.height - 0.24 - 0.15 * index, line, color=GREY, fontsize=SMALL)
    page.footer(cohort, illustrative(numbers, keys))
    return page


def _last_end(ends: Ends, endpoint: EndpointSettings, shown: Sequence[Sequence[Group]]) -> float:
    """Month at which the last of the curves ends."""
    groups = (group for groups in shown for group in groups)
    return max((ends.get((endpoint.name, g.population), 0.0) for g in groups), default=0.0)


def _ends_said(
    numbers: Numbers, endpoint: EndpointSettings, withheld: bool, cut: bool
) -> Iterator[str]:
    """Lines on where curves and axes end."""
    if withheld:
        least = text_of(numbers, "config.models.disclosure.least")
        yield f"Curves are drawn as far as at least {least} {endpoint.unit}s are at risk."
    if cut:
        said = "Axes end at the first tick at which less than a tenth of all are at risk"
        key = f"{endpoint.name}.time_max"
        known = is_estimated(numbers, key)
        yield f"{said}{f'; the longest time is {text_of(numbers, key)} months' if known else ''}."


def _with_room(months: Sequence[int], end: float, width: float) -> Sequence[int]:
    """Every month, or every second, third, ... where the labels of all would touch."""
    if len(months) < 2:
        return months
    spacing = width * (months[1] - months[0]) / (_BEFORE + _BEYOND) / end
    needed = max(text_width(str(month)) for month in months) + _BETWEEN_TICKS
    return months[:: math.ceil(needed / spacing)]


def _percent_over_months(axes: Axes, months: Sequence[int], end: float) -> None:
    axes.set(
        xlim=(-_BEFORE * end, _BEYOND * end), ylim=(-2, 103), xlabel="Months", ylabel="Per cent"
    )
    axes.set_xticks(list(months), [str(month) for month in months])
    axes.set_yticks([0, 25, 50, 75, 100])


def _axis_end(
    numbers: Numbers,
    endpoint: EndpointSettings,
    shown: Sequence[Sequence[Group]],
    analysis: Analysis,
    grid: Sequence[int],
    last: float,
) -> float:
    """Month at which the axes end: one of the grid, or `last`, where the curves end."""
    enough = _SHARE_AT_RISK * float(numbers[f"{endpoint.name}.n"]["value"])
    medians = [
        float(numbers[f"{group.prefix}.median"]["value"])
        for groups in shown
        for group in groups
        if is_estimated(numbers, f"{group.prefix}.median")
    ]
    needed = max(
        [month for month in (*analysis.landmarks_months, *medians) if month <= last] or [0]
    )
    few = (
        month
        for month in grid
        if month >= needed and numbers[f"{endpoint.name}.at_risk_{month}m"]["value"] < enough
    )
    end = float(next(few, last))
    return end if end * _BEYOND < last else last


def panel_title(panel: str, endpoint: EndpointSettings, numbers: Numbers) -> str:
    """What a panel shows: the endpoint, or what its curves are split by."""
    if panel == "overall":
        return text_of(numbers, f"endpoint.{endpoint.name}.label")
    label = text_of(numbers, f"covariate.{panel}.label")
    # "By histological grade", but "By BED10".
    return f"By {uncapitalised(label)}"


def _name_lines(label: str) -> list[str]:
    """Lines of a group's name beside its numbers at risk."""
    width = text_width(label)
    if width <= _NAME:
        return [label]
    longest = max(int(len(plain(label)) * _NAME / width), 1)
    return wrapped(label, longest, break_long_words=False)


def _groups(
    panel: str, endpoint: EndpointSettings, analysis: Analysis, numbers: Numbers
) -> list[Group]:
    """Curves of a panel.

    Raises
    ------
    ValueError
        When the panel is no covariate of two groups.
    """
    if panel == "overall":
        label = f"All {endpoint.unit}s"
        return [Group("overall", endpoint.name, label, BLACK, "solid")]
    if panel not in analysis.covariates or analysis.covariates[panel].level is None:
        raise ValueError(f"{endpoint.name}: {panel} does not make two groups")
    return [
        Group(
            f"{panel}_{side}",
            f"{endpoint.name}.{panel}_{side}",
            capitalised(text_of(numbers, f"covariate.{panel}.{side}")),
            colour,
            line,
        )
        for side, colour, line in (
            ("level", BLUE, "solid"),
            ("reference", VERMILION, DASHED),
        )
    ]


def _numbers_at_risk(
    page: Page,
    axes: Axes,
    groups: Sequence[Group],
    names: Mapping[str, Sequence[str]],
    numbers: Numbers,
    months: Sequence[int],
    place: tuple[float, float],
) -> list[str]:
    """Number at risk under a panel, at its ticks, beside the groups' names; the keys shown."""
    left, top = place
    page.text(left - _GUTTER, top + 0.11, "At risk", fontsize=SMALL, ha="right")
    lines = sum(len(names[group.label]) for group in groups)
    width = axes.get_position().width * WIDTH
    table = bare(page.axes(left, top + _ROW, width, _ROW * lines))
    table.set(xlim=axes.get_xlim(), ylim=(lines, 0))
    keys, row = [], 0
    for group in groups:
        said: dict[str, Any] = {
            "color": group.colour,
            "fontsize": SMALL,
            "va": "center_baseline",
        }
        for line, text in enumerate(names[group.label]):
            y = top + _ROW * (row + line + 1.5)
            page.text(left - _GUTTER, y, text, ha="right", **said)
        for month in months:
            key = f"{group.prefix}.at_risk_{month}m"
            keys.append(key)
            table.text(month, row + 0.5, text_of(numbers, key), ha="center", **said)
        row += len(names[group.label])
    return keys
