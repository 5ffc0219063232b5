"""Word: the reference document, and what pandoc's writer cannot be told of a table."""

from __future__ import annotations

import io
import re
import subprocess
import zipfile
from xml.sax.saxutils import escape

import pypandoc

__all__ = ["finished", "reference_document"]

# A fixed time, so that the same label gives the same bytes.
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CONTENT = "application/vnd.openxmlformats-officedocument.wordprocessingml"

# Ruled above, below and under the head, like the other formats' tables.
TABLE = """
<w:tblBorders>
  <w:top w:val="single" w:sz="8" w:space="0" w:color="000000"/>
  <w:bottom w:val="single" w:sz="8" w:space="0" w:color="000000"/>
</w:tblBorders>
"""
NOTE = """
<w:style w:type="paragraph" w:customStyle="1" w:styleId="TableNote">
  <w:name w:val="Table Note"/><w:basedOn w:val="Normal"/>
  <w:pPr><w:spacing w:before="60" w:after="200"/></w:pPr>
  <w:rPr><w:sz w:val="16"/><w:szCs w:val="16"/></w:rPr>
</w:style>
"""
# Of rows (tables.lua): the head of a group, its first row, which stays on the page with the next,
# and the others. Pandoc's "Compact" has no room above or below.
MEMBERS = "".join(
    f"""
<w:style w:type="paragraph" w:customStyle="1" w:styleId="{name.replace(" ", "")}">
  <w:name w:val="{name}"/><w:basedOn w:val="Compact"/>
  <w:pPr>{properties}</w:pPr>
</w:style>
"""
    for name, properties in (
        ("Table Group", '<w:keepNext/><w:spacing w:before="60" w:after="36"/>'),
        ("Table First Member", '<w:keepNext/><w:ind w:left="220"/>'),
        ("Table Member", '<w:ind w:left="220"/>'),
        (
            "Table End",
            '<w:spacing w:before="0" w:after="0" w:line="240" w:lineRule="exact"/>',
        ),
    )
)
# A table style's size holds only where the paragraph's is the document's default.
SIZES = {"document": 21, "table": 16}
ROWS = """
<w:tblStylePr w:type="firstRow">
  <w:rPr><w:b/></w:rPr>
  <w:tblPr><w:jc w:val="left"/></w:tblPr>
  <w:trPr><w:tblHeader/></w:trPr>
  <w:tcPr>
    <w:tcBorders><w:bottom w:val="single" w:sz="4" w:space="0" w:color="000000"/></w:tcBorders>
    <w:vAlign w:val="bottom"/>
  </w:tcPr>
</w:tblStylePr>
"""
HEADER = f"""<?xml version="1.0" encoding="UTF-8"?>
<w:hdr xmlns:w="{WORD}"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>
<w:r><w:rPr><w:color w:val="8F3600"/><w:sz w:val="16"/></w:rPr><w:t>LABEL</w:t></w:r></w:p></w:hdr>
"""
FOOTER = f"""<?xml version="1.0" encoding="UTF-8"?>
<w:ftr xmlns:w="{WORD}"><w:p><w:pPr><w:jc w:val="center"/></w:pPr>
<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>
<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p></w:ftr>
"""
# Of the appendix of numbers (rendering/appendix.py): the paragraphs of its table.
NUMBER_LINE = """
<w:style w:type="paragraph" w:customStyle="1" w:styleId="NumberLine">
  <w:name w:val="Number Line"/><w:basedOn w:val="Normal"/>
  <w:pPr><w:spacing w:before="0" w:after="0"/></w:pPr>
  <w:rPr><w:sz w:val="11"/><w:szCs w:val="11"/></w:rPr>
</w:style>
"""
SECTION = f"""<w:sectPr xmlns:r="{RELATIONS}">
<w:headerReference w:type="default" r:id="rIdheader"/>
<w:footerReference w:type="default" r:id="rIdfooter"/>
<w:type w:val="continuous"/>
<w:pgSz w:w="11906" w:h="16838"/>
<w:pgMar w:top="1417" w:right="1247" w:bottom="1304" w:left="1247" w:header="680" w:footer="600"
 w:gutter="0"/>
</w:sectPr>"""


