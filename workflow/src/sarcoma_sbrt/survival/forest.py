"""A random survival forest grown on patients: concordance, importance, partial dependence.

Times are in months; trees are grown on a grid of them, up to whose next step a time is rounded:
the number of distinct times decides how long a forest takes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sksurv.tree import SurvivalTree

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.kaplan_meier import NOT_FOLLOWED, observed
from sarcoma_sbrt.survival.performance import concordance, concordances, integrated_brier_score

__all__ = [
    "MINIMUM_EVENTS",
    "Forest",
    "Hyperparameters",
    "Importance",
    "PartialDependence",
    "Predictions",
    "Sample",
    "Tuned",
    "endpoint_seed",
    "fit_forest",
    "partial_dependence",
    "predict",
    "sample_of",
    "tune",
    "tune_forest",
]

# Ten (the reason below says so in words): with fewer, the concordance is little more than
# the order of single patients.
MINIMUM_EVENTS = 10

# Limits of the standard error's interval are not reported here; any level would do.
_LEVEL = 0.95

# Beyond this share of a step a time counts into the next one.
_ROUNDING = 1e-6

_Matrix = NDArray[np.float32]
_Values = NDArray[np.float64]
_Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Hyperparameters:
    """How a forest's trees are grown.

    Attributes
    ----------
    min_samples_leaf : int
        Smallest leaf, in rows.
    max_features : {'sqrt', 'all'} or int
        How many covariates are tried at each split.
    """

    min_samples_leaf: int
    max_features: str | int = "sqrt"

    def __post_init__(self) -> None:
        if self.max_features not in ("sqrt", "all") and not isinstance(self.max_features, int):
            raise ValueError(
                f"max_features {self.max_features!r}; accepted: sqrt, all or a whole number"
            )


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
    standard_error : float
        Its infinitesimal jackknife over patients.
    apparent : float
        Harrell's C when every tree predicts every row, those it was grown on too. What it
        exceeds the out-of-bag concordance by is optimism.
    importances : tuple of Importance
        In the order of the design's columns.
    n, events, trees, repeats : int
    hyperparameters : Hyperparameters
    risks : ndarray of float, shape (1 + columns * repeats, n)
        Out-of-bag risks of the rows as they are, then with each column permuted, the first
        column's permutations first. Single patients' predictions: private.
    apparent_risks : ndarray of float, shape (n,)
        Risks when every tree predicts every row; private too.
    """

    concordance: float
    standard_error: float
    apparent: float
    importances: tuple[Importance, ...]
    n: int
    events: int
    trees: int
    repeats: int
    hyperparameters: Hyperparameters
    risks: _Values = field(compare=False, repr=False)
    apparent_risks: _Values = field(compare=False, repr=False)


@dataclass(frozen=True)
class PartialDependence:
    """Out-of-bag predictions when a covariate has one value in every row, averaged over rows.

    Attributes
    ----------
    name : str
        Column of the design.
    values : ndarray of float, shape (k,)
        The column's distinct values, or its quantiles.
    mortality : ndarray of float, shape (k,)
        Mean of the forest's risk, the expected number of events (Ishwaran et al. 2008).
    survival : ndarray of float, shape (k, months)
        Mean chance of being free of the event.
    months : ndarray of float, shape (months,)
    row_risks : ndarray of float, shape (k, n)
        What `mortality` is the mean of. Single patients' predictions: private.
    row_survival : ndarray of float, shape (k, n, months)
        What `survival` is the mean of; private too.
    """

    name: str
    values: _Values
    mortality: _Values
    survival: _Values
    months: _Values
    row_risks: _Values
    row_survival: _Values


