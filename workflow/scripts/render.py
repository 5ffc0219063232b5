"""Render the manuscript."""

from pathlib import Path

from sarcoma_sbrt.io import job_log
from sarcoma_sbrt.rendering import embedded, quarto

RENDERERS = {"embedded": embedded.render, "quarto": quarto.render}

with job_log(snakemake.log[0]):
    print(f"{snakemake.params.renderer} {snakemake.params.version}")
    RENDERERS[snakemake.params.renderer](
        Path(snakemake.input.project),
        Path(snakemake.output.html).parent,
        date=snakemake.params.date,
    )