def reference_document(label: str) -> bytes:
    """Bytes of a reference document whose header says `label` (nothing where it is empty)."""
    command = [pypandoc.get_pandoc_path(), "--print-default-data-file", "reference.docx"]
    default = subprocess.run(command, check=True, capture_output=True).stdout
    with zipfile.ZipFile(io.BytesIO(default)) as archive:
        parts = {name: archive.read(name) for name in sorted(archive.namelist())}
    parts["word/header1.xml"] = HEADER.replace("LABEL", escape(label)).encode()
    parts["word/footer1.xml"] = FOOTER.encode()
    for name, change in _CHANGES.items():
        parts[name] = change(parts[name].decode()).encode()
    return _zipped(parts)


def _styles(xml: str) -> str:
    xml = re.sub(r"(<w:tblInd [^>]*/>)(?=\s*<w:tblCellMar>)", rf"\1{TABLE}", xml, count=1)
    xml = re.sub(r'<w:tblStylePr w:type="firstRow">.*?</w:tblStylePr>', ROWS, xml, flags=re.S)
    sizes = '<w:sz w:val="{0}"/><w:szCs w:val="{0}"/>'
    default = sizes.format(SIZES["document"])
    xml = re.sub(r'<w:sz w:val="24" />\s*<w:szCs w:val="24" />', default, xml, count=1)
    xml = xml.replace('w:w="108" w:type="dxa"', 'w:w="60" w:type="dxa"')
    table = f"<w:rPr>{sizes.format(SIZES['table'])}</w:rPr>"
    xml = re.sub(r'(w:styleId="Table">.*?)(<w:tblPr>)', rf"\1{table}\2", xml, count=1, flags=re.S)
    xml = xml.replace("</w:styles>", f"{NOTE}{MEMBERS}{NUMBER_LINE}</w:styles>")
    for style, run in _RUNS.items():
        xml = _with_run(xml, style, run)
    for style, paragraph in _PARAGRAPHS.items():
        xml = _with_paragraph(xml, style, paragraph)
    return xml


_RUNS = {
    "Title": '<w:b/><w:color w:val="1F4E79"/><w:sz w:val="36"/><w:szCs w:val="36"/>',
    "Subtitle": '<w:b w:val="0"/><w:color w:val="8F3600"/><w:sz w:val="24"/><w:szCs w:val="24"/>',
    "Author": '<w:b w:val="0"/><w:color w:val="000000"/><w:sz w:val="22"/><w:szCs w:val="22"/>',
    "Date": '<w:b w:val="0"/><w:color w:val="555555"/><w:sz w:val="20"/><w:szCs w:val="20"/>',
    "Heading1": '<w:b/><w:color w:val="1F4E79"/><w:sz w:val="28"/><w:szCs w:val="28"/>',
    "Heading2": '<w:b/><w:color w:val="000000"/><w:sz w:val="24"/><w:szCs w:val="24"/>',
    "Heading3": '<w:i/><w:color w:val="000000"/><w:sz w:val="22"/><w:szCs w:val="22"/>',
    "Caption": '<w:sz w:val="19"/><w:szCs w:val="19"/>',
    "FootnoteText": '<w:sz w:val="18"/><w:szCs w:val="18"/>',
}

_PARAGRAPHS = {
    "Title": '<w:spacing w:before="120" w:after="120"/><w:jc w:val="left"/>',
    "AbstractTitle": '<w:keepNext/><w:spacing w:before="300" w:after="60"/><w:jc w:val="left"/>',
    # The default keeps the whole abstract on one page, which leaves the first one empty.
    "Abstract": '<w:spacing w:before="60" w:after="120"/>',
    "BodyText": '<w:spacing w:before="0" w:after="140" w:line="264" w:lineRule="auto"/>',
    "TableCaption": '<w:keepNext/><w:spacing w:before="240" w:after="80"/>',
    "ImageCaption": '<w:spacing w:before="60" w:after="280"/>',
    "Bibliography": '<w:spacing w:after="80"/><w:ind w:left="360" w:hanging="360"/>',
}


