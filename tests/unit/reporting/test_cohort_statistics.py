from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.extraction.eligibility import extract
from sarcoma_sbrt.extraction.sources import read_cohort
from sarcoma_sbrt.reporting.cohort_statistics import (
    cohort_statistics,
    flow_statistics,
    grade_1_or_2,
    slug,
)
from sarcoma_sbrt.reporting.numbers import computed_entries
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.schema import DAYS_PER_MONTH, SOURCE_COLUMNS, TABLES
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    ColumnMapping,
    Comparison,
    Covariate,
    Level,
    TableMapping,
    analysis_settings,
    cohort_settings,
    endpoint_settings,
)

REPOSITORY = Path(__file__).parents[3]
MONTH = DAYS_PER_MONTH

COVARIATES = {
    "size": Covariate(
        "size",
        "Lesion size",
        "derived.size_mm",
        Level("5 cm or less", at_most=50),
        Level("more than 5 cm"),
    ),
    "bed10": Covariate(
        "bed10",
        "BED10",
        "derived.bed10_gy",
        Level("below 100 Gy", below=100),
        Level("100 Gy or more"),
    ),
    "age": Covariate("age", "Age", "patients.age_years", step=10, step_label="per ten years"),
}

# Six patients, in the order of the columns below; None is missing.
PATIENTS = [
    ("a", 40, "male", "G1", "recurrence", -10 * MONTH, -2 * MONTH),
    ("b", 50, "male", "G1", "recurrence", -20 * MONTH, -16 * MONTH),
    ("c", 60, "male", "G2", "recurrence", -5 * MONTH, None),
    ("d", 70, "male", "G3", "oligometastasis", None, -1 * MONTH),
    ("e", 80, "female", "G3", "oligometastasis", None, None),
    ("f", None, "female", None, "oligometastasis", None, None),
]
# Patient a has two lesions, patient f none.
LESIONS = [
    ("a", "1", "lung", 20),
    ("a", "2", "lung", 50),
    ("b", "1", "lung", 51),
    ("c", "1", "limbs", 80),
    ("d", "1", "limbs", None),
    ("e", "1", None, 100),
]
# BED10 100, 100, 100, 105, 105.6, 60; the second course to a/2 describes no lesion.
COURSES = [
    ("a", "2", "again", 300, 30, 10),
    ("a", "1", "first", 0, 50, 5),
    ("a", "2", "first", 0, 50, 5),
    ("b", "1", "first", 0, 50, 5),
    ("c", "1", "first", 0, 60, 8),
    ("d", "1", "first", 0, 48, 4),
    ("e", "1", "first", 0, 30, 3),
]
TREATMENTS = [
    ("a", "surgery", "primary", None, 3),
    ("b", "surgery", "primary", None, 2),
    ("a", "chemotherapy", "adjuvant", None, None),
    ("a", "chemotherapy", "with_sbrt", "before", None),
    ("b", "chemotherapy", "with_sbrt", "concurrent", None),
    ("b", "chemotherapy", "with_sbrt", "after", None),
    ("c", "targeted_therapy", "with_sbrt", None, None),
]
TOXICITIES = [
    ("a", "Fatigue", 1, 30),
    ("a", "Fatigue", 2, 60),
    ("b", "fatigue", 1, 3 * MONTH),
    ("c", "Radiation dermatitis", 3, 200),
    ("d", "Nausea", 1, None),
]

COLUMNS = {
    "patients": [
        "patient_id", "age_years", "sex", "grade", "setting", "diagnosis_day", "recurrence_day",
    ],
    "lesions": ["patient_id", "lesion_id", "site", "size_mm"],
    "courses": ["patient_id", "lesion_id", "course_id", "start_day", "dose_gy", "fractions"],
    "treatments": ["patient_id", "kind", "intent", "timing", "operations"],
    "toxicities": ["patient_id", "term", "grade", "onset_day"],
}  # fmt: skip
CODES = {("patients", "setting"): {"rec": "recurrence", "oligo": "oligometastasis"}}


def canonical(name: str, columns: list[str] = (), rows: list[tuple] = ()) -> pd.DataFrame:
    """Canonical table of these rows, with the columns that they leave out missing."""
    frame = pd.DataFrame(rows, columns=list(columns))
    wanted = (*TABLES[name].columns, *SOURCE_COLUMNS)
    frame = frame.reindex(columns=[column.name for column in wanted])
    return frame.astype({column.name: column.dtype for column in wanted})


def tables_of(**rows: list[tuple]) -> dict[str, pd.DataFrame]:
    return {name: canonical(name, COLUMNS.get(name, []), rows.get(name, [])) for name in TABLES}


