from __future__ import annotations

from pathlib import Path

import pytest

from sarcoma_sbrt.errors import RenderError
from sarcoma_sbrt.rendering import source

METHODS = "sections/methods.qmd"
DISCUSSION = "sections/discussion.qmd"


def _append(file: Path, text: str) -> int:
    """Add a block at the end of a file; the line that it begins on."""
    content = file.read_text(encoding="utf-8")
    file.write_text(f"{content}\n{text}\n", encoding="utf-8")
    return content.count("\n") + 2


def _refused(assemble, **changes) -> list[str]:
    with pytest.raises(RenderError) as refused:
        assemble(**changes)
    return str(refused.value).splitlines()


# First line of a block -> how many lines after it the problem stands, where it is not there.
LATER = {"| a |": 4, "::: {#refs}": 1, "``` text": 1}
SHORTCODES = "accepted: {{< num key >}}, {{< include /path >}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "Survival {{< num os.medain >}} months.",
            "os.medain: no number has this key, accepted: os.median",
        ),
        (
            "Nothing like {{< num zzz >}} exists.",
            "zzz: no number has this key, accepted: a key of numbers.json",
        ),
        (
            "By {{< meta author >}}.",
            "{{< meta author >}}: shortcode is not supported, " + SHORTCODES,
        ),
        (
            "By {{<num os.median>}}.",
            "{{<num os.median>}}: shortcode is not supported, " + SHORTCODES,
        ),
        (
            "{{< var version >}}",
            "{{< var version >}}: shortcode is not supported, " + SHORTCODES,
        ),
        (
            "It was {{< num\nos.median >}}.",
            "It was {{< num: shortcode does not end on its line, " + SHORTCODES,
        ),
        (
            "```{python}\n1 + 1\n```",
            "{python}: code cell or raw block is not supported, accepted: a block of plain code",
        ),
        (
            "```{=html}\n<b>x</b>\n```",
            "{=html}: code cell or raw block is not supported, accepted: a block of plain code",
        ),
        (
            "``` text\n{{< num os.median >}}\n```",
            "{{< num os.median >}}: shortcode stands in code",
        ),
        (
            "::: {.callout-note}\nText.\n:::",
            ".callout-note: attribute of a div is not supported, "
            "accepted: .table-note, #identifier",
        ),
        (
            "::: {.panel-tabset}\nText.\n:::",
            ".panel-tabset: attribute of a div is not supported, "
            "accepted: .table-note, #identifier",
        ),
        (
            "::: {layout-ncol=2}\nText.\n:::",
            "layout-ncol: attribute of a div is not supported, accepted: .table-note, #identifier",
        ),
        (
            "::: column-margin\nText.\n:::",
            ".column-margin: attribute of a div is not supported, "
            "accepted: .table-note, #identifier",
        ),
        (
            "Some [text]{.aside} here.",
            ".aside: attribute of a span is not supported, "
            "accepted: .smallcaps, .underline, .claim, name, of, #identifier",
        ),
        (
            'Bound [37]{.num data-key="cohort.patients"} by hand.',
            ".num: attribute of a span is not supported, "
            "accepted: .smallcaps, .underline, .claim, name, of, #identifier",
        ),
        (
            "Raw `<br>`{=html} here.",
            "=html: attribute of a code is not supported, accepted: none",
        ),
        (
            "A [link](https://example.org){target=_blank}.",
            "target: attribute of a link is not supported, accepted: none",
        ),
        (
            "![A](figures/os){#fig-other .lightbox}",
            ".lightbox: attribute of an image is not supported, "
            "accepted: fig-alt, width, height, #identifier",
        ),
        ("A <b>bold</b> word.", "<b>: raw HTML is not supported, accepted: Markdown"),
        ("As `{{< num os.median >}}`.", "`{{< num os.median >}}`: shortcode stands in code"),
        (
            "As $x = {{< num os.median >}}$.",
            "$x = {{< num os.median >}}$: shortcode stands in a formula, "
            "accepted: the number beside it",
        ),
        (
            "| a |\n|---|\n| b |\n\n: Caption",
            ": Caption: caption under a table is not supported, "
            "accepted: ::: {#tbl-name}, the table, its caption, :::",
        ),
        (
            "::: {#refs}\nOf 37 patients.\n:::",
            "Of 37 patients.: text stands in the reference list, accepted: :::",
        ),
        ("On %date%.", "%date%: placeholder stands outside the front matter"),
        (
            "See @fig-oss.",
            "@fig-oss: cross-reference has no target, accepted: @fig-os, @fig-lc",
        ),
        (
            "See @sec-nowhere-at-all.",
            "@sec-nowhere-at-all: cross-reference has no target, "
            "accepted: a label in the manuscript",
        ),
        (
            "As @exampel2022 says.",
            "@exampel2022: citation is not in the bibliography, accepted: @example2022",
        ),
        (
            "See @eq-one.",
            "@eq-one: citation is not in the bibliography, accepted: a key of the bibliography",
        ),
        (
            "## Twice {#sec-results}",
            "#sec-results: label is used twice, first at sections/results.qmd:1",
        ),
        ("![A](figures/nothing){#fig-a}", "figures/nothing.svg: no such figure"),
        (
            "![A](figures/os.svg){#fig-a}",
            "figures/os.svg: figure is named with its extension, accepted: os",
        ),
        ("![A](pictures/a)", "pictures/a: picture is not in figures/, accepted: figures/name"),
        (
            "## Volume of {{< num ptv.median >}}",
            "ptv.median: rests on filler, which may not stand in a heading, "
            "accepted: a number with the support printed or inferred",
        ),
    ],
)
def test_what_the_subset_lacks_is_refused_by_file_and_line(
    manuscript: Path, assemble, text: str, message: str
) -> None:
    line = _append(manuscript / DISCUSSION, text)
    line += LATER.get(text.split("\n")[0], 0)
    place = f"{manuscript.as_posix()}/{DISCUSSION}:{line}"
    assert f"{place}: {message}" in _refused(assemble)


