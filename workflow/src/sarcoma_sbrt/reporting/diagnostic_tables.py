"""The manuscript's tables on the assumptions of the Cox models, laid out as in `tables`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    LEVEL,
    Layout,
    Numbers,
    Row,
    listed,
    not_estimable_note,
    num,
    table_div,
    under_header,
    with_interval,
)
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["diagnostic_tables"]

_MODELS = ("univariable", "multivariable")
_CLUSTERED = (
    "Lesions of one patient are clustered: their limits and *p*, of a change too, are Wald’s with "
    "the sandwich covariance."
)


def diagnostic_tables(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> dict[str, str]:
    """Markdown of every table of diagnostics that the registry can fill, by name.

    Parameters
    ----------
    numbers : mapping
        The registry.
    analysis : Analysis
        Which endpoints, covariates and models there are, and their order.
    cohort : CohortSettings
        Its label stands under each table of a reconstructed cohort.
    endpoints : mapping of EndpointSettings
        Their unit of analysis, for captions.

    Returns
    -------
    dict of str
        Of ``diagnostics``, ``nonproportional`` and ``functional_form`` those that have rows.
    """
    made = (
        _diagnostics(numbers, analysis, cohort, endpoints),
        _nonproportional(numbers, analysis, cohort, endpoints),
        _functional_form(numbers, analysis, cohort),
    )
    return dict(table for table in made if table is not None)


# --- tests and influence ------------------------------------------------------------------


def _diagnostics(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in analysis.endpoints:
        block = [*_covariate_rows(numbers, analysis, endpoint)]
        block += [*_model_rows(numbers, analysis, endpoint)]
        named += _tests(analysis, endpoint)
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 7)
    if rows:
        # Under a header with empty cells the first row is the header's second (tables.lua).
        rows = [("Covariate", *("Chi-square", "*p*", "Influence") * 2), *rows]
    caption = (
        "Cox models: score test of proportional hazards, and the largest influence of one patient "
        "on the coefficient.",
        "Influence: in standard errors of the coefficient, with the number of patients beyond "
        f"{num('config.models.diagnostics.influence_bound')} in round brackets.",
        "Global test: of the covariates of the multivariable model together; of any other model "
        "they are named.",
        "The test and the standard errors take lesions of one patient as independent; their "
        "influence is that of all lesions of the patient."
        if any(endpoints[name].unit == "lesion" for name in analysis.endpoints)
        else "",
        not_estimable_note(numbers, named),
    )
    header = ("", "Univariable", "", "", "Multivariable", "", "")
    layout = Layout("diagnostics", header, (28, 11, 9, 12, 11, 9, 12))
    return table_div(layout, rows, caption, cohort)


def _covariate_rows(numbers: Numbers, analysis: Analysis, endpoint: str) -> Iterable[Row]:
    univariable = analysis.univariable.get(endpoint, ())
    adjusted = analysis.multivariable.get(endpoint, {}).get("multivariable", ())
    for name in dict.fromkeys((*univariable, *adjusted)):
        cells = [
            cell
            for model in _MODELS
            for cell in _cells(numbers, f"diagnostics.{endpoint}.{model}.{name}")
        ]
        yield (num(f"covariate.{name}.label"), *cells)


def _cells(numbers: Numbers, key: str) -> Row:
    """Statistic and p of the test, and the influence; absent where there is none."""
    influence = ABSENT
    if is_estimated(numbers, f"{key}.dfbetas"):
        influence = f"{num(f'{key}.dfbetas')} ({num(f'{key}.influential')})"
    return (*_test(numbers, f"{key}.ph"), influence)


def _test(numbers: Numbers, key: str) -> Row:
    return tuple(
        num(f"{key}.{part}") if is_estimated(numbers, f"{key}.{part}") else ABSENT
        for part in ("chi_square", "p")
    )


def _model_rows(numbers: Numbers, analysis: Analysis, endpoint: str) -> Iterable[Row]:
    """Global test of each multivariable model; any but the main one names its covariates."""
    for model, names in analysis.cox_models(endpoint).items():
        key = f"diagnostics.{endpoint}.{model}.ph"
        if f"{key}.p" in numbers:
            held = " + ".join(num(f"covariate.{name}.label") for name in names)
            label = "Global test" if model == "multivariable" else f"Global test: {held}"
            yield (label, *[ABSENT] * 3, *_test(numbers, key), "")


def _tests(analysis: Analysis, endpoint: str) -> list[tuple[str, str]]:
    """Keys of tests that may have no value, each with what a note calls it."""
    label = num(f"endpoint.{endpoint}.label")
    found = []
    for model, names in analysis.cox_models(endpoint).items():
        for name in names:
            said = f"{label} by {num(f'covariate.{name}.label')}"
            if model != "univariable":
                said += " (adjusted)"
            found.append((f"diagnostics.{endpoint}.{model}.{name}.ph.p", said))
    return found


# --- where hazards are not proportional -----------------------------------------------------


def _nonproportional(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    clustered = False
    for endpoint in analysis.endpoints:
        for model, names in analysis.cox_models(endpoint).items():
            for name in names:
                key = f"diagnostics.{endpoint}.{model}.{name}"
                if f"{key}.log_time.change.p" in numbers:
                    title = _title(endpoint, model, name, names)
                    rows += under_header(title, [*_remedies(numbers, analysis, key, names)], 3)
                    named += _unknown(numbers, key, title)
                    clustered = clustered or endpoints[endpoint].unit == "lesion"
    caption = (
        "Where hazards are not proportional: the hazard ratio (HR) within periods, the hazard "
        "ratio at single times where its logarithm is linear in that of time, and the hazard "
        "ratios of the other covariates where the model is stratified.",
        f"Intervals are {LEVEL}s.",
        "The *p* of a change tests it against the proportional model by the likelihood ratio.",
        _CLUSTERED if clustered else "",
        not_estimable_note(numbers, named),
    )
    layout = Layout("nonproportional", ("Model", f"HR ({LEVEL})", "*p*"), (54, 26, 12))
    return table_div(layout, rows, caption, cohort)


def _title(endpoint: str, model: str, name: str, names: Sequence[str]) -> str:
    label = f"{num(f'endpoint.{endpoint}.label')}: {num(f'covariate.{name}.label')}"
    if model == "univariable":
        return f"{label}, univariable"
    others = [num(f"covariate.{other}.label") for other in names if other != name]
    return f"{label}, adjusted for {listed(others)}"


def _remedies(
    numbers: Numbers, analysis: Analysis, key: str, names: Sequence[str]
) -> Iterable[Row]:
    name = key.split(".")[-1]
    proportional = f"cox.{key.removeprefix('diagnostics.')}"
    contrast = num(f"covariate.{name}.contrast")
    yield _ratio(numbers, f"Proportional: {contrast}", proportional)
    for number, words in enumerate(_periods(analysis), start=1):
        yield _ratio(numbers, words, f"{key}.piecewise.period_{number}")
    yield _change(numbers, "Change between periods", f"{key}.piecewise.change.p")
    for index, month in enumerate(analysis.landmarks_months):
        at = f"At {num(f'config.models.kaplan_meier.landmarks_months.{index}')} months"
        yield _ratio(numbers, at, f"{key}.log_time", f"_{month:g}m")
    yield _change(numbers, "Change with log time", f"{key}.log_time.change.p")
    for other in names:
        if f"{key}.stratified.{other}.hr" in numbers:
            contrast = num(f"covariate.{other}.contrast")
            yield _ratio(numbers, f"Stratified: {contrast}", f"{key}.stratified.{other}")


def _periods(analysis: Analysis) -> list[str]:
    """Each period in words; the configuration's cuts may stand in any order."""
    months = analysis.diagnostics.time_cuts_months
    order = sorted(range(len(months)), key=lambda index: months[index])
    cuts = [num(f"config.models.diagnostics.time_cuts_months.{index}") for index in order]
    between = [f"From {start} to {stop} months" for start, stop in itertools.pairwise(cuts)]
    return [f"Up to {cuts[0]} months", *between, f"After {cuts[-1]} months"]


