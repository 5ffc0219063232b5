"""Records and table of imputed Cox models, beside those of the complete cases."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from survival.datasets import load_lung  # type: ignore[attr-defined]

from sarcoma_sbrt.reporting.imputation_statistics import (
    imputation_statistics,
    imputation_summary,
    missing_for,
    models_of,
)
from sarcoma_sbrt.reporting.imputation_tables import imputation_tables
from sarcoma_sbrt.reporting.model_statistics import cox_statistics
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, survival_statistics
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    EndpointSettings,
    Imputation,
    Level,
)
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.imputation import fit_imputed_cox, imputation_seed, impute

OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
LC = EndpointSettings(
    *("lc", "Local control", "lesion", "first_course", "local_failure", "last_assessment"),
    death="competing",
)
COVARIATES = {
    "grade": Covariate(
        *("grade", "Histological grade", "patients.grade"),
        level=Level("G3", codes=("G3",)),
        reference=Level("G2", codes=("G2",)),
    ),
    "size": Covariate(
        *("size", "Lesion size", "derived.size_mm"),
        level=Level("small", at_most=50.0),
        reference=Level("large"),
    ),
    "age": Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years"),
}
COHORT = CohortSettings("here", "Here", "observed", {}, {"origin": "diagnosis"})
COLUMNS = ("patients.vital_status",)
NAMES = ("grade", "age")
MODELS = {"confidence_level": 0.95, "imputation": {"datasets": 3, "iterations": 2}}


def plan(endpoint: str = "os", names: tuple[str, ...] = NAMES, **changes: Any) -> Analysis:
    usual: dict[str, Any] = {
        "confidence_level": 0.95,
        "alpha": 0.05,
        "transform": "log-log",
        "landmarks_months": (12.0,),
        "ties": "efron",
        "seed": 1,
        "trees": 60,
        "min_samples_leaf": 3,
        "permutation_repeats": 5,
        "covariates": COVARIATES,
        "endpoints": (endpoint,),
        "strata": {},
        "univariable": {endpoint: names},
        "multivariable": {endpoint: {"multivariable": names}},
        "forest": {},
        "figures": {},
        "comparison": Comparison((), ()),
        "left_out": {},
        "imputation": Imputation(3, 2),
    }
    return Analysis(**(usual | changes))


def patients(absent: int = 6) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Endpoint table and covariates; the first have no grade and the last one has another."""
    lung = pd.DataFrame(load_lung()).head(90)
    identity = [f"p{i:02d}" for i in range(len(lung))]
    table = pd.DataFrame(
        {
            "patient_id": identity,
            "time_months": lung["time"] / 30.4375,
            "event": lung["status"].astype(int) - 1,
        }
    )
    codes: list[str | None] = ["G3" if sex == 2 else "G2" for sex in lung["sex"]]
    grade = pd.Series([*[None] * absent, "G3", *codes[absent + 1 : -1], "G1"], dtype="string")
    frame = pd.DataFrame(
        {"patient_id": identity, "patients.grade": grade, "patients.age_years": lung["age"]}
    )
    return table, frame


def ungraded(frame: pd.DataFrame) -> pd.DataFrame:
    nobody = pd.Series([None] * len(frame), index=frame.index, dtype="string")
    return frame.assign(**{"patients.grade": nobody})


