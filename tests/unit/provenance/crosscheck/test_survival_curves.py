"""Kaplan-Meier curves by redistribution to the right: worked by hand, and against survival's."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from cohort_run import compared, configuration_of, disagreeing, materials_of, shaken, tables_of
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.provenance.crosscheck import logrank_tests
from sarcoma_sbrt.provenance.crosscheck.survival_curves import (
    ENGINE,
    curve,
    recompute,
    split_by,
    units,
)

OBSERVED = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40)


def arrays(observed: list[tuple[int, bool]]) -> tuple[Any, Any]:
    months, events = zip(*observed, strict=True)
    return np.array(months, dtype=float), np.array(events, dtype=bool)


def test_a_curve_by_hand() -> None:
    # Of five one has the event at 2, one is censored at 3, two have it at 5, the last at 8: 4/5
    # are left after 2, of the 3 still observed one after 5 (4/15), and nobody after 8.
    fitted = curve(*arrays([(2, True), (3, False), (5, True), (5, True), (8, True)]))
    assert fitted.times.tolist() == [2, 3, 5, 8]
    assert fitted.survival == pytest.approx([4 / 5, 4 / 5, 4 / 15, 0])
    assert fitted.at_risk.tolist() == [5, 4, 3, 1]
    assert fitted.deaths.tolist() == [1, 0, 2, 1]
    # Greenwood: 1/(5 4) = 0.05, then 2/(3 1) more.
    assert fitted.greenwood[:3] == pytest.approx([0.05, 0.05, 0.05 + 2 / 3])
    assert math.isinf(fitted.greenwood[3])
    assert math.isinf(fitted.end)


def test_an_event_comes_before_a_censoring_on_the_same_time() -> None:
    fitted = curve(*arrays([(4, False), (4, True)]))
    assert fitted.survival == pytest.approx([0.5])
    assert fitted.end == 4


def test_a_curve_before_its_first_time_is_one() -> None:
    fitted = curve(*arrays([(2, True), (3, False)]))
    assert fitted.at(1.9) == (1.0, 0.0, 0)
    assert fitted.at(2)[0] == 0.5


@given(OBSERVED)
def test_redistribution_is_the_product_limit(observed: list[tuple[int, bool]]) -> None:
    months, events = arrays(observed)
    fitted = curve(months, events)
    product = 1.0
    for time, survival in zip(fitted.times, fitted.survival, strict=True):
        at_risk = int((months >= time).sum())
        product *= 1 - int(((months == time) & events).sum()) / at_risk
        assert survival == pytest.approx(product, abs=1e-9)


@given(OBSERVED)
def test_without_censoring_the_curve_counts_who_is_left(observed: list[tuple[int, bool]]) -> None:
    months, _ = arrays(observed)
    fitted = curve(months, np.ones(len(months), dtype=bool))
    left = [(months > time).mean() for time in fitted.times]
    assert fitted.survival == pytest.approx(left, abs=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_every_curve_and_test_is_the_first_engines(seed: int) -> None:
    cohort = ("small", "reconstructed-2022")[seed % 2]
    raw, tables = configuration_of(cohort), tables_of(cohort)
    if seed > 1:
        shaken(raw, tables, seed)
    materials = materials_of(raw, tables, "kaplan_meier")
    found = recompute(materials) | logrank_tests.recompute(materials)
    assert disagreeing(compared(materials, "kaplan_meier", found)) == {}
    assert len(found) == len(materials.statistics["kaplan_meier"])


def test_a_changed_outcome_is_noticed() -> None:
    raw, tables = configuration_of("small"), tables_of("small")
    materials = materials_of(raw, tables, "kaplan_meier")
    alive = tables["patients"]["vital_status"] == "alive"
    tables["patients"].loc[alive.idxmax(), "vital_status"] = "dead"
    other = replace(materials, canonical=tables)
    wrong = disagreeing(
        compared(materials, "kaplan_meier", recompute(other) | logrank_tests.recompute(other))
    )
    assert "os.events" in wrong
    assert "lc.events" not in wrong


def test_units_are_derived_from_the_rows_and_split_by_the_plan() -> None:
    raw = configuration_of("small")
    materials = materials_of(raw, tables_of("small"))
    found = units(materials)
    assert list(found) == list(materials.plan.analysis.endpoints)
    lesions = found["lc"]
    assert len(lesions.outcomes) == len(materials.endpoints["lc"])
    assert lesions.events == int((materials.endpoints["lc"]["event"] == 1).sum())
    assert "overall" not in split_by("lc", materials.plan.analysis)


def test_everybody_is_named_the_engine_that_the_list_names() -> None:
    materials = materials_of(configuration_of("small"), tables_of("small"))
    assert {second.engine for second in recompute(materials).values()} == {ENGINE}
