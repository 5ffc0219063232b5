"""A small centre, sound as it stands: each test spoils one thing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.extraction.eligibility import Extraction, extract
from sarcoma_sbrt.extraction.sources import read_tables
from sarcoma_sbrt.settings import CohortSettings, cohort_settings

FILES = {
    "patients.csv": (
        "id,age,sex,grade,setting,diagnosis,last,status\n"
        "P1,50,F,G1,recurrence,-200,900,alive\n"
        "P2,61.5,M,G2,oligometastasis,-300,500,dead\n"
    ),
    "lesions.csv": "id,lesion,site,size,end\nP1,a,lung,2.3,\nP1,b,limbs,1.1,700\nP2,a,lung,5,\n",
    "courses.csv": (
        "id,lesion,course,start,dose,fractions,isodose\n"
        "P1,a,1,0,4500,5,80\nP1,b,1,14,3000,3,75\nP2,a,1,0,5000,5,\n"
    ),
    "assessments.csv": "id,lesion,day,size\nP1,a,-9,2.3\nP1,a,90,2\nP2,a,100,5.5\n",
    "progressions.csv": "id,day,kind\nP2,400,distant\n",
    "treatments.csv": "id,kind\nP1,surgery\nP2,surgery\n",
    "toxicities.csv": "id,term,grade,onset\nP1,Fatigue,2,30\n",
}

_COLUMNS: dict[str, dict[str, dict[str, Any]]] = {
    "patients": {
        "patient_id": {"from": "id"},
        "age_years": {"from": "age"},
        "sex": {"from": "sex", "codes": {"F": "female", "M": "male"}},
        "grade": {"from": "grade"},
        "setting": {"from": "setting"},
        "diagnosis_day": {"from": "diagnosis"},
        "last_contact_day": {"from": "last"},
        "vital_status": {"from": "status"},
    },
    "lesions": {
        "patient_id": {"from": "id"},
        "lesion_id": {"from": "lesion"},
        "site": {"from": "site"},
        "size_mm": {"from": "size", "unit": "cm"},
        "follow_up_end_day": {"from": "end"},
    },
    "courses": {
        "patient_id": {"from": "id"},
        "lesion_id": {"from": "lesion"},
        "course_id": {"from": "course"},
        "start_day": {"from": "start"},
        "dose_gy": {"from": "dose", "unit": "cGy"},
        "fractions": {"from": "fractions"},
        "isodose_percent": {"from": "isodose"},
    },
    "assessments": {
        "patient_id": {"from": "id"},
        "lesion_id": {"from": "lesion"},
        "assessment_day": {"from": "day"},
        "diameter_mm": {"from": "size", "unit": "cm", "missing": ["n.m."]},
    },
    "progressions": {
        "patient_id": {"from": "id"},
        "progression_day": {"from": "day"},
        "kind": {"from": "kind"},
    },
    "treatments": {"patient_id": {"from": "id"}, "kind": {"from": "kind"}},
    "toxicities": {
        "patient_id": {"from": "id"},
        "term": {"from": "term"},
        "grade": {"from": "grade"},
        "onset_day": {"from": "onset"},
    },
}


class Centre:
    """The files and the YAML of a centre, to be changed and then extracted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, str | bytes] = dict(FILES)
        self.settings: dict[str, Any] = {
            "title": "A small centre",
            "kind": "reconstructed",
            "times": {"unit": "days", "origin": "first fraction"},
            "tables": {
                name: {"file": f"{name}.csv", "columns": {c: dict(m) for c, m in columns.items()}}
                for name, columns in _COLUMNS.items()
            },
        }

    def replace(self, file: str, old: str, new: str) -> Centre:
        """Change the one place of a file where `old` stands."""
        content = self.files[file]
        assert isinstance(content, str)
        assert content.count(old) == 1, (file, old)
        self.files[file] = content.replace(old, new)
        return self

    def table(self, name: str) -> dict[str, Any]:
        """Give a table's block of the YAML."""
        block: dict[str, Any] = self.settings["tables"][name]
        return block

    @property
    def cohort(self) -> CohortSettings:
        return cohort_settings("small", self.settings)

    def extract(self) -> Extraction:
        """Write the files and extract them, problems of both steps together."""
        for name, content in self.files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (self.folder / name).write_bytes(data)
        return extract(self.cohort, *read_tables(self.cohort, self.folder))

    def refusal(self) -> list[str]:
        """Give the lines of the error that extraction must end with."""
        with pytest.raises(InputError) as caught:
            self.extract()
        return str(caught.value).splitlines()


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    return Centre(tmp_path)
