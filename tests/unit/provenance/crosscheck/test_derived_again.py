"""Endpoints and covariates a second time: the first engine's where it is right, their own else."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from cohort_run import (
    compared,
    configuration_of,
    disagreeing,
    materials_of,
    shaken,
    tables_of,
)
from model_run import with_stages

from sarcoma_sbrt.provenance.crosscheck import cox_models
from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.derived_again import derived_again
from sarcoma_sbrt.provenance.crosscheck.engines import recomputed


def differing(first: Materials, second: Materials) -> set[str]:
    """Columns of endpoint tables and covariates whose values are not the same."""
    found = set()
    for name, table in first.endpoints.items():
        for column in ("patient_id", "lesion_id", "event", "time_months"):
            if not _same(table[column], second.endpoints[name][column]):
                found.add(f"{name}.{column}")
    for name, frame in first.covariates.items():
        for column in frame:
            if not _same(frame[column], second.covariates[name][column]):
                found.add(f"{name}.{column}")
    return found


def _same(one: pd.Series[Any], other: pd.Series[Any]) -> bool:
    pairs = list(zip(one, other, strict=True))
    return all(_equal(a, b) for a, b in pairs)


def _equal(one: Any, other: Any) -> bool:
    if pd.isna(one) or pd.isna(other):
        return bool(pd.isna(one) and pd.isna(other))
    if isinstance(one, str):
        return bool(one == other)
    return math.isclose(one, other, rel_tol=1e-12)


@pytest.mark.parametrize("cohort", ["small", "reconstructed-2022"])
def test_they_are_the_first_engines(cohort: str) -> None:
    materials = materials_of(configuration_of(cohort), tables_of(cohort))
    assert differing(materials, derived_again(materials)) == set()


@pytest.mark.parametrize("seed", range(8))
def test_those_of_shaken_cohorts_are(seed: int) -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    shaken(raw, tables, seed)
    materials = materials_of(raw, tables)
    assert differing(materials, derived_again(materials)) == set()


def test_a_cohort_without_lesions_has_their_columns() -> None:
    tables = {
        name: table.iloc[:0] if "lesion_id" in table else table
        for name, table in tables_of("small").items()
    }
    materials = materials_of(configuration_of("small"), tables)
    second = derived_again(materials)
    assert differing(materials, second) == set()
    assert second.covariates["lesions"].empty
    assert set(second.covariates["lesions"]) == set(materials.covariates["lesions"])


def later(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(time_months=table["time_months"] + range(len(table)))


def larger(frame: pd.DataFrame) -> pd.DataFrame:
    sizes = [30.0 if row % 2 else 80.0 for row in range(len(frame))]
    return frame.assign(**{"derived.size_mm": sizes})


def wrong(materials: Materials, part: str) -> Materials:
    """Materials whose first engine derived times, or sizes, that are not in the rows."""
    if part == "endpoints":
        changed: Any = {name: later(table) for name, table in materials.endpoints.items()}
    else:
        changed = {name: larger(frame) for name, frame in materials.covariates.items()}
    return replace(materials, **{part: changed})


@pytest.mark.parametrize("part", ["endpoints", "covariates"])
def test_a_model_of_what_the_first_engine_derived_wrongly_does_not_agree(part: str) -> None:
    materials = materials_of(configuration_of("small"), tables_of("small"))
    of_wrong = with_stages(wrong(materials, part), "cox")
    assert differing(of_wrong, derived_again(of_wrong)) != set()
    for right, seconds in (
        (True, cox_models.recompute(of_wrong)),  # the models themselves are
        (False, recomputed(of_wrong, [cox_models.recompute])),
    ):
        own = {key: second for key, second in seconds.items() if key.startswith("cox.")}
        assert (disagreeing(compared(of_wrong, "cox", own, 1e-8)) == {}) is right
