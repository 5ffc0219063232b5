"""Expected values from R 4.2.2, survival 3.5-3 and cmprsk 2.2-11; the call stands above each.

In R: m <- mgus2; m$t <- with(m, ifelse(pstat == 1, ptime, futime));
m$s <- with(m, ifelse(pstat == 1, 1, 2 * death)); m$female <- as.numeric(m$sex == "F");
m$age10 <- m$age / 10; m$pair <- seq_len(nrow(m)) %/% 2
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from survival.datasets import load_mgus2

from sarcoma_sbrt.reporting.competing_statistics import (
    at_gap,
    competing_endpoints,
    competing_statistics,
    covariate_names,
    gap_name,
    gaps,
    incidence_curves,
    planned_models,
)
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.schema import DAYS_PER_MONTH, SOURCE_COLUMNS, TABLES
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    ColumnMapping,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
    TableMapping,
)

EXACT = 1e-8
COVARIATES = {
    "sex": Covariate("sex", "Sex", "patients.sex", level=Level("Female"), reference=Level("Male")),
    "age": Covariate("age", "Age", "patients.age_years", step=10),
}
LC = EndpointSettings(
    "lc",
    "Local control",
    "lesion",
    "first_course",
    "local_failure",
    "last_assessment",
    death="competing",
    death_gap_months=7.0,
)
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
ANALYSIS = Analysis(
    confidence_level=0.95,
    alpha=0.05,
    transform="log-log",
    landmarks_months=(12.0, 120.0),
    ties="efron",
    seed=1,
    trees=60,
    min_samples_leaf=3,
    permutation_repeats=5,
    covariates=COVARIATES,
    endpoints=("lc", "os"),
    strata={"lc": ("sex",)},
    univariable={"lc": ("sex",)},
    multivariable={"lc": {"multivariable": ("sex", "age")}},
    forest={},
    figures={},
    comparison=Comparison((), ()),
    left_out={},
    competing_gaps_months=(0.0, None),
)
COLUMNS = ("patients.last_contact_day", "assessments.diameter_mm")


def mgus2() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Malignancy and death without it, two to a patient; sex and age."""
    data = pd.DataFrame(load_mgus2())
    malignant = data["pstat"] == 1
    number = np.arange(1, len(data) + 1)
    table = pd.DataFrame(
        {
            "patient_id": pd.array([f"p{n // 2:04d}" for n in number], dtype="string"),
            "lesion_id": pd.array([f"{n % 2}" for n in number], dtype="string"),
            "time_months": data["ptime"].where(malignant, data["futime"]).astype("Float64"),
            "event": np.where(malignant, 1, 2 * data["death"]),
        }
    )
    female = (data["sex"] == "F").astype(float)
    return table, pd.DataFrame({"sex": female, "age": data["age"] / 10})


def by_key(records: list[Statistic]) -> dict[str, Statistic]:
    to_json("stage", records)  # refuses a key that stands twice
    return {record.key: record for record in records}


@pytest.fixture(scope="module")
def found() -> dict[str, Statistic]:
    table, design = mgus2()
    late = table.assign(event=table["event"].replace(2, 0))
    variants = {None: table, 0.0: late}
    return by_key(competing_statistics(LC, table, design, variants, ANALYSIS, COLUMNS))


def test_every_key_is_there_once(found: dict[str, Statistic]) -> None:
    incidences = {f"{cause}_{m}m" for cause in ("cif", "cif_death") for m in (12, 120)}
    complements = {f"cif_{what}_{m}m" for what in ("complement", "difference") for m in (12, 120)}
    tests = {f"sex.{t}.{q}" for t in ("gray", "gray_death") for q in ("chi_square", "p")}
    groups = {f"sex_{side}.{name}" for side in ("level", "reference") for name in incidences}
    expected = {f"lc.{name}" for name in incidences | complements | tests | groups}
    varied = incidences | complements | tests | {"events", "competing"}
    expected |= {f"lc.{g}.{name}" for g in ("gap_0m", "gap_unlimited") for name in varied}
    ratios = {f"univariable.sex.{q}" for q in ("hr", "p")}
    ratios |= {f"multivariable.{c}.{q}" for c in ("sex", "age") for q in ("hr", "p")}
    ratios |= {f"multivariable.{q}" for q in ("n", "events", "competing")}
    assert set(found) == expected | {f"fine_gray.lc.{name}" for name in ratios}


# R: summary(survfit(Surv(t, factor(s, 0:2)) ~ female, m, conf.type = "log-log"), c(12, 120))
@pytest.mark.parametrize(
    ("key", "value", "low", "high"),
    [
        ("lc.sex_reference.cif_12m", 0.664010624169987, 0.255692569386827, 1.480362632762553),
        ("lc.sex_reference.cif_death_120m", 57.51784878894914, 53.71244682011697, 61.1302721152974),
        ("lc.sex_level.cif_120m", 7.388566437592621, 5.462958166901807, 9.684404626651021),
        ("lc.sex_level.cif_death_12m", 9.360931862476528, 7.247925687638902, 11.79217688899663),
    ],
)
def test_incidences_equal_those_of_r(
    found: dict[str, Statistic], key: str, value: float, low: float, high: float
) -> None:
    record = found[key]
    assert record.ci is not None
    assert (record.value, record.ci.low, record.ci.high) == pytest.approx(
        (value, low, high), rel=EXACT
    )


