"""Quarto cannot be had here: a script of that name stands in and writes down how it was called."""

from __future__ import annotations

import json
import os
import sys
import zipfile
from pathlib import Path

import pytest

from sarcoma_sbrt.errors import RenderError
from sarcoma_sbrt.rendering import quarto

FAKE = """#!{python}
import json, os, pathlib, sys, zipfile
here = pathlib.Path(__file__).parent
if sys.argv[1:] == ["--version"]:
    print("1.8.25")
    raise SystemExit
keep = ("SOURCE_DATE_EPOCH", "TYPST_IGNORE_SYSTEM_FONTS", "NO_COLOR")
(here / "call.json").write_text(json.dumps([sys.argv[1:], {{k: os.environ[k] for k in keep}}]))
out = pathlib.Path(sys.argv[2]) / "_output"
out.mkdir()
for name in {formats!r}:
    (out / f"index.{{name}}").write_text(name)
if (out / "index.docx").is_file():
    with zipfile.ZipFile(out / "index.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w:tbl><w:tr></w:tr></w:tbl>")
print({says!r}, file=sys.stderr)
raise SystemExit({code})
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def call(says: str = "Output created", code: int = 0, formats=("html", "pdf", "docx")) -> Path:
        folder = tmp_path / "bin"
        folder.mkdir()
        script = folder / "quarto"
        text = FAKE.format(python=sys.executable, says=says, code=code, formats=list(formats))
        script.write_text(text)
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        return folder

    return call


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def test_auto_takes_quarto_where_it_is_installed(install) -> None:
    install()
    assert quarto.resolve_renderer("auto") == ("quarto", "Quarto 1.8.25")
    assert quarto.resolve_renderer("embedded")[0] == "embedded"


@pytest.mark.usefixtures("empty_path")
def test_auto_takes_the_embedded_renderer_where_it_is_not() -> None:
    renderer, version = quarto.resolve_renderer("auto")
    assert renderer == "embedded"
    assert version.startswith("pandoc ")


@pytest.mark.usefixtures("empty_path")
def test_quarto_asked_for_and_missing_is_an_error() -> None:
    with pytest.raises(RenderError) as error:
        quarto.resolve_renderer("quarto")
    assert str(error.value) == (
        "config: renderer: Quarto is not on the PATH, read quarto, "
        "accepted: make quarto, or renderer: embedded"
    )


def test_the_project_is_rendered_by_one_call_without_execution(install, folder: Path) -> None:
    bin_folder = install()
    files = quarto.render(folder, folder.parent / "out", date="2026-11-21")
    arguments, environment = json.loads((bin_folder / "call.json").read_text())
    assert arguments == ["render", str(folder), "--no-execute"]
    assert environment == {
        "SOURCE_DATE_EPOCH": "1795219200",
        "TYPST_IGNORE_SYSTEM_FONTS": "true",
        "NO_COLOR": "1",
    }
    assert (files["html"].read_text(), files["pdf"].read_text()) == ("html", "pdf")
    with zipfile.ZipFile(files["docx"]) as archive:
        # What is done to the embedded renderer's tables is done to Quarto's.
        assert b"<w:cantSplit/>" in archive.read("word/document.xml")


@pytest.mark.parametrize(
    ("says", "code", "message"),
    [
        ("\x1b[33mWARNING: Unable to resolve crossref @fig-x\x1b[39m", 0,
         "index.qmd: quarto: WARNING: Unable to resolve crossref @fig-x"),
        ("WARN: Shortcode 'x' not found", 0, "index.qmd: quarto: WARN: Shortcode 'x' not found"),
        ("ERROR: num: the registry has no number called x", 1,
         "index.qmd: quarto: ERROR: num: the registry has no number called x"),
        ("it just stopped", 3, "index.qmd: quarto: it just stopped"),
    ],
)  # fmt: skip
def test_what_quarto_only_warns_of_fails_the_render(
    install, folder: Path, says: str, code: int, message: str
) -> None:
    install(says=says, code=code)
    with pytest.raises(RenderError) as error:
        quarto.render(folder, folder.parent / "out", date="2026-11-21")
    assert str(error.value) == message
    assert not (folder.parent / "out").exists()


def test_a_format_that_was_not_made_is_named(install, folder: Path) -> None:
    install(formats=("html",))
    with pytest.raises(RenderError, match="Quarto made no pdf, docx"):
        quarto.render(folder, folder.parent / "out", date="2026-11-21")
