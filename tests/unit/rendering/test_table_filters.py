"""What the filters make of a pipe table, each format as its writer is told."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pypandoc
import pytest
from bs4 import BeautifulSoup, Tag

EXTENSION = Path(__file__).parents[3] / "manuscript/_extensions/provenance"
HEADS = """
|           | Control |     | Survival |     |
|:----------|--------:|----:|---------:|----:|
| Covariate | HR      | *p* | HR       | *p* |
| Age       | a       | b   | c        | d   |
"""
GROUPS = """
| Characteristic | Patients |
|:---------------|---------:|
| Age            | a        |
| **Sex**        |          |
| Female         | b        |
| Male           | c        |
| **Total**      | d        |
| **Grade**      |          |
| low            | e        |
"""


def filtered(text: str, to: str, *filters: str, output: Path | None = None) -> str:
    command = [pypandoc.get_pandoc_path(), f"--to={to}", "--columns=10000", "--wrap=none"]
    command += [f"--lua-filter={EXTENSION / name}" for name in filters]
    command += [f"--output={output}"] if output else []
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def page(text: str, *filters: str) -> BeautifulSoup:
    return BeautifulSoup(filtered(text, "html", *filters), "html.parser")


def cells(row: Tag) -> list[tuple[str, str, str]]:
    """Text of each cell, with how many columns and rows it spans."""
    return [
        (cell.get_text(), cell.get("colspan", "1"), cell.get("rowspan", "1"))
        for cell in row.find_all(["th", "td"])
    ]


def test_an_empty_cell_of_the_head_continues_the_one_on_its_left() -> None:
    rows = page(HEADS, "tables.lua").find_all("tr")
    assert cells(rows[0]) == [
        ("Covariate", "1", "2"),
        ("Control", "2", "1"),
        ("Survival", "2", "1"),
    ]
    assert [text for text, _, _ in cells(rows[1])] == ["HR", "p", "HR", "p"]
    assert {row.parent.name for row in rows[:2]} == {"thead"}
    assert [text for text, _, _ in cells(rows[2])] == ["Age", "a", "b", "c", "d"]


def test_a_full_head_stays_one_row() -> None:
    text = HEADS.replace("Control |     |", "Control | p   |").replace(
        "Survival |     |", "Survival | p   |"
    )
    rows = page(text, "tables.lua").select("thead tr")
    assert [text for text, _, _ in cells(rows[0])] == ["", "Control", "p", "Survival", "p"]
    assert len(rows) == 1


def test_a_bold_cell_alone_spans_its_row_and_indents_the_rows_after_it() -> None:
    rows = page(GROUPS, "tables.lua").select("tbody tr")
    assert [(row.get("class", [""])[0], row.get_text(" ", strip=True)) for row in rows] == [
        ("", "Age a"),
        ("group", "Sex"),
        ("member", "Female b"),
        ("member", "Male c"),
        ("member", "Total d"),  # bold, but with a number: a row like others
        ("group", "Grade"),
        ("member", "low e"),
    ]
    assert cells(rows[1]) == [("Sex", "2", "1")]


def test_word_is_given_styles_and_typst_room() -> None:
    styled = filtered(GROUPS, "typst", "tables.lua")
    assert "table.cell(colspan: 2, inset: (x: 4pt, top: 6pt, bottom: 3pt))[#strong[Sex]]" in styled
    assert styled.count("inset: (left: 14pt") == 4
    heads = filtered(HEADS, "typst", "tables.lua")
    assert heads.count("stroke: (bottom: 0.3pt)") == 2
    # The template sets only the first row in bold.
    assert heads.count("#strong[HR]") == 2


# --- filler -------------------------------------------------------------------------------


def number(text: str, support: str = "filler") -> str:
    return f'[{text}]{{.num data-key="a.b" data-support="{support}"}}'


@pytest.mark.parametrize(
    ("cells_", "printed"),
    [
        # All of the row is filler: once, on the label.
        ((number("7"), number("8")), ["Size‡", "7", "8"]),
        # One is not: each that is.
        ((number("7"), number("8", "printed")), ["Size", "7‡", "8"]),
        # One alone might be taken for sound.
        ((number("7"), ""), ["Size", "7‡", ""]),
        ((number("7", "printed"), number("8", "inferred")), ["Size", "7", "8"]),
        # Two in one cell are two.
        ((f"{number('7')} ({number('8')})", ""), ["Size‡", "7 (8)", ""]),
    ],
)
def test_a_row_of_filler_is_marked_once(cells_: tuple[str, str], printed: list[str]) -> None:
    text = f"| A | B | C |\n|:--|--:|--:|\n| Size | {cells_[0]} | {cells_[1]} |\n\n: About.\n"
    table = page(text, "filler.lua").table
    assert [cell.get_text() for cell in table.select("tbody td")] == printed
    note = "(‡ illustrative, not constrained by any printed figure)"
    noted = table.caption.get_text().endswith(note)
    assert noted == any("‡" in cell for cell in printed)


def test_a_row_of_filler_without_a_label_is_marked_number_by_number() -> None:
    text = f"| A | B | C |\n|:--|--:|--:|\n| | {number('7')} | {number('8')} |\n\n: About.\n"
    found = page(text, "filler.lua").select("tbody td")
    assert [cell.get_text() for cell in found] == ["", "7‡", "8‡"]


def of_key(key: str, text: str = "7") -> str:
    return number(text).replace('"a.b"', f'"{key}"')


@pytest.mark.parametrize(
    ("keys", "printed"),
    [
        (("a.rate", "a.rate.low", "a.rate.high"), "7‡ 7 7"),
        (("a.rate.stated", "a.rate.low"), "7‡ 7"),
        (("a.median", "a.median.low"), "7‡ 7"),
        (("a.median", "a.min", "a.max"), "7‡ 7 7"),
        (("a.rate", "b.rate.low", "a.high"), "7‡ 7‡ 7‡"),
        (("a.rate.low", "a.rate"), "7‡ 7‡"),
    ],
)
def test_the_limits_of_a_marked_number_have_no_mark_of_their_own(
    keys: tuple[str, ...], printed: str
) -> None:
    found = page(" ".join(map(of_key, keys)), "filler.lua").p.get_text()
    assert found.split(" (‡")[0] == printed


# --- ranges over the reconstructions found -------------------------------------------------

RANGE_NOTE = "(in square brackets: range over the 24 reconstructions found)"


def ranged(text: str, support: str = "inferred") -> str:
    told = 'data-range="3.1 to 5.2" data-solutions="24"'
    return f'[{text}]{{.num data-key="a.b" data-support="{support}" {told}}}'


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (f"It was {ranged('4.0')} months.", "It was 4.0 [3.1 to 5.2] months."),
        # The sign belongs to the number.
        (f"It was {ranged('4.0')}%, then.", "It was 4.0% [3.1 to 5.2], then."),
        (f"Or {ranged('4.0')}, or {ranged('4.1')}.", "Or 4.0 [3.1 to 5.2], or 4.1 [3.1 to 5.2]."),
        (f"Both: {ranged('4.0', 'filler')}.", "Both: 4.0‡ [3.1 to 5.2]."),
    ],
)
def test_a_range_stands_behind_its_number_and_is_noted_once(text: str, printed: str) -> None:
    paragraph = page(text, "filler.lua").p
    found = " ".join(paragraph.get_text().split())
    filler = " (‡ illustrative, not constrained by any printed figure)" if "‡" in printed else ""
    assert found == f"{printed}{filler} {RANGE_NOTE}"
    spans = paragraph.select("span.range")
    assert {(s["data-key"], s.get_text()) for s in spans} == {("a.b.over_solutions", "3.1 to 5.2")}
    (count,) = paragraph.select('[data-key="reproduction.search.solutions"]')
    assert count.get_text() == "24"


def test_ranges_in_a_table_are_noted_in_its_caption_alone() -> None:
    row = f"| Size | {ranged('7')} | {ranged('8', 'filler')} |"
    both = f"| All | {ranged('7', 'filler')} | {ranged('8', 'filler')} |"
    text = f"| A | B | C |\n|:--|--:|--:|\n{row}\n{both}\n\n: About.\n"
    table = page(text, "filler.lua").table
    assert [cell.get_text() for cell in table.select("tbody td")] == [
        "Size",
        "7 [3.1 to 5.2]",
        "8‡ [3.1 to 5.2]",
        "All‡",
        "7 [3.1 to 5.2]",
        "8 [3.1 to 5.2]",
    ]
    said = " ".join(table.caption.get_text().split())
    note = "(‡ illustrative, not constrained by any printed figure)"
    assert said == f"About. {note} {RANGE_NOTE}"
    assert page(text, "filler.lua").get_text().count("in square brackets") == 1


def table_of(cell: str) -> str:
    return f"It was {ranged('7')}.\n\n| A | B |\n|:--|--:|\n| Size | {cell} |\n\n: About.\n"


def test_a_range_stands_in_a_span_with_its_brackets() -> None:
    found = page(table_of(ranged("7")), "filler.lua").select("td span.bracketed")
    assert [span.get_text() for span in found] == ["[3.1 to 5.2]"]


def test_the_range_of_a_cell_is_lighter_in_the_pdf_and_does_not_break() -> None:
    made = filtered(table_of(ranged("7")), "typst", "filler.lua")
    assert made.count("#text(size: 0.88em") == 1
    cell = made[made.index("#text(size: 0.88em") :]
    assert cell.split("[", 1)[1].startswith("\\[3.1~to~5.2\\]]")
    assert "3.1 to 5.2" in made[: made.index("#text(size: 0.88em")]


@pytest.mark.parametrize(
    ("behind", "boxed"), [(" (1–9)", True), ("", False), (" (1–9", False), (" or 9)", False)]
)
def test_the_interval_behind_a_range_does_not_break_in_the_pdf(behind: str, boxed: bool) -> None:
    made = filtered(table_of(f"{ranged('7')}{behind}"), "typst", "filler.lua")
    assert made.count("#box[") == boxed
    assert (re.search(r"#box\[\\?\(1--9\)\]", made) is not None) == boxed


@pytest.mark.parametrize(
    ("cell", "boxed"),
    [("7 (1–9)", 1), ("7 (1–9), 8 (2–9)", 2), ("7 (1 or 9)", 0), ("7 (1–9", 0), ("7", 0)],
)
def test_an_interval_without_a_range_does_not_break_in_the_pdf_either(
    cell: str, boxed: int
) -> None:
    numbers = re.sub(r"\d", lambda found: number(found[0]), cell)
    made = filtered(f"| A | B |\n|:--|--:|\n| Size | {numbers} |\n", "typst", "filler.lua")
    assert made.count("#box[") == boxed


def test_a_table_without_ranges_has_no_note_of_them() -> None:
    text = f"| A | B |\n|:--|--:|\n| Size | {number('7')} |\n\n: About.\n"
    assert "in square brackets" not in page(text, "filler.lua").get_text()


# --- widths -------------------------------------------------------------------------------


def widths(text: str) -> list[float]:
    """Shares of the line that Typst's columns are told to take; none where they fit."""
    lines = filtered(text, "typst", "crossref.lua").splitlines()
    told = next(line for line in lines if "columns:" in line)
    return [float(share) for share in re.findall(r"([\d.]+)%", told)]


