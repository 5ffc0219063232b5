"""The stage that fits the Cox models of everybody, with unrecorded covariates imputed."""

from __future__ import annotations

from sarcoma_sbrt.reporting.imputation_statistics import (
    imputation_statistics,
    imputation_summary,
    missing_for,
)
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import modelled
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of endpoint tables and covariates."""
    analysis = cohort.plan.analysis
    found: list[Statistic] = []
    for name in analysis.endpoints:
        names = model_names(name, analysis)
        endpoint, table, design, columns = modelled(cohort, name, names)
        missing = missing_for(table, cohort.covariates[endpoint.unit], analysis, names)
        found += imputation_statistics(endpoint, table, design, missing, analysis, columns)
    return [*found, *imputation_summary(found, analysis)]
