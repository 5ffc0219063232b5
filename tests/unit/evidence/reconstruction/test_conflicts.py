"""Proofs that printed numbers exclude each other: sound, and as sharp as they can be."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import norm

from sarcoma_sbrt.evidence.reconstruction.conflicts import (
    NOT_FOUND,
    Conflict,
    conflicts,
    least_missed,
    verdict,
)
from sarcoma_sbrt.evidence.reconstruction.problem import printed_numbers
from sarcoma_sbrt.evidence.reconstruction.reproduction import Recomputed

TEXTS = ("printed_ci", "printed_range", "printed_p", "p_relation", "subgroup", "category")
NUMBERS = ("p", "time_months", "ci_level", "range_low", "range_high", "ci_low", "ci_high")
BLANK = dict.fromkeys((*TEXTS, *NUMBERS, "adjusted_for", "fitted_adjusted_for", "model"), "")


def ratio(key="x.os.hr", estimate="0.629", low="0.278", high="1.381", p="0.248", **more):
    row = BLANK | {
        "target_id": key,
        "endpoint": "os",
        "measure": "hazard_ratio",
        "category": "dose",
        "estimate": estimate,
        "printed_text": estimate,
        "printed_ci": f"{low}–{high}",
        "ci_low": low,
        "ci_high": high,
        "ci_level": "95",
        "p": p,
        "printed_p": p,
        "p_relation": "=",
        "model": "univariable",
        "fitted_as": "cox.efron",
    }
    return recomputed(row | more)


def rate(key, percent, months, subgroup=""):
    row = BLANK | {
        "target_id": key,
        "endpoint": "os",
        "measure": "rate",
        "estimate": percent,
        "printed_text": percent,
        "time_months": months,
        "subgroup": subgroup,
        "fitted_as": "kaplan_meier",
    }
    return recomputed(row)


def recomputed(row, value=None):
    return [
        Recomputed(number, row, number.printed if value is None else value)
        for number in printed_numbers(row)
    ]


def landmark(keys, n, verdict="impossible"):
    return {
        "id": f"consistency.landmark.{keys[0]}",
        "check": "landmark",
        "verdict": verdict,
        "keys": list(keys),
        "arithmetic": "all orders were tried",
        "detail": {"n": n},
    }


def parts(conflict):
    return [target.rpartition(".")[2] for target in conflict.targets]


def test_a_row_that_contradicts_itself_has_its_smallest_sets() -> None:
    found = conflicts(ratio(), [])
    assert {c.tolerance for c in found} == {"exact"}
    assert [parts(c) for c in found] == [
        ["estimate", "ci_low", "ci_high"],
        ["estimate", "ci_low", "p"],
        ["ci_low", "ci_high", "p"],
    ]
    assert found[0].certificate == "coefficient and standard error"
    assert "ratio 0.629, lower limit 0.278, upper limit 1.381" in found[0].proof
    assert least_missed(found, "exact") == 1


def test_a_row_far_from_itself_is_impossible_within_two_percent_too() -> None:
    found = conflicts(ratio(p="0.5"), [])
    assert {c.tolerance for c in found} == {"exact", "near"}
    assert "within 2 %" in next(c for c in found if c.tolerance == "near").proof
    assert least_missed(found, "near") == 1


def test_the_consistency_report_is_quoted_where_it_says_so() -> None:
    finding = {
        "id": "consistency.interval_symmetry.x.os.hr",
        "check": "interval_symmetry",
        "verdict": "inconsistent",
        "keys": ["x.os.hr"],
        "arithmetic": "√(0.278 × 1.381) = 0.6196",
        "detail": {},
    }
    first = conflicts(ratio(), [finding])[0]
    assert first.certificate == finding["id"]
    assert first.proof.endswith("; √(0.278 × 1.381) = 0.6196")
    unsaid = conflicts(ratio(), [finding | {"keys": ["x.pfs.hr"]}])[0]
    assert unsaid.certificate == "coefficient and standard error"


def test_only_estimators_with_walds_limits_are_judged() -> None:
    assert conflicts(ratio(fitted_as="logrank.peto"), [])
    assert conflicts(ratio(fitted_as="logrank.observed_expected"), []) == []


def test_numbers_that_one_fit_gives_never_conflict() -> None:
    rng = np.random.default_rng(1)
    z = float(norm.ppf(0.975))
    for _ in range(300):
        b, s = rng.normal(0, 1), rng.uniform(0.05, 0.8)
        texts = [f"{math.exp(x):.3f}" for x in (b, b - z * s, b + z * s)]
        p = f"{2 * norm.sf(abs(b) / s):.3f}"
        if "0.000" in (*texts, p):
            continue
        assert conflicts(ratio("x.os.hr", *texts, p), []) == [], (texts, p)


@pytest.mark.parametrize("p", ["0.240", "0.250", "0.2555", "0.2565", "0.257", "0.258", "0.262"])
def test_a_grid_of_fits_finds_what_is_said_to_be_possible(p: str) -> None:
    row = ratio(estimate="0.62", low="0.278", high="1.381", p=p)
    b = np.linspace(-0.6, -0.35, 2001)[:, None]
    s = np.linspace(0.36, 0.46, 2001)[None, :]
    z = float(norm.ppf(0.975))
    values = {"estimate": b + 0 * s, "ci_low": b - z * s, "ci_high": b + z * s, "p": abs(b) / s}
    met = np.ones((2001, 2001), dtype=bool)
    for one in row:
        low, high = one.number.bounds[:2]
        met &= (values[one.part] >= low) & (values[one.part] <= high)
    assert bool(met.any()) == (conflicts(row, []) == [])


def test_one_fit_is_not_printed_twice_otherwise() -> None:
    same = ratio("x.os.a.hr", "0.210", "0.065", "0.682", "0.009", fitted_as="cox.efron")
    other = ratio("x.os.b.hr", "0.223", "0.065", "0.767", "0.017", fitted_as="cox.efron")
    found = [c for c in conflicts([*same, *other], []) if c.certificate == "one fit"]
    assert {(c.tolerance, parts(c)[0]) for c in found} == {
        (tolerance, part)
        for tolerance in ("exact", "near")
        for part in ("estimate", "ci_high", "p")
    }
    adjusted = ratio("x.os.b.hr", "0.223", "0.065", "0.767", "0.017", adjusted_for="size")
    assert conflicts([*same, *adjusted], []) == conflicts(same, []) + conflicts(adjusted, [])


def test_rates_are_held_against_both_tolerances() -> None:
    pair = [*rate("x.os.a", "57.9", "12"), *rate("x.os.b", "6.0", "36")]
    found = conflicts(pair, [landmark(["x.os.a", "x.os.b"], 18)])
    # 10/17 at twelve months and 1/17 = 5.88 % at 36 are within 2 % of what is printed.
    assert [(c.tolerance, c.proof) for c in found] == [("exact", "all orders were tried")]
    far = [*rate("x.os.a", "57.9", "12"), *rate("x.os.b", "2.0", "36")]
    found = conflicts(far, [landmark(["x.os.a", "x.os.b"], 18)])
    assert [c.tolerance for c in found] == ["exact", "near"]
    assert found[1].certificate == "consistency.landmark.x.os.a, within 2 %"
    assert "death" in found[1].proof


def test_findings_that_prove_nothing_of_these_numbers_are_left() -> None:
    pair = [*rate("x.os.a", "57.9", "12"), *rate("x.os.b", "6.0", "36")]
    assert conflicts(pair, [landmark(["x.os.a", "x.os.b"], 18, "possible")]) == []
    assert conflicts(pair, [landmark(["x.os.a", "x.os.other"], 18)]) == []


def test_why_says_what_is_proved_and_no_more() -> None:
    conflict = Conflict(("x.os.a.estimate", "x.os.b.estimate"), "exact", "c", "p")
    [a], [b] = rate("x.os.a", "57.9", "12"), rate("x.os.b", "6.0", "36")
    [a_off], [b_off] = recomputed(a.row, 58.0), recomputed(b.row, 6.08)
    [b_far] = recomputed(b.row, 7.0)
    alone = verdict(a_off, [a_off, b], [conflict])
    assert alone.kind == "impossible"
    assert alone.reason.startswith(
        "proved impossible given the others: these cannot all be printed as they are"
    )
    both = verdict(a_off, [a_off, b_off], [conflict])
    assert both.kind == "jointly"
    assert both.reason.endswith("x.os.a.estimate; x.os.b.estimate")
    far = verdict(b_far, [a, b_far], [conflict])
    assert far.kind == "not_found"
    assert far.reason.startswith("not found within 2 %; proved impossible jointly: ")
    near = Conflict(conflict.targets, "near", "c", "p")
    assert verdict(b_far, [a_off, b_far], [conflict, near]).kind == "impossible"
    assert verdict(b_far, [a, b_far], []).reason == NOT_FOUND


def test_what_rests_on_a_p_is_proved_only_if_it_is_that_of_the_model() -> None:
    members = ratio("x.os.a.hr", "0.680", "0.230", "2.007", "0.488", fitted_as="cox.efron")
    found = [c for c in conflicts(members, []) if c.tolerance == "exact"]
    assert found
    assert all("p" in parts(c) for c in found)
    [off] = [recomputed(one.row, 0.9)[0] for one in members if one.part == "estimate"]
    others = [one for one in members if one.part != "estimate"]
    assert verdict(off, [off, *others], found).reason.endswith(" (if p is that of its model)")
    alone = Conflict(("x.os.a.hr.estimate", "x.os.a.hr.ci_low"), "exact", "c", "p")
    assert "if p" not in verdict(off, [off, *others], [alone]).reason


def test_the_least_number_missed_meets_every_conflict() -> None:
    rng = np.random.default_rng(2)
    names = "abcdefg"
    for _ in range(100):
        sets = [
            tuple(sorted(rng.choice(list(names), size=rng.integers(2, 4), replace=False)))
            for _ in range(rng.integers(1, 6))
        ]
        least = min(
            size
            for size in range(1, 8)
            for chosen in itertools.combinations(names, size)
            if all(set(one) & set(chosen) for one in sets)
        )
        assert least_missed([Conflict(s, "exact", "", "") for s in sets], "exact") == least
    assert least_missed([Conflict(("a", "b"), "exact", "", "")], "near") == 0
