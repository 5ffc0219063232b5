"""Statistics of the consistency report: each finding's arithmetic, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from sarcoma_sbrt.evidence.consistency.findings import Finding
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.value_labels import label, places, wheres

__all__ = ["FAILED", "METHODS", "consistency_statistics", "finding_keys"]

METHODS = {
    "legible": "whether the printed text is a number",
    "count_percentage": "percentage from the printed count, at printed precision",
    "subtotal": "sum of the parts against the total",
    "subset": "a count against the count that it is part of",
    "population": "a count against the patients or lesions of its study",
    "n_across_tables": "the number analysed in one place against another",
    "range": "printed value against the printed range that must contain it",
    "dose": "biologically effective doses that the printed doses and fractions allow",
    "interval_symmetry": "hazard ratio against the middle of its interval on the log scale",
    "wald_p": "Wald p from the hazard ratio and its interval, as rounding allows",
    "repeat": "the same fact in two places",
    "direction": "the group that one place favours against the one that another does",
    "drift": "preprint against journal version",
    "landmark": "enumeration of death and censoring orders",
    "pooled_landmark": "pooled rate over all interleavings of the groups' orders",
}
# Verdicts on two or more printed numbers that cannot all hold.
FAILED = ("inconsistent", "impossible")
# What became of a number between two versions, by `detail["kind"]` of its finding.
_VERSIONS = {
    "unchanged": "unchanged",
    "changed_value": "changed",
    "moved": "moved",
    "input_changed": "unchanged_inputs_changed",
}
_ONE_VERSION = {
    "earlier version only": "preprint_only",
    "later version only": "journal_only",
}
_RELABELLED = "labels swapped and number inverted"


def consistency_statistics(
    findings: Sequence[Finding], figures: Mapping[str, Figure]
) -> list[Statistic]:
    """Records of every finding and of the counts by check and verdict.

    Keys: ``consistency.<check>.<figure>`` with ``.arithmetic``, ``.verdict``, ``.where``,
    ``.place`` (shorter), ``.subject`` (what the number is, in words) and, where there are any,
    ``.remarks`` and ``.reason`` (`finding_keys`); of drift ``.old``, ``.new``, ``.contrast``,
    ``.turned`` (the earlier ratio in the later order), ``.change`` and ``.kind`` as well.
    ``consistency.count.all``, ``.<check>``, ``.<verdict>``, ``.<check>.<verdict>``, ``.failed`` and
    ``.facts`` (of those that fail: one slip can fail several checks);
    ``consistency.versions.<what>``, of the numbers of two versions of a study: ``moved``,
    ``changed``, ``unchanged_inputs_changed``, ``relabelled``, ``unchanged``, ``preprint_only`` and
    ``journal_only``.

    Parameters
    ----------
    findings : sequence of Finding
    figures : mapping
        All printed numbers, for locators and words.
    """
    said = [
        record
        for key, finding in zip(finding_keys(findings), findings, strict=True)
        for record in _said(key, finding, figures)
    ]
    return [*said, *_counts(findings, figures)]


def finding_keys(findings: Iterable[Finding]) -> list[str]:
    """Key of each finding; a second one of the same check and figure is numbered."""
    seen: Counter[str] = Counter()
    keys = []
    for finding in findings:
        key = f"consistency.{finding.check}.{finding.keys[0]}"
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}.{seen[key]}")
    return keys


def _said(key: str, finding: Finding, figures: Mapping[str, Figure]) -> Iterator[Statistic]:
    concerned = [figures[k] for k in finding.keys if k in figures]
    parts = {
        "arithmetic": finding.arithmetic,
        "verdict": finding.verdict.replace("_", " "),
        "where": wheres(concerned),
        "place": places(concerned),
        "subject": _subject(finding, concerned),
        "remarks": "; ".join(_texts(finding.detail.get("remarks"))),
        "reason": "; ".join(_texts(finding.detail.get("reason"))),
    }
    if finding.check == "drift":
        parts |= _between_versions(finding, concerned)
    for part, text in parts.items():
        if text:
            yield Statistic(
                key=f"{key}.{part}",
                value=text,
                unit="text",
                method=METHODS[finding.check],
                columns=_columns(concerned),
                rows={"published": list(finding.keys)},
            )


def _subject(finding: Finding, concerned: Sequence[Figure]) -> str:
    """What is judged, in words: a total with its split, rates of a curve with their times."""
    if not concerned:
        return ""
    first, told = concerned[0], label(concerned[0])
    splits = {f.partition for f in concerned[1:] if f.partition}
    if finding.check == "subtotal" and len(splits) == 1:
        return f"{told} by {splits.pop().replace('_', ' ')}"
    if finding.check not in ("landmark", "pooled_landmark") or first.time_months is None:
        return told
    whom = (first.measure, first.endpoint, first.subgroup, first.arm)
    same = (f for f in concerned if (f.measure, f.endpoint, f.subgroup, f.arm) == whom)
    times = [f"{months:g}" for months in sorted({f.time_months for f in same if f.time_months})]
    listed = " and ".join(filter(None, (", ".join(times[:-1]), times[-1])))
    return told.replace(f"at {first.time_months:g} months", f"at {listed} months")


def _texts(value: object) -> list[str]:
    if isinstance(value, (list, tuple)):
        return [str(item) for item in value]
    return [] if value in (None, "") else [str(value)]


def _between_versions(finding: Finding, concerned: Sequence[Figure]) -> dict[str, str]:
    compared = [f"{f.level} vs {f.reference}" for f in concerned if f.level and f.reference]
    return {
        "change": _what(finding),
        "contrast": " → ".join(dict.fromkeys(compared)),
        **{name: str(finding.detail.get(name) or "") for name in ("kind", "old", "new", "turned")},
    }


def _columns(figures: Iterable[Figure]) -> tuple[str, ...]:
    return tuple(sorted({f"published.{PurePath(figure.file).stem}" for figure in figures}))


def _counts(findings: Sequence[Finding], figures: Mapping[str, Figure]) -> Iterator[Statistic]:
    counts: Counter[str] = Counter({"count.all": len(findings)})
    counts.update(f"count.{f.check}" for f in findings)
    counts.update(f"count.{f.verdict}" for f in findings)
    counts.update(f"count.{f.check}.{f.verdict}" for f in findings)
    failed = [f for f in findings if f.verdict in FAILED]
    counts["count.failed"] = len(failed)
    counts["count.facts"] = len({_fact(f) for f in failed})
    drifted = [f for f in findings if f.check == "drift"]
    counts.update(f"versions.{_became(f)}" for f in drifted)
    for name, count in counts.items():
        if count:
            yield Statistic(
                key=f"consistency.{name}",
                value=count,
                unit="count",
                method="findings of the consistency report",
                columns=_columns(figures.values()),
            )


def _fact(finding: Finding) -> str:
    """The fact that a finding is about; a finding that names none is its own."""
    return str(finding.detail.get("fact") or f"{finding.check}.{finding.keys[0]}")


def _became(finding: Finding) -> str:
    what, kind = _what(finding), str(finding.detail.get("kind", ""))
    if what == _RELABELLED:
        return "relabelled"
    return _ONE_VERSION.get(what) or _VERSIONS[kind]


def _what(finding: Finding) -> str:
    return str(finding.detail.get("what", ""))
