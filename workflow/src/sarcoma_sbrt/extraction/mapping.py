"""Raw rows as canonical rows: columns, codes, units, numbers and dates.

Pure: what a raw table says, read by a cohort's mapping, or every reason why it cannot be.
Numbers are scaled as fractions and rounded once, so 1.1 cm is 11 mm and not a hair more.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction

import pandas as pd

from sarcoma_sbrt import schema
from sarcoma_sbrt.errors import Problem
from sarcoma_sbrt.extraction.sources import RawTable, cell_text, is_blank
from sarcoma_sbrt.schema import SOURCE_COLUMNS, Column, Table
from sarcoma_sbrt.settings import ColumnMapping, TableMapping

__all__ = [
    "UNITS",
    "MappedTable",
    "Refused",
    "canonical_value",
    "empty_table",
    "map_table",
    "mapping_faults",
    "rebase",
]

_MONTH = Fraction(schema.DAYS_PER_MONTH)
_DAYS = {"days": Fraction(1), "weeks": Fraction(7), "months": _MONTH, "years": 12 * _MONTH}

# Canonical unit -> raw unit -> factor.
UNITS: dict[str, dict[str, Fraction]] = {
    "mm": {"mm": Fraction(1), "cm": Fraction(10)},
    "Gy": {"Gy": Fraction(1), "cGy": Fraction(1, 100)},
    "cm3": {"cm3": Fraction(1), "ml": Fraction(1)},
    "%": {"%": Fraction(1)},
    "days": _DAYS,
    "years": {unit: days / _DAYS["years"] for unit, days in _DAYS.items()},
}

# What an Int64 column and a float hold at most.
_LARGEST_INTEGER = 2**63 - 1
_LARGEST_NUMBER = Fraction(sys.float_info.max)

_NUMBER = re.compile(r"[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2})?")
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAY_OR_MONTH_FIRST = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})")
_SPREADSHEET_ERRORS = ("#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#N/A")


class Refused(ValueError):
    """A cell that cannot be read: what is wrong with it, and what would be accepted."""

    def __init__(self, what: str, accepted: str) -> None:
        super().__init__(what)
        self.what = what
        self.accepted = accepted


@dataclass(frozen=True)
class MappedTable:
    """A canonical table, and what became of every raw row.

    Attributes
    ----------
    frame : DataFrame
        Canonical columns and `SOURCE_COLUMNS`, dtypes as the schema has them. Times are days
        from the cohort's origin, or the day number of a date (`rebase` makes days of those).
    excluded : mapping of int to str
        Line of each raw row that gave no canonical row, and the reason.
    problems : tuple of Problem
        Unmasked. A refused cell is missing in `frame`.
    """

    frame: pd.DataFrame
    excluded: Mapping[int, str]
    problems: tuple[Problem, ...]


def map_table(
    table: Table, mapping: TableMapping, raw: RawTable, times: Mapping[str, str]
) -> MappedTable:
    """Canonical rows of one raw table.

    Parameters
    ----------
    table : Table
        The canonical table.
    mapping : TableMapping
        How the cohort's columns are read.
    raw : RawTable
        What stands in the file. A mapped column that it lacks is left missing, since
        `sources` has reported it.
    times : mapping
        The cohort's ``times`` block: ``unit`` and ``origin``, or ``date_format``, or empty for
        dates in no stated format.

    Notes
    -----
    What is wrong with the mapping itself is told by `mapping_faults`, not here: it stands in
    the cohort's YAML and not in the table's file.
    """
    hows = {name: how for name, how in mapping.columns.items() if how.source in raw.header}
    excluded, kept = _sieve(mapping, raw)
    records = []
    problems: list[Problem] = []
    for line, row in kept:
        for part in _parts(mapping, row):
            record, faults = _record(table, hows, times, part)
            records.append({**record, "source_file": raw.file, "source_line": line})
            problems += [Problem(raw.file, line, *fault) for fault in faults]
    return MappedTable(_frame(table, records), excluded, tuple(problems))


def empty_table(table: Table) -> pd.DataFrame:
    """Return a canonical table without rows, for a cohort that does not have it."""
    return _frame(table, [])


def rebase(
    tables: Mapping[str, pd.DataFrame], time_zero: str
) -> tuple[dict[str, pd.DataFrame], pd.Series[float]]:
    """Give the times of all tables as days from each patient's time zero.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables; times are days from one origin, or day numbers of dates.
    time_zero : {'origin', 'diagnosis', 'first_course'}
        ``diagnosis`` is ``patients.diagnosis_day``; ``first_course`` the patient's earliest
        ``courses.start_day``.

    Returns
    -------
    dict of DataFrame
        The same tables; a patient without time zero has no times.
    Series
        Time zero by patient_id, on the input's scale; missing where there is none.
    """
    zero = _time_zero(tables, time_zero)
    if time_zero == "origin":
        return dict(tables), zero
    rebased = {}
    for name, frame in tables.items():
        shift = frame["patient_id"].map(zero).astype("Float64")
        columns = [c.name for c in schema.TABLES[name].columns if c.kind == "time"]
        rebased[name] = frame.assign(**{column: frame[column] - shift for column in columns})
    return rebased, zero


def _time_zero(tables: Mapping[str, pd.DataFrame], rule: str) -> pd.Series[float]:
    patients = tables["patients"].drop_duplicates("patient_id").set_index("patient_id")
    if rule == "first_course":
        first = tables["courses"].groupby("patient_id")["start_day"].min()
        return first.reindex(patients.index)
    if rule == "diagnosis":
        return patients["diagnosis_day"]
    return pd.Series(0.0, index=patients.index, dtype="Float64")


def canonical_value(
    column: Column, how: ColumnMapping, times: Mapping[str, str], value: object
) -> object:
    """Canonical value of one raw cell; ``pd.NA`` where it is missing.

    In a unit that `UNITS` does not have a number has no canonical value either; that it is a
    number, and not below a minimum, is asked all the same.

    Raises
    ------
    Refused
        When the cell cannot be read as the column's kind, or lies out of its range. The
        range of a time is not looked at, since it holds from the patient's time zero.
    """
    reading = _Reading(column, how, times)
    text = cell_text(value)
    if not text or text in how.missing:
        if column.required:
            raise Refused("value is missing", reading.accepted)
        return pd.NA
    if text in _SPREADSHEET_ERRORS:
        raise Refused("spreadsheet error", reading.accepted)
    if how.codes is not None:
        codes = {str(k): v for k, v in how.codes.items()}
        if text not in codes:
            raise Refused("unknown code", reading.accepted)
        value = codes[text]
    return _READERS[column.kind](reading, value)


@dataclass(frozen=True)
class _Reading:
    """How the cells of one column are read."""

    column: Column
    how: ColumnMapping
    times: Mapping[str, str]

    @property
    def unit(self) -> str:
        fallback = self.times["unit"] if self.column.kind == "time" else self.column.unit
        return self.how.unit or fallback

    @property
    def factor(self) -> Fraction | None:
        """Canonical units in one of the cell's; None for a unit that is not known."""
        if self.unit == self.column.unit:
            return Fraction(1)
        return UNITS.get(self.column.unit, {}).get(self.unit)

    @property
    def date_format(self) -> str | None:
        return self.how.date_format or self.times.get("date_format")

    @property
    def accepted(self) -> str:
        """What a cell may hold, in words."""
        if self.how.codes is not None or self.column.codes:
            return ", ".join(str(c) for c in self.how.codes or self.column.codes)
        if self.column.kind == "time" and "unit" not in self.times:
            return f"a real date as {self.date_format or '%Y-%m-%d'}"
        if self.column.kind == "time":
            return f"a number of {self.unit}"
        if self.column.kind == "number":
            return "a number with a decimal point" + (f", in {self.unit}" if self.unit else "")
        return "a whole number" if self.column.kind == "integer" else "a text"


