"""Proportional hazards regression, or the reason why these data do not allow it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import chi2, norm
from survival.data_prep import aeq_surv  # type: ignore[attr-defined]  # bound when imported
from survival.regression import coxph_fit  # type: ignore[attr-defined]

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.kaplan_meier import observed
from sarcoma_sbrt.survival.logrank import NOBODY_ELSE

__all__ = [
    "CONVERGED",
    "FEW_CLUSTERS",
    "NO_MAXIMUM",
    "RUNAWAY",
    "STOPPED",
    "CompleteCases",
    "Cox",
    "GlobalTest",
    "MonotoneLikelihood",
    "Profile",
    "Term",
    "Ties",
    "Wald",
    "chi_square_test",
    "codes_of",
    "complete_cases",
    "fit_cox",
    "fit_firth_cox",
    "hazard_ratio",
    "joint_wald",
    "kept_values",
    "refuse_design",
    "refuse_monotone",
    "standardised",
    "wald",
    "wald_term",
]

Ties = Literal["efron", "breslow"]

# R's default leaves 1e-9 in the log likelihood and 1e-5 standard errors in a coefficient.
CONVERGED = {"eps": 1e-14, "iter_max": 100}
STOPPED = 1000  # the engine's flag of a fit that used up its iterations

# On standardised columns a finite estimate's standard error is of the order of
# 1 / sqrt(events); one that runs to infinity leaves it beyond any bound.
RUNAWAY = 1e3

NO_MAXIMUM = "the fit does not converge: the partial likelihood has no unique finite maximum"
FEW_CLUSTERS = "there are too few clusters for a robust variance"

# Eigenvalue of a correlation matrix of coefficients that is none.
_SINGULAR = 1e-12

# Profile limits stand beside Wald's when one of them is this share of Wald's half width away.
_WALD_IS_POOR = 0.1


class MonotoneLikelihood(NotEstimable):
    """A coefficient runs away to infinity: `fit_firth_cox` gives a finite one."""


@dataclass(frozen=True)
class CompleteCases:
    """Observations with every covariate recorded, and how many were not.

    Attributes
    ----------
    design : DataFrame of float, shape (n, covariates)
    time : ndarray of float, shape (n,)
    event : ndarray of bool, shape (n,)
    kept : ndarray of bool
        Which of the observations given are here.
    """

    design: pd.DataFrame
    time: NDArray[np.float64]
    event: NDArray[np.bool_]
    kept: NDArray[np.bool_]

    @property
    def n(self) -> int:
        """Observations left."""
        return len(self.design)

    @property
    def events(self) -> int:
        """Events left."""
        return int(self.event.sum())

    @property
    def dropped(self) -> int:
        """Observations left out because a covariate is missing."""
        return int((~self.kept).sum())


@dataclass(frozen=True)
class Wald:
    """Wald's inference of one hazard ratio.

    Attributes
    ----------
    standard_error : float
        Of the log hazard ratio.
    low, high : float
        Limits of the hazard ratio.
    z, p : float
        Two-sided.
    """

    standard_error: float
    low: float
    high: float
    z: float
    p: float


@dataclass(frozen=True)
class Profile:
    """Profile-likelihood limits of one hazard ratio, and the test that belongs to them.

    Attributes
    ----------
    low, high : float
        Where twice the log likelihood, maximised over the other covariates, has fallen by the
        chi-square quantile of the level.
    p : float
        Likelihood-ratio test of the covariate's removal.
    shown : bool
        Whether Wald's limits are poor enough for these to stand beside them: on the log
        scale a limit lies a tenth of Wald's half width away, or more.
    """

    low: float
    high: float
    p: float
    shown: bool


@dataclass(frozen=True)
class Term:
    """One covariate of a fitted model.

    Attributes
    ----------
    name : str
        Column of the design.
    coefficient, standard_error : float
        Log hazard ratio per unit of the column, and its (naive) standard error.
    hazard_ratio, low, high : float
        Their exponential, and limits of the model's kind (`Cox.limits`).
    z, p : float
        Two-sided test of the same kind; z is the signed root of its chi-square.
    robust : Wald or None
        With the clusters' sandwich covariance, where clusters were given.
    profile : Profile or None
        Where it was asked for.
    """

    name: str
    coefficient: float
    standard_error: float
    hazard_ratio: float
    low: float
    high: float
    z: float
    p: float
    robust: Wald | None = None
    profile: Profile | None = None


@dataclass(frozen=True)
class GlobalTest:
    """Chi-square test of all coefficients being 0."""

    statistic: float
    degrees_of_freedom: int
    p: float


@dataclass(frozen=True)
class Cox:
    """A fitted proportional hazards model.

    Attributes
    ----------
    terms : tuple of Term
        In the order of the design's columns.
    n, events, dropped : int
        Complete cases, events among them, and observations left out.
    log_likelihood, null_log_likelihood : float
        Partial log likelihood (Firth's: penalised) at the estimate and with all coefficients 0.
    ties : str
        How tied event times were handled.
    level : float
        Confidence level of the limits.
    likelihood_ratio, wald : GlobalTest
        Of the whole model, naive.
    score : GlobalTest or None
        Likewise; None for Firth's estimate.
    robust_wald, robust_score : GlobalTest or None
        Of the whole model with the clusters' sandwich covariance.
    clusters : int or None
        How many there are.
    strata : int
        How many baseline hazards the model has.
    estimator : {'maximum partial likelihood', 'Firth'}
    limits : {'Wald', 'profile penalised likelihood'}
        What the terms' limits and p are.
    """

    terms: tuple[Term, ...]
    n: int
    events: int
    dropped: int
    log_likelihood: float
    null_log_likelihood: float
    ties: str
    level: float
    likelihood_ratio: GlobalTest
    wald: GlobalTest
    score: GlobalTest | None
    robust_wald: GlobalTest | None = None
    robust_score: GlobalTest | None = None
    clusters: int | None = None
    strata: int = 1
    estimator: str = "maximum partial likelihood"
    limits: str = "Wald"

    def __getitem__(self, name: str) -> Term:
        return next(term for term in self.terms if term.name == name)

    @property
    def events_per_variable(self) -> float:
        """Events per coefficient."""
        return self.events / len(self.terms)


def complete_cases(
    design: pd.DataFrame, time: ArrayLike, event: ArrayLike, *, strata: ArrayLike | None = None
) -> CompleteCases:
    """Observations with no covariate missing.

    Parameters
    ----------
    design : DataFrame of float, shape (n, covariates)
        NaN where missing.
    time : array_like, shape (n,)
        Observed times, none missing.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here (so hazards are cause-specific).
    strata : array_like, shape (n,), optional
        Stratum of each observation, which counts as a covariate here.
    """
    times, events = np.asarray(time, dtype=float), np.asarray(event, dtype=float) == 1
    kept = design.notna().all(axis="columns").to_numpy(dtype=bool)
    if strata is not None:
        kept = kept & ~pd.isna(np.asarray(strata))
    return CompleteCases(
        design=design.loc[kept].astype(float).reset_index(drop=True),
        time=times[kept],
        event=events[kept],
        kept=kept,
    )


def fit_cox(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    *,
    level: float,
    ties: str = "efron",
    labels: Mapping[str, str] | None = None,
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    profile: bool = False,
) -> Cox:
    """Cox model with Wald limits and tests; complete cases only. R's ``coxph``.

    Parameters
    ----------
    design, time, event
        As for `complete_cases`.
    level : float
        Confidence level, e.g. 0.95.
    ties : {'efron', 'breslow'}
        Efron (1977), R's default, or Breslow (1974), that of SPSS and SAS.
    labels : mapping, optional
        What a covariate is called in a reason; its column's name otherwise.
    strata : array_like, shape (n,), optional
        Each stratum has a baseline hazard of its own; who has none recorded is left out.
    cluster : array_like, shape (n,), optional
        Patient of each observation, none missing: adds the sandwich standard errors of Lin
        and Wei (1989), summed over the clusters, beside the naive ones.
    profile : bool
        Whether to add profile-likelihood limits, at the cost of some thirty fits per covariate.

    Raises
    ------
    MonotoneLikelihood
        With the reason, when a coefficient runs away to infinity.
    NotEstimable
        With the reason, when the partial likelihood has no unique finite maximum otherwise,
        or there are too few clusters for a robust variance.
    ValueError
        For another handling of ties, or a missing time, event or cluster.
    """
    if ties not in get_args(Ties):
        raise ValueError(f"no Cox model with ties {ties!r}; accepted: efron, breslow")
    observed(time, event)
    cases = complete_cases(design, time, event, strata=strata)
    data = _data(cases, ties, strata, cluster)
    _refuse(cases, data, labels or {})
    refuse_monotone(cases, labels or {})
    fit = _maximum(data)
    terms = tuple(_term(data, fit, at, level) for at in range(len(data.names)))
    if profile:
        terms = tuple(_profiled(data, fit, at, term, level) for at, term in enumerate(terms))
    return _model(cases, data, fit, terms, level)


def fit_firth_cox(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    *,
    level: float,
    labels: Mapping[str, str] | None = None,
) -> Cox:
    """Cox model with Firth's penalty, for a monotone likelihood (Heinze and Schemper 2001).

    The partial log likelihood plus half the log determinant of its information is maximised,
    which is finite where the likelihood alone is not. Ties are Breslow's, limits and p those
    of the profile penalised likelihood: R's ``coxphf`` with its defaults. Parameters are those
    of `fit_cox`; there are no strata and no clusters.

    Raises
    ------
    NotEstimable
        With the reason, when these data do not allow it.
    """
    observed(time, event)
    cases = complete_cases(design, time, event)
    data = _data(cases, "breslow", None, None)
    _refuse(cases, data, labels or {})
    firth = _firth(data, level)
    count = len(data.names)
    log_likelihood, variance = _penalised(data, firth.coefficients)
    null, _ = _penalised(data, np.zeros(count))
    return Cox(
        terms=tuple(_firth_term(data, firth, variance, at) for at in range(count)),
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        log_likelihood=log_likelihood,
        null_log_likelihood=null,
        ties=data.ties,
        level=level,
        likelihood_ratio=chi_square_test(2 * (log_likelihood - null), count),
        wald=joint_wald(firth.coefficients, variance),
        score=None,
        estimator="Firth",
        limits="profile penalised likelihood",
    )


# --- data ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Data:
    """Complete cases as the engine takes them; columns divided by their standard deviation."""

    names: tuple[str, ...]
    x: NDArray[np.float64]
    scale: NDArray[np.float64]
    time: NDArray[np.float64]
    event: NDArray[np.int64]
    ties: str
    strata: NDArray[np.int64] | None
    cluster: NDArray[np.int64] | None


def _data(
    cases: CompleteCases, ties: str, strata: ArrayLike | None, cluster: ArrayLike | None
) -> _Data:
    x, scale = standardised(cases.design)
    return _Data(
        names=tuple(map(str, cases.design.columns)),
        x=x,
        scale=scale,
        # Times that differ by rounding only are tied, as R's coxph has it.
        time=np.array(aeq_surv(cases.time).time) if cases.n else cases.time,
        event=cases.event.astype(np.int64),
        ties=ties,
        strata=None if strata is None else codes_of(kept_values(strata, cases, "stratum")),
        cluster=None if cluster is None else codes_of(kept_values(cluster, cases, "cluster")),
    )


def standardised(design: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Columns divided by their standard deviations, and these; 1 for a column that is constant."""
    values = design.to_numpy(dtype=float)
    scale = values.std(axis=0) if len(values) else np.ones(values.shape[1])
    scale = np.where(scale > 0, scale, 1.0)
    return values / scale, scale


def kept_values(values: ArrayLike, cases: CompleteCases, name: str) -> NDArray[Any]:
    """Values of the complete cases; `ValueError` when one is missing, by what it is called."""
    given = np.asarray(values)
    if given.shape != cases.kept.shape or pd.isna(given[cases.kept]).any():
        raise ValueError(f"a {name} is missing")
    return given[cases.kept]


def codes_of(values: NDArray[Any]) -> NDArray[np.int64]:
    """Codes from 0 of values, in ascending order."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def refuse_design(
    cases: CompleteCases, labels: Mapping[str, str], *, strata: NDArray[np.int64] | None = None
) -> None:
    """Refuse complete cases of which no likelihood makes a model.

    Parameters
    ----------
    cases : CompleteCases
    labels : mapping
        What a covariate is called in a reason; its column's name otherwise.
    strata : ndarray of int, shape (n,), optional
        Within which the covariates have to vary.

    Raises
    ------
    NotEstimable
        When there is no complete case, no event, a covariate with one level, fewer events than
        covariates, or a covariate that is a linear combination of others.
    """
    if not cases.n:
        raise NotEstimable("nobody has every covariate recorded")
    if not cases.events:
        raise NotEstimable("no event was observed")
    x, _ = standardised(cases.design)
    within = _within(x, strata)
    for at, name in enumerate(map(str, cases.design.columns)):
        label = labels.get(name, name)
        if np.ptp(x[:, at]) == 0:
            raise NotEstimable(f"{label} has one level only")
        if np.abs(within[:, at]).max() < _CONSTANT:
            raise NotEstimable(f"{label} has one level only within every stratum")
    count = x.shape[1]
    if cases.events < count:
        raise NotEstimable("there are fewer events than covariates")
    if np.linalg.matrix_rank(within / within.std(axis=0)) < count:
        raise NotEstimable("the covariates are collinear")


def _refuse(cases: CompleteCases, data: _Data, labels: Mapping[str, str]) -> None:
    refuse_design(cases, labels, strata=data.strata)
    if not _informative(data):
        raise NotEstimable(NOBODY_ELSE)


_CONSTANT = 1e-9


def _within(x: NDArray[np.float64], strata: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Columns less their mean in the stratum: what a stratified likelihood sees of them."""
    frame = pd.DataFrame(x)
    stratum = np.zeros(len(x), dtype=np.int64) if strata is None else strata
    return (frame - frame.groupby(stratum).transform("mean")).to_numpy()


def _informative(data: _Data) -> bool:
    """Whether an event happened while somebody else in the stratum was at risk without one.

    Everybody with an event at one last time says nothing of hazards; the likelihoods of
    Efron and Breslow would report a hazard ratio of 1 there.
    """
    strata = np.zeros(len(data.time), dtype=np.int64) if data.strata is None else data.strata
    frame = pd.DataFrame({"stratum": strata, "time": data.time, "event": data.event})
    last = frame["time"] == frame.groupby("stratum")["time"].transform("max")
    all_had_it = frame.groupby(["stratum", "time"])["event"].transform("min") == 1
    return bool(((frame["event"] == 1) & ~(last & all_had_it)).any())


def refuse_monotone(cases: CompleteCases, labels: Mapping[str, str]) -> None:
    """Raise `MonotoneLikelihood` when a covariate's only two levels are one level in the events."""
    for name, column in cases.design.items():
        values = column.to_numpy()
        if np.unique(values).size == 2 and np.unique(values[cases.event]).size < 2:
            label = labels.get(str(name), str(name))
            raise MonotoneLikelihood(
                f"one level of {label} has no event, so that the likelihood is monotone"
            )


# --- maximum partial likelihood -----------------------------------------------------------


@dataclass(frozen=True)
class _Fit:
    """A maximum, on the standardised columns."""

    coefficients: NDArray[np.float64]
    variance: NDArray[np.float64]
    robust: NDArray[np.float64] | None
    null_log_likelihood: float
    log_likelihood: float
    score: float
    robust_score: float | None


def _maximum(data: _Data) -> _Fit:
    try:
        fit = coxph_fit(
            data.time,
            data.event,
            data.x,
            strata=data.strata,
            method=data.ties,
            cluster=data.cluster,
            **CONVERGED,
        )
    except ValueError as infinite:  # the data were checked: only numbers can have run away
        raise MonotoneLikelihood(NO_MAXIMUM) from infinite
    naive = np.array(fit.var if data.cluster is None else fit.naive_var)
    coefficients = np.array(fit.coefficients)
    if not np.isfinite(coefficients).all():
        flat = not (np.diag(_at(data, np.zeros(coefficients.size))[1]) > 0).all()
        raise NotEstimable(NO_MAXIMUM) if flat else MonotoneLikelihood(NO_MAXIMUM)
    if fit.flag == STOPPED or not (np.sqrt(np.diag(naive)) < RUNAWAY).all():
        raise MonotoneLikelihood(NO_MAXIMUM)
    robust = None if data.cluster is None else np.array(fit.var)
    if robust is not None and _rank(robust, naive) < len(naive):
        raise NotEstimable(FEW_CLUSTERS)
    return _Fit(
        coefficients=coefficients,
        variance=naive,
        robust=robust,
        null_log_likelihood=float(fit.loglik[0]),
        log_likelihood=float(fit.loglik[1]),
        score=float(fit.score),
        robust_score=None if data.cluster is None else float(fit.rscore),
    )


def _rank(robust: NDArray[np.float64], naive: NDArray[np.float64]) -> int:
    scale = np.sqrt(np.diag(naive))
    return int(np.linalg.matrix_rank(robust / np.outer(scale, scale), tol=1e-9))


def _model(
    cases: CompleteCases, data: _Data, fit: _Fit, terms: tuple[Term, ...], level: float
) -> Cox:
    count, robust = len(data.names), None
    if fit.robust is not None:
        robust = joint_wald(fit.coefficients, fit.robust, singular=FEW_CLUSTERS)
    return Cox(
        terms=terms,
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        log_likelihood=fit.log_likelihood,
        null_log_likelihood=fit.null_log_likelihood,
        ties=data.ties,
        level=level,
        likelihood_ratio=chi_square_test(2 * (fit.log_likelihood - fit.null_log_likelihood), count),
        wald=joint_wald(fit.coefficients, fit.variance),
        score=chi_square_test(fit.score, count),
        robust_wald=robust,
        robust_score=None if fit.robust_score is None else chi_square_test(fit.robust_score, count),
        clusters=None if data.cluster is None else int(data.cluster.max()) + 1,
        strata=1 if data.strata is None else int(data.strata.max()) + 1,
    )


def chi_square_test(statistic: float, degrees_of_freedom: int) -> GlobalTest:
    """Test whose statistic is chi-square when all coefficients are 0."""
    return GlobalTest(statistic, degrees_of_freedom, float(chi2.sf(statistic, degrees_of_freedom)))


def hazard_ratio(log: float) -> float:
    """Exponential of a log hazard ratio; `NotEstimable` where that is beyond any number."""
    try:
        return math.exp(log)
    except OverflowError as problem:
        raise NotEstimable("a limit of a hazard ratio is beyond any number") from problem


def joint_wald(
    coefficients: NDArray[np.float64],
    variance: NDArray[np.float64],
    *,
    singular: str = NO_MAXIMUM,
) -> GlobalTest:
    """Wald's test of all of these coefficients being 0.

    Raises
    ------
    NotEstimable
        With the reason `singular`, when the covariance does not determine every combination
        of the coefficients.
    """
    error = np.sqrt(np.maximum(np.diag(variance), 0.0))
    if not (error > 0).all():
        raise NotEstimable(singular)
    correlation = variance / np.outer(error, error)
    if np.linalg.matrix_rank(correlation, tol=_SINGULAR, hermitian=True) < error.size:
        raise NotEstimable(singular)
    statistic = float(coefficients @ np.linalg.solve(variance, coefficients))
    return chi_square_test(statistic, coefficients.size)


def wald(coefficient: float, error: float, level: float, *, singular: str = NO_MAXIMUM) -> Wald:
    """Wald's inference of one log hazard ratio with its standard error.

    Raises
    ------
    NotEstimable
        With the reason `singular` when the standard error is not above 0, or when a limit is
        beyond any number.
    """
    if not error > 0:
        raise NotEstimable(singular)
    width = float(norm.ppf((1 + level) / 2)) * error
    z = coefficient / error
    return Wald(
        standard_error=error,
        low=hazard_ratio(coefficient - width),
        high=hazard_ratio(coefficient + width),
        z=z,
        p=float(2 * norm.sf(abs(z))),
    )


def _term(data: _Data, fit: _Fit, at: int, level: float) -> Term:
    scale = float(data.scale[at])
    error = _error(fit.variance, at) / scale
    robust = None if fit.robust is None else _error(fit.robust, at) / scale
    return wald_term(data.names[at], float(fit.coefficients[at] / scale), error, robust, level)


def wald_term(
    name: str, coefficient: float, error: float, robust_error: float | None, level: float
) -> Term:
    """Hazard ratio of a coefficient with its naive and, of clusters, its robust inference.

    Raises
    ------
    NotEstimable
        As `wald` does, of either standard error.
    """
    naive = wald(coefficient, error, level)
    robust = None
    if robust_error is not None:
        robust = wald(coefficient, robust_error, level, singular=FEW_CLUSTERS)
    return Term(
        name=name,
        coefficient=coefficient,
        standard_error=naive.standard_error,
        hazard_ratio=hazard_ratio(coefficient),
        low=naive.low,
        high=naive.high,
        z=naive.z,
        p=naive.p,
        robust=robust,
    )


def _error(variance: NDArray[np.float64], at: int) -> float:
    return math.sqrt(max(float(variance[at, at]), 0.0))


# --- profile likelihood -------------------------------------------------------------------


def _profiled(data: _Data, fit: _Fit, at: int, term: Term, level: float) -> Term:
    estimate, half = fit.coefficients[at], math.sqrt(fit.variance[at, at])
    half *= float(norm.ppf((1 + level) / 2))
    fall = float(chi2.ppf(level, 1))

    def above(value: float) -> float:
        return 2 * (fit.log_likelihood - _restricted(data, at, value)) - fall

    low, high = (_root(above, estimate, side * half) for side in (-1, 1))
    off = max(abs(low - (estimate - half)), abs(high - (estimate + half)))
    profile = Profile(
        low=hazard_ratio(low / data.scale[at]),
        high=hazard_ratio(high / data.scale[at]),
        p=float(chi2.sf(max(above(0.0) + fall, 0.0), 1)),
        shown=bool(off >= _WALD_IS_POOR * half),
    )
    return Term(**{**vars(term), "profile": profile})


def _root(above: Callable[[float], float], estimate: float, step: float) -> float:
    while above(estimate + step) < 0:
        step *= 2
    return float(brentq(above, estimate, estimate + step, xtol=1e-11))


def _restricted(data: _Data, at: int, value: float) -> float:
    """Log likelihood with one coefficient held at a value, maximised over the others."""
    others = np.delete(data.x, at, axis=1)
    if not others.shape[1]:
        return _at(data, np.array([value]))[0]
    fit = coxph_fit(
        data.time,
        data.event,
        others,
        strata=data.strata,
        offset=value * data.x[:, at],
        method=data.ties,
        **CONVERGED,
    )
    return float(fit.loglik[1])


def _at(data: _Data, coefficients: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Log likelihood and inverse information at given coefficients."""
    fit = coxph_fit(
        data.time,
        data.event,
        data.x,
        strata=data.strata,
        method=data.ties,
        init=coefficients.tolist(),
        iter_max=0,
    )
    return float(fit.loglik[-1]), np.array(fit.var)


# --- Firth's penalised likelihood ---------------------------------------------------------


@dataclass(frozen=True)
class _Firth:
    """The penalised maximum, with limits and p of its profile, on the standardised columns."""

    coefficients: NDArray[np.float64]
    limits: NDArray[np.float64]
    p: NDArray[np.float64]


def _firth(data: _Data, level: float) -> _Firth:
    from firthmodels import FirthCoxPH  # scikit-learn takes long to import and is rarely needed

    # Only the order of the times matters to the likelihood; ranks are never zero.
    rank = np.unique(data.time, return_inverse=True)[1] + 1.0
    # Columns that are not centred cost digits, and the fit its convergence.
    centred = data.x - data.x.mean(axis=0)
    try:
        with warnings.catch_warnings():
            # Every warning here says that a maximum or a limit was not found.
            warnings.simplefilter("error")
            model = FirthCoxPH(backend="numpy", gtol=1e-9, xtol=1e-4, max_iter=500)
            model.fit(centred, (data.event == 1, rank))
            limits = model.conf_int(alpha=1 - level, method="pl", tol=1e-9, max_iter=500)
            # A log likelihood is flat at its maximum: here a looser bound costs no digit.
            model.set_params(gtol=1e-6).lrt()
    except (Warning, np.linalg.LinAlgError) as problem:
        raise NotEstimable("the penalised fit does not converge") from problem
    # Newton's steps to one limit may end at the other, where the likelihood hardly falls.
    if not ((limits[:, 0] < model.coef_) & (model.coef_ < limits[:, 1])).all():
        raise NotEstimable("the limits of the penalised fit were not found")
    return _Firth(model.coef_, limits, model.lrt_pvalues_)


def _penalised(data: _Data, coefficients: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Penalised log likelihood, and the inverse information, at given coefficients."""
    log_likelihood, variance = _at(data, coefficients)
    return log_likelihood - float(np.linalg.slogdet(variance)[1]) / 2, variance


def _firth_term(data: _Data, firth: _Firth, variance: NDArray[np.float64], at: int) -> Term:
    scale, p = float(data.scale[at]), float(firth.p[at])
    coefficient = float(firth.coefficients[at]) / scale
    low, high = (hazard_ratio(limit / scale) for limit in firth.limits[at])
    return Term(
        name=data.names[at],
        coefficient=coefficient,
        standard_error=math.sqrt(variance[at, at]) / scale,
        hazard_ratio=hazard_ratio(coefficient),
        low=low,
        high=high,
        z=math.copysign(float(norm.isf(p / 2)), coefficient),
        p=p,
    )
