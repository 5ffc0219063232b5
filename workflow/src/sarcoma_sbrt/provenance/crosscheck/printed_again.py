"""The stage `reproduction` again: what the cohort gives for each printed number, and how near.

Printed cells are read again from the targets file; curves and log-rank tests are those of
`survival_curves` and `logrank_tests`, Cox models those of `partial_likelihood`. That printed
numbers exclude each other is found by the least of a convex function (a ratio, its limits and its
p) and by integer programming (rates of one curve; how many must be missed).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.stats import norm

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Quantity, Second
from sarcoma_sbrt.provenance.crosscheck.competing_risks import band
from sarcoma_sbrt.provenance.crosscheck.cox_models import ENGINE, Units, units_of
from sarcoma_sbrt.provenance.crosscheck.logrank_tests import p_of, score_test
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import Floats, Wald, estimate
from sarcoma_sbrt.provenance.crosscheck.published_checks import findings
from sarcoma_sbrt.provenance.crosscheck.published_curves import done_again
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged
from sarcoma_sbrt.provenance.crosscheck.published_words import subject
from sarcoma_sbrt.provenance.crosscheck.survival_curves import curve

__all__ = ["Printed", "can_be_met", "least_hit", "printed_numbers", "recompute", "solvable"]

Row = Mapping[str, str]
_Conflict = tuple[tuple[str, ...], str]

STAGE = "reproduction"
_ENDPOINTS = ("os", "pfs", "lc")
_LEVELS = {"patient": ("os", "pfs"), "lesion": ("lc",), "all": _ENDPOINTS}
_PARTS = {
    "hazard_ratio": ("estimate", "ci_low", "ci_high", "p"),
    "median": ("estimate", "ci_low", "ci_high"),
    "rate": ("estimate",),
    "p_value": ("p",),
    "follow_up": ("estimate", "range_low", "range_high"),
}
_WORDS = {
    "exact": "exact",
    "unit": "within one unit of the last digit",
    "two_percent": "within 2 %",
    "miss": "further off",
}
_WHY = {
    "impossible": "cannot be, given the others of its set",
    "jointly": "one of a set that cannot all be",
    "not_found": "not found",
}
_ROUNDING = 1e-9
_HALF = 0.5 + float(np.finfo(float).eps) ** 0.5
_NAMED = {
    "estimate": "estimate",
    "ci_low": "lower limit",
    "ci_high": "upper limit",
    "range_low": "least",
    "range_high": "greatest",
    "p": "p",
}
_WALD = ("cox.efron", "cox.breslow", "logrank.peto")
_TINY = 1e-12


# --- printed numbers ----------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """One printed number of the targets file.

    Attributes
    ----------
    row : mapping of str to str
    part : str
        ``estimate``, ``ci_low``, ``ci_high``, ``p``, ``range_low`` or ``range_high``.
    text : str
        As printed.
    """

    row: Row
    part: str
    text: str

    @property
    def key(self) -> str:
        """Row and part."""
        return f"{self.row['target_id']}.{self.part}"

    @property
    def endpoint(self) -> str:
        """The endpoint that it is counted under."""
        own = self.row["endpoint"]
        return "os" if own == "follow_up" else own

    @property
    def block(self) -> str:
        """Part of the score that it belongs to."""
        if self.row["endpoint"] == "follow_up" or self.row["measure"] in ("rate", "median"):
            return "curves"
        return "univariable" if self.row["model"] == "univariable" else "multivariable"

    @property
    def value(self) -> float:
        """The number as the file holds it."""
        return float(self.row[self.part])

    @property
    def unit(self) -> float:
        """Of the last printed digit; a median's is a month."""
        if self.row["measure"] == "median":
            return 1.0
        return 10.0 ** -len(self.text.partition(".")[2])

    @property
    def is_limit(self) -> bool:
        """Whether it is printed as "less than"."""
        return self.row["p_relation"] == "<"

    def status(self, value: Quantity) -> str:
        """How near a recomputed value comes: exact, unit, two_percent or miss."""
        if not isinstance(value, int | float):
            return "miss"
        off = abs(value - self.value)
        same = value < self.value if self.is_limit else off <= self.unit / 2 + _ROUNDING
        if same:
            return "exact"
        if off <= 1.5 * self.unit + _ROUNDING:
            return "unit"
        return "two_percent" if self._near(off) else "miss"

    def near(self, value: Quantity) -> bool:
        """Whether it prints the same or is within 2 %."""
        if not isinstance(value, int | float):
            return False
        return self.status(value) == "exact" or self._near(abs(value - self.value))

    def _near(self, off: float) -> bool:
        return off <= 0.02 * abs(self.value)

    def span(self, tolerance: str) -> tuple[float, float]:
        """What prints the same, or that and what is within 2 %, on the scale of a fit.

        Ratios by their logarithm, p by its normal quantile, curves as they are.
        """
        half = self.unit / 2
        widths = (half,) if tolerance == "exact" else (half, 0.02 * abs(self.value))
        ends = [self._fitted(self.value + side * w) for w in widths for side in (-1, 1)]
        low, high = min(ends[:2]) - _ROUNDING, max(ends[:2]) + _ROUNDING
        if self.is_limit:  # a p below the printed one has no least
            low = self._fitted(self.value)
            return (low if tolerance == "exact" else min(low, *ends[2:])), 100.0
        return min(low, *ends), max(high, *ends)

    def _fitted(self, value: float) -> float:
        if self.part == "p":
            return float(norm.isf(min(max(value, _ROUNDING), 1.0) / 2))
        return value if self.block == "curves" else math.log(max(value, _ROUNDING))


