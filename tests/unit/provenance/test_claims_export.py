from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sarcoma_sbrt.provenance.claims_export import (
    Line,
    Printed,
    claims_manifest,
    manuscript_lines,
    values_of,
)
from sarcoma_sbrt.provenance.passages import Owner, Passage, Run

NUMBERS: dict[str, dict[str, Any]] = {
    "os.median": {"value": 24.04},
    "os.n": {"value": 37},
    "os.p": {"value": 0.00006},
    "os.change": {"value": -24.545},
    "config.models.confidence_level": {"value": 0.95},
    "cohort.title": {"value": "A cohort"},
    "os.low": {"value": None},
}


def passage(place: str, *runs: str | tuple[str, str]) -> Passage:
    made = (Run(r) if isinstance(r, str) else Run(r[1], Owner(key=r[0])) for r in runs)
    return Passage(place, tuple(made))


PASSAGES = [
    passage("section “Results”, heading", "Results"),
    passage(
        "section “Results”, paragraph 1", ("os.n", "37"), " patients,  ", ("os.median", "24.0")
    ),
    passage("section “Results”, tbl-os, row 1, column 1", "Survival"),
    passage("section “Results”, tbl-os, row 1, column 2", ("os.n", "37")),
    passage("section “Results”, tbl-os, row 1, column 3", ("os.p", "<0.001")),
    passage("section “Results”, tbl-os, row 2, column 1", ("os.change", "−24.5")),
]


def test_cells_of_a_row_are_one_line() -> None:
    assert manuscript_lines(PASSAGES) == [
        Line("section “Results”, heading", "Results", ()),
        Line(
            "section “Results”, paragraph 1",
            "37 patients, 24.0",
            (Printed("os.n", "37"), Printed("os.median", "24.0")),
        ),
        Line(
            "section “Results”, tbl-os, row 1",
            "Survival | 37 | <0.001",
            (Printed("os.n", "37"), Printed("os.p", "<0.001")),
        ),
        Line("section “Results”, tbl-os, row 2", "−24.5", (Printed("os.change", "−24.5"),)),
    ]


@pytest.mark.parametrize(
    ("key", "text", "reported"),
    [
        ("os.median", "24.0", "24.0"),
        ("os.median", "24.0 months", "24.0"),
        ("os.median", "= 24.0", "24.0"),
        ("os.change", "−24.5%", "-24.5"),
        ("config.models.confidence_level", "95", "95"),
        ("os.p", "<0.001", None),
        ("os.p", "< 0.001", None),
        ("os.low", "NR", None),
        ("cohort.title", "A cohort", None),
        ("no.such", "3", None),
    ],
)
def test_what_can_be_held_against_a_value(key: str, text: str, reported: str | None) -> None:
    line = Line("here", text, (Printed(key, text),))
    manifest = claims_manifest([line], NUMBERS, "t", {"manuscript.md": "", "numbers.json": ""})
    metrics = [e for c in manifest["claims"] for e in c["evidence"] if e["kind"] == "metric"]
    assert [m["reported"] for m in metrics] == ([reported] if reported else [])
    assert list(values_of([line], NUMBERS)) == ([key] if reported else [])


def test_a_line_that_stands_twice_is_not_quoted() -> None:
    line = Line("here", "37", (Printed("os.n", "37"),))
    digests = {"manuscript.md": "", "numbers.json": ""}
    once = claims_manifest([line], NUMBERS, "t", digests)["claims"]
    twice = claims_manifest([line, line], NUMBERS, "t", digests)["claims"]
    assert [e["kind"] for e in once[0]["evidence"]] == ["quote", "metric"]
    assert [e["kind"] for c in twice for e in c["evidence"]] == ["metric", "metric"]


def verified(folder: Path, values: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """`claims verify` on an export of `PASSAGES` with these values in full."""
    lines = manuscript_lines(PASSAGES)
    contents = {
        "manuscript.md": "\n\n".join(line.text for line in lines) + "\n",
        "numbers.json": json.dumps(values),
    }
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    digests = {n: hashlib.sha256(c.encode()).hexdigest() for n, c in contents.items()}
    manifest = claims_manifest(lines, NUMBERS, "A cohort", digests)
    (folder / "repro.yaml").write_text(yaml.dump(manifest, allow_unicode=True), encoding="utf-8")
    command = [sys.executable, "-m", "claims", "verify", "--policy", "publication", "repro.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_an_outsiders_checker_reads_it_and_sees_a_wrong_number(tmp_path: Path) -> None:
    values = values_of(manuscript_lines(PASSAGES), NUMBERS)
    right = verified(tmp_path, values)
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = verified(tmp_path, values | {"os.median": 24.06})
    assert wrong.returncode == 1
    assert "MISS" in wrong.stdout
    assert "os.median" in wrong.stdout
