"""The audit explorer: everything a run knows of its numbers, as one page that needs nothing else.

The page is a template, a style and a script (``workflow/templates/explorer/``) with the data
between them. What many numbers share is said once: the data are columns of places in a list of
phrases. It carries counts, line numbers and hashes of a cohort's rows, never their values.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from sarcoma_sbrt.provenance import descriptions, row_ranges
from sarcoma_sbrt.provenance.ancestry import printed_by
from sarcoma_sbrt.provenance.populations import counted, population
from sarcoma_sbrt.provenance.verification import entry_counts
from sarcoma_sbrt.reporting.consistency_tables import CHECK_WORDS

__all__ = ["Run", "Template", "data", "page"]

MANUSCRIPT = "../manuscript/index.html"
"""The manuscript, from the explorer's own folder."""

LONGEST_RANGE = 400
"""Characters of a list of lines that the page shows; the command line shows the rest."""

KINDS = ("computed", "transcribed", "configured")

# Verdict -> the manuscript's words and how it is coloured, what fails first.
VERDICTS = {
    "impossible": ("impossible", "bad"),
    "inconsistent": ("inconsistent", "bad"),
    "moved": ("moved", "warm"),
    "unchanged_inputs_changed": ("unchanged although an input changed", "warm"),
    "changed": ("changed", "warm"),
    "other_time": ("other time", "warm"),
    "relabelled": ("labels and number turned", ""),
    "preprint_only": ("only in the preprint", ""),
    "journal_only": ("only in the journal version", ""),
    "unverifiable": ("unverifiable", ""),
    "possible": ("possible", ""),
    "consistent": ("consistent", "good"),
    "unchanged": ("unchanged", "good"),
}
# What became of a number between two versions of a study, where its verdict says less.
_VERSIONS = {
    "earlier version only": "preprint_only",
    "later version only": "journal_only",
    "labels swapped and number inverted": "relabelled",
}

# Characters by which a text could end the script that holds it.
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Run:
    """What a finished run says of itself.

    Attributes
    ----------
    numbers : mapping
        ``numbers.json``: the registry.
    code : mapping
        ``code.json``: stage -> ``{"path", "sha256"}`` of scripts and modules.
    lineage : mapping
        ``lineage.json``: files, environment, registration, printing, columns, row sets.
    places : mapping
        ``places.json``: key -> where it is printed, or decides a claim.
    crosscheck : mapping
        ``audit/crosscheck.json``: counts, and by key whether they agree, and the p beside them.
    coverage, pages : mapping
        ``coverage.json``, ``audit/pages.json``: how printed numbers were accounted for.
    flow : mapping
        ``flow.json``: what became of the rows read.
    findings : sequence of mapping
        Of ``evidence/consistency.json``.
    sources : mapping
        ``sources.json``: path -> SHA-256 of what the repository brought to the run.
    """

    numbers: Mapping[str, Mapping[str, Any]]
    code: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    lineage: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    crosscheck: Mapping[str, Any] = field(default_factory=dict)
    coverage: Mapping[str, Any] = field(default_factory=dict)
    pages: Mapping[str, Any] = field(default_factory=dict)
    flow: Mapping[str, Any] = field(default_factory=dict)
    findings: Sequence[Mapping[str, Any]] = ()
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Template:
    """Texts of ``workflow/templates/explorer/``: a page with places for style, data and script."""

    html: str
    style: str
    script: str


class _Once:
    """Values in the order of their first appearance, each known by its place."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}
        for value in first:
            self(value)

    def __call__(self, value: Any) -> int:
        known = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        if known not in self._places:
            self._places[known] = len(self.values)
            self.values.append(value)
        return self._places[known]


def page(run: Run, template: Template) -> str:
    """The whole page: HTML that refers to nothing but the manuscript beside it.

    Parameters
    ----------
    run : Run
        What is shown.
    template : Template
        How.
    """
    content = data(run)
    written = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character, number in UNSAFE.items():
        written = written.replace(character, number)
    parts = {
        "{{title}}": _escaped(content["title"]),
        "{{label}}": _escaped(content["label"]),
        "{{style}}": template.style.strip(),
        "{{data}}": written,
        "{{script}}": template.script.strip(),
    }
    # Cut first: what is filled in may hold the name of another place.
    pieces = [template.html]
    for name in parts:
        pieces = [part for piece in pieces for part in _around(piece, name)]
    return "".join(parts.get(piece, piece) for piece in pieces)


def _around(text: str, name: str) -> list[str]:
    """Text before, a place's name, text after; the text alone where the name is not in it."""
    before, found, after = text.partition(name)
    return [before, found, after] if found else [text]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def data(run: Run) -> dict[str, Any]:
    """What the page's script shows, ready for JSON.

    Returns
    -------
    dict
        ``keys``: front-coded (`_front_coded`); ``columns``: name -> one value a key, most of them
        places in ``phrases`` or in another list (``lists``, ``sets``); the rest by view.
    """
    phrases, lists = _Once(""), _Once([])
    sets, sets_at = _row_sets(run.lineage)
    keys = sorted(run.numbers)
    columns = _columns(run, keys, phrases, lists, sets_at)
    printed = _printed(run)
    return {
        "title": _text(run, "cohort.title") or str(run.lineage.get("cohort", "")),
        "label": _text(run, "cohort.label"),
        "manuscript": MANUSCRIPT,
        "keys": _front_coded(keys),
        "columns": columns,
        "places": _places(printed, phrases),
        "claims": _claims(run.places, phrases),
        "findings": _findings(run.findings, phrases),
        "verdicts": {name: list(said) for name, said in VERDICTS.items()},
        # Without the marks of emphasis.
        "checks": {check: words.replace("*", "") for check, words in CHECK_WORDS.items()},
        "phrases": phrases.values,
        "lists": lists.values,
        "sets": sets,
        "files": dict(run.lineage.get("files", {})),
        "environment": dict(run.lineage.get("environment", {})),
        "tables": _tables(run.lineage),
        "code": {
            stage: [[f["path"], f["sha256"]] for f in files] for stage, files in run.code.items()
        },
        "registration": dict(run.lineage.get("registration", {})),
        "printing": {
            rule: [[path, run.sources.get(path, "")] for path in paths]
            for rule, paths in run.lineage.get("printing", {}).items()
        },
        "flow": dict(run.flow),
        "summary": _summary(run, printed),
    }


