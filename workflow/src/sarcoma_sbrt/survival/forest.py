"""A random survival forest grown on patients: concordance and importance out of bag."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sksurv.exceptions import NoComparablePairException
from sksurv.metrics import concordance_index_censored
from sksurv.tree import SurvivalTree
from sksurv.util import Surv

from sarcoma_sbrt.errors import NotEstimable

__all__ = ["MINIMUM_EVENTS", "Forest", "Importance", "endpoint_seed", "fit_forest"]

# Ten (the reason below says so in words): with fewer, the concordance is little more than
# the order of single patients.
MINIMUM_EVENTS = 10

_Matrix = NDArray[np.float32]
_Values = NDArray[np.float64]


@dataclass(frozen=True)
class Importance:
    """Permutation importance of one covariate.

    Attributes
    ----------
    name : str
        Column of the design.
    mean, sd : float
        Drop of the out-of-bag concordance when the column is permuted: mean and standard
        deviation over the permutations (not over other forests, nor over other patients).
    """

    name: str
    mean: float
    sd: float


@dataclass(frozen=True)
class Forest:
    """What a random survival forest says about these covariates.

    Attributes
    ----------
    concordance : float
        Harrell's C of the out-of-bag predictions.
    importances : tuple of Importance
        In the order of the design's columns.
    n, events, trees, repeats : int
    """

    concordance: float
    importances: tuple[Importance, ...]
    n: int
    events: int
    trees: int
    repeats: int


def endpoint_seed(seed: int, endpoint: str) -> np.random.SeedSequence:
    """Seed of one endpoint's forest: the root seed and the endpoint's name, nothing else."""
    return np.random.SeedSequence([seed, zlib.crc32(endpoint.encode())])


def fit_forest(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    trees: int,
    min_samples_leaf: int,
    repeats: int,
    seed: np.random.SeedSequence,
) -> Forest:
    """Random survival forest (Ishwaran et al. 2008) of scikit-survival's trees.

    Each tree is a `sksurv.tree.SurvivalTree`, grown as in scikit-survival's
    ``RandomSurvivalForest`` (log-rank splits, square root of the covariates tried at each
    split, bootstrap counts as weights) with one difference: the bootstrap draws patients, all
    lesions of a patient together. A row is predicted by the trees whose sample left its
    patient out, so no lesion is predicted from its patient's other lesions. Importance is
    Breiman's and Ishwaran's: the same trees predict the same rows again with one column
    permuted, and the concordance drops. Without any signal the concordance lies
    somewhat below one half: a row with an early event is predicted by trees that miss it.

    Parameters
    ----------
    design : DataFrame of float, shape (n, covariates)
        None missing. The result depends on the order of the columns.
    time : array_like, shape (n,)
        Observed times, in any one unit.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here.
    group : array_like, shape (n,)
        Patient of each row.
    trees, min_samples_leaf, repeats : int
        Size of the forest, smallest leaf (rows), permutations per covariate.
    seed : SeedSequence
        See `endpoint_seed`; not advanced.

    Raises
    ------
    NotEstimable
        With fewer than `MINIMUM_EVENTS` events, a patient whom no tree leaves out, or no
        comparable pair.
    ValueError
        When a covariate is missing.
    """
    if design.isna().to_numpy().any():
        raise ValueError("a covariate is missing; take complete cases first")
    times, events = np.asarray(time, dtype=float), np.asarray(event, dtype=float) == 1
    if events.sum() < MINIMUM_EVENTS:
        raise NotEstimable("fewer than ten events were observed")
    matrix = design.to_numpy(dtype=np.float32)
    rng = np.random.default_rng(seed)
    bags = _bags(np.unique(np.asarray(group), return_inverse=True)[1], trees, rng)
    forest = _grow(matrix, times, events, bags, min_samples_leaf, rng)
    variants = np.concatenate([matrix[np.newaxis], _permuted(matrix, repeats, rng)])
    predictions = _out_of_bag(forest, variants, bags)
    scores = np.array([_concordance(times, events, row) for row in predictions])
    drops = (scores[0] - scores[1:]).reshape(matrix.shape[1], repeats)
    return Forest(
        concordance=float(scores[0]),
        importances=tuple(
            Importance(str(name), float(drop.mean()), float(drop.std(ddof=1)))
            for name, drop in zip(design.columns, drops, strict=True)
        ),
        n=len(matrix),
        events=int(events.sum()),
        trees=trees,
        repeats=repeats,
    )


def _bags(group: NDArray[np.int64], trees: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """How often each row is in each tree's sample, shape (trees, n)."""
    count = int(group.max()) + 1
    draws = rng.integers(0, count, size=(trees, count))
    return np.stack([np.bincount(draw, minlength=count)[group] for draw in draws])


def _grow(
    matrix: _Matrix,
    times: _Values,
    events: NDArray[np.bool_],
    bags: NDArray[np.int64],
    min_samples_leaf: int,
    rng: np.random.Generator,
) -> list[SurvivalTree]:
    outcome = Surv.from_arrays(events, times)
    return [
        SurvivalTree(
            min_samples_leaf=min_samples_leaf,
            max_features="sqrt",
            low_memory=True,
            random_state=int(state),
        ).fit(matrix, outcome, sample_weight=bag.astype(float))
        for bag, state in zip(bags, rng.integers(0, 2**31 - 1, size=len(bags)), strict=True)
    ]


def _permuted(matrix: _Matrix, repeats: int, rng: np.random.Generator) -> _Matrix:
    """The matrix with one column permuted, shape (columns * repeats, n, columns)."""
    count = matrix.shape[1]
    variants = np.repeat(matrix[np.newaxis], count * repeats, axis=0)
    for i, variant in enumerate(variants):
        variant[:, i // repeats] = rng.permutation(variant[:, i // repeats])
    return variants


def _out_of_bag(forest: list[SurvivalTree], variants: _Matrix, bags: NDArray[np.int64]) -> _Values:
    """Mean prediction of the trees that left a row out, shape (variants, n)."""
    out = bags == 0
    if not out.any(axis=0).all():
        raise NotEstimable("a patient is in every tree's sample")
    flat = variants.reshape(-1, variants.shape[2])
    total = np.zeros(variants.shape[:2])
    for tree, left_out in zip(forest, out, strict=True):
        total += tree.predict(flat).reshape(total.shape) * left_out
    return np.asarray(total / out.sum(axis=0))


def _concordance(times: _Values, events: NDArray[np.bool_], risk: _Values) -> float:
    # Without a comparable pair scikit-survival raises, or divides by zero where times tie.
    with np.errstate(invalid="ignore"), contextlib.suppress(NoComparablePairException):
        score = float(concordance_index_censored(events, times, risk)[0])
        if np.isfinite(score):
            return score
    raise NotEstimable("no two observations can be compared")
