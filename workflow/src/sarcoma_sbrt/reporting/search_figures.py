"""Figure of a search: the best score so far against the moves tried, a line for each seed."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from sarcoma_sbrt.evidence.reconstruction.search_record import Search, SearchRecord
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
    illustrative,
    styled,
    text_of,
)
from sarcoma_sbrt.reporting.reproduction_statistics import STAGE
from sarcoma_sbrt.settings import CohortSettings

__all__ = ["search_figure"]

_PANELS = {"near": "Within two per cent or exact", "exact": "Exact"}
_LEFT, _GAP, _TOP, _HEIGHT, _BELOW = 0.6, 0.55, 0.82, 2.3, 0.45
_ABOVE = 1.04  # end of the vertical axis, as a multiple of all numbers
_MILLION = 1e6
_LONGEST: dict[str, Any] = {"color": BLUE, "linestyle": "solid", "linewidth": 0.7}
_SHORTER: dict[str, Any] = {"color": VERMILION, "linestyle": DASHED, "linewidth": 0.7}
_BEST: dict[str, Any] = {"color": BLACK, "linestyle": "solid", "linewidth": 1.8}
_GOAL: dict[str, Any] = {"color": GREY, "linestyle": ":", "linewidth": 1.0}
_MOST: dict[str, Any] = {"color": GREY, "linestyle": "dashdot", "linewidth": 1.0}


@styled
def search_figure(record: SearchRecord, numbers: Numbers, cohort: CohortSettings) -> Figure:
    """Printed numbers that the best state so far reproduces: within two per cent, and exactly.

    A thin line for each search, those of the longest budget solid and all others dashed; thick
    the one that found the cohort. Moves are on a logarithmic axis, because budgets differ by a
    multiple. A dotted line is at all numbers that the search aims at, another at the most that a
    cohort can have where a proof leaves fewer than all.

    Parameters
    ----------
    record : SearchRecord
        What is drawn.
    numbers : mapping
        The registry: ``reproduction.search.*``, ``.count.all.n`` and ``.attainable.*``.
    cohort : CohortSettings
        Its label stands below.
    """
    budgets = _budgets(record, numbers)
    page = Page(_TOP + _HEIGHT + _BELOW + 0.16 * len(budgets) + 0.3)
    width = (WIDTH - _LEFT - _GAP - 0.15) / len(_PANELS)
    keys = [f"{STAGE}.count.all.n"]
    for at, (what, title) in enumerate(_PANELS.items()):
        left = _LEFT + at * (width + _GAP)
        axes = page.axes(left, _TOP, width, _HEIGHT)
        keys += _panel(axes, what, record, numbers)
        page.text(left - 0.5, 0.2, "AB"[at], weight="bold", fontsize=10)
        page.text(left, 0.2, title)
    top = _TOP + _HEIGHT + _BELOW + 0.12
    for row, (said, line) in enumerate(budgets):
        y = top + 0.16 * row
        handle = Line2D([_LEFT / WIDTH, (_LEFT + 0.3) / WIDTH], [1 - y / page.height] * 2, **line)
        page.figure.add_artist(handle)
        page.text(_LEFT + 0.38, y, said, va="center", fontsize=SMALL)
    page.footer(cohort, illustrative(numbers, keys))
    return page.figure


def _budgets(record: SearchRecord, numbers: Numbers) -> list[tuple[str, dict[str, Any]]]:
    """What the thin lines are, with how they are drawn."""

    def said(name: str, moves: str) -> str:
        seeds = text_of(numbers, f"{STAGE}.search.{name}.seeds")
        million = text_of(numbers, f"{STAGE}.search.{name}.million_moves")
        return moves.format(seeds=seeds, million=million)

    lines = [(said("longest", "Budget of {million} million moves; searches: {seeds}"), _LONGEST)]
    if record.shorter:
        shorter = "Budget of up to {million} million moves; searches: {seeds}"
        lines.append((said("shorter", shorter), _SHORTER))
    return lines


def _panel(axes: Axes, what: str, record: SearchRecord, numbers: Numbers) -> list[str]:
    """Draw the searches' curves and the goal; the keys of what the legend writes."""
    for searches, line in ((record.shorter, _SHORTER), (record.longest, _LONGEST)):
        for search in searches:
            if search.seed != record.best_seed:
                _curve(axes, search, what, **line)
    best = next(search for search in record.searches if search.seed == record.best_seed)
    _curve(axes, best, what, **_BEST)
    goal, most, found = (
        f"{STAGE}.{key}" for key in ("count.all.n", f"attainable.{what}", f"search.best.all.{what}")
    )
    shown = [(goal, "All printed numbers", _GOAL), (found, "The cohort that was taken", _BEST)]
    if numbers[most]["value"] < numbers[goal]["value"]:
        shown.insert(1, (most, "No cohort has more, as is proved", _MOST))
    for key, _, line in shown:
        if line is not _BEST:
            axes.axhline(numbers[key]["value"], gid=key, **line)
    axes.legend(
        [Line2D([], [], **line) for _, _, line in shown],
        [f"{said}: {text_of(numbers, key)}" for key, said, _ in shown],
        loc="lower left",
        bbox_to_anchor=(0.0, 1.01),
        borderaxespad=0,
        borderpad=0,
        handlelength=2.4,
        labelspacing=0.3,
    )
    axes.set_xscale("log")
    axes.set(ylim=(0, _ABOVE * numbers[goal]["value"]), xlabel="Moves tried, in millions")
    axes.set_ylabel("Printed numbers reproduced")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    return [key for key, _, _ in shown]


def _curve(axes: Axes, search: Search, what: str, **line: Any) -> None:
    moves, near, exact = zip(*search.curve, strict=True)
    axes.step(
        [count / _MILLION for count in moves],
        near if what == "near" else exact,
        where="post",
        gid=f"seed_{search.seed}",
        **line,
    )
