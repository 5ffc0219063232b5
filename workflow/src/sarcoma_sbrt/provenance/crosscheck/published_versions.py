"""Two versions of one study a second time: what became of every figure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

from sarcoma_sbrt.provenance.crosscheck.published_figures import (
    Figure,
    Printed,
    estimate,
    interval,
    shown,
)
from sarcoma_sbrt.provenance.crosscheck.published_groups import folded_text, placed, side_of_one
from sarcoma_sbrt.provenance.crosscheck.published_pairs import (
    Judged,
    Pair,
    adjustments,
    pairs_of,
    same_number,
)

__all__ = ["versions"]

_RATIOS = ("hazard_ratio", "odds_ratio")


# --- versions of a study ------------------------------------------------------------------


def versions(figures: Sequence[Figure], studies: Sequence[Mapping[str, str]]) -> Iterator[Judged]:
    """What became of every figure between two reports of one cohort."""
    own = [s for s in studies if s["study_id"] in [x.strip() for x in s["reported_in"].split(";")]]
    series = {s["cohort_id"]: s["study_id"] for s in own if s["role"] == "sbrt_series"}
    for study in own:
        if study["role"] == "same_cohort" and study["cohort_id"] in series:
            names = (study["study_id"], series[study["cohort_id"]])
            old, new = (_by_suffix(figures, name) for name in names)
            yield from _drift(old, new, [_paper(figures, name) for name in names])


def _by_suffix(figures: Sequence[Figure], study: str) -> dict[str, Figure]:
    own = [f for f in figures if f["study_id"] == study and not f["duplicate_of"]]
    return {f.key.removeprefix(f"{study}."): f for f in own}


def _paper(figures: Sequence[Figure], study: str) -> str:
    return next((f.paper for f in figures if f["study_id"] == study == f["paper"]), "")


_Version = Mapping[str, Figure]


def _drift(old: _Version, new: _Version, papers: Sequence[str]) -> Iterator[Judged]:
    for suffix in dict.fromkeys((*old, *new)):
        before, after = old.get(suffix), new.get(suffix)
        if before is not None and after is not None:
            yield _changed(suffix, before, after, old, new)
        else:
            which, paper = ("earlier", papers[0]) if before else ("later", papers[1])
            figure = before or after
            assert figure is not None
            what = f"{which} version only"
            more = {"kind": "one_version", "change": what, "contrast": _contrasts([figure])}
            more["old" if before else "new"] = shown(figure)
            line = f"{what}: {paper}" if paper else what
            yield Judged("drift", (figure.key,), "changed", line, more=more)


def _contrasts(figures: Sequence[Figure]) -> str:
    told = [f"{f['level']} vs {f['reference']}" for f in figures if f["level"] and f["reference"]]
    return " → ".join(dict.fromkeys(told))


def _changed(suffix: str, old: Figure, new: Figure, before: _Version, after: _Version) -> Judged:
    pairs, times = pairs_of(old, new), [f.number("time_months") for f in (old, new)]
    stayed = all(pair.stayed for pair in pairs) and times[0] == times[1]
    verdict = what = "unchanged" if stayed else "changed"
    turned = ""
    if old["measure"] in _RATIOS:
        inputs = _inputs(suffix, old, new, before, after)
        verdict, what = _of_contrast(old, new, stayed=stayed, inputs=inputs)
        labels = labels_of(old, new)
        turned = _inverted(old) if labels in ("swapped", "other cut, turned") else ""
    line = _drift_line(old, new, pairs) + (
        f"; the earlier one turned round: {turned}" if turned else ""
    )
    more = {
        "old": shown(old),
        "new": shown(new),
        "change": what,
        "contrast": _contrasts([old, new]),
        "turned": turned,
        "kind": _kind(verdict, what),
    }
    return Judged("drift", (old.key, new.key), verdict, line, more=more)


_KEPT = "unchanged although an input changed"


def _kind(verdict: str, what: str) -> str:
    if verdict == "moved":
        return "moved"
    if what in ("unchanged", "labels swapped and number inverted"):
        return "unchanged"
    return "input_changed" if what == _KEPT else "changed_value"


def _drift_line(old: Figure, new: Figure, pairs: Sequence[Pair]) -> str:
    parts = [f"{p.name} {p.first} {'=' if p.stayed else '→'} {p.second}" for p in pairs]
    times = [f.number("time_months") for f in (old, new)]
    if times[0] != times[1]:
        said_ = ["not given" if time is None else f"{time:g} months" for time in times]
        parts.append(f"time {said_[0]} → {said_[1]}")
    if not old.same(new, "level", "reference"):
        parts.append(f"{old['level']} vs {old['reference']} → {new['level']} vs {new['reference']}")
    return "; ".join(parts) or "nothing of one kind to compare"


def labels_of(old: Figure, new: Figure) -> str:
    """What became of the two groups that are compared."""
    here = [folded_text(old[side]) for side in ("level", "reference")]
    there = [folded_text(new[side]) for side in ("level", "reference")]
    if here == there:
        return "same"
    if here == there[::-1]:
        return "swapped"
    groups = [placed(label) for label in (*here, *there)]
    known = [group for group in groups if group is not None]
    if len(known) < 4 or len({group.kind for group in known}) > 1:
        return "other labels"
    if set(known[:2]) == set(known[2:]):
        return "same" if known[0] == known[2] else "swapped"
    one_order = (known[0] < known[1]) == (known[2] < known[3])
    return "other cut" if one_order else "other cut, turned"


def _of_contrast(
    old: Figure, new: Figure, *, stayed: bool, inputs: Sequence[str]
) -> tuple[str, str]:
    """Verdict on a ratio of two versions, and what happened in words."""
    labels = labels_of(old, new)
    moved = _moved(old, new, labels)
    if moved == "inverted":
        return "unchanged", "labels swapped and number inverted"
    if moved:
        further = any(not one.startswith("groups: ") for one in inputs)
        return "moved", f"{moved}; {_KEPT}" if stayed and further else moved
    if stayed:
        return "unchanged", _KEPT if inputs else "unchanged"
    if labels in ("same", "swapped"):
        return "changed", "changed"
    return (
        "changed",
        "changed, other labels" if labels == "other labels" else "changed, other groups",
    )


def _moved(old: Figure, new: Figure, labels: str) -> str:
    before, after = estimate(old), estimate(new)
    if before is None or after is None:
        return ""
    same, inverse = same_number(before, after), _reciprocal(before, after)
    if labels in ("same", "swapped"):
        swapped = labels == "swapped"
        if same != inverse:
            if swapped:
                return "label moved" if same else "inverted"
            return "" if same else "label moved"
        sides = side_of_one(before), side_of_one(after)
        crossed = 0 not in sides and (sides[0] != sides[1]) != swapped
        return "direction moved" if crossed else ""
    turned = labels == "other cut, turned"
    if turned and same and not inverse:
        return "label moved, other groups"
    wholes = _whole_side(old), _whole_side(new)
    crossed = 0 not in wholes and (wholes[0] != wholes[1]) != turned
    return "direction moved, other groups" if crossed and labels != "other labels" else ""


def _reciprocal(first: Printed, second: Printed) -> bool:
    """Whether one number can be 1 over the other: their product can be 1."""
    (low, high), (least, most) = first.ends, second.ends
    return low > 0 and low * least <= 1 <= high * most


def _whole_side(figure: Figure) -> int:
    """Side of 1 on which the whole printed interval lies."""
    limits = interval(figure, "ci")
    sides = [side_of_one(limit) for limit in limits] if limits else [0, 0]
    return sides[0] if sides[0] == sides[1] else 0


def _inverted(figure: Figure) -> str:
    """A ratio and its limits in the other order of the groups."""
    value, limits = estimate(figure), interval(figure, "ci")
    if value is None or value.value == 0:
        return ""
    if limits is None or limits[0].value == 0:
        return _one_over(value)
    return f"{_one_over(value)} ({_one_over(limits[1])}–{_one_over(limits[0])})"


def _one_over(number: Printed) -> str:
    """1 / x with three digits."""
    inverse = Decimal(number.value.denominator) / number.value.numerator
    places = max(0, 2 - inverse.adjusted())
    with_ = Context(prec=60, rounding=ROUND_HALF_EVEN)
    return f"{inverse.quantize(Decimal(1).scaleb(-places), context=with_):f}"


def _inputs(suffix: str, old: Figure, new: Figure, before: _Version, after: _Version) -> list[str]:
    """What a ratio is computed from and that differs between the versions."""
    found = [] if labels_of(old, new) in ("same", "swapped") else ["groups: "]
    adjusted = adjustments(old, new)
    if adjusted is not None and not adjusted.same:
        found.append("adjusted for")
    covariates = suffix.split(".")[1:-1]
    for name in dict.fromkeys((*before, *after)):
        one, two = before.get(name), after.get(name)
        later = two or one
        if later is not None and _is_input(later, new, covariates):
            alone = (one is None) != (two is None)
            of_outcome = later["measure"] in ("rate", "median")
            if (alone and not of_outcome) or (one and two and _differ(one, two)):
                found.append(name)
    return found


def _differ(old: Figure, new: Figure) -> bool:
    return not all(pair.stayed for pair in pairs_of(old, new))


def _is_input(figure: Figure, contrast: Figure, covariates: Sequence[str]) -> bool:
    if figure["subgroup"] or figure["arm"] != contrast["arm"]:
        return False
    if figure["measure"] in ("count", "proportion"):
        families = {family for name in covariates for family in (name, f"{name}_class")}
        return bool(figure["category"]) and figure["endpoint"] in families
    return figure["measure"] in ("rate", "median") and figure.same(contrast, "endpoint")
