"""Curves from printed rates."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.curves import (
    curves,
    median_windows,
    rate_window,
    windows_at,
)
from sarcoma_sbrt.evidence.consistency.enumeration import Window
from sarcoma_sbrt.evidence.published import Figure

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
    assert curves([figure("a2000.os.rate_12m", "71.5", **row | {"estimator": "actuarial"})]) == []
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
