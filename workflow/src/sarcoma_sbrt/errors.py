"""What can be wrong with an input, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["MASK", "InputError", "NotEstimable", "Problem", "RenderError"]

MASK = "<masked>"


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with one place of an input.

    Attributes
    ----------
    file : str
        Path as the user wrote it; a sheet follows after ``#``.
    line : int
        1-based line (CSV, YAML) or row (XLSX); 0 when it has none: the whole file is meant, or a
        part of it that `column` names.
    column : str
        Column name or key path; empty when the whole line or the whole file is meant.
    what : str
        What is wrong.
    read : str
        What was read; `MASK` in place of a real patient's value.
    accepted : str
        What would have been accepted.
    """

    file: str
    line: int
    column: str
    what: str
    read: str = ""
    accepted: str = ""

    def __str__(self) -> str:
        """``file:line: column: what, read …, accepted: …``; ``file: what …`` of a whole file."""
        line = f":{self.line}" if self.line else ""
        column = self.column or ("-" if self.line else "")
        text = ": ".join(filter(None, [f"{self.file}{line}", column, self.what]))
        if self.read:
            text += f", read {self.read}"
        if self.accepted:
            text += f", accepted: {self.accepted}"
        return text


class InputError(Exception):
    """Bad input: every problem found, in order of place.

    Parameters
    ----------
    problems : iterable of Problem
        At least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class RenderError(InputError):
    """A manuscript that cannot be rendered as it is written."""


class NotEstimable(Exception):
    """A statistic that these data cannot give; the message is the reason."""
