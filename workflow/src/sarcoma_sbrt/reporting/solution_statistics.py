"""The statistics of one reconstruction after another, and the range of each over all of them.

A number that no printed figure constrains depends on which reconstruction was drawn. Its range
over the reconstructions found says how much; it is not an interval of confidence, and a cohort
that no search found may lie outside it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.extraction.eligibility import Extraction, extract
from sarcoma_sbrt.extraction.sources import RawTable
from sarcoma_sbrt.reporting.clinical_statistics import clinical_statistics
from sarcoma_sbrt.reporting.cohort_statistics import cohort_statistics, flow_statistics
from sarcoma_sbrt.reporting.competing_statistics import (
    at_gap,
    competing_endpoints,
    competing_statistics,
    covariate_names,
    gaps,
)
from sarcoma_sbrt.reporting.diagnostic_statistics import diagnostic_statistics, diagnostic_summary
from sarcoma_sbrt.reporting.dose_statistics import dose_statistics
from sarcoma_sbrt.reporting.forest_statistics import fold_predictions, forest_statistics
from sarcoma_sbrt.reporting.model_statistics import cox_statistics, model_names
from sarcoma_sbrt.reporting.solution_ranges import Range, read_ranges
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.reporting.survival_statistics import (
    design_for,
    endpoint_columns,
    ordered_codes,
    stratum_names,
    survival_statistics,
)
from sarcoma_sbrt.reporting.toxicity_statistics import toxicity_statistics
from sarcoma_sbrt.settings import CohortSettings, EndpointSettings, Plan

__all__ = ["Range", "range_table", "ranges", "read_ranges", "solution_statistics", "values"]


# --- one reconstruction ---------------------------------------------------------------------


@dataclass(frozen=True)
class _Cohort:
    """What every stage reads: canonical and endpoint tables, covariates."""

    plan: Plan
    extraction: Extraction
    endpoints: Mapping[str, pd.DataFrame]
    frames: Mapping[str, pd.DataFrame]

    def analysed(self) -> Iterator[tuple[EndpointSettings, pd.DataFrame, tuple[str, ...]]]:
        """Endpoints of the analysis with their tables and columns."""
        for name in self.plan.analysis.endpoints:
            endpoint = self.plan.endpoints[name]
            yield endpoint, self.endpoints[name], endpoint_columns(endpoint, self.plan.cohort)

    def design(
        self, endpoint: EndpointSettings, table: pd.DataFrame, names: tuple[str, ...]
    ) -> pd.DataFrame:
        """Covariates of an endpoint's rows."""
        frame = self.frames[endpoint.unit]
        return design_for(table, frame, self.plan.analysis.covariates, names)


def solution_statistics(raw: Mapping[str, str], plan: Plan) -> list[Statistic]:
    """Every statistic that the workflow computes from a cohort's raw tables.

    What the rules from ``extract`` to ``forest`` do, in one process. Imputation is left out: a
    reconstruction lacks no covariate.

    Parameters
    ----------
    raw : mapping of str to str
        CSV text of each file of ``data/cohorts/<cohort>/``, by its name.
    plan : Plan

    Raises
    ------
    InputError
        When the tables are not what the cohort's settings say.
    """
    extraction = extract(plan.cohort, _raw_tables(raw, plan.cohort))
    tables = extraction.tables
    derived = derive_all(tables, plan.endpoints, plan.cohort)
    patients, lesions = covariate_frame(
        tables, alpha_beta_gy=plan.alpha_beta_gy, concurrent_days=plan.concurrent_days
    )
    cohort = _Cohort(
        plan,
        extraction,
        {name: endpoint.table for name, endpoint in derived.items()},
        {"patient": patients, "lesion": lesions},
    )
    return [
        *_characteristics(cohort),
        *_survival(cohort),
        *_cox(cohort),
        *_diagnostics(cohort),
        *_competing(cohort),
        *dose_statistics(tables, cohort.endpoints, plan),
        *_forests(cohort),
    ]


def _raw_tables(raw: Mapping[str, str], cohort: CohortSettings) -> dict[str, RawTable]:
    return {name: _raw_table(table.file, raw[table.file]) for name, table in cohort.tables.items()}


def _raw_table(file: str, text: str) -> RawTable:
    header, *rows = csv.reader(io.StringIO(text), strict=True)
    return RawTable(
        file=file,
        header=tuple(header),
        header_line=1,
        rows=tuple(
            (line, dict(zip(header, cells, strict=True))) for line, cells in enumerate(rows, 2)
        ),
    )


