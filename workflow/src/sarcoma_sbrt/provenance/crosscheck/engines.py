"""Every second engine, called once, and what its numbers are beside the first engine's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from sarcoma_sbrt.provenance.crosscheck import (
    competing_risks,
    counts,
    cox_models,
    doses,
    forests,
    imputed,
    influence,
    logrank_tests,
    marginals,
    pooling,
    printed_again,
    proportionality,
    published_checks,
    survival_curves,
)
from sarcoma_sbrt.provenance.crosscheck.checks import (
    Check,
    Engine,
    Materials,
    Promise,
    Second,
    checked,
)
from sarcoma_sbrt.provenance.crosscheck.derived_again import derived_again
from sarcoma_sbrt.provenance.crosscheck.plan import Rule, promised

__all__ = ["ENGINES", "crosschecked", "recomputed"]

ENGINES: tuple[Engine, ...] = (
    counts.recompute,
    survival_curves.recompute,
    logrank_tests.recompute,
    cox_models.recompute,
    proportionality.recompute,
    influence.recompute,
    competing_risks.recompute,
    imputed.recompute,
    doses.recompute,
    forests.recompute,
    pooling.recompute,
    published_checks.recompute,
    printed_again.recompute,
    marginals.recompute,
)


def crosschecked(
    materials: Materials,
    rules: Mapping[str, tuple[Rule, ...]],
    engines: Iterable[Engine] = ENGINES,
    line_of: Callable[[str], int] = lambda _: 0,
) -> dict[str, Check]:
    """Checks of every computed number, by key.

    Parameters
    ----------
    materials : Materials
        With the statistics of every stage.
    rules : mapping
        Stage -> lines of the committed list, from `plan.rules_of`.
    engines : iterable of callables
        Each gives `Second` by key.
    line_of : callable
        Line of a key path in the list's file, for messages: `io.line_of` of it.

    Raises
    ------
    InputError
        For every method of which the list says nothing.
    ValueError
        When two engines give the same key.
    """
    records = [record for stage in materials.statistics.values() for record in stage]
    promises: dict[str, Promise] = {}
    for stage, of_stage in materials.statistics.items():
        promises |= promised(stage, of_stage, rules, line_of)
    return checked(records, promises, recomputed(materials, engines))


def recomputed(materials: Materials, engines: Iterable[Engine]) -> dict[str, Second]:
    """What all engines found, by key, of endpoints and covariates that are derived again.

    Raises
    ------
    ValueError
        When two engines give the same key.
    """
    second = derived_again(materials)
    found: dict[str, Second] = {}
    for engine in engines:
        own = engine(second)
        if twice := sorted(found.keys() & own.keys()):
            raise ValueError(f"more than one second engine gives {', '.join(twice)}")
        found |= own
    return found
