"""The committed list of how each statistic is checked: ``config/crosscheck.yaml``, applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.provenance.crosscheck.checks import Promise, Status

__all__ = ["Rule", "promised", "rules_of"]

_FILE = "config/crosscheck.yaml"
# Where a line names no keys: those of any statistic.
_EVERYTHING = ("*",)


@dataclass(frozen=True)
class Rule:
    """One line of the list.

    Attributes
    ----------
    methods, keys : tuple of str
        Shell patterns, one of which a statistic's method, and its key, must match.
    units : tuple of str
        Units that it holds of; empty for any.
    texts : tuple of str
        Shell patterns, one of which the value must match; empty for any.
    promise : Promise
        What is said of the statistics that match.
    """

    methods: tuple[str, ...]
    keys: tuple[str, ...]
    units: tuple[str, ...]
    texts: tuple[str, ...]
    promise: Promise

    def covers(self, record: Mapping[str, Any]) -> bool:
        """Whether the rule is about a statistic."""
        return (
            any(fnmatchcase(record["method"], pattern) for pattern in self.methods)
            and any(fnmatchcase(record["key"], pattern) for pattern in self.keys)
            and (not self.units or record["unit"] in self.units)
            and (not self.texts or any(fnmatchcase(str(record["value"]), t) for t in self.texts))
        )


def rules_of(content: Mapping[str, Any]) -> dict[str, tuple[Rule, ...]]:
    """Rules of each stage, in the order in which they are tried.

    Parameters
    ----------
    content : mapping
        ``config/crosscheck.yaml``, which satisfies ``workflow/schemas/crosscheck.schema.yaml``.
    """
    return {
        stage: tuple(
            Rule(
                methods=_several(line["method"]),
                keys=_several(line.get("keys", _EVERYTHING)),
                units=tuple(line.get("units", ())),
                texts=_several(line.get("texts", ())),
                promise=_promise(line),
            )
            for line in lines
        )
        for stage, lines in content["stages"].items()
    }


def promised(
    stage: str,
    records: Iterable[Mapping[str, Any]],
    rules: Mapping[str, tuple[Rule, ...]],
    line_of: Callable[[str], int] = lambda _: 0,
) -> dict[str, Promise]:
    """What the list says of each statistic of a stage, by key: the first rule that covers it.

    Parameters
    ----------
    stage : str
    records : iterable of mapping
        Its statistics, as their document holds them.
    rules : mapping
        From `rules_of`.
    line_of : callable
        Line of a key path in the list's file, for messages: `io.line_of` of it.

    Raises
    ------
    InputError
        For every method of a statistic, one of its keys named, of which the list says nothing.
    """
    found: dict[str, Promise] = {}
    unlisted: dict[str, str] = {}
    for record in records:
        rule = next((rule for rule in rules.get(stage, ()) if rule.covers(record)), None)
        if rule is None:
            unlisted.setdefault(record["method"], record["key"])
        else:
            found[record["key"]] = rule.promise
    if unlisted:
        place = f"stages.{stage}"
        line = line_of(place)
        raise InputError(_unlisted(line, place, *one) for one in unlisted.items())
    return found


def _unlisted(line: int, place: str, method: str, key: str) -> Problem:
    what = f"no line covers {key}"
    accepted = "a line whose method, keys and units match it"
    return Problem(_FILE, line, place, what, method, accepted)


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _promise(line: Mapping[str, Any]) -> Promise:
    tolerance = line.get("tolerance", {})
    status: Status = line["status"]
    return Promise(
        status=status,
        engine=line.get("engine", ""),
        absolute=float(tolerance.get("absolute", 0.0)),
        relative=float(tolerance.get("relative", 0.0)),
        reason=line.get("reason", ""),
    )
