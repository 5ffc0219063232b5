"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung
from sksurv.datasets import load_veterans_lung_cancer

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.logrank import (
    HazardRatio,
    LogRank,
    log_rank,
    log_rank_trend,
    observed_expected_hazard_ratio,
    pairwise_log_rank,
    peto_hazard_ratio,
)


def by_sex() -> LogRank:
    data = load_lung()
    return log_rank(data["time"], data["status"], data["sex"])


def veterans() -> pd.DataFrame:
    covariates, outcome = load_veterans_lung_cancer()
    return pd.DataFrame(
        {
            "time": outcome["Survival_in_days"],
            "event": outcome["Status"].astype(int),
            "cell": covariates["Celltype"].astype(str),
            "treatment": covariates["Treatment"].astype(str),
        }
    )


def limits(ratio: HazardRatio) -> list[float]:
    return [ratio.value, ratio.low, ratio.high]


# R: survdiff(Surv(time, status) ~ sex, lung); survdiff(Surv(time, status) ~ ph.ecog, lung)
@pytest.mark.parametrize(
    ("column", "statistic", "degrees", "p", "n"),
    [
        ("sex", 10.3267419548856321, 1, 0.0013111645203554882, 228),
        ("ph.ecog", 21.962131682476006, 3, 6.6425353558001711e-05, 227),
    ],
)
def test_equals_r_on_lung(column: str, statistic: float, degrees: int, p: float, n: int) -> None:
    data = load_lung().dropna(subset=[column])
    test = log_rank(data["time"], data["status"], data[column])
    assert (test.degrees_of_freedom, test.n) == (degrees, n)
    assert [test.statistic, test.p] == pytest.approx([statistic, p], rel=1e-10)


# R: survdiff(Surv(time, status) ~ celltype, veteran); survdiff(Surv(time, status) ~ trt, veteran)
@pytest.mark.parametrize(
    ("column", "statistic", "degrees", "p"),
    [
        ("Celltype", 25.4037003457854, 3, 1.27124593900609e-05),
        ("Treatment", 0.00822734320235077, 1, 0.92772723334007379),
    ],
)
def test_equals_r_on_veteran(column: str, statistic: float, degrees: int, p: float) -> None:
    covariates, outcome = load_veterans_lung_cancer()
    groups = covariates[column].astype(str)
    test = log_rank(outcome["Survival_in_days"], outcome["Status"], groups)
    assert (test.degrees_of_freedom, test.n, test.events) == (degrees, 137, 128)
    assert [test.statistic, test.p] == pytest.approx([statistic, p], rel=1e-10)


# R: survdiff(Surv(time, status) ~ sex, lung)[c("obs", "exp", "var")]
def test_counts_and_variance_equal_those_of_r() -> None:
    test = by_sex()
    assert test.groups == (1, 2)
    assert test.observed == (112, 53)
    assert test.expected == pytest.approx((91.5817390295728, 73.41826097042721), rel=1e-12)
    assert np.array(test.variance) == pytest.approx(
        40.37143397964261 * np.array([[1, -1], [-1, 1]]), rel=1e-12
    )


# R: z <- survdiff(Surv(time, status) ~ trt + strata(celltype), veteran)
#    z$chisq; rowSums(z$obs); rowSums(z$exp); z$var[1, 1]
def test_stratified_equals_r() -> None:
    data = veterans()
    test = log_rank(data["time"], data["event"], data["treatment"], strata=data["cell"])
    assert test.groups == ("standard", "test")
    assert test.observed == (64, 64)
    assert test.expected == pytest.approx((68.20755297687251, 59.79244702312747), rel=1e-12)
    assert [test.statistic, test.variance[0][0]] == pytest.approx(
        [0.7017433468443195, 25.22788727930246], rel=1e-12
    )
    assert test.degrees_of_freedom == 1


# R: coxph(Surv(time, status) ~ ph.ecog, lung, ties = "exact")$score; + strata(sex);
#    ~ c(0, 1, 5, 9)[ph.ecog + 1]
def test_trend_equals_r_s_exact_score_test() -> None:
    data = load_lung().dropna(subset=["ph.ecog"])
    test = log_rank(data["time"], data["status"], data["ph.ecog"])
    trend = log_rank_trend(test)
    assert trend.statistic == pytest.approx(17.87512076252789, rel=1e-10)
    assert trend.z == pytest.approx(17.87512076252789**0.5, rel=1e-10)
    assert trend.scores == (1, 2, 3, 4)
    uneven = log_rank_trend(test, [0, 1, 5, 9])
    assert uneven.statistic == pytest.approx(19.6572874922362, rel=1e-10)
    inside = log_rank(data["time"], data["status"], data["ph.ecog"], strata=data["sex"])
    assert log_rank_trend(inside).statistic == pytest.approx(18.55153798868057, rel=1e-10)


