"""Statistics of the stage kaplan_meier: counts, medians, rates, follow-up, log-rank tests."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
    Median,
    fit_kaplan_meier,
    reverse_kaplan_meier,
)
from sarcoma_sbrt.survival.logrank import LogRank, log_rank

__all__ = [
    "covariate_columns",
    "curves",
    "design_for",
    "endpoint_columns",
    "stratum_names",
    "survival_statistics",
    "ticks",
]

_MAXIMUM_TICKS = 11

_BAND = "{transform} transform of Greenwood's variance"
_CROSSING = "where the {transform} band crosses one half"


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


def survival_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
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
        Confidence level, transform, landmarks and strata.
    columns : tuple of str
        The endpoint's `endpoint_columns`.

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
        found.append(_median(endpoint, population, analysis))
        found += [_rate(endpoint, population, m, analysis) for m in analysis.landmarks_months]
    found += _follow_up(endpoint, populations[0], analysis)
    for name in stratum_names(endpoint.name, analysis):
        found += _log_rank(endpoint, table, design[name], analysis.covariates[name], columns)
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


def _median(endpoint: EndpointSettings, population: _Population, analysis: Analysis) -> Statistic:
    key, method = f"{population.prefix}.median", _kaplan_meier(endpoint)
    rest = _origin(endpoint, population) | {"n": len(population.rows), "events": population.events}
    if population.curve is None:
        return not_estimable(key, "months", method, _NOBODY, **rest)
    return _median_record(key, method, population.curve.median(), analysis, rest)


def _median_record(
    key: str, method: str, median: Median, analysis: Analysis, rest: Mapping[str, Any]
) -> Statistic:
    ci = Interval(
        median.low,
        median.high,
        analysis.confidence_level,
        _CROSSING.format(transform=analysis.transform),
    )
    if median.value is None:
        return Statistic(
            key, None, "months", method, ci=ci, status="not_reached", reason=NOT_REACHED, **rest
        )
    return Statistic(key, median.value, "months", method, ci=ci, **rest)


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
        how = _BAND.format(transform=analysis.transform)
        ci = Interval(100 * rate.low, 100 * rate.high, analysis.confidence_level, how)
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
        _median_record(keys[0], methods[0], reverse.median(), analysis, rest),
        *(
            Statistic(key, float(summary(times)), "months", method, **rest)
            for key, method, summary in zip(keys[1:], methods[1:], _OBSERVED.values(), strict=True)
        ),
    ]


def _log_rank(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    values: pd.Series[float],
    covariate: Covariate,
    columns: tuple[str, ...],
) -> list[Statistic]:
    known = values.notna().to_numpy(dtype=bool)
    used = tuple(dict.fromkeys((*columns, *covariate_columns([covariate]))))
    where = {covariate.name: [0, 1]}
    both = _Population(endpoint.name, covariate.name, table.loc[known], used, where)
    rest = _origin(endpoint, both) | {"n": len(both.rows), "events": both.events}
    key, method = f"{endpoint.name}.{covariate.name}.logrank", _kaplan_meier(endpoint, "log-rank")
    units: dict[str, Unit] = {"chi_square": "chi-square", "p": "p"}
    try:
        test = log_rank(*_outcome(both.rows), values.to_numpy(dtype=float)[known])
    except NotEstimable as reason:
        return [
            not_estimable(f"{key}.{name}", unit, method, str(reason), **rest)
            for name, unit in units.items()
        ]
    return [_test_record(f"{key}.{name}", unit, method, test, rest) for name, unit in units.items()]


def _test_record(
    key: str, unit: Unit, method: str, test: LogRank, rest: Mapping[str, Any]
) -> Statistic:
    value = test.p if unit == "p" else test.statistic
    return Statistic(key, value, unit, method, p=test.p, **rest)