def _code(reading: _Reading, value: object) -> str:
    if cell_text(value) not in reading.column.codes:
        raise Refused("unknown code", ", ".join(reading.column.codes))
    return cell_text(value)


def _text(reading: _Reading, value: object) -> str:
    # A spreadsheet that took the id "1-2" for a date has lost the id.
    if isinstance(value, date | time | timedelta):
        raise Refused("a date where a text is expected", reading.accepted)
    return cell_text(value)


def _quantity(reading: _Reading, value: object) -> object:
    number = _number(value, reading.accepted)
    if reading.factor is None:  # nothing is known of the maximum in such a unit
        _in_range(replace(reading.column, maximum=None), _float(number, reading.accepted))
        return pd.NA
    return _in_range(reading.column, _float(number * reading.factor, reading.accepted))


def _integer(reading: _Reading, value: object) -> int:
    number = _number(value, reading.accepted)
    if number.denominator != 1:
        raise Refused("not a whole number", reading.accepted)
    whole = _in_range(reading.column, int(number))
    if abs(whole) > _LARGEST_INTEGER:
        raise Refused("number is too large", f"a whole number up to {_LARGEST_INTEGER}")
    return int(whole)


def _time(reading: _Reading, value: object) -> object:
    if "unit" not in reading.times:
        return float(_date(value, reading.date_format, reading.accepted).toordinal())
    number = _number(value, reading.accepted)
    factor = reading.factor
    return pd.NA if factor is None else _float(number * factor, reading.accepted)


_READERS: dict[str, Callable[[_Reading, object], object]] = {
    "id": _text,
    "text": _text,
    "code": _code,
    "number": _quantity,
    "integer": _integer,
    "time": _time,
}


def _number(value: object, accepted: str) -> Fraction:
    if isinstance(value, int) and not isinstance(value, bool):
        return Fraction(value)
    if isinstance(value, float) and math.isfinite(value):
        return Fraction(str(value))
    text = cell_text(value)
    if isinstance(value, str) and _NUMBER.fullmatch(text):
        return Fraction(text)
    raise Refused("not a number", accepted)


def _float(number: Fraction, accepted: str) -> float:
    if abs(number) > _LARGEST_NUMBER:
        raise Refused("number is too large", accepted)
    return float(number)


