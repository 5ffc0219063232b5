from __future__ import annotations

import copy
import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from sarcoma_sbrt.endpoints import derive
from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.extraction.mapping import empty_table
from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.schema import TABLES, column
from sarcoma_sbrt.settings import (
    DERIVED_NEEDS,
    Analysis,
    Covariate,
    EndpointSettings,
    Level,
    Plan,
    analysis_settings,
    cohort_settings,
    endpoint_settings,
    plan_settings,
)

ROOT = Path(__file__).parents[2]
COHORTS = sorted(path.stem for path in (ROOT / "config/cohorts").glob("*.yaml"))


def shipped(name: str, kind: str | None = None) -> dict[str, Any]:
    schema = ROOT / f"workflow/schemas/{kind or name}.schema.yaml"
    return read_yaml(ROOT / f"config/{name}.yaml", schema)


def raw_plan(cohort: str) -> dict[str, Any]:
    return {
        "name": cohort,
        "seed": 7,
        "cohort": shipped(f"cohorts/{cohort}", "cohort"),
        "endpoints": shipped("endpoints"),
        "models": shipped("models"),
    }


def plan_of(cohort: str) -> Plan:
    return plan_settings(raw_plan(cohort))


RECONSTRUCTED = plan_of("reconstructed-2022")
TCIA = plan_of("tcia-sts")


def referenced(analysis: Analysis) -> set[str]:
    """Covariates that the plan uses somewhere."""
    blocks = [analysis.strata, analysis.univariable, analysis.forest, analysis.figures]
    blocks += list(analysis.multivariable.values())
    return {name for block in blocks for names in block.values() for name in names} - {"overall"}


# --- the shipped cohorts --------------------------------------------------------------------


def test_both_shipped_cohorts_are_here() -> None:
    assert {"reconstructed-2022", "tcia-sts"} <= set(COHORTS)


def test_the_reconstruction_supplies_the_whole_plan() -> None:
    analysis = RECONSTRUCTED.analysis
    assert analysis.left_out == {}
    assert analysis.endpoints == ("lc", "os", "pfs", "mfs")
    five = ("setting", "grade", "number_of_lesions", "size", "bed10")
    assert analysis.strata == {"lc": five, "os": five, "pfs": five}
    assert analysis.univariable == analysis.strata == analysis.forest
    assert analysis.multivariable["lc"]["model_2"] == ("grade", "size")
    assert analysis.figures["lc"] == ("overall", "grade", "size")


def test_the_tcia_sheet_supplies_no_local_control() -> None:
    analysis = TCIA.analysis
    assert analysis.left_out == {
        "lc": "the records hold no table of lesions, no table of courses "
        "and no table of assessments"
    }
    assert analysis.endpoints == ("os", "pfs", "mfs")
    assert "lc" not in analysis.univariable
    assert analysis.multivariable["mfs"] == {"multivariable": ("grade_high", "age")}


@pytest.mark.parametrize("plan", [RECONSTRUCTED, TCIA], ids=lambda p: p.cohort.name)
def test_what_a_plan_keeps_the_cohort_supplies(plan: Plan) -> None:
    analysis = plan.analysis
    for name in referenced(analysis):
        assert plan.cohort.supplies(analysis.covariates[name].column)
    for endpoint in analysis.endpoints:
        assert plan.endpoints[endpoint].missing(plan.cohort) == ()
    assert analysis.seed == 7
    assert plan.alpha_beta_gy == 10


def test_labels_follow_from_the_kind() -> None:
    assert RECONSTRUCTED.cohort.label == "reconstructed from published statistics; not patients"
    assert TCIA.cohort.label == ""


@pytest.mark.parametrize("name", COHORTS)
def test_cohorts_map_canonical_columns(name: str) -> None:
    for reference in cohort_settings(name, shipped(f"cohorts/{name}", "cohort")).columns:
        assert column(reference).name == reference.partition(".")[2]


@pytest.mark.parametrize("name", COHORTS)
def test_cohorts_map_every_required_column(name: str) -> None:
    cohort = cohort_settings(name, shipped(f"cohorts/{name}", "cohort"))
    for table in cohort.tables:
        required = {f"{table}.{c.name}" for c in TABLES[table].columns if c.required}
        assert required <= cohort.columns


