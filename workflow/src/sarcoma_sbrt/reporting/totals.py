"""Counts that add up to one another, and which more of them hide those that are withheld.

A small count that is not printed follows from the others of its sum: 12 patients less 9 are 3.
So more counts of the sum are withheld, until every count that is has at least two values that
fit all that is printed.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sarcoma_sbrt.reporting.small_cells import SmallCells

__all__ = ["LESIONS", "PATIENTS", "Sum", "parts_worded", "sums", "told", "worded"]

Counts = Mapping[str, int]
Numbers = Mapping[str, Mapping[str, Any]]
Range = tuple[float, float]

PATIENTS, LESIONS = "cohort.patients", "cohort.lesions"
READ, EXCLUDED, ANALYSED = (f"flow.patients.{name}" for name in ("read", "excluded", "analysed"))

# Parts of a total, by what they are parts of and by what they are told apart: the groups of a
# covariate, the sides of a cut, the periods of a model, the levels of a characteristic.
GROUPS = re.compile(r"(?P<of>\w+)\.(?P<by>\w+)_(?:level|reference|missing)\.(?P<what>\w+)")
CUTS = re.compile(r"(?P<of>dose_sensitivity\.\w+)\.(?P<by>.+)\.(?:above|below)\.(?P<what>\w+)")
PERIODS = re.compile(r"(?P<of>(?P<by>diagnostics\..+))\.period_\d+\.(?P<what>events)")
LEVELS = re.compile(
    r"(?P<of>(?P<by>cohort\.\w+|lesions\.site|site_dose|dose\.prescription"
    r"|treatment\.chemotherapy|toxicity\.(?:acute|late)\.\w+))\.\w+\.(?P<what>n)"
)
# Rows of a model: those of its endpoint for which all its covariates are recorded.
MODELS = re.compile(
    r"(?:cox|fine_gray|forest|dose_sensitivity)\.(?P<endpoint>\w+)(?:\.(?!missing)\w+)?"
    r"\.(?P<what>n|events|competing)"
)
PEOPLE_OF = re.compile(r"(?:cox|forest|dose_sensitivity)\..+\.(?:patients|clusters)")
UNKNOWN = re.compile(r"(?P<of>.+)\.(?:missing|unmeasured)\.n")
GRADED = re.compile(r"toxicity_share\.(?P<of>\w+)\.term\.(?P<term>\w+)\.(?P<least>\w+)\.n")
LEAST_GRADE = {"any": 1, "grade_2": 2, "grade_3": 3}
GROUP = re.compile(r"\w+\.(?P<covariate>\w+)_(?P<side>level|reference)\.n")
# Counts that have two names, and agree where the same patients are in them.
NAMED_AGAIN = (
    re.compile(r"\w+\.(?P<group>\w+_(?:level|reference))\.n"),
    re.compile(r"(?:lesions\.site|site_dose)\.(?P<group>\w+)\.n"),
    re.compile(r"(?P<group>[\w.]+)\.(?:n|at_risk_0m)"),
    re.compile(r"\w+\.(?P<group>number_of_lesions)(?:_level|_reference|\.single|\.multiple)\.n"),
    re.compile(r"toxicity(?P<group>)(?:\.grade_3_or_more|_share\.either\.all\.grade_3)\.n"),
)


class Sum(NamedTuple):
    """A count and those that add up to it."""

    total: str
    parts: tuple[str, ...]


def told(counts: Counts, numbers: Numbers, rule: SmallCells) -> dict[str, Range]:
    """Least and greatest value that is told of each count that is withheld.

    Of a small one it is that it is small. While one follows from what is printed, the next
    smallest part of its sum is bounded from below; where there is none, nothing is told of one
    of them, or the total is bounded. How many patients and lesions there are at all, and with
    an endpoint, is always printed.

    Parameters
    ----------
    counts : mapping of str to int
        All numbers of patients, lesions and events by key.
    numbers : mapping
        The registry: which codes make a covariate's groups.
    rule : SmallCells
        Which counts are small.
    """
    found, rests = sums(counts, numbers, rule)
    known = {**counts, **rests}
    withheld = {k: (1.0, rule.least - 1.0) for k, count in known.items() if rule.is_small(count)}
    while certain := _certain(known, found, withheld):
        more = _more(counts, known, found, withheld, certain, (rule.least, math.inf))
        if not more:
            break
        withheld |= more
    return {key: range_told for key, range_told in withheld.items() if key in counts}


def worded(range_told: Range, rule: SmallCells, otherwise: str) -> str:
    """Text of a withheld count: a bound, or what stands for one of which nothing is told."""
    low, high = range_told
    if high < rule.least:
        return rule.said(1)
    return rule.bounded if low == rule.least else otherwise


def parts_worded(parts: Sequence[int], rule: SmallCells, otherwise: str) -> list[str]:
    """Parts of a total that is printed, as they may be printed beside it.

    Parameters
    ----------
    parts : sequence of int
    rule : SmallCells
        Which are small.
    otherwise : str
        What stands for a part of which nothing may be told: of eight, four and four.
    """
    counts = {f"cohort.parts.{index}.n": count for index, count in enumerate(parts)}
    withheld = told(counts, {}, rule)
    return [
        worded(withheld[key], rule, otherwise) if key in withheld else str(count)
        for key, count in counts.items()
    ]


def _more(
    counts: Counts,
    known: Counts,
    found: Sequence[Sum],
    withheld: Mapping[str, Range],
    certain: Sequence[str],
    bounded: Range,
) -> dict[str, Range]:
    """What is told less of because some withheld counts are certain."""
    of_key = {key: [one for one in found if key in (one.total, *one.parts)] for key in certain}

    def smallest(keys: Iterable[str]) -> list[str]:
        may = {k for k in keys if k not in withheld and counts.get(k) and not _is_whole(k, counts)}
        return sorted(may, key=lambda key: (counts[key], key))[:1]

    beside = [
        [k for one in some for k in (*one.parts, *([one.total] if len(one.parts) == 1 else []))]
        for some in of_key.values()
    ]
    if more := {key: bounded for keys in beside for key in smallest(keys)}:
        return more
    for key in certain:
        nothing = {key: (1.0, math.inf)}
        if withheld[key] != nothing[key] and key not in _certain(
            known, found, {**withheld, **nothing}
        ):
            return nothing
    return {key: bounded for some in of_key.values() for key in smallest(one.total for one in some)}


def _certain(known: Counts, found: Iterable[Sum], withheld: Mapping[str, Range]) -> list[str]:
    """Withheld counts of which a single value fits what is printed and told."""
    ranges = dict(withheld)
    open_sums = [one for one in found if not ranges.keys().isdisjoint((one.total, *one.parts))]
    before: dict[str, Range] = {}
    while before != ranges:
        before = dict(ranges)
        for one in open_sums:
            ranges |= _tightened(one, known, ranges)
    return [key for key, (low, high) in ranges.items() if low == high]


def _tightened(one: Sum, known: Counts, ranges: Mapping[str, Range]) -> dict[str, Range]:
    """What a sum tells of each withheld count in it."""
    within = {key: ranges.get(key, (known[key], known[key])) for key in (one.total, *one.parts)}
    tighter = {}
    for key in ranges.keys() & within.keys():
        low, high = (sum(within[p][end] for p in one.parts if p != key) for end in (0, 1))
        least, most = within[one.total]
        told = (low, high) if key == one.total else (least - high, most - low)
        tighter[key] = max(within[key][0], told[0]), min(within[key][1], told[1])
    return tighter


def _is_whole(key: str, counts: Counts) -> bool:
    """Whether a count is of all there are, or of all that have an endpoint."""
    stem, _, what = key.rpartition(".")
    of_endpoint = what == "n" and "." not in stem and f"{stem}.events" in counts
    return key in (PATIENTS, LESIONS, ANALYSED) or of_endpoint


# --- what adds up -------------------------------------------------------------------------


def sums(counts: Counts, numbers: Numbers, rule: SmallCells) -> tuple[list[Sum], dict[str, int]]:
    """What adds up, as far as the keys tell and the counts agree.

    Parameters are those of `told`.

    Returns
    -------
    list of Sum
    dict of str to int
        Counts that have no key: who is in no part of a sum, and totals that are not counted.
    """
    found, rests = [], {}
    for total, parts in _partitions(counts):
        added = sum(counts[part] for part in parts)
        if total not in counts:
            total = f"sum of {parts[0]}"
            rests[total] = added
        rest = {**counts, **rests}[total] - added
        # Nothing follows from one part of many, where nobody tells of the others.
        if rest < 0 or (len(parts) == 1 and rest >= rule.least):
            continue
        others = f"{total} less {parts[0]}"
        rests |= {others: rest} if rest else {}
        found.append(Sum(total, (*parts, *([others] if rest else []))))
    agreeing = (
        one
        for one in (*_graded(counts), *_coded(counts, numbers), *_named_again(counts))
        if counts[one.total] == sum(counts[part] for part in one.parts)
    )
    return [*found, *agreeing], rests


def _partitions(counts: Counts) -> Iterator[tuple[str, list[str]]]:
    """Totals and their parts; who is in none of these may lack, and so may the total's key."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key in counts:
        for pattern in (GROUPS, CUTS, PERIODS, LEVELS):
            if match := pattern.fullmatch(key):
                found[match["of"], match["by"], match["what"]].append(key)
        if match := MODELS.fullmatch(key):
            yield f"{match['endpoint']}.{match['what']}", [key]
        if PEOPLE_OF.fullmatch(key):
            yield PATIENTS, [key]
        if (match := UNKNOWN.fullmatch(key)) and f"{match['of']}.n" in counts:
            parts = [f"{match['of']}.n", key]
            yield _whole_of(parts, counts), parts
    for (of, _, what), parts in found.items():
        yield _total(of, what), parts
    if {READ, EXCLUDED, ANALYSED} <= counts.keys():
        yield READ, [EXCLUDED, ANALYSED]


