"""Two versions of one study: what changed, what stayed, and what stayed although it should move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from sarcoma_sbrt.evidence.consistency.comparisons import Comparison, comparisons
from sarcoma_sbrt.evidence.consistency.directions import side_of_one
from sarcoma_sbrt.evidence.consistency.findings import Finding, Verdict
from sarcoma_sbrt.evidence.consistency.labels import folded, group
from sarcoma_sbrt.evidence.consistency.readings import confidence_limits, estimate, shown
from sarcoma_sbrt.evidence.consistency.repeats import adjustments
from sarcoma_sbrt.evidence.consistency.rounding import PrintedValue, same_at_coarser
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["drift"]

_RATIOS = ("hazard_ratio", "odds_ratio")
_OUTCOMES = ("rate", "median")
_SHOWN_DIGITS = 3

# The same two groups, those turned round, other groups in the same order of a scale, other groups
# in the opposite order, labels that no scale tells.
Labels = Literal["same", "swapped", "other cut", "other cut, turned", "other labels"]
Paired = Mapping[str, tuple[Figure | None, Figure | None]]
_KEPT = "unchanged although an input changed"
_GROUPS = "groups: "
_CHANGED = {"same": "changed", "swapped": "changed", "other labels": "changed, other labels"}
_KINDS = {
    "unchanged": "unchanged",
    "labels swapped and number inverted": "unchanged",
    _KEPT: "input_changed",
}


def drift(old: Sequence[Figure], new: Sequence[Figure]) -> list[Finding]:
    """What became of every figure between two versions of a study.

    Primary figures (no `duplicate_of`) are paired by their key without the study. Which label
    names the lower group is read from cuts ("≤ 5 cm", "2–3") and grades (`labels.group`); labels
    that say no order are compared as texts. Of a contrast of the same two groups

    - the label has moved when the number stayed while the labels changed places, or turned into
      its reciprocal while they did not;
    - the direction has moved when the ratio lies on the other side of 1 relative to one group.

    Of other groups (another cut, other labels) a number says little: a label has moved only where
    the order is the opposite one and the number stayed, a direction only where both intervals,
    brought to one order, lie on opposite sides of 1.

    Parameters
    ----------
    old, new : sequence of Figure
        Each of one study.

    Returns
    -------
    list of Finding
        Of check ``drift``, one for each key suffix, in the order of the old version and then what
        only the new one has. ``detail["kind"]`` is ``unchanged``, ``changed_value``,
        ``one_version``, ``moved`` or ``input_changed`` (unchanged although an input changed).
        ``detail["what"]`` says it in words: ``unchanged``, ``changed``, ``changed, other groups``,
        ``changed, other labels``, ``earlier version only``, ``later version only``, ``label
        moved``, ``direction moved`` (each with ``, other groups`` where they are), ``labels swapped
        and number inverted``, ``unchanged although an input changed``, or two of them.
        ``detail["inputs"]`` lists what a contrast is computed from and that changed: its
        covariate's categories, its endpoint's own rates and medians, its groups, its adjustment.
        Where the labels changed places ``detail["turned"]`` is the earlier ratio in the later
        order.

    Raises
    ------
    ValueError
        When one version holds figures of several studies.
    """
    paired = _paired(_by_suffix(old), _by_suffix(new))
    names = _version(old), _version(new)
    return [
        _drifted(suffix, before, after, paired)
        if before is not None and after is not None
        else _alone(suffix, before, after, names)
        for suffix, (before, after) in paired.items()
    ]


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


def _version(figures: Sequence[Figure]) -> str:
    """What readers call a version: its paper's label."""
    labels = [f.locator.partition(", ")[0] or f.paper for f in figures if f.paper == f.study_id]
    return labels[0] if labels else ""


