"""Statistics of the stage reproduction: each printed number beside what the cohort gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.conflicts import (
    Conflict,
    Verdict,
    least_missed,
    verdict,
)
from sarcoma_sbrt.evidence.reconstruction.nearness import STATUSES
from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS, Plan, Problem
from sarcoma_sbrt.evidence.reconstruction.reproduction import (
    CONVENTIONS,
    Counts,
    Recomputed,
    Records,
    TargetRow,
    covariates_of,
    recompute,
    score,
    shows_change,
)
from sarcoma_sbrt.evidence.reconstruction.search_record import Search, SearchRecord
from sarcoma_sbrt.reporting.statistics import Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.survival_statistics import (
    covariate_columns,
    design_for,
    endpoint_columns,
)
from sarcoma_sbrt.reporting.value_labels import label
from sarcoma_sbrt.settings import Plan as Settings

__all__ = [
    "BLOCKS",
    "LEVELS",
    "METHODS",
    "PARTS",
    "PART_WORDS",
    "STAGE",
    "STATUS_WORDS",
    "Reproduction",
    "reproduction_statistics",
    "target_table",
    "workflow_records",
]

STAGE = "reproduction"
BLOCKS = ("curves", "univariable", "multivariable")
LEVELS = {"patient": ("os", "pfs"), "lesion": ("lc",)}
"""Endpoints that are counted per patient, and per lesion."""

# Part of a printed row -> what the registry calls it beside the row's published key.
PARTS = {
    "estimate": "",
    "ci_low": ".low",
    "ci_high": ".high",
    "range_low": ".least",
    "range_high": ".most",
    "p": ".p",
}
PART_WORDS = {
    "estimate": "estimate",
    "ci_low": "lower limit",
    "ci_high": "upper limit",
    "range_low": "least",
    "range_high": "greatest",
    "p": "p",
}
STATUS_WORDS = {
    "exact": "exact",
    "unit": "within one unit of the last digit",
    "two_percent": "within 2 %",
    "miss": "further off",
}
_WHY_WORDS = {
    "impossible": "cannot be, given the others of its set",
    "jointly": "one of a set that cannot all be",
    "not_found": "not found",
}
_MILLION = 1_000_000
_UNITS: Mapping[str, Unit] = {"rate": "percent", "median": "months", "hazard_ratio": "hazard ratio"}
METHODS = {
    "descriptive": "observed times, without an estimator",
    "kaplan_meier": "Kaplan-Meier",
    "kaplan_meier.first_event": "Kaplan-Meier, an undefined upper limit as the last event time",
    "logrank.p": "log-rank test",
    "logrank.peto": "log-rank hazard ratio exp((O − E) / V), log-rank test",
    "logrank.observed_expected": "ratio of observed to expected events, log-rank test",
    "cox.efron": "Cox model, Efron ties, Wald limits and test",
    "cox.breslow": "Cox model, Breslow ties, Wald limits and test",
}
"""How a row of the targets file says that it is fitted -> method of its statistics."""


@dataclass(frozen=True)
class Reproduction:
    """Printed numbers, what the run gives for them, and what is proved about them.

    Attributes
    ----------
    problem : Problem
    rows : sequence of mapping
        The targets file.
    records : mapping of str to Records
        Of the run, by endpoint.
    recomputed : sequence of Recomputed
    conflicts : sequence of Conflict
    record : SearchRecord
    """

    problem: Problem
    rows: Sequence[TargetRow]
    records: Mapping[str, Records]
    recomputed: Sequence[Recomputed]
    conflicts: Sequence[Conflict]
    record: SearchRecord

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Why, of every number that does not print the same."""
        return {
            one.target_id: verdict(one, self.recomputed, self.conflicts)
            for one in self.recomputed
            if one.status != "exact"
        }


