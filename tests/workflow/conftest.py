"""The whole workflow in a temporary copy of the repository, never over the user's results."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PARTS = ("Snakefile", "config", "envs", "manuscript", "profiles", "workflow")
DATA = (
    "data/cohorts/reconstructed-2022",
    "data/reconstruction",
    "data/published",
)  # never a user's own cohort
IGNORED = shutil.ignore_patterns("__pycache__", "*.egg-info")


@dataclass(frozen=True)
class Checkout:
    """A temporary copy of the repository, and Snakemake to run in it."""

    folder: Path

    def snakemake(self, *arguments, cohort="small", cores=2, **config):
        """Finished run of Snakemake; `config` goes to --config beside the cohort."""
        values = [f"{key}={value}" for key, value in {"cohort": cohort, **config}.items()]
        command = [
            *(sys.executable, "-m", "snakemake", "--cores", str(cores)),
            *("--workflow-profile", "none", "--show-failed-logs"),
            *arguments,
            *("--config", *values),
        ]
        return subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )

    def edit(self, path, old, new):
        """Replace a text that stands once in a file."""
        self.edit_bytes(path, old.encode(), new.encode())

    def edit_bytes(self, path, old, new):
        """The same for a file in any encoding."""
        file = self.folder / path
        content = file.read_bytes()
        assert content.count(old) == 1, f"{old!r} stands {content.count(old)} times in {path}"
        file.write_bytes(content.replace(old, new))


def checkout(folder):
    """Copy of the repository with the small cohort in place."""
    for part in PARTS + DATA:
        source = REPOSITORY / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=IGNORED)
        else:
            shutil.copy2(source, folder / part)
    data = REPOSITORY / "tests" / "data"
    shutil.copy2(data / "config" / "cohorts" / "small.yaml", folder / "config" / "cohorts")
    shutil.copytree(data / "cohorts" / "small", folder / "data" / "cohorts" / "small")
    return Checkout(folder)


@pytest.fixture(scope="session")
def checkouts():
    """`checkout`, for a test that changes what is there before anything runs."""
    return checkout


@pytest.fixture
def copy(tmp_path):
    """A fresh copy in which nothing has run."""
    return checkout(tmp_path)


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A copy in which the workflow has run on the small cohort; not to be changed."""
    copy = checkout(tmp_path_factory.mktemp("finished"))
    run = copy.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    return copy


@pytest.fixture
def rerunnable(finished, tmp_path):
    """A copy of the finished run, with Snakemake's memory of it, to change at will."""
    folder = tmp_path / "rerun"
    shutil.copytree(finished.folder, folder)
    return Checkout(folder)