# --- what a cohort cannot supply is left out, with the reason -------------------------------


def without(cohort: str, *references: str) -> dict[str, Any]:
    """The plan of a shipped cohort whose YAML lacks some columns, or whole tables."""
    raw = copy.deepcopy(raw_plan(cohort))
    for reference in references:
        table, _, name = reference.partition(".")
        if name:
            del raw["cohort"]["tables"][table]["columns"][name]
        else:
            del raw["cohort"]["tables"][table]
    return raw


def test_a_missing_covariate_is_left_out_of_every_block() -> None:
    analysis = plan_settings(without("reconstructed-2022", "patients.grade")).analysis
    assert analysis.left_out == {"grade": "the records hold no histological grade of the primary"}
    assert "grade" not in referenced(analysis)
    # Model 1 had nothing but grade; the others go on without it.
    assert list(analysis.multivariable["lc"]) == ["multivariable", "model_2", "model_3"]
    assert analysis.multivariable["lc"]["model_2"] == ("size",)


def test_a_derived_covariate_needs_all_that_it_is_derived_from() -> None:
    analysis = plan_settings(without("reconstructed-2022", "courses.fractions")).analysis
    assert analysis.left_out == {"bed10": "the records hold no number of fractions"}


def test_without_progressions_there_is_survival_and_local_control() -> None:
    analysis = plan_settings(without("reconstructed-2022", "progressions")).analysis
    reason = "the records hold no table of progressions"
    assert analysis.left_out == {"pfs": reason, "mfs": reason}
    assert analysis.endpoints == ("lc", "os")
    assert set(analysis.multivariable) == {"lc", "os"}


def test_a_cohorts_models_replace_blocks_of_the_plan() -> None:
    raw = raw_plan("reconstructed-2022")
    raw["cohort"] = raw["cohort"] | {"models": {"strata": {"os": ["grade"]}}}
    analysis = plan_settings(raw).analysis
    assert analysis.strata == {"os": ("grade",)}
    assert analysis.univariable == RECONSTRUCTED.analysis.univariable


def models_of(tmp_path: Path, **changes: tuple[str, str]) -> Any:
    """The shipped plan read from a file in which some lines are others."""
    text = (ROOT / "config/models.yaml").read_text(encoding="utf-8")
    for old, new in changes.values():
        assert text.count(old) == 1
        text = text.replace(old, new)
    file = tmp_path / "models.yaml"
    file.write_text(text, encoding="utf-8")
    return read_yaml(file, ROOT / "workflow/schemas/models.schema.yaml")


def test_real_patients_are_shown_one_by_one_only_where_their_cohort_asks_for_it() -> None:
    every = ("swimmer", "waterfall", "spider")
    assert RECONSTRUCTED.analysis.clinical_figures == every
    raw = raw_plan("reconstructed-2022")
    observed = {k: v for k, v in raw["cohort"].items() if k not in ("derived_from", "support")}
    raw["cohort"] = observed | {"kind": "observed"}
    assert plan_settings(raw).analysis.clinical_figures == ()
    raw["cohort"]["models"] = {"clinical_figures": ["waterfall"]}
    assert plan_settings(raw).analysis.clinical_figures == ("waterfall",)


def test_the_shipped_estimators() -> None:
    analysis = RECONSTRUCTED.analysis
    assert (analysis.transform, analysis.ties) == ("log-log", "efron")
    assert (analysis.median_ci, analysis.median_at_half) == ("crossing", "first")
    assert analysis.rmst_months is None


