"""Statistics of the stage forest: random survival forests, cross-validated beside Cox models."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns
from sarcoma_sbrt.settings import Analysis, Covariate, EndpointSettings, ForestPlan
from sarcoma_sbrt.survival.cox import CompleteCases, complete_cases
from sarcoma_sbrt.survival.cross_validation import (
    MODELS,
    CrossValidatedImportance,
    CrossValidation,
    ModelScores,
    Optimism,
    Resampling,
    Score,
    cox_optimism,
    forest_fold,
    gather,
)
from sarcoma_sbrt.survival.forest import (
    Forest,
    Hyperparameters,
    PartialDependence,
    Tuned,
    endpoint_seed,
    fit_forest,
    partial_dependence,
    sample_of,
    tune,
)
from sarcoma_sbrt.survival.performance import (
    Calibration,
    Capacity,
    calibration,
    capacity,
    evaluation_months,
)

__all__ = [
    "DEMANDS",
    "TRIED",
    "ForestResults",
    "fold_predictions",
    "forest_results",
    "forest_statistics",
]

# What is asked of the data, and the threshold of the plan that says how much.
DEMANDS = {
    "regression": "events_per_candidate",
    "forest": "forest_events_per_candidate",
    "validation": "validation_events",
    "calibration": "calibration_patients",
    "optimism": "optimism_patients",
}

# How many covariates a tree tries at each split, in words.
TRIED = {"sqrt": "the square root of the number of covariates", "all": "all covariates"}

_Outcome = tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.bool_], NDArray[Any]]


@dataclass(frozen=True)
class _Data:
    """Complete cases of one endpoint, and what every record of them says of its origin."""

    endpoint: EndpointSettings
    covariates: tuple[Covariate, ...]
    cases: CompleteCases
    patient: NDArray[Any]
    analysis: Analysis
    plan: ForestPlan
    columns: tuple[str, ...] = field(default=())

    @property
    def key(self) -> str:
        return f"forest.{self.endpoint.name}"

    @property
    def patients(self) -> int:
        return len(np.unique(self.patient))

    @property
    def outcome(self) -> _Outcome:
        """First arguments of every function of the forest."""
        return self.cases.design, self.cases.time, self.cases.event, self.patient

    @property
    def seed(self) -> np.random.SeedSequence:
        return endpoint_seed(self.analysis.seed, self.endpoint.name)

    @property
    def resampling(self) -> Resampling:
        given = self.plan.cross_validation
        return Resampling(
            repeats=given["repeats"],
            folds=given["folds"],
            trees=given["trees"],
            grid=self.grid,
            permutations=given["permutations"],
            minimum_at_risk=given["minimum_at_risk"],
            step=self.plan.step_months,
        )

    @property
    def grid(self) -> tuple[Hyperparameters, ...]:
        return tuple(Hyperparameters(leaf, tried) for leaf, tried in self.plan.grid)

    @property
    def origin(self) -> dict[str, Any]:
        where = f"endpoints/{self.endpoint.name}"
        recorded = {"recorded": [covariate.name for covariate in self.covariates]}
        return {
            "columns": self.columns,
            "joint": True,
            "population": {"table": where, "filter": recorded},
            "rows": {"table": where, "where": recorded},
            "n": self.cases.n,
            "events": self.cases.events,
        }

    def record(
        self, name: str, value: float | str, unit: Unit, method: str, **rest: Any
    ) -> Statistic:
        return Statistic(f"{self.key}.{name}", value, unit, method, **self.origin | rest)

    def lacking(self, name: str, unit: Unit, method: str, reason: str) -> Statistic:
        return not_estimable(f"{self.key}.{name}", unit, method, reason, **self.origin)

    def withheld(self, name: str, unit: Unit, method: str, reason: str) -> Statistic:
        """Record of what is not estimated because the plan asks for more data."""
        rest = self.origin | {"status": "not_available", "reason": reason}
        return Statistic(f"{self.key}.{name}", None, unit, method, **rest)


def _data(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...] = (),
) -> _Data | None:
    names, plan = analysis.forest.get(endpoint.name, ()), analysis.forest_plan
    if not names or plan is None:
        return None
    covariates = tuple(analysis.covariates[name] for name in names)
    cases = complete_cases(
        design[list(names)],
        table["time_months"].to_numpy(dtype=float),
        table["event"].to_numpy(dtype=np.int64),
    )
    return _Data(
        endpoint=endpoint,
        covariates=covariates,
        cases=cases,
        patient=table["patient_id"].to_numpy(dtype=str)[cases.kept],
        analysis=analysis,
        plan=plan,
        columns=tuple(dict.fromkeys((*columns, *covariate_columns(covariates)))),
    )


def fold_predictions(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    batch: int,
) -> list[dict[str, Any]]:
    """Predictions of one job's share of the folds; they are single patients', so private.

    Parameters
    ----------
    endpoint, table, design, analysis
        As for `forest_statistics`.
    batch : int
        Which share, from 0, of the ``batches`` that the plan names. No number depends on how
        many there are.

    Returns
    -------
    list of dict
        `cross_validation.forest_fold` of each fold; empty where no forest is planned.
    """
    data = _data(endpoint, table, design, analysis)
    if data is None:
        return []
    resampling, batches = data.resampling, data.plan.cross_validation["batches"]
    return [
        forest_fold(*data.outcome, resampling=resampling, repeat=r, fold=f, seed=data.seed)
        for r, f in resampling.batch(batch, batches)
    ]


@dataclass(frozen=True)
class ForestResults:
    """What one endpoint's forest gives.

    Attributes
    ----------
    statistics : list of Statistic
    predictions : dict
        Ready for JSON, and holding patients' predictions: private. What the statistics of the
        forest of all patients are computed from, so that they can be computed again:
        ``forest`` (``risks``: as they are, then permuted, by row; ``apparent``; ``untuned``),
        ``tuning`` (``months``; ``survival``: point of the grid by row by month), ``partial``
        (by covariate ``values``, ``risks`` and ``survival``, and ``months``) and, where there
        is one, ``optimism`` (``fitted`` coefficients, patients ``drawn``). Arrays are packed:
        ``shape``, ``type`` and, in base64, the bytes.
    """

    statistics: list[Statistic]
    predictions: dict[str, Any]


def forest_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
    folds: Iterable[Mapping[str, Any]],
) -> list[Statistic]:
    """Statistics of `forest_results`, without what they were computed from."""
    return forest_results(endpoint, table, design, analysis, columns, folds).statistics


def forest_results(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
    folds: Iterable[Mapping[str, Any]],
) -> ForestResults:
    """Every statistic of one endpoint's random survival forest, and the predictions behind them.

    The forest of all patients is tuned on them and grown with the chosen hyperparameters; how
    well forests that were tuned so predict patients whom they have not seen is what the
    cross-validation says.

    Parameters
    ----------
    endpoint : EndpointSettings
        Whose. A competing event is censored here.
    table : DataFrame
        Endpoint table.
    design : DataFrame of float
        `survival_statistics.design_for` of it, with at least the endpoint's
        ``analysis.forest``, in whose order the forest takes its columns.
    analysis : Analysis
        Sizes, grid, landmarks and confidence level.
    columns : tuple of str
        The endpoint's `survival_statistics.endpoint_columns`.
    folds : iterable of mapping
        `fold_predictions` of every batch, in whatever order.

    Returns
    -------
    ForestResults
        Empty for an endpoint for which no forest is planned.
    """
    data = _data(endpoint, table, design, analysis, columns)
    if data is None:
        return ForestResults([], {})
    found, reason = [*_capacity(data)], ""
    grown: _Grown | None = None
    try:
        grown = _grown(data)
        found += [*_of_forest(data, grown), *_of_dependence(data, grown)]
    except NotEstimable as error:
        reason = str(error)
        found += _not_grown(data, reason)
    validation: CrossValidation | None = None
    try:
        validation = _gathered(data, folds)
    except NotEstimable as error:
        reason = reason or str(error)
    found += [*_validated(data, validation, reason), *_calibrations(data, validation, reason)]
    optimism = _cox_optimism(data)
    found += _optimism(data, grown, optimism, reason)
    return ForestResults(found, _predictions(grown, optimism))


# --- what is stored -----------------------------------------------------------------------


def _predictions(grown: _Grown | None, optimism: Optimism | str) -> dict[str, Any]:
    stored: dict[str, Any] = {}
    if grown is not None:
        forest, tuned = grown.forest, grown.tuned
        stored["forest"] = {
            "risks": _packed(forest.risks),
            "apparent": _packed(forest.apparent_risks),
            "untuned": _packed(grown.untuned.risks[0]),
        }
        stored["tuning"] = {"months": tuned.months.tolist(), "survival": _packed(tuned.survival)}
        stored["partial"] = {"months": grown.months} | {
            "covariates": {curve.name: _curve(curve) for curve in grown.dependence}
        }
    if isinstance(optimism, Optimism):
        fitted, drawn = _packed(optimism.fitted), _packed(optimism.drawn)
        stored["optimism"] = {"fitted": fitted, "drawn": drawn}
    return stored


def _curve(curve: PartialDependence) -> dict[str, Any]:
    risks, survival = _packed(curve.row_risks), _packed(curve.row_survival)
    return {"values": curve.values.tolist(), "risks": risks, "survival": survival}


def _packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as JSON: exact, and a third of its digits' length."""
    kind = "<f8" if array.dtype.kind == "f" else "<i4"
    text = base64.b64encode(np.ascontiguousarray(array, dtype=kind).tobytes()).decode("ascii")
    return {"shape": list(array.shape), "type": kind, "base64": text}


