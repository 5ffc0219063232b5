# Shared by all the files of this folder: the checked configuration, the plan that follows from
# it, and the paths. Requires config/; makes nothing.
import os
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from pathlib import Path

from snakemake.exceptions import WorkflowError

# Relative, so that what Snakemake prints of inputs stays short.
WORKFLOW = Path(os.path.relpath(Path(workflow.current_basedir).parent))
REPOSITORY = Path(os.path.normpath(WORKFLOW / os.pardir))
# The package needs no installation here, nor in the environment of a job (--sdm conda).
PACKAGES = str((WORKFLOW / "src").resolve())
sys.path.insert(0, PACKAGES)

from sarcoma_sbrt import settings
from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.io import line_of, read_json, read_modules, read_yaml
from sarcoma_sbrt.provenance.disclosure import small_cells
from sarcoma_sbrt.provenance.environment import distributions
from sarcoma_sbrt.provenance.lineage import (
    import_closure,
    import_graph,
    imported_modules,
)
from sarcoma_sbrt.provenance.verdict import verdict
from sarcoma_sbrt.schema import TABLES

# One BLAS thread and a fixed hash seed: the same bytes on one core and on four.
os.environ.update(
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    PYTHONHASHSEED="0",
    PYTHONPATH=PACKAGES,
)

SCHEMAS = WORKFLOW / "schemas"
LOCK = REPOSITORY / "envs" / "requirements.lock"
MANUSCRIPT = REPOSITORY / "manuscript"


def checked_values():
    """The configuration after --config and --configfile, held to the same schema."""
    import jsonschema
    import yaml

    rules = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text(encoding="utf-8"))
    errors = sorted(jsonschema.Draft202012Validator(rules).iter_errors(config), key=str)
    if errors:
        raise WorkflowError(
            "bad configuration\n"
            + "\n".join(f"--config: {error.message}" for error in errors)
        )


def checked_files(paths):
    """Configuration files by name, each held to its schema; all that is wrong at once."""
    files, problems = {}, []
    for name, path in paths.items():
        try:
            files[name] = read_yaml(path, SCHEMAS / f"{name}.schema.yaml")
        except InputError as error:
            problems += error.problems
    if problems:
        raise WorkflowError(f"bad input\n{InputError(problems)}")
    return files


def placed(problem):
    """A problem of the analysis plan at its line: the cohort's block wins over the plan's."""
    block = problem.column.split(".")[0]
    own = block in CONFIGURATION["cohort"].get("models", {})
    path = COHORT_FILE if own else config["models"]
    keys = f"models.{problem.column}" if own else problem.column
    return replace(problem, file=path, line=line_of(path, keys), column=keys)


if Path("config/config.yaml").is_file():
    checked_files({"config": "config/config.yaml"})
checked_values()
COHORT = config["cohort"]
COHORT_FILE = f"config/cohorts/{COHORT}.yaml"
CONFIGURATION = checked_files(
    {
        "endpoints": config["endpoints"],
        "models": config["models"],
        "cohort": COHORT_FILE,
    }
)
# Folders are left out of what rules see: moving the results must not move a number.
RUN = {"cohort": COHORT, "seed": int(config["seed"])}
DATE = str(config["date"])

ENDPOINTS = settings.endpoint_settings(CONFIGURATION["endpoints"])
COHORT_SETTINGS = settings.cohort_settings(COHORT, CONFIGURATION["cohort"])
try:
    ANALYSIS = settings.analysis_settings(
        CONFIGURATION["models"], ENDPOINTS, COHORT_SETTINGS, int(config["seed"])
    )
except InputError as error:
    raise WorkflowError(f"bad input\n{InputError(map(placed, error.problems))}")

RESULTS = config["results"].rstrip("/")
PRIVATE = f"{RESULTS}/private"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
COHORT_DATA = f"{config['data']}/{COHORT}"

# Where small counts are withheld (config/README.md), what holds them in full stays private.
SMALL_CELLS = small_cells(
    settings.merged_plan(CONFIGURATION["models"], COHORT_SETTINGS)["disclosure"],
    COHORT_SETTINGS.kind,
)
IN_FULL = PRIVATE if SMALL_CELLS else RESULTS
LEAST_TOLD = SMALL_CELLS.least if SMALL_CELLS else None

RAW_FILES = sorted({f"{COHORT_DATA}/{t.file}" for t in COHORT_SETTINGS.tables.values()})
# A missing file is not an input: extraction reports it with everything else that is wrong.
PRESENT_RAW_FILES = [path for path in RAW_FILES if Path(path).is_file()]
CANONICAL = [f"{PRIVATE}/canonical/{table}.parquet" for table in TABLES]

_MODULES = read_modules(WORKFLOW / "src" / "sarcoma_sbrt")
_IMPORTS = import_graph({name: text for name, (_, text) in _MODULES.items()})


def code(script):
    """The package modules that a script reaches: inputs of its rule."""
    text = (WORKFLOW / "scripts" / f"{script}.py").read_text(encoding="utf-8")
    reached = import_closure(imported_modules(text, _IMPORTS), _IMPORTS)
    return [str(_MODULES[name][0]) for name in reached]


def scripts_and_modules(scripts):
    """Paths of scripts and of the package modules that they reach."""
    return sorted(
        {path for script in scripts for path in code(script)}
        | {str(WORKFLOW / "scripts" / f"{script}.py") for script in scripts}
    )


def libraries(scripts):
    """Distributions that scripts and the package modules that they reach import."""
    paths = map(Path, scripts_and_modules(scripts))
    return distributions(path.read_text(encoding="utf-8") for path in paths)


def below_repository(path, elsewhere):
    """How a path is shown: as it lies below the repository, or as if it did."""
    full, root = Path(path).resolve(), REPOSITORY.resolve()
    return full.relative_to(root).as_posix() if full.is_relative_to(root) else elsewhere


def lines_of_run(path="config/config.yaml"):
    """Where config.yaml says what was run; what the command line replaced stands nowhere."""
    # Lines, no input: a new date is no reason to register all numbers anew.
    given = checked_files({"config": path})["config"] if Path(path).is_file() else {}
    return {
        f"run.{key}": [path, line_of(path, key)]
        for key, value in RUN.items()
        if given.get(key) == value
    }


def version_or(name, otherwise):
    """Version of what is installed; a conda environment may not have the package itself."""
    try:
        return version_of(name)
    except PackageNotFoundError:
        return otherwise


def plan():
    """What a script needs to rebuild the analysis plan; all of it YAML, so comparable."""
    return {**CONFIGURATION, "name": COHORT, "seed": int(config["seed"])}


def tell_audit():
    """Say what the audit found, whatever --quiet asks; nothing where there is none yet."""
    path = Path(f"{RESULTS}/audit/audit.json")
    if path.is_file():
        current = any(job.rule.name == "audit" for job in workflow.dag.jobs)
        print(
            *verdict(read_json(path), str(path), current=current),
            sep="\n",
            file=sys.stderr,
        )
