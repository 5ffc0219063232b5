"""The small-cell rule: counts of few patients are printed as such, and what rests on few is not.

Nor are least and greatest values, each of which is that of a single patient or lesion.

A cohort's file or ``models.yaml`` decides where it holds; `withhold` words the registry's
entries, `published` takes the values out of what leaves the centre.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sarcoma_sbrt.reporting.numbers import printed, text_entry
from sarcoma_sbrt.reporting.small_cells import WITHHELD, SmallCells

__all__ = [
    "OF_ONE_REASON",
    "disclosed_flow",
    "disclosed_sets",
    "disclosure_conditions",
    "published",
    "small_cells",
    "withhold",
]

Entry = dict[str, Any]
Numbers = Mapping[str, Mapping[str, Any]]

# What stands for a statistic that is not printed.
NOT_SHOWN = "not shown"

# Why a least or greatest value is not printed, however many it is the least or greatest of.
OF_ONE_REASON = "it is the value of a single patient or lesion"

# Fields of an entry that tell its range over several reconstructions.
RANGES = ("solutions", "over_solutions")
# Stages that describe the cohort's own patients, and what they count of them.
STAGES = {
    *("characteristics", "kaplan_meier", "competing", "cox", "diagnostics"),
    *("dose_sensitivity", "forest", "imputation"),
}
PEOPLE = re.compile(
    r"(?:n|patients|lesions|clusters|events|competing|read|analysed|excluded|influential"
    r"|at_risk_\d+m)"
)
# Counts with such a name that are of models, folds or pairs.
NOT_PEOPLE = re.compile(
    r".*\.cv\.chosen\..*|cox\.\w+\.clustering\.n|dose_sensitivity\..*\.reversed\.n"
)
# Last part of the keys of least and greatest values; ``_min`` and ``_max`` alone are of models.
OF_ONE = re.compile(r"(?:time_)?(?:min|max)")
# Counts that add up to one that is printed as well: levels of a characteristic, the two groups
# of a covariate, the two sides of a cut.
PARTS = (
    re.compile(r"(?P<before>.+\.)(?:\w+_)?(?:level|reference)(?P<after>\.\w+)"),
    re.compile(r"(?P<before>.+\.)(?:above|below)(?P<after>\.\w+)"),
    re.compile(r"(?P<before>.+\.)\w+(?P<after>\.n)"),
    re.compile(r"(?P<before>flow\.patients\.)(?:read|excluded)(?P<after>)"),
)


def small_cells(block: Mapping[str, Any], kind: str) -> SmallCells | None:
    """Rule of a plan's ``disclosure`` block for a cohort of this kind; None where none holds.

    Parameters
    ----------
    block : mapping
        ``small_cells``: ``observed`` (real patients only), ``always`` or ``never``; ``least``:
        the least count that is printed.
    kind : str
        ``observed`` or ``reconstructed``.
    """
    holds = block["small_cells"] == "always" or block["small_cells"] == kind
    return SmallCells(block["least"]) if holds else None


def disclosure_conditions(rule: SmallCells | None) -> dict[str, bool]:
    """Condition ``has.disclosure`` for ``when-meta``: whether the methods tell of the rule."""
    return {"has.disclosure": rule is not None}


def withhold(numbers: Numbers, rule: SmallCells | None) -> dict[str, Entry]:
    """Registry as it may be printed; values stay, for what decides words and axes.

    A small count reads "< 5". Where it is the only small one of several that add up to a total,
    the next smallest reads "≥ 5", so that it is no difference. Shares of such counts read as
    bounds; a statistic of fewer patients or lesions than that, and a least or greatest value,
    reads "not shown".

    Parameters
    ----------
    numbers : mapping
        The registry; not changed.
    rule : SmallCells or None
        None leaves everything as it is.
    """
    entries = {key: dict(entry) for key, entry in numbers.items()}
    if rule is None:
        return entries
    counts = {key: entry["value"] for key, entry in entries.items() if _counts_people(entry)}
    worded = {key: rule.said(count) for key, count in counts.items() if rule.is_small(count)}
    worded |= dict.fromkeys(_complements(counts, worded), rule.bounded)
    worded |= _shares(entries, worded, rule)
    few = {key for key, entry in entries.items() if _rests_on_few(entry, rule)}
    worded |= dict.fromkeys(few - worded.keys(), NOT_SHOWN)
    alone = {key for key, entry in entries.items() if _is_of_one(entry)} - worded.keys()
    worded |= dict.fromkeys(alone, NOT_SHOWN)
    worded |= _companions(entries, worded)
    for key, text in worded.items():
        for name in RANGES:
            entries[key].pop(name, None)
        reason = OF_ONE_REASON if entries[key].get("of", key) in alone else _reason(rule)
        entries[key] |= {"text": text, "status": WITHHELD, "reason": reason}
    return entries | _reasons(entries, worded)


def disclosed_flow(flow: Mapping[str, Any], rule: SmallCells | None) -> dict[str, Any]:
    """Ledger of exclusions in which small counts are worded, and what would give them away.

    Parameters
    ----------
    flow : mapping
        ``flow.json``; not changed.
    rule : SmallCells or None
        None leaves everything as it is.

    Returns
    -------
    dict
        With texts in place of small counts of excluded patients and rows, and of the total that
        these are taken from; without the lines of what is excluded.
    """
    if rule is None:
        return dict(flow)
    tables = {
        name: _worded(table, "rows", "rows_read", rule) for name, table in flow["tables"].items()
    }
    return {
        **flow,
        "patients": _worded(flow["patients"], "patients", "read", rule),
        "tables": tables,
    }


def _worded(part: Mapping[str, Any], counted: str, total: str, rule: SmallCells) -> dict[str, Any]:
    """One part of the ledger, its exclusions by reason and the total that they are taken from."""
    small = any(rule.is_small(entry[counted]) for entry in part["excluded"])
    excluded = [
        {"reason": entry["reason"], counted: rule.said(entry[counted])}
        for entry in part["excluded"]
    ]
    return {**part, "excluded": excluded} | ({total: rule.bounded} if small else {})


def published(numbers: Numbers, rule: SmallCells | None) -> dict[str, Entry]:
    """Registry that may leave the centre: what is withheld has no value, and no limits.

    Parameters
    ----------
    numbers : mapping
        As `withhold` gives it. How many patients, lesions and events stand behind a number that
        is printed is left out where they are few.
    rule : SmallCells or None
        None leaves everything as it is.
    """
    if rule is None:
        return {key: dict(entry) for key, entry in numbers.items()}
    return {key: _without_value(entry, rule) for key, entry in numbers.items()}


def disclosed_sets(
    numbers: Numbers, row_sets: Mapping[str, Mapping[str, Any]], rule: SmallCells | None
) -> tuple[dict[str, Entry], dict[str, Mapping[str, Any]]]:
    """Registry and sets of rows that may leave the centre: how many rows, and not which.

    Positions would tell who is in a group, and two sets of which one lacks a few would tell who
    these few are, so no set keeps them. A number that is withheld, or that few decided, has none.

    Parameters
    ----------
    numbers : mapping
        The registry, worded; not changed.
    row_sets : mapping
        ``row_sets`` of ``lineage.json``, by name.
    rule : SmallCells or None
        None leaves everything as it is.

    Returns
    -------
    tuple of dict
        A number without a set has the lineage None; a set has its counts ``n`` alone.
    """
    if rule is None:
        return {key: dict(entry) for key, entry in numbers.items()}, dict(row_sets)
    told = {
        key: {**entry, "lineage": _told_set(entry, row_sets, rule)}
        for key, entry in numbers.items()
    }
    kept = {entry["lineage"] for entry in told.values()} - {None}
    return told, {name: {"n": row_sets[name]["n"]} for name in sorted(kept)}


def _told_set(
    entry: Mapping[str, Any], row_sets: Mapping[str, Mapping[str, Any]], rule: SmallCells
) -> str | None:
    name = entry.get("lineage")
    if name is None or entry["status"] == WITHHELD or rule.is_small(row_sets[name]["n"]["units"]):
        return None
    return str(name)


def _without_value(entry: Mapping[str, Any], rule: SmallCells) -> Entry:
    kept = dict(entry)
    if kept["status"] == WITHHELD and not kept["key"].endswith(".reason"):
        kept |= {"value": None, "ci": None, "p": None, "n": None, "events": None}
    return kept | {name: None for name in ("n", "events") if rule.is_small(kept.get(name))}


def _counts_people(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is a number of the cohort's patients, lesions or events."""
    return (
        entry["kind"] == "computed"
        and entry["source"] in STAGES
        and entry["unit"] == "count"
        and isinstance(entry["value"], int | float)
        and PEOPLE.fullmatch(entry["key"].rpartition(".")[2]) is not None
        and NOT_PEOPLE.fullmatch(entry["key"]) is None
    )


