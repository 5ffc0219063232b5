"""A manuscript to render: small, but with everything that the real one has."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from sarcoma_sbrt.rendering import assembly, embedded

# No timed tests: what is fast alone is slow beside other jobs. Same examples everywhere.
settings.register_profile(
    "house", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

REPOSITORY = Path(__file__).resolve().parents[1]
DATE = "2026-11-21"
LABEL = "reconstructed from published statistics; not patients"
TEXTS = {
    "cohort.patients": ("37", "printed", "computed"),
    "cohort.lesions": ("58", "printed", "computed"),
    "os.median": ("24.5", "inferred", "computed"),
    "os.median.low": ("17.2", "inferred", "computed"),
    "os.median.high": ("not reached", "inferred", "computed"),
    "os.rate_12m": ("78.4", "inferred", "computed"),
    "os.p.stated": ("= 0.016", "inferred", "computed"),
    "lc.rate_12m": ("88.1", "inferred", "computed"),
    "dose.total.median": ("45", "printed", "computed"),
    "ptv.median": ("61.3", "filler", "computed"),
    "config.alpha_beta": ("10", None, "configured"),
    "published.os.median": ("27.7", None, "transcribed"),
}
MODELS = ("Setting", "Grade (G1 vs G2 and G3)", "Number of lesions", "Lesion size", "BED~10~")


def _numbers() -> dict[str, dict[str, Any]]:
    entries = {
        key: {"key": key, "text": text, "support": support, "kind": kind, "unit": "count"}
        for key, (text, support, kind) in TEXTS.items()
    }
    for i in range(25):
        for part, text in (("n", str(30 - i)), ("percent", f"{(30 - i) / 0.37:.1f}")):
            key = f"cohort.row_{i}.{part}"
            entries[key] = {"key": key, "text": text, "support": "printed", "kind": "computed"}
    for endpoint in ("lc", "os", "pfs"):
        for i in range(len(MODELS)):
            for part, text in (
                ("hr", "0.452"),
                ("low", "0.201"),
                ("high", "1.016"),
                ("p", "0.055"),
            ):
                key = f"cox.{endpoint}.row_{i}.{part}"
                entries[key] = {"key": key, "text": text, "support": "inferred", "kind": "computed"}
    return entries


def _patients_table() -> str:
    rows = "".join(
        f"| Characteristic of row, as it is named | level | {{{{< num cohort.row_{i}.n >}}}} "
        f"| {{{{< num cohort.row_{i}.percent >}}}} |\n"
        for i in range(25)
    )
    head = "| Characteristic | Level | Patients | Percent |\n|:--|:--|--:|--:|\n"
    volume = "| Planning volume | cm^3^ | {{< num ptv.median >}} | |\n"
    caption = "Characteristics of {{< num cohort.patients >}} patients."
    return f"::: {{#tbl-patients}}\n\n{head}{rows}{volume}\n{caption}\n:::\n"


def _models_table() -> str:
    def cell(endpoint: str, row: int) -> str:
        hr, low, high, p = (
            f"{{{{< num cox.{endpoint}.row_{row}.{part} >}}}}"
            for part in ("hr", "low", "high", "p")
        )
        return f"{hr} ({low}–{high}) | {p}"

    rows = "".join(
        f"| {name} | {' | '.join(cell(e, i) for e in ('lc', 'os', 'pfs'))} |\n"
        for i, name in enumerate(MODELS)
    )
    heads = " | ".join(
        f"{e}: hazard ratio | p" for e in ("Local control", "Survival", "Progression")
    )
    return (
        f"::: {{#tbl-models}}\n\n| Covariate | {heads} |\n|:--|{'--:|' * 6}\n{rows}\n"
        "Hazard ratios with confidence intervals; below one favours the first level.\n\n"
        "Cox models of each endpoint.\n:::\n"
    )


def _figures(folder: Path) -> list[Path]:
    # Slow to import, and few tests draw.
    import matplotlib.pyplot as plt

    paths = []
    settings = {"svg.fonttype": "none", "svg.hashsalt": "tests", "font.family": "DejaVu Sans"}
    with plt.rc_context(settings):
        for name in ("os", "lc"):
            figure, axes = plt.subplots(figsize=(6.4, 4))
            axes.step([0, 12, 24, 36], [1, 0.78, 0.49, 0.31], where="post")
            axes.set(xlabel="Months from the first fraction", ylabel="Probability", ylim=(0, 1))
            for extension, metadata in (("svg", {"Date": None}), ("png", {"Software": None})):
                paths.append(folder / f"{name}.{extension}")
                figure.savefig(paths[-1], metadata=metadata)
            plt.close(figure)
    return paths


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two figures, as SVG and PNG."""
    return _figures(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def manuscript(tmp_path: Path) -> Path:
    """A source folder of its own, to be changed by a test."""
    return _manuscript(tmp_path / "manuscript")


def _manuscript(folder: Path) -> Path:
    shutil.copytree(REPOSITORY / "tests" / "data" / "manuscript", folder)
    shutil.copytree(REPOSITORY / "manuscript" / "_extensions", folder / "_extensions")
    for name in ("_quarto.yml", "coverage.yaml"):
        shutil.copyfile(REPOSITORY / "manuscript" / name, folder / name)
    return folder


@pytest.fixture
def numbers() -> dict[str, dict[str, Any]]:
    """A registry for the manuscript, to be changed by a test."""
    return _numbers()


Assemble = Callable[..., Path]


@pytest.fixture
def assemble(manuscript: Path, numbers: dict[str, Any], drawn: list[Path]) -> Assemble:
    """Assemble the test's manuscript; keyword arguments replace the usual ones."""

    def call(**changes: Any) -> Path:
        project = manuscript.parent / "project"
        _assemble(manuscript, project, **({"numbers": numbers, "figures": drawn} | changes))
        return project

    return call


def _assemble(manuscript: Path, project: Path, **arguments: Any) -> None:
    usual: dict[str, Any] = {
        "tables": {"patients": _patients_table(), "models": _models_table()},
        "conditions": {"has.lc": True},
        "date": DATE,
        "label": LABEL,
    }
    assembly.assemble(manuscript, project, **(usual | arguments))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, drawn: list[Path]) -> Path:
    """The manuscript as it stands, assembled once; not to be changed."""
    folder = tmp_path_factory.mktemp("session")
    manuscript = _manuscript(folder / "manuscript")
    _assemble(manuscript, folder / "project", numbers=_numbers(), figures=drawn)
    return folder / "project"


@pytest.fixture(scope="session")
def rendered(project: Path) -> dict[str, Path]:
    """HTML, PDF and DOCX of the manuscript as it stands, by the embedded renderer."""
    return embedded.render(project, project.parent / "rendered", date=DATE)
