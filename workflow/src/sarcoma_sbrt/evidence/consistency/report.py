"""The consistency report: every check on every printed figure that allows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sarcoma_sbrt.evidence.consistency.contrasts import symmetric_intervals, wald_p_values
from sarcoma_sbrt.evidence.consistency.counts import numbers_analysed, subtotals
from sarcoma_sbrt.evidence.consistency.directions import directions
from sarcoma_sbrt.evidence.consistency.drift import drift
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.landmarks import landmark_findings
from sarcoma_sbrt.evidence.consistency.legibility import legible_texts
from sarcoma_sbrt.evidence.consistency.percentages import percentages
from sarcoma_sbrt.evidence.consistency.pooled import pooled_findings
from sarcoma_sbrt.evidence.consistency.ranges import (
    attainable_doses,
    contained_values,
    dose_classes,
)
from sarcoma_sbrt.evidence.consistency.readings import primary
from sarcoma_sbrt.evidence.consistency.repeats import repeats
from sarcoma_sbrt.evidence.consistency.subsets import populations, subsets
from sarcoma_sbrt.evidence.published import Figure, Published

__all__ = ["consistency_report"]


def consistency_report(published: Published, alpha_beta_gy: float) -> list[Finding]:
    """Judge every printed figure that allows it; no check knows a paper.

    Parameters
    ----------
    published : Published
    alpha_beta_gy : float
        For the biologically effective doses, Gy.

    Returns
    -------
    list of Finding
        In the order of the checks, within a check in the order of the tables. Versions of one
        cohort are held against each other where the study table says that they are (role
        ``same_cohort``) and both speak for themselves, in a paper of their own.
        ``detail["fact"]`` is the figure that prints the judged fact first, equal for findings on
        one fact; ``detail["remarks"]`` has the notes of the figures concerned, where there are
        any.
    """
    figures = list(published.figures.values())
    found = [
        *legible_texts(figures),
        *percentages(figures),
        *subtotals(figures),
        *subsets(figures),
        *populations(figures),
        *numbers_analysed(figures),
        *contained_values(figures),
        *attainable_doses(figures, alpha_beta_gy=alpha_beta_gy),
        *dose_classes(figures, alpha_beta_gy=alpha_beta_gy),
        *symmetric_intervals(figures),
        *wald_p_values(figures),
        *repeats(figures),
        *directions(figures),
        *(
            finding
            for old, new in _versions(published)
            for finding in drift(published.of(old), published.of(new))
        ),
        *landmark_findings(figures, published.studies),
        *pooled_findings(figures, published.studies),
    ]
    return [_annotated(finding, published.figures) for finding in found]


def _annotated(finding: Finding, figures: Mapping[str, Figure]) -> Finding:
    """A finding with the fact that it judges and the notes of its figures."""
    # Of a repetition, the figure that it was held against is the first print.
    judged = finding.keys[-1] if finding.check == "repeat" else finding.keys[0]
    notes = [figures[key].note for key in finding.keys if key in figures]
    detail = dict(finding.detail)
    if judged in figures:
        detail["fact"] = primary(figures[judged], figures).key
    if any(notes):
        detail["remarks"] = list(dict.fromkeys(filter(None, notes)))
    return replace(finding, detail=detail)


def _versions(published: Published) -> list[tuple[str, str]]:
    """Earlier and later report of each cohort that the study table has both of."""
    own = [s for s in published.studies.values() if s.study_id in s.reported_in]
    series = {s.cohort_id: s for s in own if s.role == "sbrt_series"}
    return [
        (study.study_id, series[study.cohort_id].study_id)
        for study in own
        if study.role == "same_cohort" and study.cohort_id in series
    ]
