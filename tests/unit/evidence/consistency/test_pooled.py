"""Pooled rates against those of two subgroups: hand-made figures, and brute force for small n."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency import pooled as module
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.pooled import pooled_findings
from sarcoma_sbrt.evidence.published import Figure, Study

Maker = Callable[..., Figure]
Texts = Sequence[str]
Judge = Callable[..., Finding]

MONTHS = (12, 24, 36)
ALL_EXCLUDED = (
    "so for no split of {} patients can the subgroups' own rates and the pooled rates all hold"
)
NO_OTHER = "; with all rates truncated, rounded up or rounded twice it is impossible as well"
TOO_MANY = "there are too many pairs of states to look at"
NOT_TOGETHER = "each pooled rate lies in its range, and no arrangement meets them together"


@pytest.fixture(scope="session")
def judge(rate: Maker) -> Judge:
    """The finding on a pooled curve of n patients and on groups g0, g1 ..., rates at `MONTHS`."""

    def judged(pooled: Texts, n: int, *parts: tuple[Texts, int | None]) -> Finding:
        whole = [rate("", months, text, n) for months, text in zip(MONTHS, pooled, strict=False)]
        rows = [
            rate(f"g{i}", months, text, size, part_of=whole[0].key, partition="grade")
            for i, (texts, size) in enumerate(parts)
            for months, text in zip(MONTHS, texts, strict=False)
        ]
        return only(pooled_findings([*whole, *rows]))

    return judged


def only(findings: list[Finding]) -> Finding:
    (found,) = findings
    json.dumps(found.to_json(), allow_nan=False)
    return found


def excluded_by(found: Finding) -> dict[tuple[int, int], str | None]:
    return {tuple(split["sizes"]): split["excluded_by"] for split in found.detail["splits"]}


# --- by hand ----------------------------------------------------------------------------------


def by_hand(exits: str) -> list[Fraction]:
    """Kaplan-Meier by its definition, at each bar: at risk are those whose exits stand ahead."""
    rates, s = [], Fraction(1)
    for place, letter in enumerate(exits):
        at_risk = sum(ahead != "|" for ahead in exits[place:])
        if letter == "|":
            rates.append(s)
        elif letter in "Dd":
            s *= 1 - Fraction(1, at_risk)
    return rates


def everyone(sizes: Sequence[int], order: str) -> str:
    """An order with those who are still at risk at its end, censored later."""
    left = [
        size - sum(order.count(x) for x in of) for size, of in zip(sizes, ("DC", "dc"), strict=True)
    ]
    return order + "C" * left[0] + "c" * left[1]


def products(told: str) -> list[Fraction]:
    """Multiply out what stands behind each ``S =``, all of whose forms must agree."""
    found = []
    for part in told.split("; "):
        if ": S = " not in part:
            continue
        forms = part.split(": S = ")[1].rpartition(",")[0].split(" = ")
        exact = [prod(map(Fraction, f.split(" × "))) for f in forms if not f.endswith("%")]
        assert len(set(exact)) == 1, part
        for form in forms:
            if form.endswith("%"):
                assert abs(Fraction(form[:-1]) / 100 - exact[0]) <= Fraction(1, 20_000), part
        found.append(exact[0])
    return found


def allows(text: str, s: Fraction) -> bool:
    """Whether a rate printed with one decimal can stand for S."""
    return abs(100 * s - Fraction(text)) <= Fraction(1, 20)


def assert_ends_recompute(split: dict[str, Any], parts: Sequence[Texts]) -> None:
    """The extreme arrangements give the range, and each group its own printed rates."""
    at = MONTHS.index(int(split["months"]))
    for end, value in zip((split["least"], split["greatest"]), split["range"], strict=True):
        rates = by_hand(everyone(split["sizes"], end["order"]))
        assert rates[at] == Fraction(value)
        assert products(end["pooled"]) == rates
        assert end["pooled"].startswith(f"{sum(split['sizes'])} at risk; ")
        for i, texts in enumerate(parts):
            size, told, letters = split["sizes"][i], end["groups"][i], ("DC|", "dc|")[i]
            own = "".join(letter for letter in end["order"] if letter in letters).upper()
            assert products(told) == by_hand(everyone((size, 0), own))
            assert told.startswith(f"{size} at risk; ")
            assert all(allows(text, s) for text, s in zip(texts, products(told), strict=True))


# --- brute force ------------------------------------------------------------------------------

Point = tuple[Fraction, Fraction, Fraction]
"""S of the first group, of the second, and pooled."""


@cache
def attained(first: int, second: int, landmarks: int) -> frozenset[tuple[Point, ...]]:
    """What all data sets of two groups show at some landmarks: every order of every exit."""
    found = set()

    def go(i: int, k: int, here: Point, seen: tuple[Point, ...]) -> None:
        if len(seen) == landmarks:
            found.add(seen)
            return
        go(i, k, here, (*seen, here))
        s, t, pooled = here
        if i:
            go(i - 1, k, here, seen)
            go(i - 1, k, (s * (i - 1) / i, t, pooled * (i + k - 1) / (i + k)), seen)
        if k:
            go(i, k - 1, here, seen)
            go(i, k - 1, (s, t * (k - 1) / k, pooled * (i + k - 1) / (i + k)), seen)

    go(first, second, (Fraction(1), Fraction(1), Fraction(1)), ())
    return frozenset(found)


def texts(values: Iterable[Fraction]) -> list[str]:
    return [f"{float(value * 100):.1f}" for value in values]


def pooled_ways(
    sizes: tuple[int, int], own: Sequence[Texts], landmarks: int
) -> set[tuple[Fraction, ...]]:
    """Pooled S at the landmarks in every data set whose groups show their own printed rates."""
    return {
        tuple(pooled for _, _, pooled in way)
        for way in attained(*sizes, landmarks)
        if all(
            allows(text, way[j][i])
            for i, printed in enumerate(own)
            for j, text in enumerate(printed)
        )
    }


@st.composite
def printed_rates(draw: st.DrawFn) -> tuple[tuple[int, int], list[list[str]], list[str]]:
    """Sizes, the groups' rates in one data set, and pooled ones that may be those of another."""
    landmarks = draw(st.integers(1, 2))
    n = draw(st.integers(2, 6 if landmarks == 1 else 5))
    first = draw(st.integers(1, n - 1))
    ways = sorted(attained(first, n - first, landmarks))
    one, other = draw(st.sampled_from(ways)), draw(st.sampled_from(ways))
    own = [texts(point[i] for point in one) for i in (0, 1)]
    return (first, n - first), own, texts(point[2] for point in other)


