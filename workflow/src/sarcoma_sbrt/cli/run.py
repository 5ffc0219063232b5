"""What the commands share: reading a finished run, and saying why there is no answer.

Nothing here imports pandas or SciPy, so that a wrong call is told at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sarcoma_sbrt.provenance.ancestry import Run

__all__ = ["FINDING", "OK", "WRONG_CALL", "NoAnswer", "as_json", "document", "hashes", "open_run"]

OK, FINDING, WRONG_CALL = 0, 1, 2
"""Exit codes: all is well; something was found; a wrong call, or no run to ask."""

# Document -> what each must hold for the commands to go on.
_ENTRY = {
    "key", "text", "value", "unit", "kind", "support", "method", "n", "events", "p", "ci",
    "status", "reason", "population", "rows", "columns", "rule", "source", "config", "inputs",
    "code", "crosscheck",
}  # fmt: skip
_LINEAGES = ("private/lineage.json", "lineage.json")
_LINEAGE = {
    "cohort", "kind", "files", "environment", "registration", "printing", "columns", "row_sets",
}  # fmt: skip
_PLACE = {"document", "section", "place", "sentence", "source"}
_CLAIM = {"name", "of", "says", "when"}


class NoAnswer(Exception):
    """Why a command cannot answer; it ends with the exit code for a wrong call."""


def document(results: Path, name: str, needs: Iterable[str] = ()) -> dict[str, Any]:
    """Content of a JSON file of a run's results: an object.

    Parameters
    ----------
    results : Path
        Folder of the run.
    name : str
        File below it.
    needs : iterable of str
        Keys that it must have.

    Raises
    ------
    NoAnswer
        Naming the file, when it is missing, damaged or lacks a key.
    """
    path = results / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise NoAnswer(f"{path}: no such file; run the workflow first") from None
    except json.JSONDecodeError as error:
        raise NoAnswer(f"{path}:{error.lineno}: not JSON: {error.msg}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise NoAnswer(f"{path}: cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise NoAnswer(f"{path}: damaged: a {type(content).__name__}, accepted: an object")
    _hold(path, "", content, needs)
    return content


def _hold(path: Path, place: str, content: Any, needs: Iterable[str]) -> None:
    """Refuse a part of a document that is no object or lacks a key."""
    before = f"{path}: damaged: {f'{place}: ' if place else ''}"
    if not isinstance(content, Mapping):
        raise NoAnswer(f"{before}a {type(content).__name__}, accepted: an object")
    if lacking := sorted(set(needs) - content.keys()):
        raise NoAnswer(f"{before}there is no {', '.join(lacking)}; run the workflow again")


def open_run(results: Path) -> Run:
    """Registry, code, lineage, places and sources of a finished run.

    Raises
    ------
    NoAnswer
        When one of them is missing, damaged, or of a release that kept less.
    """
    numbers = document(results, "numbers.json")
    for key, entry in numbers.items():
        _hold(results / "numbers.json", key, entry, _ENTRY)
    # Where positions of rows are withheld, the centre that ran the workflow still has them.
    name = next((name for name in _LINEAGES if (results / name).is_file()), _LINEAGES[-1])
    lineage = document(results, name, _LINEAGE)
    for part in ("files", "environment", "registration", "printing", "columns", "row_sets"):
        _hold(results / name, part, lineage[part], ())
    needs = ("python", "lock", "stages")
    _hold(results / name, "environment", lineage["environment"], needs)
    needs = ("rule", "code", "config")
    _hold(results / name, "registration", lineage["registration"], needs)
    sources = document(results, "sources.json")
    return Run(numbers, _code(results), lineage, _places(results), sources)


def _code(results: Path) -> dict[str, Any]:
    sets = document(results, "code.json")
    for stage, files in sets.items():
        for file in _listed(results / "code.json", stage, files):
            _hold(results / "code.json", stage, file, ("path", "sha256"))
    return sets


def _places(results: Path) -> dict[str, Any]:
    places = document(results, "places.json")
    for key, found in places.items():
        for place in _listed(results / "places.json", key, found):
            _hold(results / "places.json", key, place, _PLACE)
            if "claim" in place:
                _hold(results / "places.json", key, place["claim"], _CLAIM)
    return places


def _listed(path: Path, place: str, content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise NoAnswer(f"{path}: damaged: {place}: a {type(content).__name__}, accepted: a list")
    return content


def hashes(root: Path) -> Callable[[str], str | None]:
    """Give SHA-256 of files by path below a folder; None where there is no such file."""
    known: dict[str, str | None] = {}

    def of(path: str) -> str | None:
        if path not in known:
            known[path] = _sha256(root / path)
        return known[path]

    return of


def _sha256(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def as_json(content: Any) -> str:
    """Content as the commands print it with ``--json``."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
