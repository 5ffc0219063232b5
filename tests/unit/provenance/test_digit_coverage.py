from __future__ import annotations

import re
from pathlib import Path

import pytest

from sarcoma_sbrt.errors import InputError, RenderError
from sarcoma_sbrt.provenance.digit_coverage import Rules, coverage, read_rules
from sarcoma_sbrt.provenance.passages import Owner, Passage, Run, passages
from sarcoma_sbrt.rendering import embedded, source

RESULTS = "sections/results.qmd"
ACCEPTED = "accepted: {{< num key >}}, or a rule of coverage.yaml"


@pytest.fixture(scope="session")
def rules(project: Path) -> Rules:
    return read_rules(project / "coverage.yaml")


@pytest.fixture
def gate(assemble, numbers, rules: Rules):
    """Assemble the test's manuscript and send it through the gate."""

    def call(registry=None, **changes):
        project = assemble(**changes)
        judged = passages(embedded.document(project))
        lines = source.expand(project)
        return coverage(judged, registry or numbers, rules, lines, folder="manuscript")

    return call


def _replace(file: Path, old: str, new: str) -> int:
    """Replace a text that is there once; the line that it is on."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_every_number_of_the_fixture_is_accounted_for(gate) -> None:
    counts = gate()["coverage"]
    assert counts["unaccounted"] == []
    aside = counts["set_aside"]
    answered = counts["computed"] + counts["configured"] + counts["transcribed"]
    assert counts["printed"] == answered + sum(aside.values())
    # 26 rows of the first table, 15 hazard ratios with limits and p; and the text's own.
    assert counts["computed"] == (2 * 25 + 1) + 15 * 4 + 19
    assert counts["configured"] == 1
    assert aside["section_number"] == 6
    assert aside["table_number"] == aside["figure_number"] == 2
    assert aside["cross_reference"] == 8
    assert aside["list_number"] == 2
    assert aside["footnote_number"] == 1
    assert aside["title_block_date"] == 2


def test_ranges_over_the_reconstructions_found_are_accounted_for(gate, numbers) -> None:
    text = "20.1 to 30.0"
    told = numbers | {"os.median": numbers["os.median"] | {"over_solutions": text}}
    told["reproduction.search.solutions"] = numbers["cohort.patients"] | {"text": "24"}
    with pytest.raises(InputError, match=r"os\.median\.over_solutions"):
        gate(told, numbers=told)
    told["os.median.over_solutions"] = numbers["os.median"] | {"text": text}
    counts = gate(told, numbers=told)["coverage"]
    assert counts["unaccounted"] == []
    assert counts["computed"] > (2 * 25 + 1) + 15 * 4 + 19


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "sentence"),
    [
        (
            RESULTS,
            "lived one year",
            "of 37 lived one year",
            "section “Survival of 37 patients”, paragraph 1",
            "Median survival was 24.5 months (17.2–not reached), and “78.4%” of 37 lived one year "
            "(p = 0.016).",
        ),
        (
            RESULTS,
            "Local failure, by",
            "Local failure in 37 lesions, by",
            "section “Survival of 37 patients”, caption of fig-lc",
            "Figure 2: Local failure in 37 lesions, by the volume (61.3‡ cm3).",
        ),
        (
            RESULTS,
            "Cumulative incidence of local",
            "At 37 months, incidence of local",
            "section “Survival of 37 patients”, alternative text of figures/lc.svg",
            "At 37 months, incidence of local failure.",
        ),
        (
            RESULTS,
            "Curve falling to one half at",
            "Curve of 37 falling to one half at",
            "section “Survival of 37 patients”, alternative text of figures/os.svg",
            "Curve of 37 falling to one half at 24.5 months.",
        ),
        (
            "sections/discussion.qmd",
            "## Limitations",
            "## Limitations of 37",
            "section “Limitations of 37”, heading",
            "3.1 Limitations of 37",
        ),
        (
            "sections/methods.qmd",
            "Gy in the median",
            "Gy in 37 and the median",
            "section “Methods”, footnote",
            "The dose is 45 Gy in 37 and the median patient.",
        ),
        (
            "sections/methods.qmd",
            "$\\alpha/\\beta$",
            "$\\alpha/\\beta = 37$",
            "section “Methods”, paragraph 1",
            None,
        ),
        (
            "sections/methods.qmd",
            "@sample1989].",
            "@sample1989, in 37 of them].",
            "section “Methods”, citation of sample1989",
            ", in 37 of them",
        ),
        (
            "sections/discussion.qmd",
            "It is short.",
            "It has 37 rows.",
            "section “Discussion”, list",
            "It has 37 rows.",
        ),
        (
            "index.qmd",
            "control at one year",
            "control in 37 cases",
            "title block, abstract",
            None,
        ),
        ("index.qmd", "with soft tissue", "of 37 with soft tissue", "title block, title", None),
        ("index.qmd", "Department of", "37th Department of", "title block, author", None),
    ],
)
def test_a_bare_digit_is_caught_wherever_it_is_printed(
    manuscript: Path, gate, file: str, old: str, new: str, place: str, sentence: str | None
) -> None:
    line = _replace(manuscript / file, old, new)
    with pytest.raises(RenderError) as refused:
        gate()
    (problem,) = refused.value.problems
    expected = f"manuscript/{file}:{line}: {place}: “37” has no key and no rule, read “"
    assert str(problem).startswith(expected)
    assert str(problem).endswith(f"”, {ACCEPTED}")
    if sentence is not None:
        assert problem.read == f"“{sentence}”"


def test_a_bare_digit_in_a_cell_is_caught_with_row_and_column(gate) -> None:
    patients = (
        "::: {#tbl-patients}\n\n| a | b |\n|--|--|\n| x | 1 |\n| y | 2,5 |\n\nCaption.\n:::\n"
    )
    models = "::: {#tbl-models}\n\n| a |\n|--|\n| {{< num os.median >}} |\n\nCaption.\n:::\n"
    with pytest.raises(RenderError) as refused:
        gate(tables={"patients": patients, "models": models})
    assert str(refused.value).splitlines() == [
        "tables/patients.qmd:5: section “Results”, tbl-patients, row 1, column 2: "
        f"“1” has no key and no rule, read “1”, {ACCEPTED}",
        "tables/patients.qmd:6: section “Results”, tbl-patients, row 2, column 2: "
        f"“2,5” has no key and no rule, read “2,5”, {ACCEPTED}",
    ]


def test_a_bound_text_that_is_not_the_registrys_is_caught(gate, numbers) -> None:
    stale = numbers | {"os.rate_12m": numbers["os.rate_12m"] | {"text": "79.0"}}
    with pytest.raises(RenderError) as refused:
        gate(registry=stale)
    (problem,) = refused.value.problems
    assert re.fullmatch(
        r"manuscript/sections/results\.qmd:11: os\.rate_12m: the text of os\.rate_12m is not the "
        r"registry's, in section “Survival of 37 patients”, paragraph 1, read “78\.4”, "
        r"accepted: “79\.0”",
        str(problem),
    )


def test_a_stale_number_in_an_alternative_text_is_caught(gate, numbers) -> None:
    stale = numbers | {"os.median": numbers["os.median"] | {"text": "25.0"}}
    with pytest.raises(
        RenderError, match=r"in .*alternative text of figures/os\.svg, read “24\.5”"
    ):
        gate(registry=stale)


def test_a_key_that_the_registry_lacks_is_caught(gate, numbers) -> None:
    fewer = {key: entry for key, entry in numbers.items() if key != "lc.rate_12m"}
    with pytest.raises(RenderError, match=r"lc\.rate_12m is not the registry's"):
        gate(registry=fewer | {"os.rate_12m": numbers["os.rate_12m"]})


RULES = Rules(frozenset({"citation", "url"}), {"grade": re.compile(r"\bG[1-3]\b")})
NUMBERS = {
    "a": {"text": "24.5", "kind": "computed"},
    "b": {"text": "7", "kind": "transcribed"},
}


def _str(text: str) -> dict:
    return {"t": "Str", "c": text}


def _num(key: str, text: str) -> dict:
    return {"t": "Span", "c": [["", ["num"], [["data-key", key]]], [_str(text)]]}


def _passages(*inlines: dict) -> list[Passage]:
    return passages({"meta": {}, "blocks": [{"t": "Para", "c": list(inlines)}]})


@pytest.mark.parametrize(
    "inlines",
    [
        [_num("a", "24.5"), _str("0")],
        [_str("1"), _num("b", "7")],
        [_num("a", "24.5"), _str(".3")],
        [_str("½")],
        [_str("cm²")],
        [_str("٣")],
        [_str("Ⅳ")],
        [_str("G12")],
        [_str("XG1")],
        [{"t": "Code", "c": [["", [], []], "n = 3"]}],
        [{"t": "RawInline", "c": ["html", "<b>3</b>"]}],
        [{"t": "Link", "c": [["", [], []], [_str("37")], ["37", ""]]}],
        # Spans of the numbering filter do not help where the rule is not among the rules.
        [{"t": "Span", "c": [["", ["header-section-number"], []], [_str("3")]]}],
    ],
)
def test_digits_beside_keys_and_numerals_of_every_kind_are_bare(inlines: list[dict]) -> None:
    with pytest.raises(RenderError, match="has no key and no rule"):
        coverage(_passages(*inlines), NUMBERS, RULES)


def test_keys_and_names_answer_for_their_own_digits() -> None:
    judged = _passages(
        _num("a", "24.5"),
        _str("–"),
        _num("b", "7"),
        _str(" in G1, G2, "),
        _num("b", "7"),
        _str(","),
    )
    assert coverage(judged, NUMBERS, RULES) == {
        "coverage": {
            "printed": 5,
            "computed": 1,
            "transcribed": 2,
            "configured": 0,
            "set_aside": {"grade": 2},
            "unaccounted": [],
        }
    }


def test_two_keys_with_a_comma_between_them_are_two_numbers() -> None:
    judged = _passages(_num("a", "24.5"), _str(","), _num("b", "7"))
    counts = coverage(judged, NUMBERS, RULES)["coverage"]
    assert (counts["computed"], counts["transcribed"]) == (1, 1)


def test_a_block_that_the_gate_cannot_read_is_no_blind_spot() -> None:
    with pytest.raises(NotImplementedError, match="cannot read a Custom"):
        passages({"meta": {}, "blocks": [{"t": "Custom", "c": []}]})


def test_rules_are_checked_when_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "coverage.yaml"
    path.write_text("structures: {anything: because}\npatterns: {}\n")
    with pytest.raises(InputError, match=r"coverage\.yaml:1: structures"):
        read_rules(path)
    path.write_text("structures: {}\npatterns:\n  broken: {matches: '(', because: none}\n")
    with pytest.raises(InputError, match=r"yaml:3: patterns\.broken\.matches: not a regular expr"):
        read_rules(path)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("G1–G3", "grade"),
        ("BED10", "dose_measure"),
        ("EQD2", "dose_measure"),
        ("RECIST 1.1", "response_criteria"),
        ("CTCAE 4.03", "toxicity_criteria"),
        ("cm3", "unit"),
        ("CC BY 4.0", "licence"),
    ],
)
def test_names_that_hold_digits_have_a_rule(rules: Rules, text: str, rule: str) -> None:
    counts = coverage(_passages(_str(f"The {text}, as named.")), {}, rules)["coverage"]
    assert list(counts["set_aside"]) == [rule]


@pytest.mark.parametrize("text", ["BED100", "EQD25", "RECIST 1.15", "G6", "CTCAE 40.3", "3 cm3"])
def test_rules_are_no_wider_than_their_names(rules: Rules, text: str) -> None:
    with pytest.raises(RenderError, match="has no key and no rule"):
        coverage(_passages(_str(text)), {}, rules)


def test_a_name_answers_for_no_digit_beside_one_that_has_a_key() -> None:
    # The 5 alone would have passed as part of the name, and the key's own 1 been set aside.
    name = Rules(frozenset(), {"grade": re.compile(r"G\d+")})
    numbers = {"os.n": {"text": "1", "kind": "computed"}}
    half = Passage("p", (Run("G"), Run("1", Owner(key="os.n")), Run("5")))
    with pytest.raises(RenderError, match="“15” has no key and no rule"):
        coverage([half], numbers, name)
    keyed = Passage("p", (Run("G"), Run("1", Owner(key="os.n"))))
    assert coverage([keyed], numbers, name)["coverage"]["computed"] == 1


def test_furniture_is_read_with_the_other_rules(tmp_path: Path) -> None:
    path = tmp_path / "coverage.yaml"
    rules = "structures: {}\npatterns: {}\n"
    path.write_text(f"{rules}furniture: {{page_number: Its own.}}\n", encoding="utf-8")
    assert read_rules(path).furniture == {"page_number"}
    path.write_text(rules, encoding="utf-8")
    assert read_rules(path).furniture == frozenset()
    path.write_text(f"{rules}furniture: {{watermark: None.}}\n", encoding="utf-8")
    with pytest.raises(InputError, match="watermark"):
        read_rules(path)


def test_a_number_typed_by_hand_that_is_right_is_unaccounted(assemble, rules, numbers) -> None:
    project = assemble()
    text = project / "sections" / "discussion.qmd"
    planted = text.read_text(encoding="utf-8") + "\nOf 37 patients, 24.5 months.\n"
    text.write_text(planted, encoding="utf-8")
    judged = passages(embedded.document(project))
    with pytest.raises(InputError) as caught:
        coverage(judged, numbers, rules, source.expand(project))
    assert [problem.what for problem in caught.value.problems] == [
        "“24.5” has no key and no rule",
        "“37” has no key and no rule",
    ]
