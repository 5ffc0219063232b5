"""The audit explorer as a reader uses it."""

from __future__ import annotations

from typing import Any

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
        "37, 28 with the event",
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


def test_the_ancestry_is_drawn_from_data_to_text(any_page: Any, explorer: str) -> None:
    any_page.goto(explorer + "#os.median")
    graph = any_page.locator(".graph svg")
    nodes = [" ".join(n.split()) for n in graph.locator("g").all_text_contents()]
    for node in ("patients.csv", "courses", "os", "configuration", "rule kaplan_meier", "numpy"):
        assert any(f"{node}" in said for said in nodes), node
    # Own file to own table; both tables to the units; units and settings to the rule; units to the
    # second engine; rule and engine to the number; the number to the manuscript.
    assert graph.locator("path").count() == 2 + 2 + 2 + 1 + 2 + 1
    assert graph.locator("path.second").count() == 2
    box = graph.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= any_page.viewport_size["width"]


def test_nodes_of_the_graph_lead_to_their_sections_by_keyboard(desktop: Any, explorer: str) -> None:
    desktop.set_viewport_size({"width": 1280, "height": 300})
    desktop.goto(explorer + "#os.median")
    node = desktop.locator('.graph g[role="link"]', has_text="kaplan_meier")
    node.focus()
    desktop.keyboard.press("Enter")
    assert desktop.locator("#code").bounding_box()["y"] < 300


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


def test_findings_are_filtered_by_their_verdict(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#/consistency")
    assert desktop.locator("#found").inner_text() == "3 findings of 3"
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


def test_print_leaves_out_what_cannot_be_pressed(desktop: Any, explorer: str) -> None:
    desktop.goto(explorer + "#os.median")
    desktop.emulate_media(media="print")
    assert not desktop.locator("nav").is_visible()
    assert not desktop.locator("#search").is_visible()
    assert desktop.locator(".graph svg").is_visible()
