"""Forests' statistics a second time, in plain numpy, from the predictions that were stored.

Sizes and demands are counted in the endpoint and covariate tables. Everything else is a measure of
predictions: it is computed again from what the forests and the Cox models beside them predicted for
each row (``results/private/forest/``), and says nothing of whether they were grown rightly.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.records import group_of, rows_of
from sarcoma_sbrt.settings import Analysis, Covariate, ForestPlan

__all__ = ["recompute"]

ENGINE = "plain numpy"

_Values = NDArray[np.float64]
_Flags = NDArray[np.bool_]

_MODELS = ("forest", "cox", "kaplan_meier")
_TRIED = {"sqrt": "the square root of the number of covariates", "all": "all covariates"}
# Below ten events no forest is grown.
_LEAST_EVENTS = 10
# Times that differ by so little are one time, as in R's aeqSurv.
_ONE_TIME = 1.5e-8
_POINTS = 10


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage ``forest``, by key.

    Parameters
    ----------
    materials : Materials
        ``predictions`` holds, for each endpoint, the folds of every batch (``<endpoint>_<batch>``)
        and the forest of all patients (``<endpoint>``).

    Returns
    -------
    dict of Second
        Without those whose predictions were not stored.
    """
    found: dict[str, Second] = {}
    for endpoint in materials.plan.analysis.forest:
        data = _data(materials, endpoint)
        if data is not None:
            found |= {f"forest.{endpoint}.{name}": second for name, second in _said(data)}
    return found


# --- what was analysed --------------------------------------------------------------------


@dataclass(frozen=True)
class _Data:
    """Rows with every covariate of one endpoint's forest, and what was predicted for them.

    `folds` has the tasks of the cross-validation, `whole` the stored predictions of the forest of
    all patients; None where they were not stored.
    """

    time: _Values
    event: _Flags
    patient: NDArray[Any]
    matrix: NDArray[np.float32]
    covariates: tuple[Covariate, ...]
    analysis: Analysis
    plan: ForestPlan
    folds: list[Mapping[str, Any]]
    whole: Mapping[str, Any] | None

    @property
    def n(self) -> int:
        return len(self.time)

    @property
    def events(self) -> int:
        return int(self.event.sum())

    @property
    def patients(self) -> int:
        return len(set(self.patient))

    def one(self, value: float | str | None, **rest: Any) -> Second:
        of_all: dict[str, Any] = {"engine": ENGINE, "n": self.n, "events": self.events}
        return Second(value, **of_all | rest)


def _data(materials: Materials, endpoint: str) -> _Data | None:
    analysis = materials.plan.analysis
    names, plan = analysis.forest[endpoint], analysis.forest_plan
    if not names or plan is None:
        return None
    covariates = tuple(analysis.covariates[name] for name in names)
    rows = rows_of(materials.endpoints[endpoint])
    coded = _coded(rows, materials, endpoint, covariates)
    kept = [at for at, values in enumerate(coded) if None not in values]
    return _Data(
        time=_settled(np.array([rows[at]["time_months"] for at in kept], dtype=float)),
        event=np.array([rows[at]["event"] == 1 for at in kept], dtype=bool),
        patient=np.array([rows[at]["patient_id"] for at in kept], dtype=str),
        matrix=np.array([coded[at] for at in kept], dtype=np.float32).reshape(-1, len(names)),
        covariates=covariates,
        analysis=analysis,
        plan=plan,
        folds=_folds(materials.predictions, endpoint),
        whole=materials.predictions.get(endpoint),
    )


def _coded(
    rows: Sequence[Mapping[str, Any]],
    materials: Materials,
    endpoint: str,
    covariates: Sequence[Covariate],
) -> list[list[float | None]]:
    """Covariates of each row of the endpoint table, as a forest takes them."""
    frame = materials.covariates[f"{materials.plan.endpoints[endpoint].unit}s"]
    names = [name for name in ("patient_id", "lesion_id") if name in frame]
    known = {tuple(row[name] for name in names): row for row in rows_of(frame)}
    units = [known[tuple(row[name] for name in names)] for row in rows]
    return [[_code(unit[c.column], c) for c in covariates] for unit in units]


def _code(value: Any, covariate: Covariate) -> float | None:
    if covariate.step is not None:
        return None if value is None else float(value) / covariate.step
    return group_of(value, covariate)


