"""What the manuscript may ask about a cohort, and the answers (``when-meta`` conditions)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sarcoma_sbrt.reporting.competing_statistics import competing_endpoints
from sarcoma_sbrt.reporting.dose_tables import is_reciprocal
from sarcoma_sbrt.reporting.numbers import is_estimated
from sarcoma_sbrt.reporting.reproduction_statistics import LEVELS
from sarcoma_sbrt.settings import Analysis, CohortSettings, EndpointSettings

__all__ = ["conditions"]

# True when any registry key lies at or below the name.
SECTIONS = (
    "cohort.age",
    "cohort.grade.missing",
    "cohort.setting",
    "cohort.sex.male",
    "cohort.source",
    "consistency.count.landmark.impossible",
    "consistency.count.pooled_landmark.impossible",
    "consistency.versions.changed",
    "consistency.versions.journal_only",
    "consistency.versions.moved",
    "consistency.versions.preprint_only",
    "consistency.versions.relabelled",
    "consistency.versions.unchanged",
    "consistency.versions.unchanged_inputs_changed",
    "cox.lc.multivariable.robust_score",
    "diagnostics.largest_influence",
    "dose",
    "dose_sensitivity.n.reason",
    "forest",
    "imputation.models",
    "imputation.ratio_min",
    "lc",
    "lc.competing",
    "lesions.size",
    "mfs",
    "os.grade",
    "pfs",
    "reproduction",
    "reproduction.search.alternative_1",
    "reproduction.search.shorter",
    "reproduction.search.solutions",
    "toxicity",
)
# Generated parts of the manuscript that a cohort may not fill.
PARTS = (
    "competing_gap",
    "complement_lc",
    "fine_gray",
    "gap_lc",
    "imputation",
    "incidence",
    "incidence_lc",
    "cut_points",
    "cut_search",
    "dose_measures",
    "dose_ranks",
    "dose_response",
    "comparison_lc",
    "comparison_os",
    "diagnostics",
    "functional_form",
    "forest",
    "leave_one_out",
    "left_out",
    "clustering",
    "global_tests",
    "lc_models",
    "nonproportional",
    "log_rank",
    "marginals",
    "multivariable",
    "ordered",
    "patients",
    "profile",
    "reproduction_missed",
    "reproduction_proofs",
    "site_dose",
    "toxicity_shares",
    "quartiles",
    "strata",
    "synthesis",
    "treatment",
    "univariable",
)
# Published rates that may be pooled: sites of the treated lesions, and all of them.
SITES = ("all", "bone", "brain", "lung", "mixed", "spine")
# Counts after which the text needs "patient" or "patients".
ONES = ("cohort.grade.missing.n", "toxicity.grade_3_or_more.n")
# Counts of which the text speaks only where there are any.
SOMES = (
    *(f"diagnostics.{name}" for name in ("nonlinear", "untested")),
    "imputation.incomplete",
    "cohort.setting.primary.n",
    "reproduction.count.all.impossible",
    "reproduction.proved.near",
    "reproduction.search.unmet",
    "response.unmeasured.n",
)
# Numbers that the text gives where they can be had, and else the reason why not.
ESTIMATES = (
    *(f"cox.{endpoint}.multivariable.grade.hr" for endpoint in ("os", "pfs", "lc")),
    "fine_gray.lc.multivariable.grade.hr",
    *(f"diagnostics.{endpoint}.multivariable.ph.p" for endpoint in ("os", "pfs", "lc")),
)
# Medians whose interval the text leaves out where neither of its limits is reached.
MEDIANS = (
    *(f"{endpoint}.follow_up_median" for endpoint in ("os", "lc")),
    *(f"{endpoint}.median" for endpoint in ("os", "pfs", "mfs", "lc")),
)
# Times that the text names by their place in the configuration.
TIMES_MONTHS = (12, 24, 36)
# Percentage points between this cohort and its target, up to which the text calls them near.
NEAR = 5.0
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
        (its median may stand in abstract and discussion), ``quotable.reproduction`` (its counts
        may), ``kind.<kind>``,
        ``pooled.<endpoint>.<site>.<months>m`` and ``pooled.dose`` (the estimate is there),
        ``competing.<endpoint>`` (a death competes),
        ``one.<key>`` (it counts one), ``some.<key>`` (it counts any),
        ``estimated.<key>`` (it has a value), ``lost.<key>`` (it has none),
        ``bounded.<key>`` (its interval has a limit) and ``bounded.quotable.<endpoint>``,
        ``has.figure.schoenfeld`` and ``has.figure.functional_form``,
        ``has.figure.<swimmer|waterfall|spider>`` and ``has.clinical_figures`` (any of these),
        ``near.<endpoint>`` and ``apart.<endpoint>`` (how this cohort stands to what it was
        reconstructed from; neither where that cannot be quoted),
        ``attainable.<endpoint>`` (it is apart, though the printed rates are possible),
        ``dose.loi_alone`` (one series stands apart on the dose axis),
        ``reciprocal.<endpoint>`` (the plan's model has the ratio of its cut the other way round),
        ``<endpoint>.<field>[.<value>]`` of its definition, ``ties.<name>``,
        ``median_ci.<rule>``, ``median_at_half.<rule>``, ``has.rmst_months`` and
        ``has.stratified_log_rank`` (of the estimators), ``has.confounded``,
        ``reproduction.as_searched`` (the run reproduces as much as the search on record),
        ``first_progression_only`` and ``lc.own_follow_up`` (a lesion's own follow-up may end
        before its patient's).
    """
    answers = {f"has.{name}": _any_below(name, numbers) for name in SECTIONS}
    answers |= {f"has.table.{name}": name in parts for name in PARTS}
    answers |= {f"has.figure.{name}": name in analysis.figures for name in endpoints}
    answers |= {f"quotable.{name}": _quotable(f"{name}.median", numbers) for name in endpoints}
    answers["quotable.reproduction"] = _quotable("reproduction.count.all.exact", numbers)
    answers |= {f"kind.{k}": cohort.kind == k for k in ("reconstructed", "observed")}
    for endpoint in endpoints.values():
        answers |= _definition(endpoint)
        # a progression only where the records can show one
        answers[f"{endpoint.name}.local_failure"] &= answers["has.lc"]
    answers |= _pooled(numbers, analysis)
    answers |= {f"one.{key}": key in numbers and numbers[key]["text"] == "1" for key in ONES}
    answers |= {f"some.{key}": key in numbers and numbers[key]["value"] > 0 for key in SOMES}
    answers |= {f"estimated.{key}": is_estimated(numbers, key) for key in ESTIMATES}
    answers |= {
        f"lost.{key}": key in numbers and not is_estimated(numbers, key) for key in ESTIMATES
    }
    answers |= {
        f"bounded.{key}": any(is_estimated(numbers, f"{key}.{end}") for end in ("low", "high"))
        for key in MEDIANS
    }
    answers |= {
        f"bounded.quotable.{name}": answers[f"quotable.{name}"]
        and answers.get(f"bounded.{name}.median", False)
        for name in endpoints
    }
    tested = r"diagnostics\.\w+\.multivariable\.\w+\.ph\.p"
    answers["has.figure.schoenfeld"] = _any_estimated(tested, numbers)
    answers["has.figure.functional_form"] = cohort.kind == "observed" and _any_estimated(
        r"diagnostics\.\w+\.\w+\.\w+\.spline\.p", numbers
    )
    for name in ("swimmer", "waterfall", "spider"):
        answers[f"has.figure.{name}"] = name in analysis.clinical_figures
    answers["has.clinical_figures"] = bool(analysis.clinical_figures)
    for name in analysis.comparison.endpoints:
        answers |= _beside_target(name, numbers, analysis, cohort)
    answers["dose.loi_alone"] = _loi_alone(numbers)
    for name in endpoints:
        answers[f"reciprocal.{name}"] = is_reciprocal(numbers, name, analysis)
    answers |= _estimators(analysis)
    competing = competing_endpoints(endpoints, analysis)
    answers |= {f"competing.{name}": name in competing for name in endpoints}
    used = {name for names in analysis.univariable.values() for name in names}
    answers["has.confounded"] = any(analysis.covariates[name].confounded for name in used)
    answers["lc.own_follow_up"] = cohort.supplies("lesions.follow_up_end_day")
    answers["reproduction.as_searched"] = _as_searched(numbers)
    answers["first_progression_only"] = cohort.progressions_recorded == "first"
    return answers