# R: summary(survfit(Surv(t, s == 1) ~ 1, m, conf.type = "log-log"), c(12, 120)), one less
def test_one_less_kaplan_meier_equals_that_of_r(found: dict[str, Statistic]) -> None:
    record, difference = found["lc.cif_complement_120m"], found["lc.cif_difference_120m"]
    assert record.ci is not None
    assert (record.value, record.ci.low, record.ci.high) == pytest.approx(
        (9.522165935041804, 7.666271010766923, 11.79784844451638), rel=EXACT
    )
    assert difference.value == pytest.approx(record.value - found["lc.cif_120m"].value)
    assert difference.value > 0


# R: cuminc(m$t, m$s, m$female)$Tests
def test_grays_tests_equal_those_of_r(found: dict[str, Statistic]) -> None:
    for name, statistic, p in (
        ("gray", 1.194507825075512, 0.2744221567880046),
        ("gray_death", 11.651259012127689, 0.0006415909764079242),
    ):
        record = found[f"lc.sex.{name}.chi_square"]
        assert (record.value, record.p) == pytest.approx((statistic, p), rel=EXACT)
        assert found[f"lc.sex.{name}.p"].value == record.p


# R: w <- finegray(Surv(t, factor(s, 0:2)) ~ ., m, etype = "1", na.action = na.pass)
# R: coxph(Surv(fgstart, fgstop, fgstatus) ~ female + age10, w, weights = fgwt, cluster = pair,
# R:   control = coxph.control(eps = 1e-14, iter.max = 100))
@pytest.mark.parametrize(
    ("name", "ratio", "low", "high", "p"),
    [
        (
            "sex",
            *(1.296614700396606, 0.8952376307193016, 1.8779479588383345, 0.169313555656031983),
        ),
        (
            "age",
            *(0.841123275210918, 0.7537150978753931, 0.9386681600194065, 0.001997841530783681),
        ),
    ],
)
def test_subdistribution_hazard_ratios_equal_those_of_r(
    found: dict[str, Statistic], name: str, ratio: float, low: float, high: float, p: float
) -> None:
    record = found[f"fine_gray.lc.multivariable.{name}.hr"]
    assert record.ci is not None
    assert (record.value, record.ci.low, record.ci.high) == pytest.approx(
        (ratio, low, high), rel=EXACT
    )
    assert record.p == found[f"fine_gray.lc.multivariable.{name}.p"].value
    assert record.p == pytest.approx(p, rel=EXACT)
    assert "clustered by patient" in record.method


def test_a_record_says_what_it_rests_on(found: dict[str, Statistic]) -> None:
    group = found["lc.sex_level.cif_12m"]
    assert group.columns == (*COLUMNS, "patients.sex")
    assert group.rows == {"table": "endpoints/lc", "where": {"sex": 1}}
    model = found["fine_gray.lc.multivariable.sex.hr"]
    assert model.population["filter"] == {"recorded": ["sex", "age"]}
    varied = found["lc.gap_unlimited.cif_12m"]
    assert varied.population["death_gap_months"] == "unlimited"
    assert found["lc.gap_0m.competing"].rows["death_gap_months"] == 0


def test_without_a_competing_death_the_incidence_is_one_less_kaplan_meier(
    found: dict[str, Statistic],
) -> None:
    of = "lc.gap_0m"
    assert found[f"{of}.competing"].value == 0
    assert found[f"{of}.cif_120m"].value == pytest.approx(found[f"{of}.cif_complement_120m"].value)
    assert found[f"{of}.cif_difference_120m"].value == pytest.approx(0)
    assert (found[f"{of}.cif_death_120m"].value, found[f"{of}.cif_death_120m"].ci) == (0, None)
    assert found[f"{of}.sex.gray.p"].reason == "no competing event was observed"


