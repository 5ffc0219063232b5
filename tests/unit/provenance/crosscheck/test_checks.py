"""A number beside the second engine's: what agrees, what does not, and how it is said."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.provenance.crosscheck.checks import (
    NOT_COMPUTED,
    Check,
    Promise,
    Second,
    checked,
    counts,
    document,
    without_values,
)

NUMBERS = st.floats(-1e9, 1e9)
SAME = Promise("independent", "numpy", absolute=1e-9, relative=1e-6)


def record(value: Any, **rest: Any) -> dict[str, Any]:
    bare = {"key": "k", "value": value, "unit": "hazard ratio", "ci": None, "p": None}
    return bare | {"n": None, "events": None} | rest


def check_of(first: dict[str, Any], second: Second | None, promise: Promise = SAME) -> Check:
    return checked([first], {"k": promise}, {"k": second} if second else {})["k"]


def second(value: Any, **rest: Any) -> Second:
    return Second(value, **({"engine": "numpy"} | rest))


def test_a_number_within_the_tolerance_agrees() -> None:
    check = check_of(record(2.0), second(2.0 + 1e-6))
    assert check == Check(
        "k", "independent", "numpy", 2.0 + 1e-6, pytest.approx(1e-6), "", 2e-6, True
    )


@pytest.mark.parametrize(("away", "agrees"), [(1.9e-6, True), (-1.9e-6, True), (2.1e-6, False)])
def test_the_tolerance_is_a_sharp_limit(away: float, agrees: bool) -> None:
    assert check_of(record(2.0), second(2.0 + away)).agrees is agrees


def test_a_number_beyond_the_tolerance_keeps_its_status_and_does_not_agree() -> None:
    check = check_of(record(2.0), second(2.1))
    assert (check.status, check.value, check.agrees) == ("independent", 2.1, False)
    assert check.reason == "2.0, by the second engine 2.1: not within 2e-06"


@given(NUMBERS, NUMBERS, st.floats(0, 1e6), st.floats(0, 0.1))
def test_the_larger_of_both_tolerances_holds(
    first: float, found: float, absolute: float, relative: float
) -> None:
    promise = Promise("independent", "numpy", absolute, relative)
    check = check_of(record(first), second(found), promise)
    assert check.agrees is (abs(found - first) <= max(absolute, relative * abs(first)))


@given(NUMBERS)
def test_without_a_tolerance_only_the_same_number_agrees(value: float) -> None:
    exact = Promise("independent", "numpy")
    assert check_of(record(value), second(value), exact).agrees
    assert not check_of(record(value), second(math.nextafter(value, math.inf)), exact).agrees


@pytest.mark.parametrize(
    ("first", "found", "reason"),
    [
        (None, 0.5, "no value, by the second engine 0.5"),
        (0.5, None, "0.5, by the second engine no value"),
        ("a", "b", "a, by the second engine b"),
        (0.5, math.nan, "0.5, by the second engine nan"),
        (0.5, "0.5", "0.5, by the second engine 0.5"),
    ],
)
def test_what_is_not_alike_does_not_agree(first: Any, found: Any, reason: str) -> None:
    check = check_of(record(first), second(found))
    assert (check.difference, check.agrees, check.reason) == (None, False, reason)


@pytest.mark.parametrize("value", [None, "37 Gy in 2 fractions", 0])
def test_the_same_absence_text_or_count_agrees(value: Any) -> None:
    check = check_of(record(value), second(value), Promise("independent", "numpy"))
    assert (check.agrees, check.value) == (True, value)


def test_values_of_numpy_become_plain_ones() -> None:
    check = check_of(record(3), second(np.int64(3)))
    assert type(check.value) is int
    assert json.dumps(document({"k": check_of(record(3), second(np.float64(math.inf)))}))


def test_a_promise_that_no_engine_keeps_is_no_check() -> None:
    for found in (None, second(NOT_COMPUTED)):
        check = check_of(record(2.0), found)
        assert (check.status, check.agrees, check.engine) == ("none", False, None)
        assert check.reason == "listed as independent, but no second engine gave it"


def test_another_engine_than_the_listed_one_is_no_check() -> None:
    check = check_of(record(2.0), second(2.0, engine="lifelines"))
    assert (check.agrees, check.reason) == (False, "recomputed by lifelines, listed: numpy")


def test_what_is_listed_as_none_is_said_to_be_none() -> None:
    check = check_of(record(2.0), second(5.0), Promise("none", reason="words"))
    assert check == Check("k", "none", None, None, None, "words", None, True)


def test_limits_are_checked_by_themselves() -> None:
    ci = {"low": 1.0, "high": None, "level": 0.95, "method": "m"}
    checks = checked([record(2.0, ci=ci)], {"k": SAME}, {"k": second(2.0, low=1.5, high=None)})
    assert {key: check.agrees for key, check in checks.items()} == {
        "k": True,
        "k.low": False,
        "k.high": True,
    }
    assert checks["k.low"].difference == 0.5


def test_limits_that_were_not_computed_are_missed() -> None:
    ci = {"low": 1.0, "high": 3.0, "level": 0.95, "method": "m"}
    checks = checked([record(2.0, ci=ci)], {"k": SAME}, {"k": second(2.0)})
    assert [checks[f"k.{side}"].agrees for side in ("low", "high")] == [False, False]


def test_a_limit_where_the_record_has_none_is_a_fault() -> None:
    check = check_of(record(2.0), second(2.0, low=1.0, high=None))
    assert (check.agrees, check.reason) == (False, "low: no value, by the second engine 1.0")


@pytest.mark.parametrize(
    ("part", "first", "found", "reason"),
    [
        ("p", 0.05, NOT_COMPUTED, "p: not recomputed"),
        ("p", 0.05, 0.06, "p: 0.05, by the second engine 0.06: not within 5e-08"),
        ("p", None, 0.06, "p: no value, by the second engine 0.06"),
        ("n", 37, 36, "n: 37, by the second engine 36: not within 0"),
        ("events", None, 5, "events: no value, by the second engine 5"),
    ],
)
def test_p_n_and_events_belong_to_the_number(
    part: str, first: Any, found: Any, reason: str
) -> None:
    check = check_of(record(2.0, **{part: first}), second(2.0, **{part: found}))
    assert (check.status, check.agrees, check.reason) == ("independent", False, reason)


def told_of(check: Check) -> dict[str, Any]:
    """What the document has of one check."""
    return dict(document({"k": check})["checks"]["k"])


def test_the_p_beside_a_number_is_told_with_its_own_difference_and_tolerance() -> None:
    told = told_of(check_of(record(2.0, p=0.05), second(2.0, p=0.05 + 1e-8)))
    assert (told["agrees"], told["value"], told["difference"]) == (True, 2.0, 0.0)
    assert (told["p"], told["p_tolerance"]) == (0.05 + 1e-8, 5e-8)
    assert told["p_difference"] == pytest.approx(1e-8)


@pytest.mark.parametrize(
    ("found", "difference"), [(0.06, pytest.approx(0.01)), (None, None), (NOT_COMPUTED, None)]
)
def test_a_p_that_does_not_agree_is_told_too(found: Any, difference: float | None) -> None:
    told = told_of(check_of(record(2.0, p=0.05), second(2.0, p=found)))
    assert told["agrees"] is False
    assert told["p"] == (None if found is NOT_COMPUTED else found)
    assert (told["p_difference"], told["p_tolerance"]) == (difference, 5e-8)


@pytest.mark.parametrize(
    ("first", "found"),
    [
        (record(2.0), second(2.0)),
        (record(2.0), second(2.0, p=0.05)),
        (record(0.05, unit="p", p=0.05), second(0.05, p=0.05)),
        (record(2.0, p=0.05), None),
    ],
)
def test_without_a_p_beside_the_number_there_is_no_field(
    first: dict[str, Any], found: Second | None
) -> None:
    assert not {"p", "p_difference", "p_tolerance"} & told_of(check_of(first, found)).keys()


def test_n_and_events_need_not_be_counted_again() -> None:
    assert check_of(record(2.0, n=37, events=4), second(2.0)).agrees


def test_reasons_of_a_tolerance_and_of_a_fault_stand_together() -> None:
    promise = Promise("metric_only", "numpy", reason="stored predictions")
    check = check_of(record(2.0, n=37), second(2.0, n=36), promise)
    assert check.reason == "stored predictions; n: 37, by the second engine 36: not within 0"


def test_a_number_that_only_the_second_engine_finds_is_a_fault() -> None:
    checks = checked([], {}, {"k": second(2.0), "other": second(NOT_COMPUTED)})
    reason = "no statistic has this key, but the second engine found one"
    assert checks["k"] == Check("k", "none", "numpy", 2.0, None, reason, None, False)
    assert checks["other"].value is None


def test_the_document_counts_every_status() -> None:
    ci = {"low": 1.0, "high": 3.0, "level": 0.95, "method": "m"}
    checks = checked([record(2.0, ci=ci)], {"k": SAME}, {"k": second(2.0, low=1.0, high=3.0)})
    made = document(checks | {"x": Check("x", "none", None, None, None, "words", None)})
    assert made["version"] == "1.1"
    assert made["counts"] == {"independent": 3, "metric_only": 0, "replayed": 0, "none": 1}
    assert counts({}) == {"independent": 0, "metric_only": 0, "replayed": 0, "none": 0}
    assert made["checks"]["k.low"] == {
        "status": "independent",
        "engine": "numpy",
        "value": 1.0,
        "difference": 0.0,
        "reason": "",
        "tolerance": 1e-6,
        "agrees": True,
    }


def test_without_values_nothing_is_told_of_a_p() -> None:
    check = check_of(record(2.0, p=0.05), second(2.0, p=0.06))
    told = told_of(without_values({"k": check})["k"])
    assert "0.0" not in json.dumps(told)
    assert told.keys() == told_of(check_of(record(2.0), second(2.0))).keys()


def test_without_values_a_check_says_whether_and_not_what() -> None:
    near, far = check_of(record(2.0), second(2.0)), check_of(record(2.0), second(2.1))
    told = without_values({"near": near, "far": far})
    assert [(told[k].value, told[k].difference, told[k].tolerance) for k in told] == [
        (None,) * 3
    ] * 2
    assert (told["near"].agrees, told["near"].reason) == (True, "")
    assert (told["far"].agrees, told["far"].reason) == (
        False,
        "the second engine gives another value, withheld here",
    )
