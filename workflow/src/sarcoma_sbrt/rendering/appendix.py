"""The appendix of numbers: a table of those that are printed, for the PDF and for Word.

Key, text as printed, source and check, in two columns of small type, in groups by the first part
of their keys. It is no part of the document that the coverage gate judges: everything from
`HEADING` on is furniture of the page.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from sarcoma_sbrt.provenance.descriptions import short_check, short_source

__all__ = ["HEADING", "INTRODUCTION", "Line", "lines", "openxml", "targets", "typst"]

HEADING = "Appendix: where each number comes from"

INTRODUCTION = (
    "Each number of this document has a row here: its key, the number as it is printed, the rule "
    "of the workflow that computed it (for a figure taken from a paper its file and line) and "
    "whether it was computed a second time. The rows are grouped by the first part of the key. "
    "A row also holds what belongs to its number: .low and .high are the ends of its interval, "
    ".p is its p, .stated is the form with a unit or a sign. The check is i where the engine named "
    "found it independently, m where only the metric was computed again, from stored predictions, "
    "r where the same code was run again, and – where nothing was. What was taken from a paper or "
    "from the configuration has no check. Words have no row, nor have numbers within them (a sum "
    "that is written out, a schedule). They, and the whole ancestry of each number down to the "
    "rows behind it, are in the audit explorer (audit/index.html)."
)

GROUPS = {
    "cohort": "patients and lesions",
    "config": "settings of the analysis",
    "consistency": "consistency of the published figures",
    "constant": "constants",
    "context": "figures of other papers",
    "covariate": "covariates",
    "cox": "Cox models",
    "diagnostics": "diagnostics of the Cox models",
    "dose": "dose",
    "dose_sensitivity": "other dose measures and cut points",
    "fine_gray": "Fine and Gray models",
    "forest": "random survival forest",
    "lc": "local control",
    "lesions": "lesions",
    "marginals": "figures that the reconstruction was held to",
    "method": "method",
    "mfs": "metastasis-free survival",
    "os": "overall survival",
    "pfs": "progression-free survival",
    "published": "figures of the papers",
    "reproduction": "published figures found again",
    "response": "response",
    "series": "series of the synthesis",
    "site_dose": "dose by site",
    "swimmer": "figure of each patient's course",
    "synthesis": "synthesis of the series",
    "time": "times",
    "toxicity": "toxicity",
    "toxicity_share": "toxicity, shares of patients",
    "treatment": "treatment",
}
"""First part of a key -> what its group is called besides."""

COMPANIONS = ("low", "high", "p", "stated")
"""Last parts of keys that stand in the row of the number that they belong to."""

# A text without unit that is a number all the same: one, or a range, with an interval behind it.
_ONE = r"[−-]?\d[\d.,]*\s?%?"
_NUMBER = re.compile(rf"[<>≤≥=≈~]?\s?{_ONE}(?:\s?[–-]\s?{_ONE})?(?:\s?\({_ONE}\s?[–-]\s?{_ONE}\))?")


@dataclass(frozen=True)
class Line:
    """A row of the appendix, or the heading of a group, which is all in `key`.

    Attributes
    ----------
    key : str
        Of the registry, with the last parts of its companions' keys behind it.
    text : str
        As printed.
    source : str
        Rule, or file and line.
    check : str
        Letter and engine; empty where no check applies.
    keys : tuple of str
        Keys of the registry that have their entry here; none for a heading.
    """

    key: str
    text: str = ""
    source: str = ""
    check: str = ""
    keys: tuple[str, ...] = ()


def lines(keys: Iterable[str], numbers: Mapping[str, Mapping[str, Any]]) -> list[Line]:
    """Rows of the printed numbers, by key, with the headings of their groups.

    Parameters
    ----------
    keys : iterable of str
        Of what the manuscript prints; words among them have no row.
    numbers : mapping
        Registry: key -> entry.
    """
    printed = set(keys)
    owners = {key for key in printed if _is_number(numbers[key])}
    # An end of an interval may be words ("not reached"); it stays with its number.
    listed = owners | {key for key in printed if _owner(key, owners) in owners}
    found: list[Line] = []
    group = ""
    for (owner, source, check), shared in _shared(listed, numbers).items():
        if owner.partition(".")[0] != group:
            group = owner.partition(".")[0]
            found.append(Line(f"{group}: {GROUPS[group]}" if group in GROUPS else group))
        texts = {key.removeprefix(owner): numbers[key]["text"] for key in shared}
        # The owner's key alone would name it where a companion stands alone.
        shown = " ".join([owner, *filter(None, texts)]) if len(shared) > 1 else shared[0]
        found.append(Line(shown, _text(texts), source, check, tuple(shared)))
    return found


def _is_number(entry: Mapping[str, Any]) -> bool:
    """Whether a number is printed, not words, which may hold digits."""
    if entry.get("unit") == "text":
        return _NUMBER.fullmatch(entry["text"]) is not None
    return any(letter.isdigit() for letter in entry["text"])


def _owner(key: str, printed: Collection[str]) -> str:
    """Key of what a companion belongs to, be it printed or not; any other key itself."""
    stem, _, last = key.rpartition(".")
    if stem in printed and last in COMPANIONS:
        return _owner(stem, printed)
    # The ends of an interval, or a stated form, say which number they are of.
    return stem if stem and last in COMPANIONS and last != "p" else key


def _shared(
    keys: Collection[str], numbers: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[str, ...], list[str]]:
    """Keys by row, which is a number's and its companions' of the same source and check."""
    rows: dict[tuple[str, ...], list[str]] = {}
    owned = [(_owner(key, keys), key) for key in keys]
    for owner, key in sorted(owned, key=lambda pair: _order(*pair)):
        rows.setdefault((owner, *_origin(numbers[key])), []).append(key)
    return rows


def _order(owner: str, key: str) -> tuple[list[str], list[int]]:
    """By owner; the owner before its companions, and these as `COMPANIONS` has them."""
    lasts = key.removeprefix(owner).split(".")[1:]
    return owner.split("."), [COMPANIONS.index(last) for last in lasts]


def _origin(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Source and check."""
    whole = {"kind": "computed"} | dict(entry)
    return short_source(whole), short_check(whole)


