"""The small-cell rule: counts of few patients are printed as such, and what rests on few is not.

Nor are least and greatest values, each of which is that of a single patient or lesion.

A cohort's file or ``models.yaml`` decides where it holds; `withhold` words the registry's
entries, `published` takes the values out of what leaves the centre.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from sarcoma_sbrt.reporting import totals
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
# Counts with such a name that are of models, folds or pairs; and of two that are configured.
NOT_PEOPLE = re.compile(
    r".*\.cv\.chosen\..*|cox\.\w+\.clustering\.n|dose_sensitivity\..*\.reversed\.n"
    r"|dose_sensitivity\.pairs\.n|flow\.screening\..*"
)
# Last part of the keys of least and greatest values; ``_min`` and ``_max`` alone are of models.
OF_ONE = re.compile(r"(?:time_)?(?:min|max)")
# Heights of a curve at a time, of whatever cause.
AT_A_TIME = re.compile(
    r"(?P<of>(?!forest\.).+)\.(?:rate|cif|cif_(?:complement|difference|(?P<death>death)))"
    r"_(?P<month>\d+m)"
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

    A small count reads "< 5", and as many more of its sum as hide it "≥ 5" (`reporting.totals`).
    Shares of such counts read as bounds. What reads "not shown" is a statistic of fewer patients
    or lesions than that, or at a time when fewer are at risk; what would tell a count that is
    withheld; and a least or greatest value.

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
    withheld = totals.told(counts, entries, rule)
    worded = {key: totals.worded(one, rule, NOT_SHOWN) for key, one in withheld.items()}
    worded |= _shares(entries, counts, worded, rule)
    reasons: dict[str, str] = {}
    for found, reason in (
        ({k for k, e in entries.items() if _at_few_at_risk(e, rule)}, _at_risk_reason(rule)),
        ({k for k, e in entries.items() if _rests_on_few(e, rule)}, _reason(rule)),
        ({k for k in entries if _tells_of(k, worded)}, _reason(rule)),
        ({k for k, e in entries.items() if _is_of_one(e)}, OF_ONE_REASON),
    ):
        new = found - worded.keys()
        worded |= dict.fromkeys(new, NOT_SHOWN)
        reasons |= dict.fromkeys(new, reason)
    worded |= _companions(entries, worded)
    for key, text in worded.items():
        entry = entries[key]
        for name in RANGES:
            entry.pop(name, None)
        reason = reasons.get(key) or reasons.get(entry.get("of", ""), _reason(rule))
        entry |= {"text": text, "status": WITHHELD, "reason": reason}
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
    patients = _worded(flow["patients"], "patients", "read", rule)
    tables = {
        name: _worded(table, "rows", "rows_read", rule) for name, table in flow["tables"].items()
    }
    # A row of the patients' table that is left out with a patient counts this one again.
    told = {entry["reason"]: entry["patients"] for entry in patients["excluded"]}
    for entry in tables.get("patients", {"excluded": []})["excluded"]:
        entry["rows"] = told.get(entry["reason"], entry["rows"])
    return {**flow, "patients": patients, "tables": tables}


def _worded(part: Mapping[str, Any], counted: str, total: str, rule: SmallCells) -> dict[str, Any]:
    """One part of the ledger, its exclusions by reason and the total that they are taken from."""
    counts = [entry[counted] for entry in part["excluded"]]
    excluded = [
        {"reason": entry["reason"], counted: text}
        for entry, text in zip(
            part["excluded"], totals.parts_worded(counts, rule, NOT_SHOWN), strict=True
        )
    ]
    few = any(map(rule.is_small, counts))
    return {**part, "excluded": excluded} | ({total: rule.bounded} if few else {})


def published(numbers: Numbers, rule: SmallCells | None) -> dict[str, Entry]:
    """Registry that may leave the centre: what is withheld has no value, and no limits.

    Parameters
    ----------
    numbers : mapping
        As `withhold` gives it. How many patients, lesions and events stand behind a number is
        left out unless that count is printed itself.
    rule : SmallCells or None
        None leaves everything as it is.
    """
    if rule is None:
        return {key: dict(entry) for key, entry in numbers.items()}
    printed_counts = _printed_counts(numbers)
    return {
        key: _without_value(entry, numbers, printed_counts, rule) for key, entry in numbers.items()
    }


def disclosed_sets(
    numbers: Numbers, row_sets: Mapping[str, Mapping[str, Any]], rule: SmallCells | None
) -> tuple[dict[str, Entry], dict[str, Mapping[str, Any]]]:
    """Registry and sets of rows that may leave the centre: how many rows, and not which.

    Positions would tell who is in a group, and two sets of which one lacks a few would tell who
    these few are, so no set keeps them. A number that is withheld has none, nor has one whose
    units are as many as no count tells that is printed.

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
    printed_counts = _printed_counts(numbers)
    told = {
        key: {**entry, "lineage": _told_set(entry, row_sets, printed_counts, rule)}
        for key, entry in numbers.items()
    }
    kept = {entry["lineage"] for entry in told.values()} - {None}
    return told, {name: {"n": row_sets[name]["n"]} for name in sorted(kept)}


