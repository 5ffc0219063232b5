from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from sarcoma_sbrt.rendering.reference import finished, reference_document

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


def _part(content: bytes, name: str) -> ElementTree.Element:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ElementTree.fromstring(archive.read(name))


def test_the_same_label_gives_the_same_bytes() -> None:
    assert reference_document("not patients") == reference_document("not patients")


def test_the_header_says_the_label() -> None:
    header = _part(reference_document("A & B <not patients>"), "word/header1.xml")
    assert "".join(header.itertext()).strip() == "A & B <not patients>"


def test_every_part_is_xml_and_tables_are_ruled() -> None:
    content = reference_document("")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            ElementTree.fromstring(archive.read(name))
    styles = _part(content, "word/styles.xml")
    table = next(s for s in styles.iter(f"{WORD}style") if s.get(f"{WORD}styleId") == "Table")
    borders = table.find(f"{WORD}tblPr/{WORD}tblBorders")
    assert borders is not None
    assert [edge.tag.removeprefix(WORD) for edge in borders] == ["top", "bottom"]


def test_styles_are_named_once() -> None:
    styles = _part(reference_document(""), "word/styles.xml")
    names = [s.get(f"{WORD}styleId") for s in styles.iter(f"{WORD}style")]
    assert len(names) == len(set(names))
    assert {"TableNote", "TableGroup", "TableFirstMember", "TableMember", "TableEnd"} < set(names)


def test_the_head_of_a_group_stays_with_the_next_two_rows() -> None:
    styles = _part(reference_document(""), "word/styles.xml")
    kept = {
        style.get(f"{WORD}styleId")
        for style in styles.iter(f"{WORD}style")
        if style.find(f"{WORD}pPr/{WORD}keepNext") is not None
    }
    assert {"TableGroup", "TableFirstMember"} < kept
    assert "TableMember" not in kept


# --- what pandoc cannot be told -----------------------------------------------------------

HEAD = '<w:trPr><w:tblHeader w:val="on" /></w:trPr>'
END = '<w:p><w:pPr><w:pStyle w:val="TableEnd"/></w:pPr></w:p>'
LINE = '<w:tcBorders><w:bottom w:val="{}" w:sz="4" w:space="0" w:color="000000"/></w:tcBorders>'


def _document(body: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", body)
        archive.writestr("word/styles.xml", "<w:styles/>")
    return stream.getvalue()


def _finished(body: str) -> str:
    with zipfile.ZipFile(io.BytesIO(finished(_document(body)))) as archive:
        assert archive.read("word/styles.xml") == b"<w:styles/>"
        return archive.read("word/document.xml").decode()


def test_no_row_breaks_and_there_is_room_after_a_table() -> None:
    body = f"<w:tbl><w:tr>{HEAD}<w:tc/></w:tr><w:tr><w:tc/></w:tr></w:tbl><w:p>Text</w:p>"
    head = HEAD.replace("<w:trPr>", "<w:trPr><w:cantSplit/>")
    assert _finished(body) == (
        f"<w:tbl><w:tr>{head}<w:tc/></w:tr>"
        "<w:tr><w:trPr><w:cantSplit/></w:trPr><w:tc/></w:tr></w:tbl>"
        f"{END}<w:p>Text</w:p>"
    )


def test_a_note_brings_its_own_room() -> None:
    note = '</w:tbl>\n<w:p><w:pPr><w:pStyle w:val="TableNote" /></w:pPr></w:p>'
    assert _finished(note) == note
    other = note.replace("TableNote", "BodyText")
    assert _finished(other) == other.replace("</w:tbl>", f"</w:tbl>{END}")


def test_the_rule_of_a_head_of_two_rows_is_under_the_second() -> None:
    both = '<w:tc><w:tcPr><w:vMerge w:val="restart" /></w:tcPr></w:tc>'
    over = '<w:tc><w:tcPr><w:gridSpan w:val="2" /></w:tcPr></w:tc>'
    under = "<w:tc><w:tcPr /></w:tc>"
    found = _finished(f"<w:tr>{HEAD}{both}{over}</w:tr><w:tr>{HEAD}{under}</w:tr><w:tr>a</w:tr>")
    upper, lower, body = found.split("</w:tr>")[:3]
    assert f'<w:vMerge w:val="restart" />{LINE.format("nil")}' in upper
    assert upper.count("tcBorders") == 2
    assert f"<w:tc><w:tcPr>{LINE.format('single')}</w:tcPr></w:tc>" in lower
    assert "tcBorders" not in body


def test_one_row_of_a_head_is_ruled_by_its_style() -> None:
    assert "tcBorders" not in _finished(f"<w:tr>{HEAD}<w:tc><w:tcPr /></w:tc></w:tr><w:tr>a</w:tr>")


def test_the_same_document_gives_the_same_bytes_whenever_it_was_written() -> None:
    early, late = io.BytesIO(), io.BytesIO()
    for stream, year in ((early, 2001), (late, 2026)):
        with zipfile.ZipFile(stream, "w") as archive:
            written = zipfile.ZipInfo("word/document.xml", (year, 1, 2, 3, 4, 5))
            archive.writestr(written, "<w:tbl></w:tbl>")
    assert finished(early.getvalue()) == finished(late.getvalue())
