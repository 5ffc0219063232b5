"""Printed numbers that no cohort gives all at once: proofs, and what they leave attainable.

Three kinds of proof are used. A hazard ratio, its Wald limits and its p are functions of two
numbers, a coefficient and its standard error; where no two numbers give them, no patients do. So
of a set with a p it is proved only if the printed p is that of the ratio's model. One
fit has one result, so that two rows that print different ones of it exclude each other. And
Kaplan-Meier rates follow from the order of deaths and censorings, which can be enumerated
(`consistency.enumeration`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from scipy.stats import norm

from sarcoma_sbrt.evidence.consistency.certificates import by_cases
from sarcoma_sbrt.evidence.consistency.enumeration import Window, admissible
from sarcoma_sbrt.evidence.reconstruction.problem import Number
from sarcoma_sbrt.evidence.reconstruction.reproduction import Recomputed, covariates_of

__all__ = ["NOT_FOUND", "Conflict", "Verdict", "conflicts", "least_missed", "verdict"]

Tolerance = Literal["exact", "near"]
NOT_FOUND = "not found"
_TOLERANCES: tuple[Tolerance, ...] = ("exact", "near")

# Checks of the consistency report whose verdict is a proof about the rates of one cohort.
_CURVES = ("landmark", "pooled_landmark")
# Estimators whose limits and p follow from a coefficient and its standard error.
_WALD = ("cox.efron", "cox.breslow", "logrank.peto")
_SOLVED = "coefficient and standard error"
_SLACK = 1e-12

Finding = Mapping[str, Any]
HalfPlane = tuple[float, float, float]
"""Coefficients a, b and c of a x + b y <= c."""


@dataclass(frozen=True)
class Conflict:
    """Printed numbers of which at least one cannot be reproduced.

    Attributes
    ----------
    targets : tuple of str
        Their ids.
    tolerance : {'exact', 'near'}
        They cannot all print the same; they cannot even all be within 2 %.
    certificate : str
        Id of the finding of the consistency report, or what was solved.
    proof : str
        The argument.
    """

    targets: tuple[str, ...]
    tolerance: Tolerance
    certificate: str
    proof: str


@dataclass(frozen=True)
class Verdict:
    """Why a number is not reproduced: why it is not exact or, of a miss, why it is beyond 2 %.

    Attributes
    ----------
    kind : {'impossible', 'jointly', 'not_found'}
        ``impossible``: every other number of a conflict is reproduced, so that this one cannot be.
        ``jointly``: several of a conflict are not, of which at least one could not be.
    conflict : Conflict or None
        The one that decides; of a miss that was not found, one that keeps it from being exact.
    """

    kind: Literal["impossible", "jointly", "not_found"]
    conflict: Conflict | None = None

    @property
    def reason(self) -> str:
        """The verdict in words, with the other numbers."""
        if self.conflict is None:
            return NOT_FOUND
        what = "printed as they are" if self.conflict.tolerance == "exact" else "within 2 %"
        members = "; ".join(self.conflict.targets)
        if any(target.endswith(".p") for target in self.conflict.targets):
            members += " (if p is that of its model)"
        if self.kind == "impossible":
            given = f"these cannot all be {what}, and the others are: {members}"
            return f"proved impossible given the others: {given}"
        jointly = f"at least one of these cannot be {what}: {members}"
        if self.kind == "jointly":
            return f"proved impossible jointly: {jointly}"
        return f"{NOT_FOUND} within 2 %; proved impossible jointly: {jointly}"


def conflicts(recomputed: Sequence[Recomputed], findings: Iterable[Finding]) -> list[Conflict]:
    """Every proof about printed numbers, at either tolerance.

    Parameters
    ----------
    recomputed : sequence of Recomputed
        For the printed numbers and how they are fitted; what was recomputed does not matter.
    findings : iterable of mapping
        Of ``results/evidence/consistency.json``.

    Returns
    -------
    list of Conflict
        Of each row the smallest sets that contradict themselves; of each curve, or of a curve with
        those of its subgroups, all rates that the finding is about.
    """
    known = {one.target_id: one for one in recomputed}
    proved = [f for f in findings if f["verdict"] in ("impossible", "inconsistent")]
    by_row: dict[str, list[Recomputed]] = {}
    for one in recomputed:
        by_row.setdefault(one.row["target_id"], []).append(one)
    found = [
        conflict
        for row, members in by_row.items()
        if members[0].row["fitted_as"] in _WALD
        for conflict in _of_row(members, [f for f in proved if f["keys"][0] == row])
    ]
    found += _of_one_fit(recomputed)
    for finding in proved:
        if finding["check"] in _CURVES:
            found += _of_curves(finding, known)
    return found


def verdict(
    target: Recomputed, recomputed: Iterable[Recomputed], of: Sequence[Conflict]
) -> Verdict:
    """Why a number is not reproduced.

    Parameters
    ----------
    target : Recomputed
        Of status other than ``exact``.
    recomputed : iterable of Recomputed
        All of them.
    of : sequence of Conflict
    """
    tolerance: Tolerance = "near" if target.status == "miss" else "exact"
    mine = [c for c in of if target.target_id in c.targets]
    deciding = [c for c in mine if c.tolerance == tolerance]
    met = {
        one.target_id: one.near if tolerance == "near" else one.status == "exact"
        for one in recomputed
    }
    for conflict in deciding:
        if all(met[other] for other in conflict.targets if other != target.target_id):
            return Verdict("impossible", conflict)
    if deciding:
        return Verdict("jointly", deciding[0])
    return Verdict("not_found", mine[0] if mine else None)


def least_missed(of: Iterable[Conflict], tolerance: Tolerance) -> int:
    """Least number of printed numbers that no cohort reproduces, as far as it is proved.

    The size of the smallest set that has a member of every conflict of this tolerance.
    """
    sets = {frozenset(c.targets) for c in of if c.tolerance == tolerance}
    smallest = [one for one in sets if not any(other < one for other in sets)]
    return sum(_cover(group) for group in _apart(smallest))


def _cover(group: Sequence[frozenset[str]]) -> int:
    """Size of the smallest set that meets each of these sets."""
    members = sorted(frozenset().union(*group))
    return next(
        size
        for size in range(1, len(group) + 1)
        for chosen in itertools.combinations(members, size)
        if all(one & set(chosen) for one in group)
    )


def _apart(sets: Iterable[frozenset[str]]) -> list[list[frozenset[str]]]:
    """Groups of sets that share no member with a set of another group."""
    groups: list[list[frozenset[str]]] = []
    for one in sorted(sets, key=sorted):
        touching = [group for group in groups if any(one & other for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([one, *itertools.chain.from_iterable(touching)])
    return groups


# --- a ratio, its limits and its p --------------------------------------------------------------


def _of_row(members: Sequence[Recomputed], findings: Sequence[Finding]) -> Iterator[Conflict]:
    """Smallest sets of a row's numbers that no coefficient and standard error give."""
    for tolerance in _TOLERANCES:
        proved: list[frozenset[str]] = []
        for size in range(2, len(members) + 1):
            for chosen in itertools.combinations(members, size):
                ids = frozenset(one.target_id for one in chosen)
                if any(smaller <= ids for smaller in proved) or _solvable(chosen, tolerance):
                    continue
                proved.append(ids)
                yield _row_conflict(chosen, tolerance, findings)


