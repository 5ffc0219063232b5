"""Which prescriptions a table can stand for that prints some of them, and calls the rest others.

Each lesion of a printed row has a total dose and a number of fractions within the row's limits;
each of the others any within the printed ranges that no row has. The counts must add up to the
printed medians and ranges of dose, fractions and biologically effective dose (BED), and to the
counts of lesions below and from a cut of BED on. That is an integer programme over a grid of doses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.dose import bed
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.agreement import printed_parts
from sarcoma_sbrt.evidence.reconstruction.feasibility import (
    Demand,
    extremes,
    irreducible,
    solution,
)
from sarcoma_sbrt.evidence.reconstruction.marginals import count_of

__all__ = ["PrescriptionTable", "Verdict", "described", "judged", "prescription_table"]

_EPSILON = 1e-9


@dataclass(frozen=True)
class PrescriptionTable:
    """What a paper prints of its prescriptions.

    Attributes
    ----------
    rows : tuple of Figure
        Named prescriptions (`measure` schedule), with the number of lesions of each.
    others : Figure
    dose, fractions, bed10 : Figure
        Median and range of each over all lesions.
    below, from_cut : Figure
        Lesions whose BED is below the cut, and at least it.
    cut_gy, alpha_beta_gy : float
    """

    rows: tuple[Figure, ...]
    others: Figure
    dose: Figure
    fractions: Figure
    bed10: Figure
    below: Figure
    from_cut: Figure
    cut_gy: float
    alpha_beta_gy: float

    @property
    def lesions(self) -> int:
        """Number of lesions, the sum of the rows."""
        return sum(count_of(f) or 0 for f in (*self.rows, self.others))


@dataclass(frozen=True)
class Verdict:
    """Whether prescriptions on a grid of doses can meet all that is printed.

    Attributes
    ----------
    step_gy : float
        Of the grid.
    clash : tuple of Demand
        Demands that cannot all be met, none of them superfluous; empty if all can.
    example : tuple of (row's key, dose in Gy, fractions, lesions)
        One way to meet them all; empty if there is none.
    others_from_cut : (int, int) or None
        Least and greatest number of the others whose BED is at least the cut.
    """

    step_gy: float
    clash: tuple[Demand, ...] = ()
    example: tuple[tuple[str, float, int, int], ...] = ()
    others_from_cut: tuple[int, int] | None = None


def prescription_table(
    study: str, figures: Mapping[str, Figure], cut_gy: float, alpha_beta_gy: float
) -> PrescriptionTable | None:
    """The study's prescriptions, or None where it does not print all that is needed."""
    rows = tuple(
        f
        for f in figures.values()
        if f.study_id == study and f.paper == study and f.measure == "schedule" and f.events
    )
    names = (
        "schedule.others",
        "dose.median",
        "fractions.median",
        "bed10.median",
        f"bed10_class.below_{cut_gy:g}",
        f"bed10_class.at_least_{cut_gy:g}",
    )
    found = [figures.get(f"{study}.{name}") for name in names]
    others, dose, fractions, bed10, below, from_cut = found
    if not rows or not (others and dose and fractions and bed10 and below and from_cut):
        return None
    return PrescriptionTable(
        rows, others, dose, fractions, bed10, below, from_cut, cut_gy, alpha_beta_gy
    )


def judged(table: PrescriptionTable, step_gy: float) -> Verdict:
    """Whether prescriptions with total doses on a grid can meet all that is printed.

    The demands of a median are the weakest that follow from it (both middle values could lie on
    either side), so a clash is a proof for the grid; an example meets stronger ones.
    """
    cells = _cells(table, step_gy)
    weak, strong = (_demands(table, cells, certain) for certain in (False, True))
    size = len(cells.of)
    if clash := irreducible(weak, size):
        return Verdict(step_gy, tuple(clash))
    found = solution(strong, size)
    if found is None:
        return Verdict(step_gy)
    example = tuple(
        (cells.of[i], float(cells.dose[i]), int(cells.fractions[i]), int(found[i]))
        for i in np.flatnonzero(found)
    )
    others = cells.members(table.others.key)
    high = others * (cells.bed10 >= table.cut_gy * (1 - _EPSILON))
    return Verdict(step_gy, (), example, extremes(weak, size, high))


@dataclass(frozen=True)
class _Cells:
    """Every prescription that a row allows: row's key, dose (Gy), fractions, BED (Gy)."""

    of: tuple[str, ...]
    dose: NDArray[np.float64]
    fractions: NDArray[np.float64]
    bed10: NDArray[np.float64]

    def members(self, key: str) -> NDArray[np.float64]:
        return np.array([float(of == key) for of in self.of])


def _cells(table: PrescriptionTable, step: float) -> _Cells:
    found = []
    for row in table.rows:
        found += [(row.key, d, f) for d, f in _box(row, step)]
    named = {(d, f) for _, d, f in found}
    low, high = table.dose.range_low or 0.0, table.dose.range_high or 0.0
    few, many = int(table.fractions.range_low or 1), int(table.fractions.range_high or 1)
    found += [
        (table.others.key, d, f)
        for d in _doses(low, high, step)
        for f in range(few, many + 1)
        if (d, f) not in named
    ]
    of, dose, fractions = zip(*found, strict=True)
    doses, parts = np.array(dose, dtype=float), np.array(fractions, dtype=float)
    return _Cells(of, doses, parts, np.asarray(bed(doses, parts, table.alpha_beta_gy)))


def _box(row: Figure, step: float) -> list[tuple[float, int]]:
    low, high = row.dose_low_gy or 0.0, row.dose_high_gy or row.dose_low_gy or 0.0
    few = row.fractions_low or 1
    return [
        (d, f) for d in _doses(low, high, step) for f in range(few, (row.fractions_high or few) + 1)
    ]


def _doses(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step - _EPSILON)
    grid = [round(i * step, 6) for i in range(first, math.floor(high / step + _EPSILON) + 1)]
    return sorted({low, high, *grid})


def _demands(table: PrescriptionTable, cells: _Cells, certain: bool) -> list[Demand]:
    demands = [
        _exactly(row, cells.members(row.key), f"{count_of(row)} lesions of {_words(row)}")
        for row in (*table.rows, table.others)
    ]
    below, cut = cells.bed10 < table.cut_gy * (1 - _EPSILON), f"{table.cut_gy:g} Gy"
    for figure, side, words in (
        (table.below, below, f"below {cut}"),
        (table.from_cut, ~below, f"of {cut} or more"),
    ):
        demands.append(_exactly(figure, _flags(side), f"{count_of(figure)} lesions {words}"))
    for figure, values, name in (
        (table.dose, cells.dose, "dose"),
        (table.fractions, cells.fractions, "fractions"),
        (table.bed10, cells.bed10, "BED"),
    ):
        demands += _of_spread(figure, values, name, table.lesions, certain)
    return demands


def _flags(which: NDArray[np.bool_]) -> NDArray[np.float64]:
    return which.astype(np.float64)


def _words(row: Figure) -> str:
    return row.printed_text if row.measure == "schedule" else "other prescriptions"


def _exactly(figure: Figure, coefficients: NDArray[np.float64], says: str) -> Demand:
    count = float(count_of(figure) or 0)
    return Demand((figure.key,), says, coefficients, count, count)


def _of_spread(
    figure: Figure, values: NDArray[np.float64], name: str, n: int, certain: bool
) -> list[Demand]:
    """Demands of a median and range; `certain` ones suffice, the others are necessary."""
    parts = {part.part: part for part in printed_parts(figure)}
    middle, half = parts["median"].value, parts["median"].unit / 2 + _EPSILON
    under, over = _flags(values < middle - half), _flags(values > middle + half)
    at_most = float((n - 1) // 2 if certain else n // 2)
    said = f"median {name} {parts['median'].text}"
    demands = [
        Demand((figure.key,), said, under, 0.0, at_most),
        Demand((figure.key,), said, over, 0.0, at_most),
    ]
    beyond: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.bool_]]]
    beyond = {"least": np.less, "most": np.greater}
    for part, outside in beyond.items():
        end, reach = parts[part].value, parts[part].unit / 2 + _EPSILON
        sign = -1 if part == "least" else 1
        far = _flags(outside(values, end + sign * reach))
        here = _flags(np.abs(values - end) <= reach)
        said = f"{'greatest' if part == 'most' else part} {name} {parts[part].text}"
        demands.append(Demand((figure.key,), said, far, 0.0, 0.0))
        demands.append(Demand((figure.key,), said, here, 1.0, float(n)))
    return demands


def described(clash: Sequence[Demand]) -> str:
    """The demands of a clash in words, each once."""
    return "; ".join(dict.fromkeys(demand.says for demand in clash))
