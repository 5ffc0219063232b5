"""The problem a search solves: printed statistics of one study, and what its cohort must be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from sarcoma_sbrt.evidence.reconstruction import evaluator as ev
from sarcoma_sbrt.evidence.reconstruction.nearness import Status, status
from sarcoma_sbrt.evidence.reconstruction.search import (
    LESION_COLUMNS,
    MOVES,
    PATIENT_COLUMNS,
    Chain,
    Endpoint,
    Structure,
)

__all__ = ["ENDPOINTS", "Number", "Plan", "Problem", "printed_numbers", "problem", "read_plan"]

ENDPOINTS = ("os", "pfs", "lc")
_PARTS = {
    "hazard_ratio": ("estimate", "ci_low", "ci_high", "p"),
    "median": ("estimate", "ci_low", "ci_high"),
    "rate": ("estimate",),
    "p_value": ("p",),
}
SEARCHED, SCORED = 1e-4, 1e-9
"""Tolerance of Newton's method while a search goes on, and for a score (`evaluator.Fits`)."""
_FOLLOW_UP = ("estimate", "range_low", "range_high")
_ALL_Z = 100.0  # above every |z|: no p is as small
_KINDS = {
    "logrank.peto": ev.PETO,
    "logrank.observed_expected": ev.OBSERVED_EXPECTED,
    "cox.efron": ev.COX,
    "cox.breslow": ev.COX,
    "logrank.p": ev.LOGRANK_P,
}


@dataclass(frozen=True)
class Plan:
    """What a cohort must be (`config/reconstruction/<study>.yaml`).

    Attributes
    ----------
    study : str
    lesions_per_patient : mapping of int to int
        Patients with so many lesions.
    earliest, latest : int
        Limits of times, in months.
    covariates : tuple of str
        Names in the order of their bits: the patient's, the number of lesions, the lesion's.
    columns, levels : mapping of name to str
        Column of the endpoint-level tables; printed level whose code is 1.
    ones : mapping of name to int
        Patients, or lesions, with code 1.
    of_lesion : tuple of str
        Lesion covariates.
    least_first : tuple of str
        Lesion covariates that are smallest in a patient's first lesion.
    subgroups : mapping of slug to (covariate, code)
    repeats : tuple of str
        Rows that are no targets of their own.
    """

    study: str
    lesions_per_patient: Mapping[int, int]
    earliest: int
    latest: int
    covariates: tuple[str, ...]
    columns: Mapping[str, str]
    levels: Mapping[str, str]
    ones: Mapping[str, int]
    of_lesion: tuple[str, ...]
    least_first: tuple[str, ...]
    subgroups: Mapping[str, tuple[str, int]]
    repeats: tuple[str, ...]

    @property
    def patients(self) -> int:
        """Number of patients."""
        return sum(self.lesions_per_patient.values())

    @property
    def lesions(self) -> int:
        """Number of lesions."""
        return sum(k * n for k, n in self.lesions_per_patient.items())


def read_plan(content: Mapping[str, Any]) -> Plan:
    """Plan from the content of its YAML file."""
    patient, lesion = content["patient_covariates"], content["lesion_covariates"]
    number = content["number_covariate"]
    given = {**patient, number["name"]: number, **lesion}
    return Plan(
        study=content["study"],
        lesions_per_patient={int(k): int(n) for k, n in content["lesions_per_patient"].items()},
        earliest=content["months"]["earliest"],
        latest=content["months"]["latest"],
        covariates=tuple(given),
        columns={name: x["column"] for name, x in given.items()},
        levels={name: x["level"] for name, x in given.items()},
        ones={name: x["ones"] for name, x in given.items() if "ones" in x},
        of_lesion=tuple(lesion),
        least_first=tuple(name for name, x in lesion.items() if x.get("least_first")),
        subgroups={k: (x["covariate"], x["value"]) for k, x in content["subgroups"].items()},
        repeats=tuple(content.get("repeats", ())),
    )


