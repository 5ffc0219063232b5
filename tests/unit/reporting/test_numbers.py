from typing import get_args

import pytest

from sarcoma_sbrt.reporting.numbers import (
    LACKING,
    computed_entries,
    configured_entries,
    plan_entries,
    printed,
    support_of,
)
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Status, not_estimable
from sarcoma_sbrt.settings import Analysis, CohortSettings, Comparison


def cohort(kind="reconstructed", **support):
    marks = {name.replace("__", "."): mark for name, mark in support.items()}
    return CohortSettings(
        name="c", title="C", kind=kind, tables={}, times={"unit": "days"}, support=marks
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (71.45, "percent", "71.5"),  # half up on the decimal form: binary 71.45 lies below
        (0.125, "ratio", "0.13"),
        (24.0, "months", "24.0"),
        (58.0, "years", "58"),
        (58.5, "years", "58.5"),
        (85.5, "Gy", "85.5"),
        (100.0, "Gy", "100"),
        (0.0004, "p", "<0.001"),
        (0.001, "p", "0.001"),
        (0.40, "hazard ratio", "0.400"),
        (-0.0123, "importance", "−0.012"),
        (-0.0001, "importance", "0.000"),
        (37, "count", "37"),
        ("two or three", "text", "two or three"),
        # A number that a hazard ratio's limit takes where the data say nothing, as R prints it.
        (999_999.9994, "hazard ratio", "999999.999"),
        (1_000_000.0, "hazard ratio", "1.000e+06"),
        (9_999_999.0, "hazard ratio", "1.000e+07"),
        (6.6908526674347975e19, "hazard ratio", "6.691e+19"),
        (9.9995e99, "odds ratio", "1.000e+100"),
        (1.7976931348623157e308, "hazard ratio", "1.798e+308"),
        (-2.5e7, "score", "\u22122.500e+07"),
        (5e-324, "hazard ratio", "0.000"),
        (1_234_567, "count", "1234567"),
    ],
)
def test_a_value_is_printed_as_its_unit_asks(value, unit, text):
    assert printed(value, unit) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.004, 2, "<0.01"), (0.0004, 4, "0.0004"), (0.00004, 4, "<0.0001")],
)
def test_the_least_p_printed_is_one_of_its_last_digit(value, digits, text):
    assert printed(value, "p", digits) == text


def test_a_statistic_inherits_the_weakest_mark_it_touches():
    marks = cohort(patients__grade="printed", assessments__diameter_mm="inferred")
    both = Statistic(
        "lc.median", 1.0, "months", "KM", columns=("patients.grade", "assessments.diameter_mm")
    )
    assert support_of(both, marks) == "inferred"
    unmarked = Statistic("x", 1.0, "months", "KM", columns=("patients.grade", "patients.sex"))
    assert support_of(unmarked, marks) == "filler"


def test_a_column_may_be_printed_alone_and_filler_in_relation_to_others():
    marks = cohort(patients__sex={"alone": "printed", "joint": "filler"})
    alone = Statistic("cohort.sex.male.n", 25, "count", "count", columns=("patients.sex",))
    joint = Statistic("os.sex", 0.5, "p", "log-rank", columns=("patients.sex",), joint=True)
    assert support_of(alone, marks) == "printed"
    assert support_of(joint, marks) == "filler"


def test_observed_data_need_no_mark():
    statistic = Statistic("os.median", 1.0, "months", "KM", columns=("patients.grade",))
    assert support_of(statistic, cohort("observed")) == "observed"


@pytest.mark.parametrize("kind", ["reconstructed", "observed"])
def test_counts_of_a_screening_are_printed_ones(kind):
    rows = {"config": ["cohort.screening.reviewed", "cohort.screening.enrolled"]}
    excluded = Statistic(
        "flow.screening.excluded", 31, "count", "reviewed less enrolled", rows=rows
    )
    assert support_of(excluded, cohort(kind)) == "printed"


def test_an_interval_gives_keys_of_its_limits_and_an_open_one_is_not_reached():
    median = Statistic("os.median", 24.0, "months", "KM", ci=Interval(13.0, None, 0.95, "log-log"))
    entries = computed_entries([("kaplan_meier", median)], cohort("observed"))
    assert {key: entry["text"] for key, entry in entries.items()} == {
        "os.median": "24.0",
        "os.median.low": "13.0",
        "os.median.high": "NR",
        "os.median.stated": "24.0 months",
    }
    assert entries["os.median.high"]["value"] is None
    assert entries["os.median.high"]["of"] == "os.median"


