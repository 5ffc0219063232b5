"""What a document prints, passage by passage, and what answers for each run of its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

__all__ = ["CITED", "STRUCTURES", "Owner", "Passage", "Run", "passages", "pictures"]

# Stream of the parts of a citation, which are judged by themselves and printed within their
# sentence.
CITED = "cited"
# Blocks that are read in another stream than the text (`Passage.stream`).
_STREAMS = {"footnote": "notes"}

# What the document's structure can set aside; coverage.yaml says which, and why.
STRUCTURES = (
    "section_number",
    "figure_number",
    "table_number",
    "cross_reference",
    "list_number",
    "footnote_number",
    "citation",
    "citation_locator",
    "reference_list",
    "url",
    "title_block_date",
)
# Metadata that the templates print.
PRINTED = (
    "title",
    "subtitle",
    "author",
    "date",
    "abstract-title",
    "abstract",
    "keywords",
    "running-label",
)
AUTHOR = ("name", "affiliation", "orcid")
SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
LOCATOR = re.compile(
    r"^,?\s*(?:pp?|chap|sec|fig|Figures?|Tables?|Sections?)\.?\s[\d,\s–-]*(?:and \d+)?$"
)
QUOTES = {"SingleQuote": ("‘", "’"), "DoubleQuote": ("“", "”")}
NESTED = {
    "Emph",
    "Strong",
    "Underline",
    "Strikeout",
    "Superscript",
    "Subscript",
    "SmallCaps",
}


@dataclass(frozen=True)
class Owner:
    """What answers for a run of text: a key of the registry, or a structure."""

    key: str = ""
    structure: str = ""


@dataclass(frozen=True)
class Run:
    """Text that one owner answers for, or none."""

    text: str
    owner: Owner | None = None


@dataclass(frozen=True)
class Passage:
    """One printed block: where it stands, and its text by what answers for it.

    Attributes
    ----------
    place : str
        Section and block, for messages.
    runs : tuple of Run
        Its text.
    stream : str
        What it is read with: ``text``, ``notes``, ``pictures`` (alternative texts), ``cited``;
        of a page also the name of a rule of furniture.
    section, block : str
        Parts of `place`: the heading's text, and what the block is (``paragraph 3``).
    line : int
        1-based line of a page's file; 0 where there is none.
    """

    place: str
    runs: tuple[Run, ...]
    stream: str = "text"
    section: str = ""
    block: str = ""
    line: int = 0

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(run.text for run in self.runs)

    @property
    def owners(self) -> list[Owner | None]:
        """What answers for each character of `text`."""
        return [run.owner for run in self.runs for _ in run.text]


@dataclass
class _Walk:
    """Passages in order; what has been seen decides the names of places."""

    place: str = "title block"
    section: str = "title block"
    paragraph: int = 0
    passages: list[Passage] = field(default_factory=list)

    def add(self, block: str, runs: Iterable[Run], stream: str = "") -> None:
        stream = stream or _STREAMS.get(block, "text")
        place = f"{self.place}, {block}"
        self.passages.append(Passage(place, tuple(runs), stream, self.section, block))

    def enter(self, heading: str) -> None:
        self.section, self.place, self.paragraph = heading, f"section “{heading}”", 0

    def next_paragraph(self) -> str:
        self.paragraph += 1
        return f"paragraph {self.paragraph}"


def passages(document: Mapping[str, Any]) -> list[Passage]:
    """Everything that a document prints, in order.

    Parameters
    ----------
    document : mapping
        pandoc's JSON after filters and citations.

    Raises
    ------
    NotImplementedError
        For a block that cannot be read, so that nothing is passed over.
    """
    walk = _Walk()
    reader = _Reader(walk)
    for name in PRINTED:
        if name in document["meta"]:
            reader.metadata(name, document["meta"][name])
    reader.blocks(document["blocks"])
    return walk.passages


def pictures(document: Mapping[str, Any]) -> list[str]:
    """Targets of the pictures that a document shows, in order, as ``figures/flow.svg``."""
    found: list[str] = []

    def look(node: Any) -> None:
        if isinstance(node, list):
            for child in node:
                look(child)
        elif isinstance(node, dict):
            if node.get("t") == "Image":
                found.append(str(node["c"][2][0]))
            else:
                look(list(node.values()))

    look(document["blocks"])
    return found


@dataclass
class _Reader:
    """Reads pandoc's JSON into passages."""

    walk: _Walk
    # Set while everything inside is answered for, as in the reference list.
    inside: Owner | None = None

    def metadata(self, name: str, value: Mapping[str, Any]) -> None:
        """One metadata value, whatever its type."""
        kind: str = value["t"]
        content: Any = value.get("c")
        if kind == "MetaInlines":
            owner = Owner(structure="title_block_date") if name == "date" else None
            self.walk.add(name, self.inlines(content, owner))
        elif kind == "MetaString":
            self.walk.add(name, [Run(content)])
        elif kind == "MetaBlocks":
            self.blocks(content, name)
        elif kind == "MetaList":
            for item in content:
                self.metadata(name, item)
        elif kind == "MetaMap":
            for part in sorted(content, key=_printed_at):
                self.metadata(part if part == "orcid" else name, content[part])

    def blocks(self, blocks: Iterable[Mapping[str, Any]], place: str = "") -> None:
        """Blocks in order; `place` names them where they are not paragraphs of the text."""
        for block in blocks:
            getattr(self, f"_{block['t'].lower()}", self._other)(block, place)

    def _other(self, block: Mapping[str, Any], place: str) -> None:
        raise NotImplementedError(f"the coverage gate cannot read a {block['t']}")

    def _add(self, place: str, runs: Iterable[Run], stream: str = "") -> None:
        if self.inside is not None:
            runs = [replace(run, owner=run.owner or self.inside) for run in runs]
        self.walk.add(place, runs, stream)

    def _para(self, block: Mapping[str, Any], place: str) -> None:
        self._add(place or self.walk.next_paragraph(), self.inlines(block["c"]))

    _plain = _para

    def _lineblock(self, block: Mapping[str, Any], place: str) -> None:
        for line in block["c"]:
            self._para({"c": line}, place)

    def _header(self, block: Mapping[str, Any], _place: str) -> None:
        runs = list(self.inlines(block["c"][2]))
        text = "".join(r.text for r in runs if r.owner != Owner(structure="section_number"))
        self.walk.enter(text.strip())
        self._add("heading", runs)

    def _codeblock(self, block: Mapping[str, Any], place: str) -> None:
        self._add(place or "code", [Run(block["c"][1])])

    def _rawblock(self, block: Mapping[str, Any], place: str) -> None:
        self._add(place or "raw block", [Run(block["c"][1])])

    def _blockquote(self, block: Mapping[str, Any], place: str) -> None:
        self.blocks(block["c"], place)

    def _horizontalrule(self, block: Mapping[str, Any], place: str) -> None:
        """Prints nothing."""

    def _div(self, block: Mapping[str, Any], place: str) -> None:
        (identifier, _, _), blocks = block["c"]
        before = self.inside
        if identifier == "refs":
            self.inside = Owner(structure="reference_list")
        self.blocks(blocks, place or ("reference list" if identifier == "refs" else ""))
        self.inside = before

    def _bulletlist(self, block: Mapping[str, Any], place: str) -> None:
        for item in block["c"]:
            self.blocks(item, place or "list")

    def _orderedlist(self, block: Mapping[str, Any], place: str) -> None:
        (start, _, _), items = block["c"]
        for number, item in enumerate(items, start=start):
            self._add("list", [Run(str(number), Owner(structure="list_number"))])
            self.blocks(item, place or "list")

    def _definitionlist(self, block: Mapping[str, Any], place: str) -> None:
        for term, definitions in block["c"]:
            self._add(place or "list", self.inlines(term))
            for definition in definitions:
                self.blocks(definition, place or "list")

    def _figure(self, block: Mapping[str, Any], _place: str) -> None:
        (identifier, _, _), (_, caption), blocks = block["c"]
        first = len(self.walk.passages)
        self.blocks(caption, f"caption of {identifier or 'a figure'}")
        # Without text of its own a picture's alternative text is the caption, checked above.
        said = "".join(passage.text for passage in self.walk.passages[first:])
        self.blocks(_without_repeats(blocks, said), f"figure {identifier}".strip())

    def _table(self, block: Mapping[str, Any], _place: str) -> None:
        (identifier, _, _), (_, caption), _, head, bodies, foot = block["c"]
        name = identifier or "a table"
        self.blocks(caption, f"caption of {name}")
        rows = [*head[1], *(r for body in bodies for r in (*body[2], *body[3])), *foot[1]]
        for i, (_, cells) in enumerate(rows):
            for j, cell in enumerate(cells, start=1):
                where = f"row {i}" if i else "head"
                self.blocks(cell[4], f"{name}, {where}, column {j}")

    def inlines(
        self, inlines: Iterable[Mapping[str, Any]], owner: Owner | None = None
    ) -> list[Run]:
        """Runs of inline elements; notes and pictures become passages of their own."""
        runs: list[Run] = []
        for inline in inlines:
            runs += self._inline(inline["t"], inline.get("c"), owner)
        return runs

    def _inline(self, kind: str, content: Any, owner: Owner | None) -> list[Run]:
        if kind == "Str":
            return [Run(content, owner)]
        if kind in ("Space", "SoftBreak", "LineBreak"):
            return [Run(" ", owner)]
        if kind in NESTED:
            return self.inlines(content, owner)
        if kind in ("Code", "Math", "RawInline"):
            return [Run(content[1], owner)]
        if kind == "Quoted":
            opening, closing = QUOTES[content[0]["t"]]
            return [Run(opening), *self.inlines(content[1], owner), Run(closing)]
        if kind == "Note":
            self.blocks(content, "footnote")
            return [Run("1", Owner(structure="footnote_number"))]
        return getattr(self, f"_{kind.lower()}")(content, owner)  # type: ignore[no-any-return]

    def _span(self, content: Any, owner: Owner | None) -> list[Run]:
        (_, classes, attributes), inlines = content
        key = dict(attributes).get("data-key")
        if key is not None:
            text = "".join(run.text for run in self.inlines(inlines))
            return [Run(text, Owner(key=key))]
        return self.inlines(inlines, owner or _numbering(classes, inlines))

    def _link(self, content: Any, owner: Owner | None) -> list[Run]:
        (_, classes, _), inlines, (url, _) = content
        runs = self.inlines(inlines, owner)
        if "quarto-xref" in classes:
            return [replace(run, owner=Owner(structure="cross_reference")) for run in runs]
        address = re.match(r"(?:https?://|mailto:)", url)
        if address and "".join(run.text for run in runs) in (url, url.removeprefix("mailto:")):
            return [replace(run, owner=run.owner or Owner(structure="url")) for run in runs]
        return runs

    def _cite(self, content: Any, owner: Owner | None) -> list[Run]:
        citations, inlines = content
        for citation in citations:
            for part in ("citationPrefix", "citationSuffix"):
                runs = self.inlines(citation[part])
                if LOCATOR.match("".join(run.text for run in runs)):
                    runs = [replace(r, owner=Owner(structure="citation_locator")) for r in runs]
                if runs:
                    self._add(f"citation of {citation['citationId']}", runs, CITED)
        return self.inlines(inlines, owner or Owner(structure="citation"))

    def _image(self, content: Any, _owner: Owner | None) -> list[Run]:
        (_, _, attributes), inlines, (target, _) = content
        runs = self.inlines(inlines)
        source = dict(attributes).get("alt-source")
        if source is not None:
            runs = _bound("".join(run.text for run in runs), source)
        self._add(f"alternative text of {target}", runs, "pictures")
        return []