def word_widths(text: str, path: Path) -> list[int]:
    """Widths that Word's columns are told to take, of 7920 a line in pandoc's own document."""
    filtered(text, "docx", "crossref.lua", output=path)
    with zipfile.ZipFile(path) as archive:
        body = archive.read("word/document.xml").decode()
    return [int(width) for width in re.findall(r'<w:gridCol w:w="(\d+)"', body)]


def crowded(word: str, prose: str) -> str:
    return (
        f"::: {{#tbl-x}}\n| {word} | Remark | Count |\n|:--|:--|--:|\n"
        f"| a | {prose} | 70.6 (50.0–84.0) |\n\nAbout.\n:::\n"
    )


def test_a_table_that_fits_is_left_to_typst() -> None:
    assert widths(crowded("Patients", "short")) == []


def test_a_column_is_never_narrower_than_its_longest_word() -> None:
    """In ems of 54 a line: 15 letters of half an em and less need some 7."""
    prose = "much to say " * 40
    narrow, wide = widths(crowded("Patients", prose)), widths(crowded("Unverifiability", prose))
    assert sum(narrow) == pytest.approx(100, abs=0.5)
    assert 4 < narrow[0] * 0.54 < 6.5
    assert wide[0] * 0.54 > 6.5
    # A number stays with its interval; what is left goes to the prose.
    assert narrow[2] * 0.54 > 6.5
    assert narrow[1] > 60


