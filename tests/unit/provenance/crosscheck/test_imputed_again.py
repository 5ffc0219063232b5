"""Rubin's rules by hand, and what is made of the first engine's draws."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from cohort_run import compared, configuration_of, disagreeing, materials_of, tables_of
from model_run import with_stages
from scipy.stats import t as student

from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.imputed import DRAWN, pooled, recompute


def test_rubins_rules_by_hand() -> None:
    of = pooled([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    # Within 1, between 1, three data sets: total 1 + 4/3, df 2 (1 + 3/4)^2.
    assert of.estimate == 2.0
    assert of.error == pytest.approx(math.sqrt(7 / 3))
    assert of.degrees_of_freedom == pytest.approx(2 * (7 / 4) ** 2)
    assert of.increase == pytest.approx(4 / 3)
    assert of.missing == pytest.approx((4 / 3 + 2 / (6.125 + 3)) / (7 / 3))
    half = student.ppf(0.975, 6.125) * math.sqrt(7 / 3)
    assert of.limits(0.95) == pytest.approx((2 - half, 2 + half))
    assert of.p == pytest.approx(2 * student.sf(2 / math.sqrt(7 / 3), 6.125))


def test_data_sets_that_agree_leave_the_normal_distribution() -> None:
    of = pooled([1.0, 1.0], [0.5, 0.5])
    assert (of.degrees_of_freedom, of.increase, of.missing) == (math.inf, 0.0, 0.0)
    assert of.p == pytest.approx(0.0455003, abs=1e-7)


# --- the stage ------------------------------------------------------------------------------


FEW_MODELS = {
    "univariable": {"os": ["grade"], "lc": ["size", "bed10"]},
    "multivariable": {
        "os": {"multivariable": ["grade", "number_of_lesions"]},
        "lc": {"multivariable": ["grade", "size"], "with_dose": ["size", "bed10"]},
    },
}


def lacking(seed: int, *columns: str) -> Materials:
    """The default cohort with values of some columns not recorded, few data sets, few cycles."""
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    raw["models"] |= FEW_MODELS | {"imputation": {"datasets": 3, "iterations": 1}}
    rng = np.random.default_rng(seed)
    for column in columns:
        name, _, of = column.partition(".")
        table = tables[name]
        table[of] = table[of].mask(pd.Series(rng.random(len(table)) < 0.04, index=table.index))
    return with_stages(materials_of(raw, tables), "imputation")


@pytest.mark.parametrize(
    ("seed", "columns"),
    [(1, ["lesions.size_mm"]), (2, ["patients.grade", "lesions.size_mm"])],
)
def test_every_pooled_model_agrees(seed: int, columns: list[str]) -> None:
    materials = lacking(seed, *columns)
    assert any(r["key"].endswith("missing_information") for r in materials.statistics["imputation"])
    found = recompute(materials)
    assert disagreeing(compared(materials, "imputation", found, 1e-8)) == {}
    drawn = {key for key, second in found.items() if second.engine == DRAWN}
    assert {key for key in found if key.endswith((".hr", ".turned", ".ratio"))} <= drawn
    assert not any(key.endswith((".n", ".events", ".lost", ".datasets")) for key in drawn)


def test_a_covariate_of_one_level_is_not_imputed() -> None:
    raw, tables = configuration_of("reconstructed-2022"), tables_of("reconstructed-2022")
    raw["models"] |= FEW_MODELS | {"imputation": {"datasets": 2, "iterations": 1}}
    grades = tables["patients"]["grade"]
    tables["patients"]["grade"] = grades.where(grades == "G1")
    materials = with_stages(materials_of(raw, tables), "imputation")
    found = recompute(materials)
    assert found["imputation.os.univariable.grade.hr"].value is None
    assert disagreeing(compared(materials, "imputation", found, 1e-8)) == {}


@pytest.mark.parametrize("cohort", ["small", "reconstructed-2022"])
def test_counts_of_whole_cohorts_agree(cohort: str) -> None:
    raw = configuration_of(cohort)
    raw["models"]["imputation"] = {"datasets": 2, "iterations": 1}
    materials = with_stages(materials_of(raw, tables_of(cohort)), "imputation")
    assert disagreeing(compared(materials, "imputation", recompute(materials), 1e-8)) == {}
