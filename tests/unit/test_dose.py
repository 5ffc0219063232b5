from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.dose import bed, eqd2

# (dose, fractions, alpha/beta, BED, EQD2), worked out by hand.
COURSES = [
    (45.0, 5, 10.0, 85.5, 71.25),  # 45 (1 + 9/10);     85.5 / 1.2
    (75.0, 5, 10.0, 187.5, 156.25),  # 75 (1 + 15/10)
    (27.0, 3, 10.0, 51.3, 42.75),  # 27 (1 + 9/10)
    (50.0, 5, 10.0, 100.0, 250 / 3),  # 50 (1 + 10/10)
    (60.0, 30, 10.0, 72.0, 60.0),  # 2 Gy a fraction is its own equivalent
    (60.0, 30, 3.0, 100.0, 60.0),
    (54.0, 3, 4.0, 297.0, 198.0),  # 54 (1 + 18/4);     297 / 1.5
]


@pytest.mark.parametrize(("dose", "fractions", "alpha_beta", "effective", "equivalent"), COURSES)
def test_courses_by_hand(
    dose: float, fractions: int, alpha_beta: float, effective: float, equivalent: float
) -> None:
    assert bed(dose, fractions, alpha_beta) == pytest.approx(effective, rel=1e-12)
    assert eqd2(dose, fractions, alpha_beta) == pytest.approx(equivalent, rel=1e-12)


def test_fifty_gray_in_five_is_exactly_one_hundred() -> None:
    assert bed(50.0, 5, 10.0) == 100.0


def test_arrays_and_series_keep_their_shape() -> None:
    dose, fractions = np.array([45.0, 75.0]), np.array([5.0, 5.0])
    np.testing.assert_allclose(bed(dose, fractions, 10.0), [85.5, 187.5])
    series = eqd2(pd.Series(dose, index=[7, 3]), pd.Series(fractions, index=[7, 3]), 10.0)
    pd.testing.assert_series_equal(series, pd.Series([71.25, 156.25], index=[7, 3]))


def test_missing_stays_missing() -> None:
    dose = pd.Series([45.0, None, 45.0], dtype="Float64")
    fractions = pd.Series([5, 5, None], dtype="Int64")
    assert bed(dose, fractions, 10.0).isna().tolist() == [False, True, True]


@pytest.mark.parametrize("alpha_beta", [0.0, -3.0, math.nan])
@pytest.mark.parametrize("quantity", [bed, eqd2])
def test_alpha_beta_must_be_positive(quantity: object, alpha_beta: float) -> None:
    with pytest.raises(ValueError, match="alpha/beta must be above 0 Gy, not"):
        quantity(45.0, 5, alpha_beta)  # type: ignore[operator]


@given(st.floats(1, 100), st.integers(1, 60), st.floats(1, 20))
def test_bed_is_above_the_dose_and_the_equivalent_follows_the_fraction(
    dose: float, fractions: int, alpha_beta: float
) -> None:
    assert bed(dose, fractions, alpha_beta) > dose
    hypofractionated = dose / fractions > 2
    assert (eqd2(dose, fractions, alpha_beta) > dose) == hypofractionated or math.isclose(
        dose / fractions, 2, rel_tol=1e-9
    )
