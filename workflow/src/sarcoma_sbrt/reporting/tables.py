"""The manuscript's tables, as Quarto cross-reference divs whose every digit is a shortcode.

A table holds no number, only keys: ``{{< num os.median >}}``. A row is there when the registry
has its numbers, so the tables follow the cohort; a table without rows is not made. Pandoc takes
the columns' relative widths from the dashes under the header, so `table_div` sets them. The
sentences and the list whose length the plan decides are made here too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sarcoma_sbrt.reporting.numbers import NOT_REACHED, TRANSFORMS, is_estimated
from sarcoma_sbrt.reporting.small_cells import WITHHELD, is_withheld
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = [
    "ABSENT",
    "LEVEL",
    "Layout",
    "Numbers",
    "Row",
    "confounded_note",
    "covariate_label",
    "firth_note",
    "hazard_cells",
    "in_words",
    "landmark",
    "listed",
    "median_and_range",
    "not_estimable_note",
    "not_reached_note",
    "num",
    "of_the_drawn",
    "p_beside",
    "range_words",
    "table_div",
    "tables",
    "told_count",
    "under_header",
    "with_interval",
]

Numbers = Mapping[str, Mapping[str, Any]]
Row = tuple[str, ...]

ABSENT = "–"
LEVEL = "{{< num config.models.confidence_level >}}% CI"

_CODES = {
    "adipocytic": "Adipocytic tumours",
    "fibroblastic_myofibroblastic": "Fibroblastic and myofibroblastic tumours",
    "smooth_muscle": "Smooth muscle tumours",
    "skeletal_muscle": "Skeletal muscle tumours",
    "vascular": "Vascular tumours",
    "uncertain_differentiation": "Tumours of uncertain differentiation",
    "head_neck": "Head and neck",
    "abdomen_pelvis": "Abdomen or pelvis",
    "vertebral_bone": "Vertebral bone",
}

_PATIENT_GROUPS = (
    ("Sex", "cohort.sex", "sex"),
    ("Histological type", "cohort.histology_group", "histology_group"),
    ("Disease setting", "cohort.setting", "setting"),
    ("Histological grade", "cohort.grade", "grade"),
)

_EARLIER = (
    ("treatment.primary_surgery", "Surgery as first treatment"),
    ("treatment.repeated_surgery", "More than two operations"),
    ("treatment.adjuvant_chemotherapy", "Adjuvant chemotherapy"),
    ("treatment.adjuvant_radiotherapy", "Adjuvant radiotherapy"),
)

_TIMINGS = {"before": "before", "concurrent": "during", "after": "after"}

_DOSES = (
    ("dose.total", "Prescribed dose, Gy"),
    ("dose.fractions", "Fractions"),
    ("dose.bed10", "BED10, Gy"),
    ("dose.eqd2", "EQD2, Gy"),
)

_INDICES = (
    ("dose.isodose", "Prescription isodose, %"),
    ("dose.conformity_index", "Conformity index"),
    ("dose.new_conformity_index", "New conformity index"),
    ("dose.homogeneity_index", "Homogeneity index"),
    ("dose.coverage", "PTV coverage, %"),
)

# Roman, since an arabic digit in a table is a number that some record must account for.
_ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X")


class Layout(NamedTuple):
    """Name, header and relative column widths of one table.

    Attributes
    ----------
    left : tuple of int
        Columns of text, beside the first; numbers stand on the right.
    """

    name: str
    header: Row
    widths: tuple[int, ...]
    left: tuple[int, ...] = ()


def tables(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> dict[str, str]:
    """Markdown of every table that the registry can fill, by name.

    Parameters
    ----------
    numbers : mapping
        The registry (``results/numbers.json``).
    analysis : Analysis
        Which endpoints, covariates and models there are, and their order.
    cohort : CohortSettings
        Its label stands under each table of a reconstructed cohort.
    endpoints : mapping of EndpointSettings
        Their unit of analysis, for captions.

    Returns
    -------
    dict of str
        Of ``patients``, ``treatment``, ``survival``, ``quartiles``, ``strata``, ``log_rank``,
        ``ordered``, ``univariable``, ``multivariable``, ``lc_models``, ``clustering``,
        ``global_tests``, ``profile`` and ``toxicity`` those that have rows. Each is one
        ``{#tbl-...}`` div: the rows, the notes as one paragraph, and last the caption.
        Beside them, without a div, ``rates_<endpoint>`` (a sentence with the rates at the
        landmarks) and ``left_out`` (a list of what the cohort cannot supply).
    """
    made = (
        _patients(numbers, cohort),
        _treatment(numbers, analysis, cohort),
        _survival(numbers, analysis, cohort, endpoints),
        _quartiles(numbers, analysis, cohort, endpoints),
        _strata(numbers, analysis, cohort, endpoints),
        _log_rank(numbers, analysis, cohort, endpoints),
        _ordered(numbers, analysis, cohort, endpoints),
        _univariable(numbers, analysis, cohort, endpoints),
        _multivariable(numbers, analysis, cohort, endpoints),
        _models(numbers, analysis, cohort),
        _clustering(numbers, analysis, cohort, endpoints),
        _global_tests(numbers, analysis, cohort),
        _profile(numbers, analysis, cohort),
        _toxicity(numbers, cohort),
        *(_rates(numbers, analysis, name) for name in analysis.endpoints),
        _left_out(analysis, endpoints),
    )
    return dict(table for table in made if table is not None)


# --- Markdown -----------------------------------------------------------------------------


def num(key: str) -> str:
    """Shortcode of a registry key."""
    return f"{{{{< num {key} >}}}}"


def of_the_drawn(cohort: CohortSettings, text: str) -> str:
    """Text on what other reconstructions may show otherwise; of real patients it is left alone."""
    if cohort.kind != "reconstructed":
        return text
    return f"In this reconstruction, {text[0].lower()}{text[1:]}"


def table_div(
    layout: Layout,
    rows: Sequence[Row],
    caption: Iterable[str],
    cohort: CohortSettings | None = None,
) -> tuple[str, str] | None:
    """Name and Markdown of a table; None without rows.

    Parameters
    ----------
    layout : Layout
    rows : sequence of Row
        Cells as Markdown.
    caption : iterable of str
        The caption, then the notes that are printed below the table; empty ones are left out.
    cohort : CohortSettings, optional
        Whose data these are: a reconstructed one's label ends the caption.
    """
    if not rows:
        return None
    title, *notes = (sentence for sentence in caption if sentence)
    if cohort is not None and cohort.kind == "reconstructed":
        title += f" Data {num('cohort.label')}."
    rule = [
        "-" * width + ("" if i == 0 or i in layout.left else ":")
        for i, width in enumerate(layout.widths)
    ]
    lines = [
        f"::: {{#tbl-{layout.name.replace('_', '-')}}}",
        _line(layout.header),
        "|" + "|".join([f":{rule[0]}", *rule[1:]]) + "|",
        *(_line(row) for row in rows),
        "",
        *((" ".join(notes), "") if notes else ()),
        title,
        ":::",
    ]
    return layout.name, "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


def under_header(title: str, rows: Sequence[Row], columns: int = 2) -> list[Row]:
    """Rows under a bold header; nothing when there are none."""
    return [(f"**{title}**", *[""] * (columns - 1)), *rows] if rows else []


def _with_range(numbers: Numbers, key: str, label: str) -> list[Row]:
    """Row of a quantity's median and range, which its label names as far as they are shown."""
    if f"{key}.median" not in numbers:
        return []
    row = (f"{label}: {range_words(numbers, [key])}", median_and_range(numbers, key))
    nobody = numbers[f"{key}.median"]["status"] == "not_estimable"
    missing = _counted(numbers, f"{key}.missing", f"&emsp;{_NOT_RECORDED}")
    return [row, *([] if nobody else missing)]


def median_and_range(numbers: Numbers, key: str) -> str:
    """Cell of a quantity's median with its least and greatest value, where these are shown."""
    median, low, high = (f"{key}.{measure}" for measure in ("median", "min", "max"))
    if not all(is_estimated(numbers, measure) for measure in (median, low, high)):
        return num(median)
    return f"{num(median)} ({num(low)}–{num(high)})"


def range_words(numbers: Numbers, keys: Iterable[str]) -> str:
    """What the cells of `median_and_range` are called: least values may be withheld."""
    withheld = any(is_withheld(numbers, f"{key}.min") for key in keys)
    return "median" if withheld else "median (range)"


def _missing(numbers: Numbers, key: str) -> list[Row]:
    return _counted(numbers, f"{key}.missing", _NOT_RECORDED)


_NOT_RECORDED = "Not recorded"


def _counted(numbers: Numbers, key: str, label: str) -> list[Row]:
    """Row with number and percentage; nobody is no row."""
    if f"{key}.n" not in numbers or numbers[f"{key}.n"]["value"] == 0:
        return []
    return [(label, _share(numbers, key))]


def _share(numbers: Numbers, key: str) -> str:
    number = num(f"{key}.n")
    percent = numbers.get(f"{key}.percent", {})
    if percent.get("status") != "estimated":
        return number
    return f"{number} ({num(f'{key}.percent')}%)"


def with_interval(numbers: Numbers, key: str, percent: bool = False) -> str:
    """Value with its confidence limits, where there are any."""
    value = num(f"{key}.stated" if percent else key)
    if f"{key}.low" not in numbers or numbers[key]["status"] in (*_STATUSES, WITHHELD):
        return value
    return f"{value} ({num(f'{key}.low')}–{num(f'{key}.high')})"


def _limits(numbers: Numbers, key: str) -> str:
    """Cell of confidence limits by themselves, empty where the number is not shown."""
    if is_withheld(numbers, key):
        return ABSENT
    return f"{num(f'{key}.low')}–{num(f'{key}.high')}"


def in_words(code: str) -> str:
    """Code of a canonical table as a label."""
    return _CODES.get(code) or f"{code[0].upper()}{code[1:]}".replace("_", " ")


# --- patients and treatment ---------------------------------------------------------------


def _patients(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    rows = _with_range(numbers, "cohort.age", "Age, years")
    for title, key, column in _PATIENT_GROUPS:
        rows += under_header(title, _coded(numbers, key, TABLES["patients"][column].codes))
    rows += under_header("Number of lesions", _number_of_lesions(numbers))
    rows += under_header("Before SBRT", _before(numbers))
    rows += under_header(_treatment_title(cohort), _kinds(numbers))
    layout = Layout("patients", ("Characteristic", "Patients, n (%)"), (58, 32))
    caption = (
        f"Characteristics of the {num('cohort.patients')} patients.",
        "Percentages are of the patients whose value is known, and for treatments of all patients.",
    )
    return table_div(layout, rows, caption, cohort)


def _coded(numbers: Numbers, key: str, codes: Iterable[str]) -> list[Row]:
    rows = [row for code in codes for row in _counted(numbers, f"{key}.{code}", in_words(code))]
    return rows + _missing(numbers, key)


def _number_of_lesions(numbers: Numbers) -> list[Row]:
    key = "cohort.number_of_lesions"
    return [
        *_counted(numbers, f"{key}.single", "Single"),
        *_counted(numbers, f"{key}.multiple", "Two or more"),
        *_missing(numbers, key),
    ]


def _before(numbers: Numbers) -> list[Row]:
    interval = "Diagnosis to recurrence or metastasis, months"
    rows = [row for key, label in _EARLIER for row in _counted(numbers, key, label)]
    return rows + _with_range(numbers, "time.diagnosis_to_recurrence", interval)


def _treatment_title(cohort: CohortSettings) -> str:
    """Title of the block: only where intents are recorded is it treatment beside SBRT."""
    return "Systemic treatment" if cohort.supplies("treatments.intent") else "Treatment"


def _kinds(numbers: Numbers) -> list[Row]:
    rows = []
    for kind in TABLES["treatments"]["kind"].codes:
        rows += _counted(numbers, f"treatment.{kind}", in_words(kind))
        if kind == "chemotherapy":
            for timing, words in _TIMINGS.items():
                key = f"treatment.chemotherapy.{timing}"
                rows += _counted(numbers, key, f"Chemotherapy {words} SBRT")
    return rows + _counted(numbers, "treatment.none", "None")


def _treatment(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> tuple[str, str] | None:
    rows = under_header("Site", _coded(numbers, "lesions.site", TABLES["lesions"]["site"].codes))
    size = _with_range(numbers, "lesions.size", "Diameter, cm")
    sizes = _sides(numbers, analysis, "derived.size_mm", "Lesion size")
    rows += under_header("Lesion size", size + sizes)
    doses = [row for key, label in _DOSES for row in _with_range(numbers, key, label)]
    sides = _sides(numbers, analysis, "derived.bed10_gy", "Dose")
    rows += under_header("Dose", doses + sides)
    rows += under_header("Prescription", _prescriptions(numbers))
    indices = [row for key, label in _INDICES for row in _with_range(numbers, key, label)]
    rows += under_header("Treatment plan", indices)
    layout = Layout("treatment", ("Characteristic", "Lesions, n (%)"), (58, 32))
    dose = (
        f"Dose and indices are of the first course; alpha/beta is "
        f"{num('config.endpoints.alpha_beta_gy')} Gy."
    )
    caption = (
        f"Treatment of the {num('cohort.lesions')} lesions.",
        dose if doses else "",
        "Percentages are of the lesions whose value is known.",
    )
    return table_div(layout, rows, caption, cohort)


def _sides(numbers: Numbers, analysis: Analysis, column: str, title: str) -> list[Row]:
    """Lesions on either side of the plan's splits of a column; the block's title says its name."""
    rows = []
    for name, covariate in analysis.covariates.items():
        if covariate.column == column:
            for side in ("level", "reference"):
                named = "" if covariate.label == title else f"{num(f'covariate.{name}.label')}: "
                label = f"{named}{num(f'covariate.{name}.{side}')}"
                rows += _counted(numbers, f"lesions.{name}_{side}", label)
    return rows


def _prescriptions(numbers: Numbers) -> list[Row]:
    """Rows by dose, the rare ones together at the end; nothing when all are rare."""
    pattern = re.compile(r"dose\.prescription\.(\d+(?:_\d+)?)gy_(\d+)fx\.n")
    found = [match for key in numbers if (match := pattern.fullmatch(key))]
    found.sort(key=lambda match: (float(match[1].replace("_", ".")), int(match[2])))
    keys = [match.string.removesuffix(".n") for match in found]
    rows = [row for key in keys for row in _counted(numbers, key, num(f"{key}.label"))]
    return [*rows, *_counted(numbers, "dose.prescription.other", "Other")] if rows else []


# --- survival and models ------------------------------------------------------------------


def _survival(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    landmarks = analysis.landmarks_months
    header = ["Endpoint", "n", "Events", f"Median, months ({LEVEL})"]
    header += [f"At {landmark(i)} {_months(t)}" for i, t in enumerate(landmarks)]
    names = [name for name in analysis.endpoints if f"{name}.n" in numbers]
    rows = [row for name in names for row in _survival_rows(numbers, name, landmarks)]
    keys = [f"{name}.median" for name in names]
    keys += [f"{name}.rate_{t:g}m" for name in names for t in landmarks]
    caption = (
        "Kaplan-Meier estimates: median, and rate with its confidence interval and, below it, the "
        "number at risk.",
        f"Intervals are {LEVEL}s {TRANSFORMS[analysis.transform]}.",
        _units(names, endpoints),
        _independent_note(names, endpoints, "intervals"),
        f"{_FEW} Fewer than ten at risk then." if any(_FEW in c for r in rows for c in r) else "",
        _last_event(analysis),
        not_reached_note(numbers, keys),
        not_estimable_note(
            numbers, [(key, num(f"endpoint.{key.split('.')[0]}.label")) for key in keys]
        ),
    )
    layout = Layout("survival", tuple(header), (18, 6, 8, 20, *[20] * len(landmarks)))
    return table_div(layout, rows, caption, cohort)


def _survival_rows(numbers: Numbers, name: str, landmarks: Sequence[float]) -> list[Row]:
    """An endpoint's estimates, and the numbers at risk below its rates."""
    keys = [f"{name}.rate_{t:g}m" for t in landmarks]
    counts = [f"{name}.at_risk_{t:g}m" for t in landmarks]
    rates = [
        _rate_cell(numbers, key, at_risk) if key in numbers else ABSENT
        for key, at_risk in zip(keys, counts, strict=True)
    ]
    at_risk = [num(key) if key in numbers else "" for key in counts]
    median = f"{name}.median"
    estimates = (
        num(f"endpoint.{name}.label"),
        num(f"{name}.n"),
        num(f"{name}.events"),
        with_interval(numbers, median) if median in numbers else ABSENT,
        *rates,
    )
    return [estimates, *([("&emsp;At risk", "", "", "", *at_risk)] if any(at_risk) else [])]


# A rate that rests on fewer than so many at risk is marked.
_LEAST_AT_RISK = 10
_FEW = "^§^"


def _rate_cell(numbers: Numbers, key: str, at_risk: str) -> str:
    """A rate with its interval, marked where few are still at risk."""
    few = at_risk in numbers and told_count(numbers, at_risk) < _LEAST_AT_RISK
    return with_interval(numbers, key, percent=True) + (
        _FEW if few and is_estimated(numbers, key) else ""
    )


def _rates(numbers: Numbers, analysis: Analysis, name: str) -> tuple[str, str] | None:
    """Sentence with an endpoint's rate at every landmark, and one on those that are withheld."""
    keys = {i: f"{name}.rate_{t:g}m" for i, t in enumerate(analysis.landmarks_months)}
    told = {i: key for i, key in keys.items() if key in numbers and not is_withheld(numbers, key)}
    withheld = {i: key for i, key in keys.items() if is_withheld(numbers, key)}
    subject = f"The rate of {_lower(name)}"
    sentences = []
    if told:
        rates = [
            f"{num(f'{key}.stated')}{_beside_rate(numbers, key)} at {landmark(i)}"
            for i, key in told.items()
        ]
        sentences.append(f"{subject} was {listed(rates)} {_landmark_unit(analysis, told)}.")
        subject = "It"
    if withheld:
        at = f"{listed([landmark(i) for i in withheld])} {_landmark_unit(analysis, withheld)}"
        reason = num(f"{next(iter(withheld.values()))}.reason")
        sentences.append(f"{subject} is not shown at {at}, because {reason}.")
    return (f"rates_{name}", " ".join(sentences) + "\n") if sentences else None


def _beside_rate(numbers: Numbers, key: str) -> str:
    """A rate's limits and number at risk in brackets, as far as the registry has them."""
    if not is_estimated(numbers, key):
        return ""
    at_risk = key.replace(".rate_", ".at_risk_")
    limits = [f"{LEVEL} {_limits(numbers, key)}"] if f"{key}.low" in numbers else []
    beside = [*limits, *([f"{num(at_risk)} at risk"] if at_risk in numbers else [])]
    return f" ({'; '.join(beside)})" if beside else ""


def _landmark_unit(analysis: Analysis, places: Iterable[int]) -> str:
    """What follows the landmarks at these places, the last of which decides."""
    return _months(analysis.landmarks_months[max(places)])


def landmark(index: int) -> str:
    """A landmark of the plan, counted from 0, in months."""
    return num(f"config.models.kaplan_meier.landmarks_months.{index}")


def _months(number: float) -> str:
    return "month" if number == 1 else "months"


def _strata(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in analysis.endpoints:
        block: list[Row] = []
        for name in analysis.strata.get(endpoint, ()):
            block += _stratum(numbers, analysis, endpoint, name)
            named += _stratum_keys(endpoint, name)
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 5)
    shown = [endpoint for endpoint in analysis.endpoints if analysis.strata.get(endpoint)]
    caption = (
        f"Kaplan-Meier medians by group, with {LEVEL}s {TRANSFORMS[analysis.transform]}, "
        "and log-rank tests.",
        _last_event(analysis),
        _units(shown, endpoints),
        _independent_note(shown, endpoints, "intervals and *p*"),
        _UNADJUSTED,
        confounded_note(analysis, {name for names in analysis.strata.values() for name in names}),
        not_reached_note(numbers, [key for key, _ in named]),
        not_estimable_note(numbers, named),
    )
    header = ("Group", "n", "Events", f"Median, months ({LEVEL})", "*p*")
    return table_div(Layout("strata", header, (44, 6, 9, 26, 12)), rows, caption, cohort)


def _stratum(numbers: Numbers, analysis: Analysis, endpoint: str, name: str) -> list[Row]:
    """Both groups of a covariate; the test stands beside the first."""
    test = f"{endpoint}.{name}.logrank.p"
    rows: list[Row] = []
    for side in ("level", "reference"):
        group = f"{endpoint}.{name}_{side}"
        if f"{group}.n" in numbers and f"{group}.median" in numbers:
            label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.{side}')}"
            p = num(test) if side == "level" and test in numbers else ""
            median = with_interval(numbers, f"{group}.median")
            rows.append((label, num(f"{group}.n"), num(f"{group}.events"), median, p))
    return rows


def _stratum_keys(endpoint: str, name: str) -> list[tuple[str, str]]:
    """Keys that may have no value, each with what a note calls it."""
    medians = [
        (f"{endpoint}.{name}_{side}.median", f"median of {num(f'covariate.{name}.{side}')}")
        for side in ("level", "reference")
    ]
    return [*medians, (f"{endpoint}.{name}.logrank.p", f"test of {_pair(endpoint, name)}")]


def _quartiles(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    """Quartiles beside the median and restricted means, of all and of each group."""
    rows: list[Row] = []
    shown: list[tuple[str, str]] = []
    told: list[str] = []
    for endpoint in analysis.endpoints:
        block: list[Row] = []
        for prefix, label in _groups(analysis, endpoint):
            if f"{prefix}.rmst" in numbers:
                keys = [f"{prefix}.{name}" for name in ("quartile_1", "quartile_3", "rmst")]
                cells = [with_interval(numbers, key) for key in keys]
                ends = [num(f"{prefix}.{name}") for name in ("rmst_se", "rmst_horizon")]
                known = is_estimated(numbers, keys[-1])
                block.append((label, *cells, *(ends if known else [ABSENT, ABSENT])))
                shown += [(key, f"{num(f'endpoint.{endpoint}.label')}, {label}") for key in keys]
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 6)
        told += [endpoint] if block else []
    caption = (
        "Times in months by which a quarter and three quarters had the event, and the restricted "
        "mean.",
        "Restricted mean: the mean time up to the horizon, with its standard error (SE); two "
        "groups of a covariate have one horizon.",
        f"Intervals are {LEVEL}s: of the quartiles {TRANSFORMS[analysis.transform]}, of the means "
        "symmetric.",
        _independent_note(told, endpoints, "intervals"),
        _last_event(analysis),
        not_reached_note(numbers, [key for key, _ in shown]),
        not_estimable_note(numbers, shown),
    )
    quartiles = (f"First quartile ({LEVEL})", f"Third quartile ({LEVEL})")
    header = ("Group", *quartiles, f"Restricted mean ({LEVEL})", "SE", "Horizon")
    return table_div(Layout("quartiles", header, (36, 20, 20, 20, 6, 9)), rows, caption, cohort)


def _groups(analysis: Analysis, endpoint: str) -> Iterator[tuple[str, str]]:
    """Prefix and label of all rows of an endpoint and of each of its groups."""
    yield endpoint, "All"
    for name in analysis.strata.get(endpoint, ()):
        for side in ("level", "reference"):
            label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.{side}')}"
            yield f"{endpoint}.{name}_{side}", label


def _log_rank(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    """Log-rank tests with the hazard ratios that follow from their counts."""
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    stratified = any(key.endswith(".logrank_stratified.p") for key in numbers)
    for endpoint in analysis.endpoints:
        block: list[Row] = []
        for name in analysis.strata.get(endpoint, ()):
            key = f"{endpoint}.{name}.logrank"
            if f"{key}.peto" in numbers:
                ratios = [with_interval(numbers, f"{key}.{r}") for r in _COUNT_RATIOS]
                label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.contrast')}"
                held = f"{key}_stratified.p"
                within = [num(held) if held in numbers else ABSENT] if stratified else []
                block.append((label, num(f"{key}.chi_square"), *ratios, num(f"{key}.p"), *within))
                named += [(f"{key}.{ratio}", _pair(endpoint, name)) for ratio in _COUNT_RATIOS]
                named += [(held, _pair(endpoint, name))] if held in numbers else []
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 5 + stratified)
    caption = (
        "Log-rank tests, each with one degree of freedom, and the hazard ratios (HR) that follow "
        f"from their counts, with {LEVEL}s.",
        "Peto HR: from one step. O/E ratio: observed over expected events of the first group over "
        "that of the second.",
        _stratified_note(analysis) if stratified else "",
        _independent_note(_tested_endpoints(named), endpoints, "intervals and *p*"),
        _UNADJUSTED,
        confounded_note(analysis, {name for names in analysis.strata.values() for name in names}),
        not_estimable_note(numbers, named),
    )
    header: Row = ("Groups", "Chi-square", f"Peto HR ({LEVEL})", f"O/E ratio ({LEVEL})", "*p*")
    widths: tuple[int, ...] = (40, 10, 20, 20, 8)
    if stratified:
        header, widths = (*header, "Stratified *p*"), (36, 10, 20, 20, 8, 10)
    return table_div(Layout("log_rank", header, widths), rows, caption, cohort)


def _stratified_note(analysis: Analysis) -> str:
    """What the stratified tests hold constant, once where the endpoints agree."""
    held = {
        endpoint: " and ".join(covariate_label(analysis, name) for name in names)
        for endpoint, names in analysis.stratified_by.items()
    }
    if len(set(held.values())) == 1:
        of = next(iter(held.values()))
    else:
        of = "; ".join(f"{num(f'endpoint.{e}.label')}, {labels}" for e, labels in held.items())
    return f"Stratified: the groups are compared within those of {of}, and the tests added up."


_COUNT_RATIOS = ("peto", "observed_expected")


def _ordered(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    """Tests for a trend over ordered codes, and of their pairs."""
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in analysis.endpoints:
        block: list[Row] = []
        for name, covariate in analysis.covariates.items():
            key = f"{endpoint}.{name}"
            if f"{key}.trend.p" in numbers:
                label = f"{num(f'covariate.{name}.label')}: trend"
                block.append((label, *_tested(numbers, f"{key}.trend"), ""))
                named.append((f"{key}.trend.p", _pair(endpoint, name)))
                table, _, column = covariate.column.partition(".")
                for pair in itertools.combinations(TABLES[table][column].codes, 2):
                    of = f"{key}.pair.{'_'.join(pair)}"
                    if f"{of}.p" in numbers:
                        holm = (
                            num(f"{of}.p_holm") if is_estimated(numbers, f"{of}.p_holm") else ABSENT
                        )
                        block.append((f"&emsp;{listed(pair)}", *_tested(numbers, of), holm))
                        named.append((f"{of}.p", f"{_pair(endpoint, name)}, {listed(pair)}"))
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 4)
    caption = (
        "Log-rank tests over ordered groups: for a trend, and of every pair of groups.",
        "Each test has one degree of freedom; that for a trend is with equally spaced scores.",
        "Adjusted *p*: by Holm’s method for the number of pairs, within the pairs of one endpoint "
        "and not over the endpoints.",
        _independent_note(_tested_endpoints(named), endpoints, "*p*"),
        not_estimable_note(numbers, named),
    )
    header = ("Groups", "Chi-square", "*p*", "Adjusted *p*")
    return table_div(Layout("ordered", header, (50, 14, 12, 14)), rows, caption, cohort)


def _tested_endpoints(named: Iterable[tuple[str, str]]) -> list[str]:
    """Endpoints of named keys, each once."""
    return list(dict.fromkeys(key.partition(".")[0] for key, _ in named))


def _tested(numbers: Numbers, key: str) -> tuple[str, str]:
    """Cells of a test's chi-square and its p."""
    if not is_estimated(numbers, f"{key}.p"):
        return (num(f"{key}.p") if f"{key}.p" in numbers else ABSENT), ABSENT
    return num(f"{key}.chi_square"), num(f"{key}.p")


def _univariable(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    caption = "Univariable Cox models: hazard ratio (HR), each covariate by itself."
    return _hazard_ratios(
        "univariable", caption, numbers, analysis, analysis.univariable, cohort, endpoints
    )


def _multivariable(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    covariates = {
        endpoint: models["multivariable"]
        for endpoint, models in analysis.multivariable.items()
        if "multivariable" in models
    }
    caption = (
        "Multivariable Cox models: hazard ratio (HR), adjusted for the other covariates of the "
        "same column."
    )
    return _hazard_ratios(
        "multivariable", caption, numbers, analysis, covariates, cohort, endpoints
    )


def _hazard_ratios(
    model: str,
    caption: str,
    numbers: Numbers,
    analysis: Analysis,
    covariates: Mapping[str, Sequence[str]],
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    """Table of one kind of model: covariates down, endpoints across."""
    found = {
        (endpoint, name): f"cox.{endpoint}.{model}.{name}.hr"
        for endpoint in analysis.endpoints
        for name in covariates.get(endpoint, ())
        if f"cox.{endpoint}.{model}.{name}.hr" in numbers
    }
    across = [e for e in analysis.endpoints if any(endpoint == e for endpoint, _ in found)]
    down = [n for n in analysis.covariates if any(name == n for _, name in found)]
    rows = [_hazard_row(numbers, analysis, name, across, found) for name in down]
    if rows:
        # Under a header with empty cells the first row is the header's second (tables.lua).
        columns = [cell for _ in across for cell in (f"HR ({LEVEL})", "*p*")]
        rows = [("Covariate", *columns), *rows, *_model_rows(numbers, model, across)]
    header = ["", *(cell for e in across for cell in (num(f"endpoint.{e}.label"), ""))]
    named = [(key, _pair(endpoint, name)) for (endpoint, name), key in found.items()]
    sentences = (
        caption,
        _reading(analysis, down),
        _cox_method(numbers, analysis, {key: endpoint for (endpoint, _), key in found.items()}),
        _units(across, endpoints),
        _UNADJUSTED,
        confounded_note(analysis, down),
        _penalised(numbers, named),
        not_reached_note(numbers, found.values()),
        not_estimable_note(numbers, named),
    )
    layout = Layout(model, tuple(header), (26, *[17, 8] * len(across)))
    return table_div(layout, rows, sentences, cohort)


def _reading(analysis: Analysis, names: Sequence[str]) -> str:
    """Say what a hazard ratio compares."""
    steps = [analysis.covariates[name].step is not None for name in names]
    groups = "" if all(steps) else "the first group with the second"
    step = "values one step apart" if any(steps) else ""
    return f"The HR compares {' or '.join(filter(None, (groups, step)))}."


def _pair(endpoint: str, name: str) -> str:
    return f"{num(f'endpoint.{endpoint}.label')} by {num(f'covariate.{name}.label')}"


def _hazard_row(
    numbers: Numbers,
    analysis: Analysis,
    name: str,
    across: Sequence[str],
    found: Mapping[tuple[str, str], str],
) -> Row:
    row = [f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.contrast')}"]
    for endpoint in across:
        key = found.get((endpoint, name))
        row += hazard_cells(numbers, key) if key else (ABSENT, ABSENT)
    return tuple(row)


_FIRTH = "^F^"


def hazard_cells(numbers: Numbers, key: str) -> tuple[str, str]:
    """Cells of a hazard ratio with its interval, marked where it is Firth's, and of its p."""
    mark = _FIRTH if _is_penalised(numbers, key) else ""
    return with_interval(numbers, key) + mark, p_beside(numbers, key)


def firth_note(rows: Iterable[Row], beside: str = "") -> str:
    """Say what the mark of `hazard_cells` means where a row has it; `beside` is said of it too."""
    marked = any(_FIRTH in cell for row in rows for cell in row)
    return f"{_FIRTH} By Firth’s penalised likelihood{beside}." if marked else ""


def _is_penalised(numbers: Numbers, key: str) -> bool:
    return is_estimated(numbers, key) and "Firth" in numbers[key]["method"]


def _penalised(numbers: Numbers, named: Iterable[tuple[str, str]]) -> str:
    """Say which hazard ratios are Firth's, and why; the same reason is said once."""
    found = [(key, name) for key, name in named if _is_penalised(numbers, key)]
    notes = _because(numbers, found)
    what = "Firth’s penalised likelihood with its profile limits"
    return f"{_FIRTH} {what}: {notes}." if notes else ""


def covariate_label(analysis: Analysis, name: str) -> str:
    """A covariate's label, marked where treatment was chosen."""
    mark = " (confounded)" if analysis.covariates[name].confounded else ""
    return num(f"covariate.{name}.label") + mark


def p_beside(numbers: Numbers, key: str) -> str:
    """Cell of the p that belongs to a hazard ratio, empty where neither can be estimated."""
    of = f"{key.removesuffix('.hr')}.p"
    known = is_estimated(numbers, of)
    return num(of) if known else ABSENT


def _model_rows(numbers: Numbers, model: str, across: Sequence[str]) -> list[Row]:
    """Size of each model, where the registry has it."""
    rows = []
    for quantity, label in _MODEL_SIZE:
        keys = [f"cox.{endpoint}.{model}.{quantity}" for endpoint in across]
        if any(key in numbers for key in keys):
            cells = [cell for k in keys for cell in (num(k) if k in numbers else ABSENT, "")]
            rows.append((label, *cells))
    return rows


_MODEL_SIZE = (
    ("n", "Analysed"),
    ("events", "Events"),
    ("events_per_variable", "Events per covariate"),
)


def _models(numbers: Numbers, analysis: Analysis, cohort: CohortSettings) -> tuple[str, str] | None:
    """Hazard ratio of the first model's covariate as the others of the series adjust it."""
    models = _series(analysis, numbers)
    if len(models) < 2:
        return None
    followed = models["model_1"][0]
    rows, named = [], []
    for number, (model, names) in zip(_ROMAN, models.items(), strict=False):
        key, label = f"cox.lc.{model}.{followed}.hr", f"Model {number}"
        held = " + ".join(num(f"covariate.{name}.label") for name in names)
        rows.append((f"{label}: {held}", *hazard_cells(numbers, key)))
        named.append((key, label))
    caption = (
        f"{num('endpoint.lc.label')}: hazard ratio (HR) of "
        f"{num(f'covariate.{followed}.label')} ({num(f'covariate.{followed}.contrast')}) in Cox "
        "models of the covariates that each row names.",
        _cox_method(numbers, analysis, {key: "lc" for key, _ in named}),
        _penalised(numbers, named),
        not_reached_note(numbers, [key for key, _ in named]),
        not_estimable_note(numbers, named),
    )
    layout = Layout("lc_models", ("Model", f"HR ({LEVEL})", "*p*"), (54, 26, 12))
    return table_div(layout, rows, caption, cohort)


def _series(analysis: Analysis, numbers: Numbers) -> dict[str, tuple[str, ...]]:
    """Models of local control that hold the first one's covariate, no two the same.

    Without ``model_1`` there is no series: what the others adjust is not available. Two that
    the plan tells apart are the same where the cohort lacks what the second adds.
    """
    planned = analysis.multivariable.get("lc", {})
    if not planned.get("model_1") or f"cox.lc.model_1.{planned['model_1'][0]}.hr" not in numbers:
        return {}
    followed = planned["model_1"][0]
    series = {"model_1": planned["model_1"]}
    for model, names in planned.items():
        new = frozenset(names) not in map(frozenset, series.values())
        if model != "multivariable" and new and f"cox.lc.{model}.{followed}.hr" in numbers:
            series[model] = names
    return series


def _cox_method(numbers: Numbers, analysis: Analysis, shown: Mapping[str, str]) -> str:
    """What the intervals are; `shown` says the endpoint of each hazard ratio."""
    clustered = dict.fromkeys(e for key, e in shown.items() if _naive(key) in numbers)
    labels = [_lower(endpoint) for endpoint in clustered]
    errors = f", of {listed(labels)} with standard errors clustered by patient" if labels else ""
    return f"Intervals are Wald{errors}; ties by {analysis.ties.capitalize()}'s approximation."


def _naive(key: str) -> str:
    """Key of the hazard ratio whose limits take lesions as independent."""
    return f"{key.removesuffix('.hr')}.naive"


# --- what else the models say -------------------------------------------------------------


def _clustering(
    numbers: Numbers,
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> tuple[str, str] | None:
    """Intervals and p of a lesion endpoint as if lesions were independent, and clustered."""
    rows: list[Row] = []
    lesion = [name for name in analysis.endpoints if endpoints[name].unit == "lesion"]
    for endpoint, model in itertools.product(lesion, ("univariable", "multivariable")):
        keys = {name: f"cox.{endpoint}.{model}.{name}" for name in analysis.covariates}
        block = [
            _clustered_row(numbers, analysis, name, key)
            for name, key in keys.items()
            if f"{key}.naive" in numbers
        ]
        rows += under_header(f"{num(f'endpoint.{endpoint}.label')}, {model}", block, 7)
    if rows:
        columns = ("HR", LEVEL, "*p*", LEVEL, "*p*", "SE ratio")
        rows = [("Covariate", *columns), *rows]
    caption = (
        "What clustering by patient changes: hazard ratio (HR), and its Wald interval and *p* with "
        "lesions taken as independent and with standard errors (SE) clustered by patient.",
        "SE ratio: the clustered over the independent standard error of the log hazard ratio.",
        _UNADJUSTED,
    )
    header = ("", "HR", "Lesions independent", "", "Clustered by patient", "", "SE ratio")
    return table_div(Layout("clustering", header, (34, 8, 15, 8, 15, 8, 8)), rows, caption, cohort)


def _clustered_row(numbers: Numbers, analysis: Analysis, name: str, key: str) -> Row:
    def inference(of: str, p: str) -> tuple[str, str]:
        return _limits(numbers, f"{key}.{of}"), num(f"{key}.{p}")

    label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.contrast')}"
    independent, clustered = inference("naive", "naive_p"), inference("hr", "p")
    return (label, num(f"{key}.hr"), *independent, *clustered, num(f"{key}.se_ratio"))


_GLOBAL = ("likelihood_ratio", "wald", "score")


def _global_tests(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> tuple[str, str] | None:
    """Tests of the multivariable models as wholes."""
    rows: list[Row] = []
    named: list[tuple[str, str]] = []
    for endpoint in analysis.endpoints:
        block: list[Row] = []
        for model, label in _named_models(numbers, analysis, endpoint).items():
            key = f"cox.{endpoint}.{model}"
            if f"{key}.likelihood_ratio.p" in numbers:
                block += _global_rows(numbers, key, label)
                what = f"{num(f'endpoint.{endpoint}.label')}, {label}"
                named.append((f"{key}.likelihood_ratio.p", what))
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 8)
    if rows:
        rows = [("Model", "df", *("Chi-square", "*p*") * 3), *rows]
    caption = (
        "Global tests of the multivariable Cox models: that no covariate has any effect.",
        "df: degrees of freedom of all three tests.",
        _UNADJUSTED,
        not_estimable_note(numbers, named),
    )
    header = ("", "df", "Likelihood ratio", "", "Wald", "", "Score", "")
    layout = Layout("global_tests", header, (30, 5, *[11, 8] * 3))
    return table_div(layout, rows, caption, cohort)


def _named_models(numbers: Numbers, analysis: Analysis, endpoint: str) -> dict[str, str]:
    """Multivariable models of an endpoint with what the tables call them."""
    planned = analysis.multivariable.get(endpoint, {})
    models = {"multivariable": "Multivariable"} if "multivariable" in planned else {}
    if endpoint == "lc" and len(series := _series(analysis, numbers)) > 1:
        whole = frozenset(planned.get("multivariable", ()))
        for number, (model, names) in zip(_ROMAN, series.items(), strict=False):
            if frozenset(names) == whole:
                models["multivariable"] += f" (Model {number})"
            else:
                models[model] = f"Model {number}"
    return models


def _global_rows(numbers: Numbers, key: str, label: str) -> list[Row]:
    """A model's three tests and, where it has them, those clustered by patient."""
    df = f"{key}.likelihood_ratio.df"
    known = num(df) if is_estimated(numbers, df) else ABSENT
    cells = [cell for test in _GLOBAL for cell in _tested(numbers, f"{key}.{test}")]
    rows: list[Row] = [(label, known, *cells)]
    if is_estimated(numbers, f"{key}.robust_wald.p"):
        robust = [
            cell
            for test in ("robust_wald", "robust_score")
            for cell in _tested(numbers, f"{key}.{test}")
        ]
        rows.append(("&emsp;Clustered by patient", "", ABSENT, ABSENT, *robust))
    return rows


def _profile(
    numbers: Numbers, analysis: Analysis, cohort: CohortSettings
) -> tuple[str, str] | None:
    """Profile-likelihood limits, of the hazard ratios whose Wald limits are poor."""
    rows: list[Row] = []
    for endpoint in analysis.endpoints:
        block = [
            _profile_row(numbers, analysis, name, f"cox.{endpoint}.{model}.{name}", model)
            for model in ("univariable", "multivariable")
            for name in analysis.covariates
            if f"cox.{endpoint}.{model}.{name}.profile" in numbers
        ]
        rows += under_header(num(f"endpoint.{endpoint}.label"), block, 6)
    if rows:
        rows = [("Covariate", "HR", LEVEL, "*p*", LEVEL, "*p*"), *rows]
    caption = (
        "Hazard ratios (HR) whose Wald interval is poor, with the interval of the profile "
        "likelihood and the likelihood-ratio *p*.",
        "Poor: one of its limits lies a tenth or more of Wald’s half width away from that of the "
        "profile, on the logarithmic scale.",
        "Lesions are taken as independent here."
        if any(".naive" in c for r in rows for c in r)
        else "",
    )
    header = ("", "HR", "Wald", "", "Profile likelihood", "")
    return table_div(Layout("profile", header, (40, 9, 16, 8, 16, 8)), rows, caption, cohort)


def _profile_row(numbers: Numbers, analysis: Analysis, name: str, key: str, model: str) -> Row:
    wald = "naive" if f"{key}.naive" in numbers else "hr"
    p = "naive_p" if wald == "naive" else "p"
    pairs = ((wald, p), ("profile", "profile_p"))
    cells = [
        cell
        for of, test in pairs
        for cell in (_limits(numbers, f"{key}.{of}"), num(f"{key}.{test}"))
    ]
    label = f"{covariate_label(analysis, name)}: {num(f'covariate.{name}.contrast')}, {model}"
    return (label, num(f"{key}.hr"), *cells)


# --- what is not available ----------------------------------------------------------------


def _left_out(
    analysis: Analysis, endpoints: Mapping[str, EndpointSettings]
) -> tuple[str, str] | None:
    """List of the endpoints and covariates that the cohort cannot supply, and why."""
    if not analysis.left_out:
        return None
    said: dict[tuple[str, str], str] = {}
    for name, reason in analysis.left_out.items():
        why = num(f"left_out.{name}")
        if name in endpoints:
            said[endpoints[name].label, reason] = (
                f"- {num(f'endpoint.{name}.label')} is not available: {why}."
            )
        else:
            # Two ways to split one quantity are missed for one reason, and that is said once.
            label = analysis.covariates[name].label
            said.setdefault((label, reason), f"- {num(f'covariate.{name}.label')}: {why}.")
    return "left_out", "\n".join(said.values()) + "\n"


# --- notes --------------------------------------------------------------------------------


def _units(names: Sequence[str], endpoints: Mapping[str, EndpointSettings]) -> str:
    """Unit of analysis of each endpoint, in words."""
    by_unit = {
        unit: [_lower(name) for name in names if endpoints[name].unit == unit]
        for unit in ("patient", "lesion")
    }
    parts = [f"{listed(labels)} per {unit}" for unit, labels in by_unit.items() if labels]
    return f"Analysed: {'; '.join(parts)}." if parts else ""


def _independent_note(
    names: Sequence[str], endpoints: Mapping[str, EndpointSettings], what: str
) -> str:
    """Say of which endpoints `what` takes a patient's lesions as independent."""
    labels = [_lower(name) for name in names if endpoints[name].unit == "lesion"]
    if not labels:
        return ""
    return f"Of {listed(labels)}, {what} take the lesions of one patient as independent."


def _lower(endpoint: str) -> str:
    """An endpoint's label within a sentence."""
    return num(f"endpoint.{endpoint}.label_lower")


_UNADJUSTED = "The *p* are not adjusted for the number of tests in this table."


def listed(items: Sequence[str]) -> str:
    """Items with commas and an "and"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def confounded_note(analysis: Analysis, names: Iterable[str]) -> str:
    """What the mark of a confounded covariate means, where one is shown."""
    if not any(analysis.covariates[name].confounded for name in names):
        return ""
    return (
        "Confounded: the treatment was chosen, not allotted, so the comparison does not show "
        "its effect."
    )


def _last_event(analysis: Analysis) -> str:
    """Say what stands for an upper limit of a time that the band does not reach."""
    if analysis.median_ci != "first_event":
        return ""
    return "An upper limit that the band does not reach is given as the last event time."


def not_reached_note(numbers: Numbers, keys: Iterable[str]) -> str:
    """What NR means, where a number or a limit is not reached."""
    shown = [f"{key}{suffix}" for key in keys for suffix in ("", ".low", ".high")]
    texts = {numbers[key]["text"] for key in shown if key in numbers}
    return f"{NOT_REACHED}: not reached." if NOT_REACHED in texts else ""


# Statuses of numbers that have neither a value nor limits, as a note begins with them.
_STATUSES = {"not_estimable": "Not estimable", "not_available": "Not available"}


# Names that a note gives one reason for; of more it says "all others".
_MOST_NAMES = 5


def not_estimable_note(numbers: Numbers, named: Iterable[tuple[str, str]]) -> str:
    """Say why each number that cannot be had, or told, cannot; the same reason is said once."""
    shown = list(named)
    lost = {
        word: [(key, name) for key, name in shown if numbers.get(key, {}).get("status") == status]
        for status, word in _STATUSES.items()
    }
    notes = [f"{word}: {_because(numbers, of)}." for word, of in lost.items() if of]
    return " ".join([*notes, *_withheld_note(numbers, [key for key, _ in shown])])


def _withheld_note(numbers: Numbers, keys: Iterable[str]) -> Iterator[str]:
    """Say why numbers are withheld, without their names: their cells say that they are."""
    first: dict[str, str] = {}
    for key in keys:
        if is_withheld(numbers, key):
            first.setdefault(str(numbers[key]["reason"]), f"where {num(f'{key}.reason')}")
    if first:
        yield f"Not shown {' or '.join(first.values())}."


def _because(numbers: Numbers, named: Iterable[tuple[str, str]]) -> str:
    """Names of numbers with their reasons, the same one once."""
    by_reason: dict[str, list[tuple[str, str]]] = {}
    for key, name in named:
        by_reason.setdefault(str(numbers[key]["reason"]), []).append((key, name))
    names = {why: list(dict.fromkeys(name for _, name in of)) for why, of in by_reason.items()}
    most = max(names, key=lambda why: len(names[why]), default="")
    if len(names.get(most, ())) > _MOST_NAMES:
        # A list that long is not read: it is whatever has no other reason.
        elsewhere = {name for why, of in names.items() if why != most for name in of}
        both = [name for name in names.pop(most) if name in elsewhere]
        names[most] = [*both, "all others" if elsewhere else "all"]
    return "; ".join(
        f"{listed(of)} because {num(f'{by_reason[why][0][0]}.reason')}" for why, of in names.items()
    )


# --- toxicity -----------------------------------------------------------------------------


def _toxicity(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    terms = {phase: _terms(numbers, phase) for phase in ("acute", "late")}
    keys = [key for found in terms.values() for key in found]
    worst = [g for g in range(1, 6) if any(numbers[f"{k}.grade_{g}.n"]["value"] for k in keys)]
    grades = range(1, max(worst, default=0) + 1)
    rows = []
    for phase, found in terms.items():
        block = [_toxicity_row(numbers, key, grades) for key in found]
        rows += under_header(phase.capitalize(), block, 2 + len(grades))
    rows += under_header("Acute or late", _severe(numbers, len(grades)), 2 + len(grades))
    header = ("Adverse event", "Patients, n (%)", *(f"G{grade}" for grade in grades))
    layout = Layout("toxicity", header, (36, 24, *[10] * len(grades)))
    caption = (
        f"Adverse events in {num('cohort.patients')} patients, each by the patient's worst "
        "grade (G, by CTCAE).",
        f"Acute: within {num('config.endpoints.acute_toxicity_months')} months of time zero.",
    )
    return table_div(layout, rows, caption, cohort)


def _terms(numbers: Numbers, phase: str) -> list[str]:
    """Keys of a phase's adverse events, the most frequent first, then those not to be told."""
    pattern = re.compile(rf"(toxicity\.{phase}\.[a-z0-9_]+)\.n")
    found = [match[1] for key in sorted(numbers) if (match := pattern.fullmatch(key))]
    return sorted(found, key=lambda key: -told_count(numbers, f"{key}.n"))


def told_count(numbers: Numbers, key: str) -> float:
    """A count to sort by; one that is withheld says nothing, or its place would tell it."""
    return 0 if is_withheld(numbers, key) else float(numbers[key]["value"])


def _toxicity_row(numbers: Numbers, key: str, grades: Iterable[int]) -> Row:
    cells = [num(f"{key}.grade_{grade}.n") for grade in grades]
    return (num(f"{key}.label"), _share(numbers, key), *cells)


def _severe(numbers: Numbers, grades: int) -> list[Row]:
    return [
        (f"Any of G{grade} or more", _share(numbers, key), *[""] * grades)
        for grade in (3, 4)
        if f"{(key := f'toxicity.grade_{grade}_or_more')}.n" in numbers
    ]
