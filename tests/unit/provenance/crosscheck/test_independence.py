"""Second engines share no code with the first: what each module may import, however far."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sarcoma_sbrt.provenance.lineage import import_closure, import_graph, imported_modules

ROOT = Path(__file__).parents[4]
SOURCES = ROOT / "workflow" / "src"
HERE = "sarcoma_sbrt.provenance.crosscheck."


def named(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES).with_suffix("").parts)


PACKAGE = {
    named(path): path.read_text(encoding="utf-8")
    for path in SOURCES.rglob("*.py")
    if path.name != "__init__.py"
}
GRAPH = import_graph(PACKAGE)
ENGINES = sorted(name for name in PACKAGE if name.startswith(HERE))

# What both engines read: names, units and codes of columns, the plan, and errors.
SHARED = {f"sarcoma_sbrt.{name}" for name in ("errors", "schema", "settings", "validation")}
# Draws are replayed, which the list says of what rests on them: their generator is the first's.
REPLAYED = f"{HERE}imputed"
GENERATOR = {"sarcoma_sbrt.covariates", "sarcoma_sbrt.survival.imputation"}
# Arithmetic, distributions and optimisers; no estimator of survival data.
LIBRARIES = {"numpy", "scipy", "pandas"}


def reached(module: str) -> set[str]:
    """Modules of the package below a second engine, those of second engines not looked into."""
    own = {name for name in GRAPH[module] if name.startswith(HERE)}
    return set(import_closure(set(GRAPH[module]) - own, GRAPH))


def libraries(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("module", ENGINES)
def test_a_second_engine_reaches_nothing_of_the_first(module: str) -> None:
    if module == REPLAYED:
        assert set(GRAPH[module]) & GENERATOR == GENERATOR
    else:
        assert reached(module) <= SHARED


@pytest.mark.parametrize("module", ENGINES)
def test_a_second_engine_estimates_with_no_library(module: str) -> None:
    known = {*sys.stdlib_module_names, "sarcoma_sbrt"}
    assert set(libraries(PACKAGE[module])) - known <= LIBRARIES


@pytest.mark.parametrize("call", ["importlib", "__import__", "exec", "eval", "getattr(sys"])
def test_nothing_is_imported_by_another_way(call: str) -> None:
    assert not [module for module in ENGINES if f"{call}(" in PACKAGE[module]]


def test_what_is_drawn_by_the_first_engine_is_said_to_be_replayed() -> None:
    lines = yaml.safe_load((ROOT / "config/crosscheck.yaml").read_text(encoding="utf-8"))
    drawn = [
        (stage, line["status"])
        for stage, of_stage in lines["stages"].items()
        for line in of_stage
        if "same draws" in line.get("engine", "")
    ]
    assert drawn
    assert set(drawn) == {("imputation", "replayed")}


def test_the_test_sees_an_import_of_the_first_engine() -> None:
    source = "from sarcoma_sbrt.survival.cox import fit_cox\nimport lifelines"
    assert imported_modules(source, PACKAGE) == {"sarcoma_sbrt.survival.cox"}
    assert "sarcoma_sbrt.survival.cox" not in SHARED
    assert set(libraries(source)) - {"sarcoma_sbrt"} == {"lifelines"}
