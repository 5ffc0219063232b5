"""Who was treated, with what, and how it was borne: the descriptive statistics of a cohort.

A percentage is of the patients (or lesions) whose value is known; those whose value is not
are counted apart under ``<key>.missing.n``. What happened to a patient at all (a treatment, an
adverse event) is a percentage of every patient.

A statistic is `joint` when it relates a column to another table's or to an outcome's. None
here does: the timing of chemotherapy, or the grade of an adverse event, takes several columns
of one table to say, but is one fact as a table of characteristics prints it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sarcoma_sbrt import schema
from sarcoma_sbrt.covariates import design
from sarcoma_sbrt.dose import bed, eqd2
from sarcoma_sbrt.reporting.statistics import Statistic, Unit, not_estimable
from sarcoma_sbrt.settings import DERIVED_NEEDS, Analysis, CohortSettings

__all__ = [
    "by_slug",
    "cohort_statistics",
    "first_courses",
    "flow_statistics",
    "grade_1_or_2",
    "related_events",
    "slug",
]

# A prescription given to fewer lesions than this is counted among the others: in a small
# series a rare dose is close to naming a patient, and Feng et al. 2022 do the same.
_COMMON_PRESCRIPTION = 3

# Feng et al. 2022 print how many of those operated on had more than two operations.
_MANY_OPERATIONS = 2

_LESION_COVARIATES = ("derived.size_mm", "derived.bed10_gy")

_UNRELATED = ("unrelated", "unlikely")

_COURSE_QUANTITIES: dict[str, tuple[str, Unit]] = {
    "dose.total": ("dose_gy", "Gy"),
    "dose.fractions": ("fractions", "count"),
    "dose.isodose": ("isodose_percent", "percent"),
    "dose.conformity_index": ("conformity_index", "ratio"),
    "dose.new_conformity_index": ("new_conformity_index", "ratio"),
    "dose.homogeneity_index": ("homogeneity_index", "ratio"),
    "dose.coverage": ("coverage_percent", "percent"),
}


class _Facts(NamedTuple):
    """What every statistic of one block shares."""

    table: str
    of: str
    columns: tuple[str, ...]


def cohort_statistics(
    tables: Mapping[str, pd.DataFrame],
    covariates: tuple[pd.DataFrame, pd.DataFrame],
    analysis: Analysis,
    cohort: CohortSettings,
    *,
    alpha_beta_gy: float,
    acute_toxicity_months: float,
) -> list[Statistic]:
    """Descriptive statistics of the patients, lesions, courses, treatments and toxicities.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables by name.
    covariates : (DataFrame, DataFrame)
        Patients' and lesions' covariates, from `covariates.covariate_frame`.
    analysis : Analysis
        Its covariates decide how size and dose are split.
    cohort : CohortSettings
        A column that it does not map gives no statistic.
    alpha_beta_gy : float
        Alpha/beta ratio for BED and EQD2, in Gy.
    acute_toxicity_months : float
        An adverse event of no recorded phase is acute when its onset is not later than this.

    Returns
    -------
    list of Statistic
        Stage ``characteristics``; a quantity of which no value is known is not estimable.
    """
    patients, lesions = covariates
    return [
        *_patient_statistics(tables["patients"], cohort),
        *_number_of_lesions(patients, cohort),
        *_lesion_statistics(tables["lesions"], cohort),
        *_lesion_levels(lesions, analysis, cohort),
        *_course_statistics(tables["courses"], cohort, alpha_beta_gy),
        *_treatment_statistics(tables, cohort),
        *_earlier_treatment(tables, cohort),
        *_toxicity_statistics(tables, cohort, acute_toxicity_months),
    ]


def flow_statistics(flow: Mapping[str, Any]) -> list[Statistic]:
    """Study flow in numbers, from the ledger that extraction wrote.

    Parameters
    ----------
    flow : mapping
        ``results/flow.json``: ``patients`` {read, excluded [{reason, patients}], analysed} and
        ``screening`` {reviewed, excluded, enrolled, locator} or None.
    """
    patients = flow["patients"]
    counts = {
        "read": patients["read"],
        "excluded": sum(entry["patients"] for entry in patients["excluded"]),
        "analysed": patients["analysed"],
    }
    facts = _Facts("patients", "patients", ("patients.patient_id",))
    statistics = [
        _count(f"flow.patients.{name}", count, facts, {}, "count of rows in the flow ledger")
        for name, count in counts.items()
    ]
    if screening := flow.get("screening"):
        statistics.append(_not_enrolled(screening))
    return statistics


def _not_enrolled(screening: Mapping[str, Any]) -> Statistic:
    """Who was reviewed and not enrolled: no row is of them, only two configured counts."""
    return Statistic(
        key="flow.screening.excluded",
        value=int(screening["excluded"]),
        unit="count",
        method="patients reviewed less patients enrolled, as the source prints them",
        rows={"config": ["cohort.screening.reviewed", "cohort.screening.enrolled"]},
    )


def slug(text: str) -> str:
    """Part of a key that a free text gives: lower case, other than a-z and 0-9 underscored."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


