"""The printed counts, medians and ranges that an expansion must fill.

Which they are is said by ``config/reconstruction/<study>-marginals.yaml``: it names rows of the
study's targets file, where each number stands with its place, and gives as numbers only what is
printed nowhere. Values are written as the raw tables write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.evidence.published import Figure

__all__ = [
    "AdverseEvent",
    "Histology",
    "Marginals",
    "Prescription",
    "Spread",
    "count_of",
    "decimals_of",
    "read_marginals",
]


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


def read_marginals(content: Mapping[str, Any], figures: Mapping[str, Figure]) -> Marginals:
    """Marginals of a study, each name replaced by what is printed under it.

    Parameters
    ----------
    content : mapping
        The study's file, which satisfies ``workflow/schemas/marginals.schema.yaml``. A text where
        a number is expected names a figure, without the study.
    figures : mapping
        Printed figures by key.

    Raises
    ------
    InputError
        For every name that is no figure of the study, and every figure without the count, or the
        median and range, that is needed.
    """
    study, x = content["study"], content["expansion"]
    of = _Reader(study, figures)
    sites = {
        site: (of.count(given["lesions"]), of.count(given["above_cut"]))
        for site, given in x["sites"].items()
    }
    of.check_sites(sites)
    other_systemic: dict[str | None, int] = {None: of.count(x["no_systemic"])}
    other_systemic = {**{k: of.count(v) for k, v in x["other_systemic"].items()}, **other_systemic}
    marginals = Marginals(
        age=of.spread(x["age"]),
        sex=of.counts(x["sex"]),
        histologies=tuple(
            Histology(
                one["group"],
                one.get("name"),
                of.count(one["patients"]),
                one.get("leans"),
                one.get("sex"),
            )
            for one in x["histologies"]
        ),
        grades=of.counts(x["grades"]),
        interval_months=of.spread(x["interval_months"]),
        presented=of.count(x["presented"]),
        surgery=of.count(x["surgery"]),
        many_operations=of.count(x["many_operations"]),
        adjuvant=of.counts(x["adjuvant"]),
        chemotherapy={
            setting: (of.count(one["treated"]), of.count(one["of"]))
            for setting, one in x["chemotherapy"].items()
        },
        chemotherapy_timing=of.counts(x["chemotherapy_timing"]),
        other_systemic=other_systemic,
        size_cm=of.spread(x["size_cm"]),
        size_cut_cm=float(x["size_cut_cm"]),
        sites_small={site: n - above for site, (n, above) in sites.items()},
        sites_large={site: above for site, (_, above) in sites.items()},
        prescriptions=tuple(
            Prescription(float(one["dose_gy"]), int(one["fractions"]), of.count(one["lesions"]))
            for one in x["prescriptions"]
        ),
        alpha_beta_gy=float(x["alpha_beta_gy"]),
        bed_cut_gy=float(x["bed_cut_gy"]),
        isodose=of.spread(x["isodose"]),
        ci=of.spread(x["ci"]),
        nci=of.spread(x["nci"]),
        hi=of.spread(x["hi"]),
        coverage=of.spread(x["coverage"]),
        adverse_events=tuple(
            AdverseEvent(
                one["term"],
                tuple(one["grades"]),
                of.count(one["patients"]),
                tuple(one["onset_months"]),
                tuple(one.get("sites", ())),
            )
            for one in x["adverse_events"]
        ),
    )
    if of.problems:
        raise InputError(of.problems)
    return marginals


def count_of(figure: Figure) -> int | None:
    """Printed count of a figure: beside its percentage, or the figure itself."""
    if figure.events is not None:
        return figure.events
    if figure.measure == "count" and figure.estimate is not None:
        return int(figure.estimate)
    return None


def decimals_of(text: str) -> int:
    """Decimals that a printed number is given with."""
    return len(text.strip().partition(".")[2])


@dataclass
class _Reader:
    """Looks names up, and keeps what is wrong with them."""

    study: str
    figures: Mapping[str, Figure]
    problems: list[Problem] = field(default_factory=list)

    def count(self, given: str | int) -> int:
        if not isinstance(given, str):
            return int(given)
        figure = self._figure(given)
        count = None if figure is None else count_of(figure)
        if figure is not None and count is None:
            self._wrong(given, "no count is printed")
        return count or 0

    def counts(self, given: Mapping[str, str | int]) -> dict[str, int]:
        return {name: self.count(one) for name, one in given.items()}

    def spread(self, given: str) -> Spread:
        figure = self._figure(given)
        if figure is None:
            return Spread(0, 0, 0)
        if figure.estimate is None or figure.range_low is None or figure.range_high is None:
            self._wrong(given, "no median and range is printed")
            return Spread(0, 0, 0)
        texts = (figure.printed_text, *re.findall(r"[\d.]+", figure.printed_range))
        decimals = max(decimals_of(text) for text in texts)
        return Spread(figure.range_low, figure.estimate, figure.range_high, decimals)

    def check_sites(self, sites: Mapping[str, tuple[int, int]]) -> None:
        for site, (n, above) in sites.items():
            if above > n:
                self._wrong(f"sites.{site}", "more lesions above the cut than lesions")

    def _figure(self, name: str) -> Figure | None:
        figure = self.figures.get(f"{self.study}.{name}")
        if figure is None:
            self._wrong(name, f"no printed figure of {self.study}")
        return figure

    def _wrong(self, name: str, what: str) -> None:
        self.problems.append(
            Problem(f"config/reconstruction/{self.study}-marginals.yaml", 0, name, what)
        )
