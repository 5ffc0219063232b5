"""Which libraries a stage's code imports, as distributions with their versions."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping

from sarcoma_sbrt.provenance.lineage import imported_names

__all__ = ["PACKAGE", "distribution_of", "distributions", "foreign_imports", "stage_versions"]

PACKAGE = "sarcoma_sbrt"

# Distributions that are called otherwise than what is imported of them, as the lock spells them.
_DISTRIBUTIONS = {
    "bs4": "beautifulsoup4",
    "pypandoc": "pypandoc-binary",
    "sklearn": "scikit-learn",
    "sksurv": "scikit-survival",
    "yaml": "pyyaml",
}


def foreign_imports(source: str) -> frozenset[str]:
    """Top-level names that a source text imports of neither this package nor the standard library.

    Parameters
    ----------
    source : str
        Python source.

    Raises
    ------
    SyntaxError
        When the text is none.
    """
    names = {name.partition(".")[0] for name in imported_names(source)}
    return frozenset(names - {PACKAGE} - sys.stdlib_module_names)


def distribution_of(name: str) -> str:
    """Name of the distribution that an imported name belongs to, as the lock spells it."""
    return _DISTRIBUTIONS.get(name, name.lower().replace("_", "-"))


def distributions(sources: Iterable[str]) -> list[str]:
    """Names of the distributions that source texts import, sorted."""
    return sorted({distribution_of(name) for source in sources for name in foreign_imports(source)})


def stage_versions(
    code: Mapping[str, Iterable[str]],
    imports: Mapping[str, Iterable[str]],
    version: Callable[[str], str],
) -> dict[str, dict[str, str]]:
    """Version of every distribution that a stage's scripts and modules import.

    Parameters
    ----------
    code : mapping of str to iterable of str
        Stage -> paths of its scripts and modules.
    imports : mapping of str to iterable of str
        Path -> `foreign_imports` of the file.
    version : callable
        Of an installed distribution, as `importlib.metadata.version`; asked once for each.

    Raises
    ------
    KeyError
        When a path was not read; and whatever `version` raises.
    """
    known = functools.cache(version)
    found = {}
    for stage, paths in sorted(code.items()):
        names = {distribution_of(name) for path in paths for name in imports[path]}
        found[stage] = {name: known(name) for name in sorted(names)}
    return found
