"""How long the rows of a cohort's numbers take to find, and how large they are: never asserted.

A cohort is drawn with the default one's columns, in the order in which patients come to a centre,
so that a group's rows are scattered: the worst case for ranges. The numbers asked for are those of
the default plan, as often as the default registry asks for the same rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.evidence.published import Published
from sarcoma_sbrt.provenance.row_sets import RowSets
from sarcoma_sbrt.provenance.rows import CanonicalRows, NumberRows, PrintedRows, Records
from sarcoma_sbrt.reporting.cohort_statistics import cohort_statistics
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns, endpoint_columns
from sarcoma_sbrt.schema import DAYS_PER_MONTH, TABLES
from sarcoma_sbrt.settings import Plan, plan_settings

REPOSITORY = Path(__file__).parents[2]
COHORT = "reconstructed-2022"
ENTRIES = 17_600
IMAGES = 4


def default_plan() -> Plan:
    """Plan of the default cohort."""
    files = {
        "endpoints": "config/endpoints.yaml",
        "models": "config/models.yaml",
        "cohort": f"config/cohorts/{COHORT}.yaml",
    }
    read = {
        name: yaml.safe_load((REPOSITORY / path).read_text(encoding="utf-8"))
        for name, path in files.items()
    }
    return plan_settings({**read, "name": COHORT, "seed": 1})


def tables(patients: int) -> dict[str, pd.DataFrame]:
    """Canonical tables of so many patients with one lesion or two."""
    draw = np.random.default_rng(patients)
    lesions = np.repeat(np.arange(patients), draw.integers(1, 3, patients))
    imaged = np.repeat(np.arange(len(lesions)), IMAGES)
    months = np.tile(np.arange(IMAGES) * 6, len(lesions))
    last = draw.integers(1, 60, patients)
    size = draw.gamma(3, 15, len(lesions)).round(1) + 1
    columns = {
        "patients": {
            "patient_id": np.arange(patients),
            "age_years": draw.integers(18, 90, patients),
            "sex": draw.choice(["female", "male"], patients),
            "grade": draw.choice(["G1", "G2", "G3"], patients),
            "setting": draw.choice(["recurrence", "oligometastasis"], patients),
            "last_contact_day": last * DAYS_PER_MONTH,
            "vital_status": draw.choice(["alive", "dead"], patients),
        },
        "lesions": {
            "patient_id": lesions,
            "lesion_id": np.arange(len(lesions)),
            "site": draw.choice(["lung", "chest", "limbs"], len(lesions)),
            "size_mm": size,
        },
        "courses": {
            "patient_id": lesions,
            "lesion_id": np.arange(len(lesions)),
            "course_id": 1,
            "start_day": 0,
            "dose_gy": draw.choice([30.0, 40.0, 50.0], len(lesions)),
            "fractions": draw.choice([3, 5], len(lesions)),
        },
        "assessments": {
            "patient_id": lesions[imaged],
            "lesion_id": imaged,
            "assessment_day": np.minimum(months, last[lesions[imaged]]) * DAYS_PER_MONTH,
            "diameter_mm": size[imaged] * draw.choice([0.9, 1.0, 1.3], len(imaged)),
        },
        "progressions": {
            "patient_id": np.arange(0, patients, 2),
            "progression_day": draw.integers(0, last[::2] + 1) * DAYS_PER_MONTH,
            "kind": "distant",
        },
        "treatments": {
            "patient_id": np.arange(patients),
            "kind": draw.choice(["surgery", "chemotherapy"], patients),
            "intent": "with_sbrt",
            "timing": "before",
        },
        "toxicities": {
            "patient_id": np.arange(0, patients, 5),
            "term": "Fatigue",
            "grade": draw.integers(1, 4, len(range(0, patients, 5))),
            "onset_day": 30,
        },
    }
    return {name: canonical(name, values) for name, values in columns.items()}


def canonical(name: str, values: dict[str, object]) -> pd.DataFrame:
    """A canonical table, each row with its place in ``<name>.csv``."""
    frame = pd.DataFrame(values)
    frame = frame.assign(source_file=f"{name}.csv", source_line=np.arange(len(frame)) + 2)
    kinds = {c.name: c.dtype for c in TABLES[name].columns}
    kinds |= {"source_file": "string", "source_line": "Int64"}
    whole = frame.reindex(columns=list(kinds))
    texts = {column: "string" for column in ("patient_id", "lesion_id", "course_id")}
    return whole.astype({c: kind for c, kind in (kinds | texts).items() if c in whole})


def asked(records: Records) -> Iterator[tuple[str, Statistic]]:
    """Numbers of the plan, one for each way to select rows: curves, groups, tests, models."""
    plan = records.plan
    yield from (
        ("characteristics", statistic)
        for statistic in cohort_statistics(
            records.tables,
            (records.patients, records.lesions),
            plan.analysis,
            plan.cohort,
            alpha_beta_gy=plan.alpha_beta_gy,
            acute_toxicity_months=plan.acute_toxicity_months,
        )
    )
    for name in plan.analysis.endpoints:
        groups = plan.analysis.strata.get(name, ())
        wheres = [{}, *({group: of} for group in groups for of in (0, 1, [0, 1]))]
        wheres += [{"recorded": list(names)} for names in plan.analysis.cox_models(name).values()]
        for at, where in enumerate(wheres):
            used = [g for part in where for g in (where[part] if part == "recorded" else [part])]
            covariates = covariate_columns(plan.analysis.covariates[one] for one in used)
            columns = dict.fromkeys(
                (*endpoint_columns(plan.endpoints[name], plan.cohort), *covariates)
            )
            table = {"table": f"endpoints/{name}"}
            yield (
                "kaplan_meier",
                Statistic(
                    f"{name}.{at}",
                    1,
                    "count",
                    "count",
                    columns=tuple(columns),
                    population=table | {"filter": where},
                    rows=table | {"where": where},
                ),
            )


def main() -> None:
    """Print one line per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", nargs="*", type=float, default=[100, 1e4, 1e5])
    plan = default_plan()
    print(f"lineage of {ENTRIES} numbers")
    for patients in map(int, parser.parse_args().patients):
        made = tables(patients)
        endpoints = derive_all(made, plan.endpoints, plan.cohort)
        frames = covariate_frame(made, alpha_beta_gy=plan.alpha_beta_gy)
        of_endpoints = {name: one.table for name, one in endpoints.items()}
        records = Records(made, of_endpoints, *frames, plan)
        ways = list(asked(records))
        begin = time.process_time()
        sets = RowSets(made, f"data/cohorts/{COHORT}")
        rows = NumberRows(CanonicalRows(records), PrintedRows(Published({}, {}), {}, {}), sets)
        for at in range(ENTRIES):
            rows.name(*ways[at % len(ways)])
        taken = time.process_time() - begin
        text = json.dumps(sets.to_json())
        print(
            f"  {patients:7d} patients  {sum(map(len, made.values())):8d} rows"
            f"  {taken:6.2f} s  {len(sets.to_json()):4d} sets  {len(text) / 1e6:8.2f} MB"
        )


if __name__ == "__main__":
    main()