def printed_numbers(rows: Sequence[Row], repeats: Iterable[str]) -> list[Printed]:
    """Every number that counts: of rows with a fit that print what no earlier row has printed.

    Parameters
    ----------
    rows : sequence of mapping
        The targets file.
    repeats : iterable of str
        Rows that are no targets of their own.
    """
    by_id = {row["target_id"]: row for row in rows}
    skipped = set(repeats)
    found: list[Printed] = []
    for row in rows:
        adjusted = row.get("fitted_adjusted_for") or row["adjusted_for"]
        modelled = bool(adjusted) and row["fitted_as"].startswith("cox")
        of_cohort = row["endpoint"] in (*_ENDPOINTS, "follow_up") and row["fitted_as"]
        counts = modelled or row["target_id"] not in skipped
        if of_cohort and counts and not _says_nothing_new(row, by_id):
            found += _cells(row)
    return found


def _says_nothing_new(row: Row, by_id: Mapping[str, Row]) -> bool:
    origin = by_id.get(row["duplicate_of"])
    if origin is None:
        return False
    cells = ("printed_text", "printed_ci", "printed_p")
    return all(not row[c] or _numbers(row[c]) == _numbers(origin[c]) for c in cells)


def _numbers(text: str) -> list[float]:
    """Numbers of a printed cell: "13.0–28.0", "3.0 to 125.0"."""
    return [float(part) for part in text.replace(" to ", "–").split("–") if part.strip()]


def _cells(row: Row) -> Iterator[Printed]:
    texts = {"estimate": row["printed_text"], "p": row["printed_p"]}
    for cell, names in (
        ("printed_ci", ("ci_low", "ci_high")),
        ("printed_range", ("range_low", "range_high")),
    ):
        ends = row[cell].replace(" to ", "–").split("–")
        texts |= dict(zip(names, (end.strip() for end in ends), strict=False))
    measure = "follow_up" if row["endpoint"] == "follow_up" else row["measure"]
    for part in _PARTS[measure]:
        yield Printed(row, part, texts[part])


# --- what the cohort gives ----------------------------------------------------------------


