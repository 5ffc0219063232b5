"""One fact in two places, by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.readings import primary, shown
from sarcoma_sbrt.evidence.consistency.repeats import comparisons, repeats
from sarcoma_sbrt.evidence.consistency.rounding import roundings
from sarcoma_sbrt.evidence.published import Figure

Maker = Callable[..., Figure]
SHARE = {"measure": "proportion", "unit": "percent"}
RATE = {"measure": "rate", "unit": "percent"}
MEDIAN = {"measure": "median", "unit": "months"}
RATIO = {"measure": "hazard_ratio", "unit": "hazard ratio"}


@pytest.mark.parametrize(
    ("first", "again", "verdict", "arithmetic"),
    [
        ("25.0", "25", "consistent", "median 25 = 25.0"),
        ("24.6", "25", "consistent", "median 25 = 24.6"),
        ("24.5", "24", "consistent", "median 24 = 24.5"),
        ("24.5", "25", "consistent", "median 25 = 24.5"),
        ("24.4", "25", "inconsistent", "median 25 ≠ 24.4"),
        ("0.4", "0.40", "consistent", "median 0.40 = 0.4"),
        ("0.4", "0.44", "consistent", "median 0.44 = 0.4"),
        ("0.4", "0.46", "inconsistent", "median 0.46 ≠ 0.4"),
    ],
)
def test_a_number_at_the_coarser_precision(
    figure: Maker, first: str, again: str, verdict: str, arithmetic: str
) -> None:
    table = figure("s.os.median", first, **MEDIAN)
    text = figure("s.os.median.text", again, **MEDIAN, duplicate_of="s.os.median")
    (finding,) = repeats([table, text])
    assert finding.keys == ("s.os.median.text", "s.os.median")
    assert (finding.check, finding.verdict) == ("repeat", verdict)
    assert finding.arithmetic == arithmetic
    assert finding.detail["kind"] == "value"


def test_every_part_of_a_contrast_is_compared(figure: Maker) -> None:
    table = figure("s.lc.grade.hr", "0.210", ci="0.065–0.682", p="0.0094", **RATIO)
    model = figure(
        "s.lc.model_1.grade.hr", "0.223", ci="0.065–0.767", p="0.017", **RATIO,
        duplicate_of="s.lc.grade.hr",
    )  # fmt: skip
    (finding,) = repeats([table, model])
    assert finding.verdict == "inconsistent"
    assert finding.recomputed == "hazard ratio, upper limit, p"
    assert finding.arithmetic == (
        "hazard ratio 0.223 ≠ 0.210; lower limit 0.065 = 0.065; "
        "upper limit 0.767 ≠ 0.682; p 0.017 ≠ 0.0094"
    )
    assert finding.printed == (
        "0.223, 95% CI 0.065–0.767, p = 0.017 | 0.210, 95% CI 0.065–0.682, p = 0.0094"
    )


@pytest.mark.parametrize(
    ("first", "again", "verdict", "arithmetic"),
    [
        ("0.0094", "0.009", "consistent", "p 0.009 = 0.0094"),
        ("0.0094", "<0.01", "consistent", "p < 0.01 = 0.0094"),
        ("0.0094", "<0.001", "inconsistent", "p < 0.001 ≠ 0.0094"),
        ("<0.001", "<0.001", "consistent", "p < 0.001 = < 0.001"),
        ("<0.001", "<0.01", "inconsistent", "p < 0.01 ≠ < 0.001"),
    ],
)
def test_p_values_with_their_relation(
    figure: Maker, first: str, again: str, verdict: str, arithmetic: str
) -> None:
    table = figure("s.lc.grade.hr", "0.210", p=first, **RATIO)
    text = figure("s.lc.grade.p", p=again, measure="p_value", duplicate_of="s.lc.grade.hr")
    (finding,) = repeats([table, text])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_a_count_in_words_repeats_the_numerator_of_a_share(figure: Maker) -> None:
    table = figure("s.chemotherapy.yes", "35.1", events=13, n=37, **SHARE)
    text = figure("s.chemotherapy.text", "Thirteen", duplicate_of="s.chemotherapy.yes")
    wrong = figure("s.chemotherapy.abstract", "14", duplicate_of="s.chemotherapy.text")
    first, second = repeats([table, text, wrong])
    assert (first.verdict, first.arithmetic) == ("consistent", "count 13 = 13")
    assert second.keys == ("s.chemotherapy.abstract", "s.chemotherapy.yes")
    assert (second.verdict, second.arithmetic) == ("inconsistent", "count 14 ≠ 13")


def test_n_counts_where_one_of_the_two_prints_it(figure: Maker) -> None:
    table = figure("s.lc.rate", "80", **RATE, n=58)
    inferred = figure("s.lc.text", "80", **RATE, n=37, duplicate_of="s.lc.rate")
    printed = figure("s.lc.abstract", "80", **RATE, n=37, printed_n="37", duplicate_of="s.lc.rate")
    first, second = repeats([table, inferred, printed])
    assert (first.verdict, first.arithmetic) == ("consistent", "percent 80 = 80")
    assert (second.verdict, second.arithmetic) == ("inconsistent", "percent 80 = 80; n 37 ≠ 58")


def test_a_time_that_differs_is_a_finding_of_its_own(figure: Maker) -> None:
    table = figure("s.lc.rate_24m", "96.2", **RATE, time_months=24.0)
    text = figure("s.lc.rate_60m", "96", **RATE, time_months=60.0, duplicate_of="s.lc.rate_24m")
    value, time = repeats([table, text])
    assert (value.verdict, value.arithmetic) == ("consistent", "percent 96 = 96.2")
    assert (time.verdict, time.arithmetic) == ("inconsistent", "time 60 months ≠ 24 months")
    assert (time.keys, time.detail["kind"]) == (("s.lc.rate_60m", "s.lc.rate_24m"), "time")


def test_a_time_that_only_one_place_gives_is_no_difference(figure: Maker) -> None:
    table = figure("s.lc.rate_24m", "96", **RATE, time_months=24.0)
    text = figure("s.lc.crude", "96", **RATE, duplicate_of="s.lc.rate_24m")
    assert [f.detail["kind"] for f in repeats([table, text])] == ["value"]


@pytest.mark.parametrize(
    ("text", "unit", "verdict", "arithmetic"),
    [
        ("55", "mm", "consistent", "median 55 mm = 5.5 cm"),
        # 5.55 cm may be printed as 5.5 cm and as 56 mm.
        ("56", "mm", "consistent", "median 56 mm = 5.5 cm"),
        ("57", "mm", "inconsistent", "median 57 mm ≠ 5.5 cm"),
        ("6", "cm", "consistent", "median 6 = 5.5"),
    ],
)
def test_lengths_of_two_units(
    figure: Maker, text: str, unit: str, verdict: str, arithmetic: str
) -> None:
    table = figure("s.size.median", "5.5", measure="median", unit="cm")
    again = figure("s.size.text", text, measure="median", unit=unit, duplicate_of="s.size.median")
    (finding,) = repeats([table, again])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_figures_with_nothing_in_common_are_unverifiable(figure: Maker) -> None:
    table = figure("s.size.median", "5.5", measure="median", unit="cm")
    again = figure("s.size.mean", "6", measure="mean", unit="cm", duplicate_of="s.size.median")
    (finding,) = repeats([table, again])
    assert finding.verdict == "unverifiable"
    assert finding.detail["reason"] == "the two figures print no quantity of one kind"


def test_schedules_are_compared_by_dose_and_fractions(figure: Maker) -> None:
    table = figure("s.schedule.a", "54 Gy/3 fx", measure="schedule", dose_low_gy=54.0,
                   dose_high_gy=54.0, fractions_low=3, fractions_high=3)  # fmt: skip
    text = figure("s.schedule.b", "54 Gy in 3–4 fractions", measure="schedule", dose_low_gy=54.0,
                  dose_high_gy=54.0, fractions_low=3, fractions_high=4,
                  duplicate_of="s.schedule.a")  # fmt: skip
    (finding,) = repeats([table, text])
    assert finding.recomputed == "fractions to"
    assert finding.arithmetic == (
        "dose from 54 = 54; dose to 54 = 54; fractions from 3 = 3; fractions to 4 ≠ 3"
    )


def test_one_study_in_two_papers_without_being_told(figure: Maker) -> None:
    cells = RATE | {"time_months": 24.0, "unit_of_analysis": "lesion"}
    here = figure("s.lc.rate_24m", "84", paper="one", **cells)
    there = figure("s.lc.rate_24m.two", "86", paper="two", **cells)
    (finding,) = repeats([here, there])
    assert finding.keys == ("s.lc.rate_24m.two", "s.lc.rate_24m")
    assert (finding.verdict, finding.arithmetic) == ("inconsistent", "percent 86 ≠ 84")


def test_one_study_in_two_papers_that_was_told_is_compared_once(figure: Maker) -> None:
    here = figure("s.lc.rate_24m", "84", paper="one", **RATE)
    there = figure("s.lc.two", "84", paper="two", **RATE, duplicate_of="s.lc.rate_24m")
    assert len(repeats([here, there])) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"time_months": 48.0},
        {"subgroup": "grade_g1"},
        {"arm": "surgery"},
        {"unit_of_analysis": "patient"},
        {"endpoint": "os"},
        {"study_id": "t"},
        {"paper": "one"},
    ],
)
def test_other_facts_are_not_paired(figure: Maker, other: dict[str, object]) -> None:
    cells = RATE | {"time_months": 24.0, "unit_of_analysis": "lesion"}
    here = figure("s.lc.rate_24m", "84", paper="one", **cells)
    there = figure("s.lc.other", "86", **{"paper": "two"} | cells | other)
    assert repeats([here, there]) == []


def test_chains_end_at_the_first_print(figure: Maker) -> None:
    a = figure("s.a.x", "1")
    b = figure("s.a.y", "1", duplicate_of="s.a.x")
    c = figure("s.a.z", "1", duplicate_of="s.a.y")
    lost = figure("s.a.w", "1", duplicate_of="s.gone")
    known = {f.key: f for f in (a, b, c, lost)}
    assert [primary(f, known).key for f in (a, b, c, lost)] == ["s.a.x"] * 3 + ["s.a.w"]


def test_a_circle_of_duplicates_is_refused(figure: Maker) -> None:
    a = figure("s.a.x", "1", duplicate_of="s.a.y")
    b = figure("s.a.y", "1", duplicate_of="s.a.x")
    with pytest.raises(ValueError, match=r"^duplicates in a circle: s.a.x → s.a.y → s.a.x$"):
        repeats([a, b])


def test_what_a_figure_shows(figure: Maker) -> None:
    share = figure("s.sex.male", "67.6", events=25, n=37, **SHARE)
    median = figure("s.os.median", "24.0", ci="13.0–28.0", span="3–125", **MEDIAN)
    rate = figure("s.lc.rate_24m", "84", **RATE, time_months=24.0)
    p = figure("s.os.p", p="<0.05", measure="p_value")
    assert [shown(f) for f in (share, median, rate, p)] == [
        "67.6%, 25/37", "24.0, 95% CI 13.0–28.0, range 3–125", "84%, at 24 months", "p < 0.05",
    ]  # fmt: skip


@given(
    value=st.fractions(0, 500),
    places=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    up=st.booleans(),
)
def test_one_number_rounded_once_in_each_place_never_differs_by_more_than_rounding(
    figure: Maker, value: Fraction, places: tuple[int, int], up: bool
) -> None:
    exact = Fraction(roundings(value, max(places))[0])
    texts = [roundings(exact, n)[-1 if up else 0] for n in places]
    first, second = (figure(f"s.os.{i}", text, **MEDIAN) for i, text in enumerate(texts))
    assert [c.same for c in comparisons(first, second)] == [True]
