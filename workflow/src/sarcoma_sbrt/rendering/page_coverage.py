"""Pages and figures as they were made, held against the document that the coverage gate judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sarcoma_sbrt.errors import Problem, RenderError
from sarcoma_sbrt.io import read_json, sha256
from sarcoma_sbrt.provenance.digit_coverage import AXIS_TICK, Rules
from sarcoma_sbrt.provenance.figure_numbers import (
    Figure,
    figure,
    file_problems,
    picture_problems,
)
from sarcoma_sbrt.provenance.furniture import judged, picture_texts
from sarcoma_sbrt.provenance.passages import Passage, passages, pictures
from sarcoma_sbrt.rendering.appendix import HEADING, INTRODUCTION, lines
from sarcoma_sbrt.rendering.pages import Page, read_page
from sarcoma_sbrt.rendering.tagged_pdf import NO_TAGS, is_tagged

__all__ = ["FigureFiles", "page_coverage"]

Numbers = Mapping[str, Mapping[str, Any]]


class FigureFiles(NamedTuple):
    """The files of one figure."""

    svg: Path
    png: Path
    sidecar: Path


def page_coverage(
    document: Mapping[str, Any],
    pages: Iterable[Path],
    figures: Iterable[FigureFiles],
    numbers: Numbers,
    ledger: Numbers,
    rules: Rules,
) -> dict[str, Any]:
    """Report that pages and figures print what the gate judged, and nothing else.

    Parameters
    ----------
    document : mapping
        `rendering.embedded.document` of the assembled project.
    pages : iterable of path
        ``index.html``, ``index.pdf`` and ``index.docx``.
    figures : iterable of FigureFiles
        Every figure, whether the document shows it or not.
    numbers : mapping
        The registry.
    ledger : mapping
        What figures draw by key besides (`reporting.figures.flow_counts`).
    rules : Rules
        Of coverage.yaml.

    Returns
    -------
    dict
        Format -> ``{"tokens", "equal", "furniture"}`` (``equal`` is None and ``reason`` says why
        for a PDF without tags, as an older Typst writes), and ``figures``: name -> ``{"numbers",
        "ticks", "names"}``.

    Raises
    ------
    RenderError
        Every difference, and every number of a figure without key or rule.
    """
    files = {one.svg.stem: one for one in figures}
    found = {name: _figure(one, {**numbers, **ledger}, rules) for name, one in files.items()}
    problems = [problem for one in found.values() for problem in one.problems]
    told, shown = passages(document), [Path(target).stem for target in pictures(document)]
    appendix = _appendix(told, numbers)
    report: dict[str, Any] = {}
    for path in pages:
        if path.suffix == ".pdf" and not is_tagged(path):
            report["pdf"] = {"tokens": 0, "equal": None, "furniture": {}, "reason": NO_TAGS}
            continue
        page = read_page(path)
        held = judged(told, page.passages, path.name, rules.furniture, numbers, appendix)
        problems += held.problems + _picture_problems(page, path, shown, files, found)
        entry = {"tokens": held.numbers, "equal": True, "furniture": held.furniture}
        report[path.suffix[1:]] = entry
    if problems:
        raise RenderError(problems)
    report["figures"] = {
        name: {"numbers": one.numbers, "ticks": one.ticks, "names": one.names}
        for name, one in sorted(found.items())
    }
    return report


def _appendix(document: Iterable[Passage], numbers: Numbers) -> list[str]:
    """Lines of the appendix for every key that the document prints."""
    owners = (run.owner for passage in document for run in passage.runs)
    printed = {owner.key for owner in owners if owner is not None} & numbers.keys()
    listed = lines(printed, numbers)
    texts = [f"{one.key} {one.text} {one.source} {one.check}" for one in listed]
    return [HEADING, INTRODUCTION, *texts]


def _figure(files: FigureFiles, numbers: Numbers, rules: Rules) -> Figure:
    svg = files.svg.read_text(encoding="utf-8")
    ticks = AXIS_TICK in rules.furniture
    name = files.svg.name
    return figure(svg, read_json(files.sidecar), numbers, rules.patterns, name, ticks=ticks)


def _picture_problems(
    page: Page,
    path: Path,
    shown: Sequence[str],
    files: Mapping[str, FigureFiles],
    figures: Mapping[str, Figure],
) -> list[Problem]:
    """HTML and Word hold the figures' files; the PDF draws them anew."""
    if path.suffix == ".pdf":
        texts = picture_texts(page.passages)
        return picture_problems(texts, [figures[name] for name in shown], path.name)
    kind = "svg" if path.suffix == ".html" else "png"
    hashes = {name: sha256(getattr(files[name], kind)) for name in shown}
    return file_problems(page.pictures, hashes, shown, path.name)
