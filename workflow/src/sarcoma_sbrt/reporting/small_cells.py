"""Counts of few patients, lesions or rows: which they are, and what is printed in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["WITHHELD", "SmallCells", "is_withheld"]

# Status of an entry that the rule words in place of its value.
WITHHELD = "withheld"


@dataclass(frozen=True)
class SmallCells:
    """The rule where it holds: a count of at least one and less than `least` is withheld."""

    least: int

    @classmethod
    def of(cls, least: int | None) -> SmallCells | None:
        """The rule of a least count; None where it does not hold."""
        return None if least is None else cls(least)

    def is_small(self, count: object) -> bool:
        """Whether a count is withheld; nobody is nobody's secret."""
        return isinstance(count, int | float) and 0 < count < self.least

    def said(self, count: int) -> str:
        """A count as it is printed."""
        return f"< {self.least}" if self.is_small(count) else str(count)

    @property
    def bounded(self) -> str:
        """How a count is printed that would give a withheld one away."""
        return f"≥ {self.least}"


def is_withheld(numbers: Mapping[str, Mapping[str, Any]], key: str) -> bool:
    """Whether the number is in the registry, worded by the rule: as a bound, or as not shown."""
    return key in numbers and numbers[key]["status"] == WITHHELD