@dataclass(frozen=True)
class Sample:
    """Complete cases as trees take them.

    Attributes
    ----------
    names : tuple of str
        Columns of the matrix, in the order on which a forest depends.
    matrix : ndarray of float32, shape (n, covariates)
    time : ndarray of float, shape (n,)
        As observed, for the scores.
    event : ndarray of bool, shape (n,)
    patient : ndarray of int, shape (n,)
        0, 1, ...
    step : float
        Of the grid of times on which trees are grown, in months; 0 leaves the times as they are.
    """

    names: tuple[str, ...]
    matrix: _Matrix
    time: _Values
    event: NDArray[np.bool_]
    patient: _Counts
    step: float

    @property
    def events(self) -> int:
        """Rows with the event."""
        return int(self.event.sum())

    @property
    def patients(self) -> int:
        """How many patients there are."""
        return len(np.unique(self.patient))

    def rows(self, kept: NDArray[Any]) -> Sample:
        """Some of the rows."""
        codes = np.unique(self.patient[kept], return_inverse=True)[1]
        parts = self.matrix[kept], self.time[kept], self.event[kept]
        return Sample(self.names, *parts, codes, self.step)

    @property
    def grid_time(self) -> _Values:
        """Times up to the next step of the grid."""
        if not self.step:
            return self.time
        return np.maximum(np.ceil(self.time / self.step - _ROUNDING), 0.0) * self.step


@dataclass(frozen=True)
class Predictions:
    """Means over trees.

    Attributes
    ----------
    risk : ndarray of float, shape (n,)
        Sum of the cumulative hazard over the event times.
    survival : ndarray of float, shape (n, months)
    """

    risk: _Values
    survival: _Values


@dataclass(frozen=True)
class Tuned:
    """The best of a grid, by the out-of-bag integrated Brier score.

    Attributes
    ----------
    chosen : int
        Its place in the grid.
    scores : tuple of float
        Of every point of the grid; lower is better.
    trees : tuple of SurvivalTree
        The forest at the chosen point.
    survival : ndarray of float, shape (grid, n, months)
        Out-of-bag predictions that the scores are of. Single patients': private.
    months : ndarray of float, shape (months,)
        Where they were made.
    """

    chosen: int
    scores: tuple[float, ...]
    trees: tuple[SurvivalTree, ...]
    survival: _Values
    months: _Values


def endpoint_seed(seed: int, endpoint: str) -> np.random.SeedSequence:
    """Seed of one endpoint's forest: the root seed and the endpoint's name, nothing else."""
    return np.random.SeedSequence([seed, zlib.crc32(endpoint.encode())])


