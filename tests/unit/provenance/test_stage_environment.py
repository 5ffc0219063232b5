import re
import sys
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest

from sarcoma_sbrt.provenance.environment import (
    distribution_of,
    distributions,
    foreign_imports,
    stage_versions,
)

REPOSITORY = Path(__file__).parents[3]
SOURCES = [
    *(REPOSITORY / "workflow/src/sarcoma_sbrt").rglob("*.py"),
    *(REPOSITORY / "workflow/scripts").glob("*.py"),
]
LOCK = (REPOSITORY / "envs/requirements.lock").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import numpy as np", {"numpy"}),
        ("import scipy.stats\nfrom pandas.api import types", {"scipy", "pandas"}),
        ("def f():\n    import survival", {"survival"}),
        ("import json, os.path\nfrom collections.abc import Mapping", set()),
        ("from __future__ import annotations", set()),
        ("from sarcoma_sbrt.io import read_json\nimport sarcoma_sbrt", set()),
        ("from . import numpy\nfrom .survival import x", set()),
        ('"""\nfrom survival import curves\n"""', set()),
    ],
)
def test_imports_are_those_of_other_distributions(source, names):
    assert foreign_imports(source) == names


def test_a_text_that_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        foreign_imports("from from")


def test_every_import_of_the_package_belongs_to_a_locked_distribution():
    imported = {n for path in SOURCES for n in foreign_imports(path.read_text(encoding="utf-8"))}
    owners = packages_distributions()
    for name in imported:
        found = {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners[name]}
        assert distribution_of(name) in found, name
        assert re.search(rf"^{re.escape(distribution_of(name))}==", LOCK, re.MULTILINE), name
        assert version(distribution_of(name))
    assert {"numpy", "pandas", "yaml", "sklearn"} <= imported
    assert not imported & sys.stdlib_module_names


def test_distributions_of_several_texts_are_named_as_the_lock_has_them_once():
    sources = [
        "import yaml, numpy\nfrom sarcoma_sbrt import io",
        "import json\nimport sklearn, yaml",
    ]
    assert distributions(sources) == ["numpy", "pyyaml", "scikit-learn"]


def test_a_stage_has_the_versions_of_all_its_files_and_no_others():
    code = {"cox": ["a.py", "b.py"], "empty": [], "forest": ["b.py", "c.py"]}
    imports = {"a.py": {"numpy"}, "b.py": {"sklearn", "numpy"}, "c.py": {"yaml"}}
    versions = {"numpy": "2", "scikit-learn": "1.9", "pyyaml": "6", "scipy": "1"}
    assert stage_versions(code, imports, versions.__getitem__) == {
        "cox": {"numpy": "2", "scikit-learn": "1.9"},
        "empty": {},
        "forest": {"numpy": "2", "pyyaml": "6", "scikit-learn": "1.9"},
    }


def test_a_file_that_was_not_read_or_a_version_that_is_not_known_is_an_error():
    with pytest.raises(KeyError, match=r"b\.py"):
        stage_versions({"cox": ["b.py"]}, {}, {}.__getitem__)
    with pytest.raises(KeyError, match="numpy"):
        stage_versions({"cox": ["b.py"]}, {"b.py": {"numpy"}}, {}.__getitem__)
