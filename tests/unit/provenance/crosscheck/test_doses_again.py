"""Sensitivity to dose: quantiles, ranks and cuts by hand, permutations against the first engine."""

from __future__ import annotations

import numpy as np
import pytest
from cohort_run import compared, configuration_of, disagreeing, materials_of, shaken, tables_of
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from sarcoma_sbrt.provenance.crosscheck.doses import (
    Outcomes,
    chi_squares,
    cuts_of,
    quantile,
    recompute,
    tau_b,
)
from sarcoma_sbrt.provenance.crosscheck.logrank_tests import score_test

VALUES = st.lists(st.floats(1, 200), min_size=1, max_size=30)
MODELS = ("hr", "p", "naive", "naive_p", "se_ratio", "hr_least", "hr_greatest")


@given(VALUES, st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]))
def test_quantiles_lie_on_the_line_between_two_values(values: list[float], share: float) -> None:
    assert quantile(values, share) == pytest.approx(float(np.quantile(values, share)), rel=1e-12)


def test_ranks_by_hand() -> None:
    # Of three pairs one is turned round, (2, 3) against (3, 1): tau is (2 - 1) / 3.
    assert tau_b([1, 2, 3], [1, 3, 2], [1, 1, 1]) == (pytest.approx(1 / 3), 1)
    assert tau_b([1, 2], [2, 1], [3, 4]) == (pytest.approx(-1), 12)
    assert tau_b([1, 1], [2, 1], [3, 4]) == (None, 0)
    assert tau_b([1, 1 + 1e-12], [2, 1], [1, 1])[0] is None


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=2, max_size=20))
def test_tau_is_scipys(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    tau, _ = tau_b(first, second, [1] * len(pairs))
    if tau is not None:
        assert tau == pytest.approx(float(kendalltau(first, second).statistic), abs=1e-12)


@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.booleans(), st.booleans(), st.booleans()),
        min_size=2,
        max_size=25,
    )
)
def test_many_splits_at_once_are_log_rank_tests(
    rows: list[tuple[int, bool, bool, bool]],
) -> None:
    months, events, *splits = (np.array(part) for part in zip(*rows, strict=True))
    if not events.any():
        return
    outcomes = Outcomes.of(months.astype(float), events)
    found, above = chi_squares(outcomes, np.array(splits, dtype=float))
    for split, chi_square, failed in zip(splits, found, above, strict=True):
        test = score_test(months.astype(float), events, split.astype(float))
        assert chi_square == pytest.approx(-1.0 if test is None else test.chi_square, abs=1e-9)
        assert failed == (split & events).sum()


def test_cuts_leave_enough_lesions_and_events_on_each_side() -> None:
    doses = [30.0, 30.0, 40.0, 40.0 * (1 + 1e-12), 50.0, 60.0]
    months, events = np.arange(1.0, 7), np.array([1, 1, 0, 1, 1, 0], dtype=bool)
    cuts, uppers = cuts_of(doses, Outcomes.of(months, events), 2, 1)
    assert [(cut.gy, int(cut.upper.sum()), cut.upper_events) for cut in cuts] == [
        (40.0, 4, 2),
        (50.0, 2, 1),
    ]
    assert uppers.shape == (2, 6)
    assert [c.gy for c in cuts_of(doses, Outcomes.of(months, events), 2, 2)[0]] == [40.0]
    assert cuts_of(doses, Outcomes.of(months, events), 4, 1)[0] == []
    assert cuts_of([50.0] * 6, Outcomes.of(months, events), 1, 1)[0] == []


@pytest.mark.parametrize("seed", range(5))
def test_every_number_but_those_of_models_is_the_first_engines(seed: int) -> None:
    cohort = ("small", "reconstructed-2022")[seed % 2]
    raw, tables = configuration_of(cohort), tables_of(cohort)
    raw["models"]["dose"]["cut_points"]["permutations"] = 49
    if seed > 1:
        shaken(raw, tables, seed)
    materials = materials_of(raw, tables, "dose_sensitivity")
    found = recompute(materials)
    records = materials.statistics["dose_sensitivity"]
    ours = [r for r in records if r["key"].rpartition(".")[2] not in MODELS]
    # Cuts have a p of their own; only a slope's and a hazard ratio's are a model's.
    ours += [r for r in records if r["key"].endswith((".search.p", ".logrank_p"))]
    materials.statistics["dose_sensitivity"][:] = ours
    assert disagreeing(compared(materials, "dose_sensitivity", found, 1e-12)) == {}


def test_a_cohort_without_doses_has_one_record_that_says_so() -> None:
    raw, tables = configuration_of("small"), tables_of("small")
    del raw["cohort"]["tables"]["courses"]["columns"]["fractions"]
    materials = materials_of(raw, tables, "dose_sensitivity")
    found = recompute(materials)
    assert disagreeing(compared(materials, "dose_sensitivity", found)) == {}
    assert found["dose_sensitivity.n"].value is None
