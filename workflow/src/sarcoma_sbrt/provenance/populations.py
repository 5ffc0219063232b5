"""Whom a number is of, in words: what was counted, and which of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sarcoma_sbrt.provenance.descriptions import Numbers, exact

__all__ = ["counted", "population"]

_ENDPOINTS = "endpoints/"
# What the rows of a table are; of an endpoint the configuration says it.
_ROWS = {
    "patients": "patients",
    "lesions": "lesions",
    "courses": "courses",
    "toxicities": "recorded toxicities",
    "treatments": "recorded treatments",
    "published.outcomes": "published outcomes",
}
# What is counted in a table, where it is not the rows.
_COUNTED = {"toxicities": "patients", "treatments": "patients"}
# A rate of an endpoint's curve has as its n those still at risk, and the events until then.
_AT_A_TIME = re.compile(r"(\w+)\..*\b(?:rate|cif(?:_[a-z]+)*)_(\d+)m")


def counted(entry: Mapping[str, Any], numbers: Numbers) -> str:
    """How many units a number rests on, and how many had the event; empty where it has no n."""
    n, events = entry.get("n"), entry.get("events")
    if n is None:
        return ""
    table = str((entry.get("population") or {}).get("table") or "")
    units = _counted_units(entry, table, numbers)
    if events is None:
        return _count(n, units)
    if not table.startswith(_ENDPOINTS):
        return f"{exact(events)} of {_count(n, units)}"
    rate = _AT_A_TIME.fullmatch(str(entry.get("of") or entry.get("key") or ""))
    if rate is None or rate[1] != table.removeprefix(_ENDPOINTS):
        return f"{_count(n, units)}, {_count(events, 'events')}"
    at_risk = f"{_count(n, units)} at risk at {rate[2]} months"
    return f"{at_risk}, {_count(events, 'events')} until then"


def _units(table: str, numbers: Numbers) -> str:
    """What a table has one row for, in the plural; empty where that is not known."""
    if not table.startswith(_ENDPOINTS):
        return _ROWS.get(table, "")
    name = table.removeprefix(_ENDPOINTS)
    unit = _text(numbers, f"config.endpoints.endpoints.{name}.unit")
    return f"{unit}s" if unit else ""


def _counted_units(entry: Mapping[str, Any], table: str, numbers: Numbers) -> str:
    """What is counted, in the plural; empty where no table and no paper says it."""
    if table and not table.startswith("published."):
        return _COUNTED.get(table) or _units(table, numbers)
    parts = str(entry.get("key") or "").split(".")
    rates = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    units = (_text(numbers, f"{rate}.unit_of_analysis") for rate in rates)
    return next((f"{unit}s" for unit in units if unit), "")


def _count(number: int, units: str) -> str:
    """``1 event``, ``28 events``."""
    return f"{exact(number)} {units.removesuffix('s') if number == 1 else units}".rstrip()


def population(entry: Mapping[str, Any], numbers: Numbers) -> str:
    """Which units a number describes: ``patients followed for overall survival; grade: G1``."""
    about = entry.get("population") or {}
    wanted = about.get("filter") or {}
    parts = [_whom(about, numbers), *(_chosen(name, wanted[name], numbers) for name in wanted)]
    if about.get("death_gap_months") is not None:
        parts.append(_deaths(about["death_gap_months"]))
    if about.get("not_pooled"):
        parts.append(f"not pooled: {about['not_pooled']}")
    return "; ".join(filter(None, parts))


def _whom(about: Mapping[str, Any], numbers: Numbers) -> str:
    table = str(about.get("table") or "")
    if table.startswith(_ENDPOINTS):
        name = table.removeprefix(_ENDPOINTS)
        followed = _text(numbers, f"endpoint.{name}.label_lower", name)
        whom = f"{_units(table, numbers) or 'units'} followed for {followed}"
    elif table:
        whom = _ROWS.get(table, table)
    else:
        study = str(about.get("study_id") or about.get("citation") or about.get("paper") or "")
        return _text(numbers, f"published.{study}.label", study)
    return whom if about.get("filter") else f"all {whom}"


def _chosen(name: str, wanted: Any, numbers: Numbers) -> str:
    """One condition of a population, in words."""
    listed = wanted if isinstance(wanted, list) else [wanted]
    if name == "recorded":
        recorded = _listed([_covariate(one, numbers) for one in listed], "and")
        return f"with {recorded} recorded"
    if name == "time_months":
        return f"at {_listed([exact(one) for one in listed], 'and')} months"
    if name == "endpoint":
        return _listed([_text(numbers, f"endpoint.{e}.label_lower", e) for e in listed], "or")
    if name == "study_id":
        return _listed([_text(numbers, f"published.{one}.label", one) for one in listed], "or")
    return f"{_covariate(name, numbers)}: {_values(name, listed, numbers)}"


def _covariate(name: str, numbers: Numbers) -> str:
    """A covariate as it stands within a sentence; an abbreviation keeps its capitals."""
    said = _text(numbers, f"covariate.{name}.label", name.replace("_", " "))
    return said if said[1:2].isupper() else said[:1].lower() + said[1:]


def _values(covariate: str, codes: Sequence[Any], numbers: Numbers) -> str:
    """The words of a covariate's codes; of both, those of its contrast."""
    contrast = f"covariate.{covariate}.contrast"
    if sorted(map(str, codes)) == ["0", "1"] and contrast in numbers:
        return _text(numbers, contrast)
    return _listed([_value(covariate, code, numbers) for code in codes], "or")


def _value(covariate: str, code: Any, numbers: Numbers) -> str:
    """The words of a covariate's code: 1 is its level, 0 its reference."""
    words = {0: "reference", 1: "level"}.get(code) if _is_number(code) else None
    spoken = exact(code) if _is_number(code) else str(code).replace("_", " ")
    return _text(numbers, f"covariate.{covariate}.{words}", spoken) if words else spoken


def _listed(parts: Sequence[str], joint: str) -> str:
    """``a, b or c``."""
    before, last = ", ".join(parts[:-1]), parts[-1] if parts else ""
    return f"{before} {joint} {last}" if before else last


def _deaths(gap: float | str) -> str:
    """Which deaths count, by the longest time that a unit may have gone unseen before."""
    if gap == "unlimited":
        return "a death counts however long after the last assessment"
    if not gap:
        return "no death after the last assessment counts"
    return f"a death counts up to {exact(gap)} months after the last assessment"


def _text(numbers: Numbers, key: str, otherwise: str = "") -> str:
    return str(numbers[key]["text"]) if key in numbers else otherwise


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
