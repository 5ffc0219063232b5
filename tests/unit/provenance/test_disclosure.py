from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.provenance.disclosure import (
    OF_ONE_REASON,
    disclosed_flow,
    disclosed_sets,
    disclosure_conditions,
    published,
    small_cells,
    withhold,
)
from sarcoma_sbrt.reporting.small_cells import SmallCells

RULE = SmallCells(least=5)
REASON = "fewer than 5 patients or lesions would be told of"
AT_RISK = "fewer than 5 patients or lesions are at risk then"


def entry(key: str, value: Any, unit: str = "count", **changes: Any) -> dict[str, Any]:
    usual = {
        "key": key,
        "value": value,
        "unit": unit,
        "text": str(value),
        "digits": 0,
        "kind": "computed",
        "source": "characteristics",
        "status": "estimated",
        "reason": "",
        "ci": None,
        "p": None,
        "n": None,
        "events": None,
    }
    return {key: usual | changes}


def texts(numbers: dict[str, dict[str, Any]], rule: SmallCells | None = RULE) -> dict[str, str]:
    shown = withhold(numbers, rule)
    return {key: shown[key]["text"] for key in numbers}


@pytest.mark.parametrize(
    ("when", "kind", "holds"),
    [
        ("observed", "observed", True),
        ("observed", "reconstructed", False),
        ("always", "reconstructed", True),
        ("always", "observed", True),
        ("never", "observed", False),
    ],
)
def test_the_plan_says_where_the_rule_holds(when: str, kind: str, holds: bool) -> None:
    rule = small_cells({"small_cells": when, "least": 5}, kind)
    assert rule == (RULE if holds else None)
    assert disclosure_conditions(rule) == {"has.disclosure": holds}


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0"), (1, "< 5"), (4, "< 5"), (5, "5"), (37, "37")]
)
def test_a_count_below_the_bound_is_printed_as_such_and_nobody_stays_nobody(count, text) -> None:
    assert RULE.said(count) == text
    assert texts(entry("toxicity.pain.n", count)) == {"toxicity.pain.n": text}


def test_the_only_small_part_takes_the_next_smallest_along() -> None:
    # 37 − 19 − 14 would tell the four
    levels = {"G1": 19, "G2": 4, "G3": 14}
    numbers = {k: e for g, n in levels.items() for k, e in entry(f"cohort.grade.{g}.n", n).items()}
    assert texts(numbers) == {
        "cohort.grade.G1.n": "19",
        "cohort.grade.G2.n": "< 5",
        "cohort.grade.G3.n": "≥ 5",
    }


def test_two_small_parts_hide_each_other_and_nobody_hides_nothing() -> None:
    levels = {"a": 3, "b": 2, "c": 30, "d": 0}
    numbers = {k: e for g, n in levels.items() for k, e in entry(f"cohort.x.{g}.n", n).items()}
    assert list(texts(numbers).values()) == ["< 5", "< 5", "30", "0"]


def test_the_groups_of_one_covariate_hide_each_other_and_no_other() -> None:
    counts = {
        "os.age_level.events": 3,
        "os.age_reference.events": 12,
        "os.sex_level.events": 7,
        "os.sex_reference.events": 8,
        "os.age_level.n": 9,
        "os.age_reference.n": 11,
        "dose_sensitivity.lc.cut_1.below.n": 2,
        "dose_sensitivity.lc.cut_1.above.n": 18,
    }
    stages = {"os": "kaplan_meier", "dose_sensitivity": "dose_sensitivity"}
    numbers = {
        k: e
        for key, n in counts.items()
        for k, e in entry(key, n, source=stages[key.split(".")[0]]).items()
    }
    changed = {key: text for key, text in texts(numbers).items() if text != str(counts[key])}
    assert changed == {
        "os.age_level.events": "< 5",
        "os.age_reference.events": "≥ 5",
        "dose_sensitivity.lc.cut_1.below.n": "< 5",
        "dose_sensitivity.lc.cut_1.above.n": "≥ 5",
    }


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        ("forest.os.cv.chosen.1.n", {"source": "forest"}),
        ("cox.lc.clustering.n", {"source": "cox"}),
        ("os.grade.logrank.df", {"source": "kaplan_meier"}),
        ("cox.lc.clustering.se_ratio_max", {"source": "cox", "unit": "ratio"}),
        ("dose_sensitivity.ab3.lc.cuts.hr_least", {"source": "dose_sensitivity"}),
        ("synthesis.lc.lung.rate_24m.n", {"source": "synthesis"}),
        ("published.feng2022.toxicity.n", {"kind": "transcribed", "source": "published"}),
    ],
)
def test_what_counts_no_patients_of_the_cohort_stays(key: str, changes: dict[str, str]) -> None:
    assert texts(entry(key, 2, **changes)) == {key: "2"}


