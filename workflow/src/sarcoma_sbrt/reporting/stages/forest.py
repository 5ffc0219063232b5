"""The stage that grows random survival forests, and scores them on patients left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sarcoma_sbrt.reporting.forest_statistics import (
    ForestResults,
    fold_predictions,
    forest_results,
)
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import Modelled, modelled
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["predictions", "results", "statistics"]


def predictions(cohort: Cohort, name: str, batch: int) -> list[dict[str, Any]]:
    """Predictions of one share of the folds of an endpoint (`fold_predictions`)."""
    endpoint, table, design, _ = _forest(cohort, name)
    return fold_predictions(endpoint, table, design, cohort.plan.analysis, batch)


def results(cohort: Cohort, name: str, folds: Iterable[Mapping[str, Any]]) -> ForestResults:
    """What an endpoint's forest gives, with the `predictions` of every share."""
    endpoint, table, design, columns = _forest(cohort, name)
    return forest_results(endpoint, table, design, cohort.plan.analysis, columns, folds)


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage, all in one process; of endpoint tables and covariates."""
    found: list[Statistic] = []
    for name in cohort.plan.analysis.forest:
        folds = [fold for batch in _batches(cohort) for fold in predictions(cohort, name, batch)]
        found += results(cohort, name, folds).statistics
    return found


def _forest(cohort: Cohort, name: str) -> Modelled:
    return modelled(cohort, name, cohort.plan.analysis.forest[name])


def _batches(cohort: Cohort) -> range:
    plan = cohort.plan.analysis.forest_plan
    return range(plan.cross_validation["batches"] if plan else 0)