def _text(run: Run, key: str) -> str:
    return str(run.numbers[key]["text"]) if key in run.numbers else ""


def _front_coded(keys: Sequence[str]) -> list[int | str]:
    """Sorted keys, each as how much of the one before it repeats, and what follows."""
    coded: list[int | str] = []
    for before, key in zip(["", *keys], keys, strict=False):
        shared = _shared(before, key)
        coded += [shared, key[shared:]]
    return coded


def _shared(before: str, key: str) -> int:
    """How many characters two keys begin with alike."""
    pairs = enumerate(zip(before, key, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(before), len(key)))


def _columns(
    run: Run, keys: Sequence[str], phrases: _Once, lists: _Once, sets_at: Mapping[str, int]
) -> dict[str, list[Any]]:
    """One list a property, in the order of the keys."""
    columns: dict[str, list[Any]] = {}
    at = {key: place for place, key in enumerate(keys)}
    for key in keys:
        entry = {"kind": "computed"} | dict(run.numbers[key])
        shown = _shown(entry, run, phrases, lists)
        shown["set"] = sets_at.get(str(entry.get("lineage") or ""), -1)
        shown["of"] = at.get(str(entry.get("of", "")), -1)
        for name, value in shown.items():
            columns.setdefault(name, []).append(value)
    return columns


def _shown(
    entry: Mapping[str, Any], run: Run, phrases: _Once, lists: _Once
) -> dict[str, int | float | str | None]:
    value = entry.get("value")
    worded = {
        "unit": entry.get("unit") or "",
        "beside": descriptions.unit_beside(entry, str(entry["text"])),
        "method": entry.get("method") or "",
        "reason": entry.get("reason") or "",
        "interval": descriptions.interval(entry, run.numbers),
        "counted": counted(entry, run.numbers),
        "population": population(entry, run.numbers),
        "support": entry.get("support") or "",
        "source": descriptions.source(entry),
        "place": _line(entry),
        "locator": entry.get("locator") or "",
        "stage": entry.get("code") or "",
        "rule": entry.get("rule") or "",
        "status": (entry.get("crosscheck") or {}).get("status", ""),
        "check": _checked(entry, run.crosscheck.get("checks", {}).get(entry["key"], {})),
    }
    listed = {
        "config": list(entry.get("config") or ()),
        "inputs": [[one["path"], one["sha256"]] for one in entry.get("inputs") or ()],
        "uses": list(entry.get("columns") or ()),
    }
    return {
        "text": phrases(str(entry["text"])),
        # A text has no other value.
        "value": None if isinstance(value, str) else value,
        "p": entry.get("p"),
        "kind": KINDS.index(entry["kind"]),
        **{name: phrases(str(text)) for name, text in worded.items()},
        **{name: lists(values) for name, values in listed.items()},
    }


def _line(entry: Mapping[str, Any]) -> str:
    """``file:line`` of a figure in our tables or of a setting; empty for any other number."""
    rows = entry.get("rows") or {}
    return f"{PurePosixPath(rows['file']).name}:{rows['line']}" if "line" in rows else ""


def _checked(entry: Mapping[str, Any], check: Mapping[str, Any]) -> str:
    said = descriptions.check(entry)
    if check.get("p_difference") is not None:
        said += f". The p beside it: {descriptions.exact(check['p'])}"
        said += f", difference {check['p_difference']:.2g}"
        said += f" (allowed {check['p_tolerance']:.2g})"
    if check.get("agrees") is False:
        return f"{said}. It does not agree."
    return said


