"""Printed Kaplan-Meier rates of one group against its number of patients.

The enumeration and why it is complete stand in `enumeration`. Here printed figures become
landmarks, and what is proved becomes a finding with a certificate: an order of exits whose rates
can be recomputed by hand, or the reason why there is none with the nearest rates that can be
reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from sarcoma_sbrt.evidence.consistency.curves import (
    CONVENTIONS,
    Contradiction,
    Convention,
    Curve,
    Size,
    contradicted_otherwise,
    contradiction,
    curves,
    either,
    median_windows,
)
from sarcoma_sbrt.evidence.consistency.enumeration import (
    Admissible,
    Window,
    admissible,
    find_order,
    survival,
    too_many_states,
)
from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.published import Figure, Study

__all__ = ["landmark_findings"]

TOO_MANY = "there are too many states to look at"
LESIONS_UNKNOWN = "whether lesions were followed, and how many, is not printed"


def landmark_findings(
    figures: Sequence[Figure], studies: Mapping[str, Study] | None = None
) -> list[Finding]:
    """Whether each curve's printed rates are possible for its number of patients.

    Parameters
    ----------
    figures : sequence of Figure
        Survival rates that print a fact first make curves; a printed median is held against them
        in a finding of its own. What rates and median rule out without a number of patients is
        impossible where none is printed, too.
    studies : mapping of str to Study, optional
        For rates without an n: the printed patients of the study, or its lesions where these are
        what was followed. Both are tried where the unit is not printed.

    Returns
    -------
    list of Finding
        Of check ``landmark``: possible with an order of exits and what all orders have in common,
        impossible with the argument and whether another convention than rounding would help
        (``detail["conventions"]``), or unverifiable. ``detail["assumes"]`` is Kaplan-Meier where
        the method is not named.
    """
    return [
        _on_terms(curve, finding)
        for curve in curves(figures, studies)
        for finding in _of_curve(curve, figures)
    ]


def _on_terms(curve: Curve, finding: Finding) -> Finding:
    """Say what the judgement rests on: the method that is assumed, times that one place has."""
    assumes = {"assumes": "Kaplan-Meier"} if curve.assumed else {}
    alone = [rate.key for rate in curve.rates if rate.time_supported == "no"]
    detail = {**finding.detail, **assumes} | ({"time_not_supported": alone} if alone else {})
    if finding.verdict == "unverifiable" and not {"sizes", "least_possible_n"} & detail.keys():
        return replace(finding, detail=detail)
    arithmetic = "; ".join((*curve.terms, finding.arithmetic))
    return replace(finding, arithmetic=arithmetic, detail=detail)


def _of_curve(curve: Curve, figures: Sequence[Figure]) -> Iterator[Finding]:
    if curve.unreadable:
        yield unverifiable("landmark", curve.keys, curve.printed, curve.unreadable)
        return
    against = contradiction(curve)
    counted = [size for size in curve.sizes if not too_many_states(size.n, len(curve.rates))]
    if against is not None and len(counted) < max(1, len(curve.sizes)):
        yield _whatever_n(curve, against)
    elif not curve.sizes:
        yield _unknown_n(curve, _at_most(curve, figures))
    elif len(counted) < len(curve.sizes):
        yield unverifiable("landmark", curve.keys, _sized(curve), TOO_MANY, n=curve.sizes[-1].n)
    else:
        yield from _judged(curve)


def _sized(curve: Curve) -> str:
    """The rates and the number that they are held against, or the two."""
    if len(curve.sizes) < 2:
        return ", ".join((curve.printed, *map(str, curve.sizes)))
    meant = " or ".join(f"{size.n} {size.unit}" for size in curve.sizes)
    return f"{curve.printed}, n = {meant} of the study"


# --- without a number of patients ---------------------------------------------------------------


def _whatever_n(curve: Curve, against: Contradiction) -> Finding:
    """Rates and median that no number of patients gives."""
    conventions, remark = contradicted_otherwise(curve)
    median = curve.median if against.with_median else None
    return Finding(
        "landmark",
        curve.keys + ((median.key,) if median else ()),
        "impossible",
        curve.printed + (f", median {median.estimate:g} months" if median else ""),
        against.recomputed,
        f"{against.told}; {remark}",
        {
            "n": None,
            "contradiction": list(against.keys),
            "argument": [against.told],
            "conventions": conventions,
            "proof": "S never rises, whatever the number of patients",
        },
    )


def _at_most(curve: Curve, figures: Sequence[Figure]) -> int | None:
    """Patients of the pooled curve that this one is a part of, or of its study."""
    pooled = {rate.part_of for rate in curve.rates}
    known = {f.n for f in figures if f.key in pooled and f.n is not None}
    return known.pop() if len(known) == 1 else curve.size_at_most


def _unknown_n(curve: Curve, most: int | None) -> Finding:
    """Judge a group of unknown size by the size that the pooled curve leaves it at most.

    What n patients can give, n + 1 can: one is censored first. So rates that are impossible for
    the most are impossible for any number.
    """
    reason = "the number of patients of this group is not printed"
    if most is None:
        return unverifiable("landmark", curve.keys, curve.printed, reason)
    if too_many_states(most, len(curve.rates)):
        reason = f"{reason}, and for at most {most} {TOO_MANY}"
        return unverifiable("landmark", curve.keys, curve.printed, reason)
    found = admissible(most, curve.windows)
    if not found.possible:
        judged = _impossible(curve, found)
        detail = {**judged.detail, "n_at_most": most}
        return replace(judged, printed=f"{curve.printed}, n at most {most}", detail=detail)
    least = curve.least_n(most)
    return unverifiable("landmark", curve.keys, curve.printed, reason, least_possible_n=least)


# --- with one, or with two that may be meant ----------------------------------------------------


def _judged(curve: Curve) -> Iterator[Finding]:
    """Judge by the curve's number; of two, what is possible for the less is so for the more."""
    against = contradiction(curve)
    found = [admissible(size.n, curve.windows) for size in curve.sizes]
    possible = [each for each in found if each.possible]
    if possible:
        yield _of_sizes(curve, _possible(curve, possible[0]), found)
        if curve.median is not None:
            with_median = _with_median(curve, curve.median, curve.sizes[-1])
            yield _unless_lesions(curve, with_median)
    elif against is not None and curve.lesions_unknown:
        yield _whatever_n(curve, against)
    elif curve.lesions_unknown:
        yield _unless_lesions(curve, _of_sizes(curve, _impossible(curve, found[0]), found))
    else:
        yield _of_sizes(curve, _impossible(curve, found[-1]), found)


