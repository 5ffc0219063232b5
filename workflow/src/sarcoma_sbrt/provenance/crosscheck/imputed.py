"""The stage `imputation` again: counts, and Rubin's rules over Cox models of the same draws.

A draw cannot be checked by drawing otherwise, so the completed data sets are those of the same
code run again (`survival.imputation.impute`). What is made of them is made anew: the models by
`partial_likelihood`, and the pooling here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as student

from sarcoma_sbrt.covariates import of_lesions
from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.cox_models import (
    ENGINE,
    Units,
    covariates_of,
    units_of,
)
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import (
    Estimate,
    Sample,
    Wald,
    estimate,
    exponential,
    merged_times,
)
from sarcoma_sbrt.settings import Analysis
from sarcoma_sbrt.survival.imputation import Completed, imputation_seed, impute

__all__ = ["DRAWN", "Pooled", "pooled", "recompute"]

DRAWN = "plain numpy, of the same draws"

_TERM = ("hr", "p", "missing_information", "relative_increase")


# --- Rubin's rules ------------------------------------------------------------------------


@dataclass(frozen=True)
class Pooled:
    """One quantity over completed data sets.

    Attributes
    ----------
    estimate, error : float
    degrees_of_freedom : float
        Of the t distribution; infinite where no estimate differs.
    increase : float
        Relative increase of the variance by what is missing.
    missing : float
        Fraction of missing information.
    """

    estimate: float
    error: float
    degrees_of_freedom: float
    increase: float
    missing: float

    @property
    def p(self) -> float:
        """Two-sided, of the quantity being 0."""
        t = abs(self.estimate) / self.error
        return float(2 * student.cdf(-t, self.degrees_of_freedom))

    def limits(self, level: float) -> tuple[float, float]:
        """From the t distribution."""
        half = float(student.isf((1 - level) / 2, self.degrees_of_freedom)) * self.error
        return self.estimate - half, self.estimate + half


def pooled(estimates: Sequence[float], errors: Sequence[float]) -> Pooled:
    """Rubin's rules (1987, section 3.3) for estimates with their standard errors."""
    m = len(estimates)
    centre = math.fsum(estimates) / m
    within = math.fsum(error**2 for error in errors) / m
    between = math.fsum((value - centre) ** 2 for value in estimates) / (m - 1)
    extra = between * (m + 1) / m
    increase = extra / within
    df = math.inf if increase == 0 else (m - 1) * (1 + 1 / increase) ** 2
    missing = (increase + 2 / (df + 3)) / (increase + 1)
    return Pooled(centre, math.sqrt(within + extra), df, increase, missing)


