"""Printed Kaplan-Meier rates of one group against its number of patients.

The enumeration and why it is complete stand in `enumeration`. Here printed figures become
landmarks, and what is proved becomes a finding with a certificate: an order of exits whose rates
can be recomputed by hand, or the reason why there is none with the nearest rates that can be
reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from sarcoma_sbrt.evidence.consistency.certificates import (
    by_cases,
    least_censored,
    nearest_rates,
    percent,
    shown_window,
    told,
)
from sarcoma_sbrt.evidence.consistency.curves import Curve, curves, median_windows
from sarcoma_sbrt.evidence.consistency.enumeration import (
    Admissible,
    Window,
    admissible,
    find_order,
)
from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["landmark_findings"]


def landmark_findings(figures: Sequence[Figure]) -> list[Finding]:
    """Whether each curve's printed rates are possible for its number of patients.

    Parameters
    ----------
    figures : sequence of Figure
        Kaplan-Meier rates that print a fact first make curves; a printed median is held against
        them in a finding of its own.

    Returns
    -------
    list of Finding
        Of check ``landmark``: possible with an order of exits and what all orders have in common,
        impossible with the argument, or unverifiable.
    """
    found = []
    for curve in curves(figures):
        if curve.unreadable:
            found.append(unverifiable("landmark", curve.keys, curve.printed, curve.unreadable))
        elif curve.n is None:
            found.append(_unknown_n(curve, _pooled_n(curve, figures)))
        else:
            found += _judged(curve, curve.n)
    return found


def _judged(curve: Curve, n: int) -> Iterator[Finding]:
    found = admissible(n, curve.windows)
    yield _possible(curve, found) if found.possible else _impossible(curve, found)
    if curve.median is not None and found.possible:
        yield _with_median(curve, curve.median, n)


def _possible(curve: Curve, found: Admissible) -> Finding:
    certificate = told(found.n, found.order or "", curve.times)
    detail = _common(curve, found) | {
        "order": found.order,
        "certificate": certificate,
        "proof": "an order of exits that gives the rates; every bound of the ranges is reached by "
        "an order, and all orders were enumerated",
    }
    least = found.censored[0].low
    if least:
        detail["fewer_censored"] = least_censored(found.n, found.windows[0], least)
    if curve.rates[0].subgroup:
        detail["other_n"] = _other_n(curve, found.n)
    return Finding(
        "landmark",
        curve.keys,
        "possible",
        f"{curve.printed}, n = {found.n}",
        _forced(curve, found),
        certificate,
        detail,
    )


def _common(curve: Curve, found: Admissible) -> dict[str, Any]:
    return {
        "n": found.n,
        "landmarks": [
            {
                "months": time,
                "allowed": shown_window(window),
                **_at(found, j),
            }
            for j, (time, window) in enumerate(zip(curve.times, found.windows, strict=False))
        ],
    }


def _at(found: Admissible, j: int) -> dict[str, Any]:
    if not found.possible:
        return {}
    return {
        "at_risk": [found.at_risk[j].low, found.at_risk[j].high],
        "deaths_since_last": [found.deaths[j].low, found.deaths[j].high],
        "censored_since_last": [found.censored[j].low, found.censored[j].high],
        "states": found.states[j] if found.states else None,
    }


def _forced(curve: Curve, found: Admissible) -> str:
    parts = []
    for j, time in enumerate(curve.times):
        counts = f"deaths {found.deaths[j]}, censored {found.censored[j]}"
        parts.append(f"to {time:g} months: {counts}, at risk {found.at_risk[j]}")
    return "; ".join(parts)


def _impossible(curve: Curve, found: Admissible) -> Finding:
    failure = found.failure
    if failure is None:
        raise ValueError("an impossible set of rates without its failure")
    argument = by_cases(found.n, found.windows, failure, curve.times)
    nearest = {
        side: None
        if reached is None
        else {
            "value": str(reached[0]),
            "percent": percent(reached[0], found.windows[failure.landmark]),
            "certificate": told(found.n, reached[1], curve.times),
        }
        for side, reached in (("below", failure.below), ("above", failure.above))
    }
    detail = _common(curve, found) | {
        "fails_at_months": curve.times[failure.landmark],
        "nearest": nearest,
        "argument": argument,
        "alone": [_alone(found.n, window) for window in found.windows],
        "proof": "exhaustive enumeration of all orders of exits",
    }
    if curve.rates[0].subgroup:
        detail["other_n"] = _other_n(curve, found.n)
    return Finding(
        "landmark",
        curve.keys,
        "impossible",
        f"{curve.printed}, n = {found.n}",
        nearest_rates(found, curve.times),
        "; ".join(argument),
        detail,
    )


def _alone(n: int, window: Window) -> str:
    return "possible" if find_order(n, [window]) is not None else "impossible"


def _other_n(curve: Curve, n: int) -> list[dict[str, Any]]:
    """The same rates with one patient fewer and one more, for n that a paper disagrees about."""
    others = []
    for other in (n - 1, n, n + 1):
        possible = other > 0 and find_order(other, curve.windows) is not None
        told_ = _forced(curve, admissible(other, curve.windows)) if possible else "no order"
        verdict = "possible" if possible else "impossible"
        others.append({"n": other, "verdict": verdict, "told": told_})
    return others


def _with_median(curve: Curve, median: Figure, n: int) -> Finding:
    keys = (*curve.keys, median.key)
    printed = f"{curve.printed}, median {median.estimate:g} months, n = {n}"
    windows = median_windows(curve)
    order = None if windows is None else find_order(n, windows)
    if order is None:
        arithmetic = (
            "no order of exits gives the rates with S at least 1/2 before the median "
            "and at most 1/2 from it on"
        )
        return Finding("landmark", keys, "impossible", printed, "", arithmetic, {"n": n})
    certificate = told(n, order, [*curve.times, median.estimate or 0.0])
    detail = {"n": n, "order": order, "certificate": certificate}
    return Finding("landmark", keys, "possible", printed, "", certificate, detail)


def _pooled_n(curve: Curve, figures: Sequence[Figure]) -> int | None:
    """Patients of the pooled curve that this one is a part of."""
    pooled = {rate.part_of for rate in curve.rates}
    known = {f.n for f in figures if f.key in pooled}
    return known.pop() if len(known) == 1 else None


def _unknown_n(curve: Curve, most: int | None) -> Finding:
    """Judge a group of unknown size by the size that the pooled curve leaves it at most.

    What n patients can give, n + 1 can: one is censored first. So rates that are impossible for
    the most are impossible for any number.
    """
    reason = "the number of patients of this group is not printed"
    if most is None:
        return unverifiable("landmark", curve.keys, curve.printed, reason)
    found = admissible(most, curve.windows)
    if not found.possible:
        judged = _impossible(curve, found)
        detail = {**judged.detail, "n_at_most": most}
        return replace(judged, printed=f"{curve.printed}, n at most {most}", detail=detail)
    least = curve.least_n(most)
    return unverifiable("landmark", curve.keys, curve.printed, reason, least_possible_n=least)
