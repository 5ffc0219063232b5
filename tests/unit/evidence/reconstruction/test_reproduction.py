"""What a cohort gives for the printed numbers, by the workflow's estimators."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.evidence.reconstruction import schedule
from sarcoma_sbrt.evidence.reconstruction.evaluator import UNDEFINED, printed
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.reproduction import (
    CONVENTIONS,
    Counts,
    Records,
    covariates_of,
    endpoint_records,
    recompute,
    score,
    shows_change,
    targets_of,
)
from sarcoma_sbrt.io import read_rows
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.kaplan_meier import fit_kaplan_meier

ROOT = Path(__file__).parents[4]
ROWS = [cells for _, cells in read_rows(ROOT / "data/published/targets/feng2022.csv")]
PLAN = read_plan(
    yaml.safe_load((ROOT / "config/reconstruction/feng2022.yaml").read_text(encoding="utf-8"))
)
FENG = problem(PLAN, pd.DataFrame(ROWS))
BY_NAME = {convention.name: convention for convention in CONVENTIONS}


def cohort(seed: int) -> dict[str, Records]:
    chain = FENG.start(seed)
    return endpoint_records(PLAN, *FENG.tables(chain.patients, chain.lesions))


def found(records, convention=None):
    return {one.target_id: one for one in recompute(FENG, ROWS, records, convention)}


def test_every_unique_number_is_there_once_in_the_order_of_the_file() -> None:
    chosen = targets_of(FENG, ROWS)
    ids = [number.target_id for number, _ in chosen]
    assert len(ids) == len(set(ids)) == 141
    order = [row["target_id"] for row in ROWS]
    places = [order.index(row["target_id"]) for _, row in chosen]
    assert places == sorted(places)
    assert all(number.target_id.startswith(row["target_id"]) for number, row in chosen)
    levels = [number.endpoint == "lc" for number, _ in chosen]
    assert (levels.count(False), levels.count(True)) == (89, 52)


@pytest.mark.parametrize("seed", range(4))
def test_the_searchs_own_evaluator_agrees(seed: int) -> None:
    """Two ways to the same numbers: the search knows nothing of the survival modules."""
    chain = FENG.start(seed)
    recomputed = found(cohort(seed))
    endpoints = [FENG.endpoint(at) for at in range(3)]
    own = schedule.score(FENG, endpoints, chain)
    compared = 0
    for numbers, endpoint in zip(FENG.numbers, endpoints, strict=True):
        for number, value in zip(numbers, printed(endpoint.fits, endpoint.result), strict=True):
            if number is None or not number.counted:
                continue
            ours = recomputed[number.target_id].value
            if ours is None:
                assert value >= UNDEFINED or not np.isfinite(value), number.target_id
            else:
                assert ours == pytest.approx(value, rel=1e-7), number.target_id
                compared += 1
    assert compared > 100
    assert [(c.near, c.exact, c.of) for c in score(recomputed.values()).values()] == list(
        own.by_endpoint
    )


def test_a_rate_a_median_and_a_ratio_are_the_survival_modules() -> None:
    records = cohort(1)
    values = {key: one.value for key, one in found(records).items()}
    os, lc = records["os"], records["lc"]
    low = os.codes["grade"].to_numpy() == 0
    curve = fit_kaplan_meier(os.months[low], os.event[low], level=0.95)
    assert values["feng2022.os.grade_g2_g3.rate_12m.estimate"] == 100 * curve.rate(12).value
    assert values["feng2022.os.grade_g2_g3.median.ci_low"] == curve.median().low
    assert values["feng2022.follow_up.median.range_high"] == os.months.max()
    key = "feng2022.lc.multivariable.number_of_lesions.hr"
    row = next(row for row in ROWS if row["target_id"] == key)
    design, ties = lc.codes[list(covariates_of(row))], row["fitted_as"].partition(".")[2]
    model = fit_cox(design, lc.months, lc.event, level=0.95, ties=ties)
    assert len(model.terms) > 2
    term = model["number_of_lesions"]
    assert values[f"{key}.ci_high"] == pytest.approx(term.high, rel=1e-12)
    assert values[f"{key}.p"] == pytest.approx(term.p, rel=1e-10)


def moved(name: str) -> list[dict[str, str]]:
    """Rows of which a convention changes a number in one of some cohorts."""
    rows = []
    for records in map(cohort, range(4)):
        fixed = found(records)
        other = found(records, BY_NAME[name])
        rows += [one.row for key, one in other.items() if one.value != fixed[key].value]
    return rows


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("cox_for_peto", "logrank.peto"),
        ("observed_expected", "logrank.peto"),
        ("breslow", "cox.efron"),
        ("efron", "cox.breslow"),
        ("crossing", "kaplan_meier.first_event"),
    ],
)
def test_conventions_change_the_rows_that_they_name_and_no_other(name: str, changed: str) -> None:
    rows = [row for _, row in targets_of(FENG, ROWS)]
    named = {changed} & {row["fitted_as"] for row in rows}
    assert {row["fitted_as"] for row in moved(name)} == named
    assert shows_change(BY_NAME[name], rows) == bool(named)


def test_log_rank_ratios_replace_models_of_one_covariate() -> None:
    assert {len(covariates_of(row)) for row in moved("peto_for_cox")} == {1}


def test_what_a_cohort_cannot_give_is_missed() -> None:
    records = cohort(3)
    os = records["os"]
    nobody = replace(os, event=np.zeros_like(os.event))
    lacking = replace(os, codes=os.codes.drop(columns="grade"))
    for other in ({**records, "os": nobody}, {**records, "os": lacking}, {}):
        one = found(other)["feng2022.os.univariable.grade.hr.estimate"]
        assert (one.value, one.status, one.near) == (None, "miss", False)
    assert score(found({}).values())["lc"] == Counts(0, 0, 52)
    assert found({**records, "os": lacking})["feng2022.os.rate_12m.estimate"].value is not None


def test_who_has_no_code_is_in_no_group() -> None:
    records = cohort(3)
    os = records["os"]
    codes = os.codes.copy()
    codes.loc[0, "setting"] = np.nan
    key = "feng2022.os.univariable.setting.hr.p"
    without = Records(os.months[1:], os.event[1:], os.codes.iloc[1:])
    values = [
        found({**records, "os": own})[key].value for own in (replace(os, codes=codes), without)
    ]
    assert values[0] == values[1]


def test_near_is_the_print_or_two_percent_of_the_number() -> None:
    one = found(cohort(1))["feng2022.os.univariable.setting.hr.estimate"]
    for value, status, near in (
        (0.3634, "exact", True),
        (0.3636, "unit", True),
        (0.367, "two_percent", True),
        (0.372, "miss", False),
    ):
        changed = replace(one, value=value)
        assert (changed.status, changed.near) == (status, near), value
    p = found(cohort(1))["feng2022.os.univariable.grade.hr.p"]
    assert (replace(p, value=0.0002).status, replace(p, value=0.0002).near) == ("unit", False)
    # Prints as 0.0001, and is a fifth off.
    assert (replace(p, value=0.00012).status, replace(p, value=0.00012).near) == ("exact", True)
