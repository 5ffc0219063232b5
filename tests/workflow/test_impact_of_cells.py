"""What moves when a raw cell is changed is within what was predicted of the cell.

The stages run here in process, on tables in memory: two hundred whole runs of the workflow would
take days. Left out are the forests, whose numbers all rest on every row of an endpoint, and what
only a reconstructed cohort has.
"""

from __future__ import annotations

import pickle
import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.covariates import covariate_frame
from sarcoma_sbrt.endpoints import derive_all
from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.published import Published
from sarcoma_sbrt.extraction.eligibility import Extraction, extract
from sarcoma_sbrt.extraction.sources import RawTable, read_cohort, shown_name
from sarcoma_sbrt.provenance.impact import Cell, Impact, Move, moves, outside
from sarcoma_sbrt.provenance.registration import configuration, raw_columns
from sarcoma_sbrt.provenance.row_sets import RowSets
from sarcoma_sbrt.provenance.rows import (
    CanonicalRows,
    NumberRows,
    PrintedRows,
    Records,
    prescriptions,
)
from sarcoma_sbrt.reporting.competing_statistics import competing_endpoints
from sarcoma_sbrt.reporting.diagnostic_statistics import diagnostic_statistics, diagnostic_summary
from sarcoma_sbrt.reporting.model_statistics import model_names
from sarcoma_sbrt.reporting.numbers import computed_entries, configured_entries
from sarcoma_sbrt.reporting.stages import (
    characteristics,
    competing,
    cox,
    dose_sensitivity,
    kaplan_meier,
)
from sarcoma_sbrt.reporting.stages.cohort import Cohort
from sarcoma_sbrt.reporting.stages.modelled import modelled
from sarcoma_sbrt.reporting.statistics import Statistic
from sarcoma_sbrt.settings import Plan, plan_settings

REPOSITORY = Path(__file__).parents[2]
SMALL = REPOSITORY / "tests" / "data" / "config" / "cohorts" / "small.yaml"
CHANGES, SEED = 200, 6
# Tables that the endpoints are derived from.
DECIDING = ("patients", "lesions", "courses", "assessments", "progressions")

pytestmark = pytest.mark.workflow

Staged = list[tuple[str, Statistic]]

REMEMBERED: dict[tuple[object, ...], Any] = {}


def remembered(make: Callable[..., Any], *read: object, of: object) -> Any:
    """What a function makes of what it reads, made once: most cells change few tables."""
    name = (make.__qualname__, of, *(sha256(pickle.dumps(one)).digest() for one in read))
    if name not in REMEMBERED:
        REMEMBERED[name] = make()
    return REMEMBERED[name]


def planned(path: Path) -> dict[str, Any]:
    """A cohort's settings beside the repository's, as the workflow hands them to scripts.

    Searching every cut point with permutations takes most of the time and moves with the rest.
    """
    files = {"endpoints": REPOSITORY / "config/endpoints.yaml", "cohort": path}
    files |= {"models": REPOSITORY / "config/models.yaml"}
    content = {name: yaml.safe_load(file.read_text("utf-8")) for name, file in files.items()}
    dose = content["cohort"].setdefault("models", {}).setdefault("dose", {})
    dose["cut_points"] = {"least_share": 0.1, "least_events": 3, "permutations": 9}
    dose |= {"alpha_beta_gy": [10], "step_gy": 10}
    return content | {"name": path.stem, "seed": SEED}


