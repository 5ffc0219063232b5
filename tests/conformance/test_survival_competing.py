"""Competing risks equal R's survival, and Gray's test cmprsk's: see test_survival.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cohorts import close, cohort, each, expected, matrix, per_set

from sarcoma_sbrt.survival.competing import (
    CumulativeIncidence,
    cause_specific,
    fine_gray,
    fit_cumulative_incidence,
    gray_test,
)

LEVEL = 0.95
TIES = ("efron", "breslow")


def curves(name: str, transform: str = "log-log") -> CumulativeIncidence:
    data = cohort(name)
    return fit_cumulative_incidence(data["ctime"], data["cause"], level=LEVEL, transform=transform)


# R: survfit(Surv(ctime, factor(cause, 0:2)) ~ 1, d, conf.type = ...)
@pytest.mark.parametrize("transform", ["log-log", "log", "plain"])
@per_set("cif.log-log")
def test_cumulative_incidence(name: str, transform: str) -> None:
    r, fit = expected(name, f"cif.{transform}"), curves(name, transform)
    at = [fit.at(time) for time in r["time"]]
    assert [point.value for point in at] == close(r["cif"])
    assert [point.standard_error for point in at] == close(r["se"])
    assert [point.low for point in at] == close(r["low"])
    assert [point.high for point in at] == close(r["high"])
    competing = [fit.at(time, competing=True) for time in r["time"]]
    assert [point.value for point in competing] == close(r["other"])
    assert [point.standard_error for point in competing] == close(r["other_se"])


# R: cuminc(d$ctime, d$cause), timepoints(., at)
@per_set("cuminc")
def test_cumulative_incidence_is_that_of_cmprsk(name: str) -> None:
    r, fit = expected(name, "cuminc"), curves(name)
    got = [
        [fit.at(time, competing=competing).value for time in r["time"]]
        for competing in (False, True)
    ]
    assert np.array(got) == matrix(r["cif"])


# cmprsk's variance is Aalen's, survival's (ours) the infinitesimal jackknife's: the ratio of
# standard errors goes to 1 with n; largest at the times asked for.
@pytest.mark.parametrize(
    ("name", "ratio"),
    [
        ("rotterdam", 1.0024),
        ("mgus2", 1.0022),
        ("colon", 1.0009),
        ("pbc", 1.0075),
        ("lesions", 1.0231),
        ("ties", 1.0294),
        ("last_event", 1.1627),
    ],
)
def test_standard_error_of_cmprsk_is_another(name: str, ratio: float) -> None:
    r, fit = expected(name, "cuminc"), curves(name)
    ours = np.array([fit.at(time).standard_error for time in r["time"]])
    assert np.max(np.array(r["se"][0]) / ours) == pytest.approx(ratio, abs=1e-4)


# R: cuminc(ctime, cause, group)$Tests
@per_set("gray")
def test_gray(name: str) -> None:
    r, data = expected(name, "gray"), cohort(name).known("group")
    for at, cause in enumerate((1, 2)):
        test = gray_test(data["ctime"], data["cause"], data["group"], cause=cause)
        assert [test.statistic, test.degrees_of_freedom, test.p] == close(
            [r["chisq"][at], r["df"][at], r["p"][at]]
        )


def subdistribution(name: str, ties: str, *, clustered: bool) -> Any:
    data = cohort(name)
    cluster = data["cluster"] if clustered else None
    return fine_gray(
        data.design, data["ctime"], data["cause"], level=LEVEL, ties=ties, cluster=cluster
    )


# R: coxph(Surv(fgstart, fgstop, fgstatus) ~ ..., finegray(...), weights = fgwt, cluster = ...)
@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("what", ["finegray", "finegray.clustered"])
@per_set("finegray.efron")
def test_fine_gray(name: str, what: str, ties: str) -> None:
    r = expected(name, f"{what}.{ties}")
    fit = subdistribution(name, ties, clustered=what == "finegray.clustered")
    assert [term.coefficient for term in fit.terms] == close(r["coef"])
    assert [term.robust.standard_error for term in fit.terms] == close(r["se"])
    assert [term.standard_error for term in fit.terms] == close(r["naive"])
    wald, of_r = fit.robust_wald, r["wald"]
    assert [wald.statistic, wald.degrees_of_freedom, wald.p] == close(
        [of_r["chisq"], of_r["df"], of_r["p"]]
    )


# crr has Breslow's ties, takes the censoring distribution otherwise where events and censorings
# share a time, and adds its variance to the sandwich: the largest relative differences.
@pytest.mark.parametrize(
    ("name", "coefficient", "error"),
    [
        ("lesions", 1e-12, 1e-4),
        ("colon", 2e-6, 2e-5),
        ("rotterdam", 2e-5, 1e-4),
        ("pbc", 2e-5, 4e-3),
        ("mgus2", 3e-3, 6e-3),
        ("ties", 1.5e-2, 3e-3),
    ],
)
def test_fine_gray_of_cmprsk_is_another(name: str, coefficient: float, error: float) -> None:
    crr, fit = expected(name, "finegray.crr"), subdistribution(name, "breslow", clustered=False)
    ours = np.array([term.coefficient for term in fit.terms])
    errors = np.array([term.robust.standard_error for term in fit.terms])
    assert np.max(np.abs(ours / crr["coef"] - 1)) < coefficient
    assert np.max(np.abs(errors / crr["se"] - 1)) < error


# R: coxph(Surv(ctime, cause == 1) ~ ..., d), and with cluster = cluster
@per_set("causespecific")
def test_cause_specific(name: str) -> None:
    r, robust = expected(name, "causespecific"), expected(name, "causespecific.clustered")
    data = cohort(name)
    fit = cause_specific(
        data.design, data["ctime"], data["cause"], level=LEVEL, cluster=data["cluster"]
    )
    assert [term.coefficient for term in fit.terms] == close(each(r["coef"]))
    assert [term.standard_error for term in fit.terms] == close(each(r["se"]))
    assert [term.robust.standard_error for term in fit.terms] == close(each(robust["se"]))
