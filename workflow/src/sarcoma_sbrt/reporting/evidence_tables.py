"""The manuscript's tables of published evidence: compared, pooled, and held against itself.

As in `tables`, every digit is a shortcode. What a cell says of a published rate (printed,
approximated, at a time that only a table gives) is a letter, which the caption explains.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sarcoma_sbrt.evidence.consistency.findings import CHECKS, VERDICTS
from sarcoma_sbrt.evidence.synthesis import ALL_SITES
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

__all__ = ["CHECK_WORDS", "evidence_tables"]

CHECK_WORDS = {
    "count_percentage": "Count against percentage",
    "subtotal": "Parts against total",
    "n_across_tables": "Number analysed across tables",
    "range": "Value against its printed range",
    "dose": "BED against dose and fractions",
    "interval_symmetry": "Hazard ratio against its interval",
    "wald_p": "Wald *p* against hazard ratio and interval",
    "repeat": "One fact in two places",
    "drift": "Preprint against journal version",
    "landmark": "Survival rates against the number of patients",
    "pooled_landmark": "Pooled rate against those of its groups",
}
_FAILED = ("inconsistent", "impossible", "moved")

_UNITS = {"patient": "P", "lesion": "L"}
_ALL = "All sites"

# Marks of a published rate, in this order; letters, since a digit would need a key.
_MARKS = {
    "a": "Interval approximated from the number of patients.",
    "b": "The text of the paper does not support the time.",
    "c": "A crude share, not a rate at a time.",
    "d": "This cohort is reconstructed from this study: it is what is to be reproduced, and the "
    "two are never pooled.",
    "e": "Of a part of the series only.",
    "f": "Interval printed at another confidence level.",
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
        Of ``comparison_<endpoint>``, ``synthesis``, ``leave_one_out``, ``published_series``,
        ``consistency_summary``, ``consistency_findings`` (what does not agree),
        ``consistency_all`` (what does, or cannot be judged) and ``drift`` (what the journal
        version did to the preprint's figures) those that have rows, as `tables.tables` makes
        them.
    """
    findings = _findings(numbers)
    made = (
        *(_comparison(numbers, analysis, cohort, e) for e in analysis.comparison.endpoints),
        _synthesis(numbers, analysis, cohort),
        _leave_one_out(numbers, analysis),
        _published_series(numbers),
        _consistency_summary(numbers),
        _consistency_findings(numbers, findings),
        _consistency_all(numbers, findings),
        _drift(numbers, findings),
    )
    return dict(table for table in made if table is not None)


def _optional(numbers: Numbers, key: str) -> str:
    return num(key) if key in numbers else ABSENT


def _text(numbers: Numbers, key: str) -> str:
    """What a registry text says; empty where there is none."""
    return str(numbers[key]["text"]) if key in numbers else ""


def _label(study: str) -> str:
    return num(f"published.{study}.label")


def _months(analysis: Analysis, time: float) -> str:
    index = analysis.comparison.times_months.index(time)
    return f"at {num(f'config.models.comparison.times_months.{index}')} months"


# --- comparison ---------------------------------------------------------------------------


class _Compared(NamedTuple):
    """A row of the comparison, what it is sorted by, and its marks."""

    rate: float
    study: str
    row: Row
    marks: str


def _comparison(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings, endpoint: str
) -> tuple[str, str] | None:
    rows: list[Row] = []
    used: set[str] = set()
    own: list[Row] = []
    for time in analysis.comparison.times_months:
        name = f"{endpoint}.rate_{time:g}m"
        series = _compared(numbers, cohort, name)
        if series:
            here = _this_cohort(numbers, endpoint, name)
            block = [*here, *(one.row for one in series)]
            rows += under_header(f"A{_months(analysis, time)[1:]}", block, 7)
            used.update(*(one.marks for one in series))
            own += here
    header = (
        *("Series", "Site", "Unit", "Patients", "BED10, Gy", f"Rate, % ({LEVEL})", "Printed in"),
    )
    caption = (
        f"{num(f'endpoint.{endpoint}.label')} in this cohort and in published series, by time; "
        "the highest rate comes first.",
        "Unit of analysis: P patient, L lesion.",
        f"BED10: ends over the schedules, alpha/beta {num('config.endpoints.alpha_beta_gy')} Gy.",
        *(f"^{mark}^ {says}" for mark, says in _MARKS.items() if mark in used),
    )
    layout = Layout(f"comparison_{endpoint}", header, (22, 9, 6, 10, 14, 21, 30), (1, 2, 6))
    return table_div(layout, rows, caption, cohort if own else None)


