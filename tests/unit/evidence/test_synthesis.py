"""Pooling and meta-regression: what they refuse, and what holds for any rates.

That the numbers are metafor's is tested in tests/conformance/test_metafor.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.evidence.comparison import SeriesRate, logit_effect
from sarcoma_sbrt.evidence.published import Figure, Schedule, Study
from sarcoma_sbrt.evidence.synthesis import (
    Pooled,
    Refused,
    Regression,
    dose_response,
    leave_one_out,
    pool,
    pooling_groups,
    synthesise,
)


def series(name: str, rate: float, n: int = 30, bed: float | None = None, **given: Any) -> Any:
    values: dict[str, Any] = {
        "study_id": name,
        "cohort_id": name,
        "label": name,
        "site": "lung",
        "role": "sbrt_series",
        "endpoint": "lc",
        "time_months": 24,
        "estimator": "actuarial",
        "unit_of_analysis": "patient",
        "part": "",
        "supported": True,
        "rate": rate,
        "effect": logit_effect(rate, n),
        "effect_half": logit_effect(rate, n / 2),
        "bed_least": bed,
        "bed_most": bed,
        "bed_central": bed,
        "keys": (f"{name}.lc.rate_24m",),
    }
    return SeriesRate(**values | given)


RATES = st.lists(
    st.tuples(st.floats(5, 95), st.integers(5, 200)),
    min_size=3,
    max_size=8,
    unique_by=lambda t: t[0],
)


def several(pairs: list[tuple[float, int]]) -> list[SeriesRate]:
    return [series(f"s{i}", rate, n) for i, (rate, n) in enumerate(pairs)]


# --- pooling ----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(RATES)
def test_the_pooled_rate_lies_between_the_rates_and_its_intervals_are_nested(
    pairs: list[tuple[float, int]],
) -> None:
    pooled = pool(several(pairs))
    rates = [rate for rate, _ in pairs]
    assert min(rates) - 1e-9 <= pooled.rate <= max(rates) + 1e-9
    ends = [pooled.prediction_low, pooled.low, pooled.rate, pooled.high, pooled.prediction_high]
    assert ends == sorted(ends) or pooled.tau2 == 0
    assert pooled.low - 1e-9 <= pooled.low_plain <= pooled.high_plain <= pooled.high + 1e-9
    assert sum(pooled.weights.values()) == pytest.approx(100)


@settings(max_examples=30, deadline=None)
@given(RATES, st.randoms(use_true_random=False))
def test_order_does_not_matter(pairs: list[tuple[float, int]], random: Any) -> None:
    rates = several(pairs)
    shuffled = rates.copy()
    random.shuffle(shuffled)
    assert pool(shuffled) == pool(rates)


def test_without_heterogeneity_the_weights_are_the_inverse_variances() -> None:
    # n p (1 - p)
    rates = [series("a", 90, 40), series("b", 90, 60), series("c", 88, 100)]
    pooled = pool(rates)
    information = {"a": 3.6, "b": 5.4, "c": 100 * 0.88 * 0.12}
    total = sum(information.values())
    assert pooled.tau2 == 0
    assert pooled.weights == pytest.approx({k: 100 * v / total for k, v in information.items()})
    assert (pooled.prediction_low, pooled.prediction_high) == pytest.approx(
        (pooled.low, pooled.high)
    )


def test_half_of_n_widens_the_interval_and_cannot_widen_the_plain_one_where_tau2_is_0() -> None:
    """Halving every n scales all weights alike: the residual mean square takes it back."""
    rates = [series("a", 85.9, 24), series("b", 90, 44), series("c", 88, 15)]
    whole, half = pool(rates), pool(rates, half_n=True)
    plain = (whole.rate, whole.low_plain, whole.high_plain)
    assert (half.rate, half.low_plain, half.high_plain) == pytest.approx(plain)
    assert half.low < whole.low
    assert half.high > whole.high


def test_a_wider_level_widens_every_interval() -> None:
    rates = [series("a", 60), series("b", 80), series("c", 95)]
    wide, narrow = pool(rates, 0.99), pool(rates, 0.90)
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.prediction_low < narrow.prediction_low


def test_fewer_than_three_series_are_not_pooled() -> None:
    with pytest.raises(NotEstimable, match=r"^fewer than 3 series can be pooled$"):
        pool([series("a", 80), series("b", 90)])


def test_equal_rates_have_no_interval() -> None:
    with pytest.raises(NotEstimable, match="the rates are equal, so that Hartung and Knapp's"):
        pool([series("a", 88, 20), series("b", 88, 37), series("c", 88, 61)])


def test_a_cohort_is_pooled_once() -> None:
    rates = [series("a", 80), series("b", 85, cohort_id="a"), series("c", 90)]
    with pytest.raises(ValueError, match=r"^pooled twice: a$"):
        pool(rates)


def test_crude_shares_never_meet_rates_at_a_time() -> None:
    rates = [series("a", 80), series("b", 85, estimator="crude"), series("c", 90)]
    with pytest.raises(ValueError, match="crude shares and rates at a time"):
        pool(rates)


def test_a_rate_without_variance_is_not_pooled_in_silence() -> None:
    rates = [series("a", 80), series("b", 85, effect=None), series("c", 90)]
    with pytest.raises(ValueError, match="b has neither an interval nor a number of patients"):
        pool(rates)


def test_leaving_one_out_of_three_leaves_too_few() -> None:
    rates = [series("a", 60), series("b", 80), series("c", 95)]
    reason = "fewer than 3 series can be pooled"
    assert {
        name: (left.k, getattr(left, "reason", "")) for name, left in leave_one_out(rates).items()
    } == {
        "a": (2, reason),
        "b": (2, reason),
        "c": (2, reason),
    }


def test_leaving_one_out_of_four_pools_the_others() -> None:
    rates = [series("a", 60), series("b", 80), series("c", 95), series("d", 70)]
    assert leave_one_out(rates)["b"] == pool([rates[0], rates[2], rates[3]])


def test_groups_are_all_sites_and_each_site() -> None:
    rates = [series("a", 60), series("b", 80, site="spine"), series("c", 95, site="")]
    groups = pooling_groups(rates)
    assert {site: [r.study_id for r in of] for site, of in groups.items()} == {
        "all": ["a", "b", "c"],
        "lung": ["a"],
        "spine": ["b"],
    }


# --- dose -------------------------------------------------------------------------------------


def test_rates_on_a_line_give_its_slope() -> None:
    # logits 0, 0.5, 1, 1.5 at 60, 80, 100, 120 Gy, each a hair off: 0.25 per 10 Gy
    rates = [
        series(name, 100 / (1 + 2.718281828459045 ** -(logit + off)), 400, bed)
        for name, logit, off, bed in (
            ("a", 0.0, 1e-4, 60),
            ("b", 0.5, -1e-4, 80),
            ("c", 1.0, -1e-4, 100),
            ("d", 1.5, 1e-4, 120),
        )
    ]
    fit = dose_response(rates)
    assert fit.odds_ratio == pytest.approx(1.2840254, abs=1e-3)
    assert fit.low < fit.odds_ratio < fit.high
    assert fit.fitted(90)[0] == pytest.approx(100 / (1 + 2.718281828459045**-0.75), abs=0.01)


def test_a_series_without_dose_is_not_used() -> None:
    rates = [series("a", 60, bed=60), series("b", 70, bed=80), series("c", 80, bed=100)]
    with pytest.raises(NotEstimable, match=r"^fewer than 4 series have a rate and a dose$"):
        dose_response([*rates, series("d", 90)])
    assert dose_response([*rates, series("d", 90, bed=120)]).k == 4


def test_equal_doses_have_no_slope() -> None:
    rates = [
        series(name, rate, bed=100) for name, rate in zip("abcd", (60, 70, 80, 90), strict=True)
    ]
    with pytest.raises(NotEstimable, match=r"^the series do not differ in dose$"):
        dose_response(rates)


def test_each_dose_choice_takes_its_own_end() -> None:
    rates = [
        series(name, rate, bed_least=low, bed_most=high, bed_central=middle)
        for name, rate, low, middle, high in (
            ("a", 60, 40, 80, 60),
            ("b", 75, 50, 85, 120),
            ("c", 70, 60, 70, 110),
            ("d", 90, 75, 95, 175),
        )
    ]
    by_hand = {
        "central": (80, 85, 70, 95),
        "mid-point": (50, 85, 85, 125),
        "least": (40, 50, 60, 75),
        "most": (60, 120, 110, 175),
    }
    for choice, doses in by_hand.items():
        plain = [replace(r, bed_central=gy) for r, gy in zip(rates, doses, strict=True)]
        expected, got = dose_response(plain), dose_response(rates, dose=choice)  # type: ignore[arg-type]
        assert (got.odds_ratio, got.p) == (expected.odds_ratio, expected.p)


# --- everything -------------------------------------------------------------------------------


def published_series(
    name: str, lc: float, gy: float, supported: str = "yes", **given: Any
) -> tuple[Study, Figure]:
    empty: dict[str, Any] = dict.fromkeys(Study.__dataclass_fields__, "")
    study = Study(
        **empty
        | {"study_id": name, "label": name, "title_year": 2015, "role": "sbrt_series"}
        | {"members": (), "schedules": (Schedule(gy, gy, 5, 5),), "site": "lung", "patients": 30}
        | given
    )
    figure = Figure(
        key=f"{name}.lc.rate_24m",
        study_id=name,
        paper="shah2021",
        place="table_1",
        row=name,
        column="LC",
        measure="rate",
        endpoint="lc",
        unit="percent",
        time_months=24.0,
        time_supported=supported,
        estimate=lc,
        estimator="actuarial",
    )
    return study, figure


def test_series_whose_time_only_a_table_gives_enter_the_sensitivity_analysis_alone() -> None:
    pairs = [
        published_series("a", 70, 40),
        published_series("b", 80, 45),
        published_series("c", 85, 50),
        published_series("d", 95, 60, supported="no"),
    ]
    studies = {study.study_id: study for study, _ in pairs}
    [result] = synthesise([figure for _, figure in pairs], studies, alpha_beta=10)
    assert (result.endpoint, result.time_months) == ("lc", 24)
    assert [group.site for group in result.groups] == ["all", "lung"]
    group = result.groups[1]
    assert (group.main.k, group.half_n.k, group.all_rows.k) == (3, 3, 4)
    assert isinstance(group.main, Pooled)
    assert isinstance(group.half_n, Pooled)
    assert group.half_n.q == pytest.approx(group.main.q / 2)
    assert list(group.main.weights) == list(group.left_out) == ["a", "b", "c"]
    assert isinstance(result.doses["central"], Refused)
    assert isinstance(result.doses["all rows"], Regression)


def all_sites(*pairs: tuple[Study, Figure]) -> Any:
    studies = {study.study_id: study for study, _ in pairs}
    [result] = synthesise([figure for _, figure in pairs], studies, alpha_beta=10)
    return result.groups[0]


@pytest.mark.parametrize(
    ("site", "reason"),
    [
        ("liver_and_pancreas", "all series are of one site: see liver and pancreas"),
        ("mixed", "all series are of mixed sites: see mixed"),
    ],
)
def test_all_sites_are_no_group_beside_the_one_that_has_all(site: str, reason: str) -> None:
    three = [
        published_series(name, lc, 50, site=site) for name, lc in (("a", 70), ("b", 80), ("c", 85))
    ]
    group = all_sites(*three)
    keys = ("a.lc.rate_24m", "b.lc.rate_24m", "c.lc.rate_24m")
    assert group.main == group.half_n == group.all_rows == Refused(3, reason, keys)
    assert group.left_out == {}


def test_a_second_site_makes_a_group_of_all_sites() -> None:
    three = [published_series(name, lc, 50) for name, lc in (("a", 70), ("b", 80))]
    other = published_series("c", 85, 50, site="spine")
    assert isinstance(all_sites(*three, other).main, Pooled)
    unstated = published_series("c", 85, 50, site="")
    assert isinstance(all_sites(*three, unstated).main, Pooled)


def test_each_analysis_of_all_sites_is_judged_by_its_own_series() -> None:
    three = [published_series(name, lc, 50) for name, lc in (("a", 70), ("b", 80), ("c", 85))]
    group = all_sites(*three, published_series("d", 90, 50, "no", site="spine"))
    assert group.main.reason == group.half_n.reason == "all series are of one site: see lung"
    assert isinstance(group.all_rows, Pooled)
    assert group.all_rows.k == 4


def test_context_stands_beside_and_alone_makes_no_group() -> None:
    given = {"role": "context", "population": "sarcoma of bone", "treatment": "surgery"}
    context, figure = published_series("a", 45, 50, **given)
    [result] = synthesise([figure], {"a": context}, alpha_beta=10)
    assert [(rate.study_id, rate.rate) for rate in result.context] == [("a", 45)]
    assert (result.groups, result.rates[0].is_pooled) == ((), False)
