"""Put the Quarto project together; check what its words claim."""

from functools import partial
from pathlib import Path

from sarcoma_sbrt.io import job_log, line_of, read_json, read_yaml
from sarcoma_sbrt.provenance.claims import check_claims, claim_conditions, read_claims, verdicts
from sarcoma_sbrt.provenance.disclosure import disclosure_conditions
from sarcoma_sbrt.rendering.assembly import assemble
from sarcoma_sbrt.rendering.source import expand
from sarcoma_sbrt.reporting.conditions import conditions
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan, project = plan_settings(snakemake.params.plan), Path(snakemake.output.project)
    numbers = read_json(snakemake.input.in_full)
    # One file where nothing is withheld.
    whole = snakemake.input.in_full == snakemake.input.numbers
    public = numbers if whole else read_json(snakemake.input.numbers)
    tables = read_json(snakemake.input.tables)
    listed = snakemake.input.claims
    claims = read_claims(
        read_yaml(listed, snakemake.input.schema), listed, partial(line_of, listed)
    )
    found = verdicts(claims, numbers)
    asked = conditions(numbers, tables, plan.analysis, plan.cohort, plan.endpoints)
    withheld = disclosure_conditions(SmallCells.of(snakemake.params.least))
    assemble(
        Path(snakemake.params.manuscript),
        project,
        numbers=numbers,
        public=public,
        tables=tables,
        figures=[Path(path) for path in snakemake.input.figures],
        conditions=asked | claim_conditions(found) | withheld,
        date=snakemake.params.date,
        label=plan.cohort.label,
    )
    folder = snakemake.params.manuscript
    made = check_claims(expand(project), claims, found, numbers, folder=folder)
    print(f"{made} claims, all carried")
