"""Quarto, where it is installed: the manuscript's first renderer."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from sarcoma_sbrt.errors import Problem, RenderError
from sarcoma_sbrt.rendering import embedded, reference

__all__ = ["render", "resolve_renderer"]

OUTPUT = "_output"
# Log lines that Quarto ends with success in spite of: a missing key, reference or citation.
FAILURE = re.compile(r"^.*\b(?:WARN(?:ING)?|ERROR)\b.*$", re.M)
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def resolve_renderer(choice: str) -> tuple[str, str]:
    """Which renderer a run takes, and its version.

    Parameters
    ----------
    choice : {'auto', 'quarto', 'embedded'}
        The configuration's ``renderer``.

    Returns
    -------
    str, str
        ``quarto`` or ``embedded``, and the version of what renders.

    Raises
    ------
    RenderError
        When Quarto is asked for and not there.
    """
    installed = shutil.which("quarto")
    if choice == "embedded" or (choice == "auto" and installed is None):
        return "embedded", embedded.version()
    if choice not in ("auto", "quarto"):
        what, accepted = "no such renderer", "auto, quarto, embedded"
        raise RenderError([Problem("config", 0, "renderer", what, choice, accepted)])
    if installed is None:
        what, accepted = "Quarto is not on the PATH", "make quarto, or renderer: embedded"
        raise RenderError([Problem("config", 0, "renderer", what, choice, accepted)])
    done = subprocess.run([installed, "--version"], capture_output=True, text=True, check=True)
    return "quarto", f"Quarto {done.stdout.strip()}"


def render(project: Path, output: Path, *, date: str) -> dict[str, Path]:
    """Render HTML, PDF (by Typst) and DOCX with one ``quarto render`` of the project.

    Parameters
    ----------
    project : path
        As `assembly.assemble` made it; ``_quarto.yml`` lists the formats.
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
        When Quarto fails or warns, or a format is missing.
    """
    done = subprocess.run(
        ["quarto", "render", str(project.resolve()), "--no-execute"],
        capture_output=True,
        text=True,
        env=_environment(date),
        check=False,
    )
    log = ANSI.sub("", done.stdout + done.stderr)
    messages = [line.strip() for line in FAILURE.findall(log)]
    if done.returncode != 0 and not messages:
        messages = [log.strip()[-2000:] or f"exit code {done.returncode}"]
    if messages:
        raise RenderError(Problem("index.qmd", 0, "quarto", message) for message in messages)
    return _collected(project / OUTPUT, output)


def _environment(date: str) -> dict[str, str]:
    return os.environ | {
        "SOURCE_DATE_EPOCH": str(embedded.epoch(date)),
        "TYPST_FONT_PATHS": str(embedded.font_folder()),
        "TYPST_IGNORE_SYSTEM_FONTS": "true",
        "NO_COLOR": "1",
    }


def _collected(made: Path, output: Path) -> dict[str, Path]:
    files = {name: output / f"index.{name}" for name in ("html", "pdf", "docx")}
    missing = [name for name, file in files.items() if not (made / file.name).is_file()]
    if missing:
        what = f"Quarto made no {', '.join(missing)}"
        raise RenderError([Problem("index.qmd", 0, "quarto", what)])
    output.mkdir(parents=True, exist_ok=True)
    for file in files.values():
        shutil.copyfile(made / file.name, file)
    files["docx"].write_bytes(reference.finished(files["docx"].read_bytes()))
    return files