def test_a_group_in_which_only_deaths_happened_has_both_incidences() -> None:
    table, design = mgus2()
    male = design["sex"] == 0
    table.loc[male, "event"] = table.loc[male, "event"].replace(1, 2)
    found = by_key(competing_statistics(LC, table, design, {}, ANALYSIS, COLUMNS))
    record = found["lc.sex_reference.cif_12m"]
    assert (record.value, record.ci, record.events) == (0, None, 0)
    assert found["lc.sex_reference.cif_death_12m"].ci is not None
    reason = "one level of sex has no event, so that the likelihood is monotone"
    assert found["fine_gray.lc.univariable.sex.hr"].reason == reason
    drawn = incidence_curves(LC, table, design, ANALYSIS)
    rows = drawn[drawn["population"] == "sex_reference"]
    assert (rows["cif"] == 0).all()
    assert rows["cif_death"].iloc[-1] > 0


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"event": 0}, "no event was observed and no death"),
        ({"time_months": 1.0, "event": [0, 1, 2, 0] * 10}, "nobody was followed that long"),
    ],
)
def test_bad_data_give_reasons_in_every_record(change: dict[str, Any], reason: str) -> None:
    table, design = (frame.head(40) for frame in mgus2())
    found = by_key(competing_statistics(LC, table.assign(**change), design, {}, ANALYSIS, COLUMNS))
    assert found["lc.cif_120m"].status == "not_estimable"
    assert found["lc.cif_120m"].reason == reason
    for record in found.values():
        assert record.status == "estimated" or record.reason, record.key


def test_an_empty_endpoint_gives_reasons_and_no_curve() -> None:
    table, design = (frame.head(0) for frame in mgus2())
    found = competing_statistics(LC, table, design, {}, ANALYSIS, COLUMNS)
    assert {r.status for r in found if r.unit != "count"} == {"not_estimable"}
    assert incidence_curves(LC, table, design, ANALYSIS).empty


def test_a_gap_that_changes_who_is_analysed_is_refused() -> None:
    table, design = mgus2()
    variants = {None: table.iloc[1:].reset_index(drop=True)}
    with pytest.raises(ValueError, match="lc: a gap changes who is analysed"):
        competing_statistics(LC, table, design, variants, ANALYSIS, COLUMNS)


def test_curves_start_at_nothing_and_add_up() -> None:
    drawn = incidence_curves(LC, *mgus2(), ANALYSIS)
    assert set(drawn["population"]) == {"overall", "sex_level", "sex_reference"}
    first = drawn.groupby("population").first()
    assert (first[["time_months", "cif", "cif_death", "complement"]] == 0).all(axis=None)
    assert (drawn["cif"] + drawn["cif_death"] <= 1 + 1e-12).all()
    assert (drawn["complement"] >= drawn["cif"] - 1e-12).all()


# --- what there is ------------------------------------------------------------------------


def test_endpoints_covariates_models_and_gaps_of_the_plan() -> None:
    assert competing_endpoints({"lc": LC, "os": OS}, ANALYSIS) == ("lc",)
    assert competing_endpoints({"lc": LC}, replace(ANALYSIS, endpoints=())) == ()
    assert covariate_names("lc", ANALYSIS) == ("sex", "age")
    assert list(planned_models("lc", ANALYSIS)) == [
        ("univariable", ("sex",)),
        ("multivariable", ("sex", "age")),
    ]
    assert gaps(LC, ANALYSIS) == (0.0, None)
    assert gaps(replace(LC, death_gap_months=None), ANALYSIS) == (0.0,)
    names = [gap_name(gap) for gap in (0.0, 7.0, 1.5, None)]
    assert names == ["gap_0m", "gap_7m", "gap_1_5m", "gap_unlimited"]


def canonical(**rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    tables = {}
    for name, table in TABLES.items():
        columns = {c.name: c.dtype for c in (*table.columns, *SOURCE_COLUMNS)}
        placed = [
            {"patient_id": "P", "source_file": f"{name}.csv", "source_line": line} | row
            for line, row in enumerate(rows.get(name, []), start=2)
        ]
        tables[name] = pd.DataFrame(placed, columns=list(columns)).astype(columns)
    return tables


@pytest.mark.parametrize(
    ("gap", "months", "event"),
    [(0.0, 3.0, 0), (6.9, 3.0, 0), (7.0, 10.0, 2), (None, 10.0, 2)],
)
def test_the_gap_decides_whether_a_death_competes(
    gap: float | None, months: float, event: int
) -> None:
    """Imaged at three months, dead at ten: seven months unseen."""
    day = DAYS_PER_MONTH
    tables = canonical(
        patients=[{"last_contact_day": 10 * day, "vital_status": "dead"}],
        lesions=[{"lesion_id": "A", "size_mm": 30}],
        courses=[{"lesion_id": "A", "course_id": "1", "start_day": 0}],
        assessments=[{"lesion_id": "A", "assessment_day": 3 * day, "diameter_mm": 30}],
    )
    mapped = {
        name: TableMapping(
            f"{name}.csv", {c.name: ColumnMapping(c.name) for c in TABLES[name].columns}
        )
        for name in ("patients", "lesions", "courses", "assessments")
    }
    cohort = CohortSettings("small", "Small", "observed", tables=mapped, times={})
    found = at_gap(tables, {"lc": LC, "os": OS}, cohort, gap)
    assert list(found) == ["lc"]
    (row,) = found["lc"].itertuples()
    assert (row.time_months, row.event) == (months, event)
