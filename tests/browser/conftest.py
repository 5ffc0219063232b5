"""A browser without a network, and a small run's two pages: manuscript and audit explorer.

Where no chromium is found these tests are skipped, and say so; under CI a skip is a failure.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sarcoma_sbrt.io import write_text
from sarcoma_sbrt.provenance.explorer import Run, Template, page
from sarcoma_sbrt.rendering import marks, source

REPOSITORY = Path(__file__).resolve().parents[2]
TEMPLATES = REPOSITORY / "workflow" / "templates" / "explorer"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
SHA = "0f" * 32


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        said = f"none of {', '.join(BROWSERS)} is on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(f"browser tests may not be skipped under CI: {said}")
        pytest.skip(said)
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless chromium, the machine's own."""
    program = _chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@dataclass
class Watched:
    """A page of the browser, and all that it did which it should not."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def complain(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def request(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(f"asks the network for {request.url}")


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def any_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A page at either width; whatever it complains of fails the test."""
    yield from _watched(browser, viewport=request.param)


@pytest.fixture
def desktop(browser: Any) -> Iterator[Any]:
    """A page at the width of a desktop."""
    yield from _watched(browser, viewport=DESKTOP)


@pytest.fixture
def phone(browser: Any) -> Iterator[Any]:
    """A page of a phone that is touched."""
    yield from _watched(browser, viewport=PHONE, has_touch=True)


def _watched(browser: Any, **options: Any) -> Iterator[Any]:
    context = browser.new_context(**options)
    watched = Watched(context.new_page())
    watched.page.on("console", watched.complain)
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on("request", watched.request)
    yield watched.page
    context.close()
    assert watched.complaints == []


# --- what is looked at --------------------------------------------------------------------------

ROWS = {
    "units": {"endpoints/os": "0-36"},
    "canonical": {"patients": "0-36", "courses": "0-57"},
    "raw": {"data/cohorts/c/patients.csv": "2-38", "data/cohorts/c/courses.csv": "2-59"},
    "n": {"units": 37, "canonical": 95, "raw": 95},
}
HELD_AGAINST_A_FIGURE = ROWS | {"raw": {**ROWS["raw"], "data/published/targets/x.csv": "7"}}
LINEAGE = {
    "cohort": "c",
    "registration": {"rule": "numbers", "code": "numbers", "config": []},
    "printing": {
        rule: [f"workflow/scripts/{rule}.py"] for rule in ("tables", "assemble", "render")
    },
    "files": dict.fromkeys(ROWS["raw"], SHA),
    "environment": {"python": "3.11.7", "stages": {"kaplan_meier": {"lifelines": "0.30"}}},
    "columns": {
        "patients.grade": {"file": "data/cohorts/c/patients.csv"},
        "courses.start_day": {"file": "data/cohorts/c/courses.csv"},
    },
    "row_sets": {"5e70f00000000000": ROWS, "5e70f00000000001": HELD_AGAINST_A_FIGURE},
}
FLOW = {
    "screening": {"reviewed": 68, "excluded": 31, "reasons": ["no plan"], "enrolled": 37},
    "patients": {"read": 37, "analysed": 36, "excluded": [{"reason": "no course", "patients": 1}]},
    "tables": {
        "patients": {
            "file": "patients.csv",
            "rows_read": 37,
            "rows_kept": 37,
            "excluded": [],
            "canonical_rows": 37,
        }
    },
}
FINDINGS = [
    {
        "id": f"consistency.wald_p.{i}",
        "check": "wald_p",
        "verdict": ("consistent", "possible", "inconsistent")[i],
        "printed": f"{i} in 1–9",
        "recomputed": "",
        "arithmetic": f"1 ≤ {i} ≤ 9",
        "keys": ["os.median"],  # of the published figures
    }
    for i in range(3)
]


WORDS = {
    "cohort.label": "reconstructed from published statistics; not patients",
    "config.endpoints.endpoints.os.unit": "patient",
    "endpoint.os.label_lower": "overall survival",
}
# As many as need a comma to be read.
BULK = {f"bulk.{i}": "x" for i in range(1000)}
# Others that are printed as the median is, or hold its digits; keys that sort before it.
ALIKE = {
    "a.nowhere": {"text": "24.5", "kind": "computed"},
    "b.cell": {"text": "24.5", "kind": "computed"},
    "c.longer": {"text": "124.5", "kind": "computed"},
    "z.stated": {"text": "24.5 months", "unit": "months", "kind": "computed"},
    "published.x2022.place": {
        "text": "Table 1",
        "unit": "text",
        "kind": "transcribed",
        "locator": "X 2022, Results, survival, sentence 1",
    },
    # In its sentence a number stands in its stated form, which sorts behind the limits.
    "m.median": {"text": "31.0", "kind": "computed"},
    "m.median.high": {"text": "40.0", "kind": "computed", "of": "m.median"},
    "m.median.stated": {"text": "31.0 months", "kind": "computed", "of": "m.median"},
    "m.arithmetic": {
        "text": "so many of so many leave so many at risk, " * 20,
        "unit": "text",
        "kind": "computed",
    },
}
INTERVAL = "It was 31.0 months, 40.0 at most."
CLAIM = {"name": "longer", "of": "m", "says": "longer", "when": "m.median > 24.5"}


