"""Figure of competing risks: cumulative incidences of the event and of death without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sarcoma_sbrt.reporting.competing_tables import EVENTS
from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    DASHED,
    GREY,
    VERMILION,
    Numbers,
    stated_p,
    styled,
    text_of,
)
from sarcoma_sbrt.reporting.drawn_numbers import capitalised
from sarcoma_sbrt.reporting.panels import (
    Ends,
    Group,
    drawn_rows,
    page_of_panels,
    panel_title,
    size_of,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["incidence_figure"]

_DOTTED = (0, (1, 1.6))
_FILL = 0.3


@styled
def incidence_figure(
    curves: pd.DataFrame,
    numbers: Numbers,
    endpoint: EndpointSettings,
    panels: Sequence[str],
    analysis: Analysis,
    cohort: CohortSettings,
    ends: Ends | None = None,
) -> Figure:
    """Cumulative incidences of one endpoint, a panel for all and for each way to group them.

    The panel of all stacks the event and, on it, death without it, beside one minus
    Kaplan-Meier. A panel by group has steps of the event with their bands, dotted ones of death
    without it, and Gray's p of the event. Below each stands the number at risk. The axes end as
    those of `panels.page_of_panels`.

    Parameters
    ----------
    curves : DataFrame
        `competing_statistics.incidence_curves` of any endpoints.
    numbers : mapping
        The registry.
    endpoint : EndpointSettings
        Whose curves.
    panels : sequence of str
        ``overall`` or covariate names, in order.
    analysis : Analysis
        Its covariates are the ones that panels may name.
    cohort : CohortSettings
        Its label stands below.
    ends : mapping, optional
        From `panels.curve_ends`, where small counts are withheld: curves end there.

    Raises
    ------
    ValueError
        When a panel is no covariate of two groups.
    KeyError
        When the registry lacks a number that the figure shows.
    """
    event = EVENTS[endpoint.event]
    level = text_of(numbers, "config.models.confidence_level")

    def draw(axes: Axes, panel: str, groups: Sequence[Group]) -> list[str]:
        if panel == "overall":
            rows = drawn_rows(curves, endpoint.name, groups[0].population, ends)
            return _stacked(axes, rows, groups[0], endpoint, numbers)
        drawn = [(g, drawn_rows(curves, endpoint.name, g.population, ends)) for g in groups]
        return _by_group(axes, drawn, f"{endpoint.name}.{panel}", numbers)

    def heading(panel: str) -> str:
        if panel == "overall":
            return f"{capitalised(event)}: cumulative incidence"
        return panel_title(panel, endpoint, numbers)

    return page_of_panels(
        panels,
        endpoint,
        numbers,
        analysis,
        cohort,
        ends=ends,
        key=f"By group: {event}, shaded its {level}% confidence band; dotted, death without "
        f"{event}.",
        draw=draw,
        heading=heading,
        legend_lines=3,
    ).figure


def _held(rows: pd.DataFrame, column: str) -> tuple[Any, Any]:
    """A step function as the corners of a line: each value is held until the next time."""
    time = rows["time_months"].to_numpy(dtype="float64")
    value = 100 * rows[column].to_numpy(dtype="float64", na_value=np.nan)
    return np.repeat(time, 2)[1:], np.repeat(value, 2)[:-1]


def _stacked(
    axes: Axes,
    rows: pd.DataFrame,
    group: Group,
    endpoint: EndpointSettings,
    numbers: Numbers,
) -> list[str]:
    """Draw the event, on it death without it, and one minus Kaplan-Meier; the legend's keys."""
    if len(rows):
        time, event = _held(rows, "cif")
        both = event + _held(rows, "cif_death")[1]
        axes.fill_between(time, 0, event, color=VERMILION, alpha=_FILL, linewidth=0)
        axes.fill_between(time, event, both, color=GREY, alpha=_FILL, linewidth=0)
        axes.plot(time, event, color=VERMILION, linewidth=1.4, gid=f"{group.prefix}.cif")
        axes.plot(time, both, color=GREY, linewidth=1.0, gid=f"{group.prefix}.cif_death")
        complement = _held(rows, "complement")[1]
        axes.plot(time, complement, color=BLUE, linestyle=DASHED, linewidth=1.0)
    word = EVENTS[endpoint.event]
    keys = [f"{endpoint.name}.{name}" for name in ("events", "competing", "n")]
    events, deaths, n = (text_of(numbers, key) for key in keys)
    _legend(
        axes,
        [
            Patch(facecolor=VERMILION, alpha=_FILL, edgecolor=VERMILION),
            Patch(facecolor=GREY, alpha=_FILL, edgecolor=GREY),
            Line2D([], [], color=BLUE, linestyle=DASHED, linewidth=1.0),
        ],
        [
            f"{capitalised(word)} ({events} of {n})",
            f"Death without it ({deaths})",
            "One minus Kaplan-Meier",
        ],
    )
    return keys


def _by_group(
    axes: Axes,
    drawn: Sequence[tuple[Group, pd.DataFrame]],
    prefix: str,
    numbers: Numbers,
) -> list[str]:
    """Draw the incidences of the groups of `prefix`; the legend's keys."""
    groups = [group for group, _ in drawn]
    for group, rows in drawn:
        if len(rows):
            time, event = _held(rows, "cif")
            low, high = _held(rows, "lower")[1], _held(rows, "upper")[1]
            line: dict[str, Any] = {"color": group.colour}
            axes.fill_between(time, low, high, alpha=0.13, linewidth=0, **line)
            line |= {"linestyle": group.line, "linewidth": 1.4}
            axes.plot(time, event, gid=f"{group.prefix}.cif", **line)
            line |= {"linestyle": _DOTTED, "linewidth": 1.1}
            axes.plot(*_held(rows, "cif_death"), gid=f"{group.prefix}.cif_death", **line)
    handles = [
        Line2D([], [], color=group.colour, linestyle=group.line, linewidth=1.4) for group in groups
    ]
    labels = [f"{group.label} ({size_of(numbers, f'{group.prefix}.n')})" for group in groups]
    test = f"{prefix}.gray.p"
    _legend(axes, handles, labels, f"Gray’s test {stated_p(numbers, test)}")
    return [f"{group.prefix}.n" for group in groups] + [test]


def _legend(
    axes: Axes, handles: Sequence[Any], labels: Sequence[str], title: str | None = None
) -> None:
    axes.legend(
        handles,
        labels,
        title=title,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        borderaxespad=0,
        alignment="left",
        handlelength=2.2,
        borderpad=0,
        labelspacing=0.3,
        labelcolor=BLACK,
    )
