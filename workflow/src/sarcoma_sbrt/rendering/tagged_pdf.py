"""The text of a tagged PDF in the order of reading, with what its tags call furniture.

Typst tags what it writes: a tree of structure says which marked content is a paragraph, a cell or
a caption, in logical order even where a picture floats to another page; headers, footers and the
heads of tables that are repeated on the next page are artifacts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import IndirectObject

from sarcoma_sbrt.provenance.passages import Passage, Run
from sarcoma_sbrt.rendering.appendix import HEADING

__all__ = ["NO_TAGS", "is_tagged", "read_pdf"]

NO_TAGS = "the file has no tags, so its order of reading is not known"

# Lexemes of a content stream: literal strings may hold brackets that balance.
_LEXEME = re.compile(
    rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*\))*\))*\)"
    rb"|<<|>>|<[0-9A-Fa-f\s]*>|[\[\]]|/[^\s\[\]<>()/]*|[^\s\[\]<>()/]+",
    re.S,
)
_OPERATOR = re.compile(rb"[A-Za-z'\"][A-Za-z*0-9'\"]*")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|.)", re.S)
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}

# Elements within a line; every other begins and ends a passage.
_INLINE = frozenset(("Span", "Link", "Strong", "Em", "Sub", "Reference", "Quote", "Code", "Annot"))
# Between two pieces of text on one line: nothing in a sentence, where a space is a letter, but in
# a picture they may stand anywhere.
_SEAM = "\v"
_SAME_LINE = 0.5  # of the size of the letters, by which a raised one stands off its line
_STREAMS = {"Figure": "picture", "Note": "notes", "FENote": "notes"}
_ARTIFACTS = {"Header": "running_label", "Footer": "page_number"}

Matrix = tuple[float, float, float, float, float, float]
_UNIT: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass
class _Chunk:
    """Marked content: its text, and where its first and last letters stand."""

    page: int
    first: float = 0.0
    last: float = 0.0
    left: float = 0.0
    letters: int = 0
    size: float = 0.0
    text: str = ""

    def add(self, text: str, x: float, y: float, size: float) -> None:
        """Add letters at a place; on another line than those before, behind a line's end."""
        if not self.text:
            self.first = y
        elif abs(y - self.last) > _SAME_LINE * max(size, self.size):
            self.text += "\n"
        elif not self._touches(x, size):
            self.text += _SEAM
        self.text += text
        self.last, self.left, self.letters, self.size = y, x, len(text), size

    def _touches(self, x: float, size: float) -> bool:
        """Whether letters go on where those before end, as far as their number can tell."""
        narrowest, widest = 0.2 * self.letters, self.letters + 0.2
        return narrowest * size <= x - self.left < widest * size


@dataclass
class _Content:
    """What the pages' content streams hold: marked content by page and number, and artifacts."""

    marked: dict[tuple[int, int], _Chunk] = field(default_factory=dict)
    artifacts: list[tuple[str, _Chunk]] = field(default_factory=list)


def is_tagged(path: Path) -> bool:
    """Whether a PDF says its structure: Typst's does from 0.14 on."""
    return "/StructTreeRoot" in PdfReader(path).root_object


def read_pdf(path: Path) -> list[Passage]:
    """Read a tagged PDF.

    Parameters
    ----------
    path : path
        As Typst writes one.

    Returns
    -------
    list of Passage
        In logical order, then the artifacts: ``running_label``, ``page_number``,
        ``repeated_table_head``. A line's end within a passage is kept.

    Raises
    ------
    ValueError
        When the file has no tags.
    """
    reader = PdfReader(path)
    root = reader.root_object
    if "/StructTreeRoot" not in root:
        raise ValueError(f"{path.name}: {NO_TAGS}")
    content = _Content()
    for index, page in enumerate(reader.pages):
        _Stream(index, page, content).read()
    tree = _Tree(content, {_number(p): i for i, p in enumerate(reader.pages)})
    tree.read(root["/StructTreeRoot"])
    tree.flush()
    return [*tree.passages, *_artifacts(content.artifacts, len(reader.pages))]


def _number(page: PageObject) -> int:
    assert page.indirect_reference is not None
    return page.indirect_reference.idnum


def _artifacts(found: Iterable[tuple[str, _Chunk]], pages: int) -> Iterator[Passage]:
    for stream, chunk in found:
        if chunk.text.strip():
            place = f"page {chunk.page + 1} of {pages}"
            text = chunk.text.replace(_SEAM, "")
            yield Passage(place, (Run(text),), stream, "", place)


