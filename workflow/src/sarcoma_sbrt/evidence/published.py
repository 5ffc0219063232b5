"""Printed figures of published studies: typed rows, each with the place where it is printed.

The tables of ``data/published`` are described by a data package (Frictionless Table Schema);
rows that do not satisfy it, or contradict themselves, are refused with file, line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import jsonschema

from sarcoma_sbrt.errors import InputError, Problem

__all__ = ["Figure", "Published", "Schedule", "Study", "published", "shown_place"]

# 1-based line and the cells of a row by column name.
Line = tuple[int, Mapping[str, str]]

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_CONTRASTS = ("hazard_ratio", "odds_ratio")
_SHARES = ("proportion", "rate")


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
        As printed: 0.40 is not 0.4. The numbers beside them are their values.
    duplicate_of, part_of : str
        Keys of other figures: which prints the same fact first, which is the total of the split
        `partition` that this figure belongs to (of a subgroup's rate, the pooled rate).
    n_from, within : tuple of str
        Keys of the figures that give n (their sum), and of the printed ranges that must
        contain this figure.
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
        With everything that is wrong: a cell outside the package's constraints, a figure
        without locator, a study without figures, an impossible percentage, an interval that
        does not contain its estimate, a contrast without a reference, a printed text that
        says another number, a reference to a figure that is not there.
    """
    problems: list[Problem] = []
    papers: dict[str, str] = {}
    studies: dict[str, Study] = {}
    figures: dict[str, Figure] = {}
    for resource in package["resources"]:
        file, kind = _file_of(resource["path"], tables), resource["name"].split("_")[0]
        rules = _json_schema(resource["schema"])
        for line, cells in tables[file]:
            found = list(_cell_problems(file, line, cells, rules))
            problems += found
            if found:
                continue
            values = _typed(cells, rules)
            if kind == "papers":
                papers[str(values["paper"])] = str(values["label"])
            elif kind == "studies":
                problems += _twice(file, line, "study_id", str(values["study_id"]), studies)
                studies[str(values["study_id"])] = _study(values, file, line)
            else:
                figure = _figure(values, file, line, papers)
                problems += _twice(file, line, next(iter(cells)), figure.key, figures)
                figures[figure.key] = figure
    if not problems:
        problems += _contradictions(studies, figures)
    if problems:
        raise InputError(problems)
    return Published(studies, figures)


def shown_place(place: str) -> str:
    """Write a place as readers know it: ``table_3`` is Table 3."""
    head, _, rest = place.partition("_")
    if head in ("table", "section"):
        return f"{head.capitalize()} {rest.replace('_', '.')}"
    return f"{head.capitalize()}, {rest.replace('_', ' ')}" if rest else head.capitalize()


def _file_of(path: str, tables: Mapping[str, Any]) -> str:
    return next(file for file in tables if file == path or file.endswith(f"/{path}"))


# --- rows ---------------------------------------------------------------------------------


