"""What the rendered pages say: HTML, PDF and DOCX, passage by passage as a reader meets them."""

from __future__ import annotations

import base64
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree as XML

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PageElement, PreformattedString

from sarcoma_sbrt.provenance.passages import Owner, Passage, Run
from sarcoma_sbrt.rendering.appendix import HEADING
from sarcoma_sbrt.rendering.tagged_pdf import read_pdf

__all__ = ["Page", "read_docx", "read_html", "read_page"]


@dataclass(frozen=True)
class Page:
    """A rendered manuscript.

    Attributes
    ----------
    passages : tuple of Passage
        In the order of reading; those of furniture name its rule as their stream.
    pictures : tuple of str
        SHA-256 of the pictures that it holds, in order; none for a PDF, which redraws them.
    """

    passages: tuple[Passage, ...]
    pictures: tuple[str, ...] = ()


def read_page(path: Path) -> Page:
    """Read a rendered manuscript by its extension.

    Raises
    ------
    ValueError
        For another than html, pdf and docx.
    """
    if path.suffix == ".html":
        return read_html(path)
    if path.suffix == ".docx":
        return read_docx(path)
    if path.suffix == ".pdf":
        return Page(tuple(read_pdf(path)))
    raise ValueError(f"{path.name} is no page that can be read: html, pdf or docx")


def _spaced(text: str) -> str:
    """Text without line ends, which mean nothing in HTML and Word."""
    return re.sub(r"[ \t\r\n]+", " ", text)


def _without_repeats(passages: Iterable[Passage]) -> Iterator[Passage]:
    """Passages without alternative texts that the caption before or behind them repeats."""
    every = list(passages)
    for i, passage in enumerate(every):
        beside = [every[j].text for j in (i - 1, i + 1) if 0 <= j < len(every)]
        if passage.stream != "pictures" or not any(passage.text in text for text in beside):
            yield passage


# --- HTML ---------------------------------------------------------------------------------

_INLINE = re.compile(
    r"a|abbr|b|bdi|cite|code|data|del|dfn|em|i|ins|kbd|label|mark|math|q|s|samp|small|span|strong"
    r"|sub|sup|time|u|var"
)
_NOTE_MARKS = frozenset(("footnote-ref", "footnote-back"))
_UNSEEN = frozenset(("script", "style", "template", "head", "annotation"))


@dataclass
class _Html:
    """Reads a document tree into passages."""

    stream: str = "text"
    block: str = ""
    line: int = 0
    runs: list[Run] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def flush(self) -> None:
        """End the passage that is being read."""
        if any(run.text.strip() for run in self.runs):
            runs, place = tuple(self.runs), self.block
            self.passages.append(Passage(place, runs, self.stream, "", self.block, self.line))
        self.runs = []

    def read(self, node: PageElement, owner: Owner | None = None) -> None:
        if isinstance(node, PreformattedString):
            return  # comments, the document type
        if isinstance(node, NavigableString):
            self.runs.append(Run(_spaced(str(node)), owner))
        elif isinstance(node, Tag) and node.name not in _UNSEEN:
            self.element(node, owner)

    def element(self, tag: Tag, owner: Owner | None) -> None:
        if tag.name == "img":
            self.picture(tag)
        elif tag.name == "br":
            self.runs.append(Run(" ", owner))
        elif "footnote-ref" in tag.get_attribute_list(
            "class"
        ) or "footnote-back" in tag.get_attribute_list("class"):
            pass
        elif _INLINE.fullmatch(tag.name) or _within_formula(tag):
            key = tag.get("data-key")
            # What stands in a keyed element is the key's, whatever it is made of.
            inner = Owner(key=str(key)) if key is not None and owner is None else owner
            self.children(tag, inner)
        else:
            self.paragraph(tag)

    def children(self, tag: Tag, owner: Owner | None) -> None:
        for child in tag.children:
            self.read(child, owner)

    def paragraph(self, tag: Tag) -> None:
        """An element that begins and ends a passage."""
        self.flush()
        before = self.stream, self.block
        self.stream = _html_stream(tag) or self.stream
        self.block = _html_block(tag) or self.block
        self.line = tag.sourceline or 0
        if self.stream == "contents" and tag.name == "li":
            self.entry(tag)
        else:
            self.children(tag, None)
        self.flush()
        self.stream, self.block = before

    def entry(self, tag: Tag) -> None:
        """A line of the table of contents, which may hold others."""
        for child in tag.children:
            if isinstance(child, Tag) and child.name == "a":
                self.block = str(child.get("href"))
            self.read(child)

    def picture(self, tag: Tag) -> None:
        alt = tag.get("alt") or tag.get("aria-label") or ""
        content = _embedded(str(tag.get("src") or ""))
        self.pictures.append(sha256(content).hexdigest() if content else "")
        line = tag.sourceline or 0
        text = (Run(_spaced(str(alt))),)
        self.passages.append(Passage("alternative text", text, "pictures", "", "", line))


