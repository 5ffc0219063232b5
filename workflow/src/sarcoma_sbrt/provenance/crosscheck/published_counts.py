"""Printed counts and percentages a second time: words, shares, sums, parts, populations."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import product

from sarcoma_sbrt.provenance.crosscheck.published_figures import (
    MONTHS,
    Allowed,
    Figure,
    Printed,
    allowed_count,
    allowed_estimate,
    counted,
    percentage,
    related,
    rounded,
    said,
    span_of,
    written,
)
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged, consistent, unjudged

__all__ = ["legible", "numbers_analysed", "percentages", "populations", "subsets", "subtotals"]

_PEOPLE = {"patients": "patient", "lesions": "lesion"}
_PLURAL = {"patient": "patients", "lesion": "lesions"}


# --- words and misprints ------------------------------------------------------------------

_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = (
    dict(zip(_ONES, range(20), strict=True))
    | dict(zip(_TENS, range(20, 100, 10), strict=True))
    | {"no": 0, "none": 0, "nil": 0, "a": 1, "single": 1, "both": 2}
)


def legible(figures: Sequence[Figure]) -> Iterator[Judged]:
    """Texts that are no numbers, and numbers in words."""
    for figure in figures:
        if figure["measure"] == "period":
            continue
        for column, numbers in _TAKEN.items():
            wrong = _misprint(figure[f"printed_{column}"])
            if wrong:
                found = _illegible(figure, wrong, [figure.number(n) for n in numbers])
                yield replace(found, printed=figure[f"printed_{column}"])
        yield from _in_words(figure)


_TAKEN = {
    "text": ("estimate",),
    "ci": ("ci_low", "ci_high"),
    "range": ("range_low", "range_high"),
    "n": ("n",),
    "events": ("events",),
    "p": ("p",),
}


def _illegible(figure: Figure, wrong: str, numbers: Sequence[float | None]) -> Judged:
    taken = ", ".join(f"{number:g}" for number in numbers if number is not None)
    unit = f" {figure['unit']}" if figure["unit"] not in ("", "count") else ""
    told_ = f"taken for {taken}{unit}" if taken else "no number was taken from it"
    return Judged("legible", (figure.key,), "inconsistent", f"{wrong}; {told_}", reason=wrong)


def _misprint(text: str) -> str:
    """Why a text is no number."""
    words = re.findall(r"[A-Za-z]+", text)
    months = [w for w in words if any(w in (m, m[:3]) for m in MONTHS)]
    if months:
        whole = months[0] == text
        return f"“{text}” {'is' if whole else 'has'} the name of a month"
    for run in re.findall(r"\d[\d.,]*\d|\d", text):
        if run.count(".") > 1:
            return f"“{run}” has {run.count('.')} decimal points"
        head, *groups = run.split(".")[0].split(",")
        grouped = all(len(group) == 3 for group in groups) and len(head) <= 3
        if "," in run and not (grouped and "," not in run.partition(".")[2]):
            return f"the comma of “{run}” separates no thousands"
    return ""


def _in_words(figure: Figure) -> Iterator[Judged]:
    text, number = figure["printed_text"], figure.number("estimate")
    if not text or number is None or re.search(r"\d", text) or _misprint(text):
        return
    if figure["measure"] == "schedule":
        return
    whole = figure["unit"] == "percent" and text.casefold() in ("all", "every", "each")
    value = 100 if whole else _said_in_words(text.casefold())
    if value is None:
        reason = f"“{text}” is not known to say a number"
        yield unjudged("legible", (figure.key,), reason)
        return
    agrees = value == number
    line = f"“{text}” says {value}" + ("" if agrees else f", taken for {number:g}")
    yield Judged("legible", (figure.key,), consistent(agrees), line, printed=text)


def _said_in_words(text: str) -> int | None:
    """The number that words say: what stands before a power times it, plus the rest."""
    words = [word for word in re.split(r"[\s-]+", text) if word != "and"]
    for power, value in (("million", 10**6), ("thousand", 1000), ("hundred", 100)):
        if power in words:
            at = words.index(power)
            before = _said_in_words(" ".join(words[:at])) if at else 1
            after = _said_in_words(" ".join(words[at + 1 :])) if words[at + 1 :] else 0
            return None if before is None or after is None else max(before, 1) * value + after
    values = [_WORDS.get(word) for word in words]
    return sum(value for value in values if value is not None) if None not in values else None


# --- percentages --------------------------------------------------------------------------


def percentages(figures: Sequence[Figure]) -> Iterator[Judged]:
    """Percentages against the counts that they are made of."""
    for figure in figures:
        value, n, events = percentage(figure), figure.whole("n"), figure.whole("events")
        if value is None:
            continue
        allowed = span_of(value, figure["relation"])
        if not n:
            yield _of_any(figure, value, allowed, figures)
        elif events is not None:
            yield _of_counts(figure, value, allowed, events, n)
        else:
            fitting = _fitting(allowed, n)
            line = _divisions(fitting, n, value.places) or (
                f"{_near(value, n)}; printed {said(figure)}%"
            )
            verdict = "possible" if fitting else "impossible"
            of_n = f"{said(figure)}% of {n}"
            yield Judged("count_percentage", (figure.key,), verdict, line, printed=of_n)


def _of_counts(figure: Figure, value: Printed, allowed: Allowed, events: int, n: int) -> Judged:
    share = Fraction(100 * events, n)
    agrees = allowed.meets(Allowed(share, share))
    line = _division(events, n, value.places)
    if not agrees or figure["relation"]:
        line += f", printed {said(figure)}%"
    both = f"{events}/{n}, {said(figure)}%"
    return Judged("count_percentage", (figure.key,), consistent(agrees), line, printed=both)


def _division(events: int, n: int, places: int) -> str:
    share = Fraction(100 * events, n)
    either = " or ".join(f"{text}%" for text in rounded(share, places))
    return f"{events}/{n} = {written(share, places)}% → {either}"


def _fitting(allowed: Allowed, n: int) -> list[int]:
    """Counts whose share is allowed: each of them tried."""
    shares = ((count, Fraction(100 * count, n)) for count in range(n + 1))
    return [
        count
        for count, share in shares
        if (allowed.low is None or allowed.low <= share)
        and (allowed.high is None or share <= allowed.high)
    ]


def _divisions(counts: Sequence[int], n: int, places: int) -> str:
    lines = [_division(count, n, places) for count in counts[:3]]
    if len(counts) > 3:
        lines.append(f"… {_division(counts[-1], n, places)}")
    return "; ".join(lines)


def _near(value: Printed, n: int) -> str:
    below = int(value.value * n // 100)
    return "; ".join(
        _division(count, n, value.places) for count in (below, below + 1) if 0 <= count <= n
    )


def _of_any(figure: Figure, value: Printed, allowed: Allowed, figures: Sequence[Figure]) -> Judged:
    """A percentage without denominator, of every number of people that its group has."""
    tried = _groups_of(figure, figures)
    if not tried:
        return unjudged("count_percentage", (figure.key,), "no denominator is printed or known")
    fits = [key for key, _, n in tried if _fitting(allowed, n)]
    keys = (figure.key, *(fits or [key for key, _, _ in tried]))
    if not fits and figure["unit_of_analysis"] not in {unit for _, unit, _ in tried} - {""}:
        whom = " or ".join(_people(n, unit) for _, unit, n in tried)
        reason = f"no denominator is printed, and no count of {whom} gives the percentage"
        return unjudged("count_percentage", keys, reason)
    line = "; ".join(_fit(value, _fitting(allowed, n), unit, n) for _, unit, n in tried)
    alone = f"{said(figure)}%, no denominator"
    return Judged("count_percentage", keys, consistent(bool(fits)), line, printed=alone)


def _people(n: int, unit: str) -> str:
    return f"{n} {_PLURAL.get(unit, '')}".rstrip()


def _groups_of(figure: Figure, figures: Sequence[Figure]) -> list[tuple[str, str, int]]:
    """Key, unit and number of each population of a figure's study, subgroup and arm."""
    found: dict[tuple[str, int], str] = {}
    for other in figures:
        if other.key == figure.key or not other.same(figure, "study_id", "subgroup", "arm"):
            continue
        size, n = counted(other), other.whole("n")
        named = other["category"] and other["category"] in (other["subgroup"], other["arm"])
        if other["measure"] == "count" and size and (other["endpoint"] in _PEOPLE or named):
            unit = _PEOPLE.get(other["endpoint"], other["unit_of_analysis"])
            found.setdefault((unit, size), other.key)
        elif other["measure"] in ("proportion", "rate") and n and other.same(figure, "endpoint"):
            found.setdefault((other["unit_of_analysis"], n), other.key)
    return [(key, unit, n) for (unit, n), key in found.items()]


