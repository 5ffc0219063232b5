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
    Quantile,
    common_horizon,
    fit_kaplan_meier,
    reverse_kaplan_meier,
)


def lung(transform: str = "log-log") -> KaplanMeier:
    data = load_lung()
    return fit_kaplan_meier(data["time"], data["status"], level=0.95, transform=transform)


def lung_by_sex() -> list[KaplanMeier]:
    data = load_lung()
    return [
        fit_kaplan_meier(rows["time"], rows["status"], level=0.95)
        for _, rows in data.groupby("sex")
    ]


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


# R: summary(survfit(Surv(time, status == 2) ~ 1, lung, conf.type = "log"), times = ...); "plain"
@pytest.mark.parametrize(
    ("transform", "time", "low", "high"),
    [
        ("log", 90, 0.8406211828565318, 0.9245323057435421),
        ("log", 365, 0.3447215817958266, 0.4858376035472809),
        ("log", 1000, 0.02068546019897995, 0.1225341955165977),
        ("plain", 90, 0.8396392076075222, 0.9235186871293196),
        ("plain", 365, 0.3390285838476761, 0.4794546650724527),
        ("plain", 1000, 0.005564215078276792, 0.09512692106334414),
    ],
)
def test_bands_on_the_other_transforms_equal_those_of_r(
    transform: str, time: float, low: float, high: float
) -> None:
    rate = lung(transform).rate(time)
    assert rate.value == lung().rate(time).value
    assert [rate.low, rate.high] == pytest.approx([low, high], rel=1e-12)


# R: survfit(Surv(c(1, 2, 3, 4), c(0, 1, 1, 1)) ~ 1, conf.type = ...): S = 1, 2/3, 1/3, 0
NAN = float("nan")


@pytest.mark.parametrize(
    ("transform", "lower", "upper"),
    [
        ("log", [1, 0.2995071303590223, 0.06727839085192228, NAN], [1, 1, 1, NAN]),
        ("plain", [1, 0.1332320359605212, 0, NAN], [1, 1, 0.8667679640394788, NAN]),
        (
            "log-log",
            [NAN, 0.05407342678651676, 0.008961628330979084, NAN],
            [NAN, 0.945206387272047, 0.7741486503608326, NAN],
        ),
    ],
)
def test_bands_where_the_curve_is_one_or_zero_are_those_of_r(
    transform: str, lower: list[float], upper: list[float]
) -> None:
    curve = fit_kaplan_meier([1, 2, 3, 4], [0, 1, 1, 1], level=0.95, transform=transform)
    assert curve.times.tolist() == [0, 1, 2, 3, 4]
    # Time 0 is ours; it stands as a censoring time before the first event does.
    assert curve.lower.tolist() == pytest.approx([lower[0], *lower], rel=1e-12, nan_ok=True)
    assert curve.upper.tolist() == pytest.approx([upper[0], *upper], rel=1e-12, nan_ok=True)


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
    # At n = 14 and 18 rounding may leave the curve 1e-16 above one half.
    curve = fit_kaplan_meier(np.arange(1, n + 1), np.ones(n), level=0.95)
    assert curve.median() == Median(n / 2, low, high)


# R: summary(survfit(Surv(1:n, rep(1, n)) ~ 1, conf.type = "log-log"))$table: median, limits
@pytest.mark.parametrize(
    ("n", "median", "low", "high"), [(4, 2.5, 1, None), (14, 7.5, 3, 11), (18, 9.5, 5, 13)]
)
def test_the_midpoint_of_the_stretch_is_r_s_median(
    n: int, median: float, low: float, high: float | None
) -> None:
    curve = fit_kaplan_meier(np.arange(1, n + 1), np.ones(n), level=0.95)
    assert curve.median(at_half="midpoint") == Median(median, low, high)


def test_a_curve_that_stays_at_one_half_has_no_midpoint() -> None:
    # R: print(survfit(Surv(c(1, 2, 5, 6), c(1, 1, 0, 0)) ~ 1)) says 2; quantile() says 4.
    curve = fit_kaplan_meier([1, 2, 5, 6], [1, 1, 0, 0], level=0.95)
    assert curve.median(at_half="midpoint").value == curve.median().value == 2


# R: quantile(survfit(Surv(time, status == 2) ~ 1, lung, conf.type = ...), c(.25, .5, .75))
@pytest.mark.parametrize(
    ("transform", "lows", "highs"),
    [
        ("log-log", (144, 284, 457), (194, 361, 643)),
        ("log", (145, 285, 460), (197, 363, 654)),
        ("plain", (145, 284, 457), (197, 361, 643)),
    ],
)
def test_quartiles_equal_those_of_r(
    transform: str, lows: tuple[float, ...], highs: tuple[float, ...]
) -> None:
    for rule in ("first", "midpoint"):
        assert lung(transform).quartiles(at_probability=rule) == tuple(
            Quantile(*row) for row in zip((170, 310, 550), lows, highs, strict=True)
        )


def test_every_quartile_takes_the_rule_of_the_stretch() -> None:
    # R: quantile(survfit(Surv(1:8, rep(1, 8)) ~ 1), c(.25, .5, .75)): 2.5, 4.5, 6.5
    curve = fit_kaplan_meier(np.arange(1, 9), np.ones(8), level=0.95)
    assert [q.value for q in curve.quartiles()] == [2, 4, 6]
    assert [q.value for q in curve.quartiles(at_probability="midpoint")] == [2.5, 4.5, 6.5]


