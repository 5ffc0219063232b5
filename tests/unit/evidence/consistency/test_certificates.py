"""Certificates: every line can be recomputed by hand, and is, here."""

from __future__ import annotations

from fractions import Fraction

import pytest

from sarcoma_sbrt.evidence.consistency.certificates import (
    by_cases,
    least_censored,
    nearest_rates,
    percent,
    shown_range,
    shown_window,
    told,
)
from sarcoma_sbrt.evidence.consistency.enumeration import Window, admissible


def window(low: str, high: str) -> Window:
    return Window(Fraction(low) / 100, Fraction(high) / 100)


def test_an_order_in_words() -> None:
    assert told(19, "DDDDDDDD|DDDCDDDDDD|", [12, 36]) == (
        "19 at risk; 8 D; at 12 months: S = 11/19 = 57.89%, 11 at risk; 3 D; 1 C; 6 D; "
        "at 36 months: S = 11/19 × 8/11 × 1/7 = 8/133 = 6.02%, 1 at risk"
    )


def test_an_order_without_deaths_and_a_landmark_without_name() -> None:
    assert (
        told(3, "C||", [12])
        == "3 at risk; 1 C; at 12 months: S = 1, 2 at risk; later: S = 1, 2 at risk"
    )


def test_an_arrangement_in_words() -> None:
    assert told(4, "ccDd|", [6]) == (
        "4 at risk; 2 c; 1 D; 1 d; at 6 months: S = 1/2 × 0/1 = 0, 0 at risk"
    )


@pytest.mark.parametrize(
    ("value", "apart", "text"),
    [
        (Fraction(11, 19), None, "57.89%"),
        (Fraction(1, 2), None, "50%"),
        (Fraction(0), None, "0%"),
        # 5.44990 % is below 5.45 %, and would not look so with two decimals.
        (Fraction(490, 8991), window("5.45", "5.55"), "5.4499%"),
        (Fraction(4, 9), window("43.55", "43.65"), "44.44%"),
    ],
)
def test_percent(value: Fraction, apart: Window | None, text: str) -> None:
    assert percent(value, apart) == text


def test_shown_window() -> None:
    assert shown_window(window("57.85", "57.95")) == "57.85–57.95%"


@pytest.mark.parametrize(
    ("low", "high", "apart", "text"),
    [
        (Fraction(1, 2), Fraction(2, 3), None, "50–66.67%"),
        (Fraction(0), Fraction(1), None, "0–100%"),
        (Fraction(8, 11), Fraction(8, 11), None, "72.73%"),
        # Not the same, and not told apart by two decimals.
        (Fraction(66666, 100_000), Fraction(2, 3), None, "66.67%"),
        # Either end outside the window, the lower one not so with two decimals.
        (Fraction(490, 8991), Fraction(1, 18), window("5.45", "5.55"), "5.4499–5.56%"),
    ],
)
def test_shown_range(low: Fraction, high: Fraction, apart: Window | None, text: str) -> None:
    assert shown_range(low, high, apart) == text


def test_nearest_rates() -> None:
    windows = [window("57.85", "57.95"), window("5.95", "6.05")]
    found = admissible(18, windows)
    # At 12 months 18 leave at most 9 at risk; 57.92 %/8 = 7.24 % with one of 8 left.
    assert nearest_rates(found, [12, 36]) == "nearest at 36 months: 0% and 7.24%"
    assert nearest_rates(admissible(19, windows), [12, 36]) == ""
    rising = admissible(10, [window("39.95", "40.05"), window("49.95", "50.05")])
    assert nearest_rates(rising, [12, 24]) == "nearest at 24 months: 40%"


def test_fewer_censored_than_needed() -> None:
    lines = least_censored(18, window("57.85", "57.95"), 3)
    assert lines[0] == ("none censored: nearest to 57.85–57.95%: 5/9 = 55.56% and 11/18 = 61.11%")
    assert lines[1:] == [
        "1 censored: nearest to 57.85–57.95%: 5/9 = 55.56% and 10/17 = 58.82%",
        "2 censored: nearest to 57.85–57.95%: 26/45 = 57.78% and 51/88 = 57.955%",
    ]


def test_too_many_values_are_not_listed() -> None:
    assert least_censored(58, window("80.15", "80.25"), 3) == []


def test_argument_of_a_single_rate() -> None:
    windows = [window("57.85", "57.95")]
    failure = admissible(5, windows).failure
    assert failure is not None
    assert by_cases(5, windows, failure, [12]) == [
        "5 at risk at the start, S = 1",
        "without a death: S is at least 100%, above the printed rate",
        "at least 3 deaths: S is at most 100% × 2/5 = 40%, below the printed rate",
        "5 at risk at S = 1, 1 death, 4 placements: "
        "nearest to 57.85–57.95%: 1/2 = 50% and 2/3 = 66.67%",
        "5 at risk at S = 1, 2 deaths, 6 placements: "
        "nearest to 57.85–57.95%: 8/15 = 53.33% and 3/5 = 60%",
    ]


def test_argument_that_needs_no_enumeration() -> None:
    windows = [window("57.85", "57.95"), window("5.95", "6.05")]
    failure = admissible(18, windows).failure
    assert failure is not None
    assert by_cases(18, windows, failure, [12, 36]) == [
        "at 12 months S is 57.85–57.95%, so at most 7 deaths of 18 happened "
        "(8 leave at most 5/9 = 55.56%)",
        "with at most 7 deaths and r at risk S is at least r/(r + 7), so at most 9 are at risk "
        "(10 give at least 10/17 = 58.82%)",
        "at most 8 deaths: S is at least 57.85%/(1 + 8) = 6.43%, above the printed rate",
        "if the last one at risk dies, S = 0",
    ]


def test_argument_from_the_states_before() -> None:
    # 80.0 % of 5 is 4/5 with 4 at risk, or with some of them censored.
    windows = [window("79.95", "80.05"), window("54.95", "55.05")]
    failure = admissible(5, windows).failure
    assert failure is not None
    lines = by_cases(5, windows, failure, [12, 24])
    assert lines == [
        "at 12 months the enumeration leaves at most 4 of 5 at risk, and S is 79.95–80.05%",
        "without a death: S is at least 79.95%, above the printed rate",
        "at least 2 deaths: S is at most 80.05% × 2/4 = 40.03%, below the printed rate",
        "4 at risk at S = 4/5, 1 death, 3 placements: "
        "nearest to 54.95–55.05%: 8/15 = 53.33% and 3/5 = 60%",
    ]


def test_argument_by_exhaustion_says_how_much_was_followed() -> None:
    windows = [window("22.35", "22.45"), window("5.45", "5.55")]
    failure = admissible(37, windows).failure
    assert failure is not None
    last = by_cases(37, windows, failure, [12, 24])[-1]
    assert last.startswith("4 to 6 deaths: all orders were followed, back from 5.45–5.55% through ")
