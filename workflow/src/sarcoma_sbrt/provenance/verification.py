"""Whether what a run says of itself still holds: one check a subject, each with its problems.

Everything is handed in as dicts and as functions that give hashes; nothing is read here. The
workflow's audit asks all that can be asked before the manifest is written, the command line's
``verify`` asks all of it again, and the manifest beside it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from bs4 import BeautifulSoup

from sarcoma_sbrt.provenance.ancestry import Run, plural
from sarcoma_sbrt.provenance.row_ranges import counted, spans

__all__ = [
    "VERSION",
    "Check",
    "Evidence",
    "entry_counts",
    "marked",
    "report",
    "summary",
    "transcribed_cells",
    "verified",
]

VERSION = "1.1"

Hash = Callable[[str], str | None]
Row = Mapping[str, str]
Numbers = Mapping[str, Mapping[str, Any]]

_STATUSES = ("independent", "metric_only", "replayed", "none")
_MANUSCRIPT = ("html", "pdf", "docx")
_SHOWN_HASH = 12
# Suffix of a transcribed number's key -> the column of the row that prints it.
_PRINTED = {"p": "printed_p", "n": "printed_n", "events": "printed_events"}
_ENDS = {
    "low": ("printed_ci", 0),
    "high": ("printed_ci", 1),
    "least": ("printed_range", 0),
    "most": ("printed_range", 1),
}
# The same suffixes -> the column of the row that holds the number itself.
_HELD = {
    "": "estimate",
    "low": "ci_low",
    "high": "ci_high",
    "least": "range_low",
    "most": "range_high",
    "p": "p",
    "n": "n",
    "events": "events",
}
_NUMERAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# A computed number in its text: "−1.5", "< 0.001", "24.0 months", "6.691e+19".
_ROUNDED = re.compile(r"[\N{MINUS SIGN}-]?\d+(?:\.\d+)?(?:e[+-]\d+)?")
# A range over reconstructions is no statistic of the cohort, and has no second engine.
_RANGE = ".over_solutions"
# What the registry repeats of a cross-check; companions without their own repeat the first two.
_TOLD = ("status", "engine", "value")
# Characters of a row set's hash that its name is.
_ID_DIGITS = 16


@dataclass(frozen=True)
class Check:
    """What became of one subject.

    Attributes
    ----------
    name : str
    checked : int
        How many things were looked at.
    problems : tuple of str
        Each ``place: what is wrong, read …, accepted: …``.
    """

    name: str
    checked: int
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_json(self) -> dict[str, Any]:
        """The check as ``audit.json`` has it."""
        return {
            "name": self.name,
            "ok": self.ok,
            "checked": self.checked,
            "problems": list(self.problems),
        }


@dataclass(frozen=True)
class Evidence:
    """What the checks look at.

    Attributes
    ----------
    run : Run
        Registry, code, lineage and places.
    crosscheck, coverage, pages : mapping
        ``audit/crosscheck.json``, ``coverage.json`` and ``audit/pages.json`` of the results.
    sources : mapping
        ``sources.json``: path -> SHA-256 of what the repository brought to the run.
    on_disk : callable
        Path below the repository -> SHA-256 of the file now, or None.
    published : mapping
        Path of a published table -> its rows by 1-based line.
    keyed : sequence of (str, str)
        Key and text of every marked number of the rendered HTML, where it is rendered.
    manifest : mapping or None
        ``manifest.json``; None before there is one.
    in_results : callable
        Path below the results -> SHA-256 of the file now, or None.
    made_by : callable
        Path below the results -> the rule that made the file, where that is known.
    read_again : callable
        Path of a page that changed -> where it differs from the document that was judged.
    """

    run: Run
    crosscheck: Mapping[str, Any]
    coverage: Mapping[str, Any]
    pages: Mapping[str, Any]
    sources: Mapping[str, str]
    on_disk: Hash
    published: Mapping[str, Mapping[int, Row]]
    keyed: Sequence[tuple[str, str]] = ()
    manifest: Mapping[str, str] | None = None
    in_results: Hash = field(default=lambda _: None)
    made_by: Callable[[str], str | None] = field(default=lambda _: None)
    read_again: Callable[[str], Sequence[str]] = field(default=lambda _: ())


def verified(evidence: Evidence) -> list[Check]:
    """Every check, in the order of a number's journey."""
    run = evidence.run

    def resting(path: str) -> str:
        return _resting(path, run.numbers)

    def made(path: str) -> str:
        rule = evidence.made_by(path)
        return f"; rule {rule} makes it" if rule else ""

    checks = [
        *(
            _unchanged(name, sorted(files), evidence.on_disk, resting if name == "data" else None)
            for name, files in _by_subject(evidence).items()
        ),
        _lineage(run),
        _published(run, evidence.published),
        _crosschecks(run, evidence.crosscheck),
        _coverage(run, evidence.coverage["coverage"]),
        _pages(evidence),
        _manuscript(run, evidence),
    ]
    if evidence.manifest is not None:
        checks.append(_unchanged("results", evidence.manifest.items(), evidence.in_results, made))
    return checks


