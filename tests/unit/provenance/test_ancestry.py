from typing import Any

import pytest

from printed_places import CLAIMED, LONGER, PLACE
from sarcoma_sbrt.provenance.ancestry import (
    Branch,
    Run,
    ancestry,
    claim_tree,
    claims_made,
    drawn,
    is_printed,
    printed_by,
    printing,
    stated_so,
    tree,
    where,
)

ENTRY: dict[str, Any] = {
    "key": "os.median",
    "text": "24.0",
    "value": 24.0,
    "unit": "months",
    "kind": "computed",
    "support": "printed",
    "method": "Kaplan-Meier",
    "n": 37,
    "events": 28,
    "p": None,
    "ci": {"low": 13.0, "high": None, "level": 0.95, "method": "log-log"},
    "status": "estimated",
    "reason": "",
    "population": {"table": "endpoints/os", "filter": {"grade": [0, 1]}},
    "rows": {"table": "endpoints/os", "where": {"grade": [0, 1]}},
    "columns": ["patients.vital_status"],
    "rule": "kaplan_meier",
    "source": "kaplan_meier",
    "config": ["endpoints", "models.alpha"],
    "inputs": [{"path": "data/c/patients.csv", "sha256": "a" * 64}],
    "code": "kaplan_meier",
    "lineage": "f" * 16,
    "crosscheck": {
        "status": "independent",
        "engine": "scikit-survival",
        "value": 24.0,
        "difference": 0.0,
        "reason": "",
    },
}
BARE = ENTRY | {
    "kind": "configured",
    "unit": "constant",
    "method": "as configured",
    "n": None,
    "events": None,
    "ci": None,
    "support": None,
    "rule": None,
    "code": None,
    "crosscheck": None,
    "lineage": None,
    "columns": [],
    "population": {},
    "rows": {},
    "inputs": [],
    "config": [],
    "source": "configuration",
}
MODELS = {"path": "config/models.yaml", "sha256": "9" * 64}


def run(**changes: Any) -> Run:
    numbers = {
        "os.median": ENTRY,
        "os.median.low": ENTRY | {"key": "os.median.low", "of": "os.median", "text": "13.0"},
        "config.endpoints.death": BARE
        | {"key": "config.endpoints.death", "text": "event", "value": "event"},
        "config.endpoints_of": BARE | {"key": "config.endpoints_of", "text": "1", "value": 1},
        "config.models.alpha": BARE
        | {"key": "config.models.alpha", "text": "0.05", "value": 0.05, "config": ["models.alpha"]}
        | {"rows": {"file": "config/models.yaml", "line": 5}, "inputs": [MODELS]},
        "published.doe2015.os.median": BARE
        | {
            "key": "published.doe2015.os.median",
            "kind": "transcribed",
            "text": "−3",
            "value": -3.0,
            "locator": "Doe 2015, Table 2, row “OS”",
            "rows": {"file": "data/published/outcomes.csv", "line": 7},
        },
    }
    lineage = {
        "cohort": "c",
        "kind": "reconstructed",
        "files": {"data/c/patients.csv": "a" * 64, "data/published/outcomes.csv": "d" * 64},
        "environment": {
            "python": "3.11.7",
            "lock": {"path": "envs/requirements.lock", "sha256": "c" * 64},
            "stages": {"kaplan_meier": {"pandas": "2.3.3"}},
        },
        "registration": {"rule": "numbers", "code": "numbers", "config": []},
        "printing": {
            "tables": ["workflow/scripts/tables.py"],
            "assemble": ["workflow/src/sarcoma_sbrt/io.py", "workflow/scripts/assemble.py"],
            "render": ["workflow/scripts/render.py"],
        },
        "columns": {
            "patients.vital_status": {"file": "data/c/patients.csv", "column": "status"},
            "patients.grade": {"file": "data/c/patients.csv", "column": "grade"},
        },
        "row_sets": {
            "f" * 16: {
                "units": {"endpoints/os": "0-36"},
                "canonical": {"patients": "0-36"},
                "raw": {"data/c/patients.csv": "2-10,12-20,22,24,26,28,30-45"},
                "n": {"units": 37, "canonical": 37, "raw": 38},
            }
        },
    }
    parts: dict[str, Any] = {
        "numbers": numbers,
        "code": {
            "kaplan_meier": [
                {"path": "workflow/src/sarcoma_sbrt/dose.py", "sha256": "b" * 64},
                {"path": "workflow/scripts/kaplan_meier.py", "sha256": "e" * 64},
            ],
            "numbers": [{"path": "workflow/scripts/numbers.py", "sha256": "1" * 64}],
        },
        "lineage": lineage,
        "places": {
            "os.median": [PLACE, PLACE | {"place": "caption of fig-os", "section": "Results"}]
        },
        "sources": {
            f"workflow/scripts/{name}.py": digit * 64
            for name, digit in (("tables", "2"), ("assemble", "3"), ("render", "4"))
        },
    }
    return Run(**parts | changes)


