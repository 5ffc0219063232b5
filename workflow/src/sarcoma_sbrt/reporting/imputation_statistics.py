"""Statistics of the stage imputation: Cox models of everybody, what was missing imputed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.covariates import of_lesions
from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns
from sarcoma_sbrt.settings import Analysis, EndpointSettings
from sarcoma_sbrt.survival.cox import Cox, complete_cases, fit_cox
from sarcoma_sbrt.survival.imputation import (
    Completed,
    PooledTerm,
    datasets_needed,
    fit_imputed_cox,
    imputation_seed,
    impute,
)

__all__ = ["imputation_statistics", "imputation_summary", "missing_for", "models_of"]

_UNITS: dict[str, Unit] = {
    "hr": "hazard ratio",
    "p": "p",
    "missing_information": "percent",
    "relative_increase": "ratio",
}
_POOLED = "multiple imputation by chained equations, Rubin's rules"
_WHAT = {
    "hr": "limits and test from the t distribution",
    "p": "limits and test from the t distribution",
    "missing_information": "fraction of missing information",
    "relative_increase": "relative increase in variance",
}


@dataclass(frozen=True)
class _Model:
    """One Cox model that leaves somebody out: what it is called and what it is fitted to.

    Attributes
    ----------
    cases : ndarray of bool
        Rows with every covariate of the model recorded.
    everybody : ndarray of bool
        With every one recorded or imputed: not who belongs to neither group of one.
    """

    key: str
    terms: dict[str, str]
    cases: NDArray[np.bool_]
    everybody: NDArray[np.bool_]
    endpoint: EndpointSettings
    table: pd.DataFrame
    design: pd.DataFrame
    analysis: Analysis
    columns: tuple[str, ...]

    @property
    def options(self) -> dict[str, Any]:
        """What every fit of the model is told."""
        patients = self.table["patient_id"].to_numpy(dtype=str)
        return {
            "level": self.analysis.confidence_level,
            "ties": self.analysis.ties,
            "labels": _labels(self.analysis, self.terms),
            "cluster": patients if self.endpoint.unit == "lesion" else None,
        }

    @property
    def outcome(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        return _outcome(self.table)

    @property
    def origin(self) -> dict[str, Any]:
        return _origin(self.endpoint, self.columns)

    def method(self, what: str) -> str:
        hazards = "cause-specific Cox" if self.endpoint.death == "competing" else "Cox"
        errors = ", standard errors clustered by patient" if self.endpoint.unit == "lesion" else ""
        ties = self.analysis.ties.capitalize()
        return f"{hazards} model, {ties} ties{errors}, {_POOLED}: {_WHAT[what]}"


def models_of(endpoint: str, analysis: Analysis) -> dict[str, dict[str, str]]:
    """Every Cox model of an endpoint, no two the same, with its covariates' keys.

    Returns
    -------
    dict
        Key of the model (``os.multivariable``; ``os.univariable.grade`` of a covariate by
        itself) -> covariate -> key of its term (``os.multivariable.grade``), all without the
        stage's own prefix.
    """
    found: dict[str, dict[str, str]] = {}
    for model, names in analysis.cox_models(endpoint).items():
        key = f"{endpoint}.{model}"
        terms = {name: f"{key}.{name}" for name in names}
        if model == "univariable":
            found |= {term: {name: term} for name, term in terms.items()}
        else:
            found[key] = terms
    return found


def missing_for(
    table: pd.DataFrame, frame: pd.DataFrame, analysis: Analysis, names: Iterable[str]
) -> pd.DataFrame:
    """Where a covariate was not recorded, row by row for an endpoint table.

    A value that is recorded and lies in neither group of a covariate is not missing.

    Parameters
    ----------
    table, frame
        As for `survival_statistics.design_for`.
    analysis : Analysis
        Its covariates' columns.
    names : iterable of str
        Covariates: the columns, in this order.

    Returns
    -------
    DataFrame of bool
        Indexed as `table`.
    """
    keys = [key for key in ("patient_id", "lesion_id") if key in frame]
    rows = table[keys].merge(frame, on=keys, how="left")
    return pd.DataFrame(
        {
            name: rows[analysis.covariates[name].column].isna().to_numpy(dtype=bool)
            for name in names
        },
        index=table.index,
    )


def imputation_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    missing: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> list[Statistic]:
    """Every Cox model of one endpoint that leaves somebody out, with what is missing imputed.

    All models of the endpoint are fitted to the same completed data sets, whose imputation
    model has every covariate of any of them. Nothing where no covariate is missing.

    Parameters
    ----------
    endpoint : EndpointSettings
        Whose. With a competing event the hazards are cause-specific.
    table : DataFrame
        Endpoint table.
    design, missing : DataFrame
        `survival_statistics.design_for` and `missing_for` of it, with the endpoint's
        `model_statistics.model_names`.
    analysis : Analysis
        Models, confidence level, ties, seed and how often to impute.
    columns : tuple of str
        The endpoint's `survival_statistics.endpoint_columns`.
    """
    names = model_names(endpoint.name, analysis)
    design, missing = design[list(names)], missing[list(names)]
    if not missing.any(axis=None):
        return []
    covariates = [analysis.covariates[name] for name in names]
    used = tuple(dict.fromkeys((*columns, *covariate_columns(covariates))))
    completed = _completed(endpoint, table, design, missing, analysis)
    found = _missing(endpoint, missing, completed, used)
    for key, terms in models_of(endpoint.name, analysis).items():
        absent = missing[list(terms)].any(axis="columns").to_numpy(dtype=bool)
        if absent.any():
            cases, everybody = (
                known[list(terms)].all(axis="columns").to_numpy(dtype=bool)
                for known in (design.notna(), design.notna() | missing)
            )
            model = _Model(
                key=f"imputation.{key}",
                terms={name: f"imputation.{term}" for name, term in terms.items()},
                cases=cases,
                everybody=everybody,
                endpoint=endpoint,
                table=table,
                design=design,
                analysis=analysis,
                columns=used,
            )
            found += _sizes(model)
            found += _fitted(model, completed)
    return found


def _completed(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    missing: pd.DataFrame,
    analysis: Analysis,
) -> Completed:
    of_lesion = endpoint.unit == "lesion"
    columns = {name: analysis.covariates[name].column for name in map(str, design.columns)}
    return impute(
        design,
        missing,
        *_outcome(table),
        table["patient_id"].to_numpy(dtype=str),
        lesion=table["lesion_id"].to_numpy(dtype=str) if of_lesion else None,
        datasets=datasets_needed(missing, analysis.imputation.datasets),
        iterations=analysis.imputation.iterations,
        seed=imputation_seed(analysis.seed, endpoint.name),
        sources=columns,
        of_lesions={n for n, column in columns.items() if of_lesion and of_lesions(column)},
        labels=_labels(analysis, columns),
    )


def _outcome(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return table["time_months"].to_numpy(dtype=float), table["event"].to_numpy(dtype=np.int64)


def _labels(analysis: Analysis, names: Iterable[str]) -> dict[str, str]:
    return {name: analysis.covariates[name].in_sentence for name in names}


def _origin(endpoint: EndpointSettings, columns: tuple[str, ...]) -> dict[str, Any]:
    """What every record says about where it comes from."""
    where = f"endpoints/{endpoint.name}"
    return {
        "columns": columns,
        "joint": True,
        "population": {"table": where, "filter": {}},
        "rows": {"table": where, "where": {}},
    }


def _missing(
    endpoint: EndpointSettings,
    missing: pd.DataFrame,
    completed: Completed,
    columns: tuple[str, ...],
) -> list[Statistic]:
    """How many rows lack each covariate and any of them, and how often they were completed."""
    key, rest = f"imputation.{endpoint.name}", _origin(endpoint, columns)
    counts = {f"missing.{name}": int(n) for name, n in missing.sum().items() if n}
    counts["incomplete"] = int(missing.any(axis="columns").sum())
    how = f"count of {endpoint.unit}s with a covariate missing"
    found = [Statistic(f"{key}.{name}", n, "count", how, **rest) for name, n in counts.items()]
    number = len(completed.designs)
    how = "count of completed data sets"
    return [*found, Statistic(f"{key}.datasets", number, "count", how, **rest)]


def _sizes(model: _Model) -> Iterator[Statistic]:
    """Rows and events of the complete cases, of all that are imputed too, and what is lost."""
    had = model.outcome[1] == 1
    for name, rows, words in (
        ("complete", model.cases, "complete cases"),
        ("imputed", model.everybody, "complete cases and those imputed"),
    ):
        counts = {"n": int(rows.sum()), "events": int((rows & had).sum())}
        for what, count in counts.items():
            how = f"count of {words}"
            yield Statistic(f"{model.key}.{name}.{what}", count, "count", how, **model.origin)
    how = "count of those left out because a covariate is missing"
    lost = int((model.everybody & ~model.cases).sum())
    yield Statistic(f"{model.key}.lost", lost, "count", how, **model.origin)


def _fitted(model: _Model, completed: Completed) -> Iterator[Statistic]:
    """Records of each term of the pooled model, or why there is none."""
    names, outcome = list(model.terms), model.outcome
    try:
        pooled = fit_imputed_cox(completed, names, *outcome, **model.options)
    except NotEstimable as reason:
        for key in model.terms.values():
            for what, unit in _UNITS.items():
                how = model.method(what)
                yield not_estimable(f"{key}.{what}", unit, how, str(reason), **model.origin)
        return
    cases = _complete_fit(model)
    for name, key in model.terms.items():
        rest = model.origin | {"n": pooled.n, "events": pooled.events}
        yield from _term(model, key, pooled[name], rest)
        if cases is not None:
            ratio = pooled[name].hazard_ratio / cases[name].hazard_ratio
            how = "hazard ratio by multiple imputation over that of the complete cases"
            yield Statistic(f"{key}.ratio", ratio, "ratio", how, **rest)
            before = (cases[name].robust or cases[name]).p
            turned = _side(before, model.analysis) != _side(pooled[name].p, model.analysis)
            how = "whether imputation moves p across alpha, as a count"
            yield Statistic(f"{key}.turned", int(turned), "count", how, **rest)


def _side(p: float, analysis: Analysis) -> bool:
    return p < analysis.alpha


def _complete_fit(model: _Model) -> Cox | None:
    """The stage cox's model, unless a coefficient runs away or it cannot be fitted."""
    try:
        cases = complete_cases(model.design[list(model.terms)], *model.outcome)
        options = model.options
        if options["cluster"] is not None:
            options["cluster"] = options["cluster"][cases.kept]
        return fit_cox(cases.design, cases.time, cases.event, **options)
    except NotEstimable:
        return None


