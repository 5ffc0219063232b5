"""The committed raw tables: their endpoints, the counts they print, and how they are made."""

import dataclasses
import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.endpoints import derive
from sarcoma_sbrt.evidence.reconstruction import expansion
from sarcoma_sbrt.evidence.reconstruction.agreement import agreement
from sarcoma_sbrt.evidence.reconstruction.endpoint_tables import disagreements
from sarcoma_sbrt.evidence.reconstruction.expansion import csv_text, expand
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.extraction.eligibility import extract
from sarcoma_sbrt.extraction.sources import read_cohort
from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.settings import cohort_settings, endpoint_settings

ROOT = Path(__file__).parents[3]
GIVEN = ROOT / "data" / "reconstruction" / "reconstructed-2022"
RAW = ROOT / "data" / "cohorts" / "reconstructed-2022"
SCHEMAS = ROOT / "workflow" / "schemas"
SEED = read_yaml(ROOT / "config/config.yaml", SCHEMAS / "config.schema.yaml")["seed"]
COHORT = cohort_settings(
    "reconstructed-2022",
    read_yaml(ROOT / "config/cohorts/reconstructed-2022.yaml", SCHEMAS / "cohort.schema.yaml"),
)
DEFINITIONS = read_yaml(ROOT / "config/endpoints.yaml", SCHEMAS / "endpoints.schema.yaml")
ENDPOINTS = endpoint_settings(DEFINITIONS)
# Printed beside a count that excludes them.
IMPOSSIBLE = {
    "feng2022.histology.fibroblastic.percent",
    "feng2022.number_of_lesions.single.percent",
    "feng2022.site.lung.text.percent",
}
NAMES = [path.stem for path in sorted(RAW.glob("*.csv"))]


def endpoint_tables():
    return pd.read_csv(GIVEN / "patients.csv"), pd.read_csv(GIVEN / "lesions.csv")


@pytest.fixture(scope="module")
def raw():
    return {name: pd.read_csv(RAW / f"{name}.csv") for name in NAMES}


@pytest.fixture(scope="module")
def canonical():
    return extract(COHORT, read_cohort(COHORT, RAW)).tables


# --- generator and committed tables -------------------------------------------------------


