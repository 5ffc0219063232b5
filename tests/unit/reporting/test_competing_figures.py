from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from sarcoma_sbrt.provenance.disclosure import withhold
from sarcoma_sbrt.reporting.competing_figures import incidence_figure
from sarcoma_sbrt.reporting.competing_statistics import competing_statistics, incidence_curves
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.panels import curve_ends
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.survival_statistics import curves, survival_statistics
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    EndpointSettings,
    Level,
)

GRADE = Covariate(
    "grade", "Histological grade", "patients.grade", Level("G1", codes=("G1",)), Level("G2 and G3")
)
LC = EndpointSettings(
    "lc",
    "Local control",
    "lesion",
    "first_course",
    "local_failure",
    "last_assessment",
    death="competing",
)
ANALYSIS = Analysis(
    confidence_level=0.95,
    alpha=0.05,
    transform="log-log",
    landmarks_months=(12.0, 24.0),
    ties="efron",
    seed=1,
    trees=10,
    min_samples_leaf=3,
    permutation_repeats=2,
    covariates={"grade": GRADE},
    endpoints=("lc",),
    strata={"lc": ("grade",)},
    univariable={},
    multivariable={},
    forest={},
    figures={"lc": ("overall", "grade")},
    comparison=Comparison((), ()),
    left_out={},
)
COHORT = CohortSettings(
    "small",
    "A small cohort",
    "reconstructed",
    tables={},
    times={},
    derived_from="feng2022",
    support={"patients.patient_id": "printed"},
)
COLUMNS = ("patients.patient_id", "patients.grade")


def lesions(events: tuple[int, ...] = (0, 1, 2)) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "patient_id": pd.array([f"p{i}" for i in range(60)], dtype="string"),
            "lesion_id": pd.array(["A"] * 60, dtype="string"),
            "time_months": pd.array(np.round(rng.exponential(20, 60), 1), dtype="Float64"),
            "event": pd.array(rng.choice(events, 60), dtype="Int64"),
        }
    )
    return table, pd.DataFrame({"grade": np.repeat([1.0, 0.0], 30)})


def drawn(
    table: pd.DataFrame, design: pd.DataFrame, panels: tuple[str, ...] = ("overall", "grade")
) -> tuple[Figure, dict]:
    known = (LC, table, design)
    found = survival_statistics(*known, ANALYSIS, COLUMNS)
    found += competing_statistics(*known, {}, ANALYSIS, COLUMNS)
    cohort = replace(COHORT, support=dict.fromkeys(COLUMNS, "printed"))
    numbers = computed_entries([("stage", s) for s in found], cohort)
    numbers |= configured_entries({"models": {"confidence_level": 0.95}})
    numbers |= plan_entries(ANALYSIS, cohort, {"lc": LC})
    incidence = incidence_curves(*known, ANALYSIS)
    return incidence_figure(incidence, numbers, LC, panels, ANALYSIS, cohort), numbers


def words(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(Text)}


def lines(figure: Figure) -> dict[str, np.ndarray]:
    return {
        line.get_gid(): np.asarray(line.get_ydata())
        for axes in figure.axes
        for line in axes.lines
        if line.get_gid()
    }


def test_both_outcomes_are_stacked_and_groups_have_both() -> None:
    figure, _ = drawn(*lesions())
    found = lines(figure)
    assert set(found) == {
        f"{prefix}.{name}"
        for prefix in ("lc", "lc.grade_level", "lc.grade_reference")
        for name in ("cif", "cif_death")
    }
    stacked = found["lc.cif_death"]
    assert (stacked >= found["lc.cif"]).all()
    assert stacked[-1] <= 100
    assert len(figure.axes[0].collections) == 2


def test_every_text_is_the_registrys() -> None:
    figure, numbers = drawn(*lesions())
    said = words(figure)
    assert f"Gray’s test p {numbers['lc.grade.gray.p.stated']['text']}" in said
    events, deaths = (numbers[f"lc.{name}"]["text"] for name in ("events", "competing"))
    assert {f"Local failure ({events} of 60)", f"Death without it ({deaths})"} <= said
    assert {"G1 (n = 30)", "G2 and G3 (n = 30)", "By histological grade", "At risk"} <= said
    assert numbers["lc.grade_level.at_risk_12m"]["text"] in said
    # What is drawn is the failure, whatever the endpoint is called.
    assert "Local failure: cumulative incidence" in said
    assert "Reconstructed from published statistics; not patients." in said


def test_incidences_end_where_the_curves_of_kaplan_and_meier_do() -> None:
    known = (LC, *lesions())
    rule = SmallCells(5)
    found = survival_statistics(*known, ANALYSIS, COLUMNS)
    found += competing_statistics(*known, {}, ANALYSIS, COLUMNS)
    cohort = replace(COHORT, kind="observed")
    numbers = computed_entries([("competing", s) for s in found], cohort)
    models = {"confidence_level": 0.95, "disclosure": {"least": 5}}
    numbers |= configured_entries({"models": models}) | plan_entries(ANALYSIS, cohort, {"lc": LC})
    incidence = incidence_curves(*known, ANALYSIS)
    panels = ("overall", "grade")
    ends = curve_ends(curves(*known, ANALYSIS), {}, rule)
    assert ends is not None
    shown = withhold(numbers, rule)
    figure = incidence_figure(incidence, shown, LC, panels, ANALYSIS, cohort, ends)
    whole = incidence_figure(incidence, numbers, LC, panels, ANALYSIS, cohort)
    for population in ("overall", "grade_level", "grade_reference"):
        prefix = "lc" if population == "overall" else f"lc.{population}"
        for name in ("cif", "cif_death"):
            months, last = (
                max(line.get_xdata())
                for drawn in (figure, whole)
                for axes in drawn.axes
                for line in axes.lines
                if line.get_gid() == f"{prefix}.{name}"
            )
            assert months == ends["lc", population] < last
    assert all(max(line.get_xdata()) <= ends["lc", "overall"] for line in figure.axes[0].lines)
    assert "Curves are drawn as far as at least 5 lesions are at risk." in words(figure)


@pytest.mark.parametrize(("events", "reason"), [((0,), "not estimable"), ((0, 1), "not estimable")])
def test_what_did_not_happen_is_not_drawn_and_its_test_says_so(
    events: tuple[int, ...], reason: str
) -> None:
    figure, _ = drawn(*lesions(events))
    assert f"Gray’s test p {reason}" in words(figure)
    assert ("lc.cif" in lines(figure)) == (1 in events)


def test_a_panel_that_is_no_pair_of_groups_is_refused() -> None:
    with pytest.raises(ValueError, match="lc: age does not make two groups"):
        drawn(*lesions(), panels=("age",))
