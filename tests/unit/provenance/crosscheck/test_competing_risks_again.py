"""Competing risks in numpy: R's values, curves by hand, and every number of the stage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from cohort_run import compared, configuration_of, disagreeing, materials_of, shaken, tables_of
from model_run import as_r, frame_of, in_r, sample_of, with_stages

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.competing_risks import (
    band,
    fine_gray,
    gray,
    incidence,
    recompute,
    survival,
)

WITH_CAUSES = ("ties", "lesions", "last_event")


def listed(value: object) -> list[float]:
    return value if isinstance(value, list) else [value]  # type: ignore[list-item]


# --- R --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
@pytest.mark.parametrize("name", WITH_CAUSES)
def test_incidences_with_their_bands_are_rs(name: str, transform: str) -> None:
    d, r = frame_of(name), in_r(name, f"cif.{transform}")
    curve = incidence(d["time"].to_numpy(float), d["cause"].to_numpy(int), 1)
    for time, cif, se, *limits in zip(
        *(listed(r[part]) for part in ("time", "cif", "se", "low", "high")), strict=True
    ):
        value, error = curve.at(time)
        assert (value, error) == as_r((cif, se))
        found = band(value, error, 0.95, transform)
        assert found == (None, None) if limits[0] is None else found == as_r(limits)


@pytest.mark.parametrize("name", WITH_CAUSES)
def test_grays_tests_are_cmprsks(name: str) -> None:
    d, r = frame_of(name), in_r(name, "gray")
    d = d.dropna(subset=["group"])
    columns = (d["time"].to_numpy(float), d["cause"].to_numpy(int), d["group"].to_numpy())
    found = [gray(*columns, cause) for cause in (1, 2)]
    assert [test[0] for test in found] == as_r(r["chisq"])
    assert [test[1] for test in found] == as_r(r["p"])


@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", ["ties", "lesions"])
def test_fine_and_grays_models_are_rs(name: str, ties: str, clustered: bool) -> None:
    r = in_r(name, f"finegray.{'clustered.' if clustered else ''}{ties}")
    sample = sample_of(name, ties, cluster=clustered)
    fit = fine_gray(sample, frame_of(name)["cause"].to_numpy(int))
    assert fit.coefficients == as_r(r["coef"])
    assert fit.robust is not None
    assert np.sqrt(np.diag(fit.robust)) == as_r(r["se"])


# --- by hand --------------------------------------------------------------------------------


def test_incidence_by_hand() -> None:
    # Of four one fails at 1, one dies at 2 and one fails at 3 with the last censored then.
    time, code = np.array([1.0, 2.0, 3.0, 3.0]), np.array([1, 2, 1, 0])
    curve, deaths = (incidence(time, code, cause) for cause in (1, 2))
    assert curve.value == pytest.approx([1 / 4, 1 / 4, 1 / 4 + 1 / 2 * 1 / 2])
    assert deaths.value == pytest.approx([0, 1 / 4, 1 / 4])
    assert curve.free == pytest.approx([3 / 4, 1 / 2, 1 / 4])
    # Before any censoring it is a proportion with its binomial error.
    assert curve.error[0] == pytest.approx(math.sqrt(1 / 4 * 3 / 4 / 4))
    assert curve.at(0.5) == (0.0, 0.0)
    with pytest.raises(NotEstimable, match="followed that long"):
        curve.at(3.5)


def test_without_competing_events_incidence_is_one_less_survival() -> None:
    d = frame_of("lesions")
    time, event = d["time"].to_numpy(float), d["event"].to_numpy(int)
    curve, kept = incidence(time, event, 1), survival(time, event == 1)
    assert curve.value == pytest.approx(1 - kept.value, abs=1e-12)
    # The jackknife's error is Greenwood's too, as long as nobody is tied with a censoring.
    assert curve.free == pytest.approx(kept.value, abs=1e-12)


def test_a_curve_that_came_to_its_end_is_known_for_ever() -> None:
    curve = incidence(np.array([1.0, 2.0]), np.array([1, 2]), 1)
    assert curve.at(99)[0] == pytest.approx(0.5)


def test_bands_by_hand() -> None:
    assert band(0.0, 0.0, 0.95, "log") == (None, None)
    assert band(1.0, 0.0, 0.95, "log-log") == (None, None)
    assert band(0.9, 0.2, 0.95, "plain") == (pytest.approx(0.9 - 0.391993, abs=1e-6), 1.0)
    low, high = band(0.5, 0.1, 0.95, "log-log")
    power = math.exp(1.959964 * 0.1 / (0.5 * math.log(2)))
    assert (low, high) == pytest.approx((0.5**power, 0.5 ** (1 / power)), rel=1e-6)


@pytest.mark.parametrize(
    ("code", "group"), [([1, 2, 0], "aaa"), ([1, 1, 0], "aba"), ([2, 2, 0], "aba")]
)
def test_nothing_to_compare(code: list[int], group: str) -> None:
    with pytest.raises(NotEstimable):
        gray(np.array([1.0, 2.0, 3.0]), np.array(code), np.array(list(group)), 1)


def test_fine_and_gray_need_a_competing_event() -> None:
    sample = sample_of("lesions")
    with pytest.raises(NotEstimable, match="no competing event"):
        fine_gray(sample, sample.event.astype(int))


# --- the stage ------------------------------------------------------------------------------


def of_stage(materials: Materials) -> dict[str, str]:
    return disagreeing(compared(materials, "competing", recompute(materials)))


@pytest.mark.parametrize("cohort", ["small", "reconstructed-2022"])
def test_every_competing_risk_agrees(cohort: str) -> None:
    materials = materials_of(configuration_of(cohort), tables_of(cohort))
    assert of_stage(with_stages(materials, "competing")) == {}


@pytest.mark.parametrize("seed", range(5))
def test_competing_risks_of_shaken_cohorts_agree(seed: int) -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    shaken(raw, tables, seed)
    raw["endpoints"]["endpoints"]["lc"] |= {"death": "competing", "death_gap_months": 6}
    assert of_stage(with_stages(materials_of(raw, tables), "competing")) == {}
