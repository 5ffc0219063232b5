"""Printed marginals that cannot all hold, found by computation, each with its reasoning.

A conflict is ``impossible`` where the printed numbers exclude each other, ``conditional`` where
they do under a reading that the paper does not state, ``wording`` where the words differ and the
numbers need not. What was checked and holds is ``possible``, with an example where one is needed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.agreement import (
    Marginal,
    Printed,
    Queries,
    holds,
    printed_parts,
)
from sarcoma_sbrt.evidence.reconstruction.feasibility import Demand, irreducible
from sarcoma_sbrt.evidence.reconstruction.marginals import count_of
from sarcoma_sbrt.evidence.reconstruction.prescriptions import (
    PrescriptionTable,
    described,
    judged,
    prescription_table,
)

__all__ = ["VERDICTS", "Conflict", "conflicts", "reasons", "replaced"]

Verdict = Literal["impossible", "conditional", "wording", "possible"]
VERDICTS: tuple[Verdict, ...] = ("impossible", "conditional", "wording", "possible")

# Findings of the consistency report that say no by themselves, and that the report explains.
_FAILED = ("inconsistent", "impossible")
# Checks of survival rates, which stand on the counts of their groups.
_OF_RATES = ("landmark", "pooled_landmark")
# A class as a row or a level names it, and the sign of the class below a cut by that above it.
_CLASS = re.compile(r"([<≤>≥])\s*(\d+(?:\.\d+)?)")
_LOWER = {"≥": "<", ">": "≤"}


@dataclass(frozen=True)
class Conflict:
    """Printed numbers held against each other.

    Attributes
    ----------
    check : str
        What was looked at.
    keys : tuple of str
        Printed figures concerned.
    verdict : str
        Of `VERDICTS`.
    statement : str
        What is printed, set against each other.
    reasoning : str
        One line that a reader can follow.
    kept : str
        What the tables keep, where that is a choice; see `reasons` for what they give up.
    certificate : mapping
        Numbers behind the reasoning, as JSON can hold them.
    """

    check: str
    keys: tuple[str, ...]
    verdict: Verdict
    statement: str
    reasoning: str
    kept: str = ""
    certificate: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The conflict as JSON can hold it."""
        return {
            "check": self.check,
            "keys": list(self.keys),
            "verdict": self.verdict,
            "statement": self.statement,
            "reasoning": self.reasoning,
            "kept": self.kept,
            "certificate": dict(self.certificate),
        }


def conflicts(
    content: Mapping[str, Any],
    figures: Mapping[str, Figure],
    findings: Sequence[Mapping[str, Any]],
) -> list[Conflict]:
    """Everything that was held against each other, in the order of the checks.

    Parameters
    ----------
    content : mapping
        ``config/reconstruction/<study>-marginals.yaml``.
    figures : mapping of Figure
        Printed figures by key.
    findings : sequence of mapping
        Findings of the run's consistency report, as its file has them.

    Raises
    ------
    InputError
        For every name that is no printed figure of the study.
    """
    study, asked = content["study"], content["conflicts"]
    problems = _unknown(study, asked, figures)
    if problems:
        raise InputError(problems)
    recount, expansion = content["recount"], content["expansion"]
    table = prescription_table(
        study, figures, float(expansion["bed_cut_gy"]), float(expansion["alpha_beta_gy"])
    )
    return [
        *_found_before(study, figures, recount, findings),
        *_several_lesions(study, figures, asked.get("several_lesions")),
        *_medians(study, figures, recount),
        *_cross_classified(study, figures, recount),
        *_prescribed(table, asked.get("dose_steps_gy", ())),
        *_quotients(study, figures, asked.get("quotients", ())),
        *_labels(study, figures),
        *_one_name(study, figures, asked.get("one_name", ())),
    ]


def reasons(
    marginals: Iterable[Marginal], found: Sequence[Conflict]
) -> dict[str, tuple[str, Conflict | None]]:
    """Why each marginal that the tables do not give exactly is not, by target.

    ``impossible`` with the conflict that proves it, else ``not found``.
    """
    why: dict[str, tuple[str, Conflict | None]] = {}
    for marginal in marginals:
        if marginal.status != "exact":
            proof = next(
                (c for c in found if c.verdict == "impossible" and marginal.figure.key in c.keys),
                None,
            )
            why[marginal.target_id] = ("impossible" if proof else "not found", proof)
    return why


