"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each.

In R: lung$m <- lung$time / 30.4375; lung$d <- lung$status == 2; lung$female <- lung$sex == 2
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.reporting.survival_statistics import (
    covariate_columns,
    curves,
    design_for,
    endpoint_columns,
    ordered_codes,
    stratum_names,
    survival_statistics,
    ticks,
)
from sarcoma_sbrt.settings import (
    Analysis,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
    cohort_settings,
    endpoint_settings,
)

ROOT = Path(__file__).parents[3]
SEX = Covariate(
    "sex",
    "Sex",
    "patients.sex",
    level=Level("Female", codes=("female",)),
    reference=Level("Male", codes=("male",)),
)
AGE = Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years")
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
LC = EndpointSettings(
    "lc",
    "Local control",
    "lesion",
    "first_course",
    "local_failure",
    "last_assessment",
    death="competing",
)
COLUMNS = ("patients.last_contact_day", "patients.vital_status")


def plan(**changes: Any) -> Analysis:
    usual: dict[str, Any] = {
        "confidence_level": 0.95,
        "alpha": 0.05,
        "transform": "log-log",
        "landmarks_months": (12.0, 24.0, 36.0),
        "ties": "efron",
        "seed": 1,
        "trees": 50,
        "min_samples_leaf": 3,
        "permutation_repeats": 5,
        "covariates": {"sex": SEX, "age": AGE},
        "endpoints": ("lc", "os"),
        "strata": {"os": ("sex",), "lc": ("sex",)},
        "univariable": {},
        "multivariable": {},
        "forest": {},
        "figures": {"os": ("overall", "sex"), "lc": ("overall",)},
        "comparison": Comparison((), ()),
        "left_out": {},
    }
    return Analysis(**(usual | changes))


def endpoint_table(time: Any, event: Any) -> pd.DataFrame:
    months = pd.array(np.asarray(time, dtype=float), dtype="Float64")
    return pd.DataFrame(
        {
            "patient_id": pd.array([f"p{i:03d}" for i in range(len(months))], dtype="string"),
            "time_months": months,
            "event": pd.array(np.asarray(event), dtype="Int64"),
        }
    )


def lung() -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_lung()
    design = pd.DataFrame({"sex": (data["sex"] == 2).astype(float)})
    return endpoint_table(data["time"] / 30.4375, data["status"]), design


def test_a_stratified_log_rank_test_compares_within_the_other_covariates_groups() -> None:
    # R: lung$active <- lung$ph.ecog >= 1
    #    survdiff(Surv(time, status) ~ sex + strata(active), lung)   # 227 rows
    table, design = lung()
    ecog = load_lung()["ph.ecog"]
    design["active"] = (ecog >= 1).astype(float).where(ecog.notna())
    active = replace(SEX, name="active", label="Performance", column="lesions.size_mm")
    analysis = plan(
        covariates={"sex": SEX, "active": active},
        strata={"os": ("sex", "active")},
        stratified_by={"os": ("active",)},
        figures={},
    )
    records = {r.key: r for r in survival_statistics(OS, table, design, analysis, COLUMNS)}
    found = records["os.sex.logrank_stratified.chi_square"]
    assert found.value == pytest.approx(10.6040816546846, rel=1e-12)
    assert found.p == pytest.approx(0.00112838288007672, rel=1e-11)
    assert (found.n, found.method) == (227, "log-rank, stratified by Performance")
    assert found.columns == (*COLUMNS, "patients.sex", "lesions.size_mm")
    assert found.rows["where"] == {"sex": [0, 1], "active": [0, 1]}
    assert "os.active.logrank_stratified.p" not in records


@pytest.fixture(scope="module")
def found() -> dict[str, Statistic]:
    table, design = lung()
    records = survival_statistics(OS, table, design, plan(), COLUMNS)
    to_json("kaplan_meier", records)  # refuses a key that stands twice
    return {record.key: record for record in records}


def test_every_key_of_an_endpoint_is_there(found: dict[str, Statistic]) -> None:
    quantities = ["n", "events", "median", "rate_12m", "rate_24m", "rate_36m"]
    quantities += ["quartile_1", "quartile_3", "rmst", "rmst_se", "rmst_horizon"]
    quantities += [f"at_risk_{m}m" for m in (0, 12, 24, 36)]
    expected = {f"os.{p}{q}" for p in ("", "sex_level.", "sex_reference.") for q in quantities}
    expected |= {"os.follow_up_median", "os.time_median", "os.time_min", "os.time_max"}
    tests = ("chi_square", "df", "p", "peto", "observed_expected")
    expected |= {f"os.sex.logrank.{name}" for name in tests}
    assert set(found) == expected


