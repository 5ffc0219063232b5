"""Groups of patients as labels name them: on a scale, or as a slug.

No synonyms are guessed. A label is placed on a scale where it is a cut ("≤ 5 cm", "2–3"), single
or multiple, or a grade; well differentiated, low grade and G1 are the least malignant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

__all__ = ["Group", "end", "folded", "group", "slugs"]


@dataclass(frozen=True, order=True)
class Group:
    """A group of patients on an ordered scale.

    Attributes
    ----------
    kind : str
        ``grade``, or the unit of a cut.
    low, high : float
        Ends of the group.
    open_low, open_high : bool
        The end itself is outside; two labels of one cut ("< 5", "≤ 5") are still one group.
    """

    kind: str
    low: float
    high: float
    open_low: bool = field(default=False, compare=False)
    open_high: bool = field(default=False, compare=False)

    def within(self, other: Group) -> bool:
        """Whether every member of this group is one of the other."""
        low = self.low > other.low or (
            self.low == other.low and (self.open_low or not other.open_low)
        )
        high = self.high < other.high or (
            self.high == other.high and (self.open_high or not other.open_high)
        )
        return self.kind == other.kind and low and high


def folded(label: str) -> str:
    """A label without what case, spaces and kinds of dashes make different."""
    return re.sub(r"\s+", " ", label.casefold().replace("–", "-").replace("_", " ")).strip()


# Low "differentiation" is poor differentiation, low "grade" is not.
_DIFFERENTIATION = {"well": 1, "high": 1, "moderate": 2, "intermediate": 2, "poor": 3, "low": 3}
_GRADE = {"low": 1, "intermediate": 2, "high": 3}
_SCALES = {"mm": ("mm", 1.0), "cm": ("mm", 10.0)}
_RELATIONS = {
    "<": "below",
    "≤": "at most",
    "<=": "at most",
    ">": "above",
    "≥": "at least",
    ">=": "at least",
}
_CUT = re.compile(
    r"(<=|>=|[<>≤≥]|below|at most|above|at least)\s*(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII
)
_NUMBERS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_ENDS = {"small": -1, "early": -1, "large": 1, "late": 1}


def group(label: str) -> Group | None:
    """The group that a label (or its slug) names, where it can be placed on a scale."""
    text = folded(label)
    if "differentiat" in text:
        return _graded([n for word, n in _DIFFERENTIATION.items() if word in text])
    if named := re.findall(r"\bg(?:rade )?(\d)", text):
        return _graded([int(digit) for digit in named])
    if "grade" in text:
        return _graded([n for word, n in _GRADE.items() if word in text])
    if cut := _CUT.fullmatch(text):
        return _side_of_cut(*cut.groups())
    if re.search(r"\b(single|multiple)\b", text):
        return _counted("single" in text)
    if numbers := _NUMBERS.fullmatch(text):
        return Group("", float(numbers[1]), float(numbers[2] or numbers[1]))
    return None


def _graded(grades: Sequence[int]) -> Group | None:
    return Group("grade", float(min(grades)), float(max(grades))) if grades else None


def _counted(single: bool) -> Group:
    return Group("", 1.0, 1.0) if single else Group("", 1.0, inf, open_low=True)


def end(name: str) -> int:
    """-1 for a slug that names the lower of two groups (``size_small``), +1 the upper, 0 neither.

    These words are slugs of the column `favours`, which name no cut.
    """
    return _ENDS.get(folded(name).rpartition(" ")[2], 0)


def _side_of_cut(relation: str, number: str, unit: str) -> Group:
    kind, factor = _SCALES.get(unit, (unit, 1.0))
    cut, side = float(number) * factor, _RELATIONS.get(relation, relation)
    if side in ("below", "at most"):
        return Group(kind, -inf, cut, open_high=side == "below")
    return Group(kind, cut, inf, open_low=side == "above")


def slugs(label: str) -> frozenset[str]:
    """The slugs that stand for a label; of a cut, with and without its unit.

    ``≥ 100 Gy`` is ``at_least_100_gy`` and ``at_least_100``.
    """
    text = folded(label)
    cut = _CUT.fullmatch(text)
    if cut is None:
        return frozenset({_slug(text)} - {""})
    relation, number, unit = cut.groups()
    bare = f"{_RELATIONS.get(relation, relation)} {number}"
    return frozenset({_slug(bare), _slug(f"{bare} {unit}")})


def _slug(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_")
