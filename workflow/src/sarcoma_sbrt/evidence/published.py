"""Printed figures of published studies: typed rows, each with the place where it is printed.

The tables of ``data/published`` are described by a data package (Frictionless Table Schema);
rows that do not satisfy it, or contradict themselves, are refused with file, line and column.
"""

from __future__ import annotations

import re
from calendar import month_name
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import jsonschema

from sarcoma_sbrt.dose import bed, bed_of_eqd2
from sarcoma_sbrt.errors import InputError, Problem

__all__ = [
    "Figure",
    "Published",
    "Schedule",
    "Study",
    "bed_interval",
    "published",
    "shown_place",
]

# 1-based line and the cells of a row by column name.
Line = tuple[int, Mapping[str, str]]

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_WHOLE, _DECIMAL = r"-?\d+", r"-?\d+(?:\.\d+)?"
_MONTHS = {name: month for month, name in enumerate(month_name) if name}
_MONTH_OF_YEAR = rf"({'|'.join(_MONTHS)}) (\d{{4}})"
# Unit of a period that is printed with its months: 200906 is June 2009.
_YEAR_AND_MONTH = "yyyymm"
_CONTRASTS = ("hazard_ratio", "odds_ratio")
# Shares of a whole; an amount in percent, such as growth, may exceed 100.
_OF_A_WHOLE = ("proportion", "rate", "median", "mean", "range")
# Notes under a table belong to no column.
_FOOTNOTE = "footnote"
_ALPHA_BETA_GY = 10.0
_PRINTED_GY = 0.005  # BED10 of the studies is written to two decimals


@dataclass(frozen=True)
class Schedule:
    """A prescription: total dose (Gy) and fractions, each a range; single values are equal ends."""

    dose_low: float
    dose_high: float
    fractions_low: int
    fractions_high: int


@dataclass(frozen=True)
class Study:
    """A study that the papers report on; an empty text or None is "not printed".

    Attributes
    ----------
    study_id : str
        First author and year.
    role : str
        ``sbrt_series``, ``context``, ``review``, ``same_cohort``, ``case`` or ``registry``.
    cohort_id : str
        Equal for publications whose patients overlap.
    members : tuple of str
        Studies known to be inside a review.
    schedules : tuple of Schedule
        Prescriptions as far as they are printed.
    citation, reference : str
        Key in the bibliography, and the reference in full.
    bed10_low_gy, bed10_high_gy : float or None
        BED at alpha/beta 10 Gy: the range that is printed (of EQD2, converted), else from the
        least dose in the most fractions to the greatest in the fewest; to two decimals.
    file, line : str, int
        Where the row stands.
    """

    study_id: str
    label: str
    title_year: int | None
    role: str
    reported_in: tuple[str, ...]
    cohort_id: str
    members: tuple[str, ...]
    design: str
    population: str
    site: str
    treatment: str
    country: str
    years_from: int | None
    years_to: int | None
    patients: int | None
    lesions: int | None
    dose_printed: str
    schedules: tuple[Schedule, ...]
    histology: str
    median_size_cm: float | None
    follow_up_months: float | None
    follow_up_method: str
    citation: str
    locator: str
    note: str
    reference: str = ""
    bed10_low_gy: float | None = None
    bed10_high_gy: float | None = None
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Figure:
    """One printed figure with its interval, range, p, n and events, and where it is printed.

    Attributes
    ----------
    key : str
        ``<study>.<endpoint>...<quantity>``, unique over all tables.
    paper, place, row, column : str
        The locator in parts; `locator` is the sentence that a reader sees.
    printed_text, printed_ci, printed_range, printed_n, printed_events, printed_p : str
        As printed: 0.40 is not 0.4. The numbers beside them are their values; a month of a year
        (unit ``yyyymm``) is one number, 200906.
    relation : str
        How the fact stands to the printed estimate, as its words say: ``<``, ``<=``, ``>``,
        ``>=``, ``~``; empty: equal.
    favours : str
        Group that the words of the place say did better.
    duplicate_of, part_of : str
        Keys of other figures: which prints the same fact first, which is the total of the split
        `partition` that this figure belongs to (of a subgroup's rate, the pooled rate).
    n_from, within, subset_of : tuple of str
        Keys of the figures that give n (their sum), of the printed ranges that must contain
        this figure, of those that this one is a part of and so cannot exceed.
    file, line : str, int
        Where the row stands.
    """

    key: str
    study_id: str
    paper: str
    place: str
    row: str
    column: str
    measure: str
    endpoint: str
    category: str = ""
    unit: str = ""
    unit_of_analysis: str = ""
    time_months: float | None = None
    printed_time: str = ""
    time_supported: str = ""
    estimate: float | None = None
    printed_text: str = ""
    relation: str = ""
    ci_low: float | None = None
    ci_high: float | None = None
    ci_level: float | None = None
    printed_ci: str = ""
    range_low: float | None = None
    range_high: float | None = None
    printed_range: str = ""
    n: int | None = None
    printed_n: str = ""
    n_from: tuple[str, ...] = ()
    events: int | None = None
    printed_events: str = ""
    p: float | None = None
    p_relation: str = ""
    printed_p: str = ""
    dose_low_gy: float | None = None
    dose_high_gy: float | None = None
    fractions_low: int | None = None
    fractions_high: int | None = None
    subgroup: str = ""
    arm: str = ""
    estimator: str = ""
    level: str = ""
    reference: str = ""
    favours: str = ""
    model: str = ""
    adjusted_for: str = ""
    duplicate_of: str = ""
    part_of: str = ""
    partition: str = ""
    subset_of: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    fitted_as: str = ""
    fitted_adjusted_for: str = ""
    convention: str = ""
    note: str = ""
    locator: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True)
