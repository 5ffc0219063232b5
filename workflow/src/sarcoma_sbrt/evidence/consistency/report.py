"""The consistency report: every check on every printed figure that allows it."""

from __future__ import annotations

from sarcoma_sbrt.evidence.consistency.contrasts import symmetric_intervals, wald_p_values
from sarcoma_sbrt.evidence.consistency.counts import numbers_analysed, percentages, subtotals
from sarcoma_sbrt.evidence.consistency.drift import drift
from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.consistency.landmarks import landmark_findings
from sarcoma_sbrt.evidence.consistency.pooled import pooled_findings
from sarcoma_sbrt.evidence.consistency.ranges import (
    attainable_doses,
    contained_values,
    dose_classes,
)
from sarcoma_sbrt.evidence.consistency.repeats import repeats
from sarcoma_sbrt.evidence.published import Published

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
        ``same_cohort``).
    """
    figures = list(published.figures.values())
    return [
        *percentages(figures),
        *subtotals(figures),
        *numbers_analysed(figures),
        *contained_values(figures),
        *attainable_doses(figures, alpha_beta_gy=alpha_beta_gy),
        *dose_classes(figures, alpha_beta_gy=alpha_beta_gy),
        *symmetric_intervals(figures),
        *wald_p_values(figures),
        *repeats(figures),
        *landmark_findings(figures),
        *pooled_findings(figures),
        *(
            finding
            for old, new in _versions(published)
            for finding in drift(published.of(old), published.of(new))
        ),
    ]


def _versions(published: Published) -> list[tuple[str, str]]:
    """Earlier and later report of each cohort that the study table has both of."""
    series = {s.cohort_id: s for s in published.studies.values() if s.role == "sbrt_series"}
    return [
        (study.study_id, series[study.cohort_id].study_id)
        for study in published.studies.values()
        if study.role == "same_cohort" and study.cohort_id in series
    ]
