"""The published tables as a data package that others can use by itself, and their citations."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pypandoc
import pytest
import yaml

from sarcoma_sbrt.io import read_rows

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "data/published"
PACKAGE: dict[str, Any] = json.loads((FOLDER / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES: dict[str, dict[str, Any]] = {r["name"]: r for r in PACKAGE["resources"]}
FIGURES = ("outcomes", "targets_feng2022", "targets_feng2020")
READ_ME = (FOLDER / "README.md").read_text(encoding="utf-8")
BIBLIOGRAPHY = ROOT / "manuscript/references.bib"
SEEDS = ROOT / "../shared/seeds"


def fields(resource: str) -> list[dict[str, Any]]:
    return RESOURCES[resource]["schema"]["fields"]


def rows(resource: str) -> list[dict[str, str]]:
    return [row for _, row in read_rows(FOLDER / RESOURCES[resource]["path"])]


def validated(package: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and report of the reference implementation."""
    call = [sys.executable, "-m", "frictionless", "validate", package.name, "--json"]
    done = subprocess.run(call, cwd=package.parent, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


# --- the reference implementation ---------------------------------------------------------


def test_frictionless_finds_the_package_valid() -> None:
    code, report = validated(FOLDER / "datapackage.json")
    assert report["errors"] == []
    assert [(task["name"], task["errors"]) for task in report["tasks"]] == [
        (name, []) for name in RESOURCES
    ]
    assert (code, report["valid"]) == (0, True)


def test_frictionless_would_find_a_figure_of_an_unknown_study(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(FOLDER, tmp_path / "published"))
    outcomes = copy / "outcomes.csv"
    header, row, *rest = outcomes.read_text(encoding="utf-8").split("\n")
    assert row.startswith("acs2021.incidence,acs2021,")
    row = row.replace(",acs2021,", ",nobody2021,")
    outcomes.write_text("\n".join([header, row, *rest]), encoding="utf-8")
    code, report = validated(copy / "datapackage.json")
    assert code == 1
    assert [error["type"] for task in report["tasks"] for error in task["errors"]] == [
        "foreign-key"
    ]


# --- tables and schema --------------------------------------------------------------------


def test_every_table_is_a_resource_and_every_resource_a_table() -> None:
    tables = {
        path.relative_to(FOLDER).as_posix()
        for path in FOLDER.rglob("*.csv")
        if path.parent.name != "second_entry"
    }
    assert {resource["path"] for resource in RESOURCES.values()} == tables
    assert len(RESOURCES) == len(PACKAGE["resources"])


@pytest.mark.parametrize("name", RESOURCES)
def test_a_header_has_the_fields_in_their_order(name: str) -> None:
    header = (FOLDER / RESOURCES[name]["path"]).read_bytes().split(b"\n", 1)[0]
    assert header.decode("utf-8").split(",") == [field["name"] for field in fields(name)]


@pytest.mark.parametrize("name", RESOURCES)
def test_a_resource_says_how_it_is_read(name: str) -> None:
    resource = RESOURCES[name]
    assert resource["profile"] == "tabular-data-resource"
    assert (resource["format"], resource["encoding"]) == ("csv", "utf-8")
    assert resource["schema"]["missingValues"] == [""]
    assert all(field["description"] and field["type"] for field in fields(name))
    text = (FOLDER / resource["path"]).read_bytes()
    assert b"\r" not in text
    assert text.endswith(b"\n")


def test_outcomes_and_targets_share_all_fields_but_the_first() -> None:
    outcomes, *targets = (fields(name) for name in FIGURES)
    assert outcomes[0]["name"] == "outcome_id"
    for other in targets:
        assert other[0] == outcomes[0] | {"name": "target_id"}
        assert other[1:] == outcomes[1:]


@pytest.mark.parametrize("name", RESOURCES)
def test_a_primary_key_is_there_and_names_one_row(name: str) -> None:
    key = fields(name)[0]["name"]
    assert RESOURCES[name]["schema"]["primaryKey"] == key
    found = Counter(row[key] for row in rows(name))
    assert found[""] == 0
    assert set(found.values()) == {1}


def test_a_key_is_used_in_one_table_of_figures_only() -> None:
    found = Counter(next(iter(row.values())) for name in FIGURES for row in rows(name))
    assert set(found.values()) == {1}


@pytest.mark.parametrize("name", FIGURES)
def test_foreign_keys_hold(name: str) -> None:
    links = {
        (link["fields"], link["reference"]["resource"], link["reference"]["fields"])
        for link in RESOURCES[name]["schema"]["foreignKeys"]
    }
    assert links == {("study_id", "studies", "study_id"), ("paper", "papers", "paper")}
    for column, there, key in links:
        assert {row[column] for row in rows(name)} <= {row[key] for row in rows(there)}


def test_studies_name_papers_and_studies_that_exist() -> None:
    papers = {row["paper"] for row in rows("papers")}
    studies = {row["study_id"] for row in rows("studies")}
    for row in rows("studies"):
        assert set(row["reported_in"].split("; ")) <= papers, row["study_id"]
        assert set(filter(None, row["members"].split("; "))) <= studies, row["study_id"]


def test_a_study_is_reported_in_every_paper_that_prints_a_figure_of_it() -> None:
    printed: dict[str, set[str]] = {}
    for row in (row for name in FIGURES for row in rows(name)):
        printed.setdefault(row["study_id"], set()).add(row["paper"])
    assert printed == {
        row["study_id"]: set(row["reported_in"].split("; ")) for row in rows("studies")
    }


def test_the_package_says_its_licence_version_and_authors_by_itself() -> None:
    assert PACKAGE["profile"] == "tabular-data-package"
    assert re.fullmatch(r"\d+\.\d+\.\d+", PACKAGE["version"])
    assert PACKAGE["contributors"] == [{"title": "The sarcoma-sbrt developers", "role": "author"}]
    [licence] = PACKAGE["licenses"]
    assert licence["name"] == "CC-BY-4.0"
    assert licence["path"] in (FOLDER / "LICENSE").read_text(encoding="utf-8")
    assert licence["path"] in READ_ME


def test_papers_and_read_me_say_the_same_of_their_licences() -> None:
    licences = {row["paper"]: row["licence"] for row in rows("papers")}
    assert licences.pop("feng2022") == "open access (no licence named)"
    assert set(licences.values()) == {"CC-BY-4.0"}
    said = " ".join(READ_ME.split())
    assert "The last three name CC BY 4.0 in their text." in said
    assert "Feng et al. 2022 that was transcribed names no licence and says only that" in said


def test_a_paper_has_its_doi_where_its_text_prints_one() -> None:
    assert [row["paper"] for row in rows("papers") if not row["doi"]] == ["feng2022"]
    assert "`doi` is empty where the text that was transcribed prints none (`feng2022`)" in READ_ME
    for paper in rows("papers"):
        assert paper["doi"] in READ_ME


# --- the vocabulary -----------------------------------------------------------------------


def enumerated() -> dict[str, set[str]]:
    return {
        field["name"]: set(field["constraints"]["enum"])
        for name in ("studies", "outcomes")
        for field in fields(name)
        if "enum" in field.get("constraints", {})
    }


def documented() -> dict[str, list[str]]:
    table = READ_ME.split("## Vocabulary")[1].split("\n## ")[0]
    found: dict[str, list[str]] = {}
    for column, values in re.findall(r"^\| `(\w+)` \| (`[^|]+`) \|", table, re.MULTILINE):
        found.setdefault(column, []).extend(re.findall(r"`([^`]+)`", values))
    return found


def used() -> dict[str, set[str]]:
    every = [row for name in ("studies", *FIGURES) for row in rows(name)]
    return {column: {row[column] for row in every if row.get(column)} for column in enumerated()}


def test_the_read_me_explains_each_fixed_word_once() -> None:
    assert {column: sorted(words) for column, words in documented().items()} == {
        column: sorted(words) for column, words in enumerated().items()
    }


def test_no_fixed_word_is_idle_but_those_that_the_read_me_names() -> None:
    idle = {word for column, words in enumerated().items() for word in words - used()[column]}
    sentence = re.search(r"No row uses (.+) yet\.", READ_ME)
    assert sentence
    assert idle == set(re.findall(r"`([^`]+)`", sentence[1]))
    assert all(used()[column] <= words for column, words in enumerated().items())


def test_a_side_that_is_favoured_is_a_slug_that_the_read_me_explains() -> None:
    table = READ_ME.split("Slugs of `favours`")[1].split("\n\n")[1]
    explained = {slug for line in table.split("\n") for slug in re.findall(r"`([^`]+)`", line)}
    figures = [row for name in FIGURES for row in rows(name)]
    groups = {row[column] for row in figures for column in ("arm", "subgroup")}
    used = {row["favours"] for row in figures} - {""}
    assert {"grade_low", "grade_high"} <= used
    assert used - explained - groups == set()


@pytest.mark.parametrize(
    "key",
    ["feng2022.sex.male", "feng2022.os.multivariable.grade.hr", "mehta2013.lc.rate_24m"],
)
def test_an_example_of_the_read_me_is_a_row(key: str) -> None:
    example = READ_ME.split(f", `{key}`:")[1].split("\n\n")[1]
    row = next(row for name in FIGURES for row in rows(name) if next(iter(row.values())) == key)
    lines = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", example, re.MULTILINE)
    assert len(lines) >= 4
    for columns, content in lines:
        values = [row[column] for column in re.findall(r"`(\w+)`", columns)]
        said = content.replace("`", "").replace("…", values[-1])
        assert said == ", ".join(value or "empty" for value in values)


# --- citations ----------------------------------------------------------------------------


def bibliography() -> dict[str, dict[str, Any]]:
    items = json.loads(pypandoc.convert_file(str(BIBLIOGRAPHY), "csljson", format="bibtex"))
    return {item["id"]: item for item in items}


def cited() -> set[str]:
    keys = {row["citation"] for name in ("papers", "studies") for row in rows(name)}
    return keys - {""}


def test_no_key_of_the_bibliography_stands_twice() -> None:
    keys = re.findall(r"^@\w+\{([^,]+),$", BIBLIOGRAPHY.read_text(encoding="utf-8"), re.MULTILINE)
    assert [key for key, n in Counter(keys).items() if n > 1] == []
    assert set(keys) == set(bibliography())


def test_every_citation_is_in_the_bibliography() -> None:
    assert cited() - set(bibliography()) == set()


def test_a_study_without_citation_says_why() -> None:
    silent = [row["study_id"] for row in rows("studies") if not (row["citation"] or row["note"])]
    assert silent == []


def test_a_paper_is_in_the_bibliography_as_it_is_in_the_table() -> None:
    for row in rows("papers"):
        item = bibliography()[row["citation"]]
        assert letters(item["title"]) == letters(row["title"])
        assert year(item) == row["year"]
        assert item.get("DOI", "") == row["doi"]


def written(item: dict[str, Any]) -> str:
    """The reference in full: authors, title, journal year;volume:pages, DOI, address."""
    title = re.sub(r"<[^>]+>", "", item["title"])
    title = re.sub(r"(?<=vs\. )[A-Z]", lambda m: m[0].lower(), title)
    journal = item.get("container-title") or item.get("publisher", "")
    where = f"{journal} {year(item)}".strip()
    where += f";{item['volume']}" if "volume" in item else ""
    where += f":{item['page']}" if "page" in item else ""
    parts = [", ".join(map(author, item["author"])), title, where]
    parts += [f"doi:{item['DOI']}"] if "DOI" in item else []
    if "URL" in item:
        y, m, d = item["accessed"]["date-parts"][0]
        parts.append(f"{item['URL']} (accessed {y}-{m:02d}-{d:02d})")
    return ". ".join(parts)


def author(name: dict[str, str]) -> str:
    if "literal" in name:
        return "et al" if name["literal"] == "others" else name["literal"]
    particle = name.get("non-dropping-particle", name.get("dropping-particle", ""))
    initials = "".join(part[0] for part in re.split(r"[\s.-]+", name["given"]) if part)
    return f"{particle} {name['family']} {initials}".strip()


@pytest.mark.parametrize("table", ["papers", "studies"])
def test_a_reference_is_that_of_the_bibliography_in_full(table: str) -> None:
    known = bibliography()
    for row in rows(table):
        expected = written(known[row["citation"]]) if row["citation"] else ""
        assert row["reference"] == expected, row["citation"]


def test_a_reference_by_hand() -> None:
    [loi] = [row["reference"] for row in rows("studies") if row["study_id"] == "loi2018"]
    assert loi == (
        "Loi M, Duijm M, Baker S, et al. Stereotactic body radiotherapy for oligometastatic soft "
        "tissue sarcoma. La Radiologia Medica 2018;123:871-878. doi:10.1007/s11547-018-0912-5"
    )


def test_a_second_report_of_a_series_does_not_stand_for_it() -> None:
    series: dict[str, list[str]] = {}
    for row in rows("studies"):
        if row["role"] == "sbrt_series":
            series.setdefault(row["cohort_id"], []).append(row["study_id"])
    assert [ids for ids in series.values() if len(ids) > 1] == []


def test_a_cited_entry_is_in_a_reference_list_of_the_papers() -> None:
    lines = references()
    papers = {row["citation"] for row in rows("papers")}
    for key in sorted(cited() - papers):
        item = bibliography()[key]
        authors = [name.get("family") or name["literal"] for name in item["author"]]
        pages = item.get("page", "").split("–")[0].split("-")[0]
        wanted = [item["title"], authors[0], year(item), item.get("volume", ""), pages]
        found = [line for line in lines if all(letters(text) in line for text in wanted)]
        assert found, f"{key}: {wanted}"
        if "DOI" in item:
            assert any(letters(item["DOI"]) in line for line in found), key


def letters(text: str) -> str:
    """Letters and digits alone: lists differ in capitals, dashes and spaces."""
    return re.sub(r"[\W_]", "", re.sub(r"<[^>]+>", "", text)).lower()


def year(item: dict[str, Any]) -> str:
    return str(item["issued"]["date-parts"][0][0])


def references() -> list[str]:
    places = yaml.safe_load((ROOT / "tests/data/published/places.yaml").read_text(encoding="utf-8"))
    paths = [SEEDS / entry["file"] for entry in places.values()]
    if not all(path.is_file() for path in paths):
        pytest.skip("the four papers are not here")
    texts = [path.read_text(encoding="utf-8") for path in paths]
    lists = [re.split(r"^(?:## )?References$", text, flags=re.MULTILINE)[-1] for text in texts]
    return [letters(line) for text in lists for line in text.split("\n")]
