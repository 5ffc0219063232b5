"""The extension as Quarto calls it, with Quarto's side played by a few lines of Lua."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pypandoc
import pytest

# What Quarto gives a shortcode (resolve_path) and a filter at `post-quarto` (FloatRefTarget).
QUARTO = """
local extension = arg[1]
quarto = {{ utils = {{ resolve_path = function(name) return extension .. "/" .. name end }} }}
local num = dofile(extension .. "/num.lua").num
local filter = dofile(extension .. "/filler.lua")
local function markdown(blocks) return pandoc.write(pandoc.Pandoc(blocks), "plain") end
{body}
"""


def lua(project: Path, folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    """Run a few lines with the extension of an assembled project."""
    script = folder / "quarto.lua"
    script.write_text(QUARTO.format(body=body), encoding="utf-8")
    extension = str(project / "_extensions" / "provenance")
    command = [pypandoc.get_pandoc_path(), "lua", str(script), extension]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def run(project: Path, tmp_path: Path):
    return lambda body: lua(project, tmp_path, body)


def test_the_shortcode_gives_a_span_with_its_key_and_mark(run) -> None:
    done = run("""
local span = num({ pandoc.Inlines("ptv.median") }, {}, {}, {})
print(span.t, pandoc.utils.stringify(span), span.attr.classes[1])
print(span.attributes["data-key"], span.attributes["data-support"])
print(num({ "cohort.patients" }).attributes["data-support"])
""")
    assert done.stdout.split() == ["Span", "61.3", "num", "ptv.median", "filler", "nil"], (
        done.stderr
    )


def test_a_number_that_nothing_constrains_carries_its_range(
    assemble, numbers, tmp_path: Path
) -> None:
    told = numbers | {"os.median": numbers["os.median"] | {"over_solutions": "20.1 to 30.0"}}
    told["reproduction.search.solutions"] = numbers["cohort.patients"] | {"text": "24"}
    body = """
local span = num({ "os.median" })
print(span.attributes["data-range"])
print(span.attributes["data-solutions"])
print(num({ "os.median.low" }).attributes["data-range"])
local caption = pandoc.Inlines({ num({ "os.median" }) })
local made = filter[1].FloatRefTarget({ content = pandoc.Blocks({}), caption_long = caption })
print(pandoc.utils.stringify(made.caption_long))
"""
    done = lua(assemble(numbers=told), tmp_path, body)
    assert done.stdout.splitlines() == [
        "20.1 to 30.0",
        "24",
        "nil",
        "24.5 [20.1 to 30.0] (in square brackets: range over the 24 reconstructions found)",
    ], done.stderr


def test_a_missing_key_fails_an_assertion_as_quarto_needs(run) -> None:
    done = run('num({ "none.such" })')
    assert done.returncode != 0
    assert "num: the registry has no number called none.such" in done.stderr


@pytest.mark.parametrize(
    "caption", ['pandoc.Plain("Volumes.")', 'pandoc.Inlines("Volumes.")', "nil"]
)
def test_filler_in_a_float_marks_the_number_and_notes_it_in_the_caption(run, caption: str) -> None:
    done = run(f"""
local node = {{
  content = pandoc.Blocks({{ pandoc.Plain({{ num({{ "ptv.median" }}) }}) }}),
  caption_long = {caption},
}}
local made = filter[1].FloatRefTarget(node)
print(markdown(made.content))
print(pandoc.utils.stringify(made.caption_long))
-- Marked in the float, the number is not noted again by the pass for paragraphs.
print((filter[3].Plain(made.content[1])))
""")
    note = "(‡ illustrative, not constrained by any printed figure)"
    said = note if caption == "nil" else f"Volumes. {note}"
    assert [line for line in done.stdout.splitlines() if line] == ["61.3‡", said, "nil"], (
        done.stderr
    )


def test_a_float_without_filler_is_left_alone(run) -> None:
    done = run("""
local content = pandoc.Blocks({ pandoc.Plain({ num({ "cohort.patients" }) }) })
print(filter[1].FloatRefTarget({ content = content, caption_long = pandoc.Plain("A") }))
""")
    assert done.stdout.strip() == "nil", done.stderr
