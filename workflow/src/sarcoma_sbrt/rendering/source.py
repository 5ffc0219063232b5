"""The assembled manuscript as text: its lines, what they call, and what they may not say."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sarcoma_sbrt.errors import Problem, RenderError

__all__ = ["Line", "check", "expand", "used_keys", "without_comments"]

ROOT = "index.qmd"
SHORTCODE = re.compile(r"\{\{<(.*?)>\}\}")
NUM = re.compile(r"\{\{< num (\S+) >\}\}")
INCLUDE = re.compile(r"^\{\{< include (\S+) >\}\}\s*$")
FENCE = re.compile(r"^\s*(`{3,}|~{3,})(.*)$")
DIV = re.compile(r"^\s*:{3,}\s*(\S.*)$")
HEADING = re.compile(r"^#{1,6}\s")
BRACES = re.compile(r"\{([^{}]*)\}")
TOKEN = re.compile(r"""[#.][^\s{}="]+|-(?=\s|$)|[\w-]+=(?:"[^"]*"|'[^']*'|[^\s"']+)""")
LABEL = re.compile(r"^(fig|tbl|sec)-")
CITED = re.compile(r"(?<![\w@\\./])@(?:\{([^}]+)\}|([A-Za-z0-9_][\w:.#$%&+?<>~/-]*))")
RAW_HTML = re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>")
TARGET = re.compile(r"\]\(([^()\s]*)[^()]*\)")

FRONT_MATTER = ("title", "subtitle", "author", "date", "abstract", "abstract-title", "keywords")
AUTHOR = ("name", "affiliation", "orcid")
SHORTCODES = "{{< num key >}}, {{< include /path >}}"

# What may stand in the braces of each construct; docs/quarto-subset.md is the reader's list.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "div": (".table-note",),
    "heading": (".unnumbered", ".unlisted", "-"),
    "image": ("fig-alt", "width", "height"),
    "span": (".smallcaps", ".underline", ".claim", "name", "of"),
    "link": (),
    "code": (),
}

# Sections in which a number that rests on filler is refused.
NO_FILLER = {
    ROOT: "the title block and the abstract",
    "sections/discussion.qmd": "the discussion",
    "sections/comparison.qmd": "the comparison",
}


@dataclass(frozen=True)
class Line:
    """One line of the manuscript with its place.

    Attributes
    ----------
    file : str
        Path relative to the project, with forward slashes.
    number : int
        1-based.
    text : str
        Without its end.
    within : tuple of str
        Files through which it was included, outermost first, its own last.
    """

    file: str
    number: int
    text: str
    within: tuple[str, ...]


def expand(project: Path) -> tuple[Line, ...]:
    """Lines of ``index.qmd`` with every include replaced by the lines it names.

    Raises
    ------
    RenderError
        When an include names no file, or a file that is including it.
    """
    problems: list[Problem] = []
    lines = tuple(_lines(project, ROOT, (), problems))
    if problems:
        raise RenderError(problems)
    return lines


def _lines(
    project: Path, file: str, within: tuple[str, ...], problems: list[Problem]
) -> Iterator[Line]:
    chain = (*within, file)
    text = (project / file).read_text(encoding="utf-8")
    for number, content in enumerate(text.splitlines(), start=1):
        call = INCLUDE.match(content)
        if call is None:
            yield Line(file, number, content, chain)
            continue
        target = call[1].removeprefix("/")
        if not call[1].startswith("/"):
            problems.append(
                Problem(
                    file,
                    number,
                    call[1],
                    "include is not relative to the project's root",
                    accepted=f"/{target}",
                )
            )
        elif target in chain:
            problems.append(Problem(file, number, call[1], "file includes itself"))
        elif not (project / target).is_file():
            problems.append(Problem(file, number, call[1], "no such file to include"))
        else:
            yield from _lines(project, target, chain, problems)


def used_keys(lines: Sequence[Line]) -> list[tuple[str, Line]]:
    """Every ``{{< num key >}}`` in order: key and the line it stands on."""
    return [(key, line) for line in lines for key in NUM.findall(line.text)]


