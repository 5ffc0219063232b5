"""Statistics of the stage cox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns
from sarcoma_sbrt.settings import Analysis, Covariate, EndpointSettings
from sarcoma_sbrt.survival.cox import (
    CompleteCases,
    Cox,
    GlobalTest,
    MonotoneLikelihood,
    Term,
    complete_cases,
    fit_cox,
    fit_firth_cox,
)

__all__ = ["cox_statistics", "model_names"]


@dataclass(frozen=True)
class _Model:
    """One model of one endpoint: what it is called, made of, and fitted to.

    `cluster` is the patient of each complete case where a patient may have several.
    """

    key: str
    endpoint: EndpointSettings
    covariates: tuple[Covariate, ...]
    cases: CompleteCases
    columns: tuple[str, ...]
    cluster: NDArray[np.str_] | None

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
    asked = [*analysis.univariable.get(endpoint, ())]
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

    A lesion endpoint's limits and tests have standard errors clustered by patient; those that
    take lesions as independent stand beside them. A coefficient that runs away is estimated
    with Firth's penalty; the record's reason says why.

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
    tabulated: list[tuple[_Model, Cox]] = []
    for name in analysis.univariable.get(endpoint.name, ()):
        key = f"cox.{endpoint.name}.univariable"
        model = _model(key, endpoint, table, design, analysis, (name,), columns)
        records, fit = _fitted(model, analysis, f"{key}.{name}")
        found += records
        tabulated += [] if fit is None else [(model, fit)]
    for model_name, names in analysis.multivariable.get(endpoint.name, {}).items():
        key = f"cox.{endpoint.name}.{model_name}"
        model = _model(key, endpoint, table, design, analysis, names, columns)
        records, fit = _fitted(model, analysis, key)
        found += records + _size(model)
        found.append(_events_per_variable(model))
        tabulated += [(model, fit)] if fit is not None and model_name == "multivariable" else []
    return found + _clustering(endpoint, tabulated, analysis)


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
    cases = complete_cases(
        design[list(names)],
        table["time_months"].to_numpy(dtype=float),
        table["event"].to_numpy(dtype=np.int64),
    )
    patients = table["patient_id"].to_numpy(dtype=str)[cases.kept]
    return _Model(
        key=key,
        endpoint=endpoint,
        covariates=covariates,
        cases=cases,
        columns=tuple(dict.fromkeys((*columns, *covariate_columns(covariates)))),
        cluster=patients if endpoint.unit == "lesion" else None,
    )


_CLUSTERED = "standard errors clustered by patient"
_INDEPENDENT = "lesions taken as independent"


@dataclass(frozen=True)
class _Inference:
    """What the limits and the p of a hazard ratio are, in the field's words."""

    limits: str
    errors: str = ""

    @property
    def interval(self) -> str:
        return ", ".join(filter(None, (self.limits, self.errors)))

    def method(self, model: _Model, ties: str) -> str:
        """Of the records: the model, its ties, and these."""
        penalty = "Firth's penalty, " if "penalised" in self.limits else ""
        tests = ", ".join(filter(None, (f"{self.limits} limits and test", self.errors)))
        return f"{_kind(model)}, {penalty}{ties.capitalize()} ties, {tests}"


def _kind(model: _Model) -> str:
    return f"{'cause-specific Cox' if model.endpoint.death == 'competing' else 'Cox'} model"


def _main(model: _Model) -> _Inference:
    """What the tables print: a lesion's standard errors are clustered by its patient."""
    return _Inference("Wald", "" if model.cluster is None else _CLUSTERED)


def _fitted(model: _Model, analysis: Analysis, key: str) -> tuple[list[Statistic], Cox | None]:
    """Records of a model, the whole of which is called `key`; and the model, if there is one."""
    try:
        fit, runaway = _estimated(model, analysis)
    except NotEstimable as reason:
        return _no_model(model, key, analysis, str(reason)), None
    found = [r for c in model.covariates for r in _terms(model, fit, c.name, runaway)]
    return found + _global_tests(model, fit, key), fit


