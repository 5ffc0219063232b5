"""Multiple imputation of missing covariates of a Cox model, pooled by Rubin's rules.

The models are scikit-learn's, the chain and the draws are ours: statsmodels' ``MICEData`` has one
row per observation, where a patient's covariates must agree in all lesions; scikit-learn's
``IterativeImputer`` draws normal values for a category too, and miceforest draws no parameters.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.survival.cox import Cox, fit_cox
from sarcoma_sbrt.survival.kaplan_meier import observed

__all__ = [
    "Completed",
    "Pooled",
    "PooledCox",
    "PooledTerm",
    "datasets_needed",
    "fit_imputed_cox",
    "imputation_seed",
    "impute",
    "nelson_aalen",
    "pool",
]

# Standard deviation of the normal prior of a logistic coefficient, per standard deviation of its
# predictor: weak, and finite where the observed values are separated (after Gelman et al. 2008).
_PRIOR = 2.5
# Nearest observed values of which one is taken (van Buuren 2018, section 3.4.3).
_DONORS = 5
# Share of the sum of squares: collinear predictors have a solution too.
_RIDGE = 1e-5


@dataclass(frozen=True)
class Completed:
    """Data sets with every imputable value filled in.

    Attributes
    ----------
    designs : tuple of DataFrame of float
        Each like the design given: observed values, index and columns are the same.
    lost : mapping of str to str
        Covariates that could not be imputed, each with the reason; they stay as they were.
    """

    designs: tuple[pd.DataFrame, ...]
    lost: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Pooled:
    """One quantity, pooled over completed data sets (Rubin 1987, section 3.3).

    Attributes
    ----------
    estimate : float
        Mean of the estimates.
    within, between, total : float
        Mean of their variances; variance of the estimates; and ``within + (1 + 1/m) between``.
    degrees_of_freedom : float
        Of the t distribution; infinite where no estimate differs.
    relative_increase : float
        Of the variance, by what is missing: ``(1 + 1/m) between / within``.
    missing_information : float
        Fraction that is missing, ``(r + 2 / (df + 3)) / (r + 1)``.
    datasets : int
        How many there are, m.
    """

    estimate: float
    within: float
    between: float
    total: float
    degrees_of_freedom: float
    relative_increase: float
    missing_information: float
    datasets: int

    @property
    def standard_error(self) -> float:
        """Root of the total variance."""
        return math.sqrt(self.total)

    def limits(self, level: float) -> tuple[float, float]:
        """Confidence limits from the t distribution."""
        half = float(student.ppf((1 + level) / 2, self.degrees_of_freedom)) * self.standard_error
        return self.estimate - half, self.estimate + half

    @property
    def p(self) -> float:
        """Two-sided test of the quantity being 0."""
        z = abs(self.estimate) / self.standard_error
        return float(2 * student.sf(z, self.degrees_of_freedom))


@dataclass(frozen=True)
class PooledTerm:
    """One covariate of a pooled model.

    Attributes
    ----------
    name : str
        Column of the design.
    hazard_ratio, low, high, p : float
        With the limits of the pooled log hazard ratio.
    pooled : Pooled
        Of the log hazard ratio.
    """

    name: str
    hazard_ratio: float
    low: float
    high: float
    p: float
    pooled: Pooled


@dataclass(frozen=True)
class PooledCox:
    """A Cox model fitted to every completed data set.

    Attributes
    ----------
    terms : tuple of PooledTerm
        In the order of the design's columns.
    n, events : int
        Observations and events of each completed data set.
    datasets : int
        How many of them.
    ties : str
        How tied event times were handled.
    level : float
        Confidence level of the limits.
    """

    terms: tuple[PooledTerm, ...]
    n: int
    events: int
    datasets: int
    ties: str
    level: float

    def __getitem__(self, name: str) -> PooledTerm:
        return next(term for term in self.terms if term.name == name)


# --- Rubin's rules ------------------------------------------------------------------------


def pool(
    estimates: ArrayLike, variances: ArrayLike, *, complete_degrees_of_freedom: float = math.inf
) -> Pooled:
    """Pool estimates of completed data sets by Rubin's rules. R's ``mice::pool.scalar``.

    Parameters
    ----------
    estimates, variances : array_like, shape (m,)
        Of one quantity in each of m data sets, with m two or more.
    complete_degrees_of_freedom : float
        Of the analysis if nothing were missing (Barnard and Rubin 1999). Infinite, as of a Cox
        model with normal limits, leaves Rubin's own, ``(m - 1) / lambda**2``.

    Raises
    ------
    ValueError
        For fewer than two data sets, or a variance that is not positive.
    """
    values, squares = np.asarray(estimates, dtype=float), np.asarray(variances, dtype=float)
    count = len(values)
    if count < 2 or squares.shape != values.shape or not (squares > 0).all():
        raise ValueError("pooling takes two estimates or more, each with a positive variance")
    within, between = float(squares.mean()), float(values.var(ddof=1))
    total = within + (1 + 1 / count) * between
    increase = (1 + 1 / count) * between / within
    df = _degrees_of_freedom((1 + 1 / count) * between / total, count, complete_degrees_of_freedom)
    return Pooled(
        estimate=float(values.mean()),
        within=within,
        between=between,
        total=total,
        degrees_of_freedom=df,
        relative_increase=increase,
        missing_information=(increase + 2 / (df + 3)) / (increase + 1),
        datasets=count,
    )


def _degrees_of_freedom(share: float, count: int, complete: float) -> float:
    """Rubin's (1987, 3.1.6) or, of a finite sample, Barnard and Rubin's (1999, equation 3)."""
    rubin = (count - 1) / share**2 if share**2 > 0 else math.inf
    if math.isinf(complete):
        return rubin
    seen = (complete + 1) / (complete + 3) * complete * (1 - share)
    return seen if math.isinf(rubin) else rubin * seen / (rubin + seen)


def fit_imputed_cox(
    completed: Completed,
    names: Sequence[str],
    time: ArrayLike,
    event: ArrayLike,
    *,
    level: float,
    ties: str = "efron",
    labels: Mapping[str, str] | None = None,
    cluster: ArrayLike | None = None,
) -> PooledCox:
    """Fit one Cox model to every completed data set and pool the log hazard ratios.

    Parameters
    ----------
    completed : Completed
        `impute`'s.
    names : sequence of str
        Covariates of the model: columns of the designs.
    time, event, level, ties, labels, cluster
        As for `cox.fit_cox`; with clusters the variances are the robust ones.

    Raises
    ------
    NotEstimable
        When a covariate could not be imputed, or one of the data sets has no fit: the reason
        says in how many. A pool of the others would be of data sets chosen by their outcome.
    """
    for name in names:
        if name in completed.lost:
            raise NotEstimable(completed.lost[name])
    fits: list[Cox] = []
    reasons: list[NotEstimable] = []
    for design in completed.designs:
        try:
            fits.append(
                fit_cox(
                    design[list(names)],
                    time,
                    event,
                    level=level,
                    ties=ties,
                    labels=labels,
                    cluster=cluster,
                )
            )
        except NotEstimable as reason:
            reasons.append(reason)
    if reasons:
        raise _without_fit(reasons, len(completed.designs))
    return PooledCox(
        terms=tuple(_pooled_term(fits, name, level) for name in names),
        n=fits[0].n,
        events=fits[0].events,
        datasets=len(fits),
        ties=ties,
        level=level,
    )


def _without_fit(reasons: Sequence[NotEstimable], count: int) -> NotEstimable:
    lost = len(reasons)
    where = (
        "every completed data set" if lost == count else f"{lost} of {count} completed data sets"
    )
    return NotEstimable(f"in {where} {reasons[0]}")


def _pooled_term(fits: Sequence[Cox], name: str, level: float) -> PooledTerm:
    terms = [fit[name] for fit in fits]
    errors = [(term.robust or term).standard_error for term in terms]
    pooled = pool([term.coefficient for term in terms], np.square(errors))
    low, high = pooled.limits(level)
    try:
        ratio, low, high = (math.exp(value) for value in (pooled.estimate, low, high))
    except OverflowError as problem:
        raise NotEstimable("a limit of a hazard ratio is beyond any number") from problem
    return PooledTerm(name, ratio, low, high, pooled.p, pooled)


# --- imputation ---------------------------------------------------------------------------


def datasets_needed(missing: pd.DataFrame, at_least: int) -> int:
    """Data sets to make: as many as per cent of the rows are incomplete, if that is more.

    White, Royston and Wood (2011, section 7): then another run prints nearly the same.

    Parameters
    ----------
    missing : DataFrame of bool, shape (n, covariates)
    at_least : int
    """
    share = 100 * int(missing.any(axis="columns").sum()) / max(len(missing), 1)
    return max(at_least, math.ceil(share))


def imputation_seed(seed: int, endpoint: str) -> np.random.SeedSequence:
    """Seed of one endpoint's imputations: the root seed and the endpoint's name, nothing else."""
    return np.random.SeedSequence([seed, zlib.crc32(f"imputation.{endpoint}".encode())])


def nelson_aalen(time: ArrayLike, event: ArrayLike) -> NDArray[np.float64]:
    """Cumulative hazard of each observation at its own time. R's ``survfit(...)$cumhaz``.

    Parameters
    ----------
    time : array_like, shape (n,)
    event : array_like of bool, shape (n,)
    """
    from sksurv.nonparametric import nelson_aalen_estimator  # takes long to import

    times = np.asarray(time, dtype=float)
    known, hazard = nelson_aalen_estimator(np.asarray(event, dtype=bool), times)
    return np.asarray(hazard[np.searchsorted(known, times)], dtype=float)


def impute(
    design: pd.DataFrame,
    missing: pd.DataFrame,
    time: ArrayLike,
    event: ArrayLike,
    patient: ArrayLike,
    *,
    datasets: int,
    iterations: int,
    seed: np.random.SeedSequence,
    lesion: ArrayLike | None = None,
    sources: Mapping[str, str] | None = None,
    of_lesions: Collection[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Completed:
    """Impute missing covariates by chained equations (White, Royston and Wood 2011).

    Each incomplete covariate in turn is drawn from its model given all the others and the
    outcome: for every cause of `event` its indicator and its Nelson-Aalen cumulative hazard
    (White and Royston 2009). Two values are drawn from a logistic model, more of one source
    from a multinomial one, a measured quantity by predictive mean matching. The models'
    parameters are drawn by a Bayesian bootstrap of patients (Rubin 1981). A patient's covariate
    is drawn once; its model has the sums of the lesions' outcomes, which are what a likelihood
    of independent lesions says of it, and the means of their covariates.

    Parameters
    ----------
    design : DataFrame of float, shape (n, covariates)
        Model columns. NaN where missing, or where the value belongs to neither group of a
        covariate: the latter are left alone, and no imputed value is of that kind.
    missing : DataFrame of bool, shape (n, covariates)
        Where the value was not recorded.
    time, event : array_like, shape (n,)
        Observed times, and codes: 0 censored, 1 the event, others competing.
    patient : array_like, shape (n,)
        Patient of each row.
    datasets, iterations : int
        Completed data sets, and cycles through the covariates before each is taken.
    seed : SeedSequence
        See `imputation_seed`; not advanced. A data set depends on its place, not on how many.
    lesion : array_like, shape (n,), optional
        Lesion of each row where a patient has several.
    sources : mapping of str to str, optional
        What a column is made of; those of one source are drawn together.
    of_lesions : collection of str
        Columns that belong to the lesion; the others are the patient's.
    labels : mapping, optional
        What a covariate is called in a reason; its column's name otherwise.

    Returns
    -------
    Completed
        The order of rows and columns decides nothing.

    Raises
    ------
    ValueError
        When rows are not unique, a time or event is missing, a missing value is not NaN, or a
        patient's covariate differs between lesions.
    """
    times, codes = observed(time, event)
    data = _data(times, codes, patient, lesion)
    grouped = _variables(design, missing, data, sources or {}, of_lesions)
    lost = _lost(grouped, labels or {})
    variables = [v for v in grouped if not lost.keys() & set(v.names)]
    designs = []
    for number in range(datasets):
        stream = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number))
        completed = design.astype(float)
        for variable, values in _chain(variables, data, iterations, np.random.default_rng(stream)):
            rows = values if variable.of_lesions else values[data.patient]
            completed.loc[:, list(variable.names)] = rows[data.back]
        designs.append(completed)
    return Completed(tuple(designs), lost)


@dataclass(frozen=True)
class _Data:
    """Who the rows are, in one order whatever the input's, and their outcomes.

    `order` sorts the input and `back` undoes it; `patient` counts from 0; `outcome` has two
    columns for each cause.
    """

    order: NDArray[np.int64]
    back: NDArray[np.int64]
    patient: NDArray[np.int64]
    outcome: NDArray[np.float64]

    @property
    def patients(self) -> int:
        return int(self.patient.max()) + 1

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over each patient's lesions."""
        total = np.zeros((self.patients, values.shape[1]))
        np.add.at(total, self.patient, values)
        return total

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.sums(values) / np.bincount(self.patient)[:, None]