def _drifted(suffix: str, old: Figure, new: Figure, paired: Paired) -> Finding:
    compared = comparisons(old, new)
    stayed = all(_stayed(c) for c in compared) and _same_time(old, new)
    detail: dict[str, object] = {"different": [c.quantity for c in compared if not _stayed(c)]}
    verdict: Verdict = "unchanged" if stayed else "changed"
    what, line = str(verdict), _line(old, new, compared)
    if old.measure in _RATIOS:
        inputs = list(_inputs_changed(suffix, old, new, paired))
        verdict, what, labels = _contrast(old, new, stayed, inputs)
        turned = _turned(old) if labels in ("swapped", "other cut, turned") else ""
        detail |= {"labels": labels, "inputs": inputs, "turned": turned}
        line += f"; the earlier one turned round: {turned}" if turned else ""
    return Finding(
        "drift",
        (old.key, new.key),
        verdict,
        f"{shown(old)} → {shown(new)}",
        what,
        line,
        {
            "suffix": suffix,
            "old": shown(old),
            "new": shown(new),
            "what": what,
            "kind": "moved" if verdict == "moved" else _KINDS.get(what, "changed_value"),
            **detail,
        },
    )


def _stayed(comparison: Comparison) -> bool:
    """Whether both versions print the same; two bounds that can both hold are still two."""
    return comparison.same and not (comparison.bound and comparison.first != comparison.second)


def _alone(suffix: str, old: Figure | None, new: Figure | None, names: tuple[str, str]) -> Finding:
    version, name = ("earlier", names[0]) if new is None else ("later", names[1])
    before, after = ("" if figure is None else shown(figure) for figure in (old, new))
    keys = tuple(figure.key for figure in (old, new) if figure is not None)
    what = f"{version} version only"
    detail = {"suffix": suffix, "old": before, "new": after, "what": what, "kind": "one_version"}
    line = f"{what}: {name}" if name else what
    return Finding(
        "drift", keys, "changed", before or after, what, line, detail | {"version": name}
    )


def _same_time(old: Figure, new: Figure) -> bool:
    return old.time_months == new.time_months


def _line(old: Figure, new: Figure, compared: Sequence[Comparison]) -> str:
    parts = [_compared_text(c) for c in compared]
    if not _same_time(old, new):
        parts.append(f"time {_months(old)} → {_months(new)}")
    if (old.level, old.reference) != (new.level, new.reference):
        parts.append(_labels_text(old, new))
    return "; ".join(parts) or "nothing of one kind to compare"


def _compared_text(comparison: Comparison) -> str:
    mark = "=" if _stayed(comparison) else "→"
    return f"{comparison.quantity} {comparison.first} {mark} {comparison.second}"


def _labels_text(old: Figure, new: Figure) -> str:
    return f"{old.level} vs {old.reference} → {new.level} vs {new.reference}"


def _months(figure: Figure) -> str:
    return "not given" if figure.time_months is None else f"{figure.time_months:g} months"


# --- contrasts ----------------------------------------------------------------------------


def _contrast(
    old: Figure, new: Figure, stayed: bool, inputs: Sequence[str]
) -> tuple[Verdict, str, Labels]:
    """Verdict, what happened in words, and what became of the labels."""
    labels = _labels(old, new)
    before, after = estimate(old), estimate(new)
    moved = ""
    if before is not None and after is not None:
        of_groups = _moved if labels in ("same", "swapped") else _moved_with_groups
        moved = of_groups(_Pair(old, new, before, after, labels))
    if moved == "inverted":
        return "unchanged", "labels swapped and number inverted", labels
    if moved:
        further = [one for one in inputs if not one.startswith(_GROUPS)]
        return "moved", f"{moved}; {_KEPT}" if stayed and further else moved, labels
    if stayed:
        return "unchanged", _KEPT if inputs else "unchanged", labels
    return "changed", _CHANGED.get(labels, "changed, other groups"), labels


@dataclass(frozen=True)
class _Pair:
    """A ratio in two versions."""

    old: Figure
    new: Figure
    before: PrintedValue
    after: PrintedValue
    labels: Labels

    @property
    def same(self) -> bool:
        return same_at_coarser(self.before, self.after)

    @property
    def inverted(self) -> bool:
        return _reciprocal(self.before, self.after)


