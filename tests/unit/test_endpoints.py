"""Endpoints: what whole patients (tests/patients) do not say.

Above all that the vectorised rules equal a plain reading of them, patient by patient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sarcoma_sbrt.endpoints import Derived, Exclusion, derive, derive_all, summary
from sarcoma_sbrt.schema import (
    DAYS_PER_MONTH,
    ENDPOINT_TABLE,
    SOURCE_COLUMNS,
    TABLES,
)
from sarcoma_sbrt.settings import (
    CohortSettings,
    ColumnMapping,
    EndpointSettings,
    TableMapping,
)
from sarcoma_sbrt.validation import pandera_schema

MONTH = DAYS_PER_MONTH

LC = EndpointSettings(
    name="lc",
    label="Local control",
    unit="lesion",
    time_zero="first_course",
    event="local_failure",
    censoring="last_assessment",
    death="competing",
    death_gap_months=7,
)
OS = EndpointSettings(
    name="os",
    label="Overall survival",
    unit="patient",
    time_zero="cohort",
    event="death",
    censoring="last_contact",
)
PFS = EndpointSettings(
    name="pfs",
    label="Progression-free survival",
    unit="patient",
    time_zero="cohort",
    event="progression",
    censoring="last_contact",
    progression_kinds=("local", "regional", "distant"),
    local_failure=True,
)
MFS = replace(PFS, name="mfs", progression_kinds=("distant",), local_failure=False)


def canonical(**rows: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Canonical tables of rows of one patient P; times are given in months."""
    tables = {}
    for name, table in TABLES.items():
        columns = {c.name: c.dtype for c in (*table.columns, *SOURCE_COLUMNS)}
        placed = [
            {"patient_id": "P", "source_file": f"{name}.csv", "source_line": line}
            | {key: _days(key, value) for key, value in row.items()}
            for line, row in enumerate(rows.get(name, []), start=2)
        ]
        tables[name] = pd.DataFrame(placed, columns=list(columns)).astype(columns)
    return tables


def _days(key: str, value: Any) -> Any:
    return value * MONTH if key.endswith("_day") and value is not None else value


def one_lesion(
    contact: float,
    status: str,
    images: dict[float, float | None],
    *,
    starts: tuple[float, ...] = (0,),
    **lesion: Any,
) -> dict[str, pd.DataFrame]:
    """A patient with one lesion of 30 mm."""
    return canonical(
        patients=[{"last_contact_day": contact, "vital_status": status}],
        lesions=[{"lesion_id": "A", "size_mm": 30, **lesion}],
        courses=[
            {"lesion_id": "A", "course_id": str(i), "start_day": start}
            for i, start in enumerate(starts)
        ],
        assessments=[
            {"lesion_id": "A", "assessment_day": month, "diameter_mm": diameter}
            for month, diameter in images.items()
        ],
    )


def only(derived: Derived) -> tuple[float, int, str, str]:
    """Months, event, description and deciding table of the one row."""
    (row,) = derived.table.itertuples()
    return row.time_months, row.event, row.description, row.source_table


# --- descriptions and choices that the shipped protocol does not take -------------------------


