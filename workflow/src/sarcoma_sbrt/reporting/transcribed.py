"""Registry entries of transcribed figures: as printed, each with where it is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from sarcoma_sbrt.evidence.published import Figure, Published
from sarcoma_sbrt.reporting.numbers import text_entry

__all__ = ["STAGE", "published_entries"]

# The source of these entries: no rule computed them.
STAGE = "published"

_NUMERAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def published_entries(published: Published) -> dict[str, dict[str, Any]]:
    """Registry entries of every printed figure, as ``published.<study>...``.

    Beside its own key a figure gives, as far as they are printed, ``.low`` and ``.high`` (its
    confidence limits), ``.least`` and ``.most`` (its range), ``.p``, ``.n`` and ``.events``, and
    always ``.locator``. Studies give ``published.<study>.label``.
    """
    entries: dict[str, dict[str, Any]] = {}
    for figure in published.figures.values():
        for suffix, value, text in _parts(figure):
            key = f"published.{figure.key}{suffix}"
            entries[key] = _entry(figure, key, value, text)
    for study in published.studies.values():
        key = f"published.{study.study_id}.label"
        rows = {"file": f"data/published/{_name(study.file)}", "line": study.line}
        entries[key] = text_entry(key, study.label, "transcribed") | {
            "source": STAGE,
            "columns": ["published.studies"],
            "rows": rows,
            "locator": study.locator,
            "support": "printed",
            "population": {"role": study.role, "site": study.site},
        }
    return entries


def _parts(figure: Figure) -> Iterator[tuple[str, float | str | None, str]]:
    """Suffix, value and text of each number of a figure."""
    if figure.printed_text or figure.printed_range:
        yield "", figure.estimate, figure.printed_text or figure.printed_range
    ends = (
        (".low", ".high", figure.printed_ci, figure.ci_low, figure.ci_high),
        (".least", ".most", figure.printed_range, figure.range_low, figure.range_high),
    )
    for low, high, text, *values in ends:
        for suffix, value, said in zip((low, high), values, _NUMERAL.findall(text), strict=False):
            yield suffix, value, said
    counts = ((".p", figure.p, figure.printed_p), (".n", figure.n, figure.printed_n))
    for suffix, number, text in (*counts, (".events", figure.events, figure.printed_events)):
        if text:
            yield suffix, number, text
    yield ".locator", figure.locator, figure.locator


def _entry(figure: Figure, key: str, value: float | str | None, text: str) -> dict[str, Any]:
    return text_entry(key, text, "transcribed") | {
        "value": value,
        "unit": "text" if isinstance(value, str) else figure.unit,
        "digits": _decimals(text),
        "method": "as printed",
        "source": STAGE,
        "columns": [f"published.{PurePath(figure.file).stem}"],
        "rows": {"file": f"data/published/{_name(figure.file)}", "line": figure.line},
        "locator": figure.locator,
        "support": "printed",
        "population": {"study_id": figure.study_id, "paper": figure.paper},
        "duplicate_of": figure.duplicate_of,
        "n": figure.n,
        "events": figure.events,
        "p": figure.p,
    }


def _decimals(text: str) -> int | None:
    found = _NUMERAL.fullmatch(text)
    return len(text.partition(".")[2]) if found else None


def _name(file: str) -> str:
    """Path of a table below ``data/published``."""
    return re.sub(r"^.*data/published/", "", file)
