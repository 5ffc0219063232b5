"""Counts against percentages, subtotals against totals, one population's n in several places."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from sarcoma_sbrt.evidence.consistency.findings import Finding, unverifiable
from sarcoma_sbrt.evidence.consistency.readings import by_key, counted, estimate, shown
from sarcoma_sbrt.evidence.consistency.rounding import (
    Interval,
    PrintedValue,
    exact_text,
    roundings,
)
from sarcoma_sbrt.evidence.published import Figure

__all__ = ["numbers_analysed", "percentages", "subtotals"]

_HUNDRED = Fraction(100)
_COUNTING = ("count", "proportion", "schedule")
_POPULATIONS = ("patients", "lesions")
_SHOWN_COUNTS = 3


# --- percentages --------------------------------------------------------------------------


def percentages(figures: Sequence[Figure]) -> list[Finding]:
    """Percentages against the counts that they are made of.

    With numerator and denominator printed: whether their quotient rounds to the percentage.
    With the denominator alone: whether any whole count does (GRIM for proportions: Brown NJL,
    Heathers JAJ, Soc Psychol Personal Sci 2017;8:363-369), and which counts do. A half may have
    been rounded either way. Survival rates are no quotients of counts and are left out, unless
    they are crude.

    Parameters
    ----------
    figures : sequence of Figure

    Returns
    -------
    list of Finding
        Of check ``count_percentage``, one for each share, repeated ones too.
    """
    return [_percentage(f, value) for f in figures if (value := _share(f)) is not None]


def _share(figure: Figure) -> PrintedValue | None:
    crude = figure.measure == "rate" and figure.estimator == "crude"
    plain = figure.measure == "proportion" and figure.estimator in ("", "crude", "descriptive")
    return estimate(figure) if (crude or plain) and figure.unit == "percent" else None


def _percentage(figure: Figure, share: PrintedValue) -> Finding:
    if figure.n is None or figure.n < 1:
        reason = "no denominator is printed or known"
        return unverifiable("count_percentage", [figure.key], shown(figure), reason)
    if figure.events is not None:
        return _quotient(figure, share, figure.events, figure.n)
    return _any_count(figure, share, figure.n)


def _quotient(figure: Figure, share: PrintedValue, events: int, n: int) -> Finding:
    value = _HUNDRED * events / n
    agrees = value in share.interval
    arithmetic = _division(events, n, share.places)
    if not agrees:
        arithmetic += f", printed {share.text}%"
    return Finding(
        "count_percentage",
        (figure.key,),
        "consistent" if agrees else "inconsistent",
        f"{events}/{n}, {share.text}%",
        _rounded_percent(value, share.places),
        arithmetic,
        {"events": events, "n": n, "percent": float(value)},
    )


def _any_count(figure: Figure, share: PrintedValue, n: int) -> Finding:
    counts = _counts_giving(share, n)
    if counts:
        recomputed = _listed(counts, n)
        arithmetic = "; ".join(_division(k, n, share.places) for k in counts[:_SHOWN_COUNTS])
        if len(counts) > _SHOWN_COUNTS:
            arithmetic += f"; … {_division(counts[-1], n, share.places)}"
    else:
        near = _neighbours(share, n)
        recomputed = "no count"
        arithmetic = "; ".join(_division(k, n, share.places) for k in near)
        arithmetic += f"; printed {share.text}%"
    return Finding(
        "count_percentage",
        (figure.key,),
        "possible" if counts else "impossible",
        f"{share.text}% of {n}",
        recomputed,
        arithmetic,
        {"counts": list(counts), "n": n, "n_printed_beside": bool(figure.printed_n)},
    )


def _counts_giving(share: PrintedValue, n: int) -> range:
    bounds = share.interval.scaled(Fraction(n, 100))
    return range(math.ceil(bounds.low), min(math.floor(bounds.high), n) + 1)


def _neighbours(share: PrintedValue, n: int) -> list[int]:
    below = math.floor(share.value * n / 100)
    return [k for k in (below, below + 1) if 0 <= k <= n]


def _listed(counts: range, n: int) -> str:
    if len(counts) <= _SHOWN_COUNTS:
        return " or ".join(f"{k}/{n}" for k in counts)
    return f"{counts[0]}/{n} to {counts[-1]}/{n}"


def _division(events: int, n: int, places: int) -> str:
    """``25/37 = 67.57% → 67.6%``."""
    value = _HUNDRED * events / n
    return f"{events}/{n} = {exact_text(value, places)}% → {_rounded_percent(value, places)}"


def _rounded_percent(value: Fraction, places: int) -> str:
    return " or ".join(f"{text}%" for text in roundings(value, places))


# --- subtotals ----------------------------------------------------------------------------


def subtotals(figures: Sequence[Figure]) -> list[Finding]:
    """Parts of a split against the whole: counts exactly, percentages as rounding allows.

    The parts are the primary rows (no `duplicate_of`) of one paper with the same `part_of` and
    `partition`. Percentages that have the whole as denominator must be able to add up to 100;
    those that share the denominator of a whole that is itself a percentage, to that one.

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
    for figure in figures:
        if figure.measure in _COUNTING and figure.part_of and not figure.duplicate_of:
            groups[figure.part_of, figure.partition, figure.paper].append(figure)
    return groups


