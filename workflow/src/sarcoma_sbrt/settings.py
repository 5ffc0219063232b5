"""Configuration as frozen dataclasses, and what it makes possible for a cohort.

The dictionaries come from YAML files that `sarcoma_sbrt.io.read_yaml` has checked against
``workflow/schemas``; here they get types, defaults and one question: which endpoints,
covariates, models and figures can this cohort supply?
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.schema import column

__all__ = [
    "Analysis",
    "CohortSettings",
    "ColumnMapping",
    "Comparison",
    "Covariate",
    "Diagnostics",
    "DoseSensitivity",
    "EndpointSettings",
    "ForestPlan",
    "Imputation",
    "Level",
    "Plan",
    "TableMapping",
    "analysis_settings",
    "cohort_settings",
    "endpoint_settings",
    "merged_plan",
    "plan_settings",
]

# What each derived covariate column needs of the canonical tables.
DERIVED_NEEDS: dict[str, tuple[str, ...]] = {
    "derived.number_of_lesions": ("lesions.lesion_id",),
    "derived.size_mm": ("lesions.size_mm",),
    "derived.bed10_gy": ("courses.dose_gy", "courses.fractions"),
    "derived.radiotherapy": ("treatments.kind",),
    "derived.chemotherapy": ("treatments.kind",),
}
# What a derived column's value rests on beyond what it cannot do without.
DERIVED_USES: dict[str, tuple[str, ...]] = {
    "derived.number_of_lesions": ("courses.start_day",),
    "derived.size_mm": ("courses.start_day",),
    "derived.bed10_gy": ("courses.start_day", "lesions.size_mm"),
}


@dataclass(frozen=True)
class ColumnMapping:
    """How one canonical column is read from a raw one.

    ``unit`` (quantities, times) or ``date_format`` (times given as dates) falls back to the
    cohort's; ``codes`` maps raw to canonical values (absent: raw values are canonical);
    ``missing`` are raw texts that mean missing beside the empty cell.
    """

    source: str
    codes: Mapping[str, str] | None = None
    unit: str | None = None
    date_format: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableMapping:
    """Where a canonical table lies in a centre's files, and how its columns are read."""

    file: str
    columns: Mapping[str, ColumnMapping]
    sheet: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    header_row: int = 1
    end: Literal["end_of_file", "first_blank_row"] = "end_of_file"
    skip: Mapping[str, Any] | None = None
    split: Mapping[str, str] | None = None


@dataclass(frozen=True)
class CohortSettings:
    """A cohort's YAML file."""

    name: str
    title: str
    kind: Literal["reconstructed", "observed"]
    tables: Mapping[str, TableMapping]
    times: Mapping[str, str]
    time_zero: str = "origin"
    progressions_recorded: Literal["all", "first"] = "all"
    derived_from: str | None = None
    source: str = ""
    eligibility: tuple[Mapping[str, Any], ...] = ()
    screening: Mapping[str, Any] | None = None
    support: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """Canonical columns, as ``table.column``, that the cohort maps."""
        return frozenset(f"{t}.{c}" for t, table in self.tables.items() for c in table.columns)

    def supplies(self, reference: str) -> bool:
        """Whether a canonical or derived column can be had of this cohort."""
        needs = DERIVED_NEEDS.get(reference, (reference,))
        return set(needs) <= self.columns

    def lacks(self, needs: Iterable[str]) -> str:
        """Why something cannot be had of this cohort, as the manuscript says it."""
        missing = [need for need in needs if need not in self.columns]
        things = [
            f"table of {need.split('.')[0]}"
            if need.split(".")[0] not in self.tables
            else column(need).description.lower()
            for need in missing
        ]
        *first, last = (f"no {thing}" for thing in dict.fromkeys(things))
        return "the records hold " + " and ".join([", ".join(first), last] if first else [last])

    @property
    def label(self) -> str:
        """What a reader must be told about these data wherever they could forget it."""
        if self.kind == "reconstructed":
            return "reconstructed from published statistics; not patients"
        return ""