# R: summary(survfit(Surv(m, d) ~ 1, lung, conf.type = "log-log"))$table
#    summary(survfit(Surv(m, d) ~ female, lung, conf.type = "log-log"))$table
#    summary(survfit(Surv(m, !d) ~ 1, lung, conf.type = "log-log"))$table
@pytest.mark.parametrize(
    ("key", "value", "low", "high"),
    [
        ("os.median", 10.1848049281314, 9.3305954825462, 11.8603696098563),
        ("os.sex_level.median", 13.9958932238193, 11.3347022587269, 17.2156057494867),
        ("os.sex_reference.median", 8.87063655030801, 6.8993839835729, 10.0533880903491),
        ("os.follow_up_median", 19.3182751540041, 16.7885010266940, 26.9733059548255),
    ],
)
def test_medians_equal_those_of_r(
    found: dict[str, Statistic], key: str, value: float, low: float, high: float
) -> None:
    record = found[key]
    assert record.ci is not None
    assert record.ci.method == "where the log-log band crosses one half"
    assert [record.value, record.ci.low, record.ci.high] == pytest.approx(
        [value, low, high], rel=1e-13
    )


# R: summary(survfit(Surv(m, d) ~ 1 (or female), lung, conf.type = "log-log"), times = c(12, 24))
@pytest.mark.parametrize(
    ("key", "value", "low", "high", "at_risk"),
    [
        ("os.rate_12m", 0.409241624460064, 0.3387142690883233, 0.478380767646914, 65),
        ("os.rate_24m", 0.115693098344539, 0.0676321514888291, 0.177825199700288, 13),
        (
            "os.sex_reference.rate_12m",
            0.3360878346393786,
            0.2527291433279733,
            0.421302168222719,
            35,
        ),
        ("os.sex_level.rate_24m", 0.1872324979050559, 0.0846596532272596, 0.320832676867241, 6),
    ],
)
def test_rates_equal_those_of_r_in_percent(
    found: dict[str, Statistic], key: str, value: float, low: float, high: float, at_risk: int
) -> None:
    record = found[key]
    assert record.ci is not None
    assert [record.value, record.ci.low, record.ci.high] == pytest.approx(
        [100 * value, 100 * low, 100 * high], rel=1e-12
    )
    assert (record.unit, record.n) == ("percent", at_risk)
    assert found[key.replace("rate", "at_risk")].value == at_risk


def test_events_of_a_rate_are_those_up_to_its_time(found: dict[str, Statistic]) -> None:
    # R: cumsum(summary(survfit(Surv(m, d) ~ 1, lung), times = c(12, 24), extend = TRUE)$n.event)
    assert [found[f"os.rate_{m}m"].events for m in (12, 24)] == [121, 159]


def test_a_landmark_beyond_the_last_time_is_not_estimable(found: dict[str, Statistic]) -> None:
    record = found["os.rate_36m"]
    assert (record.status, record.reason, record.n) == (
        "not_estimable",
        "nobody was followed that long",
        0,
    )
    assert found["os.at_risk_36m"].value == 0


# R: survdiff(Surv(m, d) ~ female, lung)
def test_log_rank_equals_that_of_r(found: dict[str, Statistic]) -> None:
    assert found["os.sex.logrank.chi_square"].value == pytest.approx(10.3267419548856, rel=1e-10)
    assert found["os.sex.logrank.p"].value == pytest.approx(0.00131116452035549, rel=1e-10)
    assert found["os.sex.logrank.p"].p == found["os.sex.logrank.p"].value
    assert (found["os.sex.logrank.p"].n, found["os.sex.logrank.p"].events) == (228, 165)


