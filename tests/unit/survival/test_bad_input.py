"""Data that no model can be made of: a finite result or a stated reason, from every function.

A warning is an error here as everywhere. A time that is missing is the caller's error and is
refused as such; what the data do not allow is `NotEstimable`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.competing import (
    cause_specific,
    compare_with_complement,
    fine_gray,
    fit_cumulative_incidence,
    gray_test,
)
from sarcoma_sbrt.survival.cox import fit_cox, fit_firth_cox
from sarcoma_sbrt.survival.cross_validation import Resampling, cox_optimism, forest_fold, gather
from sarcoma_sbrt.survival.diagnostics import functional_form, influence, proportional_hazards
from sarcoma_sbrt.survival.forest import (
    Hyperparameters,
    fit_forest,
    partial_dependence,
    tune_forest,
)
from sarcoma_sbrt.survival.kaplan_meier import (
    KaplanMeier,
    common_horizon,
    fit_kaplan_meier,
    reverse_kaplan_meier,
)
from sarcoma_sbrt.survival.logrank import (
    log_rank,
    log_rank_trend,
    observed_expected_hazard_ratio,
    pairwise_log_rank,
    peto_hazard_ratio,
)
from sarcoma_sbrt.survival.nonproportional import (
    log_time_effect,
    piecewise_effect,
    remedies,
    stratified_fit,
)
from sarcoma_sbrt.survival.performance import (
    brier_scores,
    calibration,
    concordance,
    concordances,
    cumulative_dynamic,
    evaluation_months,
    integrated_brier_score,
    uno_concordance,
)

LEVEL = 0.95
ROWS = 30
MONTHS = (3.0, 6.0)


@dataclass(frozen=True)
class Data:
    """Two rows a patient: a binary, an ordered and a continuous covariate, which is a risk too."""

    design: pd.DataFrame
    time: np.ndarray[Any, Any]
    code: np.ndarray[Any, Any]
    patient: np.ndarray[Any, Any]

    @property
    def group(self) -> np.ndarray[Any, Any]:
        return self.design["x"].to_numpy()

    @property
    def risk(self) -> np.ndarray[Any, Any]:
        return self.design["z"].to_numpy()

    @property
    def stratum(self) -> np.ndarray[Any, Any]:
        return self.design["y"].to_numpy()


def data(rows: int = ROWS, **changes: Any) -> Data:
    """Invented rows with nothing wrong, but for the changes (of a column or a field)."""
    rng = np.random.default_rng(11)
    x, y = np.resize([0.0, 1.0], rows), np.resize([1.0, 2.0, 3.0], rows)
    z = rng.normal(size=rows)
    usual: dict[str, Any] = {
        "x": x,
        "y": y,
        "z": z,
        "time": np.round(rng.exponential(8, size=rows), 1) + 0.1,
        "code": np.resize([1, 1, 0, 1, 2, 1, 0], rows),
        "patient": np.repeat([f"P{i:02d}" for i in range(rows)], 2)[:rows],
    }
    given = usual | {name: change(usual) for name, change in changes.items()}
    return Data(
        pd.DataFrame({name: given[name] for name in ("x", "y", "z")}),
        np.asarray(given["time"], dtype=float),
        np.asarray(given["code"], dtype=int),
        np.asarray(given["patient"]),
    )


def constant(value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda usual: np.resize([value], len(usual["x"]))


def first(count: int, value: float) -> Callable[[dict[str, Any]], Any]:
    """The times, the first of which are something else."""
    return lambda usual: np.r_[np.full(count, value), usual["time"][count:]]


CASES: dict[str, Data] = {
    "nothing wrong": data(),
    "no event in a group": data(code=lambda usual: np.where(usual["x"] == 1, 0, usual["code"])),
    "only competing events in a group": data(
        code=lambda usual: np.where(usual["x"] == 1, 2, usual["code"])
    ),
    "one level": data(x=constant(1.0)),
    "one level of everything": data(x=constant(1.0), y=constant(1.0), z=constant(1.0)),
    "complete separation": data(
        time=lambda usual: np.arange(ROWS) + 1.0 + 100 * (usual["x"] == 0), code=constant(1)
    ),
    "separation by a continuous covariate": data(
        z=lambda _: -np.arange(ROWS) * 1.0, time=lambda _: np.arange(ROWS) + 1.0
    ),
    "collinear": data(z=lambda usual: 2 * usual["x"] + usual["y"]),
    "all censored": data(code=constant(0)),
    "all competing": data(code=constant(2)),
    "all events": data(code=constant(1)),
    "fewer events than covariates": data(
        code=lambda usual: np.where(np.arange(ROWS) == 4, 1, np.where(usual["code"] == 2, 2, 0))
    ),
    "one event, the last": data(
        code=lambda usual: np.where(usual["time"] == usual["time"].max(), 1, 0)
    ),
    "events at time zero": data(time=first(8, 0.0)),
    "all times zero": data(time=constant(0.0)),
    "a negative time": data(time=first(1, -1.0)),
    "identical times": data(time=constant(5.0)),
    "identical times, all events": data(time=constant(5.0), code=constant(1)),
    "two times": data(time=lambda _: np.resize([5.0, 5.0, 7.0], ROWS)),
    "huge times": data(time=lambda usual: usual["time"] * 1e3),
    "tiny times": data(time=lambda usual: usual["time"] * 1e-12),
    "a huge covariate": data(z=lambda usual: usual["z"] * 1e12),
    "nobody": data(0),
    "a single patient": data(2),
    "a single observation": data(1),
    "two observations": data(2, code=constant(1), patient=lambda _: ["a", "b"]),
    "one cluster": data(patient=constant("P00")),
    "two clusters": data(patient=lambda _: np.resize(["a", "b"], ROWS)),
}


def rates(curve: KaplanMeier) -> Iterator[Callable[[], Any]]:
    yield lambda: curve
    yield lambda: [curve.rate(month) for month in MONTHS]
    yield lambda: [*curve.quartiles(), curve.median(limits="first_event", at_half="midpoint")]
    yield lambda: curve.restricted_mean(common_horizon([curve], MONTHS))


SEED = np.random.SeedSequence(1)
GRID = (Hyperparameters(3), Hyperparameters(5, "all"))
RESAMPLING = Resampling(repeats=1, folds=2, trees=12, grid=GRID, permutations=1, minimum_at_risk=4)


def forest_of(d: Data, fit: Callable[..., Any], **options: Any) -> Any:
    return fit(d.design, d.time, d.code, d.patient, seed=SEED, **options)


def cross_validated(d: Data) -> Any:
    def fold(number: int) -> Any:
        return forest_of(d, forest_fold, resampling=RESAMPLING, repeat=0, fold=number)

    return gather(
        d.design,
        d.time,
        d.code,
        d.patient,
        [fold(0), fold(1)],
        resampling=RESAMPLING,
        landmarks=MONTHS,
        level=LEVEL,
    )


def survival_of(d: Data) -> Any:
    """Predictions that are no more than finite, one a row and month."""
    return np.tile(1 / (1 + np.exp(np.clip(d.risk, -9, 9)))[:, np.newaxis], len(MONTHS))


def calibrated(d: Data) -> Any:
    return calibration(
        d.time,
        d.code,
        survival_of(d)[:, 0],
        d.patient,
        horizon=MONTHS[0],
        groups=3,
        minimum_patients=3,
        level=LEVEL,
    )


FUNCTIONS: dict[str, Callable[[Data], Any]] = {
    **{
        f"fit_kaplan_meier, {transform}": lambda d, t=transform: list(
            map(attempt, rates(fit_kaplan_meier(d.time, d.code, level=LEVEL, transform=t)))
        )
        for transform in ("log-log", "log", "plain")
    },
    "reverse_kaplan_meier": lambda d: list(
        map(attempt, rates(reverse_kaplan_meier(d.time, d.code, level=LEVEL)))
    ),
    "log_rank": lambda d: log_rank(d.time, d.code, d.group),
    "log_rank, stratified": lambda d: log_rank(d.time, d.code, d.group, strata=d.stratum),
    "log_rank_trend": lambda d: log_rank_trend(log_rank(d.time, d.code, d.stratum)),
    "peto_hazard_ratio": lambda d: peto_hazard_ratio(
        log_rank(d.time, d.code, d.group), of=1.0, level=LEVEL
    ),
    "observed_expected_hazard_ratio": lambda d: observed_expected_hazard_ratio(
        log_rank(d.time, d.code, d.group), of=1.0, level=LEVEL
    ),
    "pairwise_log_rank": lambda d: pairwise_log_rank(d.time, d.code, d.stratum),
    **{
        f"fit_cox, {ties}": lambda d, t=ties: fit_cox(
            d.design, d.time, d.code, level=LEVEL, ties=t, profile=True
        )
        for ties in ("efron", "breslow")
    },
    "fit_cox, clustered": lambda d: fit_cox(
        d.design, d.time, d.code, level=LEVEL, cluster=d.patient
    ),
    "fit_cox, stratified": lambda d: fit_cox(
        d.design[["x", "z"]], d.time, d.code, level=LEVEL, strata=d.stratum
    ),
    "fit_cox, one covariate": lambda d: fit_cox(
        d.design[["x"]], d.time, d.code, level=LEVEL, cluster=d.patient, profile=True
    ),
    "fit_firth_cox": lambda d: fit_firth_cox(d.design, d.time, d.code, level=LEVEL),
    "fit_firth_cox, one covariate": lambda d: fit_firth_cox(
        d.design[["x"]], d.time, d.code, level=LEVEL
    ),
    **{
        f"proportional_hazards, {transform}": lambda d, t=transform: proportional_hazards(
            d.design, d.time, d.code, level=LEVEL, transform=t
        )
        for transform in ("km", "rank", "identity", "log")
    },
    "influence": lambda d: influence(d.design, d.time, d.code, level=LEVEL),
    "influence, clustered": lambda d: influence(
        d.design, d.time, d.code, level=LEVEL, cluster=d.patient
    ),
    "functional_form": lambda d: functional_form(
        d.design, d.time, d.code, "z", level=LEVEL, knots=3
    ),
    "functional_form, clustered": lambda d: functional_form(
        d.design, d.time, d.code, "z", level=LEVEL, knots=3, cluster=d.patient
    ),
    "stratified_fit": lambda d: stratified_fit(d.design, d.time, d.code, "x", level=LEVEL),
    "piecewise_effect": lambda d: piecewise_effect(
        d.design, d.time, d.code, "x", level=LEVEL, cuts=[4.0], cluster=d.patient
    ),
    "log_time_effect": lambda d: log_time_effect(
        d.design, d.time, d.code, "x", level=LEVEL, times=MONTHS, cluster=d.patient
    ),
    "remedies": lambda d: remedies(
        d.design, d.time, d.code, "z", level=LEVEL, time_cuts=[4.0], value_cuts=[0.0]
    ),
    **{
        f"fit_cumulative_incidence, {transform}": lambda d, t=transform: incidences(d, t)
        for transform in ("log-log", "log", "plain")
    },
    "compare_with_complement": lambda d: compare_with_complement(
        d.time, d.code, times=MONTHS, level=LEVEL
    ),
    "gray_test": lambda d: gray_test(d.time, d.code, d.group),
    "gray_test, three groups": lambda d: gray_test(d.time, d.code, d.stratum),
    "cause_specific": lambda d: cause_specific(d.design, d.time, d.code, cause=2, level=LEVEL),
    "fine_gray": lambda d: fine_gray(d.design, d.time, d.code, level=LEVEL),
    "fine_gray, clustered": lambda d: fine_gray(
        d.design, d.time, d.code, level=LEVEL, ties="breslow", cluster=d.patient
    ),
    "fine_gray, one covariate": lambda d: fine_gray(d.design[["x"]], d.time, d.code, level=LEVEL),
    "concordance": lambda d: concordance(d.time, d.code, d.risk, level=LEVEL, patient=d.patient),
    "concordance, in folds": lambda d: concordance(
        d.time, d.code, d.risk, level=LEVEL, fold=d.stratum
    ),
    "concordances": lambda d: concordances(d.time, d.code, [d.risk, d.group]),
    "uno_concordance": lambda d: uno_concordance(d.time, d.code, d.risk, tau=MONTHS[-1]),
    "uno_concordance, in folds": lambda d: uno_concordance(
        d.time, d.code, d.risk, tau=MONTHS[-1], fold=d.stratum
    ),
    "cumulative_dynamic": lambda d: cumulative_dynamic(d.time, d.code, d.risk, at=MONTHS[0]),
    "evaluation_months": lambda d: evaluation_months(d.time, d.patient, minimum_at_risk=2),
    "brier_scores": lambda d: brier_scores(d.time, d.code, survival_of(d), MONTHS),
    "integrated_brier_score": lambda d: integrated_brier_score(
        d.time, d.code, survival_of(d), MONTHS
    ),
    "calibration": calibrated,
    "fit_forest": lambda d: forest_of(d, fit_forest, trees=12, min_samples_leaf=3, repeats=2),
    "tune_forest": lambda d: forest_of(d, tune_forest, grid=GRID, trees=12, months=MONTHS)[1],
    "partial_dependence": lambda d: forest_of(
        d, partial_dependence, hyperparameters=GRID[0], trees=12, months=MONTHS, points=3
    ),
    "cross_validation": cross_validated,
    "cox_optimism": lambda d: forest_of(d, cox_optimism, resamples=4, minimum_patients=3),
}


def incidences(d: Data, transform: str) -> Any:
    curves = fit_cumulative_incidence(d.time, d.code, level=LEVEL, transform=transform)
    return [curves, *(attempt(lambda m=month: curves.at(m)) for month in MONTHS)]


def attempt(statistic: Callable[[], Any]) -> Any:
    """The statistic, or why there is none."""
    try:
        return statistic()
    except NotEstimable as reason:
        return str(reason) or math.nan  # no reason is as bad as no number


# Where NaN says that something is undefined, as the attribute's docstring does.
UNDEFINED = {
    ("KaplanMeier", "lower"),
    ("KaplanMeier", "upper"),
    ("CumulativeIncidence", "lower"),
    ("CumulativeIncidence", "upper"),
    ("Schoenfeld", "coefficient"),
}


def not_finite(found: Any, where: str = "result") -> list[str]:
    """Paths of the numbers in a result that are not finite and not said to be undefined."""
    if is_dataclass(found) and not isinstance(found, type):
        kind = type(found).__name__
        return [
            path
            for field in fields(found)
            if (kind, field.name) not in UNDEFINED
            for path in not_finite(getattr(found, field.name), f"{where}.{field.name}")
        ]
    if isinstance(found, dict):
        return [p for key, value in found.items() for p in not_finite(value, f"{where}[{key!r}]")]
    if isinstance(found, (list, tuple)):
        return [p for at, value in enumerate(found) for p in not_finite(value, f"{where}[{at}]")]
    if isinstance(found, np.ndarray) and found.dtype.kind == "f":
        return [] if np.isfinite(found).all() else [where]
    return [where] if isinstance(found, float) and not math.isfinite(found) else []


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_bad_input_gives_a_finite_result_or_a_reason(function: str, case: str) -> None:
    assert not_finite(attempt(lambda: FUNCTIONS[function](CASES[case]))) == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_data_with_nothing_wrong_have_a_result(function: str) -> None:
    assert not isinstance(attempt(lambda: FUNCTIONS[function](CASES["nothing wrong"])), str)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_missing_time_is_the_callers_error(function: str) -> None:
    missing = data(time=first(1, math.nan))
    with pytest.raises(ValueError, match="missing"):
        FUNCTIONS[function](missing)


def test_every_public_function_that_takes_times_is_here() -> None:
    tested = {name.split(",")[0] for name in FUNCTIONS} | {"forest_fold", "gather"}
    imported = {
        name
        for name, value in globals().items()
        if callable(value)
        and getattr(value, "__module__", "").startswith("sarcoma_sbrt.survival")
        and not isinstance(value, type)
    }
    # what another function here calls
    assert imported - tested == {"common_horizon"}
