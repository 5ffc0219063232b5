"""The numbers of figures: keyed texts, sidecars, ticks and names."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from sarcoma_sbrt.provenance.figure_numbers import figure, file_problems, picture_problems
from sarcoma_sbrt.reporting.drawing import Page, save_options, style, styled, text_of, text_width
from sarcoma_sbrt.reporting.drawn_numbers import (
    Part,
    capitalised,
    keyed,
    name_ticks,
    parts,
    plain,
    sidecar,
    uncapitalised,
    wrapped,
)
from sarcoma_sbrt.reporting.figures import flow_counts, flow_figure
from sarcoma_sbrt.settings import CohortSettings

NUMBERS = {
    "os.n": {"text": "37"},
    "os.p": {"text": "0.016"},
    "size.level": {"text": "5 cm or less"},
    "grade.label": {"text": "Histological grade"},
    "cut": {"text": "146.7"},
}
PATTERNS = {"dose_measure": re.compile(r"\bBED10\b")}


@styled
def _draw(planted: str = "") -> Figure:
    page = Page(2.0)
    axes = page.axes(0.6, 0.4, 3.0, 1.2)
    axes.set(xlim=(0, 24), ylim=(0, 100), title=f"{text_of(NUMBERS, 'grade.label')}, BED10")
    axes.set_xticks([0, 12, 24])
    name_ticks(axes.yaxis, [50], [f"{text_of(NUMBERS, 'cut')} Gy"])
    axes.plot([0, 24], [100, 40], label=f"All (n = {text_of(NUMBERS, 'os.n')})")
    axes.legend()
    page.text(4, 0.5, f"p = {text_of(NUMBERS, 'os.p')}\n{text_of(NUMBERS, 'size.level')}")
    page.text(4, 1.5, f"Said {planted}" if planted else "Said")
    return page.figure


def _saved(drawn: Figure) -> tuple[str, dict[str, Any]]:
    stream = io.StringIO()
    with matplotlib.rc_context(style()):
        drawn.savefig(stream, **save_options("svg"))
    svg = stream.getvalue()
    return svg, json.loads(json.dumps(sidecar(drawn, "km", svg)))


@pytest.fixture(scope="module")
def saved() -> tuple[str, dict[str, Any]]:
    return _saved(_draw())


def _problems(svg: str, side: dict[str, Any], numbers=NUMBERS) -> list[str]:
    return [str(p) for p in figure(svg, side, numbers, PATTERNS, "km.svg").problems]


# --- marked texts -------------------------------------------------------------------------------


def test_a_text_without_numerals_is_not_marked() -> None:
    assert keyed("not reached", "os.median") == "not reached"
    assert keyed("37", "os.n") != "37"


def test_marks_are_not_drawn_and_have_no_width() -> None:
    said = f"All (n = {keyed('37', 'os.n')})"
    assert plain(said) == "All (n = 37)"
    assert text_width(said) == text_width("All (n = 37)")


def test_parts_say_which_key_answers_for_what() -> None:
    said = f"{keyed('71.5', 'a')} ({keyed('55.1', 'b')}–{keyed('83.7', 'c')})"
    assert parts(said) == (
        Part("71.5", "a"),
        Part(" (", ""),
        Part("55.1", "b"),
        Part("–", ""),
        Part("83.7", "c"),
        Part(")", ""),
    )


def test_words_of_one_key_are_one_part() -> None:
    assert parts(keyed("5 cm or less", "size")) == (Part("5 cm or less", "size"),)
    assert parts(f"{keyed('3', 'a')} {keyed('4', 'b')}") == (
        Part("3", "a"),
        Part(" ", ""),
        Part("4", "b"),
    )


def test_a_wrapped_text_keeps_its_keys() -> None:
    first, second = wrapped(f"Lesion size {keyed('more than 5 cm', 'size')}", 16)
    assert (plain(first), plain(second)) == ("Lesion size more", "than 5 cm")
    assert parts(first) == (Part("Lesion size ", ""), Part("more", "size"))
    assert parts(second) == (Part("than 5 cm", "size"),)


@given(st.lists(st.text("ab1 ", max_size=9), max_size=5), st.integers(1, 12))
def test_wrapping_marked_text_is_wrapping_its_plain_text(words: list[str], width: int) -> None:
    import textwrap

    said = " ".join(keyed(word, f"key.{i}") for i, word in enumerate(words))
    assert [plain(line) for line in wrapped(said, width)] == textwrap.wrap(plain(said), width)


def test_capitals_are_those_of_the_drawn_letters() -> None:
    assert plain(capitalised(keyed("below 100 Gy", "k"))) == "Below 100 Gy"
    assert plain(uncapitalised(keyed("Size over 5 cm", "k"))) == "size over 5 cm"
    assert plain(uncapitalised(keyed("BED10", "k"))) == "BED10"


def test_a_key_of_other_characters_cannot_mark() -> None:
    with pytest.raises(ValueError, match="a key is of ASCII characters"):
        keyed("37", "α")


# --- sidecars -------------------------------------------------------------------------------------


def test_a_sidecar_lists_numbers_in_the_order_of_the_figure(saved) -> None:
    svg, side = saved
    assert [(n["text"], n["key"]) for n in side["numbers"]] == [
        ("146.7", "cut"),
        ("37", "os.n"),
        ("0.016", "os.p"),
        ("5 cm or less", "size.level"),
    ]
    assert side["ticks"] == ["0", "12", "24"]
    assert side["rules"] == {"axis_tick": 3}
    assert not any("\U000e0000" <= c <= "\U000e007f" for c in svg)


def test_a_figure_that_its_sidecar_describes_is_accounted_for(saved) -> None:
    found = figure(*saved, NUMBERS, PATTERNS, "km.svg")
    assert found.problems == []
    assert (found.numbers, found.ticks, found.names) == (4, 3, {"dose_measure": 1})
    assert sorted(found.tokens) == sorted(["0", "12", "24", "146.7", "37", "0.016", "5", "10"])


def test_a_number_written_in_the_code_is_refused_even_when_it_is_right() -> None:
    (problem,) = _problems(*_saved(_draw("37")))
    assert problem == (
        "km.svg: text: “37” has no key and no rule, read “Said 37”, "
        "accepted: a number of the registry, or a rule of coverage.yaml"
    )


def test_a_number_planted_beside_a_keyed_one_is_refused(saved) -> None:
    svg, side = saved
    (problem,) = _problems(svg.replace("All (n = 37)", "All (n = 37 of 58)"), side)
    assert "“58” has no key and no rule" in problem


def test_a_number_changed_in_the_figure_is_refused(saved) -> None:
    svg, side = saved
    problems = _problems(svg.replace("p = 0.016", "p = 0.061"), side)
    assert any("os.p is in the sidecar and not in the figure" in p for p in problems)
    assert any("“0.061” has no key and no rule" in p for p in problems)


def test_a_number_changed_in_the_registry_is_refused(saved) -> None:
    (problem,) = _problems(*saved, NUMBERS | {"os.n": {"text": "38"}})
    assert (
        problem == "km.svg: os.n: the text of os.n is not the registry's, read “37”, accepted: “38”"
    )


def test_a_tick_changed_in_the_figure_is_refused(saved) -> None:
    svg, side = saved
    (problem,) = _problems(re.sub(r">24</text>", ">25</text>", svg, count=1), side)
    assert problem == "km.svg: axis_tick: tick 3 is not the sidecar's, read “25”, accepted: “24”"


def test_a_tick_lost_from_the_figure_is_refused(saved) -> None:
    svg, side = saved
    (problem,) = _problems(re.sub(r">24</text>", "></text>", svg, count=1), side)
    assert problem.endswith("tick 3 is not the sidecar's, read nothing, accepted: “24”")


def test_ticks_need_their_rule(saved) -> None:
    found = figure(*saved, NUMBERS, PATTERNS, "km.svg", ticks=False)
    assert [p.what for p in found.problems] == [
        f"“{tick}” has no key and no rule" for tick in ("0", "12", "24")
    ]


def test_names_need_their_rule(saved) -> None:
    (problem,) = figure(*saved, NUMBERS, {}, "km.svg").problems
    assert problem.what == "“10” has no key and no rule"


# --- what the registry does not have ------------------------------------------------------------

YOUNG = "younger than 18 years at the first fraction of all"
FLOW = {
    "screening": None,
    "patients": {
        "read": 50,
        "excluded": [{"reason": YOUNG, "patients": 3}],
        "analysed": 47,
    },
    "tables": {
        "patients": {
            "file": "patients.csv",
            "rows_read": 55,
            "excluded": [
                {"reason": "below the table", "rows": 5, "lines": [52, 53, 54, 55, 56]},
                {
                    "reason": YOUNG,
                    "rows": 3,
                    "lines": [4, 8, 9],
                },
            ],
        },
        "progressions": {
            "file": "events.csv",
            "rows_read": 9,
            "excluded": [{"reason": "blank row", "rows": 2, "lines": [4, 7]}],
        },
    },
}
FLOW_NUMBERS = {
    key: {"text": text, "value": int(text), "status": "estimated"}
    for key, text in (
        ("flow.patients.read", "50"),
        ("flow.patients.excluded", "3"),
        ("flow.patients.analysed", "47"),
    )
}


def test_counts_of_the_ledger_are_bound_to_the_ledger() -> None:
    cohort = CohortSettings("yew", "Yew", "observed", tables={}, times={})
    svg, side = _saved(flow_figure(FLOW, FLOW_NUMBERS, cohort))
    drawable = FLOW_NUMBERS | flow_counts(FLOW)
    found = figure(svg, side, drawable, {}, "flow.svg")
    assert [str(problem) for problem in found.problems] == []
    drawn = {entry["key"]: entry["text"] for entry in side["numbers"]}
    assert drawn["flow.json:tables.patients.rows_read"] == "55"
    assert drawn["flow.json:tables.patients.excluded.0.no_patient"] == "5"
    assert drawn["flow.json:tables.progressions.excluded.0.rows"] == "2"
    assert drawn["flow.json:patients.excluded.0.patients"] == "3"
    other = drawable | {"flow.json:tables.patients.rows_read": {"text": "56"}}
    (problem,) = figure(svg, side, other, {}, "flow.svg").problems
    assert problem.column == "flow.json:tables.patients.rows_read"


# --- pictures of pages ----------------------------------------------------------------------------


def test_a_redrawn_picture_says_the_numbers_of_its_figure(saved) -> None:
    found = figure(*saved, NUMBERS, PATTERNS, "km.svg")
    text = "\n".join(found.tokens[::-1])
    assert picture_problems([text], [found], "index.pdf") == []
    (problem,) = picture_problems([text.replace("37", "38")], [found], "index.pdf")
    assert str(problem) == (
        "index.pdf: picture 1: the picture does not say the numbers of its figure, "
        "read 38, accepted: 37"
    )
    (problem,) = picture_problems([f"{text}\n37"], [found], "index.pdf")
    assert (problem.read, problem.accepted) == ("37", "none fewer")
    (problem,) = picture_problems([], [found], "index.pdf")
    assert problem.what == "the page does not show the document's pictures"


def test_an_embedded_picture_is_the_file_of_its_figure() -> None:
    files = {"km": "a" * 64, "flow": "b" * 64}
    assert file_problems(["b" * 64, "a" * 64], files, ["flow", "km"], "index.html") == []
    (problem,) = file_problems(["b" * 64, "c" * 64], files, ["flow", "km"], "index.html")
    assert problem.what == "the picture is not the file of its figure"
    assert problem.column == "picture 2"
    (problem,) = file_problems(["b" * 64], files, ["flow", "km"], "index.html")
    assert problem.what == "the page does not show the document's pictures"


# --- figures drawn by hand ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("drawn", "entries", "said"),
    [
        # Part of the registry's number is another number.
        ("7", [("os.n", "7")], ["the text of os.n is not the registry's"]),
        # Two keys with one text answer for two numbers.
        ("37 of 37", [("os.n", "37"), ("os.n", "37")], []),
        ("37 of 37", [("os.n", "37")], ["“37” has no key and no rule"]),
        # A name answers for no digit beside one that has a key.
        ("BED10", [("one", "1")], ["“10” has no key and no rule"]),
        ("BED10", [], []),
    ],
)
@pytest.mark.parametrize("group", ["{}", '<g id="xtick_1">{}</g>'])
def test_what_answers_for_a_number_of_a_keyed_text(drawn, entries, said, group) -> None:
    text = group.format(f'<g id="number_1"><text>{drawn}</text></g>')
    numbers = [{"key": key, "text": text, "at": "number_1"} for key, text in entries]
    found = figure(
        f'<svg xmlns="http://www.w3.org/2000/svg">{text}</svg>',
        {"numbers": numbers, "ticks": []},
        NUMBERS | {"one": {"text": "1"}},
        PATTERNS,
        "km.svg",
    )
    assert [problem.what for problem in found.problems] == said
