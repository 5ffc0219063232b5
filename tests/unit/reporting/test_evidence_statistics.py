"""Records of the stage evidence: keys, units, intervals and where each comes from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sarcoma_sbrt.evidence.published import Figure, Schedule, Study
from sarcoma_sbrt.evidence.synthesis import Pooled, synthesise
from sarcoma_sbrt.reporting.evidence_statistics import synthesis_statistics
from sarcoma_sbrt.reporting.numbers import ROUNDING
from sarcoma_sbrt.reporting.statistics import Statistic, from_json, to_json

EMPTY: dict[str, Any] = dict.fromkeys(Study.__dataclass_fields__, "")


def study(study_id: str, gy: float, site: str = "lung", **given: Any) -> Study:
    values = {"study_id": study_id, "label": study_id, "role": "sbrt_series", "site": site}
    more = {"title_year": 2015, "members": (), "patients": 30}
    return Study(**EMPTY | values | more | {"schedules": (Schedule(gy, gy, 5, 5),)} | given)


def rate(study_id: str, estimate: float, **given: Any) -> Figure:
    values: dict[str, Any] = {
        "key": f"{study_id}.lc.rate_24m",
        "measure": "rate",
        "endpoint": "lc",
        "unit": "percent",
        "time_months": 24.0,
        "time_supported": "yes",
        "estimate": estimate,
        "estimator": "kaplan_meier",
    }
    place = {"paper": "shah2021", "place": "table_1", "row": study_id, "column": "LC"}
    place["file"] = "data/published/outcomes.csv"
    return Figure(**{"study_id": study_id} | place | values | given)


STUDIES = [
    study("a", 40),
    study("b", 45),
    study("c", 50),
    study("d", 60),
    study("e", 30, site="spine"),
    study("f", 30, role="context"),
]
FIGURES = [
    rate("a", 70.0),
    rate("b", 88.0, ci_low=75.0, ci_high=94.0, ci_level=95.0),
    rate("c", 85.0),
    rate("d", 95.0, time_supported="no"),
    rate("e", 60.0),
    rate("f", 20.0),
    rate("a", 42, key="a.schedule", measure="schedule", endpoint="schedule", unit=""),
]


def records(
    figures: list[Figure] = FIGURES, studies: list[Study] = STUDIES, **options: Any
) -> dict[str, Statistic]:
    known = {s.study_id: s for s in studies}
    found = synthesis_statistics(figures, known, **{"alpha_beta": 10.0, "level": 0.95} | options)
    return {record.key: record for record in found}


def test_a_series_has_its_rate_with_an_interval_that_says_where_it_is_from() -> None:
    found = records()
    a, b = found["series.a.lc.rate_24m"], found["series.b.lc.rate_24m"]
    assert (a.value, a.unit, a.n) == (70, "percent", 30)
    assert a.ci is not None
    assert b.ci is not None
    # R: 100 * plogis(qlogis(0.7) + c(-1, 1) * qnorm(0.975) / sqrt(30 * 0.7 * 0.3))
    assert (a.ci.low, a.ci.high) == pytest.approx((51.66012750, 83.59182721), rel=1e-8)
    assert a.ci.method == "approximated from 30 patients, Wald on the logit scale"
    assert (b.ci.low, b.ci.high, b.ci.method) == (75, 94, "printed")
    assert a.method == "published rate, kaplan-meier"
    assert a.rows == {"published": ["a.lc.rate_24m"]}
    assert a.columns == ("published.outcomes", "published.studies")


def test_half_of_n_only_where_the_interval_is_approximated() -> None:
    found = records()
    half = found["series.a.lc.rate_24m.half_n"].ci
    assert half is not None
    assert half.method == "approximated from half of 30 patients, Wald on the logit scale"
    assert "series.b.lc.rate_24m.half_n" not in found


def test_the_dose_of_a_series_comes_once_and_from_its_own_figures() -> None:
    found = records()
    # 40 Gy in 5: 40 (1 + 8 / 10)
    assert [found[f"series.a.bed10.{end}"].value for end in ("least", "most", "central")] == [
        72
    ] * 3
    assert found["series.a.bed10.least"].rows == {"published": ["a.schedule"]}
    assert found["series.a.bed10.least"].method == "BED, lowest dose in the most fractions"


def dose(endpoint: str, estimate: float, low: float, high: float) -> Figure:
    named = {"key": f"a.{endpoint}.median", "measure": "median", "endpoint": endpoint, "unit": "Gy"}
    return rate("a", estimate, **named, time_months=None, range_low=low, range_high=high)


def test_a_dose_says_where_it_is_from() -> None:
    wide = study("a", 40, schedules=(Schedule(30, 60, 3, 8),))
    said = {}
    for name, printed in (
        ("schedules", []),
        ("bed10", [dose("bed10", 90, 60, 120)]),
        ("eqd2", [dose("eqd2", 100, 50, 125)]),
    ):
        found = records([rate("a", 70.0), *printed], [wide])
        texts = [found[f"series.a.bed10.{end}"] for end in ("ends", "source")]
        central = found["series.a.bed10.central"]
        said[name] = (*(t.value for t in texts), central.value, central.method)
        assert {t.unit for t in texts} == {"text"}
    converted = "BED, from the printed EQD2, EQD2 (1 + 2 / (alpha/beta))"
    assert said == {
        # (41.25 + 180) / 2, and 100 times 1.2
        "schedules": (
            "printed schedules",
            "middle of the range",
            110.625,
            "BED, middle of the range",
        ),
        "bed10": ("printed BED10", "printed BED10", 90, "BED, as printed"),
        "eqd2": ("printed EQD2, converted", "printed EQD2, converted", 120, converted),
    }


def test_a_series_without_a_dose_does_not_say_where_one_is_from() -> None:
    found = records([rate("a", 70.0)], [study("a", 40, schedules=())])
    assert not [key for key in found if ".bed10." in key]


# --- context ----------------------------------------------------------------------------------


def test_context_is_no_series_and_says_nothing() -> None:
    assert not [key for key in records() if key.startswith("series.f.")]


def context(*figures: Figure, **given: Any) -> dict[str, Any]:
    """Context records of a study, as values by what follows its key."""
    values = {"role": "review", "treatment": "mixed", "population": "sarcoma of the lung"}
    found = records(list(figures), [study("f", 30, **values | given)])
    return {
        key.removeprefix("context.f.lc"): record.value
        for key, record in found.items()
        if key.startswith("context.")
    }


def test_a_rate_of_another_treatment_is_context() -> None:
    found = context(rate("f", 41.0), role="context", treatment="radiotherapy")
    assert found == {
        ".rate_24m": 41,
        ".rate_24m.kind": "conventional radiotherapy",
        ".rate_24m.population": "sarcoma of the lung",
        ".rate_24m.supported": "yes",
        ".rate_24m.figure": "f.lc.rate_24m",
    }


def test_a_reviews_range_is_a_text_with_its_ends() -> None:
    spread = {"measure": "range", "estimate": None, "range_low": 79.5, "range_high": 93.0}
    found = context(replace(rate("f", 0, key="f.lc.sbrt.range", arm="sbrt"), **spread))
    assert {end: found[f".rate_24m{end}"] for end in ("", ".low", ".high", ".figure")} == {
        "": "79.5–93",
        ".low": 79.5,
        ".high": 93,
        ".figure": "f.lc.sbrt.range",
    }
    assert found[".rate_24m.kind"] == "review, range over its series, SBRT"


def test_a_printed_interval_of_context_is_its_interval() -> None:
    figure = rate("f", 50.0, ci_low=40.0, ci_high=61.0, ci_level=95.0)
    values = {"role": "review", "population": "sarcoma"}
    record = records([figure], [study("f", 30, **values)])["context.f.lc.rate_24m"]
    assert record.ci is not None
    assert (record.ci.low, record.ci.high, record.ci.method) == (40, 61, "printed")
    assert ".rate_24m.low" not in context(figure)


def test_parts_of_context_have_keys_of_their_own() -> None:
    parts = [rate("f", 60.0 + i, key=f"f.{arm}", arm=arm) for i, arm in enumerate(("x", "y"))]
    found = context(*parts)
    assert (found[".x.rate_24m"], found[".y.rate_24m"]) == (60, 61)
    assert ".rate_24m" not in found
    assert context(parts[0])[".rate_24m"] == 60


def test_a_series_that_is_not_pooled_says_why() -> None:
    population = records()["series.d.lc.rate_24m"].population
    assert population["not_pooled"] == "the text does not support the time"
    assert population["filter"] == {"study_id": "d", "endpoint": "lc", "time_months": 24.0}


def test_pooled_records_are_those_of_the_synthesis() -> None:
    found = records()
    [synthesis] = synthesise(FIGURES, {s.study_id: s for s in STUDIES}, alpha_beta=10)
    main = next(group.main for group in synthesis.groups if group.site == "all")
    assert isinstance(main, Pooled)
    key = "synthesis.lc.all.rate_24m"
    intervals = {"": "", ".plain": "_plain"}
    for suffix, end in intervals.items():
        ci = found[f"{key}{suffix}"].ci
        assert ci is not None
        assert (ci.low, ci.high) == (getattr(main, f"low{end}"), getattr(main, f"high{end}"))
    prediction = found[f"{key}.prediction"].ci
    assert prediction is not None
    assert (prediction.low, prediction.high) == (main.prediction_low, main.prediction_high)
    values = {name: found[f"{key}.{name}"].value for name in ("k", "tau2", "i2", "q", "q.p")}
    assert values == {"k": 4, "tau2": main.tau2, "i2": main.i2, "q": main.q, "q.p": main.q_p}
    assert found[key].rows == {"published": list(main.keys)}
    assert [f"{name}.lc.rate_24m" for name in "abce"] == list(main.keys)


def test_sensitivity_records_stand_beside_the_main_one() -> None:
    found = records()
    key = "synthesis.lc.lung.rate_24m"
    assert [found[f"{key}{suffix}.k"].value for suffix in ("", ".all_rows", ".half_n")] == [3, 4, 3]
    left = {k for k in found if k.startswith(f"{key}.leave_out.")}
    refused = {f"{key}.leave_out.{name}" for name in "abc"}
    assert left == refused | {f"{one}.k" for one in refused}
    assert found[f"{key}.leave_out.a"].reason == "fewer than 3 series can be pooled"
    assert found["synthesis.lc.all.rate_24m.leave_out.a"].value is not None


def test_every_sensitivity_analysis_says_how_its_series_spread() -> None:
    found = records()
    [synthesis] = synthesise(FIGURES, {s.study_id: s for s in STUDIES}, alpha_beta=10)
    group = next(group for group in synthesis.groups if group.site == "all")
    key = "synthesis.lc.all.rate_24m"
    pooled = {"": group.main, ".all_rows": group.all_rows, ".half_n": group.half_n}
    pooled |= {f".leave_out.{study}": left for study, left in group.left_out.items()}
    assert len(pooled) == 7
    for name, one in pooled.items():
        assert isinstance(one, Pooled)
        at = f"{key}{name}"
        assert found[f"{at}.k"].value == one.k
        assert found[f"{at}.tau2"].value == one.tau2
        assert found[f"{at}.i2"].value == one.i2
        ci = found[f"{at}.prediction"].ci
        assert ci is not None
        assert (ci.low, ci.high) == (one.prediction_low, one.prediction_high)


def test_the_plain_interval_has_a_prediction_interval_of_its_own() -> None:
    found = records()
    [synthesis] = synthesise(FIGURES, {s.study_id: s for s in STUDIES}, alpha_beta=10)
    main = next(group.main for group in synthesis.groups if group.site == "lung")
    assert isinstance(main, Pooled)
    key = "synthesis.lc.lung.rate_24m"
    modified, plain = (found[f"{key}{of}.prediction"].ci for of in ("", ".plain"))
    assert modified is not None
    assert plain is not None
    assert (plain.low, plain.high) == (main.prediction_low_plain, main.prediction_high_plain)
    assert plain.low is not None
    assert modified.low is not None
    assert plain.low >= modified.low
    assert [found[f"{key}.plain.{name}"].value for name in ("tau2", "i2")] == [main.tau2, main.i2]


def test_all_sites_that_are_one_site_are_refused_and_say_where_to_look() -> None:
    found = records([f for f in FIGURES if f.study_id != "e"])
    key = "synthesis.lc.all.rate_24m"
    assert found[key].reason == "all series are of one site: see lung"
    assert found[f"{key}.all_rows"].reason == found[key].reason
    assert {k.removeprefix(key) for k in found if k.startswith(key)} == {
        "",
        ".k",
        ".all_rows",
        ".all_rows.k",
    }
    assert found["synthesis.lc.lung.rate_24m"].value is not None


def test_one_series_of_a_site_is_counted_and_not_pooled() -> None:
    found = records()
    key = "synthesis.lc.spine.rate_24m"
    spine = found[key]
    assert (spine.status, spine.reason) == ("not_estimable", "fewer than 3 series can be pooled")
    assert spine.rows == {"published": ["e.lc.rate_24m"]}
    assert {k.removeprefix(key) for k in found if k.startswith(key)} == {
        "",
        ".k",
        ".all_rows",
        ".all_rows.k",
    }


def test_slope_per_10_gy_with_its_p_and_the_other_doses() -> None:
    found = records()
    slope = found["synthesis.lc.dose.slope"]
    assert slope.unit == "odds ratio"
    assert slope.ci is not None
    assert isinstance(slope.value, float)
    assert slope.ci.low is not None
    assert slope.ci.low < slope.value
    assert found["synthesis.lc.dose.slope.p"].value == slope.p
    assert found["synthesis.lc.dose.slope.k"].value == 4
    assert found["synthesis.lc.dose.slope.all_rows.k"].value == 5
    # every series has one schedule: the choice of the dose changes nothing
    for dose in ("mid_point", "least", "most"):
        assert found[f"synthesis.lc.dose.slope.{dose}"].value == slope.value
        for spread in ("tau2", "i2", "r2"):
            of = found[f"synthesis.lc.dose.slope.{dose}.{spread}"]
            assert of.value == found[f"synthesis.lc.dose.slope.{spread}"].value
    assert "a.schedule" in slope.rows["published"]


def test_too_few_doses_give_the_reason() -> None:
    slope = records(FIGURES[:3])["synthesis.lc.dose.slope"]
    assert slope.reason == "fewer than 4 series have a rate and a dose"


def test_a_left_out_cohort_is_shown_and_not_pooled() -> None:
    found = records(excluded_cohorts=("a",))
    assert "series.a.lc.rate_24m" in found
    assert found["synthesis.lc.all.rate_24m.k"].value == 3
    assert "synthesis.lc.all.rate_24m.leave_out.a" not in found


def test_a_rate_says_what_a_reader_must_know_before_comparing_it() -> None:
    found = records()
    flags = {
        key.removeprefix("series.d.lc.rate_24m."): record.value
        for key, record in found.items()
        if key.startswith("series.d.lc.rate_24m.") and record.unit == "text"
    }
    assert flags == {
        "interval": "approximated",
        "supported": "no",
        "crude": "no",
        "excluded": "the text does not support the time",
        "figure": "d.lc.rate_24m",
    }
    assert found["series.e.site"].value == "spine"


def test_a_unit_that_is_not_printed_is_not_said() -> None:
    found = records([rate("a", 70.0), rate("b", 80.0, unit_of_analysis="lesion")])
    units = {k: r.value for k, r in found.items() if k.endswith(".unit_of_analysis")}
    assert units == {"series.b.lc.rate_24m.unit_of_analysis": "lesion"}


def test_the_fitted_line_runs_between_the_doses_of_the_series() -> None:
    beds = [40 * 1.8, 45 * 1.9, 50 * 2.0, 30 * 1.6]
    found = records(figures=[*FIGURES, rate("g", 91.0)], studies=[*STUDIES, study("g", 55)])
    line = [found[f"synthesis.lc.dose.line.{step:02d}"] for step in range(21)]
    doses = [found[f"{record.key}.bed10"].value for record in line]
    assert doses[0] == pytest.approx(min(beds))
    assert doses[-1] == pytest.approx(55 * 2.1)
    assert all(r.ci is not None and r.ci.low < r.value < r.ci.high for r in line)


def test_every_unit_can_be_printed_and_keys_differ() -> None:
    found = records()
    document = to_json("evidence", found.values())
    assert {r["unit"] for r in document["statistics"]} <= {*ROUNDING, "text"}
    assert {"odds ratio", "variance"} <= {r["unit"] for r in document["statistics"]}
    assert [r.key for r in from_json(json.loads(json.dumps(document)))] == sorted(found)
