"""Findings on landmark rates and on pooled rates, from hand-made figures."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sarcoma_sbrt.evidence.consistency.enumeration import survival
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.interleaving import pooled_survival
from sarcoma_sbrt.evidence.consistency.landmarks import landmark_findings, pooled_findings
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]


@pytest.fixture
def rate(figure: Maker) -> Maker:
    """Maker of a Kaplan-Meier rate: group, months, printed text, n."""

    def made(group: str, months: int, text: str, n: int | None, **cells: object) -> Figure:
        key = f"a2000.os.{group}{'.' if group else ''}rate_{months}m"
        given = {
            "measure": "rate",
            "unit": "percent",
            "estimator": "kaplan_meier",
            "time_months": float(months),
            "subgroup": group,
            "n": n,
        }
        return figure(key, text, **given | cells)

    return made


def only(findings: list[Finding]) -> Finding:
    (found,) = findings
    json.dumps(found.to_json(), allow_nan=False)
    return found


# --- one curve ------------------------------------------------------------------------------


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


# --- pooled against subgroups ---------------------------------------------------------------


def split(rate: Maker, pooled: str, n: int, *parts: tuple[str, int | None]) -> Finding:
    whole = rate("", 12, pooled, n)
    rows = [
        rate(f"g{i}", 12, text, size, part_of=whole.key, partition="grade")
        for i, (text, size) in enumerate(parts)
    ]
    return only(pooled_findings([whole, *rows]))


def test_pooled_rate_in_range_with_an_arrangement(rate: Maker) -> None:
    # Nobody of 2 dies, one of 2 does: pooled between 1/2 (both others censored first) and 3/4.
    found = split(rate, "75.0", 4, ("100", 2), ("50.0", 2))
    assert found.verdict == "possible"
    assert found.keys == ("a2000.os.rate_12m", "a2000.os.g0.rate_12m", "a2000.os.g1.rate_12m")
    assert found.detail["landmarks"][0]["range"] == ["1/2", "3/4"]
    assert found.detail["exact"]
    assert [float(s) for s in pooled_survival(2, 2, found.detail["order"])] == [0.75]


def test_pooled_rate_outside_the_range(rate: Maker) -> None:
    found = split(rate, "80.0", 4, ("100", 2), ("50.0", 2))
    assert found.verdict == "impossible"
    assert found.arithmetic == (
        "at 12 months all arrangements lie between 50% and 75%, 79.95–80.05% lies outside"
    )
    at = found.detail["landmarks"][0]
    assert at["least"] == "4 at risk; 2 C; 1 d; at 12 months: S = 1/2 = 50%, 1 at risk"
    assert at["greatest"] == "4 at risk; 1 d; at 12 months: S = 3/4 = 75%, 3 at risk"


def test_pooled_rate_between_the_ends_that_nothing_reaches(rate: Maker) -> None:
    # 1/2, 2/3 and 3/4 are all there is.
    found = split(rate, "70.0", 4, ("100", 2), ("50.0", 2))
    assert found.verdict == "unverifiable"
    assert "no arrangement was found" in found.detail["reason"]


@pytest.mark.parametrize(
    ("n", "parts", "reason"),
    [
        (4, [("100", 2)], "rates of 1 subgroups are printed, not of two"),
        (5, [("100", 2), ("50.0", 2)], "the subgroups have 2 + 2 patients, not 5"),
    ],
)
def test_what_cannot_be_pooled(
    rate: Maker, n: int, parts: list[tuple[str, int]], reason: str
) -> None:
    found = split(rate, "75.0", n, *parts)
    assert (found.verdict, found.detail["reason"]) == ("unverifiable", reason)


def test_subgroups_that_cannot_have_their_own_rates(rate: Maker) -> None:
    # 57.9 % needs ten patients; with 10 + 2, dDCCDCCD gives 10/12 × 7/8 × 4/5 = 58.3 %, so that
    # the numbers may have been printed the wrong way round.
    found = split(rate, "58.3", 12, ("57.9", 2), ("50.0", 10))
    assert found.verdict == "unverifiable"
    assert found.detail["reason"] == (
        "no order of exits gives the subgroups' own rates with these numbers of patients"
    )
    assert found.detail["splits_not_excluded"] == [[10, 2]]
    found = split(rate, "75.0", 4, ("57.9", 2), ("50.0", 2))
    assert found.verdict == "impossible"
    assert found.arithmetic.endswith(
        "for no split of 4 patients can the subgroups' own rates and the pooled rates all hold"
    )
    assert len(found.detail["splits_excluded_by_own_rates"]) == 3


def test_no_pooled_rate_for_the_month(rate: Maker) -> None:
    whole = rate("", 12, "75.0", 4)
    rows = [rate(f"g{i}", 24, "50.0", 2, part_of=whole.key) for i in range(2)]
    found = only(pooled_findings([whole, *rows]))
    assert found.detail["reason"] == (
        "no pooled rate is printed for the months of the subgroups' rates"
    )


def test_splits_that_are_left_when_sizes_are_unknown(rate: Maker) -> None:
    # 75 % needs the one death at 4 at risk; of 3 patients 50 % needs one censored before it.
    found = split(rate, "75.0", 4, ("100", None), ("50.0", None))
    assert found.verdict == "unverifiable"
    assert found.detail["splits_not_excluded"] == [[2, 2]]
    found = split(rate, "99.0", 4, ("100", None), ("50.0", None))
    assert found.verdict == "impossible"
    assert found.detail["splits_not_excluded"] == []


def test_rates_possible_alone_and_not_together(rate: Maker) -> None:
    # 18 and 19 patients: at 12 months the subgroups leave 8/11 to 696/925, above 71.5 %.
    whole = rate("", 12, "71.5", 37)
    rows = [
        rate("g1", 12, "92.9", 18, part_of=whole.key, partition="grade"),
        rate("g1", 36, "61.1", 18),
        rate("g2", 12, "57.9", 19, part_of=whole.key, partition="grade"),
        rate("g2", 36, "6.0", 19),
    ]
    found = only(pooled_findings([whole, *rows]))
    assert found.verdict == "impossible"
    assert found.detail["landmarks"][0]["range"] == ["8/11", "696/925"]
    assert [other["sizes"] for other in found.detail["other_sizes"]] == [[17, 20], [19, 18]]