@pytest.mark.parametrize(
    ("tables", "endpoint", "expected"),
    [
        (one_lesion(20, "alive", {6: 40}), LC, (6, 1, "local failure", "assessments")),
        (one_lesion(8, "dead", {6: 30}), LC, (8, 2, "death", "patients")),
        (
            one_lesion(20, "alive", {6: 30}),
            LC,
            (6, 0, "controlled at the last measured assessment", "assessments"),
        ),
        (
            one_lesion(20, "dead", {6: 30}),
            LC,
            (
                6,
                0,
                "controlled at the last measured assessment, the later death does not count",
                "assessments",
            ),
        ),
        (
            one_lesion(20, "alive", {}),
            LC,
            (0, 0, "not measured after the first fraction", "lesions"),
        ),
        (
            one_lesion(20, "alive", {6: 30}, starts=(0, 9)),
            LC,
            (9, 0, "second course to the lesion", "courses"),
        ),
        (
            one_lesion(20, "alive", {6: 40}),
            replace(LC, horizon_months=4.5),
            (4.5, 0, "followed beyond the horizon of 4.5 months", "assessments"),
        ),
        (one_lesion(20, "alive", {}), OS, (20, 0, "alive at last contact", "patients")),
        (one_lesion(20, "dead", {}), OS, (20, 1, "death", "patients")),
        (one_lesion(20, "alive", {6: 40}), PFS, (6, 1, "local failure", "assessments")),
        (one_lesion(20, "alive", {}), PFS, (20, 0, "alive at last contact", "patients")),
        (
            one_lesion(20, "dead", {6: 30}),
            replace(PFS, death_gap_months=7),
            (6, 0, "last assessment, death beyond the gap", "assessments"),
        ),
        (
            one_lesion(20, "dead", {6: 30}),
            replace(PFS, death="censor"),
            (20, 0, "dead, death does not count", "patients"),
        ),
        (one_lesion(20, "dead", {}), replace(PFS, death="competing"), (20, 2, "death", "patients")),
        (
            one_lesion(20, "alive", {6: 30, 9: None}),
            replace(PFS, censoring="last_assessment"),
            (9, 0, "last assessment of the disease", "assessments"),
        ),
        (
            one_lesion(20, "dead", {6: 30}),
            replace(PFS, censoring="last_assessment"),
            (20, 1, "death", "patients"),
        ),
        (
            one_lesion(20, "alive", {6: 30}),
            replace(LC, censoring="last_contact"),
            (20, 0, "without local failure at last contact", "patients"),
        ),
        (
            one_lesion(20, "alive", {6: 30}, follow_up_end_day=8),
            replace(LC, censoring="last_contact"),
            (8, 0, "follow-up of the lesion ended", "lesions"),
        ),
    ],
)
def test_description_and_row(
    tables: dict[str, pd.DataFrame],
    endpoint: EndpointSettings,
    expected: tuple[float, int, str, str],
) -> None:
    assert only(derive(tables, endpoint, local_failure=LC)) == expected


def test_progression_is_described_by_its_kind() -> None:
    tables = canonical(
        patients=[{"last_contact_day": 20, "vital_status": "alive"}],
        progressions=[{"progression_day": 5, "kind": "regional"}],
    )
    assert only(derive(tables, PFS)) == (5, 1, "regional progression", "progressions")
    assert only(derive(tables, MFS, progressions_recorded="first")) == (
        5,
        0,
        "regional progression, later progressions are not recorded",
        "progressions",
    )


def test_first_recorded_progression_before_time_zero_leaves_nothing_known_after_it() -> None:
    tables = one_lesion(20, "dead", {}, starts=(6,))
    progressions = canonical(progressions=[{"progression_day": 5, "kind": "distant"}])
    tables["progressions"] = progressions["progressions"]
    since_first_fraction = replace(MFS, time_zero="first_course")
    assert only(derive(tables, since_first_fraction, progressions_recorded="first"))[:2] == (0, 0)
    assert only(derive(tables, since_first_fraction))[:2] == (14, 1)


def test_what_happens_on_the_day_of_time_zero_counts() -> None:
    progressed = canonical(
        patients=[{"last_contact_day": 20, "vital_status": "alive"}],
        progressions=[{"progression_day": 0, "kind": "distant"}],
    )
    expected = (0, 1, "distant progression", "progressions")
    assert only(derive(progressed, MFS)) == expected
    failed = one_lesion(20, "alive", {0: 40}, starts=(-2,))
    expected = (0, 1, "local failure", "assessments")
    assert only(derive(failed, PFS, local_failure=LC)) == expected


