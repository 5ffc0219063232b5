"""Statistics of the stage dose_sensitivity: local control by BED and EQD2 at several alpha/beta."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import kendalltau

from sarcoma_sbrt.dose import bed, eqd2
from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.reporting.cohort_statistics import first_courses
from sarcoma_sbrt.reporting.statistics import Interval, Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import covariate_columns, endpoint_columns
from sarcoma_sbrt.settings import Analysis, Covariate, EndpointSettings, Plan
from sarcoma_sbrt.survival.cox import Cox, MonotoneLikelihood, fit_cox, fit_firth_cox
from sarcoma_sbrt.survival.cut_points import (
    ONE_DOSE,
    CutPoint,
    CutPointSearch,
    Selection,
    levels_of,
    search_cut_points,
)

__all__ = [
    "MEASURES",
    "STAGE",
    "WITHIN_CLASS",
    "dose_statistics",
    "plan_cut",
    "ratio_name",
]

STAGE = "dose_sensitivity"
MEASURES: Mapping[str, Callable[..., NDArray[np.float64]]] = {"bed": bed, "eqd2": eqd2}

# Where lesions stand among others of the same dose class, which no printed table tells: a
# reconstructed cohort may mark it in its `support`.
WITHIN_CLASS = "derived.dose_within_class"

_NEEDS = ("courses.start_day", "courses.dose_gy", "courses.fractions")
_LESION = ["patient_id", "lesion_id"]
_BED = "derived.bed10_gy"
_RELATIVE_TOLERANCE = 1e-9
_QUANTILES = {"min": 0.0, "quartile_1": 0.25, "median": 0.5, "quartile_3": 0.75, "max": 1.0}
_NO_DOSE = "no dose is recorded"

_CLUSTERED = "standard errors clustered by patient"
_INDEPENDENT = "lesions taken as independent"
_SE_RATIO = f"standard error of the log hazard ratio, clustered by patient over {_INDEPENDENT}"


def ratio_name(alpha_beta_gy: float) -> str:
    """Name of an alpha/beta ratio in keys, e.g. ``ab3`` or ``ab2_5``."""
    return f"ab{alpha_beta_gy:g}".replace(".", "_")


def plan_cut(analysis: Analysis) -> tuple[Covariate, str, str] | None:
    """First covariate of the plan that splits by BED, its side with the threshold, and which.

    Returns
    -------
    (Covariate, str, str) or None
        Side ``level`` or ``reference``; threshold ``below`` or ``at_most``, both of which name
        the lower group.
    """
    for covariate in analysis.covariates.values():
        for side, threshold in itertools.product(("level", "reference"), ("below", "at_most")):
            level = getattr(covariate, side)
            if covariate.column == _BED and getattr(level, threshold, None) is not None:
                return covariate, side, threshold
    return None


def dose_statistics(
    tables: Mapping[str, pd.DataFrame],
    endpoint_tables: Mapping[str, pd.DataFrame],
    plan: Plan,
) -> list[Statistic]:
    """Every statistic of the stage.

    Of all lesions the spread of BED and EQD2 at each alpha/beta
    (``dose_sensitivity.ab3.bed.median``), and for each two ratios Kendall's tau of the lesions'
    ranking and the pairs that it reverses (``ab3_ab10.tau``, ``.reversed.n``). Of each endpoint
    per lesion of local failure the hazard ratio per step of dose (``lc.ab3.bed.hr``, clustered
    by patient; ``.naive``), and of every cut that the rules allow (``lc.ab3.cut_1.gy``) numbers on
    each side, hazard ratio of the higher dose, and log-rank p, plain and corrected for the
    choice of the best cut; ``.marked`` is the cut that splits most nearly as the plan does.

    Parameters
    ----------
    tables : mapping of DataFrame
        Canonical tables.
    endpoint_tables : mapping of DataFrame
        Endpoint tables by name.
    plan : Plan
        A cohort without dose and fractions gives one record, which says so.
    """
    if not all(map(plan.cohort.supplies, _NEEDS)):
        reason = plan.cohort.lacks(_NEEDS)
        key, what = f"{STAGE}.n", "count of lesions with a known dose"
        return [Statistic(key, None, "count", what, status="not_available", reason=reason)]
    known, missing = _doses(tables["courses"], plan)
    found = [*_counts(known, missing), *_spreads(known, plan), *_ranks(known, plan)]
    for name in plan.analysis.dose_endpoints:
        lesions = _lesions(plan.endpoints[name], endpoint_tables[name], known, plan)
        found += [*_sizes(lesions), *_slopes(lesions), *_cuts(lesions)]
    return found


# --- doses --------------------------------------------------------------------------------


def _doses(courses: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, int]:
    """Lesions with their dose by measure and ratio, and the number whose dose is not known."""
    first = first_courses(courses)
    rows = first.dropna(subset=["dose_gy", "fractions"])
    dose, fractions = (rows[name].to_numpy(dtype="float64") for name in ("dose_gy", "fractions"))
    columns = {
        f"{ratio_name(ratio)}.{name}": measure(dose, fractions, ratio)
        for ratio in plan.analysis.dose.alpha_beta_gy
        for name, measure in MEASURES.items()
    }
    columns["plan"] = bed(dose, fractions, plan.alpha_beta_gy)
    known = rows[_LESION].assign(dose_gy=dose, fractions=fractions, **columns)
    return known.reset_index(drop=True), len(first) - len(known)


def _dosed(joint: bool) -> dict[str, Any]:
    """What a record of doses alone says about where it comes from."""
    return {
        "columns": _NEEDS,
        "joint": joint,
        "population": {"table": "courses", "filter": {}},
        "rows": {"table": "courses", "filter": {"course": "first", "dose": {"known": True}}},
    }


def _counts(known: pd.DataFrame, missing: int) -> Iterator[Statistic]:
    counts = {"n": (len(known), "known"), "missing.n": (missing, "unknown")}
    for name, (count, which) in counts.items():
        what = f"count of lesions, dose of the first course {which}"
        yield Statistic(f"{STAGE}.{name}", count, "count", what, **_dosed(False))


def _spreads(known: pd.DataFrame, plan: Plan) -> Iterator[Statistic]:
    for ratio, measure in itertools.product(plan.analysis.dose.alpha_beta_gy, MEASURES):
        column = f"{ratio_name(ratio)}.{measure}"
        # A paper prints the BED of its own ratio; any other needs dose with fractions.
        rest = _dosed(ratio != plan.alpha_beta_gy) | {"n": len(known)}
        for name, share in _QUANTILES.items():
            key, method = f"{STAGE}.{column}.{name}", f"{name} of the lesions' first courses"
            if known.empty:
                yield not_estimable(key, "Gy", method, _NO_DOSE, **rest)
            else:
                value = float(np.quantile(known[column].to_numpy(), share))
                yield Statistic(key, value, "Gy", method, **rest)


def _ranks(known: pd.DataFrame, plan: Plan) -> Iterator[Statistic]:
    """How two ratios agree on which lesion had more; EQD2 ranks lesions as BED does."""
    schedules = known.groupby(["dose_gy", "fractions"], as_index=False).size()
    dose, fractions, counts = (
        schedules[name].to_numpy(dtype="float64") for name in ("dose_gy", "fractions", "size")
    )
    rest, pairs = _dosed(True) | {"n": len(known)}, len(known) * (len(known) - 1) // 2
    yield Statistic(f"{STAGE}.pairs.n", pairs, "count", "count of pairs of lesions", **rest)
    for one, other in itertools.combinations(plan.analysis.dose.alpha_beta_gy, 2):
        key = f"{STAGE}.{ratio_name(one)}_{ratio_name(other)}"
        a, b = (levels_of(bed(dose, fractions, ratio)) for ratio in (one, other))
        method = "Kendall's tau-b of the lesions' BED"
        weights = counts.astype(np.int64)
        if len(known) < 2 or a.max(initial=0) == 0 or b.max(initial=0) == 0:
            reason = ONE_DOSE if len(known) else _NO_DOSE
            yield not_estimable(f"{key}.tau", "score", method, reason, **rest)
        else:
            tau = float(kendalltau(np.repeat(a, weights), np.repeat(b, weights)).statistic)
            yield Statistic(f"{key}.tau", tau, "score", method, **rest)
        turned = np.sign(a[:, None] - a) * np.sign(b[:, None] - b) < 0
        reversed_pairs = int((turned * np.outer(weights, weights)).sum()) // 2
        what = "count of pairs of lesions of which now one, now the other has the higher dose"
        yield Statistic(f"{key}.reversed.n", reversed_pairs, "count", what, **rest)


# --- lesions of an endpoint ---------------------------------------------------------------


@dataclass(frozen=True)
class _Lesions:
    """Lesions of one endpoint with a known dose: outcome, patient and doses row by row."""

    endpoint: EndpointSettings
    rows: pd.DataFrame
    missing: int
    plan: Plan
    columns: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{STAGE}.{self.endpoint.name}"

    @property
    def time(self) -> NDArray[np.float64]:
        return self.rows["time_months"].to_numpy(dtype="float64")

    @property
    def event(self) -> NDArray[np.int64]:
        """1 for a local failure; a competing death is censored, as in the Cox models."""
        return np.asarray(self.rows["event"] == 1, dtype=np.int64)

    @property
    def patient(self) -> NDArray[np.str_]:
        return np.asarray(self.rows["patient_id"].to_numpy(dtype=str))

    def dose(self, column: str) -> NDArray[np.float64]:
        return self.rows[column].to_numpy(dtype="float64")

    def origin(self, beyond_class: bool = True) -> dict[str, Any]:
        """What a record says about where it comes from; most need more than the plan's classes."""
        where = f"endpoints/{self.endpoint.name}"
        return {
            "columns": (*self.columns, *([WITHIN_CLASS] if beyond_class else [])),
            "joint": True,
            "population": {"table": where, "filter": {"recorded": ["dose"]}},
            "rows": {"table": where, "where": {"recorded": ["dose"]}},
            "n": len(self.rows),
            "events": int(self.event.sum()),
        }