@dataclass(frozen=True)
class _Variable:
    """Columns of one source, a row per patient or per lesion.

    `missing` rows are drawn; `donors` have every value; those of neither kind stay as they are.
    """

    names: tuple[str, ...]
    of_lesions: bool
    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    donors: NDArray[np.bool_]

    @property
    def measured(self) -> int | None:
        """The column that is no category, if there is one."""
        known = self.values[self.donors]
        return next((at for at in range(known.shape[1]) if not _binary(known[:, at])), None)

    def coded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values as predictors: who belongs to neither group is a category of its own."""
        neither = ~self.missing & ~self.donors
        return np.column_stack([np.nan_to_num(values), neither])


def _binary(values: NDArray[np.float64]) -> bool:
    return bool(np.isin(values, (0.0, 1.0)).all())


def _data(
    time: NDArray[np.float64],
    code: NDArray[np.int64],
    patient: ArrayLike,
    lesion: ArrayLike | None,
) -> _Data:
    keys = [np.asarray(each) for each in (patient, lesion) if each is not None]
    if any(key.shape != time.shape or pd.isna(key).any() for key in keys):
        raise ValueError("a patient or a lesion is missing")
    rows = pd.MultiIndex.from_arrays([key.astype(str) for key in keys])
    if rows.has_duplicates:
        raise ValueError("rows are not unique by patient and lesion")
    order = np.lexsort([np.unique(key.astype(str), return_inverse=True)[1] for key in keys[::-1]])
    codes = [code[order] == cause for cause in np.unique(code[code > 0])]
    outcome = [part for had in codes for part in (had, nelson_aalen(time[order], had))]
    return _Data(
        order=order,
        back=np.argsort(order),
        patient=np.unique(keys[0].astype(str)[order], return_inverse=True)[1],
        outcome=np.column_stack(outcome or [np.zeros(len(order))]).astype(float),
    )


def _variables(
    design: pd.DataFrame,
    missing: pd.DataFrame,
    data: _Data,
    sources: Mapping[str, str],
    of_lesions: Collection[str],
) -> list[_Variable]:
    """Columns by their source, those with the fewest values missing first."""
    grouped: dict[str, list[str]] = {}
    for name in sorted(map(str, design.columns)):
        grouped.setdefault(sources.get(name, name), []).append(name)
    found = []
    for names in grouped.values():
        values = design[names].to_numpy(dtype=float)[data.order]
        lacking = missing[names].any(axis="columns").to_numpy(dtype=bool)[data.order]
        if np.isfinite(values[lacking]).any():
            raise ValueError(f"{', '.join(names)}: a value is there and said to be missing")
        own = any(name in of_lesions for name in names)
        if not own:
            values, lacking = _of_patients(values, lacking, data, names)
        donors = ~lacking & np.isfinite(values).all(axis=1)
        found.append(_Variable(tuple(names), own, values, lacking, donors))
    return sorted(found, key=lambda variable: (int(variable.missing.sum()), variable.names))


def _of_patients(
    values: NDArray[np.float64], missing: NDArray[np.bool_], data: _Data, names: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One row per patient, whose lesions must agree."""
    first = np.unique(data.patient, return_index=True)[1]
    again = first[data.patient]
    if not (
        np.array_equal(values, values[again], equal_nan=True)
        and np.array_equal(missing, missing[again])
    ):
        raise ValueError(f"{', '.join(names)}: a patient's lesions do not agree")
    return values[first], missing[first]


