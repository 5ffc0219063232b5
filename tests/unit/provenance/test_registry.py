import json
from dataclasses import replace

import pytest

from sarcoma_sbrt.evidence.published import Figure, Published
from sarcoma_sbrt.provenance.registry import Stage, code_sets, registry, registry_text
from sarcoma_sbrt.provenance.setting_lines import Setting
from sarcoma_sbrt.reporting.statistics import Interval, Statistic
from sarcoma_sbrt.settings import analysis_settings, cohort_settings, endpoint_settings

STAGE = Stage(
    rule="kaplan_meier",
    inputs={
        "patients": {"path": "data/c/patients.csv", "sha256": "00"},
        "lesions": {"path": "data/c/lesions.csv", "sha256": "22"},
    },
    code=[{"path": "workflow/scripts/kaplan_meier.py", "sha256": "11"}],
    config=["endpoints"],
)
COHORT = cohort_settings(
    "c",
    {
        "title": "A cohort",
        "kind": "observed",
        "times": {"unit": "days", "origin": "first fraction"},
        "tables": {"patients": {"file": "p.csv", "columns": {"patient_id": {"from": "id"}}}},
    },
)
ENDPOINTS = endpoint_settings({"endpoints": {}})
ANALYSIS = analysis_settings(
    {
        "confidence_level": 0.95,
        "alpha": 0.05,
        "kaplan_meier": {"transform": "log-log", "landmarks_months": [12]},
        "cox": {"ties": "efron"},
        "diagnostics": {
            "transform": "km",
            "influence_bound": 1,
            "time_cuts_months": [12],
            "spline_knots": 3,
        },
        "competing": {"death_gap_months": [0, None]},
        "dose": {
            "alpha_beta_gy": [3, 10],
            "step_gy": 10,
            "cut_points": {"least_share": 0.1, "least_events": 3, "permutations": 99},
        },
        "imputation": {"datasets": 2, "iterations": 1},
        "clinical_figures": ["swimmer", "waterfall", "spider"],
        "covariates": {},
        "strata": {},
        "univariable": {},
        "multivariable": {},
        "forest": {
            "trees": 1,
            "min_samples_leaf": 1,
            "permutation_repeats": 2,
            "step_months": 1,
            "cross_validation": {"grid": []},
            "thresholds": {},
            "covariates": {},
        },
        "figures": {},
        "comparison": {"endpoints": ["lc", "os"], "times_months": [12]},
    },
    ENDPOINTS,
    COHORT,
    seed=1,
)
NOTHING = Published({}, {})
MEDIAN = Statistic("os.median", 24.0, "months", "Kaplan-Meier", columns=("patients.vital_status",))


def entries(*statistics, configuration=None, published=NOTHING, **behind):
    return registry(
        [("kaplan_meier", s) for s in statistics],
        {"kaplan_meier": STAGE},
        configuration or {},
        ANALYSIS,
        COHORT,
        ENDPOINTS,
        published,
        **behind,
    )


def test_a_computed_number_names_rule_data_code_and_configuration():
    entry = entries(MEDIAN)["os.median"]
    assert entry["rule"] == "kaplan_meier"
    assert entry["inputs"] == [{"path": "data/c/patients.csv", "sha256": "00"}]
    assert entry["code"] == "kaplan_meier"
    assert code_sets({"kaplan_meier": STAGE, "published": replace(STAGE, rule=None, code=[])}) == {
        "kaplan_meier": [{"path": "workflow/scripts/kaplan_meier.py", "sha256": "11"}]
    }
    assert entry["config"] == ["endpoints"]
    assert (entry["lineage"], entry["crosscheck"]) == (None, None)


def test_a_configured_number_names_its_key_and_no_rule():
    entry = entries(configuration={"models": {"alpha": 0.05}})["config.models.alpha"]
    assert (entry["kind"], entry["rule"], entry["config"]) == ("configured", None, ["models.alpha"])


def test_a_configured_number_comes_from_its_line():
    settings = {"models.alpha": Setting("config/models.yaml", 5, "ab"), "run.seed": Setting("c", 9)}
    configuration = {"models": {"alpha": 0.05, "other": 1}, "run": {"seed": 7}}
    found = entries(configuration=configuration, settings=settings)
    alpha, seed, other = (
        found[f"config.{key}"] for key in ("models.alpha", "run.seed", "models.other")
    )
    assert alpha["rows"] == {"file": "config/models.yaml", "line": 5}
    assert alpha["inputs"] == [{"path": "config/models.yaml", "sha256": "ab"}]
    assert (seed["rows"], seed["inputs"]) == ({"file": "c", "line": 9}, [])
    assert (other["rows"], other["inputs"]) == ({}, [])


def test_labels_are_entries_too():
    assert entries()["cohort.title"]["text"] == "A cohort"


def test_two_sources_of_one_key_are_refused():
    clash = Statistic("cohort.title", "B", "text", "typed")
    with pytest.raises(ValueError, match=r"more than one source gives cohort\.title"):
        entries(clash)


def test_a_number_that_names_no_column_rests_on_every_file():
    entry = entries(Statistic("flow.patients.read", 3, "count", "count"))["flow.patients.read"]
    assert [file["path"] for file in entry["inputs"]] == [
        "data/c/lesions.csv",
        "data/c/patients.csv",
    ]