def _folds(predictions: Mapping[str, Any], endpoint: str) -> list[Mapping[str, Any]]:
    """Tasks of all batches, which are called ``os_0``, ``os_1`` and so on, in their order."""
    batches = [
        tasks
        for stem, tasks in predictions.items()
        if stem.rpartition("_")[0] == endpoint and stem.rpartition("_")[2].isdigit()
    ]
    tasks = [task for batch in batches for task in batch]
    return sorted(tasks, key=lambda task: (task["repeat"], task["fold"]))


def _settled(time: _Values) -> _Values:
    """Times, those that differ by rounding only made equal to the least of them."""
    if not time.size:
        return time
    distinct = np.unique(time)
    apart = np.r_[True, np.diff(distinct) > _ONE_TIME * np.abs(distinct).mean()]
    first = distinct[apart][np.cumsum(apart) - 1]
    return np.asarray(first[np.searchsorted(distinct, time)], dtype=float)


def _unpacked(stored: Mapping[str, Any]) -> NDArray[Any]:
    raw = np.frombuffer(base64.b64decode(stored["base64"]), dtype=stored["type"])
    return raw.reshape(stored["shape"])


def _said(data: _Data) -> Iterator[tuple[str, Second]]:
    yield from _sizes(data)
    if data.whole is not None:
        yield from _of_forest(data, data.whole)
        yield from _dependence(data, data.whole)
        yield from _optimism(data, data.whole)
    if data.folds:
        validation = _validation(data)
        yield from _validated(data, validation)
        yield from _calibrations(data, validation)


# --- sizes and what they carry ------------------------------------------------------------


def _sizes(data: _Data) -> Iterator[tuple[str, Second]]:
    counts = {
        "n": data.n,
        "events": data.events,
        "patients": data.patients,
        "candidates": len(data.covariates),
    }
    for name, count in counts.items():
        yield name, data.one(count)
    asked, ratio = data.plan.thresholds, data.events / len(data.covariates)
    yield "capacity.events_per_candidate", data.one(ratio)
    carried = math.floor(data.events / asked["events_per_candidate"])
    yield "capacity.covariates", data.one(carried)
    for name, met in _demands(data).items():
        yield f"capacity.{name}.met", data.one("yes" if met else "no")


def _demands(data: _Data) -> dict[str, bool]:
    asked, ratio = data.plan.thresholds, data.events / len(data.covariates)
    return {
        "regression": ratio >= asked["events_per_candidate"],
        "forest": ratio >= asked["forest_events_per_candidate"],
        "validation": data.events >= asked["validation_events"],
        "calibration": data.patients >= asked["calibration_patients"],
        "optimism": data.patients >= asked["optimism_patients"],
    }


# --- pairs --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pairs:
    """Pairs of rows of which one is known to have had its event before the other.

    A censoring at the time of an event is after it; rows of two folds are no pair.

    Attributes
    ----------
    first, second : ndarray of int, shape (pairs,)
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def concordant(self, risk: _Values) -> _Values:
        """1 where the earlier event had the higher risk, one half where the risks are equal."""
        early, late = risk[self.first], risk[self.second]
        return np.asarray((early > late) + 0.5 * (early == late), dtype=float)

    def concordance(self, risk: _Values, weight: _Values | None = None) -> float | None:
        """Harrell's C (Harrell et al. 1996), or with weights of the earlier rows Uno's."""
        weights = np.ones(len(self.first)) if weight is None else weight[self.first]
        total = float(weights.sum())
        return float(weights @ self.concordant(risk)) / total if total > 0 else None

    def standard_error(self, risk: _Values, patient: NDArray[Any]) -> float:
        """Infinitesimal jackknife of C over patients: a row's weight moves all its pairs."""
        value, agree = self.concordance(risk), self.concordant(risk)
        assert value is not None
        influence = np.zeros(len(risk))
        for rows in (self.first, self.second):
            np.add.at(influence, rows, (agree - value) / len(agree))
        whose = np.unique(patient, return_inverse=True)[1]
        return float(np.sqrt((np.bincount(whose, weights=influence) ** 2).sum()))


