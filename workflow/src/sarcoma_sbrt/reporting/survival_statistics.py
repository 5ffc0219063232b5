"""Statistics of the stage kaplan_meier: quantiles, rates, means, follow-up, log-rank tests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.covariates import design as covariate_design
from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import (
    DERIVED_NEEDS,
    DERIVED_USES,
    Analysis,
    CohortSettings,
    Covariate,
    EndpointSettings,
)
from sarcoma_sbrt.survival.kaplan_meier import (
    NOT_REACHED,
    KaplanMeier,
    Quantile,
    common_horizon,
    fit_kaplan_meier,
    reverse_kaplan_meier,
)
from sarcoma_sbrt.survival.logrank import (
    HazardRatio,
    LogRank,
    Pair,
    log_rank,
    log_rank_trend,
    observed_expected_hazard_ratio,
    pairwise_log_rank,
    peto_hazard_ratio,
)

__all__ = [
    "covariate_columns",
    "curves",
    "design_for",
    "endpoint_columns",
    "ordered_codes",
    "stratum_names",
    "survival_statistics",
    "ticks",
]

_MAXIMUM_TICKS = 11

# Coded columns whose codes stand in their order in the schema.
_ORDERED = ("patients.grade",)

# Quantiles beside the median: the fraction with the event, and how high the curve is then.
_QUARTILES = {"quartile_1": (0.25, "three quarters"), "quartile_3": (0.75, "one quarter")}


@dataclass(frozen=True)
class _Population:
    """Rows of an endpoint table that one curve is drawn of."""

    prefix: str
    name: str
    rows: pd.DataFrame
    columns: tuple[str, ...]
    where: Mapping[str, Any] = field(default_factory=dict)
    curve: KaplanMeier | None = None

    @property
    def events(self) -> int:
        return int((self.rows["event"] == 1).sum())


def endpoint_columns(endpoint: EndpointSettings, cohort: CohortSettings) -> tuple[str, ...]:
    """Canonical columns that decide an endpoint's times and events, as far as they are mapped.

    Parameters
    ----------
    endpoint : EndpointSettings
        An endpoint that the cohort can supply.
    cohort : CohortSettings
        Which columns there are.
    """
    needs = ["patients.last_contact_day", "patients.vital_status"]
    if endpoint.event == "progression":
        needs += ["progressions.progression_day"]
        if set(endpoint.progression_kinds) != set(TABLES["progressions"]["kind"].codes):
            needs += ["progressions.kind"]
        if endpoint.death_gap_months is not None or endpoint.censoring == "last_assessment":
            needs += ["assessments.assessment_day"]
    if endpoint.event == "local_failure" or endpoint.local_failure:
        needs += ["assessments.diameter_mm", "assessments.assessment_day", "courses.start_day"]
        needs += ["lesions.size_mm", "lesions.follow_up_end_day"]
    if endpoint.time_zero == "first_course":
        needs += ["courses.start_day"]
    return tuple(need for need in dict.fromkeys(needs) if need in cohort.columns)


def covariate_columns(covariates: Iterable[Covariate]) -> tuple[str, ...]:
    """Canonical columns that these covariates are made of, each once."""
    columns = [column for c in covariates for column in _made_of(c.column)]
    return tuple(dict.fromkeys(columns))


def _made_of(column: str) -> tuple[str, ...]:
    return (*DERIVED_NEEDS.get(column, (column,)), *DERIVED_USES.get(column, ()))


def stratum_names(endpoint: str, analysis: Analysis) -> tuple[str, ...]:
    """Covariates by which an endpoint's curves are split, in a log-rank test or a figure."""
    asked = (*analysis.strata.get(endpoint, ()), *analysis.figures.get(endpoint, ()))
    return tuple(name for name in dict.fromkeys(asked) if name != "overall")


