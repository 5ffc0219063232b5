"""Which true values a printed decimal stands for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.rounding import (
    Bounds,
    Interval,
    PrintedValue,
    decimal_text,
    exact_text,
    printed_value,
    roundings,
    same_at_coarser,
    stated,
)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0.40", "0.395", "0.405"),
        ("0.4", "0.35", "0.45"),
        ("25", "24.5", "25.5"),
        ("13,460", "13459.5", "13460.5"),
        ("0.00", "0", "0.005"),
        ("0", "0", "0.5"),
    ],
)
def test_a_printed_decimal_stands_for_an_interval(text: str, low: str, high: str) -> None:
    assert PrintedValue(text).interval == Interval(Fraction(low), Fraction(high))


def test_a_count_stands_for_itself() -> None:
    assert PrintedValue("37", exact=True).interval == Interval(Fraction(37), Fraction(37))


def test_both_ends_of_the_interval_are_allowed_and_nothing_beyond() -> None:
    allowed = PrintedValue("0.40").interval
    assert Fraction("0.395") in allowed
    assert Fraction("0.405") in allowed
    assert Fraction("0.4051") not in allowed


@pytest.mark.parametrize(
    ("text", "number", "digits"),
    [
        ("25.0", 25.0, "25.0"),
        ("20.0–45.0", 45.0, "45.0"),
        ("12.0-35.0", 35.0, "35.0"),
        ("0.40", 0.4, "0.40"),
        ("13,460", 13460.0, "13,460"),
        ("29.7.4", 29.7, "29.7"),
        (".05", 0.05, ".05"),
        ("Thirteen", 13.0, "13"),
        ("August", 8.0, "8"),
        ("30–60 Gy/3–8fx", 8, "8"),
        ("5, that is 5.0", 5.0, "5.0"),
        ("word", 0.00001, "0.00001"),
        ("word", 5350.0, "5350"),
    ],
)
def test_the_digits_that_say_a_number(text: str, number: float, digits: str) -> None:
    assert printed_value(text, number).text == digits


@pytest.mark.parametrize(
    ("value", "places", "texts"),
    [
        (Fraction(25, 37) * 100, 1, ("67.6",)),
        (Fraction(1, 8) * 100, 0, ("12", "13")),
        (Fraction("0.395"), 2, ("0.39", "0.40")),
        (Fraction("0.3951"), 2, ("0.40",)),
        (Fraction(100), 1, ("100.0",)),
    ],
)
def test_a_half_rounds_either_way(value: Fraction, places: int, texts: tuple[str, ...]) -> None:
    assert roundings(value, places) == texts


def test_a_half_is_shown_rounded_up() -> None:
    assert decimal_text(Fraction("0.395"), 2) == "0.40"


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(25, 37) * 100, 1, "67.57"),
        (Fraction(1, 8) * 100, 0, "12.5"),
        (Fraction(1, 2) * 100, 0, "50"),
        (Fraction(1, 2) * 100, 1, "50.0"),
        # Shown as 12.45 it would seem to lie half-way, and it does not.
        (Fraction("12.4499"), 1, "12.4499"),
    ],
)
def test_enough_digits_to_round_by_hand(value: Fraction, places: int, text: str) -> None:
    assert exact_text(value, places) == text


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("25.0", "25", True),
        ("0.40", "0.4", True),
        ("0.0094", "0.009", True),
        ("2.5", "2", True),
        ("2.5", "3", True),
        ("2.51", "2", False),
        ("0.40", "0.41", False),
        ("26.6", "26.2", False),
    ],
)
def test_two_texts_of_one_number(first: str, second: str, same: bool) -> None:
    assert same_at_coarser(PrintedValue(first), PrintedValue(second)) is same
    assert same_at_coarser(PrintedValue(second), PrintedValue(first)) is same


@pytest.mark.parametrize(
    ("text", "exact", "relation", "low", "high"),
    [
        ("25", False, "", "24.5", "25.5"),
        ("25", True, "", "25", "25"),
        ("25", False, ">", "24.5", None),
        ("25", False, "<=", "0", "25.5"),
        # About: the last digit that is not zero, of a decimal the last digit.
        ("13,000", True, "~", "12500", "13500"),
        ("45", True, "~", "44.5", "45.5"),
        ("20", False, "~", "15", "25"),
        ("25.0", False, "~", "24.95", "25.05"),
        ("0", True, "~", "0", "0.5"),
    ],
)
def test_what_a_statement_allows(
    text: str, exact: bool, relation: str, low: str, high: str | None
) -> None:
    bounds = stated(PrintedValue(text, exact), relation)
    assert bounds == Bounds(Fraction(low), None if high is None else Fraction(high))


@pytest.mark.parametrize(
    ("relation", "number", "holds"),
    [(">", 5, False), (">=", 5, True), ("<", 5, False), ("<=", 5, True), (">", 6, True)],
)
def test_a_counted_bound_excludes_itself(relation: str, number: int, holds: bool) -> None:
    one = Bounds(Fraction(number), Fraction(number))
    assert stated(PrintedValue("5", exact=True), relation).overlaps(one) is holds


def test_bounds_are_added_and_scaled() -> None:
    over = stated(PrintedValue("5", exact=True), ">")
    three = stated(PrintedValue("3", exact=True))
    assert over + three == Bounds(Fraction(8), None, open_low=True)
    assert three.scaled(Fraction(10)) == Bounds(Fraction(30), Fraction(30))
    assert over.exceeds(three)
    assert over.exceeds(Bounds(None, Fraction(5)))
    assert not three.exceeds(over)
    assert not Bounds(None, None).exceeds(three)


@given(st.fractions(min_value=0, max_value=1000), st.integers(0, 4))
def test_a_number_lies_in_the_interval_of_each_of_its_roundings(
    value: Fraction, places: int
) -> None:
    assert all(value in PrintedValue(text).interval for text in roundings(value, places))


@given(st.fractions(min_value=0, max_value=1000), st.integers(0, 4))
def test_what_is_shown_rounds_as_the_number_does(value: Fraction, places: int) -> None:
    shown = Fraction(exact_text(value, places))
    assert set(roundings(value, places)) <= set(roundings(shown, places))
