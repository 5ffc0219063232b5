"""Characteristics again: counts, percentages, medians and ranges, row by row in plain Python."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.events import changes, observed_lesions
from sarcoma_sbrt.provenance.crosscheck.records import (
    Lesion,
    Row,
    bed,
    eqd2,
    first_courses,
    groups,
    lesion_covariates,
    patient_covariates,
    rows_of,
)
from sarcoma_sbrt.schema import DAYS_PER_MONTH, column
from sarcoma_sbrt.settings import CohortSettings, Plan

__all__ = ["ENGINE", "exact_limits", "middle", "recompute"]

ENGINE = "plain Python"

Found = Iterator[tuple[str, Second]]

_FEWEST = 3
_SHRUNK_PERCENT = -30.0
_NEAR = 1e-9
_UNRELATED = ("unrelated", "unlikely")
_COURSE_COLUMNS = {
    "total": "dose_gy",
    "fractions": "fractions",
    "isodose": "isodose_percent",
    "conformity_index": "conformity_index",
    "new_conformity_index": "new_conformity_index",
    "homogeneity_index": "homogeneity_index",
    "coverage": "coverage_percent",
}
_EARLIER = {
    "primary_surgery": ("surgery", "primary"),
    "adjuvant_chemotherapy": ("chemotherapy", "adjuvant"),
    "adjuvant_radiotherapy": ("radiotherapy", "adjuvant"),
}


class _Cohort(NamedTuple):
    """Rows and settings that every count is made of."""

    tables: Mapping[str, list[Row]]
    plan: Plan
    patients: Mapping[str, Row]
    lesions: Mapping[Lesion, Row]

    @property
    def settings(self) -> CohortSettings:
        return self.plan.cohort

    def has(self, *references: str) -> bool:
        return all(map(self.settings.supplies, references))


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage ``characteristics``."""
    plan = materials.plan
    tables = {name: rows_of(table) for name, table in materials.canonical.items()}
    known = (tables, plan.alpha_beta_gy, plan.concurrent_days)
    cohort = _Cohort(tables, plan, patient_covariates(*known), lesion_covariates(*known))
    return dict(
        [
            *_patients(cohort),
            *_lesions(cohort),
            *_courses(cohort),
            *_sites(cohort),
            *_treatments(cohort),
            *_earlier_treatments(cohort),
            *_toxicities(cohort),
            *_severities(cohort),
            *_single_courses(cohort),
            *_flow(materials),
        ]
    )


# --- pieces -------------------------------------------------------------------------------


def _number(value: float | str | None, n: int | None = None) -> Second:
    return Second(value, None, None, None, ENGINE, n)


def _share(key: str, count: int, of: int) -> Found:
    yield f"{key}.n", _number(count)
    yield f"{key}.percent", _number(100 * count / of if of else None, of)


def middle(values: Iterable[float]) -> float:
    """Median: the middle value, or halfway between the two."""
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def _spread(key: str, values: Sequence[float | None]) -> Found:
    """Median, least and greatest of the known values, and how many are not known."""
    known = [value for value in values if value is not None]
    for name, measure in (("median", middle), ("min", min), ("max", max)):
        yield f"{key}.{name}", _number(measure(known) if known else None, len(known))
    yield from _missing(key, len(values) - len(known))


def _missing(key: str, count: int) -> Found:
    if count:
        yield f"{key}.missing.n", _number(count)


def _codes(key: str, reference: str, cohort: _Cohort) -> Found:
    """Rows with each code of a column that the cohort's mapping can give."""
    table, name = reference.split(".")
    values = [row[name] for row in cohort.tables[table]]
    known = sum(value is not None for value in values)
    for code in _possible(reference, cohort):
        yield from _share(f"{key}.{code}", values.count(code), known)
    yield from _missing(key, len(values) - known)


def _possible(reference: str, cohort: _Cohort) -> list[str]:
    table, name = reference.split(".")
    mapped = cohort.settings.tables[table].columns[name].codes
    return [c for c in column(reference).codes if mapped is None or c in set(mapped.values())]


def _who(rows: Iterable[Row]) -> int:
    return len({row["patient_id"] for row in rows})


# --- patients and lesions -----------------------------------------------------------------


