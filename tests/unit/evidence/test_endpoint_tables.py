"""Inconsistent endpoint-level tables are named, all at once."""

import pandas as pd
import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.reconstruction.endpoint_tables import check, disagreements
from sarcoma_sbrt.evidence.reconstruction.expansion import expand

CLASSES = {"G1": 1, "recurrence": 1, "single_lesion": 1, "size_le5": 1, "bed_lt100": 1}


def patient(**changes):
    row = {"id": 1, "os_months": 20, "death": 1, "pfs_months": 9, "pfs_event": 1, **CLASSES}
    return row | changes


def lesion(**changes):
    return {"lesion": 1, "patient": 1, "lc_months": 9, "lf": 1, **CLASSES} | changes


def messages(patients, lesions):
    return [str(p) for p in check(pd.DataFrame(patients), pd.DataFrame(lesions))]


def test_consistent_tables_have_no_problem():
    assert messages([patient()], [lesion()]) == []


@pytest.mark.parametrize(
    ("patients", "lesions", "message"),
    [
        (
            [patient(os_months=8)],
            [lesion(lc_months=8, lf=0)],
            "patients.csv:2: pfs_months: after the last contact (os_months), read 9",
        ),
        (
            [patient(pfs_event=0, death=0)],
            [lesion(lf=0)],
            "patients.csv:2: pfs_months: censored before the last contact (os_months), read 9",
        ),
        (
            [patient(pfs_event=0, pfs_months=20)],
            [lesion(lf=0)],
            "patients.csv:2: pfs_event: no event although the patient died, read 0",
        ),
        (
            [patient(single_lesion=0)],
            [lesion(single_lesion=0)],
            "patients.csv:2: single_lesion: lesions.csv has another number, read 0",
        ),
        (
            [patient()],
            [lesion(lc_months=21)],
            "lesions.csv:2: lc_months: after the last contact (os_months), read 21",
        ),
        (
            [patient(pfs_months=0)],
            [lesion(lc_months=0)],
            "lesions.csv:2: lc_months: failure at the start of the course, read 0",
        ),
        (
            [patient(pfs_event=0, pfs_months=20, death=0)],
            [lesion()],
            "lesions.csv:2: lf: local failure, yet the patient has no PFS event, read 1",
        ),
        (
            [patient(pfs_months=10)],
            [lesion()],
            "lesions.csv:2: lc_months: local failure before the patient's PFS event (pfs_months), "
            "read 9",
        ),
        (
            [patient()],
            [lesion(G1=0)],
            "lesions.csv:2: G1: the patient's row says otherwise, read 0",
        ),
        (
            [patient(os_months=20.5)],
            [lesion()],
            "patients.csv:2: os_months: not a time, read 20.5, accepted: whole months, 0 or more",
        ),
        (
            [patient(death=2)],
            [lesion()],
            "patients.csv:2: death: unknown code, read 2, accepted: 0, 1",
        ),
        (
            [patient()],
            [lesion(), lesion()],
            "lesions.csv:3: lesion: stands twice, read 1",
        ),
        (
            [patient()],
            [lesion(), lesion(lesion=2, patient=7)],
            "lesions.csv:3: patient: lesion without patient, read 7",
        ),
        (
            [patient(), patient(id=2)],
            [lesion()],
            "patients.csv:3: id: patient without lesion, read 2",
        ),
    ],
)
def test_an_inconsistency_is_named(patients, lesions, message):
    assert messages(patients, lesions) == [message]


def test_missing_columns_are_all_named():
    patients = pd.DataFrame([patient()]).drop(columns=["death", "G1"])
    assert [str(p) for p in check(patients, pd.DataFrame([lesion()]))] == [
        "patients.csv:1: death: column is missing",
        "patients.csv:1: G1: column is missing",
    ]


def test_expand_refuses_with_every_problem(marginals):
    tables = pd.DataFrame([patient(os_months=8)]), pd.DataFrame([lesion()])
    with pytest.raises(InputError) as refused:
        expand(*tables, seed=1, marginals=marginals)
    assert str(refused.value).splitlines() == [
        "lesions.csv:2: lc_months: after the last contact (os_months), read 9",
        "patients.csv:2: pfs_months: after the last contact (os_months), read 9",
    ]


def test_a_patient_takes_over_size_and_bed_of_the_largest_lesion(marginals):
    """The patient says 5 cm or less and below 100 Gy; the lesions say more, and both."""
    patients = pd.DataFrame([patient(single_lesion=0)])
    both = {"single_lesion": 0, "lf": 0, "size_le5": 0}
    mixed = pd.DataFrame([lesion(**both), lesion(**both, lesion=2, bed_lt100=0)])
    assert disagreements(patients, mixed, marginals).to_dict("records") == [
        {"patient": 1, "column": "size_le5", "supplied": 1, "used": 0}
    ]
    high = mixed.assign(bed_lt100=0)
    assert disagreements(patients, high, marginals)["column"].tolist() == ["size_le5", "bed_lt100"]
