"""The enumeration against brute force over every word of exits, and cases done by hand."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations_with_replacement, pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.enumeration import (
    RESOLUTION,
    Counted,
    Range,
    Window,
    admissible,
    coarse_graph,
    exact_graph,
    find_order,
    survival,
    values_with_censored,
    values_with_deaths,
)


def printed(text: str) -> Window:
    """Window of a percentage as printed."""
    half = Fraction(1, 2 * 10 ** len(text.partition(".")[2]))
    low, high = Fraction(text) - half, Fraction(text) + half
    return Window(max(low, Fraction(0)) / 100, min(high, Fraction(100)) / 100)


def words(n: int, landmarks: int) -> list[str]:
    """Every order of up to n exits with its landmarks, by brute force; nothing after the last."""
    found = []
    for letters in product("DC", repeat=n):
        for cuts in combinations_with_replacement(range(n + 1), landmarks):
            bounds = [0, *cuts]
            parts = ["".join(letters[a:b]) for a, b in pairwise(bounds)]
            found.append("|".join(parts) + "|")
    return list(dict.fromkeys(found))


WORDS = {(n, k): words(n, k) for n in range(1, 7) for k in (1, 2)}
"""Computed once: 6 patients and two landmarks are 1 000 words."""


def brute_force(n: int, windows: list[Window]) -> list[str]:
    return [
        word
        for word in WORDS[n, len(windows)]
        if all(w.holds(s) for w, (_, s) in zip(windows, survival(n, word), strict=True))
    ]


def counts(orders: list[str], letter: str, interval: int) -> Range:
    found = [order.split("|")[interval].count(letter) for order in orders]
    return Range(min(found), max(found))


percentages = st.one_of(
    st.integers(0, 100).map(str),
    st.integers(0, 1000).map(lambda tenths: f"{tenths / 10:.1f}"),
    st.sampled_from(["33.3", "66.7", "16.7", "83.3", "62.5", "37.5", "75.0", "25", "60", "40.0"]),
)


# --- against brute force --------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(n=st.integers(1, 6), rates=st.lists(percentages, min_size=1, max_size=2))
def test_equals_brute_force(n: int, rates: list[str]) -> None:
    windows = [printed(rate) for rate in rates]
    orders = brute_force(n, windows)
    found = admissible(n, windows)
    assert found.possible == bool(orders)
    if not orders:
        return
    assert found.order in orders
    reached = [survival(n, order) for order in orders]
    for j in range(len(windows)):
        at_risk = [states[j][0] for states in reached]
        assert found.at_risk[j] == Range(min(at_risk), max(at_risk))
        assert found.deaths[j] == counts(orders, "D", j)
        assert found.censored[j] == counts(orders, "C", j)
    fewest = min(order.count("C") for order in orders)
    assert found.order.count("C") == fewest
    assert found.total_censored == Range(fewest, max(order.count("C") for order in orders))
    deaths = [order.count("D") for order in orders]
    assert found.total_deaths == Range(min(deaths), max(deaths))


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 6), rates=st.lists(percentages, min_size=1, max_size=2))
def test_every_state_is_enumerated(n: int, rates: list[str]) -> None:
    windows = [printed(rate) for rate in rates]
    graph = exact_graph(n, windows)
    assert graph is not None
    coarse = coarse_graph(n, windows)
    for j in range(len(windows)):
        states = {
            (*survival(n, order)[j], "".join(order.split("|")[: j + 1]).count("D"))
            for order in brute_force(n, windows)
        }
        assert {(r, s, deaths) for r, deaths, s in graph.at_landmark(j)} == states
        assert {(r, d) for r, _, d in states} <= {(r, d) for r, d, _ in coarse.at_landmark(j)}


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 6), rates=st.lists(percentages, min_size=1, max_size=2))
def test_nearest_rates_of_brute_force(n: int, rates: list[str]) -> None:
    windows = [printed(rate) for rate in rates]
    failure = admissible(n, windows).failure
    if failure is None:
        return
    k = failure.landmark
    assert not brute_force(n, windows[: k + 1])
    assert k == 0 or brute_force(n, windows[:k])
    free = [*windows[:k], Window(Fraction(0), Fraction(1))]
    values = {survival(n, order)[-1][1] for order in brute_force(n, free)}
    above = [value for value in values if value > windows[k].high]
    below = [value for value in values if value < windows[k].low]
    for reached, nearest in (
        (failure.above, min(above, default=None)),
        (failure.below, max(below, default=None)),
    ):
        assert (reached is None) == (nearest is None)
        if reached is not None and nearest is not None:
            assert abs(reached[0] - nearest) <= RESOLUTION
            assert survival(n, reached[1])[-1][1] == reached[0]


def test_ten_patients_one_rate_equals_brute_force() -> None:
    values = {survival(10, word)[0] for word in words(10, 1)}
    for tenths in range(0, 1001, 7):
        window = printed(f"{tenths / 10:.1f}")
        at_risk = [r for r, s in values if window.holds(s)]
        found = admissible(10, [window])
        assert found.possible == bool(at_risk), tenths
        if at_risk:
            assert found.at_risk[0] == Range(min(at_risk), max(at_risk)), tenths


# --- by hand --------------------------------------------------------------------------------


def test_survival_of_a_word() -> None:
    assert survival(4, "DC|D|D|") == [
        (2, Fraction(3, 4)),
        (1, Fraction(3, 8)),
        (0, Fraction(0)),
    ]


def test_57_9_percent_of_19_is_11_of_19() -> None:
    found = admissible(19, [printed("57.9")])
    assert found.order == "DDDDDDDD|"
    assert survival(19, found.order) == [(11, Fraction(11, 19))]
    assert found.censored[0].low == 0


def test_57_9_percent_of_18_needs_three_censored() -> None:
    found = admissible(18, [printed("57.9")])
    assert found.possible
    assert found.censored[0].low == 3
    for censored in (0, 1, 2):
        values = values_with_censored(18, Fraction(1), censored)
        assert not any(printed("57.9").holds(value) for value in values)
    assert any(printed("57.9").holds(v) for v in values_with_censored(18, Fraction(1), 3))


def test_two_rates_possible_alone_can_be_impossible_together() -> None:
    # 5 patients: 4/5 = 80.0 % leaves at most 4 at risk; 3/8 = 37.5 % needs 8 in the denominator,
    # 60.0 % is one more death of the four; 70 % is none of 4/5 × {3/4, 2/3, 1/2}.
    assert find_order(5, [printed("80.0"), printed("60.0")]) == "D|D|"
    assert find_order(5, [printed("70.0")]) is None
    failure = admissible(5, [printed("80.0"), printed("55.0")]).failure
    assert failure is not None
    assert failure.landmark == 1
    assert failure.below == (Fraction(8, 15), "D|CD|")
    assert failure.above == (Fraction(3, 5), "D|D|")


def test_a_curve_that_rises_is_impossible() -> None:
    failure = admissible(30, [printed("40.0"), printed("50.0")]).failure
    assert failure is not None
    assert failure.landmark == 1
    assert failure.above is None
    assert failure.below is not None
    assert failure.below[0] <= Fraction(4005, 10000)


def test_all_alive_means_no_death() -> None:
    found = admissible(12, [printed("100.0"), printed("100")])
    assert found.total_deaths == Range(0, 0)
    assert found.at_risk == (Range(0, 12), Range(0, 12))
    assert found.order == "||"


def test_nobody_alive_means_that_the_last_at_risk_died() -> None:
    found = admissible(4, [printed("50"), printed("0")])
    assert found.at_risk == (Range(1, 2), Range(0, 0))
    assert survival(4, found.order or "")[-1] == (0, Fraction(0))


def test_both_ends_of_the_rounding_belong_to_it() -> None:
    # 5/8 = 62.5 % may be printed as 62 or as 63; 11/16 = 68.75 % as 68.7 or 68.8.
    for n, texts in ((8, ("62", "63")), (16, ("68.7", "68.8"))):
        for text in texts:
            assert find_order(n, [printed(text)]) is not None
    assert find_order(8, [Window(Fraction(5, 8), Fraction(5, 8))]) == "DDD|"


def test_a_value_within_the_widening_is_refused_exactly() -> None:
    beside = Fraction(5, 8) + Fraction(1, 10**15)
    assert find_order(8, [Window(beside, beside + Fraction(1, 10**14))]) is None


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 25), rates=st.lists(percentages, min_size=1, max_size=3))
def test_what_n_patients_can_give_more_can(n: int, rates: list[str]) -> None:
    windows = [printed(rate) for rate in sorted(rates, key=float, reverse=True)]
    order = find_order(n, windows)
    if order is not None:
        found = admissible(n + 1, windows)
        assert found.possible
        assert found.total_censored is not None
        assert found.total_censored.low <= order.count("C") + 1
        states = survival(n + 1, "C" + order)
        assert all(w.holds(s) for w, (_, s) in zip(windows, states, strict=True))


@settings(max_examples=12, deadline=None)
@given(n=st.integers(20, 40), word=st.text("DC", min_size=15, max_size=20), cut=st.integers(1, 14))
def test_rates_of_a_data_set_are_possible(n: int, word: str, cut: int) -> None:
    order = f"{word[:cut]}|{word[cut:]}|"
    states = survival(n, order)
    windows = [printed(f"{float(s * 100):.1f}") for _, s in states]
    found = admissible(n, windows)
    assert found.possible
    for j, (r, _) in enumerate(states):
        assert found.at_risk[j].low <= r <= found.at_risk[j].high
        deaths = order.split("|")[j].count("D")
        assert found.deaths[j].low <= deaths <= found.deaths[j].high


def test_too_many_states_are_not_kept() -> None:
    assert exact_graph(37, [printed("71.5"), printed("40.0")], most=1000) is None
    assert admissible(37, [printed("71.5"), printed("40.0"), printed("29.1")]).states is None


def test_counted_exits() -> None:
    deaths = Counted("deaths", 1, 2)
    assert [deaths.of(j, "D") for j in range(4)] == [0, 1, 1, 0]
    assert deaths.of(1, "C") == 0
    assert Counted("exits", 0, 0).of(0, "C") == 1


@pytest.mark.parametrize(("low", "high", "text"), [(3, 3, "3"), (3, 7, "3–7")])
def test_range_as_text(low: int, high: int, text: str) -> None:
    assert str(Range(low, high)) == text


def test_values_with_deaths() -> None:
    assert values_with_deaths(4, Fraction(1), 1) == {
        Fraction(3, 4),
        Fraction(2, 3),
        Fraction(1, 2),
    }
    assert values_with_deaths(3, Fraction(1, 2), 2) == {Fraction(1, 6)}


def test_values_with_censored() -> None:
    # Two patients, one censored: alone, before the death, or after it.
    assert values_with_censored(2, Fraction(1), 1) == {Fraction(1), Fraction(0), Fraction(1, 2)}
    assert values_with_censored(3, Fraction(1), 0) == {
        Fraction(1),
        Fraction(2, 3),
        Fraction(1, 3),
        Fraction(0),
    }
