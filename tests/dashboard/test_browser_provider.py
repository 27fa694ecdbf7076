"""The pages of a project whose flags are kept elsewhere, in a real browser."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.dashboard.browser import PHONE, open_page
from tests.http import OWNER_KEY, Api
from tests.unleash.stand_in import TOKEN, stand_in_address

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]

HOME = "/projects/elsewhere"
PATHS = ("/provider", "/provider?check=yes", "/provider/connect", "/provider/disconnect", "/features", "/segments", "/environments")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_are_accessible_and_fit_a_phone(api: Api, browser: Browser, scheme: str) -> None:
    api.post("/projects", {"key": "elsewhere"})
    body = {"kind": "unleash", "address": stand_in_address(), "credential": TOKEN}
    api.request("PUT", f"{HOME}/connection", body).raise_for_status()
    page = open_page(browser, api, OWNER_KEY, color_scheme=scheme)
    found: dict[str, list[str]] = {}

    for path in PATHS:
        page.goto(api.address + HOME + path)
        found[path] = [each["id"] for each in Axe().run(page).response["violations"]]
        page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
        found[path] += ["wide"] if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth") else []

    assert found == {path: [] for path in PATHS}
    page.context.close()


def test_typed_credential_is_not_kept_in_the_browser(api: Api, browser: Browser) -> None:
    api.post("/projects", {"key": "elsewhere"})
    page = open_page(browser, api, OWNER_KEY)
    page.goto(f"{api.address}{HOME}/provider/connect")

    page.get_by_role("textbox", name="Address https").fill(stand_in_address())
    page.get_by_label("Credential").fill("*:*.wrong")
    page.get_by_label("Credential").press("Enter")
    expect(page.get_by_text("The token is refused").first).to_be_visible()
    kept = page.evaluate("JSON.stringify({...sessionStorage, ...localStorage})")

    assert "wrong" not in kept
    assert page.get_by_label("Credential").input_value() == ""
    assert page.get_by_role("textbox", name="Address https").input_value() == stand_in_address()
    page.context.close()
