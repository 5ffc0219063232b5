"""Expected values from R 4.2.2, survival 3.5-3, coxph.control(eps = 1e-14, iter.max = 100)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from survival.datasets import load_veteran

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.counting_process import CoxRows, fit_rows
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.nonproportional import (
    Stratified,
    TimeVarying,
    log_time_effect,
    piecewise_effect,
    remedies,
    stratified_fit,
)

EXACT = 1e-8


def veteran() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    data = pd.DataFrame(load_veteran())
    return data[["karno", "age", "diagtime"]].astype(float), data["time"], data["status"]


# R: coxph(Surv(time, status) ~ age + diagtime + strata(cut(karno, c(-Inf, 50, 70, Inf))), veteran)
def test_stratified_by_a_cut_covariate_equals_r() -> None:
    found = stratified_fit(*veteran(), "karno", level=0.95, cuts=[70, 50])
    assert [term.name for term in found.model.terms] == ["age", "diagtime"]
    assert [term.coefficient for term in found.model.terms] == pytest.approx(
        [-0.001503605944910575, 0.000332165044575704], rel=EXACT
    )
    assert [term.standard_error for term in found.model.terms] == pytest.approx(
        [0.00945740272359105, 0.00855733446595581], rel=EXACT
    )
    assert found.model.log_likelihood == pytest.approx(-371.5715749072374, rel=1e-12)
    assert (found.cuts, found.model.strata) == ((50, 70), 3)


def test_levels_are_strata_where_nothing_is_cut_and_nest_in_those_there_are() -> None:
    design, time, event = veteran()
    data = load_veteran()
    design["trt"] = np.array(data["trt"], dtype=float)
    cells = np.array(data["celltype"])
    found = stratified_fit(design, time, event, "trt", level=0.95, strata=cells)
    both = [f"{cell} {arm}" for cell, arm in zip(cells, design["trt"], strict=True)]
    direct = fit_cox(design.drop(columns="trt"), time, event, level=0.95, strata=both)
    assert [term.coefficient for term in found.model.terms] == pytest.approx(
        [term.coefficient for term in direct.terms], rel=EXACT
    )
    assert found.model.strata == direct.strata == 8
    assert found.cuts == ()


def test_who_lacks_the_stratifying_value_is_left_out() -> None:
    design, time, event = veteran()
    design.loc[:4, "karno"] = np.nan
    assert stratified_fit(design, time, event, "karno", level=0.95, cuts=[60]).model.dropped == 5


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        (["karno"], "the model has no other covariate"),
        (["karno", "age"], "Karnofsky has too many values to stratify by and is not cut"),
    ],
)
def test_why_a_model_cannot_be_stratified(columns: list[str], reason: str) -> None:
    design, time, event = veteran()
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        stratified_fit(
            design[columns], time, event, "karno", level=0.95, labels={"karno": "Karnofsky"}
        )


# R: s <- survSplit(Surv(time, status) ~ ., veteran, cut = c(90, 180), episode = "g", id = "id")
# R: f <- coxph(Surv(tstart, time, status) ~ I(karno * (g == 1)) + I(karno * (g == 2)) +
# R:   I(karno * (g == 3)) + age + diagtime, s, cluster = id); 2 * (f$loglik[2] - <ph>$loglik[2])
# R: L <- rbind(c(-1, 1, 0, 0, 0), c(-1, 0, 1, 0, 0)); Wald's statistic of L with f$var
def test_a_piecewise_effect_equals_r() -> None:
    design, time, event = veteran()
    found = piecewise_effect(
        design, time, event, "karno", level=0.95, cuts=[90, 180], cluster=np.arange(137)
    )
    assert [term.coefficient for term in found.terms] == pytest.approx(
        [
            -0.04985618390550147,
            0.00785590563361049,
            -0.00908210396413807,
            -0.005497231796447598,
            -0.0006044249043389414,
        ],
        rel=EXACT,
    )
    assert [term.standard_error for term in found.terms] == pytest.approx(
        [
            0.006433579053873831,
            0.01277934016253347,
            0.01437123527039069,
            0.009098135109355825,
            0.007970180207808564,
        ],
        rel=EXACT,
    )
    robust = [term.robust.standard_error for term in found.terms if term.robust]
    assert robust == pytest.approx(
        [
            0.00617377143584889,
            0.01151508491856804,
            0.01306860937696926,
            0.00906584837488111,
            0.006139831124695546,
        ],
        rel=EXACT,
    )
    assert [(p.start, p.stop, p.events) for p in found.periods] == [
        (0, 90, 73),
        (90, 180, 30),
        (180, None, 25),
    ]
    assert [period.term for period in found.periods] == list(found.terms[:3])
    assert found.terms[2].name == "karno after 180"
    assert found.likelihood_ratio.statistic == pytest.approx(21.19346766903493, rel=EXACT)
    assert found.likelihood_ratio.degrees_of_freedom == 2
    assert found.robust_wald is not None
    assert found.robust_wald.statistic == pytest.approx(21.97105628237937, rel=EXACT)
    assert (found.n, found.events, found.dropped) == (137, 128, 0)


# R: coxph(Surv(time, status) ~ karno + age + diagtime + tt(karno), veteran,
# R:   tt = function(x, t, ...) x * log(t)); k <- c(1, 0, 0, log(90)); exp(k %*% coef -+ ...)
def test_an_effect_linear_in_log_time_equals_rs_tt() -> None:
    found = log_time_effect(*veteran(), "karno", level=0.95, times=[90])
    assert [term.coefficient for term in found.terms] == pytest.approx(
        [-0.0847838611149165, -0.003655040551532741, -0.000695316269341208, 0.0135646217575876],
        rel=EXACT,
    )
    assert [term.standard_error for term in found.terms] == pytest.approx(
        [0.01711043332579684, 0.009049845272217602, 0.008347729365516397, 0.004240779496578912],
        rel=EXACT,
    )
    assert found.likelihood_ratio.statistic == pytest.approx(11.0397357866118, rel=EXACT)
    ((at, term),) = found.at
    assert (at, found.terms[-1].name) == (90, "karno × log(time)")
    assert [term.hazard_ratio, term.low, term.high] == pytest.approx(
        [0.9765340645366203, 0.965006742642405, 0.9881990840698064], rel=EXACT
    )


# R: survSplit at every event time; coxph(... + I(karno * log(time)), cluster = id)$var
def test_the_robust_test_of_a_changing_effect_equals_r() -> None:
    found = log_time_effect(*veteran(), "karno", level=0.95, cluster=np.resize(np.arange(69), 137))
    assert found.robust_wald is not None
    assert found.robust_wald.statistic == pytest.approx(10.6452381933879, rel=EXACT)


# R: d <- survSplit(Surv(time, event) ~ ., data, cut = c(8, 10, 20, 24, 26)); d$t <- log(d$time)
# R: coxph(Surv(tstart, time, event) ~ age + I(age * t), d, cluster = patient), and ties = "breslow"
@pytest.mark.parametrize(
    ("ties", "naive", "robust"),
    [
        ("efron", [50.41705999263192, 23.04269197685364], [24.31329331553517, 10.58076729379209]),
        (
            "breslow",
            [39.19056569028029, 17.81348967151594],
            [15.329241216425304, 6.489033333564348],
        ),
    ],
)
def test_the_robust_error_of_a_steep_change_equals_r(
    ties: str, naive: list[float], robust: list[float]
) -> None:
    """Hazards of one risk set and the next are a hundred orders of magnitude apart."""
    age = [5.2, 6.7, 6.7, 6.7, 7.2, 6.2, 7.0, 6.8, 6.8, 6.8, 6.8, 6.8, 4.6]
    time = [20, 3, 3, 3, 8, 26, 29, 10, 10, 10, 24, 8, 8]
    event = [1, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 1, 0]
    patient = [0, 1, 1, 1, 2, 3, 4, 5, 5, 5, 6, 6, 7]
    design = pd.DataFrame({"age": age})
    found = log_time_effect(design, time, event, "age", level=0.95, ties=ties, cluster=patient)
    assert [term.standard_error for term in found.terms] == pytest.approx(naive, rel=1e-9)
    errors = [term.robust.standard_error for term in found.terms if term.robust]
    assert errors == pytest.approx(robust, rel=1e-9)


# As above, but age counts from 0 in its product with log time: the engine's robust error of the
# change is 22.5, and 28.9 when the last episodes, in which nobody fails, are left out.
def test_a_robust_error_without_digits_is_refused() -> None:
    start, stop = [0.0, 8, 10, 20, 24], [8.0, 10, 20, 24, 26]
    age = np.array([5.2, 7.2, 6.2, 7.0, 6.8, 6.8, 6.8, 6.8, 6.8, 4.6])
    time = np.array([20, 8, 26, 29, 10, 10, 10, 24, 8, 8])
    event = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0])
    at = [(i, k) for k in range(5) for i in np.flatnonzero(time >= stop[k])]
    who, when = (np.array(part) for part in zip(*at, strict=True))
    end = np.array(stop)[when]
    rows = CoxRows(
        pd.DataFrame({"age": age[who], "change": age[who] * np.log(end)}),
        end,
        (event[who] == 1) & (time[who] == end),
        "efron",
        start=np.array(start)[when],
        cluster=np.array([0, 2, 3, 4, 5, 5, 5, 6, 6, 7])[who],
    )
    with pytest.raises(NotEstimable, match=r"^rounding leaves the robust variance no"):
        fit_rows(rows, level=0.95)
    centred = rows.design.assign(change=(age[who] - 6.4) * np.log(end))
    robust = fit_rows(replace(rows, design=centred), level=0.95).terms()[1].robust
    assert robust is not None
    assert robust.standard_error == pytest.approx(10.58076729379209, rel=1e-8)


@pytest.mark.parametrize("far", [1e3, -1e5])
def test_where_a_covariate_counts_from_changes_no_effect(far: float) -> None:
    design, time, event = veteran()
    moved = design.assign(karno=design["karno"] + far)
    patient = np.resize(np.arange(69), 137)
    for effect, more in ((piecewise_effect, {"cuts": [90.0]}), (log_time_effect, {})):
        of = {"level": 0.95, "cluster": patient, **more}
        here, there = (effect(x, time, event, "karno", **of) for x in (design, moved))
        for one, other in zip(here.terms, there.terms, strict=True):
            assert other.coefficient == pytest.approx(one.coefficient, rel=1e-6)
            assert one.robust is not None
            assert other.robust is not None
            assert other.robust.standard_error == pytest.approx(one.robust.standard_error, rel=1e-6)


def test_the_proportional_effect_lies_between_those_of_the_periods() -> None:
    design, time, event = veteran()
    found = piecewise_effect(design, time, event, "karno", level=0.95, cuts=[90])
    proportional = fit_cox(design, time, event, level=0.95)
    early, late = (period.term.coefficient for period in found.periods)
    assert early < proportional["karno"].coefficient < late


def test_an_event_at_a_cut_belongs_to_the_period_that_ends_there_and_time_0_to_the_first() -> None:
    design = pd.DataFrame({"x": [0.0, 1, 2, 1, 0, 2, 1, 0]})
    found = piecewise_effect(
        design, [0, 1, 2, 2, 3, 4, 5, 6], np.ones(8), "x", level=0.95, cuts=[2]
    )
    assert [period.events for period in found.periods] == [4, 4]


@pytest.mark.parametrize(
    ("cuts", "reason"),
    [
        ([0.5], "no event was observed between 0 and 0.5"),
        ([100, 2000], "no event was observed after 2000"),
    ],
)
def test_a_period_without_event_is_named(cuts: list[float], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        piecewise_effect(*veteran(), "karno", level=0.95, cuts=cuts)


@pytest.mark.parametrize("alone", [0, 1])
def test_a_level_without_event_in_one_period_has_no_ratio_there(alone: int) -> None:
    """At 9 nobody else is at risk: an event there is compared with nothing."""
    design = pd.DataFrame({"x": [1.0, 1, 1, 0, 0, 0, 0, 1]})
    time = [1, 3, 6, 2, 4, 7, 8, 9]
    reason = "has no event after 5 while the other is still at risk"
    with pytest.raises(NotEstimable, match=f"^one level of the group {reason}$"):
        piecewise_effect(
            *(design, time, [1, 1, 0, 1, 1, 1, 1, alone], "x"),
            level=0.95,
            cuts=[5],
            labels={"x": "the group"},
        )


def test_levels_are_compared_within_their_stratum() -> None:
    design = pd.DataFrame({"x": [1.0, 0, 1, 0, 1, 0, 1, 0]})
    time, event, strata = [1, 2, 4, 3, 6, 7, 8, 9], [1, 1, 1, 1, 1, 0, 1, 1], [*"aaaaaabb"]
    # The event at 9 has nobody of the other level beside it.
    with pytest.raises(NotEstimable, match=r"^one level of x has no event after 5 while"):
        piecewise_effect(design, time, event, "x", level=0.95, cuts=[5], strata=strata)


def test_a_level_without_event_among_three_runs_away_by_itself() -> None:
    design = pd.DataFrame({"x": [1.0, 1, 1, 0, 0, 0, 0.5, 1]})
    time = [1, 3, 6, 2, 4, 7, 8, 9]
    with pytest.raises(NotEstimable, match=r"^the fit does not converge: the partial likelihood"):
        piecewise_effect(design, time, [1, 1, 0, 1, 1, 1, 0, 0], "x", level=0.95, cuts=[5])


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ([0, 2, 3, 4], "an event happened at time 0, whose logarithm is infinite"),
        ([2, 2, 3, 4], "all events happened at one time"),
    ],
)
def test_why_an_effect_is_not_estimable_in_log_time(time: list[float], reason: str) -> None:
    design = pd.DataFrame({"x": [1.0, 0, 2, 1]})
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        log_time_effect(design, time, [1, 1, 0, 0], "x", level=0.95)


def test_more_episodes_than_memory_carries_are_refused() -> None:
    rng = np.random.default_rng(5)
    design = pd.DataFrame({"x": rng.normal(size=3500)})
    time = rng.exponential(size=3500)  # 3500 * 3501 / 2 episodes
    reason = "follow-up would be split into more than 5 million episodes"
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        log_time_effect(design, time, np.ones(3500), "x", level=0.95)
    found = remedies(design, time, np.ones(3500), "x", level=0.95, time_cuts=(1.0,))
    assert found.log_time == reason
    assert not isinstance(found.piecewise, str)


def test_somebody_censored_at_time_0_takes_no_part() -> None:
    design, time, event = veteran()
    more = pd.concat([design, design.tail(1)], ignore_index=True)
    found = log_time_effect(more, [*time, 0], [*event, 0], "karno", level=0.95)
    alone = log_time_effect(design, time, event, "karno", level=0.95)
    assert found.terms[-1].coefficient == pytest.approx(alone.terms[-1].coefficient, rel=EXACT)


def test_remedies_give_results_or_reasons() -> None:
    found = remedies(*veteran(), "karno", level=0.95, time_cuts=[90, 2000], times=[90])
    assert found.stratified == "karno has too many values to stratify by and is not cut"
    assert found.piecewise == "no event was observed after 2000"
    assert isinstance(found.log_time, TimeVarying)
    found = remedies(*veteran(), "karno", level=0.95, time_cuts=[], value_cuts=[60])
    assert found.piecewise == "no cut of time is configured"
    assert isinstance(found.stratified, Stratified)


def test_cuts_and_times_lie_above_0() -> None:
    with pytest.raises(ValueError, match="no periods; accepted: one or more cuts above 0"):
        piecewise_effect(*veteran(), "karno", level=0.95, cuts=[0, 90])
    with pytest.raises(ValueError, match="accepted: times above 0"):
        log_time_effect(*veteran(), "karno", level=0.95, times=[0])