def test_a_trend_of_two_groups_is_their_test_and_scores_may_be_shifted() -> None:
    trend = log_rank_trend(by_sex())
    assert [trend.statistic, trend.p] == pytest.approx([by_sex().statistic, by_sex().p])
    assert trend.z < 0
    assert log_rank_trend(by_sex(), [101, 102]).z == pytest.approx(trend.z, rel=1e-12)
    for scores in ([1, 1], [1, 2, 3]):
        with pytest.raises(ValueError, match="a trend needs one score per group, not all alike"):
            log_rank_trend(by_sex(), scores)


# R: z <- survdiff(Surv(time, status) ~ sex, lung); d <- z$obs - z$exp; v <- z$var[1, 1]
#    exp(d[1] / v + c(0, -1, 1) * qnorm(.975) / sqrt(v))
#    h <- (z$obs / z$exp)[1] / (z$obs / z$exp)[2]
#    h * exp(c(0, -1, 1) * qnorm(.975) * sqrt(sum(1 / z$exp)))
def test_hazard_ratios_of_the_log_rank_test() -> None:
    test = by_sex()
    peto = peto_hazard_ratio(test, of=1, level=0.95)
    assert limits(peto) == pytest.approx(
        [1.658245493809088, 1.218099044149953, 2.25743393441136], rel=1e-12
    )
    ratio = observed_expected_hazard_ratio(test, of=1, level=0.95)
    assert limits(ratio) == pytest.approx(
        [1.694093438569566, 1.246221036401614, 2.302924196249538], rel=1e-12
    )


# Freireich et al. 1963, the example of MedCalc's manual; R as above, group 2 (placebo) on top.
def test_hazard_ratios_of_the_leukaemia_trial() -> None:
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    treated = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    relapsed = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]
    group = np.repeat(["placebo", "treated"], 21)
    test = log_rank(placebo + treated, [1] * 21 + relapsed, group)
    assert test.statistic == pytest.approx(16.79294098921654, rel=1e-12)
    assert limits(peto_hazard_ratio(test, of="placebo", level=0.95)) == pytest.approx(
        [5.146184878375803, 2.350683744325131, 11.26617685869393], rel=1e-12
    )
    assert limits(observed_expected_hazard_ratio(test, of="placebo", level=0.95)) == pytest.approx(
        [4.178598028452206, 1.981214235160329, 8.813121354325247], rel=1e-12
    )


def test_the_ratio_the_other_way_round_is_the_inverse() -> None:
    for ratio in (peto_hazard_ratio, observed_expected_hazard_ratio):
        one, other = (ratio(by_sex(), of=group, level=0.9) for group in (1, 2))
        assert limits(other) == pytest.approx([1 / one.value, 1 / one.high, 1 / one.low])


def test_a_group_without_an_event_has_peto_s_ratio_only() -> None:
    test = log_rank([1, 2, 3, 4, 5, 6], [1, 1, 0, 0, 0, 0], [1, 1, 1, 2, 2, 2])
    assert peto_hazard_ratio(test, of=2, level=0.95).value < 1
    with pytest.raises(NotEstimable, match=r"^one group has no event$"):
        observed_expected_hazard_ratio(test, of=2, level=0.95)


def test_a_ratio_is_of_two_groups_and_one_of_them() -> None:
    data = veterans()
    four = log_rank(data["time"], data["event"], data["cell"])
    with pytest.raises(ValueError, match="no hazard ratio of 'adeno' among 4 groups"):
        peto_hazard_ratio(four, of="adeno", level=0.95)
    with pytest.raises(ValueError, match="no hazard ratio of 3 among 2 groups"):
        observed_expected_hazard_ratio(by_sex(), of=3, level=0.95)


# R: k <- combn(sort(unique(celltype)), 2)
#    p <- apply(k, 2, function(k) survdiff(Surv(time, status) ~ celltype,
#                                          veteran[celltype %in% k, ])$pvalue)
#    p.adjust(p, "holm")
def test_pairs_equal_those_of_r() -> None:
    data = veterans()
    pairs = pairwise_log_rank(data["time"], data["event"], data["cell"])
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("adeno", "large"),
        ("adeno", "smallcell"),
        ("adeno", "squamous"),
        ("large", "smallcell"),
        ("large", "squamous"),
        ("smallcell", "squamous"),
    ]
    assert [pair.test.p for pair in pairs if pair.test] == pytest.approx(
        [
            2.628316878476322e-05,
            0.7556513286871211,
            0.000519180149283958,
            0.002204567518961785,
            0.3644228374841029,
            0.0006689212250414703,
        ],
        rel=1e-10,
    )
    assert [pair.adjusted_p for pair in pairs] == pytest.approx(
        [
            0.0001576990127085793,
            0.7556513286871211,
            0.00259590074641979,
            0.006613702556885355,
            0.7288456749682058,
            0.002675684900165881,
        ],
        rel=1e-10,
    )
    assert next(pair.test.groups for pair in pairs if pair.test) == ("adeno", "large")


