"""Statistics of the stage diagnostics: whether the Cox models' assumptions hold, and if not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns
from sarcoma_sbrt.settings import Analysis, Covariate, EndpointSettings
from sarcoma_sbrt.survival.cox import Term, complete_cases
from sarcoma_sbrt.survival.diagnostics import (
    FunctionalForm,
    Influence,
    ProportionalHazards,
    ProportionalityTest,
    Schoenfeld,
    functional_form,
    influence,
    proportional_hazards,
)
from sarcoma_sbrt.survival.nonproportional import Stratified, TimeVarying, remedies

__all__ = [
    "RECONSTRUCTED",
    "diagnostic_statistics",
    "diagnostic_summary",
    "schoenfeld_residuals",
    "spline_curves",
]

RECONSTRUCTED = "the values of single patients are reconstructed, not observed"


@dataclass(frozen=True)
class _Model:
    """One Cox model of one endpoint: what it is called and what it is fitted to."""

    name: str
    endpoint: EndpointSettings
    covariates: tuple[Covariate, ...]
    design: pd.DataFrame
    time: NDArray[np.float64]
    event: NDArray[np.int64]
    patients: NDArray[np.str_]
    columns: tuple[str, ...]
    analysis: Analysis

    @property
    def key(self) -> str:
        return f"diagnostics.{self.endpoint.name}.{self.name}"

    @property
    def clusters(self) -> NDArray[np.str_] | None:
        """Patients, where one may have several rows."""
        return self.patients if self.endpoint.unit == "lesion" else None

    @property
    def data(self) -> tuple[pd.DataFrame, NDArray[np.float64], NDArray[np.int64]]:
        return self.design, self.time, self.event

    @property
    def options(self) -> dict[str, Any]:
        """What every fit of the model is told."""
        labels = {covariate.name: covariate.in_sentence for covariate in self.covariates}
        analysis = self.analysis
        return {"level": analysis.confidence_level, "ties": analysis.ties, "labels": labels}

    @property
    def origin(self) -> dict[str, Any]:
        """What every record of the model says about where it comes from."""
        where = f"endpoints/{self.endpoint.name}"
        recorded = {"recorded": [covariate.name for covariate in self.covariates]}
        cases = complete_cases(*self.data)
        return {
            "columns": self.columns,
            "joint": True,
            "population": {"table": where, "filter": recorded},
            "rows": {"table": where, "where": recorded},
            "n": cases.n,
            "events": cases.events,
        }

    @property
    def hazards(self) -> str:
        return "cause-specific Cox" if self.endpoint.death == "competing" else "Cox"


def diagnostic_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
    *,
    observed: bool,
) -> list[Statistic]:
    """Diagnostics of every Cox model of one endpoint.

    Per covariate of a model: the test of proportional hazards, the largest influence of one
    patient, and how many patients exceed the bound; where the test fails, the hazard ratios of
    the models that do without the assumption; of a continuous covariate the test of its form.

    Parameters
    ----------
    endpoint : EndpointSettings
        Whose. With a competing event the hazards are cause-specific.
    table : DataFrame
        Endpoint table.
    design : DataFrame of float
        `survival_statistics.design_for` of it, with at least the models' covariates.
    analysis : Analysis
        Models, confidence level, ties, alpha and diagnostics.
    columns : tuple of str
        The endpoint's `survival_statistics.endpoint_columns`.
    observed : bool
        Whether single patients' values were observed: else their form means nothing.
    """
    found: list[Statistic] = []
    for model in _models(endpoint, table, design, analysis, columns):
        found += _proportionality(model)
        found += _influence(model)
        for covariate in model.covariates:
            if covariate.step is not None:
                found += _form(model, covariate, observed)
    return found


def diagnostic_summary(statistics: Iterable[Statistic], analysis: Analysis) -> list[Statistic]:
    """How many tests of single covariates there were and failed, over all endpoints.

    A model that the plan names twice is counted once. Empty without any model.

    Parameters
    ----------
    statistics : iterable of Statistic
        `diagnostic_statistics` of every endpoint.
    analysis : Analysis
        Which models there are, alpha and the bound of influence.
    """
    records = {statistic.key: statistic for statistic in statistics}
    terms = [
        f"diagnostics.{endpoint}.{model}.{name}"
        for endpoint in analysis.endpoints
        for model, names in analysis.cox_models(endpoint).items()
        for name in names
    ]
    if not terms:
        return []
    tests, moved, forms = (
        [records[f"{term}.{end}"] for term in terms if f"{term}.{end}" in records]
        for end in ("ph.p", "dfbetas", "spline.p")
    )
    used = dict.fromkeys(column for record in tests for column in record.columns)
    rest: dict[str, Any] = {"columns": tuple(used), "joint": True}
    return [
        Statistic(f"diagnostics.{name}", value, unit, method, **rest)
        for name, (value, unit, method) in _summed(tests, moved, forms, analysis).items()
    ]


def _summed(
    tests: Sequence[Statistic],
    moved: Sequence[Statistic],
    forms: Sequence[Statistic],
    analysis: Analysis,
) -> dict[str, tuple[float, Unit, str]]:
    """Value, unit and method of each summary; that of influence where there is any."""
    alpha, bound = analysis.alpha, analysis.diagnostics.influence_bound
    held, sizes, lines = _known(tests), _known(moved), _known(forms)
    found: dict[str, tuple[float, Unit, str]] = {
        "tests": (len(held), "count", "covariates of models with a test of their hazards"),
        "untested": (len(tests) - len(held), "count", "covariates of models without one"),
        "failed": (sum(p < alpha for p in held), "count", "tests with p below alpha"),
        "expected": (alpha * len(held), "ratio", "alpha times the number of tests"),
        "forms": (len(lines), "count", "continuous covariates of models tested by a spline"),
        "nonlinear": (sum(p < alpha for p in lines), "count", "of these with p below alpha"),
        "influenced": (
            sum(m > bound for m in sizes),
            "count",
            "coefficients that one patient moves more",
        ),
    }
    if sizes:
        found["largest_influence"] = (max(sizes), "ratio", f"largest absolute {_DFBETAS}")
    return found


def _known(records: Iterable[Statistic]) -> list[float]:
    return [float(record.value) for record in records if isinstance(record.value, float)]


# --- for the figures ----------------------------------------------------------------------

_RESIDUAL_COLUMNS = ("time_months", "transformed", "coefficient", "low", "high")


def schoenfeld_residuals(
    endpoint: EndpointSettings, table: pd.DataFrame, design: pd.DataFrame, analysis: Analysis
) -> pd.DataFrame:
    """Scaled Schoenfeld residuals of an endpoint's multivariable model, and their smooths.

    Parameters are those of `diagnostic_statistics`.

    Returns
    -------
    DataFrame
        Long: ``endpoint``, ``covariate``, ``kind`` (``residual``, one row per event, or
        ``smooth``), ``time_months``, ``transformed``, ``coefficient`` (log hazard ratio) and
        the smooth's band, ``low`` and ``high``. No rows without such a model, or where it cannot
        be fitted.
    """
    names = analysis.multivariable.get(endpoint.name, {}).get("multivariable", ())
    frames: list[pd.DataFrame] = []
    if names:
        model = _model("multivariable", names, endpoint, table, design, analysis, ())
        try:
            frames = [
                part.assign(endpoint=endpoint.name, covariate=residuals.name)
                for residuals in _tested(model).residuals
                for part in _drawn(residuals)
            ]
        except NotEstimable:
            frames = []
    order = ["endpoint", "covariate", "kind", *_RESIDUAL_COLUMNS]
    if not frames:
        return _empty(("endpoint", "covariate", "kind"), _RESIDUAL_COLUMNS)
    return pd.concat(frames, ignore_index=True)[order]


def _drawn(residuals: Schoenfeld) -> Iterator[pd.DataFrame]:
    shown = np.isfinite(residuals.coefficient)
    yield pd.DataFrame(
        {
            "kind": "residual",
            "time_months": residuals.time[shown],
            "transformed": residuals.transformed[shown],
            "coefficient": residuals.coefficient[shown],
            "low": np.nan,
            "high": np.nan,
        }
    )
    if (smooth := residuals.smooth) is not None:
        yield pd.DataFrame(
            {
                "kind": "smooth",
                "time_months": smooth.time,
                "transformed": smooth.transformed,
                "coefficient": smooth.coefficient,
                "low": smooth.low,
                "high": smooth.high,
            }
        )


_CURVE_COLUMNS = ("value", "hazard_ratio", "low", "high")


def spline_curves(
    endpoint: EndpointSettings, table: pd.DataFrame, design: pd.DataFrame, analysis: Analysis
) -> pd.DataFrame:
    """Curves of continuous covariates (`Analysis.continuous`) for the figure.

    Parameters are those of `diagnostic_statistics`.

    Returns
    -------
    DataFrame
        Long: ``endpoint``, ``model``, ``covariate``, ``value`` (in the covariate's own unit),
        ``hazard_ratio`` against the median value, ``low``, ``high``. One that cannot be estimated
        has no rows.
    """
    frames = []
    for name_of_endpoint, model_name, name in analysis.continuous:
        if name_of_endpoint != endpoint.name:
            continue
        adjusted = analysis.multivariable.get(endpoint.name, {})
        names = adjusted.get(model_name, (name,))
        model = _model(model_name, names, endpoint, table, design, analysis, ())
        try:
            form = _spline(model, name)
        except NotEstimable:
            continue
        frames.append(
            pd.DataFrame(
                {
                    "endpoint": endpoint.name,
                    "model": model_name,
                    "covariate": name,
                    "value": form.values * (analysis.covariates[name].step or 1.0),
                    "hazard_ratio": form.hazard_ratio,
                    "low": form.low,
                    "high": form.high,
                }
            )
        )
    if not frames:
        return _empty(("endpoint", "model", "covariate"), _CURVE_COLUMNS)
    return pd.concat(frames, ignore_index=True)


def _empty(texts: Iterable[str], values: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {name: pd.Series(dtype=object) for name in texts}
        | {name: pd.Series(dtype=float) for name in values}
    )


# --- models -------------------------------------------------------------------------------


def _models(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> Iterator[_Model]:
    for name in analysis.univariable.get(endpoint.name, ()):
        yield _model("univariable", (name,), endpoint, table, design, analysis, columns)
    for model, names in analysis.multivariable.get(endpoint.name, {}).items():
        yield _model(model, names, endpoint, table, design, analysis, columns)


def _model(
    model: str,
    names: tuple[str, ...],
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> _Model:
    covariates = tuple(analysis.covariates[name] for name in names)
    return _Model(
        name=model,
        endpoint=endpoint,
        covariates=covariates,
        design=design[list(names)],
        time=table["time_months"].to_numpy(dtype=float),
        event=table["event"].to_numpy(dtype=np.int64),
        patients=table["patient_id"].to_numpy(dtype=str),
        columns=tuple(dict.fromkeys((*columns, *covariate_columns(covariates)))),
        analysis=analysis,
    )


# --- proportional hazards -----------------------------------------------------------------


def _tested(model: _Model) -> ProportionalHazards:
    transform = model.analysis.diagnostics.transform
    return proportional_hazards(*model.data, transform=transform, **model.options)


def _proportionality(model: _Model) -> list[Statistic]:
    """Test of each covariate and, of several, of all together; remedies where one fails."""
    transform = model.analysis.diagnostics.transform
    method = f"score test of proportional hazards in a {model.hazards} model, {transform} transform"
    method += ", lesions taken as independent" if model.clusters is not None else ""
    names = [covariate.name for covariate in model.covariates]
    keys = [f"{model.key}.{name}.ph" for name in names]
    keys += [f"{model.key}.ph"] if len(names) > 1 else []
    try:
        found = _tested(model)
    except NotEstimable as reason:
        return _unknown(keys, _TEST, method, str(reason), model)
    tests = [*found.tests, found.overall]
    records = [r for key, t in zip(keys, tests, strict=False) for r in _test(key, t, method, model)]
    for name in found.failing(model.analysis.alpha):
        records += _remedies(model, model.analysis.covariates[name])
    return records


_TEST: Mapping[str, Unit] = {"chi_square": "chi-square", "p": "p"}
_RATIO: Mapping[str, Unit] = {"hr": "hazard ratio", "p": "p"}


def _test(key: str, test: ProportionalityTest, method: str, model: _Model) -> list[Statistic]:
    rest = model.origin | {"p": test.p}
    return [
        Statistic(f"{key}.chi_square", test.statistic, "chi-square", method, **rest),
        Statistic(f"{key}.p", test.p, "p", method, **rest),
    ]


def _unknown(
    keys: Iterable[str], parts: Mapping[str, Unit], method: str, reason: str, model: _Model
) -> list[Statistic]:
    return [
        not_estimable(f"{key}.{part}", unit, method, reason, **model.origin)
        for key in keys
        for part, unit in parts.items()
    ]


# --- where they are not proportional ------------------------------------------------------


def _remedies(model: _Model, covariate: Covariate) -> list[Statistic]:
    """Hazard ratios of the models that do without the assumption for one covariate."""
    analysis, name = model.analysis, covariate.name
    # A continuous covariate is cut at its median to make strata.
    middle = float(np.median(complete_cases(*model.data).design[name]))
    found = remedies(
        *model.data,
        name,
        time_cuts=analysis.diagnostics.time_cuts_months,
        times=analysis.landmarks_months,
        value_cuts=() if covariate.step is None else (middle,),
        cluster=model.clusters,
        **model.options,
    )
    key = f"{model.key}.{name}"
    return [
        *_periods(f"{key}.piecewise", found.piecewise, model),
        *_log_time(f"{key}.log_time", found.log_time, model),
        *_stratified(f"{key}.stratified", found.stratified, model, covariate),
    ]


def _periods(key: str, found: TimeVarying | str, model: _Model) -> list[Statistic]:
    cuts = model.analysis.diagnostics.time_cuts_months
    keys = [f"{key}.period_{number}" for number in range(1, len(cuts) + 2)]
    method = f"{model.hazards} model, hazard ratio constant within periods"
    if isinstance(found, str):
        return [
            *_unknown(keys, _RATIO, method, found, model),
            *_unknown([f"{key}.change"], {"p": "p"}, method, found, model),
        ]
    records = [_change(key, found, method, model)]
    for of, period in zip(keys, found.periods, strict=True):
        records += _ratio(of, period.term, method, model)
        counted = "events within the period"
        rest = model.origin
        records.append(Statistic(f"{of}.events", period.events, "count", counted, **rest))
    return records


def _log_time(key: str, found: TimeVarying | str, model: _Model) -> list[Statistic]:
    times = model.analysis.landmarks_months
    method = f"{model.hazards} model, log hazard ratio linear in the logarithm of time"
    if isinstance(found, str):
        return [
            *_unknown([key], _at(_RATIO, times), method, found, model),
            *_unknown([f"{key}.change"], {"p": "p"}, method, found, model),
        ]
    ratios = [r for at, t in found.at for r in _ratio(key, t, method, model, f"_{at:g}m")]
    return [_change(key, found, method, model), *ratios]


def _at(parts: Mapping[str, Unit], times: Iterable[float]) -> dict[str, Unit]:
    """The same at each time, which stands last in a key."""
    return {f"{part}_{time:g}m": unit for time in times for part, unit in parts.items()}


def _stratified(
    key: str, found: Stratified | str, model: _Model, covariate: Covariate
) -> list[Statistic]:
    """Hazard ratios of the other covariates; a univariable model has none."""
    others = [other.name for other in model.covariates if other is not covariate]
    method = f"{model.hazards} model stratified by {covariate.in_sentence}"
    method += "" if covariate.step is None else ", cut at its median"
    if isinstance(found, str):
        return _unknown([f"{key}.{other}" for other in others], _RATIO, method, found, model)
    terms = found.model.terms
    return [r for term in terms for r in _ratio(f"{key}.{term.name}", term, method, model)]


def _ratio(key: str, term: Term, method: str, model: _Model, at: str = "") -> list[Statistic]:
    """Hazard ratio and p (at a time); clusters have them from their sandwich covariance."""
    of = term.robust or term
    how = "Wald" if term.robust is None else "Wald, sandwich covariance by patient"
    ci = Interval(of.low, of.high, model.analysis.confidence_level, how)
    rest = model.origin | {"p": of.p}
    return [
        Statistic(f"{key}.hr{at}", term.hazard_ratio, "hazard ratio", method, ci=ci, **rest),
        Statistic(f"{key}.p{at}", of.p, "p", method, **rest),
    ]


def _change(key: str, found: TimeVarying, method: str, model: _Model) -> Statistic:
    test = found.robust_wald or found.likelihood_ratio
    how = "likelihood ratio" if found.robust_wald is None else "Wald, sandwich covariance"
    said = f"{method}: test of no change ({how})"
    return Statistic(f"{key}.change.p", test.p, "p", said, **model.origin | {"p": test.p})


# --- influence ----------------------------------------------------------------------------

_DFBETAS = "change of a coefficient by one patient, to first order, in its standard errors"


def _influence(model: _Model) -> list[Statistic]:
    """Largest influence of a patient on each coefficient, and who exceeds the bound: how many."""
    bound = model.analysis.diagnostics.influence_bound
    method = f"largest absolute {_DFBETAS}"
    counted = "patients whose influence exceeds the bound"
    keys = [f"{model.key}.{covariate.name}" for covariate in model.covariates]
    parts: Mapping[str, Unit] = {"dfbetas": "ratio", "influential": "count"}
    try:
        found = influence(*model.data, cluster=model.patients, **model.options)
    except NotEstimable as reason:
        return _unknown(keys, parts, method, str(reason), model)
    records = []
    for key, size in zip(keys, _sizes(found), strict=True):
        most, beyond = float(size.max()), int((size > bound).sum())
        records.append(Statistic(f"{key}.dfbetas", most, "ratio", method, **model.origin))
        records.append(Statistic(f"{key}.influential", beyond, "count", counted, **model.origin))
    return records


def _sizes(found: Influence) -> NDArray[np.float64]:
    """Absolute influence, a row for each covariate."""
    sizes: NDArray[np.float64] = np.abs(found.standardised).T
    return sizes


# --- functional form ----------------------------------------------------------------------


def _form(model: _Model, covariate: Covariate, observed: bool) -> list[Statistic]:
    key = f"{model.key}.{covariate.name}.spline"
    knots = model.analysis.diagnostics.spline_knots
    how = "likelihood ratio" if model.clusters is None else "Wald, sandwich covariance by patient"
    method = f"restricted cubic spline of {knots} knots in a {model.hazards} model against the "
    method += f"straight line ({how})"
    if not observed:
        return _unknown([key], _TEST, method, RECONSTRUCTED, model)
    try:
        form = _spline(model, covariate.name)
    except NotEstimable as reason:
        return _unknown([key], _TEST, method, str(reason), model)
    test = form.robust_nonlinearity or form.nonlinearity
    rest = model.origin | {"p": test.p}
    return [
        Statistic(f"{key}.chi_square", test.statistic, "chi-square", method, **rest),
        Statistic(f"{key}.p", test.p, "p", method, **rest),
    ]


def _spline(model: _Model, name: str) -> FunctionalForm:
    knots = model.analysis.diagnostics.spline_knots
    return functional_form(*model.data, name, knots=knots, cluster=model.clusters, **model.options)
