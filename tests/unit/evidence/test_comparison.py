"""Which rate stands for a cohort, with which interval and dose, and what must not be pooled."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.comparison import (
    SeriesRate,
    bed_interval,
    comparable_rates,
    logit_effect,
)
from sarcoma_sbrt.evidence.published import Figure, Schedule, Study

NOTHING: dict[str, Any] = {
    "reported_in": (),
    "members": (),
    "schedules": (),
    **dict.fromkeys(("years_from", "years_to", "lesions", "median_size_cm", "follow_up_months")),
    **dict.fromkeys(("design", "population", "country", "dose_printed", "histology"), ""),
    **dict.fromkeys(("follow_up_method", "citation", "locator", "note"), ""),
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


def test_a_printed_range_of_bed_goes_before_the_ends_of_the_schedules() -> None:
    ranged = study("a", schedules=(Schedule(30, 75, 2, 10),))
    printed = {"range_low": 51.3, "range_high": 187.5, "printed_range": "51.3–187.5"}
    named = {"measure": "median", "endpoint": "bed10", "unit": "Gy", "key": "a.bed10.median"}
    [row] = compared([rate("a"), rate("a", 85.5, **named, **printed)], ranged)
    assert (row.bed_least, row.bed_most, row.bed_central) == (51.3, 187.5, 85.5)
    assert row.dose_keys == ("a.bed10.median",)


def test_a_printed_median_stands_for_the_series_at_its_own_alpha_beta_only() -> None:
    ranged = study("a", schedules=(Schedule(30, 60, 3, 8),))
    median = rate("a", 85.5, measure="median", endpoint="bed10", unit="Gy", key="a.bed10.median")
    [row] = compared([rate("a"), median], ranged)
    assert (row.bed_central, row.bed_source) == (85.5, "printed median")
    assert (row.bed_least, row.bed_most) == (41.25, 180)
    assert row.dose_keys == ("a.bed10.median",)
    [other] = compared([rate("a"), median], ranged, alpha_beta=4.0)
    # 30 (1 + 3.75 / 4) = 58.125; 60 (1 + 20 / 4) = 360
    assert (other.bed_central, other.bed_source) == ((58.125 + 360) / 2, "mid-point")


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
