import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from sarcoma_sbrt.provenance.ancestry import Run
from sarcoma_sbrt.provenance.verification import (
    Evidence,
    entry_counts,
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
TOLERANCE = 1e-9
COMPUTED = {
    "key": "os.median",
    "text": "24.0",
    "value": 24.0,
    "unit": "months",
    "p": None,
    "ci": None,
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
    "unit": "months",
    "p": None,
    "ci": None,
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


def checked(**changes: Any) -> dict[str, Any]:
    """What audit/crosscheck.json has of a number."""
    return CHECK | {"agrees": True, "tolerance": TOLERANCE} | changes


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
            "checks": {"os.median": checked()},
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
        "all 12 checks passed: 2 entries (2 numbers, 0 texts), 1 of them recomputed independently; "
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
    behind = "it stands behind 1 entry (1 number, 0 texts) of the registry"
    more = f"; {behind}, `sarcoma-sbrt impact` says which of a line" if name == "data" else ""
    said = f"{path}: changed since the run, read sha256 other, accepted: {HASHES[path]}{more}"
    assert problems(edited) == {name: (said,)}
    gone = evidence(on_disk={p: h for p, h in HASHES.items() if p != path}.get)
    assert problems(gone) == {name: (f"{path}: no such file, accepted: the one of the run{more}",)}


def test_a_result_that_changed():
    found = evidence(in_results=(RESULTS | {"manuscript/index.pdf": "other"}).get)
    said = "manuscript/index.pdf: changed since the run, read sha256 other, accepted: pdf"
    assert problems(found) == {"results": (said,)}


def test_a_result_that_changed_names_the_rule_that_makes_it():
    result = {"statistics/cox.json": "cox"}
    found = evidence(manifest=RESULTS | result, made_by={"statistics/cox.json": "cox"}.get)
    assert problems(found)["results"] == (
        "statistics/cox.json: no such file, accepted: the one of the run; rule cox makes it",
    )


def test_a_page_that_changed_is_read_again_and_no_other():
    def read_again(file: str) -> list[str]:
        return [f"{file}:3: 7 is not in the document"]

    found = evidence(
        in_results=(RESULTS | {"manuscript/index.html": "other"}).get, read_again=read_again
    )
    assert problems(found)["pages"] == ("manuscript/index.html:3: 7 is not in the document",)
    assert problems(evidence(read_again=read_again)) == {}
    assert problems(replace(found, manifest=None)) == {}


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


def test_a_transcribed_limit_is_held_against_the_number_of_the_row_too():
    row = ROW | {"ci_low": "13.5"}
    found = evidence(published={"data/published/outcomes.csv": {2: row}})
    assert problems(found) == {
        "published figures": (
            "data/published/outcomes.csv:2: ci_low: published.doe.os.median.low: read 13.0, "
            "accepted: 13.5",
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
    checks = {"os.median": checked(agrees=False, reason="24, by the second engine 25")}
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


def test_a_number_that_says_it_was_recomputed_and_was_not():
    crosscheck = {"checks": {}, "counts": {}}
    said = "os.median: the registry says that it was recomputed, and no cross-check does"
    assert problems(evidence(crosscheck=crosscheck)) == {"cross-checks": (said,)}


def entries(*several: dict[str, Any], checks: dict[str, Any]) -> Evidence:
    """A run with some entries in place of the computed one, and with these cross-checks."""
    whole = evidence()
    numbers = {one["key"]: one for one in (PRINTED, *several)}
    # Each tells its own cross-check, or the one of what it belongs to.
    for key, one in numbers.items():
        if one["kind"] == "computed":
            check = checks.get(key) or checks[one["of"]] | {"value": None}
            numbers[key] = one | {"crosscheck": {part: check[part] for part in CHECK}}
    statuses = [check["status"] for check in checks.values()]
    crosscheck = {"checks": checks, "counts": {s: statuses.count(s) for s in statuses}}
    run = replace(whole.run, numbers=numbers, places={})
    return replace(whole, run=run, crosscheck=crosscheck, keyed=())


def beside(changes: dict[str, Any], key: str = "os.median", **check: Any) -> tuple[str, ...]:
    """What is wrong with the one computed number, changed so, and with its cross-check."""
    found = entries(COMPUTED | {"key": key} | changes, checks={key: checked(**check)})
    return problems(found).get("cross-checks", ())


def test_a_value_that_is_not_the_second_engines_is_told_with_the_tolerance():
    said = "os.median: value: not the second engine's, read 99.0, accepted: 24.0 within 1e-09"
    assert beside({"value": 99.0, "text": "99.0"}) == (said,)
    said = "os.median: value: not the second engine's, read no value, accepted: 24.0 within 1e-09"
    assert beside({"value": None, "text": "NR"}) == (said,)


def test_a_value_may_be_as_far_off_as_the_cross_check_records():
    near = {"value": 24.0 + 1e-6}
    assert beside(near, tolerance=1e-5) == ()
    assert beside(near, tolerance=1e-7) != ()
    assert beside(near, tolerance=None) != ()


def test_what_is_listed_as_not_recomputed_has_nothing_to_be_held_against():
    assert beside({}, status="none", engine=None, value=None, difference=None, tolerance=None) == ()


def test_where_the_second_engines_values_are_withheld_only_its_verdict_is_asked():
    assert beside({"value": 99.0, "text": "< 5"}, value=None, tolerance=None) == ()


LIMITED = COMPUTED | {"p": 0.2, "ci": {"low": 13.0, "high": None, "level": 0.95}}
LIMITS = {
    "os.median": checked(p=0.2, p_difference=0.0, p_tolerance=1e-9),
    "os.median.low": checked(value=13.0),
    "os.median.high": checked(value=None, tolerance=None),
}
OF = {"of": "os.median", "p": 0.2}
COMPANIONS = {
    "os.median": LIMITED,
    "os.median.low": COMPUTED | OF | {"key": "os.median.low", "value": 13.0, "text": "13.0"},
    "os.median.high": COMPUTED | OF | {"key": "os.median.high", "value": None, "text": "NR"},
    "os.median.stated": COMPUTED | OF | {"key": "os.median.stated", "text": "24.0 months"},
    "os.median.reason": COMPUTED
    | OF
    | {"key": "os.median.reason", "value": "few", "text": "few", "unit": "text"},
}


@pytest.mark.parametrize(
    ("key", "changes", "said"),
    [
        ("", {}, None),
        (
            "",
            {"ci": {"low": 14.0, "high": None, "level": 0.95}},
            "ci.low: not the second engine's, read 14.0, accepted: 13.0 within 1e-09",
        ),
        (
            "",
            {"ci": {"low": 13.0, "high": 30.0, "level": 0.95}},
            "ci.high: not the second engine's, read 30.0, accepted: no value",
        ),
        (
            ".low",
            {"value": 14.0, "text": "14.0"},
            "value: not the second engine's, read 14.0, accepted: 13.0 within 1e-09",
        ),
        (
            ".stated",
            {"value": 25.0, "text": "25.0 months"},
            "value: not the second engine's, read 25.0, accepted: 24.0 within 1e-09",
        ),
        (".stated", {"text": "42.0 months"}, "text: not the value, read 42.0 months, accepted: "),
        (".reason", {"text": "many"}, "text: not the value, read many, accepted: few"),
        (
            "",
            {"p": 0.02},
            "p: not the second engine's, read 0.02, accepted: 0.2 within 1e-09",
        ),
        (
            "",
            {"p": None},
            "p: not the second engine's, read no value, accepted: 0.2 within 1e-09",
        ),
        ("", {"p": 0.2 + 5e-10}, None),
        (
            ".low",
            {"p": 0.02},
            "p: not the second engine's, read 0.02, accepted: 0.2 within 1e-09",
        ),
        (".reason", {"p": None}, None),
    ],
)
def test_limits_stated_forms_and_p_are_held_against_what_was_recomputed(key, changes, said):
    name = f"os.median{key}"
    whole = COMPANIONS | {name: COMPANIONS[name] | changes}
    told = problems(entries(*whole.values(), checks=LIMITS)).get("cross-checks", ())
    assert len(told) == (said is not None)
    assert all(one.startswith(f"{name}: {said}") for one in told)


def test_a_p_is_the_value_of_its_own_entry():
    entry = {"unit": "p", "value": 0.01, "text": "0.010"}
    assert beside(entry | {"p": 0.01}, value=0.01) == ()
    assert beside(entry | {"p": None}, value=0.01) == ()
    said = "os.median: p: not the second engine's, read 0.04, accepted: 0.01 within 1e-09"
    assert beside(entry | {"p": 0.04}, value=0.01) == (said,)


def test_a_p_that_no_cross_check_tells_of_is_not_the_second_engines():
    said = "os.median: p: not the second engine's, read 0.04, accepted: no value"
    assert beside({"p": 0.04}) == (said,)


def test_a_text_statistic_is_the_second_engines_word_for_word():
    entry = {"unit": "text", "value": "low dose", "text": "low dose"}
    assert beside(entry, value="low dose", tolerance=None) == ()
    said = "value: not the second engine's, read low dose, accepted: high dose"
    assert beside(entry, value="high dose", tolerance=None) == (f"os.median: {said}",)


@pytest.mark.parametrize(
    ("text", "value", "is_printed"),
    [
        ("24.0", 24.04, True),
        ("24.1", 24.05, True),  # rounded half up on the shortest form
        ("24.0", 24.06, False),
        ("24", 24, True),
        ("\N{MINUS SIGN}1.5", -1.5, True),
        ("1.5", -1.5, False),
        ("< 0.001", 0.0004, True),
        ("<0.001", 0.002, False),
        ("= 0.016", 0.0162, True),
        ("53.0%", 53.04, True),
        ("6.691e+19", 6.6913e19, True),
        ("6.691e+19", 6.6913e18, False),
        ("NR", None, True),
        ("24.0", None, False),
        ("NR", 24.0, False),
        ("24.0 to 25.0", 24.0, False),
    ],
)
def test_a_text_is_its_value_rounded(text, value, is_printed):
    told = beside({"text": text, "value": value}, value=value or 0.0, tolerance=1e30)
    assert any("text: not the value" in one for one in told) is not is_printed


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


def test_entries_are_counted_by_what_they_tell_of_their_cross_check():
    texts = {"a": {"unit": "text", "crosscheck": CHECK}, "b": {"unit": "text", "crosscheck": None}}
    replayed = {"c": {"unit": "p", "crosscheck": CHECK | {"status": "replayed"}}}
    assert entry_counts(texts | replayed | {"os.median": COMPUTED}) == {
        "entries": 4,
        "numbers": 2,
        "texts": 2,
        "crosscheck": {"independent": 2, "metric_only": 0, "replayed": 1, "none": 0},
    }


def test_report_and_summary_count_entries_and_not_cross_checks():
    found = entries(*COMPANIONS.values(), checks=LIMITS)
    checks = verified(found)
    told = report(checks, found)
    # Three cross-checks; the stated form and the reason tell that of their number.
    assert told["crosscheck"]["counts"]["independent"] == 5
    assert told["registry"] == {"entries": 6, "numbers": 5, "texts": 1}
    assert "6 entries (5 numbers, 1 text), 5 of them recomputed" in summary(checks, found)


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
        *("checks", "coverage", "crosscheck", "ok", "pages", "registry", "summary", "version")
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


@pytest.mark.parametrize("other", [{"status": "replayed"}, {"engine": "lifelines"}])
def test_a_stated_form_repeats_how_its_number_was_recomputed(other):
    whole = evidence()
    stated = COMPUTED | {"key": "os.median.stated", "of": "os.median", "text": "24.0 months"}

    def found(check: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        numbers = {**whole.run.numbers, stated["key"]: stated | {"crosscheck": check}}
        return problems(replace(whole, run=replace(whole.run, numbers=numbers)))

    assert found(CHECK) == {}
    said = "os.median.stated: the registry says another thing of its cross-check"
    assert found(CHECK | other) == {"cross-checks": (said,)}
