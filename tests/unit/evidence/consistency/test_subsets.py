"""Counts against what they are part of, by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sarcoma_sbrt.evidence.consistency.subsets import populations, subsets
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
SHARE = {"measure": "proportion", "unit": "percent"}
ANY = ("s.toxicity.any",)


def word(figure: Maker, key: str, text: str, estimate: float | None, **cells: object) -> Figure:
    """A figure that is not printed in digits."""
    return replace(figure(key, **cells), printed_text=text, estimate=estimate)


# --- subsets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "whole", "verdict", "arithmetic"),
    [
        ("17", "18", "consistent", "17 ≤ 18"),
        ("18", "18", "consistent", "18 ≤ 18"),
        ("19", "18", "inconsistent", "19 > 18, of which it is a part"),
        ("Thirteen", "18", "consistent", "13 (“Thirteen”) ≤ 18"),
    ],
)
def test_a_count_of_a_count(
    figure: Maker, part: str, whole: str, verdict: str, arithmetic: str
) -> None:
    some = figure("s.toxicity.some", part, subset_of=ANY)
    (finding,) = subsets([figure("s.toxicity.any", whole), some])
    assert (finding.check, finding.keys) == ("subset", ("s.toxicity.some", "s.toxicity.any"))
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_none_of_what_one_is(figure: Maker) -> None:
    """No toxicity of grade 3 or more, and one of grade 3."""
    none = word(figure, "s.toxicity.any", "No", 0.0)
    one = figure("s.toxicity.g3", "2.7", events=1, n=37, **SHARE, subset_of=ANY)
    (finding,) = subsets([none, one])
    assert finding.verdict == "inconsistent"
    assert finding.arithmetic == "1 > 0 (“No”), of which it is a part"
    none_too = word(figure, "s.toxicity.g4", "no", 0.0, subset_of=ANY)
    assert subsets([none, none_too])[0].verdict == "consistent"


@pytest.mark.parametrize(
    ("part", "whole", "verdict"),
    [
        ("46", "42", "inconsistent"),
        ("42", "46", "consistent"),
        # 42.4 may be printed as 42 and as 42.4.
        ("42.4", "42", "consistent"),
        ("42.6", "42", "inconsistent"),
    ],
)
def test_percentages_of_the_same_people(figure: Maker, part: str, whole: str, verdict: str) -> None:
    cells = SHARE | {"arm": "both_drugs", "unit_of_analysis": "patient"}
    some = figure("s.toxicity.febrile", part, **cells, subset_of=ANY)
    (finding,) = subsets([figure("s.toxicity.any", whole, **cells), some])
    assert (finding.verdict, finding.detail["kind"]) == (verdict, "percent")


@pytest.mark.parametrize(
    "other", [{"arm": "one_drug"}, {"subgroup": "old"}, {"n": 20}, {"unit_of_analysis": "lesion"}]
)
def test_percentages_of_others_are_not_compared(figure: Maker, other: dict[str, object]) -> None:
    some = figure("s.toxicity.febrile", "46", **SHARE | other, subset_of=ANY)
    (finding,) = subsets([figure("s.toxicity.any", "42", **SHARE), some])
    assert finding.detail["reason"] == (
        "neither counts nor percentages of one denominator are printed for both"
    )


def test_a_count_and_a_percentage_of_one_denominator(figure: Maker) -> None:
    whole = figure("s.toxicity.any", "4", n=10)
    right = figure("s.toxicity.a", "40", n=10, **SHARE, subset_of=ANY)
    wrong = figure("s.toxicity.b", "50", n=10, **SHARE, subset_of=ANY)
    first, second = subsets([whole, right, wrong])
    assert (first.verdict, first.arithmetic) == ("consistent", "40% ≤ 4/10 = 40.0%")
    assert (second.verdict, second.recomputed) == ("inconsistent", "at most 4/10 = 40.0%")


@pytest.mark.parametrize(
    ("part", "whole", "verdict"),
    [(">", "", "inconsistent"), ("", ">", "consistent"), ("<", "", "consistent"),
     ("~", "", "consistent")],
)  # fmt: skip
def test_bounds(figure: Maker, part: str, whole: str, verdict: str) -> None:
    """More than 20 of 20 is too many, about 20 of 20 is not."""
    some = figure("s.toxicity.some", "20", relation=part, subset_of=ANY)
    (finding,) = subsets([figure("s.toxicity.any", "20", relation=whole), some])
    assert finding.verdict == verdict


def test_a_part_without_a_partition_is_a_subset(figure: Maker) -> None:
    whole = figure("s.patients", "37")
    loose = figure("s.surgery.first", "38", part_of="s.patients")
    split = figure("s.sex.male", "38", part_of="s.patients", partition="sex")
    assert [f.keys[0] for f in subsets([whole, loose, split])] == ["s.surgery.first"]


def test_the_rate_of_a_subgroup_is_no_subset(figure: Maker) -> None:
    rate = {"measure": "rate", "unit": "percent", "time_months": 12.0}
    better = figure("s.lc.low", "90", part_of="s.lc.rate_12m", **rate)
    assert subsets([figure("s.lc.rate_12m", "80", **rate), better]) == []


# --- populations ------------------------------------------------------------------------------

PATIENT = {"unit_of_analysis": "patient"}


def test_a_number_of_patients_that_the_study_does_not_have(figure: Maker) -> None:
    study = [figure("s.patients", "31"), figure("s.lesions", "88")]
    some = figure("s.progression.local", "10", n=57, printed_n="57", **PATIENT)
    (finding,) = populations([*study, some])
    assert finding.keys == ("s.progression.local", "s.patients")
    assert (finding.check, finding.verdict) == ("population", "inconsistent")
    assert finding.printed == "10 of 57 | 31 patients"
    assert finding.arithmetic == "57 > 31 patients"
    lesions = figure("s.progression.local", "10", n=57, printed_n="57", unit_of_analysis="lesion")
    (finding,) = populations([*study, lesions])
    assert (finding.verdict, finding.arithmetic) == ("consistent", "57 ≤ 88 lesions")


def test_a_count_of_patients(figure: Maker) -> None:
    study = [figure("s.patients", "31")]
    counts = [figure("s.sex.male", "31", **PATIENT), figure("s.sex.female", "32", **PATIENT)]
    assert [f.verdict for f in populations([*study, *counts])] == ["consistent", "inconsistent"]


def test_the_largest_population_counts(figure: Maker) -> None:
    study = [
        figure("s.patients", "37"),
        figure("s.patients.screened", "68", category="screened"),
    ]
    (finding,) = populations([*study, figure("s.setting.before", "50", **PATIENT)])
    assert (finding.verdict, finding.keys[1]) == ("consistent", "s.patients.screened")


def test_a_subgroup_has_its_own_population(figure: Maker) -> None:
    study = [figure("s.patients", "37"), figure("s.patients.a", "5", subgroup="a")]
    figures = [
        figure("s.histology.x", "6", subgroup="a", **PATIENT),
        figure("s.histology.y", "6", subgroup="b", **PATIENT),
    ]
    assert [f.verdict for f in populations([*study, *figures])] == ["inconsistent", "consistent"]


def test_a_population_known_of_a_subgroup_alone_is_none_of_the_others(figure: Maker) -> None:
    level = figure("s.patients", "5", subgroup="level_2")
    assert populations([level, figure("s.histology.x", "6", **PATIENT)]) == []


@pytest.mark.parametrize(
    "cells",
    [
        {"unit_of_analysis": ""},
        {"duplicate_of": "s.sex.male", **PATIENT},
        {"measure": "amount", **PATIENT},
        {"study_id": "t", **PATIENT},
    ],
)
def test_what_is_not_held_against_a_population(figure: Maker, cells: dict[str, object]) -> None:
    assert populations([figure("s.patients", "31"), figure("s.sex.x", "40", **cells)]) == []


def test_an_n_that_is_not_printed_is_not_judged(figure: Maker) -> None:
    share = figure("s.sex.male", "50", n=40, **SHARE, **PATIENT)
    assert populations([figure("s.patients", "31"), share]) == []


@pytest.mark.parametrize(
    ("relation", "verdict"), [("", "inconsistent"), (">", "consistent"), ("~", "consistent")]
)
def test_a_population_printed_as_a_bound(figure: Maker, relation: str, verdict: str) -> None:
    study = figure("s.patients", "30", relation=relation)
    (finding,) = populations([study, figure("s.sex.male", "34", **PATIENT)])
    assert finding.verdict == verdict
