"""Metric sources from the dashboard."""

import pytest

from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.forms import fields_of
from tests.dashboard.test_environments import hidden
from tests.http import Api
from tests.receiver import receiving

SOURCES, METRICS = "/projects/shop/sources", "/projects/shop/metrics"
SECRET = "the-credential-of-a-source"  # noqa: S105  of no one
URL = "http://127.0.0.1:1/metrics"


@pytest.fixture
def source(api: Api) -> str:
    """The page of a source with a credential."""
    body = {"key": "web", "name": "Web", "kind": "http", "address": URL, "username": "reader", "credential": SECRET, "calls": 2}
    return f"{SOURCES}/{api.post(SOURCES, body)['key']}"


def test_a_source_is_created_and_its_credential_never_shown(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    form = fields_of(visitor.look(f"{SOURCES}/new"), "act")
    assert 'name="/credential" type="password"' in visitor.look(f"{SOURCES}/new").text

    made = visitor.client.post(f"{SOURCES}/new", data=form | {"/key": "web", "/kind": "http", "/address": URL, "/credential": SECRET})

    assert "Done." in made.text
    assert "stored, encrypted" in made.text
    found = api.get(f"{SOURCES}/web")
    assert (found["name"], found["calls"], found["has_credential"]) == ("web", 4, True)
    pages = [made, *(visitor.look(path) for path in (f"{SOURCES}/web", f"{SOURCES}/web/edit", METRICS, "/projects/shop/audit"))]
    assert [page for page in pages if SECRET in page.text] == []


def test_a_refused_form_keeps_everything_but_the_credential(sign_in: SignIn) -> None:
    typed = {"/key": "web", "/kind": "http", "/address": "https://user@shop.example", "/credential": SECRET, "/calls": "many"}

    refused = sign_in().send(f"{SOURCES}/new", **typed)

    assert refused.status_code == 422
    assert "must not contain a user".capitalize() in refused.text.partition('id="/address-problem">')[2]
    assert 'id="/calls-problem">Must be a whole number.' in refused.text
    assert fields_of(refused, "act")["/key"] == "web"
    assert SECRET not in refused.text


def test_a_source_is_changed_and_keeps_its_credential_unless_its_address_changes(api: Api, sign_in: SignIn, source: str) -> None:
    visitor = sign_in()

    def change(**typed: str) -> None:
        answer = visitor.client.post(f"{source}/edit", data=fields_of(visitor.look(f"{source}/edit"), "act") | typed)
        assert "Done." in answer.text

    change(**{"/name": "The web", "/calls": "3"})
    kept = api.get(source)
    change(**{"/address": "http://127.0.0.1:2"})
    moved = api.get(source)
    change(**{"/address": URL, "/credential": SECRET})

    assert (kept["name"], kept["calls"], kept["username"], kept["has_credential"]) == ("The web", 3, "reader", True)
    assert (moved["address"], moved["has_credential"]) == ("http://127.0.0.1:2", False)
    assert api.get(source)["has_credential"]


def test_a_stale_form_is_refused(api: Api, sign_in: SignIn, source: str) -> None:
    visitor = sign_in()
    form = fields_of(visitor.look(f"{source}/edit"), "act") | {"/name": "Mine"}
    api.request("PUT", source, {"key": "web", "name": "Theirs", "kind": "http", "address": URL})

    refused = visitor.client.post(f"{source}/edit", data=form)

    assert refused.status_code == 412
    assert fields_of(refused, "act")["/name"] == "Mine"
    assert api.get(source)["name"] == "Theirs"


def test_a_check_says_whether_the_source_answers_and_loading_the_page_asks_nothing(api: Api, sign_in: SignIn) -> None:
    visitor = sign_in()
    with receiving() as server:
        api.post(SOURCES, {"key": "web", "kind": "http", "address": f"http://127.0.0.1:{server.port}"})
        visitor.look(f"{SOURCES}/web")
        assert server.received == []
        works = visitor.send(f"{SOURCES}/web/check")
        assert len(server.received) == 1
    fails = visitor.send(f"{SOURCES}/web/check")

    assert "It answers." in works.text
    assert "It does not answer." in fails.text


def test_a_source_in_use_is_not_deleted(api: Api, sign_in: SignIn, source: str) -> None:
    api.post(METRICS, {"key": "load", "source": "web", "query": "/load", "pointer": "/value"})
    visitor = sign_in()

    asked = visitor.look(f"{source}/delete")
    refused = visitor.send(f"{source}/delete", etag=hidden(asked, "etag"))
    assert "It is still in use: metric load." in asked.text
    assert f"{source}/delete" not in visitor.look(source).text
    assert refused.status_code == 409
    api.request("DELETE", f"{METRICS}/load")
    deleted = visitor.send(f"{source}/delete", etag=hidden(asked, "etag"))

    assert deleted.url.path == METRICS
    assert api.get(SOURCES)["items"] == []


def test_only_admins_see_addresses_or_change_sources(api: Api, sign_in: SignIn, source: str) -> None:
    operator = sign_in(key_of(api.make_key("olga", {"project": "shop", "role": "operator", "environments": ["*"]})))

    shown = operator.look(METRICS).text + operator.look(source).text
    assert "Web" in shown
    assert URL not in shown
    assert "reader" not in shown
    for path in (f"{SOURCES}/new", f"{source}/edit", f"{source}/delete"):
        assert operator.look(path).status_code == 403
    for path in (f"{SOURCES}/new", f"{source}/edit", f"{source}/delete", f"{source}/check"):
        assert operator.send(path, **{"/key": "mine", "/kind": "http", "/address": URL}).status_code == 403
    assert api.get(source)["name"] == "Web"
