"""The same search for a problem that is stated otherwise: another convention, another count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from sarcoma_sbrt.evidence.reconstruction.problem import Plan
from sarcoma_sbrt.evidence.reconstruction.reproduction import CONVENTIONS

__all__ = ["restated"]


def restated(
    plan: Plan, rows: pd.DataFrame, alternative: Mapping[str, Any]
) -> tuple[Plan, pd.DataFrame]:
    """Plan and targets of an alternative (``search.alternatives.of`` of the plan's file).

    Parameters
    ----------
    plan : Plan
    rows : DataFrame of str
        The targets file.
    alternative : mapping
        ``convention``: name of one of `CONVENTIONS`, which says how rows are fitted; ``ones``:
        other counts by covariate. Without either nothing changes.

    Raises
    ------
    KeyError
        For a convention or a covariate that there is not.
    """
    ones = alternative.get("ones", {})
    for name in ones:
        plan.ones[name]
    plan = replace(plan, ones={**plan.ones, **ones})
    if "convention" in alternative:
        convention = {one.name: one for one in CONVENTIONS}[alternative["convention"]]
        fitted = [
            convention.fitted_as({str(k): str(v) for k, v in row.items()})
            for row in rows.to_dict("records")
        ]
        rows = rows.assign(fitted_as=fitted)
    return plan, rows
