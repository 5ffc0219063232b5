"""One endpoint of a cohort, ready for the statistics that relate it to covariates."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns
from sarcoma_sbrt.settings import EndpointSettings

__all__ = ["Modelled", "modelled"]


class Modelled(NamedTuple):
    """An endpoint's settings, table, design matrix, and the columns that it is made of."""

    endpoint: EndpointSettings
    table: pd.DataFrame
    design: pd.DataFrame
    columns: tuple[str, ...]


def modelled(cohort: Cohort, name: str, covariates: tuple[str, ...]) -> Modelled:
    """An endpoint with the covariates that a stage relates it to.

    Parameters
    ----------
    cohort : Cohort
    name : str
        Of the endpoint.
    covariates : tuple of str
        Columns of the design, in this order.
    """
    plan = cohort.plan
    endpoint, table = plan.endpoints[name], cohort.endpoints[name]
    frame = cohort.covariates[endpoint.unit]
    design = design_for(table, frame, plan.analysis.covariates, covariates)
    return Modelled(endpoint, table, design, endpoint_columns(endpoint, plan.cohort))