# --- what the data carry ------------------------------------------------------------------


def _capacity(data: _Data) -> Iterator[Statistic]:
    counts = {
        "n": data.cases.n,
        "events": data.cases.events,
        "patients": data.patients,
        "candidates": len(data.covariates),
    }
    for name, count in counts.items():
        yield data.record(name, count, "count", "count of complete cases")
    found = _capacity_of(data)
    ratio, asked = found.events_per_candidate, "events per candidate covariate"
    yield data.record("capacity.events_per_candidate", ratio, "ratio", asked)
    carried = "candidate covariates that the events carry in a regression"
    yield data.record("capacity.covariates", found.covariates, "count", carried)
    for demand in found.demands:
        method = f"whether the data meet the plan's {DEMANDS[demand.name].replace('_', ' ')}"
        met = "yes" if demand.met else "no"
        yield data.record(f"capacity.{demand.name}.met", met, "text", method)


def _capacity_of(data: _Data) -> Capacity:
    asked = data.plan.thresholds
    return capacity(
        patients=data.patients,
        events=data.cases.events,
        candidates=len(data.covariates),
        events_per_candidate=asked["events_per_candidate"],
        forest_events_per_candidate=asked["forest_events_per_candidate"],
        validation_events=int(asked["validation_events"]),
        calibration_patients=int(asked["calibration_patients"]),
        optimism_patients=int(asked["optimism_patients"]),
    )


