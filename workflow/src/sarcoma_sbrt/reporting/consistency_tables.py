"""The supplement's tables: what the checks of the printed numbers say.

As in `tables`, every digit is a shortcode.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sarcoma_sbrt.evidence.consistency.findings import CHECKS
from sarcoma_sbrt.reporting.consistency_statistics import FAILED
from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    Layout,
    Numbers,
    Row,
    num,
    table_div,
    under_header,
)

__all__ = ["CHECK_WORDS", "consistency_tables", "optional", "text_of"]

CHECK_WORDS = {
    "legible": "Text that should be a number",
    "count_percentage": "Count against percentage",
    "subtotal": "Parts against total",
    "subset": "Count against the count that it is part of",
    "population": "Count against the patients or lesions of the study",
    "n_across_tables": "Number analysed across tables",
    "range": "Value against its printed range",
    "dose": "BED against dose and fractions",
    "interval_symmetry": "Hazard ratio against its interval",
    "wald_p": "Wald *p* against hazard ratio and interval",
    "repeat": "One fact in two places",
    "direction": "Which group does better, one place against another",
    "drift": "Preprint against journal version",
    "landmark": "Survival rates against the number of patients",
    "pooled_landmark": "Pooled rate against those of its groups",
}
# Verdicts as columns, and the words over them; those of drift have a table of their own.
_VERDICTS = {
    "consistent": "Consistent",
    "possible": "Possible",
    "inconsistent": "Inconsistent",
    "impossible": "Impossible",
    "other_time": "Other time",
    "unverifiable": "Unverifiable",
}
_OTHER_TIME = "other time"
# Verdicts of what is in neither of the tables of what fails and of what changed.
_HELD = ("consistent", "possible", "unverifiable")
# Checks whose arithmetic, where it agrees, is no more than one number beside another.
_EQUALITIES = ("legible", "subset", "population", "n_across_tables", "repeat")

# What became of a number between the versions, in the order of the table.
_KINDS = {
    "moved": "Moved",
    "input_changed": "Unchanged although an input changed",
    "changed_value": "Changed",
}
_ENDPOINTS = ("lc", "os", "pfs", "mfs")


class _Found(NamedTuple):
    """A finding of the consistency report, as its keys say it."""

    key: str
    check: str
    verdict: str
    study: str
    paper: str
    figure: str


def consistency_tables(numbers: Numbers) -> dict[str, str]:
    """Markdown of the tables of the consistency report, by name.

    Parameters
    ----------
    numbers : mapping
        The registry.

    Returns
    -------
    dict of str
        Of ``consistency_summary`` (counts by check and verdict), ``consistency_findings`` (what
        does not agree, by paper), ``drift`` (what the journal version did to the preprint's
        numbers) and ``consistency_all`` (what agrees or cannot be judged, by check and place)
        those that have rows, as `tables.tables` makes them.
    """
    findings = _findings(numbers)
    made = (
        _summary(numbers),
        _failures(numbers, findings),
        _drift(numbers, findings),
        _others(numbers, findings),
    )
    return dict(table for table in made if table is not None)


def optional(numbers: Numbers, key: str) -> str:
    """Shortcode of a key; a dash where the registry lacks it."""
    return num(key) if key in numbers else ABSENT


def text_of(numbers: Numbers, key: str) -> str:
    """What a registry text says; empty where there is none."""
    return str(numbers[key]["text"]) if key in numbers else ""


def _findings(numbers: Numbers) -> list[_Found]:
    """Findings in the order of the checks."""
    pattern = re.compile(r"(consistency\.(\w+)\..+)\.verdict")
    found = [
        _found(numbers, match, entry)
        for key, entry in numbers.items()
        if (match := pattern.fullmatch(key)) and match[2] in CHECKS
    ]
    return sorted(found, key=lambda one: (CHECKS.index(one.check), one.key))


def _found(numbers: Numbers, match: re.Match[str], verdict: Mapping[str, Any]) -> _Found:
    """The finding, with study and paper of the number that is judged."""
    rows = verdict["rows"]
    keys = rows.get("published", []) if isinstance(rows, Mapping) else []
    figure = keys[0] if keys else ""
    whose = numbers.get(f"published.{figure}.locator", {}).get("population", {})
    study, paper = str(whose.get("study_id", "")), str(whose.get("paper", ""))
    return _Found(match[1], match[2], str(verdict["text"]), study, paper, figure)


# --- counts -------------------------------------------------------------------------------


def _summary(numbers: Numbers) -> tuple[str, str] | None:
    of = "consistency.count"
    shown = [verdict for verdict in _VERDICTS if f"{of}.{verdict}" in numbers]
    rows: list[Row] = []
    for check, words in CHECK_WORDS.items():
        if f"{of}.{check}" in numbers:
            counts = [optional(numbers, f"{of}.{check}.{verdict}") for verdict in shown]
            rows.append((words, *counts, num(f"{of}.{check}")))
    if rows:
        totals = [optional(numbers, f"{of}.{verdict}") for verdict in shown]
        rows.append(("**All checks**", *totals, optional(numbers, f"{of}.all")))
    caption = (
        "Findings of the consistency report by check and verdict.",
        "What became of the preprint’s numbers is counted in the text."
        if f"{of}.drift" in numbers
        else "",
        f"{ABSENT}: none." if any(ABSENT in row for row in rows) else "",
    )
    header = ("Check", *(_VERDICTS[verdict] for verdict in shown), "All")
    layout = Layout("consistency_summary", header, (46, *[9] * len(shown), 7))
    return table_div(layout, rows, caption)


# --- what does not hold -------------------------------------------------------------------


def _failures(numbers: Numbers, findings: Sequence[_Found]) -> tuple[str, str] | None:
    failed = [found for found in findings if found.verdict in FAILED]
    rows: list[Row] = []
    for paper in _papers(numbers, failed):
        of_paper = [found for found in failed if found.paper == paper]
        title = _label(numbers, paper) or "Other"
        rows += under_header(title, [_failed(numbers, f) for f in of_paper], 4)
    later = [_failed(numbers, found) for found in findings if found.verdict == _OTHER_TIME]
    rows += under_header("The same rate at other times; both may hold", later, 4)
    caption = (
        "Published figures that do not agree with what they are printed beside, by the paper "
        "that prints them.",
        "The study in brackets is the one that the number is about, where it is not the paper’s "
        "own.",
    )
    header = ("Number and check", "Where", "Arithmetic and remarks", "Verdict")
    layout = Layout("consistency_findings", header, (26, 26, 46, 12), (1, 2, 3))
    return table_div(layout, rows, caption)


def _papers(numbers: Numbers, findings: Iterable[_Found]) -> list[str]:
    papers = {found.paper for found in findings}
    return sorted(papers, key=lambda paper: text_of(numbers, f"published.{paper}.label"))


def _label(numbers: Numbers, study: str) -> str:
    key = f"published.{study}.label"
    return num(key) if key in numbers else ""


def _failed(numbers: Numbers, found: _Found) -> Row:
    what = f"{_whose(numbers, found)}: {_lower(CHECK_WORDS[found.check])}"
    where, arithmetic = (optional(numbers, f"{found.key}.{n}") for n in ("where", "arithmetic"))
    remarks = f"{found.key}.remarks"
    if remarks in numbers:
        arithmetic = f"{arithmetic} *Remark:* {num(remarks)}"
    return (what, where, arithmetic, num(f"{found.key}.verdict"))


def _lower(words: str) -> str:
    """Words within a line; names keep their capital."""
    named = words.startswith(("BED", "Wald"))
    return words if named else f"{words[0].lower()}{words[1:]}"


def _whose(numbers: Numbers, found: _Found) -> str:
    """What a number is, and of which study where the paper reports on another."""
    subject = optional(numbers, f"{found.key}.subject")
    study = _label(numbers, found.study) if found.study != found.paper else ""
    return f"{subject} ({study})" if study else subject


# --- two versions -------------------------------------------------------------------------


def _drift(numbers: Numbers, findings: Sequence[_Found]) -> tuple[str, str] | None:
    drifted = [found for found in findings if found.check == "drift"]
    rows: list[Row] = []
    for kind, title in _KINDS.items():
        of_kind = [f for f in drifted if text_of(numbers, f"{f.key}.kind") == kind]
        of_kind.sort(key=lambda found: _order(found.figure))
        rows += under_header(title, [_drifted(numbers, found) for found in of_kind], 5)
    caption = (
        "What the journal version did to the preprint’s numbers, without those that did not "
        "change and those that one version alone prints.",
        "Contrasts: the group before “vs” against the one after it.",
    )
    header = ("Endpoint and number", "Contrast", "Preprint", "Journal", "What happened")
    layout = Layout("drift", header, (26, 26, 22, 20, 14), (1, 2, 3, 4))
    return table_div(layout, rows, caption)


def _order(figure: str) -> tuple[int, str]:
    """Endpoints of survival first, in their usual order, then the rest by name."""
    endpoint = figure.split(".")[1] if "." in figure else ""
    last = len(_ENDPOINTS)
    return (_ENDPOINTS.index(endpoint) if endpoint in _ENDPOINTS else last, figure)


def _drifted(numbers: Numbers, found: _Found) -> Row:
    names = ("subject", "contrast", "old", "new", "change")
    subject, contrast, old, new, change = (optional(numbers, f"{found.key}.{n}") for n in names)
    turned = f"{found.key}.turned"
    if turned in numbers:
        old = f"{old}; turned round {num(turned)}"
    return (subject, contrast, old, new, change)


# --- what agrees, or cannot be judged -----------------------------------------------------


def _others(numbers: Numbers, findings: Sequence[_Found]) -> tuple[str, str] | None:
    """By check, verdict and place: a row for each number with its arithmetic."""
    rows: list[Row] = []
    counted = False
    for check, words in CHECK_WORDS.items():
        for verdict in _HELD if check != "drift" else ():
            found = [f for f in findings if (f.check, f.verdict) == (check, verdict)]
            short = verdict == "consistent" and check in _EQUALITIES
            counted = counted or bool(short and found)
            block = _agreeing(check, found) if short else _together(numbers, found)
            rows += under_header(f"{words}: {verdict}", list(block), 2)
    caption = (
        "Published figures that agree with what they are printed beside, or that cannot be "
        "judged, by check, verdict and place, each with its arithmetic.",
        "Checks that only put two numbers side by side are counted." if counted else "",
    )
    layout = Layout("consistency_all", ("Where", "Numbers and arithmetic"), (20, 90), (1,))
    return table_div(layout, rows, caption)


def _agreeing(check: str, findings: Sequence[_Found]) -> Iterator[Row]:
    if findings:
        count = num(f"consistency.count.{check}.consistent")
        yield ("All papers", f"{count} agree; they stand one by one in the file of all findings.")


def _together(numbers: Numbers, findings: Sequence[_Found]) -> Iterator[Row]:
    by_row: dict[tuple[str, str], list[_Found]] = {}
    for found in findings:
        where, reason = (text_of(numbers, f"{found.key}.{n}") for n in ("place", "reason"))
        by_row.setdefault((where, reason), []).append(found)
    for (_, reason), group in sorted(by_row.items()):
        place = optional(numbers, f"{group[0].key}.place")
        if reason:
            named = "; ".join(_whose(numbers, found) for found in group)
            yield (place, f"*{named}:* {num(f'{group[0].key}.reason')}")
        else:
            # A row each: certificates of one place are pages of fractions in a single cell.
            first, *others = (_judged(numbers, found) for found in group)
            yield (place, first)
            yield from (("", other) for other in others)


def _judged(numbers: Numbers, found: _Found) -> str:
    # Italics, since arithmetic holds semicolons as well.
    return f"*{_whose(numbers, found)}:* {optional(numbers, f'{found.key}.arithmetic')}"
