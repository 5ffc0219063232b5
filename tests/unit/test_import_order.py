"""Imports run one way, and only few modules touch the world (DESIGN, section 4)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "sarcoma_sbrt"
ROOT = Path(__file__).parents[2] / "workflow/src" / PACKAGE

# A module may import only those above it. A module may be listed before it is written; one that
# is written and not listed fails: decide where it stands.
LAYERS = (
    ("", "errors schema validation settings io"),
    ("extraction.", "sources mapping eligibility"),
    ("", "dose endpoints covariates"),
    ("survival.", "kaplan_meier logrank cox counting_process"),
    ("survival.", "diagnostics nonproportional competing cut_points"),
    ("survival.", "performance forest cross_validation"),
    ("survival.", "imputation"),
    ("evidence.", "published"),
    ("evidence.consistency.", "rounding findings readings percentages counts subsets ranges"),
    ("evidence.consistency.", "contrasts comparisons repeats labels directions drift legibility"),
    ("evidence.consistency.", "enumeration interleaving curves certificates"),
    ("evidence.consistency.", "landmarks pooled report"),
    ("evidence.", "comparison synthesis"),
    ("evidence.reconstruction.", "marginals draws endpoint_tables expansion nearness"),
    ("evidence.reconstruction.", "agreement feasibility prescriptions marginal_conflicts"),
    ("evidence.reconstruction.", "evaluator search problem schedule solutions"),
    ("evidence.reconstruction.", "simulation demonstration"),
    ("evidence.reconstruction.", "reproduction conflicts search_record alternatives"),
    ("reporting.", "statistics cohort_statistics survival_statistics model_statistics"),
    ("reporting.", "clinical_statistics toxicity_statistics"),
    ("reporting.", "competing_statistics"),
    ("reporting.", "dose_statistics"),
    ("reporting.", "diagnostic_statistics"),
    ("reporting.", "imputation_statistics"),
    ("reporting.", "forest_statistics"),
    ("reporting.stages.", "cohort modelled characteristics kaplan_meier cox diagnostics"),
    ("reporting.stages.", "imputation competing dose_sensitivity forest"),
    ("reporting.", "solution_ranges solution_statistics"),
    ("reporting.", "value_labels consistency_statistics evidence_statistics"),
    ("reporting.", "reproduction_statistics marginal_statistics"),
    ("reporting.", "small_cells totals numbers over_solutions transcribed drawn_numbers"),
    ("reporting.", "tables placement drawing"),
    ("reporting.", "panels figures"),
    ("reporting.", "demonstration_figures"),
    ("reporting.", "consistency_tables evidence_tables evidence_figures"),
    ("reporting.", "competing_tables competing_figures"),
    ("reporting.", "dose_tables dose_figures"),
    ("reporting.", "reproduction_tables search_figures marginal_tables"),
    ("reporting.", "diagnostic_tables diagnostic_figures"),
    ("reporting.", "imputation_tables"),
    ("reporting.", "forest_tables forest_figures"),
    ("reporting.", "clinical_tables toxicity_tables clinical_figures"),
    ("reporting.", "conditions"),
    ("provenance.", "row_ranges row_sets setting_lines rows registry registration"),
    ("provenance.", "lineage environment disclosure"),
    ("provenance.crosscheck.", "checks records events counts survival_curves derived_again"),
    ("provenance.crosscheck.", "logrank_tests doses"),
    ("provenance.crosscheck.", "partial_likelihood cox_models proportionality influence"),
    ("provenance.crosscheck.", "competing_risks imputed forests pooling"),
    ("provenance.crosscheck.", "published_figures published_words published_pairs"),
    ("provenance.crosscheck.", "published_counts published_curves published_groups"),
    (
        "provenance.crosscheck.",
        "published_ranges published_versions published_pools published_checks",
    ),
    ("provenance.crosscheck.", "printed_again marginals plan engines"),
    ("provenance.", "passages page_tokens claims places furniture figure_numbers digit_coverage"),
    ("provenance.", "descriptions populations"),
    ("provenance.", "ancestry impact verification verdict differences"),
    ("provenance.", "explorer crate run_records claims_export"),
    ("rendering.", "source reference appendix marks assembly embedded quarto"),
    ("rendering.", "tagged_pdf pages page_coverage"),
    ("cli.", "run cells scratch trace diff impact verify dictionary app"),
)
ORDER = [f"{folder}{name}" for folder, names in LAYERS for name in names.split()]

# Modules that may read, write, run programs and print.
WORLDLY = ("io", "extraction.sources", "rendering.", "cli.")
WORLDLY += ("provenance.digit_coverage", "provenance.run_records")

FILE_FUNCTIONS = {"open", "print", "input", "exec", "eval"}
FILE_METHODS = {
    "open",
    "read_text",
    "read_bytes",
    "write_text",
    "write_bytes",
    "mkdir",
    "unlink",
    "rmdir",
    "rmtree",
    "touch",
    "iterdir",
    "rglob",
    "read_parquet",
    "to_parquet",
    "read_csv",
    "read_excel",
    "to_excel",
    "load_workbook",
    "savefig",
    "imsave",
}
PROGRAM_MODULES = {"subprocess", "shutil", "tempfile", "os", "socket", "urllib", "requests"}
CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.perf_counter",
    "time.monotonic",
    "time.localtime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "pd.Timestamp.now",
    "Timestamp.now",
}
# Of numpy.random: what does not touch the global generator.
GENERATORS = {"default_rng", "SeedSequence", "Generator", "PCG64", "Philox"}


def modules() -> dict[str, Path]:
    """Path of every module below the package, `__init__` files left out, by dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path
        for path in sorted(ROOT.rglob("*.py"))
        if path.name != "__init__.py"
    }