def test_what_was_seen_on_the_day_of_time_zero_is_no_later_assessment() -> None:
    tables = canonical(
        patients=[{"last_contact_day": 20, "vital_status": "alive"}],
        progressions=[{"progression_day": 0, "kind": "local"}],
    )
    seen = only(derive(tables, replace(MFS, censoring="last_assessment")))
    assert seen == (0, 0, "last assessment of the disease", "patients")


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (20, (20, 0, "without local failure at last contact", "patients")),
        (19, (19, 0, "follow-up of the lesion ended", "lesions")),
        (1, (2, 0, "follow-up of the lesion ended", "lesions")),  # not before it was treated
    ],
)
def test_a_lesion_is_followed_up_to_its_own_end_or_the_patients(ended, expected) -> None:
    definition = replace(LC, censoring="last_contact", time_zero="cohort")
    tables = one_lesion(20, "alive", {}, starts=(2,), follow_up_end_day=ended)
    assert only(derive(tables, definition)) == expected


def test_local_failure_counts_only_where_its_definition_is_given() -> None:
    tables = one_lesion(20, "alive", {6: 40})
    assert only(derive(tables, PFS))[:2] == (20, 0)
    assert only(derive(tables, MFS, local_failure=LC))[:2] == (20, 0)


def test_a_death_that_fails_the_lesion_is_no_local_failure_of_the_patient() -> None:
    tables = one_lesion(8, "dead", {6: 30})
    assert only(derive(tables, PFS, local_failure=replace(LC, death="event"))) == (
        8,
        1,
        "death",
        "patients",
    )


def test_the_horizon_of_local_control_does_not_hide_a_failure_from_the_patient() -> None:
    tables = one_lesion(20, "alive", {12: 40})
    short = replace(LC, horizon_months=6)
    assert only(derive(tables, PFS, local_failure=short))[:2] == (12, 1)


def test_local_control_may_count_from_the_cohorts_time_zero() -> None:
    tables = one_lesion(30, "alive", {3: 60, 12: 40}, starts=(5,))
    assert only(derive(tables, replace(LC, time_zero="cohort")))[0] == 12
    assert only(derive(tables, LC))[0] == 7


def test_follow_up_that_ended_before_treatment_gives_no_negative_time() -> None:
    tables = one_lesion(30, "dead", {12: 40}, starts=(5,), follow_up_end_day=3)
    assert only(derive(tables, LC))[:2] == (0, 0)
    assert only(derive(tables, replace(LC, censoring="last_contact")))[:2] == (0, 0)


# --- what is excluded, and what does not go together ---------------------------------------


def test_exclusions_name_their_row() -> None:
    tables = one_lesion(20, "alive", {6: 30}, size_mm=None)
    derived = derive(tables, LC)
    assert derived.table.empty
    assert derived.excluded == (Exclusion("P", "A", "no baseline diameter", "lesions.csv", 2),)


def test_an_untreated_patient_has_no_time_from_the_first_fraction() -> None:
    tables = one_lesion(20, "dead", {}, starts=())
    derived = derive(tables, replace(OS, time_zero="first_course"))
    assert derived.excluded == (Exclusion("P", None, "no course", "patients.csv", 2),)
    assert derive(tables, OS).excluded == ()


@pytest.mark.parametrize("endpoint", [LC, OS, PFS, MFS], ids=lambda e: e.name)
def test_empty_tables_give_an_empty_endpoint(endpoint: EndpointSettings) -> None:
    derived = derive(canonical(), endpoint, local_failure=LC)
    pandera_schema(ENDPOINT_TABLE).validate(derived.table)
    assert len(derived.table) == len(derived.excluded) == 0


