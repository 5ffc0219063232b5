"""Survival statistics of one endpoint in microseconds: what a search recomputes at every step.

Times are whole months and covariates are binary, so every statistic follows from counts at the
distinct event times: the number at risk and of events, in all and in each cell of the covariates.
One pass over the records makes the counts; Kaplan-Meier, log-rank and Cox then look at the event
times only. The workflow's own survival code (`sarcoma_sbrt.survival`) says what a search has found;
this module only has to agree with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COX",
    "FOLLOW_UP",
    "LOGRANK_P",
    "MEDIAN",
    "MULTIVARIABLE",
    "OBSERVED_EXPECTED",
    "PETO",
    "RATE",
    "UNDEFINED",
    "Fits",
    "Targets",
    "Work",
    "compiled",
    "evaluate",
    "printed",
    "workspace",
]

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function to machine code when it is first called; keep the result on disk."""
    return cast(F, numba.njit(cache=True, error_model="numpy")(function))


def _inlined(function: F) -> F:
    """Compile into the caller: handing arrays to a function costs more than what it does."""
    return cast(F, numba.njit(inline="always", error_model="numpy")(function))


RATE, MEDIAN, PETO, OBSERVED_EXPECTED, COX, LOGRANK_P, FOLLOW_UP, MULTIVARIABLE = range(8)
"""Kinds of fit, `Fits.kind`."""

UNDEFINED = 1e6
"""Stands for a statistic that is not reached or not estimable."""

_Z = 1.959963984540054  # 97.5 % point of the normal distribution
_LN2 = math.log(2)
_RUNAWAY = 15.0  # a log hazard ratio beyond this has no maximum
_SLACK = 1e-9
_WIDTH, _FIELD = 12, 4095  # bits of a packed count, and their mask


class Fits(NamedTuple):
    """What is computed of one endpoint; the cheap before the dear.

    Attributes
    ----------
    kind : ndarray of int, shape (fits,)
        `RATE`, `MEDIAN`, …
    bit : ndarray of int, shape (fits,)
        Covariate of a contrast, or of the subgroup of a curve; -1 for all records.
    value : ndarray of int, shape (fits,)
        Code of the subgroup.
    month : ndarray of int, shape (fits,)
        Time of a rate.
    slot : ndarray of int, shape (fits,)
        Index of the first statistic in the result: of a ratio its value, lower and upper limit
        and p follow each other; of a median its value and limits; of follow-up its median and
        range. A multivariable model has four for each covariate.
    efron : bool
        Ties of Cox models: Efron's approximation, else Breslow's.
    tolerance : float
        Newton's method ends with a step shorter than this; the error of the coefficients is about
        its square, that of their standard errors, relative to them, at most about itself.
    covariates : ndarray of int, shape (models, 4)
        Covariates of each multivariable model, -1 beyond the last.
    needs : ndarray of int, shape (fits,)
        Covariates that a fit depends on, one bit each.
    """

    kind: NDArray[np.int64]
    bit: NDArray[np.int64]
    value: NDArray[np.int64]
    month: NDArray[np.int64]
    slot: NDArray[np.int64]
    efron: bool
    tolerance: float
    covariates: NDArray[np.int64]
    needs: NDArray[np.int64]


class Targets(NamedTuple):
    """Printed values, one element per statistic, on the scale on which it is computed.

    That is the logarithm of ratios and their limits, and |z| in place of a two-sided p (`printed`
    takes them back): the search needs no exponential.

    Attributes
    ----------
    weight : ndarray of float
        Weight in the loss; 0 where nothing is printed.
    low, high : ndarray of float
        What lies between prints the same.
    near_low, near_high : ndarray of float
        What lies between prints the same or is within 2 %.
    reach : ndarray of float
        Half the width of the latter.
    pull, digit, verge : ndarray of float
        The loss of a target is ``pull * min(x, 200) + digit * min(4 x, 1)`` where it is x times
        `reach` beyond what prints the same, and ``verge * min(4 y, 1)`` more where it is y times
        `reach` beyond what is within 2 %. `pull` gives up nothing, however far; `digit` and
        `verge` count what prints otherwise and what is beyond 2 %, and give up some for others.
    """

    weight: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    near_low: NDArray[np.float64]
    near_high: NDArray[np.float64]
    reach: NDArray[np.float64]
    pull: NDArray[np.float64]
    digit: NDArray[np.float64]
    verge: NDArray[np.float64]


