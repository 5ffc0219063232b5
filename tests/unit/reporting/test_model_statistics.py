"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each.

In R: lung$m <- lung$time / 30.4375; lung$d <- lung$status == 2; lung$female <- lung$sex == 2;
lung$age10 <- lung$age / 10; coxph.control(eps = 1e-14, iter.max = 100)
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from lifelines.datasets import load_lung

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting import model_statistics
from sarcoma_sbrt.reporting.model_statistics import cox_statistics, model_names
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.settings import Analysis, Comparison, Covariate, EndpointSettings, Level
from sarcoma_sbrt.survival.cox import fit_firth_cox

COVARIATES = {
    "sex": Covariate("sex", "Sex", "patients.sex", level=Level("Female")),
    "age": Covariate("age", "Age", "patients.age_years", step=10),
    "active": Covariate("active", "ECOG score", "patients.grade", level=Level("0")),
    "bed10": Covariate("bed10", "BED10", "derived.bed10_gy", level=Level("low", below=100)),
}
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
        "landmarks_months": (12.0,),
        "ties": "efron",
        "seed": 1,
        "trees": 60,
        "min_samples_leaf": 3,
        "permutation_repeats": 5,
        "covariates": COVARIATES,
        "endpoints": ("os",),
        "strata": {},
        "univariable": {"os": ("sex", "active")},
        "multivariable": {"os": {"multivariable": ("sex", "age", "active")}},
        "forest": {"os": ("active", "age", "sex")},
        "figures": {},
        "comparison": Comparison((), ()),
        "left_out": {},
    }
    return Analysis(**(usual | changes))


def lung() -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_lung()
    table = pd.DataFrame(
        {
            "patient_id": pd.array([f"p{i:03d}" for i in range(len(data))], dtype="string"),
            "time_months": pd.array(data["time"] / 30.4375, dtype="Float64"),
            "event": pd.array(data["status"], dtype="Int64"),
        }
    )
    score = data["ph.ecog"]
    design = pd.DataFrame(
        {
            "sex": (data["sex"] == 2).astype(float),
            "age": data["age"] / 10,
            "active": (score == 0).astype(float).where(score.notna()),
        }
    )
    return table, design


def by_key(records: list[Statistic]) -> dict[str, Statistic]:
    to_json("stage", records)  # refuses a key that stands twice
    return {record.key: record for record in records}


@pytest.fixture(scope="module")
def cox() -> dict[str, Statistic]:
    return by_key(cox_statistics(OS, *lung(), plan(), COLUMNS))


TEST = ("chi_square", "df", "p")


def test_every_key_of_the_cox_models_is_there(cox: dict[str, Statistic]) -> None:
    expected = {f"cox.os.univariable.{c}.{q}" for c in ("sex", "active") for q in ("hr", "p")}
    multivariable = "cox.os.multivariable"
    models = (multivariable, "cox.os.univariable.sex", "cox.os.univariable.active")
    tests = [f"{t}.{q}" for t in ("likelihood_ratio", "wald", "score") for q in TEST]
    expected |= {f"{model}.{test}" for model in models for test in tests}
    expected |= {f"{multivariable}.{c}.{q}" for c in ("sex", "age", "active") for q in ("hr", "p")}
    expected |= {f"{multivariable}.{q}" for q in ("n", "events", "events_per_variable")}
    assert set(cox) == expected


