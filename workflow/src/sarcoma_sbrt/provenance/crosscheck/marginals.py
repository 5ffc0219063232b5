"""Printed marginals again: each counted row by row, and held against each other by hand.

What two printed numbers allow is decided by other means than the first engine's: a table that
has all the counts proves that there is one, and an end of a range that no prescription can have
that there is none. What neither decides is left open, and then a check fails.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.counts import middle
from sarcoma_sbrt.provenance.crosscheck.published_checks import findings, printed_figures
from sarcoma_sbrt.provenance.crosscheck.published_curves import lines
from sarcoma_sbrt.provenance.crosscheck.published_figures import Figure as Printed
from sarcoma_sbrt.provenance.crosscheck.published_figures import told
from sarcoma_sbrt.provenance.crosscheck.published_pairs import Judged
from sarcoma_sbrt.provenance.crosscheck.published_words import subject
from sarcoma_sbrt.provenance.crosscheck.records import (
    Row,
    bed,
    first_courses,
    lesion_covariates,
    patient_covariates,
    rows_of,
)
from sarcoma_sbrt.schema import DAYS_PER_MONTH

__all__ = ["ENGINE", "Part", "nearness", "parts_of", "recompute", "selected"]

ENGINE = "plain Python"

_PLACES = ("table_1", "table_2", "results_patients", "results_toxicity")
_NEARNESS = ("exact", "unit", "two_percent", "miss")
_VERDICTS = ("impossible", "conditional", "wording", "possible")
_WORDS = {
    "count": "count",
    "percent": "percentage",
    "median": "median",
    "least": "least value",
    "most": "greatest value",
}
_NUMERAL = re.compile(r"\d+(?:\.\d+)?")
_CLASS = re.compile(r"([<≤>≥])\s*(\d+(?:\.\d+)?)")
_NEAR = 1e-9

Figure = Mapping[str, str]


# --- what is printed ----------------------------------------------------------------------


class Part(NamedTuple):
    """One number of a printed figure: what of, the text, its value and unit of the last digit."""

    name: str
    text: str
    value: float
    unit: float
    legible: bool = True

    @property
    def ends(self) -> tuple[float, float]:
        """Limits that rounding leaves to it."""
        return self.value - self.unit / 2, self.value + self.unit / 2


def _unit(text: str) -> float:
    return 10.0 ** -len(text.strip().partition(".")[2])


def _count(figure: Figure) -> int | None:
    """Printed count: beside a percentage, or the number itself."""
    if figure["events"]:
        return int(figure["events"])
    is_count = figure["measure"] == "count" and figure["estimate"]
    return int(float(figure["estimate"])) if is_count else None


def parts_of(figure: Figure) -> list[Part]:
    """Numbers that a figure prints of its cohort.

    Parameters
    ----------
    figure : mapping of str to str
        A row of ``data/published/targets/<study>.csv``.
    """
    parts, count, text = [], _count(figure), figure["printed_text"]
    if count is not None:
        parts.append(Part("count", figure["printed_events"] or text, float(count), 1.0))
    name = {"proportion": "percent", "median": "median"}.get(figure["measure"])
    if name and figure["estimate"]:
        value, legible = float(figure["estimate"]), bool(_NUMERAL.fullmatch(text))
        parts.append(Part(name, text, value, _unit(text if legible else f"{value:g}"), legible))
    if figure["measure"] == "median":
        said = _NUMERAL.findall(figure["printed_range"])
        values = (figure["range_low"], figure["range_high"])
        for end, value_text, shown in zip(("least", "most"), values, said, strict=False):
            if value_text:
                parts.append(Part(end, shown, float(value_text), _unit(shown)))
    return parts


def nearness(value: float, part: Part) -> str:
    """How near a value comes to a printed number: exact, unit, two_percent or miss."""
    if not part.legible or math.isnan(value):
        return "miss"
    away = abs(value - part.value)
    if away <= part.unit / 2 + _NEAR:
        return "exact"
    if away < 1.5 * part.unit:
        return "unit"
    return "two_percent" if away <= abs(part.value) / 50 else "miss"


# --- what the tables give -----------------------------------------------------------------


class _Rows(NamedTuple):
    """Patients or lesions with what queries ask of them, and the tables with several rows each."""

    units: list[Row]
    several: Mapping[str, list[Row]]


def _rows(materials: Materials) -> dict[str, _Rows]:
    plan = materials.plan
    tables = {name: rows_of(table) for name, table in materials.canonical.items()}
    known = (tables, plan.alpha_beta_gy, plan.concurrent_days)
    several = {name: tables[name] for name in ("treatments", "toxicities")}
    for event in several["toxicities"]:
        onset = event["onset_day"]
        event["onset_months"] = None if onset is None else onset / DAYS_PER_MONTH
    patients = [{**v, "patient_id": k} for k, v in patient_covariates(*known).items()]
    for row in patients:
        ends = row["patients.diagnosis_day"], row["patients.recurrence_day"]
        months = None if None in ends else (ends[1] - ends[0]) / DAYS_PER_MONTH
        row["derived.months_to_recurrence"] = months
    first, lesions = first_courses(tables["courses"]), []
    for lesion, values in lesion_covariates(*known).items():
        course = {f"courses.{k}": v for k, v in first.get(lesion, {}).items()}
        size = values["derived.size_mm"]
        own = {"patient_id": lesion[0], "derived.size_cm": None if size is None else size / 10}
        lesions.append({**values, **course, **own})
    return {"patients": _Rows(patients, several), "lesions": _Rows(lesions, several)}


def selected(query: Mapping[str, Any], row: Row, several: Mapping[str, list[Row]]) -> bool:
    """Whether all conditions of a query hold of one patient or lesion.

    Parameters
    ----------
    query : mapping
        As under ``recount`` of ``config/reconstruction/<study>-marginals.yaml``.
    row : dict
        Values by ``table.column``, with ``patient_id``.
    several : mapping of str to rows
        Treatments and toxicities: conditions hold of one and the same row of the patient.
    """
    by_table: dict[str, dict[str, Any]] = {}
    for name, wanted in query.items():
        table, _, column = name.partition(".")
        if name == "not":
            inner = wanted if isinstance(wanted, list) else [wanted]
            if any(selected(one, row, several) for one in inner):
                return False
        elif table in several:
            by_table.setdefault(table, {})[column] = wanted
        elif not _fits(row.get(name), wanted):
            return False
    return all(
        any(
            other["patient_id"] == row["patient_id"]
            and all(_fits(other[column], wanted) for column, wanted in asked.items())
            for other in several[table]
        )
        for table, asked in by_table.items()
    )


def _fits(value: Any, wanted: Any) -> bool:
    if value is None:
        return False
    if isinstance(wanted, Mapping):
        return all(_within(float(value), side, float(limit)) for side, limit in wanted.items())
    one_of = wanted if isinstance(wanted, list) else [wanted]
    if isinstance(value, str):
        return value in one_of
    return any(not isinstance(x, str) and abs(value - x) <= _slack(x) for x in one_of)


def _slack(limit: float) -> float:
    return _NEAR * max(1.0, abs(limit))


def _within(value: float, side: str, limit: float) -> bool:
    if side in ("below", "at_least"):
        return (value < limit - _slack(limit)) is (side == "below")
    return (value > limit + _slack(limit)) is (side == "above")


def _given(query: Mapping[str, Any], rows: _Rows) -> dict[str, float]:
    """What the tables give for a query, by part."""
    if "spread" in query:
        values = [row[query["spread"]] for row in rows.units]
        known = [float(value) for value in values if value is not None]
        if not known:
            return dict.fromkeys(("median", "least", "most"), math.nan)
        return {"median": middle(known), "least": min(known), "most": max(known)}
    count = sum(selected(query, row, rows.several) for row in rows.units)
    share = 100 * count / len(rows.units) if rows.units else math.nan
    return {"count": float(count), "percent": share}


# --- each marginal ------------------------------------------------------------------------


@dataclass(frozen=True)
class _Marginal:
    figure: str
    place: str
    part: Part
    value: float

    @property
    def target(self) -> str:
        return f"{self.figure}.{self.part.name}"

    @property
    def nearness(self) -> str:
        return nearness(self.value, self.part)


class _Study(NamedTuple):
    """What a study prints, how it is counted again, and what that gives."""

    name: str
    printed: Mapping[str, Printed]
    figures: Mapping[str, Figure]
    content: Mapping[str, Any]
    marginals: list[_Marginal]
    rows: Mapping[str, _Rows]

    def of(self, name: str) -> Figure:
        return self.figures[f"{self.name}.{name}"]

    def is_exact(self, keys: Sequence[str]) -> bool:
        """Whether the tables give every number of these figures."""
        concerned = [m for m in self.marginals if m.figure in keys]
        return {m.figure for m in concerned} == set(keys) and all(
            m.nearness == "exact" for m in concerned
        )


def _study(materials: Materials) -> _Study:
    content = materials.configuration["marginals"]
    printed = {figure.key: figure for figure in printed_figures(materials)}
    name, figures = str(content["study"]), {key: f.cells for key, f in printed.items()}
    own = {k: f for k, f in figures.items() if f["study_id"] == f["paper"] == name}
    queries = {
        f"{name}.{key}": (unit, query)
        for unit in ("patients", "lesions")
        for key, query in content["recount"][unit].items()
    }
    rows, marginals = _rows(materials), []
    for key, figure in own.items():
        query = queries.get(key) or queries.get(figure["duplicate_of"])
        if query is None:
            continue
        given = _given(query[1], rows[query[0]])
        origin = figures.get(figure["duplicate_of"])
        before = {(p.name, p.value) for p in parts_of(origin) if p.legible} if origin else set()
        marginals += [
            _Marginal(key, figure["place"], part, given[part.name])
            for part in parts_of(figure)
            if (part.name, part.value) not in before
        ]
    return _Study(name, printed, own, content, marginals, rows)


# --- printed numbers against each other ----------------------------------------------------


class _Conflict(NamedTuple):
    """Printed figures held against each other; a verdict of None is not decided."""

    check: str
    keys: tuple[str, ...]
    verdict: str | None
    kept: str = ""
    reasoning: str = ""
    statement: str = ""


def _conflicts(study: _Study, judged: Sequence[Judged]) -> Iterator[_Conflict]:
    yield from _found_before(study, judged)
    yield from _several_lesions(study)
    yield from _medians(study)
    yield from _cross_classified(study)
    yield from _prescribed(study)
    yield from _quotients(study)
    yield from _labels(study)
    yield from _one_name(study)


def _found_before(study: _Study, judged: Sequence[Judged]) -> Iterator[_Conflict]:
    """What the consistency report's checks, done again, say no to."""
    recount = study.content["recount"]
    counted = {f"{study.name}.{k}" for unit in ("patients", "lesions") for k in recount[unit]}
    for one in judged:
        failed = one.verdict in ("inconsistent", "impossible")
        if not (failed and one.keys and all(key in study.figures for key in one.keys)):
            continue
        concerned = any(
            key in counted or study.figures[key]["duplicate_of"] in counted for key in one.keys
        )
        groups = []
        if one.check in ("landmark", "pooled_landmark"):
            named = [n.strip() for k in one.keys for n in study.figures[k]["n_from"].split(";")]
            groups = [n for n in named if study.figures.get(n, {}).get("part_of")]
        if concerned or groups:
            every = tuple(dict.fromkeys([*one.keys, *groups]))
            yield _Conflict(
                one.check, every, "impossible", reasoning=one.line, statement=one.printed
            )