def workflow_records(
    plan: Plan,
    tables: Mapping[str, pd.DataFrame],
    frames: Mapping[str, pd.DataFrame],
    settings: Settings,
) -> dict[str, Records]:
    """Records of a run's endpoint tables, by endpoint.

    Parameters
    ----------
    plan : Plan
        Its covariates are those of the analysis plan, by name; one that is not there is left out.
    tables : mapping of str to DataFrame
        Endpoint tables; one that the run lacks has no records.
    frames : mapping of str to DataFrame
        Covariates per ``patient`` and per ``lesion``.
    settings : Settings
    """
    covariates = settings.analysis.covariates
    names = tuple(
        name
        for name in plan.covariates
        if name in covariates and settings.cohort.supplies(covariates[name].column)
    )
    return {
        name: Records(
            tables[name]["time_months"].to_numpy(dtype=float),
            tables[name]["event"].to_numpy(dtype=np.int64),
            design_for(tables[name], frames[settings.endpoints[name].unit], covariates, names),
        )
        for name in ENDPOINTS
        if name in tables and name in settings.endpoints
    }


def target_table(found: Reproduction) -> pd.DataFrame:
    """One row per printed number: ``results/reconstruction/targets.csv``.

    Returns
    -------
    DataFrame of str
        ``target_id``, ``endpoint``, ``block``, where it is printed (``place``, ``row``,
        ``column``), ``fitted_as`` with ``covariates``, ``printed``, ``recomputed`` (full
        precision; empty where the cohort does not give it), ``status``, ``within_two_percent``,
        ``reason`` (empty of what is exact), ``certificate`` and ``proof``.
    """
    verdicts = found.verdicts
    return pd.DataFrame(
        [_target_row(one, verdicts.get(one.target_id)) for one in found.recomputed], dtype=str
    )


def _target_row(one: Recomputed, why: Verdict | None) -> dict[str, str]:
    conflict = why.conflict if why else None
    return {
        "target_id": one.target_id,
        "endpoint": one.number.endpoint,
        "block": one.number.block,
        **{name: one.row[name] for name in ("place", "row", "column", "fitted_as")},
        "covariates": "; ".join(covariates_of(one.row)),
        "printed": one.number.text,
        "recomputed": "" if one.value is None else repr(one.value),
        "status": one.status,
        "within_two_percent": "yes" if one.near else "no",
        "reason": why.reason if why else "",
        "certificate": conflict.certificate if conflict else "",
        "proof": conflict.proof if conflict else "",
    }


# --- statistics ---------------------------------------------------------------------------------


def reproduction_statistics(
    found: Reproduction, figures: Mapping[str, Figure], settings: Settings
) -> list[Statistic]:
    """Records of every recomputed number, of the counts, the proofs, and other conventions.

    Keys: ``reproduction.<row>.<part>`` (`PARTS`, the row's key without its study) with
    ``.status`` and, of what is not exact, ``.why``; ``reproduction.<row>.subject``;
    ``reproduction.count.<whom>.<what>`` with whom an endpoint and block (``os.curves``), an
    endpoint, ``patient``, ``lesion`` or ``all``, and what ``n``, ``near``, a status, or of those
    that are not exact ``impossible``, ``jointly`` and ``not_found``; ``reproduction.proved.exact``
    and ``.near`` (how many no cohort can give) and ``reproduction.attainable.exact`` and
    ``.near`` (how many that leaves); ``reproduction.proof_<i>.numbers``,
    ``.argument`` and ``.tolerance``; ``reproduction.convention.<name>.<level>.exact`` and
    ``.near``; ``reproduction.search.…`` (seeds, their budgets, best, solutions, alternatives).

    Parameters
    ----------
    found : Reproduction
    figures : mapping of str to Figure
        Published figures, for words.
    settings : Settings
        For the columns that numbers depend on.
    """
    columns = {
        endpoint: _endpoint_columns(endpoint, found.records, settings) for endpoint in ENDPOINTS
    }
    statistics = list(_numbers(found, columns, settings))
    everything = tuple(dict.fromkeys(c for s in statistics for c in s.columns))
    statistics += _subjects(found.recomputed, figures)
    counts = [*_counts(found), *_conventions(found), *_searched(found.record)]
    statistics += [
        Statistic(
            key=f"{STAGE}.{key}",
            value=value,
            unit="count",
            method="printed numbers against recomputed ones",
            columns=everything,
            joint=True,
        )
        for key, value in counts
    ]
    statistics += _proofs(found.conflicts, figures)
    return statistics + list(_said_of_search(found.record, everything))


def _endpoint_columns(
    endpoint: str, records: Mapping[str, Records], settings: Settings
) -> tuple[str, ...]:
    if endpoint not in records:
        return ()
    return endpoint_columns(settings.endpoints[endpoint], settings.cohort)