MODULES = modules()


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name (below the package) of everything that a module imports of the package."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                names = [f"{PACKAGE}.<relative>"]
            else:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith(f"{PACKAGE}."):
                yield node.lineno, name.removeprefix(f"{PACKAGE}.")


def module_of(name: str) -> str | None:
    """The listed module that an imported name is or is defined in."""
    parts = name.split(".")
    candidates = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((c for c in candidates if c in ORDER), None)


def order_faults(module: str, source: str) -> list[str]:
    """Imports of a module that its place in `ORDER` does not allow."""
    faults = []
    for line, name in imported(ast.parse(source)):
        target = module_of(name)
        if target is None:
            faults.append(f"{module}:{line}: imports {name}, which is no listed module")
        elif ORDER.index(target) >= ORDER.index(module):
            faults.append(f"{module}:{line}: imports {target}, which stands below it")
    return faults


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a chain of attributes; the base is empty when it is no name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_worldly(module: str) -> bool:
    return any(module == w or (w.endswith(".") and module.startswith(w)) for w in WORLDLY)


def purity_faults(module: str, source: str) -> list[str]:
    """What a module does that a pure one may not (or no module may)."""
    tree = ast.parse(source)
    faults = [(n.lineno, f) for n in ast.walk(tree) if isinstance(n, ast.Call) for f in _seeds(n)]
    if not is_worldly(module):
        faults += [(line, "imports io") for line, name in imported(tree) if module_of(name) == "io"]
        for node in ast.walk(tree):
            faults += [(line, what) for line, what in _worldly(node)]
    return [f"{module}:{line}: {what}" for line, what in sorted(faults)]


def _seeds(call: ast.Call) -> Iterator[str]:
    """The global generator, or a generator without a seed."""
    name = dotted(call.func)
    last = name.rpartition(".")[2]
    if last == "default_rng" and not call.args and not call.keywords:
        yield f"{name}() without a seed"
    legacy = name.startswith(("np.random.", "numpy.random.")) and last not in GENERATORS
    if legacy or name.startswith("random."):
        yield f"{name}: the global generator"


