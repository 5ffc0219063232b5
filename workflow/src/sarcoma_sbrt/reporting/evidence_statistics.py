"""Statistics of the stage evidence: published rates side by side, pooled, and against dose."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from sarcoma_sbrt.evidence.comparison import (
    MIDDLE,
    ONE_SCHEDULE,
    PRINTED_EQD2,
    SCHEDULES,
    ContextRate,
    SeriesRate,
)
from sarcoma_sbrt.evidence.published import Figure, Study
from sarcoma_sbrt.evidence.synthesis import (
    Group,
    Pooled,
    Refused,
    Regression,
    Synthesis,
    synthesise,
)
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable

__all__ = [
    "DOSE_TIME_MONTHS",
    "context_statistics",
    "series_statistics",
    "synthesis_statistics",
]

# The time at which most series print local control.
DOSE_TIME_MONTHS = 24.0

LINE_STEPS = 20

STUDIES = "published.studies"

_APPROXIMATED = "approximated from {n} patients, Wald on the logit scale"
_POOLED = "random effects on the logit scale, tau² by restricted maximum likelihood"
_HARTUNG_KNAPP = "Hartung and Knapp, factor not below 1, t with k − 1 degrees of freedom"
_PLAIN = "Hartung and Knapp, t with k − 1 degrees of freedom"
_I2 = "tau² over tau² and the typical sampling variance"
_PREDICTION = "prediction interval, t with k − 1 degrees of freedom"
_REGRESSED = (
    "random-effects meta-regression of the logit rate at {time:g} months on BED, {dose}; odds "
    "ratio per 10 Gy"
)
_KNAPP_HARTUNG = "Knapp and Hartung, factor not below 1, t with k − 2 degrees of freedom"
_SAID = "as the tables of printed figures say"
_CONVERTED = "from the printed EQD2, EQD2 (1 + 2 / (alpha/beta))"
_DOSES = {
    "central": "printed median of the series (BED10, else EQD2 converted) or else the middle of "
    "its range",
    "mid-point": "middle of the range",
    "least": "lower end of the range",
    "most": "upper end of the range",
    "all rows": "also series whose time only a table gives",
}


def synthesis_statistics(
    figures: Iterable[Figure],
    studies: Mapping[str, Study],
    *,
    alpha_beta: float,
    level: float,
    endpoints: Sequence[str] = ("lc", "os"),
    times_months: Sequence[float] = (12, 24, 36),
    excluded_cohorts: Collection[str] = (),
) -> list[Statistic]:
    """Records of the comparison and of what is pooled, by endpoint, site and time.

    ``series.<study>.<endpoint>.rate_<m>m`` with ``.half_n`` and the texts of `_flags`;
    ``series.<study>.site``, ``.bed10.least``, ``.most`` and ``.central``, and where they are
    from: ``.bed10.ends`` and ``.bed10.source``;
    ``context.<study>.<endpoint>.rate_<m>m`` as `context_statistics` has it;
    ``synthesis.<endpoint>.<site or all>.rate_<m>m`` with ``.k``, ``.prediction``, ``.tau2``,
    ``.i2``, ``.q``, ``.q.p``, ``.plain``, ``.all_rows``, ``.half_n`` (these two with ``.plain``
    as well) and ``.leave_out.<study>``, each with its own ``.k`` (not ``.plain``),
    ``.prediction``, ``.tau2`` and ``.i2``;
    ``synthesis.lc.dose.slope`` and, by the dose that stands for a series, ``.mid_point``,
    ``.least``, ``.most``, and ``.all_rows``, each with ``.p``, ``.k``, ``.tau2``, ``.i2`` and
    ``.r2``; ``synthesis.lc.dose.line.<step>`` with ``.bed10``, the fitted line.

    Parameters
    ----------
    figures : iterable of Figure
    studies : mapping of str to Study
    alpha_beta : float
        Gy.
    level : float
        Confidence level.
    endpoints, times_months : sequences
        What is compared.
    excluded_cohorts : collection of str
        Shown, not pooled: what the cohort under analysis was reconstructed from.
    """
    figures = list(figures)
    syntheses = synthesise(
        figures,
        studies,
        alpha_beta=alpha_beta,
        level=level,
        endpoints=endpoints,
        times_months=times_months,
        excluded_cohorts=excluded_cohorts,
    )
    series = [rate for synthesis in syntheses for rate in synthesis.rates]
    records = list(series_statistics(series))
    for synthesis in syntheses:
        records += context_statistics(synthesis.context)
        for group in synthesis.groups:
            records += _group(synthesis, group)
        if synthesis.time_months == DOSE_TIME_MONTHS:
            records += _doses(synthesis)
    tables = {figure.key: f"published.{PurePath(figure.file).stem}" for figure in figures}
    return [_with_columns(record, tables) for record in records]


def _with_columns(record: Statistic, tables: Mapping[str, str]) -> Statistic:
    """Name the tables of printed figures that a record rests on."""
    used = {tables[key] for key in record.rows["published"]}
    return replace(record, columns=tuple(sorted({STUDIES, *used})))


def series_statistics(rates: Iterable[SeriesRate]) -> Iterator[Statistic]:
    """Records of the series themselves, pooled or not; context, reviews and cases have none."""
    dosed: set[str] = set()
    for rate in rates:
        if rate.role != "sbrt_series":
            continue
        yield from _rate(rate)
        if rate.study_id not in dosed:
            yield from _bed(rate)
            site = f"series.{rate.study_id}.site"
            yield Statistic(site, rate.site, "text", "treated site", **_from(rate.keys))
            dosed.add(rate.study_id)


# --- series ---------------------------------------------------------------------------------


def _rate(rate: SeriesRate) -> Iterator[Statistic]:
    key = f"series.{rate.study_id}.{rate.endpoint}.rate_{rate.time_months:g}m"
    rest = _from(rate.keys) | {"n": rate.n, "population": _population(rate)}
    method = f"published rate, {rate.estimator.replace('_', '-')}"
    yield from _flags(key, rate)
    if rate.n:
        yield Statistic(f"{key}.n", rate.n, "count", "patients behind it", **_from(rate.keys))
    said = "printed" if rate.interval == "printed" else _APPROXIMATED.format(n=rate.n)
    ci = Interval(rate.low, rate.high, rate.level, said) if rate.interval else None
    yield Statistic(key, rate.rate, "percent", method, ci=ci, **rest)
    if rate.n and rate.low_half is not None:
        said = _APPROXIMATED.format(n=f"half of {rate.n}")
        half = Interval(rate.low_half, rate.high_half, rate.level, said)
        yield Statistic(f"{key}.half_n", rate.rate, "percent", method, ci=half, **rest)


def _flags(key: str, rate: SeriesRate) -> Iterator[Statistic]:
    """What a reader must know of a rate before comparing it, as texts."""
    flags = {
        "unit_of_analysis": rate.unit_of_analysis,
        "interval": rate.interval,
        "supported": "yes" if rate.supported else "no",
        "crude": "yes" if rate.is_crude else "no",
        "excluded": rate.excluded_reason,
        "figure": rate.keys[0],
    }
    for name, text in flags.items():
        if text:
            yield Statistic(f"{key}.{name}", text, "text", _SAID, **_from(rate.keys))


def _population(rate: SeriesRate) -> dict[str, Any]:
    chosen = {
        "study_id": rate.study_id,
        "endpoint": rate.endpoint,
        "time_months": rate.time_months,
        "subgroup": rate.part,
    }
    return {
        "table": "published.outcomes",
        "filter": {name: value for name, value in chosen.items() if value != ""},
        "not_pooled": rate.excluded_reason,
    }


def _bed(rate: SeriesRate) -> Iterator[Statistic]:
    values = {
        "least": (rate.bed_least, rate.bed_ends, "lowest dose in the most fractions"),
        "most": (rate.bed_most, rate.bed_ends, "highest dose in the fewest fractions"),
        "central": (rate.bed_central, rate.bed_source, ""),
    }
    key, rest = f"series.{rate.study_id}.bed10", _from(rate.dose_keys)
    for name, (value, source, of_schedules) in values.items():
        if value is not None:
            method = f"BED, {_dose_method(source, of_schedules)}"
            yield Statistic(f"{key}.{name}", value, "Gy", method, **rest)
    for name, text in (("ends", rate.bed_ends), ("source", rate.bed_source)):
        if text:
            yield Statistic(f"{key}.{name}", text, "text", "where the dose is from", **rest)


def _dose_method(source: str, of_schedules: str) -> str:
    if source == SCHEDULES:
        return of_schedules
    if source == PRINTED_EQD2:
        return _CONVERTED
    return source if source in (MIDDLE, ONE_SCHEDULE) else "as printed"


def _from(keys: Iterable[str]) -> dict[str, Any]:
    return {"columns": (STUDIES,), "rows": {"published": list(keys)}}


# --- context --------------------------------------------------------------------------------


def context_statistics(rates: Sequence[ContextRate]) -> Iterator[Statistic]:
    """Records of what is set beside the series and never pooled.

    ``context.<study>.<endpoint>.rate_<m>m``: percent, or the text of a range where no rate is
    printed; with ``.low`` and ``.high`` (percent: a printed interval, else a printed range),
    ``.kind``, ``.population``, ``.supported`` and ``.figure`` (its key among the printed
    figures). Of a study that gives several parts at one time, and no whole, the key is
    ``context.<study>.<endpoint>.<part>.rate_<m>m``.

    Parameters
    ----------
    rates : sequence of ContextRate
        Of one endpoint at one time.
    """
    studies = [rate.study_id for rate in rates]
    for rate in rates:
        part = f".{rate.part}" if studies.count(rate.study_id) > 1 else ""
        key = f"context.{rate.study_id}.{rate.endpoint}{part}.rate_{rate.time_months:g}m"
        yield from _context(key, rate)


def _context(key: str, rate: ContextRate) -> Iterator[Statistic]:
    rest, method = _from((rate.key,)), f"{rate.kind}, never pooled"
    ends = None if rate.low is None or rate.high is None else (rate.low, rate.high)
    ci = Interval(*ends, rate.level, "printed") if ends and rate.level else None
    if rate.rate is not None:
        yield Statistic(key, rate.rate, "percent", method, ci=ci, **rest)
    elif ends:
        yield Statistic(key, f"{ends[0]:g}–{ends[1]:g}", "text", method, **rest)
    if ends and not ci:
        for name, end in zip(("low", "high"), ends, strict=True):
            yield Statistic(f"{key}.{name}", end, "percent", "printed range", **rest)
    texts = {
        "kind": rate.kind,
        "population": rate.population,
        "supported": "yes" if rate.supported else "no",
        "figure": rate.key,
    }
    for name, text in texts.items():
        if text:
            yield Statistic(f"{key}.{name}", text, "text", _SAID, **rest)


# --- pooled ---------------------------------------------------------------------------------


def _group(synthesis: Synthesis, group: Group) -> Iterator[Statistic]:
    key = f"synthesis.{synthesis.endpoint}.{group.site}.rate_{synthesis.time_months:g}m"
    yield from _counted(key, group.main)
    yield from _sensitivity(f"{key}.all_rows", group.all_rows)
    if isinstance(group.main, Refused):
        return
    yield from _plain(key, group.main)
    yield from _homogeneity(key, group.main)
    yield from _sensitivity(f"{key}.half_n", group.half_n)
    for study, left in group.left_out.items():
        yield from _counted(f"{key}.leave_out.{study}", left)


def _counted(key: str, pooled: Pooled | Refused) -> Iterator[Statistic]:
    """A pooled rate, of how many series, and how they spread."""
    rest = _from(pooled.keys)
    yield Statistic(f"{key}.k", pooled.k, "count", "series that are pooled", **rest)
    if isinstance(pooled, Refused):
        yield not_estimable(key, "percent", _POOLED, pooled.reason, **rest)
        return
    ci = Interval(pooled.low, pooled.high, pooled.level, _HARTUNG_KNAPP)
    yield Statistic(key, pooled.rate, "percent", _POOLED, ci=ci, **rest)
    ends = pooled.prediction_low, pooled.prediction_high
    yield from _spread(key, pooled, Interval(*ends, pooled.level, _PREDICTION))


def _sensitivity(key: str, pooled: Pooled | Refused) -> Iterator[Statistic]:
    yield from _counted(key, pooled)
    if isinstance(pooled, Pooled):
        yield from _plain(key, pooled)


def _plain(key: str, pooled: Pooled) -> Iterator[Statistic]:
    """The pooled rate with the intervals that are not modified."""
    ci = Interval(pooled.low_plain, pooled.high_plain, pooled.level, _PLAIN)
    yield Statistic(f"{key}.plain", pooled.rate, "percent", _POOLED, ci=ci, **_from(pooled.keys))
    ends = pooled.prediction_low_plain, pooled.prediction_high_plain
    said = f"{_PREDICTION}, {_PLAIN.partition(',')[0]}"
    yield from _spread(f"{key}.plain", pooled, Interval(*ends, pooled.level, said))


def _spread(key: str, pooled: Pooled, prediction: Interval) -> Iterator[Statistic]:
    rest = _from(pooled.keys)
    yield Statistic(f"{key}.prediction", pooled.rate, "percent", _POOLED, ci=prediction, **rest)
    yield Statistic(f"{key}.tau2", pooled.tau2, "variance", _POOLED, **rest)
    yield Statistic(f"{key}.i2", pooled.i2, "percent", _I2, **rest)


def _homogeneity(key: str, pooled: Pooled) -> Iterator[Statistic]:
    rest = _from(pooled.keys)
    test = "Cochran's Q, chi-square with k − 1 degrees of freedom"
    yield Statistic(f"{key}.q", pooled.q, "chi-square", test, p=pooled.q_p, **rest)
    yield Statistic(f"{key}.q.p", pooled.q_p, "p", test, p=pooled.q_p, **rest)


# --- against dose ---------------------------------------------------------------------------


def _doses(synthesis: Synthesis) -> Iterator[Statistic]:
    for name, fit in synthesis.doses.items():
        suffix = "" if name == "central" else f".{name.replace(' ', '_').replace('-', '_')}"
        key = f"synthesis.{synthesis.endpoint}.dose.slope{suffix}"
        method = _REGRESSED.format(time=synthesis.time_months, dose=_DOSES[name])
        yield from _slope(key, method, fit)
        if isinstance(fit, Regression):
            yield from _left_over(key, method, fit)
            if name == "central":
                yield from _line(synthesis, fit)


def _slope(key: str, method: str, fit: Regression | Refused) -> Iterator[Statistic]:
    rest = _from(fit.keys)
    units: dict[str, Unit] = {"": "odds ratio", ".p": "p"}
    if isinstance(fit, Refused):
        for suffix, unit in units.items():
            yield not_estimable(f"{key}{suffix}", unit, method, fit.reason, **rest)
    else:
        ci = Interval(fit.low, fit.high, fit.level, _KNAPP_HARTUNG)
        yield Statistic(key, fit.odds_ratio, "odds ratio", method, ci=ci, p=fit.p, **rest)
        yield Statistic(f"{key}.p", fit.p, "p", method, p=fit.p, **rest)
    yield Statistic(f"{key}.k", fit.k, "count", "series with a rate and a dose", **rest)


def _line(synthesis: Synthesis, fit: Regression) -> Iterator[Statistic]:
    """The fitted line between the least and the greatest dose that a series stands for."""
    doses = [
        rate.bed_central
        for rate in synthesis.rates
        if rate.is_pooled and rate.bed_central is not None
    ]
    least, most = min(doses), max(doses)
    for step in range(LINE_STEPS + 1):
        bed = least + (most - least) * step / LINE_STEPS
        value, low, high = fit.fitted(bed)
        key = f"synthesis.{synthesis.endpoint}.dose.line.{step:02d}"
        said = "confidence band of the line, not of a new series"
        ci = Interval(low, high, fit.level, said)
        yield Statistic(key, value, "percent", "fitted rate", ci=ci, **_from(fit.keys))
        yield Statistic(f"{key}.bed10", bed, "Gy", "BED of the line's point", **_from(fit.keys))


def _left_over(key: str, method: str, fit: Regression) -> Iterator[Statistic]:
    rest = _from(fit.keys)
    yield Statistic(f"{key}.tau2", fit.tau2, "variance", method, **rest)
    yield Statistic(f"{key}.i2", fit.i2, "percent", _I2, **rest)
    said = "share of tau² that dose accounts for"
    if fit.r2 is None:
        reason = "the series do not differ beyond sampling error"
        yield not_estimable(f"{key}.r2", "percent", said, reason, **rest)
    else:
        yield Statistic(f"{key}.r2", fit.r2, "percent", said, **rest)