def _several_lesions(study: _Study) -> Iterator[_Conflict]:
    """Lesions that so many patients with several can have, patient by patient."""
    asked = study.content["conflicts"].get("several_lesions")
    if asked is None:
        return
    keys = tuple(f"{study.name}.{asked[name]}" for name in ("single", "several", "lesions"))
    single, several, lesions = (_count(study.figures[key]) or 0 for key in keys)
    reached = {single}
    for _ in range(several):
        reached = {total + each for total in reached for each in asked["each"]}
    listed = " or ".join(map(str, asked["each"]))
    yield _Conflict(
        "patients_and_lesions",
        keys,
        "possible" if lesions in reached else "impossible",
        reasoning=f"{single} + {several} patients have {single + min(asked['each']) * several}–"
        f"{single + max(asked['each']) * several} lesions, printed {lesions}",
        statement=f"{single} patients with one lesion, {several} with {listed}; {lesions} lesions",
    )


def _medians(study: _Study) -> Iterator[_Conflict]:
    """Whether a median lies where the middle of the counted values lies."""
    for unit in ("patients", "lesions"):
        queries = study.content["recount"][unit]
        for name, query in queries.items():
            if "spread" not in query or not study.of(name)["n"]:
                continue
            for other, asked in queries.items():
                limits = asked.get(query["spread"])
                if len(asked) == 1 and isinstance(limits, Mapping) and len(limits) == 1:
                    yield _median(study, name, other, *next(iter(limits.items())))


