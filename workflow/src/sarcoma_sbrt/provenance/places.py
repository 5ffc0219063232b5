"""Where a number is printed, drawn or decides a claim: section, sentence, line of the source."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

from sarcoma_sbrt.provenance.claims import Claim, Claims, Numbers, keys_asked
from sarcoma_sbrt.provenance.page_tokens import sentence_at
from sarcoma_sbrt.provenance.passages import CITED, Passage, passages

__all__ = ["SourceLine", "Sources", "claimed", "drawn_keys", "places"]

Place = dict[str, Any]

DOCUMENT = "manuscript"
SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
# What a filter prints behind a number, under a key of its own.
_ADDED = re.compile(r"\.over_solutions$")
_PLACES = re.compile(r"\b(?:tbl|fig)-[\w-]+")
_TITLE_BLOCK = re.compile(r"title block\b")
_SECTION = re.compile(r"section “(.*)”, ")
# What the renderer puts before a caption.
_NUMBERED = re.compile(r"^Figure\s\d+:\s*")
# A picture of the source, and the label that its caption has.
_PICTURE = re.compile(r"\(figures/([\w-]+)\)\{[^}]*#(fig-[\w-]+)")
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*(?:\{[#.\-][^{}]*\})?\s*$")
_CLAIM = re.compile(r'\.claim\s+name="(\w+)"(?:\s+of="([^"]*)")?')
# Before a claim's name where it stands for a key; no key of the registry has a space.
_OF_CLAIM = "claim "


class SourceLine(Protocol):
    """A line of the manuscript's source with its place (`rendering.source.Line`)."""

    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> int: ...  # noqa: D102
    @property
    def text(self) -> str: ...  # noqa: D102


class Sources:
    """The lines of a source, to be asked for the one that a printed text came from.

    Parameters
    ----------
    lines : sequence of SourceLine
        Expanded source.
    folder : str
        Where messages say that the source's files lie.
    """

    def __init__(self, lines: Sequence[SourceLine], folder: str = "") -> None:
        self.lines, self.folder = lines, folder

    @cached_property
    def _words(self) -> list[frozenset[str]]:
        return [frozenset(re.findall(r"\w+", line.text)) for line in self.lines]

    @cached_property
    def _keyed(self) -> dict[str, list[int]]:
        """Lines that ask for a key, by key."""
        found: dict[str, list[int]] = {}
        for i, line in enumerate(self.lines):
            for key in dict.fromkeys(SHORTCODE.findall(line.text)):
                found.setdefault(key, []).append(i)
        return found

    @cached_property
    def _claiming(self) -> dict[tuple[str, str], list[int]]:
        """Lines that make a claim, by its name and what it speaks for."""
        found: dict[tuple[str, str], list[int]] = {}
        for i, line in enumerate(self.lines):
            for match in _CLAIM.finditer(line.text):
                found.setdefault((match[1], match[2] or ""), []).append(i)
        return found

    def of_key(self, key: str, sentence: str, place: str) -> tuple[str, int]:
        """File and line that ask for a key in most of a sentence's words; line 0 where none."""
        holding = self._keyed.get(key) or self._keyed.get(_ADDED.sub("", key)) or []
        return self._best(holding, sentence, place)

    def of_claim(self, name: str, of: str, sentence: str, place: str) -> tuple[str, int]:
        """File and line that make a claim in most of a sentence's words; line 0 where none does."""
        return self._best(self._claiming.get((name, of), []), sentence, place)

    def of_figure(self, name: str) -> tuple[str, str, int] | None:
        """Label, file and line of a figure by the name of its file; None where none shows it."""
        for line in self.lines:
            for figure, label in _PICTURE.findall(line.text):
                if figure == name:
                    return label, self._named(line.file), line.number
        return None

    def of_text(self, wanted: str, sentence: str, place: str) -> tuple[str, int]:
        """File and line that hold a number outside shortcodes; line 0 where none does."""
        number = re.compile(rf"(?<![\d.,]){re.escape(wanted)}(?![.,]?\d)")
        holding = [i for i, n in enumerate(self.lines) if number.search(SHORTCODE.sub("", n.text))]
        return self._best(holding, sentence, place)

    def _best(self, holding: Sequence[int], sentence: str, place: str) -> tuple[str, int]:
        within = ([i for i in holding if i in region] for region in self._regions(place))
        near = next(filter(None, within), [])
        if not near:
            return self._named("index.qmd"), 0
        words = frozenset(re.findall(r"\w+", sentence))

        def likeness(i: int) -> tuple[int, int]:
            """Words in common, and then how few others the line has."""
            return len(words & self._words[i]), -len(self._words[i])

        best = self.lines[max(near, key=likeness)]
        return self._named(best.file), best.number

    def _regions(self, place: str) -> list[Container[int]]:
        """Lines in which a place's text can stand, the nearest first."""
        label = re.search(r"\btbl-[\w-]+", place)
        if label and label[0] in self._tables:
            return [self._tables[label[0]]]
        if _TITLE_BLOCK.match(place):
            return [range(self._body)]
        section = _SECTION.match(place)
        # A footnote is printed in one section and may be written in another.
        body = range(self._body, len(self.lines))
        return [self._under(section[1]), body] if section else [range(len(self.lines))]

    def _under(self, heading: str) -> frozenset[int]:
        """Lines of prose under a printed heading, in each place that has it."""
        ends = [*(start for start, _ in self._headings[1:]), len(self.lines)]
        under = frozenset(
            i
            for (start, words), end in zip(self._headings, ends, strict=False)
            if words.fullmatch(heading)
            for i in range(start, end)
        )
        return under.difference(*self._tables.values())

    @cached_property
    def _headings(self) -> list[tuple[int, re.Pattern[str]]]:
        """Lines of the body that are headings, each with the words that it is printed in."""
        found = ((i, _HEADING.match(line.text)) for i, line in enumerate(self.lines))
        return [(i, _printed(match[1])) for i, match in found if match and i >= self._body]

    @cached_property
    def _body(self) -> int:
        """The first line behind the title block."""
        fences = [i for i, line in enumerate(self.lines) if line.text.strip() == "---"]
        return fences[1] + 1 if fences[:1] == [0] and len(fences) > 1 else 0

    @cached_property
    def _tables(self) -> dict[str, range]:
        """Lines of each table, by its label."""
        found: dict[str, range] = {}
        for i, line in enumerate(self.lines):
            for label in re.findall(r"#(tbl-[\w-]+)\}", line.text):
                found.setdefault(label, range(i, self._end(i)))
        return found

    def _end(self, start: int) -> int:
        """The line that ends the block that begins in a line."""
        ends = (i for i in range(start, len(self.lines)) if self.lines[i].text.strip() == ":::")
        return next(ends, len(self.lines))

    def _named(self, file: str) -> str:
        made = file.startswith("tables/")
        return file if made or not self.folder else f"{self.folder.rstrip('/')}/{file}"


