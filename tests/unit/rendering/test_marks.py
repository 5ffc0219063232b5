"""Marks of the page's numbers: the data of the cards, and what the page is given of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup

from sarcoma_sbrt.rendering import embedded, marks, source

DATE = "2026-11-21"


def _held(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="printed-numbers">(.*?)</script>', page)
    assert found is not None
    return dict(json.loads(found[1]))


def _card(told: dict[str, Any], key: str) -> dict[str, str]:
    value, *places = told["numbers"][key]
    fields = zip(told["fields"], places, strict=False)
    return {"Value": value} | {n: told["phrases"][p] for n, p in fields if p}


def test_every_key_of_the_page_has_a_card(rendered: dict[str, Path]) -> None:
    text = rendered["html"].read_text(encoding="utf-8")
    page = BeautifulSoup(text, "html.parser")
    shown = {span["data-key"] for span in page.select("[data-key]")}
    told = _held(text)
    assert "os.median" in shown
    # An alternative text has no span, but is printed.
    assert shown <= told["numbers"].keys()
    assert told["explorer"] == "../audit/index.html"


def test_a_card_says_value_interval_method_n_source_support_and_check() -> None:
    numbers: dict[str, dict[str, Any]] = {
        "hr": {
            "key": "hr",
            "kind": "computed",
            "text": "0.182",
            "value": 0.18189566,
            "unit": "hazard ratio",
            "ci": {"low": 0.06, "high": 0.54, "level": 0.95, "method": "Wald"},
            "p": 0.00221279,
            "n": 37,
            "events": 28,
            "method": "Cox model",
            "rule": "cox",
            "support": "filler",
            "columns": ["patients.grade"],
            "population": {"table": "endpoints/os", "filter": {}},
            "crosscheck": {
                "status": "independent",
                "engine": "lifelines",
                "value": 0.18189566,
                "difference": 0.0,
                "reason": "",
            },
        },
        "title": {"key": "title", "kind": "configured", "text": "A title", "value": "A title"},
        "cohort.label": {"text": "reconstructed; not patients"},
        "config.endpoints.endpoints.os.unit": {"text": "patient"},
        "endpoint.os.label_lower": {"text": "overall survival"},
    }
    told = marks.cards(["hr", "title"], numbers)
    assert _card(told, "hr") == {
        "Value": "0.1819 hazard ratio",
        "Data": "reconstructed; not patients",
        "Interval": "0.06 to 0.54 (95% CI, Wald)",
        "p": "0.002213",
        "Method": "Cox model",
        "Rests on": "37 patients, 28 events",
        "Population": "all patients followed for overall survival",
        "Source": "rule cox",
        "Support": "filler: illustrative, not constrained by any printed figure",
        "Cross-check": "independent: recomputed by an engine that shares no code with the first "
        "(lifelines), the same",
    }
    assert _card(told, "title") == {"Value": "", "Source": "configuration"}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"unit": "p", "value": 0.016835978830309174, "digits": 3}, "0.01684"),
        ({"unit": "percent", "value": 47.46, "digits": 1}, "47.46%"),
        ({"unit": "months", "value": 25.0, "digits": 1}, "25.0 months"),
        ({"unit": "hazard ratio", "value": 0.5, "digits": 3}, "0.500 hazard ratio"),
        ({"unit": "p", "value": 1.25e-9, "digits": 3}, "1.25e-9"),
        ({"unit": "count", "value": 37}, "37"),
        ({"unit": "constant", "value": True}, ""),
    ],
)
def test_a_value_is_said_as_a_reader_would(entry: dict[str, Any], said: str) -> None:
    told = marks.cards(["x"], {"x": {"key": "x", "text": "x", "p": 0.5} | entry})
    assert _card(told, "x")["Value"] == said
    # The p of a test is the value already.
    assert ("p" in _card(told, "x")) == (entry["unit"] != "p")


def test_phrases_are_said_once() -> None:
    entry = {"kind": "computed", "text": "1", "value": 1, "rule": "cox", "method": "Cox model"}
    told = marks.cards("abc", {key: entry | {"key": key} for key in "abc"})
    assert told["phrases"] == ["", "Cox model", "rule cox"]


def test_printed_keys_are_those_outside_comments_with_their_ranges() -> None:
    lines = [
        source.Line("index.qmd", i, text, ("index.qmd",))
        for i, text in enumerate(
            (
                "{{< num b >}} and {{< num a >}} <!-- {{< num never >}} -->",
                "{{< num b >}}",
            ),
            start=1,
        )
    ]
    numbers: dict[str, Any] = {
        "a": {"over_solutions": "1 to 2"},
        "b": {},
        "never": {},
        "a.over_solutions": {},
        "reproduction.search.solutions": {},
    }
    assert marks.printed_keys(lines, numbers) == [
        "b",
        "a",
        "a.over_solutions",
        "reproduction.search.solutions",
    ]


def test_a_phrase_cannot_end_the_script() -> None:
    hostile = "</script><script>alert(1)</script>\u2028"
    numbers = {"x": {"kind": "computed", "text": "1", "value": 1, "method": hostile}}
    script = marks.embedded_script(marks.cards(["x"], numbers), "p {}", "go();")
    assert script.count("</script>") == 2
    assert hostile in _held(script)["phrases"]


def test_the_page_carries_style_data_and_script_and_no_new_text(
    project: Path, rendered: dict[str, Path]
) -> None:
    text = rendered["html"].read_text(encoding="utf-8")
    folder = project / "_extensions" / "provenance"
    assert (folder / "marks.js").read_text(encoding="utf-8").strip() in text
    # pandoc lays a style out anew, and drops its comments.
    style = re.sub(r"/\*.*?\*/", "", (folder / "marks.css").read_text(), flags=re.S)
    assert "".join(style.split()) in "".join(text.split())
    after = re.sub(r"<(style|script)\b.*?</\1>", "", text.rpartition("</main>")[2], flags=re.S)
    assert after.split() == ["</body>", "</html>"]


@pytest.mark.parametrize("form", ["html", "json"])
def test_the_appendix_is_no_part_of_what_the_gate_judges(project: Path, form: str) -> None:
    lines, settings = embedded.expand(project), embedded._settings(project)
    content = embedded._pandoc(project, lines, settings, form, 0).decode()
    assert "where each number comes from" not in content


def test_cards_are_made_of_the_registry_that_may_be_published(assemble, numbers) -> None:
    numbers["os.median"] |= {"value": 24.4915}
    public = numbers | {"os.median": numbers["os.median"] | {"value": None}}
    folder = assemble(public=public) / "_extensions" / "provenance"
    assert "24.49" not in (folder / "marks.html").read_text(encoding="utf-8")
    folder = assemble() / "_extensions" / "provenance"
    assert "24.49" in (folder / "marks.html").read_text(encoding="utf-8")
