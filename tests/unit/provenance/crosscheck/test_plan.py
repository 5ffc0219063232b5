"""The committed list: what it accepts, which line holds, and what it says nothing of."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.io import line_of, read_yaml
from sarcoma_sbrt.provenance.crosscheck.checks import STATUSES, Promise
from sarcoma_sbrt.provenance.crosscheck.plan import promised, rules_of

ROOT = Path(__file__).parents[4]
SCHEMA = ROOT / "workflow" / "schemas" / "crosscheck.schema.yaml"
COMMITTED = ROOT / "config" / "crosscheck.yaml"
LINE = {"method": "Kaplan-Meier*", "status": "independent", "engine": "numpy"}


def record(
    method: str, key: str = "os.median", unit: str = "months", value: str = ""
) -> dict[str, Any]:
    return {"key": key, "method": method, "unit": unit, "value": value}


def promise_of(*lines: dict[str, Any], of: dict[str, Any]) -> Promise:
    rules = rules_of({"version": "1.0", "stages": {"stage": list(lines)}})
    return promised("stage", [of], rules)[of["key"]]


def test_a_line_becomes_a_promise() -> None:
    line = LINE | {
        "tolerance": {"absolute": 1e-9, "relative": 1e-6},
        "reason": "rounding",
    }
    found = promise_of(line, of=record("Kaplan-Meier"))
    assert found == Promise("independent", "numpy", 1e-9, 1e-6, "rounding")


def test_the_first_line_that_matches_holds() -> None:
    words = {"method": "*", "status": "none", "reason": "words"}
    assert promise_of(LINE, words, of=record("Kaplan-Meier, censored")).status == "independent"
    assert promise_of(words, LINE, of=record("Kaplan-Meier, censored")).status == "none"


@pytest.mark.parametrize(
    ("narrowed", "of", "holds"),
    [
        ({"keys": "*.p"}, {"key": "os.p"}, True),
        ({"keys": "*.p"}, {"key": "os.hr"}, False),
        ({"keys": ["*.hr", "*.p"]}, {"key": "os.hr"}, True),
        ({"units": ["p", "months"]}, {"unit": "months"}, True),
        ({"units": ["p"]}, {"unit": "months"}, False),
        ({"texts": "no coefficient *"}, {"value": "no coefficient gives it"}, True),
        ({"texts": ["both *", "no coefficient *"]}, {"value": "at 12 months"}, False),
        ({"method": ["a", "Kaplan-Meier"]}, {}, True),
        ({"method": "kaplan-meier"}, {}, False),
        ({"method": "Kaplan"}, {}, False),
    ],
)
def test_all_that_a_line_asks_must_hold(
    narrowed: dict[str, Any], of: dict[str, Any], holds: bool
) -> None:
    rest = {"method": "*", "status": "none", "reason": "rest"}
    found = promise_of(LINE | narrowed, rest, of=record("Kaplan-Meier", **of))
    assert (found.status == "independent") is holds


def test_a_method_that_no_line_covers_is_an_error_each_once() -> None:
    records = [record("new", "a.n"), record("new", "b.n"), record("newer", "c.n")]
    with pytest.raises(InputError) as caught:
        promised(
            "stage", [record("Kaplan-Meier"), *records], rules_of({"stages": {"stage": [LINE]}})
        )
    assert str(caught.value) == (
        "config/crosscheck.yaml: stages.stage: no line covers a.n, read new, "
        "accepted: a line whose method, keys and units match it\n"
        "config/crosscheck.yaml: stages.stage: no line covers c.n, read newer, "
        "accepted: a line whose method, keys and units match it"
    )


def test_what_the_list_lacks_is_said_at_the_line_of_its_stage() -> None:
    lines = COMMITTED.read_text(encoding="utf-8").splitlines()
    at = lines.index("  forest:") + 1
    with pytest.raises(InputError, match=rf"crosscheck\.yaml:{at}: stages\.forest: no line"):
        promised("forest", [record("tea leaves")], {}, partial(line_of, COMMITTED))


def test_a_new_part_of_a_listed_check_is_an_error() -> None:
    rules = rules_of(read_yaml(COMMITTED, SCHEMA))
    method, key = "the same fact in two places", "consistency.repeat.doe2015.os.median"
    known, new = (record(method, f"{key}.{part}", "text") for part in ("verdict", "doubt"))
    assert promised("consistency", [known], rules)[known["key"]].status == "independent"
    with pytest.raises(InputError, match=rf"stages\.consistency: no line covers {key}\.doubt,"):
        promised("consistency", [known, new], rules)


@pytest.mark.parametrize("stage", ["forest", "synthesis", "consistency", "cox", "marginals"])
def test_no_line_of_the_committed_list_takes_what_nobody_has_thought_of(stage: str) -> None:
    rules = rules_of(read_yaml(COMMITTED, SCHEMA))
    for key in (f"{stage}.os.verdict", "x.y"):
        with pytest.raises(InputError, match=rf"stages\.{stage}: no line covers {key}, read tea"):
            promised(stage, [record("tea leaves", key, "text")], rules)


def test_a_stage_without_lines_is_an_error() -> None:
    with pytest.raises(InputError, match=r"stages\.other: no line covers os\.median"):
        promised("other", [record("Kaplan-Meier")], rules_of({"stages": {"stage": [LINE]}}))


# --- the schema, and the list itself --------------------------------------------------------


def checked_list(tmp_path: Path, line: dict[str, Any]) -> dict[str, Any]:
    path = tmp_path / "crosscheck.yaml"
    path.write_text(yaml.safe_dump({"version": "1.0", "stages": {"stage": [line]}}), "utf-8")
    return read_yaml(path, SCHEMA)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"engines": "numpy"}, "engines: unknown key"),
        ({"status": "probably"}, "status: value is not accepted"),
        ({"status": "metric_only"}, "reason: key is missing"),
        ({"status": "none"}, "reason: key is missing"),
        ({"tolerance": {}}, "tolerance: value is not accepted"),
        ({"tolerance": {"relative": 0.5}}, "relative: value is not accepted"),
        ({"tolerance": {"absolute": -1}}, "absolute: value is not accepted"),
        ({"limits": {"status": "none"}}, "limits: unknown key"),
    ],
)
def test_the_schema_refuses(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    assert checked_list(tmp_path, LINE)
    with pytest.raises(InputError) as caught:
        checked_list(tmp_path, LINE | change)
    assert said in str(caught.value)


def test_what_is_recomputed_says_by_what(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="engine: key is missing"):
        checked_list(tmp_path, {"method": "*", "status": "independent"})
    assert checked_list(tmp_path, {"method": "*", "status": "none", "reason": "words"})


def test_the_committed_list_satisfies_the_schema() -> None:
    rules = rules_of(read_yaml(COMMITTED, SCHEMA))
    assert {"characteristics", "kaplan_meier", "dose_sensitivity", "marginals"} <= set(rules)
    for lines in rules.values():
        for line in lines:
            assert line.promise.status in STATUSES


def test_what_is_counted_has_no_tolerance() -> None:
    for stage, lines in rules_of(read_yaml(COMMITTED, SCHEMA)).items():
        for line in lines:
            if line.units == ("count",) and stage in ("marginals", "characteristics"):
                assert (line.promise.absolute, line.promise.relative) == (0.0, 0.0)
