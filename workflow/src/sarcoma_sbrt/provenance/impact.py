"""Which numbers can depend on a raw cell or a setting, and which moved when a cell was changed.

The prediction is sound first and tight second: a number that moves must be among those
predicted, whatever the new value is. A cell is followed from its raw column to canonical ones,
and from these to every number that names one of them. A number of some rows only is left out
where the cell's row is not among them and the cell cannot bring it in. A setting is followed by
the configuration keys that entries carry. What a printed figure says reaches the numbers that rest
on figures of its study, or of one that is linked with it; which figures are read at all, only its
other columns decide.

What the registry knows of the raw tables are its configured entries (``config.cohort.…``).
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from sarcoma_sbrt.provenance.row_ranges import Spans, inside, spans
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import DERIVED_NEEDS, DERIVED_USES

__all__ = ["Cell", "Impact", "Move", "RawTables", "UnknownCell", "moves", "outside"]

Entry = Mapping[str, Any]
Entries = Mapping[str, Entry]
Row = Mapping[str, str]
Printed = Mapping[str, Mapping[int, Row]]

# What of an entry a reader can see move.
SEEN = ("value", "text", "n", "events", "p", "ci", "status", "reason")

_TIME_ZERO = {"first_course": "courses.start_day", "diagnosis": "patients.diagnosis_day"}
# Stages that set printed figures beside the cohort: their verdicts weigh many things at once.
_BESIDE = ("reproduction", "marginals")
# Columns that say which rows count, and what is read of these rows: which course was a lesion's
# first, and up to which day its diameters are looked at.
_SAYS_WHICH = {
    "courses.start_day": {
        "assessments.diameter_mm",
        *(f"courses.{name}" for name in TABLES["courses"].names),
    },
    "lesions.follow_up_end_day": {"assessments.diameter_mm"},
}
# Methods that look at nobody outside the group. A number at risk is counted at times that the
# longest follow-up of all decides, a restricted mean ends where the shorter group's does.
_OF_OWN_ROWS = (
    "count",
    "Kaplan-Meier",
    "Kaplan-Meier, competing events censored",
    "Aalen-Johansen",
)
# Tables of labels and places, which the entries of every printed figure quote.
_LABELS = ("studies", "papers")
_PUBLISHED = "published."
# What a printed figure says; its other columns decide who reads it.
_SAYS = frozenset(
    f"{part}{name}"
    for part, names in {
        "": ("estimate", "relation", "n", "events", "p", "p_relation"),
        "ci_": ("low", "high", "level"),
        "range_": ("low", "high"),
        "printed_": ("text", "ci", "range", "n", "events", "p"),
    }.items()
    for name in names
)
# Stages that read a figure only for what its study, or one linked with it, is said of.
_BY_STUDY = ("consistency", "synthesis", *_BESIDE)
# Columns by which one study's figures are held against another's.
_LINKS = ("duplicate_of", "part_of", "n_from", "subset_of", "within")
# Figures that can be a series' rate, and those that give its dose.
_RATES, _DOSES = ("rate", "range"), ("median", "range")


class UnknownCell(Exception):
    """A place that no number can be read from; the message says why."""


@dataclass(frozen=True)
class Cell:
    """A raw cell, or a whole raw row.

    Attributes
    ----------
    file : str
        As the lineage names it; of a workbook with ``#sheet``.
    line : int
        1-based line (CSV) or row (XLSX).
    column : str or None
        Raw column header; None for the whole row.
    """

    file: str
    line: int
    column: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f":{self.column}" if self.column else "")


@dataclass(frozen=True)
class RawTables:
    """Where a cohort's canonical tables are read from, by its configured entries.

    Parameters
    ----------
    settings : mapping
        ``config.cohort.…`` key without that beginning -> value.
    columns : mapping
        Canonical column -> ``{"file", "column"}`` or ``{"file", "columns"}`` (lineage).
    """

    settings: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, numbers: Entries, lineage: Mapping[str, Any]) -> RawTables:
        """Raw tables of a run."""
        head = "config.cohort."
        settings = {
            key.removeprefix(head): entry["value"]
            for key, entry in numbers.items()
            if key.startswith(head)
        }
        return cls(settings, lineage["columns"])

    @cached_property
    def files(self) -> dict[str, str]:
        """Canonical table -> the file it is read from, with ``#sheet``."""
        found: dict[str, str] = {}
        for name, raw in self.columns.items():
            table, sheet = name.partition(".")[0], self.option(name.partition(".")[0], "sheet")
            path = str(raw["file"]).partition("#")[0]
            found[table] = f"{path}#{sheet}" if sheet else path
        return found

    def option(self, table: str, name: str) -> Any:
        """A table's option (``sheet``, ``delimiter`` …); None where it is not set."""
        return self.settings.get(f"tables.{table}.{name}")

    def at(self, file: str) -> tuple[str, ...]:
        """Canonical tables that are read from a file or sheet."""
        return tuple(table for table, place in self.files.items() if place == file)

    def headers(self, table: str) -> dict[str, set[str]]:
        """Raw column -> canonical columns that are read from it."""
        found: dict[str, set[str]] = {}
        for name, raw in self.columns.items():
            if name.partition(".")[0] == table:
                for header in raw["columns"] if "columns" in raw else [raw["column"]]:
                    found.setdefault(header, set()).add(name)
        return found

    @property
    def eligibility(self) -> set[str]:
        """Canonical columns that decide who is analysed."""
        return {
            value
            for key, value in self.settings.items()
            if key.startswith("eligibility.") and key.endswith(".column")
        }

    @property
    def time_zero(self) -> str | None:
        """Canonical column that every time of a patient is counted from."""
        return _TIME_ZERO.get(str(self.settings.get("time_zero")))


