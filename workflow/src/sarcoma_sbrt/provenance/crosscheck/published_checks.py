"""The consistency report a second time: which findings there are, each verdict, each line.

Every check is done again in plain Python on the cells of ``data/published``: which figures it is
about, what follows from their digits, and the line of arithmetic that a reader follows. Nothing of
`sarcoma_sbrt.evidence` is used. The checks are in `published_counts`, `published_ranges`,
`published_pairs`, `published_groups`, `published_versions`, `published_curves` and
`published_pools`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import PurePath

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.published_counts import (
    legible,
    numbers_analysed,
    percentages,
    populations,
    subsets,
    subtotals,
)
from sarcoma_sbrt.provenance.crosscheck.published_curves import landmarks, lines
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure, told
from sarcoma_sbrt.provenance.crosscheck.published_groups import directions
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged, repeats
from sarcoma_sbrt.provenance.crosscheck.published_pools import pooled_landmarks
from sarcoma_sbrt.provenance.crosscheck.published_ranges import (
    dose_classes,
    doses,
    ranges,
    symmetric,
    wald,
)
from sarcoma_sbrt.provenance.crosscheck.published_versions import versions
from sarcoma_sbrt.provenance.crosscheck.published_words import subject_of_several

__all__ = ["findings", "printed_figures", "recompute"]

ENGINE = "plain Python"

_FAILED = ("inconsistent", "impossible")
_BECAME = {
    "unchanged": "unchanged",
    "changed_value": "changed",
    "moved": "moved",
    "input_changed": "unchanged_inputs_changed",
}


def recompute(materials: Materials) -> dict[str, Second]:
    """Statistics of the stage ``consistency``, by key.

    Returns
    -------
    dict of Second
        Of every finding ``.verdict``, ``.arithmetic``, ``.where``, ``.place``, ``.subject``,
        ``.remarks`` and ``.reason``, of drift what became of the number, and the counts. Of the
        lines of curves the steps alone are done again (`published_curves.lines`).
    """
    known = {figure.key: figure for figure in printed_figures(materials)}
    judged = findings(materials)
    found: dict[str, Second] = {}
    for key, one in zip(_keys(judged), judged, strict=True):
        for part, text in _parts(one, known).items():
            if text:
                found[f"{key}.{part}"] = Second(text, engine=ENGINE)
    found |= dict(lines(materials.statistics["consistency"]))
    return found | dict(_counts(judged, known))


def findings(materials: Materials) -> list[Judged]:
    """Every finding of the report judged again, in its order."""
    figures = printed_figures(materials)
    return [*_all(figures, {figure.key: figure for figure in figures}, materials)]


def printed_figures(materials: Materials) -> list[Figure]:
    """Rows of all tables of printed figures, in the package's order."""
    tables = {
        resource["name"]: next(
            rows
            for file, rows in materials.published.items()
            if PurePath(file).as_posix().endswith(resource["path"])
        )
        for resource in materials.package["resources"]
    }
    papers = {cells["paper"]: cells["label"] for _, cells in tables["papers"]}
    return [
        Figure(next(iter(cells.values())), cells, papers.get(cells["paper"], cells["paper"]))
        for name, rows in tables.items()
        if name not in ("papers", "studies")
        for _, cells in rows
    ]


def _all(
    figures: Sequence[Figure], known: Mapping[str, Figure], materials: Materials
) -> Iterator[Judged]:
    alpha_beta = Fraction(str(materials.plan.alpha_beta_gy))
    studies = [
        cells
        for file, rows in materials.published.items()
        if PurePath(file).name == "studies.csv"
        for _, cells in rows
    ]
    yield from legible(figures)
    yield from percentages(figures)
    yield from subtotals(figures, known)
    yield from subsets(figures, known)
    yield from populations(figures)
    yield from numbers_analysed(figures, known)
    yield from ranges(figures, known)
    yield from doses(figures, alpha_beta)
    yield from dose_classes(figures, alpha_beta)
    yield from symmetric(figures)
    yield from wald(figures, known)
    yield from repeats(figures, known)
    yield from directions(figures)
    yield from versions(figures, studies)
    by_study = {cells["study_id"]: cells for cells in studies}
    yield from landmarks(figures, by_study)
    yield from pooled_landmarks(figures, by_study)


# --- records ------------------------------------------------------------------------------


def _keys(judged: Sequence[Judged]) -> list[str]:
    seen: Counter[str] = Counter()
    keys = []
    for one in judged:
        key = f"consistency.{one.check}.{one.keys[0]}"
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}.{seen[key]}")
    return keys


def _parts(one: Judged, known: Mapping[str, Figure]) -> dict[str, str]:
    concerned = [known[key] for key in one.keys]
    where, place = told(concerned)
    return {
        "arithmetic": one.line,
        "verdict": one.verdict.replace("_", " "),
        "where": where,
        "place": place,
        "subject": subject_of_several(one.check, concerned) if concerned else "",
        "remarks": "; ".join(dict.fromkeys(filter(None, (f["note"] for f in concerned)))),
        "reason": one.reason,
        **one.more,
    }


def _counts(judged: Sequence[Judged], known: Mapping[str, Figure]) -> Iterator[tuple[str, Second]]:
    """Findings by check and verdict."""
    listed = [(one.check, one.verdict, one.fact(known)) for one in judged]
    counts: Counter[str] = Counter({"count.all": len(listed)})
    for check, verdict, _ in listed:
        counts.update({f"count.{check}", f"count.{verdict}", f"count.{check}.{verdict}"})
    failed = [fact for _, verdict, fact in listed if verdict in _FAILED]
    counts["count.failed"], counts["count.facts"] = len(failed), len(set(failed))
    for one in judged:
        if one.check == "drift":
            counts[f"versions.{_became(one)}"] += 1
    for name, count in counts.items():
        if count:
            yield f"consistency.{name}", Second(count, engine=ENGINE)


def _became(one: Judged) -> str:
    what = one.more["change"]
    if what == "labels swapped and number inverted":
        return "relabelled"
    alone = {"earlier version only": "preprint_only", "later version only": "journal_only"}
    return alone.get(what) or _BECAME[one.more["kind"]]
