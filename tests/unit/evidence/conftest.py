"""What the tests of the reconstruction share: printed figures, and what is filled and recounted."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.marginals import read_marginals
from sarcoma_sbrt.evidence.reconstruction.problem import problem, read_plan
from sarcoma_sbrt.io import read_json, read_rows, read_yaml

ROOT = Path(__file__).parents[3]
PUBLISHED = ROOT / "data" / "published"


@pytest.fixture(scope="session")
def figures():
    package = read_json(PUBLISHED / "datapackage.json")
    paths = [PUBLISHED / resource["path"] for resource in package["resources"]]
    return published({str(path): read_rows(path) for path in paths}, package).figures


@pytest.fixture(scope="session")
def content():
    """`config/reconstruction/feng2022-marginals.yaml`, held to its schema."""
    return read_yaml(
        ROOT / "config/reconstruction/feng2022-marginals.yaml",
        ROOT / "workflow/schemas/marginals.schema.yaml",
    )


@pytest.fixture(scope="session")
def marginals(content, figures):
    return read_marginals(content, figures)


@pytest.fixture(scope="module")
def feng():
    """The problem that the default cohort was searched for."""
    content = (ROOT / "config/reconstruction/feng2022.yaml").read_text(encoding="utf-8")
    targets = PUBLISHED / "targets/feng2022.csv"
    rows = pd.read_csv(targets, dtype=str, keep_default_na=False)
    return problem(read_plan(yaml.safe_load(content)), rows)