def _within_formula(tag: Tag) -> bool:
    return tag.find_parent("math") is not None


def _html_stream(tag: Tag) -> str:
    """Another stream than that around it, which an element begins."""
    identifier, classes = tag.get("id"), tag.get_attribute_list("class")
    if "running-label" in classes:
        return "running_label"
    if identifier == "TOC":
        return "contents"
    if "footnotes" in classes or identifier == "footnotes":
        return "notes"
    return ""


def _html_block(tag: Tag) -> str:
    """What messages and the table of contents call an element."""
    if re.fullmatch(r"h[1-6]", tag.name):
        section = tag.find_parent("section")
        identifier = tag.get("id") or (section.get("id") if section else "")
        return f"#{identifier}"
    if tag.name == "tr":
        return "row"
    return ""


def _embedded(source: str) -> bytes:
    """Content of a ``data:`` address; nothing of any other."""
    head, comma, content = source.partition(",")
    if not (head.startswith("data:") and comma):
        return b""
    return base64.b64decode(content) if head.endswith(";base64") else unquote_to_bytes(content)


def read_html(path: Path) -> Page:
    """Read a rendered HTML file.

    Parameters
    ----------
    path : path
        One self-contained file. What scripts would show is not read.

    Returns
    -------
    Page
        Its runs say the ``data-key`` of the element that holds them.
    """
    soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
    reader = _Html()
    reader.read(soup.body or soup)
    return Page(tuple(_without_repeats(reader.passages)), tuple(reader.pictures))


# --- DOCX ---------------------------------------------------------------------------------

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_SIGNS = {f"{_W}tab": " ", f"{_W}br": " ", f"{_W}cr": " ", f"{_W}noBreakHyphen": "-"}


def read_docx(path: Path) -> Page:
    """Read a Word document: its text, its notes, the alternative texts, its headers and footers.

    Parameters
    ----------
    path : path
        As pandoc writes one; numbers of lists and notes are drawn by Word and not in the file.
    """
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    body = XML.fromstring(parts["word/document.xml"])
    pictures = _docx_pictures(body, parts)
    passages = [
        *_docx_passages(body, "text"),
        *(passage for part in _named(parts, "footnotes") for passage in _docx_notes(part)),
        *(
            passage
            for name, stream in (("header", "running_label"), ("footer", "page_number"))
            for part in _named(parts, name)
            for passage in _docx_passages(part, stream)
        ),
    ]
    return Page(tuple(_without_repeats(passages)), tuple(pictures))


def _named(parts: dict[str, bytes], name: str) -> list[XML.Element]:
    pattern = re.compile(rf"word/{name}\d*\.xml")
    return [XML.fromstring(parts[part]) for part in sorted(parts) if pattern.fullmatch(part)]


def _docx_passages(root: XML.Element, stream: str) -> Iterator[Passage]:
    """A passage for each paragraph, and for each picture in it; the appendix is the last part."""
    for paragraph in root.iter(f"{_W}p"):
        for passage in _docx_paragraph(paragraph, stream):
            if passage.text.strip() == HEADING and stream == "text":
                stream = "appendix"
            yield replace(passage, stream=stream) if passage.stream == "text" else passage


def _docx_paragraph(paragraph: XML.Element, stream: str) -> Iterator[Passage]:
    text = _spaced("".join(_docx_text(paragraph)))
    if text.strip():
        yield Passage("", (Run(text),), stream)
    for picture in paragraph.iter(f"{_WP}docPr"):
        alt = (Run(_spaced(picture.get("descr") or "")),)
        yield Passage("alternative text", alt, "pictures")


def _docx_text(paragraph: XML.Element) -> Iterator[str]:
    for element in paragraph.iter():
        if element.tag in (f"{_W}t", f"{_M}t"):
            yield element.text or ""
        else:
            yield _SIGNS.get(element.tag, "")


def _docx_notes(part: XML.Element) -> Iterator[Passage]:
    for note in part.iter(f"{_W}footnote"):
        if note.get(f"{_W}type") is None:  # not a separator
            yield from _docx_passages(note, "notes")


def _docx_pictures(body: XML.Element, parts: dict[str, bytes]) -> list[str]:
    relations = XML.fromstring(parts["word/_rels/document.xml.rels"])
    targets = {r.get("Id"): f"word/{r.get('Target')}" for r in relations}
    used = [targets[blip.get(f"{_R}embed")] for blip in body.iter(f"{_A}blip")]
    return [sha256(parts[name]).hexdigest() for name in used]