def ticks(maximum: float) -> tuple[int, ...]:
    """Months at which a figure has its ticks and its numbers at risk.

    From 0 to the last multiple of the step that is not beyond `maximum`. The step is a year,
    half a year where that would leave fewer than three ticks, and as many years as keep
    them at eleven or fewer.
    """
    years = next(y for y in itertools.count(1) if maximum // (12 * y) < _MAXIMUM_TICKS)
    step = 6 if maximum < 24 else 12 * years
    return tuple(range(0, math.floor(maximum) + 1, step))


def design_for(
    table: pd.DataFrame,
    frame: pd.DataFrame,
    covariates: Mapping[str, Covariate],
    names: tuple[str, ...],
) -> pd.DataFrame:
    """Model columns, row by row for an endpoint table.

    Parameters
    ----------
    table : DataFrame
        Endpoint table, per patient or per lesion.
    frame : DataFrame
        Covariates per patient or, with ``lesion_id``, per lesion: of the endpoint's unit.
    covariates : mapping of str to Covariate
        The analysis plan's.
    names : tuple of str
        Which of them: the columns, in this order.

    Returns
    -------
    DataFrame of float
        Indexed as `table`; NaN where a covariate is missing.

    Raises
    ------
    ValueError
        When a row of `table` has no covariates at all, or more than one row of them.
    """
    keys = [key for key in ("patient_id", "lesion_id") if key in frame]
    if frame.duplicated(keys).any():
        raise ValueError(f"covariates are not unique by {', '.join(keys)}")
    merged = table[keys].merge(frame, on=keys, how="left", indicator=True)
    if lacking := int((merged["_merge"] == "left_only").sum()):
        raise ValueError(f"{lacking} rows of the endpoint table have no covariates")
    return covariate_design(merged, covariates, names).set_axis(table.index)


def ordered_codes(
    table: pd.DataFrame,
    frame: pd.DataFrame,
    covariates: Mapping[str, Covariate],
    names: Iterable[str],
) -> pd.DataFrame:
    """Codes, row by row for an endpoint table, of the covariates whose column has ordered ones.

    Parameters are those of `design_for`.

    Returns
    -------
    DataFrame of str
        Indexed as `table`, one column per covariate, each underlying column once; missing where
        it is not recorded.
    """
    keys = [key for key in ("patient_id", "lesion_id") if key in frame]
    rows = table[keys].merge(frame, on=keys, how="left")
    first: dict[str, str] = {}
    for name in names:
        if covariates[name].column in _ORDERED:
            first.setdefault(covariates[name].column, name)
    codes = {name: rows[column].to_numpy(dtype=object) for column, name in first.items()}
    return pd.DataFrame(codes, index=table.index)


def survival_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
    ordered: pd.DataFrame | None = None,
) -> list[Statistic]:
    """Every Kaplan-Meier and log-rank statistic of one endpoint.

    Parameters
    ----------
    endpoint : EndpointSettings
        Whose.
    table : DataFrame
        Endpoint table (`schema.ENDPOINT_TABLE`); competing events are censored here.
    design : DataFrame of float
        Row by row as `table`; one column (1 level, 0 reference, NaN missing) per
        `stratum_names`.
    analysis : Analysis
        Confidence level, transform, rules of quantiles, landmarks and strata.
    columns : tuple of str
        The endpoint's `endpoint_columns`.
    ordered : DataFrame of str, optional
        `ordered_codes`: tested for a trend and, where there are more than two, pair by pair.

    Raises
    ------
    ValueError
        When a covariate is continuous, or `design` lacks it.
    """
    populations = _fitted(_populations(endpoint, table, design, analysis, columns), analysis)
    months = _at_risk_months(table, analysis)
    found: list[Statistic] = []
    for population in populations:
        found += _counts(endpoint, population)
        found += _numbers_at_risk(endpoint, population, months)
        found += _quantiles(endpoint, population, analysis)
        found += [_rate(endpoint, population, m, analysis) for m in analysis.landmarks_months]
    for compared in _compared(populations):
        found += _restricted_means(endpoint, compared, analysis)
    found += _follow_up(endpoint, populations[0], analysis)
    for name in stratum_names(endpoint.name, analysis):
        both = _recorded(endpoint, table, design[name], analysis.covariates[name], columns)
        found += _log_rank(endpoint, both, design[name].dropna(), analysis)
        held = [c for c in analysis.stratified_by.get(endpoint.name, ()) if c != name]
        if held:
            found += _stratified(endpoint, both, design[[name, *held]].dropna(), analysis)
    for column, codes in () if ordered is None else ordered.items():
        covariate = analysis.covariates[str(column)]
        known = _recorded(endpoint, table, codes, covariate, columns)
        found += _ordered(endpoint, known, codes.dropna(), covariate)
    return found


