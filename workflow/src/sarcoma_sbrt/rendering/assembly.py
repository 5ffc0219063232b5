"""The project folder that a renderer runs on: manuscript, tables, figures and numbers in one."""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sarcoma_sbrt.errors import Problem, RenderError
from sarcoma_sbrt.io import write_text
from sarcoma_sbrt.rendering import appendix, marks, reference, source
from sarcoma_sbrt.reporting.over_solutions import COUNT

__all__ = ["assemble", "resolve_conditions"]

EXTENSION = Path("_extensions") / "provenance"
COPIED = ("*.qmd", "sections/*.qmd", "*.bib", "*.csl", "coverage.yaml", f"{EXTENSION.as_posix()}/*")

FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
OPENING = re.compile(r"^\s*:{3,}\s*\S")
CLOSING = re.compile(r"^\s*:{3,}\s*$")
CONDITION = re.compile(
    r'\.content-(?P<kind>visible|hidden)\s+(?P<when>when|unless)-meta="(?P<name>[^"]+)"'
)
CONDITIONAL_DIV = re.compile(rf"^\s*:{{3,}}\s*\{{{CONDITION.pattern}\}}\s*:*\s*$")
CONDITIONAL_SPAN = re.compile(rf"\[(?P<text>(?:[^\[\]]|\[[^\[\]]*\])*)\]\{{{CONDITION.pattern}\}}")