@settings(max_examples=150, deadline=None)
@given(case=printed_rates())
def test_the_range_equals_brute_force(
    judge: Judge, case: tuple[tuple[int, int], list[list[str]], list[str]]
) -> None:
    sizes, own, pooled = case
    found = judge(pooled, sum(sizes), *zip(own, sizes, strict=True))
    ways = pooled_ways(sizes, own, len(pooled))
    assert found.detail["exact"]
    assert [at["range"] for at in found.detail["landmarks"]] == [
        [str(min(way[j] for way in ways)), str(max(way[j] for way in ways))]
        for j in range(len(pooled))
    ]
    met = any(all(map(allows, pooled, way)) for way in ways)
    assert (found.verdict == "possible") == met
    if met:
        order = everyone(sizes, found.detail["order"])
        assert all(map(allows, pooled, by_hand(order)))


@settings(max_examples=50, deadline=None)
@given(case=printed_rates())
def test_pooled_rates_without_the_subgroups_equal_brute_force(
    judge: Judge, case: tuple[tuple[int, int], list[list[str]], list[str]]
) -> None:
    """The subgroups print their first rates, the pooled curve all."""
    sizes, own, pooled = case
    own = [texts[:1] for texts in own]
    found = judge(pooled, sum(sizes), *zip(own, sizes, strict=True))
    ways = pooled_ways(sizes, own, len(pooled))
    assert (found.verdict == "possible") == any(all(map(allows, pooled, way)) for way in ways)
    found = judge(pooled, sum(sizes), (own[0], None), (own[1], None))
    for split in found.detail["splits"]:
        ways = pooled_ways(tuple(split["sizes"]), own, len(pooled))
        if split["excluded_by"] is not None:
            assert not any(all(map(allows, pooled, way)) for way in ways)
        elif ways:
            for j, text in enumerate(pooled):
                ends = [f([way[j] for way in ways]) for f in (min, max)]
                assert ends[0] <= high(text)
                assert ends[1] >= low(text)