def _median(study: _Study, name: str, other: str, side: str, cut: float) -> _Conflict:
    figure, n, count = study.of(name), int(study.of(name)["n"]), _count(study.of(other)) or 0
    lower = count if side in ("below", "at_most") else n - count
    low, high = next(p.ends for p in parts_of(figure) if p.name == "median")
    # With the two middle values on one side of the cut the median lies there too.
    is_low, is_high = lower >= n // 2 + 1, n - lower >= n // 2 + 1
    fails = (is_low and low > cut) or (is_high and high < cut)
    keys = (f"{study.name}.{name}", f"{study.name}.{other}")
    text = next(p.text for p in parts_of(figure) if p.name == "median")
    middle_of = f"values {n // 2} and {n // 2 + 1} of {n} lie"
    return _Conflict(
        "median_and_classes",
        keys,
        "impossible" if fails else "possible",
        reasoning=f"{middle_of if n % 2 == 0 else f'value {n // 2 + 1} of {n} lies'} "
        f"{'up to' if is_low else 'from' if is_high else 'around'} {cut:g}; printed median {text}",
        statement=f"median {text} of {n}; {count} {side.replace('_', ' ')} {cut:g}",
    )


def _cross_classified(study: _Study) -> Iterator[_Conflict]:
    """Counts of columns that are counted together: the tables themselves may have them all."""
    for unit in ("patients", "lesions"):
        plain = {
            name: set(query)
            for name, query in study.content["recount"][unit].items()
            if not {"spread", "not"} & set(query)
            and not any(c.startswith(("treatments.", "toxicities.")) for c in query)
            and _count(study.of(name)) is not None
        }
        for columns in _connected(plain.values()):
            keys = [f"{study.name}.{name}" for name, own in plain.items() if own <= columns]
            verdict = "possible" if _counts_are_exact(study, keys) else None
            yield _Conflict("cross_classification", tuple(keys), verdict)


