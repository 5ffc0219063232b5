import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from sarcoma_sbrt.provenance.ancestry import Run
from sarcoma_sbrt.provenance.verification import (
    Evidence,
    marked,
    report,
    summary,
    transcribed_cells,
    verified,
)

ROWS = {
    "units": {"endpoints/os": "0-1"},
    "canonical": {"patients": "0-1"},
    "raw": {"data/c/patients.csv": "2-3"},
}
SET = hashlib.sha256(json.dumps(ROWS, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[
    :16
]
CHECK = {
    "status": "independent",
    "engine": "plain numpy",
    "value": 24.0,
    "difference": 0.0,
    "reason": "",
}
COMPUTED = {
    "key": "os.median",
    "text": "24.0",
    "value": 24.0,
    "kind": "computed",
    "rows": {"table": "endpoints/os", "where": {}},
    "inputs": [{"path": "data/c/patients.csv", "sha256": "data"}],
    "code": "kaplan_meier",
    "lineage": SET,
    "crosscheck": CHECK,
}
PRINTED = {
    "key": "published.doe.os.median.low",
    "text": "13.0",
    "value": 13.0,
    "kind": "transcribed",
    "rows": {"file": "data/published/outcomes.csv", "line": 2},
    "inputs": [{"path": "data/published/outcomes.csv", "sha256": "printed"}],
    "code": None,
    "lineage": None,
    "crosscheck": None,
}
ROW = {
    "outcome_id": "doe.os.median",
    "estimate": "24",
    "printed_text": "24.0",
    "printed_ci": "13.0–1,028.0",
    "printed_range": "",
    "printed_p": "0.01",
    "printed_n": "",
    "printed_events": "",
}
HASHES = {
    "data/c/patients.csv": "data",
    "data/published/outcomes.csv": "printed",
    "config/models.yaml": "settings",
    "envs/requirements.lock": "lock",
    "workflow/scripts/kaplan_meier.py": "script",
    "workflow/rules/survival.smk": "rule",
    "config/config.yaml": "run",
    "manuscript/index.qmd": "text",
}
SOURCES = list(HASHES)[-4:]
RESULTS = {f"manuscript/index.{name}": name for name in ("html", "pdf", "docx")}


def evidence(**changes: Any) -> Evidence:
    numbers = {entry["key"]: entry for entry in (COMPUTED, PRINTED)}
    lineage = {
        "files": {path: HASHES[path] for path in list(HASHES)[:3]},
        "environment": {"lock": {"path": "envs/requirements.lock", "sha256": "lock"}},
        "row_sets": {SET: ROWS | {"n": {"units": 2, "canonical": 2, "raw": 2}}},
    }
    code = {"kaplan_meier": [{"path": "workflow/scripts/kaplan_meier.py", "sha256": "script"}]}
    pages = {name: {"tokens": 3, "equal": True} for name in ("html", "pdf", "docx")}
    parts: dict[str, Any] = {
        "run": Run(numbers, code, lineage, {"os.median": [{}]}),
        "crosscheck": {
            "checks": {"os.median": CHECK | {"agrees": True}},
            "counts": {"independent": 1, "metric_only": 0, "replayed": 0, "none": 0},
        },
        "coverage": {
            "coverage": {
                "printed": 3,
                "computed": 1,
                "transcribed": 1,
                "configured": 0,
                "set_aside": {"url": 1},
                "unaccounted": [],
            }
        },
        "pages": pages | {"figures": {}},
        "sources": {path: HASHES[path] for path in SOURCES},
        "on_disk": HASHES.get,
        "published": {"data/published/outcomes.csv": {2: ROW}},
        "keyed": [("os.median", "24.0")],
        "manifest": RESULTS,
        "in_results": RESULTS.get,
    }
    return Evidence(**parts | changes)


def changed(numbers: dict[str, Any]) -> Evidence:
    whole = evidence()
    merged = {key: {**whole.run.numbers[key], **numbers.get(key, {})} for key in whole.run.numbers}
    return replace(whole, run=replace(whole.run, numbers=merged))


def problems(found: Evidence) -> dict[str, tuple[str, ...]]:
    return {check.name: check.problems for check in verified(found) if not check.ok}


def test_a_run_that_is_what_it_says():
    whole = evidence()
    checks = verified(whole)
    assert problems(whole) == {}
    assert {check.name: check.checked for check in checks} == {
        "data": 2,
        "configuration": 2,
        "environment": 1,
        "code": 2,
        "manuscript source": 1,
        "lineage": 3,
        "published figures": 1,
        "cross-checks": 1,
        "coverage": 3,
        "pages": 9,
        "manuscript": 1,
        "results": 3,
    }
    assert summary(checks, whole) == (
        "all 12 checks passed: 2 numbers, 1 of them recomputed independently; "
        "3 printed, every one accounted for"
    )


def test_before_the_manifest_nothing_is_asked_of_it():
    whole = replace(evidence(), manifest=None)
    assert [check.name for check in verified(whole)][-1] == "manuscript"
    assert problems(whole) == {}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("data/c/patients.csv", "data"),
        ("config/models.yaml", "configuration"),
        ("envs/requirements.lock", "environment"),
        ("workflow/scripts/kaplan_meier.py", "code"),
        ("workflow/rules/survival.smk", "code"),
        ("config/config.yaml", "configuration"),
        ("manuscript/index.qmd", "manuscript source"),
    ],
)
def test_a_file_that_changed_or_went_fails_its_own_check(path, name):
    edited = evidence(on_disk=(HASHES | {path: "other"}).get)
    said = f"{path}: changed since the run, read sha256 other, accepted: {HASHES[path]}"
    assert problems(edited) == {name: (said,)}
    gone = evidence(on_disk={p: h for p, h in HASHES.items() if p != path}.get)
    assert problems(gone) == {name: (f"{path}: no such file, accepted: the one of the run",)}


