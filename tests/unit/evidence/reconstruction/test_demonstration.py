"""The study made by us: what it prints is true of it, and what a search recovers is measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.evidence.reconstruction import demonstration, schedule
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.simulation import (
    counted_plan,
    printed_statistics,
    simulate,
)
from sarcoma_sbrt.evidence.reconstruction.solutions import score_of
from sarcoma_sbrt.io import read_yaml

ROOT = Path(__file__).parents[4]
COLUMNS = pd.read_csv(ROOT / "data/published/targets/feng2022.csv", nrows=0).columns


@pytest.fixture(scope="module")
def content():
    path = ROOT / "config/reconstruction/demonstration.yaml"
    return read_yaml(path, ROOT / "workflow/schemas/demonstration.schema.yaml")


@pytest.fixture(scope="module")
def truth(content):
    return simulate(content, content["simulation"]["seed"])


@pytest.fixture(scope="module")
def study(content, truth):
    rows = printed_statistics(content, *truth, COLUMNS)
    return problem(read_plan(counted_plan(content, *truth)), rows)


def test_a_simulated_cohort_keeps_the_rules_of_one(content) -> None:
    for seed in range(20):
        patients, lesions = simulate(content, seed)
        assert len(patients) == 40
        assert lesions["patient"].value_counts().value_counts().to_dict() == {1: 27, 2: 8, 3: 5}
        own = patients.set_index("id").loc[lesions["patient"]].reset_index(drop=True)
        assert (patients["pfs_months"] <= patients["os_months"]).all()
        assert (patients["pfs_event"] >= patients["death"]).all()
        censored = patients["pfs_event"] == 0
        assert (patients["pfs_months"] == patients["os_months"])[censored].all()
        assert (lesions["lc_months"] <= own["os_months"]).all()
        failed = lesions["lf"] == 1
        assert (own["pfs_event"][failed] == 1).all()
        assert (own["pfs_months"] <= lesions["lc_months"])[failed].all()
        assert patients[["os_months", "pfs_months"]].min().min() >= 1
        assert patients["os_months"].max() <= content["plan"]["months"]["latest"]
        first = lesions.drop_duplicates("patient")
        least = lesions.groupby("patient")["small"].min()
        assert (first["small"].to_numpy() == least.to_numpy()).all()
        assert (patients["small"].to_numpy() == first["small"].to_numpy()).all()
        assert (patients["low_dose"].to_numpy() == first["low_dose"].to_numpy()).all()


def test_hazards_are_those_of_the_design(content) -> None:
    """A large cohort has the ratio that was asked for (events per month at risk)."""
    plan = {**content["plan"], "lesions_per_patient": {1: 20_000}}
    ratios = {name: {} for name in content["simulation"]["ratios"]} | {"death": {"stage": 0.25}}
    medians = {"progression": 1e9, "local_failure": 1e9, "death": 100}
    simulation = {**content["simulation"], "ratios": ratios, "medians": medians}
    patients, _ = simulate({**content, "plan": plan, "simulation": simulation}, 1)
    rates = patients.groupby("early")[["death", "os_months"]].sum()
    rate = rates["death"] / rates["os_months"]
    assert rate[1] / rate[0] == pytest.approx(0.25, rel=0.05)
    assert rate[0] == pytest.approx(np.log(2) / 100, rel=0.05)


def test_what_is_printed_is_true_of_the_simulated_cohort(study, truth) -> None:
    """The survival code prints, the search's evaluator recomputes: every digit must come back."""
    score = score_of(study, *truth)
    of = sum(counted for *_, counted in score.by_endpoint)
    assert (score.near, score.exact) == (of, of)
    assert of > 130
    patients, lesions = truth
    other = patients.assign(early=1 - patients["early"])
    assert score_of(study, other, lesions).exact < of - 30


def test_rows_have_the_columns_of_the_targets_file(content, truth) -> None:
    rows = printed_statistics(content, *truth, COLUMNS).set_index("target_id")
    assert list(rows.columns) == [c for c in COLUMNS if c != "target_id"]
    rate = rows.loc["demonstration.os.stage_early.rate_12m"]
    assert (rate["measure"], rate["endpoint"], rate["subgroup"]) == ("rate", "os", "stage_early")
    assert rate["printed_text"].count(".") == 1
    ratio = rows.loc["demonstration.lc.multivariable.volume.hr"]
    assert (ratio["fitted_as"], ratio["adjusted_for"]) == ("cox.efron", "stage")
    low, high = ratio["printed_ci"].split("–")
    assert float(low) < float(ratio["printed_text"]) < float(high)
    assert rows.loc["demonstration.os.univariable.stage.hr", "fitted_as"] == "logrank.peto"
    assert (rows[["printed_text", "printed_ci", "printed_p"]] != "").any(axis=1).all()


def test_the_truth_is_recovered_by_itself_and_not_by_chance(content, study, truth) -> None:
    same = demonstration.compared(content, study.plan, truth, truth)
    assert (same["truth"].eq(same["found"]) | same["truth"].isna()).all()
    assert set(same["kind"]) == {"survival", "incidence", "hazard ratio"}
    assert (demonstration.rows_found(truth, truth)["share"] == 1).all()
    few = {**content, "held_out": {**content["held_out"], "chance": 4}}
    comparison, shares = demonstration.by_chance(few, study.plan, truth)
    assert comparison["seed"].nunique() == 4
    assert shares["share"].max() < 0.3, "one of the others is the truth itself"
    table = demonstration.summary(same.assign(seed=1), comparison).set_index(
        ["kind", "endpoint", "printed"]
    )
    assert table.loc[("survival", "os", False), "largest"] == 0
    assert table.loc[("hazard ratio", "pfs", False), "largest"] == 1
    assert table.loc[("survival", "os", False), "median_by_chance"] > 3
    assert table.loc[("hazard ratio", "os", False), "median_by_chance"] > 1.1


def test_a_short_search_comes_nearer_to_what_is_printed_than_chance(content, study, truth) -> None:
    run = schedule.reconstruct(study, schedule.begin(study, 1), schedule.stages(1, 50_000, 0, 10))
    found = study.tables(run.best.patients, run.best.lesions)
    start = schedule.begin(study, 1).chain
    random = study.tables(start.patients, start.lesions)
    assert score_of(study, *found).near > score_of(study, *random).near + 30

    def off(cohort):
        """Median distance of printed survival rates from the truth."""
        table = demonstration.compared(content, study.plan, truth, cohort)
        table = table[(table["kind"] == "survival") & table["printed"]]
        return (table["found"] - table["truth"]).abs().median()

    assert off(found) < 0.5 * off(random)
    assert demonstration.rows_found(truth, found)["share"].iloc[0] < 0.2