@settings(max_examples=100, deadline=None)
@given(case=printed_rates())
def test_what_excludes_a_split_equals_brute_force(
    judge: Judge, case: tuple[tuple[int, int], list[list[str]], list[str]]
) -> None:
    (a, b), own, pooled = case
    found = judge(pooled, a + b, (own[0], None), (own[1], None))
    if found.verdict == "impossible":
        assert ALL_EXCLUDED.format(a + b) in found.arithmetic
    for split in found.detail["splits"]:
        ways = pooled_ways(tuple(split["sizes"]), own, len(pooled))
        spans = [
            [f([way[j] for way in ways]) for f in (min, max)] for j in range(len(pooled)) if ways
        ]
        inside = [s[0] <= high(p) and s[1] >= low(p) for s, p in zip(spans, pooled, strict=False)]
        if not ways:
            assert split["excluded_by"] == "own rates"
        elif not all(inside):
            assert split["excluded_by"] == "pooled rate"
            j = inside.index(False)
            assert (split["months"], split["range"]) == (MONTHS[j], [str(end) for end in spans[j]])
            assert_ends_recompute(split, own)
        else:
            assert split["excluded_by"] in (None, "pooled rates together")
        if split["excluded_by"] is not None:
            assert not any(all(map(allows, pooled, way)) for way in ways)
    least = {own["group"]: own["least_n"] for own in found.detail["own_rates"]}
    for i, group in enumerate(("g0", "g1")):
        able = {s for s in range(1, a + b) if can(s, own[i])}
        assert least[group] == min(able, default=None)


def low(text: str) -> Fraction:
    return (Fraction(text) - Fraction(1, 20)) / 100


def high(text: str) -> Fraction:
    return (Fraction(text) + Fraction(1, 20)) / 100


def can(n: int, printed: Texts) -> bool:
    ways = attained(n, 0, len(printed))
    return any(all(allows(t, p[0]) for t, p in zip(printed, way, strict=True)) for way in ways)


# --- the printed numbers of patients ----------------------------------------------------------


def test_pooled_rate_in_range_with_an_arrangement(judge: Judge) -> None:
    # Nobody of 2 dies, one of 2 does: pooled between 1/2 (both others censored first) and 3/4.
    found = judge(["75.0"], 4, (["100"], 2), (["50.0"], 2))
    assert (found.check, found.verdict) == ("pooled_landmark", "possible")
    assert found.keys == ("a2000.os.rate_12m", "a2000.os.g0.rate_12m", "a2000.os.g1.rate_12m")
    assert found.printed == (
        "75.0% at 12 months pooled; 100% at 12 months (overall survival, g0, n = 2); "
        "50.0% at 12 months (overall survival, G1, n = 2)"
    )
    assert found.recomputed == (
        "at 12 months all arrangements lie between 50% and 75%, 74.95–75.05% reaches inside"
    )
    assert found.arithmetic == "4 at risk; 1 d; at 12 months: S = 3/4 = 75%, 3 at risk"
    assert found.detail["order"] == "d|"
    assert found.detail["landmarks"][0]["range"] == ["1/2", "3/4"]
    assert "splits" not in found.detail


def test_pooled_rate_outside_the_range(judge: Judge) -> None:
    parts = [(["100"], 2), (["50.0"], 2)]
    found = judge(["80.0"], 4, *parts)
    assert found.verdict == "impossible"
    assert found.recomputed == (
        "at 12 months all arrangements lie between 50% and 75%, 79.95–80.05% lies outside"
    )
    # Of 3 patients, 50 % is one death after a censoring: 2 are at risk, 3 with the other group's.
    assert found.arithmetic == (
        f"{found.recomputed}; 4 patients are g0 + G1, printed 2 + 2; "
        "with 3 or more of 4 in g0 a group's own rates cannot hold "
        "(g0 needs at least 1, G1 at least 2); "
        "printed 80.0% at 12 months: 79.95–80.05%; "
        "1 + 3: pooled 50–66.67%; 2 + 2: 50–75%: all below; " + ALL_EXCLUDED.format(4) + NO_OTHER
    )
    at = found.detail["landmarks"][0]
    assert at["least"] == "4 at risk; 2 C; 1 d; at 12 months: S = 1/2 = 50%, 1 at risk"
    assert at["greatest"] == "4 at risk; 1 d; at 12 months: S = 3/4 = 75%, 3 at risk"
    assert [other["sizes"] for other in found.detail["other_sizes"]] == [[1, 3], [3, 1]]


