# What a reconstruction recovers of a study made by us, whose truth is known.
# Not part of `all`: run with `snakemake --cores 4 reconstruct_demonstration`.
# Requires: config/reconstruction/demonstration.yaml.
# Makes: <results>/reconstruction/demonstration/.

DEMONSTRATION = f"{RESULTS}/reconstruction/demonstration"
DEMONSTRATED = checked_files(
    {"demonstration": str(REPOSITORY / "config/reconstruction/demonstration.yaml")}
)["demonstration"]


rule demonstration_study:
    """Simulate a cohort and print its statistics as an article would."""
    input:
        columns=str(REPOSITORY / "data/published/targets/feng2022.csv"),
        code=code("demonstration_study"),
        lock=str(LOCK),
    output:
        patients=f"{DEMONSTRATION}/truth/patients.csv",
        lesions=f"{DEMONSTRATION}/truth/lesions.csv",
        targets=f"{DEMONSTRATION}/targets.csv",
        plan=f"{DEMONSTRATION}/plan.json",
    log:
        f"{LOGS}/demonstration_study.log",
    benchmark:
        f"{BENCHMARKS}/demonstration_study.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        study=DEMONSTRATED,
    script:
        "../scripts/demonstration_study.py"


rule demonstration_search:
    """Reconstruct the study from what it printed, seed {wildcards.seed}."""
    input:
        targets=rules.demonstration_study.output.targets,
        plan=rules.demonstration_study.output.plan,
        code=code("demonstration_search"),
        lock=str(LOCK),
    output:
        patients=f"{DEMONSTRATION}/{{seed}}/patients.csv",
        lesions=f"{DEMONSTRATION}/{{seed}}/lesions.csv",
        score=f"{DEMONSTRATION}/{{seed}}/score.json",
    log:
        f"{LOGS}/demonstration_search_{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/demonstration_search_{{seed}}.tsv"
    wildcard_constraints:
        seed=r"\d+",
    conda:
        "../../envs/workflow.yaml"
    params:
        course=DEMONSTRATED["searches"]["course"],
    script:
        "../scripts/demonstration_search.py"


rule reconstruct_demonstration:
    """Compare the reconstructions with the truth: curves, hazard ratios and single rows."""
    input:
        patients=rules.demonstration_study.output.patients,
        lesions=rules.demonstration_study.output.lesions,
        plan=rules.demonstration_study.output.plan,
        found_patients=expand(
            rules.demonstration_search.output.patients,
            seed=DEMONSTRATED["searches"]["seeds"],
        ),
        found_lesions=expand(
            rules.demonstration_search.output.lesions,
            seed=DEMONSTRATED["searches"]["seeds"],
        ),
        scores=expand(
            rules.demonstration_search.output.score,
            seed=DEMONSTRATED["searches"]["seeds"],
        ),
        code=code("reconstruct_demonstration"),
        lock=str(LOCK),
    output:
        comparison=f"{DEMONSTRATION}/comparison.csv",
        summary=f"{DEMONSTRATION}/summary.csv",
        rows=f"{DEMONSTRATION}/rows.csv",
        svg=f"{DEMONSTRATION}/curves.svg",
        png=f"{DEMONSTRATION}/curves.png",
    log:
        f"{LOGS}/reconstruct_demonstration.log",
    benchmark:
        f"{BENCHMARKS}/reconstruct_demonstration.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        study=DEMONSTRATED,
    script:
        "../scripts/reconstruct_demonstration.py"
