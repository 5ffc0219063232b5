"""``sarcoma-sbrt impact``: what can depend on a raw cell or a setting, and what a cell moves."""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sarcoma_sbrt.cli import cells, scratch
from sarcoma_sbrt.cli.diff import from_to
from sarcoma_sbrt.cli.run import FINDING, OK, NoAnswer, as_json, hashes, open_run
from sarcoma_sbrt.errors import MASK
from sarcoma_sbrt.provenance.ancestry import (
    Branch,
    Run,
    drawn,
    is_printed,
    plural,
    standing,
    where,
)
from sarcoma_sbrt.provenance.impact import Cell, Impact, Move, UnknownCell, moves, outside

__all__ = ["located", "predict", "recomputed"]

# How many lines with settings are named where a line has none.
_NEAR = 3
_PLACE = re.compile(r"(?P<file>.+?\.\w+(?:#[^:]*)?):(?P<line>\d+)(?::\s*(?P<column>.+))?")


def predict(
    place: str, results: Path, repository: Path, *, everything: bool, json: bool
) -> tuple[str, int]:
    """Text and exit code of ``impact FILE:LINE[:COLUMN]``.

    Raises
    ------
    NoAnswer
        When there is no such cell or setting, or no finished run.
    """
    run = open_run(results)
    impact = _impact(run, repository)
    cell = _of_configuration(place, impact, repository)
    if cell is not None:
        settings = _settings_at(cell, impact, run, repository)
        keys = sorted(impact.decided(settings))
        told: dict[str, Any] = {"setting": {"file": cell.file, "line": cell.line, "keys": settings}}
        title = f"{cell} ({_first(settings)})"
    else:
        cell = located(place, impact, run, repository)
        cells.read(_path(repository, cell), cell, _layout(impact, cell))
        keys = sorted(_predicted(impact, cell))
        told, title = {"cell": _cell_json(cell)}, str(cell)
    if json:
        return as_json(told | _prediction(run, keys)), OK
    return "\n".join(drawn(_predicted_tree(run, title, keys, everything))), OK


def recomputed(
    place: str,
    value: str,
    results: Path,
    repository: Path,
    settings: Mapping[str, str],
    *,
    cores: int,
    manuscript: bool,
    json: bool,
) -> tuple[str, int]:
    """Text and exit code of ``impact FILE:LINE:COLUMN --set VALUE``.

    Raises
    ------
    NoAnswer
        When there is no such cell or run, the run is not up to date, or the workflow refuses
        the value.
    """
    run = open_run(results)
    before = _impact(run, repository)
    if setting := _of_configuration(place, before, repository):
        raise NoAnswer(f"{setting}: a setting; change it, run again and ask for a diff of the runs")
    cell = located(place, before, run, repository)
    if cell.column is None:
        raise NoAnswer(f"{cell}: no column, accepted with --set: FILE:LINE:COLUMN")
    _refuse_stale(run, repository, results)
    was = cells.read(_path(repository, cell), cell, _layout(before, cell))
    with tempfile.TemporaryDirectory(prefix="sarcoma-sbrt-") as folder:
        copy = Path(folder)
        made = scratch.copied(repository, results, run.lineage["files"], copy)
        cells.changed(_path(copy, cell), cell, _layout(before, cell), value)
        targets = ["numbers.json", "lineage.json", *(["places.json"] if manuscript else [])]
        print(f"recomputing {cell} in a scratch copy; this takes minutes", file=sys.stderr)
        scratch.recompute(copy, targets, _settings(run, settings), cores)
        after = open_run(made)
        later = _impact(after, copy)
    found = moves(run.numbers, after.numbers)
    _refuse_other_settings(found)
    missed = outside(found, before, later, cell)
    shown = MASK if run.lineage["kind"] == "observed" else was
    told = {
        "cell": _cell_json(cell) | {"from": shown, "to": value},
        "predicted": len(_predicted(before, cell)),
        "moved": [_moved(move, run, after) for move in found],
        "outside": missed,
    }
    text = as_json(told) if json else "\n".join(_moved_lines(told, found, run, after))
    return text, FINDING if missed else OK


# --- the cell -----------------------------------------------------------------------------