# --- the forest of all patients -----------------------------------------------------------

_CONCORDANCE = "random survival forest, out-of-bag concordance (Harrell)"
_JACKKNIFE = "infinitesimal jackknife over patients"
_UNTUNED = f"{_CONCORDANCE}, hyperparameters not tuned"
_IMPORTANCE = "random survival forest, drop of the out-of-bag concordance by permutation"
_SD = "standard deviation over the permutations"
_CHOICE = "least out-of-bag integrated Brier score on the grid"


@dataclass(frozen=True)
class _Grown:
    """Forests of all patients: the grid's, the chosen one, the untuned one, what it depends on."""

    tuned: Tuned
    forest: Forest
    untuned: Forest
    dependence: tuple[PartialDependence, ...]
    months: list[float]


def _grown(data: _Data) -> _Grown:
    tuned = _tuned(data)
    chosen = data.grid[tuned.chosen]
    forest = _fit(data, chosen, data.analysis.permutation_repeats)
    untuned = _fit(data, Hyperparameters(data.analysis.min_samples_leaf), repeats=2)
    last = float(data.cases.time.max())
    months = [month for month in data.analysis.landmarks_months if month <= last]
    return _Grown(tuned, forest, untuned, _dependence(data, chosen, months or [0.0]), months)


def _tuned(data: _Data) -> Tuned:
    # That there are too few events comes before what follows from it.
    sample = sample_of(*data.outcome, step=data.plan.step_months)
    least = data.plan.cross_validation["minimum_at_risk"]
    months = evaluation_months(data.cases.time, data.patient, minimum_at_risk=least)
    return tune(sample, data.grid, data.analysis.trees, months, data.seed)


def _fit(data: _Data, hyperparameters: Hyperparameters, repeats: int) -> Forest:
    return fit_forest(
        *data.outcome,
        trees=data.analysis.trees,
        min_samples_leaf=hyperparameters.min_samples_leaf,
        max_features=hyperparameters.max_features,
        repeats=repeats,
        seed=data.seed,
        step=data.plan.step_months,
    )


