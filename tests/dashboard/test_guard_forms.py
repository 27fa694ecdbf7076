"""Stops and freezes from the dashboard: what they would hold back is shown before they are made."""

import re

import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.test_environments import hidden
from tests.http import Api
from tests.pipelines import pipeline, stage

HOME = "/projects/shop"
STOP = {"/scope": "environment:staging", "/reason": "moving the database"}
HOLIDAYS = {"/name": "Holidays", "/starts_at": "2030-12-23T18:00", "/ends_at": "2031-01-02T08:00", "/timezone": "Europe/Berlin"}


def _effects(page: str) -> str:
    """Return the text of the list of what would be held back, or no longer be held back."""
    found = re.search(r"What it (?:no longer )?holds back</h[23]>(.*?)</ul>", page, re.DOTALL)
    assert found
    return re.sub(r"<[^>]+>", "", found[1])


def test_a_stop_names_the_releases_and_stages_that_it_would_hold_back_and_is_then_placed(api: Api, sign_in: SignIn) -> None:
    api.publish(pipeline(stage("Development", wait="1d"), stage("Staging", "staging", "2d"), stage("Production", "production", "3d")))
    api.publish(pipeline(stage("Only here", wait="1d"), key="other"))
    api.post(f"{HOME}/features", {"key": "elsewhere"})
    api.add()
    api.add("elsewhere", "other")
    visitor = sign_in()

    shown = visitor.send(f"{HOME}/stops/new", **STOP)
    assert api.get(f"{HOME}/stops")["items"] == []
    placed = visitor.send(f"{HOME}/stops/new", **STOP, confirmed=hidden(shown, "confirmed"))

    assert "checkout on Standard: ‘Staging’ in staging" in _effects(shown.text)
    assert "Production" not in _effects(shown.text)
    assert "elsewhere" not in _effects(shown.text)
    assert placed.url.path == f"{HOME}/stops"
    [stop] = api.get(f"{HOME}/stops")["items"]
    assert (stop["environment"], stop["reason"]) == ("staging", "moving the database")


def test_a_stop_that_holds_nothing_back_says_so(sign_in: SignIn) -> None:
    assert "No release has a stage that it would hold back." in _effects(sign_in().send(f"{HOME}/stops/new", **STOP).text)


def test_lifting_a_stop_first_names_the_stages_that_only_it_holds_back(api: Api, sign_in: SignIn) -> None:
    api.publish(pipeline(stage("Development", wait="1d"), stage("Staging", "staging", "2d"), stage("Production", "production", "3d")))
    api.add()
    api.post(f"{HOME}/stops", {"reason": "an incident"})
    [stop] = api.get(f"{HOME}/stops")["items"]
    other = api.post(f"{HOME}/stops", {"reason": "moving the database", "environment": "staging"})["id"]
    visitor = sign_in()
    lift = f"{HOME}/stops/{stop['id']}/lift"

    shown = visitor.look(lift)
    assert [each["id"] for each in api.get(f"{HOME}/stops")["items"]] == [other, stop["id"]]
    lifted = visitor.send(lift, **{"/reason": "solved"}, etag=hidden(shown, "etag"))

    assert lifted.url.path == f"{HOME}/stops"
    assert "stopped the project at" in shown.text
    assert "checkout on Standard: ‘Development’ in development" in _effects(shown.text)
    assert "‘Production’ in production" in _effects(shown.text)
    assert "‘Staging’" not in _effects(shown.text)
    assert [each["id"] for each in api.get(f"{HOME}/stops")["items"]] == [other]
    assert api.get("/audit", event="stop.lifted")["items"][0]["reason"] == "solved"


