"""The appendix of numbers: its rows, the PDF's links to them and Word's table."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pypdf
import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.rendering import appendix, marks, source
from sarcoma_sbrt.rendering.appendix import Line

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
NUMBERS: dict[str, dict[str, Any]] = {
    "os.median": {
        "kind": "computed",
        "text": "24.5",
        "rule": "kaplan_meier",
        "crosscheck": {"status": "independent", "engine": "numpy"},
    },
    "published.x.os": {
        "kind": "transcribed",
        "text": "24",
        "rows": {"file": "data/published/targets/x.csv", "line": 7},
    },
    "config.models.alpha": {"kind": "configured", "text": "0.05"},
    "cohort.title": {"kind": "configured", "text": "37 word " * 12},
}


def _entry(text: str, **said: Any) -> dict[str, Any]:
    return {"kind": "computed", "text": text, "rule": "cox", "unit": "months"} | said


def _rows(registry: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Key as shown -> text, of every row that a registry makes."""
    return {line.key: line.text for line in appendix.lines(registry, registry) if line.keys}


def test_a_row_says_key_text_source_and_check() -> None:
    keys = ["published.x.os", "os.median", "config.models.alpha", "os.median"]
    assert appendix.lines(keys, NUMBERS) == [
        Line("config: settings of the analysis"),
        Line("config.models.alpha", "0.05", "configuration", "", ("config.models.alpha",)),
        Line("os: overall survival"),
        Line("os.median", "24.5", "kaplan_meier", "i numpy", ("os.median",)),
        Line("published: figures of the papers"),
        Line("published.x.os", "24", "x.csv:7", "", ("published.x.os",)),
    ]


def test_a_group_without_words_is_called_by_its_keys() -> None:
    told = appendix.lines(["new.a", "new_er.b", "new.c"], dict.fromkeys(NEW, _entry("1")))
    assert [line.key for line in told] == ["new", "new.a", "new.c", "new_er", "new_er.b"]


NEW = ("new.a", "new_er.b", "new.c")


