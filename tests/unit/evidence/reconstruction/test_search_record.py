"""The record of a search is about the committed files, or the run stops and says which is not."""

from __future__ import annotations

import copy

import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.evidence.reconstruction.reproduction import Counts
from sarcoma_sbrt.evidence.reconstruction.search_record import (
    Search,
    Solutions,
    check_record,
    read_record,
    record,
    renewed,
)

FILE = "data/reconstruction/yew/search.json"
SCORE = {"near": 7, "exact": 4, "by_endpoint": [[3, 2, 5], [2, 1, 4], [2, 1, 6]]}
CONTENT = {
    "study": "yew2022",
    "plan_sha256": "0" * 64,
    "targets_sha256": "1" * 64,
    "course": {"steps": 10},
    "seeds": [
        {"seed": 1, "steps": 10, "curve": [[5, 1, 1]], **SCORE},
        {"seed": 2, "steps": 20, "curve": [[5, 2, 1]], **SCORE},
    ],
    "best": {"seed": 2, **SCORE},
    "solutions": {
        "n": 20,
        "distance_near": 3,
        "distance_exact": 9,
        "least_difference": 0.31,
    },
    "alternatives": [{"name": "grades 18/19", "steps": 5, "searches": 3, **SCORE}],
    "sha256": {"patients.csv": "a" * 64, "solutions/lesions.csv": "b" * 64},
}
FOUND = {"os": Counts(3, 2, 5), "pfs": Counts(2, 1, 4), "lc": Counts(2, 1, 6)}


def changed(*path, value):
    content = copy.deepcopy(CONTENT)
    inner = content
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return content


def test_what_it_says_is_read() -> None:
    record = read_record(CONTENT, FILE)
    assert (record.study, record.best_seed) == ("yew2022", 2)
    assert record.longest == (Search(2, 20, 7, 4, ((5, 2, 1),)),)
    assert record.shorter == (Search(1, 10, 7, 4, ((5, 1, 1),)),)
    assert record.searches == record.shorter + record.longest
    assert record.best == FOUND
    assert record.solutions == Solutions(20, 3, 9, 0.31)
    (other,) = record.alternatives
    assert (other.name, other.scores, other.steps, other.searches) == ("grades 18/19", FOUND, 5, 3)


def test_solutions_and_alternatives_may_be_absent() -> None:
    content = {k: v for k, v in CONTENT.items() if k not in ("solutions", "alternatives")}
    record = read_record(content, FILE)
    assert (record.solutions, record.alternatives) == (None, ())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "object"),
        ({k: v for k, v in CONTENT.items() if k != "best"}, "'best' is a required property"),
        (changed("best", "by_endpoint", value=[[1, 1, 1]]), "best.by_endpoint"),
        (changed("sha256", "patients.csv", value="abc"), "sha256.patients.csv"),
        (changed("targets_sha256", value="abc"), "targets_sha256"),
        (changed("seeds", 0, "steps", value="ten"), "seeds.0.steps"),
        (changed("seeds", 1, "curve", value=[]), "seeds.1.curve"),
        (changed("seeds", 1, "curve", value=[[5, 2]]), "seeds.1.curve.0"),
    ],
)
def test_a_bad_record_is_refused_with_its_place(content, said) -> None:
    with pytest.raises(InputError) as refused:
        read_record(content, FILE)
    assert said in str(refused.value)
    assert str(refused.value).startswith(f"{FILE}: ")


def checked(**other) -> None:
    """The record against what it says itself, but for what is another."""
    asked = {"plan_sha256": "0" * 64, "targets_sha256": "1" * 64}
    usual = {**asked, "hashes": CONTENT["sha256"], "found": FOUND}
    check_record(read_record(CONTENT, FILE), FILE, **(usual | other))


def test_files_and_score_of_the_search_pass() -> None:
    checked()