# --- structure ----------------------------------------------------------------------------


@dataclass
class _Tree:
    """Reads the tree of structure into passages."""

    content: _Content
    pages: Mapping[int, int]
    kind: str = ""
    last: _Chunk | None = None
    text: str = ""
    # Where text belongs that is no note and no picture: the appendix is the last of all.
    rest: str = "text"
    passages: list[Passage] = field(default_factory=list)

    def flush(self) -> None:
        """End the passage that is being read."""
        if self.text.strip():
            if " ".join(self.text.replace(_SEAM, "").split()) == HEADING:
                self.rest = "appendix"
            stream = _STREAMS.get(self.kind, self.rest)
            head = "head" if self.kind == "TH" else ""
            text = self.text.replace(_SEAM, "\n" if stream == "picture" else "")
            self.passages.append(Passage("", (Run(text),), stream, "", head))
        self.text, self.last = "", None

    def read(self, node: Any, page: int = 0) -> None:
        node = node.get_object()
        if isinstance(node, int):
            self.marked(page, node)
        elif isinstance(node, list):
            for child in node:
                self.read(child, page)
        elif node.get("/Type") == "/MCR":
            self.marked(self.page(node, page), node["/MCID"])
        elif node.get("/Type") != "/OBJR":
            self.element(node, self.page(node, page))

    def page(self, node: Any, around: int) -> int:
        reference = node.raw_get("/Pg") if "/Pg" in node else None
        return self.pages[reference.idnum] if isinstance(reference, IndirectObject) else around

    def element(self, node: Any, page: int) -> None:
        kind = str(node.get("/S", "/Root"))[1:]
        if kind in _INLINE and not _is_block(node):
            self.read(node.get("/K", []), page)
            return
        if kind == "Lbl" and self.kind != "LI":
            return  # the mark of a note, in the text or before the note
        self.flush()
        before, self.kind = self.kind, self.inside(kind)
        if "/Alt" in node and kind == "Figure":
            self.passages.append(Passage("", (Run(str(node["/Alt"])),), "pictures"))
        if "/K" in node:
            self.read(node["/K"], page)
        self.flush()
        self.kind = before

    def inside(self, kind: str) -> str:
        """What a passage in an element is of: a picture's text stays the picture's."""
        return self.kind if self.kind in _STREAMS else kind

    def marked(self, page: int, number: int) -> None:
        chunk = self.content.marked.get((page, number))
        if chunk is None:
            return
        if self.last is not None and not _goes_on(self.last, chunk):
            self.text += "\n"
        self.text += chunk.text
        self.last = chunk


def _goes_on(one: _Chunk, other: _Chunk) -> bool:
    """Whether marked content begins on the line on which another ends."""
    size = max(one.size, other.size)
    return one.page == other.page and abs(one.last - other.first) <= _SAME_LINE * size


def _is_block(node: Any) -> bool:
    attributes = node.get("/A", [])
    each = attributes if isinstance(attributes, list) else [attributes]
    return any(a.get_object().get("/Placement") == "/Block" for a in each)


# --- content ------------------------------------------------------------------------------


