"""Which published rates stand beside each other, one per cohort, each with its interval and dose.

Nothing is pooled here: a rate that must not be pooled keeps its row and says why. What reviews
and other treatments reach stands apart, as context.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from scipy.special import expit
from scipy.stats import norm

from sarcoma_sbrt.dose import bed_of_eqd2
from sarcoma_sbrt.evidence.published import Figure, Study, bed_interval

__all__ = [
    "MIDDLE",
    "ONE_SCHEDULE",
    "PRINTED_BED",
    "PRINTED_EQD2",
    "SCHEDULES",
    "TIME_NOT_SUPPORTED",
    "ContextRate",
    "Effect",
    "SeriesRate",
    "comparable_rates",
    "context_rates",
    "logit_effect",
]

# Reasons why a rate is not pooled: tails of "not pooled, because …".
TIME_NOT_SUPPORTED = "the text does not support the time"
_ROLES = {
    "same_cohort": "another publication of the cohort stands for it",
    "review": "it is a review",
    "case": "it is a case",
    "registry": "it is a registry",
}
_NO_SERIES = "it is no series of stereotactic radiotherapy"
_MEMBERS = "its member series stand for themselves"
_LEFT_OUT = "the cohort under analysis was reconstructed from it"
_PART = "it is given for a part of the series only"
_CRUDE = "it is a crude share, not a rate at a time"
_BOUND = "it is printed as a bound, not as a value"
_NO_SIZE = "neither an interval nor a number of patients is printed"

# Estimators of the rate at a time; every other one is a share of whoever was left.
_TIME_TO_EVENT = ("kaplan_meier", "actuarial", "cumulative_incidence")

# Units that an endpoint has by its definition, whether they are printed or not.
_UNITS = {"os": "patient"}

_CORRECTION = 0.5
# alpha/beta at which papers print BED and EQD2.
_PRINTED_ALPHA_BETA = 10.0

# Where a series' BED is from, the nearest to print first.
PRINTED_BED = "printed BED10"
PRINTED_EQD2 = "printed EQD2, converted"
SCHEDULES = "printed schedules"
# What stands for a series whose median is not printed.
MIDDLE = "middle of the range"
ONE_SCHEDULE = "the one printed schedule"
_PRINTED_DOSES = {"bed10": PRINTED_BED, "eqd2": PRINTED_EQD2}

# How a figure stands to what is printed.
_BOUNDS = ("<", "<=", ">", ">=")
_RELATIONS = {"~": "approximate"} | dict.fromkeys(_BOUNDS, "a bound")

# What context is, by the treatment under study.
_TREATMENTS = {
    "radiotherapy": "conventional radiotherapy",
    "sbrt": "stereotactic radiotherapy",
    "srs": "stereotactic radiotherapy",
    "sbrt_immunotherapy": "stereotactic radiotherapy with immunotherapy",
    "surgery": "surgery",
    "systemic": "systemic treatment",
    "mixed": "several treatments",
}
_TREATMENT_NOT_SAID = "treatment not said"
_REVIEW, _REVIEW_RANGE = "review", "review, range over its series"
# Context is of the same disease: trials in other cancers are no yardstick for a sarcoma's rate.
_SARCOMA = re.compile(r"sarcoma|\bSTS\b", re.IGNORECASE)


@dataclass(frozen=True)
class Effect:
    """A rate on the logit scale with its sampling variance."""

    logit: float
    variance: float

    def interval(self, level: float) -> tuple[float, float]:
        """Wald limits on the logit scale, back in percent."""
        reach = norm.ppf((1 + level) / 2) * math.sqrt(self.variance)
        return 100 * float(expit(self.logit - reach)), 100 * float(expit(self.logit + reach))


@dataclass(frozen=True)
class SeriesRate:
    """The rate of one endpoint at one time that stands for a cohort.

    Attributes
    ----------
    study_id, cohort_id, label, site, role : str
        Of the study whose figure it is.
    endpoint, time_months : str, float
    estimator, unit_of_analysis : str
        As transcribed.
    part : str
        Subgroup or arm that it is about; empty for the whole series.
    supported : bool
        Whether the paper's text gives the figure at this time.
    rate : float
        Percent.
    relation : str
        How it stands to what is printed, as transcribed (``~`` is about, ``<`` below, …).
    n, n_source : int or None, str
        Patients, also where lesions were counted, because a patient's lesions are not
        independent: ``figure`` where the figure itself is of so many patients, else ``study``.
    low, high, level : float or None, float or None, float
        Confidence limits in percent and their level.
    interval : str
        ``printed``, ``approximated`` (from n, by Wald on the logit scale) or empty.
    low_half, high_half : float or None
        Approximated limits from half of n; None where the interval is printed.
    effect, effect_half : Effect or None
        What is pooled: variance from the printed interval where there is one, else from n.
    bed_least, bed_most, bed_central : float or None
        BED in Gy: the printed range (of BED, else of EQD2) or else the ends over the printed
        schedules, and one value for the series.
    bed_ends, bed_source : str
        Where the ends and where `bed_central` is from: `PRINTED_BED`, `PRINTED_EQD2`, then
        `SCHEDULES` of the ends, and of `bed_central`, which is a printed median or else lies
        between the ends, `MIDDLE` or `ONE_SCHEDULE`; or empty.
    keys, dose_keys : tuple of str
        Figures that give the rate and its n, and those that give the dose.
    excluded_reason : str
        Why it is not pooled; empty where it is.
    """

    study_id: str
    cohort_id: str
    label: str
    site: str
    role: str
    endpoint: str
    time_months: float
    estimator: str
    unit_of_analysis: str
    part: str
    supported: bool
    rate: float
    relation: str = ""
    n: int | None = None
    n_source: str = ""
    low: float | None = None
    high: float | None = None
    level: float = 0.95
    interval: str = ""
    low_half: float | None = None
    high_half: float | None = None
    effect: Effect | None = None
    effect_half: Effect | None = None
    bed_least: float | None = None
    bed_most: float | None = None
    bed_central: float | None = None
    bed_ends: str = ""
    bed_source: str = ""
    keys: tuple[str, ...] = ()
    dose_keys: tuple[str, ...] = ()
    excluded_reason: str = ""

    @property
    def is_pooled(self) -> bool:
        """Whether nothing speaks against pooling it."""
        return not self.excluded_reason

    @property
    def is_pooled_at_any_support(self) -> bool:
        """Whether nothing but the time that a table puts it at speaks against pooling it."""
        return self.excluded_reason in ("", TIME_NOT_SUPPORTED)

    @property
    def is_crude(self) -> bool:
        """Whether it is a share of whoever was left, not a rate at a time."""
        return self.estimator not in _TIME_TO_EVENT


@dataclass(frozen=True)
class ContextRate:
    """A rate of a review or of another treatment, set beside the series and never pooled.

    Attributes
    ----------
    study_id, site, population : str
        Of the study whose figure it is.
    kind : str
        What it is, in words: ``conventional radiotherapy``, ``review, range over its series``.
    endpoint, time_months : str, float
    part : str
        Subgroup or arm that it is about; empty for the whole study.
    supported : bool
        Whether no text contradicts that the figure is of this time.
    rate : float or None
        Percent; None where only a range is printed.
    low, high, level : float or None
        Printed range in percent; a confidence interval where there is a `level`.
    key : str
        The figure.
    """

    study_id: str
    site: str
    population: str
    kind: str
    endpoint: str
    time_months: float
    part: str
    supported: bool
    rate: float | None
    low: float | None
    high: float | None
    level: float | None
    key: str


def logit_effect(rate: float, n: float) -> Effect:
    """Logit of a rate and its variance, as if it were the share of `n` patients.

    logit p and 1 / (n p (1 - p)); where p is 0 or 1, one half is added to both counts (R:
    ``metafor::escalc(measure = "PLO", xi = n * p, ni = n)``). With censoring fewer than `n`
    patients inform a rate, so this variance is a lower bound: see half-n.

    Parameters
    ----------
    rate : float
        Percent.
    n : float
        Number of patients, above 0; half of one need not be whole.
    """
    events, rest = n * rate / 100, n * (100 - rate) / 100
    if min(events, rest) == 0:
        events, rest = events + _CORRECTION, rest + _CORRECTION
    return Effect(math.log(events / rest), 1 / events + 1 / rest)


def comparable_rates(
    figures: Iterable[Figure],
    studies: Mapping[str, Study],
    endpoint: str,
    time_months: float,
    *,
    alpha_beta: float,
    level: float = 0.95,
    excluded_cohorts: Collection[str] = (),
) -> list[SeriesRate]:
    """Rates of one endpoint at one time: one row per cohort, ordered by study.

    Of several figures of one cohort, one that can be pooled goes before one that cannot, then
    the newer study, then a figure with a printed interval. A study that is marked as the same
    cohort as another never stands for it. Figures that repeat another are not read.

    Parameters
    ----------
    figures : iterable of Figure
        All figures: also those that give n and dose are looked up here.
    studies : mapping of str to Study
    endpoint : str
        ``lc`` or ``os``, say.
    time_months : float
        Time of the rate.
    alpha_beta : float
        Gy, of the BED.
    level : float
        Confidence level of approximated intervals.
    excluded_cohorts : collection of str
        Cohorts that are shown, but never pooled: those that the cohort under analysis was
        reconstructed from.
    """
    known = [f for f in figures if f.study_id in studies and not f.duplicate_of]
    asked = [
        _series_rate(figure, studies[figure.study_id], known, alpha_beta, level)
        for figure in known
        if _is_asked(figure, endpoint, time_months)
    ]
    judged = [replace(r, excluded_reason=_reason(r, studies, excluded_cohorts)) for r in asked]
    judged = _without_reviews_of(judged, studies)
    by_cohort: dict[str, list[SeriesRate]] = {}
    for rate in judged:
        by_cohort.setdefault(rate.cohort_id, []).append(rate)
    chosen = [min(rates, key=lambda r: _rank(r, studies)) for rates in by_cohort.values()]
    return sorted(chosen, key=lambda rate: rate.study_id)


def context_rates(
    figures: Iterable[Figure], studies: Mapping[str, Study], endpoint: str, time_months: float
) -> list[ContextRate]:
    """What reviews and other treatments of sarcoma reach at one time, ordered by study.

    Of a study, figures of the whole go before those of its parts, of which all stand.

    Parameters
    ----------
    figures : iterable of Figure
    studies : mapping of str to Study
        Those whose role is ``context`` or ``review`` and whose patients have a sarcoma are read.
    endpoint : str
    time_months : float
    """
    found = [
        _context_rate(figure, studies[figure.study_id])
        for figure in figures
        if figure.study_id in studies
        and not figure.duplicate_of
        and _is_context(studies[figure.study_id])
        and (figure.unit, figure.endpoint, figure.time_months) == ("percent", endpoint, time_months)
        and (_gives_rate(figure) or _gives_range(figure))
    ]
    whole = {rate.study_id for rate in found if not rate.part}
    chosen = [rate for rate in found if not rate.part or rate.study_id not in whole]
    return sorted(chosen, key=lambda rate: (rate.study_id, rate.part, rate.key))


def _is_asked(figure: Figure, endpoint: str, time_months: float) -> bool:
    return (
        (figure.unit, figure.endpoint) == ("percent", endpoint)
        and figure.time_months == time_months
        and _gives_rate(figure)
    )


def _gives_rate(figure: Figure) -> bool:
    return figure.measure == "rate" and figure.estimate is not None


def _gives_range(figure: Figure) -> bool:
    return figure.measure == "range" and None not in (figure.range_low, figure.range_high)


def _is_context(study: Study) -> bool:
    about = f"{study.population} {study.histology}"
    return study.role in ("context", "review") and bool(_SARCOMA.search(about))


def _context_rate(figure: Figure, study: Study) -> ContextRate:
    has_interval = figure.ci_low is not None and figure.ci_high is not None
    ends = (
        (figure.ci_low, figure.ci_high) if has_interval else (figure.range_low, figure.range_high)
    )
    part = figure.subgroup or figure.arm
    return ContextRate(
        study_id=study.study_id,
        site=study.site,
        population=study.population,
        kind=_kind(figure, study, part),
        endpoint=figure.endpoint,
        time_months=float(figure.time_months or 0),
        part=part,
        supported=figure.time_supported != "no",
        rate=figure.estimate,
        low=ends[0],
        high=ends[1],
        level=_level(figure) if has_interval else None,
        key=figure.key,
    )


def _kind(figure: Figure, study: Study, part: str) -> str:
    if study.role == "review":
        what = _REVIEW_RANGE if _gives_range(figure) else _REVIEW
    else:
        what = _TREATMENTS.get(study.treatment, _TREATMENT_NOT_SAID)
    more = (_in_words(part), _RELATIONS.get(figure.relation, ""))
    return ", ".join([what, *filter(None, more)])


def _in_words(part: str) -> str:
    return re.sub(r"\bs(brt|rs)\b", lambda found: found[0].upper(), part.replace("_", " "))


# --- one figure -----------------------------------------------------------------------------


def _series_rate(
    figure: Figure, study: Study, known: Sequence[Figure], alpha_beta: float, level: float
) -> SeriesRate:
    assert figure.estimate is not None
    n, n_source, n_keys = _patients(figure, study, known)
    bare = SeriesRate(
        study_id=study.study_id,
        cohort_id=_cohort(study),
        label=study.label,
        site=study.site,
        role=study.role,
        endpoint=figure.endpoint,
        time_months=float(figure.time_months or 0),
        estimator=figure.estimator,
        unit_of_analysis=figure.unit_of_analysis,
        part=figure.subgroup or figure.arm,
        supported=figure.time_supported == "yes",
        rate=figure.estimate,
        relation=figure.relation,
        n=n,
        n_source=n_source,
        keys=(figure.key, *n_keys),
    )
    return _with_dose(_with_interval(bare, figure, level), study, known, alpha_beta)


def _cohort(study: Study) -> str:
    return study.cohort_id or study.study_id


def _patients(
    figure: Figure, study: Study, known: Sequence[Figure]
) -> tuple[int | None, str, tuple[str, ...]]:
    """Number of patients behind a figure, where it is from, and the figures that give it."""
    if figure.n and _is_of_patients(figure):
        return figure.n, "figure", figure.n_from
    if not study.patients:
        return None, "", ()
    counts = [
        f.key
        for f in known
        if (f.study_id, f.measure, f.endpoint) == (study.study_id, "count", "patients")
        and f.estimate == study.patients
        and not (f.subgroup or f.arm)
    ]
    return study.patients, "study", tuple(counts[:1])


def _is_of_patients(figure: Figure) -> bool:
    """Whether patients were counted; where no unit is printed, only survival says so itself."""
    return (figure.unit_of_analysis or _UNITS.get(figure.endpoint, "")) == "patient"


def _with_interval(rate: SeriesRate, figure: Figure, level: float) -> SeriesRate:
    """Printed limits, or those approximated from n; and what is pooled, with all and half of n."""
    whole = logit_effect(rate.rate, rate.n) if rate.n else None
    half = logit_effect(rate.rate, rate.n / 2) if rate.n else None
    if figure.ci_low is not None and figure.ci_high is not None:
        printed = _printed_effect(figure)
        return replace(
            rate,
            low=figure.ci_low,
            high=figure.ci_high,
            level=_level(figure),
            interval="printed",
            effect=printed or whole,
            effect_half=printed or half,
        )
    if whole is None or half is None:
        return replace(rate, level=level)
    low, high = _limits(rate.rate, whole, level)
    low_half, high_half = _limits(rate.rate, half, level)
    return replace(
        rate,
        low=low,
        high=high,
        level=level,
        interval="approximated",
        low_half=low_half,
        high_half=high_half,
        effect=whole,
        effect_half=half,
    )


def _limits(rate: float, effect: Effect, level: float) -> tuple[float, float]:
    """Limits that reach to a rate of 0 or 100%, which the correction moved inwards."""
    low, high = effect.interval(level)
    return min(low, rate), max(high, rate)


def _printed_effect(figure: Figure) -> Effect | None:
    """Effect with the variance that the width of a printed interval has on the logit scale.

    Cochrane Handbook 6.5, section 6.3.1, on the logit scale. None where a limit or the rate is
    0 or 100%: there the logit has no value.
    """
    values = (figure.ci_low, figure.estimate, figure.ci_high)
    shares = [value / 100 for value in values if value is not None]
    if min(shares) <= 0 or max(shares) >= 1 or shares[0] == shares[2]:
        return None
    low, middle, high = (math.log(share / (1 - share)) for share in shares)
    return Effect(middle, ((high - low) / (2 * norm.ppf((1 + _level(figure)) / 2))) ** 2)


def _level(figure: Figure) -> float:
    return (figure.ci_level or 95) / 100


def _with_dose(
    rate: SeriesRate, study: Study, known: Sequence[Figure], alpha_beta: float
) -> SeriesRate:
    """Dose as printed: BED before EQD2, both before what the schedules come to."""
    printed = _printed_doses(study, known) if alpha_beta == _PRINTED_ALPHA_BETA else []
    return _with_central(_with_ends(rate, study, known, alpha_beta, printed), printed, alpha_beta)


def _with_ends(
    rate: SeriesRate,
    study: Study,
    known: Sequence[Figure],
    alpha_beta: float,
    printed: Sequence[Figure],
) -> SeriesRate:
    for figure in printed:
        if figure.range_low is not None and figure.range_high is not None:
            low, high = (
                _as_bed(figure, e, alpha_beta) for e in (figure.range_low, figure.range_high)
            )
            said = _PRINTED_DOSES[figure.endpoint]
            return replace(
                rate, bed_least=low, bed_most=high, bed_ends=said, dose_keys=(figure.key,)
            )
    ends = bed_interval(study, alpha_beta)
    if not ends:
        return rate
    keys = tuple(f.key for f in known if f.study_id == study.study_id and _gives_dose(f))
    return replace(rate, bed_least=ends[0], bed_most=ends[1], bed_ends=SCHEDULES, dose_keys=keys)


def _with_central(rate: SeriesRate, printed: Sequence[Figure], alpha_beta: float) -> SeriesRate:
    for figure in printed:
        if figure.measure == "median" and figure.estimate is not None:
            keys = tuple(dict.fromkeys((*rate.dose_keys, figure.key)))
            dose = _as_bed(figure, figure.estimate, alpha_beta)
            said = _PRINTED_DOSES[figure.endpoint]
            return replace(rate, bed_central=dose, bed_source=said, dose_keys=keys)
    if rate.bed_least is None or rate.bed_most is None:
        return rate
    source = ONE_SCHEDULE if rate.bed_least == rate.bed_most else MIDDLE
    return replace(rate, bed_central=(rate.bed_least + rate.bed_most) / 2, bed_source=source)


def _as_bed(figure: Figure, dose: float, alpha_beta: float) -> float:
    return bed_of_eqd2(dose, alpha_beta) if figure.endpoint == "eqd2" else dose


def _gives_dose(figure: Figure) -> bool:
    spread = figure.endpoint in ("dose", "fractions") and figure.range_low is not None
    return figure.measure == "schedule" or spread


def _printed_doses(study: Study, known: Sequence[Figure]) -> list[Figure]:
    """Medians and ranges of the whole series, BED before EQD2 and medians before bare ranges."""
    found = [
        f
        for f in known
        if f.study_id == study.study_id
        and f.measure in ("median", "range")
        and f.endpoint in _PRINTED_DOSES
        and f.unit == "Gy"
        and not (f.subgroup or f.arm)
    ]
    order = list(_PRINTED_DOSES)
    return sorted(found, key=lambda f: (order.index(f.endpoint), f.measure != "median"))


# --- which figure stands for a cohort, and whether it is pooled -----------------------------


def _reason(
    rate: SeriesRate, studies: Mapping[str, Study], excluded_cohorts: Collection[str]
) -> str:
    """First thing that speaks against pooling a rate; a time without support comes last."""
    reasons = (
        (_is_same_cohort_as_another(rate, studies), _ROLES["same_cohort"]),
        (rate.role not in ("sbrt_series", "same_cohort"), _ROLES.get(rate.role, _NO_SERIES)),
        (rate.cohort_id in excluded_cohorts, _LEFT_OUT),
        (bool(rate.part), _PART),
        (rate.is_crude, _CRUDE),
        (rate.relation in _BOUNDS, _BOUND),
        (rate.effect is None, _NO_SIZE),
        (not rate.supported, TIME_NOT_SUPPORTED),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _is_same_cohort_as_another(rate: SeriesRate, studies: Mapping[str, Study]) -> bool:
    return rate.role == "same_cohort" and any(
        _cohort(study) == rate.cohort_id and study.role != "same_cohort"
        for study in studies.values()
    )


def _without_reviews_of(
    rates: Sequence[SeriesRate], studies: Mapping[str, Study]
) -> list[SeriesRate]:
    """Rates of which none is pooled beside those of its own members."""
    single = {
        r.cohort_id for r in rates if r.is_pooled_at_any_support and not studies[r.study_id].members
    }

    def judged(rate: SeriesRate) -> SeriesRate:
        members = (studies[m] for m in studies[rate.study_id].members if m in studies)
        doubled = any(_cohort(member) in single for member in members)
        if doubled and rate.is_pooled_at_any_support:
            return replace(rate, excluded_reason=_MEMBERS)
        return rate

    return [judged(rate) for rate in rates]


def _rank(
    rate: SeriesRate, studies: Mapping[str, Study]
) -> tuple[bool, bool, bool, bool, int, bool, str]:
    return (
        _is_same_cohort_as_another(rate, studies),
        bool(rate.part),
        not rate.is_pooled_at_any_support,
        not rate.is_pooled,
        -(studies[rate.study_id].title_year or 0),
        rate.interval != "printed",
        rate.keys[0],
    )
