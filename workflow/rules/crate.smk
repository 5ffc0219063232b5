# The run for machines, as a Workflow Run RO-Crate.
# Requires: everything that the manifest lists, <results>/manifest.json, Snakemake's own records.
# Makes: <results>/crate/ (with times, so outside the manifest).

# Every rule so far, in order: include this file after theirs.
TOOLS = [
    {
        "rule": rule.name,
        "script": f"{WORKFLOW.as_posix()}/scripts/{Path(rule.script).name}",
        "says": (rule.docstring or rule.name).strip(),
    }
    for rule in workflow.rules
    if rule.script
]


rule crate:
    """Describe the run as a Workflow Run RO-Crate."""
    input:
        manifest=rules.manifest.output.manifest,
        # Which libraries the stages used.
        lineage=rules.numbers.output.lineage,
        code=code("crate"),
        lock=str(LOCK),
    output:
        crate=directory(f"{RESULTS}/crate"),
    log:
        f"{LOGS}/crate.log",
    benchmark:
        f"{BENCHMARKS}/crate.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
        run={
            **RUN,
            "date": DATE,
            "renderer": RENDERER,
            "renderer_version": RENDERER_VERSION,
        },
        date=DATE,
        description=COHORT_SETTINGS.label
        or "Records of patients, which are not in this crate.",
        workflow=str(WORKFLOW / "Snakefile"),
        tools=TOOLS,
        engine=version_of("snakemake"),
        version=version_or("sarcoma-sbrt", "unreleased"),
        results=lambda wildcards: RESULTS,
        data=lambda wildcards: COHORT_DATA,
        benchmarks=lambda wildcards: BENCHMARKS,
    script:
        "../scripts/crate.py"
