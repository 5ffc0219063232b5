"""The coverage gate: every digit that the manuscript prints has a key, or a rule by name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from sarcoma_sbrt.errors import Problem, RenderError
from sarcoma_sbrt.io import read_yaml

__all__ = ["Rules", "SourceLine", "coverage", "read_rules"]

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
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["structures", "patterns"],
    "additionalProperties": False,
    "properties": {
        "structures": {
            "type": "object",
            "propertyNames": {"enum": list(STRUCTURES)},
            "additionalProperties": {"type": "string"},
        },
        "patterns": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["matches", "because"],
                "additionalProperties": False,
                "properties": {
                    "matches": {"type": "string", "format": "regex"},
                    "because": {"type": "string"},
                },
            },
        },
    },
}

# Metadata that the templates print.
PRINTED = ("title", "subtitle", "author", "date", "abstract", "keywords", "running-label")
SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
# In a text in which every numeral is written 0.
NUMBER = re.compile(r"0+(?:[.,]0+)*")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
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


class SourceLine(Protocol):
    """A line of the manuscript's source with its place (`rendering.source.Line`)."""

    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Rules:
    """Named rules that set digits aside.

    Attributes
    ----------
    structures : frozenset of str
        Of `STRUCTURES`.
    patterns : mapping
        Name -> regular expression of the whole name that holds the digits.
    """

    structures: frozenset[str]
    patterns: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True)
class _Owner:
    """What answers for a run of text: a key of the registry, or a structure."""

    key: str = ""
    structure: str = ""


@dataclass(frozen=True)
class _Run:
    text: str
    owner: _Owner | None = None


@dataclass(frozen=True)
class _Passage:
    """One printed block: where it stands, and its text by what answers for it."""

    place: str
    runs: tuple[_Run, ...]

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)

    @property
    def owners(self) -> list[_Owner | None]:
        return [run.owner for run in self.runs for _ in run.text]


@dataclass
class _Walk:
    """Passages in order; what has been seen decides the names of places."""

    section: str = "title block"
    paragraph: int = 0
    passages: list[_Passage] = field(default_factory=list)

    def add(self, block: str, runs: Iterable[_Run]) -> None:
        self.passages.append(_Passage(f"{self.section}, {block}", tuple(runs)))

    def enter(self, heading: str) -> None:
        self.section, self.paragraph = f"section “{heading}”", 0

    def next_paragraph(self) -> str:
        self.paragraph += 1
        return f"paragraph {self.paragraph}"


def read_rules(path: Path) -> Rules:
    """Rules of a ``coverage.yaml``.

    Raises
    ------
    InputError
        When the file has another form, or an expression is none.
    """
    content = read_yaml(path, SCHEMA)
    patterns = {name: rule["matches"] for name, rule in content["patterns"].items()}
    problems = [
        Problem(str(path), 0, f"patterns.{name}", "not a regular expression", pattern)
        for name, pattern in patterns.items()
        if not _compiles(pattern)
    ]
    if problems:
        raise RenderError(problems)
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    return Rules(frozenset(content["structures"]), compiled)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def coverage(
    document: Mapping[str, Any],
    numbers: Mapping[str, Mapping[str, Any]],
    rules: Rules,
    lines: Sequence[SourceLine] = (),
    *,
    folder: str = "",
) -> dict[str, Any]:
    """Account for every digit that a document prints.

    Parameters
    ----------
    document : mapping
        pandoc's JSON after filters and citations (`rendering.embedded.document`).
    numbers : mapping
        Registry: key -> entry with ``text`` and ``kind``.
    rules : Rules
        What may be set aside.
    lines : sequence of SourceLine
        Expanded source, to name the line of a digit that nothing answers for.
    folder : str
        Where messages say that the source's files lie.

    Returns
    -------
    dict
        ``{"coverage": {"printed", "computed", "transcribed", "configured", "set_aside",
        "unaccounted"}}``: how many numbers were printed, and what answers for them.

    Raises
    ------
    RenderError
        For every digit without key or rule, and every keyed text that is not the registry's.
    """
    counts: Counter[str] = Counter(computed=0, transcribed=0, configured=0)
    set_aside: Counter[str] = Counter()
    problems: list[Problem] = []
    for passage in _passages(document):
        problems += _binding_problems(passage, numbers, lines, folder)
        for token, rule in _tokens(passage, rules):
            if rule is None:
                problems.append(_unaccounted(passage, token, lines, folder))
            elif rule.key:
                counts[numbers.get(rule.key, {}).get("kind", "computed")] += 1
            else:
                set_aside[rule.structure] += 1
    if problems:
        raise RenderError(problems)
    printed = counts.total() + set_aside.total()
    aside = dict(sorted(set_aside.items()))
    return {"coverage": {"printed": printed, **counts, "set_aside": aside, "unaccounted": []}}


