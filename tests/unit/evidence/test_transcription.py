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

from sarcoma_sbrt.dose import bed
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


def figures_of(paper: str, place: str, but: str = "") -> list[str]:
    """Lines of a place without the digits that a named rule (other than `but`) sets aside."""
    rules = [
        rule["matches"]
        for name, rule in SET_ASIDE.items()
        if name != but and f"{paper} {place}" in rule.get("in", [f"{paper} {place}"])
    ]
    lines = lines_of(paper, place)
    for rule in rules:
        lines = [re.sub(rule, lambda m: re.sub(r"\d", "§", m[0]), line) for line in lines]
    return lines


def tokens(lines: list[str]) -> Counter[str]:
    return Counter(token for line in lines for token in TOKEN.findall(line))


def printed_once(figures: Iterator[Figure]) -> list[Figure]:
    """Figures without those that share one printed number: "at 6 and 12 months … 89%"."""
    kept: dict[tuple[str, ...], Figure] = {}
    for f in figures:
        several = len(TOKEN.findall(f.printed_time)) > 1
        kept.setdefault(shared_number(f) if several else (f.key,), f)
    return list(kept.values())


def shared_number(f: Figure) -> tuple[str, ...]:
    where = (f.paper, f.place, f.row, f.column)
    return (*where, f.study_id, f.endpoint, f.subgroup, f.arm, f.printed_time, f.printed_text)


