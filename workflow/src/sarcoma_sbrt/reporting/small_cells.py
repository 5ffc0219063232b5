"""Counts of few patients, lesions or rows: which they are, and what is printed in their place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SmallCells"]


@dataclass(frozen=True)
class SmallCells:
    """The rule where it holds: a count of at least one and less than `least` is withheld."""

    least: int

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