# R: coxph(Surv(m, d) ~ female, lung); coxph(Surv(m, d) ~ I(ph.ecog == 0), lung);
#    coxph(Surv(m, d) ~ female + age10 + I(ph.ecog == 0), lung)
@pytest.mark.parametrize(
    ("key", "value", "low", "high", "p", "n", "events"),
    [
        (
            "univariable.sex",
            *(0.588002817160462, 0.423717829284343, 0.815984811336839, 0.0014912291383766),
            *(228, 165),
        ),
        (
            "univariable.active",
            *(0.587728881192539, 0.406896436615493, 0.848926672007826, 0.00461187882182523),
            *(227, 164),
        ),
        (
            "multivariable.sex",
            *(0.575624264282859, 0.413868890423603, 0.800599661627251, 0.00103365109274623),
            *(227, 164),
        ),
        (
            "multivariable.age",
            *(1.157294887908648, 0.967221225828997, 1.384720911631733, 0.11051587311364158),
            *(227, 164),
        ),
        (
            "multivariable.active",
            *(0.574872915133834, 0.396809801766623, 0.832839478972442, 0.00342150590417926),
            *(227, 164),
        ),
    ],
)
def test_hazard_ratios_equal_those_of_r(
    cox: dict[str, Statistic],
    key: str,
    value: float,
    low: float,
    high: float,
    p: float,
    n: int,
    events: int,
) -> None:
    ratio, test = cox[f"cox.os.{key}.hr"], cox[f"cox.os.{key}.p"]
    assert ratio.ci is not None
    assert [ratio.value, ratio.ci.low, ratio.ci.high, ratio.p] == pytest.approx(
        [value, low, high, p], rel=1e-8
    )
    assert (ratio.ci.level, ratio.ci.method) == (0.95, "Wald")
    assert test.value == ratio.p
    assert (ratio.n, ratio.events, ratio.unit, test.unit) == (n, events, "hazard ratio", "p")


# R: summary(coxph(Surv(m, d) ~ female + age10 + I(ph.ecog == 0), lung)), unrounded:
#    2 * diff(f$loglik); coef(f) %*% solve(vcov(f)) %*% coef(f); f$score
@pytest.mark.parametrize(
    ("name", "chi_square", "p"),
    [
        ("likelihood_ratio", 23.242805346217892, 3.5940086576866761e-05),
        ("wald", 21.710006118201811, 7.4951104851836653e-05),
        ("score", 22.101400713112096, 6.2137582106255713e-05),
    ],
)
def test_tests_of_a_whole_model_equal_those_of_r(
    cox: dict[str, Statistic], name: str, chi_square: float, p: float
) -> None:
    found = [cox[f"cox.os.multivariable.{name}.{quantity}"] for quantity in TEST]
    assert [record.value for record in found] == pytest.approx([chi_square, 3, p], rel=1e-4)
    assert found[0].value == pytest.approx(chi_square, rel=1e-9)
    assert {record.unit for record in found} == {"chi-square", "count", "p"}
    assert found[2].method.startswith("Cox model, ")


def test_ties_are_the_plans() -> None:
    found = by_key(cox_statistics(OS, *lung(), plan(ties="breslow"), COLUMNS))
    record = found["cox.os.multivariable.sex.hr"]
    # R: coxph(..., ties = "breslow")
    assert record.value == pytest.approx(0.57603400829018236, rel=1e-9)
    assert record.method == "Cox model, Breslow ties, Wald limits and test"


def test_a_model_counts_its_complete_cases(cox: dict[str, Statistic]) -> None:
    values = [cox[f"cox.os.multivariable.{q}"].value for q in ("n", "events")]
    assert values == [227, 164]
    assert cox["cox.os.multivariable.events_per_variable"].value == pytest.approx(164 / 3)


def test_a_record_says_what_it_rests_on(cox: dict[str, Statistic]) -> None:
    one, adjusted = cox["cox.os.univariable.sex.hr"], cox["cox.os.multivariable.sex.hr"]
    assert one.columns == (*COLUMNS, "patients.sex")
    assert adjusted.columns == (*COLUMNS, "patients.sex", "patients.age_years", "patients.grade")
    assert adjusted.rows == {
        "table": "endpoints/os",
        "where": {"recorded": ["sex", "age", "active"]},
    }
    assert adjusted.joint
    assert adjusted.method == "Cox model, Efron ties, Wald limits and test"


