from pathlib import Path

import pytest
import yaml

from sarcoma_sbrt.provenance.setting_lines import (
    Setting,
    lines_below,
    setting_lines,
    with_own_blocks,
)
from sarcoma_sbrt.reporting.numbers import configured_entries

CONFIG = Path(__file__).parents[3] / "config"
MODELS = "config/models.yaml"
COHORT = "config/cohorts/c.yaml"
TEXT = """\
kind: reconstructed
# as printed
screening:
  reviewed: 68
  reasons: [one, two]
  sites:
    - lung
    - {name: liver, code: 3}
models:
  cox: {ties: efron}
"""


def test_settings_stand_in_their_lines():
    found = setting_lines(TEXT, "cohort", COHORT, "ab")
    assert found["cohort.screening.reviewed"] == Setting(COHORT, 4, "ab")
    assert {key: one.line for key, one in found.items()} == {
        "cohort.kind": 1,
        "cohort.screening": 3,
        "cohort.screening.reviewed": 4,
        "cohort.screening.reasons": 5,
        "cohort.screening.reasons.0": 5,
        "cohort.screening.reasons.1": 5,
        "cohort.screening.sites": 6,
        "cohort.screening.sites.0": 7,
        "cohort.screening.sites.1": 8,
        "cohort.screening.sites.1.name": 8,
        "cohort.screening.sites.1.code": 8,
        "cohort.models": 9,
        "cohort.models.cox": 10,
        "cohort.models.cox.ties": 10,
    }
    assert setting_lines("", "cohort", COHORT) == {}


@pytest.mark.parametrize(
    "path", sorted(str(path.relative_to(CONFIG)) for path in CONFIG.rglob("*.yaml"))
)
def test_every_setting_of_the_committed_files_has_a_line(path):
    text = (CONFIG / path).read_text(encoding="utf-8")
    registered = configured_entries({"name": yaml.safe_load(text)})
    found = setting_lines(text, "name", path)
    assert {key.removeprefix("config.") for key in registered} <= found.keys()
    lines = text.splitlines()
    for key in (key.removeprefix("config.") for key in registered):
        step = key.rpartition(".")[2]
        assert step.isdigit() or f"{step}:" in lines[found[key].line - 1]


def test_a_block_of_the_cohort_stands_in_the_cohorts_file():
    models = "cox:\n  ties: breslow\n  more: 1\ncoxcomb: 2\n"
    plan = setting_lines(models, "models", MODELS) | setting_lines(TEXT, "cohort", COHORT)
    found = with_own_blocks(plan, ["cox"])
    assert found["models.cox.ties"] == found["cohort.models.cox.ties"] == Setting(COHORT, 10)
    # The whole block was replaced; what only begins alike was not.
    assert "models.cox.more" not in found
    assert found["models.coxcomb"] == Setting(MODELS, 4)
    assert with_own_blocks(plan, []) == plan


@pytest.mark.parametrize(
    ("line", "lines"),
    [(1, {1}), (2, set()), (3, {3, 4, 5, 6, 7, 8}), (7, {7}), (8, {8}), (9, {9, 10}), (99, set())],
)
def test_a_line_stands_for_all_that_is_below_its_settings(line, lines):
    assert lines_below(TEXT, line) == lines