def cohort_of(columns: dict[str, list[str]], **rest: object) -> CohortSettings:
    tables = {
        table: TableMapping(
            f"{table}.csv",
            {name: ColumnMapping(name, codes=CODES.get((table, name))) for name in names},
        )
        for table, names in columns.items()
    }
    rest = {"kind": "observed", **rest}
    return CohortSettings("small", "A small cohort", tables=tables, times={}, **rest)


def analysis_of(covariates: dict[str, Covariate]) -> Analysis:
    blocks = ("strata", "univariable", "multivariable", "forest", "figures", "left_out")
    nothing: dict[str, Any] = {block: {} for block in blocks}
    nothing["comparison"] = Comparison((), ())
    return Analysis(
        0.95, 0.05, "log-log", (12.0,), "efron", 1, 10, 3, 2, covariates, ("os",), **nothing
    )


def described(tables: dict[str, pd.DataFrame], cohort: CohortSettings) -> dict:
    statistics = cohort_statistics(
        tables,
        covariate_frame(tables, alpha_beta_gy=10),
        analysis_of(COVARIATES),
        cohort,
        alpha_beta_gy=10,
        acute_toxicity_months=3,
    )
    to_json("characteristics", statistics)  # refuses a key that is given twice
    return {statistic.key: statistic for statistic in statistics}


@pytest.fixture(scope="module")
def small() -> dict:
    tables = tables_of(
        patients=PATIENTS,
        lesions=LESIONS,
        courses=COURSES,
        treatments=TREATMENTS,
        toxicities=TOXICITIES,
    )
    return described(tables, cohort_of(COLUMNS))


EXPECTED = {
    "cohort.patients": 6,
    "cohort.age.median": 60,
    "cohort.age.min": 40,
    "cohort.age.max": 80,
    "cohort.age.missing.n": 1,
    "cohort.sex.male.n": 4,
    "cohort.sex.male.percent": 100 * 4 / 6,
    "cohort.sex.female.percent": 100 * 2 / 6,
    "cohort.grade.G1.percent": 40.0,  # of the five whose grade is known
    "cohort.grade.G2.percent": 20.0,
    "cohort.grade.G3.n": 2,
    "cohort.grade.missing.n": 1,
    "cohort.setting.recurrence.n": 3,
    "cohort.setting.oligometastasis.percent": 50.0,
    "cohort.number_of_lesions.single.n": 4,
    "cohort.number_of_lesions.single.percent": 80.0,
    "cohort.number_of_lesions.multiple.n": 1,
    "cohort.number_of_lesions.missing.n": 1,
    "cohort.lesions": 6,
    "lesions.site.lung.n": 3,
    "lesions.site.lung.percent": 60.0,
    "lesions.site.brain.n": 0,
    "lesions.site.missing.n": 1,
    "lesions.size.median": 5.1,
    "lesions.size.min": 2.0,
    "lesions.size.max": 10.0,
    "lesions.size.missing.n": 1,
    "lesions.size_level.n": 2,
    "lesions.size_level.percent": 40.0,
    "lesions.size_reference.n": 3,
    "lesions.size_missing.n": 1,
    "lesions.bed10_level.n": 1,
    "lesions.bed10_reference.n": 5,
    "dose.repeated_courses.n": 1,
    "dose.total.median": 50,
    "dose.total.min": 30,
    "dose.total.max": 60,
    "dose.fractions.median": 5,
    "dose.fractions.min": 3,
    "dose.fractions.max": 8,
    "dose.bed10.median": 100.0,
    "dose.bed10.min": 60.0,
    "dose.bed10.max": 105.6,
    "dose.eqd2.max": 88.0,
    "dose.prescription.50gy_5fx.n": 3,
    "dose.prescription.50gy_5fx.percent": 50.0,
    "dose.prescription.50gy_5fx.label": "50 Gy in 5 fractions",
    "dose.prescription.other.n": 3,
    "treatment.chemotherapy.n": 2,  # the adjuvant one is not with SBRT
    "treatment.chemotherapy.percent": 100 * 2 / 6,
    "treatment.targeted_therapy.n": 1,
    "treatment.immunotherapy.n": 0,
    "treatment.none.n": 3,
    "treatment.chemotherapy.before.n": 1,
    "treatment.chemotherapy.concurrent.n": 1,
    "treatment.chemotherapy.after.n": 1,
    "treatment.primary_surgery.n": 2,
    "treatment.repeated_surgery.n": 1,  # two operations are not more than two
    "treatment.adjuvant_chemotherapy.n": 1,
    "treatment.adjuvant_radiotherapy.n": 0,
    "time.diagnosis_to_recurrence.n": 2,
    "time.diagnosis_to_recurrence.median": 6.0,
    "time.diagnosis_to_recurrence.min": 4.0,
    "time.diagnosis_to_recurrence.max": 8.0,
    "time.diagnosis_to_recurrence.missing.n": 4,
    "toxicity.acute.fatigue.n": 2,  # two rows of one patient, and an onset at the very limit
    "toxicity.acute.fatigue.percent": 100 * 2 / 6,
    "toxicity.acute.fatigue.label": "Fatigue",
    "toxicity.acute.fatigue.grade_1.n": 1,
    "toxicity.acute.fatigue.grade_2.n": 1,
    "toxicity.late.radiation_dermatitis.n": 1,
    "toxicity.late.radiation_dermatitis.grade_3.n": 1,
    "toxicity.unknown_phase.n": 1,
    "toxicity.grade_3_or_more.n": 1,
    "toxicity.grade_3_or_more.percent": 100 / 6,
    "toxicity.grade_4_or_more.n": 0,
    "toxicity.grade_4_or_more.percent": 0.0,
}


