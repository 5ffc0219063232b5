"""A scratch copy of the repository and of a run's results, to recompute in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from sarcoma_sbrt.cli.run import NoAnswer
from sarcoma_sbrt.provenance.ancestry import Run

__all__ = ["copied", "recompute", "stale"]

# What a run needs of the repository beside the files that its lineage names.
_PARTS = ("Snakefile", "config", "envs", "manuscript", "profiles", "workflow")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info", ".snakemake")
# Recomputing numbers needs nothing of these.
_NOT_NEEDED = ("logs", "benchmarks", "crate")
_LOG = re.compile(r"^\s*log:\s*([^\s,]+)", re.MULTILINE)
_RESULTS = "results"


def stale(run: Run, now: Mapping[str, str | None]) -> list[str]:
    """Paths of data, code and configuration that are not what the run read."""
    lock = run.lineage["environment"]["lock"]
    then = dict(run.lineage["files"]) | {lock["path"]: lock["sha256"]}
    then |= {file["path"]: file["sha256"] for files in run.code.values() for file in files}
    return sorted(path for path, sha256 in then.items() if now[path] != sha256)


def copied(repository: Path, results: Path, files: Iterable[str], folder: Path) -> Path:
    """Copy of what a run needs, in `folder`; times of files are kept, so that nothing else reruns.

    Parameters
    ----------
    repository, results : Path
        What to copy.
    files : iterable of str
        Paths below the repository that the run read: their folders come along.
    folder : Path
        Empty, made here.

    Returns
    -------
    Path
        The copy's results.
    """
    shutil.copytree(
        results, folder / _RESULTS, ignore=lambda path, _: _left_out(Path(path), results)
    )
    for part in _PARTS:
        _copy(repository / part, folder / part)
    for parent in sorted({str(Path(file).parent) for file in files}):
        if not (folder / parent).exists():
            _copy(repository / parent, folder / parent)
    return folder / _RESULTS


def _left_out(path: Path, results: Path) -> tuple[str, ...]:
    return _NOT_NEEDED if path == results else ()


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_IGNORED, dirs_exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)


def recompute(
    folder: Path, targets: Iterable[str], settings: Mapping[str, str], cores: int
) -> None:
    """Run the workflow in a copy, up to some targets.

    Files count as changed by their time alone: the copy has none of Snakemake's memory, and the
    run was found to be up to date.

    Raises
    ------
    NoAnswer
        With what the failed rule logged, when the workflow refuses the change.
    """
    command = [
        *(sys.executable, "-m", "snakemake"),
        *(f"{_RESULTS}/{target}" for target in targets),
        *("--cores", str(cores), "--workflow-profile", "none", "--rerun-triggers", "mtime"),
        *("--config", *(f"{key}={value}" for key, value in settings.items())),
        f"results={_RESULTS}",
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoAnswer(f"the workflow refuses it:\n{_reason(folder, done.stdout + done.stderr)}")


def _reason(folder: Path, output: str) -> str:
    """What the failed rules logged; where none did, what Snakemake said last."""
    logs = dict.fromkeys(_LOG.findall(output))
    texts = [
        (folder / log).read_text(encoding="utf-8").strip()
        for log in logs
        if (folder / log).is_file()
    ]
    return "\n".join(filter(None, texts)) or "\n".join(output.strip().splitlines()[-10:])
