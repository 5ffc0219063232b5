"""Statistics of the consistency report: each finding's arithmetic, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath

from sarcoma_sbrt.evidence.consistency.findings import CHECKS, VERDICTS, Finding
from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.reporting.statistics import Statistic

__all__ = ["consistency_statistics", "finding_keys"]

METHODS = {
    "count_percentage": "percentage from the printed count, at printed precision",
    "subtotal": "sum of the parts against the total",
    "n_across_tables": "the number analysed in one place against another",
    "range": "printed value against the printed range that must contain it",
    "dose": "biologically effective doses that the printed doses and fractions allow",
    "interval_symmetry": "hazard ratio against the middle of its interval on the log scale",
    "wald_p": "Wald p from the hazard ratio and its interval, as rounding allows",
    "repeat": "the same fact in two places",
    "drift": "preprint against journal version",
    "landmark": "enumeration of death and censoring orders",
    "pooled_landmark": "pooled rate over all interleavings of the groups' orders",
}


def consistency_statistics(
    findings: Sequence[Finding], figures: Mapping[str, Figure]
) -> list[Statistic]:
    """Records of every finding and of the counts by check and verdict.

    Keys: ``consistency.<check>.<figure>`` with ``.arithmetic``, ``.verdict``, ``.where``,
    ``.place`` (shorter) and ``.subject`` (`finding_keys`); ``consistency.count.all``, ``.<check>``,
    ``.<verdict>`` and ``.<check>.<verdict>``.

    Parameters
    ----------
    findings : sequence of Finding
    figures : mapping
        All printed figures, for locators.
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
    where = "; ".join(dict.fromkeys(figure.locator for figure in concerned))
    places = "; ".join(dict.fromkeys(_place(figure) for figure in concerned))
    parts = {"arithmetic": finding.arithmetic, "verdict": finding.verdict, "where": where}
    parts |= {"place": places, "subject": _subject(concerned)}
    if finding.check == "drift":
        parts |= {"printed": finding.printed, "change": str(finding.detail.get("what", ""))}
        parts |= {name: str(finding.detail.get(name, "")) for name in ("old", "new")}
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


_WORDS = {
    "lc": "local control",
    "os": "overall survival",
    "pfs": "progression-free survival",
    "mfs": "metastasis-free survival",
    "hr": "hazard ratio",
}


def _place(figure: Figure) -> str:
    """Locator without row and column: paper and table or section."""
    paper, _, rest = figure.locator.partition(", ")
    return ", ".join(filter(None, (paper, rest.partition(", row “")[0].partition(", column")[0])))


def _subject(figures: Sequence[Figure]) -> str:
    """What a finding is about, for readers: the judged figure's key without its study."""
    if not figures:
        return ""
    suffix = figures[0].key.removeprefix(f"{figures[0].study_id}.")
    return ", ".join(_WORDS.get(part, part.replace("_", " ")) for part in suffix.split("."))


def _columns(figures: Iterable[Figure]) -> tuple[str, ...]:
    return tuple(sorted({f"published.{PurePath(figure.file).stem}" for figure in figures}))


def _counts(findings: Sequence[Finding], figures: Mapping[str, Figure]) -> Iterator[Statistic]:
    columns = _columns(figures.values())
    counts: Counter[str] = Counter({"all": len(findings)})
    counts.update(f.check for f in findings)
    counts.update(f.verdict for f in findings)
    counts.update(f"{f.check}.{f.verdict}" for f in findings)
    for name in ["all", *CHECKS, *VERDICTS, *(f"{c}.{v}" for c in CHECKS for v in VERDICTS)]:
        if counts[name]:
            yield Statistic(
                key=f"consistency.count.{name}",
                value=counts[name],
                unit="count",
                method="findings of the consistency report",
                columns=columns,
            )