def _total(of: str, what: str) -> str:
    if of.startswith("cohort."):
        return PATIENTS
    of_lesions = of in ("lesions", "lesions.site", "site_dose", "dose.prescription")
    return LESIONS if of_lesions else f"{of}.{what}"


def _whole_of(parts: Iterable[str], counts: Counts) -> str:
    """Of whom these are all: the first of the wholes that has as many."""
    added = sum(counts[part] for part in parts)
    return next((whole for whole in (PATIENTS, LESIONS) if counts.get(whole) == added), "")


def _graded(counts: Counts) -> Iterator[Sum]:
    """Patients whose worst grade is at least so high, by their worst grade."""
    for key in counts:
        if match := GRADED.fullmatch(key):
            stem = f"toxicity.{match['of']}.{match['term']}"
            parts = tuple(f"{stem}.grade_{g}.n" for g in range(LEAST_GRADE[match["least"]], 6))
            if counts.keys() >= set(parts):
                yield Sum(key, parts)


def _coded(counts: Counts, numbers: Numbers) -> Iterator[Sum]:
    """Groups of a covariate in an endpoint, by the codes that the group is made of."""
    covariates = "config.models.covariates."
    plan = {key: str(numbers[key]["value"]) for key in numbers if key.startswith(covariates)}
    for key in counts:
        if match := GROUP.fullmatch(key):
            stem = f"{covariates}{match['covariate']}"
            of = plan.get(f"{stem}.column", "").replace("patients.", "cohort.")
            codes = (plan[k] for k in plan if k.startswith(f"{stem}.{match['side']}.codes."))
            parts = tuple(f"{of}.{code}.n" for code in codes)
            yield from [Sum(key, parts)] if parts and counts.keys() >= set(parts) else []


def _named_again(counts: Counts) -> Iterator[Sum]:
    """Counts that have two names."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key in counts:
        for pattern in NAMED_AGAIN:
            if match := pattern.fullmatch(key):
                found[pattern.pattern, match["group"]].append(key)
    for keys in found.values():
        yield from (Sum(one, (other,)) for one, other in itertools.combinations(keys, 2))