def test_a_result_that_changed():
    found = evidence(in_results=(RESULTS | {"manuscript/index.pdf": "other"}).get)
    said = "manuscript/index.pdf: changed since the run, read sha256 other, accepted: pdf"
    assert problems(found) == {"results": (said,)}


def test_a_manuscript_that_the_manifest_does_not_have():
    manifest = {"manuscript/index.html": "html", "manuscript/index.docx": "docx"}
    found = evidence(manifest=manifest)
    assert problems(found) == {"manuscript": ("manuscript/index.pdf: not in the manifest",)}


def test_rows_that_are_not_what_their_name_says():
    whole = evidence()
    rows = {SET: ROWS | {"raw": {"data/c/gone.csv": "3-2"}, "n": {"units": 2, "canonical": 1}}}
    run = replace(whole.run, lineage=whole.run.lineage | {"row_sets": rows})
    assert problems(replace(whole, run=run)) == {
        "lineage": (
            f"row set {SET}: its name is not the hash of what it holds",
            f"row set {SET}: canonical: read 1, accepted: 2",
            f"row set {SET}: raw: '3-2' is no ascending list of ranges",
            f"row set {SET}: data/c/gone.csv is no file of the lineage",
        )
    }


def test_a_number_whose_rows_or_code_or_hashes_are_elsewhere():
    inputs = [{"path": "data/c/patients.csv", "sha256": "second"}]
    found = changed({"os.median": {"lineage": "none", "code": "cox", "inputs": inputs}})
    assert problems(found) == {
        "lineage": (
            "os.median: its rows are nowhere, read none",
            "os.median: its code is nowhere, read cox",
            "data/c/patients.csv: registry and lineage have two hashes of it",
        )
    }


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({}, "no such row"),
        (
            {2: ROW | {"printed_ci": "14.0–28.0"}},
            "printed_ci: published.doe.os.median.low: read 13.0, accepted: 14.0",
        ),
        (
            {2: ROW | {"outcome_id": "roe.os.median"}},
            "published.doe.os.median.low: the row is another figure's, read roe.os.median",
        ),
    ],
)
def test_a_transcribed_number_that_its_row_does_not_print(row, said):
    found = evidence(published={"data/published/outcomes.csv": row})
    (problem,) = problems(found)["published figures"]
    assert problem.startswith("data/published/outcomes.csv:2: ")
    assert said in problem


def test_a_transcribed_value_that_is_not_the_rows():
    key = "published.doe.os.median"
    entry = PRINTED | {"key": key, "text": "24.0", "value": 25.0}
    whole = evidence()
    run = replace(whole.run, numbers={"os.median": COMPUTED, key: entry})
    assert problems(replace(whole, run=run)) == {
        "published figures": (
            f"data/published/outcomes.csv:2: estimate: {key}: read 25.0, accepted: 24",
        )
    }


@pytest.mark.parametrize(
    ("suffix", "accepted"),
    [
        ("", [("printed_text", ("24.0",))]),
        ("low", [("printed_ci", ("13.0",))]),
        ("high", [("printed_ci", ("1,028.0",))]),
        ("p", [("printed_p", ("0.01",))]),
        ("locator", []),
        ("dose", []),
    ],
)
def test_cells_that_print_a_number(suffix, accepted):
    assert list(transcribed_cells(suffix, ROW)) == accepted