def _estimated(model: _Model, analysis: Analysis) -> tuple[Cox, str]:
    """Fitted model and, where it is Firth's, why the likelihood alone has no maximum."""
    cases, level = model.cases, analysis.confidence_level
    labels = {covariate.name: covariate.in_sentence for covariate in model.covariates}
    try:
        fit = fit_cox(
            cases.design,
            cases.time,
            cases.event,
            level=level,
            ties=analysis.ties,
            labels=labels,
            cluster=model.cluster,
            profile=True,
        )
    except MonotoneLikelihood as runaway:
        return _penalised(model, level, labels, runaway), str(runaway)
    return fit, ""


def _penalised(
    model: _Model, level: float, labels: Mapping[str, str], runaway: MonotoneLikelihood
) -> Cox:
    cases = model.cases
    try:
        return fit_firth_cox(cases.design, cases.time, cases.event, level=level, labels=labels)
    except NotEstimable as reason:
        raise NotEstimable(f"{runaway}, and {reason}") from reason


def _no_model(model: _Model, key: str, analysis: Analysis, reason: str) -> list[Statistic]:
    method = _main(model).method(model, analysis.ties)
    units: dict[str, Unit] = {"hr": "hazard ratio", "p": "p"}
    found = [
        not_estimable(f"{model.key}.{c.name}.{end}", unit, method, reason, **model.origin)
        for c in model.covariates
        for end, unit in units.items()
    ]
    return found + [
        record
        for name in _tests(model)
        for record in _test_records(model, f"{key}.{name}", _TESTS[name], reason)
    ]


def _terms(model: _Model, fit: Cox, name: str, runaway: str) -> Iterator[Statistic]:
    """Hazard ratio and p of a covariate; beside them those with its other limits."""
    term, key = fit[name], f"{model.key}.{name}"
    if runaway:
        yield from _ratio(model, key, ("hr", "p"), term, fit, _Inference(fit.limits), runaway)
        return
    if term.robust is None:
        yield from _ratio(model, key, ("hr", "p"), term, fit, _main(model))
    else:
        yield from _clustered(model, key, term, fit)
    if term.profile is not None and term.profile.shown:
        limits = replace(term, low=term.profile.low, high=term.profile.high, p=term.profile.p)
        kind = _Inference("profile likelihood", _INDEPENDENT if term.robust else "")
        yield from _ratio(model, key, ("profile", "profile_p"), limits, fit, kind)


def _clustered(model: _Model, key: str, term: Term, fit: Cox) -> Iterator[Statistic]:
    """Inference with lesions clustered by patient, as if independent, and how they differ."""
    robust = term.robust
    if robust is None:
        return
    limits = replace(term, low=robust.low, high=robust.high, p=robust.p)
    yield from _ratio(model, key, ("hr", "p"), limits, fit, _main(model))
    naive = _Inference("Wald", _INDEPENDENT)
    yield from _ratio(model, key, ("naive", "naive_p"), term, fit, naive)
    ratio = robust.standard_error / term.standard_error
    yield Statistic(f"{key}.se_ratio", ratio, "ratio", _SE_RATIO, **model.origin)


_SE_RATIO = f"standard error of the log hazard ratio, clustered by patient over {_INDEPENDENT}"


def _ratio(
    model: _Model,
    key: str,
    names: tuple[str, str],
    term: Term,
    fit: Cox,
    kind: _Inference,
    reason: str = "",
) -> Iterator[Statistic]:
    """The two records of one kind of inference: the ratio with its limits, and p."""
    rest = model.origin | {"p": term.p, "reason": reason}
    method = kind.method(model, fit.ties)
    ci = Interval(term.low, term.high, fit.level, kind.interval)
    value = term.hazard_ratio
    yield Statistic(f"{key}.{names[0]}", value, "hazard ratio", method, ci=ci, **rest)
    yield Statistic(f"{key}.{names[1]}", term.p, "p", method, **rest)


