# One include, so that `snakemake` works from the repository's root; the workflow is in workflow/.
include: "workflow/Snakefile"
