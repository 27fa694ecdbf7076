"""The editor of pipelines in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browser import PHONE, open_page
from tests.dashboard.shop import Shop
from tests.http import Api
from tests.pipelines import approval, enable, pipeline, rollout, set_value, stage, until, window

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]

EVERYTHING = pipeline(
    stage("Development", "nowhere", "1d", [set_value(5, "nobody"), enable()])
    | {"gates": [approval(2, timeout="2d"), window("09:00", "24:00")]},
    stage("Production", "production", actions=[rollout(value="new")]) | {"trigger": until("2030-01-01T09:00", timezone="Europe/London")},
    stage("Launch", "production", actions=[]) | {"trigger": until(parameter="launch_at")},
    parameters={"launch_at": {"type": "datetime", "description": "when to launch"}, "unused": {"type": "string", "default": "x"}},
)


def _faults(page: Page) -> list[str]:
    """Return what is wrong with a page for people with disabilities or a phone."""
    found = [f"{each['id']}: {[node['target'] for node in each['nodes'][:3]]}" for each in Axe().run(page).response["violations"]]
    is_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return [*found, *(["it scrolls sideways"] if is_wide else [])]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editor_is_accessible_in_every_state(running: Api, shop: Shop, browser: Browser, scheme: str) -> None:
    key = f"everything-{scheme}"
    draft = f"/projects/shop/pipelines/{running.post('/projects/shop/pipelines', EVERYTHING | {'key': key})['id']}"
    page = open_page(browser, running, shop.key, color_scheme=scheme)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
    faults: dict[str, list[str]] = {}

    page.goto(f"{running.address}{draft}/edit")
    faults["what is missing"] = _faults(page)
    page.get_by_label("Time to wait").first.fill("soon")
    page.get_by_role("button", name="Add an action to Launch").click()
    expect(page.get_by_text("Action 1 was added.")).to_be_visible()
    faults["after a button"] = _faults(page)
    page.get_by_role("button", name="Save the draft").first.click()
    expect(page.get_by_role("heading", name="Nothing was saved")).to_be_visible()
    faults["refused"] = _faults(page)
    running.request("PUT", draft, EVERYTHING | {"key": key, "description": "theirs"})
    page.get_by_label("Time to wait").first.fill("1d")
    page.get_by_role("button", name="Save the draft").first.click()
    page.get_by_text("The draft as it is now", exact=True).click()
    faults["changed by somebody else"] = _faults(page)
    page.get_by_role("button", name="Edit as text").click()
    expect(page.get_by_label("The whole pipeline")).to_be_visible()
    faults["as text"] = _faults(page)
    page.goto(f"{running.address}/projects/shop/pipelines/new?template=segment-trial")
    page.get_by_label("Key").fill("no key")
    page.get_by_role("button", name="Make the draft").click()
    expect(page.get_by_label("Key")).to_have_attribute("aria-invalid", "true")
    faults["not made"] = _faults(page)

    assert {state: found for state, found in faults.items() if found} == {}
    page.context.close()


def test_a_wrong_field_of_the_editor_is_reached_from_the_list_of_problems(running: Api, shop: Shop, browser: Browser) -> None:
    draft = running.post("/projects/shop/pipelines", pipeline(stage("Development", wait="1d"), key="wrong"))
    page = open_page(browser, running, shop.key)
    page.goto(f"{running.address}/projects/shop/pipelines/{draft['id']}/edit")

    page.get_by_label("Time to wait").fill("soon")
    page.get_by_label("Time to wait").press("Enter")
    page.get_by_role("link", name="Stage 1, trigger, duration").click()

    field = page.get_by_label("Time to wait")
    expect(field).to_be_focused()
    expect(field).to_have_value("soon")
    expect(field).to_have_accessible_description(
        "Must be a duration: write it as 30m, 24h, 2d, 1d12h or 2w, or in ISO 8601 as PT24H or P2D."
    )
    page.context.close()


def test_without_javascript_a_stage_is_moved_and_only_the_fields_of_its_type_are_shown(running: Api, shop: Shop, browser: Browser) -> None:
    draft = running.post("/projects/shop/pipelines", pipeline(stage("A"), stage("B", wait="1d"), key="plain"))
    page = open_page(browser, running, shop.key, java_script_enabled=False)
    page.goto(f"{running.address}/projects/shop/pipelines/{draft['id']}/edit")
    first = page.get_by_role("region", name="Stage 1: A")
    expect(first.get_by_label("Time to wait")).to_be_hidden()
    expect(first.get_by_label("Begin with")).to_be_hidden()

    first.get_by_label("What it does").select_option(label="roll it out in steps")
    expect(first.get_by_label("Begin with")).to_be_visible()
    page.get_by_role("button", name="Move up B").click()

    expect(page.get_by_role("region", name="Stage 1: B").get_by_label("Time to wait")).to_have_value("1d")
    expect(page.get_by_role("button", name="Move down B")).to_be_focused()
    expect(page.get_by_text("Stage 2 is stage 1 now.")).to_be_visible()
    page.context.close()
