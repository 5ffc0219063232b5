"""The manuscript's tables, as Quarto cross-reference divs whose every digit is a shortcode.

A table holds no number, only keys: ``{{< num os.median >}}``. A row is there when the registry
has its numbers, so the tables follow the cohort; a table without rows is not made. Pandoc takes
the columns' relative widths from the dashes under the header, so `table_div` sets them. The
sentences and the list whose length the plan decides are made here too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sarcoma_sbrt.reporting.numbers import NOT_REACHED
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = [
    "ABSENT",
    "LEVEL",
    "Layout",
    "Numbers",
    "Row",
    "in_words",
    "listed",
    "num",
    "table_div",
    "tables",
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
    ("dose.total", "Prescribed dose, Gy: median (range)"),
    ("dose.fractions", "Fractions: median (range)"),
    ("dose.bed10", "BED10, Gy: median (range)"),
    ("dose.eqd2", "EQD2, Gy: median (range)"),
)

_INDICES = (
    ("dose.isodose", "Prescription isodose, %: median (range)"),
    ("dose.conformity_index", "Conformity index: median (range)"),
    ("dose.new_conformity_index", "New conformity index: median (range)"),
    ("dose.homogeneity_index", "Homogeneity index: median (range)"),
    ("dose.coverage", "PTV coverage, %: median (range)"),
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
        Of ``patients``, ``treatment``, ``survival``, ``strata``, ``univariable``,
        ``multivariable``, ``lc_models`` and ``toxicity`` those that have rows. Each is one
        ``{#tbl-...}`` div; its last paragraph is the caption, in which the notes stand too.
        Beside them, without a div, ``rates_<endpoint>`` (a sentence with the rates at the
        landmarks) and ``left_out`` (a list of what the cohort cannot supply).
    """
    made = (
        _patients(numbers, cohort),
        _treatment(numbers, analysis, cohort),
        _survival(numbers, analysis, cohort, endpoints),
        _strata(numbers, analysis, cohort, endpoints),
        _univariable(numbers, analysis, cohort, endpoints),
        _multivariable(numbers, analysis, cohort, endpoints),
        _models(numbers, analysis, cohort),
        _toxicity(numbers, cohort),
        *(_rates(numbers, analysis, name) for name in analysis.endpoints),
        _left_out(analysis, endpoints),
    )
    return dict(table for table in made if table is not None)


# --- Markdown -----------------------------------------------------------------------------


