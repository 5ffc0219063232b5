"""The command line, ``sarcoma-sbrt``."""

from __future__ import annotations

import json
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from sarcoma_sbrt.io import read_json
from sarcoma_sbrt.schema import data_dictionary, package_dictionary

__all__ = ["app"]

app = typer.Typer(
    help="Ask a finished run of the sarcoma-sbrt workflow where its numbers come from.",
    no_args_is_help=True,
    add_completion=False,
)

Results = Annotated[Path, typer.Option(help="Folder of the run: the configuration's `results`.")]


@app.command()
def trace(
    key: Annotated[str, typer.Argument(help="A number's key, for instance os.median.")],
    results: Results = Path("results"),
    as_json: Annotated[bool, typer.Option("--json", help="The whole entry as JSON.")] = False,
) -> None:
    """Say what a number is, what it was computed from and by which code.

    Exit codes: 0 found; 1 no such key; 2 no finished run in RESULTS, or a wrong call.
    """
    registry = results / "numbers.json"
    if not registry.is_file():
        typer.echo(f"{registry}: no such file; run the workflow first", err=True)
        raise typer.Exit(2)
    numbers = read_json(registry)
    if key not in numbers:
        near = ", ".join(get_close_matches(key, numbers, n=3))
        typer.echo(f"{key}: no such key" + (f"; near: {near}" if near else ""), err=True)
        raise typer.Exit(1)
    entry = numbers[key]
    sets = read_json(results / "code.json")
    entry["code"] = sets.get(entry["code"], [])
    typer.echo(json.dumps(entry, indent=1, ensure_ascii=False) if as_json else described(entry))


def described(entry: dict[str, Any]) -> str:
    """Text of a registry entry for a terminal."""
    lines = [
        f"{entry['key']}: {entry['text']}",
        f"  value       {entry['value']} ({entry['unit']})",
        f"  kind        {entry['kind']}, support: {entry['support']}",
        f"  method      {entry['method']}",
    ]
    if entry.get("locator"):
        lines.append(f"  printed in  {entry['locator']}")
    if entry["n"] is not None:
        lines.append(f"  counts      n {entry['n']}, events {entry['events']}")
    if entry["population"]:
        lines.append(f"  population  {json.dumps(entry['population'], ensure_ascii=False)}")
    if entry["columns"]:
        lines.append(f"  columns     {', '.join(entry['columns'])}")
    if entry["rule"]:
        lines.append(f"  rule        {entry['rule']}")
    lines += [f"  config      {key}" for key in entry["config"]]
    for what in ("inputs", "code"):
        lines += [f"  {what:<11} {f['path']}  sha256 {f['sha256'][:12]}" for f in entry[what]]
    return "\n".join(lines)


@app.command()
def dictionary(
    package: Annotated[Path, typer.Option(help="Data package of the published tables.")] = Path(
        "data/published/datapackage.json"
    ),
) -> None:
    """Print the data dictionary of the canonical and the published tables as Markdown.

    Exit codes: 0 printed; 2 no such PACKAGE, or a wrong call.
    """
    if not package.is_file():
        typer.echo(f"{package}: no such file; name it with --package", err=True)
        raise typer.Exit(2)
    typer.echo(data_dictionary() + package_dictionary(read_json(package)), nl=False)


if __name__ == "__main__":
    app()
