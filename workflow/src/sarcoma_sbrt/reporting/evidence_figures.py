"""Figures of the published series beside this cohort: rates, what is pooled, and dose.

Every number that a figure writes is the registry's text. What cannot be drawn honestly (a rate on
filler, a series without a dose) is named.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray

from sarcoma_sbrt.evidence.comparison import PRINTED_BED, PRINTED_EQD2
from sarcoma_sbrt.evidence.synthesis import MINIMUM_SERIES
from sarcoma_sbrt.reporting.drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    LIGHT_GREY,
    ORANGE,
    PURPLE,
    SMALL,
    VERMILION,
    WHITE,
    WIDTH,
    Numbers,
    Page,
    bare,
    illustrative,
    is_filler,
    stated_p,
    styled,
    text_of,
    text_width,
)
from sarcoma_sbrt.reporting.drawn_numbers import plain, wrapped
from sarcoma_sbrt.reporting.evidence_statistics import DOSE_TIME_MONTHS
from sarcoma_sbrt.reporting.evidence_tables import (
    RATE_MARKS,
    context_marks,
    rate_letters,
    rate_marks,
)
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.placement import Box, Place, label_places
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["NOTHING_PUBLISHED", "comparison_figure", "dose_figure"]

NOTHING_PUBLISHED = "No published rate at these times."
NO_OTHER = "no other series"
CONTEXT = "Context, not pooled"
ECOLOGICAL = (
    "Association between series, not within patients, and confounded by site, tumour size and "
    "histology. In brackets: patients."
)

Kind = Literal["heading", "note", "cohort", "target", "series", "pooled", "context"]

_SITES = ("lung", "spine", "brain", "bone", "mixed")
# Colour and shape say the same, for print without colour; blue is this cohort's.
_SITE_COLOURS = dict(
    zip((*_SITES, ""), (VERMILION, GREEN, PURPLE, ORANGE, BLACK, GREY), strict=True)
)
_SITE_SHAPES = dict(zip((*_SITES, ""), "os^pvh", strict=True))
_OTHER_SHAPE = "h"
# Area of a shape as a share of the square that matplotlib sizes it by.
_FILLED = {
    "o": math.pi / 4,
    "s": 1.0,
    "^": 0.5,
    "v": 0.5,
    "D": 1.0,
    "p": 0.594,
    "h": 0.65,
}
_NONE = "–"
_BROKEN = (0, (2.6, 1.3))  # short enough for short intervals
_RAISED, _LETTER = 0.04, 7.0  # inches above its line and points of a raised letter


# --- what the registry says of a series -----------------------------------------------------


def _series(numbers: Numbers, endpoint: str, months: int) -> list[str]:
    """Studies with a rate of an endpoint at a time, the highest rate first."""
    pattern = re.compile(rf"series\.([^.]+)\.{re.escape(endpoint)}\.rate_{months}m")
    found = [match[1] for key in numbers if (match := pattern.fullmatch(key))]
    return sorted(found, key=lambda s: (-numbers[_rate_key(s, endpoint, months)]["value"], s))


def _rate_key(study: str, endpoint: str, months: int) -> str:
    return f"series.{study}.{endpoint}.rate_{months}m"


def _label(numbers: Numbers, study: str) -> str:
    return _optional(numbers, f"published.{study}.label") or study


def _site(numbers: Numbers, study: str) -> str:
    return _raw(numbers, f"series.{study}.site")


def _site_label(site: str) -> str:
    return site.replace("_", " ") or "site not stated"


def _optional(numbers: Numbers, key: str) -> str:
    """Text to be drawn; empty where there is none."""
    return text_of(numbers, key) if key in numbers else ""


def _raw(numbers: Numbers, key: str) -> str:
    """Text to be compared; empty where there is none."""
    return str(numbers[key]["text"]) if key in numbers else ""


def _not_pooled(numbers: Numbers, key: str) -> str:
    """Why a rate is not pooled; empty where it is."""
    return _raw(numbers, f"{key}.excluded")


def _is_approximated(numbers: Numbers, key: str) -> bool:
    return _raw(numbers, f"{key}.interval") == "approximated"


def _span(numbers: Numbers, low: str, high: str) -> str:
    """Two numbers as an interval, as one where they are printed alike."""
    if not (is_estimated(numbers, low) and is_estimated(numbers, high)):
        return _NONE
    ends = {plain(text): text for text in (text_of(numbers, low), text_of(numbers, high))}
    return "–".join(ends.values())


def _with_interval(numbers: Numbers, key: str) -> str:
    if not is_estimated(numbers, key) or f"{key}.low" not in numbers:
        return text_of(numbers, key)
    low, high = (text_of(numbers, f"{key}.{end}") for end in ("low", "high"))
    return f"{text_of(numbers, key)} ({low}–{high})"


def _cohort_label(cohort: CohortSettings) -> str:
    return "This cohort" + (" (reconstructed)" if cohort.kind == "reconstructed" else "")


def _time(numbers: Numbers, analysis: Analysis, months: int) -> str:
    """A time of the comparison, as the plan has it."""
    at = list(analysis.comparison.times_months).index(months)
    key = f"config.models.comparison.times_months.{at}"
    return text_of(numbers, key) if key in numbers else str(months)


def _level(numbers: Numbers) -> str:
    return text_of(numbers, "config.models.confidence_level")


def _letters(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, endpoint: str
) -> dict[str, str]:
    """Letters of the marks of an endpoint's published rates, as its table has them."""
    of_series = [
        mark
        for months in analysis.comparison.times_months
        for study in _series(numbers, endpoint, months)
        for mark in rate_marks(numbers, cohort, study, _rate_key(study, endpoint, months))
    ]
    of_context = [
        mark
        for months in analysis.comparison.times_months
        for key in _context_keys(numbers, endpoint, months)
        for mark in context_marks(numbers, key)
    ]
    return rate_letters([*of_series, *of_context])


def _why_not_drawn(numbers: Numbers, key: str) -> str:
    """What to say in place of a number of this cohort; empty where it can be drawn."""
    if key not in numbers:
        return "not available"
    if not is_estimated(numbers, key):
        return text_of(numbers, key)
    return "illustrative, not shown" if is_filler(numbers, [key]) else ""