def num(key: str) -> str:
    """Shortcode of a registry key."""
    return f"{{{{< num {key} >}}}}"


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
        Its sentences; empty ones are left out.
    cohort : CohortSettings, optional
        Whose data these are: a reconstructed one's label ends the caption.
    """
    if not rows:
        return None
    sentences = [sentence for sentence in caption if sentence]
    if cohort is not None and cohort.kind == "reconstructed":
        sentences.append(f"Data {num('cohort.label')}.")
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
        " ".join(sentences),
        ":::",
    ]
    return layout.name, "\n".join(lines) + "\n"


def _line(row: Row) -> str:
    return "| " + " | ".join(row) + " |"


def under_header(title: str, rows: Sequence[Row], columns: int = 2) -> list[Row]:
    """Rows under a bold header; nothing when there are none."""
    return [(f"**{title}**", *[""] * (columns - 1)), *rows] if rows else []


def _with_range(numbers: Numbers, key: str, label: str) -> list[Row]:
    """Row with median, minimum and maximum."""
    if f"{key}.median" not in numbers:
        return []
    if numbers[f"{key}.median"]["status"] != "estimated":
        return [(label, num(f"{key}.median"))]
    median, low, high = (num(f"{key}.{measure}") for measure in ("median", "min", "max"))
    return [(label, f"{median} ({low}–{high})"), *_missing(numbers, key)]


def _missing(numbers: Numbers, key: str) -> list[Row]:
    return _counted(numbers, f"{key}.missing", "Not recorded")


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
    if f"{key}.low" not in numbers or numbers[key]["status"] == "not_estimable":
        return value
    return f"{value} ({num(f'{key}.low')}–{num(f'{key}.high')})"


def in_words(code: str) -> str:
    """Code of a canonical table as a label."""
    return _CODES.get(code) or f"{code[0].upper()}{code[1:]}".replace("_", " ")


# --- patients and treatment ---------------------------------------------------------------


def _patients(numbers: Numbers, cohort: CohortSettings) -> tuple[str, str] | None:
    rows = _with_range(numbers, "cohort.age", "Age, years: median (range)")
    for title, key, column in _PATIENT_GROUPS:
        rows += under_header(title, _coded(numbers, key, TABLES["patients"][column].codes))
    rows += under_header("Number of lesions", _number_of_lesions(numbers))
    rows += under_header("Before SBRT", _before(numbers))
    rows += under_header(_treatment_title(cohort), _kinds(numbers))
    layout = Layout("patients", ("Characteristic", "Patients, n (%)"), (58, 32))
    caption = (
        f"Characteristics of the {num('cohort.patients')} patients.",
        "Percentages are of the patients whose value is known; those of treatments, of all.",
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
    interval = "Diagnosis to recurrence or metastasis, months: median (range)"
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
    size = _with_range(numbers, "lesions.size", "Diameter, cm: median (range)")
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
    header += [f"At {_landmark(i)} {_months(t)}" for i, t in enumerate(landmarks)]
    names = [name for name in analysis.endpoints if f"{name}.n" in numbers]
    rows = [row for name in names for row in _survival_rows(numbers, name, landmarks)]
    keys = [f"{name}.median" for name in names]
    keys += [f"{name}.rate_{t:g}m" for name in names for t in landmarks]
    caption = (
        "Kaplan-Meier estimates: median, and rate with its confidence interval and, below it, the "
        f"number at risk. Intervals are {LEVEL}s by the {analysis.transform} transform.",
        _units(names, endpoints),
        _not_reached(numbers, keys),
        _not_estimable(
            numbers, [(key, num(f"endpoint.{key.split('.')[0]}.label")) for key in keys]
        ),
    )
    layout = Layout("survival", tuple(header), (18, 6, 8, 20, *[20] * len(landmarks)))
    return table_div(layout, rows, caption, cohort)


def _survival_rows(numbers: Numbers, name: str, landmarks: Sequence[float]) -> list[Row]:
    """An endpoint's estimates, and the numbers at risk below its rates."""
    keys = [f"{name}.rate_{t:g}m" for t in landmarks]
    rates = [
        with_interval(numbers, key, percent=True) if key in numbers else ABSENT for key in keys
    ]
    counts = [f"{name}.at_risk_{t:g}m" for t in landmarks]
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


def _rates(numbers: Numbers, analysis: Analysis, name: str) -> tuple[str, str] | None:
    """Sentence with an endpoint's rate at every landmark."""
    marks = {
        i: t for i, t in enumerate(analysis.landmarks_months) if f"{name}.rate_{t:g}m" in numbers
    }
    if not marks:
        return None
    rates = [f"{num(f'{name}.rate_{t:g}m.stated')} at {_landmark(i)}" for i, t in marks.items()]
    last = list(marks.values())[-1]
    label = num(f"endpoint.{name}.label_lower")
    return f"rates_{name}", f"The rate of {label} was {listed(rates)} {_months(last)}.\n"


def _landmark(index: int) -> str:
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
        f"Kaplan-Meier medians by group, with {LEVEL}s by the {analysis.transform} transform, "
        "and log-rank tests.",
        _units(shown, endpoints),
        _confounded(analysis, {name for names in analysis.strata.values() for name in names}),
        _not_reached(numbers, [key for key, _ in named]),
        _not_estimable(numbers, named),
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
            label = f"{_label(analysis, name)}: {num(f'covariate.{name}.{side}')}"
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
        _cox_method(analysis),
        _units(across, endpoints),
        _confounded(analysis, down),
        _not_reached(numbers, found.values()),
        _not_estimable(numbers, named),
    )
    layout = Layout(model, tuple(header), (26, *[17, 8] * len(across)))
    return table_div(layout, rows, sentences, cohort)


def _reading(analysis: Analysis, names: Sequence[str]) -> str:
    """Say what a hazard ratio compares."""
    steps = [analysis.covariates[name].step is not None for name in names]
    groups = "" if all(steps) else "the first group with the second"
    step = "values one step apart" if any(steps) else ""
    return f"It compares {' or '.join(filter(None, (groups, step)))}."


