"""What a reader is told of an entry."""

from __future__ import annotations

from typing import Any

import pytest

from sarcoma_sbrt.provenance import descriptions

HR: dict[str, Any] = {
    "key": "cox.os.grade.hr",
    "kind": "computed",
    "ci": {"low": 0.06088012, "high": 0.54346194, "level": 0.95, "method": "Wald"},
    "n": 37,
    "events": 28,
    "rule": "cox",
    "support": "printed",
    "inputs": [{"path": "data/cohorts/c/patients.csv", "sha256": "0"}],
    "population": {"table": "endpoints/os", "filter": {"grade": [0, 1], "recorded": ["size"]}},
}
LOW: dict[str, Any] = {"key": "cox.os.grade.hr.low", "of": "cox.os.grade.hr", "text": "0.061"}
PRINTED = {
    "kind": "transcribed",
    "locator": "Feng 2022, Table 2",
    "rows": {"file": "data/published/targets/feng2022.csv", "line": 107},
}


def checked(**changes: Any) -> dict[str, Any]:
    found = {"status": "none", "engine": None, "value": None, "difference": None, "reason": ""}
    return {"crosscheck": found | changes}


def test_limits_are_those_that_are_printed_and_exact_where_none_are() -> None:
    numbers = {HR["key"]: HR, LOW["key"]: LOW}
    assert descriptions.interval(HR, numbers) == "0.061 to 0.54346194 (95% CI, Wald)"
    # A companion tells the interval of its number.
    assert descriptions.interval(LOW, numbers) == "0.061 to 0.54346194 (95% CI, Wald)"
    assert descriptions.interval({"key": "n", "ci": None}, numbers) == ""


def test_a_limit_that_there_is_not_is_named() -> None:
    entry = HR | {"ci": {"low": 1.0, "high": None, "level": 0.999, "method": ""}}
    assert descriptions.interval(entry, {}) == "1 to not estimable (99.9% CI)"


@pytest.mark.parametrize(
    ("value", "said"),
    [(24.0, "24"), (0.1 + 0.2, "0.30000000000000004"), (7, "7"), (None, ""), ("NR", "NR")],
)
def test_values_are_exact(value: Any, said: str) -> None:
    assert descriptions.exact(value) == said


@pytest.mark.parametrize(
    ("value", "digits", "said"),
    [
        (0.016835978830309174, 3, "0.01684"),
        (5.7817976242091214e-05, 3, "0.00005782"),
        (1.23456e-12, 3, "1.235e-12"),
        (24.4951, 1, "24.50"),
        (24.5, 1, "24.5"),
        (-0.18189566, None, "-0.1819"),
        # Never fewer digits than are printed, and whole numbers as they are.
        (1234.5678, 2, "1234.57"),
        (1234.5678, None, "1235"),
        (187654.0, 1, "187654"),
        (100000000, None, "100000000"),
        (0.0, 1, "0"),
        (None, None, ""),
        ("NR", None, "NR"),
    ],
)
def test_a_card_rounds_to_four_significant_digits(value: Any, digits: Any, said: str) -> None:
    assert descriptions.rounded(value, digits) == said


def test_limits_that_are_not_printed_are_said_as_asked() -> None:
    said = descriptions.interval(HR, {}, descriptions.rounded)
    assert said == "0.06088 to 0.5435 (95% CI, Wald)"


@pytest.mark.parametrize(
    ("unit", "text", "said"),
    [
        ("months", "25.0", "months"),
        ("months", "25.0 months", ""),
        ("percent", "47.5", "percent"),
        ("percent", "47.5%", ""),
        ("p", "0.017", ""),
        ("count", "37", ""),
        (None, "37", ""),
    ],
)
def test_a_unit_is_said_once_and_only_where_it_is_one(unit: Any, text: str, said: str) -> None:
    assert descriptions.unit_beside({"unit": unit}, text) == said


@pytest.mark.parametrize(
    ("entry", "labelled"),
    [
        ({"kind": "computed", "columns": ["patients.grade", "published.x"]}, True),
        ({"kind": "computed", "columns": ["published.x"]}, False),  # a pooled estimate
        ({"kind": "computed"}, False),
        ({"kind": "transcribed", "columns": ["patients.grade"]}, False),
    ],
)
def test_what_rests_on_the_cohort_says_what_the_cohort_is(
    entry: dict[str, Any], labelled: bool
) -> None:
    numbers = {"cohort.label": {"text": "not patients"}}
    assert descriptions.label(entry, numbers) == ("not patients" if labelled else "")
    assert descriptions.label(entry, {}) == ""


def test_sources_of_each_kind() -> None:
    assert descriptions.source(HR) == "rule cox, from patients.csv"
    assert descriptions.short_source(HR) == "cox"
    assert descriptions.source(PRINTED) == "Feng 2022, Table 2 (feng2022.csv:107)"
    assert descriptions.short_source(PRINTED) == "feng2022.csv:107"
    configured = {"kind": "configured", "config": ["models.alpha"]}
    assert descriptions.source(configured) == "configuration: models.alpha"
    assert descriptions.short_source(configured) == "configuration"
    # A transcribed number of the cohort's own file has a place in the paper only.
    assert descriptions.source({"kind": "transcribed", "locator": "p. 3"}) == "p. 3"


def test_many_files_are_counted() -> None:
    inputs = [{"path": f"data/{name}.csv"} for name in "abcdef"]
    entry = {"kind": "computed", "rule": "cox", "inputs": inputs}
    assert descriptions.source(entry) == "rule cox, from a.csv, b.csv, c.csv and 3 more"


def test_support_is_told_of_computed_numbers_only() -> None:
    assert descriptions.support(HR) == "printed: printed figures constrain it"
    assert descriptions.support(PRINTED | {"support": "printed"}) == ""


@pytest.mark.parametrize(
    ("difference", "end"),
    [(0.0, ", the same"), (3.2e-13, ", within 1e-12"), (-0.5, ", within 1e0"), (None, "")],
)
def test_a_difference_is_bounded_and_not_rounded(difference: float | None, end: str) -> None:
    entry = checked(status="independent", engine="numpy", value=24.0, difference=difference)
    said = "independent: recomputed by an engine that shares no code with the first (numpy)"
    assert descriptions.check(entry) == f"{said}, which gives 24{end}"


def test_what_was_not_recomputed_says_why_and_what_has_no_check_says_nothing() -> None:
    entry = checked(reason="one permutation is drawn once")
    assert descriptions.check(entry) == "none: not recomputed; one permutation is drawn once"
    assert descriptions.short_check(entry) == "–"
    assert descriptions.short_check(checked(status="metric_only", engine="sksurv")) == "m sksurv"
    for nothing in ({"crosscheck": None}, {}):
        assert descriptions.check(nothing) == descriptions.short_check(nothing) == ""


def test_every_status_has_a_letter_and_a_meaning() -> None:
    assert descriptions.CHECKS.keys() == descriptions.SHORT_CHECKS.keys()
    assert len(set(descriptions.SHORT_CHECKS.values())) == len(descriptions.CHECKS)