def _lesions(
    endpoint: EndpointSettings, table: pd.DataFrame, known: pd.DataFrame, plan: Plan
) -> _Lesions:
    rows = table.merge(known, on=_LESION, how="inner", validate="one_to_one")
    rows = rows.sort_values(_LESION, ignore_index=True)  # permutations draw in the order of rows
    made_of = covariate_columns([Covariate("dose", "dose", _BED)])
    columns = (*endpoint_columns(endpoint, plan.cohort), *made_of)
    supplied = tuple(c for c in dict.fromkeys(columns) if c in plan.cohort.columns)
    return _Lesions(endpoint, rows, len(table) - len(rows), plan, supplied)


def _sizes(lesions: _Lesions) -> Iterator[Statistic]:
    rest = lesions.origin(beyond_class=False)
    counts = {
        "n": len(lesions.rows),
        "events": int(lesions.event.sum()),
        "missing.n": lesions.missing,
        "patients": len(set(lesions.patient)),
    }
    for name, count in counts.items():
        yield Statistic(f"{lesions.key}.{name}", count, "count", "count", **rest)


# --- hazard ratios ------------------------------------------------------------------------


def _hazard(
    lesions: _Lesions, key: str, values: NDArray[np.float64], rest: Mapping[str, Any]
) -> Iterator[Statistic]:
    """Hazard ratio of one column with clustered and naive inference, or Firth's where it runs away.

    A record of Firth's has the reason why the likelihood alone has no maximum.
    """
    analysis = lesions.plan.analysis
    name = f"Cox model, {analysis.ties.capitalize()} ties"
    try:
        fit, runaway = _fitted(lesions, values)
    except NotEstimable as reason:
        units: dict[str, Unit] = {"hr": "hazard ratio", "p": "p"}
        for end, unit in units.items():
            yield not_estimable(f"{key}.{end}", unit, name, str(reason), **rest)
        return
    [term] = fit.terms
    if runaway:
        method = f"Firth's penalised Cox model, Breslow ties, {fit.limits} limits"
        given = dict(rest) | {"p": term.p, "reason": runaway}
        ci = Interval(term.low, term.high, fit.level, fit.limits)
        yield Statistic(f"{key}.hr", term.hazard_ratio, "hazard ratio", method, ci=ci, **given)
        yield Statistic(f"{key}.p", term.p, "p", method, **given)
        return
    robust = term.robust
    assert robust is not None  # lesions are always clustered
    for ends, errors, said in (
        (("hr", "p"), robust, _CLUSTERED),
        (("naive", "naive_p"), term, _INDEPENDENT),
    ):
        method = f"{name}, Wald limits and test, {said}"
        given = dict(rest) | {"p": errors.p}
        ci = Interval(errors.low, errors.high, fit.level, f"Wald, {said}")
        ratio = term.hazard_ratio
        yield Statistic(f"{key}.{ends[0]}", ratio, "hazard ratio", method, ci=ci, **given)
        yield Statistic(f"{key}.{ends[1]}", errors.p, "p", method, **given)
    shares = robust.standard_error / term.standard_error
    yield Statistic(f"{key}.se_ratio", shares, "ratio", _SE_RATIO, **rest)


