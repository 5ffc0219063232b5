"""Tables and figures of diagnostics, from a registry made of their own statistics."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure
from survival.datasets import load_veteran

from sarcoma_sbrt.reporting.diagnostic_figures import functional_form_figure, schoenfeld_figure
from sarcoma_sbrt.reporting.diagnostic_statistics import (
    diagnostic_statistics,
    diagnostic_summary,
    schoenfeld_residuals,
    spline_curves,
)
from sarcoma_sbrt.reporting.diagnostic_tables import diagnostic_tables
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.settings import (
    Analysis,
    CohortSettings,
    Comparison,
    Covariate,
    Diagnostics,
    EndpointSettings,
    Level,
)

OS = EndpointSettings("os", "Overall survival", "patient", "cohort", "death", "last_contact")
COVARIATES = {
    "adeno": Covariate(
        *("adeno", "Cell type", "patients.histology"),
        level=Level("adeno"),
        reference=Level("other cells"),
    ),
    "karno": Covariate(
        "karno", "Karnofsky score", "patients.age_years", step=10, step_label="per ten points"
    ),
}
COHORT = CohortSettings("here", "Here", "observed", {}, {"origin": "randomisation"})
ANALYSIS = Analysis(
    confidence_level=0.95,
    alpha=0.05,
    transform="log-log",
    landmarks_months=(3.0, 12.0),
    ties="efron",
    seed=1,
    trees=60,
    min_samples_leaf=3,
    permutation_repeats=5,
    covariates=COVARIATES,
    endpoints=("os",),
    strata={},
    univariable={"os": ("adeno",)},
    multivariable={"os": {"multivariable": ("adeno", "karno")}},
    forest={},
    figures={},
    comparison=Comparison((), ()),
    left_out={},
    # Out of order on purpose: the table puts the periods right.
    diagnostics=Diagnostics("km", 1.0, (9.0, 6.0), 3),
)
MODELS = {
    "confidence_level": 0.95,
    "alpha": 0.05,
    "kaplan_meier": {"landmarks_months": [3, 12]},
    "diagnostics": {"influence_bound": 1, "time_cuts_months": [9, 6], "spline_knots": 3},
}

Drawn = tuple[dict[str, dict[str, Any]], pd.DataFrame, pd.DataFrame]


def registry(censored: bool = False) -> Drawn:
    """Registry of the veterans' data, and what the figures draw; without events of adenocarcinoma
    where they are `censored`.
    """
    data = pd.DataFrame(load_veteran())
    adeno = data["celltype"] == "adeno"
    design = pd.DataFrame({"adeno": adeno.astype(float), "karno": data["karno"] / 10})
    table = pd.DataFrame(
        {
            "patient_id": [f"p{i:03d}" for i in range(len(data))],
            "time_months": data["time"] / 30.4375,
            "event": data["status"].where(~adeno, 0) if censored else data["status"],
        }
    )
    records = diagnostic_statistics(OS, table, design, ANALYSIS, (), observed=True)
    records += diagnostic_summary(records, ANALYSIS)
    numbers = computed_entries([("diagnostics", record) for record in records], COHORT)
    numbers |= configured_entries({"models": MODELS})
    numbers |= plan_entries(ANALYSIS, COHORT, {"os": OS})
    outcome = (OS, table, design, ANALYSIS)
    return numbers, schoenfeld_residuals(*outcome), spline_curves(*outcome)


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return registry()


def shown(numbers: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Tables with their numbers in place; every key must be there."""
    made = diagnostic_tables(numbers, ANALYSIS, COHORT, {"os": OS})
    for name, text in made.items():
        assert not re.search(r"\d", re.sub(r"\{\{<.*?>\}\}|^\|[:|-]+\|$", "", text, flags=re.M)), (
            name
        )
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


def test_tests_and_influence_stand_by_model(drawn: Drawn) -> None:
    assert rows(shown(drawn[0])["diagnostics"])[1:] == [
        ["Covariate", "Chi-square", "*p*", "Influence", "Chi-square", "*p*", "Influence"],
        ["**Overall survival**", *[""] * 6],
        ["Cell type", "3.51", "0.061", "0.26 (0)", "8.71", "0.003", "0.44 (0)"],
        ["Karnofsky score", "–", "–", "–", "10.88", "<0.001", "0.56 (0)"],
        ["Global test", "–", "–", "–", "18.14", "<0.001", ""],
    ]


def test_models_that_do_without_the_assumption(drawn: Drawn) -> None:
    table = rows(shown(drawn[0])["nonproportional"])
    start = table.index(["**Overall survival: Karnofsky score, adjusted for Cell type**", "", ""])
    block = table[start + 1 :]
    assert [row[0] for row in block] == [
        "Proportional: per ten points",
        "Up to 6 months",
        "From 6 to 9 months",
        "After 9 months",
        "Change between periods",
        "At 3 months",
        "At 12 months",
        "Change with log time",
        "Stratified: adeno vs other cells",
    ]
    # R: see test_diagnostic_statistics; the registry here has no stage cox.
    assert block[0][1:] == ["–", "–"]
    assert block[6][1].startswith("0.930 (")
    assert block[7] == ["Change with log time", "", "0.003"]
    assert block[8] == ["Stratified: adeno vs other cells", "1.968 (1.250–3.098)", "0.003"]


def test_form_of_a_continuous_covariate(drawn: Drawn) -> None:
    assert rows(shown(drawn[0])["functional_form"])[1:] == [
        ["**Overall survival**", "", ""],
        ["Karnofsky score, adjusted for Cell type", "0.54", "0.463"],
    ]


def test_what_cannot_be_tested_is_said_once() -> None:
    numbers, residuals, curves = registry(censored=True)
    table = shown(numbers)
    assert "nonproportional" not in table
    assert (
        "Overall survival by Cell type (adjusted) and Overall survival by Karnofsky "
        "score (adjusted) because one level of cell type has no event, so that the likelihood is "
        "monotone."
    ) in table["diagnostics"]
    for figure in (
        schoenfeld_figure(residuals, numbers, ANALYSIS, COHORT),
        functional_form_figure(curves, numbers, ANALYSIS, COHORT),
    ):
        said = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
        assert "Not estimable: one level of" in " ".join(said.split())


def titles(figure: Figure) -> list[str]:
    return [axes.get_title(loc="left") for axes in figure.axes]


def test_a_panel_for_each_covariate_of_the_model(drawn: Drawn) -> None:
    numbers, residuals, _ = drawn
    figure = schoenfeld_figure(residuals, numbers, ANALYSIS, COHORT)
    assert titles(figure) == ["Cell type\np = 0.003", "Karnofsky score\np < 0.001"]
    dots = figure.axes[0].lines[1].get_xydata()
    assert len(dots) == 128
    labels = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert {"3", "12"} <= set(labels)


def test_a_panel_for_each_continuous_covariate(drawn: Drawn) -> None:
    numbers, _, curves = drawn
    figure = functional_form_figure(curves, numbers, ANALYSIS, COHORT)
    assert titles(figure) == ["Overall survival\nadjusted, p = 0.463"]
    assert figure.axes[0].get_xlabel() == "Karnofsky score, years"
    assert figure.axes[0].get_yscale() == "log"
