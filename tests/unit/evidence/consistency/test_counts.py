"""Subtotals and numbers analysed, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sarcoma_sbrt.evidence.consistency.counts import numbers_analysed, subtotals
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
SHARE = {"measure": "proportion", "unit": "percent"}


# --- subtotals --------------------------------------------------------------------------------


def split(figure: Maker, parts: list[tuple[int, str]], total: int) -> list[Figure]:
    whole = figure("s.patients", str(total))
    cells = SHARE | {"part_of": "s.patients", "partition": "sex", "n": total}
    return [whole] + [
        figure(f"s.sex.{i}", text, events=events, **cells) for i, (events, text) in enumerate(parts)
    ]


def test_parts_that_add_up(figure: Maker) -> None:
    counts, shares = subtotals(split(figure, [(25, "67.6"), (12, "32.4")], 37))
    assert counts.keys == ("s.patients", "s.sex.0", "s.sex.1")
    assert (counts.verdict, counts.arithmetic) == ("consistent", "25 + 12 = 37")
    assert shares.verdict == "consistent"
    assert shares.arithmetic == "67.6 + 32.4 = 100.0; rounding allows 99.9 to 100.1"


def test_parts_that_do_not(figure: Maker) -> None:
    counts, shares = subtotals(split(figure, [(25, "67.6"), (11, "29.7")], 37))
    assert (counts.verdict, counts.arithmetic) == ("inconsistent", "25 + 11 = 36, total 37")
    assert shares.verdict == "inconsistent"
    assert shares.arithmetic == ("67.6 + 29.7 = 97.3; rounding allows 97.2 to 97.4, wanted 100.0")


def test_percentages_that_rounding_brings_to_99_are_consistent(figure: Maker) -> None:
    shares = subtotals(split(figure, [(1, "33"), (1, "33"), (1, "33")], 3))[1]
    assert shares.verdict == "consistent"
    assert shares.arithmetic == "33 + 33 + 33 = 99; rounding allows 97.5 to 100.5"


def test_half_a_unit_short_at_the_end_point_is_still_possible(figure: Maker) -> None:
    shares = subtotals(split(figure, [(24, "64.8"), (13, "35.1")], 37))[1]
    assert shares.arithmetic == "64.8 + 35.1 = 99.9; rounding allows 99.8 to 100.0"
    assert shares.verdict == "consistent"


def test_percentages_of_other_denominators_are_not_added(figure: Maker) -> None:
    whole = figure("s.patients", "20")
    cells = SHARE | {"part_of": "s.patients", "partition": "sex"}
    parts = [
        figure("s.sex.male", "50", events=10, n=20, **cells),
        figure("s.sex.female", "25", events=10, n=40, **cells),
    ]
    (finding,) = subtotals([whole, *parts])
    assert finding.arithmetic == "10 + 10 = 20"


def test_percentages_of_an_unknown_denominator_are_not_added(figure: Maker) -> None:
    figures = split(figure, [(10, "50"), (10, "25")], 20)
    unknown = figure("s.sex.1", "25", events=10, part_of="s.patients", partition="sex", **SHARE)
    (finding,) = subtotals([*figures[:2], unknown])
    assert finding.arithmetic == "10 + 10 = 20"


def test_parts_of_a_share_add_up_to_that_share(figure: Maker) -> None:
    whole = figure("s.chemotherapy.any", "48.6", events=18, n=37, **SHARE)
    cells = SHARE | {"part_of": "s.chemotherapy.any", "partition": "timing", "n": 37}
    parts = [
        figure("s.chemotherapy.before", "24.3", events=9, **cells),
        figure("s.chemotherapy.after", "13.5", events=5, **cells),
        figure("s.chemotherapy.with", "10.8", events=4, **cells),
    ]
    counts, shares = subtotals([whole, *parts])
    assert counts.arithmetic == "9 + 5 + 4 = 18"
    assert shares.verdict == "consistent"
    worse = subtotals([whole, *parts[:2]])
    assert [f.verdict for f in worse] == ["inconsistent", "inconsistent"]
    assert worse[1].arithmetic.endswith("wanted 48.55 to 48.65")


def test_schedules_and_counts_are_parts_too(figure: Maker) -> None:
    whole = figure("s.lesions", "58")
    cells = {"part_of": "s.lesions", "partition": "schedule", "endpoint": "schedule"}
    parts = [
        figure("s.schedule.a", "50 Gy/5 Fx", measure="schedule", events=46, n=58, **cells),
        figure("s.schedule.others", "12", **cells),
    ]
    (finding,) = subtotals([whole, *parts])
    assert (finding.verdict, finding.arithmetic) == ("consistent", "46 + 12 = 58")


def test_repeated_parts_are_not_counted_twice(figure: Maker) -> None:
    figures = split(figure, [(25, "67.6"), (12, "32.4")], 37)
    cells = {"part_of": "s.patients", "partition": "sex", "duplicate_of": "s.sex.0"}
    again = figure("s.sex.0.text", "25", **cells)
    assert subtotals([*figures, again]) == subtotals(figures)


def test_what_cannot_be_added(figure: Maker) -> None:
    whole = figure("s.patients", "37")
    cells = SHARE | {"part_of": "s.patients", "partition": "sex"}
    lone = figure("s.sex.male", "67.6", events=25, n=37, **cells)
    (finding,) = subtotals([whole, lone])
    assert finding.detail["reason"] == "only one part of the split is printed"
    half = figure("s.sex.female", "", **cells)
    (finding,) = subtotals([whole, lone, half])
    assert finding.detail["reason"] == (
        "neither counts nor percentages are printed for every part and the whole"
    )


def test_two_classes_that_leave_one_out(figure: Maker) -> None:
    """What is exactly at the cut is in neither class."""
    whole = figure("s.lesions", "53")
    cells = {"part_of": "s.lesions", "partition": "size_class"}
    parts = [figure("s.size.below", "34", **cells), figure("s.size.above", "18", **cells)]
    (finding,) = subtotals([whole, *parts])
    assert (finding.verdict, finding.arithmetic) == ("inconsistent", "34 + 18 = 52, total 53")


def test_parts_without_a_partition_need_not_be_all(figure: Maker) -> None:
    whole = figure("s.lesions", "53")
    parts = [figure(f"s.size.{i}", "10", part_of="s.lesions") for i in range(2)]
    assert subtotals([whole, *parts]) == []


@pytest.mark.parametrize(
    ("relation", "text", "verdict", "arithmetic"),
    [
        (">", "30", "consistent", "> 30 + 18 = 48, total 53"),
        (">", "35", "inconsistent", "> 35 + 18 = 53, total 53"),
        (">=", "35", "consistent", "≥ 35 + 18 = 53, total 53"),
        ("<", "30", "inconsistent", "< 30 + 18 = 48, total 53"),
        ("~", "30", "consistent", "about 30 + 18 = 48, total 53"),
    ],
)
def test_a_part_printed_as_a_bound(
    figure: Maker, relation: str, text: str, verdict: str, arithmetic: str
) -> None:
    cells = {"part_of": "s.lesions", "partition": "size_class"}
    parts = [
        figure("s.size.below", text, relation=relation, **cells),
        figure("s.size.above", "18", **cells),
    ]
    (finding,) = subtotals([figure("s.lesions", "53"), *parts])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_a_percentage_printed_as_a_bound_is_added_as_one(figure: Maker) -> None:
    cells = SHARE | {"part_of": "s.patients", "partition": "sex", "n": 37}
    whole = figure("s.patients", "37")
    over = figure("s.sex.male", "60", relation=">", **cells)
    (finding,) = subtotals([whole, over, figure("s.sex.female", "32.4", **cells)])
    assert (finding.verdict, finding.recomputed) == ("consistent", "at least 91.85%")
    (finding,) = subtotals([whole, over, figure("s.sex.female", "42", **cells)])
    assert finding.verdict == "inconsistent"
    assert finding.arithmetic == "> 60 + 42 = 102; rounding allows at least 101, wanted 100"


def test_rates_of_subgroups_are_no_subtotals(figure: Maker) -> None:
    rate = {"measure": "rate", "unit": "percent", "time_months": 12.0}
    whole = figure("s.lc.rate_12m", "80", **rate)
    parts = [
        figure(f"s.lc.{g}", "90", part_of="s.lc.rate_12m", partition="grade", **rate) for g in "ab"
    ]
    assert subtotals([whole, *parts]) == []


# --- numbers analysed -------------------------------------------------------------------------


def test_one_population_in_several_places(figure: Maker) -> None:
    table, text = figure("s.patients", "37"), figure("s.patients.text", "37", place="results")
    (finding,) = numbers_analysed([table, text])
    assert (finding.verdict, finding.arithmetic) == ("consistent", "37 = 37")
    assert finding.detail["places"] == ["s table_1", "s results"]


def test_one_population_of_two_sizes(figure: Maker) -> None:
    table, other = figure("s.patients", "37"), figure("s.patients.review", "36", paper="review")
    (finding,) = numbers_analysed([table, other])
    assert (finding.verdict, finding.arithmetic) == ("inconsistent", "37 ≠ 36")
    assert finding.keys == ("s.patients", "s.patients.review")


def test_other_populations_are_not_compared(figure: Maker) -> None:
    figures = [
        figure("s.patients", "37"),
        figure("s.lesions", "58"),
        figure("s.patients.reviewed", "68", category="reviewed"),
        figure("s.patients.young", "9", subgroup="age_lt40"),
        figure("t.patients", "16"),
    ]
    assert numbers_analysed(figures) == []


def test_a_denominator_against_the_figure_it_comes_from(figure: Maker) -> None:
    whole = figure("s.patients", "37")
    cells = SHARE | {"n_from": ("s.patients",), "printed_n": "37"}
    right = figure("s.sex.male", "67.6", n=37, **cells)
    wrong = figure("s.sex.female", "32.4", n=36, **cells | {"printed_n": "36"})
    first, second = numbers_analysed([whole, right, wrong])
    assert (first.verdict, first.arithmetic) == ("consistent", "37 = 37")
    assert (second.verdict, second.arithmetic) == ("inconsistent", "36 ≠ 37")


def test_a_denominator_made_of_two_figures(figure: Maker) -> None:
    parts = [figure("s.grade.g2", "4"), figure("s.grade.g3", "14")]
    names = ("s.grade.g2", "s.grade.g3")
    median = figure("s.os.median", "13", measure="median", n=17, n_from=names)
    (finding,) = numbers_analysed([*parts, median])
    assert (finding.verdict, finding.arithmetic) == ("inconsistent", "17 ≠ 4 + 14")


def test_an_inferred_denominator_that_agrees_is_no_finding(figure: Maker) -> None:
    whole = figure("s.patients", "37")
    share = figure("s.sex.male", "67.6", n=37, n_from=("s.patients",), **SHARE)
    assert numbers_analysed([whole, share]) == []


@pytest.mark.parametrize(
    ("relation", "text", "verdict", "arithmetic"),
    [
        (">", "30", "consistent", "37; > 30 allows it"),
        (">", "37", "inconsistent", "37 ≠ > 37"),
        ("~", "40", "consistent", "37; about 40 allows it"),
    ],
)
def test_a_population_printed_as_a_bound(
    figure: Maker, relation: str, text: str, verdict: str, arithmetic: str
) -> None:
    table, words = figure("s.patients", "37"), figure("s.patients.text", text, relation=relation)
    (finding,) = numbers_analysed([table, words])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_an_n_from_a_population_printed_as_a_bound(figure: Maker) -> None:
    whole = figure("s.patients", "30", relation=">")
    cells = SHARE | {"n_from": ("s.patients",)}
    right = figure("s.sex.male", "65", n=37, printed_n="37", **cells)
    wrong = figure("s.sex.female", "35", n=30, printed_n="30", **cells)
    first, second = numbers_analysed([whole, right, wrong])
    assert (first.verdict, first.arithmetic) == ("consistent", "37 = > 30")
    assert (second.verdict, second.arithmetic) == ("inconsistent", "30 ≠ > 30")
