"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each.

In R: v <- veteran; v$m <- v$time / 30.4375; v$k10 <- v$karno / 10;
v$adeno <- as.numeric(v$celltype == "adeno"); coxph.control(eps = 1e-14, iter.max = 100);
f <- coxph(Surv(m, status) ~ adeno + k10, v)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from survival.datasets import load_veteran

from sarcoma_sbrt.reporting.diagnostic_statistics import (
    RECONSTRUCTED,
    diagnostic_statistics,
    diagnostic_summary,
    schoenfeld_residuals,
    spline_curves,
)
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.settings import (
    Analysis,
    Comparison,
    Covariate,
    Diagnostics,
    EndpointSettings,
    Level,
)

EXACT = 1e-8
COVARIATES = {
    "adeno": Covariate("adeno", "Cell type", "patients.histology", level=Level("adeno")),
    "k10": Covariate("k10", "Karnofsky score", "patients.age_years", step=10),
}
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
LC = EndpointSettings(
    "lc", "Local control", "lesion", "first_course", "local_failure", "last_assessment"
)
COLUMNS = ("patients.last_contact_day", "patients.vital_status")


def plan(endpoint: str = "os", **changes: Any) -> Analysis:
    usual: dict[str, Any] = {
        "confidence_level": 0.95,
        "alpha": 0.05,
        "transform": "log-log",
        "landmarks_months": (12.0,),
        "ties": "efron",
        "seed": 1,
        "trees": 60,
        "min_samples_leaf": 3,
        "permutation_repeats": 5,
        "covariates": COVARIATES,
        "endpoints": (endpoint,),
        "strata": {},
        "univariable": {endpoint: ("adeno",)},
        "multivariable": {endpoint: {"multivariable": ("adeno", "k10")}},
        "forest": {},
        "figures": {},
        "comparison": Comparison((), ()),
        "left_out": {},
        "diagnostics": Diagnostics("km", 0.3, (6.0,), 3),
    }
    return Analysis(**(usual | changes))


def veteran() -> tuple[pd.DataFrame, pd.DataFrame]:
    data = pd.DataFrame(load_veteran())
    table = pd.DataFrame(
        {
            "patient_id": pd.array([f"p{i:03d}" for i in range(len(data))], dtype="string"),
            "time_months": pd.array(data["time"] / 30.4375, dtype="Float64"),
            "event": pd.array(data["status"], dtype="Int64"),
        }
    )
    design = pd.DataFrame(
        {"adeno": (data["celltype"] == "adeno").astype(float), "k10": data["karno"] / 10}
    )
    return table, design


