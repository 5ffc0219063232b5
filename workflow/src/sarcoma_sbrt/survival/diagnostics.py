"""Whether a Cox model's assumptions hold.

The exact score test of proportional hazards with scaled Schoenfeld residuals, the influence of
single observations, and splines for the form of a continuous covariate's effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from survival.core import nsk  # type: ignore[attr-defined]  # bound when imported
from survival.regression import (  # type: ignore[attr-defined]  # bound when imported
    cox_zph,
    cox_zph_smooth,
)

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.counting_process import (
    RowsFit,
    engine_fit,
    fit_rows,
    likelihood_ratio,
    observation_rows,
)
from sarcoma_sbrt.survival.cox import (
    Cox,
    GlobalTest,
    Term,
    Wald,
    complete_cases,
    fit_cox,
    kept_values,
)

__all__ = [
    "ZERO_TIME",
    "FunctionalForm",
    "Influence",
    "Influential",
    "ProportionalHazards",
    "ProportionalityTest",
    "Schoenfeld",
    "Smooth",
    "functional_form",
    "influence",
    "proportional_hazards",
]

Transform = Literal["km", "rank", "identity", "log"]

ZERO_TIME = "an event happened at time 0, whose logarithm is infinite"

_TOO_FEW = "the events are too few to tell whether an effect changes with time"

# R's defaults: of plot.cox.zph the degrees of freedom and points of its smooth.
_SMOOTH_DF, _SMOOTH_POINTS = 4, 40

# Harrell, Regression Modeling Strategies (2015), table 2.3: quantiles of the knots.
_KNOTS: dict[int, tuple[float, ...]] = {
    3: (0.10, 0.50, 0.90),
    4: (0.05, 0.35, 0.65, 0.95),
    5: (0.05, 0.275, 0.50, 0.725, 0.95),
    6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}

_CURVE_POINTS = 41

# A value's distance from the reference, in the spline's basis, that is none.
_SAME = 1e-12

# --- proportional hazards -----------------------------------------------------------------


@dataclass(frozen=True)
class ProportionalityTest:
    """Score test of a covariate's coefficient not changing with (transformed) time."""

    name: str
    statistic: float
    degrees_of_freedom: int
    p: float


@dataclass(frozen=True)
class Smooth:
    """Course of a coefficient over time.

    Attributes
    ----------
    time, transformed : ndarray, shape (40,)
        Evenly spaced in transformed time.
    coefficient, low, high : ndarray, shape (40,)
        Log hazard ratio with its pointwise band.
    """

    time: NDArray[np.float64]
    transformed: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Schoenfeld:
    """Scaled Schoenfeld residuals of one covariate, one for each event.

    Attributes
    ----------
    name : str
    time, transformed : ndarray, shape (events,)
    coefficient : ndarray, shape (events,)
        The residual plus the model's coefficient, so that it estimates the coefficient at that
        time; NaN in a stratum in which the covariate does not vary.
    smooth : Smooth or None
        None where there are too few events for it.
    """

    name: str
    time: NDArray[np.float64]
    transformed: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    smooth: Smooth | None


@dataclass(frozen=True)
class ProportionalHazards:
    """Tests of proportional hazards, and the residuals to look at.

    Attributes
    ----------
    tests : tuple of ProportionalityTest
        In the order of the design's columns.
    overall : ProportionalityTest
        Of all covariates together, R's ``GLOBAL``.
    residuals : tuple of Schoenfeld
        In the same order.
    transform, ties : str
    n, events, dropped : int
        Complete cases, events among them, and observations left out.
    level : float
        Of the smooths' bands.
    """

    tests: tuple[ProportionalityTest, ...]
    overall: ProportionalityTest
    residuals: tuple[Schoenfeld, ...]
    transform: str
    ties: str
    n: int
    events: int
    dropped: int
    level: float

    def failing(self, alpha: float) -> tuple[str, ...]:
        """Covariates whose own test has p below `alpha`."""
        return tuple(test.name for test in self.tests if test.p < alpha)