def _fit(value: Printed, counts: Sequence[int], unit: str, n: int) -> str:
    if not counts:
        return f"no count of {_people(n, unit)} ({_near(value, n)})"
    several = " or ".join(f"{count}/{n}" for count in counts)
    listed = several if len(counts) <= 3 else f"{counts[0]}/{n} to {counts[-1]}/{n}"
    text = f"fits {listed} {_PLURAL.get(unit, '')}".rstrip()
    if n >= 100 * 10**value.places:
        return f"{text} (as every percentage does, of so many)"
    if value.value in (0, 100):
        return f"{text} (as any number does)"
    return f"{text} ({_divisions(counts, n, value.places)})"


# --- sums ---------------------------------------------------------------------------------

_COUNTING = ("count", "proportion", "schedule")
_HUNDRED = Allowed(Fraction(100), Fraction(100))


def subtotals(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Judged]:
    """Parts of a split against the whole."""
    splits: dict[tuple[str, str, str], list[Figure]] = {}
    for f in figures:
        if f["measure"] in _COUNTING and f["part_of"] and f["partition"] and not f["duplicate_of"]:
            splits.setdefault((f["part_of"], f["partition"], f["paper"]), []).append(f)
    for (name, _, _), parts in splits.items():
        if name in known and known[name]["measure"] in _COUNTING:
            yield from _split(known[name], parts)


