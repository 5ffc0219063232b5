"""Two versions of one study: what changed, what stayed, and what stayed although it should move."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Literal

from sarcoma_sbrt.evidence.consistency.findings import Finding, Verdict
from sarcoma_sbrt.evidence.consistency.readings import estimate, shown
from sarcoma_sbrt.evidence.consistency.repeats import Comparison, comparisons
from sarcoma_sbrt.evidence.consistency.rounding import PrintedValue, same_at_coarser
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["drift"]

_RATIOS = ("hazard_ratio", "odds_ratio")
_OUTCOMES = ("rate", "median")
_ONE = Fraction(1)

Labels = Literal["same", "swapped", "other cut", "other labels"]
Paired = Mapping[str, tuple[Figure | None, Figure | None]]


def drift(old: Sequence[Figure], new: Sequence[Figure]) -> list[Finding]:
    """What became of every figure between two versions of a study.

    Primary figures (no `duplicate_of`) are paired by their key without the study. A contrast has
    moved when its number stayed (or turned into its reciprocal) while the labels do not follow,
    or when it now lies on the other side of 1 relative to the same group of patients. Which label
    names the lower group is read from cuts ("≤ 5 cm", "2–3") and grades of differentiation;
    labels that say no order are compared as texts.

    Parameters
    ----------
    old, new : sequence of Figure
        Each of one study.

    Returns
    -------
    list of Finding
        Of check ``drift``, one for each key suffix, in the order of the old version and then what
        only the new one has. ``detail["what"]`` is ``unchanged``, ``changed``, ``only in old``,
        ``only in new``, ``label moved``, ``direction moved``, ``labels swapped and number
        inverted`` or ``unchanged although an input changed``; ``detail["inputs"]`` lists the
        inputs of a contrast (its covariate's categories, its endpoint's own rates and medians)
        that changed.

    Raises
    ------
    ValueError
        When one version holds figures of several studies.
    """
    paired = _paired(_by_suffix(old), _by_suffix(new))
    return [_drifted(suffix, before, after, paired) for suffix, (before, after) in paired.items()]


def _by_suffix(figures: Sequence[Figure]) -> dict[str, Figure]:
    studies = sorted({figure.study_id for figure in figures})
    if len(studies) > 1:
        raise ValueError(f"a version is one study's, these are of {', '.join(studies)}")
    return {
        figure.key.removeprefix(f"{figure.study_id}."): figure
        for figure in figures
        if not figure.duplicate_of
    }


def _paired(old: Mapping[str, Figure], new: Mapping[str, Figure]) -> Paired:
    return {suffix: (old.get(suffix), new.get(suffix)) for suffix in dict.fromkeys([*old, *new])}


def _drifted(suffix: str, old: Figure | None, new: Figure | None, paired: Paired) -> Finding:
    if old is None or new is None:
        return _alone(suffix, old, new)
    compared = comparisons(old, new)
    stayed = all(c.same for c in compared) and _same_time(old, new)
    detail: dict[str, object] = {"different": [c.quantity for c in compared if not c.same]}
    if old.measure in _RATIOS:
        verdict, what, detail["labels"] = _contrast(old, new, stayed)
        detail["inputs"] = inputs = list(_inputs_changed(suffix, new, paired))
        if what == "unchanged" and inputs:
            what = "unchanged although an input changed"
    else:
        verdict = what = "unchanged" if stayed else "changed"
    return Finding(
        "drift",
        (old.key, new.key),
        verdict,
        f"{shown(old)} → {shown(new)}",
        what,
        _line(old, new, compared),
        {"suffix": suffix, "old": shown(old), "new": shown(new), "what": what, **detail},
    )


def _alone(suffix: str, old: Figure | None, new: Figure | None) -> Finding:
    what = "only in new" if old is None else "only in old"
    before, after = ("" if figure is None else shown(figure) for figure in (old, new))
    keys = tuple(figure.key for figure in (old, new) if figure is not None)
    detail = {"suffix": suffix, "old": before, "new": after, "what": what}
    return Finding("drift", keys, "changed", before or after, what, what, detail)


def _same_time(old: Figure, new: Figure) -> bool:
    return old.time_months == new.time_months


def _line(old: Figure, new: Figure, compared: Sequence[Comparison]) -> str:
    parts = [c.text(equal="=", unequal="→") for c in compared]
    if not _same_time(old, new):
        parts.append(f"time {_months(old)} → {_months(new)}")
    if (old.level, old.reference) != (new.level, new.reference):
        parts.append(f"{old.level} vs {old.reference} → {new.level} vs {new.reference}")
    return "; ".join(parts) or "nothing of one kind to compare"


def _months(figure: Figure) -> str:
    return "not given" if figure.time_months is None else f"{figure.time_months:g} months"


# --- contrasts ----------------------------------------------------------------------------


def _contrast(old: Figure, new: Figure, stayed: bool) -> tuple[Verdict, str, str]:
    labels = _labels(old, new)
    before, after = estimate(old), estimate(new)
    if before is None or after is None:
        return ("unchanged", "unchanged", labels) if stayed else ("changed", "changed", labels)
    same, inverted = same_at_coarser(before, after), _reciprocal(before, after)
    if same and labels != "same":
        return "moved", "label moved", labels
    if inverted and not same and labels != "swapped":
        return "moved", "label moved", labels
    if inverted and labels == "swapped":
        return "unchanged", "labels swapped and number inverted", labels
    if _direction_moved(before, after, labels):
        return "moved", "direction moved", labels
    return ("unchanged", "unchanged", labels) if stayed else ("changed", "changed", labels)


def _reciprocal(first: PrintedValue, second: PrintedValue) -> bool:
    bounds = first.interval
    if bounds.low == 0:
        return False
    return 1 / bounds.high <= second.interval.high and second.interval.low <= 1 / bounds.low


def _direction_moved(before: PrintedValue, after: PrintedValue, labels: Labels) -> bool:
    """Whether the ratio changed sides of 1, seen from the same group of patients."""
    sides = _side(before), _side(after)
    if labels == "other labels" or 0 in sides:
        return False
    return (sides[0] != sides[1]) != (labels == "swapped")


def _side(ratio: PrintedValue) -> int:
    """-1 below 1, +1 above, 0 where rounding leaves it open."""
    if _ONE in ratio.interval:
        return 0
    return 1 if ratio.value > 1 else -1


def _labels(old: Figure, new: Figure) -> Labels:
    before = _folded(old.level), _folded(old.reference)
    after = _folded(new.level), _folded(new.reference)
    if before == after:
        return "same"
    if before == after[::-1]:
        return "swapped"
    groups = [_group(label) for label in (*before, *after)]
    known = [group for group in groups if group is not None]
    if len(known) < len(groups) or len({group.kind for group in known}) > 1:
        return "other labels"
    return _ordered(known)


def _ordered(groups: Sequence[_Group]) -> Labels:
    level, reference, new_level, new_reference = groups
    if (level < reference) != (new_level < new_reference):
        return "swapped"
    return "same" if (level, reference) == (new_level, new_reference) else "other cut"


def _folded(label: str) -> str:
    return re.sub(r"\s+", " ", label.casefold().replace("–", "-")).strip()


@dataclass(frozen=True, order=True)
class _Group:
    """A group of patients on an ordered scale, as a label names it.

    Attributes
    ----------
    kind : str
        ``grade``, or the unit of a cut.
    low, high : float
        Ends of the group.
    """

    kind: str
    low: float
    high: float


# 1 is the least malignant. "Low differentiation" is poor differentiation, "low grade" is not.
_DIFFERENTIATION = {"well": 1, "high": 1, "moderate": 2, "intermediate": 2, "poor": 3, "low": 3}
_GRADE = {"low": 1, "intermediate": 2, "high": 3}
_SCALES = {"mm": ("mm", 1.0), "cm": ("mm", 10.0)}
_CUT = re.compile(r"([<>≤≥]|<=|>=)\s*(\d+(?:\.\d+)?)\s*([a-z]*)")
_NUMBERS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")


def _group(label: str) -> _Group | None:
    """The group that a folded label names, where it can be placed on a scale."""
    if "differentiat" in label:
        return _graded([n for word, n in _DIFFERENTIATION.items() if word in label])
    if named := re.findall(r"\bg(?:rade )?(\d)", label):
        return _graded([int(digit) for digit in named])
    if "grade" in label:
        return _graded([n for word, n in _GRADE.items() if word in label])
    if cut := _CUT.fullmatch(label):
        return _side_of_cut(*cut.groups())
    if numbers := _NUMBERS.fullmatch(label):
        return _Group("", float(numbers[1]), float(numbers[2] or numbers[1]))
    return None


def _graded(grades: Sequence[int]) -> _Group | None:
    return _Group("grade", float(min(grades)), float(max(grades))) if grades else None


def _side_of_cut(relation: str, number: str, unit: str) -> _Group:
    kind, factor = _SCALES.get(unit, (unit, 1.0))
    cut = float(number) * factor
    return _Group(kind, -inf, cut) if relation[0] in "<≤" else _Group(kind, cut, inf)


# --- inputs of a contrast -------------------------------------------------------------------


def _inputs_changed(suffix: str, contrast: Figure, paired: Paired) -> Iterator[str]:
    """What a ratio is computed from and that differs between the versions, each in a few words."""
    covariates = suffix.split(".")[1:-1]
    for name, (old, new) in paired.items():
        figure = new if new is not None else old
        if figure is not None and _is_input(figure, contrast, covariates):
            yield from _change(name, old, new, figure.measure not in _OUTCOMES)


def _is_input(figure: Figure, contrast: Figure, covariates: Sequence[str]) -> bool:
    if figure.subgroup or figure.arm != contrast.arm:
        return False
    if figure.measure in ("count", "proportion"):
        families = tuple(covariates) + tuple(f"{name}_class" for name in covariates)
        return bool(figure.category) and figure.endpoint in families
    return figure.measure in _OUTCOMES and figure.endpoint == contrast.endpoint


def _change(name: str, old: Figure | None, new: Figure | None, lone: bool) -> Iterator[str]:
    """One change; a category that only one version has (`lone`) is another cut."""
    if old is not None and new is not None:
        if not all(c.same for c in comparisons(old, new)):
            yield f"{name}: {shown(old)} → {shown(new)}"
    elif lone:
        present, version = (old, "old") if old is not None else (new, "new")
        yield f"{name}: {shown(present)} only in {version}" if present is not None else name
