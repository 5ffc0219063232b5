"""Draws hit their printed median, range and counts exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.reconstruction.draws import apportion, drawn, quota, share, towards
from sarcoma_sbrt.evidence.reconstruction.marginals import Spread


def test_the_same_total_leaves_counts_alone():
    assert apportion([5, 11, 8, 5, 3, 3, 2], 37) == [5, 11, 8, 5, 3, 3, 2]


def test_another_total_is_split_by_largest_remainders():
    # 19, 4, 14 of 37 are 5.14, 1.08, 3.78 of 10: the last place goes to the third
    assert apportion([19, 4, 14], 10) == [5, 1, 4]


@given(st.lists(st.integers(0, 30), min_size=1).filter(sum), st.integers(0, 200))
def test_shares_add_up_and_stray_by_less_than_one(counts, n):
    shares = apportion(counts, n)
    assert sum(shares) == n
    assert all(abs(s - c * n / sum(counts)) < 1 + 1e-6 for s, c in zip(shares, counts, strict=True))


def test_quota_and_share():
    assert quota({"M": 2, "F": 1}, 6) == ["M", "M", "M", "M", "F", "F"]
    assert share(28, 37, 37) == 28
    assert share(1, 37, 5) == 0


@pytest.mark.parametrize("n", [3, 4, 31, 37, 58])
@given(seed=st.integers(0, 2**32))
def test_median_and_range_are_exact(n, seed):
    values = drawn(Spread(1.00, 1.13, 2.77, decimals=2), np.random.default_rng(seed).random(n))
    if n > 3:
        assert (values.min(), np.median(values), values.max()) == (1.00, 1.13, 2.77)
    else:
        assert sorted(values) == [1.00, 1.13, 2.77]


def test_one_value_is_the_median():
    assert drawn(Spread(19, 58, 82), np.array([0.2])).tolist() == [58]


def test_spreads_of_the_same_uniforms_rise_together():
    uniform = np.random.default_rng(1).random(58)
    ci = drawn(Spread(1.00, 1.13, 2.77, decimals=2), uniform)
    nci = drawn(Spread(1.13, 1.42, 2.93, decimals=2), uniform)
    coverage = drawn(Spread(47.81, 86.12, 99.75, decimals=2), 1 - uniform)
    assert (nci >= ci).all()
    order = np.argsort(uniform)
    assert (np.diff(ci[order]) >= 0).all()
    assert (np.diff(nci[order]) >= 0).all()
    assert (np.diff(coverage[order]) <= 0).all()


def test_towards_reaches_its_far_end():
    values = towards(4.9, 1.6, 26, np.random.default_rng(0))
    assert values.min() == 1.6
    assert values.max() <= 4.9
    assert len(towards(4.9, 1.6, 0, np.random.default_rng(0))) == 0
