"""The Cox models of the stages `cox` and `dose_sensitivity` again, by `partial_likelihood`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import (
    Estimate,
    Floats,
    Runaway,
    Sample,
    Test,
    Wald,
    estimate,
    exponential,
    firth,
    merged_times,
)
from sarcoma_sbrt.provenance.crosscheck.records import bed, eqd2, first_courses, group_of, rows_of
from sarcoma_sbrt.settings import Analysis, Covariate

__all__ = [
    "ENGINE",
    "Units",
    "coded",
    "counted",
    "covariates_of",
    "models_of",
    "recompute",
    "units_of",
]

ENGINE = "plain numpy"
_RELATIVE_TOLERANCE = 1e-9

# --- rows ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Units:
    """Patients or lesions of one endpoint, with the covariates of its models.

    Attributes
    ----------
    name : str
        Of the endpoint.
    lesions : bool
        Whether a patient may have several rows.
    time : ndarray of float
        Months.
    code : ndarray of int
        0 censored, 1 the event, others competing.
    patient : ndarray of str
    design : mapping of str to ndarray of float
        1 for a covariate's level and 0 for its reference, or its value in steps; NaN otherwise.
    missing : mapping of str to ndarray of bool
        Where nothing was recorded of a covariate.
    """

    name: str
    lesions: bool
    time: Floats
    code: NDArray[np.int64]
    patient: NDArray[np.str_]
    design: Mapping[str, Floats]
    missing: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)

    def complete(self, names: Iterable[str]) -> NDArray[np.bool_]:
        """Rows with every one of these covariates."""
        known = np.ones(len(self.time), dtype=bool)
        for name in names:
            known &= ~np.isnan(self.design[name])
        return known

    def sample(self, names: Sequence[str], ties: str, *, clustered: bool = True) -> Sample:
        """Complete cases of a model; by patient where one may have several rows."""
        kept = self.complete(names)
        return Sample(
            names=tuple(names),
            x=np.column_stack([self.design[name] for name in names])[kept],
            time=merged_times(self.time[kept]),
            event=self.code[kept] == 1,
            ties=ties,
            cluster=self.patient[kept] if clustered and self.lesions else None,
        )


def units_of(materials: Materials, endpoint: str, names: Iterable[str]) -> Units:
    """Rows of one endpoint table with these covariates, looked up by patient and lesion."""
    settings, table = materials.plan.endpoints[endpoint], materials.endpoints[endpoint]
    key = ["patient_id", "lesion_id"] if settings.unit == "lesion" else ["patient_id"]
    frame = materials.covariates[f"{settings.unit}s"]
    places = {own: at for at, own in enumerate(frame[key].itertuples(index=False, name=None))}
    rows = [places[own] for own in table[key].itertuples(index=False, name=None)]
    covariates = {name: materials.plan.analysis.covariates[name] for name in names}
    values = {name: frame[c.column].iloc[rows] for name, c in covariates.items()}
    return Units(
        name=endpoint,
        lesions=settings.unit == "lesion",
        time=table["time_months"].to_numpy(dtype=float),
        code=table["event"].to_numpy(dtype=np.int64),
        patient=table["patient_id"].to_numpy(dtype=str),
        design={name: coded(values[name], c) for name, c in covariates.items()},
        missing={name: values[name].isna().to_numpy(dtype=bool) for name in covariates},
    )


def coded(values: pd.Series[Any], covariate: Covariate) -> Floats:
    """A covariate as a model takes it: 1 the level, 0 the reference, or in steps; NaN if neither.

    Parameters
    ----------
    values : Series
        The covariate's column, row by row.
    covariate : Covariate
        The plan's.
    """
    known = zip(values, values.isna(), strict=True)
    return np.array([math.nan if no else _code(value, covariate) for value, no in known])


def _code(value: Any, covariate: Covariate) -> float:
    if covariate.step is not None:
        return float(value) / covariate.step
    group = group_of(value, covariate)
    return math.nan if group is None else float(group)


def counted(sample: Sample) -> dict[str, Any]:
    """What a record says of its model's rows, and which engine it is."""
    return {"n": len(sample.time), "events": int(sample.event.sum()), "engine": ENGINE}


# --- the stage cox ------------------------------------------------------------------------

_ROBUST = ("robust_wald", "robust_score")
_TESTS = ("likelihood_ratio", "wald", "score", *_ROBUST)


def models_of(endpoint: str, analysis: Analysis) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and covariates of every model of an endpoint, the univariable ones one by one."""
    for name in analysis.univariable.get(endpoint, ()):
        yield "univariable", (name,)
    yield from analysis.multivariable.get(endpoint, {}).items()


def covariates_of(endpoint: str, analysis: Analysis) -> tuple[str, ...]:
    """Every covariate of any model of an endpoint."""
    return tuple(dict.fromkeys(n for _, names in models_of(endpoint, analysis) for n in names))


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage `cox`, and the hazard ratios of the stage `dose_sensitivity`."""
    return _planned(materials) | _dosed_models(materials)


