"""Reading and writing of what scripts exchange: YAML, JSON, parquet, hashes.

Everything written here is a function of its content alone: no clock, no path, no order of
insertion.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pandas as pd
import yaml

from sarcoma_sbrt.errors import InputError, Problem

__all__ = [
    "read_json",
    "read_parquet",
    "read_yaml",
    "sha256",
    "write_json",
    "write_parquet",
    "write_text",
]


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


def write_parquet(path: str | Path, table: pd.DataFrame) -> None:
    """Write a table without its index."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False, compression="zstd")


def sha256(path: str | Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
    if not isinstance(schema, Mapping):
        schema = yaml.safe_load(Path(schema).read_text(encoding="utf-8"))
    if not Path(path).is_file():
        raise InputError([Problem(str(path), 0, "", "no such file", accepted="a YAML file")])
    text = Path(path).read_text(encoding="utf-8")
    try:
        content, root = yaml.safe_load(text), yaml.compose(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        what = f"not YAML: {getattr(error, 'problem', None) or error}"
        raise InputError([Problem(str(path), line, "", what, accepted="YAML")]) from error
    problems = duplicate_keys(str(path), root)
    validator = jsonschema.Draft202012Validator(schema)
    for error in _leaves(validator.iter_errors(content)):
        problems += _schema_problems(str(path), root, error)
    if problems:
        raise InputError(problems)
    return dict(content)


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
    accepted = {
        "enum": lambda v: ", ".join(str(x) for x in v),
        "type": lambda v: v if isinstance(v, str) else " or ".join(v),
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
