"""Labels beside marks: near, within the room, and never on each other."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.reporting.placement import Box, Place, label_places

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


@pytest.mark.parametrize(
    ("start", "end", "is_passed"),
    [
        ((0, 5), (20, 5), True),
        ((0, 0), (20, 20), True),
        ((12, 12), (13, 13), True),
        ((0, 5), (8, 5), False),
        ((0, 25), (20, 25), False),
        ((9, 0), (9, 30), False),
        ((0, 15), (15, 0), True),
        ((0, 12), (12, 0), False),
        ((5, 5), (5, 5), False),
    ],
)
def test_a_line_passes_a_box_or_ends_before_it(
    start: tuple[float, float], end: tuple[float, float], is_passed: bool
) -> None:
    box = Box(10, 4, 20, 20)
    assert box.is_passed(start, end) is box.is_passed(end, start) is is_passed


def alone(mark: Box, bar: Box | None = None, lines: list[Box] | None = None) -> Place:
    (place,) = label_places([mark], [SIZE], [bar or mark], ROOM, lines or [])
    return place


def test_a_label_stands_to_the_right_three_points_from_its_mark() -> None:
    place = alone(disc(100, 100))
    assert place.box == pytest.approx((108, 95.5, 168, 104.5))
    assert place.distance == 3


def test_at_the_right_end_it_stands_to_the_left() -> None:
    assert alone(disc(380, 100)).box.right == pytest.approx(372)


def test_its_own_bar_is_avoided_where_another_side_is_as_near() -> None:
    place = alone(disc(200, 100), Box(100, 99, 300, 101))
    assert place.box.middle == pytest.approx((200, 112.5))


def test_a_label_stands_beyond_the_end_of_its_bar_where_the_sides_are_taken() -> None:
    bar = Box(100, 99, 300, 101)
    above_and_below = [Box(0, 80, 300, 96), Box(0, 104, 300, 120)]
    place = alone(disc(200, 100), bar, above_and_below)
    assert place.box == pytest.approx((303, 95.5, 363, 104.5))
    to_the_left = alone(disc(200, 100), Box(100, 99, 395, 101), [Box(100, 60, 400, 140)])
    assert to_the_left.box.right == pytest.approx(97)


def test_a_line_that_is_no_bar_is_avoided_too() -> None:
    place = alone(disc(100, 100), None, [Box(0, 99, 400, 101)])
    assert place.box.middle == pytest.approx((100, 112.5))


def test_the_second_label_gives_way_to_the_first_mark_and_label() -> None:
    marks = [disc(100, 100), disc(120, 100)]
    first, second = label_places(marks, [SIZE, SIZE], marks, ROOM)
    assert first.box.overlap(marks[1]) == first.box.overlap(second.box) == 0
    assert second.box.left == pytest.approx(128)


def test_a_label_moves_again_when_a_later_leader_must_pass_it() -> None:
    """The second has room only below, and the first stands in its way until it may move."""
    marks = [disc(100, 100), disc(140, 115)]
    walls = [Box(0, 106, 400, 200), Box(190, 60, 400, 110), Box(0, 60, 40, 110)]
    first, second = label_places(marks, [SIZE, SIZE], marks, ROOM, walls)
    assert not first.box.is_passed(marks[1].middle, second.box.middle)
    assert first.box.overlap(second.box) == 0


@settings(max_examples=50, deadline=None)
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
    boxes = [place.box for place in label_places(marks, [SIZE] * len(marks), marks, ROOM)]
    assert all(box.overlap(ROOM) == pytest.approx(60 * 9) for box in boxes)
    assert all(box.overlap(mark) == 0 for box in boxes for mark in marks)
    assert all(a.overlap(b) == 0 for a, b in itertools.combinations(boxes, 2))