# --- parts of both figures ------------------------------------------------------------------

_LINE = 0.15
_NOTE_WIDTH = WIDTH - 0.25
_INDENT = "    "
_BAND = 0.08  # opacity


class _Mark(NamedTuple):
    """A mark of the legend and what it means."""

    label: str
    marker: str = ""
    colour: str = BLACK
    face: str = BLACK
    line: Any = None
    width: float = 1.1
    size: float = 4.5
    sign: Literal["", "upright", "band", "dot"] = ""

    @property
    def room(self) -> float:
        """Inches before its label."""
        wide = self.line is not None and self.sign != "upright"
        return 0.4 if wide or self.sign == "band" else 0.12 + max(self.size, 6) / 72


def _legend_lines(marks: Iterable[_Mark]) -> list[list[tuple[float, _Mark]]]:
    """Marks with their left ends in inches, broken into lines that fit the page."""
    lines: list[list[tuple[float, _Mark]]] = [[]]
    left = 0.1
    for mark in marks:
        width = mark.room + text_width(mark.label)
        if lines[-1] and left + width > WIDTH - 0.05:
            lines.append([])
            left = 0.1
        lines[-1].append((left, mark))
        left += width + 0.16
    return lines


def _draw_legend(page: Page, marks: Sequence[_Mark], top: float) -> None:
    lines = _legend_lines(marks)
    axes = bare(page.axes(0.0, top, WIDTH, _LINE * len(lines)))
    axes.set(xlim=(0, WIDTH), ylim=(len(lines), 0))
    for row, line in enumerate(lines):
        for left, mark in line:
            _draw_mark(axes, mark, left, row + 0.5)


def _draw_mark(axes: Axes, mark: _Mark, left: float, y: float) -> None:
    middle = left + (mark.room - 0.08) / 2
    if mark.sign == "band":
        axes.add_patch(
            Rectangle((left, y - 0.35), 0.32, 0.7, color=mark.colour, alpha=_BAND, linewidth=0)
        )
    elif mark.line is not None:
        ends = ([middle] * 2, [y - 0.4, y + 0.4])
        x, ys = ends if mark.sign == "upright" else ([left, left + 0.32], [y, y])
        axes.plot(x, ys, color=mark.colour, linestyle=mark.line, linewidth=mark.width)
    if mark.marker:
        _draw_marker(axes, mark, middle, y)
    axes.text(left + mark.room, y, mark.label, va="center_baseline", fontsize=SMALL)


def _draw_marker(axes: Axes, mark: _Mark, x: float, y: float) -> None:
    axes.plot(
        x,
        y,
        marker=mark.marker,
        color=mark.colour,
        markerfacecolor=mark.face,
        markersize=mark.size,
        clip_on=False,
    )
    if mark.sign == "dot":
        axes.plot(x, y, marker=".", color=WHITE, markersize=_DOT, markeredgewidth=0)


def _wrapped(notes: Iterable[str]) -> list[str]:
    """Notes broken into lines that fit the page; what continues a note is indented."""
    lines: list[str] = []
    for note in notes:
        line = ""
        for word in note.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_width(longer) > _NOTE_WIDTH:
                lines.append(line)
                longer = f"{_INDENT}{word}"
            line = longer
        lines.append(line)
    return lines


def _draw_notes(page: Page, lines: Sequence[str], top: float) -> None:
    for row, line in enumerate(lines):
        page.text(
            0.1, top + (row + 0.5) * _LINE, line, va="center_baseline", fontsize=SMALL, color=GREY
        )


def _below(marks: Sequence[_Mark], lines: Sequence[str]) -> float:
    """Height of legend, notes and footer."""
    return 0.1 + _LINE * (len(_legend_lines(marks)) + len(lines)) + 0.3


def _draw_below(page: Page, marks: Sequence[_Mark], lines: Sequence[str], top: float) -> None:
    _draw_legend(page, marks, top + 0.1)
    _draw_notes(page, lines, top + 0.1 + _LINE * len(_legend_lines(marks)))


def _nothing(cohort: CohortSettings) -> Figure:
    """Page of a comparison for which nothing is published."""
    page = Page(1.0)
    page.text(WIDTH / 2, 0.45, NOTHING_PUBLISHED, ha="center", va="center_baseline", color=GREY)
    page.footer(cohort, "")
    return page.figure


# --- rates side by side ---------------------------------------------------------------------


class _Row(NamedTuple):
    """A line of a panel; its `key` is that of the rate, empty for a heading or a note.

    `small` are lines below the label, `below` is what stands below the rate; letters stand beside
    the label or the rate.
    """

    kind: Kind
    lines: tuple[str, ...]
    key: str = ""
    unit: str = ""
    patients: str = ""
    dose: str = ""
    rate: str = ""
    small: tuple[str, ...] = ()
    below: str = ""
    label_letters: str = ""
    rate_letters: str = ""

    @property
    def height(self) -> float:
        return self.text_height + (_SPACE if self.kind in ("heading", "pooled") else 0)

    @property
    def text_height(self) -> float:
        return max(len(self.lines) + len(self.small), 1 + bool(self.below)) * _LINE


_SPACE = 0.05
_LABEL_LETTERS, _SMALL_LETTERS = 28, 44
_HEADER, _PANEL_TITLE, _TICKS, _AXIS_LABEL = 0.3, 0.27, 0.23, 0.17
_UNIT_COLUMN, _PATIENTS_COLUMN, _DOSE_COLUMN, _RATE_COLUMN = 2.08, 3.0, 3.48, 5.68
_PLOT, _PLOT_WIDTH = 3.88, 1.7


