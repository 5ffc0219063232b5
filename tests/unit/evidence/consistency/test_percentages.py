"""Percentages against counts, by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.percentages import percentages
from sarcoma_sbrt.evidence.consistency.rounding import roundings
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
SHARE = {"measure": "proportion", "unit": "percent"}


# --- percentages ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n", "text", "verdict", "arithmetic"),
    [
        (25, 37, "67.6", "consistent", "25/37 = 67.57% → 67.6%"),
        (25, 37, "68", "consistent", "25/37 = 67.6% → 68%"),
        (24, 37, "64.8", "inconsistent", "24/37 = 64.86% → 64.9%, printed 64.8%"),
        (2, 37, "2.7", "inconsistent", "2/37 = 5.41% → 5.4%, printed 2.7%"),
        (1, 8, "12", "consistent", "1/8 = 12.5% → 12% or 13%"),
        (1, 8, "13", "consistent", "1/8 = 12.5% → 12% or 13%"),
        (1, 8, "12.5", "consistent", "1/8 = 12.5% → 12.5%"),
        (1, 8, "12.4", "inconsistent", "1/8 = 12.5% → 12.5%, printed 12.4%"),
        (2, 5, "40", "consistent", "2/5 = 40% → 40%"),
        (2, 5, "40.0", "consistent", "2/5 = 40.0% → 40.0%"),
        (0, 12, "0", "consistent", "0/12 = 0% → 0%"),
    ],
)
def test_percentage_of_a_count(
    figure: Maker, events: int, n: int, text: str, verdict: str, arithmetic: str
) -> None:
    (finding,) = percentages([figure("s.sex.male", text, events=events, n=n, **SHARE)])
    assert (finding.check, finding.verdict) == ("count_percentage", verdict)
    assert finding.arithmetic == arithmetic
    assert finding.printed == f"{events}/{n}, {text}%"


@pytest.mark.parametrize(
    ("text", "n", "verdict", "counts", "recomputed", "arithmetic"),
    [
        ("81", 26, "possible", [21], "21/26", "21/26 = 80.8% → 81%"),
        ("82", 26, "impossible", [], "no count",
         "21/26 = 80.8% → 81%; 22/26 = 84.6% → 85%; printed 82%"),
        ("12", 8, "possible", [1], "1/8", "1/8 = 12.5% → 12% or 13%"),
        ("33", 200, "possible", [65, 66, 67], "65/200 or 66/200 or 67/200",
         "65/200 = 32.5% → 32% or 33%; 66/200 = 33% → 33%; 67/200 = 33.5% → 33% or 34%"),
        ("2", 1000, "possible", list(range(15, 26)), "15/1000 to 25/1000",
         "15/1000 = 1.5% → 1% or 2%; 16/1000 = 1.6% → 2%; 17/1000 = 1.7% → 2%;"
         " … 25/1000 = 2.5% → 2% or 3%"),
        ("100", 77, "possible", [77], "77/77", "77/77 = 100% → 100%"),
    ],
)  # fmt: skip
def test_percentage_without_its_count(
    figure: Maker,
    text: str,
    n: int,
    verdict: str,
    counts: list[int],
    recomputed: str,
    arithmetic: str,
) -> None:
    (finding,) = percentages([figure("s.lc.crude", text, n=n, **SHARE)])
    assert finding.verdict == verdict
    assert finding.detail["counts"] == counts
    assert (finding.recomputed, finding.arithmetic) == (recomputed, arithmetic)


def test_a_crude_rate_is_a_quotient_and_a_kaplan_meier_rate_is_none(figure: Maker) -> None:
    rate = {"measure": "rate", "unit": "percent", "n": 26, "time_months": 12.0}
    crude = figure("s.lc.crude", "82", estimator="crude", **rate)
    curve = figure("s.lc.rate_12m", "82", estimator="kaplan_meier", **rate)
    assert [f.keys for f in percentages([crude, curve])] == [("s.lc.crude",)]


def test_a_percentage_without_denominator_is_unverifiable(figure: Maker) -> None:
    (finding,) = percentages([figure("s.sex.male", "40", **SHARE)])
    assert finding.verdict == "unverifiable"
    assert finding.arithmetic == "not verifiable: no denominator is printed or known"


@pytest.mark.parametrize(
    ("relation", "text", "verdict", "arithmetic"),
    [
        (">", "80", "consistent", "27/32 = 84.4% → 84%, printed > 80%"),
        ("<", "80", "inconsistent", "27/32 = 84.4% → 84%, printed < 80%"),
        ("~", "80", "consistent", "27/32 = 84.4% → 84%, printed about 80%"),
        ("~", "85", "inconsistent", "27/32 = 84.4% → 84%, printed about 85%"),
    ],
)
def test_a_percentage_printed_as_a_bound(
    figure: Maker, relation: str, text: str, verdict: str, arithmetic: str
) -> None:
    (finding,) = percentages(
        [figure("s.sex.male", text, events=27, n=32, relation=relation, **SHARE)]
    )
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_a_bound_without_its_count(figure: Maker) -> None:
    (finding,) = percentages([figure("s.sex.male", "80", n=4, relation=">", **SHARE)])
    assert (finding.verdict, finding.detail["counts"]) == ("possible", [4])
    assert finding.printed == "> 80% of 4"


# --- no denominator ---------------------------------------------------------------------------


def populations(figure: Maker, patients: str = "16", lesions: str = "25") -> list[Figure]:
    return [
        figure("s.patients", patients, unit_of_analysis="patient"),
        figure("s.lesions", lesions, unit_of_analysis="lesion"),
    ]


def of_some(figure: Maker, text: str, **cells: object) -> Figure:
    return figure("s.histology.a", text, **SHARE | cells)


def test_a_percentage_that_is_a_share_of_the_lesions(figure: Maker) -> None:
    (finding,) = percentages([*populations(figure), of_some(figure, "28")])
    assert (finding.verdict, finding.recomputed) == ("consistent", "7/25 lesions")
    assert finding.keys == ("s.histology.a", "s.lesions")
    assert finding.arithmetic == (
        "no count of 16 patients (4/16 = 25% → 25%; 5/16 = 31.3% → 31%); "
        "fits 7/25 lesions (7/25 = 28% → 28%)"
    )
    assert finding.detail["fits"] == [{"key": "s.lesions", "n": 25, "counts": [7]}]
    assert [tried["n"] for tried in finding.detail["tried"]] == [16, 25]


def test_a_percentage_that_is_a_share_of_either(figure: Maker) -> None:
    # 44/66 and 32/48 are both two thirds.
    (finding,) = percentages([*populations(figure, "48", "66"), of_some(figure, "67")])
    assert finding.recomputed == "32/48 patients or 44/66 lesions"


def test_of_so_many_every_percentage_is_a_share(figure: Maker) -> None:
    (finding,) = percentages([*populations(figure, "16", "120"), of_some(figure, "28")])
    assert finding.arithmetic.endswith("; fits 33/120 or 34/120 lesions (as every percentage "
                                       "does, of so many)")  # fmt: skip
    (finding,) = percentages([*populations(figure), of_some(figure, "100")])
    assert finding.arithmetic == (
        "fits 16/16 patients (as any number does); fits 25/25 lesions (as any number does)"
    )


def test_a_percentage_of_the_patients_that_no_count_of_them_gives(figure: Maker) -> None:
    share = of_some(figure, "30", unit_of_analysis="patient")
    (finding,) = percentages([*populations(figure), share])
    assert (finding.verdict, finding.recomputed) == ("inconsistent", "no count")
    assert finding.keys == ("s.histology.a", "s.patients", "s.lesions")


@pytest.mark.parametrize("unit", ["", "lesion"])
def test_a_percentage_of_nobody_known_that_fits_nobody(figure: Maker, unit: str) -> None:
    """It is not said to be of the patients, whose number alone is printed."""
    patients = populations(figure)[:1]
    (finding,) = percentages([*patients, of_some(figure, "30", unit_of_analysis=unit)])
    assert finding.verdict == "unverifiable"
    assert finding.detail["reason"] == (
        "no denominator is printed, and no count of 16 patients gives the percentage"
    )


def test_a_subgroup_is_no_share_of_all(figure: Maker) -> None:
    """28 percent of 25 lesions would fit, but the subgroup's number is not printed."""
    share = of_some(figure, "28", subgroup="grade_low")
    (finding,) = percentages([*populations(figure), share])
    assert finding.arithmetic == "not verifiable: no denominator is printed or known"


