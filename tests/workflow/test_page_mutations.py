"""What is planted or changed behind the gate's back is caught, with a message that names the place.

The manuscript is the tests' own, with two figures drawn as the workflow draws its figures; then the
shipped one, as a run has rendered it. What happens to a raw cell, a package module and a claim is
tested beside the commands that find it.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib
import pytest
from matplotlib.figure import Figure

from sarcoma_sbrt.errors import RenderError
from sarcoma_sbrt.io import read_json, write_json
from sarcoma_sbrt.provenance.digit_coverage import Rules, coverage, read_rules
from sarcoma_sbrt.provenance.passages import passages
from sarcoma_sbrt.rendering import embedded, source
from sarcoma_sbrt.rendering.page_coverage import FigureFiles, page_coverage
from sarcoma_sbrt.reporting.drawing import Numbers, Page, save_options, style, styled, text_of
from sarcoma_sbrt.reporting.drawn_numbers import sidecar
from sarcoma_sbrt.reporting.figures import flow_counts
from sarcoma_sbrt.reporting.small_cells import SmallCells

DATE = "2026-11-21"
FORMATS = ("html", "pdf", "docx")


@styled
def _curve(numbers: Numbers, key: str) -> Figure:
    page = Page(2.5)
    axes = page.axes(0.6, 0.5, 5.0, 1.4)
    axes.set(xlim=(0, 36), ylim=(0, 100), xlabel="Months")
    axes.set_xticks([0, 12, 24, 36])
    axes.plot([0, 36], [100, 30])
    page.text(1.0, 0.3, f"{text_of(numbers, key)}% of {text_of(numbers, 'cohort.patients')}")
    return page.figure


@dataclass(frozen=True)
class Run:
    """A folder with what the workflow's last rules see."""

    folder: Path

    @property
    def numbers(self) -> dict[str, Any]:
        """The registry; the project's has only what a shortcode needs."""
        small = read_json(self.folder / "project" / "numbers.json")
        kinds = {"config": "configured", "published": "transcribed"}
        return {
            key: entry | {"kind": kinds.get(key.split(".")[0], "computed")}
            for key, entry in small.items()
        }

    @property
    def figures(self) -> list[FigureFiles]:
        kinds = ("svg", "png", "numbers.json")
        return [
            FigureFiles(*(self.folder / "figures" / f"{name}.{kind}" for kind in kinds))
            for name in ("lc", "os")
        ]

    def draw(self) -> None:
        """Draw both figures and put them into the project."""
        (self.folder / "figures").mkdir()
        for files in self.figures:
            name = files.svg.stem
            figure = _curve(self.numbers, f"{name}.rate_12m")
            with matplotlib.rc_context(style()):
                figure.savefig(files.svg, **save_options("svg"))
                figure.savefig(files.png, **save_options("png"))
            write_json(files.sidecar, sidecar(figure, name, files.svg.read_text(encoding="utf-8")))
            for file in (files.svg, files.png):
                shutil.copyfile(file, self.folder / "project" / "figures" / file.name)

    def render(self) -> None:
        embedded.render(self.folder / "project", self.folder / "pages", date=DATE)

    def gate(self) -> None:
        """As the rule digit_coverage does."""
        project = self.folder / "project"
        rules = read_rules(project / "coverage.yaml")
        lines = source.expand(project)
        judged = passages(embedded.document(project))
        coverage(judged, self.numbers, rules, lines, folder="manuscript")

    def pages(self, document: Path | None = None, only: str = "") -> dict[str, Any]:
        """As the rule page_coverage does."""
        names = [only] if only else list(FORMATS)
        return page_coverage(
            embedded.document(document or self.folder / "project"),
            [self.folder / "pages" / f"index.{name}" for name in names],
            self.figures,
            self.numbers,
            {},
            read_rules(self.folder / "project" / "coverage.yaml"),
        )

    def edit(self, file: str, change: Callable[[str], str]) -> int:
        """Change a text file; the first line that is another."""
        path = self.folder / file
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert after != before
        path.write_text(after, encoding="utf-8")
        pairs = zip(before.split("\n"), after.split("\n"), strict=False)
        return next(i for i, (old, new) in enumerate(pairs, start=1) if old != new)