def shares() -> dict[str, dict[str, Any]]:
    return (
        entry("toxicity.pain.n", 3)
        | entry("toxicity.pain.percent", 100 * 3 / 14, "percent", text="21.4", n=14)
        | entry(
            "toxicity.pain.percent.stated",
            21.4,
            "percent",
            text="21.4%",
            of="toxicity.pain.percent",
        )
        | entry("toxicity.pain.percent.low", 4.7, "percent", text="4.7", of="toxicity.pain.percent")
    )


def test_a_share_of_a_small_count_is_a_bound_of_one_decimal() -> None:
    # 100 · 5 / 14 = 35.714
    assert texts(shares()) == {
        "toxicity.pain.n": "< 5",
        "toxicity.pain.percent": "< 35.7",
        "toxicity.pain.percent.stated": "< 35.7%",
        "toxicity.pain.percent.low": "not shown",
    }


def group(n: int) -> dict[str, dict[str, Any]]:
    key, own = "os.grade_level.median", {"source": "kaplan_meier", "n": n, "events": 2}
    limits = {"low": 4.0, "high": 9.0}
    return (
        entry(key, 7.0, "months", text="7.0", ci=limits, **own)
        | entry(f"{key}.low", 4.0, "months", text="4.0", of=key, **own)
        | entry(f"{key}.stated", 7.0, "months", text="7.0 months", of=key, **own)
    )


def test_a_statistic_of_few_is_not_shown_with_the_reason_that_notes_print() -> None:
    shown = withhold(group(4), RULE)
    assert {e["text"] for k, e in shown.items() if not k.endswith(".reason")} == {"not shown"}
    assert {e["status"] for e in shown.values()} == {"withheld"}
    reason = shown["os.grade_level.median.reason"]
    assert (reason["text"], reason["of"], reason["unit"]) == (
        REASON,
        "os.grade_level.median",
        "months",
    )


def test_a_rate_when_nobody_is_left_at_risk_is_not_shown_and_nobody_is_still_none() -> None:
    limits = {"low": 20.0, "high": 75.0}
    key, nobody = "lc.grade_level.cif_36m", {"source": "competing", "n": 0}
    numbers = entry(key, 51.3, "percent", ci=limits, **nobody)
    numbers |= entry(f"{key}.low", 20.0, "percent", of=key, **nobody)
    numbers |= entry("lc.grade_level.at_risk_36m", 0, **nobody)
    lost = {"text": "not estimable", "status": "not_estimable", "reason": "nobody is at risk"}
    numbers |= entry("lc.grade_level.rate_36m", None, "percent", **nobody | lost)
    assert texts(numbers) == {
        key: "not shown",
        f"{key}.low": "not shown",
        "lc.grade_level.at_risk_36m": "0",
        "lc.grade_level.rate_36m": "not estimable",
    }


def test_a_statistic_of_enough_is_shown_without_the_few_events_behind_it() -> None:
    numbers = group(9) | entry("os.grade_level.n", 9, source="kaplan_meier")
    shown = withhold(numbers, RULE)
    assert shown == numbers
    out = published(shown, RULE)["os.grade_level.median"]
    assert (out["text"], out["value"], out["n"], out["events"]) == ("7.0", 7.0, 9, None)


def test_how_many_stand_behind_a_number_is_told_only_where_it_is_printed_anyway() -> None:
    own = {"source": "kaplan_meier", "population": {"table": "endpoints/os", "filter": {}}}
    numbers = entry("os.n", 37, **own) | entry("os.events", 28, **own)
    numbers |= entry("os.grade.logrank.p", 0.02, "p", n=34, events=26, **own)
    numbers |= entry("os.sex.logrank.p", 0.4, "p", n=37, events=28, **own)
    out = published(withhold(numbers, RULE), RULE)
    told = {
        key: (out[f"os.{key}.logrank.p"]["n"], out[f"os.{key}.logrank.p"]["events"])
        for key in ("grade", "sex")
    }
    # 37 less 34 are the three without a grade
    assert told == {"grade": (None, None), "sex": (37, 28)}


