"""Dose and local control, from lesions made by hand to table and figure.

Expected values from R 4.2.2, survival 3.5-3; the calls stand above each.
"""

import io
import re
from dataclasses import replace

import matplotlib
import pandas as pd
import pytest
from matplotlib.text import Text
from test_cohort_statistics import MONTH, analysis_of, canonical, cohort_of

from sarcoma_sbrt.provenance.disclosure import withhold
from sarcoma_sbrt.reporting.dose_figures import cut_point_figure
from sarcoma_sbrt.reporting.dose_statistics import (
    WITHIN_CLASS,
    dose_statistics,
    plan_cut,
    ratio_name,
)
from sarcoma_sbrt.reporting.dose_tables import dose_tables, is_reciprocal
from sarcoma_sbrt.reporting.drawing import FILLER_NOTE, save_options, style
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries, plan_entries
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import Covariate, DoseSensitivity, EndpointSettings, Level, Plan

SHORTCODE = re.compile(r"\{\{< num (\S+) >\}\}")
CLAIM = re.compile(r"\{\.claim [^{}]*\}")
LC = EndpointSettings(
    "lc", "Local control", "lesion", "first_course", "local_failure", "last_assessment"
)
BED10 = Covariate(
    "bed10",
    "BED10",
    "derived.bed10_gy",
    Level("below 100 Gy", below=100),
    Level("100 Gy or more"),
)
COLUMNS = {
    "patients": ["patient_id", "last_contact_day", "vital_status"],
    "lesions": ["patient_id", "lesion_id"],
    "courses": ["patient_id", "lesion_id", "course_id", "start_day", "dose_gy", "fractions"],
    "assessments": ["patient_id", "lesion_id", "assessment_day", "diameter_mm"],
}
# Patient, months, failed, Gy, fractions.
LESIONS = [
    *((1, 5, 1, 30, 3), (1, 9, 0, 45, 5), (2, 3, 1, 30, 3), (3, 12, 0, 45, 5)),
    *((3, 12, 1, 50, 5), (3, 7, 1, 30, 3), (4, 20, 0, 60, 8), (5, 4, 1, 40, 5)),
    *((6, 15, 0, 50, 5), (6, 15, 0, 60, 8), (7, 6, 1, 40, 5), (8, 8, 0, 45, 5)),
    *((9, 24, 0, 54, 3), (9, 11, 1, 54, 3), (10, 2, 1, 30, 3), (11, 18, 0, 50, 5)),
    *((12, 10, 1, 40, 5), (13, 13, 0, 60, 6), (14, 9, 0, 48, 4), (14, 21, 0, 48, 4)),
]
COHORT = cohort_of(COLUMNS)
PRINTED = {f"{table}.{name}": "printed" for table, names in COLUMNS.items() for name in names}
RECONSTRUCTED = replace(COHORT, kind="reconstructed", derived_from="x", support=PRINTED)
RULES = DoseSensitivity((3, 4, 10), 10, 0.1, 2, 49)


def plan_of(cohort=COHORT, rules=RULES, covariates=None, **changes):
    made = analysis_of({"bed10": BED10} if covariates is None else covariates)
    named = {"endpoints": ("lc",), "dose_endpoints": ("lc",), "dose": rules}
    analysis = replace(made, univariable={"lc": ("bed10",)}, **(named | changes))
    return Plan(cohort, {"lc": LC}, analysis, 10, 3, 30)


