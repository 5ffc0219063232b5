"""The manuscript's table of adverse events with exact intervals; as in `tables`, only keys."""

from __future__ import annotations

import re

from sarcoma_sbrt.reporting.tables import (
    LEVEL,
    Layout,
    Numbers,
    Row,
    num,
    table_div,
    told_count,
    under_header,
    with_interval,
)
from sarcoma_sbrt.reporting.toxicity_statistics import PHASES, THRESHOLDS
from sarcoma_sbrt.settings import CohortSettings

__all__ = ["toxicity_tables"]


def toxicity_tables(numbers: Numbers, cohort: CohortSettings) -> dict[str, str]:
    """Markdown of ``toxicity_shares``, where adverse events are recorded.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    cohort : CohortSettings
        Its label stands under the table of a reconstructed cohort.
    """
    if "toxicity_share.either.all.any.n" not in numbers:
        return {}
    columns = 1 + len(THRESHOLDS)
    rows: list[Row] = []
    for phase in PHASES:
        block = [_row(numbers, key, num(f"{key}.label")) for key in _terms(numbers, phase)]
        block.append(_row(numbers, f"toxicity_share.{phase}.all", "Any"))
        rows += under_header(phase.capitalize(), block, columns)
    either = _row(numbers, "toxicity_share.either.all", "Any")
    rows += under_header("Acute or late", [either], columns)
    header = ("Adverse event", "Any grade", "G2 or more", "G3 or more")
    caption = (
        f"Percentages of the {num('cohort.patients')} patients with an adverse event, by the "
        f"patient’s worst grade (CTCAE), with exact {LEVEL}s (Clopper-Pearson).",
    )
    made = table_div(Layout("toxicity_shares", header, (28, 24, 24, 24)), rows, caption, cohort)
    return dict([made]) if made else {}


def _terms(numbers: Numbers, phase: str) -> list[str]:
    """Keys of a phase's adverse events, the most frequent first, then those not to be told."""
    pattern = re.compile(rf"(toxicity_share\.{phase}\.term\.[a-z0-9_]+)\.any\.n")
    found = [match[1] for key in sorted(numbers) if (match := pattern.fullmatch(key))]
    return sorted(found, key=lambda key: -told_count(numbers, f"{key}.any.n"))


def _row(numbers: Numbers, key: str, label: str) -> Row:
    cells = (with_interval(numbers, f"{key}.{name}.percent", percent=True) for name in THRESHOLDS)
    return (label, *cells)
