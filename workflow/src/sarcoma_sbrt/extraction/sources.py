"""A centre's files as raw tables: CSV and XLSX, every row with the line it stands on.

The only module of the extraction that touches files. Nothing is interpreted here: a date
cell stays a date, a whole number stays one, and a CSV cell is the text that stands there.
"""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn
from zipfile import BadZipFile

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from sarcoma_sbrt.errors import MASK, InputError, Problem
from sarcoma_sbrt.settings import CohortSettings, TableMapping

__all__ = [
    "RawTable",
    "cell_text",
    "is_blank",
    "masked",
    "read_cohort",
    "read_table",
    "read_tables",
    "shown_name",
]

# Physical rows from the header row on, each with its 1-based line (CSV) or row (XLSX).
Grid = list[tuple[int, tuple[object, ...]]]

_CSV = (".csv", ".tsv", ".txt")
_XLSX = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class RawTable:
    """One table as it stands in a file.

    Attributes
    ----------
    file : str
        File name within the cohort's folder; a sheet follows after ``#``.
    header : tuple of str
        Column names; a nameless column is called ``column 3``, by its place. A name that
        stands twice is left out.
    header_line : int
        1-based line (CSV) or row (XLSX) of the header.
    rows : tuple of (int, mapping)
        Line and raw cells by column name, of every row below the header.
    """

    file: str
    header: tuple[str, ...]
    header_line: int
    rows: tuple[tuple[int, Mapping[str, object]], ...]


def read_table(path: str | Path, mapping: TableMapping, shown: str) -> RawTable:
    """Read one table.

    Parameters
    ----------
    path : path
        The CSV or XLSX file.
    mapping : TableMapping
        Sheet, encoding, delimiter, header row, and the columns that must be there.
    shown : str
        How messages and source columns name the file.

    Raises
    ------
    InputError
        With every problem found; what was read is not masked (`read_cohort` does that).
    """
    table, problems = _table(_grid(Path(path), mapping, shown), mapping, shown)
    if table is None or problems:
        raise InputError(problems)
    return table


def read_cohort(cohort: CohortSettings, folder: str | Path) -> dict[str, RawTable]:
    """Read every table that a cohort maps, by canonical name.

    Raises
    ------
    InputError
        With the problems of all tables; what was read is masked for an observed cohort.
    """
    tables, problems = read_tables(cohort, folder)
    if problems:
        raise InputError(problems)
    return tables


def read_tables(
    cohort: CohortSettings, folder: str | Path
) -> tuple[dict[str, RawTable], tuple[Problem, ...]]:
    """Read whatever can be read of a cohort's tables, and say what is wrong with the rest.

    `sarcoma_sbrt.extraction.eligibility.extract` takes both, so that a missing file and a
    wrong value in another are reported at once.

    Returns
    -------
    dict of RawTable
        By canonical name. A table that lacks a mapped column is there without it.
    tuple of Problem
        Masked for an observed cohort.
    """
    grids: dict[tuple[object, ...], Grid] = {}
    tables: dict[str, RawTable] = {}
    problems: list[Problem] = []
    for name, mapping in cohort.tables.items():
        m, shown = mapping, shown_name(mapping)
        key = (m.file, m.sheet, m.encoding, m.delimiter, m.header_row)
        try:
            if key not in grids:
                grids[key] = _grid(Path(folder) / m.file, mapping, shown)
        except InputError as error:
            problems += error.problems
            continue
        table, found = _table(grids[key], mapping, shown)
        problems += found
        if table is not None:
            tables[name] = table
    return tables, masked(problems, cohort)


def shown_name(mapping: TableMapping) -> str:
    """How a table's file is named in messages: ``patients.csv``, ``book.xlsx#Sheet``."""
    return f"{mapping.file}#{mapping.sheet}" if mapping.sheet else mapping.file


def masked(problems: Iterable[Problem], cohort: CohortSettings) -> tuple[Problem, ...]:
    """Problems without what was read, where the cohort's patients are real."""
    if cohort.kind != "observed":
        return tuple(problems)
    return tuple(replace(p, read=MASK) if p.read else p for p in problems)