def replaced(
    conflict: Conflict, marginals: Sequence[Marginal]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Targets of a conflict that the tables give exactly, and those that they do not."""
    of = [m for m in marginals if m.figure.key in conflict.keys]
    kept = tuple(m.target_id for m in of if m.status == "exact")
    return kept, tuple(m.target_id for m in of if m.status != "exact")


# --- what the consistency report found already ----------------------------------------------


def _found_before(
    study: str,
    figures: Mapping[str, Figure],
    recount: Queries,
    findings: Sequence[Mapping[str, Any]],
) -> Iterator[Conflict]:
    """Failed findings about a marginal, or about rates of groups that marginals count."""
    counted = {f"{study}.{name}" for unit in ("patients", "lesions") for name in recount[unit]}
    for finding in findings:
        keys = [key for key in finding["keys"] if key in figures]
        if finding["verdict"] not in _FAILED or not keys:
            continue
        if any(not figures[key].study_id == figures[key].paper == study for key in keys):
            continue
        concerned = {key for key in keys if {key, figures[key].duplicate_of} & counted}
        groups: list[str] = []
        if finding["check"] in _OF_RATES:
            groups = [k for key in keys for k in figures[key].n_from if figures[k].part_of]
        if concerned or groups:
            yield Conflict(
                finding["check"],
                tuple(dict.fromkeys([*keys, *groups])),
                "impossible",
                finding["printed"],
                finding["arithmetic"],
                certificate={"finding": finding["id"]},
            )


# --- patients against lesions, medians against classes ---------------------------------------


def _several_lesions(
    study: str, figures: Mapping[str, Figure], asked: Mapping[str, Any] | None
) -> Iterator[Conflict]:
    """Whether the numbers of patients with one and with several lesions give the lesions."""
    if asked is None:
        return
    names = [f"{study}.{asked[name]}" for name in ("single", "several", "lesions")]
    single, several, lesions = (count_of(figures[key]) or 0 for key in names)
    each = list(asked["each"])
    ways = [
        list(split)
        for split in itertools.product(range(several + 1), repeat=len(each))
        if sum(split) == several
        and single + sum(k * n for k, n in zip(each, split, strict=True)) == lesions
    ]
    listed = " or ".join(str(k) for k in each)
    yield Conflict(
        "patients_and_lesions",
        tuple(names),
        "possible" if ways else "impossible",
        f"{single} patients with one lesion, {several} with {listed}; {lesions} lesions",
        _split(ways, each, single, several, lesions),
        certificate={"lesions_each": each, "patients_each": ways},
    )


def _split(
    ways: Sequence[Sequence[int]], each: Sequence[int], single: int, several: int, lesions: int
) -> str:
    if not ways:
        most, least = single + max(each) * several, single + min(each) * several
        return f"{single} + {several} patients have {least}–{most} lesions, printed {lesions}"
    sums = [
        " + ".join([str(single), *(f"{n} × {k}" for k, n in zip(each, way, strict=True))])
        for way in ways
    ]
    ending = "and no other split" if len(ways) == 1 else f"{len(ways)} splits do"
    return f"{sums[0]} = {lesions}, {ending}"


def _medians(study: str, figures: Mapping[str, Figure], recount: Queries) -> Iterator[Conflict]:
    """Whether a median lies on the side of a cut on which the middle of the counts lies."""
    for unit in ("patients", "lesions"):
        for name, query in recount[unit].items():
            figure = figures[f"{study}.{name}"]
            if "spread" in query and figure.n:
                for other, split in _splits(query["spread"], recount[unit]).items():
                    yield _median(figure, figures[f"{study}.{other}"], split)


def _splits(column: str, queries: Mapping[str, Any]) -> dict[str, tuple[str, float]]:
    """Figures that count one side of a cut through a column, with the side."""
    return {
        name: next(iter(query[column].items()))
        for name, query in queries.items()
        if list(query) == [column]
        and isinstance(query[column], Mapping)
        and len(query[column]) == 1
    }


def _median(figure: Figure, counted: Figure, split: tuple[str, float]) -> Conflict:
    side, cut = split
    n, count = figure.n or 0, count_of(counted) or 0
    parts = {part.part: part for part in printed_parts(figure)}
    middle, half = parts["median"].value, parts["median"].unit / 2
    # Both middle values lie on the counted side, on the other, or one on each.
    inside, outside = count > n // 2, n - count > n // 2
    below, above = (inside, outside) if side in ("below", "at_most") else (outside, inside)
    fails = (below and middle - half > cut) or (above and middle + half < cut)
    where = "up to" if below else "from" if above else "around"
    ranks = f"values {n // 2} and {n // 2 + 1} of {n} lie"
    if n % 2:
        ranks = f"value {n // 2 + 1} of {n} lies"
    return Conflict(
        "median_and_classes",
        (figure.key, counted.key),
        "impossible" if fails else "possible",
        f"median {parts['median'].text} of {n}; {count} {side.replace('_', ' ')} {cut:g}",
        f"{ranks} {where} {cut:g}; printed median {parts['median'].text}",
        certificate={"n": n, "count": count, "cut": cut},
    )


# --- counts of several columns ---------------------------------------------------------------


def _cross_classified(
    study: str, figures: Mapping[str, Figure], recount: Queries
) -> Iterator[Conflict]:
    """Whether one table has all the printed counts of columns that are counted together."""
    for unit in ("patients", "lesions"):
        plain = {
            name: query
            for name, query in recount[unit].items()
            if "spread" not in query
            and "not" not in query
            and not any(c.startswith(("treatments.", "toxicities.")) for c in query)
            and count_of(figures[f"{study}.{name}"]) is not None
        }
        for columns in _joined(plain.values()):
            if len(columns) > 1:
                within = {k: q for k, q in plain.items() if set(q) <= columns}
                yield _table(study, figures, sorted(columns), within)


def _joined(queries: Iterable[Mapping[str, Any]]) -> list[set[str]]:
    """Sets of columns that some query asks together."""
    sets: list[set[str]] = []
    for query in queries:
        columns = set(query)
        touched = [one for one in sets if one & columns]
        sets = [one for one in sets if one not in touched]
        if columns:
            sets.append(columns.union(*touched))
    return sets


def _table(
    study: str,
    figures: Mapping[str, Figure],
    columns: Sequence[str],
    queries: Mapping[str, Mapping[str, Any]],
) -> Conflict:
    cells = pd.DataFrame(
        list(itertools.product(*(_samples(c, queries.values()) for c in columns))),
        columns=list(columns),
    )
    demands = []
    for name, query in queries.items():
        figure = figures[f"{study}.{name}"]
        chosen = np.ones(len(cells), dtype=bool)
        for column, wanted in query.items():
            chosen &= holds(cells[column], wanted)
        count = float(count_of(figure) or 0)
        words = f"{count_of(figure)} of {name}"
        demands.append(Demand((figure.key,), words, chosen.astype(np.float64), count, count))
    clash = irreducible(demands, len(cells))
    shown = clash or demands
    listed = ", ".join(f"{f} ({count_of(figures[f])})" for d in shown for f in d.keys)
    return Conflict(
        "cross_classification",
        tuple(key for d in shown for key in d.keys),
        "impossible" if clash else "possible",
        "; ".join(d.says for d in shown),
        f"no table of {' by '.join(columns)} has {listed}"
        if clash
        else f"a table of {' by '.join(columns)} has all {len(demands)} counts",
        certificate={"columns": list(columns), "cells": len(cells)},
    )


def _samples(column: str, queries: Iterable[Mapping[str, Any]]) -> list[Any]:
    """A value of each class that queries tell apart, and one of none of them."""
    asked = [query[column] for query in queries if column in query]
    values: list[Any] = []
    for wanted in asked:
        if isinstance(wanted, Mapping):
            values += [v + off for v in wanted.values() for off in (-0.01, 0.0, 0.01)]
        else:
            values += wanted if isinstance(wanted, list) else [wanted]
    if all(isinstance(v, str) for v in values):
        return [*dict.fromkeys(values), ""]
    return sorted({float(v) for v in values} | {-1e6})


# --- prescriptions ---------------------------------------------------------------------------


def _prescribed(table: PrescriptionTable | None, steps: Iterable[float]) -> Iterator[Conflict]:
    """Whether doses on a grid can give the printed medians, ranges, classes and rows."""
    if table is None:
        return
    ranges = (table.dose.key, table.fractions.key)
    for step in steps:
        verdict = judged(table, float(step))
        grid = f"total doses in steps of {step:g} Gy"
        statement = f"prescriptions of {table.lesions} lesions, {grid}"
        if verdict.clash:
            keys = dict.fromkeys([k for d in verdict.clash for k in d.keys] + list(ranges))
            yield Conflict(
                "prescriptions",
                tuple(keys),
                "conditional",
                statement,
                "within the printed ranges of dose and fractions none can have: "
                f"{described(verdict.clash)}",
                certificate={"step_gy": step, "clash": [d.says for d in verdict.clash]},
            )
            continue
        least, most = verdict.others_from_cut or (0, 0)
        yield Conflict(
            "prescriptions",
            (table.others.key, table.bed10.key, table.from_cut.key, *ranges),
            "possible",
            statement,
            f"possible, with {least}–{most} of the {count_of(table.others)} others from "
            f"{table.cut_gy:g} Gy on"
            if verdict.example
            else "not decided",
            certificate={
                "step_gy": step,
                "others_from_cut": [least, most],
                "example": [list(row) for row in verdict.example],
            },
        )


# --- readings --------------------------------------------------------------------------------


def _quotients(
    study: str, figures: Mapping[str, Figure], asked: Iterable[Mapping[str, Any]]
) -> Iterator[Conflict]:
    """Whether a printed range is one that a quotient of two others can have."""
    for one in asked:
        of, divisor = figures[f"{study}.{one['of']}"], figures[f"{study}.{one['divisor']}"]
        scale = 0.01 if one["divisor_percent"] else 1.0
        least_d, most_d = _ends(divisor, scale)
        fixed = not isinstance(one["dividend"], str)
        keys = [of.key, divisor.key]
        if fixed:
            least_n = most_n = (float(one["dividend"]),) * 2
        else:
            dividend = figures[f"{study}.{one['dividend']}"]
            keys.append(dividend.key)
            least_n, most_n = _ends(dividend, 1.0)
        low = (least_n[0] / most_d[1], least_n[1] / most_d[0])
        high = (most_n[0] / least_d[1], most_n[1] / least_d[0])
        printed_low, printed_high = _ends(of, 1.0)
        # The ends of a fixed dividend's quotients are met; others need only lie within.
        fails = printed_low[1] < low[0] or printed_high[0] > high[1]
        if fixed:
            fails = fails or printed_low[0] > low[1] or printed_high[1] < high[0]
        yield Conflict(
            "reading",
            tuple(keys),
            "conditional" if fails else "possible",
            f"{of.row or of.key}, {of.printed_range}; {divisor.row or divisor.key}, "
            f"{divisor.printed_range}",
            f"if {one['reading']}, its range is {'' if fixed else 'within '}"
            f"{np.mean(low):.2f}–{np.mean(high):.2f}; printed {of.printed_range}",
            certificate={"least": list(low), "most": list(high)},
        )


def _ends(figure: Figure, scale: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits that rounding leaves to the least and to the greatest value."""
    parts: dict[str, Printed] = {part.part: part for part in printed_parts(figure)}
    least, most = (parts[name] for name in ("least", "most"))
    return (
        (scale * (least.value - least.unit / 2), scale * (least.value + least.unit / 2)),
        (scale * (most.value - most.unit / 2), scale * (most.value + most.unit / 2)),
    )


def _labels(study: str, figures: Mapping[str, Figure]) -> Iterator[Conflict]:
    """Classes that one place closes at the cut and another opens there."""
    found: dict[tuple[str, float], dict[str, dict[str, None]]] = {}
    names = _class_names(study, figures)
    for figure in _own(study, figures):
        of = {text.removesuffix("_class") for text in (figure.endpoint, figure.category)} & names
        for text in (figure.row, figure.level, figure.reference):
            for name, (sign, cut) in itertools.product(sorted(of), _CLASS.findall(text)):
                lower = _LOWER.get(sign, sign)
                signs = found.setdefault((name, float(cut)), {})
                signs.setdefault(lower, {})[figure.key] = None
    for (name, cut), signs in found.items():
        if len(signs) > 1:
            keys = tuple(dict.fromkeys(key for of in signs.values() for key in of))
            yield Conflict(
                "class_labels",
                keys,
                "wording",
                " and ".join(f"{sign} {cut:g} ({len(of)} places)" for sign, of in signs.items()),
                f"the classes of {name} differ for a value of exactly {cut:g} alone, and both "
                "hold where there is none",
                certificate={sign: list(of) for sign, of in signs.items()},
            )


def _class_names(study: str, figures: Mapping[str, Figure]) -> set[str]:
    classes = (f.endpoint for f in _own(study, figures) if f.endpoint.endswith("_class"))
    return {name.removesuffix("_class") for name in classes}


def _one_name(
    study: str, figures: Mapping[str, Figure], asked: Iterable[Mapping[str, Any]]
) -> Iterator[Conflict]:
    """Different counts that the words give one name."""
    for one in asked:
        keys = tuple(f"{study}.{name}" for name in one["keys"])
        first, second = (count_of(figures[key]) for key in keys)
        if first != second:
            yield Conflict(
                "one_name",
                keys,
                "wording",
                f"{one['name']}: {first} and {second}",
                f"{first} ≠ {second}",
                kept=one["kept"],
                certificate={"counts": [first, second]},
            )


def _own(study: str, figures: Mapping[str, Figure]) -> list[Figure]:
    return [f for f in figures.values() if f.study_id == f.paper == study]


def _unknown(study: str, asked: Mapping[str, Any], figures: Mapping[str, Figure]) -> list[Problem]:
    names = [name for one in asked.get("one_name", ()) for name in one["keys"]]
    for one in asked.get("quotients", ()):
        names += [x for x in (one["of"], one["dividend"], one["divisor"]) if isinstance(x, str)]
    lesions = asked.get("several_lesions", {})
    names += [lesions[name] for name in ("single", "several", "lesions") if name in lesions]
    file = f"config/reconstruction/{study}-marginals.yaml"
    return [
        Problem(file, 0, name, f"no printed figure of {study}")
        for name in names
        if f"{study}.{name}" not in figures
    ]
