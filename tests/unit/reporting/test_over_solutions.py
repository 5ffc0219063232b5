"""Which numbers are printed with their range over the reconstructions found, and how."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sarcoma_sbrt.evidence.published import Figure, published
from sarcoma_sbrt.io import read_json, read_rows
from sarcoma_sbrt.reporting.numbers import computed_entries
from sarcoma_sbrt.reporting.over_solutions import (
    constrained,
    outside,
    with_ranges,
)
from sarcoma_sbrt.reporting.solution_statistics import Range
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, not_estimable
from sarcoma_sbrt.settings import CohortSettings, plan_settings

ROOT = Path(__file__).parents[3]
SOURCE = {"path": "data/reconstruction/x/ranges.csv", "sha256": "0" * 64}
SUBGROUPS = {
    "grade_g1": {"covariate": "grade", "value": 1},
    "grade_g2_g3": {"covariate": "grade", "value": 0},
}


@pytest.fixture(scope="module")
def analysis():
    """The committed plan, of the cohort that was found from the study."""
    files = {"endpoints": "endpoints", "models": "models", "cohort": "cohorts/reconstructed-2022"}
    texts = {
        name: yaml.safe_load((ROOT / f"config/{file}.yaml").read_text(encoding="utf-8"))
        for name, file in files.items()
    }
    return plan_settings(texts | {"name": "reconstructed-2022", "seed": 1}).analysis


@pytest.fixture
def cohort():
    return CohortSettings(
        name="x",
        title="x",
        kind="reconstructed",
        derived_from="feng2022",
        times={},
        time_zero="origin",
        tables={},
        support={"patients.age_years": "printed", "lesions.size_mm": "filler"},
    )


@pytest.fixture
def entries(cohort):
    age = {"method": "m", "columns": ("patients.age_years",)}
    ci = Interval(10.0, 30.0, 0.95, "log-log")
    statistics = [
        ("kaplan_meier", Statistic("os.rate_48m", 21.04, "percent", ci=ci, **age)),
        ("kaplan_meier", Statistic("os.median", 24.0, "months", **age)),
        (
            "kaplan_meier",
            not_estimable("pfs.rate_60m", "percent", "m", "why", columns=age["columns"]),
        ),
        ("cox", Statistic("cox.os.age.p", 0.0004, "p", **age)),
        ("forest", Statistic("forest.os.importance.age", -0.0123, "importance", **age)),
        ("characteristics", Statistic("cohort.age.median", 58, "years", **age)),
        ("characteristics", Statistic("cohort.size.median", 4.1, "cm", "m", ("lesions.size_mm",))),
    ]
    found = computed_entries(statistics, cohort)
    return {key: entry | {"inputs": []} for key, entry in found.items()}


def test_a_number_that_nothing_constrains_has_its_range_in_print(entries) -> None:
    ranges = {
        "os.rate_48m": Range(17.26, 30.0, 24, 24),
        "cox.os.age.p": Range(0.0004, 0.25, 24, 24),
        "forest.os.importance.age": Range(-0.0123, 0.2, 24, 24),
        "pfs.rate_60m": Range(3.0, 8.0, 20, 24),
    }
    told = with_ranges(entries, ranges, (), SOURCE)
    texts = {key: told[f"{key}.over_solutions"]["text"] for key in ranges}
    assert texts == {
        "os.rate_48m": "17.3 to 30.0",
        "cox.os.age.p": "<0.001 to 0.250",
        "forest.os.importance.age": "−0.012 to 0.200",
        "pfs.rate_60m": "3.0 to 8.0, no value in 4",
    }
    assert {key: told[key]["over_solutions"] for key in ranges} == texts
    assert told["os.rate_48m.stated"]["over_solutions"] == "17.3 to 30.0"
    assert told["os.rate_48m.stated.over_solutions"]["text"] == "17.3 to 30.0"
    assert "over_solutions" not in told["os.rate_48m.over_solutions"]
    # The limits are the interval's own; a range of them would be taken for one of confidence.
    assert "over_solutions" not in told["os.rate_48m.low"]
    assert told["os.rate_48m"]["solutions"] == {
        "low": 17.26,
        "high": 30.0,
        "estimated": 24,
        "solutions": 24,
        "source": SOURCE,
    }
    own = told["os.rate_48m.over_solutions"]
    assert own["inputs"] == [SOURCE]
    assert own["method"] == "range over the 24 reconstructions found; m"
    assert (own["of"], own["support"], own["ci"]) == ("os.rate_48m", "printed", None)
    assert list(told) == sorted(told)
    assert "over_solutions" not in entries["os.rate_48m"], "the given registry is left as it is"


def test_what_is_printed_in_the_study_has_none(entries) -> None:
    ranges = {"os.median": Range(23.0, 25.0, 24, 24), "cohort.age.median": Range(57, 59, 24, 24)}
    told = with_ranges(entries, ranges, {"os.median"}, SOURCE)
    assert told["os.median"]["solutions"]["low"] == 23.0
    assert "over_solutions" not in told["os.median"]
    assert "os.median.over_solutions" not in told
    assert "over_solutions" not in told["cohort.age.median"]


def test_a_description_that_rests_on_filler_has_one(entries) -> None:
    told = with_ranges(entries, {"cohort.size.median": Range(4.0, 4.3, 24, 24)}, (), SOURCE)
    assert told["cohort.size.median"]["over_solutions"] == "4.0 to 4.3"


def test_what_all_reconstructions_print_alike_needs_none(entries) -> None:
    ranges = {"os.rate_48m": Range(21.03, 21.04, 24, 24)}
    assert "over_solutions" not in with_ranges(entries, ranges, (), SOURCE)["os.rate_48m"]
    ranges = {"os.rate_48m": Range(21.04, 21.04, 23, 24)}
    told = with_ranges(entries, ranges, (), SOURCE)["os.rate_48m"]
    assert told["over_solutions"] == "21.0, no value in 1"


@pytest.mark.parametrize(
    ("key", "given", "is_outside"),
    [
        ("os.rate_48m", Range(21.04, 30.0, 24, 24), False),
        ("os.rate_48m", Range(21.0400001, 30.0, 24, 24), False),
        ("os.rate_48m", Range(21.05, 30.0, 24, 24), True),
        ("os.rate_48m", Range(2.0, 21.03, 24, 24), True),
        ("pfs.rate_60m", Range(2.0, 3.0, 24, 24), True),
        ("pfs.rate_60m", Range(2.0, 3.0, 23, 24), False),
        ("gone", Range(2.0, 3.0, 24, 24), False),
    ],
)
def test_ranges_of_other_data_are_found_out_and_not_printed(
    entries, key, given, is_outside
) -> None:
    assert outside(entries, {key: given}) == ([key] if is_outside else [])
    told = with_ranges(entries, {key: given}, (), SOURCE)
    assert (f"{key}.over_solutions" in told) == (not is_outside and key in entries)


def figure(**cells) -> Figure:
    where = dict.fromkeys(("study_id", "paper", "place", "row", "column"), "x")
    return Figure(key="x", **where, **cells)


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        (
            {"measure": "rate", "endpoint": "os", "time_months": 36.0, "fitted_as": "kaplan_meier"},
            {"os.rate_36m"},
        ),
        (
            {
                "measure": "rate",
                "endpoint": "os",
                "time_months": 12.0,
                "subgroup": "grade_g2_g3",
                "fitted_as": "kaplan_meier",
            },
            {"os.grade_reference.rate_12m"},
        ),
        (
            {
                "measure": "median",
                "endpoint": "lc",
                "subgroup": "grade_g1",
                "fitted_as": "kaplan_meier.first_event",
            },
            {"lc.grade_level.median"},
        ),
        (
            {
                "measure": "hazard_ratio",
                "endpoint": "pfs",
                "category": "setting",
                "model": "univariable",
                "fitted_as": "logrank.peto",
            },
            {"pfs.setting.logrank.p", "pfs.setting.logrank.chi_square", "pfs.setting.logrank.peto"},
        ),
        (
            {
                "measure": "p_value",
                "endpoint": "lc",
                "category": "grade",
                "fitted_as": "logrank.p",
            },
            {"lc.grade.logrank.p", "lc.grade.logrank.chi_square"},
        ),
        (
            {
                "measure": "hazard_ratio",
                "endpoint": "lc",
                "category": "size",
                "model": "model_2",
                "adjusted_for": "grade",
                "fitted_as": "cox.efron",
            },
            {"cox.lc.model_2.size.hr", "cox.lc.model_2.size.naive_p"},
        ),
        (
            {
                "measure": "hazard_ratio",
                "endpoint": "os",
                "category": "grade",
                "model": "multivariable",
                "adjusted_for": "setting; number_of_lesions",
                "fitted_as": "cox.efron",
            },
            {"cox.os.multivariable.grade.hr", "cox.os.multivariable.grade.p"},
        ),
        (  # the plan's model of that name has setting too
            {
                "measure": "hazard_ratio",
                "endpoint": "lc",
                "category": "grade",
                "model": "multivariable",
                "adjusted_for": "number_of_lesions; size",
                "fitted_as": "cox.efron",
            },
            set(),
        ),
        (  # said to be adjusted for setting, and fitted without
            {
                "measure": "hazard_ratio",
                "endpoint": "lc",
                "category": "grade",
                "model": "model_3",
                "adjusted_for": "size; setting; number_of_lesions",
                "fitted_adjusted_for": "number_of_lesions; size",
                "fitted_as": "cox.efron",
            },
            set(),
        ),
        (  # one fit under two names
            {
                "measure": "hazard_ratio",
                "endpoint": "lc",
                "category": "grade",
                "model": "model_1",
                "fitted_as": "cox.efron",
            },
            {
                f"cox.lc.{model}.grade.{what}"
                for model in ("model_1", "univariable")
                for what in ("hr", "naive_p")
            },
        ),
        (
            {"measure": "median", "endpoint": "follow_up", "fitted_as": "descriptive"},
            {"os.time_median", "os.time_min", "os.time_max"},
        ),
        ({"measure": "rate", "endpoint": "toxicity"}, set()),
    ],
)
def test_keys_of_printed_figures(cells, keys, analysis) -> None:
    assert constrained([figure(**cells)], SUBGROUPS, analysis) == keys


def test_every_printed_figure_of_the_study_constrains_something(analysis) -> None:
    folder = ROOT / "data/published"
    package = read_json(folder / "datapackage.json")
    files = [resource["path"] for resource in package["resources"]]
    tables = {str(folder / file): read_rows(folder / file) for file in files}
    figures = published(tables, package).of("feng2022")
    keys = constrained(figures, SUBGROUPS, analysis)
    assert {"os.median", "os.grade_level.rate_36m", "cox.lc.model_1.grade.hr"} <= keys
    assert not {"os.rate_48m", "os.setting_level.rate_12m", "lc.cif_12m"} & keys
    # Local control with all covariates is fitted without the setting, which the plan's model has.
    assert {"cox.os.multivariable.setting.hr", "cox.pfs.multivariable.grade.p"} <= keys
    assert not [k for k in keys if k.startswith(("cox.lc.multivariable.", "cox.lc.model_3."))]
    assert len(keys) > 70