@styled
def comparison_figure(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, endpoint: str
) -> Figure:
    """Rates of one endpoint, this cohort's above those of the published series, by time and site.

    Parameters
    ----------
    numbers : mapping
        The registry: ``series.<study>.<endpoint>.rate_<m>m`` with ``.half_n``, ``.n``,
        ``.unit_of_analysis``, ``.interval``, ``.supported``, ``.crude`` and ``.excluded``;
        ``series.<study>.site``, ``series.<study>.bed10.<least|most>``,
        ``published.<study>.label``; ``context.<study>.<endpoint>.rate_<m>m`` with ``.low``,
        ``.high``, ``.kind`` and ``.figure``;
        ``synthesis.<endpoint>.<site|all>.rate_<m>m`` with ``.k``, ``.i2`` and ``.prediction``;
        this cohort's ``<endpoint>.rate_<m>m``, ``cohort.patients`` and ``dose.bed10.<min|max>``.
    analysis : Analysis
        Times of the comparison and the confidence level.
    cohort : CohortSettings
        Its label stands below; the study that it was reconstructed from stands beside it.
    endpoint : str
        ``lc`` or ``os``.
    """
    letters = _letters(numbers, analysis, cohort, endpoint)
    panels = {
        months: _panel_rows(numbers, cohort, endpoint, months, letters)
        for months in analysis.comparison.times_months
        if _series(numbers, endpoint, months) or _context_keys(numbers, endpoint, months)
    }
    if not panels:
        return _nothing(cohort)
    rows = [row for found in panels.values() for row in found]
    marks, notes = _rate_marks(numbers, rows), _wrapped(_rate_notes(numbers, rows, letters))
    heights = {months: sum(row.height for row in found) for months, found in panels.items()}
    above = _HEADER + sum(heights.values()) + len(panels) * (_PANEL_TITLE + _TICKS) + _AXIS_LABEL
    page = Page(above + _below(marks, notes))
    _rate_header(page, numbers)
    top = _HEADER
    for months, found in panels.items():
        label = text_of(numbers, f"endpoint.{endpoint}.label")
        title = f"{label} at {_time(numbers, analysis, months)} months"
        page.text(0.1, top + _PANEL_TITLE - 0.08, title, weight="bold")
        axes = page.axes(_PLOT, top + _PANEL_TITLE, _PLOT_WIDTH, heights[months])
        _rate_axes(axes, heights[months], last=months == list(panels)[-1])
        _draw_rows(page, axes, numbers, found, top + _PANEL_TITLE)
        top += _PANEL_TITLE + heights[months] + _TICKS
    _draw_below(page, marks, notes, above)
    page.footer(cohort, illustrative(numbers, [row.key for row in rows if _is_drawn(numbers, row)]))
    return page.figure


def _panel_rows(
    numbers: Numbers,
    cohort: CohortSettings,
    endpoint: str,
    months: int,
    letters: Mapping[str, str],
) -> list[_Row]:
    """Rows of one time: this cohort, what it was made from, site by site, all sites, context."""
    studies = _series(numbers, endpoint, months)
    rows = [_cohort_row(numbers, cohort, endpoint, months)]
    for study in studies:
        if study == cohort.derived_from:
            rows.append(_series_row(numbers, cohort, endpoint, months, study, letters))
    others = [study for study in studies if study != cohort.derived_from]
    for site in _sites(numbers, others):
        rows.append(_Row("heading", (_site_label(site).capitalize(),)))
        for study in others:
            if _site(numbers, study) == site:
                rows.append(_series_row(numbers, cohort, endpoint, months, study, letters))
        if site:
            rows += _pooled_row(numbers, "Pooled", endpoint, site, months)
    if not others:
        rows.append(_Row("note", (NO_OTHER,)))
    rows += _pooled_row(numbers, "All sites", endpoint, "all", months)
    return rows + _context_rows(numbers, endpoint, months, letters)


def _context_keys(numbers: Numbers, endpoint: str, months: int) -> list[str]:
    pattern = re.compile(rf"context\.[^.]+\.{re.escape(endpoint)}(?:\.[^.]+)?\.rate_{months}m")
    return sorted(key for key in numbers if pattern.fullmatch(key))


def _context_rows(
    numbers: Numbers, endpoint: str, months: int, letters: Mapping[str, str]
) -> list[_Row]:
    rows = [_context_row(numbers, key, letters) for key in _context_keys(numbers, endpoint, months)]
    return [_Row("heading", (CONTEXT,)), *rows] if rows else []


def _context_row(numbers: Numbers, key: str, letters: Mapping[str, str]) -> _Row:
    return _Row(
        "context",
        tuple(wrapped(_label(numbers, key.split(".")[1]), _LABEL_LETTERS)),
        key=key,
        unit=_NONE,
        patients=_NONE,
        dose=_NONE,
        rate=_context_rate(numbers, key),
        small=tuple(wrapped(_optional(numbers, f"{key}.kind"), _SMALL_LETTERS)),
        rate_letters=",".join(letters[mark] for mark in context_marks(numbers, key)),
    )


def _context_rate(numbers: Numbers, key: str) -> str:
    """A rate or a range as it is printed, where the printed figure is at hand."""
    figure = f"published.{_raw(numbers, f'{key}.figure')}"
    ends = next(
        (ends for ends in (("least", "most"), ("low", "high")) if f"{figure}.{ends[0]}" in numbers),
        None,
    )
    said = _span(numbers, *(f"{figure}.{end}" for end in ends)) if ends else ""
    if numbers[key]["unit"] == "text":
        return said or text_of(numbers, key)
    rate = text_of(numbers, figure if figure in numbers else key)
    return f"{rate} ({said})" if said else rate


def _sites(numbers: Numbers, studies: Iterable[str]) -> list[str]:
    """Sites in the order of the plan, others by name, and last what is not stated."""
    found = {_site(numbers, study) for study in studies}
    known = [site for site in _SITES if site in found]
    return known + sorted(found - {*_SITES, ""}) + [""] * ("" in found)


def _cohort_row(numbers: Numbers, cohort: CohortSettings, endpoint: str, months: int) -> _Row:
    ends, key = ("dose.bed10.min", "dose.bed10.max"), f"{endpoint}.rate_{months}m"
    return _Row(
        "cohort",
        (_cohort_label(cohort),),
        key=key,
        unit=_optional(numbers, f"config.endpoints.endpoints.{endpoint}.unit") or _NONE,
        patients=_optional(numbers, "cohort.patients") or _NONE,
        dose=_NONE if is_filler(numbers, ends) else _span(numbers, *ends),
        rate=_why_not_drawn(numbers, key) or _with_interval(numbers, key),
    )