def test_a_cohort_without_lesions_has_the_endpoints_of_patients() -> None:
    tables = canonical(patients=[{"last_contact_day": 20, "vital_status": "dead"}])
    assert only(derive(tables, PFS, local_failure=LC))[:2] == (20, 1)
    assert derive(tables, LC).table.empty


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        (replace(LC, unit="patient"), "lc: event local_failure does not go with unit patient"),
        (replace(PFS, unit="lesion"), "pfs: event progression does not go with unit lesion"),
        (replace(OS, death="censor"), "os: where death is the event it counts always"),
        (replace(OS, death_gap_months=7), "os: where death is the event it counts always"),
        (replace(OS, censoring="last_assessment"), "the others are censored at last contact"),
    ],
)
def test_contradictory_definitions_are_refused(endpoint: EndpointSettings, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        derive(canonical(), endpoint)


def test_input_is_not_changed() -> None:
    tables = one_lesion(20, "dead", {6: 40, 0: 30}, starts=(0, 9))
    before = {name: table.copy(deep=True) for name, table in tables.items()}
    for endpoint in (LC, OS, PFS, MFS):
        derive(tables, endpoint, local_failure=LC)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


# --- the whole protocol ---------------------------------------------------------------------

PROTOCOL = {endpoint.name: endpoint for endpoint in (LC, OS, PFS, MFS)}


def cohort_with(*columns: str, recorded: Any = "all") -> CohortSettings:
    mapped: dict[str, dict[str, ColumnMapping]] = {}
    for column in columns:
        table, _, name = column.partition(".")
        mapped.setdefault(table, {})[name] = ColumnMapping(source=name)
    return CohortSettings(
        name="small",
        title="Small",
        kind="observed",
        tables={table: TableMapping(f"{table}.csv", columns) for table, columns in mapped.items()},
        times={"unit": "days"},
        progressions_recorded=recorded,
    )


PATIENTS = ("patients.last_contact_day", "patients.vital_status")
PROGRESSIONS = ("progressions.progression_day", "progressions.kind")
LESIONS = ("lesions.lesion_id", "courses.start_day", "assessments.diameter_mm")


def test_the_protocol_takes_local_failure_from_its_own_definition() -> None:
    protocol = PROTOCOL | {"lc": replace(LC, growth_percent=50)}
    derived = derive_all(
        one_lesion(20, "alive", {6: 40, 12: 45}),
        protocol,
        cohort_with(*PATIENTS, *PROGRESSIONS, *LESIONS),
    )
    assert list(derived) == ["lc", "os", "pfs", "mfs"]
    assert only(derived["lc"])[:2] == (12, 1)
    assert only(derived["pfs"])[:2] == (12, 1)
    assert only(derived["mfs"])[:2] == (20, 0)


def test_what_the_cohort_cannot_supply_is_empty() -> None:
    derived = derive_all(one_lesion(20, "alive", {6: 40}), PROTOCOL, cohort_with(*PATIENTS))
    assert {name: len(one.table) for name, one in derived.items()} == {
        "lc": 0,
        "os": 1,
        "pfs": 0,
        "mfs": 0,
    }
    assert derived["lc"].excluded == ()


def test_only_first_progressions_are_known_of_a_cohort_that_says_so() -> None:
    tables = canonical(
        patients=[{"last_contact_day": 20, "vital_status": "alive"}],
        progressions=[{"progression_day": 5, "kind": "regional"}],
    )
    first = derive_all(tables, PROTOCOL, cohort_with(*PATIENTS, *PROGRESSIONS, recorded="first"))
    every = derive_all(tables, PROTOCOL, cohort_with(*PATIENTS, *PROGRESSIONS))
    assert only(first["mfs"])[:2] == (5, 0)
    assert only(every["mfs"])[:2] == (20, 0)


def test_summary_counts_and_names_nobody() -> None:
    tables = one_lesion(20, "dead", {6: 40})
    more = canonical(lesions=[{"lesion_id": "B"}, {"lesion_id": "C", "size_mm": 20}])
    tables["lesions"] = pd.concat([tables["lesions"], more["lesions"]])
    derived = {"lc": derive(tables, LC), "os": derive(tables, OS), "pfs": derive(canonical(), PFS)}
    analysis = SimpleNamespace(left_out={"pfs": "the cohort has no progressions.kind"})
    assert summary(derived, analysis) == {
        "lc": {
            "analysed": 1,
            "outcomes": [{"event": 1, "description": "local failure", "rows": 1}],
            "excluded": [{"reason": "no course", "rows": 2}],
            "not_available": None,
        },
        "os": {
            "analysed": 1,
            "outcomes": [{"event": 1, "description": "death", "rows": 1}],
            "excluded": [],
            "not_available": None,
        },
        "pfs": {
            "analysed": 0,
            "outcomes": [],
            "excluded": [],
            "not_available": "the cohort has no progressions.kind",
        },
    }


# --- random cohorts -------------------------------------------------------------------------


@dataclass(frozen=True)
class Cohort:
    """Random canonical tables with a seed for shuffling them."""

    tables: dict[str, pd.DataFrame]
    seed: int


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """Few patients whose days and diameters coincide often."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    for number in range(draw(st.integers(1, 4))):
        who = {"patient_id": f"P{number}"}
        contact = draw(st.integers(0, 30))
        days = st.integers(0, contact)
        status = draw(st.sampled_from(["alive", "dead"]))
        rows["patients"].append({**who, "last_contact_day": contact, "vital_status": status})
        for _ in range(draw(st.integers(0, 2))):
            kind = draw(st.sampled_from(["local", "regional", "distant"]))
            rows["progressions"].append({**who, "progression_day": draw(days), "kind": kind})
        for letter in "AB"[: draw(st.integers(0, 2))]:
            _add_lesion(draw, rows, {**who, "lesion_id": letter}, days)
    return Cohort(canonical(**rows), draw(st.integers(0, 1000)))


def _add_lesion(
    draw: st.DrawFn, rows: dict[str, list[dict[str, Any]]], key: dict[str, Any], days: Any
) -> None:
    diameters = st.one_of(st.none(), st.sampled_from([20, 25, 30, 36, 40]))
    ends = st.one_of(st.none(), st.none(), days)
    rows["lesions"].append({**key, "size_mm": draw(diameters), "follow_up_end_day": draw(ends)})
    for number in range(draw(st.sampled_from([0, 1, 1, 1, 2, 2]))):
        rows["courses"].append({**key, "course_id": str(number), "start_day": draw(days)})
    # Two measurements of one lesion on one day are told apart only by their line.
    for day in draw(st.lists(days, max_size=4, unique=True)):
        rows["assessments"].append(
            {**key, "assessment_day": day, "diameter_mm": draw(diameters)},
        )


PROTOCOLS = st.builds(
    replace,
    st.just(LC),
    reference=st.sampled_from(["baseline", "nadir"]),
    growth_mm=st.sampled_from([0.0, 5.0, 6.0]),
    death=st.sampled_from(["event", "competing", "censor"]),
    death_gap_months=st.sampled_from([None, 0.0, 3.0, 7.0]),
    second_course=st.sampled_from(["censor", "ignore"]),
    horizon_months=st.sampled_from([None, 12.0]),
)
SURVIVALS = st.builds(
    replace,
    st.sampled_from([PFS, MFS]),
    death=st.sampled_from(["event", "competing", "censor"]),
    death_gap_months=st.sampled_from([None, 3.0, 7.0]),
    censoring=st.sampled_from(["last_contact", "last_assessment"]),
    horizon_months=st.sampled_from([None, 12.0]),
)
RECORDED = st.sampled_from(["all", "first"])
random_cohorts = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
# Each example derives several endpoints.
fewer_cohorts = settings(random_cohorts, max_examples=15)


def outcomes(derived: Derived) -> dict[tuple[str, str], tuple[float, int, str, int]]:
    """Months, event and deciding row by patient and lesion ('' for a patient's endpoint)."""
    return {
        (row.patient_id, "" if pd.isna(row.lesion_id) else row.lesion_id): (
            row.time_months,
            row.event,
            row.source_table,
            row.source_line,
        )
        for row in derived.table.itertuples()
    }


def in_months(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries with days turned into months and <NA> into None."""
    return [
        {
            key: None if pd.isna(v) else v / MONTH if key.endswith("_day") else v
            for key, v in row.items()
        }
        for row in table.to_dict("records")
    ]


def plain_local_control(
    tables: dict[str, pd.DataFrame], protocol: EndpointSettings
) -> tuple[dict[tuple[str, str], tuple[float, int, str, int]], dict[tuple[str, str], float]]:
    """The protocol read aloud, one lesion at a time: outcomes, and months of all failures."""
    found, failed = {}, {}
    rows = {name: in_months(table) for name, table in tables.items()}
    patients = {row["patient_id"]: row for row in rows["patients"]}
    for lesion in rows["lesions"]:
        key = (lesion["patient_id"], lesion["lesion_id"])
        patient = patients[lesion["patient_id"]]
        courses = [r for r in rows["courses"] if (r["patient_id"], r["lesion_id"]) == key]
        images = [
            r
            for r in rows["assessments"]
            if (r["patient_id"], r["lesion_id"]) == key and r["diameter_mm"] is not None
        ]
        images.sort(key=lambda r: (r["assessment_day"], r["source_line"]))
        if not courses:
            continue
        start = min(c["start_day"] for c in courses)
        before = [i["diameter_mm"] for i in images if i["assessment_day"] <= start]
        baseline = before[-1] if before else lesion["size_mm"]
        if baseline is None:
            continue
        again = [c for c in courses if c["start_day"] > start]
        again.sort(key=lambda c: (c["start_day"], c["source_line"]))
        if protocol.second_course == "ignore":
            again = []
        ended = lesion["follow_up_end_day"]
        seen, smallest, outcome = None, baseline, None
        for image in images:
            day = image["assessment_day"]
            until = [d for d in (ended, again[0]["start_day"] if again else None) if d is not None]
            if day <= start or any(day > end for end in until):
                continue
            seen = image
            reference = smallest if protocol.reference == "nadir" else baseline
            growth = image["diameter_mm"] - reference
            if growth >= 0.2 * reference - 1e-9 and growth >= protocol.growth_mm:
                outcome = (day - start, 1, "assessments", image["source_line"])
                failed[key] = (day, image["source_line"])
                break
            smallest = min(smallest, image["diameter_mm"])
        if outcome is None:
            last = seen["assessment_day"] if seen else start
            death = patient["last_contact_day"]
            competes = (
                patient["vital_status"] == "dead"
                and protocol.death != "censor"
                and (protocol.death_gap_months is None or death - last <= protocol.death_gap_months)
                and (ended is None or ended >= death)
                and (not again or again[0]["start_day"] >= death)
            )
            if competes:
                code = {"event": 1, "competing": 2}[protocol.death]
                outcome = (death - start, code, "patients", patient["source_line"])
            elif again and (ended is None or again[0]["start_day"] <= ended):
                second = again[0]
                outcome = (second["start_day"] - start, 0, "courses", second["source_line"])
            elif seen:
                outcome = (last - start, 0, "assessments", seen["source_line"])
            else:
                outcome = (0, 0, "lesions", lesion["source_line"])
        found[key] = cut(outcome, protocol)
    return found, failed


def cut(
    outcome: tuple[float, int, str, int], protocol: EndpointSettings
) -> tuple[float, int, str, int]:
    horizon = protocol.horizon_months
    if horizon is not None and outcome[0] > horizon:
        return (horizon, 0, *outcome[2:])
    return outcome


def plain_progression_free(
    tables: dict[str, pd.DataFrame],
    protocol: EndpointSettings,
    failures: dict[tuple[str, str], Any],
    recorded: str,
) -> dict[tuple[str, str], tuple[float, int, str, int]]:
    """The same for an endpoint per patient, from the cohort's time zero."""
    found = {}
    rows = {name: in_months(table) for name, table in tables.items()}
    for patient in rows["patients"]:
        who = patient["patient_id"]
        progressions = [r for r in rows["progressions"] if r["patient_id"] == who]
        images = [r for r in rows["assessments"] if r["patient_id"] == who]
        visits = [(r["assessment_day"], "assessments", r["source_line"]) for r in images]
        visits += [(r["progression_day"], "progressions", r["source_line"]) for r in progressions]
        visits = [v for v in visits if v[0] > 0]
        last = max(visits, default=(0, "patients", patient["source_line"]))
        contact = patient["last_contact_day"]
        dead = patient["vital_status"] == "dead"
        gap = protocol.death_gap_months
        unseen = dead and gap is not None and contact - last[0] > gap
        own = ("patients", patient["source_line"])
        if dead and not unseen and protocol.death != "censor":
            code = {"event": 1, "competing": 2}[protocol.death]
            ways = [(contact, 2, *own, code)]
        elif unseen or protocol.censoring == "last_assessment":
            ways = [(last[0], 3, *last[1:], 0)]
        else:
            ways = [(contact, 3, *own, 0)]
        if protocol.local_failure:
            ways += [(d, 0, "assessments", n, 1) for (p, _), (d, n) in failures.items() if p == who]
        first_day = min((r["progression_day"] for r in progressions), default=None)
        for row in progressions:
            day = row["progression_day"]
            place = ("progressions", row["source_line"])
            if row["kind"] in protocol.progression_kinds:
                ways.append((day, 1, *place, 1))
            elif recorded == "first" and day == first_day:
                ways.append((day, 3, *place, 0))
        day, _, table, line, code = min(ways)
        found[(who, "")] = cut((day, code, table, line), protocol)
    return found


@random_cohorts
@given(cohorts(), PROTOCOLS)
def test_local_control_equals_a_plain_reading_of_the_protocol(
    cohort: Cohort, protocol: EndpointSettings
) -> None:
    expected, _ = plain_local_control(cohort.tables, protocol)
    assert outcomes(derive(cohort.tables, protocol)) == expected


@random_cohorts
@given(cohorts(), PROTOCOLS, SURVIVALS, RECORDED)
def test_progression_free_survival_equals_a_plain_reading_of_the_protocol(
    cohort: Cohort, local: EndpointSettings, protocol: EndpointSettings, recorded: Any
) -> None:
    _, failures = plain_local_control(cohort.tables, local)
    derived = derive(cohort.tables, protocol, local_failure=local, progressions_recorded=recorded)
    expected = plain_progression_free(cohort.tables, protocol, failures, recorded)
    assert outcomes(derived) == expected


@fewer_cohorts
@given(cohorts(), PROTOCOLS)
def test_endpoints_agree_with_each_other(cohort: Cohort, local: EndpointSettings) -> None:
    local = replace(local, horizon_months=None)
    survival, progression, control = (
        derive(cohort.tables, endpoint, local_failure=local).table.set_index("patient_id")
        for endpoint in (OS, PFS, local)
    )
    assert (progression["time_days"] <= survival["time_days"]).all()
    died = survival["event"] == 1
    assert (progression.loc[died, "event"] == 1).all()
    assert (control["time_days"] <= survival["time_days"].reindex(control.index)).all()


@fewer_cohorts
@given(cohorts(), PROTOCOLS)
def test_every_row_is_analysed_or_excluded(cohort: Cohort, local: EndpointSettings) -> None:
    for endpoint, unit in ((OS, "patients"), (PFS, "patients"), (local, "lesions")):
        derived = derive(cohort.tables, endpoint, local_failure=local)
        assert len(derived.table) + len(derived.excluded) == len(cohort.tables[unit])
        assert (derived.table["time_days"] >= 0).all()
        pandera_schema(ENDPOINT_TABLE).validate(derived.table)


@fewer_cohorts
@given(cohorts(), PROTOCOLS)
def test_order_of_rows_means_nothing(cohort: Cohort, local: EndpointSettings) -> None:
    shuffled = {
        name: table.sample(frac=1, random_state=cohort.seed)
        for name, table in cohort.tables.items()
    }
    for endpoint in (OS, PFS, MFS, local):
        straight = derive(cohort.tables, endpoint, local_failure=local)
        mixed = derive(shuffled, endpoint, local_failure=local)
        pd.testing.assert_frame_equal(mixed.table, straight.table)
        assert mixed.excluded == straight.excluded
