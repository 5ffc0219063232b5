"""What the first engines make of the models' stages, and what R made of the conformance data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.provenance.crosscheck.checks import Materials
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import Sample, merged_times
from sarcoma_sbrt.reporting.competing_statistics import (
    at_gap,
    competing_endpoints,
    competing_statistics,
    covariate_names,
    gaps,
)
from sarcoma_sbrt.reporting.diagnostic_statistics import diagnostic_statistics, diagnostic_summary
from sarcoma_sbrt.reporting.imputation_statistics import (
    imputation_statistics,
    imputation_summary,
    missing_for,
)
from sarcoma_sbrt.reporting.model_statistics import cox_statistics, model_names
from sarcoma_sbrt.reporting.statistics import Statistic, to_json
from sarcoma_sbrt.reporting.survival_statistics import design_for, endpoint_columns

CONFORMANCE = Path(__file__).parents[3] / "conformance"
# What R's values and the numpy engine's differ by.
NEAR_R = 1e-8


# --- first engines --------------------------------------------------------------------------


def with_stages(materials: Materials, *stages: str) -> Materials:
    """Materials with the first engines' statistics of these stages beside those they have."""
    first: Mapping[str, Callable[[Materials], list[Statistic]]] = {
        "cox": _cox,
        "diagnostics": _diagnostics,
        "competing": _competing,
        "imputation": _imputation,
    }
    made = {stage: to_json(stage, first[stage](materials))["statistics"] for stage in stages}
    return replace(materials, statistics={**materials.statistics, **made})


def _known(materials: Materials, name: str, names: tuple[str, ...]) -> tuple[Any, ...]:
    """Endpoint, its table, design and columns."""
    plan, table = materials.plan, materials.endpoints[name]
    endpoint = plan.endpoints[name]
    frame = materials.covariates[f"{endpoint.unit}s"]
    design = design_for(table, frame, plan.analysis.covariates, names)
    return endpoint, table, design, endpoint_columns(endpoint, plan.cohort)


def _cox(materials: Materials) -> list[Statistic]:
    analysis, found = materials.plan.analysis, []
    for name in analysis.endpoints:
        names = model_names(name, analysis)
        endpoint, table, design, columns = _known(materials, name, names)
        found += cox_statistics(endpoint, table, design, analysis, columns)
    return found


def _diagnostics(materials: Materials) -> list[Statistic]:
    analysis, found = materials.plan.analysis, []
    observed = materials.plan.cohort.kind == "observed"
    for name in analysis.endpoints:
        names = model_names(name, analysis)
        endpoint, table, design, columns = _known(materials, name, names)
        found += diagnostic_statistics(
            endpoint, table, design, analysis, columns, observed=observed
        )
    return found + diagnostic_summary(found, analysis)


def _competing(materials: Materials) -> list[Statistic]:
    plan, found = materials.plan, []
    for name in competing_endpoints(plan.endpoints, plan.analysis):
        names = covariate_names(name, plan.analysis)
        endpoint, table, design, columns = _known(materials, name, names)
        variants = {
            gap: at_gap(materials.canonical, plan.endpoints, plan.cohort, gap)[name]
            for gap in gaps(endpoint, plan.analysis)
        }
        found += competing_statistics(endpoint, table, design, variants, plan.analysis, columns)
    return found


def _imputation(materials: Materials) -> list[Statistic]:
    analysis, found = materials.plan.analysis, []
    for name in analysis.endpoints:
        names = model_names(name, analysis)
        endpoint, table, design, columns = _known(materials, name, names)
        frame = materials.covariates[f"{endpoint.unit}s"]
        missing = missing_for(table, frame, analysis, names)
        found += imputation_statistics(endpoint, table, design, missing, analysis, columns)
    return found + imputation_summary(found, analysis)


# --- R --------------------------------------------------------------------------------------

_SETS = json.loads((CONFORMANCE / "survival.json").read_text(encoding="utf-8"))["sets"]
MADE = {"ties": ("x", "z"), "lesions": ("bed", "diameter"), "separated": ("level", "x")}
"""Data sets made for the conformance tests, with the covariates that R's models take."""


def in_r(name: str, what: str) -> Any:
    """What R printed of a data set; its call stands beside it in ``survival.json``."""
    return _SETS[name][what]["value"]


def frame_of(name: str) -> pd.DataFrame:
    """One of the sets that were made by hand, with R's columns."""
    d = pd.read_csv(CONFORMANCE / "data" / f"{name}.csv")
    if "cause" not in d:
        return d
    d = d.assign(event=(d["cause"] == 1).astype(int))
    if name == "lesions":
        d = d.assign(stratum=(d["diameter"] > 3).astype(int), cluster=d["patient"])
    return d


def sample_of(
    name: str,
    ties: str = "efron",
    *,
    stratum: bool = False,
    cluster: bool = False,
    covariates: Sequence[str] = (),
) -> Sample:
    """Complete cases of one of these sets, as R's call has them."""
    d = frame_of(name)
    names = tuple(covariates) or MADE[name]
    return Sample(
        names=names,
        x=d[list(names)].to_numpy(dtype=float),
        time=merged_times(d["time"].to_numpy(dtype=float)),
        event=d["event"].to_numpy() == 1,
        ties=ties,
        stratum=d["stratum"].to_numpy() if stratum else None,
        cluster=d["cluster"].to_numpy() if cluster else None,
    )


def as_r(value: Any, near: float = NEAR_R) -> Any:
    """Equal to R's number, list or matrix."""
    return pytest.approx(np.array(value, dtype=float), rel=near, abs=1e-12)