def _planned(materials: Materials) -> dict[str, Second]:
    analysis = materials.plan.analysis
    found: dict[str, Second] = {}
    for endpoint in analysis.endpoints:
        units = units_of(materials, endpoint, covariates_of(endpoint, analysis))
        fitted: list[tuple[Sample, Estimate]] = []
        for model, names in models_of(endpoint, analysis):
            sample = units.sample(names, analysis.ties)
            records, fit = _model(f"cox.{endpoint}.{model}", sample, analysis, model)
            found |= records
            if fit is not None and model in ("univariable", "multivariable"):
                fitted.append((sample, fit))
        found |= _clustering(f"cox.{endpoint}.clustering", fitted, analysis)
    return found


def _model(
    key: str, sample: Sample, analysis: Analysis, model: str
) -> tuple[dict[str, Second], Estimate | None]:
    """Records of one model, and its estimate where it has one."""
    found = {} if model == "univariable" else _size(key, sample)
    whole = f"{key}.{sample.names[0]}" if model == "univariable" else key
    keys = [f"{key}.{name}" for name in sample.names]
    records, fit = _terms_of(keys, sample, analysis.confidence_level, profiled=True)
    found |= records
    for test in _TESTS:
        if test in _ROBUST and sample.cluster is None:
            continue
        result = None if fit is None else fit.tests.get(test)
        found |= _test(f"{whole}.{test}", result, sample)
    if fit is not None and fit.clusters is not None:
        found[f"{whole}.clusters"] = Second(fit.clusters, **counted(sample))
    return found, fit


def _size(key: str, sample: Sample) -> dict[str, Second]:
    counts = counted(sample)
    per = counts["events"] / len(sample.names)
    values = {"n": counts["n"], "events": counts["events"], "events_per_variable": per}
    return {f"{key}.{name}": Second(value, **counts) for name, value in values.items()}


def _test(key: str, result: Test | None, sample: Sample) -> dict[str, Second]:
    values = (None, None, None) if result is None else result
    p = None if result is None else result[2]
    return {
        f"{key}.{name}": Second(value, p=p, **counted(sample))
        for name, value in zip(("chi_square", "df", "p"), values, strict=True)
    }


def _terms_of(
    keys: Sequence[str], sample: Sample, level: float, *, profiled: bool = False
) -> tuple[dict[str, Second], Estimate | None]:
    """Hazard ratio and p of every covariate, with every inference that stands beside it.

    Firth's where a coefficient runs away; None for both where there is no model.
    """
    try:
        fit = _estimated(sample, level, profiled)
        found: dict[str, Second] = {}
        for at, key in enumerate(keys):
            found |= _term(key, sample, fit, at, level)
    except NotEstimable:
        empty = Second(None, None, None, None, **counted(sample))
        return {f"{key}.{end}": empty for key in keys for end in ("hr", "p")}, None
    return found, fit


def _estimated(sample: Sample, level: float, profiled: bool) -> Estimate:
    try:
        return estimate(sample, level=level, profiled=profiled)
    except Runaway:
        return firth(sample, level=level)


def _term(key: str, sample: Sample, fit: Estimate, at: int, level: float) -> dict[str, Second]:
    coefficient, name = float(fit.coefficients[at]), sample.names[at]
    if "score" not in fit.tests:  # Firth's: its limits and test are the profile's
        low, high, p, _ = fit.profile[name]
        return _pair(key, ("hr", "p"), (exponential(coefficient), low, high, p), sample)
    main = Wald.of(coefficient, fit.error(at, robust=True), level)
    found = _pair(key, ("hr", "p"), _numbers(main), sample)
    if fit.robust is not None:
        naive = Wald.of(coefficient, fit.error(at, robust=False), level)
        found |= _pair(key, ("naive", "naive_p"), _numbers(naive), sample)
        found[f"{key}.se_ratio"] = Second(main.error / naive.error, **counted(sample))
    if name in fit.profile:
        low, high, p, shown = fit.profile[name]
        if shown:
            numbers = (main.ratio, low, high, p)
            found |= _pair(key, ("profile", "profile_p"), numbers, sample)
    return found


def _numbers(wald: Wald) -> tuple[float, float, float, float]:
    return wald.ratio, wald.low, wald.high, wald.p


def _pair(
    key: str, names: tuple[str, str], numbers: tuple[float, float, float, float], sample: Sample
) -> dict[str, Second]:
    """A ratio with its limits, and p."""
    ratio, low, high, p = numbers
    return {
        f"{key}.{names[0]}": Second(ratio, low, high, p, **counted(sample)),
        f"{key}.{names[1]}": Second(p, p=p, **counted(sample)),
    }


