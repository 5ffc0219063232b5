"""Page furniture: each rule sets aside what it says and refuses everything else."""

from __future__ import annotations

import pytest

from sarcoma_sbrt.provenance.furniture import FURNITURE, judged, picture_texts
from sarcoma_sbrt.provenance.passages import Owner, Passage, Run

NUMBERS = {
    "os.n": {"text": "37"},
    "os.median": {"text": "24.5"},
}
LABEL = "reconstructed 2022; not patients"
TEXT = Passage("section “Results”, paragraph 1", (Run("Of "), Run("37", Owner(key="os.n"))))
DOCUMENT = [Passage("title block, running-label", (Run(LABEL),), block="running-label"), TEXT]


def _aside(stream: str, text: str, block: str = "") -> Passage:
    return Passage(block, (Run(text),), stream, "", block)


def _problems(name: str, *page: Passage, rules: object = FURNITURE, document=DOCUMENT) -> list[str]:
    return [str(p) for p in judged(document, [TEXT, *page], name, rules, NUMBERS).problems]


@pytest.mark.parametrize("name", ["index.html", "index.pdf", "index.docx"])
def test_a_page_that_repeats_the_document_is_equal(name: str) -> None:
    found = judged(DOCUMENT, [TEXT, _aside("running_label", LABEL)], name, FURNITURE, NUMBERS)
    assert found.problems == []
    assert found.numbers == 1
    assert found.furniture == {"running_label": 1}


def test_a_running_label_says_nothing_else() -> None:
    (problem,) = _problems("index.docx", _aside("running_label", f"{LABEL} 3"))
    assert "this is not what the rule running_label sets aside" in problem
    assert f"accepted: “{LABEL}”" in problem


@pytest.mark.parametrize("text", ["3 / 62", "3"])
def test_a_page_number_is_the_pages_own(text: str) -> None:
    assert _problems("index.pdf", _aside("page_number", text, "page 3 of 62")) == []


@pytest.mark.parametrize("text", ["4 / 62", "3 / 61", "3 / 62 37"])
def test_another_number_at_the_foot_of_a_page_is_refused(text: str) -> None:
    (problem,) = _problems("index.pdf", _aside("page_number", text, "page 3 of 62"))
    assert "page 3 of 62: this is not what the rule page_number sets aside" in problem


def test_contents_repeat_their_headings() -> None:
    heading = Passage("#results", (Run("3 Results of 37"),), "text", "", "#results")
    document = [*DOCUMENT, Passage("section “Results”, heading", (Run("3 Results of 37"),))]
    entry = _aside("contents", "3 Results of 37", "#results")
    assert _problems("index.html", heading, entry, document=document) == []
    entry = _aside("contents", "3 Results of 38", "#results")
    (problem,) = _problems("index.html", heading, entry, document=document)
    assert "this is not what the rule contents sets aside" in problem


def test_a_repeated_head_is_the_head_of_a_table() -> None:
    head = Passage("", (Run("At 12 months"),), "text", "", "head")
    document = [*DOCUMENT, Passage("tbl-x, head, column 2", (Run("At 12 months"),))]
    again = _aside("repeated_table_head", "At 12\nmonths", "page 9 of 62")
    assert _problems("index.pdf", head, again, document=document) == []
    other = _aside("repeated_table_head", "At 13 months", "page 9 of 62")
    (problem,) = _problems("index.pdf", head, other, document=document)
    assert "read “At 13 months”, accepted: the head of a table" in problem


def test_furniture_without_a_rule_is_refused() -> None:
    rules = [rule for rule in FURNITURE if rule != "page_number"]
    (problem,) = _problems("index.pdf", _aside("page_number", "3", "page 3 of 62"), rules=rules)
    assert "“3” stands in page number, which no rule sets aside" in problem