def _compared(numbers: Numbers, cohort: CohortSettings, name: str) -> list[_Compared]:
    """Published rates of one endpoint and time, the highest first."""
    pattern = re.compile(rf"series\.(\w+)\.{re.escape(name)}")
    studies = [match[1] for key in numbers if (match := pattern.fullmatch(key))]
    found = [_series_row(numbers, cohort, study, name) for study in studies]
    return sorted(found, key=lambda one: (-one.rate, one.study))


def _series_row(numbers: Numbers, cohort: CohortSettings, study: str, name: str) -> _Compared:
    key = f"series.{study}.{name}"
    figure = f"published.{_text(numbers, f'{key}.figure')}"
    marks = "".join(_marks(numbers, cohort, study, key))
    beside_label = "^d^" if "d" in marks else ""
    beside_rate = ",".join(mark for mark in marks if mark != "d")
    row = (
        _label(study) + beside_label,
        _site(_text(numbers, f"series.{study}.site")),
        _UNITS.get(_text(numbers, f"{key}.unit_of_analysis"), ABSENT),
        _optional(numbers, f"{key}.n"),
        _span(numbers, f"series.{study}.bed10.least", f"series.{study}.bed10.most"),
        _published_rate(numbers, key, figure) + (f"^{beside_rate}^" if beside_rate else ""),
        _optional(numbers, f"{figure}.locator"),
    )
    return _Compared(numbers[key]["value"], study, row, marks)


def _marks(numbers: Numbers, cohort: CohortSettings, study: str, key: str) -> Iterator[str]:
    if _text(numbers, f"{key}.interval") == "approximated":
        yield "a"
    if _text(numbers, f"{key}.supported") == "no":
        yield "b"
    if _text(numbers, f"{key}.crude") == "yes":
        yield "c"
    if study == cohort.derived_from:
        yield "d"
    if "subgroup" in numbers[key]["population"].get("filter", {}):
        yield "e"
    ci, level = numbers[key]["ci"], numbers["config.models.confidence_level"]["value"]
    if ci is not None and ci["level"] != level:
        yield "f"


def _published_rate(numbers: Numbers, key: str, figure: str) -> str:
    """Rate as printed, with limits as printed or else as approximated."""
    rate = num(figure if figure in numbers else key)
    source = figure if _text(numbers, f"{key}.interval") == "printed" else key
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
    unit = _text(numbers, f"config.endpoints.endpoints.{endpoint}.unit")
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


def _is_estimated(numbers: Numbers, key: str) -> bool:
    return key in numbers and numbers[key]["status"] == "estimated"


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
        "Published series pooled by random effects on the logit scale: number of series (k), "
        f"pooled rate with its {LEVEL} (Hartung and Knapp, modified), interval in which the rate "
        "of another such series is expected (prediction), variance between series on the logit "
        "scale (τ²) and its share of the total (I²).",
        "Indented rows are sensitivity analyses.",
        _refusals(numbers, [group for group in groups if group not in shown]),
        derived if cohort.derived_from else "",
    )
    header = ("Series", "k", f"Rate, % ({LEVEL})", "Prediction, %", "τ²", "I², %")
    return table_div(Layout("synthesis", header, (40, 5, 24, 18, 9, 9)), rows, caption)


def _pooled_somehow(numbers: Numbers, group: _Pooled) -> bool:
    return any(_is_estimated(numbers, f"{group.key}{part}") for part in ("", ".all_rows"))


def _group_rows(numbers: Numbers, group: _Pooled) -> list[Row]:
    key = group.key
    if _is_estimated(numbers, key):
        prediction = _span(numbers, f"{key}.prediction.low", f"{key}.prediction.high")
        spread = [_optional(numbers, f"{key}.{name}") for name in ("tau2", "i2")]
        rate = with_interval(numbers, key)
    else:
        prediction, spread = ABSENT, [ABSENT, ABSENT]
        rate = f"not pooled: {num(f'{key}.reason')}"
    main = (_site(group.site), _optional(numbers, f"{key}.k"), rate, prediction, *spread)
    return [main, *_sensitivity(numbers, key)]


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
        if told and _is_estimated(numbers, of):
            k = num(f"{of}.k") if f"{of}.k" in numbers else _optional(numbers, f"{key}.k")
            yield (f"&emsp;{label}", k, with_interval(numbers, of), "", "", "")


