from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung

from sarcoma_sbrt.io import write_json
from sarcoma_sbrt.reporting.forest_statistics import (
    fold_predictions,
    forest_results,
    forest_statistics,
)
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.settings import (
    Analysis,
    Comparison,
    Covariate,
    EndpointSettings,
    ForestPlan,
    Level,
)
from sarcoma_sbrt.survival.performance import concordance

COVARIATES = {
    "sex": Covariate("sex", "Sex", "patients.sex", level=Level("Female")),
    "age": Covariate("age", "Age", "patients.age_years", step=10),
    "active": Covariate("active", "ECOG score", "patients.grade", level=Level("0")),
}
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
LC = replace(OS, name="lc", label="Local control", unit="lesion", death="competing")
COLUMNS = ("patients.last_contact_day", "patients.vital_status")
VALIDATION = {
    "repeats": 2,
    "folds": 3,
    "trees": 30,
    "permutations": 2,
    "minimum_at_risk": 10,
    "batches": 2,
}
THRESHOLDS: dict[str, float] = {
    "events_per_candidate": 10,
    "forest_events_per_candidate": 200,
    "validation_events": 100,
    "calibration_patients": 300,
    "optimism_patients": 300,
    "optimism_resamples": 10,
    "calibration_groups": 3,
}
FOREST = ForestPlan(1.0, VALIDATION, ((10, "sqrt"), (3, "all")), THRESHOLDS)


