from __future__ import annotations

import numpy as np
import pytest
from sksurv.datasets import load_veterans_lung_cancer

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier
from sarcoma_sbrt.survival.performance import (
    brier_scores,
    calibration,
    capacity,
    concordance,
    concordances,
    cumulative_dynamic,
    evaluation_months,
    integrated_brier_score,
    uno_concordance,
)

# Expected values: R 4.2.2, survival 3.5-3, after
#   v <- veteran; v$m <- ceiling(v$time / 30.4375); v$y <- Surv(v$m, v$status)
#   v$fold <- rep(1:5, length.out = 137); v$patient <- rep(1:69, 2)[1:137]
COVARIATES, OUTCOME = load_veterans_lung_cancer()
KARNO = COVARIATES["Karnofsky_score"].to_numpy(dtype=float)
TIME = np.ceil(OUTCOME["Survival_in_days"] / 30.4375)
EVENT = OUTCOME["Status"].astype(int)
FOLD, PATIENT = np.arange(137) % 5, np.arange(137) % 69
MONTHS = np.array([1.0, 3.0, 6.0, 12.0])
# S <- function(t) exp(-t * exp(-v$karno / 40) / 2)
SURVIVAL = np.exp(-np.outer(np.exp(-KARNO / 40) / 2, MONTHS))


def random_cohort(seed: int, n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times in whole months, with many ties of events and censorings."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 15, n).astype(float), rng.integers(0, 2, n), rng.normal(size=n)


# --- concordance --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "value", "error"),
    [
        # concordance(y ~ karno, v)[c("concordance", "var")]
        ({}, 0.73437500000000000, 0.02685084292188548),
        # concordance(y ~ karno, v, cluster = patient)
        ({"patient": PATIENT}, 0.73437500000000000, 0.02577972306039306),
        # concordance(y ~ karno + strata(fold), v, cluster = patient)
        ({"patient": PATIENT, "fold": FOLD}, 0.73433242506811991, 0.03013893696858569),
    ],
)
def test_harrell_equals_r(options: dict[str, np.ndarray], value: float, error: float) -> None:
    found = concordance(TIME, EVENT, -KARNO, level=0.95, **options)
    assert found.value == pytest.approx(value, rel=1e-14)
    assert found.standard_error == pytest.approx(error, rel=1e-13)
    assert found.high - found.value == pytest.approx(1.959963984540054 * error, rel=1e-12)
    assert found.value - found.low == pytest.approx(found.high - found.value, rel=1e-12)


def test_many_predictions_at_once_are_each_ones_own() -> None:
    risks = np.random.default_rng(0).normal(size=(4, 137))
    for fold in (None, FOLD):
        alone = [concordance(TIME, EVENT, r, level=0.9, fold=fold).value for r in risks]
        np.testing.assert_allclose(concordances(TIME, EVENT, risks, fold=fold), alone, rtol=1e-14)
    np.testing.assert_allclose(
        concordances(TIME, EVENT, risks) + concordances(TIME, EVENT, -risks), 1, rtol=1e-14
    )


def test_limits_stay_within_0_and_1() -> None:
    time = np.arange(1.0, 7)
    found = concordance(time, np.ones(6), -time, level=0.95)
    assert (found.value, found.high) == (1.0, 1.0)


def test_uno_equals_r() -> None:
    # concordance(y ~ karno, v, timewt = "n/G2", ymax = 12)
    found = uno_concordance(TIME, EVENT, -KARNO, tau=12)
    assert found == pytest.approx(0.72538598299065959, rel=1e-13)


def uno_by_pairs(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, tau: float, fold: np.ndarray
) -> float:
    # G just before a time: censorings at a time come after the events there.
    uncensored = np.array(
        [
            np.prod(
                [
                    1 - ((time == s) & (event == 0)).sum() / censorable(time, event, s)
                    for s in np.unique(time[event == 0])
                    if s < t
                ]
            )
            for t in time
        ]
    )
    won = total = 0.0
    for i in np.flatnonzero((event == 1) & (time <= tau)):
        for j in range(len(time)):
            later = time[j] > time[i] or (time[j] == time[i] and event[j] == 0)
            if later and fold[i] == fold[j]:
                total += uncensored[i] ** -2
                won += uncensored[i] ** -2 * ((risk[i] > risk[j]) + (risk[i] == risk[j]) / 2)
    return won / total


def censorable(time: np.ndarray, event: np.ndarray, at: float) -> int:
    return int(((time > at) | ((time == at) & (event == 0))).sum())


