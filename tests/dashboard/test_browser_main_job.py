"""The main job from the first page to the last: from a template to a flag that is rolled back."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.browser import open_page
from tests.dashboard.conftest import key_of
from tests.dashboard.people import KeyboardPerson, MousePerson, Person
from tests.dashboard.shop import Shop
from tests.http import Api

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]


def _make_pipeline(person: Person, name: str, key: str) -> None:
    """Make a pipeline from a template, shorten its wait, require approval in production, and publish it."""
    page = person.page
    person.press(page.get_by_role("navigation", name="Main").get_by_role("link", name="Pipelines"))
    person.press(page.get_by_role("link", name="Make a pipeline"))
    person.press(page.get_by_role("link", name="Progressive rollout"))
    person.type(page.get_by_label("Name"), name)
    person.type(page.get_by_label("Key"), key)
    person.press(page.get_by_role("button", name="Make the draft"))
    expect(page.get_by_role("heading", name=f"Edit {name}")).to_be_visible()
    third = page.get_by_role("region", name="Stage 3: Production beta")
    person.type(third.get_by_label("Time to wait"), "1s")
    person.press(third.get_by_role("button", name="Require approval"))
    expect(third.get_by_label("People who must approve")).to_be_focused()
    expect(third.get_by_label("Time to wait")).to_have_value("1s")
    person.press(page.get_by_role("button", name="Save and publish…"))
    expect(page.get_by_role("heading", name="A flag that is added now")).to_be_visible()
    person.press(page.get_by_role("button", name="Publish version 1"))
    expect(page.get_by_text("Version 1 was published.")).to_be_visible()


def _add(person: Person, feature: str) -> None:
    page = person.page
    person.press(page.get_by_role("link", name="Add a flag"))
    person.choose(page.get_by_label("Flag", exact=True), f"{feature} ({feature})")
    person.press(page.get_by_role("button", name="Show what would happen"))
    expect(page.get_by_role("heading", name=f"{feature} on")).to_be_visible()
    person.press(page.get_by_role("button", name="Add the flag"))
    expect(page.get_by_text("The flag was added.")).to_be_visible()


def _approve(person: Person, feature: str) -> None:
    page = person.page
    person.press(page.get_by_role("link", name="Approvals"))
    person.press(page.get_by_role("link", name=f"Review and approve {feature}"))
    expect(page.get_by_role("table", name="Exactly this will be applied")).to_contain_text("for segment beta-users")
    person.press(page.get_by_role("button", name="Approve"))
    expect(page.get_by_text("Done: approve.")).to_be_visible()


def _stays(page: Page) -> None:
    """Mark the page, so that a reload would be noticed."""
    page.evaluate("window.isStillTheSamePage = true")


@pytest.mark.parametrize(("kind", "name"), [(MousePerson, "mouse"), (KeyboardPerson, "keys")])
def test_a_flag_goes_from_a_template_to_its_rollback(running: Api, shop: Shop, browser: Browser, kind: type[Person], name: str) -> None:
    feature = f"by-{name}"
    running.post("/projects/shop/features", {"key": feature})
    lena = kind(open_page(browser, running, key_of(running.make_key(f"lena-{name}", {"project": "shop", "role": "admin"}))))
    noah = kind(open_page(browser, running, shop.key))

    _make_pipeline(lena, f"Launch by {name}", f"launch-{name}")
    _add(lena, feature)
    _stays(lena.page)
    now, stages = lena.page.locator("#now"), lena.page.locator("#timeline > ol > li.acted")
    expect(stages).to_have_count(2)
    expect(now).to_contain_text("'Production beta' waits for approval")
    expect(now).to_contain_text("0 of 1 approval given")

    _approve(noah, feature)

    expect(stages).to_have_count(3)
    expect(now).to_contain_text("'Production' waits until")
    assert lena.page.evaluate("window.isStillTheSamePage")

    lena.press(lena.page.get_by_role("link", name="Pause…"))
    lena.type(lena.page.get_by_label("Reason"), "the shop is slow")
    lena.press(lena.page.get_by_role("button", name="Pause"))
    expect(lena.page.get_by_text("Done: pause.")).to_be_visible()
    expect(now).to_contain_text("(the shop is slow)")
    lena.press(lena.page.get_by_role("link", name="Roll back…"))
    expect(lena.page.get_by_role("table", name="in production")).to_contain_text("for segment beta-users")
    lena.press(lena.page.get_by_role("button", name="Roll back"))

    expect(lena.page.get_by_role("heading", name=feature)).to_contain_text("rolled back")
    production = running.get(f"/projects/shop/environments/production/features/{feature}")
    assert (production["enabled"], production["overrides"]) == (False, {})
    for person in (lena, noah):
        person.page.context.close()
