"""No name, record number or date of an observed cohort reaches anything that is handed on."""

from __future__ import annotations

import base64
import csv
import re
import zipfile
from pathlib import Path

import openpyxl
import pypdf
import pytest

pytestmark = pytest.mark.workflow

NAME = "Quandelbert"
# In columns that the mapping reads, and in one that it does not.
RECORDS = "MRN-74913"
HISTOLOGY = f"{NAME} sarcoma"
SITE = "Zwickmühlental"
COMMENT = f"called {NAME}, insured as ZX-5518-Y, born 29/02/1904"
CANARIES = (NAME, RECORDS, SITE, "ZX-5518-Y", "29/02/1904", "1904-02-29")
DAY = re.compile(rb"\d\d/\d\d/\d{4}|\d{4}-\d\d-\d\d")
# A page's pictures, and in the Snakemake report whole results.
EMBEDDED = re.compile(rb";base64,([A-Za-z0-9+/]+={0,2})")
# What is written for the centre alone.
PRIVATE = ("results/private/",)


def plant(folder: Path) -> set[str]:
    """Rename every patient and put canaries into free texts; the dates that were there."""
    data = folder / "data" / "cohorts" / "small"
    dates: set[str] = set()
    for path in sorted(data.glob("*.csv")):
        rows = list(csv.reader(path.read_text("latin-1").splitlines(), delimiter=";"))
        made = [[*rows[0], "Bemerkung"], *([*map(renamed, row), COMMENT] for row in rows[1:])]
        dates |= {cell for row in rows for cell in row if re.fullmatch(r"\d\d/\d\d/\d{4}", cell)}
        with path.open("w", encoding="latin-1", newline="") as stream:
            csv.writer(stream, delimiter=";", lineterminator="\n").writerows(made)
    book = openpyxl.load_workbook(data / "centre.xlsx")
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str):
                    cell.value = renamed(cell.value)
    patients = book["Patients"]
    header = {cell.value: cell.column for cell in patients[3]}
    for row in range(4, 7):
        patients.cell(row, header["Histology"]).value = HISTOLOGY
        patients.cell(row, header["Primary site"]).value = SITE
    book.save(data / "centre.xlsx")
    return dates


def renamed(text: str) -> str:
    match = re.fullmatch(r"S(\d\d)", text)
    return f"{RECORDS}{match[1]}" if match else text


def texts(path: Path) -> bytes:
    """Bytes of a file; of a package (DOCX) all that is packed, of a page what is embedded too."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as package:
            return b"\n".join(package.read(name) for name in package.namelist())
    if path.suffix == ".pdf":
        pages = pypdf.PdfReader(path).pages
        return path.read_bytes() + "\n".join(page.extract_text() for page in pages).encode()
    content = path.read_bytes()
    if path.suffix == ".html":
        parts = [base64.b64decode(part) for part in EMBEDDED.findall(content)]
        return b"\n".join([content, *parts])
    return content


def handed_on(folder: Path) -> list[Path]:
    """Every file that a run leaves, but for what is private, and the records themselves."""
    made = [*(folder / "results").rglob("*"), *folder.glob("*.html")]
    return [
        path
        for path in made
        if path.is_file()
        and not path.relative_to(folder).as_posix().startswith(PRIVATE)
        and ".snakemake" not in path.parts
    ]


def leaks(folder: Path, canaries: set[str]) -> list[str]:
    """Which file holds which canary; words are looked for in any usual spelling of bytes."""
    days = {canary.encode() for canary in canaries if DAY.fullmatch(canary.encode())}
    words = {
        word.encode(code): word
        for word in canaries
        if word.encode() not in days
        for code in ("utf-8", "latin-1", "utf-16-le")
    }
    found = []
    for path in handed_on(folder):
        content = texts(path)
        held = {word for spelling, word in words.items() if spelling in content}
        held |= {day.decode() for day in days.intersection(DAY.findall(content))}
        found += [f"{path.relative_to(folder).as_posix()}: {one}" for one in sorted(held)]
    return sorted(found)


@pytest.fixture(scope="module")
def canary_run(checkouts, tmp_path_factory: pytest.TempPathFactory):
    """A finished run on a cohort with canaries, its Snakemake report, and the canaries."""
    copy = checkouts(tmp_path_factory.mktemp("canary"))
    dates = plant(copy.folder)
    # The other tests want every count; here the small-cell rule holds, as for real patients.
    copy.edit("config/cohorts/small.yaml", "small_cells: never", "small_cells: observed")
    run = copy.snakemake()
    assert run.returncode == 0, run.stdout + run.stderr
    report = copy.snakemake("--report", "report.html")
    assert report.returncode == 0, report.stdout + report.stderr
    said = run.stdout + run.stderr + report.stdout + report.stderr
    iso = {f"{d[6:]}-{d[3:5]}-{d[:2]}" for d in dates}
    return copy.folder, said, set(CANARIES) | dates | iso


def test_the_canaries_were_read(canary_run) -> None:
    folder, _, _ = canary_run
    rows = (folder / "results" / "private" / "canonical" / "patients.parquet").read_bytes()
    assert RECORDS.encode() in rows
    assert NAME.encode() in rows


def test_no_output_log_benchmark_or_report_holds_one(canary_run) -> None:
    folder, _, canaries = canary_run
    names = {
        path.relative_to(folder).parts[1] for path in handed_on(folder) if "results" in path.parts
    }
    assert {"logs", "benchmarks", "manuscript", "figures", "numbers.json"} <= names
    assert (folder / "report.html").is_file()
    assert leaks(folder, canaries) == []


def test_nothing_that_snakemake_says_holds_one(canary_run) -> None:
    _, said, canaries = canary_run
    assert [canary for canary in sorted(canaries) if canary in said] == []


def test_a_refused_cell_is_masked(checkouts, tmp_path: Path) -> None:
    copy = checkouts(tmp_path)
    plant(copy.folder)
    path = copy.folder / "data" / "cohorts" / "small" / "progressions.csv"
    text = path.read_text("latin-1")
    date = re.search(r"\d\d/\d\d/\d{4}", text)
    assert date is not None
    path.write_text(text.replace(date[0], NAME, 1), "latin-1")
    run = copy.snakemake()
    assert run.returncode == 1
    assert "<masked>" in run.stdout + run.stderr
    assert NAME not in run.stdout + run.stderr
    assert leaks(copy.folder, {NAME}) == []


def test_the_search_finds_a_canary_where_there_is_one(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    with zipfile.ZipFile(results / "index.docx", "w") as package:
        package.writestr("word/document.xml", f"<w:t>{NAME}</w:t>")
    (results / "a.log").write_text(SITE, "latin-1")
    (results / "private").mkdir()
    (results / "private" / "rows.csv").write_text(NAME)
    (results / "b.tsv").write_text("seen on 1904-02-29")
    hidden = base64.b64encode(RECORDS.encode()).decode()
    (tmp_path / "report.html").write_text(f'<a href="data:text/csv;base64,{hidden}">rows</a>')
    assert leaks(tmp_path, set(CANARIES)) == [
        f"report.html: {RECORDS}",
        f"results/a.log: {SITE}",
        "results/b.tsv: 1904-02-29",
        f"results/index.docx: {NAME}",
    ]