class Impact:
    """What can depend on a cell of a run.

    Parameters
    ----------
    numbers : mapping
        Registry: key -> entry.
    lineage : mapping
        ``results/lineage.json``.
    printed : mapping, optional
        File of printed figures or studies -> line -> its cells by column. Without them every
        cell of these tables is taken for one that decides which figures are read.
    """

    def __init__(
        self, numbers: Entries, lineage: Mapping[str, Any], printed: Printed | None = None
    ) -> None:
        self._numbers, self._printed = numbers, printed or {}
        self._sets: Mapping[str, Mapping[str, Any]] = lineage["row_sets"]
        self._registration: Mapping[str, Any] = lineage["registration"]
        self.raw = RawTables.of(numbers, lineage)
        self._spans: dict[tuple[str, str], Spans] = {}
        self._read: dict[str | None, Set[str]] = {}

    def predicted(self, cell: Cell) -> set[str]:
        """Keys of the numbers that can depend on a cell.

        Raises
        ------
        UnknownCell
            When no number is read from its file, or its file has no such column.
        """
        if tables := self.raw.at(cell.file):
            return {key for table in tables for key in self._of_cohort(cell, table)}
        if self._is_published(cell.file):
            return set(self._of_published(cell))
        raise UnknownCell(self._unknown(cell.file))

    def _unknown(self, file: str) -> str:
        known = sorted({*self.raw.files.values(), *self._published_files})
        return f"{file}: no number is read from it, accepted: {', '.join(known)}"

    # --- settings -------------------------------------------------------------------------

    def settings(self, file: str, lines: Container[int]) -> set[str]:
        """Configuration keys that stand on some lines of a file, as entries carry them."""
        return {
            str(key)
            for entry in self._numbers.values()
            if entry["kind"] == "configured" and entry["rows"].get("file") == file
            for key in entry["config"]
            if entry["rows"]["line"] in lines
        }

    @cached_property
    def configuration(self) -> dict[str, set[int]]:
        """Files that settings stand in, and on which lines."""
        found: dict[str, set[int]] = {}
        for entry in self._numbers.values():
            if entry["kind"] == "configured" and "file" in entry["rows"]:
                found.setdefault(str(entry["rows"]["file"]), set()).add(entry["rows"]["line"])
        return found

    def decided(self, settings: Iterable[str]) -> set[str]:
        """Keys of the numbers that can depend on some settings."""
        keys = set(settings)
        # What words, marks and rounds numbers decides all that was computed.
        everything = _touch(self._registration["config"], keys)
        return {
            key
            for key, entry in self._numbers.items()
            if _touch(entry["config"], keys) or (everything and entry["kind"] == "computed")
        }

    # --- cells of the cohort --------------------------------------------------------------

    def _of_cohort(self, cell: Cell, table: str) -> Iterator[str]:
        headers = self.raw.headers(table)
        chosen = self._chosen(cell, table, headers)
        if chosen is None:
            yield from (key for key, entry in self._numbers.items() if _of_a_cohort(entry))
            return
        for key, entry in self._numbers.items():
            if self._depends(entry, chosen) and self._can_reach(entry, cell, chosen):
                yield key

    def _chosen(self, cell: Cell, table: str, headers: Mapping[str, set[str]]) -> set[str] | None:
        """Canonical columns that the cell decides; None where it decides who is analysed."""
        if cell.column is None:
            canonical = {name for names in headers.values() for name in names}
        else:
            canonical = headers.get(cell.column, set())
        sieves = [self.raw.option(table, f"{rule}.column") for rule in ("skip", "split")]
        if cell.column in sieves or (cell.column is None and any(sieves)):
            return None
        if canonical & (self.raw.eligibility | _identifiers(table)):
            return None
        return self._with_followers(canonical)

    def _with_followers(self, canonical: set[str]) -> set[str]:
        """Columns with those whose values or whose choice follow from them."""
        followers = set(canonical)
        if self.raw.time_zero in canonical:
            followers |= {
                f"{table.name}.{column.name}"
                for table in TABLES.values()
                for column in table.columns
                if column.kind == "time"
            }
        for column, what in _SAYS_WHICH.items():
            followers |= what if column in followers else set()
        return followers

    @staticmethod
    def _depends(entry: Entry, chosen: set[str]) -> bool:
        if not chosen or not _of_a_cohort(entry):
            return False
        return not entry["columns"] or not chosen.isdisjoint(entry["columns"])

    def _can_reach(self, entry: Entry, cell: Cell, chosen: set[str]) -> bool:
        """Whether the cell's row is among an entry's, or may come to be among them."""
        table = str(entry["rows"].get("table", ""))
        where = entry["rows"].get("where", {})
        if entry["source"] in _BESIDE or entry["method"] not in _OF_OWN_ROWS or not where:
            return True
        if chosen & self._deciding(where):
            return True
        if self._holds(entry.get("lineage"), cell):
            return True
        return not any(self._holds(name, cell) for name in self._universe(table))

    def _deciding(self, where: Mapping[str, Any]) -> set[str]:
        """Canonical columns of the covariates that a filter looks at."""
        names = {name for name in where if name != "recorded"} | set(where.get("recorded", ()))
        found: set[str] = set()
        for name in names:
            column = self._covariate_columns.get(name, name)
            found |= {*DERIVED_NEEDS.get(column, (column,)), *DERIVED_USES.get(column, ())}
        return found

    @cached_property
    def _covariate_columns(self) -> dict[str, str]:
        head, tail = "config.models.covariates.", ".column"
        columns = {
            key.removeprefix(head).removesuffix(tail): str(entry["value"])
            for key, entry in self._numbers.items()
            if key.startswith(head) and key.endswith(tail)
        }
        # A dose is looked at beside every alpha/beta, under a name of its own.
        return columns | {"dose": "derived.bed10_gy"}

    def _universe(self, table: str) -> set[str]:
        """Row sets of the entries of a whole endpoint: rows outside them may yet come in."""
        return self._universes.get(table, set())

    @cached_property
    def _universes(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for entry in self._numbers.values():
            rows = entry["rows"]
            if entry.get("lineage") and "table" in rows and not rows.get("where"):
                found.setdefault(rows["table"], set()).add(entry["lineage"])
        return found

    def _holds(self, name: str | None, cell: Cell) -> bool:
        if name is None:
            return True
        if (name, cell.file) not in self._spans:
            if (lines := self._sets[name].get("raw")) is None:
                return True  # withheld: it may hold any row
            self._spans[name, cell.file] = spans(lines.get(cell.file, ""))
        return inside(self._spans[name, cell.file], cell.line)

    # --- cells of the published tables ----------------------------------------------------

    @cached_property
    def _published_files(self) -> set[str]:
        return {
            str(entry["rows"]["file"])
            for entry in self._numbers.values()
            if entry["kind"] == "transcribed" and "file" in entry["rows"]
        }

    def _is_published(self, file: str) -> bool:
        folders = {str(PurePosixPath(known).parent) for known in self._published_files}
        return file in self._published_files or str(PurePosixPath(file).parent) in folders

    def _of_published(self, cell: Cell) -> Iterator[str]:
        stem, row = PurePosixPath(cell.file).stem, self._saying(cell)
        linked = self._linked(row["study_id"]) if row is not None else frozenset()
        for key, entry in self._numbers.items():
            if entry["kind"] == "transcribed":
                rows = entry["rows"]
                same = (rows.get("file"), rows.get("line")) == (cell.file, cell.line)
                if same or (stem in _LABELS and rows):
                    yield key
            elif entry["kind"] == "computed" and (
                _quotes(entry, stem) if row is None else self._reads(entry, row, linked)
            ):
                yield key

    def _saying(self, cell: Cell) -> Row | None:
        """Row of a cell that is what a printed figure says; None where the cell may be more."""
        row = self._printed.get(cell.file, {}).get(cell.line)
        return row if row is not None and cell.column in _SAYS and "measure" in row else None

    def _reads(self, entry: Entry, row: Row, linked: Set[str]) -> bool:
        """Whether a computed entry can depend on what a figure of the linked studies says."""
        if entry["source"] not in _BY_STUDY or "solutions" in entry:
            return _quotes(entry, _LABELS[0])  # any table
        read = self._studies_of(entry.get("lineage"))
        if not read or not read.isdisjoint(linked):
            return True
        return entry["source"] == "synthesis" and _may_enter(str(entry["key"]), row)

    def _studies_of(self, name: str | None) -> Set[str]:
        """Studies whose printed figures a row set holds; none where that is not known."""
        if name not in self._read:
            lines = {} if name is None else self._sets[name].get("raw") or {}
            held = (
                self._printed[file].get(line, {})
                for file in self._printed.keys() & lines.keys()
                for first, last in spans(lines[file])
                for line in range(first, last + 1)
            )
            self._read[name] = frozenset(row["study_id"] for row in held if "study_id" in row)
        return self._read[name]

    def _linked(self, study: str) -> Set[str]:
        """The study, and all that are linked with it, over others too."""
        reached, frontier = {study}, {study}
        while frontier:
            frontier = {b for a, b in self._links if a in frontier} - reached
            reached |= frontier
        return reached

    @cached_property
    def _links(self) -> set[tuple[str, str]]:
        """Pairs of studies of which one names the other, or that share their patients, both ways.

        A figure's key begins with its study.
        """
        rows = [row for of in self._printed.values() for row in of.values() if "study_id" in row]
        pairs = {
            (row["study_id"], named.strip().partition(".")[0])
            for row in rows
            for column in _LINKS
            for named in row.get(column, "").split(";")
            if named.strip()
        }
        # A cohort stands between its studies.
        pairs |= {(r["study_id"], f"cohort {r['cohort_id']}") for r in rows if r.get("cohort_id")}
        return pairs | {(b, a) for a, b in pairs}


def _touch(paths: Iterable[str], settings: Collection[str]) -> bool:
    """Whether a setting is one of the paths of an entry, below one, or around one."""
    return any(
        one == path or one.startswith(f"{path}.") or path.startswith(f"{one}.")
        for path in paths
        for one in settings
    )


def _identifiers(table: str) -> set[str]:
    return {f"{table}.{c.name}" for c in TABLES[table].columns if c.kind == "id"}


def _of_a_cohort(entry: Entry) -> bool:
    """Whether a cohort's rows, and not printed figures or settings alone, decide an entry."""
    if entry["kind"] != "computed" or "config" in entry["rows"]:
        return False
    columns = entry["columns"]
    return not columns or any(not column.startswith(_PUBLISHED) for column in columns)


def _quotes(entry: Entry, stem: str) -> bool:
    """Whether a computed entry can depend on a table of printed figures."""
    if entry["source"] in _BESIDE or "solutions" in entry:
        return True
    columns = [column for column in entry["columns"] if column.startswith(_PUBLISHED)]
    return f"{_PUBLISHED}{stem}" in columns or (stem in _LABELS and bool(columns))


def _may_enter(key: str, row: Row) -> bool:
    """Whether a figure may come to be among those that a number of the synthesis is made of.

    One rate stands for a cohort, which one hangs on what all of them say, and a review's is left
    out beside those of its members; a series is told of where one of its rates stands. The doses
    are held against the rates of one time.
    """
    if row["unit"] == "percent" and row["measure"] in _RATES:
        if not row["time_months"]:
            return False
        at = f".{row['endpoint']}.", f".rate_{float(row['time_months']):g}m"
        of_series = key.startswith("series.") and (".site" in key or ".bed10." in key)
        return of_series or (at[0] in key and (at[1] in key or ".dose." in key))
    return row["unit"] == "Gy" and row["measure"] in _DOSES and ".dose." in key


# --- what moved ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Move:
    """A number that differs between two runs.

    Attributes
    ----------
    key : str
    before, after : mapping or None
        Its entries; None where it came, or went.
    """

    key: str
    before: Entry | None
    after: Entry | None

    @property
    def what(self) -> str:
        """``comes``, ``goes`` or ``moves``."""
        if self.before is None:
            return "comes"
        return "goes" if self.after is None else "moves"


def moves(before: Entries, after: Entries) -> list[Move]:
    """Numbers that a reader sees differ, in order of their keys.

    How a number was checked, and hashes of what it was made from, do not count.
    """
    return [
        Move(key, before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if _seen(before.get(key)) != _seen(after.get(key))
    ]


def _seen(entry: Entry | None) -> tuple[Any, ...] | None:
    return None if entry is None else tuple(entry.get(name) for name in SEEN)


def outside(found: Iterable[Move], before: Impact, after: Impact, cell: Cell) -> list[str]:
    """Keys that moved though the cell was not said to reach them.

    A number that comes is judged by the run in which it is.
    """
    expected, arrived = before.predicted(cell), after.predicted(cell)
    return [
        move.key
        for move in found
        if move.key not in (arrived if move.what == "comes" else expected)
    ]
