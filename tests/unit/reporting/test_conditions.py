from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sarcoma_sbrt.reporting.conditions import conditions
from sarcoma_sbrt.settings import plan_settings

CONFIG = Path(__file__).parents[3] / "config"


def plan():
    def read(name):
        return yaml.safe_load((CONFIG / f"{name}.yaml").read_text(encoding="utf-8"))

    names = {"cohort": "cohorts/reconstructed-2022", "endpoints": "endpoints", "models": "models"}
    raw = {"name": "c", "seed": 1} | {key: read(name) for key, name in names.items()}
    return plan_settings(raw)


def answers(numbers=(), parts=(), values=None, times=None, **changes):
    made = plan()
    analysis = made.analysis
    if times:
        analysis = replace(analysis, comparison=replace(analysis.comparison, times_months=times))
    endpoints = dict(made.endpoints)
    for name, change in changes.items():
        endpoints[name] = replace(endpoints[name], **change)
    registry = {key: {"support": support, "value": 2} for key, support in dict(numbers).items()}
    for key, value in (values or {}).items():
        told = {"value": value, "text": str(value)}
        registry[key] = {"support": "printed", "status": "estimated"} | told
    return conditions(registry, dict.fromkeys(parts), analysis, made.cohort, endpoints)


def test_a_section_is_there_when_any_key_lies_below_its_name():
    found = answers({"lc.median": "inferred", "lcx.median": "printed"})
    assert found["has.lc"]
    assert not found["has.pfs"]
    assert not answers({"lcx.median": "printed"})["has.lc"]


def test_the_estimators_that_the_plan_chose():
    found = answers()
    assert (found["ties.efron"], found["ties.breslow"]) == (True, False)
    assert (found["median_ci.crossing"], found["median_ci.first_event"]) == (True, False)
    assert (found["median_at_half.first"], found["median_at_half.midpoint"]) == (True, False)
    assert not found["has.rmst_months"]


@pytest.mark.parametrize("support", ["printed", "inferred", "filler"])
def test_counts_of_the_reproduction_on_filler_may_not_be_quoted(support):
    found = answers({"reproduction.count.all.exact": support})
    assert found["has.reproduction"]
    assert found["quotable.reproduction"] is (support != "filler")


def test_a_median_on_filler_may_not_be_quoted():
    found = answers({"os.median": "printed", "mfs.median": "filler"})
    assert (found["quotable.os"], found["quotable.mfs"], found["quotable.pfs"]) == (
        True,
        False,
        False,
    )


@pytest.mark.parametrize(
    ("change", "true", "false"),
    [
        ({}, "lc.reference.baseline", "lc.reference.nadir"),
        ({"reference": "nadir"}, "lc.reference.nadir", "lc.reference.baseline"),
        ({"death": "censor"}, "lc.death.censor", "lc.death.competing"),
        ({"second_course": "ignore"}, "lc.second_course.ignore", "lc.second_course.censor"),
    ],
)
def test_the_definition_of_an_endpoint_can_be_asked_for(change, true, false):
    found = answers(lc=change)
    assert found[true]
    assert not found[false]


def test_whether_a_lesions_follow_up_may_end_before_its_patients():
    assert answers()["lc.own_follow_up"]
    made = plan()
    lesions = made.cohort.tables["lesions"]
    rest = {name: c for name, c in lesions.columns.items() if name != "follow_up_end_day"}
    tables = {**made.cohort.tables, "lesions": replace(lesions, columns=rest)}
    cohort = replace(made.cohort, tables=tables)
    assert not conditions({}, {}, made.analysis, cohort, made.endpoints)["lc.own_follow_up"]


def test_a_gap_of_zero_is_a_gap_and_none_is_not():
    assert answers(pfs={"death_gap_months": 0.0})["pfs.death_gap"]
    assert not answers(pfs={"death_gap_months": None})["pfs.death_gap"]


