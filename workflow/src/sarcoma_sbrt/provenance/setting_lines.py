"""On which line of which configuration file a setting stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import yaml

__all__ = ["Setting", "lines_below", "setting_lines", "with_own_blocks"]


@dataclass(frozen=True)
class Setting:
    """Where a setting stands.

    Attributes
    ----------
    path : str
        Configuration file.
    line : int
        From 1.
    sha256 : str
        Of the file; empty of one that is no input of the registry.
    """

    path: str
    line: int
    sha256: str = ""


def setting_lines(text: str, name: str, path: str, sha256: str = "") -> dict[str, Setting]:
    """Where every setting of a YAML file stands, with its blocks and the items of its lists.

    Parameters
    ----------
    text : str
        Its content.
    name : str
        What keys of the registry call it: its ``screening.reviewed`` is
        ``<name>.screening.reviewed``.
    path, sha256 : str
        The file as the lineage shows it, and its hash.
    """
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    return {key: Setting(path, line, sha256) for key, line in _lines_below(node, name)}


def _lines_below(node: yaml.Node | None, before: str) -> Iterator[tuple[str, int]]:
    for step, mark, value in _parts(node):
        name = f"{before}.{step}"
        yield name, mark.line + 1
        yield from _lines_below(value, name)


def _parts(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Mark, yaml.Node]]:
    """Name, place and value of what a mapping or a list holds; of a list the names are numbers."""
    if isinstance(node, yaml.MappingNode):
        yield from ((key.value, key.start_mark, value) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((str(at), item.start_mark, item) for at, item in enumerate(node.value))


def with_own_blocks(lines: Mapping[str, Setting], blocks: Collection[str]) -> dict[str, Setting]:
    """Places where the blocks of ``models`` that a cohort's own file has replace the plan's.

    Parameters
    ----------
    lines : mapping
        `setting_lines` of the files ``models`` and ``cohort``, and of others.
    blocks : collection of str
        Names of the cohort's own blocks.
    """
    replaced = {f"models.{block}" for block in blocks}
    kept = {key: place for key, place in lines.items() if not _is_of(key, replaced)}
    own = {
        key.removeprefix("cohort."): place
        for key, place in lines.items()
        if _is_of(key, {f"cohort.{block}" for block in replaced})
    }
    return kept | own


def _is_of(key: str, blocks: Collection[str]) -> bool:
    """Whether a key is a block's or of a setting in it; a block is two or three names deep."""
    parts = key.split(".")
    return any(".".join(parts[:depth]) in blocks for depth in (2, 3))


def lines_below(text: str, line: int) -> set[int]:
    """Lines of the settings that begin on a line of a YAML file, and of all that is below them.

    Parameters
    ----------
    text : str
        The file's content.
    line : int
        From 1; empty where no setting begins on it.
    """
    places = {key: one.line for key, one in setting_lines(text, "", "").items()}
    begun = {key for key, at in places.items() if at == line}
    return {
        at
        for key, at in places.items()
        if any(key == one or key.startswith(f"{one}.") for one in begun)
    }
