"""Pooled rates a second time: beside every arrangement there is, and beside the first engine."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.pooled import pooled_findings
from sarcoma_sbrt.evidence.published import Published, published
from sarcoma_sbrt.io import read_json, read_rows
from sarcoma_sbrt.provenance.crosscheck import published_pools
from sarcoma_sbrt.provenance.crosscheck.published_curves import ANY, Window
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged
from sarcoma_sbrt.provenance.crosscheck.published_pools import pooled_landmarks, rates_together

FOLDER = Path(__file__).parents[4] / "data" / "published"
Rates = tuple[Fraction, ...]


def window(low: str, high: str) -> Window:
    return Fraction(low), Fraction(high)


# --- beside every arrangement -------------------------------------------------------------


def arrangements(sizes: tuple[int, int], landmarks: int) -> Iterator[tuple[Rates, Rates, Rates]]:
    """S of both groups and of all together at each landmark, for every order of their exits."""
    for length in range(sum(sizes) + 1):
        for letters in itertools.product("DCdc", repeat=length):
            own = [[x for x in letters if x in of] for of in ("DC", "dc")]
            if all(len(x) <= n for x, n in zip(own, sizes, strict=True)):
                for bars in itertools.combinations_with_replacement(range(length + 1), landmarks):
                    yield _rates(sizes, letters, bars)


def _rates(
    sizes: tuple[int, int], letters: Sequence[str], bars: Sequence[int]
) -> tuple[Rates, Rates, Rates]:
    whose = ((sizes[0], "DC"), (sizes[1], "dc"), (sum(sizes), "DCdc"))
    first, second, pooled = (
        tuple(_survival(n, [x for x in letters[:bar] if x in of]) for bar in bars)
        for n, of in whose
    )
    return first, second, pooled


def _survival(n: int, letters: Sequence[str]) -> Fraction:
    s = Fraction(1)
    for r, letter in zip(range(n, 0, -1), letters, strict=False):
        s *= Fraction(r - 1, r) if letter in "Dd" else 1
    return s


EVERY = {
    (sizes, count): {*arrangements(sizes, count)} for sizes in ((1, 2), (2, 2)) for count in (1, 2)
}
WINDOW = st.tuples(st.integers(0, 100), st.integers(0, 40)).map(
    lambda ends: (Fraction(ends[0], 100), Fraction(min(sum(ends), 100), 100))
)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(EVERY)), st.lists(WINDOW, min_size=6, max_size=6))
def test_what_is_said_equals_trying_every_arrangement(
    of: tuple[tuple[int, int], int], windows: list[Window]
) -> None:
    sizes, count = of
    own, pooled = [windows[:count], windows[2 : 2 + count]], windows[4 : 4 + count]
    possible = any(
        all(
            low <= s <= high
            for curve, ends in zip(rates, (*own, pooled), strict=True)
            for s, (low, high) in zip(curve, ends, strict=True)
        )
        for rates in EVERY[of]
    )
    found = rates_together(sizes, own, pooled)
    # False and True are proofs; what is open was not decided by the least and greatest alone.
    assert found in (possible, None)
    assert found is not None or not possible


def test_the_finding_that_rests_on_the_pooled_rate() -> None:
    own = [[window("0.9285", "0.9295"), window("0.6105", "0.6115")]]
    own += [[window("0.5785", "0.5795"), window("0.0595", "0.0605")]]
    pooled = [window("0.7145", "0.7155"), ANY]
    assert rates_together((18, 19), own, pooled) is False
    # All arrangements lie between 72.73 and 75.24 %.
    for rate, possible in (("0.7273", True), ("0.7524", True), ("0.7271", False)):
        near = Fraction(rate)
        windows = [(near - Fraction("0.0001"), near + Fraction("0.0001")), ANY]
        assert rates_together((18, 19), own, windows) is possible


# --- beside the first engine --------------------------------------------------------------


def rows() -> dict[str, list[tuple[int, dict[str, str]]]]:
    return {
        f"data/published/{r['path']}": read_rows(FOLDER / r["path"])
        for r in read_json(FOLDER / "datapackage.json")["resources"]
    }


@pytest.fixture(scope="module")
def tables() -> dict[str, list[tuple[int, dict[str, str]]]]:
    return rows()


def changed(
    tables: dict[str, list[tuple[int, dict[str, str]]]], cells: dict[str, dict[str, str]]
) -> tuple[list[Figure], dict[str, dict[str, str]], Published]:
    """Figures of the preprint and the paper with other cells, as both engines read them."""
    new = {
        file: [
            (line, row | cells.get(row.get("target_id") or row.get("outcome_id") or "", {}))
            for line, row in of
        ]
        for file, of in tables.items()
    }
    figures = [
        Figure(next(iter(row.values())), row)
        for file, of in new.items()
        if "targets/feng" in file
        for _, row in of
    ]
    studies = {row["study_id"]: row for _, row in new["data/published/studies.csv"]}
    return figures, studies, published(new, read_json(FOLDER / "datapackage.json"))


G1, G2 = "feng2022.os.grade_g1.rate", "feng2022.os.grade_g2_g3.rate"


def sized(first: str, second: str) -> dict[str, dict[str, str]]:
    sizes = {G1: first, G2: second}
    return {f"{k}_{m}m": {"n": n} for k, n in sizes.items() for m in (12, 36)}


def beside(found: Sequence[Judged], first: Sequence[Any]) -> None:
    assert [(j.keys, j.verdict) for j in found] == [(f.keys, f.verdict) for f in first]
    reasons = [f.detail.get("reason", "") for f in first]
    assert [j.reason for j in found] == reasons
    assert {j.printed for j in found if j.verdict == "impossible"} == {
        f.printed for f in first if f.verdict == "impossible"
    }


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param({}, id="as printed"),
        pytest.param(sized("18", "19"), id="own rates hold"),
        pytest.param(sized("19", "17"), id="other sum"),
        pytest.param(sized("18", ""), id="one size"),
        pytest.param(
            sized("18", "19")
            | {f"feng2022.os.rate_{m}m": {"estimate": "", "printed_text": "–"} for m in (24, 36)}
            | {"feng2022.os.rate_12m": {"estimate": "74", "printed_text": "74"}},
            id="possible",
        ),
        pytest.param({f"{G1}_36m": {"estimate": "95", "printed_text": "95"}}, id="rises"),
    ],
)
def test_verdicts_and_reasons_are_the_first_engines(
    tables: dict[str, list[tuple[int, dict[str, str]]]], cells: dict[str, dict[str, str]]
) -> None:
    figures, studies, first = changed(tables, cells)
    own = [f for f in figures if f["study_id"] == "feng2022" and f["paper"] == "feng2022"]
    found = [*pooled_landmarks(own, studies)]
    assert len(found) == 1
    known = [first.figures[f.key] for f in own]
    beside(found, pooled_findings(known, first.studies))


def test_too_many_states_exclude_nothing(
    tables: dict[str, list[tuple[int, dict[str, str]]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_pools, "_MOST_STATES", 10)
    published_pools._never_together.cache_clear()
    figures, studies, _ = changed(tables, sized("18", "19"))
    own = [f for f in figures if f["paper"] == "feng2022"]
    (found,) = pooled_landmarks(own, studies)
    published_pools._never_together.cache_clear()
    assert (found.verdict, found.reason) == (
        "unverifiable",
        "there are too many pairs of states to look at",
    )