def _words(key: str, text: str) -> dict[str, Any]:
    return {"key": key, "text": text, "unit": "text", "kind": "configured"}


def _told(numbers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The registry of `tests/conftest.py` with an ancestry of its median."""
    check = {
        "status": "independent",
        "engine": "numpy",
        "value": 24.49,
        "difference": 0.0,
        "reason": "",
    }
    numbers = {k: {"key": k, "kind": "computed", "value": None} | e for k, e in numbers.items()}
    numbers |= {k: _words(k, text) for k, text in (WORDS | BULK).items()}
    numbers |= {key: {"key": key} | entry for key, entry in ALIKE.items()}
    numbers["os.median"] |= {
        "value": 24.49,
        "unit": "months",
        "method": "Kaplan-Meier",
        "ci": {"low": 17.2, "high": None, "level": 0.95, "method": "log-log"},
        "n": 37,
        "events": 28,
        "digits": 1,
        "columns": ["patients.grade"],
        "population": {"table": "endpoints/os", "filter": {}},
        "rule": "kaplan_meier",
        "code": "kaplan_meier",
        "config": ["models.confidence_level"],
        "lineage": "5e70f00000000000",
        "crosscheck": check,
    }
    numbers["os.median.low"] |= {"of": "os.median"}
    numbers["z.stated"] |= {"of": "a.nowhere"}
    made = {key: numbers["os.median"][key] for key in ("rule", "code", "config", "crosscheck")}
    numbers["os.rate_12m"] |= made | {"lineage": "5e70f00000000001"}
    numbers["os.p.stated"] |= {"unit": "p", "value": 0.016123456789, "p": 0.016123456789}
    numbers["published.os.median"] |= {
        "kind": "transcribed",
        "locator": "Table 1, row 2",
        "rows": {"file": "data/published/targets/x.csv", "line": 7},
    }
    numbers["config.endpoints.endpoints.os.unit"] |= {
        "config": ["endpoints.endpoints.os.unit"],
        "inputs": [{"path": "config/endpoints.yaml", "sha256": SHA}],
        "rows": {"file": "config/endpoints.yaml", "line": 12},
    }
    return numbers


def _place(sentence: str) -> dict[str, Any]:
    return {
        "document": "manuscript",
        "section": "Results",
        "place": "section “Results”, paragraph 1",
        "sentence": sentence,
        "source": {"file": "manuscript/sections/results.qmd", "line": 3},
    }


@pytest.fixture(scope="session")
def results(
    project: Path, rendered: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Folder of a run, with its two pages."""
    folder = tmp_path_factory.mktemp("results")
    numbers = _told(json.loads((project / "numbers.json").read_text(encoding="utf-8")))
    run = Run(
        numbers=numbers,
        code={
            rule: [{"path": f"workflow/scripts/{rule}.py", "sha256": SHA}]
            for rule in ("kaplan_meier", "numbers")
        },
        lineage=LINEAGE,
        places={
            "b.cell": [
                _place("24.5")
                | {
                    "place": "tbl-os, row 1, column 2",
                    "source": {"file": "tables/os.qmd", "line": 1},
                }
            ],
            "c.longer": [_place("Another was 124.5 months.")],
            "os.median": [_place("The median was 24.5 months.")],
            "m.median": [_place("It was longer here.") | {"claim": CLAIM}],
            "m.median.high": [_place(INTERVAL)],
            "m.median.stated": [_place(INTERVAL)],
            "z.stated": [_place("At last it was 24.5 months.")],
            "cohort.patients": [_place("Survival of all.") | {"place": "figure fig-os"}],
        },
        coverage={"coverage": {"printed": 9, "computed": 9, "transcribed": 0, "configured": 0}},
        flow=FLOW,
        findings=FINDINGS,
    )
    parts = ((TEMPLATES / name).read_text() for name in ("page.html", "style.css", "script.js"))
    write_text(folder / "audit" / "index.html", page(run, Template(*parts)))
    text = rendered["html"].read_text(encoding="utf-8")
    write_text(folder / "manuscript" / "index.html", _with_cards(text, project, numbers))
    return folder


def _with_cards(text: str, project: Path, numbers: dict[str, dict[str, Any]]) -> str:
    """The session's page with the cards of another registry: a render takes seconds."""
    told = marks.cards(marks.printed_keys(source.expand(project), numbers), numbers)
    made = marks.embedded_script(told, "", "")
    start, end = '<script type="application/json"', "</script>"
    old, new = (start + t.partition(start)[2].partition(end)[0] for t in (text, made))
    assert text.count(old) == 1
    return text.replace(old, new)


@pytest.fixture
def explorer(results: Path) -> str:
    """Address of the explorer."""
    return (results / "audit" / "index.html").as_uri()


@pytest.fixture
def manuscript_page(results: Path) -> str:
    """Address of the manuscript."""
    return (results / "manuscript" / "index.html").as_uri()