def _text(texts: Mapping[str, str]) -> str:
    """A number with its interval in brackets, the other companions behind semicolons.

    The texts are named by what their keys add to the owner's.
    """
    own, low, high = (texts.get(last, "") for last in ("", ".low", ".high"))
    others = [text for last, text in texts.items() if last not in ("", ".low", ".high")]
    if low and high:
        plain = low[0].isdigit() and high[0].isdigit()
        interval = f"{low}–{high}" if plain else f"{low} to {high}"
        whole = [f"{own} ({interval})" if own else interval]
    else:
        whole = [text for text in (own, low, high) if text]
    return "; ".join([*whole, *others])


# --- both formats -----------------------------------------------------------------------------

HEADS = ("key", "printed", "source", "check")
WIDTHS = (107, 58, 49, 47)
"""Of the four columns of a row, points; two rows stand side by side."""
SIDE, GUTTER = 30, 12
"""Margin of the page to either side, and the room between the halves, points."""

FITS, PART = 28, 26
"""Letters of a key, and of a part of one, that have room in its column."""


def _breakable(key: str) -> str:
    """A key with places to break a line behind its full stops, where it is too long for one.

    Such a place is a letter to whoever searches the file, so that short keys have none.
    """
    if len(key) <= FITS:
        return key
    parts = re.split(r"(?<=\w)\.(?=\w)", key)
    return ".\u200b".join(p.replace("_", "_\u200b") if len(p) > PART else p for p in parts)


def _cells(line: Line) -> tuple[str, str, str, str]:
    return _breakable(line.key), line.text, line.source, line.check


# --- Typst ------------------------------------------------------------------------------------


TYPST = """
#set page(paper: "a4", columns: 1, margin: (x: {side}pt, top: 56pt, bottom: 44pt))
#block(width: 100%)[
  #set text(size: 8.5pt, hyphenate: false)
  #set par(justify: false, leading: 0.5em)
  #set heading(numbering: none)
  #block(below: 0.6em, text(size: 12pt)[#heading(level: 1)[{heading}]])
  {introduction}
]
#show table: set text(size: 7pt, hyphenate: false)
#show table: set par(justify: false, leading: 0.4em)
#let group(name) = (table.cell(colspan: 4, inset: (top: 4pt, bottom: 2pt), strong(name)),)
#let row(mark, key, ..cells) = ([#box(width: 0pt)#label(mark)#key], ..cells.pos())
#columns(2, gutter: {gutter}pt, table(
  columns: ({widths}),
  inset: (x: 1.5pt, y: 1.3pt),
  stroke: none,
  align: left,
  table.header({heads}),
{rows}
))
"""


def typst(listed: Sequence[Line]) -> str:
    """The appendix as Typst, to stand at the end of a document; empty without rows."""
    if not listed:
        return ""
    rows = "\n".join(f"  ..{call}," for call in map(_call, listed, _marks(listed)))
    return TYPST.format(
        side=SIDE,
        gutter=GUTTER,
        widths=", ".join(f"{width}pt" for width in WIDTHS),
        heads=", ".join(f"[{head}]" for head in HEADS),
        heading=HEADING,
        introduction=INTRODUCTION,
        rows=rows,
    )


