"""Register every number with what stands behind it."""

import platform
from importlib.metadata import version
from pathlib import Path

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.io import (
    hashed,
    job_log,
    read_json,
    read_parquet,
    read_rows,
    read_tables,
    sha256,
    write_json,
    write_text,
)
from sarcoma_sbrt.provenance import disclosure, registration
from sarcoma_sbrt.provenance.environment import foreign_imports, stage_versions
from sarcoma_sbrt.provenance.registry import code_sets, registry, registry_text
from sarcoma_sbrt.provenance.row_sets import RowSets
from sarcoma_sbrt.provenance.rows import (
    CanonicalRows,
    NumberRows,
    PrintedRows,
    Records,
    prescriptions,
    printed_tables,
)
from sarcoma_sbrt.reporting.over_solutions import (
    constrained,
    outside,
    with_ranges,
)
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.reporting.solution_ranges import read_ranges
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    read, given = snakemake.input, snakemake.params
    plan, root, folder = plan_settings(given.plan), given.repository, given.shown
    study = plan.cohort.derived_from
    printed = {path: read_rows(path) for path in read.published}
    figures = published(printed, read_json(read.package))
    of_ranges = [row for path in read.ranges for row in read_rows(path)]
    ranges = read_ranges(of_ranges)

    raw = hashed(read.raw, given.data, shown=folder)
    tables = hashed(printed, given.published, shown="data/published")
    package = hashed([read.package], given.published, shown="data/published")
    settings = {
        name: {"path": one["shown"], "sha256": sha256(one["path"])}
        for name, one in given.settings.items()
    }
    texts = {
        name: Path(one["path"]).read_text(encoding="utf-8") for name, one in given.settings.items()
    }
    placed = registration.settings(
        {name: (file, texts[name]) for name, file in settings.items()}, plan.cohort, given.run_lines
    )
    found, held = hashed(read.found, root), hashed(read.ranges, root)
    code = {path: hashed([path], root)[0] for path in read.registered}
    inputs = registration.inputs(plan.cohort, folder, raw, tables, held)
    inputs |= {"config.cohort": settings["cohort"]}
    stages = registration.stages(given.stages, inputs, code)

    statistics = registration.gathered(
        (stage, read_json(path)) for stage, paths in given.statistics.items() for path in paths
    )
    records = Records(
        tables=read_tables(read.tables),
        endpoints=read_tables(read.endpoints),
        patients=read_parquet(read.patients),
        lesions=read_parquet(read.lesions),
        plan=plan,
    )
    lines = {f"published.{Path(path).stem}": rows for path, rows in printed.items()}
    lines |= {registration.RANGES: of_ranges}
    sets = RowSets(records.tables, folder)
    rows = NumberRows(
        CanonicalRows(records, prescriptions(statistic for _, statistic in statistics)),
        PrintedRows(figures, printed_tables(inputs, lines), registration.also(stages)),
        sets,
        placed,
    )
    rests_on = {statistic.key: rows.name(stage, statistic) for stage, statistic in statistics}
    configuration = registration.configuration(
        given.plan,
        plan.cohort,
        given.run,
        reconstruction=given.reconstruction,
        marginals=given.marginals,
    )
    entries = registry(
        statistics,
        stages,
        configuration,
        plan.analysis,
        plan.cohort,
        plan.endpoints,
        figures,
        lineage=rests_on,
        row_sets=sets.to_json(),
        checks=read_json(read.crosscheck)["checks"],
        settings=placed,
    )
    if held:
        stale = outside(entries, ranges)
        subgroups = given.reconstruction["subgroups"]
        likely = constrained(figures.of(study), subgroups, plan.analysis)
        entries = with_ranges(entries, ranges, likely, held[0])
        entries = registration.with_range_rows(entries, statistics, rows, held[0], of_ranges)
        print(f"{len(ranges)} ranges, {len(stale)} of them of other data or another plan")

    environment = {
        "python": platform.python_version(),
        "lock": hashed([read.lock], root)[0],
        "renderer": given.renderer,
        "stages": stage_versions(
            {name: stage["code"] for name, stage in given.stages.items() if stage["code"]},
            {path: foreign_imports(Path(path).read_text(encoding="utf-8")) for path in code},
            version,
        )
        | {
            rule: {name: version(name) for name in names}
            for rule, names in given.printing_libraries.items()
        },
    }
    lineage = registration.lineage_document(
        plan.cohort,
        folder,
        files=[*raw, *tables, *package, *found, *settings.values()],
        environment=environment,
        registration=given.registration,
        printing=given.printing,
        row_sets=sets.to_json(),
    )
    small = SmallCells.of(given.least)
    worded = disclosure.withhold(entries, small)
    told, row_sets = disclosure.disclosed_sets(
        disclosure.published(worded, small), lineage["row_sets"], small
    )
    if small:
        values, rows_in_full = snakemake.output.in_full
        write_text(values, registry_text(worded))
        write_json(rows_in_full, lineage)
    write_text(snakemake.output.numbers, registry_text(told))
    write_json(snakemake.output.code, code_sets(stages))
    write_json(snakemake.output.lineage, lineage | {"row_sets": row_sets})
    print(f"{len(entries)} entries, {len(statistics)} of them computed statistics")
    print(f"{len(lineage['row_sets'])} sets of rows")
