"""Groups of patients a second time: which one the places of a paper favour."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sarcoma_sbrt.provenance.crosscheck.published_figures import (
    Figure,
    Printed,
    estimate,
    place_of,
    said,
)
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged, consistent, unjudged

__all__ = ["directions", "folded_text", "placed", "side_of_one"]


# --- groups on a scale --------------------------------------------------------------------


class _Group(NamedTuple):
    """A group of patients between two ends of a scale."""

    kind: str
    low: float
    high: float


def folded_text(label: str) -> str:
    """A label without what case, spaces and kinds of dashes make different."""
    return " ".join(label.casefold().replace("–", "-").replace("_", " ").split())


_SIGNS = {"<": "below", "≤": "at most", "<=": "at most", ">": "above", "≥": "at least"}
_SIGNS |= {">=": "at least"} | {word: word for word in ("below", "at most", "above", "at least")}
_GRADES = {
    "differentiat": dict(well=1, high=1, moderate=2, intermediate=2, poor=3, low=3),
    "grade": dict(low=1, intermediate=2, high=3),
}


def _cut(text: str) -> tuple[str, float, str, str] | None:
    """Side, number, unit and digits of a cut such as ``≤ 5 cm``."""
    signs = "|".join(sorted(map(re.escape, _SIGNS), key=len, reverse=True))
    found = re.fullmatch(rf"({signs})\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)", text)
    return (_SIGNS[found[1]], float(found[2]), found[3], found[2]) if found else None


def placed(label: str) -> _Group | None:
    """The group that a label names, where it can be placed on a scale."""
    text = folded_text(label)
    graded = _grades(text)
    if graded is not None:
        return _Group("grade", min(graded), max(graded)) if graded else None
    cut = _cut(text)
    if cut is not None:
        side, number, unit, _ = cut
        kind, at = ("mm", number * 10) if unit == "cm" else (unit, number)
        below = side in ("below", "at most")
        return _Group(kind, -math.inf, at) if below else _Group(kind, at, math.inf)
    if {"single", "multiple"} & set(re.findall(r"\w+", text)):
        return _Group("", 1, 1 if "single" in text else math.inf)
    ends = re.fullmatch(r"([0-9]+)(?:\s*-\s*([0-9]+))?", text)
    return _Group("", float(ends[1]), float(ends[2] or ends[1])) if ends else None


def _grades(text: str) -> list[int] | None:
    """Grades that a label names; None where it speaks of none."""
    if "differentiat" not in text:
        digits = re.findall(r"\bg(?:rade )?(\d)", text)
        if digits:
            return [int(digit) for digit in digits]
    for word, grades in _GRADES.items():
        if word in text:
            return [grade for name, grade in grades.items() if name in text]
    return None


# --- favoured groups ----------------------------------------------------------------------


class _Claim(NamedTuple):
    """A place says that one group did better than another, in words or by a ratio."""

    figure: Figure
    better: str
    worse: str
    in_words: bool

    def line(self) -> str:
        place, better = place_of(self.figure["place"]), self.better.replace("_", " ")
        if self.in_words:
            return f"the words of {place} favour {better}"
        sign = "<" if side_of_one(estimate(self.figure)) < 0 else ">"
        return (
            f"in {place} {said(self.figure)} {sign} 1 ({self.figure['level']} vs "
            f"{self.figure['reference']}) favours {better}"
        )


def directions(figures: Sequence[Figure]) -> Iterator[Judged]:
    """The group that one place favours against the one that another does."""
    words = [claim for figure in figures if (claim := _in_words(figure))]
    ratios = [claim for figure in figures if (claim := _by_ratio(figure))]
    for at, claim in enumerate(words):
        yield from _against(claim, ratios, words[:at])
    for at, claim in enumerate(ratios):
        yield from _turned_round(claim, ratios[:at])


def side_of_one(ratio: Printed | None) -> int:
    """-1 below 1, 1 above, 0 where rounding leaves it open."""
    if ratio is None:
        return 0
    low, high = ratio.ends
    return -1 if high < 1 else int(low > 1)


def _by_ratio(figure: Figure) -> _Claim | None:
    side = side_of_one(estimate(figure)) if figure["measure"] == "hazard_ratio" else 0
    level, reference = figure["level"], figure["reference"]
    if not (side and level and reference):
        return None
    better, worse = (level, reference) if side < 0 else (reference, level)
    return _Claim(figure, better, worse, in_words=False)


def _in_words(figure: Figure) -> _Claim | None:
    if not figure["favours"]:
        return None
    labels = filter(None, (figure["level"], figure["reference"]))
    others = [label for label in labels if figure["favours"] not in _slugs(label)]
    return _Claim(figure, figure["favours"], others[0] if len(others) == 1 else "", in_words=True)


def _slugs(label: str) -> set[str]:
    text, cut = folded_text(label), _cut(folded_text(label))
    names = [text] if cut is None else [f"{cut[0]} {cut[3]}", f"{cut[0]} {cut[3]} {cut[2]}"]
    return {re.sub(r"\W+", "_", name).strip("_") for name in names} - {""}


def _against(
    claim: _Claim, ratios: Sequence[_Claim], earlier: Sequence[_Claim]
) -> Iterator[Judged]:
    own = claim.figure
    candidates = [ratio for ratio in ratios if _one_covariate(own, ratio.figure)]
    ranked = sorted(
        candidates,
        key=lambda ratio: (
            ratio.figure.key != own.key,
            _is_adjusted(ratio.figure) != _is_adjusted(own),
            bool(ratio.figure["duplicate_of"]),
        ),
    )
    others = [*ranked, *(words for words in earlier if _one_covariate(own, words.figure))]
    judged = next(filter(None, (_direction(claim, other) for other in others)), None)
    named = [c for c in candidates if c.figure["category"] == own["category"] != ""]
    if judged is not None:
        yield judged
    elif named:
        reason = "the words and the labels of the ratio do not name the same groups"
        yield unjudged("direction", (own.key, named[0].figure.key), reason)


def _turned_round(claim: _Claim, earlier: Sequence[_Claim]) -> Iterator[Judged]:
    """A ratio against an earlier one of its model whose labels changed places."""
    own = claim.figure
    for other in earlier:
        there = other.figure
        one_model = own["adjusted_for"] == there["adjusted_for"]
        one_model = one_model and _is_adjusted(own) == _is_adjusted(there)
        here = [folded_text(own[side]) for side in ("level", "reference")]
        back = [folded_text(there[side]) for side in ("reference", "level")]
        if one_model and _one_covariate(own, there) and here == back:
            yield from filter(None, [_direction(claim, other)])
            return


def _one_covariate(figure: Figure, other: Figure) -> bool:
    categories = {figure["category"], other["category"]} - {""}
    alike = figure.same(other, "study_id", "paper", "endpoint", "subgroup", "arm")
    return alike and len(categories) < 2


def _is_adjusted(figure: Figure) -> bool:
    return bool(figure["adjusted_for"]) or figure["model"] == "multivariable"


def _direction(claim: _Claim, other: _Claim) -> Judged | None:
    side, by_scale = _favoured(claim.better, other)
    if not side and claim.worse:
        side, by_scale = _favoured(claim.worse, other)
        side = -side
    if not side:
        return None
    line = f"{claim.line()}; {other.line()}"
    if by_scale:
        line += f"; {claim.better.replace('_', ' ')} by its place on one scale"
    keys = tuple(dict.fromkeys((claim.figure.key, other.figure.key)))
    return Judged("direction", keys, consistent(side > 0), line)


def _favoured(name: str, claim: _Claim) -> tuple[int, bool]:
    """1 where a group is the one that a claim favours, -1 the other; and if a scale says so."""
    for side, label in ((1, claim.better), (-1, claim.worse)):
        named = label and (folded_text(name) == folded_text(label) or _slugs(name) & _slugs(label))
        if named:
            return side, False
    better, worse, one = placed(claim.better), placed(claim.worse), placed(name)
    if better is None or worse is None or better.kind != worse.kind:
        return 0, False
    if one is not None:
        return _inside(one, better) - _inside(one, worse), True
    lower, upper = {"small", "early"}, {"large", "late"}
    last = folded_text(name).split(" ")[-1]
    end = (last in upper) - (last in lower)
    return (end if better > worse else -end), True


def _inside(group: _Group, other: _Group) -> bool:
    return group.kind == other.kind and other.low <= group.low and group.high <= other.high
