from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.covariates import covariate_frame, design
from sarcoma_sbrt.io import read_parquet, read_yaml, write_parquet
from sarcoma_sbrt.schema import SOURCE_COLUMNS, TABLES
from sarcoma_sbrt.settings import (
    DERIVED_NEEDS,
    Covariate,
    Level,
    analysis_settings,
    cohort_settings,
    endpoint_settings,
)

ROOT = Path(__file__).parents[2]


def canonical(**rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    tables = {}
    for name, table in TABLES.items():
        columns = {c.name: c.dtype for c in (*table.columns, *SOURCE_COLUMNS)}
        placed = [
            {"source_file": f"{name}.csv", "source_line": line, **row}
            for line, row in enumerate(rows.get(name, []), start=2)
        ]
        tables[name] = pd.DataFrame(placed, columns=list(columns)).astype(columns)
    return tables


def patient(name: str, **rest: Any) -> dict[str, Any]:
    return {"patient_id": name, "last_contact_day": 100, "vital_status": "alive", **rest}


def lesion(name: str, which: str, size: float | None) -> dict[str, Any]:
    return {"patient_id": name, "lesion_id": which, "size_mm": size}


def course(
    name: str, which: str, start: float, dose: float | None, fractions: int | None, number: int = 1
) -> dict[str, Any]:
    return {
        "patient_id": name,
        "lesion_id": which,
        "course_id": str(number),
        "start_day": start,
        "dose_gy": dose,
        "fractions": fractions,
    }


TABLES_OF_FIVE = canonical(
    patients=[
        patient("P3", grade="G3", age_years=40),
        patient("P1", grade="G1", age_years=58, sex="male"),
        patient("P2", sex="female"),
        patient("P4", grade="G2"),
        patient("P5", grade="G2"),
    ],
    lesions=[
        lesion("P1", "B", 60),
        lesion("P1", "A", 40),
        lesion("P1", "C", 90),
        lesion("P2", "A", None),
        lesion("P3", "A", 30),
        lesion("P3", "B", 30),
        lesion("P4", "A", None),
        lesion("P4", "B", None),
    ],
    courses=[
        course("P1", "A", 0, 50, 5),
        course("P1", "B", 0, 45, 5),
        course("P1", "B", 200, 30, 5, number=2),
        course("P1", "C", 90, 60, 3),  # treated later: unknown at the first course
        course("P2", "A", 0, 45, 5),
        course("P3", "B", 0, 45, 5),
        course("P3", "A", 0, 30, 3),
        course("P4", "A", 0, 30, 3),
        course("P4", "B", 0, 45, 5),
    ],
    treatments=[
        {"patient_id": "P1", "kind": "chemotherapy"},
        {"patient_id": "P1", "kind": "chemotherapy"},
        {"patient_id": "P2", "kind": "surgery"},
    ],
)


@pytest.fixture(name="frames")
def _frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    patients, lesions = covariate_frame(TABLES_OF_FIVE, alpha_beta_gy=10)
    return patients.set_index("patient_id"), lesions.set_index(["patient_id", "lesion_id"])


def test_a_patients_size_is_the_largest_lesion_of_the_first_course(frames: Any) -> None:
    patients, _ = frames
    assert patients.loc["P1", "derived.size_mm"] == 60
    assert patients.loc["P1", "derived.bed10_gy"] == pytest.approx(85.5)
    assert patients.loc["P1", "derived.number_of_lesions"] == 2


def test_of_equally_large_lesions_the_first_identifier_gives_the_dose(frames: Any) -> None:
    patients, _ = frames
    assert patients.loc["P3", "derived.bed10_gy"] == pytest.approx(60.0)


def test_without_sizes_only_a_single_lesion_tells_the_patients_dose(frames: Any) -> None:
    patients, _ = frames
    assert patients.loc["P2", "derived.bed10_gy"] == pytest.approx(85.5)
    assert patients.loc["P2", "derived.size_mm"] is pd.NA
    assert patients.loc["P4", "derived.bed10_gy"] is pd.NA
    assert patients.loc["P4", "derived.number_of_lesions"] == 2


def test_a_patient_without_lesions_has_no_lesion_covariates(frames: Any) -> None:
    patients, _ = frames
    own = ["derived.number_of_lesions", "derived.size_mm", "derived.bed10_gy"]
    assert patients.loc["P5", own].isna().all()


def test_lesions_have_their_own_size_and_dose_and_their_patients_values(frames: Any) -> None:
    _, lesions = frames
    assert lesions["derived.size_mm"].tolist()[:3] == [40, 60, 90]
    assert lesions["derived.bed10_gy"].tolist()[:3] == pytest.approx([100.0, 85.5, 180.0])
    assert lesions.loc["P1", "patients.grade"].tolist() == ["G1"] * 3
    assert lesions.loc["P1", "derived.number_of_lesions"].tolist() == [2] * 3
    assert lesions.loc["P3", "patients.age_years"].tolist() == [40, 40]


def test_treatments_are_yes_or_no(frames: Any) -> None:
    patients, _ = frames
    assert patients["derived.chemotherapy"].tolist() == ["yes", "no", "no", "no", "no"]
    assert patients["derived.radiotherapy"].tolist() == ["no"] * 5


def test_a_cohort_without_treatments_says_nothing_of_them() -> None:
    patients, _ = covariate_frame(canonical(patients=[patient("P1")]), alpha_beta_gy=10)
    assert patients["derived.chemotherapy"].isna().all()


def test_a_cohort_of_patients_alone_has_an_empty_lesion_frame() -> None:
    patients, lesions = covariate_frame(canonical(patients=[patient("P1")]), alpha_beta_gy=10)
    assert len(patients) == 1
    assert len(lesions) == 0
    assert patients["derived.number_of_lesions"].isna().all()


def test_without_courses_every_lesion_counts() -> None:
    tables = canonical(
        patients=[patient("P1")], lesions=[lesion("P1", "A", 20), lesion("P1", "B", 70)]
    )
    patients, _ = covariate_frame(tables, alpha_beta_gy=10)
    assert patients["derived.number_of_lesions"].tolist() == [2]
    assert patients["derived.size_mm"].tolist() == [70]
    assert patients["derived.bed10_gy"].isna().all()


def test_alpha_beta_is_used() -> None:
    _, lesions = covariate_frame(TABLES_OF_FIVE, alpha_beta_gy=3)
    assert lesions["derived.bed10_gy"].iloc[0] == pytest.approx(50 * (1 + 10 / 3))


def test_order_of_rows_means_nothing() -> None:
    expected = covariate_frame(TABLES_OF_FIVE, alpha_beta_gy=10)
    backwards = {name: table.iloc[::-1] for name, table in TABLES_OF_FIVE.items()}
    for frame, same in zip(covariate_frame(backwards, alpha_beta_gy=10), expected, strict=True):
        pd.testing.assert_frame_equal(frame, same)


def test_frames_survive_parquet(tmp_path: Path) -> None:
    for frame in covariate_frame(TABLES_OF_FIVE, alpha_beta_gy=10):
        write_parquet(tmp_path / "frame.parquet", frame)
        pd.testing.assert_frame_equal(read_parquet(tmp_path / "frame.parquet"), frame)


def test_every_covariate_of_the_shipped_plan_has_its_column() -> None:
    raw = read_yaml(ROOT / "config/models.yaml", ROOT / "workflow/schemas/models.schema.yaml")
    columns = {c["column"] for c in raw["covariates"].values()} | set(DERIVED_NEEDS)
    for frame in covariate_frame(TABLES_OF_FIVE, alpha_beta_gy=10):
        assert columns <= set(frame.columns)


# --- design -------------------------------------------------------------------------------

GRADE = Covariate(
    "grade",
    "Grade",
    "patients.grade",
    level=Level("G1", codes=("G1",)),
    reference=Level("G3", codes=("G3",)),
)
SIZE = Covariate(
    "size", "Size", "derived.size_mm", level=Level("small", at_most=50), reference=Level("large")
)
BED = Covariate(
    "bed10", "BED10", "derived.bed10_gy", level=Level("low", below=100), reference=Level("high")
)
AGE = Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years")
COVARIATES = {c.name: c for c in (GRADE, SIZE, BED, AGE)}


def one_column(covariate: Covariate, values: list[Any], dtype: str) -> list[float]:
    frame = pd.DataFrame({covariate.column: pd.array(values, dtype=dtype)})
    return design(frame, {covariate.name: covariate}, [covariate.name])[covariate.name].tolist()


@pytest.mark.parametrize(
    ("covariate", "values", "dtype", "expected"),
    [
        # G2 is on neither side, and missing is missing.
        (GRADE, ["G1", "G2", "G3", None], "string", [1, np.nan, 0, np.nan]),
        (SIZE, [50.0, 50.1, 49.9, None], "Float64", [1, 0, 1, np.nan]),
        (SIZE, [50.00000000000001], "Float64", [1]),
        (BED, [100.0, 99.9, 105.6, None], "Float64", [0, 1, 0, np.nan]),
        (BED, [99.99999999999999], "Float64", [0]),
        (AGE, [58.0, None], "Float64", [5.8, np.nan]),
    ],
    ids=["codes", "at most", "at most, noise", "below", "below, noise", "per step"],
)
def test_design_by_hand(
    covariate: Covariate, values: list[Any], dtype: str, expected: list[float]
) -> None:
    np.testing.assert_array_equal(one_column(covariate, values, dtype), expected)


def test_the_level_may_be_everything_else() -> None:
    rest = Covariate(
        "g", "Grade", "patients.grade", level=Level("rest"), reference=Level("G1", codes=("G1",))
    )
    np.testing.assert_array_equal(
        one_column(rest, ["G1", "G2", None], "string"), [0.0, 1.0, np.nan]
    )


def test_design_keeps_order_index_and_floats(frames: Any) -> None:
    patients, _ = frames
    matrix = design(patients, COVARIATES, ["size", "age", "grade"])
    assert list(matrix.columns) == ["size", "age", "grade"]
    assert matrix.index.equals(patients.index)
    assert (matrix.dtypes == "float64").all()
    np.testing.assert_array_equal(matrix["size"], [0, np.nan, 1, np.nan, np.nan])


def test_no_covariates_is_no_columns(frames: Any) -> None:
    patients, _ = frames
    assert design(patients, COVARIATES, []).shape == (5, 0)


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(ValueError, match=r"age: there is no column patients\.age_years"):
        design(pd.DataFrame({"patient_id": ["P1"]}), COVARIATES, ["age"])


def test_a_covariate_must_say_what_a_side_holds() -> None:
    empty = Covariate("x", "X", "patients.grade", level=Level("one"), reference=Level("other"))
    with pytest.raises(ValueError, match="x: neither level nor reference says what it holds"):
        one_column(empty, ["G1"], "string")


def test_both_cohorts_plans_make_a_design() -> None:
    read = {
        name: read_yaml(ROOT / f"config/{name}.yaml", ROOT / f"workflow/schemas/{name}.schema.yaml")
        for name in ("models", "endpoints")
    }
    frames = covariate_frame(TABLES_OF_FIVE, alpha_beta_gy=10)
    for cohort in ("reconstructed-2022", "tcia-sts"):
        raw = read_yaml(ROOT / f"config/cohorts/{cohort}.yaml", {"type": "object"})
        plan = analysis_settings(
            read["models"],
            endpoint_settings(read["endpoints"]),
            cohort_settings(cohort, raw),
            seed=1,
        )
        for endpoint, names in plan.univariable.items():
            frame = frames[1] if endpoint == "lc" else frames[0]
            assert list(design(frame, plan.covariates, names).columns) == list(names)


@pytest.mark.parametrize(("days", "expected"), [(10, [2, 40.0]), (9, [1, 20.0])])
def test_lesions_begun_within_the_concurrency_window_are_one_first_course(
    days: float, expected: list[float]
) -> None:
    """Planned together and begun ten days apart: one course of two lesions, or two."""
    tables = canonical(
        patients=[patient("P")],
        lesions=[lesion("P", "A", 20.0), lesion("P", "B", 40.0)],
        courses=[course("P", "A", 0.0, 50.0, 5), course("P", "B", 10.0, 50.0, 5)],
    )
    patients, _ = covariate_frame(tables, alpha_beta_gy=10, concurrent_days=days)
    found = patients.loc[0, ["derived.number_of_lesions", "derived.size_mm"]]
    assert found.tolist() == expected