def _row_sets(lineage: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Sets with their identifiers, long lists of lines cut; and the place of each identifier."""
    found = sorted(lineage.get("row_sets", {}).items())
    sets = [
        {
            "id": name,
            "n": rows["n"],
            **{
                part: {file: _told(ranges) for file, ranges in sorted(rows.get(part, {}).items())}
                for part in ("units", "canonical", "raw")
            },
        }
        for name, rows in found
    ]
    return sets, {name: place for place, (name, _) in enumerate(found)}


def _told(ranges: str) -> list[int | str]:
    """How many rows a list as ``2-38,40`` names, and as many of them as the page shows."""
    rows = row_ranges.counted(row_ranges.spans(ranges))
    return [rows, row_ranges.shortened(ranges, LONGEST_RANGE)]


def _tables(lineage: Mapping[str, Any]) -> dict[str, str]:
    """Canonical table -> the raw file that it was read from."""
    return {
        column.split(".")[0]: place["file"]
        for column, place in sorted(lineage.get("columns", {}).items())
        if place.get("file")
    }


def _places(
    places: Mapping[str, Sequence[Mapping[str, Any]]], phrases: _Once
) -> dict[str, list[list[int]]]:
    """Key -> section, place, sentence, source and the rule that prints it there, as phrases."""
    return {
        key: [
            [
                phrases(one.get("section", "")),
                phrases(one.get("place", "")),
                phrases(one.get("sentence", "")),
                phrases(_source_line(one.get("source") or {})),
                phrases(printed_by(one)[0]),
            ]
            for one in found
        ]
        for key, found in sorted(places.items())
    }


def _printed(run: Run) -> dict[str, list[Mapping[str, Any]]]:
    """Places in which a number stands itself: the condition of a claim shows none."""
    shown = {
        key: [place for place in found if "claim" not in place] for key, found in run.places.items()
    }
    return {key: found for key, found in shown.items() if found}


def _claims(
    places: Mapping[str, Sequence[Mapping[str, Any]]], phrases: _Once
) -> dict[str, list[list[int]]]:
    """Key -> place, sentence, source, the words of a claim and when it is made, as phrases."""
    claims = {key: [one for one in found if "claim" in one] for key, found in places.items()}
    return {
        key: [
            [
                phrases(one.get("place", "")),
                phrases(one.get("sentence", "")),
                phrases(_source_line(one.get("source") or {})),
                phrases(one["claim"]["says"]),
                phrases(one["claim"]["when"]),
            ]
            for one in found
        ]
        for key, found in sorted(claims.items())
        if found
    }


def _source_line(source: Mapping[str, Any]) -> str:
    return f"{source['file']}:{source['line']}" if source.get("file") else ""


def _findings(findings: Iterable[Mapping[str, Any]], phrases: _Once) -> list[list[Any]]:
    """Identifier, check, verdict, printed, recomputed, arithmetic, keys of the figures.

    In the order of `VERDICTS`, those of one verdict as the report has them.
    """
    order = list(VERDICTS)
    return [
        [
            one["id"],
            phrases(one["check"]),
            phrases(_verdict(one)),
            phrases(str(one.get("printed") or "")),
            phrases(str(one.get("recomputed") or "")),
            phrases(str(one.get("arithmetic") or "")),
            [f"published.{key}" for key in one.get("keys", ())],
        ]
        for one in sorted(findings, key=lambda one: order.index(_verdict(one)))
    ]


def _verdict(finding: Mapping[str, Any]) -> str:
    """Of `VERDICTS`: of two versions what became of a number, as the manuscript counts it."""
    detail = finding.get("detail") or {}
    if finding["check"] == "drift" and detail.get("kind") == "input_changed":
        return "unchanged_inputs_changed"
    return _VERSIONS.get(str(detail.get("what")), str(finding["verdict"]))


def _summary(run: Run, printed: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Counts of the first view."""
    counts = entry_counts(run.numbers)
    numbers = [entry for entry in run.numbers.values() if entry.get("unit") != "text"]
    verdicts = Counter(_verdict(finding) for finding in run.findings)
    return {
        "example": _example(run, printed),
        "kinds": {k: sum(e.get("kind") == k for e in numbers) for k in KINDS},
        "texts": counts["texts"],
        "places": sum(map(len, printed.values())),
        "checks": {status: n for status, n in counts["crosscheck"].items() if n},
        "meanings": descriptions.CHECKS,
        "supports": descriptions.SUPPORTS,
        "disagreeing": sorted(
            key
            for key, check in run.crosscheck.get("checks", {}).items()
            if check.get("agrees") is False
        ),
        "coverage": dict(run.coverage.get("coverage", {})),
        "pages": dict(run.pages),
        "verdicts": {name: verdicts[name] for name in VERDICTS if verdicts[name]},
    }


def _example(run: Run, printed: Iterable[str]) -> str:
    """A computed number as it is printed, to show what can be searched; empty without any."""
    shown = (run.numbers[key] for key in ("os.median", *printed) if key in run.numbers)
    decimal = (e for e in shown if e.get("kind") == "computed" and e.get("digits"))
    return next((str(entry["text"]) for entry in decimal), "")
