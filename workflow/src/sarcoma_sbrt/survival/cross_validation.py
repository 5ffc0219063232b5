"""Nested, repeated cross-validation by patient of a forest, beside Cox and Kaplan-Meier.

Outside, patients are dealt into folds, again for every repeat; inside, hyperparameters are
chosen out of bag (`forest.tune`). A fold is one task (`forest_fold`) whose randomness depends
on its repeat and number alone, so tasks may run in any order, anywhere; `gather` puts them
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import MonotoneLikelihood, fit_cox, fit_firth_cox
from sarcoma_sbrt.survival.forest import Hyperparameters, Sample, predict, sample_of, tune
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier
from sarcoma_sbrt.survival.performance import (
    brier_scores,
    concordance,
    concordances,
    cumulative_dynamic,
    evaluation_months,
    integrated_brier_score,
    uno_concordance,
)

__all__ = [
    "MODELS",
    "CrossValidatedImportance",
    "CrossValidation",
    "ModelScores",
    "Optimism",
    "Resampling",
    "Score",
    "cox_optimism",
    "deal",
    "forest_fold",
    "gather",
    "task_seed",
]

MODELS = ("forest", "cox", "kaplan_meier")

_Values = NDArray[np.float64]
_Folds = NDArray[np.int64]

# Second part of a task's seed; a fold's number is added to the last.
_DEALING, _PERMUTING, _GROWING = 0, 1, 2

# A cumulative hazard of e^5 leaves nobody; beyond e^700 it would leave no number either.
_CERTAIN = 700.0

# More refits than this share must not fail, or what is left is a selection.
_FAILURES = 0.1


@dataclass(frozen=True)
class Resampling:
    """How the cross-validation is done.

    Attributes
    ----------
    repeats, folds : int
        Of the outer loop.
    trees : int
        Of every forest.
    grid : tuple of Hyperparameters
        What the inner loop chooses from, the plainest first: of equals the earlier is taken.
    permutations : int
        Per covariate and repeat.
    minimum_at_risk : int
        Patients at risk at the last month that is scored.
    step : float
        Of the forests' grid of times, in months; 0 leaves the times as they are.
    """

    repeats: int
    folds: int
    trees: int
    grid: tuple[Hyperparameters, ...]
    permutations: int
    minimum_at_risk: int
    step: float = 1.0

    def tasks(self) -> tuple[tuple[int, int], ...]:
        """Repeat and fold of every task."""
        return tuple((r, f) for r in range(self.repeats) for f in range(self.folds))

    def batch(self, number: int, batches: int) -> tuple[tuple[int, int], ...]:
        """Every `batches`-th task from `number` (0, 1, ...) on: what one job may do in one go.

        Loading the libraries takes as long as ten folds of fifty patients; the results do not
        depend on how many batches there are.
        """
        return self.tasks()[number::batches]


@dataclass(frozen=True)
class Score:
    """One measure over the repeats, or why there is none.

    Attributes
    ----------
    value : float or None
        Mean over the repeats.
    sd, low, high : float or None
        Standard deviation and central quantiles over the repeats: what another dealing of the
        same patients changes, not what other patients would.
    standard_error : float or None
        Mean over the repeats of the jackknife standard error over patients, where there is one.
    reason : str
        Why there is no value.
    """

    value: float | None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class ModelScores:
    """How one model predicted patients that it had not seen.

    Attributes
    ----------
    harrell, uno : Score
        Concordance, of pairs within a fold; Uno's up to the horizon. Kaplan-Meier predicts
        the same for everybody and has neither.
    integrated_brier : Score
        Up to the horizon.
    gain : Score
        1 - integrated Brier score / Kaplan-Meier's: above 0 where the covariates help.
    brier, auc : mapping of float to Score
        At each landmark, in months.
    """

    harrell: Score
    uno: Score
    integrated_brier: Score
    gain: Score
    brier: Mapping[float, Score]
    auc: Mapping[float, Score]


@dataclass(frozen=True)
class CrossValidatedImportance:
    """Drop of Harrell's C of unseen patients when one covariate is permuted.

    `score` is that of a repeat's mean over its permutations.
    """

    name: str
    score: Score


@dataclass(frozen=True)
class CrossValidation:
    """What `gather` makes of the folds.

    Attributes
    ----------
    models : mapping of str to ModelScores
        By `MODELS`.
    concordance_gain : Score
        Harrell's C of the forest minus that of Cox, repeat by repeat.
    importances : tuple of CrossValidatedImportance
        Of the forest, in the columns' order.
    chosen : tuple of int
        How often each point of the grid was chosen.
    penalised : int
        Folds in which the Cox fit was Firth's because a coefficient ran away.
    months : ndarray of float
        Whole months at which survival was predicted; the last is the horizon.
    survival : mapping of str to (ndarray of float, shape (n, months), or None)
        Prediction of each row while its patient was left out, mean over the repeats: for
        `performance.calibration`. None for a model that could not be fitted.
    n, patients, events : int
    """

    models: Mapping[str, ModelScores]
    concordance_gain: Score
    importances: tuple[CrossValidatedImportance, ...]
    chosen: tuple[int, ...]
    penalised: int
    months: _Values
    survival: Mapping[str, _Values | None]
    n: int
    patients: int
    events: int


# --- one fold -----------------------------------------------------------------------------


def task_seed(seed: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Child of a seed by its key alone: no other child need have been made before."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))


def deal(sample: Sample, folds: int, seed: np.random.SeedSequence) -> _Folds:
    """Fold of each row: patients dealt at random, those with an event first.

    Every fold gets as many patients as the next, and as many with an event, give or take one.

    Raises
    ------
    NotEstimable
        When a fold would be left without an event, or with fewer than two patients.
    """
    had = np.bincount(sample.patient, weights=sample.event) > 0
    if had.sum() < folds:
        raise NotEstimable(f"fewer than {folds} patients had an event, one for each fold")
    if len(had) < 2 * folds:
        raise NotEstimable(f"there are fewer than {2 * folds} patients, two for each fold")
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(np.flatnonzero(kind)) for kind in (had, ~had)])
    fold = np.empty(len(had), dtype=np.int64)
    fold[order] = np.arange(len(order)) % folds
    return fold[sample.patient]


def forest_fold(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    resampling: Resampling,
    repeat: int,
    fold: int,
    seed: np.random.SeedSequence,
) -> dict[str, Any]:
    """Fit every model without one fold's patients and predict them.

    Parameters
    ----------
    design, time, event, group
        As for `forest.sample_of`: all patients.
    resampling : Resampling
    repeat, fold : int
        From 0; see `Resampling.tasks`.
    seed : SeedSequence
        The endpoint's `forest.endpoint_seed`.

    Returns
    -------
    dict
        Ready for JSON, and holding patients' predictions: private. ``repeat`` and ``fold``;
        ``reason`` alone when these data allow no cross-validation; else ``rows`` (positions
        of the fold's rows), ``chosen`` and ``scores`` (place in the grid, inner scores),
        and per model ``risk``, ``survival`` (row by month), of the forest ``permuted``
        (covariates * permutations by row), of Cox ``estimator``, or its ``reason``.
    """
    task = {"repeat": repeat, "fold": fold}
    try:
        sample, months = _checked(design, time, event, group, resampling)
        dealt = deal(sample, resampling.folds, task_seed(seed, repeat, _DEALING))
        train, rows = sample.rows(dealt != fold), np.flatnonzero(dealt == fold)
        grown = tune(
            train,
            resampling.grid,
            resampling.trees,
            months,
            task_seed(seed, repeat, _GROWING + fold),
        )
    except NotEstimable as reason:
        return {**task, "reason": str(reason)}
    test = sample.matrix[rows]
    permuted = _permuted(sample, resampling, task_seed(seed, repeat, _PERMUTING))[:, rows]
    points = np.concatenate([test, permuted.reshape(-1, test.shape[1])])
    forest = predict(grown.trees, points, months)
    risks = forest.risk.reshape(-1, len(rows))
    return {
        **task,
        "rows": rows.tolist(),
        "chosen": grown.chosen,
        "scores": list(grown.scores),
        "forest": {
            "risk": risks[0].tolist(),
            "survival": forest.survival[: len(rows)].tolist(),
            "permuted": risks[1:].tolist(),
        },
        "cox": _cox_fold(train, test, months),
        "kaplan_meier": {"survival": [_null(train, months).tolist()] * len(rows)},
    }


def _checked(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    resampling: Resampling,
) -> tuple[Sample, _Values]:
    sample = sample_of(design, time, event, group, step=resampling.step)
    least = resampling.minimum_at_risk
    return sample, evaluation_months(sample.time, sample.patient, minimum_at_risk=least)


def _permuted(
    sample: Sample, resampling: Resampling, seed: np.random.SeedSequence
) -> NDArray[np.float32]:
    """One column permuted over all rows, shape (covariates * permutations, n, covariates).

    Over all rows, because a fold has too few to be shuffled among themselves.
    """
    rng, count = np.random.default_rng(seed), resampling.permutations
    variants = np.repeat(sample.matrix[np.newaxis], len(sample.names) * count, axis=0)
    for i, variant in enumerate(variants):
        variant[:, i // count] = rng.permutation(variant[:, i // count])
    return variants


def _null(train: Sample, months: _Values) -> _Values:
    curve = fit_kaplan_meier(train.time, train.event, level=0.95)
    return curve.survival[np.searchsorted(curve.times, months, side="right") - 1]


# --- Cox ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _CoxModel:
    """Coefficients (0 for a column that does not vary), and log of Breslow's cumulative hazard.

    On the log scale, because of a coefficient of 7 per unit of a covariate that spans 30 the
    libraries' sums keep no digit.
    """

    coefficients: _Values
    centre: _Values
    times: _Values
    log_hazard: _Values
    estimator: str

    def risk(self, matrix: NDArray[Any]) -> _Values:
        return np.asarray((matrix - self.centre) @ self.coefficients, dtype=float)

    def survival(self, matrix: NDArray[Any], months: _Values) -> _Values:
        at = np.searchsorted(self.times, months, side="right")
        log_hazard = np.r_[-np.inf, self.log_hazard][at] + self.risk(matrix)[:, np.newaxis]
        return np.asarray(np.exp(-np.exp(np.minimum(log_hazard, _CERTAIN))))


def _fit_cox(train: Sample) -> _CoxModel:
    """Efron's fit, Firth's where a coefficient runs away, without columns that do not vary."""
    matrix = train.matrix.astype(float)
    varies = np.ptp(matrix, axis=0) > 0
    if not varies.any():
        raise NotEstimable("no covariate varies")
    names = np.array(train.names)[varies]
    design = pd.DataFrame(matrix[:, varies], columns=names)
    try:
        fit = fit_cox(design, train.time, train.event, level=0.95)
    except MonotoneLikelihood:
        fit = fit_firth_cox(design, train.time, train.event, level=0.95)
    coefficients, centre = np.zeros(len(varies)), matrix.mean(axis=0)
    coefficients[varies] = [fit[name].coefficient for name in names]
    times, log_hazard = _breslow((matrix - centre) @ coefficients, train)
    return _CoxModel(coefficients, centre, times, log_hazard, fit.estimator)


def _breslow(risk: _Values, train: Sample) -> tuple[_Values, _Values]:
    """Sorted event times and log of the cumulative baseline hazard (Breslow 1974) at them."""
    order = np.argsort(train.time)
    times, event = train.time[order], train.event[order]
    at_risk = np.logaddexp.accumulate(risk[order][::-1])[::-1]
    first = np.searchsorted(times, times[event], side="left")
    return times[event], np.logaddexp.accumulate(-at_risk[first])


def _cox_fold(train: Sample, test: NDArray[Any], months: _Values) -> dict[str, Any]:
    try:
        model = _fit_cox(train)
    except NotEstimable as reason:
        return {"reason": str(reason)}
    return {
        "risk": model.risk(test).tolist(),
        "survival": model.survival(test, months).tolist(),
        "estimator": model.estimator,
    }


@dataclass(frozen=True)
class Optimism:
    """Harrell's C of a Cox model on its own data, and what is left on others.

    Attributes
    ----------
    apparent, optimism : float
        C of the fit to all rows; mean over the resamples of C there minus C on all rows.
    resamples : int
        How many could be fitted.
    fitted : ndarray of float, shape (1 + resamples, covariates)
        Coefficients of the fit to all rows, then of each resample.
    drawn : ndarray of int, shape (resamples, patients)
        Patients of each resample, by their place among the sorted ones.
    """

    apparent: float
    optimism: float
    resamples: int
    fitted: _Values = field(compare=False, repr=False)
    drawn: _Folds = field(compare=False, repr=False)

    @property
    def corrected(self) -> float:
        """Apparent C without its optimism."""
        return self.apparent - self.optimism


def cox_optimism(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    *,
    resamples: int,
    minimum_patients: int,
    seed: np.random.SeedSequence,
) -> Optimism:
    """Bootstrap optimism of a Cox model's C, patients drawn (Harrell et al. 1996).

    A forest's optimism is `Forest.apparent` minus its out-of-bag concordance: trees repeat the
    rows that they were grown on, and a bootstrap of them would still see two thirds of these.

    Parameters
    ----------
    design, time, event, group
        As for `forest.sample_of`.
    resamples : int
    minimum_patients : int
        With fewer there is no estimate.
    seed : SeedSequence
        Each resample has a child of its own.

    Raises
    ------
    NotEstimable
        With too few patients or events, or when more than a tenth of the resamples cannot be
        fitted.
    """
    sample = sample_of(design, time, event, group)
    if sample.patients < minimum_patients:
        raise NotEstimable(f"there are fewer than {minimum_patients} patients")
    found = [_optimism(sample, task_seed(seed, at)) for at in range(resamples)]
    kept = [value for value in found if value is not None]
    if len(kept) < (1 - _FAILURES) * resamples:
        raise NotEstimable("more than a tenth of the resamples cannot be fitted")
    model = _fit_cox(sample)
    return Optimism(
        apparent=_c(sample, model),
        optimism=float(np.mean([resample.optimism for resample in kept])),
        resamples=len(kept),
        fitted=np.stack([model.coefficients, *(resample.coefficients for resample in kept)]),
        drawn=np.stack([resample.drawn for resample in kept]),
    )


@dataclass(frozen=True)
class _Resample:
    """Patients drawn, what was fitted to them, and by how much it is worse on all."""

    drawn: _Folds
    coefficients: _Values
    optimism: float


def _optimism(sample: Sample, seed: np.random.SeedSequence) -> _Resample | None:
    drawn = np.random.default_rng(seed).integers(0, sample.patients, size=sample.patients)
    rows = np.concatenate([np.flatnonzero(sample.patient == patient) for patient in drawn])
    resample = sample.rows(rows)
    try:
        model = _fit_cox(resample)
        optimism = _c(resample, model) - _c(sample, model)
        return _Resample(drawn, model.coefficients, optimism)
    except NotEstimable:
        return None


def _c(sample: Sample, model: _CoxModel) -> float:
    return float(concordances(sample.time, sample.event, [model.risk(sample.matrix)])[0])


# --- all folds ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Repeat:
    """Predictions of every row, each made without its patient."""

    fold: _Folds
    risk: Mapping[str, _Values | None]
    survival: Mapping[str, _Values | None]
    permuted: _Values


def gather(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    group: ArrayLike,
    folds: Iterable[Mapping[str, Any]],
    *,
    resampling: Resampling,
    landmarks: Sequence[float],
    level: float,
) -> CrossValidation:
    """Scores of every model from what `forest_fold` returned, in whatever order.

    Predictions of a repeat are scored together, each row once. Concordance and the area under
    the curve compare rows of one fold only; weights for censoring come from all rows.

    Parameters
    ----------
    design, time, event, group, resampling
        Those of the folds.
    folds : iterable of mapping
        One for each of `Resampling.tasks`.
    landmarks : sequence of float
        Months at which Brier score and area under the curve are given.
    level : float
        Of the quantiles over the repeats and of standard errors' limits.

    Raises
    ------
    NotEstimable
        With the folds' reason.
    ValueError
        When a task is missing or there twice.
    """
    ordered = _ordered(folds, resampling)
    for task in ordered:
        if "reason" in task:
            raise NotEstimable(task["reason"])
    sample, months = _checked(design, time, event, group, resampling)
    size = resampling.folds
    repeats = [
        _repeat(sample, months, ordered[at : at + size]) for at in range(0, len(ordered), size)
    ]
    reasons = [task["cox"]["reason"] for task in ordered if "reason" in task["cox"]]
    failed = _failed(reasons, len(ordered))
    scored = _Scored(sample, months, tuple(repeats), level, failed, resampling.minimum_at_risk)
    return CrossValidation(
        models={model: scored.model(model, landmarks) for model in MODELS},
        concordance_gain=scored.gain_over_cox(),
        importances=scored.importances(resampling.permutations),
        chosen=tuple(
            sum(task["chosen"] == at for task in ordered) for at in range(len(resampling.grid))
        ),
        penalised=sum(task["cox"].get("estimator") == "Firth" for task in ordered),
        months=months,
        survival={model: _mean_survival(repeats, model) for model in MODELS},
        n=len(sample.time),
        patients=sample.patients,
        events=sample.events,
    )


def _ordered(folds: Iterable[Mapping[str, Any]], resampling: Resampling) -> list[Mapping[str, Any]]:
    tasks = sorted(folds, key=lambda task: (task["repeat"], task["fold"]))
    if tuple((task["repeat"], task["fold"]) for task in tasks) != resampling.tasks():
        raise ValueError("the folds are not one for each repeat and fold")
    return tasks


def _failed(reasons: Sequence[str], count: int) -> str:
    if not reasons:
        return ""
    return f"in {len(reasons)} of {count} folds there is no fit, the first because {reasons[0]}"


def _repeat(sample: Sample, months: _Values, tasks: Sequence[Mapping[str, Any]]) -> _Repeat:
    n = len(sample.time)
    fold = np.full(n, -1)
    for at, task in enumerate(tasks):
        fold[task["rows"]] = at

    def collected(model: str, what: str, *shape: int) -> _Values | None:
        if any("reason" in task[model] for task in tasks):
            return None
        values = np.full((n, *shape), np.nan)
        for task in tasks:
            values[task["rows"]] = np.asarray(task[model][what], dtype=float)
        return values

    count = len(tasks[0]["forest"]["permuted"])
    permuted = np.full((count, n), np.nan)
    for task in tasks:
        permuted[:, task["rows"]] = np.asarray(task["forest"]["permuted"], dtype=float)
    return _Repeat(
        fold=fold,
        risk={model: collected(model, "risk") for model in ("forest", "cox")},
        survival={model: collected(model, "survival", len(months)) for model in MODELS},
        permuted=permuted,
    )


def _mean_survival(repeats: Sequence[_Repeat], model: str) -> _Values | None:
    found = [repeat.survival[model] for repeat in repeats]
    kept = [survival for survival in found if survival is not None]
    return np.mean(kept, axis=0) if len(kept) == len(found) else None


@dataclass(frozen=True)
class _Scored:
    """The repeats, and how they are scored."""

    sample: Sample
    months: _Values
    repeats: tuple[_Repeat, ...]
    level: float
    failed: str
    minimum_at_risk: int

    def model(self, model: str, landmarks: Sequence[float]) -> ModelScores:
        return ModelScores(
            harrell=self._harrell(model),
            uno=self._over(model, lambda repeat: self._uno(repeat, model)),
            integrated_brier=self._over(model, lambda repeat: self._integrated(repeat, model)),
            gain=self._over(model, lambda repeat: self._gain(repeat, model)),
            brier={month: self._brier(model, month) for month in landmarks},
            auc={month: self._auc(model, month) for month in landmarks},
        )

    def gain_over_cox(self) -> Score:
        def difference(repeat: _Repeat) -> float:
            risks = [self._risk(repeat, model) for model in ("forest", "cox")]
            forest, cox = self._concordances(repeat, risks)
            return float(forest - cox)

        return self._over("cox", difference)

    def importances(self, permutations: int) -> tuple[CrossValidatedImportance, ...]:
        drops = []
        for repeat in self.repeats:
            scores = self._concordances(repeat, [self._risk(repeat, "forest"), *repeat.permuted])
            drops.append((scores[0] - scores[1:]).reshape(-1, permutations).mean(axis=1))
        return tuple(
            CrossValidatedImportance(name, _spread(values, self.level))
            for name, values in zip(self.sample.names, np.array(drops).T, strict=True)
        )

    def _concordances(self, repeat: _Repeat, risks: Sequence[_Values]) -> _Values:
        return concordances(self.sample.time, self.sample.event, np.array(risks), fold=repeat.fold)

    def _over(self, model: str, measure: Callable[[_Repeat], float]) -> Score:
        if model == "cox" and self.failed:
            return Score(None, reason=self.failed)
        try:
            return _spread([measure(repeat) for repeat in self.repeats], self.level)
        except NotEstimable as reason:
            return Score(None, reason=str(reason))

    def _harrell(self, model: str) -> Score:
        errors: list[float] = []

        def measure(repeat: _Repeat) -> float:
            found = concordance(
                self.sample.time,
                self.sample.event,
                self._risk(repeat, model),
                level=self.level,
                patient=self.sample.patient,
                fold=repeat.fold,
            )
            errors.append(found.standard_error)
            return found.value

        score = self._over(model, measure)
        if score.value is None:
            return score
        return Score(**{**asdict(score), "standard_error": float(np.mean(errors))})

    def _uno(self, repeat: _Repeat, model: str) -> float:
        return uno_concordance(
            self.sample.time,
            self.sample.event,
            self._risk(repeat, model),
            tau=float(self.months[-1]),
            fold=repeat.fold,
        )

    def _integrated(self, repeat: _Repeat, model: str) -> float:
        survival = np.asarray(repeat.survival[model])
        return integrated_brier_score(self.sample.time, self.sample.event, survival, self.months)

    def _gain(self, repeat: _Repeat, model: str) -> float:
        null = self._integrated(repeat, "kaplan_meier")
        if not null:
            raise NotEstimable("Kaplan-Meier predicts without error")
        return 1 - self._integrated(repeat, model) / null

    def _brier(self, model: str, month: float) -> Score:
        def measure(repeat: _Repeat) -> float:
            survival = np.asarray(repeat.survival[model])[:, self._at(month)]
            return float(brier_scores(self.sample.time, self.sample.event, survival, [month])[0])

        return self._over(model, measure)

    def _auc(self, model: str, month: float) -> Score:
        def measure(repeat: _Repeat) -> float:
            self._risk(repeat, model)
            risk = 1 - np.asarray(repeat.survival[model])[:, self._at(month)][:, 0]
            return cumulative_dynamic(
                self.sample.time, self.sample.event, risk, at=month, fold=repeat.fold
            )

        return self._over(model, measure)

    def _at(self, month: float) -> _Folds:
        found = np.flatnonzero(self.months == month)
        if not found.size:
            raise NotEstimable(f"fewer than {self.minimum_at_risk} patients are at risk then")
        return found

    def _risk(self, repeat: _Repeat, model: str) -> _Values:
        risk = repeat.risk.get(model)
        if risk is None:
            raise NotEstimable("Kaplan-Meier predicts the same for everybody")
        return risk


def _spread(values: Iterable[float], level: float) -> Score:
    found = np.array(list(values), dtype=float)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    sd = float(found.std(ddof=1)) if len(found) > 1 else None
    return Score(float(found.mean()), sd, float(low), float(high))
