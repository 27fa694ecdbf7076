"""Open pages while the connection is lost, sessions end, and other people act."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import update

from activities.store.database import Database
from activities.store.tables import sessions
from tests.dashboard.browser import open_page
from tests.dashboard.conftest import key_of, new_database
from tests.e2e.stack import Stack, running_stack
from tests.http import OWNER_KEY, Api
from tests.pipelines import hold, pipeline, stage

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything, with an API that tests stop and start."""
    folder = tmp_path_factory.mktemp("interrupted")
    with running_stack(folder, new_database(folder)) as stack:
        stack.api.make_project()
        stack.api.publish(pipeline(stage("Development"), hold("Soak", "1d", "development"), key="quick", name="Quick launch"))
        yield stack


def _expire_sessions(stack: Stack) -> None:
    database = Database(f"sqlite:///{Path(stack.folder)}/flaghoist.db")
    with database.engine.begin() as connection:
        connection.execute(update(sessions).values(expires_at=datetime(2026, 1, 1, tzinfo=UTC)))
    database.close()


def _sign_in_again(page: Page, key: str) -> None:
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def _new_key(api: Api, name: str) -> str:
    return key_of(api.make_key(name, {"project": "shop", "role": "admin"}))


def test_an_open_page_says_that_the_connection_is_lost_and_catches_up_by_itself(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    expect(page.get_by_text("No flag is on its way.")).to_be_visible()
    page.evaluate("window.isStillTheSamePage = true")
    lost = page.get_by_text("The connection is lost")
    expect(lost).to_be_hidden()

    stack.api_process.kill()

    expect(lost).to_be_visible()
    stack.api_process.start()
    stack.api.wait_until_ready()
    stack.api.add(pipeline="quick")
    expect(lost).to_be_hidden()
    expect(page.get_by_role("link", name="checkout")).to_be_visible()
    assert page.evaluate("window.isStillTheSamePage")
    page.context.close()


def _hide(page: Page, *, is_hidden: bool) -> None:
    page.evaluate("hidden => Object.defineProperty(document, 'hidden', { value: hidden, configurable: true })", is_hidden)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))")


def test_a_page_in_a_hidden_tab_follows_nothing_and_catches_up_when_it_is_seen_again(stack: Stack, browser: Browser) -> None:
    hidden, seen = (open_page(browser, stack.api, OWNER_KEY) for _ in range(2))
    for page in (hidden, seen):
        page.goto(f"{stack.api.address}/projects/shop/features")
    requests: list[str] = []
    expect(hidden.get_by_role("heading", name="Features")).to_be_visible()
    _hide(hidden, is_hidden=True)
    hidden.on("request", lambda request: requests.append(request.url))

    stack.api.post("/projects/shop/features", {"key": "dark-mode", "name": "Dark mode", "type": "toggle"})

    expect(seen.get_by_role("link", name="Dark mode")).to_be_visible()
    assert requests == []
    _hide(hidden, is_hidden=False)
    expect(hidden.get_by_role("link", name="Dark mode")).to_be_visible()
    for page in (hidden, seen):
        page.context.close()


def test_after_a_session_has_expired_signing_in_leads_back_to_the_page(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto("about:blank")  # The board would follow what happens, and ask for the key by itself.
    _expire_sessions(stack)

    page.goto(f"{stack.api.address}/projects/shop/audit?feature=checkout")
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    expect(page.get_by_label("Feature")).to_have_value("checkout")
    page.context.close()


def test_a_page_that_somebody_is_leaving_does_not_take_them_back_when_their_session_ends(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    held: list[Route] = []
    page.route("**/audit", lambda route: held.append(route))  # noqa: PLW0108 # Playwright sets an attribute of the function.
    page.get_by_role("link", name="Audit log").click(no_wait_after=True)
    while not held:
        page.wait_for_timeout(50)

    with page.expect_response("**/sign-in?*"):
        _expire_sessions(stack)
        stack.api.post("/projects/shop/features", {"key": "noticed", "name": "Noticed", "type": "toggle"})
    page.wait_for_timeout(500)  # Nothing shows that the page has read the answer. Where this is too short, the test proves less.
    held[0].continue_()
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_role("heading", name="Audit log")).to_be_visible()
    page.context.close()


def test_a_form_that_is_sent_after_the_session_has_expired_leads_back_to_its_page_and_does_nothing(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto(f"{stack.api.address}/projects/shop/pipelines/quick/archive")
    _expire_sessions(stack)

    page.get_by_role("button", name="Archive").click()
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_role("heading", name="Archive Quick launch")).to_be_visible()
    assert stack.api.get("/projects/shop/pipelines/quick")["status"] == "published"
    page.context.close()


def test_what_was_typed_into_the_editor_survives_the_end_of_the_session(stack: Stack, browser: Browser) -> None:
    draft = stack.api.post("/projects/shop/pipelines", pipeline(stage("Development"), key="long", name="Long"))
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto(f"{stack.api.address}/projects/shop/pipelines/{draft['id']}/edit")
    page.get_by_label("Name", exact=True).nth(1).fill("Typed for an hour")
    page.get_by_label("Description").first.fill("two\nlines")
    _expire_sessions(stack)

    page.get_by_role("button", name="Save the draft").first.click()
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_text("This was checked, and not saved.")).to_be_visible()
    expect(page.get_by_label("Name", exact=True).nth(1)).to_have_value("Typed for an hour")
    page.get_by_role("button", name="Save the draft").first.click()
    expect(page.get_by_text("The draft was saved.")).to_be_visible()
    saved = stack.api.get(f"/projects/shop/pipelines/{draft['id']}")
    assert (saved["stages"][0]["name"], saved["description"]) == ("Typed for an hour", "two\nlines")
    page.goto(f"{stack.api.address}/projects/shop/pipelines/{draft['id']}/edit")
    expect(page.get_by_text("This was checked")).to_be_hidden()
    page.context.close()


