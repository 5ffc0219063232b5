"""What scripts read and write: YAML with its lines, JSON and parquet without surprises."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sarcoma_sbrt.errors import InputError
from sarcoma_sbrt.io import (
    fingerprint,
    read_arrays,
    read_json,
    read_parquet,
    read_yaml,
    sha256,
    write_arrays,
    write_json,
    write_parquet,
    write_text,
)

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["kind"],
    "properties": {
        "kind": {"enum": ["reconstructed", "observed"]},
        "seed": {"type": "integer", "minimum": 0},
        "name": {"pattern": "^[a-z]+$", "description": "a name in lower case"},
        "code": {"pattern": "^[a-z]+$"},
        "either": {"type": ["string", "number"]},
        "gone": {"not": {}},
        "tables": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"file": {"type": "string"}},
            },
        },
    },
}


def refusal(tmp_path: Path, text: str | bytes) -> list[str]:
    path = tmp_path / "c.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as caught:
        read_yaml(path, SCHEMA)
    return [line.removeprefix(f"{tmp_path}/") for line in str(caught.value).splitlines()]


KNOWN = "accepted: code, either, gone, kind, name, seed, tables"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: observed\nsede: 1\n", [f"c.yaml:2: sede: unknown key, {KNOWN}"]),
        (
            "kind: observed\ntables:\n  - file: a\n  - file: b\n    sheet: c\n",
            ["c.yaml:5: tables.1.sheet: unknown key, accepted: file"],
        ),
        ("seed: 1\n", ["c.yaml:1: kind: key is missing"]),
        (
            "kind: observd\n",
            [
                'c.yaml:1: kind: value is not accepted, read "observd", '
                "accepted: reconstructed, observed"
            ],
        ),
        (
            "kind: observed\nseed: one\n",
            ['c.yaml:2: seed: value is not accepted, read "one", accepted: integer'],
        ),
        (
            "kind: observed\nseed: -1\n",
            ["c.yaml:2: seed: value is not accepted, read -1, accepted: minimum 0"],
        ),
        (
            "kind: observed\neither: true\n",
            ["c.yaml:2: either: value is not accepted, read true, accepted: string or number"],
        ),
        (
            "kind: observed\nname: A\ncode: A\n",
            [
                'c.yaml:2: name: value is not accepted, read "A", accepted: a name in lower case',
                'c.yaml:3: code: value is not accepted, read "A", accepted: pattern ^[a-z]+$',
            ],
        ),
        ("kind: observed\ngone: 1\n", ["c.yaml:2: gone: key is not accepted here"]),
        ("kind: observed\nseed: 1\nseed: 2\n", ["c.yaml:3: seed: key stands twice"]),
        (
            "kind: observed\ntables:\n  - file: a\n    file: b\n",
            ["c.yaml:4: file: key stands twice"],
        ),
        ("", ["c.yaml:1: -: value is not accepted, read null, accepted: object"]),
    ],
)
def test_yaml_that_is_refused(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert refusal(tmp_path, text) == expected


def test_everything_wrong_in_a_yaml_file_is_told_at_once(tmp_path: Path) -> None:
    text = "seed: -1\nseed: -2\nextra: 1\ntables:\n  - file: 3\n    x: 4\n"
    assert refusal(tmp_path, text) == [
        "c.yaml:1: kind: key is missing",
        "c.yaml:2: seed: key stands twice",
        "c.yaml:2: seed: value is not accepted, read -2, accepted: minimum 0",
        f"c.yaml:3: extra: unknown key, {KNOWN}",
        "c.yaml:5: tables.0.file: value is not accepted, read 3, accepted: string",
        "c.yaml:6: tables.0.x: unknown key, accepted: file",
    ]


def test_a_file_that_is_not_yaml(tmp_path: Path) -> None:
    text = "kind: observed\nseed: [1, 2\nname: a\n"
    assert refusal(tmp_path, text) == [
        "c.yaml:3: -: not YAML: expected ',' or ']', but got ':', accepted: YAML"
    ]


def test_a_date_that_is_none_and_bytes_that_are_no_text(tmp_path: Path) -> None:
    told = refusal(tmp_path, "kind: observed\nname: 2026-02-30\n")
    assert len(told) == 1
    assert told[0].startswith("c.yaml: not YAML: day is out of range for month")
    assert refusal(tmp_path, b"kind: \xff\n")[0].startswith("c.yaml: not YAML: 'utf-8' codec")


def test_a_yaml_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "none.yaml", SCHEMA)
    assert str(caught.value).endswith("none.yaml: no such file, accepted: a YAML file")


def test_the_schema_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("{type: object, additionalProperties: false}")
    (tmp_path / "c.yaml").write_text("{}")
    assert read_yaml(tmp_path / "c.yaml", tmp_path / "s.yaml") == {}


def test_json_does_not_depend_on_the_order_of_keys(tmp_path: Path) -> None:
    one, two = tmp_path / "deep/1.json", tmp_path / "2.json"
    write_json(one, {"b": 0.1 + 0.2, "a": ["ä", None]})
    write_json(two, {"a": ["ä", None], "b": 0.1 + 0.2})
    assert one.read_bytes() == two.read_bytes()
    assert read_json(one) == {"a": ["ä", None], "b": 0.30000000000000004}


def test_json_holds_no_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "x.json", {"a": float("nan")})
    assert not (tmp_path / "x.json").exists()


def test_parquet_keeps_nullable_dtypes_and_writes_the_same_bytes(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "t": pd.array([1.5, pd.NA], dtype="Float64"),
            "n": pd.array([1, pd.NA], dtype="Int64"),
            "s": pd.array(["a", pd.NA], dtype="string"),
        }
    )
    write_parquet(tmp_path / "a.parquet", table)
    write_parquet(tmp_path / "b.parquet", table.set_index("s", drop=False))
    pd.testing.assert_frame_equal(read_parquet(tmp_path / "a.parquet"), table)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_sha256_is_of_the_bytes(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "a\nb\n")
    assert sha256(tmp_path / "t") == hashlib.sha256(b"a\nb\n").hexdigest()


def test_arrays_come_back_and_have_the_same_bytes(tmp_path):
    arrays = {"counter": np.array([2**63 + 1], dtype=np.uint64), "curve": np.zeros((0, 3))}
    for folder in ("one", "other"):
        write_arrays(tmp_path / folder / "run.npz", arrays)
    back = read_arrays(tmp_path / "one" / "run.npz")
    assert {name: (part.dtype, part.tolist()) for name, part in back.items()} == {
        name: (part.dtype, part.tolist()) for name, part in arrays.items()
    }
    assert sha256(tmp_path / "one" / "run.npz") == sha256(tmp_path / "other" / "run.npz")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["run.npz"]


def test_a_fingerprint_is_of_contents_not_of_names(tmp_path):
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        write_text(tmp_path / name, text)
    a, b, c = (fingerprint({"k": 1, "j": 2}, [tmp_path / name]) for name in "abc")
    assert a == b != c
    assert fingerprint({"j": 2, "k": 1}, [tmp_path / "a"]) == a
    assert fingerprint({"j": 2, "k": 2}, [tmp_path / "a"]) != a
