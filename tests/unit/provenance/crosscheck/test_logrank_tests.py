"""Log-rank tests as score tests: worked by hand, against scipy and lifelines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines.statistics import multivariate_logrank_test
from scipy.stats import chi2

from sarcoma_sbrt.provenance.crosscheck.logrank_tests import ScoreTest, holm, p_of, score_test

# Months, event, group: who is at risk, and who of group 1, at 1, 2 and 4 stands below.
MONTHS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
EVENTS = np.array([True, True, False, True, False])
GROUPS = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
ROWS = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 1)), min_size=2, max_size=40
)


def test_two_groups_by_hand() -> None:
    test = score_test(MONTHS, EVENTS, GROUPS)
    assert test is not None
    # At 1: 3 of 5; at 2: 2 of 4; at 4: 1 of 2.
    assert (test.observed, test.events) == (1, 3)
    assert test.expected == pytest.approx(3 / 5 + 2 / 4 + 1 / 2)
    assert test.variance == pytest.approx(6 / 25 + 4 / 16 + 1 / 4)
    assert test.chi_square == pytest.approx(0.6**2 / 0.74)


def test_strata_add_up() -> None:
    whole = score_test(MONTHS, EVENTS, GROUPS)
    both = score_test(
        np.tile(MONTHS, 2), np.tile(EVENTS, 2), np.tile(GROUPS, 2), ["a"] * 5 + ["b"] * 5
    )
    assert whole is not None
    assert both is not None
    assert both == pytest.approx(ScoreTest(*(2 * part for part in whole)))


def test_a_trend_has_scores_of_its_own() -> None:
    # One dies of three at 1 whose scores are 1, 2, 3: mean 2, variance 2/3; then one of 2 and 3.
    test = score_test(np.array([1.0, 2.0, 3.0]), np.array([1, 1, 0], dtype=bool), np.arange(1.0, 4))
    assert test is not None
    assert (test.observed, test.expected) == (3, pytest.approx(2 + 2.5))
    assert test.variance == pytest.approx(2 / 3 + 1 / 4)


@pytest.mark.parametrize(
    ("months", "events", "scores"),
    [
        ([1, 2], [1, 1], [1, 1]),  # one group
        ([1, 2], [0, 0], [0, 1]),  # no event
        ([1, 2], [0, 1], [0, 1]),  # group 0 has left before the event
        ([1, 1], [1, 1], [0, 1]),  # nobody is left without the event
        ([1, 2, 3], [0, 1, 0], [0, 1, 2]),  # group 0 of three has left
    ],
)
def test_data_that_compare_nobody_give_no_test(
    months: list[float], events: list[int], scores: list[float]
) -> None:
    given_ = np.array(months, float), np.array(events, bool), np.array(scores, float)
    assert score_test(*given_) is None


def test_groups_that_meet_in_no_stratum_give_no_test() -> None:
    assert score_test(MONTHS, EVENTS, GROUPS, GROUPS.tolist()) is None


@settings(max_examples=25)
@given(ROWS)
def test_two_groups_are_as_lifelines_has_them(rows: list[tuple[int, bool, int]]) -> None:
    months, events, groups = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    test = score_test(months, events.astype(bool), groups)
    if test is not None:
        other = multivariate_logrank_test(months, groups, events)
        assert test.chi_square == pytest.approx(other.test_statistic, rel=1e-9, abs=1e-12)


@given(ROWS)
def test_who_is_called_group_1_does_not_matter(rows: list[tuple[int, bool, int]]) -> None:
    months, events, groups = (np.array(part, dtype=float) for part in zip(*rows, strict=True))
    one = score_test(months, events.astype(bool), groups)
    other = score_test(months, events.astype(bool), 1 - groups)
    assert (one is None) is (other is None)
    if one is not None and other is not None:
        assert one.chi_square == pytest.approx(other.chi_square, rel=1e-9, abs=1e-12)
        assert one.expected + other.expected == pytest.approx(one.events)


@pytest.mark.parametrize("value", [0.0, 1e-6, 1.0, 3.841458820694124, 50.0, 700.0])
def test_p_is_the_upper_tail_of_chi_square(value: float) -> None:
    assert p_of(value) == pytest.approx(float(chi2.sf(value, 1)), rel=1e-12)


def test_holm_by_hand() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.5), "holm") is 0.04 0.09 0.09 0.50
    assert holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