@dataclass(frozen=True)
class Number:
    """One printed number.

    Attributes
    ----------
    target_id : str
        Row of the targets file and part: ``<row>.estimate``, ``.ci_low``, ``.p`` …
    endpoint : str
    printed : float
    text : str
        As printed.
    unit : float
        Of the last printed digit; 1 for months.
    relation : str
        ``=``, or ``<`` of a p value.
    counted : bool
        False for a repeat, which is evaluated and not counted.
    block : str
        Part of the score it belongs to.
    """

    target_id: str
    endpoint: str
    printed: float
    text: str
    unit: float
    relation: str
    counted: bool
    block: str

    @property
    def _scale(self) -> str:
        if self.target_id.endswith(".p"):
            return "z"
        return "log" if self.block in ("univariable", "multivariable") else "plain"

    def _computed(self, value: float) -> float:
        """A printed value on the scale on which it is computed (`evaluator.Targets`)."""
        if self._scale == "plain":
            return value
        value = max(value, 1e-9)
        return math.log(value) if self._scale == "log" else float(norm.isf(min(value, 1) / 2))

    @property
    def bounds(self) -> tuple[float, float, float, float, float]:
        """Ends of what prints the same and of what is within 2 % as well, and a scale.

        The scale is half the width of the latter; for a p below a printed one, whose width has no
        end, that of the same p printed exactly.
        """
        half, share = self.unit / 2, 0.02 * abs(self.printed)
        ends = [self.printed + off for off in (-half, half, -share, share)]
        a, b, c, d = (self._computed(end) for end in ends)
        low, high = min(a, b) - 1e-9, max(a, b) + 1e-9
        near_low, near_high = min(low, c, d), max(high, c, d)
        reach = (near_high - near_low) / 2
        if self.relation == "<":
            return self._computed(self.printed), _ALL_Z, min(c, d), _ALL_Z, reach
        return low, high, near_low, near_high, reach

    def status(self, value: float) -> Status:
        """First that holds of exact, unit, two_percent and miss."""
        return status(value, self.printed, self.unit, is_limit=self.relation == "<")


def printed_numbers(row: Mapping[str, Any], counted: bool = True) -> list[Number]:
    """Printed numbers of a row of the targets file."""
    follow_up = row["endpoint"] == "follow_up"
    parts = _FOLLOW_UP if follow_up else _PARTS[row["measure"]]
    ends = dict(zip(("ci_low", "ci_high"), _ends(row["printed_ci"]), strict=False))
    ends |= dict(zip(("range_low", "range_high"), _ends(row["printed_range"]), strict=False))
    ends |= {"estimate": row["printed_text"], "p": row["printed_p"]}
    numbers = []
    for part in parts:
        text = str(ends[part])
        if row["measure"] == "median":
            unit = 1.0
        else:
            unit = 10.0 ** -len(text.partition(".")[2])
        numbers.append(
            Number(
                f"{row['target_id']}.{part}",
                "os" if follow_up else row["endpoint"],
                float(row[part]),
                text,
                unit,
                row["p_relation"] or "=",
                counted,
                _block(row),
            )
        )
    return numbers


def _ends(text: str) -> list[str]:
    return [end.strip() for end in text.replace(" to ", "–").split("–")]


def _block(row: Mapping[str, Any]) -> str:
    if row["endpoint"] == "follow_up" or row["measure"] in ("rate", "median"):
        return "curves"
    return "univariable" if row["model"] == "univariable" else "multivariable"