def _series_row(
    numbers: Numbers,
    cohort: CohortSettings,
    endpoint: str,
    months: int,
    study: str,
    letters: Mapping[str, str],
) -> _Row:
    key = _rate_key(study, endpoint, months)
    marks = rate_marks(numbers, cohort, study, key)
    return _Row(
        "target" if study == cohort.derived_from else "series",
        tuple(wrapped(_label(numbers, study), _LABEL_LETTERS)),
        key=key,
        unit=_optional(numbers, f"{key}.unit_of_analysis") or _NONE,
        patients=_optional(numbers, f"{key}.n") or _NONE,
        dose=_span(numbers, f"series.{study}.bed10.least", f"series.{study}.bed10.most"),
        rate=_with_interval(numbers, key),
        label_letters=letters["target"] if "target" in marks else "",
        rate_letters=",".join(letters[mark] for mark in marks if mark != "target"),
    )


def _pooled_row(numbers: Numbers, label: str, endpoint: str, site: str, months: int) -> list[_Row]:
    key = f"synthesis.{endpoint}.{site}.rate_{months}m"
    if not is_estimated(numbers, key):
        return []
    shares = [("k =", f"{key}.k", ""), ("I²", f"{key}.i2", "%")]
    said = [f"{name} {text_of(numbers, k)}{unit}" for name, k, unit in shares if k in numbers]
    ends = _prediction(numbers, key)
    below = "" if ends == _NONE else f"{_level(numbers)}% PI {ends}"
    rate = _with_interval(numbers, key)
    return [_Row("pooled", (", ".join([label, *said]),), key=key, rate=rate, below=below)]


def _prediction(numbers: Numbers, key: str) -> str:
    return _span(numbers, f"{key}.prediction.low", f"{key}.prediction.high")


def _is_wider(numbers: Numbers, key: str) -> bool:
    """Whether the prediction interval is another than the confidence interval."""
    reach, ends = _prediction(numbers, key), _span(numbers, f"{key}.low", f"{key}.high")
    return plain(reach) not in (_NONE, plain(ends))


def _rate_notes(
    numbers: Numbers, rows: Sequence[_Row], letters: Mapping[str, str]
) -> Iterator[str]:
    yield (
        "Patients: their number, also where lesions were counted. BED10: as printed (EQD2 "
        "converted), or else from the lowest printed dose in the most fractions to the highest in "
        f"the fewest; of this cohort, the range of its lesions. {_NONE}: not said."
    )
    pooled = [row for row in rows if row.kind == "pooled" and row.below]
    if pooled:
        same = not all(_is_wider(numbers, row.key) for row in pooled)
        equal = "; it equals the CI where τ² is 0" if same else ""
        yield f"PI: prediction interval, for the rate of another such series{equal}."
    if letters:
        yield " ".join(f"{letter}:\u00a0{RATE_MARKS[mark]}" for mark, letter in letters.items())
    yield from _other_reasons(numbers, rows)


def _other_reasons(numbers: Numbers, rows: Iterable[_Row]) -> Iterator[str]:
    """Why a rate is not pooled for which no letter of its own says so."""
    reasons: dict[str, dict[str, None]] = {}
    keys: dict[str, str] = {}
    for row in rows:
        why = _not_pooled(numbers, row.key) if row.kind == "series" else ""
        if why and not set(row.rate_letters) & _EXCLUDING:
            label = _label(numbers, row.key.split(".")[1])
            reasons.setdefault(why, {})[label] = None
            keys.setdefault(why, f"{row.key}.excluded")
    for why, labels in sorted(reasons.items()):
        yield f"Not pooled, because {text_of(numbers, keys[why])}: {_listed(labels)}"


# Letters of what keeps a rate from being pooled.
_EXCLUDING = {"b", "c", "e"}


def _rate_marks(numbers: Numbers, rows: Sequence[_Row]) -> list[_Mark]:
    """Legend of what this figure draws."""
    series = [row.key for row in rows if row.kind in ("series", "target")]
    approximated = [key for key in series if _is_approximated(numbers, key)]
    pooled = [row.key for row in rows if row.kind == "pooled"]
    context = [row.key for row in rows if row.kind == "context"]
    has_cohort = any(row.kind == "cohort" and _is_drawn(numbers, row) for row in rows)
    shown = {
        _Mark("this cohort", "s", BLUE, BLUE, "solid"): has_cohort,
        _Mark("its rate (line)", colour=BLUE, line=":", width=0.9, sign="upright"): has_cohort,
        _Mark("CI as printed", "o", line="solid"): len(approximated) < len(series),
        _Mark("CI approximated from n", "o", face=WHITE, line=_BROKEN): approximated,
        _Mark("CI if n were halved", colour=LIGHT_GREY, line="solid", width=1.0): any(
            f"{key}.half_n" in numbers for key in series
        ),
        _Mark("not pooled", "o", GREY, WHITE, _BROKEN): any(
            _not_pooled(numbers, row.key) for row in rows if row.kind == "series"
        ),
        _Mark("pooled, modified Hartung–Knapp CI", "D"): pooled,
        _Mark("prediction interval", line="solid", width=0.7): any(
            _is_wider(numbers, key) for key in pooled
        ),
        _Mark("context: rate", "x", GREY, GREY): any(
            numbers[key]["unit"] != "text" for key in context
        ),
        _Mark("context: range", "|", GREY, GREY, "solid"): any(
            f"{key}.low" in numbers for key in context
        ),
    }
    return [mark for mark, is_shown in shown.items() if is_shown]


def _rate_header(page: Page, numbers: Numbers) -> None:
    for left, text, align in (
        (_UNIT_COLUMN, "Unit", "left"),
        (_PATIENTS_COLUMN, "Patients", "right"),
        (_DOSE_COLUMN, "BED10, Gy", "center"),
        (_RATE_COLUMN, f"% ({_level(numbers)}% CI)", "left"),
    ):
        page.text(left, 0.22, text, ha=align, va="center_baseline", weight="bold")


def _rate_axes(axes: Axes, height: float, *, last: bool) -> None:
    axes.set(xlim=(0, 100), ylim=(height, 0))
    axes.spines["left"].set_visible(False)
    axes.set_yticks([])
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(axis="x", color="#E5E5E5", linewidth=0.6)
    axes.set_axisbelow(True)
    if last:
        axes.set_xlabel("Per cent")


