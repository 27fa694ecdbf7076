"""Signing in and out, and when a session ends."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from activities.store.database import Database
from activities.store.keys import hash_secret
from domain.access import Owner
from tests.conftest import serve_without_temporal
from tests.dashboard.conftest import SignIn, key_of
from tests.dashboard.visitor import Visitor
from tests.http import OWNER_KEY, Api

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("path", ["/", "/status", "/projects/shop", "/projects/shop/audit", "/projects/shop/live"])
def test_without_a_session_every_page_asks_for_the_key(api: Api, path: str) -> None:
    answer = httpx.get(f"{api.address}{path}", verify=False)  # noqa: S501  plain HTTP

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


def test_after_signing_in_the_visitor_gets_the_page_that_was_asked_for(api: Api, visitor: Visitor) -> None:
    asked = visitor.look("/projects/shop/audit?feature=checkout")
    to = asked.url.params["to"]

    shown = visitor.sign_in(to)

    assert str(shown.url).endswith("/projects/shop/audit?feature=checkout")


@pytest.mark.parametrize("to", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(api: Api, visitor: Visitor, to: str) -> None:

    shown = visitor.sign_in(to)

    assert str(shown.url).startswith(f"{api.address}/projects")


@pytest.mark.parametrize(
    ("referrer", "to"),
    [("{here}/projects/shop/stops?a=b", "?to=%2Fprojects%2Fshop%2Fstops%3Fa%3Db"), ("https://evil.example/x", ""), ("", "")],
)
def test_a_form_without_a_session_leads_back_to_its_page_if_that_is_here(api: Api, visitor: Visitor, referrer: str, to: str) -> None:
    headers = {"Referer": referrer.format(here=api.address)}

    answer = visitor.client.post("/projects/shop/stops", data={"reason": "late"}, headers=headers, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in{to}")


def test_a_wrong_key_is_refused(api: Api, visitor: Visitor) -> None:
    visitor.key = "fh_guessed"

    refused = visitor.sign_in()

    assert refused.status_code == 401
    assert "unknown or revoked" in refused.text
    assert not visitor.client.cookies


def test_scripts_and_other_sites_cannot_use_the_cookie(api: Api, visitor: Visitor) -> None:
    answer = visitor.client.post("/sign-in", data={"key": OWNER_KEY}, follow_redirects=False)
    behind_tls = visitor.client.post("/sign-in", data={"key": OWNER_KEY}, headers={"X-Forwarded-Proto": "https"}, follow_redirects=False)

    flags = {each.strip().lower() for each in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert "secure" not in flags
    assert behind_tls.headers["set-cookie"].startswith("__Host-flaghoist=")
    assert "secure" in behind_tls.headers["set-cookie"].lower()
    assert OWNER_KEY not in answer.headers["set-cookie"]


def test_a_sign_in_from_another_site_is_refused(api: Api, visitor: Visitor) -> None:

    refused = visitor.client.post("/sign-in", data={"key": OWNER_KEY}, headers={"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403


def test_a_link_from_another_site_is_followed_once_more_from_here(api: Api, visitor: Visitor) -> None:

    shown = visitor.client.get("/projects/shop", headers={"Sec-Fetch-Site": "cross-site"})

    assert '<meta http-equiv="refresh" content="0">' in shown.text


def test_after_signing_out_the_token_is_worth_nothing(sign_in: SignIn) -> None:
    visitor = sign_in()
    cookies = dict(visitor.client.cookies)

    visitor.send("/sign-out")
    visitor.client.cookies.update(cookies)

    assert visitor.look("/projects/shop").url.path == "/sign-in"


def test_revoking_the_key_ends_the_session_at_once(api: Api, sign_in: SignIn) -> None:
    maria = api.make_key("maria", {"project": "shop", "role": "viewer"})
    visitor = sign_in(key_of(maria))
    assert visitor.look("/projects/shop").url.path == "/projects/shop"

    api.request("DELETE", f"/keys/{maria.get('/whoami')['id']}")

    assert visitor.look("/projects/shop").url.path == "/sign-in"


def test_rotating_the_key_ends_the_session_too(api: Api, sign_in: SignIn) -> None:
    maria = api.make_key("maria", {"project": "shop", "role": "viewer"})
    visitor = sign_in(key_of(maria))

    api.post(f"/keys/{maria.get('/whoami')['id']}/rotate")

    assert visitor.look("/projects/shop").url.path == "/sign-in"


def test_a_session_expires(database: Database) -> None:
    later = NOW + timedelta(hours=12)
    with database.transaction() as store:
        key = store.keys.add("maria's", Owner(kind="person", name="maria"), (), "fh_secret", NOW)
        token = store.sessions.begin(key.id, hash_secret("fh_secret"), NOW, later)

    with database.reading() as store:
        before, after = store.sessions.caller(token, later - timedelta(seconds=1)), store.sessions.caller(token, later)

    assert before is not None
    assert before.owner.name == "maria"
    assert after is None


def test_guessing_keys_is_slowed_down(sqlite_url: str) -> None:
    serving = serve_without_temporal(sqlite_url)
    visitor = Visitor(next(serving).address, "fh_guessed")

    answers = {visitor.sign_in().status_code for _ in range(61)}

    assert answers == {401, 429}
    visitor.close()
    next(serving, None)


def test_the_dashboard_can_be_turned_off(sqlite_url: str) -> None:
    serving = serve_without_temporal(sqlite_url, dashboard=False)
    api = next(serving)

    assert api.client.get(f"{api.address}/").status_code == 404
    assert api.client.get(f"{api.address}/sign-in").status_code == 404
    next(serving, None)