def timed(**at_risk: int) -> dict[str, dict[str, Any]]:
    key = "os.grade_level.median"
    own: dict[str, Any] = {"source": "kaplan_meier", "n": 19, "events": 12}
    own["population"] = {"table": "endpoints/os", "filter": {"grade": 1}, "at_risk": at_risk}
    limits = {"low": 4.0, "high": 40.0, "level": 0.95, "method": "crossing"}
    return (
        entry(key, 24.0, "months", ci=limits, **own)
        | entry(f"{key}.low", 4.0, "months", of=key, **own)
        | entry(f"{key}.high", 40.0, "months", of=key, **own)
        | entry(f"{key}.stated", 24.0, "months", text="24.0 months", of=key, **own)
    )


def test_a_limit_at_a_time_when_few_are_at_risk_is_not_shown_and_its_median_is() -> None:
    numbers = timed(value=5, low=17, high=4)
    shown = withhold(numbers, RULE)
    key = "os.grade_level.median"
    assert {k for k in numbers if shown[k]["status"] == "withheld"} == {f"{key}.high"}
    assert shown[f"{key}.high"]["reason"] == AT_RISK
    out = published(shown, RULE)[key]
    assert (out["value"], out["ci"]["low"], out["ci"]["high"]) == (24.0, 4.0, None)
    assert "at_risk" not in out["population"]


def test_a_median_at_a_time_when_few_are_at_risk_takes_its_limits_along() -> None:
    numbers = timed(value=4, low=17, high=3)
    assert set(texts(numbers).values()) == {"not shown"}
    assert withhold(numbers, RULE)["os.grade_level.median.reason"]["text"] == AT_RISK


def test_a_rate_says_that_few_are_at_risk_then() -> None:
    own: dict[str, Any] = {"source": "kaplan_meier", "n": 4}
    shown = withhold(entry("os.rate_36m", 29.2, "percent", **own), RULE)
    assert (shown["os.rate_36m"]["text"], shown["os.rate_36m"]["reason"]) == ("not shown", AT_RISK)


def test_a_curve_is_not_told_of_where_its_few_events_are_withheld() -> None:
    own: dict[str, Any] = {"source": "kaplan_meier"}
    numbers = entry("os.grade_level.n", 20, **own) | entry("os.grade_level.events", 2, **own)
    # 90 per cent of 20 are two deaths
    numbers |= entry("os.grade_level.rate_12m", 90.0, "percent", n=18, events=2, **own)
    numbers |= entry("os.n", 40, **own) | entry("os.events", 30, **own)
    numbers |= entry("os.rate_12m", 70.0, "percent", n=28, events=12, **own)
    shown = texts(numbers)
    assert (shown["os.grade_level.rate_12m"], shown["os.rate_12m"]) == ("not shown", "70.0")


def test_deaths_without_the_event_decide_over_their_own_incidence() -> None:
    own: dict[str, Any] = {"source": "competing", "n": 20, "unit": "percent"}
    counted = {"source": "kaplan_meier"}
    numbers = entry("lc.n", 40, **counted) | entry("lc.events", 12, **counted)
    numbers |= entry("lc.competing", 2, **counted)
    numbers |= entry("lc.cif_12m", 30.0, **own) | entry("lc.cif_death_12m", 5.0, **own)
    shown = texts(numbers)
    assert (shown["lc.cif_12m"], shown["lc.cif_death_12m"]) == ("30.0", "not shown")


def test_shares_are_not_shown_whose_denominator_tells_how_few_are_unknown() -> None:
    everybody = {"population": {"table": "patients", "filter": {}}}
    numbers = entry("cohort.patients", 37) | entry("cohort.grade.missing.n", 3)
    for code, count in {"G1": 19, "G2": 8, "G3": 7}.items():
        numbers |= entry(f"cohort.grade.{code}.n", count)
        share = {"n": 34, **everybody}
        numbers |= entry(f"cohort.grade.{code}.percent", 100 * count / 34, "percent", **share)
    shown = texts(numbers)
    assert [shown[f"cohort.grade.{code}.n"] for code in ("G1", "G2", "G3")] == ["19", "8", "≥ 5"]
    assert {shown[f"cohort.grade.{code}.percent"] for code in ("G1", "G2", "G3")} == {"not shown"}


RANGE = {
    "cohort.age.max": ("years", "characteristics"),
    "dose.fractions.min": ("count", "characteristics"),
    "site_dose.lung.bed10.max": ("Gy", "characteristics"),
    "response.best.min": ("percent", "characteristics"),
    "dose_sensitivity.ab3.eqd2.min": ("Gy", "dose_sensitivity"),
    "os.time_max": ("months", "kaplan_meier"),
}