def _pairs(data: _Data, fold: NDArray[np.int64] | None = None) -> _Pairs:
    label = np.zeros(data.n, dtype=np.int64) if fold is None else fold
    firsts, seconds = [], []
    for row in np.flatnonzero(data.event):
        later = (data.time > data.time[row]) | ((data.time == data.time[row]) & ~data.event)
        others = np.flatnonzero(later & (label == label[row]))
        firsts.append(np.full(len(others), row))
        seconds.append(others)
    none = np.zeros(0, dtype=np.int64)
    return _Pairs(np.concatenate([none, *firsts]), np.concatenate([none, *seconds]))


# --- censoring ----------------------------------------------------------------------------


def _uncensored(data: _Data) -> Callable[[float, bool], float]:
    """Kaplan-Meier chance of being uncensored just before a time, or up to and with it.

    Who has the event at a time of censoring has left before the censored do.
    """
    times = np.unique(data.time[~data.event])
    factors = []
    for time in times:
        lost = int((~data.event & (data.time == time)).sum())
        factors.append(1 - lost / (lost + int((data.time > time).sum())))
    falls = np.array(factors)

    def chance(time: float, with_it: bool = False) -> float:
        return float(np.prod(falls[times <= time] if with_it else falls[times < time]))

    return chance


def _case_weights(data: _Data) -> _Values:
    """Inverse chance of being uncensored just before each event; 0 of the censored."""
    chance, weights = _uncensored(data), np.zeros(data.n)
    for row in np.flatnonzero(data.event):
        weights[row] = 1 / chance(data.time[row], False)
    return weights


def _brier(data: _Data, survival: _Values, month: float) -> float | None:
    """Brier score at a month (Graf et al. 1999), errors weighted for censoring."""
    if month > data.time.max():
        return None
    chance = _uncensored(data)
    had = data.event & (data.time <= month)
    # Whoever is censored at the month itself is known to be free of the event then.
    free = (data.time > month) | ((data.time == month) & ~data.event)
    weights = np.where(had, _case_weights(data), 0.0)
    weights[free] = 1 / chance(month, False)
    errors = np.where(had, survival**2, (1 - survival) ** 2)
    return float(weights @ errors / weights.sum())


def _integrated(data: _Data, survival: _Values, months: _Values) -> float | None:
    """Mean of the Brier score from 0, where it is 0, to the last month, by trapezoids."""
    scores = [_brier(data, survival[:, at], month) for at, month in enumerate(months)]
    known = [0.0, *(score for score in scores if score is not None)]
    if len(known) <= len(months):
        return None
    at = np.r_[0.0, months]
    return float(((at[1:] - at[:-1]) * (np.array(known[1:]) + known[:-1]) / 2).sum() / at[-1])


def _horizon(data: _Data) -> _Values | None:
    """Whole months at which enough patients are at risk; None where there is none."""
    longest: dict[str, float] = {}
    for name, time in zip(data.patient, data.time, strict=True):
        longest[name] = max(time, longest.get(name, 0.0))
    least = data.plan.cross_validation["minimum_at_risk"]
    ranked = sorted(longest.values(), reverse=True)
    if len(ranked) < least or ranked[least - 1] < 1:
        return None
    return np.arange(1, math.floor(ranked[least - 1]) + 1, dtype=float)


# --- the forest of all patients -----------------------------------------------------------


def _of_forest(data: _Data, whole: Mapping[str, Any]) -> Iterator[tuple[str, Second]]:
    if "forest" not in whole:
        yield from _no_forest(data)
        return
    stored, pairs = {k: _unpacked(v) for k, v in whole["forest"].items()}, _pairs(data)
    risks = stored["risks"]
    scores = np.array([pairs.concordance(risk) for risk in risks], dtype=float)
    yield "concordance", data.one(float(scores[0]))
    yield "concordance.se", data.one(pairs.standard_error(risks[0], data.patient))
    yield "untuned.concordance", data.one(pairs.concordance(stored["untuned"]))
    leaf, tried = data.plan.grid[_chosen(data, whole["tuning"])]
    yield "tuned.min_samples_leaf", data.one(leaf)
    yield "tuned.max_features", data.one(_TRIED[str(tried)])
    drops = (scores[0] - scores[1:]).reshape(len(data.covariates), -1)
    for covariate, drop in zip(data.covariates, drops, strict=True):
        name = f"importance.{covariate.name}"
        yield name, data.one(float(drop.mean()))
        yield f"{name}.sd", data.one(float(drop.std(ddof=1)))


