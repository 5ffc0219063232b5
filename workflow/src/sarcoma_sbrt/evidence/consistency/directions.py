"""Which of two groups the places of one paper say did better."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.labels import end, folded, group, slugs
from sarcoma_sbrt.evidence.consistency.readings import estimate, said
from sarcoma_sbrt.evidence.consistency.rounding import PrintedValue
from sarcoma_sbrt.evidence.published import Figure, shown_place

__all__ = ["directions", "side_of_one"]


@dataclass(frozen=True)
class _Claim:
    """A place says that one group did better than another.

    Attributes
    ----------
    figure : Figure
    better, worse : str
        Labels, or slugs where words say so; `worse` is empty where the words do not name it.
    source : str
        ``words``, or ``ratio``: a hazard ratio on one side of 1.
    """

    figure: Figure
    better: str
    worse: str
    source: Literal["words", "ratio"]

    @property
    def text(self) -> str:
        """What is claimed, with its place."""
        place = shown_place(self.figure.place)
        better = _readable(self.better)
        if self.source == "words":
            return f"the words of {place} favour {better}"
        sign = "<" if side_of_one(estimate(self.figure)) < 0 else ">"
        return (
            f"in {place} {said(self.figure)} {sign} 1 ({self.figure.level} vs "
            f"{self.figure.reference}) favours {better}"
        )


def directions(figures: Sequence[Figure]) -> list[Finding]:
    """The group that a paper favours in one place against the one that it favours in another.

    Words (`favours`) are held against the hazard ratio of the same study, endpoint and covariate,
    of the same kind of model (adjusted or not) where there is one, and without a ratio against
    earlier words. Ratios of one model whose level and reference change places from one table to
    another are held against each other. A hazard ratio favours the level below 1, the reference
    above; where rounding leaves the side open, neither.

    Groups are the same where a slug is that of a label, or where they have a place on one scale
    (`labels.group`, `labels.end`). No other synonyms are known: what cannot be matched is not
    judged, or unverifiable where the covariate is the same by name.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``direction``, one for each place with words and each ratio with its labels
        turned round; keys: that figure, then the one it is held against (itself where words and
        ratio stand in one row). ``detail["by"]`` is ``label`` or ``scale``.
    """
    ratios = [claim for figure in figures if (claim := _by_ratio(figure)) is not None]
    words = [claim for figure in figures if (claim := _in_words(figure)) is not None]
    return [*_of_words(words, ratios), *_turned(ratios)]


def _by_ratio(figure: Figure) -> _Claim | None:
    side = side_of_one(estimate(figure)) if figure.measure == "hazard_ratio" else 0
    if side == 0 or not (figure.level and figure.reference):
        return None
    groups = (figure.level, figure.reference)
    better, worse = groups if side < 0 else groups[::-1]
    return _Claim(figure, better, worse, "ratio")


def side_of_one(ratio: PrintedValue | None) -> int:
    """-1 below 1, +1 above, 0 where rounding leaves it open or nothing is printed."""
    if ratio is None or 1 in ratio.interval:
        return 0
    return 1 if ratio.value > 1 else -1


def _in_words(figure: Figure) -> _Claim | None:
    if not figure.favours:
        return None
    labels = [label for label in (figure.level, figure.reference) if label]
    others = [label for label in labels if figure.favours not in slugs(label)]
    return _Claim(figure, figure.favours, others[0] if len(others) == 1 else "", "words")


# --- pairs --------------------------------------------------------------------------------


def _of_words(words: Sequence[_Claim], ratios: Sequence[_Claim]) -> Iterator[Finding]:
    for i, claim in enumerate(words):
        candidates = [other for other in ratios if _one_covariate(claim.figure, other.figure)]
        others = sorted(candidates, key=lambda other: _distance(claim.figure, other.figure))
        others += [w for w in words[:i] if _one_covariate(claim.figure, w.figure)]
        judged = next((f for other in others if (f := _judged(claim, other)) is not None), None)
        named = [c.figure for c in candidates if c.figure.category == claim.figure.category != ""]
        if judged is not None:
            yield judged
        elif named:
            reason = "the words and the labels of the ratio do not name the same groups"
            keys = (claim.figure.key, named[0].key)
            yield unverifiable("direction", keys, claim.text, reason)


def _one_covariate(figure: Figure, other: Figure) -> bool:
    """Same paper, people and endpoint; categories only where both have one."""
    same = ("study_id", "paper", "endpoint", "subgroup", "arm")
    categories = {figure.category, other.category} - {""}
    alike = all(getattr(figure, name) == getattr(other, name) for name in same)
    return alike and len(categories) < 2


def _distance(figure: Figure, other: Figure) -> tuple[bool, bool, bool]:
    """Own ratio first, then one of the same kind of model, then one that is printed first."""
    own = figure.key != other.key
    return own, _adjusted(figure) != _adjusted(other), bool(other.duplicate_of)


def _adjusted(figure: Figure) -> bool:
    return bool(figure.adjusted_for) or figure.model == "multivariable"


def _turned(ratios: Sequence[_Claim]) -> Iterator[Finding]:
    """Each ratio with the labels of an earlier one of the same model, turned round."""
    for i, claim in enumerate(ratios):
        for other in ratios[:i]:
            if _one_model(claim.figure, other.figure) and _swapped(claim.figure, other.figure):
                judged = _judged(claim, other)
                if judged is not None:
                    yield judged
                break


def _one_model(figure: Figure, other: Figure) -> bool:
    adjusted = figure.adjusted_for == other.adjusted_for and _adjusted(figure) == _adjusted(other)
    return adjusted and _one_covariate(figure, other)


def _swapped(figure: Figure, other: Figure) -> bool:
    labels = folded(figure.level), folded(figure.reference)
    return labels == (folded(other.reference), folded(other.level))


# --- verdicts -----------------------------------------------------------------------------


def _judged(claim: _Claim, other: _Claim) -> Finding | None:
    """What two claims make of each other; None where they do not speak of the same groups."""
    side, by = _side(claim.better, other)
    if side == 0 and claim.worse:
        side, by = _side(claim.worse, other)
        side = -side
    if side == 0:
        return None
    remark = f"; {_readable(claim.better)} by its place on one scale" if by == "scale" else ""
    return Finding(
        "direction",
        tuple(dict.fromkeys((claim.figure.key, other.figure.key))),
        "consistent" if side > 0 else "inconsistent",
        f"{_readable(claim.better)} | {_readable(other.better)}",
        _readable(other.better),
        f"{claim.text}; {other.text}{remark}",
        {"by": by, "favours": [claim.better, other.better]},
    )


def _side(name: str, claim: _Claim) -> tuple[int, str]:
    """+1 where a group is the one that a claim favours, -1 the other, 0 neither; and by what."""
    for label, side in ((claim.better, 1), (claim.worse, -1)):
        if label and (folded(name) == folded(label) or slugs(name) & slugs(label)):
            return side, "label"
    one = group(name)
    better, worse = group(claim.better), group(claim.worse)
    if better is None or worse is None or better.kind != worse.kind:
        return 0, ""
    if one is None:
        return end(name) * (1 if better > worse else -1), "scale"
    return one.within(better) - one.within(worse), "scale"


def _readable(name: str) -> str:
    return name.replace("_", " ")
