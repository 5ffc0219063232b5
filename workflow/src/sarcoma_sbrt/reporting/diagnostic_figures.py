"""Figures on the assumptions of the Cox models: data to `matplotlib.figure.Figure`, never saved."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator
from numpy.typing import NDArray

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
    reason_of,
    stated_p,
    styled,
    text_of,
)
from sarcoma_sbrt.reporting.drawn_numbers import wrapped
from sarcoma_sbrt.reporting.numbers import MINUS, is_estimated
from sarcoma_sbrt.reporting.survival_statistics import ticks
from sarcoma_sbrt.schema import column
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["functional_form_figure", "schoenfeld_figure"]

_MOST_COLUMNS = 4
_LEFT, _BETWEEN, _RIGHT = 0.62, 0.42, 0.1  # inches beside and between panels
_PANEL = 1.25  # inches of a panel's height
_ABOVE, _BELOW = 0.66, 0.42  # the titles, of the row and of the panel; the axis
_TITLE = 0.42  # the panel's title alone
_NOTE = 0.34

# Least distance of two ticks, as a share of the axis.
_TICK_SHARE = 0.17
_FINER = (12, 6, 3)  # months between ticks, tried in turn where there is room


# --- Schoenfeld residuals -----------------------------------------------------------------


@styled
def schoenfeld_figure(
    residuals: pd.DataFrame,
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    dots: bool = True,
) -> Figure:
    """Scaled Schoenfeld residuals against time, a row of panels for each multivariable model.

    A dot is the residual of one event plus the model's coefficient, so a smooth that is level
    says that the coefficient does not change. The axis is that of the test's transform, with its
    ticks at months.

    Parameters
    ----------
    residuals : DataFrame
        `diagnostic_statistics.schoenfeld_residuals` of every endpoint.
    numbers : mapping
        The registry: ``diagnostics.<endpoint>.multivariable.*`` and the models' hazard ratios.
    analysis : Analysis
        Which models there are.
    cohort : CohortSettings
        Its label stands below.
    dots : bool
        Whether the residuals are drawn, each of which is one patient's.
    """
    models = {
        endpoint: analysis.multivariable[endpoint]["multivariable"]
        for endpoint in analysis.endpoints
        if "multivariable" in analysis.multivariable.get(endpoint, {})
    }
    columns = min(_MOST_COLUMNS, max((len(names) for names in models.values()), default=1))
    rows = {endpoint: -(-len(names) // columns) for endpoint, names in models.items()}
    height = _ABOVE + _PANEL + _BELOW
    page = Page(sum(rows.values()) * height + _NOTE + 0.1)
    top, keys = 0.0, []
    for endpoint, names in models.items():
        keys += _model(page, residuals, numbers, endpoint, names, (top, columns), dots)
        top += rows[endpoint] * height
    level = text_of(numbers, "config.models.confidence_level")
    said = (
        f"{'Dots: one per event. ' if dots else ''}Line, shaded: smooth and its {level}% band. "
        "Dashed: coefficient of the model. Grey: no effect."
    )
    page.text(0.08, page.height - 0.24, said, color=GREY, fontsize=SMALL)
    page.footer(cohort, illustrative(numbers, keys))
    return page.figure


def _model(
    page: Page,
    residuals: pd.DataFrame,
    numbers: Numbers,
    endpoint: str,
    names: Sequence[str],
    place: tuple[float, int],
    dots: bool,
) -> list[str]:
    """Panels of one model from a place (top, columns) on; the keys of the numbers shown."""
    top, columns = place
    width = (WIDTH - _LEFT - _RIGHT + _BETWEEN) / columns - _BETWEEN
    own = residuals[residuals["endpoint"] == endpoint]
    page.text(0.08, top + 0.2, text_of(numbers, f"endpoint.{endpoint}.label"), weight="bold")
    keys = []
    for index, name in enumerate(names):
        x = _LEFT + index % columns * (width + _BETWEEN)
        y = top + index // columns * (_ABOVE + _PANEL + _BELOW) + _ABOVE
        axes = page.axes(x, y, width, _PANEL)
        key = f"diagnostics.{endpoint}.multivariable.{name}.ph.p"
        label = text_of(numbers, f"covariate.{name}.label")
        axes.set_title(f"{label}\n{stated_p(numbers, key)}", loc="left", fontsize=8)
        rows = own[own["covariate"] == name]
        if rows.empty:
            _say(axes, reason_of(numbers, key) or text_of(numbers, key))
        else:
            _residuals(axes, rows, _coefficient(numbers, endpoint, name), dots)
            axes.set_ylabel("Log hazard ratio" if index % columns == 0 else "")
            axes.set_xlabel("Months")
        keys.append(key)
    return keys


def _say(axes: Axes, reason: str) -> None:
    bare(axes).text(
        0.0,
        0.9,
        "\n".join(wrapped(f"Not estimable: {reason}", 26)),
        transform=axes.transAxes,
        va="top",
        color=GREY,
        fontsize=SMALL,
    )


def _coefficient(numbers: Numbers, endpoint: str, name: str) -> float | None:
    key = f"cox.{endpoint}.multivariable.{name}.hr"
    return float(np.log(numbers[key]["value"])) if is_estimated(numbers, key) else None


def _residuals(axes: Axes, rows: pd.DataFrame, coefficient: float | None, dots: bool) -> None:
    events, smooth = (rows[rows["kind"] == kind] for kind in ("residual", "smooth"))
    x, y = _values(events, "transformed"), _values(events, "coefficient")
    axes.axhline(0, color=GREY, linewidth=0.7)
    if coefficient is not None:
        axes.axhline(coefficient, color=VERMILION, linewidth=0.9, linestyle=DASHED)
    if dots:
        axes.plot(x, y, linestyle="none", marker="o", markersize=2.6, color=BLACK, alpha=0.55)
    ends = [y if dots else y[:0], _values(smooth, "coefficient"), np.zeros(1)]
    if len(smooth):
        at = _values(smooth, "transformed")
        low, high = _values(smooth, "low"), _values(smooth, "high")
        axes.fill_between(at, low, high, color=BLUE, alpha=0.15, linewidth=0)
        axes.plot(at, ends[1], color=BLUE, linewidth=1.3)
    # The band of few events would leave no room for what it is a band of.
    every = np.concatenate(ends)
    margin = 0.08 * (np.ptp(every) or 1.0)
    axes.set_ylim(every.min() - margin, every.max() + margin)
    axes.locator_params(axis="y", nbins=5)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", MINUS)))
    _months(axes, _values(events, "time_months"), x)


def _months(axes: Axes, time: NDArray[np.float64], transformed: NDArray[np.float64]) -> None:
    """Ticks at months, where the transform leaves room for them."""
    order = np.argsort(time, kind="stable")
    time, transformed = time[order], transformed[order]
    reach = float(np.ptp(transformed)) or 1.0
    last = float(time[-1])
    finer = (range(0, int(last) + 1, step) for step in _FINER)
    kept: dict[int, float] = {}
    for month in itertools.chain(ticks(last), *finer):
        at = float(np.interp(month, time, transformed))
        if month >= time[0] and all(abs(at - x) >= _TICK_SHARE * reach for x in kept.values()):
            kept[month] = at
    axes.set_xticks(list(kept.values()), [str(month) for month in kept])


def _values(rows: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return rows[name].to_numpy(dtype="float64", na_value=np.nan)


# --- functional form ----------------------------------------------------------------------

_UNITS = {"derived.size_mm": "mm", "derived.bed10_gy": "Gy", "derived.number_of_lesions": ""}
_RATIO_TICKS = tuple(f * 10.0**power for power in range(-4, 5) for f in (1, 2, 5))
_RATIO_RANGE = (1e-3, 1e3)
_MOST_RATIO_TICKS = 6


class _Curve(NamedTuple):
    """A continuous covariate in one model of one endpoint."""

    endpoint: str
    model: str
    name: str


@styled
def functional_form_figure(
    curves: pd.DataFrame, numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> Figure:
    """Hazard ratio of each continuous covariate along its values, as a restricted cubic spline.

    Parameters
    ----------
    curves : DataFrame
        `diagnostic_statistics.spline_curves` of every endpoint.
    numbers : mapping
        The registry: ``diagnostics.<endpoint>.<model>.<covariate>.spline.p``.
    analysis : Analysis
        Which there are (`Analysis.continuous`).
    cohort : CohortSettings
        Its label stands below.
    """
    shown = [_Curve(*curve) for curve in analysis.continuous]
    columns = min(3, max(len(shown), 1))
    width = (WIDTH - _LEFT - _RIGHT + _BETWEEN) / columns - _BETWEEN
    height = _TITLE + _PANEL + _BELOW
    page = Page(-(-len(shown) // columns) * height + _NOTE + 0.1)
    keys = []
    for index, curve in enumerate(shown):
        x = _LEFT + index % columns * (width + _BETWEEN)
        axes = page.axes(x, index // columns * height + _TITLE, width, _PANEL)
        keys.append(_curve(axes, curves, numbers, analysis, curve))
        axes.set_ylabel("Hazard ratio" if index % columns == 0 else "")
    level = text_of(numbers, "config.models.confidence_level")
    said = f"Against the median value. Shaded: {level}% confidence band. p: not a straight line."
    page.text(0.08, page.height - 0.24, said, color=GREY, fontsize=SMALL)
    page.footer(cohort, illustrative(numbers, keys))
    return page.figure


def _curve(
    axes: Axes, curves: pd.DataFrame, numbers: Numbers, analysis: Analysis, curve: _Curve
) -> str:
    """Draw one panel; the key of its test."""
    key = f"diagnostics.{curve.endpoint}.{curve.model}.{curve.name}.spline.p"
    label = text_of(numbers, f"endpoint.{curve.endpoint}.label")
    kind = "adjusted" if curve.model == "multivariable" else "univariable"
    axes.set_title(f"{label}\n{kind}, {stated_p(numbers, key)}", loc="left", fontsize=8)
    rows = curves
    for name, value in zip(("endpoint", "model", "covariate"), curve, strict=True):
        rows = rows[rows[name] == value] if name in rows else rows
    if rows.empty:
        _say(axes, reason_of(numbers, key) or text_of(numbers, key))
        return key
    x, y = _values(rows, "value"), _values(rows, "hazard_ratio")
    low, high = _values(rows, "low"), _values(rows, "high")
    axes.set_yscale("log")
    axes.axhline(1, color=GREY, linewidth=0.7)
    axes.fill_between(x, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.plot(x, y, color=BLUE, linewidth=1.3)
    # The band of few events would leave no room for what it is a band of.
    limits = (
        max(min(float(y.min()) / 1.5, 0.5), _RATIO_RANGE[0]),
        min(max(float(y.max()) * 1.5, 2.0), _RATIO_RANGE[1]),
    )
    axes.set_ylim(limits)
    inside = [tick for tick in _RATIO_TICKS if limits[0] <= tick <= limits[1]]
    if len(inside) > _MOST_RATIO_TICKS:
        inside = [tick for tick in inside if np.isclose(np.log10(tick) % 1, 0)]
    axes.yaxis.set_major_locator(FixedLocator(inside))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    unit = _unit(analysis.covariates[curve.name].column)
    name = text_of(numbers, f"covariate.{curve.name}.label")
    axes.set_xlabel(f"{name}, {unit}" if unit else name)
    axes.locator_params(axis="x", nbins=6)
    return key


def _unit(reference: str) -> str:
    return _UNITS[reference] if reference in _UNITS else column(reference).unit