def test_a_pair_that_cannot_be_compared_says_why_and_costs_the_others_nothing() -> None:
    time, group = [1, 2, 3, 4, 5, 6, 7, 8], ["a", "a", "a", "b", "b", "c", "c", "c"]
    event = [1, 0, 1, 0, 0, 0, 0, 0]
    one, other, last = pairwise_log_rank(time, event, group)
    assert (last.test, last.adjusted_p, last.reason) == (None, None, "no event was observed")
    assert one.test
    assert other.test
    assert min(one.adjusted_p or 0, other.adjusted_p or 0) == pytest.approx(
        2 * min(one.test.p, other.test.p)
    )
    with pytest.raises(NotEstimable, match=r"^there is one group only$"):
        pairwise_log_rank([1, 2], [1, 1], ["a", "a"])


def test_a_stratified_pair_is_compared_within_strata() -> None:
    data = veterans()
    arguments = data["time"], data["event"], data["treatment"]
    (pair,) = pairwise_log_rank(*arguments, strata=data["cell"])
    assert pair.test == log_rank(*arguments, strata=data["cell"])
    assert pair.test
    assert pair.adjusted_p == pair.test.p


def test_a_competing_event_is_censored() -> None:
    time, group = [1, 2, 3, 4, 5, 6], [0, 1, 0, 1, 0, 1]
    one = log_rank(time, [1, 1, 2, 1, 0, 1], group)
    assert one == log_rank(time, [1, 1, 0, 1, 0, 1], group)
    assert one.events == 4


def test_curves_that_are_alike_differ_by_nothing() -> None:
    test = log_rank([1, 1, 2, 2, 3, 3], [1, 1, 0, 0, 1, 1], [0, 1, 0, 1, 0, 1])
    assert test.statistic == pytest.approx(0, abs=1e-12)
    assert test.p == pytest.approx(1)


@pytest.mark.parametrize(
    ("time", "event", "group", "reason"),
    [
        ([1, 2, 3], [1, 1, 1], [1, 1, 1], "there is one group only"),
        ([], [], [], "there is one group only"),
        ([1, 2, 3], [0, 2, 0], [0, 1, 1], "no event was observed"),
        (
            [1, 2, 5, 6, 7],
            [0, 0, 1, 1, 0],
            [1, 1, 0, 0, 0],
            "one group was never at risk beside another when an event happened",
        ),
        (
            [3, 3, 3, 3],
            [1, 1, 1, 1],
            [1, 1, 2, 2],
            "no event happened while somebody else was at risk without one",
        ),
        ([3, -3], [1, 1], [1, 2], "a time is negative"),
    ],
)
def test_not_estimable(time: list[float], event: list[int], group: list[int], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        log_rank(time, event, group)


def test_a_group_that_leaves_at_the_first_event_is_compared_there() -> None:
    # R: survdiff(Surv(c(5,5,6,7,8), c(0,0,1,1,0)) ~ c(1,1,0,0,0)) has no variance, but with
    #    Surv(c(6,6,6,7,8), ...) chisq = 0.666666666666667
    test = log_rank([6, 6, 6, 7, 8], [0, 0, 1, 1, 0], np.array([1, 1, 0, 0, 0]))
    assert test.statistic == pytest.approx(0.666666666666667, rel=1e-10)


def test_groups_that_meet_in_no_stratum_are_not_compared() -> None:
    with pytest.raises(NotEstimable, match=r"^one group was never at risk beside another"):
        log_rank([1, 2, 3, 4], [1, 1, 1, 1], [1, 1, 2, 2], strata=["a", "a", "b", "b"])


def test_a_missing_group_or_stratum_is_an_error() -> None:
    with pytest.raises(ValueError, match="a group is missing"):
        log_rank([1, 2], [1, 1], [1, np.nan])
    with pytest.raises(ValueError, match="a stratum is missing"):
        log_rank([1, 2], [1, 1], [1, 2], strata=["a"])
    with pytest.raises(ValueError, match="a time or an event is missing"):
        log_rank([1, np.nan], [1, 1], [1, 2])
