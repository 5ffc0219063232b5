"""Statistics of the stage competing: cumulative incidence, Gray's test, Fine-Gray models."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.endpoints import Tables, derive_all
from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns, stratum_names
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings
from sarcoma_sbrt.survival.competing import (
    NO_EVENT,
    Complement,
    CumulativeIncidence,
    FineGray,
    GrayTest,
    Incidence,
    compare_with_complement,
    fine_gray,
    fit_cumulative_incidence,
    gray_test,
)
from sarcoma_sbrt.survival.cox import Term
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier

__all__ = [
    "CAUSES",
    "NO_CURVES",
    "at_gap",
    "competing_endpoints",
    "competing_statistics",
    "covariate_names",
    "gap_name",
    "gaps",
    "incidence_curves",
    "planned_models",
]

# What ends the observation of an endpoint with a competing event, by code, and the name of its
# cumulative incidence in keys.
CAUSES = {1: "cif", 2: "cif_death"}

_ROW = ["patient_id", "lesion_id"]

_BAND = "{transform} transform of the infinitesimal jackknife's variance"
_INCIDENCE = "Aalen-Johansen"
_COMPLEMENT = "one minus Kaplan-Meier, competing events censored"


# --- what there is ------------------------------------------------------------------------


def competing_endpoints(
    endpoints: Mapping[str, EndpointSettings], analysis: Analysis
) -> tuple[str, ...]:
    """Endpoints of the plan for which a death competes, in its order."""
    return tuple(name for name in analysis.endpoints if endpoints[name].death == "competing")


def covariate_names(endpoint: str, analysis: Analysis) -> tuple[str, ...]:
    """Covariates that the stage needs of an endpoint: of its groups, and of its models."""
    names = (*stratum_names(endpoint, analysis), *model_names(endpoint, analysis))
    return tuple(dict.fromkeys(names))


def planned_models(endpoint: str, analysis: Analysis) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and covariates of every model of an endpoint, as for the Cox models."""
    for name in analysis.univariable.get(endpoint, ()):
        yield "univariable", (name,)
    yield from analysis.multivariable.get(endpoint, {}).items()


def gaps(endpoint: EndpointSettings, analysis: Analysis) -> tuple[float | None, ...]:
    """Gaps of the sensitivity analysis, in months and None for no limit; never the endpoint's."""
    asked = dict.fromkeys(analysis.competing_gaps_months)
    return tuple(gap for gap in asked if gap != endpoint.death_gap_months)


def gap_name(gap: float | None) -> str:
    """Name of a gap in keys, e.g. ``gap_0m`` or ``gap_unlimited``."""
    return "gap_unlimited" if gap is None else f"gap_{gap:g}m".replace(".", "_")


def at_gap(
    tables: Tables,
    endpoints: Mapping[str, EndpointSettings],
    cohort: CohortSettings,
    gap: float | None,
) -> dict[str, pd.DataFrame]:
    """Tables of the endpoints with a competing death, derived with another gap.

    A death competes if disease was last assessed no longer before it. At 0 in effect none does:
    who died unseen is censored at the last assessment. Without a limit (None) every death
    without the event does, on its own day.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables.
    endpoints : mapping of str to EndpointSettings
        The protocol.
    cohort : CohortSettings
        What the tables hold.
    gap : float or None
        Months.
    """
    changed = {
        name: replace(e, death_gap_months=gap) if e.death == "competing" else e
        for name, e in endpoints.items()
    }
    derived = derive_all(tables, changed, cohort)
    return {name: derived[name].table for name, e in changed.items() if e.death == "competing"}


