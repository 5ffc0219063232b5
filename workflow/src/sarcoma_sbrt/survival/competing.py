"""Competing risks: cumulative incidence, Gray's test, cause-specific and Fine-Gray models.

Codes are 0 for censored, 1 for the event of interest, and others for competing events, which
count as one cause unless another `cause` is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from survival.data_prep import aeq_surv  # type: ignore[attr-defined]  # bound when imported
from survival.regression import finegray_expand  # type: ignore[attr-defined]
from survival.surv_analysis import survfitaj  # type: ignore[attr-defined]

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.counting_process import CoxRows, fit_rows
from sarcoma_sbrt.survival.cox import (
    CompleteCases,
    Cox,
    GlobalTest,
    Term,
    Ties,
    complete_cases,
    fit_cox,
    kept_values,
    refuse_design,
    refuse_monotone,
)
from sarcoma_sbrt.survival.kaplan_meier import NOT_FOLLOWED, fit_kaplan_meier, observed
from sarcoma_sbrt.survival.logrank import NEVER_TOGETHER, ONE_GROUP

__all__ = [
    "Complement",
    "CumulativeIncidence",
    "FineGray",
    "GrayTest",
    "Incidence",
    "cause_specific",
    "compare_with_complement",
    "fine_gray",
    "fit_cumulative_incidence",
    "gray_test",
]

Transform = Literal["log-log", "log", "plain"]

NO_EVENT = "no event was observed"
NO_COMPETING_EVENT = "no competing event was observed"

# Sums of fractions that are 0 or 1 may come out 1e-16 beside it.
_TOLERANCE = 1e-12


# --- cumulative incidence -----------------------------------------------------------------


@dataclass(frozen=True)
class Incidence:
    """Cumulative incidence of one cause at one time, as a fraction.

    Attributes
    ----------
    value, standard_error : float
    low, high : float or None
        Confidence limits; None where the band is undefined (`CumulativeIncidence`).
    at_risk, events : int
        Number at risk just before the time, and events of the cause up to and including it.
    """

    value: float
    standard_error: float
    low: float | None
    high: float | None
    at_risk: int
    events: int


@dataclass(frozen=True)
class CumulativeIncidence:
    """Aalen-Johansen curves: one row per distinct observed time, 0 first.

    Attributes
    ----------
    times : ndarray of float, shape (times,)
        In the unit of the times that were given. Times that differ by rounding only (1.5e-8,
        relative) are one time, as in R.
    event_free : ndarray of float, shape (times,)
        Probability of no event of any cause so far.
    value, standard_error, lower, upper : ndarray of float, shape (times, 2)
        Of the event of interest and of the competing events. The band is undefined (NaN)
        where the curve is 0, on the log-log transform where it is 1 too; on the plain
        transform it has no width there.
    at_risk : ndarray of int, shape (times,)
        At risk just before each time.
    events : ndarray of int, shape (times, 2)
        At each time, of the event of interest and of the competing events.
    censored : ndarray of int, shape (times,)
    level : float
        Confidence level of the band.
    transform : str
        Transform on which the band is symmetric.
    """

    times: NDArray[np.float64]
    event_free: NDArray[np.float64]
    value: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    at_risk: NDArray[np.int64]
    events: NDArray[np.int64]
    censored: NDArray[np.int64]
    level: float
    transform: str

    def at(self, time: float, *, competing: bool = False) -> Incidence:
        """Cumulative incidence at a time of the event of interest, or of the competing ones.

        Raises
        ------
        NotEstimable
            When the time lies beyond the last observed one and somebody was then still
            without an event.
        """
        if time > self.times[-1] and self.event_free[-1] > _TOLERANCE:
            raise NotEstimable(NOT_FOLLOWED)
        row, cause = int(np.searchsorted(self.times, time, side="right")) - 1, int(competing)
        left = self.events.sum(axis=1) + self.censored
        return Incidence(
            value=float(self.value[row, cause]),
            standard_error=float(self.standard_error[row, cause]),
            low=_limit(self.lower[row, cause]),
            high=_limit(self.upper[row, cause]),
            at_risk=int(left[self.times >= time].sum()),
            events=int(self.events[: row + 1, cause].sum()),
        )


def fit_cumulative_incidence(
    time: ArrayLike, code: ArrayLike, *, level: float, transform: str = "log-log"
) -> CumulativeIncidence:
    """Cumulative incidence of the event and of the competing events (Aalen and Johansen 1978).

    R's ``survfit(Surv(time, factor(code)) ~ 1)``. Its standard error is the infinitesimal
    jackknife's; that of ``cmprsk::cuminc`` is Aalen's and differs a little. Without any
    competing event the curve is one minus Kaplan-Meier's.

    Parameters
    ----------
    time : array_like, shape (n,)
        Observed times, not negative, in any one unit.
    code : array_like of int, shape (n,)
        0 censored, 1 the event, others competing.
    level : float
        Confidence level of the band, e.g. 0.95.
    transform : {'log-log', 'log', 'plain'}
        Transform of the incidence on which the band is symmetric: log(-log F), SAS's default
        too; log F, R's default; F itself. Limits outside 0 to 1 are cut, as in R.

    Raises
    ------
    NotEstimable
        When there are fewer than two observations, no event of interest was observed, or a
        time is negative.
    ValueError
        For another transform, or a missing time or code.
    """
    if transform not in get_args(Transform):
        accepted = ", ".join(get_args(Transform))
        raise ValueError(f"no transform {transform!r}; accepted: {accepted}")
    times, causes = _causes(time, code)
    fit = survfitaj(times, causes, ["event", "competing"], conf_int=level, conf_type=transform)
    start = fit.time[0] > 0  # the engine's curve begins at the first time; ours always at 0
    value, error = _from(start, 0.0, fit.pstate), _from(start, 0.0, fit.std_err)
    lower, upper = _from(start, 0.0, fit.lower), _from(start, 0.0, fit.upper)
    undefined = np.zeros(value.shape, dtype=bool)
    if transform != "plain":  # the engine gives numbers where R, rightly, has no band
        undefined |= value < _TOLERANCE
    if transform == "log-log":
        undefined |= value > 1 - _TOLERANCE
    lower[undefined] = upper[undefined] = np.nan
    leaving = _from(start, 0.0, fit.n_censor).sum(axis=1)
    return CumulativeIncidence(
        times=np.array([*([0.0] if start else []), *fit.time]),
        event_free=_from(start, 1.0, fit.pstate)[:, 0],
        value=value[:, 1:],
        standard_error=error[:, 1:],
        lower=lower[:, 1:],
        upper=upper[:, 1:],
        at_risk=_from(start, float(times.size), fit.n_risk)[:, 0].astype(np.int64),
        events=_from(start, 0.0, fit.n_event)[:, 1:].astype(np.int64),
        censored=leaving.astype(np.int64),
        level=level,
        transform=transform,
    )


@dataclass(frozen=True)
class Complement:
    """Cumulative incidence beside one minus Kaplan-Meier, which censors the competing events.

    Attributes
    ----------
    time : float
    incidence : Incidence
    complement : float
        1 - S(t), never below the incidence: the share that would have the event were the
        competing events impossible and independent of it.
    low, high : float or None
        Confidence limits of the complement.
    difference : float
        Complement less incidence.
    """

    time: float
    incidence: Incidence
    complement: float
    low: float | None
    high: float | None
    difference: float


def compare_with_complement(
    time: ArrayLike,
    code: ArrayLike,
    *,
    times: Sequence[float],
    level: float,
    transform: str = "log-log",
) -> tuple[Complement, ...]:
    """What counting competing events as censored would change, at some times.

    Parameters are those of `fit_cumulative_incidence`; the transform is that of both bands.

    Raises
    ------
    NotEstimable
        As `fit_cumulative_incidence`, or when nobody was followed to one of the times.
    """
    incidence = fit_cumulative_incidence(time, code, level=level, transform=transform)
    survival = fit_kaplan_meier(time, code, level=level, transform=transform)
    compared = []
    for at in times:
        with_competing, without = incidence.at(at), survival.rate(at)
        compared.append(
            Complement(
                time=float(at),
                incidence=with_competing,
                complement=1 - without.value,
                low=None if without.high is None else 1 - without.high,
                high=None if without.low is None else 1 - without.low,
                difference=1 - without.value - with_competing.value,
            )
        )
    return tuple(compared)


# --- Gray's test --------------------------------------------------------------------------


@dataclass(frozen=True)
class GrayTest:
    """Chi-square test of equal cumulative incidences.

    Attributes
    ----------
    statistic, p : float
    degrees_of_freedom : int
        Number of groups less one.
    n, events, competing : int
        Observations, events of the cause tested, and events of other causes.
    groups : tuple
        The groups, ascending.
    """

    statistic: float
    degrees_of_freedom: int
    p: float
    n: int
    events: int
    competing: int
    groups: tuple[object, ...]


def gray_test(time: ArrayLike, code: ArrayLike, group: ArrayLike, *, cause: int = 1) -> GrayTest:
    """Gray's (1988) test of k groups having one cumulative incidence; ``cmprsk::cuminc``'s.

    Parameters
    ----------
    time, code
        As for `fit_cumulative_incidence`.
    group : array_like, shape (n,)
        None missing.
    cause : int
        The code whose incidences are compared; all others above 0 compete.

    Raises
    ------
    NotEstimable
        When there is one group only, no event of the cause or no competing one was observed,
        a time is negative, nobody of a group was followed to the first event of the cause, or
        ties leave the score no positive variance (cmprsk then prints a negative statistic).
    ValueError
        When a time, code or group is missing.
    """
    # Takes half a second to import, and few processes need it.
    from surpyval import gray_test as engine  # type: ignore[attr-defined]  # bound when imported

    times, causes = _causes(time, code, cause)
    given = np.asarray(group)
    if given.shape != times.shape or pd.isna(given).any():
        raise ValueError("a group is missing")
    groups, codes = np.unique(given, return_inverse=True)
    if groups.size < 2:
        raise NotEstimable(ONE_GROUP)
    if not (causes == 2).any():
        raise NotEstimable(NO_COMPETING_EVENT)
    tied = np.array(aeq_surv(times).time)
    last = pd.Series(tied).groupby(codes).max()
    if last.min() < tied[causes == 1].min():
        raise NotEstimable(NEVER_TOGETHER)
    labels = causes.astype(object)
    labels[causes == 0] = None
    # The engine divides by 0 where it then takes another value.
    with np.errstate(divide="ignore", invalid="ignore"):
        test = engine(tied, labels, codes, event=1)
    if not test.statistic >= 0:
        raise NotEstimable("the variance of its score is not positive")
    return GrayTest(
        statistic=float(test.statistic),
        degrees_of_freedom=int(test.df),
        p=float(test.p_value),
        n=times.size,
        events=int((causes == 1).sum()),
        competing=int((causes == 2).sum()),
        groups=tuple(groups.tolist()),
    )


# --- regression ---------------------------------------------------------------------------


@dataclass(frozen=True)
class FineGray:
    """A fitted proportional subdistribution hazards model.

    Attributes
    ----------
    terms : tuple of Term
        In the order of the design's columns. Their own inference is naive, which takes the
        weights for known; `Term.robust` always stands beside it and is the one to print.
    n, events, competing, dropped : int
        Complete cases, events of interest and competing ones among them, and observations
        left out.
    wald, robust_wald : GlobalTest
        Of the whole model.
    clusters : int or None
        How many there are; None where every observation is its own.
    ties : str
    level : float
    """

    terms: tuple[Term, ...]
    n: int
    events: int
    competing: int
    dropped: int
    wald: GlobalTest
    robust_wald: GlobalTest
    clusters: int | None
    ties: str
    level: float

    def __getitem__(self, name: str) -> Term:
        return next(term for term in self.terms if term.name == name)

    @property
    def events_per_variable(self) -> float:
        """Events of interest per coefficient."""
        return self.events / len(self.terms)


def fine_gray(
    design: pd.DataFrame,
    time: ArrayLike,
    code: ArrayLike,
    *,
    level: float,
    ties: str = "efron",
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> FineGray:
    """Subdistribution hazard ratios (Fine and Gray 1999); complete cases only.

    R's ``finegray``, which keeps those with a competing event at risk with the weight of still
    being uncensored (Geskus 2011), and ``coxph`` of its rows with robust standard errors.
    ``cmprsk::crr`` takes Breslow's ties and treats censorings tied with events otherwise;
    without ties its coefficients are these, its standard errors differ a little.

    Parameters
    ----------
    design : DataFrame of float, shape (n, covariates)
        NaN where missing.
    time, code
        As for `fit_cumulative_incidence`.
    level : float
        Confidence level, e.g. 0.95.
    ties : {'efron', 'breslow'}
    cluster : array_like, shape (n,), optional
        Patient of each observation, none missing, over which the sandwich is summed; every
        observation on its own without.
    labels : mapping, optional
        What a covariate is called in a reason; its column's name otherwise.

    Raises
    ------
    NotEstimable
        With the reason, when the pseudo likelihood has no unique finite maximum, no competing
        event was observed, or there are not more clusters than covariates.
    ValueError
        For another handling of ties, or a missing time, code or cluster.
    """
    if ties not in get_args(Ties):
        raise ValueError(f"no Fine-Gray model with ties {ties!r}; accepted: efron, breslow")
    _, codes = observed(time, code)
    cases = complete_cases(design, time, code)
    causes = np.where(codes == 1, 1, np.where(codes == 0, 0, 2))[cases.kept]
    members = np.arange(cases.n) if cluster is None else kept_values(cluster, cases, "cluster")
    refuse_design(cases, labels or {})
    if not (causes == 2).any():
        raise NotEstimable(NO_COMPETING_EVENT)
    refuse_monotone(cases, labels or {})
    fit = fit_rows(_weighted(cases, causes, ties, members), level=level)
    robust = fit.robust_wald()
    assert robust is not None  # there always are clusters
    return FineGray(
        terms=fit.terms(),
        n=cases.n,
        events=cases.events,
        competing=int((causes == 2).sum()),
        dropped=cases.dropped,
        wald=fit.wald(),
        robust_wald=robust,
        clusters=None if cluster is None else np.unique(members).size,
        ties=ties,
        level=level,
    )


def cause_specific(
    design: pd.DataFrame, time: ArrayLike, code: ArrayLike, *, cause: int = 1, **options: Any
) -> Cox:
    """Cox model of one cause's hazard, every other event censored: `fit_cox` with its options."""
    times, codes = observed(time, code)
    return fit_cox(design, times, codes == cause, **options)