def _patients(cohort: _Cohort) -> Found:
    rows = cohort.tables["patients"]
    yield "cohort.patients", _number(len(rows))
    if cohort.has("patients.age_years"):
        yield from _spread("cohort.age", [row["age_years"] for row in rows])
    for name in ("sex", "histology_group", "setting", "grade"):
        if cohort.has(f"patients.{name}"):
            yield from _codes(f"cohort.{name}", f"patients.{name}", cohort)
    if cohort.has("patients.diagnosis_day", "patients.recurrence_day"):
        months = [_months_between(row) for row in rows]
        key = "time.diagnosis_to_recurrence"
        yield f"{key}.n", _number(sum(month is not None for month in months))
        yield from _spread(key, months)
    if cohort.has("derived.number_of_lesions"):
        numbers = [v["derived.number_of_lesions"] for v in cohort.patients.values()]
        known, key = [n for n in numbers if n is not None], "cohort.number_of_lesions"
        yield from _share(f"{key}.single", sum(n == 1 for n in known), len(known))
        yield from _share(f"{key}.multiple", sum(n > 1 for n in known), len(known))
        yield from _missing(key, len(numbers) - len(known))


def _months_between(patient: Row) -> float | None:
    diagnosis, recurrence = patient["diagnosis_day"], patient["recurrence_day"]
    if diagnosis is None or recurrence is None:
        return None
    return float(recurrence - diagnosis) / DAYS_PER_MONTH


def _lesions(cohort: _Cohort) -> Found:
    if not cohort.has("lesions.lesion_id"):
        return
    rows = cohort.tables["lesions"]
    yield "cohort.lesions", _number(len(rows))
    if cohort.has("lesions.site"):
        yield from _codes("lesions.site", "lesions.site", cohort)
    if cohort.has("lesions.size_mm"):
        sizes = [None if row["size_mm"] is None else row["size_mm"] / 10 for row in rows]
        yield from _spread("lesions.size", sizes)
    for name, covariate in cohort.plan.analysis.covariates.items():
        own = covariate.column in ("derived.size_mm", "derived.bed10_gy")
        if own and covariate.level is not None and cohort.has(covariate.column):
            sides = groups(cohort.lesions.values(), covariate)
            known = len(sides) - sides.count(None)
            yield from _share(f"lesions.{name}_level", sides.count(1), known)
            yield from _share(f"lesions.{name}_reference", sides.count(0), known)
            if len(sides) > known:
                yield f"lesions.{name}_missing.n", _number(len(sides) - known)


# --- courses ------------------------------------------------------------------------------


def _courses(cohort: _Cohort) -> Found:
    """Doses of the lesions' first courses, and the prescriptions that several lesions had."""
    if not cohort.has("courses.start_day"):
        return
    courses = cohort.tables["courses"]
    first = list(first_courses(courses).values())
    if len(courses) > len(first):
        yield "dose.repeated_courses.n", _number(len(courses) - len(first))
    for name, of in _COURSE_COLUMNS.items():
        if cohort.has(f"courses.{of}"):
            yield from _spread(f"dose.{name}", [course[of] for course in first])
    if cohort.has("courses.dose_gy", "courses.fractions"):
        ratio = cohort.plan.alpha_beta_gy
        for name, effect in (("bed10", bed), ("eqd2", eqd2)):
            doses = [
                effect(c["dose_gy"], c["fractions"], ratio) if _is_dosed(c) else None for c in first
            ]
            yield from _spread(f"dose.{name}", doses)
        yield from _prescriptions([c for c in first if _is_dosed(c)])


def _is_dosed(course: Row) -> bool:
    return course["dose_gy"] is not None and course["fractions"] is not None


def _prescriptions(dosed: Sequence[Row]) -> Found:
    counted = Counter((course["dose_gy"], course["fractions"]) for course in dosed)
    rare = 0
    for (dose, fractions), count in counted.items():
        if count < _FEWEST:
            rare += count
            continue
        key = f"dose.prescription.{f'{dose:g}'.replace('.', '_')}gy_{fractions}fx"
        ending = "" if fractions == 1 else "s"
        yield from _share(key, count, len(dosed))
        yield f"{key}.label", _number(f"{dose:g} Gy in {fractions} fraction{ending}")
    if rare:
        yield from _share("dose.prescription.other", rare, len(dosed))


def _sites(cohort: _Cohort) -> Found:
    """Dose by treated site, where at least three lesions have one."""
    needs = ("lesions.site", "courses.start_day", "courses.dose_gy", "courses.fractions")
    if not cohort.has(*needs):
        return
    by_site: defaultdict[str, list[Row]] = defaultdict(list)
    sites = {(r["patient_id"], r["lesion_id"]): r["site"] for r in cohort.tables["lesions"]}
    for lesion, course in first_courses(cohort.tables["courses"]).items():
        by_site[sites.get(lesion) or "missing"].append(course)
    ratio = cohort.plan.alpha_beta_gy
    for site, courses in by_site.items():
        yield f"site_dose.{site}.n", _number(len(courses))
        known = [course for course in courses if _is_dosed(course)]
        if len(known) >= _FEWEST:
            doses = [(float(c["dose_gy"]), float(c["fractions"])) for c in known]
            key = f"site_dose.{site}"
            yield from _spread(f"{key}.total", [dose for dose, _ in doses])
            yield from _spread(f"{key}.fractions", [fractions for _, fractions in doses])
            yield from _spread(f"{key}.bed10", [bed(*dose, ratio) for dose in doses])