# --- records ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """Rows of an endpoint table of which curves are estimated, and where they come from.

    `variant` says how they were derived otherwise than the protocol has it.
    """

    prefix: str
    name: str
    table: str
    rows: pd.DataFrame
    columns: tuple[str, ...]
    where: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outcome(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        times = self.rows["time_months"].to_numpy(dtype=float)
        return times, self.rows["event"].to_numpy(dtype=np.int64)

    @property
    def origin(self) -> dict[str, Any]:
        """What every record of the group says about where it comes from."""
        return {
            "columns": self.columns,
            "joint": True,
            "population": {"table": self.table, "filter": dict(self.where)} | dict(self.variant),
            "rows": {"table": self.table, "where": dict(self.where)} | dict(self.variant),
        }

    def count(self, code: int) -> int:
        """Rows with an outcome."""
        return int((self.outcome[1] == code).sum())


def competing_statistics(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    variants: Mapping[float | None, pd.DataFrame],
    analysis: Analysis,
    columns: tuple[str, ...],
) -> list[Statistic]:
    """Every competing-risks statistic of one endpoint.

    Of all and of each group the cumulative incidence of the event (``<endpoint>.cif_12m``) and
    of death without it (``cif_death_12m``); of all one minus Kaplan-Meier (``cif_complement_12m``)
    and the difference; Gray's tests (``<endpoint>.<covariate>.gray.p``, ``gray_death``);
    subdistribution hazard ratios (``fine_gray.<endpoint>.<model>.<covariate>.hr``), whose
    cause-specific ones are those of the stage cox. With another gap (``<endpoint>.gap_0m...``)
    the counts, the incidences of all, and Gray's tests.

    Parameters
    ----------
    endpoint : EndpointSettings
        One with a competing death.
    table : DataFrame
        Endpoint table: 1 the event, 2 death without it.
    design : DataFrame of float
        `survival_statistics.design_for` of it, with the `covariate_names`.
    variants : mapping of (float or None) to DataFrame
        The table of `at_gap` by gap; who is analysed does not depend on it.
    analysis : Analysis
        Confidence level, transform, landmarks, groups, models and ties.
    columns : tuple of str
        The endpoint's `survival_statistics.endpoint_columns`.

    Raises
    ------
    ValueError
        When a variant has other rows than the table.
    """
    groups = list(_groups(endpoint, table, design, analysis, columns))
    found = [record for group in groups for record in _incidences(group, analysis)]
    found += _complements(groups[0], analysis)
    for name in stratum_names(endpoint.name, analysis):
        found += _gray_tests(groups[0], design[name], name, analysis)
    for model, names in planned_models(endpoint.name, analysis):
        found += _fine_gray(endpoint, groups[0], design, model, names, analysis)
    for gap, rows in variants.items():
        if not rows[_ROW].equals(table[_ROW]):
            raise ValueError(f"{endpoint.name}: a gap changes who is analysed")
        found += _variant(endpoint, rows, design, gap, analysis, columns)
    return found


def incidence_curves(
    endpoint: EndpointSettings, table: pd.DataFrame, design: pd.DataFrame, analysis: Analysis
) -> pd.DataFrame:
    """Curves for the figures, long: one row per endpoint, population and distinct time.

    Parameters are those of `competing_statistics`.

    Returns
    -------
    DataFrame
        ``endpoint``; ``population`` (as in `survival_statistics.curves`; one in which nothing
        happened is left out); ``time_months``, 0 first; ``cif``, ``lower``, ``upper`` and
        ``cif_death``, ``lower_death``, ``upper_death``; ``complement``, one minus Kaplan-Meier
        (fractions; no band where an incidence is 0).
    """
    frames = []
    for group in _groups(endpoint, table, design, analysis, ()):
        try:
            frames.append(_fit(group, analysis).frame(endpoint.name, group, analysis))
        except NotEstimable:
            continue  # its records say why
    return pd.concat(frames, ignore_index=True) if frames else NO_CURVES.copy()


NO_CURVES = pd.DataFrame(
    {
        "endpoint": pd.Series(dtype=object),
        "population": pd.Series(dtype=object),
        **{
            name: pd.Series(dtype=float)
            for name in (
                *("time_months", "cif", "lower", "upper", "cif_death"),
                *("lower_death", "upper_death", "complement"),
            )
        },
    }
)


def _groups(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> Iterator[_Group]:
    """All rows, then those of each group."""
    name = endpoint.name
    yield _Group(name, "overall", f"endpoints/{name}", table, columns)
    for covariate in stratum_names(name, analysis):
        used = _with_covariates(columns, (covariate,), analysis)
        for side, code in (("level", 1), ("reference", 0)):
            rows = table.loc[design[covariate].to_numpy(dtype=float) == code]
            population = f"{covariate}_{side}"
            yield _Group(
                f"{name}.{population}",
                population,
                f"endpoints/{name}",
                rows,
                used,
                {covariate: code},
            )


def _with_covariates(
    columns: tuple[str, ...], names: tuple[str, ...], analysis: Analysis
) -> tuple[str, ...]:
    own = covariate_columns(analysis.covariates[name] for name in names)
    return tuple(dict.fromkeys((*columns, *own)))


# --- cumulative incidence -----------------------------------------------------------------


@dataclass(frozen=True)
class _Curves:
    """Curves of both causes; `first` is the one that was fitted as the event of interest."""

    fit: CumulativeIncidence
    first: int

    def at(self, month: float, cause: int) -> Incidence:
        return self.fit.at(month, competing=cause != self.first)

    def frame(self, endpoint: str, group: _Group, analysis: Analysis) -> pd.DataFrame:
        """Rows of `incidence_curves`."""
        event, death = (0, 1) if self.first == 1 else (1, 0)
        survival = fit_kaplan_meier(
            *group.outcome, level=analysis.confidence_level, transform=analysis.transform
        )
        held = np.searchsorted(survival.times, self.fit.times, side="right") - 1
        return pd.DataFrame(
            {
                "endpoint": endpoint,
                "population": group.name,
                "time_months": self.fit.times,
                "cif": self.fit.value[:, event],
                "lower": self.fit.lower[:, event],
                "upper": self.fit.upper[:, event],
                "cif_death": self.fit.value[:, death],
                "lower_death": self.fit.lower[:, death],
                "upper_death": self.fit.upper[:, death],
                "complement": 1 - survival.survival[held],
            }
        )


def _fit(group: _Group, analysis: Analysis) -> _Curves:
    """Curves of a group; where only deaths happened, from these.

    Raises
    ------
    NotEstimable
        Where nothing happened, or there are too few rows.
    """
    times, codes = group.outcome
    first = 2 if group.count(2) and not group.count(1) else 1
    swapped = np.where(codes == 0, 0, np.where(codes == first, 1, 2))
    fit = fit_cumulative_incidence(
        times, swapped, level=analysis.confidence_level, transform=analysis.transform
    )
    return _Curves(fit, first)


def _incidences(group: _Group, analysis: Analysis) -> Iterator[Statistic]:
    """Incidence of either cause at every landmark."""
    for month in analysis.landmarks_months:
        for cause, quantity in CAUSES.items():
            key = f"{group.prefix}.{quantity}_{month:g}m"
            rest = group.origin | {"events": group.count(cause)}
            try:
                value = _fit(group, analysis).at(month, cause)
            except NotEstimable as reason:
                said = f"{NO_EVENT} and no death" if str(reason) == NO_EVENT else str(reason)
                yield not_estimable(key, "percent", _INCIDENCE, said, n=0, **rest)
                continue
            rest |= {"n": value.at_risk, "events": value.events}
            ci = _interval(value.low, value.high, analysis)
            yield Statistic(key, 100 * value.value, "percent", _INCIDENCE, ci=ci, **rest)


def _interval(low: float | None, high: float | None, analysis: Analysis) -> Interval | None:
    """Interval in per cent; a curve at 0 has none."""
    if low is None or high is None:
        return None
    how = _BAND.format(transform=analysis.transform)
    return Interval(100 * low, 100 * high, analysis.confidence_level, how)


def _complements(group: _Group, analysis: Analysis) -> Iterator[Statistic]:
    """What Kaplan-Meier would say of the incidence at every landmark, and how much more."""
    for month in analysis.landmarks_months:
        keys = [f"{group.prefix}.cif_{name}_{month:g}m" for name in ("complement", "difference")]
        rest = group.origin | {"events": group.count(1)}
        try:
            found = _complement(group, month, analysis)
        except NotEstimable as reason:
            for key in keys:
                yield not_estimable(key, "percent", _COMPLEMENT, str(reason), n=0, **rest)
            continue
        rest |= {"n": found.incidence.at_risk, "events": found.incidence.events}
        ci = None
        if found.low is not None and found.high is not None:
            how = f"{analysis.transform} transform of Greenwood's variance"
            ci = Interval(100 * found.low, 100 * found.high, analysis.confidence_level, how)
        yield Statistic(keys[0], 100 * found.complement, "percent", _COMPLEMENT, ci=ci, **rest)
        more, what = max(100 * found.difference, 0.0), f"{_COMPLEMENT}, less {_INCIDENCE}"
        yield Statistic(keys[1], more, "percent", what, **rest)


def _complement(group: _Group, month: float, analysis: Analysis) -> Complement:
    compared = compare_with_complement(
        *group.outcome,
        times=[month],
        level=analysis.confidence_level,
        transform=analysis.transform,
    )
    return compared[0]


# --- Gray's test --------------------------------------------------------------------------


def _gray_tests(
    group: _Group, values: pd.Series[float], name: str, analysis: Analysis
) -> Iterator[Statistic]:
    """Tests of one covariate's groups: of the event, and of death without it."""
    known = values.notna().to_numpy(dtype=bool)
    both = replace(
        group,
        rows=group.rows.loc[known],
        columns=_with_covariates(group.columns, (name,), analysis),
        where={name: [0, 1]},
    )
    for cause, quantity in ((1, "gray"), (2, "gray_death")):
        key = f"{group.prefix}.{name}.{quantity}"
        rest = both.origin | {"n": len(both.rows), "events": both.count(cause)}
        units: dict[str, Unit] = {"chi_square": "chi-square", "p": "p"}
        try:
            test = gray_test(*both.outcome, values.to_numpy(dtype=float)[known], cause=cause)
        except NotEstimable as reason:
            for end, unit in units.items():
                yield not_estimable(f"{key}.{end}", unit, "Gray's test", str(reason), **rest)
            continue
        for end, unit in units.items():
            yield _test_record(f"{key}.{end}", unit, test, rest)