def test_each_split_says_what_excludes_it(judge: Judge) -> None:
    found = judge(["80.0"], 4, (["100"], 2), (["50.0"], 2))
    assert found.detail["groups"] == ["g0", "g1"]
    assert found.detail["own_rates"] == [
        {"group": "g0", "least_n": 1, "order": "1 at risk; at 12 months: S = 1, 1 at risk"},
        {
            "group": "g1",
            "least_n": 2,
            "order": "2 at risk; 1 D; at 12 months: S = 1/2 = 50%, 1 at risk",
            "too_few": 1,
            "nearest": "nearest at 12 months: 0% and 100%",
            "argument": [
                "1 at risk at the start, S = 1",
                "without a death: S is at least 100%, above the printed rate",
                "if the last one at risk dies, S = 0",
            ],
        },
    ]
    one_three, two_two, three_one = found.detail["splits"]
    assert two_two == {
        "sizes": [2, 2],
        "printed": True,
        "excluded_by": "pooled rate",
        "reason": "pooled at 12 months 50–75%, below 79.95–80.05%",
        "months": 12.0,
        "allowed": "79.95–80.05%",
        "exact": True,
        "range": ["1/2", "3/4"],
        "range_percent": [50.0, 75.0],
        "least": {
            "order": "CCd|",
            "pooled": "4 at risk; 2 C; 1 d; at 12 months: S = 1/2 = 50%, 1 at risk",
            "groups": [
                "2 at risk; 2 C; at 12 months: S = 1, 0 at risk",
                "2 at risk; 1 D; at 12 months: S = 1/2 = 50%, 1 at risk",
            ],
        },
        "greatest": {
            "order": "d|",
            "pooled": "4 at risk; 1 d; at 12 months: S = 3/4 = 75%, 3 at risk",
            "groups": [
                "2 at risk; at 12 months: S = 1, 2 at risk",
                "2 at risk; 1 D; at 12 months: S = 1/2 = 50%, 1 at risk",
            ],
        },
    }
    assert (one_three["range"], one_three["printed"]) == (["1/2", "2/3"], False)
    for split in (one_three, two_two):
        assert_ends_recompute(split, [["100"], ["50.0"]])
    assert three_one == {
        "sizes": [3, 1],
        "printed": False,
        "excluded_by": "own rates",
        "reason": "G1 cannot have its own rates with 1 patient",
    }
    assert found.detail["nearest_split"] == [2, 2]


def test_extreme_arrangements_reach_to_the_last_landmark(judge: Judge) -> None:
    # What excludes the split is the range at 12 months; the second death comes after it.
    parts = [["100", "100"], ["50.0", "0.0"]]
    found = judge(["90.0", "10.0"], 4, (parts[0], 2), (parts[1], 2))
    two_two = found.detail["splits"][1]
    assert (two_two["months"], two_two["range"]) == (12.0, ["1/2", "3/4"])
    assert [two_two[end]["order"] for end in ("least", "greatest")] == ["CCd|d|", "d|d|"]
    assert two_two["greatest"]["pooled"] == (
        "4 at risk; 1 d; at 12 months: S = 3/4 = 75%, 3 at risk; "
        "1 d; at 24 months: S = 3/4 × 2/3 = 1/2 = 50%, 2 at risk"
    )
    assert_ends_recompute(two_two, parts)


def test_pooled_rate_between_the_ends_that_nothing_reaches(judge: Judge) -> None:
    # 1/2, 2/3 and 3/4 are all there is.
    found = judge(["70.0"], 4, (["100"], 2), (["50.0"], 2))
    assert found.verdict == "unverifiable"
    assert found.detail["reason"] == (
        "the ranges do not exclude the pooled rates, and no arrangement was found"
    )
    assert excluded_by(found) == {(1, 3): "pooled rate", (2, 2): None, (3, 1): "own rates"}
    assert found.arithmetic == (
        f"{found.detail['reason']}; 4 patients are g0 + G1, printed 2 + 2; "
        "with 3 or more of 4 in g0 a group's own rates cannot hold "
        "(g0 needs at least 1, G1 at least 2); "
        "printed 70.0% at 12 months: 69.95–70.05%; 1 + 3: pooled 50–66.67%: below; "
        "not excluded: 2 + 2"
    )


def test_rates_each_possible_and_not_together(judge: Judge) -> None:
    # The one death comes before 12 months: whatever the pooled rate is there, it stays.
    parts = [["100", "100"], ["50.0", "50.0"]]
    found = judge(["75.0", "50.0"], 4, (parts[0], 2), (parts[1], 2))
    assert found.verdict == "impossible"
    assert [at["range"] for at in found.detail["landmarks"]] == [["1/2", "3/4"], ["1/2", "3/4"]]
    assert excluded_by(found) == {
        (1, 3): "pooled rate",
        (2, 2): "pooled rates together",
        (3, 1): "own rates",
    }
    assert found.detail["splits"][1]["reason"] == NOT_TOGETHER
    assert found.arithmetic == (
        f"{NOT_TOGETHER}; 4 patients are g0 + G1, printed 2 + 2; "
        "with 3 or more of 4 in g0 a group's own rates cannot hold "
        "(g0 needs at least 1, G1 at least 2); "
        "printed 75.0% at 12 months: 74.95–75.05%; 1 + 3: pooled 50–66.67%: below; "
        f"2 + 2: {NOT_TOGETHER}; " + ALL_EXCLUDED.format(4) + NO_OTHER
    )
    assert found.detail["nearest_split"] == [1, 3]


