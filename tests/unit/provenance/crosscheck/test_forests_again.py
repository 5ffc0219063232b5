"""Forests' measures from stored predictions: by hand, and beside the first engine's."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from cohort_run import listed
from hypothesis import given
from hypothesis import strategies as st
from lifelines.datasets import load_lung

from sarcoma_sbrt.provenance.crosscheck import forests
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Promise, checked
from sarcoma_sbrt.reporting.forest_statistics import fold_predictions, forest_statistics
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for
from sarcoma_sbrt.settings import (
    Analysis,
    Comparison,
    Covariate,
    EndpointSettings,
    ForestPlan,
    Level,
    Plan,
)

COVARIATES = {
    "sex": Covariate("sex", "Sex", "patients.sex", Level("F", ("2",)), Level("M", ("1",))),
    "age": Covariate("age", "Age", "patients.age_years", step=10),
    "active": Covariate("active", "ECOG", "patients.ecog", Level("0", at_most=0), Level("1–3")),
}
OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
PLAN = ForestPlan(
    1.0,
    {
        "repeats": 2,
        "folds": 3,
        "trees": 15,
        "permutations": 2,
        "minimum_at_risk": 10,
        "batches": 2,
    },
    ((10, "sqrt"), (3, "all")),
    {
        "events_per_candidate": 10,
        "forest_events_per_candidate": 200,
        "validation_events": 100,
        "calibration_patients": 40,
        "optimism_patients": 10_000,
        "optimism_resamples": 5,
        "calibration_groups": 3,
    },
)
PROMISE = Promise("metric_only", absolute=1e-9, relative=1e-9, engine="plain numpy")


def analysis(**changes: Any) -> Analysis:
    usual: dict[str, Any] = {
        "confidence_level": 0.95,
        "alpha": 0.05,
        "transform": "log-log",
        "landmarks_months": (6.0, 12.0, 40.0),
        "ties": "efron",
        "seed": 1,
        "trees": 20,
        "min_samples_leaf": 3,
        "permutation_repeats": 3,
        "covariates": COVARIATES,
        "endpoints": ("os",),
        "strata": {},
        "univariable": {},
        "multivariable": {},
        "forest": {"os": ("active", "age", "sex")},
        "figures": {},
        "comparison": Comparison((), ()),
        "left_out": {},
        "forest_plan": PLAN,
    }
    return Analysis(**usual | changes)


def lung(*, whole_months: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Endpoint table and covariates; times in whole months make ties."""
    data = load_lung()
    names = pd.array([f"p{i:03d}" for i in range(len(data))], dtype="string")
    time = np.ceil(data["time"] / 30.4375) if whole_months else data["time"] / 30.4375
    table = pd.DataFrame(
        {
            "patient_id": names,
            "time_months": pd.array(time, dtype="Float64"),
            "event": pd.array(data["status"], dtype="Int64"),
        }
    )
    frame = pd.DataFrame(
        {
            "patient_id": names,
            "patients.sex": pd.array(data["sex"].astype(str), dtype="string"),
            "patients.age_years": pd.array(data["age"], dtype="Float64"),
            "patients.ecog": pd.array(data["ph.ecog"], dtype="Float64"),
        }
    )
    return table, frame


def materials(
    plan: Analysis, data: tuple[pd.DataFrame, pd.DataFrame], predictions: dict[str, Any]
) -> Materials:
    cohort = SimpleNamespace(analysis=plan, endpoints={"os": OS})
    return Materials(
        plan=cast(Plan, cohort),
        configuration={},
        canonical={},
        endpoints={"os": data[0]},
        covariates={"patients": data[1]},
        statistics={},
        predictions=predictions,
    )


