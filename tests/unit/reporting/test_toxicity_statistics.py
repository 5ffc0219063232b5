from dataclasses import replace

import pytest
from test_cohort_statistics import (
    COLUMNS,
    COVARIATES,
    PATIENTS,
    TOXICITIES,
    analysis_of,
    cohort_of,
    tables_of,
)

from sarcoma_sbrt.provenance.disclosure import withhold
from sarcoma_sbrt.reporting.numbers import computed_entries
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.reporting.toxicity_statistics import exact_share, toxicity_statistics
from sarcoma_sbrt.reporting.toxicity_tables import toxicity_tables

ANALYSIS = analysis_of(COVARIATES)


def shares(patients=PATIENTS, toxicities=TOXICITIES, columns=COLUMNS, months=3):
    tables = tables_of(patients=patients, toxicities=toxicities)
    made = toxicity_statistics(tables, ANALYSIS, cohort_of(columns), acute_toxicity_months=months)
    to_json("characteristics", made)
    return {statistic.key: statistic for statistic in made}


@pytest.mark.parametrize(
    ("count", "n", "level", "low", "high"),
    [
        # R: 100 * binom.test(11, 37, conf.level = 0.95)$conf.int; R stops at a tolerance
        (11, 37, 0.95, 15.872543637962867, 46.979953499406705),
        (0, 37, 0.95, 0.0, 9.4890587414989902),
        (37, 37, 0.95, 90.51094125850106, 100.0),
        (1, 6, 0.9, 0.85124446108471163, 58.18034092520258582),  # conf.level = 0.9
    ],
)
def test_the_exact_interval_is_that_of_r(count, n, level, low, high):
    analysis = replace(ANALYSIS, confidence_level=level)
    number, share = exact_share("x", count, n, analysis)
    assert (number.value, share.value) == (count, pytest.approx(100 * count / n))
    assert (share.ci.low, share.ci.high) == pytest.approx((low, high), rel=1e-8, abs=1e-12)
    assert (share.n, share.events, share.ci.level) == (n, count, level)


@pytest.mark.parametrize(
    ("key", "count"),
    [
        ("acute.term.fatigue.any", 2),  # two rows of one patient, and an onset at the very limit
        ("acute.term.fatigue.grade_2", 1),
        ("acute.term.fatigue.grade_3", 0),
        ("late.term.radiation_dermatitis.grade_3", 1),
        ("acute.all.any", 2),
        ("late.all.grade_2", 1),
        ("either.all.any", 4),  # the nausea of unknown phase counts here alone
        ("either.all.grade_2", 2),
    ],
)
def test_patients_count_by_their_worst_grade(key, count):
    made = shares()
    assert made[f"toxicity_share.{key}.n"].value == count
    assert made[f"toxicity_share.{key}.percent"].value == pytest.approx(100 * count / 6)
    assert not [k for k in made if "nausea" in k]


def test_only_what_tells_the_two_lowest_grades_apart_says_so():
    made, apart = shares(), "derived.fatigue_grade_1_or_2"
    term = "toxicity_share.acute.term.fatigue"
    telling = {key for key, statistic in made.items() if apart in statistic.columns}
    ends = ("n", "percent")
    groups = (term, "toxicity_share.acute.all", "toxicity_share.either.all")
    assert telling == {f"{key}.grade_2.{end}" for key in groups for end in ends}
    late = made["toxicity_share.late.term.radiation_dermatitis.grade_2.n"].columns
    assert "derived.radiation_dermatitis_grade_1_or_2" in late


def test_a_term_without_case_is_one_and_no_term_shadows_all():
    rows = [("a", "All", 1, 0), ("b", "all", 2, 0)]
    made = shares(toxicities=rows)
    assert made["toxicity_share.acute.term.all.any.n"].value == 2
    assert made["toxicity_share.acute.term.all.label"].value == "All"


def test_without_patients_there_is_no_share_and_without_records_no_statistic():
    share = shares(patients=[], toxicities=[])["toxicity_share.either.all.any.percent"]
    assert (share.status, share.reason) == ("not_estimable", "there are no patients")
    assert shares(columns={"patients": COLUMNS["patients"]}) == {}


def test_table_has_an_interval_in_each_cell():
    cohort = cohort_of(COLUMNS)
    numbers = computed_entries([("characteristics", s) for s in shares().values()], cohort)
    table = toxicity_tables(numbers, cohort)["toxicity_shares"]
    key = "toxicity_share.acute.term.fatigue.grade_2.percent"
    assert f"{{{{< num {key}.stated >}}}} ({{{{< num {key}.low >}}}}–" in table
    heads = [line.split("|")[1].strip() for line in table.splitlines() if "| **" in line]
    assert heads == ["**Acute**", "**Late**", "**Acute or late**"]
    assert toxicity_tables({}, cohort) == {}


def test_where_few_are_withheld_terms_stand_in_the_order_of_their_names():
    rows = [("a", "Zoster", 1, 0), ("b", "Zoster", 1, 0), ("a", "Ache", 1, 0)]
    cohort, found = cohort_of(COLUMNS), shares(toxicities=rows).values()
    numbers = computed_entries([("characteristics", s) for s in found], cohort)

    def terms(numbers):
        lines = toxicity_tables(numbers, cohort)["toxicity_shares"].splitlines()
        return [line.split(".term.")[1].split(".")[0] for line in lines if ".term." in line]

    assert terms(numbers) == ["zoster", "ache"]
    assert terms(withhold(numbers, SmallCells(5))) == ["ache", "zoster"]
