"""Signing in at a real provider of another site, in a real browser."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.dashboard.browser import DESKTOP, running_browser
from tests.dashboard.browser import sign_in as sign_in_with_key
from tests.dashboard.conftest import key_of
from tests.http import Api
from tests.openid.provider import RunningProvider
from tests.waiting import CEILING

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("openid")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without cookies, that loads nothing but the API and the provider."""
    context = browser.new_context(viewport=DESKTOP)  # type: ignore[arg-type] # by name
    context.set_default_timeout(CEILING * 1000)
    context.route(lambda url: "//127.0.0.1:" not in url and "//localhost:" not in url, lambda route: route.abort())
    yield context
    context.close()


def _log_in(page: Page, login: str) -> None:
    page.get_by_placeholder("Enter any login").fill(login)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()


def _way_in(provider: RunningProvider) -> str:
    return f"Sign in at {provider.issuer.removeprefix('http://')}"


def test_a_person_signs_in_works_and_signs_out(api: Api, provider: RunningProvider, context: BrowserContext) -> None:
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "Content Security Policy" in message.text else None)

    page.goto(f"{api.address}/projects/shop/features/checkout")
    page.get_by_role("link", name=_way_in(provider)).click()
    _log_in(page, "mona")

    page.wait_for_url(f"{api.address}/projects/shop/features/checkout")
    expect(page.get_by_role("banner")).to_contain_text("mona@example.com")
    [session] = [cookie for cookie in context.cookies() if cookie["name"] == "flaghoist"]
    assert (session["httpOnly"], session["sameSite"]) == (True, "Strict")
    assert "flaghoist-openid" not in {cookie["name"] for cookie in context.cookies()}
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{api.address}/projects/shop")
    expect(page.get_by_role("link", name=_way_in(provider))).to_be_visible()
    assert complaints == []


def test_a_person_without_rights_is_told_so_and_can_try_again(api: Api, provider: RunningProvider, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{api.address}/sign-in")
    page.get_by_role("link", name=_way_in(provider)).click()
    _log_in(page, "vito")

    expect(page.get_by_role("alert")).to_contain_text("None of your groups")
    expect(page.get_by_role("link", name=_way_in(provider))).to_be_visible()
    assert Axe().run(page).response["violations"] == []


def test_a_person_connects_an_account_and_is_the_owner_of_their_keys(api: Api, provider: RunningProvider, context: BrowserContext) -> None:
    page = sign_in_with_key(context, api.address, key_of(api.make_key("dana", {"project": "shop", "role": "viewer"})))
    page.goto(f"{api.address}/sign-in")
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("link", name="Connect your account with dana").click()
    _log_in(page, "dana")

    expect(page.get_by_role("banner")).to_contain_text("dana")
    expect(page.get_by_role("banner")).not_to_contain_text("dana@example.com")
    assert {key["owner"]["name"] for key in api.get("/keys")["items"]} == {"bootstrap", "dana"}


def test_a_person_who_cancels_at_the_provider_is_not_signed_in(api: Api, provider: RunningProvider, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{api.address}/sign-in")
    page.get_by_role("link", name=_way_in(provider)).click()
    page.get_by_role("link", name="Cancel").click()

    expect(page.get_by_role("alert")).to_contain_text("you cancelled it there")
