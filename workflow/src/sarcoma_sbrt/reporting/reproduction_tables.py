"""The manuscript's tables of what a reconstructed cohort reproduces; as in `tables`, only keys."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence

from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS
from sarcoma_sbrt.evidence.reconstruction.reproduction import CONVENTIONS
from sarcoma_sbrt.reporting.reproduction_statistics import (
    BLOCKS,
    LEVELS,
    METHODS,
    PART_WORDS,
    PARTS,
    STAGE,
    STATUS_WORDS,
)
from sarcoma_sbrt.reporting.tables import (
    Layout,
    Numbers,
    Row,
    num,
    table_div,
    under_header,
)
from sarcoma_sbrt.settings import CohortSettings

__all__ = ["reproduction_tables"]

_BLOCK_WORDS = {
    "curves": "medians, rates and follow-up",
    "univariable": "univariable hazard ratios",
    "multivariable": "multivariable hazard ratios",
}
_LEVEL_WORDS = {"patient": "**All of patients**", "lesion": "**All of lesions**"}
_STEP_WORDS = ("Exact", "Within a unit", "Within two per cent", "Further off")
_OTHER_RATIOS = (
    "Univariable hazard ratios are Peto’s or Cox’s here, and each model has the covariates with "
    "which its printed ratios are recomputed (Methods), so that a ratio here need not be that of "
    "the Cox models in the results."
)
_LAST_EVENT = (
    "An upper limit of a median that the confidence band does not reach is the last event time "
    "here, as the study prints it; elsewhere limits follow the plan of analysis (Methods)."
)


def reproduction_tables(numbers: Numbers, cohort: CohortSettings) -> dict[str, str]:
    """Markdown of every table of the reproduction that the registry can fill.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    cohort : CohortSettings
        The study that it was found from, and its label.

    Returns
    -------
    dict of str
        Of ``reproduction`` (counts by block), ``reproduction_missed`` (numbers further off),
        ``reproduction_proofs``, ``reproduction_conventions`` and ``reproduction_all`` (every
        number) those that have rows, as `tables.tables` makes them.
    """
    if f"{STAGE}.count.all.n" not in numbers:
        return {}
    made = (
        _blocks(numbers, cohort),
        _missed(numbers, cohort),
        _proofs(numbers),
        _conventions(numbers, cohort),
        _everything(numbers, cohort),
    )
    return dict(table for table in made if table is not None)


# --- counts -------------------------------------------------------------------------------------


def _blocks(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    rows: list[Row] = []
    for level, endpoints in LEVELS.items():
        for endpoint, block in itertools.product(endpoints, BLOCKS):
            if f"{STAGE}.count.{endpoint}.{block}.n" in numbers:
                name = f"{num(f'endpoint.{endpoint}.label')}: {_BLOCK_WORDS[block]}"
                rows.append((name, *_steps(f"{endpoint}.{block}")))
        if f"{STAGE}.count.{level}.n" in numbers:
            rows.append((_LEVEL_WORDS[level], *_steps(level)))
    caption = (
        "Published figures, by how closely this cohort reproduces them.",
        "Each estimate, each limit and each *p* is one, counted once where it is printed more than "
        "once.",
        "Exact: prints the same; within a unit: of the last printed digit; within two per cent: of "
        "the published figure. Each number is counted in the first column that holds.",
    )
    layout = Layout("reproduction", ("", "All", *_STEP_WORDS), (44, 8, 10, 12, 16, 12))
    return table_div(layout, rows, caption, cohort)


def _steps(whom: str) -> tuple[str, ...]:
    return tuple(num(f"{STAGE}.count.{whom}.{what}") for what in ("n", *STATUS_WORDS))


# --- single numbers -----------------------------------------------------------------------------


def _rows_of(numbers: Numbers) -> dict[str, list[str]]:
    """Parts of every printed row, by its key without the study, in the order of endpoints."""
    pattern = re.compile(rf"{STAGE}\.(.+)\.({'|'.join(PARTS)})\.status")
    rows: dict[str, list[str]] = {}
    for key in numbers:
        if match := pattern.fullmatch(key):
            rows.setdefault(match[1], []).append(match[2])

    def place(row: str) -> tuple[int, str]:
        head = row.partition(".")[0]
        return (ENDPOINTS.index(head) if head in ENDPOINTS else -1, row)

    return {row: sorted(rows[row], key=list(PARTS).index) for row in sorted(rows, key=place)}


def _published(cohort: CohortSettings, row: str, part: str) -> str:
    return num(f"published.{cohort.derived_from}.{row}{PARTS[part]}")


def _missed(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    rows = [
        (
            num(f"{STAGE}.{row}.subject") + (f": {_part(part)}" if len(parts) > 1 else ""),
            _published(cohort, row, part),
            num(f"{STAGE}.{row}.{part}"),
            num(f"{STAGE}.{row}.{part}.why"),
        )
        for row, parts in _rows_of(numbers).items()
        for part in parts
        if _status(numbers, row, part) == STATUS_WORDS["miss"]
    ]
    caption = (
        "Published figures that this cohort does not reproduce within two per cent or one unit "
        "of the last digit.",
        "Why: not found by the search, or in a set that is proved not to hold together.",
        _of_ratios(rows),
    )
    header = ("Number", "Published", "Recomputed", "Why")
    layout = Layout("reproduction_missed", header, (54, 12, 14, 30), (3,))
    return table_div(layout, rows, caption, cohort)


def _of_ratios(rows: Sequence[Row]) -> str:
    """Note on hazard ratios, where a row has one."""
    return _OTHER_RATIOS if any(".hr.subject" in row[0] for row in rows) else ""


def _of_medians(numbers: Numbers) -> str:
    """Note on limits of medians, where they follow the study and not the plan of analysis."""
    rule = METHODS["kaplan_meier.first_event"]
    of_stage = (entry for key, entry in numbers.items() if key.startswith(f"{STAGE}."))
    return _LAST_EVENT if any(entry["method"] == rule for entry in of_stage) else ""


def _status(numbers: Numbers, row: str, part: str) -> str:
    return str(numbers[f"{STAGE}.{row}.{part}.status"]["text"])


def _part(part: str) -> str:
    return "*p*" if part == "p" else PART_WORDS[part]


def _everything(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    rows: list[Row] = []
    for row, parts in _rows_of(numbers).items():
        printed = {part: _published(cohort, row, part) for part in parts}
        recomputed = {part: num(f"{STAGE}.{row}.{part}") for part in parts}
        subject = num(f"{STAGE}.{row}.subject")
        rows.append((subject, _cell(printed), _cell(recomputed), _worst(numbers, row, parts)))
    caption = (
        "Every published figure of this study that the search aimed at, with what the cohort "
        "gives: estimate (limits or range); *p*.",
        "The last column is that of the number of the row that is furthest off.",
        _of_medians(numbers),
        _of_ratios(rows),
    )
    header = ("Number", "Published", "Recomputed", "At worst")
    layout = Layout("reproduction_all", header, (42, 26, 26, 18), (1, 2, 3))
    return table_div(layout, rows, caption, cohort)


def _cell(of: dict[str, str]) -> str:
    """Estimate with its limits or range, and p, as far as they are printed."""
    ends = [of[part] for part in ("ci_low", "ci_high", "range_low", "range_high") if part in of]
    text = of.get("estimate", "")
    if len(ends) == 2:
        text = f"{text} ({ends[0]}–{ends[1]})"
    p = f"*p* {of['p']}" if "p" in of else ""
    return "; ".join(filter(None, (text, p)))


def _worst(numbers: Numbers, row: str, parts: Sequence[str]) -> str:
    order = list(STATUS_WORDS.values())
    worst = max(parts, key=lambda part: order.index(_status(numbers, row, part)))
    return num(f"{STAGE}.{row}.{worst}.status")


# --- proofs and conventions ---------------------------------------------------------------------


def _proofs(numbers: Numbers) -> tuple[str, str] | None:
    keys = itertools.takewhile(
        lambda key: f"{key}.numbers" in numbers,
        (f"{STAGE}.proof_{at}" for at in itertools.count(1)),
    )
    rows = [
        tuple(num(f"{key}.{what}") for what in ("numbers", "tolerance", "argument")) for key in keys
    ]
    caption = (
        "Sets of published figures that no cohort of this size gives all at once, each with its "
        "proof.",
        "A *p* in a set is taken for that of the model of its ratio.",
    )
    header = ("Numbers", "Not all", "Proof")
    layout = Layout("reproduction_proofs", header, (34, 12, 64), (1, 2))
    return table_div(layout, rows, caption)


def _conventions(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    rows: list[Row] = [("As used here", *_scores(f"{STAGE}.count"))]
    same = [
        (f"{c.words[0].upper()}{c.words[1:]}", *_scores(f"{STAGE}.convention.{c.name}"))
        for c in CONVENTIONS
        if f"{STAGE}.convention.{c.name}.all.exact" in numbers
    ]
    rows += under_header("The same cohort, computed otherwise", same, 5)
    rows += under_header(
        "Searched anew, all with the same smaller budget", list(_alternatives(numbers)), 5
    )
    caption = (
        "Published figures that are reproduced exactly, and exactly or within two per cent, under "
        "other conventions.",
        "The cohort was found under the first line, so that those computed otherwise are at a "
        "disadvantage.",
        "Within two per cent counts the exact as well, and a number within one unit of the last "
        "digit only where it is within two per cent.",
    )
    header = ("Convention", *(f"{whom}, {what}" for whom in _WHOM for what in _WHAT))
    layout = Layout("reproduction_conventions", header, (46, 12, 14, 12, 14))
    return table_div(layout, rows, caption, cohort)


_WHOM = ("Patients", "Lesions")
_WHAT = ("exact", "two per cent")


def _scores(key: str) -> Row:
    return tuple(num(f"{key}.{level}.{what}") for level in LEVELS for what in ("exact", "near"))


def _alternatives(numbers: Numbers) -> Iterator[Row]:
    for at in itertools.count(1):
        key = f"{STAGE}.search.alternative_{at}"
        if f"{key}.name" not in numbers:
            return
        yield (num(f"{key}.name"), *_scores(key))
