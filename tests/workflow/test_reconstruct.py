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
COMMITTED = "data/reconstruction/reconstructed-2022"
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


def test_a_committed_table_that_the_search_did_not_write_stops_the_run(copy):
    path = f"{COMMITTED}/patients.csv"
    table = copy.folder / path
    header, first, *rest = table.read_text(encoding="utf-8").splitlines()
    months = header.split(",").index("os_months")
    cells = first.split(",")
    cells[months] = str(int(cells[months]) + 1)
    table.write_text("\n".join([header, ",".join(cells), *rest]) + "\n", encoding="utf-8")
    run = copy.snakemake("reproduction", cohort="reconstructed-2022")
    assert run.returncode != 0
    assert f"{path}: not the file that the search wrote (SHA-256)" in run.stderr + run.stdout


def test_a_folder_without_the_record_of_its_search_stops_the_run(copy):
    (copy.folder / COMMITTED / "search.json").unlink()
    run = copy.snakemake("reproduction", cohort="reconstructed-2022")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "Missing input files for rule reproduction" in said
    assert f"{COMMITTED}/search.json" in said