class Work(NamedTuple):
    """Memory that `evaluate` writes to; nothing is allocated while it runs.

    `beta` holds the coefficients of the last fits, from which the next start, and `order` the
    records by falling time: both cost only speed when they are wrong. `kept` has the loss of each
    fit in the current state, `fresh` in the one that was evaluated last. Counts by covariate are
    packed, 12 bits each, into one integer: `spread` has what a record of each code adds.
    """

    order: NDArray[np.int64]
    time: NDArray[np.int64]
    events: NDArray[np.int64]
    at_risk: NDArray[np.int64]
    spread: NDArray[np.int64]
    bit_events: NDArray[np.int64]
    bit_at_risk: NDArray[np.int64]
    cell_events: NDArray[np.float64]
    cell_at_risk: NDArray[np.float64]
    cell_of: NDArray[np.int64]
    beta: NDArray[np.float64]
    sums: NDArray[np.float64]
    score: NDArray[np.float64]
    information: NDArray[np.float64]
    risk: NDArray[np.float64]
    logs: NDArray[np.float64]
    codes: NDArray[np.int64]
    kept: NDArray[np.float64]
    fresh: NDArray[np.float64]


def workspace(n: int, bits: int, fits: Fits) -> Work:
    """Memory for `n` records with `bits` covariates.

    Raises
    ------
    ValueError
        If there are more than 4,095 records or five covariates: counts would not fit.
    """
    if n > _FIELD or bits > 5:
        raise ValueError(f"{n} records with {bits} covariates: 4095 and 5 at most")
    models = len(fits.covariates)
    cell_of = np.zeros((max(models, 1), 1 << bits), dtype=np.int64)
    for model, covariates in enumerate(fits.covariates):
        for code in range(1 << bits):
            used = covariates[covariates >= 0]
            cell_of[model, code] = sum(((code >> bit) & 1) << j for j, bit in enumerate(used))
    return Work(
        order=np.arange(n, dtype=np.int64),
        time=np.zeros(n, dtype=np.int64),
        events=np.zeros(n, dtype=np.int64),
        at_risk=np.zeros(n, dtype=np.int64),
        spread=np.array(
            [
                sum(((code >> b) & 1) << (_WIDTH * b) for b in range(bits))
                for code in range(1 << bits)
            ],
            dtype=np.int64,
        ),
        bit_events=np.zeros(n, dtype=np.int64),
        bit_at_risk=np.zeros(n, dtype=np.int64),
        cell_events=np.zeros((n, 16)),
        cell_at_risk=np.zeros((n, 16)),
        cell_of=cell_of,
        beta=np.zeros((len(fits.kind), 4)),
        sums=np.zeros(16),
        score=np.zeros(4),
        information=np.zeros((4, 4)),
        risk=np.zeros(16),
        logs=np.concatenate(([0.0], np.log(np.arange(1, n + 1)))),
        codes=np.zeros(n, dtype=np.int64),
        kept=np.zeros(len(fits.kind)),
        fresh=np.zeros(len(fits.kind)),
    )