def _stem(one: Recomputed) -> str:
    """Key of a row's statistics: its id without the study."""
    return f"{STAGE}.{one.row['target_id'].partition('.')[2]}"


def _numbers(
    found: Reproduction, columns: Mapping[str, tuple[str, ...]], settings: Settings
) -> Iterator[Statistic]:
    verdicts = found.verdicts
    for one in found.recomputed:
        own = columns[one.number.endpoint]
        why = verdicts.get(one.target_id)
        yield from _number(one, why, found.problem.plan, own, settings)


def _subjects(
    recomputed: Iterable[Recomputed], figures: Mapping[str, Figure]
) -> Iterator[Statistic]:
    for stem, row in {_stem(one): one.row["target_id"] for one in recomputed}.items():
        yield _text(f"{stem}.subject", label(figures[row]), _tables([figures[row]]))


def _number(
    one: Recomputed,
    why: Verdict | None,
    plan: Plan,
    columns: tuple[str, ...],
    settings: Settings,
) -> Iterator[Statistic]:
    covariates = settings.analysis.covariates
    group, code = plan.subgroups.get(one.row["subgroup"], ("", 0))
    names = [name for name in (*covariates_of(one.row), group) if name in covariates]
    where = {group: code} if group else {}
    table = f"endpoints/{one.number.endpoint}"
    unit: Unit = "p" if one.part == "p" else _UNITS[one.row["measure"]]
    key, method = f"{_stem(one)}.{one.part}", METHODS[one.row["fitted_as"]]
    used = (*columns, *covariate_columns(covariates[name] for name in names))
    rest: dict[str, Any] = {
        "columns": tuple(dict.fromkeys(used)),
        "joint": bool(names),
        "population": {"table": table, "filter": where},
        "rows": {"table": table, "where": where},
    }
    if one.value is None:
        yield not_estimable(key, unit, method, "this cohort does not give it", **rest)
    else:
        digits = len(one.number.text.partition(".")[2])
        yield Statistic(key=key, value=one.value, unit=unit, method=method, digits=digits, **rest)
    said = {"status": STATUS_WORDS[one.status]}
    if why is not None:
        said["why"] = _why(why)
    for name, text in said.items():
        yield Statistic(key=f"{key}.{name}", value=text, unit="text", method=method, **rest)


def _why(verdict: Verdict) -> str:
    """The verdict in a few words."""
    if verdict.kind == "not_found" and verdict.conflict is not None:
        return f"not found within 2 %; {_WHY_WORDS['jointly']} exact"
    return _WHY_WORDS[verdict.kind]


def _text(key: str, value: str, columns: tuple[str, ...]) -> Statistic:
    return Statistic(
        key=key, value=value, unit="text", method="said of printed numbers", columns=columns
    )


def _tables(figures: Iterable[Figure]) -> tuple[str, ...]:
    """Published tables that figures stand in, as columns."""
    return tuple(dict.fromkeys(f"published.{PurePath(figure.file).stem}" for figure in figures))


# --- counts -------------------------------------------------------------------------------------


def _counts(found: Reproduction) -> Iterator[tuple[str, int]]:
    verdicts = found.verdicts
    counted: Counter[str] = Counter()
    for one in found.recomputed:
        endpoint = one.number.endpoint
        level = next(name for name, endpoints in LEVELS.items() if endpoint in endpoints)
        for whom in (f"{endpoint}.{one.number.block}", endpoint, level, "all"):
            counted.update({f"{whom}.{what}": 0 for what in ("near", *STATUSES, *_WHY_WORDS)})
            counted[f"{whom}.n"] += 1
            counted[f"{whom}.near"] += one.near
            counted[f"{whom}.{one.status}"] += 1
            if one.target_id in verdicts:
                counted[f"{whom}.{verdicts[one.target_id].kind}"] += 1
    yield from ((f"count.{key}", count) for key, count in counted.items())
    for tolerance in ("exact", "near"):
        missed = least_missed(found.conflicts, tolerance)
        yield f"proved.{tolerance}", missed
        yield f"attainable.{tolerance}", len(found.recomputed) - missed


