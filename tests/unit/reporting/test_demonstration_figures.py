"""The figure of the study made by us shows truth, reconstructions and what was printed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.evidence.reconstruction.demonstration import compared
from sarcoma_sbrt.evidence.reconstruction.problem import read_plan
from sarcoma_sbrt.evidence.reconstruction.simulation import counted_plan, simulate
from sarcoma_sbrt.io import read_yaml
from sarcoma_sbrt.reporting.demonstration_figures import curves
from sarcoma_sbrt.reporting.drawing import BLACK, save_options

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def drawn():
    path = ROOT / "config/reconstruction/demonstration.yaml"
    study = read_yaml(path, ROOT / "workflow/schemas/demonstration.schema.yaml")
    truth = simulate(study, 1)
    plan = read_plan(counted_plan(study, *truth))
    found = [
        compared(study, plan, truth, simulate(study, seed)).assign(seed=seed) for seed in (2, 3)
    ]
    return curves(study, plan, pd.concat(found, ignore_index=True)), found[0]


def test_each_panel_has_the_truth_once_and_every_reconstruction(drawn) -> None:
    figure, _ = drawn
    assert len(figure.axes) == 9
    for at, axes in enumerate(figure.axes):
        groups = 1 if at % 3 == 0 else 2
        lines = [line for line in axes.lines if line.get_marker() == "None"]
        assert sum(line.get_color() == BLACK for line in lines) == groups
        assert sum(line.get_color() != BLACK for line in lines) == 2 * groups


def test_dots_are_the_printed_rates_of_the_truth(drawn) -> None:
    figure, table = drawn
    rows = table[(table["kind"] == "survival") & table["printed"] & (table["endpoint"] == "os")]
    (dots,) = (line for line in figure.axes[0].lines if line.get_marker() == "o")
    expected = rows[rows["of"].str.startswith("all ")]
    assert list(dots.get_xdata()) == [int(of.split()[1]) for of in expected["of"]]
    assert np.allclose(dots.get_ydata(), 100 * expected["truth"])
    # By symptoms nothing is printed.
    assert not any(
        len(line.get_xdata()) for line in figure.axes[2].lines if line.get_marker() == "o"
    )


def test_the_figure_is_the_same_every_time(drawn) -> None:
    figure, _ = drawn
    files = []
    for _ in range(2):
        stream = io.BytesIO()
        figure.savefig(stream, **save_options("png"))
        files.append(stream.getvalue())
    assert files[0] == files[1]
