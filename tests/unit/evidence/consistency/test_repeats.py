"""One fact in two places, by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.comparisons import comparisons
from sarcoma_sbrt.evidence.consistency.readings import primary, shown
from sarcoma_sbrt.evidence.consistency.repeats import repeats
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


# --- times ------------------------------------------------------------------------------------


def test_one_rate_told_at_two_times(figure: Maker) -> None:
    table = figure("s.lc.rate_24m", "96.2", **RATE, time_months=24.0)
    text = figure("s.lc.rate_60m", "96", **RATE, time_months=60.0, place="section_4_1",
                  duplicate_of="s.lc.rate_24m")  # fmt: skip
    (finding,) = repeats([table, text])
    assert (finding.verdict, finding.detail["kind"]) == ("other_time", "time")
    assert finding.arithmetic == (
        "percent 96 = 96.2; at 60 months in Section 4.1, at 24 months in Table 1; "
        "a plateau between 24 and 60 months makes both possible"
    )
    assert finding.recomputed == "time"


def test_a_time_that_only_one_place_gives(figure: Maker) -> None:
    table = figure("s.lc.rate_24m", "96", **RATE, time_months=24.0, time_supported="no")
    text = figure("s.lc.crude", "96", **SHARE, estimator="crude", place="section_3",
                  paper="review", duplicate_of="s.lc.rate_24m")  # fmt: skip
    (finding,) = repeats([table, text])
    assert finding.verdict == "other_time"
    assert finding.arithmetic == (
        "percent 96 = 96; at no time in review, Section 3, at 24 months in s, Table 1; "
        "a plateau of the curve makes both possible"
    )


def test_another_number_at_another_time_is_no_plateau(figure: Maker) -> None:
    table = figure("s.lc.rate_24m", "90", **RATE, time_months=24.0)
    text = figure("s.lc.rate_60m", "96", **RATE, time_months=60.0, duplicate_of="s.lc.rate_24m")
    (finding,) = repeats([table, text])
    assert (finding.verdict, finding.detail["kind"]) == ("inconsistent", "value")
    assert finding.recomputed == "percent, time"
    assert finding.arithmetic == "percent 96 ≠ 90; at 60 months in Table 1, at 24 months in Table 1"


def test_times_that_agree_are_not_mentioned(figure: Maker) -> None:
    cells = RATE | {"time_months": 24.0}
    table = figure("s.lc.rate_24m", "96", **cells, time_supported="yes")
    text = figure("s.lc.text", "96", **cells, duplicate_of="s.lc.rate_24m")
    (finding,) = repeats([table, text])
    assert (finding.verdict, finding.arithmetic) == ("consistent", "percent 96 = 96")


def test_a_p_value_has_no_plateau(figure: Maker) -> None:
    cells = {"measure": "p_value"}
    table = figure("s.os.p", p="0.01", **cells)
    without = figure("s.os.p.text", p="0.01", time_months=60.0, **cells, duplicate_of="s.os.p")
    assert [f.verdict for f in repeats([table, without])] == ["consistent"]
    early = figure("s.os.p", p="0.01", time_months=24.0, **cells)
    (finding,) = repeats([early, without])
    assert (finding.verdict, finding.recomputed) == ("inconsistent", "time")
    assert finding.arithmetic.endswith("at 60 months in Table 1, at 24 months in Table 1")


# --- bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("relation", "text", "verdict", "arithmetic"),
    [
        (">", "5000", "consistent", "count: > 5000 and 5350 can both hold"),
        (">", "5350", "inconsistent", "count > 5350 ≠ 5350"),
        (">=", "5350", "consistent", "count: ≥ 5350 and 5350 can both hold"),
        ("<", "5000", "inconsistent", "count < 5000 ≠ 5350"),
        ("<=", "6000", "consistent", "count: ≤ 6000 and 5350 can both hold"),
        # About 5000 is 4500 to 5500, about 5,300 is 5250 to 5350.
        ("~", "5000", "consistent", "count: about 5000 and 5350 can both hold"),
        ("~", "5300", "consistent", "count: about 5300 and 5350 can both hold"),
        ("~", "5200", "inconsistent", "count about 5200 ≠ 5350"),
    ],
)
def test_a_count_printed_as_a_bound(
    figure: Maker, relation: str, text: str, verdict: str, arithmetic: str
) -> None:
    table = figure("s.death.us", "5350")
    summary = figure("s.death.us.abstract", text, relation=relation, duplicate_of="s.death.us")
    (finding,) = repeats([table, summary])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


def test_a_percentage_printed_as_a_bound(figure: Maker) -> None:
    table = figure("s.sex.male", "84.4", events=27, n=32, **SHARE)
    over = figure("s.sex.male.text", "80", **SHARE, relation=">", duplicate_of="s.sex.male")
    under = figure("s.sex.male.end", "80", **SHARE, relation="<", duplicate_of="s.sex.male")
    first, second = repeats([table, over, under])
    assert first.arithmetic == "percent: > 80 and 84.4 can both hold"
    assert (second.verdict, second.arithmetic) == ("inconsistent", "percent < 80 ≠ 84.4")
    assert first.printed == "> 80% | 84.4%, 27/32"


# --- adjustment -------------------------------------------------------------------------------

MODEL_3 = {"model": "model_3", "adjusted_for": "size; setting; number_of_lesions"}
TABLE_4 = {"model": "multivariable", "adjusted_for": "number_of_lesions; size"}
CONTRAST = RATIO | {"level": "G1", "reference": "G2 and G3", "category": "grade"}


def ratio(figure: Maker, key: str, text: str = "0.283", **cells: object) -> Figure:
    return figure(key, text, ci="0.083–0.972", p="0.045", **CONTRAST | cells)


@pytest.mark.parametrize("told", [True, False])
def test_one_estimate_of_two_models(figure: Maker, told: bool) -> None:
    table = ratio(figure, "s.lc.multivariable.grade.hr", **TABLE_4)
    link = "s.lc.multivariable.grade.hr" if told else ""
    again = ratio(figure, "s.lc.model_3.grade.hr", **MODEL_3, duplicate_of=link)
    (finding,) = repeats([table, again])
    assert finding.keys == ("s.lc.model_3.grade.hr", "s.lc.multivariable.grade.hr")
    assert (finding.verdict, finding.detail["kind"]) == ("inconsistent", "adjustment")
    assert finding.arithmetic == (
        "hazard ratio 0.283 = 0.283; lower limit 0.083 = 0.083; upper limit 0.972 = 0.972; "
        "p 0.045 = 0.045; adjusted for number of lesions, setting and size ≠ "
        "number of lesions and size"
    )


def test_models_that_print_other_numbers_are_other_facts(figure: Maker) -> None:
    table = ratio(figure, "s.lc.multivariable.grade.hr", **TABLE_4)
    assert repeats([table, ratio(figure, "s.lc.model_3.grade.hr", "0.284", **MODEL_3)]) == []
    size = ratio(figure, "s.lc.model_3.size.hr", **MODEL_3 | {"category": "size"})
    assert repeats([table, size]) == []


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        # The order in which covariates are listed, and the model's name, say nothing.
        (TABLE_4, {"model": "model_2", "adjusted_for": "size; number_of_lesions"}, "consistent"),
        ({"model": "univariable"}, {"model": "model_1"}, "consistent"),
        ({"model": "univariable"}, TABLE_4, "inconsistent"),
        ({"model": "univariable"}, {"model": "multivariable"}, "inconsistent"),
        # Which covariates a multivariable model has, or which model it is, is not always told.
        ({"model": "multivariable"}, TABLE_4, "consistent"),
        ({}, TABLE_4, "consistent"),
    ],
)
def test_what_is_adjusted_for(
    figure: Maker, here: dict[str, str], there: dict[str, str], verdict: str
) -> None:
    table = ratio(figure, "s.lc.grade.hr", **here)
    again = ratio(figure, "s.lc.again.hr", **there, duplicate_of="s.lc.grade.hr")
    assert [f.verdict for f in repeats([table, again])] == [verdict]


# --- periods and units ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "ends", "again", "ends_again", "verdict", "arithmetic"),
    [
        ("June 2009 and June 2019", (200906.0, 201906.0), "2009-2019", (2009.0, 2019.0),
         "consistent", "from 2009 = June 2009; to 2019 = June 2019"),
        ("June 2009 and June 2019", (200906.0, 201906.0), "December 2009 to June 2019",
         (200912.0, 201906.0), "inconsistent",
         "from December 2009 ≠ June 2009; to June 2019 = June 2019"),
        # Stored as years, printed with months.
        ("June 2009 to June 2019", (2009.0, 2019.0), "July 2009 to June 2019", (2009.0, 2019.0),
         "inconsistent", "from July 2009 ≠ June 2009; to June 2019 = June 2019"),
        ("2009–19", (2009.0, 2019.0), "2009 to 2018", (2009.0, 2018.0), "inconsistent",
         "from 2009 = 2009; to 2018 ≠ 2019"),
        ("2009-06-01 to 2019-06-30", (2009.0, 2019.0), "June 1, 2009 to 30 June 2019",
         (2009.0, 2019.0), "consistent", "from June 2009 = June 2009; to June 2019 = June 2019"),
    ],
)  # fmt: skip
def test_periods(
    figure: Maker,
    first: str,
    ends: tuple[float, float],
    again: str,
    ends_again: tuple[float, float],
    verdict: str,
    arithmetic: str,
) -> None:
    def period(key: str, text: str, span: tuple[float, float], **cells: object) -> Figure:
        return figure(key, measure="period", printed_range=text, range_low=span[0],
                      range_high=span[1], **cells)  # fmt: skip

    table = period("s.period.a", first, ends)
    text = period("s.period.b", again, ends_again, duplicate_of="s.period.a")
    (finding,) = repeats([table, text])
    assert (finding.verdict, finding.arithmetic) == (verdict, arithmetic)


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
