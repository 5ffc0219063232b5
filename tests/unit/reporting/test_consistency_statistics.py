"""Records of the consistency report: arithmetic, place, verdict and counts."""

from __future__ import annotations

from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.reporting.consistency_statistics import consistency_statistics, finding_keys


def figure(key: str, file: str, locator: str) -> Figure:
    parts = {"study_id": "doe2015", "paper": "doe2015", "place": "table_1", "row": "a"}
    kind = {"column": "b", "measure": "count", "endpoint": "sex"}
    return Figure(key=key, locator=locator, file=file, **parts, **kind)


FIGURES = {
    "doe2015.sex.male": figure(
        "doe2015.sex.male", "data/published/targets/doe.csv", "Doe, Table 1"
    ),
    "doe2015.sex.male.text": figure(
        "doe2015.sex.male.text", "data/published/outcomes.csv", "Doe, Results"
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


def test_a_finding_has_its_arithmetic_verdict_and_places() -> None:
    found = {s.key: s for s in consistency_statistics([WRONG, AGAIN], FIGURES)}
    base = "consistency.count_percentage.doe2015.sex.male"
    assert found[f"{base}.arithmetic"].value == WRONG.arithmetic
    assert found[f"{base}.verdict"].value == "inconsistent"
    assert found[f"{base}.where"].value == "Doe, Table 1"
    again = found["consistency.repeat.doe2015.sex.male.where"]
    assert again.value == "Doe, Table 1; Doe, Results"
    assert again.columns == ("published.doe", "published.outcomes")
    assert again.rows == {"published": ["doe2015.sex.male", "doe2015.sex.male.text"]}


def test_findings_are_counted_by_check_and_verdict() -> None:
    found = {s.key: s.value for s in consistency_statistics([WRONG, AGAIN, AGAIN], FIGURES)}
    counts = {k.removeprefix("consistency.count."): v for k, v in found.items() if ".count." in k}
    assert counts == {
        "all": 3,
        "count_percentage": 1,
        "repeat": 2,
        "inconsistent": 1,
        "consistent": 2,
        "count_percentage.inconsistent": 1,
        "repeat.consistent": 2,
    }


def test_a_second_finding_of_one_check_and_figure_is_numbered() -> None:
    assert finding_keys([WRONG, AGAIN, AGAIN]) == [
        "consistency.count_percentage.doe2015.sex.male",
        "consistency.repeat.doe2015.sex.male",
        "consistency.repeat.doe2015.sex.male.2",
    ]
