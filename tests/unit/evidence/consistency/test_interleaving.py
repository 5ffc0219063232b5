"""Pooled curves against brute force over every shuffle of every admissible pair of orders."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.enumeration import (
    Graph,
    Window,
    coarse_graph,
    exact_graph,
    survival,
)
from sarcoma_sbrt.evidence.consistency.interleaving import (
    ROUNDING,
    Arrangement,
    arranged,
    excludes,
    own_orders,
    pairs,
    pooled_range,
    pooled_survival,
)

ANY = Window(Fraction(0), Fraction(1))


def around(value: Fraction) -> Window:
    return Window(
        max(value - Fraction(1, 100), Fraction(0)), min(value + Fraction(1, 100), Fraction(1))
    )


def orders(n: int, windows: list[Window]) -> list[str]:
    """Every admissible order, brute force over words that end with their last landmark."""
    found = []
    for length in range(n + len(windows) + 1):
        for letters in product("DC|", repeat=length):
            word = "".join(letters)
            if word.count("|") != len(windows) or not word.endswith("|"):
                continue
            if len(word) - len(windows) > n:
                continue
            if all(w.holds(s) for w, (_, s) in zip(windows, survival(n, word), strict=True)):
                found.append(word)
    return found


def shuffles(first: str, second: str) -> Iterator[str]:
    """Every shuffle of two pieces, letters of the second small."""
    total = len(first) + len(second)
    for places in combinations(range(total), len(first)):
        a, b = iter(first), iter(second.lower())
        yield "".join(next(a) if i in places else next(b) for i in range(total))


def arrangements(first: list[str], second: list[str]) -> Iterator[str]:
    for one, two in product(first, second):
        pieces = [
            list(shuffles(a, b))
            for a, b in zip(one.split("|")[:-1], two.split("|")[:-1], strict=True)
        ]
        for chosen in product(*pieces):
            yield "|".join(chosen) + "|"


def graph(n: int, windows: list[Window]) -> Graph:
    found = exact_graph(n, windows)
    assert found is not None
    return found


small = st.tuples(st.integers(1, 3), st.integers(1, 3))
values = st.fractions(0, 1, max_denominator=4)


@settings(max_examples=60, deadline=None)
@given(sizes=small, rates=st.tuples(values, values), wanted=values)
def test_one_landmark_equals_brute_force(
    sizes: tuple[int, int], rates: tuple[Fraction, Fraction], wanted: Fraction
) -> None:
    windows = [[around(rate)] for rate in rates]
    lists = [orders(n, w) for n, w in zip(sizes, windows, strict=True)]
    assume(all(lists))
    first, second = (graph(n, w) for n, w in zip(sizes, windows, strict=True))
    pooled = [pooled_survival(*sizes, order)[0] for order in arrangements(*lists)]
    low, high = pooled_range(first, second, 0)
    assert (low.value, high.value) == (min(pooled), max(pooled))
    assert pooled_survival(*sizes, low.order) == [low.value]
    assert pooled_survival(*sizes, high.order) == [high.value]
    assert excludes((low, high), around(wanted)) == (
        around(wanted).high < min(pooled) or around(wanted).low > max(pooled)
    )
    not_excluded, order = arranged(first, second, [around(wanted)])
    reached = any(around(wanted).holds(value) for value in pooled)
    assert (order is not None) == reached
    assert not_excluded or not reached


@settings(max_examples=25, deadline=None)
@given(sizes=small, rates=st.tuples(values, values), wanted=st.tuples(values, values))
def test_two_landmarks_equal_brute_force(
    sizes: tuple[int, int],
    rates: tuple[Fraction, Fraction],
    wanted: tuple[Fraction, Fraction],
) -> None:
    assume(sum(sizes) <= 5)
    windows = [[around(rates[0]), ANY], [ANY, around(rates[1])]]
    lists = [orders(n, w) for n, w in zip(sizes, windows, strict=True)]
    assume(all(lists))
    first, second = (graph(n, w) for n, w in zip(sizes, windows, strict=True))
    pooled = {tuple(pooled_survival(*sizes, order)) for order in arrangements(*lists)}
    for j in (0, 1):
        low, high = pooled_range(first, second, j)
        assert low.value == min(rate[j] for rate in pooled)
        assert high.value == max(rate[j] for rate in pooled)
        for end in (low, high):
            whole = end.order + end.rest
            assert pooled_survival(*sizes, whole)[j] == end.value
            for size, own, rate_windows in zip(sizes, own_orders(whole), windows, strict=True):
                rates = [s for _, s in survival(size, own)]
                assert all(w.holds(s) for w, s in zip(rate_windows, rates, strict=True))
    targets = [around(rate) for rate in wanted]
    reached = any(all(t.holds(s) for t, s in zip(targets, rate, strict=True)) for rate in pooled)
    not_excluded, order = arranged(first, second, targets)
    assert (order is not None) == reached
    assert not_excluded or not reached


@settings(max_examples=30, deadline=None)
@given(sizes=st.tuples(st.integers(2, 8), st.integers(2, 8)), rates=st.tuples(values, values))
def test_a_coarse_range_contains_the_exact_one(
    sizes: tuple[int, int], rates: tuple[Fraction, Fraction]
) -> None:
    windows = [[around(rate)] for rate in rates]
    exact = [exact_graph(n, w) for n, w in zip(sizes, windows, strict=True)]
    assume(all(g is not None and g.nodes[0][g.n] for g in exact))
    low, high = pooled_range(*(graph(n, w) for n, w in zip(sizes, windows, strict=True)), 0)
    coarse = [coarse_graph(n, w) for n, w in zip(sizes, windows, strict=True)]
    least, greatest = pooled_range(coarse[0], coarse[1], 0)
    assert least.value <= low.value
    assert high.value <= greatest.value


def test_deaths_of_one_group_after_or_before_the_censored_of_the_other() -> None:
    # One of two dies (S = 1/2), both of the other group are censored: the death is at 4 at risk
    # at the earliest, at 2 at the latest.
    half = graph(2, [Window(Fraction(1, 2), Fraction(1, 2))])
    none = graph(2, [Window(Fraction(1), Fraction(1))])
    low, high = pooled_range(half, none, 0)
    assert (low.value, low.order) == (Fraction(1, 2), "ccD|")
    assert high.value == Fraction(3, 4)
    order = arranged(half, none, [around(Fraction(2, 3))])[1]
    assert order is not None
    assert pooled_survival(2, 2, order) == [Fraction(2, 3)]
    assert arranged(half, none, [around(Fraction(9, 10))]) == (False, None)
    assert arranged(half, none, [None])[1] is not None


def test_proof_without_search() -> None:
    half = graph(2, [Window(Fraction(1, 2), Fraction(1, 2))])
    assert arranged(half, half, [around(Fraction(1, 2))], most=0) == (True, None)
    assert arranged(half, half, [around(Fraction(1))], most=0) == (False, None)


@pytest.mark.parametrize(
    ("order", "rates"),
    [("DdC|", [Fraction(3, 5)]), ("cc|Dd|", [Fraction(1), Fraction(1, 3)])],
)
def test_pooled_survival(order: str, rates: list[Fraction]) -> None:
    assert pooled_survival(3, 2, order) == rates


def test_own_orders() -> None:
    assert own_orders("DdC|cD|") == ("DC|D|", "D|C|")
    assert own_orders("") == ("", "")


def test_a_window_that_touches_the_range_is_not_excluded() -> None:
    ends = Arrangement(Fraction(1, 2), "ccD|"), Arrangement(Fraction(3, 4), "D|")
    point = {at: Window(at, at) for at in (Fraction(1, 2), Fraction(3, 4), Fraction(2, 3))}
    assert not any(excludes(ends, window) for window in point.values())
    for beyond, excluded in ((ROUNDING / 2, False), (2 * ROUNDING, True)):
        below, above = Fraction(1, 2) - beyond, Fraction(3, 4) + beyond
        assert excludes(ends, Window(Fraction(0), below)) == excluded
        assert excludes(ends, Window(above, Fraction(1))) == excluded


def test_pairs_of_states() -> None:
    half = graph(2, [Window(Fraction(1, 2), Fraction(1, 2))])
    states = sum(len(here) for here in half.nodes[0])
    assert pairs(half, half) == states**2
