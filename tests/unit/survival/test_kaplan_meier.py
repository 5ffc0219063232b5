"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.datasets import load_lung
from sksurv.datasets import load_veterans_lung_cancer

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.kaplan_meier import (
    KaplanMeier,
    Median,
    fit_kaplan_meier,
    reverse_kaplan_meier,
)


def lung() -> KaplanMeier:
    data = load_lung()
    return fit_kaplan_meier(data["time"], data["status"], level=0.95)


def veteran(level: float = 0.95) -> KaplanMeier:
    _, outcome = load_veterans_lung_cancer()
    return fit_kaplan_meier(outcome["Survival_in_days"], outcome["Status"], level=level)


# R: s <- survfit(Surv(time, status == 2) ~ 1, lung, conf.type = "log-log")
#    summary(s, times = c(90, 180, 365, 730, 1000))
@pytest.mark.parametrize(
    ("time", "at_risk", "value", "low", "high"),
    [
        (90, 201, 0.8815789473684209, 0.8320713422109203, 0.917213604179644),
        (180, 160, 0.7216706534097620, 0.6583045284456613, 0.775314690716979),
        (365, 65, 0.4092416244600644, 0.3387142690883233, 0.478380767646914),
        (730, 13, 0.1156930983445392, 0.0676321514888291, 0.177825199700288),
        (1000, 2, 0.0503455680708105, 0.0178661710928527, 0.108662176030919),
    ],
)
def test_rates_equal_those_of_r(
    time: float, at_risk: int, value: float, low: float, high: float
) -> None:
    rate = lung().rate(time)
    assert rate.at_risk == at_risk
    assert [rate.value, rate.low, rate.high] == pytest.approx([value, low, high], rel=1e-12)


# R: survfit(Surv(time, status) ~ 1, veteran, conf.type = "log-log")
#    summary(., times = c(30, 182.625, 587, 999)): the last one is 0, NA, NA
@pytest.mark.parametrize(
    ("time", "at_risk", "value", "low", "high"),
    [
        (30, 97, 0.7004350070043500, 0.61608377739252507, 0.7697196648620676),
        (182.625, 26, 0.2224114136991461, 0.15468858116146308, 0.2979710286335492),
        (587, 3, 0.0180090213521576, 0.00353421604952782, 0.0573714105696693),
    ],
)
def test_rates_between_observed_times_are_those_of_the_step(
    time: float, at_risk: int, value: float, low: float, high: float
) -> None:
    rate = veteran().rate(time)
    assert rate.at_risk == at_risk
    assert [rate.value, rate.low, rate.high] == pytest.approx([value, low, high], rel=1e-12)


def test_a_curve_at_zero_has_a_rate_ever_after_and_no_band() -> None:
    for time in (999, 5000):
        rate = veteran().rate(time)
        assert (rate.value, rate.low, rate.high) == (0.0, None, None)
    assert veteran().rate(999).at_risk == 1
    assert veteran().rate(5000).at_risk == 0


# R: survfit(Surv(c(2,2,3,3,5,8,8,9), c(1,0,1,1,0,1,0,0)) ~ 1, conf.type = "log-log")
def test_curve_with_ties_of_events_and_censorings() -> None:
    curve = fit_kaplan_meier([2, 2, 3, 3, 5, 8, 8, 9], [1, 0, 1, 1, 0, 1, 0, 0], level=0.95)
    assert curve.times.tolist() == [0, 2, 3, 5, 8, 9]
    assert curve.at_risk.tolist() == [8, 8, 6, 4, 3, 1]
    assert curve.events.tolist() == [0, 1, 2, 0, 1, 0]
    assert curve.censored.tolist() == [0, 1, 0, 1, 1, 1]
    assert curve.survival.tolist() == pytest.approx(
        [1, 0.875, 0.583333333333333, 0.583333333333333, 0.388888888888889, 0.388888888888889],
        rel=1e-12,
    )
    assert np.isnan(curve.lower[0])
    assert curve.lower[1:].tolist() == pytest.approx(
        [
            0.3870000140320252,
            0.1801888910128229,
            0.1801888910128229,
            0.0630028114688587,
            0.0630028114688587,
        ],
        rel=1e-12,
    )
    assert curve.upper[1:].tolist() == pytest.approx(
        [
            0.981392965878966,
            0.844068691657457,
            0.844068691657457,
            0.724222755536696,
            0.724222755536696,
        ],
        rel=1e-12,
    )
    assert curve.median() == Median(8.0, 2.0, None)


# R: summary(survfit(Surv(time, status == 2) ~ 1, lung, conf.type = "log-log"))$table
#    summary(survfit(Surv(time, status) ~ 1, veteran, conf.type = "log-log", conf.int = .9))$table
def test_medians_equal_those_of_r() -> None:
    assert lung().median() == Median(310.0, 284.0, 361.0)
    assert veteran().median() == Median(80.0, 52.0, 100.0)
    assert veteran(level=0.9).median() == Median(80.0, 53.0, 99.0)