def first_engine(
    plan: Analysis, data: tuple[pd.DataFrame, pd.DataFrame]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Records of the stage, and its predictions as they are read back."""
    table, frame = data
    design = design_for(table, frame, plan.covariates, plan.forest["os"])
    batches = [fold_predictions(OS, table, design, plan, at) for at in range(2)]
    stored = json.loads(json.dumps({f"os_{at}": folds for at, folds in enumerate(batches)}))
    folds = [fold for batch in stored.values() for fold in batch]
    records = forest_statistics(OS, table, design, plan, (), folds)
    return listed("forest", to_json("forest", records)["statistics"]), stored


def packed(values: Any) -> dict[str, Any]:
    array = np.ascontiguousarray(values, dtype="<f8")
    text = base64.b64encode(array.tobytes()).decode()
    return {"shape": list(array.shape), "type": "<f8", "base64": text}


def of_folds(record: dict[str, Any]) -> bool:
    """Whether a record needs no predictions of the forest of all patients."""
    parts = record["key"].split(".")[2:]
    return parts[0] in ("n", "events", "patients", "candidates", "capacity", "cv", "calibration")


@pytest.fixture(scope="module", params=[True, False], ids=["months", "days"])
def beside(request: pytest.FixtureRequest) -> Any:
    data, plan = lung(whole_months=request.param), analysis()
    return plan, data, *first_engine(plan, data)


def test_cross_validation_and_calibration_equal_the_first_engines(beside: Any) -> None:
    plan, data, records, stored = beside
    records = [record for record in records if of_folds(record)]
    found = forests.recompute(materials(plan, data, stored))
    keys = [record["key"] for record in records]
    asked = {key: found[key] for key in keys}
    checks = checked(records, dict.fromkeys(keys, PROMISE), asked)
    assert {key: c.reason for key, c in checks.items() if not c.agrees} == {}
    estimated = {record["key"] for record in records if record["value"] is not None}
    assert "forest.os.calibration.forest.slope" in estimated
    assert "forest.os.cv.cox.auc_12m" in estimated
    assert "forest.os.cv.forest.harrell.se" in estimated


def test_another_prediction_is_another_concordance(beside: Any) -> None:
    plan, data, _, stored = beside
    changed = json.loads(json.dumps(stored))
    risks = changed["os_0"][0]["forest"]["risk"]
    risks[risks.index(max(risks))] = -1.0
    before, after = (forests.recompute(materials(plan, data, s)) for s in (stored, changed))
    moved = {key for key in before if before[key] != after[key]}
    assert "forest.os.cv.forest.harrell" in moved
    assert "forest.os.cv.importance.age" in moved
    assert not [key for key in moved if ".cv.cox." in key or "capacity" in key]


def test_nothing_is_said_of_predictions_that_were_not_stored() -> None:
    found = forests.recompute(materials(analysis(), lung(), {}))
    assert {key.split(".")[2] for key in found} == {
        *("n", "events", "patients", "candidates", "capacity")
    }
    assert found["forest.os.capacity.events_per_candidate"].value == 164 / 3
    assert found["forest.os.n"].value == 227  # one has no ECOG score
    assert found["forest.os.capacity.optimism.met"].value == "no"


def test_folds_that_could_not_be_made_give_no_value() -> None:
    folds = {"os_0": [{"repeat": 0, "fold": 0, "reason": "too few"}]}
    found = forests.recompute(materials(analysis(), lung(), folds))
    assert found["forest.os.cv.forest.harrell"].value is None
    assert found["forest.os.calibration.cox.slope"].value is None
    assert "forest.os.cv.horizon" not in found


# --- by hand ------------------------------------------------------------------------------

# Five rows: events at 1, 2 and 4 months, censored at 2 and 3.
TIME, EVENT = [1.0, 2.0, 2.0, 3.0, 4.0], [True, True, False, False, True]
RISK = np.array([5.0, 1.0, 2.0, 2.0, 1.0])


def five(**changes: Any) -> Any:
    data = forests._Data(
        time=np.array(TIME),
        event=np.array(EVENT),
        patient=np.array(list("abcde")),
        matrix=np.array([[1], [0], [0], [1], [1]], dtype=np.float32),
        covariates=(COVARIATES["sex"],),
        analysis=analysis(forest={"os": ("sex",)}, landmarks_months=(2.0,)),
        plan=PLAN,
        folds=[],
        whole=None,
    )
    return replace(data, **changes)


def test_pairs_begin_with_an_event_and_a_censoring_at_its_time_is_later() -> None:
    pairs = forests._pairs(five())
    found = {(int(a), int(b)) for a, b in zip(pairs.first, pairs.second, strict=True)}
    # Row 0 against all; row 1 against the censored at its own time, and the two after it.
    assert found == {(0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (1, 3), (1, 4)}


def test_concordance_counts_equal_risks_half() -> None:
    # Row 0: four concordant. Row 1 (risk 1): below 2, below 2, equal to 1.
    assert forests._pairs(five()).concordance(RISK) == pytest.approx(4.5 / 7)


def test_jackknife_moves_every_pair_of_a_patient() -> None:
    c = 4.5 / 7
    influence = np.array([4 * (1 - c), 1 - c - 2 * c + 0.5 - c, 1 - 2 * c, 1 - 2 * c, 1.5 - 2 * c])
    own = forests._pairs(five()).standard_error(RISK, np.array(list("abcde")))
    assert own == pytest.approx(np.sqrt(((influence / 7) ** 2).sum()))
    together = forests._pairs(five()).standard_error(RISK, np.array(list("aabbb")))
    sums = np.array([influence[:2].sum(), influence[2:].sum()]) / 7
    assert together == pytest.approx(np.sqrt((sums**2).sum()))


def test_rows_of_two_folds_are_no_pair() -> None:
    pairs = forests._pairs(five(), np.array([0, 0, 1, 1, 1]))
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1)]


def test_brier_score_weights_for_the_censored() -> None:
    # At 2 months: events at 1 and 2 weigh 1, since nobody was censored before them; the censored
    # at 2 is known to be free, as are the two after it. No weight but 1.
    survival = np.array([0.1, 0.4, 0.8, 0.7, 0.6])
    errors = [0.1**2, 0.4**2, 0.2**2, 0.3**2, 0.4**2]
    assert forests._brier(five(), survival, 2.0) == pytest.approx(sum(errors) / 5)
    # At 4 months: of three left after the event at 2 one is censored (2/3), of two one (1/2).
    # Half a month later nothing is known of who was censored, and two of three stand for them.
    between = [0.1**2, 0.4**2, 1.5 * 0.3**2, 1.5 * 0.4**2]
    assert forests._brier(five(), survival, 2.5) == pytest.approx(sum(between) / 5)
    late = [0.1**2, 0.4**2, 3 * 0.6**2]
    assert forests._brier(five(), survival, 4.0) == pytest.approx(sum(late) / 5)
    assert forests._brier(five(), survival, 4.1) is None


def test_importance_dependence_and_the_chosen_point_follow_from_what_is_stored() -> None:
    worse = -RISK
    whole = {
        "forest": {
            "risks": packed([RISK, worse, RISK]),
            "apparent": packed(RISK),
            "untuned": packed(worse),
        },
        "tuning": {
            "months": [1.0, 2.0],
            "survival": packed(np.full((2, 5, 2), [[[0.5]], [[0.6]]])),
        },
        "partial": {
            "months": [2.0],
            "covariates": {
                "sex": {
                    "values": [0.0, 1.0],
                    "risks": packed([[1, 2, 3, 4, 5], [2, 2, 2, 2, 2]]),
                    "survival": packed([[[0.5], [0.5], [0.5], [0.5], [1.0]], [[0.2]] * 5]),
                }
            },
        },
    }
    found = {k: s.value for k, s in forests._said(five(whole=whole))}
    assert found["concordance"] == pytest.approx(4.5 / 7)
    assert found["untuned.concordance"] == pytest.approx(2.5 / 7)
    assert found["importance.sex"] == pytest.approx(1 / 7)
    assert found["importance.sex.sd"] == pytest.approx(np.std([2 / 7, 0], ddof=1))
    assert found["partial.sex.reference.mortality"] == 3.0
    assert found["partial.sex.level.rate_2m"] == pytest.approx(20.0)
    assert found["partial.sex.reference.rate_2m"] == pytest.approx(60.0)
    # Three of five are free at 2 months, four at 1: 0.6 errs less than 0.5.
    assert (found["tuned.min_samples_leaf"], found["tuned.max_features"]) == (3, "all covariates")


def test_optimism_from_stored_coefficients() -> None:
    thresholds = {**PLAN.thresholds, "optimism_patients": 2}
    drawn = np.array([[0, 0, 1, 3, 4]], dtype="<i4")
    stored = {
        "fitted": packed([[1.0], [-1.0]]),
        "drawn": {
            "shape": [1, 5],
            "type": "<i4",
            "base64": base64.b64encode(drawn.tobytes()).decode(),
        },
    }
    data = five(plan=replace(PLAN, thresholds=thresholds), whole={"optimism": stored})
    found = {key: second.value for key, second in forests._said(data)}
    # All rows: of (0,1) (0,2) (0,3) (0,4) two are concordant and two equal, of row 1's three
    # one is equal and two discordant: 3.5 / 7. With the sign turned round 3.5 / 7 as well.
    assert found["apparent.cox"] == pytest.approx(3.5 / 7)
    # Rows 0, 0, 1, 3, 4 with risks -1, -1, 0, -1, -1: rows 0 against 1, 3, 4 twice, 1 against 3, 4.
    there = (2 * (0 + 0.5 + 0.5) + 2) / 8
    assert found["optimism.cox"] == pytest.approx(there - 3.5 / 7)
    assert found["corrected.cox"] == pytest.approx(3.5 / 7 - (there - 3.5 / 7))


def test_kaplan_meier_has_log_log_limits() -> None:
    # S(2) = 4/5 × 3/4; Greenwood's sum 1/(5 × 4) + 1/(4 × 3) = 2/15; log(-log S) = -0.6717 and
    # its standard error 0.36515 / 0.51083 = 0.71482: limits exp(-exp(-0.6717 ± 1.95996 × 0.71482)).
    rate, low, high = forests._kaplan_meier(five(), 2.0) or (0, 0, 0)
    assert rate == pytest.approx(0.6)
    assert (low, high) == pytest.approx((0.1257, 0.8818), abs=5e-5)
    assert forests._kaplan_meier(five(), 0.5) == (1.0, None, None)
    assert forests._kaplan_meier(five(event=np.zeros(5, dtype=bool)), 9.0) is None


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60))
def test_quantiles_at_which_a_covariate_is_held_are_observed(values: list[int]) -> None:
    column = np.array(values, dtype=np.float32)
    held = forests._held(column)
    if len(set(values)) <= 10:
        assert held == sorted(set(values))
    else:
        shares = np.linspace(0.05, 0.95, 10)
        assert held == np.unique(np.quantile(column, shares, method="inverted_cdf")).tolist()
