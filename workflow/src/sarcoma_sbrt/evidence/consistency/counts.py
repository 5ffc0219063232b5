"""Subtotals against totals, and one population's number in several places."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.percentages import POPULATIONS
from sarcoma_sbrt.evidence.consistency.readings import (
    RELATIONS,
    by_key,
    count_bounds,
    counted,
    estimate_bounds,
    said,
    share,
    shown,
)
from sarcoma_sbrt.evidence.consistency.rounding import Bounds, exact_text, roundings
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["numbers_analysed", "subtotals"]

_HUNDRED = Fraction(100)
_WHOLE = Bounds(_HUNDRED, _HUNDRED)
_COUNTING = ("count", "proportion", "schedule")


# --- subtotals ----------------------------------------------------------------------------


def subtotals(figures: Sequence[Figure]) -> list[Finding]:
    """Parts of a split against the whole: counts exactly, percentages as rounding allows.

    The parts are the primary rows (no `duplicate_of`) of one paper with the same `part_of` and
    `partition`; without a partition nothing says that they are all (`subsets.parts_of_counts`
    takes those). Percentages that have the whole as denominator must be able to add up to 100;
    those that share the denominator of a whole that is itself a percentage, to that one. What is
    printed as a bound ("over 20") is added as one.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``subtotal``, keys: the whole, then its parts.
    """
    known = by_key(figures)
    return [
        finding
        for (whole, _, _), parts in _partitions(figures).items()
        if whole in known and known[whole].measure in _COUNTING
        for finding in _split(known[whole], parts)
    ]


def _partitions(figures: Sequence[Figure]) -> dict[tuple[str, str, str], list[Figure]]:
    groups: dict[tuple[str, str, str], list[Figure]] = defaultdict(list)
    for f in figures:
        if f.measure in _COUNTING and f.part_of and f.partition and not f.duplicate_of:
            groups[f.part_of, f.partition, f.paper].append(f)
    return groups


def _split(whole: Figure, parts: Sequence[Figure]) -> Iterator[Finding]:
    keys = [whole.key, *(part.key for part in parts)]
    if len(parts) == 1:
        reason = "only one part of the split is printed"
        yield unverifiable("subtotal", keys, shown(parts[0]), reason)
        return
    counts = [counted(part) for part in parts]
    complete = counted(whole) is not None and None not in counts
    if complete:
        yield _sum_of_counts(keys, whole, parts)
    expected = _expected_share(whole, parts)
    if expected is not None and all(share(part) is not None for part in parts):
        yield _sum_of_shares(keys, expected, parts)
    elif not complete:
        reason = "neither counts nor percentages are printed for every part and the whole"
        yield unverifiable("subtotal", keys, "; ".join(map(shown, parts)), reason)


def _sum_of_counts(keys: Sequence[str], whole: Figure, parts: Sequence[Figure]) -> Finding:
    found = sum(counted(part) or 0 for part in parts)
    total = _total(map(count_bounds, parts))
    wanted = count_bounds(whole)
    agrees = wanted is not None and total.overlaps(wanted)
    printed = " + ".join(map(_count_text, parts))
    of = _count_text(whole)
    exact = agrees and not any(figure.relation for figure in (whole, *parts))
    return Finding(
        "subtotal",
        tuple(keys),
        "consistent" if agrees else "inconsistent",
        f"{printed} of {of}",
        str(found),
        f"{printed} = {found}" + ("" if exact else f", total {of}"),
        {"sum": found, "total": counted(whole)},
    )


def _count_text(figure: Figure) -> str:
    relation = figure.relation if figure.measure == "count" else ""
    return f"{RELATIONS[relation]}{counted(figure)}"


def _total(parts: Iterator[Bounds | None]) -> Bounds:
    """Sum of what the parts allow."""
    total = Bounds(Fraction(0), Fraction(0))
    for part in parts:
        total = total + part if part is not None else total
    return total


def _expected_share(whole: Figure, parts: Sequence[Figure]) -> Bounds | None:
    """What the parts' percentages have to add up to; None when their denominators differ."""
    denominators = {part.n for part in parts}
    total = counted(whole)
    if len(denominators) != 1:
        return None
    if whole.measure == "count" and denominators <= {None, total}:
        return _WHOLE
    if share(whole) is not None and None not in denominators and denominators == {whole.n}:
        return estimate_bounds(whole)
    return _WHOLE if total is not None and denominators == {total} else None


