"""The stage that looks at what the Cox models assume."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sarcoma_sbrt.reporting.diagnostic_statistics import (
    diagnostic_statistics,
    diagnostic_summary,
    schoenfeld_residuals,
    spline_curves,
)
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import Modelled, modelled
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["residual_table", "spline_table", "statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of endpoint tables and covariates."""
    analysis, observed = cohort.plan.analysis, _is_observed(cohort)
    found: list[Statistic] = []
    for endpoint, table, design, columns in _with_models(cohort):
        found += diagnostic_statistics(
            endpoint, table, design, analysis, columns, observed=observed
        )
    return [*found, *diagnostic_summary(found, analysis)]


def residual_table(cohort: Cohort) -> pd.DataFrame:
    """Schoenfeld residuals that the figure draws, of every endpoint."""
    drawn = [
        schoenfeld_residuals(endpoint, table, design, cohort.plan.analysis)
        for endpoint, table, design, _ in _with_models(cohort)
    ]
    return pd.concat(drawn, ignore_index=True)


def spline_table(cohort: Cohort) -> pd.DataFrame:
    """Splines that the figure draws; empty where there are no patients to look at."""
    if not _is_observed(cohort):
        return pd.DataFrame()
    drawn = [
        spline_curves(endpoint, table, design, cohort.plan.analysis)
        for endpoint, table, design, _ in _with_models(cohort)
    ]
    return pd.concat(drawn, ignore_index=True)


def _is_observed(cohort: Cohort) -> bool:
    return cohort.plan.cohort.kind == "observed"


def _with_models(cohort: Cohort) -> Iterator[Modelled]:
    analysis = cohort.plan.analysis
    for name in analysis.endpoints:
        yield modelled(cohort, name, model_names(name, analysis))