@dataclass(frozen=True)
class Study:
    """A cohort's plan and raw tables, from which its numbers follow."""

    content: Mapping[str, Any]
    raw: Mapping[str, RawTable]

    @cached_property
    def plan(self) -> Plan:
        return plan_settings(self.content)

    @cached_property
    def extraction(self) -> Extraction:
        return extract(self.plan.cohort, self.raw)

    def _deciding(self) -> list[pd.DataFrame]:
        return [self.extraction.tables[table] for table in DECIDING]

    @cached_property
    def endpoints(self) -> dict[str, pd.DataFrame]:
        return remembered(self._derived, *self._deciding(), of="endpoints")

    def _derived(self) -> dict[str, pd.DataFrame]:
        derived = derive_all(self.extraction.tables, self.plan.endpoints, self.plan.cohort)
        return {name: one.table for name, one in derived.items()}

    @cached_property
    def frames(self) -> dict[str, pd.DataFrame]:
        found = covariate_frame(
            self.extraction.tables,
            alpha_beta_gy=self.plan.alpha_beta_gy,
            concurrent_days=self.plan.concurrent_days,
        )
        return dict(zip(("patient", "lesion"), found, strict=True))

    @cached_property
    def statistics(self) -> Staged:
        return [*self._characteristics(), *self._dose(), *self._of_endpoints(), *self._competing()]

    def _characteristics(self) -> Iterator[tuple[str, Statistic]]:
        known = (*self.extraction.tables.values(), self.extraction.flow)
        found = remembered(self._described, *known, of="described")
        yield from (("characteristics", one) for one in found)

    def _described(self) -> list[Statistic]:
        return characteristics.statistics(self._read)

    def _dose(self) -> Iterator[tuple[str, Statistic]]:
        def make() -> list[Statistic]:
            return dose_sensitivity.statistics(self._read)

        found = remembered(make, *self._deciding(), of="dose")
        yield from (("dose_sensitivity", one) for one in found)

    def _of_endpoints(self) -> Iterator[tuple[str, Statistic]]:
        analysis, diagnosed = self.plan.analysis, []
        for name in analysis.endpoints:
            frame = self.frames[self.plan.endpoints[name].unit]
            tables = (self.endpoints[name], frame)
            found = remembered(lambda name=name: self._of_endpoint(name), *tables, of=name)
            yield from found
            diagnosed += [one for stage, one in found if stage == "diagnostics"]
        yield from (("diagnostics", one) for one in diagnostic_summary(diagnosed, analysis))

    def _of_endpoint(self, name: str) -> Staged:
        read = self._of_one(name)
        known = modelled(read, name, model_names(name, self.plan.analysis))
        endpoint, table, design, columns = known
        found = {
            "kaplan_meier": kaplan_meier.statistics(read),
            "cox": cox.statistics(read),
            # The stage itself adds the summary of all endpoints.
            "diagnostics": diagnostic_statistics(
                endpoint, table, design, self.plan.analysis, columns, observed=True
            ),
        }
        return [(stage, one) for stage, of_stage in found.items() for one in of_stage]

    def _competing(self) -> Iterator[tuple[str, Statistic]]:
        plan = self.plan
        for name in competing_endpoints(plan.endpoints, plan.analysis):
            tables = (*self._deciding(), self.frames[plan.endpoints[name].unit])
            yield from remembered(lambda name=name: self._of_competing(name), *tables, of=name)

    def _of_competing(self, name: str) -> Staged:
        return [("competing", one) for one in competing.statistics(self._of_one(name))]

    @property
    def _read(self) -> Cohort:
        """What the stages read."""
        found = self.extraction
        return Cohort(self.plan, self.frames, self.endpoints, found.tables, found.flow)

    def _of_one(self, name: str) -> Cohort:
        """The same with one endpoint, so that it is remembered by itself."""
        analysis = replace(self.plan.analysis, endpoints=(name,))
        return replace(self._read, plan=replace(self.plan, analysis=analysis))

    @cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Computed and configured entries, as far as a prediction looks at them."""
        computed = computed_entries(self.statistics, self.plan.cohort)
        named = configuration(self.content, self.plan.cohort, {"seed": SEED})
        return computed | configured_entries(named)

    def moves_to(self, other: Study) -> list[Move]:
        """What a reader sees differ; equal statistics make equal entries, and most are equal."""
        before, after = ({one.key: (s, one) for s, one in x.statistics} for x in (self, other))
        differing = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
        entries = (
            computed_entries([known[key] for key in differing & known.keys()], self.plan.cohort)
            for known in (before, after)
        )
        return moves(*entries)

    def impact(self) -> Impact:
        """Entries with their row sets."""
        records = Records(
            self.extraction.tables,
            self.endpoints,
            self.frames["patient"],
            self.frames["lesion"],
            self.plan,
        )
        sets = RowSets(records.tables, self.folder)
        prescribed = prescriptions(one for _, one in self.statistics)
        printed = PrintedRows(Published({}, {}), {}, {})
        rows = NumberRows(CanonicalRows(records, prescribed), printed, sets)
        names = {one.key: rows.name(stage, one) for stage, one in self.statistics}
        entries = {
            key: entry | {"lineage": names.get(entry.get("of", key))}
            for key, entry in self.entries.items()
        }
        columns = raw_columns(self.plan.cohort, self.folder)
        known = {"columns": columns, "row_sets": sets.to_json(), "registration": {"config": []}}
        return Impact(entries, known)

    @property
    def folder(self) -> str:
        return f"data/cohorts/{self.plan.cohort.name}"

    def with_cell(self, table: str, line: int, column: str, value: object) -> Study:
        """The same study with another value in one raw cell."""
        place = shown_name(self.plan.cohort.tables[table])
        changed = {
            name: replace(
                one,
                rows=tuple(
                    (n, {**row, column: value} if n == line else row) for n, row in one.rows
                ),
            )
            if one.file == place
            else one
            for name, one in self.raw.items()
        }
        return Study(self.content, changed)


def small() -> Study:
    content = planned(SMALL)
    cohort = plan_settings(content).cohort
    return Study(content, read_cohort(cohort, REPOSITORY / "tests/data/cohorts/small"))


def drawn(study: Study, draw: np.random.Generator) -> tuple[str, int, str, object]:
    """A raw cell of any column, and what another row has there, or nothing, or a bit more."""
    table = str(draw.choice(sorted(study.raw)))
    raw = study.raw[table]
    column = str(draw.choice(raw.header))
    line, row = raw.rows[draw.integers(len(raw.rows))]
    others = [other[column] for _, other in raw.rows if other.get(column) != row.get(column)]
    others += ["", *_shifted(row.get(column), float(draw.choice([-3, -1, 1, 2, 7])))]
    return table, line, column, others[draw.integers(len(others))]


def _shifted(value: object, by: float) -> list[object]:
    try:
        number = float(str(value).replace(",", "."))
    except ValueError:
        return []
    return [str(int(number + by))] if isinstance(value, str) else [type(value)(number + by)]


@dataclass(frozen=True)
class Outcome:
    """One change: how many numbers it could move, how many it did, and which were missed."""

    cell: Cell
    predicted: int
    moved: int
    missed: list[str]


def outcomes(study: Study, changes: int, seed: int) -> Iterator[Outcome]:
    """Changes that the extraction accepts, with what came of them."""
    draw, before, done = np.random.default_rng(seed), study.impact(), 0
    while done < changes:
        table, line, column, value = drawn(study, draw)
        other = study.with_cell(table, line, column, value)
        try:
            found = study.moves_to(other)
        except InputError:
            continue
        done += 1
        place = f"{study.folder}/{shown_name(study.plan.cohort.tables[table])}"
        cell = Cell(place, line, column)
        after = other.impact() if any(one.before is None for one in found) else before
        missed = outside(found, before, after, cell)
        yield Outcome(cell, len(before.predicted(cell)), len(found), missed)


@pytest.fixture(scope="module")
def changed() -> list[Outcome]:
    return list(outcomes(small(), CHANGES, SEED))


def test_what_moved_was_predicted(changed):
    missed = {str(one.cell): one.missed[:5] for one in changed if one.missed}
    assert missed == {}


def test_the_changes_reach_every_table_and_move_many_numbers(changed):
    assert len({one.cell.file for one in changed}) == len(
        {one.file for one in small().raw.values()}
    )
    assert sum(one.moved > 0 for one in changed) > CHANGES / 4
    assert sum(one.moved == 0 and one.predicted == 0 for one in changed) > 0


def test_the_median_ratio_of_predicted_to_moved(changed):
    ratios = [one.predicted / one.moved for one in changed if one.moved]
    print(f"\nmedian ratio of predicted to moved: {statistics.median(ratios):.2f}")
    assert 1 <= statistics.median(ratios) < 6
