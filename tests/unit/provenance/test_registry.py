from dataclasses import replace

import pytest

from sarcoma_sbrt.evidence.published import Figure, Published
from sarcoma_sbrt.provenance.registry import Stage, code_sets, registry
from sarcoma_sbrt.reporting.statistics import Statistic
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


def entries(*statistics, configuration=None, published=NOTHING):
    return registry(
        [("kaplan_meier", s) for s in statistics],
        {"kaplan_meier": STAGE},
        configuration or {},
        ANALYSIS,
        COHORT,
        ENDPOINTS,
        published,
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
    assert entry["crosscheck"]["status"] == "none"


def test_a_configured_number_names_its_key_and_no_rule():
    entry = entries(configuration={"models": {"alpha": 0.05}})["config.models.alpha"]
    assert (entry["kind"], entry["rule"], entry["config"]) == ("configured", None, ["models.alpha"])


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
