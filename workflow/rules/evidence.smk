# Printed figures of published studies: checked against each other, compared, pooled.
# Requires: data/published/. Makes: <results>/evidence/consistency.json,
# <results>/statistics/{consistency,synthesis}.json.

import json

PUBLISHED = config["published"].rstrip("/")
PACKAGE = f"{PUBLISHED}/datapackage.json"
# Read without checks: a package that is none is reported by the rules, with its place.
PUBLISHED_TABLES = [
    f"{PUBLISHED}/{resource['path']}"
    for resource in json.loads(Path(PACKAGE).read_text(encoding="utf-8"))["resources"]
]


rule consistency:
    """Recompute every printed figure that allows it, and judge it with the arithmetic shown."""
    input:
        package=PACKAGE,
        tables=PUBLISHED_TABLES,
        code=code("consistency"),
        lock=str(LOCK),
    output:
        findings=report(
            f"{RESULTS}/evidence/consistency.json",
            caption="../report/consistency.rst",
            category="Evidence",
        ),
        statistics=f"{RESULTS}/statistics/consistency.json",
    log:
        f"{LOGS}/consistency.log",
    benchmark:
        f"{BENCHMARKS}/consistency.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        alpha_beta=CONFIGURATION["endpoints"]["alpha_beta_gy"],
    script:
        "../scripts/consistency.py"


rule synthesis:
    """Set published rates beside each other, pool them by site, regress them on dose."""
    input:
        package=PACKAGE,
        tables=PUBLISHED_TABLES,
        code=code("synthesis"),
        lock=str(LOCK),
    output:
        statistics=f"{RESULTS}/statistics/synthesis.json",
    log:
        f"{LOGS}/synthesis.log",
    benchmark:
        f"{BENCHMARKS}/synthesis.tsv"
    conda:
        "../../envs/workflow.yaml"
    params:
        plan=plan(),
    script:
        "../scripts/synthesis.py"
