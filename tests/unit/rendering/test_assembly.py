from __future__ import annotations

import json
from pathlib import Path

import pytest

from sarcoma_sbrt.errors import RenderError
from sarcoma_sbrt.rendering.assembly import resolve_conditions

FILE = Path("sections/results.qmd")
TEXT = """one
::: {.content-visible when-meta="has.lc"}
two

::: {.content-hidden when-meta="has.dose"}
three
:::
::: {#refs}
four
:::
:::
five
"""


@pytest.mark.parametrize(
    ("has_lc", "has_dose", "kept"),
    [
        (True, False, ["one", "two", "three", "::: {#refs}", "four", ":::", "five"]),
        (True, True, ["one", "two", "::: {#refs}", "four", ":::", "five"]),
        (False, False, ["one", "five"]),
    ],
)
def test_conditional_divs_are_kept_or_blanked_and_lines_keep_their_numbers(
    has_lc: bool, has_dose: bool, kept: list[str]
) -> None:
    text, problems = resolve_conditions(TEXT, {"has.lc": has_lc, "has.dose": has_dose}, FILE)
    before, after = TEXT.split("\n"), text.split("\n")
    assert problems == []
    assert len(after) == len(before)
    assert [line for line in after if line] == kept
    assert all(new in ("", old) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("attributes", "kept"),
    [
        ('.content-visible when-meta="yes"', True),
        ('.content-visible unless-meta="yes"', False),
        ('.content-hidden when-meta="yes"', False),
        ('.content-hidden unless-meta="yes"', True),
    ],
)
def test_when_and_unless_mean_what_they_mean_in_quarto(attributes: str, kept: bool) -> None:
    div, _ = resolve_conditions(f"::: {{{attributes}}}\ntext\n:::", {"yes": True}, FILE)
    span, _ = resolve_conditions(f"a[ and [b]{{.x}}]{{{attributes}}} c", {"yes": True}, FILE)
    assert div == ("\ntext\n" if kept else "\n\n")
    assert span == ("a and [b]{.x} c" if kept else "a c")


def test_divs_in_code_are_no_divs() -> None:
    text = '```\n::: {.content-visible when-meta="no"}\n```\nshown'
    assert resolve_conditions(text, {"no": False}, FILE) == (text, [])


@pytest.mark.parametrize(
    ("outer", "inner", "told"),
    [(True, True, "a b c d"), (True, False, "a b d"), (False, True, "a d"), (False, False, "a d")],
)
def test_a_span_within_a_span_asks_for_itself(outer: bool, inner: bool, told: str) -> None:
    span = '[{}]{{.content-visible when-meta="{}"}}'
    text = f"a{span.format(' b' + span.format(' c', 'inner'), 'outer')} d"
    assert resolve_conditions(text, {"outer": outer, "inner": inner}, FILE) == (told, [])


def test_an_unknown_condition_and_an_open_div_are_named() -> None:
    text = 'one\n\n::: {.content-visible when-meta="has.tx"}\ntwo'
    _, problems = resolve_conditions(text, {"has.toxicity": True, "has.lc": False}, FILE)
    assert [str(p) for p in problems] == [
        "sections/results.qmd:3: has.tx: no such condition, accepted: has.lc, has.toxicity",
        "sections/results.qmd:3: :::: div does not close",
    ]


def test_an_unknown_condition_stops_the_assembly(manuscript: Path, assemble) -> None:
    with pytest.raises(RenderError, match=r"methods\.qmd:15: has\.lc: no such condition"):
        assemble(conditions={})


def test_what_is_hidden_is_neither_checked_nor_rendered(assemble) -> None:
    # The fixture's hidden div names a key that does not exist.
    project = assemble(conditions={"has.lc": True})
    assert "no.such.key" not in (project / "sections" / "methods.qmd").read_text()
    with pytest.raises(RenderError, match=r"methods\.qmd:20: no\.such\.key: no number"):
        assemble(conditions={"has.lc": False})


def test_date_and_label_are_filled_in(assemble) -> None:
    project = assemble(date="2026-01-05", label="not patients")
    head = (project / "index.qmd").read_text(encoding="utf-8")
    settings = (project / "_quarto.yml").read_text(encoding="utf-8")
    assert 'subtitle: "not patients"' in head
    assert 'date: "2026-01-05"' in head
    assert 'running-label: "not patients"' in settings
    assert "[not patients]" in settings


def test_without_a_label_the_subtitle_goes_and_its_line_stays(assemble) -> None:
    project = assemble(label="")
    lines = (project / "index.qmd").read_text(encoding="utf-8").split("\n")
    assert lines[2] == ""
    assert lines[3] == "author:"


def test_a_date_of_another_form_is_no_date(assemble) -> None:
    with pytest.raises(ValueError, match="21 November"):
        assemble(date="21 November 2026")


def test_numbers_hold_what_a_shortcode_needs_and_no_more(assemble, numbers) -> None:
    numbers["os.median"] |= {"inputs": ["many"], "value": 24.49}
    small = json.loads((assemble() / "numbers.json").read_text(encoding="utf-8"))
    assert small["os.median"] == {"text": "24.5", "support": "inferred", "unit": "count"}
    assert set(small) == set(numbers)


def test_what_an_earlier_run_left_is_gone(assemble) -> None:
    project = assemble()
    stale = project / "tables" / "stale.qmd"
    stale.write_text("old")
    assemble()
    assert not stale.exists()
    assert (project / "tables" / "patients.qmd").is_file()


def test_a_folder_that_is_no_project_is_not_emptied(manuscript: Path, assemble) -> None:
    mine = manuscript.parent / "project" / "thesis.docx"
    mine.parent.mkdir()
    mine.write_text("years of work")
    with pytest.raises(FileExistsError, match="holds no assembled manuscript"):
        assemble()
    assert mine.read_text() == "years of work"


def test_the_project_is_complete(project: Path) -> None:
    made = {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}
    assert made >= {
        "_quarto.yml",
        "index.qmd",
        "numbers.json",
        "references.bib",
        "figures/os.svg",
        "figures/os.png",
        "sections/results.qmd",
        "tables/patients.qmd",
        "_extensions/provenance/_extension.yml",
        "_extensions/provenance/num.lua",
        "_extensions/provenance/reference.docx",
    }