def _split(whole: Figure, parts: Sequence[Figure]) -> Iterator[Judged]:
    keys = (whole.key, *(part.key for part in parts))
    if len(parts) == 1:
        yield unjudged("subtotal", keys, "only one part of the split is printed")
        return
    counts = [counted(part) for part in parts]
    by_count = counted(whole) is not None and None not in counts
    if by_count:
        yield _added(keys, whole, parts)
    wanted = _wanted_share(whole, parts)
    if wanted is not None and all(percentage(part) for part in parts):
        yield _added_shares(keys, wanted, parts)
    elif not by_count:
        reason = "neither counts nor percentages are printed for every part and the whole"
        yield unjudged("subtotal", keys, reason)


def _counted_text(figure: Figure) -> str:
    return related(figure["relation"] if figure["measure"] == "count" else "", str(counted(figure)))


def _sum(parts: Sequence[Allowed | None]) -> Allowed:
    """What a sum allows: without end where one part is, open where one part is."""
    known = [part for part in parts if part is not None]
    lows, highs = [part.low for part in known], [part.high for part in known]
    return Allowed(
        None if None in lows else sum((low for low in lows if low is not None), Fraction(0)),
        None if None in highs else sum((high for high in highs if high is not None), Fraction(0)),
        any(part.open_low for part in known),
        any(part.open_high for part in known),
    )


def _added(keys: tuple[str, ...], whole: Figure, parts: Sequence[Figure]) -> Judged:
    total, wanted = _sum([allowed_count(part) for part in parts]), allowed_count(whole)
    agrees = wanted is not None and total.meets(wanted)
    line = f"{' + '.join(map(_counted_text, parts))} = {sum(counted(p) or 0 for p in parts)}"
    if not agrees or any(figure["relation"] for figure in (whole, *parts)):
        line += f", total {_counted_text(whole)}"
    return Judged("subtotal", keys, consistent(agrees), line)


