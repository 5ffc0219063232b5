"""``sarcoma-sbrt verify``: whether a run still is what it says of itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sarcoma_sbrt.cli.run import FINDING, OK, NoAnswer, as_json, document, hashes, open_run
from sarcoma_sbrt.provenance.verification import (
    Check,
    Evidence,
    marked,
    report,
    summary,
    verified,
)

__all__ = ["published_rows", "verify"]

# How many problems of one check are listed; --json has all.
_MOST = 20


def verify(results: Path, repository: Path, *, json: bool) -> tuple[str, int]:
    """Text and exit code of ``verify``: a summary line, and under it what is wrong.

    Raises
    ------
    NoAnswer
        When there is no finished run, or a file of it is damaged.
    """
    evidence = gathered(results, repository)
    try:
        checks = verified(evidence)
        told = report(checks, evidence)
    except (KeyError, TypeError, AttributeError) as error:
        # Every document was read; one of them lacks what its release wrote.
        raise NoAnswer(f"{results}: damaged: {type(error).__name__}: {error}") from None
    text = as_json(told) if json else "\n".join(_lines(checks, evidence))
    return text, OK if told["ok"] else FINDING


def gathered(results: Path, repository: Path) -> Evidence:
    """What the checks look at, read from a run's results and the files it was made from."""
    run = open_run(results)
    html = results / "manuscript" / "index.html"
    return Evidence(
        run=run,
        crosscheck=document(results, "audit/crosscheck.json", ("checks", "counts")),
        coverage=document(results, "coverage.json", ("coverage",)),
        pages=document(results, "audit/pages.json"),
        sources=run.sources,
        on_disk=hashes(repository),
        published=published_rows(run.numbers, repository),
        keyed=marked(html.read_text(encoding="utf-8")) if html.is_file() else (),
        manifest=document(results, "manifest.json"),
        in_results=hashes(results),
    )


def published_rows(numbers: Any, root: Path) -> dict[str, dict[int, dict[str, str]]]:
    """Rows of every table that a transcribed number names, by the line that each begins on."""
    files = {
        str(entry["rows"]["file"])
        for entry in numbers.values()
        if entry["kind"] == "transcribed" and "file" in entry["rows"]
    }
    return {file: dict(_rows(root / file)) for file in sorted(files) if (root / file).is_file()}


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header, line = next(reader, []), 2
        for cells in reader:
            yield line, dict(zip(header, cells, strict=False))
            line = reader.line_num + 1


def _lines(checks: list[Check], evidence: Evidence) -> Iterator[str]:
    yield summary(checks, evidence)
    for check in checks:
        for problem in check.problems[:_MOST]:
            yield f"{check.name}: {problem}"
        if (more := len(check.problems) - _MOST) > 0:
            yield f"{check.name}: {more} more (--json)"
