"""The statistic record: one number at full precision with what it was computed from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

__all__ = ["Interval", "Statistic", "from_json", "not_estimable", "to_json"]

Unit = Literal[
    "count",
    "percent",
    "months",
    "years",
    "hazard ratio",
    "odds ratio",
    "variance",
    "p",
    "chi-square",
    "concordance",
    "importance",
    "score",
    "Gy",
    "cm",
    "ratio",
    "text",
]
Status = Literal["estimated", "not_reached", "not_estimable", "not_available"]


@dataclass(frozen=True)
class Interval:
    """A confidence interval; a limit that is not reached is None."""

    low: float | None
    high: float | None
    level: float
    method: str


@dataclass(frozen=True)
class Statistic:
    """One computed number.

    Attributes
    ----------
    key : str
        ``endpoint.population.quantity``, time last, e.g. ``os.grade_level.rate_36m``.
    value : float, int, str or None
        Full precision; None unless `status` is ``estimated``.
    unit : str
        One of `Unit`; decides how the registry rounds and prints it.
    method : str
        The estimator, in the field's words.
    columns : tuple of str
        Canonical columns (``table.column``) that the value depends on; its support mark is
        the weakest of theirs.
    joint : bool
        Whether the value relates two or more of these columns (a hazard ratio does, a
        median age does not).
    population : mapping
        ``{"table": ..., "filter": {...}}``: which rows were counted.
    rows : mapping
        How to select the endpoint or canonical rows that it used.
    ci : Interval or None
    p : float or None
    n, events : int or None
    status, reason : str
        Why there is no value, where there is none.
    digits : int or None
        Decimals to print where a unit's own would not do: those of the printed number that this
        one is held against.
    """

    key: str
    value: float | int | str | None
    unit: Unit
    method: str
    columns: tuple[str, ...] = ()
    joint: bool = False
    population: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Any] = field(default_factory=dict)
    ci: Interval | None = None
    p: float | None = None
    n: int | None = None
    events: int | None = None
    status: Status = "estimated"
    reason: str = ""
    digits: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise ValueError(
                f"{self.key}: {self.value} is no statistic; give a status and a reason"
            )
        if (self.value is None) != (self.status != "estimated"):
            raise ValueError(f"{self.key}: a value and the status {self.status!r} disagree")


def not_estimable(key: str, unit: Unit, method: str, reason: str, **rest: Any) -> Statistic:
    """Record of a statistic that these data cannot give, with the reason."""
    return Statistic(
        key=key, value=None, unit=unit, method=method, status="not_estimable", reason=reason, **rest
    )


def to_json(stage: str, statistics: Iterable[Statistic]) -> dict[str, Any]:
    """Document of one stage: ``{"stage": ..., "statistics": [...]}``, ordered by key.

    Raises
    ------
    ValueError
        When two statistics share a key.
    """
    records = sorted((asdict(s) | {"source": stage} for s in statistics), key=lambda r: r["key"])
    keys = [record["key"] for record in records]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"{stage}: more than one statistic is called {', '.join(twice)}")
    return {"stage": stage, "statistics": records}


def from_json(document: Mapping[str, Any]) -> list[Statistic]:
    """Statistics of a stage's document."""
    return [_record(record) for record in document["statistics"]]


def _record(record: Mapping[str, Any]) -> Statistic:
    rest = {k: v for k, v in record.items() if k != "source"}
    rest["columns"] = tuple(rest["columns"])
    rest["ci"] = Interval(**rest["ci"]) if rest["ci"] else None
    return Statistic(**rest)