def test_with_competing_events_hazards_are_cause_specific() -> None:
    table, design = lung()
    table["event"] = table["event"].replace(0, 2)
    analysis = plan(univariable={"lc": ("sex",)})
    found = by_key(cox_statistics(LC, table, design, analysis, COLUMNS))
    record = found["cox.lc.univariable.sex.hr"]
    assert record.method == (
        "cause-specific Cox model, Efron ties, Wald limits and test, standard errors clustered by "
        "patient"
    )
    assert record.value == pytest.approx(0.588002817160462, rel=1e-8)
    assert record.events == 165


# --- lesions within patients --------------------------------------------------------------


def lesions() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Lung's rows as lesions of sixty patients."""
    table, design = lung()
    owner = [f"p{i % 60}" for i in range(1, len(table) + 1)]
    return table.assign(patient_id=pd.array(owner, dtype="string")), design


@pytest.fixture(scope="module")
def clustered() -> dict[str, Statistic]:
    analysis = plan(
        univariable={"lc": ("sex",)},
        multivariable={"lc": {"multivariable": ("sex", "age"), "model_1": ("age",)}},
    )
    return by_key(cox_statistics(LC, *lesions(), analysis, COLUMNS))


# R: lung$c <- seq_len(228) %% 60; k <- coxph(Surv(m, d) ~ female, lung, cluster = c)
#    summary(k)$coefficients; exp(confint(k)); k$rscore; k$wald.test
def test_standard_errors_are_clustered_by_patient_as_in_r(clustered: dict[str, Statistic]) -> None:
    ratio, p = (clustered[f"cox.lc.univariable.sex.{q}"] for q in ("hr", "p"))
    assert ratio.ci is not None
    assert [ratio.value, ratio.ci.low, ratio.ci.high, p.value] == pytest.approx(
        [0.58800281716046188, 0.42880222882145785, 0.80630950529084056, 0.00097937894495748437],
        rel=1e-8,
    )
    assert ratio.ci.method == "Wald, standard errors clustered by patient"
    for name, statistic in (("robust_wald", 10.866150415231338), ("robust_score", 9.45507848649)):
        chi_square = clustered[f"cox.lc.univariable.sex.{name}.chi_square"]
        assert chi_square.value == pytest.approx(statistic, rel=1e-8)
        assert chi_square.method.endswith("test of the whole model, standard errors clustered by "
                                          "patient")  # fmt: skip


def test_what_takes_lesions_as_independent_stands_beside(clustered: dict[str, Statistic]) -> None:
    naive, p = (clustered[f"cox.lc.univariable.sex.{q}"] for q in ("naive", "naive_p"))
    assert naive.ci is not None
    assert [naive.value, naive.ci.low, naive.ci.high, p.value] == pytest.approx(
        [0.588002817160462, 0.423717829284343, 0.815984811336839, 0.0014912291383766], rel=1e-8
    )
    assert naive.ci.method == "Wald, lesions taken as independent"
    assert clustered["cox.lc.univariable.sex.se_ratio"].value == pytest.approx(
        0.16109272104617026 / 0.16717858330116211, rel=1e-8
    )
    assert clustered["cox.lc.multivariable.clusters"].value == 60


def test_what_clustering_changes_is_told_over_the_tabulated_ratios(
    clustered: dict[str, Statistic],
) -> None:
    told = {q: clustered[f"cox.lc.clustering.{q}"].value for q in
            ("n", "patients", "smaller", "turned", "se_ratio_min", "se_ratio_max")}  # fmt: skip
    keys = ("univariable.sex", "multivariable.sex", "multivariable.age")
    ratios = [clustered[f"cox.lc.{key}.se_ratio"].value for key in keys]
    assert (told["n"], told["patients"]) == (3, 60)
    assert (told["se_ratio_min"], told["se_ratio_max"]) == (min(ratios), max(ratios))
    assert told["smaller"] == sum(ratio < 1 for ratio in ratios)
    pairs = [[clustered[f"cox.lc.{key}.{q}"].value for q in ("naive_p", "p")] for key in keys]
    assert told["turned"] == sum((naive < 0.05) != (p < 0.05) for naive, p in pairs)


