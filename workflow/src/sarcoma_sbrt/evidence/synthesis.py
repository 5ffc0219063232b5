"""Random-effects pooling of published rates, and their meta-regression on dose.

Rates are pooled on the logit scale: tau2 by restricted maximum likelihood (the least biased of
the common estimators over few studies together with Paule and Mandel's: Langan et al., Res
Synth Methods 2019;10:83-98), interval by Hartung and Knapp. The fit is pimeta's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pimeta import RmaResult, rma
from scipy.special import expit
from scipy.stats import t as student

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.evidence.comparison import (
    ContextRate,
    Effect,
    SeriesRate,
    comparable_rates,
    context_rates,
)
from sarcoma_sbrt.evidence.published import Figure, Study

__all__ = [
    "ALL_SITES",
    "MINIMUM_REGRESSION",
    "MINIMUM_SERIES",
    "Dose",
    "Group",
    "Pooled",
    "Refused",
    "Regression",
    "Synthesis",
    "dose_response",
    "leave_one_out",
    "pool",
    "pooling_groups",
    "synthesise",
]

ALL_SITES = "all"
MINIMUM_SERIES = 3
MINIMUM_REGRESSION = 4

FEW_SERIES = f"fewer than {MINIMUM_SERIES} series can be pooled"
EQUAL_RATES = "the rates are equal, so that Hartung and Knapp's interval has no width"
FEW_DOSES = f"fewer than {MINIMUM_REGRESSION} series have a rate and a dose"
EQUAL_DOSES = "the series do not differ in dose"
ONE_SITE = "all series are of one site: see {site}"
MIXED_SITES = "all series are of mixed sites: see mixed"

# Dose is held against the control of what was irradiated, not against survival.
_DOSED = ("lc",)
# Change of tau² at which pimeta, as metafor, stops: what is less may be none.
_TAU2_STEP = 1e-5
_STEP_GY = 10.0
# Equal rates of different n have logits that differ in the last digits.
_EQUAL = 1e-12

Result = TypeVar("Result")
Dose = Literal["central", "mid-point", "least", "most"]


@dataclass(frozen=True)
class Pooled:
    """A pooled rate in percent; `logit`, `se` and `tau2` are on the logit scale.

    Attributes
    ----------
    k : int
        Number of series.
    rate, low, high : float
        Pooled rate with Hartung and Knapp's interval, their factor not below 1: never narrower
        than Wald's interval with the same t, because the plain one shrinks to nothing where a
        few series happen to agree (Roever, Knapp and Friede, BMC Med Res Methodol 2015;15:99).
    prediction_low, prediction_high : float
        Where the rate of another such series is expected.
    low_plain, high_plain, prediction_low_plain, prediction_high_plain : float
        The two intervals without that modification.
    tau2, i2, q, q_p : float
        Between-series variance; its share of the total in percent; Cochran's Q and its p.
    weights : mapping of str to float
        Percent, by study.
    level : float
        Of all intervals.
    keys : tuple of str
        Figures that were used.
    """

    k: int
    rate: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float
    low_plain: float
    high_plain: float
    prediction_low_plain: float
    prediction_high_plain: float
    tau2: float
    i2: float
    q: float
    q_p: float
    logit: float
    se: float
    weights: Mapping[str, float]
    level: float
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Refused:
    """Something that so few series cannot give, with the reason."""

    k: int
    reason: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Regression:
    """Meta-regression of a logit rate on BED.

    Attributes
    ----------
    k : int
        Number of series.
    dose : str
        Which dose stands for a series.
    odds_ratio, low, high, p : float
        Odds of the rate per 10 Gy more, with Hartung and Knapp's interval and test.
    tau2, i2 : float
        Variance between series that dose leaves over, and its share of the total in percent.
    r2 : float or None
        Share of tau2, in percent, that dose accounts for, not below 0 (Raudenbush 2009); None
        where there is nothing to account for.
    coefficients, covariance : ndarray, shapes (2,) and (2, 2)
        Intercept at 0 Gy and slope per 10 Gy, on the logit scale.
    level : float
    keys : tuple of str
        Figures that were used.
    """

    k: int
    dose: Dose
    odds_ratio: float
    low: float
    high: float
    p: float
    tau2: float
    i2: float
    r2: float | None
    coefficients: NDArray[np.float64] = field(compare=False)
    covariance: NDArray[np.float64] = field(compare=False)
    level: float
    keys: tuple[str, ...]

    def fitted(self, bed_gy: float) -> tuple[float, float, float]:
        """Rate in percent, with the interval of the line (not of a new series), at a BED."""
        at = np.array([1.0, bed_gy / _STEP_GY])
        middle = float(at @ self.coefficients)
        reach = _t(self.level, self.k - 2) * math.sqrt(float(at @ self.covariance @ at))
        return _percent(middle), _percent(middle - reach), _percent(middle + reach)


@dataclass(frozen=True)
class Group:
    """Series of one site, or of all sites, and what pooling them gives.

    Attributes
    ----------
    site : str
        `ALL_SITES` for all of them.
    main : Pooled or Refused
        Series whose time the text supports.
    all_rows, half_n : Pooled or Refused
        Sensitivity: also series whose time only a table gives; half of n where no interval
        is printed.
    left_out : mapping of str to Pooled or Refused
        `main` without one study; empty where all sites are one site.
    """

    site: str
    main: Pooled | Refused
    all_rows: Pooled | Refused
    half_n: Pooled | Refused
    left_out: Mapping[str, Pooled | Refused]


@dataclass(frozen=True)
class Synthesis:
    """Everything about one endpoint at one time.

    Attributes
    ----------
    rates : tuple of SeriesRate
        One row per cohort, also those that are not pooled.
    groups : tuple of Group
        All sites first.
    context : tuple of ContextRate
        Set beside them, never pooled.
    doses : mapping of str to Regression or Refused
        Of local control, by the dose that stands for a series, and ``all rows`` (central dose,
        also series whose time only a table gives); empty for other endpoints.
    """

    endpoint: str
    time_months: float
    level: float
    rates: tuple[SeriesRate, ...]
    groups: tuple[Group, ...]
    doses: Mapping[str, Regression | Refused]
    context: tuple[ContextRate, ...] = ()


def pool(rates: Sequence[SeriesRate], level: float = 0.95, *, half_n: bool = False) -> Pooled:
    """Random-effects pooling of one rate per cohort.

    Interval: pooled logit -/+ t(k - 1) SE, where SE is rescaled by the weighted residual mean
    square, or by 1 where that is less (Hartung and Knapp, Stat Med 2001;20:3875-3889; Roever,
    Knapp and Friede, BMC Med Res Methodol 2015;15:99). Prediction: pooled logit
    -/+ t sqrt(tau2 + SE^2), as Higgins, Thompson and Spiegelhalter (J R Stat Soc A
    2009;172:137-159) have it, but with the t(k - 1) of the interval, as ``predict`` of metafor
    does after ``test = "adhoc"``; they take k - 2. I2 is tau2 over tau2 plus the typical
    sampling variance, as in metafor. Q tests whether sampling alone explains the spread.

    Parameters
    ----------
    rates : sequence of SeriesRate
        Those to be pooled; order does not matter.
    level : float
        Confidence level.
    half_n : bool
        Take the variance from half of n where no interval is printed.

    Raises
    ------
    NotEstimable
        With fewer than three series, or where all rates are equal.
    ValueError
        When a cohort comes twice, or crude shares meet rates at a time.
    """
    rates = sorted(rates, key=lambda rate: rate.study_id)
    _require_separate(rates)
    if len(rates) < MINIMUM_SERIES:
        raise NotEstimable(FEW_SERIES)
    logit, variance = _effects(rates, half_n=half_n)
    if np.ptp(logit) < _EQUAL:
        raise NotEstimable(EQUAL_RATES)
    fit, plain = (_fit(logit, variance, level, test=test) for test in ("adhoc", "knha"))
    prediction, prediction_plain = (_prediction(of, len(rates), level) for of in (fit, plain))
    return Pooled(
        k=len(rates),
        rate=_percent(fit.b[0]),
        low=_percent(fit.ci_lb[0]),
        high=_percent(fit.ci_ub[0]),
        prediction_low=prediction[0],
        prediction_high=prediction[1],
        low_plain=_percent(plain.ci_lb[0]),
        high_plain=_percent(plain.ci_ub[0]),
        prediction_low_plain=prediction_plain[0],
        prediction_high_plain=prediction_plain[1],
        tau2=float(fit.tau2),
        i2=float(fit.I2),
        q=float(fit.QE),
        q_p=float(fit.QEp),
        logit=float(fit.b[0]),
        se=float(fit.se[0]),
        weights={r.study_id: float(w) for r, w in zip(rates, fit.weights_pct, strict=True)},
        level=level,
        keys=_keys(rates),
    )


def leave_one_out(rates: Sequence[SeriesRate], level: float = 0.95) -> dict[str, Pooled | Refused]:
    """Pool all series but one, by the study that is left out."""
    return {
        left.study_id: _attempt(pool, [rate for rate in rates if rate is not left], level)
        for left in rates
    }


def pooling_groups(rates: Iterable[SeriesRate]) -> dict[str, list[SeriesRate]]:
    """Rates of all sites together, then of each site by name."""
    rates = list(rates)
    sites = sorted({rate.site for rate in rates if rate.site})
    return {ALL_SITES: rates} | {site: [r for r in rates if r.site == site] for site in sites}


def dose_response(
    rates: Sequence[SeriesRate], level: float = 0.95, *, dose: Dose = "central"
) -> Regression:
    """Random-effects meta-regression of the logit rate on BED.

    Interval and test by Knapp and Hartung (Stat Med 2003;22:2693-2710), their factor not below
    1, t with k - 2 degrees of freedom. It relates series, not lesions: whoever chose the dose
    chose the lesion too, and a range of doses enters as one value.

    Parameters
    ----------
    rates : sequence of SeriesRate
        Those without a dose are not used.
    level : float
        Confidence level.
    dose : {'central', 'mid-point', 'least', 'most'}
        What stands for a series: its printed median, else the middle of its range; the middle
        throughout; or one of the ends.

    Raises
    ------
    NotEstimable
        With fewer than four series that have a dose, or where they do not differ in it.
    ValueError
        When a cohort comes twice, or crude shares meet rates at a time.
    """
    dosed = [(rate, gy) for rate in rates if (gy := _dose(rate, dose)) is not None]
    dosed.sort(key=lambda pair: pair[0].study_id)
    used = [rate for rate, _ in dosed]
    _require_separate(used)
    if len(used) < MINIMUM_REGRESSION:
        raise NotEstimable(FEW_DOSES)
    steps = np.array([gy / _STEP_GY for _, gy in dosed])
    if np.ptp(steps) == 0:
        raise NotEstimable(EQUAL_DOSES)
    logit, variance = _effects(used)
    fit = _fit(logit, variance, level, moderator=steps)
    around = _fit(logit, variance, level, test="z").tau2
    return Regression(
        k=len(used),
        dose=dose,
        odds_ratio=math.exp(fit.b[1]),
        low=math.exp(fit.ci_lb[1]),
        high=math.exp(fit.ci_ub[1]),
        p=float(fit.pval[1]),
        tau2=float(fit.tau2),
        i2=float(fit.I2),
        r2=max(0.0, 100 * (1 - fit.tau2 / around)) if around > _TAU2_STEP else None,
        coefficients=np.array(fit.b, dtype=float),
        covariance=np.array(fit.vb, dtype=float),
        level=level,
        keys=_keys(used, with_dose=True),
    )


def synthesise(
    figures: Iterable[Figure],
    studies: Mapping[str, Study],
    *,
    alpha_beta: float,
    level: float = 0.95,
    endpoints: Sequence[str] = ("lc", "os"),
    times_months: Sequence[float] = (12, 24, 36),
    excluded_cohorts: Collection[str] = (),
) -> list[Synthesis]:
    """Compare and pool every endpoint at every time at which any series has a rate.

    Parameters are those of `comparable_rates`.
    """
    figures = list(figures)
    results = []
    for endpoint, time in product(endpoints, times_months):
        rates = comparable_rates(
            figures,
            studies,
            endpoint,
            time,
            alpha_beta=alpha_beta,
            level=level,
            excluded_cohorts=excluded_cohorts,
        )
        context = context_rates(figures, studies, endpoint, time)
        if rates or context:
            results.append(_synthesis(endpoint, time, rates, context, level))
    return results


def _synthesis(
    endpoint: str,
    time: float,
    rates: Sequence[SeriesRate],
    context: Sequence[ContextRate],
    level: float,
) -> Synthesis:
    every = [rate for rate in rates if rate.is_pooled_at_any_support]
    groups = tuple(_group(site, of, level) for site, of in pooling_groups(every).items() if of)
    doses = _doses(every, level) if rates and endpoint in _DOSED else {}
    return Synthesis(endpoint, time, level, tuple(rates), groups, doses, tuple(context))


def _doses(every: Sequence[SeriesRate], level: float) -> dict[str, Regression | Refused]:
    supported = [rate for rate in every if rate.is_pooled]
    fits: dict[str, Regression | Refused] = {
        dose: _attempt(dose_response, supported, level, dose=dose) for dose in get_args(Dose)
    }
    return fits | {"all rows": _attempt(dose_response, every, level)}


def _group(site: str, every: Sequence[SeriesRate], level: float) -> Group:
    supported = [rate for rate in every if rate.is_pooled]
    doubled = site == ALL_SITES and _one_site(supported)
    return Group(
        site=site,
        main=_pool_group(site, supported, level),
        all_rows=_pool_group(site, every, level),
        half_n=_pool_group(site, supported, level, half_n=True),
        left_out={} if doubled else leave_one_out(supported, level),
    )


def _pool_group(
    site: str, rates: Sequence[SeriesRate], level: float, **options: bool
) -> Pooled | Refused:
    """Pool a group; all sites are no group beside the one site that has all of them."""
    if site == ALL_SITES and (reason := _one_site(rates)):
        return Refused(len(rates), reason, _keys(rates))
    return _attempt(pool, rates, level, **options)


def _one_site(rates: Sequence[SeriesRate]) -> str:
    """Where to look instead, if all rates are of one named site; else empty."""
    sites = {rate.site for rate in rates}
    if len(sites) != 1 or sites == {""}:
        return ""
    (site,) = sites
    return MIXED_SITES if site == "mixed" else ONE_SITE.format(site=site.replace("_", " "))


def _attempt(
    estimate: Callable[..., Result], rates: Sequence[SeriesRate], level: float, **options: Any
) -> Result | Refused:
    try:
        return estimate(rates, level, **options)
    except NotEstimable as reason:
        return Refused(len(rates), str(reason), _keys(rates))


def _require_separate(rates: Sequence[SeriesRate]) -> None:
    cohorts = [rate.cohort_id for rate in rates]
    if twice := sorted({cohort for cohort in cohorts if cohorts.count(cohort) > 1}):
        raise ValueError(f"pooled twice: {', '.join(twice)}")
    if len({rate.is_crude for rate in rates}) > 1:
        raise ValueError("crude shares and rates at a time are not pooled together")


def _effects(
    rates: Sequence[SeriesRate], *, half_n: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    effects = [_effect(rate, half_n=half_n) for rate in rates]
    return np.array([e.logit for e in effects]), np.array([e.variance for e in effects])


def _effect(rate: SeriesRate, *, half_n: bool) -> Effect:
    effect = rate.effect_half if half_n else rate.effect
    if effect is None:
        raise ValueError(f"{rate.study_id} has neither an interval nor a number of patients")
    return effect


def _fit(
    logit: NDArray[np.float64],
    variance: NDArray[np.float64],
    level: float,
    *,
    test: str = "adhoc",
    moderator: NDArray[np.float64] | None = None,
) -> RmaResult:
    mods = None if moderator is None else moderator[:, np.newaxis]
    fit = rma(logit, variance, mods=mods, method="REML", test=test, level=level)
    assert isinstance(fit, RmaResult)
    return fit


def _prediction(fit: RmaResult, k: int, level: float) -> tuple[float, float]:
    """Ends of the prediction interval in percent."""
    middle = float(fit.b[0])
    reach = _t(level, k - 1) * math.sqrt(fit.tau2 + float(fit.se[0]) ** 2)
    return _percent(middle - reach), _percent(middle + reach)


def _dose(rate: SeriesRate, dose: Dose) -> float | None:
    least, most = rate.bed_least, rate.bed_most
    if dose == "central":
        return rate.bed_central
    if least is None or most is None:
        return None
    return {"least": least, "most": most, "mid-point": (least + most) / 2}[dose]


def _t(level: float, degrees: int) -> float:
    return float(student.ppf((1 + level) / 2, degrees))


def _percent(logit: float) -> float:
    return 100 * float(expit(logit))


def _keys(rates: Sequence[SeriesRate], *, with_dose: bool = False) -> tuple[str, ...]:
    of_dose = (key for rate in rates for key in rate.dose_keys if with_dose)
    return tuple(dict.fromkeys([*(key for rate in rates for key in rate.keys), *of_dose]))
