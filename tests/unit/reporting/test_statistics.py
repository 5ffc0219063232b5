from __future__ import annotations

import json
import math

import pytest

from sarcoma_sbrt.reporting.statistics import (
    Interval,
    Statistic,
    from_json,
    not_estimable,
    to_json,
)

MEDIAN = Statistic(
    "os.median",
    24.0,
    "months",
    "Kaplan-Meier",
    columns=("patients.last_contact_day", "patients.vital_status"),
    joint=True,
    population={"table": "endpoints/os", "filter": {}},
    rows={"table": "endpoints/os", "where": {}},
    ci=Interval(13.0, None, 0.95, "crossing"),
    n=37,
    events=28,
)


def test_a_statistic_survives_json_at_full_precision() -> None:
    third = Statistic("os.rate_12m", 100 / 3, "percent", "Kaplan-Meier", p=0.1 + 0.2)
    missing = not_estimable("lc.median", "months", "Kaplan-Meier", "nobody was observed", n=0)
    document = json.loads(json.dumps(to_json("kaplan_meier", [MEDIAN, third, missing])))
    assert sorted(from_json(document), key=lambda s: s.key) == [missing, MEDIAN, third]


def test_a_document_is_ordered_by_key_and_names_its_stage() -> None:
    other = Statistic("lc.n", 58, "count", "count")
    document = to_json("kaplan_meier", [MEDIAN, other])
    assert document["stage"] == "kaplan_meier"
    assert [r["key"] for r in document["statistics"]] == ["lc.n", "os.median"]
    assert {r["source"] for r in document["statistics"]} == {"kaplan_meier"}
    assert document == to_json("kaplan_meier", [other, MEDIAN])


def test_two_statistics_of_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^cox: more than one statistic is called os\.median$"):
        to_json("cox", [MEDIAN, MEDIAN])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_no_statistic(value: float) -> None:
    with pytest.raises(ValueError, match=r"is no statistic; give a status and a reason"):
        Statistic("os.median", value, "months", "Kaplan-Meier")


def test_a_value_and_a_status_that_disagree_are_refused() -> None:
    with pytest.raises(ValueError, match="a value and the status 'estimated' disagree"):
        Statistic("os.median", None, "months", "Kaplan-Meier")
    with pytest.raises(ValueError, match="a value and the status 'not_reached' disagree"):
        Statistic("os.median", 3.0, "months", "Kaplan-Meier", status="not_reached")


def test_zero_is_a_value() -> None:
    assert Statistic("os.events", 0, "count", "count").status == "estimated"


def test_not_estimable_says_why() -> None:
    record = not_estimable("cox.os.hr", "hazard ratio", "Cox", "no event was observed", n=12)
    assert (record.value, record.status, record.reason, record.n) == (
        None,
        "not_estimable",
        "no event was observed",
        12,
    )
