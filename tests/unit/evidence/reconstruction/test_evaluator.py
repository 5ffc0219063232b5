"""The fast evaluator gives what the workflow's survival code and lifelines give."""

from __future__ import annotations

import lifelines
import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.evidence.reconstruction import evaluator as ev
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier
from sarcoma_sbrt.survival.logrank import (
    log_rank,
    observed_expected_hazard_ratio,
    peto_hazard_ratio,
)

BITS = 4
CLOSE = {"rel": 1e-8, "abs": 1e-8}


def drawn(seed, n=40, months=30):
    """Random records with many ties; late times are more often censored."""
    rng = np.random.default_rng(seed)
    time = rng.integers(1, months, n)
    event = (rng.random(n) < 0.65).astype(np.int64)
    return time, event, rng.integers(0, 1 << BITS, n)


def computed(rows, time, event, code, *, efron=True, covariates=()):
    """Results of fits given as (kind, bit, value, month, width)."""
    kinds = np.array([row[:4] for row in rows], dtype=np.int64).reshape(-1, 4)
    widths = np.array([row[4] for row in rows])
    slots = np.concatenate(([0], np.cumsum(widths)[:-1]))
    table = np.full((len(covariates), 4), -1, dtype=np.int64)
    for i, used in enumerate(covariates):
        table[i, : len(used)] = used
    fits = ev.Fits(*kinds.T.copy(), slots, efron, 1e-9, table, np.full(len(slots), 31))
    size = int(widths.sum())
    blank = [np.zeros(size) for _ in ev.Targets._fields]
    work, result = ev.workspace(len(time), BITS, fits), np.zeros(size)
    for _ in range(2):  # the second starts from the coefficients of the first
        ev.evaluate(
            time, event, code, fits, ev.Targets(*blank), work, result, -1, *(np.inf, np.inf)
        )
    return np.split(ev.printed(fits, result), np.cumsum(widths)[:-1])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("bit", "value"), [(-1, 0), (1, 0), (1, 1)])
def test_curves(seed, bit, value):
    time, event, code = drawn(seed, months=20)
    kept = np.ones(len(time), bool) if bit < 0 else (code >> bit) & 1 == value
    curve = fit_kaplan_meier(time[kept], event[kept], level=0.95)
    median = curve.median(limits="first_event")
    expected = [ev.UNDEFINED if x is None else x for x in (median.value, median.low, median.high)]
    rate, found = computed(
        [(ev.RATE, bit, value, 9, 1), (ev.MEDIAN, bit, value, 0, 3)], *drawn(seed, months=20)
    )
    assert rate[0] == pytest.approx(100 * curve.rate(9).value, **CLOSE)
    assert list(found) == expected


@pytest.mark.parametrize("seed", range(6))
def test_log_rank(seed):
    time, event, code = drawn(seed)
    test = log_rank(time, event, (code >> 2) & 1)
    peto, oe, p = computed(
        [(ev.PETO, 2, 0, 0, 4), (ev.OBSERVED_EXPECTED, 2, 0, 0, 4), (ev.LOGRANK_P, 2, 0, 0, 1)],
        *drawn(seed),
    )
    for found, ratio in (
        (peto, peto_hazard_ratio(test, of=1, level=0.95)),
        (oe, observed_expected_hazard_ratio(test, of=1, level=0.95)),
    ):
        expected = (ratio.value, ratio.low, ratio.high, test.p)
        assert tuple(found) == pytest.approx(expected, **CLOSE)
    assert p[0] == pytest.approx(test.p, **CLOSE)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("used", [(1,), (0, 2), (2, 0, 1), (0, 1, 2, 3)])
def test_cox(seed, ties, used):
    time, event, code = drawn(seed)
    design = pd.DataFrame({f"x{bit}": (code >> bit) & 1 for bit in used})
    expected = fit_cox(design, time, event, level=0.95, ties=ties)
    row = (
        (ev.COX, used[0], 0, 0, 4)
        if len(used) == 1
        else (ev.MULTIVARIABLE, -1, 0, 0, 4 * len(used))
    )
    covariates = () if len(used) == 1 else (used,)
    (found,) = computed([row], *drawn(seed), efron=ties == "efron", covariates=covariates)
    for term, four in zip(expected.terms, found.reshape(-1, 4), strict=True):
        expected_four = (term.hazard_ratio, term.low, term.high, term.p)
        assert tuple(four) == pytest.approx(expected_four, **CLOSE)