def _in_range(column: Column, value: float) -> float:
    low, high = column.minimum, column.maximum
    too_low = low is not None and (value <= low if column.exclusive else value < low)
    if too_low or (high is not None and value > high):
        raise Refused("out of range", f"{schema.accepted(column)} {column.unit}".strip())
    return value


def _date(value: object, stated: str | None, accepted: str) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise Refused("not a date", accepted)
    if stated is None:
        return _date_of_no_format(cell_text(value), accepted)
    return _date_of_format(cell_text(value), stated, accepted)


def _date_of_format(text: str, stated: str, accepted: str) -> date:
    try:
        parsed = datetime.strptime(text, stated)
    except ValueError:
        shape = _shape(stated)
        what = "impossible date" if shape.fullmatch(text) else "date is not of the stated format"
        raise Refused(what, accepted) from None
    # 1112012 fits %d%m%Y as the 1st and as the 11th; the format read back decides nothing.
    if _unpadded(parsed.strftime(stated)) != _unpadded(text):
        raise Refused("ambiguous date: it does not fit the stated format exactly", accepted)
    return parsed.date()


def _shape(stated: str) -> re.Pattern[str]:
    """Regular expression of texts that look like dates of a format, real or not."""
    digits = {"%Y": "[0-9]{4}", "%b": r"\w+", "%B": r"\w+"}
    parts = re.split("(%.)", stated)
    return re.compile(
        "".join(digits.get(p, "[0-9]{1,3}") if p.startswith("%") else re.escape(p) for p in parts)
    )


def _unpadded(text: str) -> str:
    return re.sub(r"\b0+(?=[0-9])", "", text.casefold())


def _date_of_no_format(text: str, accepted: str) -> date:
    readings: set[date | None] = set()
    if _ISO.fullmatch(text):
        readings = {_real(*(int(part) for part in text.split("-")))}
    elif match := _DAY_OR_MONTH_FIRST.fullmatch(text):
        first, second, year = int(match[1]), int(match[3]), int(match[4])
        readings = {_real(year, second, first), _real(year, first, second)}
    else:
        raise Refused("not a date", accepted)
    real = [reading for reading in readings if reading is not None]
    if not real:
        raise Refused("impossible date", accepted)
    if len(real) > 1:
        what = "ambiguous date: without a date_format it reads as two different dates"
        raise Refused(what, accepted)
    return real[0]


def _real(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def mapping_faults(
    table: Table, mapping: TableMapping, times: Mapping[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    """Say what is wrong with how a table's columns are read, whatever stands in its file.

    Yields
    ------
    tuple of str
        Key path below the table's ``columns`` (``size_mm.unit``), what is wrong, what was
        read, what is accepted.
    """
    for column in table.columns:
        how = mapping.columns.get(column.name)
        if how is None:
            if column.required:
                yield column.name, "required column is not mapped", "", "a column in the YAML"
            continue
        dated = column.kind == "time" and "unit" not in times
        units = () if dated else tuple(UNITS.get(column.unit, ()))
        if how.unit is not None and how.unit not in units:
            accepted = ", ".join(units) or "no unit"
            yield f"{column.name}.unit", "unmapped unit", how.unit, accepted
        if how.date_format is not None and not dated:
            key, what = f"{column.name}.date_format", "date_format for what is no date"
            yield key, what, how.date_format, "no date_format"


def _sieve(
    mapping: TableMapping, raw: RawTable
) -> tuple[dict[int, str], list[tuple[int, Mapping[str, object]]]]:
    """Rows that hold records, and the line and reason of every other."""
    excluded: dict[int, str] = {}
    kept = []
    below = False
    for line, row in raw.rows:
        if below:
            excluded[line] = "below the table"
        elif is_blank(row.values()):
            excluded[line] = "blank row"
            below = mapping.end == "first_blank_row"
        elif mapping.skip and _is_skipped(mapping.skip, row):
            excluded[line] = mapping.skip["reason"]
        else:
            kept.append((line, row))
    return excluded, kept


def _is_skipped(rule: Mapping[str, Iterable[object]], row: Mapping[str, object]) -> bool:
    return cell_text(row.get(str(rule["column"]))) in {str(v) for v in rule["values"]}


def _parts(mapping: TableMapping, row: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Repeat the row for each value that its split cell names."""
    if mapping.split is None:
        return [row]
    column, by = mapping.split["column"], mapping.split["by"]
    return [{**row, column: part} for part in cell_text(row.get(column)).split(by)]


def _record(
    table: Table,
    hows: Mapping[str, ColumnMapping],
    times: Mapping[str, str],
    row: Mapping[str, object],
) -> tuple[dict[str, object], list[tuple[str, str, str, str]]]:
    record: dict[str, object] = {}
    faults = []
    for name, how in hows.items():
        value = row[how.source]
        try:
            record[name] = canonical_value(table[name], how, times, value)
        except Refused as refusal:
            faults.append((how.source, refusal.what, cell_text(value), refusal.accepted))
    return record, faults


def _frame(table: Table, records: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            c.name: pd.Series([r.get(c.name, pd.NA) for r in records], dtype=c.dtype)
            for c in table.columns + SOURCE_COLUMNS
        }
    )
