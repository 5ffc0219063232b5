"""Two figures a second time: each quantity that both print, and facts printed twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from sarcoma_sbrt.provenance.crosscheck.published_figures import (
    MONTHS,
    Allowed,
    Figure,
    Printed,
    counted,
    estimate,
    interval,
    p_of,
    place_of,
    printed,
    related,
    rounded,
    shown,
    span_of,
)

__all__ = [
    "Judged",
    "Pair",
    "adjustments",
    "consistent",
    "first_print",
    "pairs_of",
    "repeats",
    "same_number",
    "unjudged",
]

_RATIOS = ("hazard_ratio", "odds_ratio")
_UNITS = {
    "mm": ("length", 1),
    "cm": ("length", 10),
    "months": ("time", 1),
    "years": ("time", 12),
    "cc": ("volume", 1),
    "ml": ("volume", 1),
}


@dataclass(frozen=True)
class Judged:
    """One finding: its check, the figures concerned, the verdict and the line that shows it.

    `printed` is what was judged, of the checks that write it again.
    """

    check: str
    keys: tuple[str, ...]
    verdict: str
    line: str
    reason: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    printed: str = ""

    def fact(self, known: Mapping[str, Figure]) -> str:
        """Key of the figure that prints the judged fact first."""
        return first_print(known[self.keys[-1 if self.check == "repeat" else 0]], known).key


def unjudged(check: str, keys: tuple[str, ...], reason: str) -> Judged:
    """A figure that a check cannot judge."""
    return Judged(check, keys, "unverifiable", f"not verifiable: {reason}", reason)


def consistent(agrees: bool) -> str:
    """The verdict on numbers that agree, or do not."""
    return "consistent" if agrees else "inconsistent"


def first_print(figure: Figure, known: Mapping[str, Figure]) -> Figure:
    """The figure that prints a fact first."""
    while figure["duplicate_of"] in known:
        figure = known[figure["duplicate_of"]]
    return figure


# --- one quantity of two figures ----------------------------------------------------------


class Pair(NamedTuple):
    """A quantity as two figures print it, and whether one number can stand behind both."""

    name: str
    first: str
    second: str
    same: bool
    bound: bool = False

    @property
    def stayed(self) -> bool:
        """Whether both print the same; two bounds that can both hold are still two."""
        return self.same and (not self.bound or self.first == self.second)

    def line(self) -> str:
        """The comparison as a reader sees it."""
        if self.bound and self.same and self.first != self.second:
            return f"{self.name}: {self.first} and {self.second} can both hold"
        return f"{self.name} {self.first} {'=' if self.same else '≠'} {self.second}"


def pairs_of(figure: Figure, other: Figure) -> list[Pair]:
    """Every quantity that both print; times are not among them."""
    if figure["measure"] == other["measure"] == "period":
        return _dates(figure, other)
    here, there = _quantities(figure), _quantities(other)
    found = []
    for name in here.keys() & there.keys():
        if name == "n" and not (figure["printed_n"] or other["printed_n"]):
            continue
        pair = _pair(name, (figure, here[name]), (other, there[name]))
        found += [pair] if pair else []
    found.sort(key=lambda pair: list(here).index(pair.name))
    return found + _p_pair(figure, other)


def _quantities(figure: Figure) -> dict[str, Printed]:
    found: dict[str, Printed | None] = {}
    if figure["measure"] not in ("count", "p_value", "schedule"):
        found[_called(figure)] = estimate(figure)
    number = counted(figure)
    found["count"] = _exact(number)
    found["n"] = _exact(figure.whole("n"))
    if number is None and "count" not in figure["measure"]:
        found["events"] = _exact(figure.whole("events"))
    for kind, names in (("ci", ("lower limit", "upper limit")), ("range", ("minimum", "maximum"))):
        found |= dict(zip(names, interval(figure, kind) or (None, None), strict=True))
    columns = {"dose": "dose_{}_gy", "fractions": "fractions_{}"}
    for kind, column in columns.items():
        for side, end in (("from", "low"), ("to", "high")):
            value = figure.number(column.format(end))
            text = figure["printed_text"]
            found[f"{kind} {side}"] = None if value is None else printed(text, value)
    return {name: value for name, value in found.items() if value is not None}


def _called(figure: Figure) -> str:
    return "percent" if figure["unit"] == "percent" else figure["measure"].replace("_", " ")


def _exact(number: int | None) -> Printed | None:
    return None if number is None else Printed(str(number), exact=True)


_Here = tuple[Figure, Printed]


def _pair(name: str, here: _Here, there: _Here) -> Pair | None:
    factors = _factors(name, here[0]["unit"], there[0]["unit"])
    if factors is None:
        return None
    relations = [f["relation"] if name == _called(f) else "" for f, _ in (here, there)]
    one_unit, bound = factors == (1, 1), any(relations)
    if one_unit and not bound:
        same = same_number(here[1], there[1])
    else:
        spans = [
            span_of(value, relation).times(Fraction(factor))
            for (_, value), relation, factor in zip((here, there), relations, factors, strict=True)
        ]
        same = spans[0].meets(spans[1])
    texts = [
        related(relation, value.text) + ("" if one_unit else f" {figure['unit']}")
        for (figure, value), relation in zip((here, there), relations, strict=True)
    ]
    return Pair(name, texts[0], texts[1], same, bound)


def same_number(first: Printed, second: Printed) -> bool:
    """Whether the finer of two numbers rounds to the coarser one."""
    coarse, fine = (first, second) if first.places <= second.places else (second, first)
    return str(coarse.value) in {str(Fraction(text)) for text in rounded(fine.value, coarse.places)}


def _factors(name: str, unit: str, other: str) -> tuple[int, int] | None:
    """Factors to one unit; None where the units are of two kinds."""
    plain = ("count", "percent", "n", "p", "events", "fractions", "dose")
    if unit == other or name.startswith(plain):
        return 1, 1
    one, two = _UNITS.get(unit, (unit, 1)), _UNITS.get(other, (other, 1))
    return (one[1], two[1]) if one[0] == two[0] else None


def _p_pair(figure: Figure, other: Figure) -> list[Pair]:
    first, second = p_of(figure), p_of(other)
    if first is None or second is None:
        return []
    signs = [f["p_relation"] or "=" for f in (figure, other)]
    if signs[0] == signs[1]:
        same = same_number(first, second)
    else:
        one, two = (_p_span(p, sign) for p, sign in zip((first, second), signs, strict=True))
        same = one.meets(two)
    texts = [
        p.text if sign == "=" else f"{sign} {p.text}"
        for p, sign in zip((first, second), signs, strict=True)
    ]
    return [Pair("p", texts[0], texts[1], same)]


def _p_span(p: Printed, sign: str) -> Allowed:
    if sign in ("<", "≤"):
        return Allowed(Fraction(0), p.value)
    if sign in (">", "≥"):
        return Allowed(p.value, Fraction(1))
    return Allowed(*p.ends)


def _dates(figure: Figure, other: Figure) -> list[Pair]:
    """Ends of two periods by month where both print it, else by year."""
    here, there = _period(figure), _period(other)
    return [
        Pair(
            name,
            _date_text(here[name]),
            _date_text(there[name]),
            _one_date(here[name], there[name]),
        )
        for name in here
        if name in there
    ]


_Date = tuple[int, str]


def _date_text(date: _Date) -> str:
    return f"{date[1]} {date[0]}".strip()


def _one_date(first: _Date, second: _Date) -> bool:
    return first[0] == second[0] and (first[1] == second[1] or "" in (first[1], second[1]))


def _period(figure: Figure) -> dict[str, _Date]:
    ends = [figure.number(f"range_{end}") for end in ("low", "high")]
    if None in ends:
        names, numbers, text = ["year"], [figure.number("estimate")], figure["printed_text"]
    else:
        names, numbers, text = ["from", "to"], ends, figure["printed_range"]
    stored = [_stored(int(number)) for number in numbers if number is not None]
    read = [
        (int(year), MONTHS[int(month) - 1] if month else name)
        for name, year, month in re.findall(
            rf"(?:({'|'.join(MONTHS)})\s+(?:\d{{1,2}},?\s+)?)?\b(\d{{4}})\b(?:-(\d\d)-\d\d\b)?",
            text,
        )
    ]
    years = [year for year, _ in read] == [year for year, _ in stored]
    return dict(zip(names, read if years else stored, strict=False))


def _stored(number: int) -> _Date:
    """A year, or 200906 for June 2009."""
    if number < 10_000:
        return number, ""
    month = number % 100
    return number // 100, MONTHS[month - 1] if 1 <= month <= 12 else ""


# --- repetitions --------------------------------------------------------------------------


def repeats(figures: Sequence[Figure], known: Mapping[str, Figure]) -> Iterator[Judged]:
    """Facts that are printed more than once."""
    for figure in figures:
        if figure["duplicate_of"] in known:
            yield _repeat(figure, first_print(figure, known))
    yield from (_repeat(*pair) for pair in _across_papers(figures))
    yield from (_repeat(*pair) for pair in _alike(figures, known))


def _across_papers(figures: Sequence[Figure]) -> Iterator[tuple[Figure, Figure]]:
    """First figures of papers that say the same of the same people."""
    subjects: dict[tuple[object, ...], list[Figure]] = {}
    for figure in figures:
        if figure["duplicate_of"]:
            continue
        group = subjects.setdefault(_subject(figure), [])
        if figure["paper"] not in [f["paper"] for f in group]:
            group.append(figure)
    for group in subjects.values():
        yield from ((other, group[0]) for other in group[1:])


def _subject(figure: Figure) -> tuple[object, ...]:
    columns = (
        *("study_id", "subgroup", "arm", "unit_of_analysis", "endpoint", "category", "measure"),
        *("unit", "model", "adjusted_for"),
    )
    folded = (figure["level"].casefold(), figure["reference"].casefold())
    return (*(figure[column] for column in columns), *folded, figure.number("time_months"))


def _alike(
    figures: Sequence[Figure], known: Mapping[str, Figure]
) -> Iterator[tuple[Figure, Figure]]:
    """Ratios alike to the last digit that come from models with other covariates."""
    groups: dict[tuple[object, ...], list[Figure]] = {}
    for f in figures:
        if f["measure"] in _RATIOS and interval(f, "ci") is not None:
            columns = ("study_id", "endpoint", "category", "subgroup", "arm", "measure")
            numbers = (f.number("estimate"), f.number("ci_low"), f.number("ci_high"), f.number("p"))
            folded = (f["level"].casefold(), f["reference"].casefold(), f["p_relation"])
            groups.setdefault((*(f[c] for c in columns), *numbers, *folded), []).append(f)
    for first, *others in groups.values():
        for other in others:
            adjusted = adjustments(other, first)
            related_ = first_print(other, known) is first_print(first, known)
            if adjusted is not None and not adjusted.same and not related_:
                yield other, first


def _repeat(figure: Figure, first: Figure) -> Judged:
    keys, pairs = (figure.key, first.key), pairs_of(figure, first)
    if not pairs:
        reason = "the two figures print no quantity of one kind"
        return unjudged("repeat", keys, reason)
    adjusted = adjustments(figure, first)
    if adjusted is not None and not adjusted.same:
        pairs.append(adjusted)
    agrees, lines = all(pair.same for pair in pairs), [pair.line() for pair in pairs]
    verdict = consistent(agrees)
    if _at_other_times(figure, first):
        level = _on_curve(figure) and _on_curve(first)
        if agrees:
            verdict = "other_time" if level else "inconsistent"
        lines.append(_times(figure, first, plateau=agrees and level))
    both = f"{shown(figure)} | {shown(first)}"
    return Judged("repeat", keys, verdict, "; ".join(lines), printed=both)


def _on_curve(figure: Figure) -> bool:
    return figure["measure"] in ("rate", "proportion", "count")


def _at_other_times(figure: Figure, first: Figure) -> bool:
    one, other = figure.number("time_months"), first.number("time_months")
    if one is not None and other is not None:
        return one != other
    return one is not other and _on_curve(figure) and _on_curve(first)


def _times(figure: Figure, first: Figure, *, plateau: bool) -> str:
    one_paper = figure["paper"] == first["paper"]
    told = []
    for f in (figure, first):
        months = f.number("time_months")
        when = "at no time" if months is None else f"at {months:g} months"
        paper = "" if one_paper else f"{f.paper}, "
        told.append(f"{when} in {paper}{place_of(f['place'])}")
    line = ", ".join(told)
    if not plateau:
        return line
    known = sorted(m for f in (figure, first) if (m := f.number("time_months")) is not None)
    several = " and ".join(f"{month:g}" for month in known)
    where = f"between {several} months" if len(known) > 1 else "of the curve"
    return f"{line}; a plateau {where} makes both possible"


def adjustments(figure: Figure, other: Figure) -> Pair | None:
    """The covariates that two contrasts are adjusted for; None where they cannot be compared."""
    kinds, models = {figure["measure"], other["measure"]}, {figure["model"], other["model"]}
    if kinds - {*_RATIOS, "p_value"} or "" in models:
        return None
    here, there = _adjusted_for(figure), _adjusted_for(other)
    if None in (here, there) and set() not in (here, there):
        return None
    return Pair("adjusted for", _covariates(here), _covariates(there), here == there)


def _adjusted_for(figure: Figure) -> set[str] | None:
    names = set(figure.keys("adjusted_for"))
    return None if figure["model"] == "multivariable" and not names else names


def _covariates(names: set[str] | None) -> str:
    if names is None:
        return "covariates that are not named"
    words = sorted(name.replace("_", " ") for name in names)
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or "nothing"