def test_the_generator_makes_every_committed_table_and_no_other(marginals):
    assert sorted(expand(*endpoint_tables(), seed=SEED, marginals=marginals)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_tables_are_what_the_generator_makes(name, marginals):
    made = csv_text(expand(*endpoint_tables(), seed=SEED, marginals=marginals)[name])
    assert made.encode() == (RAW / f"{name}.csv").read_bytes()


def test_another_seed_changes_filler_and_no_endpoint_or_count(marginals):
    one, two = (expand(*endpoint_tables(), seed=seed, marginals=marginals) for seed in (1, 2))
    assert csv_text(one["patients"]) != csv_text(two["patients"])
    for column in ("last contact", "status", "setting"):
        assert one["patients"][column].equals(two["patients"][column])
    assert sorted(one["lesions"]["site"]) == sorted(two["lesions"]["site"])


def test_the_records_are_written_for_the_configured_definitions():
    lc = ENDPOINTS["lc"]
    assert lc.death_gap_months == expansion.DEATH_GAP_MONTHS
    assert (lc.growth_percent, lc.growth_mm, lc.reference) == (
        expansion.GROWTH_PERCENT,
        0,
        "baseline",
    )


# --- round trip ---------------------------------------------------------------------------


def events(tables, name):
    """Months and event of an endpoint, by patient or lesion as the raw table names them."""
    table = derive(tables, ENDPOINTS[name], local_failure=ENDPOINTS["lc"]).table
    unit = "lesion_id" if name == "lc" else "patient_id"
    rows = zip(table[unit].astype(int), table["time_months"], table["event"], strict=True)
    return {key: (float(months), int(event)) for key, months, event in rows}


def expected(table, key, months, event):
    rows = zip(table[key], table[months], table[event], strict=True)
    return {k: (float(m), int(e)) for k, m, e in rows}


def expected_control(patients, lesions):
    """Failure as given; a lesion followed until its patient's death has the competing event."""
    own = patients.set_index("id").loc[lesions["patient"]]
    died = (own["death"].to_numpy() == 1) & (own["os_months"].to_numpy() == lesions["lc_months"])
    event = lesions["lf"].where((lesions["lf"] == 1) | ~died, 2)
    return expected(lesions.assign(event=event), "lesion", "lc_months", "event")


def test_os_comes_back_exactly(canonical):
    patients, _ = endpoint_tables()
    assert events(canonical, "os") == expected(patients, "id", "os_months", "death")


def test_pfs_comes_back_exactly(canonical):
    patients, _ = endpoint_tables()
    assert events(canonical, "pfs") == expected(patients, "id", "pfs_months", "pfs_event")


def test_local_control_comes_back_exactly(canonical):
    patients, lesions = endpoint_tables()
    assert events(canonical, "lc") == expected_control(patients, lesions)


def test_classes_come_back_but_for_the_listed_disagreements(canonical, marginals):
    patients, lesions = endpoint_tables()
    listed = disagreements(patients, lesions, marginals)
    assert class_differences(canonical, patients, lesions) == set(
        zip(listed["patient"], listed["column"], strict=True)
    )


def class_differences(canonical, patients, lesions):
    """Patient and column wherever the tables' class is not the given one; none of a lesion's."""
    by_patient, by_lesion = covariate_frame(canonical, alpha_beta_gy=DEFINITIONS["alpha_beta_gy"])
    of_lesion = by_lesion.set_index(by_lesion["lesion_id"].astype(int)).loc[lesions["lesion"]]
    assert ((of_lesion["derived.size_mm"] <= 50).to_numpy() == (lesions["size_le5"] == 1)).all()
    assert ((of_lesion["derived.bed10_gy"] < 100).to_numpy() == (lesions["bed_lt100"] == 1)).all()
    own = by_patient.set_index(by_patient["patient_id"].astype(int)).loc[patients["id"]]
    derived = pd.DataFrame(
        {
            "G1": own["patients.grade"] == "G1",
            "size_le5": own["derived.size_mm"] <= 50,
            "bed_lt100": own["derived.bed10_gy"] < 100,
        }
    ).astype(int)
    derived.index = patients["id"]
    supplied = patients.set_index("id")[list(derived)]
    return {(p, c) for c in derived for p in derived.index[derived[c] != supplied[c]]}


@st.composite
def small_cohorts(draw):
    """Consistent endpoint-level tables of a few patients with one to three lesions each."""
    patients, lesions = [], []
    for i in range(1, draw(st.integers(2, 6)) + 1):
        os, death = draw(st.integers(1, 80)), draw(st.integers(0, 1))
        event = 1 if death else draw(st.integers(0, 1))
        pfs = draw(st.integers(1, os)) if event else os
        number = draw(st.integers(1, 3))
        classes = {
            "G1": draw(st.integers(0, 1)),
            "recurrence": draw(st.integers(0, 1)),
            "single_lesion": int(number == 1),
        }
        patients.append(
            {"id": i, "os_months": os, "death": death, "pfs_months": pfs, "pfs_event": event}
            | classes
            | {"size_le5": draw(st.integers(0, 1)), "bed_lt100": draw(st.integers(0, 1))}
        )
        for _ in range(number):
            failed = event and draw(st.booleans())
            months = draw(st.integers(pfs if failed else 0, os))
            lesions.append(
                {"lesion": len(lesions) + 1, "patient": i, "lc_months": months, "lf": int(failed)}
                | classes
                | {"size_le5": draw(st.integers(0, 1)), "bed_lt100": draw(st.integers(0, 1))}
            )
    return pd.DataFrame(patients), pd.DataFrame(lesions)


def extracted(tables, folder):
    """Canonical tables of raw ones, by way of their files."""
    tables = {name: table for name, table in tables.items() if len(table)}
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(table), encoding="utf-8")
    # A file without rows is refused on reading, so a cohort without progressions maps none.
    mapped = dataclasses.replace(
        COHORT, tables={k: m for k, m in COHORT.tables.items() if k in tables}, screening=None
    )
    return extract(mapped, read_cohort(mapped, folder)).tables


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(small_cohorts(), st.integers(0, 2**32))
def test_endpoints_of_any_tables_come_back_exactly(tmp_path_factory, marginals, cohort, seed):
    patients, lesions = cohort
    tables = expand(patients, lesions, seed=seed, marginals=marginals)
    canonical = extracted(tables, tmp_path_factory.mktemp("raw"))
    assert events(canonical, "os") == expected(patients, "id", "os_months", "death")
    assert events(canonical, "pfs") == expected(patients, "id", "pfs_months", "pfs_event")
    assert events(canonical, "lc") == expected_control(patients, lesions)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(state=st.integers(0, 2**32), seed=st.integers(0, 2**32))
