"""Published rates pooled a second time: against metafor, the first engine, and by hand."""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from cohort_run import listed
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.io import read_json, read_rows
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Promise, checked
from sarcoma_sbrt.provenance.crosscheck.pooling import random_effects, recompute
from sarcoma_sbrt.reporting.evidence_statistics import synthesis_statistics
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import Comparison, Plan

ROOT = Path(__file__).parents[4]
EXPECTED: dict[str, Any] = json.loads(
    (ROOT / "tests/conformance/metafor.json").read_text(encoding="utf-8")
)
REGRESSIONS = [name for name, values in EXPECTED.items() if "regression" in values]
# metafor stops where tau2 moves by less than 1e-5; ours goes on to the root.
STOPPED = 2e-5


def plan(derived_from: str | None = "feng2022", alpha_beta: float = 10.0) -> Plan:
    analysis = SimpleNamespace(
        confidence_level=0.95, comparison=Comparison(("lc", "os"), (6, 12, 24, 36, 60))
    )
    cohort = SimpleNamespace(derived_from=derived_from)
    return cast(Plan, SimpleNamespace(cohort=cohort, analysis=analysis, alpha_beta_gy=alpha_beta))


@functools.cache
def tables() -> tuple[dict[str, Any], dict[str, Any]]:
    folder = ROOT / "data/published"
    package = read_json(folder / "datapackage.json")
    return {
        f"data/published/{r['path']}": read_rows(folder / r["path"]) for r in package["resources"]
    }, package


def materials(given_plan: Plan, rows: dict[str, Any] | None = None) -> Materials:
    own, package = tables()
    return Materials(given_plan, {}, {}, {}, {}, {}, rows or own, package)


def first_engine(given_plan: Plan) -> list[dict[str, Any]]:
    printed = published(*tables())
    origin = printed.studies.get(given_plan.cohort.derived_from or "")
    statistics = synthesis_statistics(
        printed.figures.values(),
        printed.studies,
        alpha_beta=given_plan.alpha_beta_gy,
        level=given_plan.analysis.confidence_level,
        endpoints=given_plan.analysis.comparison.endpoints,
        times_months=given_plan.analysis.comparison.times_months,
        excluded_cohorts=[origin.cohort_id] if origin else [],
    )
    records = to_json("synthesis", statistics)["statistics"]
    return cast(list[dict[str, Any]], listed("synthesis", records))


def promise(record: dict[str, Any]) -> Promise:
    absolute = {"variance": STOPPED, "percent": 1e-2}.get(record["unit"], 1e-9)
    relative = 1e-3 if record["unit"] in ("odds ratio", "p") else 0.0
    return Promise("independent", absolute=absolute, relative=relative, engine="plain numpy")


@pytest.mark.parametrize(
    ("derived_from", "alpha_beta"), [("feng2022", 10.0), (None, 10.0), (None, 4.0)]
)
def test_every_statistic_equals_the_first_engines(
    derived_from: str | None, alpha_beta: float
) -> None:
    given_plan = plan(derived_from, alpha_beta)
    records = first_engine(given_plan)
    promises = {record["key"]: promise(record) for record in records}
    checks = checked(records, promises, recompute(materials(given_plan)))
    assert {key: check.reason for key, check in checks.items() if not check.agrees} == {}
    assert len(records) > 600


def test_another_printed_rate_is_another_pooled_rate() -> None:
    rows = dict(tables()[0])
    file = "data/published/outcomes.csv"
    rows[file] = [
        (
            line,
            cells | {"estimate": "70"} if cells["outcome_id"] == "loi2018.lc.rate_24m" else cells,
        )
        for line, cells in rows[file]
    ]
    before, after = recompute(materials(plan())), recompute(materials(plan(), rows))
    moved = {key for key in before if before[key] != after[key]}
    assert {
        "series.loi2018.lc.rate_24m",
        "synthesis.lc.all.rate_24m",
        "synthesis.lc.dose.slope",
    } <= moved
    assert not [key for key in moved if key.startswith(("series.baumann", "synthesis.os"))]


