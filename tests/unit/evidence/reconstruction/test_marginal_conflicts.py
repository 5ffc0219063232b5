"""Every conflict of the paper's marginals is found, and one that a mutation makes is found too."""

import copy
from dataclasses import replace

import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.consistency.report import consistency_report
from sarcoma_sbrt.evidence.published import Published
from sarcoma_sbrt.evidence.reconstruction.agreement import Marginal, printed_parts
from sarcoma_sbrt.evidence.reconstruction.marginal_conflicts import conflicts, reasons, replaced


def mutated(figures, changes):
    changed = dict(figures)
    for name, values in changes.items():
        key = f"feng2022.{name}"
        changed[key] = replace(changed[key], **values)
    return changed


def found(content, figures, changes=(), findings=()):
    return conflicts(content, mutated(figures, dict(changes)), list(findings))


def of(check, listed):
    return [one for one in listed if one.check == check]


@pytest.fixture(scope="module")
def findings(figures):
    """Of the consistency report on this study's table rows; the rest takes longer."""
    own = {
        key: figure
        for key, figure in figures.items()
        if figure.study_id == figure.paper == "feng2022" and figure.measure not in ("rate",)
    }
    said = consistency_report(Published({}, own), 10)
    return [{"id": f"{f.check}.{f.keys[0]}"} | f.to_json() for f in said]


def test_what_the_paper_prints_against_itself(content, figures, findings):
    listed = found(content, figures, findings=findings)
    failed = {(one.check, one.keys[0].removeprefix("feng2022."), one.verdict) for one in listed}
    assert {one for one in failed if one[2] != "possible"} == {
        ("count_percentage", "number_of_lesions.single", "impossible"),
        ("count_percentage", "site.lung.text", "impossible"),
        ("count_percentage", "toxicity.acute_enteritis_g1_2", "impossible"),
        ("range", "isodose.median", "impossible"),
        ("repeat", "site.lung.text", "impossible"),
        ("legible", "histology.fibroblastic", "impossible"),
        ("prescriptions", "bed10.median", "conditional"),
        ("reading", "homogeneity_index.median", "conditional"),
        ("class_labels", "size_class.at_most_5", "wording"),
        ("one_name", "systemic_treatment.chemotherapy.text", "wording"),
        ("one_name", "setting.before_sbrt", "wording"),
    }


def test_impossible_rates_concern_the_counts_of_their_groups(content, figures):
    finding = {
        "id": "consistency.landmark.feng2022.os.grade_g2_g3.rate_12m",
        "check": "landmark",
        "verdict": "impossible",
        "keys": ["feng2022.os.grade_g2_g3.rate_12m"],
        "printed": "57.9%",
        "arithmetic": "no order of 18",
    }
    (one,) = of("landmark", found(content, figures, findings=[finding]))
    assert one.keys[1:] == ("feng2022.grade.g2", "feng2022.grade.g3")
    assert one.certificate == {"finding": finding["id"]}
    pooled = [finding | {"keys": ["feng2022.os.rate_12m"]}]  # of all patients, and no group
    assert not of("landmark", found(content, figures, findings=pooled))
    possible = [finding | {"verdict": "possible"}]
    assert not of("landmark", found(content, figures, findings=possible))


@pytest.mark.parametrize(
    ("changes", "check", "keys", "reasoning"),
    [
        (
            {"lesions": {"estimate": 64.0}},
            "patients_and_lesions",
            {"number_of_lesions.single", "number_of_lesions.multiple", "lesions"},
            "24 + 13 patients have 50–63 lesions, printed 64",
        ),
        (
            {"size.median": {"estimate": 4.8, "printed_text": "4.8"}},
            "median_and_classes",
            {"size.median", "size_class.at_most_5"},
            "values 29 and 30 of 58 lie from 5; printed median 4.8",
        ),
        (
            {"bed10_class.at_least_100": {"events": 31}},
            "median_and_classes",
            {"bed10.median", "bed10_class.at_least_100"},
            "values 29 and 30 of 58 lie from 100; printed median 85.5",
        ),
        (
            {"site.abdomen_pelvis.size_gt5": {"estimate": 19.0}},
            "cross_classification",
            {"site.abdomen_pelvis", "site.abdomen_pelvis.size_gt5"},
            "no table of derived.size_cm by lesions.site has feng2022.site.abdomen_pelvis (18), "
            "feng2022.site.abdomen_pelvis.size_gt5 (19)",
        ),
        (
            {"site.lung_chest.size_gt5": {"estimate": 16.0}},
            "cross_classification",
            {"site.abdomen_pelvis.size_gt5", "site.lung_chest.size_gt5", "size_class.above_5"},
            "no table of derived.size_cm by lesions.site has "
            "feng2022.site.abdomen_pelvis.size_gt5 (17), feng2022.site.lung_chest.size_gt5 (16), "
            "feng2022.size_class.above_5 (32)",
        ),
    ],
)
def test_a_mutation_is_found_and_proved(content, figures, changes, check, keys, reasoning):
    made = [c for c in of(check, found(content, figures, changes)) if c.verdict == "impossible"]
    assert not [c for c in of(check, found(content, figures)) if c.verdict == "impossible"]
    assert {key.removeprefix("feng2022.") for key in made[0].keys} == keys
    assert made[0].reasoning == reasoning


