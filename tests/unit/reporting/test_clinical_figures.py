import io
from dataclasses import replace

import matplotlib
import pytest
from matplotlib.text import Text
from test_cohort_statistics import MONTH, canonical, cohort_of

from sarcoma_sbrt.provenance.disclosure import withhold
from sarcoma_sbrt.reporting.clinical_figures import clinical_figures
from sarcoma_sbrt.reporting.clinical_statistics import (
    CHANGE,
    clinical_statistics,
    diameter_changes,
    local_failure,
    patient_lanes,
    site_statistics,
)
from sarcoma_sbrt.reporting.clinical_tables import clinical_tables
from sarcoma_sbrt.reporting.drawing import FILLER_NOTE, save_options, style
from sarcoma_sbrt.reporting.numbers import computed_entries
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import EndpointSettings, _clinical_figures

LC = EndpointSettings(
    "lc", "Local control", "lesion", "first_course", "local_failure", "last_assessment"
)
ENDPOINTS = {"lc": LC}
COLUMNS = {
    "patients": ["patient_id", "last_contact_day", "vital_status"],
    "lesions": ["patient_id", "lesion_id", "site", "size_mm"],
    "courses": ["patient_id", "lesion_id", "course_id", "start_day", "dose_gy", "fractions"],
    "assessments": ["patient_id", "lesion_id", "assessment_day", "diameter_mm"],
    "progressions": ["patient_id", "progression_day", "kind"],
}
# Anna's treatment starts in month 2, Cleo was never treated.
ROWS = {
    "patients": [
        ("anna-x", 14 * MONTH, "dead"),
        ("bert-x", 30 * MONTH, "alive"),
        ("cleo-x", 40 * MONTH, "dead"),
    ],
    "lesions": [
        ("anna-x", "1", "lung", 10),
        ("anna-x", "2", "lung", 20),
        ("bert-x", "1", "lung", 50),
        ("bert-x", "2", "brain", 10),
    ],
    "courses": [
        ("anna-x", "1", "1", 2 * MONTH, 50, 5),
        ("anna-x", "2", "1", 4 * MONTH, 40, 5),
        ("bert-x", "1", "1", 0, 60, 8),
        ("bert-x", "2", "1", 0, 48, 4),
    ],
    "assessments": [
        ("anna-x", "1", 3 * MONTH, 7),  # shrunk by exactly the share of a partial response
        ("anna-x", "1", 8 * MONTH, 12),  # grown by 20 per cent: a local failure in month 8
        ("anna-x", "2", 6 * MONTH, 19),
        ("bert-x", "1", 6 * MONTH, 55),
    ],
    "progressions": [
        ("anna-x", 1 * MONTH, "distant"),  # before the first fraction
        ("anna-x", 5 * MONTH, "distant"),
        ("anna-x", 5 * MONTH, "regional"),
    ],
}
ALL = ("swimmer", "waterfall", "spider")
OBSERVED = cohort_of(COLUMNS)
SUPPORT = {f"{table}.{name}": "inferred" for table, names in COLUMNS.items() for name in names}
RECONSTRUCTED = replace(OBSERVED, kind="reconstructed", derived_from="x", support=SUPPORT)


def tables(**changes):
    rows = ROWS | changes
    return {name: canonical(name, COLUMNS.get(name, []), rows.get(name, [])) for name in TABLES}


def records(made=None, cohort=OBSERVED):
    found = clinical_statistics(made or tables(), ENDPOINTS, cohort, alpha_beta_gy=10)
    return {statistic.key: statistic for statistic in found}


class Plan:
    clinical_figures = ALL


def drawn(made=None, cohort=RECONSTRUCTED):
    made = made or tables()
    stated = [("characteristics", s) for s in records(made, cohort).values()]
    numbers = computed_entries(stated, cohort)
    return clinical_figures(made, numbers, ENDPOINTS, Plan, cohort)