def test_the_plan_chooses_the_estimators(tmp_path: Path) -> None:
    raw = raw_plan("reconstructed-2022")
    raw["models"] = models_of(
        tmp_path,
        transform=("transform: log-log ", "transform: plain "),
        limits=("median_ci: crossing ", "median_ci: first_event "),
        half=("median_at_half: first ", "median_at_half: midpoint "),
        mean=("# rmst_months: 36 ", "rmst_months: 36 "),
        ties=("ties: efron ", "ties: breslow "),
    )
    analysis = plan_settings(raw).analysis
    assert (analysis.transform, analysis.ties) == ("plain", "breslow")
    assert (analysis.median_ci, analysis.median_at_half) == ("first_event", "midpoint")
    assert analysis.rmst_months == 36


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("transform: log-log ", "transform: logit ", "kaplan_meier.transform"),
        ("median_ci: crossing ", "median_ci: last ", "kaplan_meier.median_ci"),
        ("median_at_half: first ", "median_at_half: last ", "kaplan_meier.median_at_half"),
        ("# rmst_months: 36 ", "rmst_months: 0 ", "kaplan_meier.rmst_months"),
        ("ties: efron ", "ties: exact ", "cox.ties"),
    ],
)
def test_an_estimator_that_there_is_not_is_refused_at_its_key(
    tmp_path: Path, old: str, new: str, path: str
) -> None:
    with pytest.raises(InputError) as refused:
        models_of(tmp_path, it=(old, new))
    (problem,) = refused.value.problems
    assert problem.column == path


def test_a_test_is_stratified_only_by_what_is_tested() -> None:
    assert RECONSTRUCTED.analysis.stratified_by == dict.fromkeys(("lc", "os", "pfs"), ("grade",))
    raw = raw_plan("reconstructed-2022")
    raw["cohort"] = raw["cohort"] | {"models": {"strata": {"os": ["grade"], "pfs": ["sex"]}}}
    assert plan_settings(raw).analysis.stratified_by == {"os": ("grade",)}


def test_a_cohorts_block_without_the_newer_options_has_their_defaults() -> None:
    raw = raw_plan("reconstructed-2022")
    block = {"transform": "log", "median_ci": "crossing", "landmarks_months": [12]}
    raw["cohort"] = raw["cohort"] | {"models": {"kaplan_meier": block}}
    analysis = plan_settings(raw).analysis
    assert (analysis.transform, analysis.median_at_half) == ("log", "first")
    assert analysis.rmst_months is None


# --- pieces ---------------------------------------------------------------------------------


def test_every_derived_column_needs_canonical_ones() -> None:
    for needs in DERIVED_NEEDS.values():
        assert needs
        assert all(column(need) for need in needs)


def test_supplies_asks_for_every_need() -> None:
    assert TCIA.cohort.supplies("patients.grade")
    assert TCIA.cohort.supplies("derived.chemotherapy")
    assert not TCIA.cohort.supplies("patients.setting")
    assert not TCIA.cohort.supplies("derived.bed10_gy")


def test_contrasts_in_words() -> None:
    covariates = RECONSTRUCTED.analysis.covariates
    assert covariates["grade"].contrast == "G1 vs G2 and G3"
    assert covariates["bed10"].contrast == "below 100 Gy vs 100 Gy or more"
    assert covariates["age"].contrast == "per ten years"
    assert covariates["radiotherapy"].confounded
    assert not covariates["grade"].confounded


def test_levels_and_steps_are_typed() -> None:
    covariates = RECONSTRUCTED.analysis.covariates
    assert covariates["grade"] == Covariate(
        name="grade",
        label="Histological grade",
        column="patients.grade",
        level=Level("G1", codes=("G1",)),
        reference=Level("G2 and G3", codes=("G2", "G3")),
    )
    assert covariates["size"].level == Level("5 cm or less", at_most=50)
    assert covariates["age"].step == 10


def test_cox_models_that_hold_the_same_are_one() -> None:
    names = RECONSTRUCTED.analysis.multivariable["lc"]["multivariable"]
    assert RECONSTRUCTED.analysis.cox_models("lc") == {
        "univariable": RECONSTRUCTED.analysis.univariable["lc"],
        "multivariable": names,
        "model_2": ("grade", "size"),  # the first is univariable, the third the whole
    }
    assert RECONSTRUCTED.analysis.cox_models("mfs") == {}


def test_continuous_covariates_with_their_fullest_model() -> None:
    assert RECONSTRUCTED.analysis.continuous == ()
    assert TCIA.analysis.continuous == tuple(
        (endpoint, "multivariable", "age") for endpoint in ("os", "pfs", "mfs")
    )
    alone = dataclasses.replace(TCIA.analysis, multivariable={})
    assert alone.continuous[0] == ("os", "univariable", "age")


