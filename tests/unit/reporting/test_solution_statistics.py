"""A reconstruction's statistics are those that the rules would give, and ranges are over all."""

from __future__ import annotations

import copy
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from sarcoma_sbrt.io import read_json, read_rows
from sarcoma_sbrt.reporting.solution_statistics import (
    Range,
    range_table,
    ranges,
    read_ranges,
    solution_statistics,
    values,
)
from sarcoma_sbrt.reporting.statistics import Statistic, from_json, not_estimable
from sarcoma_sbrt.schema import TABLES
from sarcoma_sbrt.settings import plan_settings

ROOT = Path(__file__).parents[3]
COHORT = ROOT / "data/cohorts/reconstructed-2022"


@pytest.fixture(scope="module")
def plan():
    """The default plan, with as little resampling as it accepts."""
    read = {
        "cohort": "config/cohorts/reconstructed-2022.yaml",
        "endpoints": "config/endpoints.yaml",
        "models": "config/models.yaml",
    }
    found = {
        name: yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
        for name, path in read.items()
    }
    models = copy.deepcopy(found["models"])
    models["dose"]["cut_points"]["permutations"] = 99
    models["forest"] |= {"trees": 10, "permutation_repeats": 2}
    models["forest"]["cross_validation"] |= {
        "repeats": 2,
        "folds": 2,
        "trees": 5,
        "permutations": 2,
    }
    models["forest"]["covariates"] = {"os": ["setting", "grade"], "lc": ["grade", "size"]}
    return found | {"models": models, "name": "reconstructed-2022", "seed": 20221129}


class Job(SimpleNamespace):
    """What a script sees of Snakemake: named inputs, outputs and params."""

    def __getitem__(self, name):
        return getattr(self, name)


def run(script: str, folder: Path, plan, *, inputs, outputs, **more) -> None:
    log = folder / f"{script}.log"
    job = Job(
        input=Job(**inputs),
        output=Job(**outputs),
        params=Job(plan=plan, **more.pop("params", {})),
        wildcards=Job(**more.pop("wildcards", {})),
        log=[str(log)],
    )
    try:
        runpy.run_path(str(ROOT / f"workflow/scripts/{script}.py"), init_globals={"snakemake": job})
    except SystemExit:
        pytest.fail(log.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def by_rules(plan, tmp_path_factory):
    """Numbers that the scripts of the rules give, run one after the other."""
    folder = tmp_path_factory.mktemp("rules")
    canonical = [str(folder / "canonical" / f"{name}.parquet") for name in TABLES]
    endpoints = [
        str(folder / "endpoints" / f"{name}.parquet") for name in plan["endpoints"]["endpoints"]
    ]
    frames = {f"{unit}s": str(folder / f"{unit}s.parquet") for unit in ("patient", "lesion")}
    flow = str(folder / "flow.json")
    run(
        "extract",
        folder,
        plan,
        inputs={},
        outputs={"tables": canonical, "flow": flow},
        params={"folder": str(COHORT)},
    )
    summary = {"summary": str(folder / "summary.json")}
    outputs = {"endpoints": endpoints} | frames | summary
    run("endpoints", folder, plan, inputs={"tables": canonical}, outputs=outputs)
    known = {"tables": canonical, "endpoints": endpoints, "flow": flow} | frames
    made = []
    extra = {"curves": "curves", "residuals": "residuals", "splines": "splines"}
    extra = {name: str(folder / f"{file}.parquet") for name, file in extra.items()}
    for script in (
        "characteristics",
        "kaplan_meier",
        "cox",
        "diagnostics",
        "competing",
        "dose_sensitivity",
    ):
        made.append(str(folder / f"{script}.json"))
        outputs = {"statistics": made[-1]} | extra
        run(script, folder, plan, inputs=known, outputs=outputs)
    for name in plan["models"]["forest"]["covariates"]:
        own = known | {"endpoint": next(p for p in endpoints if Path(p).stem == name)}
        folds = [str(folder / f"folds_{name}_{batch}.json") for batch in range(2)]
        for batch, path in enumerate(folds):
            wildcards = {"endpoint": name, "batch": str(batch)}
            run(
                "forest_folds",
                folder,
                plan,
                inputs=own,
                outputs={"predictions": path},
                wildcards=wildcards,
            )
        made.append(str(folder / f"forest_{name}.json"))
        run(
            "forest",
            folder,
            plan,
            inputs=own | {"folds": folds},
            outputs={
                "statistics": made[-1],
                "predictions": str(folder / f"predictions_{name}.json"),
            },
            wildcards={"endpoint": name},
        )
    return values(s for path in made for s in from_json(read_json(path)))


def test_one_process_gives_what_the_rules_give(plan, by_rules) -> None:
    settings = plan_settings(plan)
    raw = {
        table.file: (COHORT / table.file).read_text(encoding="utf-8")
        for table in settings.cohort.tables.values()
    }
    found = values(solution_statistics(raw, settings))
    assert found.keys() == by_rules.keys()
    assert {key: (found[key], by_rules[key]) for key in found if found[key] != by_rules[key]} == {}
    stages = ("os.median", "cox.os.multivariable.grade.hr", "lc.cif_12m", "cohort.patients")
    assert all(found[key] is not None for key in stages)
    assert any(key.startswith("forest.lc.importance") for key in found)
    assert any(key.startswith("diagnostics.") for key in found)


def test_a_range_is_over_those_that_give_a_value() -> None:
    found = ranges([{"a": 1.0, "b": None, "c": None}, {"a": 3.0, "b": 2.0, "c": None}, {"a": 2.0}])
    assert found == {"a": Range(1.0, 3.0, 3, 3), "b": Range(2.0, 2.0, 1, 3)}
    assert ranges([]) == {}


def test_numbers_alone_have_a_range() -> None:
    records = [
        Statistic("a", 2, "count", "m"),
        Statistic("b", "yes", "text", "m"),
        not_estimable("c", "months", "m", "why"),
    ]
    assert values(records) == {"a": 2.0, "c": None}


def test_ranges_come_back_from_their_file(tmp_path: Path) -> None:
    found = {"b.c": Range(0.1 + 0.2, 1e-9, 2, 3), "a": Range(-1.0, 4.0, 3, 3)}
    text = range_table(found)
    assert text.splitlines()[:2] == ["key,low,high,estimated,solutions", "a,-1.0,4.0,3,3"]
    path = tmp_path / "ranges.csv"
    path.write_text(text, encoding="utf-8")
    assert read_ranges(read_rows(path)) == found