def test_any_state_of_the_search_comes_back_with_every_printed_count(
    tmp_path_factory, problem_of_feng, content, figures, marginals, state, seed
):
    """Endpoints, classes and marginals at once, for cohorts as a search proposes them."""
    start = problem_of_feng.start(state)
    patients, lesions = problem_of_feng.tables(start.patients, start.lesions)
    tables = expand(patients, lesions, seed=seed, marginals=marginals)
    canonical = extracted(tables, tmp_path_factory.mktemp("raw"))
    assert events(canonical, "os") == expected(patients, "id", "os_months", "death")
    assert events(canonical, "pfs") == expected(patients, "id", "pfs_months", "pfs_event")
    assert events(canonical, "lc") == expected_control(patients, lesions)
    assert disagreements(patients, lesions, marginals).empty
    assert class_differences(canonical, patients, lesions) == set()
    found = agreement(
        "feng2022", figures, content["recount"], canonical, alpha_beta_gy=marginals.alpha_beta_gy
    )
    toxic = {m.target_id for m in found if m.figure.place == "results_toxicity"}
    missed = {m.target_id for m in found if m.status != "exact"} - toxic
    assert missed == IMPOSSIBLE


@pytest.fixture(scope="module")
def problem_of_feng():
    plan = read_plan(
        read_yaml(ROOT / "config/reconstruction/feng2022.yaml", {})  # its schema is not ours
    )
    targets = ROOT / "data/published/targets/feng2022.csv"
    return problem(plan, pd.read_csv(targets, dtype=str, keep_default_na=False))


# --- printed counts -----------------------------------------------------------------------

# (locator in Feng et al. 2022, table, column, counts)
COUNTS = [
    ("Table 1, Gender", "patients", "sex", {"M": 25, "F": 12}),
    (
        "Table 1, Pathological type",
        "patients",
        "histology group",
        {
            "Smooth muscle tumors": 5,
            "Fibroblastic and myofibroblastic tumors": 11,
            "Tumors of uncertain differentiation": 8,
            "Adipocytic tumors": 5,
            "Vascular tumors": 3,
            "Skeletal muscle tumors": 3,
            "Others": 2,
        },
    ),
    (
        "Table 1, footnotes a, b, c",
        "patients",
        "histology",
        {
            "myxofibrosarcoma": 5,
            "fibrosarcoma NOS": 2,
            "inflammatory myofibroblastic tumor": 1,
            "solitary fibrous tumor, malignant": 1,
            "desmoid-type fibromatosis": 1,
            "dermatofibrosarcoma protuberans": 1,
            "undifferentiated sarcoma": 3,
            "spindle cell sarcoma, undifferentiated": 1,
            "pleural mesothelial sarcoma": 1,
            "endometrial stromal sarcoma": 1,
            "alveolar soft part sarcoma": 1,
            "synovial sarcoma": 1,
            "dedifferentiated liposarcoma": 3,
            "myxoid liposarcoma": 2,
        },
    ),
    (
        "Table 1, Disease setting",
        "patients",
        "setting",
        {"recurrent": 18, "oligometastatic": 19},
    ),
    ("Table 1, Histological grade", "patients", "grade", {"G1": 19, "G2": 4, "G3": 14}),
    (
        "Table 2, Site",
        "lesions",
        "site",
        {
            "Head and neck": 6,
            "Lung": 17,
            "Chest": 5,
            "Abdomen/pelvis": 18,
            "Vertebral body bone": 10,
            "Limbs": 2,
        },
    ),
]