def _printed(heading: str) -> re.Pattern[str]:
    """A heading's words as they are printed: any text for a shortcode, any signs between words."""
    pieces = (r"\W+".join(re.findall(r"\w+", piece)) for piece in SHORTCODE.split(heading)[::2])
    return re.compile(rf"\W*{'.*?'.join(pieces)}\W*")


def places(
    read: Sequence[Passage],
    sources: Sources,
    drawn: Mapping[str, Sequence[str]] = MappingProxyType({}),
    claims: Iterable[tuple[str, Place]] = (),
) -> dict[str, list[Place]]:
    """Every place in which a number of the registry is printed or drawn, or decides a claim.

    Parameters
    ----------
    read : sequence of Passage
        `passages.passages` of the document that the gate judges.
    sources : Sources
        Its source.
    drawn : mapping
        Name of a figure's file -> keys of the numbers in it (`drawn_keys`).
    claims : iterable of (str, dict)
        `claimed` of the document.

    Returns
    -------
    dict
        Key -> places, each ``{"document", "section", "place", "sentence", "source": {"file",
        "line"}}``: the printed ones in the document's order, behind them the figures, each once,
        and the claims, each with its ``claim`` as well; only keys that have any.
    """
    found: dict[str, list[Place]] = {}
    known = (*_printed_places(read, sources), *_drawn(read, sources, drawn), *claims)
    for key, place in known:
        found.setdefault(key, []).append(place)
    return dict(sorted(found.items()))


