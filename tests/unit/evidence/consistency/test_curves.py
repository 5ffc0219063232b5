"""Curves from printed rates."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.curves import (
    CONVENTIONS,
    Curve,
    Size,
    contradicted_otherwise,
    contradiction,
    curves,
    median_windows,
    rate_window,
    windows_at,
)
from sarcoma_sbrt.evidence.consistency.enumeration import Window, find_order
from sarcoma_sbrt.evidence.published import Figure, Study

Maker = Callable[..., Figure]
KM = {"measure": "rate", "unit": "percent", "estimator": "kaplan_meier"}
MEDIAN = {"measure": "median", "unit": "months", "estimator": "kaplan_meier"}


def test_rates_of_one_group_in_the_order_of_time(figure: Maker) -> None:
    found = curves(
        [
            figure("a2000.os.rate_36m", "29.1", time_months=36.0, n=37, **KM),
            figure("a2000.os.rate_12m", "71.5", time_months=12.0, n=37, **KM),
            figure("a2000.os.median", "24", n=37, **MEDIAN),
            figure("a2000.os.g1.rate_12m", "92.9", time_months=12.0, subgroup="g_1", n=19, **KM),
            figure("a2000.pfs.rate_12m", "43.6", time_months=12.0, n=37, **KM),
        ]
    )
    assert [curve.keys for curve in found] == [
        ("a2000.os.rate_12m", "a2000.os.rate_36m"),
        ("a2000.os.g1.rate_12m",),
        ("a2000.pfs.rate_12m",),
    ]
    assert found[0].times == (12.0, 36.0)
    assert found[0].printed == "71.5% at 12, 29.1% at 36 months"
    assert [curve.name for curve in found] == ["os", "os g 1", "pfs"]
    assert [curve.n for curve in found] == [37, 19, 37]
    assert [curve.median is not None for curve in found] == [True, False, False]


def test_what_makes_no_curve(figure: Maker) -> None:
    row = {"time_months": 12.0, "n": 10, **KM}
    assert curves([figure("a2000.os.rate_12m", "71.5", **row | {"duplicate_of": "b"})]) == []
    for other in ("crude", "cumulative_incidence"):
        assert curves([figure("a2000.os.rate_12m", "71.5", **row | {"estimator": other})]) == []
    assert curves([figure("a2000.os.rate_12m", "71.5", **row | {"time_months": None})]) == []
    assert curves([figure("a2000.os.rate_12m", **row)]) == []


def test_different_n_is_no_n(figure: Maker) -> None:
    rates = [
        figure("a2000.os.rate_12m", "71.5", time_months=12.0, n=37, **KM),
        figure("a2000.os.rate_24m", "40.0", time_months=24.0, n=36, **KM),
    ]
    assert curves(rates)[0].n is None


def test_windows_follow_the_printed_decimals(figure: Maker) -> None:
    def shown(text: str) -> Window:
        return rate_window(figure("a2000.os.rate_12m", text, time_months=12.0, **KM))

    assert shown("57.9") == Window(Fraction(5785, 10000), Fraction(5795, 10000))
    assert shown("58") == Window(Fraction(575, 1000), Fraction(585, 1000))
    assert shown("100") == Window(Fraction(995, 1000), Fraction(1))
    assert shown("0.0") == Window(Fraction(0), Fraction(5, 10000))


def test_a_month_without_a_rate_allows_anything(figure: Maker) -> None:
    (curve,) = curves([figure("a2000.os.rate_12m", "58", time_months=12.0, n=9, **KM)])
    assert windows_at(curve, [12.0, 24.0]) == [
        Window(Fraction(575, 1000), Fraction(585, 1000)),
        Window(Fraction(0), Fraction(1)),
    ]


def narrowed(figure: Maker, median: str, *rates: tuple[float, str]) -> tuple[Window, ...] | None:
    rows = [figure(f"a2000.os.rate_{t:g}m", text, time_months=t, n=9, **KM) for t, text in rates]
    (curve,) = curves([*rows, figure("a2000.os.median", median, **MEDIAN)])
    return median_windows(curve)


def test_the_median_narrows_the_windows_beside_it(figure: Maker) -> None:
    half = Fraction(1, 2)
    assert narrowed(figure, "24", (12.0, "50"), (36.0, "50")) == (
        Window(half, Fraction(505, 1000)),
        Window(Fraction(495, 1000), half),
    )


def test_a_rate_on_the_wrong_side_of_the_median_leaves_no_window(figure: Maker) -> None:
    assert narrowed(figure, "24", (12.0, "40")) is None
    assert narrowed(figure, "8", (12.0, "60")) is None


def test_a_landmark_within_the_rounding_of_the_median_is_free(figure: Maker) -> None:
    assert narrowed(figure, "12", (12.0, "60")) == (
        Window(Fraction(595, 1000), Fraction(605, 1000)),
    )


def test_a_later_median_asks_for_one_half_after_the_last_landmark(figure: Maker) -> None:
    assert narrowed(figure, "75.0", (36.0, "61")) == (
        Window(Fraction(605, 1000), Fraction(615, 1000)),
        Window(Fraction(0), Fraction(1, 2)),
    )


# --- what printed digits stand for --------------------------------------------------------------


@pytest.mark.parametrize(
    ("relation", "text", "low", "high"),
    [
        ("", "90", "0.895", "0.905"),
        (">", "90", "0.895", "1"),
        (">=", "90", "0.895", "1"),
        ("<", "10.0", "0", "0.1005"),
        ("<=", "10.0", "0", "0.1005"),
        ("~", "30", "0", "1"),
    ],
)
def test_a_bound_is_open_on_one_side(
    figure: Maker, relation: str, text: str, low: str, high: str
) -> None:
    row = figure("a2000.os.rate_12m", text, time_months=12.0, relation=relation, **KM)
    assert rate_window(row) == Window(Fraction(low), Fraction(high))


def test_bounds_are_printed_as_such(figure: Maker) -> None:
    rows = [
        figure("a2000.os.rate_12m", "90", time_months=12.0, relation=">", n=9, **KM),
        figure("a2000.os.rate_24m", "30", time_months=24.0, relation="~", n=9, **KM),
    ]
    (curve,) = curves(rows)
    assert curve.printed == ">90% at 12, about 30% at 24 months"
    assert curve.unreadable == ""
    assert curves(rows[1:])[0].unreadable == "the rates are printed as approximate"


def test_other_conventions_than_rounding(figure: Maker) -> None:
    row = figure("a2000.os.rate_12m", "5.5", time_months=12.0, **KM)
    truncated, up, twice = (rate_window(row, convention) for convention in CONVENTIONS)
    # 5.5999 is cut to 5.5, 5.6 is not; 5.4001 is rounded up to it, 5.4 is not.
    assert truncated.holds(Fraction("0.055"))
    assert truncated.holds(Fraction("0.055999"))
    assert not truncated.holds(Fraction("0.056"))
    assert not truncated.holds(Fraction("0.05499"))
    assert up.holds(Fraction("0.055"))
    assert up.holds(Fraction("0.054001"))
    assert not up.holds(Fraction("0.054"))
    # 5.445 is 5.45 first and 5.5 then.
    assert twice == Window(Fraction("0.05445"), Fraction("0.05555"))


# --- whose rates ----------------------------------------------------------------------------------


def single(figure: Maker, **cells: Any) -> Curve:
    given = {"time_months": 12.0, "unit_of_analysis": "patient", **KM, **cells}
    study = given.pop("study", None)
    (curve,) = curves(
        [figure("a2000.os.rate_12m", "50.0", **given)], {"a2000": study} if study else None
    )
    return curve


def test_a_method_that_is_not_named_is_an_assumption(figure: Maker) -> None:
    named, unnamed = single(figure), single(figure, estimator="actuarial")
    assert (named.assumed, named.terms) == (False, ())
    assert unnamed.assumed
    assert unnamed.terms == ("taken as Kaplan-Meier, as the method is not named",)


def test_a_time_that_one_place_has_alone(figure: Maker) -> None:
    curve = single(figure, time_supported="no", place="table_2")
    assert curve.terms == ("the time of 50.0% (12 months) stands in Table 2 alone",)
    assert single(figure, time_supported="yes", place="table_2").terms == ()


def test_whose_number_a_curve_has(figure: Maker, study: Callable[..., Study]) -> None:
    both, one = study("a2000", 16, 26), study("a2000", 16)
    patients, lesions = Size(16, "patients"), Size(26, "lesions")
    assert single(figure, n=9, study=both).sizes == (Size(9),)
    assert single(figure, study=both).sizes == (patients,)
    assert single(figure, study=both, unit_of_analysis="lesion").sizes == (lesions,)
    assert single(figure, study=both, unit_of_analysis="").sizes == (patients, lesions)
    assert single(figure, study=one, unit_of_analysis="lesion").sizes == ()
    assert single(figure).sizes == ()
    assert [str(Size(9)), str(lesions)] == ["n = 9", "n = 26, the study's lesions"]


def test_it_may_be_lesions_whose_number_is_not_printed(
    figure: Maker, study: Callable[..., Study]
) -> None:
    one, both = study("a2000", 16), study("a2000", 16, 26)
    assert single(figure, study=one, unit_of_analysis="").lesions_unknown
    assert not single(figure, study=one).lesions_unknown
    assert not single(figure, study=both, unit_of_analysis="").lesions_unknown
    assert not single(figure, study=one, unit_of_analysis="", n=9).lesions_unknown


def test_a_part_of_a_study_has_its_number_at_most(
    figure: Maker, study: Callable[..., Study]
) -> None:
    both, one = study("a2000", 16, 26), study("a2000", 16)
    part = {"subgroup": "old"}
    assert single(figure, study=both, **part).sizes == ()
    assert single(figure, study=both, **part).size_at_most == 16
    assert single(figure, study=both, **part, unit_of_analysis="").size_at_most == 26
    assert single(figure, study=one, **part, unit_of_analysis="").size_at_most is None
    # The other arm of a comparison may not be among the study's counted patients.
    assert single(figure, study=both, arm="surgery").size_at_most is None
    assert single(figure, **part).size_at_most is None


@pytest.mark.parametrize("endpoint", ["local_failure", "mortality", "incidence"])
def test_failures_are_no_survival(figure: Maker, endpoint: str) -> None:
    reason = "a rate of failures is printed, not of freedom from them"
    assert single(figure, endpoint=endpoint).unreadable == reason


@pytest.mark.parametrize("endpoint", ["os", "survival_after_recurrence", "relapse_free_survival"])
def test_freedom_from_failures_is(figure: Maker, endpoint: str) -> None:
    assert single(figure, endpoint=endpoint).unreadable == ""


def test_least_number(figure: Maker) -> None:
    def least(text: str, most: int) -> int | None:
        (curve,) = curves([figure("a2000.os.rate_12m", text, time_months=12.0, **KM)])
        return curve.least_n(most)

    # 9/10 × 6/7 × 3/4 = 57.86 %; nine patients have no such product.
    assert (least("57.9", 9), least("57.9", 10), least("57.9", 50)) == (None, 10, 10)
    assert least("100", 5) == 1


# --- rates and median against each other --------------------------------------------------------


def against(figure: Maker, median: str, *rates: tuple[float, str], **cells: Any) -> Curve:
    rows = [figure(f"a2000.os.rate_{t:g}m", text, time_months=t, **KM) for t, text in rates]
    rows += [figure("a2000.os.median", median, **MEDIAN, **cells)] if median else []
    (curve,) = curves(rows)
    return curve


def test_a_rate_above_one_half_after_the_median(figure: Maker) -> None:
    found = contradiction(against(figure, "28", (12.0, "100"), (36.0, "50.5")))
    assert found is not None
    assert found.keys == ("a2000.os.rate_36m", "a2000.os.median")
    assert found.with_median
    assert found.told == (
        "the median is 28 months (27.5–28.5), so S is at most 1/2 from 28.5 months on; "
        "at 36 months S is at most 50%, and the printed 50.5% needs at least 50.45%; "
        "so no number of patients gives both"
    )


def test_a_rate_below_one_half_before_the_median(figure: Maker) -> None:
    found = contradiction(against(figure, "24.0", (12.0, "49.9")))
    # 49.95 is printed as 49.9 or as 50.0, and it is below one half.
    assert found is not None
    assert found.told == (
        "the median is 24.0 months (23.95–24.05), so S is at least 1/2 before 23.95 months; "
        "at 12 months S is at least 50%, and the printed 49.9% needs at most 49.95%; "
        "so no number of patients gives both"
    )


@pytest.mark.parametrize(
    ("median", "time", "text"),
    [
        ("28", 36.0, "50"),  # S may rest at one half, or just below it
        ("28", 36.0, "50.0"),
        ("28", 12.0, "50.0"),
        ("28", 28.0, "90"),  # within the rounding of the median
        ("28", 28.4, "90"),
        ("28", 27.5, "10"),
    ],
)
def test_what_the_median_leaves_open(figure: Maker, median: str, time: float, text: str) -> None:
    assert contradiction(against(figure, median, (time, text))) is None


def test_the_ends_of_the_medians_rounding(figure: Maker) -> None:
    assert contradiction(against(figure, "28", (28.5, "51"))) is not None
    assert contradiction(against(figure, "28", (27.4, "49"))) is not None


@pytest.mark.parametrize(
    ("relation", "time", "text", "contradicted"),
    [
        (">", 12.0, "40", True),
        (">", 36.0, "60", False),
        ("<", 36.0, "60", True),
        ("<", 12.0, "40", False),
        ("~", 12.0, "40", False),
        ("~", 36.0, "60", False),
    ],
)
def test_a_median_printed_as_a_bound(
    figure: Maker, relation: str, time: float, text: str, contradicted: bool
) -> None:
    curve = against(figure, "24", (time, text), relation=relation)
    assert (contradiction(curve) is not None) == contradicted


def test_rates_that_rise(figure: Maker) -> None:
    found = contradiction(against(figure, "", (12.0, "40.0"), (24.0, "39.0"), (36.0, "50.0")))
    assert found is not None
    assert found.keys == ("a2000.os.rate_12m", "a2000.os.rate_36m")
    assert found.told == (
        "S never rises, and 40.0% at 12 months is at most 40.05%; at 36 months S is at most "
        "40.05%, and the printed 50.0% needs at least 49.95%; so no number of patients gives both"
    )
    # Both may be 40.5 %.
    assert contradiction(against(figure, "", (12.0, "40"), (24.0, "41"))) is None


@pytest.mark.parametrize(
    ("rates", "remark"),
    [
        # 40.58 is cut to 40, 40.6 is not less; rounded twice 40.55 is 40.6, and 40.5 is 40.
        (("40", "40.6"), "truncated or rounded twice they would not contradict each other"),
        (
            ("40", "45"),
            "truncated, rounded up or rounded twice they contradict each other all the same",
        ),
    ],
)
def test_contradictions_by_other_conventions(
    figure: Maker, rates: tuple[str, str], remark: str
) -> None:
    curve = against(figure, "", *zip((12.0, 24.0), rates, strict=True))
    assert contradiction(curve) is not None
    listed, told = contradicted_otherwise(curve)
    assert told == remark
    assert [each["convention"] for each in listed] == ["truncated", "rounded up", "rounded twice"]


percentages = st.integers(0, 100).map(str)


@settings(max_examples=60, deadline=None)
@given(
    rates=st.lists(percentages, min_size=1, max_size=3),
    median=st.one_of(st.just(""), st.integers(1, 48).map(str)),
)
def test_only_what_no_number_of_patients_gives_is_a_contradiction(
    figure: Maker, rates: list[str], median: str
) -> None:
    # With 200 patients and no one censored S comes down in steps of half a percent.
    curve = against(figure, median, *zip((12.0, 24.0, 36.0), rates, strict=False))
    windows = median_windows(curve)
    possible = windows is not None and find_order(200, windows) is not None
    assert (contradiction(curve) is None) == possible