def report(checks: Sequence[Check], evidence: Evidence) -> dict[str, Any]:
    """Content of ``results/audit/audit.json``; the same evidence gives the same bytes."""
    failures = [
        {"key": key, "reason": check["reason"]}
        for key, check in sorted(evidence.crosscheck["checks"].items())
        if not check["agrees"]
    ]
    counts = entry_counts(evidence.run.numbers)
    return {
        "version": VERSION,
        "summary": summary(checks, evidence),
        "ok": all(check.ok for check in checks),
        "coverage": evidence.coverage["coverage"],
        "registry": {part: counts[part] for part in ("entries", "numbers", "texts")},
        "crosscheck": {"counts": counts["crosscheck"], "failures": failures},
        "checks": [check.to_json() for check in checks],
        "pages": evidence.pages,
    }


def summary(checks: Sequence[Check], evidence: Evidence) -> str:
    """Everything in one line."""
    if failed := [check for check in checks if not check.ok]:
        told = ", ".join(f"{check.name} ({len(check.problems)})" for check in failed)
        return f"{len(failed)} of {len(checks)} checks failed: {told}"
    counts = entry_counts(evidence.run.numbers)
    return (
        f"all {len(checks)} checks passed: {_counted(counts)}, "
        f"{counts['crosscheck']['independent']:,} of them recomputed independently; "
        f"{evidence.coverage['coverage']['printed']:,} printed, every one accounted for"
    )


def entry_counts(numbers: Numbers) -> dict[str, Any]:
    """How many entries a registry has, of what sort, and how they were recomputed.

    Parameters
    ----------
    numbers : mapping
        The registry, or some of its entries: key -> entry.

    Returns
    -------
    dict
        ``entries``, of them ``numbers`` and ``texts`` (of the unit ``text``), and ``crosscheck``:
        status -> entries that tell it. A limit tells its own, a stated form that of its number; an
        entry that was not computed tells none.
    """
    texts = sum(entry.get("unit") == "text" for entry in numbers.values())
    checks = (entry.get("crosscheck") for entry in numbers.values())
    told = Counter(check["status"] for check in checks if check)
    return {
        "entries": len(numbers),
        "numbers": len(numbers) - texts,
        "texts": texts,
        "crosscheck": {status: told[status] for status in _STATUSES},
    }


def _counted(counts: Mapping[str, Any]) -> str:
    number, entries = plural(counts["numbers"], "number"), counts["entries"]
    named = "1 entry" if entries == 1 else f"{entries:,} entries"
    return f"{named} ({number}, {plural(counts['texts'], 'text')})"


# --- hashes -------------------------------------------------------------------------------


def _by_subject(evidence: Evidence) -> dict[str, set[tuple[str, str]]]:
    """Files with their hashes in the run, by what they are."""
    run = evidence.run
    lock = run.lineage["environment"]["lock"]
    found: dict[str, set[tuple[str, str]]] = {
        "data": set(),
        "configuration": set(),
        "environment": {(lock["path"], lock["sha256"])},
        "code": {(f["path"], f["sha256"]) for files in run.code.values() for f in files},
        "manuscript source": set(),
    }
    folders = {"config": "configuration", "data": "data", "manuscript": "manuscript source"}
    for path, sha256 in (*run.lineage["files"].items(), *evidence.sources.items()):
        if path != lock["path"]:
            found[folders.get(path.partition("/")[0], "code")].add((path, sha256))
    return found