def _of_forest(data: _Data, grown: _Grown) -> Iterator[Statistic]:
    forest, untuned = grown.forest, grown.untuned
    yield data.record("concordance", forest.concordance, "concordance", _CONCORDANCE)
    yield data.record("concordance.se", forest.standard_error, "concordance", _JACKKNIFE)
    yield data.record("untuned.concordance", untuned.concordance, "concordance", _UNTUNED)
    chosen = forest.hyperparameters
    yield data.record("tuned.min_samples_leaf", chosen.min_samples_leaf, "count", _CHOICE)
    tried = TRIED[str(chosen.max_features)]
    yield data.record("tuned.max_features", tried, "text", _CHOICE)
    for importance in forest.importances:
        name = f"importance.{importance.name}"
        yield data.record(name, importance.mean, "importance", _IMPORTANCE)
        yield data.record(f"{name}.sd", importance.sd, "importance", _SD)


def _not_grown(data: _Data, reason: str) -> Iterator[Statistic]:
    records: list[tuple[str, Unit, str]] = [
        ("concordance", "concordance", _CONCORDANCE),
        ("concordance.se", "concordance", _JACKKNIFE),
        ("untuned.concordance", "concordance", _UNTUNED),
    ]
    for covariate in data.covariates:
        name = f"importance.{covariate.name}"
        records += [(name, "importance", _IMPORTANCE), (f"{name}.sd", "importance", _SD)]
    for name, unit, method in records:
        yield data.lacking(name, unit, method, reason)


# --- partial dependence -------------------------------------------------------------------

_FREE = "random survival forest, partial dependence: mean predicted chance, out of bag"
_MORTALITY = "random survival forest, partial dependence: mean expected number of events"
# Units of continuous covariates that have one of the registry's.
_UNITS: dict[str, Unit] = {"patients.age_years": "years", "derived.bed10_gy": "Gy"}


def _dependence(
    data: _Data, hyperparameters: Hyperparameters, months: Sequence[float]
) -> tuple[PartialDependence, ...]:
    return partial_dependence(
        *data.outcome,
        hyperparameters=hyperparameters,
        trees=data.analysis.trees,
        months=months,
        seed=data.seed,
        step=data.plan.step_months,
    )


def _of_dependence(data: _Data, grown: _Grown) -> Iterator[Statistic]:
    for covariate, curve in zip(data.covariates, grown.dependence, strict=True):
        yield from _points(data, covariate, curve, grown.months)


def _points(
    data: _Data, covariate: Covariate, curve: PartialDependence, months: Sequence[float]
) -> Iterator[Statistic]:
    for index, value in enumerate(curve.values):
        if covariate.step is None:
            name = f"partial.{covariate.name}.{'level' if value == 1 else 'reference'}"
        else:
            name = f"partial.{covariate.name}.point_{index}"
            unit, at = _UNITS.get(covariate.column, "ratio"), float(value * covariate.step)
            yield data.record(f"{name}.value", at, unit, "value at which the covariate is held")
        mortality = float(curve.mortality[index])
        yield data.record(f"{name}.mortality", mortality, "ratio", _MORTALITY)
        for place, month in enumerate(months):
            free = 100 * float(curve.survival[index, place])
            yield data.record(f"{name}.rate_{month:g}m", free, "percent", _FREE)


# --- cross-validation ---------------------------------------------------------------------

_NAMES = {"forest": "random survival forest", "cox": "Cox model", "kaplan_meier": "Kaplan-Meier"}
_UNSEEN = "of patients left out in nested, patient-grouped, repeated cross-validation"
_OVER_REPEATS = "central quantiles over the repeats of the cross-validation"
_WHOLE = "predictions are made at whole months"


def _gathered(data: _Data, folds: Iterable[Mapping[str, Any]]) -> CrossValidation:
    return gather(
        *data.outcome,
        folds,
        resampling=data.resampling,
        landmarks=[m for m in data.analysis.landmarks_months if float(m).is_integer()],
        level=data.analysis.confidence_level,
    )