@pytest.mark.parametrize(
    ("n", "parts", "reason"),
    [
        (4, [(["100"], 2)], "rates of 1 subgroups are printed, not of two"),
        (5, [(["100"], 2), (["50.0"], 2)], "the subgroups have 2 + 2 patients, not 5"),
        (1, [(["100"], None), (["50.0"], None)], "one patient does not make two subgroups"),
        (0, [(["100"], 1), (["50.0"], 1)], "the group has no patients"),
        (
            None,
            [(["100"], 2), (["50.0"], 2)],
            "the number of patients of the pooled curve is not printed",
        ),
    ],
)
def test_what_cannot_be_pooled(
    judge: Judge, n: int, parts: list[tuple[Texts, int]], reason: str
) -> None:
    found = judge(["75.0"], n, *parts)
    assert (found.verdict, found.detail["reason"]) == ("unverifiable", reason)
    assert found.arithmetic == f"not verifiable: {reason}"


def test_subgroups_that_cannot_have_their_own_rates(judge: Judge) -> None:
    # 57.9 % needs ten patients; with 10 + 2, dDCCDCCD gives 10/12 × 7/8 × 4/5 = 58.3 %, so that
    # the numbers may have been printed the wrong way round.
    found = judge(["58.3"], 12, (["57.9"], 2), (["50.0"], 10))
    assert found.verdict == "unverifiable"
    assert found.recomputed == ""
    assert found.detail["reason"] == (
        "no order of exits gives the subgroups' own rates with these numbers of patients"
    )
    assert [own["least_n"] for own in found.detail["own_rates"]] == [10, 2]
    assert found.detail["own_rates"][0]["argument"]
    assert [sizes for sizes, why in excluded_by(found).items() if why is None] == [(10, 2)]
    assert found.detail["nearest_split"] is None
    assert found.arithmetic == (
        f"{found.detail['reason']}; 12 patients are g0 + G1, printed 2 + 10; "
        "with 9 or fewer, or 11 or more, of 12 in g0 a group's own rates cannot hold "
        "(g0 needs at least 10, G1 at least 2); not excluded: 10 + 2; "
        "none of these is the printed 2 + 10"
    )


def test_a_group_that_no_split_gives_enough_patients(judge: Judge) -> None:
    found = judge(["75.0"], 4, (["57.9"], 2), (["50.0"], 2))
    assert found.verdict == "impossible"
    assert found.recomputed == "g0 with 3: nearest at 12 months: 50% and 66.67%"
    assert found.arithmetic == (
        "4 patients are g0 + G1, printed 2 + 2; g0 cannot have its own rates with 3 or fewer "
        "(nearest at 12 months: 50% and 66.67%); " + ALL_EXCLUDED.format(4) + NO_OTHER
    )
    assert excluded_by(found) == dict.fromkeys([(1, 3), (2, 2), (3, 1)], "own rates")
    assert found.detail["splits"][2]["reason"] == (
        "g0 cannot have its own rates with 3 patients; G1 cannot have its own rates with 1 patient"
    )
    assert found.detail["own_rates"][0]["least_n"] is None


def test_two_groups_that_together_need_more_than_there_are(judge: Judge) -> None:
    # One third needs three patients, each.
    found = judge(["33.3"], 5, (["33.3"], None), (["33.3"], None))
    assert found.verdict == "impossible"
    assert found.arithmetic == (
        "5 patients are g0 + G1; for their own rates g0 needs at least 3, G1 at least 3, "
        "together 6; " + ALL_EXCLUDED.format(5) + NO_OTHER
    )
    assert found.recomputed == ""


def test_a_subgroup_may_name_the_pooled_rate_at_any_month(rate: Maker) -> None:
    # The pooled curve has no rate at 12 months, so the subgroups' first rates are part of none.
    whole = rate("", 24, "75.0", 4)
    cells = {"part_of": whole.key, "partition": "grade"}
    rows = [rate("g0", 12, "100", 2), rate("g1", 12, "50.0", 2)]
    rows += [rate("g0", 24, "100", 2, **cells), rate("g1", 24, "50.0", 2, **cells)]
    found = only(pooled_findings([whole, *rows]))
    assert found.verdict == "possible"
    assert found.detail["order"].count("|") == 2


# --- pooled rates at months at which no subgroup prints one --------------------------------------


def at_months(
    rate: Maker,
    pooled: dict[int, str],
    first: dict[int, str],
    second: dict[int, str],
    sizes: tuple[int | None, int | None] = (2, 2),
) -> Finding:
    whole = [rate("", months, text, 4) for months, text in pooled.items()]
    rows = [
        rate(f"g{i}", months, text, size, part_of=whole[0].key, partition="grade")
        for i, (own, size) in enumerate(zip((first, second), sizes, strict=True))
        for months, text in own.items()
    ]
    return only(pooled_findings([*whole, *rows]))