# --- records ------------------------------------------------------------------------------


def _count(
    key: str, count: int, facts: _Facts, where: Mapping[str, Any], method: str = "count"
) -> Statistic:
    return Statistic(
        key=key,
        value=int(count),
        unit="count",
        method=method,
        columns=facts.columns,
        population={"table": facts.table, "filter": {}},
        rows={"table": facts.table, "filter": dict(where)},
    )


def _share(
    key: str, count: int, denominator: int, facts: _Facts, where: Mapping[str, Any]
) -> list[Statistic]:
    """``<key>.n`` and ``<key>.percent``, of the denominator that `facts.of` names."""
    number = _count(f"{key}.n", count, facts, where)
    shared: dict[str, Any] = {
        "columns": facts.columns,
        "population": number.population,
        "rows": number.rows,
        "n": int(denominator),
    }
    method = f"percentage of {facts.of}"
    if denominator == 0:
        reason = f"there are no {facts.of}"
        return [number, not_estimable(f"{key}.percent", "percent", method, reason, **shared)]
    percent = 100 * count / denominator
    return [number, Statistic(f"{key}.percent", percent, "percent", method, **shared)]


def _missing(key: str, missing: int, facts: _Facts, column: str) -> list[Statistic]:
    if missing == 0:
        return []
    return [_count(f"{key}.missing.n", missing, facts, {column: None}, "count of missing values")]


def _spread(
    key: str, values: NDArray[np.float64], unit: Unit, facts: _Facts, column: str
) -> list[Statistic]:
    """Median, minimum and maximum of the known values, and the number of the others."""
    known = values[~np.isnan(values)]
    shared: dict[str, Any] = {
        "columns": facts.columns,
        "population": {"table": facts.table, "filter": {}},
        "rows": {"table": facts.table, "filter": {column: {"known": True}}},
        "n": len(known),
    }
    measures: dict[str, Callable[[NDArray[np.float64]], Any]] = {
        "median": np.median,
        "min": np.min,
        "max": np.max,
    }
    statistics = []
    for name, measure in measures.items():
        method = f"{_MEASURES[name]} of {facts.of}"
        if len(known) == 0:
            reason = f"there are no {facts.of}"
            statistics.append(not_estimable(f"{key}.{name}", unit, method, reason, **shared))
        else:
            value = _whole(float(measure(known)), unit)
            statistics.append(Statistic(f"{key}.{name}", value, unit, method, **shared))
    return statistics + _missing(key, len(values) - len(known), facts, column)


_MEASURES = {"median": "median", "min": "minimum", "max": "maximum"}


def _whole(value: float, unit: Unit) -> float | int:
    """Integer where it is a count; the median of an even number of counts may be none."""
    return int(value) if unit == "count" and value.is_integer() else value


def _floats(column: pd.Series[Any]) -> NDArray[np.float64]:
    return column.to_numpy(dtype="float64", na_value=np.nan)


# --- patients -----------------------------------------------------------------------------


def _patient_statistics(patients: pd.DataFrame, cohort: CohortSettings) -> list[Statistic]:
    everyone = _Facts("patients", "patients", ("patients.patient_id",))
    statistics = [_count("cohort.patients", len(patients), everyone, {})]
    if cohort.supplies("patients.age_years"):
        facts = _known("patients", "age_years")
        ages = _floats(patients["age_years"])
        statistics += _spread("cohort.age", ages, "years", facts, "age_years")
    for column in ("sex", "histology_group", "setting", "grade"):
        if cohort.supplies(f"patients.{column}"):
            statistics += _codes(f"cohort.{column}", "patients", column, patients, cohort)
    return statistics + _interval_to_recurrence(patients, cohort)