def _row_conflict(
    chosen: Sequence[Recomputed], tolerance: Tolerance, findings: Sequence[Finding]
) -> Conflict:
    check = "wald_p" if any(one.part == "p" for one in chosen) else "interval_symmetry"
    said = [f for f in findings if f["check"] == check] if tolerance == "exact" else []
    printed = ", ".join(f"{_PARTS[one.part]} {one.number.text}" for one in chosen)
    what = "round to" if tolerance == "exact" else "come within 2 % of"
    own = f"no coefficient with its standard error gives values that {what} {printed}"
    return Conflict(
        tuple(one.target_id for one in chosen),
        tolerance,
        str(said[0]["id"]) if said else _SOLVED,
        f"{own}; {said[0]['arithmetic']}" if said else own,
    )


_PARTS = {"estimate": "ratio", "ci_low": "lower limit", "ci_high": "upper limit", "p": "p"}


def _solvable(chosen: Sequence[Recomputed], tolerance: Tolerance) -> bool:
    """Whether some coefficient and standard error above 0 give all of these numbers."""
    return any(_has_point(_half_planes(chosen, tolerance, sign)) for sign in (1.0, -1.0))


def _half_planes(
    chosen: Sequence[Recomputed], tolerance: Tolerance, sign: float
) -> list[HalfPlane]:
    """What each number asks of coefficient b and standard error s, for a sign of b."""
    planes: list[HalfPlane] = [(0.0, -1.0, 0.0), (-sign, 0.0, 0.0)]
    for one in chosen:
        low, high = _span(one.number, tolerance)
        if one.part == "p":  # low <= |b| / s <= high
            planes += [(-sign, low, 0.0), (sign, -high, 0.0)]
            continue
        level = float(one.row["ci_level"] or 95) / 100
        quantile = float(norm.ppf((1 + level) / 2))
        z = {"ci_low": -quantile, "ci_high": quantile}.get(one.part, 0.0)
        planes += [(1.0, z, high), (-1.0, -z, -low)]
    return planes