def test_a_p_that_clustering_moves_across_alpha_is_counted() -> None:
    analysis = plan(univariable={"lc": ("sex",)}, multivariable={}, alpha=0.00125)
    found = by_key(cox_statistics(LC, *lesions(), analysis, COLUMNS))
    assert found["cox.lc.clustering.turned"].value == 1


def test_an_endpoint_per_patient_has_no_clusters(cox: dict[str, Statistic]) -> None:
    assert not [key for key in cox if "robust" in key or "naive" in key or "cluster" in key]


def test_too_few_patients_for_clustered_standard_errors() -> None:
    table, design = lung()
    table["patient_id"] = pd.array(["one"] * len(table), dtype="string")
    analysis = plan(univariable={"lc": ("sex",)}, multivariable={})
    found = by_key(cox_statistics(LC, table, design, analysis, COLUMNS))
    reason = "there are too few clusters for a robust variance"
    assert {record.reason for record in found.values()} == {reason}


# --- what one likelihood cannot give --------------------------------------------------------


# Eleven patients, two groups: Wald's interval is symmetric where the likelihood is not.
FEW = pd.DataFrame(
    {
        "patient_id": pd.array([f"p{i}" for i in range(11)], dtype="string"),
        "time_months": pd.array([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], dtype="Float64"),
        "event": pd.array([1, 1, 1, 1, 0, 1, 0, 0, 1, 0, 0], dtype="Int64"),
    }
)
FEW_DESIGN = pd.DataFrame({"sex": [0.0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 1]})


def test_profile_limits_stand_beside_wald_limits_that_are_poor() -> None:
    analysis = plan(univariable={"os": ("sex",)}, multivariable={})
    found = by_key(cox_statistics(OS, FEW, FEW_DESIGN, analysis, COLUMNS))
    wald, profile = (found[f"cox.os.univariable.sex.{q}"] for q in ("hr", "profile"))
    assert wald.ci is not None
    assert profile.ci is not None
    assert profile.value == wald.value
    assert profile.ci.low < wald.ci.low
    assert profile.ci.method == "profile likelihood"
    assert profile.method == "Cox model, Efron ties, profile likelihood limits and test"
    # Of the only covariate: the likelihood-ratio test of the model.
    p = found["cox.os.univariable.sex.profile_p"].value
    assert p == pytest.approx(found["cox.os.univariable.sex.likelihood_ratio.p"].value, rel=1e-9)


def test_wald_limits_that_are_good_stand_alone(cox: dict[str, Statistic]) -> None:
    assert not [key for key in cox if "profile" in key]


def test_profile_limits_of_lesions_say_that_they_know_no_clusters() -> None:
    analysis = plan(univariable={"lc": ("sex",)}, multivariable={})
    found = by_key(cox_statistics(LC, FEW, FEW_DESIGN, analysis, COLUMNS))
    ci = found["cox.lc.univariable.sex.profile"].ci
    assert ci is not None
    assert ci.method == "profile likelihood, lesions taken as independent"