@pytest.mark.parametrize(("p", "stated"), [(0.0161, "= 0.016"), (0.0001, "< 0.001")])
def test_a_p_value_can_be_stated_with_its_relation(p, stated):
    entries = computed_entries([("cox", Statistic("x.p", p, "p", "Wald"))], cohort("observed"))
    assert entries["x.p.stated"]["text"] == stated


def test_what_is_not_estimable_prints_so_and_carries_its_reason():
    record = not_estimable("x.hr", "hazard ratio", "Cox", "no patient of group G1 had an event")
    entries = computed_entries([("cox", record)], cohort("observed"))
    assert entries["x.hr"]["text"] == "not estimable"
    assert entries["x.hr.reason"]["text"] == "no patient of group G1 had an event"


def test_what_the_plan_withholds_prints_that_it_is_not_available():
    reason = "there are fewer than 100 patients"
    record = Statistic("x.slope", None, "ratio", "slope", status="not_available", reason=reason)
    share = Statistic("x.share", None, "percent", "share", status="not_available", reason=reason)
    entries = computed_entries([("forest", record), ("forest", share)], cohort("observed"))
    assert entries["x.slope"]["text"] == "not available"
    assert entries["x.share.stated"]["text"] == "not available"
    assert entries["x.slope.reason"]["text"] == reason


def test_every_status_without_a_value_has_words():
    assert set(LACKING) == set(get_args(Status)) - {"estimated"}


def test_configuration_becomes_constants():
    entries = configured_entries(
        {"models": {"confidence_level": 0.95, "landmarks": [12, 24]}, "pfs": {"gap": None}}
    )
    assert {key: entry["text"] for key, entry in entries.items()} == {
        "config.models.confidence_level": "95",
        "config.models.landmarks.0": "12",
        "config.models.landmarks.1": "24",
        "config.pfs.gap": "none",
    }
    assert {entry["kind"] for entry in entries.values()} == {"configured"}


@pytest.mark.parametrize(
    ("transform", "ties", "words"),
    [
        ("log-log", "efron", ("by the log-log transform", "Efron’s")),
        ("log", "breslow", ("by the log transform", "Breslow’s")),
        ("plain", "efron", ("without a transform", "Efron’s")),
    ],
)
def test_estimators_in_words(transform, ties, words):
    nothing = {name: {} for name in ("strata", "univariable", "multivariable", "forest", "figures")}
    analysis = Analysis(
        **{"confidence_level": 0.95, "alpha": 0.05, "landmarks_months": (12,), "seed": 1},
        **{"trees": 1, "min_samples_leaf": 1, "permutation_repeats": 1, "covariates": {}},
        **nothing,
        **{"endpoints": (), "comparison": Comparison((), ()), "left_out": {}},
        transform=transform,
        ties=ties,
    )
    entries = plan_entries(analysis, cohort("observed"), {})
    assert (entries["method.transform"]["text"], entries["method.ties"]["text"]) == words


def test_a_limit_has_a_status_of_its_own():
    found = {}
    for key, value, low, status in (
        ("a", 24.0, None, "estimated"),
        ("b", None, 9.0, "not_reached"),
    ):
        limits = Interval(low, None, 0.95, "log-log")
        why = "" if value else "the curve stays above"
        median = Statistic(key, value, "months", "KM", ci=limits, status=status, reason=why)
        found |= computed_entries([("kaplan_meier", median)], cohort("observed"))
    assert {key: entry["status"] for key, entry in found.items() if key[2:] in ("low", "high")} == {
        "a.low": "not_reached",
        "a.high": "not_reached",
        "b.low": "estimated",
        "b.high": "not_reached",
    }
    assert all((entry["value"] is None) <= bool(entry["reason"]) for entry in found.values())


def test_a_median_that_is_not_reached_can_be_said_in_a_sentence():
    record = Statistic(
        "os.median", None, "months", "KM", status="not_reached", reason="the curve stays above"
    )
    entries = computed_entries([("kaplan_meier", record)], cohort("observed"))
    assert entries["os.median"]["text"] == "NR"
    assert entries["os.median.stated"]["text"] == "not reached"