# R: quantile(survfit(Surv(m, d) ~ 1 (or female), lung, conf.type = "log-log"), c(.25, .75))
@pytest.mark.parametrize(
    ("key", "value", "low", "high"),
    [
        ("os.quartile_1", 5.585215605749487, 4.731006160164271, 6.373716632443532),
        ("os.quartile_3", 18.069815195071868, 15.014373716632443, 21.125256673511295),
        ("os.sex_reference.quartile_1", 4.731006160164271, 3.4496919917864477, 5.782340862422998),
        ("os.sex_level.quartile_1", 7.425051334702259, 5.486652977412731, 10.184804928131417),
        ("os.sex_level.quartile_3", 22.570841889117045, 17.215605749486652, 25.13347022587269),
    ],
)
def test_quartiles_equal_those_of_r(
    found: dict[str, Statistic], key: str, value: float, low: float, high: float
) -> None:
    record = found[key]
    assert record.ci is not None
    assert [record.value, record.ci.low, record.ci.high] == pytest.approx(
        [value, low, high], rel=1e-13
    )
    height = "three quarters" if key.endswith("1") else "one quarter"
    assert record.ci.method == f"where the log-log band crosses {height}"


# R: tapply(lung$m, lung$female, max)  # 33.6 and 31.7: of 12, 24 and 36 months 24 is the last
#    summary(survfit(Surv(m, d) ~ female, lung), rmean = 24)$table
def test_restricted_means_equal_those_of_r_up_to_the_last_landmark_of_both_groups(
    found: dict[str, Statistic],
) -> None:
    for group, mean, error in (
        ("sex_level", 14.284971639444697, 0.89575791376590796),
        ("sex_reference", 10.222811595717145, 0.63439604084405254),
    ):
        record = found[f"os.{group}.rmst"]
        assert record.value == pytest.approx(mean, rel=1e-10)
        assert found[f"os.{group}.rmst_se"].value == pytest.approx(error, rel=1e-10)
        assert found[f"os.{group}.rmst_horizon"].value == 24
        assert record.ci is not None
        assert record.ci.low == pytest.approx(mean - 1.959963984540054 * error)
    assert found["os.rmst_horizon"].value == 24


def test_a_group_that_reaches_no_landmark_has_no_restricted_mean() -> None:
    table, design = lung()
    late = plan(landmarks_months=(33.0,))  # one group of two reaches it, and so do all
    made = {s.key: s for s in survival_statistics(OS, table, design, late, COLUMNS)}
    assert made["os.rmst_horizon"].value == 33
    for group in ("sex_level", "sex_reference"):
        record = made[f"os.{group}.rmst"]
        assert record.status == "not_estimable"
        assert record.reason == "a group was not followed to any landmark"


def test_a_restricted_mean_goes_as_far_as_the_plan_says() -> None:
    table, design = lung()
    given, beyond = (
        {s.key: s for s in survival_statistics(OS, table, design, plan(rmst_months=m), COLUMNS)}
        for m in (12.0, 36.0)
    )
    # R: summary(survfit(Surv(m, d) ~ 1, lung), rmean = 12)$table
    assert given["os.rmst"].value == pytest.approx(8.65130765956867798, rel=1e-10)
    assert given["os.sex_level.rmst_horizon"].value == 12
    for name in ("rmst", "rmst_se", "rmst_horizon"):
        assert beyond[f"os.{name}"].reason == "nobody was followed that long"


# R: s <- survdiff(Surv(m, d) ~ female, lung); O <- s$obs; E <- s$exp; V <- s$var[2, 2]
#    z <- qnorm(.975); exp((O[2] - E[2]) / V + c(0, -1, 1) * z / sqrt(V))
#    exp(log((O[2] / E[2]) / (O[1] / E[1])) + c(0, -1, 1) * z * sqrt(sum(1 / E)))
@pytest.mark.parametrize(
    ("name", "expected", "method"),
    [
        (
            "peto",
            (0.60304701790742776, 0.44298084863367521, 0.82095130507047331),
            "log-rank, Peto's one-step hazard ratio",
        ),
        (
            "observed_expected",
            (0.59028621281029559, 0.43423053248064564, 0.80242587052409076),
            "log-rank, ratio of observed to expected events",
        ),
    ],
)
def test_hazard_ratios_of_the_log_rank_counts_equal_those_of_r(
    found: dict[str, Statistic], name: str, expected: tuple[float, ...], method: str
) -> None:
    record = found[f"os.sex.logrank.{name}"]
    assert record.ci is not None
    assert (record.value, record.ci.low, record.ci.high) == pytest.approx(expected, rel=1e-10)
    assert (record.unit, record.method) == ("hazard ratio", method)
    assert found["os.sex.logrank.df"].value == 1