def saved(figure, file_format):
    stream = io.BytesIO()
    with matplotlib.rc_context(style()):
        figure.savefig(stream, **save_options(file_format))
    return stream.getvalue()


def test_a_lane_counts_from_the_patients_own_first_fraction():
    lanes = patient_lanes(tables(), LC)
    assert list(lanes["months"]) == [30, 12]
    assert list(lanes["dead"]) == [False, True]
    assert lanes["courses"].tolist() == [[0], [0, 2]]
    assert lanes["progressions"].tolist() == [[], [3]]
    assert lanes["failures"].tolist() == [[], [6]]
    assert patient_lanes(tables(), None)["failures"].tolist() == [[], []]
    assert not {"patient_id", "lesion_id"} & set(lanes.columns)


def test_the_change_is_of_the_baseline_and_ends_with_the_observation():
    changes = diameter_changes(tables(), LC)
    assert changes["percent"].tolist() == pytest.approx([-30, 20, -5, 10])
    assert changes["months"].tolist() == pytest.approx([1, 6, 2, 6])
    assert changes["lesion"].tolist() == [0, 0, 1, 2]
    assert changes["failed"].tolist() == [True, True, False, False]


def test_response_is_counted_on_the_best_change():
    made = records()
    values = {key: made[f"response.{key}"].value for key in ("n", "unmeasured.n", "best.median")}
    assert values == {"n": 3, "unmeasured.n": 1, "best.median": pytest.approx(-5)}
    assert (made["response.smaller.n"].value, made["response.shrunk.n"].value) == (2, 1)
    told = {key for key, record in made.items() if CHANGE in record.columns}
    assert told == {k for k in made if k.startswith(("response.b", "response.s"))}
    assert made["swimmer.n"].value == 2


def test_without_a_later_measurement_nothing_is_estimated_and_the_figures_say_so():
    made = tables(assessments=[])
    found = records(made)
    assert found["response.n"].value == 0
    assert found["response.best.median"].reason == (
        "no lesion was measured after its first fraction"
    )
    for name in ("waterfall", "spider"):
        said = [text.get_text() for text in drawn(made)[name].findobj(Text)]
        assert "No lesion was measured after its first fraction." in said


def test_the_dose_of_a_site_of_few_lesions_is_not_told():
    made = {s.key: s.value for s in site_statistics(tables(), OBSERVED, alpha_beta_gy=10)}
    assert made == {
        "site_dose.lung.n": 3,
        "site_dose.brain.n": 1,
        "site_dose.lung.total.median": 50,
        "site_dose.lung.total.min": 40,
        "site_dose.lung.total.max": 60,
        "site_dose.lung.fractions.median": 5,
        "site_dose.lung.fractions.min": 5,
        "site_dose.lung.fractions.max": 8,
        "site_dose.lung.bed10.median": 100,
        "site_dose.lung.bed10.min": 72,
        "site_dose.lung.bed10.max": 105,
    }
    numbers = computed_entries([("x", s) for s in records().values()], OBSERVED)
    table = clinical_tables(numbers, OBSERVED)["site_dose"]
    assert "| Brain | {{< num site_dose.brain.n >}} | – | – | – |" in table
    assert "too few lesions" in table


def test_the_dose_of_a_site_is_a_median_alone_where_small_counts_are_withheld():
    numbers = computed_entries([("characteristics", s) for s in records().values()], OBSERVED)
    few = clinical_tables(withhold(numbers, SmallCells(5)), OBSERVED)["site_dose"]
    assert (
        "| Lung | {{< num site_dose.lung.n >}} | {{< num site_dose.lung.total.median >}} "
        "| {{< num site_dose.lung.fractions.median >}} | {{< num site_dose.lung.bed10.median >}} |"
    ) in few
    assert "by treated site: median; alpha/beta" in few
    why = "{{< num site_dose.lung.total.median.reason >}}"
    assert f"Not shown where {why}." in few
    enough = clinical_tables(withhold(numbers, SmallCells(3)), OBSERVED)["site_dose"]
    assert "by treated site: median; alpha/beta" in enough
    assert "Not shown" not in enough


