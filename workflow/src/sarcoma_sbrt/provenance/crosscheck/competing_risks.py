"""Competing risks again, in plain numpy: incidences, Gray's tests, Fine-Gray models.

The Aalen-Johansen curve and the change of it by each observation are carried from one event time
to the next; Gray's test is the recursion of his own program; a Fine-Gray model takes the weights
as they are in each risk set, where the first engine makes rows of them. Outcomes with another gap
are derived again from the canonical rows (`events`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.cox_models import (
    ENGINE,
    Units,
    covariates_of,
    models_of,
    units_of,
)
from sarcoma_sbrt.provenance.crosscheck.events import outcomes
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import (
    AtMoment,
    Estimate,
    Floats,
    Sample,
    Wald,
    estimate_timed,
    merged_times,
    refuse,
)
from sarcoma_sbrt.provenance.crosscheck.records import rows_of
from sarcoma_sbrt.settings import Analysis, EndpointSettings

__all__ = ["Curve", "band", "fine_gray", "gray", "incidence", "recompute", "survival"]

_ROUNDING = 1e-12
_CAUSES = {1: "cif", 2: "cif_death"}


# --- incidence and survival ---------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """A step function with its standard error, as fractions.

    Attributes
    ----------
    times, value, error : ndarray, shape (times,)
        At the distinct observed times, ascending.
    free : ndarray, shape (times,)
        Probability of no event of any kind.
    """

    times: Floats
    value: Floats
    error: Floats
    free: Floats

    def at(self, time: float) -> tuple[float, float]:
        """Value and standard error at a time.

        Raises
        ------
        NotEstimable
            When nobody was followed that long and somebody was still without an event.
        """
        if time > self.times[-1] and self.free[-1] > _ROUNDING:
            raise NotEstimable("nobody was followed that long")
        row = int(np.searchsorted(self.times, time, side="right")) - 1
        return (float(self.value[row]), float(self.error[row])) if row >= 0 else (0.0, 0.0)


def incidence(time: Floats, code: NDArray[np.int64], cause: int) -> Curve:
    """Aalen-Johansen's incidence of one cause, with the infinitesimal jackknife's error.

    What each observation's weight changes in a curve is the derivative of its product formula; the
    variance is the sum of their squares (Therneau and Grambsch 2000; R's ``survfit``).

    Parameters
    ----------
    time : ndarray, shape (n,)
    code : ndarray of int, shape (n,)
        0 censored; any other an event.
    cause : int
        Of which the incidence is asked for.
    """
    times = np.unique(time)
    free, value = 1.0, 0.0
    of_free, of_value = np.zeros(len(time)), np.zeros(len(time))
    rows = []
    for now in times:
        at_risk = time >= now
        count = at_risk.sum()
        any_event, own = (time == now) & (code != 0), (time == now) & (code == cause)
        share, any_share = own.sum() / count, any_event.sum() / count
        of_value = of_value + of_free * share + free * (own - at_risk * share) / count
        of_free = of_free * (1 - any_share) - free * (any_event - at_risk * any_share) / count
        value, free = value + free * share, free * (1 - any_share)
        rows.append((value, math.sqrt(float((of_value**2).sum())), free))
    values, errors, frees = (np.array(column) for column in zip(*rows, strict=True))
    return Curve(times, values, errors, frees)


def survival(time: Floats, event: NDArray[np.bool_]) -> Curve:
    """Kaplan-Meier with Greenwood's error."""
    times = np.unique(time)
    at_risk = np.array([(time >= now).sum() for now in times], dtype=float)
    died = np.array([(event & (time == now)).sum() for now in times], dtype=float)
    value = np.cumprod(1 - died / at_risk)
    left = np.where(at_risk > died, at_risk - died, np.inf)  # at 0 the curve has no error
    greenwood = np.sqrt(np.cumsum(died / (at_risk * left)))
    return Curve(times, value, value * greenwood, value)


def band(
    value: float, error: float, level: float, transform: str
) -> tuple[float | None, float | None]:
    """Limits of a fraction that are symmetric on a transform of it; None where it has none.

    Parameters
    ----------
    value, error : float
        The fraction and its standard error.
    level : float
    transform : {'log-log', 'log', 'plain'}
    """
    z = float(norm.isf((1 - level) / 2))
    if transform == "plain":
        return max(value - z * error, 0.0), min(value + z * error, 1.0)
    if value < _ROUNDING or (transform == "log-log" and value > 1 - _ROUNDING):
        return None, None
    if transform == "log":
        factor = math.exp(z * error / value)
        return value / factor, min(value * factor, 1.0)
    factor = math.exp(z * error / (value * -math.log(value)))
    return value**factor, value ** (1 / factor)


# --- Gray's test --------------------------------------------------------------------------


def gray(
    time: Floats, code: NDArray[np.int64], group: NDArray[Any], cause: int
) -> tuple[float, float]:
    """Chi-square and p of Gray's (1988) test of equal incidences, by the recursion of ``cmprsk``.

    Parameters
    ----------
    time, code : ndarray, shape (n,)
    group : ndarray, shape (n,)
    cause : int
        Compared; any other code above 0 competes.

    Raises
    ------
    NotEstimable
        When there is nothing to compare, or the score has no positive variance.
    """
    groups, own = np.unique(group, return_inverse=True)
    event, other = code == cause, (code != 0) & (code != cause)
    if len(groups) < 2 or not event.any() or not other.any():
        raise NotEstimable("one group, no event or no competing event")
    if min(time[own == g].max() for g in range(len(groups))) < time[event].min():
        raise NotEstimable("nobody of one group was followed to the first event")
    score, variance = _gray_score(time, event, other, own, len(groups))
    less = len(groups) - 1
    try:
        statistic = float(score[:less] @ np.linalg.solve(variance[:less, :less], score[:less]))
    except np.linalg.LinAlgError as singular:
        raise NotEstimable("the variance is singular") from singular
    if not (math.isfinite(statistic) and statistic >= 0):
        raise NotEstimable("the variance of its score is not positive")
    return statistic, float(chi2.sf(statistic, less))


def _gray_score(
    time: Floats,
    event: NDArray[np.bool_],
    other: NDArray[np.bool_],
    own: NDArray[np.int64],
    groups: int,
) -> tuple[Floats, Floats]:
    """Score of each group and their covariance."""
    score, covariance = np.zeros(groups), np.zeros((groups, groups))
    carried, crossed, kept = (
        np.zeros((groups, groups)),
        np.zeros((groups, groups)),
        np.zeros(groups),
    )
    free, own_incidence, whole = np.ones(groups), np.zeros(groups), 0.0

    def per_group(chosen: NDArray[np.bool_]) -> Floats:
        return np.bincount(own[chosen], minlength=groups).astype(float)

    for now in np.unique(time[event | other]):
        at_risk, died = per_group(time >= now), per_group(event & (time == now))
        gone = per_group(other & (time == now))
        some = at_risk > 0
        safe = np.where(some, at_risk, 1.0)
        weight = at_risk / np.where(some, free, 1.0)
        risk = weight * (1 - own_incidence)
        score += died - died.sum() * np.divide(risk, risk.sum())
        after = np.where(some, free * (at_risk - died - gone) / safe, free)
        reached = whole + died.sum() / weight.sum()
        spread = np.diag(weight) - np.outer(weight, weight) / weight.sum()
        carried += spread * died.sum() / (weight.sum() * (1 - whole))
        parts = _Step(spread, carried, at_risk, some, free, after, reached, weight.sum())
        for k, share, factor, along in parts.terms(died, gone):
            kept[k] += factor**2 * share
            crossed[:, k] += along * factor * share
            covariance += np.outer(along, along) * share
        own_incidence = np.where(some, own_incidence + free * died / safe, own_incidence)
        free, whole = after, reached
    for k in range(groups):
        both = np.outer(carried[:, k], crossed[:, k])
        covariance += np.outer(carried[:, k], carried[:, k]) * kept[k] + both + both.T
    return score, covariance


@dataclass(frozen=True)
class _Step:
    """One event time of Gray's recursion: what it adds to the covariance, group by group."""

    spread: Floats
    carried: Floats
    at_risk: Floats
    some: NDArray[np.bool_]
    free: Floats
    after: Floats
    reached: float
    total: float

    def terms(self, died: Floats, gone: Floats) -> Iterator[tuple[int, float, float, Floats]]:
        """Group, variance of its increment, and what the increment changes later and now."""
        events = died.sum()
        for k in np.flatnonzero(self.some) if events else ():
            factor = 1 - (1 - self.reached) / self.after[k] if self.after[k] > 0 else 1.0
            tied = 1 - (events - 1) / (self.total * self.free[k] - 1) if events > 1 else 1.0
            share = tied * self.free[k] * events / (self.total * self.at_risk[k])
            yield int(k), share, factor, self.spread[:, k] - factor * self.carried[:, k]
        for k in np.flatnonzero((self.after > 0) & (gone > 0)):
            factor = (1 - self.reached) / self.after[k]
            tied = 1 - (gone[k] - 1) / (self.at_risk[k] - 1) if gone[k] > 1 else 1.0
            share = tied * self.free[k] ** 2 * gone[k] / self.at_risk[k] ** 2
            yield int(k), share, -factor, factor * self.carried[:, k]


# --- Fine and Gray's model ----------------------------------------------------------------


def fine_gray(sample: Sample, code: NDArray[np.int64]) -> Estimate:
    """Proportional subdistribution hazards (Fine and Gray 1999) with robust standard errors.

    Who had a competing event stays at risk, with the probability of not being censored by then
    given that they were not before (Geskus 2011); censorings follow the events of their time.

    Parameters
    ----------
    sample : Sample
        Its clusters, or every observation by itself.
    code : ndarray of int, shape (n,)
        0 censored, 1 the event, any other competing.

    Raises
    ------
    NotEstimable
        When there is no model of these data.
    """
    refuse(sample)
    competed = (code != 0) & (code != 1)
    if not competed.any():
        raise NotEstimable("no competing event was observed")
    x = sample.x - sample.x.mean(axis=0)
    uncensored = _uncensored(sample.time, code)
    own = uncensored(sample.time)
    moments = []
    for now in np.unique(sample.time[sample.event]):
        rows = np.flatnonzero((sample.time >= now) | competed)
        late = competed[rows] & (sample.time[rows] < now)
        weight = np.where(late, uncensored(np.array([now]))[0] / own[rows], 1.0)
        dying = sample.event[rows] & (sample.time[rows] == now)
        kept = weight > 0
        moments.append(AtMoment(rows[kept], x[rows[kept]], dying[kept], weight[kept]))
    cluster = np.arange(len(x)) if sample.cluster is None else sample.cluster
    return estimate_timed(moments, len(x), efron=sample.ties == "efron", cluster=cluster)


def _uncensored(time: Floats, code: NDArray[np.int64]) -> Any:
    """Kaplan-Meier of censoring just before given times, who has an event then at risk no more."""
    moments = np.unique(time[code == 0])
    censored = np.array([((time == m) & (code == 0)).sum() for m in moments], dtype=float)
    at_risk = np.array([(time > m).sum() for m in moments]) + censored
    curve = np.concatenate(([1.0], np.cumprod(1 - censored / at_risk)))

    def before(asked: Floats) -> Floats:
        return np.asarray(curve[np.searchsorted(moments, asked, side="left")], dtype=float)

    return before


# --- the stage competing ------------------------------------------------------------------


@dataclass(frozen=True)
class _Group:
    """Rows of which curves are drawn, and how their keys begin."""

    prefix: str
    time: Floats
    code: NDArray[np.int64]

    @classmethod
    def of(cls, prefix: str, units: Units, chosen: NDArray[np.bool_]) -> _Group:
        return cls(prefix, merged_times(units.time[chosen]), units.code[chosen])


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage `competing`."""
    analysis = materials.plan.analysis
    found: dict[str, Second] = {}
    for name in analysis.endpoints:
        endpoint = materials.plan.endpoints[name]
        if endpoint.death == "competing":
            strata = _strata(name, analysis)
            names = dict.fromkeys((*strata, *covariates_of(name, analysis)))
            units = units_of(materials, name, names)
            found |= _endpoint(units, strata, analysis)
            for gap in dict.fromkeys(analysis.competing_gaps_months):
                if gap != endpoint.death_gap_months:
                    found |= _at_gap(materials, endpoint, units, gap, strata)
    return found


def _strata(endpoint: str, analysis: Analysis) -> tuple[str, ...]:
    """Covariates by which curves are split, in a test or a figure."""
    asked = (*analysis.strata.get(endpoint, ()), *analysis.figures.get(endpoint, ()))
    return tuple(name for name in dict.fromkeys(asked) if name != "overall")


def _endpoint(units: Units, strata: Sequence[str], analysis: Analysis) -> dict[str, Second]:
    found = _curves(units, units.name, strata, analysis)
    for name in strata:
        for side, value in (("level", 1.0), ("reference", 0.0)):
            chosen = units.design[name] == value
            group = _Group.of(f"{units.name}.{name}_{side}", units, chosen)
            found |= _incidences(group, analysis)
    for model, names in models_of(units.name, analysis):
        found |= _model(f"fine_gray.{units.name}.{model}", units, names, analysis, model)
    return found


def _at_gap(
    materials: Materials,
    endpoint: EndpointSettings,
    units: Units,
    gap: float | None,
    strata: Sequence[str],
) -> dict[str, Second]:
    """The endpoint where a death competes that many months after the last image, or always."""
    called = "gap_unlimited" if gap is None else f"gap_{gap:g}m".replace(".", "_")
    changed = _derived_again(materials, replace(endpoint, death_gap_months=gap), units)
    prefix = f"{endpoint.name}.{called}"
    counts = {"events": 1, "competing": 2}
    found = {
        f"{prefix}.{name}": Second(int((changed.code == code).sum()), engine=ENGINE)
        for name, code in counts.items()
    }
    return found | _curves(changed, prefix, strata, materials.plan.analysis)


def _derived_again(materials: Materials, endpoint: EndpointSettings, units: Units) -> Units:
    """Times and events of another definition, in the order of the endpoint's table."""
    tables = {name: rows_of(table) for name, table in materials.canonical.items()}
    plan = materials.plan
    local = [e for e in plan.endpoints.values() if e.event == "local_failure"]
    local = [e for e in local if not e.missing(plan.cohort)]
    definition = local[0] if local else None
    derived = outcomes(tables, endpoint, definition, plan.cohort.progressions_recorded)
    known = {(one.patient, one.lesion): one for one in derived}
    table = rows_of(materials.endpoints[endpoint.name])
    ends = [known[row["patient_id"], row["lesion_id"]] for row in table]
    return replace(
        units,
        time=np.array([end.months for end in ends], dtype=float),
        code=np.array([end.event for end in ends], dtype=np.int64),
    )


def _curves(
    units: Units, prefix: str, strata: Sequence[str], analysis: Analysis
) -> dict[str, Second]:
    """Incidences and complements of all, and Gray's tests."""
    everybody = _Group.of(prefix, units, np.ones(len(units.time), dtype=bool))
    found = _incidences(everybody, analysis) | _complements(everybody, analysis)
    for name in strata:
        found |= _gray_tests(units, prefix, name)
    return found


def _incidences(group: _Group, analysis: Analysis) -> dict[str, Second]:
    """Incidence of either cause at every landmark, in per cent."""
    found = {}
    for cause, quantity in _CAUSES.items():
        own = int((group.code == cause).sum())
        nothing = Second(None, None, None, engine=ENGINE, n=0, events=own)
        # Where too little happened there is no curve of either cause.
        known = len(group.time) > 1 and bool((group.code != 0).any())
        curve = incidence(group.time, group.code, cause) if known else None
        for month in analysis.landmarks_months:
            key = f"{group.prefix}.{quantity}_{month:g}m"
            found[key] = nothing if curve is None else _read(curve, group, cause, month, analysis)
    return found


def _read(curve: Curve, group: _Group, cause: int, month: float, analysis: Analysis) -> Second:
    """A curve at one time, with who was at risk then and the events so far."""
    happened = group.code == cause
    try:
        value, error = curve.at(month)
    except NotEstimable:
        return Second(None, None, None, engine=ENGINE, n=0, events=int(happened.sum()))
    low, high = band(value, error, analysis.confidence_level, analysis.transform)
    return Second(
        value=100 * value,
        low=None if low is None else 100 * low,
        high=None if high is None else 100 * high,
        engine=ENGINE,
        n=int((group.time >= month).sum()),
        events=int((happened & (group.time <= month)).sum()),
    )


def _complements(group: _Group, analysis: Analysis) -> dict[str, Second]:
    """One less Kaplan-Meier at every landmark, and how much more that is."""
    event = group.code == 1
    known = len(group.time) > 1 and bool(event.any())
    found: dict[str, Second] = {}
    for month in analysis.landmarks_months:
        keys = [f"{group.prefix}.cif_{name}_{month:g}m" for name in ("complement", "difference")]
        try:
            if not known:
                raise NotEstimable("no event was observed")
            values = _complement(group, month, analysis)
        except NotEstimable:
            empty = Second(None, None, None, engine=ENGINE, n=0, events=int(event.sum()))
            values = (empty, empty)
        found |= dict(zip(keys, values, strict=True))
    return found


def _complement(group: _Group, month: float, analysis: Analysis) -> tuple[Second, Second]:
    counts: dict[str, Any] = {
        "engine": ENGINE,
        "n": int((group.time >= month).sum()),
        "events": int(((group.code == 1) & (group.time <= month)).sum()),
    }
    with_competing, _ = incidence(group.time, group.code, 1).at(month)
    curve = survival(group.time, group.code == 1)
    kept, error = (1.0, 0.0) if month < curve.times[0] else curve.at(month)
    low, high = band(kept, error, analysis.confidence_level, analysis.transform)
    whole = Second(
        value=100 * (1 - kept),
        low=None if high is None else 100 * (1 - high),
        high=None if low is None else 100 * (1 - low),
        **counts,
    )
    return whole, Second(max(100 * (1 - kept - with_competing), 0.0), **counts)


def _gray_tests(units: Units, prefix: str, name: str) -> dict[str, Second]:
    """Tests of one covariate's groups: of the event, and of death without it."""
    known = units.complete([name])
    time, code = merged_times(units.time[known]), units.code[known]
    found = {}
    for cause, quantity in ((1, "gray"), (2, "gray_death")):
        chi: float | None
        p: float | None
        try:
            chi, p = gray(time, code, units.design[name][known], cause)
        except NotEstimable:
            chi = p = None
        rest: dict[str, Any] = {
            "p": p,
            "engine": ENGINE,
            "n": len(time),
            "events": int((code == cause).sum()),
        }
        found[f"{prefix}.{name}.{quantity}.chi_square"] = Second(chi, **rest)
        found[f"{prefix}.{name}.{quantity}.p"] = Second(p, **rest)
    return found


def _model(
    key: str, units: Units, names: tuple[str, ...], analysis: Analysis, model: str
) -> dict[str, Second]:
    """Subdistribution hazard ratios of a model, and its size."""
    sample, code = units.sample(names, analysis.ties), units.code[units.complete(names)]
    counts: Mapping[str, Any] = {
        "engine": ENGINE,
        "n": len(code),
        "events": int((code == 1).sum()),
    }
    found = {}
    if model != "univariable":
        sizes = {"n": len(code), "events": counts["events"], "competing": int((code == 2).sum())}
        found = {f"{key}.{name}": Second(value, **counts) for name, value in sizes.items()}
    try:
        fit = fine_gray(sample, code)
        ratios = [
            Wald.of(float(b), fit.error(at, robust=True), analysis.confidence_level)
            for at, b in enumerate(fit.coefficients)
        ]
    except NotEstimable:
        empty = Second(None, None, None, None, **counts)
        return found | {f"{key}.{name}.{end}": empty for name in names for end in ("hr", "p")}
    for name, wald in zip(names, ratios, strict=True):
        ends = (wald.ratio, wald.low, wald.high, wald.p)
        found[f"{key}.{name}.hr"] = Second(*ends, **counts)
        found[f"{key}.{name}.p"] = Second(wald.p, p=wald.p, **counts)
    return found
