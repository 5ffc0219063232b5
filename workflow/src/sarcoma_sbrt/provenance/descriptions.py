"""What a reader is told of a registry entry, in words: one home for cards, appendix, explorer.

Nothing is rounded here: what is printed is the registry's text, and what is not printed stands at
full precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

__all__ = [
    "CHECKS",
    "SHORT_CHECKS",
    "SUPPORTS",
    "check",
    "counted",
    "exact",
    "interval",
    "population",
    "short_check",
    "short_source",
    "source",
    "support",
]

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
    "filler": "illustrative, constrained by no printed figure",
    "observed": "records of patients",
}


def exact(value: float | str | None) -> str:
    """A value at full precision; empty where there is none."""
    if value is None or isinstance(value, str):
        return value or ""
    return repr(value).removesuffix(".0")


def interval(entry: Mapping[str, Any], numbers: Mapping[str, Mapping[str, Any]]) -> str:
    """Limits as they are printed where they are, with level and method; empty without any.

    A companion (a limit, the stated form) has those of the number that it belongs to.
    """
    ci = entry.get("ci")
    if not ci:
        of = str(entry.get("of") or "")
        return interval(numbers[of], numbers) if numbers.get(of, {}).get("ci") else ""
    low, high = (_limit(entry, numbers, end) for end in ("low", "high"))
    level = f"{_percent(ci['level'])}% CI" if ci.get("level") else "CI"
    return f"{low} to {high} ({', '.join(part for part in (level, ci.get('method')) if part)})"


def _percent(share: float) -> str:
    return format((Decimal(repr(share)) * 100).normalize(), "f")


def _limit(entry: Mapping[str, Any], numbers: Mapping[str, Mapping[str, Any]], end: str) -> str:
    companion = numbers.get(f"{entry['key']}.{end}")
    return str(companion["text"]) if companion else exact(entry["ci"][end]) or "not estimable"


def counted(entry: Mapping[str, Any]) -> str:
    """How many units a number rests on, and how many had the event; empty where it has no n."""
    n, events = entry.get("n"), entry.get("events")
    if n is None:
        return ""
    return exact(n) if events is None else f"{exact(n)}, {exact(events)} with the event"


def population(entry: Mapping[str, Any]) -> str:
    """Which units a number describes: ``endpoints/os; grade 0; recorded: size``."""
    about = entry.get("population") or {}
    parts = [str(about[name]) for name in ("table", "citation", "paper") if about.get(name)]
    for name, wanted in (about.get("filter") or {}).items():
        listed = wanted if isinstance(wanted, list) else [wanted]
        said = " or ".join(exact(one) if _is_number(one) else str(one) for one in listed)
        parts.append(f"recorded: {', '.join(listed)}" if name == "recorded" else f"{name} {said}")
    if about.get("death_gap_months") is not None:
        parts.append(f"deaths up to {exact(about['death_gap_months'])} months later count")
    if about.get("not_pooled"):
        parts.append(f"not pooled: {about['not_pooled']}")
    return "; ".join(parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
