"""The audit explorer's page and its data."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.evidence.consistency.findings import CHECKS, Finding
from sarcoma_sbrt.evidence.consistency.findings import VERDICTS as JUDGED
from sarcoma_sbrt.provenance import explorer
from sarcoma_sbrt.provenance.explorer import VERDICTS, Run, Template
from sarcoma_sbrt.reporting.consistency_statistics import consistency_statistics

TEMPLATES = Path(__file__).parents[3] / "workflow" / "templates" / "explorer"
SHA = "ab" * 32


def _entry(key: str, text: str, **more: Any) -> dict[str, Any]:
    usual = {"key": key, "text": text, "kind": "computed", "value": None, "config": []}
    return usual | more


NUMBERS = {
    entry["key"]: entry
    for entry in (
        _entry(
            "os.median",
            "24.5",
            value=24.49,
            unit="months",
            lineage="s1",
            rule="kaplan_meier",
            code="kaplan_meier",
            crosscheck={
                "status": "independent",
                "engine": "numpy",
                "value": 24.49,
                "difference": 0.0,
                "reason": "",
            },
        ),
        _entry("os.median.low", "17.2", value=17.21, of="os.median"),
        _entry("cohort.title", "A <b>cohort</b> & more", value="A <b>cohort</b> & more"),
        _entry("cohort.label", "not patients", value="not patients", kind="configured"),
        _entry("published.x2022.os", "24", value=24.0, kind="transcribed", locator="Table 1"),
    )
}
LINEAGE = {
    "cohort": "c",
    "files": {"data/cohorts/c/patients.csv": SHA},
    "environment": {"python": "3.11.7", "stages": {"kaplan_meier": {"numpy": "2.4"}}},
    "registration": {"rule": "numbers", "code": "numbers", "config": []},
    "printing": {"tables": ["workflow/scripts/tables.py"]},
    "columns": {"patients.grade": {"file": "data/cohorts/c/patients.csv", "column": "grade"}},
    "row_sets": {
        "s0": {
            "units": {},
            "canonical": {},
            "raw": {},
            "n": {"units": 0, "canonical": 0, "raw": 0},
        },
        "s1": {
            "units": {"endpoints/os": "0-36"},
            "canonical": {"patients": "0-35,40"},
            "raw": {"data/cohorts/c/patients.csv": ",".join(map(str, range(2, 600, 2)))},
            "n": {"units": 37, "canonical": 37, "raw": 299},
        },
    },
}
FINDING = {
    "id": "consistency.sum.x",
    "check": "sum",
    "verdict": "inconsistent",
    "printed": "1 + 1",
    "recomputed": "2",
    "arithmetic": "1 + 1 = 2",
    "keys": ["x2022.os"],
}


@pytest.fixture
def run() -> Run:
    return Run(
        numbers=NUMBERS,
        code={"kaplan_meier": [{"path": "workflow/scripts/kaplan_meier.py", "sha256": SHA}]},
        lineage=LINEAGE,
        places={
            "os.median": [
                {
                    "document": "manuscript",
                    "section": "Results",
                    "place": "section “Results”, paragraph 3",
                    "sentence": "It was 24.5 months.",
                    "source": {"file": "manuscript/sections/results.qmd", "line": 12},
                }
            ]
        },
        crosscheck={"checks": {"os.median": {"agrees": False}}},
        coverage={"coverage": {"printed": 5}},
        findings=[FINDING],
        sources={"workflow/scripts/tables.py": SHA},
    )


@pytest.fixture
def template() -> Template:
    return Template(*((TEMPLATES / f).read_text() for f in ("page.html", "style.css", "script.js")))


def _decoded(coded: list[int | str]) -> list[str]:
    keys, before = [], ""
    for shared, rest in zip(coded[::2], coded[1::2], strict=True):
        before = before[: int(shared)] + str(rest)
        keys.append(before)
    return keys


def _held(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def test_the_page_holds_the_data_between_style_and_script(run: Run, template: Template) -> None:
    text = explorer.page(run, template)
    assert _held(text) == json.loads(json.dumps(explorer.data(run)))
    assert template.script.strip() in text
    assert template.style.strip() in text
    assert not re.search(r"\{\{\w+\}\}", text)


def test_what_numbers_say_cannot_end_the_script_nor_the_title(run: Run) -> None:
    numbers = NUMBERS | {"x": _entry("x", "</script><script>alert(1)</script>{{data}}")}
    text = explorer.page(Run(numbers), Template("<t>{{title}}</t>|{{data}}|{{script}}", "", "go()"))
    title, content, script = text.split("|")
    assert title == "<t>A &lt;b&gt;cohort&lt;/b&gt; &amp; more</t>"
    assert "<" not in content
    assert script == "go()"
    assert "</script><script>alert(1)</script>{{data}}" in json.loads(content)["phrases"]


def test_the_page_asks_nothing_of_the_network(run: Run, template: Template) -> None:
    text = explorer.page(run, template)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text.partition('id="data"')[0])
    addresses = set(re.findall(r"https?://[^\s\"']+", template.script + template.style))
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name, never fetched
    assert not re.search(r"fetch\(|XMLHttpRequest|import\(|@import|url\(", text)


def test_a_number_says_all_that_is_known(run: Run) -> None:
    told = explorer.data(run)
    keys = _decoded(told["keys"])
    assert keys == sorted(NUMBERS)
    at = keys.index("os.median")
    columns, phrases = told["columns"], told["phrases"]
    assert phrases[columns["text"][at]] == "24.5"
    assert columns["value"][at] == 24.49
    assert phrases[columns["status"][at]] == "independent"
    assert phrases[columns["check"][at]].endswith("which gives 24.49, the same. It does not agree.")
    assert told["sets"][columns["set"][at]]["n"]["units"] == 37
    assert columns["of"][keys.index("os.median.low")] == at
    assert columns["of"][at] == -1
    assert columns["value"][keys.index("cohort.title")] is None
    assert told["summary"]["disagreeing"] == ["os.median"]
    assert told["summary"]["kinds"] == {"computed": 3, "transcribed": 1, "configured": 1}
    assert {len(column) for column in columns.values()} == {len(keys)}


def test_the_p_beside_a_number_is_told_with_its_cross_check(run: Run) -> None:
    p = {"p": 0.045, "p_difference": 1.4e-17, "p_tolerance": 4.5e-10}
    checks = {"checks": {"os.median": {"agrees": True} | p}}
    told = explorer.data(replace(run, crosscheck=checks))
    at = told["columns"]["check"][_decoded(told["keys"]).index("os.median")]
    said = ". The p beside it: 0.045, difference 1.4e-17 (allowed 4.5e-10)"
    assert told["phrases"][at].endswith(f"which gives 24.49, the same{said}")


def test_rows_are_counted_and_long_lists_are_cut(run: Run) -> None:
    rows = explorer.data(run)["sets"][1]
    assert rows["units"] == {"endpoints/os": [37, "0-36"]}
    assert rows["canonical"] == {"patients": [37, "0-35,40"]}
    size, shown = rows["raw"]["data/cohorts/c/patients.csv"]
    assert size == 299
    assert shown.endswith(", …")
    assert len(shown) <= explorer.LONGEST_RANGE + 3
    assert [int(line) for line in shown.removesuffix(", …").split(",")] == list(
        range(2, 2 + 2 * len(shown.removesuffix(", …").split(",")), 2)
    )


def test_what_every_number_passes_is_said_once(run: Run) -> None:
    told = explorer.data(run)
    assert told["registration"] == {"rule": "numbers", "code": "numbers", "config": []}
    assert told["printing"] == {"tables": [["workflow/scripts/tables.py", SHA]]}


def test_a_figure_and_a_setting_have_their_lines() -> None:
    def line(**more: Any) -> str:
        told = explorer.data(Run({"x.y": _entry("x.y", "1", **more)}))
        return str(told["phrases"][told["columns"]["place"][0]])

    assert (
        line(kind="configured", rows={"file": "config/models.yaml", "line": 5}) == "models.yaml:5"
    )
    assert line(kind="transcribed", rows={"file": "data/published/x.csv", "line": 7}) == "x.csv:7"
    assert line(rows={"table": "endpoints/os"}) == ""


def test_places_and_findings_are_told_in_phrases(run: Run) -> None:
    told = explorer.data(run)
    said = [told["phrases"][place] for place in told["places"]["os.median"][0]]
    assert said == [
        "Results",
        "section “Results”, paragraph 3",
        "It was 24.5 months.",
        "manuscript/sections/results.qmd:12",
        "assemble",
    ]
    finding = told["findings"][0]
    assert finding[0] == "consistency.sum.x"
    assert [told["phrases"][place] for place in finding[1:6]] == [
        *("sum", "inconsistent", "1 + 1", "2", "1 + 1 = 2")
    ]
    assert finding[6] == ["published.x2022.os"]
    assert told["tables"] == {"patients": "data/cohorts/c/patients.csv"}


def test_what_a_number_decides_is_told_apart_from_where_it_is_printed(run: Run) -> None:
    claim = {"name": "longer", "of": "os", "says": "longer", "when": "os.median.low > 17"}
    place = run.places["os.median"][0] | {"sentence": "It was longer.", "claim": claim}
    own = run.places["os.median"][0]
    told = explorer.data(Run(NUMBERS, places={"os.median": [own, place], "os.median.low": [place]}))
    assert told["places"].keys() == {"os.median"}
    assert told["summary"]["places"] == len(told["places"]["os.median"]) == 1
    said = [told["phrases"][part] for part in told["claims"]["os.median.low"][0]]
    assert said == [
        own["place"],
        "It was longer.",
        "manuscript/sections/results.qmd:12",
        "longer",
        "os.median.low > 17",
    ]
    assert told["claims"].keys() == {"os.median", "os.median.low"}


def _finding(verdict: str, check: str = "sum", **detail: Any) -> dict[str, Any]:
    return FINDING | {"verdict": verdict, "check": check, "detail": detail}


def _told_verdicts(findings: list[dict[str, Any]]) -> list[str]:
    told = explorer.data(Run({}, findings=findings))
    return [told["phrases"][finding[2]] for finding in told["findings"]]


def test_findings_begin_with_what_fails() -> None:
    given = ["consistent", "possible", "inconsistent", "unverifiable", "impossible", "consistent"]
    findings = [_finding(verdict) | {"id": str(i)} for i, verdict in enumerate(given)]
    told = explorer.data(Run({}, findings=findings))
    assert [finding[0] for finding in told["findings"]] == ["4", "2", "3", "1", "0", "5"]
    assert list(told["summary"]["verdicts"]) == [
        *("impossible", "inconsistent", "unverifiable", "possible", "consistent")
    ]
    assert told["summary"]["verdicts"]["consistent"] == 2


VERSIONS: list[tuple[Any, str, str]] = [
    ("changed", "changed", "changed_value"),
    ("changed", "changed, other groups", "changed_value"),
    ("changed", "earlier version only", "one_version"),
    ("changed", "later version only", "one_version"),
    ("changed", "labels swapped and number inverted", "changed_value"),
    ("unchanged", "unchanged", "unchanged"),
    ("unchanged", "unchanged", "input_changed"),
    ("moved", "labels swapped", "moved"),
]


def test_of_two_versions_the_same_is_counted_as_in_the_manuscript() -> None:
    findings = [
        _finding(verdict, "drift", what=what, kind=kind) for verdict, what, kind in VERSIONS
    ]
    counted = explorer.data(Run({}, findings=findings))["summary"]["verdicts"]
    judged = [
        Finding("drift", ("x2022.os",), verdict, "", "", "", {"what": what, "kind": kind})
        for verdict, what, kind in VERSIONS
    ]
    versions = "consistency.versions."
    printed = {
        record.key.removeprefix(versions): record.value
        for record in consistency_statistics(judged, {})
        if record.key.startswith(versions)
    }
    assert counted == printed
    assert counted["changed"] == 2


def test_every_verdict_and_check_has_its_words() -> None:
    assert set(JUDGED) <= set(VERDICTS)
    told = explorer.data(Run({}))
    assert set(told["checks"]) == set(CHECKS)
    assert told["checks"]["wald_p"] == "Wald p against hazard ratio and interval"
    assert told["verdicts"]["possible"] == ["possible", ""]  # neither good nor a warning


def test_words_are_counted_apart_from_numbers(run: Run) -> None:
    words = _entry("published.x2022.os.place", "Table 1", kind="transcribed", unit="text")
    told = explorer.data(Run(NUMBERS | {words["key"]: words}, places=run.places))
    assert told["summary"]["kinds"]["transcribed"] == 1
    assert told["summary"]["texts"] == 1
    assert told["summary"]["places"] == 1


def test_a_number_that_is_printed_is_the_example_to_search(run: Run) -> None:
    numbers = {"x": _entry("x", "8", value=8), "os.median": NUMBERS["os.median"] | {"digits": 1}}
    assert explorer.data(Run(numbers))["summary"]["example"] == "24.5"
    other = {"y": _entry("y", "0.25", value=0.25, digits=2), "x": numbers["x"]}
    places = {
        key: [{"place": "abstract", "source": {"file": "index.qmd", "line": 1}}] for key in "xy"
    }
    assert explorer.data(Run(other, places=places))["summary"]["example"] == "0.25"
    assert explorer.data(Run({}))["summary"]["example"] == ""


def test_the_unit_stands_beside_a_text_that_lacks_it(run: Run) -> None:
    stated = NUMBERS["os.median"] | {"key": "os.median.stated", "text": "24.5 months"}
    told = explorer.data(Run(NUMBERS | {stated["key"]: stated}))
    beside = [told["phrases"][place] for place in told["columns"]["beside"]]
    by_key = dict(zip(_decoded(told["keys"]), beside, strict=True))
    assert by_key["os.median"] == "months"
    assert by_key["os.median.stated"] == ""


def test_what_is_shared_is_said_once(run: Run) -> None:
    many = {f"n.{i}": NUMBERS["os.median"] | {"key": f"n.{i}"} for i in range(1000)}
    told = explorer.data(Run(many, lineage=LINEAGE))
    assert len(told["phrases"]) == len(set(told["phrases"])) < 20
    size = len(json.dumps(told["columns"], separators=(",", ":")))
    assert size < 1000 * 70


def test_the_same_run_gives_the_same_bytes(run: Run, template: Template) -> None:
    turned = Run(**(vars(run) | {"numbers": dict(reversed(NUMBERS.items()))}))
    assert explorer.page(run, template) == explorer.page(turned, template)


def test_a_run_of_nothing_but_numbers_has_a_page(template: Template) -> None:
    assert _held(explorer.page(Run({}), template))["keys"] == []


@given(st.sets(st.text("ab._1", max_size=8)))
def test_front_coding_loses_nothing(keys: set[str]) -> None:
    numbers = {key: _entry(key, "1") for key in keys}
    assert _decoded(explorer.data(Run(numbers))["keys"]) == sorted(keys)


@given(st.sets(st.integers(0, 60), min_size=1))
def test_sizes_of_ranges(lines: set[int]) -> None:
    pairs = [f"{n}-{n}" if n % 2 else str(n) for n in sorted(lines)]
    rows = {"units": {}, "canonical": {"t": ",".join(pairs)}, "raw": {}, "n": {}}
    told = explorer.data(Run({}, lineage={"row_sets": {"s": rows}}))
    assert told["sets"][0]["canonical"]["t"][0] == len(lines)
