"""Reading and writing of what scripts exchange: YAML, JSON, parquet, hashes.

Everything written here is a function of its content alone: no clock, no path, no order of
insertion.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray

from sarcoma_sbrt.errors import InputError, Problem

__all__ = [
    "fingerprint",
    "hashed",
    "job_log",
    "line_of",
    "manifest",
    "read_arrays",
    "read_json",
    "read_modules",
    "read_parquet",
    "read_rows",
    "read_tables",
    "read_yaml",
    "sha256",
    "write_arrays",
    "write_json",
    "write_parquet",
    "write_text",
]

# libyaml is several times as fast, and the rule files read at the start of every job. Whether a
# text is YAML, and where not, says PyYAML's own reader (`compose`), with or without libyaml.
_Loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


def read_json(path: str | Path) -> Any:
    """Content of a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON, indented, keys sorted, numbers at full precision, no NaN."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text with Unix line ends, making the folder if need be."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8", newline="\n")


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Table with pandas' nullable dtypes, as `write_parquet` wrote it."""
    return pd.read_parquet(path, dtype_backend="numpy_nullable")


def read_tables(paths: Iterable[str | Path]) -> dict[str, pd.DataFrame]:
    """Tables by name: a file's name without its ending."""
    return {Path(path).stem: read_parquet(path) for path in paths}


def write_parquet(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False, compression="zstd")


def read_arrays(path: str | Path) -> dict[str, NDArray[Any]]:
    """Arrays by name, as `write_arrays` wrote them."""
    with np.load(path, allow_pickle=False) as parts:
        return {name: parts[name] for name in parts.files}


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays to an .npz file, making the folder; a kill leaves the file of before."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(target.name + ".part")
    with beside.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    beside.replace(target)


def read_rows(path: str | Path) -> list[tuple[int, dict[str, str]]]:
    """Rows of a UTF-8 CSV file, each with the line that it begins on and its cells by column.

    Raises
    ------
    InputError
        For every row with more or fewer cells than the header.
    """
    rows, problems, line = [], [], 2
    with Path(path).open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        header = next(reader, [])
        for cells in reader:
            if len(cells) != len(header):
                counted = f"{len(cells)} cells"
                problems.append(
                    Problem(
                        str(path), line, "", "not the header's cells", counted, f"{len(header)}"
                    )
                )
            rows.append((line, dict(zip(header, cells, strict=False))))
            line = reader.line_num + 1
    if problems:
        raise InputError(problems)
    return rows


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hashed(paths: Iterable[str | Path], root: str | Path, shown: str = "") -> list[dict[str, str]]:
    """``{"path", "sha256"}`` of files, by path below a root.

    Parameters
    ----------
    paths : iterable of path
        Files below `root`.
    root : path
        What the recorded paths are relative to, so that none names a machine's folders.
    shown : str
        What to put before them.
    """
    base = Path(root).resolve()
    relative = {Path(p).resolve().relative_to(base).as_posix(): p for p in paths}
    prefix = f"{shown}/" if shown else ""
    return [{"path": prefix + name, "sha256": sha256(p)} for name, p in sorted(relative.items())]


def fingerprint(content: Any, paths: Iterable[str | Path]) -> str:
    """Hexadecimal SHA-256 of a JSON-like content and of files' bytes, wherever they are."""
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for path in paths:
        digest.update(bytes.fromhex(sha256(path)))
    return digest.hexdigest()


def manifest(paths: Iterable[str | Path], results: str | Path) -> dict[str, str]:
    """SHA-256 of files, and of all files below folders, by path below the results' folder.

    Snakemake's own marks (names that begin with a dot) are left out.
    """
    files = [
        file
        for path in map(Path, paths)
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file() and not file.name.startswith(".")
    ]
    return {file.relative_to(results).as_posix(): sha256(file) for file in files}