def _told_set(
    entry: Mapping[str, Any],
    row_sets: Mapping[str, Mapping[str, Any]],
    printed_counts: Mapping[str, float],
    rule: SmallCells,
) -> str | None:
    name = entry.get("lineage")
    if name is None or entry["status"] == WITHHELD:
        return None
    units = row_sets[name]["n"]["units"]
    if entry["source"] in STAGES and not _is_told(entry, "n", units, printed_counts):
        return None
    return None if rule.is_small(units) else str(name)


def _without_value(
    entry: Mapping[str, Any],
    numbers: Numbers,
    printed_counts: Mapping[str, float],
    rule: SmallCells,
) -> Entry:
    kept = dict(entry)
    if kept["status"] == WITHHELD and not kept["key"].endswith(".reason"):
        kept |= {"value": None, "ci": None, "p": None, "n": None, "events": None}
        if kept.get("crosscheck"):
            kept["crosscheck"] = {**kept["crosscheck"], "value": None, "difference": None}
    if kept["ci"]:
        kept["ci"] = {
            name: None if numbers.get(f"{kept['key']}.{name}", {}).get("status") == WITHHELD else of
            for name, of in kept["ci"].items()
        }
    if "at_risk" in kept.get("population", {}):
        kept["population"] = {k: v for k, v in kept["population"].items() if k != "at_risk"}
    for name in ("n", "events"):
        of_patients = kept["kind"] == "computed" and kept["source"] in STAGES
        if of_patients and not _is_told(kept, name, kept[name], printed_counts):
            kept[name] = None
        if rule.is_small(kept[name]):
            kept[name] = None
    return kept


def _printed_counts(numbers: Numbers) -> dict[str, float]:
    return {
        key: entry["value"]
        for key, entry in numbers.items()
        if entry["status"] != WITHHELD and _counts_people(entry)
    }


def _is_told(
    entry: Mapping[str, Any], name: str, count: object, printed_counts: Mapping[str, float]
) -> bool:
    """Whether a count that stands behind a number is one that is printed.

    That is a count by the number's key or by part of it (``os.grade_level.n`` of
    ``os.grade_level.median``), of its endpoint, or of all patients or lesions.
    """
    key = str(entry.get("of", entry["key"]))
    if match := AT_A_TIME.fullmatch(key):
        at_risk = f"{match['of']}.at_risk_{match['month']}"
        return name == "n" and printed_counts.get(at_risk) == count
    table = str(entry.get("population", {}).get("table", ""))
    parts = key.split(".")
    stems = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    own = (key, f"{key.removesuffix('.percent')}.n", *(f"{stem}.{name}" for stem in stems))
    of_all = (f"{table.removeprefix('endpoints/')}.{name}", _whole(table) if name == "n" else "")
    return any(printed_counts.get(one) == count for one in (*own, *of_all))