@pytest.mark.parametrize(
    ("text", "unit", "listed"),
    [
        ("24.5", "months", True),
        ("24.0 months", "months", True),
        ("< 0.001", "p", True),
        ("NR", "months", False),
        ("365.25", "text", True),
        ("2011–2016", "text", True),
        ("5.75 (1.95–16.9)", "text", True),
        ("14/44 = 31.8% → 32%", "text", True),
        ("Shah 2021, Table 1", "text", True),
        ("30–60 Gy/3–8 fx", "text", True),
        ("G1", "text", True),
        ("Histological grade", "text", False),
    ],
)
def test_what_holds_digits_has_a_row_and_words_have_none(
    text: str, unit: str, listed: bool
) -> None:
    registry = {"a.b": _entry(text, unit=unit)}
    assert _rows(registry) == ({"a.b": text} if listed else {})
    assert appendix.targets(appendix.lines(registry, registry)).count("a.b") == listed


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        (
            {"a.x": "24.0", "a.x.low": "13.0", "a.x.high": "28.0", "a.x.stated": "24.0 months"},
            {"a.x .low .high .stated": "24.0 (13.0–28.0); 24.0 months"},
        ),
        (
            {"a.x": "24.0", "a.x.low": "13.0", "a.x.high": "NR"},
            {"a.x .low .high": "24.0 (13.0 to NR)"},
        ),
        (
            {"a.x": "9.8", "a.x.low": "−2.6", "a.x.high": "18.4"},
            {"a.x .low .high": "9.8 (−2.6 to 18.4)"},
        ),
        ({"a.x.low": "13.0", "a.x.high": "28.0"}, {"a.x .low .high": "13.0–28.0"}),
        ({"a.x": "24.0", "a.x.high": "28.0"}, {"a.x .high": "24.0; 28.0"}),
        ({"a.x.high": "28.0"}, {"a.x.high": "28.0"}),
        ({"a.x": "0.45", "a.x.p": "0.016"}, {"a.x .p": "0.45; 0.016"}),
        ({"a.p": "0.016", "a.p.stated": "= 0.016"}, {"a.p .stated": "0.016; = 0.016"}),
        ({"a.x": "1", "a.x.p": "2", "a.x.p.stated": "3"}, {"a.x .p .p.stated": "1; 2; 3"}),
        ({"a.p": "0.016", "a.hr": "0.45"}, {"a.hr": "0.45", "a.p": "0.016"}),
        ({"a.x": "NR", "a.x.low": "13.0"}, {"a.x.low": "13.0"}),
        (
            {"a.x": "24", "a.x.low": "13", "a.x.high": "28", "a.x.over_solutions": "20 to 25"},
            {"a.x .low .high .over_solutions": "24 [20 to 25] (13–28)"},
        ),
        (
            {"a.x": "24", "a.x.p": "0.5", "a.x.p.over_solutions": "0.4 to 0.6"},
            {"a.x .p .p.over_solutions": "24; 0.5 [0.4 to 0.6]"},
        ),
        (
            {"a.x.stated": "24%", "a.x.stated.over_solutions": "20 to 25"},
            {"a.x .stated .stated.over_solutions": "24% [20 to 25]"},
        ),
        (
            {
                "a.x": "24",
                "a.x.over_solutions": "20 to 25",
                "a.x.stated": "24%",
                "a.x.stated.over_solutions": "20 to 25",
            },
            {"a.x .stated .stated.over_solutions .over_solutions": "24 [20 to 25]; 24%"},
        ),
        ({"a.x": "NR", "a.x.over_solutions": "20 to 25"}, {"a.x.over_solutions": "[20 to 25]"}),
        (
            {"a.x.place": "Table 1", "a.x.subject": "Grade, G1", "a.x.arithmetic": "1/2 = 50%"},
            {"a.x .subject .arithmetic .place": "Grade, G1; 1/2 = 50%; Table 1"},
        ),
        # Words of a finding have no row, nor a place in one.
        ({"a.x.subject": "Sex, male", "a.x.place": "Table 1"}, {"a.x.place": "Table 1"}),
        ({"a.x": "24", "a.x.status": "exact"}, {"a.x": "24"}),
        # The words that a row has room for, of 44 letters.
        (
            {"a.x": "at 12 months at most 7 deaths of 18 happened, so"},
            {"a.x": "at 12 months at most 7 deaths of 18 …"},
        ),
    ],
)
def test_a_number_and_its_companions_share_a_row(
    texts: dict[str, str], rows: dict[str, str]
) -> None:
    assert _rows({key: _entry(text) for key, text in texts.items()}) == rows


def test_a_range_is_in_the_row_of_its_number_which_alone_is_checked() -> None:
    checked = {"status": "independent", "engine": "numpy"}
    registry = {"a.x": _entry("24", crosscheck=checked), "a.x.over_solutions": _entry("20 to 25")}
    (row,) = [line for line in appendix.lines(registry, registry) if line.keys]
    assert (row.text, row.check, row.keys) == ("24 [20 to 25]", "i numpy", tuple(registry))


def test_what_comes_from_elsewhere_or_is_checked_otherwise_has_its_own_row() -> None:
    checked = {"status": "independent", "engine": "numpy"}
    registry = {
        "a.x": _entry("24.0"),
        "a.x.low": _entry("13.0", rule="synthesis"),
        "a.x.high": _entry("28.0", crosscheck=checked),
        "a.x.p": _entry("0.5"),
    }
    assert list(_rows(registry)) == ["a.x .p", "a.x.low", "a.x.high"]


PARTS = st.sampled_from(("a", "b", "low", "high", "p", "stated", "over_solutions", "place"))