def test_words_columns_are_wide_enough_for_a_wider_font(tmp_path: Path) -> None:
    prose = "much to say " * 40
    found = word_widths(crowded("Unverifiability", prose), tmp_path / "a.docx")
    share = found[0] / sum(found)
    # In ems of 58.8 a line; Typst, whose font is known, gives the word less.
    assert 9 < share * 58.8 < 12
    assert share > widths(crowded("Unverifiability", prose))[0] / 100


def test_word_is_told_the_widths_of_a_small_table_too(tmp_path: Path) -> None:
    found = word_widths(crowded("Patients", "short"), tmp_path / "a.docx")
    assert len(found) == 3
    # As wide as its text, not as the page.
    assert sum(found) < 0.7 * 7920


def test_columns_share_what_is_left_by_what_they_hold() -> None:
    row = f"| {'word ' * 120} | {'word ' * 40} |"
    text = f"::: {{#tbl-x}}\n| A | B |\n|:--|:--|\n{row}\n\nAbout.\n:::\n"
    first, second = widths(text)
    assert 2.5 < first / second < 3.2


def test_a_short_column_takes_no_more_than_its_line() -> None:
    row = f"| {'word ' * 200} | two words | three short words |"
    text = f"::: {{#tbl-x}}\n| A | B | C |\n|:--|:--|:--|\n{row}\n\nAbout.\n:::\n"
    first, second, third = widths(text)
    assert second < third < 20 < first