def _validated(data: _Data, found: CrossValidation | None, reason: str) -> Iterator[Statistic]:
    for model in MODELS:
        scores = found.models[model] if found else _nothing(reason)
        yield from _model_scores(data, model, scores, reason)
    gain = found.concordance_gain if found else Score(None, reason=reason)
    method = f"Harrell's concordance of the forest less that of Cox, {_UNSEEN}"
    yield from _score(data, "cv.concordance_gain", gain, "concordance", method)
    yield from _unseen_importances(data, found, reason)
    if found is None:
        return
    yield data.record("cv.horizon", float(found.months[-1]), "months", "last month that is scored")
    folds = "folds of all repeats"
    yield data.record("cv.folds", len(data.resampling.tasks()), "count", folds)
    penalised = "folds in which a coefficient of the Cox model ran away and Firth's fit stands in"
    yield data.record("cv.penalised", found.penalised, "count", penalised)
    for index, count in enumerate(found.chosen):
        method = "folds in which tuning chose this point of the grid"
        yield data.record(f"cv.chosen.{index}.n", count, "count", method)


def _nothing(reason: str) -> ModelScores:
    none = Score(None, reason=reason)
    return ModelScores(none, none, none, none, {}, {})


def _model_scores(data: _Data, model: str, scores: ModelScores, reason: str) -> Iterator[Statistic]:
    of, name = f"{_NAMES[model]}, {{}} {_UNSEEN}", f"cv.{model}"
    plain: list[tuple[str, Score, Unit, str]] = [
        ("harrell", scores.harrell, "concordance", "Harrell's concordance"),
        ("uno", scores.uno, "concordance", "Uno's concordance"),
        ("integrated_brier", scores.integrated_brier, "score", "integrated Brier score"),
    ]
    for what, score, unit, words in plain:
        yield from _score(data, f"{name}.{what}", score, unit, of.format(words))
    if model != "kaplan_meier":
        words = "fall of the integrated Brier score against Kaplan-Meier's"
        yield from _score(data, f"{name}.gain", scores.gain, "percent", of.format(words), 100)
    for month in data.analysis.landmarks_months:
        missing = Score(None, reason=reason or _WHOLE)
        brier, auc = scores.brier.get(month, missing), scores.auc.get(month, missing)
        words = "area under the cumulative/dynamic curve"
        yield from _score(
            data, f"{name}.brier_{month:g}m", brier, "score", of.format("Brier score")
        )
        yield from _score(data, f"{name}.auc_{month:g}m", auc, "concordance", of.format(words))


def _unseen_importances(
    data: _Data, found: CrossValidation | None, reason: str
) -> Iterator[Statistic]:
    nothing = Score(None, reason=reason)
    importances = found.importances if found else _unknown(data.covariates, nothing)
    method = f"random survival forest, drop of Harrell's concordance by permutation, {_UNSEEN}"
    for importance in importances:
        name = f"cv.importance.{importance.name}"
        yield from _score(data, name, importance.score, "importance", method)


def _unknown(covariates: Iterable[Covariate], score: Score) -> tuple[CrossValidatedImportance, ...]:
    return tuple(CrossValidatedImportance(covariate.name, score) for covariate in covariates)


def _score(
    data: _Data, name: str, score: Score, unit: Unit, method: str, scale: float = 1.0
) -> Iterator[Statistic]:
    if score.value is None or score.low is None or score.high is None:
        yield data.lacking(name, unit, method, score.reason)
        return
    level = data.analysis.confidence_level
    ci = Interval(score.low * scale, score.high * scale, level, _OVER_REPEATS)
    yield data.record(name, score.value * scale, unit, method, ci=ci)
    if score.standard_error is not None:
        se = f"mean over the repeats of the {_JACKKNIFE}"
        yield data.record(f"{name}.se", score.standard_error, unit, se)


# --- calibration and optimism -------------------------------------------------------------

_SLOPE = f"calibration slope of the predictions {_UNSEEN}"
_DIFFERENCE = f"Kaplan-Meier less mean predicted chance {_UNSEEN}"


def _calibrations(data: _Data, found: CrossValidation | None, reason: str) -> Iterator[Statistic]:
    met = _capacity_of(data)["calibration"].met
    threshold = int(data.plan.thresholds["calibration_patients"])
    for model in ("forest", "cox"):
        name = f"calibration.{model}"
        if not met:
            few = f"there are fewer than {threshold} patients"
            yield data.withheld(f"{name}.slope", "ratio", _SLOPE, few)
            yield data.withheld(f"{name}.difference", "percent", _DIFFERENCE, few)
            continue
        try:
            yield from _calibrated(data, name, *_calibration(data, model, found, reason))
        except NotEstimable as error:
            yield data.lacking(f"{name}.slope", "ratio", _SLOPE, str(error))
            yield data.lacking(f"{name}.difference", "percent", _DIFFERENCE, str(error))