def test_what_was_typed_into_a_form_survives_the_end_of_the_session(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto(f"{stack.api.address}/projects/shop/stops/new")
    page.get_by_label("Scope").select_option("environment:staging")
    page.get_by_label("Reason").fill("moving the database")
    _expire_sessions(stack)

    page.get_by_role("button", name="Show what changes").click()
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_text("What you had entered is in the form again.")).to_be_visible()
    expect(page.get_by_label("Scope")).to_have_value("environment:staging")
    expect(page.get_by_label("Reason")).to_have_value("moving the database")
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("heading", name="Stops and freezes")).to_be_visible()
    [stop] = stack.api.get("/projects/shop/stops")["items"]
    assert (stop["environment"], stop["reason"]) == ("staging", "moving the database")
    stack.api.post(f"/projects/shop/stops/{stop['id']}/lift")
    page.context.close()


def test_a_form_that_was_carried_out_is_not_filled_in_again(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto(f"{stack.api.address}/projects/shop/features/new")
    page.get_by_label(re.compile("^Key")).fill("created-once")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("heading", name="created-once")).to_be_visible()
    page.goto(f"{stack.api.address}/status")  # It follows no project, so it does not notice the end of the session.
    _expire_sessions(stack)

    page.goto(f"{stack.api.address}/projects/shop/features/new")
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_label(re.compile("^Key"))).to_have_value("")
    page.context.close()


def test_rows_that_were_typed_into_a_segment_survive_the_end_of_the_session(stack: Stack, browser: Browser) -> None:
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto(f"{stack.api.address}/projects/shop/segments/new")
    page.get_by_label(re.compile("^Key")).fill("travellers")
    page.get_by_role("button", name="More rows").click()
    traits = page.get_by_label("Trait")
    expect(traits).to_have_count(4)
    traits.last.fill("country")
    _expire_sessions(stack)

    page.get_by_role("button", name="Show what changes").last.click()
    _sign_in_again(page, OWNER_KEY)

    expect(page.get_by_label(re.compile("^Key"))).to_have_value("travellers")
    assert "country" in [trait.input_value() for trait in page.get_by_label("Trait").all()]
    page.context.close()


def test_an_open_page_of_a_revoked_key_asks_for_another_one_and_returns(stack: Stack, browser: Browser) -> None:
    secret = _new_key(stack.api, "lena")
    page = open_page(browser, stack.api, secret)
    page.goto(f"{stack.api.address}/projects/shop/features")
    expect(page.get_by_role("heading", name="Features")).to_be_visible()

    stack.api.request("DELETE", f"/keys/{stack.api.with_key(secret).get('/whoami')['id']}")
    stack.api.post("/projects/shop/features", {"key": "after-the-revocation"})

    _sign_in_again(page, secret)
    expect(page.get_by_text("This API key is unknown or revoked.")).to_be_visible()
    _sign_in_again(page, OWNER_KEY)
    expect(page.get_by_role("heading", name="Features")).to_be_visible()
    page.context.close()


def test_of_two_people_who_edit_a_draft_the_second_compares_and_decides(stack: Stack, browser: Browser) -> None:
    draft = stack.api.post("/projects/shop/pipelines", pipeline(stage("Development"), key="shared", name="Shared"))
    first, second = (open_page(browser, stack.api, _new_key(stack.api, name)) for name in ("maria", "noah"))
    for page in (first, second):
        page.goto(f"{stack.api.address}/projects/shop/pipelines/{draft['id']}/edit")
    first.get_by_label("Name", exact=True).nth(1).fill("First")
    second.get_by_label("Name", exact=True).nth(1).fill("Second")

    first.get_by_role("button", name="Save the draft").first.click()
    expect(first.get_by_text("The draft was saved.")).to_be_visible()
    second.get_by_role("button", name="Save the draft").first.click()

    expect(second.get_by_role("heading", name="Somebody else has changed the draft")).to_be_visible()
    expect(second.get_by_label("Name", exact=True).nth(1)).to_have_value("Second")
    second.get_by_text("The draft as it is now", exact=True).click()
    expect(second.locator("pre")).to_contain_text("name: First")
    second.get_by_role("button", name="Replace it with mine").click()
    expect(second.get_by_text("The draft was saved.")).to_be_visible()
    assert [each["name"] for each in stack.api.get(f"/projects/shop/pipelines/{draft['id']}")["stages"]] == ["Second"]
    first.context.close()
    second.context.close()


def test_a_control_on_a_page_that_is_out_of_date_is_refused_in_a_clear_sentence(stack: Stack, browser: Browser) -> None:
    stack.api.post("/projects/shop/features", {"key": "contested"})
    release = stack.api.add("contested", "quick")["id"]
    stack.api.wait_for_stage(release, "Soak")
    page = open_page(browser, stack.api, OWNER_KEY)
    page.goto(f"{stack.api.address}/projects/shop/releases/{release}/skip")
    stack.api.post(f"/projects/shop/releases/{release}/restart", {"stage": "Development"})
    stack.api.wait_for_stage(release, "Soak")

    page.get_by_role("button", name="Skip").click()

    expect(page.get_by_role("heading", name="It has moved on")).to_be_visible()
    expect(page.get_by_text("The release is now in stage 'Soak'")).to_contain_text("look at it again before you decide")
    assert stack.api.release(release)["stage"] == "Soak"
    page.context.close()