def check(project: Path, numbers: Mapping[str, Any], *, shown: Path | None = None) -> None:
    """Refuse what cannot be rendered, or may not be printed, with every place at once.

    Parameters
    ----------
    project : path
        The assembled project.
    numbers : mapping
        Registry: key -> entry with ``support``.
    shown : path, optional
        Folder that messages name files in, where it has them: the manuscript's own.

    Raises
    ------
    RenderError
        Missing keys, numbers on filler where none may stand, syntax outside the supported
        subset, cross-references, citations or figures without target, labels used twice.
    """
    lines = expand(project)
    text = _masked(lines)
    problems = [
        *_front_matter_problems(project),
        *_shortcode_problems(lines),
        *_key_problems(lines, numbers),
        *_construct_problems(lines),
        *_attribute_problems(lines, text),
        *_label_problems(lines, text),
        *_citation_problems(lines, text, project),
        *_figure_problems(lines, text, project),
    ]
    if problems:
        raise RenderError(_moved(problem, shown) for problem in problems)


def _moved(problem: Problem, shown: Path | None) -> Problem:
    if shown is None or not (shown / problem.file).is_file():
        return problem
    return Problem(
        (shown / problem.file).as_posix(),
        problem.line,
        problem.column,
        problem.what,
        problem.read,
        problem.accepted,
    )


def _problem(line: Line, column: str, what: str, accepted: str = "") -> Problem:
    return Problem(line.file, line.number, column, what, accepted=accepted)


def _masked(lines: Sequence[Line]) -> list[str]:
    """Text in which shortcodes, comments, code and formulas cannot be taken for syntax.

    Lengths are kept. Shortcodes become ``n``; what is not prose becomes spaces.
    """
    masked = []
    for _, text, _ in _outside_code(lines):
        if text is None:
            masked.append("")
            continue
        text = SHORTCODE.sub(lambda m: "n" * len(m[0]), text)
        text = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", _code, text)
        text = re.sub(r"(?<![\\$\w])\$(?!\s)[^$]*?(?<!\s)\$(?!\d)", _spaces, text)
        masked.append(text)
    return masked


def without_comments(lines: Sequence[Line]) -> list[str]:
    """Text of the lines with ``<!-- comments -->`` outside code blocks blanked."""
    return [
        # Blanks left of what follows a comment would read as indented code.
        line.text if text is None else text.strip() if commented else text
        for line, text, commented in _outside_code(lines)
    ]


def _outside_code(lines: Sequence[Line]) -> Iterator[tuple[Line, str | None, bool]]:
    """Each line, its text with comments blanked, and whether it begins in a comment.

    The text is None for a line of a fenced code block, its fences included.
    """
    fence, comment = "", False
    for line in lines:
        opening = FENCE.match(line.text)
        if fence or opening:
            closes = opening is not None and fence and opening[1].startswith(fence)
            fence = "" if closes else fence or (opening[1] if opening else "")
            yield line, None, False
        else:
            begins = comment or line.text.lstrip().startswith("<!--")
            text, comment = _without_comments(line.text, comment)
            yield line, text, begins


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _code(match: re.Match[str]) -> str:
    # The last tick stays, so that braces after code are seen to belong to it.
    return " " * (len(match[0]) - 1) + "`"


def _without_comments(text: str, inside: bool) -> tuple[str, bool]:
    kept = ""
    while text:
        end = text.find("-->" if inside else "<!--")
        if end < 0:
            return kept + (" " * len(text) if inside else text), inside
        end += 3 if inside else 0
        kept += " " * end if inside else text[:end]
        text, inside = text[end:], not inside
    return kept, inside


def _front_matter(project: Path) -> tuple[int, str]:
    """Last line of index.qmd's front matter (0 where it has none) and its YAML."""
    lines = (project / ROOT).read_text(encoding="utf-8").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return 0, ""
    ends = [i for i, text in enumerate(lines[1:], start=1) if text.rstrip() in ("---", "...")]
    return (ends[0] + 1, "\n".join(lines[1 : ends[0]])) if ends else (0, "")


def _front_matter_problems(project: Path) -> Iterator[Problem]:
    end, text = _front_matter(project)
    if end == 0:
        yield Problem(ROOT, 1, "", "there is no front matter", accepted="--- YAML ---")
        return
    try:
        root = yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        yield Problem(ROOT, line, "", f"not YAML: {getattr(error, 'problem', error)}")
        return
    if not isinstance(root, yaml.MappingNode):
        yield Problem(ROOT, 1, "", "the front matter is no mapping")
        return
    for key, value in root.value:
        if key.value not in FRONT_MATTER:
            yield _unknown_key(key, FRONT_MATTER)
        if key.value == "author":
            yield from (_unknown_key(k, AUTHOR) for k in _author_keys(value))