@pytest.mark.parametrize("seed", range(4))
def test_uno_within_folds_is_the_sum_over_their_pairs(seed: int) -> None:
    time, event, risk = random_cohort(seed)
    fold = np.arange(40) % 4
    for label in (np.zeros(40), fold):
        expected = uno_by_pairs(time, event, risk, 9.0, label)
        found = uno_concordance(time, event, risk, tau=9.0, fold=label)
        assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_area_under_the_curve_is_the_sum_over_pairs(seed: int) -> None:
    time, event, risk = random_cohort(seed)
    fold = np.arange(40) % 4
    for label in (np.zeros(40), fold):
        won = total = 0.0
        for i in np.flatnonzero((event == 1) & (time <= 6)):
            before = [s for s in np.unique(time[event == 0]) if s < time[i]]
            weight = 1 / np.prod(
                [
                    1 - ((time == s) & (event == 0)).sum() / censorable(time, event, s)
                    for s in before
                ]
            )
            for j in range(40):
                free = time[j] > 6 or (time[j] == 6 and event[j] == 0)
                if free and label[i] == label[j]:
                    total += weight
                    won += weight * (risk[i] > risk[j])
        found = cumulative_dynamic(time, event, risk, at=6.0, fold=label)
        assert found == pytest.approx(won / total, rel=1e-12)


def test_times_that_differ_by_rounding_are_tied() -> None:
    time, event, risk = random_cohort(9)
    shaken = time * (1 + 1e-12 * np.random.default_rng(0).normal(size=40))
    assert uno_concordance(shaken, event, risk, tau=9.5) == pytest.approx(
        uno_concordance(time, event, risk, tau=9.5), rel=1e-12
    )


@pytest.mark.parametrize(
    ("time", "event"), [([5.0, 5.0, 5.0], [1, 1, 1]), ([1.0, 2.0, 3.0], [0, 0, 2])]
)
def test_nothing_to_compare(time: list[float], event: list[int]) -> None:
    reason = r"^no two observations can be compared$"
    with pytest.raises(NotEstimable, match=reason):
        concordance(time, event, [1.0, 2.0, 3.0], level=0.95)
    with pytest.raises(NotEstimable, match=reason):
        concordances(time, event, [[1.0, 2.0, 3.0]])
    with pytest.raises(NotEstimable, match=reason):
        uno_concordance(time, event, [1.0, 2.0, 3.0], tau=10)


@pytest.mark.parametrize("at", [0.5, 3.0, 20.0])
def test_no_area_without_a_case_and_a_control(at: float) -> None:
    with pytest.raises(
        NotEstimable,
        match=r"^nobody with the event by then can be compared with anybody without$",
    ):
        cumulative_dynamic([1.0, 2.0, 3.0], [1, 0, 1], [3.0, 2.0, 1.0], at=at)


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(NotEstimable, match=r"^a time is negative$"):
        concordance([-1.0, 2.0], [1, 0], [1.0, 2.0], level=0.95)


# --- Brier score --------------------------------------------------------------------------


def test_brier_equals_r() -> None:
    # v$after <- v$m + ifelse(v$status == 1, 0, 1e-3); t in 1, 3, 6, 12:
    # w <- rttright(Surv(after, status) ~ 1, v, times = t)
    # sum(w * ((v$after > t) - S(t))^2) / 137
    expected = [0.2146303769155014, 0.2428957135371241, 0.2278321424297063, 0.1175332415523243]
    found = brier_scores(TIME, EVENT, SURVIVAL, MONTHS)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_integrated_brier_of_kaplan_meier_is_its_direct_computation() -> None:
    # Without censoring the score of S for everybody is S (1 - S) at each month.
    time = np.array([1.0, 2, 2, 3, 4, 4, 5, 6, 7, 8])
    months = np.arange(1.0, 7)
    survival = np.array([(time > month).mean() for month in months])
    curve = fit_kaplan_meier(time, np.ones(10), level=0.95)
    assert [curve.rate(month).value for month in months] == pytest.approx(list(survival))
    scores = np.r_[0.0, survival * (1 - survival)]
    expected = ((scores[:-1] + scores[1:]) / 2).sum() / 6
    found = integrated_brier_score(time, np.ones(10), np.tile(survival, (10, 1)), months)
    assert found == pytest.approx(expected, rel=1e-14)


def test_a_certain_prediction_scores_0_when_right_and_1_when_wrong() -> None:
    time = np.array([2.0, 4, 6, 8])
    right = (time[:, np.newaxis] > MONTHS[:3]).astype(float)
    event = np.ones(4)
    assert brier_scores(time, event, right, MONTHS[:3]).tolist() == [0, 0, 0]
    assert brier_scores(time, event, 1 - right, MONTHS[:3]).tolist() == [1, 1, 1]


def test_no_score_beyond_the_last_time() -> None:
    with pytest.raises(NotEstimable, match=r"^nobody was followed that long$"):
        brier_scores([2.0, 4.0], [1, 0], [[0.5], [0.5]], [5.0])


