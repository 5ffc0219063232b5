"""Statistics of the stages cox and forest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns
from sarcoma_sbrt.settings import Analysis, Covariate, EndpointSettings
from sarcoma_sbrt.survival.cox import CompleteCases, Cox, complete_cases, fit_cox
from sarcoma_sbrt.survival.forest import Forest, endpoint_seed, fit_forest

__all__ = ["cox_statistics", "forest_statistics", "model_names"]


@dataclass(frozen=True)
class _Model:
    """One model of one endpoint: what it is called, made of, and fitted to."""

    key: str
    endpoint: EndpointSettings
    covariates: tuple[Covariate, ...]
    cases: CompleteCases
    columns: tuple[str, ...]

    @property
    def origin(self) -> dict[str, Any]:
        """What every record of the model says about where it comes from."""
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


def model_names(endpoint: str, analysis: Analysis) -> tuple[str, ...]:
    """Covariates of any model of an endpoint, each once, in the plan's order."""
    asked = [*analysis.univariable.get(endpoint, ()), *analysis.forest.get(endpoint, ())]
    for names in analysis.multivariable.get(endpoint, {}).values():
        asked += names
    return tuple(dict.fromkeys(asked))


# --- cox ----------------------------------------------------------------------------------


def cox_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> list[Statistic]:
    """Every hazard ratio of one endpoint, univariable and by multivariable model.

    Parameters
    ----------
    endpoint : EndpointSettings
        Whose. With a competing event the hazards are cause-specific.
    table : DataFrame
        Endpoint table.
    design : DataFrame of float
        `survival_statistics.design_for` of it, with at least the endpoint's `model_names`.
    analysis : Analysis
        Models, confidence level and ties.
    columns : tuple of str
        The endpoint's `survival_statistics.endpoint_columns`.
    """
    found: list[Statistic] = []
    for name in analysis.univariable.get(endpoint.name, ()):
        key = f"cox.{endpoint.name}.univariable"
        found += _hazard_ratios(
            _model(key, endpoint, table, design, analysis, (name,), columns), analysis
        )
    for model_name, names in analysis.multivariable.get(endpoint.name, {}).items():
        key = f"cox.{endpoint.name}.{model_name}"
        model = _model(key, endpoint, table, design, analysis, names, columns)
        found += _hazard_ratios(model, analysis) + _size(model)
        found.append(_events_per_variable(model))
    return found


def _model(
    key: str,
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    names: tuple[str, ...],
    columns: tuple[str, ...],
) -> _Model:
    covariates = tuple(analysis.covariates[name] for name in names)
    return _Model(
        key=key,
        endpoint=endpoint,
        covariates=covariates,
        cases=complete_cases(
            design[list(names)],
            table["time_months"].to_numpy(dtype=float),
            table["event"].to_numpy(dtype=np.int64),
        ),
        columns=tuple(dict.fromkeys((*columns, *covariate_columns(covariates)))),
    )


def _cox_method(model: _Model, analysis: Analysis) -> str:
    kind = "cause-specific Cox" if model.endpoint.death == "competing" else "Cox"
    return f"{kind} model, {analysis.ties.capitalize()} ties, Wald limits and test"


def _hazard_ratios(model: _Model, analysis: Analysis) -> list[Statistic]:
    cases, method = model.cases, _cox_method(model, analysis)
    labels = {covariate.name: _in_sentence(covariate.label) for covariate in model.covariates}
    try:
        fit = fit_cox(
            cases.design,
            cases.time,
            cases.event,
            level=analysis.confidence_level,
            ties=analysis.ties,
            labels=labels,
        )
    except NotEstimable as reason:
        units: dict[str, Unit] = {"hr": "hazard ratio", "p": "p"}
        return [
            not_estimable(f"{model.key}.{c.name}.{end}", unit, method, str(reason), **model.origin)
            for c in model.covariates
            for end, unit in units.items()
        ]
    return [record for c in model.covariates for record in _terms(model, fit, c.name, method)]


def _terms(model: _Model, fit: Cox, name: str, method: str) -> list[Statistic]:
    term, key, rest = fit[name], f"{model.key}.{name}", model.origin | {"p": fit[name].p}
    ci = Interval(term.low, term.high, fit.level, "Wald")
    return [
        Statistic(f"{key}.hr", term.hazard_ratio, "hazard ratio", method, ci=ci, **rest),
        Statistic(f"{key}.p", term.p, "p", method, **rest),
    ]


def _in_sentence(label: str) -> str:
    """The label as it stands within a sentence; an abbreviation keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _size(model: _Model) -> list[Statistic]:
    counts = {"n": model.cases.n, "events": model.cases.events}
    return [
        Statistic(f"{model.key}.{name}", count, "count", "count of complete cases", **model.origin)
        for name, count in counts.items()
    ]


def _events_per_variable(model: _Model) -> Statistic:
    ratio = model.cases.events / len(model.covariates)
    method = "events per covariate of the model"
    return Statistic(f"{model.key}.events_per_variable", ratio, "ratio", method, **model.origin)


# --- forest -------------------------------------------------------------------------------


def forest_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> list[Statistic]:
    """Concordance and importances of one endpoint's random survival forest.

    Parameters are those of `cox_statistics`; the forest's columns are taken in the plan's
    order, on which its results depend. Empty for an endpoint for which none is planned.
    """
    names = analysis.forest.get(endpoint.name, ())
    if not names:
        return []
    key = f"forest.{endpoint.name}"
    model = _model(key, endpoint, table, design, analysis, names, columns)
    try:
        forest = _forest(model, table, analysis)
    except NotEstimable as reason:
        return _size(model) + _no_forest(model, str(reason))
    return _size(model) + _forest_records(model, forest)


def _forest(model: _Model, table: pd.DataFrame, analysis: Analysis) -> Forest:
    cases = model.cases
    return fit_forest(
        cases.design,
        cases.time,
        cases.event,
        table["patient_id"].to_numpy(dtype=str)[cases.kept],
        trees=analysis.trees,
        min_samples_leaf=analysis.min_samples_leaf,
        repeats=analysis.permutation_repeats,
        seed=endpoint_seed(analysis.seed, model.endpoint.name),
    )


_CONCORDANCE = "random survival forest, out-of-bag concordance (Harrell)"
_IMPORTANCE = "random survival forest, drop of the out-of-bag concordance by permutation"
_SD = "standard deviation over the permutations"


def _forest_records(model: _Model, forest: Forest) -> list[Statistic]:
    key, rest = model.key, model.origin
    found = [
        Statistic(f"{key}.concordance", forest.concordance, "concordance", _CONCORDANCE, **rest)
    ]
    for importance in forest.importances:
        name = f"{key}.importance.{importance.name}"
        found.append(Statistic(name, importance.mean, "importance", _IMPORTANCE, **rest))
        found.append(Statistic(f"{name}.sd", importance.sd, "importance", _SD, **rest))
    return found


def _no_forest(model: _Model, reason: str) -> list[Statistic]:
    records: list[tuple[str, Unit, str]] = [("concordance", "concordance", _CONCORDANCE)]
    for covariate in model.covariates:
        name = f"importance.{covariate.name}"
        records += [(name, "importance", _IMPORTANCE), (f"{name}.sd", "importance", _SD)]
    return [
        not_estimable(f"{model.key}.{name}", unit, method, reason, **model.origin)
        for name, unit, method in records
    ]
