"""Where a number is printed or drawn: section, sentence, and the line of the source of it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

from sarcoma_sbrt.provenance.page_tokens import sentence_at
from sarcoma_sbrt.provenance.passages import CITED, Passage

__all__ = ["SourceLine", "Sources", "drawn_keys", "places"]

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

    def of_key(self, key: str, sentence: str, place: str) -> tuple[str, int]:
        """File and line that ask for a key in most of a sentence's words; line 0 where none."""
        holding = self._keyed.get(key) or self._keyed.get(_ADDED.sub("", key)) or []
        return self._best(holding, sentence, place)

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
    passages: Sequence[Passage],
    sources: Sources,
    drawn: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, list[dict[str, Any]]]:
    """Every place in which a number of the registry is printed or drawn.

    Parameters
    ----------
    passages : sequence of Passage
        `passages.passages` of the document that the gate judges.
    sources : Sources
        Its source.
    drawn : mapping
        Name of a figure's file -> keys of the numbers in it (`drawn_keys`).

    Returns
    -------
    dict
        Key -> places, each ``{"document", "section", "place", "sentence", "source": {"file",
        "line"}}``: the printed ones in the document's order, behind them the figures, each once;
        only keys that are printed or drawn.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for key, place in (*_printed_places(passages, sources), *_drawn(passages, sources, drawn)):
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


def _printed_places(
    passages: Sequence[Passage], sources: Sources
) -> Iterator[tuple[str, dict[str, Any]]]:
    for passage in passages:
        if passage.stream == CITED:
            continue
        at = 0
        for run in passage.runs:
            key = run.owner.key if run.owner else ""
            if key:
                yield key, _place(passage, key, at, sources)
            at += len(run.text)


def _drawn(
    passages: Sequence[Passage], sources: Sources, drawn: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """A number's place in a figure: ``figure <label>``, and the first sentence of the caption."""
    captions = {passage.block.removeprefix("caption of "): passage for passage in passages}
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


def _place(passage: Passage, key: str, at: int, sources: Sources) -> dict[str, Any]:
    sentence = sentence_at(passage.text, at)
    file, line = sources.of_key(key, sentence, passage.place)
    return {
        "document": DOCUMENT,
        "section": passage.section,
        # A table or a figure is known by its label, whatever section it stands in.
        "place": passage.block if _PLACES.search(passage.block) else passage.place,
        "sentence": sentence,
        "source": {"file": file, "line": line},
    }