def _wanted_share(whole: Figure, parts: Sequence[Figure]) -> Allowed | None:
    """What the parts' percentages add up to; None where they are not of one number."""
    denominators, total = {part.whole("n") for part in parts}, counted(whole)
    if len(denominators) > 1:
        return None
    (n,) = denominators
    if whole["measure"] == "count" and n in (None, total):
        return _HUNDRED
    if n is not None and percentage(whole) is not None and n == whole.whole("n"):
        return allowed_estimate(whole)
    return _HUNDRED if total is not None and n == total else None


def _added_shares(keys: tuple[str, ...], wanted: Allowed, parts: Sequence[Figure]) -> Judged:
    values = [value for part in parts if (value := percentage(part)) is not None]
    total, places = _sum([allowed_estimate(part) for part in parts]), max(v.places for v in values)
    found = rounded(sum((value.value for value in values), Fraction(0)), places)[0]
    line = f"{' + '.join(map(said, parts))} = {found}; rounding allows {_spanned(total, places)}"
    agrees = total.meets(wanted)
    line += "" if agrees else f", wanted {_spanned(wanted, places)}"
    return Judged("subtotal", keys, consistent(agrees), line)


def _spanned(allowed: Allowed, places: int) -> str:
    low, high = (
        None if end is None else written(end, places) for end in (allowed.low, allowed.high)
    )
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return low if low == high else f"{low} to {high}"


# --- parts and populations ----------------------------------------------------------------


def subsets(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Judged]:
    """Counts and percentages against those that they are part of."""
    for part in figures:
        wholes = list(part.keys("subset_of"))
        loose = part["part_of"] if not part["partition"] else ""
        if loose in known and loose not in wholes:
            both = counted(part) is not None and counted(known[loose]) is not None
            wholes += [loose] if both else []
        for whole in wholes:
            if whole in known:
                yield _subset(part, known[whole])


def _subset(part: Figure, whole: Figure) -> Judged:
    keys, few, many = (part.key, whole.key), allowed_count(part), allowed_count(whole)
    if few is not None and many is not None:
        return _at_most(keys, (few, many), (_with_word(part), _with_word(whole)))
    one, two = _share(part), _share(whole)
    if one is None or two is None or not _one_denominator(part, whole):
        reason = "neither counts nor percentages of one denominator are printed for both"
        return unjudged("subset", keys, reason)
    return _at_most(keys, (one, two), (_share_text(part), _share_text(whole)))


def _at_most(
    keys: tuple[str, ...], allowed: tuple[Allowed, Allowed], texts: tuple[str, str]
) -> Judged:
    exceeds = allowed[0].above(allowed[1])
    line = f"{texts[0]} {'>' if exceeds else '≤'} {texts[1]}"
    line += ", of which it is a part" if exceeds else ""
    return Judged("subset", keys, consistent(not exceeds), line)


def _with_word(figure: Figure) -> str:
    """A count, and beside it the word that prints it."""
    word = figure["printed_text"] if figure["measure"] == "count" else ""
    beside = f" (“{word}”)" if word and not re.search(r"\d", word) else ""
    return _counted_text(figure) + beside


def _share(figure: Figure) -> Allowed | None:
    if percentage(figure) is not None:
        return allowed_estimate(figure)
    number, n = allowed_count(figure), figure.whole("n")
    return number.times(Fraction(100, n)) if number is not None and n else None


def _share_text(figure: Figure) -> str:
    if percentage(figure) is not None:
        return f"{said(figure)}%"
    n = figure.whole("n") or 1
    share = Fraction(100 * (counted(figure) or 0), n)
    return f"{_with_word(figure)}/{figure['n']} = {written(share, 1)}%"


