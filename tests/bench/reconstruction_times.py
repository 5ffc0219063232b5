"""How fast a reconstruction is scored and searched, beside lifelines: printed, never asserted.

    python tests/bench/reconstruction_times.py --moves 1e6

The study is that of config/reconstruction/feng2022.yaml, the cohort a random one of its kind. A
score is every statistic that the study prints of OS, PFS and LC: rates, medians with limits,
log-rank tests and ratios, Cox models. The evaluator fits all of them anew, from no earlier fit.
lifelines is called once for each curve, log-rank test and Cox model; its log-rank test gives no
ratio, and its medians are read off the curve. Compilation is not timed. A search is the usual
course with few moves: how many a second it tries depends on how many it can refuse early.
"""

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import yaml
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import median_survival_times

from sarcoma_sbrt.evidence.reconstruction import evaluator as ev
from sarcoma_sbrt.evidence.reconstruction import search
from sarcoma_sbrt.evidence.reconstruction.problem import SCORED, Problem, problem, read_plan
from sarcoma_sbrt.evidence.reconstruction.schedule import begin, reconstruct, stages

REPOSITORY = Path(__file__).parents[2]
SEED = 20221121
BATCH = 100
CURVES = (ev.RATE, ev.MEDIAN)
TESTS = (ev.LOGRANK_P, ev.PETO, ev.OBSERVED_EXPECTED)
COLUMNS = (("os_months", "death"), ("pfs_months", "pfs_event"), ("lc_months", "lf"))


def study() -> Problem:
    """The problem that the repository's own search solves."""
    rows = REPOSITORY / "data/published/targets/feng2022.csv"
    plan = REPOSITORY / "config/reconstruction/feng2022.yaml"
    content = yaml.safe_load(plan.read_text(encoding="utf-8"))
    return problem(read_plan(content), pd.read_csv(rows, dtype=str, keep_default_na=False))


def seconds(call: Callable[[], object], least: float) -> float:
    """Mean time of a call, repeated for so many seconds."""
    calls, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < least:
        call()
        calls += 1
    return (time.perf_counter() - begun) / calls


# --- every statistic once -----------------------------------------------------------------


@numba.njit
def again(times, patients, lesions, structure, survival, progression, control, losses):
    """Score a cohort so many times, each as if it were the first."""
    for _ in range(times):
        search.forget(survival)
        search.forget(progression)
        search.forget(control)
        search.loss_of(
            search.ALL,
            patients,
            lesions,
            structure,
            survival,
            progression,
            control,
            losses,
            np.inf,
            np.inf,
        )


def scored(of: Problem) -> tuple[Callable[[], object], list[search.Endpoint]]:
    """`BATCH` scores of a random cohort, and where the results are."""
    endpoints = [of.endpoint(at) for at in range(len(of.fits))]
    endpoints = [x._replace(fits=x.fits._replace(tolerance=SCORED)) for x in endpoints]
    chain, losses = of.start(SEED), np.zeros(len(endpoints))
    state = (chain.patients, chain.lesions, of.structure, *endpoints, losses)
    return (lambda: again(BATCH, *state)), endpoints


def by_lifelines(of: Problem, **options: float) -> Iterator[tuple[int, int, float]]:
    """The same statistics by lifelines: endpoint, slot, value as the evaluator has it."""
    chain = of.start(SEED)
    tables = of.tables(chain.patients, chain.lesions)
    names = [of.plan.columns[name] for name in of.plan.covariates]
    for at, fits in enumerate(of.fits):
        rows, (months, event) = tables[at == 2], COLUMNS[at]
        curves: dict[tuple[int, int], KaplanMeierFitter] = {}
        models = iter(fits.covariates)
        columns = zip(fits.kind, fits.bit, fits.value, fits.month, fits.slot, strict=True)
        for kind, bit, value, month, slot in columns:
            if kind in CURVES:
                if (bit, value) not in curves:
                    group = rows if bit < 0 else rows[rows[names[bit]] == value]
                    curves[bit, value] = KaplanMeierFitter().fit(group[months], group[event])
                curve = curves[bit, value]
                if kind == ev.RATE:
                    yield at, slot, 100 * curve.predict(month)
                else:
                    median_survival_times(curve.confidence_interval_)
                    yield at, slot, curve.median_survival_time_
            elif kind in TESTS:
                one = rows[names[bit]] == 1
                sides = rows[months][one], rows[months][~one], rows[event][one], rows[event][~one]
                logrank_test(*sides)
            elif kind in (ev.COX, ev.MULTIVARIABLE):
                used = [bit] if kind == ev.COX else [bit for bit in next(models) if bit >= 0]
                of_model = rows[[months, event, *(names[bit] for bit in used)]]
                model = CoxPHFitter().fit(of_model, months, event, fit_options=options)
                for j, coefficient in enumerate(model.params_):
                    yield at, slot + 4 * j, coefficient


def difference(of: Problem, endpoints: list[search.Endpoint]) -> float:
    """Largest difference of a rate in per cent, a median, or a log hazard ratio."""
    pairs = [
        (endpoints[at].result[slot], theirs)
        for at, slot, theirs in by_lifelines(of, precision=1e-14)
        if np.isfinite(theirs)
    ]
    return max(abs(ours - theirs) for ours, theirs in pairs)


# --- a search -----------------------------------------------------------------------------


def moves_per_second(of: Problem, moves: int) -> float:
    """Moves of the usual course, every stage of it, tried in a second."""
    reconstruct(of, begin(of, SEED), stages(1, 20_000, 0, 10))  # compiles
    run, begun = begin(of, SEED), time.perf_counter()
    reconstruct(of, run, stages(1, 5 * moves // 6, 0, 10))
    return run.curve[-1][0] / (time.perf_counter() - begun)


def main() -> None:
    """Print one line per way to score, and one of a search."""
    about = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    about.add_argument("--moves", type=float, default=1e6)
    given = about.parse_args()
    of = study()
    call, endpoints = scored(of)
    call()
    statistics = sum(number is not None for numbers in of.numbers for number in numbers)
    fits = sum(len(x.kind) for x in of.fits)
    print(f"reconstruction of {of.plan.study}: {statistics} numbers by {fits} fits")
    ours = seconds(call, 2) / BATCH
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        apart = difference(of, endpoints)
        theirs = seconds(lambda: list(by_lifelines(of)), 10)
    print(f"  evaluator  {1 / ours:9.0f} scores a second")
    print(f"  lifelines  {1 / theirs:9.2f} scores a second; ratio {theirs / ours:.0f}")
    print(f"  rates, medians and log hazard ratios differ by {apart:.0e} at most")
    print(f"  search     {moves_per_second(of, int(given.moves)):9.0f} moves a second")


if __name__ == "__main__":
    main()
