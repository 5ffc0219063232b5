"""Whether whole numbers can satisfy printed counts at once, and which of them cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

__all__ = ["Demand", "extremes", "irreducible", "solution"]


@dataclass(frozen=True, eq=False)
class Demand:
    """What printed figures ask of whole numbers: ``low <= coefficients · x <= high``.

    Attributes
    ----------
    keys : tuple of str
        Printed figures that ask it.
    says : str
        The demand in words.
    coefficients : ndarray of float, shape (n,)
    low, high : float
    """

    keys: tuple[str, ...]
    says: str
    coefficients: NDArray[np.float64]
    low: float
    high: float


def solution(
    demands: Sequence[Demand], size: int, objective: NDArray[np.float64] | None = None
) -> NDArray[np.int64] | None:
    """Whole numbers of 0 or more that meet every demand, or None.

    Parameters
    ----------
    demands : sequence of Demand
    size : int
        How many numbers are sought.
    objective : ndarray, optional
        What is made least.

    Raises
    ------
    RuntimeError
        Where the solver ends with neither a solution nor a proof that there is none.
    """
    cost = np.zeros(size) if objective is None else objective
    constraints = [LinearConstraint(d.coefficients[None, :], d.low, d.high) for d in demands]
    found = milp(cost, integrality=np.ones(size), bounds=Bounds(0, np.inf), constraints=constraints)
    if found.status == 2:
        return None
    if not found.success:
        raise RuntimeError(f"integer programme not decided: {found.message}")
    whole: NDArray[np.int64] = np.rint(found.x).astype(np.int64)
    return whole


def irreducible(demands: Sequence[Demand], size: int) -> list[Demand]:
    """Demands that cannot all be met although each proper part of them can; empty if all can."""
    if solution(demands, size) is not None:
        return []
    kept = list(demands)
    for demand in demands:
        rest = [one for one in kept if one is not demand]
        if solution(rest, size) is None:
            kept = rest
    return kept


def extremes(
    demands: Sequence[Demand], size: int, weights: NDArray[np.float64]
) -> tuple[int, int] | None:
    """Least and greatest ``weights · x`` over all solutions, or None."""
    least = solution(demands, size, weights)
    most = solution(demands, size, -weights)
    if least is None or most is None:
        return None
    return round(float(weights @ least)), round(float(weights @ most))
