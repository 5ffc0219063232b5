"""Expected values from R 4.2.2, survival 3.5-3, coxph.control(eps = 1e-14, iter.max = 100)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from survival.datasets import load_lung, load_retinopathy, load_veteran

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.diagnostics import functional_form, influence, proportional_hazards

EXACT = 1e-8


def veteran() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    data = pd.DataFrame(load_veteran())
    return data[["karno", "age", "diagtime"]].astype(float), data["time"], data["status"]


# --- proportional hazards -----------------------------------------------------------------


# R: f <- coxph(Surv(time, status) ~ karno + age + diagtime, veteran); cox.zph(f, transform)$table
ZPH = {
    "km": [13.09572427577884, 2.135446939660885, 0.00762472972527141, 17.80454730109506],
    "rank": [13.74299931624491, 2.078426639196187, 0.01237373682318128, 18.45031517968037],
    "identity": [5.38079695013006, 0.9706883985741002, 0.1590648588153811, 7.192539953348974],
    "log": [10.55771806316769, 3.543279294891844, 0.124647369714693, 16.4633782428932],
}


@pytest.mark.parametrize("transform", ZPH)
def test_score_tests_equal_r_under_each_transform(transform: str) -> None:
    fit = proportional_hazards(*veteran(), level=0.95, transform=transform)
    statistics = [test.statistic for test in (*fit.tests, fit.overall)]
    assert statistics == pytest.approx(ZPH[transform], rel=EXACT)
    assert [test.name for test in fit.tests] == ["karno", "age", "diagtime"]
    assert [test.degrees_of_freedom for test in (*fit.tests, fit.overall)] == [1, 1, 1, 3]


def test_p_values_equal_r_and_say_who_fails() -> None:
    fit = proportional_hazards(*veteran(), level=0.95)
    assert [test.p for test in (*fit.tests, fit.overall)] == pytest.approx(
        [0.000295970546800455, 0.143928507447144916, 0.930417396779858685, 0.000482618689331345],
        rel=EXACT,
    )
    assert fit.failing(0.05) == ("karno",)
    assert (fit.n, fit.events, fit.dropped, fit.transform) == (137, 128, 0, "km")


# R: the same with ties = "breslow"
def test_breslow_equals_r() -> None:
    fit = proportional_hazards(*veteran(), level=0.95, ties="breslow")
    assert [test.statistic for test in (*fit.tests, fit.overall)] == pytest.approx(
        [12.84596403846948, 2.135656115555440, 0.00868889575569918, 17.51358031656229], rel=EXACT
    )


# R: cox.zph(coxph(Surv(time, status) ~ karno + age + strata(celltype), veteran))$table
def test_a_stratified_model_equals_r() -> None:
    design, time, event = veteran()
    cells = load_veteran()["celltype"]
    fit = proportional_hazards(
        design[["karno", "age"]], time, event, level=0.95, strata=np.array(cells)
    )
    assert [test.statistic for test in (*fit.tests, fit.overall)] == pytest.approx(
        [7.95521699359797, 2.89000003106996, 12.26720156076561], rel=EXACT
    )


# R: z <- cox.zph(f, "log"); z$y[1:3, 1]; z$time[1:3]
def test_scaled_schoenfeld_residuals_equal_r() -> None:
    residuals = proportional_hazards(*veteran(), level=0.95, transform="log").residuals[0]
    assert residuals.coefficient[:3] == pytest.approx(
        [-0.1055686243882334, -0.04849774836275809, -0.05448445], rel=1e-6
    )
    assert residuals.time[:3].tolist() == [1, 1, 2]
    assert residuals.transformed[:3] == pytest.approx([0, 0, np.log(2)])
    assert residuals.coefficient.size == 128


# R: the lines of plot.cox.zph(z): yhat[c(1, 20, 40)]; sqrt(z$var[1, 1] * seval)[c(1, 20, 40)]
def test_the_smooth_is_that_of_plot_cox_zph() -> None:
    smooth = proportional_hazards(*veteran(), level=0.95, transform="log").residuals[0].smooth
    assert smooth is not None
    at = [0, 19, 39]
    assert smooth.coefficient[at] == pytest.approx(
        [-0.05649358143042393, -0.05102398865232647, -0.04047811861917903], rel=EXACT
    )
    half = (smooth.high - smooth.low)[at] / 2 / 1.959963984540054
    assert half == pytest.approx(
        [0.03305115311324149, 0.00803090340652016, 0.02696349893102281], rel=EXACT
    )
    assert smooth.time[[0, -1]] == pytest.approx([1, 999])


def test_the_smooth_runs_in_the_unit_of_time_whatever_the_transform() -> None:
    for transform in ZPH:
        smooth = proportional_hazards(*veteran(), level=0.95, transform=transform).residuals[0]
        assert smooth.smooth is not None
        assert smooth.smooth.time[[0, -1]] == pytest.approx([1, 999])
        assert (np.diff(smooth.smooth.time) > 0).all()


def test_too_few_events_for_a_smooth_leave_the_residuals() -> None:
    design = pd.DataFrame({"x": [1.0, 2, 0, 3, 1, 2]})
    fit = proportional_hazards(design, [1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], level=0.95)
    assert fit.residuals[0].coefficient.size == 3
    assert fit.residuals[0].smooth is None


def test_scaling_a_covariate_scales_its_residuals_and_leaves_its_test() -> None:
    design, time, event = veteran()
    one = proportional_hazards(design, time, event, level=0.95)
    other = proportional_hazards(design.assign(age=design["age"] * 1e5), time, event, level=0.95)
    assert other.tests[1].statistic == pytest.approx(one.tests[1].statistic, rel=EXACT)
    assert other.residuals[1].coefficient * 1e5 == pytest.approx(one.residuals[1].coefficient)


@pytest.mark.parametrize(
    ("time", "event", "transform", "reason"),
    [
        ([1, 2, 3, 4], [0, 0, 0, 0], "km", "no event was observed"),
        ([1, 1, 3, 4], [1, 1, 0, 0], "km", "all events happened at one time"),
        (
            [0, 2, 3, 4],
            [1, 1, 1, 0],
            "log",
            "an event happened at time 0, whose logarithm is infinite",
        ),
        ([-1, 2, 3, 4], [1, 1, 1, 0], "km", "a time is negative"),
    ],
)
def test_why_proportionality_cannot_be_tested(
    time: list[float], event: list[int], transform: str, reason: str
) -> None:
    design = pd.DataFrame({"x": [1.0, 0, 2, 1]})
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        proportional_hazards(design, time, event, level=0.95, transform=transform)


def test_another_transform_is_refused() -> None:
    with pytest.raises(ValueError, match="no transform 'sqrt' of time; accepted: km, rank, id"):
        proportional_hazards(*veteran(), level=0.95, transform="sqrt")


# --- influence ----------------------------------------------------------------------------


# R: residuals(f, "dfbeta"), residuals(f, "dfbetas"): the largest of each column
def test_the_most_influential_observations_are_rs() -> None:
    most = influence(*veteran(), level=0.95).most
    assert [(each.name, each.unit) for each in most] == [
        ("karno", 43),
        ("age", 8),
        ("diagtime", 11),
    ]
    assert [each.change for each in most] == pytest.approx(
        [0.002645612298364208, 0.003591294278161896, 0.003032637182807091], rel=EXACT
    )
    assert [each.standardised for each in most] == pytest.approx(
        [0.505577593097667, 0.3937640889629935, 0.3574422378566484], rel=EXACT
    )


# R: f <- coxph(Surv(futime, status) ~ trt + risk, retinopathy, cluster = id)
# R: d <- residuals(f, "dfbeta", collapse = retinopathy$id); d / sqrt(diag(f$naive.var))
def test_the_influence_of_a_patient_is_that_of_both_eyes_together() -> None:
    data = pd.DataFrame(load_retinopathy())
    found = influence(
        data[["trt", "risk"]].astype(float),
        data["futime"],
        data["status"],
        level=0.95,
        cluster=data["id"],
    )
    assert [each.unit for each in found.most] == [1627, 683]
    assert [each.change for each in found.most] == pytest.approx(
        [0.03064111361547209, -0.01637829639745753], rel=EXACT
    )
    assert [each.standardised for each in found.most] == pytest.approx(
        [0.1815176997098196, -0.2930885406959268], rel=EXACT
    )
    assert len(found.units) == data["id"].nunique()


def test_positions_are_those_of_the_observations_given() -> None:
    design, time, event = veteran()
    design.loc[0, "age"] = np.nan
    found = influence(design, time, event, level=0.95)
    assert found.units == tuple(range(1, 137))
    assert found.change.shape == (136, 3)


# --- functional form ----------------------------------------------------------------------


# R: l <- na.omit(lung[c("time", "status", "age", "sex", "ph.karno")])
# R: k <- quantile(l$age, c(.05, .35, .65, .95)); B <- function(x) ns(x, knots = k[2:3],
# R:   Boundary.knots = k[c(1, 4)]); s <- coxph(Surv(time, status) ~ B(age) + sex + ph.karno, l)
# R: 2 * (s$loglik[2] - <linear>$loglik[2]); 2 * (s$loglik[2] - <without age>$loglik[2])
# R: d <- B(x) - B(63); exp(d %*% coef + c(0, -1, 1) * qnorm(.975) * sqrt(d %*% vcov %*% t(d)))
def test_the_spline_of_age_in_lung_equals_rs() -> None:
    data = pd.DataFrame(load_lung())
    design = data[["age", "sex", "ph.karno"]].astype(float)
    form = functional_form(
        design, data["time"], data["status"] == 2, "age", level=0.95, values=[50, 63, 75]
    )
    assert form.knots == pytest.approx((45.3, 59, 67, 75))
    assert form.nonlinearity.statistic == pytest.approx(1.956789358470587, rel=EXACT)
    assert form.association.statistic == pytest.approx(3.717861062444399, rel=EXACT)
    assert form.nonlinearity.degrees_of_freedom == 2
    assert form.association.degrees_of_freedom == 3
    assert form.reference == 63
    assert form.hazard_ratio == pytest.approx([0.9516462409868065, 1, 1.382816427345471], rel=EXACT)
    assert form.low == pytest.approx([0.6545676840984193, 1, 0.9042344544074853], rel=EXACT)
    assert form.high == pytest.approx([1.383555268591828, 1, 2.114696318433787], rel=EXACT)
    assert (form.n, form.events, form.dropped) == (227, 164, 1)


# R: k <- quantile(age, c(.1, .5, .9)); s <- coxph(Surv(futime, status) ~ B(age) + trt, retinopathy,
# R:   cluster = id); the test is Wald's of Harrell's nonlinear term in the truncated power basis
def test_the_band_and_test_of_clustered_data_are_robust() -> None:
    data = pd.DataFrame(load_retinopathy())
    form = functional_form(
        data[["age", "trt"]].astype(float),
        data["futime"],
        data["status"],
        "age",
        level=0.95,
        knots=3,
        values=[50],
        cluster=data["id"],
    )
    assert form.knots == (5, 16, 45)
    assert form.nonlinearity.statistic == pytest.approx(0.560114842745406, rel=EXACT)
    assert form.robust_nonlinearity is not None
    assert form.robust_nonlinearity.statistic == pytest.approx(0.494325360477743, rel=EXACT)
    assert [form.hazard_ratio[0], form.low[0], form.high[0]] == pytest.approx(
        [1.29500710194987, 0.755808322887876, 2.21887394371733], rel=EXACT
    )


def test_the_curve_is_straight_beyond_the_outer_knots() -> None:
    design, time, event = veteran()
    form = functional_form(
        design, time, event, "age", level=0.95, knots=[45, 55, 65], values=[66, 70, 74, 78]
    )
    assert np.diff(np.log(form.hazard_ratio), n=2) == pytest.approx(0, abs=1e-12)


def test_the_default_curve_runs_from_the_first_to_the_last_knot() -> None:
    form = functional_form(*veteran(), "karno", level=0.95)
    assert form.values[[0, -1]] == pytest.approx(form.knots[:: len(form.knots) - 1])
    assert ((form.low <= form.hazard_ratio) & (form.hazard_ratio <= form.high)).all()


@pytest.mark.parametrize(
    ("values", "knots", "reason"),
    [
        ([0.0, 1], 3, "age has 2 distinct values, too few for a spline"),
        ([1.0, 2, 2, 2, 2, 2, 2, 3, 4, 5], 4, "knots of age coincide"),
        ([5.0], 3, "age has one level only"),
    ],
)
def test_why_a_form_is_not_estimable(values: list[float], knots: int, reason: str) -> None:
    rng = np.random.default_rng(1)
    design = pd.DataFrame({"x": np.resize(values, 90)})
    time, event = rng.exponential(size=90), np.ones(90)
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        functional_form(design, time, event, "x", level=0.95, knots=knots, labels={"x": "age"})


def test_a_spline_needs_as_many_events_as_coefficients() -> None:
    design = pd.DataFrame({"x": np.arange(20.0) % 7})
    event = np.r_[1, 1, np.zeros(18)]
    with pytest.raises(NotEstimable, match=r"^there are fewer events than covariates$"):
        functional_form(design, np.arange(20), event, "x", level=0.95)


@pytest.mark.parametrize(
    ("knots", "message"),
    [(2, "no spline with 2 knots; accepted: 3 to 7"), ([1, 2], "2 knots; accepted: three or more")],
)
def test_another_number_of_knots_is_refused(knots: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        functional_form(*veteran(), "age", level=0.95, knots=knots)