def _calibration(
    data: _Data, model: str, found: CrossValidation | None, reason: str
) -> tuple[Calibration, float]:
    if found is None:
        raise NotEstimable(reason)
    survival = found.survival[model]
    if survival is None:
        raise NotEstimable(found.models[model].harrell.reason)
    scored = [m for m in data.analysis.landmarks_months if m in found.months]
    month = float(scored[-1] if scored else found.months[-1])
    _, time, event, patient = data.outcome
    asked = data.plan.thresholds
    made = calibration(
        time,
        event,
        survival[:, list(found.months).index(month)],
        patient,
        horizon=month,
        groups=int(asked["calibration_groups"]),
        minimum_patients=int(asked["calibration_patients"]),
        level=data.analysis.confidence_level,
    )
    return made, month


def _calibrated(data: _Data, name: str, made: Calibration, month: float) -> Iterator[Statistic]:
    level = data.analysis.confidence_level
    wald = Interval(made.slope_low, made.slope_high, level, "Wald, clustered by patient")
    yield data.record(f"{name}.slope", made.slope, "ratio", _SLOPE, ci=wald)
    yield data.record(f"{name}.difference", 100 * made.difference, "percent", _DIFFERENCE)
    yield data.record(f"{name}.month", month, "months", "time of the predictions")
    for index, group in enumerate(made.groups, 1):
        of, rest = f"{name}.group_{index}", {"n": group.n, "events": group.events}
        told = "mean predicted chance of being free of the event"
        yield data.record(f"{of}.predicted", 100 * group.predicted, "percent", told, **rest)
        seen = "Kaplan-Meier rate of the group"
        if group.observed is None:
            yield data.lacking(f"{of}.observed", "percent", seen, group.reason)
            continue
        low, high = (None if end is None else 100 * end for end in (group.low, group.high))
        ci = Interval(low, high, level, "log-log")
        yield data.record(f"{of}.observed", 100 * group.observed, "percent", seen, ci=ci, **rest)


_APPARENT = "concordance (Harrell) on the data that the model was fitted to"
_OPTIMISM = {
    "cox": "bootstrap optimism of the concordance, patients drawn",
    "forest": "concordance when every tree predicts every row, less the out-of-bag one",
}


def _optimism(
    data: _Data, grown: _Grown | None, of_cox: Optimism | str, reason: str
) -> Iterator[Statistic]:
    if not _capacity_of(data)["optimism"].met:
        few = f"there are fewer than {int(data.plan.thresholds['optimism_patients'])} patients"
        for model, method in _OPTIMISM.items():
            yield data.withheld(f"optimism.{model}", "concordance", method, few)
        return
    if grown is None:
        yield data.lacking("optimism.forest", "concordance", _OPTIMISM["forest"], reason)
    else:
        forest = grown.forest
        excess = forest.apparent - forest.concordance
        yield data.record("optimism.forest", excess, "concordance", _OPTIMISM["forest"])
        yield data.record("apparent.forest", forest.apparent, "concordance", _APPARENT)
    yield from _of_optimism(data, of_cox)


def _cox_optimism(data: _Data) -> Optimism | str:
    """Optimism of the Cox model, or why there is none; empty where it is not asked for."""
    if not _capacity_of(data)["optimism"].met:
        return ""
    asked = data.plan.thresholds
    try:
        return cox_optimism(
            *data.outcome,
            resamples=int(asked["optimism_resamples"]),
            minimum_patients=int(asked["optimism_patients"]),
            seed=endpoint_seed(data.analysis.seed, f"{data.endpoint.name}.optimism"),
        )
    except NotEstimable as error:
        return str(error)


def _of_optimism(data: _Data, found: Optimism | str) -> Iterator[Statistic]:
    method = _OPTIMISM["cox"]
    if isinstance(found, str):
        yield data.lacking("optimism.cox", "concordance", method, found)
        return
    yield data.record("optimism.cox", found.optimism, "concordance", method)
    yield data.record("apparent.cox", found.apparent, "concordance", _APPARENT)
    corrected = "apparent concordance less its optimism"
    yield data.record("corrected.cox", found.corrected, "concordance", corrected)