@pytest.mark.parametrize("key", RANGE)
def test_a_least_or_greatest_value_is_one_patients_and_not_shown(key: str) -> None:
    unit, source = RANGE[key]
    usual = {"unit": unit, "source": source, "n": 37}
    numbers = entry(key, 75, **usual) | entry(f"{key}.stated", 75, of=key, **usual)
    median = entry("cohort.age.median", 58, "years", n=37)
    shown = withhold(numbers | median, RULE)
    assert [shown[k]["text"] for k in (key, f"{key}.stated")] == ["not shown", "not shown"]
    assert {shown[k]["reason"] for k in (key, f"{key}.stated")} == {OF_ONE_REASON}
    assert shown[f"{key}.reason"]["text"] == OF_ONE_REASON
    assert shown["cohort.age.median"] == median["cohort.age.median"]
    out = published(shown, RULE)
    assert [out[k]["value"] for k in (key, f"{key}.stated")] == [None, None]


def test_a_least_value_of_few_is_not_shown_because_they_are_few() -> None:
    shown = withhold(entry("site_dose.lung.total.min", 30, "Gy", n=3), RULE)
    assert shown["site_dose.lung.total.min"]["reason"] == REASON


@pytest.mark.parametrize(
    "changes",
    [
        {"value": None, "text": "not estimable", "status": "not_estimable"},
        {"kind": "transcribed", "source": "published"},
        {"source": "reproduction"},
    ],
)
def test_a_range_without_a_value_or_of_others_stays(changes: dict[str, Any]) -> None:
    numbers = entry("time.max", 75, "months")
    numbers["time.max"] |= changes
    assert withhold(numbers, RULE) == numbers


def test_what_is_withheld_keeps_no_range_over_reconstructions() -> None:
    ranged = {"solutions": {"low": 3.0, "high": 8.0}, "over_solutions": "3.0 to 8.0"}
    numbers = entry("os.median", 7.0, "months", source="kaplan_meier", n=3, **ranged)
    assert not ranged.keys() & withhold(numbers, RULE)["os.median"].keys()


def test_what_leaves_the_centre_holds_no_value_that_is_withheld() -> None:
    out = published(withhold(shares() | group(3), RULE), RULE)
    for key, one in out.items():
        if key.endswith(".reason"):
            assert one["value"] == REASON
        else:
            assert [one[name] for name in ("value", "ci", "p", "n", "events")] == [None] * 5, key


def test_without_the_rule_nothing_changes() -> None:
    numbers = shares() | group(3)
    assert withhold(numbers, None) == numbers
    assert published(numbers, None) == numbers


def test_the_registry_that_is_given_stays_as_it_is() -> None:
    numbers = shares()
    withhold(numbers, RULE)
    assert numbers == shares()


@given(st.lists(st.integers(0, 12), min_size=2, max_size=6))
def test_no_small_count_follows_from_the_total_and_the_others(counts: list[int]) -> None:
    numbers = {
        k: e for i, n in enumerate(counts) for k, e in entry(f"cohort.x.level{i}.n", n).items()
    }
    hidden = [n for n, t in zip(counts, texts(numbers).values(), strict=True) if t != str(n)]
    small = [n for n in counts if 0 < n < 5]
    assert set(small) <= set(hidden)
    possible = [n for n in counts if n > 0]
    if small and len(possible) > 1:
        assert len(hidden) > 1


def test_a_total_is_bounded_where_few_were_excluded() -> None:
    shown = texts(
        entry("flow.patients.read", 51)
        | entry("flow.patients.excluded", 3)
        | entry("flow.patients.analysed", 48)
    )
    assert shown == {
        "flow.patients.read": "≥ 5",
        "flow.patients.excluded": "< 5",
        "flow.patients.analysed": "48",
    }


FLOW = {
    "kind": "observed",
    "patients": {
        "read": 51,
        "analysed": 48,
        "excluded": [{"reason": "no course", "patients": 3, "lines": [4, 9, 12]}],
    },
    "tables": {
        "patients": {
            "rows_read": 60,
            "rows_kept": 51,
            "excluded": [{"reason": "no identifier", "rows": 9, "lines": [7]}],
        }
    },
}


def test_the_ledger_words_few_and_the_total_they_are_taken_from() -> None:
    told = disclosed_flow(FLOW, RULE)
    assert told["patients"] == {
        "read": "≥ 5",
        "analysed": 48,
        "excluded": [{"reason": "no course", "patients": "< 5"}],
    }
    assert told["tables"]["patients"] == {
        "rows_read": 60,
        "rows_kept": 51,
        "excluded": [{"reason": "no identifier", "rows": "9"}],
    }
    assert disclosed_flow(FLOW, None) == FLOW


