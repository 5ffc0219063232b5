"""Influence of single patients in numpy: R's values, and what must hold of any data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import survival.datasets as public
from cohort_run import configuration_of, materials_of, tables_of
from model_run import as_r, in_r, sample_of, with_stages

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck import influence
from sarcoma_sbrt.provenance.crosscheck.influence import dfbetas
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import Sample, estimate


def errors(sample: Sample) -> np.ndarray:
    return np.sqrt(np.diag(estimate(replace(sample, cluster=None), level=0.95).variance))


def test_changes_by_patients_are_rs() -> None:
    names = ("age", "sex", "wt.loss")
    d = pd.DataFrame(public.load_lung()).dropna(subset=list(names))
    x, time = d[list(names)].to_numpy(dtype=float), d["time"].to_numpy(dtype=float)
    sample = Sample(names, x, time, d["status"].to_numpy() == 2, "efron")
    changes = dfbetas(sample, np.arange(len(d)).astype(str)) * errors(sample)
    order = np.argsort(np.arange(len(d)).astype(str))
    back = np.empty_like(changes)
    back[order] = changes
    assert back == as_r(in_r("lung", "dfbeta"), 1e-7)


def test_changes_by_patients_with_two_eyes_are_rs() -> None:
    d = pd.DataFrame(public.load_retinopathy())
    names = ("trt", "age", "risk")
    x, time = d[list(names)].to_numpy(dtype=float), d["futime"].to_numpy(dtype=float)
    sample = Sample(names, x, time, d["status"].to_numpy() == 1, "efron")
    patient = np.char.zfill(d["id"].astype(int).astype(str).to_numpy(dtype=str), 6)
    r = in_r("retinopathy", "dfbeta.clustered")
    order = np.argsort(np.array(r["cluster"], dtype=int))
    found = dfbetas(sample, patient) * errors(sample)
    assert found == as_r(np.array(r["value"])[order], 1e-7)


def test_changes_sum_to_nothing_and_are_near_those_of_leaving_out() -> None:
    sample = sample_of("lesions")
    patient = np.arange(len(sample.time)).astype(str)
    order = np.argsort(patient)
    found = dfbetas(sample, patient)
    assert found.sum(axis=0) == pytest.approx(0, abs=1e-9)
    whole = estimate(sample, level=0.95).coefficients
    for place, row in enumerate(order[:10]):
        kept = np.arange(len(patient)) != row
        without = replace(
            sample, x=sample.x[kept], time=sample.time[kept], event=sample.event[kept]
        )
        change = (whole - estimate(without, level=0.95).coefficients) / errors(sample)
        assert found[place] == pytest.approx(change, abs=0.15)  # to first order


def test_a_model_that_cannot_be_fitted_has_no_influence() -> None:
    sample = sample_of("separated")
    with pytest.raises(NotEstimable):
        dfbetas(sample, np.arange(len(sample.time)).astype(str))


def test_the_summary_counts_each_model_once() -> None:
    materials = materials_of(configuration_of("small"), tables_of("small"))
    found = influence.recompute(with_stages(materials, "diagnostics"))
    sizes = [s.value for key, s in found.items() if key.endswith(".dfbetas")]
    known = [size for size in sizes if isinstance(size, float)]
    assert found["diagnostics.largest_influence"].value == max(known)
    bound = materials.plan.analysis.diagnostics.influence_bound
    assert found["diagnostics.influenced"].value <= sum(size > bound for size in known)