def _no_forest(data: _Data) -> Iterator[tuple[str, Second]]:
    names = ["concordance", "concordance.se", "untuned.concordance"]
    for covariate in data.covariates:
        names += [f"importance.{covariate.name}", f"importance.{covariate.name}.sd"]
    for name in names:
        yield name, data.one(None)


def _chosen(data: _Data, tuning: Mapping[str, Any]) -> int:
    """Place in the grid of the least out-of-bag integrated Brier score, of equals the first."""
    months = np.array(tuning["months"], dtype=float)
    scores = [_integrated(data, survival, months) for survival in _unpacked(tuning["survival"])]
    return int(np.argmin(np.array(scores, dtype=float)))


def _dependence(data: _Data, whole: Mapping[str, Any]) -> Iterator[tuple[str, Second]]:
    if "partial" not in whole:
        return
    months, stored = whole["partial"]["months"], whole["partial"]["covariates"]
    for covariate, column in zip(data.covariates, data.matrix.T, strict=True):
        curve = stored[covariate.name]
        risks, survival = _unpacked(curve["risks"]), _unpacked(curve["survival"])
        for index, value in enumerate(_held(column)):
            name = f"partial.{covariate.name}.{_point(covariate, index, value)}"
            if covariate.step is not None:
                yield f"{name}.value", data.one(value * covariate.step)
            yield f"{name}.mortality", data.one(math.fsum(risks[index]) / data.n)
            for place, month in enumerate(months):
                free = math.fsum(survival[index, :, place]) / data.n
                yield f"{name}.rate_{month:g}m", data.one(100 * free)


def _point(covariate: Covariate, index: int, value: float) -> str:
    if covariate.step is not None:
        return f"point_{index}"
    return "level" if value == 1 else "reference"


def _held(column: NDArray[np.float32]) -> list[float]:
    """Values at which a covariate is held: its own, or so many of its observed quantiles."""
    ranked = sorted(column.tolist())
    distinct = sorted(set(ranked))
    if len(distinct) <= _POINTS:
        return distinct
    shares = np.linspace(0.05, 0.95, _POINTS)
    # The least observation that at least a share of all do not exceed.
    places = [max(math.ceil(len(ranked) * share - 1e-9), 1) for share in shares]
    return sorted({ranked[place - 1] for place in places})


# --- cross-validation ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Repeat:
    """What each row was predicted by the models that had not seen its patient."""

    pairs: _Pairs
    fold: NDArray[np.int64]
    risk: Mapping[str, _Values]
    survival: Mapping[str, _Values]
    permuted: _Values


@dataclass(frozen=True)
class _Validation:
    """All repeats; none where the folds say that there is no cross-validation."""

    months: _Values
    repeats: tuple[_Repeat, ...]

    def can(self, model: str) -> bool:
        """Whether a model could be fitted in every fold."""
        return bool(self.repeats) and all(model in repeat.survival for repeat in self.repeats)


def _validation(data: _Data) -> _Validation:
    months = _horizon(data)
    too_few = data.events < _LEAST_EVENTS or months is None
    if too_few or months is None or any("reason" in task for task in data.folds):
        return _Validation(np.zeros(0), ())
    numbers = sorted({task["repeat"] for task in data.folds})
    tasks = [[task for task in data.folds if task["repeat"] == number] for number in numbers]
    return _Validation(months, tuple(_repeat(data, of) for of in tasks))


def _repeat(data: _Data, tasks: Sequence[Mapping[str, Any]]) -> _Repeat:
    rows = [np.array(task["rows"], dtype=np.int64) for task in tasks]
    fold = np.zeros(data.n, dtype=np.int64)
    for at, own in enumerate(rows):
        fold[own] = at
    fitted = [m for m in _MODELS if not any("reason" in task[m] for task in tasks)]
    back = np.argsort(np.concatenate(rows))

    def gathered(model: str, what: str) -> _Values:
        return np.concatenate([np.array(task[model][what]) for task in tasks])[back]

    permuted = [np.array(task["forest"]["permuted"]).T for task in tasks]
    return _Repeat(
        pairs=_pairs(data, fold),
        fold=fold,
        risk={model: gathered(model, "risk") for model in fitted if model != "kaplan_meier"},
        survival={model: gathered(model, "survival") for model in fitted},
        permuted=np.concatenate(permuted)[back].T,
    )


