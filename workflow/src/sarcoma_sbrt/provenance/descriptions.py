"""What a reader is told of a registry entry, in words: one home for cards, appendix, explorer.

What is printed is the registry's text. What is not printed stands at full precision in the explorer
(`exact`), and in four significant digits on a card (`rounded`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

__all__ = [
    "CHECKS",
    "SHORT_CHECKS",
    "SUPPORTS",
    "check",
    "exact",
    "interval",
    "label",
    "rounded",
    "short_check",
    "short_source",
    "source",
    "support",
    "unit_beside",
]

Numbers = Mapping[str, Mapping[str, Any]]

# Status of a cross-check -> what it means.
CHECKS = {
    "independent": "recomputed by an engine that shares no code with the first",
    "metric_only": "the metric was recomputed from stored predictions",
    "replayed": "the same code was run again",
    "none": "not recomputed",
}
# The same as the appendix's letter.
SHORT_CHECKS = {"independent": "i", "metric_only": "m", "replayed": "r", "none": "–"}

SUPPORTS = {
    "printed": "printed figures constrain it",
    "inferred": "inferred from what is printed",
    "filler": "illustrative, not constrained by any printed figure",
    "observed": "records of patients",
}

SIGNIFICANT_DIGITS = 4
# Units that no reader would say behind a number.
_SILENT = ("constant", "count", "p", "text")


def exact(value: float | str | None) -> str:
    """A value at full precision; empty where there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    return repr(value).removesuffix(".0")


def rounded(value: float | str | None, digits: int | None = None) -> str:
    """A value in four significant digits, or in as many decimals as are printed where that is more.

    Parameters
    ----------
    value : float, str or None
        Whole numbers and texts stay as they are.
    digits : int, optional
        Decimals of the printed text.
    """
    said = exact(value)
    if isinstance(value, str) or not value or float(value).is_integer():
        return said
    number = Decimal(repr(value))
    decimals = max(SIGNIFICANT_DIGITS - 1 - number.adjusted(), digits or 0, 0)
    shown = round(number, decimals)
    return _plain(number if shown == number else shown)


def _plain(number: Decimal) -> str:
    """Without an exponent, unless zeros would have to be counted."""
    return format(number, "f" if number.adjusted() > -7 else "e")


def unit_beside(entry: Mapping[str, Any], text: str) -> str:
    """The unit to say behind a text: none that it has already, none that nobody would say."""
    unit = str(entry.get("unit") or "")
    told = text.endswith(unit) or (unit == "percent" and text.endswith("%"))
    return "" if told or unit in _SILENT else unit


def interval(
    entry: Mapping[str, Any],
    numbers: Numbers,
    say: Callable[[float | None], str] = exact,
) -> str:
    """Limits as they are printed where they are, with level and method; empty without any.

    A companion (a limit, the stated form) has those of the number that it belongs to.

    Parameters
    ----------
    entry : mapping
        Of the registry.
    numbers : mapping
        The registry.
    say : callable
        What becomes of a limit that is not printed.
    """
    ci = entry.get("ci")
    if not ci:
        of = str(entry.get("of") or "")
        return interval(numbers[of], numbers, say) if numbers.get(of, {}).get("ci") else ""
    low, high = (_limit(entry, numbers, end, say) for end in ("low", "high"))
    level = f"{_percent(ci['level'])}% CI" if ci.get("level") else "CI"
    return f"{low} to {high} ({', '.join(part for part in (level, ci.get('method')) if part)})"


def _percent(share: float) -> str:
    return format((Decimal(repr(share)) * 100).normalize(), "f")


def _limit(
    entry: Mapping[str, Any], numbers: Numbers, end: str, say: Callable[[float | None], str]
) -> str:
    companion = numbers.get(f"{entry['key']}.{end}")
    return str(companion["text"]) if companion else say(entry["ci"][end]) or "not estimable"


def label(entry: Mapping[str, Any], numbers: Numbers) -> str:
    """What must be known of the cohort, where a number rests on its rows; empty elsewhere."""
    rests = any(not column.startswith("published.") for column in entry.get("columns") or ())
    computed = entry.get("kind", "computed") == "computed"
    known = computed and rests and "cohort.label" in numbers
    return str(numbers["cohort.label"]["text"]) if known else ""


def source(entry: Mapping[str, Any]) -> str:
    """Where a number comes from: rule and files, the paper's place, or the configuration's key."""
    if entry.get("kind") == "transcribed":
        return _transcribed(entry)
    if entry.get("kind") == "configured":
        keys = ", ".join(entry.get("config") or [])
        return f"configuration: {keys}" if keys else "configuration"
    if not entry.get("rule"):
        return ""
    files = _files([one["path"] for one in entry.get("inputs") or []])
    return ", from ".join(part for part in (f"rule {entry['rule']}", files) if part)


def _transcribed(entry: Mapping[str, Any]) -> str:
    place = short_source(entry)
    locator = entry.get("locator") or ""
    return locator if place in ("", locator) else f"{locator} ({place})" if locator else place


def _files(paths: Sequence[str]) -> str:
    names = [PurePosixPath(path).name for path in paths]
    return (
        ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"
    )


def short_source(entry: Mapping[str, Any]) -> str:
    """The same in a word: the rule, ``file:line`` of a transcribed figure, or ``configuration``."""
    if entry.get("kind") == "configured":
        return "configuration"
    rows = entry.get("rows") or {}
    if entry.get("kind") == "transcribed":
        if "file" not in rows:
            return str(entry.get("locator") or "")
        return f"{PurePosixPath(rows['file']).name}:{rows['line']}"
    return str(entry.get("rule") or entry.get("source") or "")


def support(entry: Mapping[str, Any]) -> str:
    """What kind of data a number rests on; empty where the question has no sense."""
    mark = entry.get("support")
    return f"{mark}: {SUPPORTS[mark]}" if mark and entry.get("kind") == "computed" else ""


def check(entry: Mapping[str, Any], *, value: bool = True) -> str:
    """What became of the recomputation, in a sentence; empty where none applies.

    Parameters
    ----------
    entry : mapping
        Of the registry.
    value : bool
        Whether to say what the second engine gives, beside how near it comes.
    """
    found = entry.get("crosscheck")
    if not found:
        return ""
    said = f"{found['status'].replace('_', ' ')}: {CHECKS[found['status']]}"
    if found.get("engine"):
        said += f" ({found['engine']})"
    if value and found.get("value") is not None:
        said += f", which gives {exact(found['value'])}"
    said += _difference(found.get("difference"))
    return f"{said}; {found['reason']}" if found.get("reason") else said


def _difference(difference: float | None) -> str:
    """A bound, not a rounded number: the next power of ten."""
    if difference is None:
        return ""
    size = Decimal(repr(abs(difference)))
    return ", the same" if not size else f", within 1e{size.adjusted() + 1}"


def short_check(entry: Mapping[str, Any]) -> str:
    """Letter of `SHORT_CHECKS` and the engine; empty where no check applies."""
    found = entry.get("crosscheck")
    if not found:
        return ""
    return f"{SHORT_CHECKS[found['status']]} {found.get('engine') or ''}".rstrip()
