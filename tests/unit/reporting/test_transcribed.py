"""Registry entries of printed figures: as printed, with their place."""

from __future__ import annotations

from typing import Any

from sarcoma_sbrt.evidence.published import Figure, Published
from sarcoma_sbrt.reporting.transcribed import published_entries

PLACE: dict[str, Any] = {
    "study_id": "doe2015",
    "paper": "review2020",
    "place": "table_1",
    "row": "Doe",
    "column": "HR",
    "locator": "Review 2020, Table 1, row “Doe”, column “HR”",
    "file": "data/published/targets/doe.csv",
    "line": 7,
}
RATIO = Figure(
    key="doe2015.os.grade.hr",
    measure="hazard_ratio",
    endpoint="os",
    unit="hazard ratio",
    estimate=0.4,
    printed_text="0.40",
    ci_low=0.2,
    ci_high=0.8,
    ci_level=95,
    printed_ci="0.20–0.80",
    p=0.01,
    printed_p="0.010",
    **PLACE,
)
AGE = Figure(
    key="doe2015.age.median",
    measure="median",
    endpoint="age",
    unit="years",
    estimate=58,
    printed_text="58",
    range_low=19,
    range_high=82,
    printed_range="19- 82",
    n=37,
    **PLACE,
)


def entries(*figures: Figure) -> dict[str, dict[str, Any]]:
    return published_entries(Published({}, {figure.key: figure for figure in figures}))


def test_a_figure_prints_its_digits_unchanged_with_its_place() -> None:
    entry = entries(RATIO)["published.doe2015.os.grade.hr"]
    assert (entry["text"], entry["value"], entry["digits"]) == ("0.40", 0.4, 2)
    assert entry["kind"] == "transcribed"
    assert entry["support"] == "printed"
    assert entry["locator"] == "Review 2020, Table 1, row “Doe”, column “HR”"
    assert entry["rows"] == {"file": "data/published/targets/doe.csv", "line": 7}
    assert entry["columns"] == ["published.doe"]


def test_what_belongs_to_a_figure_has_keys_of_its_own() -> None:
    found = entries(RATIO, AGE)
    texts = {key.removeprefix("published.doe2015."): e["text"] for key, e in found.items()}
    assert texts == {
        "os.grade.hr": "0.40",
        "os.grade.hr.low": "0.20",
        "os.grade.hr.high": "0.80",
        "os.grade.hr.p": "0.010",
        "os.grade.hr.locator": RATIO.locator,
        "age.median": "58",
        "age.median.least": "19",
        "age.median.most": "82",
        "age.median.locator": AGE.locator,
    }
    assert found["published.doe2015.os.grade.hr.high"]["value"] == 0.8
    assert found["published.doe2015.age.median.most"]["value"] == 82


def test_a_number_in_words_is_printed_as_the_word() -> None:
    figure = Figure(
        key="doe2015.surgery",
        measure="count",
        endpoint="surgery",
        unit="count",
        estimate=13,
        printed_text="Thirteen",
        **PLACE,
    )
    entry = entries(figure)["published.doe2015.surgery"]
    assert (entry["text"], entry["value"], entry["digits"]) == ("Thirteen", 13, None)
