"""How far two reconstructions differ, which are kept, and that tables become states again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.evidence.reconstruction import schedule
from sarcoma_sbrt.evidence.reconstruction.endpoint_tables import check
from sarcoma_sbrt.evidence.reconstruction.solutions import (
    Solution,
    canonical,
    choose,
    difference,
    differences,
    from_record,
    score_of,
    stacked,
    unstacked,
)
from sarcoma_sbrt.io import read_json

ROOT = Path(__file__).parents[4]
COMMITTED = ROOT / "data/reconstruction/reconstructed-2022"


def state(feng, seed):
    chain = feng.start(seed)
    return feng.tables(chain.patients, chain.lesions)


def text(tables):
    return [table.to_csv(index=False) for table in tables]


def shuffled(tables, seed):
    """The same cohort with its rows in another order and other numbers."""
    rng = np.random.default_rng(seed)
    patients, lesions = (table.copy() for table in tables)
    names = dict(zip(patients["id"], rng.permutation(patients["id"]) + 100, strict=True))
    patients["id"] = patients["id"].map(names)
    lesions["patient"] = lesions["patient"].map(names)
    lesions["lesion"] = rng.permutation(lesions["lesion"])
    return (
        patients.iloc[rng.permutation(len(patients))],
        lesions.iloc[rng.permutation(len(lesions))],
    )


@pytest.mark.parametrize("seed", range(4))
def test_the_canonical_order_forgets_the_order_and_nothing_else(feng, seed) -> None:
    tables = state(feng, seed)
    ordered = canonical(*tables)
    assert text(canonical(*shuffled(tables, seed))) == text(ordered)
    assert text(canonical(*ordered)) == text(ordered)
    assert difference(tables, ordered) == 0
    assert check(*ordered) == []
    assert score_of(feng, *ordered) == score_of(feng, *tables)


def test_a_state_scores_as_the_search_scores_it(feng) -> None:
    chain = feng.start(3)
    endpoints = [feng.endpoint(at) for at in range(3)]
    tables = feng.tables(chain.patients, chain.lesions)
    assert score_of(feng, *tables) == schedule.score(feng, endpoints, chain)


def test_lesions_of_other_patients_are_no_state_of_the_search(feng) -> None:
    patients, lesions = state(feng, 3)
    with pytest.raises(ValueError, match="lesions of other patients than the structure has"):
        score_of(feng, patients, lesions.iloc[::-1])


def test_a_changed_cell_of_patient_or_lesion_makes_a_row_another(feng) -> None:
    patients, lesions = state(feng, 5)
    later = patients.assign(os_months=patients["os_months"].where(patients["id"] != 30, 124))
    assert difference((patients, lesions), (later, lesions)) == pytest.approx(1 / 37)
    grown = lesions.assign(lf=lesions["lf"].where(lesions["lesion"] != 58, 1 - lesions["lf"]))
    assert difference((patients, lesions), (patients, grown)) == pytest.approx(1 / 37)
    both = difference((later, lesions), (patients, grown))
    assert both == pytest.approx(2 / 37)
    assert difference(state(feng, 5), state(feng, 6)) > 0.9


def test_months_may_be_allowed_to_differ_events_and_classes_not(feng) -> None:
    patients, lesions = state(feng, 5)
    moved = patients.assign(os_months=patients["os_months"] + 2)
    there = (patients, lesions)
    assert difference(there, (moved, lesions)) > 0.9
    assert difference(there, (moved, lesions), within=1) > 0.5
    assert difference(there, (moved, lesions), within=2) == 0
    dead = patients.assign(death=1 - patients["death"])
    assert difference(there, (dead, lesions), within=200) > 0.3


def test_each_patient_is_the_counterpart_of_one_only(feng) -> None:
    patients, lesions = state(feng, 5)
    single = patients["single_lesion"] == 1
    first = patients[single].iloc[0]
    same = patients.copy()
    same.loc[single, same.columns != "id"] = first[first.index != "id"].to_numpy()
    alike = lesions.copy()
    of_single = alike["patient"].isin(patients.loc[single, "id"])
    kept = ~alike.columns.isin(["lesion", "patient"])
    alike.loc[of_single, kept] = alike.loc[alike["patient"] == first["id"], kept].to_numpy()
    # All 24 are copies of one patient: it alone has a counterpart there, and it has but one.
    share = difference((patients, lesions), (same, alike))
    assert share == pytest.approx(23 / 37)
    assert difference((same, alike), (patients, lesions)) == pytest.approx(23 / 37)


def test_lesions_are_paired_so_that_their_events_agree() -> None:
    # In the order of their months the one that failed would stand beside the one that did not.
    patient = pd.DataFrame({"id": [1], "os_months": [20], "death": [0]})
    place = {"lesion": [1, 2], "patient": [1, 1]}
    one = (patient, pd.DataFrame(place | {"lc_months": [10, 12], "lf": [0, 1]}))
    other = (patient, pd.DataFrame(place | {"lc_months": [11, 12], "lf": [1, 0]}))
    assert difference(one, other, within=2) == 0
    assert difference(one, other, within=1) == 1


def found(feng, seed, near, exact):
    return Solution(seed, near, exact, *state(feng, seed))


def test_solutions_are_near_the_best_and_far_from_each_other(feng) -> None:
    best, good = found(feng, 1, 120, 86), found(feng, 2, 119, 85)
    poor, vague = found(feng, 3, 117, 87), found(feng, 4, 120, 75)
    twin = Solution(5, 120, 85, *shuffled((best.patients, best.lesions), 1))
    limits = {"near": 2, "exact": 10, "least_difference": 0.25}
    taken = choose([poor, twin, vague, good, best], **limits)
    assert [solution.seed for solution in taken] == [1, 2]
    assert text((taken[0].patients, taken[0].lesions)) == text(
        canonical(best.patients, best.lesions)
    )
    assert [s.seed for s in choose([best, good, poor], **limits | {"near": 3})] == [1, 2, 3]
    assert [s.seed for s in choose([best, vague], **limits | {"exact": 11})] == [1, 4]
    again = choose([best, replace(good, seed=1)], **limits)
    assert [s.seed for s in again] == [1], "one search gives one solution"
    assert [s.seed for s in choose([best, twin], **limits | {"least_difference": 0.0})] == [1, 5]
    assert choose([], **limits) == []


def test_a_table_from_a_record_has_its_identifiers_first() -> None:
    """As in every table of the repository; a record's names are sorted, capitals first."""
    table = from_record({"G1": [0, 1], "lc_months": [7, 9], "lesion": [1, 2], "patient": [3, 3]})
    assert table.to_csv(index=False) == "patient,lesion,G1,lc_months\n3,1,0,7\n3,2,1,9\n"
    table = from_record({"G1": [0], "death": [1], "id": [4]})
    assert list(table.columns) == ["id", "G1", "death"]


