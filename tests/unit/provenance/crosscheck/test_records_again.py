"""Canonical rows as plain Python: doses, first courses, covariates and groups, worked by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from cohort_run import configuration_of, shaken, tables_of
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.provenance.crosscheck.records import (
    bed,
    eqd2,
    first_courses,
    group_of,
    is_at_most,
    is_below,
    lesion_covariates,
    patient_covariates,
    rows_of,
)
from sarcoma_sbrt.settings import Covariate, Level


def test_rows_are_plain_and_what_is_missing_is_none() -> None:
    table = pd.DataFrame(
        {
            "patient_id": pd.array(["a", "b"], dtype="string"),
            "dose_gy": pd.array([50.0, None], dtype="Float64"),
            "fractions": pd.array([None, 5], dtype="Int64"),
        }
    )
    assert rows_of(table) == [
        {"patient_id": "a", "dose_gy": 50.0, "fractions": None},
        {"patient_id": "b", "dose_gy": None, "fractions": 5},
    ]
    assert rows_of(table.iloc[:0]) == []


def test_doses_are_those_of_the_linear_quadratic_model() -> None:
    # 5 x 10 Gy: 50 (1 + 10/10) = 100 Gy; as many 2 Gy fractions: 50 (10 + 10) / (2 + 10)
    assert bed(50, 5, 10) == pytest.approx(100, rel=1e-15)
    assert eqd2(50, 5, 10) == pytest.approx(1000 / 12, rel=1e-15)


@given(st.floats(1, 100), st.integers(1, 30), st.floats(0.5, 20))
def test_eqd2_in_fractions_of_2_gy_has_the_same_bed(dose: float, n: int, ratio: float) -> None:
    equivalent = eqd2(dose, n, ratio)
    assert bed(equivalent, equivalent / 2, ratio) == pytest.approx(bed(dose, n, ratio), rel=1e-12)


def course(lesion: str, name: str, start: float) -> dict[str, Any]:
    return {"patient_id": "p", "lesion_id": lesion, "course_id": name, "start_day": start}


def test_the_first_course_is_the_earliest_and_then_the_first_by_name() -> None:
    courses = [course("a", "2", 0.0), course("a", "1", 0.0), course("b", "9", 5.0)]
    found = first_courses([course("b", "1", 8.0), *courses])
    assert {lesion: c["course_id"] for lesion, c in found.items()} == {
        ("p", "a"): "1",
        ("p", "b"): "9",
    }


BED = Covariate("bed10", "BED10", "derived.bed10_gy", Level("low", below=100), Level("high"))
SIZE = Covariate("size", "Size", "derived.size_mm", Level("small", at_most=50), Level("large"))
SEX = Covariate("sex", "Sex", "patients.sex", Level("f", ("female",)), Level("m", ("male",)))
REST = Covariate("grade", "Grade", "patients.grade", Level("others"), Level("G3", ("G3",)))


@pytest.mark.parametrize(
    ("covariate", "value", "side"),
    [
        (BED, 99.9, 1),
        (BED, 100.0, 0),
        (BED, 100 * (1 - 1e-12), 0),
        (SIZE, 50.0, 1),
        (SIZE, 50 * (1 + 1e-12), 1),
        (SIZE, 50.1, 0),
        (SIZE, None, None),
        (SEX, "female", 1),
        (SEX, "male", 0),
        (SEX, "other", None),
        (REST, "G3", 0),
        (REST, "G1", 1),
    ],
)
def test_a_value_lies_on_one_side(covariate: Covariate, value: Any, side: int | None) -> None:
    assert group_of(value, covariate) == side


@given(st.floats(1, 1e6))
def test_a_limit_is_at_most_itself_and_not_below(limit: float) -> None:
    assert is_at_most(limit, limit)
    assert not is_below(limit, limit)


@pytest.mark.parametrize("seed", range(6))
def test_covariates_are_those_of_the_first_engine(seed: int) -> None:
    raw, tables = configuration_of("small"), tables_of("small")
    shaken(raw, tables, seed)
    days = raw["endpoints"]["concurrent_lesions_days"]
    first = covariate_frame(tables, alpha_beta_gy=10, concurrent_days=days)
    rows = {name: rows_of(table) for name, table in tables.items()}
    of_patients, of_lesions = (of(rows, 10, days) for of in (patient_covariates, lesion_covariates))
    for frame, found in zip(first, (of_patients, of_lesions), strict=True):
        assert len(frame) == len(found)
        for row in rows_of(frame):
            lesion = row.get("lesion_id")
            own = found[row["patient_id"] if lesion is None else (row["patient_id"], lesion)]
            for column in (name for name in row if "." in name):
                assert own[column] == (
                    pytest.approx(row[column], rel=1e-12)
                    if isinstance(row[column], float)
                    else row[column]
                )
