"""Where a number is printed, and which line of the source asked for it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from sarcoma_sbrt.provenance.claims import read_claims
from sarcoma_sbrt.provenance.passages import Owner, Passage, Run, passages
from sarcoma_sbrt.provenance.places import Sources, claimed, drawn_keys, places
from sarcoma_sbrt.rendering import embedded, source


@dataclass(frozen=True)
class Line:
    file: str
    number: int
    text: str


LINES = [
    Line("index.qmd", 5, "We analysed {{< num os.n >}} patients with 58 lesions, and many others."),
    Line("sections/results.qmd", 9, "We analysed {{< num os.n >}} patients."),
    Line("tables/os.qmd", 1, "::: {#tbl-os}"),
    Line("tables/os.qmd", 3, "| Patients | {{< num os.n >}} |"),
    Line("tables/os.qmd", 4, ":::"),
    Line("sections/results.qmd", 20, "Patients died: {{< num os.median >}} months."),
]
SOURCES = Sources(LINES, "manuscript")


def _passage(place: str, *runs: str | tuple[str, str], block: str = "paragraph 1") -> Passage:
    made = (Run(r) if isinstance(r, str) else Run(r[0], Owner(key=r[1])) for r in runs)
    return Passage(f"{place}, {block}", tuple(made), "text", place, block)


def test_the_line_that_says_most_of_the_sentence_is_named() -> None:
    sentence = "We analysed 37 patients."
    assert SOURCES.of_key("os.n", sentence, "x") == ("manuscript/sections/results.qmd", 9)
    longer = "We analysed 37 patients with 58 lesions."
    assert SOURCES.of_key("os.n", longer, "x") == ("manuscript/index.qmd", 5)


def test_a_table_is_searched_in_its_own_lines() -> None:
    place = "section “Results”, tbl-os, row 1, column 2"
    sentence = "We analysed 37 patients."  # which other lines say better
    assert SOURCES.of_key("os.n", sentence, place) == ("tables/os.qmd", 3)


DOCUMENT = Sources(
    [
        Line("index.qmd", i, text)
        for i, text in enumerate(
            (
                "---",
                'title: "Of {{< num os.n >}} patients"',
                "  We analysed {{< num os.n >}} patients: local control lasted 25 months.",
                "---",
                "Local control lasted {{< num lc.median >}} months.",
                "# Local control of {{< num os.n >}} patients, *by lesion* {#sec-lc .unnumbered}",
                "Local control: {{< num lc.median >}}.",
                "::: {#tbl-lc}",
                "| Local control lasted | {{< num lc.median >}} months |",
                ":::",
                "# Discussion",
                "Local control lasted {{< num lc.median >}} months.[^1]",
                "# Supplement",
                "[^1]: Of {{< num os.events >}}.",
                "# Discussion",
                "Of {{< num pfs.median >}}.",
            ),
            start=1,
        )
    ]
)


@pytest.mark.parametrize(
    ("place", "key", "line"),
    [
        ("title block, abstract", "os.n", 3),
        # Other lines say more of the sentence, and stand elsewhere.
        ("section “Local control of 37 patients, by lesion”, paragraph 1", "lc.median", 7),
        ("section “Local control of 37 patients, by lesion”, heading", "os.n", 6),
        ("section “Discussion”, paragraph 1", "lc.median", 12),
        ("section “Discussion”, tbl-lc, row 1, column 2", "lc.median", 9),
        # A heading may be there twice: of two ways to print a section, say.
        ("section “Discussion”, paragraph 1", "pfs.median", 16),
        # A footnote is written under another heading, and no body's text in the title block.
        ("section “Discussion”, footnote", "os.events", 14),
        ("section “Discussion”, paragraph 1", "os.n", 6),
        ("section “A heading that a filter made”, paragraph 1", "os.n", 6),
        ("title block, abstract", "lc.median", 0),
    ],
)
def test_a_sentence_comes_from_its_own_section(place: str, key: str, line: int) -> None:
    sentence = "We analysed 37 patients: local control lasted 25 months."
    assert DOCUMENT.of_key(key, sentence, place) == ("index.qmd", line)


def test_a_bare_number_is_not_found_within_a_key() -> None:
    assert SOURCES.of_text("58", "with 58 lesions", "x") == ("manuscript/index.qmd", 5)
    assert SOURCES.of_text("5", "with 5 lesions", "x") == ("manuscript/index.qmd", 0)


def test_a_range_that_a_filter_adds_is_asked_for_by_its_number() -> None:
    found = SOURCES.of_key("os.median.over_solutions", "Patients died", "x")
    assert found == ("manuscript/sections/results.qmd", 20)


def test_every_place_of_a_number_is_listed_in_order() -> None:
    found = places(
        [
            _passage("Results", "We analysed ", ("37", "os.n"), " patients. Of ", ("37", "os.n")),
            _passage("Results", ("37", "os.n"), block="tbl-os, row 1, column 2"),
            _passage("Results", ("24.5", "os.median")),
            Passage("x", (Run("2", Owner(key="os.n")),), "cited"),
        ],
        SOURCES,
    )
    assert list(found) == ["os.median", "os.n"]
    first, second, cell = found["os.n"]
    assert first == {
        "document": "manuscript",
        "section": "Results",
        "place": "Results, paragraph 1",
        "sentence": "We analysed 37 patients.",
        "source": {"file": "manuscript/sections/results.qmd", "line": 9},
    }
    assert second["sentence"] == "Of 37"
    assert cell["place"] == "tbl-os, row 1, column 2"
    assert cell["source"] == {"file": "tables/os.qmd", "line": 3}


def test_every_number_of_the_fixture_has_a_place_and_a_line(project, numbers) -> None:
    told = passages(embedded.document(project))
    found = places(told, Sources(source.expand(project), "manuscript"))
    printed = {r.owner.key for p in told for r in p.runs if r.owner and r.owner.key}
    assert found.keys() == printed <= numbers.keys()
    assert all(place["source"]["line"] for of in found.values() for place in of)
    assert "section “Survival of 37 patients”, heading" in {
        place["place"] for place in found["cohort.patients"]
    }
    assert any("alternative text of" in place["place"] for place in found["os.median"])
    (volume,) = (p for p in found["ptv.median"] if p["place"].startswith("tbl-patients"))
    assert volume["source"]["file"] == "tables/patients.qmd"


def test_a_number_of_a_figure_stands_there_once_behind_its_printed_places() -> None:
    picture = "![Survival of all. Ticks: censored.](figures/km_os){#fig-os width=80%}"
    sources = Sources([Line("sections/results.qmd", 31, picture)], "manuscript")
    text = "Figure 3: Survival of all. Ticks: censored."
    caption = Passage("x", (Run(text),), "text", "Survival", "caption of fig-os")
    sidecars = [
        {
            "figure": "km_os",
            "numbers": [{"key": key} for key in ("os.n", "os.p", "os.n", "flow.0")],
        },
        {"figure": "unshown", "numbers": [{"key": "os.n"}]},
    ]
    drawn = drawn_keys(sidecars, {"os.n": {}, "os.p": {}})
    assert drawn == {"km_os": ["os.n", "os.p"], "unshown": ["os.n"]}
    place = {
        "document": "manuscript",
        "section": "Survival",
        "place": "figure fig-os",
        "sentence": "Survival of all.",
        "source": {"file": "manuscript/sections/results.qmd", "line": 31},
    }
    printed = _passage("Survival", ("37", "os.n"))
    found = places([caption, printed], sources, drawn)
    assert {key: [one["place"] for one in of] for key, of in found.items()} == {
        "os.n": ["Survival, paragraph 1", "figure fig-os"],
        "os.p": ["figure fig-os"],
    }
    assert found["os.n"][1] == place


# --- claims -------------------------------------------------------------------------------

LONGER = {"says": "longer", "when": "os.p < config.models.alpha and os.gone is not estimated"}
BEYOND = {"says": "beyond", "when": "max({of}.gain_*m) > 0"}
CLAIMS = read_claims(
    {
        "parts": [],
        "words": {"judging": ["longer"]},
        "set_aside": {},
        "claims": {"os_longer": LONGER, "beyond": BEYOND},
    },
    "claims.yaml",
)
REGISTRY = {
    key: {"value": 1}
    for key in ("os.p", "config.models.alpha", "lc.gain_12m", "lc.gain_24m", "pfs.gain_12m")
}
CLAIMING = Sources(
    [
        Line("sections/results.qmd", 4, '[longer]{.claim name="os_longer"} is said here.'),
        Line("sections/results.qmd", 9, 'It went [beyond]{.claim name="beyond" of="pfs"} all.'),
        Line("sections/results.qmd", 11, 'It went [beyond]{.claim name="beyond" of="lc"} all.'),
    ],
    "manuscript",
)


def _words(text: str) -> list[dict[str, object]]:
    return [{"t": "Str", "c": text}]


def _claim(text: str, **attributes: str) -> dict[str, object]:
    return {"t": "Span", "c": [["", ["claim"], list(map(list, attributes.items()))], _words(text)]}


def _document(*inlines: object) -> dict[str, object]:
    heading = {"t": "Header", "c": [1, ["", [], []], _words("Results")]}
    return {"meta": {}, "blocks": [heading, {"t": "Para", "c": list(inlines)}]}


def test_a_claim_stands_under_every_key_that_its_condition_asks() -> None:
    number = {"t": "Span", "c": [["", [], [["data-key", "os.p"]]], _words("0.01")]}
    document = _document(
        *_words("At p "), number, *_words(" they "), _claim("went on longer", name="os_longer"),
        *_words(". So it was."),
    )  # fmt: skip
    found = claimed(document, CLAIMS, REGISTRY, CLAIMING)
    # A key that the registry has not has no place.
    assert [key for key, _ in found] == ["os.p", "config.models.alpha"]
    place = {
        "document": "manuscript",
        "section": "Results",
        "place": "section “Results”, paragraph 1, as the condition of claim os_longer",
        "sentence": "At p 0.01 they went on longer.",
        "source": {"file": "manuscript/sections/results.qmd", "line": 4},
        "claim": {
            "name": "os_longer",
            "of": "",
            "says": "went on longer",
            "when": "os.p < config.models.alpha and os.gone is not estimated",
        },
    }
    assert all(one == place for _, one in found)
    together = places(passages(document), CLAIMING, claims=found)
    assert [("claim" in one) for one in together["os.p"]] == [False, True]
    assert together["config.models.alpha"] == [place]


def test_a_claim_that_speaks_for_something_asks_the_keys_of_that() -> None:
    document = _document(_claim("beyond", name="beyond", of="lc"))
    found = claimed(document, CLAIMS, REGISTRY, CLAIMING)
    assert [key for key, _ in found] == ["lc.gain_12m", "lc.gain_24m"]
    assert found[0][1]["claim"]["when"] == "max(lc.gain_*m) > 0"
    assert found[0][1]["source"]["line"] == 11


def test_what_is_not_in_the_document_makes_no_claim() -> None:
    assert claimed(_document(*_words("longer")), CLAIMS, REGISTRY, CLAIMING) == []