def _span(number: Number, tolerance: Tolerance) -> tuple[float, float]:
    """What reproduces a number, on the scale on which it is computed (`Number.bounds`)."""
    low, high, near_low, near_high, _ = number.bounds
    return (low, high) if tolerance == "exact" else (min(low, near_low), max(high, near_high))


def _has_point(planes: Sequence[HalfPlane]) -> bool:
    """Whether half-planes have a point in common: a corner of theirs, where they hold no line.

    They hold none here: s and the sign of b are bounded, so that all lie in one quadrant.
    """
    for (a, b, c), (d, e, f) in itertools.combinations(planes, 2):
        determinant = a * e - b * d
        if abs(determinant) < _SLACK:
            continue
        x, y = (c * e - b * f) / determinant, (a * f - c * d) / determinant
        if all(g * x + h * y <= k + _SLACK for g, h, k in planes):
            return True
    return False


# --- one fit, printed twice ---------------------------------------------------------------------


def _of_one_fit(recomputed: Iterable[Recomputed]) -> Iterator[Conflict]:
    """Numbers of one fit that two rows print otherwise."""
    groups: dict[tuple[object, ...], list[Recomputed]] = {}
    for one in recomputed:
        groups.setdefault(_fit(one), []).append(one)
    for group in groups.values():
        for first, second in itertools.combinations(group, 2):
            for tolerance in _TOLERANCES:
                (a, b), (c, d) = (_span(one.number, tolerance) for one in (first, second))
                if b < c - _SLACK or d < a - _SLACK:
                    yield Conflict(
                        (first.target_id, second.target_id),
                        tolerance,
                        "one fit",
                        f"both are of one fit, and {first.number.text} is not {second.number.text}",
                    )


def _fit(one: Recomputed) -> tuple[object, ...]:
    """What decides a recomputed value."""
    row, names = one.row, covariates_of(one.row)
    asked = tuple(row[name] for name in ("measure", "subgroup", "time_months", "fitted_as"))
    return (one.number.endpoint, one.part, asked, names[:1], frozenset(names))


# --- curves -------------------------------------------------------------------------------------


def _of_curves(finding: Finding, known: Mapping[str, Recomputed]) -> Iterator[Conflict]:
    """The finding about printed rates; of one curve's, whether it holds within 2 % too."""
    targets = tuple(f"{key}.estimate" for key in finding["keys"])
    if not all(target in known for target in targets):
        return
    yield Conflict(targets, "exact", str(finding["id"]), str(finding["arithmetic"]))
    rates = [known[target] for target in targets if known[target].row["measure"] == "rate"]
    n = finding["detail"].get("n")
    if finding["check"] != "landmark" or n is None or len(rates) < len(targets):
        return
    rates.sort(key=_months)
    windows = [_window(one.number) for one in rates]
    failure = admissible(int(n), windows).failure
    if failure is not None:
        argument = "; ".join(by_cases(int(n), windows, failure, [_months(one) for one in rates]))
        yield Conflict(targets, "near", f"{finding['id']}, within 2 %", argument)


def _months(rate: Recomputed) -> float:
    return float(rate.row["time_months"])


def _window(number: Number) -> Window:
    """Shares that come within 2 % of a printed rate, or print the same."""
    low, high = (Fraction(end).limit_denominator(10**9) / 100 for end in _span(number, "near"))
    return Window(max(Fraction(0), low), min(Fraction(1), high))
