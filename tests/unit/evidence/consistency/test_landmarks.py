"""Findings on landmark rates, from hand-made figures."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sarcoma_sbrt.evidence.consistency.enumeration import survival
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.landmarks import landmark_findings
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]


def only(findings: list[Finding]) -> Finding:
    (found,) = findings
    json.dumps(found.to_json(), allow_nan=False)
    return found


def test_possible_rates_come_with_an_order(rate: Maker) -> None:
    found = only(landmark_findings([rate("high", 12, "57.9", 19), rate("high", 36, "6.0", 19)]))
    assert (found.check, found.verdict) == ("landmark", "possible")
    assert found.keys == ("a2000.os.high.rate_12m", "a2000.os.high.rate_36m")
    assert found.printed == "57.9% at 12, 6.0% at 36 months, n = 19"
    assert found.recomputed == (
        "to 12 months: deaths 8, censored 0, at risk 11; "
        "to 36 months: deaths 9, censored 1–2, at risk 0–1"
    )
    assert [float(s) for _, s in survival(19, found.detail["order"])] == pytest.approx(
        [0.579, 0.060], abs=0.0005
    )
    assert found.detail["landmarks"][0] == {
        "months": 12.0,
        "allowed": "57.85–57.95%",
        "at_risk": [11, 11],
        "deaths_since_last": [8, 8],
        "censored_since_last": [0, 0],
        "states": 1,
    }


def test_impossible_rates_come_with_an_argument_and_other_n(rate: Maker) -> None:
    found = only(landmark_findings([rate("high", 12, "57.9", 18), rate("high", 36, "6.0", 18)]))
    assert found.verdict == "impossible"
    assert found.recomputed == "nearest at 36 months: 0% and 7.24%"
    assert "so at most 9 are at risk" in found.arithmetic
    assert found.detail["fails_at_months"] == 36.0
    assert found.detail["alone"] == ["possible", "possible"]
    assert [(o["n"], o["verdict"]) for o in found.detail["other_n"]] == [
        (17, "impossible"),
        (18, "impossible"),
        (19, "possible"),
    ]


def test_censored_that_a_single_rate_forces(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "57.9", 18)]))
    assert found.verdict == "possible"
    assert "censored 3–15" in found.recomputed
    assert len(found.detail["fewer_censored"]) == 3
    assert "other_n" not in found.detail


def test_single_patient_and_all_alive(rate: Maker) -> None:
    found = only(landmark_findings([rate("one", 12, "100", 1)]))
    assert found.verdict == "possible"
    assert [o["verdict"] for o in found.detail["other_n"]] == ["impossible", "possible", "possible"]


def test_a_curve_that_rises_says_the_nearest_below_only(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "40.0", 10), rate("", 24, "50.0", 10)]))
    assert found.verdict == "impossible"
    assert found.recomputed == "nearest at 24 months: 40%"
    assert found.detail["nearest"]["above"] is None


def test_the_median_is_a_finding_of_its_own(rate: Maker, figure: Maker) -> None:
    median = {"measure": "median", "unit": "months", "estimator": "kaplan_meier", "n": 10}
    rates = [rate("", 12, "60.0", 10), rate("", 24, "40.0", 10)]
    first, second = landmark_findings([*rates, figure("a2000.os.median", "18", **median)])
    assert (first.verdict, second.verdict) == ("possible", "possible")
    assert second.keys == (*first.keys, "a2000.os.median")
    _, second = landmark_findings([*rates, figure("a2000.os.median", "8", **median)])
    assert second.verdict == "impossible"
    _, second = landmark_findings([*rates, figure("a2000.os.median", "30", **median)])
    assert second.verdict == "impossible"


def test_a_group_of_unknown_size(rate: Maker) -> None:
    found = only(landmark_findings([rate("low", 12, "57.9", None)]))
    assert found.verdict == "unverifiable"
    assert found.detail["reason"] == "the number of patients of this group is not printed"


def test_a_group_of_unknown_size_inside_a_known_one(rate: Maker) -> None:
    pooled = rate("", 12, "60.0", 20)
    part = rate("low", 12, "57.9", None, part_of=pooled.key)
    _, found = landmark_findings([pooled, part])
    assert found.verdict == "unverifiable"
    # 9/10 × 6/7 × 3/4 = 81/140 = 57.86 %; nine patients have no such product.
    assert found.detail["least_possible_n"] == 10
    pooled = rate("", 12, "60.0", 5)
    part = rate("low", 12, "57.9", None, part_of=pooled.key)
    _, found = landmark_findings([pooled, part])
    assert found.verdict == "impossible"
    assert found.printed == "57.9% at 12 months, n at most 5"
    assert found.detail["n_at_most"] == 5


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ({"months": 12, "n": 10}, "two rates are printed for one time"),
        ({"months": 12, "n": 9}, "two rates are printed for one time"),
        (
            {"months": 24, "n": 9},
            "the rates of the curve are printed with different numbers of patients",
        ),
    ],
)
def test_rates_that_make_no_curve(rate: Maker, second: dict[str, int], reason: str) -> None:
    rates = [rate("", 12, "60.0", 10), rate("", second["months"], "40.0", second["n"])]
    found = only(landmark_findings(rates))
    assert (found.verdict, found.detail["reason"]) == ("unverifiable", reason)


def test_a_group_without_patients(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "60.0", 0)]))
    assert (found.verdict, found.detail["reason"]) == (
        "unverifiable",
        "the group has no patients",
    )
