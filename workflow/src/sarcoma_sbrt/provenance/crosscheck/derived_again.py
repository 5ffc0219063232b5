"""Endpoint tables and covariates, derived a second time in place of the first engine's.

Every second engine is given these, so that a time, an event or a dose that the first engine
derived wrongly is wrong in its own numbers alone. They share no code with
`sarcoma_sbrt.endpoints` and `sarcoma_sbrt.covariates`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.events import Outcome, outcomes
from sarcoma_sbrt.provenance.crosscheck.records import (
    Row,
    lesion_covariates,
    patient_covariates,
    rows_of,
)
from sarcoma_sbrt.provenance.crosscheck.survival_curves import local_failure

__all__ = ["derived_again"]

_NAMES = ("patient_id", "lesion_id")
_OUTCOME = (*_NAMES, "time_months", "event")


def derived_again(materials: Materials) -> Materials:
    """The same materials, endpoints and covariates from the canonical rows.

    Endpoint tables have the columns that second engines read: ``patient_id``, ``lesion_id``,
    ``time_months`` and ``event``, the covariates their columns; both are sorted by patient and
    lesion.
    """
    plan = materials.plan
    tables = {name: rows_of(table) for name, table in materials.canonical.items()}
    definition, recorded = local_failure(plan), plan.cohort.progressions_recorded
    ends = {
        name: outcomes(tables, plan.endpoints[name], definition, recorded)
        for name in materials.endpoints
    }
    known = (tables, plan.alpha_beta_gy, plan.concurrent_days)
    units: dict[str, Mapping[tuple[Any, ...], Row]] = {
        "patients": {(name,): values for name, values in patient_covariates(*known).items()},
        "lesions": lesion_covariates(*known),
    }
    covariates = {
        level: _frame(frame.columns.tolist(), units[level])
        for level, frame in materials.covariates.items()
    }
    endpoints = {name: _table(found) for name, found in ends.items()}
    return replace(materials, endpoints=endpoints, covariates=covariates)


def _table(found: Iterable[Outcome]) -> pd.DataFrame:
    rows = [(one.patient, one.lesion, one.months, one.event) for one in found]
    return pd.DataFrame(rows, columns=list(_OUTCOME))


def _frame(columns: Sequence[str], values: Mapping[tuple[Any, ...], Row]) -> pd.DataFrame:
    """A row for each unit, sorted by the names of these."""
    rows = [{**dict(zip(_NAMES, unit, strict=False)), **values[unit]} for unit in sorted(values)]
    return pd.DataFrame(rows, columns=list(columns), dtype=object)