def test_months_end_where_too_few_patients_are_at_risk() -> None:
    time = np.array([9.0, 3.0, 7.5, 5.0, 5.0, 1.2])
    patient = np.array(["a", "a", "b", "c", "c", "d"])
    for minimum, last in ((1, 9), (2, 7), (3, 5), (4, 1)):
        months = evaluation_months(time, patient, minimum_at_risk=minimum)
        assert months.tolist() == list(range(1, last + 1))
    reason = r"^fewer than 5 patients are at risk at one month$"
    with pytest.raises(NotEstimable, match=reason):
        evaluation_months(time, patient, minimum_at_risk=5)
    with pytest.raises(NotEstimable, match=r"^fewer than 2 patients are at risk at one month$"):
        evaluation_months([0.5, 0.9], [0, 1], minimum_at_risk=2)
    with pytest.raises(ValueError, match="no minimum of 0 at risk; accepted: 1 or more"):
        evaluation_months(time, patient, minimum_at_risk=0)


# --- calibration --------------------------------------------------------------------------


def calibrated(survival: np.ndarray = SURVIVAL[:, 2], **options: object) -> object:
    rest = {"horizon": 6.0, "groups": 4, "minimum_patients": 60, "level": 0.95} | options
    event = rest.pop("event", EVENT)
    return calibration(TIME, event, survival, PATIENT, **rest)


def test_calibration_equals_r() -> None:
    # f <- coxph(Surv(pmin(m, 6), status * (m <= 6)) ~ log(-log(S(6))), v, cluster = patient)
    # c(coef(f), log(summary(f)$conf.int[3:4])); R's own convergence leaves 1e-9.
    found = calibrated()
    expected = [1.444959966788604, 1.083107451504140, 1.806812482073068]
    assert [found.slope, found.slope_low, found.slope_high] == pytest.approx(expected, rel=3e-9)
    # summary(survfit(y ~ 1, v), times = 6)$surv - mean(S(6))
    assert found.difference == pytest.approx(-0.2635993409944672, rel=1e-12)
    assert (found.n, found.patients, found.horizon) == (137, 69, 6.0)


def test_calibration_groups_are_ordered_and_complete() -> None:
    groups = calibrated().groups
    assert len(groups) == 4
    assert sum(group.n for group in groups) == 137
    assert sum(group.events for group in groups) == int(((TIME <= 6) & (EVENT == 1)).sum())
    assert [g.predicted for g in groups] == sorted(g.predicted for g in groups)
    worst = SURVIVAL[:, 2] <= np.quantile(SURVIVAL[:, 2], 0.25)
    rate = fit_kaplan_meier(TIME[worst], EVENT[worst], level=0.95).rate(6.0)
    assert (groups[0].observed, groups[0].low, groups[0].high) == (rate.value, rate.low, rate.high)


def test_predictions_of_0_and_1_have_a_slope_too() -> None:
    found = calibrated(np.where(KARNO > 50, 1.0, 0.0))
    assert len(found.groups) == 2
    assert 0 < found.slope < 1


def test_a_group_not_followed_to_the_horizon_says_so() -> None:
    time = np.r_[np.full(10, 3.0), np.full(10, 12.0), np.arange(1.0, 11), np.arange(2.0, 12)]
    event = np.r_[np.zeros(10), np.zeros(10), np.ones(20)]
    survival = np.r_[np.full(10, 0.9), np.full(10, 0.5), np.full(10, 0.2), np.full(10, 0.3)]
    found = calibration(
        time,
        event,
        survival,
        np.arange(40),
        horizon=6,
        groups=4,
        minimum_patients=40,
        level=0.95,
    )
    assert found.groups[-1].observed is None
    assert found.groups[-1].reason == "nobody was followed that long"


@pytest.mark.parametrize(
    ("survival", "options", "reason"),
    [
        (SURVIVAL[:, 2], {"minimum_patients": 70}, "there are fewer than 70 patients"),
        (np.full(137, 0.4), {}, "the predictions are all the same"),
        (SURVIVAL[:, 2], {"event": 0 * EVENT, "horizon": 100.0}, "nobody was followed that long"),
        (SURVIVAL[:, 2], {"horizon": 0.5}, "no event was observed"),
    ],
)
def test_no_calibration(survival: np.ndarray, options: dict[str, object], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        calibrated(survival, **options)


# --- capacity -----------------------------------------------------------------------------


def test_what_the_papers_patients_can_carry() -> None:
    found = capacity(
        patients=37,
        events=28,
        candidates=5,
        events_per_candidate=10,
        forest_events_per_candidate=200,
        validation_events=100,
        calibration_patients=100,
        optimism_patients=37,
    )
    assert found.events_per_candidate == 5.6
    assert found.covariates == 2
    assert {demand.name: demand.met for demand in found.demands} == {
        "regression": False,
        "forest": False,
        "validation": False,
        "calibration": False,
        "optimism": True,
    }
    assert (found["forest"].needed, found["forest"].present) == (200, 5.6)


def test_there_is_no_capacity_without_candidates() -> None:
    with pytest.raises(ValueError, match="there is no candidate covariate"):
        capacity(
            patients=37,
            events=28,
            candidates=0,
            events_per_candidate=10,
            forest_events_per_candidate=200,
            validation_events=100,
            calibration_patients=100,
            optimism_patients=100,
        )