def plan(**changes: Any) -> Analysis:
    usual: dict[str, Any] = {
        "confidence_level": 0.95,
        "alpha": 0.05,
        "transform": "log-log",
        "landmarks_months": (6.0, 12.0, 30.0),
        "ties": "efron",
        "seed": 1,
        "trees": 40,
        "min_samples_leaf": 3,
        "permutation_repeats": 4,
        "covariates": COVARIATES,
        "endpoints": ("os",),
        "strata": {},
        "univariable": {},
        "multivariable": {},
        "forest": {"os": ("active", "age", "sex")},
        "figures": {},
        "comparison": Comparison((), ()),
        "left_out": {},
        "forest_plan": FOREST,
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


def batches(analysis: Analysis, data: Any, endpoint: EndpointSettings = OS) -> list[Any]:
    """The batches' files as they are written and read again, the last first."""
    assert analysis.forest_plan is not None
    numbers = range(analysis.forest_plan.cross_validation["batches"])
    found = [fold_predictions(endpoint, *data, analysis, batch) for batch in reversed(numbers)]
    return [fold for batch in json.loads(json.dumps(found)) for fold in batch]


def made(
    analysis: Analysis, data: Any = None, endpoint: EndpointSettings = OS
) -> dict[str, Statistic]:
    data = data or lung()
    folds = batches(analysis, data, endpoint)
    records = forest_statistics(endpoint, *data, analysis, COLUMNS, folds)
    to_json("forest", records)  # refuses a key that stands twice
    return {record.key: record for record in records}


@pytest.fixture(scope="module")
def forest() -> dict[str, Statistic]:
    return made(plan())


def test_every_key_is_there(forest: dict[str, Statistic]) -> None:
    names = ("active", "age", "sex")
    expected = {"n", "events", "patients", "candidates", "concordance", "concordance.se"}
    expected |= {"untuned.concordance", "tuned.min_samples_leaf", "tuned.max_features"}
    expected |= {"capacity.events_per_candidate", "capacity.covariates"}
    demands = ("regression", "forest", "validation", "calibration", "optimism")
    expected |= {f"capacity.{demand}.met" for demand in demands}
    expected |= {f"importance.{name}{end}" for name in names for end in ("", ".sd")}
    expected |= {f"cv.importance.{name}" for name in names}
    for model in ("forest", "cox", "kaplan_meier"):
        expected |= {f"cv.{model}.{what}" for what in ("harrell", "uno", "integrated_brier")}
        expected |= {f"cv.{model}.{w}_{t}m" for w in ("brier", "auc") for t in (6, 12, 30)}
    expected |= {f"cv.{model}.{what}" for model in ("forest", "cox") for what in ("gain",)}
    expected |= {f"cv.{model}.harrell.se" for model in ("forest", "cox")}
    expected |= {"cv.concordance_gain", "cv.horizon", "cv.folds", "cv.penalised"}
    expected |= {"cv.chosen.0.n", "cv.chosen.1.n", "optimism.forest", "optimism.cox"}
    expected |= {f"calibration.{m}.{w}" for m in ("forest", "cox") for w in ("slope", "difference")}
    found = {key.removeprefix("forest.os.") for key in forest}
    assert {key for key in found if not key.startswith("partial.")} == expected


def test_the_forest_is_grown_on_complete_cases(forest: dict[str, Statistic]) -> None:
    counts = {key: forest[f"forest.os.{key}"].value for key in ("n", "events", "patients")}
    assert counts == {"n": 227, "events": 164, "patients": 227}
    own = forest["forest.os.concordance"]
    assert isinstance(own.value, float)
    assert 0.5 < own.value < 0.7
    assert (own.unit, own.n, own.events, own.joint) == ("concordance", 227, 164, True)
    assert own.columns == (*COLUMNS, "patients.grade", "patients.age_years", "patients.sex")
    assert own.rows == {"table": "endpoints/os", "where": {"recorded": ["active", "age", "sex"]}}


def test_scores_are_means_over_repeats_with_their_quantiles(forest: dict[str, Statistic]) -> None:
    """Harrell's C, anew from the folds: pairs of one fold only, one mean for each repeat."""
    analysis = plan()
    table, design = lung()
    kept = design.notna().all(axis=1).to_numpy()
    time = table["time_months"].to_numpy(dtype=float)[kept]
    event = table["event"].to_numpy(dtype=int)[kept]
    values = []
    for repeat in range(2):
        folds = [f for f in batches(analysis, (table, design)) if f["repeat"] == repeat]
        risk, fold = np.empty(227), np.empty(227)
        for task in folds:
            risk[task["rows"]], fold[task["rows"]] = task["forest"]["risk"], task["fold"]
        values.append(concordance(time, event, risk, level=0.95, fold=fold).value)
    record = forest["forest.os.cv.forest.harrell"]
    assert record.value == pytest.approx(np.mean(values))
    assert record.ci is not None
    limits = np.quantile(values, [0.025, 0.975])
    assert [record.ci.low, record.ci.high] == pytest.approx(limits.tolist())
    assert record.ci.method == "central quantiles over the repeats of the cross-validation"


def test_gain_is_in_percent_of_the_null_score(forest: dict[str, Statistic]) -> None:
    model, null, gain = (
        forest[f"forest.os.cv.{key}"].value
        for key in ("cox.integrated_brier", "kaplan_meier.integrated_brier", "cox.gain")
    )
    assert isinstance(gain, float)
    assert gain == pytest.approx(100 * (1 - model / null), abs=0.1)  # type: ignore[operator]
    assert forest["forest.os.cv.cox.gain"].unit == "percent"


def test_every_fold_chose_one_point_of_the_grid(forest: dict[str, Statistic]) -> None:
    chosen = [forest[f"forest.os.cv.chosen.{i}.n"].value for i in (0, 1)]
    assert sum(chosen) == forest["forest.os.cv.folds"].value == 6  # type: ignore[arg-type]


def test_kaplan_meier_orders_nobody_and_a_late_time_is_not_scored(
    forest: dict[str, Statistic],
) -> None:
    for key, reason in (
        ("kaplan_meier.harrell", "Kaplan-Meier predicts the same for everybody"),
        ("forest.brier_30m", "fewer than 10 patients are at risk then"),
        ("cox.auc_30m", "fewer than 10 patients are at risk then"),
    ):
        record = forest[f"forest.os.cv.{key}"]
        assert (record.status, record.reason) == ("not_estimable", reason)


def test_partial_dependence_has_a_point_for_each_value(forest: dict[str, Statistic]) -> None:
    rates = {
        side: forest[f"forest.os.partial.sex.{side}.rate_12m"].value
        for side in ("level", "reference")
    }
    assert rates["level"] > rates["reference"]  # type: ignore[operator]
    values = [forest[f"forest.os.partial.age.point_{i}.value"].value for i in range(10)]
    assert values == sorted(values)  # type: ignore[type-var]
    assert 39 <= values[0] < 60 < values[-1] <= 82  # type: ignore[operator]
    assert forest["forest.os.partial.age.point_0.value"].unit == "years"
    assert "forest.os.partial.age.point_10.value" not in forest


def test_what_the_data_carry(forest: dict[str, Statistic]) -> None:
    assert forest["forest.os.capacity.events_per_candidate"].value == pytest.approx(164 / 3)
    assert forest["forest.os.capacity.covariates"].value == 16
    met = {
        demand: forest[f"forest.os.capacity.{demand}.met"].value
        for demand in ("regression", "forest", "validation", "calibration", "optimism")
    }
    assert met == {
        "regression": "yes",
        "forest": "no",
        "validation": "yes",
        "calibration": "no",
        "optimism": "no",
    }


def test_below_its_threshold_nothing_is_calibrated(forest: dict[str, Statistic]) -> None:
    names = [f"calibration.{model}.slope" for model in ("forest", "cox")]
    for name in (*names, "optimism.forest", "optimism.cox"):
        record = forest[f"forest.os.{name}"]
        assert (record.status, record.value) == ("not_available", None)
        assert record.reason == "there are fewer than 300 patients"


def test_above_its_threshold_calibration_and_optimism_are_estimated() -> None:
    asked = {"calibration_patients": 200, "optimism_patients": 200}
    found = made(plan(forest_plan=replace(FOREST, thresholds=THRESHOLDS | asked)))
    slope = found["forest.os.calibration.cox.slope"]
    assert slope.ci is not None
    assert slope.ci.low < slope.value < slope.ci.high  # type: ignore[operator]
    assert found["forest.os.calibration.cox.month"].value == 12
    groups = [f"forest.os.calibration.cox.group_{g}" for g in (1, 2, 3)]
    predicted = [found[f"{group}.predicted"].value for group in groups]
    assert predicted == sorted(predicted)  # type: ignore[type-var]
    assert sum(found[f"{group}.predicted"].n or 0 for group in groups) == 227
    apparent, corrected, optimism = (
        found[f"forest.os.{what}.cox"].value for what in ("apparent", "corrected", "optimism")
    )
    assert corrected == pytest.approx(apparent - optimism)  # type: ignore[operator]
    trees = found["forest.os.apparent.forest"].value, found["forest.os.concordance"].value
    assert found["forest.os.optimism.forest"].value == pytest.approx(trees[0] - trees[1])  # type: ignore[operator]


def test_the_number_of_jobs_changes_no_byte(tmp_path: Any) -> None:
    for count in (1, 4):
        shared = replace(FOREST, cross_validation=VALIDATION | {"batches": count})
        analysis = plan(forest_plan=shared)
        records = forest_statistics(OS, *lung(), analysis, COLUMNS, batches(analysis, lung()))
        write_json(tmp_path / str(count), to_json("forest", records))
    first, *others = ((tmp_path / str(count)).read_bytes() for count in (1, 4))
    assert others == [first]


def test_a_lost_job_is_no_result() -> None:
    analysis = plan()
    folds = fold_predictions(OS, *lung(), analysis, 0)
    with pytest.raises(ValueError, match=r"^the folds are not one for each repeat and fold$"):
        forest_statistics(OS, *lung(), analysis, COLUMNS, folds)


def test_lesions_of_one_patient_stay_together() -> None:
    # The covariate says which patient, the outcome is the patient's: nothing else to learn.
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(40), 3)
    table = pd.DataFrame(
        {
            "patient_id": pd.array([f"p{i}" for i in owner], dtype="string"),
            "time_months": pd.array(1 + rng.exponential(12, size=40)[owner], dtype="Float64"),
            "event": pd.array(np.ones(120), dtype="Int64"),
        }
    )
    design = pd.DataFrame({"age": rng.permutation(40)[owner].astype(float)})
    grid = replace(FOREST, grid=((3, "all"),))
    analysis = plan(forest={"lc": ("age",)}, forest_plan=grid)
    alone = table.assign(patient_id=pd.array([f"p{i}" for i in range(120)], dtype="string"))
    for name in ("concordance", "cv.forest.harrell"):
        together, straddling = (
            made(analysis, (rows, design), LC)[f"forest.lc.{name}"].value for rows in (table, alone)
        )
        assert together < 0.6  # type: ignore[operator]
        assert straddling > 0.7  # type: ignore[operator]