def drawn_keys(
    sidecars: Iterable[Mapping[str, Any]], numbers: Container[str]
) -> dict[str, list[str]]:
    """Keys of the registry's numbers that each figure draws, each once, by the figure's name.

    Parameters
    ----------
    sidecars : iterable of mapping
        ``figures/<name>.numbers.json``.
    numbers : container of str
        Keys of the registry: the flow's boxes also draw counts that only the ledger has.
    """
    return {
        figure["figure"]: [
            key for key in dict.fromkeys(one["key"] for one in figure["numbers"]) if key in numbers
        ]
        for figure in sidecars
    }


def claimed(
    document: Mapping[str, Any], claims: Claims, numbers: Numbers, sources: Sources
) -> list[tuple[str, Place]]:
    """Every claim that a document makes, as a place of each number that its condition asks.

    What a false condition hides is not in the document, and has no place.

    Parameters
    ----------
    document : mapping
        The document that the gate judges.
    claims : Claims
        The list.
    numbers : mapping
        The registry: a condition may ask every key of a pattern.
    sources : Sources
        The document's source.

    Returns
    -------
    list of (str, dict)
        Key and place; ``place`` says of which claim, and ``claim`` has its ``name``, what it
        speaks for (``of``), the words of the text (``says``) and the condition (``when``).
    """
    found = []
    for passage, mark, words, at in _owned(passages(_with_claims_as_keys(document))):
        if mark.startswith(_OF_CLAIM):
            name, _, of = mark.removeprefix(_OF_CLAIM).partition(" ")
            place = _place_of_claim(passage, at, claims.claims[name], of, words, sources)
            keys = keys_asked(place["claim"]["when"], numbers)
            found += [(key, place) for key in keys]
    return found


def _with_claims_as_keys(node: Any) -> Any:
    """A document in which claims answer for their text as numbers do for theirs."""
    if isinstance(node, list):
        return [_with_claims_as_keys(child) for child in node]
    if not isinstance(node, dict):
        return node
    if node.get("t") == "Span" and "claim" in node["c"][0][1]:
        (identifier, classes, attributes), inlines = node["c"]
        of = dict(attributes)
        mark = f"{_OF_CLAIM}{of['name']} {of.get('of', '')}"
        return {"t": "Span", "c": [[identifier, classes, [["data-key", mark]]], inlines]}
    return {name: _with_claims_as_keys(child) for name, child in node.items()}


def _owned(read: Iterable[Passage]) -> Iterator[tuple[Passage, str, str, int]]:
    """Each stretch of text that a key answers for: passage, key, text, and where it begins."""
    for passage in read:
        if passage.stream == CITED:
            continue
        at = 0
        for run in passage.runs:
            if run.owner and run.owner.key:
                yield passage, run.owner.key, run.text, at
            at += len(run.text)


def _printed_places(read: Iterable[Passage], sources: Sources) -> Iterator[tuple[str, Place]]:
    for passage, key, _, at in _owned(read):
        sentence = sentence_at(passage.text, at)
        source = sources.of_key(key, sentence, passage.place)
        yield key, _place(passage, sentence, source)


def _drawn(
    read: Sequence[Passage], sources: Sources, drawn: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Place]]:
    """A number's place in a figure: ``figure <label>``, and the first sentence of the caption."""
    captions = {passage.block.removeprefix("caption of "): passage for passage in read}
    for name, keys in drawn.items():
        shown = sources.of_figure(name)
        if shown is None or shown[0] not in captions:
            continue
        label, file, line = shown
        caption = captions[label]
        place = {
            "document": DOCUMENT,
            "section": caption.section,
            "place": f"figure {label}",
            "sentence": sentence_at(_NUMBERED.sub("", caption.text), 0),
            "source": {"file": file, "line": line},
        }
        yield from ((key, place) for key in keys)


def _place_of_claim(
    passage: Passage, at: int, claim: Claim, of: str, words: str, sources: Sources
) -> Place:
    sentence = sentence_at(passage.text, at)
    source = sources.of_claim(claim.name, of, sentence, passage.place)
    place = _place(passage, sentence, source)
    told = {"name": claim.name, "of": of, "says": words, "when": claim.condition(of)}
    return place | {
        "place": f"{place['place']}, as the condition of claim {claim.name}",
        "claim": told,
    }


def _place(passage: Passage, sentence: str, source: tuple[str, int]) -> Place:
    return {
        "document": DOCUMENT,
        "section": passage.section,
        # A table or a figure is known by its label, whatever section it stands in.
        "place": passage.block if _PLACES.search(passage.block) else passage.place,
        "sentence": sentence,
        "source": {"file": source[0], "line": source[1]},
    }
