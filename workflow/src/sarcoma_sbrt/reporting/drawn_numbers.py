"""What a figure draws of numbers, each with the key of the registry that it was read from.

A text that was read from the registry carries its key with it, in Unicode's tag characters, which
no font draws and no number is made of. So it may be joined, wrapped and measured like any other
text; when the figure is complete, `finish` takes the marks out of everything that it will draw and
keeps what they said.
"""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text

__all__ = [
    "Drawing",
    "Part",
    "capitalised",
    "keyed",
    "name_ticks",
    "parts",
    "plain",
    "sidecar",
    "uncapitalised",
    "wrapped",
]

# Tag characters mirror ASCII from here on; the first begins a mark, the last ends it.
_TAGS = 0xE0000
_BEGIN, _END = "\U000e0001", "\U000e007f"
_GROUP = "number_"  # of the SVG: what its texts with keys are called, with their index
_WITHIN = 1e-9  # of an axis, by which a tick at its end is still on it


class Part(NamedTuple):
    """A piece of a text, and the key that it was read from; empty where it was written here."""

    text: str
    key: str


class Drawing(Figure):
    """A figure that knows the parts of each text that it draws.

    Attributes
    ----------
    said : list of tuple of Part
        Of each text that holds a key. The text's group in the SVG is called ``number_<i>``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.said: list[tuple[Part, ...]] = []

    def finish(self) -> None:
        """Take the marks out of all texts and keep them; to be called when all is drawn."""
        for text in self.findobj(Text):
            assert isinstance(text, Text)
            found = parts(text.get_text())
            if any(part.key for part in found):
                text.set_text("".join(part.text for part in found))
                text.set_gid(f"{_GROUP}{len(self.said)}")
                self.said.append(found)


# --- marked texts -------------------------------------------------------------------------


def keyed(text: str, key: str) -> str:
    """Mark a text of the registry with its key, word by word; one without numerals stays as it is.

    Raises
    ------
    ValueError
        When the key is not of printable ASCII characters without spaces.
    """
    if not _has_numeral(text):
        return text
    if not all(" " < c <= "~" for c in key):
        raise ValueError(f"“{key}” cannot mark a text: a key is of ASCII characters")
    return " ".join(f"{_mark(key)}{word}{_END}" if word else word for word in text.split(" "))


def plain(text: str) -> str:
    """Text without its marks: what is drawn."""
    return "".join(c for c in text if not _is_mark(c))


def parts(text: str) -> tuple[Part, ...]:
    """Pieces of a text by key; words of one key that only a space parts are one piece."""
    found: list[Part] = []
    for character, key in _characters(text):
        if found and found[-1].key == key:
            found[-1] = Part(found[-1].text + character, key)
        else:
            found.append(Part(character, key))
    joined: list[Part] = []
    for part in found:
        gap = joined[-2:]
        is_gap = len(gap) == 2 and gap[0].key == part.key != "" and gap[1].text in (" ", "\n")
        if is_gap:
            joined[-2:] = [Part(f"{gap[0].text}{gap[1].text}{part.text}", part.key)]
        else:
            joined.append(part)
    return tuple(joined)


def wrapped(text: str, width: int, **options: Any) -> list[str]:
    """Wrap a text that may be marked as `textwrap.wrap` does one that is not."""
    lines = textwrap.wrap(plain(text), width, **options)
    characters = [pair for pair in _characters(text) if not pair[0].isspace()]
    return [_remarked(line, characters) for line in lines]


def capitalised(text: str) -> str:
    """Text with a capital first letter, the rest as it is."""
    return _first(text, str.upper)


def uncapitalised(text: str) -> str:
    """Text with a small first letter, unless its second is a capital or a numeral: ``BED10``."""
    return _first(text, str.lower) if plain(text)[1:2].islower() else text


def _first(text: str, change: Callable[[str], str]) -> str:
    at = next((i for i, c in enumerate(text) if not _is_mark(c)), len(text))
    return text[:at] + change(text[at : at + 1]) + text[at + 1 :]


def _has_numeral(text: str) -> bool:
    return any(unicodedata.category(c) in ("Nd", "Nl", "No") for c in text)


def _is_mark(character: str) -> bool:
    return _TAGS <= ord(character) <= _TAGS + 0x7F


def _characters(text: str) -> Iterator[tuple[str, str]]:
    """Characters that are drawn, each with the key that answers for it."""
    key: str = ""
    for character in text:
        if character in (_BEGIN, _END):
            key = ""
        elif _is_mark(character):
            key += chr(ord(character) - _TAGS)
        else:
            yield character, key


def _remarked(line: str, characters: list[tuple[str, str]]) -> str:
    """A line of plain text with the marks of the characters it takes from the front of a list."""
    marked, current = "", ""
    for character in line:
        key = ""
        if characters and characters[0][0] == character:
            key = characters.pop(0)[1]
        if key != current:
            marked += (_END if current else "") + (_mark(key) if key else "")
            current = key
        marked += character
    return marked + (_END if current else "")


def _mark(key: str) -> str:
    return _BEGIN + "".join(chr(_TAGS + ord(c)) for c in key)


# --- ticks and the sidecar ------------------------------------------------------------------


def name_ticks(axis: Axis, places: Iterable[float], names: Sequence[str], **kwargs: Any) -> None:
    """Set ticks whose names may be marked, which matplotlib would only write when it draws.

    Parameters
    ----------
    axis : Axis
        Of axes on a `Drawing`.
    places : iterable of float
        Where the ticks stand; all of them on the axis.
    names : sequence of str
        What they are called.
    **kwargs
        Properties of the names.
    """
    figure = axis.axes.get_figure(root=True)
    assert isinstance(figure, Drawing)
    axis.set_ticks(list(places), [plain(name) for name in names], **kwargs)
    for label, name in zip(axis.get_ticklabels(), names, strict=True):
        found = parts(name)
        if any(part.key for part in found):
            label.set_gid(f"{_GROUP}{len(figure.said)}")
            figure.said.append(found)


def sidecar(figure: Figure, name: str, svg: str) -> dict[str, Any]:
    """What a figure draws of numbers, as ``figures/<name>.numbers.json`` has it.

    Parameters
    ----------
    figure : Figure
        A `Drawing` that is finished.
    name : str
        What the figure is called.
    svg : str
        The figure as it was saved, which says the order of its texts.

    Returns
    -------
    dict
        ``figure``; ``numbers``: text, key and the group of the SVG that holds it, in the SVG's
        order; ``ticks``: what the axes write beside their ticks, as far as no key answers for it;
        ``rules``: how many numerals a rule sets aside.
    """
    assert isinstance(figure, Drawing)
    order = [int(group) for group in re.findall(rf'<g id="{_GROUP}(\d+)"', svg)]
    numbers = [
        {"text": part.text, "key": part.key, "at": f"{_GROUP}{group}"}
        for group in order
        for part in figure.said[group]
        if part.key
    ]
    ticks = [text for axes in figure.axes for axis in _axes_of(axes) for text in _tick_names(axis)]
    return {
        "figure": name,
        "numbers": numbers,
        "ticks": ticks,
        "rules": {"axis_tick": len(ticks)},
    }


def _axes_of(axes: Axes) -> tuple[Axis, Axis] | tuple[()]:
    return (axes.xaxis, axes.yaxis) if axes.axison else ()


def _tick_names(axis: Axis) -> list[str]:
    """Names with numerals beside the ticks that are on an axis and have no key."""
    low, high = sorted(axis.get_view_interval())
    margin = _WITHIN * (high - low)
    places = axis.get_majorticklocs()
    names = axis.get_major_formatter().format_ticks(list(places))
    labels = axis.get_ticklabels()
    return [
        name
        for at, name, label in zip(places, names, labels, strict=True)
        if low - margin <= at <= high + margin
        and _has_numeral(name)
        and not str(label.get_gid() or "").startswith(_GROUP)
    ]
