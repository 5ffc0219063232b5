from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from sarcoma_sbrt.provenance.crate import Material
from sarcoma_sbrt.provenance.run_records import ShownPaths, benchmark, material, metadata_records

OBSERVED = ShownPaths("out/run", "/srv/records", "centre", "observed")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("out/run/statistics/cox.json", "results/statistics/cox.json"),
        ("/srv/records/patients.csv", "data/cohorts/centre/patients.csv"),
        ("workflow/Snakefile", "workflow/Snakefile"),
        ("out/running/cox.json", "out/running/cox.json"),
    ],
)
def test_paths_are_shown_as_if_all_lay_below_the_repository(path: str, shown: str) -> None:
    assert OBSERVED.shown(path) == shown


def kept(folder: Path, output: str, rule: str) -> None:
    """A record as Snakemake keeps it, its name split as if it were too long."""
    name = base64.urlsafe_b64encode(output.encode()).decode()
    path = folder / f"@{name[:6]}" / name[6:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rule": rule, "input": []}), encoding="utf-8")


def test_records_of_this_run_are_read_where_their_outputs_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    there = ("out/run/cox.json", "out/run/lint.json", "other/cox.json")
    for path in there:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("{}", encoding="utf-8")
    folder = tmp_path / "metadata"
    for path, rule in zip(there, ("cox", "lint", "cox"), strict=True):
        kept(folder, path, rule)
    kept(folder, "out/run/gone.json", "cox")
    assert metadata_records(folder, "out/run", {"cox"}) == {
        "out/run/cox.json": {"rule": "cox", "input": []}
    }


def test_a_file_is_named_by_its_hash_and_a_folder_by_those_of_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (("b/two.txt", b"22"), ("one.txt", b"1")):
        path = tmp_path / "out/run/audit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    held = f"b/two.txt {digest(b'22')}\none.txt {digest(b'1')}\n"
    assert material("out/run/audit", OBSERVED) == Material(
        "results/audit", digest(held.encode()), 3, False, is_folder=True
    )
    assert material("out/run/audit/one.txt", OBSERVED) == Material(
        "results/audit/one.txt", digest(b"1"), 1, True
    )


@pytest.mark.parametrize(("kind", "copied"), [("observed", False), ("reconstructed", True)])
def test_raw_rows_of_patients_are_not_copied(tmp_path: Path, kind: str, copied: bool) -> None:
    path = tmp_path / "patients.csv"
    path.write_bytes(b"patient\n")
    folders = ShownPaths("results", str(tmp_path), "centre", kind)
    assert material(str(path), folders).copied is copied


def test_a_benchmark_is_its_line(tmp_path: Path) -> None:
    path = tmp_path / "cox.tsv"
    path.write_text("s\tcpu_time\n1.5\t1.2\n", encoding="utf-8")
    assert benchmark(path) == {"s": "1.5", "cpu_time": "1.2"}
