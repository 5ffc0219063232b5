"""The command line, ``sarcoma-sbrt``: its commands, their options and their exit codes.

Only what a command needs is imported, and only when it runs: help and a wrong call are answered
without pandas or SciPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="""
Ask a finished run of the sarcoma-sbrt workflow where its numbers come from.

\b
  sarcoma-sbrt trace os.median                    one number: rows, files, code, settings
  sarcoma-sbrt trace --text "71.5"                which numbers print so, and where
  sarcoma-sbrt impact patients.csv:12:grade       what can depend on a raw cell
  sarcoma-sbrt impact config/models.yaml:12       what can depend on a setting
  sarcoma-sbrt impact patients.csv:12:grade --set G3   what moves when it is changed
  sarcoma-sbrt verify                             is the run still what it says it is
  sarcoma-sbrt diff results results-of-last-week  two runs: what differs, and why

\b
Exit codes: 0 all is well; 1 something was found (no such key, a failed check, a
difference); 2 a wrong call, or no finished run to ask.
""",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Results = Annotated[Path, typer.Option(help="Folder of the run: the configuration's `results`.")]
Repository = Annotated[
    Path,
    typer.Option(
        exists=True, file_okay=False, help="Folder that data/, config/ and workflow/ are in."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Everything, as JSON.")]


# A paragraph that begins with \b is not wrapped.
_TRACE = """
Say what a number is, where it stands, and what it was made from.

The tree goes from the printed sentences down to raw lines, with the hash of each file and
whether the file is still the one that was read. --text finds the keys that print a text.

\b
  sarcoma-sbrt trace cox.os.multivariable.grade.hr
  sarcoma-sbrt trace os.median --rows --json
  sarcoma-sbrt trace --text "< 0.001"

\b
Exit codes: 0 found; 1 no such key, or no number prints so; 2 no finished run in RESULTS, a
damaged file of it, or a wrong call.
"""
_IMPACT = """
Say which numbers and sentences can depend on a raw cell, a raw row, or a setting.

With --set the cell is changed in a scratch copy, the workflow runs there as far as the
numbers, and exactly what moves is listed with the sentences it stands in. Your data and your
results are not touched. COLUMN is the header as the file has it.

\b
  sarcoma-sbrt impact data/cohorts/reconstructed-2022/patients.csv:12
  sarcoma-sbrt impact patients.csv:12:grade --set G3
  sarcoma-sbrt impact "centre.xlsx#Patients:7:Last contact" --set 2019-04-02
  sarcoma-sbrt impact data/published/outcomes.csv:40:estimate
  sarcoma-sbrt impact config/models.yaml:12

\b
Exit codes: 0 told; 1 a number moved that was not predicted; 2 no such cell or setting, a value
that the workflow refuses, a run that is not up to date or not finished, or a wrong call.
"""
_VERIFY = """
Check that a run still is what it says of itself.

Hashes of data, configuration, code and results; every number's rows; the transcribed figures
beside the published tables; the cross-checks; the coverage of the printed pages; the
manuscript's marked numbers. One line says how it went; problems follow, one a line.

\b
  sarcoma-sbrt verify
  sarcoma-sbrt verify --results results-my-centre --json > audit.json

\b
Exit codes: 0 everything holds; 1 something does not; 2 no finished run in RESULTS, a damaged
file of it, or a wrong call.
"""
_DIFF = """
Say which numbers differ between two runs, by how much, and why.

A reason is what a number depends on and what differs: a data file, a module or script, a
setting, a library. Where several do, all are named.

\b
  sarcoma-sbrt diff results-before results
  sarcoma-sbrt diff results-before results --all --json

