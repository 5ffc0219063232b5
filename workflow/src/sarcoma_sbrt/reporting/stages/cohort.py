"""What the stages of statistics read: the plan, and a cohort's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from sarcoma_sbrt.settings import Plan

__all__ = ["Cohort"]

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Cohort:
    """A cohort after extraction and endpoints; a stage needs only the tables that it reads.

    Attributes
    ----------
    plan : Plan
    covariates : mapping of str to DataFrame
        ``patient`` and ``lesion`` -> `covariates.covariate_frame`.
    endpoints : mapping of str to DataFrame
        Endpoint tables by name.
    canonical : mapping of str to DataFrame
        Canonical tables by name.
    flow : mapping
        The ledger of what was read, kept and excluded.
    """

    plan: Plan
    covariates: Tables = field(default_factory=dict)
    endpoints: Tables = field(default_factory=dict)
    canonical: Tables = field(default_factory=dict)
    flow: Mapping[str, Any] = field(default_factory=dict)
