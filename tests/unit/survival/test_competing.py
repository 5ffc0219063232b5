"""Expected values from R 4.2.2, survival 3.5-3 and cmprsk 2.2-11."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from survival.datasets import load_mgus2, load_pbc, load_transplant

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.competing import (
    cause_specific,
    compare_with_complement,
    fine_gray,
    fit_cumulative_incidence,
    gray_test,
)
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier

EXACT = 1e-8


# R: m <- mgus2; t <- with(m, ifelse(pstat == 1, ptime, futime))
# R: s <- with(m, ifelse(pstat == 1, 1, 2 * death))
def mgus2() -> pd.DataFrame:
    data = pd.DataFrame(load_mgus2())
    malignant = data["pstat"] == 1
    return data.assign(
        t=data["ptime"].where(malignant, data["futime"]),
        s=np.where(malignant, 1, 2 * data["death"]),
    )


# --- cumulative incidence -----------------------------------------------------------------

# R: f <- survfit(Surv(t, factor(s, 0:2)) ~ 1, m, conf.type = transform)
# R: summary(f, times = c(12, 120, 360))
BANDS = {
    "log-log": (
        [0.00529731206955466, 0.05128167608489764, 0.09763167695186395],
        [0.0156691729432718, 0.0779330245959657, 0.1762530710295761],
    ),
    "log": (
        [0.00547289920754748, 0.05170090607592866, 0.09986749435243041],
        [0.0161493340026210, 0.0785385596594393, 0.1799100150669050],
    ),
    "plain": (
        [0.00431484751486006, 0.05040058989377225, 0.09459234670339114],
        [0.0144876711744394, 0.0770437461324536, 0.1734909419487724],
    ),
}


@pytest.mark.parametrize("transform", BANDS)
def test_incidence_of_malignancy_equals_r(transform: str) -> None:
    data = mgus2()
    curves = fit_cumulative_incidence(data["t"], data["s"], level=0.95, transform=transform)
    found = [curves.at(time) for time in (12, 120, 360)]
    assert [f.value for f in found] == pytest.approx(
        [0.00940125934464974, 0.06372216801311292, 0.13404164432608179], rel=EXACT
    )
    assert [f.standard_error for f in found] == pytest.approx(
        [0.00259515576301945, 0.00679684842396064, 0.02012756251332253], rel=EXACT
    )
    assert [f.low for f in found] == pytest.approx(BANDS[transform][0], rel=EXACT)
    assert [f.high for f in found] == pytest.approx(BANDS[transform][1], rel=EXACT)


def test_incidence_of_the_competing_event_equals_r() -> None:
    data = mgus2()
    curves = fit_cumulative_incidence(data["t"], data["s"], level=0.95)
    found = [curves.at(time, competing=True) for time in (12, 120, 360)]
    assert [f.value for f in found] == pytest.approx(
        [0.122185402813274, 0.531817704080208, 0.784208246832411], rel=EXACT
    )
    assert [f.standard_error for f in found] == pytest.approx(
        [0.00880608437085796, 0.01405964516203057, 0.02093346953570806], rel=EXACT
    )


# By hand: 8 at risk, an event of each kind at time 0
def test_events_at_time_0_and_ties_by_hand() -> None:
    curves = fit_cumulative_incidence(
        [0, 0, 1, 2, 3, 3, 4, 5], [1, 2, 1, 0, 1, 2, 0, 1], level=0.95
    )
    assert curves.times.tolist() == [0, 1, 2, 3, 4, 5]
    assert curves.value[:, 0] == pytest.approx([1 / 8, 2 / 8, 2 / 8, 13 / 32, 13 / 32, 23 / 32])
    assert curves.value[:, 1] == pytest.approx([1 / 8, 1 / 8, 1 / 8, 9 / 32, 9 / 32, 9 / 32])
    assert curves.at_risk.tolist() == [8, 6, 5, 4, 2, 1]
    assert curves.events.tolist() == [[1, 1], [1, 0], [0, 0], [1, 1], [0, 0], [1, 0]]
    assert curves.censored.tolist() == [0, 0, 1, 0, 1, 0]
    # nobody is left without an event, so that the curve is known for ever
    assert curves.at(99).value == pytest.approx(23 / 32)
    assert (curves.at(3).at_risk, curves.at(3).events, curves.at(99).at_risk) == (4, 3, 0)


def test_before_the_first_event_there_is_no_band() -> None:
    curves = fit_cumulative_incidence([1, 2, 3, 4], [0, 1, 2, 0], level=0.95)
    first = curves.at(0.5)
    assert (first.value, first.standard_error, first.low, first.high) == (0, 0, None, None)
    assert (first.at_risk, first.events) == (4, 0)
    plain = fit_cumulative_incidence([1, 2, 3, 4], [0, 1, 2, 0], level=0.95, transform="plain")
    assert (plain.at(0).low, plain.at(0).high) == (0, 0)


def test_nobody_followed_so_long_has_no_incidence() -> None:
    curves = fit_cumulative_incidence([1, 2, 3, 4], [0, 1, 2, 0], level=0.95)
    with pytest.raises(NotEstimable, match=r"^nobody was followed that long$"):
        curves.at(4.5)


observations = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=2, max_size=40
).filter(lambda rows: any(code == 1 for _, code in rows))


@given(observations)
def test_curves_rise_sum_to_one_and_stay_below_the_complement(
    rows: list[tuple[int, int]],
) -> None:
    time, code = np.array(rows).T
    curves = fit_cumulative_incidence(time, code, level=0.95)
    assert (np.diff(curves.value, axis=0) >= -1e-12).all()
    assert curves.value.sum(axis=1) + curves.event_free == pytest.approx(1)
    survival = fit_kaplan_meier(time, code, level=0.95)
    assert (curves.value[:, 0] <= 1 - survival.survival + 1e-12).all()
    defined = ~np.isnan(curves.lower)
    assert (curves.lower <= curves.value + 1e-12)[defined].all()
    assert (curves.upper >= curves.value - 1e-12)[defined].all()


@given(observations)
def test_without_competing_events_the_curve_is_the_complement(
    rows: list[tuple[int, int]],
) -> None:
    time, code = np.array(rows).T
    curves = fit_cumulative_incidence(time, code == 1, level=0.95)
    survival = fit_kaplan_meier(time, code == 1, level=0.95)
    assert curves.value[:, 0] == pytest.approx(1 - survival.survival)
    assert curves.value[:, 1].max() == 0


# R: summary(survfit(Surv(t, s == 1) ~ 1, m, conf.type = "log-log"), times = c(12, 120, 360))
def test_the_complement_of_kaplan_meier_stands_above_the_incidence() -> None:
    data = mgus2()
    found = compare_with_complement(data["t"], data["s"], times=[12, 120, 360], level=0.95)
    assert [each.complement for each in found] == pytest.approx(
        [0.0102821005351315, 0.0952216593504180, 0.4248369408973565], rel=EXACT
    )
    assert [each.low for each in found] == pytest.approx(
        [0.00598157984610903, 0.07666271010766923, 0.23558143533449327], rel=EXACT
    )
    assert [each.high for each in found] == pytest.approx(
        [0.0176469598461354, 0.1179784844451638, 0.6797904161170900], rel=EXACT
    )
    assert [each.difference for each in found] == pytest.approx(
        [each.complement - each.incidence.value for each in found]
    )
    assert found[-1].difference > 0.29


@pytest.mark.parametrize(
    ("time", "code", "reason"),
    [
        ([], [], "nobody was observed"),
        ([3], [1], "there is one observation only"),
        ([1, 2, 3], [0, 0, 0], "no event was observed"),
        ([1, 2, 3], [0, 2, 2], "no event was observed"),
        ([1, -2, 3], [0, 1, 2], "a time is negative"),
    ],
)
def test_why_there_is_no_incidence(time: list[float], code: list[int], reason: str) -> None:
    for statistic in (
        lambda: fit_cumulative_incidence(time, code, level=0.95),
        lambda: compare_with_complement(time, code, times=[1], level=0.95),
        lambda: gray_test(time, code, ["a", "b", "b"][: len(time)]),
    ):
        with pytest.raises(NotEstimable, match=f"^{reason}$"):
            statistic()


def test_another_transform_or_a_missing_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no transform 'logit'; accepted: log-log, log, plain"):
        fit_cumulative_incidence([1, 2], [1, 0], level=0.95, transform="logit")
    with pytest.raises(ValueError, match="a time or an event is missing"):
        fit_cumulative_incidence([1, np.nan], [1, 0], level=0.95)


# --- Gray's test --------------------------------------------------------------------------


# R: cuminc(m$t, m$s, m$sex)$Tests
def test_gray_of_two_groups_equals_cmprsk() -> None:
    data = mgus2()
    test = gray_test(data["t"], data["s"], data["sex"])
    assert test.statistic == pytest.approx(1.19450782507551, rel=1e-10)
    assert test.p == pytest.approx(0.274422156788004190, rel=1e-10)
    assert (test.degrees_of_freedom, test.groups) == (1, ("F", "M"))
    assert (test.n, test.events, test.competing) == (1384, 115, 860)
    other = gray_test(data["t"], data["s"], data["sex"], cause=2)
    assert other.statistic == pytest.approx(11.65125901212774, rel=1e-10)
    assert (other.events, other.competing) == (860, 115)


# R: p <- na.omit(pbc[c("time", "status", "stage")])
# R: cuminc(p$time, c(0, 2, 1)[p$status + 1], p$stage)$Tests
def test_gray_of_four_groups_equals_cmprsk() -> None:
    data = pd.DataFrame(load_pbc()).dropna(subset=["stage"])
    test = gray_test(data["time"], data["status"].map({0: 0, 1: 2, 2: 1}), data["stage"])
    assert test.statistic == pytest.approx(60.82941693276826, rel=1e-10)
    assert test.p == pytest.approx(3.90909526970518e-13, rel=1e-2)  # R: 1 - pchisq
    assert test.degrees_of_freedom == 3


# R: t <- transplant[transplant$futime > 0, ]
# R: cuminc(t$futime, as.character(t$event), t$abo, cencode = "censored")$Tests
def test_gray_with_two_competing_causes_equals_cmprsk() -> None:
    data = pd.DataFrame(load_transplant())
    data = data[data["futime"] > 0]
    code = data["event"].map({"censored": 0, "ltx": 1, "death": 2, "withdraw": 3})
    statistics = [
        gray_test(data["futime"], code, data["abo"], cause=cause).statistic for cause in (1, 2, 3)
    ]
    assert statistics == pytest.approx(
        [38.140565680203, 1.49994321942347, 5.87323167554188], rel=1e-10
    )


@pytest.mark.parametrize(
    ("code", "group", "reason"),
    [
        ([1, 1, 0, 2], ["a", "a", "a", "a"], "there is one group only"),
        ([1, 1, 0, 0], ["a", "a", "b", "b"], "no competing event was observed"),
        (
            [2, 0, 1, 1],
            ["a", "a", "b", "b"],
            "one group was never at risk beside another when an event happened",
        ),
    ],
)
def test_why_groups_are_not_compared(code: list[int], group: list[str], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        gray_test([1, 2, 3, 4], code, group)


def test_a_missing_group_is_refused() -> None:
    with pytest.raises(ValueError, match="a group is missing"):
        gray_test([1, 2, 3], [1, 2, 0], [1.0, np.nan, 2.0])


# --- regression ---------------------------------------------------------------------------


# R: d <- na.omit(m[c("t", "s", "age", "hgb", "dxyr")]); d$id <- seq_len(nrow(d))
# R: g <- finegray(Surv(t, factor(s, 0:2)) ~ ., d, etype = "1")
# R: f <- coxph(Surv(fgstart, fgstop, fgstatus) ~ age + hgb, g, weights = fgwt, cluster = id,
# R:   ties = ties, control = coxph.control(eps = 1e-14, iter.max = 100))
# R: coef(f); sqrt(diag(f$naive.var)); sqrt(diag(f$var)); f$wald.test
@pytest.mark.parametrize(
    ("ties", "coefficients", "naive", "robust", "wald"),
    [
        (
            "efron",
            [-0.01728804605659312, -0.02438656956053173],
            [0.00711965502511305, 0.04571513389041855],
            [0.00577707923665164, 0.04352857710014438],
            8.96510667350786,
        ),
        (
            "breslow",
            [-0.01728777167621371, -0.02439141601736037],
            [0.00711982145015366, 0.04571484690443635],
            [0.00577491967753910, 0.04351228989120021],
            8.97155300413295,
        ),
    ],
)
def test_fine_gray_equals_rs_finegray(
    ties: str, coefficients: list[float], naive: list[float], robust: list[float], wald: float
) -> None:
    data = mgus2()
    fit = fine_gray(data[["age", "hgb"]], data["t"], data["s"], level=0.95, ties=ties)
    assert [term.coefficient for term in fit.terms] == pytest.approx(coefficients, rel=EXACT)
    assert [term.standard_error for term in fit.terms] == pytest.approx(naive, rel=EXACT)
    assert [term.robust.standard_error for term in fit.terms if term.robust] == pytest.approx(
        robust, rel=EXACT
    )
    assert fit.robust_wald.statistic == pytest.approx(wald, rel=EXACT)
    assert (fit.n, fit.events, fit.competing, fit.dropped, fit.clusters) == (
        1371,
        114,
        855,
        13,
        None,
    )
    assert fit.events_per_variable == 57


# R: the same with cluster = dxyr and Efron's ties
def test_fine_gray_with_clusters_equals_r() -> None:
    data = mgus2()
    fit = fine_gray(data[["age", "hgb"]], data["t"], data["s"], level=0.95, cluster=data["dxyr"])
    assert [term.robust.standard_error for term in fit.terms if term.robust] == pytest.approx(
        [0.00569518738647283, 0.04609289300376199], rel=EXACT
    )
    assert fit.robust_wald.statistic == pytest.approx(10.220905546023944, rel=EXACT)
    assert fit.clusters == 34
    hgb = fit["hgb"].robust
    assert hgb is not None
    assert (hgb.low, hgb.high) == pytest.approx(
        tuple(
            np.exp(
                -0.02438656956053173 + np.array([-1, 1]) * 1.959963984540054 * 0.04609289300376199
            )
        )
    )


def test_without_censoring_weights_are_one_and_time_of_competing_events_does_not_matter() -> None:
    rng = np.random.default_rng(7)
    design = pd.DataFrame({"x": rng.normal(size=60)})
    time, code = rng.exponential(size=60), np.resize([1, 1, 2], 60)
    fit = fine_gray(design, time, code, level=0.95)
    # without censoring somebody with a competing event stays at risk for ever
    forever = np.where(code == 2, time.max() + 1, time)
    cox = fit_cox(design, forever, code == 1, level=0.95)
    assert fit["x"].coefficient == pytest.approx(cox["x"].coefficient, rel=EXACT)
    assert fit["x"].standard_error == pytest.approx(cox["x"].standard_error, rel=EXACT)


def test_a_cause_specific_model_censors_the_other_causes() -> None:
    data = mgus2()
    design = data[["age", "hgb"]]
    death = cause_specific(design, data["t"], data["s"], cause=2, level=0.95, ties="breslow")
    assert death == fit_cox(design, data["t"], data["s"] == 2, level=0.95, ties="breslow")
    assert death.events == 855


@pytest.mark.parametrize(
    ("x", "code", "reason"),
    [
        ([1, 0, 1, 0, 1, 0], [0, 0, 0, 2, 0, 0], "no event was observed"),
        ([1, 0, 1, 0, 1, 0], [1, 1, 1, 0, 0, 0], "no competing event was observed"),
        ([1, 1, 1, 1, 1, 1], [1, 2, 1, 1, 0, 0], "size has one level only"),
        (
            [1, 0, 1, 0, 1, 0],
            [1, 2, 1, 0, 0, 0],
            "one level of size has no event, so that the likelihood is monotone",
        ),
        ([np.nan] * 6, [1, 2, 1, 0, 0, 0], "nobody has every covariate recorded"),
        (
            [6, 5, 4, 3, 2, 1],
            [1, 1, 1, 2, 0, 0],
            "the fit does not converge: the partial likelihood has no unique finite maximum",
        ),
    ],
)
def test_why_there_is_no_fine_gray_model(x: list[float], code: list[int], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        fine_gray(
            pd.DataFrame({"x": x}), [1, 2, 3, 4, 5, 6], code, level=0.95, labels={"x": "size"}
        )


def test_collinear_few_events_few_clusters() -> None:
    data = mgus2().dropna(subset=["hgb"])
    design = data[["age", "hgb"]]
    with pytest.raises(NotEstimable, match=r"^the covariates are collinear$"):
        fine_gray(design.assign(twice=2 * data["age"]), data["t"], data["s"], level=0.95)
    with pytest.raises(NotEstimable, match=r"^there are not more clusters than covariates$"):
        fine_gray(design, data["t"], data["s"], level=0.95, cluster=data["sex"])
    rare = np.where(np.cumsum(data["s"] == 1) > 1, 0, data["s"])
    with pytest.raises(NotEstimable, match=r"^there are fewer events than covariates$"):
        fine_gray(design, data["t"], rare, level=0.95)
    with pytest.raises(ValueError, match="a cluster is missing"):
        fine_gray(design, data["t"], data["s"], level=0.95, cluster=[None] * len(data))
    with pytest.raises(ValueError, match="no Fine-Gray model with ties 'exact'; accepted: efron"):
        fine_gray(design, data["t"], data["s"], level=0.95, ties="exact")
