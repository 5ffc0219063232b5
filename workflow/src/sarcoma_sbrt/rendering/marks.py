"""What the page's script knows of the numbers that it marks: one JSON of those printed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sarcoma_sbrt.provenance import descriptions
from sarcoma_sbrt.provenance.populations import counted, population
from sarcoma_sbrt.rendering.source import Line, used_keys, without_comments
from sarcoma_sbrt.reporting.over_solutions import COUNT

__all__ = ["EXPLORER", "FIELDS", "cards", "embedded_script", "printed_keys"]

EXPLORER = "../audit/index.html"
"""The audit explorer, from the page's own folder."""

# What a card says below the value, in this order.
FIELDS = (
    "Data",
    "Interval",
    "p",
    "Method",
    "Rests on",
    "Population",
    "Source",
    "Support",
    "Cross-check",
)

# Ends of a script that a text could imitate; JSON may write any character by its number.
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def printed_keys(lines: Sequence[Line], numbers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Keys that the manuscript prints, each once, in the order of their first places.

    Parameters
    ----------
    lines : sequence of Line
        The expanded project.
    numbers : mapping
        Registry; a number with ``over_solutions`` prints its range behind it.
    """
    shown = [
        Line(line.file, line.number, text, line.within)
        for line, text in zip(lines, without_comments(lines), strict=True)
    ]
    found: dict[str, None] = {}
    for key, _ in used_keys(shown):
        found[key] = None
        if numbers[key].get("over_solutions") is not None:
            found |= dict.fromkeys((f"{key}.over_solutions", COUNT))
    return [key for key in found if key in numbers]


def cards(
    keys: Iterable[str], numbers: Mapping[str, Mapping[str, Any]]
) -> dict[str, str | list[str] | dict[str, list[Any]]]:
    """Data of the cards: phrases are said once, and a number names them by their places.

    Parameters
    ----------
    keys : iterable of str
        Of the numbers that are printed.
    numbers : mapping
        Registry.

    Returns
    -------
    dict
        ``explorer``: address; ``fields``: names; ``phrases``: texts; ``numbers``: key -> value in
        four significant digits with its unit (the explorer has all digits), then for each field
        the place of its phrase (0: nothing to say), zeros at the end left out.
    """
    phrases: dict[str, int] = {"": 0}
    told: dict[str, list[Any]] = {}
    for key in keys:
        entry = numbers[key]
        places = [phrases.setdefault(text, len(phrases)) for text in _fields(entry, numbers)]
        while places and places[-1] == 0:
            places.pop()
        told[key] = [_value(entry), *places]
    return {
        "explorer": EXPLORER,
        "fields": list(FIELDS),
        "phrases": list(phrases),
        "numbers": told,
    }


def _value(entry: Mapping[str, Any]) -> str:
    """The value that the text rounds; empty where the text is all there is."""
    value = entry.get("value")
    if value is None or isinstance(value, str | bool):
        return ""
    digits = entry.get("digits")
    said = _with_decimals(descriptions.rounded(value, digits), digits or 0)
    unit = descriptions.unit_beside(entry, said)
    return f"{said}%" if unit == "percent" else f"{said} {unit}".rstrip()


def _with_decimals(said: str, digits: int) -> str:
    """A number with zeros behind it, as far as it is printed with them."""
    number = Decimal(said)
    fewer = "e" not in said and -int(number.as_tuple().exponent) < digits
    return format(number, f".{digits}f") if fewer else said


def _fields(entry: Mapping[str, Any], numbers: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    own = {"key": "", "kind": "computed"} | dict(entry)
    return (
        descriptions.label(own, numbers),
        descriptions.interval(own, numbers, descriptions.rounded),
        # The p of a test that is itself the value is said once.
        "" if own.get("unit") == "p" else descriptions.rounded(own.get("p")),
        " · ".join(part for part in (own.get("method"), own.get("reason")) if part),
        counted(own, numbers),
        population(own, numbers),
        descriptions.source(own),
        descriptions.support(own),
        descriptions.check(own, value=False),
    )


def embedded_script(data: Mapping[str, Any], style: str, script: str) -> str:
    """What stands at the end of the page's body: style, data and script, nothing from elsewhere.

    Parameters
    ----------
    data : mapping
        `cards`.
    style, script : str
        The extension's ``marks.css`` and ``marks.js``.
    """
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character, number in UNSAFE.items():
        content = content.replace(character, number)
    return (
        f"<style>\n{style.strip()}\n</style>\n"
        f'<script type="application/json" id="printed-numbers">{content}</script>\n'
        f"<script>\n{script.strip()}\n</script>\n"
    )
