"""The appendix of numbers: its lines, their places, the PDF's links and Word's paragraphs."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Any
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


def test_a_line_says_key_text_source_and_check() -> None:
    told = appendix.lines(
        ["published.x.os", "os.median", "config.models.alpha", "os.median"], NUMBERS
    )
    assert told == [
        Line("config.models.alpha", "0.05", "configuration", ""),
        Line("os.median", "24.5", "kaplan_meier", "i numpy"),
        Line("published.x.os", "24", "x.csv:7", ""),
    ]


def test_a_long_text_is_cut_and_says_so() -> None:
    (line,) = appendix.lines(["cohort.title"], NUMBERS)
    assert len(line.text) <= appendix.LONGEST
    assert line.text.endswith("…")
    assert ("37 word " * 12).startswith(line.text[:-1])


def _lines(count: int, length: int = 10) -> list[Line]:
    return [Line(f"{i:05d}" + "k" * (length - 5), "1", "cox", "") for i in range(count)]


@given(st.lists(st.integers(5, 90), max_size=700))
def test_no_two_lines_meet_and_all_are_on_paper(lengths: list[int]) -> None:
    listed = [Line("k" * length, "12.5", "cox", "i numpy") for length in lengths]
    places = appendix.places(listed)
    for line, here, after in zip(listed, places, places[1:], strict=False):
        taken = (
            1 if (len(line.key) + 4) * appendix.LETTER <= appendix.ROOM else 2
        ) * appendix.PITCH
        if (after.page, after.x) == (here.page, here.x):
            assert after.y >= here.y + taken - 1e-9
        else:
            assert (after.page, after.x) > (here.page, here.x)
    for line, place in zip(listed, places, strict=True):
        assert place.y >= appendix.TOP
        taken = (
            1 if (len(line.key) + 4) * appendix.LETTER <= appendix.ROOM else 2
        ) * appendix.PITCH
        assert place.y + taken <= 842 - 40 + 1e-9
        assert place.x + appendix.WIDTH <= 595.3 - appendix.LEFT + 12.1


def test_five_thousand_lines_take_some_twenty_five_pages() -> None:
    places = appendix.places(_lines(5000, length=42))
    assert 23 <= places[-1].page + 1 <= 27


def test_what_prints_no_digit_has_no_line() -> None:
    reached = {"os.median": {**NUMBERS["os.median"], "text": "not reached"}}
    assert appendix.lines(["os.median"], reached) == []


def test_targets_are_key_page_and_position() -> None:
    listed = _lines(2)
    first, second = appendix.targets(listed).splitlines()
    top = appendix.TOP + appendix.HEAD
    assert first == f"{listed[0].key}\t0\t{appendix.LEFT:g}\t{top:g}"
    assert second.split("\t")[3] == f"{top + appendix.PITCH:g}"


def test_nothing_printed_is_no_appendix() -> None:
    assert appendix.typst([]) == appendix.openxml([]) == appendix.targets([]) == ""


def test_texts_cannot_leave_their_strings() -> None:
    listed = [Line("a.b", 'say "hi" \\ #x', "s", "<&>")]
    assert r'"say \"hi\" \\ #x"' in appendix.typst(listed)
    assert "&lt;&amp;&gt;" in appendix.openxml(listed)


# --- rendered ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pdf(rendered: dict[str, Path]) -> pypdf.PdfReader:
    return pypdf.PdfReader(rendered["pdf"])


def _keys(project: Path) -> list[str]:
    listed = (project / "_extensions" / "provenance" / "appendix.txt").read_text().splitlines()
    return [line.split("\t")[0] for line in listed]


def _first_page(pdf: pypdf.PdfReader) -> int:
    texts = [" ".join(page.extract_text().split()) for page in pdf.pages]
    return next(i for i, text in enumerate(texts) if appendix.HEADING in text)


def test_the_pdf_lists_every_printed_key_once(pdf: pypdf.PdfReader, project: Path) -> None:
    first = _first_page(pdf)
    text = " ".join(page.extract_text() for page in pdf.pages[first:])
    words = [word.replace("\u200b", "") for word in text.split()]
    keys = _keys(project)
    assert len(keys) > 100
    assert {key for key in keys if words.count(key) != 1} == set()


def test_a_number_of_the_pdf_links_to_its_line(pdf: pypdf.PdfReader, project: Path) -> None:
    listed = (project / "_extensions" / "provenance" / "appendix.txt").read_text().splitlines()
    rows = [line.split("\t")[1:] for line in listed]
    places = {(int(page), float(x), round(float(y), 1)) for page, x, y in rows}
    first = _first_page(pdf)
    numbers = {page.indirect_reference.idnum: i for i, page in enumerate(pdf.pages)}
    found = set()
    for page in pdf.pages[:first]:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if "/Dest" in link:
                target = link["/Dest"].get_object()
                if isinstance(target, str):  # a cross-reference, by name
                    continue
                on = numbers[target[0].idnum] - first
                if on >= 0:
                    # Typst shows ten points above a target, too.
                    y = 841.89 - float(target[3]) + 10
                    found.add((on, float(target[2]), round(y, 1)))
    assert len(found) > 100
    assert {place for place in found if place not in places} == set()


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


def test_the_docx_ends_with_the_appendix(rendered: dict[str, Path], project: Path) -> None:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        root = ElementTree.fromstring(archive.read("word/document.xml"))
    paragraphs = ["".join(_runs(p)) for p in root.iter(f"{WORD}p")]
    start = paragraphs.index(appendix.HEADING)
    rows = [text for text in paragraphs[start + 2 :] if text]
    assert [row.split("\t")[0] for row in rows] == _keys(project)
    assert "os.median\t24.5\t\t" in rows
    columns = [s.get(f"{WORD}num") for s in root.iter(f"{WORD}cols")]
    assert columns == ["1", "1", "2"]


def _runs(paragraph: ElementTree.Element) -> list[str]:
    texts = (node for node in paragraph.iter() if node.tag in (f"{WORD}t", f"{WORD}tab"))
    return [
        node.text or "" if node.tag == f"{WORD}t" else "\t"
        for node in texts
        if node.tag == f"{WORD}t" or not node.attrib
    ]


def test_the_headers_of_the_pages_stay(rendered: dict[str, Path]) -> None:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        body = archive.read("word/document.xml").decode()
        relations = archive.read("word/_rels/document.xml.rels").decode()
    sections = re.findall(r"<w:sectPr\b.*?</w:sectPr>", body, re.S)
    assert len(sections) == 4
    assert all('r:id="rIdheader"' in section for section in sections)
    assert 'Id="rIdheader"' in relations


def test_a_manuscript_is_printed_with_its_ranges_listed(project: Path, numbers: Any) -> None:
    keys = marks.printed_keys(source.expand(project), numbers)
    with_digits = {key for key in keys if re.search(r"\d", numbers[key]["text"])}
    assert sorted(with_digits) == _keys(project)