def frames(lesions):
    """Canonical tables, and the endpoint table, of these lesions."""
    named = [(f"p{row[0]:02}", str(at), *row[1:]) for at, row in enumerate(lesions)]
    courses = [(p, at, "1", 0, dose, fx) for p, at, _, _, dose, fx in named]
    later = [(p, at, "2", 5 * MONTH, 99, 9) for p, at, *_ in named[:2]]  # second courses
    rows = {"courses": courses + later}
    tables = {name: canonical(name, COLUMNS.get(name, []), rows.get(name, [])) for name in TABLES}
    months = [row[2] for row in named]
    endpoint = pd.DataFrame(
        {
            "patient_id": pd.array([row[0] for row in named], dtype="string"),
            "lesion_id": pd.array([row[1] for row in named], dtype="string"),
            "time_months": pd.array(months, dtype="Float64"),
            "event": pd.array([row[3] for row in named], dtype="Int64"),
        }
    )
    return tables, {"lc": endpoint}


def records(lesions=LESIONS, **changes):
    return {s.key: s for s in dose_statistics(*frames(lesions), plan_of(**changes))}


def numbers_of(found, plan):
    entries = computed_entries([("dose_sensitivity", s) for s in found.values()], plan.cohort)
    rules = plan.analysis.dose
    cuts = {
        "least_share": 0.1,
        "least_events": rules.least_events,
        "permutations": rules.permutations,
    }
    configuration = {
        "models": {
            "confidence_level": 0.95,
            "dose": {
                "alpha_beta_gy": list(rules.alpha_beta_gy),
                "step_gy": rules.step_gy,
                "cut_points": cuts,
            },
            "covariates": {"bed10": {"level": {"below": 100}}},
        },
        "endpoints": {"alpha_beta_gy": 10},
    }
    entries |= configured_entries(configuration)
    return entries | plan_entries(plan.analysis, plan.cohort, plan.endpoints)


def found_of(lesions, changes):
    """The records; those of `LESIONS` are computed once, whatever the kind of cohort."""
    usual = lesions is LESIONS and set(changes) <= {"cohort"}
    return FOUND if usual else records(lesions, **changes)


def drawn(lesions=LESIONS, **changes):
    plan, found = plan_of(**changes), found_of(lesions, changes)
    return cut_point_figure(numbers_of(found, plan), LC, plan.analysis, plan.cohort)


def tabulated(lesions=LESIONS, **changes):
    plan, found = plan_of(**changes), found_of(lesions, changes)
    numbers = numbers_of(found, plan)
    made = dose_tables(numbers, plan.analysis, plan.cohort)
    for text in made.values():
        assert not [key for key in SHORTCODE.findall(text) if key not in numbers]
        assert not re.search(r"\d", SHORTCODE.sub("", CLAIM.sub("", text)).replace("EQD2", ""))
    return made


FOUND = records()

# --- doses --------------------------------------------------------------------------------


# R: quantile(dose * (1 + dose / fx / ab))
@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ("ab3", [130.0, 146.66666666666666, 195.0, 222.5, 378.0]),
        ("ab4", [105.0, 120.0, 159.375, 179.25, 297.0]),
        ("ab10", [60.0, 72.0, 92.75, 105.15, 151.2]),
    ],
)
def test_the_spread_of_the_first_courses(ratio, expected):
    ends = ("min", "quartile_1", "median", "quartile_3", "max")
    bed = [FOUND[f"dose_sensitivity.{ratio}.bed.{end}"].value for end in ends]
    assert bed == pytest.approx(expected, rel=1e-12)
    factor = 1 + 2 / float(ratio[2:])
    eqd2 = [FOUND[f"dose_sensitivity.{ratio}.eqd2.{end}"].value for end in ends]
    assert eqd2 == pytest.approx([value / factor for value in expected], rel=1e-12)


# R: cor(round(bed(3), 9), round(bed(10), 9), method = "kendall")
def test_the_order_of_the_lesions_is_rs_tau():
    taus = {k: FOUND[f"dose_sensitivity.{k}.tau"].value for k in ("ab3_ab4", "ab3_ab10")}
    assert taus == pytest.approx({"ab3_ab4": 1, "ab3_ab10": 0.93023255813953487}, rel=1e-12)
    assert FOUND["dose_sensitivity.ab3_ab4.reversed.n"].value == 0
    # Two lesions of 60 Gy in 8 fractions stand above the three of 50 Gy in 5 at 10 Gy only.
    assert FOUND["dose_sensitivity.ab3_ab10.reversed.n"].value == 6
    assert FOUND["dose_sensitivity.pairs.n"].value == 190