@pytest.mark.parametrize(("locator", "table", "column", "counts"), COUNTS)
def test_printed_counts(raw, locator, table, column, counts):
    assert raw[table][column].value_counts().to_dict() == counts


# (locator, table, column, median, minimum, maximum)
SPREADS = [
    ("Table 1, Age", "patients", "age", 58, 19, 82),
    ("Table 2, Lesions size", "lesions", "diameter (cm)", 5.5, 1.6, 20),
    ("Table 2, Prescription dose", "courses", "dose (Gy)", 45, 30, 75),
    ("Table 2, Prescription dose", "courses", "fractions", 5, 2, 10),
    ("Table 2, Isodose", "courses", "isodose (%)", 75, 55, 88),
    ("Table 2, CI", "courses", "CI", 1.13, 1.00, 2.77),
    ("Table 2, nCI", "courses", "nCI", 1.42, 1.13, 2.93),
    ("Table 2, HI", "courses", "HI", 1.33, 1.10, 2.00),
    ("Table 2, PTV coverage", "courses", "coverage (%)", 86.12, 47.81, 99.75),
]


@pytest.mark.parametrize(("locator", "table", "column", "median", "low", "high"), SPREADS)
def test_printed_medians_and_ranges(raw, locator, table, column, median, low, high):
    values = raw[table][column]
    assert (values.median(), values.min(), values.max()) == (median, low, high)


def test_numbers_of_patients_and_lesions(raw):
    assert (len(raw["patients"]), len(raw["lesions"])) == (37, 58)  # Tables 1 and 2, headings
    numbers = raw["lesions"]["patient"].value_counts()
    assert ((numbers == 1).sum(), numbers.between(2, 3).sum()) == (24, 13)  # Table 1, Number
    assert (raw["courses"][["course", "start"]] == [1, 0]).all(axis=None)  # Table 1, footnote d


def test_time_from_diagnosis(raw):
    p = raw["patients"]
    interval = (p["recurrence or metastasis"] - p["diagnosis"]).dropna()
    assert len(interval) == 31  # Results, paragraph 2
    assert (interval.median(), interval.min(), interval.max()) == (7, 2, 100)  # the same
    assert p.loc[p["setting"] == "recurrent", "recurrence or metastasis"].notna().all()


def test_size_classes_and_their_sites(raw):
    lesions = raw["lesions"]
    large = lesions[lesions["diameter (cm)"] > 5]
    assert (len(lesions) - len(large), len(large)) == (26, 32)  # Table 2, Lesions size
    assert (lesions["diameter (cm)"] != 5).all()  # "<= 5" in the text, "< 5.0" in Table 2
    assert (large["site"] == "Abdomen/pelvis").sum() == 17  # Results, paragraph 2
    assert large["site"].isin(["Lung", "Chest"]).sum() == 12  # Results, paragraph 2


def test_no_patient_has_two_largest_lesions(raw):
    lesions = raw["lesions"]
    top = lesions.groupby("patient")["diameter (cm)"].transform("max") == lesions["diameter (cm)"]
    assert not lesions.loc[top, "patient"].duplicated().any()


def test_bed(raw):
    courses = raw["courses"]
    values = bed(courses["dose (Gy)"], courses["fractions"], 10)
    assert ((values < 100).sum(), (values >= 100).sum()) == (31, 27)  # Table 2, BED
    printed = (values.median(), round(values.min(), 1), values.max())
    assert printed == (85.5, 51.3, 187.5)  # Table 2, BED
    assert (values == 100).sum() == 15  # 50 Gy in 5 fractions is at the boundary itself