def as_it_was(path: str) -> str | None:
    return {
        "data/c/patients.csv": "a" * 64,
        "workflow/src/sarcoma_sbrt/dose.py": "0" * 64,
        "data/published/outcomes.csv": "d" * 64,
        "workflow/scripts/numbers.py": "1" * 64,
        "workflow/scripts/assemble.py": "3" * 64,
        "workflow/scripts/render.py": "5" * 64,
    }.get(path)


def lines(key: str, *, rows: bool = False) -> list[str]:
    return drawn(tree(ancestry(run(), key, as_it_was), rows=rows))


def test_the_tree_of_a_computed_number():
    assert lines("os.median") == [
        "os.median: 24.0 (months), 95% CI 13 to not reached",
        "├─ computed, Kaplan-Meier, n 37, events 28, value 24.0, support: printed",
        "├─ stands in 2 places",
        "│  ├─ manuscript, Results, section “Results”, paragraph 3 "
        "(manuscript/sections/results.qmd:12)",
        "│  │  └─ “Median survival was 24.0 months.”",
        "│  └─ manuscript, Results, caption of fig-os (manuscript/sections/results.qmd:12)",
        "│     └─ “Median survival was 24.0 months.”",
        "├─ recomputed: independent, scikit-survival gives 24.0, difference 0",
        "├─ population: units followed for os; grade: 0 or 1",
        "├─ rows: 37 units from 37 canonical rows from 38 raw lines",
        "│  ├─ endpoints/os: 37 rows: 0-36",
        "│  ├─ patients: 37 canonical rows: 0-36",
        "│  └─ data/c/patients.csv: 38 lines: 2-10, 12-20, 22, 24, 26, 28, …",
        "├─ 1 column",
        "│  └─ patients.vital_status from data/c/patients.csv, “status”",
        "├─ files: 1",
        "│  └─ data/c/patients.csv  sha256 aaaaaaaaaaaa",
        "├─ made by rule kaplan_meier",
        "│  └─ code: 2",
        "│     ├─ workflow/scripts/kaplan_meier.py  sha256 eeeeeeeeeeee  (not on disk)",
        "│     └─ workflow/src/sarcoma_sbrt/dose.py  sha256 bbbbbbbbbbbb  (changed since)",
        "├─ worded, rounded and registered by rule numbers",
        "│  └─ code: 1",
        "│     └─ workflow/scripts/numbers.py  sha256 111111111111",
        "├─ brought to the page by 2 rules",
        "│  ├─ assemble: 2",
        "│  │  ├─ workflow/scripts/assemble.py  sha256 333333333333",
        "│  │  └─ … 1 more (--rows)",
        "│  └─ render: 1",
        "│     └─ workflow/scripts/render.py  sha256 444444444444  (changed since)",
        "├─ configured by",
        "│  ├─ endpoints: 1 value",
        "│  └─ models.alpha = 0.05  (config/models.yaml:5)",
        "├─ Python 3.11.7",
        "│  ├─ pandas 2.3.3",
        "│  └─ envs/requirements.lock  sha256 cccccccccccc",
        "└─ see also os.median.low",
    ]


def test_all_rows_and_settings_where_they_are_asked_for():
    told = lines("os.median", rows=True)
    assert "│  └─ data/c/patients.csv: 38 lines: 2-10, 12-20, 22, 24, 26, 28, 30-45" in told
    assert "│  │  └─ endpoints.death = event" in told


def test_a_transcribed_number_comes_from_its_line():
    told = lines("published.doe2015.os.median")
    assert "├─ stands nowhere in the manuscript" in told
    assert "├─ transcribed from Doe 2015, Table 2, row “OS”" in told
    assert "│  └─ data/published/outcomes.csv: 1 line: 7" in told
    assert "│  └─ data/published/outcomes.csv  sha256 dddddddddddd" in told


