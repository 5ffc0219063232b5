"""The numbers of a document and of its pages, in order, and where the two differ."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

from sarcoma_sbrt.errors import Problem
from sarcoma_sbrt.provenance.passages import CITED, Passage, Run

__all__ = [
    "STREAMS",
    "Token",
    "bindings",
    "differences",
    "is_numeral",
    "number_spans",
    "sentence_at",
    "streams",
    "tokens",
]

# What is read in order by itself: notes stand at the foot of a page or of a document, and a
# picture's alternative text stands before or behind its caption, as the format likes it.
STREAMS = ("text", "notes", "pictures")

# In a text in which every numeral is written 0.
NUMBER = re.compile(r"0+(?:[.,]0+)*")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
_LONGEST = 200  # characters of a sentence that a message quotes
_MOST = 20  # differences that a message lists


@dataclass(frozen=True)
class Token:
    """A number as it is printed.

    Attributes
    ----------
    text : str
        Its numerals with the separators between them.
    keys : tuple of str
        Keys of the registry that answer for it, in order; empty where none does.
    place : str
        As `Passage.place`.
    sentence : str
        What it stands in.
    line : int
        1-based line of the page's file; 0 where the format has none.
    wrapped : bool
        Whether a line of the page ends between the number before and this one, so that both may
        be one: an address breaks at its full stops.
    """

    text: str
    keys: tuple[str, ...] = ()
    place: str = ""
    sentence: str = ""
    line: int = 0
    wrapped: bool = False


def is_numeral(character: str) -> bool:
    """Digits of every script, superscripts, fractions, Roman numeral signs."""
    return unicodedata.category(character) in ("Nd", "Nl", "No")


def number_spans(text: str) -> Iterator[re.Match[str]]:
    """Where the numbers of a text stand: numerals, with full stops and commas between them."""
    return NUMBER.finditer("".join("0" if is_numeral(c) else c for c in text))


def sentence_at(text: str, position: int) -> str:
    """The sentence of a text that holds a position, cut where it is long."""
    start = 0
    sentence = text
    for end in [m.start() for m in SENTENCE.finditer(text)] + [len(text)]:
        if position < end:
            sentence = text[start:end].strip()
            break
        start = end
    sentence = sentence.replace("\N{NO-BREAK SPACE}", " ")
    return sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 1]}…"


def tokens(passage: Passage, *, drawn: Iterable[str] = ()) -> list[Token]:
    """Numbers of a passage, in order.

    Parameters
    ----------
    passage : Passage
        Of a document or of a page.
    drawn : iterable of str
        Structures whose numbers a format does not write: they are passed over.
    """
    left_out = frozenset(drawn)
    kept = [r for r in passage.runs if not (r.owner and r.owner.structure in left_out)]
    text = "".join(run.text for run in kept)
    owners = _keys(kept)
    return [
        Token(
            text[slice(*span.span())],
            tuple(dict.fromkeys(key for key in owners[slice(*span.span())] if key)),
            passage.place,
            sentence_at(text, span.start()),
            passage.line,
            _is_wrapped(text, span.start()),
        )
        for span in number_spans(text)
    ]


def _keys(runs: Iterable[Run]) -> list[str]:
    """The key that answers for each character; empty where none does."""
    return [run.owner.key if run.owner else "" for run in runs for _ in run.text]


def _is_wrapped(text: str, start: int) -> bool:
    return re.search(r"\d[.,]?\n[.,]?$", text[:start]) is not None


def streams(
    passages: Iterable[Passage], *, drawn: Iterable[str] = (), left_out: Iterable[str] = ()
) -> dict[str, list[Token]]:
    """Numbers of passages by stream, each in order.

    Parameters
    ----------
    passages : iterable of Passage
        Those of other streams than `STREAMS` are furniture, or are not printed by themselves.
    drawn : iterable of str
        Structures whose numbers a format does not write.
    left_out : iterable of str
        Blocks (`Passage.block`) that a format does not print.
    """
    drawn, unprinted = tuple(drawn), frozenset(left_out)
    found: dict[str, list[Token]] = {stream: [] for stream in STREAMS}
    for passage in passages:
        if passage.stream == CITED or passage.block in unprinted:
            continue
        if passage.stream in found:
            found[passage.stream] += tokens(passage, drawn=drawn)
    return found


def differences(
    expected: Sequence[Token], found: Sequence[Token], page: str, *, keyed: bool
) -> list[Problem]:
    """Where a page prints other numbers than the document that the gate judged.

    Parameters
    ----------
    expected : sequence of Token
        Of the document.
    found : sequence of Token
        Of the page.
    page : str
        What messages call the page.
    keyed : bool
        Whether the page says the keys of its numbers.

    Returns
    -------
    list of Problem
        The first `_MOST`, and how many more there are.
    """
    found = _unwrapped(expected, found)
    said, judged = ([_said(t, keyed) for t in side] for side in (found, expected))
    if said == judged:
        return []
    head = _common(said, judged)
    tail = _common(said[head:][::-1], judged[head:][::-1])
    said, judged = said[head : len(said) - tail], judged[head : len(judged) - tail]
    matcher = SequenceMatcher(None, judged, said, autojunk=False)
    problems = [
        _difference(expected[head + i : head + j], found[head + k : head + m], before, page)
        for name, i, j, k, m in matcher.get_opcodes()
        if name != "equal"
        for before in [expected[head + i - 1] if head + i else None]
    ]
    if len(problems) > _MOST:
        what = f"{len(problems) - _MOST} more numbers differ"
        problems = [*problems[:_MOST], Problem(page, 0, "", what)]
    return problems


def _unwrapped(expected: Sequence[Token], found: Sequence[Token]) -> list[Token]:
    """Tokens of a page, those joined that are one in the document and broken by a line's end."""
    judged = [token.text for token in expected]
    joined: list[Token] = []
    for token in found:
        if token.wrapped and joined:
            at = len(joined) - 1
            whole = [f"{joined[-1].text}{mark}{token.text}" for mark in (".", ",", "")]
            match = next((w for w in whole if judged[at : at + 1] == [w]), None)
            partial = next((w for w in whole if at < len(judged) and judged[at].startswith(w)), "")
            if match or partial:
                joined[-1] = _joined(joined[-1], match or partial)
                continue
        joined.append(token)
    return joined