def curves(
    endpoint: EndpointSettings, table: pd.DataFrame, design: pd.DataFrame, analysis: Analysis
) -> pd.DataFrame:
    """Curves for the figures, long: one row per endpoint, population and distinct time.

    Parameters are those of `survival_statistics`.

    Returns
    -------
    DataFrame
        ``endpoint``; ``population`` (``overall``, ``<covariate>_level``,
        ``<covariate>_reference``; one without a row is left out); ``time_months``, 0 first;
        ``survival``, ``lower``, ``upper`` (fractions; no band where the survival is 0 or 1);
        ``at_risk``, ``events``, ``censored``.
    """
    populations = _fitted(_populations(endpoint, table, design, analysis, ()), analysis)
    frames = [
        pd.DataFrame(
            {
                "endpoint": endpoint.name,
                "population": population.name,
                "time_months": curve.times,
                "survival": curve.survival,
                "lower": curve.lower,
                "upper": curve.upper,
                "at_risk": curve.at_risk,
                "events": curve.events,
                "censored": curve.censored,
            }
        )
        for population in populations
        if (curve := population.curve) is not None
    ]
    return pd.concat(frames, ignore_index=True) if frames else _NO_CURVES.copy()


_NO_CURVES = pd.DataFrame(
    {
        "endpoint": pd.Series(dtype=object),
        "population": pd.Series(dtype=object),
        **{name: pd.Series(dtype=float) for name in ("time_months", "survival", "lower", "upper")},
        **{name: pd.Series(dtype=np.int64) for name in ("at_risk", "events", "censored")},
    }
)


# --- populations --------------------------------------------------------------------------


