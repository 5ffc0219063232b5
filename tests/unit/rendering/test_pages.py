"""What is read of rendered pages: the words in order, keys, pictures and furniture."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from sarcoma_sbrt.provenance.digit_coverage import read_rules
from sarcoma_sbrt.provenance.furniture import FURNITURE, judged
from sarcoma_sbrt.provenance.passages import passages
from sarcoma_sbrt.rendering import embedded
from sarcoma_sbrt.rendering.appendix import HEADING, INTRODUCTION, lines
from sarcoma_sbrt.rendering.pages import Page, read_html, read_page
from sarcoma_sbrt.rendering.tagged_pdf import is_tagged, read_pdf

LABEL = "reconstructed from published statistics; not patients"
FORMATS = ("html", "pdf", "docx")


@pytest.fixture(scope="module")
def document(project: Path):
    return passages(embedded.document(project))


@pytest.fixture(scope="module")
def pages(rendered: dict[str, Path]) -> dict[str, Page]:
    return {name: read_page(rendered[name]) for name in FORMATS}


def _html(tmp_path: Path, body: str) -> Page:
    path = tmp_path / "page.html"
    path.write_text(f"<html><head><title>3</title></head><body>{body}</body></html>")
    return read_html(path)


def _said(page: Page, stream: str = "text") -> list[str]:
    return [" ".join(p.text.split()) for p in page.passages if p.stream == stream]


# --- the rendered fixture -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMATS)
def test_a_page_prints_the_numbers_of_the_document_in_order(name, pages, document, numbers) -> None:
    keys = {run.owner.key for p in document for run in p.runs if run.owner and run.owner.key}
    told = [f"{one.key} {one.text} {one.source} {one.check}" for one in lines(keys, numbers)]
    appendix = [HEADING, INTRODUCTION, *told]
    found = judged(document, pages[name].passages, f"index.{name}", FURNITURE, numbers, appendix)
    assert [str(problem) for problem in found.problems] == []
    assert found.numbers > 100


def test_the_rules_of_the_manuscript_are_all_the_furniture_there_is(project: Path) -> None:
    assert read_rules(project / "coverage.yaml").furniture == {*FURNITURE, "axis_tick"}


@pytest.mark.parametrize("name", FORMATS)
def test_the_running_label_is_furniture(name, pages) -> None:
    assert set(_said(pages[name], "running_label")) == {LABEL}


def test_every_page_of_the_pdf_has_its_number(pages) -> None:
    numbers = _said(pages["pdf"], "page_number")
    assert numbers == [f"{i} / {len(numbers)}" for i in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("name", FORMATS)
def test_footnotes_are_read_by_themselves(name, pages) -> None:
    notes = " ".join(_said(pages[name], "notes"))
    assert "The dose is 45 Gy in the median patient." in notes
    assert not any("The dose is 45 Gy" in text for text in _said(pages[name]))


@pytest.mark.parametrize("name", ["html", "docx"])
def test_alternative_texts_are_read(name, pages) -> None:
    texts = _said(pages[name], "pictures")
    assert "Curve falling to one half at 24.5 months." in texts


def test_html_says_its_keys(pages) -> None:
    keys = Counter(
        run.owner.key for p in pages["html"].passages for run in p.runs if run.owner is not None
    )
    assert keys["cox.os.row_0.hr"] == 1
    assert keys["os.median"] >= 3


def test_pictures_are_the_files_of_the_figures(pages, drawn) -> None:
    from sarcoma_sbrt.io import sha256

    files = {path.name: sha256(path) for path in drawn}
    assert pages["html"].pictures == (files["os.svg"], files["lc.svg"])
    assert pages["docx"].pictures == (files["os.png"], files["lc.png"])


# --- single traits --------------------------------------------------------------------------------


def test_blocks_end_passages_and_inline_elements_do_not(tmp_path: Path) -> None:
    page = _html(tmp_path, "<p>Of <b>3</b>7</p><table><tr><td>1</td><td>2</td></tr></table>")
    assert _said(page) == ["Of 37", "1", "2"]


def test_what_is_not_shown_is_not_read(tmp_path: Path) -> None:
    body = "<script>1</script><style>2</style><!-- 3 --><template>4</template><p>5</p>"
    assert _said(_html(tmp_path, body)) == ["5"]


def test_a_formula_is_read_once(tmp_path: Path) -> None:
    body = (
        "<p>At <math><semantics><mrow><msub><mi>x</mi><mn>10</mn></msub></mrow>"
        "<annotation>x_{10}</annotation></semantics></math>.</p>"
    )
    assert _said(_html(tmp_path, body)) == ["At x10."]


def test_an_alternative_text_that_repeats_the_caption_is_one(tmp_path: Path) -> None:
    body = (
        '<figure><img src="x.svg" alt="Of 37."><figcaption>Figure 1: Of 37.</figcaption></figure>'
    )
    page = _html(tmp_path, body)
    assert _said(page, "pictures") == []
    assert _said(page) == ["Figure 1: Of 37."]
    assert page.pictures == ("",)


def test_a_passage_knows_its_line(tmp_path: Path) -> None:
    page = _html(tmp_path, "\n<p>\n1</p>\n<p>2</p>")
    assert [p.line for p in page.passages] == [2, 4]


def test_another_file_is_no_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"index\.odt is no page that can be read"):
        read_page(tmp_path / "index.odt")


def test_a_pdf_without_tags_is_refused(tmp_path: Path) -> None:
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.write(tmp_path / "plain.pdf")
    assert not is_tagged(tmp_path / "plain.pdf")
    with pytest.raises(ValueError, match=r"plain\.pdf: the file has no tags"):
        read_pdf(tmp_path / "plain.pdf")
