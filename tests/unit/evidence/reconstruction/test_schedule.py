"""A search is determined by its seed, survives a kill, and keeps the best state it saw."""

from __future__ import annotations

from pathlib import Path

from sarcoma_sbrt.evidence.reconstruction import schedule
from sarcoma_sbrt.evidence.reconstruction.endpoint_tables import check
from sarcoma_sbrt.io import read_arrays, write_arrays

ROOT = Path(__file__).parents[4]
COURSE = schedule.stages(starts=2, cool=20_000, cycles=2, heat=10_000)


def tables(feng, run):
    patients, lesions = feng.tables(run.best.patients, run.best.lesions)
    return patients.to_csv(index=False) + lesions.to_csv(index=False)


def test_a_killed_search_ends_as_an_unbroken_one(feng, tmp_path):
    store = tmp_path / "run.npz"
    told = []
    whole = schedule.reconstruct(
        feng, schedule.begin(feng, 7), COURSE, progress=lambda run: told.append(run.best_score)
    )
    assert len(told) == 92
    killed = schedule.reconstruct(feng, schedule.begin(feng, 7), COURSE, pulses=45)
    write_arrays(store, schedule.stored(killed))
    again = schedule.reconstruct(feng, schedule.restored(read_arrays(store)), COURSE)
    assert tables(feng, again) == tables(feng, whole)
    assert again.best_score == whole.best_score
    assert again.curve == whole.curve
    moves = [moves for moves, *_ in whole.curve]
    assert (moves[39], moves[41], moves[-1]) == (20_000, 24_000, 72_000)
    ranks = [near + exact for _, near, exact in whole.curve]
    assert ranks == sorted(ranks)
    other = schedule.reconstruct(feng, schedule.begin(feng, 8), COURSE)
    assert tables(feng, other) != tables(feng, whole)


def test_the_best_state_is_a_cohort_with_the_score_it_is_said_to_have(feng):
    run = schedule.reconstruct(feng, schedule.begin(feng, 9), COURSE)
    assert check(*feng.tables(run.best.patients, run.best.lesions)) == []
    endpoints = [feng.endpoint(at) for at in range(3)]
    assert schedule.score(feng, endpoints, run.best) == run.best_score
    assert [of for *_, of in run.best_score.by_endpoint] == [51, 38, 52]
    start = schedule.score(feng, endpoints, schedule.begin(feng, 9).chain)
    assert run.best_score.near > start.near + 10


def test_a_stage_begins_where_it_says(feng):
    run = schedule.begin(feng, 11)
    still = (1e-9, 1e-9)  # so cold that nothing is accepted that is not better

    def after(begin):
        stage = schedule.Stage(1, 1, still, begin=begin)
        run.stage = 0
        schedule.reconstruct(feng, run, (stage,))
        return feng.tables(run.chain.patients, run.chain.lesions)[0]

    first = after(schedule.GO_ON)
    fresh = after(schedule.FRESH)
    best = feng.tables(run.best.patients, run.best.lesions)[0]
    assert (fresh != first).any(axis=1).sum() > 30
    assert (after(schedule.BEST) != best).any(axis=1).sum() <= 2