# --- whole models -------------------------------------------------------------------------

_TESTS = {
    "likelihood_ratio": "likelihood-ratio test of the whole model",
    "wald": "Wald test of the whole model",
    "score": "score test of the whole model",
    "robust_wald": f"Wald test of the whole model, {_CLUSTERED}",
    "robust_score": f"score test of the whole model, {_CLUSTERED}",
}
_TEST_UNITS: dict[str, Unit] = {"chi_square": "chi-square", "df": "count", "p": "p"}
_NO_SUCH_TEST = "a penalised likelihood has no such test"


def _tests(model: _Model) -> tuple[str, ...]:
    """Tests of a whole model: those clustered by patient only where a patient has several rows."""
    return tuple(name for name in _TESTS if model.cluster is not None or "robust" not in name)


def _global_tests(model: _Model, fit: Cox, key: str) -> list[Statistic]:
    found = [
        record
        for name in _tests(model)
        for record in _test_records(
            *(model, f"{key}.{name}", _TESTS[name], getattr(fit, name) or _NO_SUCH_TEST)
        )
    ]
    if fit.clusters is not None:
        how = "count of patients, the clusters"
        found.append(Statistic(f"{key}.clusters", fit.clusters, "count", how, **model.origin))
    return found


def _test_records(model: _Model, key: str, what: str, test: GlobalTest | str) -> list[Statistic]:
    """Chi-square, degrees of freedom and p of a test, or why there is none."""
    method = f"{_kind(model)}, {what}"
    if isinstance(test, str):
        return [
            not_estimable(f"{key}.{name}", unit, method, test, **model.origin)
            for name, unit in _TEST_UNITS.items()
        ]
    rest = model.origin | {"p": test.p}
    values = (test.statistic, test.degrees_of_freedom, test.p)
    return [
        Statistic(f"{key}.{name}", value, unit, method, **rest)
        for (name, unit), value in zip(_TEST_UNITS.items(), values, strict=True)
    ]


def _clustering(
    endpoint: EndpointSettings, fitted: Sequence[tuple[_Model, Cox]], analysis: Analysis
) -> list[Statistic]:
    """What clustering changes in the univariable and the multivariable hazard ratios, all told."""
    terms = [(model, term) for model, fit in fitted for term in fit.terms if term.robust]
    if not terms:
        return []
    ratios = [t.robust.standard_error / t.standard_error for _, t in terms if t.robust]
    turned = sum(
        (t.p < analysis.alpha) != (t.robust.p < analysis.alpha) for _, t in terms if t.robust
    )
    patients = max(fit.clusters or 0 for _, fit in fitted)
    where = f"endpoints/{endpoint.name}"
    rest: dict[str, Any] = {
        "columns": tuple(dict.fromkeys(c for model, _ in terms for c in model.columns)),
        "joint": True,
        "population": {"table": where, "filter": {}},
        "rows": {"table": where, "where": {}},
    }
    smaller = sum(ratio < 1 for ratio in ratios)
    key, shrinking = f"cox.{endpoint.name}.clustering", "that clustering makes smaller"
    turning = "whose p clustering moves across alpha"
    return [
        Statistic(f"{key}.n", len(terms), "count", "count of hazard ratios", **rest),
        Statistic(f"{key}.patients", patients, "count", "count of patients", **rest),
        Statistic(f"{key}.smaller", smaller, "count", f"standard errors {shrinking}", **rest),
        Statistic(f"{key}.turned", turned, "count", f"hazard ratios {turning}", **rest),
        Statistic(f"{key}.se_ratio_min", min(ratios), "ratio", f"least {_SE_RATIO}", **rest),
        Statistic(f"{key}.se_ratio_max", max(ratios), "ratio", f"greatest {_SE_RATIO}", **rest),
    ]


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