def _fitted(lesions: _Lesions, values: NDArray[np.float64]) -> tuple[Cox, str]:
    analysis = lesions.plan.analysis
    design, labels = pd.DataFrame({"dose": values}), {"dose": "dose"}
    shared: dict[str, Any] = {"level": analysis.confidence_level, "labels": labels}
    try:
        fit = fit_cox(
            design,
            lesions.time,
            lesions.event,
            ties=analysis.ties,
            cluster=lesions.patient,
            **shared,
        )
    except MonotoneLikelihood as runaway:
        return fit_firth_cox(design, lesions.time, lesions.event, **shared), str(runaway)
    return fit, ""


def _slopes(lesions: _Lesions) -> Iterator[Statistic]:
    """Hazard ratio per step of dose, of each measure at each ratio."""
    dose = lesions.plan.analysis.dose
    for ratio, measure in itertools.product(dose.alpha_beta_gy, MEASURES):
        column = f"{ratio_name(ratio)}.{measure}"
        values = lesions.dose(column) / dose.step_gy
        yield from _hazard(lesions, f"{lesions.key}.{column}", values, lesions.origin())


# --- cuts ---------------------------------------------------------------------------------


def _cuts(lesions: _Lesions) -> list[Statistic]:
    """Every cut at each ratio, what choosing the best costs, and which is the plan's."""
    dose = lesions.plan.analysis.dose
    method = "log-rank test of the cut with the least p, corrected by permutation of doses"
    names = [ratio_name(ratio) for ratio in dose.alpha_beta_gy]
    try:
        search = search_cut_points(
            lesions.time,
            lesions.event,
            np.column_stack([lesions.dose(f"{name}.bed") for name in names]),
            lesions.patient,
            least_share=dose.least_share,
            least_events=dose.least_events,
            permutations=dose.permutations,
            seed=_seed(lesions),
        )
    except NotEstimable as reason:
        search = CutPointSearch((str(reason),) * len(names), None, str(reason))
    key = f"{lesions.key}.search.corrected_p"
    found = [_corrected(key, search.corrected_p, search.reason, method, lesions.origin())]
    for name, selection in zip(names, search.selections, strict=True):
        key = f"{lesions.key}.{name}"
        if isinstance(selection, str):
            rest = lesions.origin()
            found.append(Statistic(f"{key}.cuts.n", 0, "count", "count of cuts", **rest))
            found.append(not_estimable(f"{key}.search.corrected_p", "p", method, selection, **rest))
        else:
            found += _selected(lesions, name, selection, search.reason, method)
    return found


