"""Stops and environments without a mouse, and without JavaScript."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.dashboard.browser import open_page
from tests.dashboard.people import KeyboardPerson, MousePerson, Person
from tests.dashboard.shop import Shop
from tests.http import Api

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dashboard")]

HOME = "/projects/shop"


def _place_and_lift_a_stop(person: Person, reason: str) -> None:
    page = person.page
    person.press(page.get_by_role("navigation", name="Main").get_by_role("link", name="Stops and freezes"))
    person.press(page.get_by_role("link", name="Place a stop"))
    person.choose(page.get_by_label("Scope"), "environment production")
    person.type(page.get_by_label("Reason"), reason)
    person.press(page.get_by_role("button", name="Show what changes"))
    expect(page.get_by_role("heading", name="What it holds back")).to_be_visible()
    person.press(page.get_by_role("button", name="Stop", exact=True))
    person.press(page.get_by_role("link", name=f"Lift the stop: {reason}"))
    expect(page.get_by_role("heading", name="What it no longer holds back")).to_be_visible()
    person.type(page.get_by_label("Reason"), "solved")
    person.press(page.get_by_role("button", name="Lift"))
    expect(page.get_by_role("heading", name="Stops and freezes")).to_be_visible()
    expect(page.get_by_role("link", name=f"Lift the stop: {reason}")).to_have_count(0)


def _create_an_environment(person: Person, key: str) -> None:
    page = person.page
    person.press(page.get_by_role("navigation", name="Main").get_by_role("link", name="Environments"))
    person.press(page.get_by_role("link", name="Create an environment"))
    person.type(page.get_by_label(re.compile("^Key")), key)
    person.type(page.get_by_label(re.compile("^Name")), key.capitalize())
    person.press(page.get_by_role("button", name="Create"))
    expect(page.get_by_role("heading", name=f"{key.capitalize()} {key}")).to_be_visible()


@pytest.mark.parametrize(("kind", "javascript", "name"), [(KeyboardPerson, True, "keyboard"), (MousePerson, False, "plain")])
def test_a_stop_is_placed_and_lifted_and_an_environment_created(
    running: Api, shop: Shop, browser: Browser, kind: type[Person], javascript: bool, name: str
) -> None:
    person = kind(open_page(browser, running, shop.key, java_script_enabled=javascript))

    _place_and_lift_a_stop(person, f"an incident, by {name}")
    _create_an_environment(person, name)

    stops = running.get(f"{HOME}/stops", standing="false")["items"]
    assert [each["lifted_by"] for each in stops if each["reason"] == f"an incident, by {name}"] == [stops[0]["placed_by"]]
    assert running.get(f"{HOME}/environments/{name}")["name"] == name.capitalize()
    running.request("DELETE", f"{HOME}/environments/{name}")
    person.page.context.close()


def test_the_form_that_lifts_a_stop_has_no_accessibility_violation(running: Api, shop: Shop, browser: Browser) -> None:
    stop = running.post(f"{HOME}/stops", {"reason": "an incident", "environment": "production"})["id"]
    page = open_page(browser, running, shop.key)

    page.goto(f"{running.address}{HOME}/stops/{stop}/lift")

    assert Axe().run(page).response["violations"] == []
    running.post(f"{HOME}/stops/{stop}/lift")
    page.context.close()