def test_a_setting_comes_from_its_line():
    found = ancestry(run(), "config.models.alpha", as_it_was)
    assert (found["code"], found["environment"]) == ([], {})
    assert found["rows"]["raw"] == {"config/models.yaml": "5"}
    assert found["files"] == [MODELS | {"state": "not on disk"}]
    assert found["set_at"] == {"models.alpha": "config/models.yaml:5"}
    assert lines("config.models.alpha")[3:8] == [
        "├─ rows: 1 raw line",
        "│  └─ config/models.yaml: 1 line: 5",
        "├─ files: 1",
        "│  └─ config/models.yaml  sha256 999999999999  (not on disk)",
        "├─ worded, rounded and registered by rule numbers",
    ]
    assert lines("config.models.alpha")[-1] == "   └─ models.alpha = 0.05  (config/models.yaml:5)"
    # A value of the command line, and one without a line of its own.
    assert ancestry(run(), "config.endpoints.death", as_it_was)["rows"] is None


def test_a_place_has_the_rules_that_print_it():
    cell = PLACE | {"place": "tbl-os, row 1", "source": {"file": "tables/os.qmd", "line": 3}}
    found = ancestry(run(places={"os.median": [PLACE, cell]}), "os.median", as_it_was)
    assert [place["rules"] for place in found["places"]] == [
        ["assemble", "render"],
        ["tables", "assemble", "render"],
    ]
    assert list(found["printing"]) == ["tables", "assemble", "render"]
    assert found["printing"]["tables"] == [
        {"path": "workflow/scripts/tables.py", "sha256": "2" * 64, "state": "not on disk"}
    ]
    assert printed_by(PLACE | {"place": "figure fig-os"}) == ("figures", "assemble", "render")
    told = drawn(tree(found))
    assert "│  └─ manuscript, Results, tbl-os, row 1 (tables/os.qmd:3), by rule tables" in told
    nowhere = ancestry(run(places={}), "os.median", as_it_was)
    assert nowhere["printing"] == {}
    assert nowhere["registration"]["code"][0]["path"] == "workflow/scripts/numbers.py"


def test_a_population_of_complete_cases_has_all_of_them_recorded():
    complete = {"table": "endpoints/os", "filter": {"recorded": ["setting", "grade"]}}
    of = run(numbers={"os.median": ENTRY | {"population": complete}})
    told = drawn(tree(ancestry(of, "os.median", as_it_was)))
    assert "├─ population: units followed for os; with setting and grade recorded" in told


WITH_CLAIM = run(places={"os.median": [PLACE, CLAIMED], "config.models.alpha": [CLAIMED]})


def test_a_number_that_decides_a_claim_is_told_beside_where_it_stands():
    assert drawn(tree(ancestry(WITH_CLAIM, "os.median", as_it_was)))[2:9] == [
        "├─ stands in 1 place",
        "│  └─ manuscript, Results, section “Results”, paragraph 3 "
        "(manuscript/sections/results.qmd:12)",
        "│     └─ “Median survival was 24.0 months.”",
        "├─ decides what is claimed in 1 place",
        "│  └─ manuscript, Results, section “Results”, paragraph 4, as the condition of claim "
        "os_longer (manuscript/sections/results.qmd:12)",
        "│     ├─ “They lived significantly longer.”",
        "│     └─ “significantly longer” when os.median > 12 and config.models.alpha < 1",
    ]
    told = drawn(tree(ancestry(WITH_CLAIM, "config.models.alpha", as_it_was)))
    assert told[2] == "├─ stands nowhere in the manuscript"
    assert told[3] == "├─ decides what is claimed in 1 place"
    assert is_printed(WITH_CLAIM, "os.median")
    assert not is_printed(WITH_CLAIM, "config.models.alpha")


def test_a_claim_has_its_condition_its_numbers_and_its_sentences():
    (claim,) = claims_made(WITH_CLAIM)
    assert claim == {
        "claim": "os_longer",
        "of": "",
        "when": LONGER["when"],
        "says": ["significantly longer"],
        "numbers": {"config.models.alpha": "0.05", "os.median": "24.0"},
        "places": [CLAIMED],
    }
    assert drawn(claim_tree(claim)) == [
        "claim os_longer: “significantly longer”",
        "├─ when os.median > 12 and config.models.alpha < 1",
        "├─ asks 2 numbers",
        "│  ├─ config.models.alpha: 0.05",
        "│  └─ os.median: 24.0",
        "└─ made in 1 place",
        "   └─ manuscript, Results, section “Results”, paragraph 4, as the condition of claim "
        "os_longer (manuscript/sections/results.qmd:12)",
        "      └─ “They lived significantly longer.”",
    ]


