"""Proportional hazards in numpy: R's tests, changes with time by hand, and the whole stage."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import survival.datasets as public
from cohort_run import compared, configuration_of, disagreeing, materials_of, shaken, tables_of
from model_run import as_r, in_r, sample_of, with_stages

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck import influence, proportionality
from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import Floats, Sample
from sarcoma_sbrt.provenance.crosscheck.proportionality import (
    proportional,
    restricted_cubic,
    time_scale,
    timed_effect,
)

# --- R --------------------------------------------------------------------------------------


@pytest.mark.parametrize("transform", ["km", "rank", "identity", "log"])
@pytest.mark.parametrize("name", ["ties", "lesions"])
def test_tests_of_proportional_hazards_are_rs(name: str, transform: str) -> None:
    r = in_r(name, f"zph.{transform}")
    single, overall = proportional(sample_of(name), transform)
    assert [test[0] for test in (*single, overall)] == as_r(r["chisq"])
    assert [test[2] for test in (*single, overall)] == as_r(r["p"])


def test_breslows_ties_are_rs() -> None:
    single, overall = proportional(sample_of("ties", "breslow"), "km")
    assert [t[0] for t in (*single, overall)] == as_r(in_r("ties", "zph.breslow.km")["chisq"])


def test_an_effect_of_log_time_is_rs() -> None:
    d, names = pd.DataFrame(public.load_veteran()), ("karno", "age", "diagtime")
    x, time = d[list(names)].to_numpy(dtype=float), d["time"].to_numpy(dtype=float)
    sample = Sample(names, x, time, d["status"].to_numpy() == 1, "efron")

    def columns(at: float, values: Floats) -> Floats:
        return np.column_stack([values, values * math.log(at)])

    fit, _ = timed_effect(sample, "karno", columns)
    r = in_r("veteran", "cox.time_varying")
    # R has the change with time last, and centres nothing.
    order = [0, 2, 3, 1]
    assert fit.coefficients[order] == as_r(r["coef"])
    assert np.sqrt(np.diag(fit.variance))[order] == as_r(r["se"])
    assert fit.log_likelihood == pytest.approx(r["loglik"], rel=1e-10)


# --- by hand --------------------------------------------------------------------------------


def test_scales_of_time_by_hand() -> None:
    time, event = np.array([2.0, 4.0, 4.0, 8.0, 1.0]), np.array([1, 1, 1, 1, 0]) == 1
    # Of four at risk one dies at 2, two of three at 4: the curve is 1, 3/4 and 1/4 just before.
    assert time_scale(time, event, "km") == pytest.approx([0, 1 / 4, 1 / 4, 3 / 4])
    assert time_scale(time, event, "rank").tolist() == [2.0, 3.5, 3.5, 5.0]
    assert time_scale(time, event, "identity").tolist() == [2, 4, 4, 8]
    assert time_scale(time, event, "log") == pytest.approx(np.log([2, 4, 4, 8]))
    with pytest.raises(NotEstimable, match="time 0"):
        time_scale(time - 2, event, "log")


def test_events_at_one_time_tell_nothing_of_time() -> None:
    sample = replace(sample_of("ties"), time=np.where(sample_of("ties").event, 1.0, 2.0))
    with pytest.raises(NotEstimable, match="one time"):
        proportional(sample, "km")


def test_an_effect_that_does_not_change_is_the_plain_one() -> None:
    sample = sample_of("lesions")
    fit, plain = timed_effect(sample, "bed", lambda _, values: values[:, None])
    assert fit.coefficients == as_r(in_r("lesions", "cox.efron")["coef"])
    assert fit.log_likelihood == pytest.approx(plain, rel=1e-12)


def test_periods_by_hand() -> None:
    """With one covariate the likelihood of two periods is that of each by itself."""
    sample = sample_of("lesions", covariates=("bed",))
    cut = 6.0
    assert sample.event[sample.time <= cut].any()

    def columns(at: float, values: Floats) -> Floats:
        return np.asarray(values[:, None] * [at <= cut, at > cut], dtype=float)

    both, _ = timed_effect(sample, "bed", columns)
    early = replace(sample, event=sample.event & (sample.time <= cut))
    late = replace(sample, event=sample.event & (sample.time > cut))
    for at, part in enumerate((early, late)):
        alone, _ = timed_effect(part, "bed", lambda _, values: values[:, None])
        assert both.coefficients[at] == pytest.approx(alone.coefficients[0], rel=1e-8)
        assert both.variance[at, at] == pytest.approx(alone.variance[0, 0], rel=1e-8)


def test_a_spline_is_straight_beyond_its_knots_and_smooth_at_them() -> None:
    values = np.linspace(0, 100, 1001)
    [bend] = restricted_cubic(values, 3).T
    assert (bend[values <= 10] == 0).all()
    assert np.diff(bend[values > 90.5], 2) == pytest.approx(0, abs=1e-9)
    assert np.abs(np.diff(bend, 3)).max() < 1e-4
    with pytest.raises(NotEstimable, match="too few distinct values"):
        restricted_cubic(np.array([1.0, 2.0, 3.0, 3.0]), 3)


# --- the stage ------------------------------------------------------------------------------


def of_stage(materials: Materials) -> dict[str, str]:
    """What the two engines do not agree in, tests and influence together."""
    found = proportionality.recompute(materials) | influence.recompute(materials)
    return disagreeing(compared(materials, "diagnostics", found, 1e-8))


@pytest.mark.parametrize("cohort", ["small", "reconstructed-2022"])
def test_every_diagnostic_agrees(cohort: str) -> None:
    materials = materials_of(configuration_of(cohort), tables_of(cohort))
    assert of_stage(with_stages(materials, "diagnostics")) == {}


@pytest.mark.parametrize("seed", range(4))
def test_diagnostics_of_shaken_cohorts_agree(seed: int) -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    shaken(raw, tables, seed)
    raw["models"]["alpha"] = 0.4  # that many tests fail
    raw["models"]["diagnostics"]["transform"] = ["km", "rank", "identity", "log"][seed]
    assert of_stage(with_stages(materials_of(raw, tables), "diagnostics")) == {}


def test_continuous_covariates_have_splines_and_strata() -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    raw["cohort"]["kind"] = "observed"
    raw["models"]["alpha"] = 0.95
    raw["models"]["univariable"] = {"os": ["age"], "lc": ["age"]}
    raw["models"]["multivariable"] = {
        "os": {"both": ["age", "grade"]},
        "lc": {"a": ["age", "size"]},
    }
    materials = with_stages(materials_of(raw, tables), "diagnostics")
    splines = [r for r in materials.statistics["diagnostics"] if r["key"].endswith("spline.p")]
    assert sum(r["value"] is not None for r in splines) >= 3
    assert of_stage(materials) == {}