def test_solutions_are_stored_one_under_the_other(feng) -> None:
    solutions = [found(feng, seed, 100, 50) for seed in (1, 2, 3)]
    patients, lesions = stacked(solutions)
    assert list(patients.columns)[:2] == ["solution", "id"]
    assert list(lesions.columns)[:2] == ["solution", "lesion"]
    assert patients["solution"].value_counts().to_dict() == {1: 37, 2: 37, 3: 37}
    again = unstacked(patients, lesions)
    assert [text(again[at]) for at in (1, 2, 3)] == [
        text((s.patients, s.lesions)) for s in solutions
    ]
    assert differences(solutions) == [
        difference(again[a], again[b]) for a, b in ((1, 2), (1, 3), (2, 3))
    ]


# --- what is committed -----------------------------------------------------------------------


def test_committed_solutions_are_many_good_and_different(feng) -> None:
    solutions = unstacked(
        *(pd.read_csv(COMMITTED / "solutions" / f"{name}.csv") for name in ("patients", "lesions"))
    )
    assert list(solutions) == list(range(1, len(solutions) + 1))
    assert len(solutions) >= 20
    scores = [score_of(feng, *tables) for tables in solutions.values()]
    kept = [
        Solution(number, score.near, score.exact, *tables)
        for (number, tables), score in zip(solutions.items(), scores, strict=True)
    ]
    assert min(differences(kept)) >= 0.25
    assert scores[0].rank == max(score.rank for score in scores)
    assert all(check(*tables) == [] for tables in solutions.values())
    best = [pd.read_csv(COMMITTED / f"{name}.csv") for name in ("patients", "lesions")]
    assert text(solutions[1]) == text(best)
    record = read_json(COMMITTED / "search.json")
    of_seed = {run["seed"]: (run["near"], run["exact"]) for run in record["seeds"]}
    told = record["solutions"]
    assert [(score.near, score.exact) for score in scores] == [of_seed[s] for s in told["seeds"]]
    assert all(s.near >= scores[0].near - told["distance_near"] for s in scores)
    assert all(s.exact >= scores[0].exact - told["distance_exact"] for s in scores)
