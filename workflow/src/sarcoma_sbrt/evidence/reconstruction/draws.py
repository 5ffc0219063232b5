"""Seeded draws that fill printed counts, medians and ranges exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sarcoma_sbrt.evidence.reconstruction.marginals import Spread

__all__ = ["apportion", "drawn", "quota", "share", "shuffled", "towards"]


def apportion(counts: Sequence[int], n: int) -> list[int]:
    """Scale counts to another total by largest remainders; the same total leaves them alone.

    Parameters
    ----------
    counts : sequence of int
        Not all zero.
    n : int
        Total wanted.
    """
    shares = np.asarray(counts, dtype=float) * n / sum(counts)
    whole = np.floor(shares + 1e-9).astype(int)
    short = n - int(whole.sum())
    for index in np.argsort(whole - shares, kind="stable")[:short]:
        whole[index] += 1
    return [int(count) for count in whole]


def shuffled(items: Iterable[Any], rng: np.random.Generator) -> list[Any]:
    """Return the items in a random order."""
    items = list(items)
    return [items[i] for i in np.argsort(rng.random(len(items)))]


def quota(counts: Mapping[Any, int], n: int) -> list[Any]:
    """Repeat each key as often as its count, scaled to n entries."""
    shares = apportion(list(counts.values()), n)
    return [key for key, share in zip(counts, shares, strict=True) for _ in range(share)]


def share(count: int, total: int, n: int) -> int:
    """Scale a count out of a total to n."""
    return apportion([count, total - count], n)[0]


def drawn(spread: Spread, uniform: np.ndarray) -> np.ndarray:
    """Draw values with exactly the spread's median and range, in the order of `uniform`.

    Two spreads drawn from the same uniforms rise together, from ``1 - uniform`` against
    each other. Values crowd towards the median (quadratically).
    """
    n = len(uniform)
    v = np.sort(uniform)
    below = spread.median - (spread.median - spread.low) * (1 - 2 * v) ** 2
    above = spread.median + (spread.high - spread.median) * (2 * v - 1) ** 2
    rank = np.arange(n)
    values = np.where(
        rank < (n - 1) // 2,
        np.where(v < 0.5, below, spread.median),
        np.where(v > 0.5, above, spread.median),
    )
    values[:1], values[-1:] = spread.low, spread.high
    values[(n - 1) // 2 : n // 2 + 1] = spread.median
    ranked = np.empty(n)
    ranked[np.argsort(uniform, kind="stable")] = values
    return ranked.round(spread.decimals)


def towards(near: float, far: float, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw values from `near` to `far` that crowd at `near`; one is `far` itself."""
    values = near + (far - near) * np.sort(rng.random(n)) ** 2
    values[-1:] = far
    return values
