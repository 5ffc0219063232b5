"""Curves of reconstructions beside the truth that they were to recover."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS, Plan
from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    GREY,
    SMALL,
    VERMILION,
    WIDTH,
    Page,
    styled,
)

__all__ = ["curves"]

_NAMES = {"os": "Overall survival", "pfs": "Progression-free survival", "lc": "Local control"}
_LEFT, _TOP, _GAP, _HEIGHT = 0.55, 0.5, 0.22, 1.6
_NOTE = (
    "Black: the simulated cohort. Coloured: reconstructions from its printed statistics, one line "
    "for each seed.",
    "Dots: rates that were printed. Curves end where fewer than five are at risk.",
)


@styled
def curves(study: Mapping[str, Any], plan: Plan, comparison: pd.DataFrame) -> Figure:
    """A row of panels per endpoint: all, groups that were printed, and groups that were not.

    Parameters
    ----------
    study : mapping
        `config/reconstruction/demonstration.yaml`.
    plan : Plan
        For what the levels are called.
    comparison : DataFrame
        `demonstration.compared` of every reconstruction, with its ``seed``.
    """
    columns = ("", study["printed"]["groups"], study["held_out"]["groups"])
    page = Page(len(ENDPOINTS) * (_HEIGHT + _TOP) + 0.75)
    width = (WIDTH - _LEFT - 0.1) / len(columns) - _GAP
    survival = comparison[comparison["kind"] == "survival"].copy()
    survival[["group", "month"]] = survival["of"].str.split(" ", expand=True)
    survival["month"] = survival["month"].astype(int)
    last = int(survival["month"].max())
    for row, endpoint in enumerate(ENDPOINTS):
        for column, name in enumerate(columns):
            left, top = _LEFT + column * (width + _GAP), _TOP + row * (_HEIGHT + _TOP)
            axes = page.axes(left, top, width, _HEIGHT)
            groups = {f"{name}={code}": code for code in (1, 0)} if name else {"all": 1}
            here = survival[survival["endpoint"] == endpoint]
            for group, code in groups.items():
                _panel(axes, here[here["group"] == group], BLUE if code else VERMILION)
            axes.set(xlim=(0, last), ylim=(0, 103))
            axes.set_xticks(range(0, last + 1, 12))
            axes.set_yticks([0, 25, 50, 75, 100])
            if column:
                axes.set_yticklabels([])
            else:
                axes.set_ylabel("Per cent")
            if row == len(ENDPOINTS) - 1:
                axes.set_xlabel("Months")
            page.text(left, top - 0.1, _title(endpoint, name, plan))
    for line, said in enumerate(_NOTE):
        page.text(0.08, page.height - 0.22 + 0.15 * line, said, color=GREY, fontsize=SMALL)
    return page.figure


def _title(endpoint: str, covariate: str, plan: Plan) -> str:
    if not covariate:
        return _NAMES[endpoint]
    return f"by {covariate} (blue: {plan.levels[covariate]})"


def _panel(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    for _, found in rows.groupby("seed"):
        _steps(axes, found["month"], found["found"], color=colour, linewidth=0.6, alpha=0.6)
    truth = rows[rows["seed"] == rows["seed"].min()]
    _steps(axes, truth["month"], truth["truth"], color=BLACK, linewidth=1.1)
    printed = truth[truth["printed"]]
    axes.plot(printed["month"], 100 * printed["truth"], "o", color=BLACK, markersize=3)


def _steps(axes: Axes, months: Any, survival: Any, **line: Any) -> None:
    axes.step([0, *months], [100, *(100 * survival)], where="post", **line)
