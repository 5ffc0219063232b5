"""Which rate stands for a cohort, with which interval and dose, and what must not be pooled."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.dose import bed_of_eqd2
from sarcoma_sbrt.evidence.comparison import (
    ContextRate,
    SeriesRate,
    comparable_rates,
    context_rates,
    logit_effect,
)
from sarcoma_sbrt.evidence.published import Figure, Schedule, Study, bed_interval

NOTHING: dict[str, Any] = {
    **dict.fromkeys(Study.__dataclass_fields__, ""),
    **{"reported_in": (), "members": (), "schedules": (), "lesions": None},
}


def study(study_id: str, year: int = 2015, patients: int | None = 40, **given: Any) -> Study:
    values: dict[str, Any] = {
        "study_id": study_id,
        "label": study_id.capitalize(),
        "title_year": year,
        "role": "sbrt_series",
        "cohort_id": study_id,
        "site": "lung",
        "treatment": "sbrt",
        "patients": patients,
    }
    return Study(**NOTHING | values | given)


def rate(study_id: str, estimate: float = 80.0, suffix: str = "", **given: Any) -> Figure:
    values: dict[str, Any] = {
        "key": f"{study_id}.lc{suffix}.rate_24m",
        "study_id": study_id,
        "paper": "shah2021",
        "place": "table_1",
        "row": study_id,
        "column": "LC",
        "measure": "rate",
        "endpoint": "lc",
        "unit": "percent",
        "unit_of_analysis": "lesion",
        "time_months": 24.0,
        "time_supported": "yes",
        "estimate": estimate,
        "estimator": "actuarial",
    }
    return Figure(**values | given)


def compared(figures: list[Figure], *studies: Study, **options: Any) -> list[SeriesRate]:
    known = {s.study_id: s for s in studies}
    return comparable_rates(figures, known, "lc", 24, **{"alpha_beta": 10.0} | options)


def reasons(rates: list[SeriesRate]) -> dict[str, str]:
    return {rate.study_id: rate.excluded_reason for rate in rates}


# --- dose -------------------------------------------------------------------------------------


def test_bed_of_one_schedule_is_a_point() -> None:
    # 50 Gy in 5: 50 (1 + 10 / 10)
    assert bed_interval(study("a", schedules=(Schedule(50, 50, 5, 5),)), 10) == (100, 100)


def test_bed_of_ranges_goes_from_low_dose_in_many_to_high_dose_in_few_fractions() -> None:
    # 30 Gy in 8: 30 (1 + 3.75 / 10) = 41.25; 60 Gy in 3: 60 (1 + 20 / 10) = 180
    ranged = study("a", schedules=(Schedule(30, 60, 3, 8),))
    assert bed_interval(ranged, 10) == (41.25, 180)


def test_bed_of_several_schedules_spans_them_all() -> None:
    # 30/1: 120; 60/3: 180; 60/8: 105; 48/4: 105.6
    several = tuple(Schedule(d, d, f, f) for d, f in ((30, 1), (60, 3), (60, 8), (48, 4)))
    assert bed_interval(study("a", schedules=several), 10) == pytest.approx((105, 180))


def test_no_schedule_no_bed() -> None:
    assert bed_interval(study("a"), 10) is None
    [row] = compared([rate("a")], study("a"))
    assert (row.bed_least, row.bed_most, row.bed_central, row.bed_source) == (None,) * 3 + ("",)


def dose(endpoint: str, estimate: float | None = None, **given: Any) -> Figure:
    named = {"measure": "median", "endpoint": endpoint, "unit": "Gy", "time_months": None}
    return rate("a", **named | {"key": f"a.{endpoint}.median", "estimate": estimate} | given)


WIDE = study("a", schedules=(Schedule(30, 60, 3, 8),))  # BED10 41.25 to 180, see above
SCHEDULE = rate("a", key="a.schedule", measure="schedule", endpoint="schedule")


def test_bed_of_an_eqd2_is_that_of_its_2_gy_fractions() -> None:
    # 60 Gy in 30: 60 (1 + 2 / 10), 60 (1 + 2 / 4)
    assert bed_of_eqd2(60, 10) == pytest.approx(72)
    assert bed_of_eqd2(60, 4) == 90


def test_a_printed_range_of_bed_goes_before_the_ends_of_the_schedules() -> None:
    printed = dose("bed10", 85.5, range_low=51.3, range_high=187.5)
    [row] = compared([rate("a"), SCHEDULE, printed], WIDE)
    assert (row.bed_least, row.bed_most, row.bed_central) == (51.3, 187.5, 85.5)
    assert (row.bed_ends, row.bed_source) == ("printed BED10", "printed BED10")
    assert row.dose_keys == ("a.bed10.median",)


def test_a_printed_median_stands_for_the_series_at_its_own_alpha_beta_only() -> None:
    median = dose("bed10", 85.5)
    [row] = compared([rate("a"), median, SCHEDULE], WIDE)
    assert (row.bed_central, row.bed_source) == (85.5, "printed BED10")
    assert (row.bed_least, row.bed_most, row.bed_ends) == (41.25, 180, "printed schedules")
    assert row.dose_keys == ("a.schedule", "a.bed10.median")
    [other] = compared([rate("a"), median, SCHEDULE], WIDE, alpha_beta=4.0)
    # 30 (1 + 3.75 / 4) = 58.125; 60 (1 + 20 / 4) = 360
    assert (other.bed_central, other.bed_source) == ((58.125 + 360) / 2, "middle of the range")
    assert other.dose_keys == ("a.schedule",)


def test_a_printed_eqd2_is_converted_and_goes_before_the_schedules() -> None:
    printed = dose("eqd2", 100.0, range_low=50.0, range_high=130.0)
    [row] = compared([rate("a"), SCHEDULE, printed], WIDE)
    # times 1.2
    assert (row.bed_least, row.bed_most, row.bed_central) == pytest.approx((60, 156, 120))
    assert row.bed_ends == row.bed_source == "printed EQD2, converted"
    assert row.dose_keys == ("a.eqd2.median",)
    [other] = compared([rate("a"), SCHEDULE, printed], WIDE, alpha_beta=4.0)
    assert (other.bed_ends, other.bed_most) == ("printed schedules", 360)


def test_a_printed_bed_goes_before_a_printed_eqd2_for_ends_and_median_apart() -> None:
    eqd2 = dose("eqd2", 100.0, range_low=50.0, range_high=130.0)
    [row] = compared([rate("a"), eqd2, dose("bed10", 118.0)], WIDE)
    assert (row.bed_central, row.bed_source) == (118, "printed BED10")
    assert (row.bed_least, row.bed_most) == pytest.approx((60, 156))
    assert row.bed_ends == "printed EQD2, converted"
    assert row.dose_keys == ("a.eqd2.median", "a.bed10.median")


def test_a_bare_range_gives_the_ends_and_their_middle() -> None:
    [row] = compared([rate("a"), dose("bed10", measure="range", range_low=80, range_high=90)], WIDE)
    assert (row.bed_least, row.bed_most, row.bed_central) == (80, 90, 85)
    assert (row.bed_ends, row.bed_source) == ("printed BED10", "middle of the range")


@pytest.mark.parametrize("part", [{"subgroup": "spine"}, {"arm": "boost"}, {"unit": "percent"}])
def test_the_dose_of_a_part_is_not_that_of_the_series(part: dict[str, str]) -> None:
    [row] = compared([rate("a"), dose("eqd2", 100.0, **part)], WIDE)
    assert (row.bed_central, row.bed_source) == ((41.25 + 180) / 2, "middle of the range")


def test_one_printed_schedule_is_no_range() -> None:
    [row] = compared([rate("a")], study("a", schedules=(Schedule(50, 50, 5, 5),)))
    assert (row.bed_central, row.bed_source) == (100, "the one printed schedule")


# --- interval ---------------------------------------------------------------------------------


def test_approximated_from_patients_although_lesions_were_counted() -> None:
    counted = rate("a", n=68)
    patients = rate("a", 24, measure="count", endpoint="patients", unit="count", key="a.patients")
    [row] = compared([counted, patients], study("a", patients=24))
    # R: 100 * plogis(qlogis(0.8) + c(-1, 1) * qnorm(0.975) / sqrt(n * 0.8 * 0.2)), n = 24, 12
    assert (row.n, row.n_source, row.interval) == (24, "study", "approximated")
    assert (row.low, row.high) == pytest.approx((59.53445691, 91.57908400), rel=1e-8)
    assert (row.low_half, row.high_half) == pytest.approx((49.29535149, 94.27177718), rel=1e-8)
    assert row.keys == ("a.lc.rate_24m", "a.patients")


def test_n_of_a_figure_about_patients_goes_before_the_studys() -> None:
    [row] = compared([rate("a", n=31, unit_of_analysis="patient")], study("a", patients=40))
    assert (row.n, row.n_source) == (31, "figure")


def test_n_of_unknown_unit_is_that_of_patients_only_where_patients_die() -> None:
    unsaid = {"n": 31, "unit_of_analysis": ""}
    [row] = compared([rate("a", **unsaid)], study("a", patients=40))
    assert (row.n, row.n_source, row.unit_of_analysis) == (40, "study", "")
    known = {"a": study("a", patients=40)}
    figure = rate("a", **unsaid, endpoint="os")
    [row] = comparable_rates([figure], known, "os", 24, alpha_beta=10)
    assert (row.n, row.n_source, row.unit_of_analysis) == (31, "figure", "")


def test_a_printed_interval_is_shown_as_printed_and_gives_the_variance() -> None:
    printed = rate("a", 80.0, ci_low=60.0, ci_high=90.0, ci_level=90.0)
    [row] = compared([printed], study("a"))
    assert (row.low, row.high, row.level, row.interval) == (60, 90, 0.90, "printed")
    assert (row.low_half, row.high_half) == (None, None)
    # (logit 0.9 - logit 0.6) / (2 * 1.644854) = (2.197225 - 0.405465) / 3.289707 = 0.544656
    assert row.effect is not None
    assert math.sqrt(row.effect.variance) == pytest.approx(0.544656, abs=1e-6)
    assert row.effect_half == row.effect


def test_a_printed_limit_of_100_has_no_logit_so_n_gives_the_variance() -> None:
    printed = rate("a", 96.0, ci_low=88.0, ci_high=100.0, ci_level=95.0)
    [row] = compared([printed], study("a", patients=50))
    assert (row.low, row.high, row.interval) == (88, 100, "printed")
    assert row.effect == logit_effect(96.0, 50)


def test_a_rate_of_100_is_corrected_by_one_half_and_its_interval_reaches_it() -> None:
    # (20 + 0.5) / 0.5 = 41; variance 1 / 20.5 + 1 / 0.5
    effect = logit_effect(100, 20)
    assert effect.logit == pytest.approx(math.log(41))
    assert effect.variance == pytest.approx(1 / 20.5 + 2)
    [row] = compared([rate("a", 100)], study("a", patients=20))
    assert row.high == row.high_half == 100
    assert row.low is not None
    assert row.low < 80


@given(st.floats(1, 99), st.integers(2, 500))
def test_half_of_n_widens_an_approximated_interval(estimate: float, n: int) -> None:
    [row] = compared([rate("a", estimate)], study("a", patients=n))
    limits = (row.low_half, row.low, estimate, row.high, row.high_half)
    numbers = [limit for limit in limits if limit is not None]
    assert len(numbers) == 5
    assert numbers == sorted(numbers)
    assert numbers[4] - numbers[0] > numbers[3] - numbers[1]


# --- what stands for a cohort, and what is not pooled -----------------------------------------


def test_only_rates_of_that_endpoint_and_time_that_repeat_nothing() -> None:
    figures = [
        rate("a", 81),
        rate("a", 70, ".abstract", duplicate_of="a.lc.rate_24m"),
        rate("a", 75, ".later", time_months=36.0),
        rate("a", 74, ".share", measure="proportion"),
        rate("a", 73, ".os", endpoint="os"),
        rate("unknown", 60),
    ]
    assert [(r.study_id, r.rate) for r in compared(figures, study("a"))] == [("a", 81)]


def test_the_newest_study_stands_for_a_cohort() -> None:
    older, newer = study("older", 2016, cohort_id="penn"), study("newer", 2020, cohort_id="penn")
    [row] = compared([rate("older", 95), rate("newer", 90)], older, newer)
    assert (row.study_id, row.is_pooled) == ("newer", True)


def test_a_rate_that_can_be_pooled_goes_before_a_newer_one_that_cannot() -> None:
    older, newer = study("older", 2016, cohort_id="penn"), study("newer", 2020, cohort_id="penn")
    [row] = compared([rate("older"), rate("newer", estimator="crude")], older, newer)
    assert row.study_id == "older"
    [row] = compared([rate("older"), rate("newer", time_supported="no")], older, newer)
    assert row.study_id == "older"


def test_a_preprint_never_stands_for_its_cohort_even_where_the_article_has_no_rate() -> None:
    article = study("article", 2022, cohort_id="feng")
    preprint = study("preprint", 2023, cohort_id="feng", role="same_cohort")
    [row] = compared([rate("article"), rate("preprint")], article, preprint)
    assert row.study_id == "article"
    [row] = compared([rate("preprint")], article, preprint)
    assert row.excluded_reason == "another publication of the cohort stands for it"
    [row] = compared([rate("preprint")], preprint)
    assert row.is_pooled


@pytest.mark.parametrize(
    ("role", "reason"),
    [
        ("review", "it is a review"),
        ("case", "it is a case"),
        ("registry", "it is a registry"),
        ("context", "it is no series of stereotactic radiotherapy"),
    ],
)
def test_roles_that_are_never_pooled(role: str, reason: str) -> None:
    assert reasons(compared([rate("a")], study("a", role=role))) == {"a": reason}


def test_a_series_made_of_others_is_not_pooled_beside_them() -> None:
    pooled = study("pooled", members=("older",))
    older, newer = study("older", 2016, cohort_id="penn"), study("newer", 2020, cohort_id="penn")
    rows = compared([rate("pooled"), rate("newer")], pooled, older, newer)
    assert reasons(rows) == {"newer": "", "pooled": "its member series stand for themselves"}


def test_a_series_made_of_others_is_pooled_where_they_print_nothing_that_can_be() -> None:
    pooled, member = study("pooled", members=("member",)), study("member")
    assert reasons(compared([rate("pooled")], pooled, member)) == {"pooled": ""}
    crude = rate("member", estimator="crude")
    assert reasons(compared([rate("pooled"), crude], pooled, member))["pooled"] == ""


def test_a_review_neither_is_pooled_nor_keeps_its_members_out() -> None:
    review = study("review", role="review", members=("member",))
    rows = compared([rate("review"), rate("member")], review, study("member"))
    assert reasons(rows) == {"member": "", "review": "it is a review"}


def test_crude_shares_and_unsupported_times_are_flagged_apart() -> None:
    figures = [
        rate("crude", estimator="crude"),
        rate("late", time_supported="no"),
        rate("both", estimator="crude", time_supported="no"),
    ]
    rows = compared(figures, study("crude"), study("late"), study("both"))
    assert reasons(rows) == {
        "both": "it is a crude share, not a rate at a time",
        "crude": "it is a crude share, not a rate at a time",
        "late": "the text does not support the time",
    }
    assert {r.study_id for r in rows if r.is_pooled_at_any_support} == {"late"}
    assert {r.study_id for r in rows if r.is_crude} == {"both", "crude"}


@pytest.mark.parametrize(("relation", "is_pooled"), [(">", False), ("<=", False), ("~", True)])
def test_a_bound_is_no_rate(relation: str, is_pooled: bool) -> None:
    [row] = compared([rate("a", relation=relation)], study("a"))
    assert row.is_pooled == is_pooled
    assert row.excluded_reason == ("" if is_pooled else "it is printed as a bound, not as a value")


@pytest.mark.parametrize("part", [{"subgroup": "size_le5"}, {"arm": "sbrt"}])
def test_a_part_of_a_series_never_stands_for_it(part: dict[str, str]) -> None:
    [row] = compared([rate("a", 95, ".part", **part), rate("a", 80)], study("a"))
    assert (row.rate, row.part, row.excluded_reason) == (80, "", "")
    [row] = compared([rate("a", 95, **part)], study("a"))
    assert row.part == next(iter(part.values()))
    assert row.excluded_reason == "it is given for a part of the series only"


def test_neither_interval_nor_patients() -> None:
    [row] = compared([rate("a", n=30)], study("a", patients=None))
    assert row.excluded_reason == "neither an interval nor a number of patients is printed"
    assert (row.low, row.high, row.interval, row.effect) == (None, None, "", None)
    [row] = compared(
        [rate("a", ci_low=60.0, ci_high=90.0, ci_level=95.0)], study("a", patients=None)
    )
    assert row.is_pooled


def test_the_cohort_that_a_reconstruction_is_made_from_is_shown_but_not_pooled() -> None:
    source, other = study("a", cohort_id="source"), study("b")
    rows = compared([rate("a"), rate("b")], source, other, excluded_cohorts=("source",))
    assert reasons(rows) == {
        "a": "the cohort under analysis was reconstructed from it",
        "b": "",
    }


# --- context ----------------------------------------------------------------------------------


def beside(figures: list[Figure], *studies: Study) -> list[ContextRate]:
    return context_rates(figures, {s.study_id: s for s in studies}, "lc", 24)


def other(study_id: str, role: str = "context", **given: Any) -> Study:
    values = {"population": "retroperitoneal sarcoma", "treatment": "radiotherapy"}
    return study(study_id, role=role, **values | given)


def test_another_treatment_of_sarcoma_is_context() -> None:
    [row] = beside([rate("a", 41.0, unit_of_analysis="")], other("a", site="primary"))
    assert row == ContextRate(
        study_id="a",
        site="primary",
        population="retroperitoneal sarcoma",
        kind="conventional radiotherapy",
        endpoint="lc",
        time_months=24,
        part="",
        supported=True,
        rate=41,
        low=None,
        high=None,
        level=None,
        key="a.lc.rate_24m",
    )


def test_a_review_gives_a_range_without_a_rate() -> None:
    spread = {"measure": "range", "estimate": None, "range_low": 79.0, "range_high": 93.0}
    [row] = beside([rate("a", arm="sbrt", **spread)], other("a", "review", treatment="mixed"))
    assert (row.rate, row.low, row.high, row.level) == (None, 79, 93, None)
    assert row.kind == "review, range over its series, SBRT"


def test_an_interval_has_a_level_and_a_range_has_none() -> None:
    [row] = beside([rate("a", 50.0, ci_low=40.0, ci_high=60.0, ci_level=90.0)], other("a"))
    assert (row.low, row.high, row.level) == (40, 60, 0.9)
    [row] = beside([rate("a", 50.0, range_low=40.0, range_high=60.0)], other("a"))
    assert (row.low, row.high, row.level) == (40, 60, None)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"treatment": "surgery"}, "surgery"),
        ({"treatment": "mixed"}, "several treatments"),
        ({"treatment": "none"}, "treatment not said"),
        ({"role": "review"}, "review"),
    ],
)
def test_context_says_what_it_is(given: dict[str, str], kind: str) -> None:
    [row] = beside([rate("a", relation="~")], other("a", **given))
    assert row.kind == f"{kind}, approximate"


@pytest.mark.parametrize(
    "given",
    [
        {"population": "metastatic renal cancer"},
        {"population": "", "histology": ""},
        {"role": "sbrt_series"},
        {"role": "same_cohort"},
        {"role": "case"},
        {"role": "registry"},
    ],
)
def test_no_context(given: dict[str, str]) -> None:
    assert beside([rate("a")], other("a", **given)) == []


@pytest.mark.parametrize(
    "given",
    [
        {"endpoint": "os"},
        {"time_months": 36.0},
        {"duplicate_of": "a.lc"},
        {"unit": "months"},
        {"measure": "proportion"},
        {"estimate": None},
        {"measure": "range", "estimate": None, "range_low": 40.0},
    ],
)
def test_no_context_rate(given: dict[str, Any]) -> None:
    assert beside([rate("a", **given)], other("a")) == []


def test_the_histology_says_sarcoma_too() -> None:
    assert len(beside([rate("a")], other("a", population="any", histology="mixed STS"))) == 1


def test_the_whole_goes_before_its_parts_of_which_else_all_stand() -> None:
    parts = [rate("a", 20.0, ".x", arm="x"), rate("a", 60.0, ".b", subgroup="b")]
    assert [r.rate for r in beside([*parts, rate("a", 40.0)], other("a"))] == [40]
    rows = beside(parts, other("a"))
    assert [(r.part, r.rate) for r in rows] == [("b", 60), ("x", 20)]


def test_context_is_never_pooled() -> None:
    assert reasons(compared([rate("a")], other("a"))) == {
        "a": "it is no series of stereotactic radiotherapy"
    }