@dataclass(frozen=True)
class EndpointSettings:
    """One endpoint of ``config/endpoints.yaml``; the file says why each choice was made."""

    name: str
    label: str
    unit: Literal["patient", "lesion"]
    time_zero: Literal["cohort", "first_course"]
    event: Literal["death", "progression", "local_failure"]
    censoring: Literal["last_contact", "last_assessment"]
    horizon_months: float | None = None
    progression_kinds: tuple[str, ...] = ()
    local_failure: bool = False
    death: Literal["event", "competing", "censor"] = "event"
    death_gap_months: float | None = None
    growth_percent: float = 20.0
    growth_mm: float = 0.0
    reference: Literal["baseline", "nadir"] = "baseline"
    second_course: Literal["censor", "ignore"] = "censor"

    @property
    def requires(self) -> tuple[str, ...]:
        """Canonical columns without which the endpoint cannot be derived."""
        needs = ["patients.last_contact_day", "patients.vital_status"]
        if self.event == "progression":
            needs += ["progressions.progression_day", "progressions.kind"]
        if self.event == "local_failure":
            needs += ["lesions.lesion_id", "courses.start_day", "assessments.diameter_mm"]
        return tuple(needs)

    def missing(self, cohort: CohortSettings) -> tuple[str, ...]:
        """Tables or columns that the cohort lacks for this endpoint; empty when available."""
        return tuple(need for need in self.requires if not cohort.supplies(need))


@dataclass(frozen=True)
class Level:
    """One side of a binary covariate."""

    label: str
    codes: tuple[str, ...] = ()
    at_most: float | None = None
    below: float | None = None


@dataclass(frozen=True)
class Covariate:
    """A covariate of the analysis plan: binary (`level` against `reference`) or continuous.

    A continuous covariate has `step` (the hazard ratio is per that many units).
    """

    name: str
    label: str
    column: str
    level: Level | None = None
    reference: Level | None = None
    step: float | None = None
    step_label: str = ""
    confounded: bool = False

    @property
    def in_sentence(self) -> str:
        """The label as it stands within a sentence; an abbreviation keeps its capitals."""
        label = self.label
        return label if label[1:2].isupper() else label[:1].lower() + label[1:]

    @property
    def contrast(self) -> str:
        """The contrast in words, as a table prints it."""
        if self.level is not None and self.reference is not None:
            return f"{self.level.label} vs {self.reference.label}"
        return self.step_label


@dataclass(frozen=True)
class Comparison:
    """Which published rates stand beside the cohort's."""

    endpoints: tuple[str, ...]
    times_months: tuple[int, ...]


@dataclass(frozen=True)
class ForestPlan:
    """How forests are cross-validated, and what they ask of the data.

    `cross_validation` and `thresholds` are the blocks of ``config/models.yaml``, which says
    what each number is; `grid` holds smallest leaf and covariates tried, point by point.
    """

    step_months: float
    cross_validation: Mapping[str, int]
    grid: tuple[tuple[int, str | int], ...]
    thresholds: Mapping[str, float]


@dataclass(frozen=True)
class Diagnostics:
    """How the assumptions of the Cox models are looked at.

    Attributes
    ----------
    transform : str
        Of time in the test of proportional hazards.
    influence_bound : float
        Standard errors of a coefficient that one patient may move it before it is counted.
    time_cuts_months : tuple of float
        Where the periods of a time-varying effect end.
    spline_knots : int
        Of a continuous covariate's spline.
    """

    transform: Literal["km", "rank", "identity", "log"] = "km"
    influence_bound: float = 1.0
    time_cuts_months: tuple[float, ...] = (12.0,)
    spline_knots: int = 3


@dataclass(frozen=True)
class Imputation:
    """How often missing covariates are imputed.

    Attributes
    ----------
    datasets : int
        Completed data sets, at least.
    iterations : int
        Cycles through the incomplete covariates before each of them.
    """

    datasets: int = 20
    iterations: int = 10


@dataclass(frozen=True)
class DoseSensitivity:
    """Which measures of dose, and which ways to split by them, local control is held against.

    Attributes
    ----------
    alpha_beta_gy : tuple of float
        Ratios at which BED and EQD2 are worked out.
    step_gy : float
        A hazard ratio is per so many Gy.
    least_share, least_events : float, int
        What a cut leaves on each side: this share of the lesions, and so many events.
    permutations : int
        Of doses, to correct p for the choice among the cuts.
    """

    alpha_beta_gy: tuple[float, ...] = (3.0, 4.0, 10.0)
    step_gy: float = 10.0
    least_share: float = 0.1
    least_events: int = 3
    permutations: int = 9999


