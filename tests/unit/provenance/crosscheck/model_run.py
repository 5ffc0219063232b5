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
from sarcoma_sbrt.reporting.stages import competing, cox, diagnostics, imputation
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import Statistic, to_json

CONFORMANCE = Path(__file__).parents[3] / "conformance"
# What R's values and the numpy engine's differ by.
NEAR_R = 1e-8


# --- first engines --------------------------------------------------------------------------


def with_stages(materials: Materials, *stages: str) -> Materials:
    """Materials with the first engines' statistics of these stages beside those they have."""
    first: Mapping[str, Callable[[Cohort], list[Statistic]]] = {
        "cox": cox.statistics,
        "diagnostics": diagnostics.statistics,
        "competing": competing.statistics,
        "imputation": imputation.statistics,
    }
    frames = {unit: materials.covariates[f"{unit}s"] for unit in ("patient", "lesion")}
    cohort = Cohort(materials.plan, frames, materials.endpoints, materials.canonical)
    made = {stage: to_json(stage, first[stage](cohort))["statistics"] for stage in stages}
    return replace(materials, statistics={**materials.statistics, **made})


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