@dataclass(frozen=True)
class _Cohort:
    """Endpoints of the run with the covariates of the study's models."""

    units: Mapping[str, Units]
    subgroups: Mapping[str, Mapping[str, Any]]

    def gives(self, row: Row, fitted_as: str) -> Mapping[str, float | None]:
        """What one row prints, by part; nothing where it cannot be estimated."""
        own = self.units.get("os" if row["endpoint"] == "follow_up" else row["endpoint"])
        group = self.subgroups.get(row["subgroup"])
        needed = {*_covariates(row), *([group["covariate"]] if group else [])}
        if own is None or not needed <= set(own.design):
            return {}
        if group:
            own = _chosen(own, own.design[group["covariate"]] == group["value"])
        try:
            return _fitted(own, row, fitted_as)
        except NotEstimable:
            return {}


def _chosen(units: Units, rows: NDArray[np.bool_]) -> Units:
    return replace(
        units,
        time=units.time[rows],
        code=units.code[rows],
        patient=units.patient[rows],
        design={name: values[rows] for name, values in units.design.items()},
    )


def _covariates(row: Row) -> tuple[str, ...]:
    """Covariates of a row's model or test, its own first."""
    adjusted = row.get("fitted_adjusted_for") or row["adjusted_for"]
    others = adjusted.split("; ") if adjusted and row["fitted_as"].startswith("cox") else []
    return tuple(name for name in (row["category"], *others) if name)


def _fitted(units: Units, row: Row, fitted_as: str) -> Mapping[str, float | None]:
    level = float(row["ci_level"] or 95) / 100
    method, _, rule = fitted_as.partition(".")
    if method == "cox":
        return _cox(units, _covariates(row), "breslow" if rule == "breslow" else "efron", level)
    if method == "logrank":
        return _log_rank(units, row["category"], rule, level)
    if row["measure"] == "rate":
        return {"estimate": _rate(units, float(row["time_months"]))}
    if method == "kaplan_meier":
        return _median(units, level, first_event=rule == "first_event")
    return {
        "estimate": float(np.median(units.time)),
        "range_low": float(units.time.min()),
        "range_high": float(units.time.max()),
    }


def _cox(
    units: Units, names: tuple[str, ...], ties: str, level: float
) -> Mapping[str, float | None]:
    fit = estimate(units.sample(names, ties, clustered=False), level=level)
    wald = Wald.of(float(fit.coefficients[0]), fit.error(0, robust=False), level)
    return {"estimate": wald.ratio, "ci_low": wald.low, "ci_high": wald.high, "p": wald.p}


def _log_rank(units: Units, name: str, rule: str, level: float) -> Mapping[str, float | None]:
    known = units.complete([name])
    test = score_test(units.time[known], units.code[known] == 1, units.design[name][known])
    if test is None:
        return {}
    p = p_of(test.chi_square)
    if rule == "p":
        return {"p": p}
    log = (test.observed - test.expected) / test.variance
    error = 1 / math.sqrt(test.variance)
    if rule == "observed_expected":
        others, unexpected = test.events - test.observed, test.events - test.expected
        if not (test.observed and others):
            return {}
        log = math.log(test.observed / test.expected * unexpected / others)
        error = math.sqrt(1 / test.expected + 1 / unexpected)
    wald = Wald.of(log, error, level)
    return {"estimate": wald.ratio, "ci_low": wald.low, "ci_high": wald.high, "p": p}


def _rate(units: Units, month: float) -> float:
    """Survival in per cent."""
    fitted = curve(units.time, units.code == 1)
    if month > fitted.end:
        raise NotEstimable("nobody was followed that long")
    return 100 * fitted.at(month)[0]


def _median(units: Units, level: float, *, first_event: bool) -> Mapping[str, float | None]:
    """Median with the times at which the band comes down to one half."""
    fitted = curve(units.time, units.code == 1)
    # Where the curve is at 0 Greenwood's sum is infinite; it has no band there.
    errors = [s * math.sqrt(g) if s else 0.0 for s, g in _pairs(fitted.survival, fitted.greenwood)]
    bands = [band(s, error, level, "log-log") for s, error in _pairs(fitted.survival, errors)]
    value = _arrives(fitted.times, fitted.survival.tolist())
    low, high = (_arrives(fitted.times, [limits[side] for limits in bands]) for side in (0, 1))
    if first_event and value is not None and high is None:
        high = float(fitted.times[fitted.deaths > 0].max())
    return {"estimate": value, "ci_low": low, "ci_high": high}