def _draw_rows(page: Page, axes: Axes, numbers: Numbers, rows: Sequence[_Row], top: float) -> None:
    y = 0.0
    for row in rows:
        middle = y + row.height - row.text_height + _LINE / 2
        _write_row(page, numbers, row, top + middle)
        if _is_drawn(numbers, row):
            _draw_rate(axes, numbers, row, middle)
        y += row.height


def _is_drawn(numbers: Numbers, row: _Row) -> bool:
    if row.kind == "cohort":
        return not _why_not_drawn(numbers, row.key)
    return row.kind not in ("heading", "note")


def _colour(numbers: Numbers, row: _Row) -> str:
    if row.kind in ("cohort", "target"):
        return BLUE
    if row.kind in ("context", "note") or _not_pooled(numbers, row.key):
        return GREY
    return BLACK


def _write_row(page: Page, numbers: Numbers, row: _Row, middle: float) -> None:
    said = {"color": _colour(numbers, row), "fontsize": SMALL, "va": "center_baseline"}
    _write_label(page, row, middle, said)
    for left, text, align in (
        (_UNIT_COLUMN, row.unit, "left"),
        (_PATIENTS_COLUMN, row.patients, "right"),
        (_DOSE_COLUMN, row.dose, "center"),
        (_RATE_COLUMN, row.rate, "left"),
    ):
        page.text(left, middle, text, ha=align, **said)
    after = _RATE_COLUMN + text_width(row.rate) + 0.02
    page.text(after, middle - _RAISED, row.rate_letters, **{**said, "fontsize": _LETTER})
    page.text(_RATE_COLUMN, middle + _LINE, row.below, **said)


def _write_label(page: Page, row: _Row, middle: float, said: Mapping[str, Any]) -> None:
    """Name a row; below the name, in grey, what it is."""
    weight = "bold" if row.kind in ("cohort", "pooled") else "normal"
    slant = "italic" if row.kind in ("heading", "note") else "normal"
    left = 0.1 if row.kind == "heading" else 0.2
    for index, line in enumerate(row.lines):
        page.text(left, middle + index * _LINE, line, weight=weight, style=slant, **said)
    for index, line in enumerate(row.small, len(row.lines)):
        page.text(left, middle + index * _LINE, line, **{**said, "color": GREY})
    after = left + text_width(row.lines[-1]) + 0.02
    last = middle + (len(row.lines) - 1) * _LINE
    page.text(after, last - _RAISED, row.label_letters, **{**said, "fontsize": _LETTER})


def _draw_rate(axes: Axes, numbers: Numbers, row: _Row, y: float) -> None:
    if row.kind == "pooled":
        _draw_diamond(axes, numbers, row.key, y)
        return
    if row.kind == "context":
        _draw_context(axes, numbers, row.key, y)
        return
    colour, approximated = _colour(numbers, row), _is_approximated(numbers, row.key)
    ends = _ends(numbers, row.key)
    if row.kind == "cohort":
        value = numbers[row.key]["value"]
        axes.axvline(value, color=BLUE, linewidth=0.9, linestyle=":", gid=f"{row.key}.line")
    if ends:
        _draw_half(axes, numbers, row.key, ends, y)
        line = _BROKEN if approximated else "solid"
        axes.plot(ends, [y, y], color=colour, linewidth=1.1, linestyle=line, gid=f"{row.key}.ci")
    axes.plot(
        numbers[row.key]["value"],
        y,
        marker="s" if row.kind == "cohort" else "o",
        color=colour,
        markerfacecolor=WHITE if approximated else colour,
        markersize=4.5,
        clip_on=False,
        gid=row.key,
    )


def _draw_context(axes: Axes, numbers: Numbers, key: str, y: float) -> None:
    """A cross at a rate, a line with ends over a range."""
    ends = [float(numbers[e]["value"]) for n in ("low", "high") if (e := f"{key}.{n}") in numbers]
    said: dict[str, Any] = {"color": GREY, "markersize": 4.5, "clip_on": False}
    if ends:
        axes.plot(ends, [y] * 2, linewidth=1.1, marker="|", gid=f"{key}.range", **said)
    if numbers[key]["unit"] != "text":
        axes.plot(float(numbers[key]["value"]), y, marker="x", gid=key, **said)


def _ends(numbers: Numbers, key: str) -> tuple[float, float] | None:
    """Limits of a number's interval, where it has both."""
    ci = numbers[key]["ci"] if key in numbers else None
    if ci is None or ci["low"] is None or ci["high"] is None:
        return None
    return float(ci["low"]), float(ci["high"])


def _draw_half(axes: Axes, numbers: Numbers, key: str, ends: tuple[float, float], y: float) -> None:
    """What the interval of half of n reaches beyond that of n, thin and grey."""
    half = _ends(numbers, f"{key}.half_n")
    if half:
        x = [half[0], ends[0], math.nan, ends[1], half[1]]
        axes.plot(x, [y] * 5, color=LIGHT_GREY, linewidth=1.0, gid=f"{key}.half_n")


def _draw_diamond(axes: Axes, numbers: Numbers, key: str, y: float) -> None:
    """Diamond as wide as the interval; the prediction interval is a thin line through it."""
    middle, ends = float(numbers[key]["value"]), _ends(numbers, key)
    low, high = ends or (middle, middle)
    reach = _ends(numbers, f"{key}.prediction")
    if reach and _is_wider(numbers, key):
        axes.plot(reach, [y, y], color=BLACK, linewidth=0.7, gid=f"{key}.prediction")
    corners = [(low, y), (middle, y - 0.055), (high, y), (middle, y + 0.055)]
    axes.add_patch(Polygon(corners, facecolor=BLACK, edgecolor=BLACK, linewidth=0.5, gid=key))


# --- dose -----------------------------------------------------------------------------------


class _Bubble(NamedTuple):
    """A series, or this cohort, in a plot of rate against dose."""

    kind: Kind
    key: str
    label: str
    dose: float
    least: float
    most: float
    rate: float
    n: int | None
    colour: str
    shape: str
    pooled: bool
    at_median: bool

    @property
    def area(self) -> float:
        """Area in square points."""
        return 26.0 if self.n is None else _AREA * self.n

    @property
    def size(self) -> float:
        """Side in points of the square that matplotlib draws its shape in."""
        return _side(self.area, self.shape)

    @property
    def face(self) -> str:
        return self.colour if self.pooled or self.kind == "cohort" else WHITE


