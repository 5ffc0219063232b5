"""The stage that estimates survival curves and compares groups."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import Modelled, modelled
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.survival_statistics import (
    curves,
    ordered_codes,
    stratum_names,
    survival_statistics,
)

__all__ = ["curve_table", "statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of endpoint tables and covariates."""
    analysis = cohort.plan.analysis
    found: list[Statistic] = []
    for endpoint, table, design, columns in _stratified(cohort):
        frame, names = cohort.covariates[endpoint.unit], stratum_names(endpoint.name, analysis)
        ordered = ordered_codes(table, frame, analysis.covariates, names)
        found += survival_statistics(endpoint, table, design, analysis, columns, ordered)
    return found


def curve_table(cohort: Cohort) -> pd.DataFrame:
    """The curves that the figures draw, of every endpoint."""
    drawn = [
        curves(endpoint, table, design, cohort.plan.analysis)
        for endpoint, table, design, _ in _stratified(cohort)
    ]
    return pd.concat(drawn, ignore_index=True)


def _stratified(cohort: Cohort) -> Iterator[Modelled]:
    analysis = cohort.plan.analysis
    for name in analysis.endpoints:
        yield modelled(cohort, name, stratum_names(name, analysis))
