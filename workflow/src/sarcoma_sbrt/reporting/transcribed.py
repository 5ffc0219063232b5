"""Registry entries of transcribed numbers: as printed, each with where it is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from sarcoma_sbrt.evidence.published import Figure, Published, Study
from sarcoma_sbrt.reporting.numbers import text_entry
from sarcoma_sbrt.reporting.value_labels import (
    part,
    place,
    prescription,
    study_locator,
    study_place,
)

__all__ = ["STAGE", "published_entries"]

# The source of these entries: no rule computed them.
STAGE = "published"

_NUMERAL = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
# What a figure gives beside its estimate is not measured in the estimate's unit.
_UNITS = {".p": "p", ".n": "count", ".events": "count"}


def published_entries(published: Published) -> dict[str, dict[str, Any]]:
    """Registry entries of every printed number, as ``published.<study>...``.

    Beside its own key a number gives, as far as they are printed, ``.low`` and ``.high`` (its
    confidence limits), ``.least`` and ``.most`` (its range), ``.p``, ``.n`` and ``.events``, and
    always ``.locator`` and ``.place`` (shorter); ``.part`` where it is of a part of the study.
    What a table of numbers cannot use as printed has another text beside it, whose locator ends
    in the printed one: ``.digits`` of a number in words, ``.dose`` of a prescription
    ("50 Gy/4–5 fx"), ``.years`` of a period ("2010–2014").
    Studies give ``published.<study>.label`` and ``.place``.
    """
    entries: dict[str, dict[str, Any]] = {}
    for figure in published.figures.values():
        for suffix, value, text in _parts(figure):
            key = f"published.{figure.key}{suffix}"
            entries[key] = _entry(figure, key, value, text, _UNITS.get(suffix))
        for suffix, value, text in _in_one_form(figure):
            key = f"published.{figure.key}{suffix}"
            entries[key] = _entry(figure, key, value, text) | {"locator": _with_printed(figure)}
    papers = {f.paper: f.locator.partition(", ")[0] for f in published.figures.values()}
    for study in published.studies.values():
        texts = {"label": study.label, "place": study_place(study.locator, papers)}
        for name, text in texts.items():
            key = f"published.{study.study_id}.{name}"
            entries[key] = _study_entry(study, key, text, papers)
    return entries


def _study_entry(study: Study, key: str, text: str, papers: Mapping[str, str]) -> dict[str, Any]:
    population = {"role": study.role, "site": study.site, "citation": study.citation}
    return text_entry(key, text, "transcribed") | {
        "source": STAGE,
        "columns": ["published.studies"],
        "rows": {"file": f"data/published/{_name(study.file)}", "line": study.line},
        "locator": study_locator(study.locator, papers),
        "support": "printed",
        "population": population,
    }


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
    yield ".place", place(figure), place(figure)
    if of := part(figure):
        yield ".part", of, of


def _in_one_form(figure: Figure) -> Iterator[tuple[str, float | str, str]]:
    """Suffix, value and text of what is printed in words, or in one of several forms."""
    if figure.estimate is not None and figure.printed_text and not _NUMERAL.search(_said(figure)):
        yield ".digits", figure.estimate, f"{figure.estimate:g}"
    if figure.measure == "schedule" and (dose := prescription(figure)):
        yield ".dose", dose, dose
    if figure.measure == "period" and figure.range_low and figure.range_high:
        ends = (figure.range_low, figure.range_high)
        years = "–".join(str(int(end) // 100 if end > 9999 else int(end)) for end in ends)
        yield ".years", years, years


def _said(figure: Figure) -> str:
    return figure.printed_text or figure.printed_range


def _with_printed(figure: Figure) -> str:
    return f"{figure.locator}, printed “{_said(figure)}”"


def _entry(
    figure: Figure, key: str, value: float | str | None, text: str, unit: str | None = None
) -> dict[str, Any]:
    return text_entry(key, text, "transcribed") | {
        "value": value,
        "unit": "text" if isinstance(value, str) else unit or figure.unit,
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
