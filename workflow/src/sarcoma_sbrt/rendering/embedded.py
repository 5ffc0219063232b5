"""The embedded renderer: pandoc and Typst, on the same project that Quarto would render."""

from __future__ import annotations

import datetime
import importlib.util
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import pypandoc
import typst
import yaml

from sarcoma_sbrt.errors import Problem, RenderError
from sarcoma_sbrt.rendering import reference
from sarcoma_sbrt.rendering.source import Line, expand, without_comments

__all__ = ["document", "epoch", "font_folder", "render", "version"]

EXTENSION = "_extensions/provenance"
# The order is Quarto's: shortcodes, cross-references, then the shared filters. Only the shapes of
# tables come first, since crossref.lua measures their columns.
FILTERS = (
    "shortcodes.lua",
    "tables.lua",
    "crossref.lua",
    "filler.lua",
    "frontmatter.lua",
    "appendix.lua",
)
SETTINGS = ("lang", "number-sections", "bibliography", "csl", "link-citations", "running-label")

# Raw HTML is refused in the manuscript's source; without it pandoc need not try each `{{<` as
# a tag, which takes it most of its time.
READER = "markdown-raw_html-native_divs-native_spans-markdown_in_html_blocks"

FORMATS: dict[str, tuple[str, ...]] = {
    "html": (
        "--to=html5",
        "--standalone",
        "--embed-resources",
        "--mathml",
        "--toc",
        f"--template={EXTENSION}/article.html",
        f"--css={EXTENSION}/article.css",
        f"--include-after-body={EXTENSION}/marks.html",
        "--default-image-extension=svg",
    ),
    # Without -citations the writer would leave citations to Typst, and lose citeproc's.
    "pdf": (
        "--to=typst-citations",
        "--standalone",
        f"--template={EXTENSION}/article.typ",
        f"--include-after-body={EXTENSION}/appendix.typ",
        "--default-image-extension=svg",
    ),
    "docx": (
        "--to=docx",
        f"--reference-doc={EXTENSION}/reference.docx",
        "--default-image-extension=png",
    ),
    "json": ("--to=json", "--default-image-extension=svg"),
}


def version() -> str:
    """Versions of the two engines, as ``pandoc 3.9, Typst 0.15.0``."""
    return f"pandoc {pypandoc.get_pandoc_version()}, Typst {metadata.version('typst')}"


def render(project: Path, output: Path, *, date: str) -> dict[str, Path]:
    """Render HTML, PDF and DOCX.

    Parameters
    ----------
    project : path
        As `assembly.assemble` made it.
    output : path
        Folder of ``index.html``, ``index.pdf`` and ``index.docx``.
    date : str
        ISO date: the only time that the files carry.

    Returns
    -------
    dict
        Format -> file.

    Raises
    ------
    RenderError
        When pandoc or Typst fails, or warns.
    """
    lines, settings, seconds = expand(project), _settings(project), epoch(date)
    files = {name: output / f"index.{name}" for name in ("html", "pdf", "docx")}
    rendered = {name: _pandoc(project, lines, settings, name, seconds) for name in files}
    rendered["pdf"] = _typeset(project, rendered["pdf"], seconds)
    rendered["docx"] = reference.finished(rendered["docx"])
    output.mkdir(parents=True, exist_ok=True)
    for name, file in files.items():
        file.write_bytes(rendered[name])
    return files


def document(project: Path) -> dict[str, Any]:
    """The document of pandoc after every filter and the citations: what the formats print.

    Raises
    ------
    RenderError
        When pandoc fails, or warns.
    """
    content = _pandoc(project, expand(project), _settings(project), "json", 0)
    return dict(json.loads(content))


def _settings(project: Path) -> dict[str, Any]:
    settings = yaml.safe_load((project / "_quarto.yml").read_text(encoding="utf-8"))
    return dict(settings)


def epoch(date: str) -> int:
    """Seconds from 1970 to the beginning of an ISO date, UTC: `SOURCE_DATE_EPOCH`."""
    day = datetime.datetime.combine(datetime.date.fromisoformat(date), datetime.time.min)
    return int(day.replace(tzinfo=datetime.UTC).timestamp())


def font_folder() -> Path:
    """Folder of DejaVu Sans, which the figures' text is set in: matplotlib brings it."""
    # Found, not imported: the front door asks for the renderer's version at every run.
    package = importlib.util.find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"


def _pandoc(
    project: Path, lines: Sequence[Line], settings: Mapping[str, Any], name: str, seconds: int
) -> bytes:
    """One pandoc call: standard input to standard output, in the project's folder."""
    done = subprocess.run(
        [
            pypandoc.get_pandoc_path(),
            f"--from={READER}",
            *FORMATS[name],
            "--output=-",
            # A wide pipe table keeps the widths of its content, as under Quarto.
            "--columns=10000",
            f"--toc-depth={settings.get('toc-depth', 3)}",
            *(f"--lua-filter={EXTENSION}/{file}" for file in FILTERS),
            "--citeproc",
            *_metadata(settings),
        ],
        input="\n".join(without_comments(lines)).encode() + b"\n",
        capture_output=True,
        cwd=project,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(seconds)},
        check=False,
    )
    log = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0 or log:
        raise RenderError(_problems(log or f"exit code {done.returncode}", lines))
    return done.stdout


def _metadata(settings: Mapping[str, Any]) -> list[str]:
    chosen = {key: settings[key] for key in SETTINGS if settings.get(key) not in (None, "")}
    return [
        f"--metadata={key}:{str(value).lower() if isinstance(value, bool) else value}"
        for key, value in chosen.items()
    ]


def _problems(log: str, lines: Sequence[Line]) -> list[Problem]:
    """What pandoc said, each message at the manuscript's own line where it names one."""
    messages = re.split(r"\n(?=\[WARNING\]|\[ERROR\])", log)
    return [_located(" ".join(message.split()), lines) for message in messages]


def _located(message: str, lines: Sequence[Line]) -> Problem:
    place = re.search(r"\(?(?:at )?line (\d+)(?:,? column \d+)?\)?", message)
    if place and 0 < int(place[1]) <= len(lines):
        line = lines[int(place[1]) - 1]
        return Problem(line.file, line.number, "pandoc", message)
    return Problem(lines[0].file, 0, "pandoc", message)


def _typeset(project: Path, text: bytes, seconds: int) -> bytes:
    """PDF of a Typst document whose pictures are relative to the project."""
    compiler = typst.Compiler(
        text,
        root=str(project),
        font_paths=typst.Fonts(include_system_fonts=False, font_paths=[str(font_folder())]),
        ignore_system_fonts=True,
    )
    try:
        pdf, warnings = compiler.compile_with_warnings(timestamp=seconds)
    except typst.TypstError as error:
        raise RenderError([Problem("index.qmd", 0, "typst", str(error))]) from error
    if warnings:
        raise RenderError(Problem("index.qmd", 0, "typst", str(w.message)) for w in warnings)
    assert isinstance(pdf, bytes)
    return pdf
