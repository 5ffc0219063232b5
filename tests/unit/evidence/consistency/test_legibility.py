"""Whether what is printed is a number, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sarcoma_sbrt.evidence.consistency.legibility import legible_texts
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
SHARE = {"measure": "proportion", "unit": "percent"}
MEDIAN = {"measure": "median", "unit": "months"}


def printed(figure: Maker, key: str, text: str, estimate: float | None, **cells: object) -> Figure:
    """A figure with the number that was taken from its text."""
    return replace(figure(key, **cells), printed_text=text, estimate=estimate)


def test_two_decimal_points(figure: Maker) -> None:
    (finding,) = legible_texts([printed(figure, "s.histology.a", "29.7.4", 29.7, **SHARE)])
    assert (finding.check, finding.verdict) == ("legible", "inconsistent")
    assert (finding.printed, finding.recomputed) == ("29.7.4", "29.7")
    assert finding.arithmetic == "“29.7.4” has 2 decimal points; taken for 29.7 percent"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("August", "“August” is the name of a month"),
        ("8-Aug", "“8-Aug” has the name of a month"),
        ("1,30", "the comma of “1,30” separates no thousands"),
    ],
)
def test_what_is_no_number(figure: Maker, text: str, why: str) -> None:
    (finding,) = legible_texts([printed(figure, "s.os.median", text, 8.0, **MEDIAN)])
    assert finding.verdict == "inconsistent"
    assert finding.arithmetic == f"{why}; taken for 8 months"


def test_limits_and_p_values_are_read_too(figure: Maker) -> None:
    limits = {"printed_ci": "3-Aug", "ci_low": 3.0, "ci_high": 8.0}
    median = replace(figure("s.os.median", "6", **MEDIAN), **limits, printed_p="0.0.1", p=0.01)
    found = legible_texts([median])
    assert [(f.printed, f.recomputed) for f in found] == [("3-Aug", "3, 8"), ("0.0.1", "0.01")]


def test_a_misprint_of_which_nothing_was_taken(figure: Maker) -> None:
    (finding,) = legible_texts([printed(figure, "s.os.median", "1.2.3", None, **MEDIAN)])
    assert finding.arithmetic == "“1.2.3” has 2 decimal points; no number was taken from it"


@pytest.mark.parametrize(
    ("text", "number"),
    [("Thirteen", 13), ("no", 0), ("None", 0), ("twenty-four", 24), ("five thousand", 5000),
     ("two hundred and six", 206), ("one million", 1_000_000), ("a hundred", 100)],
)  # fmt: skip
def test_a_number_in_words(figure: Maker, text: str, number: int) -> None:
    (finding,) = legible_texts([printed(figure, "s.sex.male", text, float(number))])
    assert (finding.verdict, finding.recomputed) == ("consistent", str(number))


def test_words_that_say_another_number(figure: Maker) -> None:
    (finding,) = legible_texts([printed(figure, "s.sex.male", "Thirteen", 30.0)])
    assert finding.verdict == "inconsistent"
    assert finding.arithmetic == "“Thirteen” says 13, taken for 30"


def test_all_is_a_percentage_and_no_count(figure: Maker) -> None:
    share = printed(figure, "s.sex.male", "all", 100.0, **SHARE)
    count = printed(figure, "s.sex.female", "all", 12.0)
    first, second = legible_texts([share, count])
    assert (first.verdict, first.recomputed) == ("consistent", "100")
    assert (second.verdict, second.detail["reason"]) == (
        "unverifiable", "“all” is not known to say a number",
    )  # fmt: skip


@pytest.mark.parametrize(
    "cells",
    [
        {"text": "67.6", "estimate": 67.6, **SHARE},
        {"text": "13,460", "estimate": 13460.0},
        {"text": "17months", "estimate": 17.0, **MEDIAN},
        {"text": "24.", "estimate": 24.0, **MEDIAN},
        {"text": "not reached", "estimate": None, **MEDIAN},
        # Dates may have points, and months.
        {"text": "May 2019", "estimate": 2019.0, "measure": "period"},
        {"text": "1.5.2019", "estimate": 2019.0, "measure": "period"},
        # A dose is in columns of its own.
        {"text": "mostly", "estimate": 1.0, "measure": "schedule"},
    ],
)
def test_what_is_not_mentioned(figure: Maker, cells: dict[str, object]) -> None:
    assert legible_texts([printed(figure, "s.a.b", **cells)]) == []
