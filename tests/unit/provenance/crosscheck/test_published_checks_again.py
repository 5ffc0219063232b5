"""The consistency report's verdicts and lines a second time: by hand, and beside the first."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from cohort_run import listed
from hypothesis import given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.contrasts import symmetric_intervals, wald_p_values
from sarcoma_sbrt.evidence.consistency.counts import numbers_analysed, subtotals
from sarcoma_sbrt.evidence.consistency.directions import directions
from sarcoma_sbrt.evidence.consistency.drift import drift
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.legibility import legible_texts
from sarcoma_sbrt.evidence.consistency.percentages import percentages
from sarcoma_sbrt.evidence.consistency.ranges import (
    attainable_doses,
    contained_values,
    dose_classes,
)
from sarcoma_sbrt.evidence.consistency.repeats import repeats
from sarcoma_sbrt.evidence.consistency.subsets import populations, subsets
from sarcoma_sbrt.evidence.published import Published, published
from sarcoma_sbrt.io import read_json, read_rows
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.published_checks import recompute
from sarcoma_sbrt.provenance.crosscheck.published_curves import feasible, lines
from sarcoma_sbrt.provenance.crosscheck.published_figures import (
    Printed,
    printed,
    rounded,
    span_of,
    written,
)
from sarcoma_sbrt.reporting.consistency_statistics import consistency_statistics
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import Plan

ROOT = Path(__file__).parents[4]
FOLDER = ROOT / "data/published"
CHECKS: tuple[Callable[[list[Any]], list[Finding]], ...] = (
    *(legible_texts, percentages, subtotals, subsets, populations, numbers_analysed),
    *(contained_values, attainable_doses, dose_classes, symmetric_intervals, wald_p_values),
    *(repeats, directions),
)
Rows = dict[str, list[tuple[int, dict[str, str]]]]


@functools.cache
def package() -> dict[str, Any]:
    return cast(dict[str, Any], read_json(FOLDER / "datapackage.json"))


@functools.cache
def committed() -> Rows:
    return {
        f"data/published/{r['path']}": read_rows(FOLDER / r["path"]) for r in package()["resources"]
    }


def again(rows: Rows, records: Sequence[Any] = ()) -> dict[str, Second]:
    own = cast(Plan, SimpleNamespace(alpha_beta_gy=10.0))
    statistics: dict[str, list[Any]] = {"consistency": list(records)}
    return recompute(Materials(own, {}, {}, {}, {}, statistics, rows, package()))


@functools.cache
def second() -> dict[str, Second]:
    return again(committed())


def first_findings(tables: Published) -> list[Finding]:
    """Every check but those of curves, which take long."""
    figures = list(tables.figures.values())
    found = [finding for check in CHECKS for finding in check(figures)]
    return [*found, *drift(tables.of("feng2020"), tables.of("feng2022"))]


def test_every_finding_of_the_first_report_is_found_again_word_for_word() -> None:
    tables = published(committed(), package())
    records = consistency_statistics(first_findings(tables), tables.figures)
    listed("consistency", to_json("consistency", records)["statistics"])
    # The report adds the notes later.
    wanted = {r.key: r.value for r in records if not r.key.endswith(".remarks")}
    of_findings = {k: v for k, v in wanted.items() if not k.startswith("consistency.count.")}
    missing = {key for key in of_findings if key not in second()}
    assert missing == set()
    assert {k: v for k, v in of_findings.items() if second()[k].value != v} == {}
    told = {k for k in second() if k.endswith(".verdict")} - {
        k
        for k in second()
        if k.startswith(("consistency.landmark.", "consistency.pooled_landmark."))
    }
    assert told == {k for k in of_findings if k.endswith(".verdict")}


def test_counts_follow_from_the_verdicts() -> None:
    verdicts = {k: s.value for k, s in second().items() if k.endswith(".verdict")}
    per_check = Counter(key.split(".")[1] for key in verdicts)
    counts = {k: s.value for k, s in second().items() if k.startswith("consistency.count.")}
    assert counts["consistency.count.all"] == len(verdicts)
    assert all(counts[f"consistency.count.{check}"] == n for check, n in per_check.items())
    failed = [v for v in verdicts.values() if v in ("inconsistent", "impossible")]
    assert counts["consistency.count.failed"] == len(failed)
    assert cast(int, counts["consistency.count.facts"]) <= len(failed)


def changed(key: str, **cells: str) -> Rows:
    """The committed tables with other cells in one row."""
    return {
        file: [
            (line, row | cells if key in (row.get("outcome_id"), row.get("target_id")) else row)
            for line, row in rows
        ]
        for file, rows in committed().items()
    }


@pytest.mark.parametrize(
    ("key", "cells", "check", "line"),
    [
        (
            "feng2022.grade.g1",
            {"estimate": "50.4", "printed_text": "50.4"},
            "count_percentage",
            "19/37 = 51.351% → 51.4%, printed 50.4%",
        ),
        (
            "feng2022.age.median",
            {"range_high": "40", "printed_range": "15–40"},
            "range",
            "lies outside",
        ),
    ],
)
def test_a_changed_cell_is_found(key: str, cells: dict[str, str], check: str, line: str) -> None:
    after, name = again(changed(key, **cells)), f"consistency.{check}.{key}"
    assert after[f"{name}.verdict"].value == "inconsistent"
    assert line in str(after[f"{name}.arithmetic"].value)


# --- digits -------------------------------------------------------------------------------


def test_what_digits_stand_for() -> None:
    assert Printed("0.40").ends == (Fraction("0.395"), Fraction("0.405"))
    assert Printed("0").ends == (Fraction(0), Fraction(1, 2))
    assert set(Printed("7", exact=True).ends) == {Fraction(7)}
    assert span_of(Printed("13,000"), "~").high == 13_500
    assert span_of(Printed("5", exact=True), ">").open_low
    assert printed("20.0–45", 45.0).text == "45"
    assert printed("Thirteen", 13.0).text == "13"


def test_rounding_leaves_a_half_open() -> None:
    assert rounded(Fraction(5, 2), 0) == ("2", "3")
    assert rounded(Fraction(200, 3), 1) == ("66.7",)
    assert written(Fraction(25, 37) * 100, 1) == "67.57"
    # 29.45 seems to lie half-way and does not.
    assert written(Fraction("29.4496"), 1) == "29.4496"


@given(st.integers(0, 10**6), st.integers(1, 5000), st.integers(0, 4))
def test_rounding_is_within_half_a_digit(top: int, bottom: int, places: int) -> None:
    value = Fraction(top, bottom)
    for text in rounded(value, places):
        assert abs(Fraction(text) - value) * 2 <= Fraction(1, 10**places)
        assert len(text.partition(".")[2]) == places


# --- orders of exits ----------------------------------------------------------------------


def reached(n: int, count: int) -> set[tuple[Fraction, ...]]:
    """S at each landmark for every order of at most n exits."""
    found = set()
    for length in range(n + 1):
        for letters in itertools.product("DC", repeat=length):
            for bars in itertools.combinations_with_replacement(range(length + 1), count):
                found.add(tuple(survival(n, letters[:bar]) for bar in bars))
    return found


def survival(n: int, letters: Sequence[str]) -> Fraction:
    s = Fraction(1)
    for r, letter in zip(range(n, 0, -1), letters, strict=False):
        s *= Fraction(r - 1, r) if letter == "D" else 1
    return s


EVERY = {(n, count): reached(n, count) for n in (1, 3, 6) for count in (1, 2)}


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(EVERY)),
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 30)), min_size=2, max_size=2),
)
def test_feasible_equals_trying_every_order(
    of: tuple[int, int], given_windows: list[tuple[int, int]]
) -> None:
    n, count = of
    windows = [
        (Fraction(low, 1000), Fraction(min(low + width, 1000), 1000))
        for low, width in given_windows[:count]
    ]
    possible = any(
        all(low <= s <= high for s, (low, high) in zip(each, windows, strict=True))
        for each in EVERY[of]
    )
    assert feasible(n, windows) is possible


def test_the_finding_that_rests_on_the_finest_digits() -> None:
    # 57.9% at 12 and 6.0% at 36 months cannot be of 18 patients, but can of 19.
    windows = [(Fraction("0.5785"), Fraction("0.5795")), (Fraction("0.0595"), Fraction("0.0605"))]
    assert [feasible(n, windows) for n in (17, 18, 19)] == [False, False, True]


@pytest.mark.parametrize(
    ("line", "corrected"),
    [
        (
            "24 at risk; 7 D; 1 C; 1 D; at 24 months: S = 17/24 × 15/16 = 66.41%, 15 at risk",
            None,
        ),
        (
            "24 at risk; 7 D; 1 C; 1 D; at 24 months: S = 17/24 × 15/16 = 66.51%, 15 at risk",
            "66.41%",
        ),
        (
            "24 at risk; 7 D; 2 C; 1 D; at 24 months: S = 17/24 × 15/16 = 66.41%, 15 at risk",
            "14 at risk",
        ),
        ("S is at least 22.35%/(1 + 3) = 5.59%, above", None),
        ("S is at least 22.35%/(1 + 3) = 5.69%, above", "5.59%"),
    ],
)
def test_steps_of_a_certificate_are_done_again(line: str, corrected: str | None) -> None:
    record = {"key": "consistency.landmark.x.os.arithmetic", "value": line}
    ((_, found),) = lines([record])
    assert (found.value == line) is (corrected is None)
    assert corrected is None or corrected in str(found.value)
