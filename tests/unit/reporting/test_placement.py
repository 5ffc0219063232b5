"""Labels beside marks: near, within the room, and never on each other."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.reporting.placement import Box, label_places

ROOM = Box(0, 0, 400, 200)
SIZE = (60.0, 9.0)


def disc(x: float, y: float, radius: float = 5) -> Box:
    return Box(x - radius, y - radius, x + radius, y + radius)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (Box(2, 2, 6, 6), 4),
        (Box(4, 0, 8, 4), 0),
        (Box(9, 9, 10, 10), 0),
        (Box(1, 1, 2, 3), 2),
    ],
)
def test_overlap_is_the_area_that_both_cover(other: Box, shared: float) -> None:
    assert Box(0, 0, 4, 4).overlap(other) == other.overlap(Box(0, 0, 4, 4)) == shared


def test_a_label_stands_to_the_right_three_points_from_its_mark() -> None:
    (place,) = label_places([disc(100, 100)], [SIZE], [], ROOM)
    assert place.box == pytest.approx((108, 95.5, 168, 104.5))
    assert place.distance == 3


def test_at_the_right_end_it_stands_to_the_left() -> None:
    (place,) = label_places([disc(380, 100)], [SIZE], [], ROOM)
    assert place.box.right == pytest.approx(372)


def test_a_bar_is_avoided_where_another_side_is_as_near() -> None:
    (place,) = label_places([disc(200, 100)], [SIZE], [Box(100, 99, 300, 101)], ROOM)
    assert place.box.middle == pytest.approx((200, 112.5))


def test_the_second_label_gives_way_to_the_first_mark_and_label() -> None:
    marks = [disc(100, 100), disc(120, 100)]
    first, second = label_places(marks, [SIZE, SIZE], [], ROOM)
    assert first.box.overlap(marks[1]) == first.box.overlap(second.box) == 0
    assert second.box.left == pytest.approx(128)


@given(
    st.lists(
        st.tuples(st.floats(40, 360), st.floats(20, 180), st.floats(2, 9)),
        min_size=1,
        max_size=6,
    )
)
def test_labels_of_few_marks_lie_within_and_on_nothing(
    found: list[tuple[float, float, float]],
) -> None:
    marks = [disc(*mark) for mark in found]
    boxes = [place.box for place in label_places(marks, [SIZE] * len(marks), [], ROOM)]
    assert all(box.overlap(ROOM) == pytest.approx(60 * 9) for box in boxes)
    assert all(box.overlap(mark) == 0 for box in boxes for mark in marks)
    assert all(a.overlap(b) == 0 for a, b in itertools.combinations(boxes, 2))