def lesions() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two rows after each other are lesions of a patient, who has one grade."""
    table, frame = patients()
    keys = {
        "patient_id": [f"p{i // 2:02d}" for i in range(90)],
        "lesion_id": [f"l{i % 2}" for i in range(90)],
    }
    grade = frame["patients.grade"][::2].repeat(2).to_numpy()
    measured = pd.Series(np.arange(90) * 7 % 100, dtype="Float64")
    size = measured.mask((measured.index >= 10) & (measured.index < 15))
    table = table.assign(**keys)
    return table, pd.DataFrame(
        {
            **keys,
            "patients.grade": pd.array(grade, dtype="string"),
            "derived.size_mm": size,
        }
    )


def found_in(
    endpoint: EndpointSettings, analysis: Analysis, data: tuple[pd.DataFrame, pd.DataFrame]
) -> dict[str, Statistic]:
    table, frame = data
    names = analysis.univariable[endpoint.name]
    design = design_for(table, frame, analysis.covariates, names)
    missing = missing_for(table, frame, analysis, names)
    records = imputation_statistics(endpoint, table, design, missing, analysis, COLUMNS)
    records += imputation_summary(records, analysis)
    to_json("imputation", records)  # refuses a key that stands twice
    return {record.key.removeprefix("imputation."): record for record in records}


@pytest.fixture(scope="module")
def found() -> dict[str, Statistic]:
    return found_in(OS, plan(), patients())


def test_a_value_of_neither_group_is_not_missing() -> None:
    missing = missing_for(*patients(), plan(), NAMES)
    assert missing.sum().to_dict() == {"grade": 6, "age": 0}
    assert not missing["grade"][89]


def test_who_is_in_either_column(found: dict[str, Statistic]) -> None:
    key = "os.multivariable"
    ends = ("complete.n", "complete.events", "imputed.n", "imputed.events", "lost")
    # The last patient's grade is in neither group: left out, and not imputed.
    had = patients()[0]["event"]
    expected = [83, int(had[6:89].sum()), 89, int(had[:89].sum()), 6]
    assert [found[f"{key}.{end}"].value for end in ends] == expected
    assert found[f"{key}.grade.hr"].n == 89
    assert (found["os.missing.grade"].value, found["os.incomplete"].value) == (6, 6)
    assert "os.missing.age" not in found


def test_as_many_data_sets_as_per_cent_are_incomplete(found: dict[str, Statistic]) -> None:
    assert found["os.datasets"].value == 7  # 6 of 90


def test_the_pool_is_that_of_the_imputations(found: dict[str, Statistic]) -> None:
    table, frame = patients()
    design = design_for(table, frame, COVARIATES, NAMES)
    outcome = table["time_months"].to_numpy(dtype=float), table["event"].to_numpy(dtype=int)
    completed = impute(
        *(design, missing_for(table, frame, plan(), NAMES), *outcome),
        table["patient_id"].to_numpy(dtype=str),
        datasets=7,
        iterations=2,
        seed=imputation_seed(1, "os"),
    )
    pooled = fit_imputed_cox(completed, NAMES, *outcome, level=0.95)
    complete = fit_cox(design[list(NAMES)], *outcome, level=0.95)
    for name in NAMES:
        term, record = pooled[name], found[f"os.multivariable.{name}.hr"]
        assert record.ci is not None
        assert (record.value, record.ci.low, record.ci.high, record.p) == (
            *(term.hazard_ratio, term.low, term.high, term.p),
        )
        information = found[f"os.multivariable.{name}.missing_information"].value
        assert information == 100 * term.pooled.missing_information
        ratio = term.hazard_ratio / complete[name].hazard_ratio
        assert found[f"os.multivariable.{name}.ratio"].value == pytest.approx(ratio, rel=1e-12)


def test_only_models_that_lose_somebody_are_here(found: dict[str, Statistic]) -> None:
    assert "os.univariable.grade.hr" in found
    assert "os.univariable.age.hr" not in found
    counts = {name: found[name].value for name in ("models", "incomplete", "pooled", "compared")}
    assert counts == {"models": 3, "incomplete": 2, "pooled": 3, "compared": 3}


def test_nothing_missing_leaves_only_that_it_was_looked_at() -> None:
    found = found_in(OS, plan(), patients(absent=0))
    assert {name: record.value for name, record in found.items()} == {
        "models": 3,
        "incomplete": 0,
        "pooled": 0,
        "compared": 0,
        "turned": 0,
    }


def test_counts_of_hazard_ratios_say_of_which() -> None:
    found = found_in(OS, plan(), patients(absent=0))
    assert [found[name].method for name in ("pooled", "compared", "turned")] == [
        "count of hazard ratios pooled over completed data sets",
        "count of pooled hazard ratios set beside those of complete cases",
        "count of pooled hazard ratios whose p imputation moves across alpha",
    ]


def test_without_models_there_is_nothing_to_say() -> None:
    assert imputation_summary([], plan(univariable={}, multivariable={})) == []


def test_lesions_have_errors_clustered_by_patient() -> None:
    analysis = plan("lc", ("grade", "size"))
    found = found_in(LC, analysis, lesions())
    record = found["lc.multivariable.size.hr"]
    assert record.method == (
        "cause-specific Cox model, Efron ties, standard errors clustered by patient, multiple "
        "imputation by chained equations, Rubin's rules: limits and test from the t distribution"
    )
    assert record.columns == (
        "patients.vital_status",
        *("patients.grade", "lesions.size_mm"),
        "courses.start_day",
    )
    assert (found["lc.missing.grade"].value, found["lc.missing.size"].value) == (6, 5)
    independent = found_in(replace(LC, unit="patient"), analysis, _as_patients(lesions()))
    other = independent["lc.multivariable.size.hr"]
    assert other.ci != record.ci


def _as_patients(data: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[pd.DataFrame, pd.DataFrame]:
    own = [f"r{i:02d}" for i in range(90)]
    return (data[0].assign(patient_id=own), data[1].assign(patient_id=own))


def test_one_model_is_not_fitted_twice() -> None:
    same = plan(
        multivariable={"os": {"multivariable": NAMES, "model_1": NAMES, "model_2": ("age",)}}
    )
    assert models_of("os", same) == {
        "os.univariable.grade": {"grade": "os.univariable.grade"},
        "os.univariable.age": {"age": "os.univariable.age"},
        "os.multivariable": {"grade": "os.multivariable.grade", "age": "os.multivariable.age"},
    }


def test_a_grade_that_nobody_has_recorded_is_a_reason() -> None:
    table, frame = patients()
    found = found_in(OS, plan(), (table, ungraded(frame)))
    record = found["os.multivariable.grade.hr"]
    assert (record.status, record.reason) == (
        "not_estimable",
        "histological grade was recorded for nobody",
    )
    assert "ratio_min" not in found


# --- the table ------------------------------------------------------------------------------


def shown(data: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, str]:
    """Tables with their numbers in place; every key must be there."""
    table, frame = data
    design = design_for(table, frame, COVARIATES, NAMES)
    parts = {
        "imputation": [*found_in(OS, plan(), data).values()],
        "cox": cox_statistics(OS, table, design, plan(), COLUMNS),
        "kaplan_meier": survival_statistics(OS, table, design, plan(), COLUMNS),
    }
    stages = [(stage, record) for stage, records in parts.items() for record in records]
    numbers = computed_entries(stages, COHORT) | configured_entries({"models": MODELS})
    numbers |= plan_entries(plan(), COHORT, {"os": OS})
    made = imputation_tables(numbers, plan(), COHORT, {"os": OS})
    for text in made.values():
        assert not re.search(r"\d", re.sub(r"\{\{<.*?>\}\}|^\|[:|-]+\|$", "", text, flags=re.M))
    return {
        name: re.sub(r"\{\{< num (\S+) >\}\}", lambda match: numbers[match[1]]["text"], text)
        for name, text in made.items()
    }


def rows(table: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.split("\n")
        if line.startswith("| ")
    ]


def test_imputed_stand_beside_complete_cases() -> None:
    made = shown(patients())
    table = rows(made["imputation"])
    assert [row[0] for row in table[1:]] == [
        "Covariate",
        "**Overall survival, univariable: Histological grade**",
        "Histological grade: G3 vs G2",
        "Analysed (events)",
        "Left out, a covariate missing",
        "**Overall survival, multivariable**",
        "Histological grade: G3 vs G2",
        "Age: per ten years",
        "Analysed (events)",
        "Left out, a covariate missing",
    ]
    counted = table[4]
    assert counted[1].startswith("83 (")
    assert counted[3].startswith("89 (")
    assert table[5][1:] == ["6", "", "–", "", ""]
    assert all(re.fullmatch(r"\d\.\d{3} \(\d\.\d{3}–\d\.\d{3}\)", table[3][at]) for at in (1, 3))
    assert table[3][1] != table[3][3]
    assert "Estimates are pooled over 7 completed data sets." in made["imputation"]
    assert made["imputation_missing"] == "Not recorded: Histological grade for 6 of 90 patients.\n"


def test_no_table_stands_where_nothing_is_missing() -> None:
    assert shown(patients(absent=0)) == {}


def test_the_caption_says_what_cannot_be_estimated() -> None:
    table, frame = patients()
    made = shown((table, ungraded(frame)))["imputation"]
    assert (
        "Overall survival, multivariable, imputed because histological grade was recorded for "
        "nobody" in made
    )
    assert "complete cases because nobody has every covariate recorded" in made