def _json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of a row from a Table Schema: every column known, empty cells absent."""
    properties = {
        f["name"]: {"type": f["type"]}
        | {k: v for k, v in f.get("constraints", {}).items() if k not in ("required", "unique")}
        for f in schema["fields"]
    }
    required = [f["name"] for f in schema["fields"] if f.get("constraints", {}).get("required")]
    return {
        "type": "object",
        "additionalProperties": False,
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
    try:
        return int(text) if kind == "integer" else float(text)
    except ValueError:
        return text


def _cell_problems(
    file: str, line: int, cells: Mapping[str, str], rules: Mapping[str, Any]
) -> Iterator[Problem]:
    lacking = [column for column in rules["properties"] if column not in cells]
    if lacking:
        yield Problem(file, line, ", ".join(lacking), "the table lacks the column")
        return
    values = _typed(cells, rules)
    for error in jsonschema.Draft202012Validator(rules).iter_errors(values):
        yield from _said(file, line, error)


def _said(file: str, line: int, error: Any) -> Iterator[Problem]:
    if error.validator == "required":
        column = next(c for c in error.validator_value if f"'{c}'" in error.message)
        yield Problem(file, line, column, "value is missing")
    elif error.validator == "additionalProperties":
        known = error.schema["properties"]
        for column in (c for c in error.instance if c not in known):
            yield Problem(file, line, str(column), "unknown column")
    else:
        accepted = error.validator_value
        accepted = ", ".join(map(str, accepted)) if isinstance(accepted, list) else str(accepted)
        if error.validator in ("minimum", "maximum", "pattern"):
            accepted = f"{error.validator} {accepted}"
        column = str(error.absolute_path[0])
        yield Problem(file, line, column, "value is not accepted", str(error.instance), accepted)


def _twice(
    file: str, line: int, column: str, key: str, known: Mapping[str, Study | Figure]
) -> Iterator[Problem]:
    if key in known:
        first = f"{known[key].file}:{known[key].line}"
        yield Problem(file, line, column, f"stands twice, first at {first}", key)


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


def _contradictions(
    studies: Mapping[str, Study], figures: Mapping[str, Figure]
) -> Iterator[Problem]:
    told = {figure.study_id for figure in figures.values()}
    for study in studies.values():
        if study.study_id not in told:
            what = "the study has no outcome"
            yield Problem(study.file, study.line, "study_id", what, study.study_id)
    for figure in figures.values():
        for column, what, read, accepted in _wrong(figure, studies, figures):
            yield Problem(figure.file, figure.line, column, what, read, accepted)


# Column, what is wrong, what was read, what is accepted.
Wrong = tuple[str, str, str, str]


def _wrong(
    figure: Figure, studies: Mapping[str, Study], figures: Mapping[str, Figure]
) -> Iterator[Wrong]:
    if figure.study_id not in studies:
        yield "study_id", "no such study", figure.study_id, "a study_id of studies.csv"
    if not figure.key.startswith(f"{figure.study_id}."):
        yield "study_id", "the key is another study's", figure.key, f"{figure.study_id}.…"
    if figure.place.startswith("table_") and not (figure.row or figure.column):
        yield "row", "a figure of a table without its row or column", "", "its header"
    yield from _wrong_references(figure, figures)
    yield from _wrong_interval(figure)
    yield from _wrong_share(figure)
    yield from _wrong_contrast(figure)
    yield from _wrong_text(figure)
    if figure.measure == "rate":
        if figure.time_months is None and figure.estimator != "crude":
            yield "time_months", "a rate without its time", "", "months; or the estimator crude"
        if not figure.time_supported:
            yield "time_supported", "value is missing", "", "yes, no"


def _wrong_references(figure: Figure, figures: Mapping[str, Figure]) -> Iterator[Wrong]:
    named = [(column, getattr(figure, column)) for column in ("duplicate_of", "part_of")]
    named += [(c, key) for c in ("n_from", "within") for key in getattr(figure, c)]
    for column, key in named:
        if key and (key not in figures or key == figure.key):
            yield column, "no such figure", key, "the key of another figure"


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
    if figure.measure not in _SHARES:
        return
    for column in ("estimate", "ci_low", "ci_high", "range_low", "range_high"):
        value = getattr(figure, column)
        if figure.unit == "percent" and value is not None and not 0 <= value <= 100:
            yield column, "an impossible percentage", f"{value:g}", "0 to 100"
    if figure.n is not None and figure.events is not None and figure.events > figure.n:
        yield "events", "more events than there are to count", str(figure.events), f"≤ {figure.n}"


def _wrong_contrast(figure: Figure) -> Iterator[Wrong]:
    contrast = figure.measure in _CONTRASTS or (figure.measure == "p_value" and figure.level)
    if contrast:
        for column in ("level", "reference"):
            if not getattr(figure, column):
                yield column, "a contrast without its " + column, "", "what is compared"


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
        told = [float(number.replace(",", "")) for number in re.findall(_NUMBER, text)]
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