def _validated(data: _Data, found: _Validation) -> Iterator[tuple[str, Second]]:
    for model in _MODELS:
        yield from _of_model(data, found, model)
    yield "cv.concordance_gain", _over(data, found, "cox", _concordance_gain)
    yield from _unseen_importances(data, found)
    if not found.repeats:
        return
    yield "cv.horizon", data.one(float(found.months[-1]))
    planned = data.plan.cross_validation
    yield "cv.folds", data.one(planned["repeats"] * planned["folds"])
    firth = sum(task["cox"].get("estimator") == "Firth" for task in data.folds)
    yield "cv.penalised", data.one(firth)
    for at in range(len(data.plan.grid)):
        chosen = [int(np.argmin(task["scores"])) for task in data.folds]
        yield f"cv.chosen.{at}.n", data.one(chosen.count(at))


def _of_model(data: _Data, found: _Validation, model: str) -> Iterator[tuple[str, Second]]:
    name, measures = f"cv.{model}", _measures(data, found, model)
    if model == "kaplan_meier":
        del measures["gain"]
    for what, measure in measures.items():
        yield f"{name}.{what}", _over(data, found, model, measure)
    if model != "kaplan_meier" and found.can(model) and _any_pair(found):
        errors = [r.pairs.standard_error(r.risk[model], data.patient) for r in found.repeats]
        yield f"{name}.harrell.se", data.one(float(np.mean(errors)))


_Measure = Callable[[_Repeat], float | None]


def _measures(data: _Data, found: _Validation, model: str) -> dict[str, _Measure]:
    measures: dict[str, _Measure] = {
        "harrell": lambda r: r.pairs.concordance(r.risk[model]) if model in r.risk else None,
        "uno": lambda r: _uno(data, found, r, model),
        "integrated_brier": lambda r: _integrated(data, r.survival[model], found.months),
        "gain": lambda r: _gain(data, found, r, model),
    }
    for month in data.analysis.landmarks_months:
        measures[f"brier_{month:g}m"] = partial(_brier_at, data, found, model, month)
        measures[f"auc_{month:g}m"] = partial(_area, data, found, model, month)
    return measures


def _any_pair(found: _Validation) -> bool:
    return all(len(repeat.pairs.first) for repeat in found.repeats)


def _over(data: _Data, found: _Validation, model: str, measure: _Measure) -> Second:
    """Mean of a measure over the repeats, and its central quantiles."""
    if not found.can(model):
        return data.one(None)
    values = [measure(repeat) for repeat in found.repeats]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return data.one(None)
    level = data.analysis.confidence_level
    low, high = (_quantile(known, share) for share in ((1 - level) / 2, (1 + level) / 2))
    return data.one(math.fsum(known) / len(known), low=low, high=high)


def _quantile(values: Sequence[float], share: float) -> float:
    """Quantile by linear interpolation between the ranked values (type 7)."""
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = min(math.floor(place), len(ranked) - 2) if len(ranked) > 1 else 0
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (place - below) * (ranked[above] - ranked[below])


def _uno(data: _Data, found: _Validation, repeat: _Repeat, model: str) -> float | None:
    """Uno's C (Uno et al. 2011) of events up to the horizon."""
    if model not in repeat.risk:
        return None
    starts = data.time <= found.months[-1]
    return repeat.pairs.concordance(repeat.risk[model], _case_weights(data) ** 2 * starts)


def _gain(data: _Data, found: _Validation, repeat: _Repeat, model: str) -> float | None:
    null = _integrated(data, repeat.survival["kaplan_meier"], found.months)
    own = _integrated(data, repeat.survival[model], found.months)
    return None if not null or own is None else 100 * (1 - own / null)


def _brier_at(
    data: _Data, found: _Validation, model: str, month: float, repeat: _Repeat
) -> float | None:
    at = np.flatnonzero(found.months == month)
    return _brier(data, repeat.survival[model][:, at[0]], month) if at.size else None


def _area(
    data: _Data, found: _Validation, model: str, month: float, repeat: _Repeat
) -> float | None:
    """Area under the cumulative/dynamic curve at a month (Uno et al. 2007), within folds."""
    at = np.flatnonzero(found.months == month)
    if model not in repeat.risk or not at.size:
        return None
    risk, weight = 1 - repeat.survival[model][:, at[0]], _case_weights(data)
    free = (data.time > month) | ((data.time == month) & ~data.event)
    area = total = 0.0
    for case in np.flatnonzero(data.event & (data.time <= month)):
        controls = risk[free & (repeat.fold == repeat.fold[case])]
        higher = (risk[case] > controls).sum() + 0.5 * (risk[case] == controls).sum()
        area += weight[case] * float(higher)
        total += weight[case] * len(controls)
    return area / total if total > 0 else None


