"""How long the workflow takes on this machine: printed, never asserted.

Runs in a temporary copy of the repository's tracked files, so that nothing of the user's is
touched: from nothing, with nothing to do, and after a change of prose.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sarcoma_sbrt.provenance.run_records import benchmark

REPOSITORY = Path(__file__).parents[2]
PARTS = (
    *("Snakefile", "config", "envs", "manuscript", "profiles", "workflow"),
    *("data/cohorts/reconstructed-2022", "data/reconstruction", "data/published"),
)
# What provenance costs: rules by what they are for.
SHARES = {
    "registry and lineage": ("numbers",),
    "second engines": ("crosscheck",),
    "gate, pages, audit": ("digit_coverage", "page_coverage", "audit"),
    "explorer and exports": ("explorer", "export", "crate", "manifest"),
}


def seconds(folder: Path, cores: int) -> float:
    """Wall time of one run of the workflow."""
    command = ["snakemake", "--cores", str(cores), "--workflow-profile", "none", "--quiet", "all"]
    begin = time.perf_counter()
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(run.stdout + run.stderr)
    return time.perf_counter() - begin


def processor_seconds(folder: Path) -> dict[str, float]:
    """Processor time of every job of a run, by the name of its benchmark."""
    return {
        path.stem: float(benchmark(path)["cpu_time"])
        for path in sorted((folder / "results" / "benchmarks").glob("*.tsv"))
    }


def verified(folder: Path) -> float:
    """Wall time of `sarcoma-sbrt verify` on the finished run."""
    begin = time.perf_counter()
    run = subprocess.run(["sarcoma-sbrt", "verify"], cwd=folder, check=False)
    if run.returncode:
        sys.exit("verify found something, printed above")
    return time.perf_counter() - begin


def main() -> None:
    """Print one line per case."""
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for part in PARTS:
            source = REPOSITORY / part
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, folder / part)
        print(f"workflow, {cores} cores")
        print(f"  from nothing     {seconds(folder, cores):7.1f} s")
        spent = processor_seconds(folder)
        total = sum(spent.values())
        print(f"  its jobs         {total:7.1f} s of processor time, of which")
        for purpose, rules in SHARES.items():
            print(f"    {purpose:20} {sum(spent[rule] for rule in rules) / total:6.1%}")
        print(f"  nothing to do    {seconds(folder, cores):7.1f} s")
        print(f"  verify           {verified(folder):7.1f} s")
        prose = folder / "manuscript" / "sections" / "introduction.qmd"
        prose.write_text(prose.read_text(encoding="utf-8") + "\nOne more sentence.\n", "utf-8")
        print(f"  change of prose  {seconds(folder, cores):7.1f} s")


if __name__ == "__main__":
    main()