def _clustering(
    key: str, fitted: Sequence[tuple[Sample, Estimate]], analysis: Analysis
) -> dict[str, Second]:
    """What clustering changes in an endpoint's univariable and multivariable hazard ratios."""
    errors = [
        (fit.coefficients[at], fit.error(at, robust=True), fit.error(at, robust=False))
        for sample, fit in fitted
        for at in range(len(sample.names))
        if fit.robust is not None
    ]
    if not errors:
        return {}
    ratios = [clustered / naive for _, clustered, naive in errors]
    sides = [
        [2 * norm.sf(abs(b) / e) < analysis.alpha for e in (clustered, naive)]
        for b, clustered, naive in errors
    ]
    values: dict[str, float | int] = {
        "n": len(errors),
        "patients": max(fit.clusters or 0 for _, fit in fitted),
        "smaller": sum(ratio < 1 for ratio in ratios),
        "turned": sum(one != other for one, other in sides),
        "se_ratio_min": min(ratios),
        "se_ratio_max": max(ratios),
    }
    return {f"{key}.{name}": Second(value, engine=ENGINE) for name, value in values.items()}


# --- the Cox models of the stage dose_sensitivity -----------------------------------------


@dataclass(frozen=True)
class _Dosed:
    """Lesions of an endpoint whose first course has a dose (Gy) and a number of fractions."""

    courses: tuple[tuple[float, float], ...]
    sample: Sample

    def at(self, measure: Callable[..., float], ratio: float) -> Floats:
        """Dose of each lesion in Gy, by a measure at an alpha/beta ratio."""
        return np.array([measure(dose, fractions, ratio) for dose, fractions in self.courses])


def _dosed_models(materials: Materials) -> dict[str, Second]:
    """Hazard ratios per step of dose, and of every cut.

    The lesions' doses are worked out again from the courses; where the cuts are is taken from the
    stage's document, which `doses` checks.
    """
    found: dict[str, Second] = {}
    plan, level = materials.plan.analysis.dose, materials.plan.analysis.confidence_level
    cuts = _cuts_of(materials)
    for endpoint in materials.plan.analysis.dose_endpoints:
        lesions = _dosed(materials, endpoint)
        for ratio in plan.alpha_beta_gy:
            name = f"ab{ratio:g}".replace(".", "_")
            key = f"dose_sensitivity.{endpoint}.{name}"
            for measure, of in (("bed", bed), ("eqd2", eqd2)):
                steps = lesions.at(of, ratio) / plan.step_gy
                found |= _dose_model(f"{key}.{measure}", steps, lesions, level)
            found |= _cuts(key, lesions.at(bed, ratio), cuts, lesions, level)
    return found


def _dosed(materials: Materials, endpoint: str) -> _Dosed:
    """Lesions of the endpoint with the dose of the course that starts first."""
    first = first_courses(rows_of(materials.canonical["courses"]))
    rows = [
        (row, first[row["patient_id"], row["lesion_id"]])
        for row in rows_of(materials.endpoints[endpoint])
    ]
    known = [
        (row, course)
        for row, course in rows
        if None not in (course["dose_gy"], course["fractions"])
    ]
    return _Dosed(
        courses=tuple((course["dose_gy"], course["fractions"]) for _, course in known),
        sample=Sample(
            names=("dose",),
            x=np.zeros((len(known), 1)),
            time=merged_times(np.array([row["time_months"] for row, _ in known], dtype=float)),
            event=np.array([row["event"] == 1 for row, _ in known], dtype=bool),
            ties=materials.plan.analysis.ties,
            cluster=np.array([row["patient_id"] for row, _ in known], dtype=str),
        ),
    )


def _cuts_of(materials: Materials) -> dict[str, float]:
    """Dose of every cut, by the key of the cut."""
    records = materials.statistics.get("dose_sensitivity", [])
    cuts = {str(r["key"]): r["value"] for r in records if ".cut_" in str(r["key"])}
    return {key.removesuffix(".gy"): float(v) for key, v in cuts.items() if key.endswith(".gy")}


def _cuts(
    key: str, doses: Floats, cuts: Mapping[str, float], lesions: _Dosed, level: float
) -> dict[str, Second]:
    """Hazard ratio of the higher dose at every cut of one ratio, and their least and greatest."""
    found: dict[str, Second] = {}
    for cut, dose in cuts.items():
        if cut.startswith(f"{key}.cut_"):
            above = (doses >= dose * (1 - _RELATIVE_TOLERANCE)).astype(float)
            found |= _dose_model(cut, above, lesions, level)
    ratios = [second.value for name, second in found.items() if name.endswith(".hr")]
    known = [value for value in ratios if isinstance(value, float)]
    if known:
        rest = counted(lesions.sample)
        found[f"{key}.cuts.hr_least"] = Second(min(known), **rest)
        found[f"{key}.cuts.hr_greatest"] = Second(max(known), **rest)
    return found


def _dose_model(key: str, dose: Floats, lesions: _Dosed, level: float) -> dict[str, Second]:
    return _terms_of([key], replace(lesions.sample, x=dose[:, None]), level)[0]