def _conventions(found: Reproduction) -> Iterator[tuple[str, int]]:
    used = [one.row for one in found.recomputed]
    for convention in CONVENTIONS:
        if shows_change(convention, used):
            scores = score(recompute(found.problem, found.rows, found.records, convention))
            yield from _by_level(f"convention.{convention.name}", scores)


def _by_level(key: str, scores: Mapping[str, Counts]) -> Iterator[tuple[str, int]]:
    for level, endpoints in {**LEVELS, "all": ENDPOINTS}.items():
        yield f"{key}.{level}.exact", sum(scores[name].exact for name in endpoints)
        yield f"{key}.{level}.near", sum(scores[name].near for name in endpoints)


def _searched(record: SearchRecord) -> Iterator[tuple[str, int]]:
    yield "search.seeds", len(record.searches)
    yield from _budget("search.longest", record.longest)
    yield from _budget("search.shorter", record.shorter)
    yield from _by_level("search.best", record.best)
    yield "search.unmet", sum(counts.of - counts.near for counts in record.best.values())
    if record.solutions is not None:
        yield "search.solutions", record.solutions.n
        yield "search.solutions.distance_near", record.solutions.distance_near
        yield "search.solutions.distance_exact", record.solutions.distance_exact
    for at, alternative in enumerate(record.alternatives, start=1):
        yield from _by_level(f"search.alternative_{at}", alternative.scores)
        yield f"search.alternative_{at}.searches", alternative.searches


def _budget(key: str, searches: Sequence[Search]) -> Iterator[tuple[str, int]]:
    """How many searches had a budget, and how far they came: the worst and the best of them."""
    if not searches:
        return
    yield f"{key}.seeds", len(searches)
    for what in ("near", "exact"):
        of = [getattr(search, what) for search in searches]
        yield f"{key}.{what}.least", min(of)
        yield f"{key}.{what}.most", max(of)


def _said_of_search(record: SearchRecord, columns: tuple[str, ...]) -> Iterator[Statistic]:
    rest: dict[str, Any] = {"columns": columns, "joint": True}
    moves = {
        name: max(search.steps for search in searches)
        for name, searches in (("longest", record.longest), ("shorter", record.shorter))
        if searches
    }
    for at, alternative in enumerate(record.alternatives, start=1):
        name = alternative.name[:1].upper() + alternative.name[1:]
        yield _text(f"{STAGE}.search.alternative_{at}.name", name, columns)
        moves[f"alternative_{at}"] = alternative.steps
    for name, steps in moves.items():
        yield Statistic(
            key=f"{STAGE}.search.{name}.million_moves",
            value=steps / _MILLION,
            unit="count",
            method="moves that each search tried, in millions",
            digits=0 if steps % _MILLION == 0 else 1,
            **rest,
        )
    if record.solutions is not None:
        yield Statistic(
            key=f"{STAGE}.search.solutions.least_difference",
            value=100 * record.solutions.least_difference,
            unit="percent",
            method="rows of patients that differ between two solutions, the least of all pairs",
            **rest,
        )


# --- proofs -------------------------------------------------------------------------------------


def _proofs(conflicts: Iterable[Conflict], figures: Mapping[str, Figure]) -> Iterator[Statistic]:
    for at, conflict in enumerate(conflicts, start=1):
        key = f"{STAGE}.proof_{at}"
        concerned = [figures[target.rpartition(".")[0]] for target in conflict.targets]
        texts = {
            "numbers": _named(conflict.targets, figures),
            "argument": conflict.proof,
            "tolerance": STATUS_WORDS["exact" if conflict.tolerance == "exact" else "two_percent"],
        }
        yield from (
            _text(f"{key}.{name}", text, _tables(concerned)) for name, text in texts.items()
        )


def _named(targets: Sequence[str], figures: Mapping[str, Figure]) -> str:
    """Printed numbers in words: rows, and of a ratio which of its numbers."""
    parts: dict[str, list[str]] = {}
    for target in targets:
        row, _, part = target.rpartition(".")
        parts.setdefault(row, []).append(PART_WORDS[part])
    return "; ".join(
        f"{label(figures[row])}: {', '.join(of)}"
        if figures[row].measure == "hazard_ratio"
        else label(figures[row])
        for row, of in parts.items()
    )