@pytest.mark.parametrize("n", [25, 40])
@pytest.mark.parametrize("seed", range(6))
def test_cox_of_lifelines(seed, n):
    time, event, code = drawn(seed, n)
    frame = pd.DataFrame({"t": time, "e": event, "a": code & 1, "b": (code >> 1) & 1})
    fit = lifelines.CoxPHFitter().fit(frame, "t", "e", fit_options={"precision": 1e-16})
    (found,) = computed([(ev.MULTIVARIABLE, -1, 0, 0, 8)], *drawn(seed, n), covariates=((0, 1),))
    columns = ["exp(coef)", "exp(coef) lower 95%", "exp(coef) upper 95%", "p"]
    assert found == pytest.approx(fit.summary[columns].to_numpy().ravel(), **CLOSE)


@pytest.mark.parametrize("n", [25, 40])
@pytest.mark.parametrize("seed", range(6))
def test_curves_and_log_rank_of_lifelines(seed, n):
    time, event, code = drawn(seed, n)
    ones = code & 1 == 1
    fit = lifelines.KaplanMeierFitter().fit(time[ones], event[ones])
    groups = (time[ones], time[~ones], event[ones], event[~ones])
    rates = [(ev.RATE, 0, 1, month, 1) for month in (6, 12, 24)]
    *found, tested = computed([*rates, (ev.LOGRANK_P, 0, 0, 0, 1)], *drawn(seed, n))
    expected = 100 * fit.survival_function_at_times([6, 12, 24]).to_numpy()
    assert np.concatenate(found) == pytest.approx(expected, **CLOSE)
    assert tested[0] == pytest.approx(logrank_test(*groups).p_value, **CLOSE)


def test_follow_up():
    (found,) = computed(
        [(ev.FOLLOW_UP, -1, 0, 0, 3)], np.array([9, 2, 30, 4]), np.ones(4, int), np.zeros(4, int)
    )
    assert list(found) == [6.5, 2, 30]


def test_a_ratio_that_runs_away_is_undefined():
    time, event = np.arange(1, 9), np.array([1, 1, 1, 1, 0, 0, 0, 0])
    code = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    one, both = computed(
        [(ev.COX, 0, 0, 0, 4), (ev.MULTIVARIABLE, -1, 0, 0, 8)],
        time,
        event,
        code,
        covariates=((0, 1),),
    )
    assert set(one) == set(both) == {ev.UNDEFINED}
    with pytest.raises(NotEstimable):
        fit_cox(pd.DataFrame({"x": code}), time, event, level=0.95)


def test_loss_counts_what_prints_otherwise_and_stops_at_its_limit():
    time, event, code = drawn(1)
    where = np.array([[ev.RATE], [-1], [0], [9], [0]])
    fits = ev.Fits(*where, True, 1e-9, np.full((0, 4), -1), np.array([0]))
    rate = 100 * fit_kaplan_meier(time, event, level=0.95).rate(9).value
    work, result = ev.workspace(len(time), BITS, fits), np.zeros(1)

    def loss(printed, limit=np.inf, likely=np.inf):
        bounds = printed - 0.05, printed + 0.05, printed - 1, printed + 1
        given = [np.array([x]) for x in (2.0, *bounds, 1.0, 0.1, 0.3, 0.4)]
        return ev.evaluate(
            time, event, code, fits, ev.Targets(*given), work, result, -1, limit, likely
        )

    assert loss(rate + 0.04) == 0
    assert loss(rate + 0.15) == pytest.approx(2 * (0.1 * 0.1 + 0.3 * 0.4))
    assert loss(rate - 1.2) == pytest.approx(2 * (0.1 * 1.15 + 0.3 + 0.4 * 4 * 0.2))
    assert loss(rate - 9) == pytest.approx(2 * (0.1 * 8.95 + 0.3 + 0.4))
    whole = loss(rate - 9)
    assert loss(rate - 9, limit=whole - 0.1) == loss(rate - 9, likely=whole - 0.1) == np.inf
    assert loss(rate - 9, limit=whole + 0.1, likely=whole + 0.1) == whole


def test_more_records_than_the_packed_counts_hold_are_refused():
    fits = ev.Fits(*np.zeros((5, 1), int), True, 1e-9, np.full((0, 4), -1), np.zeros(1, int))
    with pytest.raises(ValueError, match="4096 records with 2 covariates: 4095 and 5 at most"):
        ev.workspace(4096, 2, fits)
