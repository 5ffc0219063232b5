# So that `snakemake` works from the repository's root; the workflow is in workflow/. A plain
# `include:` would not bring the included file's default target along.
workflow.include("workflow/Snakefile", overwrite_default_target=True)