def test_a_stop_that_somebody_else_has_lifted_is_shown_as_it_is_now(api: Api, sign_in: SignIn) -> None:
    stop = api.post(f"{HOME}/stops", {"reason": "an incident"})["id"]
    visitor = sign_in()
    shown = visitor.look(f"{HOME}/stops/{stop}/lift")
    api.post(f"{HOME}/stops/{stop}/lift")

    refused = visitor.send(f"{HOME}/stops/{stop}/lift", **{"/reason": "solved"}, etag=hidden(shown, "etag"))

    assert refused.status_code == 412
    assert "It is no longer in force." in refused.text
    assert 'value="solved"' in refused.text


def test_an_operator_is_refused_before_lifting_the_stop_of_somebody_else(api: Api, sign_in: SignIn) -> None:
    stop = api.post(f"{HOME}/stops", {"reason": "an incident", "environment": "staging"})["id"]
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["staging"]})))

    refused = operator.look(f"{HOME}/stops/{stop}/lift")

    assert refused.status_code == 403
    assert "only they or an admin of the project can lift it" in refused.text


def test_deleting_a_freeze_first_names_the_stages_that_it_holds_back(api: Api, sign_in: SignIn) -> None:
    api.publish(pipeline(stage("Development", wait="1d"), stage("Production", "production", "3d")))
    api.add()
    period = {"starts_at": "2026-01-01T00:00:00Z", "ends_at": "2031-01-02T08:00:00Z"}
    freeze = api.post(f"{HOME}/freezes", {"name": "Holidays", "environments": ["production"], **period})["id"]
    visitor = sign_in()

    shown = visitor.look(f"{HOME}/freezes/{freeze}/delete")
    assert len(api.get(f"{HOME}/freezes")["items"]) == 1
    visitor.send(f"{HOME}/freezes/{freeze}/delete", etag=hidden(shown, "etag"))

    assert "‘Holidays’ freezes production from" in shown.text
    assert "checkout on Standard: ‘Production’ in production" in _effects(shown.text)
    assert "Development" not in _effects(shown.text)
    assert api.get(f"{HOME}/freezes")["items"] == []


def test_a_freeze_is_shown_and_then_created(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    form = HOLIDAYS | {"/environments/production": "on"}

    shown = visitor.send(f"{HOME}/freezes/new", **form)
    assert api.get(f"{HOME}/freezes")["items"] == []
    assert "<ins>2030-12-23 17:00:00 UTC</ins>" in shown.text
    assert 'type="datetime-local" value' not in shown.text
    assert 'value="2030-12-23T18:00" type="datetime-local"' in shown.text
    assert 'value="Europe/Berlin"' in shown.text
    visitor.send(f"{HOME}/freezes/new", **form, confirmed=hidden(shown, "confirmed"))

    [freeze] = api.get(f"{HOME}/freezes")["items"]
    assert (freeze["starts_at"], freeze["environments"]) == ("2030-12-23T17:00:00Z", ["production"])


def test_a_mistake_in_a_freeze_is_named_at_its_field(sign_in: SignIn) -> None:
    refused = sign_in().send(f"{HOME}/freezes/new", **HOLIDAYS | {"/starts_at": "tomorrow"})

    assert refused.status_code == 422
    assert 'id="/starts_at-problem"' in refused.text
    assert "tomorrow" in refused.text


@pytest.mark.parametrize("path", ["stops/new", "freezes/new"])
def test_a_viewer_is_offered_no_form_and_refused_if_it_is_sent(api: Api, sign_in: SignIn, path: str) -> None:
    viewer = sign_in(key_of(api.make_key("vera", {"project": "shop", "role": "viewer"})))

    assert path not in viewer.look(f"{HOME}/stops").text
    assert viewer.look(f"{HOME}/{path}").status_code == 403
    assert viewer.send(f"{HOME}/{path}", **STOP, **HOLIDAYS).status_code == 403


def test_an_operator_is_not_shown_a_stop_that_only_an_admin_may_place(api: Api, sign_in: SignIn) -> None:
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["staging"]})))

    assert operator.send(f"{HOME}/stops/new", **STOP).status_code == 200
    assert operator.send(f"{HOME}/stops/new", **STOP | {"/scope": "project"}).status_code == 403