def _worldly(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        for name in names:
            if str(name).partition(".")[0] in PROGRAM_MODULES:
                yield node.lineno, f"imports {name}"
    elif isinstance(node, ast.Call):
        name = dotted(node.func)
        last = name.rpartition(".")[2]
        if name in FILE_FUNCTIONS or ("." in name and last in FILE_METHODS):
            yield node.lineno, f"calls {name}"
        if any(name == clock or name.endswith(f".{clock}") for clock in CLOCKS):
            yield node.lineno, f"reads the clock with {name}"


def test_there_is_a_package_to_look_at() -> None:
    assert {"errors", "schema", "settings", "io", "endpoints"} <= MODULES.keys()
    assert len(ORDER) == len(set(ORDER))


@pytest.mark.parametrize("module", MODULES)
def test_module_is_listed(module: str) -> None:
    assert module in ORDER, f"{module} has no place in the import order: add it to ORDER"


@pytest.mark.parametrize("module", [m for m in MODULES if m in ORDER])
def test_imports_run_one_way(module: str) -> None:
    assert order_faults(module, MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("module", MODULES)
def test_only_few_modules_touch_the_world(module: str) -> None:
    assert purity_faults(module, MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "folder", sorted({path.parent for path in ROOT.rglob("*.py")}), ids=lambda p: p.name
)
def test_init_files_exist_and_are_empty(folder: Path) -> None:
    assert (folder / "__init__.py").read_bytes() == b""


# --- the checks themselves ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("from sarcoma_sbrt.schema import TABLES", []),
        ("from sarcoma_sbrt import schema", []),
        ("import numpy", []),
        ("from sarcoma_sbrt.cli import app", ["dose:1: imports cli.app, which stands below it"]),
        ("import sarcoma_sbrt.endpoints", ["dose:1: imports endpoints, which stands below it"]),
        (
            "def f():\n    from sarcoma_sbrt.cli import app",
            ["dose:2: imports cli.app, which stands below it"],
        ),
        ("from sarcoma_sbrt.dose import bed", ["dose:1: imports dose, which stands below it"]),
        (
            "from sarcoma_sbrt.survival import cox",
            ["dose:1: imports survival.cox, which stands below it"],
        ),
        (
            "from sarcoma_sbrt.utils import x",
            ["dose:1: imports utils.x, which is no listed module"],
        ),
        ("from . import schema", ["dose:1: imports <relative>, which is no listed module"]),
    ],
)
def test_order_check(source: str, faults: list[str]) -> None:
    assert order_faults("dose", source) == faults


@pytest.mark.parametrize(
    ("source", "faults"),
    [
        ("x = np.random.default_rng(seed)", []),
        ("x = table.time()", []),
        ("x = datetime.strptime(text, stated)", []),
        ("print(1)", ["dose:1: calls print"]),
        ("open('x')", ["dose:1: calls open"]),
        ("Path('x').read_text()", ["dose:1: calls .read_text"]),
        ("pd.read_parquet('x')", ["dose:1: calls pd.read_parquet"]),
        ("figure.savefig('x')", ["dose:1: calls figure.savefig"]),
        ("import time\ntime.time()", ["dose:2: reads the clock with time.time"]),
        ("datetime.datetime.now()", ["dose:1: reads the clock with datetime.datetime.now"]),
        ("import subprocess", ["dose:1: imports subprocess"]),
        ("from sarcoma_sbrt.io import read_json", ["dose:1: imports io"]),
        ("np.random.seed(1)", ["dose:1: np.random.seed: the global generator"]),
        ("np.random.default_rng()", ["dose:1: np.random.default_rng() without a seed"]),
    ],
)
def test_purity_check(source: str, faults: list[str]) -> None:
    assert purity_faults("dose", source) == faults


def test_worldly_modules_may_read_but_not_seed() -> None:
    source = "print(open('x'))\nnp.random.seed(1)"
    for module in ("io", "rendering.quarto", "provenance.digit_coverage", "cli.app"):
        assert purity_faults(module, source) == [
            f"{module}:2: np.random.seed: the global generator"
        ]
