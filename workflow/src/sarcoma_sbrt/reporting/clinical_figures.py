"""Figures that show single patients and lesions: swimmer, waterfall and spider plot.

No row is named: patients and lesions stand in an order of values. In a reconstructed cohort
no printed figure constrains a single row, whatever the support of its columns, and the footer
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sarcoma_sbrt.reporting.clinical_statistics import (
    SHRUNK_PERCENT,
    diameter_changes,
    local_failure,
    patient_lanes,
)
from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    DASHED,
    FILLER_NOTE,
    GREY,
    LIGHT_GREY,
    SMALL,
    VERMILION,
    WHITE,
    WIDTH,
    Numbers,
    Page,
    is_filler,
    styled,
    text_of,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["clinical_figures", "spider_figure", "swimmer_figure", "waterfall_figure"]

_LEFT, _RIGHT, _TOP, _BELOW = 0.66, 0.15, 0.42, 0.85
_HEIGHT = 3.4
_LANE = 0.145
_EMPTY = "No lesion was measured after its first fraction."


def clinical_figures(
    tables: Mapping[str, pd.DataFrame],
    numbers: Numbers,
    endpoints: Mapping[str, EndpointSettings],
    analysis: Analysis,
    cohort: CohortSettings,
) -> dict[str, Figure]:
    """Draw the figures of ``analysis.clinical_figures``, by name.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables.
    numbers : mapping
        The registry: ``swimmer.n`` and ``response.n`` carry the support of what is drawn.
    endpoints : mapping of EndpointSettings
        The one of local failure defines baseline, failure and end of observation.
    analysis, cohort
        The plan, already without figures whose columns the cohort lacks.
    """
    definition = local_failure(endpoints, cohort)
    drawn: dict[str, Figure] = {}
    if "swimmer" in analysis.clinical_figures:
        drawn["swimmer"] = swimmer_figure(patient_lanes(tables, definition), numbers, cohort)
    if definition is not None:
        draw: dict[str, Callable[..., Figure]] = {
            "waterfall": waterfall_figure,
            "spider": spider_figure,
        }
        changes = diameter_changes(tables, definition)
        for name in (n for n in draw if n in analysis.clinical_figures):
            drawn[name] = draw[name](changes, numbers, definition, cohort)
    return drawn


def _note(numbers: Numbers, key: str, unit: str, cohort: CohortSettings) -> str:
    """Support mark of a figure of single patients or lesions; none where they were observed."""
    if cohort.kind == "observed":
        return ""
    if is_filler(numbers, [key]):
        return FILLER_NOTE
    return f"illustrative, no printed figure constrains a single {unit}"


def _legend(axes: Axes, handles: Sequence[Line2D | Patch]) -> None:
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        borderaxespad=0,
        ncols=len(handles),
        borderpad=0,
        handlelength=1.6,
        columnspacing=1.4,
    )


def _marker(marker: str, label: str, colour: str, face: str) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        color=colour,
        markerfacecolor=face,
        markersize=5,
        label=label,
    )


@styled
def swimmer_figure(lanes: pd.DataFrame, numbers: Numbers, cohort: CohortSettings) -> Figure:
    """Draw a lane for each patient from first fraction to last contact, the longest on top.

    Parameters
    ----------
    lanes : DataFrame
        From `clinical_statistics.patient_lanes`.
    numbers : mapping
        The registry.
    cohort : CohortSettings
        Its label stands below.
    """
    height = max(len(lanes), 4) * _LANE
    page = Page(_TOP + height + _BELOW - 0.2)
    axes = page.axes(_LEFT, _TOP, WIDTH - _LEFT - _RIGHT, height)
    last = float(lanes["months"].max()) if len(lanes) else 1.0
    axes.set(xlim=(-0.015 * last, 1.04 * last), ylim=(max(len(lanes), 4) - 0.5, -0.5))
    axes.set(xlabel="Months from the first fraction", ylabel="Patients")
    axes.set_yticks([])
    axes.barh(range(len(lanes)), lanes["months"], height=0.6, color=LIGHT_GREY, linewidth=0)
    marks = (
        ("courses", "|", "SBRT course", BLUE, BLUE),
        ("failures", "s", "Local failure", VERMILION, VERMILION),
        ("progressions", "D", "Other progression", VERMILION, WHITE),
    )
    # Ends lie below the other marks, which are smaller: what came on the same day shows.
    ends = list(zip(lanes["months"], range(len(lanes)), lanes["dead"], strict=True))
    _points(axes, [(m, lane) for m, lane, dead in ends if dead], "X", BLACK, BLACK, 6.5)
    _points(axes, [(m, lane) for m, lane, dead in ends if not dead], ">", BLACK, WHITE, 6.5)
    for name, marker, _, colour, face in marks:
        points = [(m, lane) for lane, months in enumerate(lanes[name]) for m in months]
        _points(axes, points, marker, colour, face)
    used = [mark for mark in marks if any(len(months) for months in lanes[mark[0]])]
    handles = [_marker(marker, label, colour, face) for _, marker, label, colour, face in used]
    handles += [_marker("X", "Death", BLACK, BLACK)]
    handles += [_marker(">", "Alive at last contact", BLACK, WHITE)]
    _legend(axes, handles)
    page.footer(cohort, _note(numbers, "swimmer.n", "patient", cohort))
    return page.figure


def _points(
    axes: Axes,
    points: Sequence[tuple[float, int]],
    marker: str,
    colour: str,
    face: str,
    size: float = 3.8,
) -> None:
    if points:
        months, lanes = zip(*points, strict=True)
        axes.plot(
            months,
            lanes,
            linestyle="none",
            marker=marker,
            color=colour,
            markerfacecolor=face,
            markersize=7 if marker == "|" else size,
            markeredgewidth=1.6 if marker == "|" else 0.9,
            clip_on=False,
        )


def _thresholds(axes: Axes, definition: EndpointSettings) -> None:
    axes.axhline(0, color=BLACK, linewidth=0.7)
    for percent in (definition.growth_percent, -SHRUNK_PERCENT):
        axes.axhline(percent, color=GREY, linewidth=0.7, linestyle=DASHED)


def _diameter_page(ylabel: str) -> tuple[Page, Axes]:
    page = Page(_TOP + _HEIGHT + _BELOW)
    axes = page.axes(_LEFT, _TOP, WIDTH - _LEFT - _RIGHT, _HEIGHT)
    axes.set_ylabel(ylabel)
    return page, axes


def _key(page: Page, numbers: Numbers, definition: EndpointSettings) -> None:
    """What the lines mean that no legend names."""
    key = f"config.endpoints.endpoints.{definition.name}.growth_percent"
    growth = text_of(numbers, key) if key in numbers else f"{definition.growth_percent:g}"
    text = (
        f"Dashed: growth by {growth}%, as in local failure, and shrinkage "
        f"by {SHRUNK_PERCENT:g}%, as in partial response."
    )
    page.text(0.08, page.height - 0.24, text, color=GREY, fontsize=SMALL)


def _said(axes: Axes) -> None:
    axes.text(0.5, 0.5, _EMPTY, transform=axes.transAxes, ha="center", color=GREY)


def _bar(failed: bool) -> dict[str, Any]:
    """Look of a lesion's bar; the hatches tell failures where there is no colour."""
    look = {"facecolor": VERMILION, "hatch": "//////"} if failed else {"facecolor": BLUE}
    return look | {"edgecolor": WHITE, "linewidth": 0}