def test_a_lesion_without_a_dose_is_counted_and_left_out():
    found = records([*LESIONS, (15, 8, 1, None, 3), (15, 8, 1, 30, None)])
    assert found["dose_sensitivity.n"].value == 20
    assert found["dose_sensitivity.missing.n"].value == 2
    assert found["dose_sensitivity.lc.missing.n"].value == 2
    same = ("dose_sensitivity.lc.ab3.bed.hr", "dose_sensitivity.lc.ab10.cut_1.hr")
    assert [found[key].value for key in same] == [FOUND[key].value for key in same]
    said = tabulated([*LESIONS, (15, 8, 1, None, 3)])["dose_measures"]
    assert "Lesions without a recorded dose: {{< num dose_sensitivity.missing.n >}}." in said


def test_the_order_of_the_rows_decides_nothing():
    tables, endpoints = frames(LESIONS)
    turned = {name: table.iloc[::-1].reset_index(drop=True) for name, table in endpoints.items()}
    found = {s.key: s for s in dose_statistics(tables, turned, plan_of())}
    assert found == FOUND


# --- hazard ratios ------------------------------------------------------------------------


def eight(key):
    """Ratio, limits and p, clustered; limits and p, naive; ratio of the standard errors."""
    hr, naive = FOUND[f"{key}.hr"], FOUND[f"{key}.naive"]
    assert naive.value == hr.value
    return [
        *(hr.value, hr.ci.low, hr.ci.high, FOUND[f"{key}.p"].value),
        *(naive.ci.low, naive.ci.high, FOUND[f"{key}.naive_p"].value),
        FOUND[f"{key}.se_ratio"].value,
    ]


# R: f <- coxph(Surv(time, event) ~ I(bed(ab) / 10), cluster = patient,
#               control = coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60))
# exp(coef(f) + c(0, -1, 1) * qnorm(.975) * sqrt(f$var)), and with f$naive.var
@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "ab3.bed",
            [
                *(0.7849077893506462, 0.53413650484641928, 1.153413466769998),
                *(0.21749646716700444, 0.63744813004817302, 0.9664790102008145),
                *(0.022542508782689284, 1.8497219524102688),
            ],
        ),
        (
            "ab3.eqd2",
            [
                *(0.66787891301070945, 0.35163095521099774, 1.2685522586505646),
                *(0.21749646716700444, 0.47214430155663578, 0.9447582888827043),
                *(0.022542508782689284, 1.849721952410269),
            ],
        ),
        (
            "ab10.bed",
            [
                *(0.49933124287814573, 0.25022312202627045, 0.99643745188367083),
                *(0.048828272343932305, 0.30589901347111126, 0.81507843809303526),
                *(0.0054726913283637806, 1.4099918502001176),
            ],
        ),
        (
            "ab10.eqd2",
            [
                *(0.43457675085643482, 0.18966750277025418, 0.99572646671949827),
                *(0.048828272343932423, 0.24137578080870067, 0.78241881497884014),
                *(0.0054726913283637867, 1.4099918502001181),
            ],
        ),
    ],
)
def test_hazard_ratios_per_dose_are_rs(key, expected):
    assert eight(f"dose_sensitivity.lc.{key}") == pytest.approx(expected, rel=1e-8)


