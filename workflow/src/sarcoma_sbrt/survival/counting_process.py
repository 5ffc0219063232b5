"""Cox fits of weighted rows at risk over intervals, as episodes and Fine-Gray weights need them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from survival.data_prep import aeq_surv  # type: ignore[attr-defined]  # bound when imported
from survival.regression import coxph_fit  # type: ignore[attr-defined]

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import (
    CONVERGED,
    FEW_CLUSTERS,
    NO_MAXIMUM,
    RUNAWAY,
    STOPPED,
    CompleteCases,
    GlobalTest,
    Term,
    chi_square_test,
    codes_of,
    joint_wald,
    kept_values,
    standardised,
    wald_term,
)

__all__ = [
    "CoxRows",
    "RowsFit",
    "engine_fit",
    "fit_rows",
    "likelihood_ratio",
    "observation_rows",
]


# Share of a standard error by which residuals may miss their sum of 0; usual is 1e-11.
_LOST = 1e-6


@dataclass(frozen=True)
class CoxRows:
    """Rows of a Cox model, of which one observation may have several.

    Attributes
    ----------
    design : DataFrame of float, shape (rows, covariates)
        None missing.
    stop : ndarray of float, shape (rows,)
    event : ndarray of bool, shape (rows,)
        Whether the event happened at `stop`.
    ties : {'efron', 'breslow'}
    start : ndarray of float, optional
        The row is at risk in (start, stop].
    weights : ndarray of float, optional
    strata, cluster : ndarray, optional
        None missing.
    """

    design: pd.DataFrame
    stop: NDArray[np.float64]
    event: NDArray[np.bool_]
    ties: str
    start: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None
    strata: NDArray[Any] | None = None
    cluster: NDArray[Any] | None = None


@dataclass(frozen=True)
class RowsFit:
    """Coefficients of the design's columns with their covariances.

    Attributes
    ----------
    names : tuple of str
    coefficients : ndarray, shape (covariates,)
    variance : ndarray, shape (covariates, covariates)
        Inverse information.
    robust : ndarray or None
        Sandwich covariance summed over the clusters, where there are any.
    log_likelihood : float
        Partial (of weighted rows: pseudo) log likelihood at the estimate.
    level : float
        Confidence level of what `terms` and `combination` give.
    """

    names: tuple[str, ...]
    coefficients: NDArray[np.float64]
    variance: NDArray[np.float64]
    robust: NDArray[np.float64] | None
    log_likelihood: float
    level: float

    def terms(self) -> tuple[Term, ...]:
        """Every column's hazard ratio."""
        unit = np.eye(len(self.names))
        return tuple(self.combination(name, unit[at]) for at, name in enumerate(self.names))

    def combination(self, name: str, contrast: NDArray[np.float64]) -> Term:
        """Hazard ratio of a linear combination of the coefficients."""
        coefficient = float(contrast @ self.coefficients)
        error = _error(contrast, self.variance)
        robust = None if self.robust is None else _error(contrast, self.robust)
        return wald_term(name, coefficient, error, robust, self.level)

    def wald(self, contrasts: NDArray[np.float64] | None = None) -> GlobalTest:
        """Naive test of combinations being 0, one a row; of all coefficients by default."""
        return joint_wald(*self._combined(self.variance, contrasts))

    def robust_wald(self, contrasts: NDArray[np.float64] | None = None) -> GlobalTest | None:
        """The same with the sandwich covariance; None without clusters."""
        if self.robust is None:
            return None
        return joint_wald(*self._combined(self.robust, contrasts), singular=FEW_CLUSTERS)

    def _combined(
        self, variance: NDArray[np.float64], contrasts: NDArray[np.float64] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = np.eye(len(self.names)) if contrasts is None else contrasts
        return rows @ self.coefficients, rows @ variance @ rows.T


def fit_rows(rows: CoxRows, *, level: float) -> RowsFit:
    """Maximum partial likelihood of weighted rows at risk over intervals.

    `fit_cox` is for one row an observation; this is for episodes and for Fine and Gray's
    weights. What it is given has been checked: only a likelihood without maximum is refused.

    Raises
    ------
    NotEstimable
        With the reason, when a coefficient runs away to infinity or the likelihood is flat in it,
        there are not more clusters than covariates, or the sandwich lost its digits.
    """
    clusters = None if rows.cluster is None else codes_of(rows.cluster)
    if clusters is not None and clusters.max(initial=-1) + 1 <= rows.design.shape[1]:
        raise NotEstimable("there are not more clusters than covariates")
    fit, scale = engine_fit(rows)
    if clusters is not None:
        _refuse_lost_digits(fit, clusters)
    units = np.outer(scale, scale)
    return RowsFit(
        names=tuple(map(str, rows.design.columns)),
        coefficients=np.array(fit.coefficients) / scale,
        variance=np.array(fit.var if clusters is None else fit.naive_var) / units,
        robust=None if clusters is None else np.array(fit.var) / units,
        log_likelihood=float(fit.loglik[1]),
        level=level,
    )


def _refuse_lost_digits(fit: Any, clusters: NDArray[np.int64]) -> None:
    """Refuse a sandwich of residuals that do not sum to 0, as at a maximum they must.

    The engine carries sums from one risk set to the next; where hazards at one time are many
    orders above those at another, what is left of them is rounding.
    """
    error = np.sqrt(np.diag(np.array(fit.naive_var)))
    total = np.array(fit.dfbeta(collapse=clusters)).reshape(-1, error.size).sum(axis=0)
    if not (np.abs(total) <= _LOST * error).all():
        raise NotEstimable("rounding leaves the robust variance no digits")


def engine_fit(rows: CoxRows) -> tuple[Any, NDArray[np.float64]]:
    """The `survival` library's fit, on columns divided by their standard deviations, and these.

    Raises
    ------
    NotEstimable
        As `fit_rows`.
    """
    x, scale = standardised(rows.design)
    try:
        fit = coxph_fit(
            rows.stop,
            rows.event.astype(np.int64),
            x,
            entry=rows.start,
            strata=None if rows.strata is None else codes_of(rows.strata),
            weights=rows.weights,
            method=rows.ties,
            cluster=None if rows.cluster is None else codes_of(rows.cluster),
            **CONVERGED,
        )
    except ValueError as infinite:  # the data were checked: only numbers can have run away
        raise NotEstimable(NO_MAXIMUM) from infinite
    naive = np.diag(np.array(fit.var if rows.cluster is None else fit.naive_var))
    curved = np.isfinite(fit.coefficients).all() and (naive > 0).all()
    if not curved or fit.flag == STOPPED or not (naive < RUNAWAY**2).all():
        raise NotEstimable(NO_MAXIMUM)
    return fit, scale


def observation_rows(
    cases: CompleteCases, ties: str, strata: ArrayLike | None, cluster: ArrayLike | None
) -> CoxRows:
    """Complete cases as rows, one each, with their strata and clusters.

    Raises
    ------
    ValueError
        When a complete case's stratum or cluster is missing.
    """
    return CoxRows(
        design=cases.design,
        # Times that differ by rounding only are tied, as R's coxph has it.
        stop=np.array(aeq_surv(cases.time).time),
        event=cases.event,
        ties=ties,
        strata=None if strata is None else kept_values(strata, cases, "stratum"),
        cluster=None if cluster is None else kept_values(cluster, cases, "cluster"),
    )


def likelihood_ratio(fit: RowsFit, against: float, degrees_of_freedom: int) -> GlobalTest:
    """Test against a model nested in this one, of that log likelihood."""
    return chi_square_test(2 * (fit.log_likelihood - against), degrees_of_freedom)


def _error(contrast: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    return math.sqrt(max(float(contrast @ variance @ contrast), 0.0))