def test_the_ledger_hides_a_small_reason_among_the_others_of_a_printed_total() -> None:
    excluded = [{"reason": "no course", "patients": 3}, {"reason": "primary", "patients": 12}]
    rows = [{"reason": "no course", "rows": 3}, {"reason": "primary", "rows": 12}]
    table = {"rows_read": 66, "rows_kept": 51, "excluded": rows}
    flow = {
        "patients": {"read": 66, "analysed": 51, "excluded": excluded},
        "tables": {"patients": table},
    }
    told = disclosed_flow(flow, RULE)
    assert [one["patients"] for one in told["patients"]["excluded"]] == ["< 5", "≥ 5"]
    assert [one["rows"] for one in told["tables"]["patients"]["excluded"]] == ["< 5", "≥ 5"]


def test_rows_of_patients_tell_no_more_than_the_patients_do() -> None:
    # By itself the table would hide the nine along with the three, and print the twelve.
    excluded = [{"reason": "no course", "patients": 3}, {"reason": "primary", "patients": 12}]
    counts = {"no course": 3, "no identifier": 9, "primary": 12}
    rows = [{"reason": reason, "rows": count} for reason, count in counts.items()]
    flow = {
        "patients": {"read": 66, "analysed": 51, "excluded": excluded},
        "tables": {"patients": {"rows_read": 75, "rows_kept": 51, "excluded": rows}},
    }
    told = disclosed_flow(flow, RULE)["tables"]["patients"]["excluded"]
    assert [one["rows"] for one in told] == ["< 5", "≥ 5", "≥ 5"]


def rows_of(*positions: int) -> dict[str, Any]:
    text = ",".join(map(str, positions))
    parts = {part: {"patients": text} for part in ("units", "canonical", "raw")}
    return parts | {"n": dict.fromkeys(parts, len(positions))}


def test_no_set_that_leaves_the_centre_tells_whose_rows_it_holds() -> None:
    numbers = entry("a.n", 3, lineage="few") | entry("b.n", 9, lineage="many")
    numbers |= entry("c.n", 8, lineage="next", status="withheld")
    numbers |= entry("d.label", "d", unit="text", lineage=None)
    row_sets = {
        "few": rows_of(1, 2, 3),
        "many": rows_of(*range(9)),
        "next": rows_of(*range(8)),
        "unused": rows_of(*range(7)),
    }
    told, kept = disclosed_sets(numbers, row_sets, RULE)
    assert {key: entry["lineage"] for key, entry in told.items()} == {
        "a.n": None,
        "b.n": "many",
        "c.n": None,
        "d.label": None,
    }
    assert kept == {"many": {"n": {"units": 9, "canonical": 9, "raw": 9}}}
    assert disclosed_sets(numbers, row_sets, None) == (numbers, row_sets)


def test_no_set_tells_how_many_a_withheld_group_has() -> None:
    own: dict[str, Any] = {"source": "kaplan_meier"}
    numbers = entry("os.n", 12, **own) | entry("os.sex_reference.n", 9, **own)
    numbers |= entry("os.sex_level.n", 3, **own)
    numbers |= entry("os.sex.logrank.p", 0.4, "p", lineage="both", **own)
    numbers |= entry("os.sex_reference.hr", 2.0, "hazard ratio", lineage="reference", **own)
    numbers["os.n"]["lineage"] = "both"
    row_sets = {"both": rows_of(*range(12)), "reference": rows_of(*range(9))}
    told, kept = disclosed_sets(withhold(numbers, RULE), row_sets, RULE)
    assert kept.keys() == {"both"}
    assert told["os.sex_reference.hr"]["lineage"] is None


def test_events_per_variable_tell_of_withheld_events() -> None:
    numbers = entry("cox.os.multivariable.events", 4, n=30)
    numbers |= entry("cox.os.multivariable.events_per_variable", 2.0, "ratio", n=30)
    assert texts(numbers) == {
        "cox.os.multivariable.events": "< 5",
        "cox.os.multivariable.events_per_variable": "not shown",
    }


def test_what_a_second_engine_gave_for_a_withheld_number_stays_inside() -> None:
    check = {"status": "independent", "value": 4.0, "difference": 0.0}
    numbers = entry("a.n", 4, crosscheck=check) | entry("b.n", 9, crosscheck=check)
    out = published(withhold(numbers, RULE), RULE)
    assert out["a.n"]["crosscheck"] == check | {"value": None, "difference": None}
    assert out["b.n"]["crosscheck"] == check
