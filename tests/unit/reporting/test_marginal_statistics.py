"""Marginals and their conflicts become counted and keyed numbers, and tables of keys alone."""

import math
import re

import pytest

from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.agreement import Marginal, Printed
from sarcoma_sbrt.evidence.reconstruction.marginal_conflicts import Conflict
from sarcoma_sbrt.reporting.marginal_statistics import (
    conflict_keys,
    marginal_statistics,
    marginal_table,
)
from sarcoma_sbrt.reporting.marginal_tables import marginal_tables
from sarcoma_sbrt.reporting.numbers import support_of
from sarcoma_sbrt.settings import CohortSettings

SINGLE = Figure(
    "s.single",
    "s",
    "s",
    "table_1",
    "One lesion",
    "n (%)",
    "proportion",
    "number_of_lesions",
    estimate=64.8,
    printed_text="64.8",
    events=24,
    locator="S 2020, Table 1, row “One lesion”",
    file="data/published/targets/s.csv",
)
SIZE = Figure(
    "s.size",
    "s",
    "s",
    "table_2",
    "Size",
    "",
    "median",
    "size",
    unit="cm",
    estimate=5.5,
    printed_text="5.5",
    locator="S 2020, Table 2, row “Size”",
    file="data/published/targets/s.csv",
)
FIGURES = {figure.key: figure for figure in (SINGLE, SIZE)}
COUNT = Marginal(
    "s.single.count", SINGLE, ("lesions.patient_id",), Printed("count", "24", 24, 1), 24, "exact"
)
PERCENT = Marginal(
    "s.single.percent",
    SINGLE,
    ("lesions.patient_id",),
    Printed("percent", "64.8", 64.8, 0.1),
    100 * 24 / 37,
    "unit",
)
MEDIAN = Marginal(
    "s.size.median", SIZE, ("lesions.size_mm",), Printed("median", "5.5", 5.5, 0.1), 6.0, "miss"
)
EMPTY = Marginal("s.size.least", SIZE, (), Printed("least", "1.6", 1.6, 0.1), math.nan, "miss")
PROOF = Conflict("count_percentage", ("s.single",), "impossible", "24/37, 64.8%", "64.9")
HELD = Conflict("median_and_classes", ("s.size",), "possible", "", "")
NAMED = Conflict("one_name", ("s.single", "s.size"), "wording", "a and b", "a ≠ b", kept="both")
MARGINALS, FOUND = [COUNT, PERCENT, MEDIAN], [PROOF, HELD, NAMED]


@pytest.fixture(scope="module")
def statistics():
    return {s.key: s for s in marginal_statistics(MARGINALS, FOUND, FIGURES)}


def test_counts(statistics):
    counted = {
        key.removeprefix("marginals."): s.value
        for key, s in statistics.items()
        if key.startswith(("marginals.count.", "marginals.checks."))
    }
    assert {key: n for key, n in counted.items() if n} == {
        "count.all": 3,
        "count.exact": 1,
        "count.unit": 1,
        "count.miss": 1,
        "count.inexact": 2,
        "count.proved": 1,
        "count.table_1.all": 2,
        "count.table_1.exact": 1,
        "count.table_2.all": 1,
        "checks.all": 3,
        "checks.impossible": 1,
        "checks.wording": 1,
        "checks.possible": 1,
    }
    assert counted["count.two_percent"] == counted["checks.conditional"] == 0


def test_what_the_tables_do_not_give_is_there_with_its_reason(statistics):
    assert statistics["marginals.s.single.percent.recomputed"].value == 100 * 24 / 37
    assert statistics["marginals.s.single.percent.recomputed"].unit == "percent"
    assert statistics["marginals.s.single.percent.why"].value == "proved impossible"
    assert statistics["marginals.s.size.median.recomputed"].unit == "cm"
    assert statistics["marginals.s.size.median.why"].value == "not found"
    assert not any(key.startswith("marginals.s.single.count") for key in statistics)


def test_conflicts_say_what_is_kept(statistics):
    of = "marginals.conflict.count_percentage.s.single"
    assert statistics[f"{of}.kept"].value == "count kept, percentage given up"
    assert statistics[f"{of}.reasoning"].value == "64.9"
    assert statistics["marginals.conflict.one_name.s.single.kept"].value == "both"
    assert not any("median_and_classes" in key for key in statistics)


def test_a_second_conflict_of_one_figure_is_numbered():
    assert conflict_keys([PROOF, PROOF])[1] == f"{conflict_keys([PROOF])[0]}.2"


def test_printed_proofs_are_printed_and_counts_inherit_their_columns(statistics):
    cohort = CohortSettings(
        "s", "t", "reconstructed", {}, {}, support={"lesions.patient_id": "inferred"}
    )
    proof = statistics["marginals.conflict.count_percentage.s.single.reasoning"]
    assert support_of(proof, cohort) == "printed"
    assert support_of(statistics["marginals.s.single.percent.recomputed"], cohort) == "inferred"


def test_a_marginal_that_no_row_gives_has_a_status_and_an_empty_cell():
    made = {s.key: s for s in marginal_statistics([EMPTY], [], FIGURES)}
    assert made["marginals.s.size.least.recomputed"].status == "not_estimable"
    assert marginal_table([EMPTY], [])["recomputed"].tolist() == [""]


def test_the_table_of_all_marginals():
    table = marginal_table(MARGINALS, FOUND)
    assert table["status"].tolist() == ["exact", "unit", "miss"]
    assert table["reason"].tolist() == ["", "proved impossible: 64.9", "not found"]
    assert table["printed"].tolist() == ["24", "64.8", "5.5"]


def test_the_tables_hold_keys_and_no_digit(statistics):
    numbers = {key: {"text": str(s.value), "value": s.value} for key, s in statistics.items()}
    cohort = CohortSettings("s", "t", "observed", {}, {})
    made = marginal_tables(numbers, cohort)
    assert list(made) == ["marginals", "marginal_conflicts"]
    for text in made.values():
        assert not re.search(r"\d", re.sub(r"\{\{<.*?>\}\}", "", text))
        assert set(re.findall(r"\{\{< num (\S+) >\}\}", text)) <= numbers.keys()
    assert "Cannot all hold" in made["marginal_conflicts"]
    assert "possible" not in made["marginal_conflicts"]
    assert marginal_tables({}, cohort) == {}
