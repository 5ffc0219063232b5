"""Which demands on whole numbers can be met, and which exclude each other."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.reconstruction.feasibility import (
    Demand,
    extremes,
    irreducible,
    solution,
)


def demand(name, coefficients, low, high):
    return Demand((name,), name, np.array(coefficients, dtype=float), low, high)


def test_a_clash_holds_no_superfluous_demand():
    demands = [
        demand("all", [1, 1, 1], 10, 10),
        demand("first", [1, 0, 0], 7, 7),
        demand("third", [0, 0, 1], 1, 1),
        demand("first two", [1, 1, 0], 4, 6),
    ]
    assert [d.says for d in irreducible(demands, 3)] == ["first", "first two"]
    assert irreducible(demands[:3], 3) == []
    assert list(solution(demands[:3], 3)) == [7, 2, 1]


def test_extremes():
    total = [demand("all", [1, 1], 5, 5), demand("second", [0, 1], 0, 3)]
    assert extremes(total, 2, np.array([1.0, 0.0])) == (2, 5)
    assert extremes([*total, demand("none", [1, 0], 6, 6)], 2, np.array([1.0, 0.0])) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 1), min_size=3, max_size=3), st.integers(0, 3)),
        min_size=1,
        max_size=4,
    )
)
def test_a_solution_is_found_exactly_where_enumeration_finds_one(asked):
    demands = [demand(str(i), row, n, n) for i, (row, n) in enumerate(asked)]
    exists = any(
        all(np.dot(row, x) == n for row, n in asked) for x in itertools.product(range(4), repeat=3)
    )
    found = solution(demands, 3)
    assert (found is not None) == exists
    assert bool(irreducible(demands, 3)) != exists
    if found is not None:
        assert all(np.dot(row, found) == n for row, n in asked)
