"""docs/methods.md says what is so: libraries, functions, keys with their values, tests."""

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "workflow" / "src" / "sarcoma_sbrt"
PAGE = (REPOSITORY / "docs" / "methods.md").read_text(encoding="utf-8")
ASKED = (REPOSITORY / "envs" / "requirements.in").read_text(encoding="utf-8")
PARTS = ("Definition", "Ours", "Elsewhere", "Engine", "Agreement", "Held by")


def sections() -> dict[str, dict[str, str]]:
    """Estimator -> what each of its bullets says."""
    found = {}
    for title, text in re.findall(
        r"^### ([^\n]+)\n(.+?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL
    ):
        bullets = re.split(r"^- ([A-Z][a-z ]+): ", text, flags=re.MULTILINE)[1:]
        found[title] = dict(zip(bullets[::2], bullets[1::2], strict=True))
    return found


SECTIONS = sections()


def quoted(part: str) -> list[str]:
    """What stands in backticks in one bullet of every estimator."""
    return [each for of in SECTIONS.values() for each in re.findall(r"`(.+?)`", of.get(part, ""))]


@cache
def settings() -> dict[str, Any]:
    files = [REPOSITORY / "config" / name for name in ("models.yaml", "endpoints.yaml")]
    merged: dict[str, Any] = {}
    for file in files:
        merged |= yaml.safe_load(file.read_text(encoding="utf-8"))
    return merged


@cache
def known_tests() -> frozenset[str]:
    files = [*REPOSITORY.glob("tests/unit/**/*.py"), *REPOSITORY.glob("tests/conformance/*.py")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return frozenset(re.findall(r"^def (test_\w+)", text, re.MULTILINE))


@pytest.mark.parametrize("title", SECTIONS)
def test_every_estimator_says_all_of_it(title: str) -> None:
    assert [part for part in PARTS if not SECTIONS[title].get(part, "").strip()] == []


@pytest.mark.parametrize("engine", sorted(set(quoted("Engine"))))
def test_engines_are_asked_for(engine: str) -> None:
    assert re.search(rf"^{re.escape(engine)}\b(?!-)", ASKED, re.MULTILINE)


@pytest.mark.parametrize("name", quoted("Ours"))
def test_functions_exist(name: str) -> None:
    path = name.split(".")
    modules = next(
        at
        for at in range(1, len(path))
        if PACKAGE.joinpath(*path[:at]).with_suffix(".py").is_file()
    )
    found: Any = importlib.import_module(".".join(["sarcoma_sbrt", *path[:modules]]))
    for attribute in path[modules:]:
        found = getattr(found, attribute)


@pytest.mark.parametrize("key", quoted("Keys"))
def test_keys_have_the_values_that_are_set(key: str) -> None:
    path, value = key.split(": ", maxsplit=1)
    *blocks, last = path.split(".")
    found: Any = settings()
    for block in blocks:
        found = found[block]
    if last not in found:  # optional, and not set
        schema = (REPOSITORY / "workflow" / "schemas" / "models.schema.yaml").read_text("utf-8")
        assert re.search(rf"^ +{last}:", schema, re.MULTILINE)
    assert found.get(last) == yaml.safe_load(value)


@pytest.mark.parametrize("name", quoted("Held by"))
def test_tests_exist(name: str) -> None:
    assert name in known_tests()


@pytest.mark.parametrize("engine", ["firthmodels", "pimeta", "surpyval"])
def test_an_engine_of_one_statistic_is_imported_where_the_page_says(engine: str) -> None:
    package = REPOSITORY / "workflow" / "src" / "sarcoma_sbrt"
    importing = {
        ".".join(file.relative_to(package).with_suffix("").parts)
        for file in package.glob("**/*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == engine
    }
    named = [of["Ours"] for of in SECTIONS.values() if f"`{engine}`" in of["Engine"]]
    modules = {
        ".".join(name.split(".")[:2]) for text in named for name in re.findall("`(.+?)`", text)
    }
    assert importing == modules
