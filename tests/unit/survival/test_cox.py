"""Expected values from R 4.2.2, survival 3.5-3, coxph.control(eps = 1e-14, iter.max = 100)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung, load_rossi
from scipy.stats import chi2
from sksurv.datasets import load_veterans_lung_cancer
from survival import datasets as public

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import (
    FEW_CLUSTERS,
    NO_MAXIMUM,
    Cox,
    GlobalTest,
    MonotoneLikelihood,
    complete_cases,
    fit_cox,
    fit_firth_cox,
    joint_wald,
    wald,
)

EXACT = 1e-10


def lung(ties: str = "efron", *, profile: bool = False) -> Cox:
    data = load_lung()
    design = data[["age", "sex", "ph.ecog"]]
    return fit_cox(design, data["time"], data["status"], level=0.95, ties=ties, profile=profile)


def retinopathy(ties: str = "efron") -> Cox:
    data = pd.DataFrame(public.load_retinopathy())
    design = data[["trt", "age", "risk"]].astype(float)
    return fit_cox(
        design, data["futime"], data["status"], level=0.95, ties=ties, cluster=data["id"]
    )


def veteran() -> pd.DataFrame:
    covariates, outcome = load_veterans_lung_cancer()
    return pd.DataFrame(
        {
            "time": outcome["Survival_in_days"],
            "event": outcome["Status"].astype(int),
            "karno": covariates["Karnofsky_score"].astype(float),
            "age": covariates["Age_in_years"].astype(float),
            "trt": (covariates["Treatment"] == "test").astype(float),
            "cell": covariates["Celltype"].astype(str),
        }
    )


def chi_squares(fit: Cox) -> list[float]:
    return [test.statistic for test in (fit.likelihood_ratio, fit.wald, fit.score) if test]


# R: coxph(Surv(time, status == 2) ~ age + sex + ph.ecog, lung); $loglik[2]; exp(confint(.))
def test_lung_equals_r_and_leaves_out_whom_a_covariate_is_missing_of() -> None:
    fit = lung()
    assert [t.name for t in fit.terms] == ["age", "sex", "ph.ecog"]
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [0.0110667645961186, -0.5526123955318371, 0.4637284751157322], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.0092674110143657, 0.1677390537834223, 0.1135772661613712], rel=EXACT
    )
    assert [t.p for t in fit.terms] == pytest.approx(
        [0.232415679511979362, 0.000986051375467030, 0.000044470666943553], rel=EXACT
    )
    assert [t.low for t in fit.terms] == pytest.approx(
        [0.992928097204346, 0.414213018623450, 1.272675177451712], rel=EXACT
    )
    assert [t.high for t in fit.terms] == pytest.approx(
        [1.029661962280611, 0.799435127518466, 1.986423580779223], rel=EXACT
    )
    assert fit.log_likelihood == pytest.approx(-729.230121374862, rel=1e-12)
    assert (fit.n, fit.events, fit.dropped) == (227, 164, 1)


# R: coxph(Surv(time, status) ~ karno + age + trt, veteran)
def test_veteran_equals_r() -> None:
    data = veteran()
    fit = fit_cox(data[["karno", "age", "trt"]], data["time"], data["event"], level=0.95)
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [-0.03444389683874910, -0.00386441787397458, 0.18954644192337833], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.00523241490055477, 0.00918738465815066, 0.18553066502305918], rel=EXACT
    )
    assert [t.z for t in fit.terms] == pytest.approx(
        [-6.582791596877605, -0.420622192034403, 1.021644814887178], rel=EXACT
    )
    assert [t.p for t in fit.terms] == pytest.approx(
        [4.61696097923157e-11, 6.74030986058559e-01, 3.06949038772548e-01], rel=EXACT
    )


# R: coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi)
def test_rossi_with_many_ties_equals_r() -> None:
    data = load_rossi()
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    fit = fit_cox(data[names], data["week"], data["arrest"], level=0.95)
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [
            -0.3794221668712051,
            -0.0574377430137615,
            0.3138997859493020,
            -0.1497956972227822,
            -0.4337038766902505,
            -0.0848710829908305,
            0.0914970793511212,
        ],
        rel=EXACT,
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [
            0.1913794807128090,
            0.0219994706279538,
            0.3079927763929380,
            0.2122242961581635,
            0.3818680574649214,
            0.1957566719209233,
            0.0286485500734706,
        ],
        rel=EXACT,
    )
    assert [t.hazard_ratio for t in fit.terms] == pytest.approx(
        [
            0.684256681179724,
            0.944180670399674,
            1.368752561435469,
            0.860883839419052,
            0.648104145817070,
            0.918630703891027,
            1.095813576201175,
        ],
        rel=EXACT,
    )


def test_the_unit_of_a_covariate_rescales_its_coefficient_only() -> None:
    data = load_lung()
    years = fit_cox(data[["age"]], data["time"], data["status"], level=0.95)["age"]
    kiloyears = fit_cox(data[["age"]] / 1000, data["time"], data["status"], level=0.95)["age"]
    assert kiloyears.coefficient == pytest.approx(1000 * years.coefficient, rel=EXACT)
    assert kiloyears.p == pytest.approx(years.p, rel=EXACT)


def test_a_competing_event_is_censored() -> None:
    data = load_lung()
    dead = data["status"].to_numpy()
    codes = np.where(dead == 0, 2, dead)
    one = fit_cox(data[["sex"]], data["time"], codes, level=0.95)
    assert one == fit_cox(data[["sex"]], data["time"], dead, level=0.95)


def test_complete_cases_say_who_was_kept() -> None:
    design = pd.DataFrame({"a": [1.0, np.nan, 0.0, 1.0], "b": [1.0, 1.0, np.nan, 0.0]})
    cases = complete_cases(design, [5, 6, 7, 8], [1, 1, 0, 2])
    assert cases.kept.tolist() == [True, False, False, True]
    assert cases.time.tolist() == [5, 8]
    assert (cases.n, cases.events, cases.dropped) == (2, 1, 2)


SEPARATED = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("columns", "event", "reason"),
    [
        ({"grade": [np.nan] * 6}, [1] * 6, "nobody has every covariate recorded"),
        ({"grade": [0, 1, 0, 1, 0, 1]}, [0, 2, 0, 0, 0, 0], "no event was observed"),
        ({"grade": [1.0] * 6}, [1] * 6, "grade has one level only"),
        ({"grade": [1, 1, 1, 1, 1, np.nan]}, [1] * 6, "grade has one level only"),
        (
            {"grade": [1, 0, 1, 0, 1, 0]},
            [1, 0, 1, 0, 1, 0],
            "one level of grade has no event, so that the likelihood is monotone",
        ),
        (
            {"age": [3, 1, 4, 1, 5, 9], "grade": [1, 0, 1, 0, 1, 0]},
            [0, 1, 0, 1, 0, 1],
            "one level of grade has no event, so that the likelihood is monotone",
        ),
        (
            {"age": [3, 1, 4, 1, 5, 9], "size": [2, 7, 1, 8, 2, 8]},
            [0, 1, 0, 0, 0, 0],
            "there are fewer events than covariates",
        ),
        (
            {"age": [3, 1, 4, 1, 5, 9], "years": [3, 1, 4, 1, 5, 9]},
            [1] * 6,
            "the covariates are collinear",
        ),
        (
            {"a": [1, 0, 1, 0, 1, 0], "b": [0, 1, 0, 1, 0, 1]},
            [1] * 6,
            "the covariates are collinear",
        ),
        (
            {"age": [-t for t in SEPARATED]},
            [1] * 6,
            "the fit does not converge: the partial likelihood has no unique finite maximum",
        ),
        (
            {"late": [0, 0, 0, 1, 1, 1]},
            [1] * 6,
            "the fit does not converge: the partial likelihood has no unique finite maximum",
        ),
    ],
)
def test_not_estimable(columns: dict[str, list[float]], event: list[int], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        fit_cox(pd.DataFrame(columns), SEPARATED, event, level=0.95)


def test_a_reason_names_the_covariate_by_its_label() -> None:
    design = pd.DataFrame({"grade": [1.0] * 6})
    with pytest.raises(NotEstimable, match=r"^histological grade has one level only$"):
        fit_cox(design, SEPARATED, [1] * 6, level=0.95, labels={"grade": "histological grade"})


def test_other_ties_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"no Cox model with ties 'exact'; accepted: efron, breslow"
    ):
        fit_cox(pd.DataFrame({"a": [0.0, 1.0]}), [1, 2], [1, 1], level=0.95, ties="exact")


# --- ties and tests of the whole model ----------------------------------------------------


# R: coxph(Surv(time, status == 2) ~ age + sex + ph.ecog, lung, ties = "breslow")
def test_breslow_equals_r() -> None:
    fit = lung("breslow")
    assert fit.ties == "breslow"
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [0.01104113638570752, -0.551889569637656, 0.4629470403345499], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.009266770114202268, 0.1677424480178278, 0.1135740520605796], rel=EXACT
    )
    assert [fit.null_log_likelihood, fit.log_likelihood] == pytest.approx(
        [-744.6928192661609, -729.4887051767732], rel=1e-12
    )
    assert chi_squares(fit) == pytest.approx(
        [30.40822817877529, 29.83900082877883, 30.40640691532991], rel=EXACT
    )


# R: summary(coxph(Surv(time, status == 2) ~ age + sex + ph.ecog, lung)): logtest, waldtest, sctest
def test_tests_of_the_whole_model_equal_those_of_r() -> None:
    fit = lung()
    assert fit.score is not None
    assert chi_squares(fit) == pytest.approx(
        [30.50066877315703, 29.92925119757582, 30.4999227049491], rel=EXACT
    )
    assert [fit.likelihood_ratio.p, fit.wald.p, fit.score.p] == pytest.approx(
        [1.08281769919846e-06, 1.428165210348106e-06, 1.083209247693727e-06], rel=EXACT
    )
    assert fit.likelihood_ratio.degrees_of_freedom == 3
    assert fit.null_log_likelihood == pytest.approx(-744.4804557614402, rel=1e-12)


def test_events_per_variable_counts_those_of_the_complete_cases() -> None:
    assert lung().events_per_variable == 164 / 3


def test_times_that_differ_by_rounding_are_tied_as_in_r() -> None:
    # R: coxph(Surv(c(.1 + .2, .3, .3, .5, .7, .9, 1.1), event) ~ x)
    time, event = [0.1 + 0.2, 0.3, 0.3, 0.5, 0.7, 0.9, 1.1], [1, 1, 0, 1, 1, 0, 1]
    design = pd.DataFrame({"x": [1.0, 0, 1, 0, 1, 0, 1]})
    fit = fit_cox(design, time, event, level=0.95)
    assert fit["x"].coefficient == pytest.approx(-0.329068999325317, rel=EXACT)


def test_a_time_of_zero_counts_as_in_r() -> None:
    # R: coxph(Surv(c(0, 2, 3, 4, 5, 6), c(1, 1, 0, 1, 1, 0)) ~ x)
    design = pd.DataFrame({"x": [1.0, 0, 1, 0, 1, 0]})
    fit = fit_cox(design, [0, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], level=0.95)
    assert [fit["x"].coefficient, fit["x"].standard_error] == pytest.approx(
        [0.2739478173257897, 1.0106744819178755], rel=EXACT
    )


# --- clusters and strata ------------------------------------------------------------------


# R: f <- coxph(Surv(futime, status) ~ trt + age + risk, retinopathy, cluster = id)
#    sqrt(diag(f$var)); sqrt(diag(f$naive.var)); summary(f)$coefficients; $conf.int
def test_robust_standard_errors_stand_beside_the_naive_ones_and_equal_r() -> None:
    fit = retinopathy()
    assert fit.clusters == 197
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [-0.7851769330666893, 0.00486421150228458, 0.1483466499893103], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.1690431567667557, 0.005455805093195996, 0.05580534328412514], rel=EXACT
    )
    robust = [t.robust for t in fit.terms if t.robust]
    assert [r.standard_error for r in robust] == pytest.approx(
        [0.1506039180870729, 0.006108217195609995, 0.05863990501760513], rel=EXACT
    )
    assert [r.p for r in robust] == pytest.approx(
        [1.85287928255317e-07, 0.4258350299316266, 0.01141307875590951], rel=EXACT
    )
    assert [r.low for r in robust] == pytest.approx(
        [0.3394749266561986, 0.9929175255662032, 1.033979084471656], rel=EXACT
    )
    assert [r.high for r in robust] == pytest.approx(
        [0.6126272042697732, 1.01697862303621, 1.301189377389565], rel=EXACT
    )


# R: summary(f)$waldtest, f$rscore: robust; $logtest, f$score: naive
def test_robust_tests_of_the_whole_model_equal_those_of_r() -> None:
    fit = retinopathy()
    assert fit.robust_wald
    assert fit.robust_score
    assert [fit.robust_wald.statistic, fit.robust_score.statistic] == pytest.approx(
        [30.24800810896084, 29.04882066423049], rel=EXACT
    )
    assert [fit.robust_wald.p, fit.robust_score.p] == pytest.approx(
        [1.223833168282655e-06, 2.187149089374464e-06], rel=EXACT
    )
    assert [fit.likelihood_ratio.statistic, fit.score and fit.score.statistic] == pytest.approx(
        [30.1075705641631, 29.81637731630024], rel=EXACT
    )


# R: coxph(Surv(futime, status) ~ trt + age + risk, retinopathy, cluster = id, ties = "breslow")
def test_robust_standard_errors_under_breslow_equal_r() -> None:
    fit = retinopathy("breslow")
    assert [t.robust.standard_error for t in fit.terms if t.robust] == pytest.approx(
        [0.1505592432000641, 0.00610352280239827, 0.05862512665393114], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.1690425647444391, 0.005455934736239018, 0.05581222648915914], rel=EXACT
    )


# R: coxph(Surv(stop, event) ~ rx + size + number + strata(enum), bladder[bladder$enum < 5, ],
#          cluster = id)
def test_strata_and_clusters_together_equal_r() -> None:
    data = pd.DataFrame(public.load_bladder())
    design = data[["rx", "size", "number"]].astype(float)
    fit = fit_cox(
        design, data["stop"], data["event"], level=0.95, strata=data["enum"], cluster=data["id"]
    )
    assert (fit.strata, fit.clusters) == (4, 85)
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [-0.584793458738358, -0.05161698322664458, 0.2102937052965167], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.2010506024144293, 0.06973431999845156, 0.04675478991458954], rel=EXACT
    )
    assert [t.robust.standard_error for t in fit.terms if t.robust] == pytest.approx(
        [0.3079462581726172, 0.0945866439054905, 0.06664168679145636], rel=EXACT
    )
    assert fit.robust_wald
    assert fit.robust_wald.statistic == pytest.approx(15.53704663979148, rel=EXACT)


# R: coxph(Surv(time, status) ~ karno + age + strata(celltype), veteran)
def test_stratified_equals_r() -> None:
    data = veteran()
    fit = fit_cox(
        data[["karno", "age"]], data["time"], data["event"], level=0.95, strata=data["cell"]
    )
    assert fit.strata == 4
    assert fit.clusters is None
    assert [t.robust for t in fit.terms] == [None, None]
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [-0.03681247357513918, -0.008599271300761432], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.005723235995056695, 0.009487800303617329], rel=EXACT
    )
    assert chi_squares(fit) == pytest.approx(
        [41.78025136811937, 41.77438461241788, 44.46725727690503], rel=EXACT
    )


def test_clusters_of_one_change_no_coefficient_and_no_naive_error() -> None:
    data = veteran()
    arguments = data[["karno", "age"]], data["time"], data["event"]
    plain = fit_cox(*arguments, level=0.95)
    robust = fit_cox(*arguments, level=0.95, cluster=np.arange(len(data)).astype(str))
    assert [replace(t, robust=None) for t in robust.terms] == list(plain.terms)


def test_who_has_no_stratum_recorded_is_left_out() -> None:
    data = veteran()
    cell = data["cell"].where(data.index >= 5)
    arguments = data[["karno"]], data["time"], data["event"]
    fit = fit_cox(*arguments, level=0.95, strata=cell, cluster=data.index)
    rest = fit_cox(*(a[5:] for a in arguments), level=0.95, strata=cell[5:], cluster=range(132))
    assert fit.dropped == 5
    assert fit == replace(rest, dropped=5)


def test_a_missing_cluster_is_an_error() -> None:
    data = veteran()
    cluster = pd.Series(range(137)).where(data.index > 0)
    with pytest.raises(ValueError, match="a cluster is missing"):
        fit_cox(data[["karno"]], data["time"], data["event"], level=0.95, cluster=cluster)


# --- profile likelihood -------------------------------------------------------------------


# R: pl <- function(b) coxph(Surv(time, status) ~ sex + ph.ecog + offset(b * age), lung)$loglik[2]
#    exp(uniroot(function(b) 2 * (f$loglik[2] - pl(b)) - qchisq(.95, 1), ..., tol = 1e-13)$root)
#    pchisq(2 * (f$loglik[2] - pl(0)), 1, lower = FALSE)
@pytest.mark.parametrize(
    ("name", "low", "high", "p"),
    [
        ("age", 0.9931389422300001, 1.029906851172097, 0.2289771162802705),
        ("sex", 0.4113186729552453, 0.7950484930611387, 0.0007168960629855362),
        ("ph.ecog", 1.272747925396565, 1.987298502620559, 4.556012813530998e-05),
    ],
)
def test_profile_limits_equal_those_of_r(name: str, low: float, high: float, p: float) -> None:
    profile = lung(profile=True)[name].profile
    assert profile
    assert [profile.low, profile.high, profile.p] == pytest.approx([low, high, p], rel=EXACT)
    assert not profile.shown


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_p_of_a_profile_is_that_of_the_model_without_the_covariate(ties: str) -> None:
    data = load_lung().dropna(subset=["ph.ecog"])
    without = fit_cox(data[["age", "sex"]], data["time"], data["status"], level=0.95, ties=ties)
    whole = lung(ties, profile=True)
    fall = 2 * (whole.log_likelihood - without.log_likelihood)
    assert whole["ph.ecog"].profile
    assert whole["ph.ecog"].profile.p == pytest.approx(chi2.sf(fall, 1), rel=1e-8)


SMALL = {
    "time": [4, 6, 7, 9, 12, 13, 15, 18, 21, 24, 25, 30],
    "event": [1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0],
    "x": [1.0, 1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0],
}


# R: as above with Surv(time, event) ~ offset(b * x); confint(f)
def test_profile_limits_of_a_single_covariate_equal_those_of_r() -> None:
    fit = fit_cox(
        pd.DataFrame({"x": SMALL["x"]}), SMALL["time"], SMALL["event"], level=0.95, profile=True
    )
    term = fit["x"]
    assert term.profile
    assert [term.low, term.high] == pytest.approx([0.3751889560993999, 10.31881095253512])
    assert [term.profile.low, term.profile.high] == pytest.approx(
        [0.3475810645941863, 11.19605801389323], rel=EXACT
    )
    assert term.profile.p == pytest.approx(fit.likelihood_ratio.p, rel=EXACT)


def test_profile_limits_are_shown_where_wald_s_are_poor() -> None:
    # One of ten with the covariate had the event: the likelihood is far from a parabola.
    design = pd.DataFrame({"x": [0.0] * 10 + [1.0] * 10})
    time, event = np.tile(np.arange(1, 11), 2), [1] * 8 + [0] * 2 + [0] * 4 + [1] + [0] * 5
    term = fit_cox(design, time, event, level=0.95, profile=True)["x"]
    assert term.profile
    assert term.profile.shown
    assert term.profile.low < term.low
    assert fit_cox(design, time, event, level=0.95)["x"].profile is None


# --- Firth's penalty ----------------------------------------------------------------------

MONOTONE = pd.DataFrame(
    {
        "time": range(1, 13),
        "event": [1, 1, 1, 0, 1, 1, 0, 1, 1, 0, 0, 0],
        "late": [0.0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 1, 0],
        "size": [3.0, 1, 2, 4, 2, 5, 1, 3, 1, 2, 4, 2],
    }
)


def monotone(*names: str) -> Cox:
    pytest.importorskip("firthmodels")
    return fit_firth_cox(MONOTONE[list(names)], MONOTONE["time"], MONOTONE["event"], level=0.95)


# R has no coxphf here, so the definition is maximised (Heinze and Schemper 2001, equation 1):
#    pen <- function(b) { m <- coxph(f, ties = "breslow", init = b, iter.max = 0)
#                         m$loglik[2] + determinant(solve(m$var))$modulus / 2 }
#    o <- optimize(pen, c(-8, 6), maximum = TRUE, tol = 1e-13); uniroot() for the limits
def test_firth_s_estimate_of_one_covariate_maximises_the_penalised_likelihood() -> None:
    fit = monotone("late")
    assert (fit.estimator, fit.limits) == ("Firth", "profile penalised likelihood")
    assert (fit.ties, fit.score) == ("breslow", None)
    term = fit["late"]
    assert [term.coefficient, term.standard_error] == pytest.approx(
        [-2.323432120674415, 1.567160278243981], rel=1e-6
    )
    assert np.log([term.low, term.high]).tolist() == pytest.approx(
        [-7.191245293622525, -0.2104785368739891], rel=1e-6
    )
    assert term.p == pytest.approx(0.026914302366024, rel=1e-6)
    assert fit.likelihood_ratio == GlobalTest(
        pytest.approx(2 * (13.95218940469343 - 11.50403939663475), rel=1e-6),
        1,
        pytest.approx(term.p, rel=1e-5),
    )


# R: the same with optim(method = "Nelder-Mead", control = list(reltol = 1e-16))
def test_firth_s_estimate_of_two_covariates_maximises_the_penalised_likelihood() -> None:
    fit = monotone("late", "size")
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [-2.374631334874509, 0.1282114628749541], rel=1e-6
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [1.567951932560527, 0.3022313015015002], rel=1e-6
    )
    assert [np.log([t.low, t.high]).tolist() for t in fit.terms] == [
        pytest.approx([-7.24969769897259, -0.2364290246848833], rel=1e-6),
        pytest.approx([-0.5055747882796261, 0.6753496205887142], rel=1e-6),
    ]
    assert [t.p for t in fit.terms] == pytest.approx(
        [0.02510350335784944, 0.6641769393714901], rel=1e-5
    )
    assert fit.likelihood_ratio.statistic == pytest.approx(
        2 * (12.77333120584138 - 10.26464655945407), rel=1e-6
    )


def test_firth_answers_where_the_likelihood_is_monotone() -> None:
    reason = r"^one level of late has no event, so that the likelihood is monotone$"
    with pytest.raises(MonotoneLikelihood, match=reason):
        fit_cox(MONOTONE[["late"]], MONOTONE["time"], MONOTONE["event"], level=0.95)
    assert 0 < monotone("late")["late"].low < monotone("late")["late"].high < 1


def test_firth_answers_complete_separation() -> None:
    pytest.importorskip("firthmodels")
    # R: as above, x <- c(0, 0, 0, 1, 1, 1), Surv(1:6, rep(1, 6)): -2.56524088308, se 1.79215141907
    design = pd.DataFrame({"x": [0.0, 0, 0, 1, 1, 1]})
    with pytest.raises(MonotoneLikelihood):
        fit_cox(design, SEPARATED, [1] * 6, level=0.95)
    term = fit_firth_cox(design, SEPARATED, [1] * 6, level=0.95)["x"]
    assert [term.coefficient, term.standard_error] == pytest.approx(
        [-2.56524088308, 1.79215141907], rel=1e-6
    )


# The likelihood falls so slowly to the left that its lower limit lies at -23 standard
# deviations' log hazard ratios; from the estimate, Newton's steps lead to the upper one.
def test_limits_on_one_side_of_a_penalised_estimate_are_none() -> None:
    pytest.importorskip("firthmodels")
    design = pd.DataFrame({"x": [0.1, 1.3, 0.2, 0.1, 0.3, 3.2]})
    reason = r"^the limits of the penalised fit were not found$"
    with pytest.raises(NotEstimable, match=reason):
        fit_firth_cox(design, [2, 1, 2, 10, 10, 2], [1, 0, 0, 1, 0, 0], level=0.95)


def test_firth_does_not_answer_for_data_that_say_nothing() -> None:
    with pytest.raises(NotEstimable, match=r"^x has one level only$"):
        fit_firth_cox(pd.DataFrame({"x": [1.0] * 6}), SEPARATED, [1] * 6, level=0.95)
    pytest.importorskip("firthmodels")
    # Whoever has the level leaves before the first event.
    design = pd.DataFrame({"x": [1.0, 1, 0, 0, 0, 0]})
    with pytest.raises(NotEstimable, match=r"^the penalised fit does not converge$"):
        fit_firth_cox(design, SEPARATED, [0, 0, 1, 1, 0, 1], level=0.95)


# --- bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "strata", "cluster", "reason"),
    [
        ([1, 1, 1, 0, 0, 0], [1, 1, 1, 2, 2, 2], None, "x has one level only within every stratum"),
        ([1, 3, 2, 4, 1, 2], None, [7] * 6, "there are too few clusters for a robust variance"),
    ],
)
def test_not_estimable_within_strata_or_clusters(
    x: list[float], strata: list[int] | None, cluster: list[int] | None, reason: str
) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        fit_cox(
            pd.DataFrame({"x": x}), SEPARATED, [1] * 6, level=0.95, strata=strata, cluster=cluster
        )


def test_more_covariates_than_clusters_is_not_estimable() -> None:
    # Scores sum to 0 over the clusters, so that three of them determine two coefficients.
    # R's coxph prints a robust Wald test all the same, of a generalised inverse.
    rng = np.random.default_rng(3)
    design = pd.DataFrame(rng.normal(size=(40, 3)), columns=["x", "y", "z"])
    time, cluster = rng.exponential(size=40), np.resize([1, 2, 3], 40)
    with pytest.raises(NotEstimable, match=r"^there are too few clusters for a robust variance$"):
        fit_cox(design, time, [1] * 40, level=0.95, cluster=cluster)
    assert fit_cox(design, time, [1] * 40, level=0.95, cluster=np.resize([1, 2, 3, 4], 40))


def test_a_singular_covariance_has_no_joint_test() -> None:
    singular = np.array([[1.0, 1.0], [1.0, 1.0]])
    for variance in (singular, np.diag([1.0, 0.0]), np.zeros((2, 2))):
        with pytest.raises(NotEstimable, match=f"^{FEW_CLUSTERS}$"):
            joint_wald(np.array([1.0, 2.0]), variance, singular=FEW_CLUSTERS)
    with pytest.raises(NotEstimable, match=f"^{NO_MAXIMUM}$"):
        wald(1.0, 0.0, 0.95)
    found = joint_wald(np.array([1.0, 2.0]), np.diag([1.0, 4.0]))
    assert (found.statistic, found.degrees_of_freedom) == (2.0, 2)


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        # R's coxph says that the hazard ratio is exactly 1, with a standard error of 0.38.
        ([3] * 6, "no event happened while somebody else was at risk without one"),
        ([3, 2, 1, 0, -1, 5], "a time is negative"),
    ],
)
def test_not_estimable_at_such_times(time: list[float], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        fit_cox(pd.DataFrame({"x": [1.0, 2, 0, 0, 3, 1]}), time, [1] * 6, level=0.95)


def test_identical_times_with_censorings_say_something() -> None:
    # R: coxph(Surv(rep(3, 6), c(1, 1, 0, 1, 0, 0)) ~ c(1, 2, 0, 0, 3, 1))
    fit = fit_cox(
        pd.DataFrame({"x": [1.0, 2, 0, 0, 3, 1]}), [3] * 6, [1, 1, 0, 1, 0, 0], level=0.95
    )
    assert fit["x"].coefficient == pytest.approx(-0.1749804117112438, rel=EXACT)


def test_a_missing_time_is_an_error() -> None:
    with pytest.raises(ValueError, match="a time or an event is missing"):
        fit_cox(pd.DataFrame({"x": [1.0, 2]}), [1, np.nan], [1, 1], level=0.95)


def test_a_limit_that_no_number_holds_is_not_written() -> None:
    design = pd.DataFrame({"x": np.array(SMALL["x"]) * 1e-4})
    with pytest.raises(NotEstimable, match=r"^a limit of a hazard ratio is beyond any number$"):
        fit_cox(design, SMALL["time"], SMALL["event"], level=0.95)