def test_lesions_whose_site_is_not_recorded_have_a_row_of_their_own():
    rows = [(*key, None if key[0] == "bert-x" else "lung", 10) for *key, _, _ in ROWS["lesions"]]
    found = records(tables(lesions=rows))
    assert (found["site_dose.lung.n"].value, found["site_dose.missing.n"].value) == (2, 2)
    assert "site_dose.missing.total.median" not in found, "too few to describe"
    numbers = computed_entries([("x", s) for s in found.values()], OBSERVED)
    table = clinical_tables(numbers, OBSERVED)["site_dose"]
    assert "| Not recorded | {{< num site_dose.missing.n >}} | – | – | – |" in table
    assert "site_dose.missing.n" not in records()


@pytest.mark.parametrize("name", ALL)
def test_equal_input_gives_equal_bytes_whatever_the_order_of_rows(name):
    turned = {table: frame.iloc[::-1].reset_index(drop=True) for table, frame in tables().items()}
    for file_format in ("svg", "png"):
        assert saved(drawn()[name], file_format) == saved(drawn(turned)[name], file_format)


@pytest.mark.parametrize("name", ALL)
def test_nobody_is_named(name):
    assert b"-x" not in saved(drawn()[name], "svg").replace(b"stroke-x", b"")


@pytest.mark.parametrize(
    ("name", "unit"), [("swimmer", "patient"), ("waterfall", "lesion"), ("spider", "lesion")]
)
def test_the_footer_carries_the_mark_of_what_is_drawn(name, unit):
    label = "Reconstructed from published statistics; not patients."
    note = f"{label} Illustrative, no printed figure constrains a single {unit}."
    assert drawn()[name].texts[-1].get_text() == note
    filler = replace(RECONSTRUCTED, support=SUPPORT | {"courses.start_day": "filler"})
    marked = drawn(cohort=filler)[name].texts[-1].get_text()
    assert marked == f"{label} I{FILLER_NOTE[1:]}."
    assert "Illustrative" not in " ".join(t.get_text() for t in drawn(cohort=OBSERVED)[name].texts)


def test_a_failure_is_told_without_colour_and_the_lesions_are_counted():
    figure = drawn()["waterfall"]
    (axes,) = figure.axes
    # The lesion that failed shrank most: the last bar.
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [False, False, True]
    legend = axes.get_legend()
    assert [bool(patch.get_hatch()) for patch in legend.get_patches()] == [True, False]
    assert axes.get_xlabel() == "Lesions (n = 3)"
    assert [part.key for said in figure.said for part in said if part.text == "3"] == ["response.n"]


@pytest.mark.parametrize(
    ("left_out", "made"),
    [
        (None, ALL),
        ("assessments", ("swimmer",)),
        ("courses", ()),
        ("progressions", ALL),
    ],
)
def test_a_figure_is_made_only_where_its_columns_are(left_out, made):
    columns = {name: names for name, names in COLUMNS.items() if name != left_out}
    cohort = cohort_of(columns, models={"clinical_figures": ALL})
    assert _clinical_figures(ALL, ENDPOINTS, cohort) == made
    assert _clinical_figures([], ENDPOINTS, cohort) == ()
    assert (local_failure(ENDPOINTS, cohort) is None) == ("spider" not in made)
    assert _clinical_figures(ALL, ENDPOINTS, cohort_of(columns)) == (), (
        "observed, and not asked for"
    )


def test_a_patient_without_follow_up_after_the_first_fraction_has_a_lane():
    alone = {name: [row for row in rows if row[0] == "bert-x"] for name, rows in ROWS.items()}
    alone |= {"patients": [("bert-x", 0, "alive")], "assessments": []}
    assert patient_lanes(tables(**alone), LC)["months"].tolist() == [0]