def _tokens(passage: _Passage, rules: Rules) -> Iterator[tuple[re.Match[str], _Owner | None]]:
    """Numbers of a passage, each with what answers for all of its digits, or None."""
    text, owners = passage.text, passage.owners
    for i, owner in enumerate(owners):
        if owner is not None and owner.structure and owner.structure not in rules.structures:
            owners[i] = None
    for name, pattern in rules.patterns.items():
        for match in pattern.finditer(text):
            span = range(*match.span())
            if all(owners[i] is None for i in span):
                for i in span:
                    owners[i] = _Owner(structure=name)
    for token in NUMBER.finditer("".join("0" if _is_numeral(c) else c for c in text)):
        for owner in _answers(token[0], owners[slice(*token.span())]):
            yield token, owner


def _answers(token: str, owners: Sequence[_Owner | None]) -> list[_Owner | None]:
    """What answers for a token: one owner, or one for each part between its separators.

    A token of which one digit is bare is bare as a whole.
    """
    parts = [set(owners[slice(*part.span())]) for part in re.finditer("0+", token)]
    if any(len(part) > 1 or None in part for part in parts):
        return [None]
    answers = [part.pop() for part in parts]
    return [owner for i, owner in enumerate(answers) if i == 0 or owner != answers[i - 1]]


def _is_numeral(character: str) -> bool:
    """Digits of every script, superscripts, fractions, Roman numeral signs."""
    return unicodedata.category(character) in ("Nd", "Nl", "No")


def _binding_problems(
    passage: _Passage,
    numbers: Mapping[str, Mapping[str, Any]],
    lines: Sequence[SourceLine],
    folder: str,
) -> Iterator[Problem]:
    for run in passage.runs:
        key = run.owner.key if run.owner else ""
        if key and (key not in numbers or run.text != numbers[key]["text"]):
            says = f"“{numbers[key]['text']}”" if key in numbers else "nothing"
            what = f"the text of {key} is not the registry's, in {passage.place}"
            file, number = _source(
                f"{{{{< num {key} >}}}}", passage.text, passage.place, lines, folder
            )
            yield Problem(file, number, key, what, f"“{run.text}”", says)


def _unaccounted(
    passage: _Passage, token: re.Match[str], lines: Sequence[SourceLine], folder: str
) -> Problem:
    number = passage.text[slice(*token.span())]
    sentence = _sentence(passage.text, token.start())
    file, line = _source(number, sentence, passage.place, lines, folder)
    what = f"“{number}” has no key and no rule"
    accepted = "{{< num key >}}, or a rule of coverage.yaml"
    return Problem(file, line, passage.place, what, f"“{sentence}”", accepted)


def _sentence(text: str, position: int) -> str:
    start = 0
    for end in [m.start() for m in SENTENCE.finditer(text)] + [len(text)]:
        if position < end:
            sentence = text[start:end].strip()
            break
        start = end
    sentence = sentence.replace("\N{NO-BREAK SPACE}", " ")
    return sentence if len(sentence) <= 200 else sentence[:199] + "…"


def _source(
    wanted: str, sentence: str, place: str, lines: Sequence[SourceLine], folder: str
) -> tuple[str, int]:
    """File and line that hold `wanted` and most of the sentence's words; line 0 where none."""
    words = set(re.findall(r"\w+", sentence))

    def likeness(line: SourceLine) -> int:
        return len(words & set(re.findall(r"\w+", line.text)))

    number = re.compile(rf"(?<![\d.,]){re.escape(wanted)}(?![.,]?\d)")
    keyed = wanted.startswith("{{<")
    holding = [
        line
        for line in _region(lines, place)
        if (wanted in line.text if keyed else number.search(SHORTCODE.sub("", line.text)))
    ]
    if not holding:
        return _named("index.qmd", folder), 0
    best = max(holding, key=likeness)
    return _named(best.file, folder), best.number