def _unless_lesions(curve: Curve, finding: Finding) -> Finding:
    """What the study's patients cannot give, more lesions may, unless nothing can."""
    if finding.verdict != "impossible" or not curve.lesions_unknown:
        return finding
    if "contradiction" in finding.detail:
        return finding
    reason = f"impossible for the study's {curve.sizes[0].n} patients; {LESIONS_UNKNOWN}"
    return unverifiable("landmark", finding.keys, finding.printed, reason, **finding.detail)


def _of_sizes(curve: Curve, finding: Finding, found: Sequence[Admissible]) -> Finding:
    """Say which numbers were tried, where the rates print none of their own."""
    detail = dict(finding.detail)
    if curve.n is not None:
        return finding
    detail["n_from"] = "the study's printed patients or lesions"
    detail["sizes"] = [
        {"n": size.n, "unit": size.unit, "verdict": _verdict(each.possible)}
        for size, each in zip(curve.sizes, found, strict=True)
    ]
    if len(found) < 2:
        return replace(finding, detail=detail)
    verdicts = [
        f"{_verdict(e.possible)} for {s.n} {s.unit}"
        for s, e in zip(curve.sizes, found, strict=True)
    ]
    judged = next(size for size in curve.sizes if size.n == detail["n"])
    told_ = f"whether patients or lesions were followed is not printed: {', '.join(verdicts)}"
    return replace(
        finding,
        recomputed=f"with {judged.n} {judged.unit} {finding.recomputed}",
        arithmetic=f"{told_}; with {judged.n} {judged.unit}: {finding.arithmetic}",
        detail=detail,
    )


def _verdict(possible: bool) -> str:
    return "possible" if possible else "impossible"


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
        detail["other_n"] = _other_n(curve, found)
    return Finding(
        "landmark",
        curve.keys,
        "possible",
        _sized(curve),
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
    against = contradiction(curve)
    if against is not None and not against.with_median:
        argument = [against.told, *argument]
    conventions = _conventions(curve, found.n, failure.landmark)
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
        "conventions": conventions,
        "alone": [_alone(found.n, window) for window in found.windows],
        "proof": "exhaustive enumeration of all orders of exits",
    }
    if curve.rates[0].subgroup:
        detail["other_n"] = _other_n(curve, found)
    return Finding(
        "landmark",
        curve.keys,
        "impossible",
        _sized(curve),
        f"{nearest_rates(found, curve.times)}; {_needed(curve, failure.landmark)}",
        "; ".join((*argument, _conventions_told(curve, failure.landmark, conventions))),
        detail,
    )


def _needed(curve: Curve, landmark: int) -> str:
    return f"the printed {curve.digits[landmark]}% needs {shown_window(curve.windows[landmark])}"