@styled
def waterfall_figure(
    changes: pd.DataFrame, numbers: Numbers, definition: EndpointSettings, cohort: CohortSettings
) -> Figure:
    """Draw each lesion's best change of diameter from baseline, from growth to shrinkage.

    Parameters
    ----------
    changes : DataFrame
        From `clinical_statistics.diameter_changes`; the least of a lesion is its best.
    numbers : mapping
        The registry.
    definition : EndpointSettings
        Of local failure, for the line of growth.
    cohort : CohortSettings
        Its label stands below.
    """
    page, axes = _diameter_page("Best change of diameter, per cent")
    best = changes.groupby("lesion").agg(percent=("percent", "min"), failed=("failed", "first"))
    best = best.sort_values(["percent", "failed"], ascending=[False, False], kind="stable")
    bars = axes.bar(range(len(best)), best["percent"], width=0.8)
    for bar, failed in zip(bars, best["failed"], strict=True):
        bar.set(**_bar(failed))
    # A bar of no height is there all the same.
    nil = [lesion for lesion, percent in enumerate(best["percent"]) if percent == 0]
    axes.plot(nil, [0] * len(nil), linestyle="none", marker="_", color=BLACK, markersize=5)
    count = f" (n = {text_of(numbers, 'response.n')})" if "response.n" in numbers else ""
    axes.set(xlim=(-0.8, max(len(best), 1) - 0.2), xlabel=f"Lesions{count}")
    axes.set_xticks([])
    _thresholds(axes, definition)
    if best.empty:
        _said(axes)
    labels = ((True, "Local failure"), (False, "No local failure"))
    _legend(axes, [Patch(label=label, **_bar(failed)) for failed, label in labels])
    _key(page, numbers, definition)
    page.footer(cohort, _note(numbers, "response.n", "lesion", cohort))
    return page.figure


@styled
def spider_figure(
    changes: pd.DataFrame, numbers: Numbers, definition: EndpointSettings, cohort: CohortSettings
) -> Figure:
    """Draw each lesion's change of diameter from baseline over the months from first fraction.

    Parameters
    ----------
    changes : DataFrame
        From `clinical_statistics.diameter_changes`.
    numbers : mapping
        The registry.
    definition : EndpointSettings
        Of local failure, for the line of growth.
    cohort : CohortSettings
        Its label stands below.
    """
    page, axes = _diameter_page("Change of diameter, per cent")
    for _, rows in changes.groupby("lesion", sort=True):
        failed = bool(rows["failed"].iloc[0])
        axes.plot(
            [0.0, *rows["months"]],
            [0.0, *rows["percent"]],
            color=VERMILION if failed else BLUE,
            linestyle=DASHED if failed else "solid",
            linewidth=0.9,
            marker="o",
            markersize=2.4,
            alpha=0.8,
        )
    axes.set_xlim(left=0)
    axes.set_xlabel("Months from the first fraction to the lesion")
    _thresholds(axes, definition)
    if changes.empty:
        _said(axes)
    labels: tuple[tuple[str, Any, str], ...] = (
        (VERMILION, DASHED, "Local failure"),
        (BLUE, "solid", "No local failure"),
    )
    _legend(
        axes,
        [
            Line2D([], [], color=colour, linestyle=line, label=label)
            for colour, line, label in labels
        ],
    )
    _key(page, numbers, definition)
    page.footer(cohort, _note(numbers, "response.n", "lesion", cohort))
    return page.figure
