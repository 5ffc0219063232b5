"""How many patients an adverse event struck, and how badly, with exact confidence intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from sarcoma_sbrt.reporting.cohort_statistics import (
    by_slug,
    grade_1_or_2,
    related_events,
    slug,
)
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["PHASES", "THRESHOLDS", "exact_share", "toxicity_statistics"]

PHASES = ("acute", "late")
# Least grade of each threshold: every grade, what needs treatment, what is severe.
THRESHOLDS = {"any": 1, "grade_2": 2, "grade_3": 3}


def toxicity_statistics(
    tables: Mapping[str, pd.DataFrame],
    analysis: Analysis,
    cohort: CohortSettings,
    *,
    acute_toxicity_months: float,
) -> list[Statistic]:
    """Share of all patients by worst grade, of each term and of any, acute, late and either.

    The denominator is every patient: one without a row had no adverse event. What is attributed
    to something else than SBRT is left out; an event of unknown phase counts in either only.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables ``patients`` and ``toxicities``.
    analysis : Analysis
        Its confidence level.
    cohort : CohortSettings
        One that maps no adverse events gives no statistic.
    acute_toxicity_months : float
        An event of no recorded phase is acute when its onset is not later than this.

    Returns
    -------
    list of Statistic
        ``toxicity_share.<acute|late>.term.<slug>`` and ``toxicity_share.<acute|late|either>.all``,
        each with ``.<any|grade_2|grade_3>.n`` and ``.percent``, and a term's ``.label``.
    """
    if not cohort.supplies("toxicities.term"):
        return []
    events = related_events(tables["toxicities"], acute_toxicity_months)
    everyone = len(tables["patients"])
    columns = ("patient_id", "grade", "attribution")
    phased = (*columns, "onset_day", "phase")
    statistics = _shares("either.all", events, everyone, _columns(cohort, columns), {}, analysis)
    for phase in PHASES:
        rows = events[events["phase"] == phase]
        where: dict[str, Any] = {"phase": phase}
        used = _columns(cohort, phased)
        statistics += _shares(f"{phase}.all", rows, everyone, used, where, analysis)
        used = _columns(cohort, (*phased, "term"))
        for name, term in by_slug(rows["term"]).items():
            of_term = rows[rows["term"].map(slug) == name]
            key, chosen = f"{phase}.term.{name}", where | {"term": term}
            statistics += _shares(key, of_term, everyone, used, chosen, analysis)
            statistics.append(_label(key, term, used, chosen))
    return statistics


def exact_share(
    key: str, count: int, n: int, analysis: Analysis, **rest: Any
) -> tuple[Statistic, Statistic]:
    """``<key>.n`` and ``<key>.percent`` of patients, with the exact interval.

    Clopper CJ, Pearson ES, Biometrika 1934;26:404-413.

    Parameters
    ----------
    key : str
    count, n : int
        Patients who had it, and all.
    analysis : Analysis
        Its confidence level.
    **rest
        Further fields of both records.
    """
    number = Statistic(f"{key}.n", count, "count", "count of patients", n=n, **rest)
    method = "percentage of patients"
    if n == 0:
        reason = "there are no patients"
        return number, not_estimable(f"{key}.percent", "percent", method, reason, n=0, **rest)
    level = analysis.confidence_level
    limits = binomtest(count, n).proportion_ci(confidence_level=level, method="exact")
    interval = Interval(
        100 * float(limits.low), 100 * float(limits.high), level, "exact (Clopper-Pearson)"
    )
    percent = 100 * count / n
    share = Statistic(
        f"{key}.percent", percent, "percent", method, ci=interval, n=n, events=count, **rest
    )
    return number, share


def _columns(cohort: CohortSettings, names: tuple[str, ...]) -> tuple[str, ...]:
    references = (f"toxicities.{name}" for name in names)
    return ("patients.patient_id", *(r for r in references if cohort.supplies(r)))


def _shares(
    key: str,
    events: pd.DataFrame,
    everyone: int,
    columns: tuple[str, ...],
    where: Mapping[str, Any],
    analysis: Analysis,
) -> list[Statistic]:
    worst = events.groupby("patient_id")["grade"].max()
    told_apart = (*columns, *grade_1_or_2(events["term"]))
    statistics: list[Statistic] = []
    for name, least in THRESHOLDS.items():
        statistics += exact_share(
            f"toxicity_share.{key}.{name}",
            int((worst >= least).sum()),
            everyone,
            analysis,
            columns=told_apart if name == "grade_2" else columns,
            population={"table": "patients", "filter": {}},
            rows={"table": "toxicities", "filter": {**where, "grade": {"at_least": least}}},
        )
    return statistics


def _label(key: str, term: str, columns: tuple[str, ...], where: Mapping[str, Any]) -> Statistic:
    return Statistic(
        f"toxicity_share.{key}.label",
        term,
        "text",
        "as recorded",
        columns=columns,
        population={"table": "toxicities", "filter": {}},
        rows={"table": "toxicities", "filter": dict(where)},
    )
