"""Named rules that set page furniture aside: what a page has, and the document that is judged not.

Each rule says where it may stand and what it must say, so that nothing can be slipped in as
furniture: a page number is the page's, the table of contents repeats the headings, a head that is
repeated on the next page is the head of a table, a line of the appendix is the registry's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sarcoma_sbrt.errors import Problem
from sarcoma_sbrt.provenance.page_tokens import (
    STREAMS,
    Token,
    bindings,
    differences,
    streams,
    tokens,
)
from sarcoma_sbrt.provenance.passages import Passage

__all__ = ["FURNITURE", "Judged", "judged"]

# coverage.yaml says which of them hold, and why.
FURNITURE = (
    "running_label",
    "page_number",
    "contents",
    "repeated_table_head",
    "picture",
    "appendix",
    "list_number",
    "footnote_number",
    "title_block",
    "alternative_text",
)
# Structures whose numbers a format draws itself, and so does not write.
_DRAWN = {
    "html": ("list_number", "footnote_number"),
    "docx": ("list_number", "footnote_number"),
    "pdf": ("footnote_number",),
}
# Blocks of the title block that a format does not print.
_UNPRINTED = {"docx": ("keywords", "orcid")}
_LABEL = "running-label"
# Of the appendix, on each of its pages.
_HEADS = "keyprintedsourcecheck"


@dataclass(frozen=True)
class Judged:
    """A page held against the document that the gate judged.

    Attributes
    ----------
    numbers : int
        How many the page prints outside its furniture.
    furniture : dict
        Rule -> how many numbers it sets aside.
    problems : list of Problem
        Where page and document differ, and furniture that is not what its rule says.
    """

    numbers: int
    furniture: dict[str, int]
    problems: list[Problem]


def judged(
    document: Sequence[Passage],
    page: Sequence[Passage],
    name: str,
    rules: Collection[str],
    numbers: Mapping[str, Mapping[str, Any]],
    appendix: Sequence[str] = (),
) -> Judged:
    """Hold the passages of a page against those of the document.

    Parameters
    ----------
    document : sequence of Passage
        `passages.passages` of what the gate judged.
    page : sequence of Passage
        `rendering.pages.read_page`.
    name : str
        The page's file: its extension says the format.
    rules : collection of str
        Of `FURNITURE`: those that may set something aside.
    numbers : mapping
        The registry, which the keyed texts of HTML must repeat.
    appendix : sequence of str
        Lines of the appendix of PDF and DOCX as the registry makes them, in order.
    """
    form = name.rpartition(".")[2]
    expected = streams(
        document,
        drawn=[s for s in _DRAWN[form] if s in rules],
        left_out=[_LABEL, *(_UNPRINTED.get(form, ()) if "title_block" in rules else ())],
    )
    found = streams(page)
    if form == "pdf" and "alternative_text" in rules and not found["pictures"]:
        expected["pictures"] = []
    problems = [
        problem
        for stream in STREAMS
        for problem in differences(
            expected[stream], found[stream], name, keyed=form == "html" and stream == "text"
        )
    ]
    problems += bindings(page, numbers, name)
    aside = [passage for passage in page if passage.stream not in STREAMS]
    problems += _unfurnished(aside, name, rules, _Context(document, page, appendix))
    if form != "html" and appendix and not any(p.stream == "appendix" for p in aside):
        problems.append(Problem(name, 0, "appendix", "the page has no appendix of numbers"))
    counts = Counter({p.stream: 0 for p in aside})
    counts.update(p.stream for p in aside for _ in tokens(p))
    total = sum(len(found[stream]) for stream in STREAMS)
    return Judged(total, dict(sorted(counts.items())), problems)


@dataclass(frozen=True)
class _Context:
    """What a rule may compare a page's furniture with."""

    document: Sequence[Passage]
    page: Sequence[Passage]
    appendix: Sequence[str]