def _weighted(
    cases: CompleteCases, causes: NDArray[np.int64], ties: str, members: NDArray[Any]
) -> CoxRows:
    expanded = finegray_expand(cases.time, causes, event_type=1)
    source = np.array(expanded.row) - 1  # counted from 1, as in R
    return CoxRows(
        design=cases.design.iloc[source].reset_index(drop=True),
        start=np.array(expanded.start),
        stop=np.array(expanded.end),
        event=causes[source] == 1,
        weights=np.array(expanded.wt),
        cluster=members[source],
        ties=ties,
    )


# --- shared -------------------------------------------------------------------------------


def _causes(
    time: ArrayLike, code: ArrayLike, cause: int = 1
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times, and 0 for censored, 1 for the cause, 2 for any other; checked."""
    times, codes = observed(time, code)
    if not times.size:
        raise NotEstimable("nobody was observed")
    if times.size < 2:
        raise NotEstimable("there is one observation only")
    causes = np.where(codes == cause, 1, np.where(codes == 0, 0, 2)).astype(np.int64)
    if not (causes == 1).any():
        raise NotEstimable(NO_EVENT)
    return times, causes


def _from(start: bool, first: float, rest: list[list[float]] | None) -> NDArray[np.float64]:
    table = np.array(rest, dtype=float)
    return np.vstack([np.full((1, table.shape[1]), first), table]) if start else table


def _limit(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
