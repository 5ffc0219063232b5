"""The supplement's tables, of findings made by hand on papers that do not exist."""

from __future__ import annotations

import re
from typing import Any

from sarcoma_sbrt.evidence.consistency.findings import CHECKS, Finding, unverifiable
from sarcoma_sbrt.evidence.published import Figure, Published
from sarcoma_sbrt.reporting.consistency_statistics import consistency_statistics
from sarcoma_sbrt.reporting.consistency_tables import CHECK_WORDS, consistency_tables
from sarcoma_sbrt.reporting.numbers import computed_entries, text_entry
from sarcoma_sbrt.reporting.transcribed import published_entries
from sarcoma_sbrt.settings import CohortSettings

SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
COHORT = CohortSettings("small", "A small cohort", "observed", tables={}, times={})

Numbers = dict[str, dict[str, Any]]


def figure(key: str, paper: str, place: str = "table_1", **given: Any) -> Figure:
    study, endpoint = key.split(".")[:2]
    label = paper[:-4].capitalize()
    where = "Table 1" if place == "table_1" else "Results"
    said = {"measure": "count", "endpoint": endpoint, "row": "r", "column": "c"}
    said |= {"place": place, "locator": f"{label}, {where}", "file": "outcomes.csv"}
    return Figure(key, study, paper, **said | {"printed_text": "1"} | given)


def registry(figures: list[Figure], findings: list[Finding]) -> Numbers:
    by_key = {f.key: f for f in figures}
    statistics = [("consistency", s) for s in consistency_statistics(findings, by_key)]
    labels = {
        f"published.{study}.label": text_entry(f"published.{study}.label", said, "transcribed")
        for study, said in (("elm2020", "Elm 2020"), ("fir2021", "Fir 2021"), ("oak2019", "Oak"))
    }
    entries = published_entries(Published({}, by_key))
    return entries | labels | computed_entries(statistics, COHORT)


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.splitlines() if line.startswith("|")][2:]
    short = [SHORTCODE.sub(r"<\1>", line) for line in lines]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in short]


def read(numbers: Numbers, table: str) -> list[list[str]]:
    """Rows as a reader sees them."""
    told = re.compile(r"<([^<>]+)>")
    return [
        [told.sub(lambda match: str(numbers[match[1]]["text"]), cell) for cell in row]
        for row in rows(table)
    ]


MALE, FEMALE = figure("fir2021.sex", "fir2021"), figure("fir2021.age", "fir2021", "results")
OF_ANOTHER = figure("oak2019.size", "elm2020")
FIGURES = [MALE, FEMALE, OF_ANOTHER]


def failing(
    figure: Figure, check: Any = "range", verdict: Any = "inconsistent", **detail: Any
) -> Finding:
    return Finding(check, (figure.key,), verdict, "a", "b", "1 ≠ 2", detail)


def test_every_check_has_words() -> None:
    assert tuple(CHECK_WORDS) == CHECKS


def test_without_findings_there_are_no_tables() -> None:
    assert consistency_tables({}) == {}


def test_the_summary_has_a_column_for_each_verdict_that_there_is() -> None:
    findings = [
        failing(MALE),
        failing(FEMALE, verdict="consistent"),
        failing(MALE, "repeat", "other_time"),
        failing(MALE, "drift", "changed", kind="changed_value"),
    ]
    numbers = registry(FIGURES, findings)
    table = consistency_tables(numbers)["consistency_summary"]
    assert "| Check | Consistent | Inconsistent | Other time | All |" in table
    assert read(numbers, table) == [
        ["Value against its printed range", "1", "1", "–", "2"],
        ["One fact in two places", "–", "–", "1", "1"],
        ["Preprint against journal version", "–", "–", "–", "1"],
        ["**All checks**", "1", "1", "1", "4"],
    ]
    assert "What became of the preprint’s numbers is counted in the text." in table
    assert "–: none." in table


def test_what_fails_goes_by_paper_and_says_whose_number_it_is() -> None:
    findings = [
        failing(MALE, "wald_p"),
        failing(OF_ANOTHER, "dose", "impossible", remarks=["the unit is not printed"]),
        failing(MALE, "repeat", "other_time"),
        failing(MALE, "drift", "moved", kind="moved"),
        failing(FEMALE, verdict="consistent"),
    ]
    numbers = registry(FIGURES, findings)
    assert read(numbers, consistency_tables(numbers)["consistency_findings"]) == [
        ["**Elm 2020**", *[""] * 3],
        [
            "Size (Oak): BED against dose and fractions",
            "Elm, Table 1",
            "1 ≠ 2 *Remark:* the unit is not printed",
            "impossible",
        ],
        ["**Fir 2021**", *[""] * 3],
        [
            "Sex: Wald *p* against hazard ratio and interval",
            "Fir, Table 1",
            "1 ≠ 2",
            "inconsistent",
        ],
        ["**The same rate at other times; both may hold**", *[""] * 3],
        ["Sex: one fact in two places", "Fir, Table 1", "1 ≠ 2", "other time"],
    ]


