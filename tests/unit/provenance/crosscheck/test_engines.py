"""All second engines together: each key once, each number beside its own."""

from __future__ import annotations

from typing import Any

import pytest
from cohort_run import configuration_of, materials_of, tables_of

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.provenance.crosscheck import counts
from sarcoma_sbrt.provenance.crosscheck.checks import Materials, Second
from sarcoma_sbrt.provenance.crosscheck.engines import ENGINES, crosschecked, recomputed
from sarcoma_sbrt.provenance.crosscheck.plan import rules_of


def engine(**values: Any) -> Any:
    return lambda _: {key: Second(value) for key, value in values.items()}


def materials() -> Materials:
    return materials_of(configuration_of("small"), tables_of("small"), "characteristics")


def test_no_two_engines_give_the_same_number() -> None:
    assert set(recomputed(materials(), [engine(a=1), engine(b=2)])) == {"a", "b"}
    with pytest.raises(ValueError, match=r"^more than one second engine gives b$"):
        recomputed(materials(), [engine(a=1, b=1), engine(b=2)])


def test_every_statistic_is_promised_and_checked() -> None:
    line = {"method": "*", "status": "independent", "engine": counts.ENGINE}
    line["tolerance"] = {"relative": 1e-9, "absolute": 1e-9}
    rules = rules_of({"stages": {"characteristics": [line]}})
    of, records = materials(), {r["key"] for r in materials().statistics["characteristics"]}
    checks = crosschecked(of, rules, [counts.recompute])
    assert records <= checks.keys()
    assert {check.status for check in checks.values()} == {"independent"}
    assert [check.reason for check in checks.values() if not check.agrees] == []


def test_a_stage_that_the_list_leaves_out_is_an_error() -> None:
    with pytest.raises(InputError, match="no line covers"):
        crosschecked(materials(), rules_of({"stages": {}}), [])


def test_every_module_with_a_second_engine_is_asked() -> None:
    assert len({engine.__module__ for engine in ENGINES}) == len(ENGINES) == 14
