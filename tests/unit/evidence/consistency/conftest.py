"""Hand-made printed figures."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from sarcoma_sbrt.evidence.published import Figure, Study

WORDS = {"Thirteen": 13.0}


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*", text)]


def made(
    key: str, text: str = "", *, ci: str = "", span: str = "", p: str = "", **cells: Any
) -> Figure:
    """A figure whose numbers are those of its printed texts.

    Study and endpoint are the first two parts of the key; a count in Table 1 of the study's own
    paper, unless the cells say otherwise.
    """
    study, endpoint = key.split(".")[:2]
    given: dict[str, Any] = {
        "study_id": study,
        "paper": study,
        "place": "table_1",
        "row": "a row",
        "column": "a column",
        "measure": "count",
        "endpoint": endpoint,
        "printed_text": text,
        "printed_ci": ci,
        "printed_range": span,
        "printed_p": p,
    }
    if text and cells.get("measure") != "schedule":
        given["estimate"] = WORDS[text] if text in WORDS else numbers(text)[0]
    if ci:
        given |= dict(zip(("ci_low", "ci_high"), numbers(ci), strict=True)) | {"ci_level": 95.0}
    if span:
        given |= dict(zip(("range_low", "range_high"), numbers(span), strict=True))
    if p:
        given |= {"p": numbers(p)[0], "p_relation": "<" if p.startswith("<") else "="}
        given["printed_p"] = p.removeprefix("<")
    return Figure(key, **given | cells)


@pytest.fixture(scope="session")
def figure() -> Callable[..., Figure]:
    """Maker of figures, see `made`."""
    return made


@pytest.fixture(scope="session")
def rate(figure: Callable[..., Figure]) -> Callable[..., Figure]:
    """Maker of a Kaplan-Meier rate: group, months, printed text, n."""

    def made(group: str, months: int, text: str, n: int | None, **cells: object) -> Figure:
        key = f"a2000.os.{group}{'.' if group else ''}rate_{months}m"
        given = {
            "measure": "rate",
            "unit": "percent",
            "estimator": "kaplan_meier",
            "time_months": float(months),
            "subgroup": group,
            "n": n,
        }
        return figure(key, text, **given | cells)

    return made


@pytest.fixture(scope="session")
def study() -> Callable[..., Study]:
    """Maker of a study, all that is not given not printed."""

    def made(study_id: str, patients: int | None = None, lesions: int | None = None) -> Study:
        lists = ("reported_in", "members", "schedules")
        given: dict[str, Any] = {f.name: () if f.name in lists else "" for f in fields(Study)}
        numbers = {f.name: None for f in fields(Study) if "None" in str(f.type)}
        return Study(
            **given | numbers | {"study_id": study_id, "patients": patients, "lesions": lesions}
        )

    return made