def _joined(token: Token, text: str) -> Token:
    return Token(text, token.keys, token.place, token.sentence, token.line)


def _said(token: Token, keyed: bool) -> tuple[str, tuple[str, ...]]:
    return token.text, token.keys if keyed else ()


def _common(one: Sequence[object], other: Sequence[object]) -> int:
    """How many items two sequences begin with alike."""
    pairs = zip(one, other, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _difference(
    expected: Sequence[Token], found: Sequence[Token], before: Token | None, page: str
) -> Problem:
    at = next(iter([*expected, *found]))
    place = at.place if expected else _behind(before, at)
    read = f"“{found[0].sentence}”" if found else "nothing"
    accepted = f"“{expected[0].sentence}”" if expected else "no number here"
    printed, judged = _listed(found), _listed(expected)
    what = f"the page prints {printed} where the document that the gate judged has {judged}"
    line = found[0].line if found else 0
    return Problem(page, line, place, what, read, accepted)


def _behind(before: Token | None, at: Token) -> str:
    return at.place or (f"behind {before.place}" if before else "at the beginning")


def _listed(tokens: Sequence[Token]) -> str:
    shown = [f"“{t.text}”" + (f" ({', '.join(t.keys)})" if t.keys else "") for t in tokens[:5]]
    more = [f"{len(tokens) - 5} more"] if len(tokens) > 5 else []
    return ", ".join([*shown, *more]) or "no number"


def bindings(
    passages: Iterable[Passage], numbers: Mapping[str, Mapping[str, object]], page: str
) -> Iterator[Problem]:
    """Keyed texts of a page that are not the registry's.

    Parameters
    ----------
    passages : iterable of Passage
        Of a page that says the keys of its numbers.
    numbers : mapping
        The registry: key -> entry with ``text``.
    page : str
        What messages call the page.
    """
    for passage in passages:
        for key, text in _bound(passage.runs):
            says = f"“{numbers[key]['text']}”" if key in numbers else "nothing"
            if key not in numbers or _words(text) != _words(str(numbers[key]["text"])):
                what = f"the text of {key} is not the registry's"
                sentence = sentence_at(passage.text, max(passage.text.find(text), 0))
                read = f"“{text}” in “{sentence}”"
                yield Problem(page, passage.line, passage.place or key, what, read, says)


def _bound(runs: Iterable[Run]) -> Iterator[tuple[str, str]]:
    """Key and text of each element of a page that names a key; its runs share one owner."""
    for _, own in groupby(runs, key=lambda run: id(run.owner)):
        shared = list(own)
        if shared[0].owner and shared[0].owner.key:
            yield shared[0].owner.key, "".join(run.text for run in shared)


def _words(text: str) -> str:
    return " ".join(text.split(" "))