def test_text_that_no_tag_names_is_refused() -> None:
    (problem,) = _problems("index.pdf", _aside("untagged", "37", "page 3 of 62"))
    assert "“37” stands in untagged, which no rule sets aside" in problem


@pytest.mark.parametrize("name", ["index.html", "index.docx"])
def test_numbers_of_lists_are_drawn_by_the_reader(name: str) -> None:
    numbered = Passage("list", (Run("1", Owner(structure="list_number")),))
    assert _problems(name, document=[*DOCUMENT, numbered]) == []
    without = [rule for rule in FURNITURE if rule != "list_number"]
    assert _problems(name, rules=without, document=[*DOCUMENT, numbered]) != []


def test_typst_writes_the_numbers_of_lists() -> None:
    numbered = Passage("list", (Run("1", Owner(structure="list_number")),))
    assert _problems("index.pdf", document=[*DOCUMENT, numbered]) != []
    assert _problems("index.pdf", _aside("text", "1."), document=[*DOCUMENT, numbered]) == []


def test_word_does_not_print_keywords() -> None:
    keywords = Passage("title block, keywords", (Run("G3"),), block="keywords")
    assert _problems("index.docx", document=[keywords, *DOCUMENT]) == []
    assert _problems("index.pdf", document=[keywords, *DOCUMENT]) != []


def test_alternative_texts_are_held_against_html_and_word() -> None:
    picture = Passage("x", (Run("Curves of 37"),), "pictures")
    assert _problems("index.pdf", document=[*DOCUMENT, picture]) == []
    for name in ("index.html", "index.docx"):
        assert _problems(name, picture, document=[*DOCUMENT, picture]) == []
        assert _problems(name, document=[*DOCUMENT, picture]) != []


# --- appendix ---------------------------------------------------------------------------------

LINES = ("Appendix", "Every number.", "os.median 24.5 kaplan_meier i", "os.n 37 cohort –")
HEADS = ["key", "printed", "source", "check"]


def _appendix(*passages: str) -> list[str]:
    page = [TEXT, *(_aside("appendix", passage) for passage in passages)]
    found = judged(DOCUMENT, page, "index.pdf", FURNITURE, NUMBERS, LINES)
    return [str(problem) for problem in found.problems]


def test_the_appendix_is_what_the_registry_makes_of_it() -> None:
    head, said, median, patients = LINES
    assert _appendix(*LINES) == []
    assert _appendix(head, said, *HEADS, median, *HEADS, "os.\u200bn\n37  cohort", "–") == []
    assert _appendix("".join((head, said, median)), patients) == []


def test_a_line_of_the_appendix_says_what_the_registry_says() -> None:
    (problem,) = _appendix(*LINES[:3], "os.n 38 cohort –")
    assert problem == (
        "index.pdf: appendix: this is not what the rule appendix sets aside, "
        "read “os.n38cohort–”, accepted: “os.n 37 cohort –”"
    )


def test_a_printed_number_without_a_line_is_named() -> None:
    (problem,) = _appendix(*LINES[:2], LINES[3])
    assert problem.endswith("accepted: “os.median 24.5 kaplan_meier i”")


def test_nothing_stands_behind_the_appendix() -> None:
    (problem,) = _appendix(*LINES, "And 3 more.")
    assert problem == (
        "index.pdf: appendix: the appendix goes on behind the last printed number, read “And3more.”"
    )


def test_a_page_without_the_appendix_is_refused() -> None:
    assert _appendix() == ["index.pdf: appendix: the page has no appendix of numbers"]
    html = judged(DOCUMENT, [TEXT], "index.html", FURNITURE, NUMBERS, LINES)
    assert html.problems == []


def test_pictures_are_left_to_their_sidecars() -> None:
    page = [TEXT, _aside("picture", "0\n12\n24")]
    assert picture_texts(page) == ["0\n12\n24"]
    assert judged(DOCUMENT, page, "index.pdf", FURNITURE, NUMBERS).furniture == {"picture": 3}
