"""Lists of rows as text, ``0-36`` or ``2-5,9``: written and read here and nowhere else.

Nothing here imports NumPy, so that the command line reads them at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["Spans", "counted", "inside", "shortened", "spans", "written"]

Spans = tuple[tuple[int, int], ...]
"""Ranges of whole numbers, ascending, both ends included."""

_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")


def written(ranges: Iterable[tuple[int, int]], between: str = ",") -> str:
    """Text of ascending ranges; empty where there are none."""
    return between.join(f"{a}-{b}" if a != b else str(a) for a, b in ranges)


def spans(text: str) -> Spans:
    """Ranges of a text that `written` made: ``"0-3,7"`` is ``((0, 3), (7, 7))``.

    Raises
    ------
    ValueError
        When the text is no ascending list of numbers and ranges.
    """
    found: list[tuple[int, int]] = []
    for part in text.split(",") if text else []:
        match = _RANGE.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no range of rows, accepted: 5 or 5-9")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or (found and first <= found[-1][1]):
            raise ValueError(f"{text!r} is no ascending list of ranges")
        found.append((first, last))
    return tuple(found)


def counted(ranges: Spans) -> int:
    """How many whole numbers some ranges hold."""
    return sum(last - first + 1 for first, last in ranges)


def inside(ranges: Spans, number: int) -> bool:
    """Whether one of the ranges holds a number."""
    return any(first <= number <= last for first, last in ranges)


def shortened(text: str, longest: int) -> str:
    """Text with as many whole ranges as fit, and a sign that there are more."""
    return text if len(text) <= longest else f"{text[:longest].rpartition(',')[0]}, …"