def _split(whole: Figure, parts: Sequence[Figure]) -> Iterator[Finding]:
    keys = [whole.key, *(part.key for part in parts)]
    if len(parts) == 1:
        reason = "only one part of the split is printed"
        yield unverifiable("subtotal", keys, shown(parts[0]), reason)
        return
    total, counts = counted(whole), [counted(part) for part in parts]
    known = [count for count in counts if count is not None]
    if total is not None and len(known) == len(counts):
        yield _sum_of_counts(keys, total, known)
    shares = [share for part in parts if (share := _share(part)) is not None]
    expected = _expected_share(whole, parts)
    if expected is not None and len(shares) == len(parts):
        yield _sum_of_shares(keys, expected, shares)
    elif total is None or len(known) != len(counts):
        reason = "neither counts nor percentages are printed for every part and the whole"
        yield unverifiable("subtotal", keys, "; ".join(map(shown, parts)), reason)


def _sum_of_counts(keys: Sequence[str], total: int, counts: Sequence[int]) -> Finding:
    found = sum(counts)
    printed = " + ".join(map(str, counts))
    return Finding(
        "subtotal",
        tuple(keys),
        "consistent" if found == total else "inconsistent",
        f"{printed} of {total}",
        str(found),
        f"{printed} = {found}" + ("" if found == total else f", total {total}"),
        {"sum": found, "total": total},
    )


def _expected_share(whole: Figure, parts: Sequence[Figure]) -> Interval | None:
    """What the parts' percentages have to add up to; None when their denominators differ."""
    denominators = {part.n for part in parts}
    total = counted(whole)
    if len(denominators) != 1:
        return None
    if whole.measure == "count" and denominators <= {None, total}:
        return Interval(_HUNDRED, _HUNDRED)
    share = _share(whole)
    if share is not None and None not in denominators and denominators == {whole.n}:
        return share.interval
    if total is not None and denominators == {total}:
        return Interval(_HUNDRED, _HUNDRED)
    return None


def _sum_of_shares(
    keys: Sequence[str], expected: Interval, shares: Sequence[PrintedValue]
) -> Finding:
    total = Interval(Fraction(0), Fraction(0))
    for share in shares:
        total = total + share.interval
    places = max(share.places for share in shares)
    printed = " + ".join(share.text for share in shares)
    found = roundings(sum((share.value for share in shares), Fraction(0)), places)[0]
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
        {"low": float(total.low), "high": float(total.high), "wanted": wanted},
    )


def _span(interval: Interval, places: int) -> str:
    low, high = exact_text(interval.low, places), exact_text(interval.high, places)
    return low if interval.low == interval.high else f"{low} to {high}"


# --- numbers analysed ---------------------------------------------------------------------


def numbers_analysed(figures: Sequence[Figure]) -> list[Finding]:
    """The size of one population wherever it is printed.

    Counts of a study's patients or lesions (of one subgroup, arm and category) are compared over
    all places and papers. A figure's n is compared with the figure that `n_from` names, or with the
    sum of several.

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
        if f.measure == "count" and f.endpoint in _POPULATIONS and counted(f) is not None:
            groups[f.study_id, f.endpoint, f.category, f.subgroup, f.arm].append(f)
    return groups


def _one_size(group: Sequence[Figure]) -> Finding:
    sizes = [counted(figure) for figure in group]
    agrees = len(set(sizes)) == 1
    mark = " = " if agrees else " ≠ "
    return Finding(
        "n_across_tables",
        tuple(figure.key for figure in group),
        "consistent" if agrees else "inconsistent",
        ", ".join(figure.printed_text for figure in group),
        str(sizes[0]) if agrees else "",
        mark.join(map(str, sizes if agrees else sorted(set(sizes), key=sizes.index))),
        {"places": [f"{figure.paper} {figure.place}" for figure in group]},
    )


def _named_sources(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Finding]:
    """An n that is printed beside its figure, or that differs from where it was taken from."""
    for figure in figures:
        sizes = [counted(known[key]) if key in known else None for key in figure.n_from]
        named = [size for size in sizes if size is not None]
        if figure.n is None or not sizes or len(named) < len(sizes):
            continue
        agrees = figure.n == sum(named)
        if agrees and not figure.printed_n:
            continue
        yield Finding(
            "n_across_tables",
            (figure.key, *figure.n_from),
            "consistent" if agrees else "inconsistent",
            figure.printed_n or str(figure.n),
            str(sum(named)),
            f"{figure.n} {'=' if agrees else '≠'} {' + '.join(map(str, named))}",
            {"n_printed_beside": bool(figure.printed_n)},
        )
