"""What a finished run left on disk: Snakemake's records of its jobs, benchmarks, files by hash."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sarcoma_sbrt.io import sha256
from sarcoma_sbrt.provenance.crate import Material, may_be_copied

__all__ = ["ShownPaths", "benchmark", "material", "metadata_records"]


@dataclass(frozen=True)
class ShownPaths:
    """How a run's paths are shown, wherever its results and data lie.

    Attributes
    ----------
    results, data : str
        Folders on disk.
    cohort : str
    kind : str
        ``observed`` or ``reconstructed``: whether rows may be handed on.
    """

    results: str
    data: str
    cohort: str
    kind: str

    @property
    def shown_data(self) -> str:
        """The cohort's folder as it is shown."""
        return f"data/cohorts/{self.cohort}"

    def shown(self, path: str | Path) -> str:
        """Path relative to the repository, or as if it lay below it."""
        for folder, name in ((self.results, "results"), (self.data, self.shown_data)):
            if Path(path).is_relative_to(folder):
                return (Path(name) / Path(path).relative_to(folder)).as_posix()
        return Path(os.path.relpath(path)).as_posix()


def metadata_records(
    folder: Path, results: str, rules: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Output path -> what Snakemake keeps of it, of outputs that are still there.

    Parameters
    ----------
    folder : path
        ``.snakemake/metadata``: a file's name is its output in URL-safe Base64, split into
        folders (whose names begin with ``@``) where it is long.
    results : str
        Outputs elsewhere are another run's.
    rules : collection of str
        Rules whose outputs are wanted.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = "".join(part.removeprefix("@") for part in path.relative_to(folder).parts)
            output = base64.urlsafe_b64decode(name).decode()
            if Path(output).is_relative_to(results) and Path(output).exists():
                found[output] = json.loads(path.read_text(encoding="utf-8"))
    return {path: record for path, record in found.items() if record["rule"] in rules}


def material(path: str, folders: ShownPaths) -> Material:
    """A file of the run by its hash; a folder by the names and hashes of its files."""
    name, file = folders.shown(path), Path(path)
    if file.is_dir():
        files = sorted(p for p in file.rglob("*") if p.is_file())
        lines = [f"{p.relative_to(file).as_posix()} {sha256(p)}\n" for p in files]
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        return Material(name, digest, sum(p.stat().st_size for p in files), False, is_folder=True)
    copied = may_be_copied(name, folders.kind, results="results", data=folders.shown_data)
    return Material(name, sha256(file), file.stat().st_size, copied)


def benchmark(path: Path) -> Mapping[str, str]:
    """The line of a benchmark file, by column."""
    with path.open(encoding="utf-8", newline="") as stream:
        return next(csv.DictReader(stream, delimiter="\t"))