def read_yaml(path: str | Path, schema: Mapping[str, Any] | str | Path) -> dict[str, Any]:
    """Content of a YAML file that satisfies a JSON schema.

    Parameters
    ----------
    path : path
        The YAML file.
    schema : mapping or path
        JSON Schema, or the YAML file that holds it.

    Raises
    ------
    InputError
        With every violation, each at the line of the key it concerns.
    """
    if isinstance(schema, Mapping):
        rules = dict(schema)
    else:
        rules = yaml.load(Path(schema).read_text(encoding="utf-8"), _Loader)
    if not Path(path).is_file():
        raise InputError([Problem(str(path), 0, "", "no such file", accepted="a YAML file")])
    try:
        text = Path(path).read_text(encoding="utf-8")
        root, content = yaml.compose(text), yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError) as error:  # not UTF-8, or a date like 2026-02-30
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        what = f"not YAML: {getattr(error, 'problem', None) or error}"
        raise InputError([Problem(str(path), line, "", what, accepted="YAML")]) from error
    problems = duplicate_keys(str(path), root)
    validator = jsonschema.Draft202012Validator(rules)
    for violation in _leaves(validator.iter_errors(content)):
        problems += _schema_problems(str(path), root, violation)
    if problems:
        raise InputError(problems)
    return dict(content)


def line_of(path: str | Path, keys: str) -> int:
    """1-based line of a key path (``a.b.c``) of a YAML file; of its nearest ancestor."""
    root = yaml.compose(Path(path).read_text(encoding="utf-8"))
    return _line(root, keys.split("."))


def duplicate_keys(path: str, node: yaml.Node | None) -> list[Problem]:
    """Keys that stand twice in one mapping: YAML would keep the last and drop the first."""
    problems = []
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                problems.append(Problem(path, line, key.value, "key stands twice"))
            seen.add(key.value)
            problems += duplicate_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            problems += duplicate_keys(path, item)
    return problems


def _leaves(errors: Iterable[Any]) -> Iterable[Any]:
    """Innermost errors: of an anyOf or oneOf the branch that came nearest."""
    for error in errors:
        if error.context:
            best = jsonschema.exceptions.best_match([error])
            yield best if best is not None else error
        else:
            yield error


def _schema_problems(path: str, root: yaml.Node | None, error: Any) -> list[Problem]:
    place = [str(p) for p in error.absolute_path]
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = sorted(error.schema.get("properties", {}))
        extra = [str(k) for k in error.instance if k not in known]
        return [
            Problem(
                path,
                _line(root, [*place, key]),
                ".".join([*place, key]),
                "unknown key",
                accepted=", ".join(known),
            )
            for key in extra
        ]
    if error.validator == "required":
        lacking = [k for k in error.validator_value if k not in error.instance]
        return [
            Problem(path, _line(root, place), ".".join([*place, key]), "key is missing")
            for key in lacking
        ]
    if error.validator == "not" and error.validator_value == {}:
        key = ".".join(place)
        return [Problem(path, _line(root, place), key, "key is not accepted here")]
    accepted = {
        "enum": lambda v: ", ".join(str(x) for x in v),
        "type": lambda v: v if isinstance(v, str) else " or ".join(v),
        "pattern": lambda v: str(error.schema.get("description", f"pattern {v}")),
    }.get(error.validator, lambda v: f"{error.validator} {v}")(error.validator_value)
    return [
        Problem(
            path,
            _line(root, place),
            ".".join(place),
            "value is not accepted",
            read=json.dumps(error.instance, default=str, ensure_ascii=False),
            accepted=accepted,
        )
    ]


def _line(node: yaml.Node | None, place: list[str]) -> int:
    """1-based line of the key at a path; of its nearest ancestor where it has none."""
    line = 1 if node is None else node.start_mark.line + 1
    for step in place:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if step not in pairs:
                break
            key, node = pairs[step]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
    return line


def read_modules(package: str | Path) -> dict[str, tuple[Path, str]]:
    """Path and source of every module below a package's folder, by dotted name."""
    folder = Path(package)
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules[name] = (path, path.read_text(encoding="utf-8"))
    return modules


def _placed(problem: Problem) -> Problem:
    """A problem of a configuration file at the line of its key, where it did not know it."""
    known = problem.line or not problem.file.endswith(".yaml") or not Path(problem.file).is_file()
    return problem if known else replace(problem, line=line_of(problem.file, problem.column))


@contextlib.contextmanager
def job_log(path: str | Path) -> Iterator[None]:
    """Send what a job prints to its log; bad input ends the job with its problems alone.

    Raises
    ------
    SystemExit
        With status 1, when the body raised: the log holds the problems of an `InputError`,
        one a line, or the traceback of anything else.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with (
        Path(path).open("w", encoding="utf-8") as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        try:
            yield
        except InputError as error:
            log.write(f"{InputError(map(_placed, error.problems))}\n")
            sys.exit(1)
        except Exception:
            log.write(traceback.format_exc())
            sys.exit(1)
