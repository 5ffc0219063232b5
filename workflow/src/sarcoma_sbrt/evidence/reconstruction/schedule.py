"""A search from random cohorts to the printed digits: stages of annealing, stored as it goes.

The loss changes on the way (`evaluator.Targets`). First a pull that never fades brings all targets
near, while it cools to where the states freeze; then steps at 2 % and at the printed digits settle
which are met. The best of several starts is heated and cooled again and again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sarcoma_sbrt.evidence.reconstruction import search
from sarcoma_sbrt.evidence.reconstruction.problem import SCORED, Problem
from sarcoma_sbrt.evidence.reconstruction.search import Chain, Endpoint

__all__ = ["BEST", "FRESH", "GO_ON"]
__all__ += [
    "Run",
    "Score",
    "Stage",
    "begin",
    "reconstruct",
    "restored",
    "score",
    "stages",
    "stored",
]

_SHARES = (8, 3, 3, 3, 6, 6, 3, 3, 1, 1, 1, 10, 3, 4, 10, 4, 6)  # of `search.MOVES`


FRESH, BEST, GO_ON = "fresh", "best", "go on"
"""Where a stage begins: at a random cohort, at the best state so far, where the last one ended."""


@dataclass(frozen=True)
class Stage:
    """A part of a search.

    Attributes
    ----------
    steps : int
        In all.
    pulses : int
        Parts after which the run can be stored.
    temperature : pair of float
        First and last, in units of the loss.
    pull, digit, verge : float
        Terms of the loss (`evaluator.Targets`).
    p_weight : float
        Weight of p values, which repeat what ratio and interval say.
    begin : str
        `FRESH`, `BEST` or `GO_ON`.
    """

    steps: int
    pulses: int
    temperature: tuple[float, float]
    pull: float = 1.0
    digit: float = 0.0
    verge: float = 0.0
    p_weight: float = 0.5
    begin: str = GO_ON


def stages(starts: int, cool: int, cycles: int, heat: int) -> tuple[Stage, ...]:
    """The usual course.

    Parameters
    ----------
    starts : int
        Random cohorts that are cooled and settled. They begin hot: below a temperature of 5 deaths,
        failures and covariates of patients hardly move, and a cohort cooled from there is quenched.
        The slower, the nearer: few slow starts do better than many quick ones.
    cool : int
        Moves of each cooling.
    cycles : int
        How often the best state is then heated, cooled and settled anew.
    heat : int
        Moves of each such cooling. Both are followed by a fifth as many that settle the digits.
    """

    def settle(moves: int) -> Stage:
        return Stage(moves // 5, 2, (0.5, 0.1), pull=0.25, digit=0.7, verge=0.7, p_weight=1.0)

    cooled = Stage(cool, 40, (6.0, 0.5), begin=FRESH), settle(cool)
    heated = Stage(heat, 2, (1.5, 0.4), begin=BEST), settle(heat)
    return cooled * starts + heated * cycles


@dataclass(frozen=True)
class Score:
    """What a state reproduces of the counted numbers.

    Attributes
    ----------
    near : int
        Print the same or are within 2 %.
    exact : int
        Print the same.
    by_endpoint : tuple of (near, exact, of)
        For OS with follow-up, PFS and LC.
    """

    near: int
    exact: int
    by_endpoint: tuple[tuple[int, int, int], ...]

    @property
    def rank(self) -> tuple[int, int]:
        """What makes one score better: numbers within 2 % and exact ones count alike."""
        return self.near + self.exact, self.near


@dataclass
class Run:
    """A search between two pulses: everything that the next depends on.

    Attributes
    ----------
    chain : Chain
    best : Chain
        The best state, as its `patients` and `lesions`.
    best_score : Score
        Of `best`.
    stage, pulse : int
        The next.
    curve : list of (moves, near, exact)
        Score of the best state after every pulse.
    """

    chain: Chain
    best: Chain
    best_score: Score
    stage: int = 0
    pulse: int = 0
    curve: list[tuple[int, int, int]] = field(default_factory=list)


def score(problem: Problem, endpoints: Sequence[Endpoint], chain: Chain) -> Score:
    """Score of a chain's current state, its models fitted to the end."""
    for endpoint in endpoints:
        search.forget(endpoint)
    os, pfs, lc = (x._replace(fits=x.fits._replace(tolerance=SCORED)) for x in endpoints)
    losses = np.zeros(3)
    everything = search.ALL, chain.patients, chain.lesions, problem.structure
    search.loss_of(*everything, os, pfs, lc, losses, np.inf, np.inf)
    parts = []
    for numbers, endpoint in zip(problem.numbers, endpoints, strict=True):
        t, x = endpoint.targets, endpoint.result
        counted = np.array([number is not None and number.counted for number in numbers])
        exact = counted & (x >= t.low) & (x <= t.high)
        near = counted & (x >= t.near_low) & (x <= t.near_high)
        parts.append((int(near.sum()), int(exact.sum()), int(counted.sum())))
    return Score(sum(x[0] for x in parts), sum(x[1] for x in parts), tuple(parts))