def test_a_group_without_an_event_has_petos_ratio_and_no_other() -> None:
    table = endpoint_table([1, 2, 3, 4, 5, 6], [1, 1, 0, 0, 0, 0])
    design = pd.DataFrame({"sex": [0.0, 0, 0, 1, 1, 1]})
    found = {s.key: s for s in survival_statistics(OS, table, design, plan(), COLUMNS)}
    assert found["os.sex.logrank.peto"].status == "estimated"
    assert found["os.sex.logrank.observed_expected"].reason == "one group has no event"


# --- the rules of the plan ----------------------------------------------------------------


def test_the_transforms_are_rs_and_say_so() -> None:
    table, design = lung()
    # R: summary(survfit(Surv(m, d) ~ 1, lung, conf.type = "log" (or "plain")), times = 12)
    for transform, low, high, band, crosses in (
        (
            "log",
            34.472158179582657,
            48.583760354728092,
            "log transform of Greenwood's variance",
            "log",
        ),
        (
            "plain",
            33.902858384767612,
            47.945466507245271,
            "Greenwood's variance, untransformed",
            "untransformed",
        ),
    ):
        analysis = plan(transform=transform)
        found = {s.key: s for s in survival_statistics(OS, table, design, analysis, COLUMNS)}
        rate, median = found["os.rate_12m"], found["os.median"]
        assert rate.ci is not None
        assert median.ci is not None
        assert (rate.ci.low, rate.ci.high) == pytest.approx((low, high), rel=1e-12)
        assert rate.ci.method == band
        assert median.ci.method == f"where the {crosses} band crosses one half"


# Half of four die at 2; the next at 5: the curve is one half from 2 to 5.
HALVES = endpoint_table([1, 2, 5, 8], [1, 1, 1, 1])


def test_a_median_where_the_curve_is_one_half_for_a_while() -> None:
    design = pd.DataFrame({"sex": [1.0, 0, 1, 0]})
    first, midpoint = (
        {s.key: s for s in survival_statistics(OS, HALVES, design, plan(**rule), COLUMNS)}
        for rule in ({}, {"median_at_half": "midpoint"})
    )
    assert (first["os.median"].value, first["os.median"].method) == (2, "Kaplan-Meier")
    # R: survfit(Surv(c(1, 2, 5, 8)) ~ 1) prints 3.5
    assert midpoint["os.median"].value == 3.5
    assert midpoint["os.median"].method == "Kaplan-Meier, middle of a stretch at one half"
    # The fall that ends the stretch decides, before which two are at risk.
    assert first["os.median"].population["at_risk"]["value"] == 3
    assert midpoint["os.median"].population["at_risk"]["value"] == 2
    assert midpoint["os.quartile_1"].value == 1.5
    assert midpoint["os.quartile_3"].method == "Kaplan-Meier, middle of a stretch at one quarter"


def test_an_upper_limit_that_is_not_reached_may_be_the_last_event_time() -> None:
    design = pd.DataFrame({"sex": [1.0, 0, 1, 0]})
    analysis = plan(median_ci="first_event")
    found = {s.key: s for s in survival_statistics(OS, HALVES, design, analysis, COLUMNS)}
    ci = found["os.quartile_3"].ci
    assert ci is not None
    assert ci.high == 8
    assert found["os.quartile_3"].population["at_risk"]["high"] == 1
    assert ci.method == (
        "where the log-log band crosses one quarter, an upper limit that it does not reach as the "
        "last event time"
    )


def test_times_of_a_curve_say_how_many_were_at_risk_just_before(
    found: dict[str, Statistic],
) -> None:
    table, design = lung()
    women = table.loc[design["sex"] == 1, "time_months"]
    for key in ("median", "quartile_1", "quartile_3"):
        record = found[f"os.sex_level.{key}"]
        assert record.value is not None
        assert record.ci is not None
        times = {"value": record.value, "low": record.ci.low, "high": record.ci.high}
        expected = {name: int((women >= time).sum()) for name, time in times.items() if time}
        assert record.population["at_risk"] == expected
    horizon = found["os.sex_level.rmst_horizon"]
    left = int((women >= horizon.value).sum())
    assert set(found["os.sex_level.rmst"].population["at_risk"].values()) == {left}
    assert found["os.sex_level.rmst_se"].population["at_risk"]["value"] == left
    assert "at_risk" not in horizon.population


def test_follow_up_says_how_many_were_at_risk_of_its_end(found: dict[str, Statistic]) -> None:
    table, _ = lung()
    median = found["os.follow_up_median"]
    expected = int((table["time_months"] >= median.value).sum())
    assert median.population["at_risk"]["value"] == expected