def _side(area: float, shape: str) -> float:
    return math.sqrt(area / _FILLED[shape])


_AREA = 2.6  # square points for a patient
# Bubbles in the legend: patients and what stands beside them.
_SCALE = {10: "area of 10", 30: "and of 30 patients"}
_DOT = 4.0
_DOSE_LEFT, _DOSE_WIDTH, _DOSE_HEIGHT = 0.62, 6.25, 3.9
_ROOM = Box(0, 0, 72 * _DOSE_WIDTH, 72 * _DOSE_HEIGHT)
_DOSE_TITLE, _DOSE_AXIS = 0.32, 0.42
_MARGINS = (0.05, 0.27)  # of the range of doses; on the right there is room for labels
_TOP = 110.0  # above 100 too, and no axis
_DOSED = "lc"
_SLOPE = f"synthesis.{_DOSED}.dose.slope"
_POINT = re.compile(rf"synthesis\.{_DOSED}\.dose\.line\.\d+")


@styled
def dose_figure(numbers: Numbers, analysis: Analysis, cohort: CohortSettings) -> Figure:
    """Local control of the series against their BED, with this cohort and the meta-regression.

    A panel at the regression's time, and at others with enough series. The line and its band
    are drawn where the registry gives the fitted rates; else the odds ratio stands alone.

    Parameters
    ----------
    numbers : mapping
        The registry: ``series.<study>.lc.rate_<m>m`` with ``.n`` and ``.excluded``,
        ``series.<study>.site``, ``series.<study>.bed10.<least|most|central|source>``,
        ``published.<study>.label``;
        ``synthesis.lc.dose.slope`` with ``.p`` and ``.k``, and, if there are any, the points
        ``synthesis.lc.dose.line.<step>`` (percent, with interval) with ``.bed10``; this cohort's
        ``lc.rate_<m>m`` and ``dose.bed10.<median|min|max>``.
    analysis : Analysis
        Times of the comparison.
    cohort : CohortSettings
        Its label stands below.
    """
    panels = {
        months: found
        for months in analysis.comparison.times_months
        if _has_panel(found := _bubbles(numbers, cohort, months), months)
    }
    if not panels:
        return _nothing(cohort)
    bubbles = [bubble for found in panels.values() for bubble in found]
    marks = _dose_marks(numbers, bubbles)
    notes = _wrapped([ECOLOGICAL, *_dose_notes(numbers, analysis, cohort, panels)])
    heights = {months: _dose_height(numbers, months) for months in panels}
    page = Page(sum(heights.values()) + _below(marks, notes))
    top = 0.0
    for months, found in panels.items():
        top += heights[months]
        axes = page.axes(_DOSE_LEFT, top - _DOSE_AXIS - _DOSE_HEIGHT, _DOSE_WIDTH, _DOSE_HEIGHT)
        _dose_title(page, numbers, analysis, months, top - heights[months])
        _dose_axes(axes, numbers, _dose_limits(bubbles))
        fitted = months == DOSE_TIME_MONTHS
        if fitted:
            _draw_fitted(axes, numbers)
        _draw_bubbles(axes, found, _line_boxes(axes, numbers) if fitted else [])
    _draw_below(page, marks, notes, top)
    page.footer(cohort, illustrative(numbers, [bubble.key for bubble in bubbles]))
    return page.figure


def _has_panel(bubbles: Sequence[_Bubble], months: int) -> bool:
    series = [bubble for bubble in bubbles if bubble.kind == "series"]
    least = 1 if months == DOSE_TIME_MONTHS else MINIMUM_SERIES
    return len(series) >= least


def _bubbles(numbers: Numbers, cohort: CohortSettings, months: int) -> list[_Bubble]:
    """Series with a dose, and this cohort, the largest first so that none hides another."""
    found = [
        _series_bubble(numbers, cohort, study, months)
        for study in _series(numbers, _DOSED, months)
        if is_estimated(numbers, f"series.{study}.bed10.central")
    ]
    found.sort(key=lambda bubble: (-bubble.area, bubble.key))
    return found + _cohort_bubble(numbers, cohort, months)


def _series_bubble(numbers: Numbers, cohort: CohortSettings, study: str, months: int) -> _Bubble:
    key = _rate_key(study, _DOSED, months)
    target, site = study == cohort.derived_from, _site(numbers, study)
    central, least, most = _doses(numbers, f"series.{study}.bed10", "central", "least", "most")
    n = f"{key}.n"
    return _Bubble(
        kind="target" if target else "series",
        key=key,
        label=_label(numbers, study) + (f" ({text_of(numbers, n)})" if n in numbers else ""),
        dose=central,
        least=least,
        most=most,
        rate=float(numbers[key]["value"]),
        n=int(numbers[n]["value"]) if n in numbers else None,
        colour=BLUE if target else _site_colour(site),
        shape=_site_shape(site),
        pooled=not (target or _not_pooled(numbers, key)),
        at_median=_raw(numbers, f"series.{study}.bed10.source") in _MEDIANS,
    )


# What a central dose is from when it is a median that is printed.
_MEDIANS = (PRINTED_BED, PRINTED_EQD2)


def _site_colour(site: str) -> str:
    return _SITE_COLOURS.get(site, GREY)


def _site_shape(site: str) -> str:
    return _SITE_SHAPES.get(site, _OTHER_SHAPE)


def _doses(numbers: Numbers, key: str, middle: str, *ends: str) -> tuple[float, float, float]:
    """Middle and ends of a dose; an end that is not there is the middle."""
    names = (name if is_estimated(numbers, f"{key}.{name}") else middle for name in ends)
    low, high = (float(numbers[f"{key}.{name}"]["value"]) for name in names)
    return float(numbers[f"{key}.{middle}"]["value"]), low, high


def _cohort_bubble(numbers: Numbers, cohort: CohortSettings, months: int) -> list[_Bubble]:
    key = f"{_DOSED}.rate_{months}m"
    if any(_why_not_drawn(numbers, k) for k in (key, "dose.bed10.median")):
        return []
    doses = _doses(numbers, "dose.bed10", "median", "min", "max")
    rate = float(numbers[key]["value"])
    label = _cohort_label(cohort)
    return [_Bubble("cohort", key, label, *doses, rate, None, BLUE, "D", False, True)]