def _characteristics(cohort: _Cohort) -> list[Statistic]:
    plan, tables = cohort.plan, cohort.extraction.tables
    months = plan.acute_toxicity_months
    return [
        *cohort_statistics(
            tables,
            (cohort.frames["patient"], cohort.frames["lesion"]),
            plan.analysis,
            plan.cohort,
            alpha_beta_gy=plan.alpha_beta_gy,
            acute_toxicity_months=months,
        ),
        *clinical_statistics(tables, plan.endpoints, plan.cohort, alpha_beta_gy=plan.alpha_beta_gy),
        *toxicity_statistics(tables, plan.analysis, plan.cohort, acute_toxicity_months=months),
        *flow_statistics(cohort.extraction.flow),
    ]


def _survival(cohort: _Cohort) -> Iterator[Statistic]:
    analysis = cohort.plan.analysis
    for endpoint, table, columns in cohort.analysed():
        names = stratum_names(endpoint.name, analysis)
        known = (table, cohort.frames[endpoint.unit], analysis.covariates, names)
        yield from survival_statistics(
            endpoint, table, design_for(*known), analysis, columns, ordered_codes(*known)
        )


def _cox(cohort: _Cohort) -> Iterator[Statistic]:
    analysis = cohort.plan.analysis
    for endpoint, table, columns in cohort.analysed():
        design = cohort.design(endpoint, table, model_names(endpoint.name, analysis))
        yield from cox_statistics(endpoint, table, design, analysis, columns)


def _diagnostics(cohort: _Cohort) -> list[Statistic]:
    analysis = cohort.plan.analysis
    found: list[Statistic] = []
    for endpoint, table, columns in cohort.analysed():
        design = cohort.design(endpoint, table, model_names(endpoint.name, analysis))
        found += diagnostic_statistics(endpoint, table, design, analysis, columns, observed=False)
    return [*found, *diagnostic_summary(found, analysis)]


def _competing(cohort: _Cohort) -> Iterator[Statistic]:
    plan, tables = cohort.plan, cohort.extraction.tables
    for name in competing_endpoints(plan.endpoints, plan.analysis):
        endpoint, table = plan.endpoints[name], cohort.endpoints[name]
        design = cohort.design(endpoint, table, covariate_names(name, plan.analysis))
        variants = {
            gap: at_gap(tables, plan.endpoints, plan.cohort, gap)[name]
            for gap in gaps(endpoint, plan.analysis)
        }
        columns = endpoint_columns(endpoint, plan.cohort)
        yield from competing_statistics(endpoint, table, design, variants, plan.analysis, columns)


def _forests(cohort: _Cohort) -> Iterator[Statistic]:
    analysis = cohort.plan.analysis
    for name, names in analysis.forest.items():
        endpoint, table = cohort.plan.endpoints[name], cohort.endpoints[name]
        design = cohort.design(endpoint, table, names)
        batches = analysis.forest_plan.cross_validation["batches"] if analysis.forest_plan else 0
        folds = [
            fold
            for batch in range(batches)
            for fold in fold_predictions(endpoint, table, design, analysis, batch)
        ]
        columns = endpoint_columns(endpoint, cohort.plan.cohort)
        yield from forest_statistics(endpoint, table, design, analysis, columns, folds)


# --- over all of them -----------------------------------------------------------------------


def values(statistics: Iterable[Statistic]) -> dict[str, float | None]:
    """Numeric values by key; None where there is none."""
    return {
        s.key: None if s.value is None else float(s.value)
        for s in statistics
        if s.unit != "text" and not isinstance(s.value, str)
    }


def ranges(found: Sequence[Mapping[str, float | None]]) -> dict[str, Range]:
    """Range of every number that at least one reconstruction gives.

    Parameters
    ----------
    found : sequence of mapping
        `values` of each reconstruction. A key that one lacks counts as without a value there.
    """
    keys = sorted({key for one in found for key in one})
    given = {key: [v for one in found if (v := one.get(key)) is not None] for key in keys}
    return {
        key: Range(min(known), max(known), len(known), len(found))
        for key, known in given.items()
        if known
    }


_COLUMNS = ["key", "low", "high", "estimated", "solutions"]


def range_table(found: Mapping[str, Range]) -> str:
    """CSV of ranges, sorted by key, at full precision."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for key, one in sorted(found.items()):
        writer.writerow([key, repr(one.low), repr(one.high), one.estimated, one.solutions])
    return stream.getvalue()
