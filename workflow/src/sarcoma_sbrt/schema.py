"""The canonical tables: names, dtypes, units and codes, in one place.

Every centre's records are mapped to these tables (`config/cohorts/`); everything
downstream reads only these. The data dictionary in ``docs/`` is generated from here.
Times are days from the cohort's time zero, as floats: a cohort that records whole
months keeps them exactly (`DAYS_PER_MONTH` is a binary fraction).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "DAYS_PER_MONTH",
    "ENDPOINT_TABLE",
    "SOURCE_COLUMNS",
    "TABLES",
    "Column",
    "Table",
    "accepted",
    "column",
    "data_dictionary",
    "package_dictionary",
]

# 365.25 / 12 = 487 / 16, exactly representable, so months -> days -> months is exact.
DAYS_PER_MONTH = 30.4375

Kind = Literal["id", "text", "code", "number", "integer", "time"]

_DTYPES = {
    "id": "string",
    "text": "string",
    "code": "string",
    "number": "Float64",
    "integer": "Int64",
    "time": "Float64",
}


@dataclass(frozen=True)
class Column:
    """One column of a canonical table.

    Attributes
    ----------
    name, description : str
        Canonical name (a time ends in ``_day``, a quantity in its unit) and meaning.
    kind : {'id', 'text', 'code', 'number', 'integer', 'time'}
        Decides dtype and how raw values are read.
    unit : str
        Canonical unit; empty where there is none.
    codes : tuple of str
        For kind ``code``: every accepted value.
    required : bool
        Whether a cohort that has the table must map the column and fill every row.
    minimum, maximum : float or None
        Accepted range; `exclusive` says that the minimum itself is refused.
    """

    name: str
    kind: Kind
    description: str
    unit: str = ""
    codes: tuple[str, ...] = ()
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    exclusive: bool = False

    @property
    def dtype(self) -> str:
        """Extension dtype, so that missing is always ``<NA>``."""
        return _DTYPES[self.kind]


@dataclass(frozen=True)
class Table:
    """One canonical table: its columns, its key and what it describes."""

    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    parent: str | None = None

    def __getitem__(self, name: str) -> Column:
        return next(c for c in self.columns if c.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in canonical order."""
        return tuple(c.name for c in self.columns)


_PATIENT = Column("patient_id", "id", "Patient, as the centre names them", required=True)
_LESION = Column("lesion_id", "id", "Lesion, unique within its patient", required=True)

SOURCE_COLUMNS = (
    Column("source_file", "text", "File (and #sheet) that the row was read from", required=True),
    Column("source_line", "integer", "1-based line or sheet row of that file", required=True),
)

