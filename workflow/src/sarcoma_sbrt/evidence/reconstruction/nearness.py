"""How near a recomputed number comes to a printed one."""

from __future__ import annotations

from typing import Literal

__all__ = ["STATUSES", "Status", "status"]

Status = Literal["exact", "unit", "two_percent", "miss"]
STATUSES: tuple[Status, ...] = ("exact", "unit", "two_percent", "miss")

# A half rounds either way, whatever binary floats say: 57.85 to 57.9 too, 61.25 to 61.2 too.
_TOLERANCE = 1e-9


def status(value: float, printed: float, unit: float, *, is_limit: bool = False) -> Status:
    """First that holds of exact (prints the same), unit (of the last digit), two_percent, miss.

    Parameters
    ----------
    value, printed : float
        Recomputed, and as printed.
    unit : float
        Of the last printed digit.
    is_limit : bool
        Whether "less than `printed`" is what is printed.
    """
    off = abs(value - printed)
    if (value < printed) if is_limit else (off <= unit / 2 + _TOLERANCE):
        return "exact"
    if off <= 1.5 * unit + _TOLERANCE:
        return "unit"
    return "two_percent" if off <= 0.02 * abs(printed) else "miss"