@dataclass(frozen=True)
class Analysis:
    """The analysis plan after what the cohort cannot supply has been taken out.

    Every mapping is endpoint -> covariate names (or model -> names), in the plan's order.
    `left_out` says what was taken out and why: ``{what: reason}``. `rmst_months` is None where
    the restricted mean goes to the last landmark that every group reaches. `dose_endpoints`
    count local failures lesion by lesion, in a cohort with doses.
    """

    confidence_level: float
    alpha: float
    transform: str
    landmarks_months: tuple[float, ...]
    ties: str
    seed: int
    trees: int
    min_samples_leaf: int
    permutation_repeats: int
    covariates: Mapping[str, Covariate]
    endpoints: tuple[str, ...]
    strata: Mapping[str, tuple[str, ...]]
    univariable: Mapping[str, tuple[str, ...]]
    multivariable: Mapping[str, Mapping[str, tuple[str, ...]]]
    forest: Mapping[str, tuple[str, ...]]
    figures: Mapping[str, tuple[str, ...]]
    comparison: Comparison
    left_out: Mapping[str, str]
    median_ci: Literal["crossing", "first_event"] = "crossing"
    median_at_half: Literal["first", "midpoint"] = "first"
    diagnostics: Diagnostics = Diagnostics()
    rmst_months: float | None = None
    forest_plan: ForestPlan | None = None
    competing_gaps_months: tuple[float | None, ...] = ()
    clinical_figures: tuple[str, ...] = ()
    dose: DoseSensitivity = DoseSensitivity()
    dose_endpoints: tuple[str, ...] = ()
    imputation: Imputation = Imputation()
    stratified_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def cox_models(self, endpoint: str) -> dict[str, tuple[str, ...]]:
        """Covariates of each Cox model of an endpoint, no two models the same.

        The univariable ones are one entry, ``univariable``, for each covariate by itself.
        """
        univariable = self.univariable.get(endpoint, ())
        found = {"univariable": univariable} if univariable else {}
        seen = {frozenset([name]) for name in univariable}
        for model, names in self.multivariable.get(endpoint, {}).items():
            if frozenset(names) not in seen:
                found[model] = names
                seen.add(frozenset(names))
        return found

    @property
    def continuous(self) -> tuple[tuple[str, str, str], ...]:
        """Endpoint, Cox model and name of each continuous covariate, the adjusted model first."""
        found: dict[tuple[str, str], str] = {}
        for endpoint in self.endpoints:
            adjusted = self.multivariable.get(endpoint, {}).get("multivariable", ())
            models = {"multivariable": adjusted, "univariable": self.univariable.get(endpoint, ())}
            for model, names in models.items():
                for name in names:
                    if self.covariates[name].step is not None:
                        found.setdefault((endpoint, name), model)
        return tuple((endpoint, model, name) for (endpoint, name), model in found.items())


@dataclass(frozen=True)
class Plan:
    """Everything that the configuration decides about the analysis of one cohort."""

    cohort: CohortSettings
    endpoints: Mapping[str, EndpointSettings]
    analysis: Analysis
    alpha_beta_gy: float
    acute_toxicity_months: float
    concurrent_days: float


def plan_settings(raw: Mapping[str, Any]) -> Plan:
    """Plan of a run, from what the workflow hands to every script.

    Parameters
    ----------
    raw : mapping
        ``name`` and ``seed`` of the run, and the checked ``cohort``, ``endpoints`` and
        ``models`` files.
    """
    cohort = cohort_settings(raw["name"], raw["cohort"])
    endpoints = endpoint_settings(raw["endpoints"])
    return Plan(
        cohort=cohort,
        endpoints=endpoints,
        analysis=analysis_settings(raw["models"], endpoints, cohort, raw["seed"]),
        alpha_beta_gy=raw["endpoints"]["alpha_beta_gy"],
        acute_toxicity_months=raw["endpoints"]["acute_toxicity_months"],
        concurrent_days=raw["endpoints"]["concurrent_lesions_days"],
    )


def cohort_settings(name: str, raw: Mapping[str, Any]) -> CohortSettings:
    """Cohort settings from the checked YAML of ``config/cohorts/<name>.yaml``."""
    rest = {k: v for k, v in raw.items() if k not in ("tables", "eligibility")}
    return CohortSettings(
        name=name,
        tables={table: _table_mapping(t) for table, t in raw["tables"].items()},
        eligibility=tuple(raw.get("eligibility", ())),
        **rest,
    )