def test_prescriptions(raw):
    courses = raw["courses"]
    dose, fractions = courses["dose (Gy)"], courses["fractions"]
    named = {  # Table 2, Prescription dose
        "30 Gy/3 Fx": (dose.eq(30) & fractions.eq(3), 8),
        "45-48 Gy/3-4 Fx": (dose.between(45, 48) & fractions.between(3, 4), 4),
        "54-60 Gy/3 Fx": (dose.between(54, 60) & fractions.eq(3), 3),
        "40 Gy/5 Fx": (dose.eq(40) & fractions.eq(5), 5),
        "45 Gy/5 Fx": (dose.eq(45) & fractions.eq(5), 11),
        "50 Gy/5 Fx": (dose.eq(50) & fractions.eq(5), 15),
    }
    assert {k: int(rows.sum()) for k, (rows, _) in named.items()} == {
        k: count for k, (_, count) in named.items()
    }
    others = ~pd.concat([rows for rows, _ in named.values()], axis=1).any(axis=1)
    assert others.sum() == 12  # Table 2, Prescription dose, Others


def test_systemic_treatment(raw):
    given = raw["treatments"][raw["treatments"]["intent"] == "with SBRT"]
    assert given["treatment"].value_counts().to_dict() == {  # Table 1, Systemic treatment
        "Chemotherapy": 18,
        "Targeted therapy": 4,
        "Immunotherapy": 1,
        "Interventional therapy": 2,
    }
    assert not given["patient"].duplicated().any()
    assert 37 - given["patient"].nunique() == 12  # Table 1, Systemic treatment, None
    chemotherapy = given[given["treatment"] == "Chemotherapy"]
    assert chemotherapy["timing"].value_counts().to_dict() == {  # Results, paragraph 2
        "before": 9,
        "after": 5,
        "concurrent": 4,
    }
    setting = chemotherapy["patient"].map(raw["patients"].set_index("patient")["setting"])
    assert setting.value_counts().to_dict() == {  # Results, paragraph 2
        "oligometastatic": 11,
        "recurrent": 7,
    }


def test_first_treatments(raw):
    treatments = raw["treatments"]
    surgery = treatments[treatments["intent"] == "first treatment"]
    assert (surgery["treatment"] == "Surgery").all()
    assert len(surgery) == surgery["patient"].nunique() == 28  # Results, paragraph 2
    assert (surgery["operations"] > 2).sum() == 7  # Results, paragraph 2
    adjuvant = treatments[treatments["intent"] == "adjuvant"]
    assert adjuvant["treatment"].value_counts().to_dict() == {  # Results, paragraph 2
        "Chemotherapy": 13,
        "Radiotherapy": 3,
    }
    assert adjuvant["patient"].isin(surgery["patient"]).all()  # "postoperative"
    recurrent = raw["patients"].query("setting == 'recurrent'")["patient"]
    assert recurrent.isin(surgery["patient"]).all()  # Methods, Patients: recurrence after surgery


def test_toxicities(raw):
    toxicities = raw["toxicities"]
    patients = toxicities.groupby("term")["patient"].nunique().to_dict()
    grades = toxicities.groupby("term")["grade"].unique().map(sorted).to_dict()
    assert patients == {  # Results, Toxicity
        "Fatigue": 8,
        "Radiation pneumonitis": 1,
        "Radiation enteritis": 2,
        "Radiation dermatitis": 1,
    }
    assert grades == {  # Results, Toxicity
        "Fatigue": [1, 2],
        "Radiation pneumonitis": [2],
        "Radiation enteritis": [1, 2],
        "Radiation dermatitis": [3],
    }
    late = toxicities["term"] == "Radiation dermatitis"
    assert toxicities.loc[late, "onset"].tolist() == [6]  # Results, Toxicity
    assert (toxicities.loc[~late, "onset"] <= 3).all()  # Methods: acute within 3 months
    last = toxicities["patient"].map(raw["patients"].set_index("patient")["last contact"])
    assert (toxicities["onset"] <= last).all()


# --- what the README says -----------------------------------------------------------------


def test_readme_names_no_patient_lesion_or_count_of_this_reconstruction():
    """Another one takes its place without a word; what differs stands in the results."""
    text = (RAW / "README.md").read_text(encoding="utf-8")
    assert not re.search(r"[Ll]esions? \d|[Pp]atients? \d", text)
    for name in ("marginals.csv", "conflicts.json"):
        assert f"results/reconstruction/{name}" in text