# --- treatments ---------------------------------------------------------------------------


def _treatments(cohort: _Cohort) -> Found:
    if not cohort.has("treatments.kind"):
        return
    given, everyone = cohort.tables["treatments"], len(cohort.tables["patients"])
    if cohort.has("treatments.intent"):
        given = [row for row in given if row["intent"] == "with_sbrt"]
    for kind in _possible("treatments.kind", cohort):
        count = _who(row for row in given if row["kind"] == kind)
        yield from _share(f"treatment.{kind}", count, everyone)
    yield from _share("treatment.none", everyone - _who(given), everyone)
    if cohort.has("treatments.timing"):
        chemotherapy = [row for row in given if row["kind"] == "chemotherapy"]
        for timing in _possible("treatments.timing", cohort):
            count = _who(row for row in chemotherapy if row["timing"] == timing)
            yield f"treatment.chemotherapy.{timing}.n", _number(count)


def _earlier_treatments(cohort: _Cohort) -> Found:
    if not cohort.has("treatments.kind", "treatments.intent"):
        return
    everyone = len(cohort.tables["patients"])
    for name, what in _EARLIER.items():
        rows = [r for r in cohort.tables["treatments"] if (r["kind"], r["intent"]) == what]
        yield from _share(f"treatment.{name}", _who(rows), everyone)
        if name == "primary_surgery" and cohort.has("treatments.operations"):
            operations: Counter[str] = Counter()
            for row in rows:
                operations[row["patient_id"]] += row["operations"] or 0
            many = sum(count > 2 for count in operations.values())
            yield from _share("treatment.repeated_surgery", many, everyone)


# --- toxicities ---------------------------------------------------------------------------


def _slug(term: str) -> str:
    return re.sub("_+", "_", "".join(c if c in _PLAIN else "_" for c in term.lower())).strip("_")


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


def _related(cohort: _Cohort) -> list[Row]:
    """Adverse events that are not put down to something else."""
    events = cohort.tables["toxicities"]
    return [event for event in events if event["attribution"] not in _UNRELATED]


def _phase(event: Row, acute_months: float) -> str | None:
    if event["phase"] is not None:
        return str(event["phase"])
    if event["onset_day"] is None:
        return None
    return "acute" if event["onset_day"] <= acute_months * DAYS_PER_MONTH else "late"