def _unfurnished(
    aside: Sequence[Passage], name: str, rules: Collection[str], context: _Context
) -> list[Problem]:
    """Furniture without a rule, and furniture that is not what its rule says."""
    problems: list[Problem] = []
    for stream in dict.fromkeys(passage.stream for passage in aside):
        own = [passage for passage in aside if passage.stream == stream]
        if stream in rules and stream in _CHECKS:
            problems += _CHECKS[stream](own, name, context)
        else:
            problems += [_unruled(t, name, stream) for p in own for t in tokens(p)]
    return problems


def _unruled(token: Token, name: str, stream: str) -> Problem:
    what = f"“{token.text}” stands in {stream.replace('_', ' ')}, which no rule sets aside"
    accepted = "a rule under furniture in coverage.yaml"
    return Problem(name, token.line, token.place, what, f"“{token.sentence}”", accepted)


def _wrong(passage: Passage, name: str, rule: str, accepted: str) -> Problem:
    what = f"this is not what the rule {rule} sets aside"
    text = " ".join(passage.text.split())
    return Problem(name, passage.line, passage.place, what, f"“{text}”", accepted)


# --- what each rule asks ------------------------------------------------------------------


def _running_label(own: Sequence[Passage], name: str, context: _Context) -> list[Problem]:
    labels = [p.text for p in context.document if p.block == _LABEL]
    label = _bare(labels[0]) if labels else ""
    accepted = f"“{labels[0]}”" if labels else "nothing"
    return [
        _wrong(passage, name, "running_label", accepted)
        for passage in own
        if _bare(passage.text) != label
    ]


def _page_number(own: Sequence[Passage], name: str, _context: _Context) -> list[Problem]:
    """Page and number of pages, or the page alone."""
    problems = []
    for passage in own:
        place = re.fullmatch(r"page (\d+) of (\d+)", passage.block)
        page, pages = (place[1], place[2]) if place else ("", "")
        if _bare(passage.text) not in (page, f"{page}/{pages}"):
            problems.append(_wrong(passage, name, "page_number", f"{page} / {pages}"))
    return problems


def _contents(own: Sequence[Passage], name: str, context: _Context) -> list[Problem]:
    read = (p for p in context.page if p.stream == "text" and p.block.startswith("#"))
    headings = {p.block: p.text for p in read}
    return [
        _wrong(entry, name, "contents", f"the heading {entry.block}")
        for entry in own
        if _bare(entry.text) != _bare(headings.get(entry.block, ""))
    ]


def _repeated_table_head(own: Sequence[Passage], name: str, context: _Context) -> list[Problem]:
    heads = "\n".join(_bare(p.text) for p in context.page if p.block == "head")
    return [
        _wrong(passage, name, "repeated_table_head", "the head of a table")
        for passage in own
        if _bare(passage.text) not in heads
    ]


def _no_check(_own: Sequence[Passage], _name: str, _context: _Context) -> list[Problem]:
    """A picture's text is held against its sidecar (`figure_numbers`)."""
    return []


def _appendix(own: Sequence[Passage], name: str, context: _Context) -> list[Problem]:
    """Line for line what the registry makes of it, the heads of columns apart."""
    said = "".join(_bare(passage.text) for passage in own).replace(_HEADS, "")
    at = 0
    for line in context.appendix:
        expected = _bare(line)
        if not said.startswith(expected, at):
            what = "this is not what the rule appendix sets aside"
            read = f"“{said[at : at + len(expected)]}”"
            return [Problem(name, 0, "appendix", what, read, f"“{line}”")]
        at += len(expected)
    if at < len(said):
        what = "the appendix goes on behind the last printed number"
        return [Problem(name, 0, "appendix", what, f"“{said[at : at + 60]}”")]
    return []


def _bare(text: str) -> str:
    """Text without spaces and invisible places to break a line."""
    return re.sub(r"[\s\u00ad\u200b]+", "", text)


_CHECKS: dict[str, Callable[[Sequence[Passage], str, _Context], list[Problem]]] = {
    "running_label": _running_label,
    "page_number": _page_number,
    "contents": _contents,
    "repeated_table_head": _repeated_table_head,
    "picture": _no_check,
    "appendix": _appendix,
}


def picture_texts(page: Iterable[Passage]) -> list[str]:
    """Texts of the pictures of a page that redraws them, in order."""
    return [passage.text for passage in page if passage.stream == "picture"]