# R: coxph(Surv(time, event) ~ I(bed(10) >= cut), cluster = patient), as above
@pytest.mark.parametrize(
    ("place", "gray", "expected"),
    [
        (
            1,
            72,
            [
                *(0.059959969389061042, 0.014724617341357583, 0.24416240135756681),
                *(8.5664001202942109e-05, 0.01053328196437024, 0.34131792363464802),
                *(0.0015170848732974362, 0.80738679753434162),
            ],
        ),
        (
            3,
            100,
            [
                *(0.10260544633346684, 0.019167459703307844, 0.54925784534051136),
                *(0.0078147401845128934, 0.019202205473150203, 0.54826398103127882),
                *(0.0077482973139537618, 1.0010806990908794),
            ],
        ),
    ],
)
def test_hazard_ratios_of_the_cuts_are_rs(place, gray, expected):
    key = f"dose_sensitivity.lc.ab10.cut_{place}"
    assert FOUND[f"{key}.gy"].value == pytest.approx(gray)
    assert eight(key) == pytest.approx(expected, rel=1e-8)


def test_a_ratio_that_runs_away_is_firths_and_says_why():
    hr = FOUND["dose_sensitivity.lc.ab10.cut_2.hr"]
    assert hr.method.startswith("Firth's penalised Cox model")
    assert "no unique finite maximum" in hr.reason
    assert 0 < hr.ci.low < hr.value < hr.ci.high < 1
    assert "dose_sensitivity.lc.ab10.cut_2.naive" not in FOUND
    table = tabulated()["cut_points"]
    assert "num dose_sensitivity.lc.ab10.cut_2.hr.high >}})^F^" in table
    assert "^F^ By Firth’s penalised likelihood, not clustered." in table


# --- cuts ---------------------------------------------------------------------------------


def test_the_plans_cut_is_marked_at_every_ratio():
    for ratio, place, otherwise in (("ab3", 3, 0), ("ab10", 3, 0)):
        assert FOUND[f"dose_sensitivity.lc.{ratio}.marked"].value == place
        assert FOUND[f"dose_sensitivity.lc.{ratio}.otherwise"].value == otherwise
    assert FOUND["dose_sensitivity.lc.ab3.cut_3.gy"].value == pytest.approx(210)
    # With the plan's cut at 105 Gy the three lesions of 50 Gy in 5 lie below and the two of 60 Gy
    # in 8 above; at 3 Gy it is the other way round, and no cut parts them so.
    at_105 = replace(BED10, level=Level("below 105 Gy", below=105))
    found = records(covariates={"bed10": at_105}, rules=replace(RULES, least_events=1))
    assert found["dose_sensitivity.lc.ab10.otherwise"].value == 0
    assert found["dose_sensitivity.lc.ab3.otherwise"].value == 2


@pytest.mark.parametrize(
    ("level", "reference", "found"),
    [
        (Level("low", below=100), Level("high"), ("level", "below")),
        (Level("high"), Level("low", at_most=100), ("reference", "at_most")),
    ],
)
def test_the_plans_cut_is_found_on_either_side(level, reference, found):
    changed = replace(BED10, level=level, reference=reference)
    plan = plan_of(covariates={"bed10": changed})
    assert plan_cut(plan.analysis)[1:] == found
    assert records(covariates={"bed10": changed})["dose_sensitivity.lc.ab10.marked"].value == 3


def test_without_a_cut_in_the_plan_none_is_marked():
    assert plan_cut(plan_of(covariates={}).analysis) is None
    found = records(covariates={})
    assert not [key for key in found if key.endswith((".marked", ".otherwise"))]
    assert "plan’s cut" not in tabulated(covariates={})["cut_points"]


def test_the_plans_own_model_has_the_ratio_the_other_way_round():
    plan = plan_of()
    numbers = numbers_of(FOUND, plan)
    own = Statistic("cox.lc.univariable.bed10.hr", 1 / 0.10260544633346684, "hazard ratio", "Cox")
    other = replace(own, value=0.10260544633346684)
    for statistic, answer in ((own, True), (other, False)):
        beside = numbers | computed_entries([("cox", statistic)], COHORT)
        assert is_reciprocal(beside, "lc", plan.analysis) is answer
    assert not is_reciprocal(numbers, "lc", plan.analysis)