def test_a_quartile_that_is_not_reached_says_where_the_curve_stays() -> None:
    found = local_control()
    assert found["lc.quartile_3"].reason == "the curve stays above one quarter"
    assert found["lc.quartile_1"].value == 6.0


# --- ordered groups -----------------------------------------------------------------------

GRADE = Covariate("grade", "Grade", "patients.grade", level=Level("G1", codes=("G1",)))


def graded() -> tuple[pd.DataFrame, pd.DataFrame, Analysis]:
    """Lung's patients with their ECOG scores of 0, 1 and 2 called G1, G2 and G3."""
    data = load_lung()
    known = data["ph.ecog"].isin([0, 1, 2])
    data = data[known].reset_index(drop=True)
    table = endpoint_table(data["time"] / 30.4375, data["status"])
    grade = data["ph.ecog"].map({0.0: "G1", 1.0: "G2", 2.0: "G3"})
    frame = pd.DataFrame({"patient_id": table["patient_id"], "patients.grade": grade})
    analysis = plan(covariates={"grade": GRADE}, strata={"os": ("grade",)}, figures={})
    return table, frame, analysis


def ordered(table: pd.DataFrame, frame: pd.DataFrame, analysis: Analysis) -> dict[str, Statistic]:
    names = ("grade",)
    design = design_for(table, frame, analysis.covariates, names)
    codes = ordered_codes(table, frame, analysis.covariates, names)
    records = survival_statistics(OS, table, design, analysis, COLUMNS, codes)
    return {record.key: record for record in records}


def test_trend_and_pairs_equal_those_of_r() -> None:
    found = ordered(*graded())
    # R: l <- subset(lung, ph.ecog %in% 0:2); s <- survdiff(Surv(m, d) ~ ph.ecog, l); w <- 0:2
    #    sum(w * (s$obs - s$exp))^2 / drop(w %*% s$var %*% w)
    assert found["os.grade.trend.chi_square"].value == pytest.approx(16.446543227188954, rel=1e-9)
    assert found["os.grade.trend.p"].value == pytest.approx(5.0041346146144331e-05, rel=1e-9)
    assert (found["os.grade.trend.df"].value, found["os.grade.trend.p"].n) == (1, 226)
    # R: p <- combn(0:2, 2, \(k) survdiff(Surv(m, d) ~ ph.ecog, l, ph.ecog %in% k)$pvalue)
    #    p.adjust(p, "holm")
    for pair, p, adjusted in (
        ("G1_G2", 0.06299094905125772, 0.06299094905125772),
        ("G1_G3", 4.419074022433362e-05, 1.3257222067300086e-04),
        ("G2_G3", 0.00368381485776988907, 0.00736762971553977814),
    ):
        key = f"os.grade.pair.{pair}"
        assert found[f"{key}.p"].value == pytest.approx(p, rel=1e-9)
        assert found[f"{key}.p_holm"].value == pytest.approx(adjusted, rel=1e-9)
    assert found["os.grade.pair.G1_G3.p"].n == 113
    assert found["os.grade.trend.p"].rows["where"] == {"grade": ["G1", "G2", "G3"]}


@pytest.mark.parametrize("end", ["chi_square", "df", "p", "p_holm"])
@pytest.mark.parametrize("pair", [("G1", "G2"), ("G1", "G3"), ("G2", "G3")])
def test_a_pair_is_of_its_two_codes_and_its_adjusted_p_rests_on_all(
    pair: tuple[str, str], end: str
) -> None:
    table, frame, analysis = graded()
    record = ordered(table, frame, analysis)[f"os.grade.pair.{'_'.join(pair)}.{end}"]
    own = frame["patients.grade"].isin(pair).to_numpy()
    assert record.population["filter"] == {"grade": list(pair)}
    assert (record.n, record.events) == (own.sum(), (table["event"] == 1)[own].sum())
    every = ["G1", "G2", "G3"] if end == "p_holm" else list(pair)
    assert record.rows["where"] == {"grade": every}


def test_what_tells_the_codes_of_one_group_apart_says_so() -> None:
    table, frame, analysis = graded()

    def marked(reference: Level) -> list[bool]:
        grade = replace(analysis.covariates["grade"], reference=reference)
        found = ordered(table, frame, replace(analysis, covariates={"grade": grade}))
        tests = [s for key, s in found.items() if ".trend." in key or ".pair." in key]
        return ["derived.grade_within_group" in s.columns for s in tests]

    assert marked(Level("G2 and G3", codes=("G2", "G3"))) == [True] * 15
    assert marked(Level("G3", codes=("G3",))) == [False] * 15


