"""A pytest plugin that prints how far from R each test's worst value is, for docs/methods.md.

PYTHONPATH=tests/conformance pytest -p agreement -p no:cacheprovider tests/conformance
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cohorts
import numpy as np
import pytest

WORST: dict[str, float] = {}
_running = ""
_close, _matrix = cohorts.close, cohorts.matrix

# Below this a value of R's is a 0 that rounding moved.
_ZERO = 1e-12


class Watched:
    """What a test compares with: notes the relative difference, then compares."""

    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, values: Any, expected: Any) -> None:
        self.values, self.expected = values, expected

    def __eq__(self, other: object) -> bool:
        if other is not None:
            ours, theirs = (np.asarray(v, dtype=float) for v in (other, self.values))
            if ours.shape == theirs.shape:
                note(ours, theirs)
        return bool(other == self.expected)

    def __repr__(self) -> str:
        return repr(self.expected)


def note(ours: np.ndarray, theirs: np.ndarray) -> None:
    known = np.isfinite(ours) & np.isfinite(theirs) & (np.abs(theirs) > _ZERO)
    if known.any():
        far = np.abs(ours - theirs)[known] / np.abs(theirs[known])
        WORST[_running] = max(WORST.get(_running, 0.0), float(far.max()))


def close(values: Any, rel: float = cohorts.EXACT) -> Any:
    if isinstance(values, list):
        return [close(value, rel) for value in values]
    return None if values is None else Watched(values, _close(values, rel))


def matrix(values: Any, rel: float = cohorts.EXACT) -> Any:
    return Watched(values, _matrix(values, rel))


# Before the tests import them.
cohorts.close, cohorts.matrix = close, matrix


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Function) -> Iterator[None]:
    global _running
    _running = item.originalname
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("largest relative difference from R")
    for name, far in sorted(WORST.items()):
        terminalreporter.write_line(f"{far:8.0e}  {name}")