def test_the_least_p_is_corrected_over_the_cuts_and_over_the_ratios():
    ps = {ratio: FOUND[f"dose_sensitivity.lc.{ratio}.search.corrected_p"] for ratio in ("ab3",)}
    assert FOUND["dose_sensitivity.lc.ab3.search.p"].value < ps["ab3"].value
    assert ps["ab3"].value <= FOUND["dose_sensitivity.lc.search.corrected_p"].value
    assert FOUND["dose_sensitivity.lc.ab10.search.gy"].value == pytest.approx(85.5)


def test_only_the_plans_split_is_more_than_filler_in_a_reconstruction():
    plan = plan_of(cohort=RECONSTRUCTED)
    support = {k: e["support"] for k, e in numbers_of(FOUND, plan).items()}
    key = "dose_sensitivity.lc.ab10"
    assert support[f"{key}.cut_3.hr"] == support[f"{key}.cut_3.logrank_p"] == "printed"
    for filler in ("cut_1.hr", "cut_3.corrected_p", "bed.hr", "search.p", "cuts.n"):
        assert support[f"{key}.{filler}"] == "filler", filler
    known = replace(RECONSTRUCTED, support=PRINTED | {WITHIN_CLASS: "inferred"})
    assert numbers_of(FOUND, plan_of(cohort=known))[f"{key}.bed.hr"]["support"] == "inferred"


def test_where_ranges_are_withheld_quartiles_are_given_alone():
    plan = plan_of()
    numbers = withhold(numbers_of(FOUND, plan), SmallCells(5))
    text = dose_tables(numbers, plan.analysis, plan.cohort)["dose_measures"]
    read = SHORTCODE.sub(lambda match: numbers[match[1]]["text"], text)
    assert "| 10 Gy | 92.8 | 72–105.2 | not shown |" in read
    assert "not shown–" not in read


# --- what cannot be had -------------------------------------------------------------------


def test_a_cohort_without_doses_says_what_is_missing_and_has_no_table():
    cohort = cohort_of({"patients": COLUMNS["patients"]})
    plan = plan_of(cohort=cohort, dose_endpoints=())
    [record] = dose_statistics(*frames(LESIONS), plan)
    assert record.status == "not_available"
    assert record.reason == "the records hold no table of courses"
    numbers = numbers_of({record.key: record}, plan)
    assert dose_tables(numbers, plan.analysis, cohort) == {}


def test_doses_without_local_control_have_their_table_only():
    made = tabulated(dose_endpoints=())
    assert set(made) == {"dose_measures", "dose_ranks"}


@pytest.mark.parametrize(
    ("lesions", "reason"),
    [
        ([(*row[:3], 50, 5) for row in LESIONS], "all lesions have the same dose"),
        ([(*row[:2], 0, *row[3:]) for row in LESIONS], "no event was observed"),
        ([(*row[:2], row[3] == 30, *row[3:]) for row in LESIONS], "no cut leaves enough lesions"),
        ([(*row[:3], None, 5) for row in LESIONS], "no dose is known"),
        ([], "no dose is known"),
    ],
)
def test_without_a_cut_everything_says_why(lesions, reason):
    found = records(lesions)
    for ratio in ("ab3", "ab4", "ab10"):
        key = f"dose_sensitivity.lc.{ratio}"
        assert found[f"{key}.cuts.n"].value == 0
        assert found[f"{key}.search.corrected_p"].reason.startswith(reason)
    assert found["dose_sensitivity.lc.search.corrected_p"].status == "not_estimable"
    made = tabulated(lesions)
    assert "cut_points" not in made
    assert "there is no cut to examine, because {{< num" in made["cut_search"]
    said = " ".join(text.get_text() for text in drawn(lesions).findobj(Text))
    assert f"No cut: {reason}" in said