@pytest.mark.parametrize("rows", [228, 0])
def test_too_few_events_for_a_forest(rows: int) -> None:
    table, design = lung()
    table["event"] = pd.array(np.r_[np.ones(9), np.zeros(219)], dtype="Int64")
    found = made(plan(), (table.iloc[:rows], design.iloc[:rows]))
    measured = ("concordance", "score", "importance", "percent")
    lacking = [s for s in found.values() if s.unit in measured and s.status != "not_available"]
    assert {(s.status, s.reason) for s in lacking} == {
        ("not_estimable", "fewer than ten events were observed")
    }
    assert len(lacking) == 42
    assert found["forest.os.events"].value == (9 if rows else 0)


def test_a_landmark_within_a_month_is_not_scored() -> None:
    found = made(plan(landmarks_months=(4.5, 6.0)))
    record = found["forest.os.cv.cox.brier_4.5m"]
    assert (record.status, record.reason) == (
        "not_estimable",
        "predictions are made at whole months",
    )
    assert found["forest.os.cv.cox.brier_6m"].status == "estimated"
    assert found["forest.os.partial.sex.level.rate_4.5m"].status == "estimated"


def test_an_endpoint_without_a_planned_forest_has_none() -> None:
    analysis = plan(forest={})
    assert fold_predictions(OS, *lung(), analysis, 0) == []
    assert forest_statistics(OS, *lung(), analysis, COLUMNS, []) == []