def _lost(variables: Sequence[_Variable], labels: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for variable in variables:
        if variable.missing.any():
            levels = len(np.unique(variable.values[variable.donors], axis=0))
            for name in variable.names:
                label = labels.get(name, name)
                if not levels:
                    found[name] = f"{label} was recorded for nobody"
                elif levels == 1:
                    found[name] = f"only one level of {label} was ever recorded"
    return found


# --- draws --------------------------------------------------------------------------------


def _chain(
    variables: Sequence[_Variable], data: _Data, iterations: int, rng: np.random.Generator
) -> Iterator[tuple[_Variable, NDArray[np.float64]]]:
    """Variables that had something missing, with all of it drawn."""
    current = [variable.values.copy() for variable in variables]
    incomplete = [at for at, variable in enumerate(variables) if variable.missing.any()]
    for at in incomplete:
        variable = variables[at]
        start = rng.choice(np.flatnonzero(variable.donors), size=int(variable.missing.sum()))
        current[at][variable.missing] = variable.values[start]
    # What is drawn of one incomplete variable does not depend on what was drawn before.
    for _ in range(iterations if len(incomplete) > 1 else 1):
        for at in incomplete:
            predictors = _predictors(variables, current, at, data)
            current[at][variables[at].missing] = _draw(variables[at], predictors, data, rng)
    for at in incomplete:
        yield variables[at], current[at]


def _predictors(
    variables: Sequence[_Variable], current: Sequence[NDArray[np.float64]], at: int, data: _Data
) -> NDArray[np.float64]:
    """Outcome and all other variables, standardised, for the rows of one variable."""
    own = variables[at].of_lesions
    columns = [data.outcome if own else data.sums(data.outcome)]
    for other, variable in enumerate(variables):
        if other != at:
            coded = variable.coded(current[other])
            if own and not variable.of_lesions:
                coded = coded[data.patient]
            elif variable.of_lesions and not own:
                coded = data.means(coded)
            columns.append(coded)
    values = np.column_stack(columns)
    spread = values.std(axis=0)
    varies = spread > 0
    standard: NDArray[np.float64] = (values - values.mean(axis=0))[:, varies] / spread[varies]
    return standard


def _draw(
    variable: _Variable, x: NDArray[np.float64], data: _Data, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Values for the missing rows, from a model whose parameters are drawn too."""
    weight = rng.standard_exponential(data.patients)
    weight = (weight[data.patient] if variable.of_lesions else weight) / weight.mean()
    known, sought = x[variable.donors], x[variable.missing]
    values, weights = variable.values[variable.donors], weight[variable.donors]
    measured = variable.measured
    if measured is None:
        return _category(values, known, sought, weights, rng)
    return _matched(values, measured, known, sought, weights, rng)


def _category(
    values: NDArray[np.float64],
    known: NDArray[np.float64],
    sought: NDArray[np.float64],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draws from a logistic or multinomial model."""
    from sklearn.linear_model import LogisticRegression

    levels, code = np.unique(values, axis=0, return_inverse=True)
    model = LogisticRegression(C=_PRIOR**2, max_iter=1000, tol=1e-6)
    model.fit(known, code.ravel(), sample_weight=weights)
    cumulative = model.predict_proba(sought).cumsum(axis=1)[:, :-1]
    chosen = (rng.random((len(sought), 1)) > cumulative).sum(axis=1)
    drawn: NDArray[np.float64] = levels[chosen]
    return drawn


def _matched(
    values: NDArray[np.float64],
    measured: int,
    known: NDArray[np.float64],
    sought: NDArray[np.float64],
    weights: NDArray[np.float64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Predictive mean matching of type 1: only the missing values' predictions are drawn."""
    from sklearn.linear_model import Ridge

    target, penalty = values[:, measured], _RIDGE * len(values)
    fitted = Ridge(alpha=penalty).fit(known, target).predict(known)
    drawn = Ridge(alpha=penalty).fit(known, target, sample_weight=weights).predict(sought)
    shuffled = rng.permutation(len(values))  # so that ties are broken at random
    far = np.abs(drawn[:, None] - fitted[shuffled])
    nearest = np.argsort(far, axis=1, kind="stable")[:, :_DONORS]
    one = rng.integers(nearest.shape[1], size=len(sought))
    return values[shuffled[nearest[np.arange(len(sought)), one]]]