def test_two_codes_have_no_trend() -> None:
    table, frame, analysis = graded()
    frame["patients.grade"] = frame["patients.grade"].replace("G3", "G2")
    assert not [key for key in ordered(table, frame, analysis) if "trend" in key or "pair" in key]


def test_a_pair_that_cannot_be_compared_says_why() -> None:
    table = endpoint_table([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0])
    grades = ["G1", "G1", "G1", "G2", "G2", "G3"]
    frame = pd.DataFrame({"patient_id": table["patient_id"], "patients.grade": grades})
    found = ordered(table, frame, graded()[2])
    for name in ("chi_square", "df", "p", "p_holm"):
        assert found[f"os.grade.pair.G2_G3.{name}"].reason == "no event was observed"
    assert found["os.grade.pair.G2_G3.p"].n == 3
    assert found["os.grade.pair.G1_G2.p_holm"].status == "estimated"


def test_only_columns_whose_codes_have_an_order_are_ordered() -> None:
    table, frame, _ = graded()
    twice = {"grade": GRADE, "grade_high": GRADE, "sex": SEX}
    codes = ordered_codes(table, frame.assign(**{"patients.sex": "male"}), twice, tuple(twice))
    assert list(codes) == ["grade"]


def test_counts_and_observed_times(found: dict[str, Statistic]) -> None:
    assert [found[f"os.{q}"].value for q in ("n", "events")] == [228, 165]
    assert [found[f"os.sex_level.{q}"].value for q in ("n", "events")] == [90, 53]
    assert [found[f"os.sex_reference.{q}"].value for q in ("n", "events")] == [138, 112]
    # R: range(lung$m)
    assert found["os.time_min"].value == pytest.approx(0.164271047227926, rel=1e-13)
    assert found["os.time_max"].value == pytest.approx(33.577002053388092, rel=1e-13)


def test_a_record_says_what_it_rests_on(found: dict[str, Statistic]) -> None:
    overall, level, test = (
        found[k] for k in ("os.median", "os.sex_level.median", "os.sex.logrank.p")
    )
    assert overall.columns == COLUMNS
    assert level.columns == test.columns == (*COLUMNS, "patients.sex")
    assert overall.rows == {"table": "endpoints/os", "where": {}}
    assert level.rows == {"table": "endpoints/os", "where": {"sex": 1}}
    assert test.rows == {"table": "endpoints/os", "where": {"sex": [0, 1]}}
    assert test.population == {"table": "endpoints/os", "filter": {"sex": [0, 1]}}
    about = {"table": "endpoints/os", "filter": {"sex": 1}}
    assert {k: level.population[k] for k in about} == about
    assert level.joint
    assert overall.method == "Kaplan-Meier"


# Six lesions: two fail, two patients die, two are controlled; the sex of one is not known.
LESIONS = endpoint_table([3, 6, 6, 9, 12, 15], [1, 2, 1, 2, 0, 0])
SEXES = pd.DataFrame({"sex": [1.0, 0.0, 0.0, np.nan, 1.0, 0.0]})


def local_control() -> dict[str, Statistic]:
    records = survival_statistics(LC, LESIONS, SEXES, plan(), COLUMNS)
    return {record.key: record for record in records}


def test_a_competing_death_is_counted_and_censored() -> None:
    found = local_control()
    assert [found[f"lc.{q}"].value for q in ("n", "events", "competing")] == [6, 2, 2]
    # 5/6 at three months, 4/5 of it at six; the deaths leave without a step.
    assert found["lc.rate_12m"].value == pytest.approx(100 * 5 / 6 * 4 / 5)
    assert found["lc.rate_12m"].method == "Kaplan-Meier, competing events censored"
    assert found["lc.sex.logrank.p"].method == "log-rank, competing events censored"


def test_whose_covariate_is_missing_is_in_no_group_and_not_in_the_test() -> None:
    found = local_control()
    assert found["lc.sex_level.n"].value == 2
    assert found["lc.sex_reference.n"].value == 3
    assert found["lc.sex.logrank.p"].n == 5


def test_a_competing_death_does_not_end_follow_up() -> None:
    # The reverse curve steps at 12 (1 of 2) and 15 (1 of 1).
    record = local_control()["lc.follow_up_median"]
    assert (record.value, record.method) == (12.0, "reverse Kaplan-Meier")


