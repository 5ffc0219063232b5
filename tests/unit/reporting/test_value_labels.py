"""Printed numbers and their places in readers' words."""

from __future__ import annotations

from typing import Any

import pytest

from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.reporting.value_labels import (
    label,
    part,
    place,
    places,
    prescription,
    study_locator,
    study_place,
    wheres,
)

PAPERS = {"elm2020": "Elm 2020", "fir2021": "Fir 2021 (preprint)"}


def figure(measure: str, endpoint: str, category: str = "", **given: Any) -> Figure:
    where = {"paper": "elm2020", "place": "table_1", "row": "r", "column": "c"}
    locator = {"locator": "Elm 2020, Table 1, row “r”, column “c”"}
    said = {"key": "elm2020.x", "study_id": "elm2020", "category": category}
    return Figure(measure=measure, endpoint=endpoint, **where | locator | said | given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (figure("count", "sex", "male"), "Sex, male"),
        (figure("rate", "os", time_months=36.0), "Overall survival at 36 months"),
        (
            figure("rate", "pfs", time_months=6.0, subgroup="grade_g2_g3"),
            "Progression-free survival at 6 months, grade G2 and G3",
        ),
        (figure("rate", "lc", estimator="crude"), "Crude local control"),
        (figure("median", "lffs"), "Median local failure-free survival"),
        (figure("range", "isodose"), "Range of prescription isodose"),
        (figure("count", "toxicity", "acute_enteritis_g1_2"), "Toxicity, acute enteritis, G1–2"),
        (figure("count", "grade", "g2"), "Grade, G2"),
        (figure("proportion", "response", "complete_response"), "Complete response"),
        (figure("count", "size_class", "at_most_5"), "Size class, at most 5 cm"),
        (figure("count", "size_class", "below_10mm"), "Size class, below 10 mm"),
        (figure("count", "bed10_class", "below_100"), "BED10 class, below 100 Gy"),
        (figure("median", "os", arm="sbrt", subgroup="number_single"), None),
        (
            figure("hazard_ratio", "os", "bed10", model="univariable", level="a", reference="b"),
            "Overall survival, univariable hazard ratio of BED10",
        ),
        (
            figure("hazard_ratio", "os", level="G1", reference="G2", model="model_1"),
            "Overall survival, model 1 hazard ratio of G1 vs G2",
        ),
        (figure("p_value", "lc", "size", estimator="logrank"), "Local control, log-rank p of size"),
        (
            figure("count", "patients", "surgery", arm="surgery"),
            "Patients, surgery",
        ),
    ],
)
def test_a_number_is_named_by_its_fields(given: Figure, words: str | None) -> None:
    assert label(given) == (words or "Median overall survival, single lesion, SBRT")


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((50.0, 50.0, 4, 5), "50 Gy/4–5 fx"),
        ((45.0, 48.0, 3, 4), "45–48 Gy/3–4 fx"),
        ((7.5, 7.5, 1, 1), "7.5 Gy/1 fx"),
        ((60.0, 66.0, None, None), "60–66 Gy"),
        ((None, None, None, None), ""),
    ],
)
def test_prescriptions_have_one_form(ends: tuple[Any, ...], text: str) -> None:
    names = ("dose_low_gy", "dose_high_gy", "fractions_low", "fractions_high")
    given = figure("schedule", "schedule", **dict(zip(names, ends, strict=True)))
    assert prescription(given) == text
    assert label(given) == f"Schedule {text}".strip()


def test_a_prescription_in_a_slug_reads_as_any_other() -> None:
    assert part(figure("count", "patients", subgroup="schedule_45_48gy_3_4fx")) == "45–48 Gy/3–4 fx"
    assert part(figure("count", "patients")) == ""


def test_places_name_each_paper_once() -> None:
    text = {"place": "results_survival", "locator": "Elm 2020, Results, survival, sentence 2"}
    other = {"paper": "fir2021", "place": "section_4_1", "locator": "Fir 2021, Section 4.1"}
    figures = [
        figure("count", "sex"),
        figure("count", "sex", **text),
        figure("count", "sex", **text),
        figure("count", "sex", **other),
    ]
    assert [place(f) for f in figures[:2]] == ["Elm 2020, Table 1", "Elm 2020, Results"]
    assert places(figures) == "Elm 2020, Table 1 and Results; Fir 2021, Section 4.1"
    assert wheres(figures) == (
        "Elm 2020, Table 1, row “r”, column “c”; Results, survival, sentence 2; "
        "Fir 2021, Section 4.1"
    )


@pytest.mark.parametrize(
    ("raw", "locator", "short"),
    [
        (
            "elm2020 section_4_1; elm2020 table_1 row Doe",
            "Elm 2020, Section 4.1; Elm 2020, Table 1, row “Doe”",
            "Elm 2020, Section 4.1 and Table 1",
        ),
        (
            "elm2020 discussion sentences 19-23; fir2021 table_7",
            "Elm 2020, Discussion, sentences 19–23; Fir 2021 (preprint), Table 7",
            "Elm 2020, Discussion; Fir 2021 (preprint), Table 7",
        ),
        (
            "fir2021 table_1 to table_6",
            "Fir 2021 (preprint), Table 1 to Table 6",
            "Fir 2021 (preprint), Table 1 to Table 6",
        ),
        ("Elm 2020, Table 1", "Elm 2020, Table 1", "Elm 2020, Table 1"),
    ],
)
def test_a_studys_locator_reads_as_a_place(raw: str, locator: str, short: str) -> None:
    assert study_locator(raw, PAPERS) == locator
    assert study_place(raw, PAPERS) == short
