"""The manuscript's numbers as a reader points at them."""

from __future__ import annotations

from typing import Any

CARD = "#number-card:not([hidden])"
AT = "[...document.querySelectorAll('main [data-key]')].indexOf(document.activeElement)"
MEDIAN = 'p [data-key="os.median"]'


def test_hover_shows_what_stands_behind_a_number(desktop: Any, manuscript_page: str) -> None:
    desktop.goto(manuscript_page)
    assert desktop.locator("#number-card").is_hidden()
    desktop.locator(MEDIAN).first.hover()
    desktop.wait_for_selector(CARD)
    said = desktop.locator(CARD).inner_text()
    for part in (
        "os.median",
        "24.49 months",
        "17.2 to not reached (95% CI, log-log)",
        "Kaplan-Meier",
        "reconstructed from published statistics; not patients",
        "37 patients, 28 events",
        "all patients followed for overall survival",
        "rule kaplan_meier",
        "inferred: inferred from what is printed",
        "recomputed by an engine that shares no code with the first (numpy)",
    ):
        assert part in said
    assert "arrow" not in said
    # The card can be entered, and leaving it hides it.
    desktop.locator(CARD).hover()
    desktop.wait_for_timeout(400)
    assert desktop.locator(CARD).is_visible()
    desktop.mouse.move(1, 1)
    desktop.wait_for_selector("#number-card", state="hidden")


def test_a_p_is_no_unit_and_is_rounded(desktop: Any, manuscript_page: str) -> None:
    desktop.goto(manuscript_page)
    desktop.locator('[data-key="os.p.stated"]').first.hover()
    desktop.wait_for_selector(CARD)
    assert desktop.locator(".card-value").inner_text() == "0.01612"
    assert "0.016123" not in desktop.locator(CARD).inner_text()
    # It rests on no row of the cohort, as far as is known of it.
    assert desktop.locator(".card-label").count() == 0


def test_a_click_opens_the_number_in_the_explorer_and_back_returns(
    desktop: Any, manuscript_page: str
) -> None:
    desktop.goto(manuscript_page)
    desktop.locator(MEDIAN).first.click()
    desktop.wait_for_selector(".graph")
    assert desktop.url.endswith("/audit/index.html#os.median")
    assert desktop.locator("h1").inner_text() == "os.median"
    desktop.go_back()
    desktop.wait_for_selector("main [data-key]")
    assert desktop.url.endswith("/manuscript/index.html")


def test_one_number_is_in_the_order_of_tab_and_arrows_go_on(
    desktop: Any, manuscript_page: str
) -> None:
    desktop.goto(manuscript_page)
    assert desktop.locator('[data-key][tabindex="0"]').count() == 1
    desktop.locator('[data-key][tabindex="0"]').focus()
    before = desktop.evaluate(AT)
    desktop.wait_for_selector(CARD)
    desktop.keyboard.press("ArrowRight")
    after = desktop.evaluate(AT)
    assert after == before + 1
    assert desktop.locator('[data-key][tabindex="0"]').count() == 1
    key = desktop.evaluate("document.activeElement.dataset.key")
    assert key in desktop.locator(CARD).inner_text()
    described = desktop.evaluate("document.activeElement.getAttribute('aria-describedby')")
    assert described == "number-card"
    assert "Left and right arrow: the other numbers." in desktop.locator(CARD).inner_text()
    desktop.keyboard.press("Escape")
    assert desktop.locator("#number-card").is_hidden()
    desktop.keyboard.press("Enter")
    desktop.wait_for_selector(".graph")
    assert desktop.url.endswith(f"/audit/index.html#{key}")


def test_a_tap_shows_the_card_which_holds_the_link(phone: Any, manuscript_page: str) -> None:
    phone.goto(manuscript_page)
    phone.locator(MEDIAN).first.tap()
    phone.wait_for_selector(CARD)
    box = phone.locator(CARD).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert phone.url.endswith("/manuscript/index.html")
    phone.locator(f"{CARD} a").tap()
    phone.wait_for_selector(".graph")
    assert phone.url.endswith("/audit/index.html#os.median")


def test_a_tap_elsewhere_hides_the_card(phone: Any, manuscript_page: str) -> None:
    phone.goto(manuscript_page)
    phone.locator(MEDIAN).first.tap()
    phone.wait_for_selector(CARD)
    phone.locator("h1.title").tap(position={"x": 2, "y": 2})
    phone.wait_for_selector("#number-card", state="hidden")


def test_marks_are_there_and_say_nothing_twice(any_page: Any, manuscript_page: str) -> None:
    any_page.goto(manuscript_page)
    marked = any_page.locator(MEDIAN).first
    line = marked.evaluate("e => getComputedStyle(e).textDecorationStyle")
    assert line == "dotted"
    assert any_page.locator("main [data-key][title]").count() == 0
    # Wording of the registry is no number.
    wording = any_page.locator("[data-key].wording")
    assert all("1" not in text for text in wording.all_inner_texts())


def test_a_figure_leads_to_the_list_of_its_numbers(any_page: Any, manuscript_page: str) -> None:
    any_page.goto(manuscript_page)
    figures = any_page.locator("main figure[id^=fig-]")
    links = any_page.locator("main .figure-numbers")
    assert links.count() == figures.count() > 0
    # The words add no number to the page.
    assert set(links.all_inner_texts()) == {"Numbers of this figure"}
    any_page.locator("#fig-os .figure-numbers").click()
    any_page.wait_for_selector("#found")
    assert any_page.locator("tbody tr a").all_inner_texts() == ["cohort.patients"]
    any_page.go_back()
    any_page.emulate_media(media="print")
    assert any_page.locator("#fig-os .figure-numbers").is_hidden()


def test_print_shows_no_marks(desktop: Any, manuscript_page: str) -> None:
    desktop.goto(manuscript_page)
    desktop.emulate_media(media="print")
    line = desktop.locator(MEDIAN).first.evaluate("e => getComputedStyle(e).textDecorationLine")
    assert line == "none"
