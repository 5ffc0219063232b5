"""Files as they are: lines, encodings, sheets, cells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.extraction import sources
from sarcoma_sbrt.extraction.sources import RawTable, cell_text, read_cohort, read_table
from sarcoma_sbrt.settings import ColumnMapping, TableMapping


def mapping(file: str, **settings: Any) -> TableMapping:
    return TableMapping(file=file, columns={"patient_id": ColumnMapping("id")}, **settings)


def csv_table(folder: Path, content: str | bytes, **settings: Any) -> RawTable:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / "t.csv").write_bytes(data)
    return read_table(folder / "t.csv", mapping("t.csv", **settings), "t.csv")


def messages(read: Callable[[], object]) -> list[str]:
    with pytest.raises(InputError) as caught:
        read()
    return str(caught.value).splitlines()


def test_a_row_has_the_line_on_which_it_begins(tmp_path: Path) -> None:
    """A quoted field over three lines, an empty line, Windows line ends."""
    table = csv_table(tmp_path, 'id,note\r\nA,"one\r\ntwo\r\nthree"\r\n\r\nB,x\r\n')
    assert [line for line, _ in table.rows] == [2, 5, 6]
    assert table.rows[0][1] == {"id": "A", "note": "one\r\ntwo\r\nthree"}
    assert table.rows[2][1] == {"id": "B", "note": "x"}


def test_titles_above_the_header_need_not_be_csv(tmp_path: Path) -> None:
    table = csv_table(tmp_path, 'A 12" title, loose\n\nid\nA\n', header_row=3)
    assert (table.header, table.header_line) == (("id",), 3)
    assert table.rows == ((4, {"id": "A"}),)


def test_encoding_and_delimiter(tmp_path: Path) -> None:
    content = "id;Größe\nA;3,4\n".encode("latin-1")
    table = csv_table(tmp_path, content, encoding="latin-1", delimiter=";")
    assert table.rows == ((2, {"id": "A", "Größe": "3,4"}),)


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert csv_table(tmp_path, b"\xef\xbb\xbfid\nA\n").header == ("id",)


def test_bytes_that_are_no_text_are_told_with_their_lines(tmp_path: Path) -> None:
    content = "id\nä\nb\nö\n".encode("latin-1")
    assert messages(lambda: csv_table(tmp_path, content)) == [
        "t.csv:2: -: bytes that the encoding does not have, accepted: text in utf-8",
        "t.csv:4: -: bytes that the encoding does not have, accepted: text in utf-8",
    ]


def test_half_a_character_is_told_with_its_line(tmp_path: Path) -> None:
    content = "id\nA\n".encode("utf-16-le") + b"\x41"
    assert messages(lambda: csv_table(tmp_path, content, encoding="utf-16-le")) == [
        "t.csv:3: -: bytes that the encoding does not have, accepted: text in utf-16-le"
    ]


def test_short_rows_are_filled_and_nameless_columns_numbered(tmp_path: Path) -> None:
    table = csv_table(tmp_path, "id,,x,,\nA\nB,1,2,,\n")
    assert table.header == ("id", "column 2", "x")
    assert table.rows[0][1] == {"id": "A", "column 2": "", "x": ""}
    assert table.rows[1][1] == {"id": "B", "column 2": "1", "x": "2"}


def test_notes_below_the_table_may_be_wider_than_it(tmp_path: Path) -> None:
    content = "id\nA\n\nNote: a, b, c\n"
    assert csv_table(tmp_path, content, end="first_blank_row").rows[2][0] == 4
    assert messages(lambda: csv_table(tmp_path, content)) == [
        "t.csv:4: -: more cells than the header, read 3, accepted: at most 1"
    ]


def test_only_notes_are_no_table(tmp_path: Path) -> None:
    read = lambda: csv_table(tmp_path, "id\n\nNote\n", end="first_blank_row")  # noqa: E731
    assert messages(read) == [
        "t.csv:1: -: empty table, accepted: at least one row below the header"
    ]


def test_columns_that_skip_and_split_name_must_be_there(tmp_path: Path) -> None:
    rules = {
        "skip": {"column": "outcome", "values": ["-"], "reason": "none"},
        "split": {"column": "treatment", "by": "+"},
    }
    assert messages(lambda: csv_table(tmp_path, "id\nA\n", **rules)) == [
        "t.csv:1: outcome: no such column, read id, accepted: a column of this name",
        "t.csv:1: treatment: no such column, read id, accepted: a column of this name",
    ]


def workbook(folder: Path, rows: list[list[object]], *, second: bool = False) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in rows:
        book.active.append(row)
    if second:
        book.create_sheet("More")
    book.save(folder / "b.xlsx")
    return folder / "b.xlsx"


def sheet(path: Path, sheet: str | None = "Data", **settings: Any) -> RawTable:
    m = mapping("b.xlsx", sheet=sheet, **settings)
    return read_table(path, m, sources.shown_name(m))


def test_a_sheet_keeps_what_its_cells_are(tmp_path: Path) -> None:
    """Dates stay dates, whole numbers whole; the rows are the sheet's own."""
    day = datetime(2012, 4, 3)
    path = workbook(tmp_path, [["title"], [], ["id", "day", "n"], ["A", day, 7], ["B", None, 1.5]])
    table = sheet(path, header_row=3)
    assert table.file == "b.xlsx#Data"
    assert table.header_line == 3
    assert table.rows == (
        (4, {"id": "A", "day": day, "n": 7}),
        (5, {"id": "B", "day": None, "n": 1.5}),
    )