def test_a_median_that_is_not_reached_keeps_its_lower_limit() -> None:
    record = local_control()["lc.median"]
    assert (record.value, record.status) == (None, "not_reached")
    assert record.reason == "the curve stays above one half"
    # At three months the band is 27.3 % to 97.5 %.
    assert record.ci is not None
    assert (record.ci.low, record.ci.high) == (3.0, None)


def test_groups_have_numbers_at_risk_at_the_ticks_of_the_overall_curve() -> None:
    found = local_control()
    months = [0, 6, 12, 24, 36]  # half-yearly up to fifteen months, and the landmarks
    for prefix, expected in (
        ("lc", [6, 5, 2, 0, 0]),
        ("lc.sex_level", [2, 1, 1, 0, 0]),
        ("lc.sex_reference", [3, 3, 1, 0, 0]),
    ):
        assert [found[f"{prefix}.at_risk_{m}m"].value for m in months] == expected


def test_an_empty_group_has_counts_and_reasons() -> None:
    design = pd.DataFrame({"sex": np.zeros(6)})
    found = {s.key: s for s in survival_statistics(LC, LESIONS, design, plan(), COLUMNS)}
    assert found["lc.sex_level.n"].value == 0
    assert found["lc.sex_level.at_risk_12m"].value == 0
    assert found["lc.sex_level.median"].reason == "nobody is in this group"
    assert found["lc.sex_level.rate_12m"].reason == "nobody is in this group"
    assert found["lc.sex.logrank.p"].reason == "there is one group only"


def test_an_empty_endpoint_has_counts_and_reasons() -> None:
    table, design = LESIONS.iloc[:0], SEXES.iloc[:0]
    found = {s.key: s for s in survival_statistics(LC, table, design, plan(), COLUMNS)}
    assert found["lc.n"].value == found["lc.events"].value == 0
    for key in ("median", "rate_12m", "follow_up_median", "time_max", "sex.logrank.p"):
        assert found[f"lc.{key}"].status == "not_estimable"
    assert curves(LC, table, design, plan()).empty


def test_a_group_before_its_first_event_has_a_rate_without_a_band() -> None:
    table = endpoint_table([14, 20, 30], [0, 1, 0])
    design = pd.DataFrame({"sex": [1.0, 1.0, 0.0]})
    found = {s.key: s for s in survival_statistics(OS, table, design, plan(), COLUMNS)}
    record = found["os.rate_12m"]
    assert (record.value, record.ci, record.n, record.events) == (100.0, None, 3, 0)


def test_a_continuous_covariate_makes_no_groups() -> None:
    table, design = lung()
    analysis = plan(strata={"os": ("age",)})
    with pytest.raises(ValueError, match="os: age is continuous and makes no groups"):
        survival_statistics(OS, table, design.assign(age=6.0), analysis, COLUMNS)


def test_a_design_without_a_stratum_is_refused() -> None:
    table, _ = lung()
    with pytest.raises(ValueError, match="os: the design has no sex"):
        survival_statistics(OS, table, pd.DataFrame(index=table.index), plan(), COLUMNS)


# --- curves -------------------------------------------------------------------------------


def test_curves_of_the_figures_are_those_of_the_statistics(found: dict[str, Statistic]) -> None:
    table, design = lung()
    drawn = curves(OS, table, design, plan())
    assert list(drawn.columns) == [
        *("endpoint", "population", "time_months", "survival", "lower", "upper"),
        *("at_risk", "events", "censored"),
    ]
    assert drawn["population"].unique().tolist() == ["overall", "sex_level", "sex_reference"]
    for name, prefix in (("overall", "os"), ("sex_level", "os.sex_level")):
        one = drawn[drawn["population"] == name]
        assert one["time_months"].iloc[0] == 0
        assert one["survival"].iloc[0] == 1
        assert one["at_risk"].iloc[0] == found[f"{prefix}.n"].value
        assert one["events"].sum() == found[f"{prefix}.events"].value
        assert one["events"].sum() + one["censored"].sum() == found[f"{prefix}.n"].value
        before = one[one["time_months"] <= 12].iloc[-1]
        assert 100 * before["survival"] == found[f"{prefix}.rate_12m"].value


def test_an_empty_group_has_no_curve() -> None:
    drawn = curves(LC, LESIONS, pd.DataFrame({"sex": np.zeros(6)}), plan())
    assert drawn["population"].unique().tolist() == ["overall", "sex_reference"]