def _author_keys(node: yaml.Node) -> list[yaml.Node]:
    people = node.value if isinstance(node, yaml.SequenceNode) else [node]
    mappings = [person for person in people if isinstance(person, yaml.MappingNode)]
    return [k for person in mappings for k, _ in person.value if k.value not in AUTHOR]


def _unknown_key(key: yaml.Node, known: Sequence[str]) -> Problem:
    # The YAML begins on the file's second line.
    line = key.start_mark.line + 2
    what = "front matter key is not supported"
    return Problem(ROOT, line, str(key.value), what, accepted=", ".join(known))


def _shortcode_problems(lines: Sequence[Line]) -> Iterator[Problem]:
    included = {line.within for line in lines if len(line.within) > 1}
    for line in lines:
        for call in SHORTCODE.finditer(line.text):
            if not NUM.fullmatch(call[0]):
                yield _problem(line, call[0], "shortcode is not supported", SHORTCODES)
        rest = SHORTCODE.sub("", line.text)
        if "{{<" in rest or ">}}" in rest:
            yield _problem(
                line, line.text.strip(), "shortcode does not end on its line", SHORTCODES
            )
        if line.number == 1 and line.within in included and line.text.rstrip() == "---":
            yield _problem(line, "---", "front matter is only read at the head of index.qmd")


def _key_problems(lines: Sequence[Line], numbers: Mapping[str, Any]) -> Iterator[Problem]:
    end = next((n.number for n in lines[1:] if n.file == ROOT and n.text.rstrip() == "---"), 0)
    for key, line in used_keys(lines):
        entry = numbers.get(key)
        if entry is None:
            near = difflib.get_close_matches(key, numbers, n=3, cutoff=0.75)
            accepted = ", ".join(near) or "a key of numbers.json"
            yield _problem(line, key, "no number has this key", accepted)
        elif entry.get("support") == "filler" and (place := _no_filler(line, key, end)):
            what = f"rests on filler, which may not stand in {place}"
            yield _problem(line, key, what, "a number with the support printed or inferred")


def _no_filler(line: Line, key: str, front_matter_end: int) -> str:
    if HEADING.match(line.text):
        return "a heading"
    if re.search(rf'fig-alt="[^"]*\{{\{{< num {re.escape(key)} >', line.text):
        return "an alternative text"
    for file in line.within[1:]:
        if file in NO_FILLER:
            return NO_FILLER[file]
    in_front_matter = line.file == ROOT and line.number <= front_matter_end
    return NO_FILLER[ROOT] if in_front_matter else ""


def _construct_problems(lines: Sequence[Line]) -> Iterator[Problem]:
    """What the text may not hold whatever its braces say: cells, raw blocks, captions of tables."""
    fence, comment, before = "", False, ""
    for line in lines:
        opening = FENCE.match(line.text)
        if opening and not fence:
            fence = opening[1]
            if opening[2].strip().startswith("{") and not re.match(r"\s*\{\.\w+\}\s*$", opening[2]):
                yield _problem(
                    line,
                    opening[2].strip(),
                    "code cell or raw block is not supported",
                    "a block of plain code",
                )
        elif opening and opening[1].startswith(fence) and not opening[2].strip():
            fence = ""
        elif fence and "{{<" in line.text:
            yield _problem(line, line.text.strip(), "shortcode stands in code")
        elif not fence:
            text, comment = _without_comments(line.text, comment)
            yield from _inline_problems(line, text, before)
            before = text if text.strip() else before


def _inline_problems(line: Line, text: str, before: str) -> Iterator[Problem]:
    plain = SHORTCODE.sub("", re.sub(r"`[^`]*`", "", text))
    for tag in RAW_HTML.findall(plain):
        yield _problem(line, tag, "raw HTML is not supported", "Markdown")
    for code in re.findall(r"`[^`]*`", text):
        if "{{<" in code:
            yield _problem(line, code, "shortcode stands in code")
    for formula in re.findall(r"\$[^$]*\{\{<[^$]*\$", text):
        yield _problem(line, formula, "shortcode stands in a formula", "the number beside it")
    if re.match(r"^(:|Table:)\s", text) and before.lstrip().startswith(("|", "+")):
        yield _problem(
            line,
            text.strip(),
            "caption under a table is not supported",
            "::: {#tbl-name}, the table, its caption, :::",
        )
    if re.search(r"\{#refs\}", before) and text.strip() not in ("", ":::"):
        yield _problem(line, text.strip(), "text stands in the reference list", ":::")
    for name in re.findall(r"%(?:date|label)%", text):
        yield _problem(line, name, "placeholder stands outside the front matter")