# --- the stage ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Endpoint:
    """One endpoint of which some covariate is missing somewhere."""

    units: Units
    analysis: Analysis
    draws: Completed

    def absent(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Rows in which one of these covariates was not recorded."""
        missing = np.column_stack([self.units.missing[name] for name in names])
        return np.asarray(missing.any(axis=1), dtype=bool)

    def imputable(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Rows with every one of these recorded on a side of it, or not recorded."""
        known = [~np.isnan(self.units.design[name]) | self.units.missing[name] for name in names]
        return np.asarray(np.column_stack(known).all(axis=1), dtype=bool)


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage `imputation`."""
    analysis = materials.plan.analysis
    found: dict[str, Second] = {}
    models = {e: _models(e, analysis) for e in analysis.endpoints}
    for endpoint, of_endpoint in models.items():
        names = covariates_of(endpoint, analysis)
        if not names:
            continue
        units = units_of(materials, endpoint, names)
        if any(units.missing[name].any() for name in names):
            one = _Endpoint(units, analysis, _draws(materials, units, names))
            found |= _missing(one, names)
            for key, terms in of_endpoint.items():
                if one.absent(terms).any():
                    found |= _sizes(one, key, terms) | _model(one, terms)
    return found | _summary(found, [m for of in models.values() for m in of.items()])


def _models(endpoint: str, analysis: Analysis) -> dict[str, dict[str, str]]:
    """Key of each model, no two with the same covariates -> covariate -> key of its term."""
    found: dict[str, dict[str, str]] = {}
    seen: set[frozenset[str]] = set()
    for name in analysis.univariable.get(endpoint, ()):
        key = f"imputation.{endpoint}.univariable.{name}"
        found[key] = {name: key}
        seen.add(frozenset([name]))
    for model, names in analysis.multivariable.get(endpoint, {}).items():
        if frozenset(names) not in seen:
            seen.add(frozenset(names))
            key = f"imputation.{endpoint}.{model}"
            found[key] = {name: f"{key}.{name}" for name in names}
    return found


def _draws(materials: Materials, units: Units, names: Sequence[str]) -> Completed:
    """Completed data sets of the endpoint, by the first engine run again."""
    analysis = materials.plan.analysis
    columns = {name: analysis.covariates[name].column for name in names}
    table, missing = materials.endpoints[units.name], pd.DataFrame(units.missing)[list(names)]
    return impute(
        pd.DataFrame(units.design)[list(names)],
        missing,
        units.time,
        units.code,
        units.patient,
        lesion=table["lesion_id"].to_numpy(dtype=str) if units.lesions else None,
        datasets=_datasets(missing, analysis),
        iterations=analysis.imputation.iterations,
        seed=imputation_seed(analysis.seed, units.name),
        sources=columns,
        of_lesions={n for n, column in columns.items() if units.lesions and of_lesions(column)},
    )


def _datasets(missing: pd.DataFrame, analysis: Analysis) -> int:
    """One for each per cent of the rows that lack something, or as many as are asked for."""
    lacking = int(missing.to_numpy().any(axis=1).sum())
    return max(analysis.imputation.datasets, -(-100 * lacking // len(missing)))


def _missing(one: _Endpoint, names: Sequence[str]) -> dict[str, Second]:
    key = f"imputation.{one.units.name}"
    lacking = {name: int(one.units.missing[name].sum()) for name in names}
    counts = {f"missing.{name}": count for name, count in lacking.items() if count}
    counts["incomplete"] = int(one.absent(names).sum())
    counts["datasets"] = _datasets(pd.DataFrame(one.units.missing), one.analysis)
    return {f"{key}.{end}": Second(count, engine=ENGINE) for end, count in counts.items()}


def _sizes(one: _Endpoint, key: str, terms: Iterable[str]) -> dict[str, Second]:
    """Rows and events of the complete cases, with those imputed, and what is lost without them."""
    terms = list(terms)
    had, cases, everybody = one.units.code == 1, one.units.complete(terms), one.imputable(terms)
    counts = {
        "complete.n": cases,
        "complete.events": cases & had,
        "imputed.n": everybody,
        "imputed.events": everybody & had,
        "lost": everybody & ~cases,
    }
    return {f"{key}.{end}": Second(int(r.sum()), engine=ENGINE) for end, r in counts.items()}


def _model(one: _Endpoint, terms: Mapping[str, str]) -> dict[str, Second]:
    """Pooled terms of one model, and what imputation changes in them."""
    names = tuple(terms)
    try:
        if set(names) & one.draws.lost.keys():
            raise NotEstimable("a covariate could not be imputed")
        samples = [_sample(one, design, names) for design in one.draws.designs]
        fits = [estimate(sample, level=one.analysis.confidence_level) for sample in samples]
        found: dict[str, Second] = {}
        cases = _complete_cases(one, names)
        for at, key in enumerate(terms.values()):
            found |= _term(one, key, fits, at, samples[0])
            if cases is not None:
                found |= _against(one, key, fits, cases, at, samples[0])
    except NotEstimable:
        empty = Second(None, None, None, None, DRAWN)
        return {f"{key}.{end}": empty for key in terms.values() for end in _TERM}
    return found


def _sample(one: _Endpoint, design: pd.DataFrame, names: tuple[str, ...]) -> Sample:
    """Rows of one completed data set; who belongs to neither group of a covariate stays out."""
    x = design[list(names)].to_numpy(dtype=float)
    kept = ~np.isnan(x).any(axis=1)
    return Sample(
        names=names,
        x=x[kept],
        time=merged_times(one.units.time[kept]),
        event=one.units.code[kept] == 1,
        ties=one.analysis.ties,
        cluster=one.units.patient[kept] if one.units.lesions else None,
    )


def _complete_cases(one: _Endpoint, names: tuple[str, ...]) -> Estimate | None:
    """The model of the complete cases, where it has a maximum."""
    try:
        sample = one.units.sample(names, one.analysis.ties)
        return estimate(sample, level=one.analysis.confidence_level)
    except NotEstimable:
        return None


def _pooled_at(fits: Sequence[Estimate], at: int) -> Pooled:
    coefficients = [float(fit.coefficients[at]) for fit in fits]
    return pooled(coefficients, [fit.error(at, robust=True) for fit in fits])


def _drawn(sample: Sample, p: float) -> dict[str, Any]:
    events = int(sample.event.sum())
    return {"p": p, "engine": DRAWN, "n": len(sample.time), "events": events}


def _term(
    one: _Endpoint, key: str, fits: Sequence[Estimate], at: int, sample: Sample
) -> dict[str, Second]:
    of = _pooled_at(fits, at)
    low, high = map(exponential, of.limits(one.analysis.confidence_level))
    rest = _drawn(sample, of.p)
    values = (exponential(of.estimate), of.p, 100 * of.missing, of.increase)
    found = {f"{key}.{e}": Second(v, **rest) for e, v in zip(_TERM, values, strict=True)}
    return found | {f"{key}.hr": Second(values[0], low, high, **rest)}


def _against(
    one: _Endpoint, key: str, fits: Sequence[Estimate], cases: Estimate, at: int, sample: Sample
) -> dict[str, Second]:
    """The pooled hazard ratio over that of the complete cases, and whether p changes sides."""
    of, alpha = _pooled_at(fits, at), one.analysis.alpha
    coefficient = float(cases.coefficients[at])
    before = Wald.of(coefficient, cases.error(at, robust=True), one.analysis.confidence_level)
    turned = int((before.p < alpha) != (of.p < alpha))
    rest = _drawn(sample, of.p)
    del rest["p"]
    ratio = exponential(of.estimate - coefficient)
    return {f"{key}.ratio": Second(ratio, **rest), f"{key}.turned": Second(turned, **rest)}


# --- all endpoints --------------------------------------------------------------------------


def _summary(
    found: Mapping[str, Second], models: Sequence[tuple[str, Mapping[str, str]]]
) -> dict[str, Second]:
    """What imputation changes in the hazard ratios of all endpoints."""
    if not models:
        return {}
    terms = [term for _, of in models for term in of.values()]

    def known(end: str) -> list[float]:
        seconds = [found.get(f"{term}.{end}") for term in terms]
        values = [second.value for second in seconds if second is not None]
        return [float(value) for value in values if isinstance(value, int | float)]

    ratios, shares = known("ratio"), known("missing_information")
    incomplete = sum(f"{key}.lost" in found for key, _ in models)
    counts = {"models": len(models), "incomplete": incomplete}
    drawn: dict[str, float | int] = {
        "pooled": len(shares),
        "compared": len(ratios),
        "turned": int(sum(known("turned"))),
    }
    if ratios:
        drawn |= {"ratio_min": min(ratios), "ratio_max": max(ratios)}
    if shares:
        drawn["missing_information_max"] = max(shares)
    summary = {f"imputation.{end}": Second(n, engine=ENGINE) for end, n in counts.items()}
    return summary | {f"imputation.{end}": Second(v, engine=DRAWN) for end, v in drawn.items()}