def _pairs(one: Iterable[float], other: Iterable[float]) -> Iterator[tuple[float, float]]:
    return zip(one, other, strict=True)


def _arrives(times: Floats, heights: Sequence[float | None]) -> float | None:
    """First time at which a curve is one half or less."""
    at = (t for t, height in zip(times, heights, strict=True) if height is not None)
    known = (height for height in heights if height is not None)
    return next((float(t) for t, height in zip(at, known, strict=True) if height < _HALF), None)


# --- the stage ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Reproduction:
    """Printed numbers, and what the cohort gives for each."""

    numbers: Sequence[Printed]
    values: Mapping[str, float | None]
    findings: Sequence[Judged]

    def is_met(self, number: Printed, tolerance: str) -> bool:
        """Whether a number prints the same, or is near."""
        value = self.values[number.key]
        return number.status(value) == "exact" if tolerance == "exact" else number.near(value)

    @cached_property
    def _told(self) -> list[tuple[_Conflict, str]]:
        rows = ((one, _argument_of_row(self, *one)) for one in _of_rows(self.numbers))
        fits = ((one, _argument_of_fit(self, one[0])) for one in _of_one_fit(self.numbers))
        return [*rows, *fits, *((one, "") for one in _of_curves(self))]

    @property
    def conflicts(self) -> list[_Conflict]:
        """Sets of numbers that cannot all be met, and the tolerance, in the order of proofs."""
        return [conflict for conflict, _ in self._told]

    @property
    def arguments(self) -> list[str]:
        """Why each of these cannot be; empty of rates of curves."""
        return [argument for _, argument in self._told]

    def verdict(self, number: Printed) -> tuple[str, bool]:
        """Why a number is not exact: kind; and whether it is in any proof."""
        tolerance = "near" if number.status(self.values[number.key]) == "miss" else "exact"
        met = {n.key for n in self.numbers if self.is_met(n, tolerance)}
        own = [(members, at) for members, at in self.conflicts if number.key in members]
        deciding = [set(members) for members, at in own if at == tolerance]
        if any(members - {number.key} <= met for members in deciding):
            return "impossible", True
        return ("jointly" if deciding else "not_found"), bool(own)


def recompute(materials: Materials) -> dict[str, Second]:
    """Every statistic of the stage `reproduction`.

    Of arguments about curves the steps that they show are done again.
    """
    study, content = materials.plan.cohort.derived_from, materials.configuration
    rows = _targets(materials, study)
    if STAGE not in materials.statistics or not rows or "reconstruction" not in content:
        return {}
    plan = content["reconstruction"]
    numbers = printed_numbers(rows, plan.get("repeats", ()))
    cohort = _Cohort(_units(materials, plan), plan["subgroups"])
    given = _given(numbers, cohort, _as_printed)
    found = _Reproduction(numbers, given, findings(materials))
    seconds = {key: v for number in numbers for key, v in _number(found, number)}
    counts: dict[str, float | int | str] = {**_counts(found), **_proved(found), **_words(found)}
    counts |= _conventions(numbers, cohort)
    counts |= _arguments(found, materials.statistics[STAGE])
    counts |= _searched(materials.evidence["search"])
    return seconds | {f"{STAGE}.{key}": Second(v, engine=ENGINE) for key, v in counts.items()}


def _targets(materials: Materials, study: str | None) -> list[Row]:
    """The targets file of the study that the cohort was found from."""
    for path, lines in materials.published.items():
        if str(path).endswith(f"targets/{study}.csv"):
            return [cells for _, cells in lines]
    return []


def _units(materials: Materials, plan: Mapping[str, Any]) -> dict[str, Units]:
    covariates = materials.plan.analysis.covariates
    names = [*plan["patient_covariates"], plan["number_covariate"]["name"]]
    names += plan["lesion_covariates"]
    known = [
        name
        for name in names
        if name in covariates and materials.plan.cohort.supplies(covariates[name].column)
    ]
    there = [e for e in _ENDPOINTS if e in materials.endpoints and e in materials.plan.endpoints]
    return {endpoint: units_of(materials, endpoint, known) for endpoint in there}


