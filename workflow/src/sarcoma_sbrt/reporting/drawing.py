"""What every figure is drawn with: the style, the page in inches, the registry's texts.

Sizes are in inches at the width of a journal page, so a point is a point in print. The script
that saves a figure does so within ``matplotlib.rc_context(style())`` and with `save_options`:
then equal input gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from sarcoma_sbrt.reporting.drawn_numbers import Drawing, keyed, plain
from sarcoma_sbrt.settings import CohortSettings

__all__ = [
    "BLACK",
    "BLUE",
    "DASHED",
    "FILLER_NOTE",
    "GREEN",
    "GREY",
    "LIGHT_GREY",
    "ORANGE",
    "PURPLE",
    "SKY",
    "SMALL",
    "VERMILION",
    "WHITE",
    "WIDTH",
    "Numbers",
    "Page",
    "bare",
    "illustrative",
    "is_filler",
    "reason_of",
    "save_options",
    "stated_p",
    "style",
    "styled",
    "text_of",
    "text_width",
]

Numbers = Mapping[str, Mapping[str, Any]]
P = ParamSpec("P")

WIDTH = 7.0  # inches: two columns of a journal page
FILLER_NOTE = "illustrative, not constrained by any printed figure"

# Okabe and Ito's colours, which colour-blind readers tell apart; the line styles serve print
# without colour.
BLACK, BLUE, VERMILION = "#000000", "#0072B2", "#D55E00"
GREEN, ORANGE, PURPLE, SKY = "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
GREY, LIGHT_GREY, WHITE = "#666666", "#BBBBBB", "#FFFFFF"
DASHED = (0, (5, 1.8))

FONT = "DejaVu Sans"
# Still 8 pixels high where a page of 6 inches shows the figure.
SMALL = 7.5


def style() -> dict[Any, Any]:
    """Settings for `matplotlib.rc_context`, complete: nothing of the user's own gets through."""
    ours = {
        "font.family": [FONT],
        "font.size": 8.0,
        "axes.titlesize": 8.5,
        "axes.labelsize": 8.0,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "legend.fontsize": 7.5,
        "legend.title_fontsize": 7.5,
        "legend.frameon": False,
        "axes.linewidth": 0.7,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        "savefig.dpi": 200.0,
        "svg.fonttype": "none",
        "svg.hashsalt": "sarcoma-sbrt",
    }
    standard = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith(_SESSION)}
    return standard | ours


# What belongs to a session or a window and not to a figure.
_SESSION = ("backend", "interactive", "toolbar", "webagg", "keymap", "tk.", "macosx", "savefig.dir")


def save_options(file_format: str) -> dict[str, Any]:
    """Arguments of `Figure.savefig` that keep clock and software out of the file.

    Parameters
    ----------
    file_format : {'svg', 'png'}

    Raises
    ------
    ValueError
        For any other format.
    """
    metadata = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
    if file_format not in metadata:
        raise ValueError(f"figures are saved as svg or png, not {file_format}")
    return {"format": file_format, "metadata": metadata[file_format]}


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw under `style`, whatever the session's settings are; keep what was drawn of numbers."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with matplotlib.rc_context(style()):
            figure = draw(*args, **kwargs)
            if isinstance(figure, Drawing):
                figure.finish()
            return figure

    return drawn


# --- parts --------------------------------------------------------------------------------


class Page:
    """A figure of a height in inches, whose axes are placed in inches from its top left."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.figure = Drawing(figsize=(WIDTH, height))

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Place axes, everything in inches."""
        bottom = self.height - top - height
        box = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        return self.figure.add_axes(box)

    def text(self, left: float, top: float, text: str, **kwargs: Any) -> None:
        """Write at a place in inches; `kwargs` are those of `Figure.text`."""
        self.figure.text(left / WIDTH, 1 - top / self.height, text, **kwargs)

    def footer(self, cohort: CohortSettings, note: str) -> None:
        """Say below everything what the cohort is, and what of the figure is filler."""
        label = cohort.label if cohort.kind == "reconstructed" else ""
        notes = [f"{said[0].upper()}{said[1:]}." for said in (label, note) if said]
        if notes:
            left, bottom = 0.08 / WIDTH, 0.06 / self.height
            self.figure.text(left, bottom, " ".join(notes), color=GREY, fontsize=SMALL)


def is_filler(numbers: Numbers, keys: Iterable[str]) -> bool:
    """Whether any of these numbers rests on filler; those that are not there do not."""
    return any(numbers[key].get("support") == "filler" for key in keys if key in numbers)


def illustrative(numbers: Numbers, keys: Iterable[str]) -> str:
    """Note that any number on filler brings to the whole figure."""
    return FILLER_NOTE if is_filler(numbers, keys) else ""


def text_of(numbers: Numbers, key: str) -> str:
    """Text of a number, as everywhere else it is printed, marked with its key (`drawn_numbers`)."""
    return keyed(str(numbers[key]["text"]), key)


def reason_of(numbers: Numbers, key: str) -> str:
    """Why a number has no value, as the registry says it."""
    of = f"{key}.reason"
    return text_of(numbers, of) if of in numbers else str(numbers[key]["reason"])


def text_width(text: str, size: float = SMALL) -> float:
    """Width in inches of a text of a size in points."""
    font = FontProperties(family=FONT, size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(plain(text), font, ismath=False)
    return float(width) / 72


def stated_p(numbers: Numbers, key: str) -> str:
    """Write a p with its relation, "p = 0.016"; without a value, the registry's words for that."""
    if numbers[key]["status"] != "estimated":
        return f"p {text_of(numbers, key)}"
    return f"p {text_of(numbers, f'{key}.stated')}"


def bare(axes: Axes) -> Axes:
    """Axes of which only what is drawn on them shows."""
    axes.set_axis_off()
    return axes
