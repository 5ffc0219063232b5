"""What a search left on record (``search.json``), and whether it is about the committed files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema

from sarcoma_sbrt.errors import InputError, Problem
from sarcoma_sbrt.evidence.reconstruction.problem import ENDPOINTS
from sarcoma_sbrt.evidence.reconstruction.reproduction import Counts

__all__ = [
    "Alternative",
    "Search",
    "SearchRecord",
    "Solutions",
    "check_record",
    "read_record",
    "record",
    "renewed",
]

_COUNT = {"type": "integer", "minimum": 0}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_SCORE = {
    "near": _COUNT,
    "exact": _COUNT,
    "by_endpoint": {
        "type": "array",
        "minItems": len(ENDPOINTS),
        "maxItems": len(ENDPOINTS),
        "items": {"type": "array", "minItems": 3, "maxItems": 3, "items": _COUNT},
    },
}


def _scored(**more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [*_SCORE, *more],
        "properties": _SCORE | more,
    }


_SOLUTIONS = {
    "type": "object",
    "required": ["n", "distance_near", "distance_exact", "least_difference"],
    "properties": {
        "n": _COUNT,
        "distance_near": _COUNT,
        "distance_exact": _COUNT,
        "least_difference": {"type": "number", "minimum": 0, "maximum": 1},
    },
}
_CURVE = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "array", "minItems": 3, "maxItems": 3, "items": _COUNT},
}
# What is read here; the record may say more.
_SCHEMA = {
    "type": "object",
    "required": ["study", "plan_sha256", "targets_sha256", "seeds", "best", "sha256"],
    "properties": {
        "study": {"type": "string"},
        "plan_sha256": _SHA256,
        "targets_sha256": _SHA256,
        "seeds": {
            "type": "array",
            "minItems": 1,
            "items": _scored(seed=_COUNT, steps=_COUNT, curve=_CURVE),
        },
        "best": _scored(seed=_COUNT),
        "solutions": _SOLUTIONS,
        "alternatives": {
            "type": "array",
            "items": _scored(name={"type": "string"}, steps=_COUNT, searches=_COUNT),
        },
        "sha256": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": _SHA256,
        },
    },
}


@dataclass(frozen=True)
class Search:
    """One search from a seed of its own.

    Attributes
    ----------
    seed : int
    steps : int
        Moves tried.
    near, exact : int
        Score of its best state.
    curve : tuple of (moves, near, exact)
        Score of the best state so far after each part of the search.
    """

    seed: int
    steps: int
    near: int
    exact: int
    curve: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class Alternative:
    """Best score of searches for a problem that is stated otherwise.

    Attributes
    ----------
    name : str
    scores : mapping of str to Counts
        By endpoint, of the best search.
    steps : int
        Moves of each search.
    searches : int
    """

    name: str
    scores: Mapping[str, Counts]
    steps: int
    searches: int


@dataclass(frozen=True)
class Solutions:
    """The cohorts kept beside the best.

    Attributes
    ----------
    n : int
    distance_near, distance_exact : int
        By how many near and exact numbers their scores stand behind the best, at most.
    least_difference : float
        Share of patient rows in which the two most alike of them differ.
    """

    n: int
    distance_near: int
    distance_exact: int
    least_difference: float


@dataclass(frozen=True)
class SearchRecord:
    """A search and its result.

    Attributes
    ----------
    study, plan_sha256, targets_sha256 : str
        What was searched for.
    searches : tuple of Search
        Independent ones.
    best_seed : int
        Of the search that found the committed cohort.
    best : mapping of str to Counts
        Score of the committed cohort, by endpoint.
    solutions : Solutions or None
    alternatives : tuple of Alternative
    sha256 : mapping of str to str
        By path below the reconstruction's folder.
    """

    study: str
    plan_sha256: str
    targets_sha256: str
    searches: tuple[Search, ...]
    best_seed: int
    best: Mapping[str, Counts]
    solutions: Solutions | None
    alternatives: tuple[Alternative, ...]
    sha256: Mapping[str, str]

    @property
    def longest(self) -> tuple[Search, ...]:
        """The searches with the most moves."""
        most = max(search.steps for search in self.searches)
        return tuple(search for search in self.searches if search.steps == most)

    @property
    def shorter(self) -> tuple[Search, ...]:
        """All other searches."""
        return tuple(search for search in self.searches if search not in self.longest)


def record(
    *,
    study: str,
    plan_sha256: str,
    targets_sha256: str,
    runs: Sequence[Mapping[str, Any]],
    solutions: Mapping[str, Any],
    alternatives: Mapping[str, Any],
    alternative_runs: Sequence[Mapping[str, Any]],
    files: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Content of ``search.json``.

    Parameters
    ----------
    study, plan_sha256, targets_sha256 : str
        What was searched for.
    runs : sequence of mapping
        Of every seed: seed, steps, near, exact, by_endpoint, curve.
    solutions : mapping
        seeds of the cohorts kept, the best first; n, distances and least difference.
    alternatives : mapping
        The plan's: ``of`` has a name each, ``seeds`` those that each was searched with.
    alternative_runs : sequence of mapping
        Theirs, alternative by alternative; the best seed's score stands for each.
    files : sequence of mapping
        path and sha256.
    """
    by_seed = {run["seed"]: run for run in runs}
    seeds = len(alternatives["seeds"])
    best_of = [
        max(alternative_runs[at * seeds : (at + 1) * seeds], key=_rank)
        for at in range(len(alternatives["of"]))
    ]
    return {
        "study": study,
        "plan_sha256": plan_sha256,
        "targets_sha256": targets_sha256,
        "seeds": [
            {key: run[key] for key in ("seed", "steps", *_SCORE, "curve")}
            for _, run in sorted(by_seed.items())
        ],
        "best": {key: by_seed[solutions["seeds"][0]][key] for key in ("seed", *_SCORE)},
        "solutions": dict(solutions),
        "alternatives": [
            {"name": one["name"], "steps": run["steps"], "searches": seeds}
            | {key: run[key] for key in _SCORE}
            for one, run in zip(alternatives["of"], best_of, strict=True)
        ],
        "sha256": _by_path(files),
    }


