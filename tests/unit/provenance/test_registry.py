from dataclasses import replace

import pytest

from sarcoma_sbrt.provenance.registry import Stage, registry
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
        "covariates": {},
        "strata": {},
        "univariable": {},
        "multivariable": {},
        "forest": {"trees": 1, "min_samples_leaf": 1, "permutation_repeats": 1, "covariates": {}},
        "figures": {},
    },
    ENDPOINTS,
    COHORT,
    seed=1,
)
MEDIAN = Statistic("os.median", 24.0, "months", "Kaplan-Meier", columns=("patients.vital_status",))


def entries(*statistics, configuration=None):
    return registry(
        [("kaplan_meier", s) for s in statistics],
        {"kaplan_meier": STAGE},
        configuration or {},
        ANALYSIS,
        COHORT,
        ENDPOINTS,
    )


def test_a_computed_number_names_rule_data_code_and_configuration():
    entry = entries(MEDIAN)["os.median"]
    assert entry["rule"] == "kaplan_meier"
    assert entry["inputs"] == [{"path": "data/c/patients.csv", "sha256": "00"}]
    assert entry["code"] == [{"path": "workflow/scripts/kaplan_meier.py", "sha256": "11"}]
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
    made = registry([], {}, {}, ANALYSIS, replace(COHORT, screening=screening), ENDPOINTS)
    entry = made["flow.screening.reviewed"]
    assert (entry["kind"], entry["text"]) == ("transcribed", "68")
    assert entry["locator"] == "Results, paragraph 1"
