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


def answers(numbers=(), parts=(), **changes):
    made = plan()
    endpoints = dict(made.endpoints)
    for name, change in changes.items():
        endpoints[name] = replace(endpoints[name], **change)
    registry = {key: {"support": support} for key, support in dict(numbers).items()}
    return conditions(registry, dict.fromkeys(parts), made.analysis, made.cohort, endpoints)


def test_a_section_is_there_when_any_key_lies_below_its_name():
    found = answers({"lc.median": "inferred", "lcx.median": "printed"})
    assert found["has.lc"]
    assert not found["has.pfs"]
    assert not answers({"lcx.median": "printed"})["has.lc"]


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


def test_a_gap_of_zero_is_a_gap_and_none_is_not():
    assert answers(pfs={"death_gap_months": 0.0})["pfs.death_gap"]
    assert not answers(pfs={"death_gap_months": None})["pfs.death_gap"]


def test_any_progression_means_all_three_kinds():
    assert answers()["pfs.any_progression"]
    assert not answers(pfs={"progression_kinds": ("distant",)})["pfs.any_progression"]