def _unchanged(
    name: str,
    files: Iterable[tuple[str, str]],
    now: Hash,
    more: Callable[[str], str] | None = None,
) -> Check:
    """Whether files have their hashes; `more` is said of those that have not."""
    listed = list(files)
    problems = (
        f"{problem}{more(path) if more else ''}"
        for path, then in listed
        for problem in _changed(path, then, now)
    )
    return Check(name, len(listed), tuple(problems))


def _changed(path: str, then: str, now: Hash) -> Iterator[str]:
    found = now(path)
    if found is None:
        yield f"{path}: no such file, accepted: the one of the run"
    elif found != then:
        read, was = found[:_SHOWN_HASH], then[:_SHOWN_HASH]
        yield f"{path}: changed since the run, read sha256 {read}, accepted: {was}"


def _resting(path: str, numbers: Numbers) -> str:
    """How much of the registry rests on a file of data, and who says on which of its lines."""
    on = {
        key: entry
        for key, entry in numbers.items()
        if any(file["path"] == path for file in entry["inputs"])
    }
    if not on:
        return ""
    said = f"it stands behind {_counted(entry_counts(on))} of the registry"
    return f"; {said}, `sarcoma-sbrt impact` says which of a line"


# --- lineage ------------------------------------------------------------------------------


def _lineage(run: Run) -> Check:
    """Whether every number's files and rows are those that the lineage holds."""
    sets, hashes = run.lineage["row_sets"], run.lineage["files"]
    problems = [p for name, rows in sorted(sets.items()) for p in _row_set(name, rows, hashes)]
    disputed: set[str] = set()
    for key, entry in run.numbers.items():
        if entry.get("lineage") is not None and entry["lineage"] not in sets:
            problems.append(f"{key}: its rows are nowhere, read {entry['lineage']}")
        if entry["code"] is not None and entry["code"] not in run.code:
            problems.append(f"{key}: its code is nowhere, read {entry['code']}")
        disputed |= {
            file["path"]
            for file in entry["inputs"]
            if hashes.get(file["path"], file["sha256"]) != file["sha256"]
        }
    problems += [f"{path}: registry and lineage have two hashes of it" for path in sorted(disputed)]
    return Check("lineage", len(run.numbers) + len(sets), tuple(problems))


def _row_set(name: str, rows: Mapping[str, Any], files: Mapping[str, str]) -> Iterator[str]:
    if "units" not in rows:  # positions are withheld, and with them what the name is a hash of
        return
    parts = {part: rows[part] for part in ("units", "canonical", "raw")}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS] != name:
        yield f"row set {name}: its name is not the hash of what it holds"
    for part, ranges in parts.items():
        try:
            count = sum(counted(spans(one)) for one in ranges.values())
        except ValueError as error:
            yield f"row set {name}: {part}: {error}"
            continue
        if count != rows["n"].get(part, 0):
            yield f"row set {name}: {part}: read {rows['n'].get(part)}, accepted: {count}"
    for place in rows["raw"]:
        if place.partition("#")[0] not in files:
            yield f"row set {name}: {place} is no file of the lineage"


# --- printed figures ----------------------------------------------------------------------


def _published(run: Run, tables: Mapping[str, Mapping[int, Row]]) -> Check:
    """Transcribed numbers beside the rows of the published tables, by a second reading."""
    problems, checked = [], 0
    for key, entry in sorted(run.numbers.items()):
        rows = entry["rows"]
        if entry["kind"] != "transcribed" or "line" not in rows:
            continue
        checked += 1
        row = tables.get(rows["file"], {}).get(rows["line"])
        place = f"{rows['file']}:{rows['line']}"
        if row is None:
            problems.append(f"{place}: {key}: no such row, accepted: the row that prints it")
        else:
            problems += [f"{place}: {problem}" for problem in _against_row(key, entry, row)]
    return Check("published figures", checked, tuple(problems))


