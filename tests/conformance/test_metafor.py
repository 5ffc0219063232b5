"""Pooling and meta-regression equal metafor's on the same numbers.

`metafor.json` holds what `metafor.R` prints: R 4.2.2, metafor 3.8-1. pimeta repeats metafor's
Fisher scoring with its stopping rule, so the two agree far below what that rule leaves open
(1e-5 of tau2 to its converged value).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

from sarcoma_sbrt.evidence.comparison import SeriesRate, logit_effect
from sarcoma_sbrt.evidence.synthesis import Pooled, dose_response, leave_one_out, pool

EXPECTED: dict[str, Any] = json.loads(
    Path(__file__).with_name("metafor.json").read_text(encoding="utf-8")
)
REGRESSIONS = [name for name, values in EXPECTED.items() if "regression" in values]
LEFT_OUT = [name for name, values in EXPECTED.items() if "leave_one_out" in values]
EXACT = 1e-9


def series(values: dict[str, Any]) -> list[SeriesRate]:
    doses = values.get("dose", [None] * len(values["n"]))
    return [
        SeriesRate(
            study_id=f"series{i}",
            cohort_id=f"series{i}",
            label="",
            site="lung",
            role="sbrt_series",
            endpoint="lc",
            time_months=24,
            estimator="actuarial",
            unit_of_analysis="patient",
            part="",
            supported=True,
            rate=rate,
            effect=logit_effect(rate, n),
            bed_central=dose,
        )
        for i, (rate, n, dose) in enumerate(zip(values["rate"], values["n"], doses, strict=True))
    ]


def close(expected: Any) -> Any:
    return pytest.approx(expected, rel=EXACT, abs=EXACT)


def logits(*percent: float) -> list[float]:
    return [float(logit(value / 100)) for value in percent]


# R: escalc(measure = "PLO", xi = n * rate / 100, ni = n, add = 1/2, to = "only0")
@pytest.mark.parametrize("name", EXPECTED)
def test_logits_and_variances(name: str) -> None:
    effects = [rate.effect for rate in series(EXPECTED[name])]
    assert [e.logit for e in effects if e] == close(EXPECTED[name]["yi"])
    assert [e.variance for e in effects if e] == close(EXPECTED[name]["vi"])


# R: rma(yi, vi, method = "REML", test = "adhoc"), predict(.), weights(.), and test = "knha"
@pytest.mark.parametrize("name", EXPECTED)
def test_pooled(name: str) -> None:
    expected, got = EXPECTED[name]["pooled"], pool(series(EXPECTED[name]))
    assert [got.logit, got.se] == close([expected["logit"], expected["se"]])
    for ends in (
        ("low", "high"),
        ("low_plain", "high_plain"),
        ("prediction_low", "prediction_high"),
        ("prediction_low_plain", "prediction_high_plain"),
    ):
        assert logits(*(getattr(got, end) for end in ends)) == close([expected[e] for e in ends])
    assert [got.tau2, got.i2, got.q, got.q_p] == close(
        [expected[quantity] for quantity in ("tau2", "i2", "q", "q_p")]
    )
    assert list(got.weights.values()) == close(expected["weights"])


# R: leave1out(rma(yi, vi, method = "REML", test = "adhoc")); predict() of the same without each
@pytest.mark.parametrize("name", LEFT_OUT)
def test_leave_one_out(name: str) -> None:
    expected = EXPECTED[name]["leave_one_out"]
    left = leave_one_out(series(EXPECTED[name])).values()
    pooled = [p for p in left if isinstance(p, Pooled)]
    assert [p.logit for p in pooled] == close(expected["logit"])
    assert logits(*(p.low for p in pooled)) == close(expected["low"])
    assert logits(*(p.high for p in pooled)) == close(expected["high"])
    for name in ("prediction_low", "prediction_high"):
        assert logits(*(getattr(p, name) for p in pooled)) == close(expected[name])
    assert [p.tau2 for p in pooled] == close(expected["tau2"])
    assert [p.i2 for p in pooled] == close(expected["i2"])


# R: rma(yi, vi, mods = ~ I(dose / 10), method = "REML", test = "adhoc"); predict(., newmods = 10)
@pytest.mark.parametrize("name", REGRESSIONS)
def test_regression(name: str) -> None:
    expected, got = EXPECTED[name]["regression"], dose_response(series(EXPECTED[name]))
    assert list(got.coefficients) == close(expected["coefficients"])
    assert list(np.sqrt(np.diag(got.covariance))) == close(expected["se"])
    slope = [float(np.log(value)) for value in (got.odds_ratio, got.low, got.high)]
    assert slope == close([expected["coefficients"][1], expected["low"], expected["high"]])
    assert [got.p, got.tau2, got.i2] == close([expected[q] for q in ("p", "tau2", "i2")])
    assert logits(*got.fitted(100)) == close(expected["line"])
    around = expected["around"]
    accounted = 100 * max(0, 1 - expected["tau2"] / around) if around else None
    assert got.r2 == (None if accounted is None else close(accounted))
