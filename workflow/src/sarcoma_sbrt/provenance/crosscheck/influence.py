"""How much one patient moves a coefficient, again: score residuals over the information."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.errors import NotEstimable
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.cox_models import (
    ENGINE,
    Units,
    counted,
    covariates_of,
    models_of,
    units_of,
)
from sarcoma_sbrt.provenance.crosscheck.partial_likelihood import (
    Floats,
    Sample,
    estimate,
    fixed,
    inverse_of,
    maximum,
    residuals,
    summed,
)
from sarcoma_sbrt.provenance.crosscheck.proportionality import summarised
from sarcoma_sbrt.settings import Analysis

__all__ = ["dfbetas", "recompute"]


def recompute(materials: Materials) -> dict[str, Second]:
    """Largest influence of a patient on every coefficient, and how many exceed the bound."""
    analysis = materials.plan.analysis
    found: dict[str, Second] = {}
    for endpoint in analysis.endpoints:
        units = units_of(materials, endpoint, covariates_of(endpoint, analysis))
        for model, names in models_of(endpoint, analysis):
            found |= _of_model(f"diagnostics.{endpoint}.{model}", units, names, analysis)
    return found | _summary(found, analysis)


def dfbetas(sample: Sample, patient: NDArray[np.str_]) -> Floats:
    """First-order change of each coefficient by each patient, in its naive standard errors.

    Parameters
    ----------
    sample : Sample
    patient : ndarray, shape (n,)
        Of each row; the changes by a patient's rows are added up.

    Returns
    -------
    ndarray, shape (patients, covariates)

    Raises
    ------
    NotEstimable
        When the model cannot be fitted.
    """
    estimate(replace(sample, cluster=None), level=0.95)  # refuses what has no model
    sets = fixed(sample)
    _, point = maximum(sets)
    variance = inverse_of(point.information)
    changes = summed(residuals(sets, point) @ variance, patient)
    return np.asarray(changes / np.sqrt(np.diag(variance)), dtype=float)


def _of_model(
    key: str, units: Units, names: tuple[str, ...], analysis: Analysis
) -> dict[str, Second]:
    sample = units.sample(names, analysis.ties)
    counts, ends = counted(sample), ("dfbetas", "influential")
    try:
        sizes = np.abs(dfbetas(sample, units.patient[units.complete(names)]))
    except NotEstimable:
        return {f"{key}.{name}.{end}": Second(None, **counts) for name in names for end in ends}
    beyond = (sizes > analysis.diagnostics.influence_bound).sum(axis=0)
    found = {}
    for name, most, many in zip(names, sizes.max(axis=0), beyond, strict=True):
        found[f"{key}.{name}.dfbetas"] = Second(float(most), **counts)
        found[f"{key}.{name}.influential"] = Second(int(many), **counts)
    return found


def _summary(found: dict[str, Second], analysis: Analysis) -> dict[str, Second]:
    """How many coefficients one patient moves more than the bound, and the largest influence."""
    keys = list(summarised(analysis))
    if not keys:
        return {}
    sizes = [found[f"{key}.dfbetas"].value for key in keys]
    known = [size for size in sizes if isinstance(size, float)]
    many = sum(size > analysis.diagnostics.influence_bound for size in known)
    summary = {"diagnostics.influenced": Second(many, engine=ENGINE)}
    if known:
        summary["diagnostics.largest_influence"] = Second(max(known), engine=ENGINE)
    return summary