@pytest.mark.parametrize(("key", "value"), EXPECTED.items())
def test_value(small: dict, key: str, value: float | str) -> None:
    assert small[key].value == (value if isinstance(value, str) else pytest.approx(value))


def test_a_code_that_the_mapping_cannot_give_is_not_counted_as_zero(small: dict) -> None:
    assert not [key for key in small if key.startswith("cohort.setting.primary")]


def test_nothing_is_missing_where_nothing_is(small: dict) -> None:
    assert not [key for key in small if key.startswith(("cohort.sex.missing", "dose.total.miss"))]


def test_an_adverse_event_of_no_known_phase_is_in_neither(small: dict) -> None:
    assert not [key for key in small if "nausea" in key]


@pytest.mark.parametrize(
    ("key", "n", "method"),
    [
        ("cohort.grade.G1.percent", 5, "percentage of patients with a known value"),
        ("lesions.size_level.percent", 5, "percentage of lesions with a known value"),
        ("treatment.chemotherapy.percent", 6, "percentage of patients"),
        ("cohort.age.median", 5, "median of patients with a known value"),
    ],
)
def test_denominator_is_said(small: dict, key: str, n: int, method: str) -> None:
    assert (small[key].n, small[key].method) == (n, method)


@pytest.mark.parametrize(
    ("key", "columns"),
    [
        ("cohort.sex.male.n", {"patients.sex"}),
        ("dose.bed10.max", {"courses.start_day", "courses.dose_gy", "courses.fractions"}),
        (
            "treatment.chemotherapy.before.n",
            {
                "patients.patient_id",
                "treatments.patient_id",
                "treatments.kind",
                "treatments.intent",
                "treatments.timing",
            },
        ),
        # No onset, so that a mark on onsets does not weaken the count of severe events.
        (
            "toxicity.grade_3_or_more.n",
            {"patients.patient_id", "toxicities.patient_id", "toxicities.grade"},
        ),
        ("time.diagnosis_to_recurrence.max", {"patients.diagnosis_day", "patients.recurrence_day"}),
    ],
)
def test_columns_are_those_that_decide(small: dict, key: str, columns: set[str]) -> None:
    assert set(small[key].columns) == columns


def test_every_statistic_names_columns_that_the_cohort_maps_and_none_is_joint(small: dict) -> None:
    known = cohort_of(COLUMNS).columns | set(grade_1_or_2(t for _, t, _, _ in TOXICITIES))
    assert [s.key for s in small.values() if not set(s.columns) <= known or not s.columns] == []
    assert [s.key for s in small.values() if s.joint] == []


def test_unmapped_columns_give_nothing() -> None:
    statistics = described(
        tables_of(patients=PATIENTS), cohort_of({"patients": ["patient_id", "sex"]})
    )
    assert sorted(statistics) == [
        "cohort.patients",
        "cohort.sex.female.n",
        "cohort.sex.female.percent",
        "cohort.sex.male.n",
        "cohort.sex.male.percent",
    ]


def test_without_intents_a_treatment_counts_whenever_it_was_given() -> None:
    columns = {"patients": ["patient_id"], "treatments": ["patient_id", "kind"]}
    statistics = described(tables_of(patients=PATIENTS, treatments=TREATMENTS), cohort_of(columns))
    values = {key: s.value for key, s in statistics.items() if s.unit == "count"}
    assert values == {
        "cohort.patients": 6,
        "treatment.surgery.n": 2,
        "treatment.radiotherapy.n": 0,
        "treatment.chemotherapy.n": 2,
        "treatment.targeted_therapy.n": 1,
        "treatment.immunotherapy.n": 0,
        "treatment.interventional_therapy.n": 0,
        "treatment.none.n": 3,
    }


