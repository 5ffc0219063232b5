"""Numbers of documents and pages: what a number is, and where two sequences of them differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sarcoma_sbrt.provenance.page_tokens import (
    Token,
    bindings,
    differences,
    number_spans,
    sentence_at,
    streams,
    tokens,
)
from sarcoma_sbrt.provenance.passages import Owner, Passage, Run

NUMBERS = {"os.median": {"text": "24.5"}, "os.n": {"text": "37"}, "lc.n": {"text": "37"}}


def _passage(*runs: str | tuple[str, str], stream: str = "text", place: str = "here") -> Passage:
    made = (Run(r) if isinstance(r, str) else Run(r[0], Owner(key=r[1])) for r in runs)
    return Passage(place, tuple(made), stream)


def _texts(text: str) -> list[str]:
    return [text[slice(*span.span())] for span in number_spans(text)]


def _sequence(*texts: str) -> list[Token]:
    return [Token(text, (), f"paragraph {i}", f"It is {text}.") for i, text in enumerate(texts, 1)]


def test_a_number_is_its_numerals_with_the_separators_between_them() -> None:
    text = "In 2022, 71.5% of 1,037 (G2–3) had 45 cm³, ½ of them late."
    assert _texts(text) == ["2022", "71.5", "1,037", "2", "3", "45", "³", "½"]


def test_a_full_stop_at_the_end_is_none_of_the_number() -> None:
    assert _texts("There were 37. Of 58, none.") == ["37", "58"]


def test_a_number_knows_its_key_and_its_sentence() -> None:
    passage = _passage("We saw ", ("37", "os.n"), " patients. They lived ", ("24.5", "os.median"))
    first, second = tokens(passage)
    assert (first.text, first.keys, first.sentence) == ("37", ("os.n",), "We saw 37 patients.")
    assert (second.text, second.keys, second.place) == ("24.5", ("os.median",), "here")


def test_a_number_of_two_parts_has_both_keys() -> None:
    (token,) = tokens(_passage(("24", "a"), ".", ("5", "b")))
    assert (token.text, token.keys) == ("24.5", ("a", "b"))


def test_a_structure_that_a_format_draws_is_passed_over() -> None:
    numbered = Passage("list", (Run("1", Owner(structure="list_number")), Run(" of 3")))
    assert [t.text for t in tokens(numbered, drawn=["list_number"])] == ["3"]
    assert [t.text for t in tokens(numbered)] == ["1", "3"]


def test_streams_are_read_by_themselves() -> None:
    title = Passage("title block, keywords", (Run("G3"),), block="keywords")
    passages = [
        title,
        _passage("one 1"),
        _passage("2", stream="notes"),
        _passage("3", stream="cited"),
        _passage("4", stream="pictures"),
        _passage("5", stream="page_number"),
    ]
    found = streams(passages, left_out=["keywords"])
    assert {name: [t.text for t in own] for name, own in found.items()} == {
        "text": ["1"],
        "notes": ["2"],
        "pictures": ["4"],
    }


def test_a_sentence_is_found_and_cut() -> None:
    assert sentence_at("One. Two is 2. Three.", 12) == "Two is 2."
    assert sentence_at("x" * 300, 5) == "x" * 199 + "…"


def test_equal_sequences_do_not_differ() -> None:
    assert differences(_sequence("1", "2"), _sequence("1", "2"), "index.pdf", keyed=False) == []


def test_a_changed_number_is_named_with_its_place_and_both_sentences() -> None:
    (problem,) = differences(
        _sequence("1", "71.5", "3"), _sequence("1", "71.6", "3"), "index.pdf", keyed=False
    )
    assert str(problem) == (
        "index.pdf: paragraph 2: the page prints “71.6” where the document that the gate judged "
        "has “71.5”, read “It is 71.6.”, accepted: “It is 71.5.”"
    )


def test_a_number_too_many_and_one_too_few_are_named() -> None:
    more = [Token("9", (), "", "Nine is 9.", 12)]
    one, two, three = _sequence("1", "2", "3")
    (added,) = differences([one, two], [one, *more, two], "index.html", keyed=True)
    assert str(added) == (
        "index.html:12: behind paragraph 1: the page prints “9” where the document that the gate "
        "judged has no number, read “Nine is 9.”, accepted: no number here"
    )
    (lost,) = differences([one, two, three], [one, three], "index.html", keyed=True)
    assert (lost.column, lost.read) == ("paragraph 2", "nothing")


def test_swapped_keys_of_equal_texts_differ_where_the_page_says_keys() -> None:
    judged = [Token("37", ("os.n",), "a"), Token("37", ("lc.n",), "b")]
    swapped = [Token("37", ("lc.n",), "a"), Token("37", ("os.n",), "b")]
    assert differences(judged, swapped, "index.pdf", keyed=False) == []
    problems = differences(judged, swapped, "index.html", keyed=True)
    assert problems
    assert "“37” (lc.n)" in problems[0].what


def test_more_than_twenty_differences_are_counted() -> None:
    judged = _sequence(*(str(i) for i in range(60)))
    page = [t if i % 2 else Token(f"{t.text}9") for i, t in enumerate(judged)]
    problems = differences(judged, page, "index.pdf", keyed=False)
    assert len(problems) == 21
    assert problems[-1].what == "10 more numbers differ"


def test_an_address_that_breaks_at_a_full_stop_is_one_number() -> None:
    judged = _sequence("10.1186", "12957")
    page = tokens(_passage("https://doi.org/10.\n1186/s12957"))
    assert [t.text for t in page] == ["10", "1186", "12957"]
    assert differences(judged, page, "index.pdf", keyed=False) == []


def test_an_address_that_breaks_twice_is_one_number() -> None:
    page = tokens(_passage("https://doi.org/10.\n1186.\n5"))
    assert differences(_sequence("10.1186.5"), page, "index.pdf", keyed=False) == []


def test_numbers_on_two_lines_stay_two() -> None:
    page = tokens(_passage("in 2022.\n37 patients"))
    assert differences(_sequence("2022", "37"), page, "index.pdf", keyed=False) == []
    assert differences(_sequence("2022.37"), page, "index.pdf", keyed=False) == []
    assert differences(_sequence("202237.1"), page, "index.pdf", keyed=False) != []


def test_a_decimal_point_lost_within_a_line_is_found() -> None:
    page = tokens(_passage("It was 71 5 per cent."))
    (problem,) = differences(_sequence("71.5"), page, "index.pdf", keyed=False)
    assert problem.what.startswith("the page prints “71”, “5” where the document")


def test_a_keyed_text_must_be_the_registrys() -> None:
    assert list(bindings([_passage(("24.5", "os.median"))], NUMBERS, "index.html")) == []
    swapped = _passage("Median ", ("37", "os.median"), " of ", ("24.5", "os.n"), ".")
    first, second = bindings([swapped], NUMBERS, "index.html")
    assert str(first) == (
        "index.html: here: the text of os.median is not the registry's, "
        "read “37” in “Median 37 of 24.5.”, accepted: “24.5”"
    )
    assert second.what == "the text of os.n is not the registry's"


def test_a_key_that_the_registry_lacks_is_refused() -> None:
    (problem,) = bindings([_passage(("3", "os.made_up"))], NUMBERS, "index.html")
    assert problem.accepted == "nothing"


def test_an_element_of_several_runs_is_one_text() -> None:
    owner = Owner(key="os.n")
    element = Passage("here", (Run("3", owner), Run("7", owner)))
    assert list(bindings([element], NUMBERS, "index.html")) == []


SEQUENCES = st.lists(st.sampled_from(["1", "2", "3.5", "10"]), max_size=12)


@given(SEQUENCES, SEQUENCES)
def test_sequences_differ_exactly_where_their_texts_do(one: list[str], other: list[str]) -> None:
    problems = differences(_sequence(*one), _sequence(*other), "index.pdf", keyed=False)
    assert bool(problems) == (one != other)


@given(st.lists(st.text("12a., ", max_size=8), max_size=4))
def test_runs_do_not_change_what_the_numbers_are(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert [t.text for t in tokens(_passage(*pieces))] == _texts(whole)
