"""Findings on landmark rates, from hand-made figures."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from sarcoma_sbrt.evidence.consistency import enumeration
from sarcoma_sbrt.evidence.consistency.enumeration import survival
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.landmarks import landmark_findings
from sarcoma_sbrt.evidence.published import Figure, Study

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
    assert found.recomputed == (
        "nearest at 36 months: 0% and 7.24%; the printed 6.0% needs 5.95–6.05%"
    )
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
    assert found.recomputed == ("nearest at 24 months: 40%; the printed 50.0% needs 49.95–50.05%")
    assert found.arithmetic.startswith("S never rises, and 40.0% at 12 months is at most 40.05%; ")
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


# --- what is impossible whatever the number of patients -----------------------------------------

MEDIAN = {"measure": "median", "unit": "months", "estimator": "kaplan_meier"}


def test_a_median_that_no_number_of_patients_gives(rate: Maker, figure: Maker) -> None:
    rates = [rate("one", 12, "100", None), rate("one", 36, "50.5", None)]
    median = figure("a2000.os.one.median", "28", subgroup="one", **MEDIAN)
    found = only(landmark_findings([*rates, median]))
    assert found.verdict == "impossible"
    assert found.keys == (*(each.key for each in rates), "a2000.os.one.median")
    assert found.printed == "100% at 12, 50.5% at 36 months, median 28 months"
    assert found.recomputed == (
        "at 36 months S is at most 50%, the printed 50.5% needs at least 50.45%"
    )
    assert found.arithmetic == (
        "the median is 28 months (27.5–28.5), so S is at most 1/2 from 28.5 months on; "
        "at 36 months S is at most 50%, and the printed 50.5% needs at least 50.45%; "
        "so no number of patients gives both; truncated, rounded up or rounded twice they "
        "contradict each other all the same"
    )
    assert found.detail["contradiction"] == ["a2000.os.one.rate_36m", "a2000.os.one.median"]
    assert {each["verdict"] for each in found.detail["conventions"]} == {"impossible"}


def test_a_median_that_some_number_of_patients_gives(rate: Maker, figure: Maker) -> None:
    rates = [rate("one", 12, "100", None), rate("one", 36, "50.0", None)]
    median = figure("a2000.os.one.median", "28", subgroup="one", **MEDIAN)
    found = only(landmark_findings([*rates, median]))
    assert (found.verdict, found.keys) == ("unverifiable", tuple(each.key for each in rates))


def test_a_median_that_would_fit_if_it_were_truncated(rate: Maker, figure: Maker) -> None:
    # Rounded, 35 ends at 35.5; truncated, the median may come after 35.6 months.
    rates = [rate("one", 35.6, "60", None)]
    median = figure("a2000.os.one.median", "35", subgroup="one", **MEDIAN)
    found = only(landmark_findings([*rates, median]))
    assert found.verdict == "impossible"
    assert found.arithmetic.endswith("; truncated they would not contradict each other")
    assert found.detail["conventions"][0] == {
        "convention": "truncated",
        "verdict": "not excluded",
    }


def test_rates_that_rise_need_no_number_of_patients(rate: Maker) -> None:
    found = only(landmark_findings([rate("one", 12, "40", None), rate("one", 24, "50", None)]))
    assert found.verdict == "impossible"
    assert found.keys == ("a2000.os.one.rate_12m", "a2000.os.one.rate_24m")
    assert found.printed == "40% at 12, 50% at 24 months"


def test_a_median_against_rates_with_a_number_of_patients(rate: Maker, figure: Maker) -> None:
    rates = [rate("", 12, "60.0", 10), rate("", 24, "40.0", 10)]
    _, found = landmark_findings([*rates, figure("a2000.os.median", "30", **MEDIAN)])
    assert found.verdict == "impossible"
    assert found.arithmetic.startswith(
        "the median is 30 months (29.5–30.5), so S is at least 1/2 before 29.5 months; "
    )
    assert [each["convention"] for each in found.detail["conventions"]] == [
        "truncated",
        "rounded up",
        "rounded twice",
    ]


def test_a_median_that_only_the_number_of_patients_rules_out(rate: Maker, figure: Maker) -> None:
    # 50 % after 62.9 % is 22/35 × 4/5 = 50.29 % of 12, nothing lower; 567/1144 = 49.56 % of 20.
    median = figure("a2000.os.median", "18", **MEDIAN)
    verdicts = {}
    for n in (12, 20):
        first, second = landmark_findings([rate("", 12, "62.9", n), rate("", 24, "50", n), median])
        verdicts[n] = first.verdict, second.verdict
    assert verdicts == {12: ("possible", "impossible"), 20: ("possible", "possible")}
    found = landmark_findings([rate("", 12, "62.9", 12), rate("", 24, "50", 12), median])[1]
    assert found.arithmetic == (
        "no order of exits gives the rates with S at least 1/2 before the median and at most 1/2 "
        "from it on; none does with all numbers truncated, rounded up or rounded twice"
    )


# --- what else than rounding a paper may have done ----------------------------------------------


def conventions(found: Finding) -> dict[str, tuple[str, str]]:
    return {
        each["convention"]: (each["this_rate"], each["all_rates"])
        for each in found.detail["conventions"]
    }


def test_a_rate_that_was_truncated(rate: Maker) -> None:
    # Two of three are 66.67 %.
    found = only(landmark_findings([rate("", 12, "66.6", 3)]))
    assert found.verdict == "impossible"
    assert found.recomputed == (
        "nearest at 12 months: 50% and 66.67%; the printed 66.6% needs 66.55–66.65%"
    )
    assert found.arithmetic.endswith("; truncated 66.6% stands for 66.6–66.7%: 66.67% would fit")
    assert conventions(found) == {
        "truncated": ("possible", "possible"),
        "rounded up": ("impossible", "impossible"),
        "rounded twice": ("impossible", "impossible"),
    }
    assert found.detail["conventions"][0]["certificate"] == (
        "3 at risk; 1 D; at 12 months: S = 2/3 = 66.67%, 2 at risk"
    )


def test_a_rate_that_was_rounded_up(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "33.4", 3)]))
    assert found.arithmetic.endswith("; rounded up 33.4% stands for 33.3–33.4%: 33.33% would fit")


def test_a_rate_that_no_convention_gives(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "90.0", 3)]))
    assert found.arithmetic.endswith(
        "; 90.0% is impossible truncated (90–90.1%), rounded up (89.9–90%) or "
        "rounded twice (89.945–90.055%) as well"
    )
    assert set(conventions(found).values()) == {("impossible", "impossible")}


def test_a_miss_by_a_hair_is_told_with_its_digits(rate: Maker) -> None:
    # 2/7 × 2/3 = 4/21 = 19.0476 %: with two decimals, 19.05 %, it would seem to be inside.
    found = only(landmark_findings([rate("", 12, "19.1", 7)]))
    assert found.verdict == "impossible"
    assert found.recomputed.startswith("nearest at 12 months: 19.048% and ")
    assert found.recomputed.endswith("; the printed 19.1% needs 19.05–19.15%")
    assert found.arithmetic.endswith(
        "; rounded up 19.1% stands for 19–19.1%: 19.048% would fit"
        "; rounded twice 19.1% stands for 19.045–19.155%: 19.048% would fit"
    )


@pytest.mark.parametrize(
    ("second", "told"),
    [
        # 66.67 % is cut to 66.6, and 33.33 % to 33.3.
        ("33.3", "66.67% would fit, also with all rates truncated"),
        # 16.67 % is not cut to 16.7.
        ("16.7", "66.67% would fit, were this rate alone truncated"),
    ],
)
def test_one_rate_truncated_or_all(rate: Maker, second: str, told: str) -> None:
    n = 3 if second == "33.3" else 6
    found = only(landmark_findings([rate("", 12, "66.6", n), rate("", 24, second, n)]))
    assert found.verdict == "impossible"
    assert f"; truncated 66.6% stands for 66.6–66.7%: {told}" in found.arithmetic


# --- rates whose method, number or time is not printed in full ----------------------------------

ACTUARIAL = {"estimator": "actuarial"}


def test_a_method_that_is_not_named_is_told(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "60.0", 5, **ACTUARIAL)]))
    assert found.verdict == "possible"
    assert found.arithmetic.startswith("taken as Kaplan-Meier, as the method is not named; 5 at")
    assert found.detail["assumes"] == "Kaplan-Meier"
    found = only(landmark_findings([rate("", 12, "70.0", 5, **ACTUARIAL)]))
    assert (found.verdict, found.detail["assumes"]) == ("impossible", "Kaplan-Meier")
    assert "assumes" not in only(landmark_findings([rate("", 12, "60.0", 5)])).detail


def test_a_time_that_the_text_does_not_give_is_told(rate: Maker) -> None:
    found = only(landmark_findings([rate("", 12, "60.0", 5, time_supported="no")]))
    assert found.arithmetic.startswith("the time of 60.0% (12 months) stands in Table 1 alone; ")
    assert found.detail["time_not_supported"] == ["a2000.os.rate_12m"]
    found = only(landmark_findings([rate("", 12, "60.0", 5, time_supported="yes")]))
    assert "time_not_supported" not in found.detail


def test_a_rate_printed_as_a_bound(rate: Maker) -> None:
    # Four of five are 80 %, all are 100 %.
    found = only(landmark_findings([rate("", 12, "90", 5, relation=">")]))
    assert (found.verdict, found.printed) == ("possible", ">90% at 12 months, n = 5")
    assert only(landmark_findings([rate("", 12, "90", 5)])).verdict == "impossible"


def test_the_number_is_that_of_the_study(rate: Maker, study: Callable[..., Study]) -> None:
    studies = {"a2000": study("a2000", 5, 7)}
    row = {"unit_of_analysis": "patient", **ACTUARIAL}
    found = only(landmark_findings([rate("", 12, "60.0", None, **row)], studies))
    assert found.verdict == "possible"
    assert found.printed == "60.0% at 12 months, n = 5, the study's patients"
    assert found.detail["n"] == 5
    assert found.detail["sizes"] == [{"n": 5, "unit": "patients", "verdict": "possible"}]
    row["unit_of_analysis"] = "lesion"
    found = only(landmark_findings([rate("", 12, "57.1", None, **row)], studies))
    assert found.printed == "57.1% at 12 months, n = 7, the study's lesions"
    assert (found.verdict, found.detail["n"]) == ("possible", 7)


@pytest.mark.parametrize(
    ("text", "verdict", "told"),
    [
        ("60.0", "possible", "possible for 5 patients, possible for 7 lesions"),
        ("57.1", "possible", "impossible for 5 patients, possible for 7 lesions"),
        ("90.0", "impossible", "impossible for 5 patients, impossible for 7 lesions"),
    ],
)
def test_patients_or_lesions(
    rate: Maker, study: Callable[..., Study], text: str, verdict: str, told: str
) -> None:
    found = only(landmark_findings([rate("", 12, text, None)], {"a2000": study("a2000", 5, 7)}))
    assert found.verdict == verdict
    assert found.printed == f"{text}% at 12 months, n = 5 patients or 7 lesions of the study"
    assert found.arithmetic.startswith(
        f"whether patients or lesions were followed is not printed: {told}; with "
    )
    # Of two that are possible the less is told, of two that are not the more.
    meant = "5 patients" if text == "60.0" else "7 lesions"
    assert found.recomputed.startswith(f"with {meant} ")
    assert f"; with {meant}: {meant[0]} at risk" in found.arithmetic


def test_patients_or_an_unknown_number_of_lesions(
    rate: Maker, figure: Maker, study: Callable[..., Study]
) -> None:
    studies = {"a2000": study("a2000", 5)}
    found = only(landmark_findings([rate("", 12, "60.0", None)], studies))
    assert (found.verdict, found.detail["n"]) == ("possible", 5)
    found = only(landmark_findings([rate("", 12, "57.1", None)], studies))
    assert found.verdict == "unverifiable"
    assert found.detail["reason"] == (
        "impossible for the study's 5 patients; whether lesions were followed, and how many, is "
        "not printed"
    )
    # 12 patients that have both rates and no such median; 20 would.
    rows = [rate("", 12, "62.9", None), rate("", 24, "50", None)]
    rows.append(figure("a2000.os.median", "18", **MEDIAN))
    verdicts = [f.verdict for f in landmark_findings(rows, {"a2000": study("a2000", 12)})]
    assert verdicts == ["possible", "unverifiable"]
    # What no number of lesions gives either.
    rows = [rate("", 12, "57.1", None), figure("a2000.os.median", "8", **MEDIAN)]
    assert only(landmark_findings(rows, studies)).verdict == "impossible"


def test_a_subgroup_has_the_studys_number_at_most(rate: Maker, study: Callable[..., Study]) -> None:
    row = {"unit_of_analysis": "patient"}
    studies = {"a2000": study("a2000", 5)}
    found = only(landmark_findings([rate("old", 12, "57.9", None, **row)], studies))
    assert (found.verdict, found.detail["n_at_most"]) == ("impossible", 5)
    whole = rate("", 24, "60.0", None, **row, estimator="crude")
    part = rate("old", 12, "57.9", None, **row, part_of=whole.key)
    found = only(landmark_findings([whole, part], studies))
    assert (found.verdict, found.detail["n_at_most"]) == ("impossible", 5)
    found = only(landmark_findings([rate("old", 12, "60.0", None, **row)], studies))
    assert (found.verdict, found.detail["least_possible_n"]) == ("unverifiable", 5)


def test_too_many_states(rate: Maker, figure: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(enumeration, "MOST_COUNTED", 100)
    assert only(landmark_findings([rate("", 12, "60.0", 10)])).verdict == "possible"
    found = only(landmark_findings([rate("", 12, "60.0", 11)]))
    assert (found.verdict, found.detail["reason"]) == (
        "unverifiable",
        "there are too many states to look at",
    )
    pooled = rate("", 12, "60.0", 20)
    _, found = landmark_findings([pooled, rate("g", 12, "57.9", None, part_of=pooled.key)])
    assert found.detail["reason"] == (
        "the number of patients of this group is not printed, and for at most 20 there are too "
        "many states to look at"
    )
    # A contradiction needs no states.
    found = only(landmark_findings([rate("", 12, "40", 11), rate("", 24, "50", 11)]))
    assert (found.verdict, found.detail["n"]) == ("impossible", None)


def test_failures_are_not_judged_as_survival(rate: Maker) -> None:
    rows = [rate("", 12, "2", 50, endpoint="local_failure")]
    rows += [rate("", 24, "5", 50, endpoint="local_failure")]
    found = only(landmark_findings(rows))
    assert found.detail["reason"] == "a rate of failures is printed, not of freedom from them"
