"""The survival analysis equals R's on nine public data sets and on awkward hand-made ones.

`survival.json` holds what `survival.R` prints, each value beside its R call; no R is needed
here. Where two definitions differ, a test of that name says how.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cohorts import RECORDS, Cohort, close, cohort, each, expected, matrix, per_set

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import MonotoneLikelihood, fit_cox, fit_firth_cox
from sarcoma_sbrt.survival.kaplan_meier import (
    KaplanMeier,
    Quantile,
    fit_kaplan_meier,
    reverse_kaplan_meier,
)
from sarcoma_sbrt.survival.logrank import (
    LogRank,
    log_rank,
    log_rank_trend,
    observed_expected_hazard_ratio,
    pairwise_log_rank,
    peto_hazard_ratio,
)

TIES = ("efron", "breslow")
TRANSFORMS = ("log-log", "log", "plain")
LEVEL = 0.95


# --- the data -----------------------------------------------------------------------------


@per_set("frame")
def test_frames_are_those_that_r_read(name: str) -> None:
    about, frame = expected(name, "frame"), cohort(name).frame
    assert len(frame) == about["n"]
    assert {c: float(frame[c].sum()) for c in about["sums"]} == pytest.approx(about["sums"])
    assert {c: int(frame[c].isna().sum()) for c in about["missing"]} == about["missing"]


def test_nine_public_sets() -> None:
    public = set(RECORDS) - {
        *("ties", "lesions", "censored_group", "last_event", "separated"),
        *("half", "half.falls", "half.stretch", "half.ends"),
    }
    assert len(public) == 9


# --- Kaplan-Meier -------------------------------------------------------------------------


def curve(name: str, transform: str = "log-log") -> KaplanMeier:
    data = cohort(name)
    return fit_kaplan_meier(data["time"], data["event"], level=LEVEL, transform=transform)


@pytest.mark.parametrize("transform", TRANSFORMS)
@per_set("km.log-log")
def test_rates(name: str, transform: str) -> None:
    r, fit = expected(name, f"km.{transform}"), curve(name, transform)
    rates = [fit.rate(time) for time in each(r["time"])]
    assert [rate.value for rate in rates] == close(each(r["surv"]))
    assert [rate.low for rate in rates] == close(each(r["low"]))
    assert [rate.high for rate in rates] == close(each(r["high"]))
    assert [rate.at_risk for rate in rates] == each(r["at_risk"])


def times(quantiles: tuple[Quantile, ...]) -> dict[str, list[float | None]]:
    return {end: [getattr(q, end) for q in quantiles] for end in ("value", "low", "high")}


# R: quantile(survfit(...), c(.25, .5, .75)), which takes the middle of a level stretch
@pytest.mark.parametrize("transform", TRANSFORMS)
@per_set("quantiles.log-log", but="half.stretch")
def test_quartiles(name: str, transform: str) -> None:
    r = expected(name, f"quantiles.{transform}")
    got = times(curve(name, transform).quartiles(at_probability="midpoint"))
    assert got == {end: close(r[end]) for end in got}


# S stays at one half from 4 to the last time, 9, where nobody has the event: R's quantile
# takes the middle of that stretch too, R's print of the fit and we its beginning.
def test_median_where_the_curve_stays_at_one_half() -> None:
    assert expected("half.stretch", "quantiles.log-log")["value"][1] == (4 + 9) / 2
    assert curve("half.stretch").median(at_half="midpoint").value == 4
    by_group = expected("half", "km.by_group")
    assert by_group["median"][by_group["group"].index("stretch")] == 4


def test_median_by_the_first_rule_is_the_beginning_of_the_stretch() -> None:
    assert expected("half.falls", "quantiles.log-log")["value"][1] == (5 + 7) / 2
    assert curve("half.falls").median().value == 5


# R: summary(survfit(Surv(time, event) ~ group, d, conf.type = "log-log"))$table
@per_set("km.by_group")
def test_medians_by_group(name: str) -> None:
    r, data = expected(name, "km.by_group"), cohort(name).known("group")
    fits = [
        fit_kaplan_meier(part["time"], part["event"], level=LEVEL)
        for _, part in data.groupby("group")
    ]
    got = times(tuple(fit.median(at_half="midpoint") for fit in fits))
    assert [int(fit.at_risk[0]) for fit in fits] == r["n"]
    assert [int(fit.events.sum()) for fit in fits] == r["events"]
    assert got == {"value": close(r["median"]), "low": close(r["low"]), "high": close(r["high"])}


# R: summary(survfit(Surv(time, event) ~ 1, d), rmean = tau)$table
@per_set("rmst")
def test_restricted_mean(name: str) -> None:
    r = expected(name, "rmst")
    mean = curve(name).restricted_mean(r["tau"])
    assert [mean.value, mean.standard_error] == close([r["rmean"], r["se"]])


@per_set("rmst.by_group")
def test_restricted_mean_by_group(name: str) -> None:
    r, data = expected(name, "rmst.by_group"), cohort(name).known("group")
    for at, (_, part) in enumerate(data.groupby("group")):
        fit = fit_kaplan_meier(part["time"], part["event"], level=LEVEL)
        if r["tau"] > fit.times[-1] and fit.survival[-1] > 0:  # R prolongs the curve, we refuse
            with pytest.raises(NotEstimable, match="nobody was followed that long"):
                fit.restricted_mean(r["tau"])
            continue
        mean = fit.restricted_mean(r["tau"])
        assert [mean.value, mean.standard_error] == close([r["rmean"][at], r["se"][at]])


# R: survfit(Surv(time, event == 0) ~ 1, d, conf.type = "log-log")
@per_set("reverse.km")
def test_reverse_kaplan_meier(name: str) -> None:
    r, fit = expected(name, "reverse.km"), reverse(name)
    assert [fit.rate(time).value for time in each(r["time"])] == close(each(r["surv"]))


# The reverse curve of half.falls stays at one half to the last time, as half.stretch does above.
@per_set("reverse.quantiles", but="half.falls")
def test_quartiles_of_follow_up(name: str) -> None:
    r, got = expected(name, "reverse.quantiles"), reverse(name).quartiles(at_probability="midpoint")
    assert times(got) == {end: close(r[end]) for end in times(got)}


def reverse(name: str) -> KaplanMeier:
    return reverse_kaplan_meier(cohort(name)["time"], cohort(name)["event"], level=LEVEL)


# --- log-rank -----------------------------------------------------------------------------


def log_rank_of(name: str, *, by: str = "group", strata: str | None = None) -> LogRank:
    data = cohort(name).known(by, *([strata] if strata else []))
    within = data[strata] if strata else None
    return log_rank(data["time"], data["event"], data[by], strata=within)


def compare(test: LogRank, r: dict[str, Any]) -> None:
    assert [test.statistic, test.p] == close([r["chisq"], r["p"]])
    assert test.degrees_of_freedom == r["df"]
    assert list(test.observed) == close(r["observed"])
    assert list(test.expected) == close(r["expected"])
    assert np.array(test.variance) == matrix(r["variance"])


# R: survdiff(Surv(time, event) ~ group, d)
@per_set("logrank")
def test_log_rank(name: str) -> None:
    compare(log_rank_of(name), expected(name, "logrank"))


# R: survdiff(Surv(time, event) ~ group + strata(stratum), d)
@per_set("logrank.stratified")
def test_stratified_log_rank(name: str) -> None:
    compare(log_rank_of(name, strata="stratum"), expected(name, "logrank.stratified"))


# R: from survdiff's obs, exp and var: (s'(O - E))^2 / s'Vs
@per_set("trend")
def test_trend(name: str) -> None:
    r = expected(name, "trend")
    trend = log_rank_trend(log_rank_of(name, by="ordered"), scores=r["score"])
    assert [trend.statistic, trend.p] == close([r["chisq"], r["p"]])
    assert np.sign(trend.z) == np.sign(r["u"])


# R: from survdiff's obs, exp and var, the second group to the first
@per_set("logrank.hr")
def test_log_rank_hazard_ratios(name: str) -> None:
    r, test = expected(name, "logrank.hr"), log_rank_of(name)
    of = test.groups[1]
    ratio = observed_expected_hazard_ratio(test, of=of, level=LEVEL)
    peto = peto_hazard_ratio(test, of=of, level=LEVEL)
    assert [ratio.value, ratio.low, ratio.high] == close([r["hr"], r["low"], r["high"]])
    assert [peto.value, peto.low, peto.high] == close([r["peto_hr"], r["peto_low"], r["peto_high"]])


# R: survdiff of every two groups, p.adjust(p, "holm")
@per_set("logrank.pairs")
def test_pairwise_log_rank(name: str) -> None:
    r, data = expected(name, "logrank.pairs"), cohort(name).known("group")
    pairs = pairwise_log_rank(data["time"], data["event"], data["group"])
    assert [(pair.first, pair.second) for pair in pairs] == list(
        zip(r["first"], r["second"], strict=True)
    )
    assert [pair.test.p for pair in pairs if pair.test] == close(r["p"])
    assert [pair.adjusted_p for pair in pairs] == close(r["holm"])


# --- Cox ----------------------------------------------------------------------------------


def fitted(name: str, ties: str = "efron", *, strata: bool = False, **options: Any) -> Any:
    data = cohort(name)
    frame = data.known("stratum") if strata else data.frame
    if strata:
        options["strata"] = frame["stratum"]
    if options.pop("cluster", False):
        options["cluster"] = frame["cluster"]
    design = frame[list(data.covariates)]
    return fit_cox(design, frame["time"], frame["event"], level=LEVEL, ties=ties, **options)


def global_test(test: Any) -> list[float]:
    return [test.statistic, test.degrees_of_freedom, test.p]


def of_r(test: dict[str, float]) -> Any:
    return close([test["chisq"], test["df"], test["p"]])


# R: coxph(Surv(time, event) ~ ..., d, ties = ..., control = precise)
@pytest.mark.parametrize("ties", TIES)
@per_set("cox.efron")
def test_cox(name: str, ties: str) -> None:
    r, fit = expected(name, f"cox.{ties}"), fitted(name, ties)
    assert (fit.n, fit.events) == (r["n"], r["events"])
    assert [term.coefficient for term in fit.terms] == close(each(r["coef"]))
    assert [term.standard_error for term in fit.terms] == close(each(r["se"]))
    assert [fit.log_likelihood, fit.null_log_likelihood] == close([r["loglik"], r["null"]])
    assert global_test(fit.likelihood_ratio) == of_r(r["lr"])
    assert global_test(fit.wald) == of_r(r["wald"])
    assert global_test(fit.score) == of_r(r["score"])


# R: coxph(..., cluster = cluster)
@pytest.mark.parametrize("ties", TIES)
@per_set("cox.clustered.efron")
def test_cluster_robust_errors(name: str, ties: str) -> None:
    r, fit = expected(name, f"cox.clustered.{ties}"), fitted(name, ties, cluster=True)
    assert [term.robust.standard_error for term in fit.terms] == close(each(r["se"]))
    assert [term.standard_error for term in fit.terms] == close(each(r["naive"]))
    assert global_test(fit.robust_wald) == of_r(r["wald"])
    assert global_test(fit.robust_score) == of_r(r["score"])


# R: coxph(... + strata(stratum)), and with cluster = cluster
@per_set("cox.stratified")
def test_stratified_cox(name: str) -> None:
    r, robust = expected(name, "cox.stratified"), expected(name, "cox.stratified.clustered")
    fit = fitted(name, strata=True, cluster=True)
    assert [term.coefficient for term in fit.terms] == close(each(r["coef"]))
    assert [term.standard_error for term in fit.terms] == close(each(r["se"]))
    assert [term.robust.standard_error for term in fit.terms] == close(each(robust["se"]))
    assert fit.log_likelihood == close(r["loglik"])
    assert global_test(fit.likelihood_ratio) == of_r(r["lr"])


# R: uniroot of twice the drop of coxph's log likelihood less qchisq(.95, 1)
@pytest.mark.parametrize("ties", TIES)
@per_set("cox.profile.efron")
def test_profile_limits(name: str, ties: str) -> None:
    r, fit = expected(name, f"cox.profile.{ties}"), fitted(name, ties, profile=True)
    low, high = (np.log([getattr(t.profile, end) for t in fit.terms]) for end in ("low", "high"))
    assert [*low, *high] == close([*each(r["low"]), *each(r["high"])])


# R: optim and uniroot of the penalised likelihood, from coxph's log likelihood and information
@per_set("firth.breslow")
def test_firth(name: str) -> None:
    r, fit = expected(name, "firth.breslow"), firth(name)
    assert [term.coefficient for term in fit.terms] == close(r["coef"])
    assert [term.standard_error for term in fit.terms] == close(r["se"])
    low, high = (np.log([getattr(term, end) for term in fit.terms]) for end in ("low", "high"))
    assert [*low, *high] == close([*r["low"], *r["high"]])
    assert [term.p for term in fit.terms] == close(r["p"])


def firth(name: str) -> Any:
    data: Cohort = cohort(name)
    return fit_firth_cox(data.design, data["time"], data["event"], level=LEVEL)


# Ties are Breslow's in Firth's fit, as in R's coxphf; Efron's would move a coefficient so far.
def test_firth_has_breslow_ties() -> None:
    fit = firth("ties")
    efron = np.array(expected("ties", "firth.efron")["coef"])
    ours = np.array([term.coefficient for term in fit.terms])
    assert np.max(np.abs(ours / efron - 1)) == pytest.approx(0.077, abs=0.001)
    assert fit.ties == "breslow"


def test_monotone_likelihood_is_refused_by_cox() -> None:
    data = cohort("separated")
    with pytest.raises(MonotoneLikelihood, match="one level of level has no event"):
        fit_cox(data.design, data["time"], data["event"], level=LEVEL)