ABSTRACT = PLACE | {"section": "title block", "place": "title block, abstract"}
STATED = ENTRY | {"key": "os.median.stated", "of": "os.median", "text": "24.0 months"}
LIMIT = ENTRY | {"key": "os.median.low", "of": "os.median", "text": "13.0"}
COMPANIONS = run(
    numbers=run().numbers | {"os.median.stated": STATED, "os.median.low": LIMIT},
    places={
        "os.median": [PLACE],
        "os.median.low": [ABSTRACT, PLACE],
        "os.median.stated": [ABSTRACT],
        "config.models.alpha": [PLACE | {"sentence": "Alpha was 0.05."}],
    },
)


@pytest.mark.parametrize(
    ("key", "marks"),
    [
        ("os.median", [", with os.median.low", ", as os.median.low, os.median.stated"]),
        ("os.median.stated", [", with os.median.low", ", as os.median, os.median.low"]),
    ],
)
def test_the_places_of_a_number_are_also_those_of_its_companions(key, marks):
    told = drawn(tree(ancestry(COMPANIONS, key, as_it_was)))
    places = [line.partition(".qmd:12)")[2] for line in told if ".qmd:12)" in line]
    assert "├─ stands in 2 places" in told
    assert places == marks


def test_a_place_holds_the_keys_that_stand_there():
    found = ancestry(COMPANIONS, "os.median", as_it_was)
    assert [place["keys"] for place in found["places"]] == [
        ["os.median", "os.median.low"],
        ["os.median.low", "os.median.stated"],
    ]


def test_a_number_that_stands_only_as_a_companion_is_not_nowhere():
    only = run(numbers=COMPANIONS.numbers, places={"os.median.stated": [ABSTRACT]})
    told = drawn(tree(ancestry(only, "os.median", as_it_was)))
    assert told[2:4] == [
        "├─ stands in 1 place",
        "│  └─ manuscript, title block, abstract (manuscript/sections/results.qmd:12), "
        "as os.median.stated",
    ]


@pytest.mark.parametrize(
    ("text", "keys"),
    [("24.0", ["os.median.stated"]), ("4.0", []), ("24", []), ("13.0", ["os.median.low"])],
)
def test_a_companion_states_a_text_that_it_holds_whole(text, keys):
    assert stated_so(COMPANIONS, "os.median", text) == keys


def test_a_row_set_that_is_not_there_is_named():
    lacking = run(lineage=run().lineage | {"row_sets": {}})
    with pytest.raises(ValueError, match=r"row_sets: there is no f{16}, which os.median names"):
        ancestry(lacking, "os.median", as_it_was)


def test_a_raw_column_of_several_names_all_of_them():
    columns = {"patients.vital_status": {"file": "data/c/p.csv", "columns": ["died", "lost"]}}
    found = ancestry(run(lineage=run().lineage | {"columns": columns}), "os.median", as_it_was)
    assert "│  └─ patients.vital_status from data/c/p.csv, “died” and “lost”" in drawn(tree(found))


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("24.0", ["os.median"]),
        ("-3", ["published.doe2015.os.median"]),
        (" 0.05 ", ["config.models.alpha"]),
        ("24", []),
    ],
)
def test_keys_that_print_a_text(text, keys):
    assert printing(run().numbers, text) == keys


def test_a_comparison_may_be_typed_with_a_space():
    assert printing({"p": ENTRY | {"text": "<0.001"}, "q": ENTRY}, "< 0.001") == ["p"]


def test_a_place_says_the_same_thing_once():
    assert where(PLACE | {"place": "Results"}) == "manuscript, Results"
    assert where(ABSTRACT) == "manuscript, title block, abstract"


def test_branches_are_drawn_below_each_other():
    assert drawn(Branch("a", [Branch("b", [Branch("c")]), Branch("d")])) == [
        "a",
        "├─ b",
        "│  └─ c",
        "└─ d",
    ]