def _seed(lesions: _Lesions) -> np.random.SeedSequence:
    name = f"{STAGE}.{lesions.endpoint.name}".encode()
    return np.random.SeedSequence([lesions.plan.analysis.seed, zlib.crc32(name)])


def _corrected(
    key: str, p: float | None, reason: str, method: str, rest: Mapping[str, Any]
) -> Statistic:
    if p is None:
        return not_estimable(key, "p", method, reason, **rest)
    return Statistic(key, p, "p", method, p=p, **rest)


def _selected(
    lesions: _Lesions, name: str, selection: Selection, reason: str, method: str
) -> list[Statistic]:
    """Cuts of one ratio: the search as a whole, then cut by cut."""
    key, rest, cuts = f"{lesions.key}.{name}", lesions.origin(), selection.cuts
    doses, best = lesions.dose(f"{name}.bed"), cuts[selection.best]
    found = [
        Statistic(f"{key}.cuts.n", len(cuts), "count", "count of cuts", **rest),
        Statistic(f"{key}.search.gy", best.dose, "Gy", "cut with the least log-rank p", **rest),
        Statistic(f"{key}.search.p", best.p, "p", "least log-rank p", p=best.p, **rest),
        _corrected(f"{key}.search.corrected_p", best.corrected_p, reason, method, rest),
    ]
    otherwise = _otherwise(lesions, doses, cuts)
    ratios: list[float] = []
    for at, cut in enumerate(cuts):
        is_plans = bool(otherwise) and otherwise[at] == 0
        records = list(_cut(lesions, f"{key}.cut_{at + 1}", cut, doses, reason, is_plans))
        ratios += [
            float(record.value)
            for record in records
            if record.key.endswith(".hr") and isinstance(record.value, float)
        ]
        found += records
    for end, of in (("least", min), ("greatest", max)):
        ratio_key, what = f"{key}.cuts.hr_{end}", f"{end} hazard ratio of a cut"
        if ratios:
            found.append(Statistic(ratio_key, of(ratios), "hazard ratio", what, **rest))
    if otherwise:
        at = int(np.argmin(otherwise))
        near = {
            "marked": (at + 1, "place of the cut that splits most nearly as the plan does"),
            "otherwise": (otherwise[at], "count of lesions on another side than by the plan"),
        }
        for end, (count, what) in near.items():
            found.append(Statistic(f"{key}.{end}", count, "count", what, **rest))
    return found