def _ratio(numbers: Numbers, label: str, key: str, at: str = "") -> Row:
    """Row of a hazard ratio (at a time) with its p."""
    if f"{key}.hr{at}" not in numbers:
        return (label, ABSENT, ABSENT)
    p = num(f"{key}.p{at}") if is_estimated(numbers, f"{key}.p{at}") else ABSENT
    return (label, with_interval(numbers, f"{key}.hr{at}"), p)


def _change(numbers: Numbers, label: str, key: str) -> Row:
    return (label, "", num(key) if is_estimated(numbers, key) else ABSENT)


def _unknown(numbers: Numbers, key: str, title: str) -> list[tuple[str, str]]:
    kinds = {
        "piecewise": "within periods",
        "log_time": "at single times",
        "stratified": "stratified",
    }
    found = []
    for kind, words in kinds.items():
        keys = sorted(k for k in numbers if re.fullmatch(rf"{re.escape(key)}\.{kind}\..*\bp", k))
        found += [(k, f"{title}, {words}") for k in keys[:1]]
    return found


# --- functional form ----------------------------------------------------------------------


def _functional_form(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> tuple[str, str] | None:
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in analysis.endpoints:
        block: list[Row] = []
        for model, names in analysis.cox_models(endpoint).items():
            for name in names:
                key = f"diagnostics.{endpoint}.{model}.{name}.spline"
                if f"{key}.p" in numbers:
                    label = f"{num(f'covariate.{name}.label')}, {_adjusted(model, name, names)}"
                    block.append((label, *_test(numbers, key)))
                    named.append((f"{key}.p", f"{num(f'endpoint.{endpoint}.label')}: {label}"))
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 3)
    caption = (
        "Form of continuous covariates: a restricted cubic spline of "
        f"{num('config.models.diagnostics.spline_knots')} knots tested against the straight line.",
        not_estimable_note(numbers, named),
    )
    layout = Layout("functional_form", ("Covariate", "Chi-square", "*p*"), (60, 16, 12))
    return table_div(layout, rows, caption, cohort)


def _adjusted(model: str, name: str, names: Sequence[str]) -> str:
    others = [num(f"covariate.{other}.label") for other in names if other != name]
    if model == "univariable" or not others:
        return "univariable"
    return f"adjusted for {listed(others)}"
