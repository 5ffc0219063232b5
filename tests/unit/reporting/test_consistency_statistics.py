"""Records of the consistency report: arithmetic, place, verdict and counts."""

from __future__ import annotations

from dataclasses import replace

from sarcoma_sbrt.evidence.consistency.findings import CHECKS, Finding, unverifiable
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.reporting.consistency_statistics import (
    METHODS,
    consistency_statistics,
    finding_keys,
)


def figure(key: str, file: str, locator: str, place: str) -> Figure:
    said = {"study_id": "doe2015", "paper": "doe2015", "place": place, "row": "a"}
    kind = {"column": "b", "measure": "count", "endpoint": "sex"}
    return Figure(key=key, locator=locator, file=file, **said, **kind)


FIGURES = {
    "doe2015.sex.male": figure(
        "doe2015.sex.male", "data/published/targets/doe.csv", "Doe, Table 1", "table_1"
    ),
    "doe2015.sex.male.text": figure(
        "doe2015.sex.male.text", "data/published/outcomes.csv", "Doe, Results", "results"
    ),
}
WRONG = Finding(
    "count_percentage",
    ("doe2015.sex.male",),
    "inconsistent",
    "64.8",
    "64.9",
    "24/37 = 64.86% → 64.9%, printed 64.8%",
)
AGAIN = Finding(
    "repeat", ("doe2015.sex.male", "doe2015.sex.male.text"), "consistent", "24", "24", "24 = 24"
)


def parts(*findings: Finding) -> dict[str, object]:
    return {s.key: s.value for s in consistency_statistics(findings, FIGURES)}


def test_every_check_has_a_method() -> None:
    assert tuple(METHODS) == CHECKS


def test_a_finding_has_its_arithmetic_verdict_and_places() -> None:
    found = {s.key: s for s in consistency_statistics([WRONG, AGAIN], FIGURES)}
    base = "consistency.count_percentage.doe2015.sex.male"
    assert found[f"{base}.arithmetic"].value == WRONG.arithmetic
    assert found[f"{base}.verdict"].value == "inconsistent"
    assert found[f"{base}.where"].value == "Doe, Table 1"
    assert found[f"{base}.subject"].value == "Sex"
    again = found["consistency.repeat.doe2015.sex.male.where"]
    assert again.value == "Doe, Table 1; Results"
    assert found["consistency.repeat.doe2015.sex.male.place"].value == "Doe, Table 1 and Results"
    assert again.columns == ("published.doe", "published.outcomes")
    assert again.rows == {"published": ["doe2015.sex.male", "doe2015.sex.male.text"]}


def test_remarks_and_reasons_are_told_where_there_are_any() -> None:
    male = "doe2015.sex.male"
    remarked = Finding(
        "repeat", (male,), "other_time", "a", "b", "c", {"remarks": ["the one", "the other"]}
    )
    found = parts(remarked, unverifiable("subtotal", (male,), "24", "nothing to add up"))
    assert found[f"consistency.repeat.{male}.remarks"] == "the one; the other"
    assert found[f"consistency.repeat.{male}.verdict"] == "other time"
    assert found[f"consistency.subtotal.{male}.reason"] == "nothing to add up"
    assert f"consistency.repeat.{male}.reason" not in found


def test_a_total_is_named_with_its_split() -> None:
    total = replace(FIGURES["doe2015.sex.male"], key="t", endpoint="patients")
    parts_of_it = [replace(total, key=f"p{i}", partition="size_class") for i in range(2)]
    figures = {f.key: f for f in (total, *parts_of_it)}
    finding = Finding("subtotal", tuple(figures), "consistent", "a", "b", "1 + 2 = 3")
    found = {s.key: s.value for s in consistency_statistics([finding], figures)}
    assert found["consistency.subtotal.t.subject"] == "Patients by size class"