def test_a_second_engine_that_disagrees():
    checks = {"os.median": CHECK | {"agrees": False, "reason": "24, by the second engine 25"}}
    found = evidence(crosscheck={"checks": checks, "counts": {"independent": 1}})
    assert problems(found) == {"cross-checks": ("os.median: 24, by the second engine 25",)}
    told = report(verified(found), found)
    assert told["crosscheck"]["failures"] == [
        {"key": "os.median", "reason": "24, by the second engine 25"}
    ]
    assert (told["ok"], told["summary"]) == (False, "1 of 12 checks failed: cross-checks (1)")


def test_a_computed_number_that_nobody_recomputed_or_that_says_so_otherwise():
    found = changed({"os.median": {"crosscheck": None}})
    said = "os.median: nothing says whether it was recomputed"
    assert problems(found) == {"cross-checks": (said,)}
    found = changed({"os.median": {"crosscheck": CHECK | {"value": 23.0}}})
    said = "os.median: the registry says another thing of its cross-check"
    assert problems(found) == {"cross-checks": (said,)}


def test_a_range_over_reconstructions_has_no_second_engine():
    key = "os.median.over_solutions"
    found = changed({})
    numbers = {**found.run.numbers, key: COMPUTED | {"key": key, "crosscheck": None}}
    assert problems(replace(found, run=replace(found.run, numbers=numbers))) == {}


def test_counts_of_cross_checks_that_do_not_add_up():
    crosscheck = evidence().crosscheck | {"counts": {"independent": 2, "guessed": 0}}
    assert problems(evidence(crosscheck=crosscheck)) == {
        "cross-checks": (
            "counts: guessed: read 0, accepted: 0",
            "counts: independent: read 2, accepted: 1",
        )
    }


def test_a_digit_that_nothing_answers_for_and_a_place_of_no_number():
    coverage = evidence().coverage["coverage"] | {"unaccounted": ["93"], "printed": 4}
    whole = evidence(coverage={"coverage": coverage})
    run = replace(whole.run, places={"os.mean": []})
    assert problems(replace(whole, run=run)) == {
        "coverage": (
            "93: printed, and nothing answers for it",
            "coverage.json: printed: read 4, accepted: 3",
            "places.json: os.mean: no number has this key",
        )
    }


def test_a_page_that_was_not_compared_or_has_other_numbers():
    pages = {"html": {"tokens": 3, "equal": False}, "docx": {"tokens": 3, "equal": True}}
    said = "manuscript/index.html: its numbers are not those of the document that was judged"
    assert problems(evidence(pages=pages)) == {
        "pages": (said, "manuscript/index.pdf: nobody compared its numbers")
    }


def test_a_page_that_cannot_be_read_is_not_called_another():
    pages = {name: {"tokens": 3, "equal": True} for name in ("html", "docx")}
    pages["pdf"] = {"tokens": 0, "equal": None, "reason": "the PDF is not tagged"}
    assert problems(evidence(pages=pages)) == {
        "pages": ("manuscript/index.pdf: not compared: the PDF is not tagged",)
    }


def test_a_marked_number_that_prints_another_text():
    keyed = [("os.median", "24.1"), ("os.median", "24.1"), ("os.mean", "3")]
    assert problems(evidence(keyed=keyed)) == {
        "manuscript": (
            "manuscript/index.html: os.median: read 24.1, accepted: 24.0",
            "manuscript/index.html: os.mean: no number has this key",
        )
    }


def test_the_report_is_a_function_of_the_evidence():
    whole = evidence()
    told = report(verified(whole), whole)
    assert sorted(told) == [
        *("checks", "coverage", "crosscheck", "ok", "pages", "summary", "version")
    ]
    assert told["checks"][0] == {"name": "data", "ok": True, "checked": 2, "problems": []}
    assert json.dumps(told) == json.dumps(report(verified(evidence()), evidence()))


def test_marks_of_a_page():
    html = (
        '<p>A <span class="num" data-key="a">1<sub>2</sub></span>, <a href="#">x '
        '<span data-key="b"><span>&lt;</span>0.001</span></a><span>7</span></p>'
        '<span data-key="c">3 <span data-key="d">4</span></span>'
    )
    assert marked(html) == [("a", "12"), ("b", "<0.001"), ("c", "3 4"), ("d", "4")]