def _concordance_gain(repeat: _Repeat) -> float | None:
    forest, cox = (repeat.pairs.concordance(repeat.risk[model]) for model in ("forest", "cox"))
    return None if forest is None or cox is None else forest - cox


def _unseen_importances(data: _Data, found: _Validation) -> Iterator[tuple[str, Second]]:
    for at, covariate in enumerate(data.covariates):

        def drop(repeat: _Repeat, own: int = at) -> float | None:
            known = repeat.pairs.concordance(repeat.risk["forest"])
            count = data.plan.cross_validation["permutations"]
            permuted = repeat.permuted[own * count : (own + 1) * count]
            scores = [repeat.pairs.concordance(risk) for risk in permuted]
            if known is None or None in scores:
                return None
            return math.fsum(known - (score or 0.0) for score in scores) / count

        yield f"cv.importance.{covariate.name}", _over(data, found, "forest", drop)


# --- calibration --------------------------------------------------------------------------


def _calibrations(data: _Data, found: _Validation) -> Iterator[tuple[str, Second]]:
    for model in ("forest", "cox"):
        name = f"calibration.{model}"
        made = _calibrated(data, found, model) if _demands(data)["calibration"] else None
        if made is None:
            yield f"{name}.slope", data.one(None)
            yield f"{name}.difference", data.one(None)
        else:
            yield from ((f"{name}.{part}", second) for part, second in made.items())


def _calibrated(data: _Data, found: _Validation, model: str) -> dict[str, Second] | None:
    """Calibration of the predictions' mean over the repeats (van Houwelingen 2000)."""
    if not found.can(model):
        return None
    landmarks = [m for m in data.analysis.landmarks_months if m in found.months]
    month = float(landmarks[-1] if landmarks else found.months[-1])
    curves = sum(repeat.survival[model] for repeat in found.repeats) / len(found.repeats)
    predicted = np.asarray(curves)[:, int(np.flatnonzero(found.months == month)[0])]
    overall, slope = _kaplan_meier(data, month), None
    if predicted.max() > predicted.min() and overall is not None:
        slope = _slope(data, predicted, month)
    if slope is None or overall is None:
        return None
    value, low, high = slope
    difference = 100 * (overall[0] - math.fsum(predicted) / data.n)
    return {
        "slope": data.one(value, low=low, high=high),
        "difference": data.one(difference),
        "month": data.one(month),
        **_calibration_groups(data, predicted, month),
    }


def _calibration_groups(data: _Data, predicted: _Values, month: float) -> dict[str, Second]:
    count, found = int(data.plan.thresholds["calibration_groups"]), {}
    edges = [_quantile(predicted.tolist(), at / count) for at in range(1, count)]
    member = np.array([sum(value > edge for edge in set(edges)) for value in predicted])
    for at, group in enumerate(sorted(set(member.tolist())), 1):
        rows = replace(
            data,
            time=data.time[member == group],
            event=data.event[member == group],
            patient=data.patient[member == group],
        )
        had = int((rows.event & (rows.time <= month)).sum())
        mean = 100 * math.fsum(predicted[member == group]) / rows.n
        found[f"group_{at}.predicted"] = rows.one(mean, events=had)
        seen = _kaplan_meier(rows, month)
        # Where nobody was followed so far, the record tells the sizes of the whole.
        own = {"n": rows.n, "events": had} if seen is not None else {}
        rate, low, high = seen or (None, None, None)
        told = {"low": _times_100(low), "high": _times_100(high)} if seen is not None else {}
        found[f"group_{at}.observed"] = data.one(_times_100(rate), **own, **told)
    return found


