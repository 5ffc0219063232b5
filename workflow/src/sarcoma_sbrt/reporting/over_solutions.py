"""Ranges over the reconstructions found, beside the registry's numbers that they concern.

Only a number that no printed figure constrains is printed with its range: one that is not among
those that the search aimed at. What is printed in the study is reproduced or not, and what every
reconstruction prints alike needs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sarcoma_sbrt.evidence.published import Figure
from sarcoma_sbrt.reporting.numbers import printed
from sarcoma_sbrt.reporting.solution_ranges import Range
from sarcoma_sbrt.settings import Analysis

__all__ = ["COUNT", "constrained", "outside", "with_ranges"]

COUNT = "reproduction.search.solutions"
"""Key of the number of reconstructions that the ranges are over."""

# A value that was read from a file may differ in its last digits.
_TOLERANCE = 1e-6

# Described by the tables of patients and treatments, whose printed counts every expansion fills.
_DESCRIBED = "characteristics"


def constrained(
    figures: Iterable[Figure], subgroups: Mapping[str, Mapping[str, Any]], analysis: Analysis
) -> frozenset[str]:
    """Keys of the numbers that a study prints, under the convention that fits its figures.

    Parameters
    ----------
    figures : iterable of Figure
        Of the study.
    subgroups : mapping
        Slug of a printed group -> its ``covariate`` and ``value`` (1 is the level).
    analysis : Analysis
        A ratio of a Cox model constrains only the model of the plan that has its covariates,
        whatever the study calls it.
    """
    return frozenset(
        key for figure in figures if figure.fitted_as for key in _keys(figure, subgroups, analysis)
    )


def _keys(
    figure: Figure, subgroups: Mapping[str, Mapping[str, Any]], analysis: Analysis
) -> Iterator[str]:
    endpoint, covariate = figure.endpoint, figure.category
    if endpoint == "follow_up":
        yield from (f"os.time_{what}" for what in ("median", "min", "max"))
        return
    group = subgroups.get(figure.subgroup)
    name = f".{group['covariate']}_{'level' if group['value'] else 'reference'}" if group else ""
    if figure.measure == "rate":
        yield f"{endpoint}{name}.rate_{figure.time_months:g}m"
    elif figure.measure == "median":
        yield f"{endpoint}{name}.median"
    elif figure.fitted_as.startswith("cox"):
        # A lesion's p is printed without regard to patients with several.
        p = "naive_p" if endpoint == "lc" else "p"
        for model in _models(analysis, endpoint, _covariates(figure)):
            yield from (f"cox.{endpoint}.{model}.{covariate}.{what}" for what in ("hr", p))
    else:
        stem = f"{endpoint}.{covariate}.logrank"
        yield from (f"{stem}.p", f"{stem}.chi_square")
        ratio = figure.fitted_as.removeprefix("logrank.")
        if figure.measure == "hazard_ratio":
            yield f"{stem}.{ratio}"


def _covariates(figure: Figure) -> tuple[str, ...]:
    """Covariates of the model that a ratio is recomputed from, its own first."""
    adjusted = figure.fitted_adjusted_for or figure.adjusted_for
    return (figure.category, *(adjusted.split("; ") if adjusted else ()))


def _models(analysis: Analysis, endpoint: str, covariates: Sequence[str]) -> Iterator[str]:
    """The plan's Cox models with just these covariates."""
    if covariates[0] in analysis.univariable.get(endpoint, ()) and len(covariates) == 1:
        yield "univariable"
    for model, names in analysis.multivariable.get(endpoint, {}).items():
        if set(names) == set(covariates):
            yield model


def outside(entries: Mapping[str, Mapping[str, Any]], ranges: Mapping[str, Range]) -> list[str]:
    """Keys whose value lies outside its range: the ranges are of other data or another plan."""
    return [
        key
        for key, one in ranges.items()
        if key in entries and not _holds(one, entries[key]["value"])
    ]


def _holds(one: Range, value: float | None) -> bool:
    if value is None:
        return one.estimated < one.solutions
    slack = _TOLERANCE * max(1.0, abs(value))
    return one.low - slack <= value <= one.high + slack


def with_ranges(
    entries: Mapping[str, Mapping[str, Any]],
    ranges: Mapping[str, Range],
    printed_keys: Iterable[str],
    source: Mapping[str, str],
) -> dict[str, dict[str, Any]]:
    """The registry with ranges: as numbers for every key, in print where nothing constrains it.

    Parameters
    ----------
    entries : mapping
        The registry.
    ranges : mapping
        Key -> range over the reconstructions found.
    printed_keys : iterable of str
        `constrained` ones.
    source : mapping
        ``{"path", "sha256"}`` of the file that holds the ranges.

    Returns
    -------
    dict
        Entries with ``solutions`` (low, high, estimated, solutions); those to be printed with
        their range also with ``over_solutions``, its text, which is an entry of its own, too:
        ``<key>.over_solutions`` and ``<key>.stated.over_solutions``. A value outside its range
        gets neither (`outside`).
    """
    told = {key: dict(entry) for key, entry in entries.items()}
    stale, known = set(outside(entries, ranges)), frozenset(printed_keys)
    for key, one in ranges.items():
        if key not in told or key in stale:
            continue
        entry = told[key]
        entry["solutions"] = vars(one) | {"source": dict(source)}
        text = _text(one, entry)
        if not text or key in known or _is_described(entry):
            continue
        for shown in (key, f"{key}.stated"):
            if shown in told:
                told[shown]["over_solutions"] = text
                own = f"{shown}.over_solutions"
                told[own] = entry | {
                    "key": own,
                    "value": text,
                    "unit": "text",
                    "text": text,
                    "digits": None,
                    "ci": None,
                    "p": None,
                    "method": f"range over the {one.solutions} reconstructions found; "
                    f"{entry['method']}",
                    "inputs": [*entry["inputs"], dict(source)],
                    "of": key,
                }
                told[own].pop("over_solutions", None)
    return dict(sorted(told.items()))


def _is_described(entry: Mapping[str, Any]) -> bool:
    return bool(entry["source"] == _DESCRIBED and entry["support"] == "printed")


def _text(one: Range, entry: Mapping[str, Any]) -> str:
    """A range as it is printed; empty where every reconstruction prints the same."""
    low, high = (printed(end, entry["unit"]) for end in (one.low, one.high))
    lacking = one.solutions - one.estimated
    if low == high and not lacking:
        return ""
    ends = low if low == high else f"{low} to {high}"
    return f"{ends}, no value in {lacking}" if lacking else ends
