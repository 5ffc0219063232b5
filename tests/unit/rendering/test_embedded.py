from __future__ import annotations

import base64
import datetime
import re
import subprocess
import urllib.parse
import zipfile
from pathlib import Path

import pypandoc
import pypdf
import pytest
from bs4 import BeautifulSoup

from sarcoma_sbrt.errors import RenderError
from sarcoma_sbrt.rendering import embedded

DATE = "2026-11-21"
LABEL = "reconstructed from published statistics; not patients"
NOTE = "(‡ illustrative, not constrained by any printed figure)"


@pytest.fixture(scope="session")
def page(rendered: dict[str, Path]) -> BeautifulSoup:
    return BeautifulSoup(rendered["html"].read_bytes(), "html.parser")


@pytest.fixture(scope="session")
def pdf(rendered: dict[str, Path]) -> pypdf.PdfReader:
    return pypdf.PdfReader(rendered["pdf"])


def _text(element) -> str:
    return " ".join(element.get_text().split())


def test_two_renders_are_the_same_bytes(
    project: Path, rendered: dict[str, Path], tmp_path: Path
) -> None:
    again = embedded.render(project, tmp_path, date=DATE)
    assert {f: p.read_bytes() for f, p in again.items()} == {
        f: p.read_bytes() for f, p in rendered.items()
    }


def test_a_number_is_a_span_with_its_key_wherever_it_stands(page: BeautifulSoup) -> None:
    patients = page.select('span.num[data-key="cohort.patients"]')
    assert {_text(span) for span in patients} == {"37"}
    parents = {span.parent.name for span in patients}
    assert parents >= {"h1", "h2", "p", "caption", "figcaption"}
    assert _text(page.title) == "Radiotherapy of 37 patients with soft tissue sarcoma"
    assert "{{<" not in page.get_text()


def test_a_number_in_an_alternative_text_is_text(page: BeautifulSoup) -> None:
    image = page.select_one("#fig-os img")
    assert image["alt"] == "Curve falling to one half at 24.5 months."
    assert not image.has_attr("alt-source")


def test_headings_captions_and_references_are_numbered(page: BeautifulSoup) -> None:
    headings = [_text(h) for h in page.select("main > h1, main > h2")]
    assert headings == [
        "1 Methods",
        "1.1 Endpoints",
        "2 Results",
        "2.1 Survival of 37 patients",
        "3 Discussion",
        "3.1 Limitations",
        "References",
    ]
    captions = [_text(c).split(":")[0] for c in page.select("caption, figcaption")]
    assert captions == ["Table 1", "Figure 1", "Table 2", "Figure 2"]
    links = [(a["href"], _text(a)) for a in page.select("a.quarto-xref")]
    assert links == [
        ("#tbl-patients", "Table 1"),
        ("#tbl-models", "Table 2"),
        ("#fig-os", "Figure 1"),
        ("#sec-endpoints", "Section 1.1"),
        ("#tbl-patients", "Table 1"),
        ("#fig-os", "Figure 1"),
        ("#fig-lc", "Figure 2"),
        ("#sec-results", "Section 2"),
    ]
    assert all(page.find(id=href[1:]) is not None for href, _ in links)


def test_filler_is_marked_and_noted_once_per_block(page: BeautifulSoup) -> None:
    marked = page.select("span.num.filler")
    assert len(marked) == 3
    assert all(str(span.next_sibling).startswith("‡") for span in marked)
    noted = [
        _text(note.find_parent(["p", "caption", "figcaption"]))
        for note in page.select(".filler-note")
    ]
    assert [text.endswith(NOTE) for text in noted] == [True, True, True]
    assert noted[0] == f"Table 1: Characteristics of 37 patients. {NOTE}"
    assert noted[2] == f"Figure 2: Local failure, by the volume (61.3‡ cm3). {NOTE}"


def test_two_filler_numbers_in_a_paragraph_get_one_note(
    manuscript: Path, assemble, tmp_path
) -> None:
    methods = manuscript / "sections" / "methods.qmd"
    methods.write_text(
        methods.read_text() + "\nIt was {{< num ptv.median >}}, or {{< num ptv.median >}}.\n"
    )
    html = embedded.render(assemble(), tmp_path / "out", date=DATE)["html"]
    page = BeautifulSoup(html.read_bytes(), "html.parser")
    paragraph = next(p for p in page.find_all("p") if _text(p).startswith("It was"))
    assert _text(paragraph) == f"It was 61.3‡, or 61.3‡. {NOTE}"