@given(st.lists(st.lists(PARTS, min_size=1, max_size=5)))
def test_every_number_has_one_row_that_names_it(paths: list[list[str]]) -> None:
    registry = {".".join(path): _entry("1") for path in paths}
    listed = [line for line in appendix.lines(registry, registry) if line.keys]
    assert sorted(key for line in listed for key in line.keys) == sorted(registry)
    for line in listed:
        owner, *ends = line.key.split(" ")
        assert set(line.keys) - {owner} == ({f"{owner}{end}" for end in ends})


def test_targets_are_keys_and_the_labels_of_their_rows() -> None:
    registry = {key: _entry("1") for key in ("a.x", "a.x.low", "a.y", "b.z")}
    listed = appendix.lines(registry, registry)
    labels = [line.split("\t") for line in appendix.targets(listed).splitlines()]
    assert [key for key, _ in labels] == ["a.x", "a.x.low", "a.y", "b.z"]
    assert labels[0][1] == labels[1][1]
    assert len({label for _, label in labels}) == 3
    assert all(f'row("{label}", ' in appendix.typst(listed) for _, label in labels)


def test_a_long_key_breaks_at_its_full_stops() -> None:
    broken = "dose_sensitivity.\u200blc.\u200bab10.\u200bcut_1 .low .high"
    long = "a.\u200bfar_\u200btoo_\u200blong_\u200bpart_\u200bof_\u200ba_\u200bkey"
    listed = [
        Line("dose_sensitivity.lc.ab10.cut_1 .low .high", "1", keys=("k",)),
        Line("a.far_too_long_part_of_a_key", "1", keys=("k",)),
        Line("a.far_too_long_part_of_a_key_x", "0.452 (0.201–1.016)", keys=("k",)),
    ]
    for made in (appendix.typst(listed), appendix.openxml(listed)):
        assert broken in made
        assert "a.far_too_long_part_of_a_key<" in made or '"a.far_too_long_part_of_a_key"' in made
        assert f"{long}_\u200bx" in made
        assert "0.452 (0.201–1.016)" in made


LONG = Line("a.b .place", "14/44 = 31.8% → 32%; Shah 2021, Section 4.1", "rule", "i R", ("a.b",))


def test_a_long_text_stands_with_its_key_over_two_columns() -> None:
    short = Line("a.b", "14/44 = 31.8% → 32%", "rule", "i R", ("a.b",))
    assert '..row("number-0", "a.b", "14/44 = 31.8% → 32%", "rule", "i R"),' in appendix.typst(
        [short]
    )
    assert f'..wide("number-0", "a.b .place", "{LONG.text}", "rule", "i R"),' in appendix.typst(
        [LONG]
    )
    # A cell over all four columns is the heading of a group, and says itself again overleaf.
    assert appendix.typst([LONG]).count("colspan: 4") == 1
    rows = [
        [(_words("".join(cell.itertext())), _span(cell)) for cell in row.iter(f"{WORD}tc")]
        for row in _word_table(appendix.openxml([LONG, short])).iter(f"{WORD}tr")
    ]
    assert rows[1:] == [
        [(f"a.b .place {LONG.text}", 2), ("rule", 1), ("i R", 1)],
        [("a.b", 1), ("14/44 = 31.8% → 32%", 1), ("rule", 1), ("i R", 1)],
    ]


def _word_table(written: str) -> ElementTree.Element:
    root = ElementTree.fromstring(f'<w:body xmlns:w="{WORD[1:-1]}">{written}</w:body>')
    return next(root.iter(f"{WORD}tbl"))


def _span(cell: ElementTree.Element) -> int:
    span = cell.find(f".//{WORD}gridSpan")
    return 1 if span is None else int(span.attrib[f"{WORD}val"])


def test_nothing_printed_is_no_appendix() -> None:
    assert appendix.typst([]) == appendix.openxml([]) == appendix.targets([]) == ""


