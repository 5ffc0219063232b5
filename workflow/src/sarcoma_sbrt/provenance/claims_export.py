"""The printed numbers as a manifest that claims-cli checks, an outsider's program.

Every line of the manuscript that prints numbers of the registry becomes one claim: a quotation
of the line, and for each number the value in full that it must be the rounding of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

__all__ = ["Line", "Printed", "claims_manifest", "manuscript_lines", "values_of"]

Numbers = Mapping[str, Mapping[str, Any]]

NOTE = "Set by the analysis plan before the numbers were known; see the manuscript's methods."
CELL = re.compile(r"^(?P<row>.*\btbl-[\w-]+, (?:row \d+|head)), column \d+$")
DECIMAL = re.compile(r"[-−]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Printed:
    """A number as a line prints it."""

    key: str
    text: str


@dataclass(frozen=True)
class Line:
    """A paragraph, a caption, or a row of a table: where it stands, its text and its numbers."""

    place: str
    text: str
    printed: tuple[Printed, ...]


def manuscript_lines(passages: Iterable[Any]) -> list[Line]:
    """Lines of a document in order, the cells of a row in one.

    Parameters
    ----------
    passages : iterable of Passage
        `provenance.passages.passages` of the filtered document.
    """
    found = []
    for place, together in groupby(passages, key=lambda p: _row(p.place)):
        cells = list(together)
        text = " | ".join(" ".join(cell.text.split()) for cell in cells)
        runs = [run for cell in cells for run in cell.runs if run.owner and run.owner.key]
        printed = tuple(Printed(run.owner.key, run.text) for run in runs)
        if text.strip(" |"):
            found.append(Line(place, text, printed))
    return found


def _row(place: str) -> str:
    match = CELL.match(place)
    return match["row"] if match else place


def values_of(lines: Sequence[Line], numbers: Numbers) -> dict[str, float | int]:
    """Values in full of every printed number that is one, by key.

    A confidence level is configured as a share and printed in per cent.
    """
    keys = sorted({p.key for line in lines for p in line.printed if _is_checkable(p, numbers)})
    return {key: numbers[key]["value"] for key in keys}


def _is_checkable(printed: Printed, numbers: Numbers) -> bool:
    """Whether claims-cli can hold a text against a value; not so words and bounds ("<0.001")."""
    value = numbers.get(printed.key, {}).get("value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and _reported(printed.text) != ""


def _reported(text: str) -> str:
    """A printed number as a decimal: with its relation or unit left out, a minus as a hyphen."""
    stem = re.sub(r"^= | (?:months|Gy)$|%$", "", text)
    return stem.replace("−", "-") if DECIMAL.fullmatch(stem) else ""


def claims_manifest(
    lines: Sequence[Line], numbers: Numbers, title: str, digests: Mapping[str, str]
) -> dict[str, Any]:
    """``repro.yaml`` of a manuscript.

    Parameters
    ----------
    lines : sequence of Line
        `manuscript_lines`.
    numbers : mapping
        The registry.
    title : str
        Of the manuscript.
    digests : mapping
        SHA-256 of ``manuscript.md`` and ``numbers.json`` beside the manifest.
    """
    artifacts = [
        {"id": name, "path": path, "digest": {"algorithm": "sha256", "value": digests[path]}}
        for name, path in (("manuscript", "manuscript.md"), ("numbers", "numbers.json"))
    ]
    text = "\n".join(line.text for line in lines).casefold()
    return {
        "schema_version": "repro/1",
        "project": title,
        "artifacts": artifacts,
        "claims": [
            _claim(f"line_{number}", line, numbers, quoted=text.count(line.text.casefold()) == 1)
            for number, line in enumerate(lines, start=1)
            if any(_is_checkable(printed, numbers) for printed in line.printed)
        ],
    }


def _claim(identifier: str, line: Line, numbers: Numbers, *, quoted: bool) -> dict[str, Any]:
    """One line; where its text stands elsewhere too, no quotation could say which it is."""
    quote = [{"kind": "quote", "artifact": "manuscript", "text": line.text}] if quoted else []
    return {
        "id": identifier,
        "text": line.text,
        "where": line.place,
        "registration": "not_applicable",
        "registration_note": NOTE,
        "evidence": [*quote, *_metrics(line, numbers)],
    }


def _metrics(line: Line, numbers: Numbers) -> Iterator[dict[str, Any]]:
    for printed in dict.fromkeys(line.printed):
        if _is_checkable(printed, numbers):
            metric = {
                "kind": "metric",
                "artifact": "numbers",
                "name": printed.key,
                "pointer": "/" + printed.key.replace("~", "~0").replace("/", "~1"),
                "reported": _reported(printed.text),
            }
            is_share = printed.key.endswith("confidence_level")
            yield metric | ({"conversion": "percent"} if is_share else {})