def _known(table: str, *columns: str) -> _Facts:
    return _Facts(
        table, f"{table} with a known value", tuple(f"{table}.{column}" for column in columns)
    )


def _codes(
    key: str, table: str, column: str, frame: pd.DataFrame, cohort: CohortSettings
) -> list[Statistic]:
    """How many have each code that the cohort's mapping can give."""
    values, facts = frame[column], _known(table, column)
    known = int(values.notna().sum())
    statistics = []
    for code in _possible_codes(cohort, f"{table}.{column}"):
        count = int((values == code).sum())
        statistics += _share(f"{key}.{code}", count, known, facts, {column: code})
    return statistics + _missing(key, len(frame) - known, facts, column)


def _possible_codes(cohort: CohortSettings, reference: str) -> list[str]:
    """Codes that can be read: a zero of any other would claim what nobody recorded."""
    table, _, column = reference.partition(".")
    mapped = cohort.tables[table].columns[column].codes
    canonical = schema.column(reference).codes
    return [code for code in canonical if mapped is None or code in mapped.values()]


def _interval_to_recurrence(patients: pd.DataFrame, cohort: CohortSettings) -> list[Statistic]:
    columns = ("diagnosis_day", "recurrence_day")
    if not all(cohort.supplies(f"patients.{column}") for column in columns):
        return []
    key, facts = "time.diagnosis_to_recurrence", _known("patients", *columns)
    days = _floats(patients["recurrence_day"]) - _floats(patients["diagnosis_day"])
    months = days / schema.DAYS_PER_MONTH
    known = {column: {"known": True} for column in columns}
    return [
        _count(f"{key}.n", int(np.count_nonzero(~np.isnan(months))), facts, known),
        *_spread(key, months, "months", facts, "recurrence_day"),
    ]


# --- lesions and courses ------------------------------------------------------------------


def _number_of_lesions(patients: pd.DataFrame, cohort: CohortSettings) -> list[Statistic]:
    column = "derived.number_of_lesions"
    if not cohort.supplies(column):
        return []
    numbers = _floats(patients[column])
    known = int(np.count_nonzero(~np.isnan(numbers)))
    columns = ["patients.patient_id", "lesions.patient_id", *DERIVED_NEEDS[column]]
    if cohort.supplies("courses.start_day"):  # it says which lesions the first course treated
        columns.append("courses.start_day")
    facts = _Facts("patients", "patients with a known value", tuple(columns))
    key, single, more = "cohort.number_of_lesions", numbers == 1, numbers > 1
    return [
        *_share(f"{key}.single", int(single.sum()), known, facts, {column: {"at_most": 1}}),
        *_share(f"{key}.multiple", int(more.sum()), known, facts, {column: {"above": 1}}),
        *_missing(key, len(numbers) - known, facts, column),
    ]


def _lesion_statistics(lesions: pd.DataFrame, cohort: CohortSettings) -> list[Statistic]:
    if not cohort.supplies("lesions.lesion_id"):
        return []
    everything = _Facts("lesions", "lesions", ("lesions.patient_id", "lesions.lesion_id"))
    statistics = [_count("cohort.lesions", len(lesions), everything, {})]
    if cohort.supplies("lesions.site"):
        statistics += _codes("lesions.site", "lesions", "site", lesions, cohort)
    if cohort.supplies("lesions.size_mm"):
        size_cm = _floats(lesions["size_mm"]) / 10
        facts = _known("lesions", "size_mm")
        statistics += _spread("lesions.size", size_cm, "cm", facts, "size_mm")
    return statistics


def _lesion_levels(
    lesions: pd.DataFrame, analysis: Analysis, cohort: CohortSettings
) -> list[Statistic]:
    """Lesions on either side of the plan's splits of size and dose."""
    statistics: list[Statistic] = []
    for name, covariate in analysis.covariates.items():
        binary = covariate.level is not None
        if covariate.column in _LESION_COVARIATES and binary and cohort.supplies(covariate.column):
            coded = _floats(design(lesions, analysis.covariates, (name,))[name])
            facts = _Facts("lesions", "lesions with a known value", DERIVED_NEEDS[covariate.column])
            statistics += _levels(name, coded, facts)
    return statistics