def test_texts_cannot_leave_their_strings() -> None:
    listed = [Line("a.b", 'say "hi" \\ #x', "s", "<&>", ("a.b",))]
    assert r'"say \"hi\" \\ #x"' in appendix.typst(listed)
    assert "&lt;&amp;&gt;" in appendix.openxml(listed)


# --- rendered ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdf(rendered: dict[str, Path]) -> pypdf.PdfReader:
    return pypdf.PdfReader(rendered["pdf"])


def _targets(project: Path) -> dict[str, str]:
    """Key -> label of its row."""
    said = (project / "_extensions" / "provenance" / "appendix.txt").read_text().splitlines()
    return dict(line.split("\t") for line in said)


def _listed(project: Path, numbers: dict[str, Any]) -> list[Line]:
    return appendix.lines(marks.printed_keys(source.expand(project), numbers), numbers)


def _first_page(pdf: pypdf.PdfReader) -> int:
    texts = [" ".join(page.extract_text().split()) for page in pdf.pages]
    return next(i for i, text in enumerate(texts) if appendix.HEADING in text)


def _words(text: str) -> str:
    return " ".join(text.replace("\u200b", "").split())


def test_the_pdf_lists_every_row_once(pdf: pypdf.PdfReader, project: Path, numbers: Any) -> None:
    first = _first_page(pdf)
    text = _words(" ".join(page.extract_text() for page in pdf.pages[first:]))
    listed = _listed(project, numbers)
    rows = [_words(" ".join(_shown(line))) for line in listed if line.keys]
    assert len(rows) > 90
    assert {row for row in rows if text.count(f"{row} ") != 1} == set()
    # A group that goes on overleaf says again what it is.
    assert all(line.key in text for line in listed if not line.keys)
    # Each page has the heads of the columns, in each of its halves.
    assert all("key printed source check" in _words(p.extract_text()) for p in pdf.pages[first:])


def _shown(line: Line) -> tuple[str, str, str, str]:
    return line.key, line.text, line.source, line.check


def _in_word(line: Line) -> tuple[str, ...]:
    key, text, source, check = _shown(line)
    if not line.keys:
        return (key,)
    return (f"{key} {text}", source, check) if len(text) > appendix.WIDE else _shown(line)


class Piece(NamedTuple):
    """Text as a page shows it."""

    x: float
    y: float
    size: float
    text: str


@pytest.fixture(scope="module")
def pieces(pdf: pypdf.PdfReader) -> list[list[Piece]]:
    """Of every page."""
    found: list[list[Piece]] = []

    def note(text: str, cm: list[float], tm: list[float], _font: Any, size: float) -> None:
        if text.strip():
            x, y = cm[4] + cm[0] * tm[4], cm[5] + cm[3] * tm[5]
            found[-1].append(Piece(x, y, size * abs(cm[3] * tm[3]), _words(text)))

    for page in pdf.pages:
        found.append([])
        page.extract_text(visitor_text=note)
    return found


def test_the_letters_of_the_pdf_are_of_seven_points_or_more(
    pdf: pypdf.PdfReader, pieces: list[list[Piece]]
) -> None:
    assert min(one.size for page in pieces[_first_page(pdf) :] for one in page) >= 7 - 1e-6


def test_a_number_of_the_pdf_links_to_its_row(
    pdf: pypdf.PdfReader, pieces: list[list[Piece]], project: Path, numbers: Any
) -> None:
    first = _first_page(pdf)
    texts = {line.key: line.text for line in _listed(project, numbers) if line.keys}
    reached: dict[str, set[str]] = {}
    for page, shown in zip(pdf.pages[:first], pieces, strict=False):
        for (left, bottom, _, top), target in _links(page):
            on = next(i for i, p in enumerate(pdf.pages) if p.indirect_reference == target[0])
            if on >= first:
                # Typst shows ten points above a target, too.
                y = float(target[3]) - 10
                (row,) = (p.text for p in pieces[on] if _at(p, float(target[2]), y - 9, y))
                said = {p.text for p in shown if _at(p, left, bottom, top)}
                reached.setdefault(row, set()).update(said)
    assert reached.keys() <= texts.keys()
    assert len(reached) >= len(texts) - 1  # one number stands in the title alone
    assert {row for row, said in reached.items() if not any(t in texts[row] for t in said)} == set()
    assert reached["os.median .low .high"] >= {"24.5", "17.2", "reached"}