def _value(numbers: Numbers, key: str) -> float:
    return float(numbers[key]["value"]) if key in numbers else 0.0


def _limits(numbers: Numbers, key: str) -> tuple[str, str]:
    return _text(numbers, f"{key}.low"), _text(numbers, f"{key}.high")


def _refusals(numbers: Numbers, refused: Iterable[_Pooled]) -> str:
    reasons: dict[str, str] = {}
    for group in refused:
        reasons.setdefault(_text(numbers, f"{group.key}.reason"), num(f"{group.key}.reason"))
    if not reasons:
        return ""
    said = ", or because ".join(reasons.values())
    return f"A site and time without a row is not pooled, because {said}."


def _leave_one_out(numbers: Numbers, analysis: Analysis) -> tuple[str, str] | None:
    rows: list[Row] = []
    silent = False
    for group in _groups(numbers, analysis):
        if _is_estimated(numbers, group.key):
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
        if _is_estimated(numbers, left):
            yield (_label(study), with_interval(numbers, left))


# --- published series -----------------------------------------------------------------------


def _published_series(numbers: Numbers) -> tuple[str, str] | None:
    rows: list[Row] = []
    by_site = _series_by_site(numbers)
    for site in sorted(by_site):
        block = [_study_row(numbers, study) for study in by_site[site]]
        rows += under_header(_site(site), block, 7)
    caption = (
        "Published series of stereotactic radiotherapy of sarcoma, by treated site, as printed.",
        f"{ABSENT}: not printed." if any(ABSENT in row for row in rows) else "",
    )
    header = (
        *("Series", "Patients", "Lesions", "Dose and fractions"),
        *("Median follow-up, months (range)", "Years", "Printed in"),
    )
    layout = Layout("published_series", header, (19, 9, 9, 24, 13, 15, 34), (3, 5, 6))
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
    keys = [key for key in numbers if key.startswith(f"{of}.")]
    places = [key for key in keys if key.endswith(".locator")]
    first = (f"{of}.patients.locator", f"{of}.lesions.locator", *places)
    return (
        _label(study),
        _optional(numbers, f"{of}.patients"),
        _optional(numbers, f"{of}.lesions"),
        "; ".join(num(key) for key in _schedules(numbers, of, keys)) or ABSENT,
        _follow_up(numbers, f"{of}.follow_up.median"),
        _optional(numbers, f"{of}.period"),
        next((num(key) for key in first if key in numbers), ABSENT),
    )


def _schedules(numbers: Numbers, of: str, keys: Iterable[str]) -> list[str]:
    """Prescriptions that print a dose, each once; those of parts only where there is no other."""
    pattern = re.compile(rf"{re.escape(of)}\.schedule\.(\w+)")
    found = {
        key: match[1]
        for key in keys
        if (match := pattern.fullmatch(key))
        and "Gy" in _text(numbers, key)
        and not numbers[key].get("duplicate_of")
    }
    whole = [key for key, name in found.items() if re.match(r"\d+(?:_\d+)*gy", name)]
    return whole or list(found)


def _follow_up(numbers: Numbers, key: str) -> str:
    if key not in numbers:
        return ABSENT
    if f"{key}.least" not in numbers:
        return num(key)
    return f"{num(key)} ({num(f'{key}.least')}–{num(f'{key}.most')})"


# --- consistency --------------------------------------------------------------------------


class _Found(NamedTuple):
    """A finding of the consistency report, as its keys say it."""

    key: str
    check: str
    verdict: str
    paper: str

    @property
    def has_failed(self) -> bool:
        return self.verdict in _FAILED


def _findings(numbers: Numbers) -> list[_Found]:
    """Findings in the order of the checks."""
    pattern = re.compile(r"(consistency\.(\w+)\..+)\.verdict")
    found = [
        _Found(match[1], match[2], str(entry["text"]), _paper(numbers, entry))
        for key, entry in numbers.items()
        if (match := pattern.fullmatch(key)) and match[2] in CHECKS
    ]
    return sorted(found, key=lambda one: (CHECKS.index(one.check), one.key))