def _as_printed(row: Row) -> str:
    return row["fitted_as"]


def _given(numbers: Iterable[Printed], cohort: _Cohort, fitted_as: Any) -> dict[str, float | None]:
    """What the cohort gives for each number."""
    of_rows: dict[str, Mapping[str, float | None]] = {}
    for number in numbers:
        name = number.row["target_id"]
        if name not in of_rows:
            of_rows[name] = cohort.gives(number.row, fitted_as(number.row))
    return {n.key: of_rows[n.row["target_id"]].get(n.part) for n in numbers}


def _number(found: _Reproduction, number: Printed) -> Iterator[tuple[str, Second]]:
    key = f"{STAGE}.{number.key.partition('.')[2]}"
    value = found.values[number.key]
    status = number.status(value)
    yield key, Second(value, engine=ENGINE)
    yield f"{key}.status", Second(_WORDS[status], engine=ENGINE)
    if status != "exact":
        kind, proved = found.verdict(number)
        said = _WHY[kind]
        if kind == "not_found" and proved:
            said = f"not found within 2 %; {_WHY['jointly']} exact"
        yield f"{key}.why", Second(said, engine=ENGINE)


def _counts(found: _Reproduction) -> dict[str, int]:
    """Numbers by endpoint, block and level: how many there are, how near, and why not."""
    counted: Counter[str] = Counter()
    for number in found.numbers:
        level = "lesion" if number.endpoint in _LEVELS["lesion"] else "patient"
        value = found.values[number.key]
        whats = ["n", number.status(value)] + (["near"] if number.near(value) else [])
        if number.status(value) != "exact":
            whats.append(found.verdict(number)[0])
        for whom in (f"{number.endpoint}.{number.block}", number.endpoint, level, "all"):
            counted.update({f"count.{whom}.{what}": 0 for what in ("near", *_WORDS, *_WHY)})
            counted.update(f"count.{whom}.{what}" for what in whats)
    return dict(counted)


def _proved(found: _Reproduction) -> dict[str, int | str]:
    counts: dict[str, int | str] = {
        f"proof_{at}.tolerance": _WORDS["exact" if tolerance == "exact" else "two_percent"]
        for at, (_, tolerance) in enumerate(found.conflicts, start=1)
    }
    for tolerance in ("exact", "near"):
        missed = least_hit([members for members, at in found.conflicts if at == tolerance])
        counts[f"proved.{tolerance}"] = missed
        counts[f"attainable.{tolerance}"] = len(found.numbers) - missed
    return counts


def _words(found: _Reproduction) -> dict[str, str]:
    """What each row is, and which numbers each proof is about."""
    named = {number.key: number for number in found.numbers}
    rows = {number.row["target_id"]: number.row for number in found.numbers}
    subjects = {key: subject(Figure(key, row)) for key, row in rows.items()}
    words = {f"{key.partition('.')[2]}.subject": said for key, said in subjects.items()}
    for at, (members, _) in enumerate(found.conflicts, start=1):
        parts: dict[str, list[str]] = {}
        for number in (named[key] for key in members):
            parts.setdefault(number.row["target_id"], []).append(_NAMED[number.part])
        words[f"proof_{at}.numbers"] = "; ".join(
            f"{subjects[key]}: {', '.join(of)}" if _is_ratio(rows[key]) else subjects[key]
            for key, of in parts.items()
        )
    return words