def test_a_median_may_lie_between_two_halves(content, figures):
    """With 29 of 58 up to the cut one middle value is there, and the other above it."""
    halves = {
        "size.median": {"estimate": 4.8, "printed_text": "4.8"},
        "size_class.at_most_5": {"events": 29},
        "size_class.above_5": {"events": 29},
    }
    sizes = [
        c
        for c in of("median_and_classes", found(content, figures, halves))
        if c.keys[0] == "feng2022.size.median"
    ]
    assert [c.verdict for c in sizes] == ["possible", "possible"]
    assert "lie around 5" in sizes[0].reasoning


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"homogeneity_index.median": {"printed_range": "1.14–1.82"}}, "reading"),
        ({"adjuvant_chemotherapy": {"estimate": 18.0}}, "one_name"),
    ],
)
def test_a_conflict_goes_with_its_cause(content, figures, changes, check):
    if check == "reading":
        changes["homogeneity_index.median"] |= {"range_low": 1.14, "range_high": 1.82}
    before, after = (
        [c for c in of(check, found(content, figures, x)) if c.verdict != "possible"]
        for x in ({}, changes)
    )
    assert len(after) == len(before) - 1


def test_classes_of_one_label_are_no_conflict(content, figures):
    closed = {
        key.removeprefix("feng2022."): {"row": figure.row.replace("< 5.0", "≤ 5").replace("≥", ">")}
        for key, figure in figures.items()
        if key.startswith("feng2022.size_class.") and figure.place == "table_2"
    }
    assert of("class_labels", found(content, figures))
    assert not of("class_labels", found(content, figures, closed))


def test_a_quotient_of_two_ranges_must_only_be_within_what_they_can_give(content, figures):
    beyond = {"new_conformity_index.median": {"range_high": 5.95, "printed_range": "1.13–5.95"}}
    (_, reading) = of("reading", found(content, figures, beyond))
    assert reading.verdict == "conditional"
    assert reading.reasoning.endswith("within 1.00–5.79; printed 1.13–5.95")


def test_reasons_tell_the_proved_from_what_was_not_found(content, figures, findings):
    listed = found(content, figures, findings=findings)

    def marginal(name, part, status):
        figure = figures[f"feng2022.{name}"]
        (printed,) = (p for p in printed_parts(figure) if p.part == part)
        return Marginal(f"{figure.key}.{part}", figure, (), printed, 0.0, status)

    given = [
        marginal("number_of_lesions.single", "count", "exact"),
        marginal("number_of_lesions.single", "percent", "unit"),
        marginal("sex.male", "count", "miss"),
    ]
    why = reasons(given, listed)
    assert list(why) == [given[1].target_id, given[2].target_id]
    assert why[given[1].target_id][0] == "impossible"
    assert why[given[2].target_id] == ("not found", None)
    (proof,) = (c for c in of("count_percentage", listed) if "single" in c.keys[0])
    assert replaced(proof, given) == ((given[0].target_id,), (given[1].target_id,))


def test_names_that_are_no_figures_are_refused(content, figures):
    bad = copy.deepcopy(content)
    bad["conflicts"]["one_name"][0]["keys"][0] = "nothing"
    bad["conflicts"]["quotients"][1]["dividend"] = "nobody"
    with pytest.raises(InputError) as refused:
        conflicts(bad, figures, [])
    file = "config/reconstruction/feng2022-marginals.yaml"
    assert str(refused.value).splitlines() == [
        f"{file}: nobody: no printed figure of feng2022",
        f"{file}: nothing: no printed figure of feng2022",
    ]
