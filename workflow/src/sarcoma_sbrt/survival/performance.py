"""How good predictions of survival are, and what a number of patients allows to be said of it.

Times are in months. An event precedes a censoring at the same time, everywhere: who is
censored at a time is known to be free of the event then. R's ``concordance`` and ``rttright``
have it so, and ``brier`` of its newer releases; scikit-survival is given times that say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from sksurv.metrics import concordance_index_ipcw, cumulative_dynamic_auc
from sksurv.nonparametric import CensoringDistributionEstimator
from sksurv.util import Surv
from survival.data_prep import aeq_surv  # type: ignore[attr-defined]  # bound when imported
from survival.r_api import Surv as RSurv
from survival.r_api import concordancefit
from survival.validation import brier  # type: ignore[attr-defined]

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import fit_cox
from sarcoma_sbrt.survival.kaplan_meier import NOT_FOLLOWED, fit_kaplan_meier, observed

__all__ = [
    "NO_PAIR",
    "Calibration",
    "CalibrationGroup",
    "Capacity",
    "Concordance",
    "Demand",
    "brier_scores",
    "calibration",
    "capacity",
    "concordance",
    "concordances",
    "cumulative_dynamic",
    "evaluation_months",
    "integrated_brier_score",
    "uno_concordance",
]

NO_PAIR = "no two observations can be compared"

_Values = NDArray[np.float64]
_Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Concordance:
    """Harrell's C.

    Attributes
    ----------
    value : float
        Share of comparable pairs in which the higher risk has the earlier event; equal risks
        count one half.
    standard_error : float
        Infinitesimal jackknife, summed over patients; that of the predictions given, not of
        the model's making.
    low, high : float
        Limits, value -+ z standard errors within 0 and 1.
    """

    value: float
    standard_error: float
    low: float
    high: float


# --- discrimination -----------------------------------------------------------------------


def concordance(
    time: ArrayLike,
    event: ArrayLike,
    risk: ArrayLike,
    *,
    level: float,
    patient: ArrayLike | None = None,
    fold: ArrayLike | None = None,
) -> Concordance:
    """Harrell's C (Harrell et al. 1996) with the standard error of R's ``concordance``.

    Parameters
    ----------
    time : array_like, shape (n,)
        Observed times.
    event : array_like of int, shape (n,)
        1 for the event; every other code is censored here.
    risk : array_like, shape (n,)
        Higher where the event is expected earlier.
    level : float
        Confidence level of the limits.
    patient : array_like, shape (n,), optional
        Patient of each row: R's ``cluster``.
    fold : array_like, shape (n,), optional
        Only rows of one fold are compared: R's ``strata``. Predictions of two folds come from
        two models; comparing them would pull a cross-validated C below one half, because
        a fold with early events is predicted by the models that missed them.

    Raises
    ------
    NotEstimable
        When no two observations can be compared, or a time is negative.
    """
    times, events = _outcome(time, event)
    fit = concordancefit(
        RSurv(times, events.astype(int)),
        np.asarray(risk, dtype=float),
        strata=_codes(fold),
        cluster=_codes(patient),
        reverse=True,
    )
    value = _comparable(np.asarray(fit.concordance, dtype=float).item())
    error = float(np.sqrt(np.asarray(fit.var, dtype=float).item()))
    width = float(norm.ppf((1 + level) / 2)) * error
    return Concordance(value, error, max(0.0, value - width), min(1.0, value + width))


def concordances(
    time: ArrayLike, event: ArrayLike, risks: ArrayLike, *, fold: ArrayLike | None = None
) -> _Values:
    """Harrell's C of many predictions of the same rows.

    Parameters are those of `concordance`, but `risks` has one row per prediction, shape (k, n).

    Returns
    -------
    ndarray of float, shape (k,)
    """
    times, events = _outcome(time, event)
    fit = concordancefit(
        RSurv(times, events.astype(int)),
        np.asarray(risks, dtype=float).T,
        strata=_codes(fold),
        reverse=True,
        std_err=False,
    )
    values = np.atleast_1d(np.asarray(fit.concordance, dtype=float))
    _comparable(float(values[0]))
    return values


def uno_concordance(
    time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, tau: float, fold: ArrayLike | None = None
) -> float:
    """Uno's C (Uno et al. 2011, equation 6), R's ``concordance(timewt = "n/G2", ymax = tau)``.

    A pair weighs the inverse square of the chance of being uncensored just before its earlier
    time, so that the estimate does not depend on how the patients were censored. Parameters are
    those of `concordance`, and

    tau : float
        Events up to and including this time start a pair.

    With folds, pairs are formed within them, weights come from the censoring of all rows, and
    the weighted pairs are summed over the folds.
    """
    times, events = _outcome(time, event)
    risks = np.asarray(risk, dtype=float)
    ordered = _censored_after(times, events, tau)
    starts = events & (times <= tau)
    outcome = Surv.from_arrays(events, ordered)
    weight = np.zeros(len(times))
    if starts.any():
        weight = _inverse_censoring(outcome, Surv.from_arrays(starts, ordered)) ** 2
    total = concordant = 0.0
    for rows in _folds(fold, len(times)):
        later = (ordered[rows][np.newaxis] > ordered[rows][:, np.newaxis]).sum(axis=1)
        pairs = float((weight[rows] * later).sum())
        if pairs > 0:
            some = Surv.from_arrays(starts[rows], ordered[rows])
            concordant += pairs * concordance_index_ipcw(outcome, some, risks[rows])[0]
            total += pairs
    return _comparable(float(concordant / total) if total else np.nan)


def cumulative_dynamic(
    time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, at: float, fold: ArrayLike | None = None
) -> float:
    """Area under the cumulative/dynamic ROC curve at a time (Uno et al. 2007).

    The chance that who has had the event by then was given a higher risk than who has not, each
    case weighted by the inverse chance of being uncensored before its event. Parameters are
    those of `concordance`, and

    at : float
        The time. Folds are treated as in `uno_concordance`.

    Raises
    ------
    NotEstimable
        When no row with the event by then can be compared with one without.
    """
    times, events = _outcome(time, event)
    risks = np.asarray(risk, dtype=float)
    ordered = _censored_after(times, events, at)
    outcome = Surv.from_arrays(events, ordered)
    case, control = events & (times <= at), ordered > at
    total = area = 0.0
    for rows in _folds(fold, len(times)):
        if case[rows].any() and control[rows].any():
            some = Surv.from_arrays(case[rows], ordered[rows])
            pairs = _inverse_censoring(outcome, some).sum() * control[rows].sum()
            area += pairs * cumulative_dynamic_auc(outcome, some, risks[rows], [at])[0][0]
            total += pairs
    if not total:
        raise NotEstimable("nobody with the event by then can be compared with anybody without")
    return float(area / total)


# --- error --------------------------------------------------------------------------------


def evaluation_months(time: ArrayLike, patient: ArrayLike, *, minimum_at_risk: int) -> _Values:
    """Whole months, from the first on, at whose beginning enough patients are at risk.

    Parameters
    ----------
    time : array_like, shape (n,)
        Observed times, in months.
    patient : array_like, shape (n,)
        Patient of each row; a patient is at risk as long as one of the rows is.
    minimum_at_risk : int
        How many are enough, 1 or more. The last month is the horizon of the integrated Brier
        score and of Uno's C; the chance of being uncensored is above zero all the way there.

    Raises
    ------
    NotEstimable
        When fewer patients than that are at risk at one month, or a time is negative.
    """
    if minimum_at_risk < 1:
        raise ValueError(f"no minimum of {minimum_at_risk} at risk; accepted: 1 or more")
    times, _ = observed(time, np.zeros(np.shape(time)))
    longest = pd.Series(times).groupby(np.asarray(patient)).max()
    ranked = np.sort(longest.to_numpy())[::-1]
    if len(ranked) < minimum_at_risk or ranked[minimum_at_risk - 1] < 1:
        raise NotEstimable(f"fewer than {minimum_at_risk} patients are at risk at one month")
    return np.arange(1.0, np.floor(ranked[minimum_at_risk - 1]) + 1)


def brier_scores(
    time: ArrayLike, event: ArrayLike, survival: ArrayLike, months: ArrayLike
) -> _Values:
    """Brier score at each month, weighted for censoring (Graf et al. 1999).

    That of R's ``survival::brier``, which survival 3.5-3 did not have yet: the mean of squared
    errors with the weights of its ``rttright``.

    Parameters
    ----------
    time, event
        As for `concordance`; their censoring gives the weights.
    survival : array_like, shape (n, months)
        Predicted chance of being free of the event just after each month.
    months : array_like, shape (months,)

    Raises
    ------
    NotEstimable
        When a month lies beyond the last observed time.
    """
    times, events = _outcome(time, event)
    at = np.asarray(months, dtype=float)
    if at.max() > times.max():
        raise NotEstimable(NOT_FOLLOWED)
    had = 1 - np.asarray(survival, dtype=float).T
    # The engine's own shift of the censored, half the least gap of the times, may pass a month.
    ordered = _censored_after(times, events, *at)
    return np.array(brier(ordered, events.astype(float), at, had, ties=False).brier)


def integrated_brier_score(
    time: ArrayLike, event: ArrayLike, survival: ArrayLike, months: ArrayLike
) -> float:
    """Mean of the Brier score from 0 to the last month (Graf et al. 1999), by trapezoids.

    At 0, where everybody is free of the event and predicted to be, the score is 0.
    Parameters are those of `brier_scores`.
    """
    at = np.r_[0.0, np.asarray(months, dtype=float)]
    scores = np.r_[0.0, brier_scores(time, event, survival, months)]
    return float(np.trapezoid(scores, at) / at[-1])


# --- calibration --------------------------------------------------------------------------


@dataclass(frozen=True)
class CalibrationGroup:
    """Rows with similar predictions.

    Attributes
    ----------
    predicted : float
        Mean predicted survival at the horizon.
    observed, low, high : float or None
        Kaplan-Meier estimate there with its limits; None with the `reason`.
    n, events : int
        Rows, and events by the horizon.
    reason : str
        Why there is no estimate.
    """

    predicted: float
    observed: float | None
    low: float | None
    high: float | None
    n: int
    events: int
    reason: str = ""


@dataclass(frozen=True)
class Calibration:
    """How far predicted survival at a horizon agrees with what was observed.

    Attributes
    ----------
    groups : tuple of CalibrationGroup
        From the lowest predicted survival to the highest.
    difference : float
        Kaplan-Meier estimate of everybody minus the mean prediction (calibration in the large).
    slope, slope_low, slope_high : float
        Coefficient of log(-log S) in a Cox model of the time up to the horizon, with limits
        robust for patients: 1 where calibrated, below where predictions are too extreme.
    horizon : float
    n, patients : int
    """

    groups: tuple[CalibrationGroup, ...]
    difference: float
    slope: float
    slope_low: float
    slope_high: float
    horizon: float
    n: int
    patients: int


def calibration(
    time: ArrayLike,
    event: ArrayLike,
    survival: ArrayLike,
    patient: ArrayLike,
    *,
    horizon: float,
    groups: int,
    minimum_patients: int,
    level: float,
) -> Calibration:
    """Calibration of predictions that were made of other patients (van Houwelingen 2000).

    Parameters
    ----------
    time, event, patient
        As for `concordance`.
    survival : array_like, shape (n,)
        Predicted chance of being free of the event at the horizon.
    horizon : float
        In months.
    groups : int
        How many groups of equal size; equal predictions stay together, so there may be fewer.
    minimum_patients : int
        With fewer there is no calibration.
    level : float
        Confidence level.

    Raises
    ------
    NotEstimable
        With too few patients, nobody followed to the horizon, no event by then, predictions
        that are all the same, or a slope that runs away.
    """
    times, events = _outcome(time, event)
    predicted, count = np.asarray(survival, dtype=float), len(np.unique(np.asarray(patient)))
    if count < minimum_patients:
        raise NotEstimable(f"there are fewer than {minimum_patients} patients")
    if np.ptp(predicted) == 0:
        raise NotEstimable("the predictions are all the same")
    overall = fit_kaplan_meier(times, events, level=level).rate(horizon)
    slope = _slope(times, events, predicted, np.asarray(patient), horizon, level)
    edges = np.quantile(predicted, np.arange(1, groups) / groups)
    member = np.searchsorted(np.unique(edges), predicted, side="left")
    return Calibration(
        groups=tuple(
            _group(times[member == g], events[member == g], predicted[member == g], horizon, level)
            for g in np.unique(member)
        ),
        difference=overall.value - float(predicted.mean()),
        slope=slope[0],
        slope_low=slope[1],
        slope_high=slope[2],
        horizon=horizon,
        n=len(times),
        patients=count,
    )


def _slope(
    times: _Values,
    events: _Flags,
    predicted: _Values,
    patient: NDArray[Any],
    horizon: float,
    level: float,
) -> tuple[float, float, float]:
    # A forest may predict 0 or 1, whose log(-log) is infinite: half an observation off.
    edge = 0.5 / len(times)
    design = pd.DataFrame({"prediction": np.log(-np.log(np.clip(predicted, edge, 1 - edge)))})
    until = np.minimum(times, horizon)
    fit = fit_cox(design, until, events & (times <= horizon), level=level, cluster=patient)
    term = fit["prediction"]
    assert term.robust is not None
    return term.coefficient, float(np.log(term.robust.low)), float(np.log(term.robust.high))


def _group(
    times: _Values, events: _Flags, predicted: _Values, horizon: float, level: float
) -> CalibrationGroup:
    mean, had = float(predicted.mean()), int((events & (times <= horizon)).sum())
    try:
        rate = fit_kaplan_meier(times, events, level=level).rate(horizon)
    except NotEstimable as reason:
        return CalibrationGroup(mean, None, None, None, len(times), had, str(reason))
    return CalibrationGroup(mean, rate.value, rate.low, rate.high, len(times), had)


# --- what the data can carry --------------------------------------------------------------


@dataclass(frozen=True)
class Demand:
    """One thing that an analysis asks of the data.

    Attributes
    ----------
    name : str
        ``regression``, ``forest``: events per candidate covariate; ``validation``: events;
        ``calibration``, ``optimism``: patients.
    needed, present : float
    """

    name: str
    needed: float
    present: float

    @property
    def met(self) -> bool:
        """Whether there is enough."""
        return self.present >= self.needed


@dataclass(frozen=True)
class Capacity:
    """What a number of patients and events can carry.

    Attributes
    ----------
    patients, events, candidates : int
        Of these data; candidate covariates are those offered to a model, chosen or not.
    covariates : int
        How many candidates the events would carry in a regression.
    demands : tuple of Demand
    """

    patients: int
    events: int
    candidates: int
    covariates: int
    demands: tuple[Demand, ...]

    @property
    def events_per_candidate(self) -> float:
        """Events per candidate covariate."""
        return self.events / self.candidates

    def __getitem__(self, name: str) -> Demand:
        return next(demand for demand in self.demands if demand.name == name)


def capacity(
    *,
    patients: int,
    events: int,
    candidates: int,
    events_per_candidate: float,
    forest_events_per_candidate: float,
    validation_events: int,
    calibration_patients: int,
    optimism_patients: int,
) -> Capacity:
    """What these data can carry, demand by demand.

    Parameters
    ----------
    patients, events, candidates : int
        What there is.
    events_per_candidate, forest_events_per_candidate : float
        Asked for a regression (ten: Peduzzi et al. 1995) and for a forest (two hundred: with
        more than that, forests of a binary outcome were still unstable and optimistic in the
        simulations of van der Ploeg et al. 2014).
    validation_events : int
        Asked for a concordance that is more than the order of single patients (a hundred:
        Vergouwe et al. 2005).
    calibration_patients, optimism_patients : int
        Below which neither is reported.
    """
    if candidates < 1:
        raise ValueError("there is no candidate covariate")
    ratio = events / candidates
    return Capacity(
        patients=patients,
        events=events,
        candidates=candidates,
        covariates=int(events // events_per_candidate),
        demands=(
            Demand("regression", events_per_candidate, ratio),
            Demand("forest", forest_events_per_candidate, ratio),
            Demand("validation", validation_events, events),
            Demand("calibration", calibration_patients, patients),
            Demand("optimism", optimism_patients, patients),
        ),
    )


# --- helpers ------------------------------------------------------------------------------


def _outcome(time: ArrayLike, event: ArrayLike) -> tuple[_Values, _Flags]:
    """Checked times, those that differ by rounding only made equal, and who had the event."""
    times, codes = observed(time, event)
    if not times.size:
        raise NotEstimable("nobody was observed")
    return np.array(aeq_surv(times).time), codes == 1


def _censored_after(times: _Values, events: _Flags, *others: float) -> _Values:
    """The times, a censoring put just after everything else at its time."""
    gaps = np.diff(np.unique([*times, *others]))
    return np.where(events, times, times + (gaps.min() if gaps.size else 1.0) / 2)


def _inverse_censoring(outcome: NDArray[Any], rows: NDArray[Any]) -> _Values:
    """Inverse chance of being uncensored at each event of some rows; 0 for the others."""
    return np.asarray(CensoringDistributionEstimator().fit(outcome).predict_ipcw(rows))


def _folds(fold: ArrayLike | None, n: int) -> Iterator[NDArray[np.int64]]:
    label = np.zeros(n) if fold is None else np.asarray(fold)
    for value in np.unique(label):
        yield np.flatnonzero(label == value)


def _codes(labels: ArrayLike | None) -> list[int] | None:
    return (
        None if labels is None else np.unique(np.asarray(labels), return_inverse=True)[1].tolist()
    )


def _comparable(value: float) -> float:
    if not np.isfinite(value):
        raise NotEstimable(NO_PAIR)
    return value
