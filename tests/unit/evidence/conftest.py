"""What the tests of the reconstruction share: printed figures, and what is filled and recounted."""

from pathlib import Path

import pytest

from sarcoma_sbrt.evidence.published import published
from sarcoma_sbrt.evidence.reconstruction.marginals import read_marginals
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