def renewed(
    content: Mapping[str, Any],
    file: str,
    *,
    tables: Sequence[Mapping[str, str]],
    ranges: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Content of ``search.json`` with other ranges of the same reconstructions.

    Parameters
    ----------
    content : mapping
        As the search left it.
    file : str
        Its path, for messages.
    tables, ranges : sequence of mapping
        path and sha256: of the reconstructions, and of their ranges.

    Raises
    ------
    InputError
        Naming each table that the search did not write: only a search finds reconstructions.
    """
    of_tables, of_ranges = _by_path(tables), _by_path(ranges)
    found = {path: of for path, of in content["sha256"].items() if path not in of_ranges}
    if wrong := _wrong_files(found, of_tables, file.rpartition("/")[0]):
        raise InputError(wrong)
    return dict(content) | {"sha256": of_tables | of_ranges}


def _by_path(files: Iterable[Mapping[str, str]]) -> dict[str, str]:
    return {file["path"]: file["sha256"] for file in files}


def _rank(run: Mapping[str, Any]) -> tuple[int, int]:
    return run["near"] + run["exact"], run["near"]


def read_record(content: Any, file: str) -> SearchRecord:
    """Typed content of ``search.json``.

    Parameters
    ----------
    content : object
        As JSON gives it.
    file : str
        For messages.

    Raises
    ------
    InputError
        With everything that is missing or of another kind.
    """
    errors = jsonschema.Draft202012Validator(_SCHEMA).iter_errors(content)
    problems = [
        Problem(file, 0, ".".join(map(str, error.absolute_path)), error.message) for error in errors
    ]
    if problems:
        raise InputError(problems)
    solutions = content.get("solutions")
    return SearchRecord(
        study=content["study"],
        plan_sha256=content["plan_sha256"],
        targets_sha256=content["targets_sha256"],
        searches=tuple(_search(each) for each in content["seeds"]),
        best_seed=content["best"]["seed"],
        best=_by_endpoint(content["best"]),
        solutions=Solutions(**{k: solutions[k] for k in _SOLUTIONS["required"]})
        if solutions
        else None,
        alternatives=tuple(
            Alternative(each["name"], _by_endpoint(each), each["steps"], each["searches"])
            for each in content.get("alternatives", ())
        ),
        sha256=dict(content["sha256"]),
    )


def _search(each: Mapping[str, Any]) -> Search:
    curve = tuple((moves, near, exact) for moves, near, exact in each["curve"])
    return Search(each["seed"], each["steps"], each["near"], each["exact"], curve)


def _by_endpoint(scored: Mapping[str, Any]) -> dict[str, Counts]:
    return {
        name: Counts(near, exact, of)
        for name, (near, exact, of) in zip(ENDPOINTS, scored["by_endpoint"], strict=True)
    }


def check_record(
    record: SearchRecord,
    file: str,
    *,
    plan_sha256: str,
    targets_sha256: str,
    hashes: Mapping[str, str],
    found: Mapping[str, Counts],
) -> None:
    """Refuse a plan, printed statistics, files or a score that are not those of the search.

    Parameters
    ----------
    record : SearchRecord
    file : str
        Path of ``search.json``, for messages.
    plan_sha256, targets_sha256 : str
        Of the plan and of the printed statistics as they are now.
    hashes : mapping of str to str
        SHA-256 of the files beside it, by path below their folder.
    found : mapping of str to Counts
        Score that is recomputed from the committed tables, by endpoint.

    Raises
    ------
    InputError
        Naming what was searched for otherwise, each file whose bytes are others, that is missing
        or that the record does not know, and each score, with both values.
    """
    folder = file.rpartition("/")[0]
    problems = [
        *_other_questions(record, file, plan_sha256, targets_sha256),
        *_wrong_files(record.sha256, hashes, folder),
        *_wrong_scores(record.best, found, file),
    ]
    if problems:
        raise InputError(problems)


def _other_questions(
    record: SearchRecord, file: str, plan_sha256: str, targets_sha256: str
) -> list[Problem]:
    plan = "the search followed another plan than the one configured"
    targets = "the search was for other printed statistics than data/published/targets/ has"
    asked = (
        ("plan_sha256", plan, plan_sha256, record.plan_sha256),
        ("targets_sha256", targets, targets_sha256, record.targets_sha256),
    )
    return [Problem(file, 0, key, what, is_, of) for key, what, is_, of in asked if is_ != of]


def _wrong_files(
    recorded: Mapping[str, str], hashes: Mapping[str, str], folder: str
) -> list[Problem]:
    problems = []
    for name in sorted(recorded.keys() | hashes.keys()):
        of, is_ = recorded.get(name), hashes.get(name)
        path = f"{folder}/{name}" if folder else name
        if is_ is None:
            problems.append(Problem(path, 0, "", "file of the search is missing"))
        elif of is None:
            problems.append(Problem(path, 0, "", "the search left no such file on record"))
        elif is_ != of:
            what = "not the file that the search wrote (SHA-256)"
            problems.append(Problem(path, 0, "", what, is_, of))
    return problems


def _wrong_scores(
    recorded: Mapping[str, Counts], found: Mapping[str, Counts], file: str
) -> list[Problem]:
    what = "the committed tables do not give the score on record"
    return [
        Problem(file, 0, f"best.by_endpoint.{at}", what, _told(found[name]), _told(recorded[name]))
        for at, name in enumerate(ENDPOINTS)
        if found[name] != recorded[name]
    ]


def _told(counts: Counts) -> str:
    return f"{counts.near} near, {counts.exact} exact of {counts.of}"
