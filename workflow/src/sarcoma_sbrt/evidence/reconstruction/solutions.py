"""Several reconstructions of one study: how far they differ, and which are kept.

Printed statistics do not determine a cohort. Reconstructions from independent searches that
reproduce them about equally well show what they leave open.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from sarcoma_sbrt.evidence.reconstruction.problem import Problem
from sarcoma_sbrt.evidence.reconstruction.schedule import Score, score
from sarcoma_sbrt.evidence.reconstruction.search import Structure

__all__ = ["Solution", "canonical", "choose", "difference", "differences", "from_record"]
__all__ += ["score_of", "stacked", "state", "unstacked"]

_PATIENT, _LESION, _OWNER = "id", "lesion", "patient"
_MONTHS = "_months"


@dataclass(frozen=True)
class Solution:
    """Endpoint-level tables that one search found, and its score.

    Attributes
    ----------
    seed : int
        Of the search.
    near, exact : int
        Printed numbers that are met within 2 %, and that print the same.
    patients, lesions : DataFrame
        As `Problem.tables` makes them.
    """

    seed: int
    near: int
    exact: int
    patients: pd.DataFrame
    lesions: pd.DataFrame


def from_record(columns: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """Endpoint-level table that a search left on record, its identifiers first.

    Parameters
    ----------
    columns : mapping
        Name -> values. A record has its names sorted, so that their order says nothing.
    """
    first = [name for name in (_PATIENT, _OWNER, _LESION) if name in columns]
    return pd.DataFrame(columns)[[*first, *(name for name in columns if name not in first)]]


def canonical(patients: pd.DataFrame, lesions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same cohort in an order that depends on its rows alone, numbered from 1.

    Patients are sorted by their number of lesions, then column by column, then by their lesions.
    Of a patient's lesions those with the patient's own classes come first, as the one does that
    gives them, so that the sorted tables are a state of a search again.

    Parameters
    ----------
    patients, lesions : DataFrame
        Endpoint-level tables; all cells whole numbers.

    Returns
    -------
    tuple of DataFrame
        Patients and lesions, columns as they came.
    """
    ordered = sorted(_rows(patients, lesions), key=lambda row: (len(row[1]), row))
    own, of_lesions = _values(patients, (_PATIENT,)), _values(lesions, (_LESION, _OWNER))
    sorted_patients = pd.DataFrame([cells for cells, _ in ordered], columns=own.columns)
    sorted_lesions = pd.DataFrame(
        [cells for _, several in ordered for cells in several], columns=of_lesions.columns
    )
    owners = [at for at, (_, several) in enumerate(ordered, start=1) for _ in several]
    sorted_patients[_PATIENT] = np.arange(1, len(ordered) + 1)
    sorted_lesions[_LESION] = np.arange(1, len(owners) + 1)
    sorted_lesions[_OWNER] = owners
    return sorted_patients[list(patients.columns)], sorted_lesions[list(lesions.columns)]


def _values(table: pd.DataFrame, identifiers: Sequence[str]) -> pd.DataFrame:
    return table.drop(columns=list(identifiers))


_Row = tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]


def _rows(patients: pd.DataFrame, lesions: pd.DataFrame) -> list[_Row]:
    """Each patient's cells with those of the lesions, identifiers left out."""
    own = _values(patients, (_PATIENT,))
    of_lesions = _values(lesions, (_LESION, _OWNER))
    classes = [name for name in of_lesions.columns if name in own.columns]
    several: dict[Any, list[tuple[bool, tuple[int, ...]]]] = {p: [] for p in patients[_PATIENT]}
    by_patient = patients.set_index(_PATIENT)[classes]
    other = (of_lesions[classes].to_numpy() != by_patient.loc[lesions[_OWNER]].to_numpy()).any(
        axis=1
    )
    cells = of_lesions.to_numpy(dtype=np.int64).tolist()
    for patient, differs, values in zip(lesions[_OWNER], other, cells, strict=True):
        several[patient].append((bool(differs), tuple(values)))
    return [
        (tuple(values), tuple(lesion for _, lesion in sorted(several[patient])))
        for patient, values in zip(
            patients[_PATIENT], own.to_numpy(dtype=np.int64).tolist(), strict=True
        )
    ]


def difference(
    one: tuple[pd.DataFrame, pd.DataFrame],
    other: tuple[pd.DataFrame, pd.DataFrame],
    within: int = 0,
) -> float:
    """Share of patients of one cohort without a counterpart of their own in another.

    Counterparts have the same events, classes and number of lesions, and lesions that can be
    paired so that these agree too. As many pairs as possible are made, each patient in one.

    Parameters
    ----------
    one, other : tuple of DataFrame
        Patients and lesions, with the same columns.
    within : int
        How many months the times of counterparts may differ; 0 asks for identical rows.

    Returns
    -------
    float
        0 for the same rows in whatever order, 1 where no patient has a counterpart.
    """
    months = [np.array([c.endswith(_MONTHS) for c in _columns(table)]) for table in one]
    mine, theirs = _rows(*one), _rows(*other)
    pairs = [
        (i, j)
        for i, a in enumerate(mine)
        for j, b in enumerate(theirs)
        if _agree(a, b, months, within)
    ]
    if not pairs:
        return 1.0
    at, to = zip(*pairs, strict=True)
    graph = csr_array((np.ones(len(pairs)), (at, to)), shape=(len(mine), len(theirs)))
    paired = int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())
    return 1 - paired / len(mine)


