"""Registry entries of printed figures: as printed, with their place."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from sarcoma_sbrt.evidence.published import Figure, Published, Study
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
        "os.grade.hr.place": "Review 2020, Table 1",
        "age.median": "58",
        "age.median.least": "19",
        "age.median.most": "82",
        "age.median.locator": AGE.locator,
        "age.median.place": "Review 2020, Table 1",
    }
    assert found["published.doe2015.os.grade.hr.high"]["value"] == 0.8
    assert found["published.doe2015.age.median.most"]["value"] == 82


def test_a_p_value_and_counts_do_not_take_the_unit_of_their_figure() -> None:
    rate = replace(
        RATIO,
        key="doe2015.lc.rate_24m",
        unit="percent",
        n=34,
        printed_n="34",
        events=8,
        printed_events="eight",
    )
    found = entries(rate)
    parts = ("", ".low", ".high", ".p", ".n", ".events", ".place")
    assert [found[f"published.doe2015.lc.rate_24m{part}"]["unit"] for part in parts] == [
        *("percent", "percent", "percent"),
        *("p", "count", "count"),
        "text",
    ]


def test_a_number_in_words_is_printed_as_the_word_and_has_digits_for_tables() -> None:
    figure = Figure(
        key="doe2015.surgery",
        measure="count",
        endpoint="surgery",
        unit="count",
        estimate=13,
        printed_text="Thirteen",
        subgroup="number_single",
        **PLACE,
    )
    found = entries(figure)
    entry, digits = (found[f"published.doe2015.surgery{part}"] for part in ("", ".digits"))
    assert (entry["text"], entry["value"], entry["digits"]) == ("Thirteen", 13, None)
    assert (digits["text"], digits["value"], digits["digits"]) == ("13", 13, 0)
    assert digits["locator"] == f"{figure.locator}, printed “Thirteen”"
    assert found["published.doe2015.surgery.part"]["text"] == "single lesion"
    assert "published.doe2015.age.median.digits" not in entries(AGE)


@pytest.mark.parametrize(
    ("given", "part", "text"),
    [
        (
            {"measure": "schedule", "printed_text": "50Gy in four or five", "dose_low_gy": 50.0}
            | {"dose_high_gy": 50.0, "fractions_low": 4, "fractions_high": 5},
            "dose",
            "50 Gy/4–5 fx",
        ),
        (
            {"measure": "period", "printed_range": "2002 and 2013"}
            | {"range_low": 2002, "range_high": 2013},
            "years",
            "2002–2013",
        ),
        (
            {"measure": "period", "printed_range": "May 2002 to June 2013", "unit": "yyyymm"}
            | {"range_low": 200205, "range_high": 201306},
            "years",
            "2002–2013",
        ),
    ],
)
def test_prescriptions_and_periods_have_one_form(
    given: dict[str, Any], part: str, text: str
) -> None:
    figure = Figure(key="doe2015.x", endpoint="x", **PLACE | given)
    entry = entries(figure)[f"published.doe2015.x.{part}"]
    printed = given.get("printed_text") or given["printed_range"]
    assert (entry["text"], entry["value"]) == (text, text)
    assert entry["locator"] == f"{figure.locator}, printed “{printed}”"


def test_a_study_has_its_label_and_its_place_as_readers_write_it() -> None:
    names = ("study_id", "label", "role", "site", "citation", "locator", "file", "line")
    given = ("doe2015", "Doe et al. 2015", "sbrt_series", "lung", "doe", "", "studies.csv", 3)
    values = dict.fromkeys((field.name for field in fields(Study)), None)
    values |= dict(zip(names, given, strict=True))
    values |= {"locator": "review2020 table_1 row Doe; review2020 results_survival"}
    found = published_entries(Published({"doe2015": Study(**values)}, {AGE.key: AGE}))
    label, place = (found[f"published.doe2015.{name}"] for name in ("label", "place"))
    locator = "Review 2020, Table 1, row “Doe”; Review 2020, Results, survival"
    assert (label["text"], label["locator"]) == ("Doe et al. 2015", locator)
    assert (place["text"], place["locator"]) == ("Review 2020, Table 1 and Results", locator)
    assert label["population"] == {"role": "sbrt_series", "site": "lung", "citation": "doe"}
