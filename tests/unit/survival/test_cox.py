"""Expected values from R 4.2.2, survival 3.5-3, coxph.control(eps = 1e-14, iter.max = 100)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung, load_rossi
from sksurv.datasets import load_veterans_lung_cancer

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import complete_cases, fit_cox

EXACT = 1e-8


# R: coxph(Surv(time, status == 2) ~ age + sex + ph.ecog, lung); $loglik[2]; exp(confint(.))
def test_lung_equals_r_and_leaves_out_whom_a_covariate_is_missing_of() -> None:
    data = load_lung()
    fit = fit_cox(data[["age", "sex", "ph.ecog"]], data["time"], data["status"], level=0.95)
    assert [t.name for t in fit.terms] == ["age", "sex", "ph.ecog"]
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [0.0110667645961186, -0.5526123955318371, 0.4637284751157322], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.0092674110143657, 0.1677390537834223, 0.1135772661613712], rel=EXACT
    )
    assert [t.p for t in fit.terms] == pytest.approx(
        [0.232415679511979362, 0.000986051375467030, 0.000044470666943553], rel=EXACT
    )
    assert [t.low for t in fit.terms] == pytest.approx(
        [0.992928097204346, 0.414213018623450, 1.272675177451712], rel=EXACT
    )
    assert [t.high for t in fit.terms] == pytest.approx(
        [1.029661962280611, 0.799435127518466, 1.986423580779223], rel=EXACT
    )
    assert fit.log_likelihood == pytest.approx(-729.230121374862, rel=1e-12)
    assert (fit.n, fit.events, fit.dropped) == (227, 164, 1)


# R: coxph(Surv(time, status) ~ karno + age + trt, veteran)
def test_veteran_equals_r() -> None:
    covariates, outcome = load_veterans_lung_cancer()
    design = pd.DataFrame(
        {
            "karno": covariates["Karnofsky_score"],
            "age": covariates["Age_in_years"],
            "trt": (covariates["Treatment"] == "test").astype(float),
        }
    )
    fit = fit_cox(design, outcome["Survival_in_days"], outcome["Status"], level=0.95)
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [-0.03444389683874910, -0.00386441787397458, 0.18954644192337833], rel=EXACT
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [0.00523241490055477, 0.00918738465815066, 0.18553066502305918], rel=EXACT
    )
    assert [t.z for t in fit.terms] == pytest.approx(
        [-6.582791596877605, -0.420622192034403, 1.021644814887178], rel=EXACT
    )
    assert [t.p for t in fit.terms] == pytest.approx(
        [4.61696097923157e-11, 6.74030986058559e-01, 3.06949038772548e-01], rel=EXACT
    )


# R: coxph(Surv(week, arrest) ~ fin + age + race + wexp + mar + paro + prio, rossi)
def test_rossi_with_many_ties_equals_r() -> None:
    data = load_rossi()
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    fit = fit_cox(data[names], data["week"], data["arrest"], level=0.95)
    assert [t.coefficient for t in fit.terms] == pytest.approx(
        [
            -0.3794221668712051,
            -0.0574377430137615,
            0.3138997859493020,
            -0.1497956972227822,
            -0.4337038766902505,
            -0.0848710829908305,
            0.0914970793511212,
        ],
        rel=EXACT,
    )
    assert [t.standard_error for t in fit.terms] == pytest.approx(
        [
            0.1913794807128090,
            0.0219994706279538,
            0.3079927763929380,
            0.2122242961581635,
            0.3818680574649214,
            0.1957566719209233,
            0.0286485500734706,
        ],
        rel=EXACT,
    )
    assert [t.hazard_ratio for t in fit.terms] == pytest.approx(
        [
            0.684256681179724,
            0.944180670399674,
            1.368752561435469,
            0.860883839419052,
            0.648104145817070,
            0.918630703891027,
            1.095813576201175,
        ],
        rel=EXACT,
    )


def test_the_unit_of_a_covariate_rescales_its_coefficient_only() -> None:
    # lifelines warns of a "low variance" that is only a matter of the unit.
    data = load_lung()
    years = fit_cox(data[["age"]], data["time"], data["status"], level=0.95)["age"]
    kiloyears = fit_cox(data[["age"]] / 1000, data["time"], data["status"], level=0.95)["age"]
    assert kiloyears.coefficient == pytest.approx(1000 * years.coefficient, rel=EXACT)
    assert kiloyears.p == pytest.approx(years.p, rel=EXACT)


def test_a_competing_event_is_censored() -> None:
    data = load_lung()
    dead = data["status"].to_numpy()
    codes = np.where(dead == 0, 2, dead)
    one = fit_cox(data[["sex"]], data["time"], codes, level=0.95)
    assert one == fit_cox(data[["sex"]], data["time"], dead, level=0.95)


def test_complete_cases_say_who_was_kept() -> None:
    design = pd.DataFrame({"a": [1.0, np.nan, 0.0, 1.0], "b": [1.0, 1.0, np.nan, 0.0]})
    cases = complete_cases(design, [5, 6, 7, 8], [1, 1, 0, 2])
    assert cases.kept.tolist() == [True, False, False, True]
    assert cases.time.tolist() == [5, 8]
    assert (cases.n, cases.events, cases.dropped) == (2, 1, 2)


SEPARATED = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize(
    ("columns", "event", "reason"),
    [
        ({"grade": [np.nan] * 6}, [1] * 6, "nobody has every covariate recorded"),
        ({"grade": [0, 1, 0, 1, 0, 1]}, [0, 2, 0, 0, 0, 0], "no event was observed"),
        ({"grade": [1.0] * 6}, [1] * 6, "grade has one level only"),
        ({"grade": [1, 1, 1, 1, 1, np.nan]}, [1] * 6, "grade has one level only"),
        (
            {"grade": [1, 0, 1, 0, 1, 0]},
            [1, 0, 1, 0, 1, 0],
            "one level of grade has no event, so that the likelihood is monotone",
        ),
        (
            {"age": [3, 1, 4, 1, 5, 9], "grade": [1, 0, 1, 0, 1, 0]},
            [0, 1, 0, 1, 0, 1],
            "one level of grade has no event, so that the likelihood is monotone",
        ),
        (
            {"age": [3, 1, 4, 1, 5, 9], "size": [2, 7, 1, 8, 2, 8]},
            [0, 1, 0, 0, 0, 0],
            "there are fewer events than covariates",
        ),
        (
            {"age": [3, 1, 4, 1, 5, 9], "years": [3, 1, 4, 1, 5, 9]},
            [1] * 6,
            "the covariates are collinear",
        ),
        (
            {"a": [1, 0, 1, 0, 1, 0], "b": [0, 1, 0, 1, 0, 1]},
            [1] * 6,
            "the covariates are collinear",
        ),
        (
            {"age": [-t for t in SEPARATED]},
            [1] * 6,
            "the fit does not converge: the partial likelihood has no unique finite maximum",
        ),
        (
            {"late": [0, 0, 0, 1, 1, 1]},
            [1] * 6,
            "the fit does not converge: the partial likelihood has no unique finite maximum",
        ),
    ],
)
def test_not_estimable(columns: dict[str, list[float]], event: list[int], reason: str) -> None:
    with pytest.raises(NotEstimable, match=f"^{reason}$"):
        fit_cox(pd.DataFrame(columns), SEPARATED, event, level=0.95)


def test_a_reason_names_the_covariate_by_its_label() -> None:
    design = pd.DataFrame({"grade": [1.0] * 6})
    with pytest.raises(NotEstimable, match=r"^histological grade has one level only$"):
        fit_cox(design, SEPARATED, [1] * 6, level=0.95, labels={"grade": "histological grade"})


def test_other_ties_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no Cox model with ties 'breslow'; accepted: efron"):
        fit_cox(pd.DataFrame({"a": [0.0, 1.0]}), [1, 2], [1, 1], level=0.95, ties="breslow")
