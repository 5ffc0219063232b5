"""An alternative changes what it names and nothing else."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.evidence.reconstruction.alternatives import restated
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan

ROOT = Path(__file__).parents[4]
CONTENT = yaml.safe_load((ROOT / "config/reconstruction/feng2022.yaml").read_text(encoding="utf-8"))
PLAN = read_plan(CONTENT)
ROWS = pd.read_csv(ROOT / "data/published/targets/feng2022.csv", dtype=str, keep_default_na=False)


def test_without_a_change_it_is_the_same_problem():
    plan, rows = restated(PLAN, ROWS, {"name": "as fixed beforehand"})
    assert plan == PLAN
    assert rows is ROWS


def test_other_counts():
    plan, rows = restated(PLAN, ROWS, {"name": "x", "ones": {"grade": 18}})
    assert plan.ones == {**PLAN.ones, "grade": 18}
    assert problem(plan, rows).start(1).patients[:, 4].sum() == 18


def test_a_convention_refits_its_rows_alone():
    _, rows = restated(PLAN, ROWS, {"name": "x", "convention": "cox_for_peto"})
    changed = rows["fitted_as"] != ROWS["fitted_as"]
    assert set(ROWS.loc[changed, "fitted_as"]) == {"logrank.peto"}
    assert set(rows.loc[changed, "fitted_as"]) == {"cox.efron"}
    assert "logrank.peto" not in set(rows["fitted_as"])
    assert rows.drop(columns="fitted_as").equals(ROWS.drop(columns="fitted_as"))


@pytest.mark.parametrize("wrong", [{"ones": {"stage": 3}}, {"convention": "none"}])
def test_what_there_is_not_is_refused(wrong):
    with pytest.raises(KeyError):
        restated(PLAN, ROWS, wrong)


def test_the_alternatives_of_the_plan_can_be_searched():
    of = CONTENT["search"]["alternatives"]["of"]
    assert of[0].keys() == {"name"}  # what the others are compared with
    for alternative in of:
        assert len(problem(*restated(PLAN, ROWS, alternative)).numbers) == 3