def test_a_pooled_rate_between_the_subgroups_months(rate: Maker) -> None:
    # Nobody dies between 12 and 36 months.
    own = {12: "100", 36: "100"}, {12: "50.0", 36: "50.0"}
    found = at_months(rate, {12: "75.0", 24: "75.0"}, *own)
    assert found.verdict == "possible"
    assert found.detail["order"].count("|") == 3
    assert [at["months"] for at in found.detail["landmarks"]] == [12, 24]
    found = at_months(rate, {12: "75.0", 24: "70.0"}, *own)
    assert found.verdict == "impossible"
    assert found.recomputed == (
        "at 12 months all arrangements lie between 50% and 75%, 74.95–75.05% reaches inside; "
        "at 24 months all arrangements lie between 50% and 75%, 69.95–70.05% reaches inside"
    )
    assert found.arithmetic.startswith(NOT_TOGETHER)


def test_a_pooled_rate_after_the_subgroups_months(rate: Maker) -> None:
    # 75 % leaves three at risk at 12 months; then 3/4 × 2/3 = 50 %, and never 60 %, which lies
    # between 0 and 75 %: no proof, but not possible either.
    own = {12: "100"}, {12: "50.0"}
    assert at_months(rate, {12: "75.0", 24: "50.0"}, *own).verdict == "possible"
    found = at_months(rate, {12: "75.0", 24: "60.0"}, *own)
    assert found.verdict == "unverifiable"
    assert found.detail["reason"] == (
        "with the pooled rates at 24 months, too: the ranges do not exclude the pooled rates, and "
        "no arrangement was found"
    )


def test_no_pooled_rate_at_the_subgroups_months(rate: Maker) -> None:
    # All live at 24 months, so they do at 12.
    own = {24: "100"}, {24: "100"}
    assert at_months(rate, {12: "100"}, *own).verdict == "possible"
    found = at_months(rate, {12: "75.0"}, *own)
    assert found.verdict == "impossible"
    assert found.recomputed == (
        "at 12 months all arrangements lie between 100% and 100%, 74.95–75.05% lies outside"
    )


def test_a_split_excluded_at_a_further_month(rate: Maker) -> None:
    own = {12: "100"}, {12: "50.0"}
    found = at_months(rate, {12: "75.0", 24: "80.0"}, *own, sizes=(None, None))
    assert found.verdict == "impossible"  # it rises
    found = at_months(rate, {24: "80.0"}, *own, sizes=(None, None))
    assert found.verdict == "impossible"
    split = found.detail["splits"][1]
    assert (split["sizes"], split["months"]) == ([2, 2], 24)
    assert split["range"] == ["0", "3/4"]
    assert "at 24 months: S = 3/4" in split["greatest"]["pooled"]


# --- curves that contradict themselves ----------------------------------------------------------

MEDIAN = {"measure": "median", "unit": "months", "estimator": "kaplan_meier"}


def contradicted(rate: Maker, figure: Maker, median: str, *sizes: int | None) -> Finding:
    whole = [rate("", 12, "75.0", 4), rate("", 36, "50", 4)]
    cells = {"part_of": whole[0].key, "partition": "grade"}
    rows = [rate("g0", 36, "60", sizes[0], **cells), rate("g1", 12, "50.0", sizes[1], **cells)]
    group = {"subgroup": "g0", **MEDIAN}
    return only(pooled_findings([*whole, *rows, figure("a2000.os.g0.median", median, **group)]))


@pytest.mark.parametrize("sizes", [(None, None), (2, 2), (2, None), (1, 1)])
def test_a_group_that_is_impossible_whatever_its_size(
    rate: Maker, figure: Maker, sizes: tuple[int | None, int | None]
) -> None:
    found = contradicted(rate, figure, "28", *sizes)
    assert found.verdict == "impossible"
    assert found.keys[-1] == "a2000.os.g0.median"
    assert found.printed.endswith("; median 28 months (overall survival, g0)")
    reason = (
        "overall survival, g0: the median is 28 months (27.5–28.5), so S is at most 1/2 from 28.5 "
        "months on; at 36 months S is at most 50%, and the printed 60% needs at least 59.5%; so no "
        "number of patients gives both"
    )
    assert found.arithmetic == (
        f"{reason}; truncated, rounded up or rounded twice they contradict each other all the "
        "same; so for no split of 4 patients can all rates hold"
    )
    assert [split["sizes"] for split in found.detail["splits"]] == [[1, 3], [2, 2], [3, 1]]
    for split in found.detail["splits"]:
        assert (split["excluded_by"], split["reason"]) == ("own rates", reason)
        assert split["printed"] == (split["sizes"] == list(sizes))


