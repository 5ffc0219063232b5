"""Characteristics row by row: exact limits, and every number of whole cohorts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cohort_run import compared, configuration_of, disagreeing, materials_of, shaken, tables_of
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from sarcoma_sbrt.provenance.crosscheck.counts import exact_limits, middle, recompute


def test_the_middle_of_an_even_number_lies_between() -> None:
    assert middle([4, 1, 3]) == 3
    assert middle([4, 1, 3, 2]) == 2.5


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_exact_limits_are_those_of_the_beta_distribution(shares: tuple[int, int]) -> None:
    expected = binomtest(*shares).proportion_ci(confidence_level=0.95, method="exact")
    assert exact_limits(*shares, 0.95) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_exact_limits_of_nobody_and_of_everybody_by_hand() -> None:
    # (1 - p)^n = 0.025
    assert exact_limits(0, 10, 0.95) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert exact_limits(10, 10, 0.95) == (pytest.approx(0.025**0.1), 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_every_characteristic_is_the_first_engines(seed: int) -> None:
    cohort = ("small", "reconstructed-2022")[seed % 2]
    raw, tables = configuration_of(cohort), tables_of(cohort)
    if seed > 1:
        shaken(raw, tables, seed)
    materials = materials_of(raw, tables, "characteristics")
    found = recompute(materials)
    assert disagreeing(compared(materials, "characteristics", found)) == {}
    assert found.keys() == {r["key"] for r in materials.statistics["characteristics"]}


def test_a_patient_more_is_noticed_by_every_count_of_patients() -> None:
    raw, tables = configuration_of("small"), tables_of("small")
    materials = materials_of(raw, tables, "characteristics")
    fewer = tables | {"patients": tables["patients"].iloc[1:]}
    found = recompute(replace(materials, canonical=fewer))
    wrong = disagreeing(compared(materials, "characteristics", found))
    assert wrong["cohort.patients"] == "14, by the second engine 13: not within 1.4e-08"
    assert "treatment.none.n" in wrong
    assert "cohort.lesions" not in wrong
