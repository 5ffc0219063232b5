"""Set published rates beside each other and pool what can be pooled."""

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.io import job_log, read_json, read_rows, write_json
from sarcoma_sbrt.reporting.evidence_statistics import synthesis_statistics
from sarcoma_sbrt.reporting.statistics import to_json
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]):
    plan = plan_settings(snakemake.params.plan)
    tables = {path: read_rows(path) for path in snakemake.input.tables}
    printed = published(tables, read_json(snakemake.input.package))
    origin = printed.studies.get(plan.cohort.derived_from or "")
    statistics = synthesis_statistics(
        printed.figures.values(),
        printed.studies,
        alpha_beta=plan.alpha_beta_gy,
        level=plan.analysis.confidence_level,
        endpoints=plan.analysis.comparison.endpoints,
        times_months=plan.analysis.comparison.times_months,
        excluded_cohorts=[origin.cohort_id] if origin else [],
    )
    write_json(snakemake.output.statistics, to_json("synthesis", statistics))
    print(f"{len(statistics)} statistics")
