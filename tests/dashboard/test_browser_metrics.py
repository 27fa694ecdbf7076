"""Metrics in a real browser: dry runs, and curves of a release that is watched."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.dashboard.browser import PHONE, open_page
from tests.dashboard.people import KeyboardPerson
from tests.dashboard.shop import Shop
from tests.http import Api

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]

METRICS = "/projects/shop/metrics"


def test_a_metric_is_created_and_asked_with_the_keyboard_alone(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key)
    person = KeyboardPerson(page)

    person.press(page.get_by_role("link", name="Metrics"))
    person.press(page.get_by_role("link", name="Create a metric"))
    person.type(page.get_by_role("textbox", name="Key a-z"), "orders")
    person.type(page.get_by_role("textbox", name="Query PromQL"), "SELECT 42")
    person.press(page.get_by_role("button", name="Create"))
    expect(page.get_by_text("Done.")).to_be_visible()
    person.press(page.get_by_role("link", name="Dry run…"))
    person.choose(page.get_by_label("Feature"), "gift-cards")
    person.type(page.get_by_label("At most"), "40")
    person.press(page.get_by_role("button", name="Ask"))

    answer = page.get_by_role("region", name="Answer")
    expect(answer).to_contain_text("The value is 42, and should be at most 40.")
    expect(answer).to_be_focused()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_answers_are_accessible_and_fit_a_phone(running: Api, shop: Shop, browser: Browser, scheme: str) -> None:
    page = open_page(browser, running, shop.key, color_scheme=scheme)
    found: dict[str, list[str]] = {}

    for metric, field, bound in (("error-rate", "At most", "0.001"), ("conversion", "Margin", "0.05")):
        page.goto(f"{running.address}{METRICS}/{metric}/ask")
        page.get_by_label(field).fill(bound)
        if metric == "conversion":
            page.get_by_label("Condition").select_option("higher")
        page.get_by_role("button", name="Ask").click()
        expect(page.get_by_role("region", name="Answer")).to_be_visible()
        found[metric] = [each["id"] for each in Axe().run(page).response["violations"]]
        page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
        found[metric] += ["wide"] if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth") else []

    assert found == {"error-rate": [], "conversion": []}
    page.context.close()


def test_without_javascript_a_metric_is_asked(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key, java_script_enabled=False)
    page.goto(f"{running.address}{METRICS}/latency")

    page.get_by_role("link", name="Dry run…").click()
    page.get_by_role("button", name="Ask").click()

    expect(page.get_by_role("region", name="Answer")).to_contain_text("Value: 180")
    page.context.close()


def test_a_watched_release_shows_every_outcome(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key)
    page.goto(f"{running.address}/projects/shop/releases/{shop.releases['instant-search']}")

    watched = page.locator("#watched")
    expect(watched.get_by_role("img")).to_have_count(4)
    expect(watched.locator(".badge")).to_have_text(["fail", "in shadow", "can't tell", "pass", "pass"])
    expect(watched.get_by_role("img", name="Sales. Values from")).to_have_count(1)
    expect(watched.get_by_text("In shadow, so nothing was changed.")).to_be_visible()
    assert watched.locator("circle.fail").count() > 0
    assert watched.locator("circle.unknown").count() > 0
    page.context.close()
