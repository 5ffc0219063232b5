import re
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
LOCK = (REPOSITORY / "envs" / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\]+)(?: ; ([^\\]+?))? \\$", re.MULTILINE)


def locked():
    """Name -> version for Python 3.11, the version of the conda environment."""
    return {
        name: version
        for name, version, marker in PIN.findall(LOCK)
        if "python_full_version >= '3.12'" not in marker
    }


def test_every_pin_has_a_hash():
    pins = re.split(r"^(?=[a-z0-9][a-z0-9._-]*==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(pins) > 50
    assert [pin.splitlines()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_lock_names_no_registry():
    assert re.search(r"https?://|--(?:index|find)-", LOCK) is None


def test_everything_asked_for_is_locked():
    asked = (REPOSITORY / "envs" / "requirements.in").read_text(encoding="utf-8")
    names = set(re.findall(r"^([A-Za-z][A-Za-z0-9-]*)", asked, re.MULTILINE))
    assert {name.lower() for name in names} <= set(locked())


def test_the_conda_environment_is_in_step_with_the_lock():
    environment = yaml.safe_load((REPOSITORY / "envs" / "workflow.yaml").read_text("utf-8"))
    pins = dict(line.split("==") for line in environment["dependencies"][-1]["pip"])
    assert pins == {name: locked()[name] for name in pins}


def test_the_conda_environment_has_every_library_the_workflow_imports():
    asked = (REPOSITORY / "envs" / "requirements.in").read_text(encoding="utf-8")
    runtime = asked.split("# What `make check`")[0]
    names = set(re.findall(r"^([a-z][a-z0-9-]*)", runtime, re.MULTILINE))
    environment = yaml.safe_load((REPOSITORY / "envs" / "workflow.yaml").read_text("utf-8"))
    assert {line.split("==")[0] for line in environment["dependencies"][-1]["pip"]} == names
