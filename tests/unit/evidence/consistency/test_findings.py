"""What a finding may be."""

from __future__ import annotations

import json

import pytest

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable


def test_a_finding_as_json() -> None:
    finding = Finding("range", ("a.b", "a.c"), "consistent", "5", "", "1 ≤ 5 ≤ 9", {"outside": []})
    assert json.loads(json.dumps(finding.to_json())) == {
        "check": "range",
        "keys": ["a.b", "a.c"],
        "verdict": "consistent",
        "printed": "5",
        "recomputed": "",
        "arithmetic": "1 ≤ 5 ≤ 9",
        "detail": {"outside": []},
    }


def test_unverifiable_says_why() -> None:
    finding = unverifiable("dose", ["a.b"], "60 Gy", "no fractions are printed", n=3)
    assert finding.verdict == "unverifiable"
    assert finding.arithmetic == "not verifiable: no fractions are printed"
    assert finding.detail == {"reason": "no fractions are printed", "n": 3}


@pytest.mark.parametrize(
    ("check", "keys", "verdict", "message"),
    [
        ("rang", ("a",), "consistent", "no check is called rang"),
        ("range", ("a",), "fine", "no verdict is called fine"),
        ("range", (), "consistent", "a finding of range concerns no figure"),
        ("range", ("a",), "unverifiable", "range of a: unverifiable, and no reason"),
    ],
)
def test_what_no_finding_can_be(
    check: str, keys: tuple[str, ...], verdict: str, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Finding(check, keys, verdict, "", "", "")  # type: ignore[arg-type]
