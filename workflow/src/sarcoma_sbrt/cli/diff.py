"""``sarcoma-sbrt diff``: two runs' numbers side by side, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sarcoma_sbrt.cli.run import FINDING, OK, as_json, open_run
from sarcoma_sbrt.provenance.ancestry import is_printed
from sarcoma_sbrt.provenance.differences import Difference, differences, summary, to_json
from sarcoma_sbrt.provenance.impact import Move

__all__ = ["diff", "from_to"]


def diff(before: Path, after: Path, *, everything: bool, json: bool) -> tuple[str, int]:
    """Text and exit code of ``diff A B``.

    Raises
    ------
    NoAnswer
        When either is no finished run.
    """
    first, second = open_run(before), open_run(after)
    found = differences(first, second)
    line = summary(found, first, second)
    if json:
        text = as_json({"summary": line, "numbers": to_json(found)})
    else:
        runs = (first, second)
        printed = frozenset(key for run in runs for key in run.places if is_printed(run, key))
        text = "\n".join([line, *_lines(found, printed, everything)])
    return text, FINDING if found else OK


def _lines(found: list[Difference], printed: frozenset[str], everything: bool) -> Iterator[str]:
    """A line for each number that the manuscript prints; of every number where all are asked."""
    shown = [one for one in found if everything or one.move.key in printed]
    for one in shown:
        yield f"  {from_to(one.move)}{_amount(one)}{_causes(one)}"
    if hidden := len(found) - len(shown):
        yield f"  … and {hidden:,} that the manuscript does not print (--all)"


def from_to(move: Move) -> str:
    """A move as a line says it: key, text before, text after."""
    if move.before is None and move.after is not None:
        return f"{move.key}: new, {move.after['text']}"
    if move.after is None and move.before is not None:
        return f"{move.key}: gone, was {move.before['text']}"
    before, after = (str(entry["text"]) for entry in (move.before, move.after) if entry)
    if before != after:
        return f"{move.key}: {before} → {after}"
    return f"{move.key}: prints {after} as before, {_beneath(move)}"


def _beneath(move: Move) -> str:
    """What moved beneath a text that stayed."""
    before, after = move.before or {}, move.after or {}
    for name in ("value", "n", "events", "p", "ci", "status", "reason"):
        if before.get(name) != after.get(name):
            return f"{name} {before.get(name)} → {after.get(name)}"
    return "unchanged"


def _amount(one: Difference) -> str:
    if not one.change:
        return ""
    share = f", {100 * one.relative:+.2g}%" if one.relative is not None else ""
    return f" ({one.change:+.3g}{share})"


def _causes(one: Difference) -> str:
    return "; " + "; ".join(f"{cause.kind}: {_few(cause.what)}" for cause in one.causes)


def _few(what: tuple[str, ...]) -> str:
    return ", ".join(what[:2]) + (f" and {len(what) - 2} more" if len(what) > 2 else "")