def test_every_file_and_score_that_is_another_is_named_with_both_values() -> None:
    hashes = {"patients.csv": "c" * 64, "ranges.csv": "d" * 64}
    found = FOUND | {"lc": Counts(2, 2, 6)}
    with pytest.raises(InputError) as refused:
        checked(hashes=hashes, found=found)
    folder = "data/reconstruction/yew"
    assert str(refused.value).splitlines() == [
        f"{folder}/patients.csv: not the file that the search wrote (SHA-256), read "
        f"{'c' * 64}, accepted: {'a' * 64}",
        f"{folder}/ranges.csv: the search left no such file on record",
        f"{FILE}: best.by_endpoint.2: the committed tables do not give the score on record, "
        "read 2 near, 2 exact of 6, accepted: 2 near, 1 exact of 6",
        f"{folder}/solutions/lesions.csv: file of the search is missing",
    ]


def test_new_ranges_are_recorded_of_the_same_reconstructions_only() -> None:
    content = CONTENT | {"sha256": {"patients.csv": "a" * 64, "ranges.csv": "b" * 64}}
    other = [{"path": "ranges.csv", "sha256": "d" * 64}]
    told = renewed(
        content, FILE, tables=[{"path": "patients.csv", "sha256": "a" * 64}], ranges=other
    )
    assert told == content | {"sha256": {"patients.csv": "a" * 64, "ranges.csv": "d" * 64}}
    with pytest.raises(InputError) as refused:
        renewed(content, FILE, tables=[{"path": "patients.csv", "sha256": "c" * 64}], ranges=other)
    assert str(refused.value) == (
        "data/reconstruction/yew/patients.csv: not the file that the search wrote (SHA-256), read "
        f"{'c' * 64}, accepted: {'a' * 64}"
    )


def test_another_plan_and_other_printed_statistics_are_refused() -> None:
    with pytest.raises(InputError) as refused:
        checked(plan_sha256="8" * 64, targets_sha256="9" * 64)
    assert str(refused.value).splitlines() == [
        f"{FILE}: plan_sha256: the search followed another plan than the one configured, read "
        f"{'8' * 64}, accepted: {'0' * 64}",
        f"{FILE}: targets_sha256: the search was for other printed statistics than "
        f"data/published/targets/ has, read {'9' * 64}, accepted: {'1' * 64}",
    ]


def run(seed, near, exact):
    thirds = [[near // 3, exact // 3, 47]] * 3
    return {
        "seed": seed,
        "steps": 1000,
        "near": near,
        "exact": exact,
        "by_endpoint": thirds,
        "curve": [[500, near - 1, exact], [1000, near, exact]],
        "patients": {"id": [1]},
        "lesions": {"lesion": [1]},
    }


def test_what_is_written_is_read_back() -> None:
    solutions = {
        "seeds": [4, 2],
        "n": 2,
        "distance_near": 5,
        "distance_exact": 6,
        "least_difference": 0.9,
    }
    content = record(
        study="feng2022",
        plan_sha256="1" * 64,
        targets_sha256="2" * 64,
        runs=[run(4, 99, 45), run(2, 96, 42)],
        solutions=solutions,
        alternatives={"seeds": [7, 8], "of": [{"name": "a"}, {"name": "b"}]},
        alternative_runs=[run(7, 60, 30), run(8, 63, 24), run(7, 60, 12), run(8, 66, 9)],
        files=[{"path": "patients.csv", "sha256": "3" * 64}],
    )
    found = read_record(content, FILE)
    assert [seed["seed"] for seed in content["seeds"]] == [2, 4]
    assert "patients" not in content["seeds"][0]
    assert content["best"]["seed"] == 4
    assert found.best["lc"].near == 33
    assert (len(found.longest), found.shorter, found.best_seed) == (2, (), 4)
    assert found.searches[1].curve == ((500, 98, 45), (1000, 99, 45))
    assert found.solutions.least_difference == 0.9
    assert [(a.name, a.scores["os"].near) for a in found.alternatives] == [("a", 20), ("b", 22)]
    assert found.sha256 == {"patients.csv": "3" * 64}
