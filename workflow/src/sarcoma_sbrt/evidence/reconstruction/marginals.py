"""The printed counts, medians and ranges that an expansion must fill.

`FENG_2022` holds those of Feng et al. 2022; the locator of each stands beside it.
Values are written as the raw tables write them (`config/cohorts/reconstructed-2022.yaml` maps
them to canonical codes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["FENG_2022", "AdverseEvent", "Histology", "Marginals", "Prescription", "Spread"]


@dataclass(frozen=True)
class Spread:
    """A printed median and range, and the decimals they are printed with."""

    low: float
    median: float
    high: float
    decimals: int = 0


@dataclass(frozen=True)
class Histology:
    """A histological type with its number of patients.

    `leans` keeps a type that is by its nature low or high grade with such patients, and
    `sex` one that occurs in one sex; no printed figure says either.
    """

    group: str
    name: str | None
    patients: int
    leans: Literal["low", "high"] | None = None
    sex: str | None = None


@dataclass(frozen=True)
class Prescription:
    """Dose and fractions of one SBRT course, with the number of lesions."""

    dose_gy: float
    fractions: int
    lesions: int


@dataclass(frozen=True)
class AdverseEvent:
    """A toxicity: grades, number of patients and months of onset.

    `sites` are the treated sites one of which a patient must have (empty: any).
    """

    term: str
    grades: tuple[int, ...]
    patients: int
    onset_months: tuple[int, ...]
    sites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Marginals:
    """Targets of an expansion; counts are scaled to a cohort of another size.

    Attributes
    ----------
    age, interval_months, size_cm, isodose, ci, nci, hi, coverage : Spread
        Years; months from diagnosis to recurrence or metastasis; cm; %; ratios; %.
    sex, grades : mapping of raw code to patients
        The cohort's number of patients is the sum of `sex`.
    histologies : tuple of Histology
    presented : int
        Patients who had recurred or metastasised before SBRT was considered.
    surgery, many_operations : int
        Patients operated on first, and those of them with more than two operations.
    adjuvant : mapping of treatment to patients
    chemotherapy : mapping of setting to (patients treated, patients of that setting)
    chemotherapy_timing : mapping of timing to patients
    other_systemic : mapping of treatment to patients; key ``None`` for no systemic treatment
    size_cut_cm : float
        Boundary of the size classes. No lesion is drawn at the boundary itself.
    sites_small, sites_large : mapping of site to lesions
        Sites of the lesions at or below the boundary, and above it.
    prescriptions : tuple of Prescription
    alpha_beta_gy, bed_cut_gy : float
        Of the BED classes: below the cut, or at least it.
    adverse_events : tuple of AdverseEvent
    """

    age: Spread
    sex: Mapping[str, int]
    histologies: tuple[Histology, ...]
    grades: Mapping[str, int]
    interval_months: Spread
    presented: int
    surgery: int
    many_operations: int
    adjuvant: Mapping[str, int]
    chemotherapy: Mapping[str, tuple[int, int]]
    chemotherapy_timing: Mapping[str, int]
    other_systemic: Mapping[str | None, int]
    size_cm: Spread
    size_cut_cm: float
    sites_small: Mapping[str, int]
    sites_large: Mapping[str, int]
    prescriptions: tuple[Prescription, ...]
    alpha_beta_gy: float
    bed_cut_gy: float
    isodose: Spread
    ci: Spread
    nci: Spread
    hi: Spread
    coverage: Spread
    adverse_events: tuple[AdverseEvent, ...]

    @property
    def patients(self) -> int:
        """Number of patients that the counts are of."""
        return sum(self.sex.values())


_SMOOTH, _SKELETAL, _VASCULAR = "Smooth muscle tumors", "Skeletal muscle tumors", "Vascular tumors"
_FIBROBLASTIC = "Fibroblastic and myofibroblastic tumors"
_UNCERTAIN, _ADIPOCYTIC = "Tumors of uncertain differentiation", "Adipocytic tumors"

FENG_2022 = Marginals(
    age=Spread(19, 58, 82),  # Table 1, Age
    sex={"M": 25, "F": 12},  # Table 1, Gender
    histologies=(  # Table 1, Pathological type; names from its footnotes a, b, c
        Histology(_SMOOTH, None, 5),
        Histology(_FIBROBLASTIC, "myxofibrosarcoma", 5),
        Histology(_FIBROBLASTIC, "fibrosarcoma NOS", 2),
        Histology(_FIBROBLASTIC, "inflammatory myofibroblastic tumor", 1, leans="low"),
        Histology(_FIBROBLASTIC, "solitary fibrous tumor, malignant", 1),
        Histology(_FIBROBLASTIC, "desmoid-type fibromatosis", 1, leans="low"),
        Histology(_FIBROBLASTIC, "dermatofibrosarcoma protuberans", 1, leans="low"),
        Histology(_UNCERTAIN, "undifferentiated sarcoma", 3, leans="high"),
        Histology(_UNCERTAIN, "spindle cell sarcoma, undifferentiated", 1, leans="high"),
        Histology(_UNCERTAIN, "pleural mesothelial sarcoma", 1),
        Histology(_UNCERTAIN, "endometrial stromal sarcoma", 1, sex="F"),
        Histology(_UNCERTAIN, "alveolar soft part sarcoma", 1, leans="high"),
        Histology(_UNCERTAIN, "synovial sarcoma", 1, leans="high"),
        Histology(_ADIPOCYTIC, "dedifferentiated liposarcoma", 3, leans="high"),
        Histology(_ADIPOCYTIC, "myxoid liposarcoma", 2),
        Histology(_VASCULAR, None, 3),
        Histology(_SKELETAL, None, 3),
        Histology("Others", None, 2),
    ),
    grades={"G1": 19, "G2": 4, "G3": 14},  # Table 1, Histological grade
    interval_months=Spread(2, 7, 100),  # Results, paragraph 2
    presented=31,  # Results, paragraph 2
    surgery=28,  # Results, paragraph 2
    many_operations=7,  # Results, paragraph 2
    adjuvant={"Chemotherapy": 13, "Radiotherapy": 3},  # Results, paragraph 2
    chemotherapy={"oligometastatic": (11, 19), "recurrent": (7, 18)},  # Results, paragraph 2
    chemotherapy_timing={"before": 9, "concurrent": 4, "after": 5},  # Results, paragraph 2
    other_systemic={  # Table 1, Systemic treatment
        "Targeted therapy": 4,
        "Immunotherapy": 1,
        "Interventional therapy": 2,
        None: 12,
    },
    size_cm=Spread(1.6, 5.5, 20, decimals=1),  # Table 2, Lesions size
    size_cut_cm=5.0,  # Table 2, Lesions size
    # Table 2, Site, split so that above 5 cm 17 are abdomen/pelvis and 12 lung/chest (Results,
    # paragraph 2); the rest of the split is printed nowhere.
    sites_small={
        "Head and neck": 5,
        "Lung": 8,
        "Chest": 2,
        "Abdomen/pelvis": 1,
        "Vertebral body bone": 9,
        "Limbs": 1,
    },
    sites_large={
        "Head and neck": 1,
        "Lung": 9,
        "Chest": 3,
        "Abdomen/pelvis": 17,
        "Vertebral body bone": 1,
        "Limbs": 1,
    },
    prescriptions=(  # Table 2, Prescription dose
        Prescription(30, 3, 8),
        Prescription(45, 3, 2),  # with the next: "45-48 Gy/3-4 Fx", 4
        Prescription(48, 4, 2),
        Prescription(54, 3, 1),  # with the next: "54-60 Gy/3 Fx", 3
        Prescription(60, 3, 2),
        Prescription(40, 5, 5),
        Prescription(45, 5, 11),
        Prescription(50, 5, 15),
        # "Others", 12: chosen so that total dose, fractions and BED keep their printed medians
        # and ranges and the BED classes their counts.
        Prescription(31.5, 5, 1),  # BED 51.345, the least with 30 Gy or more that prints as 51.3
        Prescription(30, 2, 1),  # the least number of fractions
        Prescription(35, 5, 1),
        Prescription(36, 6, 1),
        Prescription(40, 10, 1),  # the greatest number of fractions
        Prescription(40, 8, 1),
        Prescription(42, 7, 1),
        Prescription(60, 8, 2),
        Prescription(60, 6, 1),
        Prescription(55, 5, 1),
        Prescription(75, 5, 1),  # the greatest total dose and BED, 187.5
    ),
    alpha_beta_gy=10,  # Methods, Stereotactic body radiotherapy, paragraph 2
    bed_cut_gy=100,  # Table 2, BED
    isodose=Spread(55, 75, 88),  # Table 2, Isodose
    ci=Spread(1.00, 1.13, 2.77, decimals=2),  # Table 2, CI
    nci=Spread(1.13, 1.42, 2.93, decimals=2),  # Table 2, nCI
    hi=Spread(1.10, 1.33, 2.00, decimals=2),  # Table 2, HI
    coverage=Spread(47.81, 86.12, 99.75, decimals=2),  # Table 2, PTV coverage
    adverse_events=(  # Results, Toxicity
        AdverseEvent("Fatigue", (1, 2), 8, (1,)),
        AdverseEvent("Radiation pneumonitis", (2,), 1, (2, 3), sites=("Lung",)),
        AdverseEvent("Radiation enteritis", (1, 2), 2, (1, 2), sites=("Abdomen/pelvis",)),
        AdverseEvent(
            "Radiation dermatitis", (3,), 1, (6,), sites=("Limbs", "Chest", "Head and neck")
        ),
    ),
)