def _levels(name: str, coded: NDArray[np.float64], facts: _Facts) -> list[Statistic]:
    known = int(np.count_nonzero(~np.isnan(coded)))
    statistics: list[Statistic] = []
    for side, value in (("level", 1.0), ("reference", 0.0)):
        count = int((coded == value).sum())
        where = {"covariate": name, "side": side}
        statistics += _share(f"lesions.{name}_{side}", count, known, facts, where)
    return statistics + _uncoded(name, len(coded) - known, facts)


def _uncoded(name: str, missing: int, facts: _Facts) -> list[Statistic]:
    """Lesions on neither side; ``lesions.size.missing`` is the measurement's own key."""
    if missing == 0:
        return []
    where = {"covariate": name, "side": None}
    return [_count(f"lesions.{name}_missing.n", missing, facts, where, "count of missing values")]


def _course_statistics(
    courses: pd.DataFrame, cohort: CohortSettings, alpha_beta_gy: float
) -> list[Statistic]:
    """Dose of the first course to each lesion, so that every row describes the same lesions."""
    if not cohort.supplies("courses.start_day"):
        return []
    first = first_courses(courses)
    statistics = _repeated_courses(courses, len(first))
    for key, (column, unit) in _COURSE_QUANTITIES.items():
        if cohort.supplies(f"courses.{column}"):
            facts = _first_course_facts(column)
            statistics += _spread(key, _floats(first[column]), unit, facts, column)
    if cohort.supplies("courses.dose_gy") and cohort.supplies("courses.fractions"):
        statistics += _effective_dose(first, alpha_beta_gy) + _prescriptions(first)
    return statistics


def first_courses(courses: pd.DataFrame) -> pd.DataFrame:
    """First course of each lesion, in the order of the table."""
    ordered = courses.sort_values(["start_day", "course_id"], kind="stable")
    return ordered.drop_duplicates(["patient_id", "lesion_id"]).sort_index()


def _first_course_facts(*columns: str) -> _Facts:
    references = tuple(f"courses.{column}" for column in ("start_day", *columns))
    return _Facts("courses", "lesions' first courses with a known value", references)


def _repeated_courses(courses: pd.DataFrame, treated: int) -> list[Statistic]:
    repeated = len(courses) - treated
    if repeated == 0:
        return []
    facts = _Facts("courses", "courses", ("courses.lesion_id", "courses.start_day"))
    where = {"course": {"above": 1}}
    return [_count("dose.repeated_courses.n", repeated, facts, where, "count of later courses")]


def _effective_dose(first: pd.DataFrame, alpha_beta_gy: float) -> list[Statistic]:
    dose, fractions = _floats(first["dose_gy"]), _floats(first["fractions"])
    facts = _first_course_facts("dose_gy", "fractions")
    return [
        *_spread("dose.bed10", bed(dose, fractions, alpha_beta_gy), "Gy", facts, "dose_gy"),
        *_spread("dose.eqd2", eqd2(dose, fractions, alpha_beta_gy), "Gy", facts, "dose_gy"),
    ]


def _prescriptions(first: pd.DataFrame) -> list[Statistic]:
    """Lesions by prescription; the rare ones together as ``other``."""
    known = first.dropna(subset=["dose_gy", "fractions"])
    counts = known.groupby(["dose_gy", "fractions"], as_index=False).size()
    common = counts[counts["size"] >= _COMMON_PRESCRIPTION]
    facts = _first_course_facts("dose_gy", "fractions")
    statistics: list[Statistic] = []
    for row in common.to_dict("records"):
        dose, fractions, count = float(row["dose_gy"]), int(row["fractions"]), int(row["size"])
        statistics += _prescription(dose, fractions, count, len(known), facts)
    if other := len(known) - int(common["size"].sum()):
        where = {"prescription": "other"}
        statistics += _share("dose.prescription.other", other, len(known), facts, where)
    return statistics


def _prescription(
    dose_gy: float, fractions: int, count: int, denominator: int, facts: _Facts
) -> list[Statistic]:
    where = {"dose_gy": dose_gy, "fractions": fractions}
    dose = f"{dose_gy:g}"
    key = f"dose.prescription.{dose.replace('.', '_')}gy_{fractions}fx"
    words = f"{dose} Gy in {fractions} fraction{'' if fractions == 1 else 's'}"
    return [
        *_share(key, count, denominator, facts, where),
        _text(f"{key}.label", words, facts, where),
    ]


def _text(key: str, words: str, facts: _Facts, where: Mapping[str, Any]) -> Statistic:
    return Statistic(
        key=key,
        value=words,
        unit="text",
        method="as recorded",
        columns=facts.columns,
        population={"table": facts.table, "filter": {}},
        rows={"table": facts.table, "filter": dict(where)},
    )