def test_an_undefined_upper_limit_may_be_the_last_event_time() -> None:
    # S is 3/4, 1/2, 1/4 at 1, 2, 3; the upper band never falls to one half.
    curve = fit_kaplan_meier([1, 2, 3, 9], [1, 1, 1, 0], level=0.95)
    assert curve.median() == Median(2, 1, None)
    assert curve.median(limits="first_event") == Median(2, 1, 3)
    assert lung().median(limits="first_event") == lung().median()


def test_no_last_event_time_bounds_a_median_that_is_not_reached() -> None:
    curve = fit_kaplan_meier([1, 2, 3, 4, 5, 6], [1, 0, 0, 0, 0, 0], level=0.95)
    assert curve.median(limits="first_event") == Median(None, 1.0, None)


def test_other_rules_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no limits 'last'; accepted: crossing, first_event"):
        lung().median(limits="last")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"no at_probability 'last'; accepted: first, midpoint"):
        lung().median(at_half="last")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"no quantile of 1; accepted: between 0 and 1"):
        lung().quantile(1)


# R: summary(survfit(Surv(time, status == 2) ~ sex, lung), rmean = tau)$table: rmean, se(rmean)
@pytest.mark.parametrize(
    ("horizon", "group", "value", "error"),
    [
        (182, 0, 152.95436324391, 4.399053361361788),
        (182, 1, 169.6927760424414, 3.584932146218887),
        (965, 0, 324.0484190621455, 22.29793923414381),
        (965, 1, 455.9040875116734, 32.91741568873505),
    ],
)
def test_restricted_means_equal_those_of_r(
    horizon: float, group: int, value: float, error: float
) -> None:
    mean = lung_by_sex()[group].restricted_mean(horizon)
    assert [mean.value, mean.standard_error] == pytest.approx([value, error], rel=1e-12)
    assert [mean.low, mean.high] == pytest.approx(
        [value - 1.959963984540054 * error, value + 1.959963984540054 * error], rel=1e-12
    )
    assert mean.horizon == horizon


def test_the_common_horizon_is_the_last_landmark_that_every_curve_reaches() -> None:
    # R: tapply(lung$time, lung$sex, max)
    assert [curve.times[-1] for curve in lung_by_sex()] == [1022, 965]
    assert common_horizon(lung_by_sex(), [1000, 365, 730]) == 730
    assert common_horizon(lung_by_sex(), [965, 966]) == 965


def test_a_curve_at_zero_reaches_every_landmark() -> None:
    everybody_died = fit_kaplan_meier([10, 20], [1, 1], level=0.95)
    assert common_horizon([everybody_died, lung()], [365, 730]) == 730
    assert everybody_died.restricted_mean(730).value == pytest.approx(15)


def test_without_a_landmark_that_is_reached_there_is_no_horizon() -> None:
    short = fit_kaplan_meier([200, 300], [1, 0], level=0.95)
    for curves, landmarks in (([], [365]), ([lung(), short], []), ([lung(), short], [365])):
        with pytest.raises(NotEstimable, match=r"^a group was not followed to any landmark$"):
            common_horizon(curves, landmarks)


def test_a_restricted_mean_ends_where_the_curve_does_unless_it_is_zero() -> None:
    # R: summary(survfit(Surv(time, status) ~ 1, veteran), rmean = 1200)$table
    mean = veteran().restricted_mean(1200)
    assert [mean.value, mean.standard_error] == pytest.approx(
        [132.7767903475601, 15.30789308780549], rel=1e-12
    )
    with pytest.raises(NotEstimable, match=r"^nobody was followed that long$"):
        lung().restricted_mean(1023)
    with pytest.raises(ValueError, match=r"no mean up to 0; accepted: a horizon above 0"):
        lung().restricted_mean(0)


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
def test_without_an_event_the_curve_stays_at_one(transform: str) -> None:
    curve = fit_kaplan_meier([3, 5], [0, 2], level=0.95, transform=transform)
    assert curve.survival.tolist() == [1, 1, 1]
    assert curve.quartiles() == (Quantile(None, None, None),) * 3
    assert curve.median(limits="first_event") == Median(None, None, None)
    mean = curve.restricted_mean(4)
    assert (mean.value, mean.standard_error) == (4, 0)


def test_everybody_with_an_event_at_one_time() -> None:
    curve = fit_kaplan_meier([3, 3, 3], [1, 1, 1], level=0.95)
    assert curve.survival.tolist() == [1, 0]
    assert curve.median() == curve.median(at_half="midpoint") == Median(3, None, None)
    assert curve.restricted_mean(3).value == 3


def test_times_that_differ_by_rounding_are_one_time() -> None:
    # R: survfit(Surv(c(.1 + .2, .3, 1), c(1, 1, 0)) ~ 1) has two times
    curve = fit_kaplan_meier([0.1 + 0.2, 0.3, 1], [1, 1, 0], level=0.95)
    assert curve.events.tolist() == [0, 2, 0]


def test_a_negative_time_is_no_time() -> None:
    for fit in (fit_kaplan_meier, reverse_kaplan_meier):
        with pytest.raises(NotEstimable, match=r"^a time is negative$"):
            fit([3, -1], [1, 0], level=0.95)


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
    with pytest.raises(ValueError, match=r"no transform 'logit'; accepted: log-log, log, plain"):
        fit_kaplan_meier([1], [1], level=0.95, transform="logit")


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
