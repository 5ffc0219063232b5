"""Two runs side by side: which numbers differ, by how much, and what accounts for it.

A number's cause is whatever it depends on that differs between the runs: a data file, a module
or script of its stage or of the registration that words and rounds every number, a setting, or a
library. Several may; which of them moved it only a run with one of them changed can tell, so all
are named. Where none differs, it is whatever else the repository brought to the runs otherwise;
and where nothing does, the change is unexplained, which a deterministic workflow does not make.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sarcoma_sbrt.provenance.ancestry import Run, registration_code, settings_of
from sarcoma_sbrt.provenance.impact import Move, moves

__all__ = ["CAUSES", "Cause", "Difference", "differences", "summary", "to_json"]

CAUSES = ("data", "code", "config", "library")
"""What a number depends on, in the order of its journey; ``unexplained`` is none of them."""

Entry = Mapping[str, Any]


@dataclass(frozen=True)
class Cause:
    """One kind of thing that differs between two runs, and which ones of it.

    Attributes
    ----------
    kind : str
        Of `CAUSES`, or ``unexplained``.
    what : tuple of str
        Paths, settings or libraries, with what they were and are where that is short.
    """

    kind: str
    what: tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """A number that differs between two runs.

    Attributes
    ----------
    move : Move
        Its key and both entries.
    causes : tuple of Cause
        At least one.
    """

    move: Move
    causes: tuple[Cause, ...]

    @property
    def change(self) -> float | None:
        """What was added, in the number's unit; None where either is no number."""
        before, after = (_number(entry) for entry in (self.move.before, self.move.after))
        return None if before is None or after is None else after - before

    @property
    def relative(self) -> float | None:
        """The change as a share of what the number was; None where that was nought."""
        before = _number(self.move.before)
        return None if self.change is None or not before else self.change / abs(before)


def differences(before: Run, after: Run) -> list[Difference]:
    """Numbers that a reader sees differ between two runs, in order of their keys."""
    found = _Causes(before, after)
    return [Difference(move, found.of(move)) for move in moves(before.numbers, after.numbers)]


def _number(entry: Entry | None) -> float | None:
    value = None if entry is None else entry["value"]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None


class _Causes:
    """What differs between two runs, looked up once for all numbers of a stage."""

    def __init__(self, before: Run, after: Run) -> None:
        self._before, self._after = before, after
        self._settings: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._code: dict[str, tuple[str, ...]] = {}
        self._libraries: dict[str, tuple[str, ...]] = {}

    def of(self, move: Move) -> tuple[Cause, ...]:
        entry = move.after or move.before
        if entry is None:  # a move has one of them
            return ()
        if entry["kind"] == "configured":
            return (Cause("config", self._configured(entry)),)
        found = (
            Cause("data", self._data(move)),
            Cause("code", self._of_code(entry)),
            Cause("config", self._of_settings(entry)),
            Cause("library", self._of_libraries(entry)),
        )
        known = tuple(cause for cause in found if cause.what)
        return known or self._of_anything()

    def _of_anything(self) -> tuple[Cause, ...]:
        """Any other file: a verdict on one figure may rest on another's, a text on its wording."""
        files = _differing(self._before.lineage["files"], self._after.lineage["files"])
        if files:
            return (Cause("data", files),)
        others = _differing(self._before.sources, self._after.sources)
        settings = tuple(path for path in others if path.startswith("config/"))
        code = tuple(path for path in others if path.startswith("workflow/"))
        found = tuple(c for c in (Cause("code", code), Cause("config", settings)) if c.what)
        return found or (Cause("unexplained", ("nothing that the runs recorded differs",)),)

    def _data(self, move: Move) -> tuple[str, ...]:
        """Input files that differ; files of another cohort have another path."""
        before, after = (_inputs(entry) for entry in (move.before, move.after))
        if move.before is None or move.after is None:
            other = self._before if move.before is None else self._after
            present = after if move.before is None else before
            return _differing(present, {p: other.lineage["files"].get(p, "") for p in present})
        return _differing(before, after)

    def _of_code(self, entry: Entry) -> tuple[str, ...]:
        stage = entry["code"] or ""
        if stage not in self._code:
            before, after = (
                {
                    file["path"]: file["sha256"]
                    for file in (*run.code.get(stage, ()), *registration_code(run))
                }
                for run in (self._before, self._after)
            )
            self._code[stage] = _differing(before, after)
        return self._code[stage]

    def _of_settings(self, entry: Entry) -> tuple[str, ...]:
        paths = tuple(entry["config"])
        if paths not in self._settings:
            before, after = (settings_of(run, entry) for run in (self._before, self._after))
            self._settings[paths] = _told(before, after)
        return self._settings[paths]

    def _of_libraries(self, entry: Entry) -> tuple[str, ...]:
        """Libraries of the stage and the interpreter; an entry without a rule used neither."""
        stage = entry["source"]
        if entry["rule"] is None:
            return ()
        if stage not in self._libraries:
            before, after = (
                {"Python": run.lineage["environment"]["python"]}
                | run.lineage["environment"]["stages"].get(stage, {})
                for run in (self._before, self._after)
            )
            self._libraries[stage] = _told(before, after)
        return self._libraries[stage]

    def _configured(self, entry: Entry) -> tuple[str, ...]:
        """Settings that a configured entry shows; texts made of several name none."""
        return tuple(entry["config"]) or ("a text made of the configuration",)


def _inputs(entry: Entry | None) -> dict[str, str]:
    return {} if entry is None else {file["path"]: file["sha256"] for file in entry["inputs"]}


def _differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)
    )


def _told(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f"{name}: {before.get(name, 'absent')} → {after.get(name, 'absent')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


# --- telling ------------------------------------------------------------------------------


def summary(found: Sequence[Difference], before: Run, after: Run) -> str:
    """Everything in one line."""
    total = len(before.numbers.keys() | after.numbers.keys())
    if not found:
        return f"no number of {total:,} differs"
    what = Counter(difference.move.what for difference in found)
    verbs = {"moves": "changed", "comes": "new", "goes": "gone"}
    kinds = Counter(cause.kind for difference in found for cause in difference.causes)
    return (
        f"{len(found):,} of {total:,} numbers differ: "
        + ", ".join(f"{what[name]:,} {verb}" for name, verb in verbs.items() if what[name])
        + "; because of "
        + ", ".join(f"{kind} ({kinds[kind]:,})" for kind in (*CAUSES, "unexplained") if kinds[kind])
    )


def to_json(found: Iterable[Difference]) -> list[dict[str, Any]]:
    """Differences as ``diff --json`` gives them."""
    return [
        {
            "key": difference.move.key,
            "what": difference.move.what,
            "before": _shown(difference.move.before),
            "after": _shown(difference.move.after),
            "change": difference.change,
            "relative": difference.relative,
            "causes": [
                {"kind": cause.kind, "what": list(cause.what)} for cause in difference.causes
            ],
        }
        for difference in found
    ]


def _shown(entry: Entry | None) -> dict[str, Any] | None:
    names = ("value", "text", "n", "events", "p", "status")
    return None if entry is None else {name: entry[name] for name in names}
