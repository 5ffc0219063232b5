"""The figures of this cohort: data to `matplotlib.figure.Figure`, never saved and never shown.

Every number that a figure writes is the registry's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    FILLER_NOTE,
    GREY,
    SMALL,
    VERMILION,
    WIDTH,
    Numbers,
    Page,
    bare,
    illustrative,
    is_filler,
    save_options,
    stated_p,
    style,
    styled,
    text_of,
)
from sarcoma_sbrt.reporting.drawn_numbers import capitalised, wrapped
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.panels import (
    Ends,
    Group,
    drawn_rows,
    page_of_panels,
    panel_title,
    size_of,
)
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.totals import parts_worded
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = [
    "FILLER_NOTE",
    "flow_counts",
    "flow_figure",
    "hazard_ratio_figure",
    "kaplan_meier_figure",
    "save_options",
    "style",
]

# --- Kaplan-Meier -------------------------------------------------------------------------


@styled
def kaplan_meier_figure(
    curves: pd.DataFrame,
    numbers: Numbers,
    endpoint: EndpointSettings,
    panels: Sequence[str],
    analysis: Analysis,
    cohort: CohortSettings,
    ends: Ends | None = None,
) -> Figure:
    """Kaplan-Meier curves of one endpoint, a panel for all and for each way to group them.

    Steps with confidence bands; ticks where somebody was censored; dotted lines to the
    medians; the log-rank p; the number at risk under each panel, with the groups' names. The
    axes end at the first tick at which less than a tenth of all are at risk, yet not before any
    median that is drawn nor the plan's last landmark; the figure says so where follow-up goes on.

    Parameters
    ----------
    curves : DataFrame
        `survival_statistics.curves` of any endpoints.
    numbers : mapping
        The registry.
    endpoint : EndpointSettings
        Whose curves.
    panels : sequence of str
        ``overall`` or covariate names, in order (``analysis.figures[endpoint.name]``).
    analysis : Analysis
        Its covariates are the ones that panels may name.
    cohort : CohortSettings
        Its label stands below.
    ends : mapping, optional
        From `panels.curve_ends`, where small counts are withheld: curves end there, and nobody's
        censoring is marked.

    Raises
    ------
    ValueError
        When a panel is no covariate of two groups.
    KeyError
        When the registry lacks a number that the figure shows.
    """

    def draw(axes: Axes, panel: str, groups: Sequence[Group]) -> list[str]:
        for group in groups:
            rows = drawn_rows(curves, endpoint.name, group.population, ends)
            if len(rows):
                _curve(axes, rows, group)
                _median_lines(axes, group, numbers, float(rows["time_months"].max()))
                if ends is None:
                    _censorings(axes, rows, group)
        return _legend(axes, panel, groups, endpoint, numbers)

    level = text_of(numbers, "config.models.confidence_level")
    censored = "Ticks: censored." if ends is None else "Censored times are not marked."
    return page_of_panels(
        panels,
        endpoint,
        numbers,
        analysis,
        cohort,
        ends=ends,
        key=f"Dotted lines: medians. Shaded: {level}% confidence bands. {censored}",
        draw=draw,
        heading=lambda panel: panel_title(panel, endpoint, numbers),
    ).figure


def _curve(axes: Axes, rows: pd.DataFrame, group: Group) -> None:
    """Draw the steps and their band.

    The band is held from each time to the next by itself: ``step="post"`` would leave out the
    interval before a time at which there is no band.
    """
    time, survival, lower, upper = (
        rows[column].to_numpy(dtype="float64", na_value=np.nan)
        for column in ("time_months", "survival", "lower", "upper")
    )
    held = np.repeat(time, 2)[1:]
    low, high = (100 * np.repeat(limit, 2)[:-1] for limit in (lower, upper))
    axes.fill_between(held, low, high, color=group.colour, alpha=0.13, linewidth=0)
    axes.step(
        time,
        100 * survival,
        where="post",
        color=group.colour,
        linestyle=group.line,
        linewidth=1.4,
        gid=group.prefix,
    )


def _censorings(axes: Axes, rows: pd.DataFrame, group: Group) -> None:
    """Draw a tick where somebody was censored."""
    censored = rows[rows["censored"] > 0]
    axes.plot(
        censored["time_months"].to_numpy(dtype="float64"),
        100 * censored["survival"].to_numpy(dtype="float64"),
        linestyle="none",
        marker="|",
        markersize=5,
        markeredgewidth=0.9,
        color=group.colour,
    )


def _median_lines(axes: Axes, group: Group, numbers: Numbers, end: float) -> None:
    """Draw the way to a median that the curve, up to its end, reaches."""
    if not is_estimated(numbers, f"{group.prefix}.median"):
        return
    median = float(numbers[f"{group.prefix}.median"]["value"])
    if median > end:
        return
    axes.plot(
        [0, median, median],
        [50, 50, -2],
        linestyle=":",
        linewidth=0.9,
        color=group.colour,
        zorder=1,
    )


def _legend(
    axes: Axes, panel: str, groups: Sequence[Group], endpoint: EndpointSettings, numbers: Numbers
) -> list[str]:
    """Name the groups with their size and, above them, the test; the keys of what is shown."""
    handles = [
        Line2D([], [], color=group.colour, linestyle=group.line, linewidth=1.4) for group in groups
    ]
    labels = [f"{group.label} ({size_of(numbers, f'{group.prefix}.n')})" for group in groups]
    test = f"{endpoint.name}.{panel}.logrank.p"
    title = None if panel == "overall" else f"Log-rank {stated_p(numbers, test)}"
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
    )
    return [f"{group.prefix}.n" for group in groups] + ([] if panel == "overall" else [test])


# --- hazard ratios ------------------------------------------------------------------------


class _Ratio(NamedTuple):
    """One row of the forest plot."""

    key: str
    y: float
    adjusted: bool


_LINE = 0.165
_GAP = 0.1
_TITLE = 0.34
_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_MOST_RATIO_TICKS = 9
_RATIO_RANGE = (0.02, 50.0)


@styled
def hazard_ratio_figure(numbers: Numbers, analysis: Analysis, cohort: CohortSettings) -> Figure:
    """Forest plot of every hazard ratio, univariable and adjusted, endpoint by endpoint.

    Parameters
    ----------
    numbers : mapping
        The registry: ``cox.<endpoint>.<univariable|multivariable>.<covariate>.<hr|p>``.
    analysis : Analysis
        Endpoints and covariates, in order.
    cohort : CohortSettings
        Its label stands below.
    """
    plan = {e: _ratio_names(numbers, analysis, e) for e in analysis.endpoints}
    plan = {endpoint: names for endpoint, names in plan.items() if names}
    heights = {e: len(names) * (2 * _LINE + _GAP) + 0.08 for e, names in plan.items()}
    page = Page(0.45 + sum(heights.values()) + _TITLE * len(plan) + 0.7)
    limits = _ratio_limits(numbers, plan)
    _ratio_header(page, numbers)
    top, keys = 0.45, []
    for endpoint, names in plan.items():
        page.text(
            0.1, top + _TITLE - 0.1, text_of(numbers, f"endpoint.{endpoint}.label"), weight="bold"
        )
        axes = page.axes(2.55, top + _TITLE, 2.45, heights[endpoint])
        last = endpoint == list(plan)[-1]
        _ratio_axes(axes, limits, heights[endpoint], last)
        for index, name in enumerate(names):
            y = 0.04 + index * (2 * _LINE + _GAP)
            _ratio_label(page, numbers, analysis, name, top + _TITLE + y)
            for ratio in _ratios(numbers, endpoint, name, y):
                _draw_ratio(axes, numbers, ratio, limits)
                _ratio_text(page, numbers, ratio, top + _TITLE + ratio.y)
                keys.append(ratio.key)
        top += heights[endpoint] + _TITLE
    page.footer(cohort, illustrative(numbers, keys))
    return page.figure


def _ratio_names(numbers: Numbers, analysis: Analysis, endpoint: str) -> list[str]:
    """Covariates of an endpoint with a hazard ratio of either kind."""
    adjusted = analysis.multivariable.get(endpoint, {}).get("multivariable", ())
    names = dict.fromkeys((*analysis.univariable.get(endpoint, ()), *adjusted))
    return [name for name in names if _ratios(numbers, endpoint, name, 0.0)]


def _ratios(numbers: Numbers, endpoint: str, name: str, y: float) -> list[_Ratio]:
    rows = [
        _Ratio(f"cox.{endpoint}.univariable.{name}.hr", y + _LINE / 2, False),
        _Ratio(f"cox.{endpoint}.multivariable.{name}.hr", y + 1.5 * _LINE, True),
    ]
    return [row for row in rows if row.key in numbers]


def _ratio_limits(numbers: Numbers, plan: Mapping[str, Sequence[str]]) -> tuple[float, float]:
    """Range of the axis: what the intervals reach, within reason."""
    values = [
        float(numbers[f"{ratio.key}.{end}"]["value"])
        for endpoint, names in plan.items()
        for name in names
        for ratio in _ratios(numbers, endpoint, name, 0.0)
        for end in ("low", "high")
        if is_estimated(numbers, f"{ratio.key}.{end}")
    ]
    low = max(min([*values, 0.5]) / 1.15, _RATIO_RANGE[0])
    high = min(max([*values, 2.0]) * 1.15, _RATIO_RANGE[1])
    return low, high


def _ratio_axes(axes: Axes, limits: tuple[float, float], height: float, last: bool) -> None:
    axes.set_xscale("log")
    axes.set(xlim=limits, ylim=(height, 0))
    axes.axvline(1, color=GREY, linewidth=0.7)
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    inside = [tick for tick in _RATIO_TICKS if limits[0] <= tick <= limits[1]]
    if len(inside) > _MOST_RATIO_TICKS:
        inside = [tick for tick in inside if np.log10(tick).is_integer()]
    axes.xaxis.set_major_locator(FixedLocator(inside))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if last else ""))
    if last:
        axes.set_xlabel("Hazard ratio, logarithmic axis")


def _draw_ratio(axes: Axes, numbers: Numbers, ratio: _Ratio, limits: tuple[float, float]) -> None:
    if not is_estimated(numbers, ratio.key):
        return
    colour = VERMILION if ratio.adjusted else BLUE
    ends = [numbers.get(f"{ratio.key}.{end}", {}).get("value") for end in ("low", "high")]
    low, high = (
        limit if end is None else float(end) for end, limit in zip(ends, limits, strict=True)
    )
    axes.plot([low, high], [ratio.y, ratio.y], color=colour, linewidth=1.1)
    for beyond, at, marker in (
        (low < limits[0], limits[0], "<"),
        (high > limits[1], limits[1], ">"),
    ):
        if beyond:
            axes.plot(at, ratio.y, marker=marker, color=colour, markersize=4, clip_on=False)
    axes.plot(
        float(numbers[ratio.key]["value"]),
        ratio.y,
        marker="D" if ratio.adjusted else "o",
        color=colour,
        markerfacecolor="white" if ratio.adjusted else colour,
        markersize=4.5,
    )


_RATIO_COLUMN, _P_COLUMN = 5.15, 6.5


def _ratio_header(page: Page, numbers: Numbers) -> None:
    level = text_of(numbers, "config.models.confidence_level")
    axes = bare(page.axes(0.0, 0.0, WIDTH, 0.42))
    axes.set(xlim=(0, WIDTH), ylim=(0.42, 0))
    for x, label, marker, colour, face in (
        (2.6, "Univariable", "o", BLUE, BLUE),
        (3.75, "Multivariable", "D", VERMILION, "white"),
    ):
        axes.plot(x, 0.24, marker=marker, color=colour, markerfacecolor=face, markersize=4.5)
        axes.text(x + 0.1, 0.24, label, va="center_baseline")
    axes.text(_RATIO_COLUMN, 0.24, f"HR ({level}% CI)", va="center_baseline", weight="bold")
    axes.text(_P_COLUMN, 0.24, "p", va="center_baseline", weight="bold")


def _ratio_label(page: Page, numbers: Numbers, analysis: Analysis, name: str, top: float) -> None:
    mark = " (confounded)" if analysis.covariates[name].confounded else ""
    label = text_of(numbers, f"covariate.{name}.label") + mark
    page.text(0.2, top + _LINE / 2, label, va="center_baseline")
    contrast = capitalised(text_of(numbers, f"covariate.{name}.contrast"))
    page.text(0.2, top + 1.5 * _LINE, contrast, va="center_baseline", fontsize=SMALL, color=GREY)


def _ratio_text(page: Page, numbers: Numbers, ratio: _Ratio, top: float) -> None:
    text = text_of(numbers, ratio.key)
    if f"{ratio.key}.low" in numbers and is_estimated(numbers, ratio.key):
        low, high = (text_of(numbers, f"{ratio.key}.{end}") for end in ("low", "high"))
        text = f"{text} ({low}–{high})"
    colour = BLACK if is_estimated(numbers, ratio.key) else GREY
    page.text(_RATIO_COLUMN, top, text, va="center_baseline", fontsize=7.5, color=colour)
    p = f"{ratio.key.removesuffix('.hr')}.p"
    if is_estimated(numbers, p):
        page.text(_P_COLUMN, top, text_of(numbers, p), va="center_baseline", fontsize=7.5)


# --- flow ---------------------------------------------------------------------------------


class _Box(NamedTuple):
    """A box of the flow, and what leaves the flow beside it."""

    lines: tuple[str, ...]
    aside: tuple[str, ...] = ()


_MAIN, _ASIDE = (1.95, 2.9), (5.2, 3.2)
_TEXT_LINE = 0.16
_PADDING = 0.1
_ORDER = ("lc", "os", "pfs", "mfs")


def flow_counts(
    flow: Mapping[str, Any], rule: SmallCells | None = None
) -> dict[str, dict[str, str]]:
    """Counts and reasons of the ledger that the registry does not have, by key.

    A key says where in ``flow.json`` a count stands; rows of the patients' table that are no
    patient are counted by `_patient_rows`.

    Parameters
    ----------
    flow : mapping
        ``results/flow.json``.
    rule : SmallCells, optional
        Where small counts are withheld. A total that one is taken from is only bounded.

    Returns
    -------
    dict
        Key -> ``{"text": ...}``, as in the registry.
    """
    counts: dict[str, Any] = {
        f"{_LEDGER}screening.reasons.{i}": reason
        for i, reason in enumerate((flow.get("screening") or {}).get("reasons") or ())
    }
    left_out = [entry["patients"] for entry in flow["patients"]["excluded"]]
    said = parts_worded(left_out, rule, "not shown") if rule else left_out
    for i, (entry, patients) in enumerate(zip(flow["patients"]["excluded"], said, strict=True)):
        counts[f"{_LEDGER}patients.excluded.{i}.reason"] = entry["reason"]
        counts[f"{_LEDGER}patients.excluded.{i}.patients"] = patients
    for table, ledger in flow["tables"].items():
        stem = f"{_LEDGER}tables.{table}"
        if "rows_read" in ledger:
            few = any(rule and rule.is_small(entry["rows"]) for entry in ledger["excluded"])
            counts[f"{stem}.rows_read"] = rule.bounded if rule and few else ledger["rows_read"]
        for i, entry in enumerate(ledger["excluded"]):
            counts[f"{stem}.excluded.{i}.reason"] = entry["reason"]
            counts[f"{stem}.excluded.{i}.rows"] = _told(entry["rows"], rule)
    counts |= {
        f"{_LEDGER}tables.patients.excluded.{i}.no_patient": _told(rows, rule)
        for i, _, rows in _patient_rows(flow)
    }
    return {key: {"text": str(count)} for key, count in counts.items()}


def _told(count: int, rule: SmallCells | None) -> str:
    return rule.said(count) if rule else str(count)


_LEDGER = "flow.json:"


@styled
def flow_figure(
    flow: Mapping[str, Any],
    numbers: Numbers,
    cohort: CohortSettings,
    rule: SmallCells | None = None,
) -> Figure:
    """Flow from the patients screened, or the rows read, to those that each endpoint analyses.

    Where a source prints only the total of its exclusions the box is unsplit and its reasons
    are listed without numbers. Rows of other tables than the patients' stand apart, below: the
    flow counts patients.

    Parameters
    ----------
    flow : mapping
        ``results/flow.json``: what was excluded for which reason.
    numbers : mapping
        The registry: ``flow.*``, ``cohort.lesions`` and ``<endpoint>.n`` and ``.events``.
    cohort : CohortSettings
        Its label stands below.
    rule : SmallCells, optional
        As for `flow_counts`.
    """
    ledger = flow_counts(flow, rule)
    boxes = _flow_boxes(flow, ledger, numbers)
    ends = [name for name in _ORDER if f"{name}.n" in numbers]
    heights = [max(_box_height(box.lines), _box_height(box.aside) + 0.1) for box in boxes]
    others = _other_rows_left_out(flow, ledger)
    below = _box_height(others) + 0.1 if others else 0.0
    page = Page(0.15 + sum(heights) + 0.3 * len(boxes) + 1.15 + below)
    axes = bare(page.axes(0.0, 0.0, WIDTH, page.height))
    axes.set(xlim=(0, WIDTH), ylim=(page.height, 0))
    top = 0.15
    for index, (box, height) in enumerate(zip(boxes, heights, strict=True)):
        _main_box(axes, box, top, height, last=index == len(boxes) - 1)
        top += height + 0.3
    _endpoint_boxes(axes, numbers, ends, top)
    if others:
        _draw_box(axes, WIDTH / 2, WIDTH - 0.3, page.height - 0.2 - below, others, "left", GREY)
    page.footer(cohort, _illustrative_endpoints(numbers, ends))
    return page.figure


def _illustrative_endpoints(numbers: Numbers, ends: Iterable[str]) -> str:
    """Name the endpoints on filler: the flow above them is not."""
    labels = [
        text_of(numbers, f"endpoint.{end}.label")
        for end in ends
        if is_filler(numbers, (f"{end}.n", f"{end}.events"))
    ]
    return f"{FILLER_NOTE}: {', '.join(labels)}" if labels else ""


def _flow_boxes(flow: Mapping[str, Any], ledger: Numbers, numbers: Numbers) -> list[_Box]:
    boxes = []
    if flow.get("screening"):
        lines = (f"Reviewed for eligibility: {_patients(numbers, 'flow.screening.reviewed')}",)
        boxes.append(_Box(lines, _screened_out(ledger, numbers)))
    if rows := _patient_rows_left_out(flow, ledger):
        read = text_of(ledger, f"{_LEDGER}tables.patients.rows_read")
        boxes.append(_Box((f"Rows of the patients' table: {read}",), rows))
    left_out = _patients_left_out(ledger, numbers)
    if left_out or not boxes:
        lines = (f"In the records: {_patients(numbers, 'flow.patients.read')}",)
        boxes.append(_Box(lines, left_out))
    analysed = [f"Analysed: {_patients(numbers, 'flow.patients.analysed')}"]
    if "cohort.lesions" in numbers:
        analysed.append(f"with {text_of(numbers, 'cohort.lesions')} lesions")
    return [*boxes, _Box(tuple(analysed))]


def _patients(numbers: Numbers, key: str) -> str:
    return f"{text_of(numbers, key)} patient{'' if text_of(numbers, key) == '1' else 's'}"


def _in_ledger(ledger: Numbers, pattern: str) -> list[str]:
    """Texts of the ledger whose keys fit a pattern, in order."""
    found = re.compile(re.escape(_LEDGER) + pattern)
    return [text_of(ledger, key) for key in ledger if found.fullmatch(key)]


def _screened_out(ledger: Numbers, numbers: Numbers) -> tuple[str, ...]:
    lines = [f"Not enrolled: {_patients(numbers, 'flow.screening.excluded')}"]
    if reasons := _in_ledger(ledger, r"screening\.reasons\.\d+"):
        lines.append("not split by reason in the source:")
        lines += [f"– {reason}" for reason in reasons]
    return _wrapped(lines)


def _patients_left_out(ledger: Numbers, numbers: Numbers) -> tuple[str, ...]:
    reasons = _in_ledger(ledger, r"patients\.excluded\.\d+\.reason")
    if not reasons:
        return ()
    counts = _in_ledger(ledger, r"patients\.excluded\.\d+\.patients")
    lines = [f"Excluded: {_patients(numbers, 'flow.patients.excluded')}"]
    return _wrapped([*lines, *(f"– {r}: {n}" for r, n in zip(reasons, counts, strict=True))])


def _patient_rows(flow: Mapping[str, Any]) -> list[tuple[int, str, int]]:
    """Rows of the patients' table that are no patient: place in the ledger, reason, rows."""
    patients = {entry["reason"]: entry["patients"] for entry in flow["patients"]["excluded"]}
    found = (
        (i, entry["reason"], entry["rows"] - patients.get(entry["reason"], 0))
        for i, entry in enumerate(flow["tables"]["patients"]["excluded"])
    )
    return [(i, reason, rows) for i, reason, rows in found if rows]