@pytest.mark.parametrize(
    ("file", "place"),
    [
        (DISCUSSION, "the discussion"),
        ("sections/comparison.qmd", "the comparison"),
        ("index.qmd", "the title block and the abstract"),
    ],
)
def test_filler_is_refused_where_readers_look_for_findings(
    manuscript: Path, assemble, file: str, place: str
) -> None:
    path = manuscript / file
    if file == "index.qmd":
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("{{< num cohort.lesions >}}", "{{< num ptv.median >}}"))
        line = next(i for i, s in enumerate(text.splitlines(), 1) if "cohort.lesions" in s)
    else:
        path.touch()
        line = _append(path, "Volume {{< num ptv.median >}}.")
        if file not in (manuscript / "index.qmd").read_text(encoding="utf-8"):
            _append(manuscript / "index.qmd", f"{{{{< include /{file} >}}}}")
    assert _refused(assemble) == [
        f"{path.as_posix()}:{line}: ptv.median: rests on filler, which may not stand in {place}, "
        "accepted: a number with the support printed or inferred"
    ]


def test_filler_is_refused_in_a_table_that_the_discussion_includes(
    manuscript: Path, assemble
) -> None:
    _append(manuscript / DISCUSSION, "{{< include /tables/extra.qmd >}}")
    table = "::: {#tbl-extra}\n\n| a |\n|--|\n| {{< num ptv.median >}} |\n\nCaption.\n:::\n"
    usual = {"patients": "::: {#tbl-patients}\n:::", "models": "::: {#tbl-models}\n:::"}
    assert _refused(assemble, tables=usual | {"extra": table}) == [
        "tables/extra.qmd:5: ptv.median: rests on filler, which may not stand in the discussion, "
        "accepted: a number with the support printed or inferred"
    ]


