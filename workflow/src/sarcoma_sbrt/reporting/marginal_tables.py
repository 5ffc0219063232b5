"""The supplement's tables of printed marginals and their conflicts; as in `tables`, only keys."""

from __future__ import annotations

import re

from sarcoma_sbrt.evidence.reconstruction.agreement import PLACES
from sarcoma_sbrt.evidence.reconstruction.marginal_conflicts import VERDICTS
from sarcoma_sbrt.reporting.marginal_statistics import STAGE
from sarcoma_sbrt.reporting.tables import ABSENT, Layout, Numbers, Row, num, table_div, under_header
from sarcoma_sbrt.settings import CohortSettings

__all__ = ["marginal_tables"]

# Spelt out, since a digit in a table is a number that some record must account for.
_PLACE_WORDS = {
    "table_1": "First table (patients and tumours)",
    "table_2": "Second table (treatment)",
    "results_patients": "Results, patients and treatment",
    "results_toxicity": "Results, toxicity",
}
_VERDICT_WORDS = {
    "impossible": "Cannot all hold",
    "conditional": "Cannot all hold under a reading that the paper does not state",
    "wording": "Differ in words",
}


def marginal_tables(numbers: Numbers, cohort: CohortSettings) -> dict[str, str]:
    """Markdown of the tables of printed counts, medians and ranges.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    cohort : CohortSettings
        Its label ends the captions.

    Returns
    -------
    dict of str
        Of ``marginals`` (how many come back, by place, and those that do not) and
        ``marginal_conflicts`` those that have rows, as `tables.tables` makes them.
    """
    made = (_agreement(numbers, cohort), _conflicts(numbers))
    return dict(table for table in made if table is not None)


def _agreement(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    if f"{STAGE}.count.all" not in numbers:
        return None
    counts = f"{STAGE}.count"
    rows: list[Row] = [
        (_PLACE_WORDS[place], num(f"{counts}.{place}.all"), num(f"{counts}.{place}.exact"), "")
        for place in PLACES
    ]
    rows.append(("**All**", num(f"{counts}.all"), num(f"{counts}.exact"), ""))
    rows += under_header("Not given as printed", _inexact(numbers), 4)
    caption = (
        "Printed counts, percentages, medians and ranges, and how many of them the tables give at "
        "printed precision; below, what is printed and what the tables give of those that they do "
        "not.",
        "A number that is printed twice with the same digits counts once.",
    )
    header = ("Place or number", "Printed", "In the tables", "Reason")
    return table_div(Layout("marginals", header, (48, 14, 14, 24), (3,)), rows, caption, cohort)


def _inexact(numbers: Numbers) -> list[Row]:
    pattern = re.compile(rf"({STAGE}\..+)\.recomputed")
    keys = [match[1] for key in numbers if (match := pattern.fullmatch(key))]
    return [
        (
            f"{num(f'{key}.subject')} ({num(f'{key}.place')})",
            num(f"{key}.printed"),
            num(f"{key}.recomputed"),
            num(f"{key}.why"),
        )
        for key in keys
    ]


def _conflicts(numbers: Numbers) -> tuple[str, str] | None:
    pattern = re.compile(rf"({STAGE}\.conflict\..+)\.verdict")
    found = [
        (match[1], str(entry["text"]))
        for key, entry in numbers.items()
        if (match := pattern.fullmatch(key))
    ]
    rows: list[Row] = []
    for verdict in VERDICTS:
        here = [_conflict(numbers, key) for key, said in found if said == verdict]
        rows += under_header(_VERDICT_WORDS.get(verdict, ""), here, 4)
    caption = (
        "Printed numbers of patients, lesions and treatment that cannot all hold, or that the "
        "words set against each other, each with its reasoning and with what the tables keep.",
        f"{ABSENT}: the tables take no side.",
    )
    header = ("Number", "Where", "Reasoning", "In the tables")
    layout = Layout("marginal_conflicts", header, (24, 22, 44, 20), (1, 2, 3))
    return table_div(layout, rows, caption)


def _conflict(numbers: Numbers, key: str) -> Row:
    kept = num(f"{key}.kept") if f"{key}.kept" in numbers else ABSENT
    reasoning = f"{num(f'{key}.statement')}: {num(f'{key}.reasoning')}"
    return (num(f"{key}.subject"), num(f"{key}.place"), reasoning, kept)
