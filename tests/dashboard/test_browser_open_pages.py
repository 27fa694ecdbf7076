"""Open pages in a real browser while they change, and after somebody signed out or in elsewhere."""

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard.browser import PHONE, open_page, sign_in
from tests.dashboard.conftest import key_of
from tests.dashboard.shop import Shop
from tests.http import Api

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]


def test_a_live_update_keeps_the_focus_and_the_place_on_the_board(running: Api, shop: Shop, browser: Browser) -> None:
    running.post("/projects/shop/features", {"key": "while-looking", "default": {"enabled": False, "value": "classic"}})
    page = open_page(browser, running, shop.key)
    page.set_viewport_size({"width": 800, "height": 900})
    board = page.get_by_role("region", name="Stages of Progressive rollout")
    board.focus()
    board.evaluate("element => { element.scrollLeft = 120; }")

    running.add("while-looking", "progressive")

    expect(page.get_by_role("link", name="while-looking")).to_be_visible()
    expect(board).to_be_focused()
    assert board.evaluate("element => element.scrollLeft") == 120
    page.context.close()


def test_a_page_that_shows_another_persons_session_is_loaded_anew(running: Api, shop: Shop, browser: Browser) -> None:
    vera = running.make_key("vera-2", {"project": "shop", "role": "viewer"})
    page = open_page(browser, running, shop.key)
    page.goto(f"{running.address}/projects/shop/stops")
    expect(page.get_by_role("link", name="Place a stop…")).to_be_visible()

    sign_in(page.context, running.address, key_of(vera))
    running.post("/projects/shop/features", {"key": "after-the-other-sign-in"})

    expect(page.locator(".person")).to_contain_text("vera-2")
    expect(page.get_by_role("link", name="Place a stop…")).to_be_hidden()
    page.context.close()


def test_after_signing_out_in_another_tab_an_open_page_asks_for_the_key_when_it_is_looked_at(
    running: Api, shop: Shop, browser: Browser
) -> None:
    page = open_page(browser, running, shop.key)
    other = page.context.new_page()
    other.goto(f"{running.address}/projects/shop")
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_label("API key")).to_be_visible()

    page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")

    expect(page.get_by_label("API key")).to_be_visible()
    page.context.close()


def test_after_a_mistake_the_focus_is_on_a_summary_that_leads_to_the_field(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
    page.goto(f"{running.address}/projects/shop/environments/new")
    page.locator("[id='/key']").fill("No Key")

    page.get_by_role("button", name="Create").press("Enter")

    summary = page.get_by_role("alert").filter(has_text="Please check your input")
    expect(summary).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[id='/key']")).to_be_focused()
    expect(page.locator("[id='/key']")).to_have_value("No Key")
    page.context.close()


def test_a_table_stays_a_table_on_a_phone(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
    page.goto(f"{running.address}/projects/shop/features")

    expect(page.get_by_role("table").get_by_role("row").filter(has_text="gift-cards").get_by_role("rowheader")).to_be_visible()
    page.context.close()
