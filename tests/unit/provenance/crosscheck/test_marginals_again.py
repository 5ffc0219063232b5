"""Printed marginals a second time: parts, nearness, queries and verdicts, worked by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from cohort_run import ROOT, configuration_of, materials_of, published_tables, tables_of

from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.marginals import (
    Part,
    nearness,
    parts_of,
    recompute,
    selected,
)

TARGETS = "data/published/targets/feng2022.csv"
CELLS = (
    *("measure", "events", "printed_events", "estimate", "printed_text"),
    *("range_low", "range_high", "printed_range"),
)


def figure(**cells: str) -> dict[str, str]:
    return dict.fromkeys(CELLS, "") | cells


def test_a_proportion_prints_a_count_and_a_percentage() -> None:
    printed = figure(
        measure="proportion", estimate="67.6", printed_text="67.6", events="25", printed_events="25"
    )
    assert parts_of(printed) == [
        Part("count", "25", 25.0, 1.0),
        Part("percent", "67.6", 67.6, pytest.approx(0.1)),
    ]


def test_a_median_prints_its_range() -> None:
    printed = figure(
        measure="median",
        estimate="1.13",
        printed_text="1.13",
        range_low="1",
        range_high="2.77",
        printed_range="1.00–2.77",
    )
    assert [(part.name, part.text, part.value) for part in parts_of(printed)] == [
        ("median", "1.13", 1.13),
        ("least", "1.00", 1.0),
        ("most", "2.77", 2.77),
    ]
    assert all(part.unit == pytest.approx(0.01) for part in parts_of(printed))


def test_a_count_is_its_own_number_and_a_misprint_is_not_legible() -> None:
    count = figure(measure="count", estimate="58", printed_text="58")
    assert parts_of(count) == [Part("count", "58", 58.0, 1.0)]
    misprint = figure(measure="proportion", estimate="29.7", printed_text="29.7.4")
    assert parts_of(misprint) == [Part("percent", "29.7.4", 29.7, pytest.approx(0.1), False)]


@pytest.mark.parametrize(
    ("value", "near"),
    [
        (64.85, "exact"),
        (64.75, "exact"),
        (64.86, "unit"),
        (64.94, "unit"),
        (64.96, "two_percent"),
        (66.09, "two_percent"),
        (66.2, "miss"),
        (math.nan, "miss"),
    ],
)
def test_how_near_a_value_comes(value: float, near: str) -> None:
    assert nearness(value, Part("percent", "64.8", 64.8, 0.1)) == near
    assert nearness(value, Part("percent", "64.8.1", 64.8, 0.1, legible=False)) == "miss"


ROW = {"patient_id": "p", "patients.sex": "male", "derived.size_cm": 5.0, "lesions.site": None}
SEVERAL = {
    "treatments": [
        {"patient_id": "p", "kind": "surgery", "intent": "primary", "operations": 2},
        {"patient_id": "p", "kind": "chemotherapy", "intent": "with_sbrt", "operations": None},
        {"patient_id": "q", "kind": "radiotherapy", "intent": "primary", "operations": 9},
    ]
}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({}, True),
        ({"patients.sex": "male"}, True),
        ({"patients.sex": ["female", "other"]}, False),
        ({"lesions.site": "lung"}, False),
        ({"derived.size_cm": {"at_most": 5}}, True),
        ({"derived.size_cm": {"below": 5}}, False),
        ({"derived.size_cm": {"above": 5}}, False),
        ({"derived.size_cm": {"at_least": 5, "below": 6}}, True),
        ({"derived.size_cm": [4, 5]}, True),
        ({"not": {"patients.sex": "male"}}, False),
        ({"not": [{"patients.sex": "female"}, {"derived.size_cm": 4}]}, True),
        ({"treatments.kind": "surgery", "treatments.intent": "primary"}, True),
        # Of one and the same row, and of the patient's own.
        ({"treatments.kind": "surgery", "treatments.intent": "with_sbrt"}, False),
        ({"treatments.kind": "radiotherapy"}, False),
        ({"treatments.operations": {"above": 1}}, True),
        ({"treatments.operations": {"above": 2}}, False),
    ],
)
def test_all_conditions_must_hold(query: dict[str, Any], holds: bool) -> None:
    assert selected(query, dict(ROW), SEVERAL) is holds


# --- the study itself -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def materials() -> Materials:
    """The default cohort with all printed figures, and a report without findings."""
    made = materials_of(configuration_of("reconstructed-2022"), tables_of("reconstructed-2022"))
    schemas = ROOT / "workflow" / "schemas"
    content = read_yaml(
        ROOT / "config/reconstruction/feng2022-marginals.yaml", schemas / "marginals.schema.yaml"
    )
    tables, package = published_tables()
    return replace(
        made,
        configuration={**made.configuration, "marginals": content},
        published=tables,
        package=package,
        evidence={"consistency": {"findings": []}},
    )


def values(materials: Materials) -> dict[str, Any]:
    return {key: second.value for key, second in recompute(materials).items()}


def test_the_study_is_counted_and_judged(materials: Materials) -> None:
    found = values(materials)
    assert found["marginals.count.all"] == 143
    assert found["marginals.count.exact"] + found["marginals.count.inexact"] == 143
    # 24 of 37 are 64.86 %; the paper prints 64.8.
    recomputed = found["marginals.feng2022.number_of_lesions.single.percent.recomputed"]
    assert recomputed == pytest.approx(100 * 24 / 37)
    key = "marginals.feng2022.number_of_lesions.single.percent"
    assert (found[f"{key}.printed"], found[f"{key}.why"]) == ("64.8", "proved impossible")
    assert found[f"{key}.subject"] == "Number of lesions, single: percentage"
    assert found[f"{key}.place"] == "Feng 2022, Table 1"
    # No dose in steps of 1 Gy within 30 to 75 Gy has a BED that prints as 51.3.
    assert found["marginals.conflict.prescriptions.feng2022.bed10.median.verdict"] == "conditional"


def test_what_the_checks_say_no_to_is_found_again_with_its_words(materials: Materials) -> None:
    found = values(materials)
    key = "marginals.conflict.count_percentage.feng2022.number_of_lesions.single"
    said = {
        "verdict": "impossible",
        "kept": "count kept, percentage given up",
        "reasoning": "24/37 = 64.86% → 64.9%, printed 64.8%",
        "subject": "Number of lesions, single",
        "where": "Feng 2022, Table 1, row “Number of lesions: 1”, column “Patients, n (%)”",
    }
    assert {part: found[f"{key}.{part}"] for part in said} == said
    assert found["marginals.count.proved"] == 4
    pooled = "marginals.conflict.pooled_landmark.feng2022.os.rate_12m"
    assert found[f"{pooled}.verdict"] == "impossible"


@pytest.mark.parametrize("check", ["range", "pooled_landmark"])
def test_a_verdict_of_the_first_report_proves_nothing(materials: Materials, check: str) -> None:
    finding = {"check": check, "keys": ["feng2022.age.median"], "verdict": "impossible"}
    told = replace(materials, evidence={"consistency": {"findings": [finding]}})
    assert values(told) == values(materials)


def test_statements_and_reasonings_are_written_again(materials: Materials) -> None:
    found = values(materials)
    said = {
        "count_percentage.feng2022.site.lung.text.statement": "17/58, 30%",
        "legible.feng2022.histology.fibroblastic.statement": "29.7.4",
        "range.feng2022.isodose.median.statement": "75, 55, 88 in 75–85 percent",
        "repeat.feng2022.site.lung.text.statement": "30%, 17/58 | 29.3%, 17/58",
        "landmark.feng2022.os.grade_g2_g3.rate_12m.statement": "57.9% at 12, 6.0% at 36 months, "
        "n = 18",
        "class_labels.feng2022.size_class.at_most_5.statement": "< 5 (2 places) and ≤ 5 (5 places)",
        "one_name.feng2022.setting.before_sbrt.reasoning": "31 ≠ 37",
        "prescriptions.feng2022.bed10.median.reasoning": "within the printed ranges of dose and "
        "fractions none can have: least BED 51.3",
        "reading.feng2022.homogeneity_index.median.statement": "HI: median (range), 1.10–2.00; "
        "Isodose (%): median (range), 55–88",
    }
    assert {key: found.get(f"marginals.conflict.{key}") for key in said} == said
    # 100 over 87.5 to 88.5 and over 54.5 to 55.5.
    reading = "marginals.conflict.reading.feng2022.homogeneity_index.median.reasoning"
    assert str(found[reading]).endswith(", its range is 1.14–1.82; printed 1.10–2.00")


def test_the_steps_of_a_line_on_curves_are_done_again(materials: Materials) -> None:
    key = "marginals.conflict.landmark.feng2022.os.grade_g2_g3.rate_12m.reasoning"
    for share in ("6.43", "6.53"):
        record = {"key": key, "value": f"S is at least 57.85%/(1 + 8) = {share}%, above"}
        found = values(replace(materials, statistics={"marginals": [record]}))
        assert found[key] == "S is at least 57.85%/(1 + 8) = 6.43%, above"


def test_counts_that_no_table_has_are_not_decided(materials: Materials) -> None:
    tables = dict(materials.canonical)
    tables["lesions"] = tables["lesions"].assign(site="lung")
    found = values(replace(materials, canonical=tables))
    assert "marginals.checks.all" not in found
    assert found["marginals.count.table_2.exact"] < 55


def test_a_median_on_the_wrong_side_of_its_classes_is_impossible(materials: Materials) -> None:
    changed = []
    for line, cells in materials.published[TARGETS]:
        is_size = cells["target_id"] == "feng2022.size.median"
        changed.append(
            (line, cells | ({"estimate": "4", "printed_text": "4.0"} if is_size else {}))
        )
    found = values(replace(materials, published={**materials.published, TARGETS: changed}))
    key = "marginals.conflict.median_and_classes.feng2022.size.median"
    assert found[f"{key}.verdict"] == "impossible"
    assert found[f"{key}.2.verdict"] == "impossible"


def test_a_cohort_without_marginals_has_none(materials: Materials) -> None:
    assert recompute(replace(materials, configuration={"marginals": {}})) == {}
