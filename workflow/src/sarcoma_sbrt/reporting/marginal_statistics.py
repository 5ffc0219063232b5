"""Statistics of the stage marginals: printed counts, medians and ranges, and their conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

import pandas as pd

from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.evidence.reconstruction.agreement import PLACES, Marginal
from sarcoma_sbrt.evidence.reconstruction.marginal_conflicts import (
    VERDICTS,
    Conflict,
    reasons,
    replaced,
)
from sarcoma_sbrt.evidence.reconstruction.nearness import STATUSES
from sarcoma_sbrt.reporting.statistics import Statistic, Unit, not_estimable
from sarcoma_sbrt.reporting.value_labels import label, places, wheres

__all__ = [
    "STAGE",
    "conflict_keys",
    "marginal_statistics",
    "marginal_table",
]

STAGE = "marginals"

_METHOD = "counted again from the canonical tables"
_PARTS = {
    "count": "count",
    "percent": "percentage",
    "median": "median",
    "least": "least value",
    "most": "greatest value",
}
_UNITS: Mapping[str, Unit] = {"Gy": "Gy", "cm": "cm", "months": "months", "years": "years"}


def marginal_statistics(
    marginals: Sequence[Marginal],
    found: Sequence[Conflict],
    figures: Mapping[str, Figure],
) -> list[Statistic]:
    """Records of how many marginals the tables give, of those that they do not, and of conflicts.

    Keys: ``marginals.count.all`` and ``.<status>``, ``.inexact`` and ``.proved`` (of the inexact,
    those proved impossible), ``.<place>.all`` and ``.<place>.exact``; of an inexact one
    ``marginals.<target>.recomputed``, ``.why``, ``.subject`` and ``.place``;
    ``marginals.checks.all`` and ``.<verdict>``, and of every conflict
    ``marginals.conflict.<check>.<figure>`` (`conflict_keys`) with ``.statement``, ``.reasoning``,
    ``.verdict``, ``.where``, ``.place``, ``.subject`` and, where the tables take a side, ``.kept``.

    Parameters
    ----------
    marginals : sequence of Marginal
    found : sequence of Conflict
        Everything held against each other; the possible are only counted.
    figures : mapping of Figure
        All printed figures, for locators and words.
    """
    return [
        *_counts(marginals, found),
        *_inexact(marginals, found),
        *_checks(found, figures),
        *_conflicts(marginals, found, figures),
    ]


def marginal_table(marginals: Sequence[Marginal], found: Sequence[Conflict]) -> pd.DataFrame:
    """Every marginal, one row each.

    Returns
    -------
    DataFrame of str
        Columns target_id, place, row, column, printed, recomputed, status, reason.
    """
    why = reasons(marginals, found)
    rows = [
        {
            "target_id": marginal.target_id,
            "place": marginal.figure.place,
            "row": marginal.figure.row,
            "column": marginal.figure.column,
            "printed": marginal.printed.text,
            "recomputed": "" if _missing(marginal) else f"{marginal.recomputed:.12g}",
            "status": marginal.status,
            "reason": _reason(*why[marginal.target_id]) if marginal.target_id in why else "",
        }
        for marginal in marginals
    ]
    return pd.DataFrame(rows)


def conflict_keys(found: Iterable[Conflict]) -> list[str]:
    """Key of each conflict; a second one of the same check and figure is numbered."""
    seen: Counter[str] = Counter()
    keys = []
    for conflict in found:
        key = f"{STAGE}.conflict.{conflict.check}.{conflict.keys[0]}"
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}.{seen[key]}")
    return keys


def _missing(marginal: Marginal) -> bool:
    return marginal.recomputed != marginal.recomputed


def _reason(kind: str, proof: Conflict | None) -> str:
    if proof is None:
        return kind
    others = f" with {', '.join(proof.keys[1:])}" if proof.keys[1:] else ""
    return f"proved impossible{others}: {proof.reasoning}"


# --- counts -------------------------------------------------------------------------------


def _counts(marginals: Sequence[Marginal], found: Sequence[Conflict]) -> Iterator[Statistic]:
    why = reasons(marginals, found)
    counts = {"all": len(marginals)}
    counts |= {status: sum(m.status == status for m in marginals) for status in STATUSES}
    counts["inexact"] = len(why)
    counts["proved"] = sum(proof is not None for _, proof in why.values())
    for place in PLACES:
        here = [m for m in marginals if m.figure.place == place]
        counts[f"{place}.all"] = len(here)
        counts[f"{place}.exact"] = sum(m.status == "exact" for m in here)
    columns = tuple(sorted({column for m in marginals for column in m.columns}))
    for name, count in counts.items():
        yield Statistic(f"{STAGE}.count.{name}", count, "count", _METHOD, columns)


def _checks(found: Sequence[Conflict], figures: Mapping[str, Figure]) -> Iterator[Statistic]:
    counts = {"all": len(found)}
    counts |= {verdict: sum(c.verdict == verdict for c in found) for verdict in VERDICTS}
    columns = _published(figures, (key for conflict in found for key in conflict.keys))
    for name, count in counts.items():
        method = "printed marginals held against each other"
        yield Statistic(f"{STAGE}.checks.{name}", count, "count", method, columns)


# --- what does not agree ------------------------------------------------------------------


def _inexact(marginals: Sequence[Marginal], found: Sequence[Conflict]) -> Iterator[Statistic]:
    why = reasons(marginals, found)
    for marginal in marginals:
        if marginal.target_id in why:
            key = f"{STAGE}.{marginal.target_id}"
            kind, proof = why[marginal.target_id]
            unit = _unit(marginal)
            if _missing(marginal):
                none = "there are no rows"
                recomputed = f"{key}.recomputed"
                yield not_estimable(recomputed, unit, _METHOD, none, columns=marginal.columns)
            else:
                value = marginal.recomputed
                yield Statistic(f"{key}.recomputed", value, unit, _METHOD, marginal.columns)
            said = {
                "printed": marginal.printed.text,
                "subject": f"{label(marginal.figure)}: {_PARTS[marginal.printed.part]}",
                "place": places([marginal.figure]),
                "why": "proved impossible" if proof else kind,
            }
            for name, text in said.items():
                yield _text(f"{key}.{name}", text, marginal.columns)


def _unit(marginal: Marginal) -> Unit:
    part = marginal.printed.part
    if part in ("count", "percent"):
        return "count" if part == "count" else "percent"
    return _UNITS.get(marginal.figure.unit, "ratio")


def _conflicts(
    marginals: Sequence[Marginal], found: Sequence[Conflict], figures: Mapping[str, Figure]
) -> Iterator[Statistic]:
    for key, conflict in zip(conflict_keys(found), found, strict=True):
        if conflict.verdict == "possible":
            continue
        concerned = [figures[k] for k in conflict.keys]
        parts = {
            "statement": conflict.statement,
            "reasoning": conflict.reasoning,
            "verdict": conflict.verdict,
            "where": wheres(concerned),
            "place": places(concerned),
            "subject": label(concerned[0]),
        }
        columns = _published(figures, conflict.keys)
        for name, text in parts.items():
            yield _text(f"{key}.{name}", text, columns)
        if kept := _kept(conflict, marginals):
            of = [m for m in marginals if m.figure.key in conflict.keys]
            rested = tuple(sorted({column for m in of for column in m.columns}))
            yield _text(f"{key}.kept", kept, rested or columns)


def _kept(conflict: Conflict, marginals: Sequence[Marginal]) -> str:
    """What the tables keep of a conflict, and what they give up, in words."""
    if conflict.kept:
        return conflict.kept
    kept, lost = (_parts(targets) for targets in replaced(conflict, marginals))
    said = [f"{kept} kept"] if kept else []
    return ", ".join([*said, *([f"{lost} given up"] if lost else [])])


def _parts(targets: Iterable[str]) -> str:
    names = [_PARTS[target.rpartition(".")[2]] for target in targets]
    once = list(dict.fromkeys(names))
    return " and ".join(filter(None, (", ".join(once[:-1]), once[-1] if once else "")))


def _text(key: str, text: str, columns: tuple[str, ...]) -> Statistic:
    return Statistic(key, text, "text", "said of printed numbers", columns)


def _published(figures: Mapping[str, Figure], keys: Iterable[str]) -> tuple[str, ...]:
    files = {PurePath(figures[key].file).stem for key in keys}
    return tuple(sorted(f"published.{name}" for name in files))
