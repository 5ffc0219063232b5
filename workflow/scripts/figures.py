"""Draw every figure as SVG and PNG, and list the numbers that it draws."""

from pathlib import Path

import matplotlib

from sarcoma_sbrt.evidence.reconstruction.search_record import read_record
from sarcoma_sbrt.io import job_log, read_json, read_parquet, read_tables, write_json
from sarcoma_sbrt.reporting.clinical_figures import clinical_figures
from sarcoma_sbrt.reporting.competing_figures import incidence_figure
from sarcoma_sbrt.reporting.competing_statistics import competing_endpoints
from sarcoma_sbrt.reporting.diagnostic_figures import functional_form_figure, schoenfeld_figure
from sarcoma_sbrt.reporting.dose_figures import cut_point_figure
from sarcoma_sbrt.reporting.drawn_numbers import sidecar
from sarcoma_sbrt.reporting.evidence_figures import comparison_figure, dose_figure
from sarcoma_sbrt.reporting.figures import (
    flow_figure,
    hazard_ratio_figure,
    kaplan_meier_figure,
    save_options,
    style,
)
from sarcoma_sbrt.reporting.forest_figures import importance_figure, partial_dependence_figure
from sarcoma_sbrt.reporting.panels import curve_ends
from sarcoma_sbrt.reporting.search_figures import search_figure
from sarcoma_sbrt.reporting.small_cells import SmallCells
from sarcoma_sbrt.settings import plan_settings

with job_log(snakemake.log[0]), matplotlib.rc_context(style()):
    plan = plan_settings(snakemake.params.plan)
    analysis, cohort = plan.analysis, plan.cohort
    small = SmallCells.of(snakemake.params.least)
    numbers = read_json(snakemake.input.numbers)
    curves = read_parquet(snakemake.input.curves)
    incidence = read_parquet(snakemake.input.incidence)
    ends = curve_ends(curves, numbers, small)
    ends_of_both = curve_ends(curves, numbers, small, ("n", "events", "competing"))
    figures = {
        "flow": flow_figure(read_json(snakemake.input.flow), numbers, cohort, small),
        "hazard_ratios": hazard_ratio_figure(numbers, analysis, cohort),
        "importances": importance_figure(numbers, analysis, cohort),
        "partial_dependence": partial_dependence_figure(numbers, analysis, cohort),
    } | {
        f"km_{name}": kaplan_meier_figure(
            curves, numbers, plan.endpoints[name], panels, analysis, cohort, ends
        )
        for name, panels in analysis.figures.items()
    }
    figures |= {
        f"comparison_{name}": comparison_figure(numbers, analysis, cohort, name)
        for name in analysis.comparison.endpoints
    } | {"dose_local_control": dose_figure(numbers, analysis, cohort)}
    residuals, splines = (read_parquet(snakemake.input[n]) for n in ("residuals", "splines"))
    figures |= {
        "schoenfeld": schoenfeld_figure(residuals, numbers, analysis, cohort, dots=small is None),
        "functional_form": functional_form_figure(splines, numbers, analysis, cohort),
    }
    figures |= {
        f"cif_{name}": incidence_figure(
            incidence,
            numbers,
            plan.endpoints[name],
            analysis.figures.get(name, ("overall",)),
            analysis,
            cohort,
            ends_of_both,
        )
        for name in competing_endpoints(plan.endpoints, analysis)
    }
    figures |= {
        f"cut_points_{name}": cut_point_figure(numbers, plan.endpoints[name], analysis, cohort)
        for name in analysis.dose_endpoints
    }
    tables = read_tables(snakemake.input.tables)
    figures |= clinical_figures(tables, numbers, plan.endpoints, analysis, cohort)
    for path in snakemake.input.record:
        figures["search"] = search_figure(read_record(read_json(path), path), numbers, cohort)
    outputs = snakemake.output
    for name, svg, png, numbers_of in zip(
        snakemake.params.figures, outputs.svg, outputs.png, outputs.sidecars, strict=True
    ):
        figures[name].savefig(svg, **save_options("svg"))
        figures[name].savefig(png, **save_options("png"))
        drawn = sidecar(figures[name], name, Path(svg).read_text(encoding="utf-8"))
        write_json(numbers_of, drawn)
        print(f"{name}: {len(drawn['numbers'])} numbers, {len(drawn['ticks'])} ticks")