def _arguments(found: _Reproduction, records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The argument of each proof; that of a curve as it stands, its steps done again."""
    stands = {record["key"]: record["value"] for record in records}
    told: dict[str, str] = {}
    for at, argument in enumerate(found.arguments, start=1):
        name = f"proof_{at}.argument"
        text = argument or done_again(stands.get(f"{STAGE}.{name}") or "")
        told |= {name: text} if text else {}
    return told


def _is_ratio(row: Row) -> bool:
    return row["measure"] == "hazard_ratio"


# --- other conventions --------------------------------------------------------------------


def _conventions(numbers: Sequence[Printed], cohort: _Cohort) -> dict[str, int]:
    """Near and exact numbers under every convention that computes a row otherwise."""
    instead = {
        "cox_for_peto": {"logrank.peto": "cox.efron"},
        "observed_expected": {"logrank.peto": "logrank.observed_expected"},
        "breslow": {"cox.efron": "cox.breslow"},
        "efron": {"cox.breslow": "cox.efron"},
        "crossing": {"kaplan_meier.first_event": "kaplan_meier.crossing"},
    }
    found: dict[str, int] = {}
    for name in (*instead, "peto_for_cox"):

        def fitted_as(row: Row, name: str = name) -> str:
            if name == "peto_for_cox":
                alone = row["fitted_as"].startswith("cox") and len(_covariates(row)) == 1
                return "logrank.peto" if alone else row["fitted_as"]
            return instead[name].get(row["fitted_as"], row["fitted_as"])

        if any(fitted_as(number.row) != number.row["fitted_as"] for number in numbers):
            values = _given(numbers, cohort, fitted_as)
            for level, endpoints in _LEVELS.items():
                own = [n for n in numbers if n.endpoint in endpoints]
                exact = sum(n.status(values[n.key]) == "exact" for n in own)
                found[f"convention.{name}.{level}.exact"] = exact
                near = sum(n.near(values[n.key]) for n in own)
                found[f"convention.{name}.{level}.near"] = near
    return found


# --- numbers that exclude each other ------------------------------------------------------


def _of_rows(numbers: Sequence[Printed]) -> Iterator[_Conflict]:
    """Smallest sets of a row's numbers that no coefficient with its standard error gives."""
    for _, group in itertools.groupby(numbers, key=lambda n: n.row["target_id"]):
        members = list(group)
        if members[0].row["fitted_as"] in _WALD:
            for tolerance in ("exact", "near"):
                if not solvable(members, tolerance):
                    yield from ((keys, tolerance) for keys in _smallest(members, tolerance))


def _smallest(members: Sequence[Printed], tolerance: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for size in range(2, len(members) + 1):
        for chosen in itertools.combinations(members, size):
            keys = tuple(number.key for number in chosen)
            known = any(set(less) <= set(keys) for less in found)
            if not known and not solvable(chosen, tolerance):
                found.append(keys)
    return found


def solvable(numbers: Sequence[Printed], tolerance: str) -> bool:
    """Whether some coefficient b and standard error s above 0 give all of these numbers.

    For a given s and sign of b every number allows an interval of b whose ends are linear in s.
    The greatest lower less the least upper end is convex in s: its least is searched for.
    """
    return any(_least_gap(numbers, tolerance, sign) <= _TINY for sign in (1.0, -1.0))


def _least_gap(numbers: Sequence[Printed], tolerance: str, sign: float) -> float:
    # Interval of sign * b at s: from the first line to the second, each (at 0, per unit of s).
    lows, highs = [(0.0, 0.0)], []
    for number in numbers:
        low, high = number.span(tolerance)
        if number.part == "p":
            lows.append((0.0, low))
            highs.append((0.0, high))
            continue
        level = float(number.row["ci_level"] or 95) / 100
        z = float(norm.isf((1 - level) / 2))
        shift = sign * {"ci_low": z, "ci_high": -z}.get(number.part, 0.0)
        ends = sorted((sign * low, sign * high))
        lows.append((ends[0], shift))
        highs.append((ends[1], shift))

    def gap(s: float) -> float:
        return max(a + b * s for a, b in lows) - min(a + b * s for a, b in highs)

    left, right = 0.0, 1e3
    for _ in range(200):
        third = (right - left) / 3
        one, other = gap(left + third), gap(right - third)
        if min(one, other) <= _TINY:
            return min(one, other)
        left, right = (left, right - third) if one <= other else (left + third, right)
    return gap((left + right) / 2)


def _argument_of_row(found: _Reproduction, members: tuple[str, ...], tolerance: str) -> str:
    """What no coefficient gives, with the report's line on the row, written again."""
    chosen = [number for number in found.numbers if number.key in members]
    texts = ", ".join(f"{_IN_PROOFS[number.part]} {number.text}" for number in chosen)
    what = "round to" if tolerance == "exact" else "come within 2 % of"
    check = "wald_p" if any(number.part == "p" for number in chosen) else "interval_symmetry"
    lines = [
        one.line
        for one in found.findings
        if one.check == check
        and one.verdict in ("impossible", "inconsistent")
        and one.keys[0] == chosen[0].row["target_id"]
    ]
    own = f"no coefficient with its standard error gives values that {what} {texts}"
    return "; ".join([own, *lines[:1]] if tolerance == "exact" else [own])


def _argument_of_fit(found: _Reproduction, members: tuple[str, ...]) -> str:
    one, other = (number.text for key in members for number in found.numbers if number.key == key)
    return f"both are of one fit, and {one} is not {other}"


_IN_PROOFS = {"estimate": "ratio", "ci_low": "lower limit", "ci_high": "upper limit", "p": "p"}


def _of_one_fit(numbers: Sequence[Printed]) -> Iterator[_Conflict]:
    """Numbers of one fit that two rows print otherwise."""
    fits: dict[tuple[Any, ...], list[Printed]] = {}
    for number in numbers:
        names = _covariates(number.row)
        asked = tuple(number.row[c] for c in ("measure", "subgroup", "time_months", "fitted_as"))
        fit = (number.endpoint, number.part, asked, names[:1], frozenset(names))
        fits.setdefault(fit, []).append(number)
    for same in fits.values():
        for one, other in itertools.combinations(same, 2):
            for tolerance in ("exact", "near"):
                (a, b), (c, d) = one.span(tolerance), other.span(tolerance)
                if max(a, c) > min(b, d) + _TINY:
                    yield (one.key, other.key), tolerance


def _of_curves(found: _Reproduction) -> Iterator[_Conflict]:
    """Rates that cannot be by the report's checks, done again; of one curve's, within 2 % too."""
    known = {number.key: number for number in found.numbers}
    for finding in found.findings:
        proved = finding.verdict in ("impossible", "inconsistent")
        keys = tuple(f"{key}.estimate" for key in finding.keys)
        if not proved or finding.check not in ("landmark", "pooled_landmark"):
            continue
        if not all(key in known for key in keys):
            continue
        yield keys, "exact"
        rates = [known[key] for key in keys if known[key].row["measure"] == "rate"]
        n = rates[0].row["n"] if rates else ""
        if finding.check == "landmark" and n and len(rates) == len(keys):
            rates.sort(key=lambda rate: float(rate.row["time_months"]))
            windows = [tuple(end / 100 for end in rate.span("near")) for rate in rates]
            if not can_be_met(int(n), windows):
                yield keys, "near"


def can_be_met(n: int, windows: Sequence[tuple[float, ...]]) -> bool:
    """Whether a Kaplan-Meier curve of n patients passes through windows in turn.

    With r at risk a death multiplies the curve by (r - 1) / r. Which exits are deaths, and which
    lie before each window, are integers; the curve's logarithm is linear in them.

    Parameters
    ----------
    n : int
    windows : sequence of (float, float)
        Least and greatest survival at each landmark, in the order of time.
    """
    count, last = len(windows), math.log(1e-9)
    risks = np.arange(n, 0, -1)
    logs = np.array([math.log((r - 1) / r) if r > 1 else last for r in risks])
    size = n * (2 * count + 1)  # by landmark: left by then, died by then; and whether a death

    def place(kind: int, at: int) -> int:
        return kind * n + at

    rows, lows, highs = [], [], []

    def demand(entries: Mapping[int, float], low: float, high: float) -> None:
        row = np.zeros(size)
        for column, value in entries.items():
            row[column] = value
        rows.append(row)
        lows.append(low)
        highs.append(high)

    for k, (least, greatest) in enumerate(windows):
        left, died = 2 * k, 2 * k + 1
        for at in range(n):
            death = place(2 * count, at)
            if at:  # who leaves later has not left before
                demand({place(left, at): 1, place(left, at - 1): -1}, -1, 0)
            if k:
                demand({place(left, at): 1, place(left - 2, at): -1}, 0, 1)
            demand({place(died, at): 1, place(left, at): -1}, -1, 0)
            demand({place(died, at): 1, death: -1}, -1, 0)
            demand({place(died, at): 1, place(left, at): -1, death: -1}, -1, 0)
        low = math.log(least) if least > 1e-9 else n * last
        steps = {place(died, at): float(logs[at]) for at in range(n)}
        demand(steps, low, math.log(min(max(greatest, 1e-9), 1.0)) + 1e-9)
    constraints = LinearConstraint(np.array(rows), np.array(lows), np.array(highs))
    answer = milp(np.zeros(size), constraints=constraints, integrality=1, bounds=Bounds(0, 1))
    return bool(answer.success)


def least_hit(sets: Sequence[Collection[str]]) -> int:
    """Size of the smallest set that has a member of each of these, by integer programming."""
    members = sorted({name for one in sets for name in one})
    if not members:
        return 0
    rows = np.array([[name in one for name in members] for one in sets], dtype=float)
    constraint = LinearConstraint(rows, 1, np.inf)
    found = milp(np.ones(len(members)), constraints=constraint, integrality=1, bounds=Bounds(0, 1))
    return round(float(found.fun))


# --- the search's record ------------------------------------------------------------------


def _searched(record: Mapping[str, Any]) -> dict[str, float | int | str]:
    """What ``search.json`` says of the searches, added up."""
    steps = [search["steps"] for search in record["seeds"]]
    budgets = {
        "longest": [s for s in record["seeds"] if s["steps"] == max(steps)],
        "shorter": [s for s in record["seeds"] if s["steps"] < max(steps)],
    }
    found: dict[str, float | int | str] = {"search.seeds": len(steps)}
    for name, searches in budgets.items():
        if searches:
            key = f"search.{name}"
            found[f"{key}.seeds"] = len(searches)
            found[f"{key}.million_moves"] = max(s["steps"] for s in searches) / 1e6
            for what in ("near", "exact"):
                found[f"{key}.{what}.least"] = min(s[what] for s in searches)
                found[f"{key}.{what}.most"] = max(s[what] for s in searches)
    found |= _by_level("search.best", record["best"]["by_endpoint"])
    found["search.unmet"] = sum(of - near for near, _, of in record["best"]["by_endpoint"])
    return found | _solutions(record.get("solutions")) | _alternatives(record)


def _by_level(key: str, by_endpoint: Sequence[Sequence[int]]) -> dict[str, int]:
    """Near and exact numbers per level; the record has them by endpoint."""
    scores = dict(zip(_ENDPOINTS, by_endpoint, strict=True))
    found = {}
    for level, endpoints in _LEVELS.items():
        found[f"{key}.{level}.near"] = sum(scores[name][0] for name in endpoints)
        found[f"{key}.{level}.exact"] = sum(scores[name][1] for name in endpoints)
    return found


def _solutions(solutions: Mapping[str, Any] | None) -> dict[str, float | int]:
    if not solutions:
        return {}
    return {
        "search.solutions": solutions["n"],
        "search.solutions.distance_near": solutions["distance_near"],
        "search.solutions.distance_exact": solutions["distance_exact"],
        "search.solutions.least_difference": 100 * solutions["least_difference"],
    }


def _alternatives(record: Mapping[str, Any]) -> dict[str, float | int | str]:
    found: dict[str, float | int | str] = {}
    for number, one in enumerate(record.get("alternatives", ()), start=1):
        key = f"search.alternative_{number}"
        found |= _by_level(key, one["by_endpoint"])
        found[f"{key}.searches"] = one["searches"]
        found[f"{key}.million_moves"] = one["steps"] / 1e6
        found[f"{key}.name"] = one["name"][:1].upper() + one["name"][1:]
    return found