def test_a_group_whose_median_some_size_gives(rate: Maker, figure: Maker) -> None:
    found = contradicted(rate, figure, "40", None, None)
    assert "contradiction" not in found.detail
    assert found.keys[-1] != "a2000.os.g0.median"


def test_a_pooled_curve_that_rises(judge: Judge) -> None:
    found = judge(["50.0", "75.0"], 4, (["100"], None), (["50.0"], None))
    assert found.verdict == "impossible"
    assert {split["excluded_by"] for split in found.detail["splits"]} == {"pooled rate"}
    found = judge(["50.0", "75.0"], None, (["100"], None), (["50.0"], None))
    assert (found.verdict, found.detail["splits"]) == ("impossible", [])
    assert found.arithmetic.endswith("so for no two subgroups can all rates hold")


# --- other conventions, methods that are not named ----------------------------------------------


def test_splits_that_truncation_would_leave(judge: Judge) -> None:
    # 5/6 is 83.33 %, 4/6 is 66.67 %: rounded that is 66.7, truncated 66.6.
    found = judge(["83.3"], 6, (["100"], None), (["66.6"], None))
    assert found.verdict == "impossible"
    assert found.arithmetic.endswith("; with all rates truncated not excluded: 3 + 3")
    assert found.detail["conventions"] == [
        {"convention": "truncated", "verdict": "not excluded", "splits_left": [[3, 3]]},
        {"convention": "rounded up", "verdict": "impossible", "splits_left": []},
        {"convention": "rounded twice", "verdict": "impossible", "splits_left": []},
    ]
    assert "conventions" not in judge(["83.3"], 6, (["100"], 3), (["66.7"], 3)).detail


def test_the_method_and_the_number_of_the_pooled_curve(
    rate: Maker, study: Callable[..., Study]
) -> None:
    cells = {"unit_of_analysis": "patient", "estimator": "actuarial"}
    whole = rate("", 12, "75.0", None, **cells)
    part = {"part_of": whole.key, "partition": "grade", **cells}
    rows = [whole, rate("g0", 12, "100", 2, **part), rate("g1", 12, "50.0", 2, **part)]
    found = only(pooled_findings(rows, {"a2000": study("a2000", 4)}))
    assert (found.verdict, found.detail["assumes"]) == ("possible", "Kaplan-Meier")
    assert found.arithmetic.startswith("taken as Kaplan-Meier, as the method is not named; 4 at")
    found = only(pooled_findings(rows))
    assert found.detail["reason"] == "the number of patients of the pooled curve is not printed"


# --- unknown numbers of patients --------------------------------------------------------------


def test_groups_are_told_in_words(rate: Maker) -> None:
    whole = rate("", 12, "75.0", 4)
    cells = {"part_of": whole.key, "partition": "grade"}
    rows = [rate("grade_g1", 12, "100", 2, **cells), rate("grade_g2_g3", 12, "50.0", 2, **cells)]
    assert only(pooled_findings([whole, *rows])).printed.endswith(
        "100% at 12 months (overall survival, grade G1, n = 2); "
        "50.0% at 12 months (overall survival, grade G2 and G3, n = 2)"
    )
    rows = [rate(f"number_{which}", 12, "50.0", None, **cells) for which in ("single", "multiple")]
    told = only(pooled_findings([whole, *rows])).arithmetic
    assert "4 patients are single lesion + multiple lesions" in told


def test_splits_that_are_left_when_sizes_are_unknown(judge: Judge) -> None:
    # 75 % needs the one death at 4 at risk; of 3 patients 50 % needs one censored before it.
    found = judge(["75.0"], 4, (["100"], None), (["50.0"], None))
    assert found.verdict == "unverifiable"
    assert "(overall survival, g0, n not printed)" in found.printed
    assert found.arithmetic == (
        "not verifiable: the numbers of patients of the subgroups are not printed; "
        "4 patients are g0 + G1; "
        "with 3 or more of 4 in g0 a group's own rates cannot hold "
        "(g0 needs at least 1, G1 at least 2); "
        "printed 75.0% at 12 months: 74.95–75.05%; 1 + 3: pooled 50–66.67%: below; "
        "not excluded: 2 + 2"
    )
    assert found.detail["sizes"] == [None, None]
    assert excluded_by(found) == {(1, 3): "pooled rate", (2, 2): None, (3, 1): "own rates"}
    assert not any(split["printed"] for split in found.detail["splits"])


