"""Put the Quarto project together."""

from pathlib import Path

from sarcoma_sbrt.io import job_log, read_json
from sarcoma_sbrt.rendering.assembly import assemble
from sarcoma_sbrt.reporting.conditions import conditions
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    numbers = read_json(snakemake.input.numbers)
    tables = read_json(snakemake.input.tables)
    assemble(
        Path(snakemake.params.manuscript),
        Path(snakemake.output.project),
        numbers=numbers,
        tables=tables,
        figures=[Path(path) for path in snakemake.input.figures],
        conditions=conditions(numbers, tables, plan.analysis, plan.cohort, plan.endpoints),
        date=snakemake.params.date,
        label=plan.cohort.label,
    )
