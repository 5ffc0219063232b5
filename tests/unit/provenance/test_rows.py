"""Rows behind numbers: a cohort small enough to see, then every number of two whole cohorts."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.evidence.published import Figure, Published, Study
from sarcoma_sbrt.extraction.eligibility import extract
from sarcoma_sbrt.extraction.sources import read_tables
from sarcoma_sbrt.provenance.row_sets import RowSets
from sarcoma_sbrt.provenance.rows import (
    CanonicalRows,
    NumberRows,
    Printed,
    PrintedRows,
    Records,
    prescriptions,
    printed_tables,
    tables_of,
)
from sarcoma_sbrt.provenance.setting_lines import Setting
from sarcoma_sbrt.reporting.cohort_statistics import first_courses
from sarcoma_sbrt.reporting.stages import characteristics, cox, kaplan_meier
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.schema import DAYS_PER_MONTH, SOURCE_COLUMNS, TABLES
from sarcoma_sbrt.settings import plan_settings

REPOSITORY = Path(__file__).parents[3]
DATA = {
    "reconstructed-2022": (REPOSITORY / "config/cohorts", REPOSITORY / "data/cohorts"),
    "small": (REPOSITORY / "tests/data/config/cohorts", REPOSITORY / "tests/data/cohorts"),
}


@cache
def plan_of(cohort):
    configured = DATA[cohort][0] / f"{cohort}.yaml"
    files = {
        "cohort": configured,
        "endpoints": REPOSITORY / "config/endpoints.yaml",
        "models": REPOSITORY / "config/models.yaml",
    }
    read = {name: yaml.safe_load(path.read_text(encoding="utf-8")) for name, path in files.items()}
    return plan_settings({**read, "name": cohort, "seed": 1})


def records_of(tables, plan):
    derived = derive_all(tables, plan.endpoints, plan.cohort)
    frames = covariate_frame(
        tables, alpha_beta_gy=plan.alpha_beta_gy, concurrent_days=plan.concurrent_days
    )
    return Records(tables, {name: one.table for name, one in derived.items()}, *frames, plan)


# --- a cohort to see ----------------------------------------------------------------------------


def table(name, *rows):
    """Canonical table of rows ``{column: value}``; the first stands on line 2 of its file."""
    columns = {c.name: c.dtype for c in (*TABLES[name].columns, *SOURCE_COLUMNS)}
    places = [
        {"source_file": f"{name}.csv", "source_line": line} | row
        for line, row in enumerate(rows, 2)
    ]
    return pd.DataFrame(places, columns=list(columns)).astype(columns)


def months(count):
    return count * DAYS_PER_MONTH


def lesion(patient, name, **values):
    return {"patient_id": patient, "lesion_id": name, **values}


# Patients are not in the order of their names, in which endpoints are.
TABLES_OF_THREE = {
    "patients": table(
        "patients",
        {"patient_id": "b", "grade": "G1", "last_contact_day": months(30), "vital_status": "alive"},
        {"patient_id": "a", "grade": "G3", "last_contact_day": months(9), "vital_status": "dead"},
        {"patient_id": "c", "last_contact_day": months(20), "vital_status": "alive"},
    ),
    "lesions": table(
        "lesions",
        lesion("b", "1", size_mm=60, site="lung"),
        lesion("b", "2", size_mm=20, site="chest"),
        lesion("a", "1", size_mm=30, site="lung"),
        lesion("c", "1", size_mm=40),
    ),
    "courses": table(
        "courses",
        lesion("b", "1", course_id="2", start_day=months(12), dose_gy=30, fractions=3),
        lesion("b", "1", course_id="1", start_day=0, dose_gy=50, fractions=5),
        lesion("b", "2", course_id="1", start_day=0, dose_gy=50, fractions=5),
        lesion("a", "1", course_id="1", start_day=0, dose_gy=36, fractions=6),
        lesion("c", "1", course_id="1", start_day=0, fractions=5),
    ),
    "assessments": table(
        "assessments",
        lesion("a", "1", assessment_day=months(6), diameter_mm=29),
        lesion("b", "1", assessment_day=months(6), diameter_mm=60),
        lesion("b", "2", assessment_day=months(6), diameter_mm=30),
        lesion("b", "1", assessment_day=months(18), diameter_mm=60),
        lesion("c", "1", assessment_day=months(18)),
    ),
    "progressions": table(
        "progressions", {"patient_id": "c", "progression_day": months(10), "kind": "distant"}
    ),
    "treatments": table(
        "treatments",
        {"patient_id": "a", "kind": "surgery", "intent": "primary", "operations": 2},
        {"patient_id": "b", "kind": "surgery", "intent": "primary", "operations": 1},
        {"patient_id": "a", "kind": "surgery", "intent": "primary", "operations": 1},
        {"patient_id": "b", "kind": "chemotherapy", "intent": "with_sbrt", "timing": "after"},
    ),
    "toxicities": table(
        "toxicities",
        {"patient_id": "a", "term": "Fatigue", "grade": 1, "onset_day": 10},
        {"patient_id": "a", "term": "fatigue", "grade": 3, "onset_day": 20},
        {"patient_id": "b", "term": "Fatigue", "grade": 1, "onset_day": 300},
        {"patient_id": "b", "term": "Nausea", "grade": 2},
        {"patient_id": "c", "term": "Fatigue", "grade": 2, "attribution": "unrelated"},
    ),
}
PLAN = plan_of("reconstructed-2022")
THREE = CanonicalRows(records_of(TABLES_OF_THREE, PLAN), {(50.0, 5)})


def selected(*, columns=(), rows=None, population=None, key="x"):
    statistic = Statistic(
        key, 1, "count", "count", columns=columns, population=population or {}, rows=rows or {}
    )
    found = THREE.of(statistic)
    return (
        {name: of.tolist() for name, of in found.units.items()},
        {name: of.tolist() for name, of in found.canonical.items()},
    )


def endpoint(name, where, *columns):
    of = {"table": f"endpoints/{name}"}
    return selected(columns=columns, rows=of | {"where": where}, population=of | {"filter": where})


OS_COLUMNS = ("patients.last_contact_day", "patients.vital_status")
LC_COLUMNS = (*OS_COLUMNS, "assessments.diameter_mm", "courses.start_day", "lesions.size_mm")


def test_units_of_an_endpoint_are_its_rows_and_read_are_their_own_rows():
    # a, b, c are rows 0, 1, 2 of the endpoint table and 1, 0, 2 of the patients.
    assert endpoint("os", {}, *OS_COLUMNS) == ({"endpoints/os": [0, 1, 2]}, {"patients": [0, 1, 2]})
    assert endpoint("os", {"grade": 1}, *OS_COLUMNS) == ({"endpoints/os": [1]}, {"patients": [0]})
    assert endpoint("os", {"grade": 0}, *OS_COLUMNS) == ({"endpoints/os": [0]}, {"patients": [1]})


@pytest.mark.parametrize(
    ("where", "units"),
    [
        ({"grade": [0, 1]}, [0, 1]),  # c has no grade
        ({"recorded": ["grade"]}, [0, 1]),
        ({"recorded": ["grade", "size"]}, [0, 1]),
        ({"recorded": ["size"]}, [0, 1, 2]),
        ({"recorded": ["bed10"]}, [0, 1]),  # c has no dose
        ({"grade": ["G2", "G3"]}, [0]),
        ({"size": 0, "grade": [0, 1]}, [1]),
        ({"number_of_lesions": 1}, [0, 2]),
    ],
)
def test_groups_are_those_of_the_plan(where, units):
    assert endpoint("os", where, *OS_COLUMNS)[0] == {"endpoints/os": units}


def test_a_column_brings_every_row_of_the_patient_in_its_table():
    _, read = endpoint("os", {"grade": 1}, *OS_COLUMNS, "lesions.lesion_id", "courses.start_day")
    assert read == {"patients": [0], "lesions": [0, 1], "courses": [0, 1, 2]}


def test_a_lesion_brings_its_own_rows_and_its_patients():
    # Lesions a1, b1, b2, c1 in the endpoint table; only b1 is larger than 5 cm.
    units, read = endpoint("lc", {"size": 0}, *LC_COLUMNS)
    assert units == {"endpoints/lc": [1]}
    assert read == {"patients": [0], "lesions": [0], "courses": [0, 1], "assessments": [1, 3]}


def test_how_many_lesions_there_are_takes_all_of_the_patient():
    _, read = endpoint("lc", {"size": 0}, *LC_COLUMNS, "lesions.lesion_id")
    # What decides control stays the lesion's own; how many there are, lesions and courses say.
    assert read["lesions"] == [0, 1]
    assert read["courses"] == [0, 1, 2]
    assert read["assessments"] == [1, 3]


def test_the_deciding_row_is_read_though_no_column_names_its_table():
    # c's progression at month 10 decides; a's death and b's lesion 2 the others'.
    units, read = endpoint("pfs", {}, "patients.vital_status")
    assert units == {"endpoints/pfs": [0, 1, 2]}
    assert read == {"patients": [0, 1, 2], "assessments": [2], "progressions": [0]}
    assert endpoint("pfs", {"grade": 0}, "patients.vital_status")[1] == {"patients": [1]}


def test_the_gap_of_a_competing_death_changes_no_row():
    of = {"table": "endpoints/lc", "death_gap_months": 0}
    variant = selected(columns=LC_COLUMNS, rows=of | {"where": {}}, population=of)
    assert variant == endpoint("lc", {}, *LC_COLUMNS)


def test_a_dose_is_that_of_the_first_course():
    assert endpoint("lc", {"recorded": ["dose"]}, *LC_COLUMNS)[0] == {"endpoints/lc": [0, 1, 2]}


@pytest.mark.parametrize(
    ("name", "where", "columns", "units"),
    [
        ("patients", {}, ["patients.patient_id"], [0, 1, 2]),
        ("patients", {"grade": "G1"}, ["patients.grade"], [0]),
        ("patients", {"grade": None}, ["patients.grade"], [2]),
        ("patients", {"grade": {"known": True}}, ["patients.grade"], [0, 1]),
        ("patients", {"courses": {"known": True}}, ["patients.patient_id"], [0, 1, 2]),
        ("patients", {"derived.number_of_lesions": {"above": 1}}, ["lesions.lesion_id"], [0]),
        ("patients", {"derived.number_of_lesions": {"at_most": 1}}, ["lesions.lesion_id"], [1, 2]),
        ("lesions", {"site": "lung"}, ["lesions.site"], [0, 2]),
        ("lesions", {"covariate": "size", "side": "level"}, ["lesions.size_mm"], [1, 2, 3]),
        ("lesions", {"covariate": "size", "side": "reference"}, ["lesions.size_mm"], [0]),
        ("lesions", {"covariate": "bed10", "side": None}, ["courses.dose_gy"], [3]),
        # A count of courses is of the lesions' first ones, unless it says otherwise.
        ("courses", {"fractions": {"known": True}}, ["courses.fractions"], [1, 2, 3, 4]),
        ("courses", {"course": {"above": 1}}, ["courses.start_day"], [0]),
        ("courses", {"fractions": {"known": True}}, ["courses.dose_gy"], [1, 2, 3]),
        ("courses", {"dose_gy": None}, ["courses.dose_gy", "courses.fractions"], [4]),
        ("courses", {"dose_gy": 50.0, "fractions": 5}, ["courses.dose_gy"], [1, 2]),
        ("courses", {"prescription": "other"}, ["courses.dose_gy"], [3]),
        ("courses", {"course": "first", "dose": {"known": True}}, ["courses.dose_gy"], [1, 2, 3]),
        ("courses", {"course": "first", "site": "lung"}, ["lesions.site"], [1, 3]),
        ("courses", {"course": "first", "site": "missing"}, ["lesions.site"], [4]),
        ("treatments", {"kind": "surgery", "intent": "primary"}, ["treatments.kind"], [0, 1, 2]),
        (
            "treatments",
            {"kind": "surgery", "intent": "primary", "operations": {"above": 2}},
            ["treatments.operations"],
            [0, 2],
        ),
        # Spellings that differ in case are one term; the unrelated event is not counted.
        ("toxicities", {"phase": "acute", "term": "Fatigue"}, ["toxicities.term"], [0, 1]),
        ("toxicities", {"phase": "acute", "term": "Fatigue", "grade": 3}, [], [1]),
        ("toxicities", {"phase": "acute", "term": "Fatigue", "grade": 1}, [], []),
        ("toxicities", {"phase": "late", "term": "Fatigue", "grade": 1}, [], [2]),
        ("toxicities", {"grade": {"at_least": 2}}, ["toxicities.grade"], [1, 3]),
        ("toxicities", {"left_out": "unrelated"}, ["toxicities.attribution"], [4]),
        ("toxicities", {"left_out": "unknown_phase"}, ["toxicities.phase"], [3]),
        (
            "assessments",
            {"diameter_mm": {"known": True}},
            ["assessments.diameter_mm"],
            [0, 1, 2, 3],
        ),
    ],
)
def test_filters_of_a_canonical_table(name, where, columns, units):
    of = {"table": name, "filter": where}
    found, read = selected(columns=tuple(columns), rows=of, population={"table": name})
    assert found == {name: units}
    # Each row could have been counted, so each was read.
    assert read[name] == list(range(len(TABLES_OF_THREE[name])))


def test_a_number_without_population_rests_on_all_rows_of_its_tables():
    units, read = selected(columns=("lesions.site", "derived.dose_within_class"))
    assert (units, read) == ({}, {"lesions": [0, 1, 2, 3]})


def test_a_number_that_names_nothing_rests_on_every_table():
    assert set(selected()[1]) == set(TABLES)
    assert tables_of(Statistic("x", 1, "count", "", columns=("published.a",))) == ()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"table": "patients", "filter": {"colour": 1}}, "patients: no rows can be selected by co"),
        ({"table": "endpoints/os", "where": {"colour": 1}}, "endpoints/os: no covariate is called"),
    ],
)
def test_what_cannot_be_selected_is_refused(rows, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        selected(rows=rows, columns=("patients.grade",))


def test_prescriptions_are_those_counted_by_themselves():
    where = [{"dose_gy": 30.0, "fractions": 3}, {"dose_gy": {"known": True}}, {"fractions": 5}]
    statistics = [
        Statistic("x", 1, "count", "", rows={"table": "courses", "filter": of}) for of in where
    ]
    assert prescriptions(statistics) == {(30.0, 3)}


def test_a_split_row_decided_for_the_patient_whose_it_is():
    # One raw line, split, gave progressions of two patients; each has its own.
    tables = TABLES_OF_THREE | {
        "progressions": table(
            "progressions",
            {"patient_id": "a", "progression_day": months(3), "kind": "distant"},
            {
                "patient_id": "c",
                "progression_day": months(3),
                "kind": "distant",
                "source_line": 2,
            },
        )
    }
    of = {"table": "endpoints/pfs", "where": {"grade": 0}}
    statistic = Statistic("x", 1, "count", "", columns=("patients.grade",), rows=of)
    found = CanonicalRows(records_of(tables, PLAN)).of(statistic).canonical
    assert found["progressions"].tolist() == [0]


# --- printed figures ----------------------------------------------------------------------------


def figure(key, line, file="data/published/outcomes.csv", **rest):
    place = {"paper": "p", "place": "table_1", "row": "r", "column": "c"}
    study = key.split(".")[0]
    said = {"measure": "median", "endpoint": "os", "unit": "months"}
    return Figure(key=key, study_id=study, file=file, line=line, **place, **said, **rest)


TARGETS = "data/published/targets/own2022.csv"
FIGURES = [
    figure("doe2015.os.median", 5),
    figure("doe2015.os.median.ci", 9),
    figure("roe2019.os.median", 7),
    figure("own2022.os.median", 3, TARGETS),
    figure("own2022.os.grade_g1", 4, TARGETS),
]


def study(name, line):
    blank = dict.fromkeys(Study.__dataclass_fields__, "")
    return Study(**blank | {"study_id": name, "file": "data/published/studies.csv", "line": line})


FILES = {
    "published.outcomes": {"path": "data/published/outcomes.csv", "sha256": "0"},
    "published.studies": {"path": "data/published/studies.csv", "sha256": "1"},
    "published.own2022": {"path": TARGETS, "sha256": "2"},
}
PRINTED = PrintedRows(
    Published(
        {name: study(name, line) for line, name in enumerate(["doe2015", "own2022", "roe2019"], 2)},
        {one.key: one for one in FIGURES},
    ),
    printed_tables(
        FILES,
        {
            "published.outcomes": [(5, {}), (7, {}), (9, {})],
            "published.studies": [(2, {}), (3, {}), (4, {})],
            "published.own2022": [(3, {}), (4, {})],
            "published.gone": [(1, {})],
        },
    ),
    {"reproduction": ["published.own2022"], "solutions": ["reconstruction.ranges"]},
)


def lines(stage, key="x", columns=(), published=()):
    rows = {"published": list(published)} if published else {}
    statistic = Statistic(key, 1, "count", "", columns=columns, rows=rows)
    return {file: of.tolist() for file, of in PRINTED.of(stage, statistic).items()}


def test_named_figures_are_lines_and_their_studies_too():
    keys = ("roe2019.os.median", "doe2015.os.median")
    assert lines("consistency", columns=("published.outcomes",), published=keys) == {
        "data/published/outcomes.csv": [5, 7]
    }
    columns = ("published.outcomes", "published.studies")
    assert lines("synthesis", columns=columns, published=keys) == {
        "data/published/outcomes.csv": [5, 7],
        "data/published/studies.csv": [2, 4],
    }


def test_a_table_without_named_figures_is_all_of_its_lines():
    assert lines("consistency", columns=("published.outcomes",)) == {
        "data/published/outcomes.csv": [5, 7, 9]
    }
    assert lines("kaplan_meier", columns=("patients.grade",)) == {}


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("reproduction.os.median.estimate", [3]),
        ("reproduction.own2022.os.median.percent.place", [3]),
        ("reproduction.os.grade_g1.status", [4]),
        ("reproduction.os.grade_g1.estimate.why", [3, 4]),  # a verdict weighs all of them
        ("reproduction.count.all", [3, 4]),
        ("reproduction.doe2015.os.median", [3, 4]),  # another study's figure is not its own
    ],
)
def test_a_reproduced_number_rests_on_the_figure_that_its_key_names(key, found):
    assert lines("reproduction", key, columns=("patients.grade",)) == {TARGETS: found}


def test_figures_and_tables_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match=r"^y: no printed figure is called a\.b, c$"):
        lines("consistency", "y", ("published.outcomes",), ["a.b", "c"])
    with pytest.raises(ValueError, match=r"^published\.gone: no such table of printed figures$"):
        lines("consistency", columns=("published.gone",))


def test_a_range_adds_its_line():
    sets = RowSets(TABLES_OF_THREE, "data/cohorts/c")
    rows = NumberRows(THREE, PRINTED, sets)
    statistic = Statistic("x", 1, "count", "", columns=("patients.grade",))
    alone = rows.name("kaplan_meier", statistic)
    beside = rows.beside("kaplan_meier", statistic, "data/ranges.csv", 8)
    assert sets.to_json()[alone]["raw"] == {"data/cohorts/c/patients.csv": "2-4"}
    assert sets.to_json()[beside]["raw"] == {
        "data/cohorts/c/patients.csv": "2-4",
        "data/ranges.csv": "8",
    }


SCREENED = Statistic(
    "flow.screening.excluded",
    31,
    "count",
    "",
    rows={"config": ["cohort.screening.reviewed", "cohort.screening.enrolled"]},
)


def test_a_number_of_settings_rests_on_their_lines_and_on_no_patient():
    sets = RowSets(TABLES_OF_THREE, "c")
    lines = {"cohort.screening.reviewed": 4, "cohort.screening.enrolled": 6, "cohort.kind": 1}
    settings = {key: Setting("config/cohorts/c.yaml", line) for key, line in lines.items()}
    name = NumberRows(THREE, PRINTED, sets, settings).name("characteristics", SCREENED)
    assert sets.to_json()[name] == {
        "units": {},
        "canonical": {},
        "raw": {"config/cohorts/c.yaml": "4,6"},
        "n": {"units": 0, "canonical": 0, "raw": 2},
    }
    assert tables_of(SCREENED) == ()


def test_two_numbers_that_select_alike_share_a_set_and_others_do_not():
    sets = RowSets(TABLES_OF_THREE, "c")
    rows = NumberRows(THREE, PRINTED, sets)

    def name(key, where, *columns):
        of = {"table": "endpoints/os", "where": where}
        return rows.name("cox", Statistic(key, 1, "count", "", columns=columns, rows=of))

    assert name("x", {}, *OS_COLUMNS) == name("y", {}, *OS_COLUMNS)
    assert name("x", {"grade": 1}, *OS_COLUMNS) != name("x", {"grade": 0}, *OS_COLUMNS)
    assert name("x", {}, *OS_COLUMNS) != name("x", {}, *OS_COLUMNS, "lesions.site")
    assert isinstance(PRINTED, PrintedRows)
    assert Printed("p", np.array([1])).path == "p"


def test_numbers_of_two_tables_share_no_set():
    rows = NumberRows(THREE, PRINTED, RowSets(TABLES_OF_THREE, "c"))
    names = {
        rows.name("cox", Statistic("x", 1, "count", "", population={"table": table}))
        for table in ("patients", "lesions")
    }
    assert len(names) == 2


def test_two_numbers_held_against_two_figures_share_no_set():
    rows = NumberRows(THREE, PRINTED, RowSets(TABLES_OF_THREE, "c"))
    names = {
        rows.name("reproduction", Statistic(key, 1, "count", "", columns=OS_COLUMNS))
        for key in ("reproduction.os.median.estimate", "reproduction.os.grade_g1.estimate")
    }
    assert len(names) == 2


# --- whole cohorts ------------------------------------------------------------------------------


@cache
def whole(cohort):
    """Records of a cohort, and every statistic of three of its stages."""
    plan = plan_of(cohort)
    found = extract(plan.cohort, *read_tables(plan.cohort, DATA[cohort][1] / cohort))
    records = records_of(found.tables, plan)
    frames = {"patient": records.patients, "lesion": records.lesions}
    read = Cohort(plan, frames, records.endpoints, found.tables, found.flow)
    made = [*kaplan_meier.statistics(read), *cox.statistics(read)]
    return records, characteristics.statistics(read), made


@pytest.mark.parametrize("cohort", DATA)
def test_units_are_as_many_as_a_number_says_it_counts(cohort):
    records, _, made = whole(cohort)
    rows = CanonicalRows(records)
    checked = 0
    for statistic in made:
        # Of a rate n is who is still at risk; a p that is adjusted for all pairs rests on them all.
        if statistic.n is None or ".rate_" in statistic.key or statistic.key.endswith(".p_holm"):
            continue
        ((_, units),) = rows.of(statistic).units.items()
        assert len(units) == statistic.n, statistic.key
        checked += 1
    assert checked > 500


# Counts of who had none of it, or of lesions by several rows of theirs.
OTHERWISE = ("treatment.none", "response.", "flow.")


@pytest.mark.parametrize("cohort", DATA)
def test_a_count_is_that_of_its_units_or_of_their_patients(cohort):
    records, described, _ = whole(cohort)
    rows = CanonicalRows(records, prescriptions(described))
    checked = 0
    for statistic in described:
        if statistic.unit != "count" or not statistic.key.endswith(".n"):
            continue
        if statistic.key.startswith(OTHERWISE):
            continue
        ((name, units),) = rows.of(statistic).units.items()
        patients = records.tables[name].iloc[units]["patient_id"].nunique()
        assert statistic.value in (len(units), patients), statistic.key
        checked += 1
    assert checked > 50


@pytest.mark.parametrize("cohort", DATA)
def test_every_deciding_row_is_among_those_read(cohort):
    records, _, made = whole(cohort)
    rows = CanonicalRows(records)
    for statistic in {repr((s.rows, s.columns)): s for s in made}.values():
        found = rows.of(statistic)
        ((where, units),) = found.units.items()
        decided = records.endpoints[where.removeprefix("endpoints/")].iloc[units]
        for name, of_table in decided.groupby("source_table"):
            read = records.tables[name].iloc[found.canonical[name]]
            places = set(zip(read["source_file"], read["source_line"], strict=True))
            assert set(zip(of_table["source_file"], of_table["source_line"], strict=True)) <= places


def test_first_courses_are_the_cohorts():
    assert first_courses(TABLES_OF_THREE["courses"]).index.tolist() == [1, 2, 3, 4]
