"""Where a number is printed: section, sentence, and the line of the source that asks for it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

from sarcoma_sbrt.provenance.page_tokens import sentence_at
from sarcoma_sbrt.provenance.passages import CITED, Passage

__all__ = ["SourceLine", "Sources", "places"]

DOCUMENT = "manuscript"
SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
# What a filter prints behind a number, under a key of its own.
_ADDED = re.compile(r"\.over_solutions$")
_PLACES = re.compile(r"\b(?:tbl|fig)-[\w-]+")


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

    def of_text(self, wanted: str, sentence: str, place: str) -> tuple[str, int]:
        """File and line that hold a number outside shortcodes; line 0 where none does."""
        number = re.compile(rf"(?<![\d.,]){re.escape(wanted)}(?![.,]?\d)")
        holding = [i for i, n in enumerate(self.lines) if number.search(SHORTCODE.sub("", n.text))]
        return self._best(holding, sentence, place)

    def _best(self, holding: Sequence[int], sentence: str, place: str) -> tuple[str, int]:
        region = self._region(place)
        holding = [i for i in holding if i in region]
        if not holding:
            return self._named("index.qmd"), 0
        words = frozenset(re.findall(r"\w+", sentence))

        def likeness(i: int) -> tuple[int, int]:
            """Words in common, and then how few others the line has."""
            return len(words & self._words[i]), -len(self._words[i])

        best = self.lines[max(holding, key=likeness)]
        return self._named(best.file), best.number

    def _region(self, place: str) -> range:
        """Lines of the table that a place names; all lines for any other place."""
        label = re.search(r"\btbl-[\w-]+", place)
        start = self._labels.get(label[0]) if label else None
        if start is None:
            return range(len(self.lines))
        ends = (i for i in range(start, len(self.lines)) if self.lines[i].text.strip() == ":::")
        return range(start, next(ends, len(self.lines)))

    @cached_property
    def _labels(self) -> dict[str, int]:
        """Line of each table's label."""
        found: dict[str, int] = {}
        for i, line in enumerate(self.lines):
            for label in re.findall(r"#(tbl-[\w-]+)\}", line.text):
                found.setdefault(label, i)
        return found

    def _named(self, file: str) -> str:
        made = file.startswith("tables/")
        return file if made or not self.folder else f"{self.folder.rstrip('/')}/{file}"


def places(passages: Sequence[Passage], sources: Sources) -> dict[str, list[dict[str, Any]]]:
    """Every place in which a number of the registry is printed.

    Parameters
    ----------
    passages : sequence of Passage
        `passages.passages` of the document that the gate judges.
    sources : Sources
        Its source.

    Returns
    -------
    dict
        Key -> places in order, each ``{"document", "section", "place", "sentence", "source":
        {"file", "line"}}``; only keys that are printed.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for passage in passages:
        if passage.stream == CITED:
            continue
        at = 0
        for run in passage.runs:
            key = run.owner.key if run.owner else ""
            if key:
                found.setdefault(key, []).append(_place(passage, key, at, sources))
            at += len(run.text)
    return dict(sorted(found.items()))


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