def _by_term(events: Iterable[Row]) -> dict[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for event in events:
        found[_slug(event["term"])].append(event)
    return dict(found)


def _worst(events: Iterable[Row]) -> list[int]:
    """Worst grade of each patient who had one of the events."""
    worst: dict[str, int] = {}
    for event in events:
        worst[event["patient_id"]] = max(worst.get(event["patient_id"], 0), event["grade"])
    return list(worst.values())


def _toxicities(cohort: _Cohort) -> Found:
    if not cohort.has("toxicities.term"):
        return
    everyone, related = len(cohort.tables["patients"]), _related(cohort)
    unrelated = len(cohort.tables["toxicities"]) - len(related)
    phases = [_phase(event, cohort.plan.acute_toxicity_months) for event in related]
    for why, count in (("unrelated", unrelated), ("unknown_phase", phases.count(None))):
        if count:
            yield f"toxicity.{why}.n", _number(count)
    for phase in ("acute", "late"):
        of_phase = [e for e, found in zip(related, phases, strict=True) if found == phase]
        for name, events in _by_term(of_phase).items():
            worst, key = _worst(events), f"toxicity.{phase}.{name}"
            yield f"{key}.label", _number(min(event["term"] for event in events))
            yield from _share(key, len(worst), everyone)
            for grade in range(1, 6):
                yield f"{key}.grade_{grade}.n", _number(worst.count(grade))
    for least in (3, 4):
        count = _who(event for event in related if event["grade"] >= least)
        yield from _share(f"toxicity.grade_{least}_or_more", count, everyone)


def _severities(cohort: _Cohort) -> Found:
    """Shares by least grade, of every adverse event and of each term, with exact limits."""
    if not cohort.has("toxicities.term"):
        return
    related = _related(cohort)
    yield from _thresholds("either.all", related, cohort)
    for phase in ("acute", "late"):
        months = cohort.plan.acute_toxicity_months
        of_phase = [event for event in related if _phase(event, months) == phase]
        yield from _thresholds(f"{phase}.all", of_phase, cohort)
        for name, events in _by_term(of_phase).items():
            key = f"{phase}.term.{name}"
            yield from _thresholds(key, events, cohort)
            yield f"toxicity_share.{key}.label", _number(min(e["term"] for e in events))


def _thresholds(key: str, events: Sequence[Row], cohort: _Cohort) -> Found:
    everyone, worst = len(cohort.tables["patients"]), _worst(events)
    for name, least in (("any", 1), ("grade_2", 2), ("grade_3", 3)):
        count = sum(grade >= least for grade in worst)
        yield f"toxicity_share.{key}.{name}.n", _number(count, everyone)
        share = f"toxicity_share.{key}.{name}.percent"
        if not everyone:
            yield share, _number(None, 0)
            continue
        low, high = exact_limits(count, everyone, cohort.plan.analysis.confidence_level)
        percent = 100 * count / everyone
        yield share, Second(percent, 100 * low, 100 * high, None, ENGINE, everyone, count)


def exact_limits(count: int, n: int, level: float) -> tuple[float, float]:
    """Clopper and Pearson's limits of a share, by halving the interval of the binomial tail.

    Parameters
    ----------
    count, n : int
        Of `n`, at least 1, `count` had it.
    level : float
        Confidence level.
    """
    tail = (1 - level) / 2
    low = _root(lambda p: _at_least(count, n, p) - tail) if count else 0.0
    high = _root(lambda p: tail - _at_least(n - count, n, 1 - p)) if count < n else 1.0
    return low, high


def _at_least(count: int, n: int, p: float) -> float:
    """Probability of `count` or more among `n`, each with probability `p`."""
    if p <= 0 or p >= 1:
        return float(p >= 1)
    logs = (
        math.lgamma(n + 1)
        - math.lgamma(k + 1)
        - math.lgamma(n - k + 1)
        + k * math.log(p)
        + (n - k) * math.log1p(-p)
        for k in range(count, n + 1)
    )
    return math.fsum(map(math.exp, logs))


def _root(rising: Callable[[float], float]) -> float:
    """Where a function that rises from 0 to 1 is zero."""
    low, high = 0.0, 1.0
    while (half := (low + high) / 2) not in (low, high):
        low, high = (half, high) if rising(half) < 0 else (low, half)
    return half


# --- single patients and lesions ----------------------------------------------------------


def _single_courses(cohort: _Cohort) -> Found:
    """Numbers beside the figures of single patients and lesions."""
    if cohort.has("patients.last_contact_day", "patients.vital_status", "courses.start_day"):
        treated = {course["patient_id"] for course in cohort.tables["courses"]}
        known = {row["patient_id"] for row in cohort.tables["patients"]}
        yield "swimmer.n", _number(len(treated & known))
    endpoints = cohort.plan.endpoints.values()
    local = [e for e in endpoints if e.event == "local_failure" and not e.missing(cohort.settings)]
    if not local:
        return
    measured = changes(observed_lesions(cohort.tables, local[0]))
    best = [min(percents) for percents in measured.values()]
    yield "response.n", _number(len(best))
    yield "response.unmeasured.n", _number(len(cohort.tables["lesions"]) - len(best))
    for name, measure in (("median", middle), ("min", min), ("max", max)):
        yield f"response.best.{name}", _number(measure(best) if best else None, len(best))
    shrunk = sum(change <= _SHRUNK_PERCENT + _NEAR for change in best)
    for name, count in (("smaller", sum(change < 0 for change in best)), ("shrunk", shrunk)):
        yield f"response.{name}.n", _number(count, len(best))
        share = 100 * count / len(best) if best else None
        yield f"response.{name}.percent", _number(share, len(best))


def _flow(materials: Materials) -> Found:
    """Patients read are those analysed, counted here, and those whom the ledger excludes."""
    analysed = len(materials.canonical["patients"])
    excluded = sum(entry["patients"] for entry in materials.flow["patients"]["excluded"])
    yield "flow.patients.analysed", _number(analysed)
    yield "flow.patients.excluded", _number(excluded)
    yield "flow.patients.read", _number(analysed + excluded)
    screening = materials.configuration["cohort"].get("screening")
    if screening:
        yield "flow.screening.excluded", _number(screening["reviewed"] - screening["enrolled"])