def test_rates_of_one_curve_are_named_with_all_of_their_times() -> None:
    rates = [
        replace(FIGURES["doe2015.sex.male"], key=f"r{i}", measure="rate", endpoint="os", **given)
        for i, given in enumerate(
            (
                {"time_months": 12.0},
                {"time_months": 36.0},
                {"time_months": 24.0},
                {"time_months": 60.0, "subgroup": "grade_low"},
            )
        )
    ]
    keys = tuple(rate.key for rate in rates)
    finding = Finding("pooled_landmark", keys, "possible", "a", "b", "c")
    found = {s.key: s.value for s in consistency_statistics([finding], {r.key: r for r in rates})}
    subject = found["consistency.pooled_landmark.r0.subject"]
    assert subject == "Overall survival at 12, 24 and 36 months"
    alone = replace(finding, check="range")
    found = {s.key: s.value for s in consistency_statistics([alone], {r.key: r for r in rates})}
    assert found["consistency.range.r0.subject"] == "Overall survival at 12 months"


def test_drift_says_what_the_contrast_became() -> None:
    groups = [("high", "low"), ("low", "high")]
    old, new = (
        replace(FIGURES["doe2015.sex.male"], key=key, level=level, reference=reference)
        for key, (level, reference) in zip(("old.hr", "new.hr"), groups, strict=True)
    )
    detail = {"what": "label moved", "kind": "moved", "old": "0.3", "new": "", "turned": "3.3"}
    finding = Finding("drift", ("old.hr", "new.hr"), "changed", "a", "b", "c", detail)
    made = consistency_statistics([finding], {old.key: old, new.key: new})
    found = {s.key.removeprefix("consistency.drift.old.hr."): s.value for s in made}
    assert found["contrast"] == "high vs low → low vs high"
    assert (found["old"], found["turned"], found["change"]) == ("0.3", "3.3", "label moved")
    assert found["kind"] == "moved"
    assert "new" not in found


def test_findings_are_counted_by_check_verdict_and_fact() -> None:
    found = parts(WRONG, AGAIN, AGAIN)
    counts = {k.removeprefix("consistency.count."): v for k, v in found.items() if ".count." in k}
    assert counts == {
        "all": 3,
        "count_percentage": 1,
        "repeat": 2,
        "inconsistent": 1,
        "consistent": 2,
        "count_percentage.inconsistent": 1,
        "repeat.consistent": 2,
        "failed": 1,
        "facts": 1,
    }


def test_a_slip_that_fails_two_checks_is_one_fact() -> None:
    male = "doe2015.sex.male"
    same = [
        replace(WRONG, check=check, detail={"fact": "sex of the patients"})
        for check in ("count_percentage", "repeat")
    ]
    later = Finding("landmark", (male,), "impossible", "a", "b", "c")
    held = replace(AGAIN, detail={"fact": "something else"})
    found = parts(*same, later, held)
    assert found["consistency.count.failed"] == 3
    assert found["consistency.count.facts"] == 2


def test_what_became_of_the_preprint_is_counted_apart() -> None:
    whats = [
        ("changed", "changed_value"),
        ("changed, other groups", "changed_value"),
        ("label moved", "moved"),
        ("earlier version only", "one_version"),
        ("later version only", "one_version"),
        ("unchanged", "unchanged"),
        ("labels swapped and number inverted", "unchanged"),
        ("unchanged although an input changed", "input_changed"),
    ]
    details = [{"what": what, "kind": kind} for what, kind in whats]
    findings = [
        Finding("drift", ("doe2015.sex.male",), "changed", "a", "b", "c", detail)
        for detail in details
    ]
    found = parts(*findings)
    counts = {k.removeprefix("consistency.versions."): v for k, v in found.items() if "ions." in k}
    assert counts == dict.fromkeys(
        ["moved", "preprint_only", "journal_only", "unchanged", "relabelled"], 1
    ) | {"changed": 2, "unchanged_inputs_changed": 1}


def test_a_second_finding_of_one_check_and_figure_is_numbered() -> None:
    assert finding_keys([WRONG, AGAIN, AGAIN]) == [
        "consistency.count_percentage.doe2015.sex.male",
        "consistency.repeat.doe2015.sex.male",
        "consistency.repeat.doe2015.sex.male.2",
    ]