def pairs() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two rows after each other belong to one patient."""
    table, design = veteran()
    patients = [f"p{i // 2:03d}" for i in range(len(table))]
    return table.assign(patient_id=pd.array(patients, dtype="string")), design


def by_key(records: list[Statistic]) -> dict[str, Statistic]:
    to_json("stage", records)  # refuses a key that stands twice
    return {record.key.removeprefix("diagnostics."): record for record in records}


@pytest.fixture(scope="module")
def found() -> dict[str, Statistic]:
    records = diagnostic_statistics(OS, *veteran(), plan(), COLUMNS, observed=True)
    return by_key(records + diagnostic_summary(records, plan()))


# R: cox.zph(f, "km"); cox.zph(coxph(Surv(m, status) ~ adeno, v), "km")
@pytest.mark.parametrize(
    ("test", "chi_square", "p"),
    [
        ("multivariable.adeno.ph", 8.71002847642068, 0.0031646426421949795),
        ("multivariable.k10.ph", 10.87748620561551, 0.0009734027310723744),
        ("multivariable.ph", 18.14039141012998, 0.0001150440217452076),
        ("univariable.adeno.ph", 3.514048989029171, 0.06085057036155139),
    ],
)
def test_of_proportional_hazards_equals_r(
    found: dict[str, Statistic], test: str, chi_square: float, p: float
) -> None:
    assert found[f"os.{test}.chi_square"].value == pytest.approx(chi_square, rel=EXACT)
    assert found[f"os.{test}.p"].value == pytest.approx(p, rel=EXACT)
    assert (found[f"os.{test}.p"].n, found[f"os.{test}.p"].events) == (137, 128)


def test_one_covariate_has_no_joint_test(found: dict[str, Statistic]) -> None:
    assert "os.univariable.ph.p" not in found


# R: apply(abs(residuals(f, "dfbetas")), 2, max); colSums(abs(residuals(f, "dfbetas")) > 0.3)
def test_influence_equals_r(found: dict[str, Statistic]) -> None:
    most = [found[f"os.multivariable.{name}.dfbetas"].value for name in ("adeno", "k10")]
    assert most == pytest.approx([0.4447367661313910, 0.5584292870963489], rel=EXACT)
    beyond = [found[f"os.multivariable.{name}.influential"].value for name in ("adeno", "k10")]
    assert beyond == [1, 3]


# R: s <- survSplit(Surv(m, status) ~ ., v, cut = 6, episode = "p");
#    g <- coxph(Surv(tstart, m, status) ~ I(k10 * (p == 1)) + I(k10 * (p == 2)) + adeno, s);
#    pchisq(2 * (g$loglik[2] - f$loglik[2]), 1, lower = FALSE)
def test_hazard_ratios_within_periods_equal_r(found: dict[str, Statistic]) -> None:
    key = "os.multivariable.k10.piecewise"
    periods = [found[f"{key}.period_{number}.hr"] for number in (1, 2)]
    assert [p.value for p in periods] == pytest.approx(
        [0.692087984035154, 0.9123037207685282], rel=EXACT
    )
    limits = [limit for p in periods if p.ci for limit in (p.ci.low, p.ci.high)]
    expected = [0.6244386786630693, 0.7670661571947432, 0.6903429105635679, 1.2056299257787947]
    assert limits == pytest.approx(expected, rel=EXACT)
    assert found[f"{key}.period_2.p"].value == pytest.approx(0.5187551317724122, rel=EXACT)
    assert [found[f"{key}.period_{number}.events"].value for number in (1, 2)] == [103, 25]
    assert found[f"{key}.change.p"].value == pytest.approx(0.06766383387818437, rel=EXACT)


# R: h <- coxph(Surv(m, status) ~ adeno + k10 + tt(k10), v, tt = function(x, t, ...) x * log(t));
#    exp(coef(h)[2] + log(12) * coef(h)[3])
def test_effect_linear_in_log_time_equals_r(found: dict[str, Statistic]) -> None:
    key = "os.multivariable.k10.log_time"
    assert found[f"{key}.hr_12m"].value == pytest.approx(0.9304733784935471, rel=EXACT)
    assert found[f"{key}.change.p"].value == pytest.approx(0.002564351130181445, rel=1e-7)


# R: coxph(Surv(m, status) ~ adeno + strata(k10 > median(k10)), v)
def test_stratified_fit_equals_r_and_cuts_a_continuous_covariate_at_its_median(
    found: dict[str, Statistic],
) -> None:
    record = found["os.multivariable.k10.stratified.adeno.hr"]
    assert record.value == pytest.approx(1.96765395073605, rel=EXACT)
    assert record.ci is not None
    assert record.ci.low == pytest.approx(1.249729571643726, rel=EXACT)
    assert record.method == "Cox model stratified by karnofsky score, cut at its median"


# R: kn <- quantile(v$k10, c(.1, .5, .9));
#    sp <- coxph(Surv(m, status) ~ adeno + ns(k10, knots = kn[2], Boundary.knots = kn[c(1, 3)]), v)
def test_spline_against_the_line_equals_r(found: dict[str, Statistic]) -> None:
    key = "os.multivariable.k10.spline"
    assert found[f"{key}.chi_square"].value == pytest.approx(0.5382995441235607, rel=1e-7)
    assert found[f"{key}.p"].value == pytest.approx(0.4631383060756555, rel=1e-7)


def test_there_are_remedies_only_where_the_covariates_own_test_fails(
    found: dict[str, Statistic],
) -> None:
    assert not [key for key in found if key.startswith("os.univariable.adeno.piecewise")]
    strict = plan(alpha=0.002)
    records = by_key(diagnostic_statistics(OS, *veteran(), strict, COLUMNS, observed=True))
    remedied = {key.split(".")[2] for key in records if ".log_time." in key}
    assert remedied == {"k10"}


def test_summary_counts_covariates_of_models_that_differ(found: dict[str, Statistic]) -> None:
    expected = {"tests": 3, "untested": 0, "failed": 2, "forms": 1, "nonlinear": 0, "influenced": 2}
    assert {name: found[name].value for name in expected} == expected
    assert found["expected"].value == pytest.approx(0.15)
    assert found["largest_influence"].value == pytest.approx(0.5584292870963489, rel=EXACT)
    same = {
        "os": {"multivariable": ("adeno", "k10"), "turned": ("k10", "adeno"), "one": ("adeno",)}
    }
    twice = plan(multivariable=same)
    records = diagnostic_statistics(OS, *veteran(), twice, COLUMNS, observed=True)
    assert by_key(diagnostic_summary(records, twice))["tests"].value == 3


def test_without_models_there_is_nothing_to_sum_up() -> None:
    nothing = plan(univariable={}, multivariable={})
    records = diagnostic_statistics(OS, *veteran(), nothing, COLUMNS, observed=True)
    assert records == diagnostic_summary(records, nothing) == []


def test_lesions_of_a_patient_are_clusters_of_the_remedies_and_one_influence() -> None:
    records = by_key(diagnostic_statistics(LC, *pairs(), plan("lc"), COLUMNS, observed=True))
    key = "lc.multivariable.k10"
    ci = records[f"{key}.piecewise.period_1.hr"].ci
    assert ci is not None
    assert ci.method == "Wald, sandwich covariance by patient"
    assert records[f"{key}.spline.p"].method.endswith("(Wald, sandwich covariance by patient)")
    assert records[f"{key}.ph.p"].method.endswith("lesions taken as independent")
    alone = by_key(diagnostic_statistics(LC, *veteran(), plan("lc"), COLUMNS, observed=True))
    assert records[f"{key}.ph.p"].value == alone[f"{key}.ph.p"].value
    assert records[f"{key}.dfbetas"].value != alone[f"{key}.dfbetas"].value


def test_no_patient_is_named(found: dict[str, Statistic]) -> None:
    for record in found.values():
        assert "p0" not in str([record.value, record.rows, record.population, record.reason])


def test_a_level_without_events_gives_the_reason_everywhere() -> None:
    table, design = veteran()
    table.loc[design["adeno"] == 1, "event"] = 0
    records = by_key(diagnostic_statistics(OS, table, design, plan(), COLUMNS, observed=True))
    reason = "one level of cell type has no event, so that the likelihood is monotone"
    for key in ("adeno.ph.p", "adeno.dfbetas", "k10.influential", "k10.spline.p", "ph.chi_square"):
        record = records[f"os.multivariable.{key}"]
        assert (record.status, record.reason, record.value) == ("not_estimable", reason, None)
    assert schoenfeld_residuals(OS, table, design, plan()).empty
    assert spline_curves(OS, table, design, plan()).empty
    summary = by_key(diagnostic_summary(records.values(), plan()))
    assert (summary["tests"].value, summary["untested"].value) == (0, 3)
    assert "largest_influence" not in summary


def test_nothing_observed_before_the_cut_gives_the_reason() -> None:
    late = plan(diagnostics=Diagnostics("km", 1.0, (0.01,), 3))
    records = by_key(diagnostic_statistics(OS, *veteran(), late, COLUMNS, observed=True))
    reason = "no event was observed between 0 and 0.01"
    for key in ("period_1.hr", "period_2.p", "change.p"):
        record = records[f"os.multivariable.k10.piecewise.{key}"]
        assert (record.status, record.reason) == ("not_estimable", reason)


def test_reconstructed_values_have_no_form() -> None:
    records = by_key(diagnostic_statistics(OS, *veteran(), plan(), COLUMNS, observed=False))
    record = records["os.multivariable.k10.spline.p"]
    assert (record.status, record.reason) == ("not_estimable", RECONSTRUCTED)


def test_residuals_are_one_per_event_and_their_mean_is_near_the_coefficient() -> None:
    table = schoenfeld_residuals(OS, *veteran(), plan())
    assert table.columns.tolist() == [
        *("endpoint", "covariate", "kind"),
        *("time_months", "transformed", "coefficient", "low", "high"),
    ]
    counts = table.groupby(["covariate", "kind"]).size().to_dict()
    assert counts == {
        **{("adeno", "residual"): 128, ("adeno", "smooth"): 40},
        **{("k10", "residual"): 128, ("k10", "smooth"): 40},
    }
    dots = table[(table["covariate"] == "k10") & (table["kind"] == "residual")]
    # R: mean(cox.zph(f)$y[, "k10"])
    assert dots["coefficient"].mean() == pytest.approx(-0.334705469658, rel=1e-9)
    assert np.isfinite(table["coefficient"]).all()


def test_curves_are_in_the_covariates_own_unit_and_pass_the_median_at_one() -> None:
    curve = spline_curves(OS, *veteran(), plan())
    assert set(curve["model"]) == {"multivariable"}
    assert (curve["value"].min(), curve["value"].max()) == pytest.approx((30, 80))
    assert np.interp(60, curve["value"], curve["hazard_ratio"]) == pytest.approx(1)
    assert (curve["low"] <= curve["hazard_ratio"]).all()