def _attribute_problems(lines: Sequence[Line], text: Sequence[str]) -> Iterator[Problem]:
    for line, construct, tokens, rest in _attributes(lines, text):
        allowed = ATTRIBUTES[construct]
        names = [t.split("=")[0] for t in tokens if not t.startswith("#")]
        wrong = [name for name in names if name not in allowed] + ([rest] if rest else [])
        for name in wrong:
            accepted = ", ".join((*allowed, "#identifier")) if allowed else "none"
            article = "an" if construct == "image" else "a"
            what = f"attribute of {article} {construct} is not supported"
            yield _problem(line, name, what, accepted)


def _attributes(
    lines: Sequence[Line], text: Sequence[str]
) -> Iterator[tuple[Line, str, list[str], str]]:
    """Every group of attributes: line, construct, its tokens, and what is no token."""
    for line, masked in zip(lines, text, strict=True):
        div = DIV.match(masked)
        if div and not div[1].startswith("{"):
            yield line, "div", [f".{name}" for name in div[1].rstrip(": ").split()], ""
        for braces in BRACES.finditer(masked):
            construct = _construct(masked, braces.start())
            if construct:
                tokens = TOKEN.findall(braces[1])
                yield line, construct, tokens, TOKEN.sub("", braces[1]).strip()


def _construct(text: str, start: int) -> str:
    """What the brace at `start` belongs to; empty for one that is only text."""
    before = text[:start]
    if DIV.match(text):
        return "div"
    if before.endswith(")"):
        targets = TARGET.findall(before)
        return "image" if targets and targets[-1].startswith("figures/") else "link"
    if before.endswith("]"):
        return "span"
    if before.endswith("`"):
        return "code"
    return "heading" if HEADING.match(text) else ""


def _label_problems(lines: Sequence[Line], text: Sequence[str]) -> Iterator[Problem]:
    targets: dict[str, Line] = {}
    for line, _, tokens, _ in _attributes(lines, text):
        for label in (token[1:] for token in tokens if token.startswith("#")):
            if label in targets:
                first = targets[label]
                what = f"label is used twice, first at {first.file}:{first.number}"
                yield _problem(line, f"#{label}", what)
            targets.setdefault(label, line)
    for label, line in _cited(lines, text):
        if LABEL.match(label) and label not in targets:
            near = difflib.get_close_matches(label, targets, n=3)
            accepted = ", ".join(f"@{name}" for name in near) or "a label in the manuscript"
            yield _problem(line, f"@{label}", "cross-reference has no target", accepted)


def _cited(lines: Sequence[Line], text: Sequence[str]) -> Iterator[tuple[str, Line]]:
    for line, masked in zip(lines, text, strict=True):
        for braced, plain in CITED.findall(masked):
            # Punctuation ends a sentence, not a key, unless more of the key follows it.
            yield braced or plain.rstrip(":.#$%&+?<>~/-"), line


def _citation_problems(
    lines: Sequence[Line], text: Sequence[str], project: Path
) -> Iterator[Problem]:
    known = {key for path in sorted(project.glob("*.bib")) for key in _bib_keys(path)}
    for key, line in _cited(lines, text):
        if not LABEL.match(key) and key not in known:
            near = difflib.get_close_matches(key, known, n=3)
            accepted = ", ".join(f"@{name}" for name in near) or "a key of the bibliography"
            yield _problem(line, f"@{key}", "citation is not in the bibliography", accepted)


def _bib_keys(path: Path) -> list[str]:
    return re.findall(r"^\s*@\w+\s*\{\s*([^,\s]+)\s*,", path.read_text(encoding="utf-8"), re.M)


def _figure_problems(
    lines: Sequence[Line], text: Sequence[str], project: Path
) -> Iterator[Problem]:
    for line, masked in zip(lines, text, strict=True):
        for image, target in re.findall(r"(!\[[^\]]*)?\]\(([^()\s]*)[^()]*\)", masked):
            if target.startswith("figures/"):
                yield from _figure_file_problems(line, target, project)
            elif image:
                yield _problem(line, target, "picture is not in figures/", "figures/name")


def _figure_file_problems(line: Line, target: str, project: Path) -> Iterator[Problem]:
    if Path(target).suffix in (".svg", ".png"):
        yield _problem(line, target, "figure is named with its extension", Path(target).stem)
        return
    for extension in (".svg", ".png"):
        if not (project / (target + extension)).is_file():
            yield _problem(line, target + extension, "no such figure")
