"""No name, record number or date of an observed cohort reaches anything that is handed on."""

from __future__ import annotations

import base64
import csv
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

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


# --- counts that are withheld --------------------------------------------------------------

# Parts of a total, as anybody who reads the keys would guess them.
GROUPED = re.compile(r"(\w+)\.(\w+)_(?:level|reference)\.(n|events|competing|at_risk_\d+m)")
LEVELS = re.compile(r"(cohort\.(?:\w+)|lesions\.site)\.\w+\.n")
GRADES = re.compile(r"(toxicity\.\w+\.\w+)\.grade_\d\.n")


def guessed_sums(numbers: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Totals and their parts."""
    found = defaultdict(list)
    for key in numbers:
        if match := GROUPED.fullmatch(key):
            found[f"{match[1]}.{match[3]}", match[2]].append(key)
        elif match := LEVELS.fullmatch(key):
            whole = "cohort.lesions" if match[1] == "lesions.site" else "cohort.patients"
            found[whole, match[1]].append(key)
        elif match := GRADES.fullmatch(key):
            found[f"{match[1]}.n", ""].append(key)
    yield from ((total, parts) for (total, _), parts in found.items() if total in numbers)
    yield "flow.patients.read", ["flow.patients.analysed", "flow.patients.excluded"]


def bounds(text: str) -> tuple[float, float]:
    """Least and greatest count behind a text."""
    words = {"< 5": (1.0, 4.0), "≥ 5": (5.0, inf), "not shown": (1.0, inf)}
    return words[text] if text in words else (float(text), float(text))


def recovered(public: dict[str, Any], private: dict[str, Any]) -> list[str]:
    """Withheld counts that follow, rightly, from what is printed of a total and its parts."""
    found = []
    for total, parts in guessed_sums(public):
        known = {key: bounds(public[key]["text"]) for key in (total, *parts)}
        for part in parts:
            if public[part]["status"] != "withheld":
                continue
            others = [known[key] for key in parts if key != part]
            low = max(known[part][0], known[total][0] - sum(high for _, high in others))
            high = min(known[part][1], known[total][1] - sum(low for low, _ in others))
            found += [part] if low == high == private[part]["value"] else []
    return found


def test_the_search_for_withheld_counts_finds_one_of_a_printed_total() -> None:
    texts = {"os.n": "12", "os.sex_level.n": "< 5", "os.sex_reference.n": "9"}
    values = {"os.n": 12, "os.sex_level.n": 3, "os.sex_reference.n": 9}
    flow = {f"flow.patients.{name}": "0" for name in ("read", "excluded", "analysed")}
    public = {
        key: {"text": text, "status": "withheld" if "<" in text else "estimated"}
        for key, text in (texts | flow).items()
    }
    private = {key: {"value": values.get(key, 0)} for key in public}
    assert recovered(public, private) == ["os.sex_level.n"]


def test_no_count_that_is_withheld_can_be_worked_out(canary_run) -> None:
    results = canary_run[0] / "results"
    public, private = (
        json.loads((results / path).read_text("utf-8"))
        for path in ("numbers.json", "private/numbers.json")
    )
    withheld = {key for key, entry in public.items() if entry["status"] == "withheld"}
    assert withheld
    assert recovered(public, private) == []
    shares = [key for key in withheld if not key.endswith(".reason")]
    assert [public[key]["value"] for key in shares] == [None] * len(shares)


def test_what_stands_behind_a_number_tells_no_count_that_is_withheld(canary_run) -> None:
    results = canary_run[0] / "results"
    numbers = json.loads((results / "numbers.json").read_text("utf-8"))
    sets = json.loads((results / "lineage.json").read_text("utf-8"))["row_sets"]
    for entry in numbers.values():
        assert "at_risk" not in entry["population"]
        if entry["status"] == "withheld" and not entry["key"].endswith(".reason"):
            assert (entry["n"], entry["events"], entry["lineage"]) == (None, None, None)
    assert not [name for name, of in sets.items() if 0 < of["n"]["units"] < 5]