def test_screening_is_transcribed_with_its_place():
    screening = {"reviewed": 68, "enrolled": 37, "locator": "Results, paragraph 1"}
    made = registry([], {}, {}, ANALYSIS, replace(COHORT, screening=screening), ENDPOINTS, NOTHING)
    entry = made["flow.screening.reviewed"]
    assert (entry["kind"], entry["text"]) == ("transcribed", "68")
    assert entry["locator"] == "Results, paragraph 1"


def test_a_printed_figure_names_its_place_and_its_table_and_no_rule():
    parts = {"study_id": "doe2015", "paper": "doe2015", "place": "table_1", "row": "a"}
    figure = Figure(
        key="doe2015.os.median",
        column="b",
        measure="median",
        endpoint="os",
        unit="months",
        estimate=24.0,
        printed_text="24.0",
        locator="Doe 2015, Table 1",
        file="data/published/targets/doe.csv",
        line=3,
        **parts,
    )
    table = {"path": "data/published/targets/doe.csv", "sha256": "33"}
    stage = Stage(rule=None, inputs={"published.doe": table}, code=[], config=[])
    made = registry(
        [],
        {"published": stage},
        {},
        ANALYSIS,
        COHORT,
        ENDPOINTS,
        Published({}, {figure.key: figure}),
    )
    entry = made["published.doe2015.os.median"]
    assert (entry["text"], entry["rule"], entry["code"]) == ("24.0", None, None)
    assert entry["inputs"] == [table]
    assert entry["crosscheck"] is None


# --- rows and second engines --------------------------------------------------------------------

STATED = replace(MEDIAN, ci=Interval(13.0, None, 0.95, "log-log"), reason="few are left")
CHECK = {
    "status": "independent",
    "engine": "scikit-survival",
    "value": 24.0,
    "difference": 0.0,
    "reason": "",
    "tolerance": 1e-9,
    "agrees": True,
}
ROWS = {
    "ab": {"raw": {"data/c/patients.csv": "2-4"}},
    "cd": {"raw": {"data/c/lesions.csv#L": "2", "data/c/patients.csv": "3"}},
}


def test_a_number_and_what_accompanies_it_rest_on_the_same_rows():
    made = entries(STATED, lineage={"os.median": "ab"}, row_sets=ROWS)
    companions = [key for key in made if key.startswith("os.median")]
    assert companions == [
        "os.median",
        "os.median.high",
        "os.median.low",
        "os.median.reason",
        "os.median.stated",
    ]
    assert {made[key]["lineage"] for key in companions} == {"ab"}
    assert made["cohort.title"]["lineage"] is None


def test_files_of_the_rows_are_inputs_beside_those_of_the_columns():
    made = entries(MEDIAN, lineage={"os.median": "cd"}, row_sets=ROWS)
    assert [file["path"] for file in made["os.median"]["inputs"]] == [
        "data/c/lesions.csv",
        "data/c/patients.csv",
    ]


def test_a_stage_may_rest_on_a_table_that_no_column_names():
    table = {"path": "data/published/targets/doe.csv", "sha256": "33"}
    stage = replace(STAGE, inputs={**STAGE.inputs, "published.doe": table}, also=["published.doe"])
    made = registry(
        [("kaplan_meier", MEDIAN)],
        {"kaplan_meier": stage},
        {},
        ANALYSIS,
        COHORT,
        ENDPOINTS,
        NOTHING,
    )
    assert made["os.median"]["inputs"] == [STAGE.inputs["patients"], table]


def test_a_check_is_told_without_its_tolerance():
    made = entries(STATED, checks={"os.median": CHECK})
    told = {k: v for k, v in CHECK.items() if k not in ("tolerance", "agrees")}
    assert made["os.median"]["crosscheck"] == told


def test_limits_have_checks_of_their_own_and_words_that_of_their_number():
    low = CHECK | {"value": 13.0, "difference": 1e-12}
    made = entries(STATED, checks={"os.median": CHECK, "os.median.low": low})
    assert made["os.median.low"]["crosscheck"]["value"] == 13.0
    assert made["os.median.high"]["crosscheck"] is None
    for words in ("stated", "reason"):
        told = made[f"os.median.{words}"]["crosscheck"]
        assert (told["status"], told["engine"]) == ("independent", "scikit-survival")
        assert (told["value"], told["difference"]) == (None, None)


def test_what_was_not_computed_was_not_computed_again():
    made = entries(
        configuration={"models": {"alpha": 0.05}},
        checks={"config.models.alpha": CHECK, "cohort.title": CHECK},
    )
    assert made["config.models.alpha"]["crosscheck"] is None
    assert made["cohort.title"]["crosscheck"] is None


def test_the_registry_is_written_one_line_a_number():
    made = entries(MEDIAN)
    text = registry_text(dict(reversed(made.items())))
    assert json.loads(text) == made
    lines = text.splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("{", "}", len(made) + 2)
    assert [json.loads("{" + line.rstrip(",") + "}") for line in lines[1:-1]] == [
        {key: made[key]} for key in sorted(made)
    ]


def test_no_number_that_is_none_is_written():
    with pytest.raises(ValueError, match="Out of range float values"):
        registry_text({"x": {"value": float("nan")}})