def printed(figures: Iterator[Figure]) -> Counter[str]:
    return Counter(
        token
        for figure in printed_once(figures)
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


# --- times ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("paper", "place"), STRETCHES)
def test_every_landmark_that_is_set_aside_is_the_printed_time_of_a_row(
    paper: str, place: str
) -> None:
    lines = figures_of(paper, place, but="landmark")
    marks = [m[0] for line in lines for m in re.finditer(SET_ASIDE["landmark"]["matches"], line)]
    held = tokens([figure.printed_time for figure in at(paper, place)])
    assert tokens(marks) - held == Counter()


def test_a_landmark_without_its_row_would_be_found() -> None:
    marks = re.findall(SET_ASIDE["landmark"]["matches"], "At 6 and 12 months, control was high.")
    assert tokens(marks) == Counter(["6", "12"])


def test_a_printed_time_is_the_time_of_its_row_and_each_of_several_has_one() -> None:
    times: dict[tuple[str, ...], set[float | None]] = {}
    for figure in transcribed().figures.values():
        times.setdefault(shared_number(figure), set()).add(figure.time_months)
    for figure in transcribed().figures.values():
        numbers = [float(token) for token in TOKEN.findall(figure.printed_time)]
        meant = [{n, 12 * n, round(7 * n / 30.4375, 2)} for n in numbers]
        assert not meant or any(figure.time_months in m for m in meant), figure.key
        assert all(m & times[shared_number(figure)] for m in meant), figure.key


# --- words beside numbers -----------------------------------------------------------------------

# How a fact stands to the number that these words are printed with.
WORDS = {
    ">": r"(?:\bover|(?<!no )\bmore(?: than)?|>) ?{n}",
    ">=": r"\b(?:at least|minimum) {n}",
    "<": r"(?:\bless than|\bfewer than|<) ?{n}",
    "<=": r"\b(?:up to|no more than|as high as|maximum of|less than or equal to|within) {n}"
    r"|\b{n} or fewer",
    "~": r"\b(?:approximately|about) (?:\d+% and )?{n}",
}
# Numbers with such words that are the name of a group, not an estimate of something.
CUTS = {"bishop2017.bed.cut_point": "> 48 Gy names the side that did better"}


def test_a_relation_is_said_in_words_beside_the_number() -> None:
    related = [f for f in transcribed().figures.values() if f.relation]
    assert {f.relation for f in related} == set(WORDS)
    for figure in related:
        text = " ".join(lines_of(figure.paper, figure.place))
        said = WORDS[figure.relation].replace("{n}", re.escape(figure.printed_text))
        assert re.search(said, text, re.IGNORECASE), figure.key


@pytest.mark.parametrize(("paper", "place"), STRETCHES)
def test_words_beside_a_number_are_the_relation_of_its_row(paper: str, place: str) -> None:
    text = " ".join(figures_of(paper, place))
    figures = list(at(paper, place))
    cuts = {figure.printed_text for figure in figures if figure.key in CUTS}
    for relation, words in WORDS.items():
        for match in re.finditer(words.replace("{n}", r"(\d[\d,.]*\d|\d)(?![\d–-])"), text):
            number = next(filter(None, match.groups()))
            held = [f for f in figures if f.printed_text == number and f.relation == relation]
            assert held or number in cuts, match[0]


# --- units, models --------------------------------------------------------------------------------

CONTROL = ("lc", "lffs")


def test_control_is_of_lesions_or_patients_only_where_its_sentence_says_so() -> None:
    said = 0
    for figure in transcribed().figures.values():
        if figure.file.endswith("outcomes.csv") and figure.endpoint in CONTROL:
            if not figure.unit_of_analysis:
                assert figure.n is None, figure.key
                continue
            text = " ".join(lines_of(figure.paper, figure.place))
            sentences = re.split(r"(?<=[.;]) (?=[A-Z])", text)
            beside = [s for s in sentences if f"{figure.printed_text}%" in s]
            assert any(figure.unit_of_analysis in s for s in beside), figure.key
            said += 1
    assert said == 2  # lesion-specific control, control among evaluated patients


def test_control_in_the_cohort_is_of_lesions_as_its_methods_say() -> None:
    for study in ("feng2022", "feng2020"):
        text = " ".join(lines_of(study, "methods"))
        assert re.search(r"[Ll]ocal control rate .*was calculated for 58 lesions", text)
        control = [f for f in transcribed().of(study) if f.endpoint == "lc"]
        assert {figure.unit_of_analysis for figure in control} == {"lesion"}


def test_a_column_of_table_4_is_one_model_and_table_5_adds_a_covariate_each() -> None:
    ratios = [f for f in at("feng2022", "table_4") if f.measure == "hazard_ratio"]
    for figure in ratios:
        others = [f.category for f in ratios if f.column == figure.column and f is not figure]
        assert figure.adjusted_for == "; ".join(others), figure.key
    nested = {f.model: f.adjusted_for for f in at("feng2022", "table_5")}
    assert nested == {
        "model_1": "",
        "model_2": "size",
        "model_3": "size; setting; number_of_lesions",
    }


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
        yield "number", as_listed(figure, figure.estimate)
    if figure.printed_ci:
        yield "ci_low", figure.ci_low
        yield "ci_high", figure.ci_high
    if figure.printed_range:
        yield "number", as_listed(figure, figure.range_low)
        yield "number", as_listed(figure, figure.range_high)
    yield "number", figure.n if figure.printed_n else None
    yield "number", figure.events if figure.printed_events else None
    yield "p", figure.p


def as_listed(figure: Figure, value: float | None) -> float | None:
    """Of a month of a year the year: the second entry lists what is printed in digits."""
    return value // 100 if figure.unit == "yyyymm" and value is not None else value


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


# Rows that neither entry had; `adjudicated.csv` says so.
ADDED = ("sim2020.lc.rate_6m",)


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
        if where in times and figure.key not in ADDED:
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


# Studies that print their own BED10 (1) or EQD2 (1 + 2 / 10 at alpha/beta 10 Gy), with its factor.
PRINTED_DOSES = {"feng2022.bed10.median": 1.0, "loi2018.eqd2.median": 1.2}


def test_bed10_of_a_study_is_that_of_its_printed_doses() -> None:
    figures, seen = transcribed().figures, 0
    printed_by = {key.partition(".")[0]: (figures[key], f) for key, f in PRINTED_DOSES.items()}
    for study in transcribed().studies.values():
        ends = [
            bed(dose, float(fractions), 10.0)
            for s in study.schedules
            for dose, fractions in ((s.dose_low, s.fractions_high), (s.dose_high, s.fractions_low))
        ]
        if study.study_id in printed_by:
            figure, factor = printed_by[study.study_id]
            ends = [factor * end for end in (figure.range_low, figure.range_high) if end]
        expected = (min(ends), max(ends)) if ends else (None, None)
        assert (study.bed10_low_gy, study.bed10_high_gy) == pytest.approx(expected, abs=0.005)
        seen += bool(ends)
    assert seen > 20


@pytest.mark.parametrize(
    ("study", "low", "high"),
    [
        ("loi2018", 72, 180),  # 60 and 150 Gy in 2 Gy fractions
        ("frakulli2015", 41.25, 180),  # 30 Gy/8 and 60 Gy/3
        ("mehta2013", 79.2, 151.2),  # 36 Gy/3 and 54 Gy/3
        ("feng2022", 51.3, 187.5),  # printed
    ],
)
def test_bed10_of_some_studies_by_hand(study: str, low: float, high: float) -> None:
    found = transcribed().studies[study]
    assert (found.bed10_low_gy, found.bed10_high_gy) == (low, high)


def test_only_doses_that_are_printed_as_ranges_go_before_schedules() -> None:
    ranges = {
        f.key
        for f in transcribed().figures.values()
        if f.endpoint in ("bed10", "eqd2") and f.range_low is not None and not f.duplicate_of
    }
    assert ranges == set(PRINTED_DOSES)


# --- two versions of one study ------------------------------------------------------------------


def alone(here: str, there: str) -> dict[str, Figure]:
    """Primary figures of one version whose key the other version does not have."""

    def primary(study: str) -> dict[str, Figure]:
        own = [f for f in transcribed().of(study) if not f.duplicate_of]
        return {f.key.removeprefix(f"{study}."): f for f in own}

    return {key: f for key, f in primary(here).items() if key not in primary(there)}


def alike(old: dict[str, Figure], new: dict[str, Figure]) -> list[tuple[str, str]]:
    """Keys of figures that say the same of one endpoint: a value, a range, or what they count."""
    return [
        (before, after)
        for before, f in old.items()
        for after, g in new.items()
        if (f.endpoint, f.measure) == (g.endpoint, g.measure)
        and (
            (f.estimate is not None and f.estimate == g.estimate)
            or (f.category != "" and f.category == g.category)
            or (
                f.range_low is not None
                and (f.range_low, f.range_high) == (g.range_low, g.range_high)
            )
        )
    ]


def test_a_fact_has_one_key_in_preprint_and_journal() -> None:
    assert alike(alone("feng2020", "feng2022"), alone("feng2022", "feng2020")) == []


def test_a_fact_with_two_keys_would_be_found() -> None:
    thickness = transcribed().figures["feng2020.ct_slice_thickness"]
    isodose = transcribed().figures["feng2022.isodose.prescription.range"]
    old, new = {"thickness": thickness, "isodose": isodose}, {"slices": thickness, "line": isodose}
    assert alike(old, new) == [("thickness", "slices"), ("isodose", "line")]


def test_the_screening_of_the_reconstructed_cohort_is_the_printed_one() -> None:
    path = ROOT / "config/cohorts/reconstructed-2022.yaml"
    screening = yaml.safe_load(path.read_text(encoding="utf-8"))["screening"]
    figures = transcribed().figures
    screened = figures["feng2022.patients.screened"]
    assert screening["reviewed"] == screened.estimate
    assert screening["locator"] == screened.locator
    assert screening["enrolled"] == figures["feng2022.patients.text"].estimate