class Published:
    """All studies and figures.

    Attributes
    ----------
    studies : mapping of str to Study
    figures : mapping of str to Figure
        Outcomes and reproduction targets, by key.
    """

    studies: Mapping[str, Study]
    figures: Mapping[str, Figure]

    def of(self, study_id: str) -> list[Figure]:
        """Figures of one study."""
        return [f for f in self.figures.values() if f.study_id == study_id]


def published(tables: Mapping[str, Sequence[Line]], package: Mapping[str, Any]) -> Published:
    """Typed and checked contents of the published tables.

    Parameters
    ----------
    tables : mapping
        File -> its rows, each with its line (`io.read_rows`); every file of the package.
    package : mapping
        The data package: ``resources`` with ``path`` and ``schema``.

    Raises
    ------
    InputError
        With everything that is wrong in all tables: a cell outside the package's constraints, a
        figure without locator, a study without figures or with a number that is none of them, an
        impossible percentage, a count above its n, an interval that does not contain its
        estimate, a contrast without a reference, a printed text that says another number, a
        reference to a figure that is not there. A row with a bad cell is not judged further, and
        nothing is said to be missing because its row could not be read.
    """
    problems: list[Problem] = []
    found = _Contents()
    for resource in package["resources"]:
        file, kind = _file_of(resource["path"], tables), resource["name"].split("_")[0]
        rules = _json_schema(resource["schema"])
        lacking = _lacking(tables[file], rules)
        problems += _header_problems(file, tables[file], rules, lacking)
        for line, cells in tables[file]:
            bad = [] if lacking else list(_cell_problems(file, line, cells, rules))
            problems += bad
            if bad or lacking:
                found.refuse(kind, cells)
            else:
                problems += found.take(kind, _typed(cells, rules), file, line)
    problems += _contradictions(found)
    if problems:
        raise InputError(problems)
    return Published(found.studies, found.keys)


def bed_interval(study: Study, alpha_beta: float) -> tuple[float, float] | None:
    """BED in Gy over a study's schedules, least and most; None where none is printed.

    A range of doses in a range of fractions does not say which dose went with which number of
    fractions, so its ends are the least dose in the most fractions and the other way round.
    """
    if not study.schedules:
        return None
    return (
        min(bed(s.dose_low, float(s.fractions_high), alpha_beta) for s in study.schedules),
        max(bed(s.dose_high, float(s.fractions_low), alpha_beta) for s in study.schedules),
    )


def shown_place(place: str) -> str:
    """Write a place as readers know it: ``table_3`` is Table 3."""
    head, _, rest = place.partition("_")
    if head in ("table", "section"):
        return f"{head.capitalize()} {rest.replace('_', '.')}"
    return f"{head.capitalize()}, {rest.replace('_', ' ')}" if rest else head.capitalize()


