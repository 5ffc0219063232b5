"""Annealing over feasible cohorts: patients and lesions whose statistics come near the printed.

A state is two integer tables. A move changes a few cells so that what a cohort must satisfy still
holds (`feasible`); only the endpoints that it touches are evaluated, and only until the loss is
beyond what the Metropolis rule, drawn beforehand, would accept. Randomness comes from a counter
that is part of the chain, so a chain that is stored and continued ends as one that never stopped.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.evidence.reconstruction.evaluator import Fits, Targets, Work, compiled, evaluate

__all__ = [
    "ALL",
    "LESION_COLUMNS",
    "MOVES",
    "PATIENT_COLUMNS",
    "Chain",
    "Endpoint",
    "Structure",
    "anneal",
    "feasible",
    "forget",
    "loss_of",
    "refresh",
    "uniform",
]

OS, DEATH, PFS, PROGRESSED = range(4)
LC, FAILED = range(2)
ALL = 7
"""Times or events of OS, PFS and LC (`_moved`)."""
PATIENT_COLUMNS, LESION_COLUMNS = 4, 2
"""Columns before the covariates: times and events of OS and PFS; of LC."""

MOVES = (
    "swap a patient covariate",
    "swap the outcomes of two patients",
    "swap OS",
    "swap PFS",
    "shift OS",
    "shift PFS",
    "shift two OS times apart",
    "shift two PFS times apart",
    "turn death and censoring",
    "turn PFS event and censoring",
    "exchange death and censoring",
    "shift LC",
    "turn local failure and censoring",
    "swap a lesion covariate",
    "swap LC",
    "swap a covariate of two first lesions",
    "swap a covariate of two other lesions",
)

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


class Structure(NamedTuple):
    """What no move changes.

    Attributes
    ----------
    owner : ndarray of int, shape (lesions,)
        Patient of each lesion; a patient's lesions follow each other.
    first, lesions : ndarray of int, shape (patients,)
        First lesion (the patient's class of a lesion covariate is its), and how many.
    least : ndarray of int, shape (lesion covariates,)
        1 where the first lesion has the smallest code of the patient's: the size class, when
        the first is the largest.
    patient_covariates, lesion_covariates : int
        Numbers of columns. In a code the bits of the patient come first, then 1 for a single
        lesion, then the bits of the lesion.
    earliest, latest : int
        Limits of times, in months.
    """

    owner: NDArray[np.int64]
    first: NDArray[np.int64]
    lesions: NDArray[np.int64]
    least: NDArray[np.int64]
    patient_covariates: int
    lesion_covariates: int
    earliest: int
    latest: int


class Endpoint(NamedTuple):
    """Fits, printed values and memory of one endpoint."""

    fits: Fits
    targets: Targets
    work: Work
    result: NDArray[np.float64]


class Chain(NamedTuple):
    """A state with everything that the next step depends on, and the best state seen.

    Attributes
    ----------
    patients : ndarray of int, shape (patients, 4 + covariates)
        OS and PFS: month and event each; then covariates.
    lesions : ndarray of int, shape (lesions, 2 + covariates)
        LC: month and event; then covariates.
    losses : ndarray of float, shape (3,)
        Of OS, PFS and LC.
    best_patients, best_lesions, best_loss
        The state with the least loss.
    counter : ndarray of uint64, shape (1,)
        Of the random numbers.
    tried, accepted : ndarray of int, shape (moves,)
        By kind of move.
    """

    patients: NDArray[np.int64]
    lesions: NDArray[np.int64]
    losses: NDArray[np.float64]
    best_patients: NDArray[np.int64]
    best_lesions: NDArray[np.int64]
    best_loss: NDArray[np.float64]
    counter: NDArray[np.uint64]
    tried: NDArray[np.int64]
    accepted: NDArray[np.int64]


# --- randomness --------------------------------------------------------------------------------


@compiled
def uniform(counter: NDArray[np.uint64]) -> float:
    """Next number of 0 to 1 (splitmix64)."""
    counter[0] += _GOLDEN
    z = counter[0]
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    z = z ^ (z >> _31)
    return float(z >> _11) / 9007199254740992.0


@compiled
def _below(counter: NDArray[np.uint64], n: int) -> int:
    return min(int(uniform(counter) * n), n - 1)


@compiled
def _other_time(
    counter: NDArray[np.uint64], table: NDArray[np.int64], column: int, now: int, reach: int
) -> int:
    """A time near another one, or that of another record."""
    if uniform(counter) < 0.25:
        return int(table[_below(counter, len(table)), column])
    step = 1 + _below(counter, 1 + _below(counter, reach))
    return now + step if uniform(counter) < 0.5 else now - step


@compiled
def _partner(
    counter: NDArray[np.uint64], table: NDArray[np.int64], one: int, column: int, second: int
) -> int:
    """Another record: the nearest in its times of one to eight drawn, so that little changes.

    Its code in `column` differs from that of `one`, unless that is negative.
    """
    best, least = -1, 0
    draws = 1 + _below(counter, 8)
    while best < 0 or draws > 0:
        draws -= 1
        other = _below(counter, len(table))
        if other == one or (column >= 0 and table[other, column] == table[one, column]):
            continue
        away = abs(table[other, 0] - table[one, 0]) + abs(table[other, second] - table[one, second])
        if best < 0 or away < least:
            best, least = other, away
    return best


# --- moves -------------------------------------------------------------------------------------


@compiled
def _mended(p: NDArray[np.int64], le: NDArray[np.int64], s: Structure, patient: int) -> bool:
    """Bring the patient's lesions into its new times; False when its own times contradict."""
    row = p[patient]
    if row[PFS] > row[OS] or row[PFS] < s.earliest or row[OS] > s.latest:
        return False
    if row[PROGRESSED] == 0 and (row[DEATH] == 1 or row[PFS] != row[OS]):
        return False
    for lesion in range(s.first[patient], s.first[patient] + s.lesions[patient]):
        if le[lesion, FAILED] == 1 and row[PROGRESSED] == 0:
            le[lesion, FAILED] = 0
        if le[lesion, FAILED] == 1 and le[lesion, LC] < row[PFS]:
            le[lesion, LC] = row[PFS]
        if le[lesion, LC] > row[OS]:
            le[lesion, LC] = row[OS]
    return True


@compiled
def feasible(p: NDArray[np.int64], le: NDArray[np.int64], s: Structure) -> bool:
    """Whether a state keeps every rule of `endpoint_tables.check` and the order of the lesions."""
    for patient in range(len(p)):
        row = p[patient]
        if row[PFS] > row[OS] or row[PFS] < s.earliest or row[OS] > s.latest:
            return False
        if row[PROGRESSED] == 0 and (row[DEATH] == 1 or row[PFS] != row[OS]):
            return False
    for lesion in range(len(le)):
        patient = s.owner[lesion]
        row, month = p[patient], le[lesion, LC]
        if month > row[OS] or month < s.earliest:
            return False
        if le[lesion, FAILED] == 1 and (row[PROGRESSED] == 0 or month < row[PFS]):
            return False
        for j in range(s.lesion_covariates):
            main = le[s.first[patient], LESION_COLUMNS + j]
            if s.least[j] == 1 and main > le[lesion, LESION_COLUMNS + j]:
                return False
    return True


@compiled
def _moved(
    kind: int,
    p: NDArray[np.int64],
    le: NDArray[np.int64],
    s: Structure,
    counter: NDArray[np.uint64],
    reach: int,
) -> int:
    """Change a state; returns what was touched, -1 if infeasible.

    Bits 0 to 2 stand for the times or events of OS, PFS and LC, the next eight for covariates
    of patients, those after them for covariates of lesions.
    """
    if kind == 15:
        return _first_lesions_swapped(p, le, s, counter)
    if kind > 10:
        return _lesion_moved(kind, p, le, s, counter, reach)
    a = _below(counter, len(p))
    if kind == 0:
        column = PATIENT_COLUMNS + _below(counter, s.patient_covariates)
        b = _partner(counter, p, a, column, PFS)
        p[a, column], p[b, column] = p[b, column], p[a, column]
        return 0b100000001000 << (column - PATIENT_COLUMNS)
    b = _partner(counter, p, a, DEATH if kind == 10 else -1, PFS)
    if kind == 1:
        for column in range(PATIENT_COLUMNS):
            p[a, column], p[b, column] = p[b, column], p[a, column]
        i, j = s.first[a], s.first[b]
        for column in range(LESION_COLUMNS):
            le[i, column], le[j, column] = le[j, column], le[i, column]
        return 7 if _mended(p, le, s, a) and _mended(p, le, s, b) else -1
    if kind == 2:
        for column in range(OS, DEATH + 1):
            p[a, column], p[b, column] = p[b, column], p[a, column]
        if p[a, PROGRESSED] == 0:
            p[a, PFS] = p[a, OS]
        if p[b, PROGRESSED] == 0:
            p[b, PFS] = p[b, OS]
        return 7 if _mended(p, le, s, a) and _mended(p, le, s, b) else -1
    if kind == 3:
        if p[a, PROGRESSED] == 0 or p[b, PROGRESSED] == 0:
            return -1
        p[a, PFS], p[b, PFS] = p[b, PFS], p[a, PFS]
        return 6 if _mended(p, le, s, a) and _mended(p, le, s, b) else -1
    if kind == 4:
        return _os_shifted(p, le, s, a, _other_time(counter, p, OS, p[a, OS], reach), counter)
    if kind == 5:
        if p[a, PROGRESSED] == 0:
            return -1
        p[a, PFS] = _other_time(counter, p, PFS, p[a, PFS], reach)
        return 6 if _mended(p, le, s, a) else -1
    if kind == 6:
        step = 1 + _below(counter, reach)
        one = _os_shifted(p, le, s, a, p[a, OS] + step, counter)
        two = _os_shifted(p, le, s, b, p[b, OS] - step, counter)
        return -1 if one < 0 or two < 0 else one | two
    if kind == 7:
        step = 1 + _below(counter, reach)
        if p[a, PROGRESSED] == 0 or p[b, PROGRESSED] == 0:
            return -1
        p[a, PFS] += step
        p[b, PFS] -= step
        return 6 if _mended(p, le, s, a) and _mended(p, le, s, b) else -1
    if kind == 8:
        return _death_turned(p, le, s, a, counter)
    if kind == 9:
        if p[a, PROGRESSED] == 1:
            p[a, PROGRESSED] = 0
            p[a, PFS] = p[a, OS]
        else:
            p[a, PROGRESSED] = 1
            p[a, PFS] = s.earliest + _below(counter, p[a, OS] - s.earliest + 1)
        return 6 if _mended(p, le, s, a) else -1
    one = _death_turned(p, le, s, a, counter)
    two = _death_turned(p, le, s, b, counter)
    return -1 if one < 0 or two < 0 else one | two


@compiled
def _os_shifted(
    p: NDArray[np.int64],
    le: NDArray[np.int64],
    s: Structure,
    patient: int,
    month: int,
    counter: NDArray[np.uint64],
) -> int:
    touched = 1
    together = p[patient, PFS] == p[patient, OS]
    p[patient, OS] = month
    if p[patient, PROGRESSED] == 0 or (together and uniform(counter) < 0.7):
        p[patient, PFS] = month
        touched = 3
    return touched | 4 if _mended(p, le, s, patient) else -1


@compiled
def _death_turned(
    p: NDArray[np.int64],
    le: NDArray[np.int64],
    s: Structure,
    patient: int,
    counter: NDArray[np.uint64],
) -> int:
    row = p[patient]
    row[DEATH] = 1 - row[DEATH]
    if row[DEATH] == 1 and row[PROGRESSED] == 0:
        row[PROGRESSED] = 1
        return 3
    if row[DEATH] == 0 and row[PFS] == row[OS] and uniform(counter) < 0.5:
        row[PROGRESSED] = 0
        return 7 if _mended(p, le, s, patient) else -1
    return 1


@compiled
def _lesion_moved(
    kind: int,
    p: NDArray[np.int64],
    le: NDArray[np.int64],
    s: Structure,
    counter: NDArray[np.uint64],
    reach: int,
) -> int:
    i = _below(counter, len(le))
    if kind == 16:
        j = _partner(counter, le, i, -1, LC)
        if i == s.first[s.owner[i]] or j == s.first[s.owner[j]]:
            return -1
        covariate = _below(counter, s.lesion_covariates)
        column = LESION_COLUMNS + covariate
        if le[i, column] == le[j, column]:
            return -1
        le[i, column], le[j, column] = le[j, column], le[i, column]
        for lesion in (i, j):
            if not _first_least(le, s, s.owner[lesion], covariate):
                return -1
        return 1 << (s.patient_covariates + 1 + covariate) << 11
    if kind == 13:
        covariate = _below(counter, s.lesion_covariates)
        column = LESION_COLUMNS + covariate
        j = _partner(counter, le, i, column, LC)
        le[i, column], le[j, column] = le[j, column], le[i, column]
        for lesion in (i, j):
            if not _first_least(le, s, s.owner[lesion], covariate):
                return -1
        main = i == s.first[s.owner[i]] or j == s.first[s.owner[j]]
        bit = 1 << (s.patient_covariates + 1 + covariate)
        return bit << 11 | (bit << 3 if main else 0)
    if kind == 11:
        le[i, LC] = _other_time(counter, le, LC, le[i, LC], 2 * reach)
        return 4 if _lesion_fits(p, le, s, i) else -1
    if kind == 12:
        row = p[s.owner[i]]
        le[i, FAILED] = 1 - le[i, FAILED]
        if le[i, FAILED] == 1 and le[i, LC] < row[PFS]:
            le[i, LC] = row[PFS] + _below(counter, row[OS] - row[PFS] + 1)
        elif le[i, FAILED] == 0 and uniform(counter) < 0.5:
            le[i, LC] = s.earliest + _below(counter, row[OS] - s.earliest + 1)
        return 4 if _lesion_fits(p, le, s, i) else -1
    j = _partner(counter, le, i, -1, LC)
    for column in range(LESION_COLUMNS):
        le[i, column], le[j, column] = le[j, column], le[i, column]
    return 4 if _lesion_fits(p, le, s, i) and _lesion_fits(p, le, s, j) else -1


@compiled
def _first_lesions_swapped(
    p: NDArray[np.int64], le: NDArray[np.int64], s: Structure, counter: NDArray[np.uint64]
) -> int:
    """Swap a lesion covariate between the first lesions of two patients near in OS and PFS."""
    covariate = _below(counter, s.lesion_covariates)
    column = LESION_COLUMNS + covariate
    a = _below(counter, len(p))
    b, least = -1, 0
    for _ in range(1 + _below(counter, 8)):
        other = _below(counter, len(p))
        if le[s.first[other], column] != le[s.first[a], column]:
            away = abs(p[other, OS] - p[a, OS]) + abs(p[other, PFS] - p[a, PFS])
            if b < 0 or away < least:
                b, least = other, away
    if b < 0:
        return -1
    i, j = s.first[a], s.first[b]
    le[i, column], le[j, column] = le[j, column], le[i, column]
    if not (_first_least(le, s, a, covariate) and _first_least(le, s, b, covariate)):
        return -1
    bit = 1 << (s.patient_covariates + 1 + covariate)
    return bit << 11 | bit << 3


@compiled
def _first_least(le: NDArray[np.int64], s: Structure, patient: int, covariate: int) -> bool:
    first, column = s.first[patient], LESION_COLUMNS + covariate
    if s.least[covariate] == 1:
        for lesion in range(first, first + s.lesions[patient]):
            if le[first, column] > le[lesion, column]:
                return False
    return True


@compiled
def _lesion_fits(p: NDArray[np.int64], le: NDArray[np.int64], s: Structure, lesion: int) -> bool:
    row, month = p[s.owner[lesion]], le[lesion, LC]
    if month < s.earliest or month > row[OS]:
        return False
    return bool(le[lesion, FAILED] == 0 or (row[PROGRESSED] == 1 and month >= row[PFS]))


# --- loss --------------------------------------------------------------------------------------


@compiled
def _patient_codes(
    p: NDArray[np.int64], le: NDArray[np.int64], s: Structure, codes: NDArray[np.int64]
) -> None:
    for patient in range(len(p)):
        code = 1 << s.patient_covariates if s.lesions[patient] == 1 else 0
        for j in range(s.patient_covariates):
            code |= p[patient, PATIENT_COLUMNS + j] << j
        for j in range(s.lesion_covariates):
            code |= le[s.first[patient], LESION_COLUMNS + j] << (s.patient_covariates + 1 + j)
        codes[patient] = code


@compiled
def _lesion_codes(
    p: NDArray[np.int64], le: NDArray[np.int64], s: Structure, codes: NDArray[np.int64]
) -> None:
    for lesion in range(len(le)):
        patient = s.owner[lesion]
        code = 1 << s.patient_covariates if s.lesions[patient] == 1 else 0
        for j in range(s.patient_covariates):
            code |= p[patient, PATIENT_COLUMNS + j] << j
        for j in range(s.lesion_covariates):
            code |= le[lesion, LESION_COLUMNS + j] << (s.patient_covariates + 1 + j)
        codes[lesion] = code


@compiled
def loss_of(
    touched: int,
    p: NDArray[np.int64],
    le: NDArray[np.int64],
    s: Structure,
    survival: Endpoint,
    progression: Endpoint,
    control: Endpoint,
    losses: NDArray[np.float64],
    limit: float,
    hope: float,
) -> float:
    """Loss of a state in `losses`; the endpoints not touched keep theirs.

    Infinite where it is above `limit`, or would be if the fits not yet computed gained no more
    than `hope` together.
    """
    total, expected = 0.0, 0.0
    of_patients, of_lesions = (touched >> 3) & 255, (touched >> 11) & 255
    changed = touched & 7
    changed |= (3 if of_patients else 0) | (4 if of_lesions else 0)
    for endpoint in range(3):
        expected += losses[endpoint]
        if (changed >> endpoint) & 1 == 0:
            total += losses[endpoint]
    if changed & 3:
        codes = survival.work.codes
        _patient_codes(p, le, s, codes)
        if changed & 1:
            expected -= losses[0]
            losses[0] = evaluate(
                p[:, OS],
                p[:, DEATH],
                codes,
                survival.fits,
                survival.targets,
                survival.work,
                survival.result,
                -1 if touched & 1 else of_patients,
                limit - total,
                limit - expected + hope,
            )
            expected += losses[0]
            total += losses[0]
            if total > limit:
                return np.inf
        if changed & 2:
            expected -= losses[1]
            losses[1] = evaluate(
                p[:, PFS],
                p[:, PROGRESSED],
                codes,
                progression.fits,
                progression.targets,
                progression.work,
                progression.result,
                -1 if touched & 2 else of_patients,
                limit - total,
                limit - expected + hope,
            )
            expected += losses[1]
            total += losses[1]
            if total > limit:
                return np.inf
    if changed & 4:
        expected -= losses[2]
        _lesion_codes(p, le, s, control.work.codes)
        losses[2] = evaluate(
            le[:, LC],
            le[:, FAILED],
            control.work.codes,
            control.fits,
            control.targets,
            control.work,
            control.result,
            -1 if touched & 4 else of_lesions,
            limit - total,
            limit - expected + hope,
        )
        total += losses[2]
    return total


@compiled
def forget(endpoint: Endpoint) -> None:
    """Forget where the last fits ended: what a chain does depends on its state alone."""
    endpoint.work.beta[:] = 0.0
    for i in range(len(endpoint.work.order)):
        endpoint.work.order[i] = i


@compiled
def refresh(
    chain: Chain, s: Structure, survival: Endpoint, progression: Endpoint, control: Endpoint
) -> float:
    """Evaluate the current state anew, e.g. after the weights have changed, and forget the best.

    Returns
    -------
    float
        The loss, in all.
    """
    forget(survival)
    forget(progression)
    forget(control)
    total = loss_of(
        ALL,
        chain.patients,
        chain.lesions,
        s,
        survival,
        progression,
        control,
        chain.losses,
        np.inf,
        np.inf,
    )
    chain.best_loss[0] = total
    chain.best_patients[:] = chain.patients
    chain.best_lesions[:] = chain.lesions
    return total


@compiled
def anneal(
    steps: int,
    hot: float,
    cold: float,
    reach: int,
    share: NDArray[np.float64],
    chain: Chain,
    s: Structure,
    survival: Endpoint,
    progression: Endpoint,
    control: Endpoint,
) -> float:
    """Run a chain for a number of steps while the temperature falls geometrically.

    Parameters
    ----------
    steps : int
    hot, cold : float
        First and last temperature, in units of the loss.
    reach : int
        Greatest shift of a time, in months.
    share : ndarray of float, shape (moves,)
        Cumulative shares of the kinds of move, the last 1.
    chain : Chain
        Written to.
    s, survival, progression, control
        Structure, and the three endpoints.

    Returns
    -------
    float
        Least loss seen.
    """
    forget(survival)
    forget(progression)
    forget(control)
    p, le, losses = chain.patients.copy(), chain.lesions.copy(), chain.losses.copy()
    counter = chain.counter
    total = loss_of(ALL, p, le, s, survival, progression, control, losses, np.inf, np.inf)
    survival.work.kept[:] = survival.work.fresh
    progression.work.kept[:] = progression.work.fresh
    control.work.kept[:] = control.work.fresh
    chain.losses[:] = losses
    temperature, cooling = hot, (cold / hot) ** (1.0 / max(steps, 1))
    for _ in range(steps):
        temperature *= cooling
        hope = 1.0 + 1.5 * temperature
        touched, first_kind = 0, -1
        while touched >= 0:
            kind = 0
            u = uniform(counter)
            while share[kind] < u:
                kind += 1
            first_kind = kind if first_kind < 0 else first_kind
            now = _moved(kind, p, le, s, counter, reach)
            touched = -1 if now < 0 else touched | now
            if uniform(counter) > 0.25:
                break
        chain.tried[first_kind] += 1
        if touched >= 0:
            limit = total - temperature * math.log(max(uniform(counter), 1e-300))
            proposed = loss_of(
                touched, p, le, s, survival, progression, control, losses, limit, hope
            )
            if proposed <= limit:
                chain.accepted[first_kind] += 1
                of_patients = (touched >> 3) & 255
                if touched & 1 or of_patients:
                    survival.work.kept[:] = survival.work.fresh
                if touched & 2 or of_patients:
                    progression.work.kept[:] = progression.work.fresh
                if touched & 4 or touched >> 11:
                    control.work.kept[:] = control.work.fresh
                chain.patients[:], chain.lesions[:], chain.losses[:] = p, le, losses
                total = proposed
                if total < chain.best_loss[0] - 1e-12:
                    chain.best_loss[0] = total
                    chain.best_patients[:], chain.best_lesions[:] = p, le
                continue
        p[:], le[:], losses[:] = chain.patients, chain.lesions, chain.losses
    return float(chain.best_loss[0])