def test_citations_and_reference_list_come_from_the_bibliography(page: BeautifulSoup) -> None:
    assert "(Example and Sample 2022)" in page.get_text()
    entries = [_text(entry) for entry in page.select("#refs .csl-entry")]
    assert [entry.split(".")[0] for entry in entries] == [
        "Example, Ada, and Ben Sample",
        "Sample, Ben",
    ]


def test_the_page_needs_nothing_from_elsewhere(
    rendered: dict[str, Path], page: BeautifulSoup
) -> None:
    assert page.html["lang"] == "en"
    for element in page.find_all(["script", "link", "img", "source", "iframe"]):
        assert str(element.get("src", element.get("href", "data:"))).startswith("data:")
    assert not re.search(rb"@import|url\((?!.?data:)", rendered["html"].read_bytes())
    assert page.find("math") is not None


def test_comments_and_hidden_text_are_not_shipped(rendered: dict[str, Path]) -> None:
    html = rendered["html"].read_text(encoding="utf-8")
    assert "A comment with 37" not in html
    assert "never read" not in html


def test_every_page_of_the_pdf_says_what_the_data_are(pdf: pypdf.PdfReader) -> None:
    pages = [page.extract_text() for page in pdf.pages]
    assert len(pages) > 1
    for number, text in enumerate(pages, start=1):
        assert LABEL in text
        assert f"{number} / {len(pages)}" in text


def test_the_pdf_says_what_the_page_says(pdf: pypdf.PdfReader) -> None:
    text = " ".join(" ".join(page.extract_text() for page in pdf.pages).split())
    for words in (
        "Radiotherapy of 37 patients",
        "21 November 2026",
        "Table 1: Characteristics of 37 patients. (‡ illustrative",
        "2.1 Survival of 37 patients",
        "0.452 (0.201–1.016)",
        "Months from the first fraction",
    ):
        assert words in text, words


def test_the_pdf_carries_the_configured_date_only(pdf: pypdf.PdfReader) -> None:
    assert pdf.metadata.creation_date == datetime.datetime(2026, 11, 21, tzinfo=datetime.UTC)


def test_the_docx_has_label_captions_and_ruled_tables(rendered: dict[str, Path]) -> None:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        names = archive.namelist()
        body = archive.read("word/document.xml").decode()
        headers = "".join(archive.read(n).decode() for n in names if n.startswith("word/header"))
        core = archive.read("docProps/core.xml").decode()
    assert LABEL in headers
    assert body.count('w:val="TableCaption"') == 2
    assert body.count('w:val="ImageCaption"') == 2
    assert body.count('<w:tblStyle w:val="Table"') == 2
    assert [n for n in names if n.startswith("word/media/")] != []
    assert all(n.endswith(".png") for n in names if n.startswith("word/media/"))
    assert "2026-11-21T00:00:00Z" in core


def _long_table() -> str:
    """Two groups of rows, each of several lines, over more than two pages."""
    rows = [
        f"| row {word} begins | {'a remark of some length ' * 14} and {word} ends |"
        for word in (f"{a}{b}" for a in "abcdef" for b in "uvwxyz")
    ]
    rows.insert(12, "| **Second group** | |")
    body = "\n".join(["| Name | Remark |", "|:--|:--|", "| **First group** | |", *rows])
    return f"\n::: {{#tbl-long}}\n\n{body}\n\nA long table.\n:::\n"


@pytest.fixture
def long_pages(manuscript: Path, assemble, tmp_path: Path) -> list[str]:
    """Text of the pages that a long table is on."""
    methods = manuscript / "sections" / "methods.qmd"
    methods.write_text(methods.read_text() + _long_table())
    pdf = embedded.render(assemble(), tmp_path / "out", date=DATE)["pdf"]
    pages = [" ".join(p.extract_text().split()) for p in pypdf.PdfReader(pdf).pages]
    return [text for text in pages if re.search(r"row \w\w begins", text)]


