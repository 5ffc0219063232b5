"""The stage that describes patients, lesions, treatment and toxicity."""

from __future__ import annotations

from sarcoma_sbrt.reporting.clinical_statistics import clinical_statistics
from sarcoma_sbrt.reporting.cohort_statistics import cohort_statistics, flow_statistics
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.toxicity_statistics import toxicity_statistics

__all__ = ["statistics"]


def statistics(cohort: Cohort) -> list[Statistic]:
    """Every statistic of the stage; of canonical tables, covariates and the ledger."""
    plan, tables = cohort.plan, cohort.canonical
    ratio, months = plan.alpha_beta_gy, plan.acute_toxicity_months
    return [
        *cohort_statistics(
            tables,
            (cohort.covariates["patient"], cohort.covariates["lesion"]),
            plan.analysis,
            plan.cohort,
            alpha_beta_gy=ratio,
            acute_toxicity_months=months,
        ),
        *clinical_statistics(tables, plan.endpoints, plan.cohort, alpha_beta_gy=ratio),
        *toxicity_statistics(tables, plan.analysis, plan.cohort, acute_toxicity_months=months),
        *flow_statistics(cohort.flow),
    ]
