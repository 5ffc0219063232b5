"""Proportional hazards, influence, splines and concordance equal R's: see test_survival.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from cohorts import close, cohort, each, expected, matrix, per_set

from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.diagnostics import functional_form, influence, proportional_hazards
from sarcoma_sbrt.survival.nonproportional import log_time_effect
from sarcoma_sbrt.survival.performance import concordance, uno_concordance

LEVEL = 0.95
TRANSFORMS = ("km", "rank", "identity", "log")


def zph_of(name: str, *, stratified: bool = False, **options: Any) -> Any:
    data = cohort(name)
    frame = data.known("stratum") if stratified else data.frame
    if stratified:
        options["strata"] = frame["stratum"]
    design = frame[list(data.covariates)]
    return proportional_hazards(design, frame["time"], frame["event"], level=LEVEL, **options)


def rows(zph: Any) -> list[list[float]]:
    tests = [*zph.tests, zph.overall]
    return [
        [test.statistic for test in tests],
        [test.degrees_of_freedom for test in tests],
        [test.p for test in tests],
    ]


def of_r(table: dict[str, Any]) -> Any:
    return close([table["chisq"], table["df"], table["p"]])


# R: cox.zph(coxph(..., ties = "efron"), transform = ...)
@pytest.mark.parametrize("transform", TRANSFORMS)
@per_set("zph.km")
def test_proportional_hazards(name: str, transform: str) -> None:
    assert rows(zph_of(name, transform=transform)) == of_r(expected(name, f"zph.{transform}"))


@pytest.mark.parametrize("transform", TRANSFORMS)
@per_set("zph.stratified.km")
def test_proportional_hazards_within_strata(name: str, transform: str) -> None:
    r = expected(name, f"zph.stratified.{transform}")
    assert rows(zph_of(name, transform=transform, stratified=True)) == of_r(r)


@per_set("zph.breslow.km")
def test_proportional_hazards_with_breslow_ties(name: str) -> None:
    assert rows(zph_of(name, ties="breslow")) == of_r(expected(name, "zph.breslow.km"))


# R: cox.zph(fit, transform = "identity")$y
@per_set("schoenfeld.scaled")
def test_scaled_schoenfeld_residuals(name: str) -> None:
    r, zph = expected(name, "schoenfeld.scaled"), zph_of(name, transform="identity")
    assert zph.residuals[0].time.tolist() == r["time"]
    got = np.column_stack([residuals.coefficient for residuals in zph.residuals])
    assert got == matrix(r["value"])


# R: residuals(fit, "dfbeta")
@per_set("dfbeta")
def test_dfbeta(name: str) -> None:
    data = cohort(name)
    changes = influence(data.design, data["time"], data["event"], level=LEVEL)
    assert changes.change == matrix(expected(name, "dfbeta"))


# R: residuals(fit, "dfbeta", collapse = d$cluster)
@per_set("dfbeta.clustered")
def test_dfbeta_of_clusters(name: str) -> None:
    r, data = expected(name, "dfbeta.clustered"), cohort(name)
    changes = influence(
        data.design, data["time"], data["event"], level=LEVEL, cluster=data["cluster"]
    )
    assert list(changes.units) == r["cluster"]
    assert changes.change == matrix(r["value"])


# R: coxph(... + tt(karno), tt = function(x, t, ...) x * log(t))
def test_effect_that_changes_with_log_time() -> None:
    r, data = expected("veteran", "cox.time_varying"), cohort("veteran")
    fit = log_time_effect(data.design, data["time"], data["event"], "karno", level=LEVEL)
    terms = {term.name: term for term in fit.terms}
    names = ["karno", "age", "diagtime", "karno × log(time)"]
    assert r["term"] == [*names[:3], "tt(karno)"]
    assert [terms[name].coefficient for name in names] == close(r["coef"])
    assert [terms[name].standard_error for name in names] == close(r["se"])


# R: anova of the model with the line and that with splines::ns(x, df = 3) or nsk(x, df = 3)
@pytest.mark.parametrize(("basis", "outer"), [("ns", 0.0), ("nsk", 0.05)])
@per_set("spline.ns")
def test_spline_against_line(name: str, basis: str, outer: float) -> None:
    r, data, smooth = expected(name, f"spline.{basis}"), cohort(name), smoothed(name)
    form = functional_form(
        data.design,
        data["time"],
        data["event"],
        smooth,
        level=LEVEL,
        knots=natural_knots(data.complete[smooth], outer),
    )
    test = form.nonlinearity
    assert [test.statistic, test.degrees_of_freedom, test.p] == close([r["chisq"], r["df"], r["p"]])


def smoothed(name: str) -> str:
    return str(expected(name, "frame")["smooth"])


def natural_knots(values: pd.Series, outer: float) -> list[float]:
    """R's: boundary knots at `outer` of either tail, the others at thirds of what is between."""
    low, high = np.quantile(values, [outer, 1 - outer])
    inside = values[(values >= low) & (values <= high)]
    return [float(low), *np.quantile(inside, [1 / 3, 2 / 3]).tolist(), float(high)]


# --- concordance --------------------------------------------------------------------------


def predicted(name: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Complete cases and their linear predictor."""
    data = cohort(name)
    frame = data.complete
    fit = fit_cox(data.design, data["time"], data["event"], level=LEVEL)
    design = frame[list(data.covariates)].to_numpy(dtype=float)
    return frame, design @ np.array([term.coefficient for term in fit.terms])


# R: concordance(coxph(...))
@per_set("concordance.n")
def test_harrell_concordance(name: str) -> None:
    r, (frame, risk) = expected(name, "concordance.n"), predicted(name)
    c = concordance(frame["time"], frame["event"], risk, level=LEVEL)
    assert [c.value, c.standard_error] == close([r["concordance"], r["se"]])


# R: concordance(coxph(...), cluster = d$cluster)
@per_set("concordance.n.clustered")
def test_harrell_concordance_of_clusters(name: str) -> None:
    r, (frame, risk) = expected(name, "concordance.n.clustered"), predicted(name)
    c = concordance(frame["time"], frame["event"], risk, level=LEVEL, patient=frame["cluster"])
    assert [c.value, c.standard_error] == close([*each(r["concordance"]), r["se"]])


# R: concordance(coxph(...), timewt = "n/G2", ymax = tau)
@per_set("concordance.n/G2.tau")
def test_uno_concordance(name: str) -> None:
    r, (frame, risk) = expected(name, "concordance.n/G2.tau"), predicted(name)
    tau = cohort(name).tau
    assert uno_concordance(frame["time"], frame["event"], risk, tau=tau) == close(r["concordance"])