def test_a_row_of_the_pdf_is_on_one_page(long_pages: list[str]) -> None:
    assert len(long_pages) > 2
    for text in long_pages:
        begun = re.findall(r"row (\w\w) begins", text)
        assert begun == re.findall(r"and (\w\w) ends", text)


def test_a_page_of_the_pdf_repeats_the_head_and_the_group(long_pages: list[str]) -> None:
    assert all("Name Remark" in text for text in long_pages)
    groups = [re.findall(r"(First|Second) group", text) for text in long_pages]
    assert groups[0][0] == "First"
    assert groups[-1] == ["Second"]  # begun on a page before
    assert sum(found.count("Second") for found in groups) > 1
    for text in long_pages:
        # A heading never ends a page.
        assert not re.search(r"group (?:\d+ / \d+)?$", text)


def _set_by_the_template(body: str, folder: Path) -> list[bytes]:
    """What each page draws of Typst's own text."""
    command = [pypandoc.get_pandoc_path(), "--to=typst", "--standalone", "--metadata=title:x"]
    template = Path("manuscript/_extensions/provenance/article.typ").resolve()
    text = subprocess.run(
        [*command, "--metadata=lang:en", f"--template={template}"],
        input=f"```{{=typst}}\n{body}\n```\n",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    path = folder / "a.pdf"
    path.write_bytes(embedded._typeset(folder, text.encode(), 0))
    return [page.get_contents().get_data() for page in pypdf.PdfReader(path).pages]


def test_a_page_of_a_table_is_ruled_and_one_without_a_row_is_not(tmp_path: Path) -> None:
    rows = ", ".join("[a], [b]" for _ in range(60))
    pages = _set_by_the_template(
        "#v(450pt)\n#figure(block(height: 660pt), caption: [A.], kind: image, supplement: none)\n"
        f"#figure(table(columns: 2, table.header([A], [B]), {rows}), kind: table, "
        "caption: [B.], supplement: none)",
        tmp_path,
    )
    # Before and behind the page that the picture fills.
    assert [len(re.findall(rb"\b0?\.8 w\b", page)) for page in pages][:3] == [2, 0, 2]


def test_the_contents_are_closed_until_there_is_room_beside_the_text(page: BeautifulSoup) -> None:
    contents = page.select_one("details.toc")
    assert contents is not None
    assert not contents.has_attr("open")
    style = "".join(
        base64.b64decode(link["href"].partition(",")[2]).decode()
        if ";base64," in link["href"]
        else urllib.parse.unquote(link["href"])
        for link in page.select("link[rel=stylesheet]")
    ) + "".join(tag.get_text() for tag in page.select("style"))
    assert ".toc::details-content" in style.partition("@media (min-width: 82rem)")[2]


def test_no_row_of_a_docx_table_breaks_over_pages(rendered: dict[str, Path]) -> None:
    with zipfile.ZipFile(rendered["docx"]) as archive:
        body = archive.read("word/document.xml").decode()
    rows = re.findall(r"<w:tr>(<w:trPr>.*?</w:trPr>)?", body)
    assert len(rows) > 30
    assert all("<w:cantSplit/>" in row for row in rows)
    # After a table comes room, or its note, which has its own.
    assert body.count('</w:tbl><w:p><w:pPr><w:pStyle w:val="TableEnd"/>') == 2
    assert body.count("</w:tbl>") == 3  # the last is the appendix
    assert body.count('<w:pStyle w:val="TableNote"') == 1


def test_what_pandoc_warns_of_fails_the_render(project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    copy.mkdir()
    for path in project.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(project)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (copy / "figures" / "os.svg").unlink()
    with pytest.raises(RenderError, match=r"pandoc: \[WARNING\] Could not fetch resource"):
        embedded.render(copy, tmp_path / "out", date=DATE)
    assert not (tmp_path / "out").exists()


def test_a_key_that_lua_does_not_find_fails_the_render(assemble, tmp_path: Path) -> None:
    project = assemble()
    (project / "numbers.json").write_text("{}")
    with pytest.raises(RenderError, match="num: the registry has no number called"):
        embedded.render(project, tmp_path / "out", date=DATE)


def test_the_version_names_both_engines() -> None:
    assert re.fullmatch(r"pandoc [\d.]+, Typst [\d.]+", embedded.version())