def _counts_are_exact(study: _Study, keys: Sequence[str]) -> bool:
    counts = {m.figure: m.nearness for m in study.marginals if m.part.name == "count"}
    return all(counts.get(key) == "exact" for key in keys)


def _connected(sets: Any) -> list[set[str]]:
    """Columns that queries join, several at least; in the order in which their sets were closed."""
    found: list[set[str]] = []
    for own in filter(None, sets):
        apart = [one for one in found if not one & own]
        found = [*apart, set(own).union(*(one for one in found if one & own))]
    return [one for one in found if len(one) > 1]


def _prescribed(study: _Study) -> Iterator[_Conflict]:
    """Whether doses on a grid can be prescribed as the tables of doses say."""
    cut = float(study.content["expansion"]["bed_cut_gy"])
    names = ("schedule.others", "dose.median", "fractions.median", "bed10.median")
    classes = (f"bed10_class.below_{cut:g}", f"bed10_class.at_least_{cut:g}")
    keys = [f"{study.name}.{name}" for name in (*names, *classes)]
    rows = [k for k, f in study.figures.items() if f["measure"] == "schedule" and f["events"]]
    if not rows or not all(key in study.figures for key in keys):
        return
    others, dose, fractions, bed10, _, from_cut = keys
    for step in study.content["conflicts"].get("dose_steps_gy", ()):
        if never := _out_of_reach(study, rows, float(step)):
            lesions = sum(_count(study.figures[key]) or 0 for key in (*rows, others))
            yield _Conflict(
                "prescriptions",
                (bed10, dose, fractions),
                "conditional",
                reasoning="within the printed ranges of dose and fractions none can have: "
                # One of them is enough, and the first engine keeps the last.
                f"{never[-1]}",
                statement=f"prescriptions of {lesions} lesions, total doses in steps of "
                f"{float(step):g} Gy",
            )
            continue
        there = _is_on_grid(study, rows, float(step)) and study.is_exact([*keys, *rows])
        of = (others, bed10, from_cut, dose, fractions)
        yield _Conflict("prescriptions", of, "possible" if there else None)


def _on(step: float, dose: float) -> bool:
    return abs(dose / step - round(dose / step)) < _NEAR


def _is_on_grid(study: _Study, rows: Sequence[str], step: float) -> bool:
    """Whether the doses of the tables lie on the grid, or at an end of what is printed."""
    ends = {float(study.figures[key][end]) for key in rows for end in _DOSES}
    doses = [row.get("courses.dose_gy") for row in study.rows["lesions"].units]
    return all(dose is not None and (_on(step, dose) or dose in ends) for dose in doses)


_DOSES = ("dose_low_gy", "dose_high_gy")