@pytest.fixture(scope="module")
def finished_run(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Rendered once; not to be changed."""
    run = Run(tmp_path_factory.mktemp("mutations"))
    shutil.copytree(project, run.folder / "project")
    run.draw()
    run.render()
    return run


@pytest.fixture
def run(finished_run: Run, tmp_path: Path) -> Run:
    """A copy to change at will."""
    shutil.copytree(finished_run.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def _replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
        return text.replace(old, new)

    return change


def _refused(call: Callable[[], object]) -> str:
    with pytest.raises(RenderError) as caught:
        call()
    return str(caught.value)


def test_what_was_rendered_is_what_was_judged(finished_run: Run) -> None:
    finished_run.gate()
    report = finished_run.pages()
    tokens = {report[name]["tokens"] for name in ("html", "docx")}
    assert len(tokens) == 1
    assert report["figures"] == {
        name: {"numbers": 2, "ticks": 10, "names": {}} for name in ("lc", "os")
    }
    assert all(report[name]["equal"] for name in FORMATS)


# --- planted in the source: the gate names file, line and place ---------------------------------


def test_a_digit_planted_in_prose(run: Run) -> None:
    line = run.edit("project/sections/results.qmd", _replaced("lived one year", "of 37 lived on"))
    said = _refused(run.gate)
    assert f"manuscript/sections/results.qmd:{line}: section “Survival of 37 patients”" in said
    assert "“37” has no key and no rule" in said


def test_a_digit_planted_in_a_caption(run: Run) -> None:
    change = _replaced("![Overall survival of", "![Overall survival of all 37, that is")
    line = run.edit("project/sections/results.qmd", change)
    said = _refused(run.gate)
    assert f"manuscript/sections/results.qmd:{line}: section “Survival of 37 patients”" in said
    assert "caption of fig-os: “37” has no key" in said


def test_a_digit_planted_in_a_table(run: Run) -> None:
    line = run.edit("project/tables/patients.qmd", _replaced("| Planning volume |", "| Volume 5 |"))
    said = _refused(run.gate)
    assert f"tables/patients.qmd:{line}: " in said
    assert "tbl-patients, row 26, column 1: “5” has no key and no rule" in said


# --- planted or changed in figures --------------------------------------------------------------


def test_a_digit_planted_in_a_figure(run: Run) -> None:
    run.edit("figures/os.svg", lambda text: text.replace("% of 37<", "% of 37 in 2022<"))
    said = _refused(run.pages)
    assert "os.svg: number_0: “2022” has no key and no rule, read “78.4% of 37 in 2022”" in said
    assert "index.html: picture 1: the picture is not the file of its figure" in said


def test_a_digit_changed_in_a_figure(run: Run) -> None:
    run.edit("figures/os.svg", lambda text: text.replace(">78.4% of", ">78.5% of"))
    said = _refused(run.pages)
    assert "os.svg: number_0: os.rate_12m is in the sidecar and not in the figure" in said


def test_a_figure_whose_sidecar_says_less(run: Run) -> None:
    path = run.figures[1].sidecar
    told = read_json(path)
    write_json(path, told | {"numbers": told["numbers"][1:]})
    assert "os.svg: number_0: “78.4” has no key and no rule" in _refused(run.pages)


# --- changed in the rendered pages --------------------------------------------------------------


def test_a_digit_changed_in_the_rendered_html(run: Run) -> None:
    def change(text: str) -> str:
        return re.sub(r'(data-key="os\.rate_12m"[^>]*>)78\.4<', r"\g<1>78.5<", text, count=1)

    line = run.edit("pages/index.html", change)
    said = _refused(lambda: run.pages(only="html"))
    assert (
        "section “Survival of 37 patients”, paragraph 1: the page prints “78.5” (os.rate_12m) "
        "where the document that the gate judged has “78.4” (os.rate_12m)"
    ) in said
    assert "the text of os.rate_12m is not the registry's, read “78.5” in “" in said
    assert {int(n) for n in re.findall(r"index\.html:(\d+): ", said)} <= set(range(line + 1))


def test_a_bare_digit_planted_in_the_rendered_html(run: Run) -> None:
    run.edit("pages/index.html", _replaced("A quotation of nobody.", "A quotation of 3."))
    said = _refused(lambda: run.pages(only="html"))
    assert "the page prints “3” where the document that the gate judged has no number" in said
    assert "read “A quotation of 3.”" in said


def test_two_keys_swapped_in_the_rendered_html(run: Run) -> None:
    one, other = 'data-key="os.median.low"', 'data-key="cohort.lesions"'

    def change(text: str) -> str:
        return text.replace(one, "KEY", 1).replace(other, one, 1).replace("KEY", other, 1)

    run.edit("pages/index.html", change)
    said = _refused(lambda: run.pages(only="html"))
    assert "title block, abstract: the page prints “58” (os.median.low)" in said
    assert "the text of os.median.low is not the registry's, read “58” in “" in said
    assert "the text of cohort.lesions is not the registry's, read “17.2” in “" in said


def test_two_keys_of_equal_text_swapped_in_the_rendered_html(run: Run) -> None:
    one, other = 'data-key="cox.os.row_0.hr"', 'data-key="cox.os.row_1.hr"'

    def change(text: str) -> str:
        return text.replace(one, "KEY").replace(other, one).replace("KEY", other)

    run.edit("pages/index.html", change)
    said = _refused(lambda: run.pages(only="html"))
    assert "tbl-models, row 1, column 4: the page prints “0.452” (cox.os.row_1.hr)" in said


@pytest.mark.parametrize("name", ["pdf", "docx"])
def test_a_page_made_of_another_text(run: Run, finished_run: Run, name: str) -> None:
    change = _replaced("of nobody.", "of nobody, which {{< num os.rate_12m >}}% may know.")
    run.edit("project/sections/discussion.qmd", change)
    run.render()
    original = finished_run.folder / "project"
    said = _refused(lambda: run.pages(original, only=name))
    assert f"index.{name}: behind section “Discussion”, paragraph 1: the page prints" in said
    assert "“78.4” where the document that the gate judged has no number" in said


def test_another_picture_in_the_rendered_word_document(run: Run) -> None:
    files = run.figures[0]
    shutil.copyfile(run.figures[1].png, files.png)
    said = _refused(lambda: run.pages(only="docx"))
    assert "index.docx: picture 2: the picture is not the file of its figure" in said


# --- the shipped manuscript, as a run has rendered it --------------------------------------------


@dataclass(frozen=True)
class Shipped:
    """What the last rules of a finished run saw and made; read, never changed."""

    folder: Path

    @property
    def results(self) -> Path:
        return self.folder / "results"

    @property
    def rules(self) -> Rules:
        return read_rules(self.folder / "manuscript" / "coverage.yaml")

    @property
    def document(self) -> dict[str, Any]:
        return dict(read_json(self.results / "document.json"))

    @property
    def numbers(self) -> dict[str, Any]:
        return dict(read_json(self.results / "numbers.json"))

    @property
    def figures(self) -> list[FigureFiles]:
        return [
            FigureFiles(svg, svg.with_suffix(".png"), svg.with_suffix(".numbers.json"))
            for svg in sorted((self.results / "figures").glob("*.svg"))
        ]

    def gate(self, document: dict[str, Any], lines: tuple[source.Line, ...]) -> None:
        """As the rule digit_coverage does, of a document that pandoc has read already."""
        coverage(passages(document), self.numbers, self.rules, lines, folder="manuscript")

    def html(self, page: Path, figures: list[FigureFiles]) -> None:
        """As the rule page_coverage does, of one page."""
        ledger = flow_counts(read_json(self.results / "flow.json"), SmallCells.of(None))
        page_coverage(self.document, [page], figures, self.numbers, ledger, self.rules)


@pytest.fixture(scope="module")
def shipped(finished) -> Shipped:
    return Shipped(finished.folder)


_IN_TABLE, _IN_CAPTION, _IN_PROSE = re.compile(r"\| "), re.compile(r"!\["), re.compile("[A-Z]")


def _nodes(part: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Nodes of a kind in a part of pandoc's document."""
    if isinstance(part, dict) and part.get("t") == kind:
        yield part
    for child in part.values() if isinstance(part, dict) else part if type(part) is list else ():
        yield from _nodes(child, kind)


def _planted(
    part: Any, lines: tuple[source.Line, ...], begins: re.Pattern[str], digits: str
) -> tuple[tuple[source.Line, ...], source.Line]:
    """Put digits behind a word that stands once in the source, there and in the document."""
    words = [*_nodes(part, "Str")]
    printed = Counter(node["c"] for node in words)
    counts = Counter(word for line in lines for word in re.findall(r"\w+", line.text))
    at, word = next(
        (at, word)
        for at, line in enumerate(lines)
        if begins.match(line.text) and line.file != "index.qmd"
        for word in re.findall(r"(?<![\w.{])[a-z]{6,}(?= )", line.text)
        if counts[word] == printed[word] == 1
    )
    node = next(node for node in words if node["c"] == word)
    node["c"] = f"{word} {digits}"
    changed = replace(lines[at], text=lines[at].text.replace(word, node["c"]))
    return (*lines[:at], changed, *lines[at + 1 :]), changed


def test_digits_planted_in_the_shipped_manuscript(shipped: Shipped) -> None:
    document, lines = shipped.document, source.expand(shipped.results / "manuscript" / "project")
    captions = [figure["c"][1] for figure in _nodes(document["blocks"], "Figure")]
    everywhere, places = document["blocks"], {}
    for digits, part, begins in (
        ("7771", everywhere, _IN_PROSE),
        ("7772", captions, _IN_CAPTION),
        ("7773", everywhere, _IN_TABLE),
    ):
        lines, places[digits] = _planted(part, lines, begins, digits)
    said = _refused(lambda: shipped.gate(document, lines)).splitlines()
    assert len(said) == len(places)
    for digits, line in places.items():
        told = next(problem for problem in said if f"“{digits}” has no key and no rule" in problem)
        assert f"{line.file}:{line.number}: " in told
    assert any("caption of fig-" in problem for problem in said)
    assert any(re.search(r"tbl-[\w-]+, row \d+, column \d+: “7773”", problem) for problem in said)


def test_what_is_changed_in_the_shipped_page_and_figure(shipped: Shipped, tmp_path: Path) -> None:
    files = shipped.figures[0]
    svg, page = tmp_path / files.svg.name, tmp_path / "index.html"
    text = files.svg.read_text(encoding="utf-8")
    drawn = re.sub(r"(<text [^>]*>[^<]*[a-z])(</text>)", r"\g<1> 7774\g<2>", text, count=1)
    svg.write_text(drawn, encoding="utf-8")
    html = (shipped.results / "manuscript" / "index.html").read_text(encoding="utf-8")
    bound = re.compile(r'data-key="([^"]+)"([^>]*>)([^<]+)<')
    prose = html.index("<h1", html.index("<main") if "<main" in html else 0)
    digit, one, other = _differing(bound.finditer(html, prose))
    changed = [(digit.span(3), "9999"), (one.span(1), other[1]), (other.span(1), one[1])]
    for (start, end), new in sorted(changed, reverse=True):
        html = f"{html[:start]}{new}{html[end:]}"
    page.write_text(html, encoding="utf-8")
    said = _refused(lambda: shipped.html(page, [files._replace(svg=svg), *shipped.figures[1:]]))
    assert re.search(rf"{svg.name}: \w+: “7774” has no key and no rule", said)
    assert f"the page prints “9999” ({digit[1]}) where the document that the gate judged" in said
    assert f"the text of {digit[1]} is not the registry's, read “9999”" in said
    for key, text in ((other[1], one[3]), (one[1], other[3])):
        assert f"the text of {key} is not the registry's, read “{text}” in “" in said
    # A number's problem has its line; a picture's is of the whole file.
    place = re.compile(rf"\S*index\.html:(\d+| picture \d+): |\S*{svg.name}: ")
    assert [problem for problem in said.splitlines() if not place.match(problem)] == []


def _differing(found: Iterator[re.Match[str]]) -> tuple[re.Match[str], ...]:
    """The first three numbers of which no two have one key or one text."""
    chosen: list[re.Match[str]] = []
    for each in found:
        if all(each[1] != other[1] and each[3] != other[3] for other in chosen):
            chosen.append(each)
        if len(chosen) == 3:
            break
    return tuple(chosen)


# --- the workflow itself ------------------------------------------------------------------------


def test_the_run_fails_where_a_rendered_digit_was_changed(rerunnable) -> None:
    page = rerunnable.folder / "results" / "manuscript" / "index.html"
    text = page.read_text(encoding="utf-8")
    changed = re.sub(r'(data-key="cohort\.patients"[^>]*>)\d+<', r"\g<1>999<", text, count=1)
    assert changed != text
    page.write_text(changed, encoding="utf-8")
    run = rerunnable.snakemake("page_coverage")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "the page prints “999” (cohort.patients) where the document that the gate judged" in said