def _dose_notes(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    panels: Mapping[int, Sequence[_Bubble]],
) -> Iterator[str]:
    """Name what the plot cannot show: series without a dose, a cohort without a rate."""
    shown = {bubble.key for found in panels.values() for bubble in found}
    undosed = {
        _label(numbers, study): None
        for months in panels
        for study in _series(numbers, _DOSED, months)
        if _rate_key(study, _DOSED, months) not in shown
    }
    yield from _placed(numbers, [bubble for found in panels.values() for bubble in found])
    yield from _not_in_regression(numbers, panels.get(int(DOSE_TIME_MONTHS), ()))
    if undosed:
        yield f"Without a printed dose, so not shown: {_listed(undosed)}"
    reasons: dict[str, list[str]] = {}
    for months in panels:
        keys = (f"{_DOSED}.rate_{months}m", "dose.bed10.median")
        if why := next(filter(None, (_why_not_drawn(numbers, key) for key in keys)), ""):
            reasons.setdefault(why, []).append(_time(numbers, analysis, months))
    for why, times in reasons.items():
        yield f"{_cohort_label(cohort)} at {' and '.join(times)} months: {why}."


def _listed(labels: Iterable[str]) -> str:
    """Labels at the end of a sentence, some of which end in a full stop."""
    return ", ".join(labels).removesuffix(".") + "."


def _placed(numbers: Numbers, bubbles: Iterable[_Bubble]) -> Iterator[str]:
    """Say which dose each series stands at."""
    studies = [bubble.key.split(".")[1] for bubble in bubbles if bubble.kind != "cohort"]
    said = {
        PRINTED_BED: "At the printed median BED10",
        PRINTED_EQD2: "At the printed median EQD2, converted to BED10",
    }
    for source, words in said.items():
        at = dict.fromkeys(
            _label(numbers, study)
            for study in studies
            if _raw(numbers, f"series.{study}.bed10.source") == source
        )
        if at:
            yield f"{words}: {_listed(sorted(at, key=plain))}"
    if any(_raw(numbers, f"series.{s}.bed10.source") not in said for s in studies):
        yield (
            "Without a dot: in the middle of the range of BED10 over the printed schedules, or at "
            "the one that is printed."
        )