def _file_of(path: str, tables: Mapping[str, Any]) -> str:
    return next(file for file in tables if file == path or file.endswith(f"/{path}"))


# --- rows ---------------------------------------------------------------------------------


@dataclass
class _Contents:
    """What the tables hold, and the keys of rows that could not be read.

    Attributes
    ----------
    papers : dict
        Key -> label.
    studies : dict
        Key -> study.
    figures : list
        All of them, also a key's second.
    keys : dict
        Key -> its first figure.
    unread : set
        Keys of papers, studies and figures whose row was refused.
    silenced : set
        Studies of which a figure's row was refused.
    """

    papers: dict[str, str] = field(default_factory=dict)
    studies: dict[str, Study] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    keys: dict[str, Figure] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)

    def take(self, kind: str, values: Mapping[str, Any], file: str, line: int) -> Iterator[Problem]:
        """Keep a row; yield what its key has against it."""
        if kind == "papers":
            self.papers[str(values["paper"])] = str(values["label"])
        elif kind == "studies":
            study = _study(values, file, line)
            key = study.study_id
            yield from _twice(study, "study_id", key, self.studies.get(key))
            self.studies.setdefault(key, study)
        else:
            figure = _figure(values, file, line, self.papers)
            yield from _twice(figure, next(iter(values)), figure.key, self.keys.get(figure.key))
            self.keys.setdefault(figure.key, figure)
            self.figures.append(figure)

    def refuse(self, kind: str, cells: Mapping[str, str]) -> None:
        """Remember whose row it was, as far as it says."""
        column = {"papers": "paper", "studies": "study_id"}.get(kind)
        key = cells.get(column or "outcome_id", "") or cells.get("target_id", "")
        self.unread.add(key)
        if column is None:
            self.silenced.add(cells.get("study_id") or key.partition(".")[0])


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of a row from a Table Schema: empty cells are absent."""
    properties = {
        f["name"]: {"type": f["type"]}
        | {k: v for k, v in f.get("constraints", {}).items() if k not in ("required", "unique")}
        for f in schema["fields"]
    }
    required = [f["name"] for f in schema["fields"] if f.get("constraints", {}).get("required")]
    return {
        "type": "object",
        "required": required,
        "properties": properties,
    }


def _typed(cells: Mapping[str, str], rules: Mapping[str, Any]) -> dict[str, Any]:
    """Cells as numbers or texts; empty ones are left out, unreadable ones stay texts."""
    values: dict[str, Any] = {}
    for column, text in cells.items():
        kind = rules["properties"].get(column, {}).get("type", "string")
        if text != "":
            values[column] = _number(text, kind) if kind != "string" else text
    return values


def _number(text: str, kind: str) -> float | int | str:
    wanted = _WHOLE if kind == "integer" else _DECIMAL
    if not re.fullmatch(wanted, text):
        return text
    return int(text) if kind == "integer" else float(text)


def _lacking(rows: Sequence[Line], rules: Mapping[str, Any]) -> list[str]:
    return [c for c in rules["properties"] if any(c not in cells for _, cells in rows)]


def _header_problems(
    file: str, rows: Sequence[Line], rules: Mapping[str, Any], lacking: Sequence[str]
) -> Iterator[Problem]:
    """Columns that are lacking or unknown, once for the table."""
    if lacking:
        yield Problem(file, 1, ", ".join(lacking), "the table lacks the column")
    for column in dict.fromkeys(column for _, cells in rows for column in cells):
        if column not in rules["properties"]:
            yield Problem(file, 1, column, "unknown column")


def _cell_problems(
    file: str, line: int, cells: Mapping[str, str], rules: Mapping[str, Any]
) -> Iterator[Problem]:
    values = _typed(cells, rules)
    for error in jsonschema.Draft202012Validator(rules).iter_errors(values):
        yield _said(file, line, error)


def _said(file: str, line: int, error: Any) -> Problem:
    if error.validator == "required":
        column = next(c for c in error.validator_value if f"'{c}'" in error.message)
        return Problem(file, line, column, "value is missing")
    accepted = error.validator_value
    accepted = ", ".join(map(str, accepted)) if isinstance(accepted, list) else str(accepted)
    if error.validator in ("minimum", "maximum", "pattern"):
        accepted = f"{error.validator} {accepted}"
    column = str(error.absolute_path[0])
    return Problem(file, line, column, "value is not accepted", str(error.instance), accepted)


def _twice(
    row: Study | Figure, column: str, key: str, first: Study | Figure | None
) -> Iterator[Problem]:
    if first is not None:
        what = f"stands twice, first at {first.file}:{first.line}"
        yield Problem(row.file, row.line, column, what, key)


def _study(values: Mapping[str, Any], file: str, line: int) -> Study:
    given: dict[str, Any] = {f.name: values.get(f.name) for f in fields(Study)}
    for name in _TEXTS[Study]:
        given[name] = given[name] or ""
    for name in ("reported_in", "members"):
        given[name] = _split(values.get(name, ""))
    given["schedules"] = tuple(_schedule(s) for s in _split(values.get("schedules", ""), "|"))
    return Study(**given | {"file": file, "line": line})


def _figure(values: Mapping[str, Any], file: str, line: int, papers: Mapping[str, str]) -> Figure:
    given: dict[str, Any] = {f.name: values.get(f.name) for f in fields(Figure)}
    for name in _TEXTS[Figure]:
        given[name] = given[name] or ""
    given["key"] = values.get("outcome_id", values.get("target_id"))
    for name in ("n_from", "subset_of", "within"):
        given[name] = _split(values.get(name, ""))
    given["locator"] = _locator(given, papers)
    return Figure(**given | {"file": file, "line": line})


_TEXTS = {kind: tuple(f.name for f in fields(kind) if f.type == "str") for kind in (Study, Figure)}


def _split(text: str, mark: str = ";") -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(mark) if part.strip())


def _schedule(text: str) -> Schedule:
    dose, fractions = (part.split("-") for part in text.split("/"))
    return Schedule(float(dose[0]), float(dose[-1]), int(fractions[0]), int(fractions[-1]))


def _locator(given: Mapping[str, Any], papers: Mapping[str, str]) -> str:
    """Paper, table or section, row, column: what a reader needs to find the figure."""
    paper = papers.get(given["paper"], given["paper"])
    parts = [paper, shown_place(given["place"])]
    if given["place"].startswith("table_"):
        parts += [f"row “{given['row']}”"] if given["row"] else []
        parts += [f"column “{given['column']}”"] if given["column"] else []
    else:
        parts += [given["row"]] if given["row"] else []
    return ", ".join(parts)


# --- contradictions -----------------------------------------------------------------------


# Column, what is wrong, what was read, what is accepted.
Wrong = tuple[str, str, str, str]


def _contradictions(found: _Contents) -> Iterator[Problem]:
    by_study: dict[str, list[Figure]] = {}
    for figure in found.figures:
        by_study.setdefault(figure.study_id, []).append(figure)
    for study in found.studies.values():
        # What a row that could not be read would have said is not known.
        if study.study_id not in found.silenced:
            for wrong in _wrong_study(study, by_study.get(study.study_id, [])):
                yield Problem(study.file, study.line, *wrong)
    for figure in found.figures:
        for wrong in (*_wrong_links(figure, found), *_wrong(figure)):
            yield Problem(figure.file, figure.line, *wrong)


# A study's number -> the endpoint of the figures that it can be.
_NUMBERS = {
    "patients": "patients",
    "lesions": "lesions",
    "years_from": "period",
    "years_to": "period",
    "median_size_cm": "size",
    "follow_up_months": "follow_up",
}


_NOT_PRINTED = "no such figure is printed of the study"


def _wrong_study(study: Study, figures: Sequence[Figure]) -> Iterator[Wrong]:
    if not figures:
        yield "study_id", "the study has no outcome", study.study_id, ""
        return
    for column, endpoint in _NUMBERS.items():
        value = getattr(study, column)
        if value is not None and value not in _printed_values(figures, endpoint):
            yield column, _NOT_PRINTED, f"{value:g}", f"a figure of {study.study_id} on {endpoint}"
    prescribed = _prescriptions(figures)
    for schedule in study.schedules:
        if schedule not in prescribed:
            yield "schedules", _NOT_PRINTED, _shown(schedule), f"a schedule of {study.study_id}"
    yield from _wrong_bed(study, figures)


def _printed_values(figures: Sequence[Figure], endpoint: str) -> set[float | None]:
    """Everything that figures on one endpoint print; of a month its year."""
    return {
        value // 100 if f.unit == _YEAR_AND_MONTH and value is not None else value
        for f in figures
        if f.endpoint == endpoint
        for value in (f.estimate, f.range_low, f.range_high, f.n, f.events)
    }


def _prescriptions(figures: Sequence[Figure]) -> set[Schedule]:
    """Printed schedules; ranges of dose and of fractions that are printed apart are one."""
    ranges = {f.endpoint: (f.range_low, f.range_high) for f in figures if f.range_low is not None}
    ends: list[tuple[float | None, ...]] = [
        (f.dose_low_gy, f.dose_high_gy, f.fractions_low, f.fractions_high)
        for f in figures
        if f.measure == "schedule"
    ]
    if "dose" in ranges and "fractions" in ranges:
        ends.append((*ranges["dose"], *ranges["fractions"]))
    whole = [tuple(end for end in four if end is not None) for four in ends]
    return {Schedule(f[0], f[1], int(f[2]), int(f[3])) for f in whole if len(f) == 4}


def _shown(schedule: Schedule) -> str:
    dose = dict.fromkeys((f"{schedule.dose_low:g}", f"{schedule.dose_high:g}"))
    fractions = dict.fromkeys((f"{schedule.fractions_low}", f"{schedule.fractions_high}"))
    return f"{'-'.join(dose)}/{'-'.join(fractions)}"


def _wrong_bed(study: Study, figures: Sequence[Figure]) -> Iterator[Wrong]:
    wanted = _bed10(study, figures)
    for i, column in enumerate(("bed10_low_gy", "bed10_high_gy")):
        value = getattr(study, column)
        expected = None if wanted is None else wanted[i]
        if value is None or expected is None:
            agrees = value is expected
        else:
            agrees = abs(value - expected) <= _PRINTED_GY
        if not agrees:
            read = "" if value is None else f"{value:g}"
            accepted = "nothing, no dose is printed" if expected is None else f"{expected:.2f}"
            yield column, "not what the printed doses give", read, accepted


def _bed10(study: Study, figures: Sequence[Figure]) -> tuple[float, float] | None:
    """Least and greatest BED10 of a study: printed, of a printed EQD2, of its schedules."""
    for endpoint in ("bed10", "eqd2"):
        for f in figures:
            if f.endpoint == endpoint and f.range_low is not None and f.range_high is not None:
                low, high = f.range_low, f.range_high
                if endpoint == "bed10":
                    return low, high
                return bed_of_eqd2(low, _ALPHA_BETA_GY), bed_of_eqd2(high, _ALPHA_BETA_GY)
    return bed_interval(study, _ALPHA_BETA_GY)


def _wrong_links(figure: Figure, found: _Contents) -> Iterator[Wrong]:
    if figure.study_id not in found.studies and figure.study_id not in found.unread:
        yield "study_id", "no such study", figure.study_id, "a study_id of studies.csv"
    if figure.paper not in found.papers and figure.paper not in found.unread:
        yield "paper", "no such paper", figure.paper, "a paper of papers.csv"
    named = [(column, getattr(figure, column)) for column in ("duplicate_of", "part_of")]
    named += [(c, key) for c in ("n_from", "subset_of", "within") for key in getattr(figure, c)]
    for column, key in named:
        missing = key not in found.keys and key not in found.unread
        if key and (missing or key == figure.key):
            yield column, "no such figure", key, "the key of another figure"


def _wrong(figure: Figure) -> Iterator[Wrong]:
    if not figure.key.startswith(f"{figure.study_id}."):
        yield "study_id", "the key is another study's", figure.key, f"{figure.study_id}.…"
    in_table = figure.place.startswith("table_") and not figure.row.startswith(_FOOTNOTE)
    if in_table and not figure.column:
        yield "column", "a figure of a table without its column", "", "its header"
    yield from _wrong_interval(figure)
    yield from _wrong_share(figure)
    yield from _wrong_contrast(figure)
    yield from _wrong_text(figure)
    if figure.relation and figure.estimate is None:
        yield "relation", "a relation without an estimate", figure.relation, "an estimate"
    if figure.measure == "rate":
        if figure.time_months is None and figure.estimator != "crude":
            yield "time_months", "a rate without its time", "", "months; or the estimator crude"
        if not figure.time_supported:
            yield "time_supported", "value is missing", "", "yes, no"


def _wrong_interval(figure: Figure) -> Iterator[Wrong]:
    for name in ("ci", "range"):
        low, high = getattr(figure, f"{name}_low"), getattr(figure, f"{name}_high")
        if low is not None and high is not None and low > high:
            yield f"{name}_low", "the lower end lies above the upper", f"{low:g}", f"≤ {high:g}"
    low, high, estimate = figure.ci_low, figure.ci_high, figure.estimate
    if (low is not None or high is not None) and figure.ci_level is None:
        yield "ci_level", "an interval without its level", "", "95"
    if estimate is not None and (
        (low is not None and estimate < low) or (high is not None and estimate > high)
    ):
        what = "the interval does not contain its estimate"
        yield "ci_low", what, figure.printed_ci, f"an interval around {estimate:g}"


def _wrong_share(figure: Figure) -> Iterator[Wrong]:
    of_a_whole = figure.unit == "percent" and figure.measure in _OF_A_WHOLE
    for column in ("estimate", "ci_low", "ci_high", "range_low", "range_high"):
        value = getattr(figure, column)
        if of_a_whole and value is not None and not 0 <= value <= 100:
            yield column, "an impossible percentage", f"{value:g}", "0 to 100"
    if figure.n is None:
        return
    if figure.events is not None and figure.events > figure.n:
        yield "events", "more events than there are to count", str(figure.events), f"≤ {figure.n}"
    counted = figure.estimate if figure.measure == "count" else None
    if counted is not None and counted > figure.n:
        yield "estimate", "a count above its n", f"{counted:g}", f"≤ {figure.n}"


def _wrong_contrast(figure: Figure) -> Iterator[Wrong]:
    contrast = figure.measure in _CONTRASTS or (figure.measure == "p_value" and figure.level)
    if contrast:
        for column in ("level", "reference"):
            if not getattr(figure, column):
                yield column, "a contrast without its " + column, "", "what is compared"
    elif figure.favours:
        accepted = "a ratio or p with level and reference"
        yield "favours", "a side is favoured, and nothing compared", figure.favours, accepted


def _wrong_text(figure: Figure) -> Iterator[Wrong]:
    """Find numbers that differ from what is printed, where it is printed in digits."""
    pairs = [
        ("estimate", figure.printed_text, (figure.estimate,)),
        ("ci_low", figure.printed_ci, (figure.ci_low, figure.ci_high)),
        ("range_low", figure.printed_range, (figure.range_low, figure.range_high)),
        ("n", figure.printed_n, (figure.n,)),
        ("events", figure.printed_events, (figure.events,)),
        ("p", figure.printed_p, (figure.p,)),
    ]
    for column, text, values in pairs:
        told = _told(text, figure.unit)
        given = [abs(value) for value in values if value is not None]
        if not told or (column == "estimate" and figure.estimate is None):
            continue
        if told[: len(given)] != given:
            yield column, "not what is printed", " ".join(f"{v:g}" for v in given), text
    for column, text, values in pairs:
        if text == "" and any(v is not None for v in values) and column not in ("n", "events"):
            yield (
                f"printed_{'text' if column == 'estimate' else column.split('_')[0]}",
                ("a number without its printed text"),
                "",
                "the digits as printed",
            )


def _told(text: str, unit: str) -> list[float]:
    """Numbers that a printed text says in digits; June 2009 as 200906 where the unit says so."""
    if unit == _YEAR_AND_MONTH:
        dates = re.findall(_MONTH_OF_YEAR, text)
        return [float(100 * int(year) + _MONTHS[month]) for month, year in dates]
    return [float(number.replace(",", "")) for number in re.findall(_NUMBER, text)]
