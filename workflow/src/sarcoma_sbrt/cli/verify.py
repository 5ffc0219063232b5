"""``sarcoma-sbrt verify``: whether a run still is what it says of itself."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from sarcoma_sbrt.cli.run import FINDING, OK, NoAnswer, as_json, document, hashes, open_run
from sarcoma_sbrt.errors import RenderError
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
# The run as a crate, outside the manifest: the one file that tells each result's rule.
_CRATE = "crate/ro-crate-metadata.json"


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
        made_by=rules(results),
        read_again=lambda page: differences(results, page, run.numbers),
    )


def rules(results: Path) -> Callable[[str], str | None]:
    """Give the rule that made a result by its path; None where the run's crate does not say."""

    @cache
    def known() -> dict[str, str]:
        try:
            return _steps(document(results, _CRATE))
        except (NoAnswer, KeyError, TypeError, AttributeError):
            return {}  # nothing is said of a crate, which no check is about

    def of(path: str) -> str | None:
        # What is in a folder that a rule made is the rule's.
        whole = PurePosixPath("results", path)
        made = (known().get(str(place)) for place in (whole, *whole.parents))
        return next((rule for rule in made if rule), None)

    return of


def _steps(crate: Mapping[str, Any]) -> dict[str, str]:
    """Path of each result, as the run's crate shows it -> the rule of the step that made it."""
    entities = {one["@id"]: one for one in crate["@graph"]}
    return {
        entities[made["@id"]]["name"]: step["name"].partition(":")[0]
        for name, step in entities.items()
        if name.startswith("#job/") and step["@type"] == "CreateAction"
        for made in _listed(step["result"])
    }


def _listed(given: Any) -> list[Any]:
    """JSON-LD writes a list of one as its item."""
    return list(given) if isinstance(given, list | tuple) else [given]


def differences(results: Path, file: str, numbers: Mapping[str, Any]) -> list[str]:
    """Where a page prints other numbers than the document that the gate judged.

    What the rule ``page_coverage`` asks, asked again of one page.

    Parameters
    ----------
    results : Path
        Folder of the run.
    file : str
        The page, below it.
    numbers : mapping
        The registry.
    """
    page, gate = results / file, results / "manuscript/project/coverage.yaml"
    if not all(path.is_file() for path in (page, gate, results / "document.json")):
        return []
    # They take long to import, and are needed where a page was changed only.
    from sarcoma_sbrt.provenance.digit_coverage import read_rules
    from sarcoma_sbrt.rendering.page_coverage import FigureFiles, page_coverage

    drawn = sorted((results / "figures").glob("*.svg"))
    figures = [
        FigureFiles(svg, svg.with_suffix(".png"), svg.with_suffix(".numbers.json")) for svg in drawn
    ]
    try:
        page_coverage(
            document(results, "document.json"), [page], figures, numbers, {}, read_rules(gate)
        )
    except RenderError as found:
        # Figures are told of too, but these are not what changed.
        return [
            f"{PurePosixPath(file).parent}/{one}" for one in found.problems if one.file == page.name
        ]
    except Exception as error:  # whatever a reader of pages says of one that is damaged
        return [f"{file}: cannot be read again: {type(error).__name__}: {error}"]
    return []


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
