from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sksurv.datasets import load_veterans_lung_cancer
from sksurv.ensemble import RandomSurvivalForest
from sksurv.util import Surv

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival import forest
from sarcoma_sbrt.survival.forest import endpoint_seed, fit_forest


def fit(
    design: pd.DataFrame,
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray | None = None,
    trees: int = 100,
    seed: int = 1,
) -> forest.Forest:
    return fit_forest(
        design,
        time,
        event,
        np.arange(len(design)) if group is None else group,
        trees=trees,
        min_samples_leaf=3,
        repeats=10,
        seed=endpoint_seed(seed, "os"),
    )


def noise(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    design = pd.DataFrame(rng.normal(size=(n, 3)), columns=["a", "b", "c"])
    return design, rng.exponential(12, size=n), rng.integers(0, 2, size=n)


def veteran() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    covariates, outcome = load_veterans_lung_cancer()
    design = covariates[["Age_in_years", "Karnofsky_score", "Months_from_Diagnosis"]]
    return design, outcome["Survival_in_days"], outcome["Status"].astype(int)


def test_equals_scikit_survival_when_given_its_bootstrap_samples() -> None:
    design, time, event = veteran()
    matrix = design.to_numpy(dtype=np.float32)
    library = RandomSurvivalForest(
        n_estimators=60, min_samples_leaf=3, bootstrap=True, oob_score=True, random_state=4
    ).fit(matrix, Surv.from_arrays(event == 1, time))
    bags = np.stack([np.bincount(s, minlength=137) for s in library.estimators_samples_])

    class States:
        def integers(self, *_: int, size: int) -> list[int]:
            return [tree.random_state for tree in library.estimators_]

    trees = forest._grow(matrix, time, event == 1, bags, 3, States())
    predictions = forest._out_of_bag(trees, matrix[np.newaxis], bags)[0]
    np.testing.assert_array_equal(predictions, library.oob_prediction_)
    assert forest._concordance(time, event == 1, predictions) == library.oob_score_


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
    found = fit(design, time, event)
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
    with pytest.raises(NotEstimable, match=r"^no two observations can be compared$"):
        fit(design, np.full(40, 6.0), np.ones(40, dtype=int))


def test_a_missing_covariate_is_the_callers_mistake() -> None:
    design, time, event = noise(40, seed=1)
    design.loc[3, "a"] = np.nan
    with pytest.raises(ValueError, match="a covariate is missing; take complete cases first"):
        fit(design, time, event)