def _not_in_regression(numbers: Numbers, bubbles: Iterable[_Bubble]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    keys: dict[str, str] = {}
    for bubble in bubbles:
        if bubble.kind == "series" and not bubble.pooled:
            label, why = _label(numbers, bubble.key.split(".")[1]), _not_pooled(numbers, bubble.key)
            reasons.setdefault(why, []).append(label)
            keys.setdefault(why, f"{bubble.key}.excluded")
    for why, labels in sorted(reasons.items()):
        names = _listed(sorted(labels, key=plain))
        yield f"Not in the regression, because {text_of(numbers, keys[why])}: {names}"


def _dose_marks(numbers: Numbers, bubbles: Sequence[_Bubble]) -> list[_Mark]:
    kinds = {bubble.kind for bubble in bubbles}
    studies = [b.key.split(".")[1] for b in bubbles if b.kind == "series"]
    marks = [_site_mark(site) for site in _sites(numbers, studies)]
    fitted = bool(_line_points(numbers))
    shown = {
        _Mark("not in the regression", "o", GREY, WHITE): any(
            not b.pooled for b in bubbles if b.kind == "series"
        ),
        _Mark("this cohort", "D", BLUE, BLUE, "solid", 0.8, sign="dot"): "cohort" in kinds,
        _target_mark(bubbles): "target" in kinds,
        _Mark("printed median", "o", GREY, GREY, size=7.5, sign="dot"): any(
            b.at_median for b in bubbles if b.kind != "cohort"
        ),
        _Mark("meta-regression", line="solid", width=1.0): fitted,
        _Mark(f"its {_level(numbers)}% confidence band", sign="band"): fitted,
    }
    marks += [mark for mark, is_shown in shown.items() if is_shown]
    marks.append(_Mark("range of BED10", "|", GREY, GREY, "solid", 0.8))
    return [*marks, *_scale_marks(bubbles)]


def _site_mark(site: str) -> _Mark:
    colour, shape = _site_colour(site), _site_shape(site)
    return _Mark(_site_label(site), shape, colour, colour, "solid", 0.8, _side(_KEY_AREA, shape))


_KEY_AREA = 22.0  # square points of a site's mark in the legend


def _target_mark(bubbles: Iterable[_Bubble]) -> _Mark:
    shape = next((b.shape for b in bubbles if b.kind == "target"), "o")
    size = _side(_KEY_AREA, shape)
    return _Mark("reproduction target", shape, BLUE, WHITE, "solid", 0.8, size)


def _scale_marks(bubbles: Iterable[_Bubble]) -> Iterator[_Mark]:
    """Two bubbles of known size; a bubble without patients has none."""
    if any(bubble.n for bubble in bubbles):
        for n, label in _SCALE.items():
            yield _Mark(label, "o", GREY, WHITE, size=_side(_AREA * n, "o"))


def _dose_limits(
    bubbles: Sequence[_Bubble],
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Range of dose that holds every bubble and every bar, and the whole range of a rate."""
    doses = [dose for bubble in bubbles for dose in (bubble.least, bubble.most, bubble.dose)]
    span = max(doses) - min(doses) or max(doses)
    left, right = (margin * span for margin in _MARGINS)
    return (max(0.0, min(doses) - left), max(doses) + right), (0.0, _TOP)


def _has_slope(numbers: Numbers, months: int) -> bool:
    return months == DOSE_TIME_MONTHS and _SLOPE in numbers


def _dose_height(numbers: Numbers, months: int) -> float:
    return _DOSE_TITLE + _LINE * _has_slope(numbers, months) + _DOSE_HEIGHT + _DOSE_AXIS


def _dose_title(page: Page, numbers: Numbers, analysis: Analysis, months: int, top: float) -> None:
    label, time = text_of(numbers, f"endpoint.{_DOSED}.label"), _time(numbers, analysis, months)
    page.text(0.1, top + 0.22, f"{label} at {time} months and BED10", weight="bold")
    if _has_slope(numbers, months):
        page.text(0.1, top + 0.22 + _LINE, _slope_text(numbers), fontsize=SMALL)


def _slope_text(numbers: Numbers) -> str:
    if not is_estimated(numbers, _SLOPE):
        reason = _optional(numbers, f"{_SLOPE}.reason")
        return f"Odds ratio per 10 Gy: {text_of(numbers, _SLOPE)}" + (
            f", {reason}" if reason else ""
        )
    parts = [f"Odds ratio per 10 Gy {_with_interval(numbers, _SLOPE)}"]
    parts += [stated_p(numbers, f"{_SLOPE}.p")] if f"{_SLOPE}.p" in numbers else []
    parts += [f"k = {text_of(numbers, f'{_SLOPE}.k')}"] if f"{_SLOPE}.k" in numbers else []
    return ", ".join(parts)


def _dose_axes(
    axes: Axes, numbers: Numbers, limits: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    axes.set(xlim=limits[0], ylim=limits[1], xlabel="BED10, Gy")
    axes.set_ylabel(f"{text_of(numbers, f'endpoint.{_DOSED}.label')}, per cent")
    axes.set_yticks(range(0, 101, 10))
    axes.spines["left"].set_bounds(0, 100)


def _draw_fitted(axes: Axes, numbers: Numbers) -> None:
    """Line and band of the meta-regression, which is linear in Gy, as the axis is.

    Between the registry's points both are straight on the logit scale, where the line is one.
    """
    keys = _line_points(numbers)
    if not keys:
        return
    doses = np.array([float(numbers[f"{key}.bed10"]["value"]) for key in keys])
    at = np.linspace(doses[0], doses[-1], 200)
    rates = np.array([(numbers[key]["value"], *(_ends(numbers, key) or ())) for key in keys])
    middle, low, high = (_between(at, doses, column) for column in rates.T)
    axes.fill_between(at, low, high, color=BLACK, alpha=_BAND, linewidth=0, zorder=0)
    axes.plot(at, middle, color=BLACK, linewidth=1.0, zorder=1, gid=_SLOPE)


def _line_points(numbers: Numbers) -> list[str]:
    """Keys of the points that give the line; none where it takes more to give one."""
    keys = [key for key in sorted(numbers) if _POINT.fullmatch(key) and _ends(numbers, key)]
    return keys if len(keys) > 1 else []


def _between(
    at: NDArray[np.float64], doses: NDArray[np.float64], rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    share = np.clip(rates / 100, 1e-9, 1 - 1e-9)
    logit = np.interp(at, doses, np.log(share / (1 - share)))
    return np.asarray(100 / (1 + np.exp(-logit)), dtype="float64")


def _draw_bubbles(axes: Axes, bubbles: Sequence[_Bubble], line: Sequence[Box]) -> None:
    for bubble in bubbles:
        _draw_bubble(axes, bubble)
    for bubble, place in zip(bubbles, _places(axes, bubbles, line), strict=True):
        _draw_label(axes, bubble, place)


def _draw_bubble(axes: Axes, bubble: _Bubble) -> None:
    colour = bubble.colour
    ends = [bubble.least, bubble.most]
    axes.plot(ends, [bubble.rate] * 2, color=colour, linewidth=0.8, marker="|", markersize=4)
    axes.scatter(
        [bubble.dose],
        [bubble.rate],
        s=bubble.size**2,
        marker=bubble.shape,
        facecolor=bubble.face,
        edgecolor=WHITE if bubble.pooled else colour,
        linewidth=1.0,
        zorder=3,
        gid=bubble.key,
    )
    if bubble.at_median:
        axes.plot(
            bubble.dose,
            bubble.rate,
            marker=".",
            color=colour if bubble.face == WHITE else WHITE,
            markersize=_DOT,
            markeredgewidth=0,
            zorder=4,
            gid=f"{bubble.key}.median",
        )


_LABEL_HEIGHT = 9.5
_LEADER = 7.0  # points beyond which a line leads from the bubble to its label


def _places(axes: Axes, bubbles: Sequence[_Bubble], line: Sequence[Box]) -> list[Place]:
    """Place of every bubble's label, in points from the lower left of the axes."""
    sizes = [(72 * text_width(bubble.label) + 2, _LABEL_HEIGHT) for bubble in bubbles]
    discs = [_disc(axes, bubble) for bubble in bubbles]
    bars = [_bar(axes, bubble) for bubble in bubbles]
    return label_places(discs, sizes, bars, _ROOM, line)


def _line_boxes(axes: Axes, numbers: Numbers) -> list[Box]:
    """Where the fitted line runs, in points: a box between each two of its points."""
    at = [
        _at(axes, float(numbers[f"{key}.bed10"]["value"]), float(numbers[key]["value"]))
        for key in _line_points(numbers)
    ]
    return [Box(x, min(y, z) - 0.5, w, max(y, z) + 0.5) for (x, y), (w, z) in pairwise(at)]


def _at(axes: Axes, dose: float, rate: float) -> tuple[float, float]:
    (low, high), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    across, up = (dose - low) / (high - low), (rate - bottom) / (top - bottom)
    return _ROOM.right * across, _ROOM.top * up


def _disc(axes: Axes, bubble: _Bubble) -> Box:
    x, y = _at(axes, bubble.dose, bubble.rate)
    radius = bubble.size / 2 * (math.sqrt(2) if bubble.shape == "D" else 1)
    return Box(x - radius, y - radius, x + radius, y + radius)


def _bar(axes: Axes, bubble: _Bubble) -> Box:
    left, y = _at(axes, bubble.least, bubble.rate)
    right, _ = _at(axes, bubble.most, bubble.rate)
    return Box(left - 3, y - 2, right + 3, y + 2)


def _draw_label(axes: Axes, bubble: _Bubble, place: Place) -> None:
    line = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0}
    axes.annotate(
        bubble.label,
        (bubble.dose, bubble.rate),
        xytext=place.box.middle,
        textcoords="axes points",
        ha="center",
        va="center",
        fontsize=SMALL,
        color=BLUE if bubble.kind in ("cohort", "target") else BLACK,
        arrowprops=line if place.distance > _LEADER else None,
        bbox={"boxstyle": "square,pad=0", "facecolor": WHITE, "alpha": 0.7, "linewidth": 0},
        zorder=2,
    )