def test_no_split_is_left_when_sizes_are_unknown(judge: Judge) -> None:
    found = judge(["99.0"], 4, (["100"], None), (["50.0"], None))
    assert found.verdict == "impossible"
    assert found.recomputed == "nearest split 2 + 2: 50–75% at 12 months"
    assert found.arithmetic.endswith(
        "printed 99.0% at 12 months: 98.95–99.05%; 1 + 3: pooled 50–66.67%; "
        "2 + 2: 50–75%: all below; " + ALL_EXCLUDED.format(4) + NO_OTHER
    )
    assert found.detail["nearest_split"] == [2, 2]
    for split in found.detail["splits"][:2]:
        assert_ends_recompute(split, [["100"], ["50.0"]])


def test_one_size_is_printed_and_its_split_excluded(judge: Judge) -> None:
    found = judge(["75.0"], 4, (["100"], None), (["50.0"], 3))
    assert found.verdict == "impossible"
    assert found.recomputed == "1 + 3: pooled at 12 months 50–66.67%, below 74.95–75.05%"
    assert found.arithmetic.startswith("4 patients are g0 + G1, printed ? + 3; ")
    assert found.arithmetic.endswith(
        "not excluded: 2 + 2; none of these is the printed ? + 3" + NO_OTHER
    )
    found = judge(["75.0"], 4, (["100"], None), (["50.0"], 2))
    assert found.verdict == "unverifiable"
    assert found.arithmetic.endswith("not excluded: 2 + 2")


# --- many states, many splits -----------------------------------------------------------------


def test_too_many_pairs_leave_a_split_open(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_PAIRS", 0)
    found = judge(["99.0"], 4, (["100"], None), (["50.0"], None))
    assert found.verdict == "unverifiable"
    assert found.arithmetic == (
        "not verifiable: the numbers of patients of the subgroups are not printed; "
        "4 patients are g0 + G1; "
        "with 3 or more of 4 in g0 a group's own rates cannot hold "
        "(g0 needs at least 1, G1 at least 2); "
        f"not excluded, as {TOO_MANY}: 1 + 3 to 2 + 2"
    )
    assert found.detail["splits"][1] == {
        "sizes": [2, 2],
        "printed": False,
        "excluded_by": None,
        "reason": f"not excluded, as {TOO_MANY}",
    }
    found = judge(["99.0"], 4, (["100"], 2), (["50.0"], 2))
    assert (found.verdict, found.detail["reason"]) == ("unverifiable", TOO_MANY)
    assert found.detail["landmarks"] == []


def test_coarse_states_give_a_wider_range_and_no_certificate(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [(["100", "100"], None), (["60.0", "60.0"], None)]
    exact = judge(["99.0", "99.0"], 6, *parts).detail["splits"][0]
    monkeypatch.setattr(module, "FINE_STATES", 0)
    found = judge(["99.0", "99.0"], 6, *parts)
    coarse = found.detail["splits"][0]
    assert (exact["exact"], coarse["exact"]) == (True, False)
    wide, true = ([Fraction(end) for end in split["range"]] for split in (coarse, exact))
    assert wide[0] <= true[0]
    assert true[1] <= wide[1]
    assert coarse["reason"].startswith("pooled at 12 months within ")
    assert "least" not in coarse
    known = judge(["99.0", "99.0"], 6, (parts[0][0], 1), (parts[1][0], 5))
    assert not known.detail["exact"]
    assert "least" not in known.detail["landmarks"][0]


def test_many_splits_are_told_by_their_ends(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SPLITS_TOLD", 1)
    found = judge(["99.0"], 4, (["100"], None), (["50.0"], None))
    assert found.arithmetic.endswith(
        "printed 99.0% at 12 months: 98.95–99.05%; "
        "1 + 3 to 2 + 2: pooled within 50–75%, nearest 2 + 2: 50–75%: all below; "
        + ALL_EXCLUDED.format(4)
        + NO_OTHER
    )


def test_rates_possible_alone_and_not_together(rate: Maker) -> None:
    # 18 and 19 patients: at 12 months the subgroups leave 8/11 to 696/925, above 71.5 %.
    whole = rate("", 12, "71.5", 37)
    rows = [
        rate("g1", 12, "92.9", 18, part_of=whole.key, partition="grade"),
        rate("g1", 36, "61.1", 18),
        rate("g2", 12, "57.9", 19, part_of=whole.key, partition="grade"),
        rate("g2", 36, "6.0", 19),
    ]
    found = only(pooled_findings([whole, *rows]))
    assert found.verdict == "impossible"
    assert found.detail["landmarks"][0]["range"] == ["8/11", "696/925"]
    assert [other["sizes"] for other in found.detail["other_sizes"]] == [[17, 20], [19, 18]]
    assert found.detail["nearest_split"] == [14, 23]
