from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival import cross_validation
from sarcoma_sbrt.survival.cox import MonotoneLikelihood
from sarcoma_sbrt.survival.cross_validation import (
    CrossValidation,
    Resampling,
    cox_optimism,
    deal,
    forest_fold,
    gather,
    task_seed,
)
from sarcoma_sbrt.survival.forest import Hyperparameters, endpoint_seed, sample_of
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier
from sarcoma_sbrt.survival.performance import integrated_brier_score

SEED = endpoint_seed(11, "os")
SMALL = Resampling(
    repeats=2,
    folds=4,
    trees=20,
    grid=(Hyperparameters(10), Hyperparameters(3)),
    permutations=3,
    minimum_at_risk=5,
)

Cohort = tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]


def cohort(patients: int, seed: int, effect: float = 0.0, lesions: int = 1) -> Cohort:
    """Exponential times, two years of accrual; the covariate ``a`` has the effect, if any."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(patients), lesions)
    n = len(patient)
    design = pd.DataFrame(rng.integers(0, 2, size=(n, 3)).astype(float), columns=["a", "b", "c"])
    event_time = rng.exponential(14 * np.exp(-effect * design["a"]))
    censoring = rng.uniform(12, 36, size=n)
    time = np.ceil(np.minimum(event_time, censoring) * 10) / 10
    return design, time, (event_time <= censoring).astype(int), patient


def folds(data: Cohort, resampling: Resampling, seed: Any = SEED) -> list[dict[str, Any]]:
    return [
        forest_fold(*data, resampling=resampling, repeat=repeat, fold=fold, seed=seed)
        for repeat, fold in resampling.tasks()
    ]


def validated(
    data: Cohort,
    resampling: Resampling = SMALL,
    landmarks: Sequence[float] = (6, 12),
    seed: Any = SEED,
) -> CrossValidation:
    found = folds(data, resampling, seed)
    return gather(*data, found, resampling=resampling, landmarks=landmarks, level=0.95)


# --- folds --------------------------------------------------------------------------------


def test_a_patient_is_never_trained_on_and_predicted() -> None:
    data = cohort(30, seed=1, lesions=3)
    sample = sample_of(*data)
    for repeat in range(5):
        fold = deal(sample, 4, task_seed(SEED, repeat, 0))
        for patient in range(30):
            assert len(set(fold[sample.patient == patient])) == 1
    for task in folds(data, SMALL):
        inside = set(data[3][task["rows"]])
        outside = set(np.delete(data[3], task["rows"]))
        assert not inside & outside
        assert len(inside | outside) == 30


def test_folds_are_balanced_in_patients_and_in_patients_with_an_event() -> None:
    sample = sample_of(*cohort(43, seed=2))
    fold = deal(sample, 5, SEED)
    assert np.ptp(np.bincount(fold)) <= 1
    assert np.ptp(np.bincount(fold, weights=sample.event)) <= 1


def test_a_patients_outcome_does_not_reach_its_own_prediction() -> None:
    # The covariate names the patient and nothing else: only leakage could use it.
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 3)
    time = np.repeat(rng.exponential(12, size=40), 3).clip(1)
    design = pd.DataFrame({"who": rng.permutation(40)[patient].astype(float)})
    options = replace(SMALL, repeats=4, grid=(Hyperparameters(3, "all"),))
    event = np.ones(120, dtype=int)
    by_patient = validated((design, time, event, patient), options)
    by_lesion = validated((design, time, event, np.arange(120)), options)
    assert by_patient.models["forest"].harrell.value < 0.6
    assert by_lesion.models["forest"].harrell.value > 0.7


def test_a_task_depends_on_nothing_but_its_repeat_and_fold() -> None:
    data = cohort(40, seed=3)
    forwards = folds(data, SMALL)
    alone = forest_fold(*data, resampling=SMALL, repeat=1, fold=2, seed=SEED)
    assert alone == next(t for t in forwards if (t["repeat"], t["fold"]) == (1, 2))
    more = replace(SMALL, repeats=9)
    assert forest_fold(*data, resampling=more, repeat=1, fold=2, seed=SEED) == alone
    assert task_seed(SEED, 1, 4).generate_state(2).tolist() == (
        SEED.spawn(2)[1].spawn(5)[4].generate_state(2).tolist()
    )
    other = forest_fold(*data, resampling=SMALL, repeat=1, fold=2, seed=endpoint_seed(11, "pfs"))
    assert other["rows"] != alone["rows"]


def test_batches_are_the_tasks_each_once() -> None:
    for batches in (1, 2, 3, 50):
        found = [t for number in range(batches) for t in SMALL.batch(number, batches)]
        assert sorted(found) == list(SMALL.tasks())


def test_order_and_json_change_nothing() -> None:
    data = cohort(40, seed=3)
    found = folds(data, SMALL)
    options = {"resampling": SMALL, "landmarks": (6, 12), "level": 0.95}
    straight = gather(*data, found, **options)
    shuffled = gather(*data, reversed([json.loads(json.dumps(t)) for t in found]), **options)
    assert straight.models == shuffled.models
    assert straight.importances == shuffled.importances
    np.testing.assert_array_equal(straight.survival["forest"], shuffled.survival["forest"])


@pytest.mark.parametrize("change", [lambda f: f[1:], lambda f: [*f, f[0]]])
def test_a_missing_or_doubled_fold_is_refused(change: Any) -> None:
    data = cohort(40, seed=3)
    with pytest.raises(ValueError, match="the folds are not one for each repeat and fold"):
        gather(*data, change(folds(data, SMALL)), resampling=SMALL, landmarks=(), level=0.95)


# --- what comes out -----------------------------------------------------------------------


def test_noise_has_a_concordance_of_one_half_and_no_importance() -> None:
    # Sixteen cohorts: the standard error of the mean is a quarter of one cohort's 0.06.
    found = [validated(cohort(50, seed=s), seed=endpoint_seed(s, "os")) for s in range(16)]
    for model in ("forest", "cox"):
        harrell = np.array([f.models[model].harrell.value for f in found])
        assert abs(harrell.mean() - 0.5) < 3 * harrell.std(ddof=1) / 4
        assert harrell.std(ddof=1) < 0.1
    gains = [f.models["forest"].gain.value for f in found]
    assert np.mean(gains) < 0
    drops = np.array([[i.score.value for i in f.importances] for f in found])
    assert (np.abs(drops.mean(axis=0)) < 0.02).all()


def test_a_perfect_covariate_orders_almost_everybody() -> None:
    rng = np.random.default_rng(4)
    time = rng.permutation(np.arange(1.0, 61)) / 2
    design = pd.DataFrame({"order": -time, "nothing": rng.normal(size=60)})
    found = validated(
        (design, time, np.ones(60, dtype=int), np.arange(60)),
        replace(SMALL, grid=(Hyperparameters(3, "all"),)),
    )
    forest = found.models["forest"]
    assert forest.harrell.value > 0.9
    assert forest.uno.value > 0.9
    assert forest.auc[12].value > 0.95
    assert forest.gain.value > 0.5
    order, nothing = found.importances
    assert order.score.low > 0.3
    assert abs(nothing.score.value) < 0.05


def test_a_real_effect_is_seen_by_both_models() -> None:
    found = validated(cohort(120, seed=5, effect=1.5))
    for model in ("forest", "cox"):
        scores = found.models[model]
        assert scores.harrell.value > 0.6
        assert 0.02 < scores.harrell.standard_error < 0.06
        assert scores.gain.value > 0.05
        assert scores.brier[12].value < found.models["kaplan_meier"].brier[12].value
    assert max(found.importances, key=lambda i: i.score.value).name == "a"
    assert (found.n, found.patients, sum(found.chosen)) == (120, 120, 8)
    gain = found.models["forest"].harrell.value - found.models["cox"].harrell.value
    assert found.concordance_gain.value == pytest.approx(gain, abs=1e-14)


def test_kaplan_meier_is_scored_as_computed_directly() -> None:
    data = cohort(40, seed=6)
    options = replace(SMALL, repeats=1)
    tasks = folds(data, options)
    found = gather(*data, tasks, resampling=options, landmarks=(6,), level=0.95)
    _, time, event, _ = data
    survival = np.empty((40, len(found.months)))
    for task in tasks:
        train = np.setdiff1d(np.arange(40), task["rows"])
        curve = fit_kaplan_meier(time[train], event[train], level=0.95)
        survival[task["rows"]] = [curve.rate(month).value for month in found.months]
    np.testing.assert_array_equal(found.survival["kaplan_meier"], survival)
    null = found.models["kaplan_meier"]
    expected = integrated_brier_score(time, event, survival, found.months)
    assert null.integrated_brier.value == expected
    assert null.integrated_brier.sd is None
    assert null.gain.value == 0
    for score in (null.harrell, null.uno, null.auc[6]):
        assert score.value is None
        assert score.reason == "Kaplan-Meier predicts the same for everybody"


def test_a_landmark_with_too_few_at_risk_has_a_reason() -> None:
    found = validated(cohort(40, seed=6), landmarks=(6, 60))
    for scores in (found.models["forest"].brier, found.models["cox"].auc):
        assert scores[6].value is not None
        assert scores[60].reason == "fewer than 5 patients are at risk then"


def test_covariates_permuted_out_of_existence_matter_by_their_drop() -> None:
    # With one value everywhere a permutation changes nothing.
    design, time, event, patient = cohort(40, seed=6)
    found = validated((design.assign(b=1.0), time, event, patient))
    assert found.importances[1].score.value == 0
    assert found.importances[1].score.sd == 0


# --- Cox ----------------------------------------------------------------------------------


def test_cox_predictions_equal_r() -> None:
    # v <- veteran; v$m <- ceiling(v$time / 30.4375)
    # f <- coxph(Surv(m, status) ~ age + karno, v); options(digits = 16)
    # s <- survfit(f, newdata = v[1:3, ], stype = 2, ctype = 1)  # Breslow's baseline
    # summary(s, times = c(1, 3, 12))$surv
    from sksurv.datasets import load_veterans_lung_cancer

    covariates, outcome = load_veterans_lung_cancer()
    design = covariates[["Age_in_years", "Karnofsky_score"]]
    time = np.ceil(outcome["Survival_in_days"] / 30.4375)
    sample = sample_of(design, time, outcome["Status"].astype(int), np.arange(137))
    model = cross_validation._fit_cox(sample)
    found = model.survival(sample.matrix[:3].astype(float), np.array([0.0, 1.0, 3.0, 12.0]))
    np.testing.assert_array_equal(found[:, 0], 1)
    np.testing.assert_allclose(found[:, 1:].T, COX_SURVIVAL, rtol=1e-9)
    assert model.estimator == "maximum partial likelihood"


COX_SURVIVAL = [
    [0.79442766913752372, 0.8472855526213566, 0.79695360181003816],
    [0.53282500023906165, 0.6354997125540448, 0.53747238644849682],
    [0.08569073417143028, 0.1704561483048061, 0.08864479697076016],
]


def test_a_column_that_does_not_vary_is_left_out_of_cox() -> None:
    design, time, event, patient = cohort(40, seed=7)
    sample = sample_of(design.assign(b=1.0), time, event, patient)
    without = sample_of(design[["a", "c"]], time, event, patient)
    kept = cross_validation._fit_cox(sample)
    assert kept.coefficients[1] == 0
    np.testing.assert_allclose(
        kept.risk(sample.matrix),
        cross_validation._fit_cox(without).risk(without.matrix),
        rtol=1e-9,
        atol=1e-12,
    )


def test_a_runaway_coefficient_is_penalised_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    data = cohort(40, seed=8)
    ordinary = cross_validation.fit_cox

    def runs_away(*_: Any, **__: Any) -> None:
        raise MonotoneLikelihood("it runs away")

    def penalised(*arguments: Any, **options: Any) -> Any:
        return replace(ordinary(*arguments, **options), estimator="Firth")

    monkeypatch.setattr(cross_validation, "fit_cox", runs_away)
    monkeypatch.setattr(cross_validation, "fit_firth_cox", penalised)
    found = validated(data)
    assert found.penalised == 8
    assert found.models["cox"].harrell.value is not None


def test_a_fold_without_a_cox_fit_leaves_the_others_alone() -> None:
    design, time, event, patient = cohort(40, seed=9)
    found = validated((design.assign(b=design["a"]), time, event, patient))
    reason = "in 8 of 8 folds there is no fit, the first because the covariates are collinear"
    for score in (found.models["cox"].harrell, found.models["cox"].brier[6]):
        assert (score.value, score.reason) == (None, reason)
    assert found.concordance_gain.reason == reason
    assert found.survival["cox"] is None
    assert found.models["forest"].harrell.value is not None


def test_no_covariate_varies() -> None:
    design, time, event, patient = cohort(40, seed=9)
    found = validated((design * 0, time, event, patient))
    assert found.models["cox"].uno.reason.endswith("the first because no covariate varies")
    assert found.models["forest"].harrell.value == 0.5
    # Without a split a leaf is the whole sample, so the forest is a bagged Kaplan-Meier.
    assert found.models["forest"].gain.value == pytest.approx(0, abs=0.02)


# --- optimism -----------------------------------------------------------------------------


def test_optimism_is_large_with_many_covariates_of_noise_and_small_with_one_that_works() -> None:
    rng = np.random.default_rng(10)
    _, time, event, patient = cohort(100, seed=10)
    noise = pd.DataFrame(rng.normal(size=(100, 12)))
    options = {"resamples": 30, "minimum_patients": 100, "seed": SEED}
    overfitted = cox_optimism(noise, time, event, patient, **options)
    assert overfitted.apparent > 0.6
    assert abs(overfitted.corrected - 0.5) < 0.08
    assert overfitted == cox_optimism(noise, time, event, patient, **options)
    design, time, event, patient = cohort(100, seed=10, effect=1.5)
    honest = cox_optimism(design[["a"]], time, event, patient, **options)
    assert abs(honest.optimism) < 0.02
    assert honest.resamples == 30


def test_no_optimism() -> None:
    design, time, event, patient = cohort(60, seed=11)
    options = {"resamples": 10, "seed": SEED}
    with pytest.raises(NotEstimable, match=r"^there are fewer than 100 patients$"):
        cox_optimism(design, time, event, patient, minimum_patients=100, **options)
    twice = design.assign(b=design["a"])
    with pytest.raises(NotEstimable, match=r"^more than a tenth of the resamples cannot be"):
        cox_optimism(twice, time, event, patient, minimum_patients=10, **options)


# --- refusals -----------------------------------------------------------------------------


def few_events() -> Cohort:
    design, time, _, patient = cohort(40, seed=12)
    return design, time, (np.arange(40) < 9).astype(int), patient


def events_of_three_patients() -> Cohort:
    design, time, *_ = cohort(40, seed=12)
    patient = np.r_[np.arange(12) % 3, np.arange(12, 40)]
    return design, time, (np.arange(40) < 12).astype(int), patient


def seven_patients() -> Cohort:
    design, time, event, _ = cohort(40, seed=12)
    return design, time, event, np.arange(40) % 7


def short() -> Cohort:
    design, time, event, patient = cohort(40, seed=12)
    return design, time / 1000, event, patient


def negative() -> Cohort:
    design, time, event, patient = cohort(40, seed=12)
    return design, time - 20, event, patient


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (few_events(), "fewer than ten events were observed"),
        (events_of_three_patients(), "fewer than 4 patients had an event, one for each fold"),
        (seven_patients(), "there are fewer than 8 patients, two for each fold"),
        (short(), "fewer than 5 patients are at risk at one month"),
        (negative(), "a time is negative"),
    ],
)
def test_a_cohort_that_cannot_be_cross_validated_says_why(data: Cohort, reason: str) -> None:
    found = folds(data, SMALL)
    assert found[0] == {"repeat": 0, "fold": 0, "reason": reason}
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        gather(*data, found, resampling=SMALL, landmarks=(), level=0.95)


def test_a_missing_covariate_is_the_callers_mistake() -> None:
    design, time, event, patient = cohort(40, seed=13)
    design.loc[3, "a"] = np.nan
    with pytest.raises(ValueError, match="a covariate is missing; take complete cases first"):
        folds((design, time, event, patient), SMALL)