def _at(piece: Piece, x: float, bottom: float, top: float) -> bool:
    return abs(piece.x - x) < 1 and bottom <= piece.y <= top


def _links(page: pypdf.PageObject) -> Iterator[tuple[list[float], Any]]:
    """Rectangle and target of each link within the file."""
    for annotation in page.get("/Annots", []):
        link = annotation.get_object()
        target = link["/Dest"].get_object() if "/Dest" in link else ""
        if not isinstance(target, str):  # a cross-reference, by name
            yield [float(side) for side in link["/Rect"]], target


def test_links_change_no_word_of_the_pdf(pdf: pypdf.PdfReader) -> None:
    first = _first_page(pdf)
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages[:first]).split())
    assert "0.452 (0.201–1.016)" in text
    assert "2.1 Survival of 37 patients" in text
    assert "(p = 0.016)" in text


def _titles(outline: list[Any]) -> list[str]:
    return [
        title
        for item in outline
        for title in (_titles(item) if isinstance(item, list) else [item.title])
    ]


def test_the_outline_of_the_pdf_has_the_headings_of_the_page_and_the_appendix(
    pdf: pypdf.PdfReader, rendered: dict[str, Path]
) -> None:
    page = BeautifulSoup(rendered["html"].read_text(encoding="utf-8"), "html.parser")
    headings = [
        " ".join(heading.get_text(" ").split())
        for heading in page.select("main h1, main h2, main h3")
    ]
    outline = [" ".join(title.split()) for title in _titles(pdf.outline)]
    assert outline == [*headings[1:], appendix.HEADING]  # but for the title


def test_the_docx_ends_with_the_appendix(
    rendered: dict[str, Path], project: Path, numbers: Any
) -> None:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        root = ElementTree.fromstring(archive.read("word/document.xml"))
    paragraphs = ["".join(t.text or "" for t in p.iter(f"{WORD}t")) for p in root.iter(f"{WORD}p")]
    assert paragraphs.count(appendix.HEADING) == 1
    *_, table = root.iter(f"{WORD}tbl")
    cells = [
        tuple(_words("".join(cell.itertext())) for cell in row.iter(f"{WORD}tc"))
        for row in table.iter(f"{WORD}tr")
    ]
    told = [_in_word(line) for line in _listed(project, numbers)]
    assert cells == [("key", "printed", "source", "check"), *told]
    assert ("os.median .low .high", "24.5 (17.2 to not reached)", "", "") in cells
    assert [row.find(f".//{WORD}tblHeader") is not None for row in table.iter(f"{WORD}tr")] == [
        True,
        *[False] * len(told),
    ]
    columns = [s.get(f"{WORD}num") for s in root.iter(f"{WORD}cols")]
    assert columns == ["1", "1", "2"]


def test_the_headers_of_the_pages_stay(rendered: dict[str, Path]) -> None:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        body = archive.read("word/document.xml").decode()
        relations = archive.read("word/_rels/document.xml.rels").decode()
    sections = re.findall(r"<w:sectPr\b.*?</w:sectPr>", body, re.S)
    assert len(sections) == 4
    assert all('r:id="rIdheader"' in section for section in sections)
    assert 'Id="rIdheader"' in relations


def test_every_printed_number_has_its_row(project: Path, numbers: Any) -> None:
    keys = marks.printed_keys(source.expand(project), numbers)
    with_digits = {key for key in keys if re.search(r"\d", numbers[key]["text"])}
    # An end of an interval that is not reached stands in the row of its number.
    assert _targets(project).keys() == {*with_digits, "os.median.high"}