def _cut(
    lesions: _Lesions,
    key: str,
    cut: CutPoint,
    doses: NDArray[np.float64],
    reason: str,
    is_plans: bool,
) -> Iterator[Statistic]:
    """One cut; only of the plan's own is all printed that it rests on."""
    rest = lesions.origin(beyond_class=not is_plans)
    counts = {
        "below.n": cut.below,
        "below.events": cut.below_events,
        "above.n": cut.above,
        "above.events": cut.above_events,
    }
    yield Statistic(f"{key}.gy", cut.dose, "Gy", "least dose of the upper group", **rest)
    for name, count in counts.items():
        yield Statistic(f"{key}.{name}", count, "count", "count of lesions", **rest)
    upper = (doses >= cut.dose * (1 - _RELATIVE_TOLERANCE)).astype(float)
    yield from _hazard(lesions, key, upper, rest)
    yield Statistic(f"{key}.logrank_p", cut.p, "p", "log-rank test", p=cut.p, **rest)
    method = "log-rank test, corrected by permutation of doses for the choice among the cuts"
    whole = lesions.origin()
    yield _corrected(f"{key}.corrected_p", cut.corrected_p, reason, method, whole)


def _otherwise(
    lesions: _Lesions, doses: NDArray[np.float64], cuts: tuple[CutPoint, ...]
) -> list[int]:
    """For each cut the lesions that it puts on another side than the plan's; none without one."""
    plans = plan_cut(lesions.plan.analysis)
    if plans is None:
        return []
    covariate, side, threshold = plans
    gray = getattr(getattr(covariate, side), threshold)
    own, slack = lesions.dose("plan"), gray * _RELATIVE_TOLERANCE
    lower = own < gray - slack if threshold == "below" else own <= gray + slack
    return [int(((doses < cut.dose * (1 - _RELATIVE_TOLERANCE)) != lower).sum()) for cut in cuts]
