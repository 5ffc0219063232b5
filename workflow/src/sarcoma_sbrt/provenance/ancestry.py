"""Everything that a number came from, as data and as a tree to read.

`ancestry` gathers what the registry, the lineage, the code sets and the places say of one key;
`tree` and `drawn` turn it into lines for a terminal. Paths are given as the run recorded them,
each with what the disk says of it now, so that nobody reads a hash of a file that is gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sarcoma_sbrt.provenance.populations import population
from sarcoma_sbrt.provenance.row_ranges import Spans, counted, spans, written

__all__ = [
    "Branch",
    "Run",
    "ancestry",
    "claim_tree",
    "claims_made",
    "drawn",
    "is_printed",
    "place_branches",
    "plural",
    "printed_by",
    "printing",
    "printing_code",
    "registration_code",
    "settings_of",
    "source_of",
    "standing",
    "stated_so",
    "tree",
    "where",
]

# How many ranges a line of the tree shows before it only counts the rest.
_SHOWN_RANGES = 6
# How many settings and modules the tree names before it only counts the rest.
_SHOWN_ITEMS = 8
# How many files of code that all numbers share.
_SHOWN_SHARED = 1
_SHOWN_HASH = 12


@dataclass(frozen=True)
class Run:
    """What a finished run says of its numbers, as read from its results.

    Attributes
    ----------
    numbers : mapping
        Registry: key -> entry.
    code : mapping
        Stage -> scripts and modules, each ``{"path", "sha256"}``.
    lineage : mapping
        ``results/lineage.json``.
    places : mapping
        Key -> where it is printed, or decides a claim (``results/places.json``); keys that are
        and do neither lack.
    sources : mapping
        Path -> SHA-256 of what the repository brought to the run (``results/sources.json``).
    """

    numbers: Mapping[str, Mapping[str, Any]]
    code: Mapping[str, Sequence[Mapping[str, str]]]
    lineage: Mapping[str, Any]
    places: Mapping[str, Sequence[Mapping[str, Any]]]
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Branch:
    """A line of a tree and the lines below it."""

    label: str
    below: list[Branch] = field(default_factory=list)


def printing(numbers: Mapping[str, Mapping[str, Any]], text: str) -> list[str]:
    """Keys that print as a text, in order.

    A minus sign may be typed as a hyphen, and a comparison with a space after its sign.
    """
    asked = _typed(text)
    return sorted(key for key, entry in numbers.items() if _typed(str(entry["text"])) == asked)


def stated_so(run: Run, key: str, text: str) -> list[str]:
    """Companions of a key that print a text with more around it, as its unit: ``24.0 months``."""
    alone = re.compile(rf"(?<![\d.,]){re.escape(_typed(text))}(?![.,]?\d)")
    return [
        other
        for other in _companions(run, key)
        if run.numbers[other].get("of") == key and alone.search(_typed(run.numbers[other]["text"]))
    ]


def _typed(text: str) -> str:
    return text.strip().replace("\u2212", "-").replace("< ", "<").replace("> ", ">")


def settings_of(run: Run, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Configured values that an entry depends on, by key without ``config.``, in order."""
    known = {
        key.removeprefix("config."): other["value"]
        for key, other in sorted(run.numbers.items())
        if other["kind"] == "configured" and key.startswith("config.")
    }
    return {
        key: value
        for key, value in known.items()
        if any(_is_under(key, path) for path in entry["config"])
    }


def _is_under(key: str, path: str) -> bool:
    return key == path or key.startswith(f"{path}.")


def _set_at(run: Run, key: str) -> str:
    """File and line of a setting; empty where the command line gave it."""
    rows = run.numbers[f"config.{key}"]["rows"]
    return f"{rows['file']}:{rows['line']}" if "line" in rows else ""


# Rules between the registry and the page, in their order.
_PRINTING = ("tables", "figures", "assemble", "render")


def registration_code(run: Run) -> Sequence[Mapping[str, str]]:
    """Scripts and modules that word, round and register every number, whatever its stage."""
    return run.code.get(run.lineage["registration"]["code"], ())


