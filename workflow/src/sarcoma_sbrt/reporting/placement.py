"""Where labels go so that they do not lie on each other: boxes in points, no drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

__all__ = ["Box", "Place", "label_places"]

# Sixteen directions, first those in which a reader expects a label.
_ANGLES = (0, 180, 90, 270, 45, 135, 315, 225, 20, 160, 340, 200, 70, 110, 290, 250)
_DIRECTIONS = tuple((math.cos(math.radians(a)), math.sin(math.radians(a))) for a in _ANGLES)
_DISTANCES = (3.0, 8.0, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0, 92.0)
# What a square point of overlap costs, in points of distance: no free place is as far as a
# label on a bar is bad.
_COLLISION, _CROSSING = 1000.0, 4.0
# Beyond the end of a mark's own bar a label is as clear as near the mark.
_AT_END, _END_COST = 3.0, 5.0
# What it costs when the line from a mark to its label passes another mark or label.
_PASSING = 60.0
# Rounds in which every label may move again, now that all others have a place.
_ROUNDS = 4


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

    def is_passed(self, start: tuple[float, float], end: tuple[float, float]) -> bool:
        """Whether the straight line from start to end meets it (Liang and Barsky, 1984)."""
        enters, leaves = 0.0, 1.0
        sides = ((self.left, self.right), (self.bottom, self.top))
        for (low, high), at, to in zip(sides, start, end, strict=True):
            if at == to:
                if not low <= at <= high:
                    return False
                continue
            near, far = sorted(((low - at) / (to - at), (high - at) / (to - at)))
            enters, leaves = max(enters, near), min(leaves, far)
        return enters <= leaves


class Place(NamedTuple):
    """Where a label goes, and how far from the mark's edge in points."""

    box: Box
    distance: float


# From a mark's middle to its label's.
_Leader = tuple[tuple[float, float], tuple[float, float]]


def label_places(
    marks: Sequence[Box],
    sizes: Sequence[tuple[float, float]],
    bars: Sequence[Box],
    room: Box,
    lines: Sequence[Box] = (),
) -> list[Place]:
    """Place of each mark's label, found one after the other, then in a few rounds again.

    Each label takes the place that costs least: beyond the room, on a mark or on a label costs
    most, on a bar or where a leader line passes less, a far one a little; of equal ones the first.

    Parameters
    ----------
    marks : sequence of Box
        What is labelled; nothing is written on it.
    sizes : sequence of (float, float)
        Width and height of each label.
    bars : sequence of Box
        Bar of each mark, the mark itself where it has none: a label does not lie on one, but may
        stand beyond the end of its own.
    room : Box
        Where labels may be.
    lines : sequence of Box
        What else a label should not lie on.
    """
    places: dict[int, Place] = {}
    for _ in range(_ROUNDS):
        before = dict(places)
        for index, (mark, size, bar) in enumerate(zip(marks, sizes, bars, strict=True)):
            scene = _scene(index, marks, places, (*bars, *lines), room)
            places[index] = _cheapest(_candidates(mark, size, bar), scene)
        if places == before:
            break
    return [places[index] for index in range(len(marks))]


class _Scene(NamedTuple):
    """What is around one mark: all others, where their labels are, and what leads to these."""

    mark: Box
    others: tuple[Box, ...]
    leaders: tuple[_Leader, ...]
    bars: tuple[Box, ...]
    room: Box


def _scene(
    index: int,
    marks: Sequence[Box],
    places: Mapping[int, Place],
    bars: tuple[Box, ...],
    room: Box,
) -> _Scene:
    other = {at: place for at, place in places.items() if at != index}
    labels = (place.box for place in other.values())
    leaders = ((marks[at].middle, place.box.middle) for at, place in other.items())
    others = (*marks[:index], *marks[index + 1 :], *labels)
    return _Scene(marks[index], others, tuple(leaders), bars, room)


def _candidates(mark: Box, size: tuple[float, float], bar: Box) -> Iterator[Place]:
    """Places around a mark, near ones first, then those beyond the ends of its bar."""
    x, y = mark.middle
    half = size[0] / 2, size[1] / 2
    for distance in _DISTANCES:
        reach = (mark.right - mark.left) / 2 + distance
        for across, up in _DIRECTIONS:
            middle = x + across * (reach + half[0]), y + up * (reach + half[1])
            yield Place(_box(middle, half), distance)
    for end in (bar.right + _AT_END + half[0], bar.left - _AT_END - half[0]):
        yield Place(_box((end, y), half), _END_COST)


def _box(middle: tuple[float, float], half: tuple[float, float]) -> Box:
    left, bottom = middle[0] - half[0], middle[1] - half[1]
    return Box(left, bottom, left + 2 * half[0], bottom + 2 * half[1])


def _cheapest(candidates: Iterable[Place], scene: _Scene) -> Place:
    """The first of those that cost least; leader lines are followed only where they decide."""
    ranked = sorted(((_covered(place, scene), i, place) for i, place in enumerate(candidates)))
    best, least = ranked[0][2], (math.inf, 0)
    for covered, index, place in ranked:
        if covered > least[0]:
            break
        # Rounded, so that a last digit of a platform's cosine does not decide between equals.
        cost = (round(covered + _passed(place, scene), 6), index)
        if cost < least:
            best, least = place, cost
    return best


def _covered(place: Place, scene: _Scene) -> float:
    """What it costs to be there: what lies below the label, and how far it is."""
    box = place.box
    outside = (box.right - box.left) * (box.top - box.bottom) - box.overlap(scene.room)
    on_others = sum(box.overlap(other) for other in (scene.mark, *scene.others))
    on_bars = sum(box.overlap(bar) for bar in scene.bars)
    return round(_COLLISION * (outside + on_others) + _CROSSING * on_bars + place.distance, 6)


def _passed(place: Place, scene: _Scene) -> float:
    """What it costs that leader lines pass marks and labels, its own and the others'."""
    ends = (scene.mark.middle, place.box.middle)
    hits = sum(other.is_passed(*ends) for other in scene.others)
    hits += sum(place.box.is_passed(*leader) for leader in scene.leaders)
    return _PASSING * hits
