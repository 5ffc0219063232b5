"""Cox models in numpy: R's values, likelihoods by hand, and every number of the stage."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohort_run import (
    compared,
    configuration_of,
    disagreeing,
    materials_of,
    shaken,
    tables_of,
)
from hypothesis import given
from hypothesis import strategies as st
from model_run import MADE, as_r, in_r, sample_of, with_stages

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck import cox_models
from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.cox_models import coded
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import (
    AtMoment,
    Floats,
    Runaway,
    Sample,
    Wald,
    estimate,
    firth,
    fixed,
    likelihood,
    maximum,
    merged_times,
    monotone,
    penalised,
    residuals,
    timed,
    wald_test,
)
from sarcoma_sbrt.settings import Covariate, Level

TIES = ("efron", "breslow")
CLUSTERED = ("ties", "lesions")


# --- R --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", CLUSTERED)
def test_models_are_rs(name: str, ties: str) -> None:
    fit, r = estimate(sample_of(name, ties), level=0.95), in_r(name, f"cox.{ties}")
    assert fit.coefficients == as_r(r["coef"])
    assert np.sqrt(np.diag(fit.variance)) == as_r(r["se"])
    assert (fit.log_likelihood, fit.null) == as_r((r["loglik"], r["null"]))
    for test, of in (("likelihood_ratio", "lr"), ("wald", "wald"), ("score", "score")):
        assert fit.tests[test] == as_r([r[of][part] for part in ("chisq", "df", "p")])


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", CLUSTERED)
def test_clustered_variances_and_tests_are_rs(name: str, ties: str) -> None:
    r = in_r(name, f"cox.clustered.{ties}")
    fit = estimate(sample_of(name, ties, cluster=True), level=0.95)
    assert fit.robust == as_r(r["var"])
    assert fit.tests["robust_wald"] == as_r([r["wald"][p] for p in ("chisq", "df", "p")])
    assert fit.tests["robust_score"] == as_r([r["score"][p] for p in ("chisq", "df", "p")])


@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("name", CLUSTERED)
def test_profile_limits_are_rs(name: str, ties: str) -> None:
    r = in_r(name, f"cox.profile.{ties}")
    fit = estimate(sample_of(name, ties), level=0.95, profiled=True)
    for side, of in enumerate(("low", "high")):
        logs = [math.log(fit.profile[covariate][side]) for covariate in MADE[name]]
        assert logs == as_r(r[of])


@pytest.mark.parametrize("name", CLUSTERED)
def test_strata_are_rs(name: str) -> None:
    r, clustered = (in_r(name, f"cox.stratified{of}") for of in ("", ".clustered"))
    fit = estimate(sample_of(name, stratum=True, cluster=True), level=0.95)
    assert fit.coefficients == as_r(r["coef"])
    assert np.sqrt(np.diag(fit.variance)) == as_r(r["se"])
    assert fit.robust == as_r(clustered["var"])


@pytest.mark.parametrize("name", MADE)
def test_firths_estimate_is_its_definition_maximised_in_r(name: str) -> None:
    r, fit = in_r(name, "firth.breslow"), firth(sample_of(name), level=0.95)
    assert fit.coefficients == as_r(r["coef"], 1e-7)
    assert np.sqrt(np.diag(fit.variance)) == as_r(r["se"], 1e-7)
    for part, of in enumerate(("low", "high")):
        assert [math.log(fit.profile[n][part]) for n in MADE[name]] == as_r(r[of], 1e-6)
    assert [fit.profile[n][2] for n in MADE[name]] == as_r(r["p"], 1e-6)


# --- by hand --------------------------------------------------------------------------------


def small(x: list[float], time: list[float], event: list[int], ties: str = "efron") -> Sample:
    column = np.array(x, dtype=float)[:, None]
    return Sample(("x",), column, np.array(time, dtype=float), np.array(event) == 1, ties)


def test_likelihood_by_hand() -> None:
    # One dies of three, then one of two; the last is alive. Exposed have twice the hazard.
    sample = small([1, 0, 1], [1, 2, 3], [1, 1, 0])
    scale = float(sample.scale[0])
    point = likelihood(fixed(sample), np.array([math.log(2) * scale]))
    assert point.log_likelihood == pytest.approx(math.log(2 / 5) + math.log(1 / 3), rel=1e-14)
    assert point.score[0] * scale == pytest.approx((1 - 4 / 5) + (0 - 2 / 3), rel=1e-13)


def test_two_tied_events_by_hand() -> None:
    # At risk 2, 1 and 2; an exposed and another die together.
    rows = ([1, 0, 1], [1, 1, 3], [1, 1, 0])
    logs = {"breslow": math.log(2 / 25), "efron": math.log(2 / (5 * (5 - 3 / 2)))}
    for ties, expected in logs.items():
        sample = small(*rows, ties)
        point = likelihood(fixed(sample), np.array([math.log(2) * float(sample.scale[0])]))
        assert point.log_likelihood == pytest.approx(expected, rel=1e-14)


def test_times_that_differ_by_rounding_are_one() -> None:
    assert merged_times(np.array([0.1 + 0.2, 0.3, 0.5])).tolist() == [0.3, 0.3, 0.5]
    assert merged_times(np.array([1.0, 1.0 + 1e-6])).tolist() == [1.0, 1.0 + 1e-6]
    assert merged_times(np.array([7.0])).tolist() == [7.0]


def test_wald_by_hand() -> None:
    wald = Wald.of(0.5, 0.25, 0.95)
    assert (wald.low, wald.high) == pytest.approx((math.exp(0.5 - 0.489991), math.exp(0.989991)))
    assert wald.p == pytest.approx(0.0455003, abs=1e-7)
    with pytest.raises(NotEstimable, match="not above 0"):
        Wald.of(0.5, 0.0, 0.95)
    with pytest.raises(NotEstimable, match="beyond any number"):
        Wald.of(0.5, 1000.0, 0.95)


def test_joint_wald_by_hand_and_singular() -> None:
    chi, df, p = wald_test(np.array([1.0, 2.0]), np.diag([1.0, 4.0]))
    assert (chi, df, p) == pytest.approx((2.0, 2, math.exp(-1)))
    with pytest.raises(NotEstimable, match="singular"):
        wald_test(np.array([1.0, 2.0]), np.ones((2, 2)))


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        (([1, 0, 1, 0], [1, 2, 3, 4], [1, 0, 1, 0]), Runaway),  # one level has no event
        (([1, 1, 1, 1], [1, 2, 3, 4], [1, 0, 1, 0]), NotEstimable),
        (([1, 0, 1, 0], [1, 2, 3, 4], [0, 0, 0, 0]), NotEstimable),
        (([1, 0, 1, 0], [1, 2, 4, 4], [0, 0, 1, 1]), NotEstimable),  # nobody is left
        (([3, 2, 1, 0], [1, 2, 3, 4], [1, 1, 1, 0]), Runaway),  # in the order of the covariate
    ],
)
def test_what_has_no_model(
    rows: tuple[list[float], list[float], list[int]], kind: type[Exception]
) -> None:
    with pytest.raises(NotEstimable) as raised:
        estimate(small(*rows), level=0.95)
    assert type(raised.value) is kind


def test_fewer_events_than_covariates_have_no_model() -> None:
    sample = replace(sample_of("ties"), event=np.arange(40) == 3)
    with pytest.raises(NotEstimable, match="fewer events than covariates"):
        estimate(sample, level=0.95)


def test_too_few_clusters_have_no_variance() -> None:
    sample = sample_of("ties")
    with pytest.raises(NotEstimable, match="too few clusters"):
        estimate(replace(sample, cluster=np.arange(40) % 2), level=0.95)


# --- what must hold of any data -------------------------------------------------------------

ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.booleans(), st.integers(-3, 3), st.integers(-3, 3)),
    min_size=4,
    max_size=20,
)
COEFFICIENTS = st.tuples(st.floats(-1, 1), st.floats(-1, 1))


def drawn(rows: list[tuple[int, bool, int, int]], ties: str) -> Sample | None:
    time, event, *x = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    sample = Sample(("a", "b"), np.column_stack(x), time, event == 1, ties)
    return sample if event.any() else None


@given(ROWS, COEFFICIENTS, st.sampled_from(TIES))
def test_slope_and_curvature_are_derivatives(
    rows: list[tuple[int, bool, int, int]], at: tuple[float, float], ties: str
) -> None:
    sample = drawn(rows, ties)
    if sample is None:
        return
    sets, here, step = fixed(sample), np.array(at), 1e-5
    point = likelihood(sets, here)
    for way in np.eye(2):
        up, down = (likelihood(sets, here + side * step * way) for side in (1, -1))
        slope = (up.log_likelihood - down.log_likelihood) / (2 * step)
        assert slope == pytest.approx(float(point.score @ way), rel=1e-6, abs=1e-6)
        curvature = (down.score - up.score) / (2 * step)
        assert curvature == pytest.approx(point.information @ way, rel=1e-6, abs=1e-6)


@given(ROWS, COEFFICIENTS, st.sampled_from(TIES))
def test_residuals_sum_to_the_slope(
    rows: list[tuple[int, bool, int, int]], at: tuple[float, float], ties: str
) -> None:
    sample = drawn(rows, ties)
    if sample is not None:
        sets = fixed(sample)
        point = likelihood(sets, np.array(at))
        assert residuals(sets, point).sum(axis=0) == pytest.approx(point.score, abs=1e-9)


def rises_for_ever(sample: Sample) -> bool:
    """Whether a likelihood of two whole-numbered covariates has no maximum, tried by hand.

    The edges of the plane's directions in which nobody at risk lies above an event are at right
    angles to a difference, or along one.
    """
    differences = [
        one - other
        for one, when in zip(sample.x[sample.event], sample.time[sample.event], strict=True)
        for other in sample.x[sample.time >= when]
    ]
    edges = [side * way for d in differences for way in (d, d[::-1] * (1, -1)) for side in (1, -1)]
    return any(
        min(d @ edge for d in differences) >= 0 < max(d @ edge for d in differences)
        for edge in edges
    )


@given(ROWS)
def test_a_likelihood_without_a_maximum_is_told_from_its_risk_sets(
    rows: list[tuple[int, bool, int, int]],
) -> None:
    sample = drawn(rows, "efron")
    if sample is not None:
        expected = rises_for_ever(sample)
        assert monotone(fixed(sample), (0, 1)) is expected
        assert monotone(timed(as_moments(sample), len(rows), efron=True)[0], (0, 1)) is expected


def test_strata_are_looked_at_one_by_one() -> None:
    # Within each stratum the exposed die first; over both one of the others dies before.
    sample = small([1, 0, 1, 0], [1, 3, 4, 5], [1, 1, 1, 0])
    assert monotone(fixed(replace(sample, stratum=np.array([0, 0, 1, 1]))), (0,))
    assert not monotone(fixed(sample), (0,))


def test_a_great_standard_error_is_no_proof_that_there_is_no_maximum() -> None:
    # Two covariates that one row of all tells apart, by a ten-thousandth.
    x = np.array([[1.0, 1], [0, 0], [1, 1], [0, 1e-4], [0, 0], [1, 1]])
    sample = Sample(("a", "b"), x, np.arange(1.0, 7), np.array([1, 1, 0, 1, 1, 1]) == 1, "efron")
    best, point = maximum(fixed(sample))
    assert np.sqrt(np.diag(np.linalg.inv(point.information))).min() > 1e3
    assert np.abs(point.score / np.abs(best)).max() < 1e-9


def as_moments(sample: Sample) -> list[AtMoment]:
    """Everybody at risk, listed time by time."""
    found = []
    for moment in np.unique(sample.time[sample.event]):
        rows = np.flatnonzero(sample.time >= moment)
        dying = sample.event[rows] & (sample.time[rows] == moment)
        found.append(AtMoment(rows, sample.x[rows], dying, np.ones(len(rows))))
    return found


@given(ROWS, COEFFICIENTS, st.sampled_from(TIES))
def test_risk_sets_listed_time_by_time_are_the_same(
    rows: list[tuple[int, bool, int, int]], at: tuple[float, float], ties: str
) -> None:
    sample = drawn(rows, ties)
    if sample is None:
        return
    sets, (listed, scale) = (
        fixed(sample),
        timed(as_moments(sample), len(rows), efron=ties[0] == "e"),
    )
    one = likelihood(sets, np.array(at) * sample.scale)
    other = likelihood(listed, np.array(at) * scale)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, rel=1e-9, abs=1e-9)
    assert other.score * scale == pytest.approx(one.score * sample.scale, rel=1e-9, abs=1e-9)
    mine, theirs = residuals(sets, one) * sample.scale, residuals(listed, other) * scale
    assert theirs == pytest.approx(mine, rel=1e-8, abs=1e-8)


@given(ROWS, COEFFICIENTS)
def test_penalised_slope_is_a_derivative(
    rows: list[tuple[int, bool, int, int]], at: tuple[float, float]
) -> None:
    sample = drawn(rows, "breslow")
    if sample is None:
        return
    sets, here, step = fixed(sample), np.array(at), 1e-5
    if np.linalg.eigvalsh(likelihood(sets, here).information)[0] < 1e-2:
        return
    _, slope, _ = penalised(sets, here)
    for way in np.eye(2):
        up, down = (penalised(sets, here + side * step * way)[0] for side in (1, -1))
        assert (up - down) / (2 * step) == pytest.approx(float(slope @ way), rel=1e-5, abs=1e-5)


# --- covariates -----------------------------------------------------------------------------

LEVELS = {
    "codes": (Level("", ("G1",)), Level("", ("G2", "G3")), ["G1", "G3", "G9", None]),
    "the rest": (Level("", ("G1",)), Level(""), ["G1", "G3", "G9", None]),
    "not the reference": (Level(""), Level("", ("G1",)), ["G1", "G3", "G9", None]),
    "at most": (Level("", at_most=50), Level(""), [50, 50.0000000001, 51, None]),
    "below": (Level("", below=100), Level(""), [99, 99.99999999999, 100, None]),
}
CODES: dict[str, list[float]] = {
    "codes": [1, 0, math.nan, math.nan],
    "the rest": [1, 0, 0, math.nan],
    "not the reference": [0, 1, 1, math.nan],
    "at most": [1, 1, 0, math.nan],
    "below": [1, 0, 0, math.nan],
}


@pytest.mark.parametrize("how", LEVELS)
def test_sides_of_a_covariate(how: str) -> None:
    level, reference, values = LEVELS[how]
    covariate = Covariate("c", "c", "patients.c", level, reference)
    found = coded(pd.Series(values, dtype=object), covariate)
    assert np.array_equal(found, CODES[how], equal_nan=True)


def test_a_continuous_covariate_is_in_steps() -> None:
    found: Floats = coded(pd.Series([35.0, None]), Covariate("age", "Age", "p.age", step=10))
    assert np.array_equal(found, [3.5, math.nan], equal_nan=True)


# --- the stages -----------------------------------------------------------------------------


def of_stage(materials: Materials, stage: str) -> dict[str, str]:
    """What of a stage the two engines do not agree in."""
    seconds = cox_models.recompute(materials)
    own = {key: s for key, s in seconds.items() if key.startswith(f"{stage}.")}
    records = [r for r in materials.statistics[stage] if stage == "cox" or r["key"] in own]
    checks = compared(replace(materials, statistics={stage: records}), stage, own, 1e-8)
    return disagreeing(checks)


@pytest.mark.parametrize("cohort", ["small", "reconstructed-2022"])
def test_every_cox_model_agrees(cohort: str) -> None:
    materials = materials_of(configuration_of(cohort), tables_of(cohort))
    assert of_stage(with_stages(materials, "cox"), "cox") == {}


# How the first engine says that its own steps, not the data, ended without a result.
ENDED = (
    "the penalised fit does not converge",
    "the limits of the penalised fit were not found",
    "rounding leaves the robust variance no digits",
)


@pytest.mark.parametrize("seed", range(6))
def test_cox_models_of_shaken_cohorts_agree(seed: int) -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    shaken(raw, tables, seed)
    materials = with_stages(materials_of(raw, tables), "cox")
    ended = {r["key"] for r in materials.statistics["cox"] if str(r["reason"]).endswith(ENDED)}
    assert of_stage(materials, "cox").keys() <= ended


def test_every_cox_model_of_the_doses_agrees() -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    raw["models"]["dose"]["cut_points"]["permutations"] = 19
    materials = with_stages(materials_of(raw, tables, "dose_sensitivity"), "cox")
    seconds = cox_models.recompute(materials)
    modelled = ("hr", "p", "naive", "naive_p", "se_ratio", "hr_least", "hr_greatest")
    asked = {
        r["key"]
        for r in materials.statistics["dose_sensitivity"]
        if r["key"].rpartition(".")[2] in modelled and ".search." not in r["key"]
    }
    assert {key for key in seconds if key.startswith("dose_sensitivity.")} == asked
    assert of_stage(materials, "dose_sensitivity") == {}


def test_a_number_that_is_not_the_datas_is_found() -> None:
    materials = with_stages(materials_of(configuration_of("small"), tables_of("small")), "cox")
    known = [r for r in materials.statistics["cox"] if r["key"].endswith(".hr") and r["value"]]
    wrong = known[0] | {"value": known[0]["value"] * (1 + 1e-6)}
    records = [wrong if r["key"] == wrong["key"] else r for r in materials.statistics["cox"]]
    changed = replace(materials, statistics={"cox": records})
    assert of_stage(changed, "cox").keys() == {wrong["key"]}


@pytest.mark.parametrize("reason", [*ENDED, "the partial likelihood has no unique finite maximum"])
def test_a_first_engine_that_wrongly_gives_up_does_not_agree(reason: str) -> None:
    materials = with_stages(materials_of(configuration_of("small"), tables_of("small")), "cox")
    known = next(r for r in materials.statistics["cox"] if r["key"].endswith(".hr") and r["value"])
    given_up = known | {"value": None, "ci": None, "p": None, "reason": reason}
    records = [given_up if r["key"] == known["key"] else r for r in materials.statistics["cox"]]
    faults = of_stage(replace(materials, statistics={"cox": records}), "cox")
    assert faults.keys() == {known["key"]}
    assert faults[known["key"]].startswith("no value, by the second engine ")