def _against_row(key: str, entry: Mapping[str, Any], row: Row) -> Iterator[str]:
    own = next(iter(row.values()))
    if not f"{key}.".startswith(f"published.{own}."):
        yield f"{key}: the row is another figure's, read {own}"
        return
    suffix = key.removeprefix(f"published.{own}").removeprefix(".")
    for column, accepted in transcribed_cells(suffix, row):
        if entry["text"] not in accepted:
            yield f"{column}: {key}: read {entry['text']}, accepted: {' or '.join(accepted)}"
    column = _HELD.get(suffix, "")
    if row.get(column) and entry["value"] != _value(row[column]):
        yield f"{column}: {key}: read {entry['value']}, accepted: {row[column]}"


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def transcribed_cells(suffix: str, row: Row) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Columns of a row that print a number's text, and the texts that they print.

    Parameters
    ----------
    suffix : str
        What a number's key adds to its figure's: ``""``, ``p``, ``low`` … ; for one that is said
        in other words than the paper's (``locator``, ``dose``), there is nothing to compare.
    row : mapping
        Cells of the published table.
    """
    if suffix == "" and (row.get("printed_text") or row.get("printed_range")):
        column = "printed_text" if row["printed_text"] else "printed_range"
        yield column, (row[column],)
    elif suffix in _PRINTED:
        yield _PRINTED[suffix], (row[_PRINTED[suffix]],)
    elif suffix in _ENDS:
        column, end = _ENDS[suffix]
        yield column, tuple(_NUMERAL.findall(row[column])[end : end + 1])
    elif suffix == "label":
        yield "label", (row["label"],)


# --- recomputation and coverage -----------------------------------------------------------


def _crosschecks(run: Run, crosscheck: Mapping[str, Any]) -> Check:
    """Whether every computed number was checked, and agreed, and says so in the registry."""
    checks = crosscheck["checks"]
    problems = [f"{key}: {c['reason']}" for key, c in sorted(checks.items()) if not c["agrees"]]
    found = Counter(check["status"] for check in checks.values())
    for status in sorted({*found, *crosscheck["counts"]}):
        said = crosscheck["counts"].get(status, 0)
        if status not in _STATUSES or said != found[status]:
            problems.append(f"counts: {status}: read {said}, accepted: {found[status]}")
    computed = {key: e for key, e in run.numbers.items() if e["kind"] == "computed"}
    # Where small counts are withheld, so is all that a second engine gave.
    withheld = all(check["value"] is None for check in checks.values())
    for key, entry in sorted(computed.items()):
        problems += [f"{key}: {fault}" for fault in _registered_faults(key, entry, checks)]
        if entry["crosscheck"] and not withheld:
            faults = _value_faults(key, entry, checks, run.numbers)
            problems += [f"{key}: {fault}" for fault in faults]
    return Check("cross-checks", len(computed), tuple(problems))


def _registered_faults(key: str, entry: Mapping[str, Any], checks: Numbers) -> Iterator[str]:
    """What is wrong with what the registry says of a cross-check."""
    told, own = entry["crosscheck"], checks.get(key)
    check = own or checks.get(entry.get("of", ""))
    if told is None:
        if not key.endswith(_RANGE):
            yield "nothing says whether it was recomputed"
    elif check is None:
        yield "the registry says that it was recomputed, and no cross-check does"
    elif any(told[part] != check[part] for part in (_TOLD if own else _TOLD[:2])):
        yield "the registry says another thing of its cross-check"


def _value_faults(
    key: str, entry: Mapping[str, Any], checks: Numbers, numbers: Numbers
) -> Iterator[str]:
    """Value, limits, p and text of an entry that are not those that were recomputed."""
    value = entry["value"]
    head = numbers.get(entry.get("of", ""), entry)
    said = {"value": (value, checks.get(key))}
    if key not in checks and not isinstance(value, str):
        said["value"] = (value, checks.get(head["key"]))  # the stated form has its number's
    for end in ("low", "high") if entry["ci"] else ():
        said[f"ci.{end}"] = (entry["ci"][end], checks.get(f"{key}.{end}"))
    if entry["p"] is not None or "p" in checks.get(key, {}):
        said["p"] = (entry["p"], _of_p(head, checks))
    for part, (first, check) in said.items():
        if check is not None and check["status"] != "none" and not _agree(first, check):
            near = f" within {check['tolerance']:.3g}" if check["tolerance"] else ""
            second = f"{_told(check['value'])}{near}"
            yield f"{part}: not the second engine's, read {_told(first)}, accepted: {second}"
    if not _prints(entry["text"], value):
        accepted = _told(value) if isinstance(value, str | None) else f"{value}, rounded"
        yield f"text: not the value, read {entry['text']}, accepted: {accepted}"


def _of_p(head: Mapping[str, Any], checks: Numbers) -> Mapping[str, Any] | None:
    """Cross-check of a statistic's p: its own where it is a p, else what is told beside it."""
    check = checks.get(head["key"])
    if check is None or head["unit"] == "p":
        return check
    return {**check, "value": check.get("p"), "tolerance": check.get("p_tolerance")}


