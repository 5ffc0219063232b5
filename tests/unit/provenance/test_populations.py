"""Whom a number is of, in words."""

from __future__ import annotations

from typing import Any

import pytest

from sarcoma_sbrt.provenance.populations import counted, population

NUMBERS = {
    key: {"text": text}
    for key, text in {
        "config.endpoints.endpoints.os.unit": "patient",
        "config.endpoints.endpoints.lc.unit": "lesion",
        "endpoint.os.label_lower": "overall survival",
        "endpoint.lc.label_lower": "local control",
        "covariate.size.label": "Lesion size",
        "covariate.size.level": "5 cm or less",
        "covariate.size.reference": "more than 5 cm",
        "covariate.size.contrast": "5 cm or less vs more than 5 cm",
        "covariate.bed10.label": "BED10",
        "covariate.grade.label": "Histological grade",
        "series.x2020.lc.rate_12m.unit_of_analysis": "lesion",
        "published.x2020.label": "X 2020",
    }.items()
}


def _of(table: str, n: Any = None, events: Any = None, **about: Any) -> dict[str, Any]:
    return {"n": n, "events": events, "population": {"table": table} | about}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (_of("endpoints/os", 37, 28), "37 patients, 28 events"),
        (_of("endpoints/lc", 58, 1), "58 lesions, 1 event"),
        (_of("endpoints/os", 37), "37 patients"),
        (_of("endpoints/new", 37, 28), "37, 28 events"),  # of which no unit is known
        # The n of a rate at a time is not all who were followed.
        (
            _of("endpoints/os", 25, 9) | {"key": "os.rate_12m"},
            "25 patients at risk at 12 months, 9 events until then",
        ),
        (
            _of("endpoints/lc", 1, 9) | {"key": "x", "of": "lc.gap_0m.cif_death_12m"},
            "1 lesion at risk at 12 months, 9 events until then",
        ),
        (
            _of("endpoints/os", 37, 28) | {"key": "forest.os.partial.size.rate_12m"},
            "37 patients, 28 events",
        ),
        (_of("patients", 37, 10), "10 of 37 patients"),
        (_of("toxicities", 37), "37 patients"),
        (_of("courses", 58), "58 courses"),
        (
            _of("published.outcomes", 44) | {"key": "series.x2020.lc.rate_12m.half_n.low"},
            "44 lesions",
        ),
        ({"key": "published.x2020.sex", "n": 37, "events": 19, "population": {}}, "19 of 37"),
        ({}, ""),
    ],
)
def test_what_is_counted_is_named(entry: dict[str, Any], said: str) -> None:
    assert counted(entry, NUMBERS) == said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (_of("endpoints/os", filter={}), "all patients followed for overall survival"),
        (
            _of("endpoints/lc", filter={"size": 1}),
            "lesions followed for local control; lesion size: 5 cm or less",
        ),
        (
            _of("endpoints/lc", filter={"size": [0, 1]}),
            "lesions followed for local control; lesion size: 5 cm or less vs more than 5 cm",
        ),
        (
            _of("endpoints/os", filter={"recorded": ["bed10", "size"], "grade": ["G1", "G2"]}),
            "patients followed for overall survival; with BED10 and lesion size recorded; "
            "histological grade: G1 or G2",
        ),
        # Where the registry has no words the codes are told.
        (_of("endpoints/new", filter={"site": 0}), "units followed for new; site: 0"),
        (
            _of("endpoints/lc", filter={}, death_gap_months="unlimited"),
            "all lesions followed for local control; "
            "a death counts however long after the last assessment",
        ),
        (
            _of("endpoints/lc", filter={}, death_gap_months=0),
            "all lesions followed for local control; no death after the last assessment counts",
        ),
        (
            _of("endpoints/lc", filter={}, death_gap_months=7),
            "all lesions followed for local control; "
            "a death counts up to 7 months after the last assessment",
        ),
        (
            _of(
                "published.outcomes",
                filter={"endpoint": "lc", "study_id": "x2020", "time_months": 24.0},
                not_pooled="a target",
            ),
            "published outcomes; local control; X 2020; at 24 months; not pooled: a target",
        ),
        ({"population": {"paper": "y2021", "study_id": "x2020"}}, "X 2020"),
        ({"population": {"citation": "z2022"}}, "z2022"),
        ({"population": {}}, ""),
        ({}, ""),
    ],
)
def test_a_population_is_said_in_words(entry: dict[str, Any], said: str) -> None:
    assert population(entry, NUMBERS) == said
