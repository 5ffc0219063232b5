"""Expected values from R 4.2.2, survival 3.5-3; the call stands above each.

In R: lung$m <- lung$time / 30.4375; lung$d <- lung$status == 2; lung$female <- lung$sex == 2;
lung$age10 <- lung$age / 10; coxph.control(eps = 1e-14, iter.max = 100)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from sarcoma_sbrt.io import write_json
from sarcoma_sbrt.reporting.model_statistics import (
    cox_statistics,
    forest_statistics,
    model_names,
)
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.settings import Analysis, Comparison, Covariate, EndpointSettings, Level

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


@pytest.fixture(scope="module")
def forest() -> dict[str, Statistic]:
    return by_key(forest_statistics(OS, *lung(), plan(), COLUMNS))


def test_every_key_of_the_cox_models_is_there(cox: dict[str, Statistic]) -> None:
    expected = {f"cox.os.univariable.{c}.{q}" for c in ("sex", "active") for q in ("hr", "p")}
    multivariable = "cox.os.multivariable"
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
    assert record.method == "cause-specific Cox model, Efron ties, Wald limits and test"
    assert record.value == pytest.approx(0.588002817160462, rel=1e-8)
    assert record.events == 165


def test_a_model_that_is_not_estimable_says_why_and_keeps_its_counts() -> None:
    table, design = lung()
    design["active"] = design["active"].where(table["event"].to_numpy() == 1, 1.0).replace(0, 1)
    design["bed10"] = table["event"].to_numpy(dtype=float)
    analysis = plan(
        univariable={"os": ("active", "bed10", "sex")},
        multivariable={"os": {"model_1": ("sex", "bed10")}},
    )
    found = by_key(cox_statistics(OS, table, design, analysis, COLUMNS))
    for key, reason in (
        ("univariable.active", "ECOG score has one level only"),
        (
            "univariable.bed10",
            "one level of BED10 has no event, so that the likelihood is monotone",
        ),
        ("model_1.sex", "one level of BED10 has no event, so that the likelihood is monotone"),
    ):
        for quantity in ("hr", "p"):
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
    for records in (
        cox_statistics(OS, table, design, plan(), COLUMNS),
        forest_statistics(OS, table, design, plan(), COLUMNS),
    ):
        found = by_key(records)
        lacking = [s for s in found.values() if s.unit not in ("count", "ratio")]
        assert {s.status for s in lacking} == {"not_estimable"}
        assert found[next(k for k in found if k.endswith(".n"))].value == 0


# --- forest -------------------------------------------------------------------------------


def test_every_key_of_the_forest_is_there(forest: dict[str, Statistic]) -> None:
    expected = {f"forest.os.{q}" for q in ("n", "events", "concordance")}
    for name in ("active", "age", "sex"):
        expected |= {f"forest.os.importance.{name}", f"forest.os.importance.{name}.sd"}
    assert set(forest) == expected


def test_the_forest_is_grown_on_complete_cases(forest: dict[str, Statistic]) -> None:
    assert (forest["forest.os.n"].value, forest["forest.os.events"].value) == (227, 164)
    concordance = forest["forest.os.concordance"]
    assert isinstance(concordance.value, float)
    assert 0.5 < concordance.value < 0.7
    assert (concordance.unit, concordance.n, concordance.joint) == ("concordance", 227, True)
    assert forest["forest.os.importance.age.sd"].unit == "importance"


def test_the_same_plan_writes_the_same_bytes(tmp_path: Any) -> None:
    for name in ("one", "two"):
        records = forest_statistics(OS, *lung(), plan(), COLUMNS)
        write_json(tmp_path / name, to_json("forest", records))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_lesions_of_one_patient_stay_together() -> None:
    # The covariate says which patient, the outcome is the patient's: nothing else to learn.
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(40), 3)
    table = pd.DataFrame(
        {
            "patient_id": pd.array([f"p{i}" for i in owner], dtype="string"),
            "time_months": pd.array(rng.exponential(12, size=40)[owner], dtype="Float64"),
            "event": pd.array(np.ones(120), dtype="Int64"),
        }
    )
    design = pd.DataFrame({"age": rng.permutation(40)[owner].astype(float)})
    analysis = plan(forest={"lc": ("age",)})
    alone = table.assign(patient_id=pd.array([f"p{i}" for i in range(120)], dtype="string"))
    together, straddling = (
        by_key(forest_statistics(LC, rows, design, analysis, COLUMNS))[
            "forest.lc.concordance"
        ].value
        for rows in (table, alone)
    )
    assert together < 0.6
    assert straddling > 0.7


def test_too_few_events_for_a_forest() -> None:
    table, design = lung()
    table["event"] = pd.array(np.r_[np.ones(9), np.zeros(219)], dtype="Int64")
    found = by_key(forest_statistics(OS, table, design, plan(), COLUMNS))
    for key in ("concordance", "importance.age", "importance.age.sd"):
        record = found[f"forest.os.{key}"]
        assert (record.status, record.reason) == (
            "not_estimable",
            "fewer than ten events were observed",
        )
    assert found["forest.os.events"].value == 9


def test_an_endpoint_without_a_planned_forest_has_none() -> None:
    assert forest_statistics(OS, *lung(), plan(forest={}), COLUMNS) == []


def test_names_of_all_models_each_once() -> None:
    assert model_names("os", plan()) == ("sex", "active", "age")
    assert model_names("pfs", plan()) == ()
