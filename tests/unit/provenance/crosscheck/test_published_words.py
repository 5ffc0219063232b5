"""What printed numbers are in words, a second time: by hand, and beside the first engine's."""

from __future__ import annotations

import pytest
from cohort_run import published_tables

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure
from sarcoma_sbrt.provenance.crosscheck.published_words import subject, subject_of_several
from sarcoma_sbrt.reporting.value_labels import label

TABLES, PACKAGE = published_tables()
COLUMNS = dict.fromkeys(column for rows in TABLES.values() for column in rows[0][1])


def figure(**cells: str) -> Figure:
    return Figure("doe2015.figure", dict.fromkeys(COLUMNS, "") | cells)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (
            {"measure": "rate", "endpoint": "os", "time_months": "36", "subgroup": "grade_g2_g3"},
            "Overall survival at 36 months, grade G2 and G3",
        ),
        (
            {"measure": "hazard_ratio", "endpoint": "lc", "category": "bed10", "model": "model_1"},
            "Local control, model 1 hazard ratio of BED10",
        ),
        (
            {"measure": "p_value", "endpoint": "pfs", "estimator": "logrank"}
            | {"level": "G1", "reference": "G2"},
            "Progression-free survival, log-rank p of G1 vs G2",
        ),
        (
            {"measure": "proportion", "endpoint": "toxicity", "category": "acute_enteritis_g1_2"},
            "Toxicity, acute enteritis, G1–2",
        ),
        (
            {"measure": "proportion", "endpoint": "size_class", "category": "above_5"},
            "Size class, above 5 cm",
        ),
        ({"measure": "range", "endpoint": "age"}, "Range of age"),
        (
            {"measure": "schedule", "dose_low_gy": "40", "dose_high_gy": "50"}
            | {"fractions_low": "4", "fractions_high": "5"},
            "Schedule 40–50 Gy/4–5 fx",
        ),
        (
            {"measure": "count", "endpoint": "schedule", "category": "50gy_5fx", "arm": "sbrt"},
            "Schedule, 50 Gy/5 fx, SBRT",
        ),
    ],
)
def test_words_by_hand(cells: dict[str, str], words: str) -> None:
    assert subject(figure(**cells)) == words


def test_a_finding_about_a_curve_names_its_times_and_a_total_its_split() -> None:
    rate = {"measure": "rate", "endpoint": "os", "unit": "percent"}
    curve = [figure(**rate, time_months=months) for months in ("24", "12", "6.5")]
    told = "Overall survival at 6.5, 12 and 24 months"
    assert subject_of_several("landmark", curve) == told
    assert subject_of_several("range", curve) == "Overall survival at 24 months"
    total = figure(measure="count", endpoint="patients")
    parts = [figure(measure="count", endpoint="sex", partition="by_sex")] * 2
    assert subject_of_several("subtotal", [total, *parts]) == "Patients by by sex"


def test_every_printed_number_is_called_what_the_first_engine_calls_it() -> None:
    first = {key: label(known) for key, known in published(TABLES, PACKAGE).figures.items()}
    again = {
        key: subject(Figure(key, cells))
        for rows in TABLES.values()
        for _, cells in rows
        if (key := next(iter(cells.values()))) in first
    }
    assert again == first