def test_patients_who_cannot_exchange_doses_leave_p_uncorrected():
    alone = [(1 + (at > 1) + (at > 6), *row[1:]) for at, row in enumerate(LESIONS)]
    found = records(alone)
    corrected = found["dose_sensitivity.lc.ab10.cut_1.corrected_p"]
    assert corrected.status == "not_estimable"
    assert corrected.reason.startswith("no two patients have equally many lesions")
    assert "it cannot be corrected for the choice, because" in tabulated(alone)["cut_search"]


# --- claims -------------------------------------------------------------------------------


@pytest.mark.parametrize("lesions", [LESIONS, [(*row[:3], 50, 5) for row in LESIONS]])
def test_what_the_search_is_said_to_have_found_is_carried(refusals, lesions):
    numbers = numbers_of(records(lesions), plan_of())
    for text in tabulated(lesions).values():
        assert refusals(text, numbers) == []


def test_a_p_that_is_not_the_least_is_refused(refusals):
    numbers = numbers_of(FOUND, plan_of())
    key = "dose_sensitivity.lc.ab10.cut_1.logrank_p"
    said = refusals(tabulated()["cut_search"], numbers | {key: numbers[key] | {"value": 0.0}})
    assert len(said) == 1
    assert "dose_least_p: the numbers do not carry “the least log-rank *p*”, in “At an" in said[0]
    assert f"{key} = 0.0" in said[0]


# --- tables and figure --------------------------------------------------------------------


def test_the_tables_have_a_row_for_each_ratio_and_cut():
    made = tabulated()
    assert set(made) == {
        *("dose_measures", "dose_ranks", "dose_response", "cut_points", "cut_search")
    }
    assert made["dose_measures"].count("num config.models.dose.alpha_beta_gy") == 6
    assert made["dose_response"].count(".se_ratio >}}") == 6
    assert made["cut_points"].count(".logrank_p >}}") == 4 + 4 + 3
    assert made["cut_points"].count(".gy >}} \\*") == 3
    assert "Data {{< num cohort.label >}}." in tabulated(cohort=RECONSTRUCTED)["cut_points"]


def test_the_figure_has_a_panel_for_each_ratio_and_a_mark_for_each_cut():
    figure = drawn()
    marks = [
        line for axes in figure.axes for line in axes.lines if str(line.get_gid()).endswith(".hr")
    ]
    assert len(marks) == 4 + 4 + 3
    assert [line.get_marker() for line in marks].count("D") == 3
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert [t for t in texts if t.startswith("BED at")] == [
        f"BED at an alpha/beta of {ratio} Gy" for ratio in (3, 4, 10)
    ]
    assert {"85.5", "7 (7)", "13 (2)"} <= set(texts)
    assert all(axes.get_yscale() == "log" for axes in figure.axes)


def test_many_cuts_keep_their_labels_apart():
    lesions = [(at, 3 + at % 11, at % 3 == 0, 30 + 0.5 * at, 5) for at in range(100)]
    [axes] = drawn(lesions, rules=DoseSensitivity((10,), 10, 0.1, 2, 9)).axes
    assert len([line for line in axes.lines if line.get_gid()]) > 70
    assert len(axes.get_xticks()) < 20


def test_the_footer_says_what_the_data_are():
    label = "Reconstructed from published statistics; not patients."
    assert drawn(cohort=RECONSTRUCTED).texts[-1].get_text() == f"{label} I{FILLER_NOTE[1:]}."
    assert label not in [text.get_text() for text in drawn().texts]


def test_equal_input_gives_equal_bytes():
    def saved():
        with matplotlib.rc_context(style()), io.BytesIO() as buffer:
            drawn().savefig(buffer, **save_options("svg"))
            return buffer.getvalue()

    assert saved() == saved()
    assert records() == FOUND


def test_ratios_have_names_that_keys_can_hold():
    assert [ratio_name(value) for value in (3, 10.0, 2.5)] == ["ab3", "ab10", "ab2_5"]
