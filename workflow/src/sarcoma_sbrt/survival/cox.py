"""Proportional hazards regression, or the reason why these data do not allow it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from sarcoma_sbrt.errors import NotEstimable

__all__ = ["CompleteCases", "Cox", "Term", "complete_cases", "fit_cox"]

# lifelines stops early by default, which leaves 2e-5 in a coefficient. With these it stops
# when Newton's decrement says that 1e-10 of a standard error is left; full steps as in R.
_FIT_OPTIONS = {"step_size": 1.0, "precision": 1e-20, "r_precision": 0.0, "max_steps": 200}

# On standardised columns a finite estimate's standard error is of the order of
# 1 / sqrt(events); one that runs to infinity leaves it beyond any bound.
_RUNAWAY = 1e3


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
class Term:
    """One covariate of a fitted model.

    Attributes
    ----------
    name : str
        Column of the design.
    coefficient, standard_error : float
        Log hazard ratio per unit of the column, and its standard error.
    hazard_ratio, low, high : float
        Their exponential, and Wald limits.
    z, p : float
        Wald test, two-sided.
    """

    name: str
    coefficient: float
    standard_error: float
    hazard_ratio: float
    low: float
    high: float
    z: float
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
    log_likelihood : float
        Partial log likelihood at the estimate.
    ties : str
        How tied event times were handled.
    level : float
        Confidence level of the Wald limits.
    """

    terms: tuple[Term, ...]
    n: int
    events: int
    dropped: int
    log_likelihood: float
    ties: str
    level: float

    def __getitem__(self, name: str) -> Term:
        return next(term for term in self.terms if term.name == name)


def complete_cases(design: pd.DataFrame, time: ArrayLike, event: ArrayLike) -> CompleteCases:
    """Observations with no covariate missing.

    Parameters
    ----------
    design : DataFrame of float, shape (n, covariates)
        NaN where missing.
    time : array_like, shape (n,)
        Observed times, none missing.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here (so hazards are cause-specific).
    """
    times, events = np.asarray(time, dtype=float), np.asarray(event, dtype=float) == 1
    kept = design.notna().all(axis="columns").to_numpy(dtype=bool)
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
) -> Cox:
    """Cox model with Efron's handling of ties, Wald limits and tests; complete cases only.

    Parameters
    ----------
    design, time, event
        As for `complete_cases`.
    level : float
        Confidence level, e.g. 0.95.
    ties : {'efron'}
        Efron (1977), R's default.
    labels : mapping, optional
        What a covariate is called in a reason; its column's name otherwise.

    Raises
    ------
    NotEstimable
        With the reason, when the partial likelihood has no unique finite maximum.
    ValueError
        For another handling of ties.
    """
    if ties != "efron":
        raise ValueError(f"no Cox model with ties {ties!r}; accepted: efron")
    cases = complete_cases(design, time, event)
    _refuse(cases, labels or {})
    scale = cases.design.std(ddof=0)
    fit = _fit(cases.design / scale, cases)
    standardised = fit.standard_errors_
    if not standardised.lt(_RUNAWAY).all():
        raise NotEstimable(_NO_MAXIMUM)
    coefficients, errors = fit.params_ / scale, standardised / scale
    return Cox(
        terms=tuple(
            _term(str(name), float(coefficients[name]), float(errors[name]), level)
            for name in cases.design.columns
        ),
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        log_likelihood=float(fit.log_likelihood_),
        ties=ties,
        level=level,
    )


_NO_MAXIMUM = "the fit does not converge: the partial likelihood has no unique finite maximum"


def _fit(standardised: pd.DataFrame, cases: CompleteCases) -> CoxPHFitter:
    data = standardised.set_axis([f"x{i}" for i in range(standardised.shape[1])], axis="columns")
    data = data.assign(time=cases.time, event=cases.event)
    try:
        with warnings.catch_warnings():
            # Every warning of lifelines or scipy here says that the maximum was not found.
            warnings.simplefilter("error")
            fit = CoxPHFitter().fit(data, "time", "event", fit_options=_FIT_OPTIONS)
    except (Warning, ConvergenceError, np.linalg.LinAlgError) as problem:
        raise NotEstimable(_NO_MAXIMUM) from problem
    fit.params_.index = fit.standard_errors_.index = standardised.columns
    return fit


def _term(name: str, coefficient: float, error: float, level: float) -> Term:
    width = float(norm.ppf((1 + level) / 2)) * error
    return Term(
        name=name,
        coefficient=coefficient,
        standard_error=error,
        hazard_ratio=math.exp(coefficient),
        low=math.exp(coefficient - width),
        high=math.exp(coefficient + width),
        z=coefficient / error,
        p=float(2 * norm.sf(abs(coefficient / error))),
    )


def _refuse(cases: CompleteCases, labels: Mapping[str, str]) -> None:
    if not cases.n:
        raise NotEstimable("nobody has every covariate recorded")
    if not cases.events:
        raise NotEstimable("no event was observed")
    for name, values in cases.design.items():
        _refuse_column(labels.get(str(name), str(name)), values.to_numpy(), cases.event)
    count = cases.design.shape[1]
    if cases.events < count:
        raise NotEstimable("there are fewer events than covariates")
    centred = cases.design - cases.design.mean()
    if np.linalg.matrix_rank((centred / centred.std(ddof=0)).to_numpy()) < count:
        raise NotEstimable("the covariates are collinear")


def _refuse_column(label: str, values: NDArray[np.float64], event: NDArray[np.bool_]) -> None:
    levels = np.unique(values)
    if levels.size < 2:
        raise NotEstimable(f"{label} has one level only")
    if levels.size == 2 and np.unique(values[event]).size < 2:
        raise NotEstimable(f"one level of {label} has no event, so that the likelihood is monotone")