@dataclass(frozen=True)
class Problem:
    """Everything a search needs: arrays for the compiled code, and what they stand for.

    Attributes
    ----------
    plan : Plan
    structure : Structure
    fits : tuple of Fits
        Per endpoint.
    numbers : tuple of tuple of (Number or None)
        Per endpoint, the printed number of each element of the result.
    """

    plan: Plan
    structure: Structure
    fits: tuple[ev.Fits, ...]
    numbers: tuple[tuple[Number | None, ...], ...]

    def endpoint(self, at: int) -> Endpoint:
        """Memory of one endpoint; its loss is nothing but a pull (see `weigh`)."""
        numbers, fits = self.numbers[at], self.fits[at]
        n = self.plan.lesions if at == 2 else self.plan.patients
        size = len(numbers)
        blank = (0.0, 1.0, 0.0, 1.0, 1.0)
        bounds = np.array([blank if x is None else x.bounds for x in numbers])
        low, high, near_low, near_high, reach = (bounds[:, i].copy() for i in range(5))
        targets = ev.Targets(
            weight=np.array([0.0 if x is None else 1.0 if x.counted else 0.2 for x in numbers]),
            low=low,
            high=high,
            near_low=near_low,
            near_high=near_high,
            reach=reach,
            pull=np.ones(size),
            digit=np.zeros(size),
            verge=np.zeros(size),
        )
        work = ev.workspace(n, len(self.plan.covariates), fits)
        return Endpoint(fits, targets, work, np.zeros(size))

    def weigh(
        self,
        endpoints: Sequence[Endpoint],
        pull: float,
        digit: float = 0.0,
        verge: float = 0.0,
        p_weight: float = 1.0,
    ) -> None:
        """Set the terms of the loss (`evaluator.Targets`), and the weight of p values."""
        for numbers, endpoint in zip(self.numbers, endpoints, strict=True):
            endpoint.targets.pull[:] = pull
            endpoint.targets.digit[:] = digit
            endpoint.targets.verge[:] = verge
            for at, number in enumerate(numbers):
                if number is not None:
                    counted = 1.0 if number.counted else 0.2
                    is_p = number.target_id.endswith(".p")
                    endpoint.targets.weight[at] = counted * (p_weight if is_p else 1.0)

    def tables(self, chain_patients: Any, chain_lesions: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """A state as the endpoint-level tables patients.csv and lesions.csv."""
        plan, s = self.plan, self.structure
        names = [plan.columns[x] for x in plan.covariates]
        bits = np.column_stack(
            [
                chain_patients[:, PATIENT_COLUMNS:],
                (s.lesions == 1).astype(int),
                chain_lesions[s.first, LESION_COLUMNS:],
            ]
        )
        patients = pd.DataFrame(
            np.column_stack([np.arange(1, len(bits) + 1), chain_patients[:, :4], bits]),
            columns=["id", "os_months", "death", "pfs_months", "pfs_event", *names],
        )
        of_patient = bits[s.owner][:, : len(names) - len(plan.of_lesion)]
        lesions = pd.DataFrame(
            np.column_stack(
                [
                    np.arange(1, len(s.owner) + 1),
                    s.owner + 1,
                    chain_lesions[:, :LESION_COLUMNS],
                    of_patient,
                    chain_lesions[:, LESION_COLUMNS:],
                ]
            ),
            columns=["lesion", "patient", "lc_months", "lf", *names],
        )
        return patients, lesions

    def start(self, seed: int | Sequence[int]) -> Chain:
        """A random feasible state: exponential times, covariates dealt at random."""
        plan, s = self.plan, self.structure
        rng = np.random.default_rng(np.random.SeedSequence(seed))
        n, m = plan.patients, plan.lesions
        patients = np.zeros((n, PATIENT_COLUMNS + s.patient_covariates), dtype=np.int64)
        patients[:, 0] = np.clip(rng.exponential(28, n).round(), plan.earliest, plan.latest)
        patients[:, 1] = rng.random(n) < 0.7
        patients[:, 2] = np.ceil(patients[:, 0] * rng.uniform(0.3, 1, n))
        patients[:, 3] = (patients[:, 1] == 1) | (rng.random(n) < 0.6)
        patients[:, 2] = np.where(patients[:, 3] == 1, patients[:, 2], patients[:, 0])
        for j, name in enumerate(plan.covariates[: s.patient_covariates]):
            patients[rng.permutation(n)[: plan.ones[name]], PATIENT_COLUMNS + j] = 1
        lesions = np.zeros((m, LESION_COLUMNS + s.lesion_covariates), dtype=np.int64)
        own = patients[s.owner]
        lesions[:, 1] = (own[:, 3] == 1) & (rng.random(m) < 0.4)
        low = np.where(lesions[:, 1] == 1, own[:, 2], plan.earliest)
        lesions[:, 0] = low + np.floor(rng.random(m) * (own[:, 0] - low + 1))
        for j, name in enumerate(plan.of_lesion):
            order = rng.permutation(m)
            if s.least[j]:  # the ones to the last lesions of the patients with several first
                order = np.concatenate(
                    [order[~np.isin(order, s.first)], order[np.isin(order, s.first)]]
                )
            lesions[order[: plan.ones[name]], LESION_COLUMNS + j] = 1
            if s.least[j]:
                for first, count in zip(s.first, s.lesions, strict=True):
                    codes = lesions[first : first + count, LESION_COLUMNS + j]
                    codes.sort()
        return Chain(
            patients,
            lesions,
            np.zeros(3),
            patients.copy(),
            lesions.copy(),
            np.full(1, np.inf),
            np.array([rng.integers(2**63)], dtype=np.uint64),
            np.zeros(len(MOVES), dtype=np.int64),
            np.zeros(len(MOVES), dtype=np.int64),
        )


def problem(plan: Plan, rows: pd.DataFrame) -> Problem:
    """Problem of a plan and its study's targets.

    Parameters
    ----------
    plan : Plan
    rows : DataFrame of str
        The targets file, empty cells empty strings; `fitted_as` says how each row was computed,
        `fitted_adjusted_for` the covariates of its model where they are not `adjusted_for`.
    """
    chosen = _chosen(rows)
    fits, numbers = zip(*(_endpoint(plan, name, chosen) for name in ENDPOINTS), strict=True)
    per_patient = [k for k, n in sorted(plan.lesions_per_patient.items()) for _ in range(n)]
    first = np.concatenate(([0], np.cumsum(per_patient)[:-1])).astype(np.int64)
    structure = Structure(
        owner=np.repeat(np.arange(plan.patients), per_patient).astype(np.int64),
        first=first,
        lesions=np.array(per_patient, dtype=np.int64),
        least=np.array([int(x in plan.least_first) for x in plan.of_lesion], dtype=np.int64),
        patient_covariates=len(plan.covariates) - len(plan.of_lesion) - 1,
        lesion_covariates=len(plan.of_lesion),
        earliest=plan.earliest,
        latest=plan.latest,
    )
    return Problem(plan, structure, fits, numbers)


def _chosen(rows: pd.DataFrame) -> list[dict[str, str]]:
    """Rows with a fit that print something no earlier row prints."""
    printed = ["printed_text", "printed_ci", "printed_p"]
    known = rows.set_index("target_id")
    chosen = []
    for record in rows.to_dict("records"):
        row = {str(column): str(cell) for column, cell in record.items()}
        if not row["fitted_as"]:
            continue
        origin = row["duplicate_of"]
        if origin and all(not row[x] or _same(row[x], str(known.loc[origin, x])) for x in printed):
            continue
        chosen.append(row)
    return chosen


def _same(one: str, other: str) -> bool:
    def plain(text: str) -> list[str]:
        return [f"{float(x):g}" for x in _ends(text) if x]

    return plain(one) == plain(other)


def _endpoint(
    plan: Plan, endpoint: str, rows: Sequence[Mapping[str, str]]
) -> tuple[ev.Fits, tuple[Number | None, ...]]:
    here = [
        row
        for row in rows
        if row["endpoint"] == endpoint or (endpoint == "os" and row["endpoint"] == "follow_up")
    ]
    bit = {name: at for at, name in enumerate(plan.covariates)}
    fits: list[tuple[int, int, int, int, int]] = []
    numbers: list[Number | None] = []
    models: dict[frozenset[str], list[Mapping[str, str]]] = {}

    def add(kind: int, of: int, value: int, month: int, printed: Sequence[Number | None]) -> None:
        fits.append((kind, of, value, month, len(numbers)))
        numbers.extend(printed)

    for row in here:
        printed = printed_numbers(row, row["target_id"] not in plan.repeats)
        name, value = plan.subgroups.get(row["subgroup"], ("", 0))
        adjusted = row.get("fitted_adjusted_for") or row["adjusted_for"]
        if row["endpoint"] == "follow_up":
            add(ev.FOLLOW_UP, -1, 0, 0, printed)
        elif row["measure"] == "rate":
            add(ev.RATE, bit.get(name, -1), value, int(row["time_months"]), printed)
        elif row["measure"] == "median":
            add(ev.MEDIAN, bit.get(name, -1), value, 0, printed)
        elif adjusted and row["fitted_as"].startswith("cox"):
            names = frozenset([row["category"], *adjusted.split("; ")])
            models.setdefault(names, []).append(row)
        else:
            add(_KINDS[row["fitted_as"]], bit[row["category"]], 0, 0, printed)
    table = np.full((len(models), 4), -1, dtype=np.int64)
    for at, (names, members) in enumerate(models.items()):
        used = sorted(bit[name] for name in names)
        table[at, : len(used)] = used
        four: dict[int, list[Number]] = {
            bit[row["category"]]: printed_numbers(row) for row in members
        }
        empty: list[Number | None] = [None] * 4
        add(
            ev.MULTIVARIABLE,
            -1,
            0,
            0,
            [number for of in used for number in four.get(of, empty)],
        )
    efron = any(row["fitted_as"] == "cox.efron" for row in here)
    columns = np.array(sorted(fits, key=lambda fit: _COST[fit[0]]), dtype=np.int64)
    single = [0 if of < 0 else 1 << int(of) for of in columns[:, 1]]
    several = iter(sum(1 << int(of) for of in used if of >= 0) for used in table)
    needs = [
        next(several) if of_kind == ev.MULTIVARIABLE else one
        for of_kind, one in zip(columns[:, 0], single, strict=True)
    ]
    kinds, of_bit, values, months, slots = (columns[:, j].copy() for j in range(5))
    needed = np.array(needs, dtype=np.int64)
    return (
        ev.Fits(kinds, of_bit, values, months, slots, efron, SEARCHED, table, needed),
        tuple(numbers),
    )


_COST = {
    ev.RATE: 0,
    ev.FOLLOW_UP: 0,
    ev.LOGRANK_P: 1,
    ev.PETO: 1,
    ev.OBSERVED_EXPECTED: 1,
    ev.MEDIAN: 2,
    ev.COX: 3,
    ev.MULTIVARIABLE: 4,
}