def _table_mapping(raw: Mapping[str, Any]) -> TableMapping:
    columns = {
        name: ColumnMapping(
            source=c["from"],
            codes=c.get("codes"),
            unit=c.get("unit"),
            date_format=c.get("date_format"),
            missing=tuple(str(m) for m in c.get("missing", ())),
        )
        for name, c in raw["columns"].items()
    }
    rest = {k: v for k, v in raw.items() if k != "columns"}
    return TableMapping(columns=columns, **rest)


def endpoint_settings(raw: Mapping[str, Any]) -> dict[str, EndpointSettings]:
    """Every endpoint of the checked ``config/endpoints.yaml``, by name."""
    return {name: _endpoint(name, definition) for name, definition in raw["endpoints"].items()}


def _endpoint(name: str, raw: Mapping[str, Any]) -> EndpointSettings:
    kinds = tuple(raw.get("progression_kinds", ()))
    return EndpointSettings(**{**raw, "name": name, "progression_kinds": kinds})


def analysis_settings(
    raw: Mapping[str, Any],
    endpoints: Mapping[str, EndpointSettings],
    cohort: CohortSettings,
    seed: int,
) -> Analysis:
    """Keep of the analysis plan what this cohort can carry.

    Parameters
    ----------
    raw : mapping
        The checked ``config/models.yaml``; the cohort's ``models`` block replaces its blocks.
    endpoints : mapping
        Endpoint settings by name.
    cohort : CohortSettings
        What tables and columns there are.
    seed : int
        Root seed.

    Raises
    ------
    InputError
        When a block names a covariate that the plan does not define, or splits curves by a
        continuous one.
    """
    plan = merged_plan(raw, cohort)
    if problems := _plan_problems(plan):
        raise InputError(problems)
    covariates = {name: _covariate(name, c) for name, c in plan["covariates"].items()}
    left_out: dict[str, str] = {}
    for name, endpoint in endpoints.items():
        if lacks := endpoint.missing(cohort):
            left_out[name] = cohort.lacks(lacks)
    available = tuple(name for name in endpoints if name not in left_out)

    def keep(names: list[str]) -> tuple[str, ...]:
        kept = []
        for name in names:
            if name == "overall" or cohort.supplies(covariates[name].column):
                kept.append(name)
            else:
                column = covariates[name].column
                left_out[name] = cohort.lacks(DERIVED_NEEDS.get(column, (column,)))
        return tuple(kept)

    def per_endpoint(block: Mapping[str, list[str]]) -> dict[str, tuple[str, ...]]:
        return {e: keep(block[e]) for e in available if e in block}

    multivariable = {
        e: {model: keep(names) for model, names in plan["multivariable"][e].items()}
        for e in available
        if e in plan["multivariable"]
    }
    forest = plan["forest"]
    return Analysis(
        confidence_level=plan["confidence_level"],
        alpha=plan["alpha"],
        transform=plan["kaplan_meier"]["transform"],
        landmarks_months=tuple(plan["kaplan_meier"]["landmarks_months"]),
        ties=plan["cox"]["ties"],
        seed=seed,
        trees=forest["trees"],
        min_samples_leaf=forest["min_samples_leaf"],
        permutation_repeats=forest["permutation_repeats"],
        covariates=covariates,
        endpoints=available,
        strata=per_endpoint(plan["strata"]),
        stratified_by=_stratified_by(
            per_endpoint(plan.get("stratified_by", {})), per_endpoint(plan["strata"])
        ),
        univariable=per_endpoint(plan["univariable"]),
        multivariable={
            e: {m: names for m, names in models.items() if names}
            for e, models in multivariable.items()
        },
        forest={e: names for e, names in per_endpoint(forest["covariates"]).items() if names},
        figures={e: names for e, names in per_endpoint(plan["figures"]).items() if names},
        comparison=Comparison(
            endpoints=tuple(plan["comparison"]["endpoints"]),
            times_months=tuple(plan["comparison"]["times_months"]),
        ),
        left_out=left_out,
        median_ci=plan["kaplan_meier"].get("median_ci", "crossing"),
        median_at_half=plan["kaplan_meier"].get("median_at_half", "first"),
        rmst_months=plan["kaplan_meier"].get("rmst_months"),
        diagnostics=_diagnostics(plan["diagnostics"]),
        forest_plan=_forest_plan(forest),
        competing_gaps_months=tuple(plan["competing"]["death_gap_months"]),
        clinical_figures=_clinical_figures(plan["clinical_figures"], endpoints, cohort),
        dose=_dose(plan["dose"]),
        # Local failures lesion by lesion, where there are doses to hold them against.
        dose_endpoints=tuple(
            name
            for name in available
            if endpoints[name].event == "local_failure"
            and endpoints[name].unit == "lesion"
            and cohort.supplies("derived.bed10_gy")
        ),
        imputation=Imputation(**plan["imputation"]),
    )