def cell_text(value: object) -> str:
    """Text of a cell as a spreadsheet shows it; empty for an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value).strip()


def is_blank(cells: Iterable[object]) -> bool:
    """Whether no cell holds anything but white space."""
    return not any(cell_text(cell) for cell in cells)


def _grid(path: Path, mapping: TableMapping, shown: str) -> Grid:
    kind = path.suffix.lower()
    if kind not in _CSV + _XLSX:
        _refuse(shown, "unknown kind of file", path.suffix, ", ".join(_CSV + _XLSX))
    if not path.is_file():
        _refuse(shown, "no such file", accepted="a file in the cohort's folder")
    if kind in _XLSX:
        return _sheet_grid(path, mapping, shown)
    return _csv_grid(_decode(path.read_bytes(), mapping.encoding, shown), mapping, shown)


def _refuse(shown: str, what: str, read: str = "", accepted: str = "", line: int = 0) -> NoReturn:
    raise InputError([Problem(shown, line, "", what, read, accepted)])


def _decode(data: bytes, encoding: str, shown: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise InputError(
            [Problem(shown, 0, "", "unknown encoding", encoding, "utf-8, latin-1, cp1252, ...")]
        ) from None
    except UnicodeDecodeError as error:
        raise InputError(_undecodable(data, error, shown)) from None


def _undecodable(data: bytes, error: UnicodeDecodeError, shown: str) -> list[Problem]:
    """Every line with bytes that the encoding does not have; the first one at least."""
    try:
        text = data.decode(error.encoding, errors="surrogateescape")
    except UnicodeDecodeError:
        text = data[: error.start].decode(error.encoding, errors="ignore") + "\udcff"
    what = "bytes that the encoding does not have"
    return [
        Problem(shown, line, "", what, accepted=f"text in {error.encoding}")
        for line, content in enumerate(io.StringIO(text, newline=""), start=1)
        if any("\udc80" <= character <= "\udcff" for character in content)
    ]


def _csv_grid(text: str, mapping: TableMapping, shown: str) -> Grid:
    stream = io.StringIO(text, newline="")
    for _ in range(mapping.header_row - 1):  # titles above the header need not be CSV
        next(stream, None)
    reader = csv.reader(stream, delimiter=mapping.delimiter, strict=True)
    grid: Grid = []
    line = mapping.header_row
    try:
        for cells in reader:
            grid.append((line, tuple(cells)))
            line = mapping.header_row + reader.line_num
    except csv.Error as error:
        raise InputError(
            [Problem(shown, line, "", f"not CSV: {error}", accepted="RFC 4180 quoting")]
        ) from None
    return grid


def _sheet_grid(path: Path, mapping: TableMapping, shown: str) -> Grid:
    values = _worksheet(path, mapping, shown, data_only=True)
    formulas = _worksheet(path, mapping, shown, data_only=False)
    if line := _uncalculated(values, formulas):
        what = "formulas without stored values"
        _refuse(shown, what, accepted="a sheet saved by a spreadsheet program", line=line)
    rows = values.iter_rows(min_row=mapping.header_row, values_only=True)
    grid: Grid = [(n, tuple(cells)) for n, cells in enumerate(rows, start=mapping.header_row)]
    # A sheet's extent is where formatting ends; the empty rows at its foot are nobody's.
    while grid and is_blank(grid[-1][1]):
        grid.pop()
    return grid


def _worksheet(path: Path, mapping: TableMapping, shown: str, *, data_only: bool) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which are not read
            book = openpyxl.load_workbook(path, data_only=data_only)
    except (BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        _refuse(shown, "not an XLSX workbook", accepted="a workbook without password")
    if mapping.sheet is None and len(book.sheetnames) > 1:
        _refuse(shown, "no sheet is named", accepted=", ".join(book.sheetnames))
    if mapping.sheet is not None and mapping.sheet not in book.sheetnames:
        _refuse(shown, "no such sheet", mapping.sheet, ", ".join(book.sheetnames))
    return book[mapping.sheet or book.sheetnames[0]]


def _uncalculated(values: Any, formulas: Any) -> int | None:
    """Row of the first formula where none has a stored value: they would read as empty.

    One that has none among others that do is a formula that gives an empty text.
    """
    cells = [c for row in formulas.iter_rows() for c in row if c.data_type == "f"]
    if cells and all(values[c.coordinate].value is None for c in cells):
        return int(cells[0].row)
    return None


def _table(grid: Grid, mapping: TableMapping, shown: str) -> tuple[RawTable | None, list[Problem]]:
    if not grid or is_blank(grid[0][1]):
        accepted = "column names in the header row"
        return None, [Problem(shown, mapping.header_row, "", "no header row", "", accepted)]
    (line, cells), *body = grid
    header = _header(cells)
    problems = _header_problems(header, mapping, shown, line)
    inside = _above_the_end(body, mapping)
    if all(is_blank(row) for _, row in inside):
        accepted = "at least one row below the header"
        problems.append(Problem(shown, line, "", "empty table", "", accepted))
    problems += _width_problems(inside, len(header), shown)
    rows = tuple((n, _row(header, row)) for n, row in body)
    single = tuple(name for name in header if header.count(name) == 1)
    return RawTable(shown, single, line, rows), problems


def _header(cells: Sequence[object]) -> tuple[str, ...]:
    names = [cell_text(cell) for cell in cells]
    while not names[-1]:
        names.pop()
    return tuple(name or f"column {n}" for n, name in enumerate(names, start=1))


def _header_problems(
    header: tuple[str, ...], mapping: TableMapping, shown: str, line: int
) -> list[Problem]:
    rules = (mapping.skip, mapping.split)
    used = [c.source for c in mapping.columns.values()] + [r["column"] for r in rules if r]
    read = ", ".join(header)
    lacking = [
        Problem(shown, line, name, "no such column", read, "a column of this name")
        for name in used
        if name not in header
    ]
    # By place, not by name: a wrong header_row makes names of a patient's values.
    twice = [
        Problem(shown, line, f"column {n}", "duplicate header", name, "a name for each column")
        for n, name in enumerate(header, start=1)
        if name in header[: n - 1]
    ]
    return lacking + twice


def _above_the_end(body: Grid, mapping: TableMapping) -> Grid:
    if mapping.end == "end_of_file":
        return body
    blank = (i for i, (_, cells) in enumerate(body) if is_blank(cells))
    return body[: next(blank, len(body))]


def _width_problems(rows: Grid, width: int, shown: str) -> list[Problem]:
    return [
        Problem(shown, line, "", "more cells than the header", str(len(cells)), f"at most {width}")
        for line, cells in rows
        if not is_blank(cells[width:])
    ]


def _row(header: tuple[str, ...], cells: tuple[object, ...]) -> dict[str, object]:
    # Spreadsheet programs leave out the empty cells at a row's end.
    padded = cells + ("",) * (len(header) - len(cells))
    return dict(zip(header, padded, strict=False))