def proportional_hazards(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    *,
    level: float,
    ties: str = "efron",
    transform: str = "km",
    strata: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> ProportionalHazards:
    """Score test of proportional hazards (Grambsch and Therneau 1994), exact: R's ``cox.zph``.

    The test is that of adding the covariate times the centred transformed time to the model,
    with the full information matrix and not the approximation of constant variance that R had
    before survival 3.0. Clusters do not enter, in R neither: with several lesions a patient its
    p is too small.

    The smooth is that of R's ``plot.cox.zph``: least squares on a natural spline with 4 degrees
    of freedom, knots at quantiles of the transformed times. R draws its band at 2 standard
    errors, this one is at the normal quantile of `level` (1.96 for 0.95).

    Parameters
    ----------
    design, time, event, level, ties, strata, labels
        As for `fit_cox`.
    transform : {'km', 'rank', 'identity', 'log'}
        Of time: one minus the left-continuous Kaplan-Meier curve of everybody (R's default,
        robust against late events), its rank, itself, or its logarithm.

    Raises
    ------
    NotEstimable
        When the model cannot be fitted, all events happened at one time, or one happened at
        time 0 and the transform is ``log``.
    ValueError
        For another transform, or what `fit_cox` does not accept.
    """
    if transform not in get_args(Transform):
        accepted = ", ".join(get_args(Transform))
        raise ValueError(f"no transform {transform!r} of time; accepted: {accepted}")
    fit_cox(design, time, event, level=level, ties=ties, labels=labels, strata=strata)
    cases = complete_cases(design, time, event, strata=strata)
    rows = observation_rows(cases, ties, strata, None)
    moments = np.unique(rows.stop[rows.event])
    if moments.size < 2:
        raise NotEstimable("all events happened at one time")
    if transform == "log" and moments[0] == 0:
        raise NotEstimable(ZERO_TIME)
    fit, scale = engine_fit(rows)
    try:
        zph = cox_zph(fit, transform=transform, terms=False)
    except RuntimeError as singular:
        raise NotEstimable(_TOO_FEW) from singular
    names = tuple(map(str, design.columns))
    return ProportionalHazards(
        tests=tuple(_proportionality(n, row) for n, row in zip(names, zph.table, strict=True)),
        overall=_proportionality("GLOBAL", zph.global_test),
        residuals=_residuals(names, zph, scale, transform, level),
        transform=transform,
        ties=ties,
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        level=level,
    )


def _proportionality(name: str, row: Any) -> ProportionalityTest:
    if not (math.isfinite(row.chisq) and row.chisq >= 0 and row.df >= 1):
        raise NotEstimable(_TOO_FEW)
    return ProportionalityTest(name, float(row.chisq), int(row.df), float(row.p))


def _residuals(
    names: tuple[str, ...], zph: Any, scale: NDArray[np.float64], transform: str, level: float
) -> tuple[Schoenfeld, ...]:
    x, time = np.array(zph.x), np.array(zph.time)
    y, variance = np.array(zph.y) / scale, np.diag(np.array(zph.var)) / scale**2
    return tuple(
        Schoenfeld(
            name=name,
            time=time,
            transformed=x,
            coefficient=y[:, at],
            smooth=_smooth(x, time, y[:, at], float(variance[at]), transform, level),
        )
        for at, name in enumerate(names)
    )


def _smooth(
    x: NDArray[np.float64],
    time: NDArray[np.float64],
    y: NDArray[np.float64],
    variance: float,
    transform: str,
    level: float,
) -> Smooth | None:
    if np.unique(x[np.isfinite(y)]).size < _SMOOTH_DF:
        return None
    fit = cox_zph_smooth(x, y[:, None], [variance], df=_SMOOTH_DF, nsmo=_SMOOTH_POINTS)
    if fit.skipped:
        return None
    at, value = np.array(fit.x), np.array(fit.y).ravel()
    width = float(norm.ppf((1 + level) / 2)) * np.array(fit.std_err).ravel()
    distinct, first = np.unique(x, return_index=True)
    back = np.exp(at) if transform == "log" else np.interp(at, distinct, time[first])
    return Smooth(back, at, value, value - width, value + width)


# --- influence ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Influential:
    """The observation, or cluster, that changes one coefficient most.

    Attributes
    ----------
    name : str
        The covariate.
    unit : object
        Position of the observation among those given, or the cluster.
    change : float
        How much higher the coefficient is with the unit than without it, to first order.
    standardised : float
        The same in (naive) standard errors of the coefficient.
    """

    name: str
    unit: object
    change: float
    standardised: float


@dataclass(frozen=True)
class Influence:
    """Influence of every observation, or cluster, on every coefficient.

    Attributes
    ----------
    names : tuple of str
        Columns of the design.
    units : tuple
        Positions of the complete cases among the observations given, or the clusters.
    change : ndarray, shape (units, covariates)
        R's ``dfbeta``.
    standardised : ndarray, shape (units, covariates)
        R's ``dfbetas``: the change over the coefficient's naive standard error.
    """

    names: tuple[str, ...]
    units: tuple[object, ...]
    change: NDArray[np.float64]
    standardised: NDArray[np.float64]

    @property
    def most(self) -> tuple[Influential, ...]:
        """For each covariate the unit that changes its coefficient most; the first of equals."""
        return tuple(
            Influential(
                name=name,
                unit=self.units[row],
                change=float(self.change[row, at]),
                standardised=float(self.standardised[row, at]),
            )
            for at, name in enumerate(self.names)
            for row in [int(np.abs(self.standardised[:, at]).argmax())]
        )


def influence(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    *,
    level: float,
    ties: str = "efron",
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> Influence:
    """First-order change of each coefficient by each observation; R's ``residuals(, "dfbeta")``.

    With clusters the changes are summed within them: the influence of a patient, all lesions
    together. Parameters and errors are those of `fit_cox`.
    """
    fit_cox(design, time, event, level=level, ties=ties, labels=labels, strata=strata)
    cases = complete_cases(design, time, event, strata=strata)
    fit, scale = engine_fit(observation_rows(cases, ties, strata, None))
    units: tuple[object, ...] = tuple(np.flatnonzero(cases.kept).tolist())
    collapse = None
    if cluster is not None:
        levels, codes = np.unique(kept_values(cluster, cases, "cluster"), return_inverse=True)
        units, collapse = tuple(levels.tolist()), codes.astype(np.int64)
    change = np.array(fit.dfbeta(collapse=collapse)).reshape(len(units), -1)
    return Influence(
        names=tuple(map(str, design.columns)),
        units=units,
        change=change / scale,
        standardised=change / np.sqrt(np.diag(np.array(fit.var))),
    )


# --- functional form ----------------------------------------------------------------------


@dataclass(frozen=True)
class FunctionalForm:
    """A continuous covariate's effect as a restricted cubic spline.

    Attributes
    ----------
    name : str
    knots : tuple of float
    nonlinearity : GlobalTest
        Likelihood-ratio test against the straight line; knots less 2 degrees of freedom.
    association : GlobalTest
        Likelihood-ratio test against the model without the covariate.
    robust_nonlinearity : GlobalTest or None
        Wald's test of the nonlinear terms with the clusters' sandwich covariance.
    reference : float
        Value of the covariate whose hazard the curve compares with.
    values, hazard_ratio, low, high : ndarray
        The curve and its pointwise band, from the sandwich covariance where there are clusters.
    n, events, dropped : int
    ties : str
    level : float
    """

    name: str
    knots: tuple[float, ...]
    nonlinearity: GlobalTest
    association: GlobalTest
    robust_nonlinearity: GlobalTest | None
    reference: float
    values: NDArray[np.float64]
    hazard_ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: int
    events: int
    dropped: int
    ties: str
    level: float


def functional_form(
    design: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    name: str,
    *,
    level: float,
    knots: int | Sequence[float] = 4,
    reference: float | None = None,
    values: Sequence[float] | None = None,
    ties: str = "efron",
    strata: ArrayLike | None = None,
    cluster: ArrayLike | None = None,
    labels: Mapping[str, str] | None = None,
) -> FunctionalForm:
    """Form of a continuous covariate's effect, the others linear.

    The spline is cubic between the knots and straight beyond the outer ones (Stone and Koo
    1985): the same model as with R's ``rms::rcs``, ``splines::ns`` or ``survival::nsk`` of the
    same knots.

    Parameters
    ----------
    name : str
        The covariate, a column of the design.
    knots : int or sequence of float
        How many, 3 to 7, at Harrell's quantiles of the complete cases' values (R's type 7); or
        where, three or more.
    reference : float, optional
        The complete cases' median by default.
    values : sequence of float, optional
        Where the curve is given; by default 41 points from the first to the last knot.

    Others are those of `fit_cox`.

    Raises
    ------
    NotEstimable
        When the covariate has too few distinct values, knots coincide, there are fewer events
        than coefficients, or the model cannot be fitted otherwise.
    ValueError
        For another number of knots.
    """
    cases = complete_cases(design, time, event, strata=strata)
    stratum = None if strata is None else np.asarray(strata)[cases.kept]

    def fitted(columns: pd.DataFrame) -> Cox:
        of = {"level": level, "ties": ties, "labels": labels, "strata": stratum}
        return fit_cox(columns, cases.time, cases.event, **of)  # type: ignore[arg-type]

    linear = fitted(cases.design)
    given, others = cases.design[name].to_numpy(), cases.design.drop(columns=name)
    places = _knots(given, knots, (labels or {}).get(name, name))
    frame = pd.concat([_spline(name, given, places), others], axis="columns")
    curved = fitted(frame)
    alone = others.columns.empty
    without = curved.null_log_likelihood if alone else fitted(others).log_likelihood
    rows = replace(observation_rows(cases, ties, strata, cluster), design=frame)
    fit = fit_rows(rows, level=level)
    extra = len(places) - 2
    centre = float(np.median(given)) if reference is None else float(reference)
    grid = np.linspace(places[0], places[-1], _CURVE_POINTS) if values is None else values
    at = np.asarray(grid, dtype=float)
    terms = _curve(fit, name, at, centre, places)
    inference = [term.robust or term for term in terms]
    return FunctionalForm(
        name=name,
        knots=places,
        nonlinearity=likelihood_ratio(fit, linear.log_likelihood, extra),
        association=likelihood_ratio(fit, without, extra + 1),
        robust_nonlinearity=fit.robust_wald(_bends(places, len(fit.names))),
        reference=centre,
        values=at,
        hazard_ratio=np.array([term.hazard_ratio for term in terms]),
        low=np.array([each.low for each in inference]),
        high=np.array([each.high for each in inference]),
        n=cases.n,
        events=cases.events,
        dropped=cases.dropped,
        ties=ties,
        level=level,
    )


def _knots(
    values: NDArray[np.float64], knots: int | Sequence[float], label: str
) -> tuple[float, ...]:
    if isinstance(knots, int):
        if knots not in _KNOTS:
            raise ValueError(f"no spline with {knots} knots; accepted: 3 to 7")
        places = np.quantile(values, _KNOTS[knots])
    else:
        places = np.sort(np.asarray(knots, dtype=float))
        if places.size < 3:
            raise ValueError(f"no spline with {places.size} knots; accepted: three or more")
    distinct = np.unique(values).size
    if distinct <= places.size:
        raise NotEstimable(f"{label} has {distinct} distinct values, too few for a spline")
    if np.unique(places).size < places.size:
        raise NotEstimable(f"knots of {label} coincide")
    return tuple(places.tolist())


def _spline(name: str, values: NDArray[np.float64], knots: tuple[float, ...]) -> pd.DataFrame:
    """Basis whose coefficients are the curve at each knot but the first, less that at the first."""
    ends = (knots[0], knots[-1])
    basis = nsk(values.tolist(), knots=list(knots[1:-1]), boundary_knots=ends).basis
    names = [f"{name} at knot {number}" for number in range(2, len(knots) + 1)]
    return pd.DataFrame(np.array(basis).reshape(len(values), -1), columns=names)


def _bends(knots: tuple[float, ...], count: int) -> NDArray[np.float64]:
    """Contrasts that are 0 on a straight line: slopes from the first knot, less the first slope."""
    rise = np.array(knots[1:]) - knots[0]
    bends = np.zeros((rise.size - 1, count))
    bends[:, 0] = -1 / rise[0]
    bends[:, 1 : rise.size] = np.diag(1 / rise[1:])
    return bends


def _curve(
    fit: RowsFit, name: str, at: NDArray[np.float64], reference: float, knots: tuple[float, ...]
) -> list[Term]:
    basis = _spline(name, np.array([reference, *at]), knots).to_numpy()
    contrasts = np.zeros((at.size, len(fit.names)))
    contrasts[:, : basis.shape[1]] = basis[1:] - basis[0]
    return [
        _nothing(name, fit) if np.abs(row).max() < _SAME else fit.combination(name, row)
        for row in contrasts
    ]


def _nothing(name: str, fit: RowsFit) -> Term:
    """The reference compared with itself."""
    robust = None if fit.robust is None else Wald(0.0, 1.0, 1.0, 0.0, 1.0)
    return Term(name, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, robust)