def _stratified_by(
    asked: Mapping[str, tuple[str, ...]], tested: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """What tests are stratified by; a cohort that tests fewer groups stratifies by fewer."""
    found = {e: tuple(n for n in names if n in tested.get(e, ())) for e, names in asked.items()}
    return {endpoint: names for endpoint, names in found.items() if names}


def _clinical_figures(
    names: Iterable[str], endpoints: Mapping[str, EndpointSettings], cohort: CohortSettings
) -> tuple[str, ...]:
    """Figures of single patients or lesions whose columns the cohort has.

    Real patients are shown one by one only where the cohort's own file asks for it.
    """
    if cohort.kind == "observed" and "clinical_figures" not in cohort.models:
        return ()
    local = [e for e in endpoints.values() if e.event == "local_failure" and not e.missing(cohort)]
    lanes = ("patients.last_contact_day", "patients.vital_status", "courses.start_day")
    drawn = all(map(cohort.supplies, lanes))
    return tuple(name for name in names if (drawn if name == "swimmer" else local))


def _forest_plan(raw: Mapping[str, Any]) -> ForestPlan:
    validation = {key: value for key, value in raw["cross_validation"].items() if key != "grid"}
    grid = raw["cross_validation"]["grid"]
    return ForestPlan(
        step_months=float(raw["step_months"]),
        cross_validation=validation,
        grid=tuple((point["min_samples_leaf"], point["max_features"]) for point in grid),
        thresholds=dict(raw["thresholds"]),
    )


def _diagnostics(raw: Mapping[str, Any]) -> Diagnostics:
    return Diagnostics(**{**raw, "time_cuts_months": tuple(raw["time_cuts_months"])})


def _dose(raw: Mapping[str, Any]) -> DoseSensitivity:
    cuts = raw["cut_points"]
    return DoseSensitivity(
        alpha_beta_gy=tuple(raw["alpha_beta_gy"]),
        step_gy=raw["step_gy"],
        least_share=cuts["least_share"],
        least_events=cuts["least_events"],
        permutations=cuts["permutations"],
    )


def _plan_problems(plan: Mapping[str, Any]) -> list[Problem]:
    """Covariates that a block names and the plan cannot give it, each at its key path."""
    known = plan["covariates"]
    problems = []
    for path, name in _named_covariates(plan):
        if name not in known:
            accepted = ", ".join(known)
            problems.append(Problem("models", 0, path, "unknown covariate", name, accepted))
        elif path.startswith(("strat", "figures")) and "per" in known[name]:
            what = "a continuous covariate cannot split curves"
            problems.append(Problem("models", 0, path, what, name, "one with level and reference"))
    return problems


def _named_covariates(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Key path and covariate name of every use of a covariate in the plan."""
    blocks = {block: plan[block] for block in ("strata", "univariable", "figures")}
    blocks["stratified_by"] = plan.get("stratified_by", {})
    blocks["forest.covariates"] = plan["forest"]["covariates"]
    blocks |= {f"multivariable.{e}": models for e, models in plan["multivariable"].items()}
    for block, lists in blocks.items():
        for key, names in lists.items():
            yield from ((f"{block}.{key}", name) for name in names if name != "overall")


def merged_plan(raw: Mapping[str, Any], cohort: CohortSettings) -> dict[str, Any]:
    """``config/models.yaml`` with the blocks that the cohort's own file replaces."""
    return {**raw, **cohort.models}


def _covariate(name: str, raw: Mapping[str, Any]) -> Covariate:
    step = raw.get("per", {})
    return Covariate(
        name=name,
        label=raw["label"],
        column=raw["column"],
        level=_level(raw["level"]) if "level" in raw else None,
        reference=_level(raw["reference"]) if "reference" in raw else None,
        step=step.get("step"),
        step_label=step.get("label", ""),
        confounded=raw.get("confounded", False),
    )


def _level(raw: Mapping[str, Any]) -> Level:
    return Level(**{**raw, "codes": tuple(raw.get("codes", ()))})