def test_a_coefficient_that_runs_away_is_firths_and_says_why() -> None:
    table, design = lung()
    design["bed10"] = table["event"].to_numpy(dtype=float)
    analysis = plan(
        univariable={"os": ("bed10",), "lc": ("bed10",)},
        multivariable={"os": {"model_1": ("sex", "bed10")}},
    )
    found = by_key(cox_statistics(OS, table, design, analysis, COLUMNS))
    fit = fit_firth_cox(design[["sex", "bed10"]], table["time_months"], table["event"], level=0.95)
    reason = "one level of BED10 has no event, so that the likelihood is monotone"
    for name in ("sex", "bed10"):
        record = found[f"cox.os.model_1.{name}.hr"]
        assert record.ci is not None
        assert (record.value, record.ci.low, record.ci.high) == (
            fit[name].hazard_ratio,
            fit[name].low,
            fit[name].high,
        )
        assert (record.status, record.reason) == ("estimated", reason)
        assert record.ci.method == "profile penalised likelihood"
        assert record.method == (
            "Cox model, Firth's penalty, Breslow ties, profile penalised likelihood limits and test"
        )
    score = found["cox.os.model_1.score.p"]
    assert (score.status, score.reason) == (
        "not_estimable",
        "a penalised likelihood has no such test",
    )
    lesion = by_key(cox_statistics(LC, table, design, analysis, COLUMNS))
    assert lesion["cox.lc.univariable.bed10.robust_wald.p"].reason == score.reason
    assert not [key for key in lesion if "naive" in key or "clustering" in key]


def test_what_firths_penalty_cannot_save_says_both_reasons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise NotEstimable("the penalised fit does not converge")

    monkeypatch.setattr(model_statistics, "fit_firth_cox", refuse)
    table, design = lung()
    design["bed10"] = table["event"].to_numpy(dtype=float)
    analysis = plan(univariable={"os": ("bed10",)}, multivariable={})
    found = by_key(cox_statistics(OS, table, design, analysis, COLUMNS))
    assert found["cox.os.univariable.bed10.hr"].reason == (
        "one level of BED10 has no event, so that the likelihood is monotone, and the penalised "
        "fit does not converge"
    )


def test_a_model_that_is_not_estimable_says_why_and_keeps_its_counts() -> None:
    table, design = lung()
    design["active"] = design["active"].where(table["event"].to_numpy() == 1, 1.0).replace(0, 1)
    design["bed10"] = design["sex"]
    analysis = plan(
        univariable={"os": ("active", "bed10", "sex")},
        multivariable={"os": {"model_1": ("sex", "bed10")}},
    )
    found = by_key(cox_statistics(OS, table, design, analysis, COLUMNS))
    for key, reason in (
        ("univariable.active", "ECOG score has one level only"),
        ("model_1.sex", "the covariates are collinear"),
        ("model_1.likelihood_ratio", "the covariates are collinear"),
    ):
        for quantity in ("p", "chi_square" if "likelihood" in key else "hr"):
            record = found[f"cox.os.{key}.{quantity}"]
            assert (record.status, record.reason) == ("not_estimable", reason)
            assert record.value is record.ci is record.p is None
    assert found["cox.os.univariable.bed10.hr"].columns[-4:] == (
        "courses.dose_gy",
        "courses.fractions",
        "courses.start_day",
        "lesions.size_mm",
    )
    assert found["cox.os.model_1.n"].value == 228
    assert found["cox.os.model_1.events_per_variable"].value == 82.5
    assert found["cox.os.univariable.sex.hr"].status == "estimated"


def test_a_label_within_a_reason_begins_small_unless_it_is_an_abbreviation() -> None:
    table, design = lung()
    design["sex"] = 1.0
    found = by_key(cox_statistics(OS, table, design, plan(), COLUMNS))
    assert found["cox.os.univariable.sex.hr"].reason == "sex has one level only"


def test_an_endpoint_without_rows_is_not_estimable() -> None:
    table, design = (frame.iloc[:0] for frame in lung())
    found = by_key(cox_statistics(OS, table, design, plan(), COLUMNS))
    size = [f"cox.os.multivariable.{name}" for name in ("n", "events", "events_per_variable")]
    lacking = {record.status for key, record in found.items() if key not in size}
    assert lacking == {"not_estimable"}
    assert [found[key].value for key in size] == [0, 0, 0]


def test_names_of_all_models_each_once() -> None:
    assert model_names("os", plan()) == ("sex", "active", "age")
    assert model_names("pfs", plan()) == ()