def _agree(first: Any, check: Mapping[str, Any]) -> bool:
    """Whether a number is the second engine's, as near as the recorded tolerance asks."""
    second, tolerance = check["value"], check["tolerance"] or 0.0
    if isinstance(first, int | float) and isinstance(second, int | float):
        return abs(second - first) <= tolerance
    return bool(first == second)


def _prints(text: str, value: float | str | None) -> bool:
    """Whether a text is a computed value, rounded to the decimals that the text has."""
    if isinstance(value, str):
        return text == value
    shown = _ROUNDED.findall(text)
    if value is None or len(shown) != 1:
        return value is None and not shown
    number = Decimal(shown[0].replace("\N{MINUS SIGN}", "-"))
    if text.startswith("<"):
        return value < number
    half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
    return abs(number - Decimal(repr(value))) <= half


def _told(value: Any) -> str:
    return "no value" if value is None else f"{value}"


def _coverage(run: Run, coverage: Mapping[str, Any]) -> Check:
    problems = [f"{one}: printed, and nothing answers for it" for one in coverage["unaccounted"]]
    kinds = ("computed", "transcribed", "configured")
    total = sum(coverage[kind] for kind in kinds) + sum(coverage["set_aside"].values())
    if total != coverage["printed"]:
        problems.append(f"coverage.json: printed: read {coverage['printed']}, accepted: {total}")
    unknown = sorted(run.places.keys() - run.numbers.keys())
    problems += [f"places.json: {key}: no number has this key" for key in unknown]
    return Check("coverage", coverage["printed"], tuple(problems))


def _pages(evidence: Evidence) -> Check:
    """Whether the pages were found to print what was judged, and those that changed still do."""
    pages, manifest = evidence.pages, evidence.manifest or {}
    problems = []
    for name in _MANUSCRIPT:
        file = f"manuscript/index.{name}"
        if name not in pages:
            problems.append(f"{file}: nobody compared its numbers")
        elif pages[name]["equal"] is None:
            problems.append(f"{file}: not compared: {pages[name]['reason']}")
        elif not pages[name]["equal"]:
            problems.append(f"{file}: its numbers are not those of the document that was judged")
        if file in manifest and evidence.in_results(file) != manifest[file]:
            problems += evidence.read_again(file)
    tokens = sum(pages[name]["tokens"] for name in _MANUSCRIPT if name in pages)
    return Check("pages", tokens, tuple(problems))


def _manuscript(run: Run, evidence: Evidence) -> Check:
    """Whether each marked number prints the registry's text, and the manifest has the files."""
    problems = [
        f"manuscript/index.html: {key}: {fault}"
        for key, text in evidence.keyed
        if (fault := _mark_fault(run, key, text))
    ]
    files = [f"manuscript/index.{name}" for name in _MANUSCRIPT]
    if evidence.manifest is not None:
        lacking = [file for file in files if file not in evidence.manifest]
        problems += [f"{file}: not in the manifest" for file in lacking]
    return Check("manuscript", len(evidence.keyed), tuple(dict.fromkeys(problems)))


def _mark_fault(run: Run, key: str, text: str) -> str:
    if key not in run.numbers:
        return "no number has this key"
    accepted = run.numbers[key]["text"]
    return "" if text == accepted else f"read {text}, accepted: {accepted}"


def marked(html: str) -> list[tuple[str, str]]:
    """Key and text of every number that a rendered page marks with ``data-key``, in order."""
    page = BeautifulSoup(html, "html.parser")
    return [(str(tag["data-key"]), tag.get_text()) for tag in page.select("[data-key]")]
