"""The stage that fits univariable and multivariable Cox models."""

from __future__ import annotations

from sarcoma_sbrt.reporting.model_statistics import cox_statistics, model_names
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import modelled
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of endpoint tables and covariates."""
    analysis = cohort.plan.analysis
    found: list[Statistic] = []
    for name in analysis.endpoints:
        endpoint, table, design, columns = modelled(cohort, name, model_names(name, analysis))
        found += cox_statistics(endpoint, table, design, analysis, columns)
    return found