# --- what else than rounding a paper may have done ----------------------------------------------


def _conventions(curve: Curve, n: int, landmark: int) -> list[dict[str, Any]]:
    """Whether the rate that fails, or all rates, could hold if they were not rounded once."""
    return [_by_convention(curve, n, landmark, other) for other in CONVENTIONS]


def _by_convention(curve: Curve, n: int, landmark: int, other: Convention) -> dict[str, Any]:
    elsewise = curve.as_if(other).windows
    one = [*curve.windows]
    one[landmark] = elsewise[landmark]
    orders = find_order(n, one), find_order(n, elsewise)
    detail: dict[str, Any] = {
        "convention": other.name,
        "allowed": shown_window(elsewise[landmark]),
        "this_rate": _verdict(orders[0] is not None),
        "all_rates": _verdict(orders[1] is not None),
    }
    order = orders[0] or orders[1]
    if order is not None:
        value = survival(n, order)[landmark][1]
        detail["value"] = percent(value, curve.windows[landmark])
        detail["certificate"] = told(n, order, curve.times)
    return detail


def _conventions_told(curve: Curve, landmark: int, conventions: Sequence[Mapping[str, Any]]) -> str:
    """``truncated, 5.5% stands for 5.5–5.6%, and 5.59% would fit``."""
    printed = f"{curve.digits[landmark]}%"
    fitting = [each for each in conventions if "value" in each]
    if not fitting:
        names = [f"{each['convention']} ({each['allowed']})" for each in conventions]
        return f"{printed} is impossible {either(names)} as well"
    return "; ".join(_fitting_told(printed, each, len(curve.rates)) for each in fitting)


def _fitting_told(printed: str, fitting: Mapping[str, Any], rates: int) -> str:
    name = fitting["convention"]
    whose = {
        ("possible", "possible"): f", also with all rates {name}",
        ("possible", "impossible"): f", were this rate alone {name}",
        ("impossible", "possible"): f", were all rates {name}",
    }[fitting["this_rate"], fitting["all_rates"]]
    fits = f"{name} {printed} stands for {fitting['allowed']}: {fitting['value']} would fit"
    return fits + (whose if rates > 1 else "")


def _alone(n: int, window: Window) -> str:
    return _verdict(find_order(n, [window]) is not None)


# --- other numbers, and the median --------------------------------------------------------------


def _other_n(curve: Curve, found: Admissible) -> list[dict[str, Any]]:
    """The same rates with one patient fewer and one more, for n that a paper disagrees about."""
    others = []
    for other in (found.n - 1, found.n, found.n + 1):
        possible = other > 0 and find_order(other, curve.windows) is not None
        judged = found if other == found.n or not possible else admissible(other, curve.windows)
        told_ = _forced(curve, judged) if possible else "no order"
        others.append({"n": other, "verdict": _verdict(possible), "told": told_})
    return others


def _with_median(curve: Curve, median: Figure, size: Size) -> Finding:
    keys, n = (*curve.keys, median.key), size.n
    printed = f"{curve.printed}, median {median.estimate:g} months, {size}"
    against, windows = contradiction(curve), median_windows(curve)
    if against is not None:
        conventions, remark = contradicted_otherwise(curve)
        argument = [against.told, remark]
        detail = {"n": n, "contradiction": list(against.keys), "argument": argument}
        detail["conventions"] = conventions
        return Finding(
            "landmark", keys, "impossible", printed, against.recomputed, "; ".join(argument), detail
        )
    order = None if windows is None else find_order(n, windows)
    if order is None:
        return _not_with_median(curve, keys, printed, n)
    certificate = told(n, order, [*curve.times, median.estimate or 0.0])
    detail = {"n": n, "order": order, "certificate": certificate}
    return Finding("landmark", keys, "possible", printed, "", certificate, detail)


def _not_with_median(curve: Curve, keys: tuple[str, ...], printed: str, n: int) -> Finding:
    conventions = []
    for other in CONVENTIONS:
        windows = median_windows(curve.as_if(other))
        fits = windows is not None and find_order(n, windows) is not None
        conventions.append({"convention": other.name, "verdict": _verdict(fits)})
    fitting = [each["convention"] for each in conventions if each["verdict"] == "possible"]
    arithmetic = (
        "no order of exits gives the rates with S at least 1/2 before the median and at most 1/2 "
        "from it on; "
    ) + (
        f"with all numbers {' or '.join(fitting)} one does"
        if fitting
        else f"none does with all numbers {either([each['convention'] for each in conventions])}"
    )
    detail = {"n": n, "conventions": conventions}
    return Finding("landmark", keys, "impossible", printed, "", arithmetic, detail)
