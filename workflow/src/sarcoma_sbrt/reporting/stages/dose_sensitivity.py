"""The stage that holds local control against dose at several alpha/beta."""

from __future__ import annotations

from sarcoma_sbrt.reporting.dose_statistics import dose_statistics
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of canonical and endpoint tables."""
    return dose_statistics(cohort.canonical, cohort.endpoints, cohort.plan)