def _pair(endpoint: str, name: str) -> str:
    return f"{num(f'endpoint.{endpoint}.label')} by {num(f'covariate.{name}.label')}"


def _hazard_row(
    numbers: Numbers,
    analysis: Analysis,
    name: str,
    across: Sequence[str],
    found: Mapping[tuple[str, str], str],
) -> Row:
    row = [f"{_label(analysis, name)}: {num(f'covariate.{name}.contrast')}"]
    for endpoint in across:
        key = found.get((endpoint, name))
        row += [with_interval(numbers, key), _p(numbers, key)] if key else [ABSENT, ABSENT]
    return tuple(row)


def _label(analysis: Analysis, name: str) -> str:
    mark = " (confounded)" if analysis.covariates[name].confounded else ""
    return num(f"covariate.{name}.label") + mark


def _p(numbers: Numbers, key: str) -> str:
    """Cell of the p that belongs to a hazard ratio, empty where neither can be estimated."""
    of = f"{key.removesuffix('.hr')}.p"
    known = of in numbers and numbers[of]["status"] == "estimated"
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
        rows.append((f"{label}: {held}", with_interval(numbers, key), _p(numbers, key)))
        named.append((key, label))
    caption = (
        f"{num('endpoint.lc.label')}: hazard ratio (HR) of "
        f"{num(f'covariate.{followed}.label')} ({num(f'covariate.{followed}.contrast')}) in Cox "
        "models of the covariates that each row names.",
        _cox_method(analysis),
        _not_reached(numbers, [key for key, _ in named]),
        _not_estimable(numbers, named),
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


def _cox_method(analysis: Analysis) -> str:
    return f"Intervals are Wald; ties by {analysis.ties.capitalize()}'s approximation."


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
        unit: [num(f"endpoint.{name}.label") for name in names if endpoints[name].unit == unit]
        for unit in ("patient", "lesion")
    }
    parts = [f"{listed(labels)} per {unit}" for unit, labels in by_unit.items() if labels]
    return f"Analysed: {'; '.join(parts)}." if parts else ""


def listed(items: Sequence[str]) -> str:
    """Items with commas and an "and"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))


def _confounded(analysis: Analysis, names: Iterable[str]) -> str:
    if not any(analysis.covariates[name].confounded for name in names):
        return ""
    return (
        "Confounded: the treatment was chosen, not allotted, so the comparison does not show "
        "its effect."
    )


def _not_reached(numbers: Numbers, keys: Iterable[str]) -> str:
    shown = [f"{key}{suffix}" for key in keys for suffix in ("", ".low", ".high")]
    texts = {numbers[key]["text"] for key in shown if key in numbers}
    return f"{NOT_REACHED}: not reached." if NOT_REACHED in texts else ""


def _not_estimable(numbers: Numbers, named: Iterable[tuple[str, str]]) -> str:
    """Say why each number that cannot be had cannot; the same reason is said once."""
    by_reason: dict[str, list[tuple[str, str]]] = {}
    for key, name in named:
        if key in numbers and numbers[key]["status"] == "not_estimable":
            by_reason.setdefault(str(numbers[key]["reason"]), []).append((key, name))
    notes = [
        f"{listed(list(dict.fromkeys(name for _, name in found)))} because "
        f"{num(f'{found[0][0]}.reason')}"
        for found in by_reason.values()
    ]
    return f"Not estimable: {'; '.join(notes)}." if notes else ""


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
    """Keys of a phase's adverse events, the most frequent first."""
    pattern = re.compile(rf"(toxicity\.{phase}\.[a-z0-9_]+)\.n")
    found = [match[1] for key in sorted(numbers) if (match := pattern.fullmatch(key))]
    return sorted(found, key=lambda key: -numbers[f"{key}.n"]["value"])


def _toxicity_row(numbers: Numbers, key: str, grades: Iterable[int]) -> Row:
    cells = [num(f"{key}.grade_{grade}.n") for grade in grades]
    return (num(f"{key}.label"), _share(numbers, key), *cells)


def _severe(numbers: Numbers, grades: int) -> list[Row]:
    return [
        (f"Any of G{grade} or more", _share(numbers, key), *[""] * grades)
        for grade in (3, 4)
        if f"{(key := f'toxicity.grade_{grade}_or_more')}.n" in numbers
    ]
