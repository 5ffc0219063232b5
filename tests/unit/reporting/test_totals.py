from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.totals import parts_worded, sums, told, worded

RULE = SmallCells(least=5)


def texts(counts: dict[str, int], numbers: dict[str, Any] | None = None) -> dict[str, str]:
    """What is printed of each count."""
    withheld = told(counts, numbers or {}, RULE)
    return {
        key: worded(withheld[key], RULE, "not shown") if key in withheld else str(count)
        for key, count in counts.items()
    }


def fits(text: str, count: int) -> bool:
    """Whether a count may be behind a text."""
    bounds = {"< 5": 0 < count < 5, "≥ 5": count >= 5, "not shown": count > 0}
    return bounds[text] if text in bounds else int(text) == count


def possible(shown: list[str], total: int) -> list[set[int]]:
    """Every value that each part can have beside a printed total, by trying all of them."""
    last = range(total + 1)
    fitting = [
        values
        for values in itertools.product(*([v for v in last if fits(t, v)] for t in shown))
        if sum(values) == total
    ]
    return [set(values) for values in zip(*fitting, strict=True)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4))
def test_every_withheld_part_of_a_printed_total_has_two_values_that_fit(counts: list[int]) -> None:
    shown = parts_worded(counts, RULE, "not shown")
    assert all(map(fits, shown, counts))
    total = sum(counts)
    # A total that is small or of one part is withheld itself, by its own count.
    if total >= RULE.least and sum(count > 0 for count in counts) > 1:
        for text, values in zip(shown, possible(shown, total), strict=True):
            assert text.isdigit() or len(values) > 1, (counts, shown)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([9, 3], ["≥ 5", "< 5"]),
        ([19, 4, 14], ["19", "< 5", "≥ 5"]),
        ([3, 2, 30, 0], ["< 5", "< 5", "30", "0"]),
        # Two that add up to eight are four each, so nothing is told of them.
        ([4, 4], ["not shown", "< 5"]),
        # One and at least five leave no choice of six.
        ([1, 5], ["< 5", "not shown"]),
        ([1, 5, 8], ["< 5", "≥ 5", "≥ 5"]),
    ],
)
def test_parts_of_a_total(counts: list[int], shown: list[str]) -> None:
    assert parts_worded(counts, RULE, "not shown") == shown


def test_who_is_in_neither_group_follows_from_the_total_and_is_hidden() -> None:
    counts = {"os.n": 37, "os.events": 28, "os.grade_level.n": 20, "os.grade_reference.n": 14}
    assert texts(counts) == {
        "os.n": "37",
        "os.events": "28",
        "os.grade_level.n": "20",
        "os.grade_reference.n": "≥ 5",
    }


def test_a_count_by_another_name_is_hidden_with_it() -> None:
    counts = {"os.n": 30, "os.events": 20, "pfs.n": 30, "pfs.events": 22}
    for name in ("os", "pfs"):
        counts |= {f"{name}.sex_level.n": 3, f"{name}.sex_reference.n": 27}
        counts |= {f"{name}.sex_level.at_risk_0m": 3, f"{name}.sex_reference.at_risk_0m": 27}
    shown = texts(counts)
    assert {text for key, text in shown.items() if "reference" in key} == {"≥ 5"}
    assert (shown["os.n"], shown["pfs.n"]) == ("30", "30")


def test_codes_of_a_characteristic_follow_the_groups_that_are_made_of_them() -> None:
    plan = {"column": "patients.grade", "level.codes.0": "G1", "reference.codes.0": "G2"}
    numbers = {f"config.models.covariates.grade.{key}": {"value": v} for key, v in plan.items()}
    counts = {"cohort.patients": 40, "cohort.grade.G1.n": 30, "cohort.grade.G2.n": 7}
    counts |= {"cohort.grade.missing.n": 3, "os.n": 40, "os.events": 20}
    counts |= {"os.grade_level.n": 30, "os.grade_reference.n": 7}
    shown = texts(counts, numbers)
    assert (shown["cohort.grade.G2.n"], shown["os.grade_reference.n"]) == ("≥ 5", "≥ 5")
    assert (shown["cohort.grade.G1.n"], shown["os.grade_level.n"]) == ("30", "30")


def test_patients_by_worst_grade_do_not_follow_from_those_with_at_least_it() -> None:
    stem, share = "toxicity.acute.pain", "toxicity_share.acute.term.pain"
    by_grade = dict(enumerate((3, 6, 0, 0, 0), start=1))
    counts = {f"{stem}.grade_{grade}.n": n for grade, n in by_grade.items()}
    counts |= {
        f"{stem}.n": 9,
        f"{share}.any.n": 9,
        f"{share}.grade_2.n": 6,
        f"{share}.grade_3.n": 0,
    }
    shown = texts(counts)
    assert shown[f"{stem}.grade_1.n"] == "< 5"
    # Nine less six would be the three.
    assert shown[f"{share}.grade_2.n"] == shown[f"{stem}.grade_2.n"] == "≥ 5"


def test_complete_cases_are_hidden_where_few_are_not_among_them() -> None:
    counts = {"os.n": 37, "os.events": 28, "cox.os.multivariable.n": 35}
    counts["cox.os.multivariable.events"] = 28
    assert texts(counts)["cox.os.multivariable.n"] == "≥ 5"


def test_what_does_not_add_up_is_no_sum() -> None:
    counts = {"treatment.chemotherapy.n": 6, "treatment.chemotherapy.before.n": 5}
    counts["treatment.chemotherapy.after.n"] = 3
    assert texts(counts)["treatment.chemotherapy.before.n"] == "5"
    assert sums(counts, {}, RULE) == ([], {})
