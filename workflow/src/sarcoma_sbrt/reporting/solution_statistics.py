"""The statistics of one reconstruction after another, and the range of each over all of them.

A number that no printed figure constrains depends on which reconstruction was drawn. Its range
over the reconstructions found says how much; it is not an interval of confidence, and a cohort
that no search found may lie outside it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.extraction.eligibility import extract
from sarcoma_sbrt.extraction.sources import RawTable
from sarcoma_sbrt.reporting.solution_ranges import Range, read_ranges
from sarcoma_sbrt.reporting.stages import (
    characteristics,
    competing,
    cox,
    diagnostics,
    dose_sensitivity,
    forest,
    kaplan_meier,
)
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.settings import CohortSettings, Plan

__all__ = ["Range", "range_table", "ranges", "read_ranges", "solution_statistics", "values"]

# Imputation is left out: a reconstruction lacks no covariate.
_STAGES = (characteristics, kaplan_meier, cox, diagnostics, competing, dose_sensitivity, forest)


# --- one reconstruction ---------------------------------------------------------------------


def solution_statistics(raw: Mapping[str, str], plan: Plan) -> list[Statistic]:
    """Every statistic that the workflow computes from a cohort's raw tables.

    What the rules from ``extract`` to ``forest`` do, in one process, without imputation.

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
    cohort = Cohort(
        plan,
        covariates={"patient": patients, "lesion": lesions},
        endpoints={name: endpoint.table for name, endpoint in derived.items()},
        canonical=tables,
        flow=extraction.flow,
    )
    return [statistic for stage in _STAGES for statistic in stage.statistics(cohort)]


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