def test_formatted_rows_below_a_sheet_are_nobodys(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["id"], ["A"], [None], ["B"], [""], ["  "]])
    assert [line for line, _ in sheet(path).rows] == [2, 3, 4]


def test_a_sheet_that_is_not_there(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["id"], ["A"]], second=True)
    assert messages(lambda: sheet(path, "data")) == [
        "b.xlsx#data: no such sheet, read data, accepted: Data, More"
    ]
    assert messages(lambda: sheet(path, None)) == [
        "b.xlsx: no sheet is named, accepted: Data, More"
    ]


def test_the_only_sheet_needs_no_name(tmp_path: Path) -> None:
    assert sheet(workbook(tmp_path, [["id"], ["A"]]), None).file == "b.xlsx"


def test_a_file_that_is_no_workbook(tmp_path: Path) -> None:
    (tmp_path / "b.xlsx").write_text("id\nA\n")
    assert messages(lambda: sheet(tmp_path / "b.xlsx")) == [
        "b.xlsx#Data: not an XLSX workbook, accepted: a workbook without password"
    ]


def test_formulas_that_were_never_calculated_are_no_empty_cells(tmp_path: Path) -> None:
    path = workbook(tmp_path, [["id", "age"], ["A", 3], ["B", "=B2+1"]])
    assert messages(lambda: sheet(path)) == [
        "b.xlsx#Data:3: -: formulas without stored values, "
        "accepted: a sheet saved by a spreadsheet program"
    ]


def test_tables_of_one_sheet_are_read_from_it_once(
    centre: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    read = sources._csv_grid

    def counted(text: str, m: TableMapping, shown: str) -> Any:
        opened.append(Path(m.file))
        return read(text, m, shown)

    monkeypatch.setattr(sources, "_csv_grid", counted)
    centre.files["treatments.csv"] = "id,kind,day\nP1,surgery,3\nP2,surgery,4\n"
    centre.table("progressions").update(file="treatments.csv")
    columns = centre.table("progressions")["columns"]
    columns["kind"] = {"from": "kind", "codes": {"surgery": "local"}}
    assert len(centre.extract().tables["progressions"]) == 2
    assert opened.count(Path("treatments.csv")) == 1


def test_reading_a_cohort_reports_all_of_its_files(centre: Any, tmp_path: Path) -> None:
    """Eight columns lacking in one file, six files lacking: fourteen lines."""
    (tmp_path / "patients.csv").write_text("who\nA\n")
    told = messages(lambda: read_cohort(centre.cohort, tmp_path))
    assert len(told) == 14
    column = "accepted: a column of this name"
    assert told[5] == f"patients.csv:1: grade: no such column, read who, {column}"
    centre.settings["kind"] = "observed"
    told = messages(lambda: read_cohort(centre.cohort, tmp_path))
    assert told[5] == f"patients.csv:1: grade: no such column, read <masked>, {column}"


def test_reading_a_sound_cohort(centre: Any, tmp_path: Path) -> None:
    centre.extract()
    tables = read_cohort(centre.cohort, tmp_path)
    assert {name: len(table.rows) for name, table in tables.items()} == {
        "patients": 2,
        "lesions": 3,
        "courses": 3,
        "assessments": 3,
        "progressions": 1,
        "treatments": 2,
        "toxicities": 1,
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (" a\u00a0", "a"),
        (True, "TRUE"),
        (12, "12"),
        (12.0, "12"),
        (1.5, "1.5"),
        (datetime(2012, 4, 3), "2012-04-03"),
        (datetime(2012, 4, 3, 12, 30), "2012-04-03T12:30:00"),
    ],
)
def test_text_of_a_cell(value: object, text: str) -> None:
    assert cell_text(value) == text
