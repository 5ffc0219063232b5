from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sksurv.datasets import load_veterans_lung_cancer
from sksurv.ensemble import RandomSurvivalForest
from sksurv.util import Surv

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival import forest
from sarcoma_sbrt.survival.forest import (
    Hyperparameters,
    endpoint_seed,
    fit_forest,
    partial_dependence,
    predict,
    sample_of,
    tune,
    tune_forest,
)
from sarcoma_sbrt.survival.performance import concordances, integrated_brier_score


def fit(
    design: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray | None = None,
    trees: int = 100,
    seed: int = 1,
    step: float = 1.0,
    repeats: int = 10,
) -> forest.Forest:
    return fit_forest(
        design,
        time,
        event,
        np.arange(len(design)) if group is None else group,
        trees=trees,
        min_samples_leaf=3,
        repeats=repeats,
        seed=endpoint_seed(seed, "os"),
        step=step,
    )


def noise(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    design = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    return design, rng.exponential(12, size=n), rng.integers(0, 2, size=n)


def veteran() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    covariates, outcome = load_veterans_lung_cancer()
    design = covariates[["Age_in_years", "Karnofsky_score", "Months_from_Diagnosis"]]
    return design, outcome["Survival_in_days"], outcome["Status"].astype(int)


def library_forest(max_features: str | None) -> tuple[RandomSurvivalForest, forest.Sample]:
    design, time, event = veteran()
    sample = sample_of(design, np.ceil(time / 30.4375), event, np.arange(137))
    library = RandomSurvivalForest(
        n_estimators=60,
        min_samples_leaf=3,
        max_features=max_features,
        oob_score=True,
        random_state=4,
    )
    return library.fit(sample.matrix, Surv.from_arrays(sample.event, sample.time)), sample


@pytest.mark.parametrize(("ours", "theirs"), [("sqrt", "sqrt"), ("all", None), (1, 1)])
def test_equals_scikit_survival_when_given_its_bootstrap_samples(
    ours: str | int, theirs: str | int | None
) -> None:
    library, sample = library_forest(theirs)
    bags = np.stack([np.bincount(s, minlength=137) for s in library.estimators_samples_])
    states = [tree.random_state for tree in library.estimators_]
    grown = [
        tuple(forest._grow(sample, bags, Hyperparameters(3, ours), states, curves=curves))
        for curves in (False, True)
    ]
    (risk,), _ = forest._risks(grown[0], sample.matrix[np.newaxis], bags == 0)
    np.testing.assert_allclose(risk, library.oob_prediction_, rtol=1e-13)
    score = concordances(sample.time, sample.event, [risk])[0]
    assert score == pytest.approx(library.oob_score_, rel=1e-13)

    months = np.array([0.0, 2.0, 7.0, 12.0])
    found = predict(grown[1], sample.matrix[:20], months)
    curves = library.predict_survival_function(sample.matrix[:20])
    # The library's step functions have no value before the first observed time, here a month.
    expected = np.array([[1.0, *curve(months[1:])] for curve in curves])
    np.testing.assert_allclose(found.survival, expected, rtol=1e-12)
    np.testing.assert_allclose(found.risk, library.predict(sample.matrix[:20]), rtol=1e-12)


def test_times_are_rounded_up_to_the_grid_for_the_trees_alone() -> None:
    design, time, event = noise(60, seed=2)
    sample = sample_of(design, time, event, np.arange(60))
    tuned = tune(sample, [Hyperparameters(3)], 30, np.arange(1.0, 13), endpoint_seed(1, "os"))
    assert set(tuned.trees[0].unique_times_) == set(np.ceil(time))
    np.testing.assert_array_equal(sample.time, time)
    for step, expected in ((0.5, np.ceil(time * 2) / 2), (0, time)):
        finer = sample_of(design, time, event, np.arange(60), step=step)
        np.testing.assert_array_equal(finer.grid_time, expected)
    # A sum of floats that is a whole month but for rounding is that month.
    almost = sample_of(design, np.resize([0.1 * 3 * 10, 5], 60), event, np.arange(60))
    bags = np.ones((1, 60), dtype=np.int64)
    (tree,) = forest._grow(almost, bags, Hyperparameters(3), [0])
    assert tree.unique_times_.tolist() == [3.0, 5.0]


def test_a_patient_is_drawn_with_all_lesions_or_not_at_all() -> None:
    group = np.array([0, 0, 1, 2, 2, 2])
    bags = forest._bags(group, 50, np.random.default_rng(0))
    assert (bags[:, 0] == bags[:, 1]).all()
    assert (bags[:, 3] == bags[:, 4]).all()
    assert (bags[:, 4] == bags[:, 5]).all()
    assert (bags[:, [0, 2, 3]].sum(axis=1) == 3).all()


def test_a_lesion_is_not_predicted_from_its_siblings() -> None:
    # The covariate names the patient and nothing else: only leakage could use it.
    rng = np.random.default_rng(0)
    time = np.repeat(rng.exponential(12, size=40), 3)
    event = np.ones(120, dtype=int)
    patient = np.repeat(np.arange(40), 3)
    design = pd.DataFrame({"patient": rng.permutation(40)[patient].astype(float)})
    assert fit(design, time, event, group=np.arange(120)).concordance > 0.7
    assert fit(design, time, event, group=patient).concordance < 0.6


def test_the_same_seed_gives_the_same_bits_and_another_endpoint_other_ones() -> None:
    design, time, event = noise(60, seed=0)
    assert fit(design, time, event) == fit(design, time, event)
    assert fit(design, time, event) != fit(design, time, event, seed=2)
    os, pfs = (np.random.default_rng(endpoint_seed(7, e)).integers(2**60) for e in ("os", "pfs"))
    assert os != pfs
    # Written down, so that neither a library nor a platform changes it unseen.
    assert endpoint_seed(7, "os").entropy == [7, 1789936913]


def test_noise_has_a_concordance_near_one_half_and_no_importance() -> None:
    forests = [fit(*noise(150, seed=seed)) for seed in range(4)]
    assert 0.42 < np.mean([f.concordance for f in forests]) < 0.55
    assert abs(np.mean([i.mean for f in forests for i in f.importances])) < 0.02


def test_a_strong_covariate_ranks_first() -> None:
    design, _, event = noise(100, seed=3)
    rng = np.random.default_rng(4)
    time = rng.exponential(12 * np.exp(-1.5 * design["b"]))
    found = fit(design, time, event, step=0)  # half of them within six months
    ranked = sorted(found.importances, key=lambda i: i.mean, reverse=True)
    assert ranked[0].name == "b"
    assert ranked[0].mean > 5 * abs(ranked[1].mean)
    assert found.concordance > 0.7
    assert [i.name for i in found.importances] == ["a", "b", "c"]
    assert (found.n, found.events) == (100, int(event.sum()))


def test_the_performance_score_carries_the_veterans_trial() -> None:
    found = fit(*veteran())
    assert max(found.importances, key=lambda i: i.mean).name == "Karnofsky_score"


def test_fewer_than_ten_events_are_not_enough() -> None:
    design, time, _ = noise(40, seed=1)
    event = np.r_[np.ones(9, dtype=int), np.full(31, 2)]
    with pytest.raises(NotEstimable, match=r"^fewer than ten events were observed$"):
        fit(design, time, event)
    event[9] = 1
    assert fit(design, time, event).events == 10


def test_a_patient_whom_no_tree_leaves_out_is_not_scored_silently() -> None:
    design, time, event = noise(40, seed=1)
    with pytest.raises(NotEstimable, match=r"^a patient is in every tree's sample$"):
        fit(design, time, event, trees=2)


def test_times_all_alike_cannot_be_compared() -> None:
    design, _, _ = noise(40, seed=1)
    with pytest.raises(NotEstimable, match=r"^all times are the same on the forest's grid$"):
        fit(design, np.full(40, 6.0), np.ones(40, dtype=int))


def test_a_missing_covariate_is_the_callers_mistake() -> None:
    design, time, event = noise(40, seed=1)
    design.loc[3, "a"] = np.nan
    with pytest.raises(ValueError, match="a covariate is missing; take complete cases first"):
        fit(design, time, event)


def test_the_standard_error_and_the_apparent_concordance_stand_beside() -> None:
    found = fit(*noise(100, seed=5))
    assert 0.03 < found.standard_error < 0.07
    # Trees know the rows that they were grown on: on noise all of this is optimism.
    assert found.apparent > found.concordance + 0.2
    assert found.hyperparameters == Hyperparameters(3, "sqrt")


def test_tuning_takes_the_best_brier_score_out_of_bag() -> None:
    design, time, event = noise(80, seed=6)
    grid = [Hyperparameters(2, "all"), Hyperparameters(30), Hyperparameters(5)]
    months = np.arange(1.0, 13)
    seed = endpoint_seed(3, "os")
    chosen, scores = tune_forest(
        design, time, event, np.arange(80), grid=grid, trees=60, months=months, seed=seed
    )
    # Covariates that say nothing are best predicted from hardly at all.
    assert chosen == Hyperparameters(30)
    assert scores.index(min(scores)) == 1
    sample = sample_of(design, time, event, np.arange(80))
    rng = np.random.default_rng(seed)
    bags = forest._bags(sample.patient, 60, rng)
    total, count = np.zeros((80, 12)), np.zeros(80)
    trees = forest._grow(sample, bags, grid[2], forest._states(60, rng))
    for tree, bag in zip(trees, bags, strict=True):
        out = bag == 0
        for row in np.flatnonzero(out):
            (curve,) = tree.predict_survival_function(sample.matrix[row : row + 1])
            known = np.r_[0.0, curve.x], np.r_[1.0, curve.y]
            total[row] += [known[1][known[0] <= month][-1] for month in months]
        count += out
    by_hand = integrated_brier_score(time, event, total / count[:, np.newaxis], months)
    assert scores[2] == pytest.approx(by_hand, rel=1e-12)


def test_of_equal_scores_the_earlier_is_taken() -> None:
    design, time, event = noise(60, seed=7)
    grid = [Hyperparameters(5, "all"), Hyperparameters(5, 3)]
    sample = sample_of(design, time, event, np.arange(60))
    tuned = tune(sample, grid, 20, np.arange(1.0, 7), endpoint_seed(1, "os"))
    assert tuned.scores[0] == tuned.scores[1]
    assert tuned.chosen == 0


def test_partial_dependence_falls_with_a_hazard_and_is_flat_without() -> None:
    rng = np.random.default_rng(8)
    design = pd.DataFrame(
        {"risk": rng.integers(0, 2, 120).astype(float), "nothing": rng.normal(size=120)}
    )
    time = rng.exponential(np.where(design["risk"] == 1, 6, 24))
    risk, nothing = partial_dependence(
        design,
        time,
        np.ones(120, dtype=int),
        np.arange(120),
        hyperparameters=Hyperparameters(15, "all"),
        trees=60,
        months=[6.0, 12.0],
        seed=endpoint_seed(1, "os"),
    )
    assert risk.values.tolist() == [0.0, 1.0]
    # The truth at 6 and 12 months is exp(-6/24), exp(-12/24) and exp(-1), exp(-2); two standard
    # errors of a rate of sixty patients are 0.13.
    np.testing.assert_allclose(risk.survival, [[0.78, 0.61], [0.37, 0.14]], atol=0.13)
    assert risk.mortality[1] > 1.5 * risk.mortality[0]
    assert nothing.values.shape == (10,)
    assert set(np.float32(nothing.values)) <= set(np.float32(design["nothing"]))
    assert np.ptp(nothing.survival[:, 0]) < 0.25
    assert nothing.months.tolist() == [6.0, 12.0]


def test_partial_dependence_is_of_the_forest_that_is_reported() -> None:
    design, time, event = noise(60, seed=9)
    design["constant"] = 1.0
    options = {"trees": 40, "seed": endpoint_seed(1, "os")}
    (*_, constant) = partial_dependence(
        design,
        time,
        event,
        np.arange(60),
        hyperparameters=Hyperparameters(3),
        months=[3.0],
        **options,
    )
    sample = sample_of(design, time, event, np.arange(60))
    rng = np.random.default_rng(options["seed"])
    bags = forest._bags(sample.patient, 40, rng)
    trees = forest._grow(sample, bags, Hyperparameters(3), forest._states(40, rng), curves=False)
    risks, _ = forest._risks(trees, sample.matrix[np.newaxis], bags == 0)
    # Holding a column at its only value changes nothing: the mean of the out-of-bag risks.
    assert constant.mortality == pytest.approx([risks[0].mean()], rel=1e-12)


def test_partial_dependence_does_not_reach_beyond_the_last_time() -> None:
    design, time, event = noise(60, seed=9)
    with pytest.raises(NotEstimable, match=r"^nobody was followed that long$"):
        partial_dependence(
            design,
            time,
            event,
            np.arange(60),
            hyperparameters=Hyperparameters(3),
            trees=20,
            months=[1000.0],
            seed=endpoint_seed(1, "os"),
        )


def test_bad_options_are_named() -> None:
    with pytest.raises(ValueError, match="max_features 'most'; accepted: sqrt, all or a whole"):
        Hyperparameters(3, "most")
    design, time, event = noise(60, seed=9)
    sample = sample_of(design, time, event, np.arange(60))
    with pytest.raises(ValueError, match="no hyperparameters to choose among"):
        tune(sample, [], 20, np.arange(1.0, 7), endpoint_seed(1, "os"))
    with pytest.raises(NotEstimable, match=r"^nobody was followed that long$"):
        tune(sample, [Hyperparameters(3)], 20, np.array([1e3]), endpoint_seed(1, "os"))
    with pytest.raises(NotEstimable, match=r"^a time is negative$"):
        fit(design, -time, event)
    with pytest.raises(ValueError, match="no grid of times with step -1; accepted: 0 or more"):
        sample_of(design, time, event, np.arange(60), step=-1)


@pytest.mark.parametrize("repeats", [0, 1])
def test_one_permutation_has_no_standard_deviation(repeats: int) -> None:
    design = pd.DataFrame({"x": np.arange(12.0)})
    message = f"^{repeats} permutation per covariate; accepted: 2 or more$"
    with pytest.raises(ValueError, match=message):
        fit(design, np.arange(1, 13), np.ones(12, dtype=int), trees=5, repeats=repeats)