@pytest.mark.parametrize(
    ("label", "own_line"),
    # A label that wraps once more for it needs the room more.
    [("Metastasis-free", True), ("Metastasis-free survival of all", False)],
)
def test_a_count_has_its_line_where_not_every_interval_can(label: str, own_line: bool) -> None:
    """In ems of 54 a line: six intervals leave no room for all, a count and its range need 6."""
    cells = " | ".join([ranged("21"), *["70.6 (50.0–84.0)"] * 6])
    text = (
        f"::: {{#tbl-x}}\n| Group | n |{' Rate |' * 6}\n|:--|--:|{'--:|' * 6}\n"
        f"| {label} | {cells} |\n\nAbout.\n:::\n"
    )
    shares = widths(text)
    assert sum(shares) == pytest.approx(100, abs=0.5)
    assert (shares[1] * 0.54 > 6.3) == own_line
    assert min(shares) * 0.54 > 5.5


def test_short_names_wrap_where_prose_needs_the_room() -> None:
    def of(prose: str) -> list[float]:
        names = ["a short name it is", "quite another name of some more length than that"]
        rows = "".join(f"| {name} | {name} | {name} | {prose} |\n" for name in names)
        return widths(
            f"::: {{#tbl-x}}\n| A | B | C | D |\n|:--|:--|:--|:--|\n{rows}\nAbout.\n:::\n"
        )

    assert of("much to say " * 4)[3] < 35
    assert of("much to say " * 60)[3] > 60


def whole(lines: int, note: str = "") -> str:
    rows = "".join("| a | b |\n" for _ in range(lines))
    text = f"::: {{#tbl-x}}\n| A | B |\n|--|--|\n{rows}\n{note}About.\n:::\n"
    return filtered(text, "typst", "crossref.lua")


def test_only_a_short_table_is_kept_on_one_page() -> None:
    assert "set block(breakable: false)" in whole(16)
    assert "set block(breakable: false" not in whole(17)


def test_a_short_table_stays_with_its_note() -> None:
    assert "set block(breakable: false, sticky: true)" in whole(16, "A note.\n\n")
    assert "sticky" not in whole(17, "A note.\n\n")


@pytest.mark.parametrize(("times", "breaks"), [(60, False), (600, True)])
def test_only_a_row_that_may_not_fit_on_a_page_breaks(times: int, breaks: bool) -> None:
    typst = filtered(crowded("Patients", "much to say " * times), "typst", "crossref.lua")
    assert typst.count("breakable: true") == (3 if breaks else 0)


# --- the page of a screen -----------------------------------------------------------------


def test_a_table_and_a_picture_scroll_in_a_box_of_their_own() -> None:
    text = f"{crowded('Patients', 'short')}\n![A curve.](curve.svg){{#fig-x}}\n"
    found = page(text, "crossref.lua")
    box = found.select_one("div.table-scroll")
    assert box.table["id"] == "tbl-x"
    assert (box["role"], box["tabindex"], box["aria-label"]) == ("region", "0", "Table 1")
    assert box["style"].startswith("--line: ")
    assert found.select_one("figure#fig-x > div.figure-scroll img")["src"] == "curve.svg"
    assert found.select_one("figure#fig-x > figcaption") is not None


def line_of(text: str) -> int:
    style = page(text, "crossref.lua").select_one("div.table-scroll")["style"]
    return int(style.removeprefix("--line: ").removesuffix("em"))


def test_the_box_knows_how_wide_its_lines_are() -> None:
    assert line_of(crowded("Patients", "short")) < 30
    assert line_of(crowded("Patients", "much to say " * 10)) > 60


def test_other_formats_have_no_boxes() -> None:
    for to in ("typst", "json"):
        assert "table-scroll" not in filtered(crowded("Patients", "short"), to, "crossref.lua")


def test_a_range_is_given_room() -> None:
    long = "a long text that fills its column and more, so that the table takes the whole line " * 2
    text = "| A | B |\n|:--|--:|\n| {} | {} |\n\n: About.\n"
    plain, wide = (widths(text.format(long, cell)) for cell in (number("7"), ranged("7")))
    assert wide[1] > 1.5 * plain[1]


def test_a_column_is_never_narrower_than_the_ends_of_a_range() -> None:
    cell = ranged("77.7").replace("3.1 to 5.2", "100.1 to 105.2, no value in 16 of all these")
    text = f"| A | B |\n|:--|--:|\n| {'much to say ' * 300} | {{}} |\n\n: About.\n"
    together, apart = (widths(text.format(one))[1] for one in (cell, cell.replace(" to", ", to")))
    assert together > 1.5 * apart