def sample_of(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    step: float = 1.0,
) -> Sample:
    """Complete cases, checked.

    Parameters
    ----------
    design : DataFrame of float, shape (n, covariates)
        None missing. A forest depends on the order of the columns.
    time : array_like, shape (n,)
        Observed times, in months.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here.
    group : array_like, shape (n,)
        Patient of each row.
    step : float
        Of the grid of times, in months; 0 leaves the times as they are.

    Raises
    ------
    NotEstimable
        With fewer than `MINIMUM_EVENTS` events, or a negative time.
    ValueError
        When anything is missing, or the step is negative.
    """
    if design.isna().to_numpy().any():
        raise ValueError("a covariate is missing; take complete cases first")
    if step < 0:
        raise ValueError(f"no grid of times with step {step:g}; accepted: 0 or more months")
    times, codes = observed(time, event)
    if (codes == 1).sum() < MINIMUM_EVENTS:
        raise NotEstimable("fewer than ten events were observed")
    return Sample(
        names=tuple(map(str, design.columns)),
        matrix=np.ascontiguousarray(design.to_numpy(dtype=np.float32)),
        time=times,
        event=codes == 1,
        patient=np.unique(np.asarray(group), return_inverse=True)[1],
        step=step,
    )


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
    max_features: str | int = "sqrt",
    step: float = 1.0,
) -> Forest:
    """Random survival forest (Ishwaran et al. 2008) of scikit-survival's trees.

    Each tree is a `sksurv.tree.SurvivalTree`, grown as in scikit-survival's
    ``RandomSurvivalForest`` (log-rank splits, bootstrap counts as weights) with one difference:
    the bootstrap draws patients, all lesions of a patient together. A row is predicted by the
    trees whose sample left its patient out, so no lesion is predicted from its patient's other
    lesions. Importance is Breiman's and Ishwaran's: the same trees predict the same rows again
    with one column permuted, and the concordance drops. Without any signal the concordance
    lies somewhat below one half: a row with an early event is predicted by trees that miss it.

    Parameters
    ----------
    design, time, event, group, step
        As for `sample_of`.
    trees, min_samples_leaf, repeats : int
        Size of the forest, smallest leaf (rows), permutations per covariate.
    max_features : {'sqrt', 'all'} or int
        Covariates tried at each split.
    seed : SeedSequence
        See `endpoint_seed`; not advanced.

    Raises
    ------
    NotEstimable
        With fewer than `MINIMUM_EVENTS` events, times that are all the same on the grid, a
        patient whom no tree leaves out, or no comparable pair.
    ValueError
        When a covariate is missing, or with fewer than 2 permutations, which have no
        standard deviation.
    """
    if repeats < 2:
        raise ValueError(f"{repeats} permutation per covariate; accepted: 2 or more")
    sample = sample_of(design, time, event, group, step=step)
    hyperparameters = Hyperparameters(min_samples_leaf, max_features)
    rng = np.random.default_rng(seed)
    bags = _bags(sample.patient, trees, rng)
    states = _states(trees, rng)
    variants = np.concatenate([sample.matrix[np.newaxis], _permuted(sample.matrix, repeats, rng)])
    grown = _grow(sample, bags, hyperparameters, states, curves=False)
    risks, apparent = _risks(grown, variants, _left_out(bags))
    scores = concordances(sample.time, sample.event, np.vstack([risks, apparent]))
    own = concordance(sample.time, sample.event, risks[0], level=_LEVEL, patient=sample.patient)
    drops = (scores[0] - scores[1:-1]).reshape(len(sample.names), repeats)
    return Forest(
        concordance=float(scores[0]),
        standard_error=own.standard_error,
        apparent=float(scores[-1]),
        importances=tuple(
            Importance(name, float(drop.mean()), float(drop.std(ddof=1)))
            for name, drop in zip(sample.names, drops, strict=True)
        ),
        n=len(sample.matrix),
        events=sample.events,
        trees=trees,
        repeats=repeats,
        hyperparameters=hyperparameters,
        risks=risks,
        apparent_risks=apparent,
    )


def partial_dependence(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    hyperparameters: Hyperparameters,
    trees: int,
    months: ArrayLike,
    seed: np.random.SeedSequence,
    points: int = 10,
    step: float = 1.0,
) -> tuple[PartialDependence, ...]:
    """Partial dependence (Friedman 2001) of the forest on each covariate, in the columns' order.

    Parameters
    ----------
    design, time, event, group, step, trees, seed
        As for `fit_forest`: with the same seed it is the same forest.
    months : array_like
        Times at which survival is predicted.
    points : int
        A covariate with at most so many distinct values takes each of them; another one that
        many observed quantiles from 5 to 95 percent, equally spaced.

    Raises
    ------
    NotEstimable
        As `fit_forest`, and when a month lies beyond the last observed time.
    """
    sample = sample_of(design, time, event, group, step=step)
    at = np.atleast_1d(np.asarray(months, dtype=float))
    if at.max() > sample.time.max():
        raise NotEstimable(NOT_FOLLOWED)
    grids = [_grid(column, points) for column in sample.matrix.T]
    rng = np.random.default_rng(seed)
    bags = _bags(sample.patient, trees, rng)
    grown = _grow(sample, bags, hyperparameters, _states(trees, rng))
    n, count = len(sample.matrix), sum(map(len, grids))
    rows = np.tile(np.arange(n), count)
    found = _mean(grown, _held(sample.matrix, grids), _left_out(bags), rows, at)
    risk, survival = found.risk.reshape(count, n), found.survival.reshape(count, n, len(at))
    means = risk.mean(axis=1), survival.mean(axis=1)
    ends = np.cumsum([len(grid) for grid in grids])
    spans = [slice(end - len(grid), end) for grid, end in zip(grids, ends, strict=True)]
    return tuple(
        PartialDependence(name, grid, means[0][own], means[1][own], at, risk[own], survival[own])
        for name, grid, own in zip(sample.names, grids, spans, strict=True)
    )