def located(place: str, impact: Impact, run: Run, repository: Path) -> Cell:
    """The cell that ``FILE:LINE[:COLUMN]`` names, its file as the lineage has it.

    A file may be named from the repository, from here, by its full path, or by its name alone
    where only one file that was read has it.

    Raises
    ------
    NoAnswer
        When the text is none, or no number is read from such a file.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise NoAnswer(f"{place}: not a place, accepted: FILE:LINE or FILE:LINE:COLUMN")
    path, _, sheet = match["file"].partition("#")
    known = sorted({*impact.raw.files.values(), *_published(run)})
    found = [one for one in known if _names(path, sheet, one, repository)]
    if len(found) > 1:
        several = "more than one file or sheet"
        raise NoAnswer(f"{match['file']}: {several}, accepted: {', '.join(found)}")
    if not found:
        raise NoAnswer(_unknown(match["file"], [*known, *sorted(impact.configuration)], run))
    column = match["column"]
    return Cell(found[0], int(match["line"]), column.strip() if column else None)


def _unknown(path: str, known: Sequence[str], run: Run) -> str:
    """Why no number is read from a file, and which one was probably meant."""
    if any(_is_called(path, source) for source in run.sources):
        return (
            f"{path}: neither data nor settings, which are what impact takes; trace KEY names the "
            "code behind a number, and diff what differs between a run with it and one without"
        )
    by_name = {name: one for one in known for name in (one, Path(one.partition("#")[0]).name)}
    near = dict.fromkeys(by_name[name] for name in get_close_matches(path, by_name, n=3))
    meant = f", near: {', '.join(near)}" if near else ""
    return f"{path}: no number is read from it{meant}, accepted: {', '.join(known)}"


def _is_called(path: str, source: str) -> bool:
    """Whether a path as it was typed is, or ends in, a path below the repository."""
    return f"/{path.removeprefix('./')}".endswith(f"/{source}") or path == Path(source).name


def _of_configuration(place: str, impact: Impact, repository: Path) -> Cell | None:
    """The place in a configuration file that the text names; None where it names another file."""
    match = _PLACE.fullmatch(place)
    if match is None:
        return None
    known = [file for file in impact.configuration if _names(match["file"], "", file, repository)]
    return Cell(known[0], int(match["line"]), match["column"]) if len(known) == 1 else None


def _settings_at(cell: Cell, impact: Impact, run: Run, repository: Path) -> list[str]:
    """Configuration keys that begin on a line, those of a whole block on its first."""
    from sarcoma_sbrt.provenance.setting_lines import lines_below

    if cell.column is not None:
        raise NoAnswer(f"{cell}: a setting has no column, accepted: FILE:LINE")
    if hashes(repository)(cell.file) != run.sources.get(cell.file):
        raise NoAnswer(f"{cell.file}: not the file of the run, run the workflow first")
    text = (repository / cell.file).read_text(encoding="utf-8")
    if settings := impact.settings(cell.file, lines_below(text, cell.line)):
        return sorted(settings)
    lines = sorted(impact.configuration[cell.file], key=lambda one: abs(one - cell.line))
    near = ", ".join(map(str, sorted(lines[:_NEAR])))
    raise NoAnswer(f"{cell}: no setting begins on this line, near: {near}")


def _impact(run: Run, repository: Path) -> Impact:
    """What a run says of its cells; with the printed figures, where they are those of the run."""
    of, files = hashes(repository), run.lineage["files"]
    published = _published(run)
    as_read = all(of(path) == files[path] for path in published)
    printed = {path: cells.rows(repository / path) for path in published} if as_read else None
    return Impact(run.numbers, run.lineage, printed)


def _published(run: Run) -> set[str]:
    return {
        path
        for path in run.lineage["files"]
        if path.endswith(".csv") and "/published/" in f"/{path}" and "/second_entry/" not in path
    }


def _names(path: str, sheet: str, known: str, repository: Path) -> bool:
    """Whether a path as it was typed is a file that the run read."""
    file, _, own = known.partition("#")
    if sheet and sheet != own:
        return False
    full = (repository / file).resolve()
    return path in (file, Path(file).name) or Path(path).resolve() == full


def _path(root: Path, cell: Cell) -> Path:
    return root / cell.file.partition("#")[0]


def _layout(impact: Impact, cell: Cell) -> cells.Layout:
    tables = impact.raw.at(cell.file)
    if not tables:
        return cells.Layout()
    options = {
        name: impact.raw.option(tables[0], name) for name in ("encoding", "delimiter", "header_row")
    }
    return cells.Layout(**{name: value for name, value in options.items() if value is not None})


def _predicted(impact: Impact, cell: Cell) -> set[str]:
    try:
        return impact.predicted(cell)
    except UnknownCell as error:
        raise NoAnswer(str(error)) from None


# --- what can depend on it ----------------------------------------------------------------


def _cell_json(cell: Cell) -> dict[str, Any]:
    return {"file": cell.file, "line": cell.line, "column": cell.column}


def _prediction(run: Run, keys: Sequence[str]) -> dict[str, Any]:
    sentences = standing(run, keys)
    return {
        "predicted": len(keys),
        "printed": sum(is_printed(run, key) for key in keys),
        "claims": _claims(sentences),
        "numbers": [{"key": key, "text": run.numbers[key]["text"]} for key in keys],
        "sentences": sentences,
    }


def _claims(sentences: Iterable[Mapping[str, Any]]) -> list[str]:
    return sorted({place["claim"]["name"] for place in sentences if "claim" in place})


def _predicted_tree(run: Run, what: str, keys: Sequence[str], everything: bool) -> Branch:
    sentences = standing(run, keys)
    printed = sum(is_printed(run, key) for key in keys)
    places = sum("claim" not in place for place in sentences)
    title = (
        f"{what}: {plural(len(keys), 'number')} can depend on it, "
        f"{printed:,} of them printed, in {plural(places, 'place')}"
    )
    if claims := _claims(sentences):
        title += f"; {plural(len(claims), 'claim')} made on them"
    stages: dict[str, list[str]] = {}
    for key in keys:
        stages.setdefault(run.numbers[key]["source"], []).append(key)
    branches = [
        Branch(f"{stage}: {len(of):,}", [Branch(key) for key in of] if everything else [])
        for stage, of in sorted(stages.items())
    ]
    return Branch(title, branches + _sentence_branches(sentences, everything))


def _sentence_branches(sentences: Sequence[Mapping[str, Any]], everything: bool) -> list[Branch]:
    """Where they stand: sentences of prose one by one, of a table or figure how many places."""
    sections: dict[str, list[Mapping[str, Any]]] = {}
    for place in sentences:
        sections.setdefault(f"{place['document']}, {place['section']}", []).append(place)
    return [Branch(name, list(_of_section(of, everything))) for name, of in sections.items()]


def _of_section(places: Sequence[Mapping[str, Any]], everything: bool) -> Iterator[Branch]:
    cells: Counter[str] = Counter()
    for place in places:
        whole, comma, _ = str(place["place"]).partition(", row ")
        if comma and not everything:
            cells[whole] += 1
        else:
            yield Branch(_sentence(place))
    yield from (Branch(f"{whole}: {plural(count, 'cell')}") for whole, count in cells.items())


def _sentence(place: Mapping[str, Any]) -> str:
    return f"{place['place']}: “{place['sentence']}” ({_first(place['keys'])})"


def _first(keys: Sequence[str]) -> str:
    return ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


# --- what moved ---------------------------------------------------------------------------


def _refuse_stale(run: Run, repository: Path, results: Path) -> None:
    """A change that was made before would be taken for what the cell moves."""
    of = hashes(repository)
    paths = [*run.lineage["files"], run.lineage["environment"]["lock"]["path"]]
    paths += [file["path"] for files in run.code.values() for file in files]
    if changed := scratch.stale(run, {path: of(path) for path in paths}):
        named = ", ".join(changed[:3]) + (" …" if len(changed) > 3 else "")
        raise NoAnswer(f"{results}: not up to date, run the workflow first; changed: {named}")


def _settings(run: Run, given: Mapping[str, str]) -> dict[str, str]:
    """Settings of the run that are on record, and those that the caller adds."""
    seed = run.numbers.get("config.run.seed")
    known = {"cohort": str(run.lineage["cohort"])}
    return known | ({"seed": str(seed["value"])} if seed else {}) | dict(given)


def _refuse_other_settings(found: Iterable[Move]) -> None:
    if other := [move.key for move in found if move.key.startswith("config.")]:
        raise NoAnswer(
            f"the run was made with other settings: {', '.join(other[:5])}; "
            "give them with --config, accepted: --config KEY=VALUE"
        )


def _moved(move: Move, before: Run, after: Run) -> dict[str, Any]:
    return {
        "key": move.key,
        "what": move.what,
        "from": None if move.before is None else _told(move.before),
        "to": None if move.after is None else _told(move.after),
        "places": _places_of(move, before, after),
    }


def _told(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry[name] for name in ("text", "value", "n", "events", "status")}


def _places_of(move: Move, before: Run, after: Run) -> list[Any]:
    """Where a number stands; one that comes, in the manuscript that was made anew."""
    return list(before.places.get(move.key) or after.places.get(move.key, ()))


def _moved_lines(
    told: Mapping[str, Any], found: Sequence[Move], before: Run, after: Run
) -> Iterator[str]:
    cell, shown = told["cell"], [m for m in found if _places_of(m, before, after)]
    printed = sum(is_printed(before, m.key) or is_printed(after, m.key) for m in shown)
    place = f"{cell['file']}:{cell['line']}:{cell['column']}"
    yield (
        f"{place}: {cell['from']} → {cell['to']}: {plural(len(found), 'number')} moved "
        f"({printed:,} of them printed), {told['predicted']:,} were predicted"
    )
    for move in shown:
        yield f"  {from_to(move)}"
        for one in _places_of(move, before, after):
            yield f"      {where(one)}: “{one['sentence']}”"
    if silent := [move for move in found if move not in shown]:
        yield f"  not printed in the manuscript: {len(silent):,}"
        yield from (f"    {from_to(move)}" for move in silent)
    for key in told["outside"]:
        yield f"  {key}: moved though it was not predicted"
