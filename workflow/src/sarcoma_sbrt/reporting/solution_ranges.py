"""Ranges of the numbers over the reconstructions found, as their file holds them.

Apart from what computes them, so that reading a few lines does not import every estimator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Range", "read_ranges"]


@dataclass(frozen=True)
class Range:
    """Least and greatest value of a number over the reconstructions found.

    Attributes
    ----------
    low, high : float
    estimated, solutions : int
        Reconstructions that give a value, of so many.
    """

    low: float
    high: float
    estimated: int
    solutions: int


def read_ranges(rows: Iterable[tuple[int, Mapping[str, Any]]]) -> dict[str, Range]:
    """Ranges from the rows of `range_table`'s file, as `io.read_rows` gives them."""
    return {
        row["key"]: Range(
            float(row["low"]), float(row["high"]), int(row["estimated"]), int(row["solutions"])
        )
        for _, row in rows
    }