def tune_forest(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    grid: Sequence[Hyperparameters],
    trees: int,
    months: ArrayLike,
    seed: np.random.SeedSequence,
    step: float = 1.0,
) -> tuple[Hyperparameters, tuple[float, ...]]:
    """The grid's best hyperparameters for all patients, and every point's score; see `tune`."""
    sample = sample_of(design, time, event, group, step=step)
    tuned = tune(sample, grid, trees, np.asarray(months, dtype=float), seed)
    return grid[tuned.chosen], tuned.scores


def tune(
    sample: Sample,
    grid: Sequence[Hyperparameters],
    trees: int,
    months: _Values,
    seed: np.random.SeedSequence,
) -> Tuned:
    """Choose among hyperparameters by the out-of-bag integrated Brier score.

    Every tree leaves about 37 percent of the patients out, with all their lesions: the bootstrap
    is itself a resampling of patients, repeated as often as there are trees, and needs no
    inner cross-validation, which would cost its folds' number of forests more and
    leave each forest fewer patients. The Brier score is proper: unlike the concordance it does
    not reward a forest for ordering noise. All points of the grid get the same bootstrap samples;
    of equal scores the earlier one is taken.

    Parameters
    ----------
    sample : Sample
    grid : sequence of Hyperparameters
        One or more.
    trees : int
    months : ndarray of float
        Where survival is predicted; those beyond the sample's last time do not count.
    seed : SeedSequence
        Not advanced.
    """
    if not grid:
        raise ValueError("no hyperparameters to choose among")
    rng = np.random.default_rng(seed)
    bags, states = _bags(sample.patient, trees, rng), _states(trees, rng)
    at = months[months <= sample.time.max()]
    if not at.size:
        raise NotEstimable(NOT_FOLLOWED)
    rows, left_out = np.arange(len(sample.matrix)), _left_out(bags)
    best: tuple[SurvivalTree, ...] = ()
    scores: list[float] = []
    curves: list[_Values] = []
    for hyperparameters in grid:
        grown = tuple(_grow(sample, bags, hyperparameters, states))
        found = _mean(grown, sample.matrix, left_out, rows, at)
        score = integrated_brier_score(sample.time, sample.event, found.survival, at)
        if not scores or score < min(scores):
            best = grown
        scores.append(score)
        curves.append(found.survival)
    return Tuned(scores.index(min(scores)), tuple(scores), best, np.stack(curves), at)


def predict(trees: Sequence[SurvivalTree], points: ArrayLike, months: ArrayLike) -> Predictions:
    """What a forest predicts for new rows: the mean of all its trees.

    Parameters
    ----------
    trees : sequence of SurvivalTree
    points : array_like, shape (m, covariates)
    months : array_like
    """
    matrix = np.ascontiguousarray(points, dtype=np.float32)
    used, at = np.ones((len(trees), 1), dtype=bool), np.asarray(months, dtype=float)
    return _mean(trees, matrix, used, np.zeros(len(matrix), dtype=np.int64), at)


# --- growing ------------------------------------------------------------------------------


def _bags(group: _Counts, trees: int, rng: np.random.Generator) -> _Counts:
    """How often each row is in each tree's sample, shape (trees, n)."""
    count = int(group.max()) + 1
    draws = rng.integers(0, count, size=(trees, count))
    return np.stack([np.bincount(draw, minlength=count)[group] for draw in draws])


def _states(trees: int, rng: np.random.Generator) -> _Counts:
    return rng.integers(0, 2**31 - 1, size=trees)


def _left_out(bags: _Counts) -> NDArray[np.bool_]:
    out: NDArray[np.bool_] = bags == 0
    if not out.any(axis=0).all():
        raise NotEstimable("a patient is in every tree's sample")
    return out


