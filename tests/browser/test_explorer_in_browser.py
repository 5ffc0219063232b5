"""The audit explorer as a reader uses it."""

from __future__ import annotations

import io
import re
from typing import Any

import pypdf
import pytest

VIEWS = [
    "",
    "#/numbers",
    "#/published",
    "#/consistency",
    "#/flow",
    "#/run",
    "#os.median",
    "#no.such",
    "#/numbers?figure=fig-os",
    "#/numbers?figure=fig-none",
]


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_fits_the_window_and_complains_of_nothing(
    any_page: Any, explorer: str, view: str
) -> None:
    any_page.goto(explorer + view)
    assert any_page.locator("h1").inner_text()
    width = any_page.evaluate("document.documentElement.scrollWidth")
    assert width <= any_page.viewport_size["width"]


def test_a_number_says_what_stands_behind_it(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#os.median")
    facts = desktop.locator(".facts").first.inner_text()
    for said in (
        "24.49",
        "17.2 to not reached (95% CI, log-log)",
        "37 patients, 28 events",
        "all patients followed for overall survival",
        "which gives 24.49, the same",
        "os.median.low",
    ):
        assert said in facts
    rows = desktop.locator("section, main").inner_text()
    assert "37 units counted, 95 canonical rows, 95 raw lines" in rows
    assert "0f" * 32 in rows
    assert "sarcoma-sbrt trace os.median --rows" in rows
    assert desktop.locator("mark").inner_text() == "24.5"
    desktop.goto(explorer + "#published.os.median")
    assert "(3)" in desktop.locator("#checks").inner_text()


# Points of lines that lie within a box.
CROSSED = """() => {
    const boxes = [...document.querySelectorAll(".graph rect")].map(r => r.getBoundingClientRect());
    const to = document.querySelector(".graph svg").getScreenCTM();
    const within = (point, box) => point.x > box.left + 1 && point.x < box.right - 1
        && point.y > box.top + 1 && point.y < box.bottom - 1;
    return [...document.querySelectorAll(".graph path")].flatMap(path =>
        [...Array(40).keys()]
            .map(i => path.getPointAtLength(path.getTotalLength() * i / 39).matrixTransform(to))
            .filter(point => boxes.some(box => within(point, box)))).length;
}"""


def test_the_ancestry_is_drawn_from_data_to_text(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#os.median")
    graph = desktop.locator(".graph svg")
    nodes = [" ".join(n.split()) for n in graph.locator("g").all_text_contents()]
    for node in ("patients.csv", "courses", "os", "configuration", "rule kaplan_meier", "numpy"):
        assert any(f"{node}" in said for said in nodes), node
    # Own file to own table; both tables to the units; units and settings to the rule; units to the
    # second engine; the rule to the registration; this and the engine to the number; the number to
    # the manuscript.
    assert graph.locator("path").count() == 2 + 2 + 2 + 1 + 1 + 2 + 1
    assert graph.locator("path.second").count() == 2
    assert desktop.evaluate(CROSSED) == 0
    assert desktop.locator(".graph .layers").is_hidden()
    box = graph.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= desktop.viewport_size["width"]


def test_a_printed_figure_goes_into_the_rule_and_no_line_crosses_a_table(
    desktop: Any, explorer: str
) -> None:
    desktop.goto(explorer + "#os.rate_12m")
    desktop.wait_for_selector(".graph svg")
    assert desktop.evaluate(CROSSED) == 0
    layers = desktop.locator(".graph .layers > li")
    assert "x.csv" not in layers.nth(0).text_content()
    assert "x.csv" in layers.filter(has_text="inputs of the rule").text_content()
    rule = layers.filter(has_text="1 file of code").text_content()
    assert "from: configuration, endpoint os, x.csv" in rule


def _on_a_list(page: Any) -> dict[str, str]:
    """What is said to be the source of each node of the narrow ancestry."""
    nodes = page.locator(".graph .node").all()
    said = (
        [node.locator(part).all_inner_texts() for part in (".first", ".from")] for node in nodes
    )
    return {first[0]: "".join(sources) for first, sources in said}


def test_on_a_phone_the_ancestry_is_a_list_that_says_from_where(phone: Any, explorer: str) -> None:
    phone.goto(explorer + "#os.median")
    assert phone.locator(".graph svg").count() == 0
    assert _on_a_list(phone) == {
        "patients.csv": "",
        "courses.csv": "",
        "patients": "from: patients.csv",
        "courses": "from: courses.csv",
        "configuration": "",
        "endpoint os": "from: courses, patients",
        "rule kaplan_meier": "from: configuration, endpoint os",
        "rule numbers": "from: rule kaplan_meier",
        "numpy": "from: endpoint os",
        "24.5": "from: rule numbers, numpy",
        "manuscript": "from: 24.5",
    }
    boxes = [node.bounding_box() for node in phone.locator(".graph .node").all()]
    assert all(b["x"] >= 0 and b["x"] + b["width"] <= 390 for b in boxes)
    tops = [box["y"] for box in boxes]
    bottoms = [box["y"] + box["height"] for box in boxes]
    assert all(bottom < top for bottom, top in zip(bottoms, tops[1:], strict=False))


def test_on_a_phone_a_note_beside_a_long_name_wraps_below_it(phone: Any, explorer: str) -> None:
    phone.goto(explorer + "#published.x2022.place")
    note = phone.locator(".graph .node", has_text="as printed").locator(".more")
    assert note.bounding_box()["height"] < 2 * 20  # pixels: one line


def test_the_code_behind_every_number_is_shown_and_that_of_its_places(
    desktop: Any, explorer: str
) -> None:
    desktop.goto(explorer + "#os.median")
    shared = "1 script or module of rule numbers, which words, rounds and registers every number"
    together = "1 script or module of rule assemble, which puts the manuscript together"
    rendered = "1 script or module of rule render, which renders it"
    code = desktop.locator("#code ~ details summary")
    own = "1 script or module of rule kaplan_meier"
    assert code.all_text_contents() == [own, shared, together, rendered]
    desktop.goto(explorer + "#b.cell")
    tables = "1 script or module of rule tables, which lays out the tables"
    assert code.all_text_contents() == [shared, tables, together, rendered]
    assert "tables" in desktop.locator(".graph").text_content()


def test_a_setting_comes_from_its_line(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#config.endpoints.endpoints.os.unit")
    assert _on_a_list(desktop)["rule numbers"] == "from: endpoints.yaml"
    nodes = desktop.locator(".graph .layers").text_content()
    assert "line 12" in nodes
    assert "configuration" not in nodes
    assert "Set in endpoints.yaml:12." in desktop.locator("#rows + p").text_content()
    assert "endpoints.yaml:12" in desktop.locator("#settings + ul").text_content()


def test_nodes_of_the_graph_lead_to_their_sections_by_keyboard(desktop: Any, explorer: str) -> None:
    desktop.set_viewport_size({"width": 1280, "height": 300})
    desktop.goto(explorer + "#os.median")
    node = desktop.locator('.graph g[role="link"]', has_text="kaplan_meier")
    node.focus()
    desktop.keyboard.press("Enter")
    assert desktop.locator("#code").bounding_box()["y"] < 300


def test_the_first_view_says_what_to_do(any_page: Any, explorer: str) -> None:
    any_page.goto(explorer)
    task = any_page.locator(".task")
    said = "Search a number as it is printed, for instance 24.5, or open one from the manuscript."
    assert task.inner_text() == said
    told = any_page.locator("main").inner_text()
    assert "7 different entries of the registry are printed or drawn, 7 times in all" in told
    task.locator("a").first.click()
    any_page.wait_for_selector("#found")
    assert any_page.locator("tbody tr a").first.inner_text() == "os.median"


def test_a_printed_number_is_found_in_its_sentence_before_others(
    any_page: Any, explorer: str
) -> None:
    any_page.goto(explorer + "#/numbers?q=24.5")
    any_page.wait_for_selector("#found")
    assert any_page.locator("tbody tr a").all_inner_texts() == [
        *("os.median", "z.stated", "b.cell", "a.nowhere", "c.longer")
    ]
    said = any_page.locator("tbody tr .said").all_inner_texts()
    assert said[:3] == [
        "The median was 24.5 months.",
        "At last it was 24.5 months.",
        "tbl-os, row 1, column 2",
    ]
    assert any_page.locator("tbody mark").all_inner_texts() == ["24.5", "24.5 months", "124.5"]


def test_counts_are_written_alike(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/numbers")
    shown, of = desktop.locator("#found").inner_text().split(" entries of ")
    assert shown == of
    assert "," in of


def test_a_unit_is_said_once(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#z.stated")
    assert " ".join(desktop.locator(".headline").inner_text().split()) == "24.5 months"
    desktop.goto(explorer + "#os.median")
    headline = " ".join(desktop.locator(".headline").inner_text().split())
    assert headline == "24.5 months independent support: inferred"


def test_search_finds_filters_and_goes_back(any_page: Any, explorer: str) -> None:
    any_page.goto(explorer)
    any_page.keyboard.press("/")
    any_page.keyboard.type("os.median")
    any_page.wait_for_url("**/*#/numbers?q=*")
    first = any_page.locator("tbody tr a").first
    any_page.wait_for_function("document.querySelector('#found')")
    assert first.inner_text() == "os.median"
    any_page.select_option('select[name="kind"]', "transcribed")
    assert any_page.locator("tbody tr a").all_inner_texts() == ["published.os.median"]
    any_page.select_option('select[name="kind"]', "")
    any_page.locator("tbody tr a").first.click()
    assert any_page.locator("h1").inner_text() == "os.median"
    any_page.go_back()
    assert any_page.locator("h1").inner_text() == "Numbers"
    assert any_page.locator("#query").input_value() == "os.median"
    any_page.go_back()
    assert any_page.locator("h1").inner_text() != "Numbers"


def test_a_long_list_comes_in_parts_and_is_found_again_as_it_was_left(
    desktop: Any, explorer: str
) -> None:
    desktop.goto(explorer + "#/numbers")
    assert desktop.locator("tbody tr").count() == 100
    desktop.locator(".more-rows").click()
    shown = desktop.locator("tbody tr").count()
    assert shown > 100
    desktop.evaluate("window.scrollTo(0, 1500)")
    desktop.locator("tbody tr a").nth(50).click()
    desktop.wait_for_selector(".graph")
    desktop.go_back()
    desktop.wait_for_selector(".more-rows", state="attached")
    assert desktop.locator("tbody tr").count() == shown
    assert desktop.evaluate("window.scrollY") > 1000


def test_findings_begin_with_what_fails_and_are_filtered(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/consistency")
    assert desktop.locator("#found").inner_text() == "3 findings of 3"
    badges = desktop.locator("tbody .badge")
    assert badges.all_inner_texts() == ["inconsistent", "possible", "consistent"]
    classes = [badge.get_attribute("class") for badge in badges.all()]
    assert classes == ["badge verdict bad", "badge verdict", "badge verdict good"]
    # A check is called as in the manuscript.
    words = "Wald p against hazard ratio and interval"
    assert words in desktop.locator("tbody tr").first.inner_text()
    assert desktop.locator('select[name="check"] option').all_inner_texts() == ["all", words]
    desktop.select_option('select[name="verdict"]', "inconsistent")
    assert desktop.locator("#found").inner_text() == "1 finding of 3"
    assert desktop.evaluate("document.activeElement.name") == "verdict"


def test_published_figures_have_their_places(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/published")
    row = desktop.locator("tbody tr").inner_text()
    assert "Table 1, row 2" in row
    assert "x.csv:7" in row


def test_the_flow_says_who_was_left_out_and_why(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/flow")
    boxes = [" ".join(t.split()) for t in desktop.locator(".funnel .box").all_inner_texts()]
    assert boxes == ["68 reviewed", "37 enrolled", "37 read from the tables", "36 analysed"]
    assert "31 patients excluded: no plan" in desktop.locator(".funnel").inner_text()
    assert "reason no course" in desktop.locator(".funnel").inner_text()


def test_a_place_leads_to_the_number_in_the_manuscript(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#os.median")
    desktop.locator(".places a").click()
    desktop.wait_for_selector("#number-card:not([hidden])")
    assert "manuscript/index.html#number=os.median,1" in desktop.url
    assert desktop.evaluate("document.activeElement.dataset.key") == "os.median"
    desktop.go_back()
    desktop.wait_for_selector(".graph")
    assert desktop.locator("h1").inner_text() == "os.median"


def test_a_number_stands_where_its_stated_form_does(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#a.nowhere")
    places = desktop.locator(".places li")
    assert places.count() == 1
    assert "At last it was 24.5 months." in places.inner_text()
    assert places.locator("a").first.get_attribute("href").endswith("#number=z.stated,1")
    assert places.locator("a").last.inner_text() == "z.stated"


def test_the_stated_form_is_marked_before_a_limit(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#m.median")
    place = desktop.locator("#places + .places li")
    assert place.locator("mark").inner_text() == "31.0 months"
    assert place.locator("a").first.get_attribute("href").endswith("#number=m.median.stated,1")
    assert place.locator("a.key").all_inner_texts() == ["m.median.stated", "m.median.high"]


def test_a_number_names_the_claims_that_it_decides(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#m.median")
    claim = desktop.locator("#claims + .places li")
    assert claim.locator("mark").inner_text() == "longer"
    assert "when m.median > 24.5" in claim.inner_text()
    desktop.goto(explorer + "#m.median.high")
    desktop.wait_for_function("document.querySelector('h1').textContent === 'm.median.high'")
    assert desktop.locator("#claims").count() == 0


def test_a_long_text_leaves_room_for_its_key(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/numbers?q=m.")
    desktop.wait_for_selector("#found")
    words = desktop.locator("td.printed .words", has_text="so many at risk")
    weight, height = words.evaluate("e => [getComputedStyle(e).fontWeight, e.clientHeight]")
    assert weight == "400"
    assert height < 4 * 22  # pixels: three lines
    assert desktop.locator("td.name").first.bounding_box()["width"] >= 300


def test_a_key_that_is_not_there_is_told_those_near_it(any_page: Any, explorer: str) -> None:
    any_page.goto(explorer + "#os.meadian")
    near = any_page.locator(".near a")
    assert near.first.inner_text() == "os.median"
    assert near.count() <= 5
    any_page.goto(explorer + "#qqqqqq")
    any_page.wait_for_function("document.querySelector('main code').textContent === 'qqqqqq'")
    assert any_page.locator(".near").count() == 0


def test_a_number_of_a_figure_leads_to_the_figure_and_its_numbers(
    desktop: Any, explorer: str
) -> None:
    desktop.goto(explorer + "#cohort.patients")
    place = desktop.locator(".places li")
    assert place.count() == 1
    assert place.locator("a").first.get_attribute("href").endswith("manuscript/index.html#fig-os")
    place.locator("a", has_text="all numbers of this figure").click()
    desktop.wait_for_selector("#found")
    assert desktop.locator("h1").inner_text() == "Numbers of a figure"
    assert desktop.locator("tbody tr a").all_inner_texts() == ["cohort.patients"]
    assert "Drawn in Survival of all." in desktop.locator("main").inner_text()
    desktop.goto(explorer + "#/numbers?figure=fig-none")
    desktop.wait_for_function("document.querySelectorAll('tbody tr').length === 0")
    assert "This figure draws no number" in desktop.locator("main").inner_text()


def test_print_leaves_out_what_cannot_be_pressed(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#os.median")
    desktop.emulate_media(media="print")
    assert not desktop.locator("nav").is_visible()
    assert not desktop.locator("#search").is_visible()
    # Seven layers beside each other would be too small to read on paper.
    assert not desktop.locator(".graph svg").is_visible()
    assert desktop.locator(".graph .layers").is_visible()


def test_print_says_what_was_chosen_and_how_much_of_it_stands_here(
    desktop: Any, explorer: str
) -> None:
    desktop.goto(explorer + "#/consistency?verdict=inconsistent&q=1")
    chosen = desktop.locator(".chosen")
    assert chosen.is_hidden()
    desktop.emulate_media(media="print")
    assert desktop.locator(".filters").is_hidden()
    assert chosen.inner_text() == "Shown: search: 1; Verdict: inconsistent."
    desktop.goto(explorer + "#/numbers?printed=no")
    desktop.wait_for_function("document.querySelector('h1').textContent === 'Numbers'")
    assert desktop.locator(".chosen").inner_text() == "Shown: In the text: no."
    last = desktop.locator(".on-paper").last.inner_text()
    assert re.fullmatch(r"The first 100 of 1,\d{3} stand here\.", last)
    desktop.goto(explorer + "#/consistency")
    desktop.wait_for_selector("tbody .badge")
    assert desktop.locator(".on-paper:visible").count() == 0


def _left_ends(sheet: pypdf.PageObject) -> list[float]:
    """Where each piece of a sheet's text begins, in points from the left."""
    ends: list[float] = []

    def note(text: str, page: list[float], within: list[float], *_font: Any) -> None:
        if text.strip():
            ends.append(within[4] * page[0] + page[4])

    sheet.extract_text(visitor_text=note)
    return ends


def test_every_sheet_carries_the_label_inside_a_margin(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/numbers?printed=no")
    desktop.wait_for_selector("tbody tr")
    sheets = pypdf.PdfReader(io.BytesIO(desktop.pdf(format="A4"))).pages
    assert len(sheets) > 2
    for sheet in sheets:
        assert "reconstructed from published statistics; not patients" in sheet.extract_text()
        assert min(_left_ends(sheet)) > 30  # points: no text at the edge of the sheet