# R: survfit(Surv(1:n, rep(1, n)) ~ 1, conf.type = "log-log") reports the middle of the stretch:
#    2.5, 7.5, 9.5, 11.5; limits 1, 3, 5, 6 and NA, 11, 13, 16
@pytest.mark.parametrize(
    ("n", "low", "high"), [(4, 1, None), (14, 3, 11), (18, 5, 13), (22, 6, 16)]
)
def test_where_the_curve_is_exactly_one_half_the_median_is_the_earlier_time(
    n: int, low: float, high: float | None
) -> None:
    # At n = 14 and 18 lifelines' sum of logarithms leaves the curve 1e-16 above one half.
    curve = fit_kaplan_meier(np.arange(1, n + 1), np.ones(n), level=0.95)
    assert curve.median() == Median(n / 2, low, high)


def test_a_median_that_is_not_reached_is_none() -> None:
    curve = fit_kaplan_meier([1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0], level=0.95)
    assert curve.median() == Median(None, 1.0, None)


def test_a_rate_beyond_the_last_time_is_not_estimable_while_the_curve_is_above_zero() -> None:
    with pytest.raises(NotEstimable, match=r"^nobody was followed that long$"):
        lung().rate(1023)
    assert lung().rate(1022).at_risk == 1


def test_at_risk_counts_those_whose_time_is_the_time_itself() -> None:
    curve = fit_kaplan_meier([6, 12, 12, 13], [1, 1, 0, 0], level=0.95)
    assert [curve.number_at_risk(t) for t in (0, 6, 6.01, 12, 12.5, 13, 14)] == [
        4,
        4,
        3,
        3,
        1,
        1,
        0,
    ]
    assert curve.rate(12).events == 2


def test_an_event_at_time_zero_counts() -> None:
    # R: survfit(Surv(c(0,1,2,3,4), c(1,1,1,0,1)) ~ 1, conf.type = "log-log")
    curve = fit_kaplan_meier([0, 1, 2, 3, 4], [1, 1, 1, 0, 1], level=0.95)
    assert curve.survival.tolist() == pytest.approx([0.8, 0.6, 0.4, 0.4, 0.0], rel=1e-12)
    assert curve.lower[0] == pytest.approx(0.20380926326764, rel=1e-12)
    assert np.isnan(curve.upper[-1])


def test_a_competing_event_is_censored() -> None:
    time, codes = [3, 4, 5, 6], np.array([1, 2, 0, 1])
    one = fit_kaplan_meier(time, codes, level=0.95)
    other = fit_kaplan_meier(time, [1, 0, 0, 1], level=0.95)
    assert one.survival.tolist() == other.survival.tolist()
    assert one.events.sum() == 2


# R: summary(survfit(Surv(time, status == 1) ~ 1, lung, conf.type = "log-log"))$table, and
#    summary(., times = 365)
def test_follow_up_by_the_reverse_curve_equals_that_of_r() -> None:
    data = load_lung()
    curve = reverse_kaplan_meier(data["time"], data["status"], level=0.95)
    assert curve.median() == Median(588.0, 511.0, 821.0)
    rate = curve.rate(365)
    assert [rate.value, rate.low, rate.high] == pytest.approx(
        [0.697281816904673, 0.610732220759585, 0.768238283342768], rel=1e-12
    )


def test_a_competing_event_does_not_end_follow_up() -> None:
    curve = reverse_kaplan_meier([3, 4, 5], [1, 2, 0], level=0.95)
    assert curve.events.tolist() == [0, 0, 0, 1]


def test_another_transform_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no band on the transform 'log'; accepted: log-log"):
        fit_kaplan_meier([1], [1], level=0.95, transform="log")


def test_nobody_and_missing_are_not_a_curve() -> None:
    with pytest.raises(NotEstimable, match=r"^nobody was observed$"):
        fit_kaplan_meier([], [], level=0.95)
    with pytest.raises(ValueError, match="a time or an event is missing"):
        fit_kaplan_meier([1.0, np.nan], [1, 0], level=0.95)


def test_the_error_state_of_numpy_stays_as_it_was() -> None:
    with np.errstate(divide="raise", invalid="raise"):
        lung()
        assert np.geterr()["divide"] == np.geterr()["invalid"] == "raise"


observations = st.lists(
    st.tuples(st.integers(0, 60).map(lambda k: k / 2), st.sampled_from([0, 1, 2])),
    min_size=1,
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(observations)
def test_properties_of_any_curve(rows: list[tuple[float, int]]) -> None:
    time, event = (np.array(column) for column in zip(*rows, strict=True))
    curve = fit_kaplan_meier(time, event, level=0.95)
    assert curve.times[0] == 0
    assert (np.diff(curve.times) > 0).all()
    assert (np.diff(curve.survival) <= 1e-15).all()
    assert (np.diff(curve.at_risk) <= 0).all()
    assert curve.at_risk[0] == len(rows) == (curve.events + curve.censored).sum()
    assert [curve.number_at_risk(t) for t in curve.times] == curve.at_risk.tolist()
    band = ~np.isnan(curve.lower)
    assert (curve.lower[band] <= curve.survival[band]).all()
    assert (curve.survival[band] <= curve.upper[band]).all()
    assert (band == ((curve.survival > 0) & (curve.survival < 1))).all()


@settings(max_examples=60, deadline=None)
@given(observations, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Any], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    one, other = (
        fit_kaplan_meier(*map(np.array, zip(*r, strict=True)), level=0.95) for r in (rows, shuffled)
    )
    assert one.survival.tobytes() == other.survival.tobytes()
    assert one.lower.tobytes() == other.lower.tobytes()
