"""Where labels go so that they do not lie on each other: boxes in points, no drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

__all__ = ["Box", "Place", "label_places"]

# Sixteen directions, first those in which a reader expects a label.
_ANGLES = (0, 180, 90, 270, 45, 135, 315, 225, 20, 160, 340, 200, 70, 110, 290, 250)
_DIRECTIONS = tuple((math.cos(math.radians(a)), math.sin(math.radians(a))) for a in _ANGLES)
_DISTANCES = (3.0, 8.0, 14.0, 22.0, 32.0, 44.0, 58.0)
# What a square point of overlap costs, in points of distance.
_COLLISION, _CROSSING = 1000.0, 0.1


class Box(NamedTuple):
    """A box in points."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its centre."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def overlap(self, other: Box) -> float:
        """Shared area in square points."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(width, 0.0) * max(height, 0.0)


class Place(NamedTuple):
    """Where a label goes, and how far from the mark's edge in points."""

    box: Box
    distance: float


def label_places(
    marks: Sequence[Box],
    sizes: Sequence[tuple[float, float]],
    bars: Sequence[Box],
    room: Box,
) -> list[Place]:
    """Place of each mark's label, found one after the other in the order given.

    Each label takes the place that costs least: beyond the room, on a mark or on a label costs
    most, on a bar something, a far one a little; of equal ones the first.

    Parameters
    ----------
    marks : sequence of Box
        What is labelled; nothing is written on it.
    sizes : sequence of (float, float)
        Width and height of each label.
    bars : sequence of Box
        What a label should rather not lie on.
    room : Box
        Where labels may be.
    """
    places: list[Place] = []
    for mark, size in zip(marks, sizes, strict=True):
        taken = [*marks, *(place.box for place in places)]
        costs = [(_cost(place, taken, bars, room), place) for place in _candidates(mark, size)]
        places.append(min(costs, key=lambda found: found[0])[1])
    return places


def _candidates(mark: Box, size: tuple[float, float]) -> Iterator[Place]:
    """Places around a mark, near ones first."""
    x, y = mark.middle
    half = size[0] / 2, size[1] / 2
    for distance in _DISTANCES:
        reach = (mark.right - mark.left) / 2 + distance
        for across, up in _DIRECTIONS:
            middle = x + across * (reach + half[0]), y + up * (reach + half[1])
            low = middle[0] - half[0], middle[1] - half[1]
            yield Place(Box(*low, low[0] + size[0], low[1] + size[1]), distance)


def _cost(place: Place, taken: Iterable[Box], bars: Iterable[Box], room: Box) -> float:
    box = place.box
    outside = (box.right - box.left) * (box.top - box.bottom) - box.overlap(room)
    on_others = sum(box.overlap(other) for other in taken)
    on_bars = sum(box.overlap(bar) for bar in bars)
    # Rounded, so that a last digit of a platform's cosine does not decide between equal places.
    return round(_COLLISION * (outside + on_others) + _CROSSING * on_bars + place.distance, 6)