@compiled
def evaluate(
    months: NDArray[np.int64],
    events: NDArray[np.int64],
    codes: NDArray[np.int64],
    fits: Fits,
    targets: Targets,
    work: Work,
    result: NDArray[np.float64],
    dirty: int,
    limit: float,
    likely: float,
) -> float:
    """Statistics of one endpoint, and how far they are from the printed ones.

    Parameters
    ----------
    months : ndarray of int, shape (n,)
        Observed times.
    events : ndarray of int, shape (n,)
        1 for the event, 0 for censored.
    codes : ndarray of int, shape (n,)
        Covariates; bit b is 1 where covariate b has the level whose hazard stands above the line.
    fits, targets, work
        What is computed, what is printed, and memory.
    result : ndarray of float
        Written to: percentages, months, and of contrasts what `Targets` says; `UNDEFINED` where
        there is none.
    dirty : int
        Covariates that have changed since `work.kept`, one bit each: only the fits that need
        one of them are computed. Negative when times or events have.
    limit : float
        As soon as the loss is above it, the rest is not computed.
    likely : float
        Nor when the loss would be above this if the rest kept theirs.

    Returns
    -------
    float
        The loss; infinite where not all was computed.
    """
    n_times = _count(months, events, codes, work)
    loss, model, expected = 0.0, 0, 0.0
    for fit in range(len(fits.kind)):
        expected += work.kept[fit]
    if dirty >= 0:
        for fit in range(len(fits.kind)):
            if fits.needs[fit] & dirty == 0:
                loss += work.kept[fit]
    for fit in range(len(fits.kind)):
        if dirty >= 0 and fits.needs[fit] & dirty == 0:
            work.fresh[fit] = work.kept[fit]
            model += 1 if fits.kind[fit] == MULTIVARIABLE else 0
            continue
        kind, bit, slot = fits.kind[fit], fits.bit[fit], fits.slot[fit]
        width = 4
        if kind == RATE:
            result[slot] = _rate(work, n_times, bit, fits.value[fit], fits.month[fit])
            width = 1
        elif kind == MEDIAN:
            _median(work, n_times, bit, fits.value[fit], result, slot)
            width = 3
        elif kind == FOLLOW_UP:
            n = len(months)
            low = months[work.order[(n - 1) // 2]]
            result[slot] = 0.5 * (low + months[work.order[n // 2]])
            result[slot + 1] = months[work.order[n - 1]]
            result[slot + 2] = months[work.order[0]]
            width = 3
        elif kind == MULTIVARIABLE:
            used = 0
            while used < 4 and fits.covariates[model, used] >= 0:
                used += 1
            _cells(work, n_times, model, used, events, codes)
            _multivariable(work, n_times, used, fits, fit, result, slot)
            width = 4 * used
            model += 1
        elif kind == COX:
            _cox(work, n_times, bit, fits, fit, result, slot)
        else:
            width = _log_rank(work, n_times, bit, kind, result, slot)
        own = 0.0
        for at in range(slot, slot + width):
            own += _misfit(result[at], targets, at)
        work.fresh[fit] = own
        loss += own
        expected += own - work.kept[fit]
        if loss > limit or expected > likely:
            return np.inf
    return loss


def printed(fits: Fits, result: NDArray[np.float64]) -> NDArray[np.float64]:
    """Results as they are printed: ratios and p values in place of logarithms and |z|."""
    given = result.copy()
    for kind, slot in zip(fits.kind, fits.slot, strict=True):
        if kind == LOGRANK_P:
            _to_p(given, slot)
        elif kind in (PETO, OBSERVED_EXPECTED, COX):
            _to_ratio(given, slot)
    models = fits.slot[fits.kind == MULTIVARIABLE]
    for slot, covariates in zip(models, fits.covariates, strict=True):
        for j in range(int((covariates >= 0).sum())):
            _to_ratio(given, slot + 4 * j)
    return given


def _to_ratio(given: NDArray[np.float64], slot: int) -> None:
    if given[slot] != UNDEFINED:
        given[slot : slot + 3] = np.exp(given[slot : slot + 3])
    _to_p(given, slot + 3)


def _to_p(given: NDArray[np.float64], slot: int) -> None:
    if given[slot] != UNDEFINED:
        given[slot] = math.erfc(given[slot] / math.sqrt(2.0))


@_inlined
def _misfit(value: float, targets: Targets, at: int) -> float:
    weight, loss = targets.weight[at], 0.0
    if weight > 0.0 and (value < targets.low[at] or value > targets.high[at]):
        x = max(targets.low[at] - value, value - targets.high[at]) / targets.reach[at]
        loss = targets.pull[at] * min(x, 200.0) + targets.digit[at] * min(4.0 * x, 1.0)
        beyond = max(targets.near_low[at] - value, value - targets.near_high[at])
        if beyond > 0.0:
            loss += targets.verge[at] * min(4.0 * beyond / targets.reach[at], 1.0)
    return float(weight * loss)


@_inlined
def _count(
    months: NDArray[np.int64], events: NDArray[np.int64], codes: NDArray[np.int64], work: Work
) -> int:
    """Counts at each event time, latest first; returns the number of event times."""
    n, order = len(months), work.order
    for i in range(1, n):  # nearly sorted since the last call
        moved = order[i]
        month = months[moved]
        j = i - 1
        while j >= 0 and months[order[j]] < month:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = moved
    at, i = 0, 0
    bit_at_risk = 0
    while i < n:
        month = months[order[i]]
        failed, bit_failed = 0, 0
        while i < n and months[order[i]] == month:
            record = order[i]
            one = work.spread[codes[record]]
            bit_at_risk += one
            if events[record] == 1:
                failed += 1
                bit_failed += one
            i += 1
        if failed > 0:
            work.time[at], work.events[at], work.at_risk[at] = month, failed, i
            work.bit_events[at], work.bit_at_risk[at] = bit_failed, bit_at_risk
            at += 1
    return at


@_inlined
def _cells(
    work: Work,
    n_times: int,
    model: int,
    used: int,
    events: NDArray[np.int64],
    codes: NDArray[np.int64],
) -> None:
    """Events and numbers at risk at each event time by the cells of a model's covariates."""
    cells, i = 1 << used, 0
    for k in range(n_times):
        for cell in range(cells):
            work.cell_events[k, cell] = 0.0
            work.cell_at_risk[k, cell] = work.cell_at_risk[k - 1, cell] if k > 0 else 0.0
        while i < work.at_risk[k]:
            record = work.order[i]
            cell = work.cell_of[model, codes[record]]
            work.cell_at_risk[k, cell] += 1.0
            work.cell_events[k, cell] += events[record]
            i += 1


@_inlined
def _field(packed: int, bit: int) -> int:
    return (packed >> (_WIDTH * bit)) & _FIELD


@_inlined
def _at(work: Work, k: int, bit: int, value: int) -> tuple[int, int]:
    """Events and number at risk at an event time, in all or in a subgroup."""
    if bit < 0:
        return work.events[k], work.at_risk[k]
    events, at_risk = _field(work.bit_events[k], bit), _field(work.bit_at_risk[k], bit)
    if value == 1:
        return events, at_risk
    return work.events[k] - events, work.at_risk[k] - at_risk


@_inlined
def _rate(work: Work, n_times: int, bit: int, value: int, month: int) -> float:
    """Kaplan-Meier survival at a month, in percent."""
    survival = 1.0
    for k in range(n_times - 1, -1, -1):
        if work.time[k] > month:
            break
        d, n = _at(work, k, bit, value)
        if d > 0:
            survival *= (n - d) / n
    return 100.0 * survival


@_inlined
def _median(
    work: Work, n_times: int, bit: int, value: int, result: NDArray[np.float64], slot: int
) -> None:
    """Median and its limits: first event times at which curve and log-log band are at most 0.5.

    An upper limit at which the band never arrives is the last event time
    (`KaplanMeier.median(limits="first_event")`).
    """
    result[slot] = result[slot + 1] = result[slot + 2] = UNDEFINED
    log_survival, greenwood, last = 0.0, 0.0, UNDEFINED
    for k in range(n_times - 1, -1, -1):
        d, n = _at(work, k, bit, value)
        if d == 0:
            continue
        month = float(work.time[k])
        last = month
        if d == n:  # S is 0: the band is undefined
            if result[slot] == UNDEFINED:
                result[slot] = month
            break
        if result[slot + 2] != UNDEFINED:
            continue
        log_survival += work.logs[n - d] - work.logs[n]
        greenwood += d / (n * (n - d))
        if result[slot] == UNDEFINED and -log_survival > _LN2 - _SLACK:
            result[slot] = month
        hazard = -log_survival
        width = _Z * math.sqrt(greenwood) / hazard
        height = math.log(_LN2 / hazard)  # band at 0.5: width = +-height
        if result[slot + 1] == UNDEFINED and width >= height - _SLACK:
            result[slot + 1] = month
        if -width >= height - _SLACK:
            result[slot + 2] = month
    if result[slot] != UNDEFINED and result[slot + 2] == UNDEFINED:
        result[slot + 2] = last


@_inlined
def _ratio(log: float, error: float, result: NDArray[np.float64], slot: int) -> None:
    result[slot] = log
    result[slot + 1] = log - _Z * error
    result[slot + 2] = log + _Z * error
    result[slot + 3] = abs(log) / error


@_inlined
def _undefined(result: NDArray[np.float64], slot: int, width: int) -> None:
    for at in range(slot, slot + width):
        result[at] = UNDEFINED


@_inlined
def _log_rank(
    work: Work, n_times: int, bit: int, kind: int, result: NDArray[np.float64], slot: int
) -> int:
    """Log-rank p, or a hazard ratio from its counts; returns how many statistics."""
    observed, expected, total, variance = 0.0, 0.0, 0.0, 0.0
    for k in range(n_times):
        d, n = work.events[k], work.at_risk[k]
        ones = _field(work.bit_at_risk[k], bit)
        share = ones / n
        observed += _field(work.bit_events[k], bit)
        total += d
        expected += d * share
        if n > 1:
            variance += d * share * (1.0 - share) * (n - d) / (n - 1)
    width = 1 if kind == LOGRANK_P else 4
    other = total - observed
    lost = kind == OBSERVED_EXPECTED and (observed == 0.0 or other == 0.0)
    if variance < _SLACK or lost:
        _undefined(result, slot, width)
        return width
    excess = observed - expected
    z = abs(excess) / math.sqrt(variance)
    if kind == LOGRANK_P:
        result[slot] = z
    elif kind == PETO:
        _ratio(excess / variance, 1.0 / math.sqrt(variance), result, slot)
    else:
        log = math.log(observed / expected * (total - expected) / other)
        _ratio(log, math.sqrt(1.0 / expected + 1.0 / (total - expected)), result, slot)
        result[slot + 3] = z
    return width


@_inlined
def _cox(
    work: Work,
    n_times: int,
    bit: int,
    fits: Fits,
    fit: int,
    result: NDArray[np.float64],
    slot: int,
) -> None:
    """Cox model of one binary covariate by Newton's method."""
    beta = work.beta[fit, 0]
    for _ in range(60):
        risk = math.exp(beta)
        score, information = 0.0, 0.0
        for k in range(n_times):
            d, d1 = work.events[k], _field(work.bit_events[k], bit)
            n1 = float(_field(work.bit_at_risk[k], bit))
            n0 = work.at_risk[k] - n1
            score += d1
            if fits.efron and d > 1:
                for j in range(d):
                    gone = j / d
                    up = (n1 - gone * d1) * risk
                    share = up / (n0 - gone * (d - d1) + up)
                    score -= share
                    information += share * (1.0 - share)
            else:
                up = n1 * risk
                share = up / (n0 + up)
                score -= d * share
                information += d * share * (1.0 - share)
        if information < 1e-7:
            break
        step = score / information
        if abs(step) < fits.tolerance:
            work.beta[fit, 0] = beta + step
            _ratio(beta + step, 1.0 / math.sqrt(information), result, slot)
            return
        beta += min(max(step, -1.5), 1.5)
        if abs(beta) > _RUNAWAY:
            break
    work.beta[fit, 0] = 0.0
    _undefined(result, slot, 4)


@_inlined
def _multivariable(
    work: Work,
    n_times: int,
    used: int,
    fits: Fits,
    fit: int,
    result: NDArray[np.float64],
    slot: int,
) -> None:
    """Cox model of two to four binary covariates by Newton's method.

    The sums over the risk set that score and information need are sums over the cells that have
    one covariate, or two, at 1: all of them come out of one superset transform.
    """
    beta = work.beta[fit]
    for _ in range(60):
        _slopes(work, n_times, used, fits.efron, beta)
        if not _factored(work.information, used):
            break
        furthest = _newton(work, used)
        if furthest < fits.tolerance:
            for j in range(used):
                beta[j] += work.score[j]
            _inverse(work, used)
            for j in range(used):
                _ratio(beta[j], math.sqrt(work.information[j, j]), result, slot + 4 * j)
            return
        shrink = min(1.0, 1.5 / furthest)
        runaway = False
        for j in range(used):
            beta[j] += shrink * work.score[j]
            runaway = runaway or abs(beta[j]) > _RUNAWAY
        if runaway:
            break
    for j in range(used):
        beta[j] = 0.0
    _undefined(result, slot, 4 * used)


@_inlined
def _slopes(work: Work, n_times: int, used: int, efron: bool, beta: NDArray[np.float64]) -> None:
    """Score and information (upper triangle) at a vector of coefficients."""
    cells, risk, sums = 1 << used, work.risk, work.sums
    risk[0] = 1.0
    for j in range(used):
        ratio = math.exp(beta[j])
        for cell in range(1 << j):
            risk[cell + (1 << j)] = risk[cell] * ratio
    for j in range(used):
        work.score[j] = 0.0
        for i in range(j, used):
            work.information[j, i] = 0.0
    for k in range(n_times):
        d = work.events[k]
        terms = d if efron and d > 1 else 1
        times = 1.0 if terms == d else float(d)
        for j in range(used):
            for cell in range(cells):
                if (cell >> j) & 1:
                    work.score[j] += work.cell_events[k, cell]
        for term in range(terms):
            gone = term / terms
            for cell in range(cells):
                here = work.cell_at_risk[k, cell]
                if term > 0:
                    here -= gone * work.cell_events[k, cell]
                sums[cell] = here * risk[cell]
            for j in range(used):
                one = 1 << j
                for cell in range(cells):
                    if not cell & one:
                        sums[cell] += sums[cell | one]
            inverse = 1.0 / sums[0]
            for j in range(used):
                share = sums[1 << j] * inverse
                work.score[j] -= times * share
                work.information[j, j] += times * share * (1.0 - share)
                for i in range(j + 1, used):
                    both = sums[(1 << j) | (1 << i)] * inverse
                    work.information[j, i] += times * (both - share * sums[1 << i] * inverse)


@_inlined
def _factored(matrix: NDArray[np.float64], used: int) -> bool:
    """Cholesky factor, written to the lower triangle and the diagonal; False when singular."""
    for j in range(used):
        pivot = matrix[j, j]
        for i in range(j):
            pivot -= matrix[j, i] * matrix[j, i]
        if pivot < 1e-7:
            return False
        root = math.sqrt(pivot)
        matrix[j, j] = root
        for row in range(j + 1, used):
            value = matrix[j, row]
            for i in range(j):
                value -= matrix[row, i] * matrix[j, i]
            matrix[row, j] = value / root
    return True


@_inlined
def _newton(work: Work, used: int) -> float:
    """Solve for the step, in place of the score; returns its largest element."""
    lower, step = work.information, work.score
    for j in range(used):
        for i in range(j):
            step[j] -= lower[j, i] * step[i]
        step[j] /= lower[j, j]
    furthest = 0.0
    for j in range(used - 1, -1, -1):
        for i in range(j + 1, used):
            step[j] -= lower[i, j] * step[i]
        step[j] /= lower[j, j]
        furthest = max(furthest, abs(step[j]))
    return furthest


@_inlined
def _inverse(work: Work, used: int) -> None:
    """Variances from the factor: diagonal of the inverse, in place."""
    lower, column = work.information, work.sums
    for j in range(used):
        total = 0.0  # of the squares in column j of the factor's inverse
        for row in range(j, used):
            value = 1.0 if row == j else 0.0
            for i in range(j, row):
                value -= lower[row, i] * column[i]
            column[row] = value / lower[row, row]
            total += column[row] * column[row]
        work.score[j] = total
    for j in range(used):
        lower[j, j] = work.score[j]