def _whole(table: str) -> str:
    """Key of all that rows of a table are of."""
    return totals.LESIONS if table in ("lesions", "courses", "assessments") else totals.PATIENTS


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


def _is_statistic(entry: Mapping[str, Any]) -> bool:
    computed = entry["kind"] == "computed" and entry["source"] in STAGES
    return computed and entry["unit"] != "text"


def _rests_on_few(entry: Mapping[str, Any], rule: SmallCells) -> bool:
    """Whether a statistic, or a limit of one, is of fewer patients or lesions than the rule's."""
    return _is_statistic(entry) and rule.is_small(entry["n"])


def _at_few_at_risk(entry: Mapping[str, Any], rule: SmallCells) -> bool:
    """Whether fewer are at risk at the time that a statistic tells, or tells of.

    A step of a curve is there one patient's own time; and a rate that is known when nobody is
    at risk any more tells of the last of them.
    """
    if not _is_statistic(entry) or entry["value"] is None or entry["unit"] == "count":
        return False
    key = str(entry.get("of", entry["key"]))
    if AT_A_TIME.fullmatch(key):
        return entry["n"] is not None and entry["n"] < rule.least
    end = entry["key"].removeprefix(f"{key}.")
    at_risk = entry.get("population", {}).get("at_risk", {})
    at_risk = at_risk.get(end if end in ("low", "high") else "value")
    return at_risk is not None and at_risk < rule.least


def _tells_of(key: str, worded: Mapping[str, str]) -> bool:
    """Whether a number would tell a count that is withheld.

    Two deaths among twenty are a survival of 90 per cent.
    """
    if key.endswith(".events_per_variable"):
        return f"{key.rpartition('.')[0]}.events" in worded
    match = AT_A_TIME.fullmatch(key)
    if match is None:
        return False
    events = "competing" if match["death"] else "events"
    return f"{match['of']}.n" in worded or f"{match['of']}.{events}" in worded


def _is_of_one(entry: Mapping[str, Any]) -> bool:
    """Whether an entry is the least or the greatest of the values of patients or lesions."""
    computed = entry["kind"] == "computed" and entry["source"] in STAGES
    known = entry["value"] is not None
    return computed and known and OF_ONE.fullmatch(entry["key"].rpartition(".")[2]) is not None


def _shares(
    entries: Numbers, counts: Mapping[str, float], worded: Mapping[str, str], rule: SmallCells
) -> dict[str, str]:
    """Percentages of withheld counts, with the bound that the count's own implies.

    One is not shown whose denominator would tell how few have no known value.
    """
    shares = {}
    for count in counts:
        stem = count.removesuffix(".n")
        for share in (f"{stem}.percent", stem):
            entry = entries.get(share, {})
            if stem == count or entry.get("unit") != "percent":
                continue
            if _denominator_tells(entry, counts, rule):
                shares[share] = NOT_SHOWN
            elif count in worded:
                bounded = worded[count] != NOT_SHOWN
                known = bounded and entry["n"] and entry["n"] >= rule.least
                bound = printed(100 * rule.least / entry["n"], "percent") if known else ""
                shares[share] = f"{worded[count][0]} {bound}" if known else NOT_SHOWN
    return shares


def _denominator_tells(
    entry: Mapping[str, Any], counts: Mapping[str, float], rule: SmallCells
) -> bool:
    whole = counts.get(_whole(str(entry.get("population", {}).get("table", ""))))
    lacking = whole is not None and entry["n"] is not None and rule.is_small(whole - entry["n"])
    return lacking and entry["value"] is not None


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


def _at_risk_reason(rule: SmallCells) -> str:
    return f"fewer than {rule.least} patients or lesions are at risk then"


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