def _printed_at(name: str) -> tuple[int, str]:
    """Order of what the title block prints of an author."""
    return (AUTHOR.index(name), "") if name in AUTHOR else (len(AUTHOR), name)


def _bound(printed: str, source: str) -> list[Run]:
    """Runs of a text by the shortcodes of its source; one without owner where they disagree."""
    printed = " ".join(printed.split())
    parts = SHORTCODE.split(" ".join(source.split()))
    pattern = "".join("(.*?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    match = re.fullmatch(pattern, printed)
    if match is None:
        return [Run(printed)]
    values = iter(match.groups())
    return [
        Run(next(values), Owner(key=part)) if i % 2 else Run(part) for i, part in enumerate(parts)
    ]


def _numbering(classes: Sequence[str], inlines: Sequence[Mapping[str, Any]]) -> Owner | None:
    """Structure that a span of the numbering filter answers for."""
    if "header-section-number" in classes:
        return Owner(structure="section_number")
    if "caption-number" in classes:
        is_figure = str(inlines[0]["c"]).startswith("Figure")
        return Owner(structure="figure_number" if is_figure else "table_number")
    return None


def _without_repeats(blocks: Any, said: str) -> list[Any]:
    """Blocks without pictures whose alternative text only repeats the caption."""
    kept = []
    for block in blocks:
        if block["t"] in ("Plain", "Para"):
            inlines = [i for i in block["c"] if not (i["t"] == "Image" and _repeats(i, said))]
            block = {"t": block["t"], "c": inlines}
        kept.append(block)
    return kept


def _repeats(image: Mapping[str, Any], said: str) -> bool:
    (_, _, attributes), inlines, _ = image["c"]
    if "alt-source" in dict(attributes):
        return False
    text = "".join(run.text for run in _Reader(_Walk()).inlines(inlines))
    return text in said
