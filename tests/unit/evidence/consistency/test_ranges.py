"""Ranges, doses and BED, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.evidence.consistency.ranges import (
    attainable_doses,
    contained_values,
    dose_classes,
)
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
PRESCRIPTION = {"measure": "schedule", "endpoint": "schedule", "unit": "Gy"}


# --- values in ranges -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "span", "verdict", "arithmetic"),
    [
        ("58", "19–82", "consistent", "19 ≤ 58 ≤ 82"),
        ("19", "19–82", "consistent", "19 ≤ 19 ≤ 82"),
        ("90", "19–82", "inconsistent", "90 lies outside 19–82"),
        # Rounded to whole years, 82.4 is 82: it may be the oldest.
        ("82.4", "19–82", "consistent", "82.4 within 18.5 to 82.5, which 19–82 allows"),
        ("18.6", "19–82", "consistent", "18.6 within 18.5 to 82.5, which 19–82 allows"),
        ("18.4", "19–82", "inconsistent", "18.4 lies outside 19–82"),
        ("82.6", "19–82", "inconsistent", "82.6 lies outside 19–82"),
    ],
)
def test_a_median_in_its_own_range(
    figure: Maker, text: str, span: str, verdict: str, arithmetic: str
) -> None:
    age = figure("s.age.median", text, span=span, measure="median", unit="years")
    (finding,) = contained_values([age])
    assert (finding.check, finding.verdict) == ("range", verdict)
    assert finding.arithmetic == arithmetic
    assert finding.printed == f"{text} in {span} years"


def test_an_estimate_in_its_own_confidence_interval(figure: Maker) -> None:
    inside = figure("s.os.median", "24.0", ci="13.0–28.0", measure="median")
    outside = figure("s.pfs.median", "30.0", ci="13.0–28.0", measure="median")
    first, second = contained_values([inside, outside])
    assert (first.verdict, first.arithmetic) == ("consistent", "13.0 ≤ 24.0 ≤ 28.0")
    assert (second.verdict, second.arithmetic) == (
        "inconsistent",
        "30.0 lies outside 13.0–28.0",
    )


@pytest.mark.parametrize(
    ("relation", "text", "verdict", "arithmetic"),
    [
        (">", "15", "consistent", "> 15 can lie in 19–82"),
        (">", "84", "inconsistent", "> 84 lies outside 19–82"),
        ("<", "17", "inconsistent", "< 17 lies outside 19–82"),
        # About 90 is 85 to 95, about 80 is 75 to 85.
        ("~", "90", "inconsistent", "about 90 lies outside 19–82"),
        ("~", "80", "consistent", "about 80 can lie in 19–82"),
    ],
)
def test_a_value_printed_as_a_bound(
    figure: Maker, relation: str, text: str, verdict: str, arithmetic: str
) -> None:
    age = figure("s.age.median", text, span="19–82", measure="median", relation=relation)
    (finding,) = contained_values([age])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_a_schedule_in_the_ranges_of_dose_and_fractions(figure: Maker) -> None:
    dose = figure("s.dose.median", "45", span="30–75", measure="median", unit="Gy")
    fractions = figure("s.fractions.median", "5", span="2–10", measure="median", unit="count")
    schedule = figure(
        "s.schedule.a", "45–80 Gy/1–4 Fx", **PRESCRIPTION,
        dose_low_gy=45.0, dose_high_gy=80.0, fractions_low=1, fractions_high=4,
        within=("s.dose.median", "s.fractions.median"),
    )  # fmt: skip
    first, second = contained_values([dose, fractions, schedule])[2:]
    assert first.keys == ("s.schedule.a", "s.dose.median")
    assert (first.verdict, first.arithmetic) == ("inconsistent", "80 lies outside 30–75")
    assert second.keys == ("s.schedule.a", "s.fractions.median")
    assert (second.verdict, second.arithmetic) == ("inconsistent", "1 lies outside 2–10")


def test_a_schedule_that_lies_in_a_prescribed_range(figure: Maker) -> None:
    span = figure(
        "s.schedule.sbrt", "30–60 Gy/1–6 fx", **PRESCRIPTION,
        dose_low_gy=30.0, dose_high_gy=60.0, fractions_low=1, fractions_high=6,
    )  # fmt: skip
    case = figure(
        "s.schedule.case", "50Gy/5fx", **PRESCRIPTION, within=("s.schedule.sbrt",),
        dose_low_gy=50.0, dose_high_gy=50.0, fractions_low=5, fractions_high=5,
    )  # fmt: skip
    (finding,) = contained_values([span, case])
    assert (finding.verdict, finding.arithmetic) == ("consistent", "30 ≤ 50 ≤ 60")


def test_a_range_within_a_range(figure: Maker) -> None:
    outer = figure("s.isodose.range", span="75–85", measure="range", unit="percent")
    inner = figure(
        "s.isodose.median", "75", span="55–88", measure="median", unit="percent",
        within=("s.isodose.range",),
    )  # fmt: skip
    finding = contained_values([outer, inner])[-1]
    assert finding.verdict == "inconsistent"
    assert finding.arithmetic == "55 lies outside 75–85; 88 lies outside 75–85"
    assert finding.detail["outside"] == ["55", "88"]


@pytest.mark.parametrize(
    ("container", "reason"),
    [("s.dose.mean", "s.dose.mean prints no range"), ("s.gone", "s.gone prints no range")],
)
def test_a_container_without_range(figure: Maker, container: str, reason: str) -> None:
    mean = figure("s.dose.mean", "45", measure="mean", unit="Gy")
    case = figure("s.dose.case", "50", measure="amount", unit="Gy", within=(container,))
    (finding,) = contained_values([mean, case])
    assert (finding.verdict, finding.detail["reason"]) == ("unverifiable", reason)


# --- attainable doses -------------------------------------------------------------------------


def doses(figure: Maker, bed10: str, dose: str = "30–75", fractions: str = "2–10") -> list[Figure]:
    return [
        figure("s.bed10.median", "85.5", span=bed10, measure="median", unit="Gy"),
        figure("s.dose.median", "45", span=dose, measure="median", unit="Gy"),
        figure("s.fractions.median", "5", span=fractions, measure="median", unit="count"),
    ]


def test_ends_of_a_bed_range_that_courses_give(figure: Maker) -> None:
    # 31.5 (1 + 6.3 / 10) = 51.345; 36.5 (1 + 36.5 / 90) = 51.303; 75 (1 + 15 / 10) = 187.5
    low, high = attainable_doses(doses(figure, "51.3–187.5"))
    assert low.keys == ("s.bed10.median", "s.dose.median", "s.fractions.median")
    assert (low.check, low.verdict, low.printed) == ("dose", "possible", "minimum 51.3 Gy")
    assert low.recomputed == "31.5 Gy/5 fx"
    assert low.detail["courses"][0] == [31.5, 5, 51.345]
    assert [36.5, 9, 51.3028] in low.detail["courses"]
    assert low.arithmetic.startswith(
        "no whole number of Gy gives it, it needs 31.5 Gy/5 fx = 51.345; 35.5 Gy/8 fx = 51.253; "
    )
    assert (low.detail["whole_gy"], high.detail["whole_gy"]) == (False, True)
    assert (high.verdict, high.recomputed) == ("possible", "75 Gy/5 fx")
    assert high.arithmetic == (
        "75 Gy/5 fx = 187.500, within 30–75 Gy in 2–10 fractions on a grid of 0.1 Gy"
    )


def test_an_end_that_no_course_gives(figure: Maker) -> None:
    # The most that fits: 75 (1 + 37.5 / 10) = 356.25. The least: 30 (1 + 3 / 10) = 39.
    low, high = attainable_doses(doses(figure, "38.0–360.0"))
    assert (low.verdict, low.recomputed) == ("impossible", "no course")
    assert low.arithmetic == (
        "nearest 30 Gy/10 fx = 39.000, within 30–75 Gy in 2–10 fractions on a grid of 0.1 Gy"
    )
    assert high.verdict == "impossible"
    assert high.arithmetic.startswith("nearest 75 Gy/2 fx = 356.250")


def test_a_coarser_grid_and_another_alpha_beta(figure: Maker) -> None:
    # On whole grays no course of 2-10 fractions has a BED10 between 51.25 and 51.35 Gy.
    assert attainable_doses(doses(figure, "51.3–187.5"), grid_gy=1.0)[0].verdict == "impossible"
    # 30 (1 + 10 / 3) = 130 at 3 fractions and alpha/beta 3.
    low = attainable_doses(doses(figure, "130–140", fractions="3–3"), alpha_beta_gy=3.0)[0]
    assert (low.verdict, low.recomputed) == ("possible", "30 Gy/3 fx")


def test_eqd2_against_one_prescribed_range(figure: Maker) -> None:
    # 40 (1 + 8 / 10) / 1.2 = 60; 60 (1 + 20 / 10) / 1.2 = 150
    eqd2 = figure("s.eqd2.median", "115", span="60–150", measure="median", unit="Gy")
    span = figure(
        "s.schedule.sbrt", "30–60 Gy/1–6 fx", **PRESCRIPTION, arm="sbrt",
        dose_low_gy=30.0, dose_high_gy=60.0, fractions_low=1, fractions_high=6,
    )  # fmt: skip
    low, high = attainable_doses([eqd2, span])
    assert [40.0, 5, 60.0] in low.detail["courses"]
    assert (high.recomputed, high.keys) == ("60 Gy/3 fx", ("s.eqd2.median", "s.schedule.sbrt"))


def test_a_bed_range_without_doses_is_unverifiable(figure: Maker) -> None:
    findings = attainable_doses(doses(figure, "51.3–187.5")[:2])
    assert [finding.verdict for finding in findings] == ["unverifiable", "unverifiable"]


@given(dose=st.integers(300, 750), fractions=st.integers(2, 10), places=st.integers(0, 2))
def test_the_bed_of_a_course_is_always_attainable(
    figure: Maker, dose: int, fractions: int, places: int
) -> None:
    text = f"{bed(dose / 10, float(fractions), 10.0):.{places}f}"
    finding = attainable_doses(doses(figure, f"{text}–400"))[0]
    assert finding.verdict == "possible"
    assert [dose / 10, fractions] in [course[:2] for course in finding.detail["courses"]]


# --- classes of BED ---------------------------------------------------------------------------


def schedules(figure: Maker) -> list[Figure]:
    """BED10: 8 × 60 Gy, 4 × 95.6 to 124.8 Gy, 15 × 100 Gy, 12 unknown."""
    courses = [("30 Gy/3 Fx", 30, 30, 3, 3, 8), ("45–48 Gy/3–4 Fx", 45, 48, 3, 4, 4),
               ("50 Gy/5 Fx", 50, 50, 5, 5, 15)]  # fmt: skip
    printed = [
        figure(
            f"s.schedule.{i}", text, **PRESCRIPTION, events=n, dose_low_gy=float(low),
            dose_high_gy=float(high), fractions_low=few, fractions_high=many,
        )
        for i, (text, low, high, few, many, n) in enumerate(courses)
    ]  # fmt: skip
    return [*printed, figure("s.schedule.others", "12", row="Others")]


@pytest.mark.parametrize(
    ("category", "count", "verdict", "arithmetic"),
    [
        ("below_100", 24, "consistent",
         "8 (30 Gy/3 Fx) = 8 certainly below 100 Gy, at most 24; printed 24"),
        ("below_100", 25, "inconsistent",
         "8 (30 Gy/3 Fx) = 8 certainly below 100 Gy, at most 24; printed 25"),
        ("below_100", 7, "inconsistent",
         "8 (30 Gy/3 Fx) = 8 certainly below 100 Gy, at most 24; printed 7"),
        ("at_least_100", 15, "consistent",
         "15 (50 Gy/5 Fx) = 15 certainly at least 100 Gy, at most 31; printed 15"),
        ("at_least_100", 14, "inconsistent",
         "15 (50 Gy/5 Fx) = 15 certainly at least 100 Gy, at most 31; printed 14"),
        # Nobody is certainly above 100 Gy: five times 10 Gy is exactly that.
        ("above_100", 0, "consistent", "none = 0 certainly above 100 Gy, at most 16; printed 0"),
    ],
)  # fmt: skip
def test_a_class_of_bed_against_the_schedules(
    figure: Maker, category: str, count: int, verdict: str, arithmetic: str
) -> None:
    split = figure("s.bed10_class.x", "50", **{"measure": "proportion", "unit": "percent"},
                   category=category, events=count, n=39)  # fmt: skip
    (finding,) = dose_classes([split, *schedules(figure)])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)
    assert finding.keys == (
        "s.bed10_class.x", "s.schedule.0", "s.schedule.1", "s.schedule.2", "s.schedule.others",
    )  # fmt: skip


def test_a_class_without_schedules_is_left_alone(figure: Maker) -> None:
    assert dose_classes([figure("s.bed10_class.x", "31", category="below_100")]) == []