def test_any_progression_means_all_three_kinds():
    assert answers()["pfs.any_progression"]
    assert not answers(pfs={"progression_kinds": ("distant",)})["pfs.any_progression"]


def test_one_patient_is_no_patients():
    count = "toxicity.grade_3_or_more.n"
    assert answers(values={count: 1})[f"one.{count}"]
    assert not answers(values={count: 0})[f"one.{count}"]
    assert not answers()[f"one.{count}"]


def test_some_is_more_than_none():
    count = "diagnostics.untested"
    assert answers(values={count: 1})[f"some.{count}"]
    assert not answers(values={count: 0})[f"some.{count}"]
    assert not answers()[f"some.{count}"]


def test_the_figures_of_diagnostics_are_there_where_something_was_tested():
    tested = "diagnostics.os.multivariable.grade.ph.p"
    assert answers(values={tested: 0.5})["has.figure.schoenfeld"]
    assert not answers(values={tested.replace("multi", "uni"): 0.5})["has.figure.schoenfeld"]
    assert not answers(values={tested: 0.5})["has.figure.functional_form"]


def test_an_interval_is_told_where_it_has_a_limit():
    assert answers(values={"os.median.low": 12.0})["bounded.os.median"]
    assert not answers()["bounded.os.median"]


def test_a_ratio_is_told_or_why_there_is_none():
    key = "cox.os.multivariable.grade.hr"
    assert answers(values={key: 0.5})[f"estimated.{key}"]
    assert not answers(values={key: 0.5})[f"lost.{key}"]
    assert not answers()[f"lost.{key}"]  # the plan has no such model


def test_a_pooled_rate_is_quoted_only_at_the_times_that_the_text_names():
    key = {"synthesis.lc.lung.rate_24m": 80.0}
    assert answers(values=key)["pooled.lc.lung.24m"]
    assert "pooled.lc.lung.24m" not in answers(values=key, times=(12.0, 36.0))
    assert not answers(values=key, times=(6.0, 24.0, 36.0))["pooled.lc.lung.24m"]
    assert not answers()["pooled.lc.lung.24m"]


def beside(*here, **more):
    rates = [f"lc.rate_{months}m" for months in (12, 24, 36)]
    there = {f"published.feng2022.{rate}": 50.0 for rate in rates}
    found = answers(values=dict(zip(rates, here, strict=True)) | there | more)
    return [name for name in ("near", "apart", "attainable") if found[f"{name}.lc"]]


def test_a_cohort_is_near_its_target_when_every_rate_is():
    assert beside(50.0, 45.0, 55.0) == ["near"]
    assert beside(50.0, 44.9, 50.0) == ["apart"]
    possible = {"consistency.landmark.feng2022.lc.rate_12m.verdict": "possible"}
    assert beside(50.0, 44.9, 50.0, **possible) == ["apart", "attainable"]
    assert beside(50.0, 45.0, 55.0, **possible) == ["near"]


def test_a_cohort_that_cannot_be_quoted_is_neither_near_nor_apart():
    assert beside(50.0, None, 50.0) == []
    filler = answers({f"lc.rate_{months}m": "filler" for months in (12, 24, 36)})
    assert not filler["near.lc"]
    assert not filler["apart.lc"]


def dosed(**doses):
    values = {f"series.{study}.bed10.central": dose for study, dose in doses.items()}
    values |= {f"series.{study}.lc.rate_24m": 80.0 for study in doses}
    return answers(values=values)["dose.loi_alone"]


def test_one_series_stands_apart_on_the_dose_axis_as_the_text_says():
    near = {"dhakal2012": 100.0, "baumann2020": 106.0, "frakulli2015": 110.0}
    assert dosed(**near, loi2018=138.0)
    assert not dosed(**near, loi2018=119.0)
    assert not dosed(**near | {"frakulli2015": 200.0}, loi2018=138.0)
    assert not dosed(**near)
