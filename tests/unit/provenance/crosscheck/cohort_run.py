"""A cohort from its raw tables to the first engines' statistics, without the workflow."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.extraction.eligibility import extract
from sarcoma_sbrt.extraction.sources import read_tables
from sarcoma_sbrt.io import read_json, read_rows
from sarcoma_sbrt.provenance.crosscheck.checks import Check, Materials, Promise, Second, checked
from sarcoma_sbrt.provenance.crosscheck.plan import promised, rules_of
from sarcoma_sbrt.reporting.stages import characteristics, dose_sensitivity, kaplan_meier
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.schema import DAYS_PER_MONTH
from sarcoma_sbrt.settings import merged_plan, plan_settings

Records = Sequence[Mapping[str, Any]]

ROOT = Path(__file__).parents[4]
COHORTS = {
    "small": (ROOT / "tests/data/config/cohorts", ROOT / "tests/data/cohorts/small"),
    "reconstructed-2022": (
        ROOT / "config/cohorts",
        ROOT / "data/cohorts/reconstructed-2022",
    ),
}


@functools.cache
def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def configuration_of(cohort: str) -> dict[str, Any]:
    """What scripts get as their plan; a copy, to be changed by a test."""
    raw = {
        "endpoints": _read(ROOT / "config/endpoints.yaml"),
        "models": _read(ROOT / "config/models.yaml"),
        "cohort": _read(COHORTS[cohort][0] / f"{cohort}.yaml"),
        "name": cohort,
        "seed": 2022,
    }
    return copy.deepcopy(raw)


@functools.cache
def _extracted(cohort: str) -> Any:
    settings = plan_settings(configuration_of(cohort)).cohort
    return extract(settings, *read_tables(settings, COHORTS[cohort][1]))


def tables_of(cohort: str) -> dict[str, pd.DataFrame]:
    """Canonical tables of a cohort; copies, to be changed by a test."""
    return {name: table.copy() for name, table in _extracted(cohort).tables.items()}


def materials_of(
    raw: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], *stages: str
) -> Materials:
    """Materials with what the first engines make of these tables, stage by stage."""
    plan = plan_settings(raw)
    derived = derive_all(tables, plan.endpoints, plan.cohort)
    endpoints = {name: one.table for name, one in derived.items()}
    patients, lesions = covariate_frame(
        tables, alpha_beta_gy=plan.alpha_beta_gy, concurrent_days=plan.concurrent_days
    )
    flow = _fitting(_extracted(raw["name"]).flow, tables)
    cohort = Cohort(plan, {"patient": patients, "lesion": lesions}, endpoints, tables, flow)
    first = {
        "characteristics": characteristics.statistics,
        "kaplan_meier": kaplan_meier.statistics,
        "dose_sensitivity": dose_sensitivity.statistics,
    }
    return Materials(
        plan=plan,
        configuration={
            "cohort": raw["cohort"],
            "endpoints": raw["endpoints"],
            "models": merged_plan(raw["models"], plan.cohort),
            "run": {"cohort": raw["name"], "seed": raw["seed"]},
        },
        canonical=tables,
        endpoints=endpoints,
        covariates={"patients": patients, "lesions": lesions},
        statistics={stage: to_json(stage, first[stage](cohort))["statistics"] for stage in stages},
        flow=flow,
    )


def _fitting(flow: Any, tables: Mapping[str, pd.DataFrame]) -> Any:
    """The ledger; one that fits where a test took patients out."""
    analysed = len(tables["patients"])
    if flow["patients"]["analysed"] == analysed:
        return flow
    return flow | {"patients": {"read": analysed, "excluded": [], "analysed": analysed}}


def listed(stage: str, records: Records) -> Records:
    """Records of a stage, each of which the committed list must say something of."""
    promised(stage, records, rules_of(_read(ROOT / "config/crosscheck.yaml")))
    return records


def published_tables() -> tuple[dict[str, list[tuple[int, dict[str, str]]]], dict[str, Any]]:
    """Rows of the tables of printed figures, by path, and what describes these."""
    folder = ROOT / "data/published"
    package = read_json(folder / "datapackage.json")
    paths = [resource["path"] for resource in package["resources"]]
    return {f"data/published/{path}": read_rows(folder / path) for path in paths}, package


def compared(
    materials: Materials, stage: str, seconds: Mapping[str, Second], near: float = 1e-9
) -> dict[str, Check]:
    """Checks of a stage, all of them independent, each within `near` of its number."""
    records = listed(stage, materials.statistics[stage])
    promises = {
        r["key"]: Promise(
            "independent", seconds[r["key"]].engine if r["key"] in seconds else "", near, near
        )
        for r in records
    }
    return checked(records, promises, seconds)


def disagreeing(checks: Mapping[str, Check]) -> dict[str, str]:
    """What does not agree, and why."""
    return {key: check.reason for key, check in checks.items() if not check.agrees}


# --- cohorts that nobody would record -----------------------------------------------------


def shaken(raw: dict[str, Any], tables: dict[str, pd.DataFrame], seed: int) -> None:
    """Change settings and tables at random: fewer patients, missing values, ties, other rules."""
    rng = np.random.default_rng(seed)
    _shake_settings(raw, rng)
    _keep_patients(tables, rng)
    _lose_values(tables, rng)
    if rng.random() < 0.5:  # whole months: many ties
        _round_days(tables)


def _shake_settings(raw: dict[str, Any], rng: np.random.Generator) -> None:
    choose = rng.choice
    curves = raw["models"]["kaplan_meier"]
    curves["transform"] = str(choose(["log-log", "log", "plain"]))
    curves["median_ci"] = str(choose(["crossing", "first_event"]))
    curves["median_at_half"] = str(choose(["first", "midpoint"]))
    curves["rmst_months"] = [None, 6, 18, 60][rng.integers(4)]
    raw["models"]["confidence_level"] = float(choose([0.8, 0.95, 0.99]))
    raw["models"]["dose"]["alpha_beta_gy"] = [[3, 4, 10], [2.5, 10], [10]][rng.integers(3)]
    raw["models"]["dose"]["cut_points"] = {
        "least_share": float(choose([0.05, 0.1, 0.3])),
        "least_events": int(choose([1, 3])),
        "permutations": 19,
    }
    raw["endpoints"]["concurrent_lesions_days"] = int(choose([0, 30, 400]))
    raw["cohort"]["progressions_recorded"] = str(choose(["all", "first"]))
    for endpoint in raw["endpoints"]["endpoints"].values():
        endpoint["time_zero"] = str(choose(["cohort", "first_course"]))
        endpoint["horizon_months"] = [None, 10][rng.integers(2)]
        if endpoint["event"] != "death":
            endpoint["death"] = str(choose(["event", "competing", "censor"]))
            endpoint["death_gap_months"] = [None, 0, 3][rng.integers(3)]
            endpoint["censoring"] = str(choose(["last_contact", "last_assessment"]))
        if endpoint["event"] == "local_failure":
            endpoint["reference"] = str(choose(["baseline", "nadir"]))
            endpoint["second_course"] = str(choose(["censor", "ignore"]))
            endpoint["growth_mm"] = int(choose([0, 5]))


def _keep_patients(tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> None:
    everyone = tables["patients"]["patient_id"].to_numpy()
    size = int(rng.integers(1, len(everyone) + 1))
    kept = set(rng.choice(everyone, size, replace=False))
    for name, table in tables.items():
        tables[name] = table[table["patient_id"].isin(kept)].reset_index(drop=True)


def _lose_values(tables: dict[str, pd.DataFrame], rng: np.random.Generator) -> None:
    for name, column in (
        ("patients", "grade"),
        ("patients", "age_years"),
        ("patients", "setting"),
        ("lesions", "size_mm"),
        ("lesions", "site"),
        ("courses", "dose_gy"),
        ("assessments", "diameter_mm"),
        ("toxicities", "attribution"),
    ):
        lost = rng.random(len(tables[name])) < rng.choice([0.0, 0.1, 0.5])
        tables[name].loc[lost, column] = pd.NA


def _round_days(tables: dict[str, pd.DataFrame]) -> None:
    step = 6 * DAYS_PER_MONTH
    for table in tables.values():
        for column in table.columns:
            if column.endswith("_day"):
                table[column] = (table[column] / step).round() * step