def _populations(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> Iterator[_Population]:
    yield _Population(endpoint.name, "overall", table, columns)
    for covariate in _strata(endpoint, design, analysis):
        used = tuple(dict.fromkeys((*columns, *covariate_columns([covariate]))))
        values = design[covariate.name].to_numpy(dtype=float)
        for side, code in (("level", 1), ("reference", 0)):
            name = f"{covariate.name}_{side}"
            rows = table.loc[values == code]
            where = {covariate.name: code}
            yield _Population(f"{endpoint.name}.{name}", name, rows, used, where)


def _strata(
    endpoint: EndpointSettings, design: pd.DataFrame, analysis: Analysis
) -> list[Covariate]:
    names = stratum_names(endpoint.name, analysis)
    for name in names:
        if analysis.covariates[name].level is None:
            raise ValueError(f"{endpoint.name}: {name} is continuous and makes no groups")
        if name not in design:
            raise ValueError(f"{endpoint.name}: the design has no {name}")
    return [analysis.covariates[name] for name in names]


def _fitted(populations: Iterable[_Population], analysis: Analysis) -> list[_Population]:
    return [
        _Population(p.prefix, p.name, p.rows, p.columns, p.where, _curve(p.rows, analysis))
        for p in populations
    ]


def _curve(rows: pd.DataFrame, analysis: Analysis) -> KaplanMeier | None:
    if rows.empty:
        return None
    return fit_kaplan_meier(
        *_outcome(rows), level=analysis.confidence_level, transform=analysis.transform
    )


def _outcome(rows: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    return rows["time_months"].to_numpy(dtype=float), rows["event"].to_numpy(dtype=np.int64)


# --- records ------------------------------------------------------------------------------

_NOBODY = "nobody is in this group"


def _origin(endpoint: EndpointSettings, population: _Population) -> dict[str, Any]:
    """What every record of a population says about where it comes from."""
    where = f"endpoints/{endpoint.name}"
    return {
        "columns": population.columns,
        "joint": len(population.columns) > 1,
        "population": {"table": where, "filter": dict(population.where)},
        "rows": {"table": where, "where": dict(population.where)},
    }


def _kaplan_meier(endpoint: EndpointSettings, name: str = "Kaplan-Meier") -> str:
    if endpoint.death == "competing":
        return f"{name}, competing events censored"
    return name


def _counts(endpoint: EndpointSettings, population: _Population) -> list[Statistic]:
    codes = {"events": 1} | ({"competing": 2} if endpoint.death == "competing" else {})
    counts = {"n": len(population.rows)} | {
        name: int((population.rows["event"] == code).sum()) for name, code in codes.items()
    }
    return [
        Statistic(
            f"{population.prefix}.{name}", value, "count", "count", **_origin(endpoint, population)
        )
        for name, value in counts.items()
    ]


def _at_risk_months(table: pd.DataFrame, analysis: Analysis) -> list[float]:
    """Landmarks and the overall curve's ticks: every group has the same ones."""
    marks = ticks(float(table["time_months"].max())) if len(table) else ()
    return sorted({*map(float, marks), *map(float, analysis.landmarks_months)})


def _numbers_at_risk(
    endpoint: EndpointSettings, population: _Population, months: Iterable[float]
) -> list[Statistic]:
    curve = population.curve
    return [
        Statistic(
            f"{population.prefix}.at_risk_{month:g}m",
            curve.number_at_risk(month) if curve else 0,
            "count",
            "number at risk just before the time",
            n=len(population.rows),
            **_origin(endpoint, population),
        )
        for month in months
    ]


def _quantiles(
    endpoint: EndpointSettings, population: _Population, analysis: Analysis
) -> list[Statistic]:
    """Median and the two other quartiles."""
    asked = {"median": (0.5, "one half")} | _QUARTILES
    rest = _origin(endpoint, population) | {"n": len(population.rows), "events": population.events}
    method = _kaplan_meier(endpoint)
    if population.curve is None:
        return [
            not_estimable(f"{population.prefix}.{name}", "months", method, _NOBODY, **rest)
            for name in asked
        ]
    return [
        _quantile_record(
            f"{population.prefix}.{name}",
            method,
            population.curve,
            (probability, height),
            analysis,
            rest,
        )
        for name, (probability, height) in asked.items()
    ]


def _quantile_record(
    key: str,
    method: str,
    curve: KaplanMeier,
    asked: tuple[float, str],
    analysis: Analysis,
    rest: Mapping[str, Any],
) -> Statistic:
    """Record of the time at which a curve has come down to a height."""
    probability, height = asked
    quantile = curve.quantile(
        probability, limits=analysis.median_ci, at_probability=analysis.median_at_half
    )
    rest = _with_at_risk(rest, _at_risk(curve, quantile))
    if analysis.median_at_half == "midpoint":
        method += f", middle of a stretch at {height}"
    how = _crossing(height, analysis)
    ci = Interval(quantile.low, quantile.high, analysis.confidence_level, how)
    if quantile.value is None:
        why = NOT_REACHED.replace("one half", height)
        return Statistic(
            key, None, "months", method, ci=ci, status="not_reached", reason=why, **rest
        )
    return Statistic(key, quantile.value, "months", method, ci=ci, **rest)


def _at_risk(curve: KaplanMeier, quantile: Quantile) -> dict[str, int]:
    """Number at risk just before the fall of the curve that decides each time of a quantile.

    The middle of a stretch is decided by the fall that ends it.
    """
    falls = curve.times[curve.events > 0]
    times = {"value": quantile.value, "low": quantile.low, "high": quantile.high}
    return {
        name: curve.number_at_risk(float(falls[falls >= time][0]))
        for name, time in times.items()
        if time is not None
    }


def _with_at_risk(rest: Mapping[str, Any], at_risk: Mapping[str, int]) -> dict[str, Any]:
    """Origin of a record that tells of times, with how many were then at risk."""
    return {**rest, "population": {**rest["population"], "at_risk": dict(at_risk)}}


def _crossing(height: str, analysis: Analysis) -> str:
    """How the limits of a quantile are found, in the field's words."""
    band = "untransformed" if analysis.transform == "plain" else analysis.transform
    how = f"where the {band} band crosses {height}"
    if analysis.median_ci == "first_event":
        how += ", an upper limit that it does not reach as the last event time"
    return how


def _band(analysis: Analysis) -> str:
    if analysis.transform == "plain":
        return "Greenwood's variance, untransformed"
    return f"{analysis.transform} transform of Greenwood's variance"


def _compared(populations: Sequence[_Population]) -> Iterator[Sequence[_Population]]:
    """Populations whose means go up to one horizon: all rows, then the two of each covariate."""
    yield populations[:1]
    for at in range(1, len(populations), 2):
        yield populations[at : at + 2]


def _restricted_means(
    endpoint: EndpointSettings, populations: Sequence[_Population], analysis: Analysis
) -> list[Statistic]:
    """Restricted mean of each group, with its standard error and the horizon of both."""
    found, method = [], _kaplan_meier(endpoint, "restricted mean, area under the Kaplan-Meier")
    for population in populations:
        rest = _origin(endpoint, population)
        rest |= {"n": len(population.rows), "events": population.events}
        names = [f"{population.prefix}.{name}" for name in ("rmst", "rmst_se", "rmst_horizon")]
        methods = (method, f"{method}: standard error", f"{method}: horizon")
        try:
            values, ci, left = _restricted_mean(population, populations, analysis)
        except NotEstimable as reason:
            found += [
                not_estimable(key, "months", how, str(reason), **rest)
                for key, how in zip(names, methods, strict=True)
            ]
            continue
        # The horizon is a landmark or the plan's: it is nobody's time.
        of_times = _with_at_risk(rest, dict.fromkeys(("value", "low", "high"), left))
        intervals, origins = (ci, None, None), (of_times, of_times, rest)
        found += [
            Statistic(key, value, "months", how, ci=interval, **origin)
            for key, value, how, interval, origin in zip(
                names, values, methods, intervals, origins, strict=True
            )
        ]
    return found


def _restricted_mean(
    population: _Population, populations: Sequence[_Population], analysis: Analysis
) -> tuple[tuple[float, float, float], Interval | None, int]:
    """Mean, standard error and horizon; the mean's limits; and how many are at risk at its end.

    There are no limits where nothing happened before the horizon.
    """
    followed = [other.curve for other in populations if other.curve is not None]
    if population.curve is None:
        raise NotEstimable(_NOBODY)
    horizon = analysis.rmst_months
    if horizon is None:
        horizon = common_horizon(followed, analysis.landmarks_months)
    mean = population.curve.restricted_mean(horizon)
    how = "symmetric, from Greenwood's variance"
    ci = Interval(mean.low, mean.high, analysis.confidence_level, how)
    # A curve at one has no variance by Greenwood, which is no certainty: like a rate, no limits.
    values = (mean.value, mean.standard_error, mean.horizon)
    limits = ci if mean.standard_error else None
    return values, limits, population.curve.number_at_risk(horizon)


def _rate(
    endpoint: EndpointSettings, population: _Population, month: float, analysis: Analysis
) -> Statistic:
    key, method = f"{population.prefix}.rate_{month:g}m", _kaplan_meier(endpoint)
    rest = _origin(endpoint, population)
    if population.curve is None:
        return not_estimable(key, "percent", method, _NOBODY, n=0, events=0, **rest)
    try:
        rate = population.curve.rate(month)
    except NotEstimable as reason:
        return not_estimable(
            key, "percent", method, str(reason), n=0, events=population.events, **rest
        )
    ci = None
    if rate.low is not None and rate.high is not None:
        ci = Interval(100 * rate.low, 100 * rate.high, analysis.confidence_level, _band(analysis))
    return Statistic(
        key, 100 * rate.value, "percent", method, ci=ci, n=rate.at_risk, events=rate.events, **rest
    )


_OBSERVED: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "median": np.median,
    "shortest": np.min,
    "longest": np.max,
}


def _follow_up(
    endpoint: EndpointSettings, overall: _Population, analysis: Analysis
) -> list[Statistic]:
    """Follow-up: by reverse Kaplan-Meier, and the plain median and range of observed times."""
    rest = _origin(endpoint, overall) | {"n": len(overall.rows)}
    names = ("follow_up_median", "time_median", "time_min", "time_max")
    keys = [f"{endpoint.name}.{name}" for name in names]
    methods = ["reverse Kaplan-Meier", *(f"{which} observed time" for which in _OBSERVED)]
    if overall.rows.empty:
        return [
            not_estimable(key, "months", method, _NOBODY, **rest)
            for key, method in zip(keys, methods, strict=True)
        ]
    times, events = _outcome(overall.rows)
    reverse = reverse_kaplan_meier(
        times, events, level=analysis.confidence_level, transform=analysis.transform
    )
    return [
        _quantile_record(keys[0], methods[0], reverse, (0.5, "one half"), analysis, rest),
        *(
            Statistic(key, float(summary(times)), "months", method, **rest)
            for key, method, summary in zip(keys[1:], methods[1:], _OBSERVED.values(), strict=True)
        ),
    ]


def _recorded(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    values: pd.Series[Any],
    covariate: Covariate,
    columns: tuple[str, ...],
) -> _Population:
    """Rows in one of a covariate's groups."""
    used = tuple(dict.fromkeys((*columns, *covariate_columns([covariate]))))
    where = {covariate.name: [0, 1]}
    known = values.notna().to_numpy(dtype=bool)
    return _Population(endpoint.name, covariate.name, table.loc[known], used, where)


_HAZARD_RATIOS: dict[str, tuple[str, Callable[..., HazardRatio]]] = {
    "peto": ("log-rank, Peto's one-step hazard ratio", peto_hazard_ratio),
    "observed_expected": (
        "log-rank, ratio of observed to expected events",
        observed_expected_hazard_ratio,
    ),
}


def _log_rank(
    endpoint: EndpointSettings, both: _Population, values: pd.Series[float], analysis: Analysis
) -> list[Statistic]:
    """Log-rank test of a covariate's two groups, and the hazard ratios of its counts."""
    key, rest = f"{endpoint.name}.{both.name}.logrank", _tested(endpoint, both)
    method = _kaplan_meier(endpoint, "log-rank")
    try:
        test: LogRank | NotEstimable = log_rank(*_outcome(both.rows), values.to_numpy(dtype=float))
    except NotEstimable as reason:
        test = reason
    found = _chi_square(key, method, test, rest)
    for name, (what, ratio) in _HAZARD_RATIOS.items():
        how = _kaplan_meier(endpoint, what)
        try:
            if isinstance(test, NotEstimable):
                raise test
            level = ratio(test, of=1.0, level=analysis.confidence_level)
        except NotEstimable as reason:
            found.append(not_estimable(f"{key}.{name}", "hazard ratio", how, str(reason), **rest))
            continue
        ci = Interval(level.low, level.high, level.level, "normal, of the logarithm")
        found.append(
            Statistic(f"{key}.{name}", level.value, "hazard ratio", how, ci=ci, p=test.p, **rest)
        )
    return found


def _stratified(
    endpoint: EndpointSettings, both: _Population, groups: pd.DataFrame, analysis: Analysis
) -> list[Statistic]:
    """Log-rank test of the first column's two groups within the groups of all others."""
    name, held = str(groups.columns[0]), [str(column) for column in groups.columns[1:]]
    within = [analysis.covariates[column] for column in held]
    labels = " and ".join(covariate.label for covariate in within)
    known = replace(
        both,
        rows=both.rows.loc[groups.index],
        columns=tuple(dict.fromkeys((*both.columns, *covariate_columns(within)))),
        where={column: [0, 1] for column in (name, *held)},
    )
    strata = groups.groupby(held, sort=True).ngroup().to_numpy(dtype=np.int64)
    try:
        test: LogRank | NotEstimable = log_rank(
            *_outcome(known.rows), groups[name].to_numpy(dtype=float), strata=strata
        )
    except NotEstimable as reason:
        test = reason
    method = _kaplan_meier(endpoint, f"log-rank, stratified by {labels}")
    key = f"{endpoint.name}.{name}.logrank_stratified"
    return _chi_square(key, method, test, _tested(endpoint, known))


def _tested(endpoint: EndpointSettings, both: _Population) -> dict[str, Any]:
    return _origin(endpoint, both) | {"n": len(both.rows), "events": both.events}


_TEST_UNITS: dict[str, Unit] = {"chi_square": "chi-square", "df": "count", "p": "p"}


def _chi_square(
    key: str, method: str, test: LogRank | NotEstimable, rest: Mapping[str, Any]
) -> list[Statistic]:
    """Chi-square, degrees of freedom and p of a log-rank test, or why there are none."""
    if isinstance(test, NotEstimable):
        return [
            not_estimable(f"{key}.{name}", unit, method, str(test), **rest)
            for name, unit in _TEST_UNITS.items()
        ]
    values = (test.statistic, test.degrees_of_freedom, test.p)
    return [
        Statistic(f"{key}.{name}", value, unit, method, p=test.p, **rest)
        for (name, unit), value in zip(_TEST_UNITS.items(), values, strict=True)
    ]


# --- ordered groups -----------------------------------------------------------------------


def _ordered(
    endpoint: EndpointSettings,
    known: _Population,
    codes: pd.Series[Any],
    covariate: Covariate,
) -> list[Statistic]:
    """Trend over ordered codes, and every pair of them; nothing where fewer than three were seen.

    With two there is nothing that the log-rank test of the two does not say.
    """
    table, _, column = covariate.column.partition(".")
    order = [code for code in TABLES[table][column].codes if code in set(codes)]
    if len(order) < 3:
        return []
    columns = (*known.columns, *_within_groups(covariate))
    known = replace(known, where={covariate.name: order}, columns=columns)
    key = f"{endpoint.name}.{covariate.name}"
    ranks = codes.map(order.index).to_numpy(dtype=np.int64)
    found = _trend(f"{key}.trend", endpoint, known, ranks, _tested(endpoint, known))
    for pair in pairwise_log_rank(*_outcome(known.rows), ranks):
        two = [order[pair.first], order[pair.second]]  # type: ignore[call-overload]
        chosen = codes.isin(two).to_numpy(dtype=bool)
        of_pair = replace(known, rows=known.rows.loc[chosen], where={covariate.name: two})
        found += _pair(f"{key}.pair.{'_'.join(two)}", endpoint, pair, of_pair, known)
    return found


def _within_groups(covariate: Covariate) -> tuple[str, ...]:
    """Who of a group of several codes has which, where a group has several.

    What is printed of such a group tells nothing of its codes: a reconstructed cohort may mark it
    in its `support`.
    """
    groups = filter(None, (covariate.level, covariate.reference))
    several = any(len(group.codes) > 1 for group in groups)
    return (f"derived.{covariate.name}_within_group",) if several else ()


def _trend(
    key: str,
    endpoint: EndpointSettings,
    known: _Population,
    ranks: NDArray[np.int64],
    rest: Mapping[str, Any],
) -> list[Statistic]:
    method = _kaplan_meier(endpoint, "log-rank test for trend, equally spaced scores")
    try:
        trend = log_rank_trend(log_rank(*_outcome(known.rows), ranks))
    except NotEstimable as reason:
        return _chi_square(key, method, reason, rest)
    values = (trend.statistic, 1, trend.p)
    return [
        Statistic(f"{key}.{name}", value, unit, method, p=trend.p, **rest)
        for (name, unit), value in zip(_TEST_UNITS.items(), values, strict=True)
    ]


def _pair(
    key: str,
    endpoint: EndpointSettings,
    pair: Pair,
    of_pair: _Population,
    everybody: _Population,
) -> list[Statistic]:
    """Log-rank test of two codes, with the p adjusted for all pairs, which all codes decide."""
    rest = _tested(endpoint, of_pair)
    adjusted_rest = rest | {"rows": _origin(endpoint, everybody)["rows"]}
    method = _kaplan_meier(endpoint, "log-rank, the other groups left out")
    adjusted = _kaplan_meier(endpoint, "log-rank, p adjusted for all pairs by Holm")
    if pair.test is None:
        return [
            *_chi_square(key, method, NotEstimable(pair.reason), rest),
            not_estimable(f"{key}.p_holm", "p", adjusted, pair.reason, **adjusted_rest),
        ]
    return [
        *_chi_square(key, method, pair.test, rest),
        Statistic(
            *(f"{key}.p_holm", pair.adjusted_p, "p", adjusted),
            **{**adjusted_rest, "p": pair.adjusted_p},
        ),
    ]