@pytest.mark.parametrize(
    "sized",
    [
        # The arm's number of patients, the group's count, another share of the same endpoint.
        {"key": "s.patients.surgery", "text": "38", "category": "surgery"},
        {"key": "s.treatment.surgery", "text": "38", "category": "surgery"},
        {"key": "s.lc.other", "text": "80", "n": 38, "endpoint": "histology", **SHARE},
    ],
)
def test_a_share_of_an_arm(figure: Maker, sized: dict[str, object]) -> None:
    cells = {"arm": "surgery", "unit_of_analysis": "patient"}
    arm = figure(sized.pop("key"), sized.pop("text"), **sized | cells)  # type: ignore[arg-type]
    # 17/38 = 44.7
    share = of_some(figure, "45", **cells)
    finding = percentages([*populations(figure), arm, share])[-1]
    assert (finding.verdict, finding.recomputed) == ("consistent", "17/38 patients")


@given(n=st.integers(1, 400), share=st.fractions(0, 1), places=st.integers(0, 3), up=st.booleans())
def test_a_percentage_made_of_counts_is_always_consistent(
    figure: Maker, n: int, share: Fraction, places: int, up: bool
) -> None:
    events = round(share * n)
    text = roundings(Fraction(100 * events, n), places)[-1 if up else 0]
    counted = figure("s.sex.male", text, events=events, n=n, **SHARE)
    alone = figure("s.sex.female", text, n=n, **SHARE)
    first, second = percentages([counted, alone])
    assert first.verdict == "consistent"
    assert second.verdict == "possible"
    assert events in second.detail["counts"]