# --- treatments ---------------------------------------------------------------------------


def _treatment_statistics(
    tables: Mapping[str, pd.DataFrame], cohort: CohortSettings
) -> list[Statistic]:
    """Patients who had each treatment: with SBRT where intents are recorded, else at all."""
    if not cohort.supplies("treatments.kind"):
        return []
    given, everyone = tables["treatments"], len(tables["patients"])
    where: dict[str, Any] = {}
    columns = ["patients.patient_id", "treatments.patient_id", "treatments.kind"]
    if cohort.supplies("treatments.intent"):
        given, where = given[_is(given["intent"], "with_sbrt")], {"intent": "with_sbrt"}
        columns.append("treatments.intent")
    facts = _Facts("treatments", "patients", tuple(columns))
    statistics: list[Statistic] = []
    for kind in _possible_codes(cohort, "treatments.kind"):
        rows = given[_is(given["kind"], kind)]
        statistics += _share(
            f"treatment.{kind}", _patients(rows), everyone, facts, where | {"kind": kind}
        )
    statistics += _share("treatment.none", everyone - _patients(given), everyone, facts, where)
    return statistics + _chemotherapy_timing(given, where, facts, cohort)


def _is(column: pd.Series[Any], value: str) -> pd.Series[bool]:
    return (column == value).fillna(False).astype(bool)


def _patients(rows: pd.DataFrame) -> int:
    return int(rows["patient_id"].nunique())


def _chemotherapy_timing(
    given: pd.DataFrame, where: Mapping[str, Any], facts: _Facts, cohort: CohortSettings
) -> list[Statistic]:
    if not cohort.supplies("treatments.timing"):
        return []
    chemotherapy = given[_is(given["kind"], "chemotherapy")]
    timed = facts._replace(columns=(*facts.columns, "treatments.timing"))
    return [
        _count(
            f"treatment.chemotherapy.{timing}.n",
            _patients(chemotherapy[_is(chemotherapy["timing"], timing)]),
            timed,
            {**where, "kind": "chemotherapy", "timing": timing},
            "count of patients",
        )
        for timing in _possible_codes(cohort, "treatments.timing")
    ]


def _earlier_treatment(
    tables: Mapping[str, pd.DataFrame], cohort: CohortSettings
) -> list[Statistic]:
    """Surgery as the first treatment, and what was given after it."""
    if not (cohort.supplies("treatments.kind") and cohort.supplies("treatments.intent")):
        return []
    treatments, everyone = tables["treatments"], len(tables["patients"])
    columns = ["patient_id", "kind", "intent"]
    references = ("patients.patient_id", *(f"treatments.{column}" for column in columns))
    facts = _Facts("treatments", "patients", references)
    statistics: list[Statistic] = []
    for name, kind, intent in _EARLIER:
        chosen = treatments[_is(treatments["kind"], kind) & _is(treatments["intent"], intent)]
        where = {"kind": kind, "intent": intent}
        statistics += _share(f"treatment.{name}", _patients(chosen), everyone, facts, where)
        if name == "primary_surgery" and cohort.supplies("treatments.operations"):
            statistics += _repeated_surgery(chosen, everyone, facts, where)
    return statistics


_EARLIER = (
    ("primary_surgery", "surgery", "primary"),
    ("adjuvant_chemotherapy", "chemotherapy", "adjuvant"),
    ("adjuvant_radiotherapy", "radiotherapy", "adjuvant"),
)


def _repeated_surgery(
    surgery: pd.DataFrame, everyone: int, facts: _Facts, where: Mapping[str, Any]
) -> list[Statistic]:
    """Patients with more than two operations in all."""
    operations = surgery.groupby("patient_id")["operations"].sum()
    many = int((operations > _MANY_OPERATIONS).sum())
    counted = facts._replace(columns=(*facts.columns, "treatments.operations"))
    chosen = {**where, "operations": {"above": _MANY_OPERATIONS}}
    return _share("treatment.repeated_surgery", many, everyone, counted, chosen)


# --- toxicities ---------------------------------------------------------------------------


