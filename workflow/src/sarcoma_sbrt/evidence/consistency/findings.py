"""What a consistency check says about printed figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

__all__ = ["CHECKS", "VERDICTS", "Check", "Finding", "Verdict", "unverifiable"]

Check = Literal[
    "legible",
    "count_percentage",
    "subtotal",
    "subset",
    "population",
    "n_across_tables",
    "range",
    "dose",
    "interval_symmetry",
    "wald_p",
    "repeat",
    "direction",
    "drift",
    "landmark",
    "pooled_landmark",
]
Verdict = Literal[
    "consistent",
    "inconsistent",
    "other_time",
    "possible",
    "impossible",
    "unverifiable",
    "changed",
    "unchanged",
    "moved",
]
CHECKS: tuple[str, ...] = get_args(Check)
VERDICTS: tuple[str, ...] = get_args(Verdict)


@dataclass(frozen=True)
class Finding:
    """One judgement on one printed figure, or on several held against each other.

    Attributes
    ----------
    check : str
        Of `CHECKS`.
    keys : tuple of str
        Keys of the figures concerned, the one that is judged first.
    verdict : str
        Of `VERDICTS`. An `unverifiable` one says why in ``detail["reason"]``.
    printed : str
        What is printed, its digits unchanged.
    recomputed : str
        What the arithmetic gives; empty where there is nothing to compute.
    arithmetic : str
        One line that a reader can follow by hand.
    detail : mapping
        Certificate and further numbers: text, int, float, bool, None, lists and mappings of them.

    Raises
    ------
    ValueError
        At a check or verdict that does not exist, no key, or an unverifiable one without reason.
    """

    check: Check
    keys: tuple[str, ...]
    verdict: Verdict
    printed: str
    recomputed: str
    arithmetic: str
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.check not in CHECKS:
            raise ValueError(f"no check is called {self.check}")
        if self.verdict not in VERDICTS:
            raise ValueError(f"no verdict is called {self.verdict}")
        if not self.keys:
            raise ValueError(f"a finding of {self.check} concerns no figure")
        if self.verdict == "unverifiable" and not self.detail.get("reason"):
            raise ValueError(f"{self.check} of {self.keys[0]}: unverifiable, and no reason")

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON can hold it."""
        return {
            "check": self.check,
            "keys": list(self.keys),
            "verdict": self.verdict,
            "printed": self.printed,
            "recomputed": self.recomputed,
            "arithmetic": self.arithmetic,
            "detail": dict(self.detail),
        }


def unverifiable(
    check: Check, keys: Iterable[str], printed: str, reason: str, **detail: Any
) -> Finding:
    """A printed figure that a check cannot judge.

    Parameters
    ----------
    check : str
        Of `CHECKS`.
    keys : iterable of str
        Keys of the figures concerned.
    printed : str
        What is printed.
    reason : str
        Why it cannot be judged, as the tail of a sentence.
    **detail
        Further numbers.
    """
    arithmetic = f"not verifiable: {reason}"
    found = {"reason": reason, **detail}
    return Finding(check, tuple(keys), "unverifiable", printed, "", arithmetic, found)