def begin(problem: Problem, seed: int) -> Run:
    """A search before its first step, at a random cohort."""
    chain = problem.start(seed)
    best = chain._replace(patients=chain.patients.copy(), lesions=chain.lesions.copy())
    return Run(chain, best, Score(-1, -1, ()))


def reconstruct(
    problem: Problem,
    run: Run,
    course: Sequence[Stage],
    *,
    reach: int = 6,
    progress: Callable[[Run], None] | None = None,
    pulses: int | None = None,
) -> Run:
    """Let a search run to the end of its stages.

    Parameters
    ----------
    problem : Problem
    run : Run
        From `begin`, or after a kill from `restored`; written to.
    course : sequence of Stage
        The same as before, or the search is another one.
    reach : int
        Greatest shift of a time, in months.
    progress : callable, optional
        Told the run after every pulse; what it makes `stored` survives a kill.
    pulses : int, optional
        Stop after so many.

    Returns
    -------
    Run
    """
    endpoints = [problem.endpoint(at) for at in range(3)]
    done = 0
    while run.stage < len(course) and (pulses is None or done < pulses):
        stage = course[run.stage]
        if run.pulse == 0:
            _enter(problem, run, stage)
        _pulse(problem, endpoints, run, stage, reach)
        moves = run.curve[-1][0] if run.curve else 0
        best = run.best_score
        run.curve.append((moves + stage.steps // stage.pulses, best.near, best.exact))
        run.pulse += 1
        if run.pulse == stage.pulses:
            run.stage, run.pulse = run.stage + 1, 0
        done += 1
        if progress is not None:
            progress(run)
    return run


def _enter(problem: Problem, run: Run, stage: Stage) -> None:
    if stage.begin == FRESH:  # a start of its own: the counter is that of the chain
        state = problem.start(int(run.chain.counter[0]))
    elif stage.begin == BEST:
        state = run.best
    else:
        return
    run.chain.patients[:], run.chain.lesions[:] = state.patients, state.lesions


def _pulse(
    problem: Problem, endpoints: Sequence[Endpoint], run: Run, stage: Stage, reach: int
) -> None:
    problem.weigh(endpoints, stage.pull, stage.digit, stage.verge, stage.p_weight)
    structure, chain = problem.structure, run.chain
    search.refresh(chain, structure, *endpoints)
    hot, cold = stage.temperature
    share = np.cumsum(np.array(_SHARES, dtype=float))
    search.anneal(
        stage.steps // stage.pulses,
        hot * (cold / hot) ** (run.pulse / stage.pulses),
        hot * (cold / hot) ** ((run.pulse + 1) / stage.pulses),
        reach,
        share / share[-1],
        chain,
        structure,
        *endpoints,
    )
    seen = chain._replace(patients=chain.best_patients, lesions=chain.best_lesions)
    found = score(problem, endpoints, seen)
    if found.rank > run.best_score.rank:
        run.best_score = found
        run.best.patients[:], run.best.lesions[:] = chain.best_patients, chain.best_lesions


def stored(run: Run) -> dict[str, NDArray[Any]]:
    """Arrays by name, from which `restored` makes the run again."""
    parts = {
        f"{name}.{part}": getattr(chain, part)
        for name, chain in (("chain", run.chain), ("best", run.best))
        for part in Chain._fields
    }
    best = run.best_score
    return parts | {
        "at": np.array([best.near, best.exact, run.stage, run.pulse]),
        "by_endpoint": np.array(best.by_endpoint),
        "curve": np.array(run.curve),
    }


def restored(parts: Mapping[str, NDArray[Any]]) -> Run:
    """The run that was `stored`."""
    near, exact, stage, pulse = (int(x) for x in parts["at"])
    by_endpoint = tuple((int(a), int(b), int(c)) for a, b, c in parts["by_endpoint"])
    chain, best = (
        Chain(*(np.array(parts[f"{name}.{part}"]) for part in Chain._fields))
        for name in ("chain", "best")
    )
    curve = [(int(a), int(b), int(c)) for a, b, c in parts["curve"]]
    return Run(chain, best, Score(near, exact, by_endpoint), stage, pulse, curve)
