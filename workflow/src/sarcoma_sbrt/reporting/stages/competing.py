"""The stage that estimates cumulative incidences where a death competes."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from sarcoma_sbrt.reporting.competing_statistics import (
    NO_CURVES,
    at_gap,
    competing_endpoints,
    competing_statistics,
    covariate_names,
    gaps,
    incidence_curves,
)
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import Modelled, modelled
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["curve_table", "statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of canonical and endpoint tables and covariates."""
    plan = cohort.plan
    found: list[Statistic] = []
    for endpoint, table, design, columns in _competing(cohort):
        variants = {
            gap: at_gap(cohort.canonical, plan.endpoints, plan.cohort, gap)[endpoint.name]
            for gap in gaps(endpoint, plan.analysis)
        }
        found += competing_statistics(endpoint, table, design, variants, plan.analysis, columns)
    return found


def curve_table(cohort: Cohort) -> pd.DataFrame:
    """The curves that the figures draw, of every endpoint that a death competes with."""
    drawn = [
        incidence_curves(endpoint, table, design, cohort.plan.analysis)
        for endpoint, table, design, _ in _competing(cohort)
    ]
    return pd.concat(drawn, ignore_index=True) if drawn else NO_CURVES


def _competing(cohort: Cohort) -> Iterator[Modelled]:
    analysis = cohort.plan.analysis
    for name in competing_endpoints(cohort.plan.endpoints, analysis):
        yield modelled(cohort, name, covariate_names(name, analysis))