def test_settings_do_not_change() -> None:
    endpoint = RECONSTRUCTED.endpoints["os"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        endpoint.horizon_months = 12  # type: ignore[misc]


# --- the protocol ---------------------------------------------------------------------------


def test_the_shipped_protocol() -> None:
    endpoints = endpoint_settings(shipped("endpoints"))
    assert list(endpoints) == ["lc", "os", "pfs", "mfs"]
    lc = endpoints["lc"]
    assert (lc.growth_percent, lc.growth_mm, lc.reference) == (20, 0, "baseline")
    assert (lc.death, lc.death_gap_months, lc.second_course) == ("competing", 7, "censor")
    assert endpoints["pfs"].progression_kinds == ("local", "regional", "distant")
    assert endpoints["pfs"].local_failure
    assert endpoints["pfs"].death_gap_months is None
    assert endpoints["mfs"].progression_kinds == ("distant",)
    assert all(e.horizon_months is None for e in endpoints.values())


@pytest.mark.parametrize("endpoint", RECONSTRUCTED.endpoints.values(), ids=lambda e: e.name)
def test_the_shipped_protocol_can_be_derived(endpoint: EndpointSettings) -> None:
    tables = {name: empty_table(table) for name, table in TABLES.items()}
    assert derive(tables, endpoint, local_failure=RECONSTRUCTED.endpoints["lc"]).table.empty


def test_what_an_endpoint_requires_are_canonical_columns() -> None:
    for endpoint in RECONSTRUCTED.endpoints.values():
        assert all(column(need) for need in endpoint.requires)


def test_a_misspelt_key_of_the_protocol_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "config/endpoints.yaml").read_text(encoding="utf-8")
    file = tmp_path / "endpoints.yaml"
    file.write_text(text.replace("growth_mm:", "grwoth_mm:"), encoding="utf-8")
    line = next(i for i, t in enumerate(text.splitlines(), 1) if "growth_mm:" in t)
    with pytest.raises(InputError) as refused:
        read_yaml(file, ROOT / "workflow/schemas/endpoints.schema.yaml")
    (problem,) = refused.value.problems
    assert (problem.line, problem.column) == (line, "endpoints.lc.grwoth_mm")
    assert problem.what == "unknown key"


def test_analysis_settings_is_a_function_of_its_arguments() -> None:
    raw = raw_plan("tcia-sts")
    before = copy.deepcopy(raw)
    cohort = cohort_settings("tcia-sts", raw["cohort"])
    endpoints = endpoint_settings(raw["endpoints"])
    assert analysis_settings(raw["models"], endpoints, cohort, 7) == TCIA.analysis
    assert raw == before


def test_no_test_is_stratified_by_a_continuous_covariate() -> None:
    raw = raw_plan("reconstructed-2022")
    raw["models"]["stratified_by"] = {"os": ["age"]}
    said = r"stratified_by\.os: a continuous covariate cannot split curves, read age"
    with pytest.raises(InputError, match=said):
        plan_settings(raw)


def test_a_plan_that_names_an_unknown_or_unfit_covariate_is_refused_at_its_key() -> None:
    raw = raw_plan("reconstructed-2022")
    models = raw["models"]
    known = models["covariates"]
    models["covariates"] = {name: known[name] for name in ("grade", "age")}
    models |= {"strata": {}, "multivariable": {}, "univariable": {"os": ["garde"]}}
    models["figures"] = {"os": ["overall", "age"]}
    models["forest"]["covariates"] = {}
    with pytest.raises(InputError) as refused:
        plan_settings(raw)
    assert str(refused.value).splitlines() == [
        "models: figures.os: a continuous covariate cannot split curves, read age, "
        "accepted: one with level and reference",
        "models: univariable.os: unknown covariate, read garde, accepted: grade, age",
    ]


def test_the_readme_of_the_configuration_names_every_block_of_the_plan() -> None:
    config = Path(__file__).parents[2] / "config"
    text = (config / "README.md").read_text(encoding="utf-8")
    table = text.split("## The blocks of `models.yaml`")[1].split("## ")[0]
    named = [name for row in table.splitlines() for name in re.findall(r"`(\w+)`", row[:60])]
    plan = (config / "models.yaml").read_text(encoding="utf-8")
    blocks = re.findall(r"^(\w+):", plan, re.MULTILINE)
    assert set(blocks) <= set(named)