def _one_denominator(part: Figure, whole: Figure) -> bool:
    if part["n"] or whole["n"]:
        return part.whole("n") == whole.whole("n")
    return part.same(whole, "study_id", "subgroup", "arm", "unit_of_analysis")


def populations(figures: Sequence[Figure]) -> Iterator[Judged]:
    """Counts against the patients or lesions of the study."""
    largest: dict[tuple[str, ...], Figure] = {}
    for f in figures:
        if f["measure"] == "count" and f["endpoint"] in _PEOPLE and counted(f) is not None:
            whose = (f["study_id"], _PEOPLE[f["endpoint"]], f["subgroup"], f["arm"])
            if whose not in largest or _most(f) > _most(largest[whose]):
                largest[whose] = f
    for f in figures:
        own = f["measure"] == "count" and f["endpoint"] in _PEOPLE
        if not own and not f["duplicate_of"]:
            yield from _in_population(f, largest)


def _most(figure: Figure) -> float:
    allowed = allowed_count(figure)
    return math.inf if allowed is None or allowed.high is None else float(allowed.high)


def _in_population(figure: Figure, largest: Mapping[tuple[str, ...], Figure]) -> Iterator[Judged]:
    study, unit = figure["study_id"], figure["unit_of_analysis"]
    whole = largest.get((study, unit, figure["subgroup"], figure["arm"]))
    whole = whole or largest.get((study, unit, "", ""))
    n = figure.whole("n")
    if n is not None and figure["printed_n"]:
        number: Allowed | None = Allowed(Fraction(n), Fraction(n))
        text = str(n)
    else:
        number, text = allowed_count(figure), _with_word(figure)
    size = allowed_count(whole) if whole is not None else None
    if whole is None or number is None or size is None:
        return
    exceeds = number.above(size)
    line = f"{text} {'>' if exceeds else '≤'} {_with_word(whole)} {unit}s"
    yield Judged("population", (figure.key, whole.key), consistent(not exceeds), line)


def numbers_analysed(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Judged]:
    """The size of one population wherever it is printed."""
    groups: dict[tuple[str, ...], list[Figure]] = {}
    for f in figures:
        if f["measure"] == "count" and f["endpoint"] in _PEOPLE and counted(f) is not None:
            whose = tuple(f[c] for c in ("study_id", "endpoint", "category", "subgroup", "arm"))
            groups.setdefault(whose, []).append(f)
    yield from (_one_size(group) for group in groups.values() if len(group) > 1)
    for figure in figures:
        yield from _size_of_sources(figure, known)


def _one_size(group: Sequence[Figure]) -> Judged:
    keys = tuple(figure.key for figure in group)
    allowed = [each for figure in group if (each := allowed_count(figure)) is not None]
    agrees = all(one.meets(other) for one, other in product(allowed, allowed))
    texts = [_counted_text(figure) for figure in group]
    if not agrees:
        return Judged("n_across_tables", keys, "inconsistent", " ≠ ".join(dict.fromkeys(texts)))
    exact = [str(counted(figure)) for figure in group if not figure["relation"]]
    bounds = [f"{text} allows it" for text in dict.fromkeys(texts) if text not in exact]
    line = "; ".join(filter(None, (" = ".join(exact), *bounds)))
    return Judged("n_across_tables", keys, "consistent", line)


def _size_of_sources(figure: Figure, known: Mapping[str, Figure]) -> Iterator[Judged]:
    names, n = figure.keys("n_from"), figure.whole("n")
    sources = [known[name] for name in names if name in known]
    sizes = [counted(source) for source in sources]
    if n is None or not names or len(sources) < len(names) or None in sizes:
        return
    total = _sum([allowed_count(source) for source in sources])
    agrees = total.meets(Allowed(Fraction(n), Fraction(n)))
    if agrees and not figure["printed_n"]:
        return
    line = f"{n} {'=' if agrees else '≠'} {' + '.join(map(_counted_text, sources))}"
    yield Judged("n_across_tables", (figure.key, *names), consistent(agrees), line)
