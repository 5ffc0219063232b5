"""A recomputed number is judged by the digits that are printed."""

import pytest

from sarcoma_sbrt.evidence.reconstruction.nearness import status


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (64.86, "64.9", "exact"),
        (64.86, "64.8", "unit"),
        (64.96, "64.8", "two_percent"),
        (67.0, "64.8", "miss"),
        (0.665, "0.67", "exact"),  # a half rounds either way
        (61.249999999999986, "61.1", "unit"),
        (61.250000000000014, "61.1", "unit"),
        (61.26, "61.1", "two_percent"),
    ],
)
def test_status_is_by_the_printed_digits(value, text, expected):
    unit = 10.0 ** -len(text.partition(".")[2])
    assert status(value, float(text), unit) == expected


def test_two_percent_are_of_the_printed_value() -> None:
    assert status(102.0, 100.0, 0.1) == status(98.0, 100.0, 0.1) == "two_percent"
    assert status(102.02, 100.0, 0.1) == status(97.98, 100.0, 0.1) == "miss"


def test_a_limit_is_not_below_itself() -> None:
    found = [status(value, 0.001, 0.001, is_limit=True) for value in (0.0009, 0.001)]
    assert found == ["exact", "unit"]