def _test_record(key: str, unit: Unit, test: GrayTest, rest: Mapping[str, Any]) -> Statistic:
    value = test.p if unit == "p" else test.statistic
    return Statistic(key, value, unit, "Gray's test", p=test.p, **rest)


# --- models -------------------------------------------------------------------------------


def _fine_gray(
    endpoint: EndpointSettings,
    group: _Group,
    design: pd.DataFrame,
    model: str,
    names: tuple[str, ...],
    analysis: Analysis,
) -> Iterator[Statistic]:
    """Subdistribution hazard ratios of one set of covariates, and the model's size."""
    chosen = design[list(names)]
    cases = replace(
        group,
        rows=group.rows.loc[chosen.notna().all(axis=1).to_numpy(dtype=bool)],
        columns=_with_covariates(group.columns, names, analysis),
        where={"recorded": list(names)},
    )
    key, method = f"fine_gray.{endpoint.name}.{model}", _method(endpoint, analysis)
    counts = {"n": len(cases.rows), "events": cases.count(1), "competing": cases.count(2)}
    rest = cases.origin | {"n": counts["n"], "events": counts["events"]}
    try:
        fit = _fitted(endpoint, group, chosen, analysis)
    except NotEstimable as reason:
        units: dict[str, Unit] = {"hr": "hazard ratio", "p": "p"}
        for name, (end, unit) in itertools.product(names, units.items()):
            yield not_estimable(f"{key}.{name}.{end}", unit, method, str(reason), **rest)
    else:
        for term in fit.terms:
            yield from _term(f"{key}.{term.name}", term, method, rest, analysis)
    if model != "univariable":
        for end, count in counts.items():
            yield Statistic(f"{key}.{end}", count, "count", "count of complete cases", **rest)