def test_all_problems_are_reported_at_once(manuscript: Path, assemble) -> None:
    first = _append(manuscript / METHODS, "See @fig-none and {{< num none.such >}}.")
    second = _append(manuscript / DISCUSSION, "See @nobody1900.")
    places = [message.rsplit(": ", 2)[0].split("/")[-1] for message in _refused(assemble)]
    assert [p.split(": ")[0] for p in places] == [
        f"discussion.qmd:{second}",
        f"methods.qmd:{first}",
        f"methods.qmd:{first}",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("keywords:", "format: html\nkeywords:", "format: front matter key is not supported"),
        (
            "    affiliation: Institute of Samples",
            "    email: b@example.org",
            "email: front matter key is not supported, accepted: name, affiliation, orcid",
        ),
    ],
)
def test_front_matter_of_another_kind_is_refused(
    manuscript: Path, assemble, old: str, new: str, message: str
) -> None:
    index = manuscript / "index.qmd"
    text = index.read_text(encoding="utf-8").replace(old, new, 1)
    index.write_text(text, encoding="utf-8")
    key = new.split(":")[0].strip()
    line = next(i for i, s in enumerate(text.splitlines(), 1) if s.strip().startswith(f"{key}:"))
    assert _refused(assemble)[0].startswith(f"{index.as_posix()}:{line}: {message}")


def test_an_include_that_names_no_file_is_refused(manuscript: Path, assemble) -> None:
    _append(manuscript / METHODS, "{{< include /sections/none.qmd >}}")
    _append(manuscript / METHODS, "{{< include sections/results.qmd >}}")
    _append(manuscript / METHODS, "{{< include /sections/methods.qmd >}}")
    messages = [message.split(": ", 1)[1] for message in _refused(assemble)]
    assert messages == [
        "/sections/none.qmd: no such file to include",
        "sections/results.qmd: include is not relative to the project's root, "
        "accepted: /sections/results.qmd",
        "/sections/methods.qmd: file includes itself",
    ]


def test_lines_keep_their_file_and_number_through_includes(project: Path) -> None:
    lines = source.expand(project)
    for line in lines:
        text = (project / line.file).read_text(encoding="utf-8").splitlines()
        assert text[line.number - 1] == line.text
    assert lines[-1].file == "index.qmd"
    chains = {line.within for line in lines if line.file == "tables/models.qmd"}
    assert chains == {("index.qmd", "sections/results.qmd", "tables/models.qmd")}


def test_used_keys_are_found_in_title_abstract_caption_and_alternative_text(project: Path) -> None:
    used = source.used_keys(source.expand(project))
    places = {(key, line.file, line.text[:5]) for key, line in used}
    assert ("cohort.patients", "index.qmd", "title") in places
    assert ("lc.rate_12m", "index.qmd", "  {{<") in places
    assert ("os.median", "sections/results.qmd", "![Ove") in places


def test_comments_code_and_formulas_are_not_taken_for_syntax(manuscript: Path, assemble) -> None:
    for text in (
        "<!-- {{< num none >}} is not used, nor is @nobody -->",
        "`@nobody` and $\\frac{a}{b}$ and mail to someone@example.org, costs {no} attribute.",
        "```text\n@nobody {#fig-os} <b>\n```",
    ):
        _append(manuscript / DISCUSSION, text)
    messages = _refused(assemble)
    # A shortcode in a comment would be resolved by Quarto: its key must exist all the same.
    assert [m.split(": ", 1)[1] for m in messages] == [
        "none: no number has this key, accepted: a key of numbers.json"
    ]


def test_comments_are_blanked_but_not_in_code() -> None:
    text = [
        "before <!-- one --> after",
        "<!-- two",
        "three --> rest",
        "```",
        "<!-- kept -->",
        "```",
        "  - item",
    ]
    lines = [source.Line("a.qmd", number, line, ()) for number, line in enumerate(text, start=1)]
    assert source.without_comments(lines) == [
        "before              after",
        "",
        "rest",
        "```",
        "<!-- kept -->",
        "```",
        "  - item",
    ]