def test_a_quantity_that_nobody_has_is_not_estimable() -> None:
    patients = [("a", None, "male"), ("b", None, None)]
    tables = {name: canonical(name) for name in TABLES}
    tables["patients"] = canonical("patients", ["patient_id", "age_years", "grade"], patients)
    tables["patients"]["grade"] = pd.array([pd.NA, pd.NA], dtype="string")
    cohort = cohort_of({"patients": ["patient_id", "age_years", "grade"]})
    statistics = described(tables, cohort)
    for key in ("cohort.age.median", "cohort.grade.G1.percent"):
        assert statistics[key].status == "not_estimable"
        assert statistics[key].reason == "there are no patients with a known value"
    assert statistics["cohort.age.missing.n"].value == 2
    assert statistics["cohort.grade.missing.n"].value == 2


def test_what_is_attributed_to_something_else_is_no_toxicity_of_sbrt() -> None:
    columns = ["patient_id", "term", "grade", "phase", "attribution"]
    rows = [
        ("a", "Fatigue", 2, "late", "possible"),
        ("b", "Fatigue", 4, "late", "unrelated"),
        ("c", "Fatigue", 1, "late", None),
    ]
    tables = tables_of(patients=PATIENTS) | {"toxicities": canonical("toxicities", columns, rows)}
    statistics = described(tables, cohort_of({"patients": ["patient_id"], "toxicities": columns}))
    assert statistics["toxicity.late.fatigue.n"].value == 2
    assert statistics["toxicity.unrelated.n"].value == 1
    assert statistics["toxicity.grade_4_or_more.n"].value == 0


def test_median_of_an_even_number_of_fractions_keeps_its_half() -> None:
    courses = [("a", "1", "1", 0, 50, 5), ("b", "1", "1", 0, 48, 4)]
    lesions = [("a", "1", "lung", 20), ("b", "1", "lung", 20)]
    tables = tables_of(patients=PATIENTS[:2], lesions=lesions, courses=courses)
    fractions = described(tables, cohort_of(COLUMNS))["dose.fractions.median"]
    assert fractions.value == 4.5
    assert isinstance(described(tables, cohort_of(COLUMNS))["dose.fractions.max"].value, int)


@pytest.mark.parametrize(
    ("dose", "key", "label"),
    [
        (37.5, "dose.prescription.37_5gy_3fx", "37.5 Gy in 3 fractions"),
        (30.0, "dose.prescription.30gy_3fx", "30 Gy in 3 fractions"),
    ],
)
def test_prescription_key_holds_no_dot_of_its_own(dose: float, key: str, label: str) -> None:
    lesions = [(patient, "1", "lung", 20) for patient in "abc"]
    courses = [(patient, "1", "1", 0, dose, 3) for patient in "abc"]
    tables = tables_of(patients=PATIENTS[:3], lesions=lesions, courses=courses)
    statistics = described(tables, cohort_of(COLUMNS))
    assert statistics[f"{key}.label"].value == label
    assert statistics[f"{key}.n"].value == 3
    assert "dose.prescription.other.n" not in statistics


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("Radiation pneumonitis", "radiation_pneumonitis"),
        (" Pain, chest-wall (left)", "pain_chest_wall_left"),
    ],
)
def test_slug(term: str, expected: str) -> None:
    assert slug(term) == expected


FLOW = {
    "patients": {
        "read": 50,
        "excluded": [{"reason": "children", "patients": 3}, {"reason": "no scan", "patients": 4}],
        "analysed": 43,
    },
    "screening": {"reviewed": 90, "excluded": 40, "enrolled": 50, "locator": "Results, page 2"},
}


def test_flow_is_what_the_ledger_holds() -> None:
    statistics = {s.key: s for s in flow_statistics(FLOW)}
    assert {key: s.value for key, s in statistics.items()} == {
        "flow.patients.read": 50,
        "flow.patients.excluded": 7,
        "flow.patients.analysed": 43,
        "flow.screening.excluded": 40,  # what is printed itself is transcribed, not computed
    }


def test_who_was_not_enrolled_is_in_no_row() -> None:
    statistics = {s.key: s for s in flow_statistics(FLOW)}
    excluded = statistics["flow.screening.excluded"]
    assert (excluded.columns, excluded.population) == ((), {})
    assert excluded.rows == {"config": ["cohort.screening.reviewed", "cohort.screening.enrolled"]}