def _out_of_reach(study: _Study, rows: Sequence[str], step: float) -> list[str]:
    """Ends of the printed BED that no dose and fractions in their ranges have."""
    dose, fractions, bed10 = (
        {part.name: part for part in parts_of(study.of(f"{name}.median"))}
        for name in ("dose", "fractions", "bed10")
    )
    low, high = dose["least"].value, dose["most"].value
    grid = [step * k for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    ends = {float(study.figures[key][end]) for key in rows for end in _DOSES}
    parts = range(int(fractions["least"].value), int(fractions["most"].value) + 1)
    ratio = float(study.content["expansion"]["alpha_beta_gy"])
    reached = [bed(d, f, ratio) for d in {low, high, *grid, *ends} for f in parts]
    return [
        f"{name} BED {end.text}"
        for name, end in (("least", bed10["least"]), ("greatest", bed10["most"]))
        if not any(end.ends[0] - _NEAR <= one <= end.ends[1] + _NEAR for one in reached)
    ]


def _quotients(study: _Study) -> Iterator[_Conflict]:
    """Whether a printed range can be that of a quotient of two others."""
    for one in study.content["conflicts"].get("quotients", ()):
        keys = [f"{study.name}.{one[name]}" for name in ("of", "divisor")]
        least, most = _ranges(study.figures[keys[0]])
        divisors = [
            e / (100 if one["divisor_percent"] else 1)
            for r in _ranges(study.figures[keys[1]])
            for e in r
        ]
        is_fixed = not isinstance(one["dividend"], str)
        dividends = [float(one["dividend"])] * 4 if is_fixed else []
        if not is_fixed:
            keys.append(f"{study.name}.{one['dividend']}")
            dividends = [end for r in _ranges(study.figures[keys[2]]) for end in r]
        bottom = dividends[0] / divisors[3], dividends[1] / divisors[2]
        top = dividends[2] / divisors[1], dividends[3] / divisors[0]
        fails = least[1] < bottom[0] or most[0] > top[1]
        if is_fixed:
            fails = fails or least[0] > bottom[1] or most[1] < top[0]
        of, divisor = (study.figures[key] for key in keys[:2])
        spread = f"{sum(bottom) / 2:.2f}–{sum(top) / 2:.2f}"
        yield _Conflict(
            "reading",
            tuple(keys),
            "conditional" if fails else "possible",
            reasoning=f"if {one['reading']}, its range is {'' if is_fixed else 'within '}{spread}; "
            f"printed {of['printed_range']}",
            statement="; ".join(
                f"{f['row'] or key}, {f['printed_range']}"
                for key, f in zip(keys, (of, divisor), strict=False)
            ),
        )


def _ranges(figure: Figure) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of the least and of the greatest value of a printed range."""
    parts = {part.name: part.ends for part in parts_of(figure)}
    return parts["least"], parts["most"]


def _labels(study: _Study) -> Iterator[_Conflict]:
    """Classes that are closed at a cut in one place and open in another."""
    endings = "_class"
    names = {f["endpoint"] for f in study.figures.values() if f["endpoint"].endswith(endings)}
    names = {name.removesuffix(endings) for name in names}
    found: dict[tuple[str, float], dict[str, list[str]]] = {}
    for key, figure in study.figures.items():
        of = {figure[c].removesuffix(endings) for c in ("endpoint", "category")} & names
        texts = " ".join(figure[c] for c in ("row", "level", "reference"))
        for name, (sign, cut) in itertools.product(sorted(of), _CLASS.findall(texts)):
            # The lower class has the cut itself: ≤ below, or > above.
            lower = "≤" if sign in "≤>" else "<"
            found.setdefault((name, float(cut)), {}).setdefault(lower, []).append(key)
    for (name, cut_at), places in found.items():
        if len(places) > 1:
            keys = tuple(dict.fromkeys(key for keys in places.values() for key in keys))
            told_ = [f"{sign} {cut_at:g} ({len({*of})} places)" for sign, of in places.items()]
            yield _Conflict(
                "class_labels",
                keys,
                "wording",
                reasoning=f"the classes of {name} differ for a value of exactly {cut_at:g} alone, "
                "and both hold where there is none",
                statement=" and ".join(told_),
            )


def _one_name(study: _Study) -> Iterator[_Conflict]:
    for one in study.content["conflicts"].get("one_name", ()):
        keys = tuple(f"{study.name}.{name}" for name in one["keys"])
        counts = [str(_count(study.figures[key])) for key in keys]
        if len({*counts}) > 1:
            told_ = " ≠ ".join(counts), f"{one['name']}: {' and '.join(counts)}"
            yield _Conflict("one_name", keys, "wording", one["kept"], *told_)


# --- the statistics -----------------------------------------------------------------------


def recompute(materials: Materials) -> dict[str, Second]:
    """Counts of marginals and conflicts, the inexact ones, and what is kept of each conflict.

    The reasoning about curves has its steps done again; left out: statements of checks of the
    consistency report that do not say again what is printed.
    """
    if not materials.configuration.get("marginals"):
        return {}
    study = _study(materials)
    conflicts = list(_conflicts(study, findings(materials)))
    proved = {k for c in conflicts if c.verdict == "impossible" for k in c.keys}
    found = dict(_counted(study, proved)) | dict(_inexact(study, proved))
    found |= dict(_judged(study, conflicts))
    return found | dict(lines(materials.statistics.get("marginals", ()), "reasoning"))


def _second(value: float | str) -> Second:
    return Second(value, engine=ENGINE)


def _counted(study: _Study, proved: set[str]) -> Iterator[tuple[str, Second]]:
    near = Counter(m.nearness for m in study.marginals)
    inexact = [m for m in study.marginals if m.nearness != "exact"]
    counts = {"all": len(study.marginals), **{name: near[name] for name in _NEARNESS}}
    counts["inexact"] = len(inexact)
    counts["proved"] = sum(m.figure in proved for m in inexact)
    for place in _PLACES:
        here = [m.nearness for m in study.marginals if m.place == place]
        counts |= {f"{place}.all": len(here), f"{place}.exact": here.count("exact")}
    for name, count in counts.items():
        yield f"marginals.count.{name}", _second(count)


def _inexact(study: _Study, proved: set[str]) -> Iterator[tuple[str, Second]]:
    for marginal in study.marginals:
        if marginal.nearness != "exact":
            key, value = f"marginals.{marginal.target}", marginal.value
            recomputed = None if math.isnan(value) else value
            yield f"{key}.recomputed", Second(recomputed, engine=ENGINE)
            yield f"{key}.printed", _second(marginal.part.text)
            why = "proved impossible" if marginal.figure in proved else "not found"
            yield f"{key}.why", _second(why)
            figure = study.printed[marginal.figure]
            yield f"{key}.subject", _second(f"{subject(figure)}: {_WORDS[marginal.part.name]}")
            yield f"{key}.place", _second(told([figure])[1])


def _judged(study: _Study, conflicts: Sequence[_Conflict]) -> Iterator[tuple[str, Second]]:
    verdicts = [c.verdict for c in conflicts]
    if None not in verdicts:
        yield "marginals.checks.all", _second(len(conflicts))
        for verdict in _VERDICTS:
            yield f"marginals.checks.{verdict}", _second(verdicts.count(verdict))
    seen: Counter[str] = Counter()
    for conflict in conflicts:
        key = f"marginals.conflict.{conflict.check}.{conflict.keys[0]}"
        seen[key] += 1
        key += f".{seen[key]}" if seen[key] > 1 else ""
        if conflict.verdict not in (None, "possible"):
            yield f"{key}.verdict", _second(str(conflict.verdict))
            for name, text in _said(study, conflict).items():
                if text:
                    yield f"{key}.{name}", _second(text)


def _said(study: _Study, conflict: _Conflict) -> dict[str, str]:
    """Words about a conflict: what is kept, where it stands, and its line if that is known."""
    concerned = [study.printed[key] for key in conflict.keys]
    where, place = told(concerned)
    return {
        "kept": conflict.kept or _kept(study, conflict),
        "statement": conflict.statement,
        "reasoning": conflict.reasoning,
        "subject": subject(concerned[0]),
        "where": where,
        "place": place,
    }


def _kept(study: _Study, conflict: _Conflict) -> str:
    """What of a conflict's numbers the tables give, and what they do not."""
    said: dict[bool, list[str]] = {True: [], False: []}
    for marginal in study.marginals:
        if marginal.figure in conflict.keys:
            word, parts = _WORDS[marginal.part.name], said[marginal.nearness == "exact"]
            parts += [] if word in parts else [word]
    clauses = [(said[True], "kept"), (said[False], "given up")]
    return ", ".join(f"{_listed(parts)} {done}" for parts, done in clauses if parts)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