def _style(name: str) -> re.Pattern[str]:
    return re.compile(rf'<w:style [^>]*w:styleId="{name}".*?</w:style>', re.S)


def _with_run(xml: str, style: str, run: str) -> str:
    def change(match: re.Match[str]) -> str:
        bare = re.sub(r"<w:rPr\s*/>|<w:rPr>.*?</w:rPr>", "", match[0], flags=re.S)
        return bare.replace("</w:style>", f"<w:rPr>{run}</w:rPr></w:style>")

    return _style(style).sub(change, xml, count=1)


def _with_paragraph(xml: str, style: str, paragraph: str) -> str:
    def change(match: re.Match[str]) -> str:
        bare = re.sub(r"<w:pPr\s*/>|<w:pPr>.*?</w:pPr>", "", match[0], flags=re.S)
        place = "<w:rPr>" if "<w:rPr>" in bare else "</w:style>"
        return bare.replace(place, f"<w:pPr>{paragraph}</w:pPr>{place}", 1)

    return _style(style).sub(change, xml, count=1)


def _document(xml: str) -> str:
    return re.sub(r"<w:sectPr>.*?</w:sectPr>", SECTION, xml, flags=re.S)


def _relations(xml: str) -> str:
    added = "".join(
        f'<Relationship Id="rId{part}" Type="{RELATIONS}/{part}" Target="{part}1.xml"/>'
        for part in ("header", "footer")
    )
    return xml.replace("</Relationships>", f"{added}</Relationships>")


def _content_types(xml: str) -> str:
    added = "".join(
        f'<Override PartName="/word/{name}1.xml" ContentType="{CONTENT}.{name}+xml"/>'
        for name in ("header", "footer")
    )
    return xml.replace("</Types>", f"{added}</Types>")


_CHANGES = {
    "word/styles.xml": _styles,
    "word/document.xml": _document,
    "word/_rels/document.xml.rels": _relations,
    "[Content_Types].xml": _content_types,
}


def finished(document: bytes) -> bytes:
    """Document in whose tables no row breaks across pages, and after which there is room.

    Parameters
    ----------
    document : bytes
        As pandoc wrote it. Times in the archive are dropped, so that equal text gives equal bytes.
    """
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["word/document.xml"] = _tables(parts["word/document.xml"].decode()).encode()
    return _zipped(parts)


def _tables(xml: str) -> str:
    """Rows that do not break, the rule under a head of two rows, and room after the table."""
    xml = re.sub(r"<w:tr>(?!\s*<w:trPr>)", "<w:tr><w:trPr></w:trPr>", xml)
    xml = xml.replace("<w:trPr>", "<w:trPr><w:cantSplit/>")
    head = r"<w:tr><w:trPr><w:cantSplit/><w:tblHeader[^>]*/>(?:(?!</w:tr>).)*</w:tr>\s*"
    xml = re.sub(f"(?s)({head})({head})", lambda rows: _upper(rows[1]) + _lower(rows[2]), xml)
    # A note has its own room.
    end = '<w:p><w:pPr><w:pStyle w:val="TableEnd"/></w:pPr></w:p>'
    note = r'\s*(?:<w:bookmark\w+ [^>]*/>\s*)*<w:p><w:pPr><w:pStyle w:val="TableNote"'
    return re.sub(rf"</w:tbl>(?!{note})", f"</w:tbl>{end}", xml)


def _upper(row: str) -> str:
    """First of two rows of a head: the rule is under the second where a cell is in both."""
    return row.replace(
        '<w:vMerge w:val="restart" />', f'<w:vMerge w:val="restart" />{_rule("nil")}'
    )


def _lower(row: str) -> str:
    rule = _rule("single")
    row = row.replace("<w:tcPr />", "<w:tcPr></w:tcPr>")
    return row.replace("</w:tcPr>", f"{rule}</w:tcPr>")


def _rule(kind: str) -> str:
    line = f'<w:bottom w:val="{kind}" w:sz="4" w:space="0" w:color="000000"/>'
    return f"<w:tcBorders>{line}</w:tcBorders>"


def _zipped(parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()