def assemble(
    manuscript: Path,
    project: Path,
    *,
    numbers: Mapping[str, Mapping[str, Any]],
    tables: Mapping[str, str],
    figures: Iterable[Path],
    conditions: Mapping[str, bool],
    date: str,
    label: str = "",
    public: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Make the project that both renderers run on, and check all that it says.

    Parameters
    ----------
    manuscript : path
        Source: ``_quarto.yml``, ``index.qmd``, ``sections/``, bibliography, extension.
    project : path
        Made anew; what an earlier run left there is removed.
    numbers : mapping
        The registry.
    tables : mapping
        Name -> Quarto Markdown of ``tables/<name>.qmd``.
    figures : iterable of path
        SVG and PNG files, copied to ``figures/``.
    conditions : mapping
        Name as in ``when-meta="has.lc"`` -> whether it holds.
    date : str
        ISO date that the manuscript prints, for ``%date%``.
    label : str
        What must be said of the cohort on every page, for ``%label%``; may be empty.
    public : mapping, optional
        The registry as it may be published, for the cards and the appendix, which say more than
        the text: values that the small-cell rule withholds are not in it.

    Raises
    ------
    RenderError
        Every problem of the manuscript, named by its own files and lines.
    """
    datetime.date.fromisoformat(date)
    _empty(project)
    problems: list[Problem] = []
    for path in _sources(manuscript):
        target = project / path.relative_to(manuscript)
        if path.suffix == ".qmd":
            text, wrong = resolve_conditions(path.read_text(encoding="utf-8"), conditions, path)
            problems += wrong
            write_text(target, _filled(text, date, label) if path.name == source.ROOT else text)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    if problems:
        raise RenderError(problems)
    settings = (manuscript / "_quarto.yml").read_text(encoding="utf-8")
    write_text(project / "_quarto.yml", _placeholders(settings, date, label))
    for name, text in tables.items():
        write_text(project / "tables" / f"{name}.qmd", text)
    _copy_figures(figures, project / "figures")
    _write_numbers(project / "numbers.json", numbers)
    (project / EXTENSION / "reference.docx").write_bytes(reference.reference_document(label))
    source.check(project, numbers, shown=manuscript)
    _write_provenance(project, numbers if public is None else public)


def _empty(project: Path) -> None:
    """Remove an earlier project; refuse to remove a folder that is none."""
    if project.is_dir():
        if any(project.iterdir()) and not (project / "numbers.json").is_file():
            raise FileExistsError(f"{project} is not empty and holds no assembled manuscript")
        shutil.rmtree(project)
    project.mkdir(parents=True)


def _sources(manuscript: Path) -> Iterator[Path]:
    for pattern in COPIED:
        yield from sorted(path for path in manuscript.glob(pattern) if path.is_file())


def _copy_figures(figures: Iterable[Path], folder: Path) -> None:
    folder.mkdir()
    for path in figures:
        shutil.copyfile(path, folder / path.name)


def _write_numbers(path: Path, numbers: Mapping[str, Mapping[str, Any]]) -> None:
    """Only what a shortcode needs, so that Lua reads it in no time."""
    kept = ("text", "support", "unit", "locator", "over_solutions")
    small = {
        key: {name: entry[name] for name in kept if entry.get(name) is not None}
        for key, entry in sorted(numbers.items())
    }
    for entry in small.values():
        if "over_solutions" in entry:
            entry["solutions"] = numbers[COUNT]["text"]
    write_text(path, json.dumps(small, ensure_ascii=False, separators=(",", ":")) + "\n")


def _write_provenance(project: Path, numbers: Mapping[str, Mapping[str, Any]]) -> None:
    """What the pages say of their numbers: cards for the HTML, an appendix for PDF and Word."""
    folder = project / EXTENSION
    keys = marks.printed_keys(source.expand(project), numbers)
    parts = [(folder / f"marks.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")]
    write_text(folder / "marks.html", marks.embedded_script(marks.cards(keys, numbers), *parts))
    listed = appendix.lines(keys, numbers)
    write_text(folder / "appendix.typ", appendix.typst(listed))
    write_text(folder / "appendix.xml", appendix.openxml(listed))
    # For the filter, which links a number of the PDF to its line.
    write_text(folder / "appendix.txt", appendix.targets(listed))


def _placeholders(text: str, date: str, label: str) -> str:
    return text.replace("%date%", date).replace("%label%", label)


def _filled(text: str, date: str, label: str) -> str:
    """index.qmd with its front matter filled in; a key left with nothing to say is blanked."""
    head, fence, rest = text.removeprefix("---\n").partition("\n---\n")
    if not fence or head == text:
        return text
    if not label:
        head = re.sub(r'^[\w-]+:[ \t]*"?%label%"?[ \t]*$', "", head, flags=re.M)
    return f"---\n{_placeholders(head, date, label)}{fence}{rest}"


def resolve_conditions(
    text: str, conditions: Mapping[str, bool], file: Path
) -> tuple[str, list[Problem]]:
    """Text in which every conditional div and span is either there or blank.

    Lines keep their numbers: the fences of a div that is kept become blank lines, a div that
    is not becomes as many blank lines as it had.

    Parameters
    ----------
    text : str
        A .qmd file.
    conditions : mapping
        Name -> whether it holds.
    file : path
        For messages.

    Returns
    -------
    str, list of Problem
        Unknown conditions, and divs that do not close.
    """
    lines: list[str] = []
    problems: list[Problem] = []
    # Open divs: (first line, whether conditional, whether its content is kept).
    divs: list[tuple[int, bool, bool]] = []
    fence = ""
    for number, line in enumerate(text.split("\n"), start=1):
        kept = all(keep for _, _, keep in divs)
        ticks = FENCE.match(line)
        if ticks and (not fence or ticks[1].startswith(fence)):
            fence = "" if fence else ticks[1]
        elif not fence and CLOSING.match(line) and divs:
            _, conditional, _ = divs.pop()
            line = "" if conditional else line
        elif not fence and OPENING.match(line):
            condition = CONDITIONAL_DIV.match(line)
            keep = _holds(condition, conditions, file, number, problems) if condition else True
            divs.append((number, condition is not None, keep))
            line = "" if condition else line
        elif not fence:
            line = _resolve_spans(line, conditions, file, number, problems)
        lines.append(line if kept else "")
    problems += [Problem(str(file), n, ":::", "div does not close") for n, _, _ in divs]
    return "\n".join(lines), problems


def _resolve_spans(
    line: str,
    conditions: Mapping[str, bool],
    file: Path,
    number: int,
    problems: list[Problem],
) -> str:
    def chosen(match: re.Match[str]) -> str:
        if not _holds(match, conditions, file, number, problems):
            return ""
        return _resolve_spans(match["text"], conditions, file, number, problems)

    return CONDITIONAL_SPAN.sub(chosen, line)


def _holds(
    match: re.Match[str],
    conditions: Mapping[str, bool],
    file: Path,
    number: int,
    problems: list[Problem],
) -> bool:
    name = match["name"]
    if name not in conditions:
        accepted = ", ".join(sorted(conditions))
        problems.append(Problem(str(file), number, name, "no such condition", accepted=accepted))
        return True
    met = conditions[name] == (match["when"] == "when")
    return met == (match["kind"] == "visible")
