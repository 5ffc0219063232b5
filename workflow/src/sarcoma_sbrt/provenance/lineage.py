"""What code a rule's result depends on: the import closure of its script."""

from __future__ import annotations

import ast
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping

__all__ = ["import_closure", "import_graph", "imported_modules", "imported_names"]


@functools.cache  # the rule files ask each module twice, at the start of every job
def imported_names(source: str) -> frozenset[str]:
    """Dotted names that a source text imports, of whatever package; relative imports left out.

    ``from package.module import name`` gives ``package.module`` and ``package.module.name``.

    Parameters
    ----------
    source : str
        Python source.

    Raises
    ------
    SyntaxError
        When the text is none.
    """
    found: set[str] = set()
    for node in _statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below a node; an import is one, so expressions need not be walked."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        parts = getattr(node, field, None)
        # Of a lambda or a conditional expression these are no statements.
        for part in parts if isinstance(parts, list) else ():
            yield part
            yield from _statements(part)


def imported_modules(source: str, known: Collection[str]) -> set[str]:
    """Modules of the package that a source text imports directly.

    Parameters
    ----------
    source : str
        Python source.
    known : collection of str
        Names of the package's modules.

    Returns
    -------
    set of str
        ``from package.module import name`` counts as the module ``package.module.name``
        where that is one.
    """
    return {name for name in imported_names(source) if name in known}


def import_graph(known: Mapping[str, str]) -> dict[str, set[str]]:
    """Direct imports of every module of the package, by module name."""
    return {name: imported_modules(source, known) for name, source in known.items()}


def import_closure(direct: Iterable[str], graph: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Every module of the package that some modules reach, they themselves included, sorted.

    The closure is complete only while the package's ``__init__`` files are empty, which a
    test enforces.

    Parameters
    ----------
    direct : iterable of str
        Where to start: `imported_modules` of a script.
    graph : mapping
        `import_graph` of the package.
    """
    reached: set[str] = set()
    frontier = set(direct)
    while frontier:
        reached |= frontier
        frontier = {module for name in frontier for module in graph[name]} - reached
    return tuple(sorted(reached))
