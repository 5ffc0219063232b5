"""Printed marginals are counted again as their queries say, and judged by their digits."""

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.agreement import (
    agreement,
    canonical_columns,
    holds,
    printed_parts,
    recounted,
    unrecounted,
)

FRAME = pd.DataFrame(
    {
        "patient_id": ["a", "b", "c", "d"],
        "patients.sex": pd.array(["male", "female", "male", None], dtype="string"),
        "patients.age_years": pd.array([40, 50, None, 61], dtype="Float64"),
    }
)
TREATMENTS = pd.DataFrame(
    {
        "patient_id": ["a", "a", "b"],
        "kind": ["surgery", "chemotherapy", "chemotherapy"],
        "intent": ["primary", "adjuvant", "with_sbrt"],
    }
)


def count(query):
    return recounted(query, FRAME, {"treatments": TREATMENTS})["count"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, 4),
        ({"patients.sex": "male"}, 2),
        ({"patients.sex": ["male", "female"]}, 3),  # a missing value is none of them
        ({"not": {"patients.sex": "male"}}, 2),
        ({"patients.age_years": {"at_least": 50}}, 2),
        ({"patients.age_years": {"above": 50}}, 1),
        ({"patients.age_years": {"at_most": 50}}, 2),
        ({"patients.age_years": {"below": 50, "at_least": 40}}, 1),
        ({"treatments.kind": "chemotherapy"}, 2),
        # one and the same row: a had surgery first, and chemotherapy later
        ({"treatments.kind": "chemotherapy", "treatments.intent": "primary"}, 0),
        ({"treatments.kind": "chemotherapy", "patients.sex": "female"}, 1),
        ({"not": [{"treatments.kind": "surgery"}, {"patients.sex": "female"}]}, 2),
    ],
)
def test_a_query_counts_patients(query, expected):
    assert count(query) == expected


def test_a_percentage_is_of_all_and_a_spread_of_the_known():
    assert recounted({"patients.sex": "male"}, FRAME, {})["percent"] == 50
    spread = recounted({"spread": "patients.age_years"}, FRAME, {})
    assert spread == {"median": 50, "least": 40, "most": 61}
    empty = recounted({"spread": "patients.age_years"}, FRAME.iloc[2:3], {})
    assert np.isnan(empty["median"])


def test_a_dose_at_the_cut_is_not_below_it_whatever_binary_floats_say():
    values = pd.Series([100.00000000000001, 99.99999999999999])
    assert not holds(values, {"below": 100}).any()
    assert holds(values, {"at_least": 100}).all()


def test_parts_of_a_figure():
    share = Figure("s.x", "s", "s", "table_1", "", "", "proportion", "x", estimate=29.7)
    share = Figure(**(vars(share) | {"printed_text": "29.7.4", "events": 11}))
    assert [(p.part, p.text, p.unit, p.legible) for p in printed_parts(share)] == [
        ("count", "29.7.4", 1.0, True),
        ("percent", "29.7.4", 0.1, False),
    ]


def test_the_marginals_of_the_paper_are_all_recounted_or_left_out_with_a_reason(content, figures):
    left_out = content["recount"]["left_out"]
    assert unrecounted("feng2022", figures, content["recount"], left_out) == []
    assert unrecounted("feng2022", figures, content["recount"], []) == sorted(
        f"feng2022.{name}" for name in left_out
    )
    fewer = {unit: dict(queries) for unit, queries in content["recount"].items()}
    del fewer["lesions"]["isodose.median"]
    assert unrecounted("feng2022", figures, fewer, left_out) == ["feng2022.isodose.median"]


def test_unknown_names_and_columns_are_refused(figures):
    queries = {
        "patients": {"sex.unheard_of": {}, "sex.male": {"patients.gender": "male"}},
        "lesions": {},
    }
    with pytest.raises(InputError) as refused:
        agreement("feng2022", figures, queries, {}, alpha_beta_gy=10)
    file = "config/reconstruction/feng2022-marginals.yaml"
    assert str(refused.value).splitlines() == [
        f"{file}: sex.male: no such column, read patients.gender",
        f"{file}: sex.unheard_of: no printed figure of feng2022",
    ]


def test_columns_behind_a_query():
    assert canonical_columns({}, "patients") == ("patients.patient_id",)
    query = {"derived.size_cm": {"above": 5}, "not": {"lesions.site": "lung"}}
    assert canonical_columns(query, "lesions") == ("lesions.size_mm", "lesions.site")
