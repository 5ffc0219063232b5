"""``sarcoma-sbrt trace``: where a number comes from, and where a text is printed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sarcoma_sbrt.cli.run import FINDING, OK, NoAnswer, as_json, document, hashes, open_run
from sarcoma_sbrt.provenance.ancestry import (
    Branch,
    Run,
    ancestry,
    claim_tree,
    claims_made,
    drawn,
    place_branches,
    plural,
    printing,
    standing,
    stated_so,
    tree,
)

__all__ = ["trace_key", "trace_text"]


def trace_key(
    key: str, results: Path, repository: Path, *, rows: bool, json: bool
) -> tuple[str, int]:
    """Text and exit code of ``trace KEY``, or of ``trace CLAIM``.

    Raises
    ------
    NoAnswer
        When there is no finished run.
    """
    run = open_run(results)
    if key not in run.numbers:
        claims = claims_made(run)
        if named := [one for one in claims if one["claim"] == key.removeprefix("claim.")]:
            return as_json(named) if json else _told(named), OK
        near = get_close_matches(key, [*run.numbers, *(one["claim"] for one in claims)], n=3)
        if json:
            return as_json({"key": key, "found": False, "near": near}), FINDING
        told = f"; near: {', '.join(near)}" if near else ""
        return f"{key}: no such key{told}", FINDING
    try:
        found = ancestry(run, key, hashes(repository))
        if check := found["entry"]["crosscheck"]:
            found["entry"]["crosscheck"] = check | _p_again(results, key)
        text = as_json(found) if json else "\n".join(drawn(tree(found, rows=rows)))
    except ValueError as error:
        raise NoAnswer(f"{results / 'lineage.json'}: damaged: {error}") from None
    return text, OK


def _p_again(results: Path, key: str) -> dict[str, Any]:
    """The p beside a number as the second engine gave it; nothing where it has none."""
    checks = document(results, "audit/crosscheck.json", ("checks",))["checks"]
    return {part: of for part, of in checks.get(key, {}).items() if part.startswith("p")}


def trace_text(text: str, results: Path, *, json: bool) -> tuple[str, int]:
    """Text and exit code of ``trace --text TEXT``."""
    run = open_run(results)
    places = {
        key: standing(run, [key, *stated_so(run, key, text)]) for key in printing(run.numbers, text)
    }
    claims = [one for one in claims_made(run) if _says(one, text)]
    code = OK if places or claims else FINDING
    if json:
        told = [_found(run, key) | {"places": places[key]} for key in places]
        return as_json([*told, *claims]), code
    lines = list(_lines(run, text, places)) if places else [f"{text}: no number prints so"]
    return "\n".join([*lines, *([_told(claims)] if claims else [])]), code


def _says(claim: Mapping[str, Any], text: str) -> bool:
    """Whether a claim is made in some words, in whole or in part."""
    words = re.compile(rf"(?<!\w){re.escape(text.strip())}(?!\w)", re.IGNORECASE)
    return any(words.search(said) for said in claim["says"])


def _told(claims: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(line for claim in claims for line in drawn(claim_tree(claim)))


def _found(run: Run, key: str) -> dict[str, Any]:
    entry = run.numbers[key]
    return {name: entry[name] for name in ("key", "text", "value", "unit", "kind", "method")}


def _lines(run: Run, text: str, places: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Keys that are printed with all their places, then the others."""
    shown = [key for key in places if places[key]]
    total = sum(len(places[key]) for key in shown)
    title = (
        f"{text}: printed by {plural(len(places), 'number')}, "
        f"{len(shown)} of them in {plural(total, 'place')} of the manuscript"
    )
    branches = [
        Branch(f"{key}, {run.numbers[key]['method']}", place_branches(places[key], key))
        for key in shown
    ]
    if silent := [key for key in places if not places[key]]:
        branches.append(Branch("stand nowhere in the manuscript", [Branch(key) for key in silent]))
    yield from drawn(Branch(title, branches))
