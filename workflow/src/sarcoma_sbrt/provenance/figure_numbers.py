"""The numbers of a figure: what its SVG says against what its sidecar says, both ways."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as XML

from sarcoma_sbrt.errors import Problem
from sarcoma_sbrt.provenance.page_tokens import number_spans

__all__ = ["Figure", "figure", "file_problems", "picture_problems"]

_SVG = "{http://www.w3.org/2000/svg}"
_KEYED = re.compile(r"number_\d+")
_TICK = re.compile(r"[xy]tick_\d+")


@dataclass(frozen=True)
class Said:
    """A text of a figure: the group that holds it, its lines, and whether it names a tick."""

    group: str
    text: str
    is_tick: bool


@dataclass(frozen=True)
class Figure:
    """What was found in a figure.

    Attributes
    ----------
    numbers, ticks : int
        Numbers with a key, and names of ticks.
    names : dict
        Rule of coverage.yaml -> how many numbers it sets aside as part of a name.
    tokens : tuple of str
        Every number of the SVG, in its order.
    problems : list of Problem
    """

    numbers: int
    ticks: int
    names: dict[str, int]
    tokens: tuple[str, ...]
    problems: list[Problem]


def figure(
    svg: str,
    sidecar: Mapping[str, Any],
    numbers: Mapping[str, Mapping[str, Any]],
    patterns: Mapping[str, re.Pattern[str]],
    file: str,
    *,
    ticks: bool = True,
) -> Figure:
    """Hold a figure against its sidecar.

    Parameters
    ----------
    svg : str
        The figure, its text as text.
    sidecar : mapping
        ``figures/<name>.numbers.json`` (`drawn_numbers.sidecar`).
    numbers : mapping
        Registry, and what else a figure draws by key (`figures.flow_counts`).
    patterns : mapping
        Named rules of coverage.yaml for numerals that are part of a name.
    file : str
        What messages call the figure.
    ticks : bool
        Whether the rule ``axis_tick`` holds.

    Returns
    -------
    Figure
    """
    texts = list(_texts(XML.fromstring(svg)))
    keyed = {said.group: said for said in texts if said.group}
    problems = [*_missing(sidecar, keyed, numbers, file), *_ticks(sidecar, texts, file, ticks)]
    bare = [said for said in texts if said.group or not (said.is_tick and ticks)]
    names: Counter[str] = Counter()
    for said in bare:
        problems += _unaccounted(said, _parts(sidecar, said.group), patterns, names, file)
    named = dict(sorted(names.items()))
    found = tuple(token for said in texts for token in _tokens(said.text))
    return Figure(len(sidecar["numbers"]), len(sidecar["ticks"]), named, found, problems)


def _texts(root: XML.Element) -> Iterator[Said]:
    """Texts of an SVG in its order; the lines of one that has a key are one text."""

    def read(element: XML.Element, is_tick: bool) -> Iterator[Said]:
        identifier = element.get("id") or ""
        is_tick = is_tick or _TICK.fullmatch(identifier) is not None
        if _KEYED.fullmatch(identifier):
            lines = ["".join(text.itertext()) for text in element.iter(f"{_SVG}text")]
            yield Said(identifier, "\n".join(lines), is_tick)
        elif element.tag == f"{_SVG}text":
            yield Said("", "".join(element.itertext()), is_tick)
        else:
            for child in element:
                yield from read(child, is_tick)

    return read(root, False)


def _parts(sidecar: Mapping[str, Any], group: str) -> list[Mapping[str, str]]:
    return [entry for entry in sidecar["numbers"] if group and entry["at"] == group]


def _tokens(text: str) -> list[str]:
    return [text[slice(*span.span())] for span in number_spans(text)]


def _missing(
    sidecar: Mapping[str, Any],
    keyed: Mapping[str, Said],
    numbers: Mapping[str, Mapping[str, Any]],
    file: str,
) -> Iterator[Problem]:
    """Numbers of the sidecar that the figure does not draw, or that are not the registry's."""
    for entry in sidecar["numbers"]:
        key, text = entry["key"], entry["text"]
        registered = str(numbers[key]["text"]) if key in numbers else None
        if registered is None or not _is_of(text, registered):
            what = f"the text of {key} is not the registry's"
            accepted = "nothing" if registered is None else f"“{registered}”"
            yield Problem(file, 0, key, what, f"“{text}”", accepted)
        said = keyed.get(entry["at"])
        if said is None or text not in said.text:
            what = f"{key} is in the sidecar and not in the figure"
            yield Problem(file, 0, entry["at"], what, said.text if said else "nothing", f"“{text}”")