def _toxicity_statistics(
    tables: Mapping[str, pd.DataFrame], cohort: CohortSettings, acute_toxicity_months: float
) -> list[Statistic]:
    """Patients with each adverse event, by phase and worst grade."""
    if not cohort.supplies("toxicities.term"):
        return []
    events, everyone = tables["toxicities"], len(tables["patients"])
    facts = _toxicity_facts(cohort, "term", "onset_day", "phase")
    related = related_events(events, acute_toxicity_months)
    return [
        *_left_out("unrelated", len(events) - len(related), facts),
        *_left_out("unknown_phase", int((related["phase"] == "").sum()), facts),
        *_terms(related, everyone, facts),
        *_severe(related, everyone, _toxicity_facts(cohort)),
    ]


def related_events(events: pd.DataFrame, acute_toxicity_months: float) -> pd.DataFrame:
    """Adverse events that are not attributed to something else, each with its phase.

    Parameters
    ----------
    events : DataFrame
        Canonical table ``toxicities``.
    acute_toxicity_months : float
        An event of no recorded phase is acute when its onset is not later than this.

    Returns
    -------
    DataFrame
        With ``phase`` as recorded, else as the onset gives it; empty where neither is known.
    """
    related = events[~events["attribution"].isin(_UNRELATED).astype(bool)]
    return related.assign(phase=_phases(related, acute_toxicity_months))


def _toxicity_facts(cohort: CohortSettings, *columns: str) -> _Facts:
    references = [
        f"toxicities.{column}"
        for column in ("patient_id", "grade", "attribution", *columns)
        if cohort.supplies(f"toxicities.{column}")
    ]
    return _Facts("toxicities", "patients", ("patients.patient_id", *references))


def _phases(events: pd.DataFrame, acute_toxicity_months: float) -> pd.Series[str]:
    """Phase as recorded, else as the onset gives it; empty where neither is known."""
    acute = events["onset_day"] <= acute_toxicity_months * schema.DAYS_PER_MONTH
    by_onset = acute.map({True: "acute", False: "late"}).astype("string")
    return events["phase"].fillna(by_onset).fillna("")


def _left_out(why: str, rows: int, facts: _Facts) -> list[Statistic]:
    if rows == 0:
        return []
    method = "count of adverse events of any patient"
    return [_count(f"toxicity.{why}.n", rows, facts, {"left_out": why}, method)]


def _terms(events: pd.DataFrame, everyone: int, facts: _Facts) -> list[Statistic]:
    statistics: list[Statistic] = []
    for phase in ("acute", "late"):
        of_phase = events[events["phase"] == phase]
        for name, term in by_slug(of_phase["term"]).items():
            rows = of_phase[of_phase["term"].map(slug) == name]
            where = {"phase": phase, "term": term}
            statistics += _term(f"toxicity.{phase}.{name}", term, rows, everyone, facts, where)
    return statistics


def grade_1_or_2(terms: Iterable[str]) -> tuple[str, ...]:
    """Which of the two lowest grades adverse events of these terms had, as columns.

    Reports often print the two together: a reconstructed cohort may mark it in its `support`.
    """
    return tuple(f"derived.{name}_grade_1_or_2" for name in by_slug(terms))


def by_slug(terms: Iterable[str]) -> dict[str, str]:
    """Terms by slug in alphabetical order; spellings that differ only in case are one term."""
    found: dict[str, str] = {}
    for term in sorted(terms):
        found.setdefault(slug(term), term)
    return found


def _term(
    key: str,
    term: str,
    rows: pd.DataFrame,
    everyone: int,
    facts: _Facts,
    where: Mapping[str, Any],
) -> list[Statistic]:
    worst = rows.groupby("patient_id")["grade"].max()
    telling = facts._replace(columns=(*facts.columns, *grade_1_or_2([term])))
    return [
        _text(f"{key}.label", term, facts, where),
        *_share(key, len(worst), everyone, facts, where),
        *(
            _count(
                f"{key}.grade_{grade}.n",
                int((worst == grade).sum()),
                telling if grade in (1, 2) else facts,
                {**where, "grade": grade},
                "count of patients by their worst grade",
            )
            for grade in range(1, 6)
        ),
    ]


def _severe(events: pd.DataFrame, everyone: int, facts: _Facts) -> list[Statistic]:
    statistics: list[Statistic] = []
    for grade in (3, 4):
        rows = events[(events["grade"] >= grade).fillna(False).astype(bool)]
        where = {"grade": {"at_least": grade}}
        key = f"toxicity.grade_{grade}_or_more"
        statistics += _share(key, _patients(rows), everyone, facts, where)
    return statistics
