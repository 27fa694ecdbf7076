"""The dashboard in a real browser, with everything real behind it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.dashboard.browser import PHONE, open_page, pages_of
from tests.dashboard.conftest import key_of
from tests.dashboard.shop import Shop
from tests.http import Api

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]


def _new_feature(api: Api, key: str) -> None:
    api.post("/projects/shop/features", {"key": key, "default": {"enabled": False, "value": "classic"}})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_an_accessibility_violation(running: Api, shop: Shop, browser: Browser, scheme: str) -> None:
    page = open_page(browser, running, shop.key, color_scheme=scheme)
    found: dict[str, list[str]] = {}

    for name, path in {**pages_of(shop.releases), "sign-in": "/sign-in"}.items():
        page.goto(running.address + path)
        for violation in Axe().run(page).response["violations"]:
            nodes = [f"{node['target']} {node['failureSummary']}" for node in violation["nodes"][:3]]
            found.setdefault(name, []).append(f"{violation['id']}: {nodes}")

    assert found == {}
    page.context.close()


def test_no_page_scrolls_sideways_on_a_phone_or_breaks_its_own_policy(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type] # by name
    complaints: list[str] = []
    refused = ("403", "404")  # An admin of a project may not create another one, and one release does not exist.
    page.on("console", lambda message: None if any(code in message.text for code in refused) else complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))

    wide = []
    for name, path in pages_of(shop.releases).items():
        page.goto(running.address + path)
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            wide.append(name)

    assert wide == []
    assert complaints == []
    page.context.close()


def test_a_newcomer_adds_a_flag_and_sees_it_climb_with_the_keyboard_alone(running: Api, shop: Shop, browser: Browser) -> None:
    _new_feature(running, "keyboard")
    page = open_page(browser, running, shop.key)

    page.get_by_role("link", name="Add a flag").press("Enter")
    page.get_by_label("Flag", exact=True).select_option("keyboard")
    page.get_by_label("Pipeline", exact=True).select_option("progressive")
    page.get_by_role("button", name="Show what would happen").press("Enter")
    expect(page.get_by_role("heading", name="keyboard on Progressive rollout")).to_be_visible()
    page.get_by_role("button", name="Add the flag").press("Enter")

    expect(page.get_by_text("The flag was added.")).to_be_visible()
    expect(page.locator("#now")).to_contain_text("waits for approval")
    expect(page.locator("#timeline > ol > li.acted")).to_have_count(2)
    page.context.close()


def test_a_colleague_approves_and_the_open_page_shows_it_without_a_reload(running: Api, shop: Shop, browser: Browser) -> None:
    _new_feature(running, "approved")
    maria = running.make_key("maria-2", {"project": "shop", "role": "admin"})
    release = maria.add("approved", "progressive")["id"]
    running.wait_for_stage(release, "Beta")
    watching, approving = open_page(browser, running, key_of(maria)), open_page(browser, running, shop.key)
    watching.goto(f"{running.address}/projects/shop/releases/{release}")
    watching.evaluate("window.isStillTheSamePage = true")

    approving.goto(f"{running.address}/projects/shop/approvals")
    approving.get_by_role("article").filter(has_text="approved").get_by_role("link", name="Review and approve").click()
    expect(approving.get_by_role("table", name="Exactly this will be applied")).to_contain_text("for segment beta-users")
    approving.get_by_role("button", name="Approve").click()
    expect(approving.get_by_text("Done: approve.")).to_be_visible()

    expect(watching.locator("#now")).to_contain_text("'Everyone' waits until")
    assert watching.evaluate("window.isStillTheSamePage")
    watching.context.close()
    approving.context.close()


def test_of_two_people_who_act_at_once_the_second_is_told_that_it_has_moved_on(running: Api, shop: Shop, browser: Browser) -> None:
    _new_feature(running, "contested")
    release = running.add("contested", "careful")["id"]
    running.wait_for_stage(release, "Production")
    first, second = open_page(browser, running, shop.key), open_page(browser, running, shop.key)
    for page in (first, second):
        page.goto(f"{running.address}/projects/shop/releases/{release}/restart")
        page.get_by_label("Restart from").select_option("Staging")

    first.get_by_role("button", name="Restart").click()
    expect(first.get_by_text("Done: restart.")).to_be_visible()
    running.wait_for_stage(release, "Production")
    second.get_by_role("button", name="Restart").click()

    expect(second.get_by_role("heading", name="It has moved on")).to_be_visible()
    expect(second.get_by_text("look at it again before you decide")).to_be_visible()
    second.get_by_role("link", name="Look at the release").click()
    expect(second.get_by_role("heading", name="contested")).to_be_visible()
    first.context.close()
    second.context.close()


def test_without_javascript_a_flag_is_paused_and_rolled_back(running: Api, shop: Shop, browser: Browser) -> None:
    _new_feature(running, "plain")
    release = running.add("plain", "careful")["id"]
    running.wait_for_stage(release, "Production")
    page = open_page(browser, running, shop.key, java_script_enabled=False)
    page.goto(f"{running.address}/projects/shop")
    page.get_by_role("link", name="plain", exact=True).click()

    page.get_by_role("link", name="Pause…").click()
    page.get_by_label("Reason").fill("lunch")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#now")).to_contain_text("(lunch)")
    page.get_by_role("link", name="Roll back…").click()
    expect(page.get_by_role("table", name="in staging")).to_contain_text("off")
    page.get_by_role("button", name="Roll back").click()

    assert running.wait_for_release(release, "rolled_back")["rollback"]["by"] == "noah"
    page.reload()
    expect(page.get_by_role("heading", name="plain")).to_contain_text("rolled back")
    page.context.close()


def test_an_open_page_asks_for_the_key_again_once_it_is_revoked(running: Api, shop: Shop, browser: Browser) -> None:
    vera = running.make_key("vera", {"project": "shop", "role": "viewer"})
    page = open_page(browser, running, key_of(vera))
    expect(page.get_by_role("heading", name="Board")).to_be_visible()

    running.request("DELETE", f"/keys/{vera.get('/whoami')['id']}")
    _new_feature(running, "after-the-revocation")

    expect(page.get_by_label("API key")).to_be_visible()
    page.context.close()


def test_times_are_shown_in_the_zone_of_the_viewer(running: Api, shop: Shop, browser: Browser) -> None:
    page = open_page(browser, running, shop.key, timezone_id="Asia/Tokyo", locale="en-GB")
    release = running.release(shop.releases["dark-mode"])

    page.goto(f"{running.address}/projects/shop/releases/{release['id']}")

    added = page.locator("#about time").first
    in_tokyo = "m => new Date(m).toLocaleString('en-GB', {timeZone: 'Asia/Tokyo', dateStyle: 'medium', timeStyle: 'medium'})"
    expect(added).to_have_text(page.evaluate(in_tokyo, release["added_at"]))
    page.context.close()
