"""The whole report on made-up studies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from typing import Any

from sarcoma_sbrt.evidence.consistency.findings import CHECKS, Finding
from sarcoma_sbrt.evidence.consistency.report import consistency_report
from sarcoma_sbrt.evidence.published import Figure, Published, Study

Maker = Callable[..., Figure]
SHARE = {"measure": "proportion", "unit": "percent"}


def study(study_id: str, **cells: Any) -> Study:
    given = {f.name: "" if f.type == "str" else None for f in fields(Study)}
    given |= {"study_id": study_id, "reported_in": (study_id,), "members": (), "schedules": ()}
    return Study(**given | {"cohort_id": study_id, "role": "sbrt_series"} | cells)


def report(studies: Iterable[Study], figures: Iterable[Figure]) -> list[Finding]:
    table = Published({s.study_id: s for s in studies}, {f.key: f for f in figures})
    return consistency_report(table, alpha_beta_gy=10.0)


def test_findings_on_one_fact_say_so(figure: Maker) -> None:
    table = figure("s.site.lung", "29.3", events=17, n=58, note="first", **SHARE)
    text = figure("s.site.lung.text", "30", events=17, n=58, note="second", **SHARE,
                  duplicate_of="s.site.lung")  # fmt: skip
    found = report([study("s")], [table, text])
    assert [(f.check, f.verdict, f.detail["fact"]) for f in found] == [
        ("count_percentage", "consistent", "s.site.lung"),
        ("count_percentage", "inconsistent", "s.site.lung"),
        ("repeat", "inconsistent", "s.site.lung"),
    ]
    assert [f.detail["remarks"] for f in found] == [["first"], ["second"], ["second", "first"]]


def test_a_repetition_across_papers_is_the_fact_of_the_first(figure: Maker) -> None:
    cells = {"measure": "rate", "unit": "percent", "time_months": 24.0}
    here = figure("s.lc.rate_24m", "84", paper="one", **cells)
    there = figure("s.lc.rate_24m.two", "86", paper="two", **cells)
    (finding,) = report([study("s")], [here, there])
    assert finding.detail["fact"] == "s.lc.rate_24m"
    assert "remarks" not in finding.detail


def test_versions_of_a_cohort_speak_for_themselves(figure: Maker) -> None:
    """Another publication on overlapping patients, told by a review, is no earlier version."""
    journal, preprint = study("new"), study("old", role="same_cohort", cohort_id="new")
    told = study("other", role="same_cohort", cohort_id="new", reported_in=("review",))
    figures = [figure(f"{name}.age.median", "58", measure="median") for name in ("new", "old")]
    figures.append(figure("other.age.median", "60", measure="median", paper="review"))
    found = report([journal, preprint, told], figures)
    assert [(f.check, f.keys) for f in found] == [("drift", ("old.age.median", "new.age.median"))]


def test_findings_stand_in_the_order_of_the_checks(figure: Maker) -> None:
    figures = [
        replace(figure("s.patients"), printed_text="Ten", estimate=10.0),
        figure("s.sex.male", "60", events=6, n=10, printed_n="10", unit_of_analysis="patient",
               n_from=("s.patients",), part_of="s.patients", partition="sex", **SHARE),
        figure("s.sex.female", "40", events=4, n=10, part_of="s.patients", partition="sex",
               **SHARE),
        figure("s.sex.female.old", "5", subset_of=("s.sex.female",)),
        figure("s.age.median", "58", span="19–82", measure="median"),
        figure("s.os.hr", "0.50", ci="0.25–1.00", p="0.05", measure="hazard_ratio", level="a",
               reference="b", favours="a"),
        figure("s.patients.text", "10", duplicate_of="s.patients"),
    ]  # fmt: skip
    checks = list(dict.fromkeys(f.check for f in report([study("s")], figures)))
    assert checks == [check for check in CHECKS if check in checks]
    assert set(CHECKS) - set(checks) == {"dose", "drift", "landmark", "pooled_landmark"}