\b
Exit codes: 0 no number differs; 1 some do; 2 no finished run in A or B, or a wrong call.
"""


@contextmanager
def _answering() -> Iterator[None]:
    """Turn a reason for which there is no answer into a message and exit code 2."""
    from sarcoma_sbrt.cli.run import WRONG_CALL, NoAnswer

    try:
        yield
    except NoAnswer as reason:
        typer.echo(str(reason), err=True)
        raise typer.Exit(WRONG_CALL) from None


def _end(text: str, code: int, *, error: bool = False) -> None:
    typer.echo(text, err=error)
    raise typer.Exit(code)


@app.command(help=_TRACE)
def trace(
    key: Annotated[str, typer.Argument(help="A number's key, for instance os.median.")] = "",
    text: Annotated[str, typer.Option(help="A printed text in place of a key.")] = "",
    results: Results = Path("results"),
    repository: Repository = Path(),
    rows: Annotated[
        bool, typer.Option("--rows", help="Every row, module and setting, not the first few.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what a number is, where it stands, and what it was made from."""
    if bool(key) == bool(text):
        raise typer.BadParameter("give either a key or --text", param_hint="'KEY'")
    with _answering():
        from sarcoma_sbrt.cli.trace import trace_key, trace_text

        if key:
            told, code = trace_key(key, results, repository, rows=rows, json=as_json)
        else:
            told, code = trace_text(text, results, json=as_json)
    _end(told, code, error=code != 0 and not as_json)


@app.command(help=_IMPACT)
def impact(
    place: Annotated[
        str,
        typer.Argument(
            help="FILE:LINE[:COLUMN]; of a workbook FILE#SHEET, of a setting FILE:LINE."
        ),
    ],
    value: Annotated[
        str | None, typer.Option("--set", help="Recompute with this in the cell.")
    ] = None,
    results: Results = Path("results"),
    repository: Repository = Path(),
    config: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE that the run was made with beside its cohort and seed."),
    ] = None,
    cores: Annotated[int, typer.Option(min=1, help="Cores for the recomputation.")] = 2,
    manuscript: Annotated[
        bool, typer.Option("--manuscript", help="With --set: assemble the manuscript, too.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Name every number.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which numbers and sentences can depend on a raw cell, a raw row, or a setting."""
    settings = dict(_pair(one) for one in config or [])
    if value is None and (manuscript or settings):
        raise typer.BadParameter("only with --set", param_hint="'--manuscript', '--config'")
    with _answering():
        from sarcoma_sbrt.cli.impact import predict, recomputed

        if value is None:
            told, code = predict(place, results, repository, everything=everything, json=as_json)
        else:
            told, code = recomputed(
                place,
                value,
                results,
                repository,
                settings,
                cores=cores,
                manuscript=manuscript,
                json=as_json,
            )
    _end(told, code)


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise typer.BadParameter(f"read {text}, accepted: KEY=VALUE", param_hint="'--config'")
    return key, value


@app.command(help=_VERIFY)
def verify(
    results: Results = Path("results"),
    repository: Repository = Path(),
    as_json: AsJson = False,
) -> None:
    """Check that a run still is what it says of itself."""
    with _answering():
        from sarcoma_sbrt.cli.verify import verify as verified

        told, code = verified(results, repository, json=as_json)
    _end(told, code)


@app.command(help=_DIFF)
def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="Results of one run.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="Results of another.")],
    everything: Annotated[
        bool, typer.Option("--all", help="Also numbers that the manuscript does not print.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say which numbers differ between two runs, by how much, and why."""
    with _answering():
        from sarcoma_sbrt.cli.diff import diff as differing

        told, code = differing(before, after, everything=everything, json=as_json)
    _end(told, code)


@app.command()
def dictionary(
    package: Annotated[Path, typer.Option(help="Data package of the published tables.")] = Path(
        "data/published/datapackage.json"
    ),
) -> None:
    """Print the data dictionary of the canonical and the published tables as Markdown.

    Exit codes: 0 printed; 2 no such PACKAGE, or a wrong call.
    """
    with _answering():
        from sarcoma_sbrt.cli.dictionary import dictionary as described

        typer.echo(described(package), nl=False)


if __name__ == "__main__":
    app()