def _call(line: Line, mark: str) -> str:
    if not line.keys:
        return f"group({_typst_string(line.key)})"
    return f"row({', '.join(_typst_string(cell) for cell in (mark, *_cells(line)))})"


def _marks(listed: Sequence[Line]) -> Iterator[str]:
    """Labels of the rows in the PDF."""
    return (f"number-{place}" for place in range(len(listed)))


def targets(listed: Sequence[Line]) -> str:
    """Key and label of its row, apart by a tab: what `appendix.lua` links a number to."""
    return "".join(
        f"{key}\t{mark}\n"
        for line, mark in zip(listed, _marks(listed), strict=True)
        for key in line.keys
    )


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
    ' w:footer="600" w:gutter="0"/><w:cols w:num="{columns}" w:space="240"/>'
    "</w:sectPr></w:pPr></w:p>"
)
TEXT_PAGE = {"top": 1417, "bottom": 1304, "side": 1247}
LIST_PAGE = {"top": 1134, "bottom": 1077, "side": 600}
TITLE = (
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
    '<w:bookmarkStart w:id="900001" w:name="appendix-numbers"/>'
    '<w:r><w:t>{heading}</w:t></w:r><w:bookmarkEnd w:id="900001"/></w:p>'
    '<w:p><w:pPr><w:pStyle w:val="BodyText"/></w:pPr>'
    '<w:r><w:t xml:space="preserve">{introduction}</w:t></w:r></w:p>'
)
# The size is said here, so that it is the same whatever the document's styles are.
CELL = (
    '<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{span}</w:tcPr>'
    '<w:p><w:pPr><w:pStyle w:val="NumberLine"/>{keep}</w:pPr><w:r><w:rPr>{bold}'
    '<w:sz w:val="14"/><w:szCs w:val="14"/></w:rPr>'
    '<w:t xml:space="preserve">{text}</w:t></w:r></w:p></w:tc>'
)
TABLE = (
    '<w:tbl><w:tblPr><w:tblW w:w="{width}" w:type="dxa"/><w:tblBorders>'
    '<w:top w:val="single" w:sz="6" w:space="0" w:color="000000"/>'
    '<w:bottom w:val="single" w:sz="6" w:space="0" w:color="000000"/></w:tblBorders>'
    '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="30" w:type="dxa"/>'
    '<w:right w:w="30" w:type="dxa"/></w:tblCellMar></w:tblPr>'
    "<w:tblGrid>{grid}</w:tblGrid>\n{rows}\n</w:tbl>"
)
TWIPS = tuple(20 * width for width in WIDTHS)


def openxml(listed: Sequence[Line]) -> str:
    """The appendix as OpenXML, to stand at the end of a document's body; empty without rows.

    A section ends the text before it, with one column; the last one, of two, holds the table.
    """
    if not listed:
        return ""
    head = _word_row(HEADS, bold=True, properties="<w:trPr><w:tblHeader/></w:trPr>")
    table = TABLE.format(
        width=sum(TWIPS),
        grid="".join(f'<w:gridCol w:w="{width}"/>' for width in TWIPS),
        rows="\n".join([head, *map(_word_line, listed)]),
    )
    return "\n".join(
        (
            SECTION.format(kind="nextPage", columns=1, **TEXT_PAGE),
            TITLE.format(heading=escape(HEADING), introduction=escape(INTRODUCTION)),
            SECTION.format(kind="nextPage", columns=1, **LIST_PAGE),
            table,
            SECTION.format(kind="continuous", columns=2, **LIST_PAGE),
        )
    )


def _word_line(line: Line) -> str:
    return _word_row(_cells(line)) if line.keys else _word_row([line.key], bold=True)


def _word_row(cells: Sequence[str], *, bold: bool = False, properties: str = "") -> str:
    """A row of a cell for each column, or of one over all: a heading, which stays with the next."""
    widths = TWIPS if len(cells) > 1 else (sum(TWIPS),)
    made = (
        CELL.format(
            width=width,
            span="" if len(cells) > 1 else f'<w:gridSpan w:val="{len(TWIPS)}"/>',
            keep="" if len(cells) > 1 else "<w:keepNext/>",
            bold="<w:b/>" if bold else "",
            text=escape(cell),
        )
        for width, cell in zip(widths, cells, strict=True)
    )
    return f"<w:tr>{properties}{''.join(made)}</w:tr>"