def _region(lines: Sequence[SourceLine], place: str) -> Sequence[SourceLine]:
    """Lines of the table that a place names; all lines for any other place."""
    label = re.search(r"\btbl-[\w-]+", place)
    starts = [i for i, n in enumerate(lines) if label and f"#{label[0]}}}" in n.text]
    if not starts:
        return lines
    rest = lines[starts[0] :]
    ends = (i for i, line in enumerate(rest) if line.text.strip() == ":::")
    return rest[: next(ends, len(rest))]


def _named(file: str, folder: str) -> str:
    made = file.startswith("tables/")
    return file if made or not folder else f"{folder.rstrip('/')}/{file}"


def _passages(document: Mapping[str, Any]) -> list[_Passage]:
    walk = _Walk()
    reader = _Reader(walk)
    for name in PRINTED:
        if name in document["meta"]:
            reader.metadata(name, document["meta"][name])
    reader.blocks(document["blocks"])
    return walk.passages


@dataclass
class _Reader:
    """Reads pandoc's JSON into passages."""

    walk: _Walk
    # Set while everything inside is answered for, as in the reference list.
    inside: _Owner | None = None

    def metadata(self, name: str, value: Mapping[str, Any]) -> None:
        """One metadata value, whatever its type."""
        kind: str = value["t"]
        content: Any = value.get("c")
        if kind == "MetaInlines":
            owner = _Owner(structure="title_block_date") if name == "date" else None
            self.walk.add(name, self.inlines(content, owner))
        elif kind == "MetaString":
            self.walk.add(name, [_Run(content)])
        elif kind == "MetaBlocks":
            self.blocks(content, name)
        elif kind in ("MetaList", "MetaMap"):
            for item in content.values() if kind == "MetaMap" else content:
                self.metadata(name, item)

    def blocks(self, blocks: Iterable[Mapping[str, Any]], place: str = "") -> None:
        """Blocks in order; `place` names them where they are not paragraphs of the text."""
        for block in blocks:
            getattr(self, f"_{block['t'].lower()}", self._other)(block, place)

    def _other(self, block: Mapping[str, Any], place: str) -> None:
        raise NotImplementedError(f"the coverage gate cannot read a {block['t']}")

    def _add(self, place: str, runs: Iterable[_Run]) -> None:
        if self.inside is not None:
            runs = [replace(run, owner=run.owner or self.inside) for run in runs]
        self.walk.add(place, runs)

    def _para(self, block: Mapping[str, Any], place: str) -> None:
        self._add(place or self.walk.next_paragraph(), self.inlines(block["c"]))

    _plain = _para

    def _lineblock(self, block: Mapping[str, Any], place: str) -> None:
        for line in block["c"]:
            self._para({"c": line}, place)

    def _header(self, block: Mapping[str, Any], _place: str) -> None:
        runs = list(self.inlines(block["c"][2]))
        text = "".join(r.text for r in runs if r.owner != _Owner(structure="section_number"))
        self.walk.enter(text.strip())
        self._add("heading", runs)

    def _codeblock(self, block: Mapping[str, Any], place: str) -> None:
        self._add(place or "code", [_Run(block["c"][1])])

    def _rawblock(self, block: Mapping[str, Any], place: str) -> None:
        self._add(place or "raw block", [_Run(block["c"][1])])

    def _blockquote(self, block: Mapping[str, Any], place: str) -> None:
        self.blocks(block["c"], place)

    def _horizontalrule(self, block: Mapping[str, Any], place: str) -> None:
        """Prints nothing."""

    def _div(self, block: Mapping[str, Any], place: str) -> None:
        (identifier, _, _), blocks = block["c"]
        before = self.inside
        if identifier == "refs":
            self.inside = _Owner(structure="reference_list")
        self.blocks(blocks, place or ("reference list" if identifier == "refs" else ""))
        self.inside = before

    def _bulletlist(self, block: Mapping[str, Any], place: str) -> None:
        for item in block["c"]:
            self.blocks(item, place or "list")

    def _orderedlist(self, block: Mapping[str, Any], place: str) -> None:
        (start, _, _), items = block["c"]
        for number, item in enumerate(items, start=start):
            self._add("list", [_Run(str(number), _Owner(structure="list_number"))])
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
        self, inlines: Iterable[Mapping[str, Any]], owner: _Owner | None = None
    ) -> list[_Run]:
        """Runs of inline elements; notes and pictures become passages of their own."""
        runs: list[_Run] = []
        for inline in inlines:
            runs += self._inline(inline["t"], inline.get("c"), owner)
        return runs

    def _inline(self, kind: str, content: Any, owner: _Owner | None) -> list[_Run]:
        if kind == "Str":
            return [_Run(content, owner)]
        if kind in ("Space", "SoftBreak", "LineBreak"):
            return [_Run(" ", owner)]
        if kind in NESTED:
            return self.inlines(content, owner)
        if kind in ("Code", "Math", "RawInline"):
            return [_Run(content[1], owner)]
        if kind == "Quoted":
            opening, closing = QUOTES[content[0]["t"]]
            return [_Run(opening), *self.inlines(content[1], owner), _Run(closing)]
        if kind == "Note":
            self.blocks(content, "footnote")
            return [_Run("1", _Owner(structure="footnote_number"))]
        return getattr(self, f"_{kind.lower()}")(content, owner)  # type: ignore[no-any-return]

    def _span(self, content: Any, owner: _Owner | None) -> list[_Run]:
        (_, classes, attributes), inlines = content
        key = dict(attributes).get("data-key")
        if key is not None:
            text = "".join(run.text for run in self.inlines(inlines))
            return [_Run(text, _Owner(key=key))]
        return self.inlines(inlines, owner or _numbering(classes, inlines))

    def _link(self, content: Any, owner: _Owner | None) -> list[_Run]:
        (_, classes, _), inlines, (url, _) = content
        runs = self.inlines(inlines, owner)
        if "quarto-xref" in classes:
            return [replace(run, owner=_Owner(structure="cross_reference")) for run in runs]
        if "".join(run.text for run in runs) in (url, re.sub(r"^mailto:", "", url)):
            return [replace(run, owner=run.owner or _Owner(structure="url")) for run in runs]
        return runs

    def _cite(self, content: Any, owner: _Owner | None) -> list[_Run]:
        citations, inlines = content
        for citation in citations:
            for part in ("citationPrefix", "citationSuffix"):
                runs = self.inlines(citation[part])
                if LOCATOR.match("".join(run.text for run in runs)):
                    runs = [replace(r, owner=_Owner(structure="citation_locator")) for r in runs]
                if runs:
                    self._add(f"citation of {citation['citationId']}", runs)
        return self.inlines(inlines, owner or _Owner(structure="citation"))

    def _image(self, content: Any, _owner: _Owner | None) -> list[_Run]:
        (_, _, attributes), inlines, (target, _) = content
        runs = self.inlines(inlines)
        source = dict(attributes).get("alt-source")
        if source is not None:
            runs = _bound("".join(run.text for run in runs), source)
        self._add(f"alternative text of {target}", runs)
        return []


def _bound(printed: str, source: str) -> list[_Run]:
    """Runs of a text by the shortcodes of its source; one without owner where they disagree."""
    printed = " ".join(printed.split())
    parts = SHORTCODE.split(" ".join(source.split()))
    pattern = "".join("(.*?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    match = re.fullmatch(pattern, printed)
    if match is None:
        return [_Run(printed)]
    values = iter(match.groups())
    return [
        _Run(next(values), _Owner(key=part)) if i % 2 else _Run(part)
        for i, part in enumerate(parts)
    ]


def _numbering(classes: Sequence[str], inlines: Sequence[Mapping[str, Any]]) -> _Owner | None:
    """Structure that a span of the numbering filter answers for."""
    if "header-section-number" in classes:
        return _Owner(structure="section_number")
    if "caption-number" in classes:
        is_figure = str(inlines[0]["c"]).startswith("Figure")
        return _Owner(structure="figure_number" if is_figure else "table_number")
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