def printing_code(run: Run, places: Iterable[Mapping[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """Scripts and modules of the rules that bring numbers from the registry to some places."""
    rules = {rule for place in places for rule in printed_by(place)}
    printing = run.lineage["printing"]
    return {
        rule: [{"path": path, "sha256": run.sources.get(path, "")} for path in printing[rule]]
        for rule in _PRINTING
        if rule in rules and rule in printing
    }


def printed_by(place: Mapping[str, Any]) -> tuple[str, ...]:
    """Rules that bring a number from the registry to a place, the place's own rule first."""
    if str(place["place"]).startswith("figure "):
        return "figures", "assemble", "render"
    laid_out = str(place["source"]["file"]).startswith("tables/")
    return ("tables", "assemble", "render") if laid_out else ("assemble", "render")


# --- the ancestry as data -----------------------------------------------------------------


def ancestry(run: Run, key: str, on_disk: Callable[[str], str | None]) -> dict[str, Any]:
    """All that stands behind one number.

    Parameters
    ----------
    run : Run
        The finished run.
    key : str
        A key of its registry.
    on_disk : callable
        Path as the run recorded it -> SHA-256 of the file as it is now, None where there is
        none.

    Returns
    -------
    dict
        ``entry`` (the registry's), ``companions`` (keys of the same statistic: its limits, its
        stated form, its reason), ``places`` (of the key and of these, by `standing`, each with
        the ``rules`` of `printed_by`), ``population`` (in words; empty where it is of no table),
        ``rows`` (``units``, ``canonical``, ``raw`` as ranges, and
        their counts ``n``; None where no row decided it), ``columns`` (canonical column -> raw
        file and columns), ``files``, ``code`` (each with path, sha256 and ``state``: ``as it
        was``, ``changed since`` or ``not on disk``), ``registration`` (rule and code that every
        number passes after its stage), ``printing`` (rule -> code, of the places' rules),
        ``settings``, ``set_at`` (the same keys -> file and line) and ``environment``.

    Raises
    ------
    ValueError
        When the lineage has no row set of the entry's id.
    """
    entry, companions = run.numbers[key], _companions(run, key)

    def stated(file: Mapping[str, str]) -> dict[str, str]:
        return {**file, "state": _state(on_disk(file["path"]), file["sha256"])}

    columns, settings = run.lineage["columns"], settings_of(run, entry)
    places = standing(run, [key, *companions])
    return {
        "entry": dict(entry),
        "companions": companions,
        "places": [{**place, "rules": list(printed_by(place))} for place in places],
        "population": population(entry, run.numbers) if "table" in entry["population"] else "",
        "rows": _rows(run, entry),
        "columns": {name: columns[name] for name in entry["columns"] if name in columns},
        "files": [stated(file) for file in _files(run, entry)],
        "code": [stated(file) for file in run.code.get(entry["code"] or "", [])],
        "registration": {
            "rule": run.lineage["registration"]["rule"],
            "code": [stated(file) for file in registration_code(run)],
        },
        "printing": {
            rule: [stated(file) for file in code]
            for rule, code in printing_code(run, places).items()
        },
        "settings": settings,
        "set_at": {name: at for name in settings if (at := _set_at(run, name))},
        "environment": _environment(run, entry),
    }


def _state(now: str | None, then: str) -> str:
    if now is None:
        return "not on disk"
    return "as it was" if now == then else "changed since"


def _companions(run: Run, key: str) -> list[str]:
    """Keys of the same statistic: its limits, its sentence, its reason, or what they are of."""
    head = run.numbers[key].get("of", key)
    return sorted(
        other
        for other, entry in run.numbers.items()
        if other != key and head in (other, entry.get("of"))
    )


def standing(run: Run, keys: Iterable[str]) -> list[dict[str, Any]]:
    """Places where some numbers are printed, each once, with those of the ``keys`` that are."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for key in keys:
        for place in run.places.get(key, ()):
            name = (where(place), str(place["sentence"]))
            there = found.setdefault(name, {**place, "keys": []})["keys"]
            there += [key] if key not in there else []
    return list(found.values())


def is_printed(run: Run, key: str) -> bool:
    """Whether a number stands in the manuscript itself: the condition of a claim does not."""
    return any("claim" not in place for place in run.places.get(key, ()))


def claims_made(run: Run) -> list[dict[str, Any]]:
    """Claims that the manuscript makes, in order.

    Returns
    -------
    list of dict
        ``claim`` (its name), ``of`` (what it speaks for, empty where it names its keys in full),
        ``when``, ``says`` (the wordings that the text has), ``numbers`` (key that the condition
        asks -> text) and ``places``.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for key in sorted(run.places.keys() & run.numbers.keys()):
        for place in run.places[key]:
            if "claim" in place:
                claim = place["claim"]
                name = claim["name"], claim["of"]
                bare = {"claim": name[0], "of": name[1], "when": claim["when"]}
                one = found.setdefault(name, bare | {"says": [], "numbers": {}, "places": []})
                one["numbers"][key] = run.numbers[key]["text"]
                one["says"] += [claim["says"]] if claim["says"] not in one["says"] else []
                one["places"] += [place] if place not in one["places"] else []
    return [found[name] for name in sorted(found)]


def _rows(run: Run, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    if "line" in entry["rows"]:
        file, line = entry["rows"]["file"], str(entry["rows"]["line"])
        return {"units": {}, "canonical": {}, "raw": {file: line}, "n": {"raw": 1}}
    name = entry.get("lineage")
    if name is None:
        return None
    try:
        # Without positions where they are withheld.
        return {"units": {}, "canonical": {}, "raw": {}} | dict(run.lineage["row_sets"][name])
    except KeyError:
        raise ValueError(f"row_sets: there is no {name}, which {entry['key']} names") from None


def _files(run: Run, entry: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """Input files of an entry: its own, and those that its raw lines stand in."""
    found = {file["path"]: file for file in entry["inputs"]}
    hashes = run.lineage["files"]
    for place in (_rows(run, entry) or {"raw": {}})["raw"]:
        path = place.partition("#")[0]
        if path in hashes:
            found.setdefault(path, {"path": path, "sha256": hashes[path]})
    return [found[path] for path in sorted(found)]


def _environment(run: Run, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Interpreter, lock and libraries; an entry that no rule computed rests on none of them."""
    if entry["rule"] is None:
        return {}
    known = run.lineage["environment"]
    return {
        "python": known["python"],
        "lock": known["lock"],
        "libraries": known["stages"].get(entry["source"], {}),
    }


# --- the ancestry as a tree ---------------------------------------------------------------


def tree(found: Mapping[str, Any], *, rows: bool = False) -> Branch:
    """A number's `ancestry` as a tree.

    Parameters
    ----------
    found : mapping
        From `ancestry`.
    rows : bool
        Show every range of rows, every module and every setting, not the first few.
    """
    entry = found["entry"]
    branches = [
        Branch(_nature(entry)),
        *_printed(found["places"], entry["key"]),
        *_crosscheck(entry["crosscheck"]),
        *_reason(entry),
        *_population(found["population"]),
        *_row_branches(found["rows"], rows),
        *_column_branches(found["columns"]),
        *_file_branches("files", found["files"], None),
        *_made(found, rows),
        _registered(found["registration"], rows),
        *_printing(found["printing"], rows),
        *_setting_branches(entry["config"], found, rows),
        *_library_branches(found["environment"]),
        *_companion_branches(found["companions"]),
    ]
    return Branch(_title(entry), branches)


def _title(entry: Mapping[str, Any]) -> str:
    unit = "" if entry["unit"] in ("text", "constant", None) else f" ({entry['unit']})"
    title = f"{entry['key']}: {entry['text']}{unit}"
    ci = entry["ci"]
    if ci is None:
        return title
    low, high = ("not reached" if ci[end] is None else f"{ci[end]:.6g}" for end in ("low", "high"))
    return f"{title}, {100 * ci['level']:g}% CI {low} to {high}"


def _nature(entry: Mapping[str, Any]) -> str:
    parts = [entry["kind"], entry["method"]]
    parts += [f"{name} {entry[name]}" for name in ("n", "events") if entry[name] is not None]
    parts += [f"value {entry['value']!r}"] if isinstance(entry["value"], int | float) else []
    parts += [f"support: {entry['support']}"] if entry["support"] else []
    return ", ".join(parts)


def _printed(places: Sequence[Mapping[str, Any]], key: str) -> Iterator[Branch]:
    own = [place for place in places if "claim" not in place]
    if own:
        yield Branch(f"stands in {plural(len(own), 'place')}", place_branches(own, key))
    else:
        yield Branch("stands nowhere in the manuscript")
    if deciding := [place for place in places if "claim" in place]:
        told = f"decides what is claimed in {plural(len(deciding), 'place')}"
        yield Branch(told, place_branches(deciding, key))


def place_branches(places: Iterable[Mapping[str, Any]], key: str) -> list[Branch]:
    """Where a number stands, with its sentence, and by which of its companions' keys."""
    return [
        Branch(
            f"{where(place)} ({source_of(place)}){_by(place['keys'], key)}{_of_rule(place)}",
            [Branch(f"“{place['sentence']}”"), *_condition(place.get("claim"))],
        )
        for place in places
    ]


def _condition(claim: Mapping[str, Any] | None) -> Iterator[Branch]:
    if claim is not None:
        yield Branch(f"“{claim['says']}” when {claim['when']}")


def _by(keys: Sequence[str], key: str) -> str:
    others = ", ".join(other for other in keys if other != key)
    return f", {'with' if key in keys else 'as'} {others}" if others else ""


def _of_rule(place: Mapping[str, Any]) -> str:
    """The rule that drew a figure or laid out a table; prose is nobody's but its author's."""
    rule = printed_by(place)[0]
    return f", by rule {rule}" if rule != "assemble" else ""


def claim_tree(claim: Mapping[str, Any]) -> Branch:
    """A claim of `claims_made` as a tree: its condition, the numbers it asks, its sentences."""
    of = f" of {claim['of']}" if claim["of"] else ""
    numbers, places = claim["numbers"], claim["places"]
    asked = [Branch(f"{key}: {text}") for key, text in numbers.items()]
    made = [
        Branch(f"{where(place)} ({source_of(place)})", [Branch(f"“{place['sentence']}”")])
        for place in places
    ]
    return Branch(
        f"claim {claim['claim']}{of}: {' or '.join(f'“{words}”' for words in claim['says'])}",
        [
            Branch(f"when {claim['when']}"),
            Branch(f"asks {plural(len(numbers), 'number')}", asked),
            Branch(f"made in {plural(len(places), 'place')}", made),
        ],
    )


def where(place: Mapping[str, Any]) -> str:
    """A place as a reader looks for it: document, section, paragraph or cell."""
    within, section = place["place"], place["section"]
    parts = (place["document"], "" if within.startswith(section) else section, within)
    return ", ".join(part for part in parts if part)


def source_of(place: Mapping[str, Any]) -> str:
    """File and line of the manuscript's source that a place comes from."""
    source = place["source"]
    return f"{source['file']}:{source['line']}" if source.get("line") else str(source["file"])


def _crosscheck(check: Mapping[str, Any] | None) -> Iterator[Branch]:
    if check is None:
        return
    told = f"recomputed: {check['status'].replace('_', ' ')}"
    if check["engine"]:
        told += f", {check['engine']}"
    if check["value"] is not None:
        told += f" gives {check['value']}"
    if check["difference"] is not None:
        told += f", difference {check['difference']:.2g}"
    if check.get("p_difference") is not None:
        told += f"; p {check['p']}, difference {check['p_difference']:.2g}"
    yield Branch(f"{told} ({check['reason']})" if check["reason"] else told)


def _reason(entry: Mapping[str, Any]) -> Iterator[Branch]:
    if entry.get("locator"):
        yield Branch(f"transcribed from {entry['locator']}")
    if entry["status"] != "estimated":
        yield Branch(f"{entry['status'].replace('_', ' ')}: {entry['reason']}")


def _population(told: str) -> Iterator[Branch]:
    if told:
        yield Branch(f"population: {told}")


def _row_branches(found: Mapping[str, Any] | None, everything: bool) -> Iterator[Branch]:
    if found is None:
        return
    below = []
    for level, name in (("units", "row"), ("canonical", "canonical row"), ("raw", "line")):
        for place, text in found[level].items():
            ranges = spans(text)
            told = f"{place}: {plural(counted(ranges), name)}"
            below.append(Branch(f"{told}: {_ranges(ranges, everything)}"))
    counts = [
        plural(found["n"][level], name)
        for level, name in (("units", "unit"), ("canonical", "canonical row"), ("raw", "raw line"))
        if found["n"].get(level)
    ]
    yield Branch(f"rows: {' from '.join(counts) or 'none'}", below)


def _ranges(ranges: Spans, everything: bool) -> str:
    shown = ranges if everything else ranges[:_SHOWN_RANGES]
    return written(shown, ", ") + (", …" if len(shown) < len(ranges) else "")


def _column_branches(columns: Mapping[str, Mapping[str, Any]]) -> Iterator[Branch]:
    if columns:
        below = [Branch(f"{name} from {_raw_column(raw)}") for name, raw in columns.items()]
        yield Branch(f"{plural(len(columns), 'column')}", below)


def _raw_column(raw: Mapping[str, Any]) -> str:
    names = raw["columns"] if "columns" in raw else [raw["column"]]
    return f"{raw['file']}, {' and '.join(f'“{name}”' for name in names)}"


def _file_branches(
    name: str, files: Sequence[Mapping[str, str]], most: int | None
) -> Iterator[Branch]:
    if files:
        below = [
            Branch(f"{file['path']}  sha256 {file['sha256'][:_SHOWN_HASH]}{_worth_saying(file)}")
            for file in files[:most]
        ]
        yield Branch(f"{name}: {len(files)}", below + _rest(len(files), most))


def _worth_saying(file: Mapping[str, str]) -> str:
    return "" if file["state"] == "as it was" else f"  ({file['state']})"


def _rest(total: int, most: int | None) -> list[Branch]:
    return [Branch(f"… {total - most} more (--rows)")] if most is not None and total > most else []


def _made(found: Mapping[str, Any], rows: bool) -> Iterator[Branch]:
    rule = found["entry"]["rule"]
    if rule is not None:
        code = _code_branches("code", found["code"], None if rows else _SHOWN_ITEMS)
        yield Branch(f"made by rule {rule}", list(code))


def _registered(found: Mapping[str, Any], rows: bool) -> Branch:
    code = _code_branches("code", found["code"], None if rows else _SHOWN_SHARED)
    return Branch(f"worded, rounded and registered by rule {found['rule']}", list(code))


def _printing(found: Mapping[str, Sequence[Mapping[str, str]]], rows: bool) -> Iterator[Branch]:
    if found:
        most = None if rows else _SHOWN_SHARED
        below = [b for rule, code in found.items() for b in _code_branches(rule, code, most)]
        yield Branch(f"brought to the page by {plural(len(found), 'rule')}", below)


def _code_branches(
    name: str, code: Sequence[Mapping[str, str]], most: int | None
) -> Iterator[Branch]:
    """Files of code, scripts first: they say what was done, the modules how."""
    ordered = sorted(code, key=lambda file: ("/scripts/" not in file["path"], file["path"]))
    yield from _file_branches(name, ordered, most)


def _setting_branches(
    paths: Sequence[str], found: Mapping[str, Any], everything: bool
) -> Iterator[Branch]:
    """Settings by the part of the configuration that they stand in."""
    below = []
    told = {
        key: f"{key} = {value}" + (f"  ({found['set_at'][key]})" if key in found["set_at"] else "")
        for key, value in found["settings"].items()
    }
    for path in paths:
        values = {key: line for key, line in told.items() if _is_under(key, path)}
        if path in values:
            below.append(Branch(values[path]))
        else:
            each = [Branch(line) for line in values.values()]
            below.append(Branch(f"{path}: {plural(len(each), 'value')}", each * everything))
    if below:
        yield Branch("configured by", below)


def _library_branches(environment: Mapping[str, Any]) -> Iterator[Branch]:
    if environment:
        lock = environment["lock"]
        libraries = ", ".join(f"{name} {v}" for name, v in environment["libraries"].items())
        below = [Branch(libraries)] if libraries else []
        below.append(Branch(f"{lock['path']}  sha256 {lock['sha256'][:_SHOWN_HASH]}"))
        yield Branch(f"Python {environment['python']}", below)


def _companion_branches(keys: Iterable[str]) -> Iterator[Branch]:
    if listed := ", ".join(keys):
        yield Branch(f"see also {listed}")


def plural(count: int, name: str) -> str:
    """A count with what is counted: ``1 line``, ``1,200 lines``."""
    return f"{count:,} {name}" + ("" if count == 1 else "s")


def drawn(branch: Branch) -> list[str]:
    """Lines of a tree, with its branches drawn."""
    return [branch.label, *_below(branch, "")]


def _below(branch: Branch, indent: str) -> Iterator[str]:
    for number, child in enumerate(branch.below, start=1):
        last = number == len(branch.below)
        yield f"{indent}{'└─' if last else '├─'} {child.label}"
        yield from _below(child, indent + ("   " if last else "│  "))
