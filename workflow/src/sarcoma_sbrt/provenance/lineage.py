"""What code a rule's result depends on: the import closure of its script."""

from __future__ import annotations

import ast
from collections.abc import Mapping

__all__ = ["import_closure", "imported_modules"]


def imported_modules(source: str, known: Mapping[str, str]) -> set[str]:
    """Modules of the package that a source text imports directly.

    Parameters
    ----------
    source : str
        Python source.
    known : mapping
        Module name -> source, for every module of the package.

    Returns
    -------
    set of str
        ``from package.module import name`` counts as the module ``package.module.name``
        where that is one.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name in known}


def import_closure(source: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """Every module of the package that a source text reaches, sorted.

    The closure is complete only while the package's ``__init__`` files are empty, which a
    test enforces.
    """
    reached: set[str] = set()
    frontier = imported_modules(source, known)
    while frontier:
        reached |= frontier
        frontier = {m for name in frontier for m in imported_modules(known[name], known)} - reached
    return tuple(sorted(reached))