def unpacked(stored: dict[str, Any]) -> Any:
    raw = np.frombuffer(base64.b64decode(stored["base64"]), dtype=stored["type"])
    return raw.reshape(stored["shape"])


def test_what_is_stored_gives_the_statistics_again() -> None:
    """Concordance, importance, partial dependence and optimism are measures of what is stored."""
    analysis = plan(
        forest_plan=replace(
            FOREST, thresholds=THRESHOLDS | {"calibration_patients": 100, "optimism_patients": 100}
        )
    )
    data = lung()
    results = forest_results(OS, *data, analysis, COLUMNS, batches(analysis, data))
    found = {record.key: record for record in results.statistics}
    stored = json.loads(json.dumps(results.predictions))
    kept = data[1].notna().all(axis=1).to_numpy()
    table = data[0][kept]
    time, event = table["time_months"].to_numpy(float), table["event"].to_numpy(int)

    def c(risk: Any) -> float:
        return concordance(time, event, risk, level=0.95).value

    forest = {name: unpacked(values) for name, values in stored["forest"].items()}
    assert forest["risks"].shape == (1 + 3 * 4, kept.sum())
    assert c(forest["risks"][0]) == found["forest.os.concordance"].value
    assert c(forest["untuned"]) == found["forest.os.untuned.concordance"].value
    assert c(forest["apparent"]) == found["forest.os.apparent.forest"].value
    drops = [c(forest["risks"][0]) - c(risk) for risk in forest["risks"][5:9]]
    assert np.mean(drops) == pytest.approx(found["forest.os.importance.age"].value)
    assert stored["partial"]["months"] == [6.0, 12.0, 30.0]
    curve = stored["partial"]["covariates"]["sex"]
    free = 100 * unpacked(curve["survival"])[1, :, 0].mean()
    assert free == pytest.approx(found["forest.os.partial.sex.level.rate_6m"].value)
    months = stored["tuning"]["months"]
    assert unpacked(stored["tuning"]["survival"]).shape == (2, kept.sum(), len(months))
    fitted, drawn = (unpacked(stored["optimism"][name]) for name in ("fitted", "drawn"))
    assert fitted.shape == (1 + len(drawn), 3)
    assert drawn.shape == (10, kept.sum())


def test_without_a_forest_nothing_is_stored() -> None:
    data = tuple(frame.head(8) for frame in lung())
    results = forest_results(OS, *data, plan(), COLUMNS, batches(plan(), data))
    assert results.predictions == {}
