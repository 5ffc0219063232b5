"""The appendix of numbers: one line for each that is printed, for the PDF and for Word.

Key, text as printed, source and check, in two columns of small type. It is no part of the document
that the coverage gate judges: everything from `HEADING` on is furniture of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from sarcoma_sbrt.provenance.descriptions import short_check, short_source

__all__ = ["HEADING", "Line", "Place", "lines", "openxml", "places", "targets", "typst"]

HEADING = "Appendix: where each number comes from"

INTRODUCTION = (
    "Every number of the text, by its key: as it is printed, the rule of the workflow that "
    "computed it (for a transcribed figure its file and line), and whether a second engine has "
    "recomputed it: i, independently, by the engine named; m, only the metric, from stored "
    "predictions; r, by the same code run again; –, not recomputed. What was transcribed "
    "or configured has no such mark. "
    "The rows behind a number, and the places where it stands, are in the audit explorer "
    "(audit/index.html) and in the command sarcoma-sbrt trace."
)

LONGEST, SOURCE = 46, 20
"""Characters of a text and of a source that are shown; a longer one ends in an ellipsis."""


@dataclass(frozen=True)
class Line:
    """One line of the appendix.

    Attributes
    ----------
    key : str
        Of the registry.
    text : str
        As printed, cut to `LONGEST`.
    source : str
        Rule, or file and line.
    check : str
        Letter and engine; empty where no check applies.
    """

    key: str
    text: str
    source: str
    check: str


def lines(keys: Iterable[str], numbers: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """Lines of the printed numbers, by key; what prints no digit is a word and has none.

    Parameters
    ----------
    keys : iterable of str
        Of the numbers that the manuscript prints.
    numbers : mapping
        Registry: key -> entry.
    """
    return [
        Line(key, _cut(entry["text"]), _cut(short_source(entry), SOURCE), short_check(entry))
        for key in sorted(set(keys))
        for entry in [{"kind": "computed"} | dict(numbers[key])]
        if any(letter.isdigit() for letter in entry["text"])
    ]


def _cut(text: str, longest: int = LONGEST) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


# --- Typst ------------------------------------------------------------------------------------
#
# Every line has its place on its page before anything is set: a link to a page's position costs
# Typst a sixth of one to a label, of which there would be thousands.

# A4, in points: margins, what the heading takes of the first page, and a line's height.
LEFT, TOP, HEIGHT, HEAD, PITCH = 37.0, 56.0, 744.0, 68.0, 7.2
WIDTH, GUTTER = 257.0, 12.0
# The columns' heads stand so far above the first line.
RISE = 8.0
# Of a line: what key and printed text share, and a letter's width, taken generously.
ROOM, LETTER = 165.0, 2.85

TYPST = """
#set page(paper: "a4", columns: 1, margin: (x: {left}pt, top: {top}pt, bottom: 40pt))
#set text(size: 6.4pt, hyphenate: false)
#set par(justify: false, leading: 3pt, spacing: 3pt)
#metadata("appendix") <appendix-of-numbers>
#block(width: 100%)[
  #set text(size: 7.6pt)
  #set par(leading: 0.5em)
  #set heading(numbering: none)
  #block(below: 0.6em, text(size: 12pt)[#heading(level: 1)[{heading}]])
  {introduction}
]
// A key that is too long for its line goes on in a second one.
#let zero = "\\u{{200b}}"
#let breakable(key) = key.replace(".", "." + zero).replace("_", "_" + zero)
#let number-line(x, y, lines, key, printed, source, check) = place(
  top + left, dx: x * 1pt, dy: y * 1pt,
  box(width: {width}pt, {{
    if type(key) == str {{ breakable(key) }} else {{ key }}
    if lines > 1 {{ linebreak() }}
    h(1fr)
    box[#printed#h(4pt)#box(width: 47pt, source)#box(width: 41pt, check)]
  }})
)
#let heads(y) = for x in (0, {second}) {{
  number-line(x, y, 1, strong("key"), strong("printed"), strong("source"), strong("check"))
}}
{pages}
"""


@dataclass(frozen=True)
class Place:
    """Where a line of the PDF's appendix begins.

    Attributes
    ----------
    page : int
        0 for the appendix's first.
    x, y : float
        From the paper's left and upper edge, points.
    """

    page: int
    x: float
    y: float


def places(listed: Iterable[Line]) -> list[Place]:
    """Places of the lines, in order: down the left column, then the right, then overleaf."""
    found: list[Place] = []
    page, column, slot = 0, 0, 0
    for line in listed:
        taken = _slots(line)
        if slot + taken > _depth(page):
            page, column, slot = page + column, 1 - column, 0
        y = TOP + (0 if page else HEAD) + slot * PITCH
        found.append(Place(page, LEFT + column * (WIDTH + GUTTER), y))
        slot += taken
    return found


def _depth(page: int) -> int:
    """Lines that a column of a page holds."""
    return int((HEIGHT - (0 if page else HEAD)) // PITCH)


def _slots(line: Line) -> int:
    """One line, or two where key and text would meet."""
    return 1 if (len(line.key) + len(line.text)) * LETTER <= ROOM else 2


def typst(listed: Sequence[Line]) -> str:
    """The appendix as Typst, to stand at the end of a document; empty without lines."""
    if not listed:
        return ""
    rows, before = [f"#heads({HEAD - RISE:g})"], 0
    for line, place in zip(listed, places(listed), strict=True):
        if place.page != before:
            rows.append(f"#pagebreak()\n#heads({-RISE:g})")
            before = place.page
        cells = ", ".join(_typst_string(cell) for cell in _cells(line))
        rows.append(f"#number-line({place.x - LEFT:g}, {place.y - TOP:g}, {_slots(line)}, {cells})")
    return TYPST.format(
        left=LEFT,
        top=TOP,
        width=WIDTH,
        second=WIDTH + GUTTER,
        heading=HEADING,
        introduction=INTRODUCTION,
        pages="\n".join(rows),
    )


def targets(listed: Sequence[Line]) -> str:
    """Key, page, x and y of each line, apart by tabs: what `appendix.lua` links a number to."""
    return "".join(
        f"{line.key}\t{place.page}\t{place.x:g}\t{place.y:g}\n"
        for line, place in zip(listed, places(listed), strict=True)
    )


def _cells(line: Line) -> tuple[str, str, str, str]:
    return line.key, line.text, line.source, line.check


def _typst_string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


# --- Word -------------------------------------------------------------------------------------

# Header and footer are those of the reference document, by the names that it gives them.
SECTION = (
    '<w:p><w:pPr><w:pStyle w:val="NumberLine"/><w:sectPr '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<w:headerReference w:type="default" r:id="rIdheader"/>'
    '<w:footerReference w:type="default" r:id="rIdfooter"/>'
    '<w:type w:val="{kind}"/><w:pgSz w:w="11906" w:h="16838"/>'
    '<w:pgMar w:top="{top}" w:right="{side}" w:bottom="{bottom}" w:left="{side}" w:header="680"'
    ' w:footer="600" w:gutter="0"/><w:cols w:num="{columns}" w:space="340"/>'
    "</w:sectPr></w:pPr></w:p>"
)
TEXT_PAGE = {"top": 1417, "bottom": 1304, "side": 1247}
LIST_PAGE = {"top": 1134, "bottom": 1077, "side": 737}
TITLE = (
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
    '<w:bookmarkStart w:id="900001" w:name="appendix-numbers"/>'
    '<w:r><w:t>{heading}</w:t></w:r><w:bookmarkEnd w:id="900001"/></w:p>'
    '<w:p><w:pPr><w:pStyle w:val="BodyText"/></w:pPr>'
    '<w:r><w:t xml:space="preserve">{introduction}</w:t></w:r></w:p>'
)
# Size and stops are said here, so that a line is one whatever the document's styles are.
ROW = (
    '<w:p><w:pPr><w:pStyle w:val="NumberLine"/><w:tabs>'
    '<w:tab w:val="right" w:pos="3240"/><w:tab w:val="left" w:pos="3330"/>'
    '<w:tab w:val="left" w:pos="4300"/></w:tabs>'
    '<w:spacing w:before="0" w:after="0" w:line="150" w:lineRule="exact"/></w:pPr>'
    '<w:r><w:rPr><w:sz w:val="13"/><w:szCs w:val="13"/></w:rPr>{cells}</w:r></w:p>'
)


def openxml(listed: Iterable[Line]) -> str:
    """The appendix as OpenXML, to stand at the end of a document's body; empty without lines.

    A section ends the text before it, with one column; the last one, of two, holds the lines.
    """
    rows = [ROW.format(cells=_runs(line)) for line in listed]
    if not rows:
        return ""
    title = TITLE.format(heading=escape(HEADING), introduction=escape(INTRODUCTION))
    return "\n".join(
        (
            SECTION.format(kind="nextPage", columns=1, **TEXT_PAGE),
            title,
            SECTION.format(kind="nextPage", columns=1, **LIST_PAGE),
            *rows,
            SECTION.format(kind="continuous", columns=2, **LIST_PAGE),
        )
    )


def _runs(line: Line) -> str:
    texts = (f'<w:t xml:space="preserve">{escape(cell)}</w:t>' for cell in _cells(line))
    return "<w:tab/>".join(texts)