def _patient_rows_left_out(flow: Mapping[str, Any], ledger: Numbers) -> tuple[str, ...]:
    """Rows of the patients' table that are no patient, by reason: with the patients, all rows."""
    stem = f"{_LEDGER}tables.patients.excluded"
    lines = [
        f"– {text_of(ledger, f'{stem}.{i}.reason')}: {text_of(ledger, f'{stem}.{i}.no_patient')}"
        for i, _, _ in _patient_rows(flow)
    ]
    return _wrapped(["Rows not used:", *lines]) if lines else ()


def _other_rows_left_out(flow: Mapping[str, Any], counts: Numbers) -> tuple[str, ...]:
    """Rows left out of the other tables, by table and reason.

    Excluded patients take their rows along, and tables may be read from one sheet: a row that
    is counted among the patients' is not counted again.
    """
    patients = {entry["reason"] for entry in flow["patients"]["excluded"]}
    found: dict[tuple[Any, ...], list[str]] = {}
    said: dict[tuple[Any, ...], str] = {}
    for table, ledger in flow["tables"].items():
        for i, entry in enumerate(ledger["excluded"]):
            if entry["reason"] not in patients:
                same = (ledger["file"], entry["reason"], entry["rows"], tuple(entry["lines"]))
                found.setdefault(same, []).append(table)
                said.setdefault(same, f"{_LEDGER}tables.{table}.excluded.{i}")
    lines = [
        f"– {', '.join(tables)}: {text_of(counts, f'{said[same]}.reason')}: "
        f"{text_of(counts, f'{said[same]}.rows')}"
        for same, tables in found.items()
        if "patients" not in tables
    ]
    return _wrapped(["Rows of other tables not used:", *lines], 100) if lines else ()