# --- what it depends on -------------------------------------------------------------------


def test_ticks() -> None:
    assert ticks(125) == (0, 12, 24, 36, 48, 60, 72, 84, 96, 108, 120)
    assert ticks(131.9)[-1] == 120
    assert ticks(132) == (0, 24, 48, 72, 96, 120)
    assert ticks(24) == (0, 12, 24)
    assert ticks(23.9) == (0, 6, 12, 18)
    assert ticks(3) == ticks(0) == (0,)


@given(st.floats(0, 1200))
def test_ticks_are_few_and_within(maximum: float) -> None:
    marks = ticks(maximum)
    assert len(marks) <= 11
    assert marks[0] == 0
    steps = set(np.diff(marks))
    assert len(steps) <= 1
    assert 0 <= maximum - marks[-1] < max(steps, default=6)


def test_strata_of_tests_and_figures_each_once() -> None:
    analysis = plan(strata={"os": ("sex",)}, figures={"os": ("overall", "age", "sex")})
    assert stratum_names("os", analysis) == ("sex", "age")
    assert stratum_names("mfs", analysis) == ()


def committed(name: str, schema: str) -> dict[str, Any]:
    return read_yaml(ROOT / "config" / name, ROOT / "workflow" / "schemas" / schema)


def test_endpoint_columns_of_the_committed_cohorts() -> None:
    endpoints = endpoint_settings(committed("endpoints.yaml", "endpoints.schema.yaml"))
    full, sheet = (
        cohort_settings(name, committed(f"cohorts/{name}.yaml", "cohort.schema.yaml"))
        for name in ("reconstructed-2022", "tcia-sts")
    )
    imaging = ("assessments.diameter_mm", "assessments.assessment_day", "courses.start_day")
    imaging += ("lesions.size_mm", "lesions.follow_up_end_day")
    assert endpoint_columns(endpoints["os"], full) == COLUMNS
    assert endpoint_columns(endpoints["lc"], full) == COLUMNS + imaging
    progression = "progressions.progression_day"
    assert endpoint_columns(endpoints["pfs"], full) == (*COLUMNS, progression, *imaging)
    assert endpoint_columns(endpoints["pfs"], sheet) == (*COLUMNS, progression)
    assert endpoint_columns(endpoints["mfs"], sheet) == (
        *(*COLUMNS, progression),
        "progressions.kind",
    )


def test_a_derived_covariate_depends_on_what_it_is_made_of() -> None:
    bed = Covariate("bed10", "BED10", "derived.bed10_gy", level=Level("low", below=100))
    assert covariate_columns([SEX, bed, SEX]) == (
        "patients.sex",
        "courses.dose_gy",
        "courses.fractions",
        "courses.start_day",
        "lesions.size_mm",
    )


# --- design -------------------------------------------------------------------------------

PATIENTS = pd.DataFrame({"patient_id": ["b", "a"], "patients.sex": ["female", "male"]})


def test_a_design_follows_the_rows_of_the_endpoint_table() -> None:
    table = pd.DataFrame({"patient_id": ["a", "b"]}, index=[7, 3])
    design = design_for(table, PATIENTS, {"sex": SEX}, ("sex",))
    assert design["sex"].to_dict() == {7: 0.0, 3: 1.0}


def test_a_design_per_lesion_goes_by_patient_and_lesion() -> None:
    lesions = pd.DataFrame(
        {
            "patient_id": ["a", "a", "b"],
            "lesion_id": ["1", "2", "1"],
            "patients.age_years": [50.0, 60.0, 70.0],
        }
    )
    table = pd.DataFrame({"patient_id": ["b", "a", "a"], "lesion_id": ["1", "2", "1"]})
    assert design_for(table, lesions, {"age": AGE}, ("age",))["age"].tolist() == [7.0, 6.0, 5.0]


def test_rows_without_covariates_are_refused() -> None:
    table = pd.DataFrame({"patient_id": ["a", "c", "d"]})
    with pytest.raises(ValueError, match="2 rows of the endpoint table have no covariates"):
        design_for(table, PATIENTS, {"sex": SEX}, ("sex",))


def test_covariates_that_stand_twice_are_refused() -> None:
    table = pd.DataFrame({"patient_id": ["a"]})
    with pytest.raises(ValueError, match="covariates are not unique by patient_id"):
        design_for(table, pd.concat([PATIENTS, PATIENTS]), {"sex": SEX}, ("sex",))