def _sum_of_shares(keys: Sequence[str], expected: Bounds, parts: Sequence[Figure]) -> Finding:
    values = [value for part in parts if (value := share(part)) is not None]
    total = _total(map(estimate_bounds, parts))
    places = max(value.places for value in values)
    printed = " + ".join(map(said, parts))
    found = roundings(sum((value.value for value in values), Fraction(0)), places)[0]
    wanted = _span(expected, places)
    agrees = total.overlaps(expected)
    arithmetic = f"{printed} = {found}; rounding allows {_span(total, places)}"
    return Finding(
        "subtotal",
        tuple(keys),
        "consistent" if agrees else "inconsistent",
        f"{printed} percent",
        f"{_span(total, places)}%",
        arithmetic + ("" if agrees else f", wanted {wanted}"),
        {"low": _number(total.low), "high": _number(total.high), "wanted": wanted},
    )


def _number(end: Fraction | None) -> float | None:
    return None if end is None else float(end)


def _span(bounds: Bounds, places: int) -> str:
    if bounds.low is None or bounds.high is None:
        end = bounds.high if bounds.low is None else bounds.low
        side = "at most" if bounds.low is None else "at least"
        return f"{side} {exact_text(end or Fraction(0), places)}"
    low, high = exact_text(bounds.low, places), exact_text(bounds.high, places)
    return low if bounds.low == bounds.high else f"{low} to {high}"


# --- numbers analysed ---------------------------------------------------------------------


def numbers_analysed(figures: Sequence[Figure]) -> list[Finding]:
    """The size of one population wherever it is printed.

    Counts of a study's patients or lesions (of one subgroup, arm and category) are compared over
    all places and papers; one that is printed as a bound ("over 50") only has to allow the
    others. A figure's n is compared with the figure that `n_from` names, or with the sum of
    several.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``n_across_tables``; a population printed once gives none.
    """
    groups = _populations(figures).values()
    sizes = [_one_size(group) for group in groups if len(group) > 1]
    return [*sizes, *_named_sources(figures, by_key(figures))]


def _populations(figures: Sequence[Figure]) -> Mapping[tuple[str, ...], list[Figure]]:
    groups: dict[tuple[str, ...], list[Figure]] = defaultdict(list)
    for f in figures:
        if f.measure == "count" and f.endpoint in POPULATIONS and counted(f) is not None:
            groups[f.study_id, f.endpoint, f.category, f.subgroup, f.arm].append(f)
    return groups


def _one_size(group: Sequence[Figure]) -> Finding:
    allowed = [bounds for figure in group if (bounds := count_bounds(figure)) is not None]
    agrees = all(a.overlaps(b) for i, a in enumerate(allowed) for b in allowed[:i])
    texts = [_count_text(figure) for figure in group]
    exact = [str(counted(figure)) for figure in group if not figure.relation]
    return Finding(
        "n_across_tables",
        tuple(figure.key for figure in group),
        "consistent" if agrees else "inconsistent",
        ", ".join(RELATIONS[figure.relation] + figure.printed_text for figure in group),
        exact[0] if agrees and exact else "",
        _sizes_text(texts, exact, agrees),
        {"places": [f"{figure.paper} {figure.place}" for figure in group]},
    )


def _sizes_text(texts: Sequence[str], exact: Sequence[str], agrees: bool) -> str:
    if not agrees:
        return " ≠ ".join(dict.fromkeys(texts))
    bounds = dict.fromkeys(text for text in texts if text not in exact)
    return "; ".join(filter(None, (" = ".join(exact), *(f"{b} allows it" for b in bounds))))


def _named_sources(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Finding]:
    """An n that is printed beside its figure, or that differs from where it was taken from."""
    for figure in figures:
        sources = [known[key] for key in figure.n_from if key in known]
        sizes = [counted(source) for source in sources]
        if figure.n is None or not sizes or None in sizes or len(sizes) < len(figure.n_from):
            continue
        n = Fraction(figure.n)
        agrees = _total(map(count_bounds, sources)).overlaps(Bounds(n, n))
        if agrees and not figure.printed_n:
            continue
        yield Finding(
            "n_across_tables",
            (figure.key, *figure.n_from),
            "consistent" if agrees else "inconsistent",
            figure.printed_n or str(figure.n),
            str(sum(size or 0 for size in sizes)),
            f"{figure.n} {'=' if agrees else '≠'} {' + '.join(map(_count_text, sources))}",
            {"n_printed_beside": bool(figure.printed_n)},
        )