def _grow(
    sample: Sample,
    bags: _Counts,
    hyperparameters: Hyperparameters,
    states: Sequence[int] | _Counts,
    *,
    curves: bool = True,
) -> Iterator[SurvivalTree]:
    """Trees one by one; without curves they predict the risk alone, and are much smaller."""
    months = sample.grid_time
    distinct = np.unique(months)
    if distinct.size < 2:
        raise NotEstimable("all times are the same on the forest's grid")
    # As the library prepares it: doing so anew for each tree takes longer than to grow it.
    outcome = (
        np.column_stack([months, sample.event.astype(float)]),
        distinct,
        np.isin(distinct, months[sample.event]),
    )
    tried = hyperparameters.max_features
    for bag, state in zip(bags, states, strict=True):
        yield SurvivalTree(
            min_samples_leaf=hyperparameters.min_samples_leaf,
            max_features=None if tried == "all" else tried,
            low_memory=not curves,
            random_state=int(state),
        ).fit(sample.matrix, outcome, sample_weight=bag.astype(float), check_input=False)


# --- predicting ---------------------------------------------------------------------------


def _mean(
    trees: Iterable[SurvivalTree],
    points: _Matrix,
    used: NDArray[np.bool_],
    column: _Counts,
    months: _Values,
) -> Predictions:
    """Mean over the trees that may predict a point.

    Parameters
    ----------
    trees : iterable of SurvivalTree
    points : ndarray, shape (m, covariates)
    used : ndarray of bool, shape (trees, k)
        Which trees may predict, and
    column : ndarray of int, shape (m,)
        which column of it holds for each point.
    months : ndarray of float
    """
    patterns, pattern = np.unique(points, axis=0, return_inverse=True)
    risk, survival = np.zeros(len(points)), np.zeros((len(points), len(months)))
    for tree, uses in zip(trees, used, strict=True):
        weight = uses[column]
        risk += tree.predict(patterns, check_input=False)[pattern] * weight
        survival += _curves(tree, patterns, months)[pattern] * weight[:, np.newaxis]
    count = used.sum(axis=0)[column]
    return Predictions(risk / count, survival / count[:, np.newaxis])


def _curves(tree: SurvivalTree, patterns: _Matrix, months: _Values) -> _Values:
    """Survival just after each month; 1 before the first observed time."""
    curves = tree.predict_survival_function(patterns, check_input=False, return_array=True)
    at = np.searchsorted(tree.unique_times_, months, side="right")
    return np.column_stack([np.ones(len(patterns)), curves])[:, at]


def _risks(
    trees: Iterable[SurvivalTree], variants: _Matrix, left_out: NDArray[np.bool_]
) -> tuple[_Values, _Values]:
    """Out-of-bag risks of every variant, shape (variants, n), and of the first from all trees."""
    patterns, pattern = np.unique(
        variants.reshape(-1, variants.shape[2]), axis=0, return_inverse=True
    )
    pattern = pattern.reshape(variants.shape[:2])
    total, apparent = np.zeros(variants.shape[:2]), np.zeros(variants.shape[1])
    for tree, out in zip(trees, left_out, strict=True):
        risk = tree.predict(patterns, check_input=False)[pattern]
        total += risk * out
        apparent += risk[0]
    return total / left_out.sum(axis=0), apparent / len(left_out)


def _permuted(matrix: _Matrix, repeats: int, rng: np.random.Generator) -> _Matrix:
    """The matrix with one column permuted, shape (columns * repeats, n, columns)."""
    count = matrix.shape[1]
    variants = np.repeat(matrix[np.newaxis], count * repeats, axis=0)
    for i, variant in enumerate(variants):
        variant[:, i // repeats] = rng.permutation(variant[:, i // repeats])
    return variants


def _grid(column: NDArray[np.float32], points: int) -> _Values:
    distinct = np.unique(column)
    if len(distinct) > points:
        shares = np.linspace(0.05, 0.95, points)
        distinct = np.unique(np.quantile(column, shares, method="inverted_cdf"))
    return distinct.astype(float)


def _held(matrix: _Matrix, grids: Sequence[_Values]) -> _Matrix:
    """The matrix once for each value of each grid, the grid's column held at the value."""
    variants = []
    for column, grid in enumerate(grids):
        for value in grid:
            variant = matrix.copy()
            variant[:, column] = value
            variants.append(variant)
    return np.concatenate(variants)
