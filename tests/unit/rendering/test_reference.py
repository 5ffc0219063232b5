from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

from sarcoma_sbrt.rendering.reference import reference_document

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
    assert "TableNote" in names