def _columns(table: pd.DataFrame) -> list[str]:
    return [c for c in map(str, table.columns) if c not in (_PATIENT, _LESION, _OWNER)]


def _agree(one: _Row, other: _Row, months: Sequence[np.ndarray], within: int) -> bool:
    (mine, my_lesions), (theirs, their_lesions) = one, other
    if len(my_lesions) != len(their_lesions) or not _near(mine, theirs, months[0], within):
        return False
    return any(
        all(_near(a, b, months[1], within) for a, b in zip(my_lesions, order, strict=True))
        for order in itertools.permutations(their_lesions)
    )


def _near(one: Sequence[int], other: Sequence[int], months: np.ndarray, within: int) -> bool:
    return all(
        abs(a - b) <= (within if is_time else 0)
        for a, b, is_time in zip(one, other, months, strict=True)
    )


def differences(solutions: Sequence[Solution], within: int = 0) -> list[float]:
    """`difference` of every pair."""
    tables = [(solution.patients, solution.lesions) for solution in solutions]
    return [difference(a, b, within) for a, b in itertools.combinations(tables, 2)]


def choose(
    found: Iterable[Solution], *, near: int, exact: int, least_difference: float
) -> list[Solution]:
    """Solutions that are about as good as the best and differ from each other.

    The best (by `Score.rank`) is taken, then again and again the next best that differs enough
    from all taken before. One seed gives one solution at most, so that all come from independent
    searches.

    Parameters
    ----------
    found : iterable of Solution
    near, exact : int
        By how many numbers a score may be below the best one's, within 2 % and exactly.
    least_difference : float
        Least `difference` of a pair.

    Returns
    -------
    list of Solution
        From the best on, tables in their `canonical` order; of equal scores the lower seed first.
    """
    ranked = sorted(found, key=lambda s: (-(s.near + s.exact), -s.near, s.seed))
    taken: list[Solution] = []
    for candidate in ranked:
        best = ranked[0]
        if candidate.near < best.near - near or candidate.exact < best.exact - exact:
            continue
        if any(candidate.seed == other.seed for other in taken):
            continue
        own = (candidate.patients, candidate.lesions)
        if all(difference(own, (s.patients, s.lesions)) >= least_difference for s in taken):
            taken.append(candidate)
    return [_in_order(solution) for solution in taken]


def _in_order(solution: Solution) -> Solution:
    patients, lesions = canonical(solution.patients, solution.lesions)
    return Solution(solution.seed, solution.near, solution.exact, patients, lesions)


def stacked(solutions: Sequence[Solution]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All solutions' patients and lesions, one under the other, first column ``solution``."""
    return (
        _numbered([solution.patients for solution in solutions]),
        _numbered([solution.lesions for solution in solutions]),
    )


def _numbered(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    numbered = [table.copy() for table in tables]
    for at, table in enumerate(numbered, start=1):
        table.insert(0, "solution", at)
    return pd.concat(numbered, ignore_index=True)


def unstacked(
    patients: pd.DataFrame, lesions: pd.DataFrame
) -> dict[int, tuple[pd.DataFrame, pd.DataFrame]]:
    """Patients and lesions of each solution, by its number: what `stacked` put together."""
    return {
        int(number): (_of(patients, number), _of(lesions, number))
        for number in sorted(patients["solution"].unique())
    }


def _of(table: pd.DataFrame, number: int) -> pd.DataFrame:
    own = table[table["solution"] == number]
    return own.drop(columns="solution").reset_index(drop=True)


def state(
    structure: Structure, patients: pd.DataFrame, lesions: pd.DataFrame, columns: Sequence[str]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Endpoint-level tables as the two tables of a search's state: `Problem.tables` undone.

    Parameters
    ----------
    structure : Structure
    patients, lesions : DataFrame
        In the structure's order, as `canonical` has it.
    columns : sequence of str
        Of the covariates, in the order of their bits.

    Raises
    ------
    ValueError
        When the lesions are not those of the structure's patients.
    """
    if lesions["patient"].tolist() != (structure.owner + 1).tolist():
        raise ValueError("lesions of other patients than the structure has")
    own = list(columns[: structure.patient_covariates])
    of_lesion = list(columns[structure.patient_covariates + 1 :])
    return (
        patients[["os_months", "death", "pfs_months", "pfs_event", *own]].to_numpy(np.int64),
        lesions[["lc_months", "lf", *of_lesion]].to_numpy(np.int64),
    )


def score_of(problem: Problem, patients: pd.DataFrame, lesions: pd.DataFrame) -> Score:
    """What endpoint-level tables reproduce, by the search's own evaluator.

    Parameters and errors are those of `state`; a patient's first lesion gives its classes.
    """
    columns = [problem.plan.columns[name] for name in problem.plan.covariates]
    chain = problem.start(0)
    chain.patients[:], chain.lesions[:] = state(problem.structure, patients, lesions, columns)
    return score(problem, [problem.endpoint(at) for at in range(3)], chain)
