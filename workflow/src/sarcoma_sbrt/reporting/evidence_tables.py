"""The manuscript's tables of published evidence: compared, pooled, and checked against itself.

As in `tables`, every digit is a shortcode. What a cell says of a published rate (printed,
approximated, at a time that only a table gives) is a letter, which a note explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import NamedTuple

from sarcoma_sbrt.evidence.synthesis import ALL_SITES
from sarcoma_sbrt.reporting.consistency_tables import consistency_tables, optional, text_of
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.tables import (
    ABSENT,
    LEVEL,
    Layout,
    Numbers,
    Row,
    in_words,
    num,
    table_div,
    under_header,
    with_interval,
)
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import Analysis, CohortSettings

__all__ = ["RATE_MARKS", "context_marks", "evidence_tables", "rate_letters", "rate_marks"]

_UNITS = {"patient": "P", "lesion": "L"}
_ALL = "All sites"
_MANY_SERIES = 10  # fewer leave the variance between them undecided

# What may be marked of a published rate, in the order of the letters, and what a note says of it.
RATE_MARKS = {
    "approximated": "Interval approximated from the number of patients, also where lesions were "
    "counted.",
    "unsupported": "The text of the paper does not support the time.",
    "crude": "A crude share, not a rate at a time.",
    "target": "This cohort is reconstructed from this study: it is what is to be reproduced, and "
    "the two are never pooled.",
    "part": "Of a part of the series only.",
    "level": "Interval printed at another confidence level.",
}


def evidence_tables(numbers: Numbers, analysis: Analysis, cohort: CohortSettings) -> dict[str, str]:
    """Markdown of every table of published evidence that the registry can fill, by name.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    analysis : Analysis
        `Analysis.comparison`: endpoints and times.
    cohort : CohortSettings
        Stands first among the series; says which of them it was reconstructed from.

    Returns
    -------
    dict of str
        Of ``comparison_<endpoint>``, ``synthesis``, ``leave_one_out``, ``published_series``
        and those of `consistency_tables` those that have rows, as `tables.tables` makes them.
    """
    made = (
        *(_comparison(numbers, analysis, cohort, e) for e in analysis.comparison.endpoints),
        _synthesis(numbers, analysis, cohort),
        _leave_one_out(numbers, analysis),
        _published_series(numbers),
    )
    return dict(table for table in made if table is not None) | consistency_tables(numbers)


def rate_marks(numbers: Numbers, cohort: CohortSettings, study: str, key: str) -> tuple[str, ...]:
    """Which of `RATE_MARKS` a published rate has.

    Parameters
    ----------
    numbers : mapping
        The registry.
    cohort : CohortSettings
        Says which study it was reconstructed from.
    study, key : str
        The series, and the key of its rate.
    """
    ci, level = numbers[key]["ci"], numbers["config.models.confidence_level"]["value"]
    has = {
        "approximated": text_of(numbers, f"{key}.interval") == "approximated",
        "unsupported": text_of(numbers, f"{key}.supported") == "no",
        "crude": text_of(numbers, f"{key}.crude") == "yes",
        "target": study == cohort.derived_from,
        "part": "subgroup" in numbers[key]["population"].get("filter", {}),
        "level": ci is not None and ci["level"] != level,
    }
    return tuple(mark for mark in RATE_MARKS if has[mark])


def context_marks(numbers: Numbers, key: str) -> tuple[str, ...]:
    """Which of `RATE_MARKS` the rate of a review or another treatment has."""
    return ("unsupported",) if text_of(numbers, f"{key}.supported") == "no" else ()


def rate_letters(used: Iterable[str]) -> dict[str, str]:
    """Letter of each mark that a table or figure has, without a gap; a digit would need a key."""
    found = set(used)
    return dict(zip((mark for mark in RATE_MARKS if mark in found), ascii_lowercase, strict=False))


def _label(study: str) -> str:
    return num(f"published.{study}.label")


def _months(analysis: Analysis, time: float) -> str:
    index = analysis.comparison.times_months.index(time)
    return f"at {num(f'config.models.comparison.times_months.{index}')} months"


# --- comparison ---------------------------------------------------------------------------


class _Compared(NamedTuple):
    """A published rate of the comparison: what it is sorted by, its key and its marks."""

    rate: float
    study: str
    key: str
    marks: tuple[str, ...]


def _comparison(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, endpoint: str
) -> tuple[str, str] | None:
    rows: list[Row] = []
    own: list[Row] = []
    names = {t: f"{endpoint}.rate_{t:g}m" for t in analysis.comparison.times_months}
    compared = {time: _compared(numbers, cohort, name) for time, name in names.items()}
    contexts = {t: _context_keys(numbers, endpoint, t) for t in compared}
    letters = rate_letters(
        [
            *(mark for found in compared.values() for one in found for mark in one.marks),
            *(
                m
                for found in contexts.values()
                for key in found
                for m in context_marks(numbers, key)
            ),
        ]
    )
    for time, series in compared.items():
        at = _months(analysis, time)
        if series:
            here = _this_cohort(numbers, endpoint, names[time])
            block = [*here, *(_series_row(numbers, one, letters) for one in series)]
            rows += under_header(f"A{at[1:]}", block, 7)
            own += here
        context = [_context_row(numbers, key, letters) for key in contexts[time]]
        rows += under_header(f"Context, not pooled, {at}", context, 7)
    header = (
        *("Series", "Site", "Unit", "Patients", "BED10, Gy", f"Rate, % ({LEVEL})", "Printed in"),
    )
    caption = (
        f"{num(f'endpoint.{endpoint}.label')} in this cohort and in published series, by time: "
        "this cohort first, then the highest rate first.",
        "Unit: what is counted, P patients, L lesions; Patients: their number, also where lesions "
        "are counted.",
        "BED10: as printed, or else from the lowest printed dose in the most fractions to the "
        "highest in the fewest; of this cohort, the range of its lesions; alpha/beta "
        f"{num('config.endpoints.alpha_beta_gy')} Gy.",
        f"{ABSENT}: not given." if any(ABSENT in row for row in rows) else "",
        *(f"^{letter}^ {RATE_MARKS[mark]}" for mark, letter in letters.items()),
    )
    layout = Layout(f"comparison_{endpoint}", header, (28, 9, 6, 10, 14, 22, 22), (1, 2, 6))
    return table_div(layout, rows, caption, cohort if own else None)


def _compared(numbers: Numbers, cohort: CohortSettings, name: str) -> list[_Compared]:
    """Published rates of one endpoint and time, the highest first."""
    pattern = re.compile(rf"series\.(\w+)\.{re.escape(name)}")
    studies = [match[1] for key in numbers if (match := pattern.fullmatch(key))]
    keys = {study: f"series.{study}.{name}" for study in studies}
    found = [
        _Compared(numbers[key]["value"], study, key, rate_marks(numbers, cohort, study, key))
        for study, key in keys.items()
    ]
    return sorted(found, key=lambda one: (-one.rate, one.study))


def _series_row(numbers: Numbers, one: _Compared, letters: Mapping[str, str]) -> Row:
    """Row of a published rate; a mark of the study stands beside its label."""
    study, key = one.study, one.key
    figure = f"published.{text_of(numbers, f'{key}.figure')}"
    beside_label = f"^{letters['target']}^" if "target" in one.marks else ""
    beside_rate = ",".join(letters[mark] for mark in one.marks if mark != "target")
    return (
        _label(study) + beside_label,
        _site(text_of(numbers, f"series.{study}.site")),
        _UNITS.get(text_of(numbers, f"{key}.unit_of_analysis"), ABSENT),
        optional(numbers, f"{key}.n"),
        _span(numbers, f"series.{study}.bed10.least", f"series.{study}.bed10.most"),
        _published_rate(numbers, key, figure) + (f"^{beside_rate}^" if beside_rate else ""),
        optional(numbers, f"{figure}.place"),
    )


def _published_rate(numbers: Numbers, key: str, figure: str) -> str:
    """Rate as printed, with limits as printed or else as approximated."""
    rate = num(figure if figure in numbers else key)
    source = figure if text_of(numbers, f"{key}.interval") == "printed" else key
    if f"{source}.low" not in numbers:
        return rate
    return f"{rate} ({num(f'{source}.low')}–{num(f'{source}.high')})"


def _context_keys(numbers: Numbers, endpoint: str, time: float) -> list[str]:
    """Keys of the rates of reviews and other treatments at one time."""
    pattern = re.compile(rf"context\.(\w+)\.{re.escape(endpoint)}(?:\.\w+)?\.rate_{time:g}m")
    found = [(match[1], key) for key in numbers if (match := pattern.fullmatch(key))]
    return [key for _, key in sorted(found)]


def _context_row(numbers: Numbers, key: str, letters: Mapping[str, str]) -> Row:
    study = key.split(".")[1]
    marked = ",".join(letters[mark] for mark in context_marks(numbers, key))
    figure = f"published.{text_of(numbers, f'{key}.figure')}"
    is_range = numbers[key]["unit"] == "text"
    site = str(numbers[f"published.{study}.label"]["population"].get("site", ""))
    kind = f": {num(f'{key}.kind')}" if f"{key}.kind" in numbers else ""
    return (
        f"{_label(study)}{kind}",
        _site(site),
        *[ABSENT] * 3,
        (num(key) if is_range else _context_rate(numbers, key, figure))
        + (f"^{marked}^" if marked else ""),
        optional(numbers, f"{figure}.place"),
    )


def _context_rate(numbers: Numbers, key: str, figure: str) -> str:
    rate = num(figure if figure in numbers else key)
    source = figure if f"{figure}.low" in numbers else key
    if f"{source}.low" not in numbers:
        return rate
    return f"{rate} ({num(f'{source}.low')}–{num(f'{source}.high')})"


def _span(numbers: Numbers, low: str, high: str) -> str:
    """Two ends, or one where they are equal; what rests on filler is not shown."""
    if not (_may_be_shown(numbers, low) and _may_be_shown(numbers, high)):
        return ABSENT
    if numbers[low]["text"] == numbers[high]["text"]:
        return num(low)
    return f"{num(low)}–{num(high)}"


def _may_be_shown(numbers: Numbers, key: str) -> bool:
    entry = numbers.get(key)
    return entry is not None and entry["status"] == "estimated" and entry["support"] != "filler"


def _this_cohort(numbers: Numbers, endpoint: str, name: str) -> list[Row]:
    """Row of the cohort under analysis, where its rate may stand beside published ones."""
    if not _may_be_shown(numbers, name):
        return []
    unit = text_of(numbers, f"config.endpoints.endpoints.{endpoint}.unit")
    patients = "cohort.patients"
    row = (
        "**This cohort**",
        _own_site(numbers),
        _UNITS.get(unit, ABSENT),
        num(patients) if _may_be_shown(numbers, patients) else ABSENT,
        _span(numbers, "dose.bed10.min", "dose.bed10.max"),
        with_interval(numbers, name),
        "this work",
    )
    return [row]


def _own_site(numbers: Numbers) -> str:
    keys = {code: f"lesions.site.{code}.n" for code in TABLES["lesions"]["site"].codes}
    sites = [
        code
        for code, key in keys.items()
        if _may_be_shown(numbers, key) and numbers[key]["value"] > 0
    ]
    if not sites:
        return ABSENT
    return _site(sites[0] if len(sites) == 1 else "mixed")


def _site(site: str) -> str:
    if not site:
        return ABSENT
    return _ALL if site == ALL_SITES else in_words(site)


# --- synthesis ----------------------------------------------------------------------------


class _Pooled(NamedTuple):
    """A group of series: what it is of, and the key of its pooled rate."""

    endpoint: str
    time: float
    site: str
    key: str


def _groups(numbers: Numbers, analysis: Analysis) -> list[_Pooled]:
    """Groups by endpoint, time and site, all sites first."""
    found = []
    for endpoint in analysis.comparison.endpoints:
        for time in analysis.comparison.times_months:
            pattern = re.compile(rf"synthesis\.{endpoint}\.(\w+)\.rate_{time:g}m")
            sites = {match[1]: key for key in numbers if (match := pattern.fullmatch(key))}
            for site in sorted(sites, key=lambda site: (site != ALL_SITES, site)):
                found.append(_Pooled(endpoint, time, site, sites[site]))
    return found


def _synthesis(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> tuple[str, str] | None:
    groups = _groups(numbers, analysis)
    shown = [g for g in groups if _pooled_somehow(numbers, g)]
    rows: list[Row] = []
    for endpoint, time in dict.fromkeys((g.endpoint, g.time) for g in shown):
        block = [
            row
            for group in shown
            if (group.endpoint, group.time) == (endpoint, time)
            for row in _group_rows(numbers, group)
        ]
        title = f"{num(f'endpoint.{endpoint}.label')} {_months(analysis, time)}"
        rows += under_header(title, block, 6)
    derived = "The series that this cohort is reconstructed from is not pooled."
    caption = (
        "Published series pooled by random effects on the logit scale.",
        f"k: number of series. Rate: pooled, with its {LEVEL} (Hartung and Knapp, modified). "
        "Prediction: interval in which the rate of another such series is expected. τ²: variance "
        "between series on the logit scale; I²: its share of the total.",
        "Indented rows are sensitivity analyses.",
        "With k as here, a τ² of nought does not show that the series agree."
        if any(_nought_of_few(numbers, group.key) for group in shown)
        else "",
        _refusals(numbers, [group for group in groups if group not in shown]),
        derived if cohort.derived_from else "",
    )
    header = ("Series", "k", f"Rate, % ({LEVEL})", "Prediction, %", "τ²", "I², %")
    return table_div(Layout("synthesis", header, (40, 5, 24, 18, 9, 9)), rows, caption)


def _pooled_somehow(numbers: Numbers, group: _Pooled) -> bool:
    return any(is_estimated(numbers, f"{group.key}{part}") for part in ("", ".all_rows"))


def _nought_of_few(numbers: Numbers, key: str) -> bool:
    """Whether a variance between few series is printed as nought."""
    variance = f"{key}.tau2"
    if not is_estimated(numbers, variance):
        return False
    return float(text_of(numbers, variance)) == 0 and _value(numbers, f"{key}.k") < _MANY_SERIES


def _group_rows(numbers: Numbers, group: _Pooled) -> list[Row]:
    key = group.key
    k = optional(numbers, f"{key}.k")
    if is_estimated(numbers, key):
        main = (_site(group.site), k, with_interval(numbers, key), *_spread(numbers, key))
    else:
        reason = f"not pooled: {num(f'{key}.reason')}"
        main = (_site(group.site), k, reason, *[ABSENT] * 3)
    return [main, *_sensitivity(numbers, key)]


def _spread(numbers: Numbers, key: str) -> Row:
    """Prediction interval, variance between series and its share."""
    prediction = _span(numbers, f"{key}.prediction.low", f"{key}.prediction.high")
    return (prediction, *(optional(numbers, f"{key}.{name}") for name in ("tau2", "i2")))


def _sensitivity(numbers: Numbers, key: str) -> Iterator[Row]:
    """Rows of those sensitivity analyses that differ from the main one in what they take."""
    more = _value(numbers, f"{key}.all_rows.k") > _value(numbers, f"{key}.k")
    wider = _limits(numbers, f"{key}.plain") != _limits(numbers, key)
    for name, label, told in (
        ("all_rows", "also times that only a table gives", more),
        ("half_n", "half of n where no interval is printed", True),
        ("plain", "plain Hartung-Knapp interval", wider),
    ):
        of = f"{key}.{name}"
        if told and is_estimated(numbers, of):
            k = num(f"{of}.k") if f"{of}.k" in numbers else optional(numbers, f"{key}.k")
            yield (f"&emsp;{label}", k, with_interval(numbers, of), *_spread(numbers, of))


def _value(numbers: Numbers, key: str) -> float:
    return float(numbers[key]["value"]) if key in numbers else 0.0


def _limits(numbers: Numbers, key: str) -> tuple[str, str]:
    return text_of(numbers, f"{key}.low"), text_of(numbers, f"{key}.high")


def _refusals(numbers: Numbers, refused: Iterable[_Pooled]) -> str:
    reasons: dict[str, str] = {}
    for group in refused:
        reasons.setdefault(text_of(numbers, f"{group.key}.reason"), num(f"{group.key}.reason"))
    if not reasons:
        return ""
    said = ", or because ".join(reasons.values())
    return f"A site and time without a row is not pooled, because {said}."


def _leave_one_out(numbers: Numbers, analysis: Analysis) -> tuple[str, str] | None:
    rows: list[Row] = []
    silent = False
    for group in _groups(numbers, analysis):
        if is_estimated(numbers, group.key):
            block = list(_left_out_rows(numbers, group.key))
            label = num(f"endpoint.{group.endpoint}.label")
            title = f"{label} {_months(analysis, group.time)}, {_site(group.site).lower()}"
            none = ("None", with_interval(numbers, group.key))
            rows += under_header(title, [none, *block] if block else [])
            silent = silent or not block
    caption = (
        f"Pooled rate with its {LEVEL} when one series is left out.",
        "A group of which too few series would remain has no rows." if silent else "",
    )
    layout = Layout("leave_one_out", ("Series left out", f"Rate, % ({LEVEL})"), (56, 34))
    return table_div(layout, rows, caption)


def _left_out_rows(numbers: Numbers, key: str) -> Iterator[Row]:
    pattern = re.compile(rf"{re.escape(key)}\.leave_out\.(\w+)")
    for study in sorted(match[1] for other in numbers if (match := pattern.fullmatch(other))):
        left = f"{key}.leave_out.{study}"
        if is_estimated(numbers, left):
            yield (_label(study), with_interval(numbers, left))


# --- published series -----------------------------------------------------------------------


def _published_series(numbers: Numbers) -> tuple[str, str] | None:
    rows: list[Row] = []
    by_site = _series_by_site(numbers)
    bare: list[str] = []
    for site in sorted(by_site):
        block = {study: _study_row(numbers, study) for study in by_site[site]}
        bare += [study for study, row in block.items() if set(row[1:6]) == {ABSENT}]
        rows += under_header(_site(site), [block[s] for s in block if s not in bare], 7)
    parts = [part for study in by_site.values() for s in study if (part := _part(numbers, s))]
    caption = (
        "Published series of stereotactic radiotherapy of sarcoma, by treated site, as the places "
        "in the last column print them; they are cited as those papers cite them.",
        f"{ABSENT}: not printed." if any(ABSENT in row for row in rows) else "",
        f"^a^ Of a part of the series only: {_listed([num(part) for part in parts])}."
        if parts
        else "",
        f"None of this is printed of {_listed([_label(study) for study in bare])}." if bare else "",
    )
    header = (
        *("Series", "Patients", "Lesions", "Dose/fractions (fx)"),
        *("Median follow-up, months (range)", "Years", "Printed in"),
    )
    layout = Layout("published_series", header, (22, 9, 9, 26, 15, 12, 26), (3, 5, 6))
    return table_div(layout, rows, caption)


def _series_by_site(numbers: Numbers) -> dict[str, list[str]]:
    """Published series, by their labels, of each site."""
    pattern = re.compile(r"published\.(\w+)\.label")
    found = [
        (str(entry["text"]), match[1], str(entry["population"].get("site", "")))
        for key, entry in numbers.items()
        if (match := pattern.fullmatch(key)) and entry["population"].get("role") == "sbrt_series"
    ]
    by_site: dict[str, list[str]] = {}
    for _, study, site in sorted(found):
        by_site.setdefault(site, []).append(study)
    return by_site


def _study_row(numbers: Numbers, study: str) -> Row:
    of = f"published.{study}"
    mark = "^a^" if _part(numbers, study) else ""
    patients, lesions = (_digits(numbers, f"{of}.{what}") for what in ("patients", "lesions"))
    return (
        _cited(numbers, study),
        patients + (mark if patients != ABSENT else ""),
        lesions + (mark if lesions != ABSENT else ""),
        "; ".join(_schedules(numbers, of)) or ABSENT,
        _follow_up(numbers, f"{of}.follow_up.median"),
        optional(numbers, f"{of}.period.years"),
        optional(numbers, f"{of}.place"),
    )


def _cited(numbers: Numbers, study: str) -> str:
    """The series as a citation, where the bibliography has it."""
    citation = numbers[f"published.{study}.label"]["population"].get("citation", "")
    return f"@{citation}" if citation else _label(study)


def _part(numbers: Numbers, study: str) -> str:
    """Key of the part of a series that its number of patients is of; empty for the whole."""
    key = f"published.{study}.patients.part"
    return key if key in numbers else ""


def _digits(numbers: Numbers, key: str) -> str:
    """A number in digits, also where it is printed in words."""
    return num(f"{key}.digits") if f"{key}.digits" in numbers else optional(numbers, key)


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _schedules(numbers: Numbers, of: str) -> list[str]:
    """Prescriptions that print a dose, each once; those of parts only where there is no other."""
    pattern = re.compile(rf"{re.escape(of)}\.schedule\.(\w+)")
    found = {
        key: match[1]
        for key in numbers
        if (match := pattern.fullmatch(key))
        and f"{key}.dose" in numbers
        and not numbers[key].get("duplicate_of")
    }
    whole = [key for key, name in found.items() if re.match(r"\d+(?:_\d+)*gy", name)]
    return [num(f"{key}.dose") for key in whole or found]


def _follow_up(numbers: Numbers, key: str) -> str:
    if key not in numbers:
        return ABSENT
    if f"{key}.least" not in numbers:
        return num(key)
    return f"{num(key)} ({num(f'{key}.least')}–{num(f'{key}.most')})"