def _times_100(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _kaplan_meier(data: _Data, month: float) -> tuple[float, float | None, float | None] | None:
    """Kaplan-Meier estimate at a month with log-log limits; None beyond the follow-up."""
    survival, variance = 1.0, 0.0
    for time in np.unique(data.time[data.event & (data.time <= month)]):
        at_risk = int((data.time >= time).sum())
        died = int((data.event & (data.time == time)).sum())
        survival *= 1 - died / at_risk
        variance += died / (at_risk * (at_risk - died)) if died < at_risk else math.inf
    if month > data.time.max() and survival > 0:
        return None
    if not 0 < survival < 1:
        return survival, None, None
    z = NormalDist().inv_cdf((1 + data.analysis.confidence_level) / 2)
    reach = z * math.sqrt(variance) / abs(math.log(survival))
    return survival, survival ** math.exp(reach), survival ** math.exp(-reach)


def _slope(data: _Data, predicted: _Values, month: float) -> tuple[float, float, float] | None:
    """Cox coefficient (Efron) of log(-log S) up to a month, with limits clustered by patient."""
    edge = 0.5 / data.n
    x = np.log(-np.log(np.clip(predicted, edge, 1 - edge)))
    x = x - x.mean()
    time, event = np.minimum(data.time, month), data.event & (data.time <= month)
    coefficient = 0.0
    for _ in range(100):
        score, information, residual = _partial_likelihood(x, time, event, coefficient)
        if not information > 1e-12 or abs(coefficient) > 100:
            return None
        step = score / information
        coefficient += step
        if abs(step) < 1e-13 * max(1.0, abs(coefficient)):
            break
    _, information, residual = _partial_likelihood(x, time, event, coefficient)
    whose = np.unique(data.patient, return_inverse=True)[1]
    error = math.sqrt((np.bincount(whose, weights=residual) ** 2).sum()) / information
    reach = NormalDist().inv_cdf((1 + data.analysis.confidence_level) / 2) * error
    return coefficient, coefficient - reach, coefficient + reach


def _partial_likelihood(
    x: _Values, time: _Values, event: _Flags, coefficient: float
) -> tuple[float, float, _Values]:
    """Score, information and score residuals of one covariate, ties by Efron (1977)."""
    hazard = np.exp(coefficient * x)
    score = information = 0.0
    residual = np.zeros(len(x))
    for at in np.unique(time[event]):
        at_risk, died = time >= at, event & (time == at)
        count = int(died.sum())
        for k in range(count):
            # Of the tied, a part k / count has left already.
            weight = hazard * (at_risk - died * (k / count))
            total = weight.sum()
            mean = float(weight @ x / total)
            score += float(x[died].mean() - mean)
            information += float(weight @ (x - mean) ** 2 / total)
            residual += np.where(died, x - mean, 0.0) / count - weight / total * (x - mean)
    return score, information, residual


# --- optimism -----------------------------------------------------------------------------


def _optimism(data: _Data, whole: Mapping[str, Any]) -> Iterator[tuple[str, Second]]:
    if not _demands(data)["optimism"] or "forest" not in whole:
        yield "optimism.forest", data.one(None)
    else:
        stored, pairs = whole["forest"], _pairs(data)
        apparent = pairs.concordance(_unpacked(stored["apparent"]))
        own = pairs.concordance(_unpacked(stored["risks"])[0])
        known = apparent is not None and own is not None
        yield "optimism.forest", data.one((apparent or 0) - (own or 0) if known else None)
        yield "apparent.forest", data.one(apparent)
    if "optimism" not in whole:
        yield "optimism.cox", data.one(None)
        return
    yield from _of_resamples(data, whole["optimism"])


def _of_resamples(data: _Data, stored: Mapping[str, Any]) -> Iterator[tuple[str, Second]]:
    """Bootstrap optimism (Harrell et al. 1996) from each resample's patients and coefficients."""
    fitted, drawn = _unpacked(stored["fitted"]), _unpacked(stored["drawn"])
    matrix, names = data.matrix.astype(float), np.unique(data.patient)
    apparent = _pairs(data).concordance(matrix @ fitted[0])
    excess = []
    for coefficients, places in zip(fitted[1:], drawn, strict=True):
        rows = np.concatenate([np.flatnonzero(data.patient == names[at]) for at in places])
        resample = replace(data, time=data.time[rows], event=data.event[rows])
        risk = matrix @ coefficients
        there, here = _pairs(resample).concordance(risk[rows]), _pairs(data).concordance(risk)
        excess.append((there or 0.0) - (here or 0.0))
    optimism = math.fsum(excess) / len(excess)
    yield "optimism.cox", data.one(optimism)
    yield "apparent.cox", data.one(apparent)
    yield "corrected.cox", data.one(None if apparent is None else apparent - optimism)