def _is_of(drawn: str, registered: str) -> bool:
    """Whether a text is the registry's, but for its first capital, or a line of it."""
    drawn, registered = (" ".join(t.split()).casefold() for t in (drawn, registered))
    return re.search(rf"(?<!\S){re.escape(drawn)}(?!\S)", registered) is not None


def _ticks(
    sidecar: Mapping[str, Any], texts: Sequence[Said], file: str, holds: bool
) -> Iterator[Problem]:
    """The difference between the ticks of the sidecar and those of the figure."""
    if not holds:
        return
    drawn = [said.text for said in texts if said.is_tick and not said.group and _tokens(said.text)]
    if drawn != list(sidecar["ticks"]):
        at = next(
            (i for i, (a, b) in enumerate(zip(drawn, sidecar["ticks"], strict=False)) if a != b),
            min(len(drawn), len(sidecar["ticks"])),
        )
        read = f"“{drawn[at]}”" if at < len(drawn) else "nothing"
        accepted = f"“{sidecar['ticks'][at]}”" if at < len(sidecar["ticks"]) else "nothing"
        what = f"tick {at + 1} is not the sidecar's"
        yield Problem(file, 0, "axis_tick", what, read, accepted)


def _unaccounted(
    said: Said,
    entries: Sequence[Mapping[str, str]],
    patterns: Mapping[str, re.Pattern[str]],
    names: Counter[str],
    file: str,
) -> Iterator[Problem]:
    """Numbers of a text that neither a key nor a name answers for."""
    answered: list[str | None] = [None] * len(said.text)
    start = 0
    for entry in entries:
        at = said.text.find(entry["text"], start)
        if at >= 0:
            start = at + len(entry["text"])
            answered[at:start] = [""] * len(entry["text"])
    for name, pattern in patterns.items():
        for match in pattern.finditer(said.text):
            if set(answered[slice(*match.span())]) == {None}:
                answered[slice(*match.span())] = [name] * len(match[0])
    for span in number_spans(said.text):
        owners = set(answered[slice(*span.span())])
        if len(owners) == 1 and None not in owners:
            names.update(name for name in owners if name)
        else:
            number = said.text[slice(*span.span())]
            what = f"“{number}” has no key and no rule"
            text = " ".join(said.text.split())
            accepted = "a number of the registry, or a rule of coverage.yaml"
            yield Problem(file, 0, said.group or "text", what, f"“{text}”", accepted)


def picture_problems(texts: Sequence[str], figures: Sequence[Figure], page: str) -> list[Problem]:
    """Numbers in the pictures of a page that redraws them, against those of the figures.

    Parameters
    ----------
    texts : sequence of str
        Text of each picture of the page, in order.
    figures : sequence of Figure
        The figures that the document shows, in order.
    page : str
        What messages call the page.
    """
    if len(texts) != len(figures):
        what = "the page does not show the document's pictures"
        return [Problem(page, 0, "pictures", what, str(len(texts)), str(len(figures)))]
    problems = []
    for at, (text, shown) in enumerate(zip(texts, figures, strict=True), start=1):
        drawn, expected = Counter(_tokens(text)), Counter(shown.tokens)
        if drawn != expected:
            more, fewer = (
                sorted((drawn - expected).elements()),
                sorted((expected - drawn).elements()),
            )
            what = "the picture does not say the numbers of its figure"
            read, accepted = ", ".join(more) or "none more", ", ".join(fewer) or "none fewer"
            problems.append(Problem(page, 0, f"picture {at}", what, read, accepted))
    return problems


def file_problems(
    found: Sequence[str], expected: Mapping[str, str], shown: Sequence[str], page: str
) -> list[Problem]:
    """Pictures that a page holds, against the files of the figures.

    Parameters
    ----------
    found : sequence of str
        SHA-256 of the page's pictures, in order.
    expected : mapping
        Figure -> SHA-256 of its file.
    shown : sequence of str
        Figures that the document shows, in order.
    page : str
        What messages call the page.
    """
    if len(found) != len(shown):
        what = "the page does not show the document's pictures"
        return [Problem(page, 0, "pictures", what, str(len(found)), str(len(shown)))]
    what = "the picture is not the file of its figure"
    return [
        Problem(page, 0, f"picture {at}", what, digest[:16], f"{name}: {expected[name][:16]}")
        for at, (digest, name) in enumerate(zip(found, shown, strict=True), start=1)
        if digest != expected[name]
    ]