def _moved(pair: _Pair) -> str:
    """What moved of a contrast of the same two groups; empty for nothing."""
    swapped = pair.labels == "swapped"
    if pair.same and not pair.inverted:
        return "label moved" if swapped else ""
    if pair.inverted and not pair.same:
        return "inverted" if swapped else "label moved"
    sides = side_of_one(pair.before), side_of_one(pair.after)
    if 0 not in sides and (sides[0] != sides[1]) != swapped:
        return "direction moved"
    return ""


def _moved_with_groups(pair: _Pair) -> str:
    """What moved of a contrast whose groups are others as well; empty for nothing."""
    turned = pair.labels == "other cut, turned"
    if turned and pair.same and not pair.inverted:
        return "label moved, other groups"
    sides = _whole_side(pair.old), _whole_side(pair.new)
    if pair.labels != "other labels" and 0 not in sides and (sides[0] != sides[1]) != turned:
        return "direction moved, other groups"
    return ""


def _whole_side(figure: Figure) -> int:
    """Side of 1 on which the whole interval lies; 0 where it does not, or is not printed."""
    limits = confidence_limits(figure)
    sides = {side_of_one(limit) for limit in limits} if limits else {0}
    return sides.pop() if len(sides) == 1 else 0


def _reciprocal(first: PrintedValue, second: PrintedValue) -> bool:
    bounds = first.interval
    if bounds.low == 0:
        return False
    return 1 / bounds.high <= second.interval.high and second.interval.low <= 1 / bounds.low


def _turned(figure: Figure) -> str:
    """A ratio and its interval with level and reference changed round: ``5.75 (1.95–16.9)``."""
    value, limits = estimate(figure), confidence_limits(figure)
    if value is None or value.value == 0:
        return ""
    text = _inverse(value)
    if limits is None or limits[0].value == 0:
        return text
    return f"{text} ({_inverse(limits[1])}–{_inverse(limits[0])})"


def _inverse(printed: PrintedValue) -> str:
    """1 / x with three digits."""
    inverse = Decimal(1) / Decimal(printed.text.replace(",", ""))
    places = max(0, _SHOWN_DIGITS - 1 - inverse.adjusted())
    return f"{inverse:.{places}f}"


def _labels(old: Figure, new: Figure) -> Labels:
    before = folded(old.level), folded(old.reference)
    after = folded(new.level), folded(new.reference)
    if before == after:
        return "same"
    if before == after[::-1]:
        return "swapped"
    placed = [group(label) for label in (*before, *after)]
    known = [one for one in placed if one is not None]
    if len(known) < len(placed) or len({one.kind for one in known}) > 1:
        return "other labels"
    level, reference, new_level, new_reference = known
    if {level, reference} == {new_level, new_reference}:
        return "same" if level == new_level else "swapped"
    turned = (level < reference) != (new_level < new_reference)
    return "other cut, turned" if turned else "other cut"


# --- inputs of a contrast -------------------------------------------------------------------


def _inputs_changed(suffix: str, old: Figure, new: Figure, paired: Paired) -> Iterator[str]:
    """What a ratio is computed from and that differs between the versions, each in a few words."""
    if _labels(old, new) not in ("same", "swapped"):
        yield f"{_GROUPS}{_labels_text(old, new)}"
    adjusted = adjustments(old, new)
    if adjusted is not None and not adjusted.same:
        yield adjusted.text(unequal="→")
    covariates = suffix.split(".")[1:-1]
    for name, (before, after) in paired.items():
        figure = after if after is not None else before
        if figure is not None and _is_input(figure, new, covariates):
            yield from _change(name, before, after, figure.measure not in _OUTCOMES)


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
        if not all(_stayed(c) for c in comparisons(old, new)):
            yield f"{name}: {shown(old)} → {shown(new)}"
    elif lone:
        present, version = (old, "earlier") if old is not None else (new, "later")
        yield f"{name}: {shown(present)}, {version} version only" if present is not None else name