def _rests_on_few(entry: Mapping[str, Any], rule: SmallCells) -> bool:
    """Whether a statistic, or a limit of one, is of fewer patients or lesions than the rule's.

    A rate that is known at a time when nobody is at risk any more tells of the last of them.
    """
    computed = entry["kind"] == "computed" and entry["source"] in STAGES
    of_the_last = entry["n"] == 0 and entry["unit"] != "count" and entry["value"] is not None
    return computed and entry["unit"] != "text" and (rule.is_small(entry["n"]) or of_the_last)


def _is_of_one(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is the least or the greatest of the values of patients or lesions."""
    computed = entry["kind"] == "computed" and entry["source"] in STAGES
    known = entry["value"] is not None
    return computed and known and OF_ONE.fullmatch(entry["key"].rpartition(".")[2]) is not None


def _complements(counts: Mapping[str, float], worded: Iterable[str]) -> Iterator[str]:
    """Of parts of which one alone is small, the next smallest."""
    small = set(worded)
    for parts in _parts(counts):
        if len(small.intersection(parts)) == 1:
            others = [key for key in parts if key not in small and counts[key] > 0]
            yield from sorted(others, key=lambda key: counts[key])[:1]


def _parts(counts: Iterable[str]) -> Iterable[list[str]]:
    """Counts that add up to a total, as far as their keys tell."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key in counts:
        for pattern in PARTS:
            if match := pattern.fullmatch(key):
                found[pattern.pattern, _covariate(key), match["before"], match["after"]].append(key)
                break
    return [keys for keys in found.values() if len(keys) > 1]


def _covariate(key: str) -> str:
    """Name before ``_level`` or ``_reference``: groups of two covariates are not of one total."""
    match = re.search(r"(\w+)_(?:level|reference)\.\w+$", key)
    return match[1] if match else ""


def _shares(entries: Numbers, worded: Mapping[str, str], rule: SmallCells) -> dict[str, str]:
    """Percentages of withheld counts, with the bound that the count's own implies."""
    shares = {}
    for key, text in worded.items():
        stem = key.removesuffix(".n")
        for share in (f"{stem}.percent", stem):
            entry = entries.get(share, {})
            if stem != key and entry.get("unit") == "percent":
                known = entry["n"] and entry["n"] >= rule.least
                bound = printed(100 * rule.least / entry["n"], "percent") if known else ""
                shares[share] = f"{text[0]} {bound}" if known else NOT_SHOWN
    return shares


def _companions(entries: Numbers, worded: Mapping[str, str]) -> dict[str, str]:
    """Limits and stated forms of what is withheld; a bound of a share is stated with its sign."""
    found = {}
    for key, entry in entries.items():
        text = worded.get(entry.get("of", ""))
        if text is not None and not key.endswith(".reason"):
            is_bound = key.endswith(".stated") and entry["unit"] == "percent" and text != NOT_SHOWN
            found[key] = f"{text}%" if is_bound else NOT_SHOWN
    return found


def _reason(rule: SmallCells) -> str:
    return f"fewer than {rule.least} patients or lesions would be told of"


def _reasons(entries: Numbers, worded: Iterable[str]) -> dict[str, Entry]:
    """Entries ``<key>.reason``, which the notes of tables print, as `numbers` makes them."""
    reasons = {}
    for key in worded:
        entry = entries[key]
        if "of" not in entry:
            said = text_entry(f"{key}.reason", entry["reason"], "computed")
            told = {name: said[name] for name in ("key", "value", "text", "digits", "ci")}
            reasons[f"{key}.reason"] = {**entry, **told, "of": key}
    return reasons