class _Stream:
    """Reads one page's content stream."""

    def __init__(self, index: int, page: PageObject, content: _Content) -> None:
        self.index, self.content = index, content
        contents = page.get_contents()
        self.data = contents.get_data() if contents is not None else b""
        resources = page.get("/Resources", {})
        fonts = resources.get_object().get("/Font", {}).get_object()
        self.fonts = {name: _letters(font.get_object()) for name, font in fonts.items()}
        self.matrix, self.saved = _UNIT, list[Matrix]()
        self.line, self.size, self.font = _UNIT, 0.0, dict[bytes, str]()
        # Open marked content, innermost last.
        self.open: list[_Chunk | None] = []

    def read(self) -> None:
        operands: list[bytes] = []
        for match in _LEXEME.finditer(self.data):
            lexeme = match[0]
            if _OPERATOR.fullmatch(lexeme) and lexeme not in (b"true", b"false", b"null"):
                method = _OPERATORS.get(lexeme)
                if method is not None:
                    method(self, operands)
                operands = []
            else:
                operands.append(lexeme)

    def save(self, _operands: list[bytes]) -> None:
        self.saved.append(self.matrix)

    def restore(self, _operands: list[bytes]) -> None:
        self.matrix = self.saved.pop()

    def transform(self, operands: list[bytes]) -> None:
        self.matrix = _product(_numbers(operands), self.matrix)

    def begin_text(self, _operands: list[bytes]) -> None:
        self.line = _UNIT

    def set_line(self, operands: list[bytes]) -> None:
        self.line = _numbers(operands)

    def move(self, operands: list[bytes]) -> None:
        x, y = float(operands[-2]), float(operands[-1])
        self.line = _product((1.0, 0.0, 0.0, 1.0, x, y), self.line)

    def set_font(self, operands: list[bytes]) -> None:
        self.font = self.fonts.get(operands[-2].decode(), {})
        self.size = float(operands[-1])

    def begin(self, operands: list[bytes]) -> None:
        """Begin marked content: numbered, an artifact, or part of what is around it."""
        said = b" ".join(operands)
        chunk = self.open[-1] if self.open else None
        number = re.search(rb"/MCID\s+(\d+)", said)
        if number:
            key = (self.index, int(number[1]))
            chunk = self.content.marked.setdefault(key, _Chunk(self.index))
        elif operands[0] == b"/Artifact":
            chunk = _Chunk(self.index)
            self.content.artifacts.append((_artifact(said), chunk))
        self.open.append(chunk)

    def end(self, _operands: list[bytes]) -> None:
        self.open.pop()

    def show(self, operands: list[bytes]) -> None:
        chunk = self.open[-1] if self.open else None
        if chunk is None:
            # Text that no tag names must not be lost.
            chunk = _Chunk(self.index)
            self.content.artifacts.append(("untagged", chunk))
        codes = b"".join(_string(o) for o in operands if o[:1] in (b"(", b"<"))
        letters = [self.font.get(codes[i : i + 2], "�") for i in range(0, len(codes), 2)]
        place = _product(self.line, self.matrix)
        scale = abs(place[3]) + abs(place[2])
        chunk.add("".join(letters), place[4], place[5], self.size * scale)


_OPERATORS = {
    b"q": _Stream.save,
    b"Q": _Stream.restore,
    b"cm": _Stream.transform,
    b"BT": _Stream.begin_text,
    b"Tm": _Stream.set_line,
    b"Td": _Stream.move,
    b"Tf": _Stream.set_font,
    b"BDC": _Stream.begin,
    b"BMC": _Stream.begin,
    b"EMC": _Stream.end,
    b"Tj": _Stream.show,
    b"TJ": _Stream.show,
}


def _artifact(said: bytes) -> str:
    """Rule of furniture of an artifact."""
    subtype = re.search(rb"/Subtype\s*/(\w+)", said)
    name = subtype[1].decode() if subtype else ""
    return _ARTIFACTS.get(name, "repeated_table_head")


def _numbers(operands: list[bytes]) -> Matrix:
    a, b, c, d, e, f = (float(operand) for operand in operands[-6:])
    return a, b, c, d, e, f


def _product(one: Matrix, other: Matrix) -> Matrix:
    """First one, then the other, as PDF multiplies."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return (
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + m,
    )


def _string(lexeme: bytes) -> bytes:
    """Bytes of a literal or a hexadecimal string."""
    if lexeme.startswith(b"<"):
        return bytes.fromhex(lexeme[1:-1].decode())
    return _ESCAPE.sub(_unescaped, lexeme[1:-1])


def _unescaped(match: re.Match[bytes]) -> bytes:
    said = match[1]
    if said.isdigit():
        return bytes([int(said, 8) & 255])
    return b"" if said in (b"\n", b"\r\n", b"\r") else _ESCAPED.get(said, said)


def _letters(font: Any) -> dict[bytes, str]:
    """Text of each two-byte code of a font (its ToUnicode map)."""
    if "/ToUnicode" not in font:
        return {}
    said = font["/ToUnicode"].get_object().get_data().decode("latin-1")
    letters: dict[bytes, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", said, re.S):
        for code, text in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]*)>", block):
            letters[bytes.fromhex(code)] = _utf16(text)
    for block in re.findall(r"beginbfrange(.*?)endbfrange", said, re.S):
        for low, high, text in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            for step in range(int(high, 16) - int(low, 16) + 1):
                code = (int(low, 16) + step).to_bytes(2, "big")
                last = chr(ord(_utf16(text)[-1]) + step)
                letters[code] = _utf16(text)[:-1] + last
    return letters


def _utf16(digits: str) -> str:
    return bytes.fromhex(digits).decode("utf-16-be")