_TABLES = (
    Table(
        "patients",
        "One row per patient.",
        (
            _PATIENT,
            Column("age_years", "number", "Age at time zero", "years", minimum=0, maximum=120),
            Column("sex", "code", "Sex", codes=("female", "male")),
            Column("histology", "text", "Histological type as reported"),
            Column(
                "histology_group",
                "code",
                "WHO group of the histological type",
                codes=(
                    "adipocytic",
                    "fibroblastic_myofibroblastic",
                    "smooth_muscle",
                    "skeletal_muscle",
                    "vascular",
                    "uncertain_differentiation",
                    "other",
                ),
            ),
            Column("primary_site", "text", "Site of the primary tumour"),
            Column("grade", "code", "Histological grade of the primary", codes=("G1", "G2", "G3")),
            Column(
                "setting",
                "code",
                "Disease setting at SBRT",
                codes=("primary", "recurrence", "oligometastasis"),
            ),
            Column("diagnosis_day", "time", "Diagnosis of the primary", "days"),
            Column("recurrence_day", "time", "First recurrence or metastasis", "days"),
            Column(
                "last_contact_day",
                "time",
                "Death, or the last day known alive",
                "days",
                required=True,
                minimum=0,
            ),
            Column(
                "vital_status",
                "code",
                "Vital status at last contact",
                codes=("alive", "dead"),
                required=True,
            ),
        ),
        key=("patient_id",),
    ),
    Table(
        "lesions",
        "One row per treated lesion.",
        (
            _PATIENT,
            _LESION,
            Column(
                "site",
                "code",
                "Treated site",
                codes=(
                    "head_neck",
                    "lung",
                    "chest",
                    "abdomen_pelvis",
                    "vertebral_bone",
                    "limbs",
                    "brain",
                    "other",
                ),
            ),
            Column(
                "size_mm",
                "number",
                "Longest diameter at treatment planning",
                "mm",
                minimum=0,
                exclusive=True,
            ),
            Column(
                "follow_up_end_day",
                "time",
                "Day from which this lesion is no longer followed while its patient is",
                "days",
                minimum=0,
            ),
            Column(
                "follow_up_end_reason",
                "code",
                "Why the lesion's own follow-up ended",
                codes=("lost_to_imaging", "further_local_treatment", "systemic_progression"),
            ),
        ),
        key=("patient_id", "lesion_id"),
        parent="patients",
    ),
    Table(
        "courses",
        "One row per SBRT course to a lesion.",
        (
            _PATIENT,
            _LESION,
            Column("course_id", "id", "Course, unique within its lesion", required=True),
            Column("start_day", "time", "First fraction", "days", required=True),
            Column("dose_gy", "number", "Prescribed dose", "Gy", minimum=0, exclusive=True),
            Column("fractions", "integer", "Number of fractions", minimum=1),
            Column(
                "isodose_percent", "number", "Prescription isodose", "%", minimum=0, maximum=100
            ),
            Column("ptv_cm3", "number", "Planning target volume", "cm3", minimum=0, exclusive=True),
            Column("conformity_index", "number", "Conformity index", minimum=0, exclusive=True),
            Column(
                "new_conformity_index", "number", "New conformity index", minimum=0, exclusive=True
            ),
            Column("homogeneity_index", "number", "Homogeneity index", minimum=0, exclusive=True),
            Column("coverage_percent", "number", "PTV coverage", "%", minimum=0, maximum=100),
        ),
        key=("patient_id", "lesion_id", "course_id"),
        parent="lesions",
    ),
    Table(
        "assessments",
        "One row per imaging assessment of a lesion.",
        (
            _PATIENT,
            _LESION,
            Column("assessment_day", "time", "Day of imaging", "days", required=True),
            Column(
                "diameter_mm",
                "number",
                "Longest diameter; missing when seen but not measured",
                "mm",
                minimum=0,
                exclusive=True,
            ),
        ),
        parent="lesions",
    ),
    Table(
        "progressions",
        "One row per progression of disease other than by a lesion's diameter.",
        (
            _PATIENT,
            Column(
                "progression_day", "time", "Day of progression", "days", required=True, minimum=0
            ),
            Column(
                "kind",
                "code",
                "Where the disease progressed",
                codes=("local", "regional", "distant"),
                required=True,
            ),
            Column("site", "text", "Site of progression as reported"),
        ),
        parent="patients",
    ),
    Table(
        "treatments",
        "One row per prior or systemic treatment of a patient.",
        (
            _PATIENT,
            Column(
                "kind",
                "code",
                "Treatment",
                codes=(
                    "surgery",
                    "radiotherapy",
                    "chemotherapy",
                    "targeted_therapy",
                    "immunotherapy",
                    "interventional_therapy",
                ),
                required=True,
            ),
            Column(
                "intent",
                "code",
                "Role of the treatment",
                codes=("primary", "adjuvant", "with_sbrt"),
            ),
            Column(
                "timing",
                "code",
                "Relative to SBRT",
                codes=("before", "concurrent", "after"),
            ),
            Column("treatment_day", "time", "Start of the treatment", "days"),
            Column("operations", "integer", "Number of operations, for surgery", minimum=1),
        ),
        parent="patients",
    ),
    Table(
        "toxicities",
        "One row per adverse event (the worst grade of a term in a phase).",
        (
            _PATIENT,
            Column("term", "text", "CTCAE term", required=True),
            Column("grade", "integer", "CTCAE grade", minimum=1, maximum=5, required=True),
            Column("onset_day", "time", "Onset", "days", minimum=0),
            Column("phase", "code", "Acute or late", codes=("acute", "late")),
            Column(
                "attribution",
                "code",
                "Attribution to SBRT",
                codes=("unrelated", "unlikely", "possible", "probable", "definite"),
            ),
        ),
        parent="patients",
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}

ENDPOINT_TABLE = Table(
    "endpoint",
    "One row per patient (or lesion) and endpoint: time, event and the row that decided it.",
    (
        _PATIENT,
        Column("lesion_id", "id", "Lesion; missing for an endpoint per patient"),
        Column("time_days", "number", "Time from the endpoint's time zero", "days", minimum=0),
        Column("time_months", "number", "The same in months of 30.4375 days", "months", minimum=0),
        Column("event", "integer", "0 censored, 1 event, 2 competing event", minimum=0, maximum=2),
        Column("description", "text", "What happened: the event or why it was censored"),
        Column("source_table", "text", "Canonical table of the deciding row"),
        *SOURCE_COLUMNS,
    ),
    key=("patient_id", "lesion_id"),
)


def column(reference: str) -> Column:
    """Find the canonical column named ``table.column``.

    Raises
    ------
    KeyError
        When there is no such table or column.
    """
    table, _, name = reference.partition(".")
    if table not in TABLES or name not in TABLES[table].names:
        raise KeyError(reference)
    return TABLES[table][name]


def data_dictionary() -> str:
    """Markdown of every canonical table, the first part of ``docs/data-dictionary.md``."""
    lines = [
        "# Data dictionary",
        "",
        "Generated by `make docs`; do not edit. The canonical tables come from",
        "`workflow/src/sarcoma_sbrt/schema.py`; the [published tables](#published-tables), at the",
        "end, from `data/published/datapackage.json`.",
        "",
        "Times are days from the cohort's time zero. Every row also keeps `source_file` and",
        "`source_line`, the place it was read from.",
    ]
    for table in (*_TABLES, ENDPOINT_TABLE):
        lines += ["", f"## {table.name}", "", table.description]
        lines += [f"Key: {', '.join(f'`{k}`' for k in table.key)}." if table.key else "No key."]
        lines += ["", "| column | kind | unit | required | accepted | meaning |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [_dictionary_row(c) for c in table.columns]
    return "\n".join(lines) + "\n"


def _dictionary_row(c: Column) -> str:
    required = "yes" if c.required else ""
    return f"| `{c.name}` | {c.kind} | {c.unit} | {required} | {accepted(c)} | {c.description} |"


def package_dictionary(package: Mapping[str, Any]) -> str:
    """Markdown of a data package's tables, the second part of ``docs/data-dictionary.md``.

    Tables that differ in their first column alone, the key, are described once.

    Parameters
    ----------
    package : mapping
        Frictionless data package: ``resources``, each with ``path``, ``title`` and ``schema``.
    """
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for resource in package["resources"]:
        names = [field["name"] for field in resource["schema"]["fields"]]
        alike.setdefault(tuple(names[1:]), []).append(resource)
    lines = [
        "",
        "## Published tables",
        "",
        "How a row is read, with examples, is in [data/published](../data/published/README.md).",
    ]
    for resources in alike.values():
        lines += _described(resources)
    return "\n".join(lines) + "\n"


def _described(resources: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("", f"### {', '.join(r['path'] for r in resources)}", "")
    yield " ".join(f"{r['title']}." for r in resources)
    schema = resources[0]["schema"]
    for link in schema.get("foreignKeys", []):
        there = link["reference"]
        yield f"`{link['fields']}` is a `{there['fields']}` of {there['resource']}.csv."
    yield from ("", "| column | kind | required | accepted | meaning |", "|---|---|---|---|---|")
    keys = {r["schema"]["fields"][0]["name"]: r["schema"]["fields"][0] for r in resources}
    for field in (*keys.values(), *schema["fields"][1:]):
        limits = field.get("constraints", {})
        required = "yes" if limits.get("required") else ""
        cells = (f"`{field['name']}`", field["type"], required, _limits(limits))
        # A bar would end the cell, also inside of backticks.
        row = (cell.replace("|", "\\|") for cell in (*cells, field["description"]))
        yield f"| {' | '.join(row)} |"


def _limits(limits: Mapping[str, Any]) -> str:
    """Say what a field of a data package accepts."""
    said = ["unique"] if limits.get("unique") else []
    said += [", ".join(limits["enum"])] if "enum" in limits else []
    said += [f">= {limits['minimum']:g}"] if "minimum" in limits else []
    said += [f"<= {limits['maximum']:g}"] if "maximum" in limits else []
    said += [f"`{limits['pattern']}`"] if "pattern" in limits else []
    return ", ".join(said)


def accepted(c: Column) -> str:
    """Say what a column accepts, for the dictionary and for error messages."""
    if c.codes:
        return ", ".join(c.codes)
    bounds = []
    if c.minimum is not None:
        bounds.append(f"{'>' if c.exclusive else '>='} {c.minimum:g}")
    if c.maximum is not None:
        bounds.append(f"<= {c.maximum:g}")
    return ", ".join(bounds)
