"""Sets of rows, kept compactly: ranges, each set once, called by its hash.

Thousands of numbers rest on a few dozen sets. A set says which units were counted, which
canonical rows were read for them, and on which lines of which files those stand.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt.provenance.row_ranges import written

__all__ = ["Positions", "RowSets", "Selection", "ranges"]

Positions = NDArray[np.int64]

# Hexadecimal digits of a set's name: among a million sets two share one with chance 3e-8.
_ID_DIGITS = 16


@dataclass(frozen=True)
class Selection:
    """Rows behind a number, ascending, none twice.

    Attributes
    ----------
    units : mapping of str to array
        What was counted: ``endpoints/<name>`` or a canonical table -> 0-based positions.
    canonical : mapping of str to array
        Canonical table -> 0-based positions of the rows that were read for the units.
    lines : mapping of str to array
        File that has no canonical table (printed figures, ranges) -> 1-based lines.
    """

    units: Mapping[str, Positions] = field(default_factory=dict)
    canonical: Mapping[str, Positions] = field(default_factory=dict)
    lines: Mapping[str, Positions] = field(default_factory=dict)


def ranges(numbers: Positions) -> str:
    """Ascending whole numbers as text, ``0-36`` or ``2-5,9``; empty where there are none.

    Parameters
    ----------
    numbers : array of int
        Ascending, none twice, none negative.
    """
    if len(numbers) == 0:
        return ""
    breaks = np.flatnonzero(np.diff(numbers) != 1)
    starts = numbers[np.concatenate(([0], breaks + 1))].tolist()
    ends = numbers[np.concatenate((breaks, [len(numbers) - 1]))].tolist()
    return written(zip(starts, ends, strict=True))


class RowSets:
    """Sets of rows, each kept once.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Canonical tables, with ``source_file`` and ``source_line``.
    folder : str
        What to put before a source file, so that its path is one below the repository.
    """

    def __init__(self, tables: Mapping[str, pd.DataFrame], folder: str) -> None:
        self._raw = {name: _Places(table, folder) for name, table in tables.items()}
        self._texts: dict[bytes, str] = {}
        self._lines: dict[tuple[str, bytes], dict[str, Positions]] = {}
        self._sets: dict[str, dict[str, Any]] = {}

    def add(self, chosen: Selection) -> str:
        """Id of a set, which is kept if it is new: a hash of what it holds."""
        raw = self._raw_lines(chosen)
        parts = {
            "units": self._told(chosen.units),
            "canonical": self._told(chosen.canonical),
            "raw": self._told(raw),
        }
        name = _name(parts)
        if name not in self._sets:
            counts = {"units": chosen.units, "canonical": chosen.canonical, "raw": raw}
            self._sets[name] = parts | {
                "n": {what: sum(map(len, of.values())) for what, of in counts.items()}
            }
        return name

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Every set by its id, as ``lineage.json`` has them."""
        return dict(sorted(self._sets.items()))

    def _told(self, of: Mapping[str, Positions]) -> dict[str, str]:
        """Ranges of each part that is not empty; the text of equal rows is made once."""
        told = {}
        for name, numbers in sorted(of.items()):
            if len(numbers):
                content = _content(numbers)
                if content not in self._texts:
                    self._texts[content] = ranges(numbers)
                told[name] = self._texts[content]
        return told

    def _raw_lines(self, chosen: Selection) -> dict[str, Positions]:
        """Lines by file; two canonical tables may come from one."""
        found = {file: [lines] for file, lines in chosen.lines.items()}
        for table, positions in chosen.canonical.items():
            known = (table, _content(positions))
            if known not in self._lines:
                self._lines[known] = dict(self._raw[table].lines(positions))
            for file, lines in self._lines[known].items():
                found.setdefault(file, []).append(lines)
        return {
            file: lines[0] if len(lines) == 1 else np.unique(np.concatenate(lines))
            for file, lines in found.items()
        }


class _Places:
    """Where each row of a canonical table was read."""

    def __init__(self, table: pd.DataFrame, folder: str) -> None:
        codes, files = pd.factorize(table["source_file"])
        self._codes = np.asarray(codes, dtype=np.int64)
        self._files = [f"{folder}/{file}" if folder else str(file) for file in files]
        self._lines = table["source_line"].to_numpy(dtype=np.int64)

    def lines(self, positions: Positions) -> Iterator[tuple[str, Positions]]:
        codes, lines = self._codes[positions], self._lines[positions]
        for code, file in enumerate(self._files):
            of_file = lines[codes == code]
            if len(of_file):
                yield file, np.unique(of_file)


def _content(numbers: Positions) -> bytes:
    return hashlib.blake2b(numbers.tobytes(), digest_size=16).digest()


def _name(parts: Mapping[str, Mapping[str, str]]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]
