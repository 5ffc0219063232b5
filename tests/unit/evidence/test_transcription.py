"""Nothing printed is left behind, nothing is made up, and two transcribers agree."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from sarcoma_sbrt.evidence.published import Figure, Published, published
from sarcoma_sbrt.io import read_rows

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "data/published"
SEEDS = ROOT / "../shared/seeds"
PLACES: dict[str, Any] = yaml.safe_load(
    (ROOT / "tests/data/published/places.yaml").read_text(encoding="utf-8")
)
SET_ASIDE: dict[str, Any] = yaml.safe_load(
    (ROOT / "tests/data/published/set_aside.yaml").read_text(encoding="utf-8")
)
TOKEN = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)*")
PRINTED = (
    "printed_text",
    "printed_ci",
    "printed_range",
    "printed_n",
    "printed_events",
    "printed_p",
)
STRETCHES = [(paper, place) for paper, entry in PLACES.items() for place in entry["places"]]


@cache
def transcribed() -> Published:
    package = json.loads((FOLDER / "datapackage.json").read_text(encoding="utf-8"))
    paths = [FOLDER / resource["path"] for resource in package["resources"]]
    return published({path.as_posix(): read_rows(path) for path in paths}, package)


@cache
def text_lines(paper: str) -> tuple[str, ...]:
    path = SEEDS / PLACES[paper]["file"]
    if not path.is_file():
        pytest.skip("the four papers are not here")
    text = path.read_bytes()
    assert hashlib.sha256(text).hexdigest() == PLACES[paper]["sha256"]
    return tuple(text.decode("utf-8").split("\n"))


def lines_of(paper: str, place: str) -> list[str]:
    lines = text_lines(paper)
    return [
        lines[number - 1]
        for first, last in PLACES[paper]["places"][place]
        for number in range(first, last + 1)
    ]


def figures_of(paper: str, place: str) -> list[str]:
    """Lines of a place without the digits that a named rule sets aside."""
    rules = [
        rule["matches"]
        for rule in SET_ASIDE.values()
        if f"{paper} {place}" in rule.get("in", [f"{paper} {place}"])
    ]
    lines = lines_of(paper, place)
    for rule in rules:
        lines = [re.sub(rule, lambda m: re.sub(r"\d", "§", m[0]), line) for line in lines]
    return lines


def tokens(lines: list[str]) -> Counter[str]:
    return Counter(token for line in lines for token in TOKEN.findall(line))


def printed(figures: Iterator[Figure]) -> Counter[str]:
    return Counter(
        token
        for figure in figures
        for name in PRINTED
        for token in TOKEN.findall(getattr(figure, name))
    )


def at(paper: str, place: str) -> Iterator[Figure]:
    figures = transcribed().figures.values()
    return (figure for figure in figures if (figure.paper, figure.place) == (paper, place))


@pytest.mark.parametrize(("paper", "place"), STRETCHES)
def test_every_numeral_of_a_text_is_transcribed_or_set_aside_by_name(
    paper: str, place: str
) -> None:
    left = tokens(figures_of(paper, place)) - printed(at(paper, place))
    assert left == Counter()


@pytest.mark.parametrize(("paper", "place"), STRETCHES)
def test_every_transcribed_numeral_stands_in_its_place(paper: str, place: str) -> None:
    made_up = printed(at(paper, place)) - tokens(lines_of(paper, place))
    assert made_up == Counter()


def test_numbers_in_words_stand_in_their_place() -> None:
    for figure in transcribed().figures.values():
        for name in PRINTED:
            said = getattr(figure, name)
            if said and not re.search(r"\d", said):
                text = " ".join(lines_of(figure.paper, figure.place))
                assert said in text, f"{figure.key}: {said}"


def test_every_figure_names_a_place_that_exists() -> None:
    named = {(figure.paper, figure.place) for figure in transcribed().figures.values()}
    assert named <= set(STRETCHES)


def test_no_rule_sets_aside_nothing() -> None:
    lines = [line for paper, place in STRETCHES for line in lines_of(paper, place)]
    idle = [
        name
        for name, rule in SET_ASIDE.items()
        if not any(re.search(rule["matches"], line) for line in lines)
    ]
    assert idle == []


# --- two transcribers ---------------------------------------------------------------------

# What the second transcriber called the roles of numbers; counts, ranges and doses are told
# apart by their rows, so all of them are plain numbers here.
KINDS = {
    "ci_low": "ci_low",
    "ci_high": "ci_high",
    "p": "p",
    "fractions_low": "fractions",
    "fractions_high": "fractions",
}
# Paper, place, study, kind and value of one printed number.
Fact = tuple[str, str, str, str, float]


def first_entry() -> Counter[Fact]:
    return Counter(
        (figure.paper, figure.place, figure.study_id, kind, float(value))
        for figure in transcribed().figures.values()
        for kind, value in printed_numbers(figure)
        if value is not None
    )


def printed_numbers(figure: Figure) -> Iterator[tuple[str, float | None]]:
    if figure.measure == "schedule":
        doses = (figure.dose_low_gy, figure.dose_high_gy)
        fractions = (figure.fractions_low, figure.fractions_high)
        yield from (("number", value) for value in dict.fromkeys(doses))
        yield from (("fractions", value) for value in dict.fromkeys(fractions))
    elif figure.printed_text:
        yield "number", figure.estimate
    if figure.printed_ci:
        yield "ci_low", figure.ci_low
        yield "ci_high", figure.ci_high
    if figure.printed_range:
        yield "number", figure.range_low
        yield "number", figure.range_high
    yield "number", figure.n if figure.printed_n else None
    yield "number", figure.events if figure.printed_events else None
    yield "p", figure.p


def second_rows() -> list[dict[str, str]]:
    folder = FOLDER / "second_entry"
    return [row for paper in PLACES for _, row in read_rows(folder / f"{paper}.csv")]


def second_entry() -> Counter[Fact]:
    return Counter(
        (r["paper"], r["place"], r["study_id"], KINDS.get(r["role"], "number"), float(r["value"]))
        for r in second_rows()
    )


def test_the_two_entries_differ_only_where_it_was_adjudicated() -> None:
    first, second = first_entry(), second_entry()
    rows = [row for _, row in read_rows(FOLDER / "second_entry/adjudicated.csv")]
    assert all(row["reason"] for row in rows)
    expected = {
        side: Counter(
            (row["paper"], row["place"], row[side], row["kind"], float(row["value"]))
            for row in rows
            if row[side]
        )
        for side in ("first", "second")
    }
    assert first - second == expected["first"]
    assert second - first == expected["second"]


def test_the_two_entries_agree_on_the_time_of_every_rate() -> None:
    times: dict[tuple[str, str, str, str], set[float]] = {}
    for row in second_rows():
        if row["time_months"] and row["role"] == "estimate":
            where = (row["paper"], row["place"], row["study_id"], row["printed"])
            times.setdefault(where, set()).add(float(row["time_months"]))
    rates = [f for f in transcribed().figures.values() if f.measure == "rate" and f.time_months]
    compared = 0
    for figure in rates:
        where = (figure.paper, figure.place, figure.study_id, figure.printed_text)
        if where in times:
            compared += 1
            assert figure.time_months in times[where], figure.key
    assert compared > 0.9 * len(rates)


def test_the_two_entries_agree_on_model_and_covariate_of_every_hazard_ratio() -> None:
    told = {
        (r["paper"], r["place"], r["printed"], r["endpoint"]): (r["model"], r["covariate"])
        for r in second_rows()
        if r["covariate"] and r["role"] == "estimate"
    }
    ratios = [f for f in transcribed().figures.values() if f.measure == "hazard_ratio" and f.model]
    assert len(ratios) > 40
    for figure in ratios:
        model, covariate = told[figure.paper, figure.place, figure.printed_text, figure.endpoint]
        assert model in ("", figure.model), figure.key
        assert f".{covariate}." in figure.key


READ_ME = FOLDER / "README.md"


def test_the_read_me_says_how_many_numbers_the_two_entries_share() -> None:
    first, second = first_entry(), second_entry()
    counted = [first, second, first & second, shared_under_one_endpoint()]
    said = READ_ME.read_text(encoding="utf-8")
    for paper in PLACES:
        numbers = [sum(n for fact, n in facts.items() if fact[0] == paper) for facts in counted]
        assert f"| {paper} | {' | '.join(map(str, numbers))} |" in said
    assert f"| all four | {' | '.join(f'{facts.total():,}' for facts in counted)} |" in said


def shared_under_one_endpoint() -> Counter[tuple[Any, ...]]:
    first = Counter(
        (f.paper, f.place, f.study_id, f.endpoint, kind, value)
        for f in transcribed().figures.values()
        for kind, value in printed_numbers(f)
        if value is not None
    )
    place = ("paper", "place", "study_id", "endpoint")
    second = Counter(
        (*(row[name] for name in place), KINDS.get(row["role"], "number"), float(row["value"]))
        for row in second_rows()
    )
    return first & second


def test_the_read_me_says_how_the_differences_divide() -> None:
    rows = [row for _, row in read_rows(FOLDER / "second_entry/adjudicated.csv")]
    both = sum(1 for row in rows if row["first"] and row["second"])
    first = sum(1 for row in rows if not row["second"])
    said = " ".join(READ_ME.read_text(encoding="utf-8").split())
    assert f"lists the {len(rows)} differences (in {both} of them" in said
    assert f"{first} stand in the first entry alone, {len(rows) - both - first} in the" in said


def test_the_read_me_says_how_many_numerals_are_bound() -> None:
    numerals = sum(tokens(lines_of(*stretch)).total() for stretch in STRETCHES)
    bound = sum(tokens(figures_of(*stretch)).total() for stretch in STRETCHES)
    said = " ".join(READ_ME.read_text(encoding="utf-8").split())
    assert f"hold {numerals:,} numerals. {numerals - bound} of them are set aside by one" in said
    assert f"one of the {len(SET_ASIDE)} named rules" in said
    assert f"the other {bound:,} are each held" in said


def test_the_read_me_says_how_many_numbers_are_printed_in_words() -> None:
    in_words = [
        figure
        for figure in transcribed().figures.values()
        if any((text := getattr(figure, name)) and not re.search(r"\d", text) for name in PRINTED)
    ]
    assert f"({len(in_words)} rows hold one that was)" in READ_ME.read_text(encoding="utf-8")


# --- studies ------------------------------------------------------------------------------


def test_every_number_of_a_study_is_a_figure_of_it() -> None:
    named = ("patients", "lesions", "years_from", "years_to", "median_size_cm", "follow_up_months")
    for study in transcribed().studies.values():
        figures = transcribed().of(study.study_id)
        values = {
            value
            for f in figures
            for value in (f.estimate, f.range_low, f.range_high, f.n, f.events)
        }
        for name in named:
            value = getattr(study, name)
            assert value is None or value in values, f"{study.study_id}: {name} {value}"


def test_every_schedule_of_a_study_is_printed() -> None:
    for study in transcribed().studies.values():
        figures = transcribed().of(study.study_id)
        printed_schedules = {
            (f.dose_low_gy, f.dose_high_gy, f.fractions_low, f.fractions_high)
            for f in figures
            if f.measure == "schedule"
        }
        ranges = {
            f.endpoint: (f.range_low, f.range_high) for f in figures if f.range_low is not None
        }
        if "dose" in ranges and "fractions" in ranges:
            printed_schedules.add((*ranges["dose"], *ranges["fractions"]))  # type: ignore[arg-type]
        for s in study.schedules:
            parsed = (s.dose_low, s.dose_high, s.fractions_low, s.fractions_high)
            assert parsed in printed_schedules, study.study_id


def test_the_screening_of_the_reconstructed_cohort_is_the_printed_one() -> None:
    path = ROOT / "config/cohorts/reconstructed-2022.yaml"
    screening = yaml.safe_load(path.read_text(encoding="utf-8"))["screening"]
    figures = transcribed().figures
    screened = figures["feng2022.patients.screened"]
    assert screening["reviewed"] == screened.estimate
    assert screening["locator"] == screened.locator
    assert screening["enrolled"] == figures["feng2022.patients.text"].estimate
