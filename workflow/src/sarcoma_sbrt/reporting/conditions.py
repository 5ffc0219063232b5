"""What the manuscript may ask about a cohort, and the answers (``when-meta`` conditions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["conditions"]

# True when any registry key lies at or below the name.
SECTIONS = (
    "cohort.age",
    "cohort.grade.missing",
    "cohort.setting",
    "cohort.setting.primary",
    "cohort.sex.male",
    "cohort.source",
    "consistency.count.impossible",
    "cox.lc.multivariable.grade",
    "cox.os.multivariable.grade",
    "cox.pfs.multivariable.grade",
    "dose",
    "forest",
    "forest.lc",
    "forest.mfs",
    "forest.os",
    "forest.pfs",
    "lc",
    "lc.competing",
    "lesions.size",
    "mfs",
    "os.grade",
    "pfs",
    "toxicity",
)
# Generated parts of the manuscript that a cohort may not fill.
PARTS = (
    "comparison_lc",
    "comparison_os",
    "leave_one_out",
    "left_out",
    "lc_models",
    "multivariable",
    "patients",
    "strata",
    "synthesis",
    "treatment",
    "univariable",
)
# Published rates that may be pooled: sites of the treated lesions, and all of them.
SITES = ("all", "bone", "brain", "lung", "mixed", "spine")
# What an endpoint's definition may say, each as `<endpoint>.<field>.<value>`.
CHOICES = {
    "censoring": ("last_contact", "last_assessment"),
    "death": ("event", "competing", "censor"),
    "reference": ("baseline", "nadir"),
    "second_course": ("censor", "ignore"),
}
ALL_KINDS = {"local", "regional", "distant"}


def conditions(
    numbers: Mapping[str, Mapping[str, Any]],
    parts: Mapping[str, Any],
    analysis: Analysis,
    cohort: CohortSettings,
    endpoints: Mapping[str, EndpointSettings],
) -> dict[str, bool]:
    """Every condition with its answer.

    Parameters
    ----------
    numbers : mapping
        The registry.
    parts : mapping
        `tables.tables`: what was generated.
    analysis, cohort, endpoints
        The plan.

    Returns
    -------
    dict of bool
        ``has.<key>``, ``has.table.<name>``, ``has.figure.<endpoint>``, ``quotable.<endpoint>``
        (its median may stand in abstract and discussion), ``kind.<kind>``,
        ``pooled.<endpoint>.<site>.<months>m`` and ``pooled.dose`` (the estimate is there),
        ``<endpoint>.<field>[.<value>]`` of its definition, ``has.confounded`` and
        ``first_progression_only``.
    """
    answers = {f"has.{name}": _any_below(name, numbers) for name in SECTIONS}
    answers |= {f"has.table.{name}": name in parts for name in PARTS}
    answers |= {f"has.figure.{name}": name in analysis.figures for name in endpoints}
    answers |= {f"quotable.{name}": _quotable(f"{name}.median", numbers) for name in endpoints}
    answers |= {f"kind.{k}": cohort.kind == k for k in ("reconstructed", "observed")}
    for endpoint in endpoints.values():
        answers |= _definition(endpoint)
    answers |= _pooled(numbers, analysis)
    used = {name for names in analysis.univariable.values() for name in names}
    answers["has.confounded"] = any(analysis.covariates[name].confounded for name in used)
    answers["first_progression_only"] = cohort.progressions_recorded == "first"
    return answers


def _any_below(name: str, numbers: Mapping[str, Any]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for key in numbers)


def _quotable(key: str, numbers: Mapping[str, Mapping[str, Any]]) -> bool:
    return key in numbers and numbers[key]["support"] != "filler"


def _pooled(numbers: Mapping[str, Mapping[str, Any]], analysis: Analysis) -> dict[str, bool]:
    """Whether each pooled estimate that the text may quote could be had."""
    keys = {
        f"pooled.{endpoint}.{site}.{months:g}m": f"synthesis.{endpoint}.{site}.rate_{months:g}m"
        for endpoint in analysis.comparison.endpoints
        for site in SITES
        for months in analysis.comparison.times_months
    } | {"pooled.dose": "synthesis.lc.dose.slope"}
    return {
        name: key in numbers and numbers[key]["status"] == "estimated" for name, key in keys.items()
    }


def _definition(endpoint: EndpointSettings) -> dict[str, bool]:
    answers = {
        f"{endpoint.name}.{field}.{value}": getattr(endpoint, field) == value
        for field, values in CHOICES.items()
        for value in values
    }
    return answers | {
        f"{endpoint.name}.{field}": answer
        for field, answer in {
            "death_gap": endpoint.death_gap_months is not None,
            "horizon": endpoint.horizon_months is not None,
            "growth_mm": endpoint.growth_mm > 0,
            "local_failure": endpoint.local_failure,
            "any_progression": set(endpoint.progression_kinds) == ALL_KINDS,
        }.items()
    }
