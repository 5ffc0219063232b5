"""Biologically effective dose and equivalent dose in 2 Gy fractions (linear-quadratic model)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["bed", "bed_of_eqd2", "eqd2"]

Quantity = TypeVar("Quantity", float, npt.NDArray[np.float64], "pd.Series[float]")

_REFERENCE_FRACTION_GY = 2.0


def bed(dose_gy: Quantity, fractions: Quantity, alpha_beta_gy: float) -> Quantity:
    """Biologically effective dose of a course given in equal fractions.

    BED = D (1 + d / (alpha/beta)), with d = D / n. Fowler JF, Br J Radiol 1989;62:679-694.
    Repopulation is not modelled.

    Parameters
    ----------
    dose_gy : float, array or Series
        Total dose D in Gy.
    fractions : float, array or Series
        Number of fractions n, of the same shape.
    alpha_beta_gy : float
        Alpha/beta ratio of the tissue in Gy.

    Returns
    -------
    float, array or Series
        BED in Gy, of the shape of `dose_gy`; missing where either input is missing.

    Raises
    ------
    ValueError
        When alpha/beta is not positive.
    """
    _require_positive(alpha_beta_gy)
    return dose_gy * (1.0 + dose_gy / fractions / alpha_beta_gy)


def eqd2(dose_gy: Quantity, fractions: Quantity, alpha_beta_gy: float) -> Quantity:
    """Total dose in 2 Gy fractions that has the same BED.

    EQD2 = BED / (1 + 2 / (alpha/beta)). Fowler JF, Br J Radiol 1989;62:679-694, solved for the
    total dose at d = 2 Gy.

    Parameters
    ----------
    dose_gy, fractions, alpha_beta_gy
        As for `bed`.

    Returns
    -------
    float, array or Series
        EQD2 in Gy, of the shape of `dose_gy`; missing where either input is missing.

    Raises
    ------
    ValueError
        When alpha/beta is not positive.
    """
    effective = bed(dose_gy, fractions, alpha_beta_gy)
    return effective / (1.0 + _REFERENCE_FRACTION_GY / alpha_beta_gy)


def bed_of_eqd2(eqd2_gy: float, alpha_beta_gy: float) -> float:
    """BED of a dose given as its equivalent in 2 Gy fractions: EQD2 (1 + 2 / (alpha/beta)).

    Fowler JF, Br J Radiol 1989;62:679-694.

    Parameters
    ----------
    eqd2_gy : float
        Equivalent dose in 2 Gy fractions, in Gy.
    alpha_beta_gy : float
        Alpha/beta ratio in Gy, the one that the equivalent dose was computed with.

    Raises
    ------
    ValueError
        When alpha/beta is not positive.
    """
    _require_positive(alpha_beta_gy)
    return eqd2_gy * (1.0 + _REFERENCE_FRACTION_GY / alpha_beta_gy)


def _require_positive(alpha_beta_gy: float) -> None:
    if not alpha_beta_gy > 0:
        raise ValueError(f"alpha/beta must be above 0 Gy, not {alpha_beta_gy:g}")
