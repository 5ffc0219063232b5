"""``sarcoma-sbrt dictionary``: the data dictionary as Markdown."""

from __future__ import annotations

from pathlib import Path

from sarcoma_sbrt.cli.run import NoAnswer, document
from sarcoma_sbrt.schema import data_dictionary, package_dictionary

__all__ = ["dictionary"]


def dictionary(package: Path) -> str:
    """Dictionary of the canonical and the published tables.

    Raises
    ------
    NoAnswer
        When there is no such data package.
    """
    if not package.is_file():
        raise NoAnswer(f"{package}: no such file; name it with --package")
    return data_dictionary() + package_dictionary(document(package.parent, package.name))