def _as_searched(numbers: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the run's records give the score that the search had; another plan may not."""
    pairs = [
        (f"reproduction.count.{level}.{what}", f"reproduction.search.best.{level}.{what}")
        for level in LEVELS
        for what in ("exact", "near")
    ]
    return all(
        here in numbers and there in numbers and numbers[here]["value"] == numbers[there]["value"]
        for here, there in pairs
    )


def _any_below(name: str, numbers: Mapping[str, Any]) -> bool:
    return any(key == name or key.startswith(f"{name}.") for key in numbers)


def _any_estimated(pattern: str, numbers: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a number whose whole key is like this has a value."""
    return any(re.fullmatch(pattern, key) and is_estimated(numbers, key) for key in numbers)


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
    usual = _names_times(analysis)
    return {name: usual and is_estimated(numbers, key) for name, key in keys.items()}


def _estimators(analysis: Analysis) -> dict[str, bool]:
    """Which rules the estimators follow, where the plan leaves a choice."""
    asked = {
        "ties": (analysis.ties, ("efron", "breslow")),
        "median_ci": (analysis.median_ci, ("crossing", "first_event")),
        "median_at_half": (analysis.median_at_half, ("first", "midpoint")),
    }
    answers = {
        f"{name}.{v}": chosen == v for name, (chosen, values) in asked.items() for v in values
    }
    return answers | {
        "has.rmst_months": analysis.rmst_months is not None,
        "has.stratified_log_rank": bool(analysis.stratified_by),
    }


def _loi_alone(numbers: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the doses of the regression are as the text says: all near each other but Loi's."""
    pattern = re.compile(r"series\.(\w+)\.lc\.rate_24m")
    pooled = [
        match[1]
        for key in numbers
        if (match := pattern.fullmatch(key)) and f"{key}.excluded" not in numbers
    ]
    keys = {study: f"series.{study}.bed10.central" for study in pooled}
    doses = {study: numbers[key]["value"] for study, key in keys.items() if key in numbers}
    order = sorted(doses, key=lambda study: doses[study])
    if len(order) < 4 or (order[0], *order[-2:]) != ("dhakal2012", "frakulli2015", "loi2018"):
        return False
    least, second, most = (doses[study] for study in (order[0], *order[-2:]))
    return bool(most - second > second - least)


def _names_times(analysis: Analysis) -> bool:
    return tuple(analysis.comparison.times_months) == TIMES_MONTHS


def _beside_target(
    endpoint: str,
    numbers: Mapping[str, Mapping[str, Any]],
    analysis: Analysis,
    cohort: CohortSettings,
) -> dict[str, bool]:
    """How the rates of a reconstructed cohort stand to those it was made from."""
    here = [f"{endpoint}.rate_{months}m" for months in TIMES_MONTHS]
    there = [f"published.{cohort.derived_from}.{key}" for key in here]
    told = (
        bool(cohort.derived_from)
        and _names_times(analysis)
        and all(_quotable(key, numbers) for key in (*here, *there))
        and all(numbers[key]["value"] is not None for key in (*here, *there))
    )
    pairs = zip(here, there, strict=True) if told else ()
    near = all(abs(numbers[h]["value"] - numbers[t]["value"]) <= NEAR for h, t in pairs)
    verdict = numbers.get(f"consistency.landmark.{there[0].partition('.')[2]}.verdict", {})
    return {
        f"near.{endpoint}": told and near,
        f"apart.{endpoint}": told and not near,
        f"attainable.{endpoint}": told and not near and verdict.get("text") == "possible",
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
