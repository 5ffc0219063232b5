"""One cell of a raw table: what stands there, and a copy in which something else does."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sarcoma_sbrt.cli.run import NoAnswer
from sarcoma_sbrt.provenance.impact import Cell

__all__ = ["Layout", "changed", "read", "rows"]

_WORKBOOKS = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class Layout:
    """How a table stands in its file."""

    encoding: str = "utf-8"
    delimiter: str = ","
    header_row: int = 1


def read(path: Path, cell: Cell, layout: Layout) -> str | None:
    """Text of a cell; None where a whole row is meant, which must be there.

    Raises
    ------
    NoAnswer
        When there is no such file, row or column.
    """
    if not path.is_file():
        raise NoAnswer(f"{cell.file}: no such file")
    if path.suffix.lower() in _WORKBOOKS:
        return _of_sheet(path, cell, layout)
    records = dict(_records(_text(path, layout), layout))
    row = _row({line: cells for line, (_, cells) in records.items()}, cell, layout)
    return None if cell.column is None else row[cell.column]


def rows(path: Path) -> dict[int, dict[str, str]]:
    """Rows of a CSV file below its header, by the line that each begins on.

    Raises
    ------
    NoAnswer
        When it cannot be read.
    """
    layout = Layout()
    (_, (_, header)), *below = _records(_text(path, layout), layout)
    return {line: dict(zip(header, cells, strict=False)) for line, (_, cells) in below}


def changed(path: Path, cell: Cell, layout: Layout, value: str) -> None:
    """Put another value into a cell of a file; everything else stays as it is.

    Raises
    ------
    NoAnswer
        As `read` does.
    """
    read(path, cell, layout)
    if path.suffix.lower() in _WORKBOOKS:
        _change_sheet(path, cell, layout, value)
    else:
        text = _with_value(_text(path, layout), cell, layout, value)
        path.write_bytes(text.encode(layout.encoding))


def _row(rows: Mapping[int, list[str]], cell: Cell, layout: Layout) -> dict[str, str]:
    """Cells of the row by column name; a row or column that is not there is refused."""
    header = [name.removeprefix("\ufeff").strip() for name in rows.get(layout.header_row, [])]
    if cell.line <= layout.header_row:
        raise NoAnswer(
            f"{cell.file}:{cell.line}: no row of data, accepted: a line below the header"
        )
    if cell.line not in rows:
        last = max(rows, default=0)
        raise NoAnswer(f"{cell.file}:{cell.line}: no row begins on this line, the last is {last}")
    if cell.column is not None and cell.column not in header:
        accepted = ", ".join(header)
        raise NoAnswer(f"{cell}: no such column, read {cell.column}, accepted: {accepted}")
    padded = rows[cell.line] + [""] * len(header)
    return dict(zip(header, padded, strict=False))


# --- CSV ----------------------------------------------------------------------------------


def _text(path: Path, layout: Layout) -> str:
    try:
        return path.read_bytes().decode(layout.encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise NoAnswer(f"{path}: cannot be read: {error}") from None


def _records(text: str, layout: Layout) -> Iterator[tuple[int, tuple[int, list[str]]]]:
    """Line that each record begins on, with the line after it and its cells."""
    stream = io.StringIO(text, newline="")
    for _ in range(layout.header_row - 1):
        next(stream, None)
    reader = csv.reader(stream, delimiter=layout.delimiter)
    line = layout.header_row
    for cells in reader:
        following = layout.header_row + reader.line_num
        yield line, (following, cells)
        line = following


def _with_value(text: str, cell: Cell, layout: Layout, value: str) -> str:
    """Text of a CSV file with one record written anew, in the file's own way of ending lines."""
    records = dict(_records(text, layout))
    following, cells = records[cell.line]
    row = _row({line: found for line, (_, found) in records.items()}, cell, layout)
    place = list(row).index(str(cell.column))
    cells = cells + [""] * (place + 1 - len(cells))
    cells[place] = value
    # Not splitlines, which also breaks at characters that end no line of CSV.
    lines = list(io.StringIO(text, newline=""))
    old = "".join(lines[cell.line - 1 : following - 1])
    ending = old[len(old.rstrip("\r\n")) :]
    written = io.StringIO()
    csv.writer(written, delimiter=layout.delimiter, lineterminator=ending).writerow(cells)
    return "".join([*lines[: cell.line - 1], written.getvalue(), *lines[following - 1 :]])


# --- workbooks ----------------------------------------------------------------------------


def _sheet(path: Path, cell: Cell) -> tuple[Any, Any]:
    import openpyxl

    book = openpyxl.load_workbook(path)
    name = cell.file.partition("#")[2]
    if name and name not in book.sheetnames:
        accepted = ", ".join(book.sheetnames)
        raise NoAnswer(f"{cell.file}: no such sheet, read {name}, accepted: {accepted}")
    return book, book[name or book.sheetnames[0]]


def _of_sheet(path: Path, cell: Cell, layout: Layout) -> str | None:
    _, sheet = _sheet(path, cell)
    rows = {
        number: ["" if value is None else str(value) for value in values]
        for number, values in enumerate(sheet.iter_rows(values_only=True), start=1)
        if number >= layout.header_row
    }
    row = _row(rows, cell, layout)
    return None if cell.column is None else row[cell.column]


def _change_sheet(path: Path, cell: Cell, layout: Layout, value: str) -> None:
    book, sheet = _sheet(path, cell)
    header = [str(one.value or "").strip() for one in sheet[layout.header_row]]
    there = sheet.cell(cell.line, header.index(str(cell.column)) + 1)
    there.value = _typed(value, there.value)
    book.save(path)


def _typed(value: str, before: object) -> object:
    """Value as a spreadsheet would take it: a number, a date where one stood, or a text."""
    if not value:
        return None
    if isinstance(before, date | datetime):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            return value
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
