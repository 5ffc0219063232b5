from typing import Any

import pytest

from sarcoma_sbrt.provenance.ancestry import Run
from sarcoma_sbrt.provenance.differences import differences, summary, to_json

DATA, SETTINGS = "data/c/patients.csv", "config.models.alpha"
MODULE = "workflow/src/sarcoma_sbrt/survival/cox.py"
ROUNDING = "workflow/src/sarcoma_sbrt/reporting/numbers.py"


def entry(key: str, **changes: Any) -> dict[str, Any]:
    whole = {
        "key": key,
        "text": "24.0",
        "value": 24.0,
        "unit": "months",
        "kind": "computed",
        "n": 37,
        "events": 28,
        "p": None,
        "ci": None,
        "status": "estimated",
        "reason": "",
        "rule": "kaplan_meier",
        "source": "kaplan_meier",
        "code": "kaplan_meier",
        "config": ["models.alpha"],
        "inputs": [{"path": DATA, "sha256": "a"}],
    }
    return whole | changes


def setting(value: float) -> dict[str, Any]:
    rest = {"rule": None, "code": None, "source": "configuration", "inputs": []}
    return entry(SETTINGS, kind="configured", value=value, text=str(value), **rest)


def run(
    median: dict[str, Any] | None = None,
    *,
    alpha: float = 0.05,
    code: str = "x",
    pandas: str = "2.3.3",
    python: str = "3.11.7",
    files: dict[str, str] | None = None,
    rounding: str = "r",
    sources: dict[str, str] | None = None,
    **others: dict[str, Any],
) -> Run:
    numbers = {"os.median": median or entry("os.median"), SETTINGS: setting(alpha), **others}
    environment = {
        "python": python,
        "lock": {"path": "envs/requirements.lock", "sha256": "l"},
        "stages": {"kaplan_meier": {"pandas": pandas}},
    }
    registration = {"rule": "numbers", "code": "numbers", "config": []}
    lineage = {
        "environment": environment,
        "files": files or {DATA: "a"},
        "registration": registration,
    }
    sets = {
        "kaplan_meier": [{"path": MODULE, "sha256": code}],
        "numbers": [{"path": ROUNDING, "sha256": rounding}],
    }
    return Run(numbers, sets, lineage, {}, sources or {})


MOVED = entry("os.median", value=27.0, text="27.0")


def causes(before: Run, after: Run, key: str = "os.median") -> dict[str, tuple[str, ...]]:
    (found,) = [one for one in differences(before, after) if one.move.key == key]
    return {cause.kind: cause.what for cause in found.causes}


def test_equal_runs_differ_in_nothing():
    assert differences(run(), run(code="y", pandas="2.4")) == []
    assert summary([], run(), run()) == "no number of 2 differs"


def test_by_how_much():
    (found,) = differences(run(), run(MOVED))
    assert (found.change, found.relative) == (3.0, 0.125)


def test_what_was_negative_and_grew_has_a_positive_share():
    was, is_ = (entry("os.median", value=value, text=str(value)) for value in (-24.0, -21.0))
    (found,) = differences(run(was), run(is_))
    assert (found.change, found.relative) == (3.0, 0.125)


@pytest.mark.parametrize("value", [None, "not reached", True])
def test_what_is_no_number_differs_by_no_amount(value):
    (found,) = differences(run(), run(entry("os.median", value=value, text="NR")))
    assert (found.change, found.relative) == (None, None)


def test_a_number_that_was_nought_has_no_share():
    (found,) = differences(run(entry("os.median", value=0, text="0")), run())
    assert (found.change, found.relative) == (24.0, None)


def test_each_cause_by_itself():
    read = [{"path": DATA, "sha256": "b"}]
    assert causes(run(), run(MOVED | {"inputs": read})) == {"data": (DATA,)}
    assert causes(run(), run(MOVED, code="y")) == {"code": (MODULE,)}
    assert causes(run(), run(MOVED, alpha=0.1)) == {"config": ("models.alpha: 0.05 → 0.1",)}
    assert causes(run(), run(MOVED, pandas="2.4")) == {"library": ("pandas: 2.3.3 → 2.4",)}
    assert causes(run(), run(MOVED, python="3.12.1")) == {"library": ("Python: 3.11.7 → 3.12.1",)}


def test_code_that_words_and_rounds_is_a_cause_of_any_number():
    assert causes(run(), run(MOVED, rounding="y")) == {"code": (ROUNDING,)}
    assert causes(run(), run(MOVED, rounding="y", code="y")) == {"code": (ROUNDING, MODULE)}
    transcribed = {"kind": "transcribed", "rule": None, "code": None, "config": [], "inputs": []}
    before, after = (entry("published.x", text=text, **transcribed) for text in ("1.5", "1·5"))
    found = causes(
        run(**{"published.x": before}), run(rounding="y", **{"published.x": after}), "published.x"
    )
    assert found == {"code": (ROUNDING,)}


def test_all_causes_are_named():
    found = causes(run(), run(MOVED, code="y", alpha=0.1))
    assert list(found) == ["code", "config"]


def test_a_file_that_the_number_does_not_name_is_better_than_nothing():
    other = {DATA: "a", "data/published/outcomes.csv": "p"}
    assert causes(run(), run(MOVED, files=other)) == {"data": ("data/published/outcomes.csv",)}


def test_a_change_that_nothing_explains_says_so():
    assert causes(run(), run(MOVED)) == {"unexplained": ("nothing that the runs recorded differs",)}


def test_what_else_the_repository_brought_accounts_for_what_no_stage_does():
    path, other = "workflow/src/sarcoma_sbrt/reporting/tables.py", "config/config.yaml"
    before = {path: "a", other: "b", "manuscript/index.qmd": "c"}
    after = {path: "x", other: "y", "manuscript/index.qmd": "z"}
    (found,) = differences(run(sources=before), run(MOVED, sources=after))
    assert [(cause.kind, cause.what) for cause in found.causes] == [
        ("code", (path,)),
        ("config", (other,)),
    ]


def test_a_setting_is_its_own_cause():
    assert causes(run(), run(alpha=0.1), SETTINGS) == {"config": ("models.alpha",)}


def test_a_number_that_comes_or_goes_is_explained_by_its_files():
    new = entry("os.rate")
    assert causes(run(files={"x": "1"}), run(**{"os.rate": new}), "os.rate") == {"data": (DATA,)}
    assert causes(run(**{"os.rate": new}), run(code="y"), "os.rate") == {"code": (MODULE,)}


def test_the_summary_counts_numbers_and_causes():
    before, after = run(gone=entry("gone")), run(MOVED, code="y", new=entry("new"))
    found = differences(before, after)
    assert summary(found, before, after) == (
        "3 of 4 numbers differ: 1 changed, 1 new, 1 gone; because of code (3)"
    )


def test_as_json():
    before, after = run(), run(MOVED, code="y")
    assert to_json(differences(before, after)) == [
        {
            "key": "os.median",
            "what": "moves",
            "before": {
                "value": 24.0,
                "text": "24.0",
                "n": 37,
                "events": 28,
                "p": None,
                "status": "estimated",
            },
            "after": {
                "value": 27.0,
                "text": "27.0",
                "n": 37,
                "events": 28,
                "p": None,
                "status": "estimated",
            },
            "change": 3.0,
            "relative": 0.125,
            "causes": [{"kind": "code", "what": [MODULE]}],
        }
    ]