def _wrapped(lines: Iterable[str], width: int = 46) -> tuple[str, ...]:
    return tuple(
        part
        for line in lines
        for part in wrapped(line, width, subsequent_indent="   ", drop_whitespace=True)
    )


def _box_height(lines: Sequence[str]) -> float:
    return len(lines) * _TEXT_LINE + 2 * _PADDING if lines else 0.0


def _draw_box(
    axes: Axes,
    middle: float,
    width: float,
    top: float,
    lines: Sequence[str],
    align: str,
    edge: str = BLACK,
) -> None:
    height = _box_height(lines)
    axes.add_patch(
        FancyBboxPatch(
            (middle - width / 2, top),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.05",
            facecolor="white",
            edgecolor=edge,
            linewidth=0.8,
        )
    )
    x = middle if align == "center" else middle - width / 2 + 0.1
    for row, line in enumerate(lines):
        y = top + _PADDING + (row + 0.5) * _TEXT_LINE
        axes.text(x, y, line, ha=align, va="center_baseline")


def _main_box(axes: Axes, box: _Box, top: float, height: float, last: bool) -> None:
    """One step of the flow, the arrow to the next, and what is left out on the way there."""
    own = _box_height(box.lines)
    _draw_box(axes, _MAIN[0], _MAIN[1], top, box.lines, "center")
    if not last:
        _arrow(axes, (_MAIN[0], top + own), (_MAIN[0], top + height + 0.3))
    if box.aside:
        aside = top + height - _box_height(box.aside) + 0.15
        middle = aside + _box_height(box.aside) / 2
        _draw_box(axes, _ASIDE[0], _ASIDE[1], aside, box.aside, "left")
        _arrow(axes, (_MAIN[0], middle), (_ASIDE[0] - _ASIDE[1] / 2, middle))


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    arrow = {"arrowstyle": "-|>", "color": BLACK, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", xy=end, xytext=start, arrowprops=arrow)


def _endpoint_boxes(axes: Axes, numbers: Numbers, ends: Sequence[str], top: float) -> None:
    if not ends:
        return
    width = min(1.6, (WIDTH - 0.3) / len(ends) - 0.1)
    total = len(ends) * (width + 0.12) - 0.12
    first = max(0.15, _MAIN[0] - total / 2) + width / 2
    middles = [first + index * (width + 0.12) for index in range(len(ends))]
    rail = top - 0.15
    axes.plot([_MAIN[0]] * 2, [top - 0.3, rail], color=BLACK, linewidth=0.8)
    axes.plot([middles[0], max(middles[-1], _MAIN[0])], [rail] * 2, color=BLACK, linewidth=0.8)
    for middle, end in zip(middles, ends, strict=True):
        _arrow(axes, (middle, rail), (middle, top))
        label = wrapped(text_of(numbers, f"endpoint.{end}.label"), 20)
        n, events = text_of(numbers, f"{end}.n"), text_of(numbers, f"{end}.events")
        lines = [*label, *[""] * (2 - len(label)), f"{n} analysed, {events} events"]
        _draw_box(axes, middle, width, top, lines, "center")
