# The search for cohorts that give back a study's printed statistics: independent seeds, the best
# cohort, the others that are about as good, and what is searched otherwise for comparison.
# Not part of `all`: `snakemake --cores 4 reconstruct` runs it for many hours, and what it makes is
# committed in data/reconstruction/<cohort>/, which the default run reads and checks.
# Requires: data/published/targets/<study>.csv, config/reconstruction/<study>.yaml.
# Makes: <results>/reconstruction/search/, the cohorts in <results>/reconstruction/found/.

SEARCH = f"{RESULTS}/reconstruction/search"
SEARCHED = RECONSTRUCTION_PLAN["search"]
# More seeds do not make those done another search.
STATED = {key: part for key, part in RECONSTRUCTION_PLAN.items() if key != "search"}
COURSES = {
    str(seed): run["course"] for run in SEARCHED["runs"] for seed in run["seeds"]
}
ALTERNATIVES = SEARCHED["alternatives"]


rule reconstruct_seed:
    """Search for a cohort that gives back the printed statistics, seed {wildcards.seed}."""
    input:
        targets=f"{PUBLISHED}/targets/{STUDY}.csv",
        code=code("reconstruct_seed"),
        lock=str(LOCK),
    output:
        run=f"{SEARCH}/seeds/{{seed}}.json",
    log:
        f"{LOGS}/reconstruct_seed_{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/reconstruct_seed_{{seed}}.tsv"
    wildcard_constraints:
        seed=r"\d+",
    conda:
        "../../envs/workflow.yaml"
    params:
        reconstruction=STATED,
        alternative={},
        course=lambda wildcards: COURSES[wildcards.seed],
        checkpoints=f"{SEARCH}/checkpoints",
    script:
        "../scripts/reconstruct_seed.py"


rule reconstruct_alternative:
    """Search under another convention or count ({wildcards.alternative}), seed {wildcards.seed}."""
    input:
        targets=f"{PUBLISHED}/targets/{STUDY}.csv",
        code=code("reconstruct_seed"),
        lock=str(LOCK),
    output:
        run=f"{SEARCH}/alternatives/{{alternative}}_{{seed}}.json",
    log:
        f"{LOGS}/reconstruct_alternative_{{alternative}}_{{seed}}.log",
    benchmark:
        f"{BENCHMARKS}/reconstruct_alternative_{{alternative}}_{{seed}}.tsv"
    wildcard_constraints:
        alternative=r"\d+",
        seed=r"\d+",
    conda:
        "../../envs/workflow.yaml"
    params:
        reconstruction=STATED,
        alternative=lambda wildcards: ALTERNATIVES["of"][int(wildcards.alternative)],
        course=ALTERNATIVES["course"],
        checkpoints=f"{SEARCH}/checkpoints",
    script:
        "../scripts/reconstruct_seed.py"


rule reconstruct_alternatives:
    """Every search under another convention or count."""
    input:
        runs=expand(
            rules.reconstruct_alternative.output.run,
            alternative=range(len(ALTERNATIVES["of"])),
            seed=ALTERNATIVES["seeds"],
        ),


rule reconstruct_solutions:
    """Choose the best cohort, and of the others those that are about as good and differ."""
    input:
        runs=expand(rules.reconstruct_seed.output.run, seed=COURSES),
        code=code("reconstruct_solutions"),
        lock=str(LOCK),
    output:
        patients=f"{RESULTS}/reconstruction/found/patients.csv",
        lesions=f"{RESULTS}/reconstruction/found/lesions.csv",
        all_patients=f"{RESULTS}/reconstruction/found/solutions/patients.csv",
        all_lesions=f"{RESULTS}/reconstruction/found/solutions/lesions.csv",
        chosen=f"{SEARCH}/solutions.json",
    log:
        f"{LOGS}/reconstruct_solutions.log",
    benchmark:
        f"{BENCHMARKS}/reconstruct_solutions.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        kept=SEARCHED["kept"],
    script:
        "../scripts/reconstruct_solutions.py"
