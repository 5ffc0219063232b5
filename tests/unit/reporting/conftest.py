"""The manuscript's claims, held against sentences that the package words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sarcoma_sbrt.errors import RenderError
from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.provenance.claims import check_claims, read_claims, verdicts

ROOT = Path(__file__).parents[3]
RESULTS = "sections/results.qmd"


@dataclass(frozen=True)
class Line:
    """As `rendering.source.Line`, of a generated file that the results include."""

    number: int
    text: str
    file: str = "tables/words.qmd"
    within: tuple[str, ...] = ("index.qmd", RESULTS, "tables/words.qmd")


Refusals = Callable[[str, Mapping[str, Any]], list[str]]


@pytest.fixture(scope="session")
def refusals() -> Refusals:
    """What is refused of a text that the results include, where the registry is this."""
    path = ROOT / "manuscript" / "claims.yaml"
    schema = ROOT / "workflow" / "schemas" / "claims.schema.yaml"
    claims = read_claims(read_yaml(path, schema), path.name)

    def found(text: str, numbers: Mapping[str, Any]) -> list[str]:
        lines = [Line(at, line) for at, line in enumerate(text.splitlines(), start=1)]
        try:
            check_claims(lines, claims, verdicts(claims, numbers), numbers)
        except RenderError as error:
            return [str(problem) for problem in error.problems]
        return []

    return found