def _paper(numbers: Numbers, verdict: Mapping[str, object]) -> str:
    """The paper that prints the figure that is judged."""
    rows = verdict["rows"]
    keys = rows.get("published", []) if isinstance(rows, Mapping) else []
    entry = numbers.get(f"published.{keys[0]}.locator", {}) if keys else {}
    return str(entry.get("population", {}).get("paper", ""))


def _consistency_summary(numbers: Numbers) -> tuple[str, str] | None:
    rows = [row for check in CHECKS for row in _count_rows(numbers, check)]
    if rows:
        rows.append(("**All checks**", "", _optional(numbers, "consistency.count.all")))
    caption = ("Findings of the consistency report by check and verdict.",)
    layout = Layout("consistency_summary", ("Check", "Verdict", "Findings"), (56, 22, 14), (1,))
    return table_div(layout, rows, caption)


def _count_rows(numbers: Numbers, check: str) -> Iterator[Row]:
    """Counts of a check by verdict; its name stands beside the first."""
    keys = {verdict: f"consistency.count.{check}.{verdict}" for verdict in VERDICTS}
    label = CHECK_WORDS[check]
    for verdict, key in keys.items():
        if key in numbers:
            yield (label, verdict, num(key))
            label = ""


def _consistency_findings(numbers: Numbers, findings: Sequence[_Found]) -> tuple[str, str] | None:
    failed = [found for found in findings if found.has_failed]
    papers = sorted({f.paper for f in failed}, key=lambda p: _text(numbers, f"published.{p}.label"))
    rows: list[Row] = []
    for paper in papers:
        of_paper = [f for f in failed if f.paper == paper]
        title = _label(paper) if f"published.{paper}.label" in numbers else "Other"
        rows += under_header(title, [_failed(numbers, f) for f in of_paper], 4)
    caption = (
        "Printed statistics that do not agree with what they are printed beside, by the paper "
        "that prints them.",
    )
    header = ("Figure and check", "Where", "Arithmetic", "Verdict")
    layout = Layout("consistency_findings", header, (22, 28, 46, 13), (1, 2, 3))
    return table_div(layout, rows, caption)


def _failed(numbers: Numbers, found: _Found) -> Row:
    subject, where, arithmetic = _told(numbers, found, "subject", "where", "arithmetic")
    what = f"{subject}: {CHECK_WORDS[found.check].lower()}"
    return (what, where, arithmetic, num(f"{found.key}.verdict"))


def _told(numbers: Numbers, found: _Found, *names: str) -> tuple[str, ...]:
    return tuple(_optional(numbers, f"{found.key}.{name}") for name in names)


def _consistency_all(numbers: Numbers, findings: Sequence[_Found]) -> tuple[str, str] | None:
    rest = [found for found in findings if not found.has_failed and found.check != "drift"]
    rows: list[Row] = []
    for check in dict.fromkeys(found.check for found in rest):
        block = [
            (*_told(numbers, found, "subject", "place", "arithmetic"), num(f"{found.key}.verdict"))
            for found in rest
            if found.check == check
        ]
        rows += under_header(CHECK_WORDS[check], block, 4)
    caption = ("Printed statistics that agree, or that cannot be judged, by check.",)
    header = ("Figure", "Where", "Arithmetic", "Verdict")
    layout = Layout("consistency_all", header, (30, 26, 42, 13), (1, 2, 3))
    return table_div(layout, rows, caption)


def _drift(numbers: Numbers, findings: Sequence[_Found]) -> tuple[str, str] | None:
    told = (
        found
        for found in findings
        if found.check == "drift" and _text(numbers, f"{found.key}.change") != "unchanged"
    )
    names = ("subject", "old", "new", "change")
    rows = [tuple(_optional(numbers, f"{found.key}.{n}") for n in names) for found in told]
    caption = (
        "The preprint against the journal version: what changed, moved, or stands in one of "
        "them only, and what stayed although an input changed.",
    )
    header = ("Figure", "Preprint", "Journal", "What happened")
    return table_div(Layout("drift", header, (32, 26, 26, 20), (1, 2, 3)), rows, caption)