def version(
    endpoint: str, what: str, kind: str, verdict: Any = "changed", **detail: str
) -> tuple[Any, ...]:
    groups = {"level": "big", "reference": "small"}
    old = figure(f"elm2020.{endpoint}.hr", "elm2020", measure="hazard_ratio", **groups)
    new = figure(f"fir2021.{endpoint}.hr", "fir2021", measure="hazard_ratio", **groups)
    said = {"what": what, "kind": kind, "old": "0.5", "new": "0.4", **detail}
    return old, new, Finding("drift", (old.key, new.key), verdict, "a", "b", "c", said)


def test_drift_shows_what_moved_first_and_leaves_out_what_stayed_or_stands_alone() -> None:
    versions = [
        version("pfs", "changed", "changed_value"),
        version("lc", "changed, other groups", "changed_value"),
        version("bed10", "changed", "changed_value"),
        version("os", "direction moved", "moved", "moved", turned="2.0"),
        version("os.size", "unchanged although an input changed", "input_changed", "unchanged"),
        version("age", "unchanged", "unchanged", "unchanged"),
        version("sex", "earlier version only", "one_version"),
    ]
    figures = [f for old, new, _ in versions for f in (old, new)]
    numbers = registry(figures, [finding for *_, finding in versions])
    table = consistency_tables(numbers)["drift"]
    of = "hazard ratio of big vs small"
    assert read(numbers, table) == [
        ["**Moved**", *[""] * 4],
        [
            f"Overall survival, {of}",
            "big vs small",
            "0.5; turned round 2.0",
            "0.4",
            "direction moved",
        ],
        ["**Unchanged although an input changed**", *[""] * 4],
        [
            f"Overall survival, {of}",
            "big vs small",
            "0.5",
            "0.4",
            "unchanged although an input changed",
        ],
        ["**Changed**", *[""] * 4],
        [f"Local control, {of}", "big vs small", "0.5", "0.4", "changed, other groups"],
        [f"Progression-free survival, {of}", "big vs small", "0.5", "0.4", "changed"],
        [f"BED10, {of}", "big vs small", "0.5", "0.4", "changed"],
    ]


def test_what_agrees_has_a_row_for_each_number_by_check_verdict_and_place() -> None:
    findings = [
        failing(MALE, verdict="consistent"),
        failing(OF_ANOTHER, verdict="consistent"),
        failing(figure("fir2021.grade", "fir2021"), verdict="consistent"),
        failing(FEMALE, "dose", "possible"),
        unverifiable("dose", (MALE.key,), "1", "no fractions are printed"),
        unverifiable("dose", (OF_ANOTHER.key,), "1", "no dose is printed"),
        failing(MALE, "repeat", "consistent"),
        failing(FEMALE, "repeat", "consistent"),
        failing(MALE, "landmark", "impossible"),
        failing(MALE, "drift", "unchanged", kind="unchanged"),
    ]
    numbers = registry([*FIGURES, figure("fir2021.grade", "fir2021")], findings)
    table = consistency_tables(numbers)["consistency_all"]
    assert read(numbers, table) == [
        ["**Value against its printed range: consistent**", ""],
        ["Elm, Table 1", "*Size (Oak):* 1 ≠ 2"],
        ["Fir, Table 1", "*Grade:* 1 ≠ 2"],
        ["", "*Sex:* 1 ≠ 2"],
        ["**BED against dose and fractions: possible**", ""],
        ["Fir, Results", "*Age:* 1 ≠ 2"],
        ["**BED against dose and fractions: unverifiable**", ""],
        ["Elm, Table 1", "*Size (Oak):* no dose is printed"],
        ["Fir, Table 1", "*Sex:* no fractions are printed"],
        ["**One fact in two places: consistent**", ""],
        ["All papers", "2 agree; they stand one by one in the file of all findings."],
    ]
    assert "Checks that only put two numbers side by side are counted." in table