def _term(model: _Model, key: str, term: PooledTerm, rest: dict[str, Any]) -> Iterator[Statistic]:
    how = "Wald, t distribution, Rubin's total variance"
    values = {
        "hr": term.hazard_ratio,
        "p": term.p,
        "missing_information": 100 * term.pooled.missing_information,
        "relative_increase": term.pooled.relative_increase,
    }
    for what, value in values.items():
        ci = Interval(term.low, term.high, model.analysis.confidence_level, how)
        yield Statistic(
            f"{key}.{what}",
            value,
            _UNITS[what],
            model.method(what),
            ci=ci if what == "hr" else None,
            p=term.p,
            **rest,
        )


# --- all endpoints --------------------------------------------------------------------------


def imputation_summary(statistics: Iterable[Statistic], analysis: Analysis) -> list[Statistic]:
    """What imputation changes in the hazard ratios of all endpoints; empty without any model.

    Parameters
    ----------
    statistics : iterable of Statistic
        `imputation_statistics` of every endpoint.
    analysis : Analysis
        Which models there are.
    """
    records = {record.key: record for record in statistics}
    models = [key for e in analysis.endpoints for key in models_of(e, analysis)]
    if not models:
        return []
    terms = [
        t for e in analysis.endpoints for m in models_of(e, analysis).values() for t in m.values()
    ]
    names = dict.fromkeys(n for e in analysis.endpoints for n in model_names(e, analysis))
    columns = covariate_columns(analysis.covariates[name] for name in names)
    used = dict.fromkeys((*columns, *(c for record in records.values() for c in record.columns)))
    rest: dict[str, Any] = {"columns": tuple(used), "joint": True}

    def known(end: str) -> list[float]:
        found = [records.get(f"imputation.{term}.{end}") for term in terms]
        return [float(r.value) for r in found if r is not None and r.value is not None]

    incomplete = sum(f"imputation.{model}.lost" in records for model in models)
    ratios, shares, turned = known("ratio"), known("missing_information"), known("turned")
    counts = {
        "models": (len(models), "Cox models"),
        "incomplete": (incomplete, "Cox models that leave somebody out for a missing covariate"),
        "pooled": (len(shares), "hazard ratios pooled over completed data sets"),
        "compared": (
            len(ratios),
            "pooled hazard ratios set beside those of complete cases",
        ),
        "turned": (int(sum(turned)), "pooled hazard ratios whose p imputation moves across alpha"),
    }
    found = [
        Statistic(f"imputation.{name}", value, "count", f"count of {how}", **rest)
        for name, (value, how) in counts.items()
    ]
    if ratios:
        how = "hazard ratio by multiple imputation over that of the complete cases"
        found.append(
            Statistic("imputation.ratio_min", min(ratios), "ratio", f"least {how}", **rest)
        )
        found.append(
            Statistic("imputation.ratio_max", max(ratios), "ratio", f"greatest {how}", **rest)
        )
    if shares:
        how = "greatest fraction of missing information"
        found.append(
            Statistic("imputation.missing_information_max", max(shares), "percent", how, **rest)
        )
    return found
