"""Endpoints a second time: the hand-written patients of tests/patients, and shaken cohorts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from cohort_run import configuration_of, shaken, tables_of

from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.provenance.crosscheck.events import changes, observed_lesions, outcomes
from sarcoma_sbrt.provenance.crosscheck.records import rows_of
from sarcoma_sbrt.schema import DAYS_PER_MONTH, SOURCE_COLUMNS, TABLES
from sarcoma_sbrt.settings import endpoint_settings, plan_settings

ROOT = Path(__file__).parents[4]
PROTOCOL = endpoint_settings(
    yaml.safe_load((ROOT / "config/endpoints.yaml").read_text(encoding="utf-8"))
)
PATIENTS = [
    entry
    for file in sorted((ROOT / "tests" / "patients").glob("*.yaml"))
    for entry in yaml.safe_load(file.read_text(encoding="utf-8"))
]


def rows_as_written(entry: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Canonical rows of one hand-written patient, months as days."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, table in TABLES.items():
        empty = dict.fromkeys([c.name for c in (*table.columns, *SOURCE_COLUMNS)])
        tables[name] = []
        for line, row in enumerate(entry.get(name, ()), start=1):
            given = {
                key.removesuffix("_month") + "_day" if key.endswith("_month") else key: (
                    value * DAYS_PER_MONTH if key.endswith("_month") else value
                )
                for key, value in row.items()
            }
            source = {"patient_id": "p", "source_file": f"{name}.csv", "source_line": line}
            tables[name].append({**empty, **given, **source})
    return tables


@pytest.mark.parametrize("entry", PATIENTS, ids=[entry["name"] for entry in PATIENTS])
def test_a_patient_has_the_outcomes_that_were_written_down(entry: dict[str, Any]) -> None:
    settings = {
        name: replace(endpoint, **_typed(entry.get("settings", {}).get(name, {})))
        for name, endpoint in PROTOCOL.items()
    }
    tables, recorded = rows_as_written(entry), entry.get("progressions_recorded", "all")
    for name, expected in entry["expected"].items():
        found = outcomes(tables, settings[name], settings["lc"], recorded)
        written = expected if settings[name].unit == "lesion" else {None: expected}
        assert {o.lesion: (pytest.approx(o.months), o.event) for o in found} == {
            lesion if lesion is None else str(lesion): (_months(one), one["event"])
            for lesion, one in written.items()
            if "event" in one
        }


def _months(expected: dict[str, Any]) -> float:
    return float(expected.get("months", expected.get("days", 0) / DAYS_PER_MONTH))


def _typed(changes: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()}


@pytest.mark.parametrize("seed", range(12))
def test_outcomes_are_those_of_the_first_engine(seed: int) -> None:
    cohort = ("small", "reconstructed-2022")[seed % 2]
    raw, tables = configuration_of(cohort), tables_of(cohort)
    shaken(raw, tables, seed)
    plan = plan_settings(raw)
    rows = {name: rows_of(table) for name, table in tables.items()}
    for name, derived in derive_all(tables, plan.endpoints, plan.cohort).items():
        found = outcomes(
            rows, plan.endpoints[name], plan.endpoints["lc"], plan.cohort.progressions_recorded
        )
        assert [(o.patient, o.lesion, pytest.approx(o.months), o.event) for o in found] == [
            (row["patient_id"], row["lesion_id"], row["time_months"], row["event"])
            for row in rows_of(derived.table)
        ]


def test_changes_are_per_cent_of_the_baseline_while_the_lesion_is_observed() -> None:
    lesion = {"lesion_id": "a"}
    entry = {
        "patients": [{"last_contact_month": 30, "vital_status": "alive"}],
        "lesions": [{**lesion, "size_mm": 99}],
        "courses": [
            {**lesion, "course_id": "1", "start_month": 0},
            {**lesion, "course_id": "2", "start_month": 9},
        ],
        "assessments": [
            {**lesion, "assessment_month": month, "diameter_mm": diameter}
            for month, diameter in ((-1, 50), (3, 40), (6, 55), (12, 500))
        ],
    }
    courses = observed_lesions(rows_as_written(entry), PROTOCOL["lc"])
    assert changes(courses) == {("p", "a"): [pytest.approx(-20), pytest.approx(10)]}
