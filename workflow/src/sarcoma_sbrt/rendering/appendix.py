"""The appendix of numbers: a table of those that are printed, for the PDF and for Word.

Key, text as printed, source and check, in two columns of small type, in groups by the first part
of their keys. A printed text that holds digits counts as a number. It is no part of the document
that the coverage gate judges: everything from `HEADING` on is furniture of the page.
"""

from __future__ import annotations

import re
import textwrap
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
    ".p is its p, .stated is the form with a unit or a sign, .over_solutions (in square brackets) "
    "is its range over the reconstructions found, which has no check of its own. The check is i "
    "where the engine named found it independently, m where only the metric was computed again, "
    "from stored predictions, r where the same code was run again, and – where nothing was. What "
    "was taken from a paper or from the configuration has no check. A text that holds digits (a "
    "sum that is written out, a schedule, a place in a paper) has a row too; a long one is cut "
    "short (…). Words without digits have none. They, and the whole ancestry of each number down "
    "to the rows behind it, are in the audit explorer (audit/index.html)."
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

RANGE = "over_solutions"
COMPANIONS = (
    *("low", "high", "p", "stated", RANGE),
    *("subject", "arithmetic", "old", "new", "contrast", "statement", "reasoning", "status"),
    *("place", "where", "remarks"),
)
"""Last parts of keys that stand in the row of the number, or finding, that they belong to."""

LONGEST = 44
"""Letters of a text that a row repeats."""


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
        Of what the manuscript prints; words without digits among them have no row.
    numbers : mapping
        Registry: key -> entry.
    """
    printed = set(keys)
    owners = {key for key in printed if any(map(str.isdigit, numbers[key]["text"]))}
    # An end of an interval may be words ("not reached"); it stays with its number.
    ends = {key for key in printed if key.endswith((".low", ".high"))}
    listed = owners | {key for key in ends if _owner(key, owners) in owners}
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
        # A range is not checked, but of the same source as its number.
        number = key.removesuffix(f".{RANGE}")
        whose = number if number in keys else key
        rows.setdefault((owner, *_origin(numbers[whose])), []).append(key)
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
    """A number with its range and its interval, the other companions behind semicolons.

    The texts are named by what their keys add to the owner's.
    """
    shown = _with_ranges({last: _short(text) for last, text in texts.items()})
    own, low, high = (shown.pop(last, "") for last in ("", ".low", ".high"))
    if low and high:
        plain = low[0].isdigit() and high[0].isdigit()
        interval = f"{low}–{high}" if plain else f"{low} to {high}"
        whole = [f"{own} ({interval})" if own else interval]
    else:
        whole = [text for text in (own, low, high) if text]
    return "; ".join([*whole, *shown.values()])


def _with_ranges(texts: Mapping[str, str]) -> dict[str, str]:
    """Each range behind its number; that of a stated form only where it is not the number's."""
    shown = {last: text for last, text in texts.items() if not last.endswith(f".{RANGE}")}
    for last in [last for last in texts if last not in shown]:
        number, plain = last.removesuffix(f".{RANGE}"), last.replace(".stated", "")
        if plain == last or texts.get(plain) != texts[last]:
            shown[number] = f"{shown.get(number, '')} [{texts[last]}]".lstrip()
    return shown


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else textwrap.shorten(text, LONGEST, placeholder=" …")


# --- both formats -----------------------------------------------------------------------------

HEADS = ("key", "printed", "source", "check")
WIDTHS = (107, 58, 49, 47)
"""Of the four columns of a row, points; two rows stand side by side."""
SIDE, GUTTER = 30, 12
"""Margin of the page to either side, and the room between the halves, points."""

WIDE = 36
"""Letters beyond which a row's text stands below its key."""

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


def _is_wide(line: Line) -> bool:
    return len(line.text) > WIDE


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
#let wide(mark, key, printed, ..cells) = {{
  let (named,) = row(mark, key)
  (table.cell(colspan: 2)[#named #linebreak() #printed], ..cells.pos())
}}
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
    shape = "wide" if _is_wide(line) else "row"
    return f"{shape}({', '.join(_typst_string(cell) for cell in (mark, *_cells(line)))})"


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
    if not line.keys:
        return _word_row([line.key], (4,), bold=True)
    key, printed, source, check = _cells(line)
    if not _is_wide(line):
        return _word_row([key, printed, source, check])
    return _word_row([f"{key} {printed}", source, check], (2, 1, 1))


def _word_row(
    cells: Sequence[str],
    spans: Sequence[int] = (1, 1, 1, 1),
    *,
    bold: bool = False,
    properties: str = "",
) -> str:
    """A row of cells over so many columns each; one over all heads those after it."""
    firsts = [sum(spans[:place]) for place in range(len(spans))]
    made = (
        CELL.format(
            width=sum(TWIPS[first : first + span]),
            span="" if span == 1 else f'<w:gridSpan w:val="{span}"/>',
            keep="<w:keepNext/>" if len(cells) == 1 else "",
            bold="<w:b/>" if bold else "",
            text=escape(cell),
        )
        for cell, first, span in zip(cells, firsts, spans, strict=True)
    )
    return f"<w:tr>{properties}{''.join(made)}</w:tr>"