def _method(endpoint: EndpointSettings, analysis: Analysis) -> str:
    errors = "clustered by patient" if endpoint.unit == "lesion" else "robust"
    ties = analysis.ties.capitalize()
    return f"Fine-Gray model, {ties} ties, Wald limits and test, standard errors {errors}"


def _fitted(
    endpoint: EndpointSettings, group: _Group, design: pd.DataFrame, analysis: Analysis
) -> FineGray:
    lesions = endpoint.unit == "lesion"
    return fine_gray(
        design,
        *group.outcome,
        level=analysis.confidence_level,
        ties=analysis.ties,
        cluster=group.rows["patient_id"].to_numpy(dtype=str) if lesions else None,
        labels={name: analysis.covariates[name].in_sentence for name in map(str, design)},
    )


def _term(
    key: str, term: Term, method: str, rest: Mapping[str, Any], analysis: Analysis
) -> Iterator[Statistic]:
    robust = term.robust
    assert robust is not None  # a Fine-Gray model always has it
    ci = Interval(robust.low, robust.high, analysis.confidence_level, "Wald, robust")
    given = dict(rest) | {"p": robust.p}
    yield Statistic(f"{key}.hr", term.hazard_ratio, "hazard ratio", method, ci=ci, **given)
    yield Statistic(f"{key}.p", robust.p, "p", method, **given)


# --- another gap --------------------------------------------------------------------------


def _variant(
    endpoint: EndpointSettings,
    table: pd.DataFrame,
    design: pd.DataFrame,
    gap: float | None,
    analysis: Analysis,
    columns: tuple[str, ...],
) -> list[Statistic]:
    """Counts, incidences of all, and Gray's tests with another gap."""
    group = _Group(
        f"{endpoint.name}.{gap_name(gap)}",
        "overall",
        f"endpoints/{endpoint.name}",
        table,
        columns,
        variant={"death_gap_months": "unlimited" if gap is None else gap},
    )
    found = [
        Statistic(f"{group.prefix}.{name}", group.count(code), "count", "count", **group.origin)
        for name, code in (("events", 1), ("competing", 2))
    ]
    found += [*_incidences(group, analysis), *_complements(group, analysis)]
    for name in stratum_names(endpoint.name, analysis):
        found += _gray_tests(group, design[name], name, analysis)
    return found
