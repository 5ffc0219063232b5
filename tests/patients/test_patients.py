"""Whole hand-written patients and the endpoints that the protocol gives them (see README)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.endpoints import Derived, derive
from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.schema import (
    DAYS_PER_MONTH,
    ENDPOINT_TABLE,
    SOURCE_COLUMNS,
    TABLES,
)
from sarcoma_sbrt.settings import EndpointSettings, endpoint_settings
from sarcoma_sbrt.validation import pandera_schema

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROTOCOL = endpoint_settings(
    read_yaml(ROOT / "config/endpoints.yaml", ROOT / "workflow/schemas/endpoints.schema.yaml")
)
KEYS = {"name", "intent", "settings", "progressions_recorded", "expected", *TABLES}


def written_patients() -> list[dict[str, Any]]:
    files = sorted(HERE.glob("*.yaml"))
    return [entry for file in files for entry in yaml.safe_load(file.read_text(encoding="utf-8"))]


PATIENTS = written_patients()


def canonical(patients: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """Canonical tables of some entries; a patient's identifier is the entry's name."""
    return {name: _table(name, patients) for name in TABLES}


def _table(name: str, patients: list[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **_in_days(row),
            "patient_id": entry["name"],
            "source_file": f"{name}.csv",
            "source_line": line,
        }
        for entry in patients
        for line, row in enumerate(entry.get(name, ()), start=1)
    ]
    columns = {c.name: c.dtype for c in (*TABLES[name].columns, *SOURCE_COLUMNS)}
    assert {key for row in rows for key in row} <= set(columns), f"unknown column of {name}"
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _in_days(row: dict[str, Any]) -> dict[str, Any]:
    return {
        key.replace("_month", "_day"): value * DAYS_PER_MONTH if key.endswith("_month") else value
        for key, value in row.items()
    }


def settings_of(entry: dict[str, Any]) -> dict[str, EndpointSettings]:
    changes = entry.get("settings", {})
    return {name: replace(e, **changes.get(name, {})) for name, e in PROTOCOL.items()}


def derive_all(entry: dict[str, Any], tables: dict[str, pd.DataFrame]) -> dict[str, Derived]:
    protocol = settings_of(entry)
    return {
        name: derive(
            tables,
            endpoint,
            local_failure=protocol["lc"],
            progressions_recorded=entry.get("progressions_recorded", "all"),
        )
        for name, endpoint in protocol.items()
    }


def found(derived: Derived) -> dict[tuple[str, str | None], dict[str, Any]]:
    """What was derived, in the words of `expected`, by patient and lesion."""
    rows = {
        (row.patient_id, None if pd.isna(row.lesion_id) else row.lesion_id): {
            "days": row.time_days,
            "event": row.event,
            "row": f"{row.source_table} {row.source_line}",
        }
        for row in derived.table.itertuples()
    }
    assert all(row.source_file == f"{row.source_table}.csv" for row in derived.table.itertuples())
    out = {(e.patient_id, e.lesion_id): {"excluded": e.reason} for e in derived.excluded}
    assert not rows.keys() & out.keys()
    return rows | out


def expected(entry: dict[str, Any], name: str) -> dict[tuple[str, str | None], dict[str, Any]]:
    outcomes = entry["expected"][name]
    by_lesion = outcomes if PROTOCOL[name].unit == "lesion" else {None: outcomes}
    return {(entry["name"], lesion): _outcome(one) for lesion, one in by_lesion.items()}


def _outcome(written: dict[str, Any]) -> dict[str, Any]:
    if "months" in written:
        rest = {key: value for key, value in written.items() if key != "months"}
        return {"days": pytest.approx(written["months"] * DAYS_PER_MONTH), **rest}
    return written


@pytest.mark.parametrize("entry", PATIENTS, ids=[entry["intent"] for entry in PATIENTS])
def test_patient(entry: dict[str, Any]) -> None:
    assert entry.keys() <= KEYS
    assert {"lc", "os", "pfs"} <= entry["expected"].keys()
    derived = derive_all(entry, canonical([entry]))
    for name in entry["expected"]:
        assert found(derived[name]) == expected(entry, name), name
        pandera_schema(ENDPOINT_TABLE).validate(derived[name].table)


def test_a_patients_endpoints_do_not_depend_on_the_other_patients() -> None:
    cohort = [e for e in PATIENTS if not {"settings", "progressions_recorded"} & e.keys()]
    derived = derive_all({}, canonical(cohort))
    for name in ("lc", "os", "pfs"):
        together = {key: one for entry in cohort for key, one in expected(entry, name).items()}
        assert found(derived[name]) == together


def test_patients_have_names_of_their_own() -> None:
    for key in ("name", "intent"):
        assert len({entry[key] for entry in PATIENTS}) == len(PATIENTS)


def test_there_are_enough_patients() -> None:
    assert len(PATIENTS) >= 25