def test_flow_without_screening_has_none() -> None:
    keys = [s.key for s in flow_statistics(FLOW | {"screening": None})]
    assert keys == ["flow.patients.read", "flow.patients.excluded", "flow.patients.analysed"]


# Feng et al. 2022: Table 1, Table 2 and the text of the results, as they print them.
PRINTED = {
    "cohort.age.median": "58",
    "cohort.age.min": "19",
    "cohort.age.max": "82",
    "cohort.sex.male.percent": "67.6",
    "cohort.histology_group.fibroblastic_myofibroblastic.percent": "29.7",
    "cohort.histology_group.uncertain_differentiation.percent": "21.6",
    "cohort.setting.recurrence.percent": "48.6",
    "cohort.grade.G1.percent": "51.4",
    "cohort.grade.G2.percent": "10.8",
    "cohort.grade.G3.percent": "37.8",
    "cohort.number_of_lesions.single.n": "24",
    "cohort.number_of_lesions.multiple.percent": "35.1",
    "lesions.site.abdomen_pelvis.percent": "31.0",
    "lesions.site.lung.percent": "29.3",
    "lesions.size.median": "5.5",
    "lesions.size_level.percent": "44.8",
    "lesions.bed10_level.percent": "53.4",
    "dose.bed10.median": "85.5",
    "dose.bed10.min": "51.3",
    "dose.bed10.max": "187.5",
    "dose.total.median": "45",
    "dose.fractions.max": "10",
    "dose.prescription.50gy_5fx.n": "15",
    "dose.prescription.45gy_5fx.n": "11",
    "dose.new_conformity_index.median": "1.42",
    "dose.homogeneity_index.max": "2.00",
    "treatment.chemotherapy.percent": "48.6",
    "treatment.chemotherapy.before.n": "9",
    "treatment.chemotherapy.concurrent.n": "4",
    "treatment.chemotherapy.after.n": "5",
    "treatment.none.percent": "32.4",
    "treatment.primary_surgery.n": "28",
    "treatment.repeated_surgery.n": "7",
    "treatment.adjuvant_chemotherapy.n": "13",
    "treatment.adjuvant_radiotherapy.n": "3",
    "time.diagnosis_to_recurrence.n": "31",
    "time.diagnosis_to_recurrence.median": "7.0",
    "time.diagnosis_to_recurrence.max": "100.0",
    "toxicity.acute.fatigue.percent": "21.6",
    "toxicity.late.radiation_dermatitis.grade_3.n": "1",
    "toxicity.grade_4_or_more.n": "0",
    "flow.screening.excluded": "31",
    "flow.patients.analysed": "37",
}


@pytest.fixture(scope="module")
def default() -> dict:
    """Registry entries of the default cohort's characteristics."""
    config = REPOSITORY / "config"

    def read(path: str) -> dict:
        return yaml.safe_load((config / path).read_text(encoding="utf-8"))

    name = "reconstructed-2022"
    cohort = cohort_settings(name, read(f"cohorts/{name}.yaml"))
    endpoints = read("endpoints.yaml")
    analysis = analysis_settings(read("models.yaml"), endpoint_settings(endpoints), cohort, 1)
    extraction = extract(cohort, read_cohort(cohort, REPOSITORY / "data" / "cohorts" / name))
    statistics = cohort_statistics(
        extraction.tables,
        covariate_frame(extraction.tables, alpha_beta_gy=endpoints["alpha_beta_gy"]),
        analysis,
        cohort,
        alpha_beta_gy=endpoints["alpha_beta_gy"],
        acute_toxicity_months=endpoints["acute_toxicity_months"],
    )
    statistics += flow_statistics(extraction.flow)
    return computed_entries([("characteristics", s) for s in statistics], cohort)


@pytest.mark.parametrize(
    ("key", "support"),
    [
        ("fatigue.n", "inferred"),
        ("fatigue.percent", "inferred"),
        ("fatigue.grade_1.n", "filler"),  # printed as grade 1-2
        ("fatigue.grade_2.n", "filler"),
        ("fatigue.grade_3.n", "inferred"),
        ("radiation_enteritis.grade_2.n", "filler"),
        ("radiation_pneumonitis.grade_1.n", "inferred"),  # printed as grade 2
        ("radiation_pneumonitis.grade_2.n", "inferred"),
    ],
)
def test_grades_that_are_printed_together_are_filler_apart(default, key, support) -> None:
    assert default[f"toxicity.acute.{key}"]["support"] == support


@pytest.mark.parametrize(("key", "text"), PRINTED.items())
def test_default_cohort_prints_what_the_paper_prints(default: dict, key: str, text: str) -> None:
    assert default[key]["text"] == text