# --- random effects -----------------------------------------------------------------------


def effects(name: str) -> tuple[Any, Any]:
    return np.array(EXPECTED[name]["yi"], dtype=float), np.array(EXPECTED[name]["vi"], dtype=float)


# R: rma(yi, vi, method = "REML", test = "adhoc"); metafor.json says how it was made
@pytest.mark.parametrize("name", EXPECTED)
def test_pooled_equals_metafor(name: str) -> None:
    effect, variance = effects(name)
    fit, expected = (
        random_effects(effect, variance, np.ones((len(effect), 1))),
        EXPECTED[name]["pooled"],
    )
    assert fit.tau2 == pytest.approx(expected["tau2"], abs=STOPPED)
    assert fit.i2 == pytest.approx(expected["i2"], abs=1e-2)
    assert fit.q == pytest.approx(expected["q"], rel=1e-9)
    assert fit.coefficients[0] == pytest.approx(expected["logit"], abs=1e-4)
    assert math.sqrt(fit.variance()[0, 0]) == pytest.approx(expected["se"], abs=1e-4)


# R: rma(yi, vi, mods = ~ I(dose / 10), method = "REML", test = "adhoc")
@pytest.mark.parametrize("name", REGRESSIONS)
def test_slope_equals_metafors(name: str) -> None:
    effect, variance = effects(name)
    design = np.column_stack([np.ones(len(effect)), np.array(EXPECTED[name]["dose"]) / 10])
    fit, expected = random_effects(effect, variance, design), EXPECTED[name]["regression"]
    assert fit.tau2 == pytest.approx(expected["tau2"], abs=STOPPED)
    assert fit.coefficients.tolist() == pytest.approx(expected["coefficients"], abs=1e-4)
    assert np.sqrt(np.diag(fit.variance())).tolist() == pytest.approx(expected["se"], abs=1e-4)


def test_equal_variances_by_hand() -> None:
    # All weights equal: tau2 is the sample variance less the sampling variance, 4 - 1.
    effect, variance = np.array([-2.0, 0.0, 2.0]), np.ones(3)
    fit = random_effects(effect, variance, np.ones((3, 1)))
    assert fit.tau2 == pytest.approx(3.0)
    assert fit.i2 == pytest.approx(75.0)
    assert fit.q == pytest.approx(8.0)
    assert fit.variance()[0, 0] == pytest.approx(4 / 3)
    assert fit.degrees == 2


def test_effects_that_agree_leave_no_variance_and_no_narrower_interval() -> None:
    effect, variance = np.array([0.0, 0.1, -0.1]), np.ones(3)
    fit = random_effects(effect, variance, np.ones((3, 1)))
    assert fit.tau2 == 0.0
    assert fit.scale == pytest.approx(0.01)
    assert fit.variance()[0, 0] == pytest.approx(1 / 3)
    assert fit.variance(plain=True)[0, 0] == pytest.approx(0.01 / 3)


@given(
    st.lists(st.tuples(st.floats(-3, 3), st.floats(0.05, 2)), min_size=3, max_size=9).filter(
        lambda pairs: len({round(e, 3) for e, _ in pairs}) > 1
    ),
    st.floats(-2, 2),
)
def test_order_does_not_matter_and_a_shift_shifts(
    pairs: list[tuple[float, float]], shift: float
) -> None:
    effect, variance = np.array(pairs).T
    ones = np.ones((len(pairs), 1))
    fit = random_effects(effect, variance, ones)
    back = random_effects(effect[::-1] + shift, variance[::-1], ones)
    assert back.tau2 == pytest.approx(fit.tau2, abs=1e-6)
    assert back.coefficients[0] == pytest.approx(fit.coefficients[0] + shift, abs=1e-6)
    assert fit.tau2 >= 0
