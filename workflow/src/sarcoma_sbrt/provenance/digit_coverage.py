"""The coverage gate: every digit that the manuscript prints has a key, or a rule by name."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarcoma_sbrt.errors import InputError, Problem, RenderError
from sarcoma_sbrt.io import line_of, read_yaml
from sarcoma_sbrt.provenance.furniture import FURNITURE
from sarcoma_sbrt.provenance.page_tokens import number_spans, sentence_at
from sarcoma_sbrt.provenance.passages import STRUCTURES, Owner, Passage
from sarcoma_sbrt.provenance.places import SourceLine, Sources

__all__ = ["AXIS_TICK", "Rules", "coverage", "read_rules"]

# The rule of figures: names of ticks are set aside (`figure_numbers`).
AXIS_TICK = "axis_tick"

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
        "furniture": {
            "type": "object",
            "propertyNames": {"enum": [*FURNITURE, AXIS_TICK]},
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


@dataclass(frozen=True)
class Rules:
    """Named rules that set digits aside.

    Attributes
    ----------
    structures : frozenset of str
        Of `STRUCTURES`.
    patterns : mapping
        Name -> regular expression of the whole name that holds the digits.
    furniture : frozenset of str
        Of `FURNITURE`, and `AXIS_TICK`: what pages and figures have beside the document.
    """

    structures: frozenset[str]
    patterns: Mapping[str, re.Pattern[str]]
    furniture: frozenset[str] = frozenset()


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
        Problem(str(path), line_of(path, key), key, "not a regular expression", pattern)
        for name, pattern in patterns.items()
        if not _compiles(pattern)
        for key in [f"patterns.{name}.matches"]
    ]
    if problems:
        raise InputError(problems)
    compiled = {name: re.compile(pattern) for name, pattern in patterns.items()}
    furniture = frozenset(content.get("furniture", {}))
    return Rules(frozenset(content["structures"]), compiled, furniture)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def coverage(
    passages: Iterable[Passage],
    numbers: Mapping[str, Mapping[str, Any]],
    rules: Rules,
    lines: Sequence[SourceLine] = (),
    *,
    folder: str = "",
) -> dict[str, Any]:
    """Account for every digit that a document prints.

    Parameters
    ----------
    passages : iterable of Passage
        `passages.passages` of pandoc's JSON after filters and citations
        (`rendering.embedded.document`).
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
    sources = Sources(lines, folder)
    for passage in passages:
        problems += _binding_problems(passage, numbers, sources)
        for token, rule in _tokens(passage, rules):
            if rule is None:
                problems.append(_unaccounted(passage, token, sources))
            elif rule.key:
                counts[numbers.get(rule.key, {}).get("kind", "computed")] += 1
            else:
                set_aside[rule.structure] += 1
    if problems:
        raise RenderError(problems)
    printed = counts.total() + set_aside.total()
    aside = dict(sorted(set_aside.items()))
    return {"coverage": {"printed": printed, **counts, "set_aside": aside, "unaccounted": []}}


def _tokens(passage: Passage, rules: Rules) -> Iterator[tuple[re.Match[str], Owner | None]]:
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
                    owners[i] = Owner(structure=name)
    for token in number_spans(text):
        for owner in _answers(token[0], owners[slice(*token.span())]):
            yield token, owner


def _answers(token: str, owners: Sequence[Owner | None]) -> list[Owner | None]:
    """What answers for a token: one owner, or one for each part between its separators.

    A token of which one digit is bare is bare as a whole.
    """
    parts = [set(owners[slice(*part.span())]) for part in re.finditer("0+", token)]
    if any(len(part) > 1 or None in part for part in parts):
        return [None]
    answers = [part.pop() for part in parts]
    return [owner for i, owner in enumerate(answers) if i == 0 or owner != answers[i - 1]]


def _binding_problems(
    passage: Passage,
    numbers: Mapping[str, Mapping[str, Any]],
    sources: Sources,
) -> Iterator[Problem]:
    for run in passage.runs:
        key = run.owner.key if run.owner else ""
        if key and (key not in numbers or run.text != numbers[key]["text"]):
            says = f"“{numbers[key]['text']}”" if key in numbers else "nothing"
            what = f"the text of {key} is not the registry's, in {passage.place}"
            file, number = sources.of_key(key, passage.text, passage.place)
            yield Problem(file, number, key, what, f"“{run.text}”", says)


def _unaccounted(passage: Passage, token: re.Match[str], sources: Sources) -> Problem:
    number = passage.text[slice(*token.span())]
    sentence = sentence_at(passage.text, token.start())
    file, line = sources.of_text(number, sentence, passage.place)
    what = f"“{number}” has no key and no rule"
    accepted = "{{< num key >}}, or a rule of coverage.yaml"
    return Problem(file, line, passage.place, what, f"“{sentence}”", accepted)
