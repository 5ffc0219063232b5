"""A search is determined by its seeds, whatever the number of cores, and survives a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import yaml

PLAN = "config/reconstruction/feng2022.yaml"
FOUND = "reconstruction/found"
SEARCH = {
    "runs": [
        {"seeds": [1], "course": {"starts": 2, "cool": 150_000, "cycles": 3, "heat": 50_000}},
        {"seeds": [2, 3], "course": {"starts": 1, "cool": 10_000, "cycles": 1, "heat": 5_000}},
    ],
    "kept": {"near": 141, "exact": 141, "least_difference": 0.25},
    "alternatives": {
        "seeds": [9],
        "course": {"starts": 1, "cool": 1_000, "cycles": 0, "heat": 10},
        "of": [{"name": "as used here"}],
    },
}


def shortened(copy):
    """The repository's copy with a search of seconds."""
    path = copy.folder / PLAN
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(content | {"search": SEARCH}, allow_unicode=True))
    return copy


def made(copy, results):
    """Bytes of the cohorts and of what each seed found, by file."""
    folder = copy.folder / results / "reconstruction"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in [*folder.rglob("*.csv"), *folder.rglob("*.json")]
    }


def killed(copy, results):
    """Start the search, and kill everything as soon as it has left a checkpoint."""
    command = [
        *(sys.executable, "-m", "snakemake", "--cores", "1", "--workflow-profile", "none"),
        *("--config", "cohort=reconstructed-2022", f"results={results}"),
        *("--", f"{results}/reconstruction/search/seeds/1.json"),
    ]
    process = subprocess.Popen(
        command,
        cwd=copy.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    checkpoints = copy.folder / results / "reconstruction/search/checkpoints"
    while process.poll() is None and not list(checkpoints.glob("*.npz")):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert list(checkpoints.glob("*.npz"))
    assert not list((copy.folder / results).rglob("1.json"))


def test_the_same_cohorts_on_one_core_after_a_kill_and_on_two(copy):
    shortened(copy)
    run = copy.snakemake(
        "reconstruct_solutions", cohort="reconstructed-2022", cores=2, results="two"
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "seed 1: 100 % of 540,000 moves, of 141 numbers" in run.stderr
    assert not list((copy.folder / "two/reconstruction/search/checkpoints").iterdir())
    killed(copy, "one")
    copy.snakemake("--unlock", cohort="reconstructed-2022", results="one")
    again = copy.snakemake(
        *("--rerun-incomplete", "reconstruct_solutions"),
        cohort="reconstructed-2022",
        cores=1,
        results="one",
    )
    assert again.returncode == 0, again.stdout + again.stderr
    went_on, unbroken = (
        (copy.folder / results / "logs/reconstruct_seed_1.log").read_text().count("seed 1: ")
        for results in ("one", "two")
    )
    assert went_on < unbroken  # from where it was killed, not from its start
    assert made(copy, "one") == made(copy, "two")
    assert f"{FOUND[15:]}/solutions/patients.csv" in made(copy, "one")
